//! Escrow certificates that have ended or soon will. They are used all the same: a signature by hand cannot wait, and the holder's key opens
//! it whatever the certificate says. So those who operate the server are told early.

use std::collections::HashMap;

use chrono::NaiveDate;
use documents::escrow::{Recipient, Validity};
use parking_lot::Mutex;
use store::Timestamp;

use super::{Defaults, Terms};
use crate::channels::senders::Finding;

/// Maximum number of certificates of which it is remembered that they were spoken of today.
const MAX_TOLD: usize = 1024;

/// What `config check` and the start say of the server's own certificates.
pub fn findings(defaults: &Defaults, now: Timestamp) -> Vec<Finding> {
    let told = defaults.recipients.iter().filter_map(|recipient| told(recipient, now));
    told.map(|text| Finding { is_problem: false, text: format!("biometric.escrow_certificates: {text}") }).collect()
}

/// Unless it is good for long: a holder needs weeks to make a new one.
fn told(recipient: &Recipient, now: Timestamp) -> Option<String> {
    let facts = recipient.facts();
    let (subject, end) = (&facts.subject, facts.not_after.date_naive());
    match facts.validity(now) {
        Validity::Valid => None,
        Validity::NotYet => Some(format!("the escrow certificate {subject:?} is not valid yet; its holder should know of it")),
        Validity::EndsSoon { .. } => Some(format!("the escrow certificate {subject:?} ends on {end}; replace it before")),
        Validity::Expired => Some(format!(
            "the escrow certificate {subject:?} ended on {end}; it is used all the same, and the evidence says so: replace it"
        )),
    }
}

/// The days on which certificates were spoken of in the log.
#[derive(Default)]
pub(super) struct Told(Mutex<HashMap<(String, String), NaiveDate>>);

impl Told {
    pub fn warn(&self, organization: &str, terms: &Terms, now: Timestamp) {
        for recipient in &terms.recipients {
            let Some(text) = told(recipient, now) else { continue };
            if self.is_new(organization, &recipient.facts().sha256, now.date_naive()) {
                tracing::warn!(organization, "{text}");
            }
        }
    }

    fn is_new(&self, organization: &str, certificate: &str, today: NaiveDate) -> bool {
        let mut told = self.0.lock();
        if told.len() >= MAX_TOLD {
            // Rare enough that saying it once more is cheaper than keeping an order of use.
            told.clear();
        }
        told.insert((organization.to_owned(), certificate.to_owned()), today) != Some(today)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::handwriting::testing;

    #[test]
    fn a_certificate_is_spoken_of_from_sixty_days_before_its_end_and_after_it() {
        let recipient = testing::recipient();
        let end = recipient.facts().not_after;
        let defaults = Defaults { recipients: vec![recipient], ..Defaults::default() };
        let said = |at: Timestamp| findings(&defaults, at).into_iter().map(|finding| finding.text).collect::<Vec<_>>();
        assert_eq!(said(end - TimeDelta::days(62)), [""; 0]);
        assert!(said(end - TimeDelta::days(59))[0].contains("ends on"));
        assert!(said(end + TimeDelta::seconds(1))[0].contains("ended on"));
        assert!(findings(&defaults, end).iter().all(|finding| !finding.is_problem), "signatures go on");
    }

    #[test]
    fn it_is_said_once_a_day_for_each_organization() {
        let (told, day) = (Told::default(), NaiveDate::from_ymd_opt(2030, 1, 1).expect("a day"));
        assert!(told.is_new("acme", "one", day) && !told.is_new("acme", "one", day));
        assert!(told.is_new("other", "one", day) && told.is_new("acme", "two", day));
        assert!(told.is_new("acme", "one", day.succ_opt().expect("a day")));
    }
}
