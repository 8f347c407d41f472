//! What this server did in the last hour and the last day, kept in memory: for those who look at this server, where nobody collects its metrics.
//!
//! It is read from the metrics, so it says nothing that they do not say: not whose requests or processes these were. Memory is bounded:
//! [`Span::steps`] steps for each span, whatever happens.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use chrono::TimeDelta;
use parking_lot::Mutex;
use prometheus::{Registry, proto::MetricFamily};
use store::Timestamp;

/// Between two readings.
const EVERY: Duration = Duration::from_secs(10);

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// HTTP requests; failed are those answered with 500 or above.
    Requests,
    /// What is given to processes; failed are those that no process answered.
    Commands,
    /// Attempts of what processes ask of the world; failed are all that were not done. How long they take is not measured.
    Effects,
    /// Wake-ups of processes; the time is from due to fired.
    WakeUps,
    /// Commits of the embedded store or statements at the shared one; failed are its transactions and statements that failed.
    Store,
}

impl Measure {
    pub const ALL: [Self; 5] = [Self::Requests, Self::Commands, Self::Effects, Self::WakeUps, Self::Store];
}

/// How far back, in steps of one length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Hour,
    Day,
}

impl Span {
    pub const ALL: [Self; 2] = [Self::Hour, Self::Day];

    /// Length of a step: 10 seconds of an hour, 5 minutes of a day.
    pub fn step(self) -> TimeDelta {
        match self {
            Self::Hour => TimeDelta::seconds(10),
            Self::Day => TimeDelta::minutes(5),
        }
    }

    /// Steps of the whole.
    pub fn steps(self) -> usize {
        match self {
            Self::Hour => 360,
            Self::Day => 288,
        }
    }

    /// The number of the step in which a moment is, from an arbitrary start.
    fn number(self, at: Timestamp) -> i64 {
        at.timestamp().div_euclid(self.step().num_seconds())
    }

    /// When the step begins in which a moment is.
    pub fn begin_of(self, at: Timestamp) -> Timestamp {
        self.begin(self.number(at))
    }

    fn begin(self, number: i64) -> Timestamp {
        Timestamp::from_timestamp(number.saturating_mul(self.step().num_seconds()), 0).unwrap_or_default()
    }
}

/// Amounts of one measure, in all or in a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Amounts {
    pub count: u64,
    pub failed: u64,
    /// Of how many the time is known.
    pub timed: u64,
    /// What those took together.
    pub seconds: f64,
}

impl Amounts {
    fn add(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.failed = self.failed.saturating_add(other.failed);
        self.timed = self.timed.saturating_add(other.timed);
        self.seconds += other.seconds;
    }

    /// What came since an earlier reading. Metrics only grow; one that does not is taken to have stood still.
    fn since(self, earlier: Self) -> Self {
        Self {
            count: self.count.saturating_sub(earlier.count),
            failed: self.failed.saturating_sub(earlier.failed),
            timed: self.timed.saturating_sub(earlier.timed),
            seconds: (self.seconds - earlier.seconds).max(0.0),
        }
    }

    /// The mean time, in seconds.
    pub fn mean(self) -> Option<f64> {
        (self.timed > 0).then(|| self.seconds / self.timed as f64)
    }

    /// Those of several steps together.
    pub fn sum(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().fold(Self::default(), |mut sum, amounts| {
            sum.add(amounts);
            sum
        })
    }
}

/// Amounts of all measures, in the order of [`Measure::ALL`].
pub type All = [Amounts; Measure::ALL.len()];

/// Totals since the start, as the metrics have them.
fn totals(families: &[MetricFamily]) -> All {
    let metrics =
        |name: &str| families.iter().find(|family| family.name() == name).map(MetricFamily::get_metric).unwrap_or_default();
    let is = |metric: &prometheus::proto::Metric, label: &str, wanted: &dyn Fn(&str) -> bool| {
        metric.get_label().iter().any(|own| own.name() == label && wanted(own.value()))
    };
    let count = |name: &str| metrics(name).iter().map(|metric| metric.get_counter().get_value() as u64).sum::<u64>();
    let count_of = |name: &str, label: &str, wanted: &dyn Fn(&str) -> bool| {
        let wanted = metrics(name).iter().filter(|metric| is(metric, label, wanted));
        wanted.map(|metric| metric.get_counter().get_value() as u64).sum::<u64>()
    };
    let gauge = |name: &str| metrics(name).iter().map(|metric| metric.get_gauge().get_value().max(0.0)).sum::<f64>();
    let times = |name: &str| {
        metrics(name)
            .iter()
            .map(|metric| metric.get_histogram())
            .fold((0, 0.0), |(count, seconds), one| (count + one.get_sample_count(), seconds + one.get_sample_sum()))
    };
    let amounts = |count, failed, (timed, seconds): (u64, f64)| Amounts { count, failed, timed, seconds };
    let (statements, statement_seconds) = times("rubrica_store_statement_seconds");
    let unanswered = |outcome: &str| matches!(outcome, "overloaded" | "unavailable" | "quarantined");
    [
        amounts(
            count("rubrica_http_requests_total"),
            count_of("rubrica_http_requests_total", "status", &|status| status.starts_with('5')),
            times("rubrica_http_request_seconds"),
        ),
        amounts(
            count("rubrica_commands_total"),
            count_of("rubrica_commands_total", "outcome", &unanswered),
            times("rubrica_command_seconds"),
        ),
        amounts(
            count("rubrica_effects_total"),
            count_of("rubrica_effects_total", "outcome", &|outcome| outcome != "done"),
            (0, 0.0),
        ),
        amounts(count("rubrica_wakeups_total"), count("rubrica_wakeups_failed_total"), times("rubrica_wakeup_lag_seconds")),
        amounts(
            gauge("rubrica_store_commits") as u64 + statements,
            gauge("rubrica_store_failed_batches") as u64 + count("rubrica_store_statement_failures_total"),
            (statements, statement_seconds),
        ),
    ]
}

