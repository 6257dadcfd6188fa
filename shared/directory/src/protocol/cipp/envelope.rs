//! The wrapping of answers. PowerShell decides on it: a list of one becomes an object, an empty one
//! `null`, and a failure is a text where rows were expected.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::{error::Code, protocol::page::RawRows};

/// An answer that holds rows.
#[derive(Debug)]
pub struct Rows<'a> {
    /// The rows, not looked at yet.
    pub rows: Vec<&'a RawValue>,
    /// The tenant that CIPP says it asked.
    pub tenant_filter: Option<String>,
    /// Where the listing goes on: a link of Graph.
    pub next: Option<String>,
    /// It is loading, and these are not all rows.
    pub queued: bool,
}

/// An answer that holds none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoRows {
    /// The text of a failure.
    Failure,
    /// Nothing, which says nothing.
    Nothing,
    /// No JSON, or none of these shapes.
    Unreadable,
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// Members that wrap rows, the most usual first.
const WRAPPERS: [&str; 3] = ["results", "value", "data"];

impl<'a> Rows<'a> {
    /// Reads an answer.
    pub fn read(text: &'a str) -> Result<Self, NoRows> {
        let whole: &RawValue = serde_json::from_str(text).map_err(|_| NoRows::Unreadable)?;
        if kind(whole) != b'{' {
            return Ok(Self { rows: rows(whole)?, tenant_filter: None, next: None, queued: false });
        }
        let members = members(whole)?;
        let Some(wrapped) = WRAPPERS.iter().find_map(|name| member(&members, name)) else {
            // A list of one.
            let rows = if members.is_empty() { return Err(NoRows::Nothing) } else { vec![whole] };
            return Ok(Self { rows, tenant_filter: None, next: None, queued: false });
        };
        let metadata = match member(&members, "metadata").filter(|metadata| kind(metadata) == b'{') {
            Some(metadata) => self::members(metadata)?,
            None => Members::new(),
        };
        let text_of = |members: &Members<'_>, name: &str| {
            member(members, name).and_then(|value| serde_json::from_str::<String>(value.get()).ok())
        };
        let next = text_of(&metadata, "nextlink").or_else(|| text_of(&members, "@odata.nextlink"));
        let queued = member(&metadata, "queued").is_some_and(|queued| {
            !matches!(queued.get().trim_matches('"').to_ascii_lowercase().as_str(), "false" | "null" | "")
        });
        Ok(Self {
            rows: rows(wrapped)?,
            tenant_filter: text_of(&metadata, "tenantfilter").filter(|tenant| !tenant.trim().is_empty()),
            next: next.filter(|next| !next.is_empty()),
            queued,
        })
    }
}

impl NoRows {
    /// The code; `failure` is what a text in place of rows means here.
    pub const fn code(self, failure: Code) -> Code {
        match self {
            Self::Failure => failure,
            Self::Nothing => Code::CippAnswerIncomplete,
            Self::Unreadable => Code::CippAnswerUnreadable,
        }
    }
}

fn rows(value: &RawValue) -> Result<Vec<&RawValue>, NoRows> {
    match kind(value) {
        b'[' => {
            let RawRows(rows) = serde_json::from_str(value.get()).map_err(|_| NoRows::Unreadable)?;
            let is_nothing = !rows.is_empty() && rows.iter().all(|row| kind(row) == b'n');
            if is_nothing { Err(NoRows::Nothing) } else { Ok(rows) }
        }
        b'{' => Ok(vec![value]),
        b'n' => Err(NoRows::Nothing),
        b'"' => Err(NoRows::Failure),
        _ => Err(NoRows::Unreadable),
    }
}

/// Members by their names in lower case; of two with one name the last.
fn members(object: &RawValue) -> Result<Members<'_>, NoRows> {
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(object.get()).map_err(|_| NoRows::Unreadable)?;
    Ok(members.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect())
}

fn member<'a>(members: &Members<'a>, name: &str) -> Option<&'a RawValue> {
    members.get(name).copied()
}

/// The first byte, which tells the kind of a JSON value.
fn kind(value: &RawValue) -> u8 {
    value.get().trim_start().as_bytes().first().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappings() {
        for (text, expected) in [
            ("[]", Ok(0)),
            (r#"[{"a":1},{"a":2}]"#, Ok(2)),
            (r#"{"Results":[{"a":1}],"Metadata":{}}"#, Ok(1)),
            (r#"{"results":[]}"#, Ok(0)),
            (r#"{"Results":{"id":"x"}}"#, Ok(1)),
            (r#"{"value":[1,2,3]}"#, Ok(3)),
            (r#"{"data":[1]}"#, Ok(1)),
            (r#"{"customerId":"x"}"#, Ok(1)),
            (r#"{"Results":"Error: no"}"#, Err(NoRows::Failure)),
            (r#""Graph Error: no""#, Err(NoRows::Failure)),
            (r#"{"Results":null}"#, Err(NoRows::Nothing)),
            ("null", Err(NoRows::Nothing)),
            ("[null]", Err(NoRows::Nothing)),
            (r#"{"Results":[null,null]}"#, Err(NoRows::Nothing)),
            ("{}", Err(NoRows::Nothing)),
            ("7", Err(NoRows::Unreadable)),
            ("true", Err(NoRows::Unreadable)),
            (r#"{"Results":7}"#, Err(NoRows::Unreadable)),
            ("", Err(NoRows::Unreadable)),
            ("Graph Error: no", Err(NoRows::Unreadable)),
            (r#"[{"a":1}"#, Err(NoRows::Unreadable)),
        ] {
            assert_eq!(Rows::read(text).map(|read| read.rows.len()), expected, "{text}");
        }
    }

    #[test]
    fn metadata_in_any_letter_case() {
        let read = Rows::read(
            r#"{"Results":[1],"metadata":{"tenantfilter":"t","NextLink":"https://x","Queued":true,"ColdStart":1}}"#,
        )
        .unwrap();
        assert_eq!(
            (read.tenant_filter.as_deref(), read.next.as_deref(), read.queued),
            (Some("t"), Some("https://x"), true)
        );
        let read = Rows::read(
            r#"{"value":[1],"@odata.nextLink":"https://x","Metadata":{"Queued":"False","nextLink":""}}"#,
        );
        let read = read.unwrap();
        assert_eq!((read.tenant_filter, read.queued), (None, false));
    }
}
