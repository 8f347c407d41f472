//! How fast forms are filled: `fills [seconds] [FORM.pdf]`, on one core. Without a file it is the form of two pages and 44 fields that tests use.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use documents::fixtures;
use documents::forms::{self, Form, Options, Value};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(3), |seconds| seconds.parse())?;
    let pdf = arguments.next().map_or_else(|| Ok(fixtures::large_form()), std::fs::read)?;
    let start = Instant::now();
    let form = Arc::new(Form::read(&pdf)?);
    println!(
        "read in {:.2} ms: {} pages, {} fields, {} bytes in memory",
        start.elapsed().as_secs_f64() * 1e3,
        form.pages(),
        form.fields().len(),
        form.weight()
    );
    let known = fixtures::form_values();
    let values = form.fields().iter().filter(|field| field.kind.is_fillable()).filter_map(|field| {
        let value = known.iter().find(|(name, _)| *name == field.name).map(|(_, value)| *value);
        let other = field.options.first().map_or("Some text", |option| option.export.as_str());
        Some((field.name.as_str(), Value::Text(value.unwrap_or(other))))
    });
    let values = forms::by_name(values)?;
    for (name, parts, flatten) in [("flattened", 1, true), ("with its fields", 1, false), ("four, flattened", 4, true)] {
        let sections = vec![form.clone(); parts];
        let options = Options { flatten, ..Options::default() };
        let size = forms::fill(&sections, &values, options)?.pdf.len();
        let (start, mut fills) = (Instant::now(), 0_u32);
        while start.elapsed() < Duration::from_secs(seconds) {
            forms::fill(&sections, &values, options)?;
            fills += 1;
        }
        println!("{name}: {:.0}/s, {size} bytes", f64::from(fills) / start.elapsed().as_secs_f64());
    }
    Ok(())
}
