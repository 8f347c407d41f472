//! INTERNAL: this server reads the images itself, offline, in its worker processes (crate `identity`, which says what each check looks at and
//! what it cannot see).

use chrono::NaiveDate;
use identity::{Declared, DocumentKind, Reading, Side, ValueKey};
use workflows::Contact;

use super::{
    Image, Images, ScoredPictures, failures,
    findings::{Findings, Unreadable},
    pictures::{Comparison, Person},
    provider::{Failure, Request, Then},
};
use crate::identity_reader::{Error, IdentityReader};

/// The provider: what reads images, and what knows them again. Cheap to clone.
#[derive(Clone)]
pub struct Internal {
    pub reader: IdentityReader,
    pub pictures: ScoredPictures,
}

/// Reads and checks the images of an attempt, and compares them with those of other processes.
///
/// # Errors
/// [`Failure`]: of the images, or because there is no turn, or no store.
pub async fn score(internal: &Internal, request: &Request, images: Images) -> Result<Findings, Failure> {
    let Internal { reader, pictures } = internal;
    let bytes = |image: Option<Image>| image.map(|image| image.bytes);
    let today: NaiveDate = request.now.date_naive();
    let reading = reader.read(&request.organization, bytes(images.front), bytes(images.back), declared_in(request), today).await;
    let mut reading = reading.map_err(|error| failure(&error))?;
    compare(pictures, request, &mut reading).await?;
    Ok(told(&reading)?)
}

/// The findings, each check with what it cannot see.
fn told(reading: &Reading) -> Result<Findings, Unreadable> {
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

/// Adds whether the pictures were used for another person. Of a person without a number, and of a plain picture, nothing is said.
async fn compare(pictures: &ScoredPictures, request: &Request, reading: &mut Reading) -> Result<(), Failure> {
    let declared = declared_in(request).document_number;
    let read = reading.values.get(&ValueKey::DocumentNumber).cloned();
    let Some(person) = Person::of(declared.as_deref(), read.as_deref()) else { return Ok(()) };
    let Request { organization, process, now, .. } = request;
    for (side, fingerprint) in [(Side::Front, reading.front_fingerprint), (Side::Back, reading.back_fingerprint)] {
        let Some(fingerprint) = fingerprint else { continue };
        let compared = pictures.compare(organization, *process, person, fingerprint, *now).await;
        match compared.map_err(Failure::unavailable)? {
            None => {}
            Some(Comparison::New) => reading.add_reuse(side, false),
            Some(Comparison::ReusedFrom(other)) => {
                // The result says that it was; who looks into it finds the other process here.
                tracing::warn!(organization, %process, %other, ?side, "the picture of a document was used for another person before");
                reading.add_reuse(side, true);
            }
        }
    }
    Ok(())
}

/// The name of a value, as it is in JSON.
fn name(key: ValueKey) -> String {
    serde_json::to_value(key).ok().and_then(|name| name.as_str().map(Into::into)).unwrap_or_default()
}

/// What the caller says of the person and the document.
fn declared_in(request: &Request) -> Declared {
    let kind = match request.document.kind.as_str() {
        "PASSPORT" => Some(DocumentKind::Passport),
        "IDENTITY_CARD" | "NIF" => Some(DocumentKind::IdentityCard),
        // A NIE stands on documents of several kinds.
        _ => None,
    };
    declared(request.declared.as_ref(), kind, request.document.country.clone())
}

/// What is known of a person and their document before it is read.
pub fn declared(person: Option<&Contact>, kind: Option<DocumentKind>, country: Option<String>) -> Declared {
    Declared {
        name: person.and_then(|person| person.name.clone()),
        last_name: person.and_then(|person| person.last_name.clone()),
        birth_date: None,
        document_number: person
            .and_then(|person| person.identity_document.as_ref())
            .map(|document| document.document_number.clone()),
        country,
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
    fn a_reused_picture_does_not_pass_and_what_the_check_cannot_see_is_told_whole() {
        let mut reading = Reading {
            global_score: 0.9,
            values: Default::default(),
            checks: Vec::new(),
            front_fingerprint: None,
            back_fingerprint: None,
        };
        for (is_reused, passing) in [(false, true), (true, false)] {
            reading.checks.clear();
            reading.add_reuse(Side::Front, is_reused);
            let result = told(&reading).unwrap().judge(0.0, None);
            assert_eq!((result.passing, result.scores[0].score_type.as_str()), (passing, "REUSE"));
            let note = result.scores[0].note.clone().unwrap();
            assert!(note.starts_with("front: Known again") && note.ends_with('.'), "{note}");
        }
        assert_eq!(reading.global_score, 0.0);
        // The longest side's name, and what the journal keeps of a note.
        for score_type in identity::ScoreType::ALL {
            assert!("front: ".len() + score_type.blind_spot().len() <= workflows::scoring::MAX_VALUE, "{score_type:?}");
        }
    }

    #[test]
    fn values_have_the_names_of_the_contract() {
        let names = [ValueKey::Name, ValueKey::DocumentNumber, ValueKey::DocumentExpirationDate].map(name);
        assert_eq!(names, ["NAME", "DOCUMENT_NUMBER", "DOCUMENT_EXPIRATION_DATE"]);
    }
}
