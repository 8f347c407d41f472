//! An organization of a test's own with a tree, and what its channels do with customers.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    shared,
    support::{Answer, Call, Client, Server},
};

/// An organization with a tree, on some server. Cheap to clone.
#[derive(Clone)]
pub struct Shop {
    pub client: Client,
    pub organization: String,
}

/// A new id of a customer.
pub fn customer() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// One consent: id, type and how long an acceptance lasts.
pub type Definition = (&'static str, &'static str, Option<&'static str>);

/// The family C01 (C02, C03), C04 alone, and C05 that lasts half a year.
pub const DEFINITIONS: [Definition; 5] = [
    ("C01", "OPT_IN", None),
    ("C02", "OPT_IN", None),
    ("C03", "OPT_OUT_POSITIVE", None),
    ("C04", "OPT_OUT_NEGATIVE", None),
    ("C05", "OPT_IN", Some("P180D")),
];

impl Shop {
    /// On the server that tests share.
    pub fn new() -> (Arc<Server>, Self) {
        let (server, _) = shared();
        let shop = Self::on(&server);
        (server, shop)
    }

    /// A new organization on a server, with the tree of the segment `telco`.
    pub fn on(server: &Server) -> Self {
        let organization = format!("shop-{}", uuid::Uuid::new_v4().simple());
        let client = server.client_with(&server.token(&organization, &[]));
        let shop = Self { client, organization };
        for definition in DEFINITIONS {
            shop.define(definition);
        }
        shop.plant("telco");
        shop
    }

    /// The same organization through another server.
    pub fn through(&self, server: &Server) -> Self {
        let client = server.client_with(&server.token(&self.organization, &[]));
        Self { client, organization: self.organization.clone() }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/v2/orgs/{}/{rest}", self.organization)
    }

    pub fn define(&self, (id, kind, duration): Definition) {
        let text = |language: &str| {
            json!({ "language": language, "text": format!("{id} text {language}"), "description": format!("{id} why {language}"),
                    "short_text": format!("{id} {language}") })
        };
        let mut body = json!({ "id": id, "type": kind, "consent": [text("es"), text("en")] });
        if let Some(duration) = duration {
            body["expiration_policy"] = json!({ "duration": duration });
        }
        self.client.post(&self.path("consents")).json(&body).send().expect(201);
    }

    /// The tree of a segment over [`DEFINITIONS`].
    pub fn plant(&self, segment: &str) {
        self.client.post(&self.path("consents/tree")).header("x-segment", segment).json(&Self::tree()).send().expect(204);
    }

    pub fn tree() -> Value {
        json!({
            "description": "Customers", "default_language": "es", "allowed_languages": ["es", "en", "ca"],
            "consents_order": ["C01", "C02", "C03", "C04", "C05"], "priority_consent_ids": ["C01", "C05"],
            "views": [
                { "view": "MANDATORY", "consents": ["C01", "C02"] },
                { "view": "PORTFOLIO", "consents": ["C04", "C01", "C03"] },
                { "view": "CAMPAIGN", "consents": ["C05"] },
            ],
            "dependencies": [{ "father": "C01", "child": ["C03", "C02"] }],
            "channels": ["web"], "users_type": "customers",
        })
    }

    /// The path of a customer's consents.
    pub fn consents(&self, customer: &str) -> String {
        self.path(&format!("customers/{customer}/consents"))
    }

    /// A read that is being put together, of the segment `telco`.
    pub fn asking(&self, customer: &str, query: &str) -> Call<'_> {
        self.client.get(&format!("{}{query}", self.consents(customer))).header("x-segment", "telco")
    }

    pub fn read(&self, customer: &str, query: &str) -> Answer {
        self.asking(customer, query).send()
    }

    /// A fresh key for a customer.
    pub fn key(&self, customer: &str) -> String {
        self.key_in("telco", customer)
    }

    pub fn key_in(&self, segment: &str, customer: &str) -> String {
        let read = self.client.get(&self.consents(customer)).header("x-segment", segment).send();
        assert!(matches!(read.status, 200 | 202), "{read}");
        read.header("x-key").to_owned()
    }

    /// A capture with a key, of the segment `telco`.
    pub fn post(&self, customer: &str, key: &str, body: &Value) -> Answer {
        let call = self.client.post(&self.consents(customer)).headers([("x-segment", "telco"), ("x-key", key)]);
        call.json(body).send()
    }

    /// Captures choices now, under a fresh key.
    pub fn capture(&self, customer: &str, selections: &[(&str, u8)]) -> Answer {
        self.post(customer, &self.key(customer), &body(selections, &now()))
    }

    pub fn delete(&self, customer: &str) -> Answer {
        self.client.delete(&self.consents(customer)).header("x-segment", "telco").send()
    }

    pub fn impact(&self, customer: &str) -> Answer {
        self.client.get(&self.path(&format!("customers/{customer}"))).header("x-segment", "telco").send()
    }

    /// The choices of a known customer, by id.
    pub fn choices(&self, customer: &str) -> Value {
        choices(&self.read(customer, "").expect(202).json())
    }
}

/// The choices in an answer, by id.
pub fn choices(read: &Value) -> Value {
    fn gather(statements: &Value, into: &mut serde_json::Map<String, Value>) {
        for statement in statements.as_array().expect("statements") {
            into.insert(statement["id"].as_str().expect("an id").to_owned(), statement["choice"].clone());
            gather(&statement["child_statements"], into);
        }
    }
    let mut found = serde_json::Map::new();
    gather(&read["statements"], &mut found);
    Value::Object(found)
}

/// What is shown, in its order: ids, `!` before those for context, children in brackets.
pub fn shown(read: &Value) -> String {
    fn one(statement: &Value) -> String {
        let mark = if statement["read_only"] == true { "!" } else { "" };
        let children: Vec<String> = statement["child_statements"].as_array().expect("children").iter().map(one).collect();
        let family = if children.is_empty() { String::new() } else { format!("({})", children.join(" ")) };
        format!("{mark}{}{family}", statement["id"].as_str().expect("an id"))
    }
    let roots: Vec<String> = read["statements"].as_array().expect("statements").iter().map(one).collect();
    roots.join(" ")
}

/// This instant by the wall clock.
pub fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// The body of a capture.
pub fn body(selections: &[(&str, u8)], capture_date: &str) -> Value {
    let selections: Vec<Value> = selections.iter().map(|(id, choice)| json!({ "id": id, "choice": choice })).collect();
    json!({
        "actor_id": "AG000123", "selections": selections, "ip": "203.0.113.10", "sell_channel": "eshop", "trace_id": "TR-0001",
        "capture_date": capture_date,
    })
}
