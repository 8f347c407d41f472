//! D2 to D5: one person before an agent: who they should be, what their document says, and the agent's decision.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use pages::{
    console::Phrase,
    desk::{self, Customer, Hand, Stage},
};
use uuid::Uuid;
use workflows::{
    Device, DocumentType, IdentificationState, Refusal,
    identification::agent::{AgentCommand, Command, Data},
    sign_process::process_of_signature,
    values::MAX_REASON,
};

use super::{
    super::visit::{Failure, Form, Visit},
    check::{self, Checks},
    hand,
    today::{as_of, document, name},
};
use crate::{
    http::device::client_address,
    processes::vouching::{self, MAX_EVIDENCE, MAX_METADATA, Validation},
    signers::desk_code,
};

/// Maximum length of the form with the picture, in bytes: as long as the parts may be, escaped.
const MAX_FORM: usize = MAX_EVIDENCE + MAX_EVIDENCE / 4 + 3 * MAX_METADATA;

/// Characters of a document's number that are shown.
const SHOWN_OF_NUMBER: usize = 3;

/// Maximum length of a user agent that is kept, in bytes.
const MAX_USER_AGENT: usize = 512;

/// The address of a person's page.
pub fn address(visit: &Visit, id: Uuid) -> String {
    format!("{}/identifications/{id}", visit.desk())
}

/// The identification of an address, as it is now.
pub async fn found(visit: &Visit) -> Result<(Uuid, Data), Failure> {
    let id = Uuid::parse_str(&visit.call.segment("id")).map_err(|_| Failure::NotFound)?;
    let machine = visit.engine().processes.agent.peek(&visit.organization, id).await?;
    let data = as_of(&machine, visit.process_time()).existing().map_err(|_| Failure::NotFound)?.clone();
    Ok((id, data))
}

/// What stands in a page besides what is known of the person.
#[derive(Default)]
pub struct Said {
    pub error: Option<Phrase>,
    pub done: Option<Phrase>,
    /// A reason as it was typed.
    pub reason: String,
    /// The code of a tablet as it was typed.
    pub code: String,
}

pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        let (id, data) = found(visit).await?;
        let done = match visit.call.parameter("done").as_deref() {
            Some("validated") if data.state == IdentificationState::Validated => Some(Phrase::new("desk.validate.done")),
            _ => None,
        };
        let page = view(visit, id, &data, Said { done, ..Said::default() }).await?;
        if visit.call.parameter("after").is_some_and(|known| known == page.version) {
            return Ok(HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish());
        }
        Ok(visit.page(page.html()))
    })
    .await
}

/// The page of a person.
pub async fn view(visit: &Visit, id: Uuid, data: &Data, said: Said) -> Result<Customer, Failure> {
    let document_of = data.creation.actor.identity_document.as_ref();
    let number = document_of.map(|document| {
        let shown: Vec<char> = document.document_number.chars().rev().take(SHOWN_OF_NUMBER).collect();
        shown.into_iter().rev().collect()
    });
    let Said { error, done, reason, code } = said;
    let stage = stage(visit, data, reason, code).await?;
    let version = match &stage {
        Stage::Identified { hand: Some(Hand { state: Some(state), .. }), .. } => state.key().to_owned(),
        _ => data.state.name().to_owned(),
    };
    Ok(Customer {
        frame: visit.frame(),
        link: address(visit, id),
        code: desk_code(id),
        name: name(id, data),
        document: document(data),
        number,
        country: document_of.and_then(|document| document.country.clone()),
        documents: data.creation.purpose.documents.clone(),
        since: visit.site().minute(&visit.organization, data.created_at),
        expires: visit.site().minute(&visit.organization, data.creation.expires_at),
        stage,
        error,
        done,
        version,
    })
}

async fn stage(visit: &Visit, data: &Data, reason: String, code: String) -> Result<Stage, Failure> {
    let over = |key| Ok(Stage::Over(Phrase::new(key)));
    match data.state {
        IdentificationState::Created => {
            let taken = data.own.taken.as_ref();
            let is_own = taken.is_some_and(|taken| taken.by.subject == visit.session.subject);
            if !is_own {
                let by = taken.map(|taken| {
                    let at = visit.site().minute(&visit.organization, taken.at).shown;
                    Phrase::new("desk.taken").with("agent", &taken.by.name).with("at", at)
                });
                return Ok(Stage::Waits { taken: by });
            }
            let kind = data.creation.actor.identity_document.as_ref().map(|document| document.document_type);
            let must_photograph = data.creation.evidence_required;
            let one_side = kind == Some(DocumentType::Passport);
            Ok(Stage::Begun(desk::Desk { must_photograph, one_side, max_reason: MAX_REASON, reason }))
        }
        IdentificationState::Validated => {
            let agent = data.own.voucher.as_ref().map(|voucher| voucher.agent.clone());
            let hand = match data.creation.purpose.signature {
                Some(signature) => Some(Hand { state: hand::state(visit, signature).await?, code }),
                None => None,
            };
            Ok(Stage::Identified { agent, hand })
        }
        IdentificationState::Succeeded => over("desk.over.succeeded"),
        IdentificationState::Failed => over("desk.over.failed"),
        IdentificationState::Cancelled => over("desk.over.cancelled"),
        IdentificationState::Expired => over("desk.over.expired"),
    }
}

/// The page again, with what is wrong. Of what another agent or the time brought about it says how it is now.
pub async fn again(visit: &Visit, status: StatusCode, said: Said) -> Result<HttpResponse, Failure> {
    let (id, data) = found(visit).await?;
    Ok(visit.call.page(status, view(visit, id, &data, said).await?.html()))
}

