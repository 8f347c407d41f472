//! HTML templates in the processes that the server's own program becomes, and `rubrica render`.

use std::{path::Path, process::Command};

use html::{Job, Source, Target};
use render::worker::{self, Limit};
use rubrica::{
    cpu_pool::{self, CpuPool},
    render_workers::{Metrics, Options, TemplateError, Workers},
};
use serde_json::{Value, json};

/// As [`drawing`](crate::drawing) makes them, with so many seconds of processor time for a job.
fn workers(seconds: u64, registry: &prometheus::Registry) -> Workers {
    let process = worker::Options { program: env!("CARGO_BIN_EXE_rubrica").into(), seconds, ..worker::Options::default() };
    let cpu = CpuPool::new(cpu_pool::Options::default(), cpu_pool::Metrics::default());
    Workers::new(cpu, Options { process, ..Options::default() }, Metrics::new(registry).unwrap())
}

fn source(template: &str) -> Source {
    let structure = json!({
        "type": "object", "required": ["name"],
        "properties": { "name": { "type": "string" }, "a": { "type": "array", "items": { "type": "integer" } } }
    });
    Source { template: template.into(), structure, language: "ES".into(), target: Target::default() }
}

fn job(template: &str, data: Value) -> Job {
    Job { source: source(template), data, title: "T".into(), created: 0 }
}

/// Four blocks over 300: 8,100 million turns.
fn poison() -> Job {
    let turns = "{{#each a}}{{#each ../a}}{{#each ../../a}}{{#each ../../../a}}{{/each}}{{/each}}{{/each}}{{/each}}";
    job(&format!("{turns}{{{{name}}}}"), json!({ "name": "Ana", "a": vec![0; 300] }))
}

fn ends(registry: &prometheus::Registry, cause: &str) -> f64 {
    let families = registry.gather();
    let ended = families.iter().find(|family| family.name() == "rubrica_html_ends_total");
    let of_cause = |metric: &&prometheus::proto::Metric| metric.get_label().iter().any(|label| label.value() == cause);
    ended.and_then(|family| family.get_metric().iter().find(of_cause)).map_or(0.0, |metric| metric.get_counter().get_value())
}

#[tokio::test]
async fn a_template_is_checked_and_rendered_in_a_process_of_its_own() {
    let registry = prometheus::Registry::new();
    let workers = workers(10, &registry);
    assert_eq!(workers.check_html("acme", source("<p>{{name}}</p>")).await.unwrap(), Ok(()));
    let problems = workers.check_html("acme", source("<p>{{nome}}</p>")).await.unwrap().unwrap_err();
    assert!(problems.iter().any(|problem| problem.message.contains("'nome'") && problem.line == Some(1)), "{problems:?}");
    let pdf = workers.render_html("acme", job("<p>{{name}}</p>", json!({ "name": "Ana" }))).await.unwrap().unwrap();
    assert!(pdf.bytes.starts_with(b"%PDF-") && pdf.pages == 1);
}

#[tokio::test]
async fn a_poison_template_fails_twice_is_then_set_aside_and_harms_nobody() {
    let registry = prometheus::Registry::new();
    let workers = workers(1, &registry);
    for attempt in 1..=2 {
        let failed = workers.render_html("acme", poison()).await.unwrap_err();
        assert!(matches!(failed, TemplateError::Exceeded(Limit::Processor(1) | Limit::Time(_))), "{failed}");
        assert!(!failed.is_transient());
        assert_eq!(ends(&registry, "time"), f64::from(attempt));
        let pdf = workers.render_html("other", job("<p>{{name}}</p>", json!({ "name": "Ana" }))).await.unwrap();
        assert!(pdf.is_ok(), "others are served");
    }
    let refused = workers.render_html("acme", poison()).await.unwrap_err();
    assert!(matches!(refused, TemplateError::SetAside), "{refused}");
    // The same template with other data is another matter.
    let less = Job { data: json!({ "name": "Ana", "a": [1, 2] }), ..poison() };
    assert!(workers.render_html("acme", less).await.unwrap().is_ok());
}

fn render(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_rubrica")).arg("render").args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn an_author_renders_a_template_of_the_gallery_without_a_server() {
    let work = tempfile::tempdir().unwrap();
    let invoice = Path::new(env!("CARGO_MANIFEST_DIR")).join("render/gallery/invoice");
    let out = work.path().join("invoice.pdf");
    let arguments = ["es.hbs", "es.json", "-o", out.to_str().unwrap(), "--schema", "schema.json", "--language", "es"];
    let (code, said, wrong) = render(&invoice, &arguments);
    assert_eq!((code, wrong.as_str()), (Some(0), ""));
    assert!(said.contains("invoice.pdf: 2 pages, "), "{said}");
    assert!(std::fs::read(&out).unwrap().starts_with(b"%PDF-"));
}

#[test]
fn an_author_is_told_where_a_template_is_wrong_and_nothing_is_made() {
    let work = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(work.path().join(name), text).unwrap();
    write("a.json", r#"{ "name": "Ana Secreta" }"#);
    write("schema.json", r#"{ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } }"#);
    for (template, place) in [
        ("<p>\n  {{nome}}</p>", "a.hbs:2:3: "),
        ("<p>\n\n{{#if name}}</p>", "a.hbs:"),
        ("<p>{{{name}}}</p>", "a.hbs:1:4: "),
        ("<style>p { color: {{name}} }</style>", "a.hbs:1:19: "),
    ] {
        write("a.hbs", template);
        for schema in [&[][..], &["--schema", "schema.json"]] {
            let (code, said, wrong) = render(work.path(), &[&["a.hbs", "a.json", "-o", "out.pdf"], schema].concat());
            assert_eq!((code, said.as_str()), (Some(1), ""), "{template}: {wrong}");
            assert!(wrong.starts_with(place) && wrong.contains("nothing was made: "), "{template}: {wrong}");
            assert!(!wrong.contains("Secreta"), "{wrong}");
            assert!(!work.path().join("out.pdf").exists());
        }
    }
    write("a.hbs", "<p>{{name}}</p>");
    let arguments = ["a.hbs", "a.json", "-o", "out.pdf", "--schema", "schema.json"];
    write("a.json", r#"{ "name": 12345678 }"#);
    let (code, _, wrong) = render(work.path(), &arguments);
    assert_eq!((code, wrong.starts_with("a.json: /name: "), wrong.contains("12345678")), (Some(1), true, false), "{wrong}");
    write("schema.json", r#"{ "type": "object", "properties": { "name": { "type": "text" } } }"#);
    let (code, _, wrong) = render(work.path(), &arguments);
    assert_eq!((code, wrong.starts_with("schema.json: /properties/name/type: ")), (Some(1), true), "{wrong}");
    write("a.json", "{ \"name\": }");
    let (code, _, wrong) = render(work.path(), &["a.hbs", "a.json", "-o", "out.pdf"]);
    assert_eq!((code, wrong.starts_with("a.json:1:11: ")), (Some(1), true), "{wrong}");
    let (code, _, wrong) = render(work.path(), &["none.hbs", "a.json", "-o", "out.pdf"]);
    assert_eq!((code, wrong.contains("none.hbs")), (Some(2), true), "{wrong}");
}
