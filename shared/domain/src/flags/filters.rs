//! Whom a flag is on for: release groups, in the form of the PSA's flag service.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::ids::WorkspaceId;

const GROUPS: &str = "groups";
const PROPERTIES: &str = "properties";
const PERCENTAGE: &str = "rollout_percentage";
/// The one property that is understood: the workspace.
const TENANT: &str = "tenant";

/// Whom a flag is on for: anybody in any of its release groups.
///
/// A group has properties, all of which must hold, and a share of those for whom they do. The only
/// property that can hold is an exact `tenant`. What else stands in the filters is kept as it is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Filters(Map<String, Value>);

/// JSON that cannot be the filters of a flag.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("filters are an object, and its `groups`, when there are any, a list of objects")]
pub struct NotFilters;

impl TryFrom<Value> for Filters {
    type Error = NotFilters;

    fn try_from(value: Value) -> Result<Self, NotFilters> {
        let Value::Object(filters) = value else { return Err(NotFilters) };
        match filters.get(GROUPS) {
            None => Ok(Self(filters)),
            Some(Value::Array(groups)) if groups.iter().all(Value::is_object) => Ok(Self(filters)),
            Some(_) => Err(NotFilters),
        }
    }
}

impl Default for Filters {
    /// On for nobody.
    fn default() -> Self {
        Self(Map::from_iter([(GROUPS.to_owned(), json!([nobody()]))]))
    }
}

impl Filters {
    /// Whether the flag called `key` is on for `workspace`.
    pub fn include(&self, key: &str, workspace: WorkspaceId) -> bool {
        self.groups().iter().any(|group| {
            properties(group)
                .iter()
                .all(|property| values(property).is_some_and(|found| lists(found, workspace)))
                && share(group) > position(key, workspace)
        })
    }

    /// The same, and on for `workspace`. Nothing changes when one of the groups names it already.
    #[must_use]
    pub fn with(&self, workspace: WorkspaceId) -> Self {
        let mut groups = self.groups().to_vec();
        let named = |group: &Value| values_of_target(group).is_some_and(|found| lists(found, workspace));
        if groups.iter().any(named) {
            return self.clone();
        }
        let target = groups.iter_mut().find(|group| values_of_target(group).is_some_and(Value::is_array));
        let listed = target.and_then(|group| group[PROPERTIES][0]["value"].as_array_mut());
        if let Some(listed) = listed {
            listed.push(json!(workspace));
        } else {
            groups.retain(|group| *group != nobody());
            groups.push(json!({
                PROPERTIES: [{ "key": TENANT, "type": "person", "operator": "exact", "value": [workspace] }],
                PERCENTAGE: 100,
            }));
        }
        self.with_groups(groups)
    }

    /// The same, but no group names `workspace`.
    #[must_use]
    pub fn without(&self, workspace: WorkspaceId) -> Self {
        let mut groups = self.groups().to_vec();
        groups.retain_mut(|group| {
            let Some(properties) = group.get_mut(PROPERTIES).and_then(Value::as_array_mut) else {
                return true;
            };
            properties.iter_mut().all(|property| leaves_somebody(property, workspace))
        });
        if groups.is_empty() {
            groups.push(nobody());
        }
        self.with_groups(groups)
    }

    fn with_groups(&self, groups: Vec<Value>) -> Self {
        let mut filters = self.0.clone();
        filters.insert(GROUPS.to_owned(), Value::Array(groups));
        Self(filters)
    }

    fn groups(&self) -> &[Value] {
        self.0.get(GROUPS).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
}

/// The group that nobody is in.
fn nobody() -> Value {
    json!({ PROPERTIES: [], PERCENTAGE: 0 })
}

fn properties(group: &Value) -> &[Value] {
    static UNREADABLE: [Value; 1] = [Value::Null];
    match group.get(PROPERTIES) {
        None | Some(Value::Null) => &[],
        Some(Value::Array(properties)) => properties,
        // Not understood: it holds for nobody.
        Some(_) => &UNREADABLE,
    }
}

/// What a property that is understood is compared with.
fn values(property: &Value) -> Option<&Value> {
    let is_exact = property.get("operator").is_none_or(|operator| operator.is_null() || operator == "exact");
    (property["key"] == TENANT && is_exact).then(|| &property["value"])
}

/// The same for a group that is there to name workspaces: no other property, and the whole share.
fn values_of_target(group: &Value) -> Option<&Value> {
    match properties(group) {
        [property] if share(group) >= WHOLE => values(property),
        _ => None,
    }
}

fn lists(found: &Value, workspace: WorkspaceId) -> bool {
    match found {
        Value::Array(found) => found.iter().any(|one| is(one, workspace)),
        one => is(one, workspace),
    }
}

fn is(one: &Value, workspace: WorkspaceId) -> bool {
    one.as_str().and_then(|text| text.parse().ok()) == Some(workspace)
}

/// Takes the workspace out; whether the property can hold for anybody afterwards.
fn leaves_somebody(property: &mut Value, workspace: WorkspaceId) -> bool {
    if values(property).is_none_or(|found| !lists(found, workspace)) {
        return true;
    }
    match property["value"].as_array_mut() {
        Some(found) => {
            found.retain(|one| !is(one, workspace));
            !found.is_empty()
        }
        None => false,
    }
}

/// Everybody, in hundredths of a percent.
const WHOLE: u64 = 10_000;

/// A group's share in hundredths of a percent; the whole when nothing is said.
fn share(group: &Value) -> u64 {
    match group.get(PERCENTAGE) {
        None | Some(Value::Null) => WHOLE,
        Some(percent) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 10,000"
            )]
            let share = (percent.as_f64().unwrap_or(0.0).clamp(0.0, 100.0) * 100.0) as u64;
            share
        }
    }
}

