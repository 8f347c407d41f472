//! Processes by creation, newest first, and those among them that have a mark: a partition for each day.

use std::{collections::HashSet, sync::Arc};

use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{
    db::{Db, Read, Statement},
    journals::{Journals, Stands},
};
use crate::{
    Cursor, Entity, Error, Listed, Listing, Mark, Page, Timestamp,
    time::{instant, micros},
};

/// Days and rows that are read at once.
const DAYS: i32 = 64;
const PAGE: usize = 256;

/// Entities of a page that are looked at at once.
const AT_ONCE: usize = 32;

/// Most days that are remembered as noted; beyond it they are noted again, which changes nothing.
const MAX_NOTED: usize = 10_000;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// Organization, kind, mark (none: of all) and day.
type Day = (Arc<str>, Arc<str>, Option<Mark>, i32);

/// What a commit changes of the marks of an entity that was created at `created`.
#[derive(Debug, Default)]
pub(super) struct Marking {
    pub created: i64,
    pub new: Vec<Mark>,
    pub gone: Vec<Mark>,
}

/// Whose rows are read, and what of their journals makes them true.
#[derive(Clone, Copy)]
struct Asked<'a> {
    organization: &'a str,
    kind: &'a str,
    /// `None`: all that are listed.
    mark: Option<Mark>,
}

pub(super) struct Listings {
    db: Arc<Db>,
    note: Statement,
    note_day: Statement,
    forget: Statement,
    mark: Statement,
    mark_day: Statement,
    unmark: Statement,
    marked_days: Statement,
    marked: Statement,
    marked_after: Statement,
    days: Statement,
    rows: Statement,
    rows_after: Statement,
    all: Statement,
    all_after: Statement,
    noted: Mutex<HashSet<Day>>,
}

impl Listings {
    pub async fn prepare(db: Arc<Db>) -> Result<Self, Error> {
        let rows = "SELECT at, id FROM listing WHERE org = ? AND kind = ? AND day = ?";
        let marked = "SELECT at, id FROM mark WHERE org = ? AND kind = ? AND mark = ? AND day = ?";
        let unmark = "DELETE FROM mark WHERE org = ? AND kind = ? AND mark = ? AND day = ? AND at = ? AND id = ?";
        let marked_days = format!("SELECT day FROM mark_day WHERE org = ? AND kind = ? AND mark = ? AND day <= ? LIMIT {DAYS}");
        Ok(Self {
            note: db.idempotent("listing_write", "INSERT INTO listing (org, kind, day, at, id) VALUES (?, ?, ?, ?, ?)").await?,
            note_day: db.idempotent("listing_day_write", "INSERT INTO listing_day (org, kind, day) VALUES (?, ?, ?)").await?,
            forget: db
                .idempotent("listing_delete", "DELETE FROM listing WHERE org = ? AND kind = ? AND day = ? AND at = ? AND id = ?")
                .await?,
            mark: db
                .idempotent("mark_write", "INSERT INTO mark (org, kind, mark, day, at, id) VALUES (?, ?, ?, ?, ?, ?)")
                .await?,
            mark_day: db.idempotent("mark_day_write", "INSERT INTO mark_day (org, kind, mark, day) VALUES (?, ?, ?, ?)").await?,
            unmark: db.idempotent("mark_delete", unmark).await?,
            marked_days: db.idempotent("mark_days", &marked_days).await?,
            marked: db.idempotent("marks", &format!("{marked} LIMIT ?")).await?,
            marked_after: db.idempotent("marks", &format!("{marked} AND (at, id) < (?, ?) LIMIT ?")).await?,
            days: db
                .idempotent(
                    "listing_days",
                    &format!("SELECT day FROM listing_day WHERE org = ? AND kind = ? AND day <= ? LIMIT {DAYS}"),
                )
                .await?,
            rows: db.idempotent("listing", &format!("{rows} LIMIT ?")).await?,
            rows_after: db.idempotent("listing", &format!("{rows} AND (at, id) < (?, ?) LIMIT ?")).await?,
            all: db.idempotent("all_listings", "SELECT DISTINCT org, kind FROM listing_day LIMIT ?").await?,
            all_after: db
                .idempotent(
                    "all_listings",
                    "SELECT DISTINCT org, kind FROM listing_day WHERE token(org, kind) > token(?, ?) LIMIT ?",
                )
                .await?,
            noted: Mutex::new(HashSet::new()),
            db,
        })
    }

