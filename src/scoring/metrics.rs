//! Counts of the questions to scoring providers, for Prometheus. Without organizations: a log line names them.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

/// Metrics of the providers.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: IntCounterVec,
    seconds: HistogramVec,
    retries: IntCounterVec,
    open: IntGaugeVec,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered()?;
        registry.register(Box::new(metrics.calls.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.retries.clone()))?;
        registry.register(Box::new(metrics.open.clone()))?;
        Ok(metrics)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let times = vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0, 120.0];
        let seconds = HistogramOpts::new("rubrica_scoring_seconds", "Time that scoring providers took").buckets(times);
        Ok(Self {
            calls: IntCounterVec::new(
                Opts::new("rubrica_scoring_calls_total", "Questions to scoring providers by their end: done, or the fail reason"),
                &["provider", "outcome"],
            )?,
            seconds: HistogramVec::new(seconds, &["provider"])?,
            retries: IntCounterVec::new(
                Opts::new("rubrica_scoring_retries_total", "Requests to scoring providers that were repeated"),
                &["provider"],
            )?,
            open: IntGaugeVec::new(
                Opts::new("rubrica_scoring_circuits_open", "Providers of organizations that are left alone after failures"),
                &["provider"],
            )?,
        })
    }

    pub(super) fn ended(&self, provider: &str, outcome: &str, time: Duration) {
        self.calls.with_label_values(&[provider, outcome]).inc();
        self.seconds.with_label_values(&[provider]).observe(time.as_secs_f64());
    }

    pub(super) fn retried(&self, provider: &str) {
        self.retries.with_label_values(&[provider]).inc();
    }

    pub(super) fn circuit_opened(&self, provider: &str) {
        self.open.with_label_values(&[provider]).inc();
    }

    pub(super) fn circuit_closed(&self, provider: &str) {
        self.open.with_label_values(&[provider]).dec();
    }

    #[cfg(test)]
    pub(super) fn open_circuits(&self, provider: &str) -> i64 {
        self.open.with_label_values(&[provider]).get()
    }

    #[cfg(test)]
    pub(super) fn calls(&self, provider: &str, outcome: &str) -> u64 {
        self.calls.with_label_values(&[provider, outcome]).get()
    }

    #[cfg(test)]
    pub(super) fn retries(&self, provider: &str) -> u64 {
        self.retries.with_label_values(&[provider]).get()
    }
}

/// Metrics that nobody reads.
impl Default for Metrics {
    fn default() -> Self {
        // The names and labels are constants that are tried by every start.
        Self::unregistered().expect("the names of the metrics are valid")
    }
}
