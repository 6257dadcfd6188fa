//! `GET /api/me`: whose token it is and what it may do.

use serde_json::Value;

use crate::{
    error::Code,
    protocol::page::{row, text},
};

/// What every read of this product needs; the permission to write comes with it, and a role may hold
/// everything.
const READING: [&str; 3] = ["CIPP.Core.Read", "CIPP.Core.ReadWrite", "*"];

/// Who asks, according to CIPP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Me {
    /// Whether the role may read; `None` when the permissions were not told.
    pub may_read: Option<bool>,
}

impl Me {
    /// Reads an answer.
    ///
    /// # Errors
    /// When nobody is signed in, or it is no such answer.
    pub fn read(body: &[u8]) -> Result<Self, Code> {
        let Some(Value::Object(body)) = row(&text(body)) else {
            return Err(Code::CippWrongAddress);
        };
        let member =
            |name: &str| body.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        match member("clientPrincipal") {
            Some(Value::Object(_)) => {}
            // What the sign-in in front of the functions says of a stranger.
            Some(Value::Null) => return Err(Code::CippTokenRefused),
            _ => return Err(Code::CippWrongAddress),
        }
        let permissions = member("permissions").and_then(Value::as_array);
        let reads = |permission: &str| READING.iter().any(|known| known.eq_ignore_ascii_case(permission));
        let may_read = permissions.map(|permissions| permissions.iter().filter_map(Value::as_str).any(reads));
        Ok(Self { may_read })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks() {
        for (body, expected) in [
            (r#"{"clientPrincipal":{"appId":"x"},"permissions":["CIPP.Core.Read"]}"#, Ok(Some(true))),
            (r#"{"ClientPrincipal":{},"Permissions":["cipp.core.read",7]}"#, Ok(Some(true))),
            (r#"{"clientPrincipal":{},"permissions":["CIPP.Core.ReadWrite"]}"#, Ok(Some(true))),
            (r#"{"clientPrincipal":{},"permissions":["Identity.User.Read"]}"#, Ok(Some(false))),
            (r#"{"clientPrincipal":{},"permissions":[]}"#, Ok(Some(false))),
            (r#"{"clientPrincipal":{}}"#, Ok(None)),
            (r#"{"clientPrincipal":{},"permissions":null}"#, Ok(None)),
            (r#"{"clientPrincipal":null}"#, Err(Code::CippTokenRefused)),
            (r#"{"hello":"world"}"#, Err(Code::CippWrongAddress)),
            ("[]", Err(Code::CippWrongAddress)),
            ("\"x\"", Err(Code::CippWrongAddress)),
            ("", Err(Code::CippWrongAddress)),
        ] {
            assert_eq!(Me::read(body.as_bytes()).map(|me| me.may_read), expected, "{body}");
        }
    }
}
