//! `duplicates`.

use std::collections::BTreeMap;

use ::people::duplicates::{CopyView, Duplicates, GroupView, find};
use domain::ids::ClientId;

use super::Context;
use crate::{
    Ending,
    arguments::DuplicatesArguments,
    output::{self, Failure, Talk, count},
};

pub(crate) async fn run(context: &Context, options: &DuplicatesArguments) -> Result<Ending, Failure> {
    let (store, workspace) = (&context.house.store, context.house.workspace);
    let names: BTreeMap<ClientId, String> =
        store.clients(workspace).await?.into_iter().map(|client| (client.id, client.name)).collect();
    if let Some(unknown) = options.client.filter(|client| !names.contains_key(client)) {
        return Err(Failure::new(
            "unknown_client",
            format!("There is no client {unknown}."),
            "Take an id from `entra-sync export clients`.",
        ));
    }
    let mut found = Vec::new();
    for client in names.keys().filter(|client| options.client.is_none_or(|only| only == **client)) {
        found.extend(find(store, workspace, *client).await?);
    }
    output::result(context.output, &found, || told(&found, &names))?;
    if !found.is_empty() {
        Talk::say("Nothing was written. Merge them in the PSA; the next import takes over what is left.");
    }
    Ok(Ending::Done)
}

fn told(found: &[Duplicates], names: &BTreeMap<ClientId, String>) -> String {
    if found.is_empty() {
        return "No two contacts seem to be one person.".to_owned();
    }
    let mut rows = Vec::new();
    for client in found {
        let name = names.get(&client.client_id).cloned().unwrap_or_default();
        rows.extend(client.groups.iter().map(|group| row(&name, group)));
    }
    let mut text = output::table(&["client", "keep", "merge into it", "why"], rows, 4);
    for client in found {
        let name = names.get(&client.client_id).map(String::as_str).unwrap_or_default();
        let (before, after) = (client.active_contacts as u64, client.active_after_merge as u64);
        text.extend(["\n", name, ": ", &count(before), " contacts would be ", &count(after), "."]);
    }
    text
}

/// Copies shown of one person; the JSON document has them all.
const SHOWN: usize = 5;

fn row(client: &str, group: &GroupView) -> Vec<String> {
    let address = |email: &Option<String>| email.clone().unwrap_or_else(|| "no address".to_owned());
    let keep = &group.keep;
    let linked = if keep.is_linked { ", linked" } else { "" };
    let copy = |copy: &CopyView| format!("{} ({})", copy.contact.full_name, address(&copy.contact.email));
    let mut copies: Vec<String> = group.merge.iter().take(SHOWN).map(copy).collect();
    if group.merge.len() > SHOWN {
        copies.push(format!("and {} more", group.merge.len() - SHOWN));
    }
    let mut why: Vec<&str> = group.merge.iter().map(|copy| copy.explanation).collect();
    why.sort_unstable();
    why.dedup();
    vec![
        client.to_owned(),
        format!("{} ({}{linked})\n{}", keep.full_name, address(&keep.email), keep.contact_name_id),
        copies.join("\n"),
        why.join("\n"),
    ]
}
