//! Contacts, and the claims that make an address unique.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    contact::{ContactValues, InactiveReason},
    email::EmailAddress,
    fields::{Change, Field, FieldChange},
    ids::{ContactId, Identity},
    plan::{Action, Line, Rule},
};
use store::{ClientScope, ContactInput, SaidAccount, StoreError, Upserted, probe::Fault};

use super::{
    backend::{Backend, Table, at_once},
    make::{
        CLIENT, OTHER_CLIENT, TENANT, WORKSPACE, address, apply, contact, input, line, object, page, scope,
        values,
    },
    world::{creation, made, moving, update, world},
};

async fn upsert(table: &Table, input: &ContactInput) -> Upserted {
    table.store.upsert_contact(WORKSPACE, input).await.unwrap()
}

/// Which contact owns which of the addresses that begin so.
async fn owners(table: &Table, locals: &[&str]) -> BTreeMap<EmailAddress, ContactId> {
    let addresses = locals.iter().map(|local| address(local)).collect();
    let owners = table.store.owners(WORKSPACE, &addresses).await.unwrap();
    owners.into_iter().map(|(address, owner)| (address, owner.contact)).collect()
}

pub(crate) async fn an_edit_moves_claims(backend: &Backend) {
    let table = backend.table().await;
    let mut person = ContactInput { additional_emails: vec![address("b"), address("c")], ..input(1, "a") };
    assert_eq!(upsert(&table, &person).await, Upserted::Created);
    assert_eq!(upsert(&table, &person).await, Upserted::Unchanged);
    let owned = table.store.owners(WORKSPACE, &["a", "b", "x"].map(address).into()).await.unwrap();
    assert!(!owned[&address("a")].additional && owned[&address("b")].additional);
    assert_eq!(owned[&address("a")].client, CLIENT);
    assert_eq!(owned.len(), 2);

    person.values.email = Some(address("c"));
    person.additional_emails = vec![address("d")];
    assert_eq!(upsert(&table, &person).await, Upserted::Updated);
    let owned = table.store.owners(WORKSPACE, &["a", "b", "c", "d"].map(address).into()).await.unwrap();
    let expected = [(address("c"), false), (address("d"), true)];
    assert_eq!(
        owned.into_iter().map(|(address, owner)| (address, owner.additional)).collect::<Vec<_>>(),
        expected
    );

    person.values.email = None;
    person.additional_emails = Vec::new();
    person.inactive = true;
    assert_eq!(upsert(&table, &person).await, Upserted::Updated);
    assert_eq!(owners(&table, &["a", "b", "c", "d"]).await, BTreeMap::new());
    let stored = &table.store.contacts_of_client(scope()).await.unwrap()[0];
    assert_eq!((stored.version, stored.inactive), (3, true));
    assert_eq!(stored.values, person.values);
    let before = table.dump().await;
    assert!(!before.one(&contact(1).to_string()).contains_key("email"), "what is unknown is not stored");
    assert_eq!(upsert(&table, &person).await, Upserted::Unchanged);
    table.dump().await.assert_same(&before, "written again");
}

pub(crate) async fn a_given_up_address_can_be_taken(backend: &Backend) {
    let table = backend.table().await;
    upsert(&table, &input(1, "a")).await;
    assert_eq!(upsert(&table, &input(2, "a")).await, Upserted::AddressTaken(address("a")));
    upsert(&table, &input(1, "b")).await;
    assert_eq!(upsert(&table, &input(2, "a")).await, Upserted::Created);
    assert_eq!(upsert(&table, &input(1, "a")).await, Upserted::AddressTaken(address("a")));
    assert_eq!(
        upsert(&table, &input(1, "b")).await,
        Upserted::Unchanged,
        "it does not give up what is another's"
    );
    let expected = [(address("a"), contact(2)), (address("b"), contact(1))];
    assert_eq!(owners(&table, &["a", "b"]).await, expected.into());
    assert_eq!(table.store.contacts_of_client(scope()).await.unwrap().len(), 2);
}

pub(crate) async fn a_refused_edit_claims_nothing(backend: &Backend) {
    let table = backend.table().await;
    upsert(&table, &input(1, "taken")).await;
    let before = table.dump().await;
    let greedy =
        ContactInput { additional_emails: vec![address("free"), address("taken")], ..input(2, "mine") };
    assert_eq!(upsert(&table, &greedy).await, Upserted::AddressTaken(address("taken")));
    table.dump().await.assert_same(&before, "refused");
    assert_eq!(upsert(&table, &input(3, "free")).await, Upserted::Created);
}

