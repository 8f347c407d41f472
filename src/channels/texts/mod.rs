//! What the messages say, in the languages of the contract, from handlebars templates that a tenant can replace.
//!
//! The output is plain text, so nothing is escaped as HTML. What comes from outside (names of people, tenants and
//! documents) is cleaned first: it can add neither lines nor headers nor invisible characters, and it is cut to a length.
//! A code stands in the text of a message only, never in its subject, which mail servers log.

mod clean;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use handlebars::{Handlebars, RenderError};
use serde::Deserialize;
use serde_json::json;
use store::Timestamp;

use super::{Channel, Language, Secret};
use clean::{cleaned, gsm};

/// Maximum size of a template file, in bytes.
const MAX_FILE: u64 = 16 * 1024;

/// Maximum number of template files of all organizations together.
const MAX_FILES: usize = 20_000;

/// Lengths of names in characters: with these, a short text with a code fits into one SMS of 160 characters.
const SHORT_DOCUMENT: usize = 36;
const SHORT_TENANT: usize = 24;
const LONG_NAME: usize = 120;

/// Maximum number of documents named in a mail; of the others it says how many they are.
const LISTED_DOCUMENTS: usize = 20;

/// Texts of messages.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Folder with an organization's own texts: `{folder}/{organization}/{kind}.{language}.hbs`, with the kinds `otp_code`,
    /// `sign_request` and `certified` for mails, the same with `_short` for SMS and WhatsApp, and the languages es, en, ca,
    /// eu, gl, de. The file of a mail begins with a line `Subject: ...` and a blank one. Read and tried at start.
    pub folder: Option<PathBuf>,
    /// Language of people without one, where an organization's is not ES, e.g. `{ "my-organization" = "CA" }`.
    pub languages: BTreeMap<String, Language>,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    OtpCode,
    SignRequest,
    Certified,
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::OtpCode, Kind::SignRequest, Kind::Certified];

    /// The name in file names, metrics and gateway bodies.
    pub fn name(self) -> &'static str {
        match self {
            Kind::OtpCode => "otp_code",
            Kind::SignRequest => "sign_request",
            Kind::Certified => "certified",
        }
    }
}

/// A mail has a subject and room; everything else is one short line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Mail,
    Short,
}

impl Form {
    fn of(channel: Channel) -> Self {
        match channel {
            Channel::Email => Form::Mail,
            Channel::Sms | Channel::Whatsapp => Form::Short,
        }
    }

    fn suffix(self) -> &'static str {
        match self {
            Form::Mail => "",
            Form::Short => "_short",
        }
    }
}

/// What a text is made of. Values may come from anywhere: they are cleaned here.
#[derive(Clone, Debug)]
pub struct Data {
    /// Who asks, in words people know.
    pub tenant: String,
    /// Name of the person written to.
    pub signer: Option<String>,
    /// Names of the documents. May be empty for a code that identifies without signing, for nothing else.
    pub documents: Vec<String>,
    pub content: Content,
}

/// What a message of each kind says besides.
#[derive(Clone, Debug)]
pub enum Content {
    OtpCode {
        code: Secret,
        /// How long the code is valid, in minutes.
        minutes: u32,
        /// Host name of the page on which the code is typed: an SMS then ends in a line that binds the code to it
        /// (`@host #code`, the origin-bound one-time code format of WICG), so that browsers offer it there only.
        domain: Option<String>,
    },
    SignRequest {
        link: String,
        until: Option<Timestamp>,
    },
    Certified {
        link: Option<String>,
        until: Option<Timestamp>,
    },
}

impl Content {
    pub fn kind(&self) -> Kind {
        match self {
            Content::OtpCode { .. } => Kind::OtpCode,
            Content::SignRequest { .. } => Kind::SignRequest,
            Content::Certified { .. } => Kind::Certified,
        }
    }
}

/// A text that is ready to send. It may hold a code, so it has no `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The language it is in; never [`Language::Undefined`].
    pub language: Language,
    /// Empty for a channel without subjects.
    pub subject: String,
    pub text: String,
}

/// A text as it would go out.
pub struct Preview {
    pub kind: Kind,
    /// E-mail, or SMS for all short texts.
    pub channel: Channel,
    /// Whether the organization has replaced the server's.
    pub is_own: bool,
    pub rendered: Rendered,
}

/// What is wrong with a text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot read {}: {source}", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    /// A file that would never be used, most likely a slip in its name.
    #[error("{}: {problem}", path.display())]
    File { path: PathBuf, problem: String },
    /// Found at start, with sample data.
    #[error("{file}, line {line}: {problem}")]
    Template { file: String, line: usize, problem: String },
    /// Found with real data, which must not get into an error.
    #[error("{file}, line {line}: the text cannot be rendered")]
    Render { file: String, line: usize },
}

