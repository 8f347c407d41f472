//! People as the contract sends them, checked by what they are needed for (note nested-required).

use serde::Deserialize;
use utoipa::ToSchema;
use workflows::{Contact, ContactOrigin, IdentityDocument, Language, Msisdn};

/// Contract `IdentificationActor`, and `Signer` without its alias.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = IdentificationActor)]
pub struct Person {
    /// Given name.
    #[schema(min_length = 1, max_length = 200, pattern = "LINE")]
    pub name: Option<String>,
    /// Family name.
    #[schema(min_length = 1, max_length = 200, pattern = "LINE")]
    pub last_name: Option<String>,
    /// Identity document; needed when it is the second factor.
    pub identity_document: Option<IdentityDocument>,
    /// E-mail address; needed for the EMAIL channel and the EMAIL second factor.
    #[schema(format = "email")]
    pub email: Option<String>,
    /// Phone; needed for the SMS and WHATSAPP channels.
    pub msisdn: Option<Msisdn>,
    /// Language of the messages to the person.
    pub language: Option<Language>,
    /// Where e-mail address and phone come from. An addition to the contract: it is kept and stands in the evidence.
    pub contact_origin: Option<ContactOrigin>,
}

/// As it was sent: nothing of it is checked yet.
impl From<Person> for Contact {
    fn from(person: Person) -> Self {
        Self {
            name: person.name,
            last_name: person.last_name,
            identity_document: person.identity_document,
            email: person.email,
            msisdn: person.msisdn,
            language: person.language.unwrap_or_default(),
            origin: person.contact_origin,
        }
    }
}

#[cfg(test)]
mod tests {
    use workflows::values::Problems;

    use super::*;

    fn problems(email: &str) -> Vec<String> {
        let mut problems = Problems::default();
        let person = Person { email: Some(email.into()), ..Person::default() };
        let contact = Contact::from(person).checked("actor", &mut problems);
        assert_eq!(contact.email.as_deref(), Some(email), "it is kept as the person wrote it");
        problems.iter().map(ToString::to_string).collect()
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
        let mut problems = Problems::default();
        Contact::from(serde_json::from_str::<Person>(json).unwrap()).checked("actor", &mut problems);
        let named: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(named, ["actor.name", "actor.email", "actor.msisdn", "actor.identity_document.country"]);
    }
}
