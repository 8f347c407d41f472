//! Fills forms: `cargo run -p documents --features fixtures --example fill -- FORM.pdf [FORM2.pdf ...] VALUES.json OUT.pdf`.
//!
//! `VALUES.json` is an object of the values by the names of their fields: texts, or pictures as `{"picture": "logo.png"}`. The result is
//! flattened unless `--keep-fields` is given; `--raw` keeps the characters that mode `default` replaces. `--bench SECONDS` fills again and again
//! instead, each form read once, and prints how often in a second of processor time; each result is written whole, into memory.
//! `--sample FORM.pdf VALUES.json` writes the form that is measured, and its values. `--fonts FOLDER` is where fonts are looked for, instead of the system's folders.
//!
//! Without forms it answers jobs (see `jobs`) for the generators in `tests/outside`. Each is a JSON object:
//!
//! | job | answer beside `ok` |
//! | --- | --- |
//! | `{"do":"inspect","forms":["IN.pdf"]}` | `forms`: of each its `pages`, `weight` and `fields` |
//! | `{"do":"fill","forms":["IN.pdf"],"values":{},"out":"OUT.pdf","flatten":true,"raw":false}` | `pages`, `bytes`, `renamed`, `unknown`, `replaced` |

mod jobs;

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use documents::fixtures;
use documents::forms::{self, FieldKind, Form, FormField, Mode, Options, Picture};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::jobs::{Answer, NoResult, object, read, write};

const USAGE: &str = "usage: fill FORM.pdf [FORM2.pdf ...] VALUES.json OUT.pdf [--keep-fields] [--raw] [--fonts FOLDER] [--bench SECONDS], or: fill --sample FORM.pdf VALUES.json";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, form, values] = &arguments[..]
        && flag == "--sample"
    {
        return sample(form, values);
    }
    match Command::of(arguments.into_iter())? {
        Some(command) => jobs::on_a_server_thread(move || command.run()),
        None => jobs::on_a_server_thread(|| jobs::answer_all(answer)),
    }
}

/// What a field gets.
#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Text(String),
    /// The path of a picture.
    Picture {
        picture: String,
    },
}

/// Values as the library takes them: pictures are read.
struct Values {
    given: BTreeMap<String, Given>,
    pictures: HashMap<String, Picture>,
}

impl Values {
    fn of(given: BTreeMap<String, Given>) -> Result<Self, NoResult> {
        let mut pictures = HashMap::new();
        for value in given.values() {
            if let Given::Picture { picture } = value {
                let drawn = Picture::read(&read(picture)?).map_err(NoResult::refused("picture"))?;
                pictures.insert(picture.clone(), drawn);
            }
        }
        Ok(Self { given, pictures })
    }

    fn by_name(&self) -> HashMap<&str, forms::Value<'_>> {
        self.given.iter().filter_map(|(name, given)| Some((name.as_str(), self.value(given)?))).collect()
    }

    fn value<'a>(&'a self, given: &'a Given) -> Option<forms::Value<'a>> {
        match given {
            Given::Text(text) => Some(forms::Value::Text(text)),
            Given::Picture { picture } => self.pictures.get(picture).map(forms::Value::Picture),
        }
    }
}

/// A job as it is written.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase", deny_unknown_fields)]
enum Job {
    Inspect {
        forms: Vec<String>,
    },
    Fill {
        forms: Vec<String>,
        values: BTreeMap<String, Given>,
        out: String,
        flatten: bool,
        #[serde(default)]
        raw: bool,
    },
}

fn answer(line: &str) -> Answer {
    match serde_json::from_str(line).map_err(|error| NoResult::Failed(format!("not a job: {error}")))? {
        Job::Inspect { forms } => {
            let forms: Vec<Value> = all_read(&forms)?.iter().map(|form| described(form)).collect();
            Ok(object(json!({"ok": true, "forms": forms})))
        }
        Job::Fill { forms, values, out, flatten, raw } => {
            let forms = all_read(&forms)?;
            let values = Values::of(values)?;
            let filled = forms::fill(&forms, &values.by_name(), options(flatten, raw)).map_err(NoResult::refused("fill"))?;
            write(&out, &filled.pdf)?;
            let renamed: Vec<Value> = filled.renamed.iter().map(|field| json!([field.original, field.current])).collect();
            let replaced: Vec<Value> = filled.replaced.iter().map(|field| json!([field.field, field.characters])).collect();
            Ok(object(json!({
                "ok": true,
                "pages": filled.pages,
                "bytes": filled.pdf.len(),
                "renamed": renamed,
                "unknown": filled.unknown,
                "replaced": replaced,
            })))
        }
    }
}

