//! Who looks after which shard: what one node concludes from what it has seen of the others. No I/O and no clock of the wall.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::{Duration, Instant},
};

use uuid::Uuid;

use super::{Times, index::Marks};
use crate::SHARDS;

/// Who owns a shard that nobody owns.
pub const NOBODY: Uuid = Uuid::nil();

/// A lease as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lease {
    pub owner: Uuid,
    pub epoch: i64,
    pub beat: i64,
    pub marks: Marks,
}

/// What a node is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub take: Vec<(u16, Lease)>,
    pub give: Vec<u16>,
}

/// A value that its owner changes while it lives.
#[derive(Clone, Copy, Debug)]
struct Sign<T> {
    value: T,
    unchanged: Duration,
}

impl<T: PartialEq> Sign<T> {
    fn follow(before: Option<&Self>, value: T, gap: Duration) -> Self {
        match before {
            Some(before) if before.value == value => Self { value, unchanged: before.unchanged + gap },
            _ => Self { value, unchanged: Duration::ZERO },
        }
    }
}

/// What a node has seen, look by look.
#[derive(Debug)]
pub struct Observer {
    me: Uuid,
    leases: BTreeMap<u16, (Lease, Duration)>,
    nodes: HashMap<Uuid, Sign<i64>>,
    looked: Option<Instant>,
}

impl Observer {
    pub fn new(me: Uuid) -> Self {
        Self { me, leases: BTreeMap::new(), nodes: HashMap::new(), looked: None }
    }

    /// A look at the leases and the nodes that began and ended then. Time counts from the end of one look to the beginning of the next,
    /// so that what seems unchanged was unchanged for at least as long; and a gap in which nothing could be seen, as the servers
    /// did not answer, counts as a short one: others could not show that they live either.
    pub fn observe(
        &mut self,
        began: Instant,
        ended: Instant,
        leases: &BTreeMap<u16, Lease>,
        nodes: &[(Uuid, i64)],
        times: &Times,
    ) {
        let gap = self.looked.map_or(Duration::ZERO, |looked| began.saturating_duration_since(looked));
        let gap = gap.min(times.beat * 2);
        let signs = |lease: &Lease| (lease.owner, lease.epoch, lease.beat);
        let followed = leases.iter().map(|(shard, lease)| {
            let before = self.leases.get(shard).map(|(before, unchanged)| Sign { value: signs(before), unchanged: *unchanged });
            (*shard, (*lease, Sign::follow(before.as_ref(), signs(lease), gap).unchanged))
        });
        self.leases = followed.collect();
        let followed = nodes.iter().map(|(node, beat)| (*node, Sign::follow(self.nodes.get(node), *beat, gap)));
        self.nodes = followed.collect();
        self.looked = Some(ended);
    }

    /// What to take and to give, holding these. Every node that sees the same comes to the same division, so that they do not run for
    /// one shard.
    pub fn plan(&self, held: &BTreeSet<u16>, times: &Times) -> Plan {
        let living = self.nodes.iter().filter(|(_, sign)| sign.unchanged < times.takeover).map(|(node, _)| *node);
        let living: BTreeSet<Uuid> = living.chain([self.me]).collect();
        let share = usize::from(SHARDS).div_ceil(living.len());
        let mut counts: BTreeMap<Uuid, usize> = living.iter().map(|node| (*node, 0)).collect();
        let mut free = Vec::new();
        for (shard, (lease, unchanged)) in &self.leases {
            let is_lost = lease.owner == self.me && !held.contains(shard);
            if lease.owner == NOBODY || is_lost || (lease.owner != self.me && *unchanged >= times.takeover) {
                free.push((*shard, *lease));
            } else if let Some(count) = counts.get_mut(&lease.owner) {
                *count += 1;
            }
        }
        let mut plan = Plan::default();
        for (shard, lease) in free {
            let poorest = counts.iter_mut().filter(|(_, count)| **count < share).min_by_key(|(node, count)| (**count, **node));
            let Some((node, count)) = poorest else { break };
            *count += 1;
            if *node == self.me {
                plan.take.push((shard, lease));
            }
        }
        let surplus = held.len().saturating_sub(share);
        plan.give = held.iter().rev().take(surplus).copied().collect();
        plan
    }

