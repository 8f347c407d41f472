//! Verification of a signed file that a caller sends: nothing of it is kept.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::schema::{AdditionalProperties, Object, ObjectBuilder, Type};

use super::call::{Call, Json, PdfFile};
use super::error::ApiError;
use crate::verify::{Evidence, roots::TrustedRoot, service::Answer};

/// What is said of a signed file.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Verification {
    /// As the program's own `rubrica verify --json` tells it.
    #[schema(schema_with = report)]
    report: Value,
    /// Of a certificate of this server: what the evidence attached to it is worth. Null if there is none.
    evidence: Option<Evidence>,
    /// The trusted roots that the report relies on, and whose word each is. Of several with one name all are told.
    roots: Vec<TrustedRoot>,
    /// Whether signatures were held against the organization's own certificate; false where it has none that is valid now.
    trusts_own: bool,
}

fn report() -> Object {
    const MEMBERS: &str = "`verified_at`; `length` of the file in bytes; `signatures` in the order in which they were made, each with `signer`, \
        `claimed_time`, `proven_time`, `time_stamps`, `trust`, `later_changes`, `problems`, `not_judged` and `judgement` (`intact`, `not_intact`, \
        `not_judged`); and `problems` of the file. Sentences are in English. Members may be added.";
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .description(Some(MEMBERS))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .build()
}

impl Verification {
    /// # Errors
    /// A report that cannot be written as JSON: a fault of the server.
    pub fn of(answer: Answer) -> Result<Self, serde_json::Error> {
        let Answer { judged, own_root } = answer;
        let report = serde_json::to_value(&judged.report)?;
        Ok(Self { report, evidence: judged.evidence, roots: judged.roots, trusts_own: own_root })
    }
}

pub async fn verify(call: Call<(), PdfFile>) -> Result<Json<Verification>, ApiError> {
    let Call { organization, body, state, engine, .. } = call;
    let (file, _room) = body.read(state.verifier.max_bytes(), state.documents.upload_room(&organization)).await?;
    // As the seals of processes have it.
    let now = engine.clock.now();
    let answer = state.verifier.verify(&organization, file, now).await?;
    Ok(Json(Verification::of(answer).map_err(ApiError::internal)?))
}
