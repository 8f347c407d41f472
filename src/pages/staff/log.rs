//! C15: what staff did, newest first. Only what was done stands here: who, when, from where, and to what.
//!
//! Reasons are not kept here: they are in the journals of what was acted on, which end with it.

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Datelike, NaiveDate, TimeDelta, Utc};
use pages::console::{self, Done, NavPart, Phrase, ServerPart};
use serde::{Deserialize, Serialize};
use store::RecordKey;
use uuid::Uuid;

use super::{
    effects::{Kind, kinds, process_address},
    identifications,
    visit::Visit,
};
use crate::records::{self, Records};

/// Acts of a page.
const PAGE: usize = 100;

/// Days that are looked through for a page, or forgotten at once.
const DAYS: usize = 400;

/// Days are counted back from here, so that the newest stands first.
const LAST_DAY: i32 = 9_999_999;

/// The collection of the store with a record for each day, whose versions are its acts.
const COLLECTION: &str = "staff_log";

/// The words of an act that has none of its own.
const OTHER: &str = "console.log.other";

/// One act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// By the identity provider's identifier of them.
    pub subject: String,
    /// For people.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// What was done, as the address of the act names it without what it was done to.
    pub what: String,
    /// What it was done to: the act's address below the organization's pages.
    pub to: String,
}

/// A place between two acts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    day: String,
    /// Acts of that day older than this come next.
    version: u64,
}

/// What staff did. Cheap to clone.
#[derive(Clone)]
pub struct StaffLog {
    records: Records,
    kept: TimeDelta,
}

fn day_key(day: NaiveDate) -> String {
    format!("{:07}", LAST_DAY - day.num_days_from_ce())
}

impl StaffLog {
    /// `kept`: how long an act is kept, whole days.
    pub(super) fn new(records: Records, kept: TimeDelta) -> Self {
        Self { records, kept }
    }

    /// Adds an act; the first of a day forgets what is over its time.
    ///
    /// # Errors
    /// If the store does not answer, or too many act at once.
    pub async fn note(&self, organization: &str, at: DateTime<Utc>, entry: Entry) -> Result<(), records::Error> {
        let key = RecordKey::new(organization, COLLECTION, day_key(at.date_naive()));
        let is_new = std::cell::Cell::new(false);
        self.records
            .update::<Option<Entry>, records::Error>(&key, at, |current| {
                is_new.set(current.is_none());
                Ok(Some(Some(entry.clone())))
            })
            .await?;
        if is_new.get() {
            self.forget(organization, at).await?;
        }
        Ok(())
    }

    /// Forgets the acts of days that are over their time.
    async fn forget(&self, organization: &str, now: DateTime<Utc>) -> Result<(), records::Error> {
        let last = day_key((now - self.kept).date_naive());
        let days = self.records.page::<Option<Entry>>(organization, COLLECTION, "", Some(&last), DAYS).await?;
        for (day, newest) in days.items {
            if newest.value.is_some() {
                let key = RecordKey::new(organization, COLLECTION, day);
                self.records.update::<Option<Entry>, records::Error>(&key, now, |_| Ok(Some(None))).await?;
                self.records.forget_versions(&key).await?;
            }
        }
        Ok(())
    }

    /// Acts after a place, newest first, and where it goes on.
    async fn page(
        &self,
        organization: &str,
        after: Option<Place>,
    ) -> Result<(Vec<(DateTime<Utc>, Entry)>, Option<Place>), records::Error> {
        let mut found = Vec::new();
        // Of the day in which the last page ended there is more, perhaps.
        let mut last_day = None;
        if let Some(Place { day, version }) = after {
            if let Some(place) = self.day(organization, &day, Some(version), &mut found).await? {
                return Ok((found, Some(place)));
            }
            last_day = Some(day);
        }
        let days = self.records.page::<Option<Entry>>(organization, COLLECTION, "", last_day.as_deref(), DAYS).await?;
        for (day, newest) in days.items {
            if newest.value.is_none() {
                continue;
            }
            if let Some(place) = self.day(organization, &day, None, &mut found).await? {
                return Ok((found, Some(place)));
            }
        }
        Ok((found, None))
    }

