//! What an export must come to, in `manifest.json`.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};
use store::{Timestamp, blobs::Digest};
use uuid::Uuid;

use super::{Error, at, lines::Part, tally::Contents};
use crate::private_files;

const NAME: &str = "manifest.json";

/// The format that this program writes, and the newest that it reads. 2: journals may have a key and be outside listings; 3: they may
/// have marks. An export of an older format is read as one without.
pub const FORMAT: u32 = 3;

/// Longest manifest that is read, in bytes.
const MAX_BYTES: u64 = 64 * 1024;

/// The manifest of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format.
    pub format: u32,
    /// Of this export.
    pub id: Uuid,
    pub exported_at: Timestamp,
    /// Version of the program that wrote it.
    pub program: String,
    /// The engine that it came from.
    pub source: String,
    /// Of the master key: a key derived from it for this use alone, which tells nothing about it.
    pub key_fingerprint: Digest,
    /// Whether nothing was written while it was made. If not, journals and records are of different moments.
    pub point_in_time: bool,
    /// Whether the files are in the export, or only their names.
    pub with_files: bool,
    /// Journals whose chain of hashes was broken (they are here as they were) and files that held other bytes than their name
    /// says (they are not).
    pub damaged: u64,
    pub contents: Contents,
    pub parts: Vec<Part>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    export: Manifest,
    /// Of `export` as compact JSON with its members in this order: over all parts, as it has the hash of each.
    sha256: Digest,
}

/// Only to find out that a manifest is of a later format.
#[derive(Deserialize)]
struct AnyFormat {
    export: Format,
}

#[derive(Deserialize)]
struct Format {
    format: u32,
}

impl Manifest {
    fn digest(&self) -> Result<Digest, serde_json::Error> {
        serde_json::to_vec(self).map(|json| Digest::of(&json))
    }

    /// Writes it, whole or not at all, and makes it durable.
    ///
    /// # Errors
    /// [`Error::File`].
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let (path, half) = (folder.join(NAME), folder.join("manifest.json.half"));
        let json = self.digest().and_then(|sha256| serde_json::to_vec_pretty(&Sealed { export: self.clone(), sha256 }));
        let mut json = json.map_err(io::Error::from).map_err(at(&path))?;
        json.push(b'\n');
        let write = || {
            let mut file = private_files::create(&half)?;
            file.write_all(&json)?;
            file.sync_all()?;
            fs::rename(&half, &path)?;
            if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
        };
        write().map_err(at(&path))
    }

    /// # Errors
    /// [`Error::Refused`] if there is none or it is of a later format, [`Error::Damaged`] if it is not as it was written.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(NAME);
        let length = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let text = format!("{} has no {NAME}: it is no export, or the export did not end", folder.display());
                return Err(Error::Refused(text));
            }
            other => other.map_err(at(&path))?.len(),
        };
        if length > MAX_BYTES {
            return Err(Error::Damaged(format!("{NAME} is too long")));
        }
        let json = fs::read(&path).map_err(at(&path))?;
        if let Ok(AnyFormat { export: Format { format } }) = serde_json::from_slice(&json)
            && format > FORMAT
        {
            let text = format!("{NAME} has format {format}, this program knows up to {FORMAT}: use a newer program");
            return Err(Error::Refused(text));
        }
        let unreadable = |error: serde_json::Error| {
            Error::Damaged(format!("{NAME} line {}, column {}: not readable", error.line(), error.column()))
        };
        let Sealed { export, sha256 } = serde_json::from_slice(&json).map_err(unreadable)?;
        if export.digest().map_err(unreadable)? != sha256 {
            return Err(Error::Damaged(format!("{NAME} has another SHA-256 than when it was written")));
        }
        Ok(export)
    }

    /// # Errors
    /// [`Error::Damaged`] if it names no such part.
    pub fn part(&self, name: &str) -> Result<&Part, Error> {
        let found = self.parts.iter().find(|part| part.name == name);
        found.ok_or_else(|| Error::Damaged(format!("{NAME} does not name {name}")))
    }
}
