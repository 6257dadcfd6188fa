//! A sync without a directory: the real planner over a list of users, applied by the real applier; and
//! the way back of a run.

use std::collections::{BTreeMap, BTreeSet};

use ambient::Clock;
use domain::{
    ids::{ClientId, Identity, RunId},
    plan::{Action, Conflict, Line, PLAN_PAGE_FORMAT, Person, PlanPage, Rule},
    planner::{Held, Known, Needs, Planner},
    policy::{StopLimits, TenantPolicy, VanishRules},
    run::Counters,
    scope::{GroupMembership, ScopeRules},
    undo::{UndoScope, way_back, with_answer},
    user::DirectoryUser,
};
use serde_json::{Value, json};
use store::{Applier, Author, ClientScope, Tenure};
use uuid::Uuid;

use crate::world::{CLIENT, TENANT, WORKSPACE, World, managed, object};

pub(crate) fn user(person: u128, name: &str, mail: &str) -> DirectoryUser {
    user_with(person, json!({ "displayName": name, "mail": mail }))
}

pub(crate) fn user_with(person: u128, mut raw: Value) -> DirectoryUser {
    raw["accountEnabled"] = json!(true);
    DirectoryUser::new(object(person), serde_json::from_value(raw).unwrap())
}

impl World {
    /// Syncs the tenant, which has these users, and answers what was said of each, by person.
    pub(crate) async fn sync(&self, client: ClientId, users: &[DirectoryUser]) -> Vec<String> {
        self.later();
        let (store, scope) = (self.store(), ClientScope::new(WORKSPACE, client));
        let inventory = store.inventory(WORKSPACE, TENANT).await.unwrap();
        let policy = self.policy(client).await;
        let salt = policy.fingerprint_salt();
        let mut planner = Planner::new(policy, inventory);
        let mut known = Known::default();
        self.look_up(scope, &mut known, |known| planner.needs(users, known)).await;
        let mut pages = planner.plan(users, &[], &known);
        self.look_up(scope, &mut known, |known| planner.closing_needs(known)).await;
        pages.extend(planner.close(&known));
        let mut said = Vec::new();
        for page in &pages {
            let stale = self.applier(client, &salt, RunId::new(Uuid::nil())).apply(page).await.unwrap();
            assert_eq!(stale, []);
            said.extend(page.lines.iter().map(sentence));
        }
        self.later();
        said
    }

    async fn look_up(&self, scope: ClientScope, known: &mut Known, asked: impl Fn(&Known) -> Needs) {
        loop {
            let needs = asked(known);
            if needs.is_empty() {
                return;
            }
            let store = self.store();
            let mut owners = store.owners(WORKSPACE, &needs.addresses).await.unwrap();
            known.owners.extend(needs.addresses.into_iter().map(|address| {
                let owner = owners.remove(&address);
                (address, owner)
            }));
            let found =
                store.contacts_and_last_seen(scope, &needs.contacts, TENANT, &needs.facts).await.unwrap();
            let (mut contacts, mut seen) = (found.contacts, found.facts);
            known.contacts.extend(needs.contacts.into_iter().map(|id| (id, contacts.remove(&id))));
            known.facts.extend(needs.facts.into_iter().map(|object| (object, seen.remove(&object))));
        }
    }

    /// Takes back what a run has done, as `runs undo` does.
    pub(crate) async fn undo(&self, client: ClientId, run: RunId) {
        self.later();
        let scope = ClientScope::new(WORKSPACE, client);
        let pages = self.store().pages(WORKSPACE, run, managed(), 0, 10).await.unwrap();
        assert!(!pages.is_empty());
        for stored in pages.iter().rev() {
            let line = &stored.page.lines[0];
            let contacts: BTreeSet<_> = line.contact_written().into_iter().collect();
            let contacts = self.store().contacts(scope, &contacts).await.unwrap();
            let now = contacts.values().next();
            let identity = Identity { tenant: TENANT, object: line.object };
            let action = way_back(line, identity, now, &UndoScope::default(), &BTreeMap::new()).unwrap();
            let person = Person { object: line.object, label: line.label.clone(), address: None };
            let back = Line::new(WORKSPACE, TENANT, person, Rule::Undo, action);
            let page = page_of(with_answer(line, back));
            assert_eq!(self.applier(client, b"", run).apply(&page).await.unwrap(), []);
        }
        self.later();
    }

    /// A question about somebody of whom nothing but a name was kept.
    pub(crate) async fn ask_about_a_name(&self, person: u128, name: &str) {
        let person = Person { object: object(person), label: name.to_owned(), address: None };
        let action = Action::Review { conflict: Conflict::AliasOnly, candidates: Vec::new() };
        let page = page_of(Line::new(WORKSPACE, TENANT, person, Rule::AliasAddress, action));
        let applier = self.applier(CLIENT, b"", RunId::new(Uuid::nil()));
        assert_eq!(applier.apply(&page).await.unwrap(), []);
        self.later();
    }

    fn applier<'a>(&'a self, client: ClientId, salt: &'a [u8], run: RunId) -> Applier<'a> {
        Applier {
            store: self.store(),
            scope: ClientScope::new(WORKSPACE, client),
            tenant: TENANT,
            managed_tenant: managed(),
            salt,
            at: self.clock.now(),
            width: 1,
            author: Author { run, user: None },
            changes_links: false,
            since: None,
            tenure: Tenure::UNLIMITED,
        }
    }

    async fn policy(&self, client: ClientId) -> TenantPolicy {
        TenantPolicy {
            workspace: WORKSPACE,
            tenant: TENANT,
            client,
            verified_domains: BTreeSet::from(["acme.example".parse().unwrap()]),
            scope: ScopeRules::default().compile().unwrap(),
            groups: GroupMembership::default(),
            fields: self.store().settings(WORKSPACE).await.unwrap().fields(),
            vanish: VanishRules {
                confirmations: 1,
                grace_hours: 0,
                allowed_percent: 100,
                ..VanishRules::default()
            },
            limits: StopLimits::default(),
            now: self.clock.now(),
            expected_people: None,
            active_links: None,
            run_limits: domain::policy::RunLimits::default(),
            held: Held::default(),
        }
    }
}

fn page_of(line: Line) -> PlanPage {
    PlanPage {
        format: PLAN_PAGE_FORMAT,
        lines: vec![line],
        seen: Vec::new(),
        leavers: Vec::new(),
        asked: Vec::new(),
        guard: None,
        counters: Counters::default(),
    }
}

/// `1 ask alias_only`.
fn sentence(line: &Line) -> String {
    let person = line.object.uuid().as_u128() & 0xFFFF;
    let tags: BTreeMap<String, Value> =
        serde_json::from_value(serde_json::to_value(&line.action).unwrap()).unwrap();
    let action = tags["action"].as_str().unwrap();
    match &line.action {
        Action::Review { .. } => format!("{person} ask {}", tags["conflict"].as_str().unwrap()),
        Action::Exclude { .. } => format!("{person} exclude {}", tags["reason"].as_str().unwrap()),
        _ => format!("{person} {action}"),
    }
}
