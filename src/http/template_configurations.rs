//! Templates Configuration: values and images that an organization gives to fields of its templates.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use uuid::Uuid;
use workflows::values::Language;

use super::call::{Call, Json, Multipart, NumberOrLatest, Parts, act};
use super::error::ApiError;
use super::json;
use super::multipart::Part;
use super::operation::Parameter;
use super::paging::{Page, Unique};
use super::query::Query;
use crate::catalogue::item::Found;
use crate::catalogue::template_configurations::{
    self as configurations, ConfigurationDocument as Document, Error, ImageExtension, Localized, MAX_IMAGE, NewConfiguration,
    NewField, NewValue, Upload, Wanted,
};

/// Maximum size of a text part of an upload.
const MAX_TEXT_PART: usize = 4096;

const PARTS: [Part; 3] =
    [Part::once("name", MAX_TEXT_PART), Part::once("extension", MAX_TEXT_PART), Part::once("content", MAX_IMAGE)];

const NAME: &str = "name";
const EXTENSION: &str = "extension";

/// Filter of the listing. The upload has it, too, and ignores it (note configuration-documents-query).
pub const NAME_FILTER: Parameter = Parameter::query(NAME, "Only documents with exactly this name.", super::openapi::text);
/// As [`NAME_FILTER`].
pub const EXTENSION_FILTER: Parameter = Parameter::query(EXTENSION, "Only documents with this extension.", extensions);

fn extensions() -> Object {
    let values = ImageExtension::ALL.map(ImageExtension::as_str);
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values)).build()
}

/// Image usable in templates.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationDocument {
    /// Identifier.
    id: Uuid,
    /// Name, no spaces.
    name: String,
    extension: ImageExtension,
    /// Creation instant.
    creation_date: DateTime<Utc>,
}

impl From<Found<Document>> for ConfigurationDocument {
    fn from(found: Found<Document>) -> Self {
        let creation_date = found.created_at();
        let Document { id, name, extension, .. } = found.item.value;
        Self { id, name, extension, creation_date }
    }
}

type UniqueDocuments = Unique<ConfigurationDocument>;

/// A page of configuration documents.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationDocumentList {
    /// Number of items over all pages.
    #[schema(minimum = 0)]
    total_results: usize,
    /// Page returned, from 0.
    #[schema(minimum = 0)]
    current_page: usize,
    /// Newest first.
    #[schema(inline)]
    items: UniqueDocuments,
}

/// Name, format and bytes of an image.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CreateConfigurationDocumentRequest {
    /// Name of the document, no spaces allowed.
    #[schema(pattern = r"^[^\s\x00-\x1F\x7F-\x9F]+$", max_length = 255)]
    name: String,
    extension: ImageExtension,
    /// The bytes of the image.
    #[schema(value_type = String, format = Binary)]
    content: Vec<u8>,
}

impl Parts for CreateConfigurationDocumentRequest {}

/// Identifier of the new configuration document.
#[derive(Serialize, ToSchema)]
pub struct CreateConfigurationDocumentResponse {
    /// Identifier of the configuration document.
    id: Uuid,
}

fn wanted(query: &Query) -> Result<Wanted, ApiError> {
    let extension = query.text(EXTENSION)?.map(|text| text.parse());
    let extension = extension.transpose().map_err(|message| ApiError::parameter(format!("{EXTENSION}: {message}")))?;
    Ok(Wanted { name: query.text(NAME)?.map(Into::into), extension })
}

pub async fn list_documents(call: Call) -> Result<Json<ConfigurationDocumentList>, ApiError> {
    let (page, wanted) = (Page::of(&call.query)?, wanted(&call.query)?);
    let found = call.state.images.newest(&call.organization, page.number, page.size, &wanted).await?;
    let items = found.items.into_iter().map(|(_, document)| document.into()).collect();
    Ok(Json(ConfigurationDocumentList { total_results: found.total, current_page: page.number, items }))
}

pub async fn create_document(
    call: Call<(), Multipart<CreateConfigurationDocumentRequest>>,
) -> Result<Json<CreateConfigurationDocumentResponse>, ApiError> {
    let room = call.state.documents.upload_room(&call.organization);
    let mut form = call.body.read(&PARTS, room).await?;
    let upload = Upload { name: form.text(NAME)?, extension: form.text(EXTENSION)?, content: form.take("content") };
    let document = call.state.images.upload(&call.organization, upload, act(&call.caller, call.state.now())).await?;
    Ok(Json(CreateConfigurationDocumentResponse { id: document.id }))
}

/// One configuration version.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationSummary {
    /// Configuration version.
    #[schema(minimum = 1)]
    version: u32,
    /// Text given with the version.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    changelog: Option<String>,
    /// Creation instant.
    creation_date: DateTime<Utc>,
}

type UniqueSummaries = Unique<ConfigurationSummary>;

