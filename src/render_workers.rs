//! The processes that draw pages, read images and render templates: started when they are needed, each for many jobs, killed when a job goes
//! beyond its bounds.
//!
//! There are no more of either purpose than the pool has places, as each job is one of the pool's: its turn is fair between organizations, and
//! its thread waits for the process. Nothing of a page is ever drawn, no image decoded and no template filled in the server itself. Images of
//! identity documents come in through [`crate::identity_reader`], templates through [`templates`].

mod templates;

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use parking_lot::Mutex;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry};
use render::{
    Comparison, Limits, Mask, Picture, Skipped, Undrawn,
    worker::{self, Limit, Process, Purpose},
};
use store::blobs::Digest;

pub use self::templates::TemplateError;
use crate::cpu_pool::{self, CpuPool, Cutoff, File, Job, Turn, Work};

/// Part of a process' memory that the files of a job may fill: reading and drawing them takes a few times as much.
const SHARE: u64 = 4;

/// How processes are started, and how much they draw.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Of either purpose.
    pub process: worker::Options,
    pub limits: Limits,
    /// Folders of fonts for templates, beside the program's own.
    pub html_fonts: Vec<PathBuf>,
}

/// Why nothing was compared or drawn.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There was no turn, or the file is set aside: it went beyond the bounds twice.
    #[error(transparent)]
    Pool(#[from] cpu_pool::Error),
    /// The document wants more than there is for one.
    #[error("drawing the pages of the document takes more than {0}")]
    Exceeded(Limit),
    /// The drawing broke on the document.
    #[error("the pages of the document cannot be drawn")]
    Panicked,
    /// The process ended or could not be started; that is not the document's fault.
    #[error(transparent)]
    Worker(worker::Error),
}

impl From<worker::Error> for Error {
    fn from(error: worker::Error) -> Self {
        match error {
            worker::Error::Exceeded(limit) => Self::Exceeded(limit),
            worker::Error::Panicked => Self::Panicked,
            // By the pool, which tells the caller itself unless nobody is there any more.
            worker::Error::CutOff => Self::Pool(cpu_pool::Error::Closed),
            error => Self::Worker(error),
        }
    }
}

/// Metrics of the processes.
#[derive(Clone, Debug)]
pub struct Metrics {
    pictures: Lives,
    templates: Lives,
    /// Time that the work on templates took, without its wait for a turn.
    html_seconds: HistogramVec,
}

/// How many processes of a purpose there are, and why others ended.
#[derive(Clone, Debug)]
struct Lives {
    alive: IntGauge,
    ended: IntCounterVec,
}

impl Lives {
    fn new(alive: (&str, &str), ended: (&str, &str)) -> Result<Self, prometheus::Error> {
        Ok(Self { alive: IntGauge::new(alive.0, alive.1)?, ended: IntCounterVec::new(Opts::new(ended.0, ended.1), &["cause"])? })
    }
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered()?;
        for lives in [&metrics.pictures, &metrics.templates] {
            registry.register(Box::new(lives.alive.clone()))?;
            registry.register(Box::new(lives.ended.clone()))?;
        }
        registry.register(Box::new(metrics.html_seconds.clone()))?;
        Ok(metrics)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let times = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 15.0];
        let seconds = HistogramOpts::new("rubrica_html_seconds", "Time that the work on a template took in its process");
        Ok(Self {
            pictures: Lives::new(
                ("rubrica_render_processes", "Processes that draw pages and read images"),
                ("rubrica_render_ends_total", "Processes that drew pages and read images, by why they ended"),
            )?,
            templates: Lives::new(
                ("rubrica_html_processes", "Processes that check and render templates"),
                ("rubrica_html_ends_total", "Processes that checked and rendered templates, by why they ended"),
            )?,
            html_seconds: HistogramVec::new(seconds.buckets(times), &["work"])?,
        })
    }
}

/// Metrics that nobody reads.
impl Default for Metrics {
    fn default() -> Self {
        // The names and labels are constants that are tried by every start.
        Self::unregistered().expect("the names of the metrics are valid")
    }
}

/// The processes of a server; a cheap handle.
#[derive(Clone, Debug)]
pub struct Workers(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    cpu: CpuPool,
    limits: Limits,
    pictures: Processes,
    templates: Processes,
    html_seconds: HistogramVec,
}

/// The processes of a purpose.
#[derive(Debug)]
struct Processes {
    options: worker::Options,
    idle: Mutex<Vec<Counted>>,
    lives: Lives,
}

/// A process that is counted while it is there.
#[derive(Debug)]
struct Counted {
    process: Process,
    alive: IntGauge,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.dec();
    }
}

impl Workers {
    /// For tests and commands that compare no pages.
    pub fn none() -> Self {
        let limits = Limits { max_pages: 0, ..Limits::default() };
        Self::new(CpuPool::default(), Options { limits, ..Options::default() }, Metrics::default())
    }

