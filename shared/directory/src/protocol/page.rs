//! The envelope of Graph's answers: rows stay raw, so that one that cannot be read spoils
//! nothing but itself.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::GraphBase;
use crate::error::Code;

/// What is read from one endpoint.
pub trait Shape: Send {
    /// What one page holds.
    type Content: Send;

    /// Whether the service may need smaller pages to answer in time.
    const PAGED: bool;

    /// Whether `ConsistencyLevel: eventual` has to be sent, with every page
    /// (learn.microsoft.com/graph/aad-advanced-queries).
    const EVENTUAL: bool = false;

    /// What refusals mean here.
    const REFUSALS: Refusals = Refusals::USUAL;

    /// The first address; `page_size` = rows per page, where there are several.
    fn first(&self, base: &GraphBase, page_size: u16) -> Url;

    /// Reads a body.
    fn decode(&self, body: &[u8]) -> Result<Decoded<Self::Content>, Unreadable>;
}

/// The codes of refusals that mean different things at different endpoints.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Refusals {
    /// A customer's tenant denies access.
    pub denied: Code,
    /// A link of the service is no longer known to it.
    pub expired: Code,
    /// The object that the address names does not exist.
    pub missing: Code,
}

impl Refusals {
    /// What they mean for a listing of users.
    pub const USUAL: Self =
        Self { denied: Code::RoleMissing, expired: Code::PageExpired, missing: Code::ResourceUnknown };
}

/// A body that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded<C> {
    /// What it holds.
    pub content: C,
    /// `@odata.nextLink`.
    pub next: Option<String>,
    /// `@odata.deltaLink`.
    pub delta: Option<String>,
}

/// A body that is not what the endpoint is documented to send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unreadable;

/// A body as text. Bytes that are no UTF-8 become replacement characters in the one value they
/// stand in; a byte-order mark is dropped.
pub(crate) fn text(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    String::from_utf8_lossy(body)
}

/// The envelope of a collection.
#[derive(Deserialize)]
pub(crate) struct Collection<'a> {
    /// The rows.
    #[serde(borrow, rename = "value")]
    pub(crate) rows: Vec<&'a RawValue>,
    /// Where it goes on. A page without rows but with a link is not the last one.
    #[serde(default, rename = "@odata.nextLink")]
    pub(crate) next: Option<String>,
    /// Where to ask for later changes; comes with the last page of a change feed.
    #[serde(default, rename = "@odata.deltaLink")]
    pub(crate) delta: Option<String>,
}

/// The collection in `text`.
pub(crate) fn collection(text: &str) -> Result<Collection<'_>, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}
