//! What was read of organizations a moment ago: what each request goes by, and reading it would take as long as all the rest.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

/// Maximum number of organizations.
const MAX_ORGANIZATIONS: usize = 1024;

/// One value for each organization. A change by whoever holds this is seen at once; that of another server when the time is over.
pub(super) struct Remembered<T> {
    lasts: Duration,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    /// Counts changes: what was read before one is not kept after it.
    changes: u64,
    by_organization: HashMap<String, (Instant, T)>,
}

/// While it lives a value may be changing; what was read of it meanwhile is forgotten with it.
pub(super) struct Changing<'a, T> {
    remembered: &'a Remembered<T>,
    organization: &'a str,
}

impl<T: Clone> Remembered<T> {
    /// For so long what was read is taken for what is stored.
    pub fn new(lasts: Duration) -> Self {
        Self { lasts, inner: Mutex::new(Inner { changes: 0, by_organization: HashMap::new() }) }
    }

    /// The value, or the number of changes so far, which [`Remembered::keep`] wants to know.
    pub fn find(&self, organization: &str, now: Instant) -> Result<T, u64> {
        let inner = self.inner.lock();
        match inner.by_organization.get(organization) {
            Some((at, value)) if now.duration_since(*at) < self.lasts => Ok(value.clone()),
            _ => Err(inner.changes),
        }
    }

    /// Keeps what was read since there were that many changes.
    pub fn keep(&self, organization: &str, value: &T, changes: u64, now: Instant) {
        let mut inner = self.inner.lock();
        if inner.changes != changes {
            return;
        }
        if inner.by_organization.len() >= MAX_ORGANIZATIONS && !inner.by_organization.contains_key(organization) {
            // Rare enough that starting over is cheaper than keeping an order of use.
            inner.by_organization.clear();
        }
        inner.by_organization.insert(organization.to_owned(), (now, value.clone()));
    }

    /// To be held while a value is written, however that ends.
    pub fn changing<'a>(&'a self, organization: &'a str) -> Changing<'a, T> {
        Changing { remembered: self, organization }
    }
}

impl<T> Drop for Changing<'_, T> {
    fn drop(&mut self) {
        let mut inner = self.remembered.inner.lock();
        inner.changes += 1;
        inner.by_organization.remove(self.organization);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LASTS: Duration = Duration::from_secs(1);

    #[test]
    fn it_lasts_a_moment_and_what_was_read_before_a_change_is_not_kept_after_it() {
        let (remembered, now) = (Remembered::new(LASTS), Instant::now());
        let Err(changes) = remembered.find("acme", now) else { panic!("nothing was kept") };
        remembered.keep("acme", &1, changes, now);
        assert!(remembered.find("acme", now).is_ok() && remembered.find("other", now).is_err());
        assert!(remembered.find("acme", now + LASTS).is_err());

        drop(remembered.changing("acme"));
        assert!(remembered.find("acme", now).is_err());
        remembered.keep("acme", &1, changes, now);
        assert!(remembered.find("acme", now).is_err(), "it was read before the change");
    }

    #[test]
    fn there_are_so_many_at_most() {
        let (remembered, now) = (Remembered::new(LASTS), Instant::now());
        for number in 0..=MAX_ORGANIZATIONS {
            remembered.keep(&number.to_string(), &number, 0, now);
        }
        assert_eq!(remembered.inner.lock().by_organization.len(), 1);
    }
}
