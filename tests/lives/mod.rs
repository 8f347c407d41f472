//! Clients that live whole lives of identifications and sign processes while servers die under them, and what has to hold afterwards.
#![allow(dead_code, reason = "each test binary uses its part of this module")]

pub mod api;
pub mod client;
pub mod journals;
pub mod ledger;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::task::JoinHandle;

use self::{
    api::Api,
    client::{Client, Inbox},
    ledger::Ledger,
};

/// Longest time for clients to end the lives they are in, and for processes to be certified.
pub const ENDING: Duration = Duration::from_secs(120);

/// Clients at work.
pub struct Load {
    pub ledger: Ledger,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<usize>>,
}

impl Load {
    /// So many clients live identifications, and so many live sign processes.
    pub fn start(api: &Api, inbox: Arc<dyn Inbox>, taken_over: bool, clients: (usize, usize)) -> Self {
        let ledger = Ledger::default();
        let stop = Arc::new(AtomicBool::new(false));
        let client = |number| {
            let client = Client { api: api.apart(), inbox: inbox.clone(), ledger: ledger.clone(), number, taken_over };
            let stop = stop.clone();
            tokio::spawn(async move {
                let mut lives = 0;
                while !stop.load(Ordering::Relaxed) {
                    match number < clients.0 {
                        true => client.identification(lives).await,
                        false => client.sign_process(lives).await,
                    }
                    lives += 1;
                }
                lives
            })
        };
        let clients = (0..clients.0 + clients.1).map(client).collect();
        Self { ledger, stop, clients }
    }

    /// A client that met what must not be has ended.
    pub fn assert_alive(&self) {
        assert!(self.clients.iter().all(|client| !client.is_finished()), "a client has failed; it says why above");
    }

    /// Lets the clients end the lives they are in. Gives the lives of each.
    pub async fn end(self) -> (Ledger, Vec<usize>) {
        self.stop.store(true, Ordering::Relaxed);
        let until = tokio::time::Instant::now() + ENDING;
        let mut lives = Vec::new();
        for client in self.clients {
            let ended =
                tokio::time::timeout_at(until, client).await.unwrap_or_else(|_| panic!("a client is at work after {ENDING:?}"));
            lives.push(ended.expect("a client ends well"));
        }
        (self.ledger, lives)
    }
}
