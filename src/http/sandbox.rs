//! What exists only where the sandbox is on: the messages that would have been sent, and the moving of process time.

use std::net::IpAddr;

use actix_web::{
    FromRequest, HttpRequest, HttpResponse,
    dev::Payload,
    http::{Uri, header},
    web,
};
use chrono::{DateTime, Duration, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ApiError, State,
    error::{ErrorsResponse, only},
    headers,
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

/// A request whose `Host` is this server's. The sandbox asks for no token, so a page whose name was made to point here (DNS rebinding) must
/// not be able to call it: its requests carry its own name.
pub struct OwnHost;

impl FromRequest for OwnHost {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let public = request.app_data::<web::Data<State>>().map(|state| state.options.public_base_url.as_str());
        let given = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        std::future::ready(if is_own(given, public) {
            Ok(Self)
        } else {
            Err(ApiError::forbidden(
                "the sandbox is reached by an IP address, localhost or the host of server.public_base_url only",
            ))
        })
    }
}

/// Whether a `Host` cannot be a stranger's domain: it is an address, a name without a dot, which nobody can register, or the configured one.
fn is_own(given: &str, public_base_url: Option<&str>) -> bool {
    let authority = |url: &str| Some(url.parse::<Uri>().ok()?.authority()?.host().to_ascii_lowercase());
    let Some(host) = authority(&format!("http://{given}")) else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok() || !host.contains('.') || public_base_url.and_then(authority) == Some(host)
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
pub async fn sandbox_messages(_: OwnHost, query: Query, sandbox: web::Data<Sandbox>) -> Result<HttpResponse, ApiError> {
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
    _: OwnHost,
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
async fn page(_: OwnHost, sandbox: web::Data<Sandbox>) -> HttpResponse {
    let note = if sandbox.shared { SEVERAL } else { "" };
    headers::page(include_str!("sandbox.html").replace("{{note}}", note))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_domain_is_not_the_servers_host() {
        let public = Some("https://Sign.example.org:8443/base");
        for own in
            ["localhost", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "192.0.2.7", "rubrica-1:8080", "sign.example.org"]
        {
            assert!(is_own(own, public), "{own}");
        }
        for foreign in
            ["", "evil.example", "sign.example.org.evil.example:8080", "127.0.0.1.evil.example", "localhost.", "user@a.b"]
        {
            assert!(!is_own(foreign, public), "{foreign}");
        }
    }
}
