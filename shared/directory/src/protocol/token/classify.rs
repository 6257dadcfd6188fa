//! What a refused token means and for whom. The `error`, the status and the authority decide
//! whether the connection or one customer is concerned; AADSTS numbers, which may change at any
//! time, only choose the better code
//! (learn.microsoft.com/entra/identity-platform/reference-error-codes).

use Verdict::{Fail, ProbePartner, Retry};

use super::{
    Authority,
    answer::{TokenAnswerError, numbers_in},
};
use crate::error::{Code, Diagnostics, ErrorClass, ReadError, identifier};

/// What follows from a refusal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It is this.
    Fail(Code),
    /// The cause may lie in the connection: refresh once at the partner's authority. When that
    /// succeeds it is this customer, with this code; see [`settle`].
    ProbePartner(Code),
    /// Wait and try again; the code is for when it is tried too often.
    Retry(Code),
}

/// Numbers with the same meaning.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// AADSTS numbers.
    pub numbers: &'static [u32],
    /// At the partner's authority; `None`: the number says nothing there.
    pub partner: Option<Verdict>,
    /// At a customer's authority; `None`: the number says nothing there.
    pub customer: Option<Verdict>,
}

const fn rule(numbers: &'static [u32], partner: Option<Verdict>, customer: Option<Verdict>) -> Rule {
    Rule { numbers, partner, customer }
}

/// The meaning of numbers, by authority.
pub const RULES: &[Rule] = &[
    rule(
        &[50072, 50074, 50076, 50078, 50079, 50158],
        Some(Fail(Code::SignInMfaRequired)),
        Some(Fail(Code::CustomerMfaRequired)),
    ),
    rule(
        &[53000, 53001, 53002, 53003, 50097, 50131, 530_035],
        Some(Fail(Code::SignInBlockedByPolicy)),
        Some(Fail(Code::ConditionalAccessBlocked)),
    ),
    rule(&[530_034], None, Some(Fail(Code::DelegatedAdminBlocked))),
    rule(&[65001], Some(Fail(Code::AppConsentMissing)), Some(Fail(Code::ConsentMissing))),
    rule(&[65004], Some(Fail(Code::ConsentDeclined)), None),
    rule(&[90094, 90093], Some(Fail(Code::AdminApprovalNeeded)), None),
    rule(
        &[650_052, 650_056, 650_057, 500_011],
        Some(Fail(Code::AppRegistrationIncomplete)),
        Some(ProbePartner(Code::ServiceMissing)),
    ),
    rule(&[700_016, 700_011], Some(Fail(Code::AppUnknown)), Some(Fail(Code::ConsentMissing))),
    rule(&[50194], None, Some(Fail(Code::AppSingleTenant))),
    rule(&[7_000_215], Some(Fail(Code::ClientSecretInvalid)), Some(ProbePartner(Code::CustomerAppRejected))),
    rule(&[7_000_222], Some(Fail(Code::ClientSecretExpired)), Some(ProbePartner(Code::CustomerAppRejected))),
    rule(
        &[700_027],
        Some(Fail(Code::ClientCertificateRejected)),
        Some(ProbePartner(Code::CustomerAppRejected)),
    ),
    rule(
        &[700_082, 70008],
        Some(Fail(Code::SignInExpired)),
        Some(ProbePartner(Code::CustomerSignInRejected)),
    ),
    rule(
        &[50173, 50089, 70043],
        Some(Fail(Code::SignInRevoked)),
        Some(ProbePartner(Code::CustomerSignInRejected)),
    ),
    rule(&[700_084], Some(Fail(Code::RedirectNotWeb)), None),
    rule(&[54005, 501_481], Some(Fail(Code::SignInCodeRejected)), None),
    rule(&[50011], Some(Fail(Code::RedirectNotRegistered)), None),
    rule(
        &[50020, 50177, 50034, 51004, 50014],
        Some(Fail(Code::PartnerAccountUnknown)),
        Some(Fail(Code::RelationshipMissing)),
    ),
    rule(
        &[50057, 50055, 50053],
        Some(Fail(Code::PartnerAccountDisabled)),
        Some(ProbePartner(Code::CustomerSignInRejected)),
    ),
    rule(
        &[90002, 900_023, 50128, 50059, 5_000_224],
        Some(Fail(Code::PartnerTenantUnknown)),
        Some(Fail(Code::TenantGone)),
    ),
    rule(&[500_212, 500_213], None, Some(Fail(Code::CrossTenantAccessBlocked))),
    rule(&[50196], Some(Retry(Code::LoginThrottled)), Some(Retry(Code::LoginThrottled))),
    rule(&[50033, 90033], Some(Retry(Code::LoginUnavailable)), Some(Retry(Code::LoginUnavailable))),
];

