//! Identification by an agent: what its operations have of their own. The others are in [`super::identification`].

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{AllOfBuilder, ObjectBuilder, Ref, Schema, schema::SchemaType},
};
use uuid::Uuid;
use workflows::{
    DocumentType, IdentificationState, Language,
    identification::agent::{Agent, Command, Data, Request},
};

use super::{
    ApiError,
    call::{Call, Json},
    device::Required,
    durations,
    people::Person,
    processes::IdResponse,
};
use crate::{access::Grant, processes::vouching::Validation};

/// Contract `CreateAgentIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct CreateAgentIdentificationRequest {
    #[schema(schema_with = actor)]
    actor: Person,
    /// Time limit as ISO-8601 duration, from 1 minute to 30 days.
    #[schema(schema_with = durations::minute_to_month)]
    expires_in: String,
}

/// A person with an identity document.
fn actor() -> Schema {
    let with_document = ObjectBuilder::new().schema_type(SchemaType::AnyValue).required("identity_document");
    let actor = AllOfBuilder::new().item(Ref::from_schema_name("IdentificationActor")).item(with_document);
    Schema::AllOf(actor.description(Some("Its `identity_document` is mandatory here.")).build())
}

pub async fn create(call: Call<(), Json<CreateAgentIdentificationRequest>>) -> Result<Json<IdResponse>, ApiError> {
    let CreateAgentIdentificationRequest { actor, expires_in } = call.body.0;
    let creation = Request { actor: actor.into(), expires_in }.checked(call.engine.clock.now())?;
    let id = Uuid::now_v7();
    call.engine.processes.agent.create(&call.organization, id, Command::Create(Box::new(creation))).await?;
    Ok(Json(IdResponse { id }))
}

/// Contract `AgentIdentification`.
#[derive(Serialize, ToSchema)]
pub struct AgentIdentification {
    actor: AgentIdentificationActor,
    /// The `agent` of the validation; absent before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    agent_id: Option<String>,
    creation_date: DateTime<Utc>,
    modification_date: DateTime<Utc>,
    expiration_date: DateTime<Utc>,
    state: IdentificationState,
}

/// Contract `AgentIdentificationActor`: reduced, without the number of the identity document.
#[derive(Serialize, ToSchema)]
pub struct AgentIdentificationActor {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_name: Option<String>,
    language: Language,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    document_type: Option<DocumentType>,
}

impl From<&Data> for AgentIdentification {
    fn from(data: &Data) -> Self {
        let actor = &data.creation.actor;
        Self {
            actor: AgentIdentificationActor {
                name: actor.name.clone(),
                last_name: actor.last_name.clone(),
                language: actor.language,
                document_type: actor.identity_document.as_ref().map(|document| document.document_type),
            },
            agent_id: data.own.voucher.as_ref().map(|voucher| voucher.agent.clone()),
            creation_date: data.created_at.trunc_subsecs(3),
            modification_date: data.modified_at.trunc_subsecs(3),
            expiration_date: data.creation.expires_at.trunc_subsecs(3),
            state: data.state,
        }
    }
}

/// The signer's own application sees how far it is, but not who vouched.
pub async fn read(call: Call<Uuid>) -> Result<Json<AgentIdentification>, ApiError> {
    let identification = call.process::<Agent>().await?;
    let mut shown = AgentIdentification::from(identification.existing()?);
    if !matches!(call.caller.grant, Grant::Organization { .. }) {
        shown.agent_id = None;
    }
    Ok(Json(shown))
}

/// Contract `ValidateAgentIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct ValidateAgentIdentificationRequest {
    /// Identifier of the agent who validates.
    #[schema(min_length = 1, max_length = 320, pattern = "LINE")]
    agent: String,
    /// Picture of the identity document, a PNG in base64. Missing padding and stray trailing bits are tolerated.
    #[schema(max_length = 4194304, content_encoding = "base64", content_media_type = "image/png")]
    evidence: Option<String>,
    /// What was read from the picture: a string that holds a JSON document.
    #[schema(max_length = 65536, content_media_type = "application/json")]
    evidence_metadata: Option<String>,
}

pub async fn validate(call: Call<Uuid, Json<ValidateAgentIdentificationRequest>>) -> Result<(), ApiError> {
    let device = call.device(Required::InstallationAndUserAgent)?;
    let ValidateAgentIdentificationRequest { agent, evidence, evidence_metadata } = call.body.0;
    let validation = Validation { agent, evidence, metadata: evidence_metadata, device };
    let vouching = call.engine.vouching(&call.state);
    Ok(vouching.validate(&call.organization, call.id, validation).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema;
    use workflows::values::MAX_AGENT;

    use super::ValidateAgentIdentificationRequest;
    use crate::processes::vouching::{MAX_EVIDENCE, MAX_METADATA};

    #[test]
    fn the_description_names_the_bounds_that_hold() {
        let schema = serde_json::to_value(ValidateAgentIdentificationRequest::schema()).unwrap();
        for (member, bound) in [("agent", MAX_AGENT), ("evidence", MAX_EVIDENCE), ("evidence_metadata", MAX_METADATA)] {
            assert_eq!(schema["properties"][member]["maxLength"], json!(bound), "{member}");
        }
    }
}
