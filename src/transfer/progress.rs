//! Telling the operator how far it is.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// Takes a line for the operator.
pub type Report = Arc<dyn Fn(&str) + Send + Sync>;

/// Between two lines.
const EVERY: Duration = Duration::from_secs(5);

/// How far one step is; says it now and then.
pub struct Progress {
    report: Report,
    what: &'static str,
    /// How many there are to be, if that is known.
    of: Option<u64>,
    done: u64,
    began: Instant,
    said: Instant,
}

impl Progress {
    pub fn new(report: &Report, what: &'static str, of: Option<u64>) -> Self {
        let now = Instant::now();
        Self { report: report.clone(), what, of, done: 0, began: now, said: now }
    }

    /// One more is done.
    pub fn step(&mut self) {
        self.done += 1;
        // The clock is not asked for each.
        if self.done.is_multiple_of(64) && self.said.elapsed() >= EVERY {
            self.said = Instant::now();
            self.say("");
        }
    }

    pub fn end(self) {
        self.say(", done");
    }

    fn say(&self, how: &str) {
        let of = self.of.map_or_else(String::new, |of| format!(" of {of}"));
        let seconds = self.began.elapsed().as_secs_f64();
        let rate = if seconds > 0.0 { self.done as f64 / seconds } else { 0.0 };
        (self.report)(&format!("{}: {}{of}{how} ({rate:.0}/s)", self.what, self.done));
    }
}
