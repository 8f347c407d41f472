//! What a caller does when an engine could not tell whether it wrote.

use crate::{Commit, CommitOutcome, PutOutcome, Record, RecordKey, Store, Timestamp, time::whole};

/// Finds out what became of a commit that answered [`CommitOutcome::Unknown`], by reading the journal where its entries
/// would stand and comparing their commit id.
///
/// * [`CommitOutcome::Applied`]: the entries stand there.
/// * [`CommitOutcome::Conflict`]: nothing of the commit was written. When its `head` is still the expected one, nobody
///   else wrote either, and the same commit may be tried again.
/// * [`CommitOutcome::Unknown`]: the engine could not be read; ask again, or drop the state and load it anew later.
pub async fn resolve_unknown(store: &dyn Store, commit: &Commit) -> CommitOutcome {
    let first = commit.expected_head.saturating_add(1);
    let written = match store.entries(&commit.entity, first, commit.entries.len()).await {
        Ok(entries) => entries,
        Err(error) => return still_unknown(&error),
    };
    match written.first() {
        Some(entry) if entry.seq == first && entry.commit_id == commit.commit_id => CommitOutcome::Applied,
        Some(_) | None => match store.load(&commit.entity).await {
            Ok(loaded) => conflict_or_late(commit, loaded.map_or(0, |loaded| loaded.head), written.is_empty()),
            Err(error) => still_unknown(&error),
        },
    }
}

/// The journal can grow between the two reads: then an empty first answer says nothing about who wrote.
fn conflict_or_late(commit: &Commit, head: u64, nothing_seen: bool) -> CommitOutcome {
    if nothing_seen && head > commit.expected_head { CommitOutcome::Unknown } else { CommitOutcome::Conflict { head } }
}

/// Finds out what became of a [`Store::put_if`] that answered [`PutOutcome::Unknown`], by reading the version it would
/// have written and comparing its time and body. Two writers of the same at the same time both find it applied, as it is.
///
/// The answers mean what they mean in [`resolve_unknown`].
pub async fn resolve_unknown_put(
    store: &dyn Store,
    key: &RecordKey,
    expected_version: u64,
    at: Timestamp,
    body: &[u8],
) -> PutOutcome {
    let newer = expected_version.saturating_add(1);
    let is_own = |record: &Record| record.version == newer && record.at == whole(at) && record.body == body;
    let version = match store.get(key).await {
        Ok(record) => record.map_or(0, |record| record.version),
        Err(_) => return PutOutcome::Unknown,
    };
    if version < newer {
        return PutOutcome::Conflict { version };
    }
    match store.history(key, Some(newer.saturating_add(1)), 1).await {
        Ok(records) if records.iter().any(is_own) => PutOutcome::Applied,
        Ok(_) => PutOutcome::Conflict { version },
        Err(_) => PutOutcome::Unknown,
    }
}

fn still_unknown(error: &crate::Error) -> CommitOutcome {
    tracing::debug!(%error, "an unknown commit cannot be resolved yet");
    CommitOutcome::Unknown
}
