//! C7: messages to signers, and what became of each.

use askama::Template;

use super::{Frame, Moment, Part, Phrase};
use crate::render;

/// Messages of some processes.
#[derive(Debug, Template)]
#[template(path = "console/deliveries.html")]
pub struct Deliveries {
    pub frame: Frame,
    /// What is shown: all messages, or those that failed.
    pub chips: Vec<DeliveryChip>,
    /// Of which processes.
    pub about: Phrase,
    /// What is worth a warning.
    pub warnings: Vec<Phrase>,
    /// Of each channel, over all messages of these processes.
    pub rates: Vec<Rate>,
    /// Newest first.
    pub rows: Vec<Delivery>,
    /// Where it goes on.
    pub next: Option<String>,
    /// Back to the beginning, where this is not it.
    pub newest: Option<String>,
}

/// A filter.
#[derive(Debug)]
pub struct DeliveryChip {
    /// As a key.
    pub words: &'static str,
    pub link: String,
    pub is_on: bool,
}

/// How it goes on a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// As a key.
    pub channel: &'static str,
    pub messages: usize,
    /// Their arrival was reported, or the code in them was typed.
    pub arrived: usize,
    /// A provider took them, and nobody reports more.
    pub taken: usize,
    pub failed: usize,
    /// It is not known whether they went out or arrived.
    pub unknown: usize,
    /// Not handed on yet, or on their way.
    pub open: usize,
}

/// One message.
#[derive(Debug)]
pub struct Delivery {
    /// What it is and to whom.
    pub words: Phrase,
    /// Its process.
    pub link: String,
    pub id: String,
    /// As a key.
    pub channel: &'static str,
    /// Masked.
    pub destination: Option<String>,
    /// The provider's name for it.
    pub provider: Option<String>,
    pub asked: Moment,
    pub outcome: Outcome,
    /// What became of it, with how long after it was asked for.
    pub parts: Vec<Part>,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Open,
    /// A provider took it, and nobody reports more.
    Taken,
    Arrived,
    Failed,
    Unknown,
}

impl Outcome {
    fn shape(self) -> &'static str {
        match self {
            Self::Open => "created",
            Self::Taken => "signed",
            Self::Arrived => "certified",
            Self::Failed => "failed",
            Self::Unknown => "warning",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Open => "console.outcome.open",
            Self::Taken => "console.outcome.taken",
            Self::Arrived => "console.outcome.arrived",
            Self::Failed => "console.outcome.failed",
            Self::Unknown => "console.outcome.unknown",
        }
    }
}

impl Rate {
    /// Nothing sent yet.
    pub fn of(channel: &'static str) -> Self {
        Self { channel, messages: 0, arrived: 0, taken: 0, failed: 0, unknown: 0, open: 0 }
    }

    /// Counts a message.
    pub fn add(&mut self, outcome: Outcome) {
        self.messages += 1;
        *match outcome {
            Outcome::Open => &mut self.open,
            Outcome::Taken => &mut self.taken,
            Outcome::Arrived => &mut self.arrived,
            Outcome::Failed => &mut self.failed,
            Outcome::Unknown => &mut self.unknown,
        } += 1;
    }

    /// How many failed, of all whose end is known at least that far: a whole percentage. Nothing where none has ended.
    fn failed_percent(&self) -> Option<usize> {
        let ended = self.messages - self.open;
        // One of many is not none.
        (ended > 0).then(|| (self.failed * 100).div_ceil(ended))
    }
}

impl Deliveries {
    pub fn html(&self) -> String {
        render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_of_what_has_ended_and_one_failure_of_many_is_not_none() {
        let mut rate = Rate::of("console.channel.sms");
        rate.add(Outcome::Open);
        assert_eq!(rate.failed_percent(), None);
        (0..300).for_each(|_| rate.add(Outcome::Arrived));
        assert_eq!(rate.failed_percent(), Some(0));
        rate.add(Outcome::Failed);
        assert_eq!(rate.failed_percent(), Some(1));
        [Outcome::Taken, Outcome::Unknown].into_iter().for_each(|outcome| rate.add(outcome));
        let Rate { messages, arrived, taken, failed, unknown, open, .. } = rate;
        assert_eq!((messages, arrived, taken, failed, unknown, open), (304, 300, 1, 1, 1, 1));
        let mut all = Rate::of("console.channel.email");
        all.add(Outcome::Failed);
        assert_eq!(all.failed_percent(), Some(100));
    }
}
