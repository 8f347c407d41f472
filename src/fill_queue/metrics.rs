//! Counts of the queue, for Prometheus.

use chrono::TimeDelta;
use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntGaugeVec, Opts, Registry};

use super::Class;

/// Metrics of a queue.
#[derive(Clone, Debug)]
pub struct Metrics {
    waiting: IntGaugeVec,
    oldest: GaugeVec,
    waited: HistogramVec,
    ended: HistogramVec,
    refused: IntCounter,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let times = vec![0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];
        let waited = HistogramOpts::new("rubrica_fills_wait_seconds", "Time from the request of a fill to its turn")
            .buckets(times.clone());
        let ended = HistogramOpts::new("rubrica_fills_seconds", "Time from the request of a fill to its end").buckets(times);
        let oldest = Opts::new("rubrica_fills_oldest_seconds", "Age of the oldest fill that waits for its turn");
        let metrics = Self {
            waiting: IntGaugeVec::new(Opts::new("rubrica_fills_waiting", "Fills that wait for their turn"), &["class"])?,
            oldest: GaugeVec::new(oldest, &["class"])?,
            waited: HistogramVec::new(waited, &["class"])?,
            ended: HistogramVec::new(ended, &["class", "outcome"])?,
            refused: IntCounter::new("rubrica_fills_refused_total", "Fills that were refused as too many wait")?,
        };
        registry.register(Box::new(metrics.waiting.clone()))?;
        registry.register(Box::new(metrics.oldest.clone()))?;
        registry.register(Box::new(metrics.waited.clone()))?;
        registry.register(Box::new(metrics.ended.clone()))?;
        registry.register(Box::new(metrics.refused.clone()))?;
        for class in Class::ALL {
            metrics.waiting(class, 0, TimeDelta::zero());
        }
        Ok(metrics)
    }

    pub(super) fn waiting(&self, class: Class, waiting: usize, oldest: TimeDelta) {
        self.waiting.with_label_values(&[class.name()]).set(i64::try_from(waiting).unwrap_or(i64::MAX));
        let gauge: Gauge = self.oldest.with_label_values(&[class.name()]);
        gauge.set(seconds(oldest));
    }

    pub(super) fn waited(&self, class: Class, time: TimeDelta) {
        self.waited.with_label_values(&[class.name()]).observe(seconds(time));
    }

    pub(super) fn ended(&self, class: Class, is_filled: bool, time: TimeDelta) {
        let outcome = if is_filled { "completed" } else { "failed" };
        self.ended.with_label_values(&[class.name(), outcome]).observe(seconds(time));
    }

    pub(super) fn refused(&self) {
        self.refused.inc();
    }
}

fn seconds(time: TimeDelta) -> f64 {
    time.num_milliseconds().max(0) as f64 / 1e3
}
