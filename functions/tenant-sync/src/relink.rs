//! A tenant's part of a run that changes links as an operator asks: one plan of all of them, stored and carried
//! out like any other. Only people who are matched anew are read from the directory.

use std::collections::{BTreeMap, BTreeSet};

use directory::{BadRow, BadRowCause, Code, UserKey};
use domain::{
    contact::Contact,
    facts::SourceFacts,
    ids::{ContactId, EntraObjectId, Identity},
    ledger::{Changed, Lines, LinkChange, Plan, Rematch, Wish, end},
    plan::{Action, LinkState, Person},
    planner::{Held, Known, KnownPerson, Planner, UnusableRow},
    policy::{Share, StopLimits, TenantPolicy},
    review::{Question, Situation},
    user::DirectoryUser,
};
use futures::{StreamExt, TryStreamExt, stream};
use store::{FoundPerson, Ground, STORED_UNREADABLE};

use crate::{
    read::unusable,
    work::{After, Outcome, Stop, Work},
};

/// People who are asked for at once.
const PEOPLE_AT_ONCE: usize = 8;

/// What is stored about the people whose links are changed.
struct Stored {
    people: BTreeMap<EntraObjectId, FoundPerson>,
    /// Their contacts, and those that they are to be, as far as they belong to the mapped client.
    contacts: BTreeMap<ContactId, Contact>,
    /// People or contacts of whom something cannot be read.
    unreadable: (BTreeSet<EntraObjectId>, BTreeSet<ContactId>),
}

/// What the directory says of the people who are matched anew.
#[derive(Default)]
struct Answers {
    users: Vec<DirectoryUser>,
    rows: Vec<UnusableRow>,
}

