//! Fills of forms and templates.

use actix_web::HttpResponse;
use actix_web::http::header::{HeaderName, HeaderValue};
use documents::forms::Mode;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;
use workflows::values::{self, Language, Owner, Problems};

use super::call::{Answer, Call, Described, Json, Schemas, act, status};
use super::documents::new_labels;
use super::download::{Binary, Content, Download, Pdf};
use super::error::ApiError;
use super::json;
use super::operation::{Parameter, Success};
use crate::filling::{FilledTemplate, Members, Notes, Preview, Renamed, Request, Target};
use crate::public_url::Disposition;

/// Maximum length of a header that lists fields, in bytes.
const MAX_HEADER: usize = 1000;

/// What a header of fields does not spell out (RFC 3986, 2.3): its separators among them.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The version that was filled.
pub const TEMPLATE_VERSION: (&str, &str) =
    ("X-Template-Version", "Version of the template that was used for the fill, MAJOR.MINOR.");
/// The configuration that was used.
pub const CONFIGURATION_VERSION: (&str, &str) = (
    "X-Tenant-Config-Version",
    "Version of the templates configuration that was used for the fill. Left out when the organization has no configuration.",
);
/// Values that went nowhere.
pub const IGNORED: (&str, &str) = (
    "X-Ignored-Fields",
    "Names of fields that were sent and that are not in what was filled, each percent-encoded, separated by commas. Left out when there are \
     none; it ends with `...` when there are more than fit into 1000 bytes.",
);
/// Characters that were not printed.
pub const REPLACED: (&str, &str) = (
    "X-Replaced-Characters",
    "Fields with characters that no font has, and how many different ones: `?` is printed for them. Each field as NAME=COUNT, with the name \
     percent-encoded, separated by commas. Left out when there are none; it ends with `...` as X-Ignored-Fields does.",
);
/// Pages of the result.
pub const PAGES: (&str, &str) = ("X-Page-Count", "How many pages the result has.");

/// The page of a preview.
pub const PAGE: Parameter = Parameter::query("page", "Page to draw, from 0. By default the first one.", page);

fn page() -> Object {
    let last = (crate::filling::MAX_PAGES - 1) as f64;
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0.0)).maximum(Some(last)).build()
}

/// Value for one field.
#[derive(Clone, Deserialize, ToSchema)]
pub struct FieldValue {
    /// Key of the field to fill.
    #[schema(min_length = 1, max_length = 4096)]
    name: String,
    /// Text to print.
    value: String,
}

/// Names and values, as fills take them.
pub fn pairs(values: Vec<FieldValue>) -> Vec<(String, String)> {
    values.into_iter().map(|FieldValue { name, value }| (name, value)).collect()
}

/// The character filter; whatever is not `raw` is `default`.
fn mode_of(text: Option<&str>) -> Mode {
    match text {
        Some("raw") => Mode::Raw,
        _ => Mode::Default,
    }
}

/// The member `fillMode`.
fn fill_mode() -> Object {
    let description = "Character filter applied to the values before they are printed. `default`: control characters and characters that no \
                       font can print are replaced by \"?\". `raw`: the same filter, but tab and end-of-line characters pass. Absent or \
                       unknown values behave as `default`.";
    ObjectBuilder::new().schema_type(Type::String).description(Some(description)).default(Some("default".into())).build()
}

/// What a form is filled with.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FillFormRequest {
    /// Values to print, each field once. Names that the form lacks are ignored, which the answer tells.
    #[schema(max_items = 5000)]
    fields_values: Vec<FieldValue>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(schema_with = fill_mode, required = false)]
    fill_mode: Option<String>,
}

/// What a template is filled with.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FillTemplateRequest {
    language: Language,
    /// Flags that switch conditional sections on, e.g. GDPR:YES.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, max_items = 500)]
    flags_conditions: Option<Vec<String>>,
    /// Values to print, each field once. Names that the sections lack are ignored, which the answer tells.
    #[schema(max_items = 5000)]
    fields_values: Vec<FieldValue>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(schema_with = fill_mode, required = false)]
    fill_mode: Option<String>,
}

/// What a template is filled with, and what becomes of the result.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FillTemplateDocumentRequest {
    language: Language,
    /// Flags that switch conditional sections on.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, max_items = 500)]
    flags_conditions: Option<Vec<String>>,
    /// Values to print, each field once. Names that the sections lack are ignored, which the answer tells.
    #[schema(max_items = 5000)]
    fields_values: Vec<FieldValue>,
    /// Name of the stored document, no spaces allowed; the external id of the template when left out.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, pattern = r"^[^\s\x00-\x1F\x7F-\x9F]+$", max_length = 255)]
    name: Option<String>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(schema_with = new_labels, required = false)]
    tags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "json::present")]
    #[schema(schema_with = fill_mode, required = false)]
    fill_mode: Option<String>,
    /// Whether the fields of the result are turned into plain page content.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, default = true)]
    flatten: Option<bool>,
}

