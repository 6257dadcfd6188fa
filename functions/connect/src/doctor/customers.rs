//! Every customer whose people are synced: whether it is listed, answers for itself, and can be read.

use std::collections::{BTreeMap, BTreeSet};

use directory::{Access, Directories, Directory, ListedTenant, UserKey};
use domain::{
    ids::{ClientId, EntraObjectId, EntraTenantId, GroupId, WorkspaceId},
    mapping::Decision,
};
use futures::{StreamExt, stream};
use store::{ManagedTenant, StoreError, SyncSettings};

use super::{Check, Finding};
use crate::Connect;

/// Customers that are asked at once.
const AT_ONCE: usize = 8;

/// Nobody has it. Whether somebody with it can be looked up shows whether people can be read, without
/// reading them all.
const NOBODY: EntraObjectId =
    EntraObjectId::new(uuid::Uuid::from_u128(0x0E27_A000_0000_4000_8000_0000_0000_0000));

/// A customer to be looked at.
struct Customer {
    tenant: ManagedTenant,
    listed: Option<ListedTenant>,
    /// Groups that decide who is synced.
    groups: BTreeSet<GroupId>,
}

impl Customer {
    fn name(&self) -> String {
        self.tenant.display_name.clone().unwrap_or_else(|| self.tenant.entra.to_string())
    }
}

impl Connect {
    pub(super) async fn examine_customers(
        &self,
        workspace: WorkspaceId,
        directories: &dyn Directories,
    ) -> Result<Vec<Finding>, StoreError> {
        let tenants = self.mapped(workspace).await?;
        if tenants.is_empty() {
            return Ok(vec![Finding::warning(
                Check::Customer,
                "nothing_mapped",
                "No tenant is mapped to a client, so nobody is synced.",
                "Find the tenants (`discover`), and map each to its client (`map`).",
            )]);
        }
        let directory = match directories.of(workspace).await {
            Ok(directory) => directory,
            Err(error) => return Ok(vec![Finding::unread(Check::Connection, &error)]),
        };
        let listed = match directory.managed_tenants().await {
            Ok(listed) => listed,
            Err(error) => return Ok(vec![Finding::unread(Check::Connection, &error)]),
        };
        let mut listed: BTreeMap<EntraTenantId, ListedTenant> =
            listed.into_iter().map(|tenant| (tenant.entra_tenant, tenant)).collect();
        let (settings, overrides) =
            (self.store.settings(workspace).await?, self.store.overrides(workspace).await?);
        let customers: Vec<Customer> = tenants
            .into_iter()
            .map(|(tenant, client)| {
                let own = overrides.get(&client).map(|own| settings.overridden_by(own));
                let groups = groups_of(own.as_ref().unwrap_or(&settings));
                Customer { listed: listed.remove(&tenant.entra), tenant, groups }
            })
            .collect();
        let all = customers.len();
        let found: Vec<Vec<Finding>> = stream::iter(customers)
            .map(|customer| {
                let directory = directory.as_ref();
                async move { examine(directory, &customer).await }
            })
            .buffered(AT_ONCE)
            .collect()
            .await;
        let mut found = found.concat();
        let fine =
            all - found.iter().filter_map(|found| found.tenant.as_ref()).collect::<BTreeSet<_>>().len();
        if fine > 0 {
            let customers = counted(all, "mapped customer");
            let what = if fine == all {
                format!("All of {customers} can be read, and each answers for itself.")
            } else {
                format!("Of {customers}, {fine} can be read and answer for themselves.")
            };
            found.insert(0, Finding::fine(Check::Customer, what));
        }
        Ok(found)
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
        tenants.sort_by(|(one, _), (other, _)| {
            (&one.display_name, one.id).cmp(&(&other.display_name, other.id))
        });
        Ok(tenants)
    }
}

/// What is not in order at one customer; empty when all is well.
async fn examine(directory: &dyn Directory, customer: &Customer) -> Vec<Finding> {
    let (entra, name) = (customer.tenant.entra, customer.name());
    if let Err(error) = directory.prove(entra).await {
        return vec![Finding::unread(Check::Customer, &error).at(&name)];
    }
    if let Err(error) = directory.user(entra, &UserKey::Object(NOBODY)).await {
        return vec![Finding::unread(Check::Customer, &error).at(&name)];
    }
    let mut found = Vec::new();
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

/// What the list of customers says of one that can be read.
fn of_the_list(customer: &Customer) -> Option<Finding> {
    let Some(listed) = &customer.listed else {
        return Some(Finding::warning(
            Check::Customer,
            "customer_not_listed",
            "The customer can be read and is not in the list of your customers any more. Its access may end; \
             its contacts stay as they are then.",
            "Check the delegated admin relationship with this customer; unmap the tenant if the customer has \
             left.",
        ));
    };
    if matches!(listed.access, Access::Ended { .. }) {
        return Some(Finding::warning(
            Check::Customer,
            "relationship_ended",
            "The delegated admin relationship with the customer is over, although it can still be read. Its \
             access will end; its contacts stay as they are then.",
            "Make a new delegated admin relationship with this customer.",
        ));
    }
    None
}

fn groups_of(settings: &SyncSettings) -> BTreeSet<GroupId> {
    let scope = &settings.scope;
    scope.include_groups.iter().chain(&scope.exclude_groups).copied().collect()
}

/// A number of things, in words.
pub(super) fn counted(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}
