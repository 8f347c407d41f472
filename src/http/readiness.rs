//! Whether the server can serve: the store and the files take writes, and there is room for them. Asked by anybody, tried now and then.

use std::{sync::Arc, time::Duration};

use store::{Store, blobs::Blobs};
use tokio::{sync::Mutex, time::Instant};

/// Between two tries, whoever asks.
const EVERY: Duration = Duration::from_secs(5);

/// Maximum wait for the store and the files; balancers ask every few seconds.
const WAIT: Duration = Duration::from_secs(3);

/// Which part does not work.
pub type Failed = &'static str;

/// Tries the store and the files; a cheap handle.
#[derive(Clone)]
pub struct Readiness(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    blobs: Blobs,
    /// Bytes that must be free where files are kept in a folder.
    min_free: u64,
    last: Mutex<Option<(Instant, Result<(), Failed>)>>,
}

impl Readiness {
    pub fn new(store: Arc<dyn Store>, blobs: Blobs, min_free: u64) -> Self {
        Self(Arc::new(Inner { store, blobs, min_free, last: Mutex::default() }))
    }

    /// What the last try found, if it is not too long ago; else that of a new one, which all who ask meanwhile wait for.
    ///
    /// # Errors
    /// The part that does not work.
    pub async fn check(&self) -> Result<(), Failed> {
        let mut last = self.0.last.lock().await;
        match *last {
            Some((at, found)) if at.elapsed() < EVERY => found,
            _ => {
                let found = self.try_parts().await;
                *last = Some((Instant::now(), found));
                found
            }
        }
    }

    async fn try_parts(&self) -> Result<(), Failed> {
        let Inner { store, blobs, min_free, .. } = &*self.0;
        let (store, blobs) =
            tokio::join!(tokio::time::timeout(WAIT, store.ping()), tokio::time::timeout(WAIT, blobs.try_write(*min_free)));
        for (part, answer) in [("store", store), ("files", blobs)] {
            match answer {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => tracing::warn!(%error, part, "not ready"),
                Err(_) => tracing::warn!(part, "not ready: no answer in time"),
            }
            return Err(part);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use store::{
        faulty::{Fault, Faulty},
        model::Model,
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_takes_no_writes_is_not_ready_and_is_tried_again_later() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        let readiness = Readiness::new(store.clone(), Blobs::memory(), 0);
        assert_eq!(readiness.check().await, Ok(()));
        tokio::time::advance(EVERY).await;
        store.fail_next_write(Fault::Refused);
        assert_eq!(readiness.check().await, Err("store"));
        assert_eq!(readiness.check().await, Err("store"), "not tried again so soon");
        tokio::time::advance(EVERY).await;
        assert_eq!(readiness.check().await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_ask_one_write_is_tried() {
        let store = Arc::new(Model::new());
        let readiness = Readiness::new(store.clone(), Blobs::memory(), 0);
        let answers = futures::future::join_all((0..100).map(|_| readiness.check())).await;
        assert!(answers.iter().all(Result::is_ok));
        let key = store::RecordKey::new("_server", "_ready", "probe");
        assert_eq!(store.get(&key).await.unwrap().unwrap().version, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_is_not_ready_in_time() {
        let store = Arc::new(Faulty::scripted(Model::new()));
        store.fail_next(Fault::Delay(Duration::from_secs(3600)));
        let began = Instant::now();
        assert_eq!(Readiness::new(store, Blobs::memory(), 0).check().await, Err("store"));
        assert!(began.elapsed() <= WAIT + Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_full_disk_is_not_ready() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::local(folder.path()).unwrap();
        let ready = |min_free| Readiness::new(Arc::new(Model::new()), blobs.clone(), min_free);
        assert_eq!(ready(0).check().await, Ok(()));
        assert_eq!(ready(1 << 60).check().await, Err("files"));
        drop(folder);
        assert_eq!(ready(0).check().await, Err("files"));
    }
}
