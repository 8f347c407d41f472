//! `rubrica forms`: for those who make forms. `inspect` tells the fields of a PDF and what would not come out of a fill; `fill` fills it, with
//! the engine of the server and without one.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use documents::forms::{self, FieldKind, FillError, Form, FormField, Mode, Picture, Value};
use documents::inspect;
use serde_json::json;

use crate::catalogue::template_configurations::PREFIX;

/// Letters and signs of the languages of a fill besides those of English, a few at a time, so that they fit into a short field.
const LETTERS: [&str; 6] = ["ÁÉÍÓÚÑ", "áéíóúñ", "ÀÈÒÏÜÇ", "àèòïüç", "ÄÖẞäöß", "€·–ªº¿"];

/// Choices of a field that are listed.
const MAX_OPTIONS: usize = 20;

/// Fields that are named where many have the same.
const MAX_NAMES: usize = 5;

/// Fields of a form that cannot be filled: more are not looked for.
const MAX_REFUSED: usize = 100;

/// What to do with a form.
#[derive(Subcommand)]
pub enum Command {
    /// List the fields of a PDF, and say what would not come out of a fill as its author expects.
    ///
    /// Exit status 0 if nothing stands against filling it, 1 if something does (problem), 2 if the file cannot be read.
    Inspect(InspectOptions),
    /// Fill a PDF with the values of a JSON file, as the server would, without a server.
    ///
    /// Exit status 0 if it was filled, also if values were ignored, which is told; 2 if not.
    Fill(FillOptions),
}

