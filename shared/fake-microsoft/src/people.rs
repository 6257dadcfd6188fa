//! Makes the users of a tenant, one at a time, from nothing but the seed and their number.

use domain::ids::EntraObjectId;
use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    dice::Dice,
    names::{self, PersonName},
    tenant::{Tenant, days_before},
    user::User,
};

/// What sort of account a generated user is, before any edit. Ground truth for tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UserKind {
    /// Somebody who works there.
    Person,
    /// Somebody of another organisation.
    Guest,
    /// A disabled, unlicensed account with a mailbox and no person's name.
    SharedMailbox,
    /// An account of a program.
    ServiceAccount,
    /// A person whose sign-in is blocked.
    Leaver,
    /// A person without a mailbox who signs in below `onmicrosoft.com`.
    CloudOnly,
    /// A person whose `mail` is the address of the user before.
    SharesAddress,
    /// A person whose `mail` is the sign-in name in other letter case.
    OtherCase,
    /// A person whose sign-in name kept a former surname.
    Renamed,
}

impl UserKind {
    /// Whether the account belongs to somebody who works or worked in the tenant.
    pub fn is_person(self) -> bool {
        !matches!(self, Self::Guest | Self::SharedMailbox | Self::ServiceAccount)
    }
}

/// One tenant's place in the world, as far as its people depend on it.
pub(crate) struct Directory<'a> {
    pub(crate) seed: u64,
    pub(crate) messy: bool,
    pub(crate) as_of: Timestamp,
    pub(crate) number: u64,
    pub(crate) tenant: &'a Tenant,
}

