//! What moves an installation: every blob of an organization, one after the other.

use futures::{Stream, StreamExt};
use object_store::{ObjectStoreExt, path::Path};

use super::{Blobs, Digest, folder::folder_of, path_of, unavailable};
use crate::Error;

impl Blobs {
    /// Every blob of an organization and its length in bytes, in an order of the store's own. What is put or taken away meanwhile
    /// may or may not be among them.
    ///
    /// # Errors
    /// [`Error::Refused`] for an impossible organization; in the stream [`Error::Unavailable`], after which it ends.
    pub fn of_organization(&self, organization: &str) -> Result<impl Stream<Item = Result<(Digest, u64), Error>> + Send, Error> {
        let listing = self.store.list(Some(&Path::from(folder_of(organization)?)));
        Ok(listing.filter_map(async |found| match found {
            // What is no digest is not ours.
            Ok(blob) => blob.location.filename().and_then(|name| name.parse().ok()).map(|digest| Ok((digest, blob.size))),
            Err(error) => Some(Err(unavailable(error))),
        }))
    }

    /// How many bytes the store says that a blob has, without reading them; `None` if there is no such blob.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be told.
    pub async fn length(&self, organization: &str, digest: &Digest) -> Result<Option<u64>, Error> {
        match self.store.head(&path_of(organization, digest)?).await {
            Ok(blob) => Ok(Some(blob.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn every_blob_of_an_organization_is_found_with_its_length() {
        let folder = tempfile::tempdir().expect("a folder");
        for blobs in [Blobs::memory(), Blobs::local(folder.path()).expect("a store")] {
            let mut expected = Vec::new();
            for number in 0..300_u64 {
                let bytes = Bytes::from(vec![b'x'; number as usize]);
                expected.push((blobs.put("Acme & Co", bytes).await.expect("kept"), number));
            }
            let other = blobs.put("other", Bytes::from_static(b"another's")).await.expect("kept");
            expected.sort();

            let found = blobs.of_organization("Acme & Co").expect("listed");
            let mut found: Vec<(Digest, u64)> = found.try_collect().await.expect("listed");

            found.sort();
            assert_eq!(found, expected);
            assert_eq!(blobs.length("other", &other).await.expect("told"), Some(9));
            assert_eq!(blobs.length("Acme & Co", &other).await.expect("told"), None);
            let nobody = blobs.of_organization("nobody").expect("listed");
            assert_eq!(nobody.try_collect::<Vec<_>>().await.expect("listed"), []);
            assert!(matches!(blobs.of_organization(""), Err(Error::Refused(_))));
        }
    }
}
