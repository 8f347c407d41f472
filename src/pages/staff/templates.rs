//! C10: templates, sections, forms and templates in HTML: what they are made of, their versions and fields, and a page of a test fill, which is
//! made in memory and kept nowhere.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use documents::forms::Mode;
use pages::console::{
    self, Detail, DetailValue, FieldRow, ListedTemplate, Made, NavPart, Phrase, PreviewForm, StoredTemplate, TemplateChange,
    TemplateKind, TemplateVersion,
};
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use workflows::Language;

use super::{
    documents::size,
    dynamic::{self, MAX_DATA, Tried, code},
    visit::{Failure, Form, Visit},
};
use crate::{
    access::Role,
    catalogue::{
        dynamic_templates::Version,
        fields::{FieldKey, FieldType},
        names,
        versioned::Logged,
    },
    cpu_pool::Job,
    filling::{self, Members, Request},
    percent::RESERVED,
};

/// Items of a page.
const PAGE: usize = 50;

/// Last page that can be asked for: each looks through all items of the organization.
const LAST_PAGE: usize = 10_000;

/// Characters that the values of a test fill may have.
const MAX_TEXT: usize = 20_000;

/// Fields, versions and lines of a changelog that are shown.
const MOST: usize = 500;

/// Fields that stand in the values to begin a test fill with.
const SAMPLED: usize = 40;

/// The longest form of a test fill, in bytes: data, escaped.
const MAX_FORM: usize = 4 * MAX_DATA;

/// Values that a test fill may have.
const MAX_VALUES: usize = 5_000;

impl From<names::Error> for Failure {
    fn from(error: names::Error) -> Self {
        match error {
            names::Error::NotFound(_) | names::Error::Gone(_) => Self::NotFound,
            error => {
                tracing::warn!(%error, "the console has no answer of the catalogue");
                Self::Unavailable
            }
        }
    }
}

fn list_address(visit: &Visit, kind: TemplateKind) -> String {
    format!("{}/templates?kind={}", visit.here().path, kind.name())
}

/// Where the page of one is.
pub fn address(visit: &Visit, kind: TemplateKind, id: &str) -> String {
    format!("{}/templates/{}/{}", visit.here().path, kind.name(), utf8_percent_encode(id, RESERVED))
}

fn codes(languages: &[Language]) -> String {
    languages.iter().map(|language| language.code()).collect::<Vec<_>>().join(", ")
}

/// A list of one kind.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Templates), async |visit| {
        let asked = visit.call.parameter("kind");
        let kind = TemplateKind::ALL.into_iter().find(|kind| asked.as_deref() == Some(kind.name()));
        let kind = kind.unwrap_or(TemplateKind::Templates);
        let number = visit.call.parameter("page").and_then(|text| text.parse::<usize>().ok()).unwrap_or(0).min(LAST_PAGE);
        let (rows, more) = rows(visit, kind, number).await?;
        let list = list_address(visit, kind);
        let at = |number: usize| if number == 0 { list.clone() } else { format!("{list}&page={number}") };
        let page = console::Templates {
            frame: visit.frame(),
            kind,
            kinds: TemplateKind::ALL.map(|kind| (kind, list_address(visit, kind))).into(),
            rows,
            newer: number.checked_sub(1).map(at),
            older: more.then(|| at(number + 1)),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

/// The rows of a page, newest first, and whether there are more.
async fn rows(visit: &Visit, kind: TemplateKind, number: usize) -> Result<(Vec<ListedTemplate>, bool), Failure> {
    let (state, organization) = (visit.call.state(), visit.organization.as_str());
    let row = |name: String, version: Option<String>, languages: String, fields: Option<usize>, at| ListedTemplate {
        link: address(visit, kind, &name),
        name,
        version,
        languages,
        fields,
        created: visit.site().minute(organization, at),
    };
    let is_more = |total: usize| total > (number + 1) * PAGE;
    Ok(match kind {
        TemplateKind::Templates => {
            let (total, found) = state.templates.newest(organization, number, PAGE).await?;
            let rows = found.into_iter().map(|found| {
                let version = &found.version;
                let (languages, fields) = (codes(&version.languages), Some(version.fields.len()));
                row(found.external_id, Some(found.number.to_string()), languages, fields, version.created_at)
            });
            (rows.collect(), is_more(total))
        }
        TemplateKind::Sections => {
            let found = state.sections.newest(organization, number, PAGE).await?;
            let rows = found.items.into_iter().map(|(name, found)| {
                let section = &found.item.value;
                let languages: Vec<Language> = section.forms.iter().map(|form| form.language).collect();
                row(name, None, codes(&languages), Some(section.fields.len()), found.created_at())
            });
            (rows.collect(), is_more(found.total))
        }
        TemplateKind::Forms => {
            let found = state.forms.newest(organization, number, PAGE).await?;
            let rows = found
                .items
                .into_iter()
                .map(|(name, found)| row(name, None, String::new(), Some(found.item.value.fields.len()), found.created_at()));
            (rows.collect(), is_more(found.total))
        }
        TemplateKind::Dynamic => {
            let found = state.dynamic_templates.newest(organization, None, number, PAGE).await?;
            let more = found.len() == PAGE;
            let rows = found.into_iter().map(|found| {
                let version = &found.version;
                row(found.external_id, Some(found.number.to_string()), codes(&version.languages()), None, version.created_at)
            });
            (rows.collect(), more)
        }
    })
}

fn place(visit: &Visit) -> Result<(TemplateKind, String), Failure> {
    let name = visit.call.segment("kind");
    let kind = TemplateKind::ALL.into_iter().find(|kind| kind.name() == name).ok_or(Failure::NotFound)?;
    Ok((kind, visit.call.segment("id")))
}

/// The major version that the address names, else the highest.
///
/// # Errors
/// [`Failure::NotFound`].
pub fn major(visit: &Visit, majors: &[u32]) -> Result<u32, Failure> {
    match visit.call.parameter("major") {
        Some(text) => text.parse().ok().filter(|major| majors.contains(major)).ok_or(Failure::NotFound),
        None => majors.last().copied().ok_or(Failure::NotFound),
    }
}

/// What was given for a test fill.
struct Given {
    values: String,
    language: String,
    flags: String,
    page: usize,
    error: Option<Phrase>,
}

/// One of any kind.
pub async fn one(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Templates), async |visit| {
        let page = shown(visit, None).await?;
        Ok(visit.page(page.html()))
    })
    .await
}

