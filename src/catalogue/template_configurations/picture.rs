//! Whether bytes are an image of their declared format that can be put on a page. Its size is known before anything is decoded.

use std::{fmt, str::FromStr};

use documents::forms::Picture;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Error;
use crate::catalogue::documents::{is_jpeg, is_png};

/// Storage format of a configuration document; agrees with its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ImageExtension)]
#[allow(missing_docs)]
pub enum ImageExtension {
    Jpeg,
    Jpg,
    Png,
}

impl ImageExtension {
    /// All of them, as the contract lists them.
    pub const ALL: [Self; 3] = [Self::Jpeg, Self::Jpg, Self::Png];

    /// As it stands in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Jpg => "jpg",
            Self::Png => "png",
        }
    }
}

impl fmt::Display for ImageExtension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ImageExtension {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|extension| extension.as_str() == text);
        known.copied().ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// Checks that bytes are an image of the format, as a fill reads it later. Takes time in proportion to its pixels: keep it off the I/O threads.
pub(super) fn check(extension: ImageExtension, bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Err(Error::incomplete("content", "the content is empty"));
    }
    match extension {
        ImageExtension::Png if !is_png(bytes) => return Err(Error::invalid("content", "not a PNG image")),
        ImageExtension::Jpeg | ImageExtension::Jpg if !is_jpeg(bytes) => {
            return Err(Error::invalid("content", "not a JPEG image"));
        }
        _ => {}
    }
    Picture::read(bytes).map(drop).map_err(|error| Error::invalid("content", error))
}
