//! The parts of an export: files of JSON lines, each with the SHA-256 of all its bytes.

use std::{
    fs,
    io::{self, BufRead, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};
use store::{Listing, Mark, RecordKey, Standing, Timestamp, blobs::Digest};
use uuid::Uuid;

use super::{Error, at};
use crate::private_files;

/// Longest line, in bytes: a body of the longest length in base64, and names.
const MAX_LINE: u64 = 1024 * 1024;

/// Bytes that are hashed at once.
const CHUNK: usize = 64 * 1024;

/// One thing of an installation, as it is walked over.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    Journal(&'a Standing),
    /// Of the last journal, in order.
    Entry(&'a store::Entry),
    /// A record and its newest version.
    Record(&'a RecordKey, u64),
    /// Of the last record, the first version first.
    Version(&'a store::Record),
    /// A file's organization, SHA-256 and length in bytes.
    File(&'a str, Digest, u64),
}

/// A line. Instants are microseconds since 1970 (UTC), bodies base64.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Line {
    /// A process; its entries 1 to `head` follow.
    Journal {
        organization: String,
        kind: String,
        id: Uuid,
        head: u64,
        /// When it must be looked at.
        #[serde(with = "chrono::serde::ts_microseconds_option")]
        wake: Option<Timestamp>,
        /// What is in its key slot.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "base64_slot")]
        key: Option<Vec<u8>>,
        #[serde(default, skip_serializing_if = "is_listed")]
        listing: Listing,
        /// What it is found by, one after the other.
        #[serde(default, skip_serializing_if = "Option::is_none", with = "base64_slot")]
        marks: Option<Vec<u8>>,
    },
    Entry {
        seq: u64,
        #[serde(with = "chrono::serde::ts_microseconds")]
        at: Timestamp,
        /// What was written at once has one.
        commit: Uuid,
        #[serde(with = "base64_text")]
        body: Vec<u8>,
    },
    /// A record; its versions 1 to `version` follow. Of a hidden one the newest alone, as version 1.
    Record {
        organization: String,
        collection: String,
        key: String,
        version: u64,
    },
    Version {
        version: u64,
        #[serde(with = "chrono::serde::ts_microseconds")]
        at: Timestamp,
        #[serde(with = "base64_text")]
        body: Vec<u8>,
    },
    File {
        organization: String,
        sha256: Digest,
        bytes: u64,
    },
}

impl From<Item<'_>> for Line {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Journal(Standing { entity, head, wake, key, listing, marks }) => Self::Journal {
                organization: entity.organization.to_string(),
                kind: entity.kind.to_string(),
                id: entity.id,
                head: *head,
                wake: *wake,
                key: key.clone(),
                listing: *listing,
                marks: (!marks.is_empty()).then(|| Mark::joined(marks)),
            },
            Item::Entry(entry) => Self::Entry { seq: entry.seq, at: entry.at, commit: entry.commit_id, body: entry.body.clone() },
            Item::Record(key, version) => Self::Record {
                organization: key.organization.to_string(),
                collection: key.collection.to_string(),
                key: key.key.clone(),
                version: if key.is_hidden() { 1 } else { version },
            },
            Item::Version(record) => Self::Version { version: record.version, at: record.at, body: record.body.clone() },
            Item::File(organization, sha256, bytes) => Self::File { organization: organization.to_owned(), sha256, bytes },
        }
    }
}

fn is_listed(listing: &Listing) -> bool {
    *listing == Listing::Listed
}

mod base64_slot {
    use serde::{Deserializer, Serializer};

    use super::base64_text;

    pub fn serialize<S: Serializer>(key: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        match key {
            Some(key) => base64_text::serialize(key, serializer),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        base64_text::deserialize(deserializer).map(Some)
    }
}

mod base64_text {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        // Without the text: it is personal data.
        STANDARD.decode(String::deserialize(deserializer)?).map_err(|_| D::Error::custom("a body is not base64"))
    }
}

/// What a part's file must come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    pub name: String,
    pub lines: u64,
    pub bytes: u64,
    pub sha256: Digest,
}

