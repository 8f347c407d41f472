//! How the pages of an organization's signers look, and in whose pages they stand.

use pages::texts::Language;
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::schema::{Array, ArrayBuilder, ObjectBuilder, Type},
};

use super::{
    ApiError,
    call::{Call, Json, act},
};
use crate::catalogue::page_configuration::{Accent, Current, Draft, Error};

/// How the pages of signers look, whole.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PageConfigurationRequest {
    /// Origins of pages that may have the element `<rubrica-sign>` or the frame, as browsers send them: `https://shop.example.org`.
    #[serde(default)]
    #[schema(max_items = 20)]
    origins: Vec<String>,
    /// Colour of buttons and links: `#rrggbb`, with a contrast of 4.5:1 at least with light pages (WCAG 2.2, 1.4.3).
    #[schema(pattern = "^#[0-9A-Fa-f]{6}$")]
    accent: Option<String>,
    /// PNG or JPEG in base64, of at most 256 KiB and 2,000 by 2,000 pixels. It is drawn anew, at most 320 by 96 pixels large.
    #[schema(max_length = 349_528, format = Byte)]
    logo: Option<String>,
    /// Who answers questions of signers; where it is left out, the operator's configuration says it.
    #[schema(format = "email")]
    contact_email: Option<String>,
    /// The same, by phone: `+34 600 111 222`.
    #[schema(max_length = 32, pattern = r"^\+[ ()-]*([0-9][ ()-]*){5,15}$")]
    contact_phone: Option<String>,
    /// What is done with personal data: an address of `https`.
    #[schema(max_length = 2048, format = "uri", pattern = "^https://")]
    privacy_url: Option<String>,
    #[serde(default)]
    #[schema(schema_with = languages)]
    languages: Vec<String>,
}

/// Languages, each once.
fn languages() -> Array {
    let language = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Language::ALL.map(Language::tag)));
    let description = "Languages that are offered, the first of them for whoever wants none of them. All where it is empty.";
    ArrayBuilder::new()
        .description(Some(description))
        .items(language)
        .unique_items(true)
        .max_items(Some(Language::ALL.len()))
        .build()
}

/// How the pages of signers look.
#[derive(Serialize, ToSchema)]
pub struct PageConfigurationAnswer {
    /// Counts changes; 0 where nothing was ever set.
    #[schema(value_type = i64, minimum = 0)]
    version: u64,
    origins: Vec<String>,
    /// As it was set.
    #[schema(required)]
    accent: Option<String>,
    /// The colour on dark pages: the same, as much lighter as it must be to be read there.
    #[schema(required)]
    accent_on_dark: Option<String>,
    /// The PNG that browsers get, in base64.
    #[schema(required, format = Byte)]
    logo: Option<String>,
    #[schema(required, format = "email")]
    contact_email: Option<String>,
    #[schema(required)]
    contact_phone: Option<String>,
    #[schema(required, format = "uri")]
    privacy_url: Option<String>,
    languages: Vec<String>,
}

/// The colour of an organization, for light pages and for dark ones.
#[derive(Serialize, ToSchema)]
pub struct PageAccent {
    /// With white on it.
    light: String,
    /// With dark text on it.
    dark: String,
}

impl From<Accent> for PageAccent {
    fn from(Accent { light, dark }: Accent) -> Self {
        Self { light, dark }
    }
}

impl From<Current> for PageConfigurationAnswer {
    fn from((version, configuration): Current) -> Self {
        let configuration = (*configuration).clone();
        let (accent, accent_on_dark) = configuration.accent.map(|Accent { light, dark }| (light, dark)).unzip();
        Self {
            version,
            origins: configuration.origins,
            accent,
            accent_on_dark,
            logo: configuration.logo.map(|logo| logo.content),
            contact_email: configuration.contact_email,
            contact_phone: configuration.contact_phone,
            privacy_url: configuration.privacy_url,
            languages: configuration.languages,
        }
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid(problems) => problems.into(),
            Error::Catalogue(error) => error.into(),
        }
    }
}

pub async fn read(call: Call<()>) -> Result<Json<PageConfigurationAnswer>, ApiError> {
    Ok(Json(call.engine.signers.pages.load(&call.organization).await?.into()))
}

pub async fn set(call: Call<(), Json<PageConfigurationRequest>>) -> Result<Json<PageConfigurationAnswer>, ApiError> {
    let act = act(&call.caller, call.state.now());
    let PageConfigurationRequest { origins, accent, logo, contact_email, contact_phone, privacy_url, languages } = call.body.0;
    let draft = Draft { origins, accent, logo, contact_email, contact_phone, privacy_url, languages };
    Ok(Json(call.engine.signers.pages.set(&call.organization, draft, act).await?.into()))
}
