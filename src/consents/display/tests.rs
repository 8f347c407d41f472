use std::collections::BTreeSet;

use chrono::Duration;
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;
use workflows::consents::{Past, state_of_revision};

use super::*;
use crate::catalogue::consents::trees::MAX_CONSENTS;
use crate::consents::key::{Issuer, Scope};
use crate::consents::testing::{Customer, Shape, consent_type, id, start, tag};
use crate::keys::Keys;

/// The family of the contract's examples: C000 with the children C001 and C002, of which C003 is a grandchild, and C004 alone.
fn family() -> Shape {
    Shape { fathers: vec![None, Some(0), Some(0), Some(2), None], ..Shape::flat(5) }
}

fn unknown() -> CustomerConsents {
    CustomerConsents::default()
}

fn ids(places: &[usize]) -> Option<Vec<ConsentId>> {
    Some(places.iter().map(|place| id(*place)).collect())
}

fn wanted(filters: Filters) -> Wanted {
    Wanted { filters, ..Wanted::default() }
}

/// What is shown as lines: the place, indented by its depth, with a star where it is for context only.
fn lines(shown: &Shown) -> Vec<String> {
    fn add(statements: &[Statement], depth: usize, lines: &mut Vec<String>) {
        for statement in statements {
            let place = place(statement);
            lines.push(format!("{}{place}{}", " ".repeat(depth), if statement.read_only { "*" } else { "" }));
            add(&statement.child_statements, depth + 1, lines);
        }
    }
    let mut lines = Vec::new();
    add(&shown.body.statements, 0, &mut lines);
    lines
}

fn place(statement: &Statement) -> usize {
    statement.id.as_str()[1..].parse().expect("ids are made of places")
}

fn show_lines(shape: &Shape, filters: Filters) -> Vec<String> {
    lines(&display(&shape.edition(1), Some(&unknown()), &wanted(filters), start()).expect("the views are there"))
}

#[test]
fn without_filters_the_whole_tree_is_shown_in_order() {
    assert_eq!(show_lines(&family(), Filters::default()), ["0", " 1", " 2", "  3", "4"]);
}

#[test]
fn a_requested_father_brings_its_family() {
    let with = |places: &[usize]| show_lines(&family(), Filters { consent_ids: ids(places), ..Filters::default() });
    assert_eq!(with(&[0]), ["0", " 1", " 2", "  3"]);
    assert_eq!(with(&[0, 1]), ["0", " 1", " 2", "  3"]);
    assert_eq!(with(&[1]), ["0*", " 1"], "its siblings do not come");
    assert_eq!(with(&[2]), ["0*", " 2", "  3"], "one in the middle");
    assert_eq!(with(&[3, 4]), ["0*", " 2*", "  3", "4"]);
    assert_eq!(with(&[77]), [""; 0], "ids that the tree lacks are skipped");
    assert_eq!(with(&[77, 4]), ["4"]);
}

#[test]
fn an_unknown_customer_sees_what_is_mandatory_and_a_known_one_everything() {
    let shape = Shape { views: vec![("MANDATORY", vec![4, 3]), ("PORTFOLIO", vec![1, 0])], ..family() };
    let edition = shape.edition(1);
    let mut customer = Customer::default();
    let read = |state: Option<&CustomerConsents>, filters| lines(&display(&edition, state, &wanted(filters), start()).unwrap());
    let mandatory = ["0*", " 2*", "  3", "4"];
    assert_eq!(read(Some(&customer.state), Filters::default()), mandatory);
    let portfolio = || Filters { views: Some(vec!["PORTFOLIO".into()]), ..Filters::default() };
    assert_eq!(read(Some(&customer.state), portfolio()), ["0", " 1"], "an explicit view replaces the default");
    let outside = Filters { consent_ids: ids(&[1]), ..Filters::default() };
    assert_eq!(read(Some(&customer.state), outside), [""; 0], "note filter-edges");
    assert_eq!(read(None, Filters::default()), ["0", " 1", " 2", "  3", "4"], "the tree as such");
    customer.capture(start(), &[(4, Choice::Rejected)]);
    assert_eq!(read(Some(&customer.state), Filters::default()), ["0", " 1", " 2", "  3", "4"]);
    let both = Filters { views: Some(vec!["PORTFOLIO".into(), "MANDATORY".into()]), ..Filters::default() };
    assert_eq!(read(Some(&customer.state), both), ["0", " 1", " 2*", "  3", "4"], "a union");
    customer.delete(start());
    assert_eq!(read(Some(&customer.state), Filters::default()), mandatory, "a deleted customer is unknown");
}

