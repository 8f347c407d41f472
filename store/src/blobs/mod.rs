//! Files: documents, sealed documents, certificates. Content-addressed, kept apart by organization.
//!
//! A blob is written before the journal entry or record that names it; what no entry came to name is collected after a
//! grace period. Nothing here knows what a blob holds, and no blob is ever changed.

mod copies;
mod digest;
mod folder;
mod moving;
mod orphans;
mod reading;
mod s3;
#[cfg(test)]
mod testing;

use std::{path::PathBuf, sync::Arc};

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{
    ObjectStore, ObjectStoreExt,
    local::LocalFileSystem,
    memory::InMemory,
    path::Path,
    throttle::{ThrottleConfig, ThrottledStore},
};
use tokio::sync::RwLock;

use self::folder::{folder_of, organization_of};
pub use self::{
    digest::Digest,
    orphans::Collected,
    reading::{PIECE, Reader},
    s3::S3Options,
};
use crate::Error;

/// Locks over all blobs; one for those whose digests begin alike.
const LOCKS: usize = 64;

/// What is read or written to see whether blobs can be; the folder of an organization has no dot.
const READY: &str = ".ready";

/// From so many bytes on hashing takes long enough (about a millisecond) to keep others waiting.
const LARGE: usize = 1024 * 1024;

/// Where blobs are. Cheap to clone; clones are the same store.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The folder of a local store, for what only a file system leaves behind.
    root: Option<PathBuf>,
    /// Held shared while a blob is written and alone while one is removed: nothing takes away what is just being put again. It
    /// guards one process. Several need what guards a removal above this crate: references, announcements and numbered copies.
    locks: Arc<[RwLock<()>; LOCKS]>,
}

impl Blobs {
    /// Blobs in files under `root`, which is made if it is not there. A blob is on the disk (file and folder synced) when
    /// [`put`](Self::put) answers. Blocks for a moment.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the folder cannot be made or opened.
    pub fn local(root: impl Into<PathBuf>) -> Result<Self, Error> {
        let root = root.into();
        let unusable = |error: &dyn std::fmt::Display| Error::Unavailable(format!("folder {}: {error}", root.display()));
        create_private(&root).map_err(|error| unusable(&error))?;
        let root = root.canonicalize().map_err(|error| unusable(&error))?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(|error| unusable(&error))?.with_fsync(true);
        Ok(Self::over(Arc::new(store), Some(root)))
    }

    /// Blobs in memory, for tests.
    pub fn memory() -> Self {
        Self::over(Arc::new(InMemory::new()), None)
    }

    /// Blobs in memory that are late by this time (of tokio's clock) whatever they are asked, for tests. A deletion is the last to come:
    /// what was put meanwhile goes with it.
    pub fn slow(by: std::time::Duration) -> Self {
        let late = ThrottleConfig {
            wait_get_per_call: by,
            wait_put_per_call: by,
            wait_delete_per_call: by * 5,
            wait_list_per_call: by,
            ..ThrottleConfig::default()
        };
        Self::over(Arc::new(ThrottledStore::new(InMemory::new(), late)), None)
    }

    /// The same blobs as another server reaches them, with locks of its own: for tests.
    pub fn apart(&self) -> Self {
        Self::over(self.store.clone(), self.root.clone())
    }

    fn over(store: Arc<dyn ObjectStore>, root: Option<PathBuf>) -> Self {
        Self { store, root, locks: Arc::new(std::array::from_fn(|_| RwLock::new(()))) }
    }

    /// Keeps these bytes and says what they are called. Putting them again is allowed at any time and makes them new: the
    /// collector's grace period starts afresh, and a damaged file is whole again.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when they could not be kept; [`Error::Refused`] for an impossible organization.
    pub async fn put(&self, organization: &str, bytes: Bytes) -> Result<Digest, Error> {
        let digest = digest_of(&bytes).await?;
        self.put_copy(organization, &digest, 0, bytes).await?;
        Ok(digest)
    }

    /// The bytes, `None` if there is no such blob.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the bytes kept are not those that were put; [`Error::Unavailable`] when they cannot be read.
    pub async fn get(&self, organization: &str, digest: &Digest) -> Result<Option<Bytes>, Error> {
        if let Some(bytes) = self.read(&path_of(organization, digest, 0)?, digest).await? {
            return Ok(Some(bytes));
        }
        // Copies are rare, and so are blobs that are asked for and not there.
        for copy in self.copies(organization, digest).await? {
            if let Some(bytes) = self.read(&copy.location, digest).await? {
                return Ok(Some(bytes));
            }
        }
        Ok(None)
    }

