//! C10: a new version of a template in HTML, two versions side by side, and a test fill, through the services of the API's operations.
//!
//! Whoever edits loses nothing that was typed: what is refused comes back with all of it, and what others saved meanwhile is told, shown beside it,
//! and passed over only by who has seen it.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, http::header, web};
use bytes::Bytes;
use pages::console::{Difference, EditConflict, EditLanguage, NavPart, Phrase, TemplateCompare, TemplateEdit, TemplateKind};
use serde_json::{Map, Value};
use uuid::Uuid;
use workflows::{
    Language,
    values::{MAX_REASON, Problems, check_reason},
};

use super::{
    diff,
    templates::{address, major, problem},
    visit::{CSRF_PART, Failure, Form, Visit, part_text},
};
use crate::{
    access::Role,
    catalogue::{
        dynamic_templates::{Definition, Edit, MAX_FILE, MAX_SCHEMA, NewSource, Number, Seen, Source, SourceEdit, Version},
        item::Act,
        names,
    },
    cpu_pool::Job,
    filling,
    http::{
        json,
        multipart::{self, Part},
    },
    processes::fill::{self, Desk, Rendering, Request},
};

/// The largest template and editor configuration that a page holds, in bytes.
const MAX_EDITED: usize = 1024 * 1024;

/// The longest text of a small field, in bytes.
const MAX_TEXT: usize = 16 * 1024;

/// Characters that the data of a test fill may have.
pub const MAX_DATA: usize = 60_000;

/// What a browser makes of line ends may double a text that is sent.
const PARTS: [Part; 12] = [
    CSRF_PART,
    Part::once("deed", 16),
    Part::once("latest", 64),
    Part::once("highest", 64),
    Part::once("template", 2 * MAX_EDITED),
    Part::once("schema", 4 * MAX_SCHEMA),
    Part::once("editor_config", 2 * MAX_EDITED),
    Part::once("engine", MAX_TEXT),
    Part::once("description", MAX_TEXT),
    Part::once("labels", MAX_TEXT),
    Part::once("default_language", 16),
    Part::once("reason", MAX_TEXT),
];

const _: () = assert!(MAX_EDITED <= MAX_FILE);

/// The languages of the contract, as addresses and forms name them.
const LANGUAGES: [(Language, &str); 7] = [
    (Language::Es, "es"),
    (Language::En, "en"),
    (Language::Ca, "ca"),
    (Language::Eu, "eu"),
    (Language::Gl, "gl"),
    (Language::De, "de"),
    (Language::Undefined, "undefined"),
];

/// The name of a language in addresses and forms.
pub fn code(language: Language) -> &'static str {
    LANGUAGES.into_iter().find(|(own, _)| *own == language).map_or("undefined", |(_, code)| code)
}

fn language_of(code: &str) -> Option<Language> {
    LANGUAGES.into_iter().find(|(_, own)| *own == code).map(|(language, _)| language)
}

/// What stands in the fields of the form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Typed {
    template: String,
    schema: String,
    editor_config: String,
    engine: String,
    description: String,
    labels: String,
    default_language: String,
    reason: String,
}

/// The version that a new one is made from, and the language that is edited.
struct Basis {
    id: String,
    major: u32,
    number: Number,
    version: std::sync::Arc<Version>,
    seen: Seen,
    language: Language,
    /// As it is stored; of a language that the version lacks, as the default language is.
    stored: Typed,
    structure: Value,
}

/// Why a version was not made.
enum Refused {
    /// A field, and what is wrong with it.
    Problems(Vec<(String, String)>),
    Words(Phrase),
    /// Others saved meanwhile.
    Overtaken,
    /// It may work a little later.
    Away,
}

