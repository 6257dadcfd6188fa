//! Phone numbers, as the PSA writes them and as a person types them into a cell.

use domain::contact::{Phone, PhoneKind};
use serde::Serialize;
use serde_json::Value;

use crate::{
    fields::{Fields, SEPARATOR, cleaned, flag, invalid, missing},
    row_error::RowError,
};

/// The column.
pub(crate) const COLUMN: &str = "phoneNumbers";

const EXPECTED: &str = "a list of phone numbers";

/// One phone number on the wire.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PhoneEntry {
    /// As written.
    pub phone_number: String,
    /// `work`, `mobile`, or whatever else the PSA has.
    pub canonical_type: String,
    /// The one to call first.
    pub is_default: bool,
    /// Place in the list, from 0.
    pub display_order: usize,
}

impl PhoneEntry {
    pub(crate) fn list(phones: &[Phone]) -> Vec<Self> {
        let entry = |(display_order, phone): (usize, &Phone)| Self {
            phone_number: phone.number.clone(),
            canonical_type: match &phone.kind {
                PhoneKind::Mobile => "mobile".to_owned(),
                PhoneKind::Work => "work".to_owned(),
                PhoneKind::Other(kind) => kind.clone(),
            },
            is_default: phone.is_default,
            display_order,
        };
        phones.iter().enumerate().map(entry).collect()
    }
}

/// The phones in a column: a JSON array as the PSA writes it, the text of one, or numbers with `;`
/// between them, each with its kind in front if it is not `work` (`mobile: +47 900 00 000`). Of
/// numbers without marks the first one is the default.
pub(crate) fn parse(column: Value) -> Result<Vec<Phone>, RowError> {
    match column {
        Value::Null => Ok(Vec::new()),
        Value::Array(entries) => listed(entries),
        Value::String(text) if text.trim_start().starts_with('[') => {
            listed(serde_json::from_str(&text).map_err(|_| invalid(COLUMN, EXPECTED))?)
        }
        Value::String(text) => typed(&text),
        _ => Err(invalid(COLUMN, EXPECTED)),
    }
}

fn listed(entries: Vec<Value>) -> Result<Vec<Phone>, RowError> {
    let mut phones = Vec::with_capacity(entries.len());
    for (place, entry) in (0_u64..).zip(entries) {
        let Value::Object(entry) = entry else { return Err(invalid(COLUMN, EXPECTED)) };
        phones.push(phone(Fields::new(entry), place)?);
    }
    phones.sort_by_key(|(order, _)| *order);
    let phones: Vec<Phone> = phones.into_iter().map(|(_, phone)| phone).collect();
    if phones.iter().filter(|phone| phone.is_default).count() > 1 {
        return Err(invalid(COLUMN, "a list with at most one default"));
    }
    Ok(phones)
}

fn phone(mut entry: Fields, place: u64) -> Result<(u64, Phone), RowError> {
    let number = entry.required_text("phoneNumber").map_err(within)?;
    let kind = entry.text("canonicalType").map_err(within)?;
    let is_default = flag("isDefault", entry.take("isDefault")).map_err(within)?;
    let order = match entry.take("displayOrder") {
        Value::Null => place,
        order => order.as_u64().ok_or_else(|| within(invalid("displayOrder", "a whole number from 0")))?,
    };
    entry.finish().map_err(within)?;
    Ok((order, Phone { number, kind: kind.map_or(PhoneKind::Work, kind_of), is_default }))
}

fn typed(text: &str) -> Result<Vec<Phone>, RowError> {
    let mut phones: Vec<Phone> = Vec::new();
    for part in text.split(SEPARATOR) {
        let (kind, number) = part.split_once(':').unwrap_or(("", part));
        match (cleaned(COLUMN, kind)?, cleaned(COLUMN, number)?) {
            (None, None) => {}
            (_, None) => return Err(invalid(COLUMN, EXPECTED)),
            (kind, Some(number)) => {
                let kind = kind.map_or(PhoneKind::Work, kind_of);
                phones.push(Phone { number, kind, is_default: phones.is_empty() });
            }
        }
    }
    Ok(phones)
}

fn kind_of(name: String) -> PhoneKind {
    match name.to_ascii_lowercase().as_str() {
        "mobile" => PhoneKind::Mobile,
        "work" => PhoneKind::Work,
        _ => PhoneKind::Other(name),
    }
}

/// The same error, naming the column the entry is in.
fn within(error: RowError) -> RowError {
    let path = |inner: &str| format!("{COLUMN}[].{inner}");
    match error {
        RowError::Invalid { column, expected } => RowError::Invalid { column: path(&column), expected },
        RowError::Missing { column } => missing(&path(&column)),
        RowError::TooLong { column, max } => RowError::TooLong { column: path(&column), max },
        RowError::UnknownColumn { column } => RowError::UnknownColumn { column: path(&column) },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(column: Value) -> Result<Vec<(String, String, bool)>, RowError> {
        let phones = parse(column)?;
        let entries = PhoneEntry::list(&phones).into_iter();
        Ok(entries.map(|entry| (entry.canonical_type, entry.phone_number, entry.is_default)).collect())
    }

    #[test]
    fn phones_in_every_form() {
        let phone = |kind: &str, number: &str, first| (kind.to_owned(), number.to_owned(), first);
        for (column, expected) in [
            (Value::Null, vec![]),
            (json!([]), vec![]),
            (json!(" "), vec![]),
            (json!("+47 22"), vec![phone("work", "+47 22", true)]),
            (
                json!("+47 22; mobile: 900 ;;Fax:1"),
                vec![phone("work", "+47 22", true), phone("mobile", "900", false), phone("Fax", "1", false)],
            ),
            (json!(r#"[{"phoneNumber":"1"}]"#), vec![phone("work", "1", false)]),
            (
                json!([
                    { "phoneNumber": "2", "canonicalType": "home", "displayOrder": 1 },
                    { "phoneNumber": "1", "canonicalType": "Mobile", "isDefault": true, "displayOrder": 0 },
                ]),
                vec![phone("mobile", "1", true), phone("home", "2", false)],
            ),
        ] {
            assert_eq!(shown(column.clone()), Ok(expected), "{column}");
        }
    }

    #[test]
    fn what_is_no_phone_is_named() {
        for (column, code, named) in [
            (json!(7), "invalid_value", "`phoneNumbers`"),
            (json!(["1"]), "invalid_value", "`phoneNumbers`"),
            (json!("[1"), "invalid_value", "`phoneNumbers`"),
            (json!("mobile:"), "invalid_value", "`phoneNumbers`"),
            (json!([{ "phoneNumber": " " }]), "missing_value", "`phoneNumbers[].phoneNumber`"),
            (
                json!([{ "phoneNumber": "1", "displayOrder": -1 }]),
                "invalid_value",
                "`phoneNumbers[].displayOrder`",
            ),
            (json!([{ "phoneNumber": "1", "number": "1" }]), "unknown_column", "`phoneNumbers[].number`"),
            (
                json!([{ "phoneNumber": "1", "isDefault": true }, { "phoneNumber": "2", "isDefault": true }]),
                "invalid_value",
                "at most one default",
            ),
        ] {
            let error = parse(column.clone()).unwrap_err();
            assert_eq!(error.code(), code, "{column}");
            assert!(error.to_string().contains(named), "{error}");
        }
    }
}
