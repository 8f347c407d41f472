//! Who is next: two classes by turns, and within a class fair queueing over organizations. Pure: no clock, no threads.
//!
//! * Of five turns four are of the class [`Class::High`] and one is of [`Class::Low`], as long as both have somebody whose turn it may be. What
//!   has waited for [`Bounds::ageing`] in the lower class goes on in the higher one.
//! * Within a class each organization has a virtual time, which grows by the cost of what it was given; the one that is behind is next (start-time
//!   fair queueing, as in [`crate::cpu_pool`]: deficit round robin's fairness, without rounds). Who was idle gains nothing by it. Within an
//!   organization what was asked for first comes first.
//! * One organization has at most half of the places while others wait. Beyond all places there is one more, for an organization that has
//!   none: nobody waits behind the long work of another one.
//!
//! A turn costs steps by the logarithm of what waits, and by the number of places.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use chrono::TimeDelta;
use store::Timestamp;
use uuid::Uuid;

/// Turns of the higher class between two of the lower one.
const HIGH_TURNS: u8 = 4;

/// What waits in all may be so many times what is admitted: what is brought back after a crash comes on top.
const SPARE: usize = 2;

/// Organizations of a class that have nothing waiting and are remembered, as they were given more than others; who was least ahead is
/// forgotten first.
const MAX_IDLE: usize = 4096;

/// Bounds of a queue.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Places, at least one.
    pub places: usize,
    /// Who may wait, of one organization and in all.
    pub waiting_each: usize,
    pub waiting: usize,
    /// What has waited for so long in the lower class counts as of the higher one.
    pub ageing: TimeDelta,
}

/// How urgent something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    High,
    Low,
}

impl Class {
    pub const ALL: [Self; 2] = [Self::High, Self::Low];

    fn index(self) -> usize {
        match self {
            Self::High => 0,
            Self::Low => 1,
        }
    }

    /// The name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::High => "high",
            Self::Low => "low",
        }
    }
}

/// What waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub organization: Arc<str>,
    pub id: Uuid,
    pub class: Class,
    /// In any unit, at least 1.
    pub cost: u64,
    /// When it was asked for.
    pub since: Timestamp,
}

/// A place in use, to be given back.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    organization: Arc<str>,
    is_extra: bool,
}

/// As many wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    #[error("the organization has {0} fills waiting, which is the maximum")]
    OfOrganization(usize),
    #[error("{0} fills are waiting, which is the maximum")]
    InAll(usize),
}

/// In which order the entries of an organization come: when they were asked for, and then as they arrived.
type Rank = (Timestamp, u64);

/// Where something waits.
#[derive(Clone, Debug)]
struct Position {
    organization: Arc<str>,
    class: Class,
}

/// The place of an organization among those of its class: virtual time, then arrival.
type Order = (u64, u64, Arc<str>);

/// The organizations of one class.
#[derive(Debug, Default)]
struct Line {
    flows: HashMap<Arc<str>, Flow>,
    /// Of those that have something waiting.
    order: BTreeSet<Order>,
    /// Of those that have nothing waiting, with the virtual time up to which they were served.
    idle: BTreeSet<(u64, Arc<str>)>,
    clock: u64,
}

#[derive(Debug, Default)]
struct Flow {
    waiting: BTreeMap<Rank, Entry>,
    /// Virtual time up to which it was served.
    served: u64,
    /// Its place in the order, while something waits.
    place: (u64, u64),
}

/// Everything that waits, and the places in use.
#[derive(Debug)]
pub struct Queue {
    bounds: Bounds,
    lines: [Line; 2],
    known: HashMap<Uuid, Position>,
    /// Admitted and not there yet.
    reserved: HashMap<Uuid, Arc<str>>,
    /// By organization: waiting and reserved.
    counts: HashMap<Arc<str>, (usize, usize)>,
    /// What waits in the lower class and will be old one day.
    young: BTreeMap<Rank, Uuid>,
    running: HashMap<Arc<str>, usize>,
    used: usize,
    is_extra_used: bool,
    /// Turns of the higher class since the last one of the lower.
    highs: u8,
    arrivals: u64,
}