async fn shown(visit: &Visit, given: Option<Given>) -> Result<StoredTemplate, Failure> {
    let (kind, id) = place(visit)?;
    match kind {
        TemplateKind::Templates => template(visit, &id, given).await,
        TemplateKind::Sections => section(visit, &id).await,
        TemplateKind::Forms => form(visit, &id, given).await,
        TemplateKind::Dynamic => dynamic_template(visit, &id, given).await,
    }
}

pub fn text(name: &'static str, value: impl Into<String>) -> Detail {
    Detail { name, value: DetailValue::Text(value.into()) }
}

pub fn at(visit: &Visit, name: &'static str, at: store::Timestamp) -> Detail {
    Detail { name, value: DetailValue::At(visit.site().moment(&visit.organization, at)) }
}

/// A page with nothing but its name.
fn bare(visit: &Visit, kind: TemplateKind, name: &str) -> StoredTemplate {
    StoredTemplate {
        frame: visit.frame(),
        kind,
        name: name.to_owned(),
        details: Vec::new(),
        version: None,
        majors: Vec::new(),
        versions: Vec::new(),
        made_of: Vec::new(),
        fields: Vec::new(),
        changes: Vec::new(),
        schema: None,
        preview: None,
        edit: None,
        compare: None,
        done: None,
    }
}

fn fields(keys: &[FieldKey]) -> Vec<FieldRow> {
    let kind = |kind| match kind {
        FieldType::Fillable => "console.templates.fillable",
        FieldType::Signature => "console.templates.signature",
    };
    keys.iter().take(MOST).map(|field| FieldRow { key: field.key.clone(), kind: kind(field.kind) }).collect()
}

fn changes(visit: &Visit, logged: Vec<Logged>) -> Vec<TemplateChange> {
    let line = |Logged { at, by, step }: Logged| {
        let number = |number: Option<crate::catalogue::editions::Number>| number.map(|number| number.to_string());
        let numbers: Vec<String> = number(step.from).into_iter().chain(number(step.to)).collect();
        TemplateChange {
            at: visit.site().moment(&visit.organization, at),
            step: numbers.join(" → "),
            why: step.told().unwrap_or_default(),
            by: by.unwrap_or_default(),
        }
    };
    logged.into_iter().take(MOST).map(line).collect()
}

/// Values to begin with: each field with its own name.
fn sample(keys: &[FieldKey]) -> String {
    let fillable = keys.iter().filter(|field| field.kind == FieldType::Fillable).take(SAMPLED);
    let values: serde_json::Map<String, Value> = fillable.map(|field| (field.key.clone(), field.key.clone().into())).collect();
    serde_json::to_string_pretty(&values).unwrap_or_default()
}