/// A field that had to be renamed, as two joined forms use the same key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenamedKey {
    /// Key in the produced document.
    current_name: String,
    /// Key in the template.
    original_name: String,
}

impl From<Renamed> for RenamedKey {
    fn from(Renamed { original, current }: Renamed) -> Self {
        Self { current_name: current, original_name: original }
    }
}

/// Where the result is stored.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FillTemplateDocumentResponse {
    /// Identifier of the stored document.
    document_id: Uuid,
    /// Keys that differ from those of the template.
    renamed_keys: Vec<RenamedKey>,
}

/// An answer with the headers that tell how it was filled.
pub struct Told<A> {
    answer: A,
    headers: Vec<(&'static str, String)>,
}

impl<A: Answer> Answer for Told<A> {
    fn described(schemas: &mut Schemas) -> Vec<Option<Described>> {
        A::described(schemas)
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        let mut response = self.answer.respond(answers)?;
        for (name, value) in self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(ApiError::internal)?;
            response.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(ApiError::internal)?);
        }
        Ok(response)
    }
}

impl<A> Told<A> {
    /// With these headers.
    pub fn new(answer: A, headers: Vec<(&'static str, String)>) -> Self {
        Self { answer, headers }
    }

    /// Of a form.
    fn form(answer: A, notes: &Notes) -> Self {
        Self { answer, headers: noted(notes) }
    }

    /// Of a template.
    pub fn template(answer: A, filled: &FilledTemplate) -> Self {
        let version = (TEMPLATE_VERSION.0, filled.version.to_string());
        let configuration = filled.configuration.map(|number| (CONFIGURATION_VERSION.0, number.to_string()));
        Self { answer, headers: [version].into_iter().chain(configuration).chain(noted(&filled.notes)).collect() }
    }

    /// Of a preview.
    fn with_pages(mut self, pages: usize) -> Self {
        self.headers.push((PAGES.0, pages.to_string()));
        self
    }
}

/// The headers that tell what was not printed as it was sent; values are not in them.
pub fn noted(notes: &Notes) -> Vec<(&'static str, String)> {
    let encoded = |name: &str| utf8_percent_encode(name, ENCODED).to_string();
    let ignored = listed(notes.ignored.iter().map(|name| encoded(name)));
    let replaced = listed(notes.replaced.iter().map(|(name, count)| format!("{}={count}", encoded(name))));
    [(IGNORED.0, ignored), (REPLACED.0, replaced)].into_iter().filter(|(_, list)| !list.is_empty()).collect()
}

/// As many as fit.
fn listed(entries: impl Iterator<Item = String>) -> String {
    let mut list = String::new();
    for entry in entries {
        let separator = if list.is_empty() { "" } else { ", " };
        if list.len() + separator.len() + entry.len() > MAX_HEADER {
            return format!("{list}{separator}...");
        }
        list.push_str(separator);
        list.push_str(&entry);
    }
    list
}

/// A page as a picture.
pub struct Png(Download);

impl Png {
    fn of<T>(preview: &Preview<T>, name: &str) -> Self {
        Self(Download {
            content: Content::Whole(preview.png.clone()),
            media_type: "image/png",
            file_name: format!("{name}.png"),
            disposition: Disposition::Inline,
            is_active: false,
        })
    }
}

impl Answer for Png {
    fn described(_: &mut Schemas) -> Vec<Option<Described>> {
        vec![Some(Described::new(&["image/png"], Binary::schema()))]
    }

