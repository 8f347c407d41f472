//! JSON bodies: bounded, and every refusal names the member that is wrong. Unknown members are ignored.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::BytesMut;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::error::{ApiError, shortened};
use super::intake::{self, Options};
use super::refusals::Refusal;
use crate::objects::Objects;

/// Maximum time that a JSON body may take to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// The body, of whatever type; it takes of the room for bodies in the name of `organization`.
///
/// # Errors
/// 413 over the limit, 408 when it takes too long, 400 when it breaks off, 503 when there is no room for it.
pub(super) async fn read(
    request: &HttpRequest,
    payload: Payload,
    limit: usize,
    organization: &str,
) -> Result<BytesMut, ApiError> {
    let share = Options::of(request).json_room.share(organization);
    let (bytes, _) = intake::whole(request, payload, limit, READ_TIMEOUT, share).await?;
    Ok(bytes)
}

/// # Errors
/// 415 for a body that is not declared as JSON.
pub(super) fn require_json(request: &HttpRequest) -> Result<(), ApiError> {
    let essence = media_type(request).unwrap_or_default();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    Err(ApiError::unsupported_media_type("the body must be sent as application/json"))
}

/// The media type that a request declares for its body, in lower case and without parameters.
pub(super) fn media_type(request: &HttpRequest) -> Option<String> {
    let declared = request.headers().get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(declared.split(';').next()?.trim().to_ascii_lowercase())
}

/// The length that a request declares for its body, if it does.
pub(super) fn declared_length(request: &HttpRequest) -> Option<u64> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Reads JSON, naming the member that is wrong.
///
/// # Errors
/// 400 (`INVALID_INPUT`) that quotes nothing of the values sent.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    parse_details(bytes).map_err(ApiError::input)
}

/// Reads JSON; the error is a text for the caller that names the member and quotes no value.
///
/// # Errors
/// What is wrong, and where.
pub fn parse_details<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Objects(&mut deserializer)).map_err(|error| describe(&error, bytes))?;
    deserializer.end().map_err(|error| format!("not valid JSON at line {}, column {}", error.line(), error.column()))?;
    Ok(value)
}

/// The member, what is wrong with it, and where it stands.
fn describe(error: &serde_path_to_error::Error<serde_json::Error>, bytes: &[u8]) -> String {
    let cause = error.inner();
    let place = format!("line {}, column {}", cause.line(), cause.column());
    // Of a number or a null in place of one of several names, `serde_json` says that the syntax is wrong.
    if !cause.is_data() && serde_json::from_slice::<IgnoredAny>(bytes).is_err() {
        return format!("not valid JSON at {place}");
    }
    let path = match error.path().to_string().as_str() {
        "." | "?" => String::new(),
        path => shortened(path),
    };
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match Refusal::of(&cause.to_string()) {
        Refusal::Missing(name) => format!("{}: the member is missing ({place})", below(&name)),
        Refusal::Doubled(name) => format!("{}: the member comes more than once ({place})", below(&name)),
        Refusal::Value(problem) if path.is_empty() => format!("{problem} ({place})"),
        Refusal::Value(problem) => format!("{path}: {problem} ({place})"),
    }
}

/// For `#[serde(default, deserialize_with = "json::present")]`: a member that may be left out but may not be null.
///
/// # Errors
/// Those of `T`.
pub fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Signer {
        name: String,
        #[serde(default)]
        age: u8,
        #[serde(default)]
        role: Role,
    }

    #[derive(Debug, Default, Deserialize, PartialEq)]
    enum Role {
        #[default]
        Signer,
        Witness,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Body {
        signers: Vec<Signer>,
    }

    fn refusal(text: &str) -> String {
        parse_details::<Body>(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn unknown_members_are_ignored() {
        let body: Body = parse(br#"{"signers":[{"name":"Ana","colour":"red"}],"more":[1]}"#).unwrap();
        assert_eq!(body, Body { signers: vec![Signer { name: "Ana".into(), age: 0, role: Role::Signer }] });
    }

    #[test]
    fn a_refusal_names_the_member_and_quotes_no_value() {
        for (text, expected) in [
            (r#"{"signers":[{"name":123456}]}"#, "signers[0].name: expected a text, found a whole number (line 1, column 26)"),
            (r#"{"signers":[{"name":"Ana"},{"age":3}]}"#, "signers[1].name: the member is missing (line 1, column 36)"),
            (
                r#"{"signers":[{"name":"Ana","age":300}]}"#,
                "signers[0].age: expected a whole number from 0 to 255 (line 1, column 35)",
            ),
            (r#"{"signers":[{"name":"Ana","role":"Boss"}]}"#, "signers[0].role: expected Signer or Witness (line 1, column 39)"),
            (
                r#"{"signers":[{"name":"Ana","role":null}]}"#,
                "signers[0].role: the value is not of the form that is expected here (line 1, column 34)",
            ),
            ("{\n}", "signers: the member is missing (line 2, column 1)"),
            ("[]", "expected an object, found an array (line 1, column 0)"),
            ("7", "expected an object, found a whole number (line 1, column 1)"),
            (r#"{"signers":[],"signers":[]}"#, "signers: the member comes more than once (line 1, column 23)"),
        ] {
            assert_eq!(refusal(text), expected, "{text}");
        }
    }

    #[test]
    fn text_that_is_not_json_is_refused_with_its_place() {
        assert_eq!(refusal(r#"{"signers":"#), "not valid JSON at line 1, column 11");
        assert!(refusal(r#"{"signers":[]} trailing"#).starts_with("not valid JSON at line 1"));
    }

    #[test]
    fn deep_nesting_does_no_harm() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(parse::<Body>(format!("{{\"signers\":[],\"ignored\":{deep}}}").as_bytes()).is_ok());
        assert!(parse::<serde_json::Value>(deep.as_bytes()).is_err());
    }
}