fn preview_form(link: String, keys: &[FieldKey], languages: &[Language], given: Option<Given>) -> PreviewForm {
    let has_flags = !languages.is_empty();
    let chosen = given.as_ref().map(|given| given.language.clone()).unwrap_or_default();
    let Given { values, flags, page, error, .. } = given.unwrap_or_else(|| Given {
        values: sample(keys),
        language: String::new(),
        flags: String::new(),
        page: 1,
        error: None,
    });
    let languages = languages.iter().map(|language| (language.code(), language.code() == chosen)).collect();
    PreviewForm {
        link,
        about: "console.templates.preview_about",
        values,
        label: "console.templates.values",
        most: MAX_TEXT,
        languages,
        flags: has_flags.then_some(flags),
        page,
        gives_file: false,
        error,
    }
}

async fn template(visit: &Visit, id: &str, given: Option<Given>) -> Result<StoredTemplate, Failure> {
    let (templates, organization) = (&visit.call.state().templates, visit.organization.as_str());
    let kind = TemplateKind::Templates;
    let majors = templates.majors(organization, id).await?;
    let major = major(visit, &majors)?;
    let latest = templates.latest(organization, id, major).await?;
    let minors = templates.minors(organization, id, major).await?;
    let link = address(visit, kind, id);
    let version = &latest.version;
    let made = |name: &String| {
        let rules = version.rules.iter().filter(|rule| rule.section == *name).map(|rule| rule.condition.clone());
        Made {
            name: name.clone(),
            link: Some(address(visit, TemplateKind::Sections, name)),
            when: rules.collect::<Vec<_>>().join(", "),
        }
    };
    let numbered = |minor: &crate::catalogue::templates::Numbering| TemplateVersion {
        number: minor.number.to_string(),
        at: visit.site().moment(organization, minor.version.created_at),
    };
    Ok(StoredTemplate {
        details: vec![
            text("console.settings.languages", codes(&version.languages)),
            text("console.templates.default_language", version.default_language.code()),
            at(visit, "console.list.created", version.created_at),
        ],
        version: Some(latest.number.to_string()),
        majors: majors.iter().map(|number| (*number, format!("{link}?major={number}"), *number == major)).collect(),
        versions: minors.iter().take(MOST).map(numbered).collect(),
        made_of: version.sections.iter().map(made).collect(),
        fields: fields(&version.fields),
        changes: changes(visit, templates.changelog(organization, id).await?),
        preview: Some(preview_form(format!("{link}/preview?major={major}"), &version.fields, &version.languages, given)),
        ..bare(visit, kind, id)
    })
}

async fn section(visit: &Visit, id: &str) -> Result<StoredTemplate, Failure> {
    let found = visit.call.state().sections.get(&visit.organization, id).await?;
    let section = &found.item.value;
    let made = |form: &crate::catalogue::sections::SectionForm| Made {
        name: form.form.clone(),
        link: Some(address(visit, TemplateKind::Forms, &form.form)),
        when: form.language.code().to_owned(),
    };
    Ok(StoredTemplate {
        details: vec![at(visit, "console.list.created", found.created_at())],
        made_of: section.forms.iter().map(made).collect(),
        fields: fields(&section.fields),
        ..bare(visit, TemplateKind::Sections, id)
    })
}

async fn form(visit: &Visit, id: &str, given: Option<Given>) -> Result<StoredTemplate, Failure> {
    let found = visit.call.state().forms.get(&visit.organization, id).await?;
    let form = &found.item.value;
    let mut details = vec![
        text("console.documents.format", format!("pdf, {}", size(form.size))),
        text("console.templates.given_name", form.name.clone()),
        text("SHA-256", form.digest.to_string()),
        at(visit, "console.list.created", found.created_at()),
    ];
    if !form.tags.is_empty() {
        details.push(text("console.documents.labels", form.tags.join(", ")));
    }
    let link = format!("{}/preview", address(visit, TemplateKind::Forms, id));
    Ok(StoredTemplate {
        details,
        fields: fields(&form.fields),
        preview: Some(preview_form(link, &form.fields, &[], given)),
        ..bare(visit, TemplateKind::Forms, id)
    })
}