impl Basis {
    async fn of(visit: &Visit) -> Result<Self, Failure> {
        let (templates, organization) = (&visit.call.state().dynamic_templates, visit.organization.as_str());
        let id = visit.call.segment("id");
        let major = major(visit, &templates.majors(organization, &id).await?)?;
        // In this order: what is saved between the two is found to be another one later.
        let seen = templates.seen(organization, &id, major).await?;
        let latest = templates.latest(organization, &id, major).await?;
        let version = latest.version;
        let language = match visit.call.parameter("language") {
            Some(code) => language_of(&code).ok_or(Failure::NotFound)?,
            None => version.default_language,
        };
        let structure = templates.structure(organization, &version).await?;
        let source = version.source(language).or_else(|| version.source(version.default_language));
        let source = source.ok_or(Failure::NotFound)?.clone();
        let (template, editor_config) = files(visit, &source).await?;
        let stored = Typed {
            template: text_of(template)?,
            schema: pretty(&structure),
            editor_config: text_of(editor_config)?,
            engine: source.engine_version.clone(),
            description: version.description.clone(),
            labels: version.tags.join("\n"),
            default_language: code(version.default_language).to_owned(),
            reason: String::new(),
        };
        Ok(Self { id, major, number: latest.number, version, seen, language, stored, structure })
    }

    fn link(&self, visit: &Visit, language: Language) -> String {
        format!("{}/edit?major={}&language={}", address(visit, TemplateKind::Dynamic, &self.id), self.major, code(language))
    }

    fn is_there(&self) -> bool {
        self.version.source(self.language).is_some()
    }
}

/// The files of a source.
async fn files(visit: &Visit, source: &Source) -> Result<(Bytes, Bytes), Failure> {
    let (templates, organization) = (&visit.call.state().dynamic_templates, visit.organization.as_str());
    Ok((templates.template(organization, source).await?, templates.editor_config(organization, source).await?))
}

/// A file as a page holds it.
fn text_of(bytes: Bytes) -> Result<String, Failure> {
    let is_small = bytes.len() <= MAX_EDITED;
    let text = is_small.then(|| String::from_utf8(bytes.into()).ok()).flatten();
    text.ok_or(Failure::NoText)
}

fn pretty(structure: &Value) -> String {
    serde_json::to_string_pretty(structure).unwrap_or_default()
}

/// A text as a form sends it, with the line ends of the one that was stored.
fn with_line_ends(sent: &str, stored: &str) -> String {
    let sent = sent.replace("\r\n", "\n");
    let has_pairs = stored.contains("\r\n") && stored.matches('\n').count() == stored.matches("\r\n").count();
    if has_pairs { sent.replace('\n', "\r\n") } else { sent }
}

impl Typed {
    fn read(form: &mut multipart::Form, stored: &Self) -> Result<Self, Failure> {
        let mut text = |name| part_text(form, name);
        Ok(Self {
            template: with_line_ends(&text("template")?, &stored.template),
            schema: with_line_ends(&text("schema")?, "\n"),
            editor_config: with_line_ends(&text("editor_config")?, &stored.editor_config),
            engine: text("engine")?.trim().to_owned(),
            description: with_line_ends(&text("description")?, &stored.description),
            labels: with_line_ends(&text("labels")?, "\n"),
            default_language: text("default_language")?,
            reason: with_line_ends(&text("reason")?, "\n").trim().to_owned(),
        })
    }

    /// One a line, as they were typed.
    fn tags(&self) -> Vec<String> {
        self.labels.lines().filter(|line| !line.trim().is_empty()).map(str::to_owned).collect()
    }

    fn structure(&self, basis: &Basis) -> Result<Value, Refused> {
        if self.schema == basis.stored.schema {
            return Ok(basis.structure.clone());
        }
        json::parse_details(self.schema.as_bytes()).map_err(|words| Refused::Problems(vec![("JSON Schema".into(), words)]))
    }

    fn source(&self, basis: &Basis, structure: Value) -> NewSource {
        NewSource {
            language: basis.language,
            template: Bytes::from(self.template.clone()),
            editor_config: Bytes::from(self.editor_config.clone()),
            structure,
            engine_version: self.engine.clone(),
        }
    }

