//! The process that draws pages and reads images: what it runs, and how its parent speaks with it.
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

use identity::{Images, Side};

use self::frames::{Job, MAX_FILES, Outcome, Reply, Task};
pub use self::process::{Error, Limit, Options, Process};
use crate::{Revisions, compare, draw};

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
            // Nothing of a file is in it.
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(memory: u64) -> io::Result<()> {
    // A panic may quote a file, and its answer says that it happened.
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
    let files = files(input, &job.files)?;
    let work = move || perform(job.task, files);
    let thread = std::thread::Builder::new().stack_size(STACK).spawn(work)?;
    let outcome = thread.join().ok().transpose()?;
    Ok(Reply::new(outcome, confine::peak_kib()))
}

fn files(input: &mut impl Read, lengths: &[u64]) -> io::Result<Vec<Vec<u8>>> {
    if lengths.len() > MAX_FILES {
        return Err(io::Error::other("a job has too many files"));
    }
    let mut file = |length: &u64| {
        let length = usize::try_from(*length).map_err(|_| io::Error::other("a file is too large"))?;
        let mut bytes = vec![0; length];
        input.read_exact(&mut bytes)?;
        Ok(bytes)
    };
    lengths.iter().map(&mut file).collect()
}

fn perform(task: Task, files: Vec<Vec<u8>>) -> io::Result<Outcome> {
    let mut files = files.into_iter();
    let mut next = || files.next().ok_or_else(|| io::Error::other("a job has too few files"));
    match task {
        Task::Compare { before: Some(before), masks, limits } => {
            let revisions = Revisions::of_one_file(next()?, usize::try_from(before).unwrap_or(usize::MAX));
            Ok(Outcome::Compared(compare(&revisions, &masks, &limits)))
        }
        Task::Compare { before: None, masks, limits } => {
            let revisions = Revisions::new(next()?, next()?);
            Ok(Outcome::Compared(compare(&revisions, &masks, &limits)))
        }
        Task::ReadIdentity { sides, declared, options } => {
            let (mut front, mut back) = (None, None);
            for side in sides {
                match side {
                    Side::Front => front = Some(next()?),
                    Side::Back => back = Some(next()?),
                }
            }
            let images = Images { front: front.as_deref(), back: back.as_deref() };
            Ok(Outcome::IdentityRead(identity::read(images, &declared, &options)))
        }
        Task::Draw { page } => Ok(Outcome::Drawn(draw(next()?, page))),
    }
}
