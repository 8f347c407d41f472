//! C4: one sign process: what happened to it, what is to come, its documents, and its cancellation.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use actors::{
    Host,
    journal::{Line, ReadError},
};
use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, stream};
use pages::console::{self, Act, Cancel, Document, Journal, Lane, NavPart, Phrase, Problem, Row, Signer, Stage, Tone};
use uuid::Uuid;
use workflows::{
    IdentificationState, IdentificationType, Machine, Refusal, SignType,
    identification::{Identification, lifecycle::Event},
    sign_process::{self, Command, Data, SignProcess, SignatureStatus},
    values::{MAX_REASON, check_reason},
};

use super::{
    effects, lanes,
    processes::{as_of, status, waits},
    telling::{TellsOwn, masked},
    timeline::{Scene, Timeline},
    visit::{Failure, Visit},
};
use crate::{access::Role, catalogue::documents, public_url::Disposition};

/// Rows of the timeline on a page.
const PAGE: usize = 200;

/// Journals that are read at once.
const READ_AT_ONCE: usize = 8;

/// How long the address of a document works that a page leads to.
const LINK_TIME: TimeDelta = TimeDelta::minutes(5);

/// Width of the image of a page, one of those that there are.
const PAGE_WIDTH: u32 = 800;

/// The process of an address, as it is now.
async fn found(visit: &Visit) -> Result<(Uuid, SignProcess), Failure> {
    let id = Uuid::parse_str(&visit.call.segment("id")).map_err(|_| Failure::NotFound)?;
    let machine = visit.engine().processes.sign.peek(&visit.organization, id).await?;
    let machine = as_of(&machine, visit.process_time());
    if machine.data().is_none() { Err(Failure::NotFound) } else { Ok((id, machine)) }
}

/// The address of a process' page.
fn address(visit: &Visit, id: Uuid) -> String {
    format!("{}/processes/{id}", visit.here().path)
}

/// What the journals of a process tell.
#[derive(Default)]
struct Read {
    timeline: Timeline,
    journals: Vec<Journal>,
    /// When each signer began to identify themselves.
    began: Vec<Option<DateTime<Utc>>>,
    /// Entries of all journals.
    entries: u64,
}

impl Read {
    /// Adds a journal; its lines where it is whole.
    fn add<E>(
        &mut self,
        (name, of, id): (&'static str, &str, Uuid),
        read: Result<Vec<Line<E>>, ReadError>,
    ) -> Result<Option<Vec<Line<E>>>, Failure> {
        let journal = |words, head, is_whole| Journal { name, of: of.to_owned(), id: id.to_string(), words, head, is_whole };
        match read {
            Ok(lines) => {
                let count = lines.len() as u64;
                self.entries += count;
                if let Some(last) = lines.last() {
                    let words = Phrase::new("console.journal.intact").with("count", count);
                    self.journals.push(journal(words, last.hash.to_string(), true));
                }
                Ok(Some(lines))
            }
            Err(ReadError::Store(error)) => Err(error.into()),
            Err(ReadError::Journal(error)) => {
                tracing::error!(%id, %error, "a journal that the console shows is not whole");
                self.journals.push(journal(Phrase::new("console.journal.broken"), String::new(), false));
                Ok(None)
            }
        }
    }

    async fn identifications<M: TellsOwn>(
        &mut self,
        visit: &Visit,
        data: &Data,
        host: &Host<Identification<M>>,
    ) -> Result<(), Failure> {
        let organization = visit.organization.as_str();
        let reads = data.creation.signers.iter().map(|signer| host.journal(organization, signer.identification));
        let read: Vec<_> = stream::iter(reads).buffered(READ_AT_ONCE).collect().await;
        for (signer, read) in data.creation.signers.iter().zip(read) {
            let (journal, who) = (signer.identification, signer.alias.as_str());
            let lines = self.add(("console.journal.identification", who, journal), read)?.unwrap_or_default();
            let name = "console.journal.identification";
            let scene = Scene { process: data, journal, name, who };
            self.timeline.recount::<Identification<M>>(&scene, &lines);
            let began = lines.iter().find(|line| matches!(line.event(), Some(Event::Own(_) | Event::Validated { .. })));
            self.began.push(began.map(|line| line.at));
        }
        Ok(())
    }
}

async fn read(visit: &Visit, id: Uuid, data: &Data) -> Result<Read, Failure> {
    let (organization, processes) = (visit.organization.as_str(), &visit.engine().processes);
    let mut all = Read::default();
    let name = "console.journal.process";
    let lines = all.add((name, "", id), processes.sign.journal(organization, id).await)?.unwrap_or_default();
    let scene = Scene { process: data, journal: id, name, who: "" };
    all.timeline.recount::<SignProcess>(&scene, &lines);
    match data.creation.identification_type {
        IdentificationType::Otp => all.identifications(visit, data, &processes.otp).await?,
        IdentificationType::Agent => all.identifications(visit, data, &processes.agent).await?,
        IdentificationType::IdentityDocument => all.identifications(visit, data, &processes.identity_document).await?,
    }
    Ok(all)
}

/// The page of a process. With `after` it is shown only where there are entries beyond so many.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        let (id, machine) = found(visit).await?;
        let Some(data) = machine.data() else { return Err(Failure::NotFound) };
        let Read { timeline, journals, began, entries } = read(visit, id, data).await?;
        if visit.call.parameter("after").is_some_and(|known| known == entries.to_string()) {
            return Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish());
        }
        let now = visit.process_time();
        let mut rows = future(visit, data, &machine);
        rows.extend(timeline.rows(visit.site(), &visit.organization, now));
        let (effects, pause) = effects::of_process(visit, id, !data.status.is_final()).await?;
        let page = view(visit, id, data, Told { rows, journals, began, entries, now, effects, pause });
        Ok(visit.page(page.html()))
    })
    .await
}

