//! Counts of the questions to authorities, for Prometheus.

use std::time::Duration;

use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::breaker::Standing;

/// How a question ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// With a time stamp that proves something.
    Granted,
    /// Without an answer, or with one that is none of the protocol's.
    Away,
    /// With an answer that proves nothing.
    Rejected,
    /// It was not asked, as it failed time after time.
    LeftAlone,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Away => "away",
            Self::Rejected => "rejected",
            Self::LeftAlone => "left_alone",
        }
    }
}

/// Who is asked about certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Responder,
    List,
    Issuer,
}

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answered {
    /// An answer that proves something.
    Good,
    /// One that was kept from before.
    Kept,
    /// None, or none that proves anything.
    Away,
    /// It cannot be asked, or gives what is of no use.
    Rejected,
}

/// Metrics of the authorities.
#[derive(Clone, Debug)]
pub struct Metrics {
    calls: IntCounterVec,
    seconds: HistogramVec,
    breakers: IntGaugeVec,
    revocation: IntCounterVec,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered()?;
        registry.register(Box::new(metrics.calls.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.breakers.clone()))?;
        registry.register(Box::new(metrics.revocation.clone()))?;
        Ok(metrics)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let times = vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 60.0];
        let seconds = HistogramOpts::new("rubrica_time_stamp_seconds", "Time that time-stamp authorities took").buckets(times);
        Ok(Self {
            calls: IntCounterVec::new(
                Opts::new("rubrica_time_stamps_total", "Questions to time-stamp authorities by how they ended"),
                &["authority", "outcome"],
            )?,
            seconds: HistogramVec::new(seconds, &["authority"])?,
            breakers: IntGaugeVec::new(
                Opts::new(
                    "rubrica_time_stamp_breaker",
                    "Whether an authority is asked: 0 yes, 1 it is left alone, 2 one question finds out",
                ),
                &["authority"],
            )?,
            revocation: IntCounterVec::new(
                Opts::new(
                    "rubrica_revocation_questions_total",
                    "Questions about certificates by whom they went to and what came of them",
                ),
                &["asked", "outcome"],
            )?,
        })
    }

    pub(super) fn asked(&self, asked: Asked, answered: Answered) {
        let asked = match asked {
            Asked::Responder => "responder",
            Asked::List => "list",
            Asked::Issuer => "issuer",
        };
        let answered = match answered {
            Answered::Good => "good",
            Answered::Kept => "kept",
            Answered::Away => "away",
            Answered::Rejected => "rejected",
        };
        self.revocation.with_label_values(&[asked, answered]).inc();
    }

    pub(super) fn ended(&self, authority: &str, outcome: Outcome, time: Option<Duration>) {
        self.calls.with_label_values(&[authority, outcome.name()]).inc();
        if let Some(time) = time {
            self.seconds.with_label_values(&[authority]).observe(time.as_secs_f64());
        }
    }

    pub(super) fn stands(&self, authority: &str, standing: Standing) {
        self.breakers.with_label_values(&[authority]).set(standing as i64);
    }

    #[cfg(test)]
    pub(super) fn count(&self, authority: &str, outcome: Outcome) -> u64 {
        self.calls.with_label_values(&[authority, outcome.name()]).get()
    }

    #[cfg(test)]
    pub(super) fn standing(&self, authority: &str) -> i64 {
        self.breakers.with_label_values(&[authority]).get()
    }
}

/// Metrics that nobody reads.
impl Default for Metrics {
    fn default() -> Self {
        // The names and labels are constants that are tried by every start.
        Self::unregistered().expect("the names of the metrics are valid")
    }
}
