//! The configuration: a TOML file, over it the environment, over it the flags. Every option is documented where it is declared;
//! `deploy/rubrica.toml` shows them all with their defaults.

mod biometric;
mod bounds;
mod codes;
mod consents;
mod console;
mod fonts;
mod identity_documents;
mod log;
mod pages;
mod processes;
mod reading;
mod retention;
mod sealing;
mod server;
mod store;
mod verification;
mod work;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use serde::Deserialize;
use workflows::Channel;

use self::bounds::within;
use crate::{
    access,
    channels::{self, senders::Finding},
    codes::Policies,
    erasure::Periods,
    handwriting, scoring, trust_services,
};

pub use self::{
    biometric::Biometric,
    codes::Codes,
    consents::{ConsentPolicies, ConsentPolicy, Consents, LateCapture, OrganizationConsents},
    console::Console,
    fonts::Fonts,
    identity_documents::IdentityDocuments,
    log::{Log, LogFormat},
    pages::Pages,
    processes::Processes,
    retention::{Retention, Time, Times},
    sealing::Sealing,
    server::{DEFAULT_JSON_LIMIT, DEFAULT_JSON_MEMORY, Server},
    store::{Blobs, Place, Store},
    verification::Verification,
    work::{Cpu, Documents, Filling, Fills, Render},
};

/// Prefix of environment variables: `RUBRICA_SERVER__LISTEN` sets `server.listen`.
const ENVIRONMENT_PREFIX: &str = "RUBRICA_";

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{path}: {source}")]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{path}: {message}")]
    NotToml { path: PathBuf, message: String },
    #[error("the environment variable {name}: {message}")]
    Environment { name: String, message: String },
    #[error("{0}")]
    Invalid(String),
}

/// Everything that can be configured.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `development` (default): sandbox channels, development tokens, a development tenant with a certificate of its own.
    /// `production`: none of these unless it is configured, and tokens need an issuer.
    pub mode: Mode,
    /// Folder of the embedded store, the files and the keys. Default: `./data`.
    pub data: Option<PathBuf>,
    pub store: Store,
    pub blobs: Blobs,
    pub server: Server,
    pub keys: Keys,
    pub access: access::Options,
    pub channels: channels::Options,
    pub codes: Codes,
    pub identity_documents: IdentityDocuments,
    pub processes: Processes,
    pub documents: Documents,
    pub filling: Filling,
    pub fills: Fills,
    pub cpu: Cpu,
    pub render: Render,
    pub fonts: Fonts,
    pub scoring: scoring::Options,
    pub sealing: Sealing,
    pub trust_services: trust_services::Options,
    pub biometric: Biometric,
    pub pages: Pages,
    pub verification: Verification,
    pub retention: Retention,
    pub consents: Consents,
    pub console: Console,
    pub log: Log,
    /// Per organization, by its identifier.
    pub organizations: BTreeMap<String, Organization>,
}

/// See [`Config::mode`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    #[default]
    Development,
    Production,
}

/// The server's master key.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Keys {
    /// 32 bytes as base64. Losing it makes journals, stored certificates and codes under way useless. Servers that share a store share one.
    /// Default: made at the first start and kept in the file `keys/master.key` of the data folder; with a shared store there is none.
    pub master: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("master", &self.master.as_ref().map(|_| "..")).finish()
    }
}

/// One organization.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organization {
    /// The name by which people know it, in messages and certificates. Default: its identifier.
    pub name: Option<String>,
    /// Its time zone in the certificates, by its name in the IANA database, e.g. `Europe/Madrid`. Default: UTC.
    pub time_zone: Option<chrono_tz::Tz>,
    /// E-mail address of those who answer questions of signers; their pages show it. Default: none.
    pub contact_email: Option<String>,
    /// Phone of the same people, with its country code. Default: none.
    pub contact_phone: Option<String>,
    /// In place of `codes.fallback_channels`. Default: those.
    pub fallback_channels: Option<Vec<Channel>>,
    /// In place of the same options of `consents`.
    pub consents: OrganizationConsents,
    /// In place of the same times of `retention.after`.
    pub retention: Times,
}

