//! Questions in the PSA's names, with the evidence and what each answer would do.

use domain::{
    contact::{Contact, Link},
    email::EmailAddress,
    ids::{
        ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, ManagedTenantId, ReviewItemId, RunId,
        UserId,
    },
    plan::{Action, AnswerKind, Candidate, Conflict},
    review::{Question, Refusal, Ruling, Situation},
};
use jiff::Timestamp;
use serde::Serialize;
use store::{ReviewItem, ReviewStatus};

use crate::ground::Asked;

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemView {
    /// The question.
    pub queue_item_id: ReviewItemId,
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// The client the tenant is mapped to.
    pub client_id: ClientId,
    /// Microsoft's id of the tenant.
    pub entra_tenant_id: EntraTenantId,
    /// Microsoft's id of the person.
    pub entra_object_id: EntraObjectId,
    /// The sign-in name.
    pub user_principal_name: Option<String>,
    /// The person's name.
    pub display_name: String,
    /// The person's address.
    pub email: Option<String>,
    /// Contacts it could be, with what speaks for each.
    pub candidate_contacts: Vec<CandidateView>,
    /// Where it stands.
    pub status: ReviewStatus,
    /// When it was first asked.
    pub created_at: Timestamp,
    /// What is unclear, as a code.
    pub reason: Conflict,
    /// The same in words.
    pub explanation: &'static str,
    /// What each answer would do; empty once there is one.
    pub outcomes: Vec<OutcomeView>,
    /// The answer.
    pub resolution: Option<ResolutionView>,
}

/// A contact it could be.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CandidateView {
    /// The contact.
    pub contact_name_id: ContactId,
    /// Its client.
    pub client_id: ClientId,
    /// Its address.
    pub email: Option<String>,
    /// Its name.
    pub full_name: Option<String>,
    /// Whether it is out of use.
    pub is_inactive: bool,
    /// Addresses of the person that the contact has.
    pub evidence: Vec<EvidenceView>,
    /// The account the contact belongs to.
    pub linked_to: Option<LinkedView>,
}

/// An address of the person that a contact has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EvidenceView {
    /// The address.
    pub address: String,
    /// What it is in the directory: `email`, `sign_in` or `alias`.
    pub in_directory: &'static str,
    /// What it is on the contact: `email` or `additional_email`.
    pub on_contact: &'static str,
}

/// An account that a contact belongs to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkedView {
    /// Microsoft's id of its tenant.
    pub entra_tenant_id: EntraTenantId,
    /// Microsoft's id of the account.
    pub entra_object_id: EntraObjectId,
    /// Whether that is the person who is asked about.
    pub is_this_person: bool,
    /// Whether the account was there at the last sync.
    pub is_active: bool,
}

/// What one answer would do.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OutcomeView {
    /// The answer.
    pub outcome: AnswerKind,
    /// The contact it would be about.
    pub contact_name_id: Option<ContactId>,
    /// Whether it can be given.
    pub possible: bool,
    /// Why not, as a code.
    pub code: Option<&'static str>,
    /// What it would do, or why it cannot be given.
    pub explanation: String,
    /// What to do when it cannot be given.
    pub remedy: Option<&'static str>,
}

/// What an operator has decided.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolutionView {
    /// The answer.
    pub resolution_action: AnswerKind,
    /// The contact the person is.
    pub resolved_contact_id: Option<ContactId>,
    /// Who decided.
    pub resolved_by: Option<UserId>,
    /// When.
    pub resolved_at: Timestamp,
    /// In their words.
    pub note: Option<String>,
    /// The run that carried it out; taking that back asks again.
    pub run_id: RunId,
}

impl ItemView {
    pub(crate) fn new(asked: &Asked<'_>, now: &Situation) -> Self {
        let Asked { item, question, .. } = asked;
        let is_open = item.review_status == ReviewStatus::Open;
        let facts = question.facts.as_ref();
        Self {
            queue_item_id: item.id,
            managed_tenant_id: item.managed_tenant,
            client_id: item.client,
            entra_tenant_id: item.entra_tenant,
            entra_object_id: item.object,
            user_principal_name: facts.and_then(|facts| facts.user_principal_name.clone()),
            display_name: facts.map_or_else(|| item.label.clone(), |facts| facts.full_name.clone()),
            email: facts.map(|facts| facts.email.to_string()),
            candidate_contacts: item
                .candidates
                .iter()
                .map(|it| CandidateView::new(it, question, now))
                .collect(),
            status: item.review_status,
            created_at: item.opened_at,
            reason: item.conflict,
            explanation: item.conflict.explanation(),
            outcomes: if is_open { outcomes(item, question, now) } else { Vec::new() },
            resolution: item.answer().map(|resolution| ResolutionView {
                resolution_action: resolution.kind,
                resolved_contact_id: resolution.contact,
                resolved_by: resolution.by,
                resolved_at: resolution.at,
                note: resolution.note.clone(),
                run_id: resolution.run,
            }),
        }
    }
}

