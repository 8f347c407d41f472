//! Waiting for one's share of something: [`Fair`] with somebody who waits behind each job.

use std::{
    sync::{Arc, Weak},
    time::Duration,
};

use parking_lot::Mutex;
use prometheus::IntGauge;
use tokio::sync::oneshot;

use super::fair::{Bounds, Fair, Share};

/// Why nothing was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// As many wait as may, or it took too long.
    Busy,
    /// Nothing is given any more.
    Closed,
}

#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    own: Weak<Gate>,
    /// Those that wait, for the metrics.
    waiting: IntGauge,
}

#[derive(Debug)]
struct State {
    fair: Fair<oneshot::Sender<Pass>>,
    is_closed: bool,
}

/// A share in use; it is given back when this is dropped.
#[derive(Debug)]
pub struct Pass {
    gate: Arc<Gate>,
    share: Option<Share>,
    more: u64,
}

impl Pass {
    /// Says what the job did cost.
    pub fn cost(&mut self, cost: u64) {
        self.more = cost.saturating_sub(self.share.as_ref().map_or(0, |share| share.cost));
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        if let Some(share) = self.share.take() {
            self.gate.state.lock().fair.give_back(share, self.more);
            self.gate.let_in();
        }
    }
}

/// A place in the queue, which is given up when this is dropped.
struct Place<'a> {
    gate: &'a Gate,
    organization: &'a str,
    ticket: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.state.lock();
        state.fair.cancel(self.organization, self.ticket);
        self.gate.tell(&state);
        drop(state);
        // Others may have waited behind it.
        self.gate.let_in();
    }
}

impl Gate {
    pub fn new(bounds: Bounds, waiting: IntGauge) -> Arc<Self> {
        let state = Mutex::new(State { fair: Fair::new(bounds), is_closed: false });
        Arc::new_cyclic(|own| Self { state, own: own.clone(), waiting })
    }

    /// Waits for a share, for a while.
    pub async fn pass(&self, organization: &Arc<str>, units: u64, cost: u64, patience: Duration) -> Result<Pass, Refused> {
        let (sender, receiver) = oneshot::channel();
        let ticket = {
            let mut state = self.state.lock();
            if state.is_closed {
                return Err(Refused::Closed);
            }
            let ticket = state.fair.push(organization, units, cost, sender).map_err(|_| Refused::Busy)?;
            self.tell(&state);
            ticket
        };
        let _place = Place { gate: self, organization, ticket };
        self.let_in();
        match tokio::time::timeout(patience, receiver).await {
            Ok(Ok(pass)) => Ok(pass),
            Ok(Err(_)) => Err(Refused::Closed),
            Err(_) => Err(Refused::Busy),
        }
    }

    /// Gives nothing any more; those that wait are told.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        let senders = state.fair.cancel_all();
        self.tell(&state);
        drop(state);
        drop(senders);
    }

    /// Gives what is there to those whose turn it is. Whoever went away meanwhile gives it back at once, and the next one is looked for.
    fn let_in(&self) {
        let Some(gate) = self.own.upgrade() else { return };
        loop {
            let mut state = self.state.lock();
            let next = state.fair.next();
            self.tell(&state);
            // Not held while a pass is dropped: that takes the lock, too.
            drop(state);
            let Some((sender, share)) = next else { return };
            let pass = Pass { gate: gate.clone(), share: Some(share), more: 0 };
            if let Err(mut nobody) = sender.send(pass)
                && let Some(share) = nobody.share.take()
            {
                self.state.lock().fair.give_back(share, 0);
            }
        }
    }

    fn tell(&self, state: &State) {
        self.waiting.set(i64::try_from(state.fair.waiting()).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    fn gate(capacity: u64) -> Arc<Gate> {
        let waiting = IntGauge::new("waiting", "Those that wait").unwrap();
        Gate::new(Bounds { capacity, waiting_each: 10, waiting: 10 }, waiting)
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_goes_away_leaves_nothing_taken() {
        let (gate, a) = (gate(1), Arc::from("a"));
        let held = gate.pass(&a, 1, 1, LONG).await.unwrap();
        let waiting = tokio::spawn({
            let (gate, a) = (gate.clone(), a.clone());
            async move { gate.pass(&a, 1, 1, LONG).await.map(drop) }
        });
        tokio::task::yield_now().await;
        assert_eq!(gate.waiting.get(), 1);
        waiting.abort();
        assert!(waiting.await.is_err());
        assert_eq!(gate.waiting.get(), 0);
        assert_eq!(gate.pass(&a, 1, 1, Duration::from_secs(5)).await.unwrap_err(), Refused::Busy);
        drop(held);
        assert!(gate.pass(&a, 1, 1, LONG).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_pass_that_came_too_late_is_given_back() {
        let (gate, a) = (gate(1), Arc::from("a"));
        let held = gate.pass(&a, 1, 1, LONG).await.unwrap();
        {
            let mut late = std::pin::pin!(gate.pass(&a, 1, 1, LONG));
            assert!(futures::poll!(&mut late).is_pending());
            drop(held);
            // It is in the channel now, and nobody takes it out.
        }
        assert!(gate.pass(&a, 1, 1, LONG).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_gate_tells_those_that_wait_and_those_that_come() {
        let (gate, a) = (gate(1), Arc::from("a"));
        let _held = gate.pass(&a, 1, 1, LONG).await.unwrap();
        let mut waiting = std::pin::pin!(gate.pass(&a, 1, 1, LONG));
        assert!(futures::poll!(&mut waiting).is_pending());
        gate.close();
        assert_eq!(waiting.await.unwrap_err(), Refused::Closed);
        assert_eq!(gate.pass(&a, 1, 1, LONG).await.unwrap_err(), Refused::Closed);
    }
}
