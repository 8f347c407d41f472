//! D4: what this server reads from the pictures of an identity document, beside what was declared. Advice: the agent decides.

use actix_web::{
    HttpResponse,
    http::{StatusCode, header},
    web,
};
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use identity::{Check, DocumentKind, Kind, Reading, ScoreType, Side, ValueKey};
use pages::console::Phrase;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;
use workflows::{DocumentType, identification::agent::Data};

use super::super::{
    site::Site,
    visit::{Failure, Visit},
};
use crate::scoring::declared;

/// Maximum length of the pictures as they come, in bytes, and how long they may take.
const MAX_PICTURES: usize = 12 * 1024 * 1024;
const PICTURES_TIME: std::time::Duration = std::time::Duration::from_secs(60);

/// From which score a check is as it should be.
const GOOD: f64 = 0.5;

/// Pictures of a document, base64.
#[derive(Deserialize)]
struct Pictures {
    csrf: String,
    front: String,
    #[serde(default)]
    back: String,
}

/// Proves that this server made a reading, for one identification.
pub struct Checks {
    key: hmac::Key,
    of: String,
}

impl Checks {
    pub fn of(site: &Site, organization: &str, id: Uuid) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &*site.check_key), of: format!("{organization}\n{id}\n") }
    }

    fn prove(&self, text: &str) -> String {
        HEXLOWER.encode(hmac::sign(&self.key, format!("{}{text}", self.of).as_bytes()).as_ref())
    }

    /// Whether this proof is the one of a text.
    pub fn made(&self, text: &str, proof: &str) -> bool {
        let Ok(proof) = HEXLOWER.decode(proof.as_bytes()) else { return false };
        hmac::verify(&self.key, format!("{}{text}", self.of).as_bytes(), &proof).is_ok()
    }
}

fn said(status: StatusCode, body: &Value) -> HttpResponse {
    HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

fn problem(visit: &Visit, status: StatusCode, key: &'static str) -> HttpResponse {
    said(status, &json!({ "problem": Phrase::new(key).say(visit.call.language) }))
}

/// Reads the pictures.
///
/// # Errors
/// [`Failure::Forged`], [`Failure::Form`].
pub async fn read(visit: &Visit, id: Uuid, data: &Data, payload: web::Payload) -> Result<HttpResponse, Failure> {
    let body = timeout(PICTURES_TIME, payload.to_bytes_limited(MAX_PICTURES)).await;
    let body = body.ok().and_then(Result::ok).and_then(Result::ok).ok_or(Failure::Form)?;
    let Pictures { csrf, front, back } = serde_json::from_slice(&body).map_err(|_| Failure::Form)?;
    if !visit.session.made_form(&csrf) {
        return Err(Failure::Forged);
    }
    let bytes = |text: &str| STANDARD.decode(text).map(Bytes::from).map_err(|_| Failure::Form);
    let front = bytes(&front)?;
    let back = if back.is_empty() { None } else { Some(bytes(&back)?) };
    let actor = &data.creation.actor;
    let document = actor.identity_document.as_ref();
    let kind = document.and_then(|document| match document.document_type {
        DocumentType::Passport => Some(DocumentKind::Passport),
        DocumentType::Nif | DocumentType::IdentityCard => Some(DocumentKind::IdentityCard),
        // It stands on documents of several kinds.
        DocumentType::Nie => None,
    });
    let declared = declared(Some(actor), kind, document.and_then(|document| document.country.clone()));
    let (today, reader) = (visit.process_time().date_naive(), &visit.site().reader);
    let reading = match reader.read(&visit.organization, Some(front), back, declared, today).await {
        Ok(reading) => reading,
        Err(error) if error.is_transient() => {
            return Ok(problem(visit, StatusCode::SERVICE_UNAVAILABLE, "desk.check_busy"));
        }
        Err(error) => {
            tracing::debug!(%error, "pictures at the desk were not read");
            return Ok(problem(visit, StatusCode::BAD_REQUEST, "desk.unreadable"));
        }
    };
    let metadata = told(&reading);
    let proof = Checks::of(visit.site(), &visit.organization, id).prove(&metadata);
    Ok(said(StatusCode::OK, &shown(visit, &reading, metadata, proof)))
}

/// The reading as it is kept with the picture.
fn told(reading: &Reading) -> String {
    let checks: Vec<Value> = reading.checks.iter().map(|check| json!(check)).collect();
    json!({ "reader": "INTERNAL", "global_score": reading.global_score, "values": reading.values, "checks": checks }).to_string()
}

/// The reading for the page, in the agent's language.
fn shown(visit: &Visit, reading: &Reading, metadata: String, proof: String) -> Value {
    let language = visit.call.language;
    let say = |key: &'static str| Phrase::new(key).say(language);
    let values: Vec<Value> = (reading.values.iter())
        .map(|(key, value)| json!({ "name": say(value_key(*key)), "value": of_value(*key, value) }))
        .collect();
    let checks: Vec<Value> = (reading.checks.iter())
        .map(|check| {
            json!({
                "name": say(check_key(check.score_type)),
                "side": check.side.map(|side| say(side_key(side))),
                "is_good": is_good(check),
                "is_fraud": check.is_fraud,
                "said": say(word_key(check)),
            })
        })
        .collect();
    json!({
        "values": values,
        "checks": checks,
        "titles": { "values": say("desk.read"), "checks": say("desk.checks"), "advice": say("desk.advice") },
        "none": say("desk.read_none"),
        "metadata": metadata,
        "proof": proof,
    })
}

/// Days without the time that the contract gives them.
fn of_value(key: ValueKey, value: &str) -> &str {
    match key {
        ValueKey::BirthDate | ValueKey::DocumentExpirationDate => value.split('T').next().unwrap_or(value),
        _ => value,
    }
}

fn is_good(check: &Check) -> bool {
    !check.is_fraud && check.score >= GOOD
}

/// What a check came to.
fn word_key(check: &Check) -> &'static str {
    match (check.is_fraud, is_good(check), check.score_type.kind()) {
        (true, ..) => "desk.check.suspicious",
        (false, true, _) => "desk.check.good",
        (false, false, Kind::Consistency) => "desk.check.look",
        (false, false, Kind::Picture) => "desk.check.poor",
    }
}

