//! Carrying out the lines of a plan page.
//!
//! Every write is conditional, and every line can be applied again: a contact remembers the line
//! that wrote it last, so a line that was cut off half-way goes on where it stopped, and one whose
//! contact has changed since it was planned is left alone and reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use domain::{
    contact::{Contact, Fingerprint, Link, Owner},
    email::EmailAddress,
    facts::SourceFacts,
    fields::FieldChange,
    ids::{ContactId, EntraObjectId, EntraTenantId, Identity, LineId, ManagedTenantId},
    plan::{Action, Line, LinkState, PlanPage},
    premise::Since,
};
use futures::{StreamExt, TryStreamExt, stream};
use jiff::Timestamp;

use crate::{
    contacts::{ClientScope, ContactRow, given_up, version_is},
    error::StoreError,
    people::{LinkWriter, link_turned},
    queue::Author,
    reviews::OpenReview,
    table::{Condition, Store, Transacted, Write, Written, decode, encode},
};

/// A line that was not applied.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StaleLine {
    /// The line.
    pub line: LineId,
    /// Stable code of what had changed.
    pub code: &'static str,
}

/// The code of a line that another run had carried out already. It is not this run's work, so an undo of
/// this run leaves it.
pub const APPLIED_BEFORE: &str = "applied_before";

/// The code of a line whose contact, link or address is stored in a form that cannot be read.
pub const STORED_UNREADABLE: &str = "stored_unreadable";

/// The code of a line of which the table does not take an item, however often it is tried: too large, or with a
/// value it refuses.
pub const WRITE_REFUSED: &str = "write_refused";

/// What became of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Applied {
    /// Written by this run, now or before a restart; or there was nothing to write.
    Done,
    /// Written by another run that carried out the same plan, or one like it.
    Before,
    /// Left alone, because something had changed since it was planned.
    Stale(&'static str),
}

impl Applied {
    /// Why the line is not this run's work; `None` when it is.
    const fn left_alone(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Before => Some(APPLIED_BEFORE),
            Self::Stale(code) => Some(code),
        }
    }
}

/// Applies plan pages to the contacts of one client. A preview has none of these.
#[derive(Debug)]
pub struct Applier<'a> {
    /// The table.
    pub store: &'a Store,
    /// The client whose contacts may be written.
    pub scope: ClientScope,
    /// The tenant the people are from.
    pub tenant: EntraTenantId,
    /// Our id of it.
    pub managed_tenant: ManagedTenantId,
    /// What decides, besides the facts, whether a person counts as changed.
    pub salt: &'a [u8],
    /// When the run began: the time written on everything, so that a repetition writes the same.
    pub at: Timestamp,
    /// Lines in flight at once.
    pub width: usize,
    /// Whose decisions are carried out.
    pub author: Author,
    /// Whether people may be linked elsewhere when a line links them, because the line that ends their link
    /// was not carried out: it is looked up before anything is written.
    pub changes_links: bool,
    /// What has to hold besides, when the lines are of a plan that others have come after.
    pub since: Option<&'a Since>,
    /// The right to write.
    pub tenure: Tenure<'a>,
}

/// For how long whoever applies lines may write: it is asked before each of them. A worker that was thought dead,
/// and wakes, stops at once, instead of finishing over what another one has done since.
#[derive(Clone, Copy)]
pub struct Tenure<'a>(Option<&'a (dyn Fn() -> bool + Sync)>);

impl<'a> Tenure<'a> {
    /// Nobody else can work on the tenant.
    pub const UNLIMITED: Self = Self(None);

    /// As long as `holds` says so.
    pub const fn of(holds: &'a (dyn Fn() -> bool + Sync)) -> Self {
        Self(Some(holds))
    }

    fn check(self) -> Result<(), StoreError> {
        if self.0.is_none_or(|holds| holds()) { Ok(()) } else { Err(StoreError::LeaseOver) }
    }
}

impl fmt::Debug for Tenure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Tenure(limited)" } else { "Tenure(unlimited)" })
    }
}

