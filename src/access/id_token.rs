//! ID tokens (OpenID Connect Core 1.0, section 2): who has just signed in at the identity provider of staff.
//!
//! An ID token is no bearer token: it is taken from the provider's own hand, once, for the sign-in whose nonce it bears.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Map, Value};

use super::claims::{Lifetime, is_text};
use super::fetch::Fetch;
use super::jwks::{Policy, RemoteKeys};
use super::jwt::{self, Header, Key};
use super::{Error, MAX_TOKEN, RoleSet};

/// Maximum number of organizations or roles that are looked at.
const MAX_NAMES: usize = 256;

/// Maximum length of a person's name that is kept, in characters.
const MAX_NAME: usize = 80;

/// How often the key set is fetched.
const REFRESH: TimeDelta = TimeDelta::hours(1);

/// What tokens must say, and where they say what.
#[derive(Clone, Debug)]
pub(super) struct Expected {
    pub issuer: String,
    pub client_id: String,
    pub leeway: TimeDelta,
    /// The claim with organizations: its name, or the way to it with dots.
    pub organizations_claim: String,
    /// The claim with roles, as well.
    pub roles_claim: String,
}

/// Who signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The `sub` claim.
    pub subject: String,
    /// For people: `name`, else `preferred_username`, `email`, the subject.
    pub name: String,
    /// In the token's order, each once; perhaps none.
    pub organizations: Vec<String>,
    /// Perhaps none.
    pub roles: RoleSet,
}

/// Checks the ID tokens of one provider for one client.
pub(super) struct IdTokens {
    expected: Expected,
    keys: RemoteKeys,
}

type Claims = Map<String, Value>;

impl IdTokens {
    pub(super) fn new(expected: Expected, fetch: Arc<dyn Fetch>) -> Self {
        let keys = RemoteKeys::new(expected.issuer.clone(), fetch, Policy { refresh_interval: REFRESH });
        Self { expected, keys }
    }

    /// Who signed in, by a token for the sign-in with this nonce (section 3.1.3.7).
    ///
    /// # Errors
    /// [`Error`]; a claim that is missing or wrong is named.
    pub(super) async fn verify(&self, token: &str, nonce: &str, now: DateTime<Utc>) -> Result<Person, Error> {
        if token.len() > MAX_TOKEN {
            return Err(Error::Malformed("it is too long"));
        }
        let header = Header::read(token)?;
        // The client's secret signs nothing here: what can be checked with it could be made with it.
        if header.algorithm.is_symmetric() {
            return Err(Error::Algorithm);
        }
        let claims = self.signed(token, &self.keys.find(header.algorithm, header.key_id.as_deref(), now).await?)?;
        if text(&claims, "iss") != Some(&self.expected.issuer) {
            return Err(Error::Issuer);
        }
        self.check_audience(&claims)?;
        let time = |name: &str| claims.get(name).map(|value| value.as_f64().unwrap_or(f64::NAN));
        let lifetime = Lifetime { exp: time("exp"), nbf: time("nbf"), iat: time("iat") };
        lifetime.check(self.expected.leeway, now)?;
        if text(&claims, "nonce") != Some(nonce) {
            return Err(Error::Claims("nonce is not that of this sign-in"));
        }
        let subject =
            text(&claims, "sub").filter(|subject| is_text(subject)).ok_or(Error::Claims("sub is missing or too long"))?;
        let name = ["name", "preferred_username", "email"].into_iter().find_map(|claim| text(&claims, claim)).unwrap_or(subject);
        let organizations = names(&claims, &self.expected.organizations_claim)?;
        let roles = names(&claims, &self.expected.roles_claim)?;
        Ok(Person {
            subject: subject.to_owned(),
            name: name.chars().filter(|character| !character.is_control()).take(MAX_NAME).collect(),
            organizations,
            roles: RoleSet::from_names(roles.iter().map(String::as_str)),
        })
    }

    fn signed(&self, token: &str, keys: &[Arc<Key>]) -> Result<Claims, Error> {
        let mut outcome = Err(Error::UnknownKey);
        for key in keys {
            outcome = jwt::verified_claims(token, key);
            if !matches!(outcome, Err(Error::Signature)) {
                break;
            }
        }
        outcome
    }

    /// The token is for this client; where it is for others too, this client asked for it (`azp`).
    fn check_audience(&self, claims: &Claims) -> Result<(), Error> {
        let own = |value: &Value| value.as_str() == Some(&self.expected.client_id);
        let (is_meant, is_alone) = match claims.get("aud") {
            Some(Value::Array(audiences)) => (audiences.iter().any(own), audiences.len() == 1),
            Some(one) => (own(one), true),
            None => (false, false),
        };
        let party = claims.get("azp");
        let has_asked = if is_alone { party.is_none_or(own) } else { party.is_some_and(own) };
        if is_meant && has_asked { Ok(()) } else { Err(Error::Audience) }
    }
}

fn text<'a>(claims: &'a Claims, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// The names in a claim: a text, or a list of texts. A claim that is not there has none.
fn names(claims: &Claims, path: &str) -> Result<Vec<String>, Error> {
    let wrong = Error::Claims("organizations or roles have too many entries, or an entry that is empty or too long");
    let listed = match claim(claims, path) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(listed)) => listed.as_slice(),
        Some(one) => std::slice::from_ref(one),
    };
    if listed.len() > MAX_NAMES {
        return Err(wrong);
    }
    let mut names: Vec<String> = Vec::with_capacity(listed.len());
    for name in listed {
        let name = name.as_str().filter(|name| is_text(name)).ok_or(wrong)?;
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

/// A claim by its name, which may have dots itself, else by the way to it.
fn claim<'a>(claims: &'a Claims, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let (first, rest) = path.split_once('.')?;
    claim(claims.get(first)?.as_object()?, rest)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Claims {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn a_claim_is_found_by_its_name_or_by_the_way_to_it() {
        let claims = object(json!({
            "roles": ["console"], "realm_access": {"roles": ["a", "b", "a"]}, "https://acme.example/roles": "one",
        }));
        assert_eq!(names(&claims, "roles").unwrap(), ["console"]);
        assert_eq!(names(&claims, "realm_access.roles").unwrap(), ["a", "b"], "each once");
        assert_eq!(names(&claims, "https://acme.example/roles").unwrap(), ["one"]);
        for absent in ["groups", "realm_access.groups", "roles.x", ""] {
            assert!(names(&claims, absent).unwrap().is_empty(), "{absent}");
        }
    }

    #[test]
    fn names_that_are_none_are_refused() {
        let long = "x".repeat(257);
        for value in [json!([1]), json!([""]), json!({"a": 1}), json!(true), json!([long]), json!(vec!["x"; 257])] {
            assert!(names(&object(json!({ "roles": value })), "roles").is_err());
        }
    }
}
