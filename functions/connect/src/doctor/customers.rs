//! Every customer whose people are synced: whether it is listed, answers for itself, and can be read.

use std::collections::{BTreeMap, BTreeSet};

use directory::{
    Access, BadRow, Code, Directory, ListedTenant, ReadError, UserKey, UserPage,
    protocol::authorize::admin_consent_url,
};
use domain::{
    ids::{ClientId, EntraObjectId, EntraTenantId, GroupId, WorkspaceId},
    mapping::Decision,
};
use futures::{StreamExt, stream};
use store::{Connection, ConnectionKind, ManagedTenant, StoreError, SyncSettings};
use url::Url;

use super::{
    Check, Finding,
    outside::{CUSTOMER_LIMIT, CUSTOMERS_LIMIT, Outside, no_answer},
    part::{CustomersExamined, Examined, Part, Place},
};
use crate::Connect;

/// The `state` of a page of consent; it is needed, and means nothing.
const CONSENT_STATE: &str = "consent";

/// Customers that are asked at once.
const AT_ONCE: usize = 8;

/// People whose records cannot be read that a finding names.
const NAMED_MAX: usize = 5;

/// Nobody has it. Whether somebody with it can be looked up shows whether people can be read, without
/// reading them all.
const NOBODY: EntraObjectId =
    EntraObjectId::new(uuid::Uuid::from_u128(0x0E27_A000_0000_4000_8000_0000_0000_0000));

/// A customer to be looked at.
struct Customer {
    tenant: ManagedTenant,
    listing: Listing,
    /// Groups that decide who is synced.
    groups: BTreeSet<GroupId>,
}

/// What the list of customers says of one.
enum Listing {
    As(Box<ListedTenant>),
    /// It is not there.
    Missing,
    /// It may be in a row that cannot be read.
    Unknown,
}

impl Customer {
    fn name(&self) -> String {
        self.tenant.display_name.clone().unwrap_or_else(|| self.tenant.entra.to_string())
    }
}

impl Connect {
    /// Says how many customers were not looked at because nobody could be. That the table does not answer
    /// is told elsewhere.
    pub(super) async fn count_unseen(&self, workspace: WorkspaceId, part: &Part, examined: &mut Examined) {
        let Ok(mapped) = self.mapped(workspace).await else { return };
        let not_looked_at = mapped.iter().filter(|(tenant, _)| part.is_due(&place(tenant))).count();
        examined.customers = CustomersExamined { mapped: mapped.len(), looked_at: 0, not_looked_at };
        if not_looked_at > 0 {
            examined.next.clone_from(&part.after);
        }
    }

