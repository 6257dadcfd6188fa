//! Accounts no person uses, by their address or name.
//!
//! The families are anchored: they look at whole words of the part before the `@` and never at a
//! domain, so that people called Abbott or Bot and companies called Robotics stay in.

use crate::user::DirectoryUser;

/// The family of service accounts `user` belongs to, if it looks like one.
pub(super) fn family(user: &DirectoryUser) -> Option<&'static str> {
    let locals: Vec<String> = [&user.user_principal_name, &user.mail]
        .into_iter()
        .flatten()
        .map(|address| local_part(address))
        .collect();
    let service = locals.iter().find_map(|local| service(local));
    let has_personal_name = user.given_name.is_some() && user.surname.is_some();
    let machine = || locals.iter().find_map(|local| machine(local)).filter(|_| !has_personal_name);
    let mailbox = || user.display_name.as_deref().and_then(|name| mailbox(&name.to_lowercase()));
    service.or_else(machine).or_else(mailbox)
}

fn local_part(address: &str) -> String {
    address.rsplit_once('@').map_or(address, |(local, _)| local).to_lowercase()
}

/// Families that no person's address has.
fn service(local: &str) -> Option<&'static str> {
    let words = words(local);
    let has = |runs: &[&[&str]]| runs.iter().any(|run| has_run(&words, run));
    if starts_apart(local, "svc")
        || words.starts_with(&["service", "account"])
        || local.starts_with("serviceaccount")
    {
        Some("service account")
    } else if has(&[&["noreply"], &["no", "reply"], &["donotreply"], &["do", "not", "reply"]]) {
        Some("no reply")
    } else if has(&[&["mailer", "daemon"]]) {
        Some("mailer daemon")
    } else if has(&[&["shared", "mailbox"], &["sharedmailbox"]]) {
        Some("shared mailbox")
    } else {
        None
    }
}

/// Families that could be somebody's initials or name (`sa.miller`, `jan.bot`): they count only
/// for accounts without a personal name, and a surname after a dot is left alone.
fn machine(local: &str) -> Option<&'static str> {
    let dashed: Vec<&str> = local.split(['-', '_']).collect();
    let stands_outside = |word: &&str| dashed.first() == Some(word) || dashed.last() == Some(word);
    let system = ["sa", "system"].into_iter().find(|word| starts_apart(local, word));
    system.or_else(|| ["automated", "automation", "bot", "daemon"].into_iter().find(stands_outside))
}

/// Names of mailboxes.
fn mailbox(name: &str) -> Option<&'static str> {
    let words = words(name);
    [
        (&["shared", "mailbox"][..], "shared mailbox"),
        (&["service", "account"], "service account"),
        (&["no", "reply"], "no reply"),
        (&["noreply"], "no reply"),
        (&["do", "not", "reply"], "no reply"),
    ]
    .into_iter()
    .find_map(|(run, family)| has_run(&words, run).then_some(family))
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect()
}

fn has_run(words: &[&str], run: &[&str]) -> bool {
    words.windows(run.len()).any(|window| window == run)
}

/// Whether `word` stands at the beginning and something is set apart from it.
fn starts_apart(local: &str, word: &str) -> bool {
    local.strip_prefix(word).is_some_and(|rest| rest.starts_with(['-', '_', '.']))
}
