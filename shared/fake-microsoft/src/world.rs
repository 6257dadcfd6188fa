//! Every tenant and every user, made from a seed on demand, and the edits made to them since.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use domain::ids::{EntraObjectId, EntraTenantId, GroupId};
use jiff::Timestamp;
use secrecy::SecretString;
use uuid::Uuid;

use crate::{
    edits::Edits,
    people::{Directory, UserKind},
    tenant::{Recipe, RelationshipStatus, Tenant, VerifiedDomain, customer, partner},
    user::User,
};

/// The number of the partner's own directory; customers count from 0.
const PARTNER_NUMBER: usize = 0xffff_ffff;

/// What a world is made from. Equal configurations make equal worlds.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Decides every name, address and id.
    pub seed: u64,
    /// How many customers, and how many users each.
    pub sizes: Sizes,
    /// The id of the partner's own tenant.
    pub partner: EntraTenantId,
    /// The application registration that asks.
    pub application: Application,
    /// The day the world is as of: all its dates are relative to it.
    pub as_of: Timestamp,
    /// True for directories as they are in life; false for plain, complete people only.
    pub messy: bool,
}

impl WorldConfig {
    /// A messy world with one customer per entry of `sizes` and a made-up application, as of
    /// 2026-03-02.
    pub fn sample(seed: u64, sizes: &[u32]) -> Self {
        Self {
            seed,
            sizes: Sizes::Each(sizes.to_vec()),
            partner: EntraTenantId::new(Uuid::from_u128(0x0a1b_2c3d_4e5f_4a6b_8c7d_9e0f_1a2b_3c4d)),
            application: Application {
                client_id: "6f1c2d5e-7a8b-4c9d-8e0f-a1b2c3d4e5f6".to_owned(),
                client_secret: SecretString::from("p%~8Q.fake+secret&with=reserved"),
                redirect_uris: vec!["http://127.0.0.1:8080/api/auth/microsoft/entra/callback".to_owned()],
            },
            as_of: Timestamp::constant(1_772_438_400, 0),
            messy: true,
        }
    }
}

/// How many customers there are, and how many users each has.
#[derive(Clone, Debug)]
pub enum Sizes {
    /// All the same.
    Uniform {
        /// Number of customers.
        tenants: u32,
        /// Users of each.
        users: u32,
    },
    /// One entry per customer.
    Each(Vec<u32>),
}

/// The application registration in the partner's tenant.
#[derive(Clone, Debug)]
pub struct Application {
    /// The application (client) id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// The registered redirect URIs of platform "web"; compared letter by letter.
    pub redirect_uris: Vec<String>,
}

/// Something an edit named that is not in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotInWorld {
    /// No such tenant.
    #[error("the fake has no tenant {0}")]
    Tenant(EntraTenantId),
    /// No such user in the tenant.
    #[error("tenant {0} of the fake has no user {1}")]
    User(EntraTenantId, EntraObjectId),
    /// No such group in the tenant.
    #[error("tenant {0} of the fake has no group {1}")]
    Group(EntraTenantId, GroupId),
}

/// All tenants with all users. Users are made when asked for; only edits are kept.
#[derive(Debug)]
pub struct World {
    config: WorldConfig,
    numbers: HashMap<EntraTenantId, usize>,
    state: RwLock<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    partner: Tenant,
    customers: Vec<Tenant>,
    pub(crate) edits: HashMap<EntraTenantId, Edits>,
}

/// A page of users.
#[derive(Default)]
pub(crate) struct UserPage {
    pub(crate) users: Vec<User>,
    /// The slot of the last of them.
    pub(crate) last: Option<u32>,
    /// The slot the next page begins at, when there is one.
    pub(crate) next: Option<u32>,
}

impl World {
    /// Makes the world of `config`.
    pub fn generate(config: WorldConfig) -> Self {
        let recipe =
            Recipe { seed: config.seed, messy: config.messy, as_of: config.as_of, partner: config.partner };
        let sizes = match &config.sizes {
            Sizes::Uniform { tenants, users } => vec![*users; usize::try_from(*tenants).unwrap_or_default()],
            Sizes::Each(sizes) => sizes.clone(),
        };
        let customers: Vec<Tenant> =
            sizes.iter().enumerate().map(|(number, size)| customer(&recipe, number, *size)).collect();
        let mut numbers: HashMap<_, _> =
            customers.iter().enumerate().map(|(number, tenant)| (tenant.id, number)).collect();
        numbers.insert(config.partner, PARTNER_NUMBER);
        let state = State { partner: partner(&recipe), customers, edits: HashMap::new() };
        Self { config, numbers, state: RwLock::new(state) }
    }

    /// What the world was made from.
    pub fn config(&self) -> &WorldConfig {
        &self.config
    }

    /// The partner's own tenant.
    pub fn partner(&self) -> Tenant {
        self.read().partner.clone()
    }

    /// Every customer, the partner left out, in the order they were made.
    pub fn tenants(&self) -> Vec<Tenant> {
        self.read().customers.clone()
    }

    /// The customer or partner with this id.
    pub fn tenant(&self, id: EntraTenantId) -> Option<Tenant> {
        self.read().tenant(self.number(id)?).cloned()
    }

    /// How many users a tenant has now; 0 for an unknown tenant.
    pub fn user_count(&self, tenant: EntraTenantId) -> u32 {
        let state = self.read();
        let Some(size) =
            self.number(tenant).and_then(|number| state.tenant(number)).map(|tenant| tenant.size)
        else {
            return 0;
        };
        state.edits.get(&tenant).map_or(size, |edits| edits.present(size))
    }

