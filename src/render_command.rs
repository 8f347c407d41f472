//! `rubrica render`: for those who write HTML templates. Checks a template as its upload would and makes a PDF of it, with the engine of the
//! server, in a process with the server's limits, and without a server.

use std::{
    error::Error,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use chrono::Utc;
use clap::{Args, ValueEnum, builder::PossibleValuesParser};
use html::{Engine, Failure, Job, Kind, Problem, Profile, Source, Target};
use render::worker::{self, Process, Purpose};
use serde_json::{Value, json};

use crate::catalogue::dynamic_templates::Schema;

/// Characters of a line of a template that are shown around a problem.
const SHOWN: usize = 100;

/// Languages of helpers, as the contract names them.
const LANGUAGES: [&str; 6] = ["ES", "EN", "EU", "GL", "CA", "DE"];

/// What to render with what.
#[derive(Args)]
pub struct Options {
    /// The template: Handlebars in HTML.
    template: PathBuf,
    /// The data: a file with a JSON object.
    data: PathBuf,
    /// Where the PDF goes.
    #[arg(short, long)]
    output: PathBuf,
    /// The JSON schema of the data. With it template and data are checked as the server would, and optional members that the data leave out are empty.
    #[arg(long)]
    schema: Option<PathBuf>,
    /// Language in which dates, numbers and amounts are written.
    #[arg(long, default_value = "ES", ignore_case = true, value_parser = PossibleValuesParser::new(LANGUAGES))]
    language: String,
    /// The program that lays out the pages; a source's `engine_version` chooses it on the server.
    #[arg(long, value_enum, default_value = "fulgur")]
    engine: EngineName,
    /// Rules that the PDF keeps beyond those of every PDF.
    #[arg(long, value_enum, default_value = "plain")]
    profile: ProfileName,
    /// Title that the PDF names. Default: the name of the template's file.
    #[arg(long)]
    title: Option<String>,
    /// A folder with fonts beside the program's own, as `render.html_fonts` of a server; may be repeated.
    #[arg(long = "fonts")]
    fonts: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum EngineName {
    Fulgur,
    Ironpress,
}

#[derive(Clone, Copy, ValueEnum)]
enum ProfileName {
    /// None.
    Plain,
    /// PDF/UA-1: tagged, for screen readers.
    PdfUa,
    /// PDF/A-3: for archives.
    PdfA,
}

impl Options {
    fn target(&self) -> Target {
        let engine = match self.engine {
            EngineName::Fulgur => Engine::Fulgur,
            EngineName::Ironpress => Engine::Ironpress,
        };
        let profile = match self.profile {
            ProfileName::Plain => Profile::Plain,
            ProfileName::PdfUa => Profile::PdfUa1,
            ProfileName::PdfA => Profile::PdfA3,
        };
        Target { engine, profile }
    }
}

/// Runs the command. Exit status 1 if the template, its schema or the data are wrong, which is told with line and column.
///
/// # Errors
/// What cannot be read or written, and a worker that does not start: exit status 2.
pub fn run(options: &Options) -> Result<ExitCode, Box<dyn Error>> {
    let began = Instant::now();
    let template = read(&options.template)?;
    let parsed = parsed(&options.data).and_then(|data| Ok((data, options.schema.as_deref().map(self::parsed).transpose()?)));
    let (data, schema) = match parsed {
        Ok(parsed) => parsed,
        Err(Unread::Json(text)) => return Ok(told(&text, 1)),
        Err(Unread::File(text)) => return Err(text.into()),
    };
    let schema_of_data = match (&options.schema, &schema) {
        (Some(path), Some(structure)) => match Schema::read(structure) {
            Ok(schema) => Some(schema),
            Err(problems) => return Ok(told(&listed(path, &problems), problems.len())),
        },
        _ => None,
    };
    let source = Source {
        template,
        structure: schema.unwrap_or_else(|| json!({ "type": "object" })),
        language: options.language.clone(),
        target: options.target(),
    };
    let process = worker::Options { purpose: Purpose::Templates { fonts: options.fonts.clone() }, ..worker::Options::default() };
    let mut worker = Process::start(&process)?;
    let shown = Shown::new(&options.template, &options.data, &source.template);
    if let Some(schema) = &schema_of_data {
        if let Err(problems) = worker.check_html(&source, || false)? {
            let text: String = problems.iter().map(|problem| shown.of_template(problem)).collect();
            return Ok(told(&text, problems.len()));
        }
        if let Err(problems) = schema.check(&data) {
            return Ok(told(&listed(&options.data, &problems), problems.len()));
        }
    }
    let title = options.title.clone().unwrap_or_else(|| name(&options.template));
    let job = Job { source, data, title, created: Utc::now().timestamp() };
    match worker.render_html(&job, || false)? {
        Err(failure) => Ok(told(&shown.failure(&failure), 1)),
        Ok(pdf) => {
            std::fs::write(&options.output, &pdf.bytes).map_err(|error| format!("{}: {error}", options.output.display()))?;
            let pages = if pdf.pages == 1 { "1 page".to_owned() } else { format!("{} pages", pdf.pages) };
            println!("{}: {pages}, {} bytes, {:.2} s", options.output.display(), pdf.bytes.len(), began.elapsed().as_secs_f64());
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Prints problems.
fn told(text: &str, count: usize) -> ExitCode {
    eprint!("{text}");
    let problems = if count == 1 { "1 problem".to_owned() } else { format!("{count} problems") };
    eprintln!("nothing was made: {problems}");
    ExitCode::FAILURE
}

/// Problems of a file, which have their paths within it.
fn listed(file: &Path, problems: &[String]) -> String {
    problems.iter().map(|problem| format!("{}: {problem}\n", file.display())).collect()
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Why a JSON file has no value.
enum Unread {
    /// It cannot be read.
    File(String),
    /// It is no JSON object.
    Json(String),
}

fn parsed(path: &Path) -> Result<Value, Unread> {
    let bytes = read(path).map_err(Unread::File)?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|error| {
        let message = error.to_string();
        // The place stands in front, as in all other lines.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        Unread::Json(format!("{}:{}:{}: {message}\n", path.display(), error.line(), error.column()))
    })?;
    match value {
        Value::Object(_) => Ok(value),
        _ => Err(Unread::Json(format!("{}:1:1: expected a JSON object, from {{ to }}\n", path.display()))),
    }
}

/// How problems are shown: `FILE:LINE:COLUMN: message`, which editors can jump to, and the line with a mark below.
struct Shown<'a> {
    template: &'a Path,
    data: &'a Path,
    text: String,
}

impl<'a> Shown<'a> {
    fn new(template: &'a Path, data: &'a Path, text: &[u8]) -> Self {
        Self { template, data, text: String::from_utf8_lossy(text).into_owned() }
    }

    fn failure(&self, failure: &Failure) -> String {
        match failure.kind {
            // What the data lack has a place in the template, which asks for it.
            Kind::Data | Kind::Glyphs if failure.problem.line.is_none() => {
                format!("{}: {}\n", self.data.display(), failure.problem.message)
            }
            _ => self.of_template(&failure.problem),
        }
    }

    fn of_template(&self, problem: &Problem) -> String {
        let mut shown = self.template.display().to_string();
        if let Some(line) = problem.line {
            let _ = write!(shown, ":{line}");
        }
        if let (Some(_), Some(column)) = (problem.line, problem.column) {
            let _ = write!(shown, ":{column}");
        }
        let _ = writeln!(shown, ": {}", problem.message);
        let line = problem.line.and_then(|line| self.text.lines().nth(line.checked_sub(1)?));
        if let (Some(line), Some(column)) = (line, problem.column) {
            shown.push_str(&marked(line, column));
        }
        shown
    }
}

/// The part of a line around a column, counted from 1, and a mark below it.
fn marked(line: &str, column: usize) -> String {
    let before = column.saturating_sub(1);
    let start = before.saturating_sub(SHOWN / 2);
    // A tab is as wide as its mark.
    let visible = |character: char| if character.is_control() { ' ' } else { character };
    let part: String = line.chars().skip(start).take(SHOWN).map(visible).collect();
    format!("  {}\n  {}^\n", part.trim_end(), " ".repeat(before - start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Shown<'static> {
        Shown::new(Path::new("a.hbs"), Path::new("a.json"), text.as_bytes())
    }

    fn problem(line: Option<usize>, column: Option<usize>) -> Problem {
        Problem { line, column, message: "Template variable 'name' missing in payload.".into() }
    }

    #[test]
    fn a_problem_is_shown_with_its_place_and_its_line() {
        let expected = "a.hbs:2:4: Template variable 'name' missing in payload.\n  \u{20}<b>{{name}}\n     ^\n";
        assert_eq!(shown("<p>\n\t<b>{{name}}\r\n</p>").of_template(&problem(Some(2), Some(4))), expected);
    }

    #[test]
    fn a_place_that_is_not_known_is_left_out() {
        assert_eq!(shown("").of_template(&problem(None, None)), "a.hbs: Template variable 'name' missing in payload.\n");
        assert_eq!(
            shown("x").of_template(&problem(Some(9), Some(1))),
            "a.hbs:9:1: Template variable 'name' missing in payload.\n"
        );
        let failure = Failure { kind: Kind::Glyphs, problem: problem(None, None) };
        assert!(shown("").failure(&failure).starts_with("a.json: Template"));
    }

    #[test]
    fn of_a_long_line_the_part_around_the_problem_is_shown() {
        let line = format!("{}ä{}", "x".repeat(5000), "y".repeat(5000));
        let shown = marked(&line, 5001);
        let (part, mark) = shown.split_once('\n').unwrap();
        assert_eq!(part.chars().count(), SHOWN + 2);
        assert_eq!(part.chars().nth(mark.find('^').unwrap()), Some('ä'));
    }

    #[test]
    fn json_that_is_none_is_told_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data.json");
        for (text, expected) in
            [("{\n \"a\": }", ":2:7: expected value\n"), ("[1]", ":1:1: expected a JSON object, from { to }\n")]
        {
            std::fs::write(&path, text).unwrap();
            let Err(Unread::Json(told)) = parsed(&path) else { panic!("{text} is taken") };
            assert_eq!(told, format!("{}{expected}", path.display()));
        }
        assert!(matches!(parsed(&folder.path().join("none")), Err(Unread::File(_))));
    }
}
