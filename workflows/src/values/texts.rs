//! Short texts: why something was done, and by what name a request refers to a person.

/// Length of a reason, in characters.
pub const MAX_REASON: usize = 1_000;
/// Length of an alias, in characters.
pub const MAX_ALIAS: usize = 100;

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
    let alias = text.trim();
    let fits = !alias.is_empty() && alias.chars().count() <= MAX_ALIAS && !alias.chars().any(char::is_control);
    if fits { Ok(alias.to_owned()) } else { Err(format!("expected 1 to {MAX_ALIAS} characters without control characters")) }
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
}
