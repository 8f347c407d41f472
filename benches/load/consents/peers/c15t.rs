//! `@c15t/backend`, a consent product on npm, behind Node's own HTTP server (`benches/peers/consents.mjs`).

use std::{
    cell::RefCell,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    rc::Rc,
};

use serde_json::json;

use super::{
    CONNECTIONS, Figures,
    postgres::{Postgres, output},
};
use crate::{
    Failure, Options,
    client::Connection,
    consents::{Chance, SEED, SharedChance, WARM_UP},
    measured::{self, Life, Lives, Target, Window},
    server::cpu_with_children,
};

/// What is installed. Its versions are those that the figures speak of.
const PACKAGES: [&str; 3] = ["@c15t/backend@2.2.1", "kysely@0.28", "pg@8"];

pub const DESCRIPTION: &str = "@c15t/backend 2.2.1 behind Node's own HTTP server, one process, in a database of the same PostgreSQL, its schema made by its own migrator. \
     Added: an index of consents by subject, which it lacks, and without which each GET reads the whole table. It keeps no proof and no chain; its time is Node's and PostgreSQL's together.";

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/consents.mjs");

const DATABASE: &str = "c15t";

/// A subject that was made through its API, of which the others are copies.
const FIRST: &str = "sub_AAAAAAAAAAAAA";

/// Installs it once, into a folder of its own. Gives the folder.
///
/// # Errors
/// Why it cannot be measured.
pub fn modules() -> Result<PathBuf, Failure> {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::home_dir().map(|home| home.join(".cache"))).ok_or("no home folder")?;
    let folder = cache.join("rubrica").join("peers-consents");
    if !folder.join("node_modules/@c15t/backend").exists() || !folder.join("node_modules/pg").exists() {
        std::fs::create_dir_all(&folder)?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&folder).args(PACKAGES);
        output(&mut npm)?;
    }
    Ok(folder)
}

/// The peer as it runs; dropping it ends its own process, not its database.
struct Backend<'a> {
    node: Child,
    address: SocketAddr,
    postgres: &'a Postgres,
}

impl Drop for Backend<'_> {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

impl Target for Backend<'_> {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn token(&self) -> &str {
        "none"
    }

    fn cpu(&self) -> Result<f64, Failure> {
        Ok(cpu_with_children(self.node.id())? + self.postgres.cpu()?)
    }
}

impl<'a> Backend<'a> {
    fn start(postgres: &'a Postgres, modules: &Path) -> Result<Self, Failure> {
        let exists = postgres.sql("postgres", &format!("SELECT 1 FROM pg_database WHERE datname = '{DATABASE}'"))?;
        if exists.trim().is_empty() {
            postgres.sql("postgres", &format!("CREATE DATABASE {DATABASE}"))?;
        }
        let url = format!("postgresql://bench@localhost/{DATABASE}?host={}", postgres.socket().display());
        let mut command = Command::new("node");
        command.arg(SCRIPT).arg(modules).arg(url).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut node = command.spawn().map_err(|error| format!("node: {error}"))?;
        let mut output = BufReader::new(node.stdout.take().ok_or("no output")?);
        let mut port = String::new();
        output.read_line(&mut port)?;
        // Reads on until it ends, so that it never waits for a reader.
        std::thread::spawn(move || output.lines().map_while(Result::ok).for_each(drop));
        let port: u16 = port.trim().parse().map_err(|_| "@c15t/backend did not start; its reason is above")?;
        Ok(Self { node, address: SocketAddr::from(([127, 0, 0, 1], port)), postgres })
    }

