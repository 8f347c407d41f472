//! Gets the one-time codes to those who wait for them, by following the file of the sandbox outbox. The server writes that file in
//! any case; asking it for messages over HTTP would put the client's reading on the server's account.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use serde::Deserialize;
use tokio::sync::oneshot;

/// Between two looks at the file when nothing is new.
const EVERY: Duration = Duration::from_micros(500);

/// Longest wait for a code.
const PATIENCE: Duration = Duration::from_secs(30);

type Waiting = Arc<Mutex<HashMap<String, oneshot::Sender<String>>>>;

/// The thread that follows the file; it ends with this.
pub struct CodeReader {
    waiting: Waiting,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// A code that is on its way.
pub struct Expected(oneshot::Receiver<String>);

impl Expected {
    /// The code, once it is in the file.
    pub async fn code(self) -> Result<String, crate::Failure> {
        let code = tokio::time::timeout(PATIENCE, self.0).await.map_err(|_| "no code in the outbox in time")?;
        Ok(code.map_err(|_| "the outbox cannot be read")?)
    }
}

impl CodeReader {
    /// Follows the outboxes of these data folders.
    pub fn start<'a>(folders: impl IntoIterator<Item = &'a Path>) -> Self {
        let waiting = Waiting::default();
        let stopped = Arc::new(AtomicBool::new(false));
        let follower = |data: &Path| Follower {
            path: data.join("sandbox/current.jsonl"),
            file: None,
            part: Vec::new(),
            waiting: waiting.clone(),
        };
        let mut followers: Vec<Follower> = folders.into_iter().map(follower).collect();
        let (stop, told) = (stopped.clone(), waiting.clone());
        let thread = std::thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                match followers.iter_mut().map(Follower::read).sum::<io::Result<usize>>() {
                    Ok(0) => std::thread::sleep(EVERY),
                    Ok(_) => {}
                    Err(error) => {
                        eprintln!("load: the outbox cannot be read: {error}");
                        return told.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
                    }
                }
            }
        });
        Self { waiting, stopped, thread: Some(thread) }
    }

    /// To be called before the code is asked for.
    pub fn expect(&self, to: String) -> Expected {
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(to, sender);
        Expected(receiver)
    }
}

impl Drop for CodeReader {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Follower {
    path: PathBuf,
    file: Option<(u64, File)>,
    /// The begin of a line whose end is not written yet.
    part: Vec<u8>,
    waiting: Waiting,
}

#[derive(Deserialize)]
struct Message {
    to: String,
    text: String,
}

impl Follower {
    /// Takes in what is new; gives its bytes.
    fn read(&mut self) -> io::Result<usize> {
        let Some((inode, file)) = &mut self.file else {
            return self.open();
        };
        let before = self.part.len();
        let mut read = file.read_to_end(&mut self.part)?;
        if read == 0 && std::fs::metadata(&self.path).is_ok_and(|now| now.ino() != *inode) {
            // A full file is renamed; what was written between the last look and that is still in it.
            read = file.read_to_end(&mut self.part)?;
            self.file = None;
        }
        if read > 0 {
            self.deliver(before);
        }
        Ok(if self.file.is_none() { read.max(1) } else { read })
    }

    fn open(&mut self) -> io::Result<usize> {
        match File::open(&self.path) {
            Ok(file) => {
                self.file = Some((file.metadata()?.ino(), file));
                Ok(1)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error),
        }
    }

    fn deliver(&mut self, from: usize) {
        let Some(end) = self.part[from..].iter().rposition(|byte| *byte == b'\n').map(|end| from + end + 1) else { return };
        let mut waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for line in self.part[..end].split(|byte| *byte == b'\n') {
            let Ok(Message { to, text }) = serde_json::from_slice(line) else { continue };
            let code = text.split(|c: char| !c.is_ascii_digit()).find(|digits| digits.len() >= 6);
            if let (Some(code), Some(sender)) = (code, waiting.remove(&to)) {
                let _ = sender.send(code.to_owned());
            }
        }
        drop(waiting);
        self.part.drain(..end);
    }
}