    /// What a minor version changes.
    fn edit(&self, basis: &Basis, seen: Seen) -> Result<Edit, Refused> {
        let structure = self.structure(basis)?;
        if self.tags() != basis.version.tags {
            return Err(Refused::Words(Phrase::new("console.edit.labels_major")));
        }
        let of_source = |typed: &Self| {
            let Self { template, editor_config, engine, .. } = typed;
            (template.clone(), editor_config.clone(), engine.clone())
        };
        let is_same = basis.is_there() && of_source(self) == of_source(&basis.stored) && structure == basis.structure;
        let description = (self.description != basis.stored.description).then(|| self.description.clone());
        let default_language = language_of(&self.default_language).filter(|own| *own != basis.version.default_language);
        if is_same && description.is_none() && default_language.is_none() {
            return Err(Refused::Words(Phrase::new("console.edit.nothing")));
        }
        let sources = if is_same { Vec::new() } else { vec![SourceEdit::Content(self.source(basis, structure))] };
        Ok(Edit { description, default_language, sources, seen: Some(seen) })
    }

    /// What a major version consists of: the languages that are not edited stay as they are, with the schema that is common to all.
    async fn definition(&self, visit: &Visit, basis: &Basis, seen: Seen) -> Result<Definition, Refused> {
        let structure = self.structure(basis)?;
        let mut sources = Vec::new();
        for kept in basis.version.sources.iter().filter(|source| source.language != basis.language) {
            let (template, editor_config) = files(visit, kept).await.map_err(|_| Refused::Away)?;
            let (language, engine_version) = (kept.language, kept.engine_version.clone());
            sources.push(NewSource { language, template, editor_config, structure: structure.clone(), engine_version });
        }
        sources.insert(0, self.source(basis, structure));
        Ok(Definition {
            description: self.description.clone(),
            default_language: language_of(&self.default_language).unwrap_or(basis.version.default_language),
            tags: self.tags(),
            sources,
            seen: Some(seen),
        })
    }
}

/// The form of a new version.
pub async fn edit_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Templates), async |visit| {
        visit.needs(Role::ConsoleAdmin)?;
        let basis = Basis::of(visit).await?;
        let typed = basis.stored.clone();
        Ok(visit.page(edit_form(visit, &basis, basis.seen, typed).html()))
    })
    .await
}

fn edit_form(visit: &Visit, basis: &Basis, seen: Seen, typed: Typed) -> TemplateEdit {
    let languages = LANGUAGES.into_iter().map(|(language, code)| EditLanguage {
        code,
        link: basis.link(visit, language),
        is_on: language == basis.language,
        is_new: basis.version.source(language).is_none(),
    });
    let has = |language: Language| language == basis.language || basis.version.source(language).is_some();
    let defaults = LANGUAGES.into_iter().filter(|(language, _)| has(*language));
    let defaults = defaults.map(|(_, code)| (code, code == typed.default_language)).collect();
    TemplateEdit {
        frame: visit.frame(),
        name: basis.id.clone(),
        version: basis.number.to_string(),
        back: format!("{}?major={}", address(visit, TemplateKind::Dynamic, &basis.id), basis.major),
        link: basis.link(visit, basis.language),
        languages: languages.collect(),
        language: code(basis.language),
        seen: (seen.latest.to_string(), seen.highest.to_string()),
        problems: Vec::new(),
        refused: None,
        conflict: None,
        template: typed.template,
        schema: typed.schema,
        editor_config: typed.editor_config,
        engine: typed.engine,
        description: typed.description,
        labels: typed.labels,
        defaults,
        reason: typed.reason,
        max_reason: MAX_REASON,
    }
}

