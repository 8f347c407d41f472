//! The provider INTERNAL: this server itself. It reads the images in its worker processes, offline, and every organization has it.

use chrono::NaiveDate;
use identity::{Declared, DocumentKind, Reading};
use workflows::{Contact, scoring::DocumentClass};

use super::{
    failures::{pause, reason},
    findings::Findings,
    provider::{Captures, Failure, Request},
};
use crate::{
    cpu_pool,
    identity_reader::{Error, IdentityReader},
};

/// Its name.
pub const NAME: &str = "INTERNAL";

/// When an attempt may come again that found too many others waiting.
const BUSY_PAUSE: std::time::Duration = std::time::Duration::from_secs(2);

/// Reads the images of a request.
///
/// # Errors
/// [`Failure`]: images that cannot be read end the attempt; a server that is busy takes none.
pub async fn score(reader: &IdentityReader, request: &Request) -> Result<Findings, Failure> {
    let read = tokio::time::timeout(request.timeout.mul_f64(0.95), read(reader, request));
    let reading = read.await.map_err(|_| Failure::unavailable("the images had no turn in time"))??;
    Ok(findings(&reading)?)
}

async fn read(reader: &IdentityReader, request: &Request) -> Result<Reading, Failure> {
    let Captures { front, back } = &request.captures;
    let front = match front {
        Some(capture) => Some(capture.read().await?),
        None => None,
    };
    let back = match back {
        Some(capture) => Some(capture.read().await?),
        None => None,
    };
    let declared = declared(&request.document, request.declared.as_ref());
    let today: NaiveDate = request.now.date_naive();
    reader.read(&request.organization, front, back, declared, today).await.map_err(failure)
}

fn failure(error: Error) -> Failure {
    match error {
        Error::Pool(cpu_pool::Error::Busy) => pause("too many images wait", BUSY_PAUSE),
        error if error.is_transient() => Failure::unavailable(error),
        error => Failure::ended(reason::IMAGE_UNREADABLE, error),
    }
}

/// What the zone is compared with.
fn declared(document: &DocumentClass, person: Option<&Contact>) -> Declared {
    let kind = match document.kind.as_str() {
        "PASSPORT" => Some(DocumentKind::Passport),
        "IDENTITY_CARD" | "NIF" | "NIE" => Some(DocumentKind::IdentityCard),
        _ => None,
    };
    let number = person.and_then(|person| person.identity_document.as_ref());
    Declared {
        name: person.and_then(|person| person.name.clone()),
        last_name: person.and_then(|person| person.last_name.clone()),
        birth_date: None,
        document_number: number.map(|document| document.document_number.clone()),
        country: document.country.clone(),
        kind,
    }
}

/// The checks with the side that they are about, and the values.
fn findings(reading: &Reading) -> Result<Findings, Failure> {
    let mut findings = Findings::new(reading.global_score)?;
    for check in &reading.checks {
        let side = check.side.map(|side| side.to_string());
        findings.score(check.score_type.name(), check.is_fraud, check.score, side.as_deref())?;
    }
    for (key, value) in &reading.values {
        findings.value(key.name(), value)?;
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use identity::{Images, Options, fixtures};
    use render::worker;
    use workflows::scoring::ScoreResult;

    use super::*;
    use crate::scoring::Then;

    const MEDIUM: f64 = 0.7;

    fn person(number: &str) -> Contact {
        serde_json::from_value(serde_json::json!({
            "name": "Carmen", "last_name": "Española Española", "language": "ES",
            "identity_document": {"document_number": number, "document_type": "NIF"},
        }))
        .unwrap()
    }

    /// What comes of a card and a person, without a process between.
    fn judged(card: &fixtures::Person<'_>, number: &str) -> ScoreResult {
        let document = DocumentClass { kind: "NIF".into(), country: Some("ES".into()) };
        let declared = declared(&document, Some(&person(number)));
        let (front, back) = (fixtures::front(), card.card());
        let options = Options { today: NaiveDate::from_ymd_opt(2026, 11, 26).unwrap() };
        let reading = identity::read(Images { front: Some(&front), back: Some(&back) }, &declared, &options).unwrap();
        findings(&reading).unwrap().judge(MEDIUM, Some(&person(number)))
    }

    #[test]
    fn a_card_of_the_declared_person_passes_and_another_does_not() {
        let result = judged(&fixtures::CARMEN, "99999999R");
        assert!(result.passing, "{result:?}");
        assert_eq!(result.extracted_values["DOCUMENT_NUMBER"], "99999999R");
        assert_eq!(result.extracted_values["BIRTH_DATE"], "1980-01-01T00:00:00Z");
        assert!(result.scores.iter().any(|score| score.score_type == "MRZ_CONTROL_DIGIT" && !score.is_fraud));
        assert!(!judged(&fixtures::CARMEN, "12345678Z").passing);
        let expired = fixtures::Person { expiry: "250102", ..fixtures::CARMEN };
        assert!(!judged(&expired, "99999999R").passing);
    }

    #[test]
    fn images_that_cannot_be_read_end_the_attempt_and_a_busy_server_takes_none() {
        let then = |error: Error| {
            let failure = failure(error);
            (failure.then, failure.reason.as_str().to_owned())
        };
        let ended = (Then::End, reason::IMAGE_UNREADABLE.to_owned());
        assert_eq!(then(Error::Images(identity::Error::NoImage)), ended);
        assert_eq!(then(Error::Panicked), ended);
        assert_eq!(then(Error::Exceeded(worker::Limit::Memory(1))), ended);
        assert_eq!(then(Error::Pool(cpu_pool::Error::SetAside(BUSY_PAUSE))), ended);
        assert_eq!(then(Error::Pool(cpu_pool::Error::Busy)).0, Then::Pause(BUSY_PAUSE));
        assert_eq!(then(Error::Pool(cpu_pool::Error::Closed)).0, Then::Retry);
        assert_eq!(then(Error::Worker(worker::Error::Died("it ended".into()))).0, Then::Retry);
    }
}
