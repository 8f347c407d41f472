//! One-time codes: made from the server's key and the challenge, so that none is ever stored.
//!
//! A challenge's id holds 122 bits from the system's generator. Its code is the output of a pseudo-random function (HMAC-SHA-256
//! under a server key) on that id, brought to decimal digits without bias; so a code can be sent again after a crash, and
//! the journal holds nothing but its HMAC under a second key (NIST SP 800-63B-4, 3.1.3; at least 6 digits).

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use uuid::Uuid;
use workflows::{
    Channel,
    identification::otp::{CodeHash, Policy, TypedCode},
};

use crate::keys::Keys;

/// Bounds of the number of digits.
pub const MIN_DIGITS: u32 = 6;
pub const MAX_DIGITS: u32 = 12;

/// Maximum number of characters that are taken for a code; what is behind them is not looked at.
const MAX_TYPED: usize = 32;

/// The policy of new identifications by organization. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    server: Arc<Policy>,
    /// The fallback channels of organizations that have their own.
    fallbacks: Arc<BTreeMap<String, Vec<Channel>>>,
}

impl Policies {
    /// `fallbacks` are the fallback channels of organizations that have their own.
    pub fn new(server: Policy, fallbacks: BTreeMap<String, Vec<Channel>>) -> Self {
        Self { server: Arc::new(server), fallbacks: Arc::new(fallbacks) }
    }

    /// The policy of an organization, which allows these channels.
    pub fn of(&self, organization: &str, allowed: &[Channel]) -> Policy {
        let mut policy = (*self.server).clone();
        if let Some(own) = self.fallbacks.get(organization) {
            policy.fallback_channels.clone_from(own);
        }
        policy.fallback_channels.retain(|channel| allowed.contains(channel));
        policy
    }
}

/// The keys of the codes. Cheap to clone.
#[derive(Clone)]
pub struct Codes {
    code: hmac::Key,
    hash: hmac::Key,
}

impl Codes {
    pub fn new(keys: &Keys) -> Self {
        let key = |purpose| hmac::Key::new(hmac::HMAC_SHA256, &keys.derive(purpose));
        Self { code: key("one-time codes"), hash: key("hashes of one-time codes") }
    }

    /// The code of a challenge, of `digits` decimal digits within [`MIN_DIGITS`] and [`MAX_DIGITS`].
    pub fn code(&self, challenge: Uuid, digits: u32) -> String {
        let digits = digits.clamp(MIN_DIGITS, MAX_DIGITS);
        let range = 10_u64.pow(digits);
        // Values above the last multiple of the range would favour small codes; another block is drawn for them.
        let fair = u64::MAX - u64::MAX % range;
        let draws = (0_u32..).map(|round| {
            let mut input = challenge.as_bytes().to_vec();
            input.extend_from_slice(&round.to_be_bytes());
            let tag = hmac::sign(&self.code, &input);
            tag.as_ref().iter().take(8).fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
        });
        let value = draws.take(64).find(|value| *value < fair).unwrap_or_default() % range;
        format!("{value:0width$}", width = digits as usize)
    }

    /// What is kept of a code.
    pub fn hash(&self, challenge: Uuid, code: &str) -> CodeHash {
        let mut context = hmac::Context::with_key(&self.hash);
        context.update(challenge.as_bytes());
        context.update(code.as_bytes());
        CodeHash(HEXLOWER.encode(context.sign().as_ref()))
    }

    /// A code that somebody typed while `challenge` was the current one, blanks around and within it ignored.
    pub fn typed(&self, challenge: Option<Uuid>, text: &str) -> TypedCode {
        let code: String = text.chars().filter(|c| !c.is_whitespace()).take(MAX_TYPED).collect();
        // Where no code was asked for there is nothing to answer.
        let challenge = challenge.unwrap_or_default();
        TypedCode { challenge, hash: self.hash(challenge, &code) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes() -> Codes {
        Codes::new(&Keys::from_bytes(&[7; 32]))
    }

    #[test]
    fn a_code_is_the_same_for_its_challenge_and_another_for_another() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(codes().code(a, 6), codes().code(a, 6));
        assert_ne!(codes().code(a, 8), codes().code(b, 8));
        assert_ne!(codes().code(a, 8), Codes::new(&Keys::from_bytes(&[8; 32])).code(a, 8));
    }

    #[test]
    fn codes_have_their_digits_and_use_all_of_them_evenly() {
        let mut seen = [0_u32; 10];
        for challenge in 0..2_000 {
            let code = codes().code(Uuid::from_u128(challenge), 6);
            assert_eq!(code.len(), 6);
            code.bytes().for_each(|digit| seen[usize::from(digit - b'0')] += 1);
        }
        // 12,000 digits: each is expected 1,200 times, with a deviation of 33.
        assert!(seen.iter().all(|count| (1_030..1_370).contains(count)), "{seen:?}");
    }

    #[test]
    fn a_code_falls_back_to_no_channel_that_its_organization_does_not_allow() {
        let server = Policy { fallback_channels: vec![Channel::Sms, Channel::Email], ..Policy::default() };
        let own = BTreeMap::from([("acme".to_owned(), vec![Channel::Whatsapp]), ("never".to_owned(), Vec::new())]);
        let policies = Policies::new(server, own);
        let fallbacks = |organization, allowed: &[Channel]| policies.of(organization, allowed).fallback_channels;
        assert_eq!(fallbacks("other", &[Channel::Email, Channel::Sms]), [Channel::Sms, Channel::Email]);
        assert_eq!(fallbacks("other", &[Channel::Email]), [Channel::Email]);
        assert_eq!(fallbacks("acme", &[Channel::Email, Channel::Whatsapp]), [Channel::Whatsapp]);
        assert_eq!(fallbacks("never", &[Channel::Email, Channel::Sms]), []);
    }

    #[test]
    fn the_hash_depends_on_the_challenge_and_shows_no_code() {
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        assert_ne!(codes().hash(a, "123456"), codes().hash(b, "123456"));
        assert!(!codes().hash(a, "123456").0.contains("123456"));
    }
}
