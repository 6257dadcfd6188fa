//! `review`.

use ::review::{
    AnsweredView, Choice, Decided, Decider, Filter, ItemView, NotDecided, Which, Wish, answer_all, decide,
    list, show,
};
use domain::{ids::ReviewItemId, mandate::Mandate};
use serde::Serialize;
use store::{ReviewPlace, ReviewStatus};

use super::{Context, sync::tenant_names};
use crate::{
    Ending,
    arguments::{AnswerToAll, QuestionStatus, ReviewArguments, ReviewCommand},
    output::{self, Failure, Talk},
};

/// What became of one question.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AnswerView {
    queue_item_id: ReviewItemId,
    status: Option<ReviewStatus>,
    contact_name_id: Option<domain::ids::ContactId>,
    run_id: Option<domain::ids::RunId>,
    code: Option<&'static str>,
    error: Option<String>,
}

pub(crate) async fn run(context: &Context, options: &ReviewArguments) -> Result<Ending, Failure> {
    let house = &context.house;
    match options.command.clone() {
        ReviewCommand::List { status, client, tenant, limit } => {
            let filter = Filter { status: status.into(), client, tenant };
            let listed = list(&house.review, house.workspace, filter, None, usize::from(limit)).await?;
            let names = tenant_names(house).await?;
            output::result(context.output, &listed.items, || {
                let row = |item: &ItemView| {
                    let name = names.get(&item.managed_tenant_id).cloned().unwrap_or_default();
                    row(item, name)
                };
                let header = ["tenant", "person", "e-mail", "what is unclear", "contacts", "question"];
                output::table(&header, listed.items.iter().map(row).collect(), 6)
            })?;
            if listed.next.is_some() {
                Talk::say("There are more; ask for them with --limit, or narrow the list.");
            }
            Ok(Ending::Done)
        }
        ReviewCommand::Show { item } => {
            let view = show(&house.review, house.workspace, item).await.map_err(failure)?;
            output::result(context.output, &view, || told(&view))?;
            Ok(Ending::Done)
        }
        ReviewCommand::Link { item, contact } => {
            answer(context, &[item], &Choice::LinkExisting(contact)).await
        }
        ReviewCommand::Create { items } => answer(context, &items, &Choice::CreateNew).await,
        ReviewCommand::Dismiss { items, note } => answer(context, &items, &Choice::Dismiss { note }).await,
        ReviewCommand::All { answer, client, tenant, conflict, find, note, apply } => {
            let which = Which { client, tenant, conflict, find };
            let wish = match answer {
                AnswerToAll::Create => Wish::CreateNew,
                AnswerToAll::Dismiss => Wish::Dismiss { note },
                AnswerToAll::Link => Wish::Link,
            };
            all(context, &which, &wish, apply).await
        }
    }
}

/// Answers all that fit, one part after the other, or says how.
async fn all(context: &Context, which: &Which, wish: &Wish, apply: bool) -> Result<Ending, Failure> {
    let house = &context.house;
    let decider = Decider { workspace: house.workspace, mandate: Mandate::Machine };
    let (mut views, mut place): (Vec<AnsweredView>, Option<ReviewPlace>) = (Vec::new(), None);
    loop {
        let part = answer_all(&house.review, decider, which, wish, (place, !apply)).await?;
        views.extend(part.items);
        place = part.next;
        if place.is_none() {
            break;
        }
    }
    let names = tenant_names(house).await?;
    output::result(context.output, &views, || {
        let row = |view: &AnsweredView| {
            let contact = view.contact_name_id.map(|contact| contact.to_string()).unwrap_or_default();
            let what = view.answer.as_ref().map_or_else(
                || {
                    format!(
                        "left: {} [{}]",
                        view.explanation.as_deref().unwrap_or_default(),
                        view.code.unwrap_or_default()
                    )
                },
                name,
            );
            vec![
                names.get(&view.managed_tenant_id).cloned().unwrap_or_default(),
                view.display_name.clone(),
                view.email.clone().unwrap_or_default(),
                what,
                contact,
            ]
        };
        let header = ["tenant", "person", "e-mail", "answer", "contact"];
        output::table(&header, views.iter().map(row).collect(), 5)
    })?;
    let answered = views.iter().filter(|view| view.answer.is_some()).count();
    let left = views.len() - answered;
    let is_refused = views.iter().any(|view| view.answer.is_none() && !view.for_a_human);
    Talk::say(if apply {
        format!("{answered} questions are answered, {left} are left as they are.")
    } else {
        format!("{answered} questions would be answered, {left} left. Nothing was written; --apply answers.")
    });
    Ok(match (apply, answered) {
        (false, 0) => Ending::Done,
        (false, _) => Ending::ChangesPlanned,
        (true, _) if is_refused => Ending::Failed,
        (true, _) if left > 0 => Ending::Held,
        (true, _) => Ending::Done,
    })
}

