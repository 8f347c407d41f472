//! HTML templates through these processes: checked when they are uploaded, rendered when they are filled.

use std::time::Instant;

use render::worker::{self, Limit, Process};
use store::blobs::Digest;

use super::Workers;
use crate::cpu_pool::{self, Cutoff, File, Work};

/// Why nothing was checked or rendered: nothing that the template's own check tells. No value of the data is in it.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    /// There was no turn.
    #[error(transparent)]
    Pool(cpu_pool::Error),
    /// The same template with the same data went beyond the bounds twice.
    #[error(
        "rendering this template with these data went beyond the time or the memory that there is for it twice, and is not tried again for an \
         hour; simplify the template, or fill it with less data"
    )]
    SetAside,
    /// The template, or what its data make of it, wants more than there is for one.
    #[error("rendering the template takes more than {0}; simplify it, or fill it with less data")]
    Exceeded(Limit),
    /// The engine broke on the template.
    #[error("the engine cannot render this template with these data")]
    Panicked,
    /// The process ended or could not be started; that is not the template's fault.
    #[error(transparent)]
    Worker(worker::Error),
}

impl TemplateError {
    /// Whether the same may work a little later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Pool(error) => error.is_transient(),
            Self::Worker(_) => true,
            Self::SetAside | Self::Exceeded(_) | Self::Panicked => false,
        }
    }
}

impl From<cpu_pool::Error> for TemplateError {
    fn from(error: cpu_pool::Error) -> Self {
        match error {
            cpu_pool::Error::SetAside(_) => Self::SetAside,
            error => Self::Pool(error),
        }
    }
}

impl From<worker::Error> for TemplateError {
    fn from(error: worker::Error) -> Self {
        match error {
            worker::Error::Exceeded(limit) => Self::Exceeded(limit),
            worker::Error::Panicked => Self::Panicked,
            // By the pool, which tells the caller itself unless nobody is there any more.
            worker::Error::CutOff => Self::Pool(cpu_pool::Error::Closed),
            error => Self::Worker(error),
        }
    }
}

impl Workers {
    /// Says what is wrong with a template, in the organization's turn: limits, syntax, and one rendering with what its schema says of the
    /// data.
    ///
    /// # Errors
    /// [`TemplateError`]. [`TemplateError::Exceeded`] and [`TemplateError::Panicked`] count against the template: the third time it is
    /// [`TemplateError::SetAside`], at once.
    pub async fn check_html(
        &self,
        organization: &str,
        source: html::Source,
    ) -> Result<Result<(), Vec<html::Problem>>, TemplateError> {
        let (structure, target) = (source.structure.to_string(), target(source.target));
        let (file, bytes) = of(&[b"check", &source.template, structure.as_bytes(), target.as_bytes()]);
        self.timed(organization, "check", file, bytes, move |process, cutoff| process.check_html(&source, || cutoff.is_reached()))
            .await
    }

    /// Makes the PDF of a template and its data, in the organization's turn.
    ///
    /// # Errors
    /// As [`Workers::check_html`], for this template with these data; what they themselves are to blame for is the result within.
    pub async fn render_html(
        &self,
        organization: &str,
        job: html::Job,
    ) -> Result<Result<html::Pdf, html::Failure>, TemplateError> {
        let (structure, data, target) = (job.source.structure.to_string(), job.data.to_string(), target(job.source.target));
        let language = job.source.language.as_bytes();
        let parts: [&[u8]; 6] =
            [b"render", &job.source.template, structure.as_bytes(), target.as_bytes(), language, data.as_bytes()];
        let (file, bytes) = of(&parts);
        self.timed(organization, "render", file, bytes, move |process, cutoff| process.render_html(&job, || cutoff.is_reached()))
            .await
    }

    /// Work on a template in a process of those for templates, whose time is measured under the name.
    async fn timed<T: Send + 'static>(
        &self,
        organization: &str,
        name: &'static str,
        file: File,
        bytes: u64,
        work: impl FnOnce(&mut Process, &Cutoff) -> Result<T, worker::Error> + Send + 'static,
    ) -> Result<T, TemplateError> {
        let seconds = self.0.html_seconds.with_label_values(&[name]);
        let timed = move |process: &mut Process, cutoff: &Cutoff| {
            let began = Instant::now();
            let worked = work(process, cutoff);
            seconds.observe(began.elapsed().as_secs_f64());
            worked
        };
        Ok(self.run_in(|shared| &shared.templates, organization, bytes, file, timed).await??)
    }
}

/// As a part of what work is about.
fn target(html::Target { engine, profile }: html::Target) -> String {
    format!("{engine:?} {profile:?}")
}

/// What failures count against: all that the work is about, in the order of `parts`. And its bytes.
fn of(parts: &[&[u8]]) -> (File, u64) {
    let digests: Vec<u8> = parts.iter().flat_map(|part| *Digest::of(part).as_bytes()).collect();
    let bytes = parts.iter().map(|part| part.len() as u64).sum();
    (File { digest: Digest::of(&digests), work: Work::Template }, bytes)
}
