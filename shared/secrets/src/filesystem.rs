//! Secrets in files below one folder.
//!
//! ```text
//! <base>/tenants/<workspace>/<family>.json   a document: written here, wins over the files below
//! <base>/tenants/<workspace>/<key>           one value, as the PSA writes it: read only
//! <base>/app/<family>.json, <base>/<KEY>     the same for the installation
//! ```
//! A document is replaced by renaming a complete file over it, under an advisory lock that the
//! operating system releases when its holder dies. Folders are made with mode 0700 and files
//! with 0600.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use crate::{Document, Family, InvalidDocument, Provider, ProviderName, Scope, SecretError, Stored, Version};

const PROVIDER: ProviderName = ProviderName::Filesystem;

/// Keeps documents below one folder; several processes may share it on one machine.
#[derive(Debug)]
pub struct FilesystemProvider {
    base: PathBuf,
}

impl FilesystemProvider {
    /// `base` need not exist yet.
    pub fn new(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    /// Does `work` where waiting for a disk holds nobody up.
    async fn run<T: Send + 'static>(
        &self,
        scope: Scope,
        family: Family,
        work: impl FnOnce(&Place) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, SecretError> {
        let place = Place { base: self.base.clone(), scope, family };
        let result = tokio::task::spawn_blocking(move || work(&place)).await;
        result.unwrap_or_else(|stopped| Err(Failure::Io(io::Error::other(stopped)))).map_err(|failure| {
            match failure {
                Failure::Changed => SecretError::Conflict { provider: PROVIDER, scope, family },
                Failure::Invalid(reason) => {
                    SecretError::Malformed { provider: PROVIDER, scope, family, reason }
                }
                Failure::Io(error) => {
                    SecretError::Unavailable { provider: PROVIDER, scope, family, reason: error.to_string() }
                }
            }
        })
    }
}

#[async_trait]
impl Provider for FilesystemProvider {
    fn name(&self) -> ProviderName {
        PROVIDER
    }

    async fn read(&self, scope: Scope, family: Family) -> Result<Option<Stored>, SecretError> {
        let document = self.run(scope, family, Place::read).await?;
        Ok(document.map(|document| Stored { version: Version::of_contents(PROVIDER, &document), document }))
    }

    async fn write(
        &self,
        scope: Scope,
        family: Family,
        document: &Document,
        expected: Option<&Version>,
    ) -> Result<Version, SecretError> {
        let (document, expected) = (document.clone(), expected.cloned());
        self.run(scope, family, move |place| {
            let _lock = place.lock()?;
            let current = place.read()?.map(|current| Version::of_contents(PROVIDER, &current));
            if current != expected {
                return Err(Failure::Changed);
            }
            place.replace(&document.to_json())?;
            Ok(Version::of_contents(PROVIDER, &document))
        })
        .await
    }

    async fn delete(&self, scope: Scope, family: Family) -> Result<(), SecretError> {
        self.run(scope, family, |place| {
            let files = place.files();
            if !files.iter().any(|file| file.exists()) {
                return Ok(());
            }
            let _lock = place.lock()?;
            files.iter().try_for_each(|file| remove(file))?;
            Ok(sync_folder(&place.folder())?)
        })
        .await
    }
}

enum Failure {
    Changed,
    Invalid(InvalidDocument),
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The files of one (scope, family).
struct Place {
    base: PathBuf,
    scope: Scope,
    family: Family,
}

impl Place {
    fn folder(&self) -> PathBuf {
        match self.scope {
            Scope::App => self.base.join("app"),
            Scope::Workspace(id) => self.base.join("tenants").join(id.to_string()),
        }
    }

    fn document(&self) -> PathBuf {
        self.folder().join(format!("{}.json", self.family))
    }

    fn single(&self, key: &str) -> PathBuf {
        match self.scope {
            Scope::App => self.base.join(key),
            Scope::Workspace(_) => self.folder().join(key),
        }
    }

    /// Everything that holds these secrets, the document last: as long as it is there, what
    /// remains of the single values is not read.
    fn files(&self) -> Vec<PathBuf> {
        let singles = self.family.keys(self.scope).iter().map(|key| self.single(key));
        singles.chain([self.document()]).collect()
    }

    fn read(&self) -> Result<Option<Document>, Failure> {
        if let Some(text) = read(&self.document())? {
            let document = Document::from_json(text.expose_secret()).map_err(Failure::Invalid)?;
            return Ok((!document.is_empty()).then_some(document));
        }
        let mut document = Document::new();
        for key in self.family.keys(self.scope) {
            if let Some(value) = read(&self.single(key))? {
                document = document.with(key, value.expose_secret());
            }
        }
        Ok((!document.is_empty()).then_some(document))
    }

    /// Keeps every other writer of this document out until the answer is dropped.
    fn lock(&self) -> io::Result<File> {
        create_folder(&self.folder())?;
        let path = self.folder().join(format!(".{}.lock", self.family));
        let file = private().create(true).truncate(false).open(path)?;
        file.lock()?;
        Ok(file)
    }

    fn replace(&self, text: &SecretString) -> io::Result<()> {
        let complete = self.folder().join(format!(".{}.new", self.family));
        // What a writer left that died before renaming; we hold the lock, so nobody is at it.
        remove(&complete)?;
        let mut file = private().create_new(true).open(&complete)?;
        file.write_all(text.expose_secret().as_bytes())?;
        file.sync_all()?;
        fs::rename(&complete, self.document())?;
        sync_folder(&self.folder())
    }
}

fn read(path: &Path) -> io::Result<Option<SecretString>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.into())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a rename or a removal durable; only Unix lets a folder be opened for that.
fn sync_folder(path: &Path) -> io::Result<()> {
    if cfg!(unix) && path.try_exists()? { File::open(path)?.sync_all() } else { Ok(()) }
}
