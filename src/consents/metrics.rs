//! What is measured of consents. No label says who a customer is.

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts, Registry};

/// Metrics of the consents of a server.
#[derive(Clone)]
pub struct Metrics {
    /// Reads that gave out a key, by organization, segment and whether the customer was known.
    pub displays: IntCounterVec,
    /// Captures that were answered with success, repetitions among them, by organization, segment and channel.
    pub captures: IntCounterVec,
    /// Choices that took no effect, as a later one held.
    pub superseded: IntCounter,
    /// Choices of consents that were not displayed.
    pub not_displayed: IntCounter,
    /// Refused keys by reason.
    pub refused_keys: IntCounterVec,
    /// Customers that were checked.
    pub checked: IntCounterVec,
    /// Customers of one check.
    pub check_size: Histogram,
    /// Lines of imports by outcome.
    pub imported: IntCounterVec,
    /// What became of customers' consents, by event.
    pub events: IntCounterVec,
    /// What organizations were told, by notice; counted at least once.
    pub notices: IntCounterVec,
    /// From the instant of an expiry to its announcement.
    pub expiry_lag: Histogram,
    /// Journals whose key was destroyed.
    pub erased: IntCounter,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok::<_, prometheus::Error>(counters)
        };
        let counter = |name: &str, help: &str| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let histogram = |name: &str, help: &str, buckets: Vec<f64>| {
            let histogram = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?;
            registry.register(Box::new(histogram.clone()))?;
            Ok::<_, prometheus::Error>(histogram)
        };
        Ok(Self {
            displays: counters(
                "rubrica_consent_displays_total",
                "Reads of a customer's consents that gave out an x-key",
                &["organization", "segment", "known"],
            )?,
            captures: counters(
                "rubrica_consent_captures_total",
                "Captures that were answered with 201, repetitions among them",
                &["organization", "segment", "channel"],
            )?,
            superseded: counter(
                "rubrica_consent_choices_superseded_total",
                "Captured choices that took no effect, as one of a later date held",
            )?,
            not_displayed: counter(
                "rubrica_consent_choices_not_displayed_total",
                "Captured choices of consents that the read before had not displayed",
            )?,
            refused_keys: counters("rubrica_consent_keys_refused_total", "Refused x-keys, by reason", &["reason"])?,
            checked: counters(
                "rubrica_consent_checked_customers_total",
                "Customers that were checked, by answer",
                &["organization", "allowed"],
            )?,
            check_size: histogram(
                "rubrica_consent_check_customers",
                "Customers of one check",
                vec![1.0, 10.0, 100.0, 1000.0, 10_000.0],
            )?,
            imported: counters(
                "rubrica_consent_import_lines_total",
                "Lines of imports, by outcome",
                &["organization", "outcome"],
            )?,
            events: counters(
                "rubrica_consent_events_total",
                "What became of customers' consents: captured, withdrawn, expiring, expired, deleted",
                &["organization", "event"],
            )?,
            notices: counters(
                "rubrica_consent_notices_total",
                "Notices to organizations of what became of customers' consents; one that is repeated counts again",
                &["organization", "notice"],
            )?,
            expiry_lag: histogram(
                "rubrica_consent_expiry_lag_seconds",
                "From the instant at which an acceptance expired to its announcement",
                vec![0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0],
            )?,
            erased: counter("rubrica_consent_journals_erased_total", "Journals of consents whose key was destroyed")?,
        })
    }
}

/// In a registry of their own, which nobody reads.
#[cfg(test)]
impl Default for Metrics {
    fn default() -> Self {
        Self::new(&Registry::new()).expect("an empty registry")
    }
}
