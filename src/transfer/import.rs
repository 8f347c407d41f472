//! From a folder to a store, and the comparison afterwards.

use std::{fmt, path::Path, sync::Arc};

use bytes::Bytes;
use chrono::Utc;
use futures::{StreamExt, TryStreamExt, stream};
use store::{
    Entity, Entry, MAX_COMMIT, MAX_ENTRIES, Mark, RecordKey, Standing, Store, Timestamp,
    blobs::{Blobs, Digest},
};

use super::{
    Error, FILES, FILES_AT_ONCE,
    export::{FILES_PART, JOURNALS_PART, RECORDS_PART},
    lines::{Item, Line, Reader},
    manifest::Manifest,
    marker::{self, Marker},
    progress::{Progress, Report},
    retried,
    tally::{Contents, Tally},
    walk::{self, Depth},
    write::{self, Lanes, Write},
};
use crate::installation;

/// Records that are looked at to see whether a store is empty; what a server leaves that was only started is far less.
const LOOKED_AT: usize = 64;

/// Imports an export into a store that is empty, or into which an import of the same export was begun, and reads everything back.
///
/// Files are written before what names them. Until it has ended well, [`marker::refuse_unfinished`] keeps servers off the store.
///
/// # Errors
/// [`Error`]; what was written stays, and running it again goes on from there.
pub async fn import(
    store: &Arc<dyn Store>,
    blobs: &Blobs,
    folder: &Path,
    key_fingerprint: Option<Digest>,
    report: &Report,
) -> Result<Verdict, Error> {
    let manifest = Manifest::read(folder)?;
    if key_fingerprint.is_some_and(|own| own != manifest.key_fingerprint) {
        let text = "the export was made under another master key: what it holds sealed could not be opened here. Bring that key \
                    first (keys/master.key or keys.master), or take --any-key";
        return Err(Error::Refused(text.into()));
    }
    // All of it before anything is written.
    for part in &manifest.parts {
        part.check(folder)?;
    }
    let resumed = begin(store.as_ref(), &manifest, key_fingerprint).await?;
    if resumed {
        report("an import of this export was begun before: going on");
    }
    import_files(blobs, folder, &manifest, resumed, report).await?;
    let mut lanes = Lanes::new(store, resumed);
    import_records(&mut lanes, folder, &manifest, report).await?;
    import_journals(lanes, folder, &manifest, report).await?;
    let verdict =
        Verdict { export: manifest.contents.clone(), store: read_back(store.as_ref(), blobs, folder, &manifest, report).await? };
    if verdict.is_same() {
        mark(store.as_ref(), &manifest, true).await?;
    }
    Ok(verdict)
}

/// Marks the store as being imported into. True if it was already.
async fn begin(store: &dyn Store, manifest: &Manifest, key_fingerprint: Option<Digest>) -> Result<bool, Error> {
    match marker::read(store).await? {
        Some((_, Marker { export, done: false })) if export == manifest.id => return Ok(true),
        Some((_, Marker { export, done: false })) => {
            let text =
                format!("the import of another export ({export}) into this store has not ended: end it, or take an empty store");
            return Err(Error::Refused(text));
        }
        Some((_, Marker { export, done: true })) if export == manifest.id => {
            return Err(Error::Refused("this export is in the store already, whole: there is nothing to do".into()));
        }
        Some(_) | None => {}
    }
    let entities = retried(|| store.entities(None, 1)).await?;
    let keys = retried(|| store.record_keys(None, LOOKED_AT)).await?;
    if !entities.is_empty() || keys.len() == LOOKED_AT || keys.iter().any(marker::is_moved) {
        let text = "the store is not empty: import into a new data folder or keyspace, before a server was started on it";
        return Err(Error::Refused(text.into()));
    }
    if let Some(own) = key_fingerprint {
        // No server with another key comes first.
        retried(|| installation::hold_to(store, own)).await?;
    }
    mark(store, manifest, false).await?;
    Ok(false)
}

async fn mark(store: &dyn Store, manifest: &Manifest, done: bool) -> Result<(), Error> {
    let version = marker::read(store).await?.map_or(0, |(version, _)| version) + 1;
    let marker = Marker { export: manifest.id, done };
    let body = serde_json::to_vec(&marker).map_err(|error| Error::Refused(error.to_string()))?;
    // As it is read back: an outcome that is not known is found out by comparing.
    let now = Utc::now();
    let at = Timestamp::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now);
    write::put(store, &marker::key(), &store::Record { version, at, body }, false).await
}