impl Applier<'_> {
    /// Applies every line of `page` that is not applied yet.
    ///
    /// # Errors
    /// When the store fails, or the right to write has ended; apply the page again.
    pub async fn apply(&self, page: &PlanPage) -> Result<Vec<StaleLine>, StoreError> {
        self.apply_lines(&page.lines).await
    }

    /// Applies those of the lines of a page that are not applied yet.
    ///
    /// # Errors
    /// As [`Self::apply`].
    pub async fn apply_lines(&self, lines: &[Line]) -> Result<Vec<StaleLine>, StoreError> {
        let planned_on: BTreeSet<ContactId> = lines
            .iter()
            .filter(|line| !matches!(line.action, Action::Create { .. }))
            .filter_map(Line::contact_written)
            .collect();
        let (before, unreadable) = self.store.contact_rows(self.scope, &planned_on).await?;
        let (before, unreadable) = (&before, &unreadable);
        let forbidden = &self.forbidden(lines, before).await?;
        // By position: a closure over borrowed lines makes a future that cannot be spawned.
        let outcomes: Vec<Option<StaleLine>> = stream::iter(0..lines.len())
            .map(|position| async move {
                let line = &lines[position];
                self.tenure.check()?;
                let is_unreadable = line.contact_written().is_some_and(|it| unreadable.contains(&it));
                let applied = if is_unreadable {
                    Applied::Stale(STORED_UNREADABLE)
                } else if let Some(code) = forbidden.get(&line.id) {
                    Applied::Stale(code)
                } else {
                    // One that cannot be read or written does not stop the others.
                    match self.carry_out(line, before).await {
                        Err(StoreError::Damaged { .. }) => Applied::Stale(STORED_UNREADABLE),
                        Err(error) if error.is_about_the_item() => Applied::Stale(WRITE_REFUSED),
                        applied => applied?,
                    }
                };
                let left_alone = applied.left_alone();
                Ok::<_, StoreError>(left_alone.map(|code| StaleLine { line: line.id, code }))
            })
            .buffered(self.width.max(1))
            .try_collect()
            .await?;
        Ok(outcomes.into_iter().flatten().collect())
    }

    /// Lines that must not be carried out any more, each with the code of why not.
    async fn forbidden(
        &self,
        lines: &[Line],
        before: &BTreeMap<ContactId, ContactRow>,
    ) -> Result<BTreeMap<LineId, &'static str>, StoreError> {
        let Some(since) = self.since else { return Ok(BTreeMap::new()) };
        // What was carried out before a restart is not asked about again.
        let is_done = |line: &Line| {
            let row = line.contact_written().and_then(|contact| before.get(&contact));
            row.is_some_and(|row| row.contact.line == Some(line.id))
        };
        let asks = |line: &&Line| Since::asks_about(&line.action) && !is_done(line);
        let lines: Vec<&Line> = lines.iter().filter(asks).collect();
        let objects: BTreeSet<EntraObjectId> = lines.iter().map(|line| line.object).collect();
        let (people, _) = self.store.people(self.scope.workspace(), self.tenant, &objects).await?;
        let forbids = |line: &&Line| {
            let (person, _) = people.get(&line.object)?;
            Some((line.id, since.forbids(line, person)?))
        };
        Ok(lines.iter().filter_map(forbids).collect())
    }

    async fn carry_out(
        &self,
        line: &Line,
        before: &BTreeMap<ContactId, ContactRow>,
    ) -> Result<Applied, StoreError> {
        let applied = self.apply_line(line, before).await?;
        if !matches!(applied, Applied::Stale(_)) {
            self.note_answer(line).await?;
        }
        Ok(applied)
    }

    /// What the line means for the question about its person.
    async fn note_answer(&self, line: &Line) -> Result<(), StoreError> {
        let (store, workspace) = (self.store, self.scope.workspace());
        let identity = Identity { tenant: self.tenant, object: line.object };
        if let Some(answer) = &line.answer {
            let answer = (&**answer, line.action.contact());
            store.settle_review(workspace, identity, answer, self.author, self.at).await
        } else if line.takes_back.is_some() {
            store.reopen_review(workspace, identity, self.at).await
        } else if line.answers_review {
            store.close_review(workspace, identity, self.at).await
        } else {
            Ok(())
        }
    }

    async fn apply_line(
        &self,
        line: &Line,
        before: &BTreeMap<ContactId, ContactRow>,
    ) -> Result<Applied, StoreError> {
        let identity = Identity { tenant: self.tenant, object: line.object };
        if self.is_linked_elsewhere(line, identity).await? {
            return Ok(Applied::Stale("linked_elsewhere"));
        }
        match &line.action {
            Action::Exclude { .. }
            | Action::Fail { .. }
            | Action::Hold { .. }
            | Action::Leave { .. }
            | Action::Settle { .. }
            | Action::Stage { .. } => Ok(Applied::Done),
            Action::Create { contact, facts } => self.create(line, identity, *contact, facts).await,
            Action::Link { contact, expect, changes, facts, .. }
            | Action::Reactivate { contact, expect, changes, facts, .. }
            | Action::Update { contact, expect, changes, facts } => {
                match self.write(line, identity, before.get(contact), *expect, changes).await? {
                    stale @ Applied::Stale(_) => Ok(stale),
                    written => self.link(line, *contact, facts, written).await,
                }
            }
            Action::MarkInactive { contact, expect, .. } => {
                match self.write(line, identity, before.get(contact), *expect, &[]).await? {
                    stale @ Applied::Stale(_) => Ok(stale),
                    written => self.deactivate(identity, written).await,
                }
            }
            Action::NoteMissing { times, since, .. } => {
                let since = (*times > 0).then(|| since.unwrap_or(self.at));
                let noted = self.store.note_missing(self.scope.workspace(), identity, *times, since).await?;
                Ok(if noted { Applied::Done } else { Applied::Stale("link_gone") })
            }
            Action::Refresh { facts } => {
                let facts = facts.noted(self.at);
                let fingerprint = self.fingerprint(&facts);
                let workspace = self.scope.workspace();
                let noted =
                    self.store.refresh_link(workspace, identity, fingerprint, &facts, self.at).await?;
                Ok(if noted { Applied::Done } else { Applied::Stale("link_gone") })
            }
            Action::Restore { contact, expect, changes, .. } => {
                self.write(line, identity, before.get(contact), *expect, changes).await
            }
            Action::Unlink { contact, expect: None, turn } => {
                let (workspace, tie) = (self.scope.workspace(), (self.scope.client(), *contact));
                let turned = self.store.turn_link(workspace, identity, tie, turn.to.link, self.at).await?;
                Ok(if turned { Applied::Done } else { Applied::Stale("linked_elsewhere") })
            }
            Action::Unlink { contact, expect: Some(expect), .. } => {
                self.write(line, identity, before.get(contact), *expect, &[]).await
            }
            Action::Review { conflict, candidates } => {
                let review = OpenReview {
                    managed_tenant: self.managed_tenant,
                    client: self.scope.client(),
                    identity,
                    label: &line.label,
                    address: line.address.as_ref(),
                    conflict: *conflict,
                    candidates,
                    about: line.about.as_deref(),
                    again: line.asks_again,
                };
                self.store.open_review(self.scope.workspace(), &review, self.at).await?;
                Ok(Applied::Done)
            }
        }
    }

    /// Whether the line ties a person to a contact who is linked to another one by now. Told before the contact
    /// is written: it would be marked as the person's and not be theirs.
    async fn is_linked_elsewhere(&self, line: &Line, identity: Identity) -> Result<bool, StoreError> {
        let (contact, leaves) = match &line.action {
            Action::Create { contact, .. } | Action::Link { contact, .. } if self.changes_links => {
                (*contact, line.answer.as_ref().and_then(|answer| answer.leaves))
            }
            _ => return Ok(false),
        };
        Ok(!self.store.may_be_linked(self.scope.workspace(), identity, contact, leaves).await?)
    }

    async fn create(
        &self,
        line: &Line,
        identity: Identity,
        contact: ContactId,
        facts: &SourceFacts,
    ) -> Result<Applied, StoreError> {
        if !self.claim_for_new(&facts.email, contact).await? {
            return Ok(Applied::Stale("address_taken"));
        }
        let Some(after) = line.action.contact_after(self.scope.client(), identity, line.id, None) else {
            return Ok(Applied::Done);
        };
        let put = self.put_contact(after, (Vec::new(), None), Condition::absent()).await;
        if put.as_ref().is_err_and(StoreError::is_about_the_item) {
            self.store.release(self.scope.workspace(), &facts.email, contact).await?;
        }
        match put? {
            Written::Done(_) => self.link(line, contact, facts, Applied::Done).await,
            Written::Refused(item) => {
                let row: Option<ContactRow> = item.map(|item| decode("contact", item)).transpose()?;
                if let Some(row) = row {
                    // Made for the same person, before a restart or by another run.
                    if row.contact.entra.as_ref().is_some_and(|stamp| stamp.identity == identity) {
                        return match self.written_in(&row) {
                            // Others have gone on from there: neither the contact nor its link is what
                            // this line would make of them.
                            Applied::Before if row.contact.line != Some(line.id) => Ok(Applied::Before),
                            written => self.link(line, contact, facts, written).await,
                        };
                    }
                    self.give_back(&facts.email, &row.contact).await?;
                }
                self.store.choose_another_id(self.scope.workspace(), identity, self.at).await?;
                Ok(Applied::Stale("contact_exists"))
            }
        }
    }

    /// Writes a contact that is there: the new address is claimed before, the old one given up
    /// after, so that the contact owns its address at every moment.
    async fn write(
        &self,
        line: &Line,
        identity: Identity,
        row: Option<&ContactRow>,
        expect: u64,
        changes: &[FieldChange],
    ) -> Result<Applied, StoreError> {
        let Some(row) = row else { return Ok(Applied::Stale("contact_missing")) };
        let before = &row.contact;
        let mut leaving = row.given_up.clone();
        let mut applied = Applied::Done;
        if before.line == Some(line.id) {
            applied = self.written_in(row);
        } else {
            if before.version != expect || !may_write(before, identity, &line.action) {
                return Ok(Applied::Stale("contact_changed"));
            }
            if let Some(new) = new_address(changes)
                && !self.claim(new, before.id).await?
            {
                return Ok(Applied::Stale("address_taken"));
            }
            let client = self.scope.client();
            let Some(after) = line.action.contact_after(client, identity, line.id, Some(before)) else {
                return Ok(Applied::Done);
            };
            leaving = given_up(row, &after);
            let left = (leaving.clone(), row.account);
            let put = match turned_link(&line.action) {
                Some(state) => self.put_with_link(after, left, expect, (identity, state)).await,
                None => self.put_alone(after, left, expect).await,
            };
            if let (Err(error), Some(new)) = (&put, new_address(changes))
                && error.is_about_the_item()
            {
                self.give_back(new, before).await?;
            }
            match put? {
                Put::Done => {}
                Put::ContactChanged(Some(now)) if now.contact.line == Some(line.id) => {
                    applied = self.written_in(&now);
                }
                Put::ContactChanged(now) => {
                    let now = now.map(|now| now.contact);
                    return self.not_written("contact_changed", changes, now.as_ref()).await;
                }
                Put::LinkedElsewhere => {
                    return self.not_written("linked_elsewhere", changes, Some(before)).await;
                }
            }
        }
        for address in &leaving {
            self.store.release(self.scope.workspace(), address, before.id).await?;
        }
        Ok(applied)
    }

    /// Gives up what was claimed for a contact that is not written, unless it has it by now.
    async fn not_written(
        &self,
        code: &'static str,
        changes: &[FieldChange],
        now: Option<&Contact>,
    ) -> Result<Applied, StoreError> {
        if let (Some(new), Some(now)) = (new_address(changes), now) {
            self.give_back(new, now).await?;
        }
        Ok(Applied::Stale(code))
    }

    /// Whose work a contact that is already as its line says is. Lines of two runs can be the same one: a
    /// preview that is applied after a run has done what it shows, or that is applied twice.
    fn written_in(&self, row: &ContactRow) -> Applied {
        if row.synced_at == Some(self.at) { Applied::Done } else { Applied::Before }
    }

    /// Writes a contact and turns the link that leads to it, or neither: at no moment a link in force leads to
    /// a contact that does not belong to its person, nor does a refusal leave one of them changed.
    async fn put_with_link(
        &self,
        contact: Contact,
        left: (Vec<EmailAddress>, Option<Identity>),
        expect: u64,
        (identity, state): (Identity, LinkState),
    ) -> Result<Put, StoreError> {
        let (workspace, id) = (self.scope.workspace(), contact.id);
        let (key, tie) = (self.scope.contact(id), (self.scope.client(), id));
        let item = encode("contact", &key, &self.row(contact, left))?;
        let put = Write::Put { item, condition: version_is(expect) };
        let turn = Write::Update(link_turned(workspace, identity, tie, state, self.at)?);
        match self.store.transact(vec![put, turn]).await? {
            Transacted::Done => Ok(Put::Done),
            Transacted::Refused(failed) if failed.first() == Some(&true) => {
                Ok(Put::ContactChanged(self.store.get("contact", &key).await?.map(Box::new)))
            }
            Transacted::Refused(_) => Ok(Put::LinkedElsewhere),
        }
    }

    /// Gives up an address that was claimed for a change that did not happen.
    async fn give_back(&self, address: &EmailAddress, contact: &Contact) -> Result<(), StoreError> {
        let shown =
            contact.values.email.as_ref() == Some(address) || contact.additional_emails.contains(address);
        if shown { Ok(()) } else { self.store.release(self.scope.workspace(), address, contact.id).await }
    }

    async fn put_alone(
        &self,
        contact: Contact,
        left: (Vec<EmailAddress>, Option<Identity>),
        expect: u64,
    ) -> Result<Put, StoreError> {
        Ok(match self.put_contact(contact, left, version_is(expect)).await? {
            Written::Done(_) => Put::Done,
            Written::Refused(item) => {
                Put::ContactChanged(item.map(|item| decode("contact", item)).transpose()?.map(Box::new))
            }
        })
    }

    async fn put_contact(
        &self,
        contact: Contact,
        left: (Vec<EmailAddress>, Option<Identity>),
        condition: Condition,
    ) -> Result<Written, StoreError> {
        let key = self.scope.contact(contact.id);
        self.store.put("contact", &key, &self.row(contact, left), condition).await
    }

    fn row(
        &self,
        contact: Contact,
        (given_up, account): (Vec<EmailAddress>, Option<Identity>),
    ) -> ContactRow {
        ContactRow { contact, synced_at: Some(self.at), given_up, account }
    }

    /// Claims an address for a contact that is about to be created. The claim of an earlier run for a
    /// contact that never came to be is taken over.
    async fn claim_for_new(&self, address: &EmailAddress, contact: ContactId) -> Result<bool, StoreError> {
        let owner = Owner { client: self.scope.client(), contact, additional: false };
        self.store.claim_for_new(self.scope, address, owner, self.at).await
    }

    async fn claim(&self, address: &EmailAddress, contact: ContactId) -> Result<bool, StoreError> {
        let owner = Owner { client: self.scope.client(), contact, additional: false };
        self.store.claim(self.scope.workspace(), address, owner).await
    }

    async fn link(
        &self,
        line: &Line,
        contact: ContactId,
        facts: &SourceFacts,
        written: Applied,
    ) -> Result<Applied, StoreError> {
        let facts = facts.noted(self.at);
        let link = Link {
            identity: Identity { tenant: self.tenant, object: line.object },
            contact,
            client: self.scope.client(),
            active: true,
            fingerprint: self.fingerprint(&facts),
            missing: 0,
            missing_since: None,
            keep: false,
        };
        let leaves = line.answer.as_ref().and_then(|answer| answer.leaves);
        let seen = (&*facts, self.at);
        let writer = if written == Applied::Before { LinkWriter::Completes } else { LinkWriter::Decides };
        let linked = self.store.put_link(self.scope.workspace(), &link, leaves, seen, writer).await?;
        Ok(if linked { written } else { Applied::Stale("linked_elsewhere") })
    }

    async fn deactivate(&self, identity: Identity, written: Applied) -> Result<Applied, StoreError> {
        let done = self.store.deactivate_link(self.scope.workspace(), identity, self.at).await?;
        Ok(if done { written } else { Applied::Stale("link_gone") })
    }

    fn fingerprint(&self, facts: &SourceFacts) -> Fingerprint {
        facts.fingerprint(self.salt)
    }
}

