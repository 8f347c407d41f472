//! Reading a blob piece by piece, so that nobody holds it whole.

use std::{
    fs::File,
    io::{Read, Seek},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, stream::BoxStream};
use object_store::{GetResult, GetResultPayload, ObjectStoreExt, path::Path};

use super::{Blobs, Digest, digest::Hasher, path_of, unavailable};
use crate::Error;

/// Maximum bytes of a piece.
pub const PIECE: usize = 64 * 1024;

/// The bytes of a blob, in order. They have been read and found whole before; the blob may be removed meanwhile.
pub struct Reader {
    size: u64,
    source: Source,
}

enum Source {
    File(Arc<File>),
    Stream { bytes: BoxStream<'static, object_store::Result<Bytes>>, left: Bytes },
}

impl Reader {
    fn new(found: GetResult) -> Self {
        let size = found.meta.size;
        let source = match found.payload {
            GetResultPayload::File(file, _) => Source::File(Arc::new(file)),
            GetResultPayload::Stream(bytes) => Source::Stream { bytes, left: Bytes::new() },
        };
        Self { size, source }
    }

    /// How many bytes there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next piece, at most [`PIECE`] bytes; `None` at the end.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be read.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        match &mut self.source {
            Source::File(file) => {
                let file = file.clone();
                let read = tokio::task::spawn_blocking(move || {
                    let mut piece = BytesMut::zeroed(PIECE);
                    let length = read_full(&file, &mut piece)?;
                    piece.truncate(length);
                    Ok::<_, std::io::Error>(piece.freeze())
                });
                let piece = joined(read.await)?;
                Ok((!piece.is_empty()).then_some(piece))
            }
            Source::Stream { bytes, left } => {
                while left.is_empty() {
                    match bytes.next().await {
                        Some(more) => *left = more.map_err(unavailable)?,
                        None => return Ok(None),
                    }
                }
                Ok(Some(left.split_to(left.len().min(PIECE))))
            }
        }
    }

    /// The digest of what is left. Afterwards a file stands at its beginning again; anything else is at its end.
    async fn digest(&mut self) -> Result<Digest, Error> {
        let mut hasher = Hasher::new();
        if let Source::File(file) = &self.source {
            let file = file.clone();
            let hashed = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; PIECE];
                loop {
                    match read_full(&file, &mut piece)? {
                        0 => break,
                        length => hasher.update(&piece[..length]),
                    }
                }
                (&*file).rewind()?;
                Ok::<_, std::io::Error>(hasher.digest())
            });
            return joined(hashed.await);
        }
        while let Some(piece) = self.next().await? {
            hasher.update(&piece);
        }
        Ok(hasher.digest())
    }
}

fn read_full(mut file: &File, piece: &mut [u8]) -> std::io::Result<usize> {
    let mut length = 0;
    while length < piece.len() {
        match file.read(&mut piece[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

fn joined<T>(done: Result<std::io::Result<T>, tokio::task::JoinError>) -> Result<T, Error> {
    match done {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Error::Unavailable(format!("the files: {error}"))),
        Err(_) => Err(Error::Unavailable("a file could not be read".into())),
    }
}

impl Blobs {
    /// The bytes piece by piece, after they have been read once and found whole; `None` if there is no such blob.
    ///
    /// # Errors
    /// As [`Blobs::get`].
    pub async fn open(&self, organization: &str, digest: &Digest) -> Result<Option<Reader>, Error> {
        if let Some(reader) = self.open_at(&path_of(organization, digest, 0)?, digest).await? {
            return Ok(Some(reader));
        }
        for copy in self.copies(organization, digest).await? {
            if let Some(reader) = self.open_at(&copy.location, digest).await? {
                return Ok(Some(reader));
            }
        }
        Ok(None)
    }

    async fn open_at(&self, path: &Path, digest: &Digest) -> Result<Option<Reader>, Error> {
        let Some(mut reader) = self.found(path).await? else { return Ok(None) };
        if reader.digest().await? != *digest {
            return Err(Error::Corrupt(format!("blob {digest} holds other bytes than were put")));
        }
        match reader.source {
            Source::File(_) => Ok(Some(reader)),
            Source::Stream { .. } => self.found(path).await,
        }
    }

    async fn found(&self, path: &Path) -> Result<Option<Reader>, Error> {
        match self.store.get(path).await {
            Ok(found) => Ok(Some(Reader::new(found))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::everywhere, *};

    async fn read(mut reader: Reader) -> Vec<u8> {
        let mut all = Vec::new();
        while let Some(piece) = reader.next().await.expect("readable") {
            assert!((1..=PIECE).contains(&piece.len()), "{}", piece.len());
            all.extend_from_slice(&piece);
        }
        assert_eq!(all.len() as u64, reader.size());
        all
    }

    #[tokio::test]
    async fn pieces_are_the_blob_whatever_its_size() {
        for blobs in everywhere().1 {
            for size in [0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 7] {
                let bytes: Bytes = (0..size).map(|at| (at / 7) as u8).collect();
                let digest = blobs.put("acme", bytes.clone()).await.expect("kept");
                let reader = blobs.open("acme", &digest).await.expect("readable").expect("there");
                assert!(read(reader).await == bytes, "{size}");
            }
            assert!(blobs.open("acme", &Digest::of(b"nothing")).await.expect("reachable").is_none());
        }
    }

    #[tokio::test]
    async fn damaged_bytes_are_not_opened_and_a_removed_file_is_read_to_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::local(folder.path()).expect("a store");
        let bytes = Bytes::from(vec![7; 3 * PIECE]);
        let digest = blobs.put("acme", bytes.clone()).await.expect("kept");
        let reader = blobs.open("acme", &digest).await.expect("readable").expect("there");
        blobs.delete("acme", &digest).await.expect("deleted");
        assert!(read(reader).await == bytes);
        blobs.put_copy("acme", &digest, 2, bytes.clone()).await.expect("kept");
        assert!(blobs.open("acme", &digest).await.expect("readable").is_some(), "a copy is as good");
        let name = digest.to_string();
        std::fs::write(folder.path().join("acme").join(&name[..2]).join(&name), b"others").expect("written");
        assert!(matches!(blobs.open("acme", &digest).await, Err(Error::Corrupt(_))));
    }
}
