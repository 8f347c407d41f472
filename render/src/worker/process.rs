//! The parent's side of one worker. Blocking: for a thread that has nothing else to do meanwhile.

use std::{
    fmt, io,
    ops::Range,
    os::{
        fd::AsFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use identity::{Declared, Images, Reading, Side};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::Signal,
};

use super::{
    COMMAND, DEFAULT_MEMORY, HTML,
    frames::{Job, MAX_HEAD, MAX_MADE, Outcome, Reply, Task},
};
use crate::{Comparison, Limits, Mask, PageImage, Pages, Picture, Undrawn, Width};

/// Jobs after which a worker is replaced: what a job leaves behind in memory does not add up for ever.
const MAX_JOBS: u32 = 200;

/// Memory at its peak, in KiB, after which a worker is replaced.
const MAX_PEAK_KIB: u64 = 256 * 1024;

/// Between two looks at whether the job is cut off.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a worker that closed its output may take to end before it is killed.
const ENDING: Duration = Duration::from_secs(1);

/// Longest last words of a worker that are read, in bytes.
const MAX_WORDS: usize = 1024;

/// How workers are started and bounded.
#[derive(Clone, Debug)]
pub struct Options {
    /// The program, which takes [`COMMAND`] and the memory as its arguments, or only the memory if `is_alone`.
    pub program: PathBuf,
    /// Whether the program is a worker and nothing else.
    pub is_alone: bool,
    /// Address space, in bytes.
    pub memory: u64,
    /// Processor time of a job, in whole seconds, at least one.
    pub seconds: u64,
    /// Longest wait for a job, whatever the processor did meanwhile.
    pub patience: Duration,
    pub purpose: Purpose,
}

/// What a worker is for; it does no other job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Purpose {
    /// Drawing pages and reading images.
    #[default]
    Pictures,
    /// Checking and rendering templates, with the fonts of these folders beside the program's own.
    Templates { fonts: Vec<PathBuf> },
}

impl Default for Options {
    fn default() -> Self {
        Self {
            program: own_program(),
            is_alone: false,
            memory: DEFAULT_MEMORY,
            seconds: 10,
            patience: Duration::from_secs(15),
            purpose: Purpose::default(),
        }
    }
}

/// This very program, even if another one lies at its path by now, as after an upgrade.
fn own_program() -> PathBuf {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { own } else { std::env::current_exe().unwrap_or_default() }
}

/// The limit that a job went beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Processor time, in seconds.
    Processor(u64),
    /// Time, whatever the processor did meanwhile.
    Time(Duration),
    /// Address space in bytes, or the stack: the system does not tell which.
    Memory(u64),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Processor(seconds) => write!(f, "{seconds} s of processor time"),
            Self::Time(time) => write!(f, "{} s", time.as_secs_f32()),
            Self::Memory(bytes) => write!(f, "{} MiB of memory, or its stack", bytes >> 20),
        }
    }
}

/// Why a job has no result. After all of them but [`Error::Panicked`] the worker is gone.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file wanted more than there is for one.
    #[error("the work on the file took more than {0}")]
    Exceeded(Limit),
    /// The work failed. The worker goes on, unless it renders templates.
    #[error("the work on the file failed")]
    Panicked,
    /// The caller cut the job off.
    #[error("the work on the file was cut off")]
    CutOff,
    /// The worker ended, or answered nonsense.
    #[error("the worker process ended: {0}")]
    Died(String),
    /// The worker could not be started.
    #[error("the worker process, {program}, cannot be started: {source}")]
    Start { program: PathBuf, source: io::Error },
}

/// One worker. It is killed and reaped when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    options: Options,
    jobs: u32,
    peak_kib: u64,
    is_gone: bool,
}

impl Process {
    /// Starts a worker. It ends with the thread that started it, or before.
    ///
    /// # Errors
    /// [`Error::Start`].
    pub fn start(options: &Options) -> Result<Self, Error> {
        let failed = |source| Error::Start { program: options.program.clone(), source };
        let mut command = Command::new(&options.program);
        if !options.is_alone {
            command.arg(COMMAND);
        }
        // In a group of its own, so that what a terminal sends to the server's group does not reach it.
        command.arg(options.memory.to_string());
        if let Purpose::Templates { fonts } = &options.purpose {
            command.arg(HTML).args(fonts);
        }
        command.env_clear().current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().map_err(failed)?;
        let process = Self { child, options: options.clone(), jobs: 0, peak_kib: 0, is_gone: false };
        process.never_block().map_err(failed)?;
        Ok(process)
    }

