//! A store small enough to read in one sitting: it answers what the planner asks, and applies
//! plans under the preconditions of the real one.

use uuid::Uuid;

use super::*;
use crate::{
    contact::{ContactValues, Fingerprint, Link},
    facts::SourceFacts,
    fields::{FieldChange, FieldRules, Overwrite},
    plan::{Candidate, LinkState},
    policy::{StopLimits, VanishRules},
};

pub(super) const OUR_CLIENT: ClientId = ClientId::new(Uuid::from_u128(0xC11E));
pub(super) const OTHER_CLIENT: ClientId = ClientId::new(Uuid::from_u128(0x07E2));

/// The story of a read that changes nothing.
pub(super) const NOTHING: [&str; 0] = [];

/// Contacts with a higher number than this were made by the sync.
const NUMBER_MAX: u128 = 1_000_000;

pub(super) fn object(number: u128) -> EntraObjectId {
    EntraObjectId::new(Uuid::from_u128(number))
}

pub(super) fn contact_id(number: u128) -> ContactId {
    ContactId::new(Uuid::from_u128(number))
}

pub(super) fn tenant(number: u128) -> EntraTenantId {
    EntraTenantId::new(Uuid::from_u128(number))
}

/// A user with just the fields of `raw`.
pub(super) fn user(number: u128, raw: serde_json::Value) -> DirectoryUser {
    DirectoryUser::new(object(number), serde_json::from_value(raw).unwrap())
}

