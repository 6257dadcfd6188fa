//! A document: what one family's secrets look like, wherever they are kept.

use std::{collections::BTreeMap, fmt};

use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

/// Text that is not a secret document. Says where, never what.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidDocument {
    /// Not JSON, or not an object.
    #[error("it is not a JSON object (line {line}, column {column})")]
    NotAnObject {
        /// Counted from 1; 0 when the text is JSON of another kind.
        line: usize,
        /// Counted from 1; 0 when the text is JSON of another kind.
        column: usize,
    },
    /// A member whose value is neither text nor null.
    #[error("its member `{0}` is not text")]
    NotText(String),
}

/// Members by name. A member is never blank and never has blanks around it: blank means absent.
#[derive(Clone, Default)]
pub struct Document(BTreeMap<String, SecretString>);

impl Document {
    /// A document without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// The document with member `key`; trimmed, and left out when that leaves nothing.
    #[must_use]
    pub fn with(mut self, key: &str, value: &str) -> Self {
        match value.trim() {
            "" => self.0.remove(key),
            value => self.0.insert(key.to_owned(), SecretString::from(value)),
        };
        self
    }

    /// Reads a JSON object of texts. A null member is absent.
    ///
    /// # Errors
    /// When the text is anything else.
    pub fn from_json(text: &str) -> Result<Self, InvalidDocument> {
        let members: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)
            .map_err(|error| InvalidDocument::NotAnObject { line: error.line(), column: error.column() })?;
        let mut document = Self::new();
        for (name, value) in members {
            document = match value {
                serde_json::Value::Null => document,
                serde_json::Value::String(value) => document.with(&name, &value),
                _ => return Err(InvalidDocument::NotText(name)),
            };
        }
        Ok(document)
    }

    /// The document as a JSON object, members in the order of their names.
    pub fn to_json(&self) -> SecretString {
        let members = self.0.iter().map(|(name, value)| (name.clone(), value.expose_secret().into()));
        serde_json::Value::Object(members.collect()).to_string().into()
    }

    /// The value of `key`.
    pub fn value(&self, key: &str) -> Option<&SecretString> {
        self.0.get(key)
    }

    /// The value of `key`, for members that are no secrets by themselves (a time, a scope, a URL).
    pub fn plain(&self, key: &str) -> Option<&str> {
        self.value(key).map(ExposeSecret::expose_secret)
    }

    /// The names of the members.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A digest of the contents: equal for equal documents only.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        for (name, value) in &self.0 {
            for part in [name.as_str(), value.expose_secret()] {
                digest.update((part.len() as u64).to_be_bytes());
                digest.update(part);
            }
        }
        hex::encode(digest.finalize())
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_survives_its_json_and_blank_members_do_not() {
        let document = Document::from_json(r#"{"b":" two ","a":"1","c":"  ","d":null}"#).unwrap();
        assert_eq!(document.names().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(document.plain("b"), Some("two"));
        let again = Document::from_json(document.to_json().expose_secret()).unwrap();
        assert_eq!(again.digest(), document.digest());
    }

    #[test]
    fn what_is_not_a_document_is_refused_without_quoting_it() {
        for (text, expected) in [
            ("", "it is not a JSON object (line 1, column 0)"),
            (r#""CANARY""#, "it is not a JSON object (line 1, column 8)"),
            (r#"{"a":"CANARY"#, "it is not a JSON object (line 1, column 12)"),
            (r#"{"a":["CANARY"]}"#, "its member `a` is not text"),
        ] {
            assert_eq!(Document::from_json(text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn the_digest_keeps_members_apart() {
        let one = Document::new().with("a", "bc").digest();
        assert_ne!(one, Document::new().with("ab", "c").digest());
        assert_ne!(one, Document::new().with("a", "b").with("b", "c").digest());
    }
}