fn options(flatten: bool, raw: bool) -> Options {
    Options { mode: if raw { Mode::Raw } else { Mode::Default }, flatten }
}

fn all_read(paths: &[String]) -> Result<Vec<Arc<Form>>, NoResult> {
    let form = |path: &String| Form::read(&read(path)?).map(Arc::new).map_err(NoResult::refused("read"));
    paths.iter().map(form).collect()
}

fn described(form: &Form) -> Value {
    let fields: Vec<Value> = form.fields().iter().map(described_field).collect();
    json!({"pages": form.pages(), "weight": form.weight(), "fields": fields})
}

fn described_field(field: &FormField) -> Value {
    let options: Vec<Value> = field.options.iter().map(|option| json!([option.export, option.display])).collect();
    let places: Vec<Value> = field.places.iter().map(|place| json!([place.page, place.rect])).collect();
    json!({
        "name": field.name,
        "kind": format!("{:?}", field.kind),
        "fillable": FieldKind::is_fillable(field.kind),
        "required": field.required,
        "read_only": field.read_only,
        "multiline": field.multiline,
        "multiple": field.multiple,
        "max_length": field.max_length,
        "comb": field.comb,
        "options": options,
        "font": field.font,
        "places": places,
    })
}

/// What the arguments ask for.
struct Command {
    forms: Vec<String>,
    values: String,
    out: String,
    options: Options,
    bench: Option<Duration>,
}

impl Command {
    /// Nothing where there are no paths: then jobs are answered.
    fn of(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>, Box<dyn Error>> {
        let (mut paths, mut flatten, mut raw, mut bench) = (Vec::new(), true, false, None);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--keep-fields" => flatten = false,
                "--raw" => raw = true,
                "--fonts" => documents::text::use_folders(&[arguments.next().ok_or(USAGE)?.into()]),
                "--bench" => bench = Some(Duration::try_from_secs_f64(arguments.next().ok_or(USAGE)?.parse()?)?),
                _ if argument.starts_with("--") => return Err(USAGE.into()),
                _ => paths.push(argument),
            }
        }
        let Some(out) = paths.pop() else { return Ok(None) };
        let values = paths.pop().ok_or(USAGE)?;
        if paths.is_empty() {
            return Err(USAGE.into());
        }
        Ok(Some(Self { forms: paths, values, out, options: options(flatten, raw), bench }))
    }

    fn run(&self) -> Result<(), String> {
        let said = |why: NoResult| match why {
            NoResult::Refused { step, why } => format!("{step}: {why}"),
            NoResult::Failed(why) => why,
        };
        let forms = all_read(&self.forms).map_err(said)?;
        let given = read(&self.values).map_err(said)?;
        let given = serde_json::from_slice(&given).map_err(|error| format!("{}: {error}", self.values))?;
        let values = Values::of(given).map_err(said)?;
        let values = values.by_name();
        let fill = || forms::fill(&forms, &values, self.options).map_err(|error| error.to_string());
        let filled = fill()?;
        write(&self.out, &filled.pdf).map_err(said)?;
        for field in &filled.renamed {
            println!("renamed: {} to {}", field.original, field.current);
        }
        for name in &filled.unknown {
            println!("no form has the field: {name}");
        }
        for field in &filled.replaced {
            println!("drawn as ? in {}: {:?}", field.field, field.characters);
        }
        println!("{}: {} pages, {} bytes", self.out, filled.pages, filled.pdf.len());
        let Some(time) = self.bench else { return Ok(()) };
        let (began, used) = (Instant::now(), processor_time()?);
        let mut count = 0_u32;
        while began.elapsed() < time {
            std::hint::black_box(fill()?);
            count += 1;
        }
        let (elapsed, used) = (began.elapsed().as_secs_f64(), processor_time()? - used);
        println!("{}", json!({"fills": count, "seconds": elapsed, "cpu": used, "per_core_second": f64::from(count) / used}));
        Ok(())
    }
}

/// Two pages with 44 fields, and a value for each that takes a text.
fn sample(form: &str, values: &str) -> Result<(), Box<dyn Error>> {
    std::fs::write(form, fixtures::large_form())?;
    let given: BTreeMap<_, _> = fixtures::form_values().into_iter().collect();
    std::fs::write(values, serde_json::to_vec_pretty(&given)?)?;
    Ok(())
}

/// Seconds of processor time of this process, to a hundredth (proc(5), `stat`).
fn processor_time() -> Result<f64, String> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").map_err(|error| error.to_string())?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|word| word.parse::<f64>().unwrap_or_default());
    Ok(ticks.sum::<f64>() / TICKS_PER_SECOND)
}