    /// Starts nothing yet.
    pub fn new(cpu: CpuPool, options: Options, metrics: Metrics) -> Self {
        let Options { process, limits, html_fonts } = options;
        let processes = |purpose, lives| {
            let options = worker::Options { purpose, ..process.clone() };
            Processes { options, idle: Mutex::default(), lives }
        };
        Self(Arc::new(Shared {
            cpu,
            limits,
            pictures: processes(Purpose::Pictures, metrics.pictures),
            templates: processes(Purpose::Templates { fonts: html_fonts }, metrics.templates),
            html_seconds: metrics.html_seconds,
        }))
    }

    /// Compares what two revisions of a document show outside the masks, in the organization's turn. `before` has the digest given; if
    /// `after` begins with it, its bytes are sent once.
    ///
    /// # Errors
    /// [`Error`]. [`Error::Exceeded`] and [`Error::Panicked`] count against the document: the third time it is
    /// [`cpu_pool::Error::SetAside`], at once.
    pub async fn compare(
        &self,
        organization: &str,
        digest: Digest,
        before: Bytes,
        after: Bytes,
        masks: Vec<Mask>,
    ) -> Result<Comparison, Error> {
        let bytes = before.len() as u64 + after.len() as u64;
        if self.0.limits.max_pages == 0 {
            return Ok(Comparison::none(Skipped::Pages));
        }
        if bytes > self.0.pictures.options.memory / SHARE {
            return Ok(Comparison::none(Skipped::Bytes));
        }
        let limits = self.0.limits;
        let draw = move |process: &mut Process, cutoff: &Cutoff| {
            process.compare(&before, &after, &masks, &limits, || cutoff.is_reached())
        };
        Ok(self.run(organization, bytes, File { digest, work: Work::Draw }, draw).await??)
    }

    /// Draws a page of a PDF, counted from 0, in the organization's turn.
    ///
    /// # Errors
    /// As [`Workers::compare`]; why a page cannot be drawn is the result within.
    pub async fn draw(
        &self,
        organization: &str,
        digest: Digest,
        pdf: Bytes,
        page: usize,
    ) -> Result<Result<Picture, Undrawn>, Error> {
        let bytes = pdf.len() as u64;
        if bytes > self.0.pictures.options.memory / SHARE {
            return Ok(Err(Undrawn::TooLarge));
        }
        let draw = move |process: &mut Process, cutoff: &Cutoff| process.draw(&pdf, page, || cutoff.is_reached());
        Ok(self.run(organization, bytes, File { digest, work: Work::Draw }, draw).await??)
    }

    /// Has a process for pictures work on a file of so many bytes, in the organization's turn. What goes wrong for the file's sake counts
    /// against it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        organization: &str,
        bytes: u64,
        file: File,
        work: impl FnOnce(&mut Process, &Cutoff) -> Result<T, worker::Error> + Send + 'static,
    ) -> Result<Result<T, worker::Error>, cpu_pool::Error> {
        self.run_in(|shared| &shared.pictures, organization, bytes, file, work).await
    }

    /// Has a process for pictures work on a PDF that was read in the organization's turn. What goes wrong for the file's sake counts against
    /// it.
    ///
    /// # Errors
    /// As [`Workers::compare`].
    pub(crate) async fn run_in_turn<T: Send + 'static>(
        &self,
        turn: &Turn,
        (organization, file): (&str, File),
        pdf: Bytes,
        work: impl FnOnce(&mut Process, &[u8], &Cutoff) -> Result<T, worker::Error> + Send + 'static,
    ) -> Result<T, Error> {
        let memory = self.0.pictures.options.memory;
        if pdf.len() as u64 > memory / SHARE {
            return Err(Error::Exceeded(Limit::Memory(memory)));
        }
        let shared = self.0.clone();
        let work = move |process: &mut Process, cutoff: &Cutoff| work(process, &pdf, cutoff);
        let worked = turn.run(move |cutoff| shared.pictures.run(cutoff, work)).await?;
        Ok(self.judged(organization, file, worked)?)
    }

    /// As [`Workers::run`], in processes of either purpose.
    async fn run_in<T: Send + 'static>(
        &self,
        processes: fn(&Shared) -> &Processes,
        organization: &str,
        bytes: u64,
        file: File,
        work: impl FnOnce(&mut Process, &Cutoff) -> Result<T, worker::Error> + Send + 'static,
    ) -> Result<Result<T, worker::Error>, cpu_pool::Error> {
        let shared = self.0.clone();
        let job = Job::new(organization, bytes).on(file.digest, file.work);
        let worked = self.0.cpu.run(job, move |cutoff| processes(&shared).run(cutoff, work)).await?;
        Ok(self.judged(organization, file, worked))
    }

    /// Counts what went wrong for the file's sake.
    fn judged<T>(&self, organization: &str, file: File, worked: Result<T, worker::Error>) -> Result<T, worker::Error> {
        worked.inspect_err(|error| {
            tracing::warn!(%error, organization, file = %file.digest, "work on a file in a process of its own failed");
            if matches!(error, worker::Error::Exceeded(_) | worker::Error::Panicked) {
                self.0.cpu.strike(file);
            }
        })
    }
}

