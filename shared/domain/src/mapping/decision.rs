//! What an operator may decide about a tenant, and reading it from a request.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::score::{Confidence, OutOfRange};
use crate::ids::{ClientId, ManagedTenantId};

/// The kind of a decision.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MappingState {
    /// A client is to be created from the tenant by the next run that a person starts.
    CreateNew,
    /// The tenant's people belong to a client.
    Mapped,
    /// Somebody has to look at it.
    NeedsReview,
    /// Not now.
    SkipForNow,
    /// An earlier decision was taken back.
    Unmapped,
}

/// Text that names no state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a mapping state (mapped, create_new, skip_for_now, needs_review and unmapped are)")]
pub struct UnknownState {
    text: String,
}

/// A decision about one tenant. Only a mapped tenant has a client.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Decision {
    /// See [`MappingState::CreateNew`].
    CreateNew,
    /// See [`MappingState::Mapped`].
    Mapped {
        /// The client.
        #[serde(rename = "clientId")]
        client: ClientId,
    },
    /// See [`MappingState::NeedsReview`].
    NeedsReview,
    /// See [`MappingState::SkipForNow`].
    SkipForNow,
    /// See [`MappingState::Unmapped`].
    Unmapped,
}

/// One item of a request to confirm, as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct RawDecision {
    /// The tenant.
    pub managed_tenant: ManagedTenantId,
    /// The name of a state. Absent or blank means mapped when a client is given, otherwise skip.
    pub state: Option<String>,
    /// The client; counts for the state mapped only.
    pub client: Option<ClientId>,
    /// The score the operator was shown, between 0 and 1.
    pub confidence: Option<f64>,
}

/// One item of a request to confirm, understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestedDecision {
    /// The tenant.
    pub managed_tenant: ManagedTenantId,
    /// What is to hold for it.
    pub decision: Decision,
    /// The score the operator was shown.
    pub confidence: Option<Confidence>,
}

/// A request of which nothing may be saved.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DecisionError {
    /// One tenant is given to two clients.
    #[error(
        "the request maps managed tenant {managed_tenant} to two clients, {first} and {second}; nothing was \
         saved and no contact changes; choose one of them and confirm again"
    )]
    ConflictingClients {
        /// The tenant.
        managed_tenant: ManagedTenantId,
        /// The client named first.
        first: ClientId,
        /// The client named later.
        second: ClientId,
    },
    /// The score is no score.
    #[error(
        "the confidence score of managed tenant {managed_tenant} is not usable; nothing was saved and no \
         contact changes; send a number between 0 and 1 or leave it out"
    )]
    InvalidConfidence {
        /// The tenant.
        managed_tenant: ManagedTenantId,
        /// What is wrong with it.
        source: OutOfRange,
    },
    /// A mapped tenant needs a client.
    #[error(
        "managed tenant {managed_tenant} is to be mapped, but the request names no client for it; nothing \
         was saved and no contact changes; choose a client or skip the tenant"
    )]
    MappedWithoutClient {
        /// The tenant.
        managed_tenant: ManagedTenantId,
    },
    /// The state has an unknown name.
    #[error(
        "the mapping state of managed tenant {managed_tenant} is not known; nothing was saved and no \
         contact changes; correct the state and confirm again"
    )]
    UnknownState {
        /// The tenant.
        managed_tenant: ManagedTenantId,
        /// What is wrong with it.
        source: UnknownState,
    },
}

/// What became of one item of a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Somebody else decided about the tenant at the same time; theirs holds.
    ChangedBySomeoneElse,
    /// Saved.
    Confirmed,
    /// A client is to be created, which the operator may not do.
    NeedsPermission,
    /// It held already.
    Unchanged,
    /// The workspace has no such client.
    UnknownClient,
    /// The workspace has no such tenant.
    UnknownTenant,
}

impl MappingState {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateNew => "create_new",
            Self::Mapped => "mapped",
            Self::NeedsReview => "needs_review",
            Self::SkipForNow => "skip_for_now",
            Self::Unmapped => "unmapped",
        }
    }
}

impl fmt::Display for MappingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for MappingState {
    type Err = UnknownState;

    fn from_str(text: &str) -> Result<Self, UnknownState> {
        [Self::CreateNew, Self::Mapped, Self::NeedsReview, Self::SkipForNow, Self::Unmapped]
            .into_iter()
            .find(|state| state.as_str() == text.trim())
            .ok_or_else(|| UnknownState { text: text.chars().take(64).collect() })
    }
}

