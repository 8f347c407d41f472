//! How addresses of the console name a customer: sealed, so that no address, history of a browser or log says whose consents were looked at.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use crate::{
    http::consents::{Segment, customer_problem},
    keys::{Error, Keys},
};

/// Purpose of the key.
const PURPOSE: &str = "console/customer/v1";

/// Maximum length of a handle, in characters: that of the longest customer and segment, each byte escaped in JSON, sealed and in base64.
const MAX_HANDLE: usize = 1_024;

/// A customer in a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    #[serde(rename = "s")]
    pub segment: String,
    #[serde(rename = "c")]
    pub id: String,
}

/// Makes and reads them. Cheap to clone.
#[derive(Clone)]
pub struct Handles(Keys);

impl Handles {
    pub fn new(keys: Keys) -> Self {
        Self(keys)
    }

    /// A handle that opens in this organization alone. No two are alike.
    ///
    /// # Errors
    /// Where it cannot be sealed.
    pub fn of(&self, organization: &str, customer: &Customer) -> Result<String, Error> {
        let json = serde_json::to_vec(customer).map_err(|_| Error::Cryptography)?;
        Ok(URL_SAFE_NO_PAD.encode(self.0.seal(PURPOSE, organization.as_bytes(), &json)?))
    }

    /// The customer of a handle; `None` if it is none of ours, or of another organization.
    pub fn read(&self, organization: &str, handle: &str) -> Option<Customer> {
        if handle.len() > MAX_HANDLE {
            return None;
        }
        let sealed = URL_SAFE_NO_PAD.decode(handle).ok()?;
        let json = self.0.open(PURPOSE, organization.as_bytes(), &sealed).ok()?;
        let customer: Customer = serde_json::from_slice(&json).ok()?;
        let is_good = customer_problem(&customer.id).is_none() && Segment::new(&customer.segment).is_ok();
        is_good.then_some(customer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handles(master: u8) -> Handles {
        Handles::new(Keys::from_bytes(&[master; 32]))
    }

    #[test]
    fn a_handle_opens_in_its_organization_alone_and_says_nothing() {
        let customer = Customer { segment: "telco".into(), id: "100000000001".into() };
        let handle = handles(7).of("acme", &customer).unwrap();
        assert_eq!(handles(7).read("acme", &handle), Some(customer.clone()));
        assert!(handles(7).read("second", &handle).is_none() && handles(8).read("acme", &handle).is_none());
        assert_ne!(
            handle,
            handles(7).of("acme", &customer).unwrap(),
            "who sees two of them cannot tell whether they are of one customer"
        );
        let mut changed = handle.clone();
        changed.replace_range(30..31, if &handle[30..31] == "A" { "B" } else { "A" });
        for none in ["", "100000000001", "…", &changed, &"A".repeat(2_000)] {
            assert!(handles(7).read("acme", none).is_none(), "{none}");
        }
    }

    #[test]
    fn the_longest_customer_has_a_handle() {
        let customer = Customer { segment: "\"".repeat(64), id: "\"".repeat(256) };
        let handle = handles(7).of("acme", &customer).unwrap();
        assert!(handle.len() <= MAX_HANDLE, "{}", handle.len());
        assert_eq!(handles(7).read("acme", &handle), Some(customer));
    }
}
