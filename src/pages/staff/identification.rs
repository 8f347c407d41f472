//! C5: one identification, a chain or a check of a document: what happened to it, what belongs to it, and what staff does about it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::Host;
use chrono::{DateTime, Utc};
use pages::console::{self, Act, Attempt, Check, Detail, DetailValue, NavPart, Phrase, Question, Related, Row, Stage, Tone};
use uuid::Uuid;
use workflows::{
    Device, Hand, Refusal,
    identification::{
        Identification, Method,
        chain::{self, MAX_RESTARTS},
        lifecycle::Command,
    },
    scoring::{self, Score, Scoring},
    values::MAX_REASON,
};

use super::{
    effects::{self, kind_key, kinds as effect_kinds, process_address, reason_of},
    history::{History, Section},
    identifications::{About, Kind, Value, address, contacts, kinds},
    telling::TellsOwn,
    telling_chains::result_words,
    timeline::{Scene, Tells},
    visit::{Failure, Visit},
};
use crate::access::Role;

/// What an address names, as it is now.
struct Place<'a> {
    kind: &'a dyn Kind,
    id: Uuid,
    about: About,
}

async fn found(visit: &Visit) -> Result<Place<'_>, Failure> {
    let name = visit.call.segment("kind");
    let kind = kinds(&visit.engine().processes).into_iter().find(|kind| kind.name() == name).ok_or(Failure::NotFound)?;
    let id = Uuid::parse_str(&visit.call.segment("id")).map_err(|_| Failure::NotFound)?;
    let known = kind.look(visit, &[id]).await?.pop().ok_or(Failure::NotFound)?;
    Ok(Place { kind, id, about: known?.ok_or(Failure::NotFound)? })
}

/// What somebody does, as addresses name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Cancel,
    Close,
    Restart,
}

impl Deed {
    const ALL: [Self; 3] = [Self::Cancel, Self::Close, Self::Restart];

    fn name(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Close => "close",
            Self::Restart => "restart",
        }
    }

    /// What the contract allows now. Checks of documents end with what they belong to.
    fn of(place: &Place<'_>) -> Vec<Self> {
        use console::Identified::{Created, Validated};
        let About { state, round, .. } = place.about;
        let is_open = matches!(state, Created | Validated);
        match place.kind.name() {
            "scoring" => Vec::new(),
            "chain" => {
                let restart = (is_open && round < MAX_RESTARTS).then_some(Self::Restart);
                let close = (state == Validated).then_some(Self::Close);
                let cancel = (state == Created).then_some(Self::Cancel);
                restart.into_iter().chain(close).chain(cancel).collect()
            }
            _ => is_open.then_some(Self::Cancel).into_iter().collect(),
        }
    }

    fn title(self, kind: &str) -> Phrase {
        Phrase::new(match (self, kind) {
            (Self::Cancel, "chain") => "console.deed.cancel_chain",
            (Self::Cancel, _) => "console.deed.cancel",
            (Self::Close, _) => "console.deed.close",
            (Self::Restart, _) => "console.deed.restart",
        })
    }

    /// What follows from it.
    fn consequence(self, place: &Place<'_>) -> Phrase {
        let About { sign_process, chain, round, .. } = place.about;
        match self {
            Self::Cancel if place.kind.name() == "chain" => Phrase::new("console.deed.cancel_chain_about"),
            Self::Cancel if sign_process.is_some() => Phrase::new("console.deed.cancel_of_process_about"),
            Self::Cancel if chain.is_some() => Phrase::new("console.deed.cancel_step_about"),
            Self::Cancel => Phrase::new("console.deed.cancel_about"),
            Self::Close => Phrase::new("console.deed.close_about"),
            Self::Restart => Phrase::new("console.deed.restart_about").with("left", MAX_RESTARTS.saturating_sub(round)),
        }
    }

    fn done(self) -> Phrase {
        Phrase::new(match self {
            Self::Cancel => "console.deed.cancelled",
            Self::Close => "console.deed.closed",
            Self::Restart => "console.deed.restarted",
        })
    }
}

/// Adds the journal of one, and those of what belongs to it.
async fn tell<M: Tells>(history: &mut History, visit: &Visit, scene: &Scene<'_>, host: &Host<M>) -> Result<(), Failure> {
    let read = host.journal(&visit.organization, scene.journal).await;
    history.tell::<M>(scene, read).map(drop)
}

