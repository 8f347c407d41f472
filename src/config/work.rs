//! Documents, fills, and the work on strangers' files: the configuration reference.

use std::{path::PathBuf, time::Duration};

use chrono::TimeDelta;
use serde::Deserialize;

use super::{
    Error,
    bounds::{delta, seconds, std, within},
};
use crate::{cpu_pool, fill_queue, filling, iso_duration, render_workers};

/// Documents.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Documents {
    /// Maximum size of an uploaded document in bytes, 1024 to 1 GiB. Default: 52428800.
    pub limit: usize,
    /// Bytes that must be free where files are kept in a folder; with less, `/health/ready` is 503. 0 to 1 PiB. Default: 268435456.
    pub min_free: u64,
    /// Age at which files that nothing refers to are removed: what crashes left behind. PT1H to P30D. Default: P1D.
    #[serde(with = "iso_duration")]
    pub orphan_grace: TimeDelta,
}

impl Default for Documents {
    fn default() -> Self {
        Self { limit: 50 * 1024 * 1024, min_free: 256 * 1024 * 1024, orphan_grace: TimeDelta::days(1) }
    }
}

impl Documents {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("documents.limit", (1024..=1 << 30).contains(&self.limit), "1024 to 1073741824 bytes")?;
        within("documents.min_free", self.min_free <= 1 << 50, "0 to 1125899906842624 bytes")?;
        within("documents.orphan_grace", seconds(self.orphan_grace, 3600, 30 * 86_400), "PT1H to P30D")
    }
}

/// The work on strangers' files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cpu {
    /// Work on documents and key files that runs at once, 1 to 256; of an organization that has none running one more may. While others wait
    /// one organization has at most half of it. Default: one per processor.
    pub places: Option<usize>,
    /// Maximum number of bytes of documents that are read for such work and are in memory at once, 1 MiB to 64 GiB; those that wait hold none. A larger
    /// document is read alone. Default: 268435456.
    pub memory: u64,
    /// Work that may wait, of one organization and in all, 1 to 100000; more is 503. Default: 256 and 4096.
    pub waiting_per_organization: usize,
    pub waiting: usize,
    /// Maximum wait for a turn, PT1S to PT10M; then it is 503. Default: PT30S.
    #[serde(with = "iso_duration")]
    pub wait: TimeDelta,
    /// Maximum time for the work on one file, PT1S to PT10M. A file that took longer twice is not tried again for an hour. Default: PT20S.
    #[serde(with = "iso_duration")]
    pub time: TimeDelta,
}

impl Default for Cpu {
    fn default() -> Self {
        let options = cpu_pool::Options::default();
        Self {
            places: None,
            memory: options.memory,
            waiting_per_organization: options.waiting_each,
            waiting: options.waiting,
            wait: delta(options.patience),
            time: delta(options.time),
        }
    }
}

impl Cpu {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        let jobs = 1..=100_000;
        within("cpu.places", self.places.is_none_or(|places| (1..=256).contains(&places)), "1 to 256")?;
        within("cpu.memory", (1 << 20..=1 << 36).contains(&self.memory), "1048576 to 68719476736 bytes")?;
        within("cpu.waiting_per_organization", jobs.contains(&self.waiting_per_organization), "1 to 100000")?;
        within("cpu.waiting", jobs.contains(&self.waiting), "1 to 100000")?;
        within("cpu.wait", seconds(self.wait, 1, 600), "PT1S to PT10M")?;
        within("cpu.time", seconds(self.time, 1, 600), "PT1S to PT10M")
    }

    pub fn options(&self) -> cpu_pool::Options {
        let defaults = cpu_pool::Options::default();
        cpu_pool::Options {
            places: self.places.unwrap_or(defaults.places),
            memory: self.memory,
            waiting_each: self.waiting_per_organization,
            waiting: self.waiting,
            patience: std(self.wait),
            time: std(self.time),
        }
    }
}

/// Fills of forms and templates.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Filling {
    /// Bytes of forms, pictures and templates that are kept in memory once they were read for a fill, 0 to 64 GiB. Where it is not enough, the
    /// organization that has most of it gives way. Default: 134217728.
    pub memory: usize,
}

impl Default for Filling {
    fn default() -> Self {
        Self { memory: filling::Options::default().memory }
    }
}

impl Filling {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(self) -> Result<(), Error> {
        within("filling.memory", self.memory <= 1 << 36, "0 to 68719476736 bytes")
    }

