//! Plans and past runs that something has overtaken: what is not as it was is left alone, and each line says
//! why.

use std::{collections::BTreeSet, sync::Arc};

use ambient::Clock;
use domain::{
    contact::{Contact, ContactValues},
    ids::{ContactId, RunId},
    plan::{Action, Line},
    run::RunKind,
    undo::UndoScope,
};
use fake_microsoft::User;
use store::{ContactInput, PlanPart, PlanSource, SaidAccount, Upserted};

use crate::{
    customer::Customer,
    house::{Ended, House, WORKSPACE, managed},
};

impl Customer {
    async fn preview(&mut self) -> RunId {
        self.runs += 1;
        self.house.run(self.runs, RunKind::Preflight).await.run.id
    }

    async fn apply(&mut self, preview: RunId) -> Ended {
        self.work_from(RunKind::Apply, PlanSource { run: preview, part: PlanPart::Lines }).await
    }

    async fn undo(&mut self, run: RunId) -> Ended {
        let part = PlanPart::Undo { scope: UndoScope::default() };
        self.work_from(RunKind::Undo, PlanSource { run, part }).await
    }

    /// The codes of the lines of the run that were not carried out.
    async fn codes_not_done(&self, of: &Ended) -> Vec<String> {
        let lines = self.house.store.stale_lines(WORKSPACE, of.run.id, managed(self.tenant)).await.unwrap();
        lines.into_iter().map(|(_, code)| code).collect()
    }

    /// Takes items out of the table, as somebody does who deletes them there.
    async fn lose(&mut self, what: impl Fn(&(String, String)) -> bool) {
        let mut content = self.house.dump().await;
        let before = content.items.len();
        content.items.retain(|key, _| !what(key));
        assert_eq!(content.items.len(), before - 1, "one item is lost");
        let (microsoft, now) = (Arc::clone(&self.house.microsoft), self.house.clock.now());
        self.house = House::with(&microsoft, &content, now).await;
    }

    async fn lose_contact(&mut self, contact: ContactId) {
        let contact = contact.to_string();
        self.lose(|(pk, sk)| pk.contains("#CONTACT#") && *sk == contact).await;
    }

    /// The contact of somebody whose address is the one of the directory.
    async fn contact_of(&self, user: &User) -> Contact {
        self.house.one_contact(self.client, user.mail.as_deref().unwrap()).await
    }
}

fn name_of(user: &User) -> &str {
    user.display_name.as_deref().unwrap()
}

