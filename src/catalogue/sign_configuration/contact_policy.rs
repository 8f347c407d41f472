//! What an organization asks of the contacts to which its codes go. An addition to the contract; all of it is off until it is set.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use workflows::identification::otp::{
    ContactPolicy as JournaledPolicy, IfUnanswered, MAX_SIM_AGE_HOURS, NumberCheck, SecondProof,
};

use crate::channels::Secret;
use crate::objects::Objects;

/// Maximum length of the client's secret, in bytes.
pub const MAX_SECRET: usize = 1024;

/// Maximum length of the client's identifier and of the purpose, in bytes.
const MAX_WORD: usize = 255;

/// Maximum length of an address of the operator, in bytes.
const MAX_URL: usize = 2048;

/// Bounds of the time for one question and the time without `timeout_ms`, in milliseconds.
const TIMEOUTS: std::ops::RangeInclusive<u32> = 200..=10_000;
const TIMEOUT: u32 = 4000;

/// Versions of the interfaces where none is given.
const SIM_SWAP_VERSION: &str = "v2";
const NUMBER_VERIFICATION_VERSION: &str = "v2";
const KYC_MATCH_VERSION: &str = "v0.3";

/// The score of a name that is the same.
const MAX_SCORE: u8 = 100;

/// What is asked of contacts, and of the operators of phones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContactPolicy {
    /// Whether an identification by code whose contact the signer typed, or whose contact nobody said the origin of, needs a second proof
    /// before it can be VALIDATED.
    #[serde(skip_serializing_if = "is_false")]
    pub second_proof: bool,
    /// Whether a signer's code goes out on another channel than the link, where the organization's channels and the signer's contact allow it.
    #[serde(skip_serializing_if = "is_false")]
    pub separate_channels: bool,
    /// Whether the operator is asked for a change of the SIM before a code goes out by SMS or WhatsApp.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub sim_swap: Option<SimSwap>,
    /// Whether the operator is asked if the number is that of the person's device.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub number_verification: Option<NumberVerification>,
    /// Whether the operator is asked if it knows the person by the same name and document.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kyc_match: Option<KycMatch>,
    /// What becomes of the code while the operator gives no answer.
    #[serde(skip_serializing_if = "is_refuse")]
    pub if_unanswered: IfUnanswered,
    /// Where the questions go.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub operator: Option<Operator>,
}

/// CAMARA SIM Swap.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimSwap {
    /// For how many hours the SIM must be unchanged.
    #[schema(minimum = 1, maximum = 2400)]
    pub max_age_hours: u32,
    /// Version in the path of the interface.
    #[serde(default = "SimSwap::version")]
    #[schema(default = "v2", pattern = "^v[0-9a-z.]{1,15}$")]
    pub version: String,
}

impl SimSwap {
    fn version() -> String {
        SIM_SWAP_VERSION.into()
    }
}

/// CAMARA Number Verification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberVerification {
    /// Version in the path of the interface.
    #[serde(default = "NumberVerification::version")]
    #[schema(default = "v2", pattern = "^v[0-9a-z.]{1,15}$")]
    pub version: String,
}

impl NumberVerification {
    fn version() -> String {
        NUMBER_VERIFICATION_VERSION.into()
    }
}

/// CAMARA KYC Match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KycMatch {
    /// Version in the path of the interface.
    #[serde(default = "KycMatch::version")]
    #[schema(default = "v0.3", pattern = "^v[0-9a-z.]{1,15}$")]
    pub version: String,
    /// From which score on a name that is not the same counts as the same.
    #[serde(default = "KycMatch::min_score")]
    #[schema(default = 100, minimum = 1, maximum = 100)]
    pub min_score: u8,
}

impl KycMatch {
    fn version() -> String {
        KYC_MATCH_VERSION.into()
    }

    fn min_score() -> u8 {
        MAX_SCORE
    }
}

