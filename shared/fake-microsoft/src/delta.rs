//! `GET /users/delta` (learn.microsoft.com/graph/api/user-delta): rounds of changes, each from one
//! point of a tenant's history to another. The links remember where a round is and what was
//! selected, so nothing is kept here.

use domain::{ids::EntraTenantId, user::Removal};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use crate::{
    edits::Known,
    faults::{Effect, SyncStateLoss},
    graph_error::GraphError,
    listing::Call,
    properties::select_user_properties,
    query::{Accepts, check_name, selected},
    seal::Sealer,
    user::{DEFAULT_PROPERTIES, PropertySet, UserProperty},
};

/// Rows per page when nothing else was set.
pub(crate) const PAGE_SIZE: u32 = 200;

/// How long a link is good for.
const LINK_LIFE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The prefix of tokens that go on within a round.
const PAGE_TOKEN: &str = "RFNwdAIAAQ";

/// The prefix of tokens that a later round begins with.
const DELTA_TOKEN: &str = "RFNwdAIAAg";

/// `$top` is accepted and means nothing.
const CHANGES: Accepts =
    Accepts { options: &["$select", "$top", "$skiptoken", "$deltatoken"], default_top: 0, maximum_top: 0 };

/// A place in a round.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Everybody is listed, slot by slot, and not only what has changed.
    everybody: bool,
    /// The points of history between which changes are told.
    from: u32,
    until: u32,
    /// How much of the round has been told.
    pub(crate) offset: u32,
    /// The number of the page; makes two links to one place differ.
    page: u32,
    /// The slots of users whom an earlier round kept back.
    due: Vec<u32>,
    /// The slots of users whom this round keeps back.
    kept_back: Vec<u32>,
    /// The names selected, in the form of `$select`; empty without.
    select: String,
    /// When the round began, in seconds.
    issued: i64,
}

/// What a page of changes leads to.
#[derive(Debug)]
pub(crate) enum Onward {
    /// The next page of the round.
    Page(Place),
    /// A later round.
    Later(Place),
    Nowhere,
}

/// One page of changes.
pub(crate) struct ChangeList {
    /// Each row as JSON text.
    pub(crate) rows: Vec<String>,
    /// The slots of the rows.
    slots: Vec<u32>,
    pub(crate) here: Place,
    /// The offset of the last row.
    pub(crate) last_offset: Option<u32>,
    pub(crate) onward: Onward,
    /// Another host that the link leads to, which a client must not follow.
    pub(crate) foreign_host: Option<String>,
    base: String,
    tenant: EntraTenantId,
    sealer: Sealer,
}

/// One page of the change feed.
pub(crate) fn changes(call: &Call<'_>, effect: Option<&Effect>) -> Result<ChangeList, GraphError> {
    let asked = Asked::parse(call.raw_query)?;
    let now = call.inner.clock.now();
    let tenant = call.readable_tenant(&["User.Read.All", "Directory.Read.All"])?.id;
    let mut here = asked.place(call, now)?;
    if matches!(effect, Some(Effect::ReplayedChanges)) && asked.token != Token::Latest {
        here = Place { from: 0, offset: 0, ..here };
    }
    let properties = properties(&here.select)?;
    let world = &call.inner.world;
    let (slots, total) = if here.everybody {
        let total = world.slot_count(tenant);
        let end = here.offset.saturating_add(call.inner.delta_page_size()).min(total);
        ((here.offset..end).collect(), total)
    } else {
        let selected = PropertySet::of(properties.iter().copied());
        let touched = world.touched(tenant, (here.from, here.until), selected, &here.due);
        let total = u32::try_from(touched.len()).unwrap_or(u32::MAX);
        let page = touched.into_iter().skip(here.offset as usize);
        (page.take(call.inner.delta_page_size() as usize).collect::<Vec<u32>>(), total)
    };
    let end = here.offset + u32::try_from(slots.len()).unwrap_or_default();
    let known = world.known(tenant, &slots);
    let rows = known.iter().map(|known| row(known, &properties, here.everybody)).collect();
    let onward = if end < total { Onward::Page(here.again_at(end)) } else { Onward::Later(here.later(now)) };
    Ok(ChangeList {
        rows,
        last_offset: (!slots.is_empty()).then(|| end - 1),
        slots,
        here,
        onward,
        foreign_host: None,
        base: call.base.clone(),
        tenant,
        sealer: call.inner.sealer.clone(),
    })
}

