//! The process that draws pages, reads images and renders templates: what it runs, and how its parent speaks with it.
//!
//! A worker has no environment, no files, no network and, where the system allows it, no user; it takes jobs on its standard input and
//! answers on its standard output, both as [`frames`]. Memory, processor time and the stack of a job are bounded, and what goes beyond ends
//! the process, which is why the server never does this work itself.

mod confine;
mod frames;
mod process;

use std::{
    ffi::OsString,
    io::{self, BufReader, Read, Write},
    path::PathBuf,
    process::ExitCode,
};

use identity::{Images, Side};

pub use self::process::{Error, Limit, Options, Process, Purpose};
use self::{
    confine::Streams,
    frames::{Job, MAX_FILES, Made, Outcome, PagesJson, Reply, Task},
};
use crate::{Revisions, compare, draw, draw_page, read_pages};

/// Name of the command by which the server's program becomes a worker.
pub const COMMAND: &str = "render-worker";

/// Address space of a worker unless it is told, in bytes.
pub const DEFAULT_MEMORY: u64 = 1 << 30;

/// Stack of the thread that does a job.
const STACK: usize = 16 << 20;

/// The argument that makes a worker one for templates; the folders of its fonts follow.
const HTML: &str = "html";

/// Runs a worker until its input ends: what the command does. Its arguments, all of which may be left out: its address space in bytes; then
/// `html` if it is to render templates, and folders of fonts for them.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let memory = arguments.next().and_then(|memory| memory.to_str()?.parse().ok()).unwrap_or(DEFAULT_MEMORY);
    let renders = arguments.next().is_some_and(|purpose| purpose == HTML);
    let fonts: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    let Ok(Streams { mut output, mut errors }) = confine::streams_alone() else { return ExitCode::FAILURE };
    match serve(memory, renders.then_some(fonts.as_slice()), &mut output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing of a file is in it. If nobody reads it, the exit status has to do.
            let _ = writeln!(errors, "{error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(memory: u64, fonts: Option<&[PathBuf]>, output: &mut impl Write) -> io::Result<()> {
    // A panic may quote a file, and its answer says that it happened.
    std::panic::set_hook(Box::new(|_| {}));
    // Before the limits, which leave room for few files and are meant for jobs, not for fonts.
    let mut renderer = fonts.map(html::Renderer::new);
    confine::confine(memory)?;
    let mut input = BufReader::new(io::stdin().lock());
    while let Some(job) = Job::read(&mut input)? {
        confine::bound_processor_time(job.seconds)?;
        let reply = answer(&mut input, job, renderer.as_mut())?;
        output.write_all(&reply.into_bytes()?)?;
    }
    Ok(())
}

/// Does one job on a thread of its own, whose panic is an answer.
fn answer(input: &mut impl Read, job: Job, renderer: Option<&mut html::Renderer>) -> io::Result<Reply> {
    let files = files(input, &job.files)?;
    let work = move || perform(job.task, files, renderer);
    let outcome = std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work)?;
        thread.join().ok().transpose()
    })?;
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

fn perform(task: Task, files: Vec<Vec<u8>>, renderer: Option<&mut html::Renderer>) -> io::Result<Outcome> {
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
        Task::DrawPage { page, width } => Ok(Outcome::PageDrawn(draw_page(next()?, page, width))),
        Task::ReadPages { from, count, with_text } => {
            let pages = read_pages(next()?, from, count, with_text);
            let json = pages.map(|pages| serde_json::to_vec(&pages).map(|json| PagesJson { json }));
            Ok(Outcome::PagesRead(match json {
                Ok(json) => Ok(json?),
                Err(undrawn) => Err(undrawn),
            }))
        }
        Task::CheckHtml { language, target } => {
            let source = html::Source { template: next()?, structure: serde_json::from_slice(&next()?)?, language, target };
            Ok(Outcome::HtmlChecked(for_templates(renderer)?.check(&source)))
        }
        Task::RenderHtml { language, target, title, created } => {
            let source = html::Source { template: next()?, structure: serde_json::from_slice(&next()?)?, language, target };
            let job = html::Job { source, data: serde_json::from_slice(&next()?)?, title, created };
            let rendered = for_templates(renderer)?.render(&job);
            Ok(Outcome::HtmlRendered(rendered.map(|html::Pdf { bytes, pages }| Made { pages, pdf: bytes })))
        }
    }
}

fn for_templates(renderer: Option<&mut html::Renderer>) -> io::Result<&mut html::Renderer> {
    renderer.ok_or_else(|| io::Error::other("this worker renders no templates"))
}
