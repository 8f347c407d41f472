//! How far seals can be proven: the configuration reference.

use chrono::TimeDelta;
use documents::Level;
use serde::Deserialize;

use super::{
    Error, Processes,
    bounds::{seconds, within},
};
use crate::{iso_duration, trust_services::Offer};

/// Seals of documents and certificates.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Sealing {
    /// The level of PAdES (ETSI EN 319 142-1, 6) of the seals of organizations that do not name one in their sign configuration: `B-B`, and
    /// with an authority in `trust_services.time_stamp_authorities` also `B-T`, `B-LT` and `B-LTA`. Default: `B-B`.
    pub level: Level,
    /// How long a seal waits for authorities that are away, from the last signature on. The first attempt after that seals at the level that can
    /// be had, which journal and certificate say. PT1S to P7D, and no longer than effects are retried for sure (`processes.effect_backoff` and
    /// `effect_attempts`; four hours by default). Default: it waits until the effect is given up.
    #[serde(with = "iso_duration::option")]
    pub deadline: Option<TimeDelta>,
}

impl Sealing {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self, offer: Offer, processes: &Processes) -> Result<(), Error> {
        offer.check(self.level).map_err(|problem| Error::Invalid(format!("sealing.level: {problem}")))?;
        let Some(deadline) = self.deadline else { return Ok(()) };
        within("sealing.deadline", seconds(deadline, 1, 7 * 86_400), "PT1S to P7D")?;
        let most = processes.least_patience();
        let bounds = format!(
            "at most {}, for which effects are retried (processes.effect_backoff, effect_attempts)",
            iso_duration::format(TimeDelta::seconds(most.num_seconds()))
        );
        within("sealing.deadline", deadline <= most, &bounds)
    }
}
