//! Templates: the eight operations of the contract that make, change and read them.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::{Object, ObjectBuilder, Type};
use workflows::values::{Language, Problems};

use super::call::{Call, Json, act};
use super::error::ApiError;
use super::forms::Fields;
use super::operation::Parameter;
use super::paging::{Page, Unique};
use crate::catalogue::templates::{self, Definition, Edit, Logged, Numbering, Rule};

/// Condition for printing a section. A section without a rule is always printed, one with several only when all of them match.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateRule {
    /// Section that the rule guards. A rule on a section that the version lacks is kept and answered, without effect.
    section_external_id: String,
    /// Flag that must be among the flags of the fill for the section to be printed, written NAME:VALUE, e.g. GDPR:YES.
    condition: String,
}

/// As TemplateRule. The section has two spellings; one of them must be there.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVersionRule {
    /// Section that the rule guards, as in TemplateRule.
    section_external_id: Option<String>,
    /// Other spelling of sectionExternalId.
    section_id: Option<String>,
    /// As in TemplateRule.
    condition: String,
}

/// Name, sections in order and rules.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateTemplateRequest {
    /// Name of the template. Normalised, it becomes the external id.
    #[schema(pattern = "[A-Za-z0-9]")]
    template_name: String,
    /// Language for sections that lack the asked one.
    default_language: Language,
    /// External ids of the sections, in the order in which they are joined when the template is filled.
    #[schema(min_items = 1, max_items = 100)]
    ordered_section_names: Vec<String>,
    /// Conditions that the flags of a fill must meet for a section to be printed.
    #[schema(max_items = 100)]
    rules: Option<Vec<TemplateRule>>,
}

/// Sections in order, rules and reason.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeTemplateRequest {
    default_language: Language,
    /// External ids of the sections, in the order in which they are joined when the template is filled.
    #[schema(min_items = 1, max_items = 100)]
    ordered_section_names: Vec<String>,
    /// Conditions that the flags of a fill must meet for a section to be printed.
    #[schema(max_items = 100)]
    rules: Option<Vec<TemplateVersionRule>>,
    /// Why the version was made; ends up in the changelog history.
    #[schema(max_length = 1000)]
    changelog: Option<String>,
}

/// What to change; a field that is left out keeps its value.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpdateTemplateRequest {
    default_language: Option<Language>,
    /// External ids of the sections, in the order in which they are joined when the template is filled.
    #[schema(min_items = 1, max_items = 100)]
    ordered_section_names: Option<Vec<String>>,
    /// Conditions that the flags of a fill must meet for a section to be printed.
    #[schema(max_items = 100)]
    rules: Option<Vec<TemplateRule>>,
    /// Why the version was changed; ends up in the changelog history.
    #[schema(max_length = 1000)]
    changelog: Option<String>,
}

/// A version of a template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Normalised name of the template.
    external_id: String,
    /// MAJOR.MINOR; in listings that of the highest version.
    version: String,
    default_language: Language,
    /// Languages that all its sections have a form for.
    #[schema(min_items = 1)]
    languages: Vec<Language>,
    /// External ids of the sections, in the order in which they are joined when the template is filled.
    #[schema(min_items = 1)]
    ordered_section_names: Vec<String>,
    /// Union of the fields of the sections.
    #[schema(inline)]
    fields: Fields,
    /// Conditions that the flags of a fill must meet for a section to be printed.
    rules: Vec<TemplateRule>,
    /// Creation instant of the version.
    creation_date: DateTime<Utc>,
}

/// A page of templates.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateList {
    /// Number of templates over all pages.
    #[schema(minimum = 0)]
    total_results: usize,
    /// Page returned, from 0.
    #[schema(minimum = 0)]
    current_page: usize,
    /// Newest first, each with its highest version.
    templates: Vec<Template>,
}

/// The latest minor of a major version, or all its minors.
#[derive(Serialize, ToSchema)]
pub struct TemplateMetadataResponse {
    /// One entry, the latest minor of the major; with `include=history` all its minors, newest first.
    templates: Vec<Template>,
}

/// One version change.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateChangelogEntry {
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
}

/// All version changes of a template.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateChangelogResponse {
    /// Newest first, at most the newest 2000. Versions that were deleted stay in it.
    changelog_history: Vec<TemplateChangelogEntry>,
}

impl From<TemplateRule> for Rule {
    fn from(TemplateRule { section_external_id, condition }: TemplateRule) -> Self {
        Self { section: section_external_id, condition }
    }
}

impl From<&Rule> for TemplateRule {
    fn from(Rule { section, condition }: &Rule) -> Self {
        Self { section_external_id: section.clone(), condition: condition.clone() }
    }
}

impl From<Numbering> for Template {
    fn from(Numbering { external_id, number, version }: Numbering) -> Self {
        Self {
            external_id,
            version: number.to_string(),
            default_language: version.default_language,
            languages: version.languages.clone(),
            ordered_section_names: version.sections.clone(),
            fields: Unique(version.fields.clone()),
            rules: version.rules.iter().map(TemplateRule::from).collect(),
            creation_date: version.created_at,
        }
    }
}