async fn dynamic_template(visit: &Visit, id: &str, given: Option<Given>) -> Result<StoredTemplate, Failure> {
    let (templates, organization) = (&visit.call.state().dynamic_templates, visit.organization.as_str());
    let kind = TemplateKind::Dynamic;
    let majors = templates.majors(organization, id).await?;
    let major = major(visit, &majors)?;
    let latest = templates.latest(organization, id, major).await?;
    let minors = templates.minors(organization, id, major).await?;
    let version = &latest.version;
    let schema = templates.structure(organization, version).await?;
    let link = address(visit, kind, id);
    let mut details = vec![
        text("console.templates.description", version.description.clone()),
        text("console.templates.default_language", code(version.default_language)),
        at(visit, "console.list.created", version.created_at),
    ];
    if !version.tags.is_empty() {
        details.push(text("console.documents.labels", version.tags.join(", ")));
    }
    // What an address says is shown only if it is a number of a version.
    let done = visit.call.parameter("done").filter(|number| *number == latest.number.to_string());
    let made = |source: &crate::catalogue::dynamic_templates::Source| Made {
        name: format!("{}: hbs {}, {}", code(source.language), source.engine_version, size(source.template_size)),
        link: None,
        when: String::new(),
    };
    let numbered = |minor: &crate::catalogue::dynamic_templates::Numbering| TemplateVersion {
        number: minor.number.to_string(),
        at: visit.site().moment(organization, minor.version.created_at),
    };
    Ok(StoredTemplate {
        details,
        version: Some(latest.number.to_string()),
        majors: majors.iter().map(|number| (*number, format!("{link}?major={number}"), *number == major)).collect(),
        versions: minors.iter().take(MOST).map(numbered).collect(),
        made_of: version.sources.iter().map(made).collect(),
        changes: changes(visit, templates.changelog(organization, id).await?),
        schema: serde_json::to_string_pretty(&schema).ok(),
        preview: Some(try_form(visit, &link, major, version, schema, given).await?),
        edit: visit.session.has(Role::ConsoleAdmin).then(|| format!("{link}/edit?major={major}")),
        compare: Some(format!("{link}/compare?to={}", latest.number)),
        done: done.map(|number| Phrase::new("console.edit.saved").with("version", number)),
        ..bare(visit, kind, id)
    })
}

/// The form of a test fill of a template in HTML, with what the schema says of the data to begin with.
async fn try_form(
    visit: &Visit,
    link: &str,
    major: u32,
    version: &Version,
    schema: Value,
    given: Option<Given>,
) -> Result<PreviewForm, Failure> {
    let given = match given {
        Some(given) => given,
        None => {
            let job = Job::new(&visit.organization, version.structure_size);
            let sample = move |_: &_| serde_json::to_string_pretty(&html::sample(&schema)).unwrap_or_default();
            let sample = visit.call.state().documents.cpu().run(job, sample).await.map_err(names::Error::from)?;
            let values = if sample.chars().count() > MAX_DATA { "{}".to_owned() } else { sample };
            Given { values, language: code(version.default_language).to_owned(), flags: String::new(), page: 1, error: None }
        }
    };
    let languages = version.languages().into_iter().map(code);
    Ok(PreviewForm {
        link: format!("{link}/preview?major={major}"),
        about: "console.templates.data_about",
        languages: languages.map(|code| (code, code == given.language)).collect(),
        values: given.values,
        label: "console.templates.data",
        most: MAX_DATA,
        flags: None,
        page: given.page,
        gives_file: true,
        error: given.error,
    })
}

/// The values of a test fill: a JSON object of texts, numbers and truth values.
fn values(text: &str) -> Option<Vec<(String, String)>> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    let read: serde_json::Map<String, Value> = serde_json::from_str(text).ok()?;
    let value = |(name, value): (String, Value)| {
        let value = match value {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            Value::Bool(truth) => truth.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        Some((name, value))
    };
    if read.len() > MAX_VALUES { None } else { read.into_iter().map(value).collect() }
}

impl Given {
    fn of(form: &Form) -> Self {
        Self {
            values: form.text("values").replace("\r\n", "\n"),
            language: form.text("language").to_owned(),
            flags: form.text("flags").replace("\r\n", "\n"),
            page: form.text("page").trim().parse::<usize>().unwrap_or(1).clamp(1, filling::MAX_PAGES),
            error: None,
        }
    }

    fn flags(&self) -> Vec<String> {
        self.flags.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
    }
}

