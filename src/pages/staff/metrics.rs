//! C14: what this server did in the last hour and the last day.

use std::collections::BTreeMap;

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, TimeDelta, Utc};
use pages::console::{self, Bar, Graph, NavPart, Phrase, ServerPart, SpanChip, Stretch};

use super::visit::Visit;
use crate::recent::{Amounts, Measure, Span, Step};

/// A span in addresses and for people, the length of its steps in words that all languages share, and that of a row of the tables.
fn words(span: Span) -> (&'static str, &'static str, &'static str, TimeDelta) {
    match span {
        Span::Hour => ("hour", "console.metrics.hour", "10 s", TimeDelta::minutes(5)),
        Span::Day => ("day", "console.metrics.day", "5 min", TimeDelta::hours(1)),
    }
}

/// What a measure is for people, and what counts as failed.
fn keys(measure: Measure) -> (&'static str, &'static str) {
    match measure {
        Measure::Requests => ("console.metrics.requests", "console.metrics.requests_about"),
        Measure::Commands => ("console.metrics.commands", "console.metrics.commands_about"),
        Measure::Effects => ("console.metrics.effects", "console.metrics.effects_about"),
        Measure::WakeUps => ("console.metrics.wakeups", "console.metrics.wakeups_about"),
        Measure::Store => ("console.metrics.store", "console.metrics.store_about"),
    }
}

/// A time as people read it.
fn time(seconds: f64) -> String {
    match seconds * 1000.0 {
        millis if millis < 10.0 => format!("{millis:.1} ms"),
        millis if millis < 1000.0 => format!("{millis:.0} ms"),
        millis => format!("{:.2} s", millis / 1000.0),
    }
}

/// The charts.
pub async fn page(request: HttpRequest) -> HttpResponse {
    Visit::run(request, Some(NavPart::Server), async |visit| {
        let asked = visit.call.parameter("span");
        let span = Span::ALL.into_iter().find(|span| asked.as_deref() == Some(words(*span).0)).unwrap_or(Span::Hour);
        let address = |span| format!("{}/metrics?span={}", visit.here().path, words(span).0);
        let chip = |own: Span| SpanChip { words: words(own).1, link: address(own), is_on: own == span };
        let ends = span.begin_of(visit.call.now()) + span.step();
        let begins = ends - span.step() * i32::try_from(span.steps()).unwrap_or(i32::MAX);
        let steps = visit.site().recent.steps(span);
        let steps: Vec<Step> = steps.into_iter().filter(|step| begins <= step.at && step.at < ends).collect();
        let graphs = Measure::ALL.into_iter().enumerate();
        let graphs = graphs.map(|(place, measure)| graph(visit, (span, begins), measure, &of(&steps, place)));
        let minute = |at| visit.site().minute(&visit.organization, at);
        let page = console::Metrics {
            frame: visit.frame(),
            part: ServerPart::Metrics,
            spans: Span::ALL.map(chip).into(),
            about: Phrase::new("console.metrics.about").with("step", words(span).2),
            begins: minute(begins),
            ends: minute(ends),
            graphs: if steps.is_empty() { Vec::new() } else { graphs.collect() },
        };
        Ok(visit.page(page.html()))
    })
    .await
}

/// One measure of all steps, by their beginnings.
type Series = Vec<(DateTime<Utc>, Amounts)>;

fn of(steps: &[Step], place: usize) -> Series {
    steps.iter().map(|step| (step.at, step.amounts[place])).collect()
}

fn graph(visit: &Visit, (span, begins): (Span, DateTime<Utc>), measure: Measure, series: &Series) -> Graph {
    let (title, about) = keys(measure);
    let (_, _, step, row) = words(span);
    let bars: Vec<Bar> = series.iter().filter_map(|(at, amounts)| bar(measure, place(span, begins, *at)?, amounts)).collect();
    let largest = bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
    let largest = match measure {
        _ if largest <= 0.0 => Phrase::new("console.metrics.nothing"),
        Measure::WakeUps => Phrase::new("console.metrics.longest").with("value", time(largest)),
        _ => Phrase::new("console.metrics.largest").with("value", largest.round() as u64).with("step", step),
    };
    let stretch = |(from, amounts): (DateTime<Utc>, Amounts)| Stretch {
        from: visit.site().minute(&visit.organization, from),
        count: amounts.count,
        failed: amounts.failed,
        mean: amounts.mean().map(time),
    };
    let rows = rows(series, row).into_iter().rev().map(stretch).collect();
    Graph { title, about, steps: span.steps(), bars, largest, rows }
}

