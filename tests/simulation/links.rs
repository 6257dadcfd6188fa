//! What operators do to links.

use std::collections::BTreeSet;

use domain::{
    ids::EntraObjectId,
    ledger::{LinkChange, Wish},
    mandate::Mandate,
    run::RunKind,
};
use store::{ClientScope, RunScope};
use sync::{LinkOrder, StartRequest};

use crate::{
    audit::failed,
    dice::Dice,
    house::managed,
    life::{Life, Told, number_of},
    microsoft::WORKSPACE,
    step::Around,
};

impl Life {
    /// Changes links of one tenant, or plans to; `None` when nobody of it is linked.
    pub(crate) async fn links(
        &mut self,
        change: LinkChange,
        around: &Around,
        dice: &mut Dice,
    ) -> Told<Option<String>> {
        let Some(tenant) = dice.pick(&self.house.tenants) else { return Ok(None) };
        let entries = self.house.store.ledger(WORKSPACE, tenant, None, 100).await.map_err(failed)?;
        let people: Vec<EntraObjectId> = entries.iter().map(|entry| entry.object).collect();
        let mut wishes = BTreeSet::new();
        for _ in 0..=dice.below(4) {
            let Some(object) = dice.pick(&people) else { return Ok(None) };
            let contact = match change {
                LinkChange::Move => self.any_contact(dice).await?,
                _ => None,
            };
            let is_named = wishes.iter().any(|wish: &Wish| wish.object == object);
            if !is_named && contact.is_some() == (change == LinkChange::Move) {
                wishes.insert(Wish { object, contact });
            }
        }
        if wishes.is_empty() {
            return Ok(None);
        }
        let kind = if dice.percent(15) { RunKind::Preflight } else { RunKind::Links };
        let scope = RunScope { tenant: Some(managed(tenant)), ..RunScope::default() };
        let people = wishes.len();
        let links = Some(LinkOrder { change, wishes: wishes.into_iter().collect() });
        let request = StartRequest { links, ..StartRequest::new(WORKSPACE, kind, scope, Mandate::Machine) };
        let Some(run) = self.begin_as(request).await? else { return Ok(None) };
        let carried = self.carried(run, around, dice).await?;
        let number = number_of(&self.house, tenant);
        Ok(Some(format!("{kind:?} {change:?} of {people} people of tenant {number}: {}", carried.told)))
    }

    /// Any contact of any client: one of another client has to be refused.
    async fn any_contact(&self, dice: &mut Dice) -> Told<Option<domain::ids::ContactId>> {
        let Some(client) = dice.pick(&self.house.clients) else { return Ok(None) };
        let scope = ClientScope::new(WORKSPACE, client);
        let contacts = self.house.store.contacts_of_client(scope).await.map_err(failed)?;
        Ok(dice.pick(&contacts).map(|contact| contact.id))
    }
}
