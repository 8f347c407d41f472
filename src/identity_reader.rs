//! Reads images of identity documents, in the processes of [`render_workers`](crate::render_workers): the scoring provider INTERNAL.
//!
//! No image is decoded in the server, and nothing of one is in a log or an error.

use bytes::Bytes;
use chrono::NaiveDate;
use identity::{Declared, Images, Reading};
use render::worker::{self, Limit};
use store::blobs::Digest;

use crate::{
    cpu_pool::{self, File, Work},
    render_workers::Workers,
};

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The images are none, or not such as are taken: the caller's to mend.
    #[error(transparent)]
    Images(#[from] identity::Error),
    /// There was no turn, or the images are set aside: they went beyond the bounds twice.
    #[error(transparent)]
    Pool(#[from] cpu_pool::Error),
    /// The images want more than there is for them.
    #[error("reading the images took more than {0}: send smaller ones, or save them again with another program")]
    Exceeded(Limit),
    /// The reading broke on the images.
    #[error("the images cannot be read: save them again with another program")]
    Panicked,
    /// The process ended or could not be started; that is not the images' fault.
    #[error(transparent)]
    Worker(worker::Error),
}

impl Error {
    /// Whether the same images may be read a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Pool(error) => error.is_transient(),
            Self::Worker(_) => true,
            Self::Images(_) | Self::Exceeded(_) | Self::Panicked => false,
        }
    }
}

/// The reader of a server; a cheap handle.
#[derive(Clone, Debug)]
pub struct IdentityReader {
    workers: Workers,
}

impl IdentityReader {
    /// In these processes.
    pub fn new(workers: Workers) -> Self {
        Self { workers }
    }

    /// Reads and checks the images of a document in the organization's turn; `today` is the day by which it is valid or expired.
    ///
    /// # Errors
    /// [`Error`]. [`Error::Exceeded`] and [`Error::Panicked`] count against these images: the third time it is
    /// [`cpu_pool::Error::SetAside`], at once.
    pub async fn read(
        &self,
        organization: &str,
        front: Option<Bytes>,
        back: Option<Bytes>,
        declared: Declared,
        today: NaiveDate,
    ) -> Result<Reading, Error> {
        let sides = [front.as_deref().unwrap_or_default(), back.as_deref().unwrap_or_default()];
        let bytes = sides.iter().map(|side| side.len() as u64).sum();
        let file = File { digest: Digest::of(&sides.concat()), work: Work::Decode };
        let read = self.workers.run(organization, bytes, file, move |process, cutoff| {
            let images = Images { front: front.as_deref(), back: back.as_deref() };
            process.read_identity(images, &declared, &identity::Options { today }, || cutoff.is_reached())
        });
        match read.await? {
            Ok(read) => Ok(read?),
            Err(worker::Error::Exceeded(limit)) => Err(Error::Exceeded(limit)),
            Err(worker::Error::Panicked) => Err(Error::Panicked),
            // By the pool, which tells the caller itself unless nobody is there any more.
            Err(worker::Error::CutOff) => Err(Error::Pool(cpu_pool::Error::Closed)),
            Err(error) => Err(Error::Worker(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use identity::fixtures;

    use super::*;
    use crate::{
        cpu_pool::CpuPool,
        render_workers::{Metrics, Options},
    };

    /// In processes of `program`, which is no worker.
    fn reader(program: &str) -> IdentityReader {
        let process = worker::Options {
            program: program.into(),
            is_alone: true,
            patience: Duration::from_millis(100),
            ..worker::Options::default()
        };
        let cpu = CpuPool::new(cpu_pool::Options::default(), cpu_pool::Metrics::default());
        IdentityReader::new(Workers::new(cpu, Options { process, ..Options::default() }, Metrics::default()))
    }

    async fn read(reader: &IdentityReader, image: &Bytes) -> Result<Reading, Error> {
        let today = NaiveDate::from_ymd_opt(2026, 11, 26).unwrap();
        reader.read("acme", Some(image.clone()), None, Declared::default(), today).await
    }

    #[tokio::test]
    async fn images_that_went_beyond_their_bounds_twice_are_set_aside_and_no_others() {
        // It sleeps for as many seconds as a worker gets bytes.
        let reader = reader("/bin/sleep");
        let (poison, other) = (Bytes::from_static(b"poison"), Bytes::from(fixtures::front()));
        for _ in 0..2 {
            let refused = read(&reader, &poison).await.unwrap_err();
            assert!(matches!(refused, Error::Exceeded(Limit::Time(_))) && !refused.is_transient(), "{refused}");
        }
        let refused = read(&reader, &poison).await.unwrap_err();
        assert!(matches!(refused, Error::Pool(cpu_pool::Error::SetAside(_))) && !refused.is_transient(), "{refused}");
        assert!(matches!(read(&reader, &other).await, Err(Error::Exceeded(_))));
    }

    #[tokio::test]
    async fn a_worker_that_is_broken_is_not_the_images_fault() {
        let reader = reader("/bin/false");
        for _ in 0..3 {
            let failed = read(&reader, &Bytes::from_static(b"image")).await.unwrap_err();
            assert!(matches!(failed, Error::Worker(worker::Error::Died(_))) && failed.is_transient(), "{failed}");
        }
    }
}