/// All texts, compiled.
pub struct Texts {
    registry: Handlebars<'static>,
    /// By name in the registry; those of an organization have its name before a slash.
    sources: BTreeMap<String, Source>,
    languages: BTreeMap<String, Language>,
}

/// Where a template is from, for messages to the operator.
struct Source {
    kind: Kind,
    form: Form,
    file: String,
    /// Lines of the file before the body.
    lines_before: usize,
}

impl Texts {
    /// Compiles the embedded texts and those of the organizations.
    ///
    /// # Errors
    /// A file that cannot be read, has a name that means nothing, is too long, or is no template.
    pub fn load(options: &Options) -> Result<Self, Error> {
        let mut registry = Handlebars::new();
        registry.register_escape_fn(handlebars::no_escape);
        registry.set_strict_mode(true);
        // It would write what a template gives it, a code maybe, into the log.
        registry.unregister_helper("log");
        let mut texts = Self { registry, sources: BTreeMap::new(), languages: options.languages.clone() };
        for (name, content) in EMBEDDED {
            texts.add("", name, content, (*name).to_owned())?;
        }
        if let Some(folder) = &options.folder {
            texts.load_folder(folder)?;
        }
        Ok(texts)
    }

    fn load_folder(&mut self, folder: &Path) -> Result<(), Error> {
        for organization in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
            let Some(name) = organization.file_name().and_then(|name| name.to_str()) else {
                return Err(Error::File { path: organization, problem: "the name is not UTF-8".into() });
            };
            for path in entries(&organization)? {
                self.load_file(name, &path)?;
            }
        }
        Ok(())
    }

    fn load_file(&mut self, organization: &str, path: &Path) -> Result<(), Error> {
        let wrong = |problem: &str| Error::File { path: path.to_owned(), problem: problem.to_owned() };
        let unread = |source| Error::Read { path: path.to_owned(), source };
        if self.sources.len() >= MAX_FILES {
            return Err(wrong("there are too many texts"));
        }
        if fs::metadata(path).map_err(unread)?.len() > MAX_FILE {
            return Err(wrong("the file is longer than 16 KiB"));
        }
        let content = fs::read_to_string(path).map_err(unread)?;
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        self.add(organization, name, &content, path.display().to_string())
    }

    fn add(&mut self, organization: &str, name: &str, content: &str, file: String) -> Result<(), Error> {
        let Some((kind, form, language)) = parse_name(name) else {
            let problem = "the name is not {kind}.{language}.hbs with a known kind and language".to_owned();
            return Err(Error::File { path: file.into(), problem });
        };
        let (subject, body, lines_before) = match split_subject(content) {
            (Some(subject), body, lines) => (subject, body, lines),
            (None, body, lines) => ("", body, lines),
        };
        if subject.is_empty() != (form == Form::Short) {
            let problem = "a mail begins with `Subject: ...` and a blank line, a short text does not".to_owned();
            return Err(Error::Template { file, line: 1, problem });
        }
        let id = template_id(organization, kind, form, language);
        for (part, source, offset) in [("subject", subject, 0), ("body", body, lines_before)] {
            self.registry.register_template_string(&format!("{id}#{part}"), source).map_err(|error| Error::Template {
                file: file.clone(),
                line: error.pos().map_or(1, |(line, _)| line) + offset,
                problem: error.reason().to_string(),
            })?;
        }
        self.sources.insert(id, Source { kind, form, file, lines_before });
        Ok(())
    }

    /// Renders every text with sample data, once with everything that may be missing and once without.
    ///
    /// # Errors
    /// The first text that fails, leaves out its code or link, or has a code in its subject, with file and line.
    pub fn check(&self) -> Result<(), Error> {
        for (id, source) in &self.sources {
            for data in samples(source.kind) {
                let channel = if source.form == Form::Mail { Channel::Email } else { Channel::Sms };
                let problem = match self.render_template(id, channel, &data) {
                    Err((error, offset)) => {
                        let line = error.line_no.unwrap_or(1) + offset;
                        return Err(Error::Template { file: source.file.clone(), line, problem: error.reason().to_string() });
                    }
                    Ok((subject, text)) => lacking(source, &subject, &text),
                };
                if let Some(problem) = problem {
                    return Err(Error::Template { file: source.file.clone(), line: 1, problem: problem.to_owned() });
                }
            }
        }
        Ok(())
    }

    /// The text for one message, in `language` or, where that is [`Language::Undefined`], the organization's, or else ES.
    ///
    /// # Errors
    /// [`Error::Render`] for an organization's own text that does not work with this data.
    pub fn render(&self, organization: &str, channel: Channel, language: Language, data: &Data) -> Result<Rendered, Error> {
        let language = self.language(organization, language);
        let (kind, form) = (data.content.kind(), Form::of(channel));
        let own = template_id(organization, kind, form, language);
        let id = if self.sources.contains_key(&own) { own } else { template_id("", kind, form, language) };
        let (subject, text) = self.render_template(&id, channel, data).map_err(|(error, offset)| Error::Render {
            file: self.sources.get(&id).map_or_else(|| id.clone(), |source| source.file.clone()),
            line: error.line_no.unwrap_or(1) + offset,
        })?;
        Ok(Rendered { language, subject, text })
    }

    /// All texts of an organization in a language, with sample data, as they would go out.
    ///
    /// # Errors
    /// As [`Texts::render`].
    pub fn previews(&self, organization: &str, tenant: &str, language: Language) -> Result<Vec<Preview>, Error> {
        let language = self.language(organization, language);
        let mut previews = Vec::with_capacity(2 * Kind::ALL.len());
        for kind in Kind::ALL {
            for channel in [Channel::Email, Channel::Sms] {
                let own = template_id(organization, kind, Form::of(channel), language);
                let is_own = !organization.is_empty() && self.sources.contains_key(&own);
                let rendered = self.render(organization, channel, language, &preview_data(kind, tenant))?;
                previews.push(Preview { kind, channel, is_own, rendered });
            }
        }
        Ok(previews)
    }

    /// The language in which a person with `language` is written to: never [`Language::Undefined`].
    pub fn language(&self, organization: &str, language: Language) -> Language {
        let default = || self.languages.get(organization).copied().filter(|&l| l != Language::Undefined).unwrap_or(Language::Es);
        if language == Language::Undefined { default() } else { language }
    }

    /// Subject and text, or the error and the lines before the part that it is in.
    fn render_template(&self, id: &str, channel: Channel, data: &Data) -> Result<(String, String), (RenderError, usize)> {
        let values = values(channel, data);
        let lines_before = self.sources.get(id).map_or(0, |source| source.lines_before);
        let subject = self.registry.render(&format!("{id}#subject"), &values).map_err(|error| (error, 0))?;
        let text = self.registry.render(&format!("{id}#body"), &values).map_err(|error| (error, lines_before))?;
        let text = text.trim_end();
        let text = if Form::of(channel) == Form::Mail { format!("{text}\n") } else { text.to_owned() };
        // The template's own subject is one line already; its values are cleaned.
        Ok((subject.trim().to_owned(), text))
    }
}

