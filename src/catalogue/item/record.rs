//! An item as its record keeps it.

use serde::{Deserialize, Serialize};
use store::Timestamp;

/// What a record of the catalogue holds: the value of its kind, and beside its members those that all kinds share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item<T> {
    /// What the item is.
    #[serde(flatten)]
    pub value: T,
    /// Where it is in its life.
    #[serde(flatten)]
    pub state: State,
    /// When it was made; records of older versions do not all say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// What led to this version; `None` where nobody asked for one, or the program of that time recorded none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
}

impl<T> Item<T> {
    /// A new one.
    pub fn new(value: T) -> Self {
        Self { value, state: State::Present, created_at: None, change: None }
    }

    /// The same item with another value. A deletion under way is called off by that.
    pub fn with(self, value: T) -> Self {
        Self { value, state: State::Present, ..self }
    }
}

/// A line of the changelog.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What was done, in words.
    pub what: String,
    /// The subject of the caller's token; `None` where the server did it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl Change {
    /// What was done, and by whom.
    pub fn new(what: &str, by: Option<&str>) -> Self {
        Self { what: what.to_owned(), by: by.map(str::to_owned) }
    }
}

/// Where an item is in its life (x-notes deleted-documents, deleted-others). The record stays after any deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub enum State {
    /// It can be read and changed.
    Present,
    /// As [`State::Present`]; somebody who wants to delete it looks whether it is used.
    Leaving,
    /// Deleted logically: unreachable, its content is kept.
    Deleted {
        /// When.
        at: Timestamp,
    },
    /// Deleted physically: its content is given up.
    Removed {
        /// The first deletion, logical or physical.
        at: Timestamp,
    },
}

/// Why an item cannot be deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was deleted in the very way that is asked for.
    Already,
    /// It was deleted for good.
    Gone,
}

impl State {
    /// Whether the item can be read and changed.
    pub fn is_present(self) -> bool {
        matches!(self, Self::Present | Self::Leaving)
    }

    /// After a logical deletion.
    ///
    /// # Errors
    /// [`Refused::Already`] after another one, [`Refused::Gone`] after a physical one.
    pub fn deleted(self, at: Timestamp) -> Result<Self, Refused> {
        match self {
            Self::Present | Self::Leaving => Ok(Self::Deleted { at }),
            Self::Deleted { .. } => Err(Refused::Already),
            Self::Removed { .. } => Err(Refused::Gone),
        }
    }

    /// After a physical deletion; the instant of a logical one stays.
    ///
    /// # Errors
    /// [`Refused::Already`] after another one.
    pub fn removed(self, at: Timestamp) -> Result<Self, Refused> {
        match self {
            Self::Present | Self::Leaving => Ok(Self::Removed { at }),
            Self::Deleted { at } => Ok(Self::Removed { at }),
            Self::Removed { .. } => Err(Refused::Already),
        }
    }

    /// The instant of the first deletion.
    pub fn deleted_at(self) -> Option<Timestamp> {
        match self {
            Self::Present | Self::Leaving => None,
            Self::Deleted { at } | Self::Removed { at } => Some(at),
        }
    }
}

/// As it stands in the record. The first kinds that could not be deleted said nothing.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default)]
    state: Name,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<Timestamp>,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Name {
    #[default]
    Present,
    Leaving,
    Deleted,
    Removed,
}

impl From<State> for Stored {
    fn from(state: State) -> Self {
        let name = match state {
            State::Present => Name::Present,
            State::Leaving => Name::Leaving,
            State::Deleted { .. } => Name::Deleted,
            State::Removed { .. } => Name::Removed,
        };
        Self { state: name, at: state.deleted_at() }
    }
}

impl TryFrom<Stored> for State {
    type Error = &'static str;

    fn try_from(stored: Stored) -> Result<Self, &'static str> {
        match (stored.state, stored.at) {
            (Name::Present, _) => Ok(Self::Present),
            (Name::Leaving, _) => Ok(Self::Leaving),
            (Name::Deleted, Some(at)) => Ok(Self::Deleted { at }),
            (Name::Removed, Some(at)) => Ok(Self::Removed { at }),
            (Name::Deleted | Name::Removed, None) => Err("a deletion without its instant"),
        }
    }
}
