//! What the pages of signers need besides the processes: their links, who waits for a change, how often strangers may call, and what goes
//! wrong in browsers.
//!
//! What this room must never do: keep or log the secret of a link, or load anything for somebody whose link is none.

mod address_limits;
mod links;
mod problems;
mod watchers;

use std::sync::Arc;

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
};
use chrono::TimeDelta;
use data_encoding::HEXLOWER;
use uuid::Uuid;

pub use address_limits::AddressLimits;
pub use links::{Links, OWN_PAGES};
pub use problems::Problems;
pub use watchers::{Options, Place, TooMany, Watchers};

use crate::{catalogue::page_configuration::PageConfigurations, keys::Keys, processes::Tenants};

/// Length of a revision, in characters.
const REVISION: usize = 32;

/// Crockford's alphabet of base 32: without I, L, O and U, which are misread.
pub(crate) const DESK_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Length of a code for the desk, in characters of 5 bits.
const DESK_CODE: usize = 6;

/// The code that a signer who waits for an agent shows, and by which the desk finds the identification: the first 30 bits of the SHA-256 of the
/// identifier as lower-case text with hyphens, in Crockford's base 32. Whoever knows the identifier can tell it, so it is no proof of anything;
/// two identifications may have the same one.
pub(crate) fn desk_code(id: uuid::Uuid) -> String {
    let mut text = Uuid::encode_buffer();
    let digest = digest(&SHA256, id.hyphenated().encode_lower(&mut text).as_bytes());
    let first = digest.as_ref().iter().take(4).fold(0, |bits: u32, byte| (bits << 8) | u32::from(*byte));
    let letter = |place: usize| DESK_ALPHABET[((first >> (27 - 5 * place)) & 31) as usize];
    (0..DESK_CODE).map(|place| char::from(letter(place))).collect()
}

/// The services behind the pages of signers. Cheap to clone.
#[derive(Clone)]
pub struct Signers {
    pub links: Links,
    pub watchers: Watchers,
    /// Of those who call without a token.
    pub limits: Arc<AddressLimits>,
    pub problems: Problems,
    /// Who asks for signatures.
    pub tenants: Tenants,
    /// How the pages of each look, and where they stand.
    pub pages: PageConfigurations,
    /// How long a page may come back with its key.
    pub resume_lifetime: TimeDelta,
    /// Whether other servers write to the same store, of whose changes nobody here is told.
    pub shared_store: bool,
    /// Names what pages are shown, without telling it.
    pub revisions: Revisions,
}

/// Makes the names of what pages are shown. The same for all servers of a store. Cheap to clone.
#[derive(Clone)]
pub struct Revisions(hmac::Key);

impl Revisions {
    pub fn new(keys: &Keys) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &keys.derive("signer-invitation-revision/v1")))
    }

    /// Of what is shown: another one for anything else. It stands in addresses, so it is keyed: nobody finds out by trying what is shown.
    pub fn of(&self, shown: &[u8]) -> String {
        let mut text = HEXLOWER.encode(hmac::sign(&self.0, shown).as_ref());
        text.truncate(REVISION);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_for_the_desk_is_the_first_30_bits_of_the_digest_in_letters_that_are_not_misread() {
        // `printf 0193a3ee-0000-7000-8000-000000000002 | sha256sum` begins with 208b3c46.
        let id = Uuid::parse_str("0193A3EE-0000-7000-8000-000000000002").unwrap();
        assert_eq!(desk_code(id), "425KRH");
        let codes: Vec<String> = (0..1_000).map(|number| desk_code(Uuid::from_u128(number))).collect();
        assert!(codes.iter().all(|code| code.len() == DESK_CODE && code.bytes().all(|byte| DESK_ALPHABET.contains(&byte))));
        assert!(codes.iter().collect::<std::collections::HashSet<_>>().len() > 990);
    }
}
