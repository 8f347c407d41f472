//! What an organization says of signatures by hand: to whom samples are encrypted, and how good they must be. An addition to the contract;
//! without it the server's settings hold.

use biometric::Gate;
use documents::escrow::{ContentEncryption, MAX_RECIPIENTS, Recipient};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::objects::Objects;

/// The settings of signatures by hand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BiometricPolicy {
    /// Certificates of those who keep the keys that open samples, such as a notary: up to three, each in PEM. RSA from 3072 bits, P-256 or
    /// P-384. None: those of the server.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 3)]
    pub escrow_certificates: Vec<String>,
    /// How samples are encrypted; `aes-256-cbc` for holders whose tools cannot read GCM. By default `aes-256-gcm`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = String)]
    pub escrow_content_encryption: Option<ContentEncryption>,
    /// Whether a sample in an unknown format is refused instead of being kept as it is. By default as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub strict: Option<bool>,
    /// Thresholds of the quality of a handwriting; those that are left out are the program's defaults. By default as the server says.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Object)]
    pub gate: Option<Gate>,
}

impl BiometricPolicy {
    /// # Errors
    /// What is wrong, with its member, in words that quote nothing of the text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let parsed: Result<Self, _> = serde_path_to_error::deserialize(Objects(&mut deserializer));
        let policy = parsed.map_err(|error| match error.inner().is_data() {
            true => format!("a member is unknown or of another kind; see {}", error.path()),
            false => "not valid JSON".to_owned(),
        })?;
        deserializer.end().map_err(|_| "not valid JSON".to_owned())?;
        policy.check()?;
        Ok(policy)
    }

    fn check(&self) -> Result<(), String> {
        if self.escrow_certificates.len() > MAX_RECIPIENTS {
            return Err(format!("escrow_certificates: at most {MAX_RECIPIENTS} are allowed"));
        }
        let mut seen = Vec::new();
        for (index, pem) in self.escrow_certificates.iter().enumerate() {
            let read = Recipient::read(pem.as_bytes()).map_err(|error| format!("escrow_certificates[{index}]: {error}"))?;
            if seen.contains(&read.facts().sha256) {
                return Err(format!("escrow_certificates[{index}]: it is named twice"));
            }
            seen.push(read.facts().sha256.clone());
        }
        self.gate.as_ref().map_or(Ok(()), Gate::check).map_err(|problem| format!("gate: {problem}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::handwriting::testing;

    fn parse(policy: &serde_json::Value) -> Result<BiometricPolicy, String> {
        BiometricPolicy::parse(&policy.to_string())
    }

    #[test]
    fn what_is_set_reads_back_and_the_rest_is_the_servers() {
        assert_eq!(parse(&json!({})), Ok(BiometricPolicy::default()));
        assert_eq!(serde_json::to_string(&BiometricPolicy::default()).unwrap(), "{}");
        let set = json!({"escrow_certificates": [testing::CERTIFICATE], "escrow_content_encryption": "aes-256-cbc", "strict": true,
            "gate": {"points_min": 30}});
        let policy = parse(&set).unwrap();
        assert_eq!(policy.gate, Some(Gate { points_min: 30, ..Gate::default() }));
        assert_eq!((policy.strict, policy.escrow_content_encryption), (Some(true), Some(ContentEncryption::Aes256Cbc)));
        let written = serde_json::to_value(&policy).unwrap();
        assert_eq!(parse(&written), Ok(policy));
    }

    #[test]
    fn what_cannot_be_used_is_refused_with_its_member() {
        let certificate = testing::CERTIFICATE;
        for (policy, named) in [
            (json!([]), ""),
            (json!({"escrow_certificate": []}), "unknown"),
            (json!({"escrow_certificates": "x"}), "escrow_certificates"),
            (json!({"escrow_certificates": [certificate, "secret"]}), "escrow_certificates[1]: "),
            (json!({"escrow_certificates": [certificate, certificate]}), "escrow_certificates[1]: it is named twice"),
            (json!({"escrow_certificates": vec![certificate; MAX_RECIPIENTS + 1]}), "at most 3"),
            (json!({"escrow_content_encryption": "des"}), "escrow_content_encryption"),
            (json!({"strict": "yes"}), "strict"),
            (json!({"gate": {"points": 3}}), "gate"),
            (json!({"gate": {"points_min": 4_000_000}}), "gate: points_min"),
        ] {
            let told = parse(&policy).unwrap_err();
            assert!(told.contains(named) && !told.contains("secret"), "{policy}: {told}");
        }
        assert!(BiometricPolicy::parse("{").unwrap_err().contains("JSON"));
        assert!(BiometricPolicy::parse("{} {}").unwrap_err().contains("JSON"));
    }
}
