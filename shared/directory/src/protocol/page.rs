//! The envelope of Graph's answers: rows stay raw, so that one that cannot be read spoils
//! nothing but itself.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use serde_json::{Value, value::RawValue};
use url::Url;

use super::GraphBase;
use crate::error::Code;

/// Most rows of one list. Pages hold up to 999; CIPP lists all customers at once. In memory a row takes
/// far more than the two bytes it may take in a body, so that the limit of the body is none for rows.
pub(crate) const ROWS_MAX: usize = 100_000;

/// Most bytes of one row. The largest that is known is an organisation with 5,000 domains
/// (learn.microsoft.com/entra/identity/users/directory-service-limits-restrictions), of under a megabyte.
pub(crate) const ROW_BYTES_MAX: usize = 2 * 1024 * 1024;

/// Most bytes of a link. It is stored with every page and sent back as one line, of which web servers take
/// 8 to 16 KiB.
pub(crate) const LINK_BYTES_MAX: usize = 32 * 1024;

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
    String::from_utf8_lossy(unmarked(body))
}

/// A body without its byte-order mark (RFC 8259 §8.1 lets a reader ignore one).
pub(crate) fn unmarked(body: &[u8]) -> &[u8] {
    body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body)
}

/// One row, taken apart as a whole; `None` when it is no JSON or larger than any row is.
pub(crate) fn row(text: &str) -> Option<Value> {
    if text.len() > ROW_BYTES_MAX {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// The elements of a list, not looked at yet; no more than [`ROWS_MAX`].
#[derive(Debug)]
pub(crate) struct RawRows<'a>(pub(crate) Vec<&'a RawValue>);

impl<'de: 'a, 'a> Deserialize<'de> for RawRows<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;

        impl<'de> Visitor<'de> for Rows {
            type Value = Vec<&'de RawValue>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {ROWS_MAX} rows")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut rows = Vec::new();
                while let Some(row) = list.next_element()? {
                    if rows.len() == ROWS_MAX {
                        return Err(A::Error::invalid_length(ROWS_MAX + 1, &self));
                    }
                    rows.push(row);
                }
                Ok(rows)
            }
        }

        deserializer.deserialize_seq(Rows).map(RawRows)
    }
}

/// The envelope of a collection.
#[derive(Deserialize)]
pub(crate) struct Collection<'a> {
    /// The rows.
    #[serde(borrow, rename = "value")]
    rows: RawRows<'a>,
    /// Where it goes on. A page without rows but with a link is not the last one.
    #[serde(default, rename = "@odata.nextLink")]
    pub(crate) next: Option<String>,
    /// Where to ask for later changes; comes with the last page of a change feed.
    #[serde(default, rename = "@odata.deltaLink")]
    pub(crate) delta: Option<String>,
}

impl<'a> Collection<'a> {
    /// The rows.
    pub(crate) fn rows(&self) -> &[&'a RawValue] {
        &self.rows.0
    }
}

/// The collection in `text`.
pub(crate) fn collection(text: &str) -> Result<Collection<'_>, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}