impl Directory<'_> {
    pub(crate) fn kind(&self, index: u32) -> UserKind {
        // The first user of every tenant is a plain person: the one who signs in.
        if !self.messy || index == 0 || self.has_bot_like_name(index) {
            return UserKind::Person;
        }
        match self.dice(0x41, index).below(1_000) {
            0..60 => UserKind::Guest,
            60..100 => UserKind::SharedMailbox,
            100..130 => UserKind::ServiceAccount,
            130..180 => UserKind::Leaver,
            180..210 => UserKind::CloudOnly,
            210..225 => UserKind::SharesAddress,
            225..265 => UserKind::OtherCase,
            265..305 => UserKind::Renamed,
            _ => UserKind::Person,
        }
    }

    pub(crate) fn user(&self, index: u32) -> User {
        let mut dice = self.dice(0x42, index);
        match self.kind(index) {
            UserKind::Guest => self.guest(index, &mut dice),
            UserKind::SharedMailbox => self.shared_mailbox(index, &mut dice),
            UserKind::ServiceAccount => self.service_account(index, &mut dice),
            kind => self.employee(index, kind, &mut dice),
        }
    }

    /// The object id of user `index`. The last four bytes hold the index under a mask, so that
    /// [`Self::index_of`] needs no table.
    pub(crate) fn object_id(&self, index: u32) -> EntraObjectId {
        let mut dice = self.dice(0x43, index);
        let random = (u128::from(dice.next()) << 64) | u128::from(dice.next());
        let id = uuid::Builder::from_random_bytes(random.to_be_bytes()).into_uuid().as_u128();
        let head = id >> 32;
        EntraObjectId::new(Uuid::from_u128((head << 32) | u128::from(index ^ self.mask(head))))
    }

    /// The index of the generated user with this id.
    pub(crate) fn index_of(&self, id: EntraObjectId) -> Option<u32> {
        let bits = id.uuid().as_u128();
        let tail = u32::try_from(bits & u128::from(u32::MAX)).unwrap_or_default();
        let index = tail ^ self.mask(bits >> 32);
        (index < self.tenant.size && self.object_id(index) == id).then_some(index)
    }

    pub(crate) fn name(&self, index: u32) -> PersonName {
        if self.has_bot_like_name(index) {
            let number = self.number.wrapping_add(self.seed) % 1_000;
            return names::bot_like_person(usize::try_from(number).unwrap_or_default());
        }
        names::person(self.name_number(index))
    }

    fn employee(&self, index: u32, kind: UserKind, dice: &mut Dice) -> User {
        let name = self.name(index);
        let local = self.local_part(&name, index);
        let address = format!("{local}@{}", self.mail_domain(dice));
        let mut user = self.licensed_person(index, &name, address, dice);
        match kind {
            UserKind::Leaver => {
                user.account_enabled = false;
                if dice.chance(500) {
                    user.licenses.clear();
                }
            }
            UserKind::CloudOnly => {
                user.user_principal_name = format!("{local}@{}", self.tenant.initial_domain());
                user.mail = None;
                user.proxy_addresses = Some(Vec::new());
            }
            UserKind::SharesAddress if self.kind(index - 1) != UserKind::SharesAddress => {
                let shared = self.user(index - 1).mail;
                if shared.is_some() {
                    user.proxy_addresses = shared.as_ref().map(|shared| vec![format!("SMTP:{shared}")]);
                    user.mail = shared;
                }
            }
            UserKind::OtherCase => {
                let shouted = in_title_case(&user.user_principal_name);
                user.proxy_addresses = Some(vec![format!("SMTP:{shouted}")]);
                user.mail = Some(shouted);
            }
            UserKind::Renamed => {
                let former = names::former_surname(self.name_number(index).wrapping_add(17));
                let domain = self.tenant.default_domain();
                user.user_principal_name = format!("{}.{former}{index}@{domain}", name.given_ascii);
                if let Some(addresses) = &mut user.proxy_addresses {
                    addresses.push(format!("smtp:{}", user.user_principal_name));
                }
            }
            _ => {}
        }
        user
    }

    fn licensed_person(&self, index: u32, name: &PersonName, address: String, dice: &mut Dice) -> User {
        let created = days_before(self.as_of, 5 + dice.below(1_800));
        let mut user = User::member(self.object_id(index), &name.display(), &address, created);
        user.proxy_addresses = Some(self.proxy_addresses(name, &address, index, dice));
        user.given_name = Some(name.given.to_owned());
        user.surname = Some(name.surname.to_owned());
        user.department = Some((*dice.pick(&DEPARTMENTS)).to_owned());
        user.office_location = dice.chance(700).then(|| (*dice.pick(&OFFICES)).to_owned());
        user.licenses = vec![*dice.pick(&LICENSES)];
        user.preferred_language = dice.chance(400).then(|| (*dice.pick(&LANGUAGES)).to_owned());
        user.usage_location = Some("GB".to_owned());
        user.job_title = Some((*dice.pick(&JOB_TITLES)).to_owned());
        user.mobile_phone = dice.chance(600).then(|| self.phone(dice));
        if dice.chance(500) {
            user.business_phones = Some(vec![self.phone(dice)]);
        }
        if self.messy {
            self.make_untidy(&mut user, dice);
        }
        user
    }

    fn make_untidy(&self, user: &mut User, dice: &mut Dice) {
        match dice.below(100) {
            0..6 => user.job_title = None,
            6..9 => user.job_title = Some(String::new()),
            9..12 => user.job_title = Some("  ".to_owned()),
            _ => {}
        }
        if dice.chance(12) {
            user.user_type = None;
        }
        if dice.chance(15) {
            user.display_name = user.display_name.take().map(|name| format!("{name} 🌻"));
        }
        if dice.chance(250) {
            user.company_name = Some(self.tenant.core_name.clone());
        }
        if dice.chance(100) {
            user.on_premises_sync_enabled = Some(true);
            user.employee_id = Some(format!("E{:05}", dice.below(100_000)));
        }
    }

    fn guest(&self, index: u32, dice: &mut Dice) -> User {
        let name = self.name(index);
        let domain = *dice.pick(&GUEST_DOMAINS);
        let local = self.local_part(&name, index);
        let address = format!("{local}@{domain}");
        let created = days_before(self.as_of, 5 + dice.below(700));
        let mut user = User::member(self.object_id(index), &name.display(), &address, created);
        user.user_principal_name = format!("{local}_{domain}#EXT#@{}", self.tenant.initial_domain());
        let pending = dice.chance(300);
        user.external_user_state = Some(if pending { "PendingAcceptance" } else { "Accepted" }.to_owned());
        // A person of another organisation may be a member, too.
        user.user_type = Some(if dice.chance(100) { "Member" } else { "Guest" }.to_owned());
        if dice.chance(400) {
            user.display_name = Some(format!("{} (external)", name.display()));
        } else {
            user.given_name = Some(name.given.to_owned());
            user.surname = Some(name.surname.to_owned());
        }
        user
    }

    fn shared_mailbox(&self, index: u32, dice: &mut Dice) -> User {
        let (title, local) = *dice.pick(&SHARED_MAILBOXES);
        let address = format!("{local}{index}@{}", self.tenant.default_domain());
        let created = days_before(self.as_of, 30 + dice.below(1_800));
        let mut user = User::member(self.object_id(index), &format!("{title} {index}"), &address, created);
        user.account_enabled = false;
        user
    }

    fn service_account(&self, index: u32, dice: &mut Dice) -> User {
        let local = format!("{}-{index}", dice.pick(&SERVICE_ACCOUNTS));
        let initial = self.tenant.initial_domain();
        let created = days_before(self.as_of, 30 + dice.below(1_800));
        let address = format!("{local}@{initial}");
        let mut user = User::member(self.object_id(index), &local, &address, created);
        if local.starts_with("noreply") || local.starts_with("scanner") {
            let address = format!("{local}@{}", self.tenant.default_domain());
            user.proxy_addresses = Some(vec![format!("SMTP:{address}")]);
            user.user_principal_name.clone_from(&address);
            user.mail = Some(address);
        } else {
            user.mail = None;
            user.proxy_addresses = Some(Vec::new());
        }
        user
    }

    fn proxy_addresses(&self, name: &PersonName, address: &str, index: u32, dice: &mut Dice) -> Vec<String> {
        if !self.messy {
            return vec![format!("SMTP:{address}")];
        }
        let alias = || format!("{}{index}@{}", &name.given_ascii[..1], self.tenant.default_domain());
        match dice.below(100) {
            0..5 => Vec::new(),
            5..25 => vec![format!("SMTP:{address}"), format!("smtp:{}", alias()), format!("SIP:{address}")],
            25..35 => vec![format!("smtp: {}", alias()), format!("SMTP:{address}")],
            35..45 => vec![
                format!("X500:/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn={index:08x}"),
                format!("SMTP:{address}"),
            ],
            _ => vec![format!("SMTP:{address}")],
        }
    }

    /// A number from the ranges reserved for fiction (Ofcom and NANP), as people type it.
    fn phone(&self, dice: &mut Dice) -> String {
        let digits = dice.below(1_000);
        if !self.messy {
            return format!("+44207946{digits:04}");
        }
        let last = dice.below(100);
        match dice.below(8) {
            0 => format!("(020) 7946 {digits:04}"),
            1 => format!("+44 (0)20 7946 {digits:04}"),
            2 => format!("0044-20-7946-{digits:04}"),
            3 => format!("+1 425 555 01{last:02}"),
            4 => format!("425.555.01{last:02} ext. {}", digits % 90 + 10),
            5 => format!("tel:+1-425-555-01{last:02}"),
            6 => format!(" 0207946{digits:04} "),
            _ => format!("+44 20 7946 {digits:04}"),
        }
    }

    fn local_part(&self, name: &PersonName, index: u32) -> String {
        let (given, surname) = (&name.given_ascii, &name.surname_ascii);
        let local = match self.number % 4 {
            1 => format!("{surname}.{given}"),
            2 => format!("{given}_{surname}"),
            _ => format!("{given}.{surname}"),
        };
        // Beyond the number of distinct names people get a number.
        let round = u64::from(index) / names::distinct_names();
        if round == 0 { local } else { format!("{local}.{round}") }
    }

    fn mail_domain(&self, dice: &mut Dice) -> &str {
        let secondary = self.tenant.secondary_domains().next().filter(|_| dice.chance(100));
        secondary.unwrap_or_else(|| self.tenant.default_domain())
    }

    fn has_bot_like_name(&self, index: u32) -> bool {
        self.messy && index == 1
    }

    /// A walk through all names in steps that share no divisor with their number, from a start of
    /// the tenant's own: nobody's name is twice in a tenant before every name was once.
    fn name_number(&self, index: u32) -> u64 {
        let total = names::distinct_names();
        let start = Dice::of([self.seed, 0x44, self.number]).next() % total;
        let step = [5_039, 3_119, 1_867].into_iter().find(|step| !total.is_multiple_of(*step)).unwrap_or(1);
        (start + u64::from(index) % total * step) % total
    }

    fn mask(&self, head: u128) -> u32 {
        let folded = u64::try_from((head >> 64) ^ (head & u128::from(u64::MAX))).unwrap_or_default();
        u32::try_from(Dice::of([self.seed, 0x45, folded]).next() >> 32).unwrap_or_default()
    }

    fn dice(&self, purpose: u64, index: u32) -> Dice {
        Dice::of([self.seed ^ purpose << 56, self.number, u64::from(index)])
    }
}

