//! People as the contract sends them, checked by what they are needed for (note nested-required).

use serde::Deserialize;
use utoipa::ToSchema;
use workflows::{Channel, Contact, DocumentType, EmailAddress, IdentityDocument, Language, Msisdn, TwoFactorType};

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
        let email = self.email.map(|email| email.trim().to_owned());
        if let Some(Err(problem)) = email.as_deref().map(EmailAddress::parse) {
            problems.push(format!("{path}.email: not an e-mail address that can be delivered: {problem}"));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(email: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let person = Person { email: Some(email.into()), ..Person::default() };
        let contact = person.check("actor", &mut problems);
        assert_eq!(contact.email.as_deref(), Some(email), "it is kept as the person wrote it");
        problems
    }

    #[test]
    fn an_address_that_cannot_be_delivered_is_refused_with_the_name_of_its_member() {
        for good in ["ana.lopez+sign@mail.example.org", "o'hara@example.ie", "josé@ejemplo.es", "ana@MÜNCHEN.example"] {
            assert_eq!(problems(good), [""; 0], "{good}");
        }
        for wrong in ["", "ana", "ana@example", "a@x.org,b@y.org", "a@x.org\r\nBcc: b@y.org", "mailto:ana@example.org"] {
            let told = problems(wrong);
            assert!(
                told.len() == 1 && told[0].starts_with("actor.email: not an e-mail address that can be delivered: "),
                "{told:?}"
            );
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
