//! From a template in HTML and its data to a PDF.

#![forbid(unsafe_code)]

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What is wrong, in words for the author of a template or of its data. Names of variables and helpers are in them, values of data never.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The line of the template, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub line: Option<usize>,
    /// The column of that line in characters, from 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub column: Option<usize>,
    pub message: String,
}

/// The program that lays out pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Engine {
    #[default]
    Fulgur,
    Ironpress,
}

/// Which rules the PDF keeps beyond those of every PDF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    #[default]
    Plain,
    /// Tagged, for screen readers (ISO 14289-1).
    PdfUa1,
    /// For archives, attachments allowed (ISO 19005-3).
    PdfA3,
}

/// A template for one language, as a version of a dynamic template has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Handlebars in HTML, in UTF-8.
    pub template: Vec<u8>,
    /// The JSON schema of the data.
    pub structure: serde_json::Value,
    /// The contract's `Language`: `ES`, `EN`, `EU`, `GL`, `CA`, `DE`; any other, `UNDEFINED` too, counts as `ES`.
    pub language: String,
    pub engine: Engine,
}

/// One filling of a template.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    pub source: Source,
    /// An object.
    pub data: serde_json::Value,
    /// The title that the PDF names.
    pub title: String,
    /// When the PDF says it was made, in seconds since 1970-01-01 UTC. With the same job it is the same file, byte by byte.
    pub created: i64,
    pub profile: Profile,
}

/// A PDF that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdf {
    pub bytes: Vec<u8>,
    pub pages: usize,
}

/// Why there is no PDF.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", .problem.message)]
pub struct Failure {
    pub kind: Kind,
    pub problem: Problem,
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The template is wrong.
    Template,
    /// The data lack something, or have what the template cannot use.
    Data,
    /// A character has no glyph in any font.
    Glyphs,
    /// Too large, too deep, too many.
    Limits,
    /// The engine could not do it.
    Engine,
}

/// Whether a template may be kept: its limits, its syntax, and one filling with what its schema says of the data.
/// At most 20 problems. Costly: only in a worker process.
pub fn check(_source: &Source) -> Result<(), Vec<Problem>> {
    todo!()
}

/// Makes PDFs; keeps fonts and compiled templates.
pub struct Renderer;

impl Renderer {
    /// With the fonts of this crate, then those of `folders`.
    pub fn new(_folders: &[PathBuf]) -> Self {
        Self
    }

    pub fn check(&mut self, _source: &Source) -> Result<(), Vec<Problem>> {
        todo!()
    }

    /// Costly: only in a worker process, on a thread with a stack of 16 MB.
    pub fn render(&mut self, _job: &Job) -> Result<Pdf, Failure> {
        todo!()
    }
}

impl Engine {
    /// The engine that a source's `engine_version` names.
    pub fn of(_engine_version: &str) -> Self {
        todo!()
    }
}