fn row(known: &Known, properties: &[UserProperty], sparse: bool) -> String {
    match known {
        Known::Present(user) if sparse => user.sparse_row(properties),
        Known::Present(user) => user.row(properties),
        Known::Removed(object, removal) => {
            let reason = match removal {
                Removal::Deleted => "deleted",
                Removal::SoftDeleted => "changed",
            };
            json!({ "id": object.to_string(), "@removed": { "reason": reason } }).to_string()
        }
    }
}

/// The properties of `$select`; the id comes in any case.
fn properties(select: &str) -> Result<Vec<UserProperty>, GraphError> {
    if select.is_empty() {
        return Ok(DEFAULT_PROPERTIES.to_vec());
    }
    let mut properties = select_user_properties(&selected(select)?)?;
    if !properties.contains(&UserProperty::Id) {
        properties.push(UserProperty::Id);
    }
    Ok(properties)
}

/// The options of one request.
struct Asked {
    select: Option<String>,
    token: Token,
}

#[derive(PartialEq, Eq)]
enum Token {
    /// None: everybody.
    None,
    /// Nothing but a link to what comes later.
    Latest,
    Page(String),
    Delta(String),
}

impl Asked {
    fn parse(raw: &str) -> Result<Self, GraphError> {
        let mut asked = Self { select: None, token: Token::None };
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()).into_owned() {
            let name = if name == "$deltaToken" { "$deltatoken".to_owned() } else { name };
            check_name(&name, &seen, &CHANGES)?;
            match name.as_str() {
                "$select" => asked.select = Some(value),
                "$skiptoken" => asked.token = Token::Page(value),
                "$deltatoken" if value == "latest" => asked.token = Token::Latest,
                "$deltatoken" => asked.token = Token::Delta(value),
                _ => {}
            }
            seen.push(name);
        }
        let is_link = matches!(asked.token, Token::Page(_) | Token::Delta(_));
        if is_link && seen.len() > 1 {
            return Err(GraphError::bad_request("Query options belong to the first request of a round."));
        }
        Ok(asked)
    }

    fn place(&self, call: &Call<'_>, now: Timestamp) -> Result<Place, GraphError> {
        let point = call.inner.world.point(call.token.tenant);
        let (prefix, token) = match &self.token {
            Token::Page(token) => (PAGE_TOKEN, token),
            Token::Delta(token) => (DELTA_TOKEN, token),
            Token::None | Token::Latest => {
                let everybody = self.token == Token::None;
                let select = self.select.clone().unwrap_or_default();
                let issued = now.as_second();
                return Ok(Place {
                    everybody,
                    from: point,
                    until: point,
                    select,
                    issued,
                    ..Place::default()
                });
            }
        };
        let place = Place::open(&call.inner.sealer, prefix, token, call.token.tenant)
            .ok_or_else(|| GraphError::bad_request("Badly formed token."))?;
        if now.as_second() - place.issued > LINK_LIFE.as_secs() {
            return Err(GraphError::lost_sync_state(SyncStateLoss::NotFound));
        }
        // A fake that was started again has lost the history that an earlier one told.
        if place.from.max(place.until) > point {
            return Err(GraphError::lost_sync_state(SyncStateLoss::GoneNotFound));
        }
        let is_later = prefix == DELTA_TOKEN;
        Ok(if is_later { Place { until: point, issued: now.as_second(), ..place } } else { place })
    }
}