/// Makes a new version of what was typed.
pub async fn edit(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    Visit::run(request, Some(NavPart::Templates), async |visit| {
        visit.needs(Role::ConsoleAdmin)?;
        let mut form = visit.own_parts(payload, &PARTS).await?;
        let basis = Basis::of(visit).await?;
        let id_of = |text: String| Uuid::parse_str(&text).map_err(|_| Failure::Form);
        let seen = Seen { latest: id_of(part_text(&mut form, "latest")?)?, highest: id_of(part_text(&mut form, "highest")?)? };
        let is_major = match part_text(&mut form, "deed")?.as_str() {
            "major" => true,
            "minor" => false,
            _ => return Err(Failure::Form),
        };
        let typed = Typed::read(&mut form, &basis.stored)?;
        let refused = match save(visit, &basis, seen, &typed, is_major).await {
            Ok(number) => {
                let page = address(visit, TemplateKind::Dynamic, &basis.id);
                return Ok(visit.done(&format!("{page}?major={}&done={number}", number.major)));
            }
            Err(refused) => refused,
        };
        // Of what others saved meanwhile nothing is known yet, if it came after the form was read.
        let basis = if matches!(refused, Refused::Overtaken) { Basis::of(visit).await? } else { basis };
        let before = seen;
        let (status, after) = match refused {
            Refused::Overtaken => (StatusCode::CONFLICT, basis.seen),
            Refused::Away => (StatusCode::SERVICE_UNAVAILABLE, before),
            Refused::Problems(_) | Refused::Words(_) => (StatusCode::BAD_REQUEST, before),
        };
        let mut page = edit_form(visit, &basis, after, typed.clone());
        match refused {
            Refused::Problems(problems) => page.problems = problems,
            Refused::Words(words) => page.refused = Some(words),
            Refused::Away => page.refused = Some(Phrase::new("console.edit.away")),
            Refused::Overtaken => page.conflict = Some(conflict(visit, &basis, before, &typed).await?),
        }
        Ok(visit.call.page(status, page.html()))
    })
    .await
}

async fn save(visit: &Visit, basis: &Basis, seen: Seen, typed: &Typed, is_major: bool) -> Result<Number, Refused> {
    // Before all else: what is wrong with a text may be so only beside what is there by now.
    let is_other = if is_major { seen != basis.seen } else { seen.latest != basis.seen.latest };
    if is_other {
        return Err(Refused::Overtaken);
    }
    if check_reason(&typed.reason).is_err() {
        return Err(Refused::Words(Phrase::new("console.cancel.no_reason")));
    }
    let (templates, organization) = (&visit.call.state().dynamic_templates, visit.organization.as_str());
    let staff = visit.staff();
    let act = Act { at: visit.call.now(), by: Some(&staff.subject), why: None };
    let reason = Some(typed.reason.clone());
    let made = if is_major {
        let definition = typed.definition(visit, basis, seen).await?;
        let languages = definition.sources.iter().map(|source| source.language).collect::<Vec<_>>();
        let made = templates.add_major(organization, &basis.id, definition, reason, act).await;
        made.map_err(|error| refused(error, &languages))
    } else {
        let edit = typed.edit(basis, seen)?;
        let made = templates.add_minor(organization, &basis.id, basis.major, edit, reason, act).await;
        made.map_err(|error| refused(error, &[basis.language]))
    };
    Ok(made?.number)
}

/// What an error means to who typed; the sources of what was sent are in these languages.
fn refused(error: names::Error, languages: &[Language]) -> Refused {
    match error {
        names::Error::Overtaken(_) => Refused::Overtaken,
        names::Error::Invalid(problems) => Refused::Problems(told(&problems, languages)),
        names::Error::Conflict(words) => Refused::Words(Phrase::new("console.templates.not_saved").with("why", words)),
        error => {
            tracing::warn!(%error, "the console could not make a version of a dynamic template");
            Refused::Away
        }
    }
}

