//! Bounds and times of a host, and what follows from them.

use std::time::Duration;

use crate::{effects::Backoff, entity::Rules, journal::Sealer};

/// Bounds and times of a host.
#[derive(Clone, Debug)]
pub struct Options {
    /// Messages that may wait for one process, the one that is handled included. At least 1.
    pub mailbox: usize,
    /// Maximum wait for an answer.
    pub answer_timeout: Duration,
    /// Maximum time for which one message is at work. A process that takes longer is started again from its journal, so that a call of the
    /// store that never returns holds up nobody for ever. A single call is cut off after half of it, and what became of an append is asked
    /// then.
    pub step_timeout: Duration,
    /// Idle processes leave memory after this.
    pub passivate_after: Duration,
    /// Processes in memory beyond which idle ones leave after a second. Beyond twice as many the idle leave at once, and while all
    /// are at work no more are loaded. Also the maximum number that is set aside at a time.
    pub max_resident: usize,
    /// Maximum time of one attempt of an effect, and maximum wait for room to begin it.
    pub effect_timeout: Duration,
    /// Attempts under way at once, those not counted that answers wait for.
    pub max_effects: usize,
    /// After this, in process time, an attempt whose end is not known, and that is not under way in this server, is taken to
    /// be lost with its server. With a shared store never less than three times `effect_timeout`, as it may be under way elsewhere;
    /// else it only says how soon after a crash effects are taken up again.
    pub lease: Duration,
    /// Maximum time that an answer waits for other processes to be told.
    pub tell_wait: Duration,
    pub backoff: Backoff,
    /// Entries after which a snapshot is written.
    pub snapshot_every: u64,
    /// How long a process is set aside after a fault.
    pub quarantine: Duration,
    /// Whether other servers write to the same store. Then a refusal or a read from memory is compared with the journal first,
    /// at the price of one read; appends are always compared.
    pub shared_store: bool,
    /// Wraps the keys of journals. The same for all servers of a store, and at every start: what it wrapped opens with nothing else. Its
    /// default is a random one of this program run.
    pub sealer: Sealer,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            mailbox: 64,
            answer_timeout: Duration::from_secs(10),
            step_timeout: Duration::from_secs(30),
            passivate_after: Duration::from_secs(30),
            max_resident: 10_000,
            effect_timeout: Duration::from_secs(25),
            max_effects: 256,
            lease: Duration::from_secs(5),
            tell_wait: Duration::from_secs(2),
            backoff: Backoff::default(),
            snapshot_every: 64,
            quarantine: Duration::from_secs(600),
            shared_store: false,
            sealer: Sealer::default(),
        }
    }
}

/// More than clocks of servers differ, and time to spare.
const CLOCKS: Duration = Duration::from_secs(10);

impl Options {
    pub(crate) fn rules(&self) -> Rules {
        // Waiting for room, the attempt, and bringing its end home take one each at most; and clocks may differ.
        let elsewhere = self.effect_timeout.saturating_mul(3).max(self.effect_timeout.saturating_add(CLOCKS));
        let elsewhere = if self.shared_store { elsewhere } else { Duration::ZERO };
        let lease = self.lease.max(elsewhere).max(Duration::from_millis(1));
        Rules {
            lease: chrono::Duration::from_std(lease).unwrap_or(chrono::Duration::minutes(1)),
            backoff: self.backoff.clone(),
            snapshot_every: self.snapshot_every.max(1),
            conflict_retries: 8,
            shared_store: self.shared_store,
            sealer: self.sealer.clone(),
        }
    }
}
