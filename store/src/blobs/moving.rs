//! What moves an installation: every blob of an organization, one after the other.

use futures::{Stream, StreamExt};
use object_store::{ObjectStoreExt, path::Path};

use super::{Blobs, Digest, copies, folder::folder_of, path_of, unavailable};
use crate::Error;

impl Blobs {
    /// Every blob of an organization and its length in bytes, in an order of the store's own. What is put or taken away meanwhile
    /// may or may not be among them.
    ///
    /// # Errors
    /// [`Error::Refused`] for an impossible organization; in the stream [`Error::Unavailable`], after which it ends.
    pub fn of_organization(&self, organization: &str) -> Result<impl Stream<Item = Result<(Digest, u64), Error>> + Send, Error> {
        let organization = organization.to_owned();
        let listing = self.store.list(Some(&Path::from(folder_of(&organization)?)));
        let (blobs, organization) = (self.clone(), std::sync::Arc::<str>::from(organization));
        Ok(listing.filter_map(move |found| {
            let (blobs, organization) = (blobs.clone(), organization.clone());
            async move {
                let blob = match found {
                    Ok(blob) => blob,
                    Err(error) => return Some(Err(unavailable(error))),
                };
                // What is no digest is not ours.
                let (digest, copy) = blob.location.filename().and_then(copies::parse)?;
                match copy {
                    0 => Some(Ok((digest, blob.size))),
                    // One of its copies stands for the blob.
                    _ => match blobs.stand_in(&organization, &digest).await {
                        Ok(stand_in) => (stand_in == Some(copy)).then_some(Ok((digest, blob.size))),
                        Err(error) => Some(Err(error)),
                    },
                }
            }
        }))
    }

    /// The copy that readers take where the first is not there.
    async fn stand_in(&self, organization: &str, digest: &Digest) -> Result<Option<u64>, Error> {
        if self.has_copy(organization, digest, 0).await? {
            return Ok(None);
        }
        Ok(self.copies(organization, digest).await?.first().and_then(copies::number))
    }

    /// How many bytes the store says that a blob has, without reading them; `None` if there is no such blob.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be told.
    pub async fn length(&self, organization: &str, digest: &Digest) -> Result<Option<u64>, Error> {
        match self.store.head(&path_of(organization, digest, 0)?).await {
            Ok(blob) => Ok(Some(blob.size)),
            Err(object_store::Error::NotFound { .. }) => {
                Ok(self.copies(organization, digest).await?.first().map(|copy| copy.size))
            }
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
        let (_folder, everywhere) = crate::blobs::testing::everywhere();
        for blobs in everywhere {
            let mut expected = Vec::new();
            for number in 0..300_u64 {
                let bytes = Bytes::from(vec![b'x'; number as usize]);
                expected.push((blobs.put("Acme & Co", bytes).await.expect("kept"), number));
            }
            // One with a further copy, and one of which only such are left.
            let twice = expected[3].0;
            blobs.put_copy("Acme & Co", &twice, 1, Bytes::from_static(b"xxx")).await.expect("kept");
            let moved = Digest::of(b"moved");
            for copy in [1, 2] {
                blobs.put_copy("Acme & Co", &moved, copy, Bytes::from_static(b"moved")).await.expect("kept");
            }
            expected.push((moved, 5));
            let other = blobs.put("other", Bytes::from_static(b"another's")).await.expect("kept");
            expected.sort();

            let found = blobs.of_organization("Acme & Co").expect("listed");
            let mut found: Vec<(Digest, u64)> = found.try_collect().await.expect("listed");

            found.sort();
            assert_eq!(found, expected);
            assert_eq!(blobs.length("other", &other).await.expect("told"), Some(9));
            assert_eq!(blobs.length("Acme & Co", &moved).await.expect("told"), Some(5));
            assert_eq!(blobs.length("Acme & Co", &other).await.expect("told"), None);
            let nobody = blobs.of_organization("nobody").expect("listed");
            assert_eq!(nobody.try_collect::<Vec<_>>().await.expect("listed"), []);
            assert!(matches!(blobs.of_organization(""), Err(Error::Refused(_))));
        }
    }
}
