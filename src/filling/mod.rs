//! Fills forms and templates with values.
//!
//! What a fill prints is decided here: which sections apply, which form serves which language, which values go where ([`values`]). How it is
//! printed is the business of [`documents::forms`]. What depends on forms and templates alone is read once and kept ([`crate::cache`]), so that a
//! fill pays for its own values.
//!
//! Values are people's data: none is in a log or an error, which name fields only.

mod error;
mod metrics;
mod plan;
#[cfg(test)]
mod tests;
pub mod values;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bytes::Bytes;
use documents::forms::{self, Form, Mode, Picture};
use store::Store;
use store::blobs::{Blobs, Digest};
use uuid::Uuid;
use workflows::values::{Language, Owner, Problems};

pub use self::error::Error;
pub use self::metrics::Metrics;
use self::metrics::Operation;
use self::plan::{Plan, Source};
use self::values::{Value, Values};
use crate::cache::{Cache, Weighed};
use crate::catalogue::documents::{Document, Documents, Extension, Produced};
use crate::catalogue::editions::Number;
use crate::catalogue::forms::Forms;
use crate::catalogue::item::Act;
use crate::catalogue::names;
use crate::catalogue::sections::Sections;
use crate::catalogue::template_configurations::{Configurations, Images};
use crate::catalogue::templates::{Numbering, Templates};
use crate::cpu_pool::{Job, Work};
use crate::render_workers::{self, Workers};
use crate::room::{Room, Share};

/// Maximum number of pages of a result.
pub const MAX_PAGES: usize = 1000;

/// How often a template is looked up again that was deleted while it was read.
const ATTEMPTS: usize = 3;

/// How much is kept of what was read.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes of forms, pictures and templates that are kept in memory; with 0 everything is read for each fill.
    pub memory: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { memory: 128 * 1024 * 1024 }
    }
}

/// How a call spells the members that an error names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Members {
    pub values: &'static str,
    pub flags: &'static str,
}

impl Members {
    /// Of forms and templates.
    pub const CAMEL: Self = Self { values: "fieldsValues", flags: "flagsConditions" };
    /// Of contracts.
    pub const SNAKE: Self = Self { values: "fields_values", flags: "flags_conditions" };
}

/// What a template is filled with.
#[derive(Clone)]
pub struct Request {
    /// External id of the template.
    pub template: String,
    /// Its major version, the latest minor of which is used.
    pub major: u32,
    /// Language of the forms and of the configuration's values.
    pub language: Language,
    /// What switches sections with rules on, compared literally.
    pub flags: Vec<String>,
    /// Names of fields and their values.
    pub values: Vec<(String, String)>,
    /// Which characters are replaced.
    pub mode: Mode,
    /// Whether fields become plain content of the page.
    pub flatten: bool,
    /// For errors.
    pub members: Members,
}

/// What becomes of a stored result.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// Name of the document, checked; by default the external id of the template (note fill-name).
    pub name: Option<String>,
    /// Labels, as they are to be kept.
    pub tags: Vec<String>,
    /// Owner, if it is to be private.
    pub owner: Option<Owner>,
}

/// What a fill did not print as it was sent. Names of fields, no values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes {
    /// Fields that were sent and that the result does not have, in the order of their names.
    pub ignored: Vec<String>,
    /// For how many different characters of a field there is no glyph: `?` stands for them.
    pub replaced: Vec<(String, usize)>,
}

/// A field of the result that had to be called otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renamed {
    pub original: String,
    pub current: String,
}

/// A filled form.
#[derive(Clone, Debug)]
pub struct FilledForm {
    /// The result; it holds room in memory as long as it is there.
    pub pdf: Bytes,
    /// How many pages it has.
    pub pages: usize,
    /// External id of the form.
    pub form: String,
    pub notes: Notes,
}

/// A filled template.
#[derive(Clone, Debug)]
pub struct FilledTemplate {
    /// The result; it holds room in memory as long as it is there.
    pub pdf: Bytes,
    /// How many pages it has.
    pub pages: usize,
    /// External id of the template.
    pub template: String,
    /// The version that was filled.
    pub version: Number,
    /// Version of the configuration that was used; `None` where there is none.
    pub configuration: Option<u32>,
    /// Fields that are called otherwise than in the template, as two sections have one name; none when flattened.
    pub renamed: Vec<Renamed>,
    pub notes: Notes,
}

/// A page of a result as a picture.
#[derive(Clone, Debug)]
pub struct Preview<T> {
    /// What was filled.
    pub filled: T,
    /// The page as a PNG.
    pub png: Bytes,
}

