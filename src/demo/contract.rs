//! The second part of the demo: a template is filled, and what was filled is signed as a contract.

use documents::fixtures::{self, Kind};
use serde_json::{Value, json};

use super::{Demo, Failure, client::Client, people::Person, text};

/// Names in the catalogue. They stay there: a further demo on the same server finds them.
const FORM: &str = "demo_rental_form";
const SECTION: &str = "demo_rental_section";
const TEMPLATE: &str = "demo_rental_agreement";

/// Whose contract it is.
const OWNER: &str = "demo";

/// What the agreement says, by its fields.
const VALUES: [(&str, &str); 4] = [
    ("TENANT", "Jürgen Weiß"),
    ("DWELLING", "Carrer de la Font, 12, 3r 2a, Vilafranca del Penedès"),
    ("RENT", "1.250,00 € a month"),
    ("FROM", "1 January 2027"),
];

/// The contract as it came out.
pub(super) struct Contract {
    pub filled: Vec<u8>,
    pub signed: Vec<u8>,
}

impl Demo {
    /// A contract with this person, whose field for the signature bears the alias.
    pub(super) async fn contract(&self, person: &Person) -> Result<Contract, Failure> {
        let client = &self.client;
        provide_template(client, person.alias).await?;
        self.say(format_args!("made the template {TEMPLATE} of a form with {} fields", VALUES.len() + 1));
        let values: Vec<Value> = VALUES.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
        let fill = json!({"template_external_id": TEMPLATE, "template_version": 1, "language": "EN", "fields_values": values});
        let (contract, document) = client.fill_contract(OWNER, &fill).await?;
        self.say(format_args!("filled it: contract {contract}, document {document}"));
        let filled = client.download_as(OWNER, &document).await?;
        let sign = json!({"sign_type": "ONLINE", "signers": [person.request()], "contracts": [{"contract_id": contract}]});
        let process = client.sign_contract(&sign).await?;
        self.say(format_args!("created the sign process {process} for the contract"));
        let signatures = client.process(&process).await?;
        self.sign(person, &signatures["signatures"][0]).await?;
        self.certified(&process).await?;
        let signed = text(&client.contract(&contract).await?, "/signed_document_id")?;
        self.say(format_args!("the contract is signed: document {signed}"));
        Ok(Contract { filled, signed: client.download_as(OWNER, &signed).await? })
    }
}

/// A template of one section with one form, and a field for the signature of this alias.
async fn provide_template(client: &Client, alias: &str) -> Result<(), Failure> {
    if client.is_there(&format!("templates/{TEMPLATE}/versions/1/metadata")).await? {
        return Ok(());
    }
    let signature = alias.to_uppercase();
    let fields = VALUES.iter().map(|(name, _)| (*name, Kind::Text)).chain([(signature.as_str(), Kind::Signature)]);
    client.form(FORM, &fixtures::form(&fields.collect::<Vec<_>>())).await?;
    let section = json!({"sectionName": SECTION, "forms": [{"language": "EN", "formExternalId": FORM}]});
    client.template_part("templates/sections", &section).await?;
    let template = json!({"templateName": TEMPLATE, "defaultLanguage": "EN", "orderedSectionNames": [SECTION]});
    client.template_part("templates", &template).await
}
