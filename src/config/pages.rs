//! The pages on which signers sign: the configuration reference.

use serde::Deserialize;
use workflows::EmailAddress;

use super::{Error, Organization, bounds::within};
use crate::{signers, tenant_addresses::is_contact_phone};

/// The pages on which signers sign, and their API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pages {
    /// Pages that may wait for a change at once on one server, 1 to 100000; each has a connection. More are told to ask now and then. Default: 5000.
    pub watchers: usize,
    /// Of them those of one organization, 1 to 100000. Default: 2500.
    pub watchers_per_organization: usize,
    /// Calls without a token (opening a link, asking for a new one, reporting a problem) from one address (of IPv6: one network of 64 bits) per
    /// minute and server, 0 to 100000; 0 is no bound. Asking for a new link counts as 10. Many people may share an address. Default: 300.
    pub calls_per_address_and_minute: u32,
}

impl Default for Pages {
    fn default() -> Self {
        Self { watchers: 5_000, watchers_per_organization: 2_500, calls_per_address_and_minute: 300 }
    }
}

impl Pages {
    /// # Errors
    /// The option that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Error> {
        within("pages.watchers", (1..=100_000).contains(&self.watchers), "1 to 100000")?;
        let per_organization = (1..=100_000).contains(&self.watchers_per_organization);
        within("pages.watchers_per_organization", per_organization, "1 to 100000")?;
        within("pages.calls_per_address_and_minute", self.calls_per_address_and_minute <= 100_000, "0 to 100000")
    }

    pub fn watchers(&self) -> signers::Options {
        signers::Options { per_server: self.watchers, per_organization: self.watchers_per_organization }
    }
}

/// # Errors
/// The contact of an organization that nobody could reach.
pub(super) fn check_contact(id: &str, organization: &Organization) -> Result<(), Error> {
    let is_email = organization.contact_email.as_deref().is_none_or(|address| EmailAddress::parse(address).is_ok());
    within(&format!("organizations.{id}.contact_email"), is_email, "an e-mail address")?;
    let is_phone = organization.contact_phone.as_deref().is_none_or(is_contact_phone);
    within(&format!("organizations.{id}.contact_phone"), is_phone, "a phone number such as +34 600 111 222")
}
