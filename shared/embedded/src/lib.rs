//! DynamoDB in the process.
//!
//! [`Engine`] is an HTTP client for the AWS SDK that never opens a socket: what the SDK would send
//! to DynamoDB is answered by an embedded engine (`dynoxide`, SQLite underneath). The store's
//! repositories therefore have one code path, on AWS and on one machine.
//!
//! This crate exists to keep the engine, and the C library below it, out of the Lambda functions.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_smithy_runtime_api::{
    client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use dynoxide::{Database, DynoxideError, actions::query::QueryRequest};
use serde::{Serialize, de::DeserializeOwned};

/// Rows of one answer to a query: about as many of the smallest rows as DynamoDB's page of 1 MB holds.
const ROWS_OF_A_PAGE: usize = 1_000;

/// What a power cut may cost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Durability {
    /// Every commit reaches the disk before it is confirmed; about a hundred times slower.
    PowerCut,
    /// Nothing is lost when the process is killed. A power cut may lose the last commits, never
    /// the consistency of what is there.
    ProcessKill,
}

/// The data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process works on the same folder.
    #[error("another entra-sync process is using {}", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder or a file in it cannot be read or written.
    #[error("the data folder {} cannot be opened", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The engine refuses the file.
    #[error("the database in the data folder cannot be opened")]
    Engine(#[source] DynoxideError),
}

/// The embedded engine as an HTTP client of the AWS SDK. Clones share one database.
#[derive(Clone)]
pub struct Engine {
    database: Database,
    // Held for as long as the engine lives: one process owns a folder.
    _lock: Option<Arc<File>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// An engine that keeps everything in memory and forgets it when the last clone is dropped.
    pub fn in_memory() -> Result<Self, OpenError> {
        let database = Database::memory().map_err(OpenError::Engine)?;
        Ok(Self { database, _lock: None })
    }

    /// Opens the database in `folder`, making both if they are not there. A new database is what
    /// `prepare` makes of an empty one: it comes into being with that, or not at all, so a process
    /// that is killed in between leaves nothing half-made behind.
    ///
    /// # Errors
    /// [`OpenError::InUse`] while another process has it open, and `prepare`'s.
    pub async fn open<E: From<OpenError>>(
        folder: &Path,
        durability: Durability,
        prepare: impl AsyncFnOnce(Self) -> Result<(), E>,
    ) -> Result<Self, E> {
        let lock = lock(folder)?;
        let path = folder.join("store.sqlite");
        if !path.exists() {
            let new = folder.join("store.sqlite.new");
            let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
            remove_leftovers(&new).map_err(failed)?;
            prepare(Self { database: database(&new, durability)?, _lock: None }).await?;
            fs::rename(&new, &path).map_err(failed)?;
        }
        Ok(Self { database: database(&path, durability)?, _lock: Some(Arc::new(lock)) })
    }

    /// What DynamoDB answers to a request for `operation`: the HTTP status and the JSON document.
    pub fn respond(&self, operation: &str, body: &[u8]) -> (u16, Vec<u8>) {
        match self.answer(operation, body) {
            Ok(body) => (200, body),
            Err(error) => (error.status_code(), error.to_json().into_bytes()),
        }
    }

    fn answer(&self, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
        let db = &self.database;
        match operation {
            "BatchGetItem" => call(body, |request| db.batch_get_item(request)),
            "CreateTable" => call(body, |request| db.create_table(request)),
            "DescribeTable" => call(body, |request| db.describe_table(request)),
            "GetItem" => call(body, |request| db.get_item(request)),
            "PutItem" => call(body, |request| db.put_item(request)),
            "Query" => call(body, |request| db.query(in_portions(request))),
            "Scan" => call(body, |request| db.scan(request)),
            "TransactWriteItems" => call(body, |request| db.transact_write_items(request)),
            "UpdateItem" => call(body, |request| db.update_item(request)),
            "UpdateTimeToLive" => call(body, |request| db.update_time_to_live(request)),
            other => Err(DynoxideError::ValidationException(format!(
                "the embedded engine does not offer {other}: no repository uses it"
            ))),
        }
    }
}

