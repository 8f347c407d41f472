//! Dynamic templates: the nine operations of the contract that make, change and read them, and the links to their files.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Array, ArrayBuilder, Object, ObjectBuilder, Type};
use workflows::values::{Language, Problems};

use super::api::Api;
use super::call::{Call, Json, Multipart, Parts, act};
use super::context::State;
use super::download::{Content, Download};
use super::error::{ApiError, only};
use super::json;
use super::multipart::{Files, Form, Part};
use super::openapi::text;
use super::operation::Parameter;
use super::paging::Page;
use crate::catalogue::documents::Extension;
use crate::catalogue::dynamic_templates::{
    self as catalogue, Definition, Edit, Logged, MAX_FILE, MAX_SOURCES, NewSource, Number, Numbering, SourceEdit, Version,
};
use crate::public_url::{self, Disposition, SharedTemplate, TemplateFile};
use crate::room::Share;

/// Maximum size of the metadata, in bytes: a schema for each language.
const MAX_METADATA: usize = 2 * 1024 * 1024;

const PARTS: [Part; 1] = [Part::once("metadata", MAX_METADATA)];

/// Two for each language.
const FILES: Files = Files { count: 2 * MAX_SOURCES, limit: MAX_FILE };

/// How long the links to the files of a version work.
const LINK_LIFETIME: TimeDelta = TimeDelta::hours(1);

/// Registers what links to files lead to.
pub fn configure(service: &mut web::ServiceConfig) {
    service.service(web::resource("/template_files/{token}").route(web::get().to(file)).default_service(only("GET")));
}

/// Only one template.
pub const EXTERNAL_ID: Parameter = Parameter::query("external_id", "Only the templates with this external id.", text);

/// Contract `JsonSchemaDocument`.
fn json_schema() -> Object {
    let description = "JSON Schema (draft 2020-12, or the older one that `$schema` names) of the data of a template.";
    let anything = AdditionalProperties::FreeForm(true);
    ObjectBuilder::new().schema_type(Type::Object).additional_properties(Some(anything)).description(Some(description)).build()
}

/// Contract `DynamicTemplateTags`.
fn tags() -> Array {
    let text = ObjectBuilder::new().schema_type(Type::String);
    let description = "Free labels of a dynamic template, at most 5, kept as sent.";
    ArrayBuilder::new().items(text).max_items(Some(5)).unique_items(true).description(Some(description)).build()
}

/// One language of a dynamic template, as sent. The schemas of all sources of a version must be equal.
#[derive(Deserialize, ToSchema)]
pub struct DynamicTemplateSourceInput {
    /// Language of this source; each language once.
    language: Language,
    /// Which part holds the HBS template of this source: the name of the part or its file name; 400 when no part or two parts match.
    template_part_name: String,
    /// Which part holds the JSON editor configuration of this source, likewise.
    editor_config_part_name: String,
    /// Schema that the template editor extracted.
    #[schema(schema_with = json_schema)]
    structure: Value,
    /// Version of the template engine, e.g. "3.12".
    #[schema(min_length = 1, max_length = 50)]
    engine_version: String,
}

/// One language of a minor version, as sent. With all members it adds the language or replaces its content. A language that the version has, in a
/// source that names no file, means the removal of that language, which is a 409; a new language without its file is a 400.
#[derive(Deserialize, ToSchema)]
pub struct DynamicTemplateMinorSourceInput {
    /// Language of this source; each language once.
    language: Language,
    /// As in DynamicTemplateSourceInput; left out or null it means a removal.
    template_part_name: Option<String>,
    /// As in DynamicTemplateSourceInput.
    editor_config_part_name: Option<String>,
    /// As in DynamicTemplateSourceInput.
    #[schema(schema_with = json_schema, required = false)]
    #[serde(default, deserialize_with = "json::present")]
    structure: Option<Value>,
    /// As in DynamicTemplateSourceInput.
    #[schema(nullable = false, min_length = 1, max_length = 50)]
    #[serde(default, deserialize_with = "json::present")]
    engine_version: Option<String>,
}