/// Problems with their places as the form names them: `sources[1].template_part_name` is the template of the second language.
fn told(problems: &Problems, languages: &[Language]) -> Vec<(String, String)> {
    let place = |path: &str| {
        let (number, member) = path.strip_prefix("sources[")?.split_once("].")?;
        let language = code(*languages.get(number.parse::<usize>().ok()?)?);
        let member = match member {
            "template_part_name" => "template",
            "editor_config_part_name" => "editor configuration",
            "structure" => "JSON Schema",
            "engine_version" => "engine",
            other => other,
        };
        Some(format!("{member} ({language})"))
    };
    problems
        .iter()
        .map(|problem| (place(&problem.path).unwrap_or_else(|| problem.path.clone()), problem.message.clone()))
        .collect()
}

/// What others saved since the form was opened: another minor, or else a major that is the highest now.
async fn conflict(visit: &Visit, basis: &Basis, before: Seen, typed: &Typed) -> Result<EditConflict, Failure> {
    let (templates, organization) = (&visit.call.state().dynamic_templates, visit.organization.as_str());
    let number = match basis.seen.latest == before.latest {
        true => templates.numbers(organization, &basis.id).await?.first().copied().unwrap_or(basis.number),
        false => basis.number,
    };
    let version = templates.get(organization, &basis.id, number).await?.version;
    let changes = templates.changelog(organization, &basis.id).await?;
    let made = changes.into_iter().find(|logged| logged.step.to == Some(number));
    let (by, at) = made.map_or((None, version.created_at), |logged| (logged.by, logged.at));
    let there = Texts::of(visit, &version, basis.language).await?.unwrap_or_default();
    let own =
        Texts { template: typed.template.clone(), schema: typed.schema.clone(), editor_config: typed.editor_config.clone() };
    let heads = (number.to_string(), visit.call.language.text("console.edit.yours").to_owned());
    Ok(EditConflict {
        words: Phrase::new("console.edit.conflict").with("version", number),
        at: visit.site().moment(organization, at),
        by: by.unwrap_or_default(),
        differences: differences(visit, there, own, heads).await?,
    })
}

/// What is compared of a version.
#[derive(Default)]
struct Texts {
    template: String,
    schema: String,
    editor_config: String,
}

impl Texts {
    /// Of a version in a language; nothing where it lacks that.
    async fn of(visit: &Visit, version: &Version, language: Language) -> Result<Option<Self>, Failure> {
        let Some(source) = version.source(language) else { return Ok(None) };
        let (template, editor_config) = files(visit, source).await?;
        let structure = visit.call.state().dynamic_templates.structure(&visit.organization, version).await?;
        Ok(Some(Self { template: text_of(template)?, schema: pretty(&structure), editor_config: text_of(editor_config)? }))
    }
}

/// Compares texts in the organization's turn. The editor's configuration, which no fill reads, is shown where it differs.
async fn differences(visit: &Visit, before: Texts, after: Texts, heads: (String, String)) -> Result<Vec<Difference>, Failure> {
    let all = [
        ("console.compare.template", before.template, after.template, true),
        ("console.templates.schema", before.schema, after.schema, true),
        ("console.edit.editor_config", before.editor_config, after.editor_config, false),
    ];
    let size = all.iter().map(|(_, before, after, _)| before.len() + after.len()).sum::<usize>();
    let job = Job::new(&visit.organization, size as u64);
    let compare = move |_: &_| all.map(|(title, before, after, always)| (title, always, diff::compare(&before, &after)));
    let compared = visit.call.state().documents.cpu().run(job, compare).await.map_err(names::Error::from)?;
    let shown = compared.into_iter().filter(|(_, always, compared)| *always || !compared.rows.is_empty());
    let shown = shown.map(|(title, _, compared)| Difference {
        title,
        heads: heads.clone(),
        note: match compared {
            diff::Compared { is_rough: true, .. } => Some(Phrase::new("console.compare.rough")),
            diff::Compared { is_cut: true, .. } => Some(Phrase::new("console.compare.more")),
            _ => None,
        },
        rows: compared.rows,
    });
    Ok(shown.collect())
}

