//! The threads that the work runs on. Their own, as nothing waits for them at the end: the server goes down while they are at it, whereas a
//! runtime waits for what it was given to block on.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
    mpsc::{self, Receiver, Sender},
};

use parking_lot::Mutex;

pub type Work = Box<dyn FnOnce() + Send>;

/// Stack of each thread, in bytes. What reads strangers' files has a bound on its depth that fits.
const STACK: usize = 8 << 20;

/// Where work runs.
#[derive(Debug)]
pub enum Threads {
    Own(Own),
    /// On those of the runtime, which waits for the work at its end. Its clock, if it is a test's, stands still meanwhile.
    Runtime,
}

impl Threads {
    /// At most so many of one's own, started when they are needed.
    pub fn own(max: usize) -> Self {
        Self::Own(Own::new(max))
    }

    /// Runs work, which must not panic. `false` if there is no thread for it.
    pub fn run(&self, work: Work) -> bool {
        match self {
            Self::Own(threads) => threads.run(work),
            Self::Runtime => {
                drop(tokio::task::spawn_blocking(work));
                true
            }
        }
    }
}

#[derive(Debug)]
pub struct Own {
    sender: Sender<Work>,
    receiver: Arc<Mutex<Receiver<Work>>>,
    started: AtomicUsize,
    max: usize,
}

impl Own {
    fn new(max: usize) -> Self {
        let (sender, receiver) = mpsc::channel();
        Self { sender, receiver: Arc::new(Mutex::new(receiver)), started: AtomicUsize::new(0), max }
    }

    fn run(&self, work: Work) -> bool {
        let one_more =
            self.started.fetch_update(Ordering::AcqRel, Ordering::Acquire, |started| (started < self.max).then_some(started + 1));
        if let Ok(before) = one_more
            && self.start(before).is_err()
            && self.started.fetch_sub(1, Ordering::AcqRel) == 1
        {
            return false;
        }
        self.sender.send(work).is_ok()
    }

    fn start(&self, number: usize) -> std::io::Result<()> {
        let receiver = self.receiver.clone();
        let serve = move || {
            loop {
                // The lock is held while waiting: the others wait for the lock then.
                let next = receiver.lock().recv();
                match next {
                    Ok(work) => work(),
                    // The pool is gone.
                    Err(_) => return,
                }
            }
        };
        std::thread::Builder::new().name(format!("cpu-{number}")).stack_size(STACK).spawn(serve).map(drop)
    }
}