/// What to inspect.
#[derive(Args)]
pub struct InspectOptions {
    /// The PDF.
    file: PathBuf,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// What to fill with what.
#[derive(Args)]
pub struct FillOptions {
    /// The PDF.
    file: PathBuf,
    /// The values: an object of names and texts, or the body of a fill over HTTP.
    values: PathBuf,
    /// Where the result goes.
    #[arg(short, long)]
    output: PathBuf,
    /// A picture for a field, as NAME=FILE; may be repeated.
    #[arg(long = "picture")]
    pictures: Vec<String>,
    /// Keep the fields, so that they can be filled on.
    #[arg(long)]
    keep_fields: bool,
    /// Let tabs and line ends pass, as the fill mode `raw` does.
    #[arg(long)]
    raw: bool,
}

/// Runs a command.
///
/// # Errors
/// What cannot be read, filled or written.
pub fn run(command: &Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Inspect(options) => inspect(options),
        Command::Fill(options) => fill(options).map(|()| ExitCode::SUCCESS),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn inspect(options: &InspectOptions) -> Result<ExitCode, Box<dyn Error>> {
    let bytes = read(&options.file)?;
    let report = Report::of(&bytes);
    let mut out = std::io::stdout().lock();
    match options.json {
        true => writeln!(out, "{}", serde_json::to_string_pretty(&report.json())?)?,
        false => write!(out, "{}: {}", options.file.display(), report.text())?,
    }
    Ok(if report.findings.iter().any(|finding| finding.is_problem) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Something that an author should know.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Whether it stands against a fill.
    is_problem: bool,
    text: String,
}

/// What is told of a form.
#[derive(Debug, Default)]
struct Report {
    pages: usize,
    fields: Vec<FormField>,
    findings: Vec<Finding>,
}

impl Report {
    fn of(pdf: &[u8]) -> Self {
        let mut report = Self::default();
        match Form::read(pdf) {
            Ok(form) => {
                report.pages = form.pages();
                report.fields = form.fields().to_vec();
                report.look_at_fields();
                report.look_at_fonts(&form);
                report.try_out(Arc::new(form));
            }
            Err(error) => report.problem(error.with_advice()),
        }
        if let Ok(facts) = inspect::inspect(pdf) {
            report.look_at(&facts);
        }
        report
    }

    fn problem(&mut self, text: impl Into<String>) {
        self.findings.push(Finding { is_problem: true, text: text.into() });
    }

    fn note(&mut self, text: impl Into<String>) {
        self.findings.push(Finding { is_problem: false, text: text.into() });
    }

    fn look_at(&mut self, facts: &inspect::Facts) {
        let active = facts.active_content;
        if active.xfa {
            self.note("it is described by XFA as well, which is left out of a fill: fields that only XFA has are lost");
        }
        if active.javascript > 0 {
            let count = active.javascript;
            self.note(format!("it has {count} scripts, which do not run: nothing is calculated, checked or formatted by them"));
        }
        if active.embedded_files > 0 || active.multimedia > 0 || active.launch_actions > 0 {
            self.note("it holds files, sound or video, or starts programs; signers and archives may refuse that");
        }
    }

    fn look_at_fields(&mut self) {
        if self.fields.is_empty() {
            self.note("it has no fields: a fill prints it as it is");
        }
        let mut notes = Vec::new();
        for field in &self.fields {
            let name = &field.name;
            if name.is_empty() {
                notes.push("a field has no name, so no value reaches it".to_owned());
            } else if field.places.is_empty() {
                notes.push(format!("{name}: it is on no page, so its value is not seen"));
            }
            if field.has_period {
                notes.push(format!(
                    "{name}: a period is part of a name, which PDF forbids; other programs take it for fields below each other: rename it"
                ));
            }
            if name.starts_with(PREFIX) {
                notes.push(format!(
                    "{name}: in templates it takes the value of the organization's configuration unless the call has one"
                ));
            }
            if field.kind.is_fillable()
                && matches!(field.kind, FieldKind::ComboBox | FieldKind::ListBox)
                && field.options.is_empty()
            {
                notes.push(format!("{name}: it has no choices"));
            }
        }
        notes.into_iter().for_each(|text| self.note(text));
    }

    /// Tells which letters would be shown in another font than the field's own.
    fn look_at_fonts(&mut self, form: &Form) {
        let letters = LETTERS.concat();
        let mut lacking: BTreeMap<(&str, String), Vec<&str>> = BTreeMap::new();
        let texts = |field: &&FormField| matches!(field.kind, FieldKind::Text | FieldKind::ComboBox | FieldKind::ListBox);
        for field in self.fields.iter().filter(texts) {
            let lacks = form.lacks(&field.name, &letters);
            if let Some(font) = field.font.as_deref().filter(|_| !lacks.is_empty()) {
                lacking.entry((font, lacks)).or_default().push(&field.name);
            }
        }
        let told = lacking.into_iter().map(|((font, lacks), names)| {
            let more = names.len().saturating_sub(MAX_NAMES);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = names.into_iter().take(MAX_NAMES).collect::<Vec<_>>().join(", ");
            let lacks = if lacks == letters { "no letter for certain".to_owned() } else { format!("no {lacks}") };
            format!("{names}{more}: the font {font} has {lacks}; a value with what it lacks is shown in another font")
        });
        let told: Vec<String> = told.collect();
        told.into_iter().for_each(|text| self.note(text));
    }

    /// Fills the form with letters of all languages, to find what refuses them.
    fn try_out(&mut self, form: Arc<Form>) {
        let names: BTreeSet<String> =
            self.fields.iter().filter(|field| field.kind == FieldKind::Text).map(|field| field.name.clone()).collect();
        let limits: HashMap<&str, usize> =
            self.fields.iter().filter_map(|field| Some((field.name.as_str(), field.max_length?))).collect();
        let (mut refused, mut unprinted): (BTreeMap<String, String>, BTreeMap<String, BTreeSet<char>>) = Default::default();
        'letters: for letters in LETTERS {
            let texts: HashMap<&str, String> = names
                .iter()
                .map(|name| {
                    let limit = limits.get(name.as_str()).copied().unwrap_or(usize::MAX);
                    (name.as_str(), letters.chars().take(limit).collect())
                })
                .collect();
            loop {
                let values: HashMap<&str, Value<'_>> = texts
                    .iter()
                    .filter(|(name, _)| !refused.contains_key(**name))
                    .map(|(name, text)| (*name, Value::Text(text)))
                    .collect();
                match forms::fill(std::slice::from_ref(&form), &values, forms::Options { mode: Mode::Default, flatten: true }) {
                    Ok(filled) => {
                        for replaced in filled.replaced {
                            unprinted.entry(replaced.field).or_default().extend(replaced.characters);
                        }
                        break;
                    }
                    Err(FillError::Field { name, reason }) if names.contains(&name) && refused.len() < MAX_REFUSED => {
                        refused.insert(name, format!("does not take \"{letters}\": {reason}"));
                    }
                    Err(error) => {
                        self.problem(format!("it cannot be filled: {error}"));
                        break 'letters;
                    }
                }
            }
        }
        for (name, reason) in refused {
            self.problem(format!("{name}: it {reason}"));
        }
        for (name, characters) in unprinted {
            let characters: String = characters.into_iter().collect();
            self.problem(format!("{name}: no font has {characters}, so ? is printed for them"));
        }
    }

    fn text(&self) -> String {
        let fillable = self.fields.iter().filter(|field| field.kind.is_fillable()).count();
        let mut text = format!("{} pages, {} fields, of which {fillable} take a value\n", self.pages, self.fields.len());
        let width = self.fields.iter().map(|field| field.name.chars().count()).max().unwrap_or(0).min(40);
        for field in &self.fields {
            let about = about(field).join(", ");
            // Writing to a text cannot fail.
            let _ = writeln!(text, "  {:width$}  {:12}  {about}", field.name, kind(field.kind));
        }
        for finding in &self.findings {
            let _ = writeln!(text, "{}: {}", if finding.is_problem { "problem" } else { "note" }, finding.text);
        }
        if self.findings.is_empty() {
            text.push_str("nothing stands against filling it\n");
        }
        text
    }

    fn json(&self) -> serde_json::Value {
        let fields: Vec<_> = self.fields.iter().map(described).collect();
        let texts = |is_problem| -> Vec<&str> {
            self.findings.iter().filter(|finding| finding.is_problem == is_problem).map(|finding| finding.text.as_str()).collect()
        };
        json!({"pages": self.pages, "fields": fields, "problems": texts(true), "notes": texts(false)})
    }
}

fn kind(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Text => "text",
        FieldKind::CheckBox => "check box",
        FieldKind::Radio => "radio button",
        FieldKind::ComboBox => "combo box",
        FieldKind::ListBox => "list box",
        FieldKind::PushButton => "push button",
        FieldKind::Signature => "signature",
    }
}

/// Pages from 1, as people count them.
fn pages(field: &FormField) -> Vec<usize> {
    let pages: BTreeSet<usize> = field.places.iter().map(|place| place.page + 1).collect();
    pages.into_iter().collect()
}

fn about(field: &FormField) -> Vec<String> {
    let mut about = vec![match pages(field).as_slice() {
        [] => "on no page".to_owned(),
        [one] => format!("page {one}"),
        many => format!("pages {}", many.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
    }];
    if field.places.len() > 1 {
        about.push(format!("{} places", field.places.len()));
    }
    about.extend(field.max_length.map(|max| format!("at most {max} characters")));
    let flags = [
        (field.comb, "comb"),
        (field.multiline, "several lines"),
        (field.multiple, "several choices"),
        (field.required, "required"),
        (field.read_only, "read-only in viewers"),
    ];
    about.extend(flags.into_iter().filter(|(is_set, _)| *is_set).map(|(_, text)| text.to_owned()));
    about.extend(field.font.iter().map(|font| format!("font {font}")));
    if !field.options.is_empty() {
        let more = if field.options.len() > MAX_OPTIONS { " ..." } else { "" };
        let options: Vec<String> = field
            .options
            .iter()
            .take(MAX_OPTIONS)
            .map(|option| match option.export == option.display {
                true => option.export.clone(),
                false => format!("{} ({})", option.export, option.display),
            })
            .collect();
        about.push(format!("values: {}{more}", options.join(" | ")));
    }
    about
}

fn described(field: &FormField) -> serde_json::Value {
    let options: Vec<_> = field.options.iter().map(|option| json!({"value": option.export, "shown": option.display})).collect();
    let places: Vec<_> = field.places.iter().map(|place| json!({"page": place.page + 1, "rect": place.rect})).collect();
    json!({
        "name": field.name, "kind": kind(field.kind), "places": places, "maxLength": field.max_length, "comb": field.comb,
        "multiline": field.multiline, "multiple": field.multiple, "required": field.required, "readOnly": field.read_only,
        "font": field.font, "options": options,
    })
}

fn fill(options: &FillOptions) -> Result<(), Box<dyn Error>> {
    let named = |path: &Path, error: String| format!("{}: {error}", path.display());
    let form = Form::read(&read(&options.file)?).map_err(|error| named(&options.file, error.with_advice()))?;
    let texts = values(&read(&options.values)?).map_err(|error| named(&options.values, error))?;
    let mut pictures: Vec<(&str, Picture)> = Vec::new();
    for picture in &options.pictures {
        let (name, file) = picture.split_once('=').ok_or_else(|| format!("--picture {picture}: expected NAME=FILE"))?;
        let file = Path::new(file);
        let read = Picture::read(&read(file)?).map_err(|error| named(file, error.to_string()))?;
        pictures.push((name, read));
    }
    let texts = texts.iter().map(|(name, text)| (name.as_str(), Value::Text(text)));
    let all = forms::by_name(texts.chain(pictures.iter().map(|(name, picture)| (*name, Value::Picture(picture)))))?;
    let mode = if options.raw { Mode::Raw } else { Mode::Default };
    let filled = forms::fill(&[Arc::new(form)], &all, forms::Options { mode, flatten: !options.keep_fields })?;
    std::fs::write(&options.output, &filled.pdf).map_err(|error| named(&options.output, error.to_string()))?;
    for name in &filled.unknown {
        eprintln!("ignored: the form has no field {name}");
    }
    for replaced in &filled.replaced {
        let characters: String = replaced.characters.iter().collect();
        eprintln!("{}: no font has {characters}, so ? is printed for them", replaced.field);
    }
    println!("{}: {} pages, {} bytes", options.output.display(), filled.pages, filled.pdf.len());
    Ok(())
}

/// Names and texts: an object of them, or the body of a fill over HTTP.
fn values(json: &[u8]) -> Result<Vec<(String, String)>, String> {
    let json: serde_json::Value = serde_json::from_slice(json).map_err(|error| format!("not valid JSON: {error}"))?;
    let text = |name: &str, value: &serde_json::Value| match value.as_str() {
        Some(text) => Ok((name.to_owned(), text.to_owned())),
        None => Err(format!("{name}: expected a text")),
    };
    if let Some(list) = json.get("fieldsValues").and_then(serde_json::Value::as_array) {
        let pair = |entry: &serde_json::Value| match (entry["name"].as_str(), entry.get("value")) {
            (Some(name), Some(value)) => text(name, value),
            _ => Err("fieldsValues: expected objects with name and value".to_owned()),
        };
        return list.iter().map(pair).collect();
    }
    let object = json.as_object().ok_or("expected an object of names and texts, or one with fieldsValues")?;
    object.iter().map(|(name, value)| text(name, value)).collect()
}

#[cfg(test)]
mod tests {
    use documents::fixtures::{self, Kind};

    use super::*;

    fn form() -> Vec<u8> {
        fixtures::form(&[
            ("NAME", Kind::Text),
            ("ZIP", Kind::Short(5)),
            ("CITY", Kind::Combo(&[("V", "Vigo"), ("L", "Lugo")])),
            ("AGREED", Kind::CheckBox),
            ("NAME", Kind::Text),
            ("CONFIG_TENANT.MOTTO", Kind::Text),
            ("SIGN", Kind::Signature),
        ])
    }

    #[test]
    fn a_good_form_is_listed_with_what_its_fields_take() {
        let report = Report::of(&form());
        assert!(!report.findings.iter().any(|finding| finding.is_problem), "{:?}", report.findings);
        let text = report.text();
        assert!(text.starts_with("1 pages, 6 fields, of which 5 take a value\n"), "{text}");
        for line in ["at most 5 characters", "values: V (Vigo) | L (Lugo)", "signature", "page 1", "font Helvetica"] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(text.contains("2 places") && text.contains("note: CONFIG_TENANT.MOTTO: in templates"), "{text}");
        let json = report.json();
        assert_eq!((json["pages"].as_u64(), json["fields"][1]["maxLength"].as_u64()), (Some(1), Some(5)));
        assert_eq!(json["fields"][2]["options"][1]["value"], "L");
        assert_eq!(json["problems"], json!([]));
    }

    #[test]
    fn what_stands_against_a_fill_is_a_problem() {
        let told = |pdf: &[u8]| {
            let report = Report::of(pdf);
            report.findings.into_iter().filter(|finding| finding.is_problem).map(|finding| finding.text).collect::<Vec<_>>()
        };
        assert_eq!(told(b"no PDF").len(), 1);
        let closed = told(&fixtures::encrypted("user", lopdf::Permissions::all()));
        assert!(closed[0].contains("password"), "{closed:?}");
    }

    #[test]
    fn a_file_that_the_empty_password_opens_is_inspected() {
        for permissions in [lopdf::Permissions::all(), lopdf::Permissions::PRINTABLE] {
            let report = Report::of(&fixtures::encrypted("", permissions));
            assert!(!report.findings.iter().any(|finding| finding.is_problem), "{:?}", report.findings);
            assert_eq!(report.pages, 1);
        }
    }

    #[test]
    fn letters_that_a_font_lacks_are_noted_once_for_all_its_fields() {
        let names: Vec<String> = (1..=8).map(|n| format!("LINE_{n}")).collect();
        let fields: Vec<_> = names.iter().map(|name| (name.as_str(), Kind::Text)).collect();
        let report = Report::of(&fixtures::form(&fields));
        let expected = "LINE_1, LINE_2, LINE_3, LINE_4, LINE_5 and 3 more: the font Helvetica has no ẞ; a value with what it lacks is shown in \
                        another font";
        let notes: Vec<&str> = report.findings.iter().filter(|note| !note.is_problem).map(|note| note.text.as_str()).collect();
        assert_eq!(notes, [expected]);
    }

    #[test]
    fn a_period_in_a_name_is_noted_and_one_between_names_is_not() {
        let told =
            |pdf: &[u8]| Report::of(pdf).findings.iter().filter(|finding| finding.text.contains("a period is part")).count();
        let nested = fixtures::form(&[("PERSON.NAME", Kind::Text)]);
        assert_eq!(told(&nested), 0);
        let mut document = lopdf::Document::load_mem(&nested).unwrap();
        for object in document.objects.values_mut() {
            if let Ok(field) = object.as_dict_mut()
                && field.get(b"T").is_ok_and(|name| name.as_str().is_ok_and(|name| name == b"NAME"))
            {
                field.set("T", lopdf::Object::string_literal("FIRST.NAME"));
            }
        }
        let mut dotted = Vec::new();
        document.save_to(&mut dotted).unwrap();
        assert_eq!(told(&dotted), 1);
    }

    #[test]
    fn scripts_and_xfa_are_noted() {
        let report = Report::of(&fixtures::active());
        let notes: Vec<&str> = report.findings.iter().map(|finding| finding.text.as_str()).collect();
        assert!(notes.iter().any(|note| note.contains("XFA")) && notes.iter().any(|note| note.contains("scripts")), "{notes:?}");
    }

    #[test]
    fn values_are_an_object_or_the_body_of_a_fill() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(values(br#"{"A":"1","B":""}"#), Ok(vec![pair("A", "1"), pair("B", "")]));
        let body = br#"{"language":"ES","fieldsValues":[{"name":"A","value":"1"}]}"#;
        assert_eq!(values(body), Ok(vec![pair("A", "1")]));
        assert_eq!(values(br#"{"A":1}"#), Err("A: expected a text".into()));
        assert!(values(b"[]").is_err() && values(b"{").is_err() && values(br#"{"fieldsValues":[{}]}"#).is_err());
    }

    #[test]
    fn a_form_is_filled_into_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("form.pdf"), form()).unwrap();
        std::fs::write(path("values.json"), r#"{"NAME":"Begoña Núñez","AGREED":"true","UNKNOWN":"x"}"#).unwrap();
        let options = |values: &str| FillOptions {
            file: path("form.pdf"),
            values: path(values),
            output: path("out.pdf"),
            pictures: Vec::new(),
            keep_fields: true,
            raw: false,
        };
        fill(&options("values.json")).unwrap();
        let filled = Form::read(&std::fs::read(path("out.pdf")).unwrap()).unwrap();
        assert_eq!((filled.pages(), filled.fields().len()), (1, 6));

        std::fs::write(path("long.json"), r#"{"ZIP":"1234567"}"#).unwrap();
        let refused = fill(&options("long.json")).unwrap_err().to_string();
        assert!(refused.contains("ZIP") && !refused.contains("1234567"), "{refused}");
        assert!(fill(&FillOptions { pictures: vec!["SIGN".into()], ..options("values.json") }).is_err());
    }
}
