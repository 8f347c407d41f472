//! What is asked of the tables wake, wake_bucket, wake_lease and node.

use super::leases::NOBODY;
use crate::{
    Error,
    scylla::db::{Db, Statement},
};

/// Seconds after which a node that says nothing is no node.
const NODE_SECONDS: u32 = 20;

pub struct Statements {
    pub put: Statement,
    pub put_bucket: Statement,
    /// Rows of a bucket from a slot on, and from after a row on.
    pub scan: Statement,
    pub scan_on: Statement,
    pub buckets: Statement,
    pub drop_bucket: Statement,
    pub forget_buckets: Statement,
    pub head: Statement,
    pub leases: Statement,
    pub found: Statement,
    pub renew: Statement,
    pub take: Statement,
    pub give: Statement,
    pub alive: Statement,
    pub nodes: Statement,
    pub gone: Statement,
}

impl Statements {
    pub async fn prepare(db: &Db) -> Result<Self, Error> {
        let give = format!(
            "UPDATE wake_lease SET owner = {NOBODY}, beat = ?, watermark = ?, floor = ?, position = ? \
             WHERE part = 0 AND shard = ? IF owner = ? AND epoch = ?"
        );
        let alive = format!("INSERT INTO node (part, id, beat) VALUES (0, ?, ?) USING TTL {NODE_SECONDS}");
        Ok(Self {
            put: db
                .idempotent("wake_put", "INSERT INTO wake (shard, bucket, slot, id, head, due, org, kind) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
                .await?,
            put_bucket: db.idempotent("wake_bucket_put", "INSERT INTO wake_bucket (shard, bucket) VALUES (?, ?)").await?,
            scan: db
                .idempotent(
                    "wake_scan",
                    "SELECT slot, id, head, due, org, kind FROM wake WHERE shard = ? AND bucket = ? AND slot >= ? AND slot <= ? LIMIT ?",
                )
                .await?,
            // Without an end: ScyllaDB reads wrongly between bounds of different lengths (its issue 21604).
            scan_on: db
                .idempotent(
                    "wake_scan",
                    "SELECT slot, id, head, due, org, kind FROM wake WHERE shard = ? AND bucket = ? \
                     AND (slot, id, head, due, org, kind) > (?, ?, ?, ?, ?, ?) LIMIT ?",
                )
                .await?,
            buckets: db
                .idempotent(
                    "wake_buckets",
                    "SELECT bucket FROM wake_bucket WHERE shard = ? AND bucket >= ? AND bucket <= ? LIMIT ?",
                )
                .await?,
            drop_bucket: db.idempotent("wake_drop", "DELETE FROM wake WHERE shard = ? AND bucket = ?").await?,
            forget_buckets: db.idempotent("wake_bucket_drop", "DELETE FROM wake_bucket WHERE shard = ? AND bucket <= ?").await?,
            head: db
                .idempotent("wake_head", "SELECT rk, head FROM entity WHERE org = ? AND kind = ? AND id = ? AND rk = 0 AND seq = 0")
                .await?,
            leases: db
                .idempotent("lease_read", "SELECT shard, owner, epoch, beat, watermark, floor, position FROM wake_lease WHERE part = 0")
                .await?,
            found: db
                .conditional(
                    "lease_found",
                    "INSERT INTO wake_lease (part, shard, owner, epoch, beat, watermark, floor, position) \
                     VALUES (0, ?, ?, 0, 0, ?, ?, ?) IF NOT EXISTS",
                )
                .await?,
            renew: db
                .conditional(
                    "lease_renew",
                    "UPDATE wake_lease SET beat = ?, watermark = ?, floor = ?, position = ? \
                     WHERE part = 0 AND shard = ? IF owner = ? AND epoch = ? AND beat < ?",
                )
                .await?,
            take: db
                .conditional(
                    "lease_take",
                    "UPDATE wake_lease SET owner = ?, epoch = ?, beat = ? WHERE part = 0 AND shard = ? IF owner = ? AND epoch = ? AND beat = ?",
                )
                .await?,
            give: db.conditional("lease_give", &give).await?,
            alive: db.idempotent("lease_alive", &alive).await?,
            nodes: db.idempotent("lease_nodes", "SELECT id, beat FROM node WHERE part = 0").await?,
            gone: db.idempotent("lease_gone", "DELETE FROM node WHERE part = 0 AND id = ?").await?,
        })
    }
}
