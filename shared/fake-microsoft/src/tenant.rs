//! A customer tenant: its names, its domains and what it granted to the partner.

use domain::ids::EntraTenantId;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    companies::{Company, company, robotics},
    dice::Dice,
};

/// Built-in role "Directory Readers" (learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference).
pub const DIRECTORY_READERS: Uuid = Uuid::from_u128(0x88d8_e3e3_8f55_4a1e_953a_9b98_98b8_876b);
/// Built-in role "Global Reader".
pub const GLOBAL_READER: Uuid = Uuid::from_u128(0xf2ef_992c_3afb_46b9_b7cf_a126_ee74_c451);

/// The customer with the domain `robotics.example`, counted from 0; worlds with messiness have it.
pub(crate) const ROBOTICS_TENANT: usize = 2;

/// One tenant as Microsoft knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tenant {
    /// Microsoft's id of the tenant.
    pub id: EntraTenantId,
    /// The organisation's name, legal form included.
    pub display_name: String,
    /// Every verified domain; one is initial, one is the default.
    pub domains: Vec<VerifiedDomain>,
    /// What the partner was ever granted here, newest first. Empty for the partner itself.
    pub relationships: Vec<Relationship>,
    /// Whether an administrator of the tenant consented to the application.
    pub consented: bool,
    /// When the tenant was made.
    pub created: Timestamp,
    pub(crate) core_name: String,
    pub(crate) size: u32,
}

impl Tenant {
    /// The domain new addresses get.
    pub fn default_domain(&self) -> &str {
        self.domains.iter().find(|domain| domain.is_default).map_or("", |domain| &domain.name)
    }

    /// The `onmicrosoft.com` domain the tenant began with.
    pub fn initial_domain(&self) -> &str {
        self.domains.iter().find(|domain| domain.is_initial).map_or("", |domain| &domain.name)
    }

    /// The verified domains that are neither initial nor the default.
    pub fn secondary_domains(&self) -> impl Iterator<Item = &str> {
        self.domains
            .iter()
            .filter(|domain| !domain.is_initial && !domain.is_default)
            .map(|domain| domain.name.as_str())
    }

    /// Whether a relationship gives the partner access now.
    pub fn has_active_relationship(&self) -> bool {
        self.relationships.iter().any(|relationship| relationship.status == RelationshipStatus::Active)
    }

    /// Whether an active relationship holds a role that may list users.
    pub fn lets_partner_read_users(&self) -> bool {
        self.relationships
            .iter()
            .filter(|relationship| relationship.status == RelationshipStatus::Active)
            .flat_map(|relationship| &relationship.roles)
            .any(|role| [DIRECTORY_READERS, GLOBAL_READER].contains(role))
    }
}

/// One verified domain.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedDomain {
    /// The name in lower case.
    pub name: String,
    /// Whether new addresses get it.
    pub is_default: bool,
    /// Whether it is the `onmicrosoft.com` domain.
    pub is_initial: bool,
}

/// A granular delegated admin relationship (GDAP).
#[derive(Clone, Debug, PartialEq)]
pub struct Relationship {
    /// Two GUIDs joined by a hyphen.
    pub id: String,
    /// The name the partner gave it.
    pub display_name: String,
    /// Where it is in its life.
    pub status: RelationshipStatus,
    /// The built-in roles it carries.
    pub roles: Vec<Uuid>,
    /// When it began to be active.
    pub activated: Timestamp,
    /// When it ends.
    pub ends: Timestamp,
    /// Whether it extends itself by half a year.
    pub extends_itself: bool,
    /// Whether a reseller stands between (the derived type of the resource).
    pub through_reseller: bool,
}

/// The states of a relationship, under their names on the wire
/// (learn.microsoft.com/graph/api/resources/delegatedadminrelationship).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Microsoft's and explain themselves")]
pub enum RelationshipStatus {
    Created,
    ApprovalPending,
    Approved,
    Activating,
    Active,
    Expiring,
    Expired,
    TerminationRequested,
    Terminating,
    Terminated,
}

impl RelationshipStatus {
    pub(crate) const ALL: [Self; 10] = [
        Self::Created,
        Self::ApprovalPending,
        Self::Approved,
        Self::Activating,
        Self::Active,
        Self::Expiring,
        Self::Expired,
        Self::TerminationRequested,
        Self::Terminating,
        Self::Terminated,
    ];

    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::ApprovalPending => "approvalPending",
            Self::Approved => "approved",
            Self::Activating => "activating",
            Self::Active => "active",
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::TerminationRequested => "terminationRequested",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
        }
    }
}

