//! Filling: a form of two pages and 44 fields, and a template of four such sections, in this process and over HTTP: answered, and stored.

use std::{
    collections::HashMap,
    path::Path,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use documents::{
    fixtures::{self, Kind},
    forms::{self, Form, Value},
};
use serde_json::json;

use crate::{
    Failure, Options,
    client::{Connection, MULTIPART, multipart},
    machine,
    measured::{self, Life, Lives, Measured, Window},
    server::{Server, own_cpu},
    statistics::median,
};

const FORMS: &str = "/v1/orgs/acme/templates/forms";
const SECTIONS: &str = "/v1/orgs/acme/templates/sections";
const TEMPLATES: &str = "/v1/orgs/acme/templates";

/// Sections of the template.
const COUNT: usize = 4;

/// Runs before the measurement: connections, token check, files, the form that is read once.
const WARM_UP: Duration = Duration::from_secs(2);

/// Fills before the measurement in this process.
const WARM_FILLS: usize = 50;

/// What is measured over HTTP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Form,
    Template,
    Document,
}

impl Call {
    const ALL: [Self; 3] = [Self::Form, Self::Template, Self::Document];

    fn label(self) -> &'static str {
        match self {
            Self::Form => "form, answered",
            Self::Template => "template of 4 sections, answered",
            Self::Document => "template of 4 sections, stored",
        }
    }

    fn path(self) -> String {
        match self {
            Self::Form => format!("{FORMS}/form_0/fill"),
            Self::Template => format!("{TEMPLATES}/contract/versions/1/fill"),
            Self::Document => format!("{TEMPLATES}/contract/versions/1/fill/documents"),
        }
    }

    fn body(self) -> String {
        let sections = if self == Self::Form { 1 } else { COUNT };
        let values: Vec<_> = (0..sections).flat_map(values).map(|(name, value)| json!({"name": name, "value": value})).collect();
        match self {
            Self::Form => json!({"fieldsValues": values}).to_string(),
            Self::Template | Self::Document => json!({"language": "ES", "fieldsValues": values}).to_string(),
        }
    }

    /// What it is held against: the same in this process.
    fn sections(self) -> usize {
        if self == Self::Form { 1 } else { COUNT }
    }
}

pub async fn run(options: &Options) -> Result<(), Failure> {
    let pdf = form(0);
    let read = Form::read(&pdf)?;
    println!("\n## Filling forms of {} pages, {} fields and {} bytes\n", read.pages(), read.fields().len(), pdf.len());
    println!("In this process, one thread, read once; flattened and written each time.\n");
    println!(
        "| what | round | fills per core-second | fills/s | bytes of the result | load |\n| --- | --: | --: | --: | --: | --: |"
    );
    let mut alone: HashMap<usize, Vec<f64>> = HashMap::new();
    for round in 1..=options.rounds {
        for sections in [1, COUNT] {
            let (per_core, per_second, size) = in_process(sections, options.duration())?;
            println!("| {sections} | {round} | {per_core:.0} | {per_second:.0} | {size} | {} |", machine::load());
            alone.entry(sections).or_default().push(per_core);
        }
    }
    println!("\nOver HTTP, {} connections, fsync on.\n", options.connections);
    println!(
        "| server | what | round | fills/s | fills per core-second | p50 ms | p99 ms | server cores | client cores | others' cores | load | RSS MB |"
    );
    println!("| --- | --- | --: | --: | --: | --: | --: | --: | --: | --: | --: | --: |");
    let mut all: Vec<(String, Call, Vec<f64>)> = Vec::new();
    for server in &options.servers {
        all.extend(Call::ALL.map(|call| (machine::name(server), call, Vec::new())));
    }
    for round in 1..=options.rounds {
        for server in &options.servers {
            for call in Call::ALL {
                let mut one = measure(options, server, call).await?;
                let (name, times) = (machine::name(server), one.lives.whole.percentiles(&[50.0, 99.0]));
                let per_core = one.per_core_second();
                println!(
                    "| {name} | {} | {round} | {:.0} | {per_core:.0} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {} | {:.0} |",
                    call.label(),
                    one.per_second(),
                    times[0],
                    times[1],
                    one.server_cpu / one.seconds,
                    one.client_cpu / one.seconds,
                    one.other_cpu / one.seconds,
                    machine::load(),
                    one.resident_mb,
                );
                let of_server = all.iter_mut().find(|(other, of, _)| *other == name && *of == call);
                of_server.ok_or("an unknown server")?.2.push(per_core);
            }
        }
    }
    println!("\n| server | what | fills per core-second, median | of those in process |\n| --- | --- | --: | --: |");
    for (name, call, rates) in all {
        let (rate, own) = (median(rates), median(alone.get(&call.sections()).cloned().unwrap_or_default()));
        println!("| {name} | {} | {rate:.0} | {:.0} % |", call.label(), 100.0 * rate / own);
    }
    Ok(())
}

