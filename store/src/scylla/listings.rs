//! Processes by creation, newest first: a partition for each day.

use std::{collections::HashSet, sync::Arc};

use futures::{StreamExt, TryStreamExt, stream};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{
    db::{Db, Read, Statement},
    journals::Journals,
};
use crate::{
    Cursor, Entity, Error, Listed, Listing, Page, Timestamp,
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

/// Organization, kind and day.
type Day = (Arc<str>, Arc<str>, i32);

pub(super) struct Listings {
    db: Arc<Db>,
    note: Statement,
    note_day: Statement,
    forget: Statement,
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
        Ok(Self {
            note: db.idempotent("listing_write", "INSERT INTO listing (org, kind, day, at, id) VALUES (?, ?, ?, ?, ?)").await?,
            note_day: db.idempotent("listing_day_write", "INSERT INTO listing_day (org, kind, day) VALUES (?, ?, ?)").await?,
            forget: db
                .idempotent("listing_delete", "DELETE FROM listing WHERE org = ? AND kind = ? AND day = ? AND at = ? AND id = ?")
                .await?,
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
        let noted = (entity.organization.clone(), entity.kind.clone(), day);
        if !self.noted.lock().contains(&noted) {
            self.db.write(&self.note_day, (org, kind, day)).await?;
            let mut days = self.noted.lock();
            if days.len() >= MAX_NOTED {
                days.clear();
            }
            days.insert(noted);
        }
        self.db.write(&self.note, (org, kind, day, at, entity.id.as_bytes().as_slice())).await
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
        // One more than asked for says whether there is more.
        let wanted = limit.saturating_add(1);
        let mut items: Vec<Listed> = Vec::new();
        let mut place = after.map(|cursor| (micros(cursor.at), cursor.id));
        let mut day = place.map_or(i32::MAX, |(at, _)| day_of(at));
        'days: loop {
            let days: Vec<(i32,)> = self.db.read(&self.days, Read::Quorum, (organization, kind, day)).await?;
            let is_end = days.len() < DAYS as usize;
            for (this,) in days {
                loop {
                    let asked = PAGE.min(wanted - items.len());
                    let rows = self.rows(organization, kind, this, place, asked).await?;
                    let is_days_end = rows.len() < asked;
                    place = rows.last().copied().or(place);
                    items.extend(self.existing(journals, organization, kind, rows).await?);
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

    async fn rows(
        &self,
        org: &str,
        kind: &str,
        day: i32,
        after: Option<(i64, Uuid)>,
        limit: usize,
    ) -> Result<Vec<(i64, Uuid)>, Error> {
        let limit = limit as i32;
        let rows: Vec<(i64, Vec<u8>)> = match after {
            Some((at, id)) => {
                let values = (org, kind, day, at, id.as_bytes().as_slice(), limit);
                self.db.read(&self.rows_after, Read::Quorum, values).await?
            }
            None => self.db.read(&self.rows, Read::Quorum, (org, kind, day, limit)).await?,
        };
        let row = |(at, id): (i64, Vec<u8>)| {
            let id = Uuid::from_slice(&id).map_err(|_| Error::Corrupt("an identifier in a listing".into()))?;
            Ok((at, id))
        };
        rows.into_iter().map(row).collect()
    }

    /// Those that came to be, at that moment (another writer may have created the entity at another one), and were not taken out since:
    /// a row that was deleted may be back.
    async fn existing(
        &self,
        journals: &Journals,
        organization: &str,
        kind: &str,
        rows: Vec<(i64, Uuid)>,
    ) -> Result<Vec<Listed>, Error> {
        let (organization, kind): (Arc<str>, Arc<str>) = (organization.into(), kind.into());
        let looks = rows.into_iter().map(|(at, id)| {
            let entity = Entity::new(organization.clone(), kind.clone(), id);
            async move {
                let stands = journals.stands(&entity).await?;
                let stands = stands.filter(|stands| stands.created == at && stands.listing == Listing::Listed);
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