impl Queue {
    pub fn new(bounds: Bounds) -> Self {
        let bounds = Bounds { places: bounds.places.max(1), ..bounds };
        Self {
            bounds,
            lines: Default::default(),
            known: HashMap::new(),
            reserved: HashMap::new(),
            counts: HashMap::new(),
            young: BTreeMap::new(),
            running: HashMap::new(),
            used: 0,
            is_extra_used: false,
            highs: 0,
            arrivals: 0,
        }
    }

    /// Admits something that will come: until it does, or is [taken back](Self::forgo), it counts as waiting.
    ///
    /// # Errors
    /// [`Full`].
    pub fn reserve(&mut self, organization: &Arc<str>, id: Uuid) -> Result<(), Full> {
        let (waiting, reserved) = self.counts.get(organization).copied().unwrap_or_default();
        if waiting + reserved >= self.bounds.waiting_each {
            return Err(Full::OfOrganization(self.bounds.waiting_each));
        }
        if self.known.len() + self.reserved.len() >= self.bounds.waiting {
            return Err(Full::InAll(self.bounds.waiting));
        }
        if self.reserved.insert(id, organization.clone()).is_none() {
            self.counts.entry(organization.clone()).or_default().1 += 1;
        }
        Ok(())
    }

    /// Takes back what was admitted; nothing if it has come.
    pub fn forgo(&mut self, id: Uuid) {
        let Some(organization) = self.reserved.remove(&id) else { return };
        self.count(&organization, |(_, reserved)| *reserved -= 1);
    }

    /// Lets something wait. `false` if it waits already, or if far more waits than was ever admitted: then it is left out.
    pub fn push(&mut self, entry: Entry) -> bool {
        self.forgo(entry.id);
        if self.known.contains_key(&entry.id) || self.known.len() >= self.bounds.waiting.saturating_mul(SPARE) {
            return false;
        }
        self.arrivals += 1;
        let rank = (entry.since, self.arrivals);
        if entry.class == Class::Low {
            self.young.insert(rank, entry.id);
        }
        self.counts.entry(entry.organization.clone()).or_default().0 += 1;
        self.enter(entry.class, rank, entry);
        true
    }

    /// What is next, with its place; `None` if nothing waits that may have one now.
    pub fn next(&mut self, now: Timestamp) -> Option<(Entry, Place)> {
        self.age(now);
        let is_extra = self.used >= self.bounds.places;
        if is_extra && self.is_extra_used {
            return None;
        }
        let classes = if self.highs >= HIGH_TURNS { [Class::Low, Class::High] } else { [Class::High, Class::Low] };
        let (class, organization) = classes.into_iter().find_map(|class| Some((class, self.first(class, is_extra)?)))?;
        let (rank, entry) = self.lines[class.index()].serve(&organization)?;
        self.highs = if class == Class::High { (self.highs + 1).min(HIGH_TURNS) } else { 0 };
        self.young.remove(&rank);
        self.known.remove(&entry.id);
        self.count(&organization, |(waiting, _)| *waiting -= 1);
        *self.running.entry(organization.clone()).or_default() += 1;
        match is_extra {
            true => self.is_extra_used = true,
            false => self.used += 1,
        }
        Some((entry, Place { organization, is_extra }))
    }

    /// Takes back a place.
    pub fn give_back(&mut self, place: Place) {
        match place.is_extra {
            true => self.is_extra_used = false,
            false => self.used -= 1,
        }
        if let Some(running) = self.running.get_mut(&place.organization) {
            *running -= 1;
            if *running == 0 {
                self.running.remove(&place.organization);
            }
        }
    }

    /// What waits in a class, and since when the oldest of it does. What has grown old counts where it waits.
    pub fn waiting(&self, class: Class) -> (usize, Option<Timestamp>) {
        let flows =
            || self.lines[class.index()].order.iter().filter_map(|(_, _, name)| self.lines[class.index()].flows.get(name));
        let oldest = flows().filter_map(|flow| flow.waiting.keys().next()).min();
        (flows().map(|flow| flow.waiting.len()).sum(), oldest.map(|(since, _)| *since))
    }

