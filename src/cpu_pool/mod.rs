//! Work on strangers' files: beside the threads that serve, no more of it at once than there are processors, in turns that are fair between
//! organizations, and with an end.
//!
//! A job waits twice. First for room in memory ([`CpuPool::turn`]), and only then its documents are read; so those that wait hold nothing.
//! Then for a processor ([`Turn::run`]). Work on a thread cannot be killed: it is given a [`Cutoff`] to look at. A file that was cut off twice
//! is set aside.

mod fair;
mod gate;
mod metrics;
mod set_aside;
#[cfg(test)]
mod tests;
mod threads;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use store::blobs::Digest;
use tokio::sync::{oneshot, watch};

pub use self::metrics::Metrics;
use self::{
    fair::Bounds,
    gate::{Gate, Pass, Refused},
    metrics::Outcome,
    set_aside::SetAside,
    threads::Threads,
};

/// Bytes that a unit of memory stands for.
const UNIT: u64 = 1024;

/// What a job is taken to cost before it has run: microseconds, and bytes per microsecond. What it did cost is charged afterwards.
const COST: u64 = 1000;
const BYTES_PER_COST: u64 = 50;

/// How long the caller waits for work that does not heed its cutoff, beyond its end.
const GRACE: Duration = Duration::from_secs(1);

/// Bounds of a pool.
#[derive(Clone, Debug)]
pub struct Options {
    /// Jobs that run at once, at least one. One more may run, of an organization that has none running.
    pub places: usize,
    /// Bytes of documents that were read for jobs, in all. A document that is larger is read alone.
    pub memory: u64,
    /// Jobs that may wait, of one organization.
    pub waiting_each: usize,
    /// Jobs that may wait in all.
    pub waiting: usize,
    /// Maximum wait for a turn.
    pub patience: Duration,
    /// Maximum time that a job may run.
    pub time: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            places: std::thread::available_parallelism().map_or(2, usize::from),
            memory: 256 << 20,
            waiting_each: 256,
            waiting: 4096,
            patience: Duration::from_secs(30),
            time: Duration::from_secs(20),
        }
    }
}

/// Why a job has no result.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// As many jobs wait as may, or the turn did not come in time. Later it may work.
    #[error("too much work on documents is waiting")]
    Busy,
    /// The server is going down. Elsewhere or later it will work.
    #[error("the server is going down")]
    Closed,
    /// The work did not end in time, for the first time; a second attempt may tell a busy server from a file that is the cause.
    #[error("this file could not be read within {} s", .0.as_secs_f32())]
    CutOff(Duration),
    /// The file was cut off twice, or broke what reads it.
    #[error(
        "this file took more than the {} s, or more than the memory, that there is for one file, twice, and is not tried again for an hour; \
         save it again with another program, or send a smaller one",
        .0.as_secs_f32()
    )]
    SetAside(Duration),
    /// The work panicked.
    #[error("the work was interrupted")]
    Interrupted,
}

impl Error {
    /// Whether the same call may work a little later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Closed | Self::CutOff(_))
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Busy => Self::Busy,
            Refused::Closed => Self::Closed,
        }
    }
}

/// Kind of work on a file: what is too much for one may be easy for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Its structure is read, as to check or seal a document, or to open a key file.
    Read,
    /// Its pages are drawn, to be compared.
    Draw,
    /// A page of it is shown to a person: the file is the document, the page and its width together.
    View,
    /// The text of its pages is read.
    Text,
    /// It is decoded as an image of an identity document.
    Decode,
    /// Forms are filled with values: the file is all of them together.
    Fill,
    /// A template is checked or rendered: the file is the template, its schema and the data together.
    Template,
    /// Its signatures are verified, and its revisions compared.
    Verify,
}

/// A file, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct File {
    pub digest: Digest,
    pub work: Work,
}

/// What is to be done, for the order of turns.
#[derive(Clone, Debug)]
pub struct Job {
    organization: Arc<str>,
    bytes: u64,
    file: Option<File>,
}

impl Job {
    /// Work for an organization on so many bytes.
    pub fn new(organization: &str, bytes: u64) -> Self {
        Self { organization: organization.into(), bytes, file: None }
    }

    /// The file that the work reads: it is set aside when such work on it was cut off twice.
    pub fn on(self, digest: Digest, work: Work) -> Self {
        Self { file: Some(File { digest, work }), ..self }
    }
}

