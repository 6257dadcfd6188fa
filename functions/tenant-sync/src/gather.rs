//! Looks up what the planner needs, round by round.

use domain::planner::{Known, Needs};
use store::StoreError;

use crate::work::Work;

/// Looks up everything `needs` asks for. What is not there is known not to be there.
pub(crate) async fn gather(
    work: &Work<'_>,
    mut needs: impl FnMut(&Known) -> Needs,
) -> Result<Known, StoreError> {
    let (store, scope, tenant) = (&work.sync.store, work.scope, work.target.entra);
    let mut known = Known::default();
    loop {
        let mut needs = needs(&known);
        if needs.is_empty() {
            return Ok(known);
        }
        if !needs.people.is_empty() {
            for (object, (person, facts)) in store.people(scope.workspace(), tenant, &needs.people).await? {
                known.people.insert(object, person);
                known.facts.insert(object, facts);
            }
        }
        needs.facts.retain(|object| !known.facts.contains_key(object));
        if !needs.addresses.is_empty() {
            let mut owners = store.owners(scope.workspace(), &needs.addresses).await?;
            let answers = needs.addresses.into_iter().map(|address| {
                let owner = owners.remove(&address);
                (address, owner)
            });
            known.owners.extend(answers);
        }
        if !needs.contacts.is_empty() || !needs.facts.is_empty() {
            let found = store.contacts_and_last_seen(scope, &needs.contacts, tenant, &needs.facts).await?;
            let (mut contacts, mut seen) = found;
            known.facts.extend(needs.facts.into_iter().map(|object| (object, seen.remove(&object))));
            let answers = needs.contacts.into_iter().map(|id| {
                let contact = contacts.remove(&id);
                (id, contact)
            });
            known.contacts.extend(answers);
        }
    }
}