    /// User `index` of a tenant as it is now: made users first, added ones after them. None when it
    /// was removed or there never was one.
    pub fn user(&self, tenant: EntraTenantId, index: u32) -> Option<User> {
        let state = self.read();
        self.user_in_slot(&state, tenant, index)
    }

    /// The user with this id as it is now.
    pub fn user_by_id(&self, tenant: EntraTenantId, object: EntraObjectId) -> Option<User> {
        let state = self.read();
        let slot = self.slot_of(&state, tenant, object)?;
        self.user_in_slot(&state, tenant, slot)
    }

    /// Every user of a tenant as it is now.
    pub fn users(&self, tenant: EntraTenantId) -> Vec<User> {
        self.page(tenant, 0, usize::MAX).users
    }

    /// What sort of account generated user `index` is.
    pub fn kind(&self, tenant: EntraTenantId, index: u32) -> Option<UserKind> {
        let state = self.read();
        let number = self.number(tenant)?;
        Some(self.directory(number, state.tenant(number)?).kind(index))
    }

    /// Gives every relationship of a customer this status.
    pub fn set_relationship_status(
        &self,
        tenant: EntraTenantId,
        status: RelationshipStatus,
    ) -> Result<(), NotInWorld> {
        self.change_tenant(tenant, |tenant| {
            for relationship in &mut tenant.relationships {
                relationship.status = status;
            }
        })
    }

    /// Gives every relationship of a customer these built-in roles.
    pub fn set_relationship_roles(&self, tenant: EntraTenantId, roles: &[Uuid]) -> Result<(), NotInWorld> {
        self.change_tenant(tenant, |tenant| {
            for relationship in &mut tenant.relationships {
                relationship.roles = roles.to_vec();
            }
        })
    }

    /// Gives every relationship of a customer this end.
    pub fn set_relationship_end(
        &self,
        tenant: EntraTenantId,
        ends: Timestamp,
        extends_itself: bool,
    ) -> Result<(), NotInWorld> {
        self.change_tenant(tenant, |tenant| {
            for relationship in &mut tenant.relationships {
                (relationship.ends, relationship.extends_itself) = (ends, extends_itself);
            }
        })
    }

    /// Takes the customer's consent to the application away.
    pub fn withdraw_consent(&self, tenant: EntraTenantId) -> Result<(), NotInWorld> {
        self.change_tenant(tenant, |tenant| tenant.consented = false)
    }

    /// Gives the customer's consent to the application.
    pub fn grant_consent(&self, tenant: EntraTenantId) -> Result<(), NotInWorld> {
        self.change_tenant(tenant, |tenant| tenant.consented = true)
    }

    /// Changes the name of the organisation.
    pub fn rename_tenant(&self, tenant: EntraTenantId, display_name: &str) -> Result<(), NotInWorld> {
        self.change_tenant(tenant, |tenant| display_name.clone_into(&mut tenant.display_name))
    }

    /// Verifies one more domain for a tenant.
    pub fn add_domain(&self, tenant: EntraTenantId, name: &str) -> Result<(), NotInWorld> {
        self.change_tenant(tenant, |tenant| {
            let name = name.to_ascii_lowercase();
            tenant.domains.push(VerifiedDomain { name, is_default: false, is_initial: false });
        })
    }

    /// The tenant an authority names: a GUID or one of its verified domains.
    pub(crate) fn tenant_of_authority(&self, authority: &str) -> Option<Tenant> {
        if let Ok(id) = authority.parse() {
            return self.tenant(id);
        }
        let state = self.read();
        let owns = |tenant: &&Tenant| {
            tenant.domains.iter().any(|domain| domain.name.eq_ignore_ascii_case(authority))
        };
        std::iter::once(&state.partner).chain(&state.customers).find(owns).cloned()
    }

    /// Up to `limit` users from `slot` on.
    pub(crate) fn page(&self, tenant: EntraTenantId, slot: u32, limit: usize) -> UserPage {
        let state = self.read();
        let mut page = UserPage::default();
        for slot in slot..self.slots(&state, tenant) {
            let Some(user) = self.user_in_slot(&state, tenant, slot) else { continue };
            if page.users.len() == limit {
                page.next = Some(slot);
                break;
            }
            page.users.push(user);
            page.last = Some(slot);
        }
        page
    }

    pub(crate) fn with_customers<T>(&self, read: impl FnOnce(&[Tenant]) -> T) -> T {
        read(&self.read().customers)
    }

    pub(crate) fn directory<'a>(&self, number: usize, tenant: &'a Tenant) -> Directory<'a> {
        Directory {
            seed: self.config.seed,
            messy: self.config.messy && number != PARTNER_NUMBER,
            as_of: self.config.as_of,
            number: number as u64,
            tenant,
        }
    }

    fn change_tenant(&self, id: EntraTenantId, change: impl FnOnce(&mut Tenant)) -> Result<(), NotInWorld> {
        let number = self.number(id).ok_or(NotInWorld::Tenant(id))?;
        change(self.write().tenant_mut(number).ok_or(NotInWorld::Tenant(id))?);
        Ok(())
    }

    pub(crate) fn number(&self, tenant: EntraTenantId) -> Option<usize> {
        self.numbers.get(&tenant).copied()
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn tenant(&self, number: usize) -> Option<&Tenant> {
        if number == PARTNER_NUMBER { Some(&self.partner) } else { self.customers.get(number) }
    }

    fn tenant_mut(&mut self, number: usize) -> Option<&mut Tenant> {
        if number == PARTNER_NUMBER { Some(&mut self.partner) } else { self.customers.get_mut(number) }
    }
}
