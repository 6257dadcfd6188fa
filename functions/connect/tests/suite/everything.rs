//! All that is stored: every item of the table and every document of the secret chain, byte for byte.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Write,
};

use aws_sdk_dynamodb::types::AttributeValue;
use secrecy::ExposeSecret;
use secrets::{Family, Provider, Scope};
use store::{client_over, probe::Probe};

use crate::bench::{Bench, TABLE, workspace};

/// An item's members, by their names.
type Item = BTreeMap<String, String>;

/// What is stored at one moment.
#[derive(Debug, PartialEq)]
pub(crate) struct Everything {
    /// Items by their keys.
    items: BTreeMap<(String, String), Item>,
    /// Documents, by whose and which they are.
    pub(crate) documents: BTreeMap<String, String>,
}

impl Bench {
    /// Everything in the table, as text.
    pub(crate) async fn table(&self) -> String {
        self.items().await.values().fold(String::new(), |mut text, item| {
            writeln!(text, "{item:?}").unwrap();
            text
        })
    }

    /// Everything in the table and in the secret chain.
    pub(crate) async fn everything(&self) -> Everything {
        let scopes = [Scope::App].into_iter().chain((0..4).map(|number| Scope::Workspace(workspace(number))));
        let mut documents = BTreeMap::new();
        for (scope, family) in scopes.flat_map(|scope| Family::ALL.map(|family| (scope, family))) {
            if let Some(stored) = self.keeper.read(scope, family).await.unwrap() {
                let text = stored.document.to_json().expose_secret().to_owned();
                documents.insert(format!("{scope} {}", family.name()), text);
            }
        }
        Everything { items: self.items().await, documents }
    }

    async fn items(&self) -> BTreeMap<(String, String), Item> {
        let (_, http) = Probe::around(self.engine.clone());
        let scanned = client_over(http).scan().table_name(TABLE).send().await.unwrap();
        assert!(scanned.last_evaluated_key().is_none(), "one answer holds the table");
        let key = |item: &HashMap<String, AttributeValue>, name: &str| item[name].as_s().unwrap().clone();
        let items = scanned.items().iter();
        items.map(|item| ((key(item, "pk"), key(item, "sk")), members(item))).collect()
    }
}

impl Everything {
    /// Nothing has been added, changed or removed since `before`, but that sign-ins were used up: what could
    /// be redeemed is gone from them and a mark is there. Answers how many.
    pub(crate) fn assert_unchanged_since(&self, before: &Self, story: &str) -> usize {
        assert_eq!(self.documents, before.documents, "{story}: the secrets");
        let keys = |everything: &Self| everything.items.keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(self), keys(before), "{story}: the items there are");
        let changed = self.items.iter().filter(|(key, item)| before.items[*key] != **item);
        changed
            .map(|(key, item)| {
                assert!(key.0.ends_with("#LOGIN"), "{story}: {key:?} is no sign-in");
                let mut used_up = before.items[key].clone();
                used_up.retain(|name, _| !["verifier", "nonce", "session"].contains(&name.as_str()));
                used_up.insert("taken".to_owned(), format!("{:?}", AttributeValue::Bool(true)));
                assert_eq!(item, &used_up, "{story}: a sign-in that was used up");
            })
            .count()
    }

    /// The same without the sign-ins that are under way.
    pub(crate) fn without_sign_ins(mut self) -> Self {
        self.items.retain(|(pk, _), _| !pk.ends_with("#LOGIN"));
        self
    }
}

/// Members as text, those within them sorted, so that two items can be compared.
fn members(item: &HashMap<String, AttributeValue>) -> Item {
    item.iter().map(|(name, value)| (name.clone(), in_one_order(value))).collect()
}

fn in_one_order(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(inner) => format!("{:?}", members(inner)),
        AttributeValue::L(values) => format!("{:?}", values.iter().map(in_one_order).collect::<Vec<_>>()),
        value => format!("{value:?}"),
    }
}
