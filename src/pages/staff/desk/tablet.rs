//! T1: the device at which somebody signs. Nobody is signed in there. A tablet of the shop is enrolled by an agent, which its cookie says, and
//! asks who comes next; another device comes with a code and a secret that an agent gave it, in the fragment of its address.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, web};
use pages::{desk::Tablet, headers::Page};
use serde::Deserialize;
use serde_json::json;
use tokio::time::timeout;
use uuid::Uuid;
use workflows::sign_process::{Command, process_of_signature};

use super::super::{
    pairing::{Answer, Begun, Error, Given, TIME, code_of},
    session::Enrolled,
    visit::{Call, Failure, Visit},
};
use crate::{
    http::device::{Required, device},
    pages::answer,
};

/// Maximum length of what a device says, in bytes, and how long it may take.
const MAX_SAID: usize = 1_024;
const SAID_TIME: std::time::Duration = std::time::Duration::from_secs(10);

/// Makes this browser a tablet of the shop. The agent is signed out of it: it goes into customers' hands.
pub async fn enrol(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::at_desk(request, async |visit| {
        visit.own_form(payload).await?;
        let (organization, by) = (visit.organization.clone(), visit.session.subject.clone());
        let enrolled = Enrolled { organization, id: Uuid::now_v7(), by };
        let sessions = &visit.site().sessions;
        let cookie = sessions.tablet_cookie(&enrolled).map_err(|_| Failure::Unavailable)?;
        tracing::info!(tablet = %enrolled.id, by = enrolled.by, organization = enrolled.organization, "a tablet was enrolled");
        visit.did();
        let mut response = visit.call.leading(&format!("{}/tablet", visit.desk()));
        response.append_header((header::SET_COOKIE, cookie)).append_header((header::SET_COOKIE, sessions.no_cookie()));
        Ok(response.finish())
    })
    .await
}

/// The page. It is the same for every pairing.
pub async fn page(request: HttpRequest) -> HttpResponse {
    let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
    let organization = call.segment("org");
    if crate::http::context::organization_parameter(&organization).is_err() {
        return call.failed(Failure::NotFound, call.frame());
    }
    let page = Tablet {
        language: call.language,
        root: call.site.root.to_string(),
        name: call.site.tenants.name(&organization),
        is_enrolled: enrolled(&call).is_some(),
        organization,
    };
    answer(Page::Signing, page.html())
}

/// The tablet that asks, if it is one of the organization that the address names.
fn enrolled(call: &Call) -> Option<Enrolled> {
    let enrolled = call.site.sessions.tablet(&call.request)?;
    (enrolled.organization == call.segment("org")).then_some(enrolled)
}

fn said(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

fn problem(status: StatusCode, words: &str) -> HttpResponse {
    said(status, &json!({ "problem": words }))
}

fn unavailable(error: &Error) -> HttpResponse {
    tracing::warn!(%error, "a device could not be paired");
    problem(StatusCode::SERVICE_UNAVAILABLE, "not available at the moment")
}

/// A code for a tablet that waits for the next person.
pub async fn begin(request: HttpRequest) -> HttpResponse {
    let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
    if call.check_origin().is_err() {
        return problem(StatusCode::FORBIDDEN, "it does not come from a page of this server");
    }
    if enrolled(&call).is_none() {
        return problem(StatusCode::FORBIDDEN, "this device is no tablet of the shop, or is none any more");
    }
    match call.site.pairings.begin(&call.segment("org"), None, call.now()).await {
        Ok(Begun { code, secret }) => {
            said(StatusCode::OK, &json!({ "code": code, "secret": secret, "seconds": TIME.num_seconds() }))
        }
        Err(error) => unavailable(&error),
    }
}

/// What a device asks with.
#[derive(Deserialize)]
struct Asked {
    code: String,
    secret: String,
}

/// What was given to a device, or that it waits. What is given is journaled with the device before it gets there.
pub async fn ask(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let Some(call) = Call::of(request) else { return HttpResponse::NotFound().finish() };
    if call.check_origin().is_err() {
        return problem(StatusCode::FORBIDDEN, "it does not come from a page of this server");
    }
    // Tablets of one shop may have one address; whoever is none of them is a stranger.
    if enrolled(&call).is_none() {
        let address = crate::http::device::client_address(&call.request, call.state());
        if let Err(wait) = call.engine().signers.limits.admit(address, 1, call.now()) {
            let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "too often from one address");
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().max(1).into());
            return response;
        }
    }
    let Ok(device) = device(&call.request, call.state(), Required::InstallationAndUserAgent) else {
        return problem(StatusCode::BAD_REQUEST, "the headers of the device are missing");
    };
    let body = timeout(SAID_TIME, payload.to_bytes_limited(MAX_SAID)).await;
    let asked = body.ok().and_then(Result::ok).and_then(Result::ok);
    let Some(asked) = asked.and_then(|bytes| serde_json::from_slice::<Asked>(&bytes).ok()) else {
        return problem(StatusCode::BAD_REQUEST, "expected code and secret");
    };
    let (organization, now) = (call.segment("org"), call.now());
    let Some(code) = code_of(&asked.code) else { return said(StatusCode::OK, &json!({ "state": "over" })) };
    let Given { signature, by } = match call.site.pairings.ask(&organization, &code, &asked.secret, now).await {
        Ok(Answer::Given(given)) => given,
        Ok(Answer::Waiting) => return said(StatusCode::OK, &json!({ "state": "waiting" })),
        Ok(Answer::Over) => return said(StatusCode::OK, &json!({ "state": "over" })),
        Err(error) => return unavailable(&error),
    };
    let sign = &call.engine().processes.sign;
    let command = Command::HandOver { signature, by, to: device };
    if let Err(error) = sign.ask(&organization, process_of_signature(signature), command).await {
        tracing::warn!(%error, %signature, "a signature was not handed over");
        // Signed, cancelled or expired meanwhile; the agent sees why.
        return said(StatusCode::OK, &json!({ "state": "over" }));
    }
    let generation = match sign.read(&organization, process_of_signature(signature)).await {
        Ok(process) => process.data().and_then(|data| Some(data.signatures[data.position(signature)?].link.generation)),
        Err(_) => None,
    };
    let Some(generation) = generation else { return problem(StatusCode::SERVICE_UNAVAILABLE, "not available at the moment") };
    let access = &call.state().access;
    let subject = signature.to_string();
    let (token, _) = access.signer_link_token(&organization, signature, generation, now);
    let (signing, expires) = access.signature_token_until(&subject, &organization, signature, now);
    let body = json!({
        "state": "given",
        "signature": signature,
        "token": token,
        "access": signing,
        "seconds": (expires - now).num_seconds(),
    });
    said(StatusCode::OK, &body)
}