pub(super) fn person(number: u128, name: &str, mail: &str) -> DirectoryUser {
    user(number, json!({"displayName": name, "mail": mail, "accountEnabled": true}))
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct World {
    pub(super) policy: TenantPolicy,
    pub(super) contacts: BTreeMap<ContactId, Contact>,
    pub(super) links: BTreeMap<EntraObjectId, Link>,
    pub(super) reviews: BTreeMap<EntraObjectId, ReviewState>,
    /// Contacts on which the PSA has a person's object id.
    pub(super) hints: BTreeMap<EntraObjectId, ContactId>,
    /// People whose link an operator has ended.
    pub(super) parted: BTreeSet<EntraObjectId>,
    /// What was last seen of linked people.
    pub(super) facts: BTreeMap<EntraObjectId, SourceFacts>,
    /// Lines whose precondition did not hold.
    pub(super) stale: Vec<Line>,
}

impl World {
    pub(super) fn new() -> Self {
        let policy = TenantPolicy {
            workspace: WorkspaceId::new(Uuid::from_u128(0x3A)),
            tenant: tenant(0x7E),
            client: OUR_CLIENT,
            verified_domains: BTreeSet::from(["acme.example".parse().unwrap()]),
            scope: ScopeRules::default().compile().unwrap(),
            groups: crate::scope::GroupMembership::default(),
            fields: FieldRules::default(),
            // How long grace lasts has stories of its own.
            vanish: VanishRules { grace_hours: 0, ..VanishRules::default() },
            limits: StopLimits::default(),
            now: jiff::Timestamp::UNIX_EPOCH,
            expected_people: None,
            active_links: None,
            run_limits: crate::policy::RunLimits::default(),
            held: crate::planner::Held::default(),
        };
        let (contacts, links, reviews) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (hints, facts, parted) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        Self { policy, contacts, links, reviews, hints, parted, facts, stale: Vec::new() }
    }

    /// Every overwrite rule on.
    pub(super) fn overwriting() -> Self {
        let mut world = Self::new();
        for field in Field::ALL {
            *world.policy.fields.rule_mut(field) = Overwrite::Always.into();
        }
        world
    }

    pub(super) fn add_contact(&mut self, number: u128, name: &str, email: &str) -> &mut Contact {
        let email = (!email.is_empty()).then(|| email.parse().unwrap());
        let contact = Contact {
            id: contact_id(number),
            client: OUR_CLIENT,
            version: 1,
            values: ContactValues { full_name: name.to_owned(), email, ..ContactValues::default() },
            additional_emails: Vec::new(),
            inactive: false,
            protected: false,
            protected_fields: std::collections::BTreeSet::new(),
            entra: None,
            line: None,
        };
        self.contacts.entry(contact.id).or_insert(contact)
    }

    pub(super) fn contact(&mut self, number: u128) -> &mut Contact {
        self.contacts.get_mut(&contact_id(number)).unwrap()
    }

    /// Ties `user`, as it is now, to a contact, as an earlier run would have.
    pub(super) fn link(&mut self, user: &DirectoryUser, number: u128) -> &mut Link {
        let identity = Identity { tenant: self.policy.tenant, object: user.object };
        let contact = self.contacts.get_mut(&contact_id(number)).unwrap();
        contact.entra = Some(EntraStamp {
            identity,
            user_principal_name: user.user_principal_name.clone(),
            account_enabled: Some(true),
            inactive_reason: None,
        });
        let primary = user.addresses(&self.policy.verified_domains).primary;
        let fingerprint = primary.map_or(Fingerprint(0), |primary| {
            SourceFacts::new(user, primary).fingerprint(&self.policy.fingerprint_salt())
        });
        let link = Link {
            identity,
            contact: contact.id,
            client: contact.client,
            active: true,
            fingerprint,
            missing: 0,
            missing_since: None,
            keep: false,
        };
        if let Some(primary) = user.addresses(&self.policy.verified_domains).primary {
            self.facts.insert(user.object, SourceFacts::new(user, primary));
        }
        self.links.insert(user.object, link);
        self.links.get_mut(&user.object).unwrap()
    }

    pub(super) fn planner(&self) -> Planner {
        let mut inventory = Inventory::new(self.policy.tenant);
        // Backwards: the order in which a store answers is nobody's promise.
        self.links.values().rev().for_each(|link| inventory.push(link));
        inventory.seal();
        inventory.reviews.clone_from(&self.reviews);
        inventory.hints.clone_from(&self.hints);
        inventory.parted.clone_from(&self.parted);
        Planner::new(self.policy.clone(), inventory)
    }

    pub(super) fn owner(&self, address: &EmailAddress) -> Option<Owner> {
        let owns = |contact: &&Contact| {
            contact.values.email.as_ref() == Some(address) || contact.additional_emails.contains(address)
        };
        self.contacts.values().find(owns).map(|contact| Owner {
            client: contact.client,
            contact: contact.id,
            additional: contact.values.email.as_ref() != Some(address),
        })
    }

    pub(super) fn answer(&self, needs: &Needs, known: &mut Known) {
        for address in &needs.addresses {
            known.owners.insert(address.clone(), self.owner(address));
        }
        for contact in &needs.contacts {
            known.contacts.insert(*contact, self.contacts.get(contact).cloned());
        }
        for object in &needs.facts {
            known.facts.insert(*object, self.facts.get(object).cloned());
        }
        for object in &needs.people {
            let person = KnownPerson {
                link: self.links.get(object).cloned(),
                review: self.reviews.get(object).cloned(),
                hint: self.hints.get(object).copied(),
                cut_at: None,
                parted: self.parted.contains(object),
            };
            known.people.insert(*object, person);
        }
        for client in &needs.clients {
            known.clients.insert(*client, Some("Fabrikam".to_owned()));
        }
    }

    pub(super) fn gather(&self, planner: &Planner, users: &[DirectoryUser]) -> Known {
        let mut known = Known::default();
        for _ in 0..4 {
            self.answer(&planner.needs(users, &known), &mut known);
        }
        assert!(planner.needs(users, &known).is_empty(), "four rounds are enough");
        known
    }

    pub(super) fn gather_leavers(&self, planner: &Planner) -> Known {
        let mut known = Known::default();
        for _ in 0..2 {
            self.answer(&planner.closing_needs(&known), &mut known);
        }
        assert!(planner.closing_needs(&known).is_empty(), "two rounds are enough");
        known
    }

    /// Plans a complete read and writes nothing.
    pub(super) fn preview(&self, directory: &[Vec<DirectoryUser>]) -> Vec<PlanPage> {
        let mut planner = self.planner();
        let mut pages = Vec::new();
        for users in directory {
            let known = self.gather(&planner, users);
            pages.extend(planner.plan(users, &[], &known));
        }
        let known = self.gather_leavers(&planner);
        pages.extend(planner.close(&known));
        pages
    }

    /// Plans a complete read and applies each directory page before the next one is read.
    pub(super) fn run(&mut self, directory: &[Vec<DirectoryUser>]) -> Vec<PlanPage> {
        self.run_with(&mut self.planner(), directory)
    }

    fn run_with(&mut self, planner: &mut Planner, directory: &[Vec<DirectoryUser>]) -> Vec<PlanPage> {
        let mut pages = Vec::new();
        for users in directory {
            let known = self.gather(planner, users);
            let planned = planner.plan(users, &[], &known);
            self.apply_all(&planned);
            planner.settle();
            pages.extend(planned);
        }
        let known = self.gather_leavers(planner);
        let planned = planner.close(&known);
        self.apply_all(&planned);
        pages.extend(planned);
        pages
    }

    /// [`Self::sync`], and the next one knows of what waits.
    pub(super) fn sync_remembering(&mut self, users: &[DirectoryUser]) -> Vec<String> {
        let mut planner = self.planner();
        let pages = self.run_with(&mut planner, &[users.to_vec()]);
        self.policy.held = planner.held();
        story(&pages)
    }

    /// [`Self::run`] over a directory of one page, as a story.
    pub(super) fn sync(&mut self, users: &[DirectoryUser]) -> Vec<String> {
        let pages = self.run(&[users.to_vec()]);
        assert_eq!(self.stale, [], "nobody else writes");
        assert!(sum(&pages).is_consistent());
        story(&pages)
    }

    pub(super) fn apply_all(&mut self, pages: &[PlanPage]) {
        for page in pages {
            self.apply(page);
        }
    }

    pub(super) fn apply(&mut self, page: &PlanPage) {
        for line in &page.lines {
            if !self.apply_line(line) {
                self.stale.push(line.clone());
            } else if line.answers_review {
                // As the store does: only a line that says so takes a question out of the queue.
                self.reviews.remove(&line.object);
            }
        }
    }

    pub(super) fn apply_line(&mut self, line: &Line) -> bool {
        if let Some(contact) = line.contact_written()
            && !self.write_contact(line, contact)
        {
            return false;
        }
        match &line.action {
            Action::Create { contact, facts }
            | Action::Link { contact, facts, .. }
            | Action::Update { contact, facts, .. }
            | Action::Reactivate { contact, facts, .. } => self.write_link(line.object, *contact, facts),
            Action::Refresh { facts } => {
                let contact = self.links[&line.object].contact;
                self.write_link(line.object, contact, facts);
            }
            Action::MarkInactive { .. } => {
                let link = self.links.get_mut(&line.object).unwrap();
                (link.active, link.missing, link.missing_since) = (false, 0, None);
            }
            Action::NoteMissing { times, since, .. } => {
                let link = self.links.get_mut(&line.object).unwrap();
                let since = (*times > 0).then(|| since.unwrap_or(self.policy.now));
                (link.missing, link.missing_since) = (*times, since);
                link.keep &= *times > 0;
            }
            Action::Review { conflict, candidates } => {
                let candidates = candidates.iter().map(|candidate| candidate.contact).collect();
                let client = self.policy.client;
                let seen = line.about.as_ref().map(|about| about.fingerprint(client));
                // The store keeps that an answer was taken back until there is another one.
                let taken_back = matches!(
                    self.reviews.get(&line.object),
                    Some(ReviewState::Open { taken_back: true, .. })
                );
                let open = ReviewState::Open { conflict: *conflict, candidates, seen, taken_back };
                self.reviews.insert(line.object, open);
            }
            Action::Restore { contact, turn, .. } | Action::Unlink { contact, turn, .. } => {
                self.turn_link(line.object, *contact, turn.to.link);
            }
            Action::Exclude { .. }
            | Action::Fail { .. }
            | Action::Hold { .. }
            | Action::Leave { .. }
            | Action::Settle { .. }
            | Action::Stage { .. } => {}
        }
        true
    }

    /// False when the contact is not as it was when the line was planned.
    fn write_contact(&mut self, line: &Line, contact: ContactId) -> bool {
        let before = self.contacts.get(&contact).filter(|contact| contact.client == self.policy.client);
        if before.is_some_and(|before| before.line == Some(line.id)) {
            return true;
        }
        let expected = line.action.expected_version();
        let identity = Identity { tenant: self.policy.tenant, object: line.object };
        let after = line.action.contact_after(self.policy.client, identity, line.id, before);
        let Some(after) = after.filter(|_| before.map(|before| before.version) == expected) else {
            return false;
        };
        let mut addresses = after.values.email.iter().chain(&after.additional_emails);
        let is_free = |address| self.owner(address).is_none_or(|owner| owner.contact == contact);
        let mut links = self.links.values();
        let is_taken = |link: &Link| link.active && link.contact == contact && link.identity != identity;
        let is_slot_free = matches!(line.action, Action::MarkInactive { .. }) || !links.any(is_taken);
        if !addresses.all(is_free) || !is_slot_free {
            return false;
        }
        self.contacts.insert(contact, after);
        true
    }

    fn write_link(&mut self, object: EntraObjectId, contact: ContactId, facts: &SourceFacts) {
        let facts = &*facts.noted(self.policy.now);
        let link = Link {
            identity: Identity { tenant: self.policy.tenant, object },
            contact,
            client: self.policy.client,
            active: true,
            fingerprint: facts.fingerprint(&self.policy.fingerprint_salt()),
            missing: 0,
            missing_since: None,
            keep: false,
        };
        self.parted.remove(&object);
        self.links.insert(object, link);
        self.facts.insert(object, facts.clone());
    }

    fn turn_link(&mut self, object: EntraObjectId, contact: ContactId, state: LinkState) {
        if state == LinkState::Parted {
            self.parted.insert(object)
        } else {
            self.parted.remove(&object)
        };
        if state.is_none() {
            self.links.remove(&object);
        } else if let Some(link) = self.links.get_mut(&object) {
            link.active = state == LinkState::Active;
        } else {
            let facts = self.facts[&object].clone();
            self.write_link(object, contact, &facts);
            self.links.get_mut(&object).unwrap().active = state == LinkState::Active;
        }
    }
}

/// What a contact shows in a field; empty when it is blank.
pub(super) fn shown(contact: &Contact, field: Field) -> String {
    let values = &contact.values;
    let text = match field {
        Field::Company => values.company.clone(),
        Field::Department => values.department.clone(),
        Field::Email => values.email.as_ref().map(ToString::to_string),
        Field::FullName => Some(values.full_name.clone()),
        Field::Office => values.office.clone(),
        Field::Phones => (!values.phones.is_empty()).then(|| format!("{:?}", values.phones)),
        Field::Role => values.role.clone(),
        Field::UserPrincipalName => {
            contact.entra.as_ref().and_then(|stamp| stamp.user_principal_name.clone())
        }
    };
    text.unwrap_or_default()
}

pub(super) fn sum(pages: &[PlanPage]) -> Counters {
    let mut sum = Counters::default();
    for page in pages {
        sum.add(&page.counters);
    }
    sum
}

/// One short sentence for each line: `u1 link c7 by primary_address: role`.
pub(super) fn story(pages: &[PlanPage]) -> Vec<String> {
    pages.iter().flat_map(|page| &page.lines).map(sentence).collect()
}

fn sentence(line: &Line) -> String {
    let who = format!("u{}", line.object.uuid().as_u128());
    let what = match &line.action {
        Action::Create { .. } => "create".to_owned(),
        Action::Exclude { reason, .. } => format!("exclude {}", wire(reason)),
        Action::Fail { code } => format!("fail {code}"),
        Action::Hold { contact, reason } => format!("hold {}: {}", short(*contact), wire(reason)),
        Action::Leave { contact, code, .. } => format!("leave {}: {code}", short(*contact)),
        Action::Link { contact, changes, activate, supersedes, .. } => {
            let instead = supersedes.map(|gone| format!(" instead of u{}", gone.uuid().as_u128()));
            let verb = if *activate { "link and reactivate" } else { "link" };
            let (contact, rule) = (short(*contact), wire(&line.rule));
            format!("{verb} {contact} by {rule}{}{}", instead.unwrap_or_default(), fields(changes))
        }
        Action::MarkInactive { contact, reason, .. } => {
            format!("inactivate {}: {}", short(*contact), wire(reason))
        }
        Action::NoteMissing { times, .. } => format!("missing {times}"),
        Action::Reactivate { contact, activate, changes, .. } => {
            let verb = if *activate { "reactivate" } else { "link again" };
            format!("{verb} {}{}", short(*contact), fields(changes))
        }
        Action::Refresh { .. } => "refresh".to_owned(),
        Action::Review { conflict, candidates } => {
            let ids: Vec<String> =
                candidates.iter().map(|Candidate { contact, .. }| short(*contact)).collect();
            format!("ask {}: {}", wire(conflict), ids.join(" "))
        }
        Action::Restore { contact, changes, .. } => format!("restore {}{}", short(*contact), fields(changes)),
        Action::Settle { .. } => "settle".to_owned(),
        Action::Stage { proposal, .. } => {
            let staged = Line { action: (**proposal).clone(), ..line.clone() };
            let what = sentence(&staged);
            format!("stage {}", what.split_once(' ').map_or("", |(_, what)| what))
        }
        Action::Unlink { contact, expect, turn } => {
            let contact = if expect.is_some() { short(*contact) } else { "nothing".to_owned() };
            format!("unlink {contact}, {}", wire(&turn.to.link))
        }
        Action::Update { contact, changes, .. } => format!("update {}{}", short(*contact), fields(changes)),
    };
    format!("{who} {what}")
}

fn short(contact: ContactId) -> String {
    let number = contact.uuid().as_u128();
    if number > NUMBER_MAX { "new".to_owned() } else { format!("c{number}") }
}

fn fields(changes: &[FieldChange]) -> String {
    let names: Vec<&str> = changes.iter().map(|change| change.describe().0).collect();
    if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) }
}

pub(super) fn wire(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}