/// The fields of a section are its own.
fn name(section: usize, name: &str) -> String {
    format!("section{section}.{name}")
}

fn form(section: usize) -> Vec<u8> {
    let fields: Vec<(String, Kind<'_>)> =
        fixtures::large_form_fields().into_iter().map(|(field, kind)| (name(section, field), kind)).collect();
    fixtures::form(&fields.iter().map(|(name, kind)| (name.as_str(), *kind)).collect::<Vec<_>>())
}

fn values(section: usize) -> Vec<(String, String)> {
    fixtures::form_values().into_iter().map(|(field, value)| (name(section, field), value.to_owned())).collect()
}

/// Fills on one thread: per second of its processor, per second, and bytes of one result.
fn in_process(sections: usize, time: Duration) -> Result<(f64, f64, usize), Failure> {
    let forms = (0..sections).map(|section| Ok(Arc::new(Form::read(&form(section))?)));
    let forms: Vec<Arc<Form>> = forms.collect::<Result<_, Failure>>()?;
    let texts: Vec<(String, String)> = (0..sections).flat_map(values).collect();
    let values: HashMap<&str, Value<'_>> = texts.iter().map(|(name, text)| (name.as_str(), Value::Text(text))).collect();
    let options = forms::Options { flatten: true, ..forms::Options::default() };
    let mut size = 0;
    for _ in 0..WARM_FILLS {
        size = forms::fill(&forms, &values, options)?.pdf.len();
    }
    let (began, cpu, mut fills) = (Instant::now(), own_cpu()?, 0_u32);
    while began.elapsed() < time {
        forms::fill(&forms, &values, options)?;
        fills += 1;
    }
    Ok((f64::from(fills) / (own_cpu()? - cpu), f64::from(fills) / began.elapsed().as_secs_f64(), size))
}

async fn measure(options: &Options, program: &Path, call: Call) -> Result<Measured, Failure> {
    let folder = tempfile::tempdir_in(&options.folder)?;
    let server = Server::start(program, folder.path())?;
    make(&mut server.connect().await?).await?;
    let (path, body): (Rc<str>, Rc<str>) = (call.path().into(), call.body().into());
    measured::measure(options, &server, WARM_UP, |connection, window| fills(connection, path.clone(), body.clone(), window)).await
}

/// One fill after the other on one connection.
async fn fills(mut connection: Connection, path: Rc<str>, body: Rc<str>, window: Window) -> Result<Lives, Failure> {
    let mut fills = Lives::default();
    while !window.is_over() {
        let fill = Life::begin();
        connection.call("POST", &path, "", &body).await?.expect(200)?;
        fills.count(window, fill);
    }
    Ok(fills)
}

/// Uploads the forms and makes the template.
async fn make(connection: &mut Connection) -> Result<(), Failure> {
    for section in 0..COUNT {
        let name = format!("form_{section}");
        let body = multipart(&[
            ("name=\"name\"", name.as_bytes()),
            ("name=\"extension\"", b"pdf"),
            ("name=\"content\"; filename=\"form.pdf\"", &form(section)),
        ]);
        connection.send("POST", FORMS, "", MULTIPART, &body).await?.expect(201)?;
        let forms = json!([{"language": "ES", "formExternalId": format!("form_{section}")}]);
        let body = json!({"sectionName": format!("section_{section}"), "forms": forms}).to_string();
        connection.call("POST", SECTIONS, "", &body).await?.expect(201)?;
    }
    let sections: Vec<String> = (0..COUNT).map(|section| format!("section_{section}")).collect();
    let body = json!({"templateName": "contract", "defaultLanguage": "ES", "orderedSectionNames": sections}).to_string();
    connection.call("POST", TEMPLATES, "", &body).await?.expect(201)
}
