//! `links`.

use ::sync::{
    ChangeRequest, LinkFilter, LinkStanding, LinkView, NotChanged, change, links,
    views::{LineView, RunDetailView},
};
use domain::{
    ids::{EntraObjectId, ManagedTenantId},
    ledger::{LinkChange, Wish},
    mandate::Mandate,
    run::RunStatus,
};
use serde::Serialize;

use super::{
    Context,
    sync::{ending, hidden, lines_table, not_begun, run_table, tenant_lines, tenant_names},
};
use crate::{
    Ending,
    arguments::{LinksArguments, LinksCommand, OutputForm, WhoseLinks},
    output::{self, Failure, Talk},
    watch,
};

/// Links that are asked for at once.
const AT_ONCE: usize = 500;

pub(crate) async fn run(context: &Context, options: &LinksArguments) -> Result<Ending, Failure> {
    match options.command.clone() {
        LinksCommand::List { tenant, client, standing, text, limit } => {
            let filter = LinkFilter { tenant, client, standing: standing.map(Into::into), text };
            list(context, &filter, usize::from(limit)).await
        }
        LinksCommand::Cut { whose, forget, preview } => {
            let change = if forget { LinkChange::Forget } else { LinkChange::Cut };
            let wishes = selected(context, &whose).await?;
            change_links(context, whose.tenant, change, wishes, preview).await
        }
        LinksCommand::Move { tenant, person, contact, preview } => {
            let object = named(context, tenant, &person).await?;
            let wishes = vec![Wish { object, contact: Some(contact) }];
            change_links(context, tenant, LinkChange::Move, wishes, preview).await
        }
        LinksCommand::Rematch { whose, preview } => {
            let wishes = selected(context, &whose).await?;
            change_links(context, whose.tenant, LinkChange::Rematch, wishes, preview).await
        }
    }
}

async fn list(context: &Context, filter: &LinkFilter, limit: usize) -> Result<Ending, Failure> {
    let house = &context.house;
    let (found, is_more) = found(context, filter, limit).await?;
    let names = tenant_names(house).await?;
    output::result(context.output, &found, || {
        let row =
            |link: &LinkView| row(link, names.get(&link.managed_tenant_id).cloned().unwrap_or_default());
        let header = ["tenant", "person", "e-mail", "link", "contact", "object id"];
        output::table(&header, found.iter().map(row).collect(), 6)
    })?;
    if is_more {
        Talk::say("There are more; ask for them with --limit, or narrow the list.");
    }
    Ok(Ending::Done)
}

/// At most `limit` links, and whether there are more.
async fn found(
    context: &Context,
    filter: &LinkFilter,
    limit: usize,
) -> Result<(Vec<LinkView>, bool), Failure> {
    let house = &context.house;
    let (mut found, mut place) = (Vec::new(), None);
    loop {
        let left = limit.saturating_sub(found.len());
        let listed = links(&house.store, house.workspace, filter, place, left.min(AT_ONCE)).await?;
        found.extend(listed.links);
        match listed.next {
            None => return Ok((found, false)),
            Some(_) if found.len() >= limit => return Ok((found, true)),
            next => place = next,
        }
    }
}

/// The people who are named, or whose links fit the filter.
async fn selected(context: &Context, whose: &WhoseLinks) -> Result<Vec<Wish>, Failure> {
    let mut people = Vec::new();
    for person in &whose.person {
        people.push(named(context, whose.tenant, person).await?);
    }
    if people.is_empty() {
        if whose.standing.is_none() && whose.text.is_none() && whose.client.is_none() && !whose.all {
            return Err(Failure::new(
                "people_missing",
                "Nobody is named, so no link was changed.",
                "Name people with `--person`, or links with `--standing`, `--client` or `--text`; `--all` means \
                 every link of the tenant.",
            ));
        }
        let standing = whose.standing.map(Into::into);
        let filter = LinkFilter {
            tenant: Some(whose.tenant),
            client: whose.client,
            standing,
            text: whose.text.clone(),
        };
        let (links, _) = found(context, &filter, usize::MAX).await?;
        let is_linked = |link: &&LinkView| link.standing != LinkStanding::Ended;
        people.extend(links.iter().filter(is_linked).map(|link| link.entra_object_id));
    }
    people.sort_unstable();
    people.dedup();
    Ok(people.into_iter().map(|object| Wish { object, contact: None }).collect())
}

