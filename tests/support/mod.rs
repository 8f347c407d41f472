//! A real server as a child process, and a client for it: what the tests over HTTP share.
//!
//! Nothing here knows the inside of the server. Every wait is bounded and says what it waited for.
#![allow(dead_code, unused_imports, reason = "each test binary uses its part of this module")]

mod client;
mod journey;
mod store;

pub use client::{Answer, Call, Client, Form};
pub use journey::{Device, Journey, SignerView, code_in};
pub use store::{Keeps, MASTER, Store};

use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Mutex, Weak, mpsc},
    time::{Duration, Instant},
};

/// The organization that a development server has from its first start.
pub const ORGANIZATION: &str = "acme";

/// Longest time that a server may take to say where it listens, and then to be ready. Generous: the machine may be busy.
const START: Duration = Duration::from_secs(60);

/// Longest time that a server may take to go down after SIGTERM.
const STOP: Duration = Duration::from_secs(60);

/// Longest time for what the server does by itself: sending, sealing, certifying.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Between two looks at something that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until there is something to see.
///
/// # Panics
/// When `within` has passed; names what was waited for.
pub fn wait_for<T>(what: &str, within: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + within;
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(Instant::now() < until, "waited {within:?} in vain for {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}

/// How a server is started.
#[derive(Clone, Default)]
pub struct Options {
    /// Data folder; without it, one that goes away with the server.
    pub data: Option<PathBuf>,
    /// Text of a configuration file.
    pub config: Option<String>,
    /// A test that starts several servers on one data folder takes [`Options::on`], or names one.
    pub keeps: Keeps,
    /// Sees every answer to the server's clients.
    pub observer: Option<fn(&Answer)>,
}

impl Options {
    /// For servers that follow each other on one data folder: each starts with a clone of these.
    pub fn on(folder: &Path) -> Self {
        Self { data: Some(folder.to_owned()), keeps: Keeps::as_asked(), ..Self::default() }
    }
}

/// A server that runs. It is killed when this is dropped.
pub struct Server {
    child: Child,
    data: PathBuf,
    config: Option<PathBuf>,
    log: PathBuf,
    base: String,
    token: String,
    observer: Option<fn(&Answer)>,
    keeps: Keeps,
    _folder: Option<tempfile::TempDir>,
}

impl Server {
    /// A server of its own with an empty data folder, ready to answer.
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// # Panics
    /// When it does not become ready; shows its log.
    pub fn start_with(options: Options) -> Self {
        let mut server = Self::launch(options);
        server.read_welcome();
        let client = server.anonymous();
        wait_for("the server to be ready", START, || (client.get("/health/ready").send().status == 200).then_some(()));
        server
    }

    /// Starts a server and kills it (SIGKILL) after a while, whether it listens by then or not.
    pub fn kill_while_it_starts(options: Options, after: Duration) {
        let server = Self::launch(options);
        // Not waiting for anything: the moment is what is asked for.
        std::thread::sleep(after);
        server.kill();
    }

    fn launch(options: Options) -> Self {
        let folder = options.data.is_none().then(|| tempfile::tempdir().expect("a temporary folder"));
        let data = options.data.clone().unwrap_or_else(|| folder.as_ref().expect("a temporary folder").path().to_owned());
        std::fs::create_dir_all(&data).expect("the data folder");
        let log = data.join("server.log");
        let config = options.config.as_ref().map(|text| {
            let path = data.join("rubrica.toml");
            std::fs::write(&path, text).expect("the configuration file is written");
            path
        });
        let keeps = options.keeps.clone().decided();
        let mut command = rubrica();
        command.envs(keeps.environment());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(&data);
        if let Some(path) = &config {
            command.arg("--config").arg(path);
        }
        let stderr = File::options().create(true).append(true).open(&log).expect("the log file opens");
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn().expect("the server starts");
        Self {
            child,
            data,
            config,
            log,
            base: String::new(),
            token: String::new(),
            observer: options.observer,
            keeps,
            _folder: folder,
        }
    }

    /// Address and token, as the server prints them.
    fn read_welcome(&mut self) {
        let stdout = self.child.stdout.take().expect("the server's output");
        let (sender, lines) = mpsc::channel();
        // Reads on to the end: a full pipe would hold up the server.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        let until = Instant::now() + START;
        let mut token_follows = false;
        while self.base.is_empty() || self.token.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            let Ok(line) = lines.recv_timeout(left) else { panic!("the server did not start; its log:\n{}", self.log()) };
            if let Some(address) = line.strip_prefix("Rubrica listens on ") {
                self.base = address.trim().to_owned();
            } else if token_follows {
                self.token = line.trim().to_owned();
            }
            token_follows = line.starts_with("Token for organization");
        }
    }

    /// What the server logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Start of the server's addresses, `http://127.0.0.1:PORT`.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Every file that it keeps beside its state, in the data folder or in one that it shares.
    pub fn files(&self) -> Vec<PathBuf> {
        let folder = self.keeps.files(&self.data);
        assert!(folder.is_dir(), "files are kept somewhere else by now: look there");
        files_below(&folder)
    }

    /// Where it keeps its state: embedded, or in a store that it shares.
    pub fn keeps(&self) -> &Keeps {
        &self.keeps
    }

    /// The token of [`Server::client`].
    pub fn bearer(&self) -> &str {
        &self.token
    }

    /// The process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client with all roles of [`ORGANIZATION`].
    pub fn client(&self) -> Client {
        self.client_with(&self.token)
    }

    /// A client that sends this bearer token.
    pub fn client_with(&self, token: &str) -> Client {
        Client::new(&self.base, Some(token.to_owned()), self.observer)
    }

    /// A client that sends no token.
    pub fn anonymous(&self) -> Client {
        Client::new(&self.base, None, self.observer)
    }

    /// A token of the server's development issuer, made by `rubrica token`. No role named: all of them.
    pub fn token(&self, organization: &str, roles: &[&str]) -> String {
        self.token_that_expires(organization, roles, "PT8H")
    }

    /// As [`Server::token`], with a lifetime (ISO 8601).
    pub fn token_that_expires(&self, organization: &str, roles: &[&str], expires: &str) -> String {
        let mut command = rubrica();
        command.envs(self.keeps.environment());
        command.arg("token").arg("--data").arg(&self.data).args(["--organization", organization, "--expires", expires]);
        for role in roles {
            command.args(["--role", role]);
        }
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        let output = command.output().expect("`rubrica token` runs");
        assert!(output.status.success(), "rubrica token: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a token is text").trim().to_owned()
    }

    /// Moves the processes' time forward by an ISO 8601 duration.
    pub fn advance(&self, duration: &str) {
        let answer = self.anonymous().post("/sandbox/clock").json(&serde_json::json!({ "advance": duration })).send();
        assert_eq!(answer.status, 200, "{answer}");
    }

    /// Stops the server as an operator does, and waits for its end.
    ///
    /// # Panics
    /// When it does not end in time.
    pub fn terminate(mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("the server takes the signal");
        wait_for("the server to end after SIGTERM", STOP, || self.child.try_wait().expect("the server's status"))
    }

    /// Kills the server at once (SIGKILL) and waits until it is gone. The data folder stays if it was a given one.
    ///
    /// # Panics
    /// When it has ended by itself before.
    pub fn kill(mut self) {
        let ended = self.child.try_wait().expect("the server's status");
        assert!(ended.is_none(), "the server ended by itself: {ended:?}");
        self.child.kill().expect("the server can be killed");
        self.child.wait().expect("the server's status");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only where the server is gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.len().saturating_sub(4000);
            eprintln!("the end of the server's log:\n{}", log.get(from..).unwrap_or(&log));
        }
    }
}

/// The program, without what the environment would configure.
pub fn rubrica() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rubrica"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("RUBRICA_")) {
        command.env_remove(name);
    }
    command
}

/// A server that tests running at the same time share, and that ends with the last of them.
///
/// Not for tests that move the clock: it moves for all.
pub struct Shared(Mutex<Weak<Server>>);

impl Shared {
    pub const fn new() -> Self {
        Self(Mutex::new(Weak::new()))
    }

    /// The server; started if none runs.
    pub fn get(&self, observer: Option<fn(&Answer)>) -> Arc<Server> {
        // A test that panicked while it started the server leaves nothing half done here.
        let mut held = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(server) = held.upgrade() {
            return server;
        }
        let server = Arc::new(Server::start_with(Options { observer, ..Options::default() }));
        *held = Arc::downgrade(&server);
        server
    }
}

/// Every file below a folder; none where it cannot be read, as one that is removed meanwhile.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}