/// The code of a line that says that nothing was done, or that it was left alone.
fn code_of(line: &Line) -> &str {
    match &line.action {
        Action::Fail { code } | Action::Leave { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_another_run_has_done_already_is_that_runs_work_and_only_its_undo_takes_it_back() {
    let mut customer = Customer::new().await;
    let preview = customer.preview().await;
    let first = customer.apply(preview).await;
    assert_eq!(customer.codes_not_done(&first).await, [""; 0]);
    let before = customer.contacts().await;
    let second = customer.apply(preview).await;
    assert_eq!(customer.codes_not_done(&second).await, ["applied_before"; 3]);
    assert_eq!(customer.contacts().await, before);
    assert_eq!(customer.undo(second.run.id).await.run.counters.restored, 0);
    assert_eq!(customer.active().await, 3);
    assert_eq!(customer.undo(first.run.id).await.run.counters.restored, 3);
    assert_eq!(customer.active().await, 0);
}

#[tokio::test]
async fn a_contact_that_has_the_id_of_a_planned_one_stays_as_it_is_and_the_person_gets_another() {
    let mut customer = Customer::new().await;
    let preview = customer.preview().await;
    let person = customer.person(0);
    let Action::Create { contact: planned, .. } = customer.line(name_of(&person)).await.action else {
        panic!("nobody is created");
    };
    let input = customer.house.contact(customer.client, 1, "Reception", "").await;
    let values = ContactValues { full_name: "Somebody Else".to_owned(), ..ContactValues::default() };
    let theirs = ContactInput { id: planned, values, ..input };
    assert_eq!(customer.house.store.upsert_contact(WORKSPACE, &theirs).await.unwrap(), Upserted::Created);

    let applied = customer.apply(preview).await;
    assert_eq!(customer.codes_not_done(&applied).await, ["contact_exists"]);
    let contacts = customer.contacts().await;
    let somebody = contacts.iter().find(|contact| contact.id == planned).unwrap();
    assert_eq!((somebody.values.clone(), &somebody.entra), (theirs.values, &None));

    let ended = customer.sync().await;
    assert_eq!(customer.codes_not_done(&ended).await, [""; 0]);
    let synced = ended.run.counters;
    assert_eq!((synced.created, synced.stale), (1, 0));
    assert_ne!(customer.contact_of(&person).await.id, planned);
}

#[tokio::test]
async fn a_contact_that_the_psa_has_deleted_since_is_missed_by_the_plan_and_nobody_else_waits() {
    let mut customer = Customer::new().await;
    let person = customer.hire(1, "Mira Sund", "mira.sund", |_| {});
    let input = customer.house.contact(customer.client, 1, "Mira", &person.mail.clone().unwrap()).await;
    let preview = customer.preview().await;
    assert!(matches!(customer.line("Mira Sund").await.action, Action::Link { .. }));
    customer.lose_contact(input.id).await;
    let applied = customer.apply(preview).await;
    assert_eq!(customer.codes_not_done(&applied).await, ["contact_missing"]);
    assert_eq!(customer.active().await, 3, "the others are there");
}

#[tokio::test]
async fn nothing_is_written_about_somebody_whose_contact_is_gone_and_an_undo_leaves_it() {
    let mut customer = Customer::new().await;
    customer.house.every_field().await;
    let created = customer.sync().await;
    let person = customer.person(0);
    let contact = customer.contact_of(&person).await;
    customer.lose_contact(contact.id).await;
    customer.change(person.id, |user| user.job_title = Some("Diver".to_owned()));
    let synced = customer.sync().await.run.counters;
    assert_eq!((synced.failed, synced.created, synced.updated), (1, 0, 0));
    assert_eq!(code_of(&customer.line(name_of(&person)).await), "contact_missing");

    let undone = customer.undo(created.run.id).await.run.counters;
    assert_eq!((undone.restored, undone.left), (2, 1));
    assert_eq!(code_of(&customer.line(name_of(&person)).await), "contact_missing");
}

#[tokio::test]
async fn what_somebody_has_typed_since_a_run_stays_when_the_run_is_taken_back() {
    let mut customer = Customer::new().await;
    customer.house.every_field().await;
    customer.sync().await;
    let person = customer.person(0);
    customer.change(person.id, |user| user.job_title = Some("Diver".to_owned()));
    let updated = customer.sync().await;
    assert_eq!(updated.run.counters.updated, 1);
    let mut contact = customer.contact_of(&person).await;
    contact.values.role = Some("Typed By A Human".to_owned());
    let typed = ContactInput {
        id: contact.id,
        client: customer.client,
        values: contact.values.clone(),
        additional_emails: contact.additional_emails.clone(),
        inactive: contact.inactive,
        protected: None,
        protected_fields: None,
        unsaid: BTreeSet::new(),
        account: SaidAccount::Unsaid,
    };
    customer.house.edit(&typed).await;
    let undone = customer.undo(updated.run.id).await.run.counters;
    assert_eq!((undone.restored, undone.left), (0, 1));
    assert_eq!(code_of(&customer.line(name_of(&person)).await), "changed_since");
    assert_eq!(customer.contact_of(&person).await.values, contact.values);
}

#[tokio::test]
async fn nothing_is_noted_at_a_link_that_has_gone_since_the_plan() {
    let mut customer = Customer::new().await;
    customer.sync().await;
    let person = customer.person(0);
    customer.leaves(person.id);
    let preview = customer.preview().await;
    let planned = customer.lines().await;
    assert!(
        matches!(&planned[..], [line] if matches!(line.action, Action::NoteMissing { .. })),
        "{planned:?}"
    );
    let link = format!("LINK#{}", person.id);
    customer.lose(|(_, sk)| *sk == link).await;
    let before = customer.contacts().await;
    let applied = customer.apply(preview).await;
    assert_eq!(customer.codes_not_done(&applied).await, ["link_gone"]);
    assert_eq!(customer.contacts().await, before);
    assert_eq!(customer.house.links(customer.tenant).await.len(), 2, "no link was made");
}
