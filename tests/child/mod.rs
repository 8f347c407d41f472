//! A server as a process of its own, which a test can kill.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Longest time from the start to the first line. Generous: several tests may compete for the processor.
const START: Duration = Duration::from_secs(60);

/// Lines of the log that a failure shows.
const TAIL: usize = 40;

/// What a server is started with.
#[derive(Clone)]
pub struct Setup {
    /// Where data and log lie.
    folder: PathBuf,
    config: Option<PathBuf>,
}

impl Setup {
    /// A server with its data and its log below `folder`, and this configuration file, if there is one.
    pub fn new(folder: &Path, config: Option<&str>) -> Self {
        let config = config.map(|text| {
            let path = folder.join("rubrica.toml");
            std::fs::write(&path, text).expect("the configuration is written");
            path
        });
        Self { folder: folder.to_owned(), config }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Starts a server without waiting for it.
    pub fn spawn(&self) -> Child {
        let log = OpenOptions::new().create(true).append(true).open(self.log()).expect("the log is opened");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rubrica"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("RUBRICA_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(self.data());
        if let Some(config) = &self.config {
            command.arg("--config").arg(config);
        }
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().expect("the server starts");
        let lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
        let (send, printed) = mpsc::channel();
        thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| send.send(line)));
        Child { process, printed, log: self.log() }
    }

    /// Starts a server that listens.
    pub fn start(&self) -> (Child, Welcome) {
        let mut child = self.spawn();
        let welcome = child.welcome();
        (child, welcome)
    }

    /// The last lines of the log.
    pub fn tail(&self) -> String {
        tail(&self.log())
    }

    /// The whole log.
    pub fn logged(&self) -> String {
        std::fs::read_to_string(self.log()).unwrap_or_default()
    }
}

fn tail(log: &Path) -> String {
    let Ok(file) = File::open(log) else { return "(no log)".into() };
    let lines: Vec<String> = BufReader::new(file).lines().map_while(Result::ok).collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

/// What the server says when it listens.
#[derive(Clone, Debug)]
pub struct Welcome {
    /// `http://` and the address.
    pub base: String,
    /// A token of the development organization with all roles.
    pub token: String,
}

/// A running server. Dropping it kills it.
pub struct Child {
    process: std::process::Child,
    printed: Receiver<String>,
    log: PathBuf,
}

impl Child {
    /// Waits until it listens.
    pub fn welcome(&mut self) -> Welcome {
        let until = Instant::now() + START;
        let mut base = None;
        let mut token_follows = false;
        loop {
            let line = match self.printed.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the server does not listen after {START:?}; its log:\n{}", tail(&self.log))
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!("the server ended before it listened; its log:\n{}", tail(&self.log))
                }
            };
            if let Some(address) = line.strip_prefix("Rubrica listens on ") {
                base = Some(address.to_owned());
            } else if line.starts_with("Token for organization") {
                token_follows = true;
            } else if let (true, Some(base)) = (token_follows, &base) {
                return Welcome { base: base.clone(), token: line };
            }
        }
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }

    /// SIGKILL, and waits for the end.
    pub fn kill(mut self) {
        assert!(self.is_running(), "the server ended by itself; its log:\n{}", tail(&self.log));
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }

    /// SIGTERM, and waits for the end.
    pub fn terminate(mut self, within: Duration) -> ExitStatus {
        assert!(self.is_running(), "the server ended by itself; its log:\n{}", tail(&self.log));
        let sent = Command::new("sh").args(["-c", "kill -TERM \"$0\"", &self.process.id().to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "the signal cannot be sent");
        let until = Instant::now() + within;
        while Instant::now() < until {
            if let Some(status) = self.process.try_wait().expect("it can be waited for") {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the server did not end within {within:?}; its log:\n{}", tail(&self.log));
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