/// The place of a step among those of its span.
fn place(span: Span, begins: DateTime<Utc>, at: DateTime<Utc>) -> Option<usize> {
    usize::try_from((at - begins).num_seconds() / span.step().num_seconds()).ok()
}

/// How high a step stands: how many there were; of wake-ups how late they were on average, in seconds.
fn bar(measure: Measure, place: usize, amounts: &Amounts) -> Option<Bar> {
    match measure {
        Measure::WakeUps => Some(Bar { place, value: amounts.mean()?, failed: 0.0 }),
        // Of wake-ups and of the store what failed is not among the others.
        Measure::Store => Some(Bar { place, value: (amounts.count + amounts.failed) as f64, failed: amounts.failed as f64 }),
        _ => Some(Bar { place, value: amounts.count as f64, failed: amounts.failed as f64 }),
    }
}

/// Steps summed to the rows of a table, oldest first.
fn rows(series: &Series, length: TimeDelta) -> Vec<(DateTime<Utc>, Amounts)> {
    let seconds = length.num_seconds().max(1);
    let mut rows: BTreeMap<DateTime<Utc>, Vec<Amounts>> = BTreeMap::new();
    for (at, amounts) in series {
        let from = DateTime::from_timestamp(at.timestamp().div_euclid(seconds) * seconds, 0).unwrap_or(*at);
        rows.entry(from).or_default().push(*amounts);
    }
    rows.into_iter().map(|(from, amounts)| (from, Amounts::sum(amounts))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn rows_of_the_table_are_sums_of_whole_stretches() {
        let amounts = |count, seconds| Amounts { count, failed: 1, timed: count, seconds };
        let series = vec![(at(290), amounts(2, 1.0)), (at(300), amounts(3, 0.5)), (at(590), amounts(1, 0.5))];
        let rows = rows(&series, TimeDelta::minutes(5));
        let seen: Vec<_> = rows.iter().map(|(from, amounts)| (*from, amounts.count, amounts.failed, amounts.mean())).collect();
        assert_eq!(seen, [(at(0), 2, 1, Some(0.5)), (at(300), 4, 2, Some(0.25))]);
    }

    #[test]
    fn a_step_stands_at_its_place() {
        for (second, expected) in [(0, Some(0)), (10, Some(1)), (3_590, Some(359))] {
            assert_eq!(place(Span::Hour, at(0), at(second)), expected);
        }
        assert_eq!(place(Span::Day, at(0), at(86_100)), Some(287));
    }

    #[test]
    fn times_are_read_at_a_glance() {
        for (seconds, words) in [(0.000_4, "0.4 ms"), (0.0123, "12 ms"), (1.234_5, "1.23 s"), (61.0, "61.00 s")] {
            assert_eq!(time(seconds), words);
        }
    }

    #[test]
    fn late_wake_ups_are_shown_by_how_late_they_were() {
        let amounts = Amounts { count: 4, failed: 1, timed: 4, seconds: 2.0 };
        assert_eq!(bar(Measure::WakeUps, 7, &amounts), Some(Bar { place: 7, value: 0.5, failed: 0.0 }));
        assert_eq!(bar(Measure::WakeUps, 7, &Amounts::default()), None);
        assert_eq!(bar(Measure::Requests, 7, &amounts), Some(Bar { place: 7, value: 4.0, failed: 1.0 }));
        assert_eq!(bar(Measure::Store, 7, &amounts), Some(Bar { place: 7, value: 5.0, failed: 1.0 }));
    }
}
