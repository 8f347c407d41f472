//! How long a schema takes and how many conditional writes a second come back, by durability: `cargo run -p cql-server --example schema_time`.

use std::time::{Duration, Instant};

use cql_server::{Cluster, Durability, Options, fresh_keyspace};
use futures::StreamExt;
use scylla::client::session_builder::SessionBuilder;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("| durability | start | keyspace and 12 tables | dropping it | conditional writes/s at 32 tasks |");
    println!("| --- | --- | --- | --- | --- |");
    for durability in [Durability::Nothing, Durability::Kill, Durability::PowerLoss] {
        let began = Instant::now();
        let cluster = Cluster::start(1, &Options { durability, ..Options::default() })?;
        let start = began.elapsed();
        let session = SessionBuilder::new().known_nodes(cluster.contact_points()).build().await?;
        for round in 0..4 {
            let keyspace = fresh_keyspace();
            let began = Instant::now();
            let create =
                format!("CREATE KEYSPACE {keyspace} WITH replication = {{'class': 'NetworkTopologyStrategy', 'datacenter1': 1}}");
            session.query_unpaged(create, &[]).await?;
            for table in 0..12 {
                let create =
                    format!("CREATE TABLE {keyspace}.t{table} (k int, c int, head int static, v text, PRIMARY KEY (k, c))");
                session.query_unpaged(create, &[]).await?;
            }
            let schema = began.elapsed();
            let update = format!("UPDATE {keyspace}.t0 SET v = 'x' WHERE k = ? AND c = 0 IF v = null");
            let update = session.prepare(update).await?;
            let began = Instant::now();
            let writes = 4_000;
            futures::stream::iter(0..writes)
                .map(|k| session.execute_unpaged(&update, (k,)))
                .buffer_unordered(32)
                .for_each(|answer| async move { drop(answer.expect("the write is answered")) })
                .await;
            let rate = f64::from(writes) / began.elapsed().as_secs_f64();
            let began = Instant::now();
            session.query_unpaged(format!("DROP KEYSPACE {keyspace}"), &[]).await?;
            let seconds = |time: Duration| time.as_secs_f64();
            println!(
                "| {durability:?}, round {round} | {:.1} s | {:.2} s | {:.2} s | {rate:.0} |",
                seconds(start),
                seconds(schema),
                seconds(began.elapsed())
            );
        }
    }
    Ok(())
}