/// What is known of a process beyond its state.
struct Told {
    rows: Vec<Row>,
    journals: Vec<Journal>,
    began: Vec<Option<DateTime<Utc>>>,
    entries: u64,
    now: DateTime<Utc>,
    effects: Vec<console::Effect>,
    pause: Option<console::Act>,
}

fn view(visit: &Visit, id: Uuid, data: &Data, told: Told) -> console::Process {
    let link = address(visit, id);
    let Told { mut rows, journals, began, entries, now, effects, pause } = told;
    let only_failures = visit.call.parameter("failures").is_some();
    if only_failures {
        rows.retain(|row| row.tone == Tone::Bad || row.parts.iter().any(|part| part.is_bad));
    }
    let from = visit.call.parameter("from").and_then(|from| from.parse::<usize>().ok()).unwrap_or(0);
    let of = |from: usize, failures: bool| {
        let query = [failures.then(|| "failures=1".to_owned()), (from > 0).then(|| format!("from={from}"))];
        let query: Vec<String> = query.into_iter().flatten().collect();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        format!("{link}{query}#timeline")
    };
    let newer = (from > 0).then(|| of(from.saturating_sub(PAGE), only_failures));
    let older = (rows.len() > from.saturating_add(PAGE)).then(|| of(from + PAGE, only_failures));
    let rows = rows.into_iter().skip(from).take(PAGE).collect();
    let failures = if only_failures { "console.timeline.all" } else { "console.timeline.failures" };
    let may_cancel = data.status == sign_process::Status::Created && visit.session.has(Role::ConsoleOperate);
    let done = match visit.call.parameter("done").as_deref() {
        Some("cancelled") if data.status == sign_process::Status::Cancelled => Some(Phrase::new("console.cancel.done")),
        Some("acted") => Some(Phrase::new("console.act.done").with("done", 1)),
        _ => None,
    };
    let signers: Vec<Signer> = (0..data.signatures.len()).filter_map(|position| signer(visit, data, position)).collect();
    let lane = |(position, signer): (usize, &Signer)| Lane {
        name: signer.alias.clone(),
        segments: lanes::segments(data, position, began.get(position).copied().flatten(), now),
        now: signer.signature.clone(),
    };
    console::Process {
        frame: visit.frame(),
        id: id.to_string(),
        status: status(data.status),
        waits: waits(data),
        end_reason: data.end_reason.clone(),
        created: visit.site().moment(&visit.organization, data.created_at),
        expires: visit.site().moment(&visit.organization, data.creation.expires_at),
        sign_type: match data.creation.sign_type {
            SignType::Simple => "console.process.simple",
            SignType::Biometric => "console.process.biometric",
        },
        identified_by: match data.creation.identification_type {
            IdentificationType::Otp => "console.process.otp",
            IdentificationType::Agent => "console.process.agent",
            IdentificationType::IdentityDocument => "console.process.identity_document",
        },
        lanes: signers.iter().enumerate().map(lane).collect(),
        signers,
        rows,
        newer,
        older,
        failures: Act { words: Phrase::new(failures), link: of(0, !only_failures) },
        only_failures,
        documents: documents_of(data, &link),
        certificate: data.certificate.map(|certificate| format!("{link}/documents/{certificate}")),
        journals,
        cancel: may_cancel.then(|| format!("{link}/cancel")),
        effects,
        pause,
        done,
        version: entries,
        link,
    }
}

