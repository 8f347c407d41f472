//! The `[scoring]` section of the configuration.

use std::time::Duration;

use chrono::TimeDelta;
use ipnet::IpNet;
use serde::Deserialize;

use crate::{iso_duration, outbound::Reach};

/// How the providers that score identity documents are asked, and what is asked of a document.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// Maximum wait for a connection: looking up the name, TCP and TLS. PT0.1S to PT30S. Default: PT5S.
    #[serde(with = "iso_duration")]
    pub connect_timeout: TimeDelta,
    /// Maximum time for one question, with its repetitions. PT0.1S to PT2M; the end of an attempt (`processes.effect_timeout`) may come
    /// earlier. Default: PT20S.
    #[serde(with = "iso_duration")]
    pub timeout: TimeDelta,
    /// Repetitions of a request that was not answered or was answered with an error of the server, 0 to 10. Default: 2.
    pub retries: u32,
    /// Wait before the first repetition; it doubles with each further one, and up to half of it is left out at random. PT0.001S to
    /// PT10S. Default: PT0.25S.
    #[serde(with = "iso_duration")]
    pub backoff: TimeDelta,
    /// Maximum bytes of an answer, 1024 to 16777216. Default: 1048576.
    pub max_answer: usize,
    /// Bytes of images, as they are sent, that are in memory at once, 67108864 to 68719476736; one organization has at most half of it.
    /// What is over waits for its turn. Default: 134217728.
    pub memory: u64,
    /// Failures in a row after which a provider of an organization is not asked for `circuit_pause`, 1 to 100. Default: 5.
    pub circuit_failures: u32,
    /// How long it is not asked; then one question finds out whether it is back. PT1S to PT1H. Default: PT30S.
    #[serde(with = "iso_duration")]
    pub circuit_pause: TimeDelta,
    /// Accept addresses with http://, over which images of identity documents travel in the clear. Only on the same machine or network.
    /// Default: false.
    pub plain_http: bool,
    /// Networks that are not public and in which providers may be all the same, e.g. `["10.1.2.0/24"]`: every organization that may
    /// change its sign configuration can make this server send requests into them. Default: none.
    pub private_networks: Vec<IpNet>,
    /// How long fingerprints of pictures that INTERNAL scored are remembered, so that the same picture used for another person is told
    /// (`REUSE`); PT0S to P3650D, in whole days. PT0S: not at all, and those that were are forgotten. Default: P400D.
    #[serde(deserialize_with = "iso_duration::or_zero")]
    pub picture_memory: TimeDelta,
    /// What each level asks for.
    pub levels: Levels,
}

/// The minimum global score of a document, by the level (`configuration_name`) of its identification; and no check may point to fraud,
/// at any level. An organization can have its own. LOW, 0.50: more for it than against it. MEDIUM, 0.70: also what scorings without a level
/// have. HIGH, 0.85: only clean photographs of documents that agree with themselves get there. Not below 0, not above 1, and no level
/// below a less strict one.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Levels {
    /// Default: 0.5.
    pub low: f64,
    /// Default: 0.7.
    pub medium: f64,
    /// Default: 0.85.
    pub high: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            connect_timeout: TimeDelta::seconds(5),
            timeout: TimeDelta::seconds(20),
            retries: 2,
            backoff: TimeDelta::milliseconds(250),
            max_answer: 1 << 20,
            memory: 128 << 20,
            circuit_failures: 5,
            circuit_pause: TimeDelta::seconds(30),
            plain_http: false,
            private_networks: Vec::new(),
            picture_memory: TimeDelta::days(400),
            levels: Levels::default(),
        }
    }
}

impl Default for Levels {
    fn default() -> Self {
        Self { low: 0.5, medium: 0.7, high: 0.85 }
    }
}

impl Options {
    /// # Errors
    /// The option that is out of its bounds, and the bounds.
    pub fn check(&self) -> Result<(), String> {
        let within =
            |name: &str, holds: bool, bounds: &str| if holds { Ok(()) } else { Err(format!("{name}: expected {bounds}")) };
        let lasts = |delta: TimeDelta, from: i64, to: i64| (from..=to).contains(&delta.num_milliseconds());
        within("connect_timeout", lasts(self.connect_timeout, 100, 30_000), "PT0.1S to PT30S")?;
        within("timeout", lasts(self.timeout, 100, 120_000), "PT0.1S to PT2M")?;
        within("retries", self.retries <= 10, "0 to 10")?;
        within("backoff", lasts(self.backoff, 1, 10_000), "PT0.001S to PT10S")?;
        within("max_answer", (1024..=16 << 20).contains(&self.max_answer), "1024 to 16777216 bytes")?;
        within("memory", (1 << 26..=1 << 36).contains(&self.memory), "67108864 to 68719476736 bytes")?;
        within("circuit_failures", (1..=100).contains(&self.circuit_failures), "1 to 100")?;
        within("circuit_pause", lasts(self.circuit_pause, 1000, 3_600_000), "PT1S to PT1H")?;
        let whole_days = self.picture_memory == TimeDelta::days(self.picture_memory.num_days());
        let days = whole_days && (0..=3650).contains(&self.picture_memory.num_days());
        within("picture_memory", days, "PT0S to P3650D, in whole days")?;
        let Levels { low, medium, high } = self.levels;
        let rising = [0.0, low, medium, high, 1.0].is_sorted();
        within("levels", rising, "0 to 1, and no level below a less strict one")
    }

    /// Which addresses providers may have.
    pub fn reach(&self) -> Reach {
        Reach { plain_http: self.plain_http, networks: self.private_networks.clone().into() }
    }

    pub(super) fn timeout(&self) -> Duration {
        self.timeout.to_std().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_within_their_bounds_and_levels_only_rise() {
        assert_eq!(Options::default().check(), Ok(()));
        for (low, medium, high) in
            [(0.6, 0.5, 0.9), (-0.1, 0.5, 0.9), (0.5, 0.7, 1.1), (f64::NAN, 0.7, 0.9), (0.5, 0.7, f64::NAN)]
        {
            let options = Options { levels: Levels { low, medium, high }, ..Options::default() };
            assert!(options.check().unwrap_err().starts_with("levels"), "{low} {medium} {high}");
        }
        let options = Options { circuit_pause: TimeDelta::zero(), ..Options::default() };
        assert!(options.check().unwrap_err().starts_with("circuit_pause"));
    }

    #[test]
    fn pictures_are_remembered_for_whole_days() {
        let remembering = |picture_memory| Options { picture_memory, ..Options::default() }.check();
        assert_eq!((remembering(TimeDelta::zero()), remembering(TimeDelta::days(3650))), (Ok(()), Ok(())));
        for wrong in [TimeDelta::hours(36), TimeDelta::days(-1), TimeDelta::days(3651)] {
            assert!(remembering(wrong).unwrap_err().starts_with("picture_memory"), "{wrong}");
        }
    }
}
