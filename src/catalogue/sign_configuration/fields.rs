//! What a sign configuration may say, field by field.

use documents::Level;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use workflows::EmailAddress;
use workflows::values::UNDELIVERABLE;

use crate::trust_services::Offer;

pub use workflows::{Channel, ProviderType, SignType};

/// Maximum length of a landing URL, in bytes.
const MAX_URL: usize = 2048;

/// Scoring provider for a kind of signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderRule {
    /// Kind of signature the rule is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sign_type: Option<SignType>,
    /// Who scores the identity document for that kind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub provider_type: Option<ProviderType>,
}

pub(super) fn check_landing_url(url: &str) -> Result<(), String> {
    // x-notes landing-url: an address without a scheme is allowed, so nothing is said of its shape.
    check_line(url, MAX_URL)
}

/// Whether mail can be sent to it.
pub(super) fn check_email(email: &str) -> Result<(), String> {
    match EmailAddress::parse(email) {
        Ok(_) => Ok(()),
        Err(problem) => Err(format!("{UNDELIVERABLE}: {problem}")),
    }
}

fn check_line(text: &str, maximum: usize) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("may not be blank".into());
    }
    if text.len() > maximum {
        return Err(format!("at most {maximum} bytes are allowed"));
    }
    if text.chars().any(char::is_control) {
        return Err("control characters are not allowed".into());
    }
    Ok(())
}

pub(super) fn parse_channels(values: &[String]) -> Result<Vec<Channel>, String> {
    let mut channels = Vec::new();
    for value in values {
        let channel = match value.trim() {
            "SMS" => Channel::Sms,
            "EMAIL" => Channel::Email,
            "WHATSAPP" => Channel::Whatsapp,
            _ => return Err("expected SMS, EMAIL or WHATSAPP, separated by commas".into()),
        };
        if channels.contains(&channel) {
            return Err("a channel comes more than once".into());
        }
        channels.push(channel);
    }
    if channels.is_empty() {
        return Err("at least one channel is needed".into());
    }
    Ok(channels)
}

/// The name of a level that is offered; nothing, for that of the server.
pub(super) fn parse_level(text: &str, offer: Offer) -> Result<Option<Level>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let level =
        text.parse().map_err(|_| "expected B-B, B-T, B-LT or B-LTA, or nothing for the level of the server".to_owned())?;
    offer.check(level)?;
    Ok(Some(level))
}

/// At most one rule per kind of signature (x-notes identification-config-shape).
pub(super) fn check_rules(rules: &[ProviderRule]) -> Result<(), String> {
    let doubled = rules.iter().enumerate().any(|(at, rule)| rules[..at].iter().any(|other| other.sign_type == rule.sign_type));
    if doubled { Err("at most one rule per sign_type is allowed".into()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use workflows::sign_process::TIME_LIMIT;

    use super::*;

    fn channels(values: &[&str]) -> Result<Vec<Channel>, String> {
        parse_channels(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn expiration_is_from_15_minutes_to_30_days() {
        for text in ["PT15M", "P30D", "PT720H", "P2W"] {
            assert!(TIME_LIMIT.read(text).is_ok(), "{text}");
        }
        for text in ["PT14M59S", "P30DT1S", "P1M", "30", "", "-P1D"] {
            assert!(TIME_LIMIT.read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn channels_are_known_unique_and_at_least_one() {
        assert_eq!(channels(&["SMS", " EMAIL"]).unwrap(), [Channel::Sms, Channel::Email]);
        for values in [&[][..], &[""], &["sms"], &["SMS", "SMS"], &["SMS", ""], &["PIGEON"]] {
            assert!(channels(values).is_err(), "{values:?}");
        }
    }

    #[test]
    fn a_level_is_one_that_is_offered_or_that_of_the_server() {
        let (none, stamps) = (Offer::default(), Offer { has_time_stamps: true });
        assert_eq!((parse_level(" ", none), parse_level("B-B", none)), (Ok(None), Ok(Some(Level::B))));
        assert_eq!(parse_level(" B-T ", stamps), Ok(Some(Level::T)));
        assert_eq!(parse_level("B-LTA", stamps), Ok(Some(Level::Lta)));
        for level in ["B-T", "B-LT", "B-LTA"] {
            assert!(parse_level(level, none).unwrap_err().contains("authority of time stamps"));
        }
        for text in ["B-X", "b-t", "T", "hunter2"] {
            let told = parse_level(text, stamps).unwrap_err();
            assert!(told.starts_with("expected B-B") && !told.contains("hunter2"), "{told}");
        }
    }

    fn parse_providers(text: &str) -> Result<Vec<ProviderRule>, String> {
        let change = super::super::identification::parse(text, &crate::outbound::Reach::default())?;
        change.providers.ok_or_else(|| "no rules".into())
    }

    #[test]
    fn there_is_one_provider_rule_per_kind_of_signature() {
        let rules = parse_providers(r#"[{"sign_type":"SIMPLE","provider_type":"INTERNAL","x":1},{"sign_type":"BIOMETRIC"}]"#);
        assert_eq!(rules.unwrap()[1], ProviderRule { sign_type: Some(SignType::Biometric), provider_type: None });
        assert_eq!(parse_providers("[]").unwrap(), []);
        let doubled = r#"[{"sign_type":"SIMPLE","provider_type":"INTERNAL"},{"sign_type":"SIMPLE","provider_type":"EXTERNAL"}]"#;
        for text in [doubled, "", "{}", "[", "[] []", r#"[{"sign_type":"OTHER"}]"#, r#"[{"provider_type":1}]"#] {
            assert!(parse_providers(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_are_one_bounded_line() {
        assert!(check_landing_url("sign.acme.example/landing").is_ok());
        assert!(check_landing_url(" ").is_err());
        assert!(check_landing_url(&"x".repeat(2049)).is_err());
        assert!(check_email("legal@acme.example").is_ok());
        assert!(check_email("legal@asesoría.example").is_ok());
        for email in
            ["", "acme", "@acme", "a@", "a b@acme.example", "a@acme\n.example", "legal@acme..example", "mailto:a@acme.example"]
        {
            assert!(check_email(email).is_err(), "{email:?}");
        }
    }
}
