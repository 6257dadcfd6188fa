//! One answer: planned, stored, applied, noted; gone on with when an earlier request was cut off.

use domain::{
    ids::{ContactId, ReviewItemId, RunId},
    plan::AnswerKind,
    review::Ruling,
};
use store::{ReviewItem, ReviewStatus, StoreError};

use crate::{
    Decider, NotDecided, Review,
    ground::{Asked, Ground, question},
    run::DecisionRun,
};

/// An operator's answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Choice {
    /// The person is a new contact.
    CreateNew,
    /// The person is not to be synced.
    Dismiss {
        /// Why, in the operator's words.
        note: Option<String>,
    },
    /// The person is this contact.
    LinkExisting(ContactId),
}

/// How a question stands after its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decided {
    /// The question.
    pub item: ReviewItemId,
    /// Where it stands.
    pub status: ReviewStatus,
    /// The contact the person is.
    pub contact: Option<ContactId>,
    /// The run that carried the answer out.
    pub run: Option<RunId>,
}

/// Answers a question. The same answer given again changes nothing and is answered alike.
///
/// # Errors
/// See [`NotDecided`].
pub async fn decide(
    app: &Review,
    decider: Decider,
    id: ReviewItemId,
    choice: &Choice,
) -> Result<Decided, NotDecided> {
    let workspace = decider.workspace;
    let mut item = find(app, decider, id).await?;
    // Whoever answered before may not have come to the end: before the question was closed, or after.
    let begun = match item.review_status {
        ReviewStatus::Open => item.deciding,
        _ => item.resolution.as_ref().map(|resolution| resolution.run),
    };
    if let Some(run) = begun {
        DecisionRun::go_on(app, workspace, run, &item).await?;
        item = find(app, decider, id).await?;
    }
    if item.review_status != ReviewStatus::Open {
        return settled(&item, choice);
    }
    // Told before anything is stored.
    rule(app, decider, &item, choice).await?;
    app.wait_for_tenant(workspace, item.managed_tenant, None).await?;
    let run = DecisionRun::begin(app, decider, &item).await?;
    let ruling = match still_open(app, decider, &run).await {
        Ok(item) => rule(app, decider, &item, choice).await,
        Err(error) => Err(error),
    };
    let ruling = match ruling {
        Ok(ruling) => ruling,
        Err(error) => {
            if !matches!(error, NotDecided::Store(_)) {
                run.abandon(app).await?;
            }
            return Err(error);
        }
    };
    run.carry_out(app, &item, &ruling).await?;
    let item = find(app, decider, id).await?;
    settled(&item, choice)
}

async fn find(app: &Review, decider: Decider, id: ReviewItemId) -> Result<ReviewItem, NotDecided> {
    app.store.review(decider.workspace, id).await?.ok_or(NotDecided::ItemNotFound)
}

/// The question as it is now that nobody else can work on the tenant.
async fn still_open(app: &Review, decider: Decider, run: &DecisionRun) -> Result<ReviewItem, NotDecided> {
    let item = find(app, decider, run.item).await?;
    if item.review_status == ReviewStatus::Open && item.deciding == Some(run.id()) {
        return Ok(item);
    }
    Err(match item.deciding {
        Some(other) => NotDecided::BeingDecided(other),
        None => not_open(&item),
    })
}

/// What the answer does now.
async fn rule(
    app: &Review,
    decider: Decider,
    item: &ReviewItem,
    choice: &Choice,
) -> Result<Ruling, NotDecided> {
    let question = question(decider.workspace, item);
    let chosen = match choice {
        Choice::Dismiss { note } => return Ok(question.dismiss(note.clone())),
        Choice::CreateNew => None,
        Choice::LinkExisting(contact) => Some(*contact),
    };
    let mapping = app.store.mapping(decider.workspace, item.managed_tenant).await?;
    if mapping.and_then(|record| record.current.decision.client()) != Some(item.client) {
        return Err(NotDecided::MappingChanged);
    }
    let asked = [Asked { item, question, chosen }];
    let ground = Ground::gather(&app.store, decider.workspace, &asked).await?;
    let [asked] = asked;
    let situation = ground.situation(&asked);
    let ruling = match chosen {
        Some(contact) => asked.question.link_existing(&situation, contact),
        None => asked.question.create_new(&situation),
    };
    ruling.map_err(NotDecided::Refused)
}

/// How a question that is answered stands, if that is the answer that is given again. Whoever dismisses
/// what is answered already is told how it stands.
fn settled(item: &ReviewItem, choice: &Choice) -> Result<Decided, NotDecided> {
    let given = item.answer();
    let is_same = match choice {
        Choice::Dismiss { .. } => item.review_status != ReviewStatus::Open,
        Choice::CreateNew => given.is_some_and(|given| given.kind == AnswerKind::CreateNew),
        Choice::LinkExisting(contact) => given
            .is_some_and(|given| given.kind == AnswerKind::LinkExisting && given.contact == Some(*contact)),
    };
    if item.review_status == ReviewStatus::Open || !is_same {
        return Err(not_open(item));
    }
    let (contact, run) = (given.and_then(|given| given.contact), given.map(|given| given.run));
    Ok(Decided { item: item.id, status: item.review_status, contact, run })
}

fn not_open(item: &ReviewItem) -> NotDecided {
    let resolution = item.answer().cloned().map(Box::new);
    NotDecided::ItemNotOpen { status: item.review_status, resolution }
}

impl NotDecided {
    /// Whether giving the same answer again can help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::BeingDecided(_) | Self::TenantBusy => true,
            Self::Store(error) => StoreError::is_transient(error),
            _ => false,
        }
    }
}
