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

pub use address_limits::AddressLimits;
pub use links::{Links, OWN_PAGES};
pub use problems::Problems;
pub use watchers::{Options, Place, TooMany, Watchers};

use crate::{catalogue::page_configuration::PageConfigurations, keys::Keys, processes::Tenants};

/// Letters of codes that people read to each other: Crockford's base 32, without those that are taken for others.
pub(crate) const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Length of the code of an identification, in characters.
const DESK_CODE: usize = 6;

/// The code by which an agent finds the identification of the person who reads it out: the first letters of the digest of its identifier. It
/// opens nothing: whoever has it must be an agent of the organization.
pub(crate) fn desk_code(id: uuid::Uuid) -> String {
    let digest = digest(&SHA256, id.to_string().as_bytes());
    let bits = digest.as_ref().iter().take(8).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
    (1..=DESK_CODE).map(|place| char::from(ALPHABET[(bits >> (64 - 5 * place) & 31) as usize])).collect()
}

/// Length of a revision, in characters.
const REVISION: usize = 32;

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
    fn a_desk_code_is_the_beginning_of_the_digest_of_the_identifier() {
        let id = uuid::Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap();
        assert_eq!(desk_code(id), "GYYPNP");
        assert!(!ALPHABET.iter().any(|letter| b"ILOU".contains(letter)));
    }
}
