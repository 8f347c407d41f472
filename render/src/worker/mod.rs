//! The process that draws pages: what it runs, and how its parent speaks with it.
//!
//! A worker has no environment, no files, no network and, where the system allows it, no user; it takes jobs on its standard input and
//! answers on its standard output, both as [`frames`]. Memory, processor time and the stack of a job are bounded, and what goes beyond ends
//! the process, which is why the server never does this work itself.

mod confine;
mod frames;
mod process;

use std::{
    io::{self, BufReader, Read, Write},
    process::ExitCode,
};

use self::frames::{Job, Reply};
pub use self::process::{Error, Limit, Options, Process};
use crate::{Comparison, Revisions, compare};

/// Name of the command by which the server's program becomes a worker.
pub const COMMAND: &str = "render-worker";

/// Address space of a worker unless it is told, in bytes.
pub const DEFAULT_MEMORY: u64 = 1 << 30;

/// Stack of the thread that does a job.
const STACK: usize = 16 << 20;

/// Runs a worker until its input ends: what the command does. `memory` bounds its address space, in bytes.
pub fn run(memory: Option<u64>) -> ExitCode {
    match serve(memory.unwrap_or(DEFAULT_MEMORY)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing of a document is in it.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(memory: u64) -> io::Result<()> {
    // A panic may quote a document, and its answer says that it happened.
    std::panic::set_hook(Box::new(|_| {}));
    let mut output = confine::output_alone()?;
    confine::confine(memory)?;
    let mut input = BufReader::new(io::stdin().lock());
    while let Some(job) = Job::read(&mut input)? {
        confine::bound_processor_time(job.seconds)?;
        let reply = answer(&mut input, job)?;
        output.write_all(&reply.to_bytes()?)?;
    }
    Ok(())
}

/// Does one job on a thread of its own, whose panic is an answer.
fn answer(input: &mut impl Read, job: Job) -> io::Result<Reply> {
    let revisions = revisions(input, &job)?;
    let work = move || compare(&revisions, &job.masks, &job.limits);
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work)?;
    let outcome: Option<Comparison> = thread.join().ok();
    Ok(Reply { outcome, peak_kib: confine::peak_kib() })
}

fn revisions(input: &mut impl Read, job: &Job) -> io::Result<Revisions> {
    let mut file = |len: u64| {
        let len = usize::try_from(len).map_err(|_| io::Error::other("a document is too large"))?;
        let mut bytes = vec![0; len];
        input.read_exact(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    match job.is_one_file {
        true => {
            let after = file(job.after)?;
            Ok(Revisions::of_one_file(after, usize::try_from(job.before).unwrap_or(usize::MAX)))
        }
        false => Ok(Revisions::new(file(job.before)?, file(job.after)?)),
    }
}
