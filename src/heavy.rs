//! Work that keeps a processor busy: beside the threads that serve, and never more of it at once than there are processors.

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;

static ROOM: OnceLock<Arc<Semaphore>> = OnceLock::new();

/// The work panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the work was interrupted")]
pub struct Interrupted;

/// Runs the work when its turn comes. It cannot be broken off: whoever stops waiting leaves it running, and it keeps its place
/// until it ends, so that repetitions do not pile up.
///
/// # Errors
/// [`Interrupted`] if it panicked.
pub async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Interrupted> {
    let processors = || std::thread::available_parallelism().map_or(2, usize::from);
    let room = ROOM.get_or_init(|| Arc::new(Semaphore::new(processors()))).clone();
    let turn = room.acquire_owned().await.map_err(|_| Interrupted)?;
    let ended = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    ended.await.map_err(|_| Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_error_and_gives_its_place_back() {
        let places = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..=places {
            assert_eq!(run(|| panic!("on purpose")).await, Err::<(), _>(Interrupted));
        }
        assert_eq!(run(|| 7).await, Ok(7));
    }
}
