//! Everything that has to be known to answer questions, looked up for many of them at once.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    contact::{Contact, Link, Owner},
    email::EmailAddress,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId, Identity, WorkspaceId},
    review::{Question, Situation},
};
use store::{ClientScope, Overrides, ReviewItem, Store, StoreError, SyncSettings};

/// A question with the contact somebody wants it answered with.
pub(crate) struct Asked<'a> {
    pub(crate) item: &'a ReviewItem,
    pub(crate) question: Question,
    pub(crate) chosen: Option<ContactId>,
}

/// What was looked up for several questions.
#[derive(Debug, Default)]
pub(crate) struct Ground {
    settings: SyncSettings,
    overrides: Overrides,
    owners: BTreeMap<EmailAddress, Owner>,
    contacts: BTreeMap<ContactId, Contact>,
    links: BTreeMap<Identity, Link>,
}

pub(crate) fn question(workspace: WorkspaceId, item: &ReviewItem) -> Question {
    let identity = identity(item);
    let shown = (item.label.as_str(), item.address.as_ref());
    Question::new(workspace, item.client, identity, item.about.as_ref(), shown)
}

pub(crate) fn identity(item: &ReviewItem) -> Identity {
    Identity { tenant: item.entra_tenant, object: item.object }
}

impl Ground {
    /// Looks up what `asked` need: a few calls, however many they are.
    pub(crate) async fn gather(
        store: &Store,
        workspace: WorkspaceId,
        asked: &[Asked<'_>],
    ) -> Result<Self, StoreError> {
        let settings = store.settings(workspace).await?;
        let overrides = store.overrides(workspace).await?;
        let mut ground = Self { settings, overrides, ..Self::default() };
        let addresses = asked.iter().flat_map(|asked| asked.question.addresses()).cloned().collect();
        ground.owners = store.owners(workspace, &addresses).await?;
        let people = asked.iter().map(|asked| asked.question.identity).collect();
        ground.look_up_links(store, workspace, people).await?;

        let mut wanted: BTreeMap<ClientId, BTreeSet<ContactId>> = BTreeMap::new();
        for Asked { item, question, chosen } in asked {
            let ours = wanted.entry(item.client).or_default();
            ours.extend(question.contacts_needed().chain(*chosen));
            for candidate in &item.candidates {
                wanted.entry(candidate.client).or_default().insert(candidate.contact);
            }
            if let Some(link) = ground.links.get(&question.identity) {
                wanted.entry(link.client).or_default().insert(link.contact);
            }
        }
        for (client, contacts) in wanted {
            ground.contacts.extend(store.contacts(ClientScope::new(workspace, client), &contacts).await?);
        }
        for chosen in asked.iter().filter_map(|asked| asked.chosen) {
            if !ground.contacts.contains_key(&chosen) {
                // Only to say what is wrong with it.
                ground
                    .contacts
                    .extend(store.contact_anywhere(workspace, chosen).await?.map(|it| (it.id, it)));
            }
        }
        let accounts = ground.contacts.values().filter_map(|contact| contact.entra.as_ref());
        let accounts = accounts.map(|stamp| stamp.identity).collect();
        ground.look_up_links(store, workspace, accounts).await?;
        Ok(ground)
    }

    async fn look_up_links(
        &mut self,
        store: &Store,
        workspace: WorkspaceId,
        people: BTreeSet<Identity>,
    ) -> Result<(), StoreError> {
        let mut by_tenant: BTreeMap<EntraTenantId, BTreeSet<EntraObjectId>> = BTreeMap::new();
        for Identity { tenant, object } in people.into_iter().filter(|who| !self.links.contains_key(who)) {
            by_tenant.entry(tenant).or_default().insert(object);
        }
        for (tenant, objects) in by_tenant {
            let (found, _) = store.people(workspace, tenant, &objects).await?;
            let links = found.into_values().filter_map(|(person, _)| person.link);
            self.links.extend(links.map(|link| (link.identity, link)));
        }
        Ok(())
    }

    /// What is known of one question.
    pub(crate) fn situation(&self, asked: &Asked<'_>) -> Situation {
        let Asked { item, question, chosen } = asked;
        let link = self.links.get(&question.identity).cloned();
        let candidates = item.candidates.iter().map(|candidate| candidate.contact);
        let named = link.as_ref().map(|link| link.contact);
        let ids = question.contacts_needed().chain(candidates).chain(named).chain(*chosen);
        let contacts: BTreeMap<ContactId, Contact> =
            ids.filter_map(|id| Some((id, self.contacts.get(&id)?.clone()))).collect();
        let identities = contacts.values().filter_map(|contact| contact.entra.as_ref());
        let accounts =
            identities.filter_map(|stamp| Some((stamp.identity, self.links.get(&stamp.identity)?.clone())));
        let owner = |address: &EmailAddress| Some((address.clone(), *self.owners.get(address)?));
        Situation {
            fields: match self.overrides.get(&item.client) {
                Some(overrides) => self.settings.overridden_by(overrides).fields(),
                None => self.settings.fields(),
            },
            accounts: accounts.collect(),
            owners: question.addresses().filter_map(owner).collect(),
            contacts,
            link,
        }
    }
}
