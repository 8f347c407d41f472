//! Files that were cut off twice: they are not tried a third time for a while.

use std::{
    collections::{HashMap, VecDeque},
    time::{Duration, Instant},
};

use super::File;

/// Failures after which a file is set aside.
pub const STRIKES: u32 = 2;

/// How long a failure counts. A machine that was too busy for a file is forgiven.
pub const FOR: Duration = Duration::from_secs(3600);

/// Files that are remembered; the oldest is forgotten for a new one.
const MAX_FILES: usize = 4096;

/// The files and their failures.
#[derive(Debug, Default)]
pub struct SetAside {
    files: HashMap<File, Failures>,
    /// In order of their first failures.
    order: VecDeque<File>,
}

#[derive(Debug)]
struct Failures {
    strikes: u32,
    since: Instant,
}

impl SetAside {
    /// Whether this file failed too often.
    pub fn is_set_aside(&self, file: &File, now: Instant) -> bool {
        self.files.get(file).is_some_and(|failures| failures.count(now))
    }

    /// Counts a failure.
    pub fn strike(&mut self, file: File, now: Instant) {
        self.forget(now);
        if let Some(known) = self.files.get_mut(&file) {
            known.strikes = known.strikes.saturating_add(1);
            return;
        }
        if self.order.len() >= MAX_FILES
            && let Some(oldest) = self.order.pop_front()
        {
            self.files.remove(&oldest);
        }
        self.files.insert(file, Failures { strikes: 1, since: now });
        self.order.push_back(file);
    }

    /// How many files are set aside.
    pub fn count(&self, now: Instant) -> usize {
        self.files.values().filter(|failures| failures.count(now)).count()
    }

    fn forget(&mut self, now: Instant) {
        while let Some(oldest) = self.order.front()
            && self.files.get(oldest).is_none_or(|failures| failures.since + FOR <= now)
        {
            self.files.remove(oldest);
            self.order.pop_front();
        }
    }
}

impl Failures {
    /// Whether they are enough, and recent enough.
    fn count(&self, now: Instant) -> bool {
        self.strikes >= STRIKES && self.since + FOR > now
    }
}

#[cfg(test)]
mod tests {
    use store::blobs::Digest;

    use super::{super::Work, *};

    fn file(bytes: &[u8]) -> File {
        File { digest: Digest::of(bytes), work: Work::Read }
    }

    #[test]
    fn a_file_that_failed_twice_is_set_aside_for_an_hour() {
        let (mut set_aside, now) = (SetAside::default(), Instant::now());
        let (poison, other) = (file(b"poison"), file(b"other"));
        set_aside.strike(poison, now);
        assert!(!set_aside.is_set_aside(&poison, now));
        let again = now + Duration::from_secs(60);
        set_aside.strike(poison, again);
        assert!(set_aside.is_set_aside(&poison, again) && !set_aside.is_set_aside(&other, again));
        assert_eq!(set_aside.count(again), 1);
        assert!(!set_aside.is_set_aside(&File { work: Work::Draw, ..poison }, again), "other work on it may go well");
        assert!(!set_aside.is_set_aside(&poison, now + FOR));
        set_aside.strike(poison, now + FOR);
        assert!(!set_aside.is_set_aside(&poison, now + FOR), "it starts afresh");
    }

    #[test]
    fn the_list_is_bounded_and_the_oldest_is_forgotten() {
        let (mut set_aside, now) = (SetAside::default(), Instant::now());
        let file = |number: usize| file(&number.to_le_bytes());
        for number in 0..=MAX_FILES {
            set_aside.strike(file(number), now);
            set_aside.strike(file(number), now);
        }
        assert_eq!((set_aside.files.len(), set_aside.order.len()), (MAX_FILES, MAX_FILES));
        assert!(!set_aside.is_set_aside(&file(0), now) && set_aside.is_set_aside(&file(MAX_FILES), now));
    }
}
