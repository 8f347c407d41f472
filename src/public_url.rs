//! URLs of documents, of images and of templates: whoever holds one can read that one thing, without a credential, until the URL expires.
//!
//! The token in the URL is sealed (AES-256-GCM): nobody can read, make or change one, so there is nothing to list or guess and
//! nothing to store. The tag of the seal is compared in constant time. A URL cannot be taken back before it expires, other than by
//! deleting what it leads to, which whoever serves it must look up; hence the limit of 24 hours.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{scoring::ImageType, values::Language};

use crate::{iso_duration, keys::Keys};

/// The longest life of a public URL, from the contract.
pub const MAX_LIFETIME: TimeDelta = TimeDelta::hours(24);

/// The longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 2048;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the URL has expired")]
    Expired,
    #[error("the URL is not valid")]
    Invalid,
    #[error("a public URL must expire in the future and within 24 hours")]
    Lifetime,
    #[error("the URL could not be made")]
    Unavailable,
}

/// Whether a browser saves (`attachment`) or renders (`inline`) the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = DownloadDisposition, default = "attachment")]
#[allow(missing_docs)]
pub enum Disposition {
    #[default]
    Attachment,
    Inline,
}

/// What a public URL gives access to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicDocument {
    #[serde(rename = "o")]
    pub organization: String,
    #[serde(rename = "d")]
    pub document: Uuid,
    /// Digest (or version) of the content for which the URL was made, so that it never shows anything newer.
    #[serde(rename = "c")]
    pub digest: String,
    #[serde(rename = "i")]
    pub disposition: Disposition,
    /// Instant from which the URL no longer works; kept in microseconds.
    #[serde(rename = "e", with = "chrono::serde::ts_microseconds")]
    pub expires: DateTime<Utc>,
}

/// An image of an identity document that a URL gives access to, for whoever may read the scoring session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedCapture {
    #[serde(rename = "o")]
    pub organization: String,
    #[serde(rename = "s")]
    pub session: Uuid,
    /// What its sealed bytes are kept under.
    #[serde(rename = "f")]
    pub file: String,
    #[serde(rename = "t")]
    pub image_type: ImageType,
    /// As in [`PublicDocument`].
    #[serde(rename = "e", with = "chrono::serde::ts_microseconds")]
    pub expires: DateTime<Utc>,
}

/// A file of a dynamic template's version that a URL gives access to, for whoever may read the version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharedTemplate {
    #[serde(rename = "o")]
    pub organization: String,
    #[serde(rename = "v")]
    pub version: Uuid,
    #[serde(rename = "l")]
    pub language: Language,
    #[serde(rename = "f")]
    pub file: TemplateFile,
    /// As in [`PublicDocument`].
    #[serde(rename = "e", with = "chrono::serde::ts_microseconds")]
    pub expires: DateTime<Utc>,
}

/// Which of the files of a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TemplateFile {
    Template,
    EditorConfig,
}

/// What a URL can give access to.
pub trait Shared: Serialize + DeserializeOwned {
    /// The segment of the path before the token.
    const PATH: &'static str;
    /// Purpose of the key and place of the seal.
    const PURPOSE: &'static str;

    fn expires(&self) -> DateTime<Utc>;
}

impl Shared for PublicDocument {
    const PATH: &'static str = "public";
    const PURPOSE: &'static str = "public-url/v1";

    fn expires(&self) -> DateTime<Utc> {
        self.expires
    }
}

impl Shared for SharedCapture {
    const PATH: &'static str = "captures";
    const PURPOSE: &'static str = "capture-url/v1";

    fn expires(&self) -> DateTime<Utc> {
        self.expires
    }
}

impl Shared for SharedTemplate {
    const PATH: &'static str = "template_files";
    const PURPOSE: &'static str = "template-url/v1";

    fn expires(&self) -> DateTime<Utc> {
        self.expires
    }
}

/// How long a URL works that is asked for: as the ISO-8601 duration says, [`MAX_LIFETIME`] without one.
///
/// # Errors
/// What is wrong with it, in words.
pub fn lifetime(text: Option<&str>) -> Result<TimeDelta, String> {
    let Some(text) = text else { return Ok(MAX_LIFETIME) };
    let lifetime = iso_duration::parse(text).map_err(|error| error.to_string())?;
    if lifetime <= MAX_LIFETIME { Ok(lifetime) } else { Err("at most PT24H is allowed".into()) }
}

/// The URL `{base_url}/{path}/{token}` of what is shared. `base_url` is the address under which the outside world reaches the server.
///
/// # Errors
/// [`Error::Lifetime`], [`Error::Unavailable`].
pub fn sign<T: Shared>(keys: &Keys, base_url: &str, shared: &T, now: DateTime<Utc>) -> Result<String, Error> {
    let lifetime = shared.expires() - now;
    if lifetime <= TimeDelta::zero() || lifetime > MAX_LIFETIME {
        return Err(Error::Lifetime);
    }
    let payload = serde_json::to_vec(shared).map_err(|_| Error::Unavailable)?;
    let sealed = keys.seal(T::PURPOSE, T::PURPOSE.as_bytes(), &payload).map_err(|_| Error::Unavailable)?;
    let token = URL_SAFE_NO_PAD.encode(sealed);
    if token.len() > MAX_TOKEN {
        return Err(Error::Unavailable);
    }
    Ok(format!("{}/{}/{token}", base_url.trim_end_matches('/'), T::PATH))
}

