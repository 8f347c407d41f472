//! Counts of signatures by hand, and when the server's escrow certificates end, for Prometheus. Without organizations: a log line names them.

use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};

use super::Defaults;

/// Metrics of signatures by hand.
#[derive(Clone, Debug)]
pub struct Metrics {
    handwritings: IntCounterVec,
    ends: IntGaugeVec,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered()?;
        registry.register(Box::new(metrics.handwritings.clone()))?;
        registry.register(Box::new(metrics.ends.clone()))?;
        Ok(metrics)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let handwritings = Opts::new(
            "rubrica_handwritings_total",
            "Signatures by hand by their format, and by what became of them: taken, accepted (by an agent), rejected, repeated",
        );
        let ends = Opts::new(
            "rubrica_escrow_certificate_end_seconds",
            "When an escrow certificate of the server's configuration ends, in seconds since 1970, by the SHA-256 of the certificate",
        );
        Ok(Self {
            handwritings: IntCounterVec::new(handwritings, &["format", "outcome"])?,
            ends: IntGaugeVec::new(ends, &["certificate"])?,
        })
    }

    /// Shows when the server's own escrow certificates end.
    pub(super) fn hold(&self, defaults: &Defaults) {
        for recipient in &defaults.recipients {
            let facts = recipient.facts();
            self.ends.with_label_values(&[facts.sha256.as_str()]).set(facts.not_after.timestamp());
        }
    }

    pub(super) fn taken(&self, format: &str, is_accepted: bool) {
        self.handwritings.with_label_values(&[format, if is_accepted { "accepted" } else { "taken" }]).inc();
    }

    /// The format may not be known then.
    pub(super) fn refused(&self, outcome: &str) {
        self.handwritings.with_label_values(&["any", outcome]).inc();
    }
}

#[cfg(test)]
impl Default for Metrics {
    fn default() -> Self {
        Self::unregistered().expect("metrics that do not depend on anything")
    }
}
