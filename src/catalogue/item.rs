//! One item of a catalogue, whatever its kind: versions with their history, a changelog, deletion after which the record stays, listings,
//! and a deletion that waits for nobody and still never takes away what another item uses.
//!
//! A kind is a type with the name of its collection ([`Kind`]); what may become of its items is decided by whoever owns the kind, here is how
//! it is recorded. Nothing here knows HTTP or what a value means.

mod record;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::marker::PhantomData;

use futures::future::try_join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::{RecordKey, Timestamp};

use super::holders::{Held, Holders};
use crate::records::{self, ATTEMPTS, Page, Records, Versioned};

pub use record::{Change, Item, Refused, State};

/// Where it is recorded which items use which.
const IN_USE: &str = "in_use";

/// Items that are read at once where all of a kind are looked through.
const BATCH: usize = 128;

/// Items of a page that are read at once.
const AT_ONCE: usize = 16;

/// Maximum size of a page, in bytes by [`Kind::weight`], whatever number of items was asked for.
const MAX_PAGE: usize = 16 * 1024 * 1024;

/// What an item adds to its weight.
const ITEM_WEIGHT: usize = 512;

/// A kind of item: what its records hold.
///
/// Its members are kept beside those of the record itself, so none is called `state`, `at`, `created_at` or `change`.
pub trait Kind: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The collection of the store that its records are in; part of the stored data.
    const COLLECTION: &'static str;

    /// Whether the key of a deleted item can be given to a new one. Names are free again, identifiers never.
    const KEY_IS_FREED: bool;

    /// Bytes that it takes in a listing beyond a few lines, about.
    fn weight(&self) -> usize {
        0
    }
}

/// When something is done, and who does it.
#[derive(Clone, Copy, Debug)]
pub struct Act<'a> {
    /// The instant.
    pub at: Timestamp,
    /// The subject of the caller's token; `None` where the server does it by itself.
    pub by: Option<&'a str>,
    /// The reason, where one was asked for; it comes behind what was done.
    pub why: Option<&'a str>,
}

impl From<Timestamp> for Act<'_> {
    fn from(at: Timestamp) -> Self {
        Self { at, by: None, why: None }
    }
}

/// One version of an item, as it was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T> {
    /// 1 for the first; grows with each change.
    pub version: u64,
    /// When this version was written.
    pub at: Timestamp,
    /// What it says.
    pub item: Item<T>,
}

impl<T> Found<T> {
    /// When the item was made: after its deletion a key can be that of another item.
    pub fn created_at(&self) -> Timestamp {
        self.item.created_at.unwrap_or(self.at)
    }
}

impl<T> From<Versioned<Item<T>>> for Found<T> {
    fn from(read: Versioned<Item<T>>) -> Self {
        // Records of older versions do not all say when the item was made; then it is when this version was.
        let created_at = read.value.created_at.or(Some(read.at));
        Self { version: read.version, at: read.at, item: Item { created_at, ..read.value } }
    }
}

/// A page by its number, as a person turns pages.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbered<T> {
    /// How many items there are on all pages.
    pub total: usize,
    /// Those of this page, with their keys.
    pub items: Vec<(String, Found<T>)>,
}

/// A line of a changelog.
#[derive(Clone, Debug, PartialEq)]
pub struct Logged {
    /// The version that the change led to.
    pub version: u64,
    /// When.
    pub at: Timestamp,
    /// What was done, and by whom.
    pub change: Change,
}

/// An item that uses another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Collection of its kind.
    pub kind: String,
    /// Its key.
    pub key: String,
}

impl User {
    /// The item of a kind that has a key.
    pub fn of<K: Kind>(key: &str) -> Self {
        Self { kind: K::COLLECTION.to_owned(), key: key.to_owned() }
    }

    fn id(&self) -> String {
        format!("{}/{}", self.kind, self.key)
    }
}