/// Why nothing is shown, in words for who filled it; `None`: it is not theirs to mend.
pub fn problem(error: &filling::Error) -> Option<Phrase> {
    let said = |why: String| Some(Phrase::new("console.templates.not_filled").with("why", why));
    match error {
        filling::Error::Invalid(problems) => said(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")),
        filling::Error::Page(_) => Some(Phrase::new("console.templates.no_page")),
        filling::Error::Form { .. } | filling::Error::Image { .. } | filling::Error::TooLarge(_) => said(error.to_string()),
        _ => None,
    }
}

/// What a browser may do with a picture: nothing but show it.
const PICTURE_POLICY: &str = "default-src 'none'; style-src-attr 'unsafe-inline'; frame-ancestors 'none'";

fn picture(png: bytes::Bytes) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "image/png"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Browsers show a picture in a page of their own, which they style themselves.
        .insert_header((header::CONTENT_SECURITY_POLICY, PICTURE_POLICY))
        .body(png)
}

/// A page of a test fill, as a picture, or of a template in HTML as a file. Nothing of it is stored, and nothing of it is in an address.
pub async fn preview(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Templates), async |visit| {
        let form = visit.own_form_up_to(payload, MAX_FORM).await?;
        let (kind, id) = place(visit)?;
        let given = Given::of(&form);
        if kind == TemplateKind::Dynamic {
            return match dynamic::try_out(visit, &id, &form, given.page - 1).await? {
                Tried::Png(png) => Ok(picture(png)),
                Tried::Pdf(pdf) => Ok(dynamic::file(&id, pdf)),
                Tried::Not(error) => {
                    let page = shown(visit, Some(Given { error: Some(error), ..given })).await?;
                    Ok(visit.call.page(StatusCode::BAD_REQUEST, page.html()))
                }
            };
        }
        let Some(values) = values(&given.values) else {
            let error = Some(Phrase::new("console.templates.no_values"));
            let page = shown(visit, Some(Given { error, ..given })).await?;
            return Ok(visit.call.page(StatusCode::BAD_REQUEST, page.html()));
        };
        match drawn(visit, kind, &id, values, &given).await? {
            Ok(png) => Ok(picture(png)),
            Err(error) => {
                let Some(error) = problem(&error) else { return Err(dynamic::not_filled(error)) };
                let page = shown(visit, Some(Given { error: Some(error), ..given })).await?;
                Ok(visit.call.page(StatusCode::BAD_REQUEST, page.html()))
            }
        }
    })
    .await
}

async fn drawn(
    visit: &Visit,
    kind: TemplateKind,
    id: &str,
    values: Vec<(String, String)>,
    given: &Given,
) -> Result<Result<bytes::Bytes, filling::Error>, Failure> {
    let (filling, organization, page) = (&visit.call.state().filling, visit.organization.as_str(), given.page - 1);
    match kind {
        TemplateKind::Forms => {
            // By its external id, as its page is: an identifier names a form as well, but no page.
            visit.call.state().forms.get(organization, id).await?;
            let drawn = filling.preview_form(organization, id, values, Mode::Default, page).await;
            Ok(drawn.map(|preview| preview.png))
        }
        TemplateKind::Templates => {
            let templates = &visit.call.state().templates;
            let major = major(visit, &templates.majors(organization, id).await?)?;
            let latest = templates.latest(organization, id, major).await?;
            let languages = &latest.version.languages;
            let language = languages.iter().find(|language| language.code() == given.language);
            let request = Request {
                template: id.to_owned(),
                major,
                language: language.copied().unwrap_or(latest.version.default_language),
                flags: given.flags(),
                values,
                mode: Mode::Default,
                flatten: true,
                members: Members::CAMEL,
            };
            Ok(filling.preview_template(organization, request, page).await.map(|preview| preview.png))
        }
        TemplateKind::Sections | TemplateKind::Dynamic => Err(Failure::NotFound),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_texts_numbers_and_truth_values_by_their_names() {
        let read = values("{\"NAME\": \"Ana\", \"AGE\": 41, \"VIP\": true}").expect("values");
        let pairs: Vec<(&str, &str)> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert!(pairs.contains(&("NAME", "Ana")) && pairs.contains(&("AGE", "41")) && pairs.contains(&("VIP", "true")));
        assert_eq!(values("  \n"), Some(Vec::new()));
        for wrong in ["[]", "{", "{\"A\": null}", "{\"A\": {}}", "{\"A\": [1]}", "1"] {
            assert_eq!(values(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_test_fill_begins_with_the_names_of_fields_that_take_values() {
        let field = |key: &str, kind| FieldKey { key: key.into(), kind };
        let text = sample(&[field("A", FieldType::Fillable), field("S", FieldType::Signature)]);
        assert_eq!(values(&text), Some(vec![("A".into(), "A".into())]));
        assert_eq!(sample(&vec![field("A", FieldType::Fillable); 3]).matches("\"A\"").count(), 2);
    }
}
