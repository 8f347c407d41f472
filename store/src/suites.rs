//! The conformance suite over the model, the SQLite engine, and both behind faults; and random scripts compared with the model.

use std::sync::Arc;

use proptest::prelude::*;

use crate::{
    Listing, Store,
    conformance::{
        Fresh,
        resolving::Resolving,
        script::{Step, behaves_like, holds_the_same},
    },
    faulty::{Faulty, Plan},
    model::Model,
    sqlite::{Options, Sqlite},
};

/// A third of the calls meet some fault.
const FAULTS: Plan =
    Plan { unknown_not_applied: 100, unknown_applied: 100, refused: 100, delayed: 50, delay: std::time::Duration::ZERO };

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

fn open(folder: &tempfile::TempDir) -> Sqlite {
    Sqlite::open(&folder.path().join("rubrica.db"), Options::default()).expect("the engine opens")
}

mod model {
    use super::*;

    async fn fresh() -> Fresh {
        Fresh::new(Model::new())
    }

    crate::conformance_suite!(fresh);
}

mod sqlite {
    use super::*;

    async fn fresh() -> Fresh {
        let folder = folder();
        Fresh { store: Arc::new(open(&folder)), keep: Box::new(folder) }
    }

    crate::conformance_suite!(fresh);
}

mod scylla {
    use super::*;
    use crate::scylla::{Options, Scylla, migrate};

    async fn fresh() -> Fresh {
        let server = tokio::task::spawn_blocking(cql_server::shared).await.expect("a CQL server");
        let keyspace = cql_server::Keyspace::take().await.expect("a keyspace");
        let options = Options { replication: 1, ..Options::new(server.contact_points().to_vec(), keyspace.name()) };
        migrate(&options).await.expect("a schema");
        let store = Scylla::open(&options, &prometheus::Registry::new()).await.expect("the engine opens");
        Fresh { store: Arc::new(store), keep: Box::new(keyspace) }
    }

    crate::conformance_suite!(fresh);
}

mod faulty_model {
    use super::*;

    async fn fresh() -> Fresh {
        Fresh::new(Resolving::new(Faulty::new(Model::new(), 7, FAULTS)))
    }

    crate::conformance_suite!(fresh);
}

mod faulty_sqlite {
    use super::*;

    async fn fresh() -> Fresh {
        let folder = folder();
        Fresh { store: Arc::new(Resolving::new(Faulty::new(open(&folder), 11, FAULTS))), keep: Box::new(folder) }
    }

    crate::conformance_suite!(fresh);
}

fn step() -> impl Strategy<Value = Step> {
    // Mostly the head that is there, sometimes one beside it.
    let off = || prop_oneof![4 => Just(0_i8), 1 => -2_i8..=2];
    let moment = || -100_i16..100;
    let commit =
        (any::<u8>(), off(), prop::collection::vec(0_u16..2_000, 0..4), any::<bool>(), moment(), prop::option::of(moment()));
    let listing = prop_oneof![6 => Just(Listing::Listed), 2 => Just(Listing::Unlisted), 1 => Just(Listing::Removed)];
    let marks = prop::option::of(prop::collection::vec(any::<u8>(), 0..4));
    let commit = (commit, prop::option::of(any::<u8>()), listing, marks);
    let settle = (any::<u8>(), moment(), off(), prop::option::of(moment()));
    prop_oneof![
        3 => commit.prop_map(|((thing, off, entries, snapshot, at, wake), key, listing, marks)| Step::Commit {
            thing, off, entries, snapshot, at, wake, key, listing, marks,
        }),
        1 => settle.prop_map(|(thing, due, off, next)| Step::Settle { thing, due, off, next }),
        1 => (any::<u8>(), off(), 0_u16..5_000).prop_map(|(thing, off, length)| Step::Put { thing, off, length }),
    ]
}

fn run(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sqlite_answers_and_holds_what_the_model_does_and_keeps_it(script in prop::collection::vec(step(), 1..60)) {
        run(async {
            let folder = folder();
            let model: Arc<dyn Store> = Arc::new(Model::new());
            let store: Arc<dyn Store> = Arc::new(open(&folder));
            behaves_like(&model, &store, &script).await;
            drop(store);
            let reopened: Arc<dyn Store> = Arc::new(open(&folder));
            holds_the_same(&model, &reopened).await;
        });
    }

    #[test]
    fn a_caller_that_resolves_sees_no_difference_behind_faults(
        script in prop::collection::vec(step(), 1..60), seed in any::<u64>(),
    ) {
        run(async {
            let model: Arc<dyn Store> = Arc::new(Model::new());
            let store: Arc<dyn Store> = Arc::new(Resolving::new(Faulty::new(Model::new(), seed, FAULTS)));
            behaves_like(&model, &store, &script).await;
        });
    }
}
