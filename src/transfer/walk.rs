//! Walking over everything that a store holds, in the engine's own order.

use futures::{StreamExt, stream};
use store::{RecordKey, Standing, Store};

use super::{Error, lines::Item, marker, retried};

/// Journals, and keys of records, in one page.
const PAGE: usize = 256;

/// Entries of one journal, and versions of one record, that are read at once.
const STEP: u64 = 32;

/// Journals and records whose first page is read ahead. At most this many pages are in memory: usually a few hundred KB, and 128 MB
/// if every body were as long as bodies may be.
const AHEAD: usize = 16;

/// How much of each thing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Which journals and records there are and how far they have come.
    Heads,
    /// Entries and versions too.
    Bodies,
}

/// Tells every journal, with entries 1 to the head that it was found with. What is written meanwhile is left out.
///
/// # Errors
/// Those of the store and of `tell`; [`store::Error::Corrupt`] for a journal with a hole.
pub async fn journals(
    store: &dyn Store,
    depth: Depth,
    tell: &mut impl FnMut(Item<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = retried(|| store.entities(after.as_ref(), PAGE)).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.entity.clone());
        let begun = page.into_iter().filter(|standing| standing.head > 0).map(async |standing| {
            let first = if depth == Depth::Bodies { entries(store, &standing, 1).await? } else { Vec::new() };
            Ok::<_, Error>((standing, first))
        });
        let mut begun = std::pin::pin!(stream::iter(begun).buffered(AHEAD));
        while let Some(begun) = begun.next().await {
            let (standing, mut some) = begun?;
            tell(Item::Journal(&standing))?;
            let mut told = 0;
            while !some.is_empty() {
                some.iter().try_for_each(|entry| tell(Item::Entry(entry)))?;
                told += some.len() as u64;
                some = if told < standing.head { entries(store, &standing, told + 1).await? } else { Vec::new() };
            }
        }
    }
}

/// The entries from `from`, at most a step of them and none after the head.
async fn entries(store: &dyn Store, standing: &Standing, from: u64) -> Result<Vec<store::Entry>, Error> {
    let wanted = STEP.min(standing.head + 1 - from);
    let entries = retried(|| store.entries(&standing.entity, from, wanted as usize)).await?;
    let whole = entries.iter().map(|entry| entry.seq).eq(from..from + wanted);
    if whole { Ok(entries) } else { Err(hole(&standing.entity.id.to_string(), from, standing.head)) }
}

/// Tells every record, with versions 1 to the one that it was found with; of a hidden one the newest, as version 1.
///
/// # Errors
/// As [`journals`].
pub async fn records(store: &dyn Store, depth: Depth, tell: &mut impl FnMut(Item<'_>) -> Result<(), Error>) -> Result<(), Error> {
    let mut after = None;
    loop {
        let page = retried(|| store.record_keys(after.as_ref(), PAGE)).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        let begun = page.into_iter().filter(marker::is_moved).map(async |key| {
            let current = retried(|| store.get(&key)).await?.ok_or_else(|| hole(&key.key, 1, 0))?;
            let newest = current.version;
            let first = match (depth, newest) {
                (Depth::Heads, _) => Vec::new(),
                // Of a hidden one there is no more; where it goes, it begins.
                (Depth::Bodies, _) if key.is_hidden() => vec![store::Record { version: 1, ..current }],
                (Depth::Bodies, 1) => vec![current],
                (Depth::Bodies, _) => versions(store, &key, 1, newest).await?,
            };
            Ok::<_, Error>((key, newest, first))
        });
        let mut begun = std::pin::pin!(stream::iter(begun).buffered(AHEAD));
        while let Some(begun) = begun.next().await {
            let (key, newest, mut some) = begun?;
            tell(Item::Record(&key, newest))?;
            let mut told = 0;
            while !some.is_empty() {
                some.iter().try_for_each(|version| tell(Item::Version(version)))?;
                told += some.len() as u64;
                some =
                    if told < newest && !key.is_hidden() { versions(store, &key, told + 1, newest).await? } else { Vec::new() };
            }
        }
    }
}

/// The versions from `from`, the earliest first, at most a step of them and none after `newest`.
async fn versions(store: &dyn Store, key: &RecordKey, from: u64, newest: u64) -> Result<Vec<store::Record>, Error> {
    let wanted = STEP.min(newest + 1 - from);
    let mut versions = retried(|| store.history(key, Some(from + wanted), wanted as usize)).await?;
    versions.reverse();
    let whole = versions.iter().map(|record| record.version).eq(from..from + wanted);
    if whole { Ok(versions) } else { Err(hole(&key.key, from, newest)) }
}

fn hole(name: &str, from: u64, head: u64) -> Error {
    store::Error::Corrupt(format!("{name} has a hole at or after {from}, and goes to {head}")).into()
}
