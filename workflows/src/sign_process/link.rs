//! The links with which signers come to sign: which generation counts, and how often one can be renewed.
//!
//! A link's secret follows from its signature and its generation, so nothing of it is stored; a new generation is a new link, and every
//! older one opens nothing.

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Data, Effect, Event, NOT_FOUND, SignProcess, SignatureStatus, Status, wrong_state};
use crate::{Decision, Hand, Refusal, Timestamp};

/// How often a signer can have a new link, or the same once more, within 24 hours: a message goes out with each.
pub const RENEWALS_PER_DAY: usize = 3;

/// Maximum number of a link's generation; more than [`RENEWALS_PER_DAY`] allow within the longest life of a process.
pub const MAX_GENERATION: u32 = 127;

/// What is known of a signer's link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// That of the link that counts; the first is 0.
    pub generation: u32,
    /// When it was renewed or sent again, at most the last [`RENEWALS_PER_DAY`] times, in order.
    pub renewed: Vec<Timestamp>,
}

impl Link {
    /// Whether it was never renewed nor sent again.
    pub(super) fn is_first(&self) -> bool {
        self.generation == 0 && self.renewed.is_empty()
    }

    fn renew(&mut self, at: Timestamp) {
        self.generation = self.generation.saturating_add(1);
        self.send_again(at);
    }

    fn send_again(&mut self, at: Timestamp) {
        if self.renewed.len() >= RENEWALS_PER_DAY {
            self.renewed.remove(0);
        }
        self.renewed.push(at);
    }

    /// How long no other message goes out. `None`: one can now.
    fn rests(&self, now: Timestamp) -> Option<Duration> {
        let first = self.renewed.first().filter(|_| self.renewed.len() >= RENEWALS_PER_DAY)?;
        let until = first.checked_add_signed(Duration::days(1))?;
        (now < until).then(|| until - now)
    }
}

impl Data {
    pub(super) fn decide_renew(&self, now: Timestamp, signature: Uuid, by: Option<Hand>) -> Decision<SignProcess> {
        match self.sendable(now, signature) {
            Ok(link) if link.generation >= MAX_GENERATION => {
                Decision::refuse(Refusal::state("the link was renewed as often as it can be"))
            }
            Ok(_) => Decision::accept([Event::LinkRenewed { signature, by }]),
            Err(refusal) => Decision::refuse(refusal),
        }
    }

    pub(super) fn decide_send_again(&self, now: Timestamp, signature: Uuid, by: Hand) -> Decision<SignProcess> {
        match self.sendable(now, signature) {
            Ok(_) => Decision::accept([Event::LinkSentAgain { signature, by }]),
            Err(refusal) => Decision::refuse(refusal),
        }
    }

    /// Whether this signer's link can go out once more.
    fn sendable(&self, now: Timestamp, signature: Uuid) -> Result<&Link, Refusal> {
        let position = self.position(signature).ok_or(NOT_FOUND)?;
        let known = &self.signatures[position];
        if self.status != Status::Created {
            return Err(wrong_state(self.status.name()));
        }
        if known.status != SignatureStatus::Created {
            return Err(wrong_state("signed already"));
        }
        // The old link must not die where no new one can be sent.
        if self.link_channel(position).is_none() {
            return Err(Refusal::state("no channel of the organization reaches the signer"));
        }
        match known.link.rests(now) {
            Some(wait) => Err(Refusal::Busy { what: "a link can be sent 3 times in 24 hours", wait }),
            None => Ok(&known.link),
        }
    }

    pub(super) fn renew(&mut self, signature: Uuid, at: Timestamp) {
        if let Some(position) = self.position(signature) {
            self.signatures[position].link.renew(at);
        }
    }

    pub(super) fn sent_again(&mut self, signature: Uuid, at: Timestamp) {
        if let Some(position) = self.position(signature) {
            self.signatures[position].link.send_again(at);
        }
    }

    pub(super) fn send_link(&self, signature: Uuid) -> Option<Effect> {
        let position = self.position(signature)?;
        let (generation, channel) = (self.signatures[position].link.generation, self.link_channel(position)?);
        Some(Effect::SendLink { signature, generation, channel })
    }
}
