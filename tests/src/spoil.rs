//! Every way in which a valid JSON document is spoiled here.
//!
//! Not drawn at random: a document of a few hundred bytes is spoiled at every member and cut at every byte,
//! which takes less time than drawing enough of it.

use serde_json::Value;

/// A value in place of another, as JSON text: some of it no `Value` can hold.
const REPLACEMENTS: [(&str, &str); 19] = [
    ("null", "null"),
    ("true", "true"),
    ("zero", "0"),
    ("a fraction", "-1.5"),
    ("the largest number of 64 bits", "18446744073709551615"),
    ("the smallest number of 64 bits", "-9223372036854775808"),
    ("a number of many digits", "123456789012345678901234567890123456789012345678901234567890"),
    ("a number beyond every range", "1e999"),
    ("no text", r#""""#),
    ("blanks", r#""  \t ""#),
    ("a NUL", r#""a\u0000b""#),
    ("half a surrogate pair", r#""\ud800""#),
    ("the other half", r#""\udc00 x""#),
    ("text that runs backwards", r#""\u202eelpmaxe""#),
    ("a number as text", r#""7""#),
    ("an empty list", "[]"),
    ("a list of nothing", "[null,null]"),
    ("an empty object", "{}"),
    ("another object", r#"{"value":[{"id":1}],"code":{"code":[]}}"#),
];

/// Nesting that no reader may follow on its stack.
const DEPTH: usize = 20_000;

/// Characters of a text that is far too long.
const LONG: usize = 20_000;

/// A spoiled document.
#[derive(Clone, Debug)]
pub struct Spoiled {
    /// What was done to it, for whoever reads a failure.
    pub how: String,
    /// The JSON pointer of what was changed; `None` when the whole document was.
    pub place: Option<String>,
    /// The document.
    pub bytes: Vec<u8>,
}

impl Spoiled {
    /// Whether only what stands below `pointer` was changed.
    pub fn is_below(&self, pointer: &str) -> bool {
        self.place
            .as_deref()
            .and_then(|place| place.strip_prefix(pointer))
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Every spoiled document that is made of `sample`.
pub fn spoiled(sample: &Value) -> impl Iterator<Item = Spoiled> {
    whole(&sample.to_string()).into_iter().chain(parts(sample))
}

/// The document as a whole is not what it was.
pub fn whole(text: &str) -> Vec<Spoiled> {
    let bytes = text.as_bytes();
    let marked = |mark: &[u8]| [mark, bytes].concat();
    let mut all = vec![
        ("nothing", Vec::new()),
        ("blanks", b" \r\n\t ".to_vec()),
        ("a byte-order mark in front", marked(b"\xef\xbb\xbf")),
        ("two byte-order marks", marked(b"\xef\xbb\xbf\xef\xbb\xbf")),
        ("half a byte-order mark", marked(b"\xef\xbb")),
        ("a NUL in front", marked(b"\0")),
        ("the guard of another product in front", marked(b")]}',\n")),
        ("something behind", [bytes, b" {}"].concat()),
        ("a NUL behind", [bytes, b"\0"].concat()),
        ("sixteen bits for each character", text.encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("a list around", [b"[", bytes, b"]"].concat()),
        ("as a text", serde_json::to_vec(text).unwrap()),
        ("a web page", b"<!DOCTYPE html><html><body>Sign in</body></html>".to_vec()),
        ("deep lists", b"[".repeat(DEPTH)),
        ("deep lists that are closed", [b"[".repeat(DEPTH), b"]".repeat(DEPTH)].concat()),
        ("deep objects", br#"{"value":"#.repeat(DEPTH)),
    ]
    .into_iter()
    .map(|(how, bytes)| Spoiled { how: how.to_owned(), place: None, bytes })
    .collect::<Vec<_>>();
    all.extend((0..bytes.len()).map(|length| Spoiled {
        how: format!("cut after {length} bytes"),
        place: None,
        bytes: bytes[..length].to_vec(),
    }));
    all.extend((0..bytes.len()).step_by(7).map(|at| {
        let mut bytes = bytes.to_vec();
        bytes[at] = 0xff;
        Spoiled { how: format!("no UTF-8 at byte {at}"), place: None, bytes }
    }));
    all
}

/// One value of the document is not what it was.
fn parts(sample: &Value) -> impl Iterator<Item = Spoiled> {
    let mut places = Vec::new();
    collect(sample, String::new(), &mut places);
    let mut changes: Vec<(String, Change)> = REPLACEMENTS
        .iter()
        .map(|(how, text)| ((*how).to_owned(), Change::Replace((*text).to_owned())))
        .collect();
    let deep = format!("{}{}", "[".repeat(300), "]".repeat(300));
    changes.extend([
        ("a long text".to_owned(), Change::Replace(format!("\"{}\"", "x".repeat(LONG)))),
        ("a deep list".to_owned(), Change::Replace(deep)),
        ("left out".to_owned(), Change::Remove),
        ("there twice".to_owned(), Change::Repeat),
        ("in another letter case".to_owned(), Change::Rename),
    ]);
    let sample = sample.clone();
    places.into_iter().flat_map(move |place| {
        let sample = sample.clone();
        changes.clone().into_iter().map(move |(how, change)| {
            let mut writer = Writer { out: String::new(), place: &place, change: &change };
            writer.value(&sample, &mut String::new());
            Spoiled {
                how: format!("{how} at {place}"),
                bytes: writer.out.into_bytes(),
                place: Some(place.clone()),
            }
        })
    })
}

fn collect(value: &Value, place: String, places: &mut Vec<String>) {
    match value {
        Value::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect(element, format!("{place}/{index}"), places);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                collect(member, format!("{place}/{name}"), places);
            }
        }
        _ => {}
    }
    if !place.is_empty() {
        places.push(place);
    }
}

#[derive(Clone)]
enum Change {
    Remove,
    Rename,
    Repeat,
    Replace(String),
}

/// Writes a document with one change.
struct Writer<'a> {
    out: String,
    place: &'a str,
    change: &'a Change,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, at: &mut String) {
        match value {
            Value::Array(elements) => {
                self.out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    self.child(None, &index.to_string(), element, at);
                }
                self.close(']');
            }
            Value::Object(members) => {
                self.out.push('{');
                for (name, member) in members {
                    self.child(Some(name), name, member, at);
                }
                self.close('}');
            }
            _ => self.out.push_str(&value.to_string()),
        }
    }

    /// A member or an element, with the comma behind it.
    fn child(&mut self, name: Option<&str>, step: &str, value: &Value, at: &mut String) {
        let length = at.len();
        at.push('/');
        at.push_str(step);
        let change = (at.as_str() == self.place).then_some(self.change);
        let times = match change {
            Some(Change::Remove) => 0,
            Some(Change::Repeat) => 2,
            _ => 1,
        };
        for _ in 0..times {
            if let Some(name) = name {
                let renamed = matches!(change, Some(Change::Rename)).then(|| name.to_uppercase());
                self.out.push_str(&Value::from(renamed.as_deref().unwrap_or(name)).to_string());
                self.out.push(':');
            }
            match change {
                Some(Change::Replace(text)) => self.out.push_str(text),
                _ => self.value(value, at),
            }
            self.out.push(',');
        }
        at.truncate(length);
    }

    fn close(&mut self, end: char) {
        if self.out.ends_with(',') {
            self.out.pop();
        }
        self.out.push(end);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn one_place_is_changed_and_no_other() {
        let sample = json!({ "a": [1, { "b": "x" }], "c": null });
        let all: Vec<Spoiled> = parts(&sample).collect();
        assert_eq!(all.len(), 5 * 24, "a, a/0, a/1, a/1/b and c");
        let text = |how: &str| {
            let found = all.iter().find(|spoiled| spoiled.how == how).unwrap();
            String::from_utf8(found.bytes.clone()).unwrap()
        };
        assert_eq!(text("left out at /a/0"), r#"{"a":[{"b":"x"}],"c":null}"#);
        assert_eq!(text("left out at /c"), r#"{"a":[1,{"b":"x"}]}"#);
        assert_eq!(text("there twice at /a/1/b"), r#"{"a":[1,{"b":"x","b":"x"}],"c":null}"#);
        assert_eq!(text("a number beyond every range at /a/1/b"), r#"{"a":[1,{"b":1e999}],"c":null}"#);
        assert_eq!(text("in another letter case at /c"), r#"{"a":[1,{"b":"x"}],"C":null}"#);
        assert!(all.iter().any(|spoiled| spoiled.is_below("/a/1") && !spoiled.is_below("/a/1/b")));
    }

    #[test]
    fn a_whole_document_is_cut_at_every_byte() {
        let cut = whole(r#"{"a":1}"#).into_iter().filter(|spoiled| spoiled.how.starts_with("cut")).count();
        assert_eq!(cut, 7);
    }
}
