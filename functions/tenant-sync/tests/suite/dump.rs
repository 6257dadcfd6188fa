//! A table's whole content, to be compared.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;

/// An item as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Items by partition and sort key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dump {
    pub(crate) items: BTreeMap<(String, String), Item>,
}

impl Dump {
    pub(crate) fn add(&mut self, item: Item) {
        let key = (text(&item, "pk").to_owned(), text(&item, "sk").to_owned());
        self.items.insert(key, item);
    }

    /// Without what says when something was done, and how often it had to be tried: a run that
    /// was cut off ends later, under a later lease.
    pub(crate) fn settled(mut self) -> Self {
        for ((pk, sk), item) in &mut self.items {
            let tried: &[&str] = if pk.ends_with("#RUN") {
                &["completedAt", "turns"]
            } else if sk.starts_with("TENANT#") {
                &["startedAt", "completedAt", "seal"]
            } else if sk.starts_with("PAGE#") {
                &["token", "seal"]
            } else if pk.ends_with("#STATE") {
                &["token", "attempts", "touchedAt", "lastSuccessAt"]
            } else {
                &[]
            };
            item.retain(|name, _| !tried.contains(&name.as_str()));
        }
        self
    }

    /// What belongs to people: contacts, the claims on their addresses, links and review items.
    pub(crate) fn people(mut self) -> Self {
        self.items
            .retain(|(pk, _), _| ["#CONTACT#", "#EMAIL#", "#PEOPLE#"].iter().any(|kind| pk.contains(kind)));
        self
    }

    /// Fails, naming an item that differs, unless `other` is the same.
    #[track_caller]
    pub(crate) fn assert_same(&self, other: &Self, what: &str) {
        let keys: BTreeSet<_> = self.items.keys().chain(other.items.keys()).collect();
        for key in keys {
            let [ours, theirs] = [self, other].map(|dump| dump.items.get(key).cloned().unwrap_or_default());
            let names: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
            for name in names {
                assert_eq!(ours.get(name), theirs.get(name), "{what}: {name} of {key:?}");
            }
        }
    }

    /// Fails unless every address has one contact, every person one link, every link that an undo has
    /// not cut its contact, and every contact its address.
    #[track_caller]
    pub(crate) fn assert_sound(&self, what: &str) {
        let mut addresses = BTreeSet::new();
        let mut linked = BTreeSet::new();
        let contacts = self.of("#CONTACT#");
        let ids: BTreeSet<&str> = contacts.iter().map(|item| text(item, "id")).collect();
        assert_eq!(ids.len(), contacts.len(), "{what}: a contact is there twice");
        for contact in &contacts {
            let Some(AttributeValue::S(address)) = contact.get("email") else { continue };
            assert!(addresses.insert(address.clone()), "{what}: two contacts have {address}");
            let claim = self.items.iter().find(|((pk, _), _)| pk.ends_with(&format!("#EMAIL#{address}")));
            let owner = claim.map(|(_, claim)| text(claim, "contact"));
            assert_eq!(owner, Some(text(contact, "id")), "{what}: the owner of {address}");
        }
        for ((pk, sk), link) in self.items.iter().filter(|((_, sk), _)| sk.starts_with("LINK#")) {
            let (contact, active) = (text(link, "contact"), link["active"] == AttributeValue::Bool(true));
            let was_cut = !active && link.contains_key("cutAt");
            assert!(was_cut || ids.contains(contact), "{what}: {sk} leads to no contact");
            assert!(!active || linked.insert(contact.to_owned()), "{what}: {pk} {contact} is linked twice");
        }
    }

    fn of(&self, kind: &str) -> Vec<&Item> {
        self.items.iter().filter(|((pk, _), _)| pk.contains(kind)).map(|(_, item)| item).collect()
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}