/// Reads `2.1`.
fn number(text: &str) -> Option<Number> {
    let (major, minor) = text.split_once('.')?;
    Some(Number { major: major.parse().ok()?, minor: minor.parse().ok()? })
}

/// Two versions side by side.
pub async fn compare_page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Templates), async |visit| {
        let (templates, organization) = (&visit.call.state().dynamic_templates, visit.organization.as_str());
        let id = visit.call.segment("id");
        let numbers = templates.numbers(organization, &id).await?;
        let asked = |name, otherwise: Option<&Number>| match visit.call.parameter(name) {
            Some(text) => number(&text).filter(|number| numbers.contains(number)).ok_or(Failure::NotFound),
            None => otherwise.copied().ok_or(Failure::NotFound),
        };
        // The latest beside the one before it; newest first.
        let to = asked("to", numbers.first())?;
        let place = numbers.iter().position(|number| *number == to).unwrap_or_default();
        let from = asked("from", numbers.get(place + 1).or(Some(&to)))?;
        let (before, after) = (templates.get(organization, &id, from).await?, templates.get(organization, &id, to).await?);
        let language = match visit.call.parameter("language") {
            Some(code) => language_of(&code).ok_or(Failure::NotFound)?,
            None => after.version.default_language,
        };
        let of = async |version| Texts::of(visit, version, language).await;
        let (old, new) = (of(&before.version).await?, of(&after.version).await?);
        let lacks = [(from, old.is_none()), (to, new.is_none())].into_iter().find(|(_, lacks)| *lacks);
        let missing = lacks.map(|(number, _)| Phrase::new("console.compare.missing").with("version", number));
        let differences = match (old, new) {
            (Some(old), Some(new)) => differences(visit, old, new, (from.to_string(), to.to_string())).await?,
            _ => Vec::new(),
        };
        let has = |own: Language| [&before, &after].iter().any(|found| found.version.source(own).is_some());
        let languages = LANGUAGES.into_iter().filter(|(own, _)| has(*own) || *own == language);
        let back = address(visit, TemplateKind::Dynamic, &id);
        let page = TemplateCompare {
            frame: visit.frame(),
            link: format!("{back}/compare"),
            back,
            versions: numbers.iter().map(|number| (number.to_string(), *number == from, *number == to)).collect(),
            languages: languages.map(|(own, code)| (code, own == language)).collect(),
            name: id,
            missing,
            differences,
        };
        Ok(visit.page(page.html()))
    })
    .await
}

/// What came of a test fill.
pub enum Tried {
    Png(Bytes),
    Pdf(Bytes),
    /// Why there is nothing to show, in words for who filled it.
    Not(Phrase),
}

