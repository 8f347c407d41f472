//! INTERNAL: this server reads the images itself, offline, in its worker processes (crate `identity`, which says what each check looks at and
//! what it cannot see).

use chrono::NaiveDate;
use identity::{Declared, DocumentKind, Side, ValueKey};

use super::{
    Image, Images, failures,
    findings::Findings,
    provider::{Failure, Request, Then},
};
use crate::identity_reader::{Error, IdentityReader};

/// Reads and checks the images of an attempt.
///
/// # Errors
/// [`Failure`]: of the images, or because there is no turn.
pub async fn score(reader: &IdentityReader, request: &Request, images: Images) -> Result<Findings, Failure> {
    let bytes = |image: Option<Image>| image.map(|image| image.bytes);
    let today: NaiveDate = request.now.date_naive();
    let reading = reader.read(&request.organization, bytes(images.front), bytes(images.back), declared(request), today).await;
    let reading = reading.map_err(|error| failure(&error))?;
    let mut findings = Findings::new(reading.global_score)?;
    for check in &reading.checks {
        let side = match check.side {
            Some(Side::Front) => "front: ",
            Some(Side::Back) => "back: ",
            None => "",
        };
        let note = format!("{side}{}", check.score_type.blind_spot());
        findings.score(check.score_type.name(), check.is_fraud, check.score, Some(&note))?;
    }
    for (key, value) in &reading.values {
        findings.value(&name(*key), value)?;
    }
    Ok(findings)
}

/// The name of a value, as it is in JSON.
fn name(key: ValueKey) -> String {
    serde_json::to_value(key).ok().and_then(|name| name.as_str().map(Into::into)).unwrap_or_default()
}

/// What the caller says of the person and the document.
fn declared(request: &Request) -> Declared {
    let person = request.declared.as_ref();
    let kind = match request.document.kind.as_str() {
        "PASSPORT" => Some(DocumentKind::Passport),
        "IDENTITY_CARD" | "NIF" => Some(DocumentKind::IdentityCard),
        // A NIE stands on documents of several kinds.
        _ => None,
    };
    Declared {
        name: person.and_then(|person| person.name.clone()),
        last_name: person.and_then(|person| person.last_name.clone()),
        birth_date: None,
        document_number: person
            .and_then(|person| person.identity_document.as_ref())
            .map(|document| document.document_number.clone()),
        country: request.document.country.clone(),
        kind,
    }
}

fn failure(error: &Error) -> Failure {
    match error {
        Error::Pool(_) if error.is_transient() => failures::pause("no process is free to read the images", failures::PAUSE),
        error if error.is_transient() => Failure::unavailable(error),
        error => failures::failure(failures::reason::IMAGE_UNREADABLE, Then::End, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cpu_pool;

    #[test]
    fn images_are_to_blame_only_for_what_is_theirs() {
        let of = |error: Error| {
            let failure = failure(&error);
            (failure.reason.as_str().to_owned(), failure.then)
        };
        let unreadable = ("IMAGE_UNREADABLE".to_owned(), Then::End);
        assert_eq!(of(Error::Images(identity::Error::NoImage)), unreadable);
        assert_eq!(of(Error::Panicked), unreadable);
        assert_eq!(of(Error::Pool(cpu_pool::Error::SetAside(Duration::ZERO))), unreadable);
        assert_eq!(of(Error::Pool(cpu_pool::Error::Busy)), ("PROVIDER_UNAVAILABLE".to_owned(), Then::Pause(failures::PAUSE)));
    }

    #[test]
    fn values_have_the_names_of_the_contract() {
        let names = [ValueKey::Name, ValueKey::DocumentNumber, ValueKey::DocumentExpirationDate].map(name);
        assert_eq!(names, ["NAME", "DOCUMENT_NUMBER", "DOCUMENT_EXPIRATION_DATE"]);
    }
}