/// What fills are made of. Cheap to clone.
#[derive(Clone)]
pub struct Sources {
    pub forms: Forms,
    pub sections: Sections,
    pub templates: Templates,
    pub configurations: Configurations,
    pub images: Images,
    pub documents: Documents,
    pub workers: Workers,
}

impl Sources {
    /// The catalogue of forms and templates beside that of documents, in the same store and with the same blobs; workers draw the previews.
    pub fn new(store: Arc<dyn Store>, blobs: &Blobs, documents: Documents, workers: Workers) -> Self {
        let forms = Forms::new(store.clone(), blobs.clone(), documents.clone());
        let sections = Sections::new(store.clone(), forms.clone());
        let templates = Templates::new(store.clone(), sections.clone());
        let images = Images::new(store.clone(), blobs.clone(), documents.cpu().clone());
        let configurations = Configurations::new(store, images.clone());
        Self { forms, sections, templates, configurations, images, documents, workers }
    }
}

/// Fills forms and templates of all organizations; a cheap handle.
#[derive(Clone)]
pub struct Filling(Arc<Shared>);

struct Shared {
    sources: Sources,
    forms: Cache<Digest, Form>,
    pictures: Cache<Uuid, Picture>,
    plans: Cache<Uuid, Plan>,
    results: Room,
    metrics: Metrics,
}

impl Weighed for Form {
    fn weight(&self) -> usize {
        Form::weight(self)
    }
}

impl Weighed for Picture {
    fn weight(&self) -> usize {
        Picture::weight(self)
    }
}

/// A result before it is known what of.
struct Printed {
    pdf: Bytes,
    pages: usize,
    renamed: Vec<Renamed>,
    notes: Notes,
}

/// How it is printed.
#[derive(Clone, Copy)]
struct Style {
    mode: Mode,
    flatten: bool,
    members: Members,
}

/// Bytes with their room in memory.
struct Held {
    bytes: Vec<u8>,
    _room: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Filling {
    pub fn new(sources: Sources, options: Options, metrics: Metrics) -> Self {
        let limits = sources.documents.options();
        let results = Room::new(limits.max_bytes_in_flight.max(2 * limits.max_bytes) as u64);
        let part = |sixteenths| options.memory / 16 * sixteenths;
        let caches = metrics.caches();
        Self(Arc::new(Shared {
            forms: Cache::new("forms", part(12), caches.clone()),
            pictures: Cache::new("pictures", part(3), caches.clone()),
            plans: Cache::new("templates", part(1), caches),
            sources,
            results,
            metrics,
        }))
    }

    /// Fills a form, which is named by its identifier or its external id, and flattens it. The configuration has no part in it.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn form(
        &self,
        organization: &str,
        form: &str,
        values: Vec<(String, String)>,
        mode: Mode,
    ) -> Result<FilledForm, Error> {
        self.0.metrics.measured(Operation::Form, self.0.form(organization, form, values, mode)).await
    }

    /// Fills a template.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn template(&self, organization: &str, request: Request) -> Result<FilledTemplate, Error> {
        self.0.metrics.measured(Operation::Template, self.0.template(organization, request)).await
    }

    /// Fills a template and stores the result as a document.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn to_document(
        &self,
        organization: &str,
        request: Request,
        target: Target,
        act: impl Into<Act<'_>>,
    ) -> Result<(Document, FilledTemplate), Error> {
        let act = act.into();
        let stored = async {
            let filled = self.0.template(organization, request).await?;
            let produced = Produced {
                id: Uuid::now_v7(),
                name: target.name.unwrap_or_else(|| filled.template.clone()),
                extension: Extension::Pdf,
                tags: target.tags,
                owner: target.owner,
                bytes: filled.pdf.clone(),
                comparison: None,
                owned_with: None,
            };
            let document = self.0.sources.documents.store_produced(organization, produced, act).await?;
            Ok((document, filled))
        };
        self.0.metrics.measured(Operation::Document, stored).await
    }

    /// As [`Filling::form`], with a page of the result as a picture; the first one is 0.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn preview_form(
        &self,
        organization: &str,
        form: &str,
        values: Vec<(String, String)>,
        mode: Mode,
        page: usize,
    ) -> Result<Preview<FilledForm>, Error> {
        let drawn = async {
            let filled = self.0.form(organization, form, values, mode).await?;
            let png = self.0.draw(organization, &filled.pdf, page).await?;
            Ok(Preview { filled, png })
        };
        self.0.metrics.measured(Operation::Preview, drawn).await
    }

    /// As [`Filling::template`], with a page of the result as a picture; the first one is 0.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn preview_template(
        &self,
        organization: &str,
        request: Request,
        page: usize,
    ) -> Result<Preview<FilledTemplate>, Error> {
        let drawn = async {
            let filled = self.0.template(organization, request).await?;
            let png = self.0.draw(organization, &filled.pdf, page).await?;
            Ok(Preview { filled, png })
        };
        self.0.metrics.measured(Operation::Preview, drawn).await
    }

    /// A page of a PDF that was made by other means, as a picture.
    ///
    /// # Errors
    /// [`Error::Page`] for a page that is not there or cannot be drawn; where there is no turn.
    pub async fn picture(&self, organization: &str, pdf: &Bytes, page: usize) -> Result<Bytes, Error> {
        self.0.draw(organization, pdf, page).await
    }
}

