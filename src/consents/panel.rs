//! A panel of customers: those of whom a question about all customers of a segment is asked, so that it costs the same however many there are.
//!
//! Of up to [`MAX_MEMBERS`] customers all are in it. When they become more, only every second one counts, then every fourth, and so on: whether
//! a customer does follows from the customer's id alone, which is a keyed hash, so that the members are a sample that nobody chose. That sample is
//! taken from records, one for each member, because nothing lists customers. A member stays one for good; whoever counts asks what became of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use store::{RecordKey, Store, Timestamp};
use uuid::Uuid;

use crate::records::{Error, Records};

/// Maximum number of customers in a sample.
pub const MAX_MEMBERS: usize = 16_384;
/// After so many new members a server looks whether there are too many. That costs a listing of them.
const LOOK_EVERY: usize = 512;
/// The highest level: at it one of 2^15 customers counts, enough for 5 * 10^8.
const HIGHEST: u8 = 15;
const PAGE: usize = 1_000;

/// Members, by segment, level and id. No versions: a member is there or not.
const MEMBERS: &str = "_consent_panel";
/// From which level on members count, by segment.
const LEVELS: &str = "_consent_panel_level";

/// The panels of all segments. Cheap to clone.
#[derive(Clone)]
pub struct Panel {
    records: Records,
    /// What this server knows of each segment: as many as have trees.
    known: Arc<Mutex<HashMap<Place, Known>>>,
}

/// An organization and a segment.
type Place = (String, String);

#[derive(Clone, Copy, Default)]
struct Known {
    level: u8,
    /// Members that this server has added since it looked how many there are.
    added: usize,
}

/// Customers of a segment of whom a question about all of them can be asked.
#[derive(Debug, PartialEq, Eq)]
pub struct Sample {
    /// Ids of their journals, at most [`MAX_MEMBERS`].
    pub members: Vec<Uuid>,
    /// One of 2^level customers is in it: of level 0 it is all.
    pub level: u8,
}