/// The `metadata` part of a creation.
#[derive(Deserialize, ToSchema)]
pub struct CreateDynamicTemplateMetadata {
    /// Identifier of the template: lower-case letters, digits and underscores.
    #[schema(pattern = "^[a-z0-9_]+$", max_length = 255)]
    external_id: String,
    /// Human-readable description.
    #[schema(max_length = 1000)]
    description: String,
    /// One of the languages of the sources.
    default_language: Language,
    #[schema(schema_with = tags, required = false)]
    #[serde(default, deserialize_with = "json::present")]
    tags: Option<Vec<String>>,
    /// One entry per language.
    #[schema(min_items = 1, max_items = 7)]
    sources: Vec<DynamicTemplateSourceInput>,
}

/// The `metadata` part of a minor version.
#[derive(Deserialize, ToSchema)]
pub struct CreateMinorVersionMetadata {
    /// New description; kept if left out.
    #[schema(nullable = false, max_length = 1000)]
    #[serde(default, deserialize_with = "json::present")]
    description: Option<String>,
    /// When it is sent and differs from the present default language, the answer is 409.
    #[serde(default, deserialize_with = "json::present")]
    default_language: Option<Language>,
    /// Added or updated languages. Languages not listed are kept.
    #[schema(nullable = false, max_items = 7)]
    #[serde(default, deserialize_with = "json::present")]
    sources: Option<Vec<DynamicTemplateMinorSourceInput>>,
    /// Why the version was made.
    #[schema(nullable = false, max_length = 1000)]
    #[serde(default, deserialize_with = "json::present")]
    changelog: Option<String>,
}

/// The `metadata` part of a major version.
#[derive(Deserialize, ToSchema)]
pub struct CreateMajorVersionMetadata {
    /// Human-readable description.
    #[schema(max_length = 1000)]
    description: String,
    /// One of the languages of the sources.
    default_language: Language,
    #[schema(schema_with = tags, required = false)]
    #[serde(default, deserialize_with = "json::present")]
    tags: Option<Vec<String>>,
    /// Every language of the new version; nothing is taken over.
    #[schema(min_items = 1, max_items = 7)]
    sources: Vec<DynamicTemplateSourceInput>,
    /// Why the version was made.
    #[schema(nullable = false, max_length = 1000)]
    #[serde(default, deserialize_with = "json::present")]
    changelog: Option<String>,
}

/// Multipart body: one JSON part named metadata and one binary part per file.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CreateDynamicTemplateRequest {
    metadata: CreateDynamicTemplateMetadata,
    /// Template (HBS) and editor configuration (JSON) files of all languages.
    #[schema(schema_with = files, required = false)]
    files: Option<Vec<Vec<u8>>>,
}

/// Multipart body: one JSON part named metadata and one binary part per file.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CreateMinorVersionRequest {
    metadata: CreateMinorVersionMetadata,
    /// Template (HBS) and editor configuration (JSON) files of all languages.
    #[schema(schema_with = files, required = false)]
    files: Option<Vec<Vec<u8>>>,
}

/// Multipart body: one JSON part named metadata and one binary part per file.
#[derive(ToSchema)]
#[allow(dead_code)]
pub struct CreateMajorVersionRequest {
    metadata: CreateMajorVersionMetadata,
    /// Template (HBS) and editor configuration (JSON) files of all languages.
    #[schema(schema_with = files, required = false)]
    files: Option<Vec<Vec<u8>>>,
}

fn files() -> Array {
    use utoipa::openapi::{KnownFormat, SchemaFormat};
    let file = ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
    ArrayBuilder::new().items(file).description(Some("Template and editor configuration files of all languages.")).build()
}

/// Note multipart-mixed.
const MEDIA_TYPES: &[&str] = &["multipart/mixed", "multipart/form-data"];

impl Parts for CreateDynamicTemplateRequest {
    const MEDIA_TYPES: &'static [&'static str] = MEDIA_TYPES;
}

