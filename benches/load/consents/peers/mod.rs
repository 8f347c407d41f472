//! What else keeps consents, in the same run: PostgreSQL asked by pgbench, without HTTP and so an upper bound, and a consent product over HTTP that
//! keeps its data in PostgreSQL. A peer that is not there is named and left out.

mod c15t;
mod postgres;

use self::postgres::Postgres;
use crate::{Failure, Options, machine};

/// Connections, as many as capture from the server.
const CONNECTIONS: u32 = 64;

/// What a peer did.
struct Figures {
    peer: &'static str,
    call: &'static str,
    connections: u32,
    per_second: f64,
    /// Processor time of the peer for each call, in microseconds.
    micros: f64,
    /// Of the peer.
    cores: f64,
    p50: f64,
    p99: f64,
}

impl Figures {
    fn print(&self, customers: u32) {
        println!(
            "| {} | {customers} | {} | {} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} | {} |",
            self.peer,
            self.call,
            self.connections,
            self.per_second,
            1e6 / self.micros,
            self.micros,
            self.p50,
            self.p99,
            self.cores,
            machine::load(),
        );
    }
}

pub async fn run(options: &Options, steps: &[u32]) -> Result<(), Failure> {
    println!("\n## Peers\n");
    let Some(postgres) = Postgres::start(options)? else {
        println!("PostgreSQL is not installed (Debian: postgresql): neither it nor what keeps its data in it was measured.");
        return Ok(());
    };
    println!("{}.\n", postgres.describe()?);
    let modules = c15t::modules();
    match &modules {
        Ok(_) => println!("{}\n", c15t::DESCRIPTION),
        Err(reason) => println!("@c15t/backend was not measured: {reason}.\n"),
    }
    println!(
        "| peer | customers | call | connections | calls/s | calls per core-second | peer µs/call | p50 ms | p99 ms | peer cores | load |"
    );
    println!("| --- | --: | --- | --: | --: | --: | --: | --: | --: | --: | --: |");
    for &customers in steps {
        postgres.fill(customers)?;
        for figures in postgres.measure(options, customers)? {
            figures.print(customers);
        }
        if let Ok(modules) = &modules {
            for figures in c15t::measure(options, &postgres, modules, customers).await? {
                figures.print(customers);
            }
        }
    }
    Ok(())
}
