//! What a gateway reports of a message after it took it: where its word for the status stands, and what each word means.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{ReceiptOptions, ReceiptStatus};

/// Maximum length of a word for a status, in bytes: it becomes part of the evidence.
const MAX_WORD: usize = 64;

/// Maximum number of words.
const MAX_WORDS: usize = 64;

/// A report that is not of the configured form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the report is not of the form that is configured for the gateway")]
pub struct Unreadable;

/// Where the status stands.
enum Place {
    /// In JSON, at a pointer (RFC 6901).
    Pointer(String),
    /// In a form, in the field of this name.
    Field(String),
}

/// How the reports of one gateway are read.
pub(super) struct Reader {
    place: Place,
    statuses: BTreeMap<String, ReceiptStatus>,
}

impl Reader {
    /// # Errors
    /// A text that says which option is wrong.
    pub(super) fn new(options: &ReceiptOptions) -> Result<Self, String> {
        if options.status.is_empty() {
            return Err("receipt.status is missing".into());
        }
        if options.statuses.is_empty() || options.statuses.len() > MAX_WORDS {
            return Err(format!("receipt.statuses must have 1 to {MAX_WORDS} words"));
        }
        let usable = |word: &String| (1..=MAX_WORD).contains(&word.len()) && !word.chars().any(char::is_control);
        if let Some(word) = options.statuses.keys().find(|word| !usable(word)) {
            return Err(format!("receipt.statuses: {word:?} must have 1 to {MAX_WORD} bytes without control characters"));
        }
        let place = match options.status.starts_with('/') {
            true => Place::Pointer(options.status.clone()),
            false => Place::Field(options.status.clone()),
        };
        Ok(Self { place, statuses: options.statuses.clone() })
    }

    /// The status in a report and the gateway's word for it; `None` for a word that is not configured, which means nothing here.
    ///
    /// # Errors
    /// If the report is not JSON, or no form, where it must be.
    pub(super) fn read(&self, report: &[u8]) -> Result<Option<(ReceiptStatus, String)>, Unreadable> {
        let word = match &self.place {
            Place::Pointer(pointer) => {
                let report: Value = serde_json::from_slice(report).map_err(|_| Unreadable)?;
                report.pointer(pointer).and_then(super::scalar)
            }
            Place::Field(name) => {
                let report = std::str::from_utf8(report).map_err(|_| Unreadable)?;
                let mut fields = form_urlencoded::parse(report.as_bytes());
                fields.find(|(field, _)| field == name.as_str()).map(|(_, value)| value.into_owned())
            }
        };
        let known = word.and_then(|word| self.statuses.get_key_value(&word));
        Ok(known.map(|(word, status)| (*status, word.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(status: &str) -> ReceiptOptions {
        let statuses =
            [("queued", ReceiptStatus::Accepted), ("delivered", ReceiptStatus::Delivered), ("7", ReceiptStatus::Failed)];
        ReceiptOptions { status: status.into(), statuses: statuses.map(|(word, status)| (word.to_owned(), status)).into() }
    }

    fn read(status: &str, report: &str) -> Result<Option<(ReceiptStatus, String)>, Unreadable> {
        Reader::new(&options(status)).unwrap().read(report.as_bytes())
    }

    #[test]
    fn a_word_of_the_gateway_becomes_a_status() {
        let delivered = Ok(Some((ReceiptStatus::Delivered, "delivered".to_owned())));
        assert_eq!(read("/message/0/status", r#"{"message":[{"status":"delivered"}]}"#), delivered);
        assert_eq!(read("MessageStatus", "MessageSid=SM1&MessageStatus=delivered&To=%2B34"), delivered);
        assert_eq!(read("/code", r#"{"code":7}"#), Ok(Some((ReceiptStatus::Failed, "7".to_owned()))));
    }

    #[test]
    fn a_word_that_is_not_configured_means_nothing() {
        for report in [r#"{"status":"pondering"}"#, "{}", "[]", r#"{"status":null}"#] {
            assert_eq!(read("/status", report), Ok(None), "{report}");
        }
        for report in ["MessageStatus=pondering", "", "Other=delivered"] {
            assert_eq!(read("MessageStatus", report), Ok(None), "{report}");
        }
    }

    #[test]
    fn a_report_of_another_form_is_unreadable() {
        assert_eq!(read("/status", "MessageStatus=delivered"), Err(Unreadable));
        assert_eq!(Reader::new(&options("MessageStatus")).unwrap().read(&[0xff, 0xfe]), Err(Unreadable));
    }

    #[test]
    fn wrong_options_are_errors_that_say_which() {
        let problem = |options: &ReceiptOptions| Reader::new(options).err().unwrap();
        assert!(problem(&options("")).contains("receipt.status is missing"));
        assert!(problem(&ReceiptOptions { statuses: BTreeMap::new(), ..options("/s") }).contains("receipt.statuses"));
        let long = BTreeMap::from([("x".repeat(65), ReceiptStatus::Sent)]);
        assert!(problem(&ReceiptOptions { statuses: long, ..options("/s") }).contains("64 bytes"));
    }
}