impl Shared {
    async fn form(&self, organization: &str, form: &str, values: Vec<(String, String)>, mode: Mode) -> Result<FilledForm, Error> {
        let style = Style { mode, flatten: true, members: Members::CAMEL };
        let values = Values::of_call(values, style.members)?;
        let form = self.sources.forms.find(organization, form).await?.item.value;
        let printed = self.print(organization, &[Source::of(&form)], values, style).await?;
        let Printed { pdf, pages, notes, .. } = printed;
        Ok(FilledForm { pdf, pages, form: form.external_id, notes })
    }

    async fn template(&self, organization: &str, request: Request) -> Result<FilledTemplate, Error> {
        let Request { template, major, language, flags, values, mode, flatten, members } = request;
        let values = Values::of_call(values, members)?;
        values::check_flags(&flags, members)?;
        let (version, plan) = self.plan(organization, &template, major).await?;
        let sources = plan.sources(&flags, language);
        if sources.is_empty() {
            let mut problems = Problems::default();
            let message = "each section of this version has a rule, and none is met by these flags, so nothing would be printed; send the \
                           conditions of those that are wanted";
            problems.note(members.flags, message);
            return Err(problems.into());
        }
        let configuration = self.sources.configurations.latest(organization).await?;
        let values = match &configuration {
            Some((_, configuration)) => values.over(configuration, language),
            None => values,
        };
        let printed = self.print(organization, &sources, values, Style { mode, flatten, members }).await?;
        let Printed { pdf, pages, renamed, notes } = printed;
        let configuration = configuration.map(|(number, _)| number);
        Ok(FilledTemplate { pdf, pages, template, version, configuration, renamed, notes })
    }

