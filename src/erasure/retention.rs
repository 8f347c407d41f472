//! Retention: what ended long enough ago is erased, kind by kind and organization by organization, at a bounded rate.
//!
//! A pass goes through the listings from the newest process that may be over its time to the oldest one. What is erased leaves its listing,
//! so a pass looks again only at what goes on for longer than its time, or is kept by a hold. Where a pass is cut off the next one begins anew.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use actors::Clock;
use chrono::{TimeDelta, Utc};
use store::{Cursor, Store, Timestamp};
use uuid::Uuid;
use workflows::values::CalendarDuration;

use super::{Eraser, Error, Kind, Metrics, Order, Target, metrics};

/// Processes that are looked at at once.
const PAGE: usize = 100;

/// Listings whose names are read at once.
const LISTINGS: usize = 500;

/// By how much years and months differ at most, by where in the calendar they begin.
const CALENDAR: TimeDelta = TimeDelta::days(5);

/// Who erases, in the journals.
const BY: &str = "retention";

/// How long after their end processes are kept; what is not named is kept for ever.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Periods {
    all: BTreeMap<Kind, CalendarDuration>,
    /// Of organizations that have one of their own; `None`: for ever.
    own: BTreeMap<(String, Kind), Option<CalendarDuration>>,
}

impl Periods {
    /// For organizations that say nothing themselves.
    pub fn keep(&mut self, kind: Kind, period: CalendarDuration) {
        self.all.insert(kind, period);
    }

    /// For one organization; `None`: for ever.
    pub fn keep_for(&mut self, organization: &str, kind: Kind, period: Option<CalendarDuration>) {
        self.own.insert((organization.to_owned(), kind), period);
    }

    /// How long those of an organization are kept; `None`: for ever.
    pub fn of(&self, organization: &str, kind: Kind) -> Option<&CalendarDuration> {
        match self.own.get(&(organization.to_owned(), kind)) {
            Some(own) => own.as_ref(),
            None => self.all.get(&kind),
        }
    }

    /// Whether everything is kept for ever.
    pub fn is_off(&self) -> bool {
        self.all.is_empty() && self.own.values().all(Option::is_none)
    }
}

/// How a pass went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Passed {
    /// Processes that were erased, without those that belonged to them.
    pub erased: u64,
    /// Those whose time was over and that could not be erased now.
    pub left: u64,
}

/// Erases what is over its time. Cheap to clone.
#[derive(Clone)]
pub struct Retention {
    pub store: Arc<dyn Store>,
    pub eraser: Eraser,
    pub periods: Arc<Periods>,
    /// Pause after each process: with it the rate is bounded.
    pub pause: Duration,
    /// Process time, by which processes end.
    pub clock: Clock,
    pub metrics: Metrics,
}

impl Retention {
    /// One pass over everything. What it could not do the next one does.
    ///
    /// # Errors
    /// If the listings cannot be read.
    pub async fn pass(&self) -> Result<Passed, store::Error> {
        let mut passed = Passed::default();
        // Those that others belong to come first, so that these are not looked at in vain.
        for kind in Kind::ALL {
            for organization in self.organizations(kind).await? {
                if let Some(period) = self.periods.of(&organization, kind) {
                    self.pass_over(&organization, kind, period, &mut passed).await?;
                }
            }
        }
        Ok(passed)
    }

    /// Organizations that have processes of a kind.
    async fn organizations(&self, kind: Kind) -> Result<Vec<String>, store::Error> {
        let mut organizations = Vec::new();
        let mut after: Option<(String, String)> = None;
        loop {
            let last = after.as_ref().map(|(organization, kind)| (organization.as_str(), kind.as_str()));
            let page = self.store.listings(last, LISTINGS).await?;
            let is_end = page.len() < LISTINGS;
            after = page.last().cloned();
            organizations.extend(page.into_iter().filter(|(_, name)| name == kind.name()).map(|(organization, _)| organization));
            if is_end {
                return Ok(organizations);
            }
        }
    }

    async fn pass_over(
        &self,
        organization: &str,
        kind: Kind,
        period: &CalendarDuration,
        passed: &mut Passed,
    ) -> Result<(), store::Error> {
        let now = self.clock.now();
        let mut after = Some(Cursor { at: newest(now, period), id: Uuid::max() });
        while let Some(cursor) = after {
            let page = self.store.list(organization, kind.name(), Some(&cursor), PAGE).await?;
            let ids: Vec<Uuid> = page.items.iter().map(|listed| listed.entity.id).collect();
            for id in self.eraser.over(organization, kind, &ids, |ended| period.after(ended) <= now).await {
                self.erase(organization, Target::new(kind, id), passed).await;
                tokio::time::sleep(self.pause).await;
            }
            after = page.next;
        }
        Ok(())
    }

    async fn erase(&self, organization: &str, target: Target, passed: &mut Passed) {
        let order = Order { by: BY, reason: "its retention time is over", wall_clock: Utc::now() };
        let result = self.eraser.erase(organization, target, order).await;
        self.metrics.count(target.kind, &result);
        let (kind, process, outcome) = (target.kind.name(), target.id, metrics::outcome(&result));
        match result {
            Ok(erased) if erased.in_clear > 0 => {
                passed.erased += 1;
                let entries = erased.in_clear;
                tracing::warn!(
                    kind, %process, outcome, entries,
                    "erased a process of which entries were written before journals were sealed; these stand in the store in clear"
                );
            }
            Ok(_) => {
                passed.erased += 1;
                tracing::debug!(kind, %process, outcome, "erased a process whose time was over");
            }
            // Without the words of a hold, which are not for the log.
            Err(Error::Held(_) | Error::UnderWay(_) | Error::BelongsTo(_) | Error::NotFound) => {
                passed.left += 1;
                tracing::debug!(kind, %process, outcome, "a process whose time is over stays for now");
            }
            Err(error) => {
                passed.left += 1;
                tracing::warn!(kind, %process, outcome, %error, "a process whose time is over could not be erased; it is tried again");
            }
        }
    }
}

/// What was created later than this cannot have ended for so long.
fn newest(now: Timestamp, period: &CalendarDuration) -> Timestamp {
    let length = period.after(now) - now - CALENDAR;
    now.checked_sub_signed(length.max(TimeDelta::zero())).unwrap_or(Timestamp::MIN_UTC)
}
