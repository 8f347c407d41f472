//! Counts of fills, for Prometheus.

use std::time::Instant;

use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::{Error, Notes};
use crate::cache;

/// What is filled.
#[derive(Clone, Copy, Debug)]
pub enum Operation {
    Form,
    Template,
    Document,
    Preview,
}

impl Operation {
    fn label(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Template => "template",
            Self::Document => "document",
            Self::Preview => "preview",
        }
    }
}

/// Metrics of fills.
#[derive(Clone, Debug)]
pub struct Metrics {
    seconds: HistogramVec,
    failed: IntCounterVec,
    replaced: IntCounter,
    ignored: IntCounter,
    asked: IntCounterVec,
    bytes: IntGaugeVec,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered()?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.failed.clone()))?;
        registry.register(Box::new(metrics.replaced.clone()))?;
        registry.register(Box::new(metrics.ignored.clone()))?;
        registry.register(Box::new(metrics.asked.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        Ok(metrics)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let times = vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
        let seconds = HistogramOpts::new(
            "rubrica_fill_seconds",
            "Time that fills took, with their wait for a turn and what became of the result",
        );
        let failed = Opts::new("rubrica_fill_failures_total", "Fills that came to nothing, by why");
        let asked = Opts::new("rubrica_fill_cache_total", "What fills asked a cache for, and whether it was there");
        let bytes = Opts::new("rubrica_fill_cache_bytes", "Bytes that a cache of fills holds");
        Ok(Self {
            seconds: HistogramVec::new(seconds.buckets(times), &["operation"])?,
            failed: IntCounterVec::new(failed, &["operation", "why"])?,
            replaced: IntCounter::new("rubrica_fill_replaced_characters_total", "Characters that fills replaced by ?")?,
            ignored: IntCounter::new("rubrica_fill_ignored_values_total", "Values that no form had a field for")?,
            asked: IntCounterVec::new(asked, &["cache", "found"])?,
            bytes: IntGaugeVec::new(bytes, &["cache"])?,
        })
    }

    pub fn caches(&self) -> cache::Metrics {
        cache::Metrics { asked: self.asked.clone(), bytes: self.bytes.clone() }
    }

    /// Measures a fill.
    pub(super) async fn measured<T>(
        &self,
        operation: Operation,
        fill: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let began = Instant::now();
        let filled = fill.await;
        match &filled {
            Ok(_) => self.seconds.with_label_values(&[operation.label()]).observe(began.elapsed().as_secs_f64()),
            Err(error) => self.failed.with_label_values(&[operation.label(), why(error)]).inc(),
        }
        filled
    }

    pub(super) fn note(&self, notes: &Notes) {
        self.ignored.inc_by(notes.ignored.len() as u64);
        self.replaced.inc_by(notes.replaced.iter().map(|(_, characters)| *characters as u64).sum());
    }
}

/// Metrics that nobody reads.
impl Default for Metrics {
    fn default() -> Self {
        // The names and labels are constants that are tried by every start.
        Self::unregistered().expect("the names of the metrics are valid")
    }
}

fn why(error: &Error) -> &'static str {
    match error {
        Error::Invalid(_) | Error::TooLarge(_) | Error::Page(_) => "invalid",
        Error::Form { .. } | Error::Image { .. } => "unusable",
        Error::Catalogue(_) | Error::Documents(_) => "catalogue",
        Error::Cpu(_) | Error::Full(_) | Error::Busy => "busy",
        Error::Drawing(_) | Error::Inconsistent(_) => "internal",
    }
}
