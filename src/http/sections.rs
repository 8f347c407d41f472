//! Sections: the four operations of the contract.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use workflows::values::Language;

use super::call::{Call, Json, act};
use super::error::ApiError;
use super::forms::Fields;
use super::paging::{Page, Unique};
use crate::catalogue::Held;
use crate::catalogue::item::Found;
use crate::catalogue::sections::{self, NewSection};

/// Which form serves which language.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SectionForm {
    language: Language,
    /// External id of an existing form; 404 if it does not exist.
    form_external_id: String,
}

/// Name and forms of a section.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreateSectionRequest {
    /// Name of the section. Normalised, it becomes the external id.
    #[schema(pattern = "[A-Za-z0-9]")]
    section_name: String,
    /// One form per language.
    #[schema(min_items = 1, max_items = 7)]
    forms: Vec<SectionForm>,
}

/// A section.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Section {
    /// Normalised name of the section.
    external_id: String,
    /// One form per language.
    #[schema(min_items = 1)]
    forms: Vec<SectionForm>,
    /// Union of the fields of the forms.
    #[schema(inline)]
    fields: Fields,
    /// Creation instant.
    creation_date: DateTime<Utc>,
}

impl From<Found<sections::Section>> for Section {
    fn from(found: Found<sections::Section>) -> Self {
        let creation_date = found.created_at();
        let sections::Section { external_id, forms, fields, .. } = found.item.value;
        let form = |sections::SectionForm { language, form }| SectionForm { language, form_external_id: form };
        Self { external_id, forms: forms.into_iter().map(form).collect(), fields: Unique(fields), creation_date }
    }
}

type UniqueSections = Unique<Section>;

/// A page of sections.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SectionList {
    /// Number of sections over all pages.
    #[schema(minimum = 0)]
    total_results: usize,
    /// Page returned, from 0.
    #[schema(minimum = 0)]
    current_page: usize,
    /// Newest first.
    #[schema(inline)]
    sections: UniqueSections,
}

pub async fn list(call: Call) -> Result<Json<SectionList>, ApiError> {
    let page = Page::of_or_all(&call.query)?;
    let found = call.state.sections.newest(&call.organization, page.number, page.size).await?;
    let sections = found.items.into_iter().map(|(_, section)| section.into()).collect();
    Ok(Json(SectionList { total_results: found.total, current_page: page.number, sections }))
}

pub async fn create(call: Call<(), Json<CreateSectionRequest>>) -> Result<Json<Section>, ApiError> {
    let Json(CreateSectionRequest { section_name, forms }) = call.body;
    let form = |SectionForm { language, form_external_id }| sections::SectionForm { language, form: form_external_id };
    let new = NewSection { name: section_name, forms: forms.into_iter().map(form).collect() };
    Ok(Json(call.state.sections.create(&call.organization, new, act(&call.caller, call.state.now())).await?.into()))
}

pub async fn metadata(call: Call<String>) -> Result<Json<Section>, ApiError> {
    Ok(Json(call.state.sections.get(&call.organization, &call.id).await?.into()))
}

pub async fn delete(call: Call<String>) -> Result<(), ApiError> {
    let (now, organization) = (call.state.now(), call.organization.as_str());
    let is_there = async |held: Held| call.state.templates.is_there(organization, &held, now).await;
    Ok(call.state.sections.delete(organization, &call.id, act(&call.caller, now), is_there).await?)
}
