//! Whatever happens in whatever order, the invariants of the journal hold.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, atomic::Ordering},
};

use proptest::prelude::*;
use store::faulty::Plan;
use uuid::Uuid;

use crate::{
    Backoff, Error,
    journal::{EffectId, Fact},
    testing::{Cmd, Event, Phase, Server, Setting, Want, World, eventually},
};

const ORDERS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Ask {
        order: usize,
        command: Asked,
        other_server: bool,
    },
    /// Several at the same time.
    Burst {
        order: usize,
        size: u64,
    },
    Advance {
        seconds: i64,
    },
    Fire {
        other_server: bool,
    },
    Sweep,
    /// One server dies where it stands and another takes its place.
    Restart {
        other_server: bool,
    },
}

#[derive(Clone, Copy, Debug)]
enum Asked {
    Add,
    Mail,
    Code,
    Tell,
    Wrong,
}

fn step() -> impl Strategy<Value = Step> {
    let asked = prop_oneof![
        3 => Just(Asked::Add),
        2 => Just(Asked::Mail),
        2 => Just(Asked::Code),
        2 => Just(Asked::Tell),
        1 => Just(Asked::Wrong),
    ];
    let ask = (0..ORDERS, asked, any::<bool>());
    prop_oneof![
        8 => ask.prop_map(|(order, command, other_server)| Step::Ask { order, command, other_server }),
        1 => (0..ORDERS, 2..6_u64).prop_map(|(order, size)| Step::Burst { order, size }),
        2 => (1..100_i64).prop_map(|seconds| Step::Advance { seconds }),
        2 => any::<bool>().prop_map(|other_server| Step::Fire { other_server }),
        1 => Just(Step::Sweep),
        1 => any::<bool>().prop_map(|other_server| Step::Restart { other_server }),
    ]
}

/// Two servers on one faulty store, and what they have promised.
struct Life {
    setting: Setting,
    world: Arc<World>,
    servers: [Option<Server>; 2],
    ids: Vec<Uuid>,
    next_item: u64,
    promised: BTreeSet<u64>,
    refusals: u32,
}

impl Life {
    async fn new(seed: u64) -> Self {
        let plan = Plan { unknown_not_applied: 40, unknown_applied: 40, refused: 40, delayed: 50, ..Plan::default() };
        let mut setting = Setting::with(seed, plan);
        setting.options.shared_store = true;
        setting.options.snapshot_every = 5;
        setting.options.passivate_after = std::time::Duration::ZERO;
        setting.options.backoff = Backoff { attempts: 100, ..Backoff::default() };
        let world = Arc::<World>::default();
        let servers = [(); 2].map(|()| Some(setting.server_in(world.clone())));
        let ids: Vec<Uuid> = (0..ORDERS).map(|n| Uuid::from_u128(u128::from(seed) << 64 | n as u128)).collect();
        setting.store.faults.store(false, Ordering::Release);
        for id in &ids {
            let server = servers[0].as_ref().unwrap();
            server.ask(*id, Cmd::Create { seconds: 86_400 * 365 }).await.unwrap();
        }
        setting.store.faults.store(true, Ordering::Release);
        world.fail_by_chance(300, seed);
        Self { setting, world, servers, ids, next_item: 0, promised: BTreeSet::new(), refusals: 0 }
    }

    fn server(&self, other: bool) -> &Server {
        self.servers[usize::from(other)].as_ref().expect("always put back")
    }

    fn command(&mut self, order: usize, asked: Asked) -> (Option<u64>, Cmd) {
        let item = self.next_item;
        self.next_item += 1;
        match asked {
            Asked::Add => (Some(item), Cmd::Add(item)),
            Asked::Mail => (Some(item), Cmd::AddAnd(item, Want::Mail)),
            Asked::Code => (Some(item), Cmd::AddAnd(item, Want::Code)),
            Asked::Tell => (Some(item), Cmd::AddAnd(item, Want::Tell(self.ids[(order + 1) % ORDERS]))),
            Asked::Wrong => (None, Cmd::Wrong),
        }
    }

