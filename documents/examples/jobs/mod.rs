//! Examples that answer jobs for the generators in `tests/outside`: a line on the standard input is a job, and each gets one line of JSON on
//! the standard output.
//!
//! An answer is `{"ok":true,...}`, `{"refused":"why","step":"inspect"}`, or `{"failed":"why"}` where the job itself is wrong. `ms` is
//! the time, `peak_kb` the highest resident memory of this process during the job.
//!
//! A panic ends the process even where the library would catch it: whoever reads the answers must see it.

use std::error::Error;
use std::fmt::Display;
use std::io::{BufRead, Write};
use std::time::Instant;

use serde_json::{Map, Value, json};

/// The stack of the threads that do this work in the server (the default of tokio's blocking threads).
const STACK_BYTES: usize = 2 * 1024 * 1024;

/// Why a job has no result.
pub enum NoResult {
    /// The library takes the file not.
    Refused { step: &'static str, why: String },
    /// The job is none, or a file of it cannot be read or written.
    Failed(String),
}

impl NoResult {
    /// A refusal of the library in that step.
    pub fn refused<E: Display>(step: &'static str) -> impl Fn(E) -> Self {
        move |error| Self::Refused { step, why: error.to_string() }
    }

    fn into_object(self) -> Map<String, Value> {
        match self {
            Self::Refused { step, why } => object(json!({"refused": why, "step": step})),
            Self::Failed(why) => object(json!({"failed": why})),
        }
    }
}

/// What a job gives, beside the time and the memory that it took.
pub type Answer = Result<Map<String, Value>, NoResult>;

/// Does `work` on a thread like those of the server, and gives its result as the program's.
///
/// # Errors
/// As `work`; nothing after a panic, which ends the process.
pub fn on_a_server_thread<E: Display>(work: impl FnOnce() -> Result<(), E> + Send + 'static) -> Result<(), Box<dyn Error>> {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        std::process::abort();
    }));
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let done = thread.spawn(|| work().map_err(|error| error.to_string()))?;
    Ok(done.join().map_err(|_| "a panic")??)
}

/// Answers every line of the standard input.
///
/// # Errors
/// If the standard input or output breaks.
pub fn answer_all(answer: impl Fn(&str) -> Answer) -> std::io::Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        reset_peak();
        let began = Instant::now();
        let mut answer = answer(&line).unwrap_or_else(NoResult::into_object);
        answer.insert("ms".to_owned(), json!((began.elapsed().as_secs_f64() * 1e6).round() / 1e3));
        answer.insert("peak_kb".to_owned(), json!(peak_kb()));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", Value::Object(answer))?;
        out.flush()?;
    }
    Ok(())
}

/// The members of a JSON object.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => Map::from_iter([("value".to_owned(), other)]),
    }
}

/// The bytes of a file of the job.
///
/// # Errors
/// [`NoResult::Failed`] if it cannot be read.
pub fn read(path: &str) -> Result<Vec<u8>, NoResult> {
    std::fs::read(path).map_err(|error| NoResult::Failed(format!("{path}: {error}")))
}

/// Writes a file that the job asks for.
///
/// # Errors
/// [`NoResult::Failed`] if it cannot be written.
pub fn write(path: &str, bytes: &[u8]) -> Result<(), NoResult> {
    std::fs::write(path, bytes).map_err(|error| NoResult::Failed(format!("{path}: {error}")))
}

/// Starts the measure of memory anew (proc(5), `clear_refs`). Where that is not allowed, the peak is that of the whole process.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// Highest resident memory since the last reset, in kilobytes; nothing where the system does not tell it.
fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