pub(crate) async fn an_address_named_twice_is_a_primary_one(backend: &Backend) {
    let table = backend.table().await;
    let person = ContactInput { additional_emails: vec![address("a"), address("b")], ..input(1, "a") };
    upsert(&table, &person).await;
    let owned = table.store.owners(WORKSPACE, &[address("a")].into()).await.unwrap();
    assert!(!owned[&address("a")].additional);
}

pub(crate) async fn a_cut_off_edit_goes_on_when_it_is_repeated(backend: &Backend) {
    let before = ContactInput { additional_emails: vec![address("b")], ..input(1, "a") };
    let after = ContactInput { additional_emails: vec![address("d"), address("e")], ..input(1, "c") };
    let reference = backend.table().await;
    upsert(&reference, &before).await;
    reference.probe.reset();
    assert_eq!(upsert(&reference, &after).await, Upserted::Updated);
    let writes = reference.probe.counts().writes;
    assert_eq!(writes, 6, "three claims, the contact, two given up");
    let expected = reference.dump().await;
    for (write, fault) in (1..=writes).flat_map(|write| [(write, Fault::Before), (write, Fault::After)]) {
        let table = backend.table().await;
        upsert(&table, &before).await;
        table.probe.reset();
        table.probe.script(move |call| (call.write == Some(write)).then_some(fault));
        let cut_off = table.store.upsert_contact(WORKSPACE, &after).await;
        assert!(matches!(cut_off, Err(StoreError::Unavailable { .. })), "{write} {fault:?}");
        table.probe.clear();
        upsert(&table, &after).await;
        table.dump().await.assert_same(&expected, &format!("write {write}, {fault:?}"));
    }
}

pub(crate) async fn the_syncs_marks_survive_an_edit(backend: &Backend) {
    let table = backend.table().await;
    apply(&table.store, &page(vec![creation(1)])).await;
    let synced = table.store.contacts(scope(), &[made(1)].into()).await.unwrap().remove(&made(1)).unwrap();
    let values = ContactValues { full_name: "By Hand".to_owned(), ..synced.values.clone() };
    let edit = ContactInput { id: made(1), values, ..input(0, "-") };
    assert_eq!(upsert(&table, &edit).await, Upserted::Updated);
    let edited = table.store.contacts(scope(), &[made(1)].into()).await.unwrap().remove(&made(1)).unwrap();
    assert_eq!((edited.version, edited.line), (2, None));
    assert_eq!(edited.entra, synced.entra);
    assert!(table.dump().await.one(&made(1).to_string()).contains_key("syncedAt"));
}

pub(crate) async fn what_an_edit_says_nothing_of_stays(backend: &Backend) {
    let table = backend.table().await;
    let care = ContactValues { department: Some("Care".to_owned()), ..values("a") };
    let fields = || Some([Field::Role, Field::Phones].into());
    let edit = |values: &ContactValues, protected, protected_fields, unsaid: &[Field]| ContactInput {
        values: values.clone(),
        protected,
        protected_fields,
        unsaid: unsaid.iter().copied().collect(),
        account: store::SaidAccount::Unsaid,
        ..input(1, "-")
    };
    let (blank, renamed) = (values("a"), ContactValues { full_name: "By Hand".to_owned(), ..values("a") });
    let bare = ContactValues { phones: Vec::new(), role: None, ..values("a") };
    let unsaid = [Field::Department, Field::Office, Field::Company];
    for (what, edit, upserted, department, protection) in [
        ("new", edit(&care, Some(true), fields(), &unsaid), Upserted::Created, "Care", (true, 2)),
        ("says nothing", edit(&blank, None, None, &unsaid), Upserted::Unchanged, "Care", (true, 2)),
        ("another field", edit(&renamed, None, None, &unsaid), Upserted::Updated, "Care", (true, 2)),
        ("lifts one", edit(&renamed, Some(false), None, &unsaid), Upserted::Updated, "Care", (false, 2)),
        (
            "lifts all",
            edit(&renamed, None, Some(BTreeSet::new()), &unsaid),
            Upserted::Updated,
            "Care",
            (false, 0),
        ),
        ("protects", edit(&renamed, None, fields(), &unsaid), Upserted::Updated, "Care", (false, 2)),
        ("clears", edit(&renamed, None, None, &[]), Upserted::Updated, "", (false, 2)),
        ("all", edit(&bare, None, None, &Field::ALL), Upserted::Unchanged, "", (false, 2)),
    ] {
        assert_eq!(upsert(&table, &edit).await, upserted, "{what}");
        let stored = table.store.contacts_of_client(scope()).await.unwrap().remove(0);
        assert_eq!(stored.values.department.unwrap_or_default(), department, "{what}");
        assert_eq!((stored.protected, stored.protected_fields.len()), protection, "{what}");
    }
}

