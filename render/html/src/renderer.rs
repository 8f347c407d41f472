//! Templates and data in, PDFs out.

use std::hash::{BuildHasher, RandomState};
use std::path::PathBuf;
use std::thread;

use serde_json::Value;

use crate::engine::{self, About};
use crate::fonts::Fonts;
use crate::limits::{CACHE_BYTES, PROBLEMS};
use crate::prepare::{Assets, prepare};
use crate::template::{Compiled, cut};
use crate::{Failure, Job, Kind, Pdf, Problem, Profile, Source, pdf, schema};

/// Handlebars and the engines recurse; all that they are given is bounded so that this suffices.
const STACK_BYTES: usize = 16 << 20;
/// A sample document that is laid out when a template is checked: about 50 ms.
const SAMPLE_BYTES: usize = 200_000;

/// Makes PDFs; keeps fonts, and compiled templates up to 64 MB, the least recently used of which go first.
pub struct Renderer {
    fonts: Fonts,
    /// The last one is the one that was used last.
    compiled: Vec<(Key, Compiled)>,
    hashers: [RandomState; 2],
}

/// 128 bits with secret keys: nobody can make two templates that have the same.
type Key = [u64; 2];

impl Renderer {
    /// With the fonts of this crate, then those of the files `.ttf`, `.otf`, `.ttc` in these folders: at most 64 of 40 MB each, 128 MB
    /// together, in the order of their names. Reads files: before a process gives up its rights.
    pub fn new(folders: &[PathBuf]) -> Self {
        Self { fonts: Fonts::new(folders), compiled: Vec::new(), hashers: [RandomState::new(), RandomState::new()] }
    }

    /// Fills and lays out a template. It takes no longer than its process lets it: only in a worker process.
    pub fn render(&mut self, job: &Job) -> Result<Pdf, Failure> {
        on_a_large_stack(|| self.rendered(job))
            .unwrap_or_else(|| Err(Failure::new(Kind::Engine, "the engine failed on this document")))
    }

    /// Whether a template may be kept, with this renderer's fonts; at most 20 problems. Costs as much as a filling.
    pub fn check(&mut self, source: &Source) -> Result<(), Vec<Problem>> {
        let failed = || Err(vec![Problem::whole("the engine failed on this template with sample data")]);
        let result = on_a_large_stack(|| self.checked(source)).unwrap_or_else(failed);
        result.map_err(|mut problems| {
            problems.truncate(PROBLEMS);
            for problem in &mut problems {
                problem.message = cut(&problem.message);
            }
            problems
        })
    }

    fn rendered(&mut self, job: &Job) -> Result<Pdf, Failure> {
        if !job.data.is_object() {
            return Err(Failure::new(Kind::Data, "the data are not an object"));
        }
        let data = schema::with_empty_values(&job.source.structure, &job.data);
        let index = self.compile(&job.source).map_err(|mut problems| {
            let problem = if problems.is_empty() { Problem::whole("the template is not right") } else { problems.swap_remove(0) };
            Failure { kind: Kind::Template, problem }
        })?;
        let compiled = &self.compiled[index].1;
        self.laid_out(compiled, &data, job, false)
    }

    fn laid_out(&self, compiled: &Compiled, data: &Value, job: &Job, is_sample: bool) -> Result<Pdf, Failure> {
        let filled = compiled.fill(data, is_sample)?;
        let assets = Assets { template: &compiled.images, data: &filled.images };
        let document = prepare(&filled.html, &assets, job.source.target, &self.fonts)?;
        if is_sample && filled.html.len() > SAMPLE_BYTES {
            return Ok(Pdf { bytes: Vec::new(), pages: 0 });
        }
        let about = About { job, language: compiled.locale().tag };
        let bytes = engine::engine(job.source.target.engine).convert(&document, &about)?;
        pdf::looked_at(bytes, document.has_text, job.source.target.profile)
    }

    fn checked(&mut self, source: &Source) -> Result<(), Vec<Problem>> {
        let index = self.compile(source)?;
        let compiled = &self.compiled[index].1;
        // A fill has a title.
        let mut job = Job { source: source.clone(), data: Value::Null, title: "sample".into(), created: 0 };
        let laid_out = |data, job: &Job| self.laid_out(compiled, &data, job, true).map_err(|failure| vec![failure.problem]);
        laid_out(schema::sample(&source.structure), &job)?;
        // Of a document of empty values nobody asks that it conforms: its heading may be one of them.
        job.source.target.profile = Profile::Plain;
        laid_out(schema::least(&source.structure), &job)?;
        Ok(())
    }

    /// Where the compiled template is.
    fn compile(&mut self, source: &Source) -> Result<usize, Vec<Problem>> {
        let key = self
            .hashers
            .each_ref()
            .map(|hasher| hasher.hash_one((&source.template, source.structure.to_string(), &source.language)));
        match self.compiled.iter().position(|(known, _)| *known == key) {
            Some(at) => {
                let used = self.compiled.remove(at);
                self.compiled.push(used);
            }
            None => {
                self.compiled.push((key, Compiled::new(source)?));
                while self.compiled.len() > 1 && self.compiled.iter().map(|(_, c)| c.size()).sum::<usize>() > CACHE_BYTES {
                    self.compiled.remove(0);
                }
            }
        }
        Ok(self.compiled.len() - 1)
    }
}

/// Whether a template may be kept, with the fonts of this crate alone: its limits, its syntax, and its fillings with a sample of what its
/// schema describes and with the least of it. At most 20 problems. Only in a worker process.
pub fn check(source: &Source) -> Result<(), Vec<Problem>> {
    Renderer::new(&[]).check(source)
}

/// Runs on a thread of its own; nothing where it panics.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work);
        thread.ok()?.join().ok()
    })
}
