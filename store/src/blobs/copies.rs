//! Numbered copies of a blob. The first, 0, has the digest as its name; the others a dot and their number behind it. All hold the same
//! bytes, and readers take whichever is there.
//!
//! They exist for one reason: a removal that was given up for dead may still be carried out, minutes later, by a node that stood still
//! or by a request that was on its way. Whoever puts the bytes again meanwhile puts them under a higher number, which that removal
//! does not reach.

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutPayload};

use super::{Blobs, Digest, path_of, unavailable};
use crate::{Error, Timestamp};

/// Name of a copy.
pub(super) fn name(digest: &Digest, copy: u64) -> String {
    match copy {
        0 => digest.to_string(),
        _ => format!("{digest}.{copy}"),
    }
}

/// Digest and number of a name; `None` for a name that [`name`] does not make.
pub(super) fn parse(text: &str) -> Option<(Digest, u64)> {
    let Some((digest, copy)) = text.split_once('.') else { return Some((text.parse().ok()?, 0)) };
    let (digest, copy) = (digest.parse().ok()?, copy.parse().ok()?);
    (name(&digest, copy) == text).then_some((digest, copy))
}

impl Blobs {
    /// Keeps one copy of a blob, whose bytes have this digest. As [`Blobs::put`].
    ///
    /// # Errors
    /// As [`Blobs::put`].
    pub async fn put_copy(&self, organization: &str, digest: &Digest, copy: u64, bytes: Bytes) -> Result<(), Error> {
        let path = path_of(organization, digest, copy)?;
        let _writing = self.lock(digest).read().await;
        self.store.put(&path, PutPayload::from(bytes)).await.map_err(unavailable)?;
        Ok(())
    }

    /// Whether this very copy is there.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when that cannot be found out.
    pub async fn has_copy(&self, organization: &str, digest: &Digest, copy: u64) -> Result<bool, Error> {
        match self.store.head(&path_of(organization, digest, copy)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Whether any copy is there; its bytes are not read.
    ///
    /// # Errors
    /// As [`Blobs::has_copy`].
    pub async fn is_there(&self, organization: &str, digest: &Digest) -> Result<bool, Error> {
        Ok(self.has_copy(organization, digest, 0).await? || !self.copies(organization, digest).await?.is_empty())
    }

    /// Takes away the copies numbered up to `last`, and no later one. What is not there is no error.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when they may still be there; they may then go at any later time, too.
    pub async fn delete_copies(&self, organization: &str, digest: &Digest, last: u64) -> Result<(), Error> {
        let _alone = self.lock(digest).write().await;
        self.remove(&path_of(organization, digest, 0)?).await?;
        if last == 0 {
            return Ok(());
        }
        for copy in self.copies(organization, digest).await? {
            if number(&copy).is_some_and(|copy| copy <= last) {
                self.remove(&copy.location).await?;
            }
        }
        Ok(())
    }

    /// As [`Blobs::delete_copies`], unless one of all copies was put at or after `older_than`. `true` if they were taken away.
    ///
    /// # Errors
    /// As [`Blobs::delete_copies`].
    pub async fn delete_old(&self, organization: &str, digest: &Digest, last: u64, older_than: Timestamp) -> Result<bool, Error> {
        let _alone = self.lock(digest).write().await;
        let mut all = self.copies(organization, digest).await?;
        match self.store.head(&path_of(organization, digest, 0)?).await {
            Ok(first) => all.push(first),
            Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(unavailable(error)),
        }
        if all.iter().any(|copy| copy.last_modified >= older_than) {
            return Ok(false);
        }
        let mut removed = false;
        for copy in all.iter().filter(|copy| number(copy).is_some_and(|copy| copy <= last)) {
            self.remove(&copy.location).await?;
            removed = true;
        }
        Ok(removed)
    }

    /// The copies beside the first, the last one first.
    pub(super) async fn copies(&self, organization: &str, digest: &Digest) -> Result<Vec<ObjectMeta>, Error> {
        let first = path_of(organization, digest, 0)?;
        let folder = first.parts().count() - 1;
        let folder = object_store::path::Path::from_iter(first.parts().take(folder));
        let is_ours = |meta: &ObjectMeta| meta.location.filename().and_then(parse).is_some_and(|(other, _)| other == *digest);
        let after = self.store.list_with_offset(Some(&folder), &first);
        let mut found: Vec<ObjectMeta> = match self.root {
            // A folder lists in no order; it is read whole.
            Some(_) => after.try_filter(|meta| std::future::ready(is_ours(meta))).try_collect().await.map_err(unavailable)?,
            // A bucket lists in order, and its copies stand right behind the first.
            None => {
                let ours = after.take_while(|meta| std::future::ready(meta.as_ref().map_or(true, is_ours)));
                ours.try_collect().await.map_err(unavailable)?
            }
        };
        found.sort_by_key(|meta| std::cmp::Reverse(number(meta)));
        Ok(found)
    }
}

/// The number of a copy.
pub(super) fn number(copy: &ObjectMeta) -> Option<u64> {
    copy.location.filename().and_then(parse).map(|(_, copy)| copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_which_blob_and_which_copy() {
        let digest = Digest::of(b"contract");
        for copy in [0, 1, 17, u64::MAX] {
            assert_eq!(parse(&name(&digest, copy)), Some((digest, copy)));
        }
        for other in
            ["", ".1", "x.1", &format!("{digest}."), &format!("{digest}.0"), &format!("{digest}.01"), &format!("{digest}.+1")]
        {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
