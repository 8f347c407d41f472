//! Whatever is done, versions, files and changelog are those of a small model.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// One operation on versions.
#[derive(Clone, Debug)]
enum Operation {
    Create(usize),
    Major(usize),
    Minor(u32, usize),
    DeleteMajor(u32),
    DeleteMinor(u32),
    Lend(u32),
}

const TEXTS: [&str; 3] = ["a", "b", "c"];

fn operation() -> impl Strategy<Value = Operation> {
    let major = || 1..5u32;
    prop_oneof![
        1 => (0..3usize).prop_map(Operation::Create),
        2 => (0..3usize).prop_map(Operation::Major),
        4 => (major(), 0..3usize).prop_map(|(major, text)| Operation::Minor(major, text)),
        2 => major().prop_map(Operation::DeleteMajor),
        2 => major().prop_map(Operation::DeleteMinor),
        1 => major().prop_map(Operation::Lend),
    ]
}

/// What the versions of a template should be: the text of each, by majors and minors.
#[derive(Default)]
struct Expected {
    majors: Vec<Vec<usize>>,
    lent: BTreeSet<usize>,
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
        let is_there = !self.majors.is_empty();
        let major = match operation {
            Operation::Create(_) | Operation::Major(_) => None,
            Operation::Minor(major, _)
            | Operation::DeleteMajor(major)
            | Operation::DeleteMinor(major)
            | Operation::Lend(major) => Some(*major as usize),
        };
        if major.is_some_and(|major| major > self.majors.len()) {
            return 404;
        }
        let (place, before) = (major.unwrap_or(1) - 1, self.highest());
        let of_major = self.latest(place + 1);
        let step = match operation {
            Operation::Create(_) if is_there => return 409,
            Operation::Create(text) => {
                (self.majors, self.steps) = (vec![vec![*text]], Vec::new());
                (None, self.highest())
            }
            Operation::Major(_) if !is_there => return 404,
            Operation::Major(text) => {
                self.majors.push(vec![*text]);
                (before, self.highest())
            }
            Operation::Minor(_, text) => {
                self.majors[place].push(*text);
                (of_major, self.latest(place + 1))
            }
            Operation::DeleteMajor(_) if place + 1 < self.majors.len() => return 409,
            Operation::DeleteMajor(_) => {
                self.majors.pop();
                (before, self.highest())
            }
            Operation::DeleteMinor(_) if self.majors[place].len() == 1 => return 409,
            Operation::DeleteMinor(_) => {
                self.majors[place].pop();
                (of_major, self.latest(place + 1))
            }
            Operation::Lend(_) => {
                self.lent.extend(self.majors[place].last());
                return 200;
            }
        };
        self.steps.insert(0, step);
        200
    }
}

impl World {
    async fn run(&self, operation: &Operation) -> u16 {
        match *operation {
            Operation::Create(text) => status(&self.templates.create(ORG, "invoice", of(TEXTS[text]), noon()).await),
            Operation::Major(text) => status(&self.major(TEXTS[text]).await),
            Operation::Minor(major, text) => status(&self.minor(major, to(Language::Es, TEXTS[text])).await),
            Operation::DeleteMajor(major) => status(&self.templates.delete_major(ORG, "invoice", major, noon()).await),
            Operation::DeleteMinor(major) => status(&self.templates.delete_minor(ORG, "invoice", major, noon()).await),
            Operation::Lend(major) => match self.templates.latest(ORG, "invoice", major).await {
                Ok(found) => self.lend(found.version.source(Language::Es).unwrap()).await,
                refused => status(&refused),
            },
        }
    }

    /// All that can be read is as it should be.
    async fn is_as(&self, expected: &Expected) {
        for major in 1..6 {
            let latest = self.latest(major).await;
            match expected.latest(major as usize) {
                Some(number) => {
                    assert_eq!(latest.unwrap(), number);
                    let minors = self.templates.minors(ORG, "invoice", major).await.unwrap();
                    let wanted = expected.majors[major as usize - 1].iter().rev().map(|text| TEXTS[*text]);
                    for (minor, text) in minors.iter().zip(wanted) {
                        let source = minor.version.source(Language::Es).unwrap();
                        assert_eq!(self.templates.template(ORG, source).await.unwrap(), text);
                    }
                    assert_eq!(minors.len(), expected.majors[major as usize - 1].len());
                }
                None => assert_eq!(status(&latest), 404),
            }
        }
        let listed = self.templates.newest(ORG, None, 0, 9).await.unwrap();
        let listed: BTreeSet<_> = listed.iter().map(|template| template.number.to_string()).collect();
        assert_eq!(listed, (1..=expected.majors.len()).filter_map(|major| expected.latest(major)).collect());
        if !expected.majors.is_empty() {
            assert_eq!(self.steps().await, expected.steps);
        }
        for (place, text) in TEXTS.into_iter().enumerate() {
            let is_used = expected.lent.contains(&place) || expected.majors.iter().flatten().any(|used| *used == place);
            assert_eq!(self.has_file(text).await, is_used, "{text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever the sequence of operations, numbers, changelog, listing, statuses and the files that are there are those of a small model.
    #[test]
    fn versions_are_what_a_small_model_says(operations in prop::collection::vec(operation(), 0..25)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (world, mut expected) = (world(), Expected::default());
            for operation in &operations {
                assert_eq!(world.run(operation).await, expected.run(operation), "{operation:?}");
                world.is_as(&expected).await;
            }
            assert_eq!(world.collect().await, if expected.lent.is_empty() { 0 } else { expected_lent(&expected) });
        });
    }
}

/// Files that only a process held of which nobody knows any more.
fn expected_lent(expected: &Expected) -> u64 {
    let used: BTreeSet<usize> = expected.majors.iter().flatten().copied().collect();
    expected.lent.difference(&used).count() as u64
}
