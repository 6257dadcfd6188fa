//! The port: what the product asks of a directory, whichever way it is connected.

use async_trait::async_trait;
use domain::{
    domain_name::DomainName,
    ids::{EntraObjectId, EntraTenantId, GroupId},
    user::{DirectoryUser, Removal},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Code, Cursor, ReadError};

/// A connection to the directories of many customer tenants. What not every way of connecting can
/// do has a body that says so.
#[async_trait]
pub trait Directory: Send + Sync {
    /// Customer tenants the connection can see, without the partner's own. Every page is read, or it is an
    /// error; a row that cannot be read is told as such, so that nobody takes the list for whole.
    async fn managed_tenants(&self) -> Result<TenantList, ReadError>;

    /// Which tenant answers for `tenant`, its name and verified domains; to be asked before the
    /// first page. Fails with [`ErrorClass::TenantProofFailed`](crate::ErrorClass) when another
    /// tenant answers.
    async fn prove(&self, tenant: EntraTenantId) -> Result<TenantProof, ReadError>;

    /// One page of users; `cursor` `None` = from the start. The listing is complete when a page
    /// has no `next`; rows may repeat across pages, pages may be empty.
    async fn users_page(&self, tenant: EntraTenantId, cursor: Option<&Cursor>)
    -> Result<UserPage, ReadError>;

    /// Where the changes that happen from now on begin, to be kept until the next read; to be asked
    /// before the first page of a complete read, so that nothing falls between the two. `None`:
    /// this connection has no change feed.
    async fn changes_from_now(&self, _tenant: EntraTenantId) -> Result<Option<Cursor>, ReadError> {
        Ok(None)
    }

    /// One page of what has changed since `cursor`. The round is complete when a page says
    /// [`ChangesNext::Complete`]. Changes may repeat across pages and rounds, come in any order and
    /// late; pages may be empty. Fails with [`Code::ChangesExpired`] when the service no longer
    /// knows the cursor: then only a complete read tells who is there.
    async fn changes_page(&self, _tenant: EntraTenantId, _cursor: &Cursor) -> Result<ChangePage, ReadError> {
        Err(Code::ReadNotOffered.into())
    }

    /// One page of the users who are in `group` or in a group within it; `cursor` `None` = from the
    /// start. Fails with [`Code::GroupGone`] when there is no such group, which is not the same as
    /// a group without members.
    async fn group_members_page(
        &self,
        _tenant: EntraTenantId,
        _group: GroupId,
        _cursor: Option<&Cursor>,
    ) -> Result<MembersPage, ReadError> {
        Err(Code::ReadNotOffered.into())
    }

    /// The security groups of a tenant, sorted by name and id. Complete or an error.
    async fn security_groups(&self, _tenant: EntraTenantId) -> Result<Vec<Group>, ReadError> {
        Err(Code::ReadNotOffered.into())
    }

    /// One user; `None` when the tenant has no such user now.
    async fn user(&self, _tenant: EntraTenantId, _who: &UserKey) -> Result<Option<DirectoryUser>, ReadError> {
        Err(Code::ReadNotOffered.into())
    }

    /// Name and default domain of any tenant of the cloud, for customers that cannot be read yet.
    /// It proves no relationship. `None`: unknown tenant, or this connection has no such look-up.
    async fn public_tenant(&self, _tenant: EntraTenantId) -> Result<Option<PublicTenant>, ReadError> {
        Ok(None)
    }
}

/// The customer tenants of a connection.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TenantList {
    /// Those that could be read, each once, sorted by id.
    pub tenants: Vec<ListedTenant>,
    /// Rows that could not be read. With any of them, who is not listed may be there all the same.
    pub bad_rows: Vec<BadRow>,
}

impl TenantList {
    /// Whether who is not listed is not there.
    pub fn is_whole(&self) -> bool {
        self.bad_rows.is_empty()
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

impl ListedTenant {
    /// When the partner's access ends, unless somebody does something; `None` when it goes on by itself.
    pub fn access_ends(&self) -> Option<Timestamp> {
        self.relationship_ends.filter(|_| !self.auto_extends)
    }
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

/// One page of changes. Each person is in at most one of `users`, `removed` and, as far as their
/// id could be read, `bad_rows`: with the last that the page says of them.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangePage {
    /// Users who were added, changed or restored, with all their properties.
    pub users: Vec<DirectoryUser>,
    /// Users who were removed, among them some that were never seen.
    pub removed: Vec<Removed>,
    /// Rows that could not be read.
    pub bad_rows: Vec<BadRow>,
    /// Where to go on.
    pub next: ChangesNext,
    /// Bytes received for this page, decompressed, all attempts together.
    pub bytes: u64,
    /// Requests made for this page, all attempts together, token calls not counted.
    pub requests: u32,
}

/// A user who is no longer in the directory.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Removed {
    /// Microsoft's id of the user.
    pub object: EntraObjectId,
    /// How they left.
    pub removal: Removal,
}

/// Where changes go on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ChangesNext {
    /// These were all; what changes after them is asked for here.
    Complete(Cursor),
    /// There are more.
    More(Cursor),
}

/// One page of a group's members.
#[derive(Clone, Debug, PartialEq)]
pub struct MembersPage {
    /// The users, in the directory's order.
    pub members: Vec<EntraObjectId>,
    /// Where to go on; `None` on the last page.
    pub next: Option<Cursor>,
    /// Bytes received for this page, decompressed, all attempts together.
    pub bytes: u64,
    /// Requests made for this page, all attempts together, token calls not counted.
    pub requests: u32,
}

/// A group as a listing shows it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Group {
    /// Microsoft's id of the group.
    pub group: GroupId,
    /// Its name.
    pub display_name: Option<String>,
}

/// What a single user is looked up by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UserKey {
    /// Microsoft's id of the user.
    Object(EntraObjectId),
    /// The sign-in name, in any letter case.
    SignInName(String),
}

/// A row that could not be read. Its person, or its tenant, is neither present nor absent.
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
    /// The row is larger than any record is, and was not taken apart.
    TooLarge,
    /// The user was removed in a way this version does not know.
    UnknownRemoval,
}
