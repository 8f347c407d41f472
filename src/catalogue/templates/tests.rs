use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use futures::future::join_all;
use proptest::prelude::*;
use store::blobs::Blobs;
use store::faulty::{Faulty, Plan};
use store::model::Model;
use workflows::values::Language;

use super::*;
use crate::catalogue::documents::{self, Documents};
use crate::catalogue::editions::Editions;
use crate::catalogue::fields::{FieldKey, FieldType};
use crate::catalogue::forms::Forms;
use crate::catalogue::item::{Item, Items};
use crate::catalogue::sections::{Section, SectionForm};
use crate::cpu_pool::CpuPool;
use crate::render_workers::Workers;

const ORG: &str = "acme";

pub fn noon() -> Timestamp {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn later(seconds: i64) -> Timestamp {
    noon() + TimeDelta::seconds(seconds)
}

struct World {
    templates: Templates,
    sections: Sections,
    records: Records,
}

fn on(store: Arc<dyn Store>) -> World {
    let blobs = Blobs::memory();
    let documents =
        Documents::new(store.clone(), blobs.clone(), CpuPool::default(), Workers::none(), documents::Options::default());
    let sections = Sections::new(store.clone(), Forms::new(store.clone(), blobs, documents));
    World { templates: Templates::new(store.clone(), sections.clone()), sections, records: Records::new(store) }
}

/// With the sections `a`, `b` and `c`, of the same fields.
async fn world() -> World {
    let world = on(Arc::new(Model::new()));
    for name in ["a", "b", "c"] {
        world.section(name, &[Language::Es], &["NAME"]).await;
    }
    world
}

impl World {
    /// A section, as its record is.
    async fn section(&self, name: &str, languages: &[Language], fields: &[&str]) {
        let form = |language: &Language| SectionForm { language: *language, form: format!("form_of_{name}") };
        let field = |key: &&str| FieldKey { key: (*key).into(), kind: FieldType::Fillable };
        let section = Section {
            id: Uuid::now_v7(),
            external_id: name.into(),
            forms: languages.iter().map(form).collect(),
            fields: fields.iter().map(field).collect(),
        };
        let items: Items<Section> = Items::new(self.records.clone());
        assert_eq!(items.create(ORG, name, section, "created", noon().into()).await.unwrap(), None);
    }

    async fn make(&self, sections: &[&str]) -> Numbering {
        self.templates.create(ORG, "Contract", of(sections), noon()).await.unwrap()
    }

    async fn change(&self, major: u32, edit: Edit) -> Result<Numbering, Error> {
        self.templates.change(ORG, "contract", major, edit, None, noon()).await
    }

    async fn add(&self, sections: &[&str]) -> Result<Numbering, Error> {
        self.templates.add_version(ORG, "contract", of(sections), None, noon()).await
    }

    async fn latest(&self, major: u32) -> Result<String, Error> {
        self.templates.latest(ORG, "contract", major).await.map(|found| found.number.to_string())
    }

    /// What a deletion of a section would meet at an instant.
    async fn delete_section(&self, name: &str, at: Timestamp) -> Result<(), Error> {
        let is_there = async |held: Held| self.templates.is_there(ORG, &held, at).await;
        self.sections.delete(ORG, name, at, is_there).await
    }

    /// From and to of each line of the changelog, newest first.
    async fn steps(&self) -> Vec<(Option<String>, Option<String>)> {
        let lines = self.templates.changelog(ORG, "contract").await.unwrap();
        let text = |number: Option<Number>| number.map(|number| number.to_string());
        lines.iter().map(|line| (text(line.step.from), text(line.step.to))).collect()
    }
}

fn of(sections: &[&str]) -> Definition {
    let sections = sections.iter().map(|name| (*name).to_owned()).collect();
    Definition { default_language: Language::Es, sections, rules: Vec::new() }
}

fn to_sections(sections: &[&str]) -> Edit {
    Edit { sections: Some(of(sections).sections), ..Edit::default() }
}

fn conditions(conditions: &[&str]) -> Vec<Rule> {
    conditions.iter().map(|condition| Rule { section: "a".into(), condition: (*condition).into() }).collect()
}

/// The kind of a refusal, as its status.
fn status<T: std::fmt::Debug>(result: &Result<T, Error>) -> u16 {
    match result {
        Ok(_) => 200,
        Err(Error::Invalid(_)) => 400,
        Err(Error::NotFound(_)) => 404,
        Err(Error::Exists(..) | Error::InUse(..) | Error::Conflict(_)) => 409,
        Err(Error::Gone(_)) => 410,
        Err(Error::Catalogue(error)) if error.is_transient() => 503,
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_new_template_is_version_1_0() {
    let world = world().await;
    let made = world.templates.create(ORG, " My Contract ", of(&["a", "b"]), noon()).await.unwrap();
    assert_eq!((made.external_id.as_str(), made.number.to_string().as_str()), ("my_contract", "1.0"));
    assert_eq!(world.templates.latest(ORG, "my_contract", 1).await.unwrap(), made);
    assert_eq!((made.version.sections.as_slice(), made.version.created_at), (&["a".to_owned(), "b".to_owned()][..], noon()));
    assert_eq!(world.templates.newest(ORG, 0, 9).await.unwrap(), (1, vec![made]));
}

#[tokio::test]
async fn a_name_is_that_of_one_template_and_of_nothing_else() {
    let world = world().await;
    world.make(&["a"]).await;
    assert_eq!(status(&world.templates.create(ORG, "CONTRACT", of(&["a"]), noon()).await), 409);
    for taken in ["forms", "Sections", "configurations"] {
        let refused = world.templates.create(ORG, taken, of(&[]), noon()).await;
        let Err(Error::Invalid(problems)) = refused else { panic!("{refused:?}") };
        let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
        assert_eq!(paths, ["templateName", "orderedSectionNames"], "what is wrong with the rest is told as well");
    }
    assert_eq!(status(&world.templates.create(ORG, "¡!", of(&["a"]), noon()).await), 400);
    assert_eq!(status(&world.templates.latest("other", "contract", 1).await), 404, "another organization has none");
    assert_eq!(world.templates.newest("other", 0, 9).await.unwrap(), (0, Vec::new()));
}

#[tokio::test]
async fn a_missing_section_is_named_and_nothing_is_held_for_what_did_not_come_to_be() {
    let world = world().await;
    world.section("gone", &[Language::Es], &[]).await;
    world.delete_section("gone", noon()).await.unwrap();
    for (missing, expected) in [("unknown", 404), ("gone", 410), ("No Id", 404)] {
        let refused = world.templates.create(ORG, "Contract", of(&["a", missing]), noon()).await;
        assert_eq!(status(&refused), expected, "{missing}");
        assert!(refused.unwrap_err().to_string().contains("orderedSectionNames[1]"), "{missing}");
    }
    assert_eq!(status(&world.latest(1).await), 404);
    // No version came to be, so at once nothing keeps the section.
    world.delete_section("a", noon()).await.unwrap();
}

#[tokio::test]
async fn an_operation_without_410_says_404_of_what_was_deleted() {
    let world = world().await;
    world.make(&["a"]).await;
    world.section("gone", &[Language::Es], &["NAME"]).await;
    world.delete_section("gone", noon()).await.unwrap();
    assert_eq!(status(&world.add(&["gone"]).await), 404);
    assert_eq!(status(&world.change(1, to_sections(&["gone"])).await), 404);

    world.add(&["a"]).await.unwrap();
    world.templates.delete_major(ORG, "contract", 2, noon()).await.unwrap();
    assert_eq!((status(&world.latest(2).await), status(&world.latest(3).await)), (410, 404));
    assert_eq!(status(&world.change(2, Edit::default()).await), 404);

    world.templates.delete_major(ORG, "contract", 1, noon()).await.unwrap();
    assert_eq!(status(&world.latest(1).await), 410);
    assert_eq!(status(&world.templates.minors(ORG, "contract", 1).await), 410);
    assert_eq!(status(&world.templates.changelog(ORG, "contract").await), 410);
    for refused in [
        world.add(&["a"]).await.map(drop),
        world.change(1, Edit::default()).await.map(drop),
        world.templates.delete_major(ORG, "contract", 1, noon()).await,
        world.templates.delete_minor(ORG, "contract", 1, noon()).await,
    ] {
        assert_eq!(status(&refused), 404, "{refused:?}");
    }
}

#[tokio::test]
async fn a_template_whose_last_version_was_deleted_leaves_its_name_and_what_it_used() {
    let world = world().await;
    world.make(&["a"]).await;
    world.add(&["b"]).await.unwrap();
    world.templates.delete_major(ORG, "contract", 2, noon()).await.unwrap();
    world.delete_section("b", noon()).await.unwrap();
    assert_eq!(status(&world.delete_section("a", noon()).await), 409);
    world.templates.delete_major(ORG, "contract", 1, noon()).await.unwrap();
    assert_eq!(world.templates.newest(ORG, 0, 9).await.unwrap().0, 0);

    let again = world.make(&["a"]).await;
    assert_eq!(again.number.to_string(), "1.0");
    assert_eq!(world.latest(1).await.unwrap(), "1.0");
    assert_eq!(status(&world.latest(2).await), 410, "2 was deleted under this name and not made again");
    assert_eq!(world.steps().await, [(None, Some("1.0".into()))], "the changelog is that of this template");
}

#[tokio::test]
async fn a_minor_keeps_what_the_edit_leaves_out_and_the_contract_of_use() {
    let world = world().await;
    world.section("other", &[Language::Es], &["NAME", "CITY"]).await;
    let definition = Definition { rules: conditions(&["A:B"]), ..of(&["a"]) };
    world.templates.create(ORG, "Contract", definition, noon()).await.unwrap();

    let changed = world.change(1, to_sections(&["b", "c"])).await.unwrap();
    assert_eq!(changed.number.to_string(), "1.1");
    assert_eq!(
        (changed.version.rules.clone(), changed.version.sections.clone()),
        (conditions(&["A:B"]), of(&["b", "c"]).sections)
    );
    for breaking in [
        to_sections(&["other"]),
        Edit { rules: Some(Vec::new()), ..Edit::default() },
        // No section has a form in it, so this is a 400 before it is a 409.
        Edit { default_language: Some(Language::Ca), ..Edit::default() },
    ] {
        let expected = if breaking.default_language.is_some() { 400 } else { 409 };
        assert_eq!(status(&world.change(1, breaking).await), expected);
    }
    assert_eq!(world.latest(1).await.unwrap(), "1.1", "what was refused changed nothing");
    let same = world.change(1, Edit::default()).await.unwrap();
    assert_eq!((same.number.to_string().as_str(), &same.version.sections), ("1.2", &changed.version.sections));
}

#[tokio::test]
async fn a_section_stays_while_any_version_has_it() {
    let world = world().await;
    world.make(&["a"]).await;
    world.change(1, to_sections(&["b"])).await.unwrap();
    // Long after, so that only what is there counts.
    let refused = world.delete_section("a", later(86_400)).await.unwrap_err();
    assert_eq!(refused.to_string(), "the section is part of the template contract; delete that first", "1.0 still has it");
    world.templates.delete_minor(ORG, "contract", 1, noon()).await.unwrap();
    world.delete_section("b", noon()).await.unwrap();
    assert_eq!(status(&world.delete_section("a", later(86_400)).await), 409);
}

#[tokio::test]
async fn who_died_half_way_keeps_no_section_for_ever() {
    let world = world().await;
    let user = names::user::<Template>("contract", Uuid::now_v7());
    world.sections.hold(ORG, "a", &user, noon()).await.unwrap();
    assert_eq!(status(&world.delete_section("a", later(60)).await), 409, "it may still come");
    world.delete_section("a", later(2 * 3600)).await.unwrap();
}

#[tokio::test]
async fn a_changelog_tells_each_change_with_its_reason_and_outlives_what_was_deleted() {
    let world = world().await;
    world.make(&["a"]).await;
    let templates = &world.templates;
    templates.change(ORG, "contract", 1, Edit::default(), Some("a typo".into()), later(1)).await.unwrap();
    templates.add_version(ORG, "contract", of(&["b"]), Some("the new law".into()), later(2)).await.unwrap();
    templates.delete_minor(ORG, "contract", 1, later(3)).await.unwrap();
    templates.delete_major(ORG, "contract", 2, later(4)).await.unwrap();

    let told = templates.changelog(ORG, "contract").await.unwrap();
    let text = |number: Option<Number>| number.map_or("-".to_owned(), |number| number.to_string());
    let told = told.iter().map(|Logged { at, step, .. }| {
        let reason = step.reason.clone().unwrap_or_default();
        format!("{} {} {} {reason}", (*at - noon()).num_seconds(), text(step.from), text(step.to))
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["4 2.0 1.0 ", "3 1.1 1.0 ", "2 1.1 2.0 the new law", "1 1.0 1.1 a typo", "0 - 1.0 "],
        "newest first, the creation last"
    );
    let long = templates.change(ORG, "contract", 1, Edit::default(), Some("x".repeat(1001)), noon()).await;
    assert_eq!(status(&long), 400);
}

#[tokio::test]
async fn a_changelog_is_told_as_far_as_it_is_bounded() {
    let world = world().await;
    world.make(&["a"]).await;
    // Without sections to hold, so that it takes no time.
    for number in 0..MAX_CHANGES {
        let again = |current: Option<Item<Template>>| Ok::<_, records::Error>(current);
        let item = world.templates.versions.items.change(ORG, "contract", "", later(number as i64).into(), again).await.unwrap();
        assert!(item.is_some());
    }
    let told = world.templates.changelog(ORG, "contract").await.unwrap();
    assert_eq!((told.len(), told[0].at), (MAX_CHANGES, later(MAX_CHANGES as i64 - 1)));
}

#[test]
fn a_template_with_as_many_versions_as_there_may_be_fits_into_its_record() {
    let edition = Edition { id: Uuid::max(), weight: u32::MAX, is_configured: false };
    for add in [Editions::add_major, |editions: &mut Editions<Edition>, edition| editions.add_minor(1, edition)] {
        let mut editions = Editions::new(edition);
        while add(&mut editions, edition).is_ok() {}
        let number = Some(Number { major: u32::MAX, minor: u32::MAX });
        let reason = Some("\u{1}".repeat(names::MAX_CHANGELOG));
        let step = Step { reason, ..Step::new(number, number) };
        let whole = Item::new(Template { id: Uuid::max(), editions: editions.clone(), step });
        assert!(serde_json::to_vec(&whole).unwrap().len() < store::MAX_BODY - 8192);

        let deleted = editions.iter().map(|edition| edition.id).collect();
        let step = Step { deleted, ..Step::new(number, None) };
        editions.delete_major(editions.highest().unwrap().0.major).unwrap();
        let less = Item::new(Template { id: Uuid::max(), editions, step });
        assert!(serde_json::to_vec(&less).unwrap().len() < store::MAX_BODY);
    }
}

#[tokio::test]
async fn a_fill_reads_one_record_and_sees_at_once_what_another_server_changed() {
    let store: Arc<dyn Store> = Arc::new(Model::new());
    let (ours, other) = (on(store.clone()), on(store));
    for name in ["a", "b"] {
        ours.section(name, &[Language::Es], &["NAME"]).await;
    }
    ours.make(&["a"]).await;
    let first = ours.templates.latest(ORG, "contract", 1).await.unwrap();
    let again = ours.templates.latest(ORG, "contract", 1).await.unwrap();
    assert!(Arc::ptr_eq(&first.version, &again.version), "what a version is made of is remembered");
    other.change(1, to_sections(&["b"])).await.unwrap();
    let changed = ours.templates.latest(ORG, "contract", 1).await.unwrap();
    assert_eq!((changed.number.to_string().as_str(), changed.version.sections[0].as_str()), ("1.1", "b"));
    other.templates.delete_minor(ORG, "contract", 1, noon()).await.unwrap();
    assert_eq!(ours.latest(1).await.unwrap(), "1.0");
}

#[tokio::test]
async fn whether_the_configuration_is_used_is_known_from_the_templates_that_are_there() {
    let world = world().await;
    world.section("tenant", &[Language::Es], &["CONFIG_TENANT.LOGO"]).await;
    assert!(!world.templates.uses_configuration(ORG).await.unwrap());
    world.make(&["a"]).await;
    assert!(!world.templates.uses_configuration(ORG).await.unwrap());
    world.add(&["tenant"]).await.unwrap();
    world.add(&["a"]).await.unwrap();
    assert!(world.templates.uses_configuration(ORG).await.unwrap(), "an older version has such a field");
    assert!(!world.templates.uses_configuration("other").await.unwrap());
    for major in [3, 2] {
        world.templates.delete_major(ORG, "contract", major, noon()).await.unwrap();
    }
    assert!(!world.templates.uses_configuration(ORG).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn changes_at_once_are_all_made_one_after_the_other() {
    let mut contended = 0;
    for seed in 0..40 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)));
        for name in ["a", "b"] {
            world.section(name, &[Language::Es], &["NAME"]).await;
        }
        world.make(&["a"]).await;
        let rules = |condition| Edit { rules: Some(conditions(&[condition])), ..Edit::default() };
        let edits = [to_sections(&["a", "b"]), rules("A:B"), Edit::default()];
        let made = join_all(edits.into_iter().map(|edit| world.change(1, edit))).await;
        let mut numbers: Vec<String> = Vec::new();
        for result in &made {
            match result {
                Ok(numbering) => numbers.push(numbering.number.to_string()),
                Err(_) => contended += usize::from(status(result) == 503),
            }
        }
        numbers.sort();
        let expected: Vec<String> = (1..=numbers.len()).map(|minor| format!("1.{minor}")).collect();
        assert_eq!(numbers, expected, "seed {seed}: each has a number of its own, and none is lost");
        let latest = world.templates.latest(ORG, "contract", 1).await.unwrap();
        assert_eq!(latest.number.minor as usize, numbers.len());
        if numbers.len() == 3 {
            let both = (latest.version.sections.len(), latest.version.rules.len());
            assert_eq!(both, (2, 1), "seed {seed}: the second follows the first");
        }
    }
    assert!(contended < 20, "{contended} of 120 gave up");
}

#[tokio::test(start_paused = true)]
async fn templates_made_at_once_under_one_name_are_one() {
    for seed in 0..40 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)));
        for name in ["a", "b"] {
            world.section(name, &[Language::Es], &["NAME"]).await;
        }
        let make = |section| world.templates.create(ORG, "Contract", of(&[section]), noon());
        let (first, second) = tokio::join!(make("a"), make("b"));
        let (used, free) = match (&first, &second) {
            (Ok(_), Err(Error::Exists(..))) => ("a", "b"),
            (Err(Error::Exists(..)), Ok(_)) => ("b", "a"),
            other => panic!("seed {seed}: {other:?}"),
        };
        assert_eq!(world.templates.latest(ORG, "contract", 1).await.unwrap().version.sections, [used]);
        world.delete_section(free, noon()).await.unwrap();
        assert_eq!(status(&world.delete_section(used, later(86_400)).await), 409);
    }
}

