//! How the pages of an organization's signers look, whom they name, and in whose pages they may stand.
//!
//! Nothing in it is secret: all of it is on pages, or in headers that strangers get.

mod accent;
mod logo;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use data_encoding::HEXLOWER;
use pages::texts::Language;
use serde::{Deserialize, Serialize};
use store::{Store, Timestamp, blobs::Digest};
use workflows::{EmailAddress, values::Problems};

pub use accent::Accent;

use super::Error as CatalogueError;
use super::item::{Act, Item, Items, Kind};
use super::remembered::Remembered;
use crate::cpu_pool::{CpuPool, Job, Work};
use crate::pictures;
use crate::records::{self, Records};
use crate::tenant_addresses::{is_contact_phone, is_origin};

/// An organization has one; its versions are its history.
const KEY: &str = "current";

/// Maximum number of origins.
const MAX_ORIGINS: usize = 20;

/// Maximum length of an address, in bytes.
const MAX_URL: usize = 2048;

/// Largest file of a logo, in bytes.
pub const MAX_LOGO_FILE: usize = logo::MAX_FILE;

/// Largest logo as it is sent, in characters of base64.
const MAX_LOGO: usize = logo::MAX_FILE.div_ceil(3) * 4;

/// How long what was read is taken for what is stored. This server's own changes are seen at once, another one's after this.
const REMEMBERED: Duration = Duration::from_secs(5);

/// Why a configuration cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was sent cannot become one.
    #[error("the page configuration is not valid")]
    Invalid(Problems),
    /// The catalogue failed.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

impl From<records::Error> for Error {
    fn from(error: records::Error) -> Self {
        Self::Catalogue(error.into())
    }
}

/// What a client sends: the whole configuration.
#[derive(Clone, Default)]
pub struct Draft {
    pub origins: Vec<String>,
    pub accent: Option<String>,
    /// PNG or JPEG in base64.
    pub logo: Option<String>,
    pub contact_email: Option<String>,
    pub contact_phone: Option<String>,
    pub privacy_url: Option<String>,
    pub languages: Vec<String>,
}

/// A configuration. The default one is that of an organization that set none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageConfiguration {
    /// Origins of pages that may have the element or the frame, and call the API for this organization.
    #[serde(default)]
    pub origins: Vec<String>,
    /// Colour of buttons and links.
    #[serde(default)]
    pub accent: Option<Accent>,
    #[serde(default)]
    pub logo: Option<Logo>,
    /// Who answers questions of signers; where it is `None`, the configured one.
    #[serde(default)]
    pub contact_email: Option<String>,
    /// The same, by phone.
    #[serde(default)]
    pub contact_phone: Option<String>,
    /// What is done with personal data; an address of `https`.
    #[serde(default)]
    pub privacy_url: Option<String>,
    /// Tags of the languages that are offered, the first of them for whoever wants none of them; empty for all that there are.
    #[serde(default)]
    pub languages: Vec<String>,
}

/// A logo as browsers get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Logo {
    /// A PNG, in base64.
    pub content: String,
    /// SHA-256 of the PNG, 32 hexadecimal digits of it: part of its address, which so never shows another one.
    pub digest: String,
}

impl Logo {
    fn new(png: &[u8]) -> Self {
        let mut digest = HEXLOWER.encode(digest::digest(&digest::SHA256, png).as_ref());
        digest.truncate(32);
        Self { content: STANDARD.encode(png), digest }
    }

    /// The PNG; empty if the record is damaged, which a browser shows as no picture.
    pub fn png(&self) -> Vec<u8> {
        STANDARD.decode(&self.content).unwrap_or_default()
    }
}

impl Kind for PageConfiguration {
    const COLLECTION: &'static str = "page_configuration";
    const KEY_IS_FREED: bool = false;
}

/// A configuration and its version: 0 where none was ever set.
pub type Current = (u64, Arc<PageConfiguration>);

/// The configurations of all organizations; a cheap handle.
#[derive(Clone)]
pub struct PageConfigurations {
    items: Items<PageConfiguration>,
    cpu: CpuPool,
    remembered: Arc<Remembered<Current>>,
}

impl PageConfigurations {
    /// Over a store, with the pool in which logos are drawn.
    pub fn new(store: Arc<dyn Store>, cpu: CpuPool) -> Self {
        Self { items: Items::new(Records::new(store)), cpu, remembered: Arc::new(Remembered::new(REMEMBERED)) }
    }

    /// That of an organization, as it was at most 5 seconds ago.
    ///
    /// # Errors
    /// [`CatalogueError::Record`].
    pub async fn load(&self, organization: &str) -> Result<Current, CatalogueError> {
        let changes = match self.remembered.find(organization, Instant::now()) {
            Ok(current) => return Ok(current),
            Err(changes) => changes,
        };
        let found = self.items.find(organization, KEY).await?;
        let current = found.map_or_else(|| (0, Arc::default()), |found| (found.version, Arc::new(found.item.value)));
        self.remembered.keep(organization, &current, changes, Instant::now());
        Ok(current)
    }

