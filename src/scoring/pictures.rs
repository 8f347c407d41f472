//! Pictures of identity documents that were scored here, known again when another process brings them for another person.
//!
//! Of a picture only its [`Fingerprint`] is kept, with the process (the identification, or the session that stands for itself), a keyed
//! hash of the person's number, and the day. It stands in sixteen buckets, one for each of its bands: a picture that is the same has one of
//! these bands at least, so a comparison reads and writes sixteen records, whatever there is. A picture is written before others are looked
//! for: of two servers that see the same one at once, one at least finds the other's.
//!
//! A process names its pictures before they stand in buckets, so that all are found again when it is deleted or they are too old.

use std::{cmp::Reverse, sync::Arc};

use aws_lc_rs::hmac;
use chrono::TimeDelta;
use data_encoding::BASE64URL_NOPAD;
use identity::Fingerprint;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use store::{RecordKey, Store, Timestamp};
use uuid::Uuid;

use super::findings::plain;
use crate::{
    keys::Keys,
    records::{Error, Records, Versioned},
};

/// Old versions of these records do not stay: what is forgotten is to be gone.
const BUCKETS: &str = "_scored_picture";
const PROCESSES: &str = "_scored_process";

/// Maximum number of pictures in a bucket; the oldest go first. As JSON they stay within what such a record may have.
const MAX_IN_BUCKET: usize = 48;

/// Maximum number of pictures that are remembered of one process; further ones are compared, and not kept.
const MAX_OF_PROCESS: usize = 48;

/// Processes that are looked through at once for old pictures.
const PAGE: usize = 200;

/// A picture that was scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    fingerprint: Fingerprint,
    person: [u8; 8],
    process: Uuid,
    day: Day,
}

/// Days since 1970, UTC.
type Day = u32;

impl Seen {
    fn text(&self) -> String {
        let Self { fingerprint, person, process, day } = self;
        BASE64URL_NOPAD.encode(&[&fingerprint.to_bytes()[..], person, process.as_bytes(), &day.to_be_bytes()].concat())
    }

    fn read(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (fingerprint, rest) = bytes.split_first_chunk()?;
        let (person, rest) = rest.split_first_chunk()?;
        let (process, rest) = rest.split_first_chunk()?;
        let day = Day::from_be_bytes(rest.try_into().ok()?);
        Some(Self {
            fingerprint: Fingerprint::from_bytes(*fingerprint),
            person: *person,
            process: Uuid::from_bytes(*process),
            day,
        })
    }
}

/// What is known of a process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Process {
    /// With the day on which each was last brought.
    pictures: Vec<(Fingerprint, Day)>,
    /// It was deleted: what is still under way may not remember anything of it.
    forgotten: bool,
}

impl Process {
    /// Names a picture, unless it may not be kept.
    fn name(&mut self, fingerprint: Fingerprint, today: Day) {
        if self.forgotten {
            return;
        }
        match self.pictures.iter().position(|(named, _)| *named == fingerprint) {
            Some(at) => self.pictures[at].1 = today,
            None if self.pictures.len() < MAX_OF_PROCESS => self.pictures.push((fingerprint, today)),
            None => {}
        }
    }
}

/// Whose document it is, by its number.
#[derive(Clone, Copy, Debug)]
pub struct Person<'a> {
    /// Pictures of people with another number than this are looked for.
    claimed: &'a str,
    /// The picture is kept as that of the person with this number.
    shown: &'a str,
}

impl<'a> Person<'a> {
    /// A person claims to be who was declared, else who was read, and the picture shows who was read, else who was declared: so a number
    /// that was mistyped while the right one was read accuses nobody later. `None` without any number.
    pub fn of(declared: Option<&'a str>, read: Option<&'a str>) -> Option<Self> {
        let declared = declared.filter(|number| !plain(number).is_empty());
        let read = read.filter(|number| !plain(number).is_empty());
        Some(Self { claimed: declared.or(read)?, shown: read.or(declared)? })
    }
}

/// What other processes of the organization say to a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// It is not known as another person's.
    New,
    /// The same picture was used in this process for another person.
    ReusedFrom(Uuid),
}

/// The pictures of all organizations. Cheap to clone.
#[derive(Clone)]
pub struct ScoredPictures {
    records: Records,
    key: hmac::Key,
    /// How long they are remembered; zero: not at all.
    memory: TimeDelta,
}