#[test]
fn a_view_that_the_tree_lacks_is_told() {
    let filters = Filters { views: Some(vec!["SGDA".into()]), ..Filters::default() };
    let refused = display(&family().edition(1), None, &wanted(filters), start());
    assert_eq!(refused, Err(NoView("SGDA".into())));
}

#[test]
fn a_statement_says_what_the_contract_says() {
    let mut customer = Customer::default();
    customer.capture(start(), &[(0, Choice::Accepted), (1, Choice::Rejected), (3, Choice::Rejected)]);
    let edition = family().edition(1);
    let filters = Filters { consent_ids: ids(&[1]), ..Filters::default() };
    let shown = display(&edition, Some(&customer.state), &wanted(filters), start()).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&shown.canonical()).unwrap();
    let expected = serde_json::json!({
        "locale": "es_ES",
        "statements": [{
            "id": "C000", "text": "C000 full es 0", "description": "\"C000\"\nes", "choice": 0, "choice_type": "OPT_IN",
            "expiration_date": "2025-11-09T08:53:20Z", "read_only": true,
            "child_statements": [{
                "id": "C001", "text": "C001 full es 0", "description": "\"C001\"\nes", "choice": 2, "choice_type": "OPT_OUT_POSITIVE",
                "read_only": false, "child_statements": [],
            }],
        }],
    });
    assert_eq!(json, expected);
    assert_eq!(serde_json::from_value::<ConsentsResponse>(json).unwrap(), shown.body);
    assert!(shown.shows(&edition, &id(1)) && !shown.shows(&edition, &id(0)) && !shown.shows(&edition, &id(77)));
}

#[test]
fn defaults_are_pending_for_opt_in_and_accepted_for_the_others_even_after_a_deletion() {
    let mut customer = Customer::default();
    let edition = Shape::flat(3).edition(1);
    let choices = |state: &CustomerConsents| {
        let shown = display(&edition, Some(state), &Wanted::default(), start()).unwrap();
        assert!(shown.body.statements.iter().all(|statement| statement.expiration_date.is_none()));
        shown.body.statements.iter().map(|statement| statement.choice).collect::<Vec<_>>()
    };
    let defaults = [Choice::Pending, Choice::Accepted, Choice::Accepted];
    assert_eq!(choices(&customer.state), defaults);
    customer.capture(start(), &[(0, Choice::Rejected), (1, Choice::Rejected)]);
    assert_eq!(choices(&customer.state), [Choice::Rejected, Choice::Rejected, Choice::Accepted]);
    customer.delete(start());
    assert_eq!(choices(&customer.state), defaults);
    customer.capture(start(), &[(2, Choice::Rejected)]);
    assert_eq!(choices(&customer.state), [Choice::Pending, Choice::Accepted, Choice::Rejected]);
}

#[test]
fn an_acceptance_that_has_lapsed_reads_pending_and_is_filtered_so() {
    let mut customer = Customer::default();
    customer.capture(start(), &[(0, Choice::Accepted), (3, Choice::Accepted)]);
    let edition = Shape::flat(6).edition(1);
    let end: Timestamp = "2025-11-09T08:53:20Z".parse().unwrap();
    let places = |choice, at| {
        let filters = Filters { choices: Some(vec![choice]), consent_ids: ids(&[0, 3]), ..Filters::default() };
        lines(&display(&edition, Some(&customer.state), &wanted(filters), at).unwrap())
    };
    assert_eq!(places(Choice::Accepted, end - Duration::microseconds(1)), ["0", "3"]);
    assert_eq!(places(Choice::Accepted, end), ["3"], "this one does not expire");
    assert_eq!(places(Choice::Pending, end), ["0"]);
}

#[test]
fn the_whole_answer_is_in_one_language() {
    let mut shape = family();
    shape.languages = vec![vec!["es", "en"], vec!["es", "en"], vec!["es"], vec!["es"], vec!["en", "es"]];
    let edition = shape.edition(1);
    let read = |header: &str, places: &[usize], format| {
        let filters = Filters { consent_ids: ids(places), ..Filters::default() };
        let wanted = Wanted { filters, format, languages: Accepted::of(header) };
        let shown = display(&edition, Some(&unknown()), &wanted, start()).unwrap();
        (shown.body.locale.clone(), shown.language.to_string(), shown.body.statements[0].text.clone())
    };
    let texts = |locale: &str, language: &str, text: &str| (locale.to_owned(), language.to_owned(), text.to_owned());
    assert_eq!(read("en-ES", &[1, 4], Format::Short), texts("en_ES", "en", "C000 short en 0"));
    assert_eq!(read("en-ES", &[2], Format::Normal), texts("es_ES", "es", "C000 full es 0"), "one text lacks it");
    assert_eq!(read("de-DE", &[4], Format::Normal), texts("es_ES", "es", "C004 full es 0"), "not only the first text");
}

