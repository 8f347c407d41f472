//! Coming back to an identification that is VALIDATED: with a key that the person's page kept, or by another code.
//!
//! The token that follows a right code lives for minutes, and a page may be reloaded, or go on with another device, after that. So the page
//! may leave the digest of a key of its own with a code: whoever has the key had the code as well. Who has none proves again, by a fresh code
//! of those that are left; the identification stays VALIDATED whatever is typed. A link alone never gives a token.

use std::fmt;

use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::code::is_same;
use super::{CodeEvent, Data, Event, MAX_FAILURES, OneTimeCode, Otp, WRONG_ANSWER, wrong_state};
use crate::{Decision, IdentificationState, Refusal, Timestamp};

/// Maximum number of keys of one identification: a phone and a computer or two. The oldest makes room.
pub const MAX_RESUME_KEYS: usize = 4;

/// SHA-256 of a page's key of 32 random bytes, in lower-case hex. The key itself never leaves the page but to be proved.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ResumeHash(String);

impl ResumeHash {
    /// Of the digest's 32 bytes.
    pub fn new(digest: &[u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Compares in constant time.
    fn is(&self, other: &Self) -> bool {
        is_same(&self.0, &other.0)
    }
}

impl fmt::Debug for ResumeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResumeHash(..)")
    }
}

/// A key that a page kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    pub hash: ResumeHash,
    pub at: Timestamp,
}

/// The state does not allow to prove again: too much was tried.
const TOO_MANY: &str = "VALIDATED, and too many answers were wrong to prove it again";

/// Whether one of the keys that were kept is this one, of those that work for `lifetime` after they were kept.
pub(in crate::identification) fn knows(kept: &[Resume], now: Timestamp, key: &ResumeHash, lifetime: Duration) -> bool {
    let is_good = |kept: &Resume| kept.at.checked_add_signed(lifetime).is_none_or(|until| now < until);
    // All are compared whatever the first says.
    kept.iter().fold(false, |known, kept| known | (kept.hash.is(key) & is_good(kept)))
}

impl OneTimeCode {
    pub(super) fn keep(&mut self, at: Timestamp, hash: ResumeHash) {
        if self.resume.len() >= MAX_RESUME_KEYS {
            self.resume.remove(0);
        }
        self.resume.push(Resume { hash, at });
    }
}

impl Data {
    /// Whether a page with this key need not prove again, of keys that work for `lifetime` after they were kept. Not once the identification
    /// ended otherwise than by its use.
    pub fn resumes(&self, now: Timestamp, key: &ResumeHash, lifetime: Duration) -> bool {
        let usable = matches!(self.state, IdentificationState::Validated | IdentificationState::Succeeded) && !self.deleted;
        usable & knows(&self.own.resume, now, key, lifetime)
    }

    /// Whether the code of a challenge still has to reach its person: it is the current one, and nobody has given it.
    pub fn is_code_wanted(&self, challenge: uuid::Uuid) -> bool {
        let current = self.own.current().filter(|current| current.id == challenge);
        match self.state {
            IdentificationState::Created => current.is_some(),
            IdentificationState::Validated => current.is_some_and(|current| !current.answered),
            _ => false,
        }
    }

    /// Whether nothing more may be tried on an identification that is VALIDATED.
    pub(super) fn is_closed_to_proofs(&self) -> bool {
        self.state == IdentificationState::Validated && self.own.failures >= self.creation.policy.failures.min(MAX_FAILURES)
    }

    pub(super) fn refuse_unless(&self, wanted: IdentificationState) -> Result<(), Refusal> {
        if self.state != wanted {
            return Err(wrong_state(self.state.name()));
        }
        if self.is_closed_to_proofs() { Err(wrong_state(TOO_MANY)) } else { Ok(()) }
    }

    /// A wrong code or second factor. One that is VALIDATED stays so: who proves again had proved it before.
    pub(super) fn count_failure(&self, now: Timestamp, at_challenge: bool) -> Decision<Otp> {
        let policy = &self.creation.policy;
        let mut after = self.own.clone();
        after.count_wrong_answer(at_challenge);
        let mut events = vec![CodeEvent::WrongAnswer { at_challenge }.into()];
        if self.state == IdentificationState::Created {
            if after.failures >= policy.failures.min(MAX_FAILURES) {
                events.push(Event::Failed { reason: "too many wrong answers".into() });
            } else if after.remaining_challenges(policy) == 0 && !after.has_open_code(now) {
                events.push(Event::Failed { reason: "the last try of the last code was wrong".into() });
            }
        }
        Decision::refuse_recording(WRONG_ANSWER, events)
    }
}
