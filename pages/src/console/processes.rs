//! C3: sign processes, newest first, and those that have what is searched for.

use askama::Template;

use super::{Frame, Moment, Phrase, Status};
use crate::render;

/// A page of the list.
#[derive(Debug, Template)]
#[template(path = "console/processes.html")]
pub struct Processes {
    pub frame: Frame,
    /// What was searched for.
    pub query: String,
    pub found: Found,
    pub chips: Vec<Chip>,
    /// What filters are on: a state, a type, and days (ISO 8601), empty for none.
    pub status: Option<Status>,
    /// Types to choose from: the name in the contract, its words as a key, and whether it is chosen.
    pub types: Vec<(&'static str, &'static str, bool)>,
    pub from: String,
    pub to: String,
    pub rows: Vec<Listed>,
    /// Where it goes on.
    pub next: Option<String>,
    /// Back to the beginning, where this is not it.
    pub newest: Option<String>,
    /// Where a filter is on and finds nothing: the list without it.
    pub unfiltered: Option<String>,
    /// The same list as a file, and what it is called.
    pub file: (String, Phrase),
}

/// What came of a search.
#[derive(Debug)]
pub enum Found {
    /// Nothing was searched for, or it is shown elsewhere.
    Nothing,
    /// The rows are what was found.
    Several(Phrase),
    /// Why there is nothing to show.
    Missing(Phrase),
}

/// A filter.
#[derive(Debug)]
pub struct Chip {
    /// `None`: all.
    pub status: Option<Status>,
    pub link: String,
    pub is_on: bool,
}

/// A process in the list.
#[derive(Debug)]
pub struct Listed {
    pub id: String,
    pub link: String,
    pub created: Moment,
    /// `None`: its state cannot be read, and why.
    pub state: Result<State, Phrase>,
}

/// What the list says of a process.
#[derive(Debug)]
pub struct State {
    pub status: Status,
    pub signed: usize,
    pub signers: usize,
    /// Names of the documents to sign.
    pub documents: Vec<String>,
    /// What it waits for.
    pub waits: Option<Phrase>,
    /// Until when, where it waits.
    pub expires: Option<Moment>,
}

impl Processes {
    pub fn html(&self) -> String {
        render(self)
    }

    fn missing(&self) -> Option<&Phrase> {
        match &self.found {
            Found::Missing(why) => Some(why),
            Found::Nothing | Found::Several(_) => None,
        }
    }

    fn several(&self) -> Option<&Phrase> {
        match &self.found {
            Found::Several(words) => Some(words),
            Found::Nothing | Found::Missing(_) => None,
        }
    }
}

impl Listed {
    fn shown(&self) -> Option<&State> {
        self.state.as_ref().ok()
    }

    fn fault(&self) -> Option<&Phrase> {
        self.state.as_ref().err()
    }
}
