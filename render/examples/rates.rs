//! What comparing costs: per page, and what the process around it adds. `cargo run --release -p render --example rates [file.pdf ...]`
//!
//! Prints a table and judges nothing.

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use documents::fixtures;
use render::{
    Limits, Revisions, compare,
    worker::{self, Options, Process},
};

/// How long each figure is measured.
const WHILE: Duration = Duration::from_secs(2);

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some(worker::COMMAND) {
        return worker::run(arguments.map(Into::into));
    }
    match measure(first.into_iter().chain(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(files: impl Iterator<Item = String>) -> Result<(), Failure> {
    let mut documents = vec![
        ("a blank page".to_owned(), pages(1, false)?),
        ("the contract, 1 page".to_owned(), fixtures::contract(&["A", "B"])),
        ("the contract, 20 pages".to_owned(), pages(20, true)?),
    ];
    for file in files {
        documents.push((file.clone(), std::fs::read(file)?));
    }
    println!(
        "{:<28} {:>12} {:>12} {:>12} {:>12} {:>14}",
        "document", "in process", "in a worker", "new worker", "pages/s", "ms per page"
    );
    for (name, document) in documents {
        let pages = compare(&Revisions::of_one_file(document.clone(), document.len()), &[], &Limits::default()).compared_pages;
        let within = each(|| {
            compare(&Revisions::of_one_file(document.clone(), document.len()), &[], &Limits::default());
            Ok(())
        })?;
        let mut process = Process::start(&Options::default())?;
        let apart = each(|| {
            process.compare(&document, &document, &[], &Limits::default(), || false)?;
            if process.is_worn() {
                process = Process::start(&Options::default())?;
            }
            Ok(())
        })?;
        let anew = each(|| {
            let mut process = Process::start(&Options::default())?;
            process.compare(&document, &document, &[], &Limits::default(), || false)?;
            Ok(())
        })?;
        let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
        // Both revisions are drawn.
        let rate = 2.0 * pages as f64 / apart.as_secs_f64();
        let page = apart.as_secs_f64() * 1000.0 / pages.max(1) as f64;
        println!("{name:<28} {:>12} {:>12} {:>12} {rate:>12.0} {page:>14.2}", ms(within), ms(apart), ms(anew));
    }
    Ok(())
}

/// Mean time of the work.
fn each(mut work: impl FnMut() -> Result<(), Failure>) -> Result<Duration, Failure> {
    work()?;
    let (began, mut times) = (Instant::now(), 0);
    while began.elapsed() < WHILE {
        work()?;
        times += 1;
    }
    Ok(began.elapsed() / times)
}

/// The contract's page as many times, or blank ones.
fn pages(count: usize, has_content: bool) -> Result<Vec<u8>, Failure> {
    let mut document = lopdf::Document::load_mem(&fixtures::contract(&[]))?;
    let page = document.get_pages().into_values().next().ok_or("no page")?;
    let mut dictionary = document.get_dictionary(page)?.clone();
    let root = dictionary.get(b"Parent")?.as_reference()?;
    if !has_content {
        dictionary.remove(b"Contents");
    }
    let kids: Vec<lopdf::Object> = (0..count).map(|_| document.add_object(dictionary.clone()).into()).collect();
    let tree = document.get_dictionary_mut(root)?;
    tree.set("Count", i64::try_from(count)?);
    tree.set("Kids", kids);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes)?;
    Ok(bytes)
}