/// The person with this object id, or with this address when last seen.
async fn named(context: &Context, tenant: ManagedTenantId, who: &str) -> Result<EntraObjectId, Failure> {
    if let Ok(object) = who.parse() {
        return Ok(object);
    }
    let filter = LinkFilter { tenant: Some(tenant), text: Some(who.to_owned()), ..LinkFilter::default() };
    let (found, _) = found(context, &filter, usize::MAX).await?;
    let has_address =
        |link: &&LinkView| link.email.as_deref().is_some_and(|email| email.eq_ignore_ascii_case(who.trim()));
    let mut people = found.iter().filter(has_address).map(|link| link.entra_object_id);
    match (people.next(), people.next()) {
        (Some(person), None) => Ok(person),
        (None, _) => Err(Failure::new(
            "not_linked",
            format!("Nobody with the address `{who}` is or was linked in this tenant. Nothing was changed."),
            "Take the object id or the address from `entra-sync links list`.",
        )),
        (Some(_), Some(_)) => Err(Failure::new(
            "person_named_twice",
            format!("More than one person of this tenant has the address `{who}`. Nothing was changed."),
            "Name the person by the object id that `entra-sync links list` shows.",
        )),
    }
}

/// One run of the change, with its lines.
#[derive(Serialize)]
struct ChangedView {
    #[serde(flatten)]
    detail: RunDetailView,
    lines: Vec<LineView>,
}

async fn change_links(
    context: &Context,
    tenant: ManagedTenantId,
    to: LinkChange,
    wishes: Vec<Wish>,
    preview: bool,
) -> Result<Ending, Failure> {
    let house = &context.house;
    let (mut views, mut texts) = (Vec::new(), Vec::new());
    let (mut end, mut is_planned) = (Ending::Done, false);
    let names = tenant_names(house).await?;
    for part in wishes.chunks(::sync::LINKS_PER_RUN) {
        let wishes = part.to_vec();
        let workspace = house.workspace;
        let request =
            ChangeRequest { workspace, tenant, change: to, wishes, preview, mandate: Mandate::Machine };
        let begun = change(&house.sync, request).await.map_err(not_changed)?;
        let label = if preview { "planning" } else { "changing links" };
        let progress = watch::run(house, begun.run.id, label).await?;
        let status = progress.run.run_status;
        let lines = tenant_lines(house, progress.run.id, tenant).await?;
        let hidden = hidden(house).await?;
        is_planned |= lines.iter().any(|(_, of_run)| of_run.line.writes_contact());
        if status != RunStatus::Completed {
            end = ending(status);
        }
        let detail = RunDetailView::from(progress);
        texts.push(format!("{}\n{}", lines_table(&lines, &names, &hidden, true), run_table(&detail, &names)));
        views.push(ChangedView { detail, lines: lines.iter().map(|(_, line)| line.view(&hidden)).collect() });
    }
    output::result(context.output, &views, || match texts.as_slice() {
        [] => "No link fits, so nothing was changed.".to_owned(),
        texts => texts.join("\n\n"),
    })?;
    if preview && context.output == OutputForm::Table {
        for view in &views {
            let run = view.detail.run.run_id;
            Talk::say(format_args!("Nothing was written. `runs apply {run}` carries out exactly this."));
        }
    }
    Ok(match end {
        Ending::Done if preview && is_planned => Ending::ChangesPlanned,
        end => end,
    })
}

fn row(link: &LinkView, tenant: String) -> Vec<String> {
    let contact = match (&link.contact_name, link.contact_name_id) {
        (Some(name), Some(id)) => {
            let inactive = if link.contact_inactive == Some(true) { " (inactive)" } else { "" };
            format!("{name}{inactive}\n{id}")
        }
        (None, Some(id)) => format!("(not there)\n{id}"),
        _ => String::new(),
    };
    let kept = if link.kept { ", kept" } else { "" };
    vec![
        tenant,
        link.display_name.clone().unwrap_or_default(),
        link.email.clone().unwrap_or_default(),
        format!("{}{kept}", link.standing.name()),
        contact,
        link.entra_object_id.to_string(),
    ]
}

fn not_changed(error: NotChanged) -> Failure {
    match error {
        NotChanged::NotBegun(error) => not_begun(&error),
        NotChanged::ContactNotFound(contact) => Failure::new(
            "contact_not_found",
            format!(
                "There is no contact {contact} at the client that the tenant is mapped to. Nothing was changed."
            ),
            "Take a contact of that client; `entra-sync export contacts` lists them.",
        ),
        NotChanged::Contradiction(object) => Failure::new(
            "person_named_twice",
            format!("{object} is named twice. Nothing was changed."),
            "Name each person once.",
        ),
        NotChanged::HowMany(count) => Failure::new(
            "too_many_people",
            format!("{count} people are named. Nothing was changed."),
            "Name fewer at once.",
        ),
        NotChanged::NotLinked(people) => {
            let some: Vec<String> = people.iter().take(3).map(ToString::to_string).collect();
            let more = if people.len() > some.len() { " and others" } else { "" };
            Failure::new(
                "not_linked",
                format!("No link of {}{more} could be changed. Nothing was changed.", some.join(", ")),
                "Take people from `entra-sync links list`.",
            )
        }
        NotChanged::UnknownTenant => Failure::new(
            "unknown_tenant",
            "There is no tenant with this id.",
            "Take the id from `entra-sync map`.",
        ),
    }
}
