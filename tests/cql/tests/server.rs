//! What the tests of the stores rely on: the server holds what it says, and ends when it should.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cql_server::{Cluster, Durability, Options, PASSWORD, USER, drop_keyspace, fresh_keyspace, shared};
use futures::StreamExt;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::errors::{ExecutionError, RequestAttemptError};
use scylla::policies::host_filter::AllowListHostFilter;
use scylla::statement::batch::{Batch, BatchType};
use scylla::value::{CqlValue, Row};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::block_in_place;

/// Several servers at once on two processors would only make each other late.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

async fn connect(contact_points: &[String]) -> Session {
    SessionBuilder::new().known_nodes(contact_points).build().await.expect("the server takes connections")
}

/// A keyspace with the one table of these tests, replicated to so many nodes.
async fn keyspace(session: &Session, replicas: usize) -> String {
    let name = fresh_keyspace();
    let replication = format!("{{'class': 'NetworkTopologyStrategy', 'datacenter1': {replicas}}}");
    let create = format!("CREATE KEYSPACE {name} WITH replication = {replication}");
    session.query_unpaged(create, &[]).await.expect("the keyspace is made");
    session.use_keyspace(&name, false).await.expect("the keyspace is used");
    let create = "CREATE TABLE entry (id int, seq int, head int static, body text, PRIMARY KEY (id, seq))";
    session.query_unpaged(create, &[]).await.expect("the table is made");
    name
}

/// An append as the store makes it: the condition on the head first, then the row. Whether it was applied.
async fn append(session: &Session, id: i32, head: Option<i32>, new: i32) -> Result<bool, ExecutionError> {
    let mut batch = Batch::new(BatchType::Logged);
    batch.append_statement("UPDATE entry SET head = ? WHERE id = ? IF head = ?");
    batch.append_statement("INSERT INTO entry (id, seq, body) VALUES (?, ?, 'body')");
    let answer = session.batch(&batch, ((new, id, head), (id, new))).await?;
    let rows = answer.into_rows_result().expect("a conditional batch answers with rows");
    let row = rows.rows::<Row>().expect("rows").next().expect("a row").expect("a row that can be read");
    Ok(row.columns[0] == Some(CqlValue::Boolean(true)))
}

