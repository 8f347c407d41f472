//! What every handler gets: the services of the server, and the caller behind the request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use ipnet::IpNet;
use store::Timestamp;
use uuid::Uuid;

use super::error::ApiError;
use crate::access::{self, Action, Denied, Target};
use crate::catalogue::documents::{Documents, Owner};
use crate::catalogue::sign_configuration::SignConfigurations;
use crate::keys::Keys;
use crate::render_workers::Workers;

/// When a request that met an unreachable key source is worth repeating.
const KEYS_RETRY: Duration = Duration::from_secs(5);

/// Longest organization name, in bytes: whatever its characters, the name of its folder of blobs stays within a file system's bounds.
const MAX_ORGANIZATION: usize = 80;

/// Settings of the HTTP side.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the outside world reaches this server; start of the public URLs.
    pub public_base_url: String,
    /// Networks of the proxies whose `x-forwarded-for` is believed.
    pub trusted_proxies: Vec<IpNet>,
}

/// The services behind the handlers.
#[derive(Clone)]
pub struct State {
    /// Documents of all organizations.
    pub documents: Documents,
    /// Sign configurations of all organizations.
    pub configurations: SignConfigurations,
    /// The processes that draw pages.
    pub workers: Workers,
    /// Seals public URLs.
    pub keys: Keys,
    /// Checks tokens.
    pub access: access::Service,
    /// Settings.
    pub options: Arc<Options>,
    /// The wall clock.
    pub clock: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl State {
    /// The wall clock's time.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }
}

/// The authenticated caller.
#[derive(Clone, Debug)]
pub struct Caller(pub Arc<access::Caller>);

impl Caller {
    /// Refuses what the caller may not do.
    ///
    /// # Errors
    /// 401, or 403 where the contract lists it.
    pub fn authorize(&self, action: Action, target: Target<'_>) -> Result<(), ApiError> {
        access::authorize(&self.0, action, target).map_err(refused)
    }

    /// The first half of [`Caller::authorize`], before what the target belongs to is known (see [`access::may`]).
    ///
    /// # Errors
    /// As [`Caller::authorize`].
    pub fn may(&self, action: Action, organization: &str) -> Result<(), ApiError> {
        access::may(&self.0, action, organization).map_err(refused)
    }
}

fn refused(denied: Denied) -> ApiError {
    if denied.is_forbidden() { ApiError::forbidden(denied.to_string()) } else { ApiError::unauthorized(denied.to_string()) }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let state =
                request.app_data::<web::Data<State>>().ok_or_else(|| ApiError::internal("no state in the application"))?;
            let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let bearer = access::bearer(header).map_err(|error| ApiError::unauthorized(error.to_string()))?;
            match state.access.authenticate(bearer, state.now()).await {
                Ok(caller) => Ok(Self(caller)),
                Err(error @ access::Error::KeysUnavailable) => Err(ApiError::unavailable(error, KEYS_RETRY)),
                Err(error) => Err(ApiError::unauthorized(error.to_string())),
            }
        })
    }
}

/// A path parameter that holds a UUID.
///
/// # Errors
/// 400 naming the parameter.
pub fn uuid_parameter(name: &str, text: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(text).map_err(|_| ApiError::parameter(format!("{name}: not a UUID")))
}

/// The path parameter `org_id`.
///
/// # Errors
/// 400 when no organization can have that name.
pub fn organization_parameter(text: &str) -> Result<&str, ApiError> {
    if text.is_empty() || text.len() > MAX_ORGANIZATION || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(ApiError::parameter(format!("org_id: expected up to {MAX_ORGANIZATION} bytes without white space")));
    }
    Ok(text)
}

/// The header `x-auth-owner`, normalised; `None` if it was not sent.
///
/// # Errors
/// 400 when it is sent twice, blank or too long: taken for absent, it would make a private upload public.
pub fn owner_header(request: &HttpRequest) -> Result<Option<Owner>, ApiError> {
    const NAME: &str = "x-auth-owner";
    let mut values = request.headers().get_all(NAME);
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::parameter(format!("{NAME}: the header comes more than once")));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| ApiError::parameter(format!("{NAME}: not UTF-8 text")))?;
    Owner::new(text).map(Some).map_err(|message| ApiError::parameter(format!("{NAME}: {message}")))
}