/// Where a workspace stands among all, always the same for one flag: growing a share takes nobody out.
fn position(key: &str, workspace: WorkspaceId) -> u64 {
    let hash =
        Sha256::new().chain_update(key).chain_update(".").chain_update(workspace.to_string()).finalize();
    let first: [u8; 8] = std::array::from_fn(|index| hash[index]);
    u64::from_be_bytes(first) % WHOLE
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const FLAG: &str = "entra-integration-ui";

    fn workspace(number: u128) -> WorkspaceId {
        WorkspaceId::new(Uuid::from_u128(number))
    }

    fn filters(groups: Value) -> Filters {
        json!({ "groups": groups, "payloads": {} }).try_into().unwrap()
    }

    #[test]
    fn what_is_not_understood_is_on_for_nobody() {
        let here = workspace(1).to_string();
        let tenant = |operator: Value, value: Value| json!([{ "properties": [{ "key": "tenant", "operator": operator, "value": value }] }]);
        for (groups, expected) in [
            (json!([]), false),
            (json!([{ "properties": [], "rollout_percentage": 0 }]), false),
            (json!([{ "properties": [], "rollout_percentage": 100 }]), true),
            (json!([{}]), true),
            (json!([{ "properties": "tenant" }]), false),
            (json!([{ "rollout_percentage": "all" }]), false),
            (tenant(json!("exact"), json!([here])), true),
            (tenant(json!("exact"), json!([here.to_uppercase()])), true),
            (tenant(Value::Null, json!(here)), true),
            (tenant(json!("is_not"), json!([workspace(2)])), false),
            (tenant(json!("exact"), json!([workspace(2)])), false),
            (tenant(json!("exact"), Value::Null), false),
            (json!([{ "properties": [{ "key": "plan", "value": ["pro"] }] }]), false),
            (
                json!([{ "properties": [
                    { "key": "tenant", "value": [here] }, { "key": "plan", "value": ["pro"] },
                ]}]),
                false,
            ),
            (
                json!([{ "properties": [{ "key": "tenant", "value": [here] }], "rollout_percentage": 0 }]),
                false,
            ),
        ] {
            assert_eq!(filters(groups.clone()).include(FLAG, workspace(1)), expected, "{groups}");
        }
        assert!(!Filters::default().include(FLAG, workspace(1)));
        assert!(!Filters::try_from(json!({})).unwrap().include(FLAG, workspace(1)));
    }

    #[test]
    fn only_an_object_with_a_list_of_groups_is_filters() {
        for value in [json!(null), json!([]), json!("all"), json!({ "groups": {} }), json!({ "groups": [1] })]
        {
            assert_eq!(Filters::try_from(value.clone()), Err(NotFilters), "{value}");
        }
    }

    #[test]
    fn a_share_holds_about_so_many_and_only_grows() {
        let of = |percent: u32| filters(json!([{ "properties": [], "rollout_percentage": percent }]));
        let inside = |percent| {
            let filters = of(percent);
            (0..2_000).filter(|number| filters.include(FLAG, workspace(*number))).collect::<Vec<_>>()
        };
        let (few, many) = (inside(10), inside(60));
        assert!((150..250).contains(&few.len()) && (1_100..1_300).contains(&many.len()));
        assert!(few.iter().all(|number| many.contains(number)));
    }

    #[test]
    fn a_workspace_is_named_once_and_the_last_one_leaves_nobody() {
        let none = Filters::default();
        let one = none.with(workspace(1));
        assert_eq!(one.groups().len(), 1, "the group of nobody goes: {one:?}");
        assert_eq!(one.with(workspace(1)), one);
        let two = one.with(workspace(2));
        assert_eq!(two.groups()[0][PROPERTIES][0]["value"], json!([workspace(1), workspace(2)]));
        assert_eq!(two.without(workspace(1)).with(workspace(1)).groups().len(), 1);
        assert_eq!(two.without(workspace(1)).without(workspace(2)), none);
        assert_eq!(none.without(workspace(1)), none);
    }

    #[test]
    fn what_others_have_put_there_stays() {
        let before = filters(json!([
            { "properties": [{ "key": "plan", "value": ["pro"] }], "rollout_percentage": 50 },
            { "properties": [{ "key": "tenant", "value": [workspace(1)] }], "rollout_percentage": 30 },
        ]));
        let with = before.with(workspace(1));
        assert_eq!(with.groups()[..2], before.groups()[..2]);
        assert!(with.include(FLAG, workspace(1)));
        let without = with.without(workspace(1));
        assert_eq!(without.groups(), &before.groups()[..1]);
        assert_eq!(without.0["payloads"], json!({}));
    }

    proptest! {
        #[test]
        fn whoever_was_named_last_decides(steps in proptest::collection::vec((0_u128..4, any::<bool>()), 0..20)) {
            let mut filters = Filters::default();
            let mut expected = std::collections::BTreeSet::new();
            for (number, on) in steps {
                filters = if on { filters.with(workspace(number)) } else { filters.without(workspace(number)) };
                if on { expected.insert(number); } else { expected.remove(&number); }
                let found = (0..4).filter(|number| filters.include(FLAG, workspace(*number)));
                prop_assert_eq!(found.collect::<std::collections::BTreeSet<_>>(), expected.clone());
                prop_assert_eq!(filters.groups().len(), 1);
            }
        }
    }
}
