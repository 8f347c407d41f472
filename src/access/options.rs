//! The `[access]` section of the configuration.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use chrono::TimeDelta;
use serde::Deserialize;

use super::{Algorithm, development, internal};

/// Whose tokens are accepted, and how long the server's own last.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// The trusted issuers of organization tokens. Default: none.
    pub issuers: Vec<IssuerOptions>,
    /// Whether tokens of the development issuer (`rubrica token`) are accepted: whoever can read the data folder can make one.
    /// Never in production. Default: false.
    pub development: bool,
    /// How far an issuer's clock may be off when `exp`, `nbf` and `iat` are checked. At most PT5M. Default: PT30S.
    #[serde(deserialize_with = "crate::iso_duration::or_zero")]
    pub clock_leeway: TimeDelta,
    /// How long the token of `securize` lasts, for the web component of one sign process. At most P1D. Default: PT1H.
    #[serde(with = "crate::iso_duration")]
    pub sign_process_token_lifetime: TimeDelta,
    /// How long the `x-access-token` after a successful identification lasts, for one signature or one chain. At most P1D. Default: PT30M.
    #[serde(with = "crate::iso_duration")]
    pub signature_token_lifetime: TimeDelta,
    /// How long a page may come back to a signature with the key that it kept when its signer gave a right code, without another code; each time
    /// it gets an `x-access-token`. PT1M to P7D. Default: P1D.
    #[serde(with = "crate::iso_duration")]
    pub resume_lifetime: TimeDelta,
    /// How many verified tokens are remembered, each for a minute at most, so that they need not be verified at each request;
    /// about 500 bytes each. 0 to 1000000; 0 remembers none. Default: 10000.
    pub cached_tokens: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            development: false,
            clock_leeway: TimeDelta::seconds(30),
            sign_process_token_lifetime: TimeDelta::hours(1),
            signature_token_lifetime: TimeDelta::minutes(30),
            resume_lifetime: TimeDelta::days(1),
            cached_tokens: 10_000,
        }
    }
}

/// One trusted issuer. Exactly one of `secret`, `secret_file`, `jwks_file` and `jwks_url` says where its keys are.
///
/// Its tokens must carry `iss`, `aud`, `sub`, `exp`, and `organizations` (a list) or `organization` (a text); `roles` (a list)
/// says what they may do; `nbf` and `iat` are checked where present.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerOptions {
    /// The `iss` claim of its tokens, compared as it stands. Not `rubrica-internal` or `rubrica-development`.
    pub issuer: String,
    /// The `aud` claims that are accepted; at least one.
    pub audiences: Vec<String>,
    /// The organizations that it may speak for. A customer's own issuer must be limited to that customer's; empty means any
    /// organization that its tokens name. Default: empty.
    #[serde(default)]
    pub organizations: Vec<String>,
    /// The signature algorithms that are accepted: HS256 with a secret; RS256, ES256 and EdDSA with a key set. Default: all that
    /// fit its keys.
    #[serde(default)]
    pub algorithms: Vec<Algorithm>,
    /// A shared secret for HS256, at least 32 bytes as base64. For development and trusted back ends: whoever can check these
    /// tokens can make them.
    #[serde(default)]
    pub secret: Option<Secret>,
    /// A file with such a secret.
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// A file with the issuer's key set (JWKS); read again as a `jwks_url` is.
    #[serde(default)]
    pub jwks_file: Option<PathBuf>,
    /// The https address of the issuer's key set (JWKS). Issuers that change their keys must name them (`kid`).
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// How often the key set is fetched; besides, a token that names an unknown key has it fetched, at most every 30 seconds.
    /// PT1M to P1D. Default: PT1H.
    #[serde(default = "refresh_interval", with = "crate::iso_duration")]
    pub refresh_interval: TimeDelta,
}

