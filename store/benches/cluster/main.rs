//! How fast the cluster engine is, on servers that it starts itself: `cargo bench -p store --bench cluster`, by hand, on a machine that does
//! nothing else. It prints tables in Markdown; `benches/README.md` holds those of one machine and says how to read them.
//!
//! Nothing here passes or fails by a time: a scenario fails only when an answer is wrong or does not come.

mod appends;
mod conditions;
mod lives;
mod raw;
mod sizes;
mod times;
mod wakes;

use std::{process::ExitCode, time::Duration};

use cql_server::{Cluster, Durability};
use prometheus::Registry;
use store::scylla::{self, Scylla};

type Failure = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "cluster [appends|wakes|sizes ...] [--nodes 1,3] [--tasks 32,128] [--seconds 5] [--rounds 3] [--wakes 1000000] \
    [--rate 500] [--due-seconds 30] [--lives 50000]";

/// What is measured, and how much of it.
struct Options {
    scenarios: Vec<String>,
    /// Database nodes; every scenario runs on a cluster of each size.
    nodes: Vec<usize>,
    /// Appends under way at once.
    tasks: Vec<usize>,
    /// Of one measurement.
    seconds: u64,
    /// Measurements of each variant, all variants in turn.
    rounds: usize,
    /// Wake-ups that wait.
    wakes: u64,
    /// Of those, how many become due in a second, and for how long.
    rate: u64,
    due_seconds: u64,
    /// Lives whose rows and files are measured.
    lives: u64,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut options = Self {
            scenarios: Vec::new(),
            nodes: vec![1, 3],
            tasks: vec![32, 128],
            seconds: 5,
            rounds: 3,
            wakes: 1_000_000,
            rate: 500,
            due_seconds: 30,
            lives: 50_000,
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} wants a value"));
            match argument.as_str() {
                "--nodes" => options.nodes = numbers(&value()?)?,
                "--tasks" => options.tasks = numbers(&value()?)?,
                "--seconds" => options.seconds = value()?.parse()?,
                "--rounds" => options.rounds = value()?.parse()?,
                "--wakes" => options.wakes = value()?.parse()?,
                "--rate" => options.rate = value()?.parse()?,
                "--due-seconds" => options.due_seconds = value()?.parse()?,
                "--lives" => options.lives = value()?.parse()?,
                // Given by `cargo bench`.
                "--bench" => {}
                "appends" | "wakes" | "sizes" => options.scenarios.push(argument),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }

    fn wants(&self, scenario: &str) -> bool {
        self.scenarios.is_empty() || self.scenarios.iter().any(|wanted| wanted == scenario)
    }

    fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

fn numbers(text: &str) -> Result<Vec<usize>, Failure> {
    Ok(text.split(',').map(str::parse).collect::<Result<_, _>>()?)
}

/// A cluster with a keyspace that has our schema.
struct Setting {
    cluster: Cluster,
    options: scylla::Options,
    nodes: usize,
}

impl Setting {
    async fn start(nodes: usize) -> Result<Self, Failure> {
        let settings = cql_server::Options { durability: Durability::Kill, optimised: true, ..cql_server::Options::default() };
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(nodes, &settings)).await??;
        let replication = u8::try_from(nodes.min(3))?;
        let options = scylla::Options {
            replication,
            timeout: Duration::from_secs(10),
            ..scylla::Options::new(cluster.contact_points(), "bench")
        };
        scylla::migrate(&options).await?;
        Ok(Self { cluster, options, nodes })
    }

    async fn open(&self) -> Result<Scylla, Failure> {
        Ok(Scylla::open(&self.options, &Registry::new()).await?)
    }

    /// How it is called in the headings.
    fn name(&self) -> String {
        format!(
            "{} database node{}, replication {}",
            self.nodes,
            if self.nodes == 1 { "" } else { "s" },
            self.options.replication
        )
    }
}

fn main() -> ExitCode {
    // One thread for the client: the servers are to have the other core.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = runtime.map_err(Failure::from).and_then(|runtime| {
        let options = Options::parse(std::env::args().skip(1))?;
        runtime.block_on(run(&options))
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("cluster: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    conditions::print()?;
    for &nodes in &options.nodes {
        // A cluster for each, so that none finds the rows and the compactions of another.
        if options.wants("appends") {
            appends::run(options, &Setting::start(nodes).await?).await?;
        }
        if options.wants("wakes") {
            wakes::run(options, &Setting::start(nodes).await?).await?;
        }
        if options.wants("sizes") {
            sizes::run(options, Setting::start(nodes).await?).await?;
        }
    }
    Ok(())
}
