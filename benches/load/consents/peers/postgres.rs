//! PostgreSQL in a folder of its own, asked by pgbench: one table of events, one of states, both written by one statement.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use super::{CONNECTIONS, Figures};
use crate::{Failure, Options, consents::WARM_UP, server::cpu_with_children, statistics::Times};

/// Beside the defaults, which are durable.
const SETTINGS: [&str; 3] = ["shared_buffers=256MB", "max_wal_size=4GB", "max_connections=200"];

/// An event of 650 bytes, as an entry of ours has, and the state that follows from it.
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS consent_event (seq bigserial PRIMARY KEY, customer_id text NOT NULL, at timestamptz NOT NULL, body text NOT NULL);
    CREATE TABLE IF NOT EXISTS consent_state (customer_id text, segment text, seq bigint NOT NULL, state jsonb NOT NULL, PRIMARY KEY (customer_id, segment));";

const CAPTURE: &str = "\\set customer random(0, :customers - 1)
\\set choice 2 * random(0, 1)
WITH event AS (INSERT INTO consent_event (customer_id, at, body) VALUES (lpad(:customer::text, 12, '0'), now(), repeat('x', 650)) RETURNING seq)
INSERT INTO consent_state (customer_id, segment, seq, state)
SELECT lpad(:customer::text, 12, '0'), 'telco', seq, jsonb_build_object('C01', :choice::int, 'C07', :choice::int, 'at', now()) FROM event
ON CONFLICT (customer_id, segment) DO UPDATE SET seq = excluded.seq, state = consent_state.state || excluded.state;
";

const READ: &str = "\\set customer random(0, :customers - 1)
SELECT state FROM consent_state WHERE customer_id = lpad(:customer::text, 12, '0') AND segment = 'telco';
";

const CHECK: &str =
    "SELECT count(*) FROM consent_state WHERE segment = 'telco' AND state ->> 'C01' = '0' AND customer_id = ANY(ARRAY(
SELECT lpad(floor(random() * :customers)::bigint::text, 12, '0') FROM generate_series(1, 10000)));
";

/// A running cluster; dropping it ends it.
pub struct Postgres {
    folder: TempDir,
    /// Where its programs are.
    programs: PathBuf,
    /// Process id of the one that started all others.
    postmaster: u32,
    /// It refuses to run as the superuser of the machine.
    as_other: bool,
}