async fn import_files(blobs: &Blobs, folder: &Path, manifest: &Manifest, resumed: bool, report: &Report) -> Result<(), Error> {
    let part = manifest.part(FILES_PART)?;
    let mut progress = Progress::new(report, "files", Some(part.lines));
    let copies = folder.join(FILES);
    if manifest.with_files && !copies.is_dir() {
        return Err(Error::Damaged(format!("the folder {FILES} is missing")));
    }
    let copies = if manifest.with_files { Some(Blobs::local(copies)?) } else { None };
    let imported = stream::iter(part.read(folder)?).map(async |line| {
        let (organization, digest, length) = file(line?)?;
        let there = if resumed || copies.is_none() { retried(|| blobs.length(&organization, &digest)).await? } else { None };
        match &copies {
            // Whether it is whole is seen when it is read back.
            _ if there == Some(length) => Ok(()),
            Some(copies) => {
                let bytes = copied(copies, &organization, &digest).await?;
                retried(|| blobs.put(&organization, bytes.clone())).await?;
                Ok(())
            }
            None => Err(Error::Refused(format!(
                "file {digest} of {organization} is not there: an export --without-files needs the files where they were"
            ))),
        }
    });
    let mut imported = std::pin::pin!(imported.buffer_unordered(FILES_AT_ONCE));
    while imported.try_next().await?.is_some() {
        progress.step();
    }
    progress.end();
    Ok(())
}

fn file(line: Line) -> Result<(String, Digest, u64), Error> {
    match line {
        Line::File { organization, sha256, bytes } => Ok((organization, sha256, bytes)),
        _ => Err(Error::Damaged(format!("{FILES_PART} names something else than files"))),
    }
}

async fn copied(copies: &Blobs, organization: &str, digest: &Digest) -> Result<Bytes, Error> {
    match copies.get(organization, digest).await {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(Error::Damaged(format!("file {digest} of {organization} is missing"))),
        Err(store::Error::Corrupt(_)) => {
            Err(Error::Damaged(format!("file {digest} of {organization} holds other bytes than were exported")))
        }
        Err(error) => Err(error.into()),
    }
}

async fn import_records(lanes: &mut Lanes, folder: &Path, manifest: &Manifest, report: &Report) -> Result<(), Error> {
    let mut lines = manifest.part(RECORDS_PART)?.read(folder)?;
    let mut progress = Progress::new(report, "records", Some(manifest.contents.records));
    while let Some(line) = lines.next().transpose()? {
        let Line::Record { organization, collection, key, version: newest } = line else {
            return Err(lines.damaged("a record was expected"));
        };
        let key = RecordKey::new(organization, collection, key);
        lanes.next();
        for expected in 1..=newest {
            let record = match lines.next().transpose()? {
                Some(Line::Version { version, at, body }) if version == expected => store::Record { version, at, body },
                _ => return Err(lines.damaged(&format!("version {expected} was expected"))),
            };
            lanes.write(Write::Put { key: key.clone(), record }).await?;
        }
        progress.step();
    }
    progress.end();
    Ok(())
}

/// The last to write: waits until all is written.
async fn import_journals(mut lanes: Lanes, folder: &Path, manifest: &Manifest, report: &Report) -> Result<(), Error> {
    let mut lines = manifest.part(JOURNALS_PART)?.read(folder)?;
    let mut progress = Progress::new(report, "journals", Some(manifest.contents.journals));
    while let Some(line) = lines.next().transpose()? {
        let Line::Journal { organization, kind, id, head, wake, key, listing, marks } = line else {
            return Err(lines.damaged("a journal was expected"));
        };
        lanes.next();
        let marks = Mark::split(marks.as_deref()).map_err(|_| lines.damaged("the marks of a journal are not whole"))?;
        let standing = Standing { entity: Entity::new(organization, kind, id), head, wake, key, listing, marks };
        import_journal(&mut lanes, &mut lines, &standing).await?;
        progress.step();
    }
    lanes.end().await?;
    progress.end();
    Ok(())
}

