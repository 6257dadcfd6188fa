//! A user as the directory stores it, and its properties as Graph names them.

use domain::ids::EntraObjectId;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

/// One user of one tenant. Public to be edited by tests.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// The object's id.
    pub id: EntraObjectId,
    /// The sign-in name.
    pub user_principal_name: String,
    /// The primary address.
    pub mail: Option<String>,
    /// Every address with its prefix. `None` is served as `null`, which the contract forbids.
    pub proxy_addresses: Option<Vec<String>>,
    /// Private addresses.
    pub other_mails: Vec<String>,
    /// The name shown.
    pub display_name: Option<String>,
    /// The given name.
    pub given_name: Option<String>,
    /// The family name.
    pub surname: Option<String>,
    /// False when sign-in is blocked.
    pub account_enabled: bool,
    /// `Member`, `Guest`, or nothing on very old accounts.
    pub user_type: Option<String>,
    /// `PendingAcceptance` or `Accepted` for people of other organisations.
    pub external_user_state: Option<String>,
    /// The job title, at times blank.
    pub job_title: Option<String>,
    /// The department.
    pub department: Option<String>,
    /// The company's name as somebody typed it.
    pub company_name: Option<String>,
    /// The office.
    pub office_location: Option<String>,
    /// At most one number. `None` is served as `null`, which the contract forbids.
    pub business_phones: Option<Vec<String>>,
    /// A number in any form.
    pub mobile_phone: Option<String>,
    /// The product keys (`skuId`) assigned.
    pub licenses: Vec<Uuid>,
    /// True when synced from a local directory, nothing when it never was.
    pub on_premises_sync_enabled: Option<bool>,
    /// The language of the interface, such as `en-GB`.
    pub preferred_language: Option<String>,
    /// The country of the licence, such as `NO`.
    pub usage_location: Option<String>,
    /// The number in the payroll.
    pub employee_id: Option<String>,
    /// When the object was made.
    pub created: Timestamp,
}

impl User {
    /// A member with a mailbox and nothing else, to be given to `World::add_user`.
    pub fn member(id: EntraObjectId, display_name: &str, address: &str, created: Timestamp) -> Self {
        Self {
            id,
            user_principal_name: address.to_owned(),
            mail: Some(address.to_owned()),
            proxy_addresses: Some(vec![format!("SMTP:{address}")]),
            other_mails: Vec::new(),
            display_name: Some(display_name.to_owned()),
            given_name: None,
            surname: None,
            account_enabled: true,
            user_type: Some("Member".to_owned()),
            external_user_state: None,
            job_title: None,
            department: None,
            company_name: None,
            office_location: None,
            business_phones: Some(Vec::new()),
            mobile_phone: None,
            licenses: Vec::new(),
            on_premises_sync_enabled: None,
            preferred_language: None,
            usage_location: None,
            employee_id: None,
            created,
        }
    }

    /// The row of a listing as JSON text. A page has up to 999 of them, so no tree is built.
    pub(crate) fn row(&self, properties: &[UserProperty]) -> String {
        let mut row = String::with_capacity(1_024);
        for property in properties {
            row.push_str(if row.is_empty() { "{\"" } else { ",\"" });
            row.push_str(property.name());
            row.push_str("\":");
            self.push_property(*property, &mut row);
        }
        row.push('}');
        row
    }

    /// The row with what was never set left out, as the first round of changes has it.
    pub(crate) fn sparse_row(&self, properties: &[UserProperty]) -> String {
        let is_set = |property: &UserProperty| self.value(*property) != "null";
        let set: Vec<UserProperty> = properties.iter().copied().filter(is_set).collect();
        self.row(&set)
    }

    /// The properties in which the two differ.
    pub(crate) fn differences(&self, other: &Self) -> PropertySet {
        let differs = |property: &UserProperty| self.value(*property) != other.value(*property);
        PropertySet::of(UserProperty::ALL.iter().copied().filter(differs))
    }

    fn value(&self, property: UserProperty) -> String {
        let mut value = String::new();
        self.push_property(property, &mut value);
        value
    }

