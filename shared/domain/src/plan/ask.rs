//! Questions for a human.

use serde::{Deserialize, Serialize};

use crate::{
    contact::Fingerprint,
    email::EmailAddress,
    facts::{SourceFacts, fingerprint_of},
    ids::{ClientId, ContactId},
    user::{Addresses, DirectoryUser},
};

/// Why a human is asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conflict {
    /// An address of the person is one of a contact's additional addresses.
    AdditionalAddress,
    /// The address, or the sign-in name, belongs to a contact of another client.
    AddressAtOtherClient,
    /// The contact with this address is linked to another account.
    AddressShared,
    /// Only an alias matches, and the names differ.
    AliasOnly,
    /// The person is linked to a contact of another client.
    LinkedAtOtherClient,
    /// The address was that of a contact whose account is gone, and the names differ: a new hire, or
    /// the same person under another name.
    MailboxReused,
    /// The addresses of the person belong to several contacts.
    MultipleEmailMatches,
    /// The person's new address is that of a colleague's contact: two people who swapped addresses,
    /// or an address that was passed on before it was given up.
    OwnedByColleague,
    /// Nothing is unclear any more: an operator has rejected what a run would have done.
    Rejected,
}

/// A contact a person could be.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The contact.
    pub contact: ContactId,
    /// Its client.
    pub client: ClientId,
    /// Its name; unknown when it is another client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Its address; unknown when it is another client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<EmailAddress>,
    /// Whether it is inactive.
    #[serde(default)]
    pub inactive: bool,
}

/// What the directory said of a person when a question about them was asked: enough to answer it
/// without reading the directory again.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// What would be taken; `None` for somebody without a usable address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<SourceFacts>,
    /// The sign-in name, when it is an address and not the one in `facts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_in: Option<EmailAddress>,
    /// Every other address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<EmailAddress>,
}

impl About {
    /// What is known of `user`, whose addresses are `addresses`.
    pub fn new(user: &DirectoryUser, addresses: Addresses) -> Self {
        let Addresses { primary, sign_in, aliases } = addresses;
        Self { facts: primary.map(|primary| SourceFacts::new(user, primary)), sign_in, aliases }
    }

    /// Differs when the question would be another one for whoever answers it.
    pub fn fingerprint(&self, client: ClientId) -> Fingerprint {
        fingerprint_of(&[client.uuid().as_bytes(), &serde_json::to_vec(self).unwrap_or_default()])
    }
}

/// An operator's answer to a question: a fact that later runs obey.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What was decided.
    pub kind: AnswerKind,
    /// The address of the person the question was about: a question about another one is a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<EmailAddress>,
    /// The operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The contact the person's link may lead to until then, though it is not theirs any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<ContactId>,
}

/// What an operator can decide. The wire names are the PSA's.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    /// The person is a new contact.
    CreateNew,
    /// The person is not to be synced.
    Dismissed,
    /// The person is a contact that is there.
    LinkExisting,
}

impl Conflict {
    /// One sentence for the operator.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::AdditionalAddress => {
                "one of the person's addresses is an additional address of an existing contact"
            }
            Self::AddressAtOtherClient => {
                "the person's address or sign-in name belongs to a contact of another client"
            }
            Self::AddressShared => {
                "the contact that fits this person already belongs to another Microsoft account"
            }
            Self::AliasOnly => "only an alias address matches, and the names differ",
            Self::LinkedAtOtherClient => "the person is linked to a contact of another client",
            Self::MailboxReused => {
                "the address was that of a contact whose account is gone, and the names differ: a new hire, or \
                 the same person under another name"
            }
            Self::MultipleEmailMatches => "the person's addresses belong to several contacts",
            Self::Rejected => "an operator rejected this person's creation or link",
            Self::OwnedByColleague => {
                "the new address still belongs to a colleague's contact (swapped, or reassigned too early)"
            }
        }
    }
}
