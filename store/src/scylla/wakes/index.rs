//! What the owner of a shard knows of its wake-ups: how far it has read, and what it found that is not done. No I/O.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    hash::Hash,
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::Times;
use crate::Entity;

/// Microseconds of slots that are in one partition: ten minutes.
const BUCKET: i64 = 600_000_000;

/// Rows that an owner remembers to have seen, so that reading them again does not bring them back. Over it only means spare reads.
const MOST_SEEN: usize = 8_192;

/// Looks back at how far the owner had read are no finer than this part of what they look back.
const TRAIL: u32 = 32;

/// First pause before an append that is announced, but not seen, is looked for again.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest of these pauses: an append that was held up brings a wake-up that may be due.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// The partition of a slot.
pub fn bucket(slot: i64) -> i64 {
    slot.div_euclid(BUCKET)
}

/// The first slot after a bucket.
pub fn end(bucket: i64) -> i64 {
    bucket.saturating_add(1).saturating_mul(BUCKET)
}

/// A row of the index. Times in microseconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub slot: i64,
    pub entity: Entity,
    /// The entry with which the wake-up came.
    pub head: u64,
    pub due: i64,
}

/// A wake-up as it is handed out; its order is that of the answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Due {
    pub due: i64,
    pub entity: Entity,
    pub head: u64,
}

/// Where reading goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// With the rows of this slot.
    At(i64),
    /// After this row: a slot may have more rows than a page.
    After(Row),
}

impl Cursor {
    /// The first slot that has not been read to its end.
    pub fn slot(&self) -> i64 {
        match self {
            Self::At(slot) => *slot,
            Self::After(row) => row.slot,
        }
    }
}

/// What a shard's lease says of its rows. See `wake_lease` in the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marks {
    pub watermark: i64,
    pub floor: i64,
    pub position: i64,
}

impl Marks {
    /// Of a shard that nobody has read yet.
    pub const NONE: Self = Self { watermark: i64::MIN, floor: i64::MIN, position: i64::MIN };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not looked at yet.
    New,
    /// Somebody has seen a later entry, or says so.
    Doubted,
    /// The entry has not been seen; looked for again at `next`, and after a pause of twice `pause` then.
    Ahead { next: Instant, pause: Duration },
    /// The entity is where the row says: to be looked at.
    Ready,
}

#[derive(Clone, Debug)]
pub struct Item {
    slot: i64,
    pub state: State,
    since: Instant,
    /// When the row was written or last copied forward, for the purpose of copying it.
    placed: Instant,
}

/// How an entity's head is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    Quorum,
    Serial,
}

/// What a look at an entity's head says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Ready,
    /// A later entry brought its own wake-up.
    Spare,
    /// The entry is not there yet.
    Ahead,
    /// The entry never came.
    Unborn,
}

/// A shard in memory.
#[derive(Debug)]
pub struct Index {
    cursor: Cursor,
    /// When the cursor came to where it is.
    moved: Instant,
    /// The furthest slot that a scan has set out for.
    reach: i64,
    /// The furthest position that any owner has told.
    passed: i64,
    /// Positions and when they were reached, oldest first, as far back as a late row can be.
    trail: VecDeque<(Instant, i64)>,
    floor: i64,
    /// The scan for late rows that is under way.
    late: Option<Late>,
    /// When the last scan for late rows began.
    combed: Instant,
    pending: BTreeMap<Due, Item>,
    seen: BTreeSet<Row>,
}

#[derive(Clone, Debug)]
struct Late {
    began: Instant,
    cursor: Cursor,
    to: i64,
}

impl Index {
    /// The index of an owner that begins at `now`.
    pub fn new(marks: Marks, now: Instant) -> Self {
        Self {
            cursor: Cursor::At(marks.watermark),
            moved: now,
            reach: i64::MIN,
            passed: marks.position,
            trail: VecDeque::new(),
            floor: marks.floor,
            late: None,
            combed: now,
            pending: BTreeMap::new(),
            seen: BTreeSet::new(),
        }
    }

    /// All slots up to here have been read.
    pub fn position(&self) -> i64 {
        self.cursor.slot().saturating_sub(1)
    }

    /// The stretch that is to be read for what is due at `until`. A row may be in a later slot than its moment, where an earlier owner,
    /// by a clock that was ahead, had read past that.
    pub fn ahead(&mut self, until: i64) -> Option<(Cursor, i64)> {
        let to = until.max(self.passed);
        self.reach = self.reach.max(to);
        (self.cursor.slot() <= to).then(|| (self.cursor.clone(), to))
    }

    /// Rows that were read ahead, and where reading goes on.
    pub fn read(&mut self, rows: Vec<Row>, cursor: Cursor, heads: &Heads, now: Instant, times: &Times) {
        self.absorb(rows, heads, now);
        let before = self.position();
        self.cursor = cursor;
        if self.position() > before {
            self.leave_trail(before, now, times);
        }
    }

