//! The history of a customer's consents: what happened, when, by whom and where, what of it still holds, and what was displayed.

use serde::Serialize;
use store::Timestamp;
use utoipa::ToSchema;
use workflows::{
    Staff,
    consents::{ActorSource, Captured, Choice, CustomerConsents, Digest, Event, Format, Held},
};

use super::journal::{Journal, Step};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = ConsentHistoryEvent)]
pub struct Happened {
    /// The state that it made: the number by which its display and its receipt are asked for.
    pub revision: u32,
    /// What happened.
    pub event: Kind,
    /// When it was recorded, by the server's clock.
    #[schema(value_type = String, format = DateTime)]
    pub recorded_at: Timestamp,
    /// When the choices were made, as the caller said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub capture_date: Option<Timestamp>,
    /// Who set the choices, or deleted them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// Through which channel and from where.
    #[serde(rename = "where", skip_serializing_if = "Option::is_none")]
    pub place: Option<Where>,
    /// Why, where a member of the staff did it by hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// That member of the staff, for others of the staff.
    #[serde(skip)]
    pub staff: Option<Staff>,
    /// The choices, or the ids of what lapsed.
    pub selections: Vec<Selection>,
    /// Whether it was displayed by this server, so that the display can be asked for.
    pub displayed: bool,
    /// What the capture recorded of that display.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display: Option<DisplayRecorded>,
    /// Hash of the entry in the journal's chain, lower-case hexadecimal.
    pub hash: String,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentEventKind)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Choices were captured.
    Captured,
    /// Choices were imported that are older than a deletion: evidence without effect.
    Recorded,
    /// Acceptances would lapse within 30 days.
    Expiring,
    /// Acceptances lapsed.
    Expired,
    /// The customer's consents were deleted.
    Deleted,
    /// The time of blocking after a deletion was over.
    RetentionEnded,
    /// The journal could not be erased; it is tried again.
    Postponed,
    /// All before was erased.
    Erased,
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentHistoryWho)]
pub struct Who {
    /// The agent, system or user of the capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_id: Option<String>,
    /// How that is known: `declared` by the caller, from the `token` of a web component, or from an `import`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor_source: Option<&'static str>,
    /// Subject of the token that called.
    pub subject: String,
    /// Audience of that token.
    pub audience: String,
}

/// Where it was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentHistoryWhere)]
pub struct Where {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sell_channel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// What an import says of where the choices come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// What a capture recorded of what was displayed before it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentHistoryDisplay)]
pub struct DisplayRecorded {
    /// Number of the edition of the tree.
    pub edition: u32,
    /// Language of the texts, as the tree writes it.
    pub language: String,
    pub format: Format,
    /// When it was read.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
    /// SHA-256 of what the read answered, as canonical JSON (RFC 8785).
    #[schema(value_type = String)]
    pub digest: Digest,
}

/// One choice of the event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentHistorySelection)]
pub struct Selection {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// Whether it is the one that holds, or another one does.
    pub status: Status,
    /// Whether the statement was displayed, and not only for context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<bool>,
    /// When the acceptance lapses.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expiration_date: Option<Timestamp>,
}

/// Whether a choice holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentHistoryStatus)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// No other choice of the consent came in its place. An acceptance may have lapsed.
    Effective,
    /// Another choice holds, or none does any more.
    Superseded,
}

/// A page of what happened, the newest first.
pub(super) fn page(journal: &Journal, visible_from: u32, skip: usize, take: usize) -> Vec<Happened> {
    let now = journal.state();
    let steps = journal.steps();
    let visible = steps.iter().rev().filter(|step| step.revision >= visible_from);
    visible.skip(skip).take(take).map(|step| happened(step, &now)).collect()
}

fn happened(step: &Step<'_>, now: &CustomerConsents) -> Happened {
    let Step { line, event, revision, .. } = step;
    let held_now = |id: &str, is_this: &dyn Fn(&Held) -> bool| match now.held(id).is_some_and(is_this) {
        true => Status::Effective,
        false => Status::Superseded,
    };
    let status = |id: &str| held_now(id, &|held| held.revision == *revision);
    let foretold = |id: &str| held_now(id, &|held| held.is_foretold() && held.revision < *revision && !held.is_announced());
    let lapsed = |_: &str| Status::Superseded;
    let bare = |kind| Happened {
        revision: *revision,
        event: kind,
        recorded_at: line.at,
        capture_date: None,
        who: None,
        place: None,
        reason: None,
        staff: None,
        selections: Vec::new(),
        displayed: false,
        display: None,
        hash: line.hash.to_string(),
    };
    let of_capture = |kind, captured: &Captured| Happened {
        capture_date: Some(captured.captured_at),
        who: Some(Who {
            actor_id: Some(captured.actor.id.clone()),
            actor_source: Some(match captured.actor.source {
                ActorSource::Declared => "declared",
                ActorSource::Token => "token",
                ActorSource::Import => "import",
            }),
            subject: captured.caller.subject.clone(),
            audience: captured.caller.audience.clone(),
        }),
        place: Some(Where {
            ip: captured.ip.map(|ip| ip.to_string()),
            sell_channel: captured.sell_channel.clone(),
            trace_id: captured.trace_id.clone(),
            origin: captured.origin.clone(),
        }),
        selections: captured
            .selections
            .iter()
            .map(|selected| Selection {
                id: selected.id.clone(),
                choice: Some(selected.choice),
                status: status(&selected.id),
                shown: Some(selected.shown),
                expiration_date: selected.expires_at,
            })
            .collect(),
        displayed: captured.display.is_some(),
        display: captured.display.as_ref().map(|display| DisplayRecorded {
            edition: display.edition,
            language: display.language.clone(),
            format: display.format,
            issued_at: display.issued_at,
            digest: display.digest,
        }),
        ..bare(kind)
    };
    let only_ids = |kind, ids: &[String], status: &dyn Fn(&str) -> Status| Happened {
        selections: ids
            .iter()
            .map(|id| Selection { id: id.clone(), choice: None, status: status(id), shown: None, expiration_date: None })
            .collect(),
        ..bare(kind)
    };
    match event {
        Event::Captured(captured) => of_capture(Kind::Captured, captured),
        Event::Recorded(captured) => of_capture(Kind::Recorded, captured),
        Event::Expiring { ids } => only_ids(Kind::Expiring, ids, &foretold),
        Event::Expired { ids } => only_ids(Kind::Expired, ids, &lapsed),
        Event::Deleted { caller, by, .. } => Happened {
            reason: by.as_ref().map(|hand| hand.reason.clone()),
            staff: by.as_ref().map(|hand| hand.by.clone()),
            who: Some(Who {
                actor_id: None,
                actor_source: None,
                subject: caller.subject.clone(),
                audience: caller.audience.clone(),
            }),
            ..bare(Kind::Deleted)
        },
        Event::RetentionEnded => bare(Kind::RetentionEnded),
        Event::Postponed { .. } => bare(Kind::Postponed),
        Event::Erased { .. } => bare(Kind::Erased),
    }
}
