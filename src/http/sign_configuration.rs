//! Sign Configuration: the three operations of the contract.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use documents::Level;
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{Array, Ref, schema::ArrayBuilder},
};

use super::call::{Call, Json, Multipart, Parts, act};
use super::durations;
use super::error::ApiError;
use super::multipart::{Form, Part};
use crate::catalogue::sign_configuration::{
    self, BiometricPolicy, Certificate, Change, Channel, ContactPolicy, MAX_CERTIFICATE, MAX_PASSWORD, ProviderRule,
    SignConfiguration as Configuration,
};
use crate::iso_duration;

/// Maximum size of a text part in bytes.
const MAX_TEXT_PART: usize = 16 * 1024;

const PARTS: [Part; 10] = [
    Part::once("landing_url", MAX_TEXT_PART),
    Part::once("expiration_duration", MAX_TEXT_PART),
    Part::repeated("channels", MAX_TEXT_PART),
    Part::once("content", MAX_CERTIFICATE),
    Part::once("sign_certificate_password", MAX_PASSWORD),
    Part::once("notification_email", MAX_TEXT_PART),
    Part::once("identification_config", MAX_TEXT_PART),
    Part::once("contact_policy", MAX_TEXT_PART),
    Part::once("biometric_policy", MAX_TEXT_PART),
    Part::once("signature_level", MAX_TEXT_PART),
];

/// The configuration; neither the certificate's file nor its password is ever returned.
#[derive(Serialize, ToSchema)]
pub struct SignConfiguration {
    /// URL of the sign pages.
    #[schema(nullable = false)]
    landing_url: Option<String>,
    /// Time limit of every sign process of the organization, ISO-8601.
    #[schema(nullable = false, format = Duration)]
    expiration_duration: Option<String>,
    /// Channels on which notices are sent.
    #[schema(nullable = false)]
    channels: Option<Vec<Channel>>,
    #[schema(nullable = false)]
    certificate: Option<SignCertificate>,
    /// Where notices about the expiry of the certificate go.
    #[schema(nullable = false)]
    notification_email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    identification_config: Option<IdentificationConfig>,
    /// What is asked of the contacts to which codes go. An addition to the contract; only there once it was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    contact_policy: Option<ContactPolicy>,
    /// Settings of signatures by hand. An addition to the contract; only there once it was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    biometric_policy: Option<BiometricPolicy>,
    /// How far the organization's seals can be proven (ETSI EN 319 142-1, 6): `B-B`, `B-T`, `B-LT` or `B-LTA`. An addition to the contract; only
    /// there once it was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<String>)]
    signature_level: Option<Level>,
}

/// Facts read from the certificate.
#[derive(Serialize, ToSchema)]
pub struct SignCertificate {
    /// When the certificate ends.
    #[schema(nullable = false)]
    expiration_date: Option<DateTime<Utc>>,
    /// Subject CN.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    common_name: Option<String>,
    /// Subject O.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    organization: Option<String>,
    /// Subject OU.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    organizational_unit: Option<String>,
    /// Issuer name.
    #[schema(nullable = false)]
    issuer: Option<String>,
}

/// Identification settings of the organization.
#[derive(Serialize, ToSchema)]
pub struct IdentificationConfig {
    #[schema(nullable = false)]
    identity_document: Option<IdentityDocumentProviders>,
}

/// Settings of the identity-document identification.
#[derive(Serialize, ToSchema)]
pub struct IdentityDocumentProviders {
    /// At most one rule per kind of signature.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    providers: Option<Vec<ProviderRule>>,
    /// The organization's own scoring providers. Their addresses and credentials are never returned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    connections: Vec<String>,
    /// The organization's own minimum global scores, by level.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(required = false)]
    levels: BTreeMap<String, f64>,
}

impl From<Certificate> for SignCertificate {
    fn from(certificate: Certificate) -> Self {
        Self {
            expiration_date: Some(certificate.expiration_date),
            common_name: certificate.common_name,
            organization: certificate.organization,
            organizational_unit: certificate.organizational_unit,
            issuer: Some(certificate.issuer),
        }
    }
}

impl From<Configuration> for SignConfiguration {
    fn from(configuration: Configuration) -> Self {
        let (providers, connections, levels) = (configuration.providers, configuration.connected, configuration.levels);
        let is_set = providers.is_some() || !connections.is_empty() || !levels.is_empty();
        let identity_document = IdentityDocumentProviders { providers, connections, levels };
        Self {
            landing_url: Some(configuration.landing_url),
            expiration_duration: Some(iso_duration::format(configuration.expiration_duration)),
            channels: Some(configuration.channels),
            certificate: Some(configuration.certificate.into()),
            notification_email: Some(configuration.notification_email),
            identification_config: is_set.then_some(IdentificationConfig { identity_document: Some(identity_document) }),
            contact_policy: configuration.contact_policy,
            biometric_policy: configuration.biometric_policy,
            signature_level: configuration.signature_level,
        }
    }
}

/// Channels, each once.
fn new_channels() -> Array {
    let description = "Channels on which notices are sent. One form field with comma-separated values.";
    ArrayBuilder::new()
        .items(Ref::from_schema_name(Channel::name()))
        .min_items(Some(1))
        .unique_items(true)
        .description(Some(description))
        .build()
}

