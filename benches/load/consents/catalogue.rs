//! The definitions and the tree of the measurement.

use serde_json::{Value, json};

use super::{ROOT, SEGMENT};
use crate::{Failure, client::Connection};

pub const DESCRIPTION: &str = "A tree of 8 consents, one father with two children, texts of about 200 bytes in two languages. A customer is imported with two choices; reads are of the \
     whole tree in one language; a capture makes two choices, one of which lapses.";

/// Ids, types, and how long an acceptance holds.
const CONSENTS: [(&str, &str, Option<&str>); 8] = [
    ("C01", "OPT_IN", Some("P2Y")),
    ("C02", "OPT_IN", None),
    ("C03", "OPT_IN", None),
    ("C04", "OPT_IN", Some("P24M")),
    ("C05", "OPT_OUT_NEGATIVE", None),
    ("C06", "OPT_OUT_POSITIVE", None),
    ("C07", "OPT_IN", None),
    ("C08", "OPT_OUT_NEGATIVE", None),
];

/// Makes them, on a server without any.
pub async fn create(connection: &mut Connection) -> Result<(), Failure> {
    for (id, kind, duration) in CONSENTS {
        let mut definition = json!({"id": id, "type": kind, "consent": [texts("es", id), texts("en", id)]});
        if let Some(duration) = duration {
            definition["expiration_policy"] = json!({"duration": duration});
        }
        connection.call("POST", &format!("{ROOT}/consents"), "", &definition.to_string()).await?.expect(201)?;
    }
    let ids = CONSENTS.map(|(id, ..)| id);
    let tree = json!({
        "description": "measured",
        "default_language": "es",
        "allowed_languages": ["es", "en"],
        "consents_order": ids,
        "priority_consent_ids": ["C01"],
        "views": [{"view": "MANDATORY", "consents": ["C01", "C02"]}, {"view": "PORTFOLIO", "consents": ids}],
        "dependencies": [{"father": "C01", "child": ["C02", "C03"]}],
        "channels": ["crm", "web"],
        "users_type": "customers",
    });
    connection.call("POST", &format!("{ROOT}/consents/tree"), SEGMENT, &tree.to_string()).await?.expect(204)
}

fn texts(language: &str, id: &str) -> Value {
    json!({
        "language": language,
        "text": format!("{id} ({language}): {}", "we may use the data of your contract to offer you what fits it, until you say no. ".repeat(2)),
        "description": "What is used: your contract and your bills of the last two years. Nothing is given to others.",
        "short_text": format!("{id}: offers that fit"),
    })
}
