//! Many questions answered alike: what each gets, what is left and why. Every one is then answered as it is
//! answered alone.

use std::collections::BTreeSet;

use domain::{
    ids::{ClientId, ContactId, ManagedTenantId, ReviewItemId, RunId},
    plan::{AnswerKind, Conflict},
    review::many::{Possible, Unclear, the_one},
    text::is_part_of_any,
};
use jiff::SignedDuration;
use serde::Serialize;
use store::{ReviewPlace, ReviewStatus, StoreError};

use crate::{Choice, Decider, Filter, ItemView, NotDecided, OutcomeView, Review, decide, list::places};

/// Questions that one request looks at, at most.
pub const ALL_MAX: usize = 100;

/// How long one request begins to answer. One answer may take the time that a request waits for a tenant, and
/// the gateway gives up after half a minute.
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
    /// Each person is the one contact for which more than a name speaks.
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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Left {
    /// A stable code.
    pub code: &'static str,
    /// The same in a sentence or two.
    pub explanation: String,
    /// Whether it is for a human to answer by itself; otherwise the same answer may be given again later.
    pub for_a_human: bool,
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
    /// Whether it is left for a human to answer by itself.
    #[serde(skip)]
    pub for_a_human: bool,
}

/// What became of some questions.
#[derive(Clone, Debug)]
pub struct AnsweredAll {
    /// Those that fit, the newest first.
    pub items: Vec<AnsweredView>,
    /// Where it goes on.
    pub next: Option<ReviewPlace>,
}

/// The answer that a question gets, or why it is left.
///
/// # Errors
/// Why it is left.
pub fn choose(item: &ItemView, wish: &Wish) -> Result<Choice, Left> {
    let choice = match wish {
        Wish::Dismiss { note } => return Ok(Choice::Dismiss { note: note.clone() }),
        Wish::CreateNew => Choice::CreateNew,
        Wish::Link => {
            let possible = item.candidate_contacts.iter().map(|contact| Possible {
                contact: contact.contact_name_id,
                has_address: !contact.evidence.is_empty(),
                is_theirs: contact.linked_to.as_ref().is_some_and(|linked| linked.is_this_person),
            });
            Choice::LinkExisting(the_one(possible)?)
        }
    };
    let (kind, contact) = choice.told();
    let is_it = |outcome: &&OutcomeView| {
        outcome.outcome == kind && (contact.is_none() || outcome.contact_name_id == contact)
    };
    let told = item.outcomes.iter().find(is_it);
    match told.map(|outcome| (outcome.code, &outcome.explanation)) {
        Some((Some(code), explanation)) => {
            Err(Left { code, explanation: explanation.clone(), for_a_human: true })
        }
        _ => Ok(choice),
    }
}

/// Answers a question as it was seen, which somebody else may have answered since.
///
/// # Errors
/// Why it is not answered so.
pub async fn answer(
    app: &Review,
    decider: Decider,
    item: ReviewItemId,
    choice: &Choice,
) -> Result<(Option<ContactId>, Option<RunId>), NotDecided> {
    let decided = decide(app, decider, item, choice).await?;
    let wanted = match choice {
        Choice::Dismiss { .. } => ReviewStatus::Dismissed,
        Choice::CreateNew | Choice::LinkExisting(_) => ReviewStatus::Resolved,
    };
    // Whoever dismisses one question that is answered already is told how it stands; here it would be counted
    // among those that were dismissed.
    if decided.status != wanted {
        return Err(NotDecided::ItemNotOpen { status: decided.status, resolution: None });
    }
    Ok((decided.contact, decided.run))
}

/// Answers open questions that fit, as far as the time of a request goes, after `after`; with `preview`, only
/// says how. Given again, it goes on with those that are still open.
///
/// # Errors
/// When the store fails before anything was answered.
pub async fn answer_all(
    app: &Review,
    decider: Decider,
    which: &Which,
    wish: &Wish,
    (after, preview): (Option<ReviewPlace>, bool),
) -> Result<AnsweredAll, StoreError> {
    let began = app.clock.now();
    let filter = Filter { status: ReviewStatus::Open, client: which.client, tenant: which.tenant };
    let listed = places(app, decider.workspace, filter, after.clone(), ALL_MAX).await?;
    let (mut items, mut place) = (Vec::new(), after);
    let mut tenants = Tenants::default();
    for (item, at) in listed.items {
        if which.fits(&item) {
            let is_late = !items.is_empty() && app.clock.now().duration_since(began) >= PATIENCE;
            let given = match choose(&item, wish) {
                Ok(choice) if preview => Ok((choice, None)),
                Ok(choice) => match tenants.answer(app, decider, &item, choice, is_late).await {
                    Ok(Some(given)) => given,
                    // What was answered before is told; this one is looked at again.
                    Ok(None) => return Ok(AnsweredAll { items, next: place }),
                    Err(_) if !items.is_empty() => return Ok(AnsweredAll { items, next: place }),
                    Err(error) => return Err(error),
                },
                Err(left) => Err(left),
            };
            items.push(AnsweredView::new(&item, given));
        }
        place = Some(at);
    }
    Ok(AnsweredAll { items, next: listed.next })
}

