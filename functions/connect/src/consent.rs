//! Where a customer's administrator ends up who has opened the page of consent: somebody who is no user of the PSA.

use axum::{
    http::{
        HeaderName, HeaderValue,
        header::{CACHE_CONTROL, REFERRER_POLICY},
    },
    response::IntoResponse,
};
use url::form_urlencoded;

const GIVEN: &str = "Thank you. Microsoft has noted the consent; you can close this page. The MSP's next sync, or its \
                     examination of the connection, shows whether it is enough.";
const NOT_GIVEN: &str = "The consent was not given, and nothing was changed. It takes an administrator of this \
                         organization; the MSP can send you the page again.";

/// What is said to whoever comes back from the page of consent; `None` for everybody else. It is a hint and no proof:
/// nothing is stored, and nothing of the query is shown (learn.microsoft.com/entra/identity-platform/v2-admin-consent).
pub(crate) fn page(query: &str) -> Option<impl IntoResponse + use<>> {
    let has = |wanted: &str| form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == wanted);
    let is_of_a_sign_in = has("code") || !has("admin_consent");
    if is_of_a_sign_in {
        return None;
    }
    // A refusal may carry `admin_consent=True` all the same.
    let text = if has("error") { NOT_GIVEN } else { GIVEN };
    let headers: [(HeaderName, HeaderValue); 2] = [
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    ];
    Some((headers, text))
}

#[cfg(test)]
mod tests {
    use ambient::{Entropy, SeededEntropy};

    use super::*;

    /// Parts of queries in any order, cut off anywhere and with bytes that are no text.
    #[test]
    fn whatever_a_query_says_nobody_with_a_code_is_kept_from_the_sign_in() {
        const PARTS: [&str; 9] =
            ["code=", "admin_consent=True", "error=x", "state=", "&", "=", "%", "%ff", "\u{0}%00é"];
        let entropy = SeededEntropy::new(1);
        for _ in 0..5_000 {
            let mut drawn = [0; 12];
            entropy.fill(&mut drawn);
            let query: String = drawn.iter().map(|byte| PARTS[usize::from(*byte) % PARTS.len()]).collect();
            let names: Vec<_> = form_urlencoded::parse(query.as_bytes()).map(|(name, _)| name).collect();
            let is_thanked = page(&query).is_some();
            assert!(!is_thanked || names.iter().all(|name| name != "code"), "{query:?}");
            assert!(!is_thanked || names.iter().any(|name| name == "admin_consent"), "{query:?}");
        }
    }

    #[test]
    fn only_whoever_comes_from_the_page_of_consent_is_thanked() {
        for (query, expected) in [
            ("admin_consent=True&tenant=5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d&scope=x&state=consent", true),
            ("error=access_denied&error_description=x&admin_consent=True&state=consent", true),
            ("error=access_denied&state=s", false),
            ("code=c&state=s", false),
            ("code=c&state=s&admin_consent=True", false),
            ("state=consent", false),
            ("", false),
        ] {
            assert_eq!(page(query).is_some(), expected, "{query}");
        }
    }
}