impl Postgres {
    /// `None` where it is not installed.
    pub fn start(options: &Options) -> Result<Option<Self>, Failure> {
        let Some(programs) = programs() else { return Ok(None) };
        let folder = tempfile::Builder::new().prefix("consents-").tempdir_in(&options.peer_folder)?;
        let as_other = output(Command::new("id").arg("-u"))?.trim() == "0";
        let mut postgres = Self { folder, programs, postmaster: 0, as_other };
        if as_other {
            output(Command::new("chown").arg("postgres").arg(postgres.folder.path()))?;
        }
        output(postgres.owner("initdb").arg("-D").arg(postgres.data()).args([
            "-A",
            "trust",
            "-U",
            "bench",
            "--no-instructions",
        ]))?;
        let mut settings = format!("-c listen_addresses= -c unix_socket_directories={}", postgres.folder.path().display());
        SETTINGS.iter().for_each(|setting| settings.push_str(&format!(" -c {setting}")));
        let log = postgres.folder.path().join("log");
        let mut start = postgres.owner("pg_ctl");
        start.arg("-D").arg(postgres.data()).arg("-w").arg("-l").arg(log).arg("-o").arg(settings).arg("start");
        // It goes on with what it inherits: pipes would never end.
        if !start.stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
            return Err("PostgreSQL did not start".into());
        }
        postgres.postmaster = postgres.pid()?;
        postgres.sql("postgres", SCHEMA)?;
        Ok(Some(postgres))
    }

    pub fn describe(&self) -> Result<String, Failure> {
        let version = self.sql("postgres", "SHOW server_version")?;
        let held = ["fsync", "synchronous_commit"].map(|name| self.sql("postgres", &format!("SHOW {name}")));
        let [fsync, commit] = held;
        Ok(format!(
            "PostgreSQL {}, fsync {}, synchronous_commit {}, {}; pgbench with prepared statements over a socket of the machine: no HTTP, no token, no hash, no proof, \
             an upper bound",
            version.trim(),
            fsync?.trim(),
            commit?.trim(),
            SETTINGS.join(", "),
        ))
    }

    /// Where its socket is.
    pub fn socket(&self) -> &Path {
        self.folder.path()
    }

    /// Seconds of processor time so far, of all its processes.
    pub fn cpu(&self) -> Result<f64, Failure> {
        cpu_with_children(self.postmaster)
    }

    /// Runs statements; gives what they answer.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String, Failure> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.arg("-h").arg(self.socket()).args([
            "-U",
            "bench",
            "-X",
            "-A",
            "-t",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
            statements,
            database,
        ]);
        output(&mut psql)
    }

    /// Brings it to so many customers, each with one event.
    pub fn fill(&self, customers: u32) -> Result<(), Failure> {
        let missing = format!("FROM generate_series((SELECT count(*) FROM consent_state), {customers} - 1) AS number");
        let events = format!(
            "INSERT INTO consent_event (customer_id, at, body) SELECT lpad(number::text, 12, '0'), now(), repeat('x', 650) {missing}"
        );
        let states = format!(
            "INSERT INTO consent_state SELECT lpad(number::text, 12, '0'), 'telco', number, jsonb_build_object('C01', 0, 'C05', 2, 'at', now()) {missing}"
        );
        self.sql("postgres", &format!("{events}; {states};"))?;
        self.sql("postgres", "VACUUM ANALYZE consent_state")?;
        self.sql("postgres", "CHECKPOINT").map(drop)
    }

    pub fn measure(&self, options: &Options, customers: u32) -> Result<Vec<Figures>, Failure> {
        let calls = [
            ("one row of state, at random", READ, options.connections),
            ("event and state, at random, one statement", CAPTURE, CONNECTIONS),
            ("states of 10,000, at random", CHECK, 1),
        ];
        calls.into_iter().map(|(call, script, connections)| self.bench(options, call, script, connections, customers)).collect()
    }

    fn bench(
        &self,
        options: &Options,
        call: &'static str,
        script: &str,
        connections: u32,
        customers: u32,
    ) -> Result<Figures, Failure> {
        // Of this process' own user, as pgbench is.
        let logs = tempfile::tempdir()?;
        let file = logs.path().join("script.sql");
        fs::write(&file, script)?;
        self.pgbench(&file, connections, customers, WARM_UP, None)?;
        let before = self.cpu()?;
        self.pgbench(&file, connections, customers, options.duration(), Some(&logs.path().join("times")))?;
        let cpu = self.cpu()? - before;
        let mut times = read_times(logs.path())?;
        let (count, seconds) = (times.len() as f64, options.duration().as_secs_f64());
        let [p50, p99] = [50.0, 99.0].map(|part| times.percentiles(&[part])[0]);
        Ok(Figures {
            peer: "PostgreSQL, pgbench",
            call,
            connections,
            per_second: count / seconds,
            micros: cpu / count * 1e6,
            cores: cpu / seconds,
            p50,
            p99,
        })
    }

    fn pgbench(
        &self,
        script: &Path,
        connections: u32,
        customers: u32,
        time: Duration,
        log: Option<&Path>,
    ) -> Result<(), Failure> {
        let mut pgbench = Command::new(self.programs.join("pgbench"));
        pgbench.arg("-h").arg(self.socket()).args(["-U", "bench", "-n", "-M", "prepared", "-f"]).arg(script);
        pgbench.args([
            "-c",
            &connections.to_string(),
            "-T",
            &time.as_secs().to_string(),
            "-D",
            &format!("customers={customers}"),
        ]);
        if let Some(log) = log {
            pgbench.arg("-l").arg("--log-prefix").arg(log);
        }
        output(pgbench.arg("postgres")).map(drop)
    }

    /// A program of its own, as the user that may run it.
    fn owner(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.as_other {
            true => Command::new("runuser"),
            false => Command::new(&program),
        };
        if self.as_other {
            command.args(["-u", "postgres", "--"]).arg(&program);
        }
        command.current_dir("/");
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn pid(&self) -> Result<u32, Failure> {
        let text = fs::read_to_string(self.data().join("postmaster.pid"))?;
        Ok(text.lines().next().ok_or("no process id")?.trim().parse()?)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = self.owner("pg_ctl");
        let _ = stop
            .arg("-D")
            .arg(self.data())
            .args(["-m", "immediate", "stop"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }
}

/// The folder of its programs: Debian keeps them out of the path, a folder for each version.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let newest = versions.max_by_key(|path| path.file_name()?.to_str()?.parse::<u32>().ok());
    let configured = || output(Command::new("pg_config").arg("--bindir")).ok().map(|path| PathBuf::from(path.trim()));
    let is_whole = |path: &PathBuf| ["initdb", "pg_ctl", "pgbench", "psql"].iter().all(|program| path.join(program).exists());
    newest.map(|path| path.join("bin")).filter(is_whole).or_else(|| configured().filter(is_whole))
}

/// Times of transactions, in pgbench's files: client, number, microseconds, and what else.
fn read_times(folder: &Path) -> Result<Times, Failure> {
    let mut times = Times::default();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with("times") {
            continue;
        }
        for line in fs::read_to_string(entry.path())?.lines() {
            let micros = line.split(' ').nth(2).and_then(|field| field.parse().ok());
            times.add(Duration::from_micros(micros.ok_or("a line of pgbench without its time")?));
        }
    }
    Ok(times)
}

/// What a program writes.
///
/// # Errors
/// With what it complained of, if it did not end well.
pub fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim()).into())
}
