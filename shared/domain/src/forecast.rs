//! What a connection is made of and ends by itself, and how many days that leaves.
//!
//! Nothing here asks anybody: it is a sum over dates that are known, so it holds on a day when
//! nothing can be asked any more.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::Serialize;

/// From how many days before its end on something is told about.
pub const NOTICE_DAYS: i64 = 30;

/// Days after which Microsoft ends a sign-in that nobody renews: the lifetime of a refresh token of a
/// confidential client (Microsoft identity platform, "Refresh tokens").
pub const SIGN_IN_DAYS: i64 = 90;

/// What ends.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The client secret of the Microsoft app registration.
    AppClientSecret,
    /// The client secret of the API client for CIPP.
    CippClientSecret,
    /// A token for CIPP that was entered.
    CippToken,
    /// The sign-in that is stored, when nobody renews it.
    SignIn,
    /// The partner's access to one customer.
    TenantAccess,
}

impl Subject {
    /// Its stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AppClientSecret => "app_client_secret",
            Self::CippClientSecret => "cipp_client_secret",
            Self::CippToken => "cipp_token",
            Self::SignIn => "sign_in",
            Self::TenantAccess => "tenant_access",
        }
    }
}

/// How much time is left.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// It has ended.
    Ended,
    /// It ends within [`NOTICE_DAYS`].
    Soon,
    /// Nobody has told when it ends.
    Unknown,
    /// It lasts longer.
    Fine,
}

/// One thing that ends.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outlook {
    /// What ends.
    pub subject: Subject,
    /// The customer, for [`Subject::TenantAccess`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// When; `None` when nobody has told.
    pub ends_at: Option<Timestamp>,
    /// Whole days until then, negative once it has passed.
    pub days_left: Option<i64>,
    /// How much time that is.
    pub urgency: Urgency,
    /// What happens then, and what that means for contacts.
    pub meaning: String,
    /// What to do, and where.
    pub step: String,
}

impl Outlook {
    /// Stable code of how much time is left; `None` when nobody has to do anything.
    pub const fn code(&self) -> Option<&'static str> {
        match self.urgency {
            Urgency::Ended => Some("ended"),
            Urgency::Soon => Some("ends_soon"),
            Urgency::Unknown => Some("end_unknown"),
            Urgency::Fine => None,
        }
    }

    /// Whether an operator has to be told without asking.
    pub const fn is_pressing(&self) -> bool {
        matches!(self.urgency, Urgency::Ended | Urgency::Soon)
    }
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Credential {
    /// An API client for CIPP.
    CippClient {
        /// When its secret ends, if an operator said so.
        secret_ends: Option<Timestamp>,
    },
    /// A token for CIPP that was entered.
    CippToken {
        /// When it ends, if it tells.
        ends: Option<Timestamp>,
    },
    /// A sign-in at Microsoft with an app registration.
    Direct {
        /// When the app's client secret ends, if an operator said so.
        secret_ends: Option<Timestamp>,
        /// When somebody signed in, or the sign-in was renewed last.
        renewed_at: Timestamp,
    },
}

/// The partner's access to a customer whose people are synced.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TenantAccess {
    /// The customer's name.
    pub name: String,
    /// When it ends, if it does by itself.
    pub ends: Option<Timestamp>,
}

/// Reads the day, or the moment, on which an operator says a client secret ends. A day counts until it
/// begins (UTC), so that the forecast errs on the early side.
pub fn end_of_secret(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let day = |day: jiff::civil::Date| day.to_zoned(TimeZone::UTC).ok().map(|start| start.timestamp());
    text.parse().ok().or_else(|| text.parse().ok().and_then(day))
}

/// Everything that ends by itself, the most pressing first. Customers whose access lasts are left out.
pub fn forecast(now: Timestamp, credential: Credential, tenants: &[TenantAccess]) -> Vec<Outlook> {
    let outlook = |subject, ends| Outlook::new(now, subject, None, ends);
    let mut all = match credential {
        Credential::CippClient { secret_ends } => vec![outlook(Subject::CippClientSecret, secret_ends)],
        Credential::CippToken { ends } => vec![outlook(Subject::CippToken, ends)],
        Credential::Direct { secret_ends, renewed_at } => vec![
            outlook(Subject::AppClientSecret, secret_ends),
            outlook(Subject::SignIn, end_of_sign_in(renewed_at)),
        ],
    };
    let of_tenants = tenants.iter().filter(|tenant| tenant.ends.is_some());
    let of_tenants =
        of_tenants.map(|tenant| Outlook::new(now, Subject::TenantAccess, Some(&tenant.name), tenant.ends));
    all.extend(of_tenants.filter(Outlook::is_pressing));
    all.sort_by_key(|outlook| (outlook.urgency, outlook.ends_at, outlook.subject, outlook.tenant.clone()));
    all
}

/// When a sign-in ends that is not renewed again.
fn end_of_sign_in(renewed_at: Timestamp) -> Option<Timestamp> {
    renewed_at.checked_add(SignedDuration::from_hours(24 * SIGN_IN_DAYS)).ok()
}