/// What is to come by time alone.
fn future(visit: &Visit, data: &Data, machine: &SignProcess) -> Vec<Row> {
    let row = |at| Row {
        at: visit.site().moment(&visit.organization, at),
        tone: Tone::Future,
        words: Phrase::new("console.row.expires"),
        parts: Vec::new(),
        facts: Vec::new(),
        entries: Vec::new(),
    };
    let expires = machine.wake_at().filter(|at| *at == data.creation.expires_at);
    expires.map(row).into_iter().collect()
}

fn signer(visit: &Visit, data: &Data, position: usize) -> Option<Signer> {
    let (signer, signature) = (data.creation.signers.get(position)?, data.signatures.get(position)?);
    let channels = [workflows::Channel::Email, workflows::Channel::Sms];
    let (stage, words) = match signature.status {
        SignatureStatus::Created => (Stage::Waiting, "console.signature.created"),
        SignatureStatus::Succeeded => (Stage::Done, "console.signature.succeeded"),
        SignatureStatus::Failed => (Stage::Lost, "console.signature.failed"),
        SignatureStatus::Cancelled => (Stage::Lost, "console.signature.cancelled"),
        SignatureStatus::Expired => (Stage::Lost, "console.signature.expired"),
    };
    let identification = match signature.identification {
        IdentificationState::Created => "console.identification.created",
        IdentificationState::Validated => "console.identification.validated",
        IdentificationState::Succeeded => "console.identification.succeeded",
        IdentificationState::Failed => "console.identification.failed",
        IdentificationState::Cancelled => "console.identification.cancelled",
        IdentificationState::Expired => "console.identification.expired",
    };
    Some(Signer {
        alias: signer.alias.clone(),
        name: signer.person.full_name().unwrap_or_default(),
        contacts: channels.into_iter().filter_map(|channel| masked(&signer.person, channel)).collect(),
        stage,
        signature: Phrase::new(words),
        identification: Phrase::new(identification),
        signed: signature.signed.as_ref().map(|act| visit.site().moment(&visit.organization, act.at)),
        identification_id: signer.identification.to_string(),
        signature_id: signature.id.to_string(),
    })
}

fn documents_of(data: &Data, link: &str) -> Vec<Document> {
    let of = |id: Uuid| format!("{link}/documents/{id}");
    let signed = data.creation.documents.iter().zip(&data.sealed).map(|(document, sealed)| Document {
        name: document.name.clone(),
        about: Phrase::new("console.document.about").with("pages", document.pages).with("size", size(document.size)),
        link: of(document.id),
        page: format!("{}/page", of(document.id)),
        sealed: sealed.as_ref().map(|sealed| of(sealed.id)),
    });
    let shown = data.creation.previews.iter().map(|preview| Document {
        name: preview.name.clone(),
        about: Phrase::new("console.document.preview"),
        link: of(preview.id),
        page: format!("{}/page", of(preview.id)),
        sealed: None,
    });
    signed.chain(shown).collect()
}

/// A size for people.
fn size(bytes: u64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{} kB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}

/// To a document of the process, by an address that works for minutes.
pub async fn document(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        let address = document_address(visit).await?;
        Ok(visit.call.see(&address))
    })
    .await
}

