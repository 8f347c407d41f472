//! Short texts: why something was done, and by what name a request refers to a person.

use super::MAX_EMAIL;

/// Length of a reason, in characters.
pub const MAX_REASON: usize = 1_000;
/// Length of an alias, in characters.
pub const MAX_ALIAS: usize = 100;
/// Length of an agent's identifier, in characters; it may be an address.
pub const MAX_AGENT: usize = 320;

/// Checks the length of a second factor; no address and no document number is longer.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn check_second_factor(text: &str) -> Result<(), String> {
    if text.chars().count() <= MAX_EMAIL { Ok(()) } else { Err(format!("expected at most {MAX_EMAIL} characters")) }
}

/// Checks why somebody cancels or closes something.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn check_reason(reason: &str) -> Result<(), String> {
    let fits = !reason.trim().is_empty() && reason.chars().count() <= MAX_REASON;
    if fits { Ok(()) } else { Err(format!("expected 1 to {MAX_REASON} characters")) }
}

/// The alias by which a request refers to one of its signers, without white space around it.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn alias(text: &str) -> Result<String, String> {
    line(text, MAX_ALIAS)
}

/// An organization's own identifier of an agent, without white space around it.
///
/// # Errors
/// What is wrong, in words for the caller.
pub fn agent(text: &str) -> Result<String, String> {
    line(text, MAX_AGENT)
}

/// A text of one line that is not blank, of at most `max` characters, without white space around it.
fn line(text: &str, max: usize) -> Result<String, String> {
    let line = text.trim();
    let fits = !line.is_empty() && line.chars().count() <= max && !line.chars().any(char::is_control);
    if fits { Ok(line.to_owned()) } else { Err(format!("expected 1 to {max} characters without control characters")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_something_and_is_bounded() {
        assert!(check_reason("moved abroad").is_ok() && check_reason(&"x".repeat(MAX_REASON)).is_ok());
        for reason in ["", " \t", &"x".repeat(MAX_REASON + 1)] {
            assert!(check_reason(reason).is_err(), "{reason:?}");
        }
    }

    #[test]
    fn an_alias_is_trimmed_and_bounded() {
        assert_eq!(alias(" buyer ").unwrap(), "buyer");
        for text in ["", "  ", "a\u{7}", &"x".repeat(MAX_ALIAS + 1)] {
            assert!(alias(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_identifier_of_an_agent_says_something_and_is_bounded() {
        assert_eq!(agent(" shop-7/ana@example.org\n").unwrap(), "shop-7/ana@example.org");
        assert!(agent(&"x".repeat(MAX_AGENT)).is_ok());
        for text in ["", " \t", "a\u{0}b", &"x".repeat(MAX_AGENT + 1)] {
            assert!(agent(text).is_err(), "{text:?}");
        }
    }
}