    fn push_property(&self, property: UserProperty, row: &mut String) {
        use UserProperty as P;
        match property {
            P::Id => push_text(row, &self.id.to_string()),
            P::AccountEnabled => row.push_str(if self.account_enabled { "true" } else { "false" }),
            P::AssignedLicenses => self.push_licenses(row),
            P::BusinessPhones => push_texts(row, self.business_phones.as_deref()),
            P::CompanyName => push_optional(row, self.company_name.as_deref()),
            P::CreatedDateTime => push_text(row, &self.created.to_string()),
            P::Department => push_optional(row, self.department.as_deref()),
            P::DisplayName => push_optional(row, self.display_name.as_deref()),
            P::EmployeeId => push_optional(row, self.employee_id.as_deref()),
            P::ExternalUserState => push_optional(row, self.external_user_state.as_deref()),
            P::GivenName => push_optional(row, self.given_name.as_deref()),
            P::JobTitle => push_optional(row, self.job_title.as_deref()),
            P::Mail => push_optional(row, self.mail.as_deref()),
            P::MailNickname => push_optional(row, self.user_principal_name.split('@').next()),
            P::MobilePhone => push_optional(row, self.mobile_phone.as_deref()),
            P::OfficeLocation => push_optional(row, self.office_location.as_deref()),
            P::OnPremisesSyncEnabled => row.push_str(match self.on_premises_sync_enabled {
                Some(true) => "true",
                Some(false) => "false",
                None => "null",
            }),
            P::OtherMails => push_texts(row, Some(&self.other_mails)),
            P::PreferredLanguage => push_optional(row, self.preferred_language.as_deref()),
            P::ProxyAddresses => push_texts(row, self.proxy_addresses.as_deref()),
            P::SecurityIdentifier => push_text(row, &self.security_identifier()),
            P::Surname => push_optional(row, self.surname.as_deref()),
            P::UsageLocation => push_optional(row, self.usage_location.as_deref()),
            P::UserPrincipalName => push_text(row, &self.user_principal_name),
            P::UserType => push_optional(row, self.user_type.as_deref()),
            // Nobody in these directories fills in a postal address or an employee type.
            P::City
            | P::Country
            | P::DeletedDateTime
            | P::EmployeeType
            | P::PostalCode
            | P::State
            | P::StreetAddress => row.push_str("null"),
        }
    }

    fn push_licenses(&self, row: &mut String) {
        row.push('[');
        for (number, sku) in self.licenses.iter().enumerate() {
            row.push_str(if number == 0 { "" } else { "," });
            row.push_str("{\"disabledPlans\":[],\"skuId\":");
            push_text(row, &sku.to_string());
            row.push('}');
        }
        row.push(']');
    }

    /// `S-1-12-1-` and the object id as four numbers, as for every cloud account.
    fn security_identifier(&self) -> String {
        let id = self.id.uuid();
        let (a, b, c, d) = id.as_fields();
        let pair = u32::from(b) | (u32::from(c) << 16);
        let low = u32::from_le_bytes([d[0], d[1], d[2], d[3]]);
        let high = u32::from_le_bytes([d[4], d[5], d[6], d[7]]);
        format!("S-1-12-1-{a}-{pair}-{low}-{high}")
    }
}

fn push_optional(row: &mut String, text: Option<&str>) {
    match text {
        Some(text) => push_text(row, text),
        None => row.push_str("null"),
    }
}

fn push_texts(row: &mut String, texts: Option<&[String]>) {
    let Some(texts) = texts else { return row.push_str("null") };
    row.push('[');
    for (number, text) in texts.iter().enumerate() {
        if number > 0 {
            row.push(',');
        }
        push_text(row, text);
    }
    row.push(']');
}

/// Appends a JSON string; hardly any text needs escaping.
fn push_text(row: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        row.push_str(&Value::from(text).to_string());
        return;
    }
    row.push('"');
    row.push_str(text);
    row.push('"');
}

