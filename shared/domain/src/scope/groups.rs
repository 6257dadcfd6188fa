//! Who is in which group.

use std::{collections::BTreeMap, fmt};

use crate::ids::{EntraObjectId, GroupId};

/// The members of the groups that rules name, as far as they were read. Sixteen bytes a member, so
/// that groups of a whole large directory fit.
#[derive(Clone, Default, Eq, PartialEq)]
pub struct GroupMembership {
    /// Sorted, without repetitions.
    members: BTreeMap<GroupId, Box<[EntraObjectId]>>,
}

impl GroupMembership {
    /// Notes all members of `group`, in any order; they replace those noted before. A group without
    /// members has been read, too.
    pub fn insert(&mut self, group: GroupId, mut members: Vec<EntraObjectId>) {
        members.sort_unstable();
        members.dedup();
        self.members.insert(group, members.into_boxed_slice());
    }

    /// The same, but that `object` is a member of `group`, whose members count as read.
    #[must_use]
    pub fn with(&self, group: GroupId, object: EntraObjectId) -> Self {
        self.altered(group, |members| members.push(object))
    }

    /// The same, but that `object` is no member of `group`, whose members count as read.
    #[must_use]
    pub fn without(&self, group: GroupId, object: EntraObjectId) -> Self {
        self.altered(group, |members| members.retain(|member| *member != object))
    }

    fn altered(&self, group: GroupId, change: impl FnOnce(&mut Vec<EntraObjectId>)) -> Self {
        let mut altered = self.clone();
        let mut members = self.members.get(&group).map(|members| members.to_vec()).unwrap_or_default();
        change(&mut members);
        altered.insert(group, members);
        altered
    }

    /// Whether `object` is a member of `group`; nobody is of a group that was not read.
    pub fn contains(&self, group: GroupId, object: EntraObjectId) -> bool {
        self.members.get(&group).is_some_and(|members| members.binary_search(&object).is_ok())
    }

    /// Whether the members of `group` were read.
    pub fn knows(&self, group: GroupId) -> bool {
        self.members.contains_key(&group)
    }
}

/// How many members, not who: a group may have a quarter of a million.
impl fmt::Debug for GroupMembership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.members.iter().map(|(group, members)| (group, members.len()))).finish()
    }
}