impl CandidateView {
    /// The contact as it is now; one that is gone, as it was when the question was asked.
    fn new(candidate: &Candidate, question: &Question, now: &Situation) -> Self {
        let Some(contact) = now.contacts.get(&candidate.contact) else {
            return Self {
                contact_name_id: candidate.contact,
                client_id: candidate.client,
                email: candidate.email.as_ref().map(ToString::to_string),
                full_name: candidate.full_name.clone(),
                is_inactive: candidate.inactive,
                evidence: Vec::new(),
                linked_to: None,
            };
        };
        Self {
            contact_name_id: contact.id,
            client_id: contact.client,
            email: contact.values.email.as_ref().map(ToString::to_string),
            full_name: Some(contact.values.full_name.clone()),
            is_inactive: contact.inactive,
            evidence: evidence(question, contact),
            linked_to: contact.entra.as_ref().map(|stamp| {
                let link = now.accounts.get(&stamp.identity);
                LinkedView::new(stamp.identity, link, question.identity)
            }),
        }
    }
}

impl LinkedView {
    fn new(account: Identity, link: Option<&Link>, person: Identity) -> Self {
        Self {
            entra_tenant_id: account.tenant,
            entra_object_id: account.object,
            is_this_person: account == person,
            is_active: link.is_some_and(|link| link.active),
        }
    }
}

fn evidence(question: &Question, contact: &Contact) -> Vec<EvidenceView> {
    let first = question.facts.iter().map(|facts| (&facts.email, "email"));
    let others = question.others.iter().map(|address| (address, kind(question, address)));
    let seen = first.chain(others).filter_map(|(address, in_directory)| {
        let on_contact = if contact.values.email.as_ref() == Some(address) {
            "email"
        } else if contact.additional_emails.contains(address) {
            "additional_email"
        } else {
            return None;
        };
        Some(EvidenceView { address: address.to_string(), in_directory, on_contact })
    });
    seen.collect()
}

fn kind(question: &Question, address: &EmailAddress) -> &'static str {
    let sign_in = question.facts.as_ref().and_then(|facts| facts.user_principal_name.as_deref());
    let is_sign_in = sign_in.is_some_and(|name| name.eq_ignore_ascii_case(address.as_str()));
    if is_sign_in { "sign_in" } else { "alias" }
}

fn outcomes(item: &ReviewItem, question: &Question, now: &Situation) -> Vec<OutcomeView> {
    let link = |candidate: &Candidate| {
        let ruling = question.link_existing(now, candidate.contact);
        outcome(AnswerKind::LinkExisting, Some(candidate.contact), ruling)
    };
    let mut all: Vec<OutcomeView> = item.candidates.iter().map(link).collect();
    all.push(outcome(AnswerKind::CreateNew, None, question.create_new(now)));
    all.push(outcome(AnswerKind::Dismissed, None, Ok(question.dismiss(None))));
    all
}

fn outcome(kind: AnswerKind, contact: Option<ContactId>, ruling: Result<Ruling, Refusal>) -> OutcomeView {
    match ruling {
        Ok(ruling) => OutcomeView {
            outcome: kind,
            contact_name_id: contact.or_else(|| ruling.action.contact()),
            possible: true,
            code: None,
            explanation: told(&ruling),
            remedy: None,
        },
        Err(refusal) => OutcomeView {
            outcome: kind,
            contact_name_id: contact,
            possible: false,
            code: Some(refusal.code()),
            explanation: refusal.explanation(),
            remedy: Some(refusal.remedy()),
        },
    }
}

/// What the ruling does, as a sentence.
fn told(ruling: &Ruling) -> String {
    let parting = match ruling.parting.as_ref().and_then(Action::contact) {
        Some(contact) => format!(" Contact {contact} is no longer linked; nothing else of it changes."),
        None => String::new(),
    };
    let what = match &ruling.action {
        Action::Create { facts, .. } if Some(&facts.email) == ruling.answer.address.as_ref() => {
            format!("A new contact {} is made with {}.", facts.full_name, facts.email)
        }
        Action::Create { facts, .. } => format!(
            "A new contact {} is made with {}, because the person's first address belongs to another contact.",
            facts.full_name, facts.email
        ),
        Action::Link { changes, activate, supersedes, .. } => {
            let mut text = "The contact is linked to the person".to_owned();
            if supersedes.is_some() {
                text.push_str(", in the place of an account that is gone");
            }
            text.push_str(if *activate { ", and becomes active." } else { "." });
            for change in changes {
                let (field, old, new) = change.describe();
                text.extend([" ", field, ": ", &old, " → ", &new, "."]);
            }
            text
        }
        Action::Settle { contact: Some(_) } => {
            "The person stays linked to this contact. The address that another contact has stays there."
                .to_owned()
        }
        _ => "The person is left out of every later sync until this is taken back.".to_owned(),
    };
    format!("{what}{parting}")
}
