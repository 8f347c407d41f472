//! What the events and effects of chains and of scoring sessions mean to whoever looks at a timeline.

use pages::console::{Fact, Phrase, Tone};
use workflows::{
    Device, Hand, IdentificationState, Staff,
    identification::chain::{self, Chain},
    scoring::{self, Score, ScoreResult, Scoring, Way},
};

use super::{
    telling::{bad, by_hand, from_device, internal, part, row},
    timeline::{Group, Intended, Scene, Tells, Told},
};

/// The words of the pages for a state.
pub fn state_key(state: IdentificationState) -> &'static str {
    match state {
        IdentificationState::Created => "console.identification.created",
        IdentificationState::Validated => "console.identification.validated",
        IdentificationState::Succeeded => "console.identification.succeeded",
        IdentificationState::Failed => "console.identification.failed",
        IdentificationState::Cancelled => "console.identification.cancelled",
        IdentificationState::Expired => "console.identification.expired",
    }
}

/// What came of an attempt, in words.
pub fn result_words(result: &ScoreResult) -> Phrase {
    let key = if result.passing { "console.attempt.passed" } else { "console.attempt.not_passed" };
    Phrase::new(key).with("score", result.global_score)
}

/// By hand, or by a caller of the API from a device.
fn by_either(by: Option<&Hand>, device: &Device, otherwise: &'static str, by_staff: &'static str) -> Told {
    match by {
        None => Told { facts: from_device(device), ..row(Phrase::new(otherwise)) },
        Some(Hand { by, reason }) => by_hand(Some(by), Phrase::new, otherwise, by_staff, reason),
    }
}

fn cancelled(reason: Option<&str>, device: &Device, by: Option<&Staff>) -> Told {
    let told = match reason {
        None => row(Phrase::new("console.row.chain_cancelled")),
        Some(reason) => by_hand(by, Phrase::new, "console.row.chain_cancelled_for", "console.row.chain_cancelled_by", reason),
    };
    let facts = if by.is_none() { from_device(device) } else { told.facts };
    Told { facts, tone: Some(Tone::Bad), words: told.words, ..Told::default() }
}

impl Tells for Chain {
    fn told(&self, event: &chain::Event, scene: &Scene<'_>) -> Vec<Told> {
        use chain::Event;
        vec![match event {
            Event::Created(creation) => {
                let words = Phrase::new("console.row.chain_created").with("who", scene.who).with("count", creation.steps.len());
                Told { facts: from_device(&creation.device), ..row(words) }
            }
            Event::StepChanged { position, told } => {
                let words = Phrase::new("console.row.chain_step").with("number", position + 1);
                let words = words.word("state", state_key(told.state));
                let lost = matches!(told.state, IdentificationState::Failed | IdentificationState::Expired);
                if lost { bad(words) } else { row(words) }
            }
            Event::Validated { device } => {
                let words = Phrase::new("console.row.identified").with("who", scene.who);
                Told { facts: from_device(device), ..row(words) }
            }
            Event::Restarted { device, by, .. } => {
                by_either(by.as_ref(), device, "console.row.chain_restarted", "console.row.chain_restarted_by")
            }
            Event::Succeeded { device, by } => {
                by_either(by.as_ref(), device, "console.row.chain_closed", "console.row.chain_closed_by")
            }
            Event::StepNotClosed { position, reason } => {
                bad(Phrase::new("console.row.chain_step_not_closed").with("number", position + 1).with("reason", reason))
            }
            Event::Failed { reason } => bad(Phrase::new("console.row.chain_failed").with("reason", reason)),
            Event::Cancelled { reason, device, by } => cancelled(reason.as_deref(), device, by.as_ref()),
            Event::Expired => bad(Phrase::new("console.row.chain_expired")),
        }]
    }

    fn intended(&self, effect: &chain::Effect, _: &Scene<'_>) -> Intended {
        internal(effect)
    }
}

/// The checks of a result, by the names that the provider has for them.
fn checks(result: &ScoreResult) -> Vec<Fact> {
    let named = |Score { score_type, score, .. }: &Score| format!("{score_type} {score}");
    let all: Vec<String> = result.scores.iter().map(named).collect();
    let fact = || Fact { name: "console.attempt.checks", value: all.join(", ") };
    if all.is_empty() { Vec::new() } else { vec![fact()] }
}

impl Tells for Scoring {
    fn told(&self, event: &scoring::Event, scene: &Scene<'_>) -> Vec<Told> {
        use scoring::Event;
        let of = |attempt: &uuid::Uuid| Group::Attempt { scoring: scene.journal, attempt: *attempt };
        let said = |key| row(Phrase::new(key).with("who", scene.who));
        let ended = |key| bad(Phrase::new(key).with("who", scene.who));
        vec![match event {
            Event::Created(_) => said("console.row.scoring_created"),
            Event::Begun { attempt, way, device, .. } => {
                let way = match way {
                    Way::Submit(_) => "console.attempt.submitted",
                    Way::Delegate => "console.attempt.delegated",
                };
                let words = Phrase::new("console.row.scoring_attempt").with("who", scene.who);
                let step = part(of(attempt), Phrase::new(way), None);
                Told { words: Some(words), facts: from_device(device), ..step }
            }
            Event::Delegated { attempt, provider_id, .. } => {
                let fact = Fact { name: "console.fact.provider_id", value: provider_id.clone() };
                Told { facts: vec![fact], ..part(of(attempt), Phrase::new("console.part.taken_by_provider"), None) }
            }
            // What the provider answers is told.
            Event::Asked { .. } => return Vec::new(),
            Event::Result { attempt, result } => {
                let tone = if result.passing { Tone::Plain } else { Tone::Bad };
                Told { facts: checks(result), ..part(of(attempt), result_words(result), Some(tone)) }
            }
            Event::NoResult { attempt, reason, .. } => {
                let words = Phrase::new("console.attempt.no_result").with("reason", reason.as_str());
                part(of(attempt), words, Some(Tone::Bad))
            }
            Event::Withdrawn { attempt, .. } => part(of(attempt), Phrase::new("console.part.withdrawn"), Some(Tone::Plain)),
            Event::Closed => said("console.row.scoring_closed"),
            Event::Succeeded => said("console.row.scoring_succeeded"),
            Event::Failed => ended("console.row.scoring_failed"),
            Event::Expired => ended("console.row.scoring_expired"),
            Event::Erased => ended("console.row.scoring_erased"),
        }]
    }

    fn intended(&self, effect: &scoring::Effect, scene: &Scene<'_>) -> Intended {
        let Intended { words, .. } = internal(effect);
        let group = match effect {
            scoring::Effect::Score { attempt } | scoring::Effect::Ask { attempt } => {
                Some(Group::Attempt { scoring: scene.journal, attempt: *attempt })
            }
            _ => None,
        };
        Intended { group, words, is_internal: true }
    }
}