/// What a refusal with `status` at `authority` means.
pub fn classify(authority: Authority, status: u16, refusal: &TokenAnswerError) -> Verdict {
    match status {
        429 => return Retry(Code::LoginThrottled),
        408 | 500..=599 => return Retry(Code::LoginUnavailable),
        _ => {}
    }
    let Some(by_error) = by_error(authority, &refusal.error) else {
        // Not an answer of the token endpoint: something stands in between.
        return Retry(Code::AnswerUnreadable);
    };
    if matches!(by_error, Retry(_)) {
        return by_error;
    }
    let customer = authority.is_customer();
    let mut known =
        RULES.iter().filter(|rule| rule.numbers.iter().any(|number| refusal.numbers.contains(number)));
    let better = known.find_map(|rule| if customer { rule.customer } else { rule.partner });
    match better {
        // `invalid_client` may be the app itself whatever the number says.
        Some(Fail(code)) if customer && refusal.error == "invalid_client" => ProbePartner(code),
        Some(better) => better,
        None => by_error,
    }
}

/// The meaning of `error` alone; `None` when it is not one of OAuth's.
fn by_error(authority: Authority, error: &str) -> Option<Verdict> {
    let (partner, customer) = match error {
        "invalid_grant" => {
            (Some(Fail(Code::SignInRejected)), Some(ProbePartner(Code::CustomerSignInRejected)))
        }
        "interaction_required" | "login_required" => {
            (Some(Fail(Code::SignInRejected)), Some(Fail(Code::CustomerMfaRequired)))
        }
        "consent_required" => (Some(Fail(Code::AppConsentMissing)), Some(Fail(Code::ConsentMissing))),
        "access_denied" => (Some(Fail(Code::ConsentDeclined)), Some(Fail(Code::CustomerSignInRejected))),
        "invalid_client" => {
            (Some(Fail(Code::AppCredentialsRejected)), Some(ProbePartner(Code::CustomerAppRejected)))
        }
        "unauthorized_client" => (Some(Fail(Code::AppUnknown)), Some(Fail(Code::ConsentMissing))),
        "invalid_resource" => (Some(Fail(Code::AppRegistrationIncomplete)), Some(Fail(Code::ServiceMissing))),
        "invalid_tenant" => (Some(Fail(Code::PartnerTenantUnknown)), Some(Fail(Code::TenantGone))),
        "invalid_request" | "invalid_scope" | "unsupported_grant_type" | "unsupported_response_type" => {
            (Some(Fail(Code::TokenRequestRejected)), Some(Fail(Code::TokenRequestRejected)))
        }
        "temporarily_unavailable" | "server_error" => {
            (Some(Retry(Code::LoginUnavailable)), Some(Retry(Code::LoginUnavailable)))
        }
        _ => (None, None),
    };
    if authority.is_customer() { customer } else { partner }
}

/// Decides a [`Verdict::ProbePartner`]: `customer` is the error to use when the customer is
/// concerned, `partner` the outcome of the one refresh at the partner's authority. As long as
/// the partner's authority does not answer, nothing is decided and nobody blamed.
pub fn settle(customer: ReadError, partner: Result<(), ReadError>) -> ReadError {
    match partner {
        Ok(()) => customer,
        Err(error) => error,
    }
}

/// What the `error` of a sign-in callback means. `description` is only searched for numbers.
pub fn callback_refused(error: &str, description: Option<&str>) -> ReadError {
    let numbers = numbers_in(description.unwrap_or_default());
    let refusal = TokenAnswerError { error: error.to_owned(), suberror: None, numbers };
    let code = match classify(Authority::Organizations, 400, &refusal) {
        Retry(Code::AnswerUnreadable) => Code::SignInRejected,
        Fail(code) | ProbePartner(code) | Retry(code) => code,
    };
    let diagnostics =
        Diagnostics { error: identifier(error), aadsts: refusal.numbers, ..Diagnostics::default() };
    ReadError::new(code).with_diagnostics(diagnostics)
}

