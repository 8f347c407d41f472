//! A document as the catalogue keeps it.

use std::fmt;
use std::str::FromStr;

use documents::active::ActiveContent;
use render::Comparison;
use serde::{Deserialize, Serialize};
use store::blobs::Digest;
use utoipa::ToSchema;
use uuid::Uuid;

use workflows::values::Owner;

use crate::catalogue::item::Kind;

/// Storage format of a document; agrees with its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DocumentExtension)]
#[allow(missing_docs)]
pub enum Extension {
    Pdf,
    Jpeg,
    Jpg,
    Png,
    Html,
    Json,
    Hbs,
}

impl Extension {
    /// All of them, as the contract lists them.
    pub const ALL: [Self; 7] = [Self::Pdf, Self::Jpeg, Self::Jpg, Self::Png, Self::Html, Self::Json, Self::Hbs];

    /// As it stands in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pdf => "pdf",
            Self::Jpeg => "jpeg",
            Self::Jpg => "jpg",
            Self::Png => "png",
            Self::Html => "html",
            Self::Json => "json",
            Self::Hbs => "hbs",
        }
    }

    /// The media type in which the document is sent.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Pdf => "application/pdf",
            Self::Jpeg | Self::Jpg => "image/jpeg",
            Self::Png => "image/png",
            Self::Html => "text/html; charset=utf-8",
            Self::Json => "application/json",
            // It has none that is registered (note fill-binary-type).
            Self::Hbs => "application/octet-stream",
        }
    }

    /// Whether a browser that shows the document might run what is in it.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Html | Self::Hbs)
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Extension {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.iter().find(|extension| extension.as_str() == text);
        known.copied().ok_or_else(|| format!("expected one of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// What the record of a document says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Identifier inside its organization.
    pub id: Uuid,
    /// Name without white space; replaces the name of the uploaded file.
    pub name: String,
    /// Format of the bytes.
    pub extension: Extension,
    /// Normalised labels.
    pub tags: Vec<String>,
    /// Owner of a private document; `None`: public inside the organization.
    pub owner: Option<Owner>,
    /// The document whose owner is this one's too: a signed contract belongs to whom its filled document belongs. In the record `owner` is
    /// then what it was when that was written, for programs that do not know this member; what is read has the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_with: Option<Uuid>,
    /// Address of the bytes: their SHA-256.
    pub digest: Digest,
    /// MD5 of the bytes in hex (x-notes archive-hash). Not for security; that is what `digest` is for.
    pub archive_hash: String,
    /// Size in bytes.
    pub size: u64,
    /// What of an uploaded PDF is more than pages. `None` where nobody looked: no PDF, one that this server made, or a record of an older
    /// version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active_content: Option<ActiveContent>,
    /// Which pages were drawn before and after the seal and found the same: of an upload with the rehearsal of its seal, of a sealed document
    /// with the original. `None` for what is no PDF or was never sealed, and for a record of an older version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

impl Kind for Document {
    const COLLECTION: &'static str = "document";
    const KEY_IS_FREED: bool = false;
}

impl Document {
    /// What stays of an erased one.
    pub(super) fn erased(self) -> Self {
        let (name, tags) = ("erased".to_owned(), Vec::new());
        Self { name, tags, owner: None, owned_with: None, active_content: None, comparison: None, ..self }
    }

    /// Whether it has no owner.
    pub fn is_public(&self) -> bool {
        self.owner.is_none()
    }

    /// Whether someone who names `owner` may reach it: always if it is public (x-notes owner-mismatch).
    pub fn is_reachable_by(&self, owner: Option<&Owner>) -> bool {
        self.owner.is_none() || self.owner.as_ref() == owner
    }

    /// The name with its extension, for saving it as a file.
    pub fn file_name(&self) -> String {
        let suffix = format!(".{}", self.extension);
        match self.name.to_lowercase().ends_with(&suffix) {
            true => self.name.clone(),
            false => format!("{}{suffix}", self.name),
        }
    }
}