impl Parts for CreateMinorVersionRequest {
    const MEDIA_TYPES: &'static [&'static str] = MEDIA_TYPES;
}

impl Parts for CreateMajorVersionRequest {
    const MEDIA_TYPES: &'static [&'static str] = MEDIA_TYPES;
}

/// A dynamic template with its latest version.
#[derive(Serialize, ToSchema)]
pub struct DynamicTemplate {
    /// Identifier of the template: lower-case letters, digits and underscores.
    #[schema(pattern = "^[a-z0-9_]+$")]
    external_id: String,
    /// Human-readable description.
    description: String,
    /// MAJOR.MINOR.
    version: String,
    default_language: Language,
    /// Languages the version has.
    languages: Vec<Language>,
    #[schema(schema_with = tags)]
    tags: Vec<String>,
    /// Creation instant of the version.
    creation_date: DateTime<Utc>,
}

/// A line of the listing.
#[derive(Serialize, ToSchema)]
pub struct DynamicTemplateSummary {
    /// Identifier of the template: lower-case letters, digits and underscores.
    #[schema(pattern = "^[a-z0-9_]+$")]
    external_id: String,
    /// Human-readable description.
    description: String,
    /// Latest minor of its major, MAJOR.MINOR.
    version: String,
    default_language: Language,
    /// Languages the version has.
    languages: Vec<Language>,
    /// Creation instant of the version.
    creation_date: DateTime<Utc>,
}

/// A page of dynamic templates. No total is reported (note dynamic-list-total).
#[derive(Serialize, ToSchema)]
pub struct DynamicTemplateList {
    /// Page returned, from 0.
    #[schema(minimum = 0, default = 0)]
    page: usize,
    /// Templates per page.
    #[schema(minimum = 1, default = 50)]
    page_size: usize,
    templates: Vec<DynamicTemplateSummary>,
}

/// One language of a version.
#[derive(Serialize, ToSchema)]
pub struct DynamicTemplateSource {
    language: Language,
    /// Where the template can be read, without a credential, for an hour.
    #[schema(format = "uri")]
    template_url: String,
    /// Where the editor configuration can be read, likewise.
    #[schema(format = "uri")]
    editor_config_url: String,
    /// Version of the template engine.
    engine_version: String,
}

/// A version with its schema and its sources.
#[derive(Serialize, ToSchema)]
pub struct DynamicTemplateVersion {
    /// Identifier of the template: lower-case letters, digits and underscores.
    #[schema(pattern = "^[a-z0-9_]+$")]
    external_id: String,
    /// Human-readable description.
    description: String,
    /// MAJOR.MINOR.
    version: String,
    default_language: Language,
    /// Languages the version has.
    languages: Vec<Language>,
    #[schema(schema_with = tags)]
    tags: Vec<String>,
    /// Creation instant of the version.
    creation_date: DateTime<Utc>,
    #[schema(schema_with = json_schema)]
    structure: Value,
    sources: Vec<DynamicTemplateSource>,
}

/// The minors of a major version.
#[derive(Serialize, ToSchema)]
pub struct DynamicTemplateVersionList {
    /// Newest first.
    #[schema(min_items = 1)]
    templates: Vec<DynamicTemplateVersion>,
}

/// One version change.
#[derive(Serialize, ToSchema)]
pub struct DynamicChangelogEntry {
    /// Version before, MAJOR.MINOR; left out for the creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    from_version: Option<String>,
    /// Version after, MAJOR.MINOR. After a deletion it is the latest that is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    to_version: Option<String>,
    /// Instant of the change.
    on_date: DateTime<Utc>,
    /// Text given with the change. Of a deletion, which takes none, it says that it was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    changelog: Option<String>,
    /// Who made the change, taken from the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    subject: Option<String>,
}

/// All version changes of a dynamic template.
#[derive(Serialize, ToSchema)]
pub struct DynamicChangelogResponse {
    /// Newest first, at most the newest 2000; the creation is the oldest. Versions that were deleted stay in it.
    #[schema(min_items = 1)]
    changelog_history: Vec<DynamicChangelogEntry>,
}