    /// The latest minor of a template's major, with its sections and their forms.
    async fn plan(&self, organization: &str, template: &str, major: u32) -> Result<(Number, Arc<Plan>), Error> {
        let mut broken = None;
        for _ in 0..ATTEMPTS {
            let Numbering { number, version, .. } = self.sources.templates.latest(organization, template, major).await?;
            if broken == Some(version.id) {
                return Err(Error::Inconsistent(format!("a section or form of {organization}/template/{template} {number}")));
            }
            let id = version.id;
            match self.plans.get(organization, id, async || Plan::read(&self.sources, organization, version).await).await {
                Ok(plan) => return Ok((number, plan)),
                // What a version uses stays as long as it does: this one was deleted after it was read.
                Err(names::Error::NotFound(_) | names::Error::Gone(_)) => broken = Some(id),
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Busy)
    }

    async fn print(&self, organization: &str, sources: &[Source], mut values: Values, style: Style) -> Result<Printed, Error> {
        let limit = self.sources.documents.options().max_bytes;
        let size: u64 = sources.iter().map(|source| source.size).sum();
        if size > limit as u64 {
            return Err(Error::too_large(format!("the forms have {size} bytes together, and a result may have {limit}")));
        }
        let mut forms = Vec::with_capacity(sources.len());
        for source in sources {
            forms.push(self.read(organization, source).await?);
        }
        let pages: usize = forms.iter().map(|form| form.pages()).sum();
        if pages > MAX_PAGES {
            return Err(Error::too_large(format!("the result would have {pages} pages, and it may have {MAX_PAGES}")));
        }
        let fields: HashSet<&str> = forms.iter().flat_map(|form| form.fields()).map(|field| field.name.as_str()).collect();
        values.keep_known(&fields);
        let of_pictures = forms.iter().flat_map(|form| form.fields()).filter(|field| !field.kind.is_fillable());
        values.leave_empty(&of_pictures.map(|field| field.name.as_str()).collect());
        let mut pictures = HashMap::new();
        for id in values.images() {
            pictures.insert(id, self.picture(organization, id).await?);
        }

        let job = Job::new(organization, size + values.size() as u64).on(digest_of(sources, &values), Work::Fill);
        let turn = self.sources.documents.cpu().turn(job).await?;
        let values = Arc::new(values);
        let filled = turn.run({
            let values = values.clone();
            let options = forms::Options { mode: style.mode, flatten: style.flatten };
            move |_| {
                let given = values.iter().map(|(name, value)| (name, given(value, &pictures))).collect();
                forms::fill(&forms, &given, options)
            }
        });
        let filled = filled.await?.map_err(|error| error::of_fill(&error, &values, style.members))?;
        if filled.pdf.len() > limit {
            return Err(Error::too_large(format!("the result has {} bytes, and it may have {limit}", filled.pdf.len())));
        }
        let mut room = self.results.share(organization);
        room.take(filled.pdf.len() as u64)?;
        let notes = notes(&filled);
        self.metrics.note(&notes);
        if notes != Notes::default() {
            let (ignored, replaced) = (notes.ignored.len(), notes.replaced.len());
            tracing::debug!(organization, ignored, replaced, "values went nowhere, or fields lack characters");
        }
        let renamed = filled.renamed.into_iter().map(|renamed| Renamed { original: renamed.original, current: renamed.current });
        let renamed = renamed.collect();
        let pdf = Bytes::from_owner(Held { bytes: filled.pdf, _room: room });
        Ok(Printed { pdf, pages: filled.pages, renamed, notes })
    }

    /// A form, read once for all its fills.
    async fn read(&self, organization: &str, source: &Source) -> Result<Arc<Form>, Error> {
        let read = async || {
            let job = Job::new(organization, source.size).on(source.digest, Work::Read);
            let turn = self.sources.documents.cpu().turn(job).await?;
            let form = self.sources.forms.get(organization, &source.form).await?.item.value;
            if form.id != source.id {
                return Err(names::Error::Gone("form".into()).into());
            }
            let bytes = self.sources.forms.bytes(organization, &form).await?;
            let read = turn.run(move |_| Form::read(&bytes)).await?;
            read.map_err(|error| Error::Form { form: source.form.clone(), reason: error.to_string() })
        };
        self.forms.get(organization, source.digest, read).await
    }

    /// An image of the configuration, read once for all fills.
    async fn picture(&self, organization: &str, id: Uuid) -> Result<Arc<Picture>, Error> {
        let read = async || {
            let bytes = self.sources.images.bytes(organization, id).await?;
            let job = Job::new(organization, bytes.len() as u64).on(Digest::of(&bytes), Work::Read);
            let read = self.sources.documents.cpu().run(job, move |_| Picture::read(&bytes)).await?;
            read.map_err(|error| Error::Image { id, reason: error.to_string() })
        };
        self.pictures.get(organization, id, read).await
    }

    async fn draw(&self, organization: &str, pdf: &Bytes, page: usize) -> Result<Bytes, Error> {
        match self.sources.workers.draw(organization, Digest::of(pdf), pdf.clone(), page).await {
            Ok(Ok(picture)) => Ok(picture.png.into()),
            Ok(Err(reason)) => Err(Error::Page(reason.to_string())),
            Err(error @ (render_workers::Error::Exceeded(_) | render_workers::Error::Panicked)) => {
                Err(Error::Page(error.to_string()))
            }
            Err(render_workers::Error::Pool(error)) => Err(error.into()),
            Err(error @ render_workers::Error::Worker(_)) => Err(Error::Drawing(error.to_string())),
        }
    }
}

fn given<'a>(value: &'a Value, pictures: &'a HashMap<Uuid, Arc<Picture>>) -> forms::Value<'a> {
    match value {
        Value::Text(text) => forms::Value::Text(text),
        // All images were read; one that was not is as good as none.
        Value::Image(id) => pictures.get(id).map_or(forms::Value::Text(""), |picture| forms::Value::Picture(picture)),
    }
}

/// Names the work: the same forms and values are the same work.
fn digest_of(sources: &[Source], values: &Values) -> Digest {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    let mut bytes: Vec<u8> = Vec::with_capacity(values.size() + 64 * sources.len());
    for source in sources {
        bytes.extend(source.digest.to_string().bytes());
    }
    for (name, value) in sorted {
        for part in [name.as_bytes(), if let Value::Text(text) = value { text.as_bytes() } else { b"" }] {
            bytes.extend((part.len() as u64).to_le_bytes());
            bytes.extend(part);
        }
    }
    Digest::of(&bytes)
}

fn notes(filled: &forms::Filled) -> Notes {
    let mut ignored = filled.unknown.clone();
    ignored.sort_unstable();
    let replaced = filled.replaced.iter().map(|replaced| (replaced.field.clone(), replaced.characters.len()));
    Notes { ignored, replaced: replaced.collect() }
}