/// When work must end. Work on a thread cannot be killed: it looks at this now and then, or hands it on to what does.
#[derive(Clone, Debug)]
pub struct Cutoff {
    deadline: Instant,
    is_cut: Arc<AtomicBool>,
    /// Whether the file's failure was counted.
    is_struck: Arc<AtomicBool>,
}

impl Cutoff {
    fn after(time: Duration) -> Self {
        Self { deadline: Instant::now() + time, is_cut: Arc::default(), is_struck: Arc::default() }
    }

    /// The moment at which the work must have ended.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Whether the work must end now: its time is over, nobody waits for it any more, or the server is going down.
    pub fn is_reached(&self) -> bool {
        self.is_cut.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }

    fn cut(&self) {
        self.is_cut.store(true, Ordering::Relaxed);
    }
}

/// Cuts work off when nobody waits for it any more.
struct Waiter(Cutoff);

impl Drop for Waiter {
    fn drop(&mut self) {
        self.0.cut();
    }
}

/// The pool of a server; a cheap handle.
#[derive(Clone, Debug)]
pub struct CpuPool(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    options: Options,
    memory: Arc<Gate>,
    places: Arc<Gate>,
    threads: Threads,
    set_aside: Mutex<SetAside>,
    metrics: Metrics,
    closed: watch::Sender<bool>,
}

/// A pool on the threads of the runtime, for tests and for commands that serve nobody.
impl Default for CpuPool {
    fn default() -> Self {
        Self::over(Threads::Runtime, Options::default(), Metrics::default())
    }
}

impl CpuPool {
    /// On threads of its own, for which nothing waits at the end. Starts nothing yet: they come with the work.
    pub fn new(options: Options, metrics: Metrics) -> Self {
        Self::over(Threads::own(options.places.max(1) + 1), options, metrics)
    }

    fn over(threads: Threads, options: Options, metrics: Metrics) -> Self {
        let places = options.places.max(1);
        let bounds = |capacity| Bounds { capacity, waiting_each: options.waiting_each, waiting: options.waiting };
        let shared = Shared {
            memory: Gate::new(bounds(options.memory.div_ceil(UNIT).max(1)), metrics.waiting("memory")),
            places: Gate::new(bounds(places as u64), metrics.waiting("processor")),
            threads,
            set_aside: Mutex::default(),
            closed: watch::Sender::new(false),
            metrics,
            options,
        };
        Self(Arc::new(shared))
    }

    /// Maximum time that a job may run.
    pub fn time(&self) -> Duration {
        self.0.options.time
    }

    /// Waits for room in memory. The documents of the job are to be read then, and not before.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Closed`], and [`Error::SetAside`] at once.
    pub async fn turn(&self, job: Job) -> Result<Turn, Error> {
        self.refuse_set_aside(&job)?;
        let units = job.bytes.div_ceil(UNIT).max(1);
        let memory = self.0.memory.pass(&job.organization, units, units, self.0.options.patience).await;
        let memory = memory.map_err(|refused| self.refused(refused))?;
        Ok(Turn { pool: self.clone(), job, memory: Arc::new(memory) })
    }