    fn never_block(&self) -> io::Result<()> {
        let streams = [
            self.child.stdin.as_ref().map(AsFd::as_fd),
            self.child.stdout.as_ref().map(AsFd::as_fd),
            self.child.stderr.as_ref().map(AsFd::as_fd),
        ];
        for stream in streams.into_iter().flatten() {
            rustix::io::ioctl_fionbio(stream, true)?;
        }
        Ok(())
    }

    /// The process' id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it should do no further job.
    pub fn is_worn(&self) -> bool {
        self.is_gone || self.jobs >= MAX_JOBS || self.peak_kib > MAX_PEAK_KIB
    }

    /// Compares two revisions (see [`crate::compare`]); `is_cut_off` is asked all the while.
    ///
    /// # Errors
    /// [`Error`].
    pub fn compare(
        &mut self,
        before: &[u8],
        after: &[u8],
        masks: &[Mask],
        limits: &Limits,
        is_cut_off: impl Fn() -> bool,
    ) -> Result<Comparison, Error> {
        let is_one_file = after.starts_with(before);
        let before_in_after = is_one_file.then_some(before.len() as u64);
        let task = Task::Compare { before: before_in_after, masks: masks.to_vec(), limits: *limits };
        let files: &[&[u8]] = if is_one_file { &[after] } else { &[before, after] };
        match self.perform(task, files, is_cut_off)? {
            Outcome::Compared(comparison) => Ok(comparison),
            _ => Err(self.confused()),
        }
    }

    /// Reads the images of an identity document (see [`identity::read`]); `is_cut_off` is asked all the while.
    ///
    /// # Errors
    /// [`Error`]; the images' own are the result within.
    pub fn read_identity(
        &mut self,
        images: Images<'_>,
        declared: &Declared,
        options: &identity::Options,
        is_cut_off: impl Fn() -> bool,
    ) -> Result<Result<Reading, identity::Error>, Error> {
        let both = [(Side::Front, images.front), (Side::Back, images.back)];
        let (sides, files): (Vec<Side>, Vec<&[u8]>) = both.into_iter().filter_map(|(side, image)| Some((side, image?))).unzip();
        let task = Task::ReadIdentity { sides, declared: declared.clone(), options: *options };
        match self.perform(task, &files, is_cut_off)? {
            Outcome::IdentityRead(read) => Ok(read),
            _ => Err(self.confused()),
        }
    }

    /// Draws a page of a document (see [`crate::draw`]); `is_cut_off` is asked all the while.
    ///
    /// # Errors
    /// [`Error`]; why the page cannot be drawn is the result within.
    pub fn draw(&mut self, pdf: &[u8], page: usize, is_cut_off: impl Fn() -> bool) -> Result<Result<Picture, Undrawn>, Error> {
        match self.perform(Task::Draw { page }, &[pdf], is_cut_off)? {
            Outcome::Drawn(drawn) => Ok(drawn),
            _ => Err(self.confused()),
        }
    }

    /// Draws a page of a document for a browser (see [`crate::draw_page`]); `is_cut_off` is asked all the while.
    ///
    /// # Errors
    /// [`Error`]; why the page cannot be drawn is the result within.
    pub fn draw_page(
        &mut self,
        pdf: &[u8],
        page: usize,
        width: Width,
        is_cut_off: impl Fn() -> bool,
    ) -> Result<Result<PageImage, Undrawn>, Error> {
        match self.perform(Task::DrawPage { page, width }, &[pdf], is_cut_off)? {
            Outcome::PageDrawn(drawn) => Ok(drawn),
            _ => Err(self.confused()),
        }
    }

