//! What showing pages costs: milliseconds and bytes of each page, as an image of each width and as text.
//! `cargo run --release -p render --example view [file.pdf ...] [--write folder]`
//!
//! Prints a table and judges nothing; `--write` leaves the images for a look at them. In this very process: for files that are trusted.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use documents::fixtures;
use render::{MediaType, Width, draw_page, read_pages};

/// Pages of a document that are measured.
const MAX_PAGES: usize = 25;

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<(), Failure> {
    let mut documents = vec![
        ("the contract".to_owned(), fixtures::contract(&["A", "B"])),
        ("the contract, turned".to_owned(), fixtures::rotated(&["A"], 90)),
    ];
    let (mut folder, mut arguments) = (None, std::env::args().skip(1));
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--write" => folder = arguments.next().map(PathBuf::from),
            file => documents.push((file.to_owned(), std::fs::read(file)?)),
        }
    }
    println!("{:<40} {:>5} {:>20} {:>20} {:>20} {:>24}", "document", "page", "800", "1200", "2400", "text");
    for (number, (name, document)) in documents.iter().enumerate() {
        let pages = read_pages(document.clone(), 0, 1, false).map_err(|undrawn| undrawn.to_string())?.total;
        for page in 0..pages.min(MAX_PAGES) {
            let mut cells = Vec::new();
            for width in Width::ALL {
                let began = Instant::now();
                let image = draw_page(document.clone(), page, width).map_err(|undrawn| undrawn.to_string())?;
                let time = began.elapsed().as_secs_f64() * 1000.0;
                let (kind, whole) =
                    (if image.media_type == MediaType::Png { "png" } else { "jpg" }, if image.is_incomplete { "!" } else { "" });
                cells.push(format!("{time:.1} ms {:.1} KB {kind}{whole}", image.bytes.len() as f64 / 1024.0));
                if let Some(folder) = &folder {
                    write(folder, &format!("{number}-{page}-{}.{kind}", width.pixels()), &image.bytes)?;
                }
            }
            let began = Instant::now();
            let read = read_pages(document.clone(), page, 1, true).map_err(|undrawn| undrawn.to_string())?;
            let time = began.elapsed().as_secs_f64() * 1000.0;
            let runs = read.pages.iter().map(|page| page.text.len()).sum::<usize>();
            cells.push(format!("{time:.1} ms {:.1} KB {runs} runs", serde_json::to_vec(&read)?.len() as f64 / 1024.0));
            let short: String = Path::new(name)
                .file_name()
                .map_or(name.as_str().into(), |name| name.to_string_lossy())
                .chars()
                .take(40)
                .collect();
            println!("{short:<40} {page:>5} {:>20} {:>20} {:>20} {:>24}", cells[0], cells[1], cells[2], cells[3]);
        }
    }
    Ok(())
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)?;
    Ok(std::fs::write(folder.join(name), bytes)?)
}
