//! Who is next: start-time fair queueing over organizations. Pure: no time, no threads.
//!
//! Each organization has a virtual time, which grows by the cost of what it was given; the one that is behind is next. So many small jobs of
//! one do not wait behind few large ones of another, and who was idle gains nothing by it.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

/// Organizations that are remembered; beyond it those with nothing waiting and nothing in use are forgotten.
const MAX_FLOWS: usize = 4096;

/// Bounds of a queue.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Units that are in use at once. One job more may be, of an organization that has none in use: nobody waits behind the long jobs of
    /// another one.
    pub capacity: u64,
    /// Jobs that may wait, of one organization and in all.
    pub waiting_each: usize,
    pub waiting: usize,
}

/// Jobs that wait for, and use, units of something.
#[derive(Debug)]
pub struct Fair<T> {
    bounds: Bounds,
    flows: HashMap<Arc<str>, Flow<T>>,
    used: u64,
    is_extra_used: bool,
    waiting: usize,
    clock: u64,
    arrivals: u64,
}

#[derive(Debug)]
struct Flow<T> {
    waiting: VecDeque<Waiting<T>>,
    /// Virtual time up to which it has been served.
    served: u64,
    units: u64,
    jobs: usize,
}

#[derive(Debug)]
struct Waiting<T> {
    ticket: u64,
    units: u64,
    cost: u64,
    item: T,
}

/// What was given to a job, and is to be given back.
#[derive(Debug, PartialEq, Eq)]
pub struct Share {
    pub organization: Arc<str>,
    pub units: u64,
    pub cost: u64,
    is_extra: bool,
}

/// As many jobs wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl<T> Fair<T> {
    pub fn new(bounds: Bounds) -> Self {
        assert!(bounds.capacity > 0, "nothing could ever be used");
        Self { bounds, flows: HashMap::new(), used: 0, is_extra_used: false, waiting: 0, clock: 0, arrivals: 0 }
    }

    /// Jobs that wait.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// Lets a job wait. It counts as `units`, at most the capacity; the answer is its ticket.
    ///
    /// # Errors
    /// [`Full`].
    pub fn push(&mut self, organization: &Arc<str>, units: u64, cost: u64, item: T) -> Result<u64, Full> {
        self.forget_idle();
        let flow = self.flows.entry(organization.clone()).or_default();
        if self.waiting >= self.bounds.waiting || flow.waiting.len() >= self.bounds.waiting_each {
            return Err(Full);
        }
        self.arrivals += 1;
        let ticket = self.arrivals;
        flow.waiting.push_back(Waiting { ticket, units: units.min(self.bounds.capacity), cost, item });
        self.waiting += 1;
        Ok(ticket)
    }

    /// Takes back a job that waits; nothing if it does not wait any more.
    pub fn cancel(&mut self, organization: &str, ticket: u64) {
        let Some(flow) = self.flows.get_mut(organization) else { return };
        let before = flow.waiting.len();
        flow.waiting.retain(|waiting| waiting.ticket != ticket);
        self.waiting -= before - flow.waiting.len();
    }

    /// Takes back all that wait.
    pub fn cancel_all(&mut self) -> Vec<T> {
        self.waiting = 0;
        self.flows.values_mut().flat_map(|flow| flow.waiting.drain(..)).map(|waiting| waiting.item).collect()
    }

    /// The next job that can have what it needs, with what it is given.
    pub fn next(&mut self) -> Option<(T, Share)> {
        let with_waiting = self.flows.values().filter(|flow| !flow.waiting.is_empty()).count();
        let mut best: Option<(u64, u64, &Arc<str>)> = None;
        let mut newcomer = best;
        for (organization, flow) in &self.flows {
            let Some(head) = flow.waiting.front() else { continue };
            // The one that is behind; of equals the one that came first.
            let place = (flow.served.max(self.clock), head.ticket, organization);
            let is_first =
                |other: Option<(u64, u64, &Arc<str>)>| other.is_none_or(|(at, ticket, _)| (place.0, place.1) < (at, ticket));
            let others_wait = with_waiting > 1;
            let half = self.bounds.capacity.div_ceil(2);
            if (flow.jobs == 0 || !others_wait || flow.units + head.units <= half) && is_first(best) {
                best = Some(place);
            }
            if flow.jobs == 0 && is_first(newcomer) {
                newcomer = Some(place);
            }
        }
        let units = |organization: &Arc<str>| self.flows[organization].waiting.front().map_or(0, |head| head.units);
        // Who is next and needs more than is free waits for it, before all others: else small jobs would keep it waiting for ever.
        let fitting = best.filter(|(_, _, organization)| self.used + units(organization) <= self.bounds.capacity);
        let extra = newcomer.filter(|_| fitting.is_none() && !self.is_extra_used);
        let (at, _, organization) = fitting.or(extra)?;
        let organization = organization.clone();
        Some(self.give(organization, at, extra.is_some()))?
    }

    fn give(&mut self, organization: Arc<str>, at: u64, is_extra: bool) -> Option<(T, Share)> {
        let flow = self.flows.get_mut(&organization)?;
        let head = flow.waiting.pop_front()?;
        self.waiting -= 1;
        self.clock = self.clock.max(at);
        flow.served = at.saturating_add(head.cost);
        flow.units += head.units;
        flow.jobs += 1;
        match is_extra {
            true => self.is_extra_used = true,
            false => self.used += head.units,
        }
        Some((head.item, Share { organization, units: head.units, cost: head.cost, is_extra }))
    }

    /// Takes back what a job had. `more` is what it cost beyond what was said.
    pub fn give_back(&mut self, share: Share, more: u64) {
        match share.is_extra {
            true => self.is_extra_used = false,
            false => self.used -= share.units,
        }
        if let Some(flow) = self.flows.get_mut(&share.organization) {
            flow.units -= share.units;
            flow.jobs -= 1;
            flow.served = flow.served.saturating_add(more);
        }
        if self.waiting == 0 && self.used == 0 && !self.is_extra_used {
            self.flows.clear();
            self.clock = 0;
        }
    }

    fn forget_idle(&mut self) {
        if self.flows.len() < MAX_FLOWS {
            return;
        }
        let clock = self.clock;
        self.flows.retain(|_, flow| flow.is_busy() || flow.served > clock);
        if self.flows.len() >= MAX_FLOWS {
            self.flows.retain(|_, flow| flow.is_busy());
        }
    }
}

