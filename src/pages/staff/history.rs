//! What the pages of all kinds of processes share: their journals, read and told, and the page of rows that an address asks for.

use actix_web::{HttpResponse, http::header};
use actors::journal::{Line, ReadError};
use pages::console::{Act, Journal, Phrase, Row, Tone};

use super::{
    timeline::{Scene, Tells, Timeline},
    visit::{Failure, Visit},
};

/// Rows of the timeline on a page.
const PAGE: usize = 200;

/// What journals tell.
#[derive(Default)]
pub struct History {
    pub timeline: Timeline,
    pub journals: Vec<Journal>,
    /// Entries of all of them.
    pub entries: u64,
}

impl History {
    /// Adds a journal. Its lines come back, none where it is not whole.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn tell<M: Tells>(
        &mut self,
        scene: &Scene<'_>,
        read: Result<Vec<Line<M::Event>>, ReadError>,
    ) -> Result<Vec<Line<M::Event>>, Failure> {
        let id = scene.journal;
        let journal = |words, head, is_whole| Journal {
            name: scene.name,
            of: scene.who.to_owned(),
            id: id.to_string(),
            words,
            head,
            is_whole,
        };
        let lines = match read {
            Ok(lines) => lines,
            Err(ReadError::Store(error)) => return Err(error.into()),
            Err(ReadError::Journal(error)) => {
                tracing::error!(%id, %error, "a journal that the console shows is not whole");
                self.journals.push(journal(Phrase::new("console.journal.broken"), String::new(), false));
                return Ok(Vec::new());
            }
        };
        let count = lines.len() as u64;
        self.entries += count;
        if let Some(last) = lines.last() {
            let words = Phrase::new("console.journal.intact").with("count", count);
            self.journals.push(journal(words, last.hash.to_string(), true));
        }
        self.timeline.recount::<M>(scene, &lines);
        Ok(lines)
    }

    /// The answer to a page that asks whether there is news, where there is none.
    pub fn no_news(&self, visit: &Visit) -> Option<HttpResponse> {
        let known = visit.call.parameter("after")?;
        let nothing = || HttpResponse::NoContent().insert_header((header::CACHE_CONTROL, "no-store")).finish();
        (known == self.entries.to_string()).then(nothing)
    }
}

/// The rows that an address asks for.
pub struct Section {
    pub rows: Vec<Row>,
    /// The page of rows before and after this one.
    pub newer: Option<String>,
    pub older: Option<String>,
    /// The same page with failures alone, or with everything.
    pub failures: Act,
    pub only_failures: bool,
}

impl Section {
    /// Of all rows of the page at `link`.
    pub fn of(visit: &Visit, link: &str, mut rows: Vec<Row>) -> Self {
        let only_failures = visit.call.parameter("failures").is_some();
        if only_failures {
            rows.retain(|row| row.tone == Tone::Bad || row.parts.iter().any(|part| part.is_bad));
        }
        let from = visit.call.parameter("from").and_then(|from| from.parse::<usize>().ok()).unwrap_or(0);
        let of = |from: usize, failures: bool| {
            let query = [failures.then(|| "failures=1".to_owned()), (from > 0).then(|| format!("from={from}"))];
            let query: Vec<String> = query.into_iter().flatten().collect();
            let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
            format!("{link}{query}#timeline")
        };
        let words = Phrase::new(if only_failures { "console.timeline.all" } else { "console.timeline.failures" });
        Self {
            newer: (from > 0).then(|| of(from.saturating_sub(PAGE), only_failures)),
            older: (rows.len() > from.saturating_add(PAGE)).then(|| of(from + PAGE, only_failures)),
            failures: Act { words, link: of(0, !only_failures) },
            rows: rows.into_iter().skip(from).take(PAGE).collect(),
            only_failures,
        }
    }
}