async fn tell_checks(history: &mut History, visit: &Visit, scene: &Scene<'_>, ids: &[Uuid]) -> Result<(), Failure> {
    for id in ids {
        let scene = Scene { journal: *id, name: "console.journal.scoring", ..*scene };
        tell::<Scoring>(history, visit, &scene, &visit.engine().processes.scoring).await?;
    }
    Ok(())
}

async fn tell_one(history: &mut History, visit: &Visit, scene: &Scene<'_>, kind: &str, checks: &[Uuid]) -> Result<(), Failure> {
    let processes = &visit.engine().processes;
    match kind {
        "otp" => tell(history, visit, scene, &processes.otp).await,
        "agent" => tell(history, visit, scene, &processes.agent).await,
        "identity_document" => {
            tell(history, visit, scene, &processes.identity_document).await?;
            tell_checks(history, visit, scene, checks).await
        }
        "chain" => tell(history, visit, &Scene { name: "console.journal.chain", ..*scene }, &processes.chain).await,
        _ => tell_checks(history, visit, scene, &[scene.journal]).await,
    }
}

/// All that the journals of one tell, those of the steps of a chain with it.
async fn history(visit: &Visit, place: &Place<'_>, who: &str) -> Result<History, Failure> {
    let mut history = History::default();
    let scene = Scene { process: None, journal: place.id, name: "console.journal.identification", who };
    tell_one(&mut history, visit, &scene, place.kind.name(), &place.about.scorings).await?;
    for (position, (kind, id, _)) in place.about.steps.iter().enumerate() {
        let who = format!("{}. {who}", position + 1);
        let scene = Scene { journal: *id, who: &who, ..scene };
        tell_one(&mut history, visit, &scene, kind, &[]).await?;
    }
    Ok(history)
}

/// Whom it is of: the signer's alias where it is one's, else the name; never empty, as rows are told with it.
async fn who(visit: &Visit, place: &Place<'_>) -> Result<String, Failure> {
    let of = place.about.identification.unwrap_or(place.id);
    if let Some(process) = place.about.sign_process {
        let process = visit.engine().processes.sign.peek(&visit.organization, process).await;
        let signer = process.ok().and_then(|process| {
            let signers = &process.data()?.creation.signers;
            signers.iter().find(|signer| signer.identification == of).map(|signer| signer.alias.clone())
        });
        if let Some(alias) = signer {
            return Ok(alias);
        }
    }
    let who = place.about.who();
    Ok(if who.is_empty() { "–".into() } else { who })
}

/// The page of one. With `after` it is shown only where there are entries beyond so many.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Identifications), async |visit| {
        let place = found(visit).await?;
        let who = who(visit, &place).await?;
        let history = history(visit, &place, &who).await?;
        if let Some(answer) = history.no_news(visit) {
            return Ok(answer);
        }
        let attempts = attempts(visit, &place).await?;
        let of_effects = effect_kinds(&visit.engine().processes).into_iter().find(|kind| kind.name() == place.kind.name());
        let (effects, pause) = match of_effects {
            Some(kind) => effects::of_process(visit, kind, place.id, !place.about.is_final).await?,
            None => (Vec::new(), None),
        };
        let Place { kind, id, about } = &place;
        let (link, moment) = (address(visit, kind.name(), *id), |at| visit.site().moment(&visit.organization, at));
        let History { timeline, journals, entries } = history;
        let mut rows: Vec<Row> = (!about.is_final).then(|| expires(visit, about.expires_at)).into_iter().collect();
        rows.extend(timeline.rows(visit.site(), &visit.organization, visit.process_time()));
        let Section { rows, newer, older, failures, only_failures } = Section::of(visit, &link, rows);
        let may = visit.session.has(Role::ConsoleOperate);
        let act = |deed: Deed| Act { words: deed.title(kind.name()), link: format!("{link}/{}", deed.name()) };
        let page = console::Identification {
            frame: visit.frame(),
            id: id.to_string(),
            kind: kind_key(kind.name()),
            state: about.state,
            waits: about.waits.clone(),
            end_reason: about.end_reason.clone(),
            created: moment(about.created_at),
            expires: moment(about.expires_at),
            who: about.who(),
            contacts: about.person.as_ref().map(contacts).unwrap_or_default(),
            details: about.details.iter().map(|(name, value)| detail(visit, name, value)).collect(),
            related: related(visit, about),
            attempts,
            rows,
            newer,
            older,
            failures,
            only_failures,
            journals,
            acts: Deed::of(&place).into_iter().filter(|_| may).map(act).collect(),
            effects,
            pause,
            done: done(visit),
            version: entries,
            link,
        };
        Ok(visit.page(page.html()))
    })
    .await
}

