//! The services of the server that every handler gets, and the values that many operations take from path and headers.

use std::sync::Arc;

use actix_web::HttpRequest;
use chrono::TimeDelta;
use ipnet::IpNet;
use store::Timestamp;
use uuid::Uuid;

use super::error::ApiError;
use super::openapi;
use super::operation::Parameter;
use crate::access;
use crate::catalogue::consents::Consents;
use crate::catalogue::contracts::Contracts;
use crate::catalogue::documents::{Documents, Owner};
use crate::catalogue::dynamic_templates::DynamicTemplates;
use crate::catalogue::forms::Forms;
use crate::catalogue::sealed_files::SealedFiles;
use crate::catalogue::sections::Sections;
use crate::catalogue::sign_configuration::SignConfigurations;
use crate::catalogue::template_configurations::{Configurations, Images};
use crate::catalogue::templates::Templates;
use crate::filling::Filling;
use crate::keys::Keys;
use crate::page_view::PageView;
use crate::public_url::{self, Disposition, PublicDocument};
use crate::render_workers::Workers;
use crate::verify::service::Verifier;

/// Maximum length of the name of an organization, in bytes: whatever its characters, the name of its folder of blobs stays within a file system's bounds.
const MAX_ORGANIZATION: usize = 80;

/// Settings of the HTTP side.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where the outside world reaches this server; start of the public URLs.
    pub public_base_url: String,
    /// Networks of the proxies whose `x-forwarded-for` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// How long the token of the web component of consents lasts.
    pub component_token_lifetime: TimeDelta,
}

/// The services behind the handlers.
#[derive(Clone)]
pub struct State {
    /// Documents of all organizations.
    pub documents: Documents,
    /// Contracts of all organizations.
    pub contracts: Contracts,
    /// Definitions and trees of consents of all organizations.
    pub consents: Consents,
    /// Forms of all organizations.
    pub forms: Forms,
    /// Sections of all organizations.
    pub sections: Sections,
    /// Templates of all organizations.
    pub templates: Templates,
    /// Templates in HTML of all organizations.
    pub dynamic_templates: DynamicTemplates,
    /// Fills forms and templates.
    pub filling: Filling,
    /// Images for the fields of templates.
    pub images: Images,
    /// Values for the fields of templates.
    pub template_configurations: Configurations,
    /// Files of processes that only the server reads.
    pub sealed_files: SealedFiles,
    /// Sign configurations of all organizations.
    pub configurations: SignConfigurations,
    /// Shows pages of documents.
    pub page_view: PageView,
    /// Judges the signatures of files that callers send.
    pub verifier: Verifier,
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

    /// A public URL of a document with the bytes that it has, and the instant from which it no longer works.
    ///
    /// # Errors
    /// [`public_url::Error`].
    pub fn public_url(
        &self,
        organization: &str,
        (document, digest): (Uuid, impl ToString),
        disposition: Disposition,
        lifetime: TimeDelta,
    ) -> Result<(String, Timestamp), public_url::Error> {
        let (now, organization, digest) = (self.now(), organization.to_owned(), digest.to_string());
        let shared = PublicDocument { organization, document, digest, disposition, expires: now + lifetime };
        Ok((public_url::sign(&self.keys, &self.options.public_base_url, &shared, now)?, shared.expires))
    }
}

/// A path parameter that holds a UUID.
///
/// # Errors
/// 400 naming the parameter.
pub fn uuid_parameter(name: &str, text: &str) -> Result<Uuid, ApiError> {
    Uuid::parse_str(text).map_err(|_| ApiError::parameter(format!("{name}: not a UUID")))
}

/// A path parameter that holds a whole number from 1 to `max`. One that is above what any number here can be is the largest, which nothing has.
///
/// # Errors
/// 400 naming the parameter.
pub fn number_parameter(name: &str, text: &str, max: Option<u32>) -> Result<u32, ApiError> {
    let is_number = !text.is_empty() && !text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = is_number.then(|| text.parse().unwrap_or(u32::MAX)).filter(|number| max.is_none_or(|max| *number <= max));
    let expected = || match max {
        Some(max) => format!("{name}: expected a whole number from 1 to {max}"),
        None => format!("{name}: expected a whole number from 1"),
    };
    number.ok_or_else(|| ApiError::parameter(expected()))
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

/// The header `x-auth-owner` of operations on documents.
pub const OWNER: Parameter = owner("Owner of the document. Mandatory unless it is public.");

/// As [`OWNER`], where it means something else.
pub const fn owner(description: &'static str) -> Parameter {
    Parameter::header("x-auth-owner", description, openapi::header_text::<255>)
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
