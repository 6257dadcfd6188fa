//! What a workspace connects with: one document, read and replaced as a whole.

use domain::ids::WorkspaceId;

use crate::{Document, Family, Scope, SecretChain, SecretError, Version};

/// How often a secret that others write at the same moment is read again.
const TRIES: u8 = 4;

/// A secret of a workspace that is one document: the token set of a direct connection, the credential of a
/// CIPP connection.
#[expect(async_fn_in_trait, reason = "callers name the type, so that they know whether a future can be sent")]
pub trait WorkspaceSecret: Sized {
    /// Where it is kept.
    const FAMILY: Family;

    /// The secret in a document; one that is not complete is none.
    fn from_document(document: &Document) -> Option<Self>;

    /// The document to be kept.
    fn to_document(&self) -> Document;

    /// The secret of `workspace` and the state it is in; may be as old as the cache allows.
    ///
    /// # Errors
    /// When there is none and a provider failed.
    async fn read(
        chain: &SecretChain,
        workspace: WorkspaceId,
    ) -> Result<Option<(Self, Version)>, SecretError> {
        let scope = Scope::Workspace(workspace);
        let stored = chain.read_where(scope, Self::FAMILY, is_complete::<Self>).await?;
        Ok(stored.and_then(|stored| Some((Self::from_document(&stored.document)?, stored.version))))
    }

    /// The same without the cache: for whoever is about to replace it, or lost against another one who did.
    ///
    /// # Errors
    /// When there is none and a provider failed.
    async fn read_fresh(
        chain: &SecretChain,
        workspace: WorkspaceId,
    ) -> Result<Option<(Self, Version)>, SecretError> {
        let scope = Scope::Workspace(workspace);
        let stored = chain.read_fresh_where(scope, Self::FAMILY, is_complete::<Self>).await?;
        Ok(stored.and_then(|stored| Some((Self::from_document(&stored.document)?, stored.version))))
    }

    /// Replaces the secret of `workspace` if nobody did since `expected` was read (none: if there was none).
    ///
    /// # Errors
    /// [`SecretError::Conflict`] when somebody did: theirs is the newer one, read it.
    async fn save(
        &self,
        chain: &SecretChain,
        workspace: WorkspaceId,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        chain.write(Scope::Workspace(workspace), Self::FAMILY, &self.to_document(), expected).await
    }

    /// Writes it over whatever is kept, also over what cannot be understood: for a person who is connecting, and
    /// has the newest. Answers what there was, to be put back ([`WorkspaceSecret::put_back`]), and the state
    /// written.
    ///
    /// # Errors
    /// When a provider failed, or others kept writing meanwhile ([`SecretError::Conflict`]).
    async fn put(
        &self,
        chain: &SecretChain,
        workspace: WorkspaceId,
    ) -> Result<(Option<Self>, Version), SecretError> {
        let mut tries = TRIES;
        loop {
            tries -= 1;
            let found = match Self::read_fresh(chain, workspace).await {
                // A damaged one is no reason to stay without a connection.
                Err(SecretError::Malformed { .. }) => None,
                found => found?,
            };
            let (before, version) = found.unzip();
            match self.save(chain, workspace, version.as_ref()).await {
                // A run renewed the old tokens meanwhile, somebody else is connecting as well or gives the connection
                // up. The connection decides who was first, and whoever was not has to put back exactly what was
                // overwritten: so it is read again.
                Err(SecretError::Conflict { .. }) if tries > 0 => {}
                // What the writer keeps cannot be understood, or is not complete: nothing that could be put back.
                Err(SecretError::Conflict { .. } | SecretError::Malformed { .. })
                    if !version.as_ref().is_some_and(|version| chain.is_of_writer(version)) =>
                {
                    let scope = Scope::Workspace(workspace);
                    return Ok((None, chain.replace(scope, Self::FAMILY, &self.to_document()).await?));
                }
                written => return Ok((before, written?)),
            }
        }
    }

    /// Puts back what was there before `written`, unless somebody has replaced that.
    ///
    /// # Errors
    /// When a provider failed.
    async fn put_back(
        before: Option<Self>,
        chain: &SecretChain,
        workspace: WorkspaceId,
        written: &Version,
    ) -> Result<(), SecretError> {
        if let Some(before) = before {
            return match before.save(chain, workspace, Some(written)).await {
                Ok(_) | Err(SecretError::Conflict { .. }) => Ok(()),
                Err(error) => Err(error),
            };
        }
        match Self::read_fresh(chain, workspace).await? {
            Some((_, version)) if version == *written => Self::clear(chain, workspace).await,
            _ => Ok(()),
        }
    }

    /// Removes it, if it is there. Microsoft and CIPP are not told: only an administrator there can revoke what
    /// was granted.
    ///
    /// # Errors
    /// When a provider failed or still supplies one.
    async fn clear(chain: &SecretChain, workspace: WorkspaceId) -> Result<(), SecretError> {
        chain.delete(Scope::Workspace(workspace), Self::FAMILY).await
    }
}

fn is_complete<S: WorkspaceSecret>(document: &Document) -> bool {
    S::from_document(document).is_some()
}