    async fn take(&mut self, step: Step) {
        match step {
            Step::Ask { order, command, other_server } => {
                let (item, command) = self.command(order, command);
                match self.server(other_server).ask(self.ids[order], command).await {
                    Ok(_) => self.promised.extend(item),
                    Err(Error::Refused(_)) => self.refusals += 1,
                    Err(_) => {}
                }
            }
            Step::Burst { order, size } => {
                let items = self.next_item..self.next_item + size;
                self.next_item += size;
                let life = &*self;
                let ask = |item| async move { (item, life.server(item % 2 == 0).ask(life.ids[order], Cmd::Add(item)).await) };
                let asks = items.map(ask);
                let answers = futures::future::join_all(asks).await;
                self.promised.extend(answers.into_iter().filter(|(_, answer)| answer.is_ok()).map(|(item, _)| item));
            }
            Step::Advance { seconds } => self.setting.clock.advance(chrono::Duration::seconds(seconds)),
            Step::Fire { other_server } => drop(self.server(other_server).fire().await),
            Step::Sweep => self.server(false).host.sweep(),
            Step::Restart { other_server } => {
                let slot = usize::from(other_server);
                self.servers[slot].take().expect("always put back").kill();
                self.servers[slot] = Some(self.setting.server_in(self.world.clone()));
            }
        }
    }

    /// The faults end; time goes on until every effect has ended.
    async fn rest(&mut self) {
        self.setting.store.faults.store(false, Ordering::Release);
        self.world.fail_by_chance(0, 0);
        self.take(Step::Restart { other_server: false }).await;
        self.take(Step::Restart { other_server: true }).await;
        for _ in 0..3 {
            self.setting.clock.advance(chrono::Duration::hours(2));
            let woken = self.server(false).fire().await;
            assert!(woken.iter().all(Result::is_ok), "{woken:?}");
            eventually("what is under way ends", async || !self.server(false).is_busy()).await;
        }
    }

    async fn check(&self) {
        let mut items = Vec::new();
        let mut refused = 0;
        let mut wanted = BTreeMap::new();
        let mut ends: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for id in &self.ids {
            // Reading proves that there is no gap and that the chain is whole.
            let key = |effect: &EffectId| format!("{id}/{effect}");
            for (seq, fact) in (1..).zip(self.setting.facts(*id).await) {
                match &fact {
                    Fact::Event(Event::Added(item)) => items.push(*item),
                    Fact::Event(Event::Refused) => refused += 1,
                    Fact::Event(Event::Wanted(want)) => drop(wanted.insert(key(&EffectId { seq, index: 0 }), want.clone())),
                    Fact::Done { effect, .. } => ends.entry(key(effect)).or_default().push("done"),
                    Fact::GivenUp { effect, .. } => ends.entry(key(effect)).or_default().push("given up"),
                    _ => {}
                }
            }
            let order = self.server(false).read(*id).await;
            assert_eq!(order.phase, Phase::Open);
            let wake = self.setting.wake_of(*id).await.expect("a living process has a wake-up");
            assert!(Some(wake) <= order.until, "at or before its next deadline");
        }
        let kept: BTreeSet<u64> = items.iter().copied().collect();
        assert_eq!(kept.len(), items.len(), "nothing is there twice");
        assert!(kept.is_superset(&self.promised), "what was promised is there");
        assert!(refused >= self.refusals);
        let (performed, all) = (self.world.performed(), self.world.attempts());
        for (key, want) in wanted {
            let ends = ends.remove(&key).unwrap_or_default();
            let times = performed.get(&key).copied().unwrap_or_default();
            match want {
                Want::Code => {
                    assert_eq!(ends.len(), 1, "{key} ended once");
                    assert!(times <= 1, "{key} was performed {times} times");
                    assert!(ends == ["given up"] || times == 1);
                }
                _ => {
                    assert_eq!(ends, ["done"], "{key} was done, once");
                    assert!(times >= 1);
                }
            }
            assert!(all.iter().any(|(attempted, _)| *attempted == key) || ends == ["given up"]);
        }
        assert!(ends.is_empty(), "nothing ends that was not wanted");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 50, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_nothing_promised_is_lost_and_nothing_is_done_twice(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..40)) {
        actix::System::new().block_on(async {
            let mut life = Life::new(seed).await;
            for step in steps {
                life.take(step).await;
            }
            life.rest().await;
            life.check().await;
        });
    }
}
