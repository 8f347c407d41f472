//! What a process is found by besides its identifier: values in the one form in which they are looked for.
//!
//! Whoever stores them keeps digests under a key alone, so only what is exactly the same is found: hence the forms.

use crate::{Contact, IdentityDocument, Msisdn};

/// Maximum length of what is looked for, in bytes.
const MAX_ASKED: usize = 400;

/// Fewest digits that are taken for a phone number.
const SHORTEST_NUMBER: usize = 4;

/// One thing that a process is found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attribute {
    /// What it is: one of the names below. Part of the stored data.
    pub name: &'static str,
    pub value: String,
}

impl Attribute {
    /// A machine's state, by its name in the contract.
    pub fn status(name: &str) -> Self {
        Self { name: "status", value: name.to_owned() }
    }

    /// A sign process' state beside its type, both by their names in the contract: those of a type are found by each of its states.
    pub fn status_of_type(sign_type: &str, status: &str) -> Self {
        Self { name: "status_of_type", value: format!("{sign_type} {status}") }
    }

    /// The agent who began with somebody, by their subject.
    pub fn agent(subject: &str) -> Self {
        Self { name: "agent", value: subject.to_owned() }
    }

    /// A document of any role in the process.
    pub fn document(id: uuid::Uuid) -> Self {
        Self { name: "document", value: id.simple().to_string() }
    }

    /// Values of [`Attribute::effects`].
    pub const RETRYING: &str = "retrying";
    pub const GIVEN_UP: &str = "given_up";
    pub const PAUSED: &str = "paused";

    /// How the effects of a process stand, where that is worth a look: every kind is found by it.
    pub fn effects(value: &'static str) -> Self {
        Self { name: "effects", value: value.to_owned() }
    }

    fn alias(text: &str) -> Self {
        Self { name: "alias", value: text.trim().to_lowercase() }
    }

    fn email(text: &str) -> Self {
        Self { name: "email", value: text.trim().to_lowercase() }
    }

    /// Letters and digits alone: `12345678-z` and `12345678Z` are one number.
    fn identity_document(text: &str) -> Self {
        let plain = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase);
        Self { name: "identity_document", value: plain.collect() }
    }

    fn phone(digits: impl ToString) -> Self {
        Self { name: "phone", value: digits.to_string() }
    }

    /// A phone, by its number with the international prefix and without.
    fn phones(number: &Msisdn) -> [Self; 2] {
        [Self::phone(number.phone_number), Self::phone(number.e164().trim_start_matches('+'))]
    }

    /// What a person in a process is found by.
    pub fn of_person<'a>(alias: &str, person: &'a Contact) -> impl Iterator<Item = Self> + use<'a> {
        let number = |document: &IdentityDocument| Self::identity_document(&document.document_number);
        std::iter::once(Self::alias(alias))
            .chain(person.email.as_deref().map(Self::email))
            .chain(person.msisdn.iter().flat_map(Self::phones))
            .chain(person.identity_document.as_ref().map(number))
    }

    /// All that somebody may mean who looks for `text`: an identifier, an address, a number, a name.
    pub fn meant_by(text: &str) -> Vec<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > MAX_ASKED {
            return Vec::new();
        }
        let mut meant = vec![Self::alias(text)];
        meant.extend(uuid::Uuid::parse_str(text).ok().map(Self::document));
        if text.contains('@') {
            meant.push(Self::email(text));
        }
        let is_number = text.chars().all(|c| c.is_ascii_digit() || "+-.() /".contains(c));
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        if is_number && digits.len() >= SHORTEST_NUMBER {
            // 00 is how many dial what others write as +.
            let digits = digits.strip_prefix("00").unwrap_or(&digits);
            meant.push(Self::phone(digits));
        }
        let document = Self::identity_document(text);
        if !document.value.is_empty() {
            meant.push(document);
        }
        meant
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DocumentType;

    fn ana() -> Contact {
        Contact {
            email: Some("Ana.Gil@Example.org".into()),
            msisdn: Some(Msisdn { phone_number: 600_123_222, country_code: "34".into() }),
            identity_document: Some(IdentityDocument {
                document_number: "12345678-z".into(),
                document_type: DocumentType::Nif,
                country: None,
            }),
            ..Contact::default()
        }
    }

    #[test]
    fn a_person_is_found_by_whatever_form_is_asked_for() {
        let known: Vec<Attribute> = Attribute::of_person("Tenant", &ana()).collect();
        for asked in [
            "tenant",
            " TENANT ",
            "ana.gil@example.org",
            "ANA.GIL@EXAMPLE.ORG",
            "600123222",
            "600 12 32 22",
            "+34 600 123 222",
            "0034-600.123.222",
            "(34) 600/123222",
            "12345678Z",
            "12345678 z",
            "12.345.678-Z",
        ] {
            assert!(Attribute::meant_by(asked).iter().any(|meant| known.contains(meant)), "{asked}");
        }
        for other in
            ["", "ana", "ana.gil", "gil@example.org", "600", "60012322", "+35 600123222", "345678Z", "tenan", &"9".repeat(500)]
        {
            assert!(!Attribute::meant_by(other).iter().any(|meant| known.contains(meant)), "{other}");
        }
    }

    #[test]
    fn a_number_of_one_kind_is_not_one_of_another() {
        let of = |text: &str| Attribute::meant_by(text).into_iter().map(|meant| meant.name).collect::<Vec<_>>();
        assert_eq!(of("600123222"), ["alias", "phone", "identity_document"]);
        assert_eq!(of("a@b"), ["alias", "email", "identity_document"]);
        assert_eq!(of("01890a5d-ac96-774b-bcce-b302099a8057"), ["alias", "document", "identity_document"]);
        assert_eq!(of("@"), ["alias", "email"]);
        assert!(Attribute::meant_by("600123222").windows(2).all(|pair| pair[0] != pair[1]));
    }
}