/// What a text must hold and does not, or holds and must not.
fn lacking(source: &Source, subject: &str, text: &str) -> Option<&'static str> {
    match source.kind {
        Kind::OtpCode if !text.contains(SAMPLE_CODE) => Some("the text has no {{code}}"),
        Kind::OtpCode if subject.contains(SAMPLE_CODE) => Some("a code must not be in the subject"),
        Kind::SignRequest if !text.contains(SAMPLE_LINK) => Some("the text has no {{link}}"),
        _ if source.form == Form::Mail && subject.is_empty() => Some("the subject is empty"),
        _ => None,
    }
}

/// The values of a template, cleaned.
fn values(channel: Channel, data: &Data) -> serde_json::Value {
    let short = Form::of(channel) == Form::Short;
    let name = |name: &str, longest: usize| match short {
        true => cleaned(&gsm::folded(name), longest),
        false => cleaned(name, LONG_NAME),
    };
    let listed = if short { 1 } else { LISTED_DOCUMENTS };
    let documents: Vec<String> = data.documents.iter().take(listed).map(|document| name(document, SHORT_DOCUMENT)).collect();
    let mut values = json!({
        "tenant": name(&data.tenant, SHORT_TENANT),
        "signer": data.signer.as_deref().map(|signer| name(signer, SHORT_TENANT)),
        "document": documents.first(),
        "more": data.documents.len().saturating_sub(listed),
        "documents": documents,
    });
    match &data.content {
        Content::OtpCode { code, minutes, domain } => {
            // Only an SMS is read by the browser that asks for the code.
            let domain = domain.as_deref().filter(|host| channel == Channel::Sms && is_host(host));
            values["code"] = json!(cleaned(code.expose(), LONG_NAME));
            values["minutes"] = json!(minutes);
            values["domain"] = json!(domain);
        }
        Content::SignRequest { link, until } => {
            values["link"] = json!(one_line(link));
            values["until"] = json!(until.map(moment));
        }
        Content::Certified { link, until } => {
            values["link"] = json!(link.as_deref().map(one_line));
            values["until"] = json!(until.map(moment));
        }
    }
    values
}

