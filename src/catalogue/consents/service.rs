//! Reads and changes the catalogue of consents.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use aws_lc_rs::digest;
use chrono::TimeDelta;
use futures::future::try_join_all;
use serde::de::{DeserializeOwned, IgnoredAny};
use store::{RecordKey, Store, Timestamp};
use uuid::Uuid;
use workflows::consents::ConsentType;
use workflows::values::Problems;

use super::current::Current;
use super::definitions::{Definition, NewDefinition, NewTexts};
use super::editions::{Edition, Parts};
use super::ids::ConsentId;
use super::trees::{self, NewTree, Tree, UsersType};
use super::{Author, Error};
use crate::cache::{self, Cache};
use crate::records::{self, ATTEMPTS, Records, Versioned};

const DEFINITIONS: &str = "consent_definition";
const TREES: &str = "consent_tree";
const EDITIONS: &str = "consent_edition";
const COUNTS: &str = "_consent_count";

/// Maximum number of definitions of an organization. Where several are made at once it can be exceeded by those.
const MAX_DEFINITIONS: u64 = 10_000;

/// Records that are read at once.
const AT_ONCE: usize = 16;

/// Records of a listing or a history that are read at once.
const BATCH: usize = 64;

/// Trees whose names are read at once.
const PLANTED: usize = 500;

/// Maximum size of what is told at once, in bytes, about.
const MAX_TOLD: usize = 16 * 1024 * 1024;

/// Memory for editions, in bytes.
const MAX_REMEMBERED: usize = 64 * 1024 * 1024;

/// Settings of the catalogue of consents.
#[derive(Clone)]
pub struct Options {
    /// Region of an organization's locales that have none, an ISO 3166 code.
    pub default_region: Arc<dyn Fn(&str) -> String + Send + Sync>,
    /// How old what is known of a store may be that others change, too; `None` where nobody else does.
    pub time_to_live: Option<TimeDelta>,
}

impl Default for Options {
    fn default() -> Self {
        Self { default_region: Arc::new(|_| "ES".into()), time_to_live: None }
    }
}

/// Part of a listing: `skip` of it are left out and at most `take` told.
#[derive(Clone, Copy, Debug)]
pub struct Slice {
    pub skip: usize,
    pub take: usize,
}

/// Which definitions are wanted: those that fit all of it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub choice_type: Option<ConsentType>,
    pub id: Option<ConsentId>,
}

/// The catalogue of consents of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Consents {
    records: Records,
    default_region: Arc<dyn Fn(&str) -> String + Send + Sync>,
    clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    current: Current,
    editions: Arc<Cache<EditionKey, Edition>>,
}

/// Digest of segment, type of users and number.
type EditionKey = [u8; 32];

impl Consents {
    /// Over a store. The clock tells how old what is known is, and when editions come to be.
    pub fn new(
        store: Arc<dyn Store>,
        options: Options,
        clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
        metrics: cache::Metrics,
    ) -> Self {
        Self {
            records: Records::new(store),
            current: Current::new(options.time_to_live),
            default_region: options.default_region,
            clock,
            editions: Arc::new(Cache::new("consents", MAX_REMEMBERED, metrics)),
        }
    }