fn done(visit: &Visit) -> Option<Phrase> {
    let name = visit.call.parameter("done")?;
    let deed = Deed::ALL.into_iter().find(|deed| deed.name() == name).map(Deed::done);
    deed.or_else(|| (name == "acted").then(|| Phrase::new("console.act.done").with("done", 1)))
}

/// What is to come by time alone.
fn expires(visit: &Visit, at: DateTime<Utc>) -> Row {
    Row {
        at: visit.site().moment(&visit.organization, at),
        tone: Tone::Future,
        words: Phrase::new("console.row.expires"),
        parts: Vec::new(),
        facts: Vec::new(),
        entries: Vec::new(),
    }
}

fn detail(visit: &Visit, name: &'static str, value: &Value) -> Detail {
    let value = match value {
        Value::Text(text) => DetailValue::Text(text.clone()),
        Value::Words(key) => DetailValue::Words(Phrase::new(key)),
        Value::Phrase(phrase) => DetailValue::Words(phrase.clone()),
        Value::At(at) => DetailValue::At(visit.site().moment(&visit.organization, *at)),
    };
    Detail { name, value }
}

/// What belongs to it: the process or chain that it is of, the steps and checks that are its own.
fn related(visit: &Visit, about: &About) -> Vec<Related> {
    let one = |kind: &'static str, id: Uuid, words: Phrase, state| Related {
        words,
        id: id.to_string(),
        link: process_address(visit, kind, id),
        state,
    };
    let plain = |kind: &'static str, id: Uuid| one(kind, id, Phrase::new(kind_key(kind)), None);
    let step = |(position, (kind, id, state)): (usize, &(&'static str, Uuid, console::Identified))| {
        let words = Phrase::new("console.related.step").with("number", position + 1).word("kind", kind_key(kind));
        one(kind, *id, words, Some(*state))
    };
    let above = about.sign_process.map(|id| plain("sign_process", id)).into_iter();
    let above = above.chain(about.chain.map(|id| plain("chain", id)));
    let above = above.chain(about.identification.map(|id| plain("identity_document", id)));
    let below = about.steps.iter().enumerate().map(step);
    above.chain(below).chain(about.scorings.iter().map(|id| plain("scoring", *id))).collect()
}

