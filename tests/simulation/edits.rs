//! What people do meanwhile: in the directories, in the PSA, and as operators of the sync.
//!
//! Each answers a sentence for the story, or `None` when there was nobody to do it to.

use std::collections::BTreeSet;

use domain::{
    contact::Contact,
    email::EmailAddress,
    fields::Field,
    ids::{ClientId, ContactId, EntraObjectId, EntraTenantId},
    mapping::Decision,
};
use fake_microsoft::User;
use store::{ClientScope, ContactInput};
use uuid::Uuid;

use crate::{
    dice::Dice,
    house::House,
    kinds::{ContactEdit, DirectoryEdit, Operation},
    microsoft::WORKSPACE,
    rules,
};

/// What the editing hands remember.
#[derive(Clone, Default)]
pub(crate) struct Hands {
    gone: Vec<(EntraTenantId, User)>,
    numbers: u64,
}

impl Hands {
    /// Changes a directory.
    pub(crate) fn directory(
        &mut self,
        house: &House,
        edit: DirectoryEdit,
        dice: &mut Dice,
    ) -> Option<String> {
        use DirectoryEdit as E;
        let world = house.microsoft.world();
        let tenant = dice.pick(&house.tenants)?;
        let domain = world.tenant(tenant)?.default_domain().to_owned();
        let users = world.users(tenant);
        let fresh = self.number();
        match edit {
            E::Hire | E::HireAsLeaver | E::Restore => return self.hire(house, edit, tenant, &domain, dice),
            _ => {}
        }
        let wanted = |user: &&User| match edit {
            E::Disable => user.account_enabled,
            E::Enable => !user.account_enabled,
            E::Swap | E::NewAddress | E::OtherCase | E::LoseMail | E::Recreate => user.mail.is_some(),
            _ => true,
        };
        let candidates: Vec<User> = users.iter().filter(wanted).cloned().collect();
        let user = dice.pick(&candidates)?;
        let others: Vec<User> =
            users.iter().filter(|other| other.id != user.id && other.mail.is_some()).cloned().collect();
        let change = |what: &dyn Fn(&mut User)| world.edit(tenant, user.id, |user| what(user)).ok();
        let name = label(&user);
        let told = match edit {
            E::AddAlias => {
                let other = dice.pick(&others)?;
                let alias = format!("smtp:{}", other.mail.as_deref()?);
                change(&|user| user.proxy_addresses.get_or_insert_default().push(alias.clone()))?;
                format!("{name} gets the address of {} as an alias", label(&other))
            }
            E::Blank => {
                change(&|user| {
                    user.job_title = None;
                    user.department = None;
                    user.mobile_phone = None;
                    user.business_phones = Some(Vec::new());
                })?;
                format!("{name} has no job, department and phones any more")
            }
            E::BecomeGuest => {
                change(&|user| user.user_type = Some("Guest".to_owned()))?;
                format!("{name} becomes a guest")
            }
            E::Delete => {
                world.remove_user(tenant, user.id).ok()?;
                self.gone.push((tenant, user.clone()));
                format!("{name} is deleted")
            }
            E::Disable => {
                change(&|user| user.account_enabled = false)?;
                format!("{name} is disabled")
            }
            E::Enable => {
                change(&|user| user.account_enabled = true)?;
                format!("{name} is enabled")
            }
            E::JoinGroup | E::LeaveGroup => {
                let group = rules::any_group(dice);
                let join = |members: &mut Vec<EntraObjectId>| {
                    members.retain(|member| *member != user.id);
                    members.extend((edit == E::JoinGroup).then_some(user.id));
                };
                world.edit_group(tenant, group, |group| join(&mut group.members)).ok()?;
                format!("{name} joins or leaves ({edit:?}) {group}")
            }
            E::Licence => {
                let licences = if user.licenses.is_empty() { vec![Uuid::from_u128(7)] } else { Vec::new() };
                change(&|user| user.licenses.clone_from(&licences))?;
                format!("{name} has {} licences", licences.len())
            }
            E::LoseMail => {
                change(&|user| {
                    user.mail = None;
                    user.proxy_addresses = Some(Vec::new());
                })?;
                format!("{name} loses the mailbox")
            }
            E::NewAddress => {
                let address = format!("new.address.{fresh}@{domain}");
                let signs_in = dice.percent(50);
                change(&|user| {
                    if signs_in {
                        user.user_principal_name.clone_from(&address);
                    }
                    take(user, &address);
                })?;
                format!("{name} gets the address {address}")
            }
            E::NewDesk => {
                change(&|user| {
                    user.department = Some(format!("Department {fresh}"));
                    user.office_location = Some(format!("Office {fresh}"));
                    user.company_name = Some(format!("Company {fresh}"));
                })?;
                format!("{name} gets desk {fresh}")
            }
            E::NewJob => {
                change(&|user| {
                    user.job_title = Some(format!("Job {fresh}"));
                    user.mobile_phone = Some(format!("+47 {fresh:08}"));
                })?;
                format!("{name} gets job {fresh}")
            }
            E::OtherCase => {
                let upper = user.mail.as_deref()?.to_uppercase();
                change(&|user| user.mail = Some(upper.clone()))?;
                format!("{name} has the address {upper}")
            }
            E::Recreate => {
                world.remove_user(tenant, user.id).ok()?;
                let again = User { id: object(fresh), ..user.clone() };
                let id = again.id;
                world.add_user(tenant, again).ok()?;
                format!("{name} is created again as {id}")
            }
            E::Rename => {
                change(&|user| user.display_name = Some(format!("New Name {fresh}")))?;
                format!("{name} becomes New Name {fresh}")
            }
            E::ShareMailbox => {
                let other = dice.pick(&others)?;
                let mail = other.mail.clone()?;
                change(&|user| user.mail = Some(mail.clone()))?;
                format!("{name} gets the mailbox of {}", label(&other))
            }
            E::Swap => {
                let other = dice.pick(&others)?;
                let (one, another) = (user.mail.clone()?, other.mail.clone()?);
                change(&|user| take(user, &another))?;
                world.edit(tenant, other.id, |user| take(user, &one)).ok()?;
                format!("{name} and {} swap addresses", label(&other))
            }
            E::Hire | E::HireAsLeaver | E::Restore => return None,
        };
        Some(told)
    }