#[test]
fn the_key_of_an_unfiltered_read_is_of_the_whole_tree_or_of_what_is_mandatory() {
    let shape = Shape { views: vec![("MANDATORY", vec![4, 3])], ..family() };
    let edition = shape.edition(7);
    let mut customer = Customer::default();
    let statements = |state: &CustomerConsents, filters| {
        let shown = display(&edition, Some(state), &wanted(filters), start()).unwrap();
        let evidence = shown.evidence(&edition);
        let key = shown.key(&edition);
        assert_eq!((key.edition, key.revision, key.issued_at(), key.known), (7, state.revision(), start(), state.known()));
        assert_eq!((evidence.edition, evidence.revision, evidence.issued_at), (7, state.revision(), start()));
        assert_eq!((key.language, evidence.language.as_str()), (1, "es"));
        assert_eq!(evidence.digest, shown.digest());
        (key.statements, evidence.statements)
    };
    assert_eq!(statements(&customer.state, Filters::default()), (Displayed::Mandatory, Statements::Mandatory));
    let filtered = || Filters { consent_ids: ids(&[3]), ..Filters::default() };
    let only = (Displayed::Only(Bitmap::of(&[3], 5)), Statements::Only(vec!["C003".into()]));
    assert_eq!(statements(&customer.state, filtered()), only, "without what is there for context");
    customer.capture(start(), &[(0, Choice::Rejected)]);
    assert_eq!(statements(&customer.state, Filters::default()), (Displayed::All, Statements::All));
    assert_eq!(
        statements(&customer.state, Filters { consent_ids: ids(&[77]), ..Filters::default() }).1,
        Statements::Only(vec![])
    );
}

#[test]
fn the_key_of_a_deletion_shows_nothing() {
    let edition = family().edition(1);
    let shown = display(&edition, Some(&unknown()), &Wanted::default(), start()).unwrap();
    let key = Key { statements: Displayed::Nothing, ..shown.key(&edition) };
    let nothing = rebuild(&edition, &unknown(), &key);
    assert!(nothing.body.statements.is_empty() && !nothing.shows(&edition, &id(0)));
    let evidence = nothing.evidence(&edition);
    assert_eq!(evidence.statements, Statements::Nothing);
    assert_eq!(rebuild_evidence(&edition, &unknown(), &evidence), nothing);
}

#[test]
fn a_language_that_the_edition_lacks_is_its_default_one() {
    let edition = family().edition(1);
    let shown = display(&edition, Some(&unknown()), &Wanted::default(), start()).unwrap();
    for language in [Key::DEFAULT_LANGUAGE, 3] {
        assert_eq!(rebuild(&edition, &unknown(), &Key { language, ..shown.key(&edition) }).language, tag("es"));
    }
}

#[test]
fn the_deepest_tree_is_shown() {
    let fathers = (0..MAX_CONSENTS).map(|place| place.checked_sub(1)).collect();
    let shape = Shape { fathers, ..Shape::flat(MAX_CONSENTS) };
    let edition = shape.edition(1);
    let filters = Filters { consent_ids: ids(&[MAX_CONSENTS - 1]), ..Filters::default() };
    let shown = display(&edition, Some(&unknown()), &wanted(filters), start()).unwrap();
    let lines = lines(&shown);
    assert_eq!((lines.len(), lines[0].as_str(), lines.last().unwrap().trim()), (256, "0*", "255"));
    assert_eq!(rebuild(&edition, &unknown(), &shown.key(&edition)).canonical(), shown.canonical());
}

