//! Consents of customers: who is told of what becomes of them, and the end of what was deleted.
//!
//! What goes into the log says what happened to which journal, never to whom: the journal's id tells nothing of the customer.

use std::sync::Arc;

use ::store::Entity;
use actors::{Attempt, Call, Clock, Effects, Erasure, Host};
use async_trait::async_trait;
use workflows::consents::{Choice, CustomerConsents, Effect, Event, Life, Notice, Past};

use super::{Processes, World, retry};
use crate::{
    consents::{
        metrics::Metrics,
        past::{Journals, past},
    },
    erasure::LegalHolds,
};

/// Who erases when the time of blocking is over.
const RETENTION: &str = "retention";

pub(super) struct Adapter {
    metrics: Metrics,
    host: Host<CustomerConsents>,
    clock: Clock,
    holds: LegalHolds,
    journals: Journals,
}

impl Adapter {
    pub fn new(world: Arc<World>, processes: Processes) -> Self {
        Self {
            metrics: world.consents.clone(),
            host: processes.consents.clone(),
            clock: world.clock.clone(),
            holds: world.holds.clone(),
            journals: world.journals.clone(),
        }
    }

    /// Whether a legal hold keeps the customer's consents. The journal alone knows whose it is.
    async fn is_held(&self, entity: &Entity) -> Result<bool, String> {
        let lines = self.journals.read(entity).await.map_err(|error| error.to_string())?;
        let customer = past(&lines).find_map(|(_, past)| match past {
            Past::Event(Event::Captured(captured) | Event::Recorded(captured)) => Some(&captured.customer_id),
            _ => None,
        });
        let Some(customer) = customer else { return Ok(false) };
        let held = self.holds.of_customer(&entity.organization, customer).await.map_err(|error| error.to_string())?;
        Ok(held.is_some())
    }

    async fn shred(&self, entity: &Entity) -> Attempt<CustomerConsents> {
        let Entity { organization, id, .. } = entity;
        match self.is_held(entity).await {
            Ok(false) => {}
            Ok(true) => return retry("a legal hold keeps them"),
            Err(error) => return retry(error),
        }
        let reason = "the time is over for which deleted consents are kept".to_owned();
        let erasure = Erasure { by: RETENTION.to_owned(), reason, ended_only: false };
        match self.host.erase(organization, *id, erasure).await {
            Ok(erased) => {
                if !erased.already {
                    self.metrics.erased.inc();
                    tracing::info!(%organization, consents = %id, entries = erased.entries, "erased the deleted consents of a customer");
                }
                Attempt::Done(None)
            }
            Err(error) => retry(error),
        }
    }
}

#[async_trait]
impl Effects<CustomerConsents> for Adapter {
    async fn perform(&self, call: Call<CustomerConsents>) -> Attempt<CustomerConsents> {
        match call.effect {
            Effect::Notify { notice, revision } => {
                let Entity { organization, id, .. } = &call.entity;
                self.metrics.notices.with_label_values(&[organization, name(notice)]).inc();
                tracing::info!(%organization, consents = %id, revision, notice = name(notice), "consents of a customer changed");
                Attempt::Done(None)
            }
            // The customer may have come back meanwhile: then there is nothing to erase any more.
            Effect::Shred if call.state.life() == Some(Life::Blocked) => self.shred(&call.entity).await,
            Effect::Shred => Attempt::Done(None),
        }
    }

    fn repeatable(&self, _: &Entity, _: &Effect, _: &CustomerConsents) -> bool {
        true
    }

    fn before_answer(&self, _: &Effect) -> bool {
        false
    }

    fn changed(&self, entity: &Entity, before: &CustomerConsents, after: &CustomerConsents) {
        let count = |event: &str, times: usize| {
            if times > 0 {
                self.metrics.events.with_label_values(&[&entity.organization, event]).inc_by(times as u64);
            }
        };
        let happened = Happened::between(before, after);
        count("captured", usize::from(happened.captured));
        count("withdrawn", happened.withdrawn);
        count("expiring", happened.foretold);
        count("expired", happened.lapsed.len());
        count("deleted", usize::from(happened.deleted));
        let now = self.clock.now();
        for expired_at in happened.lapsed {
            let lag = (now - expired_at).to_std().unwrap_or_default();
            self.metrics.expiry_lag.observe(lag.as_secs_f64());
        }
    }
}

fn name(notice: Notice) -> &'static str {
    match notice {
        Notice::Captured => "captured",
        Notice::Expiring => "expiring",
        Notice::Expired => "expired",
        Notice::Deleted => "deleted",
    }
}

