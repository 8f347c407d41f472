//! The ways of a code to its person: each channel on which it goes out, what became of the message there, and the fate in which it ends.
//!
//! A code goes out on the identification's own channel. Where the organization wants it, one whose message failed goes out again on the
//! next of its fallback channels: the same code, for the rest of its life and with the tries that are left, so that neither grows
//! (NIST SP 800-63B-4, 3.1.3: single use, at most 10 minutes). A message whose end is not known is not sent anywhere else: two channels
//! that both carry the code are twice the places to read it.

use chrono::Duration;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Challenge, CodeEvent, Creation, Data, Event, OneTimeCode, Receipt, ReceiptStatus};
use crate::{Channel, Timestamp};

/// What became of a code, or of one message with it. In the order of how much is known: what is learned later never makes it less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fate {
    /// A channel may have taken or delivered it, and nobody reports on it, or nobody did in time.
    Unknown,
    /// No channel took it, or the provider reports that it did not arrive.
    Failed,
    /// The provider reports that it arrived, or the person typed it.
    Delivered,
}

impl Fate {
    /// In lower case, as metrics show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Failed => "failed",
            Self::Delivered => "delivered",
        }
    }
}

/// What is known of a message once its channel took it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The provider's name for the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<String>,
    /// Which of several gateways took it, by its name in the configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The name or number that the message came from, where the server chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// Whether the provider was asked to report what becomes of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reports: bool,
}

/// What became of handing a message to its channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    #[default]
    Pending,
    Accepted {
        at: Timestamp,
        #[serde(flatten)]
        taken: Taken,
    },
    /// The channel certainly did not take it.
    Failed { at: Timestamp, reason: String },
    /// The channel may have taken it.
    Unknown { at: Timestamp, reason: String },
}

/// One message with a code.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sending {
    pub channel: Channel,
    /// When it was asked for.
    pub at: Timestamp,
    pub delivery: Delivery,
    /// In the order in which they came; at most [`MAX_RECEIPTS`](super::MAX_RECEIPTS).
    pub receipts: Vec<Receipt>,
    /// Since when nobody waits for a receipt any more.
    pub unreported: Option<Timestamp>,
}

impl Sending {
    pub(super) fn new(channel: Channel, at: Timestamp) -> Self {
        Self { channel, at, delivery: Delivery::Pending, receipts: Vec::new(), unreported: None }
    }

    /// Its fate, as far as the channel tells it. `None`: it is on its way.
    pub fn fate(&self) -> Option<Fate> {
        let reported = |wanted: &[ReceiptStatus]| self.receipts.iter().any(|receipt| wanted.contains(&receipt.status));
        if reported(&[ReceiptStatus::Delivered, ReceiptStatus::Read]) {
            return Some(Fate::Delivered);
        }
        match &self.delivery {
            _ if reported(&[ReceiptStatus::Failed]) => Some(Fate::Failed),
            Delivery::Failed { .. } => Some(Fate::Failed),
            Delivery::Unknown { .. } => Some(Fate::Unknown),
            Delivery::Accepted { taken, .. } if !taken.reports => Some(Fate::Unknown),
            Delivery::Pending | Delivery::Accepted { .. } => self.unreported.map(|_| Fate::Unknown),
        }
    }

    /// When nobody waits for a receipt any more.
    fn reports_until(&self, wait: Duration) -> Option<Timestamp> {
        match &self.delivery {
            Delivery::Accepted { at, .. } if self.fate().is_none() => at.checked_add_signed(wait),
            _ => None,
        }
    }
}

impl Creation {
    /// The channels on which a code goes out again when its message failed, in order, without those that do not reach the person.
    pub fn fallback_channels(&self) -> impl Iterator<Item = Channel> {
        // Who delivers the codes itself decides how.
        let channels = if self.external { &[][..] } else { &self.policy.fallback_channels };
        channels.iter().copied().filter(|channel| *channel != self.channel && self.actor.destination(*channel).is_some())
    }

    /// Digits of a code: the most that any channel on which it may go out demands.
    pub fn digits(&self) -> u32 {
        let own = self.policy.digits(self.channel);
        self.fallback_channels().map(|channel| self.policy.digits(channel)).fold(own, u32::max)
    }
}

impl Challenge {
    fn sending(&self, channel: Channel) -> Option<&Sending> {
        self.sendings.iter().find(|sending| sending.channel == channel)
    }

    /// Whether every other message with it failed.
    fn others_failed(&self, channel: Channel) -> bool {
        self.sendings.iter().all(|other| other.channel == channel || other.fate() == Some(Fate::Failed))
    }
}

impl Data {
    /// The fate of a code; `None` while one of its messages is on its way. Once the identification has ended, every code has one.
    pub fn fate(&self, challenge: &Challenge) -> Option<Fate> {
        if challenge.answered {
            return Some(Fate::Delivered);
        }
        let fates = challenge.sendings.iter().map(|sending| self.sending_fate(challenge, sending));
        let fates: Vec<Option<Fate>> = fates.collect();
        match fates.iter().flatten().max() {
            Some(Fate::Delivered) => Some(Fate::Delivered),
            _ if fates.contains(&None) => None,
            _ if fates.contains(&Some(Fate::Unknown)) => Some(Fate::Unknown),
            other => other.copied(),
        }
    }