pub(crate) async fn a_line_can_take_an_address_away(backend: &Backend) {
    let table = backend.table().await;
    apply(&table.store, &page(vec![creation(1)])).await;
    apply(&table.store, &page(vec![update(1, "p1", vec![moving("p1", "x")])])).await;
    assert_eq!(owners(&table, &["p1", "x"]).await, [(address("x"), made(1))].into());
    let emptied = FieldChange::Email(Change::new(Some(address("x")), None));
    let Line { action: Action::Update { contact, changes, facts, .. }, .. } = update(1, "p1", vec![emptied])
    else {
        unreachable!()
    };
    let again = Action::Update { contact, expect: 2, changes, facts };
    apply(&table.store, &page(vec![line(1, Rule::IdentityLink, again)])).await;
    assert_eq!(owners(&table, &["p1", "x"]).await, [].into());
    let stored = table.store.contacts_of_client(scope()).await.unwrap().remove(0);
    assert_eq!((stored.values.email, stored.version), (None, 3));
}

pub(crate) async fn fifty_at_once_make_one_contact(backend: &Backend) {
    for seed in 0..4 {
        let table = backend.table().await;
        table.wire.shuffle(seed);
        let store = table.store.clone();
        let upserted = at_once(50, |number| {
            let store = store.clone();
            async move { store.upsert_contact(WORKSPACE, &input(number, "wanted")).await.unwrap() }
        });
        let upserted = upserted.await;
        let made = upserted.iter().filter(|upserted| **upserted == Upserted::Created).count();
        let taken = upserted.iter().filter(|u| **u == Upserted::AddressTaken(address("wanted"))).count();
        assert_eq!((made, taken), (1, 49), "seed {seed}");
        let contacts = table.store.contacts_of_client(scope()).await.unwrap();
        assert_eq!(contacts.len(), 1);
        assert_eq!(owners(&table, &["wanted"]).await, [(address("wanted"), contacts[0].id)].into());
    }
}

pub(crate) async fn hundreds_are_read_at_once(backend: &Backend) {
    let table = backend.table().await;
    upsert(&table, &input(0, "c0")).await;
    let contact_item = table.dump().await.one(&contact(0).to_string());
    let claim = table.dump().await.one("OWNER");
    let mut items = Vec::new();
    for number in 1..250 {
        let text = |text: String| aws_sdk_dynamodb::types::AttributeValue::S(text);
        let id = text(contact(number).to_string());
        let mut item = contact_item.clone();
        item.extend([("sk".to_owned(), id.clone()), ("id".to_owned(), id.clone())]);
        items.push(item);
        let owned = address(&format!("c{number}"));
        let mut item = claim.clone();
        item.insert("pk".to_owned(), text(format!("{WORKSPACE}#EMAIL#{owned}")));
        item.extend([("address".to_owned(), text(owned.to_string())), ("contact".to_owned(), id)]);
        items.push(item);
    }
    table.insert(items).await;
    table.probe.reset();
    let known: BTreeSet<ContactId> = (0..250).map(contact).collect();
    let wanted = known.iter().copied().chain((1000..1010).map(contact)).collect();
    let found = table.store.contacts(scope(), &wanted).await.unwrap();
    assert!(found.keys().eq(known.iter()), "those that are not there are left out");
    assert!(found.iter().all(|(id, contact)| contact.id == *id));
    assert_eq!(table.probe.counts().total(), 3);

    let addresses = (0..260).map(|number| address(&format!("c{number}"))).collect();
    let owners = table.store.owners(WORKSPACE, &addresses).await.unwrap();
    assert_eq!(owners.len(), 250);
    assert_eq!(owners[&address("c249")].contact, contact(249));
    assert_eq!(table.store.contacts(scope(), &BTreeSet::new()).await.unwrap(), BTreeMap::new());
}

pub(crate) async fn pages_of_contacts(backend: &Backend) {
    let table = backend.table().await;
    for number in 0..7 {
        upsert(&table, &input(number, &format!("c{number}"))).await;
    }
    let mut read = Vec::new();
    let (mut after, mut pages) = (None, 0);
    loop {
        let (contacts, next) = table.store.contacts_page(scope(), after, 3).await.unwrap();
        read.extend(contacts.into_iter().map(|stored| stored.contact.id));
        (after, pages) = (next, pages + 1);
        if next.is_none() {
            break;
        }
    }
    assert_eq!(read, (0..7).map(contact).collect::<Vec<_>>());
    assert_eq!(pages, 3);
}

