//! Many questions answered alike: what each gets, what is left and why. Every one is then answered as it is
//! answered alone.

use std::collections::BTreeSet;

use domain::{
    ids::{ClientId, ContactId, ManagedTenantId, ReviewItemId, RunId},
    plan::{AnswerKind, Conflict},
    text::is_part_of_any,
};
use jiff::SignedDuration;
use serde::Serialize;
use store::{ReviewPlace, ReviewStatus, StoreError};

use crate::{Choice, Decider, Filter, ItemView, NotDecided, Review, decide, list};

/// Questions of one request, at most.
pub const ALL_MAX: usize = 100;

/// Questions between two looks at the clock.
const PART: usize = 25;

/// How long one request answers, and a part more: the gateway gives up after half a minute.
const PATIENCE: SignedDuration = SignedDuration::from_secs(12);

/// What all of them are answered with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wish {
    /// Each person is a new contact.
    CreateNew,
    /// None of the people is to be synced.
    Dismiss {
        /// Why, in the operator's words.
        note: Option<String>,
    },
    /// Each person is the one contact that has one of the person's addresses.
    Link,
}

/// Which questions: those that fit everything that is said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Which {
    /// Only of this client.
    pub client: Option<ClientId>,
    /// Only of this tenant.
    pub tenant: Option<ManagedTenantId>,
    /// Only where this is unclear.
    pub conflict: Option<Conflict>,
    /// Only about people in whose name or address this is found, in whatever case.
    pub find: Option<String>,
}

/// Why a question is left as it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Left {
    /// Nothing but a name speaks for the contacts it could be, or there are none; a name links nobody.
    NameOnly,
    /// It could be several contacts.
    SeveralContacts,
    /// The answer cannot be given, with the code of why not.
    Impossible(&'static str),
}

impl Left {
    /// A stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NameOnly => "name_only",
            Self::SeveralContacts => "several_contacts",
            Self::Impossible(code) => code,
        }
    }
}

/// What becomes of one question.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AnsweredView {
    /// The question.
    pub queue_item_id: ReviewItemId,
    /// The tenant.
    pub managed_tenant_id: ManagedTenantId,
    /// The person's name.
    pub display_name: String,
    /// The person's address.
    pub email: Option<String>,
    /// What was unclear.
    pub reason: Conflict,
    /// The answer; `None` when the question is left as it is.
    pub answer: Option<AnswerKind>,
    /// The contact the person is.
    pub contact_name_id: Option<ContactId>,
    /// The run that carried the answer out; `None` in a preview.
    pub run_id: Option<RunId>,
    /// Why the question is left, as a code.
    pub code: Option<&'static str>,
    /// The same in a sentence or two.
    pub explanation: Option<String>,
}

/// What became of some questions.
#[derive(Clone, Debug)]
pub struct AnsweredAll {
    /// Those that fit, the newest first.
    pub items: Vec<AnsweredView>,
    /// Where it goes on.
    pub next: Option<ReviewPlace>,
}

/// The answer that a question gets, or why it is left. The contact has to have one of the person's addresses.
pub fn choose(item: &ItemView, wish: &Wish) -> Result<Choice, Left> {
    let (kind, contact, choice) = match wish {
        Wish::Dismiss { note } => (AnswerKind::Dismissed, None, Choice::Dismiss { note: note.clone() }),
        Wish::CreateNew => (AnswerKind::CreateNew, None, Choice::CreateNew),
        Wish::Link => {
            let mut known = item.candidate_contacts.iter().filter(|contact| !contact.evidence.is_empty());
            let only = known.next().ok_or(Left::NameOnly)?.contact_name_id;
            if known.next().is_some() {
                return Err(Left::SeveralContacts);
            }
            (AnswerKind::LinkExisting, Some(only), Choice::LinkExisting(only))
        }
    };
    let told = item
        .outcomes
        .iter()
        .find(|outcome| outcome.outcome == kind && (contact.is_none() || outcome.contact_name_id == contact));
    match told.filter(|outcome| !outcome.possible).and_then(|outcome| outcome.code) {
        Some(code) => Err(Left::Impossible(code)),
        None => Ok(choice),
    }
}