/// What has become of a customer's consents.
#[derive(Debug, Default, PartialEq, Eq)]
struct Happened {
    captured: bool,
    /// Acceptances that a rejection or a pending choice took the place of.
    withdrawn: usize,
    /// Acceptances that will lapse soon, as was announced now.
    foretold: usize,
    /// When acceptances lapsed that were announced now.
    lapsed: Vec<::store::Timestamp>,
    deleted: bool,
}

impl Happened {
    fn between(before: &CustomerConsents, after: &CustomerConsents) -> Self {
        let was_accepted = |id: &str| before.held(id).is_some_and(|held| held.choice == Choice::Accepted);
        let withdrawn = after.held_all().filter(|(id, held)| held.choice != Choice::Accepted && was_accepted(id)).count();
        let newly = |id: &str| before.held(id).is_some_and(|held| !held.is_announced());
        let lapsed =
            after.held_all().filter(|(id, held)| held.is_announced() && newly(id)).filter_map(|(_, held)| held.expires_at);
        let was_foretold = |id: &str| before.held(id).is_some_and(workflows::consents::Held::is_foretold);
        let foretold = after.held_all().filter(|(id, held)| held.is_foretold() && !was_foretold(id)).count();
        let newest = |state: &CustomerConsents| state.held_all().map(|(_, held)| held.revision).max();
        Self {
            captured: after.known() && newest(after) > newest(before),
            withdrawn,
            foretold,
            lapsed: lapsed.collect(),
            deleted: after.barrier() > before.barrier() && after.life() == Some(Life::Blocked),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use workflows::{
        Machine,
        consents::{Actor, ActorSource, Caller, Capture, Captured, Command, ConsentType, Deletion, Digest, Late, Selected},
    };

    use super::*;

    fn noon() -> ::store::Timestamp {
        chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn caller() -> Caller {
        Caller { subject: "crm".into(), audience: "rubrica".into() }
    }

    /// The state after a command.
    fn after(state: &CustomerConsents, at: ::store::Timestamp, command: Command) -> CustomerConsents {
        let mut state = state.clone();
        for event in state.decide(at, command).events {
            state.apply(at, &event);
        }
        state
    }

    fn captured(state: &CustomerConsents, at: ::store::Timestamp, choice: Choice) -> CustomerConsents {
        let expires_at = (choice == Choice::Accepted).then(|| at + TimeDelta::days(39));
        let selected = Selected { id: "C01".into(), choice, consent_type: ConsentType::OptIn, expires_at, shown: true };
        let captured = Captured {
            customer_id: "1".into(),
            segment: "telco".into(),
            caller: caller(),
            actor: Actor { id: "a".into(), source: ActorSource::Declared },
            selections: vec![selected],
            captured_at: at,
            captured_text: at.to_rfc3339(),
            ip: None,
            sell_channel: None,
            trace_id: None,
            origin: None,
            declared_language: None,
            display: None,
            digest: Digest([state.revision() as u8; 32]),
            notify: false,
            late: Late::Merge,
            identification: None,
        };
        after(state, at, Command::Capture(Box::new(Capture { captured, captures_per_day: 100 })))
    }

    #[test]
    fn what_has_become_of_consents_is_told_from_before_and_after() {
        let nothing = CustomerConsents::default();
        let accepted = captured(&nothing, noon(), Choice::Accepted);
        let only_captured = Happened { captured: true, ..Happened::default() };
        assert_eq!(Happened::between(&nothing, &accepted), only_captured);

        let rejected = captured(&accepted, noon() + TimeDelta::hours(1), Choice::Rejected);
        assert_eq!(Happened::between(&accepted, &rejected), Happened { captured: true, withdrawn: 1, ..Happened::default() });

        let looked_at = |state: &CustomerConsents, at| {
            let mut state = state.clone();
            for event in state.due_events(at) {
                state.apply(at, &event);
            }
            state
        };
        let soon = looked_at(&accepted, noon() + TimeDelta::days(9));
        assert_eq!(Happened::between(&accepted, &soon), Happened { foretold: 1, ..Happened::default() });

        let over = noon() + TimeDelta::days(40);
        let expired = Happened { lapsed: vec![noon() + TimeDelta::days(39)], ..Happened::default() };
        assert_eq!(Happened::between(&soon, &looked_at(&soon, over)), expired);

        let deletion = Deletion { caller: caller(), by: None, keep_until: over, notify: false };
        let deleted = after(&accepted, noon(), Command::Delete(deletion));
        assert_eq!(Happened::between(&accepted, &deleted), Happened { deleted: true, ..Happened::default() });
    }
}
