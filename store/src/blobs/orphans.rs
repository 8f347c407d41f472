//! Taking away what nothing refers to: blobs whose journal entry was never written, and what torn uploads left behind.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::SystemTime};

use super::{Blobs, Digest, copies, folder::folder_of};
use crate::{Error, Timestamp};

/// What a collection saw and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs looked at.
    pub seen: u64,
    /// Blobs and remains of uploads taken away.
    pub removed: u64,
}

impl Blobs {
    /// Shows every blob that was last put before `older_than` to `take_away`, which removes it or leaves it and says whether it did, and
    /// removes what uploads torn before then left behind. `older_than` must lie a grace period back, longer than any caller takes from
    /// putting a blob to committing the entry that names it. Where others put blobs meanwhile, `take_away` removes by
    /// [`Blobs::delete_old`], which looks at the age again.
    ///
    /// Works folder by folder (a 256th of an organization's blobs), so its memory is bounded by that.
    ///
    /// # Errors
    /// The first error of the blobs or of `take_away`; what was removed until then stays removed.
    pub async fn collect_orphans<Taken>(
        &self,
        older_than: Timestamp,
        mut take_away: impl FnMut(Arc<str>, Digest) -> Taken,
    ) -> Result<Collected, Error>
    where
        Taken: Future<Output = Result<bool, Error>>,
    {
        let mut collected = Collected::default();
        for organization in self.organizations().await? {
            let organization: Arc<str> = organization.into();
            for first_byte in 0..=u8::MAX {
                // By digest: the copies of one blob are looked at together.
                let mut newest: BTreeMap<Digest, Timestamp> = BTreeMap::new();
                for blob in self.listed(&organization, first_byte).await? {
                    let Some((digest, _)) = blob.location.filename().and_then(copies::parse) else { continue };
                    let put = newest.entry(digest).or_insert(blob.last_modified);
                    *put = blob.last_modified.max(*put);
                }
                for (digest, put) in newest {
                    collected.seen += 1;
                    if put < older_than {
                        collected.removed += u64::from(take_away(Arc::clone(&organization), digest).await?);
                    }
                }
                collected.removed += self.remove_torn_uploads(&organization, first_byte, older_than).await?;
            }
        }
        Ok(collected)
    }

    /// A local store writes beside the blob, to its name with `#` and a number, and renames; a crash leaves that file,
    /// which the listing does not show.
    async fn remove_torn_uploads(&self, organization: &str, first_byte: u8, older_than: Timestamp) -> Result<u64, Error> {
        let Some(root) = &self.root else { return Ok(0) };
        let folder = root.join(folder_of(organization)?).join(format!("{first_byte:02x}"));
        let removing = tokio::task::spawn_blocking(move || remove_staged(folder, older_than.into()));
        let removed = removing.await.map_err(|error| Error::Unavailable(format!("collecting uploads: {error}")))?;
        removed.map_err(|error| Error::Unavailable(format!("collecting uploads: {error}")))
    }
}

