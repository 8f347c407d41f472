//! How a fill is asked for: room in the queue first, then its files, then its journal; it is answered when all of that is durable.

use bytes::Bytes;
use serde_json::Value;
use store::{Timestamp, blobs::Digest};
use uuid::Uuid;
use workflows::{
    Language,
    fill::{self, Command, Creation, Data, Priority, Template},
};

use super::Fills;
use crate::{
    catalogue::{
        self,
        documents::{self, Documents},
        sealed_files::SealedFiles,
    },
    fill_queue::Full,
    processes::Processes,
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

/// What asking needs.
pub struct Desk<'a> {
    pub processes: &'a Processes,
    pub documents: &'a Documents,
    pub files: &'a SealedFiles,
    pub fills: &'a Fills,
    pub wall_clock: Timestamp,
}

impl Desk<'_> {
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