impl Processes {
    fn run<T>(
        &self,
        cutoff: &Cutoff,
        work: impl FnOnce(&mut Process, &Cutoff) -> Result<T, worker::Error>,
    ) -> Result<T, worker::Error> {
        let mut worker = self.take()?;
        let worked = work(&mut worker.process, cutoff);
        match cause(worked.as_ref().err(), worker.process.is_worn()) {
            None => self.idle.lock().push(worker),
            Some(cause) => self.lives.ended.with_label_values(&[cause]).inc(),
        }
        worked
    }

    /// A process with nothing to do, or a new one.
    fn take(&self) -> Result<Counted, worker::Error> {
        if let Some(idle) = self.idle.lock().pop() {
            return Ok(idle);
        }
        let process = Process::start(&self.options)?;
        self.lives.alive.inc();
        Ok(Counted { process, alive: self.lives.alive.clone() })
    }
}

/// Why a process is done with, for the metrics; `None` if it is not.
fn cause(error: Option<&worker::Error>, is_worn: bool) -> Option<&'static str> {
    match error {
        Some(worker::Error::Exceeded(Limit::Processor(_) | Limit::Time(_))) => Some("time"),
        Some(worker::Error::Exceeded(Limit::Memory(_))) => Some("memory"),
        Some(worker::Error::CutOff) => Some("cut_off"),
        Some(worker::Error::Died(_) | worker::Error::Start { .. }) => Some("died"),
        Some(worker::Error::Panicked) if is_worn => Some("panicked"),
        None | Some(worker::Error::Panicked) => is_worn.then_some("worn"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn pool() -> CpuPool {
        CpuPool::new(cpu_pool::Options::default(), cpu_pool::Metrics::default())
    }

    /// Whose process is `program`, which is no worker but takes as long as one that a document keeps busy.
    fn workers(program: &str, patience: Duration, cpu: &CpuPool) -> Workers {
        let process =
            worker::Options { program: program.into(), is_alone: true, seconds: 60, patience, ..worker::Options::default() };
        Workers::new(cpu.clone(), Options { process, ..Options::default() }, Metrics::default())
    }

    async fn compare(workers: &Workers, document: &'static [u8]) -> Result<Comparison, Error> {
        let bytes = Bytes::from_static(document);
        workers.compare("acme", Digest::of(document), bytes.clone(), bytes, Vec::new()).await
    }

    #[tokio::test]
    async fn a_document_that_went_beyond_its_bounds_twice_is_set_aside_and_no_other() {
        // It sleeps for as many seconds as a worker gets bytes.
        let workers = workers("/bin/sleep", Duration::from_millis(100), &pool());
        for _ in 0..2 {
            assert!(matches!(compare(&workers, b"poison").await, Err(Error::Exceeded(Limit::Time(_)))));
        }
        let began = Instant::now();
        let refused = compare(&workers, b"poison").await.unwrap_err();
        assert!(matches!(refused, Error::Pool(cpu_pool::Error::SetAside(_))), "{refused}");
        assert!(began.elapsed() < Duration::from_millis(90), "it is not tried again");
        assert!(matches!(compare(&workers, b"other").await, Err(Error::Exceeded(_))));
        assert_eq!(
            (workers.0.pictures.lives.alive.get(), workers.0.pictures.lives.ended.with_label_values(&["time"]).get()),
            (0, 3)
        );
    }

    #[tokio::test]
    async fn a_worker_that_is_broken_is_not_the_documents_fault() {
        let workers = workers("/bin/false", Duration::from_secs(5), &pool());
        for _ in 0..3 {
            assert!(matches!(compare(&workers, b"document").await, Err(Error::Worker(worker::Error::Died(_)))));
        }
    }

    #[tokio::test]
    async fn the_end_of_the_server_ends_the_jobs_and_their_processes() {
        let cpu = pool();
        let workers = workers("/bin/sleep", Duration::from_secs(600), &cpu);
        let job = tokio::spawn({
            let workers = workers.clone();
            async move { compare(&workers, b"poison").await }
        });
        while workers.0.pictures.lives.alive.get() == 0 {
            tokio::task::yield_now().await;
        }
        cpu.close();
        assert!(matches!(job.await.unwrap(), Err(Error::Pool(cpu_pool::Error::Closed))));
        let until = Instant::now() + Duration::from_secs(10);
        while workers.0.pictures.lives.alive.get() > 0 {
            assert!(Instant::now() < until, "the process is still there");
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn files_that_would_fill_the_memory_are_not_drawn_and_that_is_said() {
        let workers = workers("/bin/false", Duration::from_secs(5), &pool());
        let large = Bytes::from(vec![0; (1 << 28) / 2 + 1]);
        let comparison = workers.compare("acme", Digest::of(b""), large.clone(), large, Vec::new()).await.unwrap();
        assert_eq!((comparison.compared_pages, comparison.skipped), (0, Some(Skipped::Bytes)));
    }
}
