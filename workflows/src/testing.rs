//! Drives a machine in tests the way its host does, and holds it to what every machine promises.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
};

use chrono::Duration;
use proptest::test_runner::{Config, RngSeed};
use serde::{Serialize, de::DeserializeOwned};

use uuid::Uuid;

use crate::{
    Answer, Machine, Timestamp,
    identification::otp::{CodeHash, TypedCode},
    table::{Table, Transition},
};

/// What every typed code of the tests begins with: none may be found in anything that is written down.
pub const SECRET: &str = "typed-code";

/// The moment at which every test begins.
pub fn start() -> Timestamp {
    Timestamp::from_timestamp(1_760_000_000, 0).expect("an instant in 2025")
}

/// Stands for the HMAC under the server's key.
pub fn hash(challenge: Uuid, code: &str) -> CodeHash {
    let mut hasher = DefaultHasher::new();
    (challenge, code).hash(&mut hasher);
    CodeHash(format!("{:016x}", hasher.finish()))
}

/// A code that is typed while `challenge` is the current one.
pub fn typed(challenge: Option<Uuid>, code: &str) -> TypedCode {
    let challenge = challenge.unwrap_or_default();
    TypedCode { challenge, hash: hash(challenge, code) }
}

/// Random cases from a fixed seed: a failure is found again by running the test again.
pub fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(20_260_101), ..Config::default() }
}

/// A machine with its clock and its journal.
///
/// After each event it is asserted that the transition stands in the table; that a machine which is restored from its
/// snapshot before every event, and is given each event as it is read back from the journal, is in the same state and asks
/// for the same effects; and that nothing written down holds a code. Whenever the machine has come to rest: that it wakes
/// exactly when time alone decides something.
#[derive(Clone)]
pub struct Driver<M: Machine> {
    pub machine: M,
    pub now: Timestamp,
    pub journal: Vec<(Timestamp, M::Event)>,
    /// All effects asked for, in order.
    pub effects: Vec<M::Effect>,
    pub taken: BTreeSet<Transition>,
    restored: M,
    seen: usize,
}

impl<M: Machine> Driver<M> {
    pub fn new() -> Self {
        Self {
            machine: M::default(),
            now: start(),
            journal: Vec::new(),
            effects: Vec::new(),
            taken: BTreeSet::new(),
            restored: M::default(),
            seen: 0,
        }
    }

    /// Gives a command as the host does, and reads the state afterwards as a client does.
    pub fn tell(&mut self, command: impl Into<M::Command>) -> Answer {
        let command = command.into();
        assert_tells_no_code(&format!("{command:?}"));
        self.look();
        let decision = self.machine.decide(self.now, command);
        assert_tells_no_code(&format!("{:?}", decision.answer));
        decision.events.into_iter().for_each(|event| self.fold(event));
        self.look();
        decision.answer
    }

    /// Decides what time alone has decided.
    pub fn look(&mut self) {
        let due = self.machine.due_events(self.now);
        if !due.is_empty() {
            let wake_at = self.machine.wake_at().expect("what is due has a wake-up");
            assert!(wake_at <= self.now, "the wake-up at {wake_at} is after its event at {}", self.now);
        }
        due.into_iter().for_each(|event| self.fold(event));
        assert_eq!(self.machine.due_events(self.now), [], "time decides something twice");
        if let Some(wake_at) = self.machine.wake_at() {
            assert!(wake_at > self.now, "a wake-up in the past at {wake_at}");
            assert_eq!(self.machine.due_events(wake_at - Duration::nanoseconds(1)), [], "something is due before the wake-up");
            assert_ne!(self.machine.due_events(wake_at), [], "a wake-up for nothing");
        } else {
            assert_eq!(self.machine.due_events(Timestamp::MAX_UTC), [], "something is due without a wake-up");
        }
    }

    /// Moves the clock without a touch.
    pub fn advance(&mut self, by: Duration) {
        self.now += by;
    }

    /// Moves the clock and looks.
    pub fn advance_and_look(&mut self, by: Duration) {
        self.advance(by);
        self.look();
    }

    /// The effects asked for since the last call.
    pub fn new_effects(&mut self) -> Vec<M::Effect> {
        let new = self.effects[self.seen..].to_vec();
        self.seen = self.effects.len();
        new
    }

    /// What the host puts into a journal of its own accord: what remains after an erasure.
    pub fn put(&mut self, event: M::Event) {
        self.fold(event);
        self.look();
    }

    fn fold(&mut self, event: M::Event) {
        let from = self.machine.stage();
        let to = event.leads(from);
        assert!(to.is_some(), "{event:?} was decided in {from:?}, where the table does not have it");
        self.machine.apply(self.now, &event);
        assert_eq!(Some(self.machine.stage()), to, "{event:?} led from {from:?} elsewhere than the table says");
        let transition = Transition { from: from.name(), event: event.name(), to: self.machine.stage().name() };
        self.taken.insert(transition);

        let read_back = written_and_read(&event);
        assert_eq!(read_back, event);
        self.restored.apply(self.now, &read_back);
        assert_eq!(self.restored, self.machine, "the replay differs after {event:?}");
        self.restored = written_and_read(&self.restored);
        assert_eq!(self.restored, self.machine, "the snapshot differs after {event:?}");
        let effects = self.machine.effects(&event);
        assert_eq!(self.restored.effects(&read_back), effects, "the replay asks for other effects");
        assert_eq!(written_and_read(&effects), effects);

        assert_tells_no_code(&format!("{effects:?} {event:?} {:?}", self.machine));
        self.effects.extend(effects);
        self.journal.push((self.now, event));
    }

    /// Folds the whole journal anew, once from its beginning and once from the snapshot at each of its points.
    pub fn assert_replays(&self) {
        for cut in 0..=self.journal.len() {
            let (before, after) = self.journal.split_at(cut);
            let mut machine = M::default();
            before.iter().for_each(|(at, event)| machine.apply(*at, event));
            let mut machine = written_and_read(&machine);
            after.iter().for_each(|(at, event)| machine.apply(*at, &written_and_read(event)));
            assert_eq!(machine, self.machine, "the replay from a snapshot after {cut} events differs");
        }
    }
}

/// What a test of transition coverage asserts: the scenarios take each transition of the table, and the table has no other.
pub fn assert_all_transitions_taken<M: Machine>(scenarios: &[Driver<M>]) {
    scenarios.iter().for_each(Driver::assert_replays);
    let taken: BTreeSet<Transition> = scenarios.iter().flat_map(|scenario| scenario.taken.iter().copied()).collect();
    let rows = M::Event::rows();
    let table: BTreeSet<Transition> = rows.iter().map(|row| row.transition).collect();
    assert_eq!(table.len(), rows.len(), "a row stands twice in the table");
    let unlisted: Vec<_> = taken.difference(&table).collect();
    assert!(unlisted.is_empty(), "the table does not have {unlisted:?}");
    let untaken: Vec<_> = table.difference(&taken).collect();
    assert!(untaken.is_empty(), "no scenario takes {untaken:?}");
}

fn written_and_read<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let text = serde_json::to_string(value).expect("it can be written");
    assert_tells_no_code(&text);
    serde_json::from_str(&text).expect("it can be read back")
}

fn assert_tells_no_code(text: &str) {
    assert!(!text.contains(SECRET), "a typed code is written down: {text}");
}