impl From<Logged> for TemplateChangelogEntry {
    fn from(Logged { at, step, .. }: Logged) -> Self {
        let text = |number: Option<templates::Number>| number.map(|number| number.to_string());
        Self { from_version: text(step.from), to_version: text(step.to), on_date: at, changelog: step.told() }
    }
}

/// The rules of a new major version, whichever spelling they have (note rule-section-key).
fn rules(sent: Vec<TemplateVersionRule>) -> Result<Vec<Rule>, ApiError> {
    let mut problems = Problems::default();
    let mut rules = Vec::with_capacity(sent.len());
    for (place, TemplateVersionRule { section_external_id, section_id, condition }) in sent.into_iter().enumerate() {
        let section = match (section_external_id, section_id) {
            (Some(section), Some(other)) if section != other => {
                Err("it is another section than sectionId names; send one of them")
            }
            (Some(section), _) | (None, Some(section)) => Ok(section),
            (None, None) => Err("the member is missing"),
        };
        let section = problems.take(format!("rules[{place}].sectionExternalId"), section);
        rules.extend(section.map(|section| Rule { section, condition }));
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems.into()) }
}

fn all<T: Into<Rule>>(rules: Vec<T>) -> Vec<Rule> {
    rules.into_iter().map(Into::into).collect()
}

pub async fn list(call: Call) -> Result<Json<TemplateList>, ApiError> {
    let page = Page::of_or_all(&call.query)?;
    let (total_results, found) = call.state.templates.newest(&call.organization, page.number, page.size).await?;
    Ok(Json(TemplateList {
        total_results,
        current_page: page.number,
        templates: found.into_iter().map(Template::from).collect(),
    }))
}

pub async fn create(call: Call<(), Json<CreateTemplateRequest>>) -> Result<Json<Template>, ApiError> {
    let Json(CreateTemplateRequest { template_name, default_language, ordered_section_names, rules }) = call.body;
    let definition = Definition { default_language, sections: ordered_section_names, rules: all(rules.unwrap_or_default()) };
    let act = act(&call.caller, call.state.now());
    Ok(Json(call.state.templates.create(&call.organization, &template_name, definition, act).await?.into()))
}

pub async fn add_version(call: Call<String, Json<UpgradeTemplateRequest>>) -> Result<Json<Template>, ApiError> {
    let Json(UpgradeTemplateRequest { default_language, ordered_section_names, rules: sent, changelog }) = call.body;
    let rules = rules(sent.unwrap_or_default())?;
    let definition = Definition { default_language, sections: ordered_section_names, rules };
    let act = act(&call.caller, call.state.now());
    Ok(Json(call.state.templates.add_version(&call.organization, &call.id, definition, changelog, act).await?.into()))
}

pub async fn change(call: Call<(String, u32), Json<UpdateTemplateRequest>>) -> Result<Json<Template>, ApiError> {
    let (external_id, major) = call.id;
    let Json(UpdateTemplateRequest { default_language, ordered_section_names, rules, changelog }) = call.body;
    let edit = Edit { default_language, sections: ordered_section_names, rules: rules.map(all) };
    let act = act(&call.caller, call.state.now());
    Ok(Json(call.state.templates.change(&call.organization, &external_id, major, edit, changelog, act).await?.into()))
}

pub async fn delete_major(call: Call<(String, u32)>) -> Result<(), ApiError> {
    let ((external_id, major), act) = (&call.id, act(&call.caller, call.state.now()));
    Ok(call.state.templates.delete_major(&call.organization, external_id, *major, act).await?)
}

pub async fn delete_minor(call: Call<(String, u32)>) -> Result<(), ApiError> {
    let ((external_id, major), act) = (&call.id, act(&call.caller, call.state.now()));
    Ok(call.state.templates.delete_minor(&call.organization, external_id, *major, act).await?)
}

/// What the metadata hold besides.
pub const INCLUDE: Parameter = Parameter::query(
    "include",
    "Extra content. `history` adds all minor versions of the major version. The value with its own name in front is accepted too.",
    include,
);

fn include() -> Object {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["history", "include=history"])).build()
}

pub async fn metadata(call: Call<(String, u32)>) -> Result<Json<TemplateMetadataResponse>, ApiError> {
    let with_history = match call.query.text("include")?.as_deref() {
        None => false,
        // Clients that copied the slip of the example exist (note include-history).
        Some("history" | "include=history") => true,
        Some(_) => return Err(ApiError::parameter("include: expected history")),
    };
    let ((external_id, major), templates) = (&call.id, &call.state.templates);
    let found = match with_history {
        true => templates.minors(&call.organization, external_id, *major).await?,
        false => vec![templates.latest(&call.organization, external_id, *major).await?],
    };
    Ok(Json(TemplateMetadataResponse { templates: found.into_iter().map(Template::from).collect() }))
}

pub async fn changelog(call: Call<String>) -> Result<Json<TemplateChangelogResponse>, ApiError> {
    let lines = call.state.templates.changelog(&call.organization, &call.id).await?;
    Ok(Json(TemplateChangelogResponse { changelog_history: lines.into_iter().map(TemplateChangelogEntry::from).collect() }))
}
