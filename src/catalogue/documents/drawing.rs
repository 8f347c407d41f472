//! Documents in the processes that draw.

use bytes::Bytes;
use documents::seal::Mask;
use render::worker::{self, Process};
use render::{Comparison, Skipped};
use store::blobs::Digest;

use super::{Document, Documents, Error};
use crate::catalogue::Error as CatalogueError;
use crate::cpu_pool::{self, Cutoff, File, Job};
use crate::render_workers;

impl Documents {
    /// As [`Documents::work_on`], in a process of those that draw; failures count against `file`.
    ///
    /// # Errors
    /// As [`Documents::bytes`]; what went wrong in the process, or with its turn, is the result within.
    pub async fn draw_on<T: Send + 'static>(
        &self,
        organization: &str,
        document: &Document,
        file: File,
        work: impl FnOnce(&mut Process, &[u8], &Cutoff) -> Result<T, worker::Error> + Send + 'static,
    ) -> Result<Result<T, render_workers::Error>, Error> {
        let turn = self.cpu.turn(Job::new(organization, document.size).on(file.digest, file.work)).await;
        let turn = match turn {
            Ok(turn) => turn,
            Err(error) => return Ok(Err(error.into())),
        };
        let bytes = self.bytes(organization, document).await?;
        Ok(self.drawing.run_in_turn(&turn, (organization, file), bytes, work).await)
    }

    /// Draws the pages of a document and of its seal, which begins with the document's `original` bytes, and compares them outside the masks:
    /// the second pair of eyes beside the seal's own check. What takes too much, or cannot be drawn, is left to that check alone.
    ///
    /// # Errors
    /// [`Error::Catalogue`] where there is no turn, or the processes that draw do not work.
    pub async fn compare(
        &self,
        organization: &str,
        digest: Digest,
        sealed: Bytes,
        original: usize,
        masks: &[Mask],
    ) -> Result<Comparison, Error> {
        let masks = masks.iter().map(|mask| render::Mask { page: mask.page, rect: mask.rect }).collect();
        let before = sealed.slice(..original.min(sealed.len()));
        match self.drawing.compare(organization, digest, before, sealed, masks).await {
            Ok(comparison) => Ok(comparison),
            Err(render_workers::Error::Exceeded(_) | render_workers::Error::Panicked) => Ok(Comparison::none(Skipped::Cost)),
            Err(render_workers::Error::Pool(cpu_pool::Error::SetAside(_))) => Ok(Comparison::none(Skipped::Cost)),
            Err(render_workers::Error::Pool(error)) => Err(error.into()),
            Err(render_workers::Error::Worker(error)) => Err(CatalogueError::Drawing(error.to_string()).into()),
        }
    }
}