macro_rules! user_properties {
    ($($variant:ident = $name:literal,)*) => {
        /// A property of a user that this fake holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum UserProperty { $($variant,)* }

        impl UserProperty {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant),*];

            pub(crate) fn parse(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            pub(crate) fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

user_properties! {
    Id = "id",
    AccountEnabled = "accountEnabled",
    AssignedLicenses = "assignedLicenses",
    BusinessPhones = "businessPhones",
    City = "city",
    CompanyName = "companyName",
    Country = "country",
    CreatedDateTime = "createdDateTime",
    DeletedDateTime = "deletedDateTime",
    Department = "department",
    DisplayName = "displayName",
    EmployeeId = "employeeId",
    EmployeeType = "employeeType",
    ExternalUserState = "externalUserState",
    GivenName = "givenName",
    JobTitle = "jobTitle",
    Mail = "mail",
    MailNickname = "mailNickname",
    MobilePhone = "mobilePhone",
    OfficeLocation = "officeLocation",
    OnPremisesSyncEnabled = "onPremisesSyncEnabled",
    OtherMails = "otherMails",
    PostalCode = "postalCode",
    PreferredLanguage = "preferredLanguage",
    ProxyAddresses = "proxyAddresses",
    SecurityIdentifier = "securityIdentifier",
    State = "state",
    StreetAddress = "streetAddress",
    Surname = "surname",
    UsageLocation = "usageLocation",
    UserPrincipalName = "userPrincipalName",
    UserType = "userType",
}

/// A set of properties.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PropertySet(u64);

impl PropertySet {
    pub(crate) const ALL: Self = Self(u64::MAX);

    pub(crate) fn of(properties: impl IntoIterator<Item = UserProperty>) -> Self {
        Self(properties.into_iter().fold(0, |set, property| set | (1 << property as u64)))
    }

    pub(crate) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// What a listing without `$select` returns (learn.microsoft.com/graph/api/user-list).
pub(crate) const DEFAULT_PROPERTIES: [UserProperty; 11] = [
    UserProperty::BusinessPhones,
    UserProperty::DisplayName,
    UserProperty::GivenName,
    UserProperty::Id,
    UserProperty::JobTitle,
    UserProperty::Mail,
    UserProperty::MobilePhone,
    UserProperty::OfficeLocation,
    UserProperty::PreferredLanguage,
    UserProperty::Surname,
    UserProperty::UserPrincipalName,
];

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn differences_are_told_by_property() {
        let id = "87d349ed-44d7-43e1-9a83-5f2406dee5bd".parse().unwrap();
        let user = User::member(id, "Mira Sund", "mira@a.example", Timestamp::UNIX_EPOCH);
        let mut other = user.clone();
        assert_eq!(user.differences(&other), PropertySet::default());
        other.job_title = Some(String::new());
        other.user_principal_name = "sund@a.example".to_owned();
        let expected = [UserProperty::JobTitle, UserProperty::MailNickname, UserProperty::UserPrincipalName];
        assert_eq!(user.differences(&other), PropertySet::of(expected));
        assert!(!user.differences(&other).meets(PropertySet::of([UserProperty::Mail])));
    }

    #[test]
    fn a_row_is_json_whatever_the_texts_hold() {
        let id = "87d349ed-44d7-43e1-9a83-5f2406dee5bd".parse().unwrap();
        let mut user = User::member(id, "\"Mira\" \\ \u{7}Sund\n", "mira@a.example", Timestamp::UNIX_EPOCH);
        user.proxy_addresses = None;
        user.licenses = vec![Uuid::nil(), Uuid::max()];
        let properties =
            ["displayName", "proxyAddresses", "assignedLicenses", "businessPhones", "createdDateTime"]
                .map(|name| UserProperty::parse(name).unwrap());
        let row: Value = serde_json::from_str(&user.row(&properties)).unwrap();
        assert_eq!(
            row,
            json!({
                "displayName": "\"Mira\" \\ \u{7}Sund\n",
                "proxyAddresses": null,
                "assignedLicenses": [
                    { "skuId": Uuid::nil().to_string(), "disabledPlans": [] },
                    { "skuId": Uuid::max().to_string(), "disabledPlans": [] },
                ],
                "businessPhones": [],
                "createdDateTime": "1970-01-01T00:00:00Z",
            })
        );
    }
}