    async fn read(&self, path: &Path, digest: &Digest) -> Result<Option<Bytes>, Error> {
        let found = match self.store.get(path).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unavailable(error)),
        };
        let bytes = found.bytes().await.map_err(unavailable)?;
        if digest_of(&bytes).await? != *digest {
            return Err(Error::Corrupt(format!("blob {digest} holds other bytes than were put")));
        }
        Ok(Some(bytes))
    }

    /// Takes a blob away with all of its copies; one that is not there is no error.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it may still be there.
    pub async fn delete(&self, organization: &str, digest: &Digest) -> Result<(), Error> {
        self.delete_copies(organization, digest, u64::MAX).await
    }

    /// Whether blobs can be reached, for readiness.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when they cannot.
    pub async fn ping(&self) -> Result<(), Error> {
        if let Some(root) = self.root.clone() {
            let looked = tokio::task::spawn_blocking(move || std::fs::metadata(&root).map(|found| found.is_dir()));
            return match looked.await {
                Ok(Ok(true)) => Ok(()),
                Ok(Ok(false)) => Err(Error::Unavailable("the folder of the blobs is no folder".into())),
                Ok(Err(error)) => Err(Error::Unavailable(format!("the folder of the blobs: {error}"))),
                Err(_) => Err(Error::Unavailable("the folder of the blobs could not be looked at".into())),
            };
        }
        // A listing, as asking for one blob does not tell a bucket that is missing. Of a folder that is never there: that of an
        // organization has no dot.
        self.store.list_with_delimiter(Some(&Path::from(READY))).await.map(drop).map_err(unavailable)
    }

    /// Whether blobs can be written, for readiness: writes a file that no organization has. In a folder, so many bytes must be free as well.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when they cannot.
    pub async fn try_write(&self, min_free: u64) -> Result<(), Error> {
        let Some(root) = self.root.clone() else {
            let path = Path::from_iter([READY, "probe"]);
            return self.store.put(&path, Bytes::new().into()).await.map(drop).map_err(unavailable);
        };
        let tried = tokio::task::spawn_blocking(move || {
            let space = rustix::fs::statvfs(&root)?;
            if space.f_bavail.saturating_mul(space.f_frsize) < min_free {
                return Err(std::io::ErrorKind::StorageFull.into());
            }
            let path = root.join(READY);
            let mut file = std::fs::File::create(&path)?;
            std::io::Write::write_all(&mut file, &[0; 4096])?;
            file.sync_all()?;
            std::fs::remove_file(&path)
        });
        match tried.await {
            Ok(tried) => tried.map_err(|error: std::io::Error| Error::Unavailable(format!("the folder of the blobs: {error}"))),
            Err(_) => Err(Error::Unavailable("the folder of the blobs could not be written to".into())),
        }
    }

    /// Organizations that have, or had, blobs, in the order of their folders.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when they cannot be listed.
    pub async fn organizations(&self) -> Result<Vec<String>, Error> {
        let listing = self.store.list_with_delimiter(None).await.map_err(unavailable)?;
        let folders = listing.common_prefixes.iter().filter_map(Path::filename);
        Ok(folders.filter_map(organization_of).collect())
    }

    async fn remove(&self, path: &Path) -> Result<(), Error> {
        match self.store.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(error)),
        }
    }

    fn lock(&self, digest: &Digest) -> &RwLock<()> {
        &self.locks[usize::from(digest.as_bytes()[0]) % LOCKS]
    }

    /// Names of the blobs in one folder (`organization`, and all whose digest begins with a byte), with their age's start.
    async fn listed(&self, organization: &str, first_byte: u8) -> Result<Vec<object_store::ObjectMeta>, Error> {
        let prefix = Path::from_iter([folder_of(organization)?, format!("{first_byte:02x}")]);
        self.store.list(Some(&prefix)).try_collect().await.map_err(unavailable)
    }
}

