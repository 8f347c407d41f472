//! Which choice holds (contract note late-capture), and what is refused.

use std::collections::BTreeSet;

use chrono::{Days, NaiveTime};

use super::{
    Capture, Captured, Choice, CustomerConsents, DELETED_SINCE, ERASING, Event, Held, Late, MAX_AHEAD, MAX_HELD, MAX_ID_BYTES,
    MAX_SELECTIONS, Statements,
};
use crate::{Decision, Refusal, Timestamp};

impl CustomerConsents {
    pub(super) fn decide_capture(&self, now: Timestamp, capture: Capture) -> Decision<Self> {
        let Capture { mut captured, captures_per_day } = capture;
        if captured.display.as_ref().is_some_and(|display| display.revision < self.barrier()) {
            return Decision::refuse(DELETED_SINCE);
        }
        if self.repeats(&captured.digest) {
            return Decision::nothing();
        }
        if self.is_erasing() {
            // An erasure that is under way would take this along.
            return Decision::refuse(Refusal::Busy {
                what: "the deleted consents of this customer are being erased",
                wait: ERASING,
            });
        }
        if let Err(sentence) = captured.check(now).and_then(|()| self.check_room(&captured)) {
            return Decision::refuse(Refusal::Invalid(sentence));
        }
        if self.captures_on(now.date_naive()) >= captures_per_day {
            return Decision::refuse(Refusal::Busy { what: "too many captures of this customer today", wait: rest_of_day(now) });
        }
        captured.captured_at = captured.captured_at.min(now);
        let is_over = |barrier_at| captured.display.is_none() && captured.captured_at <= barrier_at;
        let event = if self.barrier_at().is_some_and(is_over) { Event::Recorded } else { Event::Captured };
        Decision::accept([event(Box::new(captured))])
    }

    /// Whether the state has room for what is selected.
    fn check_room(&self, captured: &Captured) -> Result<(), &'static str> {
        let new: Vec<&str> =
            captured.selections.iter().map(|selected| selected.id.as_str()).filter(|id| !self.held.contains_key(*id)).collect();
        let bytes = self.held.keys().map(String::len).sum::<usize>() + new.iter().map(|id| id.len()).sum::<usize>();
        let fits = new.is_empty() || (self.held.len() + new.len() <= MAX_HELD && bytes <= MAX_ID_BYTES);
        if fits {
            Ok(())
        } else {
            Err("the customer has answered too many different consents; delete the customer's consents first")
        }
    }

    /// Lets the selections hold that are not older than what holds.
    pub(super) fn take(&mut self, captured: &Captured) {
        let revision = self.revision();
        for selected in &captured.selections {
            // The revision is greater than any that is held: at equal dates the later arrival holds.
            let is_late = self.held.get(&selected.id).is_some_and(|held| captured.captured_at < held.captured_at);
            if is_late && captured.late == Late::Merge {
                continue;
            }
            let held = Held {
                choice: selected.choice,
                consent_type: selected.consent_type,
                captured_at: captured.captured_at,
                revision,
                expires_at: selected.expires_at,
                announced: false,
                foretold: false,
            };
            self.held.insert(selected.id.clone(), held);
        }
    }
}

impl Captured {
    /// What no capture may be, whatever is held.
    fn check(&self, now: Timestamp) -> Result<(), &'static str> {
        if self.captured_at - now > MAX_AHEAD {
            return Err("capture_date is more than 5 minutes ahead");
        }
        if self.selections.is_empty() || self.selections.len() > MAX_SELECTIONS {
            return Err("expected 1 to 256 selections");
        }
        let ids: BTreeSet<&str> = self.selections.iter().map(|selected| selected.id.as_str()).collect();
        if ids.len() < self.selections.len() {
            return Err("a consent is selected twice");
        }
        let displayed = match self.display.as_ref().map(|display| &display.statements) {
            Some(Statements::Only(ids)) => ids.as_slice(),
            _ => &[],
        };
        if displayed.len() > MAX_SELECTIONS
            || ids.iter().copied().chain(displayed.iter().map(String::as_str)).map(str::len).sum::<usize>() > MAX_ID_BYTES
        {
            return Err("the ids of the consents are too long together; capture fewer at once");
        }
        for selected in &self.selections {
            if selected.choice == Choice::Pending && selected.consent_type.is_opt_out() {
                return Err("choice 1 (pending) is for OPT_IN consents only");
            }
            if selected.expires_at.is_some() && (selected.choice != Choice::Accepted || selected.consent_type.is_opt_out()) {
                return Err("only an accepted OPT_IN consent expires");
            }
        }
        Ok(())
    }
}

/// How long it is until the next day begins, in UTC.
fn rest_of_day(now: Timestamp) -> chrono::Duration {
    let next = now.date_naive().checked_add_days(Days::new(1)).map(|day| day.and_time(NaiveTime::MIN).and_utc());
    next.map_or(chrono::Duration::days(1), |next| next - now)
}
