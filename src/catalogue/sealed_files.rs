//! Files of processes that nobody but the server reads in clear: images of identity documents, evidence. Each is sealed under the server's
//! key, bound to its organization and its process, and held for that process from before its bytes are there.
//!
//! What is journaled is the digest of the sealed bytes, by which they are found. The same file sealed twice has two digests, so two
//! processes never share one.

use std::sync::Arc;

use bytes::Bytes;
use store::blobs::{self, Blobs, Digest};
use store::{Store, Timestamp};
use uuid::Uuid;

use super::Error;
use super::references::{Holder, References};
use crate::keys::Keys;
use crate::records::Records;

/// Purpose of the key under which files are sealed.
const PURPOSE: &str = "sealed-file/v1";

/// The sealed files of all organizations. Cheap to clone.
#[derive(Clone)]
pub struct SealedFiles {
    references: References,
    blobs: Blobs,
    keys: Keys,
}

impl SealedFiles {
    /// Over a store and the blobs beside it, with the keys that seal.
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, keys: Keys) -> Self {
        Self { references: References::new(Records::new(store), blobs.clone()), blobs, keys }
    }

    /// Seals bytes and keeps them for a process. The answer is what [`SealedFiles::read`] finds them by. Until a journal names it, the
    /// collector of orphans takes them for what a crash left behind.
    ///
    /// # Errors
    /// [`Error`]; at most a reference without bytes was written then.
    pub async fn put(&self, organization: &str, process: Uuid, bytes: Bytes, now: Timestamp) -> Result<Digest, Error> {
        let (keys, place) = (self.keys.clone(), place(organization, process));
        let sealed = tokio::task::spawn_blocking(move || keys.seal(PURPOSE, &place, &bytes)).await;
        let sealed = sealed.map_err(unsealed)?.map_err(unsealed)?;
        let sealed = Bytes::from(sealed);
        let digest = blobs::digest_of(&sealed).await?;
        self.references.put(organization, &digest, sealed, Holder::Process(process), now).await?;
        Ok(digest)
    }

    /// The bytes in clear; `None` if they were removed.
    ///
    /// # Errors
    /// [`Error`], also for bytes that are damaged, or were sealed for another process or with another key.
    pub async fn read(&self, organization: &str, process: Uuid, digest: &Digest) -> Result<Option<Bytes>, Error> {
        let Some(sealed) = self.blobs.get(organization, digest).await? else { return Ok(None) };
        let (keys, place) = (self.keys.clone(), place(organization, process));
        let opened = tokio::task::spawn_blocking(move || keys.open(PURPOSE, &place, &sealed)).await;
        let opened = opened.map_err(unsealed)?.map_err(unsealed)?;
        Ok(Some(Bytes::from(opened)))
    }

    /// Gives up what [`SealedFiles::put`] kept; the bytes are removed. Idempotent.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn release(&self, organization: &str, process: Uuid, digest: &Digest, now: Timestamp) -> Result<(), Error> {
        self.references.release(organization, digest, Holder::Process(process), now).await
    }
}

/// What a seal is bound to.
fn place(organization: &str, process: Uuid) -> Vec<u8> {
    format!("{organization}/{process}").into_bytes()
}

fn unsealed(error: impl std::fmt::Display) -> Error {
    Error::Sealed(error.to_string())
}

#[cfg(test)]
mod tests {
    use store::model::Model;

    use super::*;

    const AT: Timestamp = Timestamp::UNIX_EPOCH;

    fn files() -> (SealedFiles, Blobs) {
        let blobs = Blobs::memory();
        (SealedFiles::new(Arc::new(Model::new()), blobs.clone(), Keys::from_bytes(&[1; 32])), blobs)
    }

    #[tokio::test]
    async fn a_file_is_read_by_its_own_process_and_organization_only_and_is_not_kept_in_clear() {
        let (files, blobs) = files();
        let (ana, leo) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let digest = files.put("acme", ana, Bytes::from_static(b"an image"), AT).await.unwrap();

        assert_eq!(files.read("acme", ana, &digest).await.unwrap().as_deref(), Some(&b"an image"[..]));
        assert!(files.read("acme", leo, &digest).await.is_err());
        assert_eq!(files.read("other", ana, &digest).await.unwrap(), None);
        let kept = blobs.get("acme", &digest).await.unwrap().unwrap();
        assert!(!kept.windows(8).any(|window| window == b"an image"));
    }

    #[tokio::test]
    async fn the_same_file_of_two_processes_is_two_files_and_a_release_removes_its_own() {
        let (files, blobs) = files();
        let (ana, leo) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let bytes = || Bytes::from_static(b"an image");
        let first = files.put("acme", ana, bytes(), AT).await.unwrap();
        let second = files.put("acme", leo, bytes(), AT).await.unwrap();
        assert_ne!(first, second);

        for _ in 0..2 {
            files.release("acme", ana, &first, AT).await.unwrap();
        }
        assert!(!blobs.is_there("acme", &first).await.unwrap());
        assert_eq!(files.read("acme", ana, &first).await.unwrap(), None);
        assert!(files.read("acme", leo, &second).await.unwrap().is_some());
    }
}
