//! What the figures were measured on.

use std::process::Command;

use crate::Failure;

/// Prints machine, versions and conditions.
pub fn print() -> Result<(), Failure> {
    let cores = std::thread::available_parallelism()?;
    println!("## Machine and conditions\n\n| what | |\n| --- | --- |");
    println!("| processor | {}, {cores} cores |", field("/proc/cpuinfo", "model name"));
    println!("| memory | {} |", field("/proc/meminfo", "MemTotal"));
    println!("| kernel | {} |", read("/proc/sys/kernel/osrelease"));
    let compiler = Command::new("rustc").arg("--version").output();
    let compiler = compiler.map_or_else(|_| "?".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("| compiler | {compiler}, optimised |");
    println!("| server | Apache Cassandra {}, heap 1 GB for one node, 512 MB for each of several |", cql_server::VERSION);
    println!("| its commit log | each answer waits for its group; no fsync (survives SIGKILL, not the loss of power) |");
    println!("| load before | {} |", load());
    println!("| client | this process, one thread, on the same cores, over loopback |");
    Ok(())
}

/// Processes that ran or waited for a processor, averaged over the last minute.
pub fn load() -> String {
    read("/proc/loadavg").split(' ').next().unwrap_or("?").to_owned()
}

/// Processor time between two looks.
pub struct Foreign {
    began: std::time::Instant,
    busy: f64,
    own: f64,
    children: f64,
}

/// Ticks per second of the times in /proc (the kernel fixes it for user space on all machines that we build for).
const TICKS: f64 = 100.0;

impl Foreign {
    pub fn begin() -> Self {
        let (own, children) = ours();
        Self { began: std::time::Instant::now(), busy: busy(), own, children }
    }

    /// Seconds of processor time since, of this process and of its children.
    pub fn ours(&self) -> (f64, f64) {
        let (own, children) = ours();
        (own - self.own, children - self.children)
    }

    /// Cores that neither this process nor its children have used since.
    pub fn cores(&self) -> f64 {
        let (own, children) = self.ours();
        let busy = busy() - self.busy - own - children;
        (busy / self.began.elapsed().as_secs_f64()).max(0.0)
    }
}

fn busy() -> f64 {
    let text = read("/proc/stat");
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, (idle, iowait), irq, softirq; steal is somebody else's.
    [0, 1, 2, 5, 6].iter().filter_map(|index| fields.get(*index)).sum::<f64>() / TICKS
}

/// Of this process, and of those that it started.
fn ours() -> (f64, f64) {
    let me = std::process::id();
    let of = |pid: u32| -> Option<(u32, f64)> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
        let ticks = |index: usize| fields.get(index)?.parse::<f64>().ok();
        Some((fields.get(1)?.parse().ok()?, (ticks(11)? + ticks(12)?) / TICKS))
    };
    let Ok(processes) = std::fs::read_dir("/proc") else { return (0.0, 0.0) };
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let children = numbers.filter_map(of).filter(|(parent, _)| *parent == me).map(|(_, time)| time).sum();
    (of(me).map_or(0.0, |(_, time)| time), children)
}

/// Resident memory of this process, in MB (10^6 bytes).
pub fn resident_mb() -> f64 {
    let kib: Option<f64> = field("/proc/self/status", "VmRSS").trim_end_matches(" kB").trim().parse().ok();
    kib.map_or(f64::NAN, |kib| kib * 1024.0 / 1e6)
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).map_or_else(|_| "?".to_owned(), |text| text.trim().to_owned())
}

fn field(path: &str, name: &str) -> String {
    let text = read(path);
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix(':'));
    line.map_or_else(|| "?".to_owned(), |value| value.trim().to_owned())
}