/// `mira.sund@borealis.example` as somebody typed it: `Mira.Sund@Borealis.example`.
fn in_title_case(address: &str) -> String {
    let mut start = true;
    let letter = |letter: char| {
        let shown = if start { letter.to_ascii_uppercase() } else { letter };
        start = matches!(letter, '.' | '@' | '_');
        shown
    };
    address.chars().map(letter).collect()
}

const GUEST_DOMAINS: [&str; 4] =
    ["supplier-group.example", "audit-partners.example", "freelance.example", "print-and-sign.example"];

const SHARED_MAILBOXES: [(&str, &str); 8] = [
    ("Info", "info"),
    ("Accounts Payable", "accounts"),
    ("Reception", "reception"),
    ("Sales", "sales"),
    ("Support Desk", "support"),
    ("Invoices", "invoices"),
    ("Meeting Room", "room"),
    ("Projector", "projector"),
];

const SERVICE_ACCOUNTS: [&str; 6] =
    ["svc-backup", "svc-scan", "noreply", "scanner", "sync", "breakglass-admin"];

const DEPARTMENTS: [&str; 8] =
    ["Finance", "Sales", "Operations", "Human Resources", "IT", "Production", "Customer Care", "Board"];

const OFFICES: [&str; 5] = ["Head office", "18/2111", "Warehouse", "Home", "Oslo"];

const LANGUAGES: [&str; 4] = ["en-GB", "en-US", "nb-NO", "de-DE"];

const JOB_TITLES: [&str; 16] = [
    "Bookkeeper",
    "Sales Manager",
    "Operations Lead",
    "Receptionist",
    "Managing Director",
    "Warehouse Operative",
    "HR Business Partner",
    "Project Manager",
    "Engineer",
    "Senior Engineer",
    "Marketing Assistant",
    "Buyer",
    "Quality Controller",
    "Driver",
    "Apprentice",
    "Chief Financial Officer",
];

/// Office 365 E1 and E3, Microsoft 365 Business Basic and Premium
/// (learn.microsoft.com/entra/identity/users/licensing-service-plan-reference).
const LICENSES: [Uuid; 4] = [
    Uuid::from_u128(0x1818_1a46_0d4e_45cd_891e_60aa_bd17_1b4e),
    Uuid::from_u128(0x6fd2_c87f_b296_42f0_b197_1e91_e994_b900),
    Uuid::from_u128(0x3b55_5118_da6a_4418_894f_7df1_e209_6870),
    Uuid::from_u128(0xcbdc_14ab_d96c_4c30_b9f4_6ada_7cdc_1d46),
];