/// What became of a contact, and of the link that turns with it.
enum Put {
    Done,
    /// Nothing was written: the contact is not as it was read. As it is now, when it is there.
    ContactChanged(Option<Box<ContactRow>>),
    /// Nothing was written: the person is linked to another contact.
    LinkedElsewhere,
}

/// The state into which a line turns the link of the contact it writes; `None` when it leaves it as it is.
fn turned_link(action: &Action) -> Option<LinkState> {
    match action {
        Action::Restore { turn, .. } | Action::Unlink { turn, .. } => {
            (turn.from.link != turn.to.link).then_some(turn.to.link)
        }
        _ => None,
    }
}

/// Only the account a contact belongs to writes it; a line that hands it on names the account that is
/// gone, and an undo may find it unlinked.
fn may_write(before: &Contact, identity: Identity, action: &Action) -> bool {
    if !before.belongs_to_another(identity.tenant, identity.object) {
        return true;
    }
    let owner = before.entra.as_ref().map(|stamp| stamp.identity);
    match action {
        Action::Link { supersedes: Some(gone), .. } => {
            owner == Some(Identity { tenant: identity.tenant, object: *gone })
        }
        Action::Restore { turn, .. } => owner == turn.from.entra.as_ref().map(|stamp| stamp.identity),
        _ => false,
    }
}

fn new_address(changes: &[FieldChange]) -> Option<&EmailAddress> {
    changes.iter().find_map(|change| match change {
        FieldChange::Email(change) => change.new.as_ref(),
        _ => None,
    })
}