    pub fn options(self) -> filling::Options {
        filling::Options { memory: self.memory }
    }
}

/// Fills of dynamic templates that wait for their turn.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fills {
    /// Fills that are rendered at once, 1 to 256; of an organization that has none running one more may. While others wait one organization has at
    /// most half of it. Default: one per processor but one.
    pub places: Option<usize>,
    /// Fills that may wait, of one organization and in all, 1 to 1000000; more is 503. Default: 10000 and 50000.
    pub waiting_per_organization: usize,
    pub waiting: usize,
}

impl Default for Fills {
    fn default() -> Self {
        let fill_queue::Options { waiting_each, waiting, .. } = fill_queue::Options::default();
        Self { places: None, waiting_per_organization: waiting_each, waiting }
    }
}

impl Fills {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(self) -> Result<(), Error> {
        let fills = 1..=1_000_000;
        within("fills.places", self.places.is_none_or(|places| (1..=256).contains(&places)), "1 to 256")?;
        within("fills.waiting_per_organization", fills.contains(&self.waiting_per_organization), "1 to 1000000")?;
        within("fills.waiting", fills.contains(&self.waiting), "1 to 1000000")
    }

    pub fn options(self) -> fill_queue::Options {
        let places = self.places.unwrap_or(fill_queue::Options::default().places);
        fill_queue::Options { places, waiting_each: self.waiting_per_organization, waiting: self.waiting }
    }
}

/// The processes that draw pages, to compare what a document shows before and after a seal, and that render HTML templates.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Render {
    /// The program that they run, as `PROGRAM render-worker`. Default: this one.
    pub program: Option<PathBuf>,
    /// Bytes of memory that each may have, 128 MiB to 64 GiB. Files that would fill a quarter of it are not drawn. Default: 1073741824.
    pub process_memory: u64,
    /// Processor time for the pages of one document, for the images of an identity document, or for a template, PT1S to PT10M. Default: PT10S.
    #[serde(with = "iso_duration")]
    pub processor_time: TimeDelta,
    /// Pages of a document that are compared, 0 to 1000: those with a seal first, then the first ones. Default: 20.
    pub max_pages: usize,
    /// Pixels of a page, and of all pages of a document, that are compared at 100 dots per inch, 0 to 1000000000. A page of A4 has 967590.
    /// Default: 16000000 and 40000000.
    pub max_page_pixels: u64,
    pub max_pixels: u64,
    /// Folders, at most 32, whose fonts HTML templates are rendered with beside the program's own, as for Chinese, Japanese and Korean. The same
    /// on all servers, else the same fill looks different. They are in the memory of each process. Default: none.
    pub html_fonts: Vec<PathBuf>,
}

impl Default for Render {
    fn default() -> Self {
        let options = render_workers::Options::default();
        Self {
            program: None,
            process_memory: options.process.memory,
            processor_time: TimeDelta::seconds(i64::try_from(options.process.seconds).unwrap_or(10)),
            max_pages: options.limits.max_pages,
            max_page_pixels: options.limits.max_page_pixels,
            max_pixels: options.limits.max_pixels,
            html_fonts: options.html_fonts,
        }
    }
}

impl Render {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        let pixels = 0..=1_000_000_000;
        within("render.process_memory", (1 << 27..=1 << 36).contains(&self.process_memory), "134217728 to 68719476736 bytes")?;
        within("render.processor_time", seconds(self.processor_time, 1, 600), "PT1S to PT10M")?;
        within("render.max_pages", self.max_pages <= 1000, "0 to 1000")?;
        within("render.max_page_pixels", pixels.contains(&self.max_page_pixels), "0 to 1000000000")?;
        within("render.max_pixels", pixels.contains(&self.max_pixels), "0 to 1000000000")?;
        within("render.html_fonts", self.html_fonts.len() <= 32, "at most 32 folders")
    }

    pub fn options(&self) -> render_workers::Options {
        let defaults = render_workers::Options::default();
        let seconds = std(self.processor_time).as_secs().max(1);
        let process = ::render::worker::Options {
            program: self.program.clone().unwrap_or(defaults.process.program),
            memory: self.process_memory,
            seconds,
            // A busy machine gives less than a processor.
            patience: Duration::from_secs(seconds + seconds / 2),
            ..defaults.process
        };
        let limits =
            ::render::Limits { max_pages: self.max_pages, max_page_pixels: self.max_page_pixels, max_pixels: self.max_pixels };
        render_workers::Options { process, limits, html_fonts: self.html_fonts.clone() }
    }
}
