//! One customer of an MSP, to tell a story about.

use std::sync::Arc;

use domain::{
    contact::Contact,
    ids::{ClientId, EntraObjectId, EntraTenantId},
    ledger::{LinkChange, Wish},
    plan::Line,
    run::RunKind,
};
use fake_microsoft::User;
use store::{PlanSource, RunScope};
use workflow::payloads::RunInput;

use crate::{
    house::{Ended, House, WORKSPACE, managed},
    microsoft::Microsoft,
};

/// A customer with three ordinary people, at a client of its own.
pub(crate) struct Customer {
    pub(crate) house: House,
    pub(crate) tenant: EntraTenantId,
    pub(crate) client: ClientId,
    domain: String,
    pub(crate) runs: u64,
}

impl Customer {
    pub(crate) async fn new() -> Self {
        Self::on_pages_of(2).await
    }

    pub(crate) async fn on_pages_of(rows: u16) -> Self {
        let microsoft = Arc::new(Microsoft::plain(&[3], rows).await);
        let house = House::new(&microsoft).await;
        let (tenant, client) = (microsoft.tenant(0), house.client(1).await);
        house.map(tenant.id, client).await;
        Self { house, tenant: tenant.id, client, domain: tenant.default_domain().to_owned(), runs: 0 }
    }

    pub(crate) fn at(&self, local: &str) -> String {
        format!("{local}@{}", self.domain)
    }

    /// One of the three.
    pub(crate) fn person(&self, number: usize) -> User {
        self.house.microsoft.employee(self.tenant, number)
    }

    pub(crate) fn hire(&self, number: u128, name: &str, local: &str, change: impl FnOnce(&mut User)) -> User {
        self.house.microsoft.hire(self.tenant, number, name, &self.at(local), change)
    }

    pub(crate) fn change(&self, person: EntraObjectId, change: impl FnOnce(&mut User)) {
        self.house.microsoft.world().edit(self.tenant, person, change).unwrap();
    }

    pub(crate) fn leaves(&self, person: EntraObjectId) {
        self.house.microsoft.world().remove_user(self.tenant, person).unwrap();
    }

    pub(crate) async fn sync(&mut self) -> Ended {
        self.runs += 1;
        self.house.run(self.runs, RunKind::AllTenants).await
    }

    /// A run over one person.
    pub(crate) async fn sync_one(&mut self, kind: RunKind, person: EntraObjectId) -> Ended {
        self.runs += 1;
        let scope =
            RunScope { tenant: Some(managed(self.tenant)), person: Some(person), ..RunScope::default() };
        let run = self.house.store_run(self.runs, kind, scope, None).await;
        self.house.carry(run).await
    }

    /// A run that changes links, or a preview of one.
    pub(crate) async fn change_links(&mut self, kind: RunKind, change: LinkChange, wishes: &[Wish]) -> Ended {
        self.runs += 1;
        let run = self.house.accept_links(self.runs, kind, self.tenant, (change, wishes)).await;
        self.house.carry(run).await
    }

    /// Applies the preview of such a run.
    pub(crate) async fn apply_link_preview(&mut self, change: LinkChange, source: PlanSource) -> Ended {
        self.runs += 1;
        let links = (RunScope::default(), Some(change));
        let run = self.house.store_link_run(self.runs, RunKind::Links, links, Some(source)).await;
        self.house.carry(run).await
    }

    /// Works from the plan of an earlier run.
    pub(crate) async fn work_from(&mut self, kind: RunKind, source: PlanSource) -> Ended {
        self.runs += 1;
        let run = self.house.accept_from(self.runs, kind, Some(source)).await;
        self.house.carry(run).await
    }

    /// How many contacts are not inactive.
    pub(crate) async fn active(&self) -> i64 {
        self.contacts().await.iter().map(|contact| i64::from(!contact.inactive)).sum()
    }

    pub(crate) async fn contacts(&self) -> Vec<Contact> {
        self.house.contacts(self.client).await
    }

    /// The lines of the last run.
    pub(crate) async fn lines(&self) -> Vec<Line> {
        let run = self.house.store.runs(WORKSPACE, None, 1).await.unwrap().remove(0);
        let run = RunInput { workspace_id: WORKSPACE, run_id: run.id };
        self.house.lines(run, self.tenant).await
    }

    /// The line about somebody in the last run.
    pub(crate) async fn line(&self, label: &str) -> Line {
        let lines = self.lines().await;
        lines.into_iter().find(|line| line.label == label).unwrap_or_else(|| panic!("no line about {label}"))
    }
}