    fn hire(
        &mut self,
        house: &House,
        edit: DirectoryEdit,
        tenant: EntraTenantId,
        domain: &str,
        dice: &mut Dice,
    ) -> Option<String> {
        let world = house.microsoft.world();
        let number = self.number();
        let created = house.now();
        match edit {
            DirectoryEdit::Hire => {
                let address = format!("hired.{number}@{domain}");
                let user = User::member(object(number), &format!("Hired {number}"), &address, created);
                world.add_user(tenant, user).ok()?;
                Some(format!("Hired {number} comes with {address}"))
            }
            DirectoryEdit::HireAsLeaver => {
                let (tenant, leaver) = dice.pick(&self.gone)?;
                let address = leaver.mail.clone().unwrap_or_else(|| leaver.user_principal_name.clone());
                let user = User::member(object(number), &format!("Follower {number}"), &address, created);
                world.add_user(tenant, user).ok()?;
                Some(format!("Follower {number} comes with the address of {}", label(&leaver)))
            }
            _ => {
                let (tenant, user) = dice.pick(&self.gone)?;
                world.restore_user(tenant, user.id).ok()?;
                Some(format!("{} is restored", label(&user)))
            }
        }
    }

    /// Changes a contact, or makes one.
    pub(crate) async fn contact(
        &mut self,
        house: &House,
        edit: ContactEdit,
        dice: &mut Dice,
    ) -> Option<String> {
        use ContactEdit as E;
        let fresh = self.number();
        if edit == E::Create {
            return self.new_contact(house, dice).await;
        }
        let contacts = contacts(house).await;
        let wanted = |contact: &&Contact| match edit {
            E::Activate => contact.inactive,
            E::Inactivate => !contact.inactive,
            E::WithoutAddress => contact.values.email.is_some(),
            _ => true,
        };
        let candidates: Vec<Contact> = contacts.iter().filter(wanted).cloned().collect();
        let contact = dice.pick(&candidates)?;
        let mut input = input(&contact);
        let change = match edit {
            E::Activate => {
                input.inactive = false;
                "active".to_owned()
            }
            E::AddAddress => {
                let address = any_address(house, dice)?;
                input.additional_emails.push(address.clone());
                format!("also reached at {address}")
            }
            E::Inactivate => {
                input.inactive = true;
                "inactive".to_owned()
            }
            E::NewAddress => {
                let address = format!("by.hand.{fresh}@elsewhere.example");
                input.values.email = address.parse().ok();
                format!("reached at {address}")
            }
            E::Rename => {
                input.values.full_name = format!("By Hand {fresh}");
                input.values.full_name.clone()
            }
            E::Protect => {
                input.protected = Some(!contact.protected);
                format!("protected: {}", !contact.protected)
            }
            E::ProtectFields => {
                let fields: BTreeSet<Field> = Field::ALL.into_iter().filter(|_| dice.percent(30)).collect();
                input.protected_fields = Some(fields.clone());
                format!("protected in {fields:?}")
            }
            E::Role => {
                input.values.role = dice.percent(70).then(|| format!("Role {fresh}"));
                format!("of the role {:?}", input.values.role)
            }
            E::TakeAddress => {
                let address = any_address(house, dice)?;
                input.values.email = Some(address.clone());
                format!("reached at {address}")
            }
            E::WithoutAddress => {
                input.values.email = None;
                "without an address".to_owned()
            }
            E::Create => return None,
        };
        let upserted = house.store.upsert_contact(WORKSPACE, &input).await.unwrap();
        Some(format!("a human makes {} {change}: {upserted:?}", contact.values.full_name))
    }