    /// The organization of a class whose turn it is.
    fn first(&self, class: Class, is_extra: bool) -> Option<Arc<str>> {
        let half = self.bounds.places.div_ceil(2);
        let may = |organization: &Arc<str>| match self.running.get(organization) {
            None => true,
            Some(running) => !is_extra && (*running < half || !self.others_wait(organization)),
        };
        // Only those that have places are passed over, and they are no more than there are places.
        self.lines[class.index()].order.iter().map(|(_, _, organization)| organization).find(|name| may(name)).cloned()
    }

    fn others_wait(&self, organization: &Arc<str>) -> bool {
        let own = self.counts.get(organization).map_or(0, |(waiting, _)| *waiting);
        self.known.len() > own
    }

    /// What has grown old in the lower class goes on in the higher one.
    fn age(&mut self, now: Timestamp) {
        while let Some((rank, id)) = self.young.first_key_value().map(|(rank, id)| (*rank, *id)) {
            if now - rank.0 < self.bounds.ageing {
                return;
            }
            self.young.pop_first();
            let Some(position) = self.known.get(&id).cloned() else { continue };
            if let Some(entry) = self.lines[position.class.index()].leave(&position.organization, rank) {
                self.enter(Class::High, rank, entry);
            }
        }
    }

    fn enter(&mut self, class: Class, rank: Rank, entry: Entry) {
        self.arrivals += 1;
        self.known.insert(entry.id, Position { organization: entry.organization.clone(), class });
        self.lines[class.index()].enter(self.arrivals, rank, entry);
    }

    fn count(&mut self, organization: &Arc<str>, change: impl FnOnce(&mut (usize, usize))) {
        if let Some(counts) = self.counts.get_mut(organization) {
            change(counts);
            if *counts == (0, 0) {
                self.counts.remove(organization);
            }
        }
    }
}

impl Line {
    fn enter(&mut self, arrival: u64, rank: Rank, entry: Entry) {
        let organization = entry.organization.clone();
        let flow = self.flows.entry(organization.clone()).or_default();
        if flow.waiting.is_empty() {
            self.idle.remove(&(flow.served, organization.clone()));
            flow.place = (flow.served.max(self.clock), arrival);
            self.order.insert((flow.place.0, flow.place.1, organization));
        }
        flow.waiting.insert(rank, entry);
    }

    /// Takes out one entry, which was not served.
    fn leave(&mut self, organization: &Arc<str>, rank: Rank) -> Option<Entry> {
        let flow = self.flows.get_mut(organization)?;
        let entry = flow.waiting.remove(&rank)?;
        if flow.waiting.is_empty() {
            let (at, arrival) = flow.place;
            self.order.remove(&(at, arrival, organization.clone()));
            self.rest(organization);
        }
        Some(entry)
    }

    /// Takes out the first entry of an organization, which pays for it.
    fn serve(&mut self, organization: &Arc<str>) -> Option<(Rank, Entry)> {
        let flow = self.flows.get_mut(organization)?;
        let (rank, entry) = flow.waiting.pop_first()?;
        let (at, arrival) = flow.place;
        self.order.remove(&(at, arrival, organization.clone()));
        self.clock = self.clock.max(at);
        flow.served = at.saturating_add(entry.cost.max(1));
        if flow.waiting.is_empty() {
            self.rest(organization);
        } else {
            flow.place.0 = flow.served;
            self.order.insert((flow.served, arrival, organization.clone()));
        }
        Some((rank, entry))
    }

    /// An organization has nothing waiting any more. It is remembered while it is ahead of others.
    fn rest(&mut self, organization: &Arc<str>) {
        if let Some(flow) = self.flows.get(organization) {
            self.idle.insert((flow.served, organization.clone()));
        }
        while self.order.is_empty() || self.idle.len() > MAX_IDLE || self.idle.first().is_some_and(|(at, _)| *at <= self.clock) {
            let Some((_, forgotten)) = self.idle.pop_first() else { return };
            self.flows.remove(&forgotten);
        }
    }
}

#[cfg(test)]
mod tests;
