//! Versions that callers know, MAJOR.MINOR: who uses a major keeps what it relies on while minors come and go, and moves to the next
//! one when it likes.
//!
//! Versions come to be in order and only the last can go, so those that are there have no gaps, and a number that is missing below
//! one that was ever given was deleted (x-notes deleted-others). The number of a deleted version is given again.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Maximum number of versions of one item. With what each [`Editions`] holds of a version, they stay within one record.
pub const MAX_EDITIONS: usize = 2000;

/// The number of a version: `2.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Number {
    /// From 1.
    pub major: u32,
    /// From 0.
    pub minor: u32,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// Why a version cannot be found, made or deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// There never was one with this number.
    #[error("there is no such version")]
    NotFound,
    /// It was deleted, and none has its number now.
    #[error("the version was deleted")]
    Gone,
    /// A later major is there.
    #[error("only the latest major version can be deleted, and that is {0}")]
    NotLatest(u32),
    /// It is the first of its major, which goes with its major only.
    #[error("{0} is the base of its major version; delete the major version instead")]
    Base(Number),
    /// There are [`MAX_EDITIONS`].
    #[error("there are {MAX_EDITIONS} versions, which is the maximum; delete the latest ones first")]
    Full,
}

/// The versions of an item. `V` is small: the name of the record that has the content, not the content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Editions<V> {
    majors: Vec<Major<V>>,
    /// The highest major that there ever was.
    made: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Major<V> {
    minors: Vec<V>,
    /// How many minors there ever were.
    made: u32,
}

impl<V> Editions<V> {
    /// Version 1.0.
    pub fn new(first: V) -> Self {
        Self { majors: vec![Major { minors: vec![first], made: 1 }], made: 1 }
    }

    /// Whether the last version is deleted: then the item is.
    pub fn is_empty(&self) -> bool {
        self.majors.is_empty()
    }

    /// The latest major, and its latest minor. `None`: see [`Editions::is_empty`].
    pub fn highest(&self) -> Option<(Number, &V)> {
        self.latest(self.majors.len() as u32).ok()
    }

    /// The latest minor of a major.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Gone`].
    pub fn latest(&self, major: u32) -> Result<(Number, &V), Refused> {
        self.minors(major)?.next().ok_or(Refused::Gone)
    }

    /// All minors of a major, newest first.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Gone`].
    pub fn minors(&self, major: u32) -> Result<impl Iterator<Item = (Number, &V)>, Refused> {
        let minors = &self.majors[self.place(major)?].minors;
        let numbered = minors.iter().enumerate().rev();
        Ok(numbered.map(move |(minor, version)| (Number { major, minor: minor as u32 }, version)))
    }

    /// One version.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Gone`].
    pub fn get(&self, number: Number) -> Result<&V, Refused> {
        let Major { minors, made } = &self.majors[self.place(number.major)?];
        minors.get(number.minor as usize).ok_or(if number.minor < *made { Refused::Gone } else { Refused::NotFound })
    }

