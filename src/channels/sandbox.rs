//! The outbox for development and demonstrations: messages stay here, where a developer can read them.
//!
//! It holds one-time codes in the clear, so it lives in its own folder, apart from the store and its backups, and must
//! never exist where the sandbox is off.
//!
//! Two files of JSON lines, appended to in order, are all there is: the store would keep every message for ever, order
//! them by key instead of by time and take a place in the journal's group commit for each. A message is reported as accepted
//! after `write` has handed it to the operating system, so it survives the end of the process at any moment (`kill -9`). It is not
//! forced to the disk: a power cut can cost the last seconds, for which a real provider's inbox would have to be asked too.
//! A reference is known as long as its message is kept, so a repetition must come before some 8,000 others have.
//! The outbox belongs to one node: several nodes on one store have one each.

use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use store::Timestamp;
use uuid::Uuid;

use super::{Channel, Message, Outcome};

/// Messages in one file. The newest `SEGMENT` are always there, twice as many at most.
const SEGMENT: usize = 8 * 1024;

/// Size in bytes from which a file is full even with fewer messages. Bounds memory, too: the index holds what the files hold.
const SEGMENT_BYTES: u64 = 16 * 1024 * 1024;

const CURRENT: &str = "current.jsonl";
const PREVIOUS: &str = "previous.jsonl";

/// A message that was not sent but kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SandboxMessage)]
pub struct Stored {
    pub id: Uuid,
    #[schema(value_type = chrono::DateTime<chrono::Utc>)]
    pub at: Timestamp,
    pub channel: Channel,
    pub to: String,
    // Empty for a channel without subjects.
    pub subject: String,
    pub text: String,
}

/// Why the outbox cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub struct Error {
    path: PathBuf,
    source: io::Error,
}

/// The outbox. Cloning is cheap; all clones are one outbox.
#[derive(Clone)]
pub struct Outbox {
    state: Arc<Mutex<State>>,
}

impl Outbox {
    /// Opens the outbox in `folder`, which is made if it is not there, with the messages that are in it.
    ///
    /// # Errors
    /// The folder or a file in it cannot be made, read or written.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        Ok(Self { state: Arc::new(Mutex::new(State::open(folder, SEGMENT)?)) })
    }

    /// Keeps the message, unless one with its reference is there already: both are [`Outcome::Accepted`] with the same id.
    pub fn send(&self, message: &Message, now: Timestamp) -> Outcome {
        // Held while writing: some microseconds into the page cache, shorter than handing the work to another thread.
        match self.state.lock().add(message, now) {
            Ok(id) => Outcome::Accepted { provider_id: Some(id.to_string()) },
            Err(error) => Outcome::retry(format!("the sandbox outbox cannot be written: {error}")),
        }
    }

    /// Messages to `to` (all if `None`), newest first, at most `limit`. Of a phone number the plus may be missing; case
    /// does not count.
    pub fn list(&self, to: Option<&str>, limit: usize) -> Vec<Arc<Stored>> {
        self.state.lock().list(to, limit)
    }
}

/// One line of a file.
#[derive(Serialize, Deserialize)]
struct Line {
    organization: String,
    reference: String,
    #[serde(flatten)]
    stored: Stored,
}

struct Kept {
    reference: Box<str>,
    stored: Arc<Stored>,
}

struct State {
    folder: PathBuf,
    file: File,
    /// Bytes of whole lines in `file`.
    length: u64,
    /// The file may end in part of a line, which is to be cut off before the next one.
    torn: bool,
    /// Messages in the current file, and in the one before.
    in_current: usize,
    in_previous: usize,
    segment: usize,
    /// Oldest first. The number of a message is `first` plus its place.
    messages: VecDeque<Kept>,
    first: u64,
    by_reference: HashMap<Box<str>, u64>,
    by_destination: HashMap<Box<str>, VecDeque<u64>>,
}