/// Servers that share the store's wake-ups.
fn nodes(families: &[MetricFamily]) -> Option<u64> {
    let family = families.iter().find(|family| family.name() == "rubrica_wake_nodes")?;
    Some(family.get_metric().first()?.get_gauge().get_value().max(0.0) as u64)
}

/// What was done in a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// When it began.
    pub at: Timestamp,
    pub amounts: All,
}

/// The last hour and the last day. Cheap to clone.
#[derive(Clone, Default)]
pub struct Recent(Arc<Mutex<Rings>>);

#[derive(Default)]
struct Rings {
    last: Option<All>,
    nodes: Option<u64>,
    /// By the number of the step, in the order of [`Span::ALL`].
    rings: [VecDeque<(i64, All)>; Span::ALL.len()],
}

impl Recent {
    /// Reads the metrics from now on, every ten seconds by `now`, until the task is aborted. `collect` runs before each reading.
    pub fn follow(
        &self,
        registry: Registry,
        collect: Arc<dyn Fn() + Send + Sync>,
        now: impl Fn() -> Timestamp + Send + 'static,
    ) -> tokio::task::JoinHandle<()> {
        let recent = self.clone();
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            loop {
                ticks.tick().await;
                collect();
                recent.take(now(), &registry);
            }
        })
    }

    /// Takes a reading at `now`. The first one says where the others begin.
    pub fn take(&self, now: Timestamp, registry: &Registry) {
        let families = registry.gather();
        self.0.lock().nodes = nodes(&families);
        self.note(now, totals(&families));
    }

    fn note(&self, now: Timestamp, totals: All) {
        let mut rings = self.0.lock();
        let Some(last) = rings.last.replace(totals) else { return };
        let mut came = totals;
        came.iter_mut().zip(last).for_each(|(own, last)| *own = own.since(last));
        for (span, ring) in Span::ALL.into_iter().zip(&mut rings.rings) {
            // A clock that was set back adds to the step it was in.
            let number = ring.back().map_or(span.number(now), |(last, _)| span.number(now).max(*last));
            match ring.back_mut() {
                Some((last, amounts)) if *last == number => amounts.iter_mut().zip(came).for_each(|(own, came)| own.add(came)),
                _ => ring.push_back((number, came)),
            }
            let oldest = number - span.steps() as i64;
            while ring.len() > span.steps() || ring.front().is_some_and(|(number, _)| *number <= oldest) {
                ring.pop_front();
            }
        }
    }

    /// How many servers share the work with this one, itself included, as it last saw it. Nothing where the store is its own.
    pub fn nodes(&self) -> Option<u64> {
        self.0.lock().nodes
    }

    /// The steps of a span that were read, oldest first; those in which the server did not run are not there.
    pub fn steps(&self, span: Span) -> Vec<Step> {
        let rings = self.0.lock();
        let ring = Span::ALL.into_iter().zip(&rings.rings).find(|(own, _)| *own == span);
        let steps = ring
            .map(|(_, ring)| ring.iter().map(|(number, amounts)| Step { at: span.begin(*number), amounts: *amounts }).collect());
        steps.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts};

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn requests(count: u64) -> All {
        let mut all = All::default();
        all[0] = Amounts { count, failed: 0, timed: count, seconds: count as f64 / 100.0 };
        all
    }

    fn counts(recent: &Recent, span: Span) -> Vec<(i64, u64)> {
        let steps = recent.steps(span);
        steps.iter().map(|step| ((step.at - at(0)).num_seconds(), step.amounts[0].count)).collect()
    }

    #[test]
    fn each_step_has_what_came_in_it_and_the_first_reading_is_where_it_begins() {
        let recent = Recent::default();
        for (second, total) in [(0, 40), (9, 43), (10, 44), (21, 50), (310, 60)] {
            recent.note(at(second), requests(total));
        }
        assert_eq!(counts(&recent, Span::Hour), [(0, 3), (10, 1), (20, 6), (310, 10)]);
        assert_eq!(counts(&recent, Span::Day), [(0, 10), (300, 10)]);
        let all = Amounts::sum(recent.steps(Span::Day).iter().map(|step| step.amounts[0]));
        assert_eq!((all.count, all.mean().map(|mean| (mean * 1000.0).round())), (20, Some(10.0)));
        assert_eq!(Amounts::default().mean(), None);
    }

    #[test]
    fn memory_is_bounded_whatever_the_clock_does() {
        let recent = Recent::default();
        for step in 0..20_000_u32 {
            recent.note(at(i64::from(step) * 10), requests(u64::from(step)));
        }
        for span in Span::ALL {
            let steps = recent.steps(span);
            assert_eq!(steps.len(), span.steps(), "{span:?}");
            assert_eq!(steps.last().unwrap().at - steps[0].at, span.step() * (span.steps() as i32 - 1), "{span:?}");
        }
        // Set back, it goes on in the step where it was; far ahead, what was before is over.
        let last = counts(&recent, Span::Hour).last().copied().unwrap();
        recent.note(at(0), requests(20_007));
        assert_eq!(counts(&recent, Span::Hour).last(), Some(&(last.0, last.1 + 8)));
        recent.note(at(10_000_000), requests(20_008));
        assert_eq!(counts(&recent, Span::Hour), [(10_000_000, 1)]);
        assert_eq!(counts(&recent, Span::Day).len(), 1);
        // A metric that shrinks has stood still.
        recent.note(at(10_000_010), requests(5));
        assert_eq!(counts(&recent, Span::Hour)[1], (10_000_010, 0));
    }

    #[test]
    fn totals_are_read_from_the_metrics_by_their_names() {
        let registry = Registry::new();
        let counter = |name: &str, label: &str| {
            let counter = IntCounterVec::new(Opts::new(name, "x"), &[label]).unwrap();
            registry.register(Box::new(counter.clone())).unwrap();
            counter
        };
        let (requests, effects) = (counter("rubrica_http_requests_total", "status"), counter("rubrica_effects_total", "outcome"));
        let commands = counter("rubrica_commands_total", "outcome");
        for (counter, label, count) in [
            (&requests, "200", 5),
            (&requests, "503", 2),
            (&effects, "done", 3),
            (&effects, "retry", 1),
            (&commands, "accepted", 4),
            (&commands, "rejected", 2),
            (&commands, "unavailable", 1),
        ] {
            counter.with_label_values(&[label]).inc_by(count);
        }
        let seconds = HistogramVec::new(HistogramOpts::new("rubrica_http_request_seconds", "x"), &["route"]).unwrap();
        registry.register(Box::new(seconds.clone())).unwrap();
        [("a", 0.5), ("b", 0.25)].into_iter().for_each(|(route, time)| seconds.with_label_values(&[route]).observe(time));
        let commits = IntGauge::new("rubrica_store_commits", "x").unwrap();
        registry.register(Box::new(commits.clone())).unwrap();
        commits.set(9);
        let all = totals(&registry.gather());
        assert_eq!(all[0], Amounts { count: 7, failed: 2, timed: 2, seconds: 0.75 });
        assert_eq!((all[1].count, all[1].failed, all[2].count, all[2].failed), (7, 1, 4, 1));
        assert_eq!((all[3], all[4].count), (Amounts::default(), 9));
        let recent = Recent::default();
        recent.take(at(0), &registry);
        assert_eq!(recent.nodes(), None);
        let known = IntGauge::new("rubrica_wake_nodes", "x").unwrap();
        registry.register(Box::new(known.clone())).unwrap();
        known.set(3);
        recent.take(at(10), &registry);
        assert_eq!(recent.nodes(), Some(3));
    }

    #[tokio::test(start_paused = true)]
    async fn it_reads_by_itself_from_its_start() {
        let registry = Registry::new();
        let commits = IntGauge::new("rubrica_store_commits", "x").unwrap();
        registry.register(Box::new(commits.clone())).unwrap();
        let now = Arc::new(Mutex::new(at(0)));
        // What is counted rather than kept is counted before.
        let collect: Arc<dyn Fn() + Send + Sync> = Arc::new(move || commits.add(2));
        let recent = Recent::default();
        let clock = now.clone();
        let task = recent.follow(registry, collect, move || {
            let mut now = clock.lock();
            *now += TimeDelta::seconds(10);
            *now
        });
        tokio::time::sleep(EVERY * 3 + EVERY / 2).await;
        task.abort();
        let counts: Vec<_> = recent.steps(Span::Hour).iter().map(|step| step.amounts[4].count).collect();
        assert_eq!(counts, [2, 2, 2]);
    }
}