impl ScoredPictures {
    /// In the records of a store.
    pub fn new(store: Arc<dyn Store>, keys: &Keys, memory: TimeDelta) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &keys.derive("scored-picture/v1"));
        Self { records: Records::new(store), key, memory }
    }

    /// Remembers a picture of a process, and compares it with those of the organization's other processes. `None` if nothing is
    /// remembered, or the process was deleted. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`Error`]; to be repeated then.
    pub async fn compare(
        &self,
        organization: &str,
        process: Uuid,
        person: Person<'_>,
        fingerprint: Fingerprint,
        now: Timestamp,
    ) -> Result<Option<Comparison>, Error> {
        if self.memory <= TimeDelta::zero() {
            return Ok(None);
        }
        let today = day(now);
        let named = self.change_process(organization, process, now, |known| known.name(fingerprint, today)).await?;
        if named.forgotten {
            return Ok(None);
        }
        let is_kept = named.pictures.iter().any(|(named, _)| *named == fingerprint);
        let own = Seen { fingerprint, person: self.tag(organization, person.shown), process, day: today };
        let claimed = self.tag(organization, person.claimed);
        let is_others = |seen: &Seen| {
            seen.process != process && seen.person != claimed && seen.fingerprint.distance(fingerprint) <= Fingerprint::SAME
        };
        let look = async |bucket: RecordKey| {
            let add = |bucket: &mut Vec<Seen>| {
                if is_kept {
                    bucket.retain(|seen| (seen.process, seen.fingerprint) != (process, fingerprint));
                    bucket.truncate(MAX_IN_BUCKET - 1);
                    bucket.push(own);
                    bucket.sort_by_key(|seen| Reverse(seen.day));
                }
            };
            let seen = self.change_bucket(&bucket, now, add).await?;
            Ok::<_, Error>(seen.into_iter().filter(is_others).max_by_key(|seen| (seen.day, seen.process)))
        };
        let found = futures::future::try_join_all(buckets(organization, fingerprint).map(look)).await?;
        if self.process(organization, process).await?.forgotten {
            self.remove(organization, process, fingerprint, now).await?;
        }
        let newest = found.into_iter().flatten().max_by_key(|seen| (seen.day, seen.process));
        Ok(Some(newest.map_or(Comparison::New, |seen| Comparison::ReusedFrom(seen.process))))
    }

    /// Forgets the pictures of a process for good. Idempotent.
    ///
    /// # Errors
    /// [`Error`]; to be repeated then.
    pub async fn forget(&self, organization: &str, process: Uuid, now: Timestamp) -> Result<(), Error> {
        let known = self.change_process(organization, process, now, |known| known.forgotten = true).await?;
        for (fingerprint, _) in known.pictures {
            self.remove(organization, process, fingerprint, now).await?;
        }
        self.change_process(organization, process, now, |known| known.pictures.clear()).await?;
        Ok(())
    }

    /// Forgets an organization's pictures that are over their time. Answers how many there were.
    ///
    /// # Errors
    /// [`Error`]; the rest is to be forgotten later.
    pub async fn forget_old(&self, organization: &str, now: Timestamp) -> Result<usize, Error> {
        let oldest = self.oldest(now);
        let mut forgotten = 0;
        let mut after: Option<String> = None;
        loop {
            let page = self.records.page::<Process>(organization, PROCESSES, "", after.as_deref(), PAGE).await?;
            for (process, known) in page.items {
                let old = known.value.pictures.into_iter().filter(|(_, day)| *day <= oldest).map(|(fingerprint, _)| fingerprint);
                let old: Vec<Fingerprint> = old.collect();
                if old.is_empty() {
                    continue;
                }
                for bucket in old.iter().flat_map(|fingerprint| buckets(organization, *fingerprint)) {
                    self.change_bucket(&bucket, now, |_| {}).await?;
                }
                let key = RecordKey::new(organization, PROCESSES, process);
                self.change(&key, now, |known: &mut Process| known.pictures.retain(|(_, day)| *day > oldest)).await?;
                forgotten += old.len();
            }
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(forgotten),
            }
        }
    }

    async fn remove(&self, organization: &str, process: Uuid, fingerprint: Fingerprint, now: Timestamp) -> Result<(), Error> {
        for bucket in buckets(organization, fingerprint) {
            self.change_bucket(&bucket, now, |bucket| bucket.retain(|seen| seen.process != process)).await?;
        }
        Ok(())
    }

    async fn process(&self, organization: &str, process: Uuid) -> Result<Process, Error> {
        let known = self.records.get(&of_process(organization, process)).await?;
        Ok(known.map(|known| known.value).unwrap_or_default())
    }

    async fn change_process(
        &self,
        organization: &str,
        process: Uuid,
        now: Timestamp,
        change: impl Fn(&mut Process),
    ) -> Result<Process, Error> {
        self.change(&of_process(organization, process), now, change).await
    }

    /// Changes a bucket, without what is over its time; answers what it has then.
    async fn change_bucket(&self, key: &RecordKey, now: Timestamp, change: impl Fn(&mut Vec<Seen>)) -> Result<Vec<Seen>, Error> {
        let oldest = self.oldest(now);
        let change = |texts: &mut Vec<String>| {
            let mut bucket: Vec<Seen> = texts.iter().filter_map(|text| Seen::read(text)).collect();
            bucket.retain(|seen| seen.day > oldest);
            change(&mut bucket);
            *texts = bucket.iter().map(Seen::text).collect();
        };
        let texts = self.change(key, now, change).await?;
        Ok(texts.iter().filter_map(|text| Seen::read(text)).collect())
    }

    /// Changes a record; answers what it has then.
    async fn change<T>(&self, key: &RecordKey, now: Timestamp, change: impl Fn(&mut T)) -> Result<T, Error>
    where
        T: Clone + Default + PartialEq + Serialize + DeserializeOwned,
    {
        let decide = |current: Option<Versioned<T>>| {
            let before = current.map(|current| current.value).unwrap_or_default();
            let mut after = before.clone();
            change(&mut after);
            Ok::<_, Error>((after != before).then_some(after))
        };
        match self.records.update(key, now, decide).await? {
            Some(written) => Ok(written),
            None => Ok(self.records.get(key).await?.map(|current| current.value).unwrap_or_default()),
        }
    }

    /// The last day of which nothing is remembered any more.
    fn oldest(&self, now: Timestamp) -> Day {
        day(now - self.memory)
    }

    /// A number as it is compared: letters and digits alone, as capitals. Bound to the organization.
    fn tag(&self, organization: &str, number: &str) -> [u8; 8] {
        let tag = hmac::sign(&self.key, format!("{organization}/{}", plain(number)).as_bytes());
        std::array::from_fn(|at| tag.as_ref()[at])
    }
}