async fn ids(session: &Session) -> Vec<i32> {
    let rows = session.query_unpaged("SELECT id FROM entry", &[]).await.expect("the table is read");
    let rows = rows.into_rows_result().expect("rows");
    rows.rows::<(i32,)>().expect("rows of one number").map(|row| row.expect("a row").0).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shared_server_compares_and_appends() {
    let _alone = alone().await;
    let session = connect(block_in_place(shared).contact_points()).await;
    let name = keyspace(&session, 1).await;

    assert!(append(&session, 1, None, 1).await.expect("an answer"), "the first append meets no head");
    assert!(!append(&session, 1, None, 1).await.expect("an answer"), "the second one meets the first one's head");
    assert!(append(&session, 1, Some(1), 2).await.expect("an answer"), "one that knows the head is applied");

    drop_keyspace(&name).await.expect("the keyspace goes");
    assert!(append(&session, 1, Some(2), 3).await.is_err(), "nothing is left of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let _alone = alone().await;
    let mut cluster = block_in_place(|| Cluster::start(1, &Options::default())).expect("a server");
    let session = Arc::new(connect(&cluster.contact_points()).await);
    let name = keyspace(&session, 1).await;

    // Killed in the midst of writing: those that come after fail, and say nothing.
    let enough = 600;
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let writing = tokio::spawn({
        let (session, acknowledged) = (Arc::clone(&session), Arc::clone(&acknowledged));
        async move {
            let writes = futures::stream::iter(0..20_000_i32).map(|id| {
                let (session, acknowledged) = (&session, &acknowledged);
                async move {
                    let applied = append(session, id, None, 1).await.ok()?;
                    acknowledged.fetch_add(1, Ordering::Relaxed);
                    applied.then_some(id)
                }
            });
            let mut kept = Vec::new();
            let mut writes = std::pin::pin!(writes.buffer_unordered(16));
            while let Some(written) = writes.next().await {
                match written {
                    Some(id) => kept.push(id),
                    None => break,
                }
            }
            kept
        }
    });
    let until = Instant::now() + Duration::from_secs(60);
    while acknowledged.load(Ordering::Relaxed) < enough {
        assert!(Instant::now() < until, "the server is too slow for this test");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    cluster.kill(0).expect("the server is killed");
    let kept = writing.await.expect("the writer ends");
    assert!(kept.len() >= enough - 16 && kept.len() < 20_000, "{} appends came before the kill", kept.len());

    block_in_place(|| cluster.start_again(0)).expect("it starts on its own data");
    let session = connect(&cluster.contact_points()).await;
    session.use_keyspace(&name, false).await.expect("the keyspace is still there");
    let found = ids(&session).await;
    let lost: Vec<&i32> = kept.iter().filter(|id| !found.contains(id)).collect();
    assert!(lost.is_empty(), "lost {} of {}: {lost:?}", lost.len(), kept.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_nodes_are_a_quorum() {
    let _alone = alone().await;
    let mut cluster = block_in_place(|| Cluster::start(3, &Options::default())).expect("three nodes");
    let points = cluster.contact_points();
    let session = connect(&points).await;
    let name = keyspace(&session, 3).await;
    assert!(append(&session, 1, None, 1).await.expect("all three answer"));

    cluster.kill(1).expect("a node is killed");
    let first = connect_only_to(&points[0], &name).await;
    assert!(settled(&first, 1, 1).await, "two nodes decide");
    // A node that stands still is one more without an answer: there is no quorum any more.
    cluster.pause(2).expect("a node stands still");
    let refused = append(&first, 2, None, 1).await.expect_err("one node decides nothing");
    assert!(matches!(refused, ExecutionError::LastAttemptError(RequestAttemptError::DbError(..))), "it says {refused}");
    cluster.resume(2).expect("it goes on");
    assert!(settled(&first, 1, 2).await, "two nodes decide again");

    block_in_place(|| cluster.start_again(1)).expect("the node comes back");
    let second = connect_only_to(&points[1], &name).await;
    assert!(settled(&second, 1, 3).await, "three nodes decide");
    block_in_place(|| cluster.stop(1)).expect("a node stops");
    assert!(settled(&first, 1, 4).await, "two nodes go on");
}

/// A session that asks one node alone, so that no answer waits for another one that has gone.
async fn connect_only_to(point: &String, keyspace: &str) -> Session {
    let only = AllowListHostFilter::new([point]).expect("an address");
    let builder = SessionBuilder::new().known_node(point).host_filter(Arc::new(only));
    builder.use_keyspace(keyspace, false).build().await.expect("the node takes connections")
}

/// Takes an entity on from a head, until that is known to have happened (a lost answer shows as a head that has moved), for a minute.
async fn settled(session: &Session, id: i32, head: i32) -> bool {
    let until = Instant::now() + Duration::from_secs(60);
    let mut lost = false;
    while Instant::now() < until {
        match append(session, id, Some(head), head + 1).await {
            Ok(applied) => return applied || lost,
            Err(_) => lost = true,
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_asks_for_a_login_and_speaks_tls() {
    let _alone = alone().await;
    let options = Options { durability: Durability::Nothing, authentication: true, tls: true, ..Options::default() };
    let cluster = block_in_place(|| Cluster::start(1, &options)).expect("a server");
    let ca = cluster.ca().expect("a CA");
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).expect("PEM")).expect("a CA's certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocol versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tls = Arc::new(tls);

    let over_tls = || SessionBuilder::new().known_nodes(cluster.contact_points()).tls_context(Some(Arc::clone(&tls)));
    let session = over_tls().user(USER, PASSWORD).build().await.expect("the user logs in");
    keyspace(&session, 1).await;
    assert!(append(&session, 1, None, 1).await.expect("an answer"));
    assert!(over_tls().build().await.is_err(), "nobody comes in without a login");
    assert!(over_tls().user(USER, "wrong").build().await.is_err(), "nor with a wrong password");
    let plain = SessionBuilder::new().known_nodes(cluster.contact_points()).user(USER, PASSWORD).build().await;
    assert!(plain.is_err(), "nor in the clear");
}

/// The program, and the address that it says.
fn program() -> (Child, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cql-server"));
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the program starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("RUBRICA_TEST_CQL=").unwrap_or_else(|| panic!("it says {line:?}")).to_owned();
    assert!(TcpStream::connect(&address).is_ok(), "the server is there");
    (child, address)
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < until, "not so after 20 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_never_outlives_its_program() {
    let _alone = alone().await;
    block_in_place(|| {
        // Closing its input ends it in good order.
        let (mut child, address) = program();
        drop(child.stdin.take());
        assert!(child.wait().expect("it ends").success());
        assert!(TcpStream::connect(&address).is_err(), "the server went with it");

        let (mut child, address) = program();
        child.kill().expect("the program is killed");
        child.wait().expect("it ends");
        wait_until("the server is killed too", || TcpStream::connect(&address).is_err());
    });
}
