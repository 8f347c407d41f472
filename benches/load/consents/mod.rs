//! Consents: reads and captures of known customers at random, a check of 10,000, and import, with more and more customers; the pages of
//! a B-tree first, which bound all of it, and peers in the same run.

mod calls;
mod catalogue;
mod import;
mod pages;
mod peers;

use std::{cell::RefCell, path::Path, rc::Rc, time::Duration};

use self::calls::Call;
use crate::{Failure, Options, machine, measured::Measured, server::Server};

/// Where the operations of the second API are.
const ROOT: &str = "/v2/orgs/acme";

/// The segment of all customers, as a header line.
const SEGMENT: &str = "x-segment: telco\r\n";

/// The first number of customers.
const FIRST: u32 = 10_000;

/// Runs before a measurement: connections, token check, the catalogue.
const WARM_UP: Duration = Duration::from_secs(2);

/// Seed of what is drawn: the same customers are asked for in each run.
const SEED: u64 = 0x5eed_c0de;

/// SplitMix64 (Steele, Lea, Flood 2014): cheap, and the same for the same seed.
#[derive(Clone)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u32) -> u32 {
        // The bias of the rest is nothing here.
        (self.next() % u64::from(bound.max(1))) as u32
    }
}

/// One source of chance for all connections of a measurement.
type SharedChance = Rc<RefCell<Chance>>;

/// How a customer is called.
fn customer(number: u32) -> String {
    format!("{number:012}")
}

/// Numbers of customers that are measured with: ten times as many each time, the greatest last.
fn steps(most: u32) -> Vec<u32> {
    let tens = std::iter::successors(Some(FIRST), |step| step.checked_mul(10));
    let mut steps: Vec<u32> = tens.take_while(|step| *step < most).collect();
    steps.push(most);
    steps
}

pub async fn run(options: &Options) -> Result<(), Failure> {
    let steps = steps(options.customers);
    pages::run(options, &steps)?;
    let mut figures = Vec::new();
    for server in &options.servers {
        figures.push((machine::name(server), measure(options, server, &steps).await?));
    }
    if options.no_peers {
        println!("\nNo peers were asked for.");
    } else {
        peers::run(options, &steps).await?;
    }
    for (name, figures) in figures {
        print_cost(&name, &figures);
    }
    Ok(())
}

/// Microseconds of the server's processor time for each customer of one call, with so many customers there.
struct Cost {
    call: Call,
    customers: u32,
    micros: f64,
}

async fn measure(options: &Options, program: &Path, steps: &[u32]) -> Result<Vec<Cost>, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let mut server = Server::start(program, folder.path())?;
    catalogue::create(&mut server.connect().await?).await?;
    println!("\n## Consents of customers: {}, fsync on\n", machine::name(program));
    println!("{}\n", catalogue::DESCRIPTION);
    println!(
        "| customers | call | connections | calls/s | calls per core-second | server µs/call | p50 ms | p99 ms | server cores | client cores | others' cores | load | RSS MB |"
    );
    println!("| --: | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    let chance = Rc::new(RefCell::new(Chance(SEED)));
    let mut costs = Vec::new();
    let mut imports = Vec::new();
    let mut there = 0;
    for &customers in steps {
        imports.push(import::run(options, &server, there..customers).await?);
        there = customers;
        for call in Call::ALL {
            // Anew, so that no customer is in memory from what was measured before: else few customers would cost nothing at all.
            server.stop()?;
            server = Server::start(program, folder.path())?;
            let mut one = calls::measure(options, &server, call, customers, &chance).await?;
            print(call, customers, call.connections(options), &mut one);
            costs.push(Cost { call, customers, micros: one.server_cpu / one.lives.len() * 1e6 / f64::from(call.customers()) });
        }
    }
    import::print(&imports);
    println!("\nOn the disk with {there} customers: {:.0} MB.", folder_mb(folder.path())?);
    Ok(costs)
}

fn print(call: Call, customers: u32, connections: u32, one: &mut Measured) {
    let times = one.lives.whole.percentiles(&[50.0, 99.0]);
    println!(
        "| {customers} | {} | {connections} | {:.0} | {:.0} | {:.0} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {} | {:.0} |",
        call.label(),
        one.per_second(),
        one.per_core_second(),
        one.server_cpu / one.lives.len() * 1e6,
        times[0],
        times[1],
        one.server_cpu / one.seconds,
        one.client_cpu / one.seconds,
        one.other_cpu / one.seconds,
        machine::load(),
        one.resident_mb,
    );
}

fn print_cost(name: &str, costs: &[Cost]) {
    println!("\n### What more customers cost: {name}\n");
    println!("| call | customers | server µs for each customer | of that with {FIRST} |\n| --- | --: | --: | --: |");
    for call in Call::ALL {
        let of_call: Vec<&Cost> = costs.iter().filter(|cost| cost.call == call).collect();
        let first = of_call.first().map_or(f64::NAN, |cost| cost.micros);
        for cost in of_call {
            let (customers, micros) = (cost.customers, cost.micros);
            println!("| {} | {customers} | {micros:.1} | {:.2} times |", call.label(), micros / first);
        }
    }
}

/// What lies in a folder and those below it, in MB (10^6 bytes).
fn folder_mb(folder: &Path) -> Result<f64, Failure> {
    let mut bytes = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                bytes += metadata.len();
            }
        }
    }
    Ok(bytes as f64 / 1e6)
}