    /// Replaces that of an organization; the history keeps the one before. The same again makes no version.
    ///
    /// # Errors
    /// [`Error::Invalid`] with everything that is wrong, [`Error::Catalogue`].
    pub async fn set(&self, organization: &str, draft: Draft, act: Act<'_>) -> Result<Current, Error> {
        let configuration = self.checked(organization, draft).await?;
        let changing = self.remembered.changing(organization);
        let change = |current: Option<Item<PageConfiguration>>| -> Result<_, Error> {
            Ok(match current {
                None => Some(Item::new(configuration.clone())),
                Some(item) if item.value == configuration => None,
                Some(item) => Some(item.with(configuration.clone())),
            })
        };
        self.items.change(organization, KEY, "set", act, change).await?;
        drop(changing);
        Ok(self.load(organization).await?)
    }

    async fn checked(&self, organization: &str, draft: Draft) -> Result<PageConfiguration, Error> {
        let mut problems = Problems::default();
        let Draft { origins, accent, logo, contact_email, contact_phone, privacy_url, languages } = draft;
        check_list("origins", &origins, MAX_ORIGINS, &mut problems, |origin| {
            let expected = "expected an origin as browsers send it, such as https://shop.example.org, without a path";
            is_origin(origin).then_some(()).ok_or_else(|| expected.to_owned())
        });
        check_list("languages", &languages, Language::ALL.len(), &mut problems, |tag| {
            let known = Language::ALL.map(Language::tag);
            known.contains(&tag).then_some(()).ok_or_else(|| format!("expected one of {}", known.join(", ")))
        });
        let accent = accent.and_then(|colour| problems.take("accent", Accent::new(colour.trim())));
        let contact_email = contact_email.and_then(|address| {
            let checked = EmailAddress::parse(&address).map(|_| address.clone());
            problems.take("contact_email", checked)
        });
        let contact_phone = contact_phone.and_then(|phone| {
            let is_phone = is_contact_phone(&phone);
            problems.take("contact_phone", is_phone.then_some(phone).ok_or("expected a phone number such as +34 600 111 222"))
        });
        let privacy_url = privacy_url.and_then(|url| problems.take("privacy_url", check_url(url)));
        let file = logo.and_then(|logo| problems.take("logo", pictures::decode(&logo, MAX_LOGO)));
        let logo = match file {
            None => None,
            Some(file) => problems.take("logo", self.draw(organization, file).await?),
        };
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let logo = logo.map(|png| Logo::new(&png));
        Ok(PageConfiguration { origins, accent, logo, contact_email, contact_phone, privacy_url, languages })
    }

    /// Draws a logo in the organization's turn: who made the file says how long that takes.
    async fn draw(&self, organization: &str, file: Vec<u8>) -> Result<Result<Vec<u8>, String>, CatalogueError> {
        let job = Job::new(organization, file.len() as u64).on(Digest::of(&file), Work::Read);
        Ok(self.cpu.run(job, move |_| logo::drawn(&file)).await?)
    }

    /// Who last set it and when; `None` where nobody did.
    ///
    /// # Errors
    /// [`CatalogueError::Record`].
    pub async fn last_set(&self, organization: &str) -> Result<Option<(Timestamp, Option<String>)>, CatalogueError> {
        let page = self.items.changelog(organization, KEY, None, 1).await?;
        Ok(page.items.into_iter().next().map(|logged| (logged.at, logged.change.by)))
    }
}

/// Notes what is wrong with the entries of a list, each of which stands there once.
fn check_list(
    member: &str,
    entries: &[String],
    most: usize,
    problems: &mut Problems,
    check: impl Fn(&str) -> Result<(), String>,
) {
    if entries.len() > most {
        return problems.note(member, format!("at most {most} are allowed"));
    }
    let mut seen = BTreeSet::new();
    for (position, entry) in entries.iter().enumerate() {
        let path = format!("{member}[{position}]");
        match check(entry) {
            Err(problem) => problems.note(path, problem),
            Ok(()) if !seen.insert(entry) => problems.note(path, "it stands there twice"),
            Ok(()) => {}
        }
    }
}

fn check_url(url: String) -> Result<String, String> {
    let parsed = reqwest::Url::parse(&url).ok().filter(|parsed| parsed.scheme() == "https" && parsed.username().is_empty());
    match parsed {
        Some(parsed) if url.len() <= MAX_URL => Ok(parsed.into()),
        _ => Err(format!("expected an address such as https://example.org/privacy, of at most {MAX_URL} bytes")),
    }
}