/// Tries at the check of a document: of a check itself, or of the newest one of an identification.
async fn attempts(visit: &Visit, place: &Place<'_>) -> Result<Option<Vec<Attempt>>, Failure> {
    let tries = match (&place.about.attempts, place.about.scorings.last()) {
        (Some(attempts), _) => attempts.clone(),
        (None, Some(newest)) => {
            let session = visit.engine().processes.scoring.peek(&visit.organization, *newest).await?;
            session.existing().map(|data| data.attempts.clone()).unwrap_or_default()
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(tries.iter().zip(1..).map(|(attempt, number)| shown(visit, attempt, number)).collect()))
}

fn shown(visit: &Visit, attempt: &scoring::Attempt, number: usize) -> Attempt {
    let (stage, result) = match (&attempt.end, attempt.result()) {
        (None, _) => (Stage::Waiting, Phrase::new("console.attempt.under_way")),
        (_, Some(result)) => (if result.passing { Stage::Done } else { Stage::Lost }, result_words(result)),
        (Some(scoring::End::NoResult { reason, .. }), None) => {
            (Stage::Lost, Phrase::new("console.attempt.no_result").with("reason", reason.as_str()))
        }
        (Some(scoring::End::Result { result, .. }), None) => (Stage::Lost, result_words(result)),
    };
    let way = match attempt.way {
        scoring::Way::Submit(_) => "console.attempt.submitted",
        scoring::Way::Delegate => "console.attempt.delegated",
    };
    let check = |Score { score_type, is_fraud, score, .. }: &Score| Check {
        name: score_type.clone(),
        score: score.to_string(),
        is_bad: *is_fraud,
    };
    Attempt {
        number,
        at: visit.site().moment(&visit.organization, attempt.at),
        way: Phrase::new(way),
        stage,
        result,
        provider_id: attempt.provider_id().map(str::to_owned),
        checks: attempt.result().map(|result| result.scores.iter().map(check).collect()).unwrap_or_default(),
    }
}

fn deed(visit: &Visit) -> Result<Deed, Failure> {
    let name = visit.call.segment("deed");
    Deed::ALL.into_iter().find(|deed| deed.name() == name).ok_or(Failure::NotFound)
}

fn question(visit: &Visit, place: &Place<'_>, deed: Deed, reason: String, error: Option<Phrase>) -> Question {
    let link = address(visit, place.kind.name(), place.id);
    Question {
        frame: visit.frame(),
        title: deed.title(place.kind.name()),
        about: Phrase::new(kind_key(place.kind.name())),
        id: place.id.to_string(),
        consequence: deed.consequence(place),
        link: format!("{link}/{}", deed.name()),
        back: link,
        reason,
        error,
        max_reason: MAX_REASON,
        is_grave: deed != Deed::Restart,
    }
}

fn too_late(visit: &Visit, place: &Place<'_>, deed: Deed, reason: String) -> HttpResponse {
    let error = Some(Phrase::new("console.act.too_late"));
    visit.call.page(StatusCode::CONFLICT, question(visit, place, deed, reason, error).html())
}

/// The question before an act.
pub async fn question_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Identifications), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let (deed, place) = (deed(visit)?, found(visit).await?);
        if !Deed::of(&place).contains(&deed) {
            return Ok(too_late(visit, &place, deed, String::new()));
        }
        Ok(visit.page(question(visit, &place, deed, String::new(), None).html()))
    })
    .await
}

/// Does it.
pub async fn act(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Identifications), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let reason = reason_of(visit, payload).await?;
        let (deed, place) = (deed(visit)?, found(visit).await?);
        let reason = match reason {
            Ok(reason) => reason,
            Err(reason) => {
                let error = Some(Phrase::new("console.cancel.no_reason"));
                return Ok(visit.call.page(StatusCode::BAD_REQUEST, question(visit, &place, deed, reason, error).html()));
            }
        };
        // The machine decides, too; this is for what it takes twice without a word.
        if !Deed::of(&place).contains(&deed) {
            return Ok(too_late(visit, &place, deed, reason));
        }
        match perform(visit, &place, deed, reason.clone()).await {
            Ok(()) => {
                let kind = place.kind.name();
                Ok(visit.done(&format!("{}?done={}", address(visit, kind, place.id), deed.name())))
            }
            Err(actors::Error::Refused(Refusal::State(_))) => Ok(too_late(visit, &place, deed, reason)),
            Err(error) => Err(error.into()),
        }
    })
    .await
}

async fn perform(visit: &Visit, place: &Place<'_>, deed: Deed, reason: String) -> Result<(), actors::Error> {
    let processes = &visit.engine().processes;
    match place.kind.name() {
        "otp" => cancel(visit, &processes.otp, place.id, reason).await,
        "agent" => cancel(visit, &processes.agent, place.id, reason).await,
        "identity_document" => cancel(visit, &processes.identity_document, place.id, reason).await,
        "chain" => {
            let staff = visit.staff();
            let device = Device { ip: staff.ip.clone(), ..Device::default() };
            let command = match deed {
                Deed::Cancel => chain::Command::Cancel { reason: Some(reason), device, by: Some(staff) },
                Deed::Close => chain::Command::Close { device, by: Some(Hand { by: staff, reason }) },
                Deed::Restart => chain::Command::Restart { device, by: Some(Hand { by: staff, reason }) },
            };
            processes.chain.ask(&visit.organization, place.id, command).await.map(drop)
        }
        _ => Err(actors::Error::Refused(Refusal::NotFound("identification"))),
    }
}

async fn cancel<M: Method + TellsOwn>(
    visit: &Visit,
    host: &Host<Identification<M>>,
    id: Uuid,
    reason: String,
) -> Result<(), actors::Error> {
    let command = Command::Cancel { reason: Some(reason), by: Some(visit.staff()) };
    host.ask(&visit.organization, id, command).await.map(drop)
}
