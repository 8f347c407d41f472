//! Several servers on one database: what they do together, whether a process stays at one server or goes from one to the other with each
//! call, and what their statements are.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use base64::Engine as _;
use cql_server::{Cluster, Durability};
use uuid::Uuid;

use crate::{
    Failure, Options,
    client::Connection,
    code_reader::CodeReader,
    machine,
    otp::{CREATION, DEVICE, create},
    server::{Server, cpu_of_command, machine_cpu, own_cpu},
    statistics::{Times, labelled, median, total},
    waiting::metrics,
};

/// Before each measurement.
const WARM_UP: Duration = Duration::from_secs(5);

/// Pause after a 503.
const RETRY: Duration = Duration::from_secs(1);

/// Reads of processes that are counted.
const GETS: usize = 500;

/// The longest a database node takes for a statement under this load; beyond it the measurement fails.
const STATEMENT: &str = "PT20S";

/// How many servers there are, and whether each call of a life goes to another one.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Layout {
    servers: usize,
    alternating: bool,
}

const LAYOUTS: [Layout; 5] = [
    Layout { servers: 1, alternating: false },
    Layout { servers: 2, alternating: false },
    Layout { servers: 2, alternating: true },
    Layout { servers: 3, alternating: false },
    Layout { servers: 3, alternating: true },
];

/// One measurement.
struct Measured {
    calls_per_second: f64,
    life: Times,
    conflicts: f64,
    others_cores: f64,
    server_micros: f64,
    database_micros: f64,
    statements: Vec<f64>,
    all: u64,
    refused: u64,
    reads_per_get: f64,
}

/// Statements that serve calls, and none of those that look for wake-ups.
const STATEMENTS: [(&str, &[&str]); 4] = [
    ("conditional", &["append", "append_one"]),
    ("serial reads", &["serial_read"]),
    ("plain writes", &["wake_put", "listing_write", "snapshot_write", "spill_write"]),
    ("reads", READS),
];

const READS: &[&str] = &["load", "entries", "standing", "snapshot", "spill_read", "commit_at"];

/// A database and what the servers on it share.
struct Shared {
    cluster: Cluster,
    master: String,
    files: tempfile::TempDir,
}

pub async fn run(options: &Options, program: &Path) -> Result<(), Failure> {
    let settings = cql_server::Options { durability: Durability::Kill, optimised: true, ..cql_server::Options::default() };
    let cluster = tokio::task::spawn_blocking(move || Cluster::start(1, &settings)).await??;
    let master = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
    let master = base64::engine::general_purpose::STANDARD.encode(master);
    let mut shared = Shared { cluster, master, files: tempfile::tempdir_in(&options.folder)? };
    println!(
        "\n## OTP lives on one, two and three servers; {} connections, codes answered after {} ms, one Cassandra {} (heap 1 GB): {}\n",
        options.connections,
        options.think,
        cql_server::VERSION,
        machine::name(program)
    );
    let mut all: Vec<Vec<Measured>> = LAYOUTS.iter().map(|_| Vec::new()).collect();
    // Not counted: the database compiles what is hot.
    let mut lives = measure(options, program, &shared, LAYOUTS[0]).await?.all;
    for _ in 0..options.rounds {
        for (layout, measured) in LAYOUTS.into_iter().zip(&mut all) {
            let one = measure(options, program, &shared, layout).await?;
            lives += one.all;
            measured.push(one);
        }
    }
    let alone: Vec<f64> = all[0].iter().map(|one| one.calls_per_second).collect();
    let names = STATEMENTS.map(|(name, _)| format!("{name} per life")).join(" | ");
    println!(
        "| servers | a life's calls go to | calls/s | of one server | life p50, p99 ms | conflicts per 1000 lives | {names} | reads per GET | servers' µs per life | database's µs per life | others' cores |"
    );
    println!("| --: | --- |{}", " --: |".repeat(12));
    for (layout, measured) in LAYOUTS.into_iter().zip(&mut all) {
        let of = |value: &dyn Fn(&Measured) -> f64| median(measured.iter().map(value).collect());
        let parts = measured.iter().zip(&alone).map(|(one, alone)| one.calls_per_second / alone * 100.0).collect();
        let (rate, conflicts, others) = (of(&|one| one.calls_per_second), of(&|one| one.conflicts), of(&|one| one.others_cores));
        let statements: Vec<String> =
            (0..STATEMENTS.len()).map(|place| format!("{:.2}", of(&|one| one.statements[place]))).collect();
        let gets = of(&|one| one.reads_per_get);
        let mut life = Times::default();
        measured.iter().for_each(|one| life.extend(one.life.clone()));
        let times = life.percentiles(&[50.0, 99.0]);
        println!(
            "| {} | {} | {rate:.0} | {:.0} % | {:.0}, {:.0} | {conflicts:.2} | {} | {gets:.2} | {:.0} | {:.0} | {others:.2} |",
            layout.servers,
            if layout.alternating { "another server each" } else { "one server" },
            median(parts),
            times[0],
            times[1],
            statements.join(" | "),
            of(&|one| one.server_micros),
            of(&|one| one.database_micros),
        );
    }
    println!(
        "\nMedian of {} rounds of {} s, all layouts in turn; load average {}.",
        options.rounds,
        options.seconds,
        machine::load()
    );
    let refused: u64 = all.iter().flatten().map(|one| one.refused).sum();
    println!("Lives that ended with 503, as the database did not answer in time: {refused}.");
    print_sizes(&mut shared, lives)
}

