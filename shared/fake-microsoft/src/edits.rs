//! The edits made to the users of a tenant, and the history that the change feed is read from.
//!
//! A user's slot is its index; added users follow. Only edits are kept, so a tenant costs what was
//! changed in it, whatever its size.

use std::collections::{HashMap, HashSet};

use domain::{
    ids::{EntraObjectId, EntraTenantId},
    user::Removal,
};

use crate::{
    groups::Group,
    user::{PropertySet, User},
    world::{NotInWorld, State, World},
};

/// What was changed in one tenant.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    edited: HashMap<u32, User>,
    removed: HashMap<u32, Removal>,
    added: Vec<User>,
    history: Vec<Change>,
    pub(crate) groups: Vec<Group>,
}

/// One edit of one user.
#[derive(Clone, Copy, Debug)]
struct Change {
    slot: u32,
    touched: PropertySet,
}

/// What the directory knows of a user.
#[derive(Clone, Debug)]
pub(crate) enum Known {
    Present(Box<User>),
    Removed(EntraObjectId, Removal),
}

impl Edits {
    /// How many users there are, of whom `made` were made.
    pub(crate) fn present(&self, made: u32) -> u32 {
        let slots = made as usize + self.added.len() - self.removed.len();
        u32::try_from(slots).unwrap_or(u32::MAX)
    }

    fn note(&mut self, slot: u32, touched: PropertySet) {
        self.history.push(Change { slot, touched });
    }

    fn point(&self) -> u32 {
        u32::try_from(self.history.len()).unwrap_or(u32::MAX)
    }
}

impl World {
    /// Changes one user; its id stays.
    pub fn edit(
        &self,
        tenant: EntraTenantId,
        object: EntraObjectId,
        change: impl FnOnce(&mut User),
    ) -> Result<(), NotInWorld> {
        let mut state = self.write();
        let unknown = NotInWorld::User(tenant, object);
        let slot = self.slot_of(&state, tenant, object).ok_or(unknown)?;
        let before = self.user_in_slot(&state, tenant, slot).ok_or(unknown)?;
        let mut user = before.clone();
        change(&mut user);
        user.id = object;
        let edits = state.edits.entry(tenant).or_default();
        edits.note(slot, user.differences(&before));
        edits.edited.insert(slot, user);
        Ok(())
    }

    /// Adds a user at the end of a tenant's listing.
    pub fn add_user(&self, tenant: EntraTenantId, user: User) -> Result<(), NotInWorld> {
        self.number(tenant).ok_or(NotInWorld::Tenant(tenant))?;
        let mut state = self.write();
        let slot = self.slots(&state, tenant);
        let edits = state.edits.entry(tenant).or_default();
        edits.added.push(user);
        edits.note(slot, PropertySet::ALL);
        Ok(())
    }

    /// Deletes a user as an administrator does: it can be restored.
    pub fn remove_user(&self, tenant: EntraTenantId, object: EntraObjectId) -> Result<(), NotInWorld> {
        self.move_user(tenant, object, |now| now.is_none().then_some(Some(Removal::SoftDeleted)))
    }

    /// Deletes a user, or one that was deleted already, for good.
    pub fn purge_user(&self, tenant: EntraTenantId, object: EntraObjectId) -> Result<(), NotInWorld> {
        self.move_user(tenant, object, |now| {
            (now != Some(Removal::Deleted)).then_some(Some(Removal::Deleted))
        })
    }

    /// Brings a deleted user back, under the same id.
    pub fn restore_user(&self, tenant: EntraTenantId, object: EntraObjectId) -> Result<(), NotInWorld> {
        self.move_user(tenant, object, |now| (now == Some(Removal::SoftDeleted)).then_some(None))
    }

    /// How many edits of users were made in a tenant.
    pub(crate) fn point(&self, tenant: EntraTenantId) -> u32 {
        self.read().edits.get(&tenant).map_or(0, Edits::point)
    }

    /// The users, by their slots, whose `properties` were touched by the edits `from..until`, and
    /// before them those in `due`; each once.
    pub(crate) fn touched(
        &self,
        tenant: EntraTenantId,
        (from, until): (u32, u32),
        properties: PropertySet,
        due: &[u32],
    ) -> Vec<u32> {
        let state = self.read();
        let history = state.edits.get(&tenant).map_or(&[][..], |edits| &edits.history[..]);
        let changes = history.iter().take(until as usize).skip(from as usize);
        let touched = changes.filter(|change| change.touched.meets(properties)).map(|change| change.slot);
        let mut seen = HashSet::new();
        due.iter().copied().chain(touched).filter(|slot| seen.insert(*slot)).collect()
    }

