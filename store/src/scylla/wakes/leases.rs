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
