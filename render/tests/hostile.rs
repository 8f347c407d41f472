//! Documents that want more than there is for one: each ends in a limit of its worker, and the next worker serves the others.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use documents::fixtures;
use lopdf::{Dictionary, Document, Object, Stream, dictionary};
use render::{
    Comparison, Limits,
    worker::{Error, Limit, Options, Process},
};

fn options() -> Options {
    Options {
        program: PathBuf::from(env!("CARGO_BIN_EXE_render-worker")),
        is_alone: true,
        memory: 1 << 30,
        seconds: 1,
        patience: Duration::from_secs(30),
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

/// An image of 60,000 by 60,000 pixels, packed into megabytes of nothing.
fn an_image_without_end() -> Vec<u8> {
    page("500 0 0 500 0 0 cm /I Do", |document| {
        let image = dictionary! {
            "Type" => "XObject", "Subtype" => "Image", "Width" => 60_000, "Height" => 60_000, "BitsPerComponent" => 8,
            "ColorSpace" => "DeviceRGB",
        };
        // A gigabyte and a half of it.
        let mut image = Stream::new(image, vec![0; 64 << 20]);
        image.compress().expect("it is packed");
        for _ in 0..2 {
            let packed = image.content.clone();
            image.content = packed;
        }
        let image = document.add_object(image);
        dictionary! { "XObject" => dictionary! { "I" => image } }
    })
}

/// Saves, clips and groups by the million.
fn a_page_of_clips() -> Vec<u8> {
    page(&"q 0 0 500 500 re 10 10 400 400 re W* n ".repeat(400_000), |_| Dictionary::new())
}

#[test]
fn probe() {
    for (name, document) in [
        ("forms", forms_in_forms()),
        ("pattern", a_pattern_without_end()),
        ("image", an_image_without_end()),
        ("clips", a_page_of_clips()),
    ] {
        let mut worker = Process::start(&options()).expect("a worker");
        let began = Instant::now();
        let outcome = compare(&mut worker, &document);
        println!("{name} {} bytes: {outcome:?} after {:?}", document.len(), began.elapsed());
    }
}
