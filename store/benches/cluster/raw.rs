//! The driver alone, with the statements that the engine sends and nothing around them: what the engine is compared with.

use std::sync::Arc;

use futures::future::try_join;
use scylla::{
    client::{execution_profile::ExecutionProfile, session::Session, session_builder::SessionBuilder},
    frame::types::{Consistency, SerialConsistency},
    policies::retry::FallthroughRetryPolicy,
    response::query_result::QueryResult,
    statement::{
        batch::{Batch, BatchType},
        prepared::PreparedStatement,
    },
    value::MaybeUnset,
};
use store::{Entity, SHARDS, Timestamp};
use uuid::Uuid;

use crate::{Failure, Setting, lives};

/// What is sent for one append.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// A conditional batch.
    Batch,
    /// One conditional UPDATE; a batch for the first entry, which has two rows.
    Update,
    /// As `Update`, and before it what the engine writes first: the row of the wake-up, and of the listing for the first entry.
    All,
}

pub struct Raw {
    session: Session,
    advance: PreparedStatement,
    first_row: PreparedStatement,
    entry: PreparedStatement,
    update: PreparedStatement,
    wake: PreparedStatement,
    listing: PreparedStatement,
}

const KEY: &str = "org = ? AND kind = ? AND id = ?";

/// Microseconds of a bucket of the index of wake-ups, and of a day of the listing.
pub const BUCKET: i64 = 600_000_000;
const DAY: i64 = 86_400_000_000;

