//! The repositories over the embedded engine: in memory, and on a folder at both durabilities.
#![expect(clippy::unwrap_used, reason = "tests")]

mod suite;

use aws_sdk_dynamodb::config::SharedHttpClient;
use embedded::{Durability, Engine, OpenError};
use store::client_over;

use self::suite::backend::Backend;

fn backend(engine: Engine, folder: Option<tempfile::TempDir>) -> Backend {
    Backend::new(SharedHttpClient::new(engine), client_over, "contacts", folder)
}

fn in_a_folder(durability: Durability) -> Backend {
    let folder = tempfile::tempdir().unwrap();
    let opening = Engine::open(folder.path(), durability, async |_| Ok::<(), OpenError>(()));
    let engine = futures::executor::block_on(opening).unwrap();
    backend(engine, Some(folder))
}

mod in_memory {
    use super::{Backend, Engine, backend, suite};

    fn fresh() -> Backend {
        backend(Engine::in_memory().unwrap(), None)
    }

    suite::tests!(super::fresh);
}

mod surviving_a_killed_process {
    use super::{Backend, Durability, in_a_folder, suite};

    fn fresh() -> Backend {
        in_a_folder(Durability::ProcessKill)
    }

    suite::tests!(super::fresh);
}

mod surviving_a_power_cut {
    use super::{Backend, Durability, in_a_folder, suite};

    fn fresh() -> Backend {
        in_a_folder(Durability::PowerCut)
    }

    suite::tests!(super::fresh);
}
