//! The links with which signers come to this server's own pages: `{base}/s/{organization}/{signature}#k={secret}`.
//!
//! The secret follows from the server's key, the organization, the signature and the generation of the link, so nothing of it is stored, and
//! a signature whose link was renewed has another one. It stands in the fragment, which browsers send nowhere: a scanner of mails that fetches
//! the address has nothing to spend. Who calls with a secret that was never one of the signature's is refused before anything is loaded.

use std::sync::Arc;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::utf8_percent_encode;
use uuid::Uuid;
use workflows::sign_process::{MAX_GENERATION, process_of_signature};

use crate::{keys::Keys, percent::RESERVED};

/// The landing address of an organization whose signers come to this server's own pages.
pub const OWN_PAGES: &str = "pages";

/// Length of a secret, in bytes: 128 bits are beyond guessing and short enough for a text message.
const SECRET: usize = 16;

/// Makes links and knows them again. Cheap to clone.
#[derive(Clone)]
pub struct Links {
    key: hmac::Key,
    /// Where the pages are, without a slash at the end.
    pages: Arc<str>,
}

impl Links {
    pub fn new(keys: &Keys, public_base_url: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &keys.derive("signer-link/v1"));
        Self { key, pages: format!("{}/s", public_base_url.trim_end_matches('/')).into() }
    }

    /// The link of a signer by the landing address of the organization: to this server's own pages where that says so ([`OWN_PAGES`], or their
    /// address). To any other page it names the process and the signature and holds no credential: the page gets one for itself (`securize`).
    pub fn link(&self, landing_url: &str, organization: &str, signature: Uuid, generation: u32) -> String {
        let landing_url = landing_url.trim();
        if landing_url == OWN_PAGES || landing_url.trim_end_matches('/') == &*self.pages {
            let secret = URL_SAFE_NO_PAD.encode(self.secret(organization.as_bytes(), signature, generation));
            let (pages, organization) = (&self.pages, utf8_percent_encode(organization, RESERVED));
            return format!("{pages}/{organization}/{}#k={secret}", URL_SAFE_NO_PAD.encode(signature.as_bytes()));
        }
        let process = process_of_signature(signature);
        let separator = if landing_url.contains('?') { '&' } else { '?' };
        format!("{landing_url}{separator}sign_process_id={process}&sign_id={signature}")
    }

    /// Which of the signature's links has this secret. `None`: none that there ever can be. All are compared, whichever it is.
    pub fn generation(&self, organization: &str, signature: Uuid, secret: &str) -> Option<u32> {
        let given = URL_SAFE_NO_PAD.decode(secret).ok().filter(|given| given.len() == SECRET)?;
        (0..=MAX_GENERATION).fold(None, |found: Option<u32>, generation| {
            let own = self.secret(organization.as_bytes(), signature, generation);
            found.or(verify_slices_are_equal(&own, &given).is_ok().then_some(generation))
        })
    }

    /// What comes after the organization has a fixed length, so two different ones never give the same text.
    fn secret(&self, organization: &[u8], signature: Uuid, generation: u32) -> [u8; SECRET] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(organization);
        context.update(signature.as_bytes());
        context.update(&generation.to_be_bytes());
        let mut secret = [0; SECRET];
        secret.copy_from_slice(&context.sign().as_ref()[..SECRET]);
        secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNATURE: Uuid = Uuid::from_u128(0x0192_7000_0000_7000_8000_0000_0000_0001);
    const OTHER: Uuid = Uuid::from_u128(0x0192_7000_0000_7000_8000_0000_0000_0002);

    fn links() -> Links {
        Links::new(&Keys::from_bytes(&[7; 32]), "https://sign.example.org")
    }

    fn secret_of(link: &str) -> &str {
        link.split_once("#k=").expect("a secret").1
    }

    #[test]
    fn a_link_to_our_own_pages_is_short_and_names_the_signature() {
        for landing in ["pages", " pages ", "https://sign.example.org/s", "https://sign.example.org/s/"] {
            let link = links().link(landing, "acme", SIGNATURE, 0);
            let rest = link.strip_prefix("https://sign.example.org/s/acme/").unwrap_or_else(|| panic!("{link}"));
            let (id, secret) = rest.split_once("#k=").expect("a secret");
            assert_eq!((id.len(), secret.len()), (22, 22), "{link}");
            assert_eq!(URL_SAFE_NO_PAD.decode(id).unwrap(), SIGNATURE.as_bytes());
        }
        let escaped = links().link("pages", "a/b ñ", SIGNATURE, 0);
        assert!(escaped.starts_with("https://sign.example.org/s/a%2Fb%20%C3%B1/"), "{escaped}");
    }

    #[test]
    fn a_link_to_another_page_holds_no_secret() {
        let process = process_of_signature(SIGNATURE);
        let ids = format!("sign_process_id={process}&sign_id={SIGNATURE}");
        for (landing, expected) in [
            ("https://acme.example/sign", format!("https://acme.example/sign?{ids}")),
            ("https://acme.example/sign?x=1", format!("https://acme.example/sign?x=1&{ids}")),
            ("https://sign.example.org/sx", format!("https://sign.example.org/sx?{ids}")),
            ("Pages", format!("Pages?{ids}")),
        ] {
            assert_eq!(links().link(landing, "acme", SIGNATURE, 3), expected);
        }
    }

    #[test]
    fn a_secret_is_that_of_one_organization_signature_generation_and_server() {
        let link = links().link("pages", "acme", SIGNATURE, 3);
        let secret = secret_of(&link);
        assert_eq!(links().generation("acme", SIGNATURE, secret), Some(3));
        assert_eq!(links().generation("acme", OTHER, secret), None);
        assert_eq!(links().generation("other", SIGNATURE, secret), None);
        let stranger = Links::new(&Keys::from_bytes(&[8; 32]), "https://sign.example.org");
        assert_eq!(stranger.generation("acme", SIGNATURE, secret), None);
        for generation in [0, 1, MAX_GENERATION] {
            let link = links().link("pages", "acme", SIGNATURE, generation);
            assert_eq!(links().generation("acme", SIGNATURE, secret_of(&link)), Some(generation));
        }
        let beyond = links().link("pages", "acme", SIGNATURE, MAX_GENERATION + 1);
        assert_eq!(links().generation("acme", SIGNATURE, secret_of(&beyond)), None);
    }

    #[test]
    fn what_is_no_secret_is_known_by_its_form() {
        let link = links().link("pages", "acme", SIGNATURE, 0);
        let secret = secret_of(&link);
        let cut = &secret[..21];
        for wrong in
            ["", "x", cut, &format!("{secret}A"), &format!("{cut}="), &format!("{cut}!"), &"A".repeat(22), &"ñ".repeat(11)]
        {
            assert_eq!(links().generation("acme", SIGNATURE, wrong), None, "{wrong}");
        }
    }
}