    /// Current versions of definitions, by id.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn definitions(
        &self,
        organization: &str,
        wanted: &Wanted,
        slice: Slice,
    ) -> Result<Vec<Versioned<Definition>>, Error> {
        let fits = |found: &Versioned<Definition>| wanted.choice_type.is_none_or(|wanted| found.value.choice_type == wanted);
        if let Some(id) = &wanted.id {
            let found = self.records.get::<Definition>(&definition(organization, id)).await?;
            return Ok(found.into_iter().filter(fits).skip(slice.skip).take(slice.take).collect());
        }
        let (mut told, mut skip, mut weight, mut after) = (Vec::new(), slice.skip, 0, None);
        while told.len() < slice.take {
            let page = self.records.page::<Definition>(organization, DEFINITIONS, "", after.as_deref(), BATCH).await?;
            for found in page.items.into_iter().map(|(_, found)| found).filter(fits) {
                if skip > 0 {
                    skip -= 1;
                } else if told.len() < slice.take {
                    weight += found.value.weight();
                    told.push(found);
                }
            }
            if weight > MAX_TOLD {
                return Err(Error::TooMuch);
            }
            match page.next {
                Some(key) => after = Some(key),
                None => break,
            }
        }
        Ok(told)
    }

    /// Makes a definition, its first version.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Exists`], [`Error::Full`], [`Error::Catalogue`].
    pub async fn create(
        &self,
        organization: &str,
        new: NewDefinition,
        author: Author<'_>,
        at: Timestamp,
    ) -> Result<Definition, Error> {
        let new = new.read(author).map_err(Error::Invalid)?;
        let key = definition(organization, &new.id);
        if self.records.get::<Definition>(&key).await?.is_some() {
            return Err(Error::Exists(new.id));
        }
        let counter = RecordKey::new(organization, COUNTS, "definitions");
        let count = self.records.get::<u64>(&counter).await?.map_or(0, |count| count.value);
        if count >= MAX_DEFINITIONS {
            return Err(Error::Full(count));
        }
        if !self.records.put(&key, 0, at, &new).await? {
            return Err(Error::Exists(new.id));
        }
        self.count(&counter, at).await;
        Ok(new)
    }

    /// Counts a definition that was made. One that cannot be counted is there all the same: the maximum keeps the store from filling up, no more.
    async fn count(&self, counter: &RecordKey, at: Timestamp) {
        let one_more = |count: Option<Versioned<u64>>| Ok::<_, records::Error>(Some(count.map_or(0, |count| count.value) + 1));
        for _ in 0..ATTEMPTS {
            match self.records.update(counter, at, one_more).await {
                Err(records::Error::Contended(_)) => {}
                Ok(_) => return,
                Err(error) => return tracing::warn!(%error, "a consent was made and not counted"),
            }
        }
    }

    /// Adds texts to a definition, or replaces those of their languages: always a new version (note definition-edges). `None` is the id of none.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NoConsent`], [`Error::Catalogue`].
    pub async fn change(
        &self,
        organization: &str,
        id: Option<&ConsentId>,
        new: NewTexts,
        author: Author<'_>,
        at: Timestamp,
    ) -> Result<Definition, Error> {
        let texts = new.read().map_err(Error::Invalid)?;
        let id = id.ok_or(Error::NoConsent)?;
        let change = |current: Option<Versioned<Definition>>| {
            let current = current.ok_or(Error::NoConsent)?;
            current.value.with(&texts, author).map(Some).map_err(Error::Invalid)
        };
        let written = self.records.update(&definition(organization, id), at, change).await;
        self.current.changed(organization);
        written?.ok_or(Error::NoConsent)
    }

    /// Versions of a definition, newest first; none of one that is not there.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn history(&self, organization: &str, id: &ConsentId, slice: Slice) -> Result<Vec<Versioned<Definition>>, Error> {
        let key = definition(organization, id);
        let newest = self.newest(&key).await?;
        let mut told = Versions::new(&self.records, key, newest.saturating_sub(slice.skip as u64));
        told.all(slice.take, Definition::weight).await
    }

    /// The segments and types of users that have a tree; trees are not deleted.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn planted(&self, organization: &str) -> Result<BTreeSet<(String, UsersType)>, records::Error> {
        let mut planted = BTreeSet::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.records.page::<IgnoredAny>(organization, TREES, "", after.as_deref(), PLANTED).await?;
            let keys = page.items.iter().filter_map(|(key, _)| key.rsplit_once('/'));
            planted.extend(keys.filter_map(|(segment, users)| Some((segment.to_owned(), UsersType::named(users).ok()?))));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(planted),
            }
        }
    }

    /// The current trees of a segment, of one type of users or of all, in the order of [`UsersType::ALL`].
    ///
    /// # Errors
    /// [`Error::Catalogue`].
    pub async fn trees(
        &self,
        organization: &str,
        segment: &str,
        users: Option<UsersType>,
    ) -> Result<Vec<Versioned<Tree>>, Error> {
        let wanted = UsersType::ALL.into_iter().filter(|own| users.is_none_or(|users| users == *own));
        let found = try_join_all(wanted.map(|users| self.tree(organization, segment, users))).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn tree(&self, organization: &str, segment: &str, users: UsersType) -> Result<Option<Versioned<Tree>>, Error> {
        Ok(self.records.get(&tree(TREES, organization, segment, users)).await?)
    }

    /// Makes the tree of a segment and a type of users, its first version.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::TreeExists`], [`Error::Catalogue`].
    pub async fn create_tree(
        &self,
        organization: &str,
        segment: &str,
        new: NewTree,
        author: Author<'_>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let reading = trees::Reading::of(new, false, author);
        let Some(users) = reading.users() else { return Err(self.refusal(organization, reading).await) };
        if self.tree(organization, segment, users).await?.is_some() {
            return Err(Error::TreeExists(users));
        }
        let new = self.check(organization, reading).await?;
        let is_first = self.records.put(&tree(TREES, organization, segment, users), 0, at, &new).await;
        self.current.changed(organization);
        if is_first? { Ok(()) } else { Err(Error::TreeExists(users)) }
    }

    /// Replaces a tree, if one of `read` is the id of its present version: of two writers who read the same one, one succeeds.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::NoTree`], [`Error::Stale`], [`Error::Catalogue`].
    pub async fn replace_tree(
        &self,
        organization: &str,
        segment: &str,
        read: &[Uuid],
        new: NewTree,
        author: Author<'_>,
        at: Timestamp,
    ) -> Result<(), Error> {
        let reading = trees::Reading::of(new, true, author);
        let Some(users) = reading.users() else { return Err(self.refusal(organization, reading).await) };
        let current = self.tree(organization, segment, users).await?.ok_or(Error::NoTree(users))?;
        if !read.contains(&current.value.version) {
            return Err(Error::Stale);
        }
        let new = self.check(organization, reading).await?;
        let key = tree(TREES, organization, segment, users);
        let is_next = self.records.put(&key, current.version, Tree::instant(at, current.at), &new).await;
        self.current.changed(organization);
        if is_next? { Ok(()) } else { Err(Error::Stale) }
    }

    /// The edition that a tree would make, written nowhere: its number is 0.
    ///
    /// # Errors
    /// [`Error::Invalid`], [`Error::Catalogue`].
    pub async fn draft(
        &self,
        organization: &str,
        segment: &str,
        new: NewTree,
        author: Author<'_>,
        at: Timestamp,
    ) -> Result<Edition, Error> {
        let tree = self.check(organization, trees::Reading::of(new, false, author)).await?;
        let consents = self.all_current(organization, &tree.consents_order).await?;
        let consents = consents.into_iter().map(|found| Arc::new(found.value)).collect();
        Ok(Edition::new(0, segment, tree, consents, (self.default_region)(organization), at))
    }

    /// The tree, if it keeps all rules.
    async fn check(&self, organization: &str, reading: trees::Reading) -> Result<Tree, Error> {
        let mut there = HashMap::new();
        for some in reading.wanted().chunks(AT_ONCE) {
            let read = some.iter().map(|id| async move {
                let found = self.records.get::<Definition>(&definition(organization, id)).await?;
                Ok::<_, Error>(found.map(|found| (id.clone(), found.value)))
            });
            there.extend(try_join_all(read).await?.into_iter().flatten());
        }
        reading.against(&there).map_err(Error::Invalid)
    }

    /// What is wrong with a tree of which something is.
    async fn refusal(&self, organization: &str, reading: trees::Reading) -> Error {
        let checked = self.check(organization, reading).await;
        checked.err().unwrap_or_else(|| Error::Invalid(Problems::default()))
    }

    /// Versions of a segment's trees, strictly the newest first.
    ///
    /// # Errors
    /// [`Error::TooMuch`], [`Error::Catalogue`].
    pub async fn tree_history(
        &self,
        organization: &str,
        segment: &str,
        users: Option<UsersType>,
        slice: Slice,
    ) -> Result<Vec<Versioned<Tree>>, Error> {
        let [customers, leads] = UsersType::ALL.map(|users| tree(TREES, organization, segment, users));
        let is_wanted = |own| users.is_none_or(|users| users == own);
        let count = async |key: &RecordKey, is_wanted| if is_wanted { self.newest(key).await } else { Ok(0) };
        let counts =
            [count(&customers, is_wanted(UsersType::Customers)).await?, count(&leads, is_wanted(UsersType::Leads)).await?];
        let skip = slice.skip as u64;
        if skip >= counts[0] + counts[1] {
            return Ok(Vec::new());
        }
        let of_first = self.split(&customers, &leads, counts, skip).await?;
        let starts = [counts[0] - of_first, counts[1] - (skip - of_first)];
        let mut first = Versions::new(&self.records, customers, starts[0]);
        let mut second = Versions::new(&self.records, leads, starts[1]);
        let (mut told, mut weight) = (Vec::new(), 0);
        while told.len() < slice.take {
            let is_first = match (first.peek().await?, second.peek().await?) {
                (Some(first), Some(second)) => first.at >= second.at,
                (first, _) => first.is_some(),
            };
            let Some(next) = (if is_first { first.take() } else { second.take() }) else { break };
            let next: Versioned<Tree> = next;
            weight += next.value.weight();
            if weight > MAX_TOLD {
                return Err(Error::TooMuch);
            }
            told.push(next);
        }
        Ok(told)
    }

    /// How many of the `skip` newest versions of two records are of the first one. Each record's versions are by date; of one date those of the
    /// first come first. A search in steps of half of what is left: a page far back costs little more than the first one.
    async fn split(&self, first: &RecordKey, second: &RecordKey, counts: [u64; 2], skip: u64) -> Result<u64, Error> {
        let at = async |key: &RecordKey, version: u64| Ok::<_, Error>(self.numbered::<IgnoredAny>(key, version).await?.at);
        let (mut low, mut high) = (skip.saturating_sub(counts[1]), skip.min(counts[0]));
        while low < high {
            let middle = low.midpoint(high);
            // The oldest of the second's share against the newest of the first that would not be among the skipped.
            let of_second = counts[1] - (skip - middle - 1);
            if at(first, counts[0] - middle).await? >= at(second, of_second).await? {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// What a segment shows: on a store of this server alone as it is, on a shared one at most [`Options::time_to_live`] old.
    ///
    /// # Errors
    /// [`Error::NoTree`], [`Error::Catalogue`].
    pub async fn edition(&self, organization: &str, segment: &str, users: UsersType) -> Result<Arc<Edition>, Error> {
        let known = || self.current.get(organization, segment, users, (self.clock)());
        if let Some(number) = known() {
            return self.edition_numbered(organization, segment, users, number).await;
        }
        // Of those who ask at once one reads; the others find what it read.
        let gate = self.current.unknown(organization, segment, users).gate;
        let _turn = gate.lock().await;
        match known() {
            Some(number) => self.edition_numbered(organization, segment, users, number).await,
            None => self.fresh_edition(organization, segment, users).await,
        }
    }

    /// What a segment shows, by the store.
    ///
    /// # Errors
    /// As [`Consents::edition`].
    pub async fn fresh_edition(&self, organization: &str, segment: &str, users: UsersType) -> Result<Arc<Edition>, Error> {
        let (read_at, unknown) = ((self.clock)(), self.current.unknown(organization, segment, users));
        match self.compile(organization, segment, users).await {
            Ok(edition) => {
                self.current.set(organization, segment, users, &unknown, (edition.number, read_at));
                let key = edition_key(segment, users, edition.number);
                self.editions.get(organization, key, async || Ok(edition)).await
            }
            Err(error) => {
                if matches!(error, Error::NoTree(_)) {
                    self.current.forget_segment(organization, segment);
                }
                Err(error)
            }
        }
    }

    /// An edition by its number, as it was.
    ///
    /// # Errors
    /// [`Error::NoEdition`], [`Error::Catalogue`].
    pub async fn edition_numbered(
        &self,
        organization: &str,
        segment: &str,
        users: UsersType,
        number: u32,
    ) -> Result<Arc<Edition>, Error> {
        let read = async || {
            let key = tree(EDITIONS, organization, segment, users);
            let parts = self.records.numbered::<Parts>(&key, number.into()).await?.ok_or(Error::NoEdition(number))?;
            let (created_at, Parts { tree: version, consents, default_region }) = (parts.at, parts.value);
            let tree = self.numbered::<Tree>(&tree(TREES, organization, segment, users), version).await?.value;
            let mut definitions = Vec::with_capacity(consents.len());
            for some in consents.chunks(AT_ONCE) {
                let read = some.iter().map(|(id, version)| async move {
                    let found = self.numbered::<Definition>(&definition(organization, id), *version).await?;
                    Ok::<_, Error>(Arc::new(found.value))
                });
                definitions.extend(try_join_all(read).await?);
            }
            Ok(Edition::new(number, segment, tree, definitions, default_region, created_at))
        };
        self.editions.get(organization, edition_key(segment, users, number), read).await
    }

    /// Makes an edition of what the store has, unless the last one is the same.
    async fn compile(&self, organization: &str, segment: &str, users: UsersType) -> Result<Edition, Error> {
        let key = tree(EDITIONS, organization, segment, users);
        for _ in 0..ATTEMPTS {
            // The edition first: what is read after it is at least as new as what it is made of, so that none shows what is older than in the one
            // before.
            let last = self.records.get::<Parts>(&key).await?;
            let found = self.tree(organization, segment, users).await?.ok_or(Error::NoTree(users))?;
            let consents = self.all_current(organization, &found.value.consents_order).await?;
            let parts = Parts {
                tree: found.version,
                consents: consents.iter().map(|found| (found.value.id.clone(), found.version)).collect(),
                default_region: (self.default_region)(organization),
            };
            let (number, created_at) = match last {
                Some(last) if last.value == parts => (last.version, last.at),
                last => {
                    let (before, now) = (last.map_or(0, |last| last.version), (self.clock)());
                    if !self.records.put(&key, before, now, &parts).await? {
                        continue;
                    }
                    (before + 1, now)
                }
            };
            let number = u32::try_from(number).map_err(|_| records::Error::Unreadable(EDITIONS.into()))?;
            let consents = consents.into_iter().map(|found| Arc::new(found.value)).collect();
            return Ok(Edition::new(number, segment, found.value, consents, parts.default_region, created_at));
        }
        Err(records::Error::Contended(EDITIONS.into()).into())
    }

    /// The current versions of definitions that are there, in this order.
    async fn all_current(&self, organization: &str, ids: &[ConsentId]) -> Result<Vec<Versioned<Definition>>, Error> {
        let mut found = Vec::with_capacity(ids.len());
        for some in ids.chunks(AT_ONCE) {
            let read = some.iter().map(|id| async move {
                let key = definition(organization, id);
                let found = self.records.get::<Definition>(&key).await?;
                found.ok_or_else(|| Error::from(records::Error::Unreadable(format!("{DEFINITIONS}/{id}"))))
            });
            found.extend(try_join_all(read).await?);
        }
        Ok(found)
    }

    /// The number of the newest version of a record; 0 if there is none.
    async fn newest(&self, key: &RecordKey) -> Result<u64, Error> {
        Ok(self.records.get::<IgnoredAny>(key).await?.map_or(0, |found| found.version))
    }

    /// A version that something names.
    async fn numbered<T: DeserializeOwned>(&self, key: &RecordKey, version: u64) -> Result<Versioned<T>, Error> {
        let found = self.records.numbered(key, version).await?;
        found.ok_or_else(|| records::Error::Unreadable(format!("{}/{}", key.collection, key.key)).into())
    }
}

/// Versions of a record, newest first, read as they are needed.
struct Versions<'a, T> {
    records: &'a Records,
    key: RecordKey,
    /// The next one that is not read yet; 0 at the end.
    next: u64,
    read: std::collections::VecDeque<Versioned<T>>,
}

impl<'a, T: DeserializeOwned> Versions<'a, T> {
    /// From the version `newest` on.
    fn new(records: &'a Records, key: RecordKey, newest: u64) -> Self {
        Self { records, key, next: newest, read: Default::default() }
    }

    async fn peek(&mut self) -> Result<Option<&Versioned<T>>, Error> {
        if self.read.is_empty() && self.next > 0 {
            let page = self.records.history(&self.key, Some(self.next + 1), BATCH).await?;
            self.next = page.items.last().map_or(0, |oldest| oldest.version - 1);
            self.read = page.items.into();
        }
        Ok(self.read.front())
    }

    /// What [`Versions::peek`] showed.
    fn take(&mut self) -> Option<Versioned<T>> {
        self.read.pop_front()
    }

    async fn all(&mut self, most: usize, weight: impl Fn(&T) -> usize) -> Result<Vec<Versioned<T>>, Error> {
        let (mut told, mut total) = (Vec::new(), 0);
        while told.len() < most && self.peek().await?.is_some() {
            let Some(next) = self.take() else { break };
            total += weight(&next.value);
            if total > MAX_TOLD {
                return Err(Error::TooMuch);
            }
            told.push(next);
        }
        Ok(told)
    }
}

fn definition(organization: &str, id: &ConsentId) -> RecordKey {
    RecordKey::new(organization, DEFINITIONS, id.as_str())
}

/// The key of what a segment and a type of users have one of. Only the last slash separates: a segment can be any text.
fn tree(collection: &str, organization: &str, segment: &str, users: UsersType) -> RecordKey {
    RecordKey::new(organization, collection, format!("{segment}/{users}"))
}

fn edition_key(segment: &str, users: UsersType, number: u32) -> EditionKey {
    let mut digest = digest::Context::new(&digest::SHA256);
    // The members of fixed length first.
    digest.update(&[users as u8]);
    digest.update(&number.to_be_bytes());
    digest.update(segment.as_bytes());
    digest.finish().as_ref().try_into().expect("SHA-256 gives 32 bytes")
}
