//! How the engine comes to a cluster: logins, TLS, schemas.

use cql_server::{Cluster, Durability, Keyspace, NewKeyspace, PASSWORD, USER, shared};
use prometheus::Registry;
use store::{
    Error, Store,
    scylla::{Migrated, Options, Scylla, migrate},
};

fn message(result: Result<Scylla, Error>) -> String {
    result.err().expect("it must not open").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_with_login_and_tls_is_used_by_those_who_have_both() {
    let options = cql_server::Options { durability: Durability::Nothing, authentication: true, tls: true, ..Default::default() };
    let cluster = tokio::task::block_in_place(|| Cluster::start(1, &options)).expect("a cluster");
    let good = Options {
        replication: 1,
        username: Some(USER.into()),
        password: Some(PASSWORD.into()),
        ca: cluster.ca().map(Into::into),
        ..Options::new(cluster.contact_points(), "secured")
    };
    assert!(good.ca.is_some());
    migrate(&good).await.expect("a schema");
    let store = Scylla::open(&good, &Registry::new()).await.expect("it opens");
    store.ping().await.expect("it answers");

    let registry = Registry::new();
    let unencrypted = Options { ca: None, ..good.clone() };
    assert!(matches!(Scylla::open(&unencrypted, &registry).await, Err(Error::Unavailable(_))));
    let wrong = Options { password: Some("hunter2hunter2".into()), ..good.clone() };
    let said = message(Scylla::open(&wrong, &Registry::new()).await);
    assert!(!said.contains("hunter2"), "{said}");
    let nobody = Options { username: None, password: None, ..good.clone() };
    assert!(matches!(Scylla::open(&nobody, &Registry::new()).await, Err(Error::Unavailable(_))));

    let folder = tempfile::tempdir().expect("a folder");
    let other_ca = folder.path().join("ca.pem");
    std::fs::write(&other_ca, "no certificate").expect("written");
    let untrusting = Options { ca: Some(other_ca), ..good };
    let said = message(Scylla::open(&untrusting, &Registry::new()).await);
    assert!(said.contains("ca.pem"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_migrate_at_once_make_one_schema_and_one_does_the_work() {
    let server = tokio::task::block_in_place(shared);
    // Not one that was used before: its schema would be there.
    let keyspace = NewKeyspace::default();
    let options = Options { replication: 1, ..Options::new(server.contact_points().to_vec(), keyspace.name()) };
    let said = message(Scylla::open(&options, &Registry::new()).await);
    assert!(said.contains("rubrica migrate"), "{said}");

    let migrating: Vec<_> = (0..4)
        .map(|_| {
            tokio::spawn({
                let options = options.clone();
                async move { migrate(&options).await }
            })
        })
        .collect();
    let mut applied = 0;
    for migrated in migrating {
        applied += migrated.await.expect("no panic").expect("migrated").applied.len();
    }
    let all = migrate(&options).await.expect("nothing to do");
    assert_eq!(all, Migrated { created: false, applied: Vec::new() });
    let migrations = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../schema/cql")).expect("the migrations").count();
    assert_eq!(applied, migrations, "each migration is carried out once");
    Scylla::open(&options, &Registry::new()).await.expect("it opens").ping().await.expect("it answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_said_to_be() {
    let keyspace = Keyspace::take().await.expect("a keyspace");
    // Port 9 discards, where anybody listens at all.
    let options =
        Options { timeout: std::time::Duration::from_secs(1), ..Options::new(vec!["127.0.0.1:9".into()], keyspace.name()) };
    let refused = Scylla::open(&options, &Registry::new()).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{}", message(refused));
}
