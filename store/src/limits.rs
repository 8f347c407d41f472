//! What every engine refuses, in one place, so that all refuse the same.

use crate::{
    Commit, Entity, Error, MAX_BODY, MAX_COMMIT, MAX_COUNTER, MAX_ENTRIES, MAX_KEY, MAX_LOADS, MAX_MARKS, MAX_NAME, RecordKey,
    types::is_hidden,
};

/// Refuses a commit that no engine may write: without entries, or over a bound.
pub(crate) fn check_commit(commit: &Commit) -> Result<(), Error> {
    check_entity(&commit.entity)?;
    if commit.entries.is_empty() {
        return Err(Error::Refused("a commit needs at least one entry".into()));
    }
    if commit.entries.len() > MAX_ENTRIES {
        return Err(Error::Refused(format!("a commit of {} entries, at most {MAX_ENTRIES} are allowed", commit.entries.len())));
    }
    if i64::try_from(commit.expected_head).map_or(true, |head| head > i64::MAX - MAX_ENTRIES as i64) {
        return Err(Error::Refused("the expected head is out of range".into()));
    }
    for body in commit.entries.iter().chain(&commit.snapshot) {
        check_body(body)?;
    }
    if let Some(key) = commit.key.as_ref().filter(|key| key.len() > MAX_KEY) {
        return Err(Error::Refused(format!("a key of {} bytes, at most {MAX_KEY} are allowed", key.len())));
    }
    if let Some(marks) = commit.marks.as_ref().filter(|marks| marks.len() > MAX_MARKS) {
        return Err(Error::Refused(format!("{} marks of an entity, at most {MAX_MARKS} are allowed", marks.len())));
    }
    let total = commit_size(commit);
    if total > MAX_COMMIT {
        return Err(Error::Refused(format!("a commit of {total} bytes, at most {MAX_COMMIT} are allowed")));
    }
    Ok(())
}

/// Refuses to load more entities at once than any engine may be asked for.
pub(crate) fn check_loads(entities: &[Entity]) -> Result<(), Error> {
    if entities.len() > MAX_LOADS {
        return Err(Error::Refused(format!("{} entities to load at once, at most {MAX_LOADS} are allowed", entities.len())));
    }
    Ok(())
}

/// Refuses to list a collection that has no index.
pub(crate) fn check_listed(collection: &str) -> Result<(), Error> {
    if is_hidden(collection) {
        return Err(Error::Refused(
            "a collection whose name begins with \"__\" cannot be listed: read its records by their keys".into(),
        ));
    }
    Ok(())
}

/// Refuses a record that no engine may write.
pub(crate) fn check_put(key: &RecordKey, expected_version: u64, body: &[u8]) -> Result<(), Error> {
    check_name("organization", &key.organization)?;
    check_name("collection", &key.collection)?;
    check_name("key", &key.key)?;
    if i64::try_from(expected_version).map_or(true, |version| version == i64::MAX) {
        return Err(Error::Refused("the expected version is out of range".into()));
    }
    if !key.keeps_versions() && body.len() > MAX_COUNTER {
        return Err(Error::Refused(format!("a counter of {} bytes, at most {MAX_COUNTER} are allowed", body.len())));
    }
    check_body(body)
}

/// Bytes of the bodies that a commit carries.
pub(crate) fn commit_size(commit: &Commit) -> usize {
    commit.entries.iter().chain(&commit.snapshot).map(Vec::len).sum()
}

fn check_entity(entity: &Entity) -> Result<(), Error> {
    check_name("organization", &entity.organization)?;
    check_name("kind", &entity.kind)
}

fn check_body(body: &[u8]) -> Result<(), Error> {
    if body.len() > MAX_BODY {
        return Err(Error::Refused(format!("a body of {} bytes, at most {MAX_BODY} are allowed", body.len())));
    }
    Ok(())
}

/// Names come from outside; the message says which one and never repeats it.
fn check_name(what: &str, name: &str) -> Result<(), Error> {
    if name.len() > MAX_NAME {
        return Err(Error::Refused(format!("the {what} has {} bytes, at most {MAX_NAME} are allowed", name.len())));
    }
    Ok(())
}

/// The newest body takes the place of all before it: it must be short, as there may be many.
pub(crate) fn check_forgotten(newest: &[u8]) -> Result<(), Error> {
    if newest.len() > MAX_COUNTER {
        return Err(Error::Refused(format!("a record whose versions are forgotten has at most {MAX_COUNTER} bytes")));
    }
    Ok(())
}
