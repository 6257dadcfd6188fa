//! Feature flags: which parts of the product a workspace sees.
//!
//! A flag that nobody has made is off. Whatever a flag's filters say that is not understood here
//! switches it on for nobody.

mod filters;

use std::{fmt, str::FromStr};

pub use filters::{Filters, NotFilters};

/// A part of the product that is switched on for each workspace by a flag of its own.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Feature {
    /// Everything: without it the others count for nothing.
    Ui,
    /// Syncing one client by itself.
    ClientSync,
    /// Connecting through CIPP.
    Cipp,
    /// Deciding which fields are overwritten.
    FieldSync,
    /// The review queue.
    AmbiguousQueue,
}

/// Text that names no feature.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "this is none of the flags entra-integration-ui, entra-integration-client-sync-action, \
     entra-integration-cipp, entra-integration-field-sync and entra-integration-ambiguous-queue"
)]
pub struct UnknownFeature;

impl Feature {
    /// Every feature, the one that all others need first.
    pub const ALL: [Self; 5] =
        [Self::Ui, Self::ClientSync, Self::Cipp, Self::FieldSync, Self::AmbiguousQueue];

    /// What the flags of all features are tagged with.
    pub const TAGS: [&str; 3] = ["entra", "integration", "phase-1"];

    /// The key of its flag.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Ui => "entra-integration-ui",
            Self::ClientSync => "entra-integration-client-sync-action",
            Self::Cipp => "entra-integration-cipp",
            Self::FieldSync => "entra-integration-field-sync",
            Self::AmbiguousQueue => "entra-integration-ambiguous-queue",
        }
    }

    /// What its flag is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Ui => "Entra Integration UI",
            Self::ClientSync => "Entra Client Sync Action",
            Self::Cipp => "Entra CIPP Option",
            Self::FieldSync => "Entra Field Sync Controls",
            Self::AmbiguousQueue => "Entra Ambiguous Queue",
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

impl FromStr for Feature {
    type Err = UnknownFeature;

    fn from_str(text: &str) -> Result<Self, UnknownFeature> {
        Self::ALL.into_iter().find(|feature| feature.key() == text.trim()).ok_or(UnknownFeature)
    }
}
