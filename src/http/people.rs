//! People as the contract sends them, checked by what they are needed for (note nested-required).

use serde::Deserialize;
use utoipa::ToSchema;
use workflows::{Channel, Contact, DocumentType, IdentityDocument, Language, Msisdn, TwoFactorType};

/// Longest text about a person, in characters.
const MAX_TEXT: usize = 200;

/// Contract `IdentificationActor`, and `Signer` without its alias.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = IdentificationActor)]
pub struct Person {
    /// Given name.
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// Family name.
    #[schema(nullable = false)]
    pub last_name: Option<String>,
    /// Identity document; needed when it is the second factor.
    #[schema(nullable = false)]
    pub identity_document: Option<IdentityDocument>,
    /// E-mail address; needed for the EMAIL channel and the EMAIL second factor.
    #[schema(nullable = false, format = "email")]
    pub email: Option<String>,
    /// Phone; needed for the SMS and WHATSAPP channels.
    #[schema(nullable = false)]
    pub msisdn: Option<Msisdn>,
    /// Language of the messages to the person.
    #[schema(nullable = false)]
    pub language: Option<Language>,
}

impl Person {
    /// The person as processes keep it. Everything that is wrong is told with the name of the member under `path`.
    pub fn check(self, path: &str, problems: &mut Vec<String>) -> Contact {
        let mut text = |name: &str, value: Option<String>| {
            let value = value.map(|value| value.trim().to_owned());
            if let Some(value) = &value {
                let bad = value.is_empty() || value.chars().count() > MAX_TEXT || value.chars().any(char::is_control);
                if bad {
                    problems.push(format!("{path}.{name}: expected 1 to {MAX_TEXT} characters without control characters"));
                }
            }
            value
        };
        let name = text("name", self.name);
        let last_name = text("last_name", self.last_name);
        let email = text("email", self.email);
        if email.as_deref().is_some_and(|email| !is_email(email)) {
            problems.push(format!("{path}.email: not an e-mail address"));
        }
        if self.msisdn.as_ref().is_some_and(|msisdn| !msisdn.is_valid()) {
            problems.push(format!(
                "{path}.msisdn: expected a country_code of 1 to 3 digits without \"+\" and at most 15 digits in all"
            ));
        }
        if let Some(document) = &self.identity_document {
            check_document(path, document, problems);
        }
        Contact {
            name,
            last_name,
            identity_document: self.identity_document,
            email,
            msisdn: self.msisdn,
            language: self.language.unwrap_or_default(),
        }
    }
}

fn check_document(path: &str, document: &IdentityDocument, problems: &mut Vec<String>) {
    let number = document.document_number.trim();
    if number.is_empty()
        || number.len() > 50
        || !number.chars().any(char::is_alphanumeric)
        || number.chars().any(char::is_control)
    {
        problems.push(format!("{path}.identity_document.document_number: expected 1 to 50 characters with letters or digits"));
    }
    let country = document.country.as_deref();
    if country.is_some_and(|country| country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_uppercase())) {
        problems.push(format!("{path}.identity_document.country: expected two capital letters (ISO 3166-1)"));
    }
    if document.document_type == DocumentType::IdentityCard && country.is_none() {
        problems.push(format!("{path}.identity_document.country: an IDENTITY_CARD needs it"));
    }
}

/// The data that a channel needs of a person.
pub fn check_channel(path: &str, person: &Contact, channel: Channel, problems: &mut Vec<String>) {
    if person.destination(channel).is_none() {
        let needed = if channel == Channel::Email { "email" } else { "msisdn" };
        problems.push(format!("{path}.{needed}: the channel needs it"));
    }
}

/// The data that a second factor needs of a person.
pub fn check_second_factor(path: &str, person: &Contact, kind: Option<TwoFactorType>, problems: &mut Vec<String>) {
    let Some(kind) = kind else { return };
    if person.second_factor(kind).is_none_or(|value| value.is_empty()) {
        let needed = if kind == TwoFactorType::Email { "email" } else { "identity_document" };
        problems.push(format!("{path}.{needed}: the second factor needs it"));
    }
}

/// A rough check: one `@`, something before it, a domain with a dot or `localhost` after it, no blanks. Whether mail arrives
/// only the mail server knows.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let domain_is_good = domain == "localhost" || (domain.contains('.') && domain.split('.').all(|label| !label.is_empty()));
    let plain =
        |part: &str| part.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '<' | '>' | ',' | ';' | '"'));
    !local.is_empty() && !local.contains('@') && text.len() <= 254 && domain_is_good && plain(local) && plain(domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_carry_another_header_or_recipient_are_refused() {
        assert!(is_email("ana.lopez+sign@mail.example.org") && is_email("josé@ejemplo.es"));
        for wrong in [
            "",
            "ana",
            "@example.org",
            "ana@",
            "ana@example",
            "a b@example.org",
            "a@x.org,b@y.org",
            "a@x.org\r\nBcc: b@y.org",
            "a@b@c.org",
        ] {
            assert!(!is_email(wrong), "{wrong}");
        }
    }

    #[test]
    fn all_problems_of_a_person_are_told_at_once() {
        let json = r#"{"name": " ", "email": "nobody", "msisdn": {"phone_number": 1, "country_code": "34"},
            "identity_document": {"document_number": "X1", "document_type": "IDENTITY_CARD"}}"#;
        let mut problems = Vec::new();
        serde_json::from_str::<Person>(json).unwrap().check("actor", &mut problems);
        let named: Vec<_> = problems.iter().map(|problem| problem.split(':').next().unwrap()).collect();
        assert_eq!(named, ["actor.name", "actor.email", "actor.msisdn", "actor.identity_document.country"]);
    }
}