    fn respond(self, answers: &'static [Success]) -> Result<HttpResponse, ApiError> {
        Ok(self.0.response(status(answers, 0)?))
    }
}

fn pdf(bytes: bytes::Bytes, name: &str) -> Pdf {
    Pdf(Download::pdf(Content::Whole(bytes), format!("{name}.pdf")))
}

/// The page that a preview asks for.
fn page_of<I, B>(call: &Call<I, B>) -> Result<usize, ApiError> {
    Ok(call.query.number(PAGE.name)?.unwrap_or(0))
}

pub async fn fill_form(call: Call<String, Json<FillFormRequest>>) -> Result<Told<Pdf>, ApiError> {
    let Json(FillFormRequest { fields_values, fill_mode }) = call.body;
    let mode = mode_of(fill_mode.as_deref());
    let filled = call.state.filling.form(&call.organization, &call.id, pairs(fields_values), mode).await?;
    Ok(Told::form(pdf(filled.pdf, &filled.form), &filled.notes))
}

pub async fn preview_form(call: Call<String, Json<FillFormRequest>>) -> Result<Told<Png>, ApiError> {
    let page = page_of(&call)?;
    let Json(FillFormRequest { fields_values, fill_mode }) = call.body;
    let mode = mode_of(fill_mode.as_deref());
    let preview = call.state.filling.preview_form(&call.organization, &call.id, pairs(fields_values), mode, page).await?;
    let filled = &preview.filled;
    Ok(Told::form(Png::of(&preview, &filled.form), &filled.notes).with_pages(filled.pages))
}

/// Of a template that is answered, and so flattened.
fn request((template, major): (String, u32), body: FillTemplateRequest) -> Request {
    let FillTemplateRequest { language, flags_conditions, fields_values, fill_mode } = body;
    Request {
        template,
        major,
        language,
        flags: flags_conditions.unwrap_or_default(),
        values: pairs(fields_values),
        mode: mode_of(fill_mode.as_deref()),
        flatten: true,
        members: Members::CAMEL,
    }
}

pub async fn fill_template(call: Call<(String, u32), Json<FillTemplateRequest>>) -> Result<Told<Pdf>, ApiError> {
    let filled = call.state.filling.template(&call.organization, request(call.id, call.body.0)).await?;
    Ok(Told::template(pdf(filled.pdf.clone(), &filled.template), &filled))
}

pub async fn preview_template(call: Call<(String, u32), Json<FillTemplateRequest>>) -> Result<Told<Png>, ApiError> {
    let page = page_of(&call)?;
    let preview = call.state.filling.preview_template(&call.organization, request(call.id, call.body.0), page).await?;
    let filled = &preview.filled;
    Ok(Told::template(Png::of(&preview, &filled.template), filled).with_pages(filled.pages))
}

pub async fn fill_template_to_document(
    call: Call<(String, u32), Json<FillTemplateDocumentRequest>>,
) -> Result<Told<Json<FillTemplateDocumentResponse>>, ApiError> {
    let owner = call.owner()?;
    let act = act(&call.caller, call.state.now());
    let Json(body) = call.body;
    let target = target(body.name, &body.tags.unwrap_or_default(), owner)?;
    let FillTemplateDocumentRequest { language, flags_conditions, fields_values, fill_mode, flatten, .. } = body;
    let fill = FillTemplateRequest { language, flags_conditions, fields_values, fill_mode };
    let request = Request { flatten: flatten.unwrap_or(true), ..request(call.id, fill) };
    let (document, filled) = call.state.filling.to_document(&call.organization, request, target, act).await?;
    let renamed_keys = filled.renamed.iter().cloned().map(RenamedKey::from).collect();
    Ok(Told::template(Json(FillTemplateDocumentResponse { document_id: document.id, renamed_keys }), &filled))
}

/// Checks what a document is to be called, and puts its labels in upper case.
fn target(name: Option<String>, tags: &[String], owner: Option<Owner>) -> Result<Target, ApiError> {
    let mut problems = Problems::default();
    if let Some(name) = &name {
        problems.take("name", values::check_document_name(name));
    }
    match problems.take("tags", values::normalised_tags(tags)) {
        Some(tags) if problems.is_empty() => Ok(Target { name, tags, owner }),
        _ => Err(problems.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_printed_is_told_in_headers_of_bounded_length() {
        let notes =
            Notes { ignored: vec!["CALLE, Nº".into(), "A.B_2".into()], replaced: vec![("NAME".into(), 2), ("Ñ=".into(), 1)] };
        let expected = [("X-Ignored-Fields", "CALLE%2C%20N%C2%BA, A.B_2"), ("X-Replaced-Characters", "NAME=2, %C3%91%3D=1")];
        assert_eq!(noted(&notes), expected.map(|(name, value)| (name, value.to_owned())));
        assert!(noted(&Notes::default()).is_empty());

        let many = Notes { ignored: (0..1000).map(|number| format!("FIELD_{number}")).collect(), ..Notes::default() };
        let told = noted(&many).remove(0).1;
        assert!(told.len() <= MAX_HEADER + 5 && told.starts_with("FIELD_0, FIELD_1, ") && told.ends_with(", ..."), "{told}");
        let one = Notes { ignored: vec!["ñ".repeat(1000)], ..Notes::default() };
        assert_eq!(noted(&one), [("X-Ignored-Fields", "...".to_owned())]);
    }

    #[test]
    fn an_unknown_fill_mode_is_the_default_one() {
        for text in [None, Some(""), Some("default"), Some("RAW"), Some("other")] {
            assert_eq!(mode_of(text), Mode::Default, "{text:?}");
        }
        assert_eq!(mode_of(Some("raw")), Mode::Raw);
    }
}