    /// The stretch that is to be read again for rows that were written late, if it is time to.
    pub fn again(&mut self, now: Instant, times: &Times) -> Option<(Cursor, i64)> {
        if self.late.is_none() && now.duration_since(self.combed) >= times.comb {
            self.combed = now;
            // A new owner may have further to read ahead than to here: then nothing is behind it.
            if self.floor <= self.position() {
                self.late = Some(Late { began: now, cursor: Cursor::At(self.floor), to: self.position() });
            }
        }
        self.late.as_ref().map(|late| (late.cursor.clone(), late.to))
    }

    /// Rows that were read again, and where that goes on.
    pub fn read_again(&mut self, rows: Vec<Row>, cursor: Cursor, heads: &Heads, now: Instant, times: &Times) {
        self.absorb(rows, heads, now);
        let Some(late) = &mut self.late else { return };
        late.cursor = cursor;
        if late.cursor.slot() <= late.to {
            return;
        }
        // What was durable before this scan began has been found by now; what comes later is not further back than this.
        let began = late.began;
        self.late = None;
        self.raise_floor(began, times);
    }

    fn raise_floor(&mut self, began: Instant, times: &Times) {
        let Some(back) = began.checked_sub(times.lateness()) else { return };
        let floor = match self.position_at(back) {
            Some(position) if position > self.floor => position,
            _ => return,
        };
        self.floor = floor;
        self.seen = self.seen.split_off(&lowest(floor));
        while self.trail.get(1).is_some_and(|(at, _)| *at <= back) {
            self.trail.pop_front();
        }
    }

    /// No more than what had been read at `then`.
    fn position_at(&self, then: Instant) -> Option<i64> {
        if self.moved <= then {
            return Some(self.position());
        }
        self.trail.iter().rev().find(|(at, _)| *at <= then).map(|(_, position)| *position)
    }

    /// The lease had lapsed and is valid again from `now` on. Writers may still place rows by what it said before: the floor rests
    /// until that is past, as for a new owner.
    pub fn resume(&mut self, now: Instant) {
        self.trail.clear();
        self.moved = now;
    }

    fn leave_trail(&mut self, before: i64, now: Instant, times: &Times) {
        let is_due = self.trail.back().is_none_or(|(at, _)| self.moved.duration_since(*at) >= times.lateness() / TRAIL);
        if is_due {
            self.trail.push_back((self.moved, before));
        }
        self.moved = now;
    }

    fn absorb(&mut self, rows: Vec<Row>, heads: &Heads, now: Instant) {
        for row in rows {
            if row.slot >= self.floor && !self.see(&row) {
                continue;
            }
            if !heads.is_done(&row) {
                self.add(row, now);
            }
        }
    }

    /// `false`: it was seen before.
    fn see(&mut self, row: &Row) -> bool {
        let is_new = self.seen.insert(row.clone());
        if self.seen.len() > MOST_SEEN {
            self.seen.pop_first();
        }
        is_new
    }

    fn add(&mut self, row: Row, now: Instant) {
        let Row { slot, entity, head, due } = row;
        let item = Item { slot, state: State::New, since: now, placed: now };
        self.pending.entry(Due { due, entity, head }).or_insert(item);
    }

    /// A row that this node wrote, of an entry that is there. A scan finds it by itself if it is still to come.
    pub fn own(&mut self, row: Row, now: Instant) {
        if row.slot > self.reach {
            return;
        }
        self.see(&row);
        let key = Due { due: row.due, entity: row.entity.clone(), head: row.head };
        self.add(row, now);
        if let Some(item) = self.pending.get_mut(&key) {
            item.state = State::New;
        }
    }

    /// The wake-up was looked at, with the entity at `due.head`. Rows that came with earlier entries must be spare then; whether
    /// they are is seen by another look, as what is dropped by mistake would be lost.
    pub fn settled(&mut self, due: Due) {
        self.pending.remove(&due);
        let first = Due { head: 0, ..due.clone() };
        for (_, item) in self.pending.range_mut(first..due) {
            item.state = State::Doubted;
        }
    }

    /// What is known to be spare.
    pub fn remove(&mut self, due: &Due) {
        self.pending.remove(due);
    }

    /// Wake-ups up to `until`, in order.
    pub fn due(&self, until: i64) -> impl Iterator<Item = (&Due, &Item)> {
        self.pending.iter().take_while(move |(due, _)| due.due <= until)
    }

    /// How the head is to be read for an item, if it is time to.
    pub fn look(item: &Item, now: Instant, times: &Times) -> Option<Look> {
        match item.state {
            State::New | State::Doubted => Some(Look::Quorum),
            State::Ahead { next, pause } if now >= next => {
                let age = now.duration_since(item.since);
                // A serial read costs as much as an append: one ends what was left half done, and one is the last word.
                let is_serial = age >= times.unborn || (age >= times.hold && pause < LONGEST_PAUSE);
                Some(if is_serial { Look::Serial } else { Look::Quorum })
            }
            State::Ahead { .. } | State::Ready => None,
        }
    }

