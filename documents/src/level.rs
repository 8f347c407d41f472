//! The baseline levels of PAdES (ETSI EN 319 142-1, clause 6), as ETSI names them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How long a signature can be proven. Each level has all that the one before it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub enum Level {
    /// Signed; nothing proves when. Good until its certificate ends.
    #[default]
    #[serde(rename = "B-B")]
    B,
    /// A time stamp proves that it was there by then.
    #[serde(rename = "B-T")]
    T,
    /// The file holds what is needed to judge its certificates: chains, and whether one was revoked.
    #[serde(rename = "B-LT")]
    Lt,
    /// A time stamp covers that too: good as long as the last of them is, and renewed with one more.
    #[serde(rename = "B-LTA")]
    Lta,
}

impl Level {
    /// From the lowest to the highest.
    pub const ALL: [Self; 4] = [Self::B, Self::T, Self::Lt, Self::Lta];

    /// As ETSI names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::B => "B-B",
            Self::T => "B-T",
            Self::Lt => "B-LT",
            Self::Lta => "B-LTA",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a level.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is none of B-B, B-T, B-LT, B-LTA")]
pub struct NoLevel;

impl std::str::FromStr for Level {
    type Err = NoLevel;

    fn from_str(text: &str) -> Result<Self, NoLevel> {
        Self::ALL.into_iter().find(|level| level.name() == text).ok_or(NoLevel)
    }
}