/// Fills the latest minor of a major version with the data of a form, as a fill is made, and keeps nothing.
///
/// # Errors
/// [`Failure`] for what is not theirs to mend.
pub async fn try_out(visit: &Visit, id: &str, form: &Form, page: usize) -> Result<Tried, Failure> {
    let not = |why: String| Ok(Tried::Not(Phrase::new("console.templates.not_filled").with("why", why)));
    let state = visit.call.state();
    let (templates, organization) = (&state.dynamic_templates, visit.organization.as_str());
    let major = major(visit, &templates.majors(organization, id).await?)?;
    let text = form.text("values");
    let data: Map<String, Value> = match json::parse_details(if text.trim().is_empty() { b"{}" } else { text.as_bytes() }) {
        Ok(data) => data,
        Err(why) => return not(why),
    };
    let language = match language_of(form.text("language")) {
        Some(language) => language,
        None => templates.latest(organization, id, major).await?.version.default_language,
    };
    let desk = Desk {
        processes: &visit.engine().processes,
        documents: &state.documents,
        files: &state.sealed_files,
        fills: &visit.engine().fills,
        wall_clock: state.now(),
    };
    let request = Request {
        template: id.to_owned(),
        major,
        language,
        name: None,
        tags: Vec::new(),
        data,
        priority: workflows::fill::Priority::default(),
        origin: String::new(),
    };
    let pdf = match desk.try_out(templates, &state.workers, organization, request).await {
        Ok(Rendering::Pdf(pdf)) => pdf,
        Ok(Rendering::Failed(why) | Rendering::Broke(why)) => return not(why),
        Ok(Rendering::Interrupted(why)) => {
            tracing::warn!(why, "the console has no answer of a test fill");
            return Err(Failure::Unavailable);
        }
        Err(fill::Error::Invalid(problems)) => {
            return not(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "));
        }
        Err(fill::Error::Template(error)) => return Err(error.into()),
        Err(fill::Error::TemplateGone) => return Err(Failure::NotFound),
        Err(error) => {
            tracing::warn!(%error, "the console has no answer of a test fill");
            return Err(Failure::Unavailable);
        }
    };
    if form.text("as") == "file" {
        return Ok(Tried::Pdf(pdf));
    }
    match state.filling.picture(organization, &pdf, page).await {
        Ok(png) => Ok(Tried::Png(png)),
        Err(error) => match problem(&error) {
            Some(words) => Ok(Tried::Not(words)),
            None => Err(not_filled(error)),
        },
    }
}

/// What it is to a reader that a test fill failed by nothing of theirs.
pub fn not_filled(error: filling::Error) -> Failure {
    match error {
        filling::Error::Catalogue(error) => error.into(),
        error => {
            tracing::warn!(%error, "the console has no answer of a test fill");
            Failure::Unavailable
        }
    }
}

/// A PDF of a test fill, to be saved and kept nowhere on the way.
pub fn file(id: &str, pdf: Bytes) -> HttpResponse {
    // An external id has letters, digits and underscores.
    let name = format!("attachment; filename=\"{id}.pdf\"");
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/pdf"))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(pdf)
}

#[cfg(test)]
mod tests {
    use workflows::values::Problem;

    use super::*;

    #[test]
    fn texts_keep_the_line_ends_that_they_had() {
        for (sent, stored, kept) in [
            ("a\r\nb", "a\nb", "a\nb"),
            ("a\r\nb", "a\r\nx\r\n", "a\r\nb"),
            ("a\r\nb", "a\r\nx\n", "a\nb"),
            ("a\nb", "", "a\nb"),
            ("", "a\r\n", ""),
        ] {
            assert_eq!(with_line_ends(sent, stored), kept, "{sent:?} after {stored:?}");
        }
    }

    #[test]
    fn problems_are_told_by_the_language_and_the_field_that_they_are_of() {
        let mut problems = Problems::default();
        for path in ["sources[1].template_part_name", "sources[0].structure", "sources[9].structure", "description"] {
            problems.note(path, "wrong");
        }
        let told = told(&problems, &[Language::En, Language::Undefined]);
        let places: Vec<&str> = told.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["template (undefined)", "JSON Schema (en)", "sources[9].structure", "description"]);
        let one = Problem { path: "sources".into(), message: "x".into() };
        assert_eq!(super::told(&one.into(), &[]), [("sources".to_owned(), "x".to_owned())]);
    }

    #[test]
    fn numbers_of_versions_and_languages_are_read_from_addresses() {
        assert_eq!(number("12.3"), Some(Number { major: 12, minor: 3 }));
        for nonsense in ["", "1", "1.", ".1", "1.2.3", "-1.0", "99999999999.0"] {
            assert_eq!(number(nonsense), None, "{nonsense}");
        }
        for (language, name) in LANGUAGES {
            assert_eq!((language_of(name), code(language)), (Some(language), name));
        }
        assert_eq!(language_of("ES"), None);
    }
}