    /// The entity was found at `head`.
    pub fn judge(&mut self, due: &Due, head: u64, look: Look, now: Instant, times: &Times) -> Option<Verdict> {
        let item = self.pending.get_mut(due)?;
        if head == due.head {
            item.state = State::Ready;
            return Some(Verdict::Ready);
        }
        if head > due.head {
            self.pending.remove(due);
            return Some(Verdict::Spare);
        }
        let age = now.duration_since(item.since);
        if look == Look::Serial && age >= times.unborn {
            let row = Row { slot: item.slot, entity: due.entity.clone(), head: due.head, due: due.due };
            // Should the same append be tried again, its row counts again.
            self.seen.remove(&row);
            self.pending.remove(due);
            return Some(Verdict::Unborn);
        }
        let pause = match item.state {
            State::Ahead { pause, .. } => pause.saturating_mul(2).min(LONGEST_PAUSE),
            State::New | State::Doubted | State::Ready => FIRST_PAUSE,
        };
        let end = if age < times.hold { times.hold } else { times.unborn };
        // Not past the moments at which the read must be a serial one.
        let next = now + pause.min(end.saturating_sub(age));
        item.state = State::Ahead { next, pause };
        Some(Verdict::Ahead)
    }

    /// Forgets what the heads known make spare, and says what the lease is to hold.
    pub fn sweep(&mut self, heads: &Heads) -> Marks {
        self.pending.retain(|due, _| !heads.is_past(&due.entity, due.head));
        let held = self.pending.values().map(|item| item.slot).min().unwrap_or(i64::MAX);
        let watermark = self.floor.min(self.cursor.slot()).min(held);
        Marks { watermark, floor: self.floor, position: self.position().max(self.passed) }
    }

    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Rows that have been pending for long and hold the watermark back.
    pub fn stuck(&self, now: Instant, times: &Times, most: usize) -> Vec<Due> {
        let is_stuck = |item: &Item| item.slot < self.floor && now.duration_since(item.placed) >= times.restless;
        self.pending.iter().filter(|(_, item)| is_stuck(item)).take(most).map(|(due, _)| due.clone()).collect()
    }

    /// A stuck row has a copy in a later slot.
    pub fn copied(&mut self, due: &Due, slot: i64, now: Instant) {
        let row = Row { slot, entity: due.entity.clone(), head: due.head, due: due.due };
        self.see(&row);
        if let Some(item) = self.pending.get_mut(due) {
            item.slot = slot;
            item.placed = now;
        }
    }
}

/// The least row of a slot.
fn lowest(slot: i64) -> Row {
    Row { slot, entity: Entity::new("", "", Uuid::nil()), head: 0, due: i64::MIN }
}

/// What is known of entities, whoever has their rows: their last known heads (rows that came with earlier entries are spare), and
/// wake-ups that were settled. Forgetting one costs a look.
#[derive(Debug)]
pub struct Heads {
    heads: Recent<Entity, u64>,
    settled: Recent<Due, ()>,
}

impl Heads {
    pub fn new(most: usize) -> Self {
        Self { heads: Recent::new(most), settled: Recent::new(most) }
    }

    /// The entity was seen at `head`.
    pub fn note(&mut self, entity: &Entity, head: u64) {
        let known = self.heads.get(entity).unwrap_or(0);
        if head > known {
            self.heads.put(entity.clone(), head);
        }
    }

    pub fn get(&self, entity: &Entity) -> Option<u64> {
        self.heads.get(entity)
    }

    /// A wake-up was settled, perhaps before its row was read.
    pub fn settle(&mut self, due: Due) {
        self.settled.put(due, ());
    }

    /// It is asked for again.
    pub fn unsettle(&mut self, due: &Due) {
        self.settled.remove(due);
    }

    fn is_past(&self, entity: &Entity, head: u64) -> bool {
        self.get(entity).is_some_and(|known| known > head)
    }

    fn is_done(&self, row: &Row) -> bool {
        let due = Due { due: row.due, entity: row.entity.clone(), head: row.head };
        self.is_past(&row.entity, row.head) || self.settled.get(&due).is_some()
    }
}

/// A bounded map that forgets what was put longest ago, by halves.
#[derive(Debug)]
pub struct Recent<K, V> {
    new: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Hash + Eq, V: Copy> Recent<K, V> {
    pub fn new(most: usize) -> Self {
        Self { new: HashMap::new(), old: HashMap::new(), half: most.div_ceil(2).max(1) }
    }

    pub fn get(&self, key: &K) -> Option<V> {
        self.new.get(key).or_else(|| self.old.get(key)).copied()
    }

    pub fn put(&mut self, key: K, value: V) {
        if self.new.len() >= self.half {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(key, value);
    }

    pub fn remove(&mut self, key: &K) {
        self.new.remove(key);
        self.old.remove(key);
    }
}

#[cfg(test)]
mod tests;