/// What a process refuses, shown on the page.
async fn refused(visit: &Visit, refusal: &Refusal, reason: String) -> Result<HttpResponse, Failure> {
    let error = Phrase::new("desk.refused").with("why", refusal);
    again(visit, StatusCode::CONFLICT, Said { error: Some(error), reason, ..Said::default() }).await
}

/// The agent begins with the person.
pub async fn take(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        visit.own_form(payload).await?;
        let (id, _) = found(visit).await?;
        let command = AgentCommand::Take { by: visit.staff() };
        match visit.engine().processes.agent.ask(&visit.organization, id, command.into()).await {
            Ok(_) => Ok(visit.done(&address(visit, id))),
            Err(actors::Error::Refused(refusal @ Refusal::State(_))) => refused(visit, &refusal, String::new()).await,
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// Whether this agent is the one with the person; who is not sees who is.
async fn own(visit: &Visit) -> Result<Result<Uuid, HttpResponse>, Failure> {
    let (id, data) = found(visit).await?;
    let is_own = data.own.taken.as_ref().is_some_and(|taken| taken.by.subject == visit.session.subject);
    if is_own && data.state == IdentificationState::Created {
        return Ok(Ok(id));
    }
    let error = Some(Phrase::new("desk.not_yours"));
    Ok(Err(again(visit, StatusCode::CONFLICT, Said { error, ..Said::default() }).await?))
}

/// The agent vouches for the person.
pub async fn validate(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        let form = visit.own_form_up_to(payload, MAX_FORM).await?;
        let id = match own(visit).await? {
            Ok(id) => id,
            Err(shown) => return Ok(shown),
        };
        let metadata = match metadata(visit, id, &form) {
            Ok(metadata) => metadata,
            Err(error) => return again(visit, StatusCode::BAD_REQUEST, Said { error: Some(error), ..Said::default() }).await,
        };
        let evidence = Some(form.text("evidence")).filter(|text| !text.is_empty()).map(str::to_owned);
        let user_agent = visit.call.request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let device = Device {
            ip: client_address(&visit.call.request, visit.call.state()).map(|address| address.to_string()),
            user_agent: user_agent.filter(|text| text.len() <= MAX_USER_AGENT).map(str::to_owned),
            ..Device::default()
        };
        let validation = Validation { agent: visit.session.subject.clone(), evidence, metadata, device };
        let desk = visit.engine().vouching(visit.call.state());
        let error = match desk.validate(&visit.organization, id, validation).await {
            Ok(()) => return Ok(visit.done(&format!("{}?done=validated", address(visit, id)))),
            Err(vouching::Error::Process(actors::Error::Refused(Refusal::Invalid(_)))) => Phrase::new("desk.no_picture"),
            Err(vouching::Error::Process(actors::Error::Refused(refusal @ Refusal::State(_)))) => {
                return refused(visit, &refusal, String::new()).await;
            }
            Err(vouching::Error::Invalid(problems)) => {
                let why: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
                Phrase::new("desk.refused").with("why", why.join("; "))
            }
            Err(vouching::Error::Process(error)) => return Err(error.into()),
            Err(vouching::Error::Files(error)) => {
                tracing::warn!(%error, "the picture of an identity document could not be kept");
                return Err(Failure::Unavailable);
            }
        };
        again(visit, StatusCode::BAD_REQUEST, Said { error: Some(error), ..Said::default() }).await
    })
    .await
}

/// What this server read from the pictures, as the page brings it back; nobody wrote it but this server, for this identification.
fn metadata(visit: &Visit, id: Uuid, form: &Form) -> Result<Option<String>, Phrase> {
    let text = form.text("metadata");
    if text.is_empty() {
        return Ok(None);
    }
    let checks = Checks::of(visit.site(), &visit.organization, id);
    if checks.made(text, form.text("proof")) { Ok(Some(text.to_owned())) } else { Err(Phrase::new("desk.checks_lost")) }
}

/// It is not this person: the identification ends, and what it was for as the contract has it.
pub async fn reject(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        let form = visit.own_form(payload).await?;
        let id = match own(visit).await? {
            Ok(id) => id,
            Err(shown) => return Ok(shown),
        };
        let typed = form.text("reason").replace("\r\n", "\n").trim().to_owned();
        let reason = format!("agent: {typed}");
        if typed.is_empty() || workflows::values::check_reason(&reason).is_err() {
            let error = Some(Phrase::new("desk.reject.no_reason").with("most", MAX_REASON));
            return again(visit, StatusCode::BAD_REQUEST, Said { error, reason: typed, ..Said::default() }).await;
        }
        let command = Command::Cancel { reason: Some(reason), by: Some(visit.staff()) };
        match visit.engine().processes.agent.ask(&visit.organization, id, command).await {
            Ok(_) => Ok(visit.done(&format!("{}?done=rejected", visit.desk()))),
            Err(actors::Error::Refused(refusal @ Refusal::State(_))) => refused(visit, &refusal, typed).await,
            Err(error) => Err(error.into()),
        }
    })
    .await
}

/// D4: what this server reads from the pictures, as advice. Nothing of them is kept.
pub async fn check(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        visit.call.check_origin()?;
        let (id, data) = found(visit).await?;
        check::read(visit, id, &data, payload).await
    })
    .await
}

/// The process of a signature that is to be handed over, and whether it can be.
pub async fn admits(visit: &Visit, signature: Uuid) -> Result<Result<(), Refusal>, Failure> {
    let process = visit.engine().processes.sign.read(&visit.organization, process_of_signature(signature)).await?;
    let data = process.existing().map_err(|_| Failure::NotFound)?;
    Ok(data.admits_hand_over(signature))
}
