//! Pages of documents for people who read them in a browser: images and text, made by the processes that draw, kept for a while.
//!
//! Each page is a job of its own in the organization's turn. What is kept is bounded in bytes, fair between organizations, and goes by the
//! digest of the document, so it is never that of other bytes. Whoever asks has been let in before: nothing here knows a credential.

use std::sync::Arc;

use bytes::Bytes;
use prometheus::{IntCounterVec, IntGaugeVec, Opts, Registry};
use render::{MAX_COUNT, MediaType, Pages, Undrawn, Width, worker};
use store::blobs::Digest;

use crate::{
    cache::{self, Cache, Weighed},
    catalogue::{
        self,
        documents::{self, Document, Documents, Extension},
    },
    cpu_pool::{self, File, Work},
    render_workers,
};

/// Bytes of images and text that are kept, of all organizations together.
const CAPACITY: usize = 64 << 20;

/// Pages whose text is told at once, at most.
pub const MAX_PAGES: usize = MAX_COUNT;

/// Changes whenever the same page of the same document would be drawn or read otherwise: a part of what browsers keep it by.
pub const EDITION: u32 = 1;

/// Why a page is not shown. The words are for the reader, whom they tell what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the document has no such page: expected a number from 0 to {}", .pages.saturating_sub(1))]
    NoSuchPage { pages: usize },
    #[error("only pages of PDFs are shown; download the document to read it")]
    NotAPdf,
    #[error("the document cannot be shown here, as where it needs a password; download the document to read it")]
    Document,
    #[error("page {0} cannot be shown here; download the document to read it")]
    Page(usize),
    #[error("page {0} holds something that cannot be drawn here; download the document to see all of it")]
    Incomplete(usize),
    #[error(transparent)]
    Documents(#[from] documents::Error),
}

impl Error {
    /// For the metrics.
    fn outcome(&self) -> &'static str {
        match self {
            Self::NoSuchPage { .. } => "no_such_page",
            Self::NotAPdf => "no_pdf",
            Self::Document => "document",
            Self::Page(_) => "page",
            Self::Incomplete(_) => "incomplete",
            Self::Documents(_) => "unavailable",
        }
    }
}

/// A page as an image.
#[derive(Clone, Debug)]
pub struct Image {
    pub media_type: MediaType,
    pub bytes: Bytes,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum What {
    Image { page: usize, width: Width },
    Text { from: usize, count: usize },
}

#[derive(Debug)]
enum Kept {
    Image(Image),
    Text(Arc<Pages>),
}

impl Weighed for Kept {
    fn weight(&self) -> usize {
        match self {
            Self::Image(image) => image.bytes.len(),
            Self::Text(pages) => {
                let runs = pages.pages.iter().flat_map(|page| &page.text);
                runs.map(|run| size_of_val(run) + run.s.capacity()).sum::<usize>() + size_of_val(pages.pages.as_slice())
            }
        }
    }
}

/// Counts of pages that were asked for.
#[derive(Clone, Debug)]
pub struct Metrics {
    views: IntCounterVec,
    asked: IntCounterVec,
    bytes: IntGaugeVec,
}

impl Metrics {
    /// # Errors
    /// If the registry holds metrics of these names already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let metrics = Self::unregistered()?;
        registry.register(Box::new(metrics.views.clone()))?;
        registry.register(Box::new(metrics.asked.clone()))?;
        registry.register(Box::new(metrics.bytes.clone()))?;
        Ok(metrics)
    }

    fn unregistered() -> Result<Self, prometheus::Error> {
        let views = Opts::new("rubrica_page_views_total", "Pages that were asked for, as images or as text, by what came of it");
        let asked = Opts::new("rubrica_page_cache_total", "What was asked of the cache of pages, and whether it was there");
        let bytes = Opts::new("rubrica_page_cache_bytes", "Bytes that the cache of pages holds");
        Ok(Self {
            views: IntCounterVec::new(views, &["what", "outcome"])?,
            asked: IntCounterVec::new(asked, &["cache", "found"])?,
            bytes: IntGaugeVec::new(bytes, &["cache"])?,
        })
    }
}

/// Metrics that nobody reads.
impl Default for Metrics {
    fn default() -> Self {
        // The names and labels are constants that are tried by every start.
        Self::unregistered().expect("the names of the metrics are valid")
    }
}

/// Shows pages; a cheap handle.
#[derive(Clone)]
pub struct PageView {
    documents: Documents,
    kept: Arc<Cache<(Digest, What), Kept>>,
    views: IntCounterVec,
}

impl PageView {
    pub fn new(documents: Documents, metrics: Metrics) -> Self {
        let Metrics { views, asked, bytes } = metrics;
        let kept = Cache::new("pages", CAPACITY, cache::Metrics { asked, bytes });
        Self { documents, kept: Arc::new(kept), views }
    }