impl From<Numbering> for DynamicTemplate {
    fn from(Numbering { external_id, number, version }: Numbering) -> Self {
        Self {
            external_id,
            description: version.description.clone(),
            version: number.to_string(),
            default_language: version.default_language,
            languages: version.languages(),
            tags: version.tags.clone(),
            creation_date: version.created_at,
        }
    }
}

impl From<Numbering> for DynamicTemplateSummary {
    fn from(numbering: Numbering) -> Self {
        let DynamicTemplate { external_id, description, version, default_language, languages, creation_date, .. } =
            numbering.into();
        Self { external_id, description, version, default_language, languages, creation_date }
    }
}

impl From<Logged> for DynamicChangelogEntry {
    fn from(Logged { at, by, step }: Logged) -> Self {
        let text = |number: Option<Number>| number.map(|number| number.to_string());
        let changelog = step.told();
        Self { from_version: text(step.from), to_version: text(step.to), on_date: at, changelog, subject: by }
    }
}

/// What a multipart body holds.
struct Upload(Form);

impl Upload {
    async fn read<T>(body: Multipart<T>, room: Share) -> Result<Self, ApiError> {
        Ok(Self(body.read_with_files(&PARTS, FILES, room).await?))
    }

    fn metadata<T: serde::de::DeserializeOwned>(&mut self) -> Result<T, ApiError> {
        let bytes = self.0.take("metadata").ok_or_else(|| ApiError::input("metadata: the part is missing"))?;
        json::parse_details(&bytes).map_err(|details| ApiError::input(format!("metadata: {details}")))
    }

    /// The file that a member names (note part-names).
    fn file(&self, path: &str, name: &str, problems: &mut Problems) -> web::Bytes {
        let mut called = self.0.files().iter().filter(|file| file.is_called(name));
        match (called.next(), called.next()) {
            (Some(file), None) => return file.bytes.clone(),
            (None, _) => problems.note(path, "no part of the body has this name, and none has a file of this name"),
            (Some(_), Some(_)) => problems.note(path, "more than one part has this name, or a file of this name"),
        }
        web::Bytes::new()
    }

    fn source(&self, place: usize, source: DynamicTemplateSourceInput, problems: &mut Problems) -> NewSource {
        let mut file = |member: &str, name: &str| self.file(&format!("sources[{place}].{member}"), name, problems);
        NewSource {
            language: source.language,
            template: file("template_part_name", &source.template_part_name),
            editor_config: file("editor_config_part_name", &source.editor_config_part_name),
            structure: source.structure,
            engine_version: source.engine_version,
        }
    }

    fn sources(&self, sources: Vec<DynamicTemplateSourceInput>) -> Result<Vec<NewSource>, ApiError> {
        let mut problems = Problems::default();
        let sources = sources.into_iter().enumerate();
        let read = sources.map(|(place, source)| self.source(place, source, &mut problems)).collect();
        if problems.is_empty() { Ok(read) } else { Err(problems.into()) }
    }

    fn edits(&self, sources: Vec<DynamicTemplateMinorSourceInput>) -> Result<Vec<SourceEdit>, ApiError> {
        let mut problems = Problems::default();
        let mut edits = Vec::with_capacity(sources.len());
        for (place, source) in sources.into_iter().enumerate() {
            let Some(template_part_name) = source.template_part_name else {
                edits.push(SourceEdit::Removal(source.language));
                continue;
            };
            let mut there = |member: &str, is_there: bool| {
                if !is_there {
                    problems.note(
                        format!("sources[{place}].{member}"),
                        "the member is missing; a source comes whole or names no file",
                    );
                }
            };
            there("editor_config_part_name", source.editor_config_part_name.is_some());
            there("structure", source.structure.is_some());
            there("engine_version", source.engine_version.is_some());
            if let (Some(editor_config_part_name), Some(structure), Some(engine_version)) =
                (source.editor_config_part_name, source.structure, source.engine_version)
            {
                let language = source.language;
                let whole = DynamicTemplateSourceInput {
                    language,
                    template_part_name,
                    editor_config_part_name,
                    structure,
                    engine_version,
                };
                edits.push(SourceEdit::Content(self.source(place, whole, &mut problems)));
            }
        }
        if problems.is_empty() { Ok(edits) } else { Err(problems.into()) }
    }
}

