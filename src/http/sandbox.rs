//! What exists only where the sandbox is on: the messages that would have been sent, and the moving of process time.

use std::net::IpAddr;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Uri, header},
    web,
};
use actors::Clock;
use chrono::{DateTime, Duration, Utc};
use pages::{developer, headers::Page};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};

use super::{
    ApiError,
    api::Api,
    call::{Json, List, SandboxCall},
    durations,
    error::only,
    openapi,
    operation::Parameter,
};
use crate::{
    channels::sandbox::{Outbox, Stored},
    iso_duration,
    pages::answer,
    sandbox_clock::Offset,
};

/// Maximum number of messages of one answer.
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

/// Registers the page; only where the sandbox is on.
pub fn configure(service: &mut web::ServiceConfig) {
    service.service(web::resource("/sandbox").route(web::get().to(page)).default_service(only("GET")));
}

/// A request of the sandbox comes to this server's own `Host`. The sandbox asks for no token, so a page whose name was made to point here
/// (DNS rebinding) must not be able to call it: its requests carry its own name.
///
/// # Errors
/// 403 for a stranger's host.
pub fn check_host(request: &HttpRequest, public_base_url: &str) -> Result<(), ApiError> {
    let given = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if is_own(given, public_base_url) {
        return Ok(());
    }
    Err(ApiError::forbidden("the sandbox is reached by an IP address, localhost or the host of server.public_base_url only"))
}

/// Whether a `Host` cannot be a stranger's domain: it is an address, a name without a dot, which nobody can register, or the configured one.
fn is_own(given: &str, public_base_url: &str) -> bool {
    let authority = |url: &str| Some(url.parse::<Uri>().ok()?.authority()?.host().to_ascii_lowercase());
    let Some(host) = authority(&format!("http://{given}")) else { return false };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    address.parse::<IpAddr>().is_ok() || !host.contains('.') || authority(public_base_url) == Some(host)
}

/// Whose messages are read.
pub const TO: Parameter =
    Parameter::query("to", "E-mail address or E.164 number; without it, messages to anybody.", openapi::text);

/// How many messages are read.
pub const LIMIT: Parameter = Parameter::query("limit", "Most messages; default 100, at most 1000.", limit);

fn limit() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).build()
}

pub async fn messages(call: SandboxCall) -> Result<List<Stored>, ApiError> {
    let limit = call.query.number("limit")?.unwrap_or(DEFAULT_MESSAGES).min(MAX_MESSAGES);
    // In a query "+" means a blank: a number written "+34..." without escaping arrives as " 34...".
    let to = call.query.text("to")?.map(|to| if to.starts_with(' ') { to.replacen(' ', "+", 1) } else { to.into_owned() });
    Ok(List(call.sandbox.outbox.list(to.as_deref(), limit).iter().map(|stored| Stored::clone(stored)).collect()))
}

/// Contract of the clock.
#[derive(Deserialize, ToSchema)]
pub struct AdvanceClock {
    /// How far process time moves forward, e.g. `PT2H`.
    #[schema(schema_with = durations::step)]
    advance: String,
}

/// Where process time is now.
#[derive(Serialize, ToSchema)]
pub struct ClockState {
    /// Process time.
    now: DateTime<Utc>,
    /// How far it is ahead of the wall clock, as ISO-8601 duration.
    ahead: String,
}

pub async fn advance(call: SandboxCall<Json<AdvanceClock>>) -> Result<Json<ClockState>, ApiError> {
    let clock = &call.engine.clock;
    let advance = iso_duration::parse(&call.body.0.advance).map_err(|error| ApiError::input(format!("advance: {error}")))?;
    if advance > MAX_OFFSET {
        return Err(ApiError::input("advance: process time may be at most P600D ahead"));
    }
    if clock.advanced() + advance > MAX_OFFSET {
        return Err(ApiError::conflict("process time may be at most P600D ahead in all; start again with an empty data folder"));
    }
    call.sandbox.offset.advance(clock, advance).await?;
    Ok(Json(ClockState::of(clock)))
}

pub async fn clock(call: SandboxCall) -> Result<Json<ClockState>, ApiError> {
    Ok(Json(ClockState::of(&call.engine.clock)))
}

impl ClockState {
    fn of(clock: &Clock) -> Self {
        let ahead = clock.advanced();
        let ahead = if ahead.is_zero() { "PT0S".to_owned() } else { iso_duration::format(ahead) };
        Self { now: clock.now(), ahead }
    }
}

/// The messages as a page for people.
async fn page(request: HttpRequest, api: web::Data<Api>, sandbox: web::Data<Sandbox>) -> Result<HttpResponse, ApiError> {
    check_host(&request, &api.state().options.public_base_url)?;
    Ok(answer(Page::Developer, developer::sandbox(sandbox.shared)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_domain_is_not_the_servers_host() {
        let public = "https://Sign.example.org:8443/base";
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
