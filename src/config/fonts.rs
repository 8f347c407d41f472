//! Fonts: the configuration reference.

use std::path::PathBuf;

use serde::Deserialize;

use super::{Error, bounds::within};

/// Fonts for scripts that the program has none for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fonts {
    /// Folders in which and below which fonts are looked for, at most 32; fonts of the first ones are preferred. The program itself has fonts for
    /// Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian and Georgian. Default: `/usr/local/share/fonts` and `/usr/share/fonts`.
    pub folders: Vec<PathBuf>,
}

impl Default for Fonts {
    fn default() -> Self {
        Self { folders: documents::text::SYSTEM_FOLDERS.map(PathBuf::from).to_vec() }
    }
}

impl Fonts {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("fonts.folders", self.folders.len() <= 32, "at most 32 folders")
    }
}