async fn measure(options: &Options, program: &Path, shared: &Shared, layout: Layout) -> Result<Measured, Failure> {
    let environment = [
        ("RUBRICA_STORE", format!("scylla://{}/bench?replication=1", shared.cluster.contact_points().join(","))),
        ("RUBRICA_STORE__TIMEOUT", STATEMENT.to_owned()),
        ("RUBRICA_BLOBS__URL", shared.files.path().join("files").display().to_string()),
        ("RUBRICA_KEYS__MASTER", shared.master.clone()),
    ];
    let mut folders = Vec::new();
    let mut servers = Vec::new();
    for _ in 0..layout.servers {
        let folder = tempfile::tempdir_in(&options.folder)?;
        servers.push(Server::start_with(program, folder.path(), &environment)?);
        folders.push(folder);
    }
    let codes = Rc::new(CodeReader::start(folders.iter().map(tempfile::TempDir::path)));
    // Numbers of earlier measurements are in the same database, but their codes were read.
    let next_phone = Rc::new(AtomicU64::new(600_000_000));
    let from = Instant::now() + WARM_UP;
    let until = from + options.duration();
    let local = tokio::task::LocalSet::new();
    let mut running = Vec::new();
    for client in 0..options.connections as usize {
        let mut connections = Vec::new();
        for server in &servers {
            connections.push(server.connect().await?);
        }
        let client = Client {
            connections,
            first: client,
            alternating: layout.alternating,
            think: Duration::from_millis(options.think.into()),
        };
        running.push(local.spawn_local(live(client, codes.clone(), next_phone.clone(), from, until)));
    }
    local
        .run_until(async {
            tokio::time::sleep_until(from.into()).await;
            let (before, machine, ours) = (all_metrics(&servers).await?, machine_cpu()?, Cpu::now(&servers, shared)?);
            tokio::time::sleep_until(until.into()).await;
            let (after, machine, ours) =
                (all_metrics(&servers).await?, machine_cpu()? - machine, Cpu::now(&servers, shared)?.since(ours));
            let mut lives = Lives::default();
            for one in running {
                let one = one.await??;
                lives.times.extend(one.times);
                lives.ids.extend(one.ids);
                lives.all += one.all;
                lives.refused += one.refused;
            }
            let count = lives.times.len() as f64;
            let since = |read: &dyn Fn(&str) -> f64| -> f64 {
                after.iter().zip(&before).map(|(after, before)| read(after) - read(before)).sum()
            };
            let conflicts = since(&|metrics| total(metrics, "rubrica_store_conflicts_total"));
            let statements = STATEMENTS.map(|(_, names)| since(&|metrics| statements(metrics, names)) / count);
            Ok(Measured {
                calls_per_second: count * 3.0 / options.duration().as_secs_f64(),
                conflicts: conflicts / count * 1000.0,
                others_cores: ((machine - ours.sum()) / options.duration().as_secs_f64()).max(0.0),
                statements: statements.to_vec(),
                reads_per_get: reads_per_get(&servers, &lives.ids).await?,
                server_micros: ours.servers / count * 1e6,
                database_micros: ours.database / count * 1e6,
                all: lives.all,
                refused: lives.refused,
                life: lives.times,
            })
        })
        .await
}

/// What one connection to each server does.
struct Client {
    connections: Vec<Connection>,
    first: usize,
    alternating: bool,
    think: Duration,
}

impl Client {
    /// The connection for a step of a life.
    fn at(&mut self, step: usize) -> &mut Connection {
        let place = (self.first + if self.alternating { step } else { 0 }) % self.connections.len();
        &mut self.connections[place]
    }

