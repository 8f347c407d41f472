//! Documents that want more than there is for one: each ends in a limit of its worker, and the next worker serves the others.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use documents::fixtures;
use lopdf::{Dictionary, Document, Object, Stream, dictionary};
use render::{
    Comparison, Limits, Undrawn,
    worker::{Error, Limit, Options, Process},
};

fn options() -> Options {
    Options {
        program: PathBuf::from(env!("CARGO_BIN_EXE_render-worker")),
        is_alone: true,
        seconds: 1,
        patience: Duration::from_secs(30),
        ..Options::default()
    }
}

fn compare(worker: &mut Process, document: &[u8]) -> Result<Comparison, Error> {
    worker.compare(document, document, &[], &Limits::default(), || false)
}

/// A page with this content, and these resources.
fn page(content: &str, resources: impl FnOnce(&mut Document) -> Dictionary) -> Vec<u8> {
    let mut document = Document::with_version("1.7");
    let resources = resources(&mut document);
    let content = document.add_object(Stream::new(dictionary! {}, content.as_bytes().to_vec()));
    let root = document.new_object_id();
    let page = document.add_object(dictionary! {
        "Type" => "Page", "Parent" => root, "Contents" => content, "Resources" => resources,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
    });
    document.objects.insert(root, dictionary! { "Type" => "Pages", "Count" => 1, "Kids" => vec![page.into()] }.into());
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).expect("it is written");
    bytes
}

fn bbox(side: i64) -> Vec<Object> {
    vec![0.into(), 0.into(), side.into(), side.into()]
}

/// Forms each of which shows the next one ten times, twelve deep.
fn forms_in_forms() -> Vec<u8> {
    page("/F Do", |document| {
        let form = |content: String, own: Dictionary| {
            let dictionary = dictionary! { "Type" => "XObject", "Subtype" => "Form", "BBox" => bbox(600), "Resources" => own };
            Stream::new(dictionary, content.into_bytes())
        };
        let mut next = document.add_object(form("0 0 600 800 re f".into(), Dictionary::new()));
        for _ in 0..12 {
            let own = dictionary! { "XObject" => dictionary! { "F" => next } };
            next = document.add_object(form("/F Do ".repeat(10), own));
        }
        dictionary! { "XObject" => dictionary! { "F" => next } }
    })
}

/// A pattern whose cell is a million times as large as its step.
fn a_pattern_without_end() -> Vec<u8> {
    page("/Pattern cs /P scn 0 0 500 500 re f", |document| {
        let pattern = dictionary! {
            "PatternType" => 1, "PaintType" => 1, "TilingType" => 1, "BBox" => bbox(1_000_000), "XStep" => 1, "YStep" => 1,
            "Resources" => Dictionary::new(),
        };
        let pattern = document.add_object(Stream::new(pattern, b"0 0 1 1 re f".to_vec()));
        dictionary! { "Pattern" => dictionary! { "P" => pattern } }
    })
}

/// An image of 60,000 by 60,000 pixels, of which 64 MiB are there, packed into 64 KiB.
fn an_image_without_end() -> Vec<u8> {
    page("500 0 0 500 0 0 cm /I Do", |document| {
        let image = dictionary! {
            "Type" => "XObject", "Subtype" => "Image", "Width" => 60_000, "Height" => 60_000, "BitsPerComponent" => 8,
            "ColorSpace" => "DeviceRGB",
        };
        let mut image = Stream::new(image, vec![0; 64 << 20]);
        image.compress().expect("it is packed");
        let image = document.add_object(image);
        dictionary! { "XObject" => dictionary! { "I" => image } }
    })
}

/// Saves, clips and groups by the million.
fn a_page_of_clips() -> Vec<u8> {
    page(&"q 0 0 500 500 re 10 10 400 400 re W* n ".repeat(400_000), |_| Dictionary::new())
}

/// A function that is made of itself.
fn a_function_of_itself() -> Vec<u8> {
    page("/S sh", |document| {
        let id = document.new_object_id();
        let function = dictionary! {
            "FunctionType" => 3, "Domain" => vec![0.into(), 1.into()], "Functions" => vec![id.into()], "Bounds" => Vec::<Object>::new(),
            "Encode" => vec![0.into(), 1.into()],
        };
        document.objects.insert(id, function.into());
        let shading = dictionary! {
            "ShadingType" => 2, "ColorSpace" => "DeviceGray", "Coords" => vec![0.into(), 0.into(), 500.into(), 500.into()],
            "Function" => id,
        };
        dictionary! { "Shading" => dictionary! { "S" => shading } }
    })
}

