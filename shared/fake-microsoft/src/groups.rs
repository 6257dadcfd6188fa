//! Groups of a tenant. None are made: a test adds those it needs.

use std::collections::{HashSet, VecDeque};

use domain::ids::{EntraObjectId, EntraTenantId, GroupId};

use crate::world::{NotInWorld, World};

/// One group of one tenant. Public to be edited by tests.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The object's id.
    pub id: GroupId,
    /// The name shown.
    pub display_name: Option<String>,
    /// False for a group that only distributes mail. `None` is served as `null`.
    pub security_enabled: Option<bool>,
    /// The users in it, in the order they are listed. Those who are not in the tenant now do not
    /// show.
    pub members: Vec<EntraObjectId>,
    /// The groups in it. They may lead back to this one.
    pub groups: Vec<GroupId>,
}

impl Group {
    /// A security group of these users.
    pub fn security(id: GroupId, display_name: &str, members: Vec<EntraObjectId>) -> Self {
        Self {
            id,
            display_name: Some(display_name.to_owned()),
            security_enabled: Some(true),
            members,
            groups: Vec::new(),
        }
    }
}

impl World {
    /// The groups of a tenant in the order they were added.
    pub fn groups(&self, tenant: EntraTenantId) -> Vec<Group> {
        self.read().edits.get(&tenant).map_or_else(Vec::new, |edits| edits.groups.clone())
    }

    /// Adds a group.
    pub fn add_group(&self, tenant: EntraTenantId, group: Group) -> Result<(), NotInWorld> {
        self.number(tenant).ok_or(NotInWorld::Tenant(tenant))?;
        self.write().edits.entry(tenant).or_default().groups.push(group);
        Ok(())
    }

    /// Changes one group; its id stays.
    pub fn edit_group(
        &self,
        tenant: EntraTenantId,
        group: GroupId,
        change: impl FnOnce(&mut Group),
    ) -> Result<(), NotInWorld> {
        let mut state = self.write();
        let groups = state.edits.get_mut(&tenant).map(|edits| &mut edits.groups);
        let found = groups.and_then(|groups| groups.iter_mut().find(|one| one.id == group));
        let found = found.ok_or(NotInWorld::Group(tenant, group))?;
        change(found);
        found.id = group;
        Ok(())
    }

    /// Deletes a group.
    pub fn remove_group(&self, tenant: EntraTenantId, group: GroupId) -> Result<(), NotInWorld> {
        let mut state = self.write();
        let unknown = NotInWorld::Group(tenant, group);
        let groups = &mut state.edits.get_mut(&tenant).ok_or(unknown)?.groups;
        let before = groups.len();
        groups.retain(|one| one.id != group);
        if groups.len() < before { Ok(()) } else { Err(unknown) }
    }

    /// The users who are in a group or in a group within it, each once, by their slots; `None`
    /// when there is no such group.
    pub(crate) fn members(&self, tenant: EntraTenantId, group: GroupId) -> Option<Vec<u32>> {
        let state = self.read();
        let groups = &state.edits.get(&tenant)?.groups;
        let find = |id: GroupId| groups.iter().find(|one| one.id == id);
        find(group)?;
        let (mut waiting, mut entered) = (VecDeque::from([group]), HashSet::from([group]));
        let (mut slots, mut listed) = (Vec::new(), HashSet::new());
        while let Some(id) = waiting.pop_front() {
            let Some(group) = find(id) else { continue };
            let present = group.members.iter().filter_map(|object| self.slot_of(&state, tenant, *object));
            slots.extend(present.filter(|slot| listed.insert(*slot)));
            waiting.extend(group.groups.iter().copied().filter(|id| entered.insert(*id)));
        }
        Some(slots)
    }
}
