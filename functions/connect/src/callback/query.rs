//! What the callback's query string says; all of it is somebody else's text.

use std::{collections::BTreeMap, fmt};

use directory::{Diagnostics, ReadError, protocol::token::callback_refused};
use secrecy::SecretString;
use url::form_urlencoded;

use super::CallbackError;

/// Longest query string looked at, in bytes: a code takes one or two thousand.
const BYTES_MAX: usize = 8 * 1024;

/// The `error`s of an authorize request
/// (learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow).
const DOCUMENTED: [&str; 9] = [
    "access_denied",
    "interaction_required",
    "invalid_request",
    "invalid_resource",
    "login_required",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
];

/// What Microsoft says in place of a code.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Microsoft's `error` if it is documented, otherwise `provider_error`.
    pub(crate) code: &'static str,
    /// What it means.
    pub(crate) error: ReadError,
}

/// A callback, understood.
pub(super) enum CallbackQuery {
    Code { code: SecretString, state: String },
    Refused { refusal: Refusal, state: Option<String> },
}

impl CallbackQuery {
    /// Parameters that are not known are ignored, but none may occur twice.
    pub(super) fn parse(query: &str) -> Result<Self, CallbackError> {
        if query.len() > BYTES_MAX {
            return Err(CallbackError::InvalidRequest);
        }
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if parameters.insert(name, value.into_owned()).is_some() {
                return Err(CallbackError::InvalidRequest);
            }
        }
        let mut take = |name: &str| parameters.remove(name).filter(|value| !value.is_empty());
        match (take("error"), take("code"), take("state")) {
            (Some(_), Some(_), _) => Err(CallbackError::InvalidRequest),
            (Some(error), None, state) => {
                let refusal = Refusal::of(&error, take("error_description").as_deref());
                Ok(Self::Refused { refusal, state })
            }
            (None, Some(code), Some(state)) => Ok(Self::Code { code: code.into(), state }),
            (None, ..) => Err(CallbackError::MissingParams),
        }
    }
}

impl Refusal {
    /// Keeps no text of the provider: the description is only searched for error numbers.
    fn of(error: &str, description: Option<&str>) -> Self {
        let code = DOCUMENTED.into_iter().find(|documented| *documented == error);
        let mut error = callback_refused(error, description);
        if code.is_none() {
            error =
                error.clone().with_diagnostics(Diagnostics { error: None, ..error.diagnostics().clone() });
        }
        Self { code: code.unwrap_or("provider_error"), error }
    }
}

impl fmt::Debug for CallbackQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { .. } => f.write_str("Code"),
            Self::Refused { refusal, .. } => write!(f, "Refused({})", refusal.code),
        }
    }
}

#[cfg(test)]
mod tests {
    use directory::Code;

    use super::*;

    fn code_of(query: &str) -> Result<(), &'static str> {
        match CallbackQuery::parse(query) {
            Ok(CallbackQuery::Code { .. }) => Ok(()),
            Ok(CallbackQuery::Refused { refusal, .. }) => Err(refusal.code),
            Err(error) => Err(error.code()),
        }
    }

    #[test]
    fn queries_table() {
        for (query, expected) in [
            ("code=c&state=s", Ok(())),
            ("code=c&state=s&session_state=x&iss=y", Ok(())),
            ("state=s", Err("missing_params")),
            ("code=c", Err("missing_params")),
            ("code=&state=s", Err("missing_params")),
            ("code=c&state=", Err("missing_params")),
            ("", Err("missing_params")),
            ("code=c&code=d&state=s", Err("invalid_request")),
            ("code=c&state=s&state=s", Err("invalid_request")),
            ("code=c&state=s&x=1&x=1", Err("invalid_request")),
            ("code=c&state=s&error=access_denied", Err("invalid_request")),
            ("error=access_denied&error=access_denied", Err("invalid_request")),
            ("error=access_denied&state=s", Err("access_denied")),
            ("error=login_required", Err("login_required")),
            ("error=%3Cscript%3E", Err("provider_error")),
            ("error=Access_Denied", Err("provider_error")),
            ("error=&state=s", Err("missing_params")),
        ] {
            assert_eq!(code_of(query), expected, "{query}");
        }
        assert_eq!(code_of(&format!("code={}&state=s", "c".repeat(BYTES_MAX))), Err("invalid_request"));
    }

    #[test]
    fn descriptions_choose_the_explanation_and_are_not_kept() {
        let query = "error=access_denied&error_description=AADSTS90094%3A+mira%40contoso.example+needs+help";
        let Ok(CallbackQuery::Refused { refusal, .. }) = CallbackQuery::parse(query) else {
            panic!("{query}")
        };
        assert_eq!(refusal.error.code(), Code::AdminApprovalNeeded);
        assert!(!format!("{refusal:?}").contains("mira"));
    }
}
