//! One node: a process with its folder.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::settings::Plan;
use crate::{Error, spawner};

/// Two busy cores need about 6 s for one node; a machine under load gets ten times that.
const START: Duration = Duration::from_secs(90);
/// For a node that is told to stop; then it is killed.
const STOP: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);

/// A node, running or not.
pub struct Node {
    plan: Plan,
    address: SocketAddr,
    tls: bool,
    child: Option<Child>,
    paused: bool,
}

impl Node {
    pub fn new(plan: Plan, address: Ipv4Addr, port: u16, tls: bool) -> Self {
        Self { plan, address: SocketAddr::from((address, port)), tls, child: None, paused: false }
    }

    pub fn log(&self) -> PathBuf {
        self.plan.log()
    }

    /// Starts the process and waits until it answers CQL.
    ///
    /// # Errors
    /// [`Error::Start`] with the end of its log when it ends or does not answer in time.
    pub fn start(&mut self) -> Result<(), Error> {
        self.launch()?;
        self.await_answer()
    }

    /// Starts the process.
    pub fn launch(&mut self) -> Result<(), Error> {
        assert!(self.child.is_none(), "the node at {} runs already", self.address);
        self.child = Some(spawner::spawn(self.plan.command()?)?);
        Ok(())
    }

    /// Waits until the node answers CQL.
    ///
    /// # Errors
    /// [`Error::Start`] with the end of its log when it ends or does not answer in time.
    pub fn await_answer(&mut self) -> Result<(), Error> {
        let until = Instant::now() + START;
        loop {
            let Some(child) = self.child.as_mut() else { return Err(self.failed("is not running")) };
            if child.try_wait()?.is_some() {
                self.child = None;
                return Err(self.failed("ended"));
            }
            if answers(self.address, self.tls) {
                return Ok(());
            }
            if Instant::now() >= until {
                return Err(self.failed("does not answer"));
            }
            thread::sleep(POLL);
        }
    }

    /// Waits until there is a line in the log that has all of these.
    ///
    /// # Errors
    /// [`Error::Start`] with the end of the log when it does not come in time.
    pub fn await_log(&self, parts: &[&str]) -> Result<(), Error> {
        let until = Instant::now() + START;
        while !fs::read_to_string(self.log())?.lines().any(|line| parts.iter().all(|part| line.contains(part))) {
            if Instant::now() >= until {
                return Err(self.failed("does not get ready"));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    /// Ends the process at once, as a crash would. Without effect when it does not run.
    pub fn kill(&mut self) -> io::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        self.paused = false;
        child.kill()?;
        child.wait().map(drop)
    }

    /// Ends the process as its operator would; kills it when that takes too long. Without effect when it does not run.
    pub fn stop(&mut self) -> io::Result<()> {
        if self.paused {
            self.resume()?;
        }
        let Some(child) = self.child.as_mut() else { return Ok(()) };
        kill_process(Pid::from_child(child), Signal::TERM)?;
        let until = Instant::now() + STOP;
        while child.try_wait()?.is_none() {
            if Instant::now() >= until {
                return self.kill();
            }
            thread::sleep(POLL);
        }
        self.child = None;
        Ok(())
    }

    /// Lets the process stand still: its connections stay open and nothing answers.
    pub fn pause(&mut self) -> io::Result<()> {
        let child = self.child.as_ref().ok_or(io::ErrorKind::NotFound)?;
        kill_process(Pid::from_child(child), Signal::STOP)?;
        self.paused = true;
        Ok(())
    }

    /// Lets it go on.
    pub fn resume(&mut self) -> io::Result<()> {
        let child = self.child.as_ref().ok_or(io::ErrorKind::NotFound)?;
        kill_process(Pid::from_child(child), Signal::CONT)?;
        self.paused = false;
        Ok(())
    }

    fn failed(&self, what: &'static str) -> Error {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let tail = lines[lines.len().saturating_sub(40)..].join("\n");
        Error::Start { node: self.address, what, log: tail }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // The kernel kills it with this process at the latest.
        let _ = self.kill();
    }
}

/// Whether a server answers OPTIONS, the one question that needs no login (CQL native protocol v4, sections 2 and 4.1.3). Behind TLS the
/// open port must do: the server opens it as its last step.
pub fn answers(address: SocketAddr, tls: bool) -> bool {
    const PATIENCE: Duration = Duration::from_secs(2);
    const OPTIONS: [u8; 9] = [0x04, 0, 0, 0, 0x05, 0, 0, 0, 0];
    const SUPPORTED: u8 = 0x06;
    let ask = || -> io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
        if tls {
            return Ok(true);
        }
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(&OPTIONS)?;
        let mut header = [0_u8; 9];
        stream.read_exact(&mut header)?;
        Ok(header[4] == SUPPORTED)
    };
    ask().unwrap_or(false)
}
