//! Images that were submitted: what is known of them, never the images themselves.

use serde::{Deserialize, Serialize};

/// A format of images that can be scored, as the first bytes of a file say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageType {
    Jpeg,
    Png,
    Webp,
}

impl ImageType {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
        }
    }
}

/// An image that was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capture {
    pub image_type: ImageType,
    /// Of the image, in bytes.
    pub size: u64,
    /// SHA-256 of the image in hex, for evidence.
    pub sha256: String,
    /// What its sealed bytes are kept under.
    pub file: String,
}

/// The two sides of a document, at least one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captures {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub front: Option<Capture>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub back: Option<Capture>,
}

impl Captures {
    /// What their sealed bytes are kept under.
    pub fn files(&self) -> impl Iterator<Item = &String> {
        self.front.iter().chain(&self.back).map(|capture| &capture.file)
    }
}
