//! How fast the server is: `cargo bench --bench load`, by hand, on a machine that does nothing else. It prints tables in Markdown;
//! `benches/README.md` holds those of one machine and says how to read them.
//!
//! Nothing here passes or fails by a time: a scenario fails only when an answer is wrong or does not come.

mod biometric;
mod client;
mod code_reader;
mod consents;
mod console;
mod fills;
mod html_fills;
mod identification;
mod machine;
mod measured;
mod nodes;
mod otp;
mod provider;
mod seal;
mod server;
mod statistics;
mod waiting;

use std::{path::PathBuf, process::ExitCode, time::Duration};

use clap::Parser;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures the server and prints tables.
#[derive(Parser)]
#[command(name = "load")]
struct Options {
    /// What is measured: otp, waiting, seal, forms, fills, identification, biometric, consents, console, nodes. Without any: all but consents
    /// and console, which take long, and nodes, which needs Java, and Maven once.
    scenarios: Vec<Scenario>,
    /// Server to measure, as often as wanted: each round measures each of them, so that two builds meet the same conditions.
    #[arg(long = "server", default_value = env!("CARGO_BIN_EXE_rubrica"))]
    servers: Vec<PathBuf>,
    /// Folder under which data folders are made, on the disk that counts; they are removed afterwards.
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    folder: PathBuf,
    /// Keep-alive connections.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(1..=1024))]
    connections: u32,
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Milliseconds from a code's arrival to its answer, in nodes, and between two processes, in biometric: people take seconds, and meanwhile
    /// what follows has been done.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=60_000))]
    think: u32,
    /// Measurements of each server.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Processes that wait.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    processes: u32,
    /// Customers with consents, at most: it begins with 10,000 and goes on by tens, and measures each time.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(10_000..=100_000_000))]
    customers: u32,
    /// Sign processes that the console lists.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    listed: u32,
    /// Folder under which the databases of the peers of consents are made; other users must be able to reach it, and it should be on the same
    /// disk.
    #[arg(long, default_value = "/var/tmp")]
    peer_folder: PathBuf,
    /// Measures consents without peers.
    #[arg(long)]
    no_peers: bool,
    /// Given by `cargo bench`.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Scenario {
    Otp,
    Waiting,
    Seal,
    Forms,
    Fills,
    Identification,
    Biometric,
    Consents,
    Console,
    Nodes,
}

impl Options {
    fn wants(&self, scenario: Scenario) -> bool {
        let long = matches!(scenario, Scenario::Consents | Scenario::Console | Scenario::Nodes);
        (self.scenarios.is_empty() && !long) || self.scenarios.contains(&scenario)
    }

    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

fn main() -> ExitCode {
    // One thread for the client: the server is to have the other core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run(&Options::parse())));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    machine::print(options)?;
    if options.wants(Scenario::Otp) {
        otp::run(options).await?;
    }
    if options.wants(Scenario::Waiting) {
        for server in &options.servers {
            waiting::run(options, server).await?;
        }
    }
    if options.wants(Scenario::Seal) {
        seal::run(options)?;
    }
    if options.wants(Scenario::Forms) {
        fills::run(options).await?;
    }
    if options.wants(Scenario::Fills) {
        html_fills::run(options).await?;
    }
    if options.wants(Scenario::Identification) {
        identification::run(options).await?;
    }
    if options.wants(Scenario::Biometric) {
        biometric::run(options).await?;
    }
    if options.wants(Scenario::Consents) {
        consents::run(options).await?;
    }
    if options.wants(Scenario::Console) {
        for server in &options.servers {
            console::run(options, server).await?;
        }
    }
    if options.wants(Scenario::Nodes) {
        for server in &options.servers {
            nodes::run(options, server).await?;
        }
    }
    Ok(())
}