/// Whether `error` says that the connection itself is refused.
pub(crate) fn concerns_connection(error: &ReadError) -> bool {
    error.class() == ErrorClass::CredentialRejected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn authority(customer: bool) -> Authority {
        let tenant = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d".parse().unwrap();
        if customer { Authority::Customer(tenant) } else { Authority::Partner(tenant) }
    }

    fn verdict(customer: bool, status: u16, error: &str, numbers: &[u32]) -> Verdict {
        let refusal = TokenAnswerError { error: error.to_owned(), suberror: None, numbers: numbers.to_vec() };
        classify(authority(customer), status, &refusal)
    }

    #[test]
    fn who_must_act() {
        for (error, numbers, partner, customer) in [
            ("invalid_grant", &[50076][..], Fail(Code::SignInMfaRequired), Fail(Code::CustomerMfaRequired)),
            (
                "interaction_required",
                &[53003],
                Fail(Code::SignInBlockedByPolicy),
                Fail(Code::ConditionalAccessBlocked),
            ),
            ("invalid_grant", &[530_034], Fail(Code::SignInRejected), Fail(Code::DelegatedAdminBlocked)),
            ("invalid_grant", &[65001], Fail(Code::AppConsentMissing), Fail(Code::ConsentMissing)),
            ("consent_required", &[], Fail(Code::AppConsentMissing), Fail(Code::ConsentMissing)),
            (
                "invalid_client",
                &[650_052],
                Fail(Code::AppRegistrationIncomplete),
                ProbePartner(Code::ServiceMissing),
            ),
            ("unauthorized_client", &[700_016], Fail(Code::AppUnknown), Fail(Code::ConsentMissing)),
            ("invalid_client", &[700_016], Fail(Code::AppUnknown), ProbePartner(Code::ConsentMissing)),
            ("invalid_request", &[50194], Fail(Code::TokenRequestRejected), Fail(Code::AppSingleTenant)),
            (
                "invalid_client",
                &[7_000_215],
                Fail(Code::ClientSecretInvalid),
                ProbePartner(Code::CustomerAppRejected),
            ),
            (
                "invalid_client",
                &[7_000_222],
                Fail(Code::ClientSecretExpired),
                ProbePartner(Code::CustomerAppRejected),
            ),
            (
                "invalid_client",
                &[],
                Fail(Code::AppCredentialsRejected),
                ProbePartner(Code::CustomerAppRejected),
            ),
            (
                "invalid_grant",
                &[700_082],
                Fail(Code::SignInExpired),
                ProbePartner(Code::CustomerSignInRejected),
            ),
            (
                "invalid_grant",
                &[50173],
                Fail(Code::SignInRevoked),
                ProbePartner(Code::CustomerSignInRejected),
            ),
            (
                "invalid_grant",
                &[50057],
                Fail(Code::PartnerAccountDisabled),
                ProbePartner(Code::CustomerSignInRejected),
            ),
            ("invalid_grant", &[50020], Fail(Code::PartnerAccountUnknown), Fail(Code::RelationshipMissing)),
            ("invalid_request", &[90002], Fail(Code::PartnerTenantUnknown), Fail(Code::TenantGone)),
            ("invalid_grant", &[500_212], Fail(Code::SignInRejected), Fail(Code::CrossTenantAccessBlocked)),
            ("invalid_grant", &[50196], Retry(Code::LoginThrottled), Retry(Code::LoginThrottled)),
            (
                "invalid_grant",
                &[999_999],
                Fail(Code::SignInRejected),
                ProbePartner(Code::CustomerSignInRejected),
            ),
            ("invalid_scope", &[], Fail(Code::TokenRequestRejected), Fail(Code::TokenRequestRejected)),
            (
                "temporarily_unavailable",
                &[50076],
                Retry(Code::LoginUnavailable),
                Retry(Code::LoginUnavailable),
            ),
        ] {
            assert_eq!(verdict(false, 400, error, numbers), partner, "partner {error} {numbers:?}");
            assert_eq!(verdict(true, 400, error, numbers), customer, "customer {error} {numbers:?}");
        }
    }

    #[test]
    fn the_status_wins_over_the_body() {
        for (status, code) in
            [(429, Code::LoginThrottled), (500, Code::LoginUnavailable), (503, Code::LoginUnavailable)]
        {
            for customer in [false, true] {
                assert_eq!(verdict(customer, status, "invalid_grant", &[700_082]), Retry(code), "{status}");
            }
        }
        assert_eq!(verdict(true, 403, "", &[]), Retry(Code::AnswerUnreadable));
    }

    #[test]
    fn only_the_partner_authority_breaks_the_connection() {
        for rule in RULES {
            if let Some(Fail(code)) = rule.partner {
                assert_eq!(code.class(), ErrorClass::CredentialRejected, "{:?}", rule.numbers);
            }
            if let Some(Fail(code) | ProbePartner(code)) = rule.customer {
                assert_eq!(code.class(), ErrorClass::AccessLost, "{:?}", rule.numbers);
            }
        }
    }

    #[test]
    fn no_number_has_two_meanings() {
        let mut numbers: Vec<u32> = RULES.iter().flat_map(|rule| rule.numbers).copied().collect();
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), all);
    }

    #[test]
    fn a_probe_decides_or_blames_nobody() {
        let customer = || ReadError::new(Code::CustomerSignInRejected);
        assert_eq!(settle(customer(), Ok(())).code(), Code::CustomerSignInRejected);
        for code in [Code::SignInExpired, Code::LoginUnavailable, Code::LoginThrottled] {
            assert_eq!(settle(customer(), Err(code.into())).code(), code);
        }
    }

    #[test]
    fn callback_errors() {
        for (error, description, expected) in [
            ("access_denied", Some("AADSTS65004: User declined to consent"), Code::ConsentDeclined),
            ("access_denied", Some("AADSTS90094: needs an administrator"), Code::AdminApprovalNeeded),
            ("access_denied", None, Code::ConsentDeclined),
            ("login_required", None, Code::SignInRejected),
            ("server_error", None, Code::LoginUnavailable),
            ("<script>", Some("<script>"), Code::SignInRejected),
        ] {
            let refused = callback_refused(error, description);
            assert_eq!(refused.code(), expected, "{error}");
            assert!(!format!("{refused:?}").contains("script"));
        }
    }
}
