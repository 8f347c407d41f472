//! The claims of a token (RFC 7519 section 4.1), checked against one issuer's settings and the wall clock.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Error, RoleSet};

/// Maximum number of organizations that one token may name.
const MAX_ORGANIZATIONS: usize = 256;

/// Maximum length of a text of a claim that is kept, in bytes.
const MAX_TEXT: usize = 256;

/// The last instant that a claim may name: the end of the year 9999, in seconds since 1970.
const MAX_INSTANT: f64 = 253_402_300_799.0;

/// Claims as they came. All are optional here so that the answer can name the one that is missing.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: Option<String>,
    pub(super) sub: Option<String>,
    pub(super) aud: Option<OneOrMore>,
    pub(super) exp: Option<f64>,
    pub(super) nbf: Option<f64>,
    pub(super) iat: Option<f64>,
    pub(super) organization: Option<String>,
    pub(super) organizations: Option<Vec<String>>,
    pub(super) roles: Option<Vec<String>>,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn first_of(&self, accepted: &[String]) -> Option<String> {
        let given = match self {
            OneOrMore::One(one) => std::slice::from_ref(one),
            OneOrMore::More(more) => more.as_slice(),
        };
        accepted.iter().find(|audience| given.contains(audience)).cloned()
    }
}

/// The times of a token.
pub(super) struct Lifetime {
    pub(super) exp: Option<f64>,
    pub(super) nbf: Option<f64>,
    pub(super) iat: Option<f64>,
}

impl Lifetime {
    /// The instant from which the token no longer counts, leeway included, if it counts now.
    pub(super) fn check(&self, leeway: TimeDelta, now: DateTime<Utc>) -> Result<DateTime<Utc>, Error> {
        let expires = instant(self.exp.ok_or(Error::Claims("exp is missing"))?, "exp is not a time")? + leeway;
        if now >= expires {
            return Err(Error::Expired);
        }
        for (start, wrong) in [(self.nbf, "nbf is not a time"), (self.iat, "iat is not a time")] {
            if let Some(start) = start
                && now + leeway < instant(start, wrong)?
            {
                return Err(Error::NotYetValid);
            }
        }
        Ok(expires)
    }
}

fn instant(seconds: f64, wrong: &'static str) -> Result<DateTime<Utc>, Error> {
    if !(0.0..=MAX_INSTANT).contains(&seconds) {
        return Err(Error::Claims(wrong));
    }
    DateTime::from_timestamp(seconds as i64, 0).ok_or(Error::Claims(wrong))
}

impl Claims {
    pub(super) fn lifetime(&self) -> Lifetime {
        Lifetime { exp: self.exp, nbf: self.nbf, iat: self.iat }
    }

    pub(super) fn check_issuer(&self, issuer: &str) -> Result<(), Error> {
        if self.iss.as_deref() == Some(issuer) { Ok(()) } else { Err(Error::Issuer) }
    }

    /// The first of the accepted audiences that the token is meant for.
    pub(super) fn audience(&self, accepted: &[String]) -> Result<String, Error> {
        self.aud.as_ref().and_then(|audience| audience.first_of(accepted)).ok_or(Error::Audience)
    }

    pub(super) fn subject(&self) -> Result<String, Error> {
        let subject = self.sub.as_deref().ok_or(Error::Claims("sub is missing"))?;
        if is_text(subject) { Ok(subject.to_owned()) } else { Err(Error::Claims("sub is empty or too long")) }
    }

    /// The organizations of `organizations` and `organization` together.
    pub(super) fn organizations(&self) -> Result<Vec<String>, Error> {
        let named: Vec<String> = self.organizations.iter().flatten().chain(&self.organization).cloned().collect();
        if named.is_empty() {
            return Err(Error::Claims("organizations is missing or empty"));
        }
        if named.len() > MAX_ORGANIZATIONS || !named.iter().all(|organization| is_text(organization)) {
            return Err(Error::Claims("organizations has too many entries, or an entry that is empty or too long"));
        }
        Ok(named)
    }

    pub(super) fn roles(&self) -> RoleSet {
        RoleSet::from_names(self.roles.iter().flatten().map(String::as_str))
    }
}

pub(super) fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_TEXT
}
