//! What all pages about the server that answers share: it is one of several, perhaps.

/// Pages about the server that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerPart {
    Quarantine,
    Metrics,
    Facts,
    Log,
}

impl ServerPart {
    /// In the order of their links.
    pub const ALL: [Self; 4] = [Self::Quarantine, Self::Metrics, Self::Facts, Self::Log];

    /// Below the organization's pages.
    pub fn path(self) -> &'static str {
        match self {
            Self::Quarantine => "quarantine",
            Self::Metrics => "metrics",
            Self::Facts => "server",
            Self::Log => "log",
        }
    }

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::Quarantine => "console.server.quarantine",
            Self::Metrics => "console.server.metrics",
            Self::Facts => "console.server.facts",
            Self::Log => "console.server.log",
        }
    }

    /// Whether it tells of the server that answers alone.
    pub(super) fn is_of_this_server(self) -> bool {
        self != Self::Log
    }

    /// All of them, for the template of the links.
    pub(super) fn all(self) -> [(Self, bool); Self::ALL.len()] {
        Self::ALL.map(|part| (part, part == self))
    }
}