impl Raw {
    pub async fn connect(setting: &Setting) -> Result<Self, Failure> {
        let profile = ExecutionProfile::builder()
            .consistency(Consistency::Quorum)
            .serial_consistency(Some(SerialConsistency::Serial))
            .request_timeout(Some(setting.options.timeout));
        let session = SessionBuilder::new()
            .known_nodes(&setting.options.hosts)
            .use_keyspace(&setting.options.keyspace, false)
            .default_execution_profile_handle(profile.build().into_handle())
            .build()
            .await?;
        let conditional = async |text: &str| -> Result<PreparedStatement, Failure> {
            let mut statement = session.prepare(text.replace("{KEY}", KEY)).await?;
            statement.set_retry_policy(Some(Arc::new(FallthroughRetryPolicy)));
            Ok(statement)
        };
        Ok(Self {
            advance: conditional("UPDATE entity SET head = ?, created = ?, wake = ?, snapshot = ? WHERE {KEY} IF head = ?").await?,
            first_row: conditional("INSERT INTO entity (org, kind, id, rk, seq) VALUES (?, ?, ?, 0, 0)").await?,
            entry: conditional(
                "INSERT INTO entity (org, kind, id, rk, seq, at, commit_id, body, spill, size) VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?)",
            )
            .await?,
            update: conditional(
                "UPDATE entity SET head = ?, wake = ?, snapshot = ?, at = ?, commit_id = ?, body = ?, spill = ?, size = ? \
                 WHERE {KEY} AND rk = 1 AND seq = ? IF head = ?",
            )
            .await?,
            wake: session
                .prepare("INSERT INTO wake (shard, bucket, slot, id, head, due, org, kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                .await?,
            listing: session.prepare("INSERT INTO listing (org, kind, day, at, id) VALUES (?, ?, ?, ?, ?)").await?,
            session,
        })
    }

    /// Appends the entry after `head`.
    pub async fn append(&self, how: How, entity: &Entity, head: u64) -> Result<(), Failure> {
        let at = lives::now();
        if how == How::All {
            try_join(
                async {
                    match lives::wake(head, at) {
                        Some(due) => self.announce(entity, head + 1, due).await,
                        None => Ok(()),
                    }
                },
                async { if head == 0 { self.note(entity, at).await } else { Ok(()) } },
            )
            .await?;
        }
        let result = match (how, head) {
            (How::Batch, _) | (_, 0) => self.batch(entity, head as i64, at).await?,
            _ => self.update(entity, head as i64, at).await?,
        };
        let (applied,) = result.into_rows_result()?.first_row::<(bool,)>()?;
        if applied { Ok(()) } else { Err("a conditional statement was not applied".into()) }
    }

    async fn batch(&self, entity: &Entity, head: i64, at: Timestamp) -> Result<QueryResult, Failure> {
        let (org, kind, id, at) = (&*entity.organization, &*entity.kind, entity.id, at.timestamp_micros());
        let body = lives::body();
        let (size, spill, snapshot) = (lives::BODY as i32, MaybeUnset::<Uuid>::Unset, MaybeUnset::<i64>::Unset);
        let entry = (org, kind, id, head + 1, at, Uuid::new_v4(), &body, spill, size);
        let mut batch = Batch::new(BatchType::Unlogged);
        batch.set_retry_policy(Some(Arc::new(FallthroughRetryPolicy)));
        batch.append_statement(self.advance.clone());
        if head == 0 {
            batch.append_statement(self.first_row.clone());
            batch.append_statement(self.entry.clone());
            let advance = (1_i64, MaybeUnset::Set(at), i64::MAX, snapshot, org, kind, id, None::<i64>);
            return Ok(self.session.batch(&batch, (advance, (org, kind, id), entry)).await?);
        }
        batch.append_statement(self.entry.clone());
        let advance = (head + 1, MaybeUnset::<i64>::Unset, i64::MAX, snapshot, org, kind, id, Some(head));
        Ok(self.session.batch(&batch, (advance, entry)).await?)
    }

    async fn update(&self, entity: &Entity, head: i64, at: Timestamp) -> Result<QueryResult, Failure> {
        let (org, kind, id, at) = (&*entity.organization, &*entity.kind, entity.id, at.timestamp_micros());
        let body = lives::body();
        let (size, spill, snapshot) = (lives::BODY as i32, MaybeUnset::<Uuid>::Unset, MaybeUnset::<i64>::Unset);
        let values = (head + 1, i64::MAX, snapshot, at, Uuid::new_v4(), &body, spill, size, org, kind, id, head + 1, Some(head));
        Ok(self.session.execute_unpaged(&self.update, values).await?)
    }

    /// Writes the row of a wake-up, in the slot of its moment.
    pub async fn announce(&self, entity: &Entity, head: u64, due: Timestamp) -> Result<(), Failure> {
        let due = due.timestamp_micros();
        let values = (
            entity.shard() as i16,
            due.div_euclid(BUCKET),
            due,
            entity.id,
            head as i64,
            due,
            &*entity.organization,
            &*entity.kind,
        );
        self.session.execute_unpaged(&self.wake, values).await?;
        Ok(())
    }

    /// Lists the buckets in which the moments of a stretch of time lie.
    pub async fn list_buckets(&self, from: Timestamp, to: Timestamp) -> Result<(), Failure> {
        let put = self.session.prepare("INSERT INTO wake_bucket (shard, bucket) VALUES (?, ?)").await?;
        for bucket in from.timestamp_micros().div_euclid(BUCKET)..=to.timestamp_micros().div_euclid(BUCKET) {
            for shard in 0..SHARDS {
                self.session.execute_unpaged(&put, (shard as i16, bucket)).await?;
            }
        }
        Ok(())
    }

    async fn note(&self, entity: &Entity, at: Timestamp) -> Result<(), Failure> {
        let at = at.timestamp_micros();
        let day = at.div_euclid(DAY) as i32;
        let values = (&*entity.organization, &*entity.kind, day, at, entity.id.as_bytes().as_slice());
        self.session.execute_unpaged(&self.listing, values).await?;
        Ok(())
    }

    /// One number that a query gives.
    pub async fn number(&self, text: &str) -> Result<i64, Failure> {
        let mut statement = scylla::statement::unprepared::Statement::new(text);
        statement.set_request_timeout(Some(std::time::Duration::from_secs(120)));
        let (number,) = self.session.query_unpaged(statement, ()).await?.into_rows_result()?.first_row::<(Option<i64>,)>()?;
        Ok(number.unwrap_or(0))
    }

    /// Reads of a table since the server began, and most, median and 99th percentile of what a virtual table counts for each: only
    /// Cassandra has these.
    pub async fn per_read(&self, what: &str, keyspace: &str, table: &str) -> Result<Option<(i64, f64, f64, f64)>, Failure> {
        let text = format!("SELECT count, max, p50th, p99th FROM system_views.{what} WHERE keyspace_name = ? AND table_name = ?");
        let Ok(statement) = self.session.prepare(text).await else { return Ok(None) };
        let rows = self.session.execute_unpaged(&statement, (keyspace, table)).await?.into_rows_result()?;
        let found = rows.maybe_first_row::<(Option<i64>, Option<f64>, Option<f64>, Option<f64>)>()?;
        Ok(found.map(|(count, most, median, high)| {
            (count.unwrap_or(0), most.unwrap_or(0.0), median.unwrap_or(0.0), high.unwrap_or(0.0))
        }))
    }
}
