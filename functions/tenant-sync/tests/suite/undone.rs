//! Addresses that go back, or cannot, when a run is taken back.

use domain::{
    plan::{Action, Line},
    run::RunKind,
    undo::UndoScope,
};
use store::{PlanPart, PlanSource};

use crate::{
    customer::Customer,
    house::{Ended, WORKSPACE, managed},
    people::object,
};

/// A customer all of whose fields are synced, once.
async fn synced() -> Customer {
    let mut customer = Customer::new().await;
    customer.house.every_field().await;
    customer.hire(1, "Mira Sund", "mira", |_| {});
    customer.hire(2, "Jo Doe", "jo", |_| {});
    customer.sync().await;
    customer
}

impl Customer {
    /// Takes `of` back, at once or by way of a preview.
    async fn take_back(&mut self, of: &Ended, by_preview: bool) -> Ended {
        let part = PlanPart::Undo { scope: UndoScope::default() };
        let source = PlanSource { run: of.run.id, part };
        if !by_preview {
            return self.work_from(RunKind::Undo, source).await;
        }
        let preview = self.work_from(RunKind::Preflight, source).await;
        let source = PlanSource { run: preview.run.id, part: PlanPart::Lines };
        self.work_from(RunKind::Undo, source).await
    }

    fn moves_to(&self, number: u128, local: &str) {
        let (address, role) = (self.at(local), format!("Number {number}"));
        let person = object(number);
        self.change(person, |user| {
            user.mail = Some(address.clone());
            user.proxy_addresses = Some(vec![format!("SMTP:{address}")]);
            user.job_title = Some(role);
        });
    }

    /// Name, address up to its domain, and role, by name.
    async fn shown(&self) -> Vec<String> {
        let mut shown: Vec<String> = self
            .contacts()
            .await
            .iter()
            .map(|contact| {
                let values = &contact.values;
                let local = values.email.as_ref().map_or("-", |email| email.local_part());
                format!("{} {local} {}", values.full_name, values.role.as_deref().unwrap_or("-"))
            })
            .filter(|shown| ["Jo", "Mira", "Reception"].iter().any(|name| shown.starts_with(name)))
            .collect();
        shown.sort_unstable();
        shown
    }

    async fn not_done(&self, of: &Ended) -> Vec<String> {
        let lines = self.house.store.stale_lines(WORKSPACE, of.run.id, managed(self.tenant)).await.unwrap();
        lines.into_iter().map(|(_, code)| code).collect()
    }
}

fn kept(line: &Line) -> Vec<&str> {
    match &line.action {
        Action::Restore { kept, .. } | Action::Leave { kept, .. } => {
            kept.iter().map(|(field, _)| field.as_str()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_former_address_that_is_anothers_now_stays_there_and_the_other_fields_go_back() {
    for by_preview in [false, true] {
        let mut customer = synced().await;
        let before = customer.shown().await;
        customer.moves_to(1, "sund");
        let moved = customer.sync().await;
        assert_eq!(customer.shown().await, ["Jo Doe jo -", "Mira Sund sund Number 1"]);
        customer.house.contact(customer.client, 1, "Reception", &customer.at("mira")).await;
        let undone = customer.take_back(&moved, by_preview).await;
        assert_eq!(customer.shown().await, ["Jo Doe jo -", "Mira Sund sund -", "Reception mira -"]);
        assert_eq!(customer.not_done(&undone).await, [""; 0]);
        assert_eq!(kept(&customer.line("Mira Sund").await), ["e-mail"]);
        assert_ne!(before, customer.shown().await);
    }
}

/// No run hands on an address that it has freed: only a later one gives it to a colleague.
#[tokio::test]
async fn an_address_that_went_on_to_a_colleague_stays_theirs() {
    for by_preview in [false, true] {
        let mut customer = synced().await;
        customer.moves_to(1, "sund");
        customer.moves_to(2, "mira");
        let moved = customer.sync().await;
        assert_eq!(customer.shown().await, ["Jo Doe jo -", "Mira Sund sund Number 1"]);
        let then = customer.sync().await;
        assert_eq!(customer.shown().await, ["Jo Doe mira Number 2", "Mira Sund sund Number 1"]);
        let undone = customer.take_back(&moved, by_preview).await;
        assert_eq!(customer.not_done(&undone).await, [""; 0]);
        assert_eq!(customer.shown().await, ["Jo Doe mira Number 2", "Mira Sund sund -"]);
        // Once it is free again it goes back, too.
        customer.take_back(&then, by_preview).await;
        assert_eq!(customer.shown().await, ["Jo Doe jo -", "Mira Sund sund -"]);
        let undone = customer.take_back(&moved, by_preview).await;
        assert_eq!(customer.not_done(&undone).await, [""; 0]);
        assert_eq!(customer.shown().await, ["Jo Doe jo -", "Mira Sund mira -"]);
    }
}
