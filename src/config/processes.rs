//! The host of the processes: the configuration reference.

use chrono::TimeDelta;
use serde::Deserialize;

use super::{
    Error,
    bounds::{delta, seconds, std, within},
};
use crate::iso_duration;

/// The host of the processes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Processes {
    /// Messages that may wait for one process, 1 to 10000. Default: 64.
    pub mailbox: usize,
    /// Idle processes leave memory after this; PT1S to P1D. Default: PT30S.
    #[serde(with = "iso_duration")]
    pub passivate_after: TimeDelta,
    /// Processes in memory beyond which idle ones leave at once, 100 to 10000000. Default: 10000.
    pub max_resident: usize,
    /// Maximum time of one attempt of an effect such as sending or sealing; PT1S to PT10M. Default: PT25S.
    #[serde(with = "iso_duration")]
    pub effect_timeout: TimeDelta,
    /// How soon after a crash effects whose end is not known are taken up again; PT1S to PT1H. With a store that servers share at
    /// least three times `effect_timeout`, as they may be under way on another one. Default: PT5S.
    #[serde(with = "iso_duration")]
    pub effect_lease: TimeDelta,
    /// Attempts of an effect before it is given up, 1 to 1000. Default: 20.
    pub effect_attempts: u32,
    /// Wait after the first failed attempt; it doubles up to an hour. PT1S to PT1H. Default: PT1S.
    #[serde(with = "iso_duration")]
    pub effect_backoff: TimeDelta,
}

impl Default for Processes {
    fn default() -> Self {
        let options = actors::Options::default();
        Self {
            mailbox: options.mailbox,
            passivate_after: delta(options.passivate_after),
            max_resident: options.max_resident,
            effect_timeout: delta(options.effect_timeout),
            effect_lease: delta(options.lease),
            effect_attempts: options.backoff.attempts,
            effect_backoff: delta(options.backoff.first),
        }
    }
}

impl Processes {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("processes.mailbox", (1..=10_000).contains(&self.mailbox), "1 to 10000")?;
        within("processes.passivate_after", seconds(self.passivate_after, 1, 86_400), "PT1S to P1D")?;
        within("processes.max_resident", (100..=10_000_000).contains(&self.max_resident), "100 to 10000000")?;
        within("processes.effect_timeout", seconds(self.effect_timeout, 1, 600), "PT1S to PT10M")?;
        within("processes.effect_lease", seconds(self.effect_lease, 1, 3600), "PT1S to PT1H")?;
        within("processes.effect_attempts", (1..=1000).contains(&self.effect_attempts), "1 to 1000")?;
        within("processes.effect_backoff", seconds(self.effect_backoff, 1, 3600), "PT1S to PT1H")
    }

    /// For how long an effect is retried for sure before it is given up.
    pub(super) fn least_patience(&self) -> TimeDelta {
        let maximum = delta(actors::Backoff::default().maximum);
        let steps = std::iter::successors(Some(self.effect_backoff), |step| Some((*step * 2).min(maximum)));
        // Up to half of each wait is left out at random.
        let waits = steps.take(self.effect_attempts.saturating_sub(1) as usize).map(|step| step.min(maximum) / 2);
        waits.fold(TimeDelta::zero(), |all, wait| all + wait)
    }

    pub fn options(&self) -> actors::Options {
        let defaults = actors::Options::default();
        actors::Options {
            mailbox: self.mailbox,
            passivate_after: std(self.passivate_after),
            max_resident: self.max_resident,
            effect_timeout: std(self.effect_timeout),
            lease: std(self.effect_lease),
            backoff: actors::Backoff {
                first: std(self.effect_backoff),
                attempts: self.effect_attempts,
                ..defaults.backoff.clone()
            },
            ..defaults
        }
    }
}