/// Answers open questions that fit, at most so many after `after`; with `preview`, only says how. Given again, it
/// goes on with those that are still open.
///
/// # Errors
/// When the store fails.
pub async fn answer_all(
    app: &Review,
    decider: Decider,
    which: &Which,
    wish: &Wish,
    (after, preview): (Option<ReviewPlace>, bool),
) -> Result<AnsweredAll, StoreError> {
    let began = app.clock.now();
    let filter = Filter { status: ReviewStatus::Open, client: which.client, tenant: which.tenant };
    let (mut items, mut place, mut looked_at) = (Vec::new(), after, 0);
    let mut busy: BTreeSet<ManagedTenantId> = BTreeSet::new();
    loop {
        let listed = list(app, decider.workspace, filter, place.clone(), PART).await?;
        for item in listed.items.into_iter().filter(|item| which.fits(item)) {
            let mut answered = AnsweredView::of(&item);
            match choose(&item, wish) {
                Err(left) => answered.leave(left.code(), left_for(&item, wish, left)),
                Ok(choice) if preview => answered.answer(&choice),
                // Whoever has to wait for a sync once does not wait for it for every person.
                Ok(_) if busy.contains(&item.managed_tenant_id) => {
                    answered.leave(NotDecided::TenantBusy.code(), NotDecided::TenantBusy.explanation());
                }
                Ok(choice) => match decide(app, decider, item.queue_item_id, &choice).await {
                    Ok(decided) => {
                        answered.answer(&choice);
                        (answered.contact_name_id, answered.run_id) = (decided.contact, decided.run);
                    }
                    Err(NotDecided::Store(error)) => return Err(error),
                    Err(error) => {
                        if matches!(error, NotDecided::TenantBusy) {
                            busy.insert(item.managed_tenant_id);
                        }
                        answered.leave(error.code(), error.explanation());
                    }
                },
            }
            items.push(answered);
        }
        place = listed.next;
        let is_late = !preview && app.clock.now().duration_since(began) >= PATIENCE;
        looked_at += PART;
        if place.is_none() || is_late || looked_at >= ALL_MAX {
            return Ok(AnsweredAll { items, next: place });
        }
    }
}

impl Which {
    fn fits(&self, item: &ItemView) -> bool {
        let shown = || [Some(item.display_name.as_str()), item.email.as_deref()].into_iter().flatten();
        let found = self.find.as_ref().is_none_or(|text| is_part_of_any(text, shown()));
        self.conflict.is_none_or(|conflict| conflict == item.reason) && found
    }
}

impl AnsweredView {
    fn of(item: &ItemView) -> Self {
        Self {
            queue_item_id: item.queue_item_id,
            managed_tenant_id: item.managed_tenant_id,
            display_name: item.display_name.clone(),
            email: item.email.clone(),
            reason: item.reason,
            answer: None,
            contact_name_id: None,
            run_id: None,
            code: None,
            explanation: None,
        }
    }

    fn answer(&mut self, choice: &Choice) {
        let (kind, contact) = match choice {
            Choice::CreateNew => (AnswerKind::CreateNew, None),
            Choice::Dismiss { .. } => (AnswerKind::Dismissed, None),
            Choice::LinkExisting(contact) => (AnswerKind::LinkExisting, Some(*contact)),
        };
        (self.answer, self.contact_name_id) = (Some(kind), contact);
    }

    fn leave(&mut self, code: &'static str, explanation: String) {
        (self.code, self.explanation) = (Some(code), Some(explanation));
    }
}

fn left_for(item: &ItemView, wish: &Wish, left: Left) -> String {
    match left {
        Left::NameOnly => {
            "No contact has an address of the person; a name alone links nobody. Answer this one by itself."
                .to_owned()
        }
        Left::SeveralContacts => {
            "Several contacts have an address of the person. Answer this one by itself.".to_owned()
        }
        Left::Impossible(code) => {
            let kind =
                if *wish == Wish::CreateNew { AnswerKind::CreateNew } else { AnswerKind::LinkExisting };
            let told = item.outcomes.iter().find(|it| it.outcome == kind && it.code == Some(code));
            told.map(|it| it.explanation.clone()).unwrap_or_default()
        }
    }
}