/// The CAMARA interfaces of an operator, or of who stands for several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Address before the name of each interface, e.g. `https://api.operator.example`.
    #[schema(max_length = 2048)]
    pub base_url: String,
    /// Address of the tokens (RFC 6749, 3.2).
    #[schema(max_length = 2048)]
    pub token_url: String,
    /// Address of the authentication requests of CIBA, which needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 2048)]
    pub authentication_url: Option<String>,
    /// How a token is come by.
    #[serde(default)]
    pub flow: Flow,
    #[schema(min_length = 1, max_length = 255)]
    pub client_id: String,
    /// Never answered. Left out of a change whose client and addresses are the same, the one before stays.
    #[serde(default, skip_serializing)]
    #[schema(value_type = Option<String>, nullable = false, write_only, format = Password, max_length = 1024)]
    pub client_secret: Option<Secret>,
    /// What the data is for, as the operator wants it in the scope.
    #[serde(default = "Operator::purpose")]
    #[schema(default = "dpv:FraudPreventionAndDetection", max_length = 255)]
    pub purpose: String,
    /// Longest time for all questions before one code, in milliseconds.
    #[serde(default = "Operator::timeout_ms")]
    #[schema(default = 4000, minimum = 200, maximum = 10000)]
    pub timeout_ms: u32,
}

impl Operator {
    fn purpose() -> String {
        "dpv:FraudPreventionAndDetection".into()
    }

    fn timeout_ms() -> u32 {
        TIMEOUT
    }

    /// Whether a secret that was given for `other` may go where this one says.
    pub(super) fn is_same_client(&self, other: &Self) -> bool {
        let place = |operator: &Self| {
            (
                operator.base_url.clone(),
                operator.token_url.clone(),
                operator.authentication_url.clone(),
                operator.client_id.clone(),
            )
        };
        place(self) == place(other)
    }
}

/// How a token for an interface is come by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Flow {
    /// RFC 6749, 4.4: one token for all numbers.
    #[default]
    ClientCredentials,
    /// OpenID Connect CIBA: a token for one number, on which the operator can ask the person.
    Ciba,
}

/// An organization's client at an operator, with what opens it.
#[derive(Clone, Debug)]
pub struct OperatorAccount {
    /// Of the settings; another one can be another client.
    pub version: u64,
    pub policy: ContactPolicy,
    pub operator: Operator,
    pub secret: Secret,
}

fn is_false(value: &bool) -> bool {
    !value
}

fn is_refuse(value: &IfUnanswered) -> bool {
    *value == IfUnanswered::Refuse
}

