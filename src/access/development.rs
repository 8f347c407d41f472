//! The development issuer: tokens signed with a key that comes from the master key of the data folder, so that whoever can read
//! the folder can make one, and nobody else. On only where [`Options::development`](super::Options::development) is; never in
//! production, where an issuer that knows its users gives the tokens.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::{OWN_AUDIENCE, Role, jwt};
use crate::keys::{KEY_LEN, Keys};

/// The `iss` claim of development tokens; no configured issuer may bear it.
pub const ISSUER: &str = "rubrica-development";

/// The subject of development tokens.
const SUBJECT: &str = "development";

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: &'a str,
    iat: i64,
    exp: i64,
    organizations: [&'a str; 1],
    roles: Vec<&'a str>,
}

/// A token for one organization with the given roles, or all of them if none is given.
pub fn token(keys: &Keys, organization: &str, roles: &[Role], lifetime: TimeDelta, now: DateTime<Utc>) -> String {
    let roles = if roles.is_empty() { &Role::ALL } else { roles };
    let claims = Claims {
        iss: ISSUER,
        aud: OWN_AUDIENCE,
        sub: SUBJECT,
        iat: now.timestamp(),
        exp: jwt::expiry(now, lifetime),
        organizations: [organization],
        roles: roles.iter().map(|role| role.name()).collect(),
    };
    jwt::sign("JWT", &claims, &secret(keys))
}

pub(super) fn secret(keys: &Keys) -> [u8; KEY_LEN] {
    keys.derive("access/development-token/v1")
}
