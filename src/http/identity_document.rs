//! Identification by identity document: what its operations have of their own. The others are in [`super::identification`].

use chrono::{DateTime, SubsecRound, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{Object, ObjectBuilder, Type},
};
use uuid::Uuid;
use workflows::{
    DocumentType, IdentificationState, IdentityDocument,
    identification::identity_document::{
        self, CheckCommand, Command, Data, IdentityDocument as Identification, Request, Terms, scoring_id,
    },
    scoring::Level,
};

use super::{
    ApiError,
    call::{Call, Json, WithHeader},
    device::Required,
    durations,
    people::Person,
    scoring::ways,
    signers,
};
use crate::{
    catalogue::sign_configuration::{self, ProviderType},
    processes::name_of,
};

/// Contract `CreateIdentityDocumentIdentificationRequest`.
#[derive(Deserialize, ToSchema)]
pub struct CreateIdentityDocumentIdentificationRequest {
    /// Person to identify. Wins over the three members below (note actor-legacy).
    actor: Option<Person>,
    /// As in `actor`; not looked at where that is given.
    name: Option<String>,
    /// As in `actor`; not looked at where that is given.
    last_name: Option<String>,
    identity_document: Option<IdentityDocument>,
    /// Strictness of the check.
    #[schema(schema_with = level)]
    configuration_name: Option<Level>,
    /// Time limit, at most 30 days, default 30 days.
    #[schema(schema_with = durations::identification_or_default, required = false)]
    expires_in: Option<String>,
    scoring: Option<IdentityDocumentScoringOptions>,
}

/// Contract `configuration_name`.
fn level() -> Object {
    let levels = ["LOW", "MEDIUM", "HIGH"];
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(levels)).description(Some("Strictness of the check.")).build()
}

/// Contract `IdentityDocumentScoringOptions`.
#[derive(Deserialize, ToSchema)]
pub struct IdentityDocumentScoringOptions {
    /// Who scores the document.
    provider: Option<ProviderType>,
}

impl CreateIdentityDocumentIdentificationRequest {
    /// The person, the legacy way if `actor` is missing.
    fn actor(&mut self) -> Person {
        let legacy = Person {
            name: self.name.take(),
            last_name: self.last_name.take(),
            identity_document: self.identity_document.take(),
            ..Person::default()
        };
        self.actor.take().unwrap_or(legacy)
    }
}

/// Contract `CreateIdentityDocumentIdentificationResponse`.
#[derive(Serialize, ToSchema)]
pub struct CreateIdentityDocumentIdentificationResponse {
    id: Uuid,
    /// Identifier of the scoring session opened with it.
    scoring_id: Uuid,
}

pub async fn create(
    call: Call<(), Json<CreateIdentityDocumentIdentificationRequest>>,
) -> Result<Json<CreateIdentityDocumentIdentificationResponse>, ApiError> {
    let Call { organization, body: Json(mut body), state, engine, .. } = call;
    let provider = body.scoring.as_ref().and_then(|scoring| scoring.provider).and_then(|provider| name_of(&provider));
    let terms = engine.identity_documents.terms();
    let terms = Terms { level: body.configuration_name, provider: provider.unwrap_or(terms.provider), ..terms };
    let request = Request { actor: body.actor().into(), expires_in: body.expires_in };
    let creation = request.checked(engine.clock.now(), terms)?;
    if !state.configurations.exists(&organization).await? {
        return Err(sign_configuration::Error::NotFound.into());
    }
    ways(&engine, &organization, "scoring.provider", &creation.terms.provider).await?;
    let id = Uuid::now_v7();
    engine.processes.identity_document.create(&organization, id, Command::Create(Box::new(creation))).await?;
    Ok(Json(CreateIdentityDocumentIdentificationResponse { id, scoring_id: scoring_id(id, 0) }))
}

/// Contract `IdentityDocumentIdentification`.
#[derive(Serialize, ToSchema)]
pub struct IdentityDocumentIdentification {
    actor: IdentityDocumentActor,
    state: IdentificationState,
    /// Tries left; with none left the identification becomes FAILED.
    remaining_validation_attempts: u32,
    creation_date: DateTime<Utc>,
    modification_date: DateTime<Utc>,
    expiration_date: DateTime<Utc>,
    /// Scoring session behind this identification.
    scoring_id: Uuid,
}

/// Contract `IdentityDocumentActor`.
#[derive(Serialize, ToSchema)]
pub struct IdentityDocumentActor {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    identity_document: Option<ShownIdentityDocument>,
}

/// Contract `ActorIdentityDocument`, as it is answered.
#[derive(Serialize, ToSchema)]
pub struct ShownIdentityDocument {
    document_number: String,
    document_type: DocumentType,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^[A-Z]{2}$")]
    country: Option<String>,
}

impl From<IdentityDocument> for ShownIdentityDocument {
    fn from(document: IdentityDocument) -> Self {
        let IdentityDocument { document_number, document_type, country } = document;
        Self { document_number, document_type, country }
    }
}

impl IdentityDocumentIdentification {
    fn of(id: Uuid, data: &Data) -> Self {
        let actor = data.creation.actor.clone();
        Self {
            actor: IdentityDocumentActor {
                name: actor.name,
                last_name: actor.last_name,
                identity_document: actor.identity_document.map(Into::into),
            },
            state: data.state,
            remaining_validation_attempts: data.remaining_attempts(),
            creation_date: data.created_at.trunc_subsecs(3),
            modification_date: data.modified_at.trunc_subsecs(3),
            expiration_date: data.creation.expires_at.trunc_subsecs(3),
            scoring_id: scoring_id(id, data.own.round),
        }
    }
}

pub async fn read(call: Call<Uuid>) -> Result<Json<IdentityDocumentIdentification>, ApiError> {
    let identification = call.process::<Identification>().await?;
    Ok(Json(IdentityDocumentIdentification::of(call.id, identification.existing()?)))
}

pub async fn validate(call: Call<Uuid>) -> Result<WithHeader<()>, ApiError> {
    let device = call.device(Required::InstallationAndUserAgent)?;
    let resume = signers::resume_hash(&call)?;
    let command = identity_document::Command::from(CheckCommand::Validate { device, resume });
    let validated = call.ask::<Identification>(command).await?;
    call.with_access_token(validated.existing().ok().and_then(|data| data.creation.purpose.signature))
}