impl State {
    fn open(folder: &Path, segment: usize) -> Result<Self, Error> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| Error { path, source }
        };
        fs::create_dir_all(folder).map_err(at(folder))?;
        let (current, previous) = (folder.join(CURRENT), folder.join(PREVIOUS));
        let file = open_for_append(&current).map_err(at(&current))?;
        let mut state = Self {
            folder: folder.to_owned(),
            file,
            length: 0,
            torn: true,
            in_current: 0,
            in_previous: 0,
            segment,
            messages: VecDeque::new(),
            first: 0,
            by_reference: HashMap::new(),
            by_destination: HashMap::new(),
        };
        (state.in_previous, _) = state.read(&previous).map_err(at(&previous))?;
        (state.in_current, state.length) = state.read(&current).map_err(at(&current))?;
        state.mend().map_err(at(&current))?;
        Ok(state)
    }

    /// Takes in the messages of a file. Gives their number and the length of the file's whole lines.
    fn read(&mut self, path: &Path) -> io::Result<(usize, u64)> {
        let content = match fs::read(path) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((0, 0)),
            Err(error) => return Err(error),
        };
        let whole = content.iter().rposition(|&b| b == b'\n').map_or(0, |last| last + 1);
        let before = self.messages.len();
        for (index, line) in content[..whole].split(|&b| b == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
            match serde_json::from_slice::<Line>(line) {
                Ok(line) => self.index(key(&line.organization, &line.reference), line.stored),
                // The text stays out of the log, and so does the parser's error, which may quote it.
                Err(_) => {
                    tracing::warn!(file = %path.display(), line = index + 1, "skipped an unreadable line of the sandbox outbox")
                }
            }
        }
        Ok((self.messages.len() - before, whole as u64))
    }

    fn add(&mut self, message: &Message, now: Timestamp) -> io::Result<Uuid> {
        let reference = key(&message.organization, &message.reference);
        if let Some(kept) = self.by_reference.get(&reference).and_then(|&number| self.get(number)) {
            return Ok(kept.stored.id);
        }
        let stored = Stored {
            id: Uuid::now_v7(),
            at: now,
            channel: message.channel,
            to: message.to.clone(),
            subject: message.subject.clone(),
            text: message.text.clone(),
        };
        let id = stored.id;
        let line = Line { organization: message.organization.clone(), reference: message.reference.clone(), stored };
        self.append(&line)?;
        self.index(reference, line.stored);
        self.in_current += 1;
        if self.in_current >= self.segment || self.length >= SEGMENT_BYTES {
            // The message is safe already; a full file that cannot be put aside now will be after the next one.
            if let Err(error) = self.rotate() {
                tracing::warn!(%error, "the sandbox outbox cannot start a new file");
            }
        }
        Ok(id)
    }

    fn append(&mut self, line: &Line) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.mend()?;
        self.torn = true;
        self.file.write_all(&bytes)?;
        self.torn = false;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Cuts off what a failed write or a crash left of a line.
    fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            self.file.set_len(self.length)?;
            self.torn = false;
        }
        Ok(())
    }

    /// Puts the full file in the place of the previous one, whose messages are forgotten.
    ///
    /// When it fails half-way, messages go on into the renamed file, where a restart finds them, until it succeeds.
    fn rotate(&mut self) -> io::Result<()> {
        let current = self.folder.join(CURRENT);
        match fs::rename(&current, self.folder.join(PREVIOUS)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.file = open_for_append(&current)?;
        self.length = 0;
        for _ in 0..self.in_previous {
            self.forget_oldest();
        }
        self.in_previous = std::mem::take(&mut self.in_current);
        Ok(())
    }

    fn index(&mut self, reference: Box<str>, stored: Stored) {
        let number = self.first + self.messages.len() as u64;
        self.by_reference.insert(reference.clone(), number);
        self.by_destination.entry(destination(&stored.to)).or_default().push_back(number);
        self.messages.push_back(Kept { reference, stored: Arc::new(stored) });
    }

    fn forget_oldest(&mut self) {
        let Some(kept) = self.messages.pop_front() else { return };
        self.by_reference.remove(&kept.reference);
        let destination = destination(&kept.stored.to);
        if let Some(numbers) = self.by_destination.get_mut(&destination) {
            // Numbers stand in order, so the oldest message is the first of its destination.
            numbers.pop_front();
            if numbers.is_empty() {
                self.by_destination.remove(&destination);
            }
        }
        self.first += 1;
    }

    fn get(&self, number: u64) -> Option<&Kept> {
        self.messages.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    fn list(&self, to: Option<&str>, limit: usize) -> Vec<Arc<Stored>> {
        let Some(to) = to else {
            return self.messages.iter().rev().take(limit).map(|kept| kept.stored.clone()).collect();
        };
        let numbers = self.by_destination.get(&destination(to));
        numbers
            .into_iter()
            .flatten()
            .rev()
            .take(limit)
            .filter_map(|&number| self.get(number))
            .map(|kept| kept.stored.clone())
            .collect()
    }
}

/// What tells messages apart.
fn key(organization: &str, reference: &str) -> Box<str> {
    format!("{organization}/{reference}").into()
}

/// The form in which destinations are compared. White space goes, as a plus in a query string is often sent unescaped and
/// arrives as a space.
fn destination(to: &str) -> Box<str> {
    to.trim().trim_start_matches('+').to_lowercase().into()
}

/// The file holds one-time codes: only its owner may read it.
fn open_for_append(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{message, noon},
        *,
    };

    fn outbox(folder: &Path, segment: usize) -> Outbox {
        Outbox { state: Arc::new(Mutex::new(State::open(folder, segment).unwrap())) }
    }

    fn send(outbox: &Outbox, reference: &str) -> String {
        match outbox.send(&message(Channel::Sms, reference), noon()) {
            Outcome::Accepted { provider_id: Some(id) } => id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_accepted_message_is_there_after_the_process_died() {
        let folder = tempfile::tempdir().unwrap();
        let first = outbox(folder.path(), SEGMENT);
        let id = send(&first, "r1");
        // Never closed nor flushed, as after SIGKILL.
        std::mem::forget(first);

        let second = outbox(folder.path(), SEGMENT);
        let listed = second.list(None, 10);
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].id.to_string(), id);
        assert_eq!(listed[0].at, noon());
        assert_eq!(listed[0].text, message(Channel::Sms, "r1").text);
        assert_eq!(send(&second, "r1"), id, "a reference is known after a restart, too");
        assert_eq!(second.list(None, 10).len(), 1);
    }

    #[test]
    fn one_reference_is_kept_once_but_apart_for_each_organization() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox(folder.path(), SEGMENT);
        assert_eq!(send(&outbox, "r1"), send(&outbox, "r1"));
        assert_eq!(outbox.list(None, 10).len(), 1);
        outbox.send(&Message { organization: "other".into(), ..message(Channel::Sms, "r1") }, noon());
        assert_eq!(outbox.list(None, 10).len(), 2);
    }

    #[test]
    fn a_phone_is_found_with_and_without_its_plus() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox(folder.path(), SEGMENT);
        send(&outbox, "r1");
        outbox.send(&Message { to: "34600111222".into(), ..message(Channel::Sms, "r2") }, noon());
        outbox.send(&message(Channel::Email, "r3"), noon());
        for to in ["+34600111222", "34600111222", " 34600111222"] {
            assert_eq!(outbox.list(Some(to), 10).len(), 2, "{to}");
        }
        assert_eq!(outbox.list(Some("ANA@example.org"), 10)[0].channel, Channel::Email);
        assert!(outbox.list(Some("600111222"), 10).is_empty());
    }

    #[test]
    fn a_listing_is_newest_first_and_limited() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox(folder.path(), SEGMENT);
        let ids: Vec<String> = (0..5).map(|n| send(&outbox, &format!("r{n}"))).collect();
        let listed = |to: Option<&str>| outbox.list(to, 2).iter().map(|stored| stored.id.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(None), [ids[4].clone(), ids[3].clone()]);
        assert_eq!(listed(Some("+34600111222")), listed(None));
    }

    #[test]
    fn a_line_that_a_crash_cut_short_is_dropped_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = outbox(folder.path(), SEGMENT);
        send(&first, "r1");
        send(&first, "r2");
        drop(first);
        let path = folder.path().join(CURRENT);
        let content = fs::read(&path).unwrap();
        fs::write(&path, &content[..content.len() - 10]).unwrap();

        let second = outbox(folder.path(), SEGMENT);
        assert_eq!(second.list(None, 10).len(), 1);
        send(&second, "r3");
        drop(second);
        assert_eq!(outbox(folder.path(), SEGMENT).list(None, 10).len(), 2);
    }

    #[test]
    fn an_unreadable_line_costs_only_itself() {
        let folder = tempfile::tempdir().unwrap();
        let first = outbox(folder.path(), SEGMENT);
        send(&first, "r1");
        drop(first);
        let path = folder.path().join(CURRENT);
        let mut content = b"\xff{nonsense\n".to_vec();
        content.extend(fs::read(&path).unwrap());
        fs::write(&path, content).unwrap();
        assert_eq!(outbox(folder.path(), SEGMENT).list(None, 10).len(), 1);
    }

    #[test]
    fn files_and_memory_hold_two_segments_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let small = outbox(folder.path(), 10);
        for n in 0..95 {
            outbox_holds(&small, n, 20);
            send(&small, &format!("r{n}"));
        }
        let state = small.state.lock();
        assert_eq!(state.by_reference.len(), state.messages.len());
        assert_eq!(state.by_destination.values().map(VecDeque::len).sum::<usize>(), state.messages.len());
        let newest = state.messages.back().unwrap().stored.clone();
        let held = state.messages.len();
        drop(state);
        drop(small);

        let again = outbox(folder.path(), 10);
        assert_eq!(again.list(None, 100).len(), held);
        assert_eq!(again.list(None, 1)[0], newest);
    }

    fn outbox_holds(outbox: &Outbox, sent: usize, most: usize) {
        let held = outbox.list(None, usize::MAX).len();
        assert!(held <= most && held >= sent.min(10), "{held} of {sent}");
    }

    #[test]
    fn an_outbox_that_cannot_be_written_asks_for_another_attempt() {
        let folder = tempfile::tempdir().unwrap();
        let outbox = outbox(folder.path(), SEGMENT);
        // A file that is open for reading only, as a stand-in for a full disk.
        let path = folder.path().join(CURRENT);
        let writable = std::mem::replace(&mut outbox.state.lock().file, File::open(&path).unwrap());
        assert!(matches!(outbox.send(&message(Channel::Sms, "r1"), noon()), Outcome::Retry { .. }));
        assert!(outbox.list(None, 10).is_empty());
        outbox.state.lock().file = writable;
        send(&outbox, "r1");
        assert_eq!(outbox.list(None, 10).len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_the_files() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let _outbox = outbox(folder.path(), SEGMENT);
        assert_eq!(fs::metadata(folder.path().join(CURRENT)).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
