//! Which directory users become contacts.
//!
//! The families of service accounts are anchored: they look at whole words of the part before the
//! `@` and never at a domain, so that people called Abbott or Bot and companies called Robotics
//! stay in.

use serde::{Deserialize, Serialize};

use crate::user::{Addresses, DirectoryUser, UserKind};

/// The operator's choice of people.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScopeRules {
    /// Take invited accounts too.
    pub include_guests: bool,
    /// Take accounts that look like service accounts too.
    pub include_service_accounts: bool,
}

/// Why a user is left out. The wire names are the PSA's where it has one.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exclusion {
    /// Sign-in is blocked and no contact is linked.
    AccountDisabled,
    /// An operator has decided that this person is not to be synced.
    DismissedByOperator,
    /// An invited account.
    Guest,
    /// No usable e-mail address.
    MissingIdentity,
    /// The PSA protects the contact: the sync never writes it.
    ProtectedContact,
    /// Looks like an account no person uses.
    ServiceAccount,
}

impl Exclusion {
    /// One sentence for the operator.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::AccountDisabled => "sign-in is blocked in the directory and no contact is linked",
            Self::DismissedByOperator => "an operator dismissed this person in the review queue",
            Self::Guest => "an invited (guest) account; its home is another company's directory",
            Self::MissingIdentity => "no usable e-mail address in the directory",
            Self::ProtectedContact => "the PSA protects this person's contact: the sync does not write it",
            Self::ServiceAccount => "the address or name is that of a service account",
        }
    }
}

impl ScopeRules {
    /// Why `user` is left out; `None` = it is taken. Whether the account is disabled is the
    /// planner's concern, because that depends on whether a contact is linked.
    pub fn exclusion(&self, user: &DirectoryUser, addresses: &Addresses) -> Option<Exclusion> {
        if user.kind == UserKind::Guest && !self.include_guests {
            Some(Exclusion::Guest)
        } else if !self.include_service_accounts && is_service_account(user) {
            Some(Exclusion::ServiceAccount)
        } else if addresses.primary.is_none() {
            Some(Exclusion::MissingIdentity)
        } else {
            None
        }
    }
}

fn is_service_account(user: &DirectoryUser) -> bool {
    let locals = [&user.user_principal_name, &user.mail];
    let mut locals = locals.into_iter().flatten().map(|address| local_part(address));
    let has_personal_name = user.given_name.is_some() && user.surname.is_some();
    locals.any(|local| names_a_service(&local) || (!has_personal_name && names_a_machine(&local)))
        || user.display_name.as_deref().is_some_and(|name| names_a_mailbox(&name.to_lowercase()))
}

fn local_part(address: &str) -> String {
    address.rsplit_once('@').map_or(address, |(local, _)| local).to_lowercase()
}

/// Families that no person's address has.
fn names_a_service(local: &str) -> bool {
    let words = words(local);
    starts_with_word(local, &["svc"])
        || starts_with_word(local, &["service", "account"])
        || local.starts_with("serviceaccount")
        || has_run(&words, &["noreply"])
        || has_run(&words, &["no", "reply"])
        || has_run(&words, &["donotreply"])
        || has_run(&words, &["do", "not", "reply"])
        || has_run(&words, &["mailer", "daemon"])
        || has_run(&words, &["shared", "mailbox"])
        || has_run(&words, &["sharedmailbox"])
}

/// Families that could be somebody's initials or name (`sa.miller`, `jan.bot`): they count only
/// for accounts without a personal name, and a surname after a dot is left alone.
fn names_a_machine(local: &str) -> bool {
    const MACHINES: [&str; 4] = ["automated", "automation", "bot", "daemon"];
    let starts = ["sa", "system"]
        .iter()
        .any(|word| local.strip_prefix(word).is_some_and(|rest| rest.starts_with(['-', '_', '.'])));
    let dashed: Vec<&str> = local.split(['-', '_']).collect();
    starts || MACHINES.iter().any(|machine| dashed.first() == Some(machine) || dashed.last() == Some(machine))
}

