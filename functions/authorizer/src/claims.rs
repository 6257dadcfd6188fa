//! What a token says.

use std::{collections::BTreeSet, str::FromStr};

use edge::{Caller, Permission};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::{
    keys::{self, KeyFault},
    verifier::Refusal,
};

/// How far the PSA's clock and ours may be apart.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// Who signs tokens and who they are for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Parties {
    /// The claim `iss`, compared character by character.
    pub issuer: String,
    /// One of the claim `aud`.
    pub audience: String,
}

/// The claims this service looks at; others are ignored.
#[derive(Deserialize)]
pub(crate) struct Claims {
    iss: Option<String>,
    aud: Option<OneOrMany>,
    exp: Option<NumericDate>,
    nbf: Option<NumericDate>,
    tenant: Option<String>,
    #[serde(rename = "tenantId")]
    tenant_id: Option<String>,
    sub: Option<String>,
    #[serde(rename = "userId")]
    user_id: Option<String>,
    user_type: Option<String>,
    kind: Option<String>,
    permissions: Option<OneOrMany>,
    edition: Option<String>,
}

/// Seconds since 1970, possibly with a fraction (RFC 7519 §2).
#[derive(Deserialize)]
#[serde(untagged)]
enum NumericDate {
    Whole(i64),
    Fraction(f64),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    /// The caller the claims describe, if they are between `parties` and hold at `now`.
    pub(crate) fn caller(self, parties: &Parties, now: Timestamp) -> Result<Caller, Refusal> {
        self.check_parties(parties)?;
        self.check_times(now)?;
        Ok(Caller {
            workspace: claim("tenant", agreed("tenant", self.tenant, self.tenant_id)?)?,
            // `sub` may be a name of the PSA's own (an e-mail address); `userId` then is the id.
            user: Some(claim("sub", self.user_id.or(self.sub))?),
            kind: claim("user_type", agreed("user_type", self.user_type, self.kind)?)?,
            permissions: self.permissions.map(OneOrMany::words).unwrap_or_default(),
            edition: claim("edition", self.edition)?,
        })
    }

    fn check_parties(&self, parties: &Parties) -> Result<(), Refusal> {
        let issuer = self.iss.as_ref().ok_or(Refusal::ClaimMissing("iss"))?;
        if *issuer != parties.issuer {
            return Err(Refusal::IssuerWrong);
        }
        let names_us = match self.aud.as_ref().ok_or(Refusal::ClaimMissing("aud"))? {
            OneOrMany::One(audience) => *audience == parties.audience,
            OneOrMany::Many(audiences) => audiences.contains(&parties.audience),
        };
        if names_us { Ok(()) } else { Err(Refusal::AudienceWrong) }
    }

    fn check_times(&self, now: Timestamp) -> Result<(), Refusal> {
        let now = now.as_second();
        let expiry = self.exp.as_ref().ok_or(Refusal::ClaimMissing("exp"))?.second();
        if now >= expiry.saturating_add(CLOCK_SKEW_SECONDS) {
            return Err(Refusal::Expired);
        }
        let start = self.nbf.as_ref().map_or(i64::MIN, NumericDate::second);
        if now < start.saturating_sub(CLOCK_SKEW_SECONDS) {
            return Err(Refusal::NotYetValid);
        }
        Ok(())
    }
}

impl NumericDate {
    /// The second it is in.
    fn second(&self) -> i64 {
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and a fraction is cut off")]
        match self {
            Self::Whole(second) => *second,
            Self::Fraction(seconds) => seconds.floor() as i64,
        }
    }
}

impl OneOrMany {
    /// The permissions this service asks for; a caller carries no other one, which also keeps the
    /// authorizer's answer small.
    fn words(self) -> BTreeSet<String> {
        let words = match self {
            Self::One(text) => text.split_whitespace().map(str::to_owned).collect(),
            Self::Many(words) => words,
        };
        words.into_iter().filter(|word| Permission::ALL.iter().any(|known| known.name() == word)).collect()
    }
}

/// The value of a claim that has two names; both may be given if they agree.
fn agreed(name: &'static str, one: Option<String>, other: Option<String>) -> Result<Option<String>, Refusal> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Err(Refusal::ClaimInvalid(name)),
        (one, other) => Ok(one.or(other)),
    }
}

fn claim<T: FromStr>(name: &'static str, value: Option<String>) -> Result<T, Refusal> {
    let value = value.ok_or(Refusal::ClaimMissing(name))?;
    value.parse().map_err(|_| Refusal::ClaimInvalid(name))
}

/// A token for `caller`, signed as the PSA signs with a shared secret; for the local command and
/// for tests. A caller without a user gives a token that no verifier accepts.
pub fn sign_hs256(
    caller: &Caller,
    parties: &Parties,
    secret: &SecretString,
    now: Timestamp,
    lifetime: SignedDuration,
) -> Result<String, KeyFault> {
    let key = EncodingKey::from_secret(keys::hs256_key(secret)?);
    let claims = json!({
        "iss": parties.issuer,
        "aud": parties.audience,
        "iat": now.as_second(),
        "nbf": now.as_second(),
        "exp": now.as_second().saturating_add(lifetime.as_secs()),
        "tenant": caller.workspace,
        "sub": caller.user,
        "user_type": caller.kind.to_string(),
        "permissions": caller.permissions,
        "edition": caller.edition.to_string(),
    });
    jsonwebtoken::encode(&jsonwebtoken::Header::new(Algorithm::HS256), &claims, &key)
        .map_err(KeyFault::SigningFailed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_words_or_an_array_and_only_those_asked_for() {
        let read: BTreeSet<String> = [Permission::Read.name().to_owned()].into();
        for json in [
            r#""system_settings.read other.thing""#,
            r#""  system_settings.read  ""#,
            r#"["billing.read","system_settings.read","system_settings.read"]"#,
        ] {
            let words = serde_json::from_str::<OneOrMany>(json).unwrap().words();
            assert_eq!(words, read, "{json}");
        }
    }
}