impl Work<'_> {
    pub(crate) async fn change_links(&mut self, change: LinkChange) -> Result<Outcome, Stop> {
        self.salt = TenantPolicy::salt_of(&self.settings.fields(), self.target.client);
        if self.progress.pages == 0 && self.stored_pages(|_| ()).await?.is_none() {
            let wishes = self.sync.store.link_order(self.job.run.workspace, self.job.run.id).await?;
            let stored = self.stored(&wishes).await?;
            let Some(plan) = self.planned(change, &wishes, &stored).await? else {
                return Ok(Outcome::Paused);
            };
            self.store_plan(plan).await?;
        }
        while !self.progress.read_complete
            && let Some(group) = self.stored_pages(|_| ()).await?
        {
            self.carry_out(None, group).await?;
        }
        if self.writes() {
            // What the next sync is told of changes says nothing about these people.
            self.ground = Some(Ground { look_again: true, ..self.state.ground.clone() });
        }
        Ok(Outcome::Complete)
    }

    /// Two groups: that every link has ended is noted before anybody is linked anew, since a contact may be
    /// written by both. The second one is stored first, so that what is found of the first one is a whole plan.
    async fn store_plan(&mut self, Plan { ends, then }: Plan) -> Result<(), Stop> {
        let next = (!then.is_empty()).then(|| ends.len().to_string());
        let first = self.group(ends, After { next, ..After::default() });
        let last = first.pages.last().map(|last| (last.head.number, last.head.chain));
        let done = last.unwrap_or((self.progress.pages, self.progress.chain));
        let second = self.group_behind(done, then, After::default());
        self.store_pages(&second).await?;
        self.store_pages(&first).await
    }

    /// `None` when time is over.
    async fn planned(
        &mut self,
        change: LinkChange,
        wishes: &[Wish],
        stored: &Stored,
    ) -> Result<Option<Plan>, Stop> {
        let changed = match change {
            LinkChange::Cut => self.ended(wishes, stored, LinkState::Parted),
            LinkChange::Forget => self.ended(wishes, stored, LinkState::Cut),
            LinkChange::Move => self.moved(wishes, stored).await?,
            LinkChange::Rematch => match self.rematched(wishes, stored).await? {
                Some(changed) => changed,
                None => return Ok(None),
            },
        };
        Ok(Some(Plan::of(changed)))
    }

    fn lines(&self) -> Lines {
        Lines { workspace: self.job.run.workspace, tenant: self.target.entra }
    }

    async fn stored(&self, wishes: &[Wish]) -> Result<Stored, Stop> {
        let (workspace, tenant) = (self.job.run.workspace, self.target.entra);
        let wanted = wishes.iter().map(|wish| wish.object).collect();
        let (people, unreadable) = self.sync.store.people(workspace, tenant, &wanted).await?;
        let linked = people.values().filter_map(|(person, _)| person.link.as_ref());
        let contacts = linked.filter(|link| link.client == self.target.client).map(|link| link.contact);
        let contacts = contacts.chain(wishes.iter().filter_map(|wish| wish.contact)).collect();
        let nobody = BTreeSet::new();
        let found = self.sync.store.contacts_and_last_seen(self.scope, &contacts, tenant, &nobody).await?;
        let unreadable = (unreadable, found.unreadable.contacts);
        Ok(Stored { people, contacts: found.contacts, unreadable })
    }

    /// Whoever is linked, with the link's end; of whom nothing can be read, that.
    fn ended(&self, wishes: &[Wish], stored: &Stored, to: LinkState) -> Vec<Changed> {
        let changed = wishes.iter().map(|Wish { object, .. }| {
            let action = if stored.is_unreadable(*object) {
                Action::Fail { code: STORED_UNREADABLE.to_owned() }
            } else {
                let link = stored.people.get(object)?.0.link.as_ref()?;
                end(link, stored.contacts.get(&link.contact), to)
            };
            let end = Some(self.lines().line(stored.person(*object), action));
            Some(Changed { end, then: None })
        });
        changed.flatten().collect()
    }

    async fn moved(&self, wishes: &[Wish], stored: &Stored) -> Result<Vec<Changed>, Stop> {
        let (workspace, client) = (self.job.run.workspace, self.target.client);
        let addresses = stored.people.values().filter_map(|(_, facts)| facts.as_ref());
        let addresses = addresses.map(|facts| facts.email.clone()).collect();
        let owners = self.sync.store.owners(workspace, &addresses).await?;
        let accounts = self.accounts(stored).await?;
        let mut changed = Vec::new();
        for Wish { object, contact } in wishes {
            let (Some(contact), person) = (contact, stored.person(*object)) else { continue };
            let failed =
                |action| Changed { end: None, then: Some(self.lines().line(person.clone(), action)) };
            if stored.is_unreadable(*object) || stored.unreadable.1.contains(contact) {
                changed.push(failed(Action::Fail { code: STORED_UNREADABLE.to_owned() }));
                continue;
            }
            let Some((known, facts)) = stored.people.get(object) else { continue };
            let identity = Identity { tenant: self.target.entra, object: *object };
            let facts = facts.clone();
            let question = Question { workspace, client, identity, facts, others: Vec::new() };
            let situation = Situation {
                fields: self.settings.fields(),
                link: known.link.clone(),
                contacts: stored.contacts.clone(),
                owners: owners.clone(),
                accounts: accounts.clone(),
            };
            changed.push(self.lines().moved(&person, &question, &situation, *contact).unwrap_or_else(
                |refusal| {
                    let code = refusal.code().to_owned();
                    failed(Action::Leave { contact: *contact, code, kept: Vec::new() })
                },
            ));
        }
        Ok(changed)
    }

    /// The links of the accounts that the contacts belong to.
    async fn accounts(&self, stored: &Stored) -> Result<BTreeMap<Identity, domain::contact::Link>, Stop> {
        let stamps = stored.contacts.values().filter_map(|contact| contact.entra.as_ref());
        let ours = stamps.filter(|stamp| stamp.identity.tenant == self.target.entra);
        let people = ours.map(|stamp| stamp.identity.object).collect();
        let (workspace, tenant) = (self.job.run.workspace, self.target.entra);
        let (found, _) = self.sync.store.people(workspace, tenant, &people).await?;
        let links = found.into_values().filter_map(|(person, _)| person.link);
        Ok(links.map(|link| (link.identity, link)).collect())
    }

    /// `None` when time is over.
    async fn rematched(&mut self, wishes: &[Wish], stored: &Stored) -> Result<Option<Vec<Changed>>, Stop> {
        let Some(proof) = self.prove().await? else { return Ok(None) };
        let Some(policy) = self.policy(proof).await? else { return Ok(None) };
        let (unreadable, wishes): (Vec<Wish>, Vec<Wish>) =
            wishes.iter().partition(|wish| stored.is_unreadable(wish.object));
        let Some(Answers { users, rows }) = self.ask_all(&wishes).await? else { return Ok(None) };
        let people: BTreeMap<EntraObjectId, KnownPerson> =
            stored.people.iter().map(|(object, (person, _))| (*object, person.clone())).collect();
        let at = self.job.run.started_at;
        let rematch = Rematch { people: &people, contacts: &stored.contacts, at };
        let mut planner = Planner::of_changes(without_limits(policy), Vec::new(), &[]);
        let known: Known = self.gather(|known| planner.needs(&users, &rematch.unlinked(known))).await?;
        let planned = planner.plan(&users, &rows, &rematch.unlinked(&known));
        let mut changed = self.ended(&unreadable, stored, LinkState::Cut);
        changed.extend(rematch.changed(self.lines(), planned));
        Ok(Some(changed))
    }

    /// Whoever is not in the directory any more is left to the next sync.
    async fn ask_all(&self, wishes: &[Wish]) -> Result<Option<Answers>, Stop> {
        // By value: a closure over borrowed wishes makes a future that cannot be spawned.
        let people: Vec<EntraObjectId> = wishes.iter().map(|wish| wish.object).collect();
        let asked = stream::iter(people).map(|object| async move {
            let key = UserKey::Object(object);
            let answer = self.in_time(self.directory()?.user(self.target.entra, &key)).await;
            Ok::<_, Stop>((object, answer))
        });
        let answered: Vec<_> = asked.buffered(PEOPLE_AT_ONCE).try_collect().await?;
        let mut answers = Answers::default();
        for (object, answer) in answered {
            match answer {
                Ok(None) => return Ok(None),
                Ok(Some(user)) => answers.users.extend(user),
                Err(error) if error.code() == Code::RecordUnreadable => {
                    let cause = BadRowCause::MemberType;
                    answers.rows.push(unusable(&BadRow { position: 0, object: Some(object), cause }));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Some(answers))
    }
}

impl Stored {
    fn is_unreadable(&self, object: EntraObjectId) -> bool {
        let contact = self.people.get(&object).and_then(|(person, _)| person.link.as_ref());
        self.unreadable.0.contains(&object)
            || contact.is_some_and(|link| self.unreadable.1.contains(&link.contact))
    }

    /// As the directory called the person when it was last seen.
    fn person(&self, object: EntraObjectId) -> Person {
        let facts: Option<&SourceFacts> = self.people.get(&object).and_then(|(_, facts)| facts.as_ref());
        let label = facts.map_or_else(|| object.to_string(), |facts| facts.full_name.clone());
        Person { object, label, address: facts.map(|facts| facts.email.clone()) }
    }
}

/// The operator has named the people: nothing of it is a surge.
fn without_limits(policy: TenantPolicy) -> TenantPolicy {
    let all = Share { count: u32::MAX, percent: 100 };
    let limits = StopLimits { creations: all, link_moves: all, ..policy.limits };
    TenantPolicy { limits, held: Held::default(), ..policy }
}
