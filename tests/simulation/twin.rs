//! A read of changes finds what a complete read finds: from one table two are made; one is read completely
//! from then on, the other by changes only, and in the end both say the same about people.
//!
//! What the order decides in which people are read (two of them with one mailbox, say) is left out here: a
//! listing and a feed have orders of their own.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    contact::{Contact, InactiveReason, Link},
    ids::{ContactId, EntraTenantId, Identity},
    invariants::People,
    policy::{RunLimits, Share, StopLimits},
    run::RunKind,
};
use jiff::SignedDuration;
use serde::Serialize;
use serde_json::json;
use store::{CompleteReadHours, RunScope};

use crate::{
    audit,
    dice::Dice,
    house::House,
    kinds::{ContactEdit, DirectoryEdit, Mishap, Trouble},
    life::{Life, Told},
    microsoft::WORKSPACE,
    step::{Around, Fault},
};

/// Whether humans edit contacts meanwhile: a read of changes sees people whose contact was edited only once
/// the store tells it to look at them again.
const HUMANS: bool = true;

/// What changes in the directories.
const EDITS: &[DirectoryEdit] = &[
    DirectoryEdit::BecomeGuest,
    DirectoryEdit::Blank,
    DirectoryEdit::Delete,
    DirectoryEdit::DeleteForGood,
    DirectoryEdit::Disable,
    DirectoryEdit::Enable,
    DirectoryEdit::Hire,
    DirectoryEdit::Licence,
    DirectoryEdit::LoseMail,
    DirectoryEdit::NewAddress,
    DirectoryEdit::NewDesk,
    DirectoryEdit::NewJob,
    DirectoryEdit::OtherCase,
    DirectoryEdit::Recreate,
    DirectoryEdit::Rename,
    DirectoryEdit::Restore,
];

/// What humans do to contacts that are there.
const HUMAN_EDITS: &[ContactEdit] =
    &[ContactEdit::Activate, ContactEdit::Inactivate, ContactEdit::Rename, ContactEdit::Role];

/// What may be wrong with a feed without anything in it being late.
const TROUBLES: &[Trouble] =
    &[Trouble::ChangeRepeated, Trouble::ChangesReplayed, Trouble::LostSyncState, Trouble::Reordered];

/// Syncs after which nothing is under way any more.
const SETTLING: usize = 4;

/// Longer than any grace; all rounds together are shorter than a feed is trusted.
const LONG: SignedDuration = SignedDuration::from_hours(13);

impl Life {
    /// Lives some rounds in two houses over the same directories, and holds them against each other.
    pub(crate) async fn twin(&mut self, dice: &mut Dice) -> Told<Option<String>> {
        self.take_over_what_is_left().await?;
        let mut twin = self.house.twin().await;
        // Both begin with everybody: what came before may have been cut short.
        set_reading(&self.house, 0).await;
        set_reading(&twin, 0).await;
        if !self.both(&mut twin, None, dice).await? {
            return Ok(None);
        }
        set_reading(&self.house, 168).await;
        if !self.both(&mut twin, None, dice).await? {
            return Ok(None);
        }
        let (mut told, mut emptied, mut was_late) = (Vec::new(), self.empty_tenants(), false);
        let rounds = 1 + dice.below(3);
        for round in 0..rounds {
            for _ in 0..=dice.below(3) {
                let edit = dice.pick(EDITS).unwrap_or(DirectoryEdit::Hire);
                told.extend(self.hands.directory(&self.house, edit, dice));
            }
            if HUMANS && dice.percent(50) {
                let [one, other] = self.edit_both(&twin, dice).await;
                if one != other {
                    // The two are not the same just now, and it was done to somebody else.
                    return Ok(None);
                }
                told.extend(one);
            }
            emptied.extend(self.empty_tenants());
            self.house.clock.advance(if dice.percent(50) { LONG } else { SignedDuration::from_hours(1) });
            // A change may be late when nothing follows that depends on it.
            let is_last = round + 1 == rounds;
            let trouble = dice.pick(TROUBLES).filter(|_| dice.percent(50));
            let trouble = if is_last && dice.percent(40) { Some(Trouble::ChangeLate) } else { trouble };
            was_late |= trouble == Some(Trouble::ChangeLate);
            told.extend(trouble.map(|trouble| trouble.name().to_owned()));
            self.both(&mut twin, trouble, dice).await?;
        }
        let mut found = None;
        for round in 0..SETTLING {
            self.house.clock.advance(LONG);
            self.both(&mut twin, None, dice).await?;
            // Fewer do when nothing is under way.
            if round > 0 {
                found = self.compare(&mut twin, &emptied, was_late).await?;
                if found.is_none() {
                    break;
                }
            }
        }
        let told = told.join("; ");
        match found {
            None => Ok(Some(format!("read by changes and completely: {told}"))),
            Some(found) => Err(format!("a read of changes is no complete read: {found} ({told})")),
        }
    }

