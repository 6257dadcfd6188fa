//! Contacts of one client that are most likely the same person, and which of them to keep: what is left behind by
//! tools that made people again and again.
//!
//! Nothing is merged here and nothing is written: the result is a proposal for whoever merges contacts in the PSA.
//! A name alone proposes nothing about two contacts that have addresses, or accounts, of their own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    contact::Contact,
    email::EmailAddress,
    ids::{ContactId, Identity},
    text::comparison_key,
};

/// Digits of a telephone number that tell it from others, counted from its end: what is in front of them may or
/// may not be written.
const DIGITS: usize = 8;

/// A contact, and the account that the PSA says it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The contact.
    pub contact: &'a Contact,
    /// The account.
    pub account: Option<Identity>,
}

/// Why two contacts are taken for one person; the strongest first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// They belong to one account of a directory.
    SameAccount,
    /// Their addresses reach one mailbox: they differ in a tag behind `+` only.
    SameMailbox,
    /// The same name, and addresses that differ in their domains only.
    NameAndLocalPart,
    /// The same name, and a telephone number in common.
    NameAndPhone,
    /// The same name, and this one has neither an address nor an account that could be somebody else's.
    NameAndNothingElse,
}

impl Evidence {
    /// One clause for the operator.
    pub fn explanation(self) -> &'static str {
        match self {
            Self::SameAccount => "belongs to the same Microsoft account",
            Self::SameMailbox => "has an address of the same mailbox",
            Self::NameAndLocalPart => "has the same name, and the same address at another domain",
            Self::NameAndPhone => "has the same name and a telephone number in common",
            Self::NameAndNothingElse => "has the same name, and no address or account of its own",
        }
    }
}

/// A contact that would be merged into the one that is kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Copy {
    /// The contact.
    pub contact: ContactId,
    /// What ties it to the others.
    pub evidence: Evidence,
}

/// Contacts that are most likely one person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The one to keep.
    pub keep: ContactId,
    /// The others, in the order of their ids.
    pub copies: Vec<Copy>,
}

/// Groups among the active contacts of one client, in the order of the contacts that are kept.
///
/// Contacts that are linked to different accounts are different people, whatever else they have in common, and are
/// in no group together.
pub fn groups(contacts: &[Seen<'_>]) -> Vec<Group> {
    let seen: Vec<Person<'_>> =
        contacts.iter().filter(|seen| !seen.contact.inactive).map(Person::new).collect();
    let mut sets = Sets::new(&seen);
    for (position, person) in seen.iter().enumerate() {
        sets.join_by(position, person.account.map(Key::Account), Evidence::SameAccount);
        sets.join_by(position, person.mailbox.clone().map(Key::Mailbox), Evidence::SameMailbox);
    }
    for (position, person) in seen.iter().enumerate().filter(|(_, person)| person.has_whole_name()) {
        let local = person.contact.values.email.as_ref().map(local_part);
        let key = local.map(|local| Key::NameAndLocalPart(person.name.clone(), local));
        sets.join_by(position, key, Evidence::NameAndLocalPart);
        for phone in &person.phones {
            let key = Key::NameAndPhone(person.name.clone(), phone.clone());
            sets.join_by(position, Some(key), Evidence::NameAndPhone);
        }
    }
    sets.join_bare(&seen);
    sets.into_groups(&seen)
}

/// What is compared of a contact.
struct Person<'a> {
    contact: &'a Contact,
    account: Option<Identity>,
    name: String,
    mailbox: Option<String>,
    phones: BTreeSet<String>,
}

impl<'a> Person<'a> {
    fn new(seen: &Seen<'a>) -> Self {
        let contact = seen.contact;
        let linked = contact.entra.as_ref().map(|stamp| stamp.identity);
        let phones = contact.values.phones.iter().filter_map(|phone| significant(&phone.number));
        Self {
            contact,
            account: linked.or(seen.account),
            name: comparison_key(&contact.values.full_name),
            mailbox: contact.values.email.as_ref().map(mailbox),
            phones: phones.collect(),
        }
    }

    /// A single word is as often a function as a person.
    fn has_whole_name(&self) -> bool {
        self.name.contains(' ')
    }

    /// Whether nothing but the name could tell who it is.
    fn is_bare(&self) -> bool {
        self.account.is_none() && self.mailbox.is_none() && self.contact.additional_emails.is_empty()
    }

    /// What makes it the one to keep: being linked, having an address, saying more, being the first by id.
    fn worth(&self) -> (bool, bool, usize, std::cmp::Reverse<ContactId>) {
        let values = &self.contact.values;
        let said = [&values.role, &values.department, &values.office, &values.company];
        let said = said.into_iter().flatten().count() + values.phones.len();
        let is_linked = self.contact.entra.is_some();
        (is_linked, values.email.is_some(), said, std::cmp::Reverse(self.contact.id))
    }
}