    /// The numbers of the majors, in order.
    pub fn majors(&self) -> impl Iterator<Item = u32> + use<V> {
        1..=self.majors.len() as u32
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = &V> {
        self.majors.iter().flat_map(|major| &major.minors)
    }

    /// Adds the next major, with minor 0.
    ///
    /// # Errors
    /// [`Refused::Full`].
    pub fn add_major(&mut self, version: V) -> Result<Number, Refused> {
        self.has_room()?;
        self.majors.push(Major { minors: vec![version], made: 1 });
        let major = self.majors.len() as u32;
        self.made = self.made.max(major);
        Ok(Number { major, minor: 0 })
    }

    /// Adds the next minor of a major, which may be an older one.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Gone`], [`Refused::Full`].
    pub fn add_minor(&mut self, major: u32, version: V) -> Result<Number, Refused> {
        let place = self.place(major)?;
        self.has_room()?;
        let Major { minors, made } = &mut self.majors[place];
        minors.push(version);
        *made = (*made).max(minors.len() as u32);
        Ok(Number { major, minor: minors.len() as u32 - 1 })
    }

    /// Deletes a major, the latest, with all its minors.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Gone`], [`Refused::NotLatest`].
    pub fn delete_major(&mut self, major: u32) -> Result<(), Refused> {
        let latest = self.majors.len();
        if self.place(major)? + 1 != latest {
            return Err(Refused::NotLatest(latest as u32));
        }
        self.majors.truncate(latest - 1);
        Ok(())
    }

    /// Deletes the latest minor of a major and answers its number.
    ///
    /// # Errors
    /// [`Refused::NotFound`], [`Refused::Gone`], [`Refused::Base`].
    pub fn delete_minor(&mut self, major: u32) -> Result<Number, Refused> {
        let place = self.place(major)?;
        let minors = &mut self.majors[place].minors;
        let number = Number { major, minor: minors.len().saturating_sub(1) as u32 };
        if number.minor == 0 {
            return Err(Refused::Base(number));
        }
        minors.truncate(minors.len() - 1);
        Ok(number)
    }

    fn place(&self, major: u32) -> Result<usize, Refused> {
        match (major as usize).checked_sub(1) {
            Some(place) if place < self.majors.len() => Ok(place),
            Some(_) if major <= self.made => Err(Refused::Gone),
            _ => Err(Refused::NotFound),
        }
    }

    fn has_room(&self) -> Result<(), Refused> {
        let count: usize = self.majors.iter().map(|major| major.minors.len()).sum();
        if count < MAX_EDITIONS { Ok(()) } else { Err(Refused::Full) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(major: u32, minor: u32) -> Number {
        Number { major, minor }
    }

    /// 1.0, 1.1, 1.2, 2.0
    fn editions() -> Editions<&'static str> {
        let mut editions = Editions::new("a");
        assert_eq!(editions.add_minor(1, "b"), Ok(number(1, 1)));
        assert_eq!(editions.add_major("c"), Ok(number(2, 0)));
        assert_eq!(editions.add_minor(1, "d"), Ok(number(1, 2)), "an older major has minors, too");
        editions
    }

    #[test]
    fn a_major_gives_its_latest_minor_and_all_of_them_newest_first() {
        let editions = editions();
        assert_eq!(editions.latest(1), Ok((number(1, 2), &"d")));
        assert_eq!(editions.highest(), Some((number(2, 0), &"c")));
        let minors: Vec<_> = editions.minors(1).unwrap().map(|(number, version)| format!("{number} {version}")).collect();
        assert_eq!(minors, ["1.2 d", "1.1 b", "1.0 a"]);
        assert_eq!(editions.get(number(1, 1)), Ok(&"b"));
        assert_eq!(editions.iter().copied().collect::<String>(), "abdc");
    }

    #[test]
    fn what_never_was_is_not_found_and_what_was_deleted_is_gone_until_it_is_made_again() {
        let mut editions = editions();
        for unknown in [number(0, 0), number(1, 3), number(3, 0)] {
            assert_eq!(editions.get(unknown), Err(Refused::NotFound), "{unknown}");
        }
        assert_eq!(editions.delete_minor(1), Ok(number(1, 2)));
        assert_eq!(editions.delete_major(2), Ok(()));
        assert_eq!(editions.get(number(1, 2)), Err(Refused::Gone));
        assert_eq!(editions.get(number(2, 0)), Err(Refused::Gone));
        assert_eq!(editions.add_minor(2, "x"), Err(Refused::Gone));

        assert_eq!(editions.add_minor(1, "e"), Ok(number(1, 2)));
        assert_eq!(editions.add_major("f"), Ok(number(2, 0)));
        assert_eq!((editions.get(number(1, 2)), editions.get(number(2, 0))), (Ok(&"e"), Ok(&"f")));
    }

    #[test]
    fn only_the_last_can_go_and_the_base_of_a_major_with_it_alone() {
        let mut editions = editions();
        assert_eq!(editions.delete_major(1), Err(Refused::NotLatest(2)));
        assert_eq!(editions.delete_minor(2), Err(Refused::Base(number(2, 0))));
        assert_eq!(editions.delete_minor(3), Err(Refused::NotFound));
        editions.delete_major(2).unwrap();
        assert!(!editions.is_empty());
        editions.delete_major(1).unwrap();
        assert!(editions.is_empty() && editions.highest().is_none());
        assert_eq!(editions.delete_major(1), Err(Refused::Gone));
        assert_eq!(editions.add_major("again"), Ok(number(1, 0)));
    }

    #[test]
    fn their_number_is_bounded_so_that_all_fit_into_one_record() {
        let mut editions = Editions::new(uuid::Uuid::max());
        while editions.add_minor(1, uuid::Uuid::max()).is_ok() {}
        assert_eq!(editions.add_major(uuid::Uuid::max()), Err(Refused::Full));
        assert_eq!(editions.minors(1).unwrap().count(), MAX_EDITIONS);
        assert!(serde_json::to_vec(&editions).unwrap().len() < store::MAX_BODY / 2);
        editions.delete_minor(1).unwrap();
        assert!(editions.add_major(uuid::Uuid::max()).is_ok());
    }
}
