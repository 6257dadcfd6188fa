//! Looks up what the planner needs, round by round.

use domain::planner::{Known, Needs};
use store::{ClientScope, Store, StoreError};

/// Looks up everything `needs` asks for. What is not there is known not to be there.
pub(crate) async fn gather(
    store: &Store,
    scope: ClientScope,
    mut needs: impl FnMut(&Known) -> Needs,
) -> Result<Known, StoreError> {
    let mut known = Known::default();
    loop {
        let needs = needs(&known);
        if needs.is_empty() {
            return Ok(known);
        }
        if !needs.addresses.is_empty() {
            let mut owners = store.owners(scope.workspace(), &needs.addresses).await?;
            let answers = needs.addresses.into_iter().map(|address| {
                let owner = owners.remove(&address);
                (address, owner)
            });
            known.owners.extend(answers);
        }
        if !needs.contacts.is_empty() {
            let mut contacts = store.contacts(scope, &needs.contacts).await?;
            let answers = needs.contacts.into_iter().map(|id| {
                let contact = contacts.remove(&id);
                (id, contact)
            });
            known.contacts.extend(answers);
        }
    }
}
