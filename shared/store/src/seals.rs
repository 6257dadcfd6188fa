//! Seals: a hash over every byte of a stored item, kept in the item itself, so that an edit of any of them is found.
//!
//! What belongs to a plan is held together by the hash chain besides (`plans`): a seal can be made anew by whoever
//! knows how, the chain only with everything behind it.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::plan::ChainHash;

use crate::table::{Item, text};

/// The seal. Beside it stands that there is one, so that taking one of the two away is found as well.
const SEAL: &str = "seal";
const IS_SEALED: &str = "sealed";

/// What is known of the seal of a stored item.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Seal {
    /// The item is not as it was written.
    Broken,
    /// It was written before there were seals.
    None,
    /// Every byte is as it was written.
    Whole,
}

/// Seals an item; nothing of it may be changed after that.
pub(crate) fn seal(item: &mut Item) {
    item.insert(IS_SEALED.to_owned(), AttributeValue::Bool(true));
    let seal = String::from(digest(item));
    item.insert(SEAL.to_owned(), text(seal));
}

/// Whether an item, as it was read, is as it was sealed.
pub(crate) fn check(item: &Item) -> Seal {
    match (item.get(SEAL), item.get(IS_SEALED)) {
        (None, None) => Seal::None,
        (Some(AttributeValue::S(noted)), Some(_)) if *noted == String::from(digest(item)) => Seal::Whole,
        _ => Seal::Broken,
    }
}

/// Stands for everything in an item but its seal.
pub(crate) fn digest(item: &Item) -> ChainHash {
    let mut bytes = Vec::new();
    members(&mut bytes, item.iter().filter(|(name, _)| name.as_str() != SEAL));
    ChainHash::GENESIS.followed_by(&bytes)
}

/// Members in the order of their names; every part with its kind and length, so that no two items have the same
/// bytes.
fn members<'a>(bytes: &mut Vec<u8>, members: impl Iterator<Item = (&'a String, &'a AttributeValue)>) {
    let mut members: Vec<_> = members.collect();
    members.sort_unstable_by_key(|(name, _)| *name);
    part(bytes, b'M', &(members.len() as u64).to_be_bytes());
    for (name, member) in members {
        part(bytes, b'K', name.as_bytes());
        value(bytes, member);
    }
}

fn value(bytes: &mut Vec<u8>, of: &AttributeValue) {
    match of {
        AttributeValue::B(blob) => part(bytes, b'B', blob.as_ref()),
        AttributeValue::Bool(is) => part(bytes, b'T', &[u8::from(*is)]),
        AttributeValue::L(values) => {
            part(bytes, b'L', &(values.len() as u64).to_be_bytes());
            for member in values {
                value(bytes, member);
            }
        }
        AttributeValue::M(map) => members(bytes, map.iter()),
        AttributeValue::N(number) => part(bytes, b'N', number.as_bytes()),
        AttributeValue::Null(_) => part(bytes, b'0', &[]),
        AttributeValue::S(text) => part(bytes, b'S', text.as_bytes()),
        // None of ours: whatever it is, it is something else.
        other => part(bytes, b'?', format!("{other:?}").as_bytes()),
    }
}

fn part(bytes: &mut Vec<u8>, kind: u8, content: &[u8]) {
    bytes.push(kind);
    bytes.extend((content.len() as u64).to_be_bytes());
    bytes.extend(content);
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::primitives::Blob;

    use super::*;

    fn item() -> Item {
        let inner = Item::from([("deep".to_owned(), AttributeValue::L(vec![text("a"), text("b")]))]);
        Item::from([
            ("sk".to_owned(), text("PAGE#1")),
            ("number".to_owned(), AttributeValue::N("7".to_owned())),
            ("body".to_owned(), AttributeValue::B(Blob::new([1, 2, 3]))),
            ("yes".to_owned(), AttributeValue::Bool(true)),
            ("inner".to_owned(), AttributeValue::M(inner)),
        ])
    }

    #[test]
    fn a_sealed_item_is_whole_until_something_of_it_is_another() {
        assert_eq!(check(&item()), Seal::None);
        let mut sealed = item();
        seal(&mut sealed);
        assert_eq!(check(&sealed), Seal::Whole);
        let names: Vec<String> = sealed.keys().cloned().collect();
        for name in names {
            let mut without = sealed.clone();
            let value = without.remove(&name).unwrap();
            assert_eq!(check(&without), Seal::Broken, "without {name}");
            without.insert(format!("{name}x"), value);
            assert_eq!(check(&without), Seal::Broken, "{name} under another name");
            let mut other = sealed.clone();
            other.insert(name.clone(), text("another"));
            assert_eq!(check(&other), Seal::Broken, "another {name}");
        }
        let mut more = sealed;
        more.insert("more".to_owned(), text(""));
        assert_eq!(check(&more), Seal::Broken);
    }

    #[test]
    fn what_is_said_in_another_way_is_something_else() {
        let as_text = Item::from([("a".to_owned(), text("1"))]);
        let as_number = Item::from([("a".to_owned(), AttributeValue::N("1".to_owned()))]);
        let list = |parts: &[&str]| {
            let parts = parts.iter().map(text).collect();
            Item::from([("a".to_owned(), AttributeValue::L(parts))])
        };
        let all = [as_text, as_number, list(&["1"]), list(&["1", ""]), list(&["", "1"]), Item::new()];
        for (position, one) in all.iter().enumerate() {
            assert!(all[..position].iter().all(|other| digest(other) != digest(one)), "{one:?}");
        }
    }
}
