//! Customers as a migration brings them: lines of JSON, 1,000 in one call.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{Chance, ROOT, SEED, customer};
use crate::{
    Failure, Options,
    client::Connection,
    machine,
    server::{Server, own_cpu},
    statistics::Times,
};

/// Lines in one call.
const LINES: u32 = 1_000;

/// Calls at once.
const CONNECTIONS: u32 = 4;

/// What importing some took.
pub struct Imported {
    customers: Range<u32>,
    seconds: f64,
    server_cpu: f64,
    client_cpu: f64,
    calls: Times,
    load: String,
}

pub async fn run(options: &Options, server: &Server, customers: Range<u32>) -> Result<Imported, Failure> {
    let lanes = CONNECTIONS.min(options.connections);
    let local = tokio::task::LocalSet::new();
    let (began, server_before, client_before) = (Instant::now(), server.cpu()?, own_cpu()?);
    let mut running = Vec::new();
    for lane in 0..lanes {
        let connection = server.connect().await?;
        running.push(local.spawn_local(import(connection, customers.clone(), lane, lanes)));
    }
    let calls = local
        .run_until(async {
            let mut calls = Times::default();
            for one in running {
                calls.extend(one.await??);
            }
            Ok::<_, Failure>(calls)
        })
        .await?;
    Ok(Imported {
        customers,
        seconds: began.elapsed().as_secs_f64(),
        server_cpu: server.cpu()? - server_before,
        client_cpu: own_cpu()? - client_before,
        calls,
        load: machine::load(),
    })
}

/// Every call of one connection.
async fn import(mut connection: Connection, customers: Range<u32>, lane: u32, lanes: u32) -> Result<Times, Failure> {
    let mut times = Times::default();
    let starts = customers.clone().step_by(LINES as usize).skip(lane as usize).step_by(lanes as usize);
    for start in starts {
        let end = start.saturating_add(LINES).min(customers.end);
        let body = lines(start..end);
        let began = Instant::now();
        let answer =
            connection.send("POST", &format!("{ROOT}/consent-imports"), "", "application/x-ndjson", body.as_bytes()).await?;
        let took: Duration = began.elapsed();
        answer.expect(200)?;
        check(answer.body, end - start)?;
        times.add(took);
    }
    Ok(times)
}

fn lines(customers: Range<u32>) -> String {
    let mut lines = String::new();
    for number in customers {
        let mut chance = Chance(SEED ^ u64::from(number));
        let (first, second) = (chance.below(2) * 2, chance.below(2) * 2);
        let selections = json!([{"id": "C01", "choice": first}, {"id": "C05", "choice": second}]);
        let evidence =
            json!({"actor_id": "AG000123", "capture_date": "2026-03-01T09:00:00Z", "trace_id": format!("call 4711-{number}")});
        let line = json!({
            "customer_id": customer(number),
            "segment": "telco",
            "selections": selections,
            "evidence": evidence,
            "source": "old crm",
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    lines
}

/// Each line is answered by one, as a capture would be.
fn check(answer: &[u8], expected: u32) -> Result<(), Failure> {
    let text = std::str::from_utf8(answer)?;
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let mut count = 0;
    for line in lines {
        let line: Value = serde_json::from_str(line)?;
        if line["status"] != 201 {
            return Err(format!("a line was not imported: {line}").into());
        }
        count += 1;
    }
    if count == expected { Ok(()) } else { Err(format!("{count} lines answer {expected}").into()) }
}

pub fn print(imports: &[Imported]) {
    println!("\nImport, {LINES} lines a call, {CONNECTIONS} calls at once.\n");
    println!(
        "| from | to | customers/s | per core-second of the server | p50 ms a call | p99 ms a call | server cores | client cores | load |\n\
         | --: | --: | --: | --: | --: | --: | --: | --: | --: |"
    );
    for one in imports {
        let (count, times) = (f64::from(one.customers.end - one.customers.start), one.calls.clone().percentiles(&[50.0, 99.0]));
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} | {:.2} | {} |",
            one.customers.start,
            one.customers.end,
            count / one.seconds,
            count / one.server_cpu,
            times[0],
            times[1],
            one.server_cpu / one.seconds,
            one.client_cpu / one.seconds,
            one.load,
        );
    }
}