impl From<Held> for User {
    fn from(held: Held) -> Self {
        let key = held.id.split_once('/').map_or(held.id.as_str(), |(_, key)| key).to_owned();
        Self { kind: held.kind, key }
    }
}

/// Why an item cannot be used or deleted.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There never was one with this key.
    #[error("there is no such item")]
    NotFound,
    /// It was deleted, and none was made again under its key.
    #[error("the item was deleted")]
    Gone,
    /// Another item uses it.
    #[error("it is used by {} {}", .0.kind, .0.key)]
    InUse(User),
    /// A page would take more memory than there is for one.
    #[error("there is more than one page can hold; ask for fewer items")]
    TooMuch,
    /// A record could not be read or changed.
    #[error(transparent)]
    Record(#[from] records::Error),
}

/// All items of a kind; a cheap handle.
#[derive(Clone)]
pub struct Items<T> {
    records: Records,
    users: Holders,
    kind: PhantomData<fn() -> T>,
}

impl<T: Kind> Items<T> {
    pub(crate) fn new(records: Records) -> Self {
        Self { users: Holders::new(records.clone(), IN_USE), records, kind: PhantomData }
    }

    /// The current version of an item, deleted or not; `None` if there never was one.
    pub async fn find(&self, organization: &str, key: &str) -> Result<Option<Found<T>>, records::Error> {
        Ok(self.records.get(&Self::key(organization, key)).await?.map(Found::from))
    }

    /// An item that is there.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Record`].
    pub async fn get(&self, organization: &str, key: &str) -> Result<Found<T>, Error> {
        let found = self.find(organization, key).await?.ok_or(Error::NotFound)?;
        if found.item.state.is_present() { Ok(found) } else { Err(Error::Gone) }
    }

    /// Makes an item, unless one has its key: the answer is that one, `None` if the new one was made.
    pub async fn create(
        &self,
        organization: &str,
        key: &str,
        value: T,
        what: &str,
        act: Act<'_>,
    ) -> Result<Option<Found<T>>, records::Error> {
        let made = |current: Option<Item<T>>| {
            let is_free = current.is_none_or(|item| T::KEY_IS_FREED && !item.state.is_present());
            Ok::<_, records::Error>(is_free.then(|| Item::new(value.clone())))
        };
        match self.change(organization, key, what, act, made).await? {
            Some(_) => Ok(None),
            None => self.find(organization, key).await,
        }
    }

    /// Changes an item: `decide` gets what it is (`None` if there never was one) and says what it becomes, `None` to leave it. It is asked again
    /// where another writer was faster. Answers what was written, as a version of its own, whose line in the changelog is `what`.
    ///
    /// # Errors
    /// What `decide` refuses, and [`records::Error`].
    pub async fn change<E: From<records::Error>>(
        &self,
        organization: &str,
        key: &str,
        what: &str,
        act: Act<'_>,
        decide: impl Fn(Option<Item<T>>) -> Result<Option<Item<T>>, E>,
    ) -> Result<Option<Item<T>>, E> {
        let what = act.why.map_or_else(|| what.to_owned(), |why| format!("{what}: {why}"));
        let change = Change::new(&what, act.by);
        let decide = |current: Option<Versioned<Item<T>>>| {
            let Some(item) = decide(current.map(|current| Found::from(current).item))? else { return Ok(None) };
            Ok::<_, E>(Some(Item { created_at: item.created_at.or(Some(act.at)), change: Some(change.clone()), ..item }))
        };
        self.records.update(&Self::key(organization, key), act.at, decide).await
    }

