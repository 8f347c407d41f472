//! Memory for what strangers send and fetch: taken as bytes move, and shared fairly.
//!
//! Whoever has a share may hold as much as is left free. So one alone may hold half of the room, two a third each, and there is always room
//! for the next one, whatever the others do (Choudhury and Hahne, "Dynamic queue length thresholds", 1998).

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

/// A room in memory; a cheap handle.
#[derive(Clone, Debug)]
pub struct Room(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    free: u64,
    held: HashMap<Arc<str>, u64>,
}

/// There is no room for more at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no memory left for it at the moment")]
pub struct Full;

/// What somebody holds of a room, until it is dropped.
#[derive(Debug)]
pub struct Share {
    room: Room,
    /// In whose name, and which part of what is free that one may hold.
    names: Vec<(Arc<str>, u64)>,
    bytes: u64,
}

impl Room {
    /// A room of so many bytes.
    pub fn new(bytes: u64) -> Self {
        Self(Arc::new(Mutex::new(Inner { free: bytes, held: HashMap::new() })))
    }

    /// A share in somebody's name. It holds nothing yet.
    pub fn share(&self, name: &str) -> Share {
        Share { room: self.clone(), names: vec![(name.into(), 1)], bytes: 0 }
    }

    /// Bytes that nobody holds.
    pub fn free(&self) -> u64 {
        self.0.lock().free
    }
}

impl Share {
    /// The same share in another name as well, which may hold only such a part of what is free.
    #[must_use]
    pub fn also(mut self, name: &str, part: u64) -> Self {
        assert!(self.bytes == 0 && part > 0, "a share is named before it is used");
        self.names.push((name.into(), part));
        self
    }

    /// Takes so many bytes more.
    ///
    /// # Errors
    /// [`Full`]; it holds what it held.
    pub fn take(&mut self, bytes: u64) -> Result<(), Full> {
        let mut inner = self.room.0.lock();
        let free = inner.free.checked_sub(bytes).ok_or(Full)?;
        for (name, part) in &self.names {
            let held = inner.held.get(name).copied().unwrap_or(0);
            if (held + bytes).saturating_mul(*part) > free {
                return Err(Full);
            }
        }
        inner.free = free;
        for (name, _) in &self.names {
            *inner.held.entry(name.clone()).or_insert(0) += bytes;
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Gives so many bytes back, at most what it holds.
    pub fn give_back(&mut self, bytes: u64) {
        let bytes = bytes.min(self.bytes);
        let mut inner = self.room.0.lock();
        inner.free += bytes;
        for (name, _) in &self.names {
            if let Some(held) = inner.held.get_mut(name) {
                *held -= bytes;
                if *held == 0 {
                    inner.held.remove(name);
                }
            }
        }
        self.bytes -= bytes;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_may_hold_half_and_leaves_room_for_others() {
        let room = Room::new(1200);
        let mut acme = room.share("acme");
        assert_eq!(acme.take(600), Ok(()));
        assert_eq!(acme.take(1), Err(Full));
        assert_eq!(room.share("acme").take(1), Err(Full), "another share in the same name is the same");
        let mut other = room.share("other");
        assert_eq!(other.take(300), Ok(()));
        assert_eq!(room.share("third").take(150), Ok(()));
        drop(acme);
        assert_eq!(other.take(300), Ok(()));
        drop(other);
        assert_eq!(room.free(), 1200);
        assert!(room.0.lock().held.is_empty());
    }

    #[test]
    fn whoever_comes_after_many_finds_room() {
        let room = Room::new(1 << 20);
        let mut hogs: Vec<_> = (0..9).map(|hog| room.share(&format!("hog {hog}"))).collect();
        for hog in &mut hogs {
            while hog.take(1024).is_ok() {}
        }
        assert_eq!(room.share("new").take(1024), Ok(()));
    }

    #[test]
    fn a_second_name_bounds_a_part() {
        let room = Room::new(1000);
        let share = |link: &str| room.share("acme").also(link, 4);
        let mut links: Vec<_> = ["a", "b"].map(share).into();
        assert_eq!(links[0].take(200), Ok(()));
        assert_eq!(links[0].take(1), Err(Full));
        assert_eq!(links[1].take(160), Ok(()));
        assert_eq!(links[1].take(1), Err(Full));
    }

    #[test]
    fn what_is_refused_takes_nothing() {
        let room = Room::new(10);
        let mut share = room.share("acme");
        assert_eq!(share.take(u64::MAX), Err(Full));
        assert_eq!(share.take(4), Ok(()));
        assert_eq!(share.take(u64::MAX), Err(Full));
        share.give_back(100);
        assert_eq!(room.free(), 10);
    }
}