/// Appends what was one commit as one commit; the first says whether it is listed, the last brings wake-up and key.
async fn import_journal(lanes: &mut Lanes, lines: &mut Reader, standing: &Standing) -> Result<(), Error> {
    let mut group: Vec<Entry> = Vec::new();
    for expected in 1..=standing.head {
        let entry = match lines.next().transpose()? {
            Some(Line::Entry { seq, at, commit, body }) if seq == expected => Entry { seq, at, commit_id: commit, body },
            _ => return Err(lines.damaged(&format!("entry {expected} was expected"))),
        };
        if !belongs(&group, &entry) {
            let entries = std::mem::take(&mut group);
            let begun = Standing { wake: None, key: None, marks: Vec::new(), ..standing.clone() };
            lanes.write(Write::Append { entries, standing: begun }).await?;
        }
        group.push(entry);
    }
    lanes.write(Write::Append { entries: group, standing: standing.clone() }).await
}

/// Whether an entry was written at once with those before it (or there are none).
fn belongs(group: &[Entry], entry: &Entry) -> bool {
    let bytes: usize = group.iter().map(|entry| entry.body.len()).sum();
    group.last().is_none_or(|last| {
        let at_once = last.commit_id == entry.commit_id && last.at == entry.at;
        at_once && group.len() < MAX_ENTRIES && bytes + entry.body.len() <= MAX_COMMIT
    })
}

/// What the store holds now, and which of the export's files are there.
async fn read_back(
    store: &dyn Store,
    blobs: &Blobs,
    folder: &Path,
    manifest: &Manifest,
    report: &Report,
) -> Result<Contents, Error> {
    let mut tally = Tally::default();
    let mut progress = Progress::new(report, "read back", Some(manifest.contents.journals + manifest.contents.records));
    let mut tell = |item: Item<'_>| {
        if matches!(item, Item::Journal(_) | Item::Record(..)) {
            progress.step();
        }
        tally.take(item);
        Ok(())
    };
    walk::journals(store, Depth::Bodies, &mut tell).await?;
    walk::records(store, Depth::Bodies, &mut tell).await?;
    progress.end();
    let part = manifest.part(FILES_PART)?;
    let mut progress = Progress::new(report, "files read back", Some(part.lines));
    let read = stream::iter(part.read(folder)?).map(async |line| {
        let (organization, digest, _) = file(line?)?;
        let length = if manifest.with_files {
            match retried(|| blobs.get(&organization, &digest)).await {
                Ok(bytes) => bytes.map(|bytes| bytes.len() as u64),
                Err(store::Error::Corrupt(_)) => None,
                Err(error) => return Err(error.into()),
            }
        } else {
            retried(|| blobs.length(&organization, &digest)).await?
        };
        Ok::<_, Error>((organization, digest, length))
    });
    let mut read = std::pin::pin!(read.buffer_unordered(FILES_AT_ONCE));
    while let Some((organization, digest, length)) = read.try_next().await? {
        progress.step();
        match length {
            Some(length) => tally.take(Item::File(&organization, digest, length)),
            None => report(&format!("file {digest} of {organization} is not there, or damaged")),
        }
    }
    progress.end();
    Ok(tally.contents())
}

/// What the export holds beside what the store holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub export: Contents,
    pub store: Contents,
}

impl Verdict {
    pub fn is_same(&self) -> bool {
        self.rows().iter().all(|(.., same)| *same)
    }

    fn rows(&self) -> Vec<(&'static str, String, String, bool)> {
        let (export, store) = (&self.export, &self.store);
        let count = |what, ours: u64, theirs: u64| (what, ours.to_string(), theirs.to_string(), ours == theirs);
        let sum = |what, ours: Digest, theirs: Digest| {
            let short = |digest: Digest| digest.to_string()[..16].to_owned();
            (what, short(ours), short(theirs), ours == theirs)
        };
        vec![
            count("journals", export.journals, store.journals),
            count("entries", export.entries, store.entries),
            sum("hash of journals", export.journals_sum, store.journals_sum),
            // A spare one does no harm.
            ("wake-ups", export.wake_ups.to_string(), store.wake_ups.to_string(), store.wake_ups >= export.wake_ups),
            count("records", export.records, store.records),
            count("versions", export.versions, store.versions),
            sum("hash of records", export.records_sum, store.records_sum),
            count("files", export.files, store.files),
            count("bytes of files", export.file_bytes, store.file_bytes),
            sum("hash of files", export.files_sum, store.files_sum),
        ]
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18}{:>18}{:>18}", "", "export", "store")?;
        for (what, export, store, same) in self.rows() {
            writeln!(f, "{what:<18}{export:>18}{store:>18}  {}", if same { "same" } else { "DIFFERENT" })?;
        }
        Ok(())
    }
}