impl Panel {
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { records: Records::new(store), known: Arc::default() }
    }

    /// A customer was captured for the first time. May be repeated.
    ///
    /// # Errors
    /// When the store fails. Then the customer may be missing in samples, until the capture is repeated.
    pub async fn enter(&self, organization: &str, segment: &str, id: Uuid, at: Timestamp) -> Result<(), Error> {
        let level = level(id);
        let known = self.known(organization, segment).await?;
        if level < known.level || !self.records.put(&member(organization, segment, level, id), 0, at, &()).await? {
            return Ok(());
        }
        let place = (organization.to_owned(), segment.to_owned());
        let added = self.with(|all| {
            let known = all.entry(place.clone()).or_default();
            known.added += 1;
            known.added
        });
        if added % LOOK_EVERY == 0 {
            let sample = self.sample(organization, segment).await?;
            self.raise(&place, sample.level, at).await?;
        }
        Ok(())
    }

    /// The members that count now.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sample(&self, organization: &str, segment: &str) -> Result<Sample, Error> {
        let lowest = self.stored_level(organization, segment).await?;
        let mut sample = Sample { members: Vec::new(), level: HIGHEST };
        for level in (lowest..=HIGHEST).rev() {
            let Some(these) = self.of_level(organization, segment, level, MAX_MEMBERS - sample.members.len()).await? else {
                break;
            };
            sample.members.extend(these);
            sample.level = level;
        }
        Ok(sample)
    }

    /// The members of one level; `None` if they are more than `room`.
    async fn of_level(&self, organization: &str, segment: &str, level: u8, room: usize) -> Result<Option<Vec<Uuid>>, Error> {
        let prefix = prefix(segment, level);
        let mut members = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = self.records.page::<()>(organization, MEMBERS, &prefix, after.as_deref(), PAGE).await?;
            members.extend(page.items.iter().filter_map(|(key, _)| Uuid::parse_str(key.strip_prefix(&prefix)?).ok()));
            if members.len() > room {
                return Ok(None);
            }
            let Some(next) = page.next else { return Ok(Some(members)) };
            after = Some(next);
        }
    }

    async fn stored_level(&self, organization: &str, segment: &str) -> Result<u8, Error> {
        let stored = self.records.get::<u8>(&RecordKey::new(organization, LEVELS, segment)).await?;
        Ok(stored.map_or(0, |stored| stored.value.min(HIGHEST)))
    }

    async fn known(&self, organization: &str, segment: &str) -> Result<Known, Error> {
        let place = (organization.to_owned(), segment.to_owned());
        if let Some(known) = self.with(|all| all.get(&place).copied()) {
            return Ok(known);
        }
        let level = self.stored_level(organization, segment).await?;
        Ok(self.with(|all| *all.entry(place).or_insert(Known { level, added: 0 })))
    }

    /// Levels only rise: of those below, members are missing for good.
    async fn raise(&self, place: &Place, level: u8, at: Timestamp) -> Result<(), Error> {
        let key = RecordKey::new(place.0.as_str(), LEVELS, place.1.as_str());
        let higher = |stored: Option<crate::records::Versioned<u8>>| {
            Ok::<_, Error>(Some(level).filter(|level| *level > stored.map_or(0, |stored| stored.value)))
        };
        self.records.update(&key, at, higher).await?;
        let level = self.stored_level(&place.0, &place.1).await?;
        self.with(|all| all.entry(place.clone()).or_default().level = level);
        Ok(())
    }

    fn with<T>(&self, change: impl FnOnce(&mut HashMap<Place, Known>) -> T) -> T {
        change(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Half of all customers have level 0, a quarter 1, and so on. The last bits of an id are of its hash (UUIDv8, RFC 9562).
fn level(id: Uuid) -> u8 {
    u8::try_from(id.as_u128().trailing_zeros()).unwrap_or(HIGHEST).min(HIGHEST)
}

fn prefix(segment: &str, level: u8) -> String {
    format!("{segment}/{level:02}/")
}

fn member(organization: &str, segment: &str, level: u8, id: Uuid) -> RecordKey {
    RecordKey::new(organization, MEMBERS, format!("{}{id}", prefix(segment, level)))
}

#[cfg(test)]
mod tests {
    use store::model::Model;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000, 0).unwrap()
    }

    /// An id as good as random: the same for the same number.
    fn id(number: u64) -> Uuid {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &number.to_be_bytes());
        Uuid::new_v8(digest.as_ref()[..16].try_into().unwrap())
    }

    #[tokio::test]
    async fn of_few_customers_all_are_in_it_once_and_of_many_a_known_part() {
        let store: Arc<dyn Store> = Arc::new(Model::new());
        let (one, other) = (Panel::new(store.clone()), Panel::new(store));
        assert_eq!(one.sample("acme", "telco").await.unwrap(), Sample { members: vec![], level: 0 });
        for number in (0..600).chain(0..600) {
            one.enter("acme", "telco", id(number), now()).await.unwrap();
        }
        one.enter("acme", "energy", id(9_999), now()).await.unwrap();
        one.enter("other", "telco", id(9_998), now()).await.unwrap();
        let mut sample = one.sample("acme", "telco").await.unwrap();
        assert_eq!((sample.members.len(), sample.level), (600, 0));
        sample.members.sort();
        sample.members.dedup();
        assert_eq!(sample.members.len(), 600);

        let total = 40_000;
        for number in 600..total {
            let server = if number % 2 == 0 { &one } else { &other };
            server.enter("acme", "telco", id(number), now()).await.unwrap();
        }
        let sample = other.sample("acme", "telco").await.unwrap();
        assert!(sample.members.len() <= MAX_MEMBERS && sample.level >= 2, "{} of level {}", sample.members.len(), sample.level);
        let expected = (0..total).filter(|number| level(id(*number)) >= sample.level).count();
        assert_eq!(sample.members.len(), expected, "each that counts at this level is there");
        assert_eq!(one.sample("acme", "telco").await.unwrap().level, sample.level);
    }
}
