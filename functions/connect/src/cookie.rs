//! The cookie that binds a sign-in to the browser that began it.
//!
//! Whatever stands between the browser and this service has to hand it on in both directions: a
//! PSA that forwards these two requests forwards `Set-Cookie` and `Cookie` with them.

use axum::http::{HeaderMap, HeaderValue, header::COOKIE};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::LOGIN_LIFETIME;

const NAME: &str = "entra_login";

/// The `Set-Cookie` value that hands `session` to the browser, for the callback at `redirect_uri`.
///
/// `Lax` and not `Strict`: the callback is a navigation that begins on Microsoft's page.
pub(crate) fn set(session: &SecretString, redirect_uri: &str) -> Option<HeaderValue> {
    header(session.expose_secret(), redirect_uri, LOGIN_LIFETIME.as_secs())
}

/// The `Set-Cookie` value that takes it back.
pub(crate) fn unset(redirect_uri: &str) -> Option<HeaderValue> {
    header("", redirect_uri, 0)
}

/// The session in a request's cookies. None when there is none or several: with two of them,
/// somebody other than this service has set one.
pub(crate) fn session(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let pairs = pairs.flat_map(|pairs| pairs.split(';')).filter_map(|pair| pair.split_once('='));
    let mut sessions = pairs.filter(|(name, _)| name.trim() == NAME).map(|(_, value)| value.trim());
    let session = sessions.next()?;
    (sessions.next().is_none() && !session.is_empty()).then_some(session)
}

fn header(value: &str, redirect_uri: &str, seconds: i64) -> Option<HeaderValue> {
    let redirect: Url = redirect_uri.parse().ok()?;
    let secure = if redirect.scheme() == "https" { "; Secure" } else { "" };
    let path = redirect.path();
    let cookie = format!("{NAME}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut header = HeaderValue::from_str(&cookie).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_goes_to_the_callback_only() {
        let session = SecretString::from("abc");
        for (redirect_uri, expected) in [
            (
                "https://psa.example/api/auth/microsoft/entra/callback",
                "Path=/api/auth/microsoft/entra/callback; Max-Age=600; HttpOnly; SameSite=Lax; Secure",
            ),
            (
                "http://localhost:3000/x/api/auth/microsoft/entra/callback",
                "Path=/x/api/auth/microsoft/entra/callback; Max-Age=600; HttpOnly; SameSite=Lax",
            ),
        ] {
            let header = set(&session, redirect_uri).unwrap();
            assert_eq!(header.to_str().unwrap(), format!("entra_login=abc; {expected}"));
            assert!(!format!("{header:?}").contains("abc"));
        }
    }

    #[test]
    fn exactly_one_session_counts() {
        for (cookies, expected) in [
            (&["entra_login=abc"][..], Some("abc")),
            (&["a=b; entra_login=abc ;c=d"], Some("abc")),
            (&["a=b", "entra_login=abc"], Some("abc")),
            (&["entra_login=abc; entra_login=abc"], None),
            (&["entra_login=abc", "entra_login=d"], None),
            (&["entra_login="], None),
            (&["xentra_login=abc", "entra_login"], None),
            (&[], None),
        ] {
            let mut headers = HeaderMap::new();
            for cookie in cookies {
                headers.append(COOKIE, HeaderValue::from_static(cookie));
            }
            assert_eq!(session(&headers), expected, "{cookies:?}");
        }
    }
}
