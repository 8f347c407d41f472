//! What all pages about the server that answers share: it is one of several, perhaps.

/// Pages about the server that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerPart {
    Quarantine,
    Metrics,
    Facts,
}

impl ServerPart {
    /// In the order of their links.
    pub const ALL: [Self; 3] = [Self::Quarantine, Self::Metrics, Self::Facts];

    /// Below the organization's pages.
    pub fn path(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Metrics => "metrics",
            Self::Facts => "server",
        }
    }

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::Quarantine => "console.server.quarantine",
            Self::Metrics => "console.server.metrics",
            Self::Facts => "console.server.facts",
        }
    }

    /// All of them, for the template of the links.
    pub(super) fn all(self) -> [(Self, bool); Self::ALL.len()] {
        Self::ALL.map(|part| (part, part == self))
    }
}
