//! Biometric signatures: what the signer sees, that they saw it, and that they sign by hand.

use serde::{Deserialize, Deserializer};
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::SignType;
use zeroize::Zeroizing;

use super::{
    ApiError,
    call::{Call, Json, Wiped},
    device::Required,
    simple_sign::{self, SignDetail},
};
use crate::{access::Grant, processes::handwriting::Writing};

/// Contract `BiometricSignRequest`.
#[derive(Deserialize, ToSchema)]
pub struct BiometricSignRequest {
    /// The handwriting with its times: rubrica-strokes-1, the data of signature_pad, an ISO/IEC 19794-7 record or a CMS in base64.
    #[serde(deserialize_with = "wiped")]
    #[schema(value_type = String, min_length = 1, max_length = 307200)]
    biometric_data: Zeroizing<String>,
    /// Picture of the signature: a PNG or JPEG in base64.
    #[serde(deserialize_with = "wiped")]
    #[schema(value_type = String, min_length = 1, max_length = 512000, content_encoding = "base64")]
    signature_image: Zeroizing<String>,
    /// Identifier of the agent who accepts the handwriting though its quality is too low; it stands in the evidence. An addition to the
    /// contract, for tokens of the organization alone.
    #[schema(min_length = 1, max_length = 320, pattern = "LINE")]
    accepted_by: Option<String>,
}

/// A text that is wiped when it is dropped.
fn wiped<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(deserializer).map(Zeroizing::new)
}

pub async fn read(call: Call<Uuid>) -> Result<Json<SignDetail>, ApiError> {
    simple_sign::read_as(call, SignType::Biometric).await
}

pub async fn preview(call: Call<Uuid>) -> Result<(), ApiError> {
    simple_sign::preview_as(call, SignType::Biometric).await
}

pub async fn sign(call: Call<Uuid, Wiped<BiometricSignRequest>>) -> Result<(), ApiError> {
    let device = call.device(Required::Installation)?;
    let Wiped(BiometricSignRequest { biometric_data, signature_image, accepted_by }) = call.body;
    if accepted_by.is_some() && !matches!(call.caller.grant, Grant::Organization { .. }) {
        return Err(ApiError::forbidden(
            "accepted_by: only an agent's application may send it, with a token of the organization",
        ));
    }
    let writing = Writing { sample: biometric_data, image: signature_image, accepted_by, device };
    Ok(call.engine.handwriting(&call.state).sign(&call.organization, call.id, writing).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use utoipa::PartialSchema;
    use workflows::values::MAX_AGENT;

    use super::BiometricSignRequest;
    use crate::handwriting::{MAX_IMAGE, MAX_SAMPLE};

    #[test]
    fn the_description_names_the_bounds_that_hold() {
        let schema = serde_json::to_value(BiometricSignRequest::schema()).unwrap();
        for (member, bound) in [("biometric_data", MAX_SAMPLE), ("signature_image", MAX_IMAGE), ("accepted_by", MAX_AGENT)] {
            assert_eq!(schema["properties"][member]["maxLength"], json!(bound), "{member}");
        }
    }
}