impl Decision {
    /// The decision of a kind; `None` when a mapped tenant has no client. The client of any other
    /// state is dropped.
    pub const fn new(state: MappingState, client: Option<ClientId>) -> Option<Self> {
        Some(match (state, client) {
            (MappingState::CreateNew, _) => Self::CreateNew,
            (MappingState::Mapped, Some(client)) => Self::Mapped { client },
            (MappingState::Mapped, None) => return None,
            (MappingState::NeedsReview, _) => Self::NeedsReview,
            (MappingState::SkipForNow, _) => Self::SkipForNow,
            (MappingState::Unmapped, _) => Self::Unmapped,
        })
    }

    /// Its kind.
    pub const fn state(self) -> MappingState {
        match self {
            Self::CreateNew => MappingState::CreateNew,
            Self::Mapped { .. } => MappingState::Mapped,
            Self::NeedsReview => MappingState::NeedsReview,
            Self::SkipForNow => MappingState::SkipForNow,
            Self::Unmapped => MappingState::Unmapped,
        }
    }

    /// The client that the tenant's people belong to.
    pub const fn client(self) -> Option<ClientId> {
        match self {
            Self::Mapped { client } => Some(client),
            _ => None,
        }
    }
}

impl DecisionError {
    /// A stable name for the kind of error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::ConflictingClients { .. } => "conflicting_clients",
            Self::InvalidConfidence { .. } => "invalid_confidence_score",
            Self::MappedWithoutClient { .. } => "mapped_without_client",
            Self::UnknownState { .. } => "unknown_mapping_state",
        }
    }
}

impl Outcome {
    /// Whether the requested decision holds now.
    pub const fn holds(self) -> bool {
        matches!(self, Self::Confirmed | Self::Unchanged)
    }

    /// What happened, what it means and what to do, for the operator.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::ChangedBySomeoneElse => {
                "somebody else decided about this tenant in the meantime; their decision holds; look at it \
                 and confirm again if yours should replace it"
            }
            Self::Confirmed => "saved; contacts change with the next sync, not before",
            Self::NeedsPermission => {
                "creating a client needs a permission you do not have; nothing was saved for this tenant; \
                 map it to an existing client or ask for the permission to create clients"
            }
            Self::Unchanged => "this was already decided; nothing changes",
            Self::UnknownClient => {
                "the client does not exist; nothing was saved for this tenant; refresh the list of clients \
                 and choose again"
            }
            Self::UnknownTenant => {
                "the tenant is not among the discovered ones; nothing was saved for it; run the discovery \
                 and choose again"
            }
        }
    }
}

/// Understands a request to confirm: one decision per tenant, in the order in which the tenants
/// first appear. Of several items for one tenant the last holds, but two clients for one tenant are
/// refused, whatever the states, before anything else is looked at.
pub fn parse_request(items: &[RawDecision]) -> Result<Vec<RequestedDecision>, DecisionError> {
    refuse_conflicting_clients(items)?;
    let mut requested: Vec<RequestedDecision> = Vec::with_capacity(items.len());
    let mut places = BTreeMap::new();
    for item in items {
        let parsed = parse_item(item)?;
        let place = *places.entry(item.managed_tenant).or_insert(requested.len());
        match requested.get_mut(place) {
            Some(earlier) => *earlier = parsed,
            None => requested.push(parsed),
        }
    }
    Ok(requested)
}

fn refuse_conflicting_clients(items: &[RawDecision]) -> Result<(), DecisionError> {
    let mut clients = BTreeMap::new();
    for item in items {
        let Some(second) = item.client else { continue };
        let first = *clients.entry(item.managed_tenant).or_insert(second);
        if first != second {
            let managed_tenant = item.managed_tenant;
            return Err(DecisionError::ConflictingClients { managed_tenant, first, second });
        }
    }
    Ok(())
}