impl Place {
    /// The next page of the round, from `offset` on.
    pub(crate) fn again_at(&self, offset: u32) -> Self {
        Self { offset, page: self.page + 1, ..self.clone() }
    }

    /// Where the round after this one begins.
    fn later(&self, now: Timestamp) -> Self {
        Self {
            from: self.until,
            due: self.kept_back.clone(),
            select: self.select.clone(),
            issued: now.as_second(),
            ..Self::default()
        }
    }

    fn seal(&self, sealer: &Sealer, kind: &str, tenant: EntraTenantId) -> String {
        let Self { everybody, from, until, offset, page, due, kept_back, select, issued } = self;
        let (due, kept_back) = (listed(due), listed(kept_back));
        let content = format!(
            "{tenant} {everybody} {from} {until} {offset} {page} {issued} [{due}] [{kept_back}] {select}"
        );
        sealer.seal(kind, &content)
    }

    fn open(sealer: &Sealer, kind: &str, token: &str, tenant: EntraTenantId) -> Option<Self> {
        let content = sealer.open(kind, token)?;
        let parts: Vec<&str> = content.splitn(10, ' ').collect();
        let [owner, everybody, from, until, offset, page, issued, due, kept_back, select] =
            parts.try_into().ok()?;
        (owner == tenant.to_string()).then_some(())?;
        Some(Self {
            everybody: everybody.parse().ok()?,
            from: from.parse().ok()?,
            until: until.parse().ok()?,
            offset: offset.parse().ok()?,
            page: page.parse().ok()?,
            due: unlisted(due)?,
            kept_back: unlisted(kept_back)?,
            select: select.to_owned(),
            issued: issued.parse().ok()?,
        })
    }
}

impl ChangeList {
    /// Leaves the first user of the page out.
    pub(crate) fn lose_the_first(&mut self) {
        self.take_the_first();
    }

    /// Leaves the first user of the page to the next round.
    pub(crate) fn keep_back_the_first(&mut self) {
        let Some(slot) = self.take_the_first() else { return };
        match &mut self.onward {
            Onward::Page(place) => place.kept_back.push(slot),
            Onward::Later(place) => place.due.push(slot),
            Onward::Nowhere => {}
        }
    }

    /// The slot of the first user, who is on the page no more.
    fn take_the_first(&mut self) -> Option<u32> {
        let slot = self.slots.first().copied()?;
        self.rows.remove(0);
        Some(slot)
    }

    pub(crate) fn into_json(self) -> String {
        let mut head = Map::new();
        let selection = match self.here.select.as_str() {
            "" => String::new(),
            names => format!("({names})"),
        };
        head.insert(
            "@odata.context".to_owned(),
            Value::String(format!("{}/v1.0/$metadata#users{selection}/$delta", self.base)),
        );
        let base = self.foreign_host.as_ref().map_or(self.base.clone(), |host| format!("https://{host}"));
        let (name, option, kind, place) = match &self.onward {
            Onward::Page(place) => ("@odata.nextLink", "$skiptoken", PAGE_TOKEN, Some(place)),
            Onward::Later(place) => ("@odata.deltaLink", "$deltatoken", DELTA_TOKEN, Some(place)),
            Onward::Nowhere => ("", "", "", None),
        };
        if let Some(place) = place {
            let token = place.seal(&self.sealer, kind, self.tenant);
            head.insert(name.to_owned(), json!(format!("{base}/v1.0/users/delta?{option}={token}")));
        }
        let mut body = Value::Object(head).to_string();
        body.truncate(body.len() - 1);
        format!("{body},\"value\":[{}]}}", self.rows.join(","))
    }
}

fn listed(slots: &[u32]) -> String {
    slots.iter().map(u32::to_string).collect::<Vec<String>>().join(",")
}

fn unlisted(text: &str) -> Option<Vec<u32>> {
    let inside = text.strip_prefix('[')?.strip_suffix(']')?;
    inside.split(',').filter(|slot| !slot.is_empty()).map(|slot| slot.parse().ok()).collect()
}