    /// Adds acts of a day until the page is full; then where it goes on.
    async fn day(
        &self,
        organization: &str,
        day: &str,
        before: Option<u64>,
        found: &mut Vec<(DateTime<Utc>, Entry)>,
    ) -> Result<Option<Place>, records::Error> {
        let room = PAGE - found.len();
        if room == 0 {
            let version = before.unwrap_or(u64::MAX >> 1);
            return Ok(Some(Place { day: day.to_owned(), version }));
        }
        let key = RecordKey::new(organization, COLLECTION, day);
        let page = self.records.history::<Option<Entry>>(&key, before, room).await?;
        found.extend(page.items.into_iter().filter_map(|act| Some((act.at, act.value?))));
        Ok(page.next.map(|version| Place { day: day.to_owned(), version }))
    }
}

/// What was done, as the pattern of an address says it: its fixed parts without the organization, and the deed that it names.
pub fn what(pattern: &str, deed: &str) -> String {
    let below = pattern.strip_prefix("/console/orgs").unwrap_or(pattern);
    let is_fixed = |part: &&str| !part.is_empty() && !part.starts_with('{') && *part != "orgs";
    let mut parts: Vec<&str> = below.split('/').filter(is_fixed).collect();
    if !deed.is_empty() {
        parts.push(deed);
    }
    parts.join("/")
}

/// Its words: those of the page on which it is done.
fn key(what: &str) -> &'static str {
    match what {
        "processes/cancel" => "console.log.cancel",
        "processes/links/again" => "console.link.again",
        "processes/links/new" => "console.link.new",
        "identifications/cancel" => "console.deed.cancel",
        "identifications/close" => "console.deed.close",
        "identifications/restart" => "console.deed.restart",
        "documents/delete" => "console.deed.delete_document",
        "documents/remove" => "console.deed.remove_document",
        "effects/try-now" | "effects/all/try-now" => "console.act.try_now",
        "effects/give-up" | "effects/all/give-up" => "console.act.give_up",
        "effects/again" | "effects/all/again" => "console.act.again",
        "effects/dismiss" | "effects/all/dismiss" => "console.act.dismiss",
        "effects/pause" | "effects/all/pause" => "console.act.pause",
        "effects/resume" | "effects/all/resume" => "console.act.resume",
        "consents/customers/export" => "console.log.export",
        "consents/customers/delete" => "console.consents.delete",
        "quarantine/look" => "console.quarantine.look",
        "pages" => "console.log.pages",
        "pages/signing" => "console.log.signing",
        "desk/identifications/take" => "console.log.desk_take",
        "desk/identifications/validate" => "console.log.desk_validate",
        "desk/identifications/reject" => "console.log.desk_reject",
        "desk/identifications/hand" => "console.log.desk_hand",
        "desk/tablet/enrol" => "console.log.desk_tablet",
        "verify" => "console.log.verify",
        "templates/dynamic/edit" => "console.log.template",
        _ => OTHER,
    }
}

/// Where what was acted on is shown.
fn link_to(visit: &Visit, to: &str) -> Option<String> {
    let parts: Vec<&str> = to.split('/').collect();
    let id = |text: &str| Uuid::parse_str(text).ok();
    let here = visit.here().path;
    Some(match parts[..] {
        ["processes", process, ..] => format!("{here}/processes/{}", id(process)?),
        ["templates", "dynamic", template, ..] => format!("{here}/templates/dynamic/{template}"),
        ["documents", document, ..] => format!("{here}/documents/{}", id(document)?),
        ["identifications" | "effects", kind, process, _] => process_address(visit, kinds_name(visit, kind)?, id(process)?),
        // The desk has identifications by agents alone.
        ["identifications", process, _] => identifications::address(visit, "agent", id(process)?),
        _ => return None,
    })
}

fn kinds_name(visit: &Visit, name: &str) -> Option<&'static str> {
    kinds(&visit.engine().processes).into_iter().map(Kind::name).find(|own| *own == name)
}

fn write_place(place: &Place) -> String {
    format!("{}.{}", place.day, place.version)
}

fn read_place(text: &str) -> Option<Place> {
    let (day, version) = text.split_once('.')?;
    let is_day = day.len() == 7 && day.bytes().all(|byte| byte.is_ascii_digit());
    is_day.then_some(())?;
    Some(Place { day: day.to_owned(), version: version.parse().ok().filter(|version| *version <= u64::MAX >> 1)? })
}

