//! What changes in the directories. Each edit answers a sentence for the story, or `None` when there was
//! nobody it could happen to.

use domain::ids::{EntraObjectId, EntraTenantId};
use fake_microsoft::User;
use uuid::Uuid;

use crate::{dice::Dice, edits::Hands, house::House, kinds::DirectoryEdit, rules};

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
            E::DeleteForGood => {
                world.purge_user(tenant, user.id).ok()?;
                format!("{name} is deleted for good")
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
