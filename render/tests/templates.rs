//! Templates in a worker: checked and rendered there, refused there, and ended there when they want too much.

use std::{path::PathBuf, time::Duration};

use html::{Engine, Job, Kind, Pdf, Source, Target};
use render::worker::{Error, Limit, Options, Process, Purpose};
use serde_json::{Value, json};

fn options() -> Options {
    Options {
        program: PathBuf::from(env!("CARGO_BIN_EXE_render-worker")),
        is_alone: true,
        seconds: 5,
        patience: Duration::from_secs(60),
        purpose: Purpose::Templates { fonts: Vec::new() },
        ..Options::default()
    }
}

fn source(template: &str, structure: Value) -> Source {
    Source { template: template.as_bytes().to_vec(), structure, language: "ES".into(), target: Target::default() }
}

fn job(template: &str, structure: Value, data: Value) -> Job {
    Job { source: source(template, structure), data, title: "T".into(), created: 1_790_000_000 }
}

fn schema_of_text() -> Value {
    json!({ "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } })
}

fn render(worker: &mut Process, job: &Job) -> Result<Result<Pdf, html::Failure>, Error> {
    worker.render_html(job, || false)
}

/// An ordinary template works in this worker.
fn assert_serves(worker: &mut Process) {
    let pdf =
        render(worker, &job("<p>{{name}}</p>", schema_of_text(), json!({ "name": "Ana" }))).expect("a reply").expect("a PDF");
    assert!(pdf.bytes.starts_with(b"%PDF-"));
    assert_eq!(pdf.pages, 1);
}

/// It ended in a limit, of the process or of the engine, and the next worker serves.
#[track_caller]
fn assert_ends_in_a_limit(options: &Options, job: &Job) -> Option<Limit> {
    let mut worker = Process::start(options).expect("a worker");
    let limit = match render(&mut worker, job) {
        Err(Error::Exceeded(limit)) => {
            assert!(worker.is_worn());
            Some(limit)
        }
        Ok(Err(failure)) => {
            assert_eq!(failure.kind, Kind::Limits, "{failure:?}");
            assert_serves(&mut worker);
            None
        }
        other => panic!("{other:?}"),
    };
    assert_serves(&mut Process::start(options).expect("a worker"));
    limit
}

#[test]
fn a_template_is_checked_and_rendered_and_a_wrong_one_is_told_by_line_and_column() {
    let mut worker = Process::start(&options()).expect("a worker");
    let id = worker.id();
    assert_eq!(worker.check_html(&source("<p>{{name}}</p>", schema_of_text()), || false).expect("a reply"), Ok(()));
    let problems = worker.check_html(&source("<p>\n {{#if name}}</p>", schema_of_text()), || false).expect("a reply");
    let problems = problems.expect_err("a block is open");
    assert!(problems.iter().any(|problem| problem.line.is_some()), "{problems:?}");
    let failure = render(&mut worker, &job("<p>\n{{other}}</p>", schema_of_text(), json!({ "name": "Ana" }))).expect("a reply");
    let failure = failure.expect_err("nobody says what it is");
    assert_eq!((failure.kind, failure.problem.line), (Kind::Data, Some(2)), "{failure:?}");
    assert_serves(&mut worker);
    assert_eq!(worker.id(), id);
}

#[test]
fn the_same_job_is_the_same_file_in_another_worker() {
    let job = job("<h1>{{name}}</h1>", schema_of_text(), json!({ "name": "Núria" }));
    let once = || render(&mut Process::start(&options()).expect("a worker"), &job).expect("a reply").expect("a PDF");
    assert_eq!(once(), once());
}

#[test]
fn a_template_that_turns_without_end_is_ended_by_its_processor_time() {
    let turns = "{{#each a}}{{#each ../a}}{{#each ../../a}}{{#each ../../../a}}{{/each}}{{/each}}{{/each}}{{/each}}";
    let schema = json!({ "type": "object", "properties": { "a": { "type": "array", "items": { "type": "integer" } } } });
    // 8,100 million turns: three blocks over 300 are 27 million, which a fast machine ends in time.
    let job = job(turns, schema, json!({ "a": vec![0; 300] }));
    let options = Options { seconds: 1, ..options() };
    let limit = assert_ends_in_a_limit(&options, &job);
    assert!(matches!(limit, None | Some(Limit::Processor(1))), "{limit:?}");
}

#[test]
fn a_template_that_doubles_its_data_again_and_again_gets_no_more_memory_than_there_is() {
    // 1 kB doubled 24 times is 16 GiB.
    let doubled = format!("{}<p>{{{{len this}}}}</p>{}", "{{#with (concat this this)}}".repeat(24), "{{/with}}".repeat(24));
    let template = format!("{{{{#with name}}}}{doubled}{{{{/with}}}}");
    assert_ends_in_a_limit(&options(), &job(&template, schema_of_text(), json!({ "name": "x".repeat(1000) })));
}

#[test]
fn memory_is_bounded_by_what_the_worker_was_given() {
    let small = Options { memory: 192 << 20, seconds: 30, ..options() };
    let rows = "{{#each a}}<tr><td>{{this}}</td><td>{{this}}</td><td>{{this}}</td></tr>{{/each}}";
    let schema = json!({ "type": "object", "properties": { "a": { "type": "array", "items": { "type": "string" } } } });
    let large = job(&format!("<table>{rows}</table>"), schema, json!({ "a": vec!["a cell of the table"; 9000] }));
    let limit = assert_ends_in_a_limit(&small, &large);
    assert!(matches!(limit, None | Some(Limit::Memory(_))), "{limit:?}");
}

#[test]
fn what_is_too_deep_for_the_stack_harms_nobody() {
    let parentheses = format!("{{{{len {}name{}}}}}", "(concat ".repeat(5000), ")".repeat(5000));
    let blocks = format!("{}{}", "{{#if name}}".repeat(5000), "{{/if}}".repeat(5000));
    let elements = format!("{}{{{{name}}}}", "<div>".repeat(50_000));
    let partial = "{{#*inline \"a\"}}{{> a}}{{/inline}}{{> a}}".to_owned();
    for template in [parentheses, blocks, elements, partial] {
        let mut worker = Process::start(&options()).expect("a worker");
        let job = job(&template, schema_of_text(), json!({ "name": "Ana" }));
        let checked = worker.check_html(&job.source, || false);
        assert!(matches!(checked, Ok(Err(_)) | Err(Error::Exceeded(_))), "{checked:?}");
        let mut worker = Process::start(&options()).expect("a worker");
        let rendered = render(&mut worker, &job);
        assert!(matches!(rendered, Ok(Err(_)) | Err(Error::Exceeded(_))), "{rendered:?}");
        assert_serves(&mut Process::start(&options()).expect("a worker"));
    }
}

#[test]
fn templates_are_rendered_while_another_one_is_at_its_limit() {
    let turns = "{{#each a}}{{#each ../a}}{{#each ../../a}}{{#each ../../../a}}{{/each}}{{/each}}{{/each}}{{/each}}";
    let schema = json!({ "type": "object", "properties": { "a": { "type": "array", "items": { "type": "integer" } } } });
    let poison = job(turns, schema, json!({ "a": vec![0; 300] }));
    std::thread::scope(|scope| {
        let poisoned = scope.spawn(|| {
            let mut worker = Process::start(&Options { seconds: 1, ..options() }).expect("a worker");
            render(&mut worker, &poison)
        });
        let mut worker = Process::start(&options()).expect("a worker");
        assert_serves(&mut worker);
        while !poisoned.is_finished() && !worker.is_worn() {
            assert_serves(&mut worker);
        }
        let poisoned = poisoned.join().expect("no panic");
        assert!(matches!(poisoned, Err(Error::Exceeded(_)) | Ok(Err(_))), "{poisoned:?}");
    });
}

#[test]
fn a_worker_for_pictures_renders_no_template() {
    let mut worker = Process::start(&Options { purpose: Purpose::Pictures, ..options() }).expect("a worker");
    let refused = worker.check_html(&source("", json!({})), || false).expect_err("it does not");
    assert!(matches!(&refused, Error::Died(words) if words.contains("renders no templates")), "{refused}");
}

#[test]
fn a_worker_for_templates_is_replaced_after_200_jobs() {
    let mut worker = Process::start(&options()).expect("a worker");
    for _ in 0..200 {
        assert!(!worker.is_worn());
        assert_eq!(worker.check_html(&source("<p>a</p>", json!({ "type": "object" })), || false).expect("a reply"), Ok(()));
    }
    assert!(worker.is_worn());
}

#[cfg(target_os = "linux")]
mod reach {
    use std::{net::TcpListener, path::Path};

    use rustix::fs::inotify;

    use super::*;

    /// All ways that we know of to ask for a file or an address.
    fn asks(file: &str, address: &str) -> String {
        let both = [file.to_owned(), address.to_owned()];
        let body: String = both
            .iter()
            .map(|to| {
                format!(
                    "<img src=\"{to}\"><object data=\"{to}\"></object><iframe src=\"{to}\"></iframe><embed src=\"{to}\">\
                     <link rel=\"stylesheet\" href=\"{to}\"><script src=\"{to}\"></script><video src=\"{to}\" poster=\"{to}\"></video>\
                     <svg width=\"10\" height=\"10\"><image href=\"{to}\" width=\"10\" height=\"10\"/><use href=\"{to}#a\"/></svg>\
                     <div style=\"background-image:url({to})\">a</div>"
                )
            })
            .collect();
        let style: String = both
            .iter()
            .map(|to| format!("@import url({to}); @font-face {{ font-family: F; src: url({to}); }} p {{ font-family: F; cursor: url({to}); }}"))
            .collect();
        format!("<html><head><base href=\"{address}\"><style>{style}</style></head><body><p>{{{{name}}}}</p>{body}</body></html>")
    }

    /// How often files of a folder were opened since `watch` began.
    fn opened(watch: &impl std::os::fd::AsFd) -> usize {
        let mut buffer = [std::mem::MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(watch, &mut buffer);
        let mut count = 0;
        while reader.next().is_ok() {
            count += 1;
        }
        count
    }

    fn watched(folder: &Path) -> std::os::fd::OwnedFd {
        let watch = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC).expect("a watch");
        inotify::add_watch(&watch, folder, inotify::WatchFlags::OPEN | inotify::WatchFlags::ACCESS).expect("it is watched");
        watch
    }

    #[test]
    fn no_file_is_opened_and_nobody_is_called_whatever_a_template_asks_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("secret.png");
        std::fs::write(&file, b"\x89PNG\r\n\x1a\nsecret").expect("a file");
        let watch = watched(folder.path());
        std::fs::read(&file).expect("it is there");
        assert!(opened(&watch) > 0, "the watch sees who opens a file");

        let listener = TcpListener::bind("127.0.0.1:0").expect("an address");
        listener.set_nonblocking(true).expect("it is asked, not waited for");
        let address = format!("http://{}/a.png", listener.local_addr().expect("an address"));
        let path = file.to_str().expect("a path");
        for engine in [Engine::Fulgur, Engine::Ironpress] {
            for file in [path.to_owned(), format!("file://{path}"), format!("../../../../../../..{path}")] {
                let mut worker = Process::start(&options()).expect("a worker");
                assert_serves(&mut worker);
                let files = PathBuf::from(format!("/proc/{}/fd", worker.id()));
                let open = || std::fs::read_dir(&files).expect("its files").count();
                let before = open();
                let mut job = job(&asks(&file, &address), schema_of_text(), json!({ "name": "Ana" }));
                job.source.target.engine = engine;
                // Refused or left out, as the engine does.
                let rendered = render(&mut worker, &job);
                assert!(rendered.is_ok(), "{rendered:?}");
                assert_eq!(opened(&watch), 0, "{engine:?}, {file}");
                assert!(listener.accept().is_err(), "{engine:?} calls");
                assert_eq!(open(), before, "{engine:?}, {file}");
            }
        }
    }

    #[test]
    fn a_worker_for_templates_has_limits() {
        let mut worker = Process::start(&options()).expect("a worker");
        assert_serves(&mut worker);
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", worker.id())).expect("a file of the process");
        let limit = |name: &str| {
            let line = limits.lines().find_map(|line| line.strip_prefix(name)).expect("a limit");
            line.split_whitespace().next().expect("a number").to_owned()
        };
        assert_eq!(limit("Max address space"), (1u64 << 30).to_string());
        assert_eq!((limit("Max open files"), limit("Max file size")), ("16".into(), "0".into()));
        assert!(limit("Max cpu time").parse::<u64>().expect("seconds") <= 20);
    }
}