pub async fn list(call: Call) -> Result<Json<DynamicTemplateList>, ApiError> {
    let (page, only) = (Page::of_snake(&call.query)?, call.query.text("external_id")?);
    let templates = &call.state.dynamic_templates;
    let found = templates.newest(&call.organization, only.as_deref(), page.number, page.size).await?;
    let templates = found.into_iter().map(DynamicTemplateSummary::from).collect();
    Ok(Json(DynamicTemplateList { page: page.number, page_size: page.size, templates }))
}

pub async fn create(call: Call<(), Multipart<CreateDynamicTemplateRequest>>) -> Result<Json<DynamicTemplate>, ApiError> {
    let Call { caller, organization, body, state, .. } = call;
    let mut upload = Upload::read(body, state.documents.upload_room(&organization)).await?;
    let CreateDynamicTemplateMetadata { external_id, description, default_language, tags, sources } = upload.metadata()?;
    let (tags, sources) = (tags.unwrap_or_default(), upload.sources(sources)?);
    let definition = Definition { description, default_language, tags, sources, seen: None };
    let act = act(&caller, state.now());
    Ok(Json(state.dynamic_templates.create(&organization, &external_id, definition, act).await?.into()))
}

pub async fn add_major(call: Call<String, Multipart<CreateMajorVersionRequest>>) -> Result<Json<DynamicTemplate>, ApiError> {
    let Call { caller, organization, id: external_id, body, state, .. } = call;
    let mut upload = Upload::read(body, state.documents.upload_room(&organization)).await?;
    state.dynamic_templates.find(&organization, &external_id, None).await?;
    let CreateMajorVersionMetadata { description, default_language, tags, sources, changelog } = upload.metadata()?;
    let (tags, sources) = (tags.unwrap_or_default(), upload.sources(sources)?);
    let definition = Definition { description, default_language, tags, sources, seen: None };
    let act = act(&caller, state.now());
    Ok(Json(state.dynamic_templates.add_major(&organization, &external_id, definition, changelog, act).await?.into()))
}

pub async fn add_minor(
    call: Call<(String, u32), Multipart<CreateMinorVersionRequest>>,
) -> Result<Json<DynamicTemplate>, ApiError> {
    let Call { caller, organization, id: (external_id, major), body, state, .. } = call;
    let mut upload = Upload::read(body, state.documents.upload_room(&organization)).await?;
    state.dynamic_templates.find(&organization, &external_id, Some(major)).await?;
    let CreateMinorVersionMetadata { description, default_language, sources, changelog } = upload.metadata()?;
    let sources = upload.edits(sources.unwrap_or_default())?;
    let edit = Edit { description, default_language, sources, seen: None };
    let act = act(&caller, state.now());
    Ok(Json(state.dynamic_templates.add_minor(&organization, &external_id, major, edit, changelog, act).await?.into()))
}

pub async fn minors(call: Call<(String, u32)>) -> Result<Json<DynamicTemplateVersionList>, ApiError> {
    let (external_id, major) = &call.id;
    let found = call.state.dynamic_templates.minors(&call.organization, external_id, *major).await?;
    // All minors of a major have one schema (note minor-breaking).
    let Some(newest) = found.first() else { return Err(ApiError::internal("a major without minors")) };
    let structure = call.state.dynamic_templates.structure(&call.organization, &newest.version).await?;
    let told = found.into_iter().map(|numbering| call.state.told(&call.organization, numbering, structure.clone()));
    Ok(Json(DynamicTemplateVersionList { templates: told.collect::<Result<_, _>>()? }))
}

