//! A server as a child process, with its data in a folder of its own, and what the system knows of it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use crate::{Failure, client::Connection};

/// Longest wait for a server to start or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Ticks per second of the times in /proc (the kernel fixes it for user space on all machines that we build for).
const TICKS: f64 = 100.0;

/// A running server; dropping it kills it.
pub struct Server {
    child: Child,
    pub address: SocketAddr,
    pub token: String,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub fn start(program: &Path, data: &Path) -> Result<Self, Failure> {
        Self::start_with(program, data, &[])
    }

    /// Starts a server with these variables and waits until it listens.
    pub fn start_with(program: &Path, data: &Path, environment: &[(&str, String)]) -> Result<Self, Failure> {
        let mut command = Command::new(program);
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        // The measurement is no flood.
        for bound in ["RUBRICA_CODES__PER_DESTINATION_AND_HOUR", "RUBRICA_CODES__PER_ORGANIZATION_AND_MINUTE"] {
            command.env(bound, "0");
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let output = child.stdout.take().ok_or("the server has no output")?;
        let (sender, lines) = mpsc::channel();
        // Reads on until the server ends, so that the server never waits for a reader.
        std::thread::spawn(move || BufReader::new(output).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let deadline = Instant::now() + PATIENCE;
        let mut server = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), token: String::new() };
        while server.token.is_empty() {
            let line = lines.recv_timeout(deadline.saturating_duration_since(Instant::now()));
            let line = line.map_err(|_| "the server did not start in time; its reason is above")?;
            if let Some(address) = line.strip_prefix("Rubrica listens on http://") {
                server.address = address.parse()?;
            } else if line.starts_with("eyJ") {
                server.token = line;
            }
        }
        Ok(server)
    }

    pub async fn connect(&self) -> Result<Connection, Failure> {
        Connection::open(self.address, &self.token).await
    }

    /// Seconds of processor time so far, in the program, in its workers and in the kernel for them.
    pub fn cpu(&self) -> Result<f64, Failure> {
        cpu_with_children(self.child.id())
    }

    /// Resident memory now, in MB (10^6 bytes), of the server without its workers.
    pub fn resident_mb(&self) -> Result<f64, Failure> {
        resident_mb(self.child.id())
    }

    /// Resident memory of each worker, in MB.
    pub fn workers_mb(&self) -> Result<Vec<f64>, Failure> {
        Ok(self.workers()?.into_iter().filter_map(|id| resident_mb(id).ok()).collect())
    }

    /// Process ids of its workers.
    fn workers(&self) -> Result<Vec<u32>, Failure> {
        children(self.child.id())
    }

    /// Ends it in an orderly way.
    pub fn stop(mut self) -> Result<(), Failure> {
        let signalled = Command::new("kill").arg(self.child.id().to_string()).status()?;
        if !signalled.success() {
            return Err("the server could not be told to stop".into());
        }
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait()?.is_none() {
            if Instant::now() >= deadline {
                return Err("the server did not stop in time".into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Ends it as a power cut would, as far as the process is concerned.
    pub fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Seconds of processor time of a process, of its children, and of those that it has waited for.
pub fn cpu_with_children(id: u32) -> Result<f64, Failure> {
    // One that ends between the two reads counts at the next time, as one that was waited for.
    let children: f64 = children(id)?.iter().map(|id| cpu_seconds(&format!("/proc/{id}/stat")).unwrap_or(0.0)).sum();
    Ok(cpu_seconds(&format!("/proc/{id}/stat"))? + children)
}

/// Ids of the processes that a process has started.
fn children(id: u32) -> Result<Vec<u32>, Failure> {
    let is_child = |child: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let parent = fields(&stat).get(1).and_then(|field| field.parse().ok());
        parent == Some(id)
    };
    let ids = std::fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(ids.filter(is_child).collect())
}

/// Seconds of processor time of this process.
pub fn own_cpu() -> Result<f64, Failure> {
    cpu_seconds("/proc/self/stat")
}

/// Seconds of processor time of those processes whose command line holds this text.
pub fn cpu_of_command(text: &str) -> Result<f64, Failure> {
    let mut seconds = 0.0;
    for entry in std::fs::read_dir("/proc")? {
        let folder = entry?.path();
        let command = std::fs::read(folder.join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(text) {
            // It may end between the two reads.
            seconds += cpu_seconds(&folder.join("stat").display().to_string()).unwrap_or(0.0);
        }
    }
    Ok(seconds)
}

/// Seconds of processor time of a process and of the children that it has waited for.
fn cpu_seconds(path: &str) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(path)?;
    let fields = fields(&stat);
    // utime, stime, cutime and cstime are fields 14 to 17.
    let ticks = (11..15).map(|index| fields.get(index).and_then(|field| field.parse::<f64>().ok()));
    Ok(ticks.sum::<Option<f64>>().ok_or("no processor time")? / TICKS)
}

/// The fields of a process' stat from the third on, its state.
fn fields(stat: &str) -> Vec<&str> {
    // The name of the program may hold blanks; what follows its bracket does not.
    stat.rsplit_once(") ").map_or_else(Vec::new, |(_, rest)| rest.split(' ').collect())
}

fn resident_mb(id: u32) -> Result<f64, Failure> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").trim().parse()?;
    Ok(kib * 1024.0 / 1e6)
}

/// Seconds that all processors of the machine have worked, for anybody.
pub fn machine_cpu() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().ok_or("no processors")?;
    let fields: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, (idle, iowait), irq, softirq; steal is somebody else's.
    Ok([0, 1, 2, 5, 6].iter().filter_map(|index| fields.get(*index)).sum::<f64>() / TICKS)
}
