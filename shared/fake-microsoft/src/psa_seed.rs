//! The PSA's side of the story: the clients and contacts an MSP already has for this world.

use domain::ids::ClientId;

use crate::{
    dice::Dice,
    people::{Directory, UserKind},
    tenant::{Tenant, random_id},
    user::User,
    world::World,
};

/// One client of the MSP with the contacts it already has.
#[derive(Clone, Debug, PartialEq)]
pub struct PsaClientSeed {
    /// The client's id.
    pub client_id: ClientId,
    /// Its name as somebody typed it.
    pub name: String,
    /// Its web site in whatever form, when known.
    pub website: Option<String>,
    /// The domain of the web site: lower case, without `www.`.
    pub domain: Option<String>,
    /// More domains its people write from.
    pub secondary_email_domains: Vec<String>,
    /// The contacts on file.
    pub contacts: Vec<PsaContactSeed>,
}

/// One contact on file.
#[derive(Clone, Debug, PartialEq)]
pub struct PsaContactSeed {
    /// The name as somebody typed it.
    pub full_name: String,
    /// The address; no two contacts of the seed share one, whatever the letter case.
    pub email: String,
    /// A number, when known.
    pub phone: Option<String>,
    /// The role, when known.
    pub role: Option<String>,
}

/// How a generated tenant finds its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMatch {
    /// The client's web site is on the tenant's default domain.
    ExactDomain,
    /// Only a secondary domain of the client is the tenant's.
    SecondaryDomain,
    /// Only the names are alike.
    FuzzyName,
    /// A second tenant of the client of the tenant before.
    SameClientAsBefore,
    /// The PSA does not know the company.
    NoClient,
}

/// The fifth customer is a second tenant of the fourth one's client.
const SECOND_TENANT: usize = 4;

impl World {
    /// How customer number `number` (in the order of [`World::tenants`]) finds its client.
    pub fn client_match(&self, number: usize) -> ClientMatch {
        if number == SECOND_TENANT {
            return ClientMatch::SameClientAsBefore;
        }
        match number % 20 {
            5 | 10 => ClientMatch::SecondaryDomain,
            6 | 14 => ClientMatch::FuzzyName,
            7 | 17 => ClientMatch::NoClient,
            _ => ClientMatch::ExactDomain,
        }
    }

    /// The clients and contacts of an MSP that has worked with these customers for years, made
    /// from the users as they were generated: edits of users do not reach it.
    pub fn psa_seed(&self) -> Vec<PsaClientSeed> {
        let mut clients: Vec<PsaClientSeed> = Vec::new();
        for (number, tenant) in self.tenants().iter().enumerate() {
            let contacts = self.contacts(&self.directory(number, tenant));
            match (self.client_match(number), clients.last_mut()) {
                (ClientMatch::NoClient, _) => {}
                (ClientMatch::SameClientAsBefore, Some(before)) => {
                    before.secondary_email_domains.push(tenant.default_domain().to_owned());
                    before.contacts.extend(contacts);
                }
                (found_by, _) => clients.push(self.client(number, tenant, found_by, contacts)),
            }
        }
        clients
    }

    fn client(
        &self,
        number: usize,
        tenant: &Tenant,
        found_by: ClientMatch,
        contacts: Vec<PsaContactSeed>,
    ) -> PsaClientSeed {
        let mut dice = Dice::of([self.config().seed, 0x95a, number as u64]);
        let client_id = ClientId::new(random_id(&mut dice));
        let own = tenant.default_domain().to_owned();
        let (name, domain, secondary_email_domains) = match found_by {
            ClientMatch::SecondaryDomain => {
                let shop = own.replace(".example", "-shop.example");
                (tenant.display_name.clone(), Some(shop), vec![own])
            }
            ClientMatch::FuzzyName => (alike(tenant, number), None, Vec::new()),
            _ => (tenant.display_name.clone(), Some(own), Vec::new()),
        };
        let website = domain.as_deref().map(|domain| web_site(domain, &mut dice));
        PsaClientSeed { client_id, name, website, domain, secondary_email_domains, contacts }
    }

    fn contacts(&self, directory: &Directory) -> Vec<PsaContactSeed> {
        (0..directory.tenant.size).filter_map(|index| self.contact(directory, index)).collect()
    }

    /// The contact somebody made by hand for user `index` long ago, if anybody did.
    fn contact(&self, directory: &Directory, index: u32) -> Option<PsaContactSeed> {
        let mut dice = Dice::of([self.config().seed ^ 0xc0, directory.number, u64::from(index)]);
        let kind = directory.kind(index);
        let known = kind.is_person() && kind != UserKind::SharesAddress;
        // 35 % of the people with a mailbox are about 30 % of all users.
        if !known || !dice.chance(350) {
            return None;
        }
        let user = directory.user(index);
        let email = contact_address(directory, &user, kind, index, &mut dice)?;
        let name = directory.name(index);
        Some(PsaContactSeed {
            full_name: if dice.chance(100) { name.display().to_uppercase() } else { name.display() },
            email,
            phone: user.mobile_phone.filter(|_| dice.chance(500)),
            role: user.job_title.filter(|title| !title.trim().is_empty() && dice.chance(600)),
        })
    }
}

fn contact_address(
    directory: &Directory,
    user: &User,
    kind: UserKind,
    index: u32,
    dice: &mut Dice,
) -> Option<String> {
    let mail = user.mail.as_ref()?;
    let address = if kind == UserKind::Renamed && dice.chance(500) {
        user.user_principal_name.to_lowercase()
    } else {
        mail.to_lowercase()
    };
    Some(match dice.below(100) {
        // The same person by name, known by a private address.
        0..15 => {
            let name = directory.name(index);
            format!("{}{index}.{}@mailbox.example", name.given_ascii, directory.number)
        }
        15..30 => address.to_uppercase(),
        _ => address,
    })
}

/// The tenant's name as a person would abbreviate or mistype it.
fn alike(tenant: &Tenant, number: usize) -> String {
    let core = tenant.core_name.replace(" & ", " and ");
    if number.is_multiple_of(2) { core } else { format!("{core} Group") }
}

fn web_site(domain: &str, dice: &mut Dice) -> String {
    match dice.below(5) {
        0 => format!("https://www.{domain}/"),
        1 => format!("http://{domain}"),
        2 => format!("www.{}", domain.to_uppercase()),
        3 => format!("https://{domain}:443/en/home?ref=psa"),
        _ => domain.to_owned(),
    }
}
