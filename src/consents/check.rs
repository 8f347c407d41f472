//! Whether customers may be contacted: one question about many customers, answered from their journals as they are.
//!
//! It fails closed. Who is unknown, whose consents were deleted or cannot be read, what is pending, has expired or is suppressed: not allowed.

use std::{collections::BTreeMap, sync::Arc};

use store::Timestamp;
use uuid::Uuid;
use workflows::consents::{Choice, CustomerConsents, Life, Reading, Source};

use super::service::{Customers, Error, Subject, definition};
use crate::catalogue::consents::{ConsentId, Definition, UsersType};

/// Maximum number of customers of one check.
pub const MAX_CUSTOMERS: usize = 10_000;
/// Maximum number of customers times consents of one check: what one answer can tell.
pub const MAX_READINGS: usize = 100_000;

/// How many of the consents must be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Require {
    All,
    Any,
}

/// The question.
pub struct Question<'a> {
    pub organization: &'a str,
    pub segment: &'a str,
    /// Ids in the CRM, at most [`MAX_CUSTOMERS`].
    pub customers: &'a [String],
    /// At least one; with the customers at most [`MAX_READINGS`].
    pub consents: &'a [ConsentId],
    pub require: Require,
    /// At which instant, of what is recorded by now. Not before now: the past is asked for customer by customer.
    pub at: Timestamp,
}

/// The answer for one customer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub allowed: bool,
    /// By consent, in the order of their ids. Of a journal that cannot be read there is none.
    pub readings: BTreeMap<ConsentId, Reading>,
    /// Whether the journal could not be read.
    pub is_unreadable: bool,
}

impl Customers {
    /// Answers in the order of the customers. Starts no actor and writes nothing.
    ///
    /// # Errors
    /// Without a tree, for consents that it lacks, and where the store cannot be read.
    pub async fn check(&self, question: &Question<'_>) -> Result<Vec<Answer>, Error> {
        let Question { organization, segment, customers, .. } = *question;
        let path = |place: usize| format!("consents[{place}]");
        let ids = question.consents.iter();
        let edition = self.edition_with(organization, segment, UsersType::Customers, ids, path).await?;
        let definitions: Vec<&Definition> = question.consents.iter().filter_map(|id| definition(&edition, id)).collect();
        let id = |customer: &String| self.id(&Subject { organization, segment, customer_id: customer });
        let ids: Vec<Uuid> = customers.iter().map(id).collect();
        let states = self.host().peek_many(organization, &ids).await?;
        let answers: Vec<Answer> = states.into_iter().map(|state| answer(state.ok(), &definitions, question)).collect();
        let allowed = answers.iter().filter(|answer| answer.allowed).count();
        let count = |label, times: usize| {
            self.metrics().checked.with_label_values(&[organization, label]).inc_by(times as u64);
        };
        count("yes", allowed);
        count("no", answers.len() - allowed);
        self.metrics().check_size.observe(answers.len() as f64);
        Ok(answers)
    }
}

fn answer(state: Option<Arc<CustomerConsents>>, definitions: &[&Definition], question: &Question<'_>) -> Answer {
    let Some(state) = state else { return Answer { allowed: false, readings: BTreeMap::new(), is_unreadable: true } };
    let reading = |definition: &&Definition| {
        let reading = state.choice(definition.id.as_str(), definition.choice_type, question.at);
        (definition.id.clone(), reading)
    };
    let readings: BTreeMap<ConsentId, Reading> = definitions.iter().map(reading).collect();
    let mut accepted = readings.values().map(|reading| is_accepted(state.life(), reading));
    let allowed = !readings.is_empty()
        && match question.require {
            Require::All => accepted.all(|accepted| accepted),
            Require::Any => accepted.any(|accepted| accepted),
        };
    Answer { allowed, readings, is_unreadable: false }
}

/// A default of an opt-out consent counts for customers who are known and have not objected; it is told apart by its source.
fn is_accepted(life: Option<Life>, reading: &Reading) -> bool {
    life == Some(Life::Known) && reading.choice == Choice::Accepted && matches!(reading.source, Source::Given | Source::Default)
}