    /// Notes an entity before its first entry, created at `at`.
    pub async fn note(&self, entity: &Entity, at: Timestamp) -> Result<(), Error> {
        let (org, kind, at) = (&*entity.organization, &*entity.kind, micros(at));
        let day = day_of(at);
        let noted = (entity.organization.clone(), entity.kind.clone(), None, day);
        if !self.noted.lock().contains(&noted) {
            self.db.write(&self.note_day, (org, kind, day)).await?;
            self.has_noted(noted);
        }
        self.db.write(&self.note, (org, kind, day, at, entity.id.as_bytes().as_slice())).await
    }

    fn has_noted(&self, noted: Day) {
        let mut days = self.noted.lock();
        if days.len() >= MAX_NOTED {
            days.clear();
        }
        days.insert(noted);
    }

    /// Notes new marks of an entity, before the append that brings them.
    pub async fn mark(&self, entity: &Entity, marking: &Marking) -> Result<(), Error> {
        let day = day_of(marking.created);
        let writes: Vec<_> = marking.new.iter().map(|mark| self.mark_with(entity, *mark, marking.created, day)).collect();
        stream::iter(writes).buffer_unordered(AT_ONCE).try_collect().await
    }

    async fn mark_with(&self, entity: &Entity, mark: Mark, created: i64, day: i32) -> Result<(), Error> {
        let (org, kind, bytes) = (&*entity.organization, &*entity.kind, mark.0.as_slice());
        let noted = (entity.organization.clone(), entity.kind.clone(), Some(mark), day);
        if !self.noted.lock().contains(&noted) {
            self.db.write(&self.mark_day, (org, kind, bytes, day)).await?;
            self.has_noted(noted);
        }
        self.db.write(&self.mark, (org, kind, bytes, day, created, entity.id.as_bytes().as_slice())).await
    }

    /// Takes away the places of marks that an entity has no more. That it is not found by them does not depend on it.
    pub async fn unmark(&self, entity: &Entity, marking: &Marking) {
        let (org, kind, day) = (&*entity.organization, &*entity.kind, day_of(marking.created));
        for mark in &marking.gone {
            let values = (org, kind, mark.0.as_slice(), day, marking.created, entity.id.as_bytes().as_slice());
            if let Err(error) = self.db.write(&self.unmark, values).await {
                tracing::debug!(%error, "a place of a mark stays, and is not found");
            }
        }
    }

    /// Takes an entity out that its journal says is no longer listed. That it is not shown does not depend on it: it spares
    /// listings the look at it. `created`: when it was noted.
    pub async fn forget(&self, entity: &Entity, created: i64) -> Result<(), Error> {
        let (org, kind) = (&*entity.organization, &*entity.kind);
        self.db.write(&self.forget, (org, kind, day_of(created), created, entity.id.as_bytes().as_slice())).await
    }

    pub async fn list(
        &self,
        journals: &Journals,
        organization: &str,
        kind: &str,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        self.page(journals, Asked { organization, kind, mark: None }, after, limit).await
    }

    /// Those that have a mark.
    pub async fn find(
        &self,
        journals: &Journals,
        (organization, kind, mark): (&str, &str, Mark),
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        self.page(journals, Asked { organization, kind, mark: Some(mark) }, after, limit).await
    }

