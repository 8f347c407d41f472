//! Contracts: filled documents that are signed.

use std::fmt;

use documents::forms::Mode;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Unexpected, Visitor},
};
use utoipa::{ToSchema, openapi::schema::Array};
use uuid::Uuid;
use workflows::{
    Contact, Language,
    values::{self, Problems},
};

use super::{
    ApiError,
    call::{Call, Json, act},
    documents::new_labels,
    fills::{FieldValue, Told, pairs},
    operation::MAX_TEMPLATE_VERSION,
};
use crate::{
    catalogue::{self, documents::Owner},
    filling::{self, Members, Target},
    processes::{
        contracts::{Desk, Place, Signing},
        creation::SignerRequest,
    },
};

/// Contract `Contract`.
#[derive(Serialize, ToSchema)]
pub struct Contract {
    /// Signed document; there once the contract is signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    signed_document_id: Option<Uuid>,
    /// Filled document.
    filled_document_id: Uuid,
    /// Sign process that the contract is or was in last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    sign_process_id: Option<Uuid>,
}

pub async fn read(call: Call<Uuid>) -> Result<Json<Contract>, ApiError> {
    let contract = call.state.contracts.get(&call.organization, call.id).await?;
    let standing = call.engine.processes.standing(&call.organization, &contract).await?;
    Ok(Json(Contract {
        signed_document_id: standing.signed_document(),
        filled_document_id: contract.document,
        sign_process_id: standing.process(),
    }))
}

/// The header `x-auth-owner`, which operations on the owner of a contract demand.
fn owner<Id, B>(call: &Call<Id, B>) -> Result<Owner, ApiError> {
    call.owner()?.ok_or_else(|| ApiError::parameter("x-auth-owner: the header is missing; it names the owner of the contract"))
}

/// Contract `ChangeContractOwnerRequest`.
#[derive(Deserialize, ToSchema)]
pub struct ChangeContractOwnerRequest {
    /// New owner of the contract.
    #[schema(min_length = 1, max_length = 255, pattern = "LINE")]
    new_owner: String,
}

/// Contract `ContractOwnerResponse`.
#[derive(Serialize, ToSchema)]
pub struct ContractOwnerResponse {
    /// New owner in normalised form: lower case.
    owner: String,
}

/// The documents move along: the contract is owned by who owns its filled document, and so is the signed one.
pub async fn change_owner(call: Call<Uuid, Json<ChangeContractOwnerRequest>>) -> Result<Json<ContractOwnerResponse>, ApiError> {
    let owner = owner(&call)?;
    let new_owner = Owner::new(&call.body.0.new_owner).map_err(|message| ApiError::input(format!("new_owner: {message}")))?;
    let contract = call.state.contracts.get(&call.organization, call.id).await?;
    let act = act(&call.caller, call.state.now());
    let documents = &call.state.documents;
    documents.change_owner(&call.organization, contract.document, Some(&owner), new_owner.clone(), act).await?;
    Ok(Json(ContractOwnerResponse { owner: new_owner.as_str().to_owned() }))
}

/// Contract `FillContractRequest`.
#[derive(Deserialize, ToSchema)]
pub struct FillContractRequest {
    /// External id of the template.
    template_external_id: String,
    /// Major version of the template. A text that is a number is taken as well.
    #[serde(deserialize_with = "number_or_text")]
    #[schema(minimum = 1, maximum = 32767)]
    template_version: u32,
    language: Language,
    /// Flags that switch conditional sections on.
    #[schema(max_items = 500)]
    flags_conditions: Option<Vec<String>>,
    /// Values to print, each field once. Names that the sections lack are ignored, which the answer tells.
    #[schema(max_items = 5000)]
    fields_values: Vec<FieldValue>,
    /// Name of the stored document, no spaces allowed; the external id of the template when left out.
    #[schema(pattern = r"^[^\s\x00-\x1F\x7F-\x9F]+$", max_length = 255)]
    name: Option<String>,
    #[schema(schema_with = lowercase_labels, required = false)]
    tags: Option<Vec<String>>,
}

/// Labels of contracts (note tags-case).
fn lowercase_labels() -> Array {
    let mut labels = new_labels();
    labels.description = Some("Free labels, at most 5; white space is dropped and they are put in lower case.".to_owned());
    labels
}

/// A number, or a text that holds one: the example of the contract sends that (note template-version-type).
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    struct Version;
    impl Visitor<'_> for Version {
        type Value = u32;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("u32")
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<u32, E> {
            u32::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<u32, E> {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = if is_number { text.parse().ok() } else { None };
            number.ok_or_else(|| E::invalid_value(Unexpected::Str("text"), &self))
        }
    }
    deserializer.deserialize_any(Version)
}

/// Contract `FillContractResponse`.
#[derive(Serialize, ToSchema)]
pub struct FillContractResponse {
    /// Identifier of the contract.
    contract_id: Uuid,
    /// Identifier of the filled document.
    document_id: Uuid,
}

