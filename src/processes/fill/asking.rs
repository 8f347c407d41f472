//! How a fill is asked for: room in the queue first, then its files, then its journal; it is answered when all of that is durable.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};
use store::{Timestamp, blobs::Digest};
use uuid::Uuid;
use workflows::{
    Language,
    fill::{self, Command, Creation, Data, Priority, Template},
    values::{self, Problems},
};

use super::{Fills, Renderer, Rendering};
use crate::{
    catalogue::{
        self,
        documents::{self, Documents},
        dynamic_templates::{DynamicTemplates, Schema, for_engine},
        names,
        sealed_files::SealedFiles,
    },
    cpu_pool::Job,
    fill_queue::Full,
    processes::{Processes, evidence::name_of},
};

/// What a fill is asked with. All of it is checked.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub template: Template,
    /// The schema that the data were held against.
    pub structure: Value,
    /// A JSON object.
    pub data: String,
    pub language: Language,
    /// Name of the document to produce.
    pub name: String,
    /// Its labels, without the one that names the template.
    pub tags: Vec<String>,
    pub priority: Priority,
    pub origin: String,
}

/// Why a fill was not taken.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Everything that is wrong with the request. Values of fields are not in it.
    #[error("the request cannot be filled")]
    Invalid(Problems),
    #[error(transparent)]
    Template(#[from] names::Error),
    /// Too many wait. Nothing was kept.
    #[error(transparent)]
    Full(#[from] Full),
    /// The template was deleted a moment ago.
    #[error("there is no such template")]
    TemplateGone,
    #[error(transparent)]
    Documents(documents::Error),
    #[error(transparent)]
    Files(#[from] catalogue::Error),
    #[error(transparent)]
    Process(#[from] actors::Error),
}

/// What a caller asks for, as it was sent.
#[derive(Clone, Debug)]
pub struct Request {
    /// External id of the template.
    pub template: String,
    /// Its major version, of which the latest minor is filled.
    pub major: u32,
    pub language: Language,
    /// Name of the document to produce; the external id of the template when left out (note fill-name).
    pub name: Option<String>,
    pub tags: Vec<String>,
    pub data: Map<String, Value>,
    pub priority: Priority,
    pub origin: String,
}

/// What asking needs.
pub struct Desk<'a> {
    pub processes: &'a Processes,
    pub documents: &'a Documents,
    pub files: &'a SealedFiles,
    pub fills: &'a Fills,
    pub wall_clock: Timestamp,
}

impl Desk<'_> {
    /// Checks a request against the latest minor version of its template, and takes it.
    ///
    /// # Errors
    /// [`Error`]; [`Error::Invalid`] with everything that is wrong, without values.
    pub async fn request(&self, templates: &DynamicTemplates, organization: &str, request: Request) -> Result<Uuid, Error> {
        let wanted = self.checked(templates, organization, request).await?;
        self.ask(organization, wanted).await
    }

    /// Checks a request as [`Desk::request`] does, and renders it at once, in the organization's turn: nothing is kept.
    ///
    /// # Errors
    /// [`Error`], as [`Desk::request`] where it is about the request or the template.
    pub async fn try_out(
        &self,
        templates: &DynamicTemplates,
        renderer: &dyn Renderer,
        organization: &str,
        request: Request,
    ) -> Result<Rendering, Error> {
        let wanted = self.checked(templates, organization, request).await?;
        let digest: Digest = wanted.template.digest.parse().map_err(|_| Error::TemplateGone)?;
        let template = self.documents.held_bytes(organization, &digest).await.map_err(|error| match error {
            documents::Error::Gone => Error::TemplateGone,
            error => Error::Documents(error),
        })?;
        let Wanted { language, structure, data, name, template: Template { engine, .. }, .. } = wanted;
        let job = html::Job {
            source: for_engine(language, &engine, template.to_vec(), structure),
            data: serde_json::from_str(&data).unwrap_or_default(),
            title: name,
            created: self.wall_clock.timestamp(),
        };
        Ok(renderer.render(organization, job).await)
    }

    /// What a request wants, held against the latest minor version of its template.
    async fn checked(&self, templates: &DynamicTemplates, organization: &str, request: Request) -> Result<Wanted, Error> {
        let numbering = templates.latest(organization, &request.template, request.major).await?;
        let version = &numbering.version;
        let mut problems = Problems::default();
        let source = version.source(request.language).ok_or_else(|| {
            let languages: Vec<_> = version.languages().iter().filter_map(name_of).collect();
            format!("version {} has no source in this language; it has {}", numbering.number, languages.join(", "))
        });
        let source = problems.take("language", source);
        let name = request.name.unwrap_or_else(|| request.template.clone());
        problems.take("document.name", values::check_document_name(&name));
        let tags = problems.take("document.tags", values::normalised_tags(&request.tags));
        let schema = templates.schema(organization, version).await?;
        let data = self.fitting(organization, schema.clone(), Value::Object(request.data), &mut problems).await?;
        let (Some(source), Some(tags), true) = (source, tags, problems.is_empty()) else { return Err(Error::Invalid(problems)) };
        let template = Template {
            external_id: request.template,
            major: numbering.number.major,
            minor: numbering.number.minor,
            digest: source.template.to_string(),
            engine: source.engine_version.clone(),
        };
        let structure = schema.structure().clone();
        let Request { language, priority, origin, .. } = request;
        Ok(Wanted { template, structure, data, language, name, tags, priority, origin })
    }

    /// Holds the data against the schema in the organization's turn, and answers them in JSON.
    async fn fitting(
        &self,
        organization: &str,
        schema: Arc<Schema>,
        data: Value,
        problems: &mut Problems,
    ) -> Result<String, Error> {
        let text = data.to_string();
        let job = Job::new(organization, text.len() as u64);
        let fits = self.documents.cpu().run(job, move |_| schema.check(&data)).await.map_err(catalogue::Error::from)?;
        for problem in fits.err().into_iter().flatten() {
            // `/PRODUCTS/1/PRICE: value is not of type "number"`
            let (place, message) = problem.split_once(": ").unwrap_or(("/", &problem));
            problems.note(format!("fields_values{}", place.trim_end_matches('/')), message);
        }
        Ok(text)
    }

    /// Takes a fill; the answer is its identifier. From then on it is filled whatever becomes of the template, of this server, or of the queue.
    ///
    /// # Errors
    /// [`Error`]. What was kept of it is given up, or is collected as orphans where nobody knows whether it was taken.
    pub async fn ask(&self, organization: &str, wanted: Wanted) -> Result<Uuid, Error> {
        let id = Uuid::now_v7();
        // Given back once it is in the queue, or is not to come.
        let _room = self.fills.queue.reserve(organization, id)?;
        let template: Digest = wanted.template.digest.parse().map_err(|_| Error::TemplateGone)?;
        self.documents.lend(organization, &template, self.wall_clock).await.map_err(|error| match error {
            documents::Error::Gone => Error::TemplateGone,
            error => Error::Documents(error),
        })?;
        let data = wanted.data;
        let kept = format!(r#"{{"structure":{},"data":{data}}}"#, wanted.structure);
        let file = self.files.put(organization, id, Bytes::from(kept), self.wall_clock).await?;
        let creation = Creation {
            template: wanted.template,
            language: wanted.language,
            name: wanted.name,
            tags: wanted.tags,
            priority: wanted.priority,
            origin: wanted.origin,
            data: Data { file: file.to_string(), size: data.len() as u64 },
        };
        match self.processes.fill.create(organization, id, Command::Create(Box::new(creation))).await {
            Ok(_) => Ok(id),
            Err(error @ (actors::Error::Refused(_) | actors::Error::Overloaded)) => {
                if let Err(error) = self.files.release(organization, id, &file, self.wall_clock).await {
                    tracing::warn!(%error, "the data of a fill that was not taken stay until they are collected");
                }
                Err(error.into())
            }
            // It may have been taken.
            Err(error) => Err(error.into()),
        }
    }
}

// The template's bytes outlive every fill: also one that was asked for just before they would have been lent again.
const _: () = assert!(fill::LIFE.num_minutes() + 30 < catalogue::LEASE.num_minutes());
