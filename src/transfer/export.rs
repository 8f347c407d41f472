//! From a store to a folder.

use std::{
    fs::{self, DirBuilder},
    path::Path,
};

use actors::journal::{self, Hash};
use chrono::Utc;
use futures::StreamExt;
use store::{
    Entity, Entry, Standing, Store,
    blobs::{Blobs, Digest},
};
use uuid::Uuid;

use super::{
    Error, FILES, FILES_AT_ONCE, at,
    lines::{Item, Part, Writer},
    manifest::{FORMAT, Manifest},
    marker,
    progress::{Progress, Report},
    retried,
    tally::Tally,
    walk::{self, Depth},
};

pub const JOURNALS_PART: &str = "journals.jsonl";
pub const RECORDS_PART: &str = "records.jsonl";
pub const FILES_PART: &str = "files.jsonl";

/// Damages that are told one by one; all are counted.
const TOLD: u64 = 20;

/// What is exported, and how.
#[derive(Clone, Debug)]
pub struct Source {
    /// The engine's name.
    pub engine: String,
    /// See [`Manifest::key_fingerprint`].
    pub key_fingerprint: Digest,
    /// Whether files are copied, or only named because both installations use the same bucket.
    pub with_files: bool,
    /// Whether an export during which something was written is kept.
    pub live: bool,
}

/// Exports everything into a folder that is empty or not there yet.
///
/// That nothing was written meanwhile is found out by reading all heads once more afterwards: heads only grow, so if all are as they
/// were, the export is the installation as it was between the two readings.
///
/// # Errors
/// [`Error`]; the folder then has no manifest, and no import takes it.
pub async fn export(
    store: &dyn Store,
    blobs: &Blobs,
    folder: &Path,
    source: &Source,
    report: &Report,
) -> Result<Manifest, Error> {
    marker::refuse_unfinished(store).await?;
    make_folder(folder)?;
    let mut tally = Tally::default();
    let mut damages = Damages { report: report.clone(), count: 0 };
    let journals = export_journals(store, folder, &mut tally, &mut damages, report).await?;
    let records = export_records(store, folder, &mut tally, report).await?;
    // After what names them: whatever is named was there before.
    let files = export_files(blobs, folder, source.with_files, &mut tally, &mut damages, report).await?;
    let point_in_time = heads(store).await? == tally.heads();
    if !point_in_time && !source.live {
        let text = "something was written while the export was made: stop every server that uses the store, then export again \
                    into another folder (--live keeps such an export, but what it holds is of different moments)";
        return Err(Error::Refused(text.into()));
    }
    let manifest = Manifest {
        format: FORMAT,
        id: Uuid::now_v7(),
        exported_at: Utc::now(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        source: source.engine.clone(),
        key_fingerprint: source.key_fingerprint,
        point_in_time,
        with_files: source.with_files,
        damaged: damages.count,
        contents: tally.contents(),
        parts: vec![journals, records, files],
    };
    manifest.write(folder)?;
    Ok(manifest)
}

fn make_folder(folder: &Path) -> Result<(), Error> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder).map_err(at(folder))?;
    if fs::read_dir(folder).map_err(at(folder))?.next().is_some() {
        return Err(Error::Refused(format!("{} is not empty: export into a new folder", folder.display())));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(at(folder))?;
    }
    Ok(())
}

async fn heads(store: &dyn Store) -> Result<(u64, u64, Digest), Error> {
    let mut tally = Tally::default();
    let mut tell = |item: Item<'_>| {
        tally.take(item);
        Ok(())
    };
    walk::journals(store, Depth::Heads, &mut tell).await?;
    walk::records(store, Depth::Heads, &mut tell).await?;
    Ok(tally.heads())
}