fn refresh_interval() -> TimeDelta {
    TimeDelta::hours(1)
}

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// What is wrong with the options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    #[error("access: {0}")]
    General(String),
    #[error("access: issuer {issuer:?}: {what}")]
    Issuer { issuer: String, what: String },
}

impl OptionsError {
    pub(super) fn new(issuer: &str, what: impl Into<String>) -> Self {
        Self::Issuer { issuer: issuer.into(), what: what.into() }
    }
}

/// Where an issuer's keys are.
pub(super) enum KeySource<'a> {
    Secret(&'a Secret),
    SecretFile(&'a Path),
    Jwks,
}

impl Options {
    /// Checks bounds and what must agree, without touching files or the network.
    pub fn check(&self) -> Result<(), OptionsError> {
        let day = TimeDelta::days(1);
        within("clock_leeway", self.clock_leeway, TimeDelta::zero(), TimeDelta::minutes(5))?;
        within("sign_process_token_lifetime", self.sign_process_token_lifetime, TimeDelta::seconds(1), day)?;
        within("signature_token_lifetime", self.signature_token_lifetime, TimeDelta::seconds(1), day)?;
        within("resume_lifetime", self.resume_lifetime, TimeDelta::minutes(1), TimeDelta::days(7))?;
        if self.cached_tokens > 1_000_000 {
            return Err(OptionsError::General("cached_tokens must be at most 1000000".into()));
        }
        let mut names = HashSet::from([internal::ISSUER, development::ISSUER]);
        for issuer in &self.issuers {
            if !names.insert(&issuer.issuer) {
                return Err(OptionsError::new(&issuer.issuer, "its name is reserved or given twice"));
            }
            issuer.check()?;
        }
        Ok(())
    }
}

impl IssuerOptions {
    fn check(&self) -> Result<(), OptionsError> {
        let wrong = |what: &str| Err(OptionsError::new(&self.issuer, what));
        let source = self.key_source()?;
        if self.issuer.is_empty() {
            return wrong("its name is empty");
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return wrong("audiences must hold at least one, and no empty one");
        }
        if self.organizations.iter().any(String::is_empty) {
            return wrong("organizations must hold no empty one");
        }
        let is_secret = !matches!(source, KeySource::Jwks);
        if self.algorithms.iter().any(|algorithm| algorithm.is_symmetric() != is_secret) {
            return wrong("algorithms must be HS256 with a secret, and RS256, ES256 or EdDSA with a key set");
        }
        if self.refresh_interval < TimeDelta::minutes(1) || self.refresh_interval > TimeDelta::days(1) {
            return wrong("refresh_interval must be PT1M to P1D");
        }
        Ok(())
    }

    pub(super) fn key_source(&self) -> Result<KeySource<'_>, OptionsError> {
        match (&self.secret, &self.secret_file, &self.jwks_file, &self.jwks_url) {
            (Some(secret), None, None, None) => Ok(KeySource::Secret(secret)),
            (None, Some(path), None, None) => Ok(KeySource::SecretFile(path)),
            (None, None, Some(_), None) | (None, None, None, Some(_)) => Ok(KeySource::Jwks),
            _ => Err(OptionsError::new(&self.issuer, "give exactly one of secret, secret_file, jwks_file and jwks_url")),
        }
    }

    /// The stated algorithms, or all that fit the keys.
    pub(super) fn allowed_algorithms(&self) -> Vec<Algorithm> {
        if !self.algorithms.is_empty() {
            return self.algorithms.clone();
        }
        match self.secret.is_some() || self.secret_file.is_some() {
            true => vec![Algorithm::HS256],
            false => vec![Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA],
        }
    }
}

fn within(name: &str, value: TimeDelta, least: TimeDelta, most: TimeDelta) -> Result<(), OptionsError> {
    use crate::iso_duration::format;
    if value < least || value > most {
        return Err(OptionsError::General(format!("{name} must be {} to {}", format(least), format(most))));
    }
    Ok(())
}