    /// What is different in the two houses.
    async fn compare(
        &mut self,
        twin: &mut House,
        emptied: &BTreeSet<EntraTenantId>,
        was_late: bool,
    ) -> Told<Option<String>> {
        let mut people = audit::people(&mut self.house, &[]).await?;
        let mut others = audit::people(twin, &[]).await?;
        leave_out([&mut people, &mut others], emptied);
        for contact in [&mut people, &mut others].into_iter().flat_map(|it| it.contacts.values_mut()) {
            // A listing does not know in which way somebody has gone.
            let reason = contact.entra.as_mut().and_then(|stamp| stamp.inactive_reason.as_mut());
            if let Some(reason) = reason.filter(|reason| reason.is_gone()) {
                *reason = InactiveReason::DeletedUpstream;
            }
        }
        if was_late {
            // Why somebody has left is what was known at the time, and so is whether the account was disabled
            // before that.
            for contact in [&mut people, &mut others].into_iter().flat_map(|it| it.contacts.values_mut()) {
                let Some(stamp) = contact.entra.as_mut() else { continue };
                stamp.inactive_reason = None;
                if contact.inactive {
                    stamp.account_enabled = None;
                }
            }
        }
        Ok(difference(&people, &others))
    }

    /// A sync in either house; `trouble` strikes the one that reads changes. `false` = there is nothing to
    /// sync.
    async fn both(&mut self, twin: &mut House, trouble: Option<Trouble>, dice: &mut Dice) -> Told<bool> {
        let (kind, scope) = (RunKind::AllTenants, RunScope::default());
        let Some(run) = self.begin(kind, scope, None).await? else { return Ok(false) };
        let faults = trouble.map(|trouble| Fault { trouble, nth: 1, times: 1 }).into_iter().collect();
        let calm = Around {
            faults,
            mishap: Mishap::None,
            write: u64::MAX,
            meanwhile: crate::kinds::Meanwhile::Preview,
        };
        self.carried(run, &calm, dice).await?;
        let run = twin.start(kind, scope, None).await.map_err(|error| format!("the twin: {error}"))?;
        twin.worker().carry(run).await?;
        Ok(true)
    }

    /// Directories without anybody.
    fn empty_tenants(&self) -> BTreeSet<EntraTenantId> {
        let world = self.house.microsoft.world();
        self.house.tenants.iter().copied().filter(|tenant| world.users(*tenant).is_empty()).collect()
    }

    /// A human does the same to a contact of either house.
    async fn edit_both(&mut self, twin: &House, dice: &mut Dice) -> [Option<String>; 2] {
        let Some(edit) = dice.pick(HUMAN_EDITS) else { return [None, None] };
        let mut same = dice.clone();
        let mut hands = self.hands.clone();
        let told = self.hands.contact(&self.house, edit, dice).await;
        [told, hands.contact(twin, edit, &mut same).await]
    }
}

/// Leaves out people of directories that were `emptied` at some time, which a complete read never believes.
fn leave_out(sides: [&mut People; 2], emptied: &BTreeSet<EntraTenantId>) {
    let is_out = |identity: Identity| emptied.contains(&identity.tenant);
    let mut out: BTreeSet<ContactId> = BTreeSet::new();
    for people in &sides {
        out.extend(people.links.iter().filter(|link| is_out(link.identity)).map(|link| link.contact));
    }
    for people in sides {
        people.contacts.retain(|id, _| !out.contains(id));
        people.links.retain(|link| !out.contains(&link.contact));
    }
}

/// From now on everybody is read after so many hours, and in between only changes. Nothing waits: who would
/// have to wait depends on the order, and whoever is in a group is read completely anyway.
async fn set_reading(house: &House, hours: u32) {
    let mut settings = house.store.settings(WORKSPACE).await.unwrap();
    let all = Share { count: 1_000, percent: 100 };
    settings.complete_read_hours = CompleteReadHours(hours);
    settings.limits = StopLimits { creations: all, link_moves: all, short_read_percent: 0 };
    settings.run_limits = RunLimits { inactivations: all, creations: all, link_moves: all };
    settings.vanish.allowed_percent = 100;
    settings.scope.include_groups.clear();
    settings.scope.exclude_groups.clear();
    house.store.put_settings(WORKSPACE, &settings).await.unwrap();
}

/// The first thing that is not the same about people, but for who wrote it and when.
fn difference(people: &People, others: &People) -> Option<String> {
    let contacts = [people, others].map(|people| -> BTreeMap<ContactId, Contact> {
        let bare = |contact: &Contact| Contact { version: 0, line: None, ..contact.clone() };
        people.contacts.iter().map(|(id, contact)| (*id, bare(contact))).collect()
    });
    let links = [people, others].map(|people| -> BTreeMap<_, Link> {
        let bare = |link: &Link| Link { missing: 0, missing_since: None, ..link.clone() };
        people.links.iter().map(|link| (link.identity, bare(link))).collect()
    });
    first(&contacts).or_else(|| first(&links))
}

fn first<K: Ord + std::fmt::Debug, V: PartialEq + Serialize>(sides: &[BTreeMap<K, V>; 2]) -> Option<String> {
    let [changes, complete] = sides;
    let differs = |key: &&K| changes.get(*key) != complete.get(*key);
    let key = changes.keys().chain(complete.keys()).find(differs)?;
    let [one, other] = [changes.get(key), complete.get(key)].map(|value| json!(value));
    let parts = one.as_object().into_iter().chain(other.as_object()).flat_map(|object| object.keys());
    let mut parts: Vec<String> = parts
        .filter(|part| one[*part] != other[*part])
        .map(|part| format!("{part} is {} by changes and {} completely", one[part], other[part]))
        .collect();
    parts.dedup();
    Some(format!("{key:?}: {}", parts.join(", ")))
}