impl Outlook {
    fn new(now: Timestamp, subject: Subject, tenant: Option<&str>, ends_at: Option<Timestamp>) -> Self {
        let days_left = ends_at.map(|at| at.duration_since(now).as_secs().div_euclid(24 * 60 * 60));
        let urgency = match (ends_at, days_left) {
            (Some(at), _) if at <= now => Urgency::Ended,
            (_, Some(days)) if days < NOTICE_DAYS => Urgency::Soon,
            (Some(_), _) => Urgency::Fine,
            (None, _) => Urgency::Unknown,
        };
        let (meaning, step) = told(subject, tenant, urgency);
        let tenant = tenant.map(str::to_owned);
        Self { subject, tenant, ends_at, days_left, urgency, meaning, step: step.to_owned() }
    }
}

/// What the end means, and what to do.
fn told(subject: Subject, tenant: Option<&str>, urgency: Urgency) -> (String, &'static str) {
    let unread = "no customer can be read; contacts stay as they are";
    let name = tenant.unwrap_or("the customer");
    let meaning = match (subject, urgency) {
        (Subject::AppClientSecret, Urgency::Unknown) => {
            format!(
                "Microsoft does not tell when the client secret of the app registration ends. After it, {unread}."
            )
        }
        (Subject::CippClientSecret, Urgency::Unknown) => {
            format!("Nobody has told when the secret of the API client for CIPP ends. After it, {unread}.")
        }
        (Subject::CippToken, Urgency::Unknown) => {
            format!(
                "The token for CIPP does not tell when it ends, mostly within the hour. After it, {unread}."
            )
        }
        (Subject::AppClientSecret, _) => {
            format!("The client secret of the app registration has an end. After it, {unread}.")
        }
        (Subject::CippClientSecret, _) => {
            format!("The secret of the API client for CIPP has an end. After it, {unread}.")
        }
        (Subject::CippToken, _) => {
            format!("The token for CIPP that was entered has an end. After it, {unread}.")
        }
        (Subject::SignIn, _) => {
            format!(
                "The sign-in ends {SIGN_IN_DAYS} days after it was made or last renewed, however often it is used. After \
                 its end, {unread}."
            )
        }
        (Subject::TenantAccess, _) => format!(
            "The GDAP relationship with {name} has an end and does not extend itself. After it, the people of \
             {name} cannot be read; its contacts stay as they are."
        ),
    };
    (meaning, step(subject, urgency))
}