    /// The fate of one message with a code; `None` while it is on its way.
    pub fn sending_fate(&self, challenge: &Challenge, sending: &Sending) -> Option<Fate> {
        match sending.fate() {
            // Nobody types a code that did not arrive, and this is the only way on which it can have come.
            None | Some(Fate::Unknown) if challenge.answered && challenge.others_failed(sending.channel) => Some(Fate::Delivered),
            // Reports are not taken any more.
            None if self.state.is_final() || self.deleted => Some(Fate::Unknown),
            known => known,
        }
    }

    /// The channel of a message; `None` in commands and events is the identification's own.
    fn channel_of(&self, channel: Option<Channel>) -> Channel {
        channel.unwrap_or(self.creation.channel)
    }

    /// As events name a channel: the identification's own goes without saying, as it did before there were others.
    pub(super) fn named(&self, channel: Option<Channel>) -> Option<Channel> {
        channel.filter(|channel| *channel != self.creation.channel)
    }

    pub(super) fn sending(&self, challenge: Uuid, channel: Option<Channel>) -> Option<&Sending> {
        let challenge = self.own.challenges.iter().find(|known| known.id == challenge)?;
        challenge.sending(self.channel_of(channel))
    }

    pub(super) fn sending_mut(&mut self, challenge: Uuid, channel: Option<Channel>) -> Option<&mut Sending> {
        let channel = self.channel_of(channel);
        let challenge = self.own.challenges.iter_mut().find(|known| known.id == challenge)?;
        challenge.sendings.iter_mut().find(|sending| sending.channel == channel)
    }

    pub(super) fn set_delivery(&mut self, challenge: Uuid, channel: Option<Channel>, delivery: Delivery) {
        if let Some(sending) = self.sending_mut(challenge, channel) {
            sending.delivery = delivery;
        }
    }

    /// Reports are folded only while they can still matter; a final state never changes.
    pub(super) fn awaits_delivery(&self, challenge: Uuid, channel: Option<Channel>) -> bool {
        let sending = self.sending(challenge, channel);
        !self.state.is_final() && sending.is_some_and(|sending| sending.delivery == Delivery::Pending)
    }

    /// What follows when a message with a code fails now: the code goes out on the next channel, if there is one and the code can still
    /// be of use.
    pub(super) fn reroute(&self, now: Timestamp, challenge: Uuid, failed: Option<Channel>) -> Option<Event> {
        let failed = self.channel_of(failed);
        let current = self.own.current().filter(|current| current.id == challenge)?;
        let newly = current.sending(failed).is_some_and(|sending| sending.fate().is_none_or(|fate| fate < Fate::Failed));
        let useful = !self.state.is_final() && self.own.has_open_code(now);
        if !(newly && useful && current.others_failed(failed)) {
            return None;
        }
        let channel = self.next_channel(current)?;
        Some(CodeEvent::Rerouted { challenge, channel }.into())
    }

    /// The channel on which a code goes out when all its messages have failed.
    pub fn next_channel(&self, challenge: &Challenge) -> Option<Channel> {
        let free = |channel: &Channel| challenge.sending(*channel).is_none() && self.may_go_to(challenge, *channel);
        self.creation.fallback_channels().find(free)
    }

    fn receipt_wait(&self) -> Duration {
        Duration::seconds(self.creation.policy.receipt_seconds.into())
    }

    /// Messages on which nobody has reported, with the moment from which nobody waits for that.
    fn unreported(&self) -> impl Iterator<Item = (Timestamp, &Challenge, &Sending)> {
        let sendings =
            self.own.challenges.iter().flat_map(|challenge| challenge.sendings.iter().map(move |one| (challenge, one)));
        sendings.filter_map(|(challenge, sending)| {
            let open = self.sending_fate(challenge, sending).is_none();
            let until = sending.reports_until(self.receipt_wait()).filter(|_| open)?;
            Some((until, challenge, sending))
        })
    }

    pub(super) fn fates_due(&self, now: Timestamp) -> Vec<CodeEvent> {
        let due = self.unreported().filter(|(until, ..)| *until <= now);
        let event = |challenge: &Challenge, sending: &Sending| CodeEvent::FateUnknown {
            challenge: challenge.id,
            channel: self.named(Some(sending.channel)),
        };
        due.map(|(_, challenge, sending)| event(challenge, sending)).collect()
    }

    pub(super) fn next_fate_due(&self) -> Option<Timestamp> {
        self.unreported().map(|(until, ..)| until).min()
    }

    /// Who got no code must not wait for another one. What became of an earlier code says nothing about it.
    pub(super) fn lift_wait(&mut self, at: Timestamp, challenge: Uuid) {
        let own = &mut self.own;
        if own.current().is_some_and(|current| current.id == challenge) {
            own.next_challenge_at = own.next_challenge_at.min(at);
        }
    }
}

impl OneTimeCode {
    /// The code goes out once more, on another channel; the wait for the next code begins anew.
    pub(super) fn reroute(&mut self, at: Timestamp, challenge: Uuid, channel: Channel, wait: Duration) {
        let current = self.current_mut().filter(|current| current.id == challenge);
        // One message for each channel, also for a journal that was tampered with.
        let Some(current) = current.filter(|current| current.sending(channel).is_none()) else { return };
        current.sendings.push(Sending::new(channel, at));
        self.next_challenge_at = at.checked_add_signed(wait).unwrap_or(Timestamp::MAX_UTC);
    }
}