    /// Tells sizes and text of pages of a document (see [`crate::read_pages`]); `is_cut_off` is asked all the while.
    ///
    /// # Errors
    /// [`Error`]; why the document cannot be read is the result within.
    pub fn read_pages(
        &mut self,
        pdf: &[u8],
        pages: Range<usize>,
        with_text: bool,
        is_cut_off: impl Fn() -> bool,
    ) -> Result<Result<Pages, Undrawn>, Error> {
        let task = Task::ReadPages { from: pages.start, count: pages.len(), with_text };
        let json = match self.perform(task, &[pdf], is_cut_off)? {
            Outcome::PagesRead(Ok(pages)) => pages.json,
            Outcome::PagesRead(Err(undrawn)) => return Ok(Err(undrawn)),
            _ => return Err(self.confused()),
        };
        match serde_json::from_slice(&json) {
            Ok(pages) => Ok(Ok(pages)),
            Err(_) => Err(self.confused()),
        }
    }

    /// Says what is wrong with a template (see [`html::Renderer::check`]); `is_cut_off` is asked all the while.
    ///
    /// # Errors
    /// [`Error`]; the template's problems are the result within.
    pub fn check_html(
        &mut self,
        source: &html::Source,
        is_cut_off: impl Fn() -> bool,
    ) -> Result<Result<(), Vec<html::Problem>>, Error> {
        let task = Task::CheckHtml { language: source.language.clone(), target: source.target };
        let structure = source.structure.to_string();
        match self.perform_html(task, &[&source.template, structure.as_bytes()], is_cut_off)? {
            Outcome::HtmlChecked(checked) => Ok(checked),
            _ => Err(self.confused()),
        }
    }

    /// Makes a PDF (see [`html::Renderer::render`]); `is_cut_off` is asked all the while.
    ///
    /// # Errors
    /// [`Error`]; what the template or its data are to blame for is the result within.
    pub fn render_html(
        &mut self,
        job: &html::Job,
        is_cut_off: impl Fn() -> bool,
    ) -> Result<Result<html::Pdf, html::Failure>, Error> {
        let task = Task::RenderHtml {
            language: job.source.language.clone(),
            target: job.source.target,
            title: job.title.clone(),
            created: job.created,
        };
        let (structure, data) = (job.source.structure.to_string(), job.data.to_string());
        match self.perform_html(task, &[&job.source.template, structure.as_bytes(), data.as_bytes()], is_cut_off)? {
            Outcome::HtmlRendered(rendered) => Ok(rendered.map(|made| html::Pdf { bytes: made.pdf, pages: made.pages })),
            _ => Err(self.confused()),
        }
    }

    /// As [`Process::perform`]; after a panic nobody knows in which state it left the renderer, so the worker does no further job.
    fn perform_html(&mut self, task: Task, files: &[&[u8]], is_cut_off: impl Fn() -> bool) -> Result<Outcome, Error> {
        let performed = self.perform(task, files, is_cut_off);
        self.is_gone |= matches!(performed, Err(Error::Panicked));
        performed
    }

    /// The worker answered another question: it is of no more use.
    fn confused(&mut self) -> Error {
        self.is_gone = true;
        Error::Died("it answered another question".into())
    }

    fn perform(&mut self, task: Task, files: &[&[u8]], is_cut_off: impl Fn() -> bool) -> Result<Outcome, Error> {
        let until = Instant::now() + self.options.patience;
        let lengths = files.iter().map(|file| file.len() as u64).collect();
        let job = Job { task, files: lengths, seconds: self.options.seconds.max(1) };
        let head = job.to_bytes().map_err(|error| Error::Died(error.to_string()))?;
        let parts = [&[head.as_slice()], files].concat();
        let replied = self.exchange(&parts, until, is_cut_off);
        self.jobs += 1;
        let reply = replied.inspect_err(|_| {
            self.is_gone = true;
        })?;
        self.peak_kib = reply.peak_kib.unwrap_or(0);
        reply.outcome.ok_or(Error::Panicked)
    }