#[tokio::test(start_paused = true)]
async fn a_section_that_is_used_and_deleted_at_once_is_either_used_or_deleted() {
    let (mut used, mut deleted) = (0, 0);
    for seed in 0..60 {
        let plan = Plan { delayed: 500, delay: Duration::from_millis(2), ..Plan::default() };
        let world = on(Arc::new(Faulty::new(Model::new(), seed, plan)));
        world.section("a", &[Language::Es], &["NAME"]).await;
        let make = async {
            tokio::time::sleep(Duration::from_millis(seed % 8)).await;
            world.templates.create(ORG, "Contract", of(&["a"]), noon()).await
        };
        let (made, gone) = tokio::join!(make, world.delete_section("a", noon()));
        let is_there = world.sections.get(ORG, "a").await.is_ok();
        match (status(&made), status(&gone)) {
            (200, 409) => used += usize::from(is_there),
            (410, 200) => deleted += usize::from(!is_there),
            other => panic!("seed {seed}: {other:?}"),
        }
    }
    assert_eq!(used + deleted, 60, "what was answered is what is there");
    assert!(used > 3 && deleted > 3, "{used} used, {deleted} deleted");
}

/// One operation on versions.
#[derive(Clone, Debug)]
enum Operation {
    Create(usize),
    AddMajor(usize),
    Change(u32, usize),
    DeleteMajor(u32),
    DeleteMinor(u32),
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn operation() -> impl Strategy<Value = Operation> {
    let major = || 1..5u32;
    prop_oneof![
        1 => (0..3usize).prop_map(Operation::Create),
        2 => (0..3usize).prop_map(Operation::AddMajor),
        4 => (major(), 0..3usize).prop_map(|(major, section)| Operation::Change(major, section)),
        2 => major().prop_map(Operation::DeleteMajor),
        2 => major().prop_map(Operation::DeleteMinor),
    ]
}

/// What the versions of a template should be: the section of each, by majors and minors.
#[derive(Default)]
struct Expected {
    majors: Vec<Vec<usize>>,
    /// The highest major that there ever was.
    made: usize,
    steps: Vec<(Option<String>, Option<String>)>,
}

impl Expected {
    fn latest(&self, major: usize) -> Option<String> {
        let minors = self.majors.get(major.checked_sub(1)?)?;
        Some(format!("{major}.{}", minors.len() - 1))
    }