impl Config {
    /// Reads the file, if one is named, and the environment over it.
    ///
    /// # Errors
    /// What cannot be read, is unknown, or out of bounds.
    pub fn load(file: Option<&Path>, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut table = match file {
            None => toml::Table::new(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable { path: path.to_owned(), source })?;
                text.parse::<toml::Table>()
                    .map_err(|error| Error::NotToml { path: path.to_owned(), message: reading::place(&text, &error) })?
            }
        };
        // In order of their names: a short one comes before, and gives way to, the long one.
        for (name, value) in environment.into_iter().collect::<BTreeMap<_, _>>() {
            if let Some(path) = name.strip_prefix(ENVIRONMENT_PREFIX).filter(|path| reading::is_option(path)) {
                let path = if path == reading::STORE { "STORE__URL" } else { path };
                reading::set(&mut table, path, &value).map_err(|message| Error::Environment { name: name.clone(), message })?;
            }
        }
        let mut config: Self = serde_path_to_error::deserialize(toml::Value::Table(table)).map_err(|error| {
            let source = file.map_or_else(|| "the configuration".to_owned(), |path| path.display().to_string());
            // Without the value, which may be a secret.
            let message = reading::without_value(error.inner().message());
            match error.path().to_string().as_str() {
                "." => Error::Invalid(format!("{source}: {message}")),
                path => Error::Invalid(format!("{source}: {path}: {message}")),
            }
        })?;
        if config.mode == Mode::Development {
            config.access.development = true;
        } else if config.channels.sandbox.is_none() {
            config.channels.sandbox = Some(false);
        }
        config.check()?;
        Ok(config)
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| PathBuf::from("data"))
    }

    fn check(&self) -> Result<(), Error> {
        self.server.check()?;
        self.codes.check()?;
        self.identity_documents.check()?;
        for (id, organization) in &self.organizations {
            let once = organization.fallback_channels.as_deref().is_none_or(codes::each_once);
            within(&format!("organizations.{id}.fallback_channels"), once, "each channel once")?;
            pages::check_contact(id, organization)?;
            organization.retention.check(&format!("organizations.{id}.retention"))?;
            organization.consents.check(&format!("organizations.{id}.consents"))?;
        }
        self.processes.check()?;
        self.documents.check()?;
        self.filling.check()?;
        self.fills.check()?;
        self.cpu.check()?;
        self.render.check()?;
        self.fonts.check()?;
        self.scoring.check().map_err(|error| Error::Invalid(format!("scoring.{error}")))?;
        self.trust_services.check().map_err(|error| Error::Invalid(format!("trust_services.{error}")))?;
        self.sealing.check(self.trust_services.offer(), &self.processes)?;
        self.biometric.check()?;
        self.pages.check()?;
        self.retention.check()?;
        self.consents.check()?;
        self.console.check(&self.server)?;
        self.log.check()?;
        self.store.check().map_err(|error| Error::Invalid(format!("store.{error}")))?;
        self.blobs.check().map_err(|error| Error::Invalid(format!("blobs.{error}")))?;
        // Each server would make a key and a folder of its own, and none could open what another one kept.
        let alone = !self.store.is_shared();
        within(
            "keys.master",
            alone || self.keys.master.is_some(),
            "a master key, the same on every server that shares the store (`openssl rand -base64 32` makes one)",
        )?;
        within(
            "blobs.url",
            alone || self.blobs.url.is_some(),
            "a bucket or a folder that every server that shares the store reaches",
        )?;
        self.access.check().map_err(|error| Error::Invalid(format!("access: {error}")))?;
        let production = self.mode == Mode::Production;
        within(
            "access.issuers",
            !production || !self.access.issuers.is_empty(),
            "at least one issuer of tokens in production mode",
        )?;
        within("access.development", !production || !self.access.development, "false in production mode")?;
        within("channels.sandbox", !production || !self.channels.sandbox_is_on(), "false in production mode")?;
        Ok(())
    }

    /// The policies of new identifications.
    pub fn code_policies(&self) -> Policies {
        let own = |(id, organization): (&String, &Organization)| Some((id.clone(), organization.fallback_channels.clone()?));
        Policies::new(self.codes.policy(), self.organizations.iter().filter_map(own).collect())
    }

    /// What holds for the consents of each organization.
    pub fn consent_policies(&self) -> ConsentPolicies {
        self.consents.policies(self.organizations.iter().map(|(id, organization)| (id, &organization.consents)))
    }

    /// How long what has ended is kept.
    pub fn periods(&self) -> Periods {
        self.retention.periods(self.organizations.iter().map(|(id, organization)| (id, &organization.retention)))
    }

    /// What can only be checked by reading other files and building parts, as the server does at its start.
    ///
    /// # Errors
    /// What the server would refuse to start with. Otherwise what keeps messages from going out as configured on the day `now`, or soon will,
    /// and escrow certificates that end.
    pub fn try_parts(&self, now: DateTime<Utc>) -> Result<Vec<Finding>, Box<dyn std::error::Error>> {
        let keys = match &self.keys.master {
            Some(text) => crate::keys::Keys::from_base64(text)?,
            None => crate::keys::Keys::from_bytes(&[0; crate::keys::KEY_LEN]),
        };
        access::Service::new(&self.access, &keys).map_err(|error| format!("access: {error}"))?;
        if let Some(oidc) = &self.console.oidc {
            access::oidc::Provider::new(oidc, "", self.access.clock_leeway).map_err(|error| format!("console.oidc.{error}"))?;
        }
        self.trust_services.accounts().map_err(|error| format!("trust_services.{error}"))?;
        crate::verify::service::configured(&self.verification).map_err(|error| format!("verification.roots: {error}"))?;
        let mut findings = channels::Channels::check(&self.channels, now)?;
        findings.extend(handwriting::findings(&self.biometric.defaults()?, now));
        Ok(findings)
    }
}

#[cfg(test)]
mod tests;