/// What the token of a URL stands for, if this server made it for such a thing and it has not expired.
///
/// # Errors
/// [`Error::Invalid`], [`Error::Expired`].
pub fn verify<T: Shared>(keys: &Keys, token: &str, now: DateTime<Utc>) -> Result<T, Error> {
    if token.len() > MAX_TOKEN {
        return Err(Error::Invalid);
    }
    let sealed = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::Invalid)?;
    let payload = keys.open(T::PURPOSE, T::PURPOSE.as_bytes(), &sealed).map_err(|_| Error::Invalid)?;
    let shared: T = serde_json::from_slice(&payload).map_err(|_| Error::Invalid)?;
    if now >= shared.expires() { Err(Error::Expired) } else { Ok(shared) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        Keys::from_bytes(&[1; 32])
    }

    fn noon() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn document(lifetime: TimeDelta) -> PublicDocument {
        PublicDocument {
            organization: "acme".into(),
            document: Uuid::from_u128(7),
            digest: "ab".repeat(32),
            disposition: Disposition::Inline,
            expires: noon() + lifetime,
        }
    }

    fn token(lifetime: TimeDelta) -> String {
        let url = sign(&keys(), "https://sign.example.com/", &document(lifetime), noon()).unwrap();
        url.strip_prefix("https://sign.example.com/public/").unwrap().to_owned()
    }

    #[test]
    fn a_url_leads_to_its_document_until_it_expires() {
        let token = token(TimeDelta::hours(1));
        let last = noon() + TimeDelta::hours(1) - TimeDelta::microseconds(1);

        assert_eq!(verify::<PublicDocument>(&keys(), &token, noon()), Ok(document(TimeDelta::hours(1))));
        assert!(verify::<PublicDocument>(&keys(), &token, last).is_ok());
        assert_eq!(verify::<PublicDocument>(&keys(), &token, noon() + TimeDelta::hours(1)), Err(Error::Expired));
    }

    #[test]
    fn a_url_lives_24_hours_at_most() {
        let try_for = |lifetime| sign(&keys(), "https://a.example", &document(lifetime), noon());
        assert!(try_for(MAX_LIFETIME).is_ok());
        assert_eq!(try_for(MAX_LIFETIME + TimeDelta::microseconds(1)), Err(Error::Lifetime));
        assert_eq!(try_for(TimeDelta::zero()), Err(Error::Lifetime));
        assert_eq!(try_for(TimeDelta::seconds(-1)), Err(Error::Lifetime));
    }

    #[test]
    fn a_changed_token_is_refused() {
        let token = token(TimeDelta::hours(1));
        for position in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                verify::<PublicDocument>(&keys(), &String::from_utf8(changed).unwrap(), noon()),
                Err(Error::Invalid),
                "at {position}"
            );
        }
        for refused in ["", "A", "not base64!", &token[1..], &format!("{token}A"), &"A".repeat(100_000)] {
            assert_eq!(verify::<PublicDocument>(&keys(), refused, noon()), Err(Error::Invalid));
        }
    }

    #[test]
    fn another_server_or_another_seal_is_refused() {
        let token = token(TimeDelta::hours(1));
        assert_eq!(verify::<PublicDocument>(&Keys::from_bytes(&[2; 32]), &token, noon()), Err(Error::Invalid));

        let payload = serde_json::to_vec(&document(TimeDelta::hours(1))).unwrap();
        let elsewhere = URL_SAFE_NO_PAD.encode(keys().seal("other", PublicDocument::PURPOSE.as_bytes(), &payload).unwrap());
        assert_eq!(verify::<PublicDocument>(&keys(), &elsewhere, noon()), Err(Error::Invalid));
    }

    #[test]
    fn the_token_of_a_document_opens_no_image_and_no_template() {
        assert_eq!(verify::<SharedCapture>(&keys(), &token(TimeDelta::hours(1)), noon()), Err(Error::Invalid));
        assert_eq!(verify::<SharedTemplate>(&keys(), &token(TimeDelta::hours(1)), noon()), Err(Error::Invalid));
    }

    #[test]
    fn nothing_of_the_document_can_be_read_from_the_url() {
        let bytes = URL_SAFE_NO_PAD.decode(token(TimeDelta::hours(1))).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("acme") && !text.contains(&"ab".repeat(4)));
    }

    #[test]
    fn the_same_document_gives_another_url_each_time() {
        assert_ne!(token(TimeDelta::hours(1)), token(TimeDelta::hours(1)));
    }
}
