//! C4: one sign process: what happened to it, what is to come, its documents, and its cancellation.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use actors::Host;
use chrono::{DateTime, Utc};
use futures::{StreamExt, stream};
use pages::console::{self, Cancel, Document, Journal, Lane, NavPart, Phrase, Problem, Row, Signer, Stage, Tone};
use uuid::Uuid;
use workflows::{
    IdentificationState, IdentificationType, Machine, Refusal,
    identification::{Identification, lifecycle::Event},
    sign_process::{self, Command, Data, SignProcess, SignatureStatus},
    values::{MAX_REASON, check_reason},
};

use super::{
    documents::{page_address, public_address, size},
    effects,
    history::{History, Section},
    lanes, links,
    processes::{as_of, status, type_words, waits},
    telling::{TellsOwn, masked},
    timeline::Scene,
    visit::{Failure, Visit},
};
use crate::{access::Role, catalogue::documents, public_url::Disposition};

/// Journals that are read at once.
const READ_AT_ONCE: usize = 8;

/// The process of an address, as it is now.
pub async fn found(visit: &Visit) -> Result<(Uuid, SignProcess), Failure> {
    let id = Uuid::parse_str(&visit.call.segment("id")).map_err(|_| Failure::NotFound)?;
    let machine = visit.engine().processes.sign.peek(&visit.organization, id).await?;
    let machine = as_of(&*machine, visit.process_time());
    if machine.data().is_none() { Err(Failure::NotFound) } else { Ok((id, machine)) }
}

/// The address of a process' page.
pub fn address(visit: &Visit, id: Uuid) -> String {
    format!("{}/processes/{id}", visit.here().path)
}

/// What the journals of a process tell.
#[derive(Default)]
struct Read {
    history: History,
    /// When each signer began to identify themselves.
    began: Vec<Option<DateTime<Utc>>>,
}

impl Read {
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
            let scene = Scene { process: Some(data), journal, name: "console.journal.identification", who };
            let lines = self.history.tell::<Identification<M>>(&scene, read)?;
            let began = lines.iter().find(|line| matches!(line.event(), Some(Event::Own(_) | Event::Validated { .. })));
            self.began.push(began.map(|line| line.at));
        }
        Ok(())
    }
}

async fn read(visit: &Visit, id: Uuid, data: &Data) -> Result<Read, Failure> {
    let (organization, processes) = (visit.organization.as_str(), &visit.engine().processes);
    let mut all = Read::default();
    let scene = Scene { process: Some(data), journal: id, name: "console.journal.process", who: "" };
    all.history.tell::<SignProcess>(&scene, processes.sign.journal(organization, id).await)?;
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
        let Read { history, began } = read(visit, id, data).await?;
        if let Some(answer) = history.no_news(visit) {
            return Ok(answer);
        }
        let History { timeline, journals, entries } = history;
        let now = visit.process_time();
        let mut rows = future(visit, data, &machine);
        rows.extend(timeline.rows(visit.site(), &visit.organization, now));
        let (effects, pause) = effects::of_process(visit, &visit.engine().processes.sign, id, !data.status.is_final()).await?;
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
    let Told { rows, journals, began, entries, now, effects, pause } = told;
    let Section { rows, newer, older, failures, only_failures } = Section::of(visit, &link, rows);
    let may_cancel = data.status == sign_process::Status::Created && visit.session.has(Role::ConsoleOperate);
    let done = match visit.call.parameter("done").as_deref() {
        Some("cancelled") if data.status == sign_process::Status::Cancelled => Some(Phrase::new("console.cancel.done")),
        Some(name) if name.starts_with("link-") => links::done(name),
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
        sign_type: type_words(data.creation.sign_type),
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
        failures,
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
        acts: links::acts(visit, data, position),
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

/// To a document of the process, by an address that works for minutes.
pub async fn document(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        let document = document_of(visit).await?;
        Ok(visit.call.see(&public_address(visit, &document, Disposition::Inline)?))
    })
    .await
}

/// To the image of its first page.
pub async fn first_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Processes), async |visit| {
        let document = document_of(visit).await?;
        Ok(visit.call.see(&page_address(visit, &document)?))
    })
    .await
}

async fn document_of(visit: &Visit) -> Result<documents::Document, Failure> {
    let (_, machine) = found(visit).await?;
    let id = Uuid::parse_str(&visit.call.segment("document")).map_err(|_| Failure::NotFound)?;
    let Some(data) = machine.data().filter(|data| holds(data, id)) else { return Err(Failure::NotFound) };
    tracing::debug!(process = %data.creation.id, document = %id, "the console leads to a document");
    Ok(visit.call.state().documents.find(&visit.organization, id).await?)
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
            Ok(_) => Ok(visit.done(&format!("{}?done=cancelled", address(visit, id)))),
            Err(actors::Error::Refused(Refusal::State(_))) => {
                let (_, machine) = found(visit).await?;
                machine.data().map(|data| too_late(visit, id, data)).ok_or(Failure::NotFound)
            }
            Err(error) => Err(error.into()),
        }
    })
    .await
}