/// Makes a folder that its owner alone can enter; one that is there keeps its permissions.
fn create_private(folder: &std::path::Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn path_of(organization: &str, digest: &Digest, copy: u64) -> Result<Path, Error> {
    let name = digest.to_string();
    Ok(Path::from_iter([folder_of(organization)?.as_str(), &name[..2], &copies::name(digest, copy)]))
}

fn unavailable(error: object_store::Error) -> Error {
    Error::Unavailable(format!("the files: {error}"))
}

/// The digest of these bytes; of much it is taken beside the threads that serve.
///
/// # Errors
/// [`Error::Unavailable`] when the server is going down.
pub async fn digest_of(bytes: &Bytes) -> Result<Digest, Error> {
    if bytes.len() < LARGE {
        return Ok(Digest::of(bytes));
    }
    let bytes = bytes.clone();
    let taken = tokio::task::spawn_blocking(move || Digest::of(&bytes)).await;
    taken.map_err(|_| Error::Unavailable("a digest could not be taken".into()))
}

#[cfg(test)]
mod tests {
    use super::{testing::everywhere, *};

    #[tokio::test]
    async fn what_was_put_is_got_and_deleted_is_gone() {
        for blobs in everywhere().1 {
            let bytes = Bytes::from_static(b"a contract");
            let digest = blobs.put("acme", bytes.clone()).await.expect("kept");
            assert_eq!(digest, Digest::of(&bytes));
            assert_eq!(blobs.put("acme", bytes.clone()).await.expect("kept again"), digest);
            assert_eq!(blobs.get("acme", &digest).await.expect("readable"), Some(bytes));
            blobs.delete("acme", &digest).await.expect("deleted");
            blobs.delete("acme", &digest).await.expect("deleting nothing is no error");
            assert_eq!(blobs.get("acme", &digest).await.expect("readable"), None);
        }
    }

    #[tokio::test]
    async fn a_blob_is_there_as_long_as_any_of_its_copies_is() {
        let folder = tempfile::tempdir().expect("a folder");
        for blobs in [Blobs::memory(), Blobs::local(folder.path()).expect("a store")] {
            let bytes = Bytes::from_static(b"a contract");
            let digest = Digest::of(&bytes);
            for copy in [0, 3] {
                assert!(!blobs.is_there("acme", &digest).await.expect("reachable"));
                blobs.put_copy("acme", &digest, copy, bytes.clone()).await.expect("kept");
                assert!(blobs.is_there("acme", &digest).await.expect("reachable"), "copy {copy}");
                blobs.delete("acme", &digest).await.expect("deleted");
            }
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_enter_the_folder() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, _blobs) = everywhere();
        let metadata = std::fs::metadata(folder.path().join("blobs")).expect("the folder is there");
        assert_eq!(metadata.permissions().mode() & 0o777, 0o700);
    }

    #[tokio::test]
    async fn the_empty_blob_is_a_blob() {
        for blobs in everywhere().1 {
            let digest = blobs.put("acme", Bytes::new()).await.expect("kept");
            assert_eq!(blobs.get("acme", &digest).await.expect("readable"), Some(Bytes::new()));
        }
    }

    #[tokio::test]
    async fn an_organization_never_sees_anothers_blob() {
        for blobs in everywhere().1 {
            let digest = blobs.put("acme", Bytes::from_static(b"secret")).await.expect("kept");
            for other in ["Acme", "acme2", "../acme", "acme/"] {
                assert_eq!(blobs.get(other, &digest).await.expect("readable"), None, "{other}");
                blobs.delete(other, &digest).await.expect("nothing to delete");
            }
            assert!(blobs.get("acme", &digest).await.expect("readable").is_some());
            assert!(matches!(blobs.put("", Bytes::new()).await, Err(Error::Refused(_))));
        }
    }

    #[tokio::test]
    async fn organizations_are_those_with_blobs() {
        for blobs in everywhere().1 {
            for organization in ["acme", "Société & Co/..", "ümlaut"] {
                blobs.put(organization, Bytes::from_static(b"x")).await.expect("kept");
            }
            let mut found = blobs.organizations().await.expect("listed");
            found.sort();
            assert_eq!(found, ["Société & Co/..", "acme", "ümlaut"]);
        }
    }

    #[tokio::test]
    async fn damaged_bytes_are_never_handed_out_and_putting_heals_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::local(folder.path()).expect("a store");
        let bytes = Bytes::from_static(b"a contract");
        let digest = blobs.put("acme", bytes.clone()).await.expect("kept");
        let name = digest.to_string();
        let file = folder.path().join("acme").join(&name[..2]).join(&name);
        std::fs::write(&file, b"another contract").expect("the file is where it should be");
        assert!(matches!(blobs.get("acme", &digest).await, Err(Error::Corrupt(_))));
        blobs.put("acme", bytes.clone()).await.expect("kept");
        assert_eq!(blobs.get("acme", &digest).await.expect("readable"), Some(bytes));
    }
}