    /// Sends the job and waits for the reply.
    fn exchange(&mut self, parts: &[&[u8]], until: Instant, is_cut_off: impl Fn() -> bool) -> Result<Reply, Error> {
        let mut received = Vec::new();
        let mut parts = parts.iter().copied().filter(|part| !part.is_empty());
        let mut sending = parts.next();
        loop {
            if is_cut_off() {
                return Err(Error::CutOff);
            }
            if Instant::now() >= until {
                return Err(Error::Exceeded(Limit::Time(self.options.patience)));
            }
            let (is_writable, is_readable) = self.wait(sending.is_some(), until).map_err(died)?;
            if is_readable && self.receive(&mut received)? {
                return Err(self.ended());
            }
            match Reply::parse(&received) {
                Ok(Some(reply)) if sending.is_none() => return Ok(reply),
                Ok(None) => {}
                // Nobody answers before the question.
                Ok(Some(_)) => return Err(Error::Died("it answered out of turn".into())),
                Err(error) => return Err(died(error)),
            }
            if let Some(part) = sending.filter(|_| is_writable) {
                sending = match self.send(part)? {
                    rest @ [_, ..] => Some(rest),
                    [] => parts.next(),
                };
            }
        }
    }

    /// Waits, for a moment at most, until something can be written (if there is anything) or read.
    fn wait(&self, is_sending: bool, until: Instant) -> io::Result<(bool, bool)> {
        let (Some(input), Some(output)) = (&self.child.stdin, &self.child.stdout) else { return Ok((false, true)) };
        let left = until.saturating_duration_since(Instant::now()).min(LOOK_EVERY);
        let wait = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        let mut streams = vec![PollFd::new(output, PollFlags::IN)];
        if is_sending {
            streams.push(PollFd::new(input, PollFlags::OUT));
        }
        match poll(&mut streams, Some(&wait)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let is_ready = |index: usize| streams.get(index).is_some_and(|stream: &PollFd<'_>| !stream.revents().is_empty());
        Ok((is_ready(1), is_ready(0)))
    }

    /// Sends the start of this; the answer is the rest.
    fn send<'a>(&mut self, part: &'a [u8]) -> Result<&'a [u8], Error> {
        let Some(input) = &self.child.stdin else { return Err(self.ended()) };
        match rustix::io::write(input, part) {
            Ok(sent) => Ok(part.get(sent..).unwrap_or_default()),
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(part),
            Err(_) => Err(self.ended()),
        }
    }

    /// Takes what is there; `true` at the end.
    fn receive(&mut self, received: &mut Vec<u8>) -> Result<bool, Error> {
        let Some(output) = &self.child.stdout else { return Ok(true) };
        let mut chunk = [0; 64 * 1024];
        match rustix::io::read(output, &mut chunk) {
            Ok(0) => Ok(true),
            Ok(_) if received.len() > MAX_HEAD + MAX_MADE => Err(Error::Died("its answer is too long".into())),
            Ok(count) => {
                received.extend(chunk.iter().take(count));
                Ok(false)
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(died(error.into())),
        }
    }

    /// Why the worker ended: it closed its output.
    fn ended(&mut self) -> Error {
        let until = Instant::now() + ENDING;
        let status = loop {
            match self.child.try_wait() {
                Ok(Some(status)) => break status,
                Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
                Ok(None) => return Error::Died("it closed its output".into()),
                Err(error) => return died(error),
            }
        };
        let is = |signal: Signal| status.signal() == Some(signal.as_raw());
        if is(Signal::XCPU) {
            return Error::Exceeded(Limit::Processor(self.options.seconds));
        }
        // Memory that is not given, and a stack that is used up, abort; a stack that grows past its guard is a fault. A kill that is not ours
        // is the system's, for want of memory.
        if is(Signal::ABORT) || is(Signal::SEGV) || is(Signal::BUS) || is(Signal::KILL) {
            return Error::Exceeded(Limit::Memory(self.options.memory));
        }
        // After its end, as it may say them last of all.
        let words = self.last_words();
        Error::Died(if words.is_empty() { status.to_string() } else { format!("{status}, {words}") })
    }

    /// What it wrote to its standard error, without line ends.
    fn last_words(&mut self) -> String {
        let Some(errors) = &self.child.stderr else { return String::new() };
        let mut words = [0; MAX_WORDS];
        let count = rustix::io::read(errors, &mut words).unwrap_or(0);
        let words = String::from_utf8_lossy(words.get(..count).unwrap_or_default());
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

fn died(error: io::Error) -> Error {
    Error::Died(error.to_string())
}

impl Drop for Process {
    fn drop(&mut self) {
        // Only this very child: it is not reaped before, so its id is nobody else's.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
