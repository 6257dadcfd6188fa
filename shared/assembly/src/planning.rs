//! What a plan is made from: the policy, the groups it names, and the store's answers. A sync, a preview
//! and an explanation get them here, so that they get the same.

use directory::{Directory, ReadError, TenantProof};
use domain::{
    ids::{ClientId, EntraTenantId, WorkspaceId},
    planner::{Known, Needs},
    policy::TenantPolicy,
    scope::{GroupMembership, Scope},
};
use jiff::Timestamp;
use store::{ClientScope, ContactsAndLastSeen, Ground, ReadOnly, StoreError, SyncSettings};

/// Whose plan it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PlanFor {
    /// The MSP.
    pub workspace: WorkspaceId,
    /// The directory.
    pub tenant: EntraTenantId,
    /// The mapped client.
    pub client: ClientId,
}

/// What a tenant's plan follows. `settings` are those that hold for the client, `scope` is that of
/// `settings`, compiled, `now` when the run began, and `ground` what the last sync has left.
pub fn tenant_policy(
    plan: PlanFor,
    proof: TenantProof,
    (scope, groups): (Scope, GroupMembership),
    settings: &SyncSettings,
    ground: &Ground,
    now: Timestamp,
) -> TenantPolicy {
    TenantPolicy {
        workspace: plan.workspace,
        tenant: plan.tenant,
        client: plan.client,
        verified_domains: proof.verified_domains.into_iter().collect(),
        scope,
        groups,
        fields: settings.fields(),
        vanish: settings.vanish,
        limits: settings.limits,
        now,
        expected_people: ground.people,
        active_links: ground.active_links,
        run_limits: settings.run_limits,
        held: ground.held,
    }
}

/// Who is in the groups that the scope names, each read to its end: with half a group, people would be
/// left out or taken by accident.
pub async fn group_members(
    directory: &dyn Directory,
    tenant: EntraTenantId,
    scope: &Scope,
) -> Result<GroupMembership, ReadError> {
    let mut membership = GroupMembership::default();
    for group in scope.groups() {
        let (mut members, mut cursor) = (Vec::new(), None);
        loop {
            let page = directory.group_members_page(tenant, *group, cursor.as_ref()).await?;
            members.extend(page.members);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        membership.insert(*group, members);
    }
    Ok(membership)
}

/// Looks up everything `needs` asks for, round by round. What is not there is known not to be there.
pub async fn gather(
    store: &ReadOnly,
    plan: PlanFor,
    mut needs: impl FnMut(&Known) -> Needs,
) -> Result<Known, StoreError> {
    let PlanFor { workspace, tenant, client } = plan;
    let scope = ClientScope::new(workspace, client);
    let mut known = Known::default();
    loop {
        let mut needs = needs(&known);
        if needs.is_empty() {
            return Ok(known);
        }
        if !needs.people.is_empty() {
            let (people, unreadable) = store.people(workspace, tenant, &needs.people).await?;
            known.unreadable.people.extend(unreadable);
            for (object, (person, facts)) in people {
                known.people.insert(object, person);
                known.facts.insert(object, facts);
            }
        }
        needs.facts.retain(|object| !known.facts.contains_key(object));
        if !needs.addresses.is_empty() {
            let (mut owners, unreadable) = store.owners_and_unreadable(workspace, &needs.addresses).await?;
            known.unreadable.addresses.extend(unreadable);
            let answers = needs.addresses.into_iter().map(|address| {
                let owner = owners.remove(&address);
                (address, owner)
            });
            known.owners.extend(answers);
        }
        if !needs.contacts.is_empty() || !needs.facts.is_empty() {
            let found = store.contacts_and_last_seen(scope, &needs.contacts, tenant, &needs.facts).await?;
            let ContactsAndLastSeen { mut contacts, mut facts, unreadable } = found;
            known.unreadable.join(unreadable);
            known.facts.extend(needs.facts.into_iter().map(|object| (object, facts.remove(&object))));
            let answers = needs.contacts.into_iter().map(|id| {
                let contact = contacts.remove(&id);
                (id, contact)
            });
            known.contacts.extend(answers);
        }
        for client in needs.clients {
            let name = store.client_by_id(workspace, client).await?.map(|client| client.name);
            known.clients.insert(client, name);
        }
    }
}
