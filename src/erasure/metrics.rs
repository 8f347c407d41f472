//! What is measured of erasures.

use prometheus::{IntCounterVec, Opts, Registry};

use super::{Erased, Error, Kind};

/// Metrics of the erasures of a server. No label names an organization, a process or a person.
#[derive(Clone)]
pub struct Metrics {
    outcomes: IntCounterVec,
    entries: IntCounterVec,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counter = |name: &str, help: &str, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let metrics = Self {
            outcomes: counter(
                "rubrica_erasures_total",
                "Erasures of processes by their outcome: erased, in_clear (erased, but entries of before journals were sealed stand in the \
                 store), held (a legal hold), waiting (something of it is under way), failed (to be tried again)",
                &["kind", "outcome"],
            )?,
            entries: counter(
                "rubrica_erased_entries_total",
                "Entries of erased journals: sealed (nobody can read them any more), in_clear (they stand in the store as they were written)",
                &["kind", "written"],
            )?,
        };
        registry.register(Box::new(metrics.outcomes.clone()))?;
        registry.register(Box::new(metrics.entries.clone()))?;
        Ok(metrics)
    }

    /// Counts what became of an erasure.
    pub fn count(&self, kind: Kind, result: &Result<Erased, Error>) {
        let outcome = outcome(result);
        self.outcomes.with_label_values(&[kind.name(), outcome]).inc();
        if let Ok(erased) = result {
            self.entries.with_label_values(&[kind.name(), "sealed"]).inc_by(erased.entries);
            self.entries.with_label_values(&[kind.name(), "in_clear"]).inc_by(erased.in_clear);
        }
    }
}

/// As metrics and logs name it.
pub(super) fn outcome(result: &Result<Erased, Error>) -> &'static str {
    match result {
        Ok(erased) if erased.in_clear > 0 => "in_clear",
        Ok(_) => "erased",
        Err(Error::Held(_)) => "held",
        Err(Error::UnderWay(_) | Error::BelongsTo(_) | Error::NotFound) => "waiting",
        Err(_) => "failed",
    }
}
