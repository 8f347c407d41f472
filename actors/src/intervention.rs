//! What people do by hand about the effects of a process: journaled with who and why, as all that happens to it.

use store::Timestamp;
use workflows::Refusal;

use crate::journal::{Act, EffectId};

/// Longest text of an [`Intervention`], in bytes of UTF-8.
const MAX_TEXT: usize = 4096;

/// An act, who does it and why. Both texts stay in the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intervention {
    /// 1 to 4,096 bytes each.
    pub by: String,
    pub reason: String,
    pub act: Act,
}

impl Intervention {
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let fits = |text: &String| !text.trim().is_empty() && text.len() <= MAX_TEXT;
        match fits(&self.by) && fits(&self.reason) {
            true => Ok(()),
            false => Err(Refusal::Invalid("who acts on an effect and why have 1 to 4,096 bytes each")),
        }
    }
}

/// How an effect stands that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing is known of an attempt.
    Asked {
        at: Timestamp,
    },
    /// This attempt was announced, and its end is not known.
    Begun {
        number: u32,
        at: Timestamp,
    },
    /// Attempt `number` failed, and the next one waits.
    Waiting {
        number: u32,
        until: Timestamp,
    },
    GivenUp,
}

/// An effect that has not ended well, or not yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenEffect {
    pub id: EffectId,
    /// Its name in the journal.
    pub name: String,
    pub standing: Standing,
    /// Of one that was given up: whether [`Act::Again`] is allowed now.
    pub may_repeat: bool,
}

/// The effects of a process that somebody may act on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenEffects {
    pub is_paused: bool,
    /// Those that wait or are under way, then those that were given up, latest last.
    pub effects: Vec<OpenEffect>,
}
