//! What a provider reports of a message after it took it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Data, OneTimeCode};
use crate::Timestamp;

/// Maximum number of receipts that are kept of one challenge: a provider sends four or five, whoever repeats them must not fill the journal.
pub const MAX_RECEIPTS: usize = 10;

/// What a receipt means, whatever its provider calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReceiptStatus {
    /// The provider has it and has not handed it on.
    Accepted,
    /// It is on its way.
    Sent,
    /// It is on the person's device.
    Delivered,
    /// The person opened it.
    Read,
    /// It will not arrive.
    Failed,
}

/// One report on one message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    pub at: Timestamp,
    pub status: ReceiptStatus,
    /// The provider's own word for it, for evidence.
    pub word: String,
}

impl Data {
    /// Whether a receipt says something new while it can still matter. It need not wait for the end of the attempt that sent
    /// the message: a provider may report before its answer has arrived.
    pub(super) fn takes_receipt(&self, challenge: Uuid, status: ReceiptStatus, word: &str) -> bool {
        let challenge = self.own.challenges.iter().find(|known| known.id == challenge);
        !self.state.is_final()
            && challenge.is_some_and(|challenge| {
                let repeated = challenge.receipts.last().is_some_and(|last| last.status == status && last.word == word);
                !repeated && challenge.receipts.len() < MAX_RECEIPTS
            })
    }
}

impl OneTimeCode {
    pub(super) fn add_receipt(&mut self, challenge: Uuid, receipt: Receipt) {
        let challenge = self.challenges.iter_mut().find(|known| known.id == challenge);
        // The bound holds for a journal that was tampered with too.
        if let Some(challenge) = challenge.filter(|challenge| challenge.receipts.len() < MAX_RECEIPTS) {
            challenge.receipts.push(receipt);
        }
    }
}
