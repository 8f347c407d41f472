//! C8: processes that the server has set aside after a fault, and a look at them before their time.

use askama::Template;

use super::{Frame, Moment, Phrase, ServerPart};
use crate::render;

/// The list.
#[derive(Debug, Template)]
#[template(path = "console/quarantine.html")]
pub struct Quarantine {
    pub frame: Frame,
    pub part: ServerPart,
    pub rows: Vec<Aside>,
    /// There are more.
    pub partial: Option<Phrase>,
    /// What came of a look, and whether that is not what was hoped for.
    pub done: Vec<(Phrase, bool)>,
    /// Where a look is asked for; nothing for who may not.
    pub look: Option<String>,
}

/// A process that is set aside.
#[derive(Debug)]
pub struct Aside {
    /// Its kind, as a key.
    pub kind: &'static str,
    pub id: String,
    /// How forms name it.
    pub name: String,
    /// Where it is shown, if it is.
    pub link: Option<String>,
    /// What is wrong, as a key.
    pub fault: &'static str,
    /// How far its journal is right, where that is the fault.
    pub good: Option<Phrase>,
    pub since: Moment,
    pub next: Moment,
}

impl Quarantine {
    pub fn html(&self) -> String {
        render(self)
    }

    fn select(&self, row: &Aside) -> String {
        self.frame.say(&Phrase::new("console.quarantine.select").word("kind", row.kind).with("id", &row.id))
    }
}