fn side_key(side: Side) -> &'static str {
    match side {
        Side::Front => "desk.front",
        Side::Back => "desk.back",
    }
}

fn value_key(key: ValueKey) -> &'static str {
    match key {
        ValueKey::Name => "desk.value.name",
        ValueKey::LastName => "desk.value.last_name",
        ValueKey::BirthDate => "desk.value.birth_date",
        ValueKey::DocumentNumber => "desk.value.document_number",
        ValueKey::DocumentExpirationDate => "desk.value.expiration",
        ValueKey::Nationality => "desk.value.nationality",
        ValueKey::Sex => "desk.value.sex",
        ValueKey::IssuingCountry => "desk.value.country",
        ValueKey::DocumentType => "desk.value.document_type",
        ValueKey::SupportNumber => "desk.value.support_number",
    }
}

fn check_key(score_type: ScoreType) -> &'static str {
    match score_type {
        ScoreType::MrzReadable => "desk.check.mrz_readable",
        ScoreType::MrzControlDigit => "desk.check.mrz_control_digit",
        ScoreType::MrzDates => "desk.check.mrz_dates",
        ScoreType::DocumentExpired => "desk.check.document_expired",
        ScoreType::CountryCodes => "desk.check.country_codes",
        ScoreType::NationalNumber => "desk.check.national_number",
        ScoreType::DeclaredData => "desk.check.declared_data",
        ScoreType::FrontBack => "desk.check.front_back",
        ScoreType::Reuse => "desk.check.reuse",
        ScoreType::Focus => "desk.check.focus",
        ScoreType::Glare => "desk.check.glare",
        ScoreType::Resolution => "desk.check.resolution",
        ScoreType::Aspect => "desk.check.aspect",
        ScoreType::Photocopy => "desk.check.photocopy",
        ScoreType::ScreenRecapture => "desk.check.screen_recapture",
        ScoreType::EditingTraces => "desk.check.editing_traces",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_taken_back_from_this_server_for_this_person_alone() {
        let checks = |key: u8, of: &str| Checks { key: hmac::Key::new(hmac::HMAC_SHA256, &[key; 32]), of: of.into() };
        let proof = checks(1, "acme\n7\n").prove("{}");
        assert!(checks(1, "acme\n7\n").made("{}", &proof));
        for (other, text) in [(checks(2, "acme\n7\n"), "{}"), (checks(1, "acme\n8\n"), "{}"), (checks(1, "acme\n7\n"), "{ }")] {
            assert!(!other.made(text, &proof));
        }
        assert!(!checks(1, "acme\n7\n").made("{}", "") && !checks(1, "acme\n7\n").made("{}", "zz"));
    }

    #[test]
    fn what_points_to_fraud_is_never_good_and_each_check_has_words_of_its_own() {
        let check = |is_fraud, score| Check { score_type: ScoreType::MrzDates, is_fraud, score, side: None };
        assert_eq!(
            [(true, 1.0), (false, 0.5), (false, 0.4)].map(|(fraud, score)| is_good(&check(fraud, score))),
            [false, true, false]
        );
        let mut keys = ScoreType::ALL.map(check_key).to_vec();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), ScoreType::ALL.len());
    }
}
