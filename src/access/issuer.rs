//! One trusted issuer: its keys, and what its tokens must say.

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};

use super::claims::Claims;
use super::fetch::Fetch;
use super::jwks::{Policy, RemoteKeys};
use super::jwt::{self, Algorithm, Header, Key};
use super::options::{IssuerOptions, KeySource, OptionsError};
use super::{Caller, Error, Grant, OWN_AUDIENCE, development};
use crate::keys::Keys;

/// Kinds of token that an issuer may send: none stated, a JWT, an OAuth access token (RFC 9068).
const KINDS: [&str; 2] = ["jwt", "at+jwt"];

/// Shortest shared secret, in bytes (RFC 7518 section 3.2).
const MIN_SECRET: usize = 32;

/// Maximum length of a file with a shared secret, in bytes.
const MAX_SECRET_FILE: u64 = 4096;

pub(super) struct Issuer {
    name: String,
    audiences: Vec<String>,
    /// Empty: any.
    organizations: Vec<String>,
    algorithms: Vec<Algorithm>,
    leeway: TimeDelta,
    keys: IssuerKeys,
}

enum IssuerKeys {
    Secret(Box<Key>),
    Set(Box<RemoteKeys>),
}

impl Issuer {
    /// `fetch` gets the key set of an issuer that has one.
    pub(super) fn new(options: &IssuerOptions, leeway: TimeDelta, fetch: Option<Arc<dyn Fetch>>) -> Result<Self, OptionsError> {
        let wrong = |what: String| OptionsError::new(&options.issuer, what);
        let keys = match (options.key_source()?, fetch) {
            (KeySource::Secret(secret), _) => shared_secret(secret.expose()).map_err(wrong)?,
            (KeySource::SecretFile(path), _) => shared_secret(&read_secret(path).map_err(wrong)?).map_err(wrong)?,
            (KeySource::Jwks, Some(fetch)) => {
                let policy = Policy { refresh_interval: options.refresh_interval };
                IssuerKeys::Set(Box::new(RemoteKeys::new(options.issuer.clone(), fetch, policy)))
            }
            (KeySource::Jwks, None) => return Err(wrong("its key set cannot be fetched".into())),
        };
        Ok(Self {
            name: options.issuer.clone(),
            audiences: options.audiences.clone(),
            organizations: options.organizations.clone(),
            algorithms: options.allowed_algorithms(),
            leeway,
            keys,
        })
    }

    /// The issuer of development tokens.
    pub(super) fn development(keys: &Keys, leeway: TimeDelta) -> Self {
        Self {
            name: development::ISSUER.into(),
            audiences: vec![OWN_AUDIENCE.into()],
            organizations: vec![],
            algorithms: vec![Algorithm::HS256],
            leeway,
            keys: IssuerKeys::Secret(Box::new(Key::shared_secret(&development::secret(keys)))),
        }
    }

    /// Fetches the key set, where there is one and it is due.
    pub(super) async fn fetch_keys(&self, now: DateTime<Utc>) {
        if let IssuerKeys::Set(keys) = &self.keys {
            keys.refresh_when_due(now).await;
        }
    }

    /// The caller of a token and the instant from which it no longer counts.
    pub(super) async fn verify(
        &self,
        token: &str,
        header: &Header,
        now: DateTime<Utc>,
    ) -> Result<(Caller, DateTime<Utc>), Error> {
        if header.kind.as_deref().is_some_and(|kind| !KINDS.contains(&kind)) {
            return Err(Error::Malformed("it is of another kind"));
        }
        if !self.algorithms.contains(&header.algorithm) {
            return Err(Error::Algorithm);
        }
        let claims = self.verified_claims(token, header, now).await?;
        claims.check_issuer(&self.name)?;
        let expires = claims.lifetime().check(self.leeway, now)?;
        let audience = claims.audience(&self.audiences)?;
        let subject = claims.subject()?;
        let organizations = self.may_speak_for(claims.organizations()?)?;
        let grant = Grant::Organization { organizations, roles: claims.roles() };
        Ok((Caller { subject, issuer: self.name.clone(), audience, grant }, expires))
    }

    async fn verified_claims(&self, token: &str, header: &Header, now: DateTime<Utc>) -> Result<Claims, Error> {
        let keys = match &self.keys {
            IssuerKeys::Secret(key) if key.algorithm == header.algorithm => return jwt::verified_claims(token, key),
            IssuerKeys::Secret(_) => return Err(Error::Algorithm),
            IssuerKeys::Set(keys) => keys.find(header.algorithm, header.key_id.as_deref(), now).await?,
        };
        let mut outcome = Err(Error::UnknownKey);
        for key in keys {
            outcome = jwt::verified_claims(token, &key);
            if !matches!(outcome, Err(Error::Signature)) {
                break;
            }
        }
        outcome
    }

    /// The organizations of the token that this issuer may speak for, at least one.
    fn may_speak_for(&self, mut named: Vec<String>) -> Result<Vec<String>, Error> {
        if !self.organizations.is_empty() {
            named.retain(|organization| self.organizations.contains(organization));
        }
        if named.is_empty() { Err(Error::Organization) } else { Ok(named) }
    }
}

fn shared_secret(base64: &str) -> Result<IssuerKeys, String> {
    let secret = STANDARD.decode(base64.trim()).map_err(|_| "its secret is not base64")?;
    if secret.len() < MIN_SECRET {
        return Err(format!("its secret is shorter than {MIN_SECRET} bytes"));
    }
    Ok(IssuerKeys::Secret(Box::new(Key::shared_secret(&secret))))
}

fn read_secret(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("its secret file {} cannot be read: {error}", path.display());
    if std::fs::metadata(path).map_err(unreadable)?.len() > MAX_SECRET_FILE {
        return Err(format!("its secret file {} is too long", path.display()));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}