impl ContactPolicy {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// What is wrong with it, in words that quote none of its values.
    pub(super) fn parse(text: &str, is_address: impl Fn(&str) -> Result<(), String>) -> Result<Self, String> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let parsed: Result<Self, _> = serde_path_to_error::deserialize(Objects(&mut deserializer));
        let policy = parsed.map_err(|error| match error.inner().is_data() {
            true => format!("a member is unknown, missing or of another kind; see {}", error.path()),
            false => "not valid JSON".to_owned(),
        })?;
        deserializer.end().map_err(|_| "not valid JSON".to_owned())?;
        policy.check(is_address)?;
        Ok(policy)
    }

    fn check(&self, is_address: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
        if self.sim_swap.as_ref().is_some_and(|asked| !(1..=MAX_SIM_AGE_HOURS).contains(&asked.max_age_hours)) {
            return Err(format!("sim_swap.max_age_hours: expected 1 to {MAX_SIM_AGE_HOURS}"));
        }
        if self.kyc_match.as_ref().is_some_and(|asked| !(1..=100).contains(&asked.min_score)) {
            return Err("kyc_match.min_score: expected 1 to 100".into());
        }
        let versions = [
            ("sim_swap", self.sim_swap.as_ref().map(|asked| &asked.version)),
            ("number_verification", self.number_verification.as_ref().map(|asked| &asked.version)),
            ("kyc_match", self.kyc_match.as_ref().map(|asked| &asked.version)),
        ];
        for (name, version) in versions {
            if version.is_some_and(|version| !is_version(version)) {
                return Err(format!("{name}.version: expected v and a number, e.g. v2 or v0.3"));
            }
        }
        match &self.operator {
            None if !self.checks().is_empty() => Err("operator: where the questions go is missing".into()),
            None => Ok(()),
            Some(operator) => operator.check(is_address),
        }
    }

    /// The questions to the operator, in the order in which evidence shows them.
    fn checks(&self) -> Vec<NumberCheck> {
        let sim_swap = self.sim_swap.as_ref().map(|asked| NumberCheck::SimSwap { max_age_hours: asked.max_age_hours });
        let number = self.number_verification.as_ref().map(|_| NumberCheck::NumberVerification);
        let holder = self.kyc_match.as_ref().map(|_| NumberCheck::KycMatch);
        [sim_swap, number, holder].into_iter().flatten().collect()
    }

    /// Version of SIM Swap.
    pub fn sim_swap_version(&self) -> &str {
        self.sim_swap.as_ref().map_or(SIM_SWAP_VERSION, |asked| &asked.version)
    }

    /// Version of Number Verification.
    pub fn number_verification_version(&self) -> &str {
        self.number_verification.as_ref().map_or(NUMBER_VERIFICATION_VERSION, |asked| &asked.version)
    }

    /// Version of KYC Match, and the minimum score of a name.
    pub fn kyc_match(&self) -> (&str, u8) {
        self.kyc_match.as_ref().map_or((KYC_MATCH_VERSION, MAX_SCORE), |asked| (&asked.version, asked.min_score))
    }

    /// What identifications are created with.
    pub fn journaled(&self) -> JournaledPolicy {
        JournaledPolicy {
            second_proof: if self.second_proof { SecondProof::Needed } else { SecondProof::NotNeeded },
            checks: self.checks(),
            if_unanswered: self.if_unanswered,
        }
    }
}

impl Operator {
    fn check(&self, is_address: impl Fn(&str) -> Result<(), String>) -> Result<(), String> {
        let addresses = [
            ("base_url", Some(&self.base_url)),
            ("token_url", Some(&self.token_url)),
            ("authentication_url", self.authentication_url.as_ref()),
        ];
        for (name, address) in addresses {
            let Some(address) = address else { continue };
            let checked = if address.len() > MAX_URL { Err(format!("longer than {MAX_URL} bytes")) } else { is_address(address) };
            checked.map_err(|problem| format!("operator.{name}: {problem}"))?;
        }
        if self.flow == Flow::Ciba && self.authentication_url.is_none() {
            return Err("operator.authentication_url: the flow ciba needs it".into());
        }
        for (name, word) in [("client_id", &self.client_id), ("purpose", &self.purpose)] {
            if word.len() > MAX_WORD
                || !word.bytes().all(|byte| byte.is_ascii_graphic())
                || (name == "client_id" && word.is_empty())
            {
                return Err(format!("operator.{name}: expected at most {MAX_WORD} letters, digits and signs of ASCII"));
            }
        }
        let secret = self.client_secret.as_ref().map_or("x", Secret::expose);
        if secret.is_empty() || secret.len() > MAX_SECRET {
            return Err(format!("operator.client_secret: expected 1 to {MAX_SECRET} bytes"));
        }
        if !TIMEOUTS.contains(&self.timeout_ms) {
            return Err(format!("operator.timeout_ms: expected {} to {}", TIMEOUTS.start(), TIMEOUTS.end()));
        }
        Ok(())
    }
}