/// A page of configuration versions.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationList {
    /// Number of versions over all pages.
    #[schema(minimum = 0)]
    total_results: usize,
    /// Page returned, from 0.
    #[schema(minimum = 0)]
    current_page: usize,
    /// Newest first.
    #[schema(inline)]
    configurations: UniqueSummaries,
}

pub async fn list(call: Call) -> Result<Json<ConfigurationList>, ApiError> {
    let page = Page::of(&call.query)?;
    let found = call.state.template_configurations.newest(&call.organization, page.number, page.size).await?;
    let summary = |configurations::Summary { number, changelog, created_at }| ConfigurationSummary {
        version: number,
        changelog,
        creation_date: created_at,
    };
    let configurations = found.versions.into_iter().map(summary).collect();
    Ok(Json(ConfigurationList { total_results: found.total, current_page: page.number, configurations }))
}

/// Value in one language.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub struct LocalizedContent {
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    language: Option<Language>,
    /// Value of the field in that language; of an IMAGE the identifier of a configuration document.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    content: Option<String>,
}

/// Value that the organization gives to a template field.
#[derive(Default, Serialize, Deserialize, ToSchema)]
pub struct ConfigurationFieldValue {
    /// Field name with the prefix CONFIG_TENANT., e.g. CONFIG_TENANT.SOCIAL_REASON.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    name: Option<String>,
    /// Kind of value: TEXT, or IMAGE for a configuration document, an addition to the contract.
    #[serde(rename = "type", default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    kind: Option<String>,
    /// Value per language; a fill in a language without an entry takes that of `defaultLanguage`.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    value: Option<Vec<LocalizedContent>>,
}

/// Values of fields, at least one.
type FieldValues = Unique<ConfigurationFieldValue, 1>;

/// Values per language. What is missing is a 422.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateConfigurationRequest {
    /// What changed in this version.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, max_length = 1000)]
    changelog: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false)]
    default_language: Option<Language>,
    /// Default values of the configuration fields per language.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(inline, required, nullable = false)]
    field_values: Option<FieldValues>,
}

impl From<CreateConfigurationRequest> for NewConfiguration {
    fn from(sent: CreateConfigurationRequest) -> Self {
        let CreateConfigurationRequest { changelog, default_language, field_values } = sent;
        let value = |LocalizedContent { language, content }| NewValue { language, content };
        let field = |ConfigurationFieldValue { name, kind, value: values }| NewField {
            name,
            kind,
            values: values.map(|values| values.into_iter().map(value).collect()),
        };
        let fields = field_values.map(|fields| fields.0.into_iter().map(field).collect());
        Self { changelog, default_language, fields }
    }
}

/// The version that was made.
#[derive(Serialize, ToSchema)]
pub struct CreateConfigurationResponse {
    /// Configuration version; the first one is 1, each later call makes the next. The number of a deleted version is never used again.
    #[schema(minimum = 1)]
    version: u32,
}

pub async fn create(call: Call<(), Json<CreateConfigurationRequest>>) -> Result<Json<CreateConfigurationResponse>, ApiError> {
    let Json(sent) = call.body;
    let (state, act) = (&call.state, act(&call.caller, call.state.now()));
    let version = state.template_configurations.create(&call.organization, sent.into(), act).await?;
    Ok(Json(CreateConfigurationResponse { version }))
}

/// A configuration version.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Configuration {
    default_language: Language,
    /// Default values of the configuration fields per language.
    #[schema(inline)]
    field_values: FieldValues,
}

impl From<configurations::Configuration> for Configuration {
    fn from(configuration: configurations::Configuration) -> Self {
        let content = |Localized { language, content }| LocalizedContent { language: Some(language), content: Some(content) };
        let field = |field: configurations::ConfigurationField| ConfigurationFieldValue {
            name: Some(field.name),
            kind: Some(field.kind.as_str().to_owned()),
            value: Some(field.values.into_iter().map(content).collect()),
        };
        let field_values = configuration.fields.into_iter().map(field).collect();
        Self { default_language: configuration.default_language, field_values }
    }
}

pub async fn read(call: Call<NumberOrLatest>) -> Result<Json<Configuration>, ApiError> {
    let configurations = &call.state.template_configurations;
    let NumberOrLatest(number) = call.id;
    let configuration = match number {
        Some(number) => configurations.get(&call.organization, number).await?,
        None => {
            let latest = configurations.latest(&call.organization).await?;
            latest.ok_or_else(|| Error::NotFound("configuration version yet".into()))?.1
        }
    };
    Ok(Json(configuration.into()))
}

pub async fn delete(call: Call<u32>) -> Result<(), ApiError> {
    let act = act(&call.caller, call.state.now());
    let is_used = call.state.templates.uses_configuration(&call.organization).await?;
    Ok(call.state.template_configurations.delete(&call.organization, call.id, act, is_used).await?)
}