/// A table of colours over itself.
fn a_colour_of_itself() -> Vec<u8> {
    page("/C cs 1 sc 0 0 500 500 re f", |document| {
        let id = document.new_object_id();
        let space = vec![Object::Name(b"Indexed".to_vec()), id.into(), 0.into(), Object::string_literal("abc")];
        document.objects.insert(id, space.into());
        dictionary! { "ColorSpace" => dictionary! { "C" => id } }
    })
}

/// A mask that is drawn through itself.
fn a_mask_of_itself() -> Vec<u8> {
    page("/G gs 0 0 500 500 re f", |document| {
        let id = document.new_object_id();
        let state = document.new_object_id();
        let form = dictionary! {
            "Type" => "XObject", "Subtype" => "Form", "BBox" => bbox(600), "Group" => dictionary! { "S" => "Transparency" },
            "Resources" => dictionary! { "ExtGState" => dictionary! { "G" => state } },
        };
        document.objects.insert(id, Stream::new(form, b"/G gs 0 0 500 500 re f /G gs 0 0 400 400 re f".to_vec()).into());
        document.objects.insert(state, dictionary! { "SMask" => dictionary! { "S" => "Luminosity", "G" => id } }.into());
        dictionary! { "ExtGState" => dictionary! { "G" => state } }
    })
}

/// Streams the length of each of which is said by the next one.
fn a_chain_of_lengths(links: usize) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    let mut object = |bytes: &mut Vec<u8>, text: String| {
        offsets.push(bytes.len());
        bytes.extend(text.bytes());
    };
    object(&mut bytes, "1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".into());
    object(&mut bytes, "2 0 obj\n<</Type/Pages/Count 1/Kids[3 0 R]>>\nendobj\n".into());
    object(&mut bytes, "3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 100 100]/Contents 4 0 R>>\nendobj\n".into());
    for number in 4..4 + links {
        object(&mut bytes, format!("{number} 0 obj\n<</Length {} 0 R>>stream\nq Q\nendstream\nendobj\n", number + 1));
    }
    object(&mut bytes, format!("{} 0 obj\n3\nendobj\n", 4 + links));
    let start = bytes.len();
    bytes.extend(format!("xref\n0 {}\n0000000000 65535 f \n", offsets.len() + 1).bytes());
    offsets.iter().for_each(|offset| bytes.extend(format!("{offset:010} 00000 n \n").bytes()));
    bytes.extend(format!("trailer\n<</Size {}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF\n", offsets.len() + 1).bytes());
    bytes
}

fn contract() -> Vec<u8> {
    fixtures::contract(&["A"])
}

#[test]
fn what_wants_more_than_there_is_ends_in_a_limit() {
    for (name, document) in [("forms", forms_in_forms()), ("pattern", a_pattern_without_end()), ("clips", a_page_of_clips())] {
        let mut worker = Process::start(&options()).expect("a worker");
        let outcome = compare(&mut worker, &document);
        assert!(matches!(outcome, Err(Error::Exceeded(_))), "{name}: {outcome:?}");
        assert!(worker.is_worn(), "{name}");
    }
}

#[test]
fn a_page_that_is_drawn_for_its_picture_has_the_same_limits() {
    let mut worker = Process::start(&options()).expect("a worker");
    let drawn = worker.draw(&forms_in_forms(), 0, || false);
    assert!(matches!(drawn, Err(Error::Exceeded(_))), "{drawn:?}");
    let mut worker = Process::start(&options()).expect("a worker");
    let picture = worker.draw(&contract(), 0, || false).expect("a reply").expect("a picture");
    assert!(picture.png.starts_with(b"\x89PNG") && picture.pages == 1);
    assert_eq!(worker.draw(&contract(), 7, || false).expect("a reply"), Err(Undrawn::NoSuchPage { pages: 1 }));
}

#[test]
fn what_is_made_of_itself_ends() {
    for (name, document) in [
        ("function", a_function_of_itself()),
        ("colour", a_colour_of_itself()),
        ("mask", a_mask_of_itself()),
        ("lengths", a_chain_of_lengths(20_000)),
        ("image", an_image_without_end()),
    ] {
        let mut worker = Process::start(&options()).expect("a worker");
        match compare(&mut worker, &document) {
            Ok(comparison) => assert_eq!((comparison.pages, comparison.differing), (1, Vec::new()), "{name}"),
            Err(error) => assert!(matches!(error, Error::Exceeded(_)), "{name}: {error:?}"),
        }
    }
}