    /// Looks at the customers of `part`, and adds to `examined` what is not in order.
    pub(super) async fn examine_customers(
        &self,
        workspace: WorkspaceId,
        connection: &Connection,
        outside: &Outside,
        part: &Part,
        examined: &mut Examined,
    ) -> Result<(), StoreError> {
        let mapped = self.mapped(workspace).await?;
        let all = mapped.len();
        let due = mapped.into_iter().filter(|(tenant, _)| part.is_due(&place(tenant)));
        let mut tenants: Vec<_> = due.collect();
        let due = tenants.len();
        if all == 0 {
            examined.findings.push(Finding::warning(
                Check::Customer,
                "nothing_mapped",
                "No tenant is mapped to a client, so nobody is synced.",
                "Find the tenants (`discover`), and map each to its client (`map`).",
            ));
        }
        tenants.truncate(part.customers_max);
        let is_whole = outside.listed.is_whole();
        if !is_whole && part.is_first() {
            examined.findings.push(rows_unreadable(outside.listed.bad_rows.len()));
        }
        let listed = outside.listed.tenants.iter().cloned();
        let mut listed: BTreeMap<EntraTenantId, ListedTenant> =
            listed.map(|tenant| (tenant.entra_tenant, tenant)).collect();
        let (settings, overrides) =
            (self.store.settings(workspace).await?, self.store.overrides(workspace).await?);
        let customers: Vec<Customer> = tenants
            .into_iter()
            .map(|(tenant, client)| {
                let own = overrides.get(&client).map(|own| settings.overridden_by(own));
                let groups = groups_of(own.as_ref().unwrap_or(&settings));
                let listing = match listed.remove(&tenant.entra) {
                    Some(listed) => Listing::As(Box::new(listed)),
                    None if is_whole => Listing::Missing,
                    None => Listing::Unknown,
                };
                Customer { tenant, listing, groups }
            })
            .collect();
        let client_id = match connection.kind {
            ConnectionKind::Direct => self.app(workspace).await.ok().map(|app| app.client_id),
            // CIPP's app is consented to in CIPP.
            ConnectionKind::Cipp => None,
        };
        let client_id = client_id.as_deref();
        let places: Vec<Place> = customers.iter().map(|customer| place(&customer.tenant)).collect();
        let mut looked_at = stream::iter(customers)
            .map(|customer| async move {
                let examine = examine(outside.directory.as_ref(), &customer);
                let found = if part.is_awaited {
                    // One that is silent keeps the others of its part waiting for so long only.
                    let silent = || vec![silent(connection.kind).at(&customer.name())];
                    tokio::time::timeout(CUSTOMER_LIMIT, examine).await.unwrap_or_else(|_| silent())
                } else {
                    examine.await
                };
                let consent = client_id.map(|client_id| self.consent_page(customer.tenant.entra, client_id));
                found.into_iter().map(|finding| finding.with_consent_at(consent.as_ref())).collect()
            })
            .buffered(AT_ONCE);
        let mut found: Vec<Vec<Finding>> = Vec::new();
        let look = async {
            while let Some(of_one) = looked_at.next().await {
                found.push(of_one);
            }
        };
        if part.is_awaited {
            // What is not reached in time is the next part's.
            let _: Result<(), _> = tokio::time::timeout(CUSTOMERS_LIMIT, look).await;
        } else {
            look.await;
        }
        let (mapped, looked_at) = (all, found.len());
        let not_looked_at = due - looked_at;
        examined.customers = CustomersExamined { mapped, looked_at, not_looked_at };
        if not_looked_at > 0 {
            // Without a place to go on from, the part begins where this one did.
            examined.next = looked_at.checked_sub(1).map(|last| places[last].clone()).or(part.after.clone());
        }
        examined.findings.extend(in_order(&found));
        examined.findings.extend(found.into_iter().flatten());
        Ok(())
    }

    /// The page on which an administrator of `customer` consents to the app.
    fn consent_page(&self, customer: EntraTenantId, client_id: &str) -> Url {
        let (login, scope) = (&self.graph.login_base, &self.graph.refresh_scope);
        // What comes back proves nothing, so nothing is bound to it.
        admin_consent_url(login, customer, client_id, scope, &self.redirect_uri(), CONSENT_STATE)
    }

    /// Tenants that are mapped, by name.
    async fn mapped(&self, workspace: WorkspaceId) -> Result<Vec<(ManagedTenant, ClientId)>, StoreError> {
        let mappings = self.store.mappings(workspace).await?;
        let clients: BTreeMap<_, ClientId> = mappings
            .into_iter()
            .filter_map(|record| match record.current.decision {
                Decision::Mapped { client } => Some((record.managed_tenant, client)),
                _ => None,
            })
            .collect();
        let tenants = self.store.managed_tenants(workspace).await?;
        let mapped = |tenant: ManagedTenant| clients.get(&tenant.id).map(|client| (tenant, *client));
        let mut tenants: Vec<_> = tenants.into_iter().filter_map(mapped).collect();
        tenants.sort_by_key(|(tenant, _)| place(tenant));
        Ok(tenants)
    }
}

fn place(tenant: &ManagedTenant) -> Place {
    Place { name: tenant.display_name.clone(), id: tenant.id }
}

fn silent(kind: ConnectionKind) -> Finding {
    Finding::unread(Check::Customer, &no_answer(kind))
}

/// How many of those that were looked at are in order, if any are.
fn in_order(found: &[Vec<Finding>]) -> Option<Finding> {
    let (all, fine) = (found.len(), found.iter().filter(|of_one| of_one.is_empty()).count());
    let customers = counted(all, "mapped customer");
    let what = match fine {
        0 => return None,
        fine if fine == all => format!("All of {customers} can be read, and each answers for itself."),
        fine => format!("Of {customers}, {fine} can be read and answer for themselves."),
    };
    Some(Finding::fine(Check::Customer, what))
}

