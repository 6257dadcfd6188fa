//! The port: what the product asks of a directory, whichever way it is connected.

use async_trait::async_trait;
use domain::{
    domain_name::DomainName,
    ids::{EntraObjectId, EntraTenantId},
    user::DirectoryUser,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Cursor, ReadError};

/// A connection to the directories of many customer tenants.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Customer tenants the connection can see, sorted by id, without the partner's own.
    /// Complete or an error: never a partial list as if whole.
    async fn managed_tenants(&self) -> Result<Vec<ListedTenant>, ReadError>;

    /// Which tenant answers for `tenant`, its name and verified domains; to be asked before the
    /// first page. Fails with [`ErrorClass::TenantProofFailed`](crate::ErrorClass) when another
    /// tenant answers.
    async fn prove(&self, tenant: EntraTenantId) -> Result<TenantProof, ReadError>;

    /// One page of users; `cursor` `None` = from the start. The listing is complete when a page
    /// has no `next`; rows may repeat across pages, pages may be empty.
    async fn users_page(&self, tenant: EntraTenantId, cursor: Option<&Cursor>)
    -> Result<UserPage, ReadError>;

    /// Name and default domain of any tenant of the cloud, for customers that cannot be read yet.
    /// It proves no relationship. `None`: unknown tenant, or this connection has no such look-up.
    async fn public_tenant(&self, _tenant: EntraTenantId) -> Result<Option<PublicTenant>, ReadError> {
        Ok(None)
    }
}

/// A customer tenant as a listing shows it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedTenant {
    /// Microsoft's id of the tenant.
    pub entra_tenant: EntraTenantId,
    /// The customer's name in its newest relationship.
    pub display_name: Option<String>,
    /// Whether the partner may enter.
    pub access: Access,
    /// When the longest-lasting usable relationship (or, without one, the last) ends.
    pub relationship_ends: Option<Timestamp>,
    /// Whether that relationship extends itself.
    pub auto_extends: bool,
    /// Whether a granted role is known to read users; `None` when the roles were not told. A
    /// hint for the operator: the proof is the read itself.
    pub can_read_users: Option<bool>,
}

/// Access to a customer tenant according to its relationships.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub enum Access {
    /// An active relationship.
    Active,
    /// No usable relationship.
    Ended {
        /// Why not.
        cause: EndCause,
    },
    /// An active relationship that ends within 30 days and does not extend itself.
    Expiring,
}

/// Why there is no usable relationship.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum EndCause {
    /// Somebody ended it.
    Terminated,
    /// It ran out.
    Expired,
    /// A state this version does not know.
    Unknown,
    /// It is being ended.
    Ending,
    /// It is not approved or not activated yet.
    NotActiveYet,
}

/// The answer of a tenant about itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantProof {
    /// The tenant that answered: the one asked for.
    pub entra_tenant: EntraTenantId,
    /// The organisation's name.
    pub display_name: Option<String>,
    /// Its verified domains, sorted, including those Microsoft assigned.
    pub verified_domains: Vec<DomainName>,
    /// The domain marked as default.
    pub default_domain: Option<DomainName>,
}

/// What anybody in the cloud can look up about a tenant.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicTenant {
    /// The tenant.
    pub entra_tenant: EntraTenantId,
    /// The organisation's name.
    pub display_name: Option<String>,
    /// Its default domain.
    pub default_domain: Option<DomainName>,
}

/// One page of users.
#[derive(Clone, Debug, PartialEq)]
pub struct UserPage {
    /// The users, in the directory's order.
    pub users: Vec<DirectoryUser>,
    /// Rows that could not be read.
    pub bad_rows: Vec<BadRow>,
    /// Where to go on; `None` on the last page.
    pub next: Option<Cursor>,
    /// Bytes received for this page, decompressed, all attempts together.
    pub bytes: u64,
    /// Requests made for this page, all attempts together, token calls not counted.
    pub requests: u32,
}

/// A row that could not be read. Its person is neither present nor absent.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BadRow {
    /// Position in the page, from 0.
    pub position: u32,
    /// The user, when at least the id could be read.
    pub object: Option<EntraObjectId>,
    /// What is wrong with it.
    pub cause: BadRowCause,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BadRowCause {
    /// `id` is text, but no GUID.
    IdNotGuid,
    /// A member has a type it cannot have.
    MemberType,
    /// `id` is missing.
    NoId,
    /// The row is no JSON object.
    NotAnObject,
}
