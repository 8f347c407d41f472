//! What a worker takes from itself before it reads a byte of a stranger's.

use std::{fs::File, io};

use rustix::{
    process::{Resource, Rlimit, getrlimit, setrlimit},
    stdio,
    time::{ClockId, clock_gettime},
};

/// Files that a worker may have open: its three streams, and a few for the system's own.
const MAX_FILES: u64 = 16;

/// Where answers and last words go.
pub struct Streams {
    pub output: File,
    pub errors: File,
}

/// The streams for this worker alone: what else prints, as some parsers do, goes nowhere. Nobody reads the standard error before the worker ends,
/// and a pipe that is full would hold up the job that prints.
pub fn streams_alone() -> io::Result<Streams> {
    let output = rustix::io::fcntl_dupfd_cloexec(stdio::stdout(), 3)?;
    let errors = rustix::io::fcntl_dupfd_cloexec(stdio::stderr(), 3)?;
    let nowhere = File::options().write(true).open("/dev/null")?;
    stdio::dup2_stdout(&nowhere)?;
    stdio::dup2_stderr(&nowhere)?;
    Ok(Streams { output: output.into(), errors: errors.into() })
}

/// Bounds memory and files, and gives up what is not needed: privileges, the network, being looked into, and life beyond the parent's.
pub fn confine(memory: u64) -> io::Result<()> {
    bound(Resource::Core, 0)?;
    // Even a line of a log: a write to a file ends the process.
    bound(Resource::Fsize, 0)?;
    bound(Resource::Nofile, MAX_FILES)?;
    bound(Resource::As, memory)?;
    #[cfg(target_os = "linux")]
    give_up()?;
    Ok(())
}

#[cfg(target_os = "linux")]
fn give_up() -> io::Result<()> {
    use rustix::{
        process::{DumpableBehavior, Signal, set_dumpable_behavior, set_parent_process_death_signal},
        thread::{UnshareFlags, set_no_new_privs},
    };
    set_no_new_privs(true)?;
    // Sound for these flags: what makes it unsafe is a table of files of one's own.
    #[expect(deprecated, reason = "the one that is not deprecated is unsafe, for a flag that is not used here")]
    let unshare = |flags| rustix::thread::unshare(flags);
    // Where the system or a container forbids it, the process has the network that the server has, and nothing in it that uses one.
    if unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET).is_err() {
        let _ = unshare(UnshareFlags::NEWNET);
    }
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    // Last, as a change of the user takes it back.
    set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// Gives the process these seconds of processor time from now on. Beyond them the system ends it (SIGXCPU).
pub fn bound_processor_time(seconds: u64) -> io::Result<()> {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let used = u64::try_from(used.tv_sec).unwrap_or(0);
    let hard = getrlimit(Resource::Cpu).maximum;
    // The fraction of a second that is used already is given, too. Equal to the hard limit it would be another signal.
    let soft = used.saturating_add(seconds).saturating_add(1);
    Ok(setrlimit(Resource::Cpu, Rlimit { current: Some(soft), maximum: hard })?)
}

fn bound(resource: Resource, most: u64) -> io::Result<()> {
    let hard = getrlimit(resource).maximum;
    let most = hard.map_or(most, |hard| hard.min(most));
    Ok(setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?)
}

/// Memory that this process had at its peak, in KiB, where the system tells.
pub fn peak_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