const fn step(subject: Subject, urgency: Urgency) -> &'static str {
    match (subject, urgency) {
        (Subject::AppClientSecret, Urgency::Unknown) => {
            "Look it up in the Entra admin center (App registrations, your app, Certificates & secrets) and keep the \
             day beside the secret, as microsoft_client_secret_expires_at or MICROSOFT_CLIENT_SECRET_EXPIRES_AT."
        }
        (Subject::CippClientSecret, Urgency::Unknown) => {
            "Look it up in the Entra admin center (App registrations, the API client, Certificates & secrets) and \
             say the day when you connect to CIPP (clientSecretExpiresAt)."
        }
        (Subject::AppClientSecret | Subject::CippClientSecret, Urgency::Fine) => {
            "Nothing now. You are told a month ahead."
        }
        (Subject::AppClientSecret, _) => {
            "Create a new client secret in the Entra admin center (App registrations, your app, Certificates & \
             secrets), store it with its day in place of the old one, validate the connection, then delete the old \
             one in Entra."
        }
        (Subject::CippClientSecret, _) => {
            "Create a new secret for the API client (CIPP: Integrations, CIPP-API), connect to CIPP again with it, \
             then delete the old one."
        }
        (Subject::CippToken, _) => {
            "Connect to CIPP with an API client instead: it makes its tokens itself. Or connect again with a new token."
        }
        (Subject::SignIn, Urgency::Ended) => "Connect again with a work account of your partner tenant.",
        (Subject::SignIn, Urgency::Fine) => "Nothing, as long as it is renewed.",
        (Subject::SignIn, Urgency::Soon | Urgency::Unknown) => {
            "Look in the log why the weekly renewal fails, or connect again."
        }
        (Subject::TenantAccess, Urgency::Ended) => {
            "Ask the customer for a new GDAP relationship in Partner Center, give its roles to your security group, \
             then discover again."
        }
        (Subject::TenantAccess, _) => {
            "Extend the relationship in Partner Center (Customers, Admin relationships), or switch its auto extend \
             on. That is seen within a day, or when you discover again."
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn days(now: Timestamp, days: i64) -> Timestamp {
        now + SignedDuration::from_hours(24 * days)
    }

    fn customer(name: &str, ends: Option<Timestamp>) -> TenantAccess {
        TenantAccess { name: name.to_owned(), ends }
    }

    #[test]
    fn how_much_time_is_left() {
        let now = at("2026-11-26T12:00:00Z");
        for (ends, days_left, urgency) in [
            (Some(days(now, -3)), Some(-3), Urgency::Ended),
            (Some(now), Some(0), Urgency::Ended),
            (Some(now - SignedDuration::from_secs(1)), Some(-1), Urgency::Ended),
            (Some(now + SignedDuration::from_secs(1)), Some(0), Urgency::Soon),
            (Some(days(now, 14)), Some(14), Urgency::Soon),
            (Some(days(now, 29)), Some(29), Urgency::Soon),
            (Some(days(now, 30)), Some(30), Urgency::Fine),
            (None, None, Urgency::Unknown),
        ] {
            let all = forecast(now, Credential::CippClient { secret_ends: ends }, &[]);
            let [outlook] = all.as_slice() else { panic!("{all:?}") };
            assert_eq!((outlook.days_left, outlook.urgency), (days_left, urgency), "{ends:?}");
        }
    }

    #[test]
    fn the_most_pressing_comes_first_and_lasting_access_is_not_told() {
        let now = at("2026-11-26T12:00:00Z");
        let credential = Credential::Direct { secret_ends: None, renewed_at: now };
        let tenants = [
            customer("Lasting", Some(days(now, 200))),
            customer("Endless", None),
            customer("Soon", Some(days(now, 20))),
            customer("Gone", Some(days(now, -1))),
            customer("Sooner", Some(days(now, 2))),
        ];
        let all = forecast(now, credential, &tenants);
        let told: Vec<_> =
            all.iter().map(|it| (it.subject, it.tenant.as_deref(), it.urgency, it.days_left)).collect();
        assert_eq!(
            told,
            [
                (Subject::TenantAccess, Some("Gone"), Urgency::Ended, Some(-1)),
                (Subject::TenantAccess, Some("Sooner"), Urgency::Soon, Some(2)),
                (Subject::TenantAccess, Some("Soon"), Urgency::Soon, Some(20)),
                (Subject::AppClientSecret, None, Urgency::Unknown, None),
                (Subject::SignIn, None, Urgency::Fine, Some(90)),
            ]
        );
    }

    #[test]
    fn a_sign_in_that_nobody_renews_is_told_about_a_month_ahead() {
        let used = at("2026-01-01T00:00:00Z");
        for (day, urgency) in [
            (0, Urgency::Fine),
            (59, Urgency::Fine),
            (61, Urgency::Soon),
            (89, Urgency::Soon),
            (90, Urgency::Ended),
        ] {
            let credential = Credential::Direct { secret_ends: None, renewed_at: used };
            let all = forecast(used + SignedDuration::from_hours(24 * day), credential, &[]);
            let sign_in = all.iter().find(|it| it.subject == Subject::SignIn).unwrap();
            assert_eq!(sign_in.urgency, urgency, "day {day}");
        }
    }

    #[test]
    fn every_case_says_what_it_means_and_what_to_do() {
        use Subject::{AppClientSecret, CippClientSecret, CippToken, SignIn, TenantAccess};
        let mut steps = std::collections::BTreeSet::new();
        for subject in [AppClientSecret, CippClientSecret, CippToken, SignIn, TenantAccess] {
            for urgency in [Urgency::Ended, Urgency::Soon, Urgency::Unknown, Urgency::Fine] {
                let (meaning, step) = told(subject, Some("Contoso"), urgency);
                assert!(meaning.ends_with('.') && step.ends_with('.'), "{subject:?} {urgency:?}");
                assert!(meaning.contains("contacts stay"), "{subject:?} {urgency:?}: {meaning}");
                steps.insert(step);
            }
            assert_eq!(serde_json::to_value(subject).unwrap(), subject.name());
        }
        assert!(steps.len() > 9, "{steps:#?}");
    }

    #[test]
    fn the_day_of_a_secret() {
        let day = Some(at("2027-03-01T00:00:00Z"));
        for (text, expected) in [
            ("2027-03-01", day),
            (" 2027-03-01\n", day),
            ("2027-03-01T00:00:00Z", day),
            ("2027-03-01T01:00:00+01:00", day),
            ("01.03.2027", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(end_of_secret(text), expected, "{text:?}");
        }
    }

    proptest! {
        /// Whatever the dates are: nothing is told twice, what presses comes first, and what ends within two
        /// weeks always presses.
        #[test]
        fn nothing_ends_without_notice(ends in prop::collection::vec(prop::option::of(-400_i64..4_000), 0..20)) {
            let now = at("2026-11-26T12:00:00Z");
            let tenants: Vec<_> = ends
                .iter()
                .enumerate()
                .map(|(number, ends)| customer(&number.to_string(), ends.map(|end| days(now, end))))
                .collect();
            let all = forecast(now, Credential::CippToken { ends: None }, &tenants);
            for (number, ends) in ends.iter().enumerate() {
                let told = all.iter().filter(|it| it.tenant.as_deref() == Some(&*number.to_string())).count();
                let presses = ends.is_some_and(|days| days < NOTICE_DAYS);
                prop_assert_eq!(told, usize::from(presses));
            }
            prop_assert!(all.is_sorted_by_key(|it| it.urgency));
        }
    }
}
