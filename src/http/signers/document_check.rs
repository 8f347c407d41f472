//! What a signer's page shows of the check of an identity document: what it can send, what is left, and what the newest pictures came to. Never
//! what was read from them: whoever has the link alone is not identified yet.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;
use workflows::{
    IdentificationState,
    identification::{
        identity_document::{IdentityDocument, scoring_id},
        otp::ResumeHash,
    },
    scoring::{self, Attempt, Ratio, ScoreResult, Scoring},
};

use super::{
    super::{ApiError, mapping::RETRY_AFTER, processes::Engine},
    invitation::moment,
};

/// A check with a lower score is told as one that did not pass, even if it does not point to fraud.
const GOOD: f64 = 0.5;

/// The check of a signer's identity document.
#[derive(Serialize, ToSchema)]
pub struct InvitationDocumentCheck {
    /// Scoring session that takes the pictures.
    scoring_id: Uuid,
    /// Class of the document that is expected, e.g. `NIF` or `PASSPORT`.
    document_type: String,
    /// Whether pictures can be sent to the session; if not, they are taken at its provider.
    takes_pictures: bool,
    /// Who scores: INTERNAL, EXTERNAL or the name of a service.
    provider: String,
    /// Maximum size of one picture, in bytes.
    picture_limit: usize,
    /// How often pictures can still be sent.
    attempts_left: u32,
    /// Until when the attempt that is under way takes at the latest; null where none is.
    #[schema(required)]
    under_way_until: Option<DateTime<Utc>>,
    /// Until when the provider wants to be left alone.
    #[schema(required)]
    paused_until: Option<DateTime<Utc>>,
    /// What the newest attempt that ended came to.
    #[schema(required)]
    last: Option<InvitationDocumentResult>,
}

/// What an attempt came to.
#[derive(Serialize, ToSchema)]
pub struct InvitationDocumentResult {
    /// Number of the attempt, from 1.
    number: usize,
    passed: bool,
    /// Why there is no result.
    #[schema(required)]
    fail_reason: Option<String>,
    /// Names of the checks that did not pass, each once.
    failed_checks: Vec<String>,
}

/// An identification by identity document, and its scoring session.
pub struct Check {
    identification: Arc<IdentityDocument>,
    session: (Uuid, Arc<Scoring>),
    /// Whether the session takes pictures from here.
    takes_pictures: bool,
}

impl Check {
    /// `None` for a moment while it is made.
    ///
    /// # Errors
    /// What [`actors::Error`] says; 503 if it cannot be found out who scores.
    pub async fn look(engine: &Engine, organization: &str, id: Uuid) -> Result<Option<Self>, ApiError> {
        let identification = engine.processes.identity_document.read(organization, id).await?;
        let Ok(data) = identification.existing() else { return Ok(None) };
        let session = scoring_id(id, data.own.round);
        // Who is not asked for pictures any more need not know where they would go.
        let ways = match data.state {
            IdentificationState::Created => {
                let ways = engine.scoring.ways(organization, &data.creation.terms.provider).await;
                ways.map_err(|error| ApiError::unavailable(error, RETRY_AFTER))?
            }
            _ => None,
        };
        let takes_pictures = ways.is_some_and(|ways| ways.submit);
        let scoring = engine.processes.scoring.read(organization, session).await?;
        Ok(Some(Self { identification, session: (session, scoring), takes_pictures }))
    }

    /// How the identification stands.
    pub fn state(&self) -> Option<IdentificationState> {
        self.identification.existing().ok().map(|data| data.state)
    }

    /// See [`workflows::identification::identity_document::Data::resumes`].
    pub fn resumes(&self, now: DateTime<Utc>, key: &ResumeHash, lifetime: chrono::Duration) -> bool {
        self.identification.existing().is_ok_and(|data| data.resumes(now, key, lifetime))
    }

    /// `None` while the session is made.
    pub fn shown(&self, engine: &Engine) -> Option<InvitationDocumentCheck> {
        let (scoring_id, session) = &self.session;
        let data = session.existing().ok()?;
        let now = engine.clock.now();
        let ended = data.attempts.iter().enumerate().rev().find(|(_, attempt)| attempt.end.is_some());
        Some(InvitationDocumentCheck {
            scoring_id: *scoring_id,
            document_type: data.creation.document.kind.clone(),
            takes_pictures: self.takes_pictures,
            provider: data.creation.provider.clone(),
            picture_limit: engine.identity_documents.image_limit,
            attempts_left: data.remaining_attempts(),
            under_way_until: data.under_way().map(|attempt| moment(attempt.until)),
            paused_until: data.paused_until.filter(|until| now < *until).map(moment),
            last: ended.map(|(before, attempt)| result(attempt, before + 1)),
        })
    }
}

fn result(attempt: &Attempt, number: usize) -> InvitationDocumentResult {
    let found = attempt.result();
    let fail_reason = match &attempt.end {
        Some(scoring::End::NoResult { reason, .. }) => Some(reason.as_str().to_owned()),
        Some(scoring::End::Result { .. }) | None => None,
    };
    InvitationDocumentResult {
        number,
        passed: found.is_some_and(|result| result.passing),
        fail_reason,
        failed_checks: found.map(failed_checks).unwrap_or_default(),
    }
}

/// Of a result that does not pass, what speaks against it.
fn failed_checks(result: &ScoreResult) -> Vec<String> {
    if result.passing {
        return Vec::new();
    }
    let failed = result.scores.iter().filter(|check| check.is_fraud || check.score < Ratio::new(GOOD));
    let mut names: Vec<String> = failed.map(|check| check.score_type.clone()).collect();
    // Both sides may fail the same one; there are at most `scoring::MAX_FINDINGS`.
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use workflows::scoring::Score;

    use super::*;

    fn of(passing: bool, checks: &[(&str, bool, f64)]) -> ScoreResult {
        let score = |(name, is_fraud, score): &(&str, bool, f64)| Score {
            score_type: (*name).to_owned(),
            is_fraud: *is_fraud,
            score: Ratio::new(*score),
            note: None,
        };
        let scores = checks.iter().map(score).collect();
        let extracted_values = BTreeMap::from([("DOCUMENT_NUMBER".to_owned(), "12345678Z".to_owned())]);
        ScoreResult { global_score: Ratio::new(0.1), passing, extracted_values, scores, provider_id: None }
    }

    #[test]
    fn what_speaks_against_a_document_is_told_once_and_nothing_of_what_was_read() {
        let checks = [("FOCUS", false, 0.2), ("GLARE", false, 0.9), ("DECLARED_DATA", true, 0.9), ("FOCUS", false, 0.1)];
        assert_eq!(failed_checks(&of(false, &checks)), ["DECLARED_DATA", "FOCUS"]);
        assert_eq!(failed_checks(&of(true, &checks)), Vec::<String>::new());
        let told = InvitationDocumentResult {
            number: 1,
            passed: false,
            fail_reason: None,
            failed_checks: failed_checks(&of(false, &checks)),
        };
        assert!(!serde_json::to_string(&told).unwrap().contains("12345678Z"));
    }
}
