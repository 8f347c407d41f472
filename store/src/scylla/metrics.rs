//! What is measured of the statements.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, core::Collector};
use scylla::errors::{DbError, ExecutionError, RequestAttemptError};

use crate::Error;

/// Counters and times of one connection to a cluster.
#[derive(Clone)]
pub struct Metrics {
    seconds: HistogramVec,
    failures: IntCounterVec,
    /// Conditional statements of which nobody could tell whether they were applied.
    pub(super) unknown: IntCounter,
    pub(super) conflicts: IntCounter,
    in_flight: IntGauge,
}

/// From half a millisecond, which a read on a near node takes, to a time-out.
const BUCKETS: &[f64] = &[0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

impl Metrics {
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn new(registry: &Registry) -> Result<Self, Error> {
        let seconds =
            HistogramOpts::new("rubrica_store_statement_seconds", "Time of a statement, by its name").buckets(BUCKETS.into());
        let failures = Opts::new("rubrica_store_statement_failures_total", "Statements that failed, by name and kind of failure");
        Ok(Self {
            seconds: register(registry, HistogramVec::new(seconds, &["statement"]))?,
            failures: register(registry, IntCounterVec::new(failures, &["statement", "kind"]))?,
            unknown: register(
                registry,
                IntCounter::new("rubrica_store_unknown_total", "Conditional statements whose outcome was not known at once"),
            )?,
            conflicts: register(
                registry,
                IntCounter::new("rubrica_store_conflicts_total", "Conditional statements that came second"),
            )?,
            in_flight: register(registry, IntGauge::new("rubrica_store_in_flight", "Statements under way"))?,
        })
    }

    pub(super) fn statement(&self, name: &'static str, took: Duration, error: Option<&ExecutionError>) {
        self.seconds.with_label_values(&[name]).observe(took.as_secs_f64());
        if let Some(error) = error {
            self.failures.with_label_values(&[name, kind(error)]).inc();
        }
    }

    pub(super) fn in_flight(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// Statements of this name so far, for measuring.
    pub fn count(&self, name: &str) -> u64 {
        self.seconds.with_label_values(&[name]).get_sample_count()
    }
}

pub(super) struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

pub(super) fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> Result<C, Error> {
    let refused = |error: prometheus::Error| Error::Refused(format!("a metric of the store: {error}"));
    let metric = metric.map_err(refused)?;
    registry.register(Box::new(metric.clone())).map_err(refused)?;
    Ok(metric)
}

fn kind(error: &ExecutionError) -> &'static str {
    match error {
        ExecutionError::RequestTimeout(_) => "timeout",
        ExecutionError::ConnectionPoolError(_) | ExecutionError::EmptyPlan => "no_connection",
        ExecutionError::LastAttemptError(RequestAttemptError::BrokenConnectionError(_)) => "broken_connection",
        ExecutionError::LastAttemptError(RequestAttemptError::DbError(error, _)) => match error {
            DbError::ReadTimeout { .. } | DbError::WriteTimeout { .. } => "server_timeout",
            DbError::Unavailable { .. } => "too_few_replicas",
            DbError::Overloaded => "overloaded",
            _ => "server_error",
        },
        _ => "other",
    }
}