impl<T> Flow<T> {
    fn is_busy(&self) -> bool {
        self.jobs > 0 || !self.waiting.is_empty()
    }
}

impl<T> Default for Flow<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), served: 0, units: 0, jobs: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fair(capacity: u64) -> Fair<u32> {
        Fair::new(Bounds { capacity, waiting_each: 100, waiting: 1000 })
    }

    fn push(fair: &mut Fair<u32>, organization: &str, count: u32, cost: u64) {
        for item in 0..count {
            fair.push(&organization.into(), 1, cost, item).unwrap();
        }
    }

    /// Organizations in the order of their turns, each job ending before the next begins.
    fn turns(fair: &mut Fair<u32>, count: usize) -> String {
        let mut order = String::new();
        for _ in 0..count {
            let Some((_, share)) = fair.next() else { break };
            order.push_str(&share.organization);
            fair.give_back(share, 0);
        }
        order
    }

    #[test]
    fn turns_go_round_the_organizations_however_much_one_of_them_has() {
        let mut fair = fair(1);
        push(&mut fair, "a", 50, 1);
        push(&mut fair, "b", 3, 1);
        push(&mut fair, "c", 2, 1);
        assert_eq!(turns(&mut fair, 9), "abcabcaba");
    }

    #[test]
    fn cost_counts_and_not_the_number_of_jobs() {
        let mut fair = fair(1);
        push(&mut fair, "a", 50, 10);
        push(&mut fair, "b", 50, 2);
        let order = turns(&mut fair, 24);
        assert_eq!(order.matches('b').count(), 20, "{order}");
    }

    #[test]
    fn what_a_job_cost_beyond_what_was_said_is_paid_later() {
        let mut fair = fair(1);
        push(&mut fair, "a", 5, 1);
        push(&mut fair, "b", 12, 1);
        let (_, share) = fair.next().unwrap();
        assert_eq!(&*share.organization, "a");
        fair.give_back(share, 9);
        assert_eq!(turns(&mut fair, 12), "bbbbbbbbbbab");
    }

    #[test]
    fn who_comes_back_neither_lost_nor_gained_by_being_away() {
        let mut fair = fair(1);
        push(&mut fair, "a", 30, 1);
        assert_eq!(turns(&mut fair, 20), "a".repeat(20));
        push(&mut fair, "b", 30, 1);
        let order = turns(&mut fair, 6);
        assert_eq!(order.matches('b').count(), 3, "{order}");
    }

    #[test]
    fn one_organization_has_all_if_nobody_else_waits_and_half_if_somebody_does() {
        let mut fair = fair(4);
        push(&mut fair, "a", 10, 1);
        let mut of_a: Vec<_> = std::iter::from_fn(|| fair.next()).map(|(_, share)| share).collect();
        assert_eq!(of_a.len(), 4);
        push(&mut fair, "b", 10, 1);
        let mut of_b = vec![fair.next().expect("the extra place is for one that has nothing").1];
        // Of the places that `a` gives back it gets none as long as it has more than half of what there is.
        for _ in 0..2 {
            fair.give_back(of_a.pop().unwrap(), 0);
            of_b.extend(fair.next().map(|(_, share)| share));
        }
        assert!(of_b.iter().all(|share| &*share.organization == "b"));
        assert_eq!((of_a.len(), of_b.len()), (2, 2));
        assert!(fair.next().is_none());
        fair.give_back(of_a.pop().unwrap(), 0);
        assert_eq!(&*fair.next().unwrap().1.organization, "a");
    }

    #[test]
    fn a_newcomer_does_not_wait_behind_the_long_jobs_of_others() {
        let mut fair = fair(2);
        push(&mut fair, "a", 4, 1);
        let _held: Vec<_> = std::iter::from_fn(|| fair.next()).collect();
        push(&mut fair, "b", 4, 1);
        assert_eq!(&*fair.next().unwrap().1.organization, "b");
        assert!(fair.next().is_none(), "only one more");
    }

    #[test]
    fn a_large_job_is_not_starved_by_small_ones() {
        let mut fair: Fair<u32> = fair(10);
        fair.push(&"a".into(), 6, 1, 0).unwrap();
        let (_, first) = fair.next().unwrap();
        fair.push(&"a".into(), 9, 1, 1).unwrap();
        fair.push(&"a".into(), 1, 1, 2).unwrap();
        assert!(fair.next().is_none(), "the small one waits behind the large one");
        fair.give_back(first, 0);
        assert_eq!(fair.next().unwrap().0, 1);
    }

    #[test]
    fn a_job_larger_than_everything_runs_alone() {
        let mut fair = fair(10);
        fair.push(&"a".into(), 1_000, 1, 0).unwrap();
        let (_, share) = fair.next().unwrap();
        assert_eq!(share.units, 10);
        fair.give_back(share, 0);
        assert_eq!((fair.used, fair.flows.len()), (0, 0));
    }

    #[test]
    fn what_waits_is_bounded_for_each_and_in_all() {
        let mut fair: Fair<u32> = Fair::new(Bounds { capacity: 1, waiting_each: 2, waiting: 3 });
        push(&mut fair, "a", 2, 1);
        assert_eq!(fair.push(&"a".into(), 1, 1, 0), Err(Full));
        push(&mut fair, "b", 1, 1);
        assert_eq!(fair.push(&"c".into(), 1, 1, 0), Err(Full));
        let ticket = fair.flows["b"].waiting[0].ticket;
        fair.cancel("b", ticket);
        fair.cancel("b", ticket);
        assert!(fair.push(&"c".into(), 1, 1, 0).is_ok());
        assert_eq!(fair.cancel_all().len(), 3);
        assert!(fair.next().is_none() && fair.waiting() == 0);
    }

    #[test]
    fn organizations_that_went_away_are_forgotten() {
        let mut fair = fair(2);
        push(&mut fair, "busy", 1, 1);
        let _held = fair.next().unwrap();
        for number in 0..3 * MAX_FLOWS {
            push(&mut fair, &format!("o{number}"), 1, 1_000_000);
            let (_, share) = fair.next().unwrap();
            fair.give_back(share, 0);
        }
        assert!(fair.flows.len() <= MAX_FLOWS && fair.flows["busy"].jobs == 1);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_bound_is_passed(steps in prop::collection::vec((0u8..6, 0u8..4, 1u64..8, 0u64..50), 1..300)) {
            let mut fair = fair(5);
            let (mut held, mut pushed, mut given): (Vec<Share>, usize, usize) = (Vec::new(), 0, 0);
            for (kind, organization, units, cost) in steps {
                match kind {
                    0..3 => pushed += usize::from(fair.push(&organization.to_string().into(), units, cost, 0).is_ok()),
                    3 if !held.is_empty() => {
                        let share = held.swap_remove(units as usize % held.len());
                        fair.give_back(share, cost);
                    }
                    _ => while let Some((_, share)) = fair.next() {
                        given += 1;
                        held.push(share);
                    },
                }
                prop_assert_eq!(given + fair.waiting(), pushed);
                prop_assert!(fair.used <= 5);
                prop_assert_eq!(fair.used, held.iter().filter(|share| !share.is_extra).map(|share| share.units).sum::<u64>());
                prop_assert!(held.iter().filter(|share| share.is_extra).count() <= 1);
            }
            // All that wait get their turn once the others are done.
            while let Some(share) = held.pop() {
                fair.give_back(share, 0);
                while let Some((_, share)) = fair.next() {
                    held.push(share);
                }
            }
            while let Some((_, share)) = fair.next() {
                fair.give_back(share, 0);
            }
            prop_assert_eq!(fair.waiting(), 0);
        }
    }
}
