//! What a provider reports of a message after it took it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Data, Fate};
use crate::{Channel, Timestamp};

/// Maximum number of receipts that are kept of one message: a provider sends four or five, whoever repeats them must not fill the journal.
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
    pub(super) fn takes_receipt(&self, challenge: Uuid, channel: Option<Channel>, status: ReceiptStatus, word: &str) -> bool {
        !self.state.is_final()
            && self.sending(challenge, channel).is_some_and(|sending| {
                let repeated = sending.receipts.last().is_some_and(|last| last.status == status && last.word == word);
                !repeated && sending.receipts.len() < MAX_RECEIPTS
            })
    }

    pub(super) fn add_receipt(&mut self, challenge: Uuid, channel: Option<Channel>, receipt: Receipt) {
        let Receipt { at, status, .. } = receipt;
        // The bound holds for a journal that was tampered with too.
        let sending = self.sending_mut(challenge, channel).filter(|sending| sending.receipts.len() < MAX_RECEIPTS);
        let Some(sending) = sending else { return };
        let before = sending.fate();
        sending.receipts.push(receipt);
        if status == ReceiptStatus::Failed && before != Some(Fate::Failed) && sending.fate() == Some(Fate::Failed) {
            self.lift_wait(at, challenge);
        }
    }
}