fn remove_staged(folder: PathBuf, older_than: SystemTime) -> std::io::Result<u64> {
    let files = match std::fs::read_dir(&folder) {
        Ok(files) => files,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let mut removed = 0;
    for file in files {
        let file = file?;
        if !file.file_name().to_str().is_some_and(is_staged) {
            continue;
        }
        match file.metadata().and_then(|metadata| metadata.modified()) {
            Ok(modified) if modified < older_than => {
                std::fs::remove_file(file.path())?;
                removed += 1;
            }
            // An upload that just finished has taken its file away.
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(removed)
}

/// The name of a copy, `#` and digits: nothing else in these folders is ours to remove.
fn is_staged(name: &str) -> bool {
    name.split_once('#').is_some_and(|(blob, number)| {
        copies::parse(blob).is_some() && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    struct World {
        folder: tempfile::TempDir,
        blobs: Blobs,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let blobs = Blobs::local(folder.path()).expect("a store");
            Self { folder, blobs }
        }

        fn file(&self, digest: &Digest, suffix: &str) -> PathBuf {
            let name = digest.to_string();
            self.folder.path().join("acme").join(&name[..2]).join(format!("{name}{suffix}"))
        }

        /// Puts a blob that looks an hour older than it is.
        async fn put_old(&self, bytes: &'static [u8]) -> Digest {
            let digest = self.blobs.put("acme", Bytes::from_static(bytes)).await.expect("kept");
            age(&self.file(&digest, ""));
            digest
        }

        async fn has(&self, digest: &Digest) -> bool {
            self.blobs.get("acme", digest).await.expect("readable").is_some()
        }
    }

    fn age(file: &std::path::Path) {
        let file = std::fs::File::options().write(true).open(file).expect("the file");
        file.set_modified(SystemTime::now() - Duration::from_secs(3600)).expect("aged");
    }

    fn half_an_hour_ago() -> Timestamp {
        Timestamp::from(SystemTime::now() - Duration::from_secs(1800))
    }

    /// Collects what is older than half an hour and not `named`.
    async fn collect(blobs: &Blobs, named: Option<Digest>) -> Result<Collected, Error> {
        let older_than = half_an_hour_ago();
        let take_away = async |organization: Arc<str>, digest| {
            assert_eq!(&*organization, "acme");
            if Some(digest) == named { Ok(false) } else { blobs.delete_old(&organization, &digest, 9, older_than).await }
        };
        blobs.collect_orphans(older_than, take_away).await
    }

    #[tokio::test]
    async fn only_old_blobs_that_nothing_names_are_collected() {
        let world = World::new();
        let orphan = world.put_old(b"orphan").await;
        let named = world.put_old(b"named").await;
        let fresh = world.blobs.put("acme", Bytes::from_static(b"fresh")).await.expect("kept");
        let collected = collect(&world.blobs, Some(named)).await;
        assert_eq!(collected.expect("collected"), Collected { seen: 3, removed: 1 });
        assert!(!world.has(&orphan).await);
        assert!(world.has(&named).await && world.has(&fresh).await);
    }

    #[tokio::test]
    async fn a_blob_put_again_is_spared() {
        let world = World::new();
        let digest = world.put_old(b"contract").await;
        world.blobs.put("acme", Bytes::from_static(b"contract")).await.expect("kept");
        assert_eq!(collect(&world.blobs, None).await.expect("collected"), Collected { seen: 1, removed: 0 });
        assert!(world.has(&digest).await);
    }

    #[tokio::test]
    async fn a_blob_put_again_while_the_collector_asks_is_spared() {
        let world = World::new();
        let digest = world.put_old(b"contract").await;
        let blobs = world.blobs.clone();
        let older_than = half_an_hour_ago();
        let collected = world.blobs.collect_orphans(older_than, async |_, digest| {
            blobs.put("acme", Bytes::from_static(b"contract")).await.expect("kept");
            blobs.delete_old("acme", &digest, 0, older_than).await
        });
        assert_eq!(collected.await.expect("collected").removed, 0);
        assert!(world.has(&digest).await);
    }

    #[tokio::test]
    async fn the_copies_of_a_blob_go_together_up_to_the_one_named() {
        let world = World::new();
        let bytes = Bytes::from_static(b"contract");
        let digest = world.put_old(b"contract").await;
        for copy in [1, 2] {
            world.blobs.put_copy("acme", &digest, copy, bytes.clone()).await.expect("kept");
        }
        assert_eq!(collect(&world.blobs, None).await.expect("collected"), Collected { seen: 1, removed: 0 });
        world.blobs.delete_copies("acme", &digest, 1).await.expect("deleted");
        assert!(!world.blobs.has_copy("acme", &digest, 1).await.expect("known"));
        assert_eq!(world.blobs.get("acme", &digest).await.expect("readable"), Some(bytes), "the copy 2 is left");
        age(&world.file(&digest, ".2"));
        assert_eq!(collect(&world.blobs, None).await.expect("collected"), Collected { seen: 1, removed: 1 });
        assert!(!world.has(&digest).await);
    }

    #[tokio::test]
    async fn an_error_of_the_question_removes_nothing() {
        let world = World::new();
        let digest = world.put_old(b"contract").await;
        let collected = world.blobs.collect_orphans(half_an_hour_ago(), async |_, _| Err(Error::Unavailable("down".into())));
        assert!(collected.await.is_err());
        assert!(world.has(&digest).await);
    }

    #[tokio::test]
    async fn torn_uploads_go_after_the_grace_and_no_other_file() {
        let world = World::new();
        let digest = world.blobs.put("acme", Bytes::from_static(b"contract")).await.expect("kept");
        for suffix in ["#1", "#2", "#x", ".txt", ".3#1"] {
            std::fs::write(world.file(&digest, suffix), b"half").expect("written");
        }
        for suffix in ["#1", "#x", ".txt", ".3#1"] {
            age(&world.file(&digest, suffix));
        }
        let collected = world.blobs.collect_orphans(half_an_hour_ago(), async |_, _| Ok(false)).await.expect("collected");
        assert_eq!(collected, Collected { seen: 1, removed: 2 });
        assert!(!world.file(&digest, "#1").exists() && !world.file(&digest, ".3#1").exists());
        assert!(world.file(&digest, "#2").exists() && world.file(&digest, "#x").exists() && world.file(&digest, ".txt").exists());
    }

    #[tokio::test]
    async fn a_collection_can_run_in_a_task_of_its_own() {
        let blobs = Blobs::memory();
        let store: Arc<dyn crate::Store> = Arc::new(crate::model::Model::new());
        let collecting = tokio::spawn(async move {
            let take_away = |organization, digest: Digest| {
                let store = Arc::clone(&store);
                let key = crate::RecordKey::new(organization, "blobs", digest.to_string());
                async move { store.get(&key).await.map(|_| false) }
            };
            blobs.collect_orphans(half_an_hour_ago(), take_away).await
        });
        assert_eq!(collecting.await.expect("no panic").expect("collected"), Collected::default());
    }

    #[tokio::test]
    async fn orphans_are_collected_wherever_they_are() {
        let (_folder, everywhere) = crate::blobs::testing::everywhere();
        for blobs in everywhere {
            blobs.put("acme", Bytes::from_static(b"orphan")).await.expect("kept");
            assert_eq!(collect(&blobs, None).await.expect("collected"), Collected { seen: 1, removed: 0 }, "too young");
            let later = Timestamp::from(SystemTime::now() + Duration::from_secs(60));
            let take_away = async |organization: Arc<str>, digest| blobs.delete_old(&organization, &digest, 0, later).await;
            let collected = blobs.collect_orphans(later, take_away).await.expect("collected");
            assert_eq!(collected, Collected { seen: 1, removed: 1 });
        }
    }
}