    /// Versions of an item older than `before` (all if `None`), newest first, at most `limit`.
    pub async fn history(
        &self,
        organization: &str,
        key: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<Found<T>, u64>, records::Error> {
        let page = self.records.history::<Item<T>>(&Self::key(organization, key), before, limit).await?;
        Ok(Page { items: page.items.into_iter().map(Found::from).collect(), next: page.next })
    }

    /// Puts what an item is now in the place of all that it was before, for what must not stay readable. Idempotent.
    pub(super) async fn forget_versions(&self, organization: &str, key: &str) -> Result<(), records::Error> {
        self.records.forget_versions(&Self::key(organization, key)).await
    }

    /// What was done to an item, newest first, of at most `limit` versions older than `before`. Versions that nobody asked for, and those of
    /// programs that recorded no changes, have no line.
    pub async fn changelog(
        &self,
        organization: &str,
        key: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<Logged, u64>, records::Error> {
        let Page { items, next } = self.history(organization, key, before, limit).await?;
        let line = |found: Found<T>| Some(Logged { version: found.version, at: found.at, change: found.item.change? });
        Ok(Page { items: items.into_iter().filter_map(line).collect(), next })
    }

    /// Items that are there whose key starts with `prefix`, in the order of their keys after `after`, of at most `limit` that are looked at.
    pub async fn list(
        &self,
        organization: &str,
        prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<(String, Found<T>), String>, records::Error> {
        let page = self.records.page::<Item<T>>(organization, T::COLLECTION, prefix, after, limit).await?;
        let items = page.items.into_iter().map(|(key, read)| (key, Found::from(read)));
        Ok(Page { items: items.filter(|(_, found)| found.item.state.is_present()).collect(), next: page.next })
    }

    /// Items, deleted ones as well, in the order of their keys after `after`, at most `limit`.
    pub(super) async fn page(
        &self,
        organization: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Found<T>)>, records::Error> {
        let page = self.records.page::<Item<T>>(organization, T::COLLECTION, "", Some(after), limit).await?;
        Ok(page.items.into_iter().map(|(key, read)| (key, Found::from(read))).collect())
    }

    /// The page with this number, from 0, of the items that are there and `wanted`, newest first; those of one instant in the order of their
    /// keys. It looks through all of the organization's items of this kind, and keeps no more of them in memory than their keys and the page.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Record`].
    pub async fn newest(
        &self,
        organization: &str,
        number: usize,
        size: usize,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<Numbered<T>, Error> {
        let mut all = Vec::new();
        let mut after = None;
        loop {
            let page = self.list(organization, "", after.as_deref(), BATCH).await?;
            let wanted = page.items.into_iter().filter(|(_, found)| wanted(&found.item.value));
            all.extend(wanted.map(|(key, found)| (Reverse(found.created_at()), key)));
            match page.next {
                Some(key) => after = Some(key),
                None => break,
            }
        }
        all.sort_unstable();
        let total = all.len();
        let page: Vec<String> = all.into_iter().skip(number.saturating_mul(size)).take(size).map(|(_, key)| key).collect();
        let mut items: Vec<(String, Found<T>)> = Vec::with_capacity(page.len());
        let mut weight = 0;
        for keys in page.chunks(AT_ONCE) {
            let found = try_join_all(keys.iter().map(|key| self.find(organization, key))).await?;
            // One that was deleted a moment ago is left out.
            let there = keys.iter().cloned().zip(found).filter_map(|(key, found)| Some((key, found?)));
            let there: Vec<_> = there.filter(|(_, found)| found.item.state.is_present()).collect();
            weight += there.iter().map(|(_, found)| ITEM_WEIGHT + found.item.value.weight()).sum::<usize>();
            if weight > MAX_PAGE {
                return Err(Error::TooMuch);
            }
            items.extend(there);
        }
        Ok(Numbered { total, items })
    }

    /// Records that another item uses this one, and answers what it is. To be done before that item is written: from then on
    /// [`Items::delete_unused`] refuses.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::Record`]; nothing is recorded then.
    pub async fn hold(&self, organization: &str, key: &str, user: &User, at: Timestamp) -> Result<Found<T>, Error> {
        self.users.hold(organization, &Self::thing(key), &user.kind, &user.id(), at).await?;
        // Who deletes looks for users after saying so in the item. Whoever sees that said here was perhaps not seen, and takes it back.
        let held = self.stay(organization, key, at).await;
        if matches!(held, Err(Error::NotFound | Error::Gone)) {
            self.release(organization, key, user, at).await?;
        }
        held
    }

    /// Takes back what [`Items::hold`] recorded. Idempotent.
    pub async fn release(&self, organization: &str, key: &str, user: &User, at: Timestamp) -> Result<(), records::Error> {
        self.users.release(organization, &Self::thing(key), &user.kind, &user.id(), at).await
    }

    /// The item as it is, with any deletion under way called off.
    async fn stay(&self, organization: &str, key: &str, at: Timestamp) -> Result<Found<T>, Error> {
        for _ in 0..ATTEMPTS {
            let found = self.get(organization, key).await?;
            if found.item.state != State::Leaving {
                return Ok(found);
            }
            if let Some(stays) = self.put_state(organization, key, found, State::Present, None, at).await? {
                return Ok(stays);
            }
        }
        Err(records::Error::Contended(Self::thing(key)).into())
    }

    /// Deletes an item that no other one uses. Of its users those count of which `is_there` says so: one that died between [`Items::hold`] and
    /// its own record never came to be, and does not for ever keep what it was to use (judge it by [`Held::since`]).
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Gone`], [`Error::InUse`], [`Error::Record`].
    pub async fn delete_unused<L: Future<Output = Result<bool, records::Error>>>(
        &self,
        organization: &str,
        key: &str,
        what: &str,
        act: Act<'_>,
        is_there: impl Fn(Held) -> L,
    ) -> Result<(), Error> {
        for _ in 0..ATTEMPTS {
            let found = self.get(organization, key).await?;
            if let Some(user) = self.user(organization, key, &is_there).await? {
                return Err(Error::InUse(user));
            }
            // Left like this by another deletion, which goes on or died, it will do: one of the two writes the end.
            let leaving = match found.item.state {
                State::Leaving => Some(found),
                _ => self.put_state(organization, key, found, State::Leaving, None, act.at).await?,
            };
            let Some(leaving) = leaving else { continue };
            if let Some(user) = self.user(organization, key, &is_there).await? {
                // Where another writer was faster, that one did it.
                self.put_state(organization, key, leaving, State::Present, None, act.at).await?;
                return Err(Error::InUse(user));
            }
            let (deleted, change) = (State::Deleted { at: act.at }, Change::new(what, act.by));
            if self.put_state(organization, key, leaving, deleted, Some(change), act.at).await?.is_some() {
                return Ok(());
            }
        }
        Err(records::Error::Contended(Self::thing(key)).into())
    }

    /// The first user of an item that is there.
    async fn user<L: Future<Output = Result<bool, records::Error>>>(
        &self,
        organization: &str,
        key: &str,
        is_there: impl Fn(Held) -> L,
    ) -> Result<Option<User>, records::Error> {
        let mut users = self.users.of(organization, &Self::thing(key));
        while let Some(user) = users.next().await? {
            if is_there(user.clone()).await? {
                return Ok(Some(user.into()));
            }
        }
        Ok(None)
    }

    /// Writes a state over the version that was read; `None` if there is another one by now.
    async fn put_state(
        &self,
        organization: &str,
        key: &str,
        found: Found<T>,
        state: State,
        change: Option<Change>,
        at: Timestamp,
    ) -> Result<Option<Found<T>>, records::Error> {
        let item = Item { state, change, created_at: Some(found.created_at()), value: found.item.value };
        let is_put = self.records.put(&Self::key(organization, key), found.version, at, &item).await?;
        Ok(is_put.then_some(Found { version: found.version + 1, at, item }))
    }

    fn thing(key: &str) -> String {
        format!("{}/{key}", T::COLLECTION)
    }

    pub(super) fn key(organization: &str, key: &str) -> RecordKey {
        // Or the users of `a` would be looked for among those of `a/b`.
        debug_assert!(!key.contains('/'), "the key of an item has no slash");
        RecordKey::new(organization, T::COLLECTION, key)
    }
}
