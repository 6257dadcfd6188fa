//! Sign-ins that have begun and not come back: server-side, single use, ten minutes.

use domain::ids::{UserId, WorkspaceId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{
    error::StoreError,
    keys,
    table::{Condition, EXPIRES, Store, encode, number, value},
};

/// How long a sign-in may take.
const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// What has to be known when the browser comes back. It holds no token, and nothing to redeem a code with.
#[derive(Clone, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingLogin {
    /// Who began.
    pub user: Option<UserId>,
    /// Hash of the cookie of the browser session that began.
    pub session: String,
    /// PKCE verifier (RFC 7636) of sign-ins that began when it was stored; only the browser's cookie leads to
    /// it since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<String>,
    /// Nonce that the id_token has to carry.
    pub nonce: String,
    /// Redirect URI of the authorize request; the token request has to repeat it.
    pub redirect_uri: String,
    /// When it began.
    pub began_at: Timestamp,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Kept {
    Waiting(PendingLogin),
    Taken {},
}

impl std::fmt::Debug for PendingLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PendingLogin").field("began_at", &self.began_at).finish_non_exhaustive()
    }
}

impl Store {
    /// Keeps a sign-in under the hash of its state.
    pub async fn begin_login(
        &self,
        workspace: WorkspaceId,
        state_hash: &str,
        login: &PendingLogin,
    ) -> Result<bool, StoreError> {
        let key = keys::pending_login(workspace, state_hash);
        let mut item = encode("sign-in", &key, login)?;
        item.insert(EXPIRES.to_owned(), number((login.began_at + LIFETIME).as_second()));
        Ok(self.put_item(item, Condition::absent()).await?.is_done())
    }

    /// Takes a sign-in out, once. `None` when there is none or it was taken before. Whether it is
    /// too old is left to the caller, who has a code for it.
    pub async fn take_login(
        &self,
        workspace: WorkspaceId,
        state_hash: &str,
    ) -> Result<Option<PendingLogin>, StoreError> {
        let condition = Condition::of("attribute_exists(pk) AND attribute_not_exists(taken)", Vec::new());
        let values = vec![(":yes", value("sign-in", &true)?)];
        let key = keys::pending_login(workspace, state_hash);
        let Some(kept) = self.get::<Kept>("sign-in", &key).await? else { return Ok(None) };
        let Kept::Waiting(login) = kept else { return Ok(None) };
        // What a thief could use goes at once; the mark that it was used stays until it expires.
        let change = "SET taken = :yes REMOVE verifier, nonce, #session";
        let condition = Condition { names: vec![("#session", "session")], ..condition };
        let written = self.update(&key, change, condition, values).await?;
        Ok(written.is_done().then_some(login))
    }
}

impl PendingLogin {
    /// Whether it is older than ten minutes; exactly ten are still fine.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now.duration_since(self.began_at) > LIFETIME
    }
}
