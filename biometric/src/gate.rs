//! The quality gate: whether a capture can be a signature, before a person leaves the counter.
//!
//! It does not decide who signed, and people sign with a cross. What it rejects is a dot, taps, a line, or what nobody writes; what it only
//! marks is written into the evidence for those who judge later. The numbers are proposals (see the sources in the design), so all can be
//! configured.

use serde::{Deserialize, Serialize};

use crate::capture::MAX_DURATION_MS;
use crate::figures::Figures;

/// The thresholds of the gate, in the units of [`Figures`]. A capture is rejected below the minimum (and above the maximum) of a
/// figure, and marked between that and the second threshold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gate {
    /// Fewer points are rejected.
    pub points_min: u32,
    /// Fewer distinct positions are rejected.
    pub distinct_positions_min: u32,
    /// Fewer distinct positions are marked.
    pub distinct_positions_marked: u32,
    /// A shorter capture is rejected, in milliseconds.
    pub duration_ms_min: u32,
    /// A shorter capture is marked, in milliseconds.
    pub duration_ms_marked: u32,
    /// A longer capture is rejected, in milliseconds; at most 65,535.
    pub duration_ms_max: u32,
    /// A capture that is smaller than this both in width and in height is rejected, in thousandths of the pad's.
    pub size_permille_min: u32,
    /// Less spread is rejected as a line, in thousandths.
    pub spread_permille_min: u32,
    /// Less spread is marked, in thousandths.
    pub spread_permille_marked: u32,
    /// A shorter way of the pen is rejected if the pen turned less than the next threshold too, in thousandths of the diagonal.
    pub length_permille_min: u32,
    /// See [`Gate::length_permille_min`]; in thousandths of a radian.
    pub turning_mrad_min: u32,
    /// Fewer samples a second are marked.
    pub rate_hz_marked: u32,
    /// More time in gaps is marked, in thousandths.
    pub gaps_permille_marked: u32,
    /// Less variation of speed is marked, in thousandths.
    pub speed_variation_permille_marked: u32,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            points_min: 20,
            distinct_positions_min: 15,
            distinct_positions_marked: 80,
            duration_ms_min: 250,
            duration_ms_marked: 600,
            duration_ms_max: 60_000,
            size_permille_min: 100,
            spread_permille_min: 30,
            spread_permille_marked: 80,
            length_permille_min: 1200,
            turning_mrad_min: 3000,
            rate_hz_marked: 40,
            gaps_permille_marked: 50,
            speed_variation_permille_marked: 50,
        }
    }
}

/// Why a capture is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The name of the figure in [`Figures`].
    pub figure: &'static str,
    /// For the person who signs: what is wrong, and to try again.
    pub message: String,
}

/// What the gate finds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Verdict {
    /// Nothing in it: the capture is accepted.
    pub rejected: Vec<Reason>,
    /// What is written into the evidence, each by its name: `few_positions`, `short`, `nearly_a_line`, `low_rate`, `gaps`, `even_speed`,
    /// `no_pressure`.
    pub marks: Vec<&'static str>,
}

impl Verdict {
    pub fn is_accepted(&self) -> bool {
        self.rejected.is_empty()
    }
}

impl Gate {
    /// Whether the thresholds can be used together.
    ///
    /// # Errors
    /// The threshold that is out of place, by its name, in words.
    pub fn check(&self) -> Result<(), String> {
        // Beyond these nobody could sign.
        let bounds = [
            ("points_min", self.points_min, 1000),
            ("distinct_positions_min", self.distinct_positions_min, 1000),
            ("duration_ms_min", self.duration_ms_min, 10_000),
            ("size_permille_min", self.size_permille_min, 500),
            ("spread_permille_min", self.spread_permille_min, 500),
            ("length_permille_min", self.length_permille_min, 10_000),
            ("turning_mrad_min", self.turning_mrad_min, 50_000),
            ("duration_ms_max", self.duration_ms_max, MAX_DURATION_MS as u32),
        ];
        if let Some((name, _, most)) = bounds.into_iter().find(|(_, value, most)| value > most) {
            return Err(format!("{name} may be at most {most}"));
        }
        let pairs = [
            ("distinct_positions_min", self.distinct_positions_min, "distinct_positions_marked", self.distinct_positions_marked),
            ("duration_ms_min", self.duration_ms_min, "duration_ms_marked", self.duration_ms_marked),
            ("duration_ms_marked", self.duration_ms_marked, "duration_ms_max", self.duration_ms_max),
            ("spread_permille_min", self.spread_permille_min, "spread_permille_marked", self.spread_permille_marked),
        ];
        match pairs.into_iter().find(|(_, low, _, high)| low > high) {
            Some((low, _, high, _)) => Err(format!("{low} must not be more than {high}")),
            None => Ok(()),
        }
    }

    /// Judges a capture by its figures.
    pub fn judge(&self, figures: &Figures) -> Verdict {
        Verdict { rejected: self.reasons(figures), marks: self.marks(figures) }
    }

    fn reasons(&self, figures: &Figures) -> Vec<Reason> {
        let small = |size: Option<u32>| size.is_some_and(|size| size < self.size_permille_min);
        let too_simple =
            figures.length_permille_of_diagonal < self.length_permille_min && figures.turning_mrad < self.turning_mrad_min;
        let rules = [
            (
                figures.points < self.points_min,
                "points",
                format!(
                    "it has {} points, and a signature has at least {}: sign with your whole name",
                    figures.points, self.points_min
                ),
            ),
            (
                figures.distinct_positions < self.distinct_positions_min,
                "distinct_positions",
                "it is a dot or a few taps: sign as you do on paper".to_owned(),
            ),
            (
                figures.duration_ms < self.duration_ms_min,
                "duration_ms",
                format!("it took {} ms, which is too short: sign as you do on paper", figures.duration_ms),
            ),
            (
                figures.duration_ms > self.duration_ms_max,
                "duration_ms",
                format!("it took longer than {} s: clear the pad and sign in one go", self.duration_ms_max / 1000),
            ),
            (
                small(figures.width_of_pad_permille) && small(figures.height_of_pad_permille),
                "width_of_pad_permille",
                "it is too small: use more of the pad".to_owned(),
            ),
            (
                figures.spread_permille < self.spread_permille_min,
                "spread_permille",
                "it is a straight line: sign as you do on paper".to_owned(),
            ),
            (too_simple, "turning_mrad", "it is too simple: sign as you do on paper".to_owned()),
        ];
        rules.into_iter().filter(|(holds, ..)| *holds).map(|(_, figure, message)| Reason { figure, message }).collect()
    }

    fn marks(&self, figures: &Figures) -> Vec<&'static str> {
        let rules = [
            (figures.distinct_positions < self.distinct_positions_marked, "few_positions"),
            (figures.duration_ms < self.duration_ms_marked, "short"),
            (figures.spread_permille < self.spread_permille_marked, "nearly_a_line"),
            (figures.rate_hz < self.rate_hz_marked, "low_rate"),
            (figures.gaps_permille > self.gaps_permille_marked, "gaps"),
            (figures.speed_variation_permille < self.speed_variation_permille_marked, "even_speed"),
            (!figures.has_pressure, "no_pressure"),
        ];
        rules.into_iter().filter(|(holds, _)| *holds).map(|(_, mark)| mark).collect()
    }
}

#[cfg(test)]
mod tests;