/// The engine reads everything that is left of a partition and then cuts off what is more than a page: for a
/// large one that is the square of its length. A limit keeps it to a page; whoever asks goes on as ever.
fn in_portions(request: QueryRequest) -> QueryRequest {
    let limit = request.limit.map_or(ROWS_OF_A_PAGE, |limit| limit.min(ROWS_OF_A_PAGE));
    QueryRequest { limit: Some(limit), ..request }
}

/// Makes the folder the process's own.
fn lock(folder: &Path) -> Result<File, OpenError> {
    let failed = |source| OpenError::Folder { folder: folder.to_owned(), source };
    make_private(folder).map_err(failed)?;
    let lock = File::create(folder.join("lock")).map_err(failed)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { folder: folder.to_owned() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// A folder with customers' data is nobody else's to read. One that is there already keeps its
/// rights: they are its owner's choice.
fn make_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A database that was not finished, and the journal beside it.
fn remove_leftovers(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn database(path: &Path, durability: Durability) -> Result<Database, OpenError> {
    let database = Database::new(&path.to_string_lossy()).map_err(OpenError::Engine)?;
    if durability == Durability::ProcessKill {
        // Leaves write-ahead logging with `synchronous=NORMAL` behind: 25,700 conditional writes a
        // second instead of 281 on a two-core machine.
        database.enable_bulk_loading().map_err(OpenError::Engine)?;
        database.disable_bulk_loading().map_err(OpenError::Engine)?;
    }
    Ok(database)
}

impl HttpConnector for Engine {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit_once('.').map_or("", |(_, operation)| operation);
        let Some(body) = request.body().bytes() else {
            let refused = ConnectorError::user("a request body has to be in memory".into());
            return HttpConnectorFuture::ready(Err(refused));
        };
        let (status, body) = self.respond(operation, body);
        let status =
            StatusCode::try_from(status).map_err(|error| ConnectorError::other(Box::new(error), None));
        HttpConnectorFuture::ready(status.map(|status| {
            let mut response = HttpResponse::new(status, SdkBody::from(body));
            response.headers_mut().insert("content-type", "application/x-amz-json-1.0");
            response
        }))
    }
}

impl HttpClient for Engine {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn call<Request: DeserializeOwned, Response: Serialize>(
    body: &[u8],
    operation: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Result<Vec<u8>, DynoxideError> {
    let request = serde_json::from_slice(body)
        .map_err(|error| DynoxideError::SerializationException(error.to_string()))?;
    let response = operation(request)?;
    serde_json::to_vec(&response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn open(folder: &Path) -> Result<Engine, OpenError> {
        Engine::open(folder, Durability::ProcessKill, async |_| Ok(())).await
    }

    #[tokio::test]
    async fn one_process_owns_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path()).await.unwrap();
        assert!(matches!(open(folder.path()).await, Err(OpenError::InUse { .. })));
        drop(first);
        assert!(open(folder.path()).await.is_ok());
    }

    #[tokio::test]
    async fn a_database_that_could_not_be_prepared_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let refused = || Err(OpenError::InUse { folder: PathBuf::new() });
        let failed = Engine::open(folder.path(), Durability::ProcessKill, async |_| refused()).await;
        assert!(failed.is_err());
        assert!(!folder.path().join("store.sqlite").exists());
        assert!(open(folder.path()).await.is_ok());
        let prepared_again = Engine::open(folder.path(), Durability::ProcessKill, async |_| refused()).await;
        assert!(prepared_again.is_ok(), "a database that is there is not prepared");
    }

    #[test]
    fn an_operation_no_repository_uses_is_refused() {
        let engine = Engine::in_memory().unwrap();
        assert!(engine.answer("DeleteItem", b"{}").is_err());
    }
}