fn of_process(organization: &str, process: Uuid) -> RecordKey {
    RecordKey::new(organization, PROCESSES, process.to_string())
}

fn buckets(organization: &str, fingerprint: Fingerprint) -> [RecordKey; Fingerprint::BANDS] {
    let bands = fingerprint.bands();
    std::array::from_fn(|band| RecordKey::new(organization, BUCKETS, format!("{band}-{:04x}", bands[band])))
}

fn day(at: Timestamp) -> Day {
    Day::try_from(at.timestamp() / 86_400).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::DateTime;
    use store::{
        faulty::{Fault, Faulty},
        model::Model,
    };

    use super::*;

    const ANA: Person<'static> = Person { claimed: "12345678Z", shown: "12345678Z" };
    const LEO: Person<'static> = Person { claimed: "87654321X", shown: "87654321X" };

    fn noon() -> Timestamp {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    /// Pictures that differ in so many bits of the first: all in one band, so that the others find it.
    fn picture(different: u32) -> Fingerprint {
        let mut bytes = [0x5a; 32];
        (0..different as usize).for_each(|bit| bytes[16 + bit / 8] ^= 1 << (bit % 8));
        Fingerprint::from_bytes(bytes)
    }

    struct World {
        servers: [ScoredPictures; 2],
    }

    impl World {
        fn new(memory: TimeDelta) -> Self {
            Self::on(Arc::new(Model::new()), memory)
        }

        fn on(store: Arc<dyn Store>, memory: TimeDelta) -> Self {
            Self { servers: [0, 1].map(|_| ScoredPictures::new(store.clone(), &Keys::from_bytes(&[7; 32]), memory)) }
        }

        /// What is said to a picture of a process; each second process is on the other server.
        async fn see(&self, process: u128, person: Person<'_>, picture: Fingerprint) -> Option<Comparison> {
            self.see_at(noon(), process, person, picture).await
        }

        async fn see_at(&self, now: Timestamp, process: u128, person: Person<'_>, picture: Fingerprint) -> Option<Comparison> {
            self.server(process).compare("acme", Uuid::from_u128(process), person, picture, now).await.unwrap()
        }

        fn server(&self, process: u128) -> &ScoredPictures {
            &self.servers[process as usize % 2]
        }

        /// Pictures that stand anywhere, and their process.
        async fn kept(&self, picture: Fingerprint, process: u128) -> (usize, Process) {
            let [server, _] = &self.servers;
            let mut count = 0;
            for bucket in buckets("acme", picture) {
                let texts = server.records.get::<Vec<String>>(&bucket).await.unwrap();
                count += texts.map_or(0, |texts| texts.value.len());
            }
            (count, server.process("acme", Uuid::from_u128(process)).await.unwrap())
        }
    }

    const NEW: Option<Comparison> = Some(Comparison::New);
    const PROCESS: Uuid = Uuid::from_u128(1);
    const FORGOTTEN: Process = Process { pictures: Vec::new(), forgotten: true };

    fn reused_from(process: u128) -> Option<Comparison> {
        Some(Comparison::ReusedFrom(Uuid::from_u128(process)))
    }

    #[tokio::test]
    async fn the_same_picture_for_another_person_is_told_and_nothing_else() {
        let world = World::new(TimeDelta::days(400));
        assert_eq!(world.see(1, ANA, picture(0)).await, NEW);
        let twice = Person { claimed: "12.345.678-z", ..ANA };
        assert_eq!(world.see(2, twice, picture(0)).await, NEW, "the same person");
        assert_eq!(world.see(3, LEO, picture(Fingerprint::SAME + 1)).await, NEW, "another picture");
        let elsewhere = world.servers[0].compare("other", Uuid::from_u128(4), LEO, picture(0), noon()).await.unwrap();
        assert_eq!(elsewhere, NEW, "another organization");
        assert_eq!(world.see(5, LEO, picture(Fingerprint::SAME)).await, reused_from(2));
        assert_eq!(world.see(5, LEO, picture(Fingerprint::SAME)).await, reused_from(2), "when it is tried again, too");
    }

    #[tokio::test]
    async fn a_process_is_not_compared_with_itself() {
        let world = World::new(TimeDelta::days(400));
        assert_eq!(world.see(1, ANA, picture(0)).await, NEW);
        assert_eq!(world.see(1, LEO, picture(0)).await, NEW);
    }

    #[test]
    fn who_has_no_number_is_nobody() {
        assert!(Person::of(None, None).is_none() && Person::of(Some(" - "), Some("")).is_none());
        let of = |declared, read| Person::of(declared, read).map(|person| (person.claimed, person.shown));
        assert_eq!(of(Some("1"), Some("2")), Some(("1", "2")));
        assert_eq!(of(None, Some("2")), Some(("2", "2")));
        assert_eq!(of(Some("1"), None), Some(("1", "1")));
    }

    #[tokio::test]
    async fn a_number_that_was_mistyped_accuses_nobody_later() {
        let world = World::new(TimeDelta::days(400));
        world.see(1, Person { claimed: "12345687Z", ..ANA }, picture(0)).await;
        assert_eq!(world.see(2, ANA, picture(0)).await, NEW);
        assert_eq!(world.see(3, Person { claimed: LEO.claimed, ..ANA }, picture(0)).await, reused_from(2));
    }

    #[tokio::test]
    async fn what_is_deleted_is_forgotten_and_not_remembered_again() {
        let world = World::new(TimeDelta::days(400));
        world.see(1, ANA, picture(0)).await;
        assert_eq!(world.kept(picture(0), 1).await.0, Fingerprint::BANDS);
        for server in &world.servers {
            server.forget("acme", PROCESS, noon()).await.unwrap();
        }
        assert_eq!(world.kept(picture(0), 1).await, (0, FORGOTTEN));
        assert_eq!(world.see(2, LEO, picture(0)).await, NEW);
        assert_eq!(world.see(1, ANA, picture(0)).await, None, "what comes late is not remembered again");
    }

    #[tokio::test]
    async fn what_is_over_its_time_is_neither_compared_nor_kept() {
        let world = World::new(TimeDelta::days(400));
        world.see(1, ANA, picture(0)).await;
        let last = noon() + TimeDelta::days(399);
        assert_eq!(world.see_at(last, 2, LEO, picture(0)).await, reused_from(1), "still known");
        assert_eq!(world.server(1).forget_old("acme", last).await.unwrap(), 0);
        let later = noon() + TimeDelta::days(400);
        assert_eq!(world.see_at(later, 4, LEO, picture(0)).await, NEW, "over its time");
        let [server, other] = &world.servers;
        assert_eq!(other.forget_old("other", later).await.unwrap(), 0, "it is not this organization's");
        assert_eq!(server.forget_old("acme", later).await.unwrap(), 1);
        assert_eq!(world.kept(picture(0), 1).await, (2 * Fingerprint::BANDS, Process::default()), "those of the others stay");
        assert_eq!(server.forget_old("acme", later + TimeDelta::days(400)).await.unwrap(), 2);
        assert_eq!(world.kept(picture(0), 2).await, (0, Process::default()));
    }

    #[tokio::test]
    async fn what_is_brought_again_is_kept_from_then_on() {
        let world = World::new(TimeDelta::days(400));
        world.see(1, ANA, picture(0)).await;
        world.see_at(noon() + TimeDelta::days(300), 1, ANA, picture(0)).await;
        let later = noon() + TimeDelta::days(500);
        assert_eq!(world.server(1).forget_old("acme", later).await.unwrap(), 0);
        assert_eq!(world.see_at(later, 2, LEO, picture(0)).await, reused_from(1));
    }

    #[tokio::test]
    async fn without_a_memory_nothing_is_remembered_and_what_was_is_forgotten() {
        let world = World::new(TimeDelta::zero());
        assert_eq!(world.see(1, ANA, picture(0)).await, None);
        assert_eq!(world.kept(picture(0), 1).await, (0, Process::default()));
        let store = Arc::new(Model::new());
        World::on(store.clone(), TimeDelta::days(400)).see(1, ANA, picture(0)).await;
        let world = World::on(store, TimeDelta::zero());
        assert_eq!(world.server(1).forget_old("acme", noon()).await.unwrap(), 1);
        assert_eq!(world.kept(picture(0), 1).await, (0, Process::default()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_dies_anywhere_leaves_nothing_that_a_deletion_does_not_find() {
        let faults = [Fault::HangNotApplied, Fault::HangApplied, Fault::Refused, Fault::UnknownApplied, Fault::UnknownNotApplied];
        // The record of the process, and the buckets.
        for (write, fault) in (0..=Fingerprint::BANDS).flat_map(|write| faults.map(|fault| (write, fault))) {
            for is_repeated in [true, false] {
                let store = Arc::new(Faulty::scripted(Model::new()));
                (0..write).for_each(|_| store.fail_next_write(Fault::Delay(Duration::ZERO)));
                store.fail_next_write(fault);
                let world = World::on(store, TimeDelta::days(400));
                let hour = Duration::from_secs(3600);
                // A call that never returns is one whose server has died.
                let _ = tokio::time::timeout(hour, world.server(1).compare("acme", PROCESS, ANA, picture(0), noon())).await;
                let case = format!("{fault:?} of write {write}");
                if is_repeated {
                    assert_eq!(world.see(1, ANA, picture(0)).await, NEW, "{case}");
                    assert_eq!(world.kept(picture(0), 1).await.0, Fingerprint::BANDS, "{case}");
                }
                world.server(0).forget("acme", PROCESS, noon()).await.unwrap();
                assert_eq!(world.kept(picture(0), 1).await, (0, FORGOTTEN), "{case}");
            }
        }
    }

    #[tokio::test]
    async fn of_two_servers_that_see_it_at_once_one_tells() {
        let world = World::new(TimeDelta::days(400));
        let (ana, leo) = tokio::join!(world.see(1, ANA, picture(0)), world.see(2, LEO, picture(0)));
        assert!(ana == reused_from(2) || leo == reused_from(1), "{ana:?} {leo:?}");
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_names_nobody() {
        let world = World::new(TimeDelta::days(400));
        for process in 1..=2 * MAX_IN_BUCKET as u128 {
            let number = format!("{process:08}Z");
            world.see(process, Person { claimed: &number, shown: &number }, picture(0)).await;
        }
        for different in 0..2 * MAX_OF_PROCESS as u32 {
            assert!(world.see(1, ANA, picture(different)).await.is_some());
        }
        let [bucket, ..] = buckets("acme", picture(0));
        let texts = world.servers[0].records.get::<Vec<String>>(&bucket).await.unwrap().unwrap().value;
        let process = world.servers[0].process("acme", Uuid::from_u128(1)).await.unwrap();
        assert_eq!((texts.len(), process.pictures.len()), (MAX_IN_BUCKET, MAX_OF_PROCESS));
        let bodies = [serde_json::to_string(&texts).unwrap(), serde_json::to_string(&process).unwrap()];
        for body in bodies {
            assert!(body.len() <= store::MAX_COUNTER && !body.contains("00000001Z"), "{}", body.len());
        }
    }
}
