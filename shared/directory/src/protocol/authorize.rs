//! Where the browser goes: interactive sign-in and a customer's admin consent
//! (learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow, …/v2-admin-consent).

use ambient::Entropy;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::ids::EntraTenantId;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::token::Authority;

/// Random bytes of a verifier: 43 characters, the least RFC 7636 §4.1 allows and all it needs.
const VERIFIER_BYTES: usize = 32;

/// Sets the verifier apart from every other hash of a session.
const OF_SESSION: &str = "entra-contact-sync pkce verifier\n";

/// A PKCE pair (RFC 7636, method S256).
#[derive(Clone, Debug)]
pub struct Pkce {
    /// Sent with the code, by the server.
    pub verifier: SecretString,
    /// Sent with the browser.
    pub challenge: String,
}

impl Pkce {
    /// A new pair.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; VERIFIER_BYTES];
        entropy.fill(&mut bytes);
        Self::of(BASE64_URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// The pair of a browser's session, 256 bits at random that only the browser keeps: the verifier need
    /// not be stored, and whoever reads what is stored cannot redeem the code.
    pub fn of_session(session: &SecretString) -> Self {
        let digest = Sha256::new().chain_update(OF_SESSION).chain_update(session.expose_secret()).finalize();
        Self::of(BASE64_URL_SAFE_NO_PAD.encode(digest).into())
    }

    /// The pair of a verifier.
    pub fn of(verifier: SecretString) -> Self {
        let digest = Sha256::digest(verifier.expose_secret().as_bytes());
        Self { challenge: BASE64_URL_SAFE_NO_PAD.encode(digest), verifier }
    }
}

/// What Microsoft asks the person in front of the browser.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Prompt {
    /// To consent again.
    Consent,
    /// To sign in again.
    Login,
    /// Which account to use.
    SelectAccount,
}

/// An interactive sign-in.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizeRequest<'a> {
    /// [`Authority::Organizations`] at first, the partner's tenant afterwards.
    pub authority: Authority,
    /// Application id.
    pub client_id: &'a str,
    /// From configuration, never from the request that asks.
    pub redirect_uri: &'a str,
    /// Scopes; several resources may be named.
    pub scopes: &'a [String],
    /// Random, bound to the browser session, single use.
    pub state: &'a str,
    /// Random; comes back in the id_token.
    pub nonce: &'a str,
    /// See [`Pkce::challenge`].
    pub code_challenge: &'a str,
    /// What to ask the person.
    pub prompt: Prompt,
    /// Sign-in name to fill in.
    pub login_hint: Option<&'a str>,
}

/// The address to send the browser to.
pub fn authorize_url(login_base: &Url, request: &AuthorizeRequest<'_>) -> Url {
    let mut url = request.authority.endpoint(login_base, "authorize");
    let prompt = match request.prompt {
        Prompt::Consent => "consent",
        Prompt::Login => "login",
        Prompt::SelectAccount => "select_account",
    };
    url.query_pairs_mut()
        .append_pair("client_id", request.client_id)
        .append_pair("response_type", "code")
        .append_pair("response_mode", "query")
        .append_pair("redirect_uri", request.redirect_uri)
        .append_pair("scope", &request.scopes.join(" "))
        .append_pair("state", request.state)
        .append_pair("nonce", request.nonce)
        .append_pair("code_challenge", request.code_challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("prompt", prompt)
        .extend_pairs(request.login_hint.map(|hint| ("login_hint", hint)));
    url
}

/// The address at which an administrator of `customer` consents to the app. Its callback is a
/// hint to try again, never a proof of who consented.
pub fn admin_consent_url(
    login_base: &Url,
    customer: EntraTenantId,
    client_id: &str,
    scope: &str,
    redirect_uri: &str,
    state: &str,
) -> Url {
    let mut url = login_base.clone();
    url.set_path(&format!("{}/{customer}/v2.0/adminconsent", login_base.path().trim_end_matches('/')));
    url.query_pairs_mut()
        .append_pair("client_id", client_id)
        .append_pair("scope", scope)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("state", state);
    url
}

#[cfg(test)]
mod tests {
    use ambient::SeededEntropy;

    use super::*;

    #[test]
    fn the_challenge_of_rfc_7636_appendix_b() {
        let pkce = Pkce::of("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into());
        assert_eq!(pkce.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn verifiers_are_long_and_differ() {
        let entropy = SeededEntropy::new(1);
        let (first, second) = (Pkce::generate(&entropy), Pkce::generate(&entropy));
        assert_eq!(first.verifier.expose_secret().len(), 43);
        assert_ne!(first.challenge, second.challenge);
        assert!(!format!("{first:?}").contains(first.verifier.expose_secret()));
    }

    #[test]
    fn a_session_has_one_verifier_which_its_plain_hash_does_not_tell() {
        let of = |session: &str| Pkce::of_session(&session.into()).verifier.expose_secret().to_owned();
        assert_eq!((of("a"), of("a").len()), (of("a"), 43));
        assert_ne!(of("a"), of("b"));
        assert_ne!(of("a"), BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest("a")));
    }

    #[test]
    fn the_address_of_a_sign_in() {
        let login: Url = "https://login.microsoftonline.com".parse().unwrap();
        let scopes = ["openid".to_owned(), "https://graph.microsoft.com/User.Read.All".to_owned()];
        let request = AuthorizeRequest {
            authority: Authority::Organizations,
            client_id: "app",
            redirect_uri: "https://psa.example/api/auth/microsoft/entra/callback",
            scopes: &scopes,
            state: "s&t",
            nonce: "n",
            code_challenge: "c",
            prompt: Prompt::SelectAccount,
            login_hint: None,
        };
        assert_eq!(
            authorize_url(&login, &request).as_str(),
            "https://login.microsoftonline.com/organizations/oauth2/v2.0/authorize?client_id=app&response_type=code\
             &response_mode=query&redirect_uri=https%3A%2F%2Fpsa.example%2Fapi%2Fauth%2Fmicrosoft%2Fentra%2Fcallback\
             &scope=openid+https%3A%2F%2Fgraph.microsoft.com%2FUser.Read.All&state=s%26t&nonce=n&code_challenge=c\
             &code_challenge_method=S256&prompt=select_account"
        );
    }

    #[test]
    fn the_address_of_a_customers_consent() {
        let login: Url = "https://login.microsoftonline.com".parse().unwrap();
        let customer = "5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d".parse().unwrap();
        let url = admin_consent_url(
            &login,
            customer,
            "app",
            "https://graph.microsoft.com/.default",
            "https://a.example/x",
            "s",
        );
        assert_eq!(
            url.as_str(),
            "https://login.microsoftonline.com/5e61cc55-0b1f-4c3a-9d2e-7f1e2a3b4c5d/v2.0/adminconsent?client_id=app\
             &scope=https%3A%2F%2Fgraph.microsoft.com%2F.default&redirect_uri=https%3A%2F%2Fa.example%2Fx&state=s"
        );
    }
}