#[test]
fn a_worker_serves_while_another_one_is_at_its_limit() {
    std::thread::scope(|scope| {
        let poisoned = scope.spawn(|| {
            let mut worker = Process::start(&options()).expect("a worker");
            compare(&mut worker, &a_pattern_without_end())
        });
        let mut worker = Process::start(&options()).expect("a worker");
        let mut served = 0;
        while !poisoned.is_finished() {
            assert!(compare(&mut worker, &contract()).expect("it is compared").differing.is_empty());
            served += 1;
        }
        assert!(served > 0);
        assert!(matches!(poisoned.join().expect("no panic"), Err(Error::Exceeded(Limit::Processor(1)))));
    });
}

#[test]
fn memory_is_bounded_by_what_the_worker_was_given() {
    let mut worker = Process::start(&Options { memory: 128 << 20, ..options() }).expect("a worker");
    let large = page("", |document| {
        let noise = Stream::new(dictionary! {}, vec![0; 160 << 20]);
        document.add_object(noise);
        Dictionary::new()
    });
    assert!(matches!(compare(&mut worker, &large), Err(Error::Exceeded(Limit::Memory(_)))));
    let mut worker = Process::start(&Options { memory: 128 << 20, ..options() }).expect("a worker");
    assert!(compare(&mut worker, &contract()).is_ok(), "an ordinary document needs little");
}

#[test]
fn a_job_that_is_cut_off_ends_at_once_and_its_worker_with_it() {
    let mut worker = Process::start(&Options { seconds: 60, ..options() }).expect("a worker");
    let id = worker.id();
    let (document, began) = (a_pattern_without_end(), Instant::now());
    let cut_off = || began.elapsed() > Duration::from_millis(200);
    let outcome = worker.compare(&document, &document, &[], &Limits::default(), cut_off);
    assert!(matches!(outcome, Err(Error::CutOff)), "{outcome:?}");
    drop(worker);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert!(!PathBuf::from(format!("/proc/{id}")).exists());
}

#[test]
fn a_job_has_an_end_whatever_its_worker_does() {
    let patience = Duration::from_millis(300);
    let mut worker = Process::start(&Options { seconds: 60, patience, ..options() }).expect("a worker");
    assert!(matches!(compare(&mut worker, &a_pattern_without_end()), Err(Error::Exceeded(Limit::Time(_)))));
    // One that never reads: what is sent to it does not fit a pipe.
    let deaf = Options { program: "/usr/bin/yes".into(), patience, ..options() };
    let mut worker = Process::start(&deaf).expect("it starts");
    let large = page(&" ".repeat(1 << 20), |_| Dictionary::new());
    assert!(matches!(compare(&mut worker, &large), Err(Error::Died(_) | Error::Exceeded(Limit::Time(_)))));
}

#[test]
fn a_program_that_is_no_worker_is_told() {
    let nothing = Options { program: "/nowhere/worker".into(), ..options() };
    assert!(matches!(Process::start(&nothing), Err(Error::Start { .. })));
    let mut other = Process::start(&Options { program: "/bin/false".into(), ..options() }).expect("it starts");
    assert!(matches!(compare(&mut other, &contract()), Err(Error::Died(_))));
    assert!(other.is_worn());
}

#[test]
fn a_worker_is_worn_after_200_jobs() {
    let mut worker = Process::start(&options()).expect("a worker");
    let page = page("", |_| Dictionary::new());
    for _ in 0..200 {
        assert!(!worker.is_worn());
        assert_eq!(compare(&mut worker, &page).expect("it is compared").compared_pages, 1);
    }
    assert!(worker.is_worn());
}

#[cfg(target_os = "linux")]
#[test]
fn a_worker_has_limits_and_nothing_to_reach() {
    let mut worker = Process::start(&options()).expect("a worker");
    compare(&mut worker, &contract()).expect("it is compared");
    let of_it = |file: &str| std::fs::read_to_string(format!("/proc/{}/{file}", worker.id())).expect("a file of the process");
    let limits = of_it("limits");
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
        line.split_whitespace().next().expect("a number").to_owned()
    };
    assert_eq!(limit("Max address space"), (1u64 << 30).to_string());
    assert_eq!(
        (limit("Max open files"), limit("Max file size"), limit("Max core file size")),
        ("16".into(), "0".into(), "0".into())
    );
    // One second for the job, and what was used before.
    assert!(limit("Max cpu time").parse::<u64>().expect("seconds") <= 4);
    let status = of_it("status");
    assert!(status.lines().any(|line| line.split_whitespace().eq(["NoNewPrivs:", "1"])), "{status}");
}