    async fn page(
        &self,
        journals: &Journals,
        of: Asked<'_>,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page<Listed>, Error> {
        // One more than asked for says whether there is more.
        let wanted = limit.saturating_add(1);
        let mut items: Vec<Listed> = Vec::new();
        let mut place = after.map(|cursor| (micros(cursor.at), cursor.id));
        let mut day = place.map_or(i32::MAX, |(at, _)| day_of(at));
        'days: loop {
            let days = self.days(of, day).await?;
            let is_end = days.len() < DAYS as usize;
            for (this,) in days {
                loop {
                    let asked = PAGE.min(wanted - items.len());
                    let rows = self.rows(of, this, place, asked).await?;
                    let is_days_end = rows.len() < asked;
                    place = rows.last().copied().or(place);
                    items.extend(self.existing(journals, of, rows).await?);
                    if items.len() >= wanted {
                        break 'days;
                    }
                    if is_days_end {
                        break;
                    }
                }
                day = this.saturating_sub(1);
            }
            if is_end {
                break;
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        Ok(Page::of(items, more))
    }

    /// In the order of the partitions' tokens.
    pub async fn listings(&self, after: Option<(&str, &str)>, limit: usize) -> Result<Vec<(String, String)>, Error> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let limit = i32::try_from(limit).unwrap_or(i32::MAX);
        match after {
            None => self.db.read(&self.all, Read::Quorum, (limit,)).await,
            Some((org, kind)) => self.db.read(&self.all_after, Read::Quorum, (org, kind, limit)).await,
        }
    }

    /// The newest days up to this one.
    async fn days(&self, of: Asked<'_>, day: i32) -> Result<Vec<(i32,)>, Error> {
        let (org, kind) = (of.organization, of.kind);
        match &of.mark {
            None => self.db.read(&self.days, Read::Quorum, (org, kind, day)).await,
            Some(mark) => self.db.read(&self.marked_days, Read::Quorum, (org, kind, mark.0.as_slice(), day)).await,
        }
    }

    async fn rows(&self, of: Asked<'_>, day: i32, after: Option<(i64, Uuid)>, limit: usize) -> Result<Vec<(i64, Uuid)>, Error> {
        let (org, kind, limit) = (of.organization, of.kind, limit as i32);
        let place = after.as_ref().map(|(at, id)| (*at, id.as_bytes().as_slice()));
        let mark = of.mark.as_ref().map(|mark| mark.0.as_slice());
        let (db, how) = (&self.db, Read::Quorum);
        let rows: Vec<(i64, Vec<u8>)> = match (mark, place) {
            (None, None) => db.read(&self.rows, how, (org, kind, day, limit)).await?,
            (None, Some((at, id))) => db.read(&self.rows_after, how, (org, kind, day, at, id, limit)).await?,
            (Some(mark), None) => db.read(&self.marked, how, (org, kind, mark, day, limit)).await?,
            (Some(mark), Some((at, id))) => db.read(&self.marked_after, how, (org, kind, mark, day, at, id, limit)).await?,
        };
        let row = |(at, id): (i64, Vec<u8>)| {
            let id = Uuid::from_slice(&id).map_err(|_| Error::Corrupt("an identifier in a listing".into()))?;
            Ok((at, id))
        };
        rows.into_iter().map(row).collect()
    }

    /// Those that came to be, at that moment (another writer may have created the entity at another one), and were not taken out since:
    /// a row that was deleted may be back.
    async fn existing(&self, journals: &Journals, of: Asked<'_>, rows: Vec<(i64, Uuid)>) -> Result<Vec<Listed>, Error> {
        let (organization, kind): (Arc<str>, Arc<str>) = (of.organization.into(), of.kind.into());
        let is_shown = move |stands: &Stands| match &of.mark {
            None => stands.listing == Listing::Listed,
            Some(mark) => stands.marks.contains(mark),
        };
        let looks = rows.into_iter().map(|(at, id)| {
            let entity = Entity::new(organization.clone(), kind.clone(), id);
            async move {
                let stands = journals.stands(&entity).await?;
                let stands = stands.filter(|stands| stands.created == at && is_shown(stands));
                let created_at = instant(at)?;
                Ok::<_, Error>(stands.map(|stands| Listed { entity, created_at, head: stands.head }))
            }
        });
        let looked: Vec<Option<Listed>> = stream::iter(looks).buffered(AT_ONCE).try_collect().await?;
        Ok(looked.into_iter().flatten().collect())
    }
}

/// Days since 1970. Part of the stored data.
fn day_of(micros: i64) -> i32 {
    // Years from -262144 to 262143 fit.
    micros.div_euclid(MICROS_PER_DAY) as i32
}