pub async fn read(call: Call<(String, u32, u32)>) -> Result<Json<DynamicTemplateVersion>, ApiError> {
    let (external_id, major, minor) = &call.id;
    let templates = &call.state.dynamic_templates;
    let found = templates.get(&call.organization, external_id, Number { major: *major, minor: *minor }).await?;
    let structure = templates.structure(&call.organization, &found.version).await?;
    Ok(Json(call.state.told(&call.organization, found, structure)?))
}

pub async fn delete_major(call: Call<(String, u32)>) -> Result<(), ApiError> {
    let ((external_id, major), act) = (&call.id, act(&call.caller, call.state.now()));
    Ok(call.state.dynamic_templates.delete_major(&call.organization, external_id, *major, act).await?)
}

pub async fn delete_minor(call: Call<(String, u32)>) -> Result<(), ApiError> {
    let ((external_id, major), act) = (&call.id, act(&call.caller, call.state.now()));
    Ok(call.state.dynamic_templates.delete_minor(&call.organization, external_id, *major, act).await?)
}

pub async fn changelog(call: Call<String>) -> Result<Json<DynamicChangelogResponse>, ApiError> {
    let lines = call.state.dynamic_templates.changelog(&call.organization, &call.id).await?;
    let changelog_history = lines.into_iter().map(DynamicChangelogEntry::from).collect();
    Ok(Json(DynamicChangelogResponse { changelog_history }))
}

impl State {
    /// A version with links to its files.
    fn told(&self, organization: &str, numbering: Numbering, structure: Value) -> Result<DynamicTemplateVersion, ApiError> {
        let version = numbering.version.clone();
        let source = |source: &catalogue::Source| {
            Ok::<_, ApiError>(DynamicTemplateSource {
                language: source.language,
                template_url: self.link(organization, &version, source.language, TemplateFile::Template)?,
                editor_config_url: self.link(organization, &version, source.language, TemplateFile::EditorConfig)?,
                engine_version: source.engine_version.clone(),
            })
        };
        let sources = version.sources.iter().map(source).collect::<Result<_, _>>()?;
        let template = DynamicTemplate::from(numbering);
        Ok(DynamicTemplateVersion {
            external_id: template.external_id,
            description: template.description,
            version: template.version,
            default_language: template.default_language,
            languages: template.languages,
            tags: template.tags,
            creation_date: template.creation_date,
            structure,
            sources,
        })
    }

    fn link(&self, organization: &str, version: &Version, language: Language, file: TemplateFile) -> Result<String, ApiError> {
        let now = self.now();
        let (organization, expires) = (organization.to_owned(), now + LINK_LIFETIME);
        let shared = SharedTemplate { organization, version: version.id, language, file, expires };
        Ok(public_url::sign(&self.keys, &self.options.public_base_url, &shared, now)?)
    }
}

/// Serves what a link to a file stands for: no token but the one in the path, as long as the version is there.
async fn file(path: web::Path<String>, api: web::Data<Api>) -> Result<HttpResponse, ApiError> {
    let state = api.state();
    let SharedTemplate { organization, version, language, file, .. } = public_url::verify(&state.keys, &path, state.now())?;
    let templates = &state.dynamic_templates;
    let version = templates.version(&organization, version).await?;
    if !templates.has(&organization, &version).await? {
        return Err(ApiError::gone("the version of the dynamic template was deleted"));
    }
    let source = version.source(language).ok_or(public_url::Error::Invalid)?;
    let (digest, extension) = match file {
        TemplateFile::Template => (&source.template, Extension::Hbs),
        TemplateFile::EditorConfig => (&source.editor_config, Extension::Json),
    };
    let bytes = templates.download_by_link(&organization, digest, &path).await?;
    let download = Download {
        content: Content::Pieces(bytes),
        media_type: extension.media_type(),
        file_name: format!("{}.{extension}", version.external_id),
        disposition: Disposition::Attachment,
        is_active: extension.is_active(),
    };
    Ok(download.response(StatusCode::OK))
}