/// Writes a part. Blocks on the disk, as nothing else is to be done meanwhile.
pub struct Writer {
    path: PathBuf,
    name: &'static str,
    file: BufWriter<fs::File>,
    hash: digest::Context,
    lines: u64,
    bytes: u64,
    line: Vec<u8>,
}

impl Writer {
    /// # Errors
    /// [`Error::File`], if the part is there already too.
    pub fn create(folder: &Path, name: &'static str) -> Result<Self, Error> {
        let path = folder.join(name);
        let file = private_files::create(&path).map_err(at(&path))?;
        let hash = digest::Context::new(&digest::SHA256);
        Ok(Self { path, name, file: BufWriter::with_capacity(CHUNK, file), hash, lines: 0, bytes: 0, line: Vec::new() })
    }

    pub fn write(&mut self, item: Item<'_>) -> Result<(), Error> {
        self.line.clear();
        let written = serde_json::to_writer(&mut self.line, &Line::from(item)).map_err(io::Error::from);
        self.line.push(b'\n');
        self.hash.update(&self.line);
        self.lines += 1;
        self.bytes += self.line.len() as u64;
        written.and_then(|()| self.file.write_all(&self.line)).map_err(at(&self.path))
    }

    /// Makes the part durable.
    pub fn finish(mut self) -> Result<Part, Error> {
        self.file.flush().and_then(|()| self.file.get_ref().sync_all()).map_err(at(&self.path))?;
        Ok(Part { name: self.name.to_owned(), lines: self.lines, bytes: self.bytes, sha256: sha256(self.hash) })
    }
}

pub fn sha256(hash: digest::Context) -> Digest {
    let mut own = [0; 32];
    own.copy_from_slice(hash.finish().as_ref());
    Digest::from(own)
}

impl Part {
    /// Reads the whole file and compares it with what it must come to.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not that.
    pub fn check(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(&self.name);
        let mut file = self.open(&path)?;
        let length = file.metadata().map_err(at(&path))?.len();
        if length != self.bytes {
            return Err(Error::Damaged(format!("{} has {length} bytes, {} were written", self.name, self.bytes)));
        }
        let mut hash = digest::Context::new(&digest::SHA256);
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk).map_err(at(&path))? {
                0 => break,
                read => hash.update(&chunk[..read]),
            }
        }
        if sha256(hash) != self.sha256 {
            return Err(Error::Damaged(format!("{} has another SHA-256 than when it was written", self.name)));
        }
        Ok(())
    }

    /// Its lines, from the first. To be checked before.
    pub fn read(&self, folder: &Path) -> Result<Reader, Error> {
        let path = folder.join(&self.name);
        let file = self.open(&path)?;
        Ok(Reader { path, name: self.name.clone(), file: BufReader::with_capacity(CHUNK, file), number: 0, line: Vec::new() })
    }

    fn open(&self, path: &Path) -> Result<fs::File, Error> {
        match fs::File::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Error::Damaged(format!("{} is missing", self.name))),
            other => other.map_err(at(path)),
        }
    }
}

/// Reads a part line by line.
pub struct Reader {
    path: PathBuf,
    name: String,
    file: BufReader<fs::File>,
    number: u64,
    line: Vec<u8>,
}

impl Reader {
    /// Damage in the line that was read last.
    pub fn damaged(&self, what: &str) -> Error {
        Error::Damaged(format!("{} line {}: {what}", self.name, self.number))
    }

    fn read(&mut self) -> Result<Option<Line>, Error> {
        self.line.clear();
        self.number += 1;
        (&mut self.file).take(MAX_LINE).read_until(b'\n', &mut self.line).map_err(at(&self.path))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        let whole = self.line.last() == Some(&b'\n');
        if !whole {
            return Err(self.damaged("it is too long or cut off"));
        }
        // Without what stands there: it is personal data.
        serde_json::from_slice(&self.line)
            .map(Some)
            .map_err(|error| self.damaged(&format!("not readable (column {})", error.column())))
    }
}

impl Iterator for Reader {
    type Item = Result<Line, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