fn names_a_mailbox(name: &str) -> bool {
    let words = words(name);
    [
        &["shared", "mailbox"][..],
        &["service", "account"],
        &["no", "reply"],
        &["noreply"],
        &["do", "not", "reply"],
    ]
    .iter()
    .any(|run| has_run(&words, run))
}

fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty()).collect()
}

fn has_run(words: &[&str], run: &[&str]) -> bool {
    words.windows(run.len()).any(|window| window == run)
}

fn starts_with_word(local: &str, run: &[&str]) -> bool {
    let words = words(local);
    local.starts_with(run[0]) && words.len() > run.len() && words.starts_with(run)
        || (run.len() > 1 && words.starts_with(run))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use uuid::Uuid;

    use super::*;
    use crate::{ids::EntraObjectId, user::RawUser};

    fn exclusion(name: &str, upn: &str, personal: bool) -> Option<Exclusion> {
        let raw = RawUser {
            display_name: Some(name.into()),
            user_principal_name: Some(upn.into()),
            mail: Some(upn.into()),
            given_name: personal.then(|| "Given".into()),
            surname: personal.then(|| "Surname".into()),
            ..RawUser::default()
        };
        let user = DirectoryUser::new(EntraObjectId::new(Uuid::nil()), raw);
        ScopeRules::default().exclusion(&user, &user.addresses(&BTreeSet::new()))
    }

    #[test]
    fn people_and_companies_are_not_service_accounts() {
        for (name, upn) in [
            ("Tom Abbott", "tom.abbott@acme.example"),
            ("Grace Talbot", "talbot@acme.example"),
            ("Louis Botha", "lbotha@acme.example"),
            ("Jan Bot", "jan.bot@acme.example"),
            ("Ann Robot", "ann@robotics.example"),
            ("Bot", "mira@bot.example"),
            ("Sven Cook", "svcook@acme.example"),
            ("Systema Ltd Reception", "systema@acme.example"),
            ("Shared Services Lead", "lead@acme.example"),
            ("Noreen Plyer", "noreen.plyer@acme.example"),
        ] {
            assert_eq!(exclusion(name, upn, true), None, "{upn}");
            assert_eq!(exclusion(name, upn, false), None, "{upn} without a personal name");
        }
        for upn in ["sa.miller@acme.example", "system.admin@acme.example", "slack-bot@acme.example"] {
            assert_eq!(exclusion("S. A. Miller", upn, true), None, "{upn}: given and family name");
        }
    }

    #[test]
    fn service_accounts_are_left_out() {
        for (name, upn) in [
            ("Backup", "svc-backup@acme.example"),
            ("Backup", "svc_backup@acme.example"),
            ("x", "service.account@acme.example"),
            ("x", "serviceaccount7@acme.example"),
            ("x", "noreply@acme.example"),
            ("x", "no-reply@acme.example"),
            ("x", "invoices.no_reply@acme.example"),
            ("x", "do-not-reply@acme.example"),
            ("x", "donotreply@acme.example"),
            ("x", "slack-bot@acme.example"),
            ("x", "bot@acme.example"),
            ("x", "sa-sql@acme.example"),
            ("x", "system.alerts@acme.example"),
            ("Shared Mailbox Info", "info@acme.example"),
        ] {
            assert_eq!(exclusion(name, upn, false), Some(Exclusion::ServiceAccount), "{upn}");
        }
    }

    #[test]
    fn guests_and_people_without_an_address_are_left_out_unless_asked_for() {
        assert_eq!(
            exclusion("Ola", "ola_partner.no#EXT#@acme.onmicrosoft.com", true),
            Some(Exclusion::Guest)
        );
        assert_eq!(exclusion("Nobody", "nobody", true), Some(Exclusion::MissingIdentity));
    }
}