pub(crate) async fn a_scope_reads_its_own_client_only(backend: &Backend) {
    let table = backend.table().await;
    upsert(&table, &input(1, "a")).await;
    let other = ClientScope::new(WORKSPACE, OTHER_CLIENT);
    let workspace = domain::ids::WorkspaceId::new(uuid::Uuid::from_u128(0xA2));
    for scope in [other, ClientScope::new(workspace, CLIENT)] {
        assert_eq!(table.store.contacts(scope, &[contact(1)].into()).await.unwrap(), BTreeMap::new());
        assert_eq!(table.store.contacts_of_client(scope).await.unwrap(), []);
        assert_eq!(table.store.contacts_page(scope, None, 10).await.unwrap(), (Vec::new(), None));
        assert_eq!(table.store.contacts_page(scope, Some(contact(0)), 10).await.unwrap(), (Vec::new(), None));
        let reason = InactiveReason::DisabledUpstream;
        let action = Action::MarkInactive { contact: contact(1), expect: 1, before: None, reason };
        let page = page(vec![line(1, Rule::Disabled, action)]);
        let before = table.dump().await;
        let applier = store::Applier { scope, ..super::make::applier(&table.store, 1) };
        assert_eq!(applier.apply(&page).await.unwrap()[0].code, "contact_missing");
        table.dump().await.assert_same(&before, "another client's contact");
    }
    assert_eq!(table.store.contacts_of_client(scope()).await.unwrap().len(), 1);
}

pub(crate) async fn whose_a_contact_is_by_the_psas_word(backend: &Backend) {
    let table = backend.table().await;
    let identity = |person| Identity { tenant: TENANT, object: object(person) };
    let said = |number, account| ContactInput { account, ..input(number, &format!("c{number}")) };
    let hints = async || {
        let hints = table.store.inventory(WORKSPACE, TENANT).await.unwrap().hints;
        let people = hints.keys().copied().collect();
        // Looked up one by one, they are the same.
        for (person, (known, _)) in table.store.people(WORKSPACE, TENANT, &people).await.unwrap().0 {
            assert_eq!(known.hint.as_ref(), hints.get(&person));
        }
        hints.into_iter().collect::<Vec<_>>()
    };
    let of_one = said(1, SaidAccount::Of(identity(1)));
    assert_eq!(upsert(&table, &of_one).await, Upserted::Created);
    assert_eq!(hints().await, [(object(1), contact(1))]);
    let before = table.dump().await;
    assert_eq!(upsert(&table, &of_one).await, Upserted::Unchanged);
    assert_eq!(upsert(&table, &said(1, SaidAccount::Unsaid)).await, Upserted::Unchanged);
    table.dump().await.assert_same(&before, "said again, and not said");
    let (stored, _) = table.store.contacts_page(scope(), None, 10).await.unwrap();
    assert_eq!(stored[0].account, Some(identity(1)));

    assert_eq!(upsert(&table, &said(1, SaidAccount::Of(identity(2)))).await, Upserted::Updated);
    assert_eq!(hints().await, [(object(2), contact(1))], "the account before is forgotten");
    // The account goes to another contact, in whatever order that is said.
    assert_eq!(upsert(&table, &said(2, SaidAccount::Of(identity(2)))).await, Upserted::Created);
    assert_eq!(upsert(&table, &said(1, SaidAccount::Nobodys)).await, Upserted::Updated);
    assert_eq!(hints().await, [(object(2), contact(2))]);
}

pub(crate) async fn the_syncs_own_mark_sent_back_says_nothing(backend: &Backend) {
    let table = world(backend).await;
    apply(&table.store, &page(vec![creation(1)])).await;
    let contact = table.store.contacts(scope(), &[made(1)].into()).await.unwrap().remove(&made(1)).unwrap();
    let before = table.dump().await;
    let account = SaidAccount::Of(contact.entra.unwrap().identity);
    let edit = ContactInput { id: made(1), values: contact.values, account, ..input(0, "-") };
    assert_eq!(upsert(&table, &edit).await, Upserted::Unchanged);
    table.dump().await.assert_same(&before, "an export that is imported");
}

pub(crate) async fn the_largest_contact(backend: &Backend) {
    let table = backend.table().await;
    let mut values = values("a");
    values.full_name = "👩🏽\u{200D}🚀".repeat(256);
    values.role = Some("職".repeat(256));
    let phone = values.phones[0].clone();
    values.phones =
        (0..50).map(|n| domain::contact::Phone { number: n.to_string(), ..phone.clone() }).collect();
    let additional_emails = (0..50).map(|n| address(&format!("{}{n}", "å".repeat(100)))).collect();
    let person = ContactInput { values, additional_emails, ..input(1, "a") };
    assert_eq!(upsert(&table, &person).await, Upserted::Created);
    let stored = &table.store.contacts_of_client(scope()).await.unwrap()[0];
    assert_eq!(stored.values, person.values);
    assert_eq!(stored.additional_emails, person.additional_emails);
    assert_eq!(upsert(&table, &person).await, Upserted::Unchanged);
}
