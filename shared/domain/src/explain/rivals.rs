//! Contacts that something speaks for, and why the person was not linked to them.

use serde::Serialize;

use super::{
    Case,
    summary::{Outcome, main_line, proposal},
};
use crate::{
    contact::Owner,
    email::EmailAddress,
    ids::{ClientId, ContactId},
    inventory::ReviewState,
    plan::{Action, Conflict, Line, Rule},
    planner::{Tried, capitalised, client_name, shown},
};

/// A contact the person was not linked to although something speaks for it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Rival {
    /// The contact.
    pub contact: ContactId,
    /// Its client.
    pub client: ClientId,
    /// The contact as people recognise it; of another client's contact only the client is named.
    pub named: String,
    /// What speaks for it.
    pub found_by: String,
    /// Why that does not suffice.
    pub why: String,
}

/// The rivals, in the order in which they were found, each once. Nobody has any who is left out before
/// addresses are looked at.
pub(super) fn of(case: &Case<'_>, outcome: Outcome, lines: &[Line]) -> Vec<Rival> {
    let is_settled_before = matches!(
        outcome,
        Outcome::Excluded | Outcome::Failed | Outcome::Grace | Outcome::Inactivated | Outcome::Kept
    );
    if is_settled_before {
        return Vec::new();
    }
    let line = main_line(lines);
    let linked = case.person().link.map(|link| link.contact);
    let winner = line.and_then(|line| proposal(&line.action).contact()).or(linked);
    let (conflict, candidates) = match (line.map(|line| &line.action), case.person().review) {
        (Some(Action::Review { conflict, candidates }), _) => {
            (Some(*conflict), candidates.iter().map(|candidate| candidate.contact).collect())
        }
        (None, Some(ReviewState::Open { conflict, candidates, .. })) if outcome == Outcome::Review => {
            (Some(conflict), candidates)
        }
        _ => (None, Vec::new()),
    };
    let rule = line.map_or(Rule::IdentityLink, |line| line.rule);
    let is_taken_back =
        line.is_none() && matches!(case.person().review, Some(ReviewState::Open { taken_back: true, .. }));
    let judge = Judge { case, rule, candidates, conflict, is_taken_back };
    let mut rivals: Vec<Rival> = Vec::new();
    if let Some(hint) = case.person().hint.filter(|hint| Some(*hint) != winner)
        && let Some(contact) = case.contact(hint)
    {
        let why = if linked.is_some() {
            "the account is linked already, and that counts first"
        } else {
            "the contact belongs to another account"
        };
        rivals.push(Rival {
            contact: hint,
            client: contact.client,
            named: shown(contact),
            found_by: "the object id in the PSA".to_owned(),
            why: why.to_owned(),
        });
    }
    for (address, tried, owner) in case.owned() {
        let is_known = rivals.iter().any(|rival| rival.contact == owner.contact);
        if Some(owner.contact) != winner && !is_known {
            rivals.push(judge.rival(&address, tried, owner));
        }
    }
    rivals
}

struct Judge<'a> {
    case: &'a Case<'a>,
    /// What decided.
    rule: Rule,
    /// Contacts the person could be, when a human is asked.
    candidates: Vec<ContactId>,
    /// What is unclear then.
    conflict: Option<Conflict>,
    /// An operator's answer was taken back, and what decided is only that.
    is_taken_back: bool,
}

impl Judge<'_> {
    fn rival(&self, address: &EmailAddress, tried: Tried, owner: Owner) -> Rival {
        let case = self.case;
        let named = if owner.client == case.policy.client {
            case.named(owner.contact)
        } else {
            match client_name(case.known, owner.client) {
                Some(name) => format!("a contact of {name}"),
                None => "a contact of another client".to_owned(),
            }
        };
        let how = match tried {
            Tried::PrimaryAddress => "the e-mail address",
            Tried::SignInAddress => "the sign-in name",
            _ => "the address",
        };
        Rival {
            contact: owner.contact,
            client: owner.client,
            named: capitalised(&named),
            found_by: format!("{how} {address}"),
            why: self.why(tried, owner).to_owned(),
        }
    }

    fn why(&self, tried: Tried, owner: Owner) -> &'static str {
        let (case, rule) = (self.case, self.rule);
        let is_anothers = case
            .contact(owner.contact)
            .is_some_and(|contact| contact.belongs_to_another(case.policy.tenant, case.object()));
        let is_candidate = self.candidates.contains(&owner.contact);
        if owner.client != case.policy.client {
            "the sync never links to a contact of another client"
        } else if case.contact(owner.contact).is_none() {
            "the contact is no longer there"
        } else if self.conflict == Some(Conflict::MailboxReused) && is_candidate {
            "the account it belonged to is gone, and the names differ"
        } else if is_anothers {
            "the contact belongs to another account"
        } else if owner.additional {
            "it is only an additional address of the contact"
        } else if self.is_taken_back {
            "an operator's answer was taken back, and only another one links the person"
        } else if rule == Rule::IdentityLink && !is_candidate {
            "the account is linked already, and that counts before any address"
        } else if rule == Rule::StoredObjectId {
            "the object id counts before any address"
        } else if is_candidate && tried == Tried::AliasAddresses {
            "such an address alone is not enough, because the names differ"
        } else if is_candidate {
            "it is not the only contact that the person could be"
        } else if tried == Tried::AliasAddresses {
            "the e-mail address and the sign-in name count before other addresses"
        } else {
            "it is undecided before the question is answered"
        }
    }
}
