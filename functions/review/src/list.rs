//! Listing questions.

use domain::ids::{ClientId, ManagedTenantId, ReviewItemId, WorkspaceId};
use store::{ReviewItem, ReviewPlace, ReviewStatus, StoreError};

use crate::{
    NotDecided, Review,
    ground::{Asked, Ground, question},
    views::ItemView,
};

/// Questions that are read at once.
const READ_AT_ONCE: u16 = 200;

/// Which questions.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Where they stand.
    pub status: ReviewStatus,
    /// Only of this client.
    pub client: Option<ClientId>,
    /// Only of this tenant.
    pub tenant: Option<ManagedTenantId>,
}

/// Some questions.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The questions, the newest first.
    pub items: Vec<ItemView>,
    /// Where the list goes on.
    pub next: Option<ReviewPlace>,
}

/// At most `limit` questions after `after`.
///
/// # Errors
/// When the store fails.
pub async fn list(
    app: &Review,
    workspace: WorkspaceId,
    filter: Filter,
    after: Option<ReviewPlace>,
    limit: usize,
) -> Result<Listed, StoreError> {
    let listed = places(app, workspace, filter, after, limit).await?;
    let items = listed.items.into_iter().map(|(item, _)| item).collect();
    Ok(Listed { items, next: listed.next })
}

/// Some questions, each with the place behind which a list goes on after it.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    pub(crate) items: Vec<(ItemView, ReviewPlace)>,
    /// Where the list goes on.
    pub(crate) next: Option<ReviewPlace>,
}

/// The same, with the place of each.
pub(crate) async fn places(
    app: &Review,
    workspace: WorkspaceId,
    filter: Filter,
    after: Option<ReviewPlace>,
    limit: usize,
) -> Result<Places, StoreError> {
    let is_wanted = |item: &ReviewItem| {
        filter.client.is_none_or(|only| only == item.client)
            && filter.tenant.is_none_or(|only| only == item.managed_tenant)
    };
    let (mut found, mut at_each, mut place, mut next) = (Vec::new(), Vec::new(), after, None);
    'reading: loop {
        let page = app.store.reviews(workspace, filter.status, place.as_ref(), READ_AT_ONCE).await?;
        let is_last = page.is_empty();
        for (item, at) in page {
            if is_wanted(&item) {
                if found.len() == limit {
                    // There is more: the list goes on behind what it shows.
                    next.clone_from(&place);
                    break 'reading;
                }
                found.push(item);
                at_each.push(at.clone());
            }
            place = Some(at);
        }
        if is_last {
            break;
        }
    }
    let items = views(app, workspace, &found).await?.into_iter().zip(at_each).collect();
    Ok(Places { items, next })
}

/// One question.
///
/// # Errors
/// [`NotDecided::ItemNotFound`], or when the store fails.
pub async fn show(app: &Review, workspace: WorkspaceId, id: ReviewItemId) -> Result<ItemView, NotDecided> {
    let item = app.store.review(workspace, id).await?;
    let views = views(app, workspace, item.as_slice()).await?;
    views.into_iter().next().ok_or(NotDecided::ItemNotFound)
}

async fn views(
    app: &Review,
    workspace: WorkspaceId,
    items: &[ReviewItem],
) -> Result<Vec<ItemView>, StoreError> {
    let asked: Vec<Asked<'_>> =
        items.iter().map(|item| Asked { item, question: question(workspace, item), chosen: None }).collect();
    let ground = Ground::gather(&app.store, workspace, &asked).await?;
    Ok(asked.iter().map(|asked| ItemView::new(asked, &ground.situation(asked))).collect())
}