    /// One life; gives its id.
    async fn live(&mut self, codes: &CodeReader, phone: u64) -> Result<String, Failure> {
        let id = create(self.at(0), phone, "P1D").await?;
        let code = codes.expect(format!("+34{phone}"));
        self.at(1).call("PUT", &format!("{CREATION}/{id}/challenge"), "", "{}").await?.expect(204)?;
        let code = code.code().await?;
        if !self.think.is_zero() {
            tokio::time::sleep(self.think).await;
        }
        let body = format!("{{\"code\":\"{code}\"}}");
        self.at(2).call("PUT", &format!("{CREATION}/{id}/validate"), DEVICE, &body).await?.expect(204)?;
        Ok(id)
    }
}

#[derive(Default)]
struct Lives {
    times: Times,
    ids: Vec<String>,
    /// Also those outside of the time that counts.
    all: u64,
    /// Lives that ended with 503.
    refused: u64,
}

/// One life after the other. Those that end between `from` and `until` count.
async fn live(
    mut client: Client,
    codes: Rc<CodeReader>,
    next_phone: Rc<AtomicU64>,
    from: Instant,
    until: Instant,
) -> Result<Lives, Failure> {
    let mut lives = Lives::default();
    while Instant::now() < until {
        let phone = next_phone.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        match client.live(&codes, phone).await {
            Ok(id) => {
                let ended = Instant::now();
                lives.all += 1;
                if ended >= from && ended < until {
                    lives.times.add(ended - began);
                    lives.ids.push(id);
                }
            }
            // The database did not answer the server in time: the answer says when to come again.
            Err(_) if client.connections.iter().any(|connection| connection.status == 503) => {
                lives.refused += 1;
                client.connections.iter_mut().for_each(|connection| connection.status = 0);
                tokio::time::sleep(RETRY).await;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(lives)
}

/// Reads that a server makes for one GET of a process that is in its memory.
async fn reads_per_get(servers: &[Server], ids: &[String]) -> Result<f64, Failure> {
    let ids = &ids[ids.len().saturating_sub(GETS)..];
    let mut connection = servers[0].connect().await?;
    for counted in [false, true] {
        let before = metrics(&mut connection).await?;
        for id in ids {
            connection.call("GET", &format!("{CREATION}/{id}"), "", "").await?.expect(200)?;
        }
        if counted {
            let after = metrics(&mut connection).await?;
            return Ok((statements(&after, READS) - statements(&before, READS)) / ids.len().max(1) as f64);
        }
    }
    Ok(f64::NAN)
}

async fn all_metrics(servers: &[Server]) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for server in servers {
        all.push(metrics(&mut server.connect().await?).await?);
    }
    Ok(all)
}

fn statements(metrics: &str, names: &[&str]) -> f64 {
    names.iter().map(|name| labelled(metrics, "rubrica_store_statement_seconds_count", "statement", name)).sum()
}

/// Seconds of processor time.
#[derive(Clone, Copy)]
struct Cpu {
    servers: f64,
    database: f64,
    client: f64,
}

impl Cpu {
    fn now(servers: &[Server], shared: &Shared) -> Result<Self, Failure> {
        let servers = servers.iter().map(Server::cpu).sum::<Result<f64, _>>()?;
        Ok(Self { servers, database: cpu_of_command(&shared.node().display().to_string())?, client: own_cpu()? })
    }

    fn since(self, before: Self) -> Self {
        let Self { servers, database, client } = before;
        Self { servers: self.servers - servers, database: self.database - database, client: self.client - client }
    }

    fn sum(self) -> f64 {
        self.servers + self.database + self.client
    }
}

impl Shared {
    /// The folder of the database's node.
    fn node(&self) -> PathBuf {
        self.cluster.log(0).parent().map(Path::to_owned).unwrap_or_default()
    }
}

/// Prints the bytes of the tables' files. The database writes all that it has in memory to them when it is told to end.
fn print_sizes(shared: &mut Shared, lives: u64) -> Result<(), Failure> {
    shared.cluster.stop(0)?;
    println!("\nWhat {lives} lives left in the files of the one node, compressed:\n");
    println!("| table | bytes per life |\n| --- | --: |");
    for keyspace in ["bench", "system"] {
        let mut tables = Vec::new();
        for entry in std::fs::read_dir(shared.node().join("data").join(keyspace))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().rsplit_once('-').map(|(name, _)| name.to_owned());
            let files = std::fs::read_dir(entry.path())?.map(|file| file?.metadata());
            let files = files.collect::<std::io::Result<Vec<_>>>()?;
            let bytes: u64 = files.iter().filter(|file| file.is_file()).map(std::fs::Metadata::len).sum();
            tables.push((name.unwrap_or_default(), bytes as f64 / lives.max(1) as f64));
        }
        tables.sort_by(|one, other| one.0.cmp(&other.0));
        for (name, bytes) in tables {
            if bytes >= 1.0 && (keyspace == "bench" || name == "paxos") {
                println!("| {keyspace}.{name} | {bytes:.0} |");
            }
        }
    }
    Ok(())
}