fn mailbox(address: &EmailAddress) -> String {
    format!("{}@{}", local_part(address), address.domain())
}

/// Without a tag.
fn local_part(address: &EmailAddress) -> String {
    let local = address.local_part();
    local.split_once('+').map_or(local, |(local, _)| local).to_owned()
}

fn significant(number: &str) -> Option<String> {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let from = digits.len().checked_sub(DIGITS)?;
    Some(digits[from..].iter().collect())
}

#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Key {
    Account(Identity),
    Mailbox(String),
    NameAndLocalPart(String, String),
    NameAndPhone(String, String),
    Name(String),
}

/// Disjoint sets of people, each with its account if one is known.
struct Sets {
    /// The position of somebody of the same set; of itself where a set begins.
    parents: Vec<usize>,
    accounts: Vec<Option<Identity>>,
    /// Why somebody is in its set.
    evidence: Vec<Option<Evidence>>,
    first: BTreeMap<Key, Vec<usize>>,
}

impl Sets {
    fn new(people: &[Person<'_>]) -> Self {
        Self {
            parents: (0..people.len()).collect(),
            accounts: people.iter().map(|person| person.account).collect(),
            evidence: vec![None; people.len()],
            first: BTreeMap::new(),
        }
    }

    fn root(&mut self, position: usize) -> usize {
        let mut root = position;
        while self.parents[root] != root {
            root = self.parents[root];
        }
        // The way is short the next time.
        let mut step = position;
        while self.parents[step] != root {
            step = std::mem::replace(&mut self.parents[step], root);
        }
        root
    }

    /// Joins the person to the first set with the same key whose account does not speak against it.
    fn join_by(&mut self, position: usize, key: Option<Key>, evidence: Evidence) {
        let Some(key) = key else { return };
        let others = self.first.get(&key).cloned().unwrap_or_default();
        for other in others {
            if self.join(other, position, evidence) {
                return;
            }
        }
        self.first.entry(key).or_default().push(position);
    }

    fn join(&mut self, one: usize, other: usize, evidence: Evidence) -> bool {
        let (one, root) = (self.root(one), self.root(other));
        let accounts = (self.accounts[one], self.accounts[root]);
        if matches!(accounts, (Some(one), Some(other)) if one != other) {
            return false;
        }
        for person in [one, other] {
            let before = self.evidence[person];
            self.evidence[person] = Some(before.map_or(evidence, |before| before.min(evidence)));
        }
        self.parents[root] = one;
        self.accounts[one] = accounts.0.or(accounts.1);
        true
    }

    /// Contacts with a name and nothing else go to the one person of that name; where there are several of them,
    /// nobody can say to whom, and they are only each other's copies.
    fn join_bare(&mut self, people: &[Person<'_>]) {
        let mut named: BTreeMap<&str, (BTreeSet<usize>, Vec<usize>)> = BTreeMap::new();
        for (position, person) in people.iter().enumerate().filter(|(_, person)| person.has_whole_name()) {
            let root = self.root(position);
            let (known, bare) = named.entry(&person.name).or_default();
            let is_alone = person.is_bare() && self.evidence[position].is_none();
            if is_alone {
                bare.push(position);
            } else {
                known.insert(root);
            }
        }
        for (name, (known, bare)) in named {
            let first = if known.len() == 1 { known.into_iter().next() } else { None };
            if let Some(first) = first {
                self.first.entry(Key::Name(name.to_owned())).or_default().push(first);
            }
            for position in bare {
                self.join_by(position, Some(Key::Name(name.to_owned())), Evidence::NameAndNothingElse);
            }
        }
    }

    fn into_groups(mut self, people: &[Person<'_>]) -> Vec<Group> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for position in 0..people.len() {
            members.entry(self.root(position)).or_default().push(position);
        }
        let group = |members: Vec<usize>| {
            let keep = members.iter().copied().max_by_key(|position| people[*position].worth())?;
            let copies = members.iter().filter(|position| **position != keep).map(|position| Copy {
                contact: people[*position].contact.id,
                evidence: self.evidence[*position].unwrap_or(Evidence::NameAndNothingElse),
            });
            let mut copies: Vec<Copy> = copies.collect();
            copies.sort_by_key(|copy| copy.contact);
            (!copies.is_empty()).then_some(Group { keep: people[keep].contact.id, copies })
        };
        let mut groups: Vec<Group> = members.into_values().filter_map(group).collect();
        groups.sort_by_key(|group| group.keep);
        groups
    }
}

#[cfg(test)]
mod tests;