pub async fn fill(call: Call<(), Json<FillContractRequest>>) -> Result<Told<Json<FillContractResponse>>, ApiError> {
    let owner = owner(&call)?;
    let Call { organization, body: Json(request), state, caller, .. } = call;
    let FillContractRequest { template_external_id, template_version, language, flags_conditions, fields_values, name, tags } =
        request;
    let mut problems = Problems::default();
    if !(1..=MAX_TEMPLATE_VERSION).contains(&template_version) {
        problems.note("template_version", format!("expected a number from 1 to {MAX_TEMPLATE_VERSION}"));
    }
    let name = name.and_then(|name| problems.take("name", values::check_document_name(&name).map(|()| name)));
    let tags = problems.take("tags", values::lowercase_tags(&tags.unwrap_or_default())).unwrap_or_default();
    if !problems.is_empty() {
        return Err(problems.into());
    }
    let request = filling::Request {
        template: template_external_id,
        major: template_version,
        language,
        flags: flags_conditions.unwrap_or_default(),
        values: pairs(fields_values),
        mode: Mode::Default,
        flatten: true,
        members: Members::SNAKE,
    };
    let act = act(&caller, state.now());
    let target = Target { name, tags, owner: Some(owner) };
    let (document, filled) = state.filling.to_document(&organization, request, target, act).await?;
    let contract = catalogue::contracts::Contract::new(document.id, filled.template.clone(), filled.version.to_string());
    let contract_id = state.contracts.register(&organization, contract, act).await?;
    Ok(Told::template(Json(FillContractResponse { contract_id, document_id: document.id }), &filled))
}

/// Contract `SignContractsRequest`.
#[derive(Deserialize, ToSchema)]
pub struct SignContractsRequest {
    sign_type: ContractSignType,
    #[schema(min_items = 1, max_items = 50)]
    signers: Vec<ContractSigner>,
    /// Contracts to sign.
    #[schema(min_items = 1, max_items = 50)]
    contracts: Vec<ContractRef>,
    additional_options: Option<ContractSignOptions>,
}

/// Where the contracts are signed. ONLINE: remotely, simple signatures with one-time codes. ONSITE: in a shop, in front of an agent,
/// biometric signatures, which this version does not make: a 400 once everything else is right.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum ContractSignType {
    Onsite,
    Online,
}

/// Contract `ContractSigner`.
#[derive(Deserialize, ToSchema)]
pub struct ContractSigner {
    /// Name of the signer, unique in the process. Signature fields of the contracts that are named after it are the signer's.
    #[schema(min_length = 1, max_length = 100, pattern = "LINE")]
    alias: String,
    /// Given name.
    #[schema(min_length = 1, max_length = 200, pattern = "LINE")]
    name: String,
    #[schema(min_length = 1, max_length = 200, pattern = "LINE")]
    last_name: Option<String>,
    identity_document: Option<workflows::IdentityDocument>,
    /// Notices and the code go out on the first of the organization's channels for which there is an address or a number.
    #[schema(format = "email")]
    email: Option<String>,
    msisdn: Option<workflows::Msisdn>,
    language: Option<Language>,
    identification_options: Option<ContractSignerIdentificationOptions>,
}

/// Contract `ContractSignerIdentificationOptions`.
#[derive(Deserialize, ToSchema)]
pub struct ContractSignerIdentificationOptions {
    /// Whether a picture of the personal document must be taken as evidence: ONSITE the validation by the agent needs its `evidence`.
    /// ONLINE it has no effect.
    personal_document_evidence: Option<bool>,
}

/// Contract `ContractRef`.
#[derive(Deserialize, ToSchema)]
pub struct ContractRef {
    contract_id: Uuid,
}

/// Contract `ContractSignOptions`.
#[derive(Deserialize, ToSchema)]
pub struct ContractSignOptions {
    /// Documents that are shown but not signed.
    #[schema(max_items = 49)]
    preview_documents: Option<Vec<Uuid>>,
}

/// Contract `SignContractsResponse`.
#[derive(Serialize, ToSchema)]
pub struct SignContractsResponse {
    sign_process_id: Uuid,
}

impl From<ContractSigner> for SignerRequest {
    fn from(signer: ContractSigner) -> Self {
        let person = Contact {
            name: Some(signer.name),
            last_name: signer.last_name,
            identity_document: signer.identity_document,
            email: signer.email,
            msisdn: signer.msisdn,
            language: signer.language.unwrap_or_default(),
            origin: None,
        };
        let evidence_required = signer.identification_options.and_then(|options| options.personal_document_evidence);
        let evidence_required = evidence_required.unwrap_or_default();
        Self { alias: signer.alias, person, two_factor_type: None, evidence_required }
    }
}

impl From<SignContractsRequest> for Signing {
    fn from(request: SignContractsRequest) -> Self {
        Self {
            place: match request.sign_type {
                ContractSignType::Onsite => Place::Onsite,
                ContractSignType::Online => Place::Online,
            },
            signers: request.signers.into_iter().map(Into::into).collect(),
            contracts: request.contracts.into_iter().map(|contract| contract.contract_id).collect(),
            previews: request.additional_options.and_then(|options| options.preview_documents).unwrap_or_default(),
        }
    }
}

pub async fn sign(call: Call<(), Json<SignContractsRequest>>) -> Result<Json<SignContractsResponse>, ApiError> {
    let Call { organization, body: Json(request), state, engine, caller, .. } = call;
    let desk = Desk { contracts: &state.contracts, creator: engine.creator(&state) };
    let sign_process_id = desk.sign(&organization, request.into(), engine.clock.now(), act(&caller, state.now())).await?;
    Ok(Json(SignContractsResponse { sign_process_id }))
}
