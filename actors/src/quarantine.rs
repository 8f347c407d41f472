//! Processes that are set aside on this server, for those who operate it: which, since when, and a look before their time.

use std::time::{Duration, Instant};

use store::{Entity, Timestamp};
use uuid::Uuid;
use workflows::{Machine, Refusal};

use crate::{
    entity::Input, error::Error, fault::Cause, host::Host, intervention::Intervention, journal::Act, registry::Quarantined,
};

/// A process that this server has set aside after a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    pub id: Uuid,
    pub cause: Cause,
    pub since: Timestamp,
    /// Until then nobody is served of it; whoever asks afterwards makes it be read anew.
    pub next_look: Timestamp,
}

/// What came of a look by hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It was not set aside, or no longer.
    NotAside,
    /// It is served again. `recorded`: its journal says who had it looked at, and why. A process that was erased meanwhile has no place for that.
    Served { recorded: bool },
    /// It is as faulty as before, and set aside for its whole time again. Nothing could be written to its journal.
    StillAside,
}

impl<M: Machine> Host<M> {
    /// The processes of an organization that this server has set aside, at most `limit`: those whose time is over soonest. And how many there
    /// are in all.
    pub fn set_aside_of(&self, organization: &str, limit: usize) -> (Vec<SetAside>, usize) {
        let (now, process_time, time) = (Instant::now(), self.now(), self.0.options.quarantine);
        let chrono = |duration: Duration| chrono::Duration::from_std(duration).unwrap_or(chrono::Duration::MAX);
        let moved = |at: Timestamp, by: chrono::Duration| at.checked_add_signed(by).unwrap_or(Timestamp::MAX_UTC);
        let seen = |(entity, why): (&Entity, &Quarantined)| {
            let aside = now.duration_since(why.since);
            SetAside {
                id: entity.id,
                cause: why.cause,
                since: moved(process_time, -chrono(aside)),
                next_look: moved(process_time, chrono(time.saturating_sub(aside))),
            }
        };
        let mut all: Vec<SetAside> = self.0.registry.lock().aside_of(organization, now, time).map(seen).collect();
        let count = all.len();
        all.sort_by_key(|aside| (aside.since, aside.id));
        all.truncate(limit);
        (all, count)
    }

    /// Looks at a process again that this server has set aside, before its time: it is read anew, and where it can be served its journal says
    /// who wanted that (`by`) and why, each of 1 to 4,096 bytes. Other servers of the store are not told.
    ///
    /// # Errors
    /// [`Error::Refused`] where a text is too long or blank; [`Error::Overloaded`] and [`Error::Unavailable`] where it could not be read now:
    /// it is set aside no more then, and read by whoever asks next.
    pub async fn look_again(&self, organization: &str, id: Uuid, by: String, reason: String) -> Result<Looked, Error> {
        let intervention = Intervention { by, reason, act: Act::LookAgain };
        intervention.check().map_err(Error::Refused)?;
        if !self.0.release(&Entity::new(organization, M::KIND, id)) {
            return Ok(Looked::NotAside);
        }
        let answer = match self.command(organization, id, Input::Intervene(intervention)).await {
            Ok(_) => Ok(Looked::Served { recorded: true }),
            // There is no such process, or none any more.
            Err(Error::Refused(Refusal::NotFound(_))) => Ok(Looked::Served { recorded: false }),
            Err(Error::Quarantined) => Ok(Looked::StillAside),
            Err(error) => Err(error),
        };
        let outcome = match &answer {
            Ok(Looked::Served { .. }) => "served",
            Ok(_) => "set_aside",
            Err(_) => "unavailable",
        };
        self.0.metrics.looks.with_label_values(&[M::KIND, outcome]).inc();
        answer
    }
}
