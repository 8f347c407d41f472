//! What all pages with settings of an organization share.

/// Pages with settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsPart {
    Pages,
    Signing,
    Messages,
}

impl SettingsPart {
    /// In the order of their links.
    pub const ALL: [Self; 3] = [Self::Pages, Self::Signing, Self::Messages];

    /// Below the organization's pages.
    pub fn path(self) -> &'static str {
        match self {
            Self::Pages => "pages",
            Self::Signing => "pages/signing",
            Self::Messages => "pages/messages",
        }
    }

    /// For people.
    pub fn key(self) -> &'static str {
        match self {
            Self::Pages => "console.nav.settings",
            Self::Signing => "console.signing.title",
            Self::Messages => "console.messages.title",
        }
    }

    /// All of them, for the template of the links.
    pub(super) fn all(self) -> [(Self, bool); Self::ALL.len()] {
        Self::ALL.map(|part| (part, part == self))
    }
}
