//! What people do meanwhile in the PSA, and as operators of the sync.
//!
//! Each answers a sentence for the story, or `None` when there was nobody to do it to.

use std::collections::BTreeSet;

use domain::{
    contact::Contact,
    email::EmailAddress,
    fields::Field,
    ids::{ClientId, ContactId, EntraTenantId},
    mapping::Decision,
};
use fake_microsoft::User;
use store::{ClientScope, ContactInput};
use uuid::Uuid;

use crate::{
    dice::Dice,
    house::House,
    kinds::{ContactEdit, Operation},
    microsoft::WORKSPACE,
    rules,
};

/// What the editing hands remember.
#[derive(Clone, Default)]
pub(crate) struct Hands {
    pub(crate) gone: Vec<(EntraTenantId, User)>,
    numbers: u64,
}

impl Hands {
    /// Changes a contact, or makes one.
    pub(crate) async fn contact(
        &mut self,
        house: &House,
        edit: ContactEdit,
        dice: &mut Dice,
    ) -> Option<String> {
        self.contact_among(house, edit, None, dice).await
    }

    /// The same to one of these contacts; `None` = to any.
    pub(crate) async fn contact_among(
        &mut self,
        house: &House,
        edit: ContactEdit,
        among: Option<&BTreeSet<ContactId>>,
        dice: &mut Dice,
    ) -> Option<String> {
        use ContactEdit as E;
        let fresh = self.number();
        if edit == E::Create {
            return self.new_contact(house, dice).await;
        }
        let mut contacts = contacts(house).await;
        contacts.retain(|contact| among.is_none_or(|among| among.contains(&contact.id)));
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

    pub(crate) fn number(&mut self) -> u64 {
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
        account: store::SaidAccount::Unsaid,
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
        account: store::SaidAccount::Unsaid,
    }
}