fn parse_item(item: &RawDecision) -> Result<RequestedDecision, DecisionError> {
    let managed_tenant = item.managed_tenant;
    let state = match item.state.as_deref().filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            text.parse().map_err(|source| DecisionError::UnknownState { managed_tenant, source })?
        }
        None if item.client.is_some() => MappingState::Mapped,
        None => MappingState::SkipForNow,
    };
    let decision =
        Decision::new(state, item.client).ok_or(DecisionError::MappedWithoutClient { managed_tenant })?;
    let confidence = item
        .confidence
        .map(Confidence::try_from)
        .transpose()
        .map_err(|source| DecisionError::InvalidConfidence { managed_tenant, source })?;
    Ok(RequestedDecision { managed_tenant, decision, confidence })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn client(number: u128) -> ClientId {
        ClientId::new(Uuid::from_u128(number))
    }

    fn item(tenant: u128, state: Option<&str>, client_number: Option<u128>) -> RawDecision {
        RawDecision {
            managed_tenant: ManagedTenantId::new(Uuid::from_u128(tenant)),
            state: state.map(str::to_owned),
            client: client_number.map(client),
            confidence: None,
        }
    }

    #[test]
    fn states_and_their_clients() {
        for (state, client_number, expected) in [
            (Some("mapped"), Some(7), Ok(Decision::Mapped { client: client(7) })),
            (Some("create_new"), Some(7), Ok(Decision::CreateNew)),
            (Some("skip_for_now"), Some(7), Ok(Decision::SkipForNow)),
            (Some("needs_review"), None, Ok(Decision::NeedsReview)),
            (Some("unmapped"), Some(7), Ok(Decision::Unmapped)),
            (None, Some(7), Ok(Decision::Mapped { client: client(7) })),
            (None, None, Ok(Decision::SkipForNow)),
            (Some("  "), None, Ok(Decision::SkipForNow)),
            (Some(" mapped "), Some(7), Ok(Decision::Mapped { client: client(7) })),
            (Some("mapped"), None, Err("mapped_without_client")),
            (Some("skipped"), Some(7), Err("unknown_mapping_state")),
            (Some("MAPPED"), Some(7), Err("unknown_mapping_state")),
        ] {
            let found = parse_request(&[item(1, state, client_number)]);
            let found = found.map(|requested| requested[0].decision).map_err(|error| error.code());
            assert_eq!(found, expected, "{state:?} {client_number:?}");
        }
    }

    #[test]
    fn one_tenant_with_two_clients_is_refused_and_named() {
        let items =
            [item(1, None, Some(7)), item(2, Some("mapped"), None), item(1, Some("skip_for_now"), Some(8))];
        let error = parse_request(&items).unwrap_err();
        assert_eq!(error.code(), "conflicting_clients");
        for id in [1, 7, 8].map(Uuid::from_u128) {
            assert!(error.to_string().contains(&id.to_string()), "{error}");
        }
    }

    #[test]
    fn of_several_items_for_one_tenant_the_last_holds() {
        let items = [item(1, None, Some(7)), item(2, None, None), item(1, Some("create_new"), None)];
        let requested = parse_request(&items).unwrap();
        let decisions: Vec<_> = requested.iter().map(|item| item.decision).collect();
        assert_eq!(decisions, [Decision::CreateNew, Decision::SkipForNow]);
        assert_eq!(parse_request(&[]), Ok(Vec::new()));
    }

    #[test]
    fn a_score_is_rounded_or_refused() {
        let with_score =
            |score| parse_request(&[RawDecision { confidence: score, ..item(1, None, Some(7)) }]);
        assert_eq!(with_score(Some(0.8667)).unwrap()[0].confidence.unwrap().value().to_string(), "0.87");
        assert_eq!(with_score(None).unwrap()[0].confidence, None);
        assert_eq!(with_score(Some(87.0)).unwrap_err().code(), "invalid_confidence_score");
    }

    #[test]
    fn names_on_the_wire_are_the_same_everywhere() {
        for state in ["mapped", "create_new", "skip_for_now", "needs_review", "unmapped"] {
            let parsed: MappingState = state.parse().unwrap();
            assert_eq!(parsed.to_string(), state);
            assert_eq!(serde_json::to_value(parsed).unwrap(), state);
            let decision = Decision::new(parsed, Some(client(7))).unwrap();
            assert_eq!(decision.state(), parsed);
            let json = serde_json::to_value(decision).unwrap();
            assert_eq!(json["state"], state);
            assert_eq!(serde_json::from_value::<Decision>(json).unwrap(), decision);
        }
        assert!(serde_json::from_str::<Decision>(r#"{"state":"mapped"}"#).is_err());
        assert_eq!(serde_json::to_value(Outcome::ChangedBySomeoneElse).unwrap(), "changed_by_someone_else");
    }
}
