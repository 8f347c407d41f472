//! The two who sign.

use serde_json::{Value, json};

/// Headers that describe a signer's device (contract, DeviceHeaders).
pub(super) type Device = [(&'static str, &'static str); 3];

/// A signer.
pub(super) struct Person {
    pub alias: &'static str,
    name: &'static str,
    last_name: &'static str,
    language: &'static str,
    /// How the code travels, in words.
    pub channel: &'static str,
    /// Where it arrives.
    pub to: &'static str,
    pub device: &'static Device,
    /// The signature field to fill.
    field: Option<String>,
}

impl Person {
    pub fn full_name(&self) -> String {
        format!("{} {}", self.name, self.last_name)
    }

    /// Which an agent compares. The numbers are samples with right check letters, of nobody.
    fn identity_document(&self) -> Value {
        match self.language {
            "ES" => json!({"document_number": "12345678Z", "document_type": "NIF"}),
            _ => json!({"document_number": "C01X00T47", "document_type": "PASSPORT", "country": "DE"}),
        }
    }

    /// As a signer of a sign process.
    pub fn request(&self) -> Value {
        let mut signer = json!({"alias": self.alias, "name": self.name, "last_name": self.last_name, "language": self.language});
        match self.to.strip_prefix("+34").and_then(|number| number.parse::<u64>().ok()) {
            Some(number) => signer["msisdn"] = json!({"phone_number": number, "country_code": "34"}),
            None => signer["email"] = json!(self.to),
        }
        signer
    }
}

const PHONE: Device =
    [("x-installation_id", "demo-phone"), ("x-fingerprint", "demo-fingerprint-1"), ("user-agent", "RubricaDemo/1 (phone)")];

const COMPUTER: Device =
    [("x-installation_id", "demo-computer"), ("x-fingerprint", "demo-fingerprint-2"), ("user-agent", "RubricaDemo/1 (computer)")];

/// The signers, with the document's first free signature fields if it has some.
pub(super) fn cast(fields: &[String]) -> [Person; 2] {
    [
        Person {
            alias: "seller",
            name: "Ana",
            last_name: "López",
            language: "ES",
            channel: "SMS",
            to: "+34600111222",
            device: &PHONE,
            field: fields.first().cloned(),
        },
        Person {
            alias: "buyer",
            name: "Jürgen",
            last_name: "Weiß",
            language: "DE",
            channel: "e-mail",
            to: "juergen@example.org",
            device: &COMPUTER,
            field: fields.get(1).cloned(),
        },
    ]
}

/// The body of `create_sign_process`: by hand in front of an agent, or by codes.
pub(super) fn request(people: &[Person], document: &str, by_hand: bool) -> Value {
    let fields: Vec<Value> =
        people.iter().filter_map(|person| Some(json!({"signer": person.alias, "fields": [person.field.as_ref()?]}))).collect();
    let mut document = json!({"id": document});
    if !fields.is_empty() {
        document["sign_fields"] = json!(fields);
    }
    let signer = |person: &Person| {
        let mut signer = person.request();
        if by_hand {
            signer["identity_document"] = person.identity_document();
        }
        signer
    };
    let (sign, identification) = if by_hand { ("BIOMETRIC", "AGENT") } else { ("SIMPLE", "OTP") };
    json!({
        "signers": people.iter().map(signer).collect::<Vec<_>>(),
        "sign": {"type": sign, "documents": [document]},
        "identification": {"type": identification},
    })
}