    /// What is known of the users in these slots.
    pub(crate) fn known(&self, tenant: EntraTenantId, slots: &[u32]) -> Vec<Known> {
        let state = self.read();
        slots.iter().filter_map(|slot| self.known_in_slot(&state, tenant, *slot)).collect()
    }

    /// How many slots a tenant has, those of removed users included.
    pub(crate) fn slot_count(&self, tenant: EntraTenantId) -> u32 {
        self.slots(&self.read(), tenant)
    }

    /// The user who signs in under `name`, in any letter case.
    pub(crate) fn user_by_sign_in_name(&self, tenant: EntraTenantId, name: &str) -> Option<User> {
        let state = self.read();
        (0..self.slots(&state, tenant))
            .filter_map(|slot| self.user_in_slot(&state, tenant, slot))
            .find(|user| user.user_principal_name.to_lowercase() == name.to_lowercase())
    }

    /// The user in `slot`, unless removed.
    pub(crate) fn user_in_slot(&self, state: &State, tenant: EntraTenantId, slot: u32) -> Option<User> {
        let edits = state.edits.get(&tenant);
        if edits.is_some_and(|edits| edits.removed.contains_key(&slot)) {
            return None;
        }
        self.ever_in_slot(state, tenant, slot)
    }

    /// The slot of a user, unless removed.
    pub(crate) fn slot_of(&self, state: &State, tenant: EntraTenantId, object: EntraObjectId) -> Option<u32> {
        let slot = self.ever_slot_of(state, tenant, object)?;
        let removed = state.edits.get(&tenant).is_some_and(|edits| edits.removed.contains_key(&slot));
        (!removed).then_some(slot)
    }

    pub(crate) fn slots(&self, state: &State, tenant: EntraTenantId) -> u32 {
        let made =
            self.number(tenant).and_then(|number| state.tenant(number)).map_or(0, |tenant| tenant.size);
        let added = state.edits.get(&tenant).map_or(0, |edits| edits.added.len());
        made + u32::try_from(added).unwrap_or_default()
    }

    /// Moves a user between the directory, its bin and nowhere. `to` gets where the user is (`None`:
    /// in the directory) and says where to; `None` when that is impossible.
    fn move_user(
        &self,
        tenant: EntraTenantId,
        object: EntraObjectId,
        to: impl FnOnce(Option<Removal>) -> Option<Option<Removal>>,
    ) -> Result<(), NotInWorld> {
        let mut state = self.write();
        let unknown = NotInWorld::User(tenant, object);
        let slot = self.ever_slot_of(&state, tenant, object).ok_or(unknown)?;
        let edits = state.edits.entry(tenant).or_default();
        match to(edits.removed.get(&slot).copied()).ok_or(unknown)? {
            Some(removal) => edits.removed.insert(slot, removal),
            None => edits.removed.remove(&slot),
        };
        edits.note(slot, PropertySet::ALL);
        Ok(())
    }

    fn known_in_slot(&self, state: &State, tenant: EntraTenantId, slot: u32) -> Option<Known> {
        let user = self.ever_in_slot(state, tenant, slot)?;
        let removal = state.edits.get(&tenant).and_then(|edits| edits.removed.get(&slot));
        Some(match removal {
            Some(removal) => Known::Removed(user.id, *removal),
            None => Known::Present(Box::new(user)),
        })
    }

    /// The user in `slot`, removed or not.
    fn ever_in_slot(&self, state: &State, tenant: EntraTenantId, slot: u32) -> Option<User> {
        let edits = state.edits.get(&tenant);
        if let Some(user) = edits.and_then(|edits| edits.edited.get(&slot)) {
            return Some(user.clone());
        }
        let number = self.number(tenant)?;
        let tenant = state.tenant(number)?;
        if slot < tenant.size {
            return Some(self.directory(number, tenant).user(slot));
        }
        edits?.added.get((slot - tenant.size) as usize).cloned()
    }

    /// The slot of a user, removed or not.
    fn ever_slot_of(&self, state: &State, tenant: EntraTenantId, object: EntraObjectId) -> Option<u32> {
        let number = self.number(tenant)?;
        let made = state.tenant(number)?;
        let added = || {
            let position = state.edits.get(&tenant)?.added.iter().position(|user| user.id == object)?;
            Some(made.size + u32::try_from(position).ok()?)
        };
        self.directory(number, made).index_of(object).or_else(added)
    }
}
