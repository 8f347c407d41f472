//! The gallery: five templates in two languages each, as good as templates are meant to be, rendered by a worker.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use html::{Engine, Job, Kind, Pdf, Profile, Source, Target};
use render::worker::{Options, Process, Purpose};
use serde_json::Value;

/// One language of a template, and data for it.
struct Example {
    name: String,
    source: Source,
    data: Value,
}

/// Templates with their pages, something that each shows, and a member without which it cannot be filled.
const EXPECTED: [(&str, usize, &str, &str); 5] = [
    ("annex", 2, "ARR-2026-00318", "home"),
    ("certificate", 1, "CA-2026-07714", "place"),
    ("consent", 2, "12345678Z", "date"),
    ("contract", 3, "ARR-2026-00318", "place"),
    ("invoice", 2, "2026", "due"),
];

fn expected(name: &str) -> (usize, &'static str, &'static str) {
    let of_name = |(known, ..): &&(&str, usize, &str, &str)| *known == name;
    let (_, pages, shown, needed) = EXPECTED.iter().find(of_name).unwrap_or_else(|| panic!("{name} is in the gallery"));
    (*pages, shown, needed)
}

fn gallery() -> Vec<Example> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("gallery");
    let mut examples = Vec::new();
    for (name, ..) in EXPECTED {
        let read =
            |file: &str| std::fs::read(folder.join(name).join(file)).unwrap_or_else(|error| panic!("{name}/{file}: {error}"));
        let structure: Value = serde_json::from_slice(&read("schema.json")).expect("a schema");
        let files = std::fs::read_dir(folder.join(name)).expect("a folder");
        let mut names: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
        names.sort();
        for template in names.iter().filter(|file| file.extension().is_some_and(|kind| kind == "hbs")) {
            let language = template.file_stem().and_then(|stem| stem.to_str()).expect("a language");
            let source = Source {
                template: std::fs::read(template).expect("a template"),
                structure: structure.clone(),
                language: language.to_uppercase(),
                target: Target::default(),
            };
            let data = serde_json::from_slice(&read(&format!("{language}.json"))).expect("data");
            examples.push(Example { name: name.to_owned(), source, data });
        }
    }
    examples
}

fn worker() -> Process {
    let options = Options {
        program: PathBuf::from(env!("CARGO_BIN_EXE_render-worker")),
        is_alone: true,
        seconds: 60,
        patience: Duration::from_secs(120),
        purpose: Purpose::Templates { fonts: Vec::new() },
        ..Options::default()
    };
    Process::start(&options).expect("a worker")
}

fn job(example: &Example) -> Job {
    let Example { name, source, data } = example;
    Job { source: source.clone(), data: data.clone(), title: name.clone(), created: 1_790_000_000 }
}

fn rendered(worker: &mut Process, job: &Job, what: &str) -> Pdf {
    let rendered = worker.render_html(job, || false).unwrap_or_else(|error| panic!("{what}: {error}"));
    rendered.unwrap_or_else(|failure| panic!("{what}: {failure:?}"))
}

/// All text of a PDF without white space, in which lines break anywhere.
fn text(pdf: &[u8]) -> String {
    let document = lopdf::Document::load_mem(pdf).expect("a PDF");
    let pages: Vec<u32> = document.get_pages().into_keys().collect();
    document.extract_text(&pages).expect("text").split_whitespace().collect()
}

#[test]
fn each_template_is_there_in_two_languages_and_passes_its_check() {
    let mut worker = worker();
    let mut languages = BTreeMap::new();
    for example in gallery() {
        let checked = worker.check_html(&example.source, || false).expect("a reply");
        assert_eq!(checked, Ok(()), "{} {}", example.name, example.source.language);
        *languages.entry(example.name).or_insert(0) += 1;
    }
    assert!(languages.len() == EXPECTED.len() && languages.values().all(|count| *count >= 2), "{languages:?}");
}

#[test]
fn each_template_makes_its_pages_and_what_is_on_them_can_be_read() {
    let mut worker = worker();
    for example in gallery() {
        let what = format!("{} {}", example.name, example.source.language);
        let pdf = rendered(&mut worker, &job(&example), &what);
        let (pages, shown, _) = expected(&example.name);
        assert_eq!(pdf.pages, pages, "{what}");
        let text = text(&pdf.bytes);
        assert!(text.contains(shown), "{what}: {text}");
        assert!(!text.contains("{{") && !text.contains("null"), "{what}: {text}");
    }
}

#[test]
fn data_without_a_member_that_a_template_needs_are_told_by_its_name() {
    let mut worker = worker();
    for example in gallery() {
        let (.., needed) = expected(&example.name);
        let mut job = job(&example);
        job.data.as_object_mut().expect("an object").remove(needed);
        let failure = worker.render_html(&job, || false).expect("a reply").expect_err("it is needed");
        assert_eq!(failure.kind, Kind::Data, "{failure:?}");
        assert!(failure.problem.message.contains(&format!("'{needed}'")) && failure.problem.line.is_some(), "{failure:?}");
    }
}

fn says(pdf: &Pdf, mark: &str) -> bool {
    pdf.bytes.windows(mark.len()).any(|bytes| bytes == mark.as_bytes())
}

#[test]
fn each_template_can_be_made_for_screen_readers() {
    let mut worker = worker();
    for example in gallery() {
        let what = format!("{} {}", example.name, example.source.language);
        let mut job = job(&example);
        job.source.target.profile = Profile::PdfUa1;
        let pdf = rendered(&mut worker, &job, &what);
        assert!(says(&pdf, "pdfuaid:part") && says(&pdf, "/StructTreeRoot"), "{what}: it does not say so");
    }
}

#[test]
fn each_template_can_be_made_for_archives() {
    let mut worker = worker();
    for example in gallery() {
        let what = format!("{} {}", example.name, example.source.language);
        let mut job = job(&example);
        job.source.target.profile = Profile::PdfA3;
        let pdf = rendered(&mut worker, &job, &what);
        assert!(says(&pdf, "pdfaid:part"), "{what}: it does not say so");
    }
}

#[test]
fn the_other_engine_makes_them_too() {
    let mut worker = worker();
    for example in gallery() {
        let what = format!("{} {}", example.name, example.source.language);
        let mut job = job(&example);
        job.source.target.engine = Engine::Ironpress;
        assert_eq!(worker.check_html(&job.source, || false).expect("a reply"), Ok(()), "{what}");
        let pdf = rendered(&mut worker, &job, &what);
        assert!((1..=expected(&example.name).0 + 1).contains(&pdf.pages), "{what}: {} pages", pdf.pages);
    }
}
