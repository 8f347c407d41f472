//! Retention: the configuration reference.

use std::{fmt, time::Duration};

use chrono::TimeDelta;
use serde::{Deserialize, Deserializer, de};
use workflows::values::CalendarDuration;

use super::{
    Error,
    bounds::{seconds, within},
};
use crate::{
    erasure::{Kind, Periods},
    iso_duration,
};

const DAY: i64 = 86_400;

/// How long ended processes are kept before they are erased with all that belongs to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Between two passes over all that may be over its time, by whichever server comes first. PT1S to P7D. Default: PT1H.
    #[serde(with = "iso_duration")]
    pub every: TimeDelta,
    /// Processes that are erased per minute at most, 1 to 60000. Default: 600.
    pub per_minute: u32,
    /// By kind: the time from its end to its erasure. Default: each `never`.
    pub after: Times,
}

impl Default for Retention {
    fn default() -> Self {
        Self { every: TimeDelta::hours(1), per_minute: 600, after: Times::default() }
    }
}

/// Times from the ends of processes to their erasure, by kind. What belongs to another process (a signer's identification, the step of a chain,
/// the scoring session of an identification) is erased with that one and not before.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Times {
    /// Sign processes. `never`, or P1D to P100Y, as P5Y, P18M or P90D; so are all of these.
    pub sign_process: Option<Time>,
    /// Chains of identifications.
    pub chain: Option<Time>,
    /// Identifications by one-time code.
    pub otp: Option<Time>,
    /// Identifications by an agent.
    pub agent: Option<Time>,
    /// Identifications by an identity document.
    pub identity_document: Option<Time>,
    /// Scoring sessions that stand alone.
    pub scoring: Option<Time>,
    /// Fills of dynamic templates; the documents that they made stay.
    pub fill: Option<Time>,
}

/// How long something is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Time {
    Never,
    After(CalendarDuration),
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl de::Visitor<'_> for Text {
            type Value = Time;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("never, or an ISO 8601 duration such as P5Y, P18M or P90D")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
                match text {
                    "never" => Ok(Time::Never),
                    text => CalendarDuration::parse(text).map(Time::After).map_err(E::custom),
                }
            }
        }
        deserializer.deserialize_str(Text)
    }
}

impl Times {
    fn all(&self) -> [(Kind, &Option<Time>); 7] {
        [
            (Kind::SignProcess, &self.sign_process),
            (Kind::Chain, &self.chain),
            (Kind::Otp, &self.otp),
            (Kind::Agent, &self.agent),
            (Kind::IdentityDocument, &self.identity_document),
            (Kind::Scoring, &self.scoring),
            (Kind::Fill, &self.fill),
        ]
    }

    /// # Errors
    /// The option below `place` that is out of bounds.
    pub(super) fn check(&self, place: &str) -> Result<(), Error> {
        for (kind, time) in self.all() {
            // A short one is a slip that could not be undone.
            let is_long = |duration: &CalendarDuration| duration.after(chrono::DateTime::UNIX_EPOCH).timestamp() >= DAY;
            let fits = match time {
                Some(Time::After(duration)) => is_long(duration),
                Some(Time::Never) | None => true,
            };
            within(&format!("{place}.{kind}"), fits, "never, or P1D to P100Y")?;
        }
        Ok(())
    }
}

impl Retention {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("retention.every", seconds(self.every, 1, 7 * DAY), "PT1S to P7D")?;
        within("retention.per_minute", (1..=60_000).contains(&self.per_minute), "1 to 60000")?;
        self.after.check("retention.after")
    }

    /// Pause after each process.
    pub fn pause(&self) -> Duration {
        Duration::from_secs(60) / self.per_minute.max(1)
    }

    /// With what organizations say themselves.
    pub fn periods<'a>(&self, own: impl Iterator<Item = (&'a String, &'a Times)>) -> Periods {
        let mut periods = Periods::default();
        for (kind, time) in self.after.all() {
            if let Some(Time::After(duration)) = time {
                periods.keep(kind, duration.clone());
            }
        }
        for (organization, times) in own {
            for (kind, time) in times.all() {
                match time {
                    Some(Time::After(duration)) => periods.keep_for(organization, kind, Some(duration.clone())),
                    Some(Time::Never) => periods.keep_for(organization, kind, None),
                    None => {}
                }
            }
        }
        periods
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn periods(text: &str) -> Result<Periods, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("rubrica.toml");
        std::fs::write(&path, text).expect("written");
        Config::load(Some(&path), []).map(|config| config.periods()).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_erased_unless_a_time_is_set() {
        assert!(periods("").expect("read").is_off());
        assert!(periods("[retention.after]\notp = \"never\"\n").expect("read").is_off());
    }

    #[test]
    fn an_organization_has_its_own_times_over_those_of_all() {
        let text = "[retention.after]\nsign_process = \"P5Y\"\notp = \"P90D\"\n\
                    [organizations.acme.retention]\nsign_process = \"P10Y\"\notp = \"never\"\nfill = \"P1D\"\n";
        let periods = periods(text).expect("read");
        let of = |organization, kind| periods.of(organization, kind).map(CalendarDuration::as_str);
        for (kind, own, all) in [
            (Kind::SignProcess, Some("P10Y"), Some("P5Y")),
            (Kind::Otp, None, Some("P90D")),
            (Kind::Fill, Some("P1D"), None),
            (Kind::Chain, None, None),
        ] {
            assert_eq!((of("acme", kind), of("other", kind)), (own, all), "{kind}");
        }
        assert!(!periods.is_off());
    }

    #[test]
    fn times_that_are_no_times_or_a_slip_are_refused_with_their_place() {
        for (text, named) in [
            ("[retention.after]\nsign_process = \"PT1H\"\n", "retention.after.sign_process"),
            ("[retention.after]\notp = \"soon\"\n", "retention.after.otp"),
            ("[retention.after]\notp = 5\n", "retention.after.otp"),
            ("[organizations.acme.retention]\nfill = \"PT23H\"\n", "organizations.acme.retention.fill"),
            ("[retention.after]\nsigns = \"P5Y\"\n", "signs"),
            ("[retention]\nper_minute = 0\n", "retention.per_minute"),
            ("[retention]\nevery = \"P8D\"\n", "retention.every"),
        ] {
            let message = periods(text).expect_err(text);
            assert!(message.contains(named), "{text}: {message}");
        }
    }
}