/// Tenants that are being synced, as far as one request has looked: it waits for none of them, since it would
/// wait for each of its people.
#[derive(Debug, Default)]
struct Tenants {
    free: BTreeSet<ManagedTenantId>,
    busy: BTreeSet<ManagedTenantId>,
}

impl Tenants {
    /// What becomes of a question; `None` when there is no time left to answer it.
    async fn answer(
        &mut self,
        app: &Review,
        decider: Decider,
        item: &ItemView,
        choice: Choice,
        is_late: bool,
    ) -> Result<Option<Result<Given, Left>>, StoreError> {
        let tenant = item.managed_tenant_id;
        if self.is_busy(app, decider, tenant).await? {
            return Ok(Some(Err(NotDecided::TenantBusy.into())));
        }
        if is_late {
            return Ok(None);
        }
        match answer(app, decider, item.queue_item_id, &choice).await {
            Ok(decided) => Ok(Some(Ok((choice, Some(decided))))),
            Err(NotDecided::Store(error)) => Err(error),
            Err(error) => {
                if matches!(error, NotDecided::TenantBusy) {
                    self.busy.insert(tenant);
                }
                Ok(Some(Err(error.into())))
            }
        }
    }

    async fn is_busy(
        &mut self,
        app: &Review,
        decider: Decider,
        tenant: ManagedTenantId,
    ) -> Result<bool, StoreError> {
        if self.busy.contains(&tenant) || self.free.contains(&tenant) {
            return Ok(self.busy.contains(&tenant));
        }
        let is_busy = app.is_busy(decider.workspace, tenant, None).await?;
        if is_busy { &mut self.busy } else { &mut self.free }.insert(tenant);
        Ok(is_busy)
    }
}

impl Which {
    fn fits(&self, item: &ItemView) -> bool {
        let shown = || [Some(item.display_name.as_str()), item.email.as_deref()].into_iter().flatten();
        let found = self.find.as_ref().is_none_or(|text| is_part_of_any(text, shown()));
        self.conflict.is_none_or(|conflict| conflict == item.reason) && found
    }
}

impl Choice {
    /// What an answer is called, and the contact that it names.
    fn told(&self) -> (AnswerKind, Option<ContactId>) {
        match self {
            Self::CreateNew => (AnswerKind::CreateNew, None),
            Self::Dismiss { .. } => (AnswerKind::Dismissed, None),
            Self::LinkExisting(contact) => (AnswerKind::LinkExisting, Some(*contact)),
        }
    }
}

impl From<Unclear> for Left {
    fn from(unclear: Unclear) -> Self {
        let (code, explanation) = match unclear {
            Unclear::NameOnly => (
                "name_only",
                "No contact has an address of the person or belongs to the account; a name alone links nobody. \
                 Answer this one by itself.",
            ),
            Unclear::SeveralContacts => (
                "several_contacts",
                "More than a name speaks for several contacts. Answer this one by itself.",
            ),
        };
        Self { code, explanation: explanation.to_owned(), for_a_human: true }
    }
}

impl From<NotDecided> for Left {
    fn from(error: NotDecided) -> Self {
        Self { code: error.code(), explanation: error.explanation(), for_a_human: false }
    }
}

/// The answer, and the contact and the run that came of it.
type Given = (Choice, Option<(Option<ContactId>, Option<RunId>)>);

impl AnsweredView {
    fn new(item: &ItemView, given: Result<Given, Left>) -> Self {
        let (given, left) = (given.as_ref().ok(), given.as_ref().err());
        let told = given.map(|(choice, _)| choice.told());
        let decided = given.and_then(|(_, decided)| *decided);
        Self {
            queue_item_id: item.queue_item_id,
            managed_tenant_id: item.managed_tenant_id,
            display_name: item.display_name.clone(),
            email: item.email.clone(),
            reason: item.reason,
            answer: told.map(|(kind, _)| kind),
            contact_name_id: decided
                .map_or_else(|| told.and_then(|(_, contact)| contact), |(contact, _)| contact),
            run_id: decided.and_then(|(_, run)| run),
            code: left.map(|left| left.code),
            explanation: left.map(|left| left.explanation.clone()),
            for_a_human: left.is_some_and(|left| left.for_a_human),
        }
    }
}