    /// A page of a document, counted from 0, as an image.
    ///
    /// # Errors
    /// [`Error`].
    pub async fn image(&self, organization: &str, document: &Document, page: usize, width: Width) -> Result<Image, Error> {
        let what = What::Image { page, width };
        let draw = async || self.draw(organization, document, page, width).await.map(Kept::Image);
        match self.counted("image", self.get(organization, document, what, draw).await)?.as_ref() {
            Kept::Image(image) => Ok(image.clone()),
            Kept::Text(_) => Err(Error::Page(page)),
        }
    }

    /// Sizes and text of pages from the page `from` on, counted from 0: at most `count` and [`MAX_PAGES`].
    ///
    /// # Errors
    /// [`Error`].
    pub async fn pages(&self, organization: &str, document: &Document, from: usize, count: usize) -> Result<Arc<Pages>, Error> {
        let count = count.min(MAX_PAGES);
        let what = What::Text { from, count };
        let read = async || self.read(organization, document, from, count).await.map(|pages| Kept::Text(Arc::new(pages)));
        match self.counted("text", self.get(organization, document, what, read).await)?.as_ref() {
            Kept::Text(pages) => Ok(pages.clone()),
            Kept::Image(_) => Err(Error::Document),
        }
    }

    async fn get(
        &self,
        organization: &str,
        document: &Document,
        what: What,
        make: impl AsyncFnOnce() -> Result<Kept, Error>,
    ) -> Result<Arc<Kept>, Error> {
        if document.extension != Extension::Pdf {
            return Err(Error::NotAPdf);
        }
        self.kept.get(organization, (document.digest, what), make).await
    }

    fn counted<T>(&self, what: &str, shown: Result<T, Error>) -> Result<T, Error> {
        let outcome = shown.as_ref().map_or_else(Error::outcome, |_| "shown");
        self.views.with_label_values(&[what, outcome]).inc();
        shown
    }

    async fn draw(&self, organization: &str, document: &Document, page: usize, width: Width) -> Result<Image, Error> {
        // A page that is too much says nothing of the others.
        let name = [document.digest.as_bytes().as_slice(), &page.to_le_bytes(), &width.pixels().to_le_bytes()].concat();
        let file = File { digest: Digest::of(&name), work: Work::View };
        let draw = move |process: &mut worker::Process, pdf: &[u8], cutoff: &cpu_pool::Cutoff| {
            process.draw_page(pdf, page, width, || cutoff.is_reached())
        };
        match self.documents.draw_on(organization, document, file, draw).await? {
            Ok(Ok(image)) if image.is_incomplete => Err(Error::Incomplete(page)),
            Ok(Ok(image)) => Ok(Image { media_type: image.media_type, bytes: image.bytes.into() }),
            Ok(Err(Undrawn::TooLarge)) => Err(Error::Page(page)),
            Ok(Err(undrawn)) => Err(undrawn.into()),
            Err(error) => Err(failed(error, Error::Page(page))),
        }
    }

    /// Where reading the text is too much, the sizes alone are told.
    async fn read(&self, organization: &str, document: &Document, from: usize, count: usize) -> Result<Pages, Error> {
        let pages = from..from.saturating_add(count);
        match self.read_as(organization, document, pages.clone(), Work::Text).await {
            Err(Error::Page(_)) => self.read_as(organization, document, pages, Work::View).await,
            read => read,
        }
    }

    async fn read_as(
        &self,
        organization: &str,
        document: &Document,
        pages: std::ops::Range<usize>,
        work: Work,
    ) -> Result<Pages, Error> {
        let (from, with_text) = (pages.start, work == Work::Text);
        let read = move |process: &mut worker::Process, pdf: &[u8], cutoff: &cpu_pool::Cutoff| {
            process.read_pages(pdf, pages, with_text, || cutoff.is_reached())
        };
        match self.documents.draw_on(organization, document, File { digest: document.digest, work }, read).await? {
            Ok(read) => Ok(read?),
            Err(error) => Err(failed(error, if with_text { Error::Page(from) } else { Error::Document })),
        }
    }
}

impl From<Undrawn> for Error {
    fn from(undrawn: Undrawn) -> Self {
        match undrawn {
            Undrawn::NoSuchPage { pages } => Self::NoSuchPage { pages },
            Undrawn::Unreadable | Undrawn::TooLarge => Self::Document,
        }
    }
}

/// What is told where the work on a document failed: `unshown` if that is the document's fault, for the second time at the latest.
fn failed(error: render_workers::Error, unshown: Error) -> Error {
    match error {
        render_workers::Error::Exceeded(_) | render_workers::Error::Panicked => unshown,
        render_workers::Error::Pool(cpu_pool::Error::SetAside(_)) => unshown,
        render_workers::Error::Pool(error) => Error::Documents(error.into()),
        render_workers::Error::Worker(error) => Error::Documents(catalogue::Error::Drawing(error.to_string()).into()),
    }
}