/// A forest of up to 12 consents with views; fathers stand before or behind their children.
fn shape() -> impl Strategy<Value = Shape> {
    let languages = prop_oneof![Just(vec!["es"]), Just(vec!["en", "es"]), Just(vec!["es", "ca", "en"])];
    let consent = (any::<u32>(), proptest::option::of(any::<proptest::sample::Index>()), languages);
    let views = (btree_set(0..12usize, 0..6), btree_set(0..12usize, 0..6), any::<(bool, bool)>());
    (vec(consent, 1..12), views, 0..100u32).prop_map(|(consents, (mandatory, portfolio, has), wording)| {
        let count = consents.len();
        let ranks: Vec<(u32, usize)> = consents.iter().enumerate().map(|(place, (rank, ..))| (*rank, place)).collect();
        let father = |place: usize| {
            let above: Vec<usize> = (0..count).filter(|other| ranks[*other] < ranks[place]).collect();
            consents[place].1.filter(|_| !above.is_empty()).map(|index| above[index.index(above.len())])
        };
        let view = |name, places: BTreeSet<usize>| (name, places.into_iter().rev().filter(|place| *place < count).collect());
        let views = [has.0.then(|| view("MANDATORY", mandatory)), has.1.then(|| view("PORTFOLIO", portfolio))];
        Shape {
            fathers: (0..count).map(father).collect(),
            views: views.into_iter().flatten().collect(),
            languages: consents.iter().map(|(.., languages)| languages.clone()).collect(),
            wording,
        }
    })
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![Just(Choice::Accepted), Just(Choice::Pending), Just(Choice::Rejected)]
}

/// What is asked for, of views that may not be there: those are left out.
fn request() -> impl Strategy<Value = Wanted> {
    let views = proptest::option::of(proptest::sample::subsequence(vec!["MANDATORY", "PORTFOLIO"], 1..=2));
    let consent_ids = proptest::option::of(vec(0..14usize, 1..5));
    let languages = prop_oneof![Just(""), Just("en-ES"), Just("ca, en;q=0.5"), Just("de")];
    (views, consent_ids, proptest::option::of(vec(choice(), 1..3)), any::<bool>(), languages).prop_map(
        |(views, places, choices, is_short, languages)| Wanted {
            filters: Filters {
                views: views.map(|views| views.into_iter().map(str::to_owned).collect()),
                consent_ids: places.and_then(|places| ids(&places)),
                choices,
            },
            format: if is_short { Format::Short } else { Format::Normal },
            languages: Accepted::of(languages),
        },
    )
}

fn keep_views_of(shape: &Shape, wanted: &mut Wanted) {
    let is_there = |name: &String| shape.views.iter().any(|(view, _)| view == name);
    if let Some(views) = &mut wanted.filters.views {
        views.retain(is_there);
        if views.is_empty() {
            wanted.filters.views = None;
        }
    }
}

/// One thing that happens to a customer or to the tree between a read and the time when somebody asks what was read.
#[derive(Clone, Debug)]
enum Step {
    Wait(i64),
    Capture(Vec<(usize, Choice)>),
    Delete,
    NewTree(Shape),
    Read(Wanted),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..4_000_000_000i64).prop_map(Step::Wait),
        4 => captured().prop_map(Step::Capture),
        1 => Just(Step::Delete),
        1 => shape().prop_map(Step::NewTree),
        4 => request().prop_map(Step::Read),
    ]
}

fn captured() -> impl Strategy<Value = Vec<(usize, Choice)>> {
    proptest::collection::btree_map(0..12usize, choice(), 1..6).prop_map(|choices| {
        let legal = |(place, choice): (usize, Choice)| {
            let is_illegal = choice == Choice::Pending && consent_type(place).is_opt_out();
            (place, if is_illegal { Choice::Rejected } else { choice })
        };
        choices.into_iter().map(legal).collect()
    })
}

/// All statements with their fathers.
fn flat<'a>(statements: &'a [Statement], father: Option<usize>, all: &mut Vec<(Option<usize>, &'a Statement)>) {
    for statement in statements {
        all.push((father, statement));
        flat(&statement.child_statements, Some(place(statement)), all);
    }
}