    async fn new_contact(&mut self, house: &House, dice: &mut Dice) -> Option<String> {
        let client = dice.pick(&house.clients)?;
        let number = self.number();
        let email = if dice.percent(70) { any_address(house, dice) } else { None };
        let name = format!("Known {number}");
        let told = format!("a human creates {name} with {email:?}");
        let upserted = add_contact(house, client, number, &name, email).await;
        Some(format!("{told}: {upserted}"))
    }

    /// Does what operators do.
    pub(crate) async fn operation(
        &mut self,
        house: &mut House,
        operation: Operation,
        dice: &mut Dice,
    ) -> Option<String> {
        let tenant = dice.pick(&house.tenants)?;
        let name = house.microsoft.world().tenant(tenant)?.display_name;
        Some(match operation {
            Operation::GrantConsent => {
                house.microsoft.world().grant_consent(tenant).ok()?;
                format!("{name} consents")
            }
            Operation::Remap => {
                let client = dice.pick(&house.clients)?;
                house.decide(tenant, Decision::Mapped { client }).await;
                format!("{name} is mapped to client {client}")
            }
            Operation::Settings => {
                let settings = rules::settings(dice, house.microsoft.world(), &house.tenants);
                house.store.put_settings(WORKSPACE, &settings).await.unwrap();
                format!("the settings become {}", serde_json::to_string(&settings).ok()?)
            }
            Operation::Skip => {
                house.decide(tenant, Decision::SkipForNow).await;
                format!("{name} is taken out of the sync")
            }
            Operation::WithdrawConsent => {
                house.microsoft.world().withdraw_consent(tenant).ok()?;
                format!("{name} withdraws its consent")
            }
        })
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }
}

/// Writes a contact as the PSA has it; how that ended.
pub(crate) async fn add_contact(
    house: &House,
    client: ClientId,
    number: u64,
    name: &str,
    email: Option<EmailAddress>,
) -> String {
    let id = ContactId::new(Uuid::from_u128(0xC0_0000_0000 + u128::from(number)));
    let mut input = ContactInput {
        id,
        client,
        values: domain::contact::ContactValues::default(),
        additional_emails: Vec::new(),
        inactive: false,
        protected: None,
        protected_fields: None,
        unsaid: BTreeSet::new(),
    };
    name.clone_into(&mut input.values.full_name);
    input.values.email = email;
    format!("{:?}", house.store.upsert_contact(WORKSPACE, &input).await.unwrap())
}

/// An address that somebody in a directory has, or an alias.
pub(crate) fn any_address(house: &House, dice: &mut Dice) -> Option<EmailAddress> {
    let tenant = dice.pick(&house.tenants)?;
    let user = dice.pick(&house.microsoft.world().users(tenant))?;
    let aliases = user.proxy_addresses.iter().flatten().filter_map(|entry| entry.split(':').nth(1));
    let texts = aliases.chain(user.mail.as_deref()).chain([user.user_principal_name.as_str()]);
    let addresses: Vec<EmailAddress> = texts.filter_map(|text| text.parse().ok()).collect();
    dice.pick(&addresses)
}

async fn contacts(house: &House) -> Vec<Contact> {
    let mut contacts = Vec::new();
    for client in &house.clients {
        contacts.extend(house.store.contacts_of_client(ClientScope::new(WORKSPACE, *client)).await.unwrap());
    }
    contacts
}

fn input(contact: &Contact) -> ContactInput {
    ContactInput {
        id: contact.id,
        client: contact.client,
        values: contact.values.clone(),
        additional_emails: contact.additional_emails.clone(),
        inactive: contact.inactive,
        protected: None,
        protected_fields: None,
        unsaid: BTreeSet::new(),
    }
}

/// Gives a user an address as its first one.
fn take(user: &mut User, address: &str) {
    user.mail = Some(address.to_owned());
    user.proxy_addresses = Some(vec![format!("SMTP:{address}")]);
}

fn label(user: &User) -> String {
    user.display_name.clone().unwrap_or_else(|| user.user_principal_name.clone())
}

fn object(number: u64) -> EntraObjectId {
    EntraObjectId::new(Uuid::from_u128(0x0B1E_0000_0000_4000_8000_0000_0000_0000 + u128::from(number)))
}