/// The page.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Server), async |visit| {
        let after = visit.call.parameter("after").and_then(|text| read_place(&text));
        let (link, is_first) = (format!("{}/log", visit.here().path), after.is_none());
        let (entries, next) = visit.site().log.page(&visit.organization, after).await?;
        let row = |(at, entry): (DateTime<Utc>, Entry)| Done {
            at: visit.site().moment(&visit.organization, at),
            name: entry.name,
            subject: entry.subject,
            ip: entry.ip,
            words: Phrase::new(key(&entry.what)),
            link: link_to(visit, &entry.to),
            to: entry.to,
        };
        let page = console::StaffLog {
            frame: visit.frame(),
            part: ServerPart::Log,
            rows: entries.into_iter().map(row).collect(),
            newest: (!is_first).then(|| link.clone()),
            older: next.map(|place| format!("{link}?after={}", write_place(&place))),
        };
        Ok(visit.page(page.html()))
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeZone;
    use store::model::Model;

    use super::*;

    fn log() -> StaffLog {
        StaffLog::new(Records::new(Arc::new(Model::new())), TimeDelta::days(30))
    }

    fn entry(number: u32) -> Entry {
        let what = "processes/cancel".to_owned();
        Entry { subject: "u-7".into(), name: "Eva".into(), ip: None, what, to: format!("processes/{number}") }
    }

    fn at(day: u32, minute: u32) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 11, day, 9, minute, 0).unwrap()
    }

    async fn all(log: &StaffLog, organization: &str) -> Vec<String> {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let (entries, next) = log.page(organization, after).await.unwrap();
            assert!(entries.len() <= PAGE && (next.is_none() || entries.len() == PAGE), "only the last page is not full");
            found.extend(entries.into_iter().map(|(_, entry)| entry.to));
            match next {
                Some(place) => after = Some(read_place(&write_place(&place)).unwrap()),
                None => return found,
            }
        }
    }

    #[tokio::test]
    async fn acts_are_told_newest_first_over_days_and_pages_and_to_their_organization_alone() {
        let log = log();
        let mut expected = Vec::new();
        for (day, count) in [(1, 3), (2, 100), (4, 130), (5, 1)] {
            for number in 0..count {
                let number = day * 1000 + number;
                log.note("acme", at(day, number % 60), entry(number)).await.unwrap();
                expected.insert(0, format!("processes/{number}"));
            }
        }
        assert_eq!(all(&log, "acme").await, expected);
        assert!(all(&log, "rival").await.is_empty());
    }

    #[tokio::test]
    async fn what_is_over_its_time_is_forgotten_with_the_first_act_of_a_day() {
        let log = log();
        for day in [1, 2, 3] {
            log.note("acme", at(day, 0), entry(day)).await.unwrap();
        }
        log.note("acme", at(3, 0) + TimeDelta::days(29), entry(9)).await.unwrap();
        assert_eq!(all(&log, "acme").await, ["processes/9", "processes/3", "processes/2"]);
        log.note("acme", at(3, 0) + TimeDelta::days(300), entry(10)).await.unwrap();
        assert_eq!(all(&log, "acme").await, ["processes/10"]);
        let key = RecordKey::new("acme", COLLECTION, day_key(at(3, 0).date_naive()));
        let versions = log.records.history::<Option<Entry>>(&key, None, 9).await.unwrap();
        assert_eq!(versions.items.len(), 2);
        assert!(versions.items.iter().all(|version| version.value.is_none()), "nothing is left of them in any version");
    }

    #[test]
    fn an_act_is_named_by_its_address_without_what_it_was_done_to() {
        for (pattern, deed, name) in [
            ("/console/orgs/{org}/processes/{id}/cancel", "", "processes/cancel"),
            ("/console/orgs/{org}/processes/{id}/links/{signature}/{deed}", "new", "processes/links/new"),
            ("/console/orgs/{org}/effects/{kind}/{id}/{deed}", "try-now", "effects/try-now"),
            ("/console/orgs/{org}/effects/all/{deed}", "pause", "effects/all/pause"),
            ("/console/orgs/{org}/pages", "", "pages"),
            ("/console/orgs/{org}/verify", "", "verify"),
            ("/console/orgs/{org}/templates/dynamic/{id}/edit", "", "templates/dynamic/edit"),
            ("/desk/orgs/{org}/identifications/{id}/take", "", "desk/identifications/take"),
        ] {
            assert_eq!(what(pattern, deed), name);
            assert_ne!(key(name), OTHER, "{name}");
        }
        assert_eq!(key("something/new"), OTHER);
    }

    #[test]
    fn places_in_addresses_come_back() {
        let place = Place { day: "9260417".into(), version: 12 };
        assert_eq!(read_place(&write_place(&place)), Some(place));
        for nonsense in ["", ".", "1.2", "9260417", "9260417.x", "926041x.1", "9260417.18446744073709551615"] {
            assert_eq!(read_place(nonsense), None, "{nonsense}");
        }
    }
}
