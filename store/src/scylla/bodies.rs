//! Bodies: small ones travel in their conditional statement, large ones are spilled to a table of their own before it.
//!
//! A Paxos round keeps and sends its mutation several times, so what it carries must be small (STORAGE: below 32 KiB). A spilled body
//! whose statement came second, or was never sent, is taken away again; what a crash leaves is spare and refers to nobody.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, stream};
use scylla::value::MaybeUnset;
use uuid::Uuid;

use super::db::{Db, Read, Statement};
use crate::Error;

/// Longest body, in bytes, that travels in its statement.
const MAX_INLINE: usize = 16 * 1024;

/// Most bytes of bodies in one statement.
const MAX_TOGETHER: usize = 32 * 1024;

/// Bytes of one part of a spilled body.
const PART: usize = 64 * 1024;

/// Parts that are written or read at once.
const AT_ONCE: usize = 8;

/// Where a body is, as the columns `body`, `spill` and `size` say it. A column that is not set leaves no tombstone.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub body: MaybeUnset<&'a [u8]>,
    pub spill: MaybeUnset<Uuid>,
    pub size: i32,
}

/// The three columns as they were read.
pub(super) type Columns = (Option<Vec<u8>>, Option<Uuid>, Option<i32>);

pub(super) struct Bodies {
    write: Statement,
    read: Statement,
    remove: Statement,
}

impl Bodies {
    pub async fn prepare(db: &Db) -> Result<Self, Error> {
        Ok(Self {
            write: db.idempotent("spill_write", "INSERT INTO spill (id, part, body) VALUES (?, ?, ?)").await?,
            read: db.idempotent("spill_read", "SELECT body FROM spill WHERE id = ?").await?,
            remove: db.idempotent("spill_remove", "DELETE FROM spill WHERE id = ?").await?,
        })
    }

    /// Decides where each body goes and writes those that are spilled.
    pub async fn place<'a>(self: &Arc<Self>, db: &Arc<Db>, bodies: &'a [Vec<u8>]) -> Result<Vec<Place<'a>>, Error> {
        let mut together = 0;
        let mut places = Vec::with_capacity(bodies.len());
        let mut writes = Vec::new();
        for body in bodies {
            let size = i32::try_from(body.len()).map_err(|_| Error::Refused("a body of more than 2 GiB".into()))?;
            if body.len() <= MAX_INLINE && together + body.len() <= MAX_TOGETHER {
                together += body.len();
                places.push(Place { body: MaybeUnset::Set(body), spill: MaybeUnset::Unset, size });
                continue;
            }
            let id = Uuid::new_v4();
            for (number, part) in (0_i32..).zip(body.chunks(PART)) {
                writes.push(db.write(&self.write, (id, number, part)));
            }
            places.push(Place { body: MaybeUnset::Unset, spill: MaybeUnset::Set(id), size });
        }
        if let Err(error) = stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<()>().await {
            self.forget(db, &places);
            return Err(error);
        }
        Ok(places)
    }

    /// Takes away what was spilled for a statement that surely was not applied. Nobody waits for it.
    pub fn forget(self: &Arc<Self>, db: &Arc<Db>, places: &[Place<'_>]) {
        let spilled = |place: &Place<'_>| if let MaybeUnset::Set(id) = place.spill { Some(id) } else { None };
        for id in places.iter().filter_map(spilled) {
            let (bodies, db) = (self.clone(), db.clone());
            tokio::spawn(async move {
                if let Err(error) = db.write(&bodies.remove, (id,)).await {
                    tracing::debug!(%error, "a spilled body that nobody needs stays");
                }
            });
        }
    }

    /// Takes away a spilled body to which nothing refers any more.
    pub async fn remove(&self, db: &Db, spill: Uuid) -> Result<(), Error> {
        db.write(&self.remove, (spill,)).await
    }

    /// The body that these columns describe.
    pub async fn body(&self, db: &Db, how: Read, columns: Columns) -> Result<Vec<u8>, Error> {
        let (body, spill, size) = columns;
        let body = match (body, spill) {
            (Some(body), None) => body,
            (None, Some(id)) => {
                let parts: Vec<(Vec<u8>,)> = db.read(&self.read, how, (id,)).await?;
                parts.into_iter().flat_map(|(part,)| part).collect()
            }
            _ => return Err(Error::Corrupt("a row has no body, or two".into())),
        };
        if size.and_then(|size| usize::try_from(size).ok()) != Some(body.len()) {
            return Err(Error::Corrupt("a body is not as long as it was written".into()));
        }
        Ok(body)
    }
}