/// A link as it is, but for what could end its line.
fn one_line(link: &str) -> String {
    link.chars().filter(|c| !c.is_control() && !c.is_whitespace()).collect()
}

/// With its zone, as a time without one is no time.
fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%d %H:%M UTC").to_string()
}

fn is_host(host: &str) -> bool {
    !host.is_empty() && host.len() <= 253 && host.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-')
}

fn template_id(organization: &str, kind: Kind, form: Form, language: Language) -> String {
    format!("{organization}/{}{}.{}", kind.name(), form.suffix(), language.code())
}

const LANGUAGES: [Language; 6] = [Language::Es, Language::En, Language::Ca, Language::Eu, Language::Gl, Language::De];

fn parse_name(name: &str) -> Option<(Kind, Form, Language)> {
    let (stem, language) = name.strip_suffix(".hbs")?.split_once('.')?;
    let language = LANGUAGES.into_iter().find(|&known| known.code() == language)?;
    let (stem, form) = match stem.strip_suffix(Form::Short.suffix()) {
        Some(stem) => (stem, Form::Short),
        None => (stem, Form::Mail),
    };
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == stem)?;
    Some((kind, form, language))
}

/// The subject's template, the body's, and how many lines of the file stand before the body.
fn split_subject(content: &str) -> (Option<&str>, &str, usize) {
    let Some(rest) = content.strip_prefix("Subject:") else { return (None, content, 0) };
    let (subject, body) = rest.split_once('\n').unwrap_or((rest, ""));
    let stripped = body.trim_start_matches(['\r', '\n']);
    let blank_lines = body[..body.len() - stripped.len()].matches('\n').count();
    (Some(subject.trim()), stripped, 1 + blank_lines)
}

/// The entries of a folder in order of their names, without hidden ones.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let unread = |source| Error::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

const SAMPLE_CODE: &str = "94736152";
const SAMPLE_LINK: &str = "https://sign.example.org/s/1";

/// Sample data with everything, and with as little as there can be.
fn samples(kind: Kind) -> [Data; 2] {
    let until = Timestamp::from_timestamp(1_800_000_000, 0);
    let (full, least) = match kind {
        Kind::OtpCode => (
            Content::OtpCode { code: Secret::new(SAMPLE_CODE), minutes: 10, domain: None },
            Content::OtpCode { code: Secret::new(SAMPLE_CODE), minutes: 5, domain: None },
        ),
        Kind::SignRequest => (
            Content::SignRequest { link: SAMPLE_LINK.into(), until },
            Content::SignRequest { link: SAMPLE_LINK.into(), until: None },
        ),
        Kind::Certified => {
            (Content::Certified { link: Some(SAMPLE_LINK.into()), until }, Content::Certified { link: None, until: None })
        }
    };
    let documents = vec!["Contrato de arrendamiento de la vivienda número 7.pdf".to_owned(); LISTED_DOCUMENTS + 12];
    let full =
        Data {
            tenant: "Gestoría Núñez y Compañía, S. L.".into(), signer: Some("Ana Núñez".into()), documents, content: full
        };
    let documents = if kind == Kind::OtpCode { Vec::new() } else { vec!["a.pdf".to_owned()] };
    [full, Data { tenant: "A".into(), signer: None, documents, content: least }]
}

/// Sample data for people to look at.
fn preview_data(kind: Kind, tenant: &str) -> Data {
    let until = Timestamp::from_timestamp(1_800_000_000, 0);
    let content = match kind {
        Kind::OtpCode => Content::OtpCode { code: Secret::new(SAMPLE_CODE), minutes: 10, domain: None },
        Kind::SignRequest => Content::SignRequest { link: SAMPLE_LINK.into(), until },
        Kind::Certified => Content::Certified { link: Some(SAMPLE_LINK.into()), until },
    };
    let documents = ["contract.pdf", "annex.pdf"].map(str::to_owned).into();
    Data { tenant: tenant.to_owned(), signer: Some("Ana Núñez".into()), documents, content }
}

macro_rules! embedded {
    ($($kind:literal),*) => {
        &[$(embedded!(@ $kind "es"), embedded!(@ $kind "en"), embedded!(@ $kind "ca"),
            embedded!(@ $kind "eu"), embedded!(@ $kind "gl"), embedded!(@ $kind "de")),*]
    };
    (@ $kind:literal $language:literal) => {
        (concat!($kind, ".", $language, ".hbs"), include_str!(concat!($kind, ".", $language, ".hbs")))
    };
}

/// The texts that come with the server, by file name.
const EMBEDDED: &[(&str, &str)] =
    embedded!("otp_code", "otp_code_short", "sign_request", "sign_request_short", "certified", "certified_short");

#[cfg(test)]
mod tests;