/// To the image of its first page.
pub async fn first_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        let address = document_address(visit).await?;
        Ok(visit.call.see(&format!("{address}/pages/0/{PAGE_WIDTH}")))
    })
    .await
}

async fn document_address(visit: &Visit) -> Result<String, Failure> {
    let (_, machine) = found(visit).await?;
    let id = Uuid::parse_str(&visit.call.segment("document")).map_err(|_| Failure::NotFound)?;
    let Some(data) = machine.data().filter(|data| holds(data, id)) else { return Err(Failure::NotFound) };
    tracing::debug!(process = %data.creation.id, document = %id, "the console leads to a document");
    let state = visit.call.state();
    let document = match state.documents.find(&visit.organization, id).await {
        Ok(document) => document,
        Err(documents::Error::NotFound | documents::Error::Gone) => return Err(Failure::NotFound),
        Err(error) => {
            tracing::warn!(%error, "the console has no answer of the documents");
            return Err(Failure::Unavailable);
        }
    };
    let shared = state.public_url(&visit.organization, (document.id, document.digest), Disposition::Inline, LINK_TIME);
    let (url, _) = shared.map_err(|_| Failure::Unavailable)?;
    // Below the address at which the browser is, by whatever name it came.
    let base = state.options.public_base_url.trim_end_matches('/');
    url.strip_prefix(base).map(|path| format!("{}{path}", visit.site().root)).ok_or(Failure::Unavailable)
}

/// Whether a document belongs to a process.
fn holds(data: &Data, document: Uuid) -> bool {
    data.creation.documents.iter().any(|own| own.id == document)
        || data.creation.previews.iter().any(|own| own.id == document)
        || data.sealed.iter().flatten().any(|sealed| sealed.id == document)
        || data.certificate == Some(document)
}

/// The question before a cancellation.
pub async fn cancel_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let (id, machine) = found(visit).await?;
        let Some(data) = machine.data() else { return Err(Failure::NotFound) };
        if data.status != sign_process::Status::Created {
            return Ok(too_late(visit, id, data));
        }
        Ok(visit.page(question(visit, id, data, String::new(), None).html()))
    })
    .await
}

fn question(visit: &Visit, id: Uuid, data: &Data, reason: String, error: Option<Phrase>) -> Cancel {
    Cancel {
        frame: visit.frame(),
        id: id.to_string(),
        link: address(visit, id),
        documents: data.creation.documents.iter().map(|document| document.name.clone()).collect(),
        signers: data.creation.signers.iter().map(|signer| signer.alias.clone()).collect(),
        reason,
        error,
        max_reason: MAX_REASON,
    }
}

fn too_late(visit: &Visit, id: Uuid, data: &Data) -> HttpResponse {
    let problem = Problem {
        frame: visit.frame(),
        title: Phrase::new("console.problem.forged"),
        words: Phrase::new("console.problem.state").word("status", status(data.status).key()),
        next: address(visit, id),
        next_words: Phrase::new("console.problem.back"),
    };
    visit.call.page(StatusCode::CONFLICT, problem.html())
}

/// Cancels a process in the name of who is signed in.
pub async fn cancel(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        visit.needs(Role::ConsoleOperate)?;
        let form = visit.own_form(payload).await?;
        let (id, machine) = found(visit).await?;
        let Some(data) = machine.data() else { return Err(Failure::NotFound) };
        // Forms have line ends of their own.
        let reason = form.text("reason").replace("\r\n", "\n").trim().to_owned();
        if check_reason(&reason).is_err() {
            let error = Some(Phrase::new("console.cancel.no_reason"));
            return Ok(visit.call.page(StatusCode::BAD_REQUEST, question(visit, id, data, reason, error).html()));
        }
        let command = Command::Cancel { reason, by: Some(visit.staff()) };
        match visit.engine().processes.sign.ask(&visit.organization, id, command).await {
            Ok(_) => Ok(visit.call.see(&format!("{}?done=cancelled", address(visit, id)))),
            Err(actors::Error::Refused(Refusal::State(_))) => {
                let (_, machine) = found(visit).await?;
                machine.data().map(|data| too_late(visit, id, data)).ok_or(Failure::NotFound)
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}