    fn highest(&self) -> Option<String> {
        self.latest(self.majors.len())
    }

    /// The status that an operation answers, and what becomes of the versions.
    fn run(&mut self, operation: &Operation) -> u16 {
        let (place, is_there) = match operation {
            Operation::Create(_) | Operation::AddMajor(_) => (0, !self.majors.is_empty()),
            Operation::Change(major, _) | Operation::DeleteMajor(major) | Operation::DeleteMinor(major) => {
                (*major as usize - 1, (*major as usize) <= self.majors.len())
            }
        };
        let before = self.highest();
        let step = match operation {
            Operation::Create(_) if is_there => return 409,
            Operation::Create(section) => {
                (self.majors, self.steps) = (vec![vec![*section]], Vec::new());
                (None, self.highest())
            }
            _ if !is_there => return 404,
            Operation::AddMajor(section) => {
                self.majors.push(vec![*section]);
                (before, self.highest())
            }
            Operation::Change(_, section) => {
                let before = self.latest(place + 1);
                self.majors[place].push(*section);
                (before, self.latest(place + 1))
            }
            Operation::DeleteMajor(_) if place + 1 < self.majors.len() => return 409,
            Operation::DeleteMajor(_) => {
                self.majors.pop();
                (before, self.highest())
            }
            Operation::DeleteMinor(_) if self.majors[place].len() == 1 => return 409,
            Operation::DeleteMinor(_) => {
                let before = self.latest(place + 1);
                self.majors[place].pop();
                (before, self.latest(place + 1))
            }
        };
        self.made = self.made.max(self.majors.len());
        self.steps.insert(0, step);
        200
    }
}

impl World {
    async fn run(&self, operation: &Operation) -> u16 {
        match *operation {
            Operation::Create(section) => status(&self.templates.create(ORG, "contract", of(&[NAMES[section]]), noon()).await),
            Operation::AddMajor(section) => status(&self.add(&[NAMES[section]]).await),
            Operation::Change(major, section) => status(&self.change(major, to_sections(&[NAMES[section]])).await),
            Operation::DeleteMajor(major) => status(&self.templates.delete_major(ORG, "contract", major, noon()).await),
            Operation::DeleteMinor(major) => status(&self.templates.delete_minor(ORG, "contract", major, noon()).await),
        }
    }

