//! Moving an installation from one store to another, through a folder: `rubrica export`, `rubrica import`.
//!
//! It reads and writes through the store's trait and the blobs alone, so it moves between any two engines. An export is a folder:
//!
//! * `journals.jsonl`: each process and its entries; `records.jsonl`: each record and its versions; `files.jsonl`: the name of each
//!   file. One JSON object on each line ([`lines::Line`]).
//! * `files/`: the files, by organization and SHA-256, in the layout of a data folder's `files`.
//! * `manifest.json`: what all that must come to ([`manifest::Manifest`]). It is written last: without it the export did not end.
//!
//! Whatever the size of the installation, no more than a few pages of entries or a few files are in memory. Snapshots are not
//! moved, as they only shorten loads; keys are not moved either. What an export holds is personal data: it is readable by its owner
//! only, and must never be kept where the installation itself would not be.

pub mod command;
mod export;
mod import;
mod lines;
mod manifest;
mod marker;
mod progress;
mod tally;
#[cfg(test)]
mod tests;
mod walk;
mod write;

use std::{io, path::PathBuf, time::Duration};

pub use export::{Source, export};
pub use import::{Verdict, import};
pub use manifest::Manifest;
pub use marker::refuse_unfinished;
pub use progress::Report;

/// Folder of the files in an export.
const FILES: &str = "files";

/// Files that are copied at once, each of at most `documents.limit` bytes.
const FILES_AT_ONCE: usize = 4;

/// Attempts at a call that a store cannot answer for the moment, over about half a minute.
const ATTEMPTS: usize = 15;

/// Wait after the first attempt; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(10);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Why an installation could not be moved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("{}: {source}", path.display())]
    File { path: PathBuf, source: io::Error },
    /// The export is not what its manifest says, or not readable. Says where.
    #[error("the export is damaged: {0}")]
    Damaged(String),
    /// Something stands in the way; says what to do.
    #[error("{0}")]
    Refused(String),
    /// The store holds something under a name of the export that is not what the export holds.
    #[error("{0} is in the store already, and not as the export has it: import into an empty store")]
    Different(String),
    /// The store could not tell, again and again, whether it wrote. Running the import again finds out.
    #[error("whether {0} was written is not known: run the import again")]
    Undecided(String),
}

fn at(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Error {
    let path = path.into();
    move |source| Error::File { path, source }
}

/// The wait before attempt `number` (the first is 0).
fn wait_before(number: usize) -> Duration {
    match u32::try_from(number) {
        Ok(0) => Duration::ZERO,
        Ok(number) => FIRST_WAIT.saturating_mul(1 << (number - 1).min(16)).min(LONGEST_WAIT),
        Err(_) => LONGEST_WAIT,
    }
}

/// A call, and again while the store is not available.
async fn retried<T, Called>(mut call: impl FnMut() -> Called) -> Result<T, store::Error>
where
    Called: Future<Output = Result<T, store::Error>>,
{
    for number in 1..ATTEMPTS {
        match call().await {
            Err(store::Error::Unavailable(_)) => tokio::time::sleep(wait_before(number)).await,
            answer => return answer,
        }
    }
    call().await
}