/// Settings, certificate and password.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CreateSignConfigurationRequest {
    /// URL of the sign pages.
    #[schema(min_length = 1, max_length = 2048, pattern = "LINE")]
    landing_url: String,
    /// Time limit of every sign process of the organization, ISO-8601, from PT15M to P30D.
    #[schema(schema_with = durations::organization)]
    expiration_duration: String,
    /// Channels on which notices are sent. One form field with comma-separated values.
    #[schema(schema_with = new_channels)]
    channels: Vec<Channel>,
    /// The PKCS#12 (.p12) file.
    #[schema(value_type = String, format = Binary)]
    content: Vec<u8>,
    /// Password of the PKCS#12 file.
    #[schema(format = Password, max_length = 1024)]
    sign_certificate_password: String,
    /// Where notices about the expiry of the certificate go.
    #[schema(format = "email")]
    notification_email: String,
    /// JSON array of scoring providers per kind of signature, as a string; or an object with that array as `providers`, with
    /// `connections` (the organization's own scoring providers) and `levels` (its own minimum scores). A member that is absent stays.
    #[schema(nullable = false, content_media_type = "application/json")]
    identification_config: Option<String>,
    /// What is asked of the contacts to which codes go: a JSON object, as a string, with the members of ContactPolicy, which replaces the one before.
    /// An addition to the contract; until it is set, nothing is asked.
    #[schema(nullable = false, content_media_type = "application/json")]
    contact_policy: Option<String>,
    /// Settings of signatures by hand: a JSON object, as a string, with the members of BiometricPolicy, which replaces the one before. An
    /// addition to the contract; until it is set, the server's settings hold.
    #[schema(nullable = false, content_media_type = "application/json")]
    biometric_policy: Option<String>,
    /// How far the organization's seals can be proven (ETSI EN 319 142-1, 6): `B-B`, `B-T`, `B-LT` or `B-LTA`, of which the server offers those for
    /// which it has what they need. An addition to the contract; empty, or until it is set, the server's level holds.
    #[schema(nullable = false)]
    signature_level: Option<String>,
}

/// What to change; a new certificate needs its password in the same request.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct UpdateSignConfigurationRequest {
    /// URL of the sign pages.
    #[schema(nullable = false, min_length = 1, max_length = 2048, pattern = "LINE")]
    landing_url: Option<String>,
    /// Time limit of every sign process of the organization, ISO-8601, from PT15M to P30D.
    #[schema(schema_with = durations::organization, required = false)]
    expiration_duration: Option<String>,
    /// Channels on which notices are sent. One form field with comma-separated values.
    #[schema(schema_with = new_channels, required = false)]
    channels: Option<Vec<Channel>>,
    /// The PKCS#12 (.p12) file.
    #[schema(nullable = false, value_type = Option<String>, format = Binary)]
    content: Option<Vec<u8>>,
    /// Password of the PKCS#12 file.
    #[schema(nullable = false, format = Password, max_length = 1024)]
    sign_certificate_password: Option<String>,
    /// Where notices about the expiry of the certificate go.
    #[schema(nullable = false, format = "email")]
    notification_email: Option<String>,
    /// JSON array of scoring providers per kind of signature, as a string; or an object with that array as `providers`, with
    /// `connections` (the organization's own scoring providers) and `levels` (its own minimum scores). A member that is absent stays.
    #[schema(nullable = false, content_media_type = "application/json")]
    identification_config: Option<String>,
    /// What is asked of the contacts to which codes go: a JSON object, as a string, with the members of ContactPolicy, which replaces the one before.
    /// An addition to the contract; until it is set, nothing is asked.
    #[schema(nullable = false, content_media_type = "application/json")]
    contact_policy: Option<String>,
    /// Settings of signatures by hand: a JSON object, as a string, with the members of BiometricPolicy, which replaces the one before. An
    /// addition to the contract; until it is set, the server's settings hold.
    #[schema(nullable = false, content_media_type = "application/json")]
    biometric_policy: Option<String>,
    /// How far the organization's seals can be proven (ETSI EN 319 142-1, 6): `B-B`, `B-T`, `B-LT` or `B-LTA`, of which the server offers those for
    /// which it has what they need. An addition to the contract; empty, or until it is set, the server's level holds.
    #[schema(nullable = false)]
    signature_level: Option<String>,
}

impl Parts for CreateSignConfigurationRequest {}

impl Parts for UpdateSignConfigurationRequest {
    const MEDIA_TYPES: &'static [&'static str] = &["multipart/mixed", "multipart/form-data"];
}

pub async fn read(call: Call) -> Result<Json<SignConfiguration>, ApiError> {
    let configuration = call.state.configurations.load(&call.organization).await?.ok_or(sign_configuration::Error::NotFound)?;
    Ok(Json(configuration.into()))
}

pub async fn create(call: Call<(), Multipart<CreateSignConfigurationRequest>>) -> Result<(), ApiError> {
    let room = call.state.documents.upload_room(&call.organization);
    let change = change(call.body.read(&PARTS, room).await?)?;
    Ok(call.state.configurations.create(&call.organization, change, act(&call.caller, call.state.now())).await?)
}

pub async fn update(call: Call<(), Multipart<UpdateSignConfigurationRequest>>) -> Result<(), ApiError> {
    let room = call.state.documents.upload_room(&call.organization);
    let change = change(call.body.read(&PARTS, room).await?)?;
    Ok(call.state.configurations.update(&call.organization, change, act(&call.caller, call.state.now())).await?)
}

fn change(mut form: Form) -> Result<Change, ApiError> {
    Ok(Change {
        landing_url: form.text("landing_url")?,
        expiration_duration: form.text("expiration_duration")?,
        channels: form.list("channels")?,
        content: form.take("content"),
        sign_certificate_password: form.text("sign_certificate_password")?,
        notification_email: form.text("notification_email")?,
        identification_config: form.text("identification_config")?,
        contact_policy: form.text("contact_policy")?,
        biometric_policy: form.text("biometric_policy")?,
        signature_level: form.text("signature_level")?,
    })
}
