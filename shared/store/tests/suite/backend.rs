//! Where the suite runs: a way to a DynamoDB, and tables made in it.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_sdk_dynamodb::{
    Client,
    config::SharedHttpClient,
    types::{Put, TransactWriteItem},
};
use store::{Store, probe::Probe};
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{
    dump::{Dump, Item},
    wire::Wire,
};

/// Items in one transaction (AWS API reference).
const TRANSACTION_MAX: usize = 100;

/// A DynamoDB.
pub(crate) struct Backend {
    http: SharedHttpClient,
    connect: Box<dyn Fn(SharedHttpClient) -> Client + Send + Sync>,
    name: String,
    tables: AtomicU32,
    _folder: Option<TempDir>,
}

impl Backend {
    /// What `http` reaches; `connect` makes an SDK client of an HTTP client. Tables are called
    /// `name` and a number.
    pub(crate) fn new(
        http: SharedHttpClient,
        connect: impl Fn(SharedHttpClient) -> Client + Send + Sync + 'static,
        name: impl Into<String>,
        folder: Option<TempDir>,
    ) -> Self {
        Self {
            http,
            connect: Box::new(connect),
            name: name.into(),
            tables: AtomicU32::new(0),
            _folder: folder,
        }
    }

    /// A new table, empty.
    pub(crate) async fn table(&self) -> Table {
        let number = self.tables.fetch_add(1, Ordering::Relaxed);
        let name = format!("{}-{number}", self.name);
        let (wire, wired) = Wire::around(self.http.clone());
        let (probe, probed) = Probe::around(wired);
        let store = Store::new((self.connect)(probed), &name);
        store.create_table_if_absent().await.unwrap();
        probe.reset();
        Table { store, probe, wire, raw: (self.connect)(self.http.clone()), name }
    }
}

/// A table, its repositories, and the ways past them.
pub(crate) struct Table {
    pub(crate) store: Store,
    pub(crate) probe: Probe,
    pub(crate) wire: Wire,
    pub(crate) raw: Client,
    pub(crate) name: String,
}

impl Table {
    /// The repositories over a table of another name.
    pub(crate) fn elsewhere(&self, name: &str) -> Store {
        Store::new(self.raw.clone(), name)
    }

    /// Everything that is stored.
    pub(crate) async fn dump(&self) -> Dump {
        let mut dump = Dump::default();
        let mut after = None;
        loop {
            let scan = self.raw.scan().table_name(&self.name).consistent_read(true);
            let answer = scan.set_exclusive_start_key(after).send().await.unwrap();
            answer.items.unwrap_or_default().into_iter().for_each(|item| dump.add(item));
            after = answer.last_evaluated_key;
            if after.is_none() {
                return dump;
            }
        }
    }

    /// Puts items into the table as they are.
    pub(crate) async fn insert(&self, items: Vec<Item>) {
        let put = |item: &Item| {
            let put = Put::builder().table_name(&self.name).set_item(Some(item.clone())).build();
            TransactWriteItem::builder().put(put.unwrap()).build()
        };
        for items in items.chunks(TRANSACTION_MAX) {
            let writes = items.iter().map(put).collect();
            self.raw.transact_write_items().set_transact_items(Some(writes)).send().await.unwrap();
        }
    }

    /// Changes the one stored item whose sort key begins with `sort_key`.
    pub(crate) async fn change(&self, sort_key: &str, change: impl FnOnce(&mut Item)) {
        let mut item = self.dump().await.one(sort_key);
        change(&mut item);
        self.insert(vec![item]).await;
    }
}

/// What `count` tasks answer that work at the same time.
pub(crate) async fn at_once<T, F>(count: u32, task: impl Fn(u32) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for number in 0..count {
        tasks.spawn(task(number));
    }
    tasks.join_all().await
}