    /// All that can be read is as it should be.
    async fn is_as(&self, expected: &Expected) {
        for major in 1..6 {
            let latest = self.latest(major).await;
            match expected.latest(major as usize) {
                Some(number) => {
                    assert_eq!(latest.unwrap(), number);
                    let minors = self.templates.minors(ORG, "contract", major).await.unwrap();
                    let sections: Vec<_> = minors.iter().rev().map(|minor| minor.version.sections[0].as_str()).collect();
                    let wanted: Vec<_> = expected.majors[major as usize - 1].iter().map(|section| NAMES[*section]).collect();
                    assert_eq!(sections, wanted);
                }
                // With the template all its versions are gone, also those that it never had.
                None if expected.majors.is_empty() && expected.made > 0 => assert_eq!(status(&latest), 410),
                None => assert_eq!(status(&latest), if major as usize <= expected.made { 410 } else { 404 }, "{major}"),
            }
        }
        let (total, listed) = self.templates.newest(ORG, 0, 9).await.unwrap();
        let listed: Vec<_> = listed.iter().map(|template| template.number.to_string()).collect();
        assert_eq!((total, listed), (expected.majors.len().min(1), expected.highest().into_iter().collect::<Vec<_>>()));
        if !expected.majors.is_empty() {
            assert_eq!(self.steps().await, expected.steps);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the sequence of operations, numbers, changelog, statuses and the sections that are in use are those of a small model.
    #[test]
    fn versions_are_what_a_small_model_says(operations in prop::collection::vec(operation(), 0..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (world, mut expected) = (world().await, Expected::default());
            for operation in &operations {
                assert_eq!(world.run(operation).await, expected.run(operation), "{operation:?}");
                world.is_as(&expected).await;
            }
            for (place, name) in NAMES.into_iter().enumerate() {
                let is_used = expected.majors.iter().flatten().any(|section| *section == place);
                // At once, so that what is not in use was given back.
                assert_eq!(status(&world.delete_section(name, noon()).await), if is_used { 409 } else { 200 }, "{name}");
            }
        });
    }
}