/// Answers every question, whatever becomes of the others.
async fn answer(context: &Context, items: &[ReviewItemId], choice: &Choice) -> Result<Ending, Failure> {
    let house = &context.house;
    let decider = Decider { workspace: house.workspace, mandate: Mandate::Machine };
    let mut views = Vec::new();
    for item in items {
        match decide(&house.review, decider, *item, choice).await {
            Ok(decided) => views.push(decided.into()),
            Err(error) if items.len() == 1 => return Err(failure(error)),
            Err(error) => {
                let failure = failure(error);
                Talk::failure(&failure);
                views.push(AnswerView {
                    queue_item_id: *item,
                    status: None,
                    contact_name_id: None,
                    run_id: None,
                    code: Some(failure.code),
                    error: Some(failure.message),
                });
            }
        }
    }
    let refused = views.iter().any(|view| view.code.is_some());
    output::result(context.output, &views, || answers(&views))?;
    Ok(if refused { Ending::Failed } else { Ending::Done })
}

impl From<Decided> for AnswerView {
    fn from(decided: Decided) -> Self {
        Self {
            queue_item_id: decided.item,
            status: Some(decided.status),
            contact_name_id: decided.contact,
            run_id: decided.run,
            code: None,
            error: None,
        }
    }
}

impl From<QuestionStatus> for ReviewStatus {
    fn from(status: QuestionStatus) -> Self {
        match status {
            QuestionStatus::Dismissed => Self::Dismissed,
            QuestionStatus::Open => Self::Open,
            QuestionStatus::Resolved => Self::Resolved,
        }
    }
}

fn row(item: &ItemView, tenant: String) -> Vec<String> {
    let contacts: Vec<String> = item
        .candidate_contacts
        .iter()
        .map(|contact| {
            let name = contact.full_name.clone().unwrap_or_else(|| contact.contact_name_id.to_string());
            if contact.is_inactive { format!("{name} (inactive)") } else { name }
        })
        .collect();
    vec![
        tenant,
        item.display_name.clone(),
        item.email.clone().unwrap_or_default(),
        item.explanation.to_owned(),
        contacts.join("\n"),
        item.queue_item_id.to_string(),
    ]
}

/// One question at length.
fn told(item: &ItemView) -> String {
    let email = item.email.as_deref().unwrap_or("no address");
    let mut text = format!("{} ({email}): {}\n\n", item.display_name, item.explanation);
    let candidates = item.candidate_contacts.iter().map(|contact| {
        let evidence: Vec<String> = contact
            .evidence
            .iter()
            .map(|it| format!("{} ({}) is its {}", it.address, it.in_directory, it.on_contact))
            .collect();
        let linked = match &contact.linked_to {
            None => "nobody".to_owned(),
            Some(linked) if linked.is_this_person => "this person".to_owned(),
            Some(linked) if linked.is_active => format!("account {}", linked.entra_object_id),
            Some(linked) => format!("account {}, which is gone", linked.entra_object_id),
        };
        vec![
            contact.contact_name_id.to_string(),
            contact.full_name.clone().unwrap_or_default(),
            contact.email.clone().unwrap_or_default(),
            if contact.is_inactive { "inactive" } else { "active" }.to_owned(),
            linked.replace('_', " "),
            evidence.join("\n").replace('_', " "),
        ]
    });
    let header = ["contact", "name", "e-mail", "state", "linked to", "what speaks for it"];
    text.push_str(&output::table(&header, candidates.collect(), 6));
    let outcomes = item.outcomes.iter().map(|outcome| {
        let contact = outcome.contact_name_id.map(|contact| contact.to_string()).unwrap_or_default();
        let remedy = outcome.remedy.map(|remedy| format!("\n{remedy}")).unwrap_or_default();
        vec![
            name(&outcome.outcome),
            contact,
            if outcome.possible { "yes" } else { "no" }.to_owned(),
            format!("{}{remedy}", outcome.explanation),
        ]
    });
    text.push_str("\n\n");
    match &item.resolution {
        None => {
            let header = ["answer", "contact", "possible", "what it would do"];
            text.push_str(&output::table(&header, outcomes.collect(), 4));
        }
        Some(resolution) => {
            let (what, at) = (name(&resolution.resolution_action), resolution.resolved_at);
            let run = resolution.run_id;
            let told = format!("{what} at {at}; take back run {run} to have the question asked again.");
            text.push_str(&told);
        }
    }
    text
}

fn answers(views: &[AnswerView]) -> String {
    let row = |view: &AnswerView| {
        let status = view.status.as_ref().map_or_else(|| view.code.unwrap_or_default().to_owned(), name);
        let contact = view.contact_name_id.map(|contact| contact.to_string()).unwrap_or_default();
        let run = view.run_id.map(|run| run.to_string()).unwrap_or_default();
        vec![view.queue_item_id.to_string(), status, contact, run]
    };
    output::table(&["question", "status", "contact", "run"], views.iter().map(row).collect(), 4)
}

fn name(value: &impl Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    value.and_then(|value| value.as_str().map(|name| name.replace('_', " "))).unwrap_or_default()
}

fn failure(error: NotDecided) -> Failure {
    match error {
        NotDecided::Store(error) => error.into(),
        error => Failure::new(error.code(), error.explanation(), error.remedy()),
    }
}
