//! Counts of the pool, for Prometheus.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

/// How a job ended, or did not begin.
#[derive(Clone, Copy, Debug)]
pub enum Outcome {
    Done,
    CutOff,
    Panicked,
    Refused,
    SetAside,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::CutOff => "cut_off",
            Self::Panicked => "panicked",
            Self::Refused => "refused",
            Self::SetAside => "set_aside",
        }
    }
}

/// Metrics of a pool.
#[derive(Clone, Debug)]
pub struct Metrics {
    waiting: IntGaugeVec,
    running: IntGauge,
    jobs: IntCounterVec,
    seconds: Histogram,
    set_aside: IntGauge,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered()?;
        registry.register(Box::new(metrics.waiting.clone()))?;
        registry.register(Box::new(metrics.running.clone()))?;
        registry.register(Box::new(metrics.jobs.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.set_aside.clone()))?;
        Ok(metrics)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let times = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];
        let seconds = HistogramOpts::new("rubrica_cpu_pool_seconds", "Time that work on documents ran").buckets(times);
        Ok(Self {
            waiting: IntGaugeVec::new(
                Opts::new("rubrica_cpu_pool_waiting", "Work on documents that waits, for memory or for a processor"),
                &["for"],
            )?,
            running: IntGauge::new("rubrica_cpu_pool_running", "Work on documents that runs")?,
            jobs: IntCounterVec::new(Opts::new("rubrica_cpu_pool_jobs_total", "Work on documents by its end"), &["outcome"])?,
            seconds: Histogram::with_opts(seconds)?,
            set_aside: IntGauge::new("rubrica_cpu_pool_set_aside", "Files set aside after they were cut off twice")?,
        })
    }

    pub(super) fn waiting(&self, what: &str) -> IntGauge {
        self.waiting.with_label_values(&[what])
    }

    /// Counts one that runs until this is dropped.
    pub(super) fn running(&self) -> impl Drop + use<> {
        struct Counted(IntGauge);
        impl Drop for Counted {
            fn drop(&mut self) {
                self.0.dec();
            }
        }
        self.running.inc();
        Counted(self.running.clone())
    }

    pub(super) fn ended(&self, outcome: Outcome) {
        self.jobs.with_label_values(&[outcome.label()]).inc();
    }

    pub(super) fn took(&self, time: Duration) {
        self.seconds.observe(time.as_secs_f64());
    }

    pub(super) fn set_aside(&self, files: usize) {
        self.set_aside.set(i64::try_from(files).unwrap_or(i64::MAX));
    }

    #[cfg(test)]
    pub(super) fn running_now(&self) -> i64 {
        self.running.get()
    }

    #[cfg(test)]
    pub(super) fn count(&self, outcome: Outcome) -> u64 {
        self.jobs.with_label_values(&[outcome.label()]).get()
    }
}

/// Metrics that nobody reads.
impl Default for Metrics {
    fn default() -> Self {
        // The names and labels are constants that are tried by every start.
        Self::unregistered().expect("the names of the metrics are valid")
    }
}