/// What is not in order at one customer; empty when all is well.
async fn examine(directory: &dyn Directory, customer: &Customer) -> Vec<Finding> {
    let (entra, name) = (customer.tenant.entra, customer.name());
    if let Err(error) = directory.prove(entra).await {
        return vec![Finding::unread(Check::Customer, &error).at(&name)];
    }
    let of_people = match read_people(directory, entra).await {
        Ok(first) => first.as_ref().and_then(of_the_first_page),
        Err(error) => return vec![Finding::unread(Check::Customer, &error).at(&name)],
    };
    let mut found = Vec::from_iter(of_people.map(|finding| finding.at(&name)));
    for group in &customer.groups {
        if let Err(error) = directory.group_members_page(entra, *group, None).await {
            let mut finding = Finding::unread(Check::Groups, &error).at(&name);
            finding.what = format!("{} The group is {group}.", finding.what);
            found.push(finding);
        }
    }
    found.extend(of_the_list(customer).map(|finding| finding.at(&name)));
    found
}

/// The reads of a sync: one person, and, where changes are told, these and the first page of everybody, which
/// is answered. CIPP asks for one person as it asks for everybody.
async fn read_people(directory: &dyn Directory, entra: EntraTenantId) -> Result<Option<UserPage>, ReadError> {
    directory.user(entra, &UserKey::Object(NOBODY)).await?;
    if directory.changes_from_now(entra).await?.is_none() {
        return Ok(None);
    }
    directory.users_page(entra, None).await.map(Some)
}

/// What a sync would make no use of, although it was answered. A page without people that is not the last one
/// says nothing.
fn of_the_first_page(page: &UserPage) -> Option<Finding> {
    if !page.bad_rows.is_empty() {
        return Some(records_unreadable(&page.bad_rows));
    }
    (page.users.is_empty() && page.next.is_none()).then(|| {
        Finding::warning(
            Check::Customer,
            "nobody_listed",
            "The customer can be read, and the list of its people is empty. A sync does not believe that: it \
             marks nobody inactive, and contacts stay as they are.",
            "Look at the customer's users in the Entra admin center. If somebody is there, report it to \
             Microsoft; unmap the tenant if the customer has left.",
        )
    })
}

/// A sync writes nothing about such people. A record that does not say whose it is may be anybody's.
fn records_unreadable(rows: &[BadRow]) -> Finding {
    let records = counted(rows.len(), "record");
    let named: Vec<String> =
        rows.iter().filter_map(|row| row.object).take(NAMED_MAX).map(|object| object.to_string()).collect();
    let mut what = format!(
        "{records} on the first page of people cannot be read. Nothing is written about those people; their \
         contacts stay as they are."
    );
    let mut step = "Sync again. If it persists, report it to Microsoft.";
    if !named.is_empty() {
        what = format!("{what} Object ids: {}.", named.join(", "));
        step = "Look at the accounts in the Entra admin center. If they look right, report it to the \
                product's support.";
    }
    if rows.iter().any(|row| row.object.is_none()) {
        what.push_str(" Not all say whose they are, so a sync marks nobody inactive for being missing.");
    }
    Finding::warning(Check::Customer, Code::RecordUnreadable.name(), what, step)
}

/// What the list of customers says of one that can be read.
fn of_the_list(customer: &Customer) -> Option<Finding> {
    match &customer.listing {
        Listing::Missing => Some(Finding::warning(
            Check::Customer,
            "customer_not_listed",
            "The customer can be read and is not in the list of your customers any more. Its access may end; \
             its contacts stay as they are then.",
            "Check the delegated admin relationship with this customer; unmap the tenant if the customer has \
             left.",
        )),
        Listing::As(listed) if matches!(listed.access, Access::Ended { .. }) => Some(Finding::warning(
            Check::Customer,
            "relationship_ended",
            "The delegated admin relationship with the customer is over, although it can still be read. Its \
             access will end; its contacts stay as they are then.",
            "Make a new delegated admin relationship with this customer.",
        )),
        Listing::As(_) | Listing::Unknown => None,
    }
}

/// Told once: whom such a row is about is not known.
fn rows_unreadable(rows: usize) -> Finding {
    let rows = counted(rows, "row");
    Finding::warning(
        Check::Customer,
        "customer_rows_unreadable",
        format!(
            "{rows} of the list of customers cannot be read, so it is not known whether a customer who is not in \
             the others has left. Contacts stay as they are."
        ),
        "Look in Partner Center, or in CIPP's list of tenants, for a customer without a tenant id.",
    )
}

fn groups_of(settings: &SyncSettings) -> BTreeSet<GroupId> {
    let scope = &settings.scope;
    scope.include_groups.iter().chain(&scope.exclude_groups).copied().collect()
}

/// A number of things, in words.
pub(super) fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