    /// Copies of the first subject and its consent, as rows: through its API they would take hours.
    fn fill(&self, customers: u32) -> Result<(), Failure> {
        // Ids of subjects are base58: digits as letters, as in `subject`.
        let id = "'sub_' || translate(lpad(number::text, 12, '0'), '0123456789', 'ABCDEFGHJK')";
        let missing = format!("generate_series((SELECT count(*) - 1 FROM subject), {customers} - 1) AS number");
        let statements = format!(
            "CREATE TEMPORARY TABLE missing AS SELECT number FROM {missing};
             INSERT INTO subject SELECT (jsonb_populate_record(s, jsonb_build_object('id', {id}))).*
             FROM subject s, missing WHERE s.id = '{FIRST}';
             INSERT INTO consent SELECT (jsonb_populate_record(c.first, jsonb_build_object('id', 'cns_' || number, 'subjectId', {id}))).*
             FROM (SELECT consent AS first FROM consent WHERE \"subjectId\" = '{FIRST}' LIMIT 1) c, missing;
             CREATE INDEX IF NOT EXISTS consent_by_subject ON consent (\"subjectId\");"
        );
        self.postgres.sql(DATABASE, &statements)?;
        self.postgres.sql(DATABASE, "VACUUM ANALYZE")?;
        self.postgres.sql(DATABASE, "CHECKPOINT").map(drop)
    }
}

/// The id of a subject.
fn subject(number: u32) -> String {
    let digits = format!("{number:012}");
    let letters = digits.bytes().filter_map(|digit| b"ABCDEFGHJK".get(usize::from(digit - b'0')));
    format!("sub_{}", letters.map(|letter| char::from(*letter)).collect::<String>())
}

#[derive(Clone, Copy)]
enum Call {
    Read,
    Capture,
}

pub async fn measure(options: &Options, postgres: &Postgres, modules: &Path, customers: u32) -> Result<Vec<Figures>, Failure> {
    let backend = Backend::start(postgres, modules)?;
    let mut connection = Connection::open(backend.address, "none").await?;
    capture(&mut connection, FIRST, 0).await?;
    backend.fill(customers)?;
    let chance: SharedChance = Rc::new(RefCell::new(Chance(SEED)));
    let mut all = Vec::new();
    for (call, name, connections) in [
        (Call::Read, "GET of a subject at random", options.connections),
        (Call::Capture, "POST of a consent, subject at random", CONNECTIONS),
    ] {
        let mut one = measured::measure_on(connections, options.duration(), &backend, WARM_UP, |connection, window| {
            live(connection, call, customers, chance.clone(), window)
        })
        .await?;
        let [p50, p99] = [50.0, 99.0].map(|part| one.lives.whole.percentiles(&[part])[0]);
        all.push(Figures {
            peer: "@c15t/backend, HTTP",
            call: name,
            connections,
            per_second: one.per_second(),
            micros: one.server_cpu / one.lives.len() * 1e6,
            cores: one.server_cpu / one.seconds,
            p50,
            p99,
        });
    }
    Ok(all)
}

async fn live(
    mut connection: Connection,
    call: Call,
    customers: u32,
    chance: SharedChance,
    window: Window,
) -> Result<Lives, Failure> {
    let mut lives = Lives::default();
    while !window.is_over() {
        let (subject, choices) = {
            let mut chance = chance.borrow_mut();
            (subject(chance.below(customers)), chance.next())
        };
        let mut life = Life::begin();
        match call {
            Call::Read => connection.call("GET", &format!("/subjects/{subject}"), "", "").await?.expect(200)?,
            Call::Capture => capture(&mut connection, &subject, choices).await?,
        }
        life.answered("call");
        lives.count(window, life);
    }
    Ok(lives)
}

async fn capture(connection: &mut Connection, subject: &str, choices: u64) -> Result<(), Failure> {
    let body = json!({
        "type": "marketing_communications",
        "subjectId": subject,
        "domain": "example.com",
        "preferences": {"necessary": true, "marketing": choices & 1 == 0, "measurement": choices & 2 == 0},
        "givenAt": chrono::Utc::now().timestamp_millis(),
        "metadata": {"actor_id": "AG000123", "sell_channel": "eshop", "trace_id": "TR-1"},
    });
    connection.call("POST", "/subjects", "", &body.to_string()).await?.expect(200)
}