    /// Nodes that live, this one with them.
    pub fn living(&self, times: &Times) -> usize {
        let others = self.nodes.iter().filter(|(node, sign)| **node != self.me && sign.unchanged < times.takeover);
        others.count() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOK: Duration = Duration::from_millis(10);

    /// A cluster on paper: the leases, and nodes that look at them one after another.
    struct World {
        now: Instant,
        times: Times,
        leases: BTreeMap<u16, Lease>,
        nodes: Vec<Node>,
        beat: i64,
        /// How often a shard has had another owner.
        moves: usize,
    }

    struct Node {
        id: Uuid,
        observer: Observer,
        held: BTreeSet<u16>,
        renewed: Instant,
        lives: bool,
        beat: i64,
    }

    impl World {
        fn new(nodes: usize) -> Self {
            let free = Lease { owner: NOBODY, epoch: 0, beat: 0, marks: Marks::NONE };
            let leases = (0..SHARDS).map(|shard| (shard, free)).collect();
            let mut world = Self { now: Instant::now(), times: Times::default(), leases, nodes: Vec::new(), beat: 0, moves: 0 };
            for _ in 0..nodes {
                world.join();
            }
            world
        }

        fn join(&mut self) -> usize {
            let id = Uuid::from_u128(self.nodes.len() as u128 + 1);
            let observer = Observer::new(id);
            self.nodes.push(Node { id, observer, held: BTreeSet::new(), renewed: self.now, lives: true, beat: 0 });
            self.nodes.len() - 1
        }

        fn counts(&self) -> Vec<usize> {
            let counts = self.nodes.iter().map(|node| self.leases.values().filter(|lease| lease.owner == node.id).count());
            counts.collect()
        }

        /// One round of one node, as the keeper does it.
        fn round(&mut self, number: usize) {
            self.beat += 1;
            let told: Vec<(Uuid, i64)> =
                self.nodes.iter().filter(|node| node.beat > 0).map(|node| (node.id, node.beat)).collect();
            let node = &mut self.nodes[number];
            node.beat = self.beat;
            node.held.retain(|shard| self.leases[shard].owner == node.id);
            for shard in &node.held {
                self.leases.get_mut(shard).expect("all are there").beat = self.beat;
            }
            node.renewed = self.now;
            node.observer.observe(self.now, self.now + LOOK, &self.leases, &told, &self.times);
            let plan = node.observer.plan(&node.held, &self.times);
            for shard in plan.give {
                node.held.remove(&shard);
                let lease = self.leases.get_mut(&shard).expect("all are there");
                (lease.owner, lease.beat) = (NOBODY, self.beat);
            }
            for (shard, seen) in plan.take {
                let lease = self.leases.get_mut(&shard).expect("all are there");
                assert_eq!(*lease, seen, "nobody else was between");
                (lease.owner, lease.epoch, lease.beat) = (node.id, lease.epoch + 1, self.beat);
                node.held.insert(shard);
                self.moves += 1;
            }
            for other in self.nodes.iter().filter(|other| other.id != self.nodes[number].id) {
                let is_fenced = self.now >= other.renewed + self.times.fence;
                let is_taken = |shard: &u16| self.leases[shard].owner != other.id && self.leases[shard].owner != NOBODY;
                assert!(is_fenced || !other.held.iter().any(is_taken), "a shard is taken while its owner still counts on it");
            }
        }

        /// All living nodes look, spread over a beat.
        fn rounds(&mut self, count: usize) {
            for _ in 0..count {
                for number in 0..self.nodes.len() {
                    if self.nodes[number].lives {
                        self.round(number);
                    }
                    self.now += self.times.beat / self.nodes.len() as u32;
                }
            }
        }
    }

    #[test]
    fn a_lone_node_has_all_shards_at_once() {
        let mut world = World::new(1);
        world.round(0);
        assert_eq!(world.counts(), [64]);
    }

    #[test]
    fn shards_are_shared_fairly_within_three_rounds_and_stay_where_they_are() {
        for nodes in 1..=9 {
            let mut world = World::new(1);
            world.rounds(2);
            for _ in 1..nodes {
                world.join();
            }
            world.rounds(3);
            let share = 64_usize.div_ceil(nodes);
            assert!(world.counts().iter().all(|count| *count <= share), "{:?}", world.counts());
            assert_eq!(world.counts().iter().sum::<usize>(), 64, "{:?}", world.counts());
            let moves = world.moves;
            world.rounds(20);
            assert_eq!(world.moves, moves, "with {nodes} nodes nothing moves without need");
        }
    }

    #[test]
    fn a_dead_nodes_shards_have_owners_in_less_than_15_seconds() {
        let mut world = World::new(3);
        world.rounds(10);
        world.nodes[2].lives = false;
        let died = world.now;
        while world.counts()[2] > 0 {
            world.rounds(1);
            assert!(world.now - died < Duration::from_secs(15), "{:?}", world.counts());
        }
        assert_eq!(world.counts(), [32, 32, 0]);
    }

    #[test]
    fn a_node_that_comes_back_gets_its_share_again() {
        let mut world = World::new(3);
        world.rounds(10);
        world.nodes[0].lives = false;
        world.rounds(10);
        assert_eq!(world.counts()[0], 0);
        world.nodes[0].lives = true;
        world.rounds(4);
        assert!(world.counts()[0] >= 20, "{:?}", world.counts());
    }

    #[test]
    fn shards_that_were_given_back_are_taken_at_once() {
        let mut world = World::new(2);
        world.rounds(10);
        world.nodes[1].lives = false;
        let gone = world.nodes[1].id;
        for lease in world.leases.values_mut().filter(|lease| lease.owner == gone) {
            lease.owner = NOBODY;
        }
        world.nodes[1].held.clear();
        // Its row among the nodes was deleted.
        world.nodes[1].beat = 0;
        world.round(0);
        assert_eq!(world.counts(), [64, 0]);
    }

    #[test]
    fn nobody_takes_anything_after_an_outage_in_which_all_stood_still() {
        let mut world = World::new(3);
        world.rounds(10);
        let moves = world.moves;
        world.now += Duration::from_secs(60);
        world.rounds(10);
        assert_eq!(world.moves, moves);
    }

    #[test]
    fn a_shard_that_is_ours_without_our_knowing_is_taken_again() {
        let mut world = World::new(2);
        world.rounds(10);
        let lost = *world.nodes[0].held.first().expect("it has some");
        world.nodes[0].held.remove(&lost);
        world.round(0);
        assert!(world.nodes[0].held.contains(&lost));
    }
}
