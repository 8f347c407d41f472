//! What exists only where the sandbox is on: the messages that would have been sent, and the moving of process time.

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ApiError,
    error::{ErrorsResponse, only},
    json::Json,
    processes::Engine,
    query::Query,
};
use crate::{channels::sandbox::Outbox, iso_duration, sandbox_clock::Offset};

/// Most messages of one answer.
const MAX_MESSAGES: usize = 1_000;

/// Messages of one answer when no number is asked for.
const DEFAULT_MESSAGES: usize = 100;

/// Furthest that the clock moves in all: beyond it the development certificate would have expired for ever.
const MAX_OFFSET: Duration = Duration::days(600);

/// What the sandbox's handlers need.
#[derive(Clone)]
pub struct Sandbox {
    pub outbox: Outbox,
    pub offset: Offset,
    /// Whether other servers share the store. Each keeps the messages that it sent itself.
    pub shared: bool,
}

/// Registers the operations; only where the sandbox is on.
pub fn configure(service: &mut web::ServiceConfig) {
    service
        .service(web::resource("/sandbox").route(web::get().to(page)).default_service(only("GET")))
        .service(web::resource("/sandbox/messages").route(web::get().to(sandbox_messages)).default_service(only("GET")))
        .service(web::resource("/sandbox/clock").route(web::post().to(advance_sandbox_clock)).default_service(only("POST")));
}

/// A message that was not sent but kept.
#[derive(Serialize, ToSchema)]
#[allow(dead_code)]
pub struct SandboxMessage {
    id: uuid::Uuid,
    at: DateTime<Utc>,
    channel: workflows::Channel,
    to: String,
    subject: String,
    text: String,
}

/// Read the sandbox's messages
///
/// Newest first. Only where the sandbox is on. Where several servers share the store, these are the messages that this one sent.
#[utoipa::path(
    get, path = "/sandbox/messages", operation_id = "sandbox_messages", tag = "Sandbox",
    params(
        ("to" = Option<String>, Query, description = "E-mail address or E.164 number; without it, messages to anybody."),
        ("limit" = Option<usize>, Query, description = "Most messages; default 100, at most 1000."),
    ),
    responses(
        (status = 200, description = "The messages.", body = [SandboxMessage]),
        (status = 400, description = "A query value or the body is not valid.", body = ErrorsResponse),
        (status = "default", description = "Any other error.", body = ErrorsResponse),
    ),
    security(())
)]
pub async fn sandbox_messages(query: Query, sandbox: web::Data<Sandbox>) -> Result<HttpResponse, ApiError> {
    let limit = query.number("limit")?.unwrap_or(DEFAULT_MESSAGES).min(MAX_MESSAGES);
    // In a query "+" means a blank: a number written "+34..." without escaping arrives as " 34...".
    let to = query.text("to")?.map(|to| if to.starts_with(' ') { to.replacen(' ', "+", 1) } else { to.into_owned() });
    Ok(HttpResponse::Ok().json(sandbox.outbox.list(to.as_deref(), limit)))
}

/// Contract of the clock.
#[derive(Deserialize, ToSchema)]
pub struct AdvanceClock {
    /// How far process time moves forward, e.g. `PT2H`.
    #[schema(format = Duration)]
    advance: String,
}

/// Where process time is now.
#[derive(Serialize, ToSchema)]
pub struct ClockState {
    /// Process time.
    now: DateTime<Utc>,
    /// How far it is ahead of the wall clock.
    #[schema(format = Duration)]
    ahead: String,
}

/// Move process time forward
///
/// Expiries, cooldowns and retries come as if the time had passed; tokens and public URLs keep the wall clock. Only where the
/// sandbox is on.
#[utoipa::path(
    post, path = "/sandbox/clock", operation_id = "advance_sandbox_clock", tag = "Sandbox",
    request_body = AdvanceClock,
    responses(
        (status = 200, description = "Process time after the move.", body = ClockState),
        (status = 400, description = "A query value or the body is not valid.", body = ErrorsResponse),
        (status = "default", description = "Any other error.", body = ErrorsResponse),
    ),
    security(())
)]
pub async fn advance_sandbox_clock(
    sandbox: web::Data<Sandbox>,
    engine: web::Data<Engine>,
    body: Json<AdvanceClock>,
) -> Result<HttpResponse, ApiError> {
    let advance = iso_duration::parse(&body.0.advance).map_err(|error| ApiError::input(format!("advance: {error}")))?;
    if engine.clock.advanced() + advance > MAX_OFFSET {
        return Err(ApiError::input("advance: process time may be at most P600D ahead"));
    }
    sandbox
        .offset
        .advance(&engine.clock, advance)
        .await
        .map_err(|error| ApiError::unavailable(error, std::time::Duration::from_secs(1)))?;
    let ahead = engine.clock.advanced();
    let ahead = if ahead.is_zero() { "PT0S".to_owned() } else { iso_duration::format(ahead) };
    Ok(HttpResponse::Ok().json(ClockState { now: engine.clock.now(), ahead }))
}

/// What the page says where there are several servers.
const SEVERAL: &str = "Several servers share the store: here are the messages that this one sent, and the others have theirs.";

/// The messages as a page for people.
async fn page(sandbox: web::Data<Sandbox>) -> HttpResponse {
    let note = if sandbox.shared { SEVERAL } else { "" };
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(include_str!("sandbox.html").replace("{{note}}", note))
}