fn ascends(statements: &[Statement]) -> bool {
    statements.windows(2).all(|pair| place(&pair[0]) < place(&pair[1]))
        && statements.iter().all(|one| ascends(&one.child_statements))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(20_260_101),
        ..ProptestConfig::default()
    })]

    #[test]
    fn filters_are_intersections_and_every_statement_has_its_ancestors(
        shape in shape(), mut wanted in request(), captures in vec(captured(), 0..3), days in 0..60i64,
    ) {
        keep_views_of(&shape, &mut wanted);
        let mut customer = Customer::default();
        captures.iter().for_each(|choices| customer.capture(start(), choices));
        let at = start() + Duration::days(days);
        let edition = shape.edition(1);
        let shown = display(&edition, Some(&customer.state), &wanted, at).unwrap();

        // The three rules of the contract, one statement at a time.
        let in_view = |name: &str, place: usize| shape.views.iter().any(|(view, places)| *view == name && places.contains(&place));
        let has_mandatory = shape.views.iter().any(|(view, _)| *view == MANDATORY);
        let ancestors = |place: usize| {
            let mut above = Vec::new();
            let mut next = shape.fathers[place];
            while let Some(father) = next {
                above.push(father);
                next = shape.fathers[father];
            }
            above
        };
        let Filters { views, consent_ids, choices } = &wanted.filters;
        let passes = |place: &usize| {
            let place = *place;
            let by_view = match views {
                Some(views) => views.iter().any(|view| in_view(view, place)),
                None => customer.state.known() || !has_mandatory || in_view(MANDATORY, place),
            };
            let by_id = consent_ids.as_ref().is_none_or(|ids| ids.contains(&id(place)) || ancestors(place).iter().any(|above| ids.contains(&id(*above))));
            let reads = customer.state.choice(id(place).as_str(), consent_type(place), at).choice;
            by_view && by_id && choices.as_ref().is_none_or(|choices| choices.contains(&reads))
        };
        let own: BTreeSet<usize> = (0..shape.fathers.len()).filter(passes).collect();
        let context: BTreeSet<usize> = own.iter().flat_map(|place| ancestors(*place)).filter(|place| !own.contains(place)).collect();

        let mut all = Vec::new();
        flat(&shown.body.statements, None, &mut all);
        let places = |read_only: bool| all.iter().filter(|(_, one)| one.read_only == read_only).map(|(_, one)| place(one)).collect::<BTreeSet<_>>();
        prop_assert_eq!(places(false), own.clone());
        prop_assert_eq!(places(true), context.clone());
        prop_assert_eq!(all.len(), own.len() + context.len(), "each once");
        prop_assert!(all.iter().all(|(father, one)| shape.fathers[place(one)] == *father), "below its father");
        for (_, one) in all {
            let reading = customer.state.choice(one.id.as_str(), one.choice_type, at);
            prop_assert_eq!((one.choice, one.expiration_date), (reading.choice, reading.until));
        }
    }

    #[test]
    fn order_is_consents_order_at_every_depth(shape in shape(), mut wanted in request()) {
        keep_views_of(&shape, &mut wanted);
        let shown = display(&shape.edition(1), Some(&unknown()), &wanted, start()).unwrap();
        prop_assert!(ascends(&shown.body.statements), "{:?}", lines(&shown));
    }

    #[test]
    fn what_the_key_says_is_byte_for_byte_what_was_served(first in shape(), steps in vec(step(), 1..24)) {
        let issuer = Issuer::new(&Keys::from_bytes(&[7; 32]));
        let scope = Scope { organization: "acme", segment: "telco", customer_id: "100000000001" };
        let mut now = start();
        let mut customer = Customer::default();
        let mut trees = vec![first];
        let mut served = Vec::new();
        for step in steps {
            match step {
                Step::Wait(milliseconds) => now += Duration::milliseconds(milliseconds),
                Step::Capture(choices) => customer.capture(now, &choices),
                Step::Delete if customer.state.known() => customer.delete(now),
                Step::Delete => {}
                Step::NewTree(shape) => trees.push(shape),
                Step::Read(mut wanted) => {
                    let tree = trees.last().unwrap();
                    keep_views_of(tree, &mut wanted);
                    let edition = tree.edition(trees.len() as u32);
                    let second = Timestamp::from_timestamp(now.timestamp(), 0).unwrap();
                    let shown = display(&edition, Some(&customer.state), &wanted, second).unwrap();
                    served.push((issuer.issue(scope, &shown.key(&edition)), shown.evidence(&edition), shown));
                }
            }
        }
        for (text, evidence, shown) in served {
            let key = issuer.open(scope, &text).unwrap();
            let edition = trees[key.edition as usize - 1].edition(key.edition);
            let journal = customer.journal.iter().map(|(at, event)| (*at, Past::Event(event)));
            let state = state_of_revision(journal, key.revision).expect("the revision was there");
            let again = rebuild(&edition, &state, &key);
            prop_assert_eq!(again.canonical(), shown.canonical());
            prop_assert_eq!(&again, &shown);
            prop_assert_eq!(again.digest(), evidence.digest);
            prop_assert_eq!(&rebuild_evidence(&edition, &state, &evidence), &shown);
        }
    }
}