fn is_version(text: &str) -> bool {
    let rest = text.strip_prefix('v').unwrap_or_default();
    (1..=15).contains(&rest.len())
        && rest.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase() || byte == b'.')
        && !rest.contains("..")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ContactPolicy, String> {
        ContactPolicy::parse(text, |address| match address.starts_with("https://") {
            true => Ok(()),
            false => Err("the address must begin with https://".into()),
        })
    }

    const OPERATOR: &str = r#""operator": {"base_url": "https://a.example", "token_url": "https://a.example/token",
        "client_id": "acme", "client_secret": "s3cret"}"#;

    #[test]
    fn nothing_is_asked_until_it_is_set() {
        let policy = parse("{}").unwrap();
        assert_eq!(policy, ContactPolicy::default());
        assert_eq!(policy.journaled(), JournaledPolicy::default());
        assert_eq!(serde_json::to_string(&policy).unwrap(), "{}");
    }

    #[test]
    fn what_is_set_is_what_identifications_are_created_with() {
        let text = format!(
            r#"{{"second_proof": true, "sim_swap": {{"max_age_hours": 72}}, "number_verification": {{}},
            "kyc_match": {{"version": "v0.4"}}, "if_unanswered": "allow", {OPERATOR}}}"#
        );
        let policy = parse(&text).unwrap();
        let checks = [NumberCheck::SimSwap { max_age_hours: 72 }, NumberCheck::NumberVerification, NumberCheck::KycMatch];
        let expected =
            JournaledPolicy { second_proof: SecondProof::Needed, checks: checks.to_vec(), if_unanswered: IfUnanswered::Allow };
        assert_eq!(policy.journaled(), expected);
        assert_eq!(policy.sim_swap.unwrap().version, "v2");
        assert_eq!(policy.operator.unwrap().timeout_ms, TIMEOUT);
    }

    #[test]
    fn a_secret_is_neither_written_nor_shown_nor_quoted() {
        let policy = parse(&format!("{{{OPERATOR}}}")).unwrap();
        assert_eq!(policy.operator.as_ref().unwrap().client_secret.as_ref().unwrap().expose(), "s3cret");
        assert!(!format!("{policy:?}").contains("s3cret"));
        assert!(!serde_json::to_string(&policy).unwrap().contains("s3cret"));
        let wrong = format!("{{{}}}", OPERATOR.replace("\"s3cret\"", "[\"s3cret\"]"));
        assert!(!parse(&wrong).unwrap_err().contains("s3cret"));
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_its_member() {
        let with = |members: &str| format!("{{{members}, {OPERATOR}}}");
        let operator = |from: &str, to: &str| format!("{{{}}}", OPERATOR.replace(from, to));
        for (text, named) in [
            ("[]".to_owned(), ""),
            ("{".to_owned(), "JSON"),
            ("{} {}".to_owned(), "JSON"),
            (r#"{"second_prof": true}"#.to_owned(), "unknown"),
            (r#"{"second_proof": "yes"}"#.to_owned(), "second_proof"),
            (r#"{"sim_swap": {"max_age_hours": 24}}"#.to_owned(), "operator"),
            (with(r#""sim_swap": {"max_age_hours": 0}"#), "max_age_hours"),
            (with(r#""sim_swap": {"max_age_hours": 2401}"#), "max_age_hours"),
            (with(r#""sim_swap": {"max_age_hours": 1, "version": "../x"}"#), "sim_swap.version"),
            (with(r#""kyc_match": {"min_score": 0}"#), "min_score"),
            (with(r#""number_verification": {"version": ""}"#), "number_verification.version"),
            (with(r#""if_unanswered": "perhaps""#), "if_unanswered"),
            (operator("https://a.example\"", "http://a.example\""), "operator.base_url"),
            (operator("https://a.example/token", "token"), "operator.token_url"),
            (operator("\"acme\"", "\"a b\""), "operator.client_id"),
            (operator("\"acme\"", "\"\""), "operator.client_id"),
            (operator("\"s3cret\"", "\"\""), "operator.client_secret"),
            (operator("\"s3cret\"", "\"s3cret\", \"timeout_ms\": 100"), "operator.timeout_ms"),
            (operator("\"s3cret\"", "\"s3cret\", \"flow\": \"ciba\""), "operator.authentication_url"),
        ] {
            let problem = parse(&text).expect_err(&text);
            assert!(problem.contains(named), "{text}: {problem}");
        }
    }
}
