//! A server with its adapters and its timer, as one that starts on the store that a dead one left.

use std::{sync::Arc, time::Duration};

use ::store::Store;
use actix::Arbiter;
use actors::{Backoff, Metrics, Options, Timer, TimerOptions};

use super::{Setting, eventually};
use crate::processes::{Processes, fill::Fills};

pub(super) struct Server {
    pub processes: Processes,
    pub timer: Timer,
    pub arbiter: Arbiter,
    pub fills: Fills,
    serving: tokio::task::JoinHandle<()>,
}

impl Server {
    pub fn start(setting: &Setting) -> Self {
        let arbiter = Arbiter::new();
        let metrics = || Metrics::new(&prometheus::Registry::new()).expect("an empty registry");
        // A certificate reads so much that of a hundred attempts on a store that fails at random none may come through.
        let backoff = Backoff { attempts: 1000, maximum: Duration::from_secs(60), ..Backoff::default() };
        let options = Options { backoff, ..Options::default() };
        let world = setting.world(&setting.channels);
        let fills = world.fills.clone();
        let processes = Processes::new(world, &setting.clock, &options, &metrics(), &[arbiter.handle()]);
        let shared: Arc<dyn Store> = setting.store.clone();
        let every = Duration::from_millis(1);
        let options = TimerOptions { every, retry: every, ..TimerOptions::default() };
        let timer = Timer::start(shared, setting.clock.clone(), metrics(), processes.wakeable(), options);
        let serving = tokio::spawn(fills.clone().serve(processes.clone()));
        Self { processes, timer, arbiter, fills, serving }
    }

    pub async fn stop(self) {
        self.timer.stop().await;
        self.serving.abort();
        assert!(self.processes.drain(Duration::from_secs(10)).await, "effects are under way for ever");
        let Processes { sign, otp, agent, identity_document, scoring, chain, fill, consents } = &self.processes;
        let signing = || sign.actors() + otp.actors() + agent.actors();
        let actors =
            || signing() + identity_document.actors() + scoring.actors() + chain.actors() + fill.actors() + consents.actors();
        eventually("no actor is left running", async || actors() == 0).await;
        self.arbiter.stop();
    }
}