async fn export_journals(
    store: &dyn Store,
    folder: &Path,
    tally: &mut Tally,
    damages: &mut Damages,
    report: &Report,
) -> Result<Part, Error> {
    let mut part = Writer::create(folder, JOURNALS_PART)?;
    let mut progress = Progress::new(report, "journals", None);
    let mut chain = Chain::default();
    walk::journals(store, Depth::Bodies, &mut |item| {
        tally.take(item);
        match item {
            Item::Journal(standing) => {
                progress.step();
                chain.begin(standing);
            }
            Item::Entry(entry) => {
                if let Some(damage) = chain.follow(entry) {
                    damages.tell(&damage);
                }
            }
            _ => {}
        }
        part.write(item)
    })
    .await?;
    progress.end();
    part.finish()
}

async fn export_records(store: &dyn Store, folder: &Path, tally: &mut Tally, report: &Report) -> Result<Part, Error> {
    let mut part = Writer::create(folder, RECORDS_PART)?;
    let mut progress = Progress::new(report, "records", None);
    walk::records(store, Depth::Bodies, &mut |item| {
        tally.take(item);
        if let Item::Record(..) = item {
            progress.step();
        }
        part.write(item)
    })
    .await?;
    progress.end();
    part.finish()
}

async fn export_files(
    blobs: &Blobs,
    folder: &Path,
    with_files: bool,
    tally: &mut Tally,
    damages: &mut Damages,
    report: &Report,
) -> Result<Part, Error> {
    let mut part = Writer::create(folder, FILES_PART)?;
    let mut progress = Progress::new(report, "files", None);
    let copies = if with_files { Some(Blobs::local(folder.join(FILES))?) } else { None };
    for organization in retried(|| blobs.organizations()).await? {
        let copied = blobs.of_organization(&organization)?.map(|found| async {
            let (digest, length) = found?;
            match &copies {
                Some(copies) => copy(blobs, copies, &organization, digest).await,
                None => Ok(Copied::As(digest, length)),
            }
        });
        let mut copied = std::pin::pin!(copied.buffer_unordered(FILES_AT_ONCE));
        while let Some(copied) = copied.next().await {
            progress.step();
            match copied? {
                Copied::As(digest, length) => {
                    let item = Item::File(&organization, digest, length);
                    tally.take(item);
                    part.write(item)?;
                }
                Copied::Gone => {}
                Copied::Damaged(what) => damages.tell(&what),
            }
        }
    }
    progress.end();
    part.finish()
}

enum Copied {
    As(Digest, u64),
    /// Taken away since it was listed. If that was a change of the installation, its records tell.
    Gone,
    Damaged(String),
}

async fn copy(blobs: &Blobs, copies: &Blobs, organization: &str, digest: Digest) -> Result<Copied, Error> {
    let bytes = match retried(|| blobs.get(organization, &digest)).await {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Ok(Copied::Gone),
        Err(store::Error::Corrupt(what)) => return Ok(Copied::Damaged(format!("{what}; it is left out"))),
        Err(error) => return Err(error.into()),
    };
    let length = bytes.len() as u64;
    copies.put(organization, bytes).await?;
    Ok(Copied::As(digest, length))
}

/// What was found broken in the installation itself.
struct Damages {
    report: Report,
    count: u64,
}

impl Damages {
    fn tell(&mut self, what: &str) {
        self.count += 1;
        if self.count <= TOLD {
            (self.report)(&format!("damaged in this installation: {what}"));
        }
    }
}

/// Follows the chain of hashes of one journal after the other.
#[derive(Default)]
struct Chain {
    entity: Option<Entity>,
    /// `None` once it is broken.
    last: Option<Hash>,
}

impl Chain {
    fn begin(&mut self, standing: &Standing) {
        self.entity = Some(standing.entity.clone());
        self.last = Some(Hash::of_entity(journal::Chain::Sealed, &standing.entity));
    }

    /// What is wrong with the entry, if it is the first of its journal with which something is.
    fn follow(&mut self, entry: &Entry) -> Option<String> {
        let (entity, last) = (self.entity.as_ref()?, self.last.take()?);
        // Nothing is opened: journals are moved as they are, with their wrapped keys.
        match journal::follow(entity, entry.seq - 1, last, entry) {
            Ok(hash) => {
                self.last = Some(hash);
                None
            }
            Err(error) => Some(format!("{} {}: {error}; it is exported as it is", entity.kind, entity.id)),
        }
    }
}