/// What the making of a tenant depends on.
pub(crate) struct Recipe {
    pub(crate) seed: u64,
    pub(crate) messy: bool,
    pub(crate) as_of: Timestamp,
    pub(crate) partner: EntraTenantId,
}

/// Customer number `number` with `size` users.
pub(crate) fn customer(recipe: &Recipe, number: usize, size: u32) -> Tenant {
    let mut dice = Dice::of([recipe.seed, 0x7e4a, number as u64]);
    let id = EntraTenantId::new(random_id(&mut dice));
    let company = if recipe.messy && number == ROBOTICS_TENANT {
        robotics()
    } else {
        company(recipe.seed % 1_000 + number as u64)
    };
    Tenant {
        id,
        display_name: company.name(),
        domains: domains(&company, recipe.messy, &mut dice),
        relationships: relationships(recipe, id, number, &company, &mut dice),
        consented: true,
        created: days_before(recipe.as_of, 400 + dice.below(2_000)),
        core_name: company.core,
        size,
    }
}

/// The partner's own tenant with a handful of technicians.
pub(crate) fn partner(recipe: &Recipe) -> Tenant {
    let company = Company {
        core: "Northwind Managed Services".to_owned(),
        legal_form: "LLC",
        slug: "northwind-msp".to_owned(),
    };
    let mut dice = Dice::of([recipe.seed, 0x9a27, 0]);
    Tenant {
        id: recipe.partner,
        display_name: company.name(),
        domains: domains(&company, false, &mut dice),
        relationships: Vec::new(),
        consented: true,
        created: days_before(recipe.as_of, 3_000),
        core_name: company.core,
        size: 12,
    }
}

/// A random GUID in the form of UUID version 4.
pub(crate) fn random_id(dice: &mut Dice) -> Uuid {
    let bits = (u128::from(dice.next()) << 64) | u128::from(dice.next());
    uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
}

/// The start of the working day `days` before `as_of`.
pub(crate) fn days_before(as_of: Timestamp, days: usize) -> Timestamp {
    let midnight = as_of.as_second() - as_of.as_second().rem_euclid(86_400);
    let seconds = i64::try_from(days).unwrap_or_default() * 86_400;
    Timestamp::from_second(midnight - seconds + 8 * 3_600).unwrap_or(as_of)
}

fn domains(company: &Company, messy: bool, dice: &mut Dice) -> Vec<VerifiedDomain> {
    let slug = &company.slug;
    let domain = |name: String, is_default, is_initial| VerifiedDomain { name, is_default, is_initial };
    let mut domains = vec![
        domain(format!("{slug}.onmicrosoft.com"), false, true),
        domain(format!("{slug}.example"), true, false),
    ];
    let more = if messy { dice.below(100) } else { 100 };
    if more < 25 {
        domains.push(domain(format!("{slug}-group.example"), false, false));
    }
    if more < 8 {
        domains.push(domain(format!("mail.{slug}.example"), false, false));
    }
    domains
}

fn relationships(
    recipe: &Recipe,
    tenant: EntraTenantId,
    number: usize,
    company: &Company,
    dice: &mut Dice,
) -> Vec<Relationship> {
    let mut relationship = |name: &str, status, roles: &[Uuid], age: usize, length: usize| {
        let activated = days_before(recipe.as_of, age);
        Relationship {
            id: format!("{}-{tenant}", random_id(dice)),
            display_name: format!("{} {name}", company.core),
            status,
            roles: roles.to_vec(),
            activated,
            ends: activated
                .checked_add(SignedDuration::from_hours(24 * i64::try_from(length).unwrap_or_default()))
                .unwrap_or(activated),
            extends_itself: true,
            through_reseller: false,
        }
    };
    let active = RelationshipStatus::Active;
    let mut all = vec![relationship("read", active, &[DIRECTORY_READERS], 30 + number % 300, 730)];
    if !recipe.messy {
        return all;
    }
    match number % 10 {
        // Ends in 20 days and does not extend itself.
        1 => {
            all[0] = relationship("read", active, &[DIRECTORY_READERS], 345, 365);
            all[0].extends_itself = false;
        }
        3 => all.push(relationship("old", RelationshipStatus::Expired, &[GLOBAL_READER], 900, 730)),
        5 => all.push(relationship("support", active, &[GLOBAL_READER], 60, 365)),
        6 => all[0].through_reseller = true,
        8 => {
            let mut lighthouse =
                relationship("", RelationshipStatus::Terminated, &[DIRECTORY_READERS], 400, 730);
            lighthouse.display_name = format!("MLT_{}", company.slug);
            all.push(lighthouse);
        }
        _ => {}
    }
    all
}