    /// Does work on what is in memory already.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn run<T: Send + 'static>(&self, job: Job, work: impl FnOnce(&Cutoff) -> T + Send + 'static) -> Result<T, Error> {
        self.work(&job, None, work).await
    }

    /// Counts a failure of the work on a file: for work that is killed elsewhere, such as in another process.
    pub fn strike(&self, file: File) {
        let mut set_aside = self.0.set_aside.lock();
        let now = Instant::now();
        set_aside.strike(file, now);
        self.0.metrics.set_aside(set_aside.count(now));
    }

    /// Cuts off what runs and refuses what waits and comes. The threads are not waited for.
    pub fn close(&self) {
        self.0.memory.close();
        self.0.places.close();
        self.0.closed.send_replace(true);
    }

    fn refuse_set_aside(&self, job: &Job) -> Result<(), Error> {
        let is_set_aside = |file: &File| self.0.set_aside.lock().is_set_aside(file, Instant::now());
        if job.file.as_ref().is_some_and(is_set_aside) {
            self.0.metrics.ended(Outcome::SetAside);
            return Err(Error::SetAside(self.0.options.time));
        }
        Ok(())
    }

    fn refused(&self, refused: Refused) -> Error {
        self.0.metrics.ended(Outcome::Refused);
        refused.into()
    }

    async fn work<T: Send + 'static>(
        &self,
        job: &Job,
        memory: Option<Arc<Pass>>,
        work: impl FnOnce(&Cutoff) -> T + Send + 'static,
    ) -> Result<T, Error> {
        self.refuse_set_aside(job)?;
        let mut closed = self.0.closed.subscribe();
        let cost = COST + job.bytes / BYTES_PER_COST;
        let place = self.0.places.pass(&job.organization, 1, cost, self.0.options.patience).await;
        let place = place.map_err(|refused| self.refused(refused))?;
        let cutoff = Cutoff::after(self.0.options.time);
        let (sender, result) = oneshot::channel();
        let running = Running { pool: self.clone(), place, _memory: memory, file: job.file, cutoff: cutoff.clone() };
        if !self.0.threads.run(Box::new(move || running.run(work, sender))) {
            return Err(Error::Interrupted);
        }
        let waiter = Waiter(cutoff);
        let result = tokio::select! {
            result = result => result.unwrap_or(Err(Error::Interrupted)),
            _ = closed.wait_for(|closed| *closed) => Err(Error::Closed),
            () = tokio::time::sleep(self.0.options.time + GRACE) => {
                // It keeps its place until it ends, so that repetitions do not pile up.
                self.strike_once(job.file, &waiter.0);
                Err(self.cut_off(job.file))
            }
        };
        if let Err(error @ (Error::CutOff(_) | Error::SetAside(_) | Error::Interrupted)) = &result {
            let file = job.file.map(|file| file.digest.to_string());
            tracing::warn!(%error, organization = %job.organization, file, "work on a file failed");
        }
        result
    }

    fn strike_once(&self, file: Option<File>, cutoff: &Cutoff) {
        if let Some(file) = file
            && !cutoff.is_struck.swap(true, Ordering::Relaxed)
        {
            self.strike(file);
        }
    }

    /// What is told of work that was cut off.
    fn cut_off(&self, file: Option<File>) -> Error {
        let is_set_aside = |file: File| self.0.set_aside.lock().is_set_aside(&file, Instant::now());
        match file.is_some_and(is_set_aside) {
            true => Error::SetAside(self.0.options.time),
            false => Error::CutOff(self.0.options.time),
        }
    }
}

/// Work on its thread, with what it holds.
struct Running {
    pool: CpuPool,
    place: Pass,
    _memory: Option<Arc<Pass>>,
    file: Option<File>,
    cutoff: Cutoff,
}

impl Running {
    fn run<T>(mut self, work: impl FnOnce(&Cutoff) -> T, sender: oneshot::Sender<Result<T, Error>>) {
        let shared = &self.pool.0;
        let running = shared.metrics.running();
        let began = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| work(&self.cutoff)));
        let took = began.elapsed();
        drop(running);
        shared.metrics.took(took);
        self.place.cost(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        // The time counts, whoever waits: what ended because its caller went away before is no failure of the file.
        let is_late = Instant::now() >= self.cutoff.deadline;
        let result = match result {
            Ok(_) if is_late => {
                shared.metrics.ended(Outcome::CutOff);
                Err(())
            }
            Ok(result) => {
                shared.metrics.ended(Outcome::Done);
                Ok(result)
            }
            Err(_) => {
                shared.metrics.ended(Outcome::Panicked);
                Err(())
            }
        };
        if result.is_err() {
            self.pool.strike_once(self.file, &self.cutoff);
        }
        let result = result.map_err(|()| if is_late { self.pool.cut_off(self.file) } else { Error::Interrupted });
        drop(self);
        // Whoever asked may have gone away.
        let _ = sender.send(result);
    }
}

/// Room in memory for the documents of a job, until this and the work under it are gone.
#[derive(Debug)]
pub struct Turn {
    pool: CpuPool,
    job: Job,
    memory: Arc<Pass>,
}

impl Turn {
    /// Waits for a processor and does a part of the job. May be called again for the next part.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Cutoff) -> T + Send + 'static) -> Result<T, Error> {
        self.pool.work(&self.job, Some(self.memory.clone()), work).await
    }
}
