//! Which client a customer tenant belongs to: what is suggested, and what an operator decided.
//!
//! Suggesting is a pure reading of facts ([`Matcher`]); deciding is a pure step from one stored
//! record to the next ([`decide`]). A suggestion never becomes a decision by itself.

mod decision;
mod facts;
mod matcher;
mod name;
mod name_index;
mod record;
mod score;
#[cfg(test)]
mod tests;

pub use self::{
    decision::{
        Decision, DecisionError, MappingState, Outcome, RawDecision, RequestedDecision, UnknownState,
        parse_request,
    },
    facts::{Candidate, ClientFacts, Reason, Suggestion, TenantFacts},
    matcher::{FUZZY_CANDIDATES_MAX, Matcher},
    name::company_key,
    record::{ActiveDecision, HISTORY_MAX, MAPPING_RECORD_FORMAT, MappingRecord, decide},
    score::{Confidence, OutOfRange, Score},
};
