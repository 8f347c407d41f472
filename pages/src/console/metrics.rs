//! C14: what the server did in the last hour and the last day, as charts with their tables.

use askama::Template;

use super::{Frame, Moment, Phrase, ServerPart};
use crate::render;

/// The charts of a span.
#[derive(Debug, Template)]
#[template(path = "console/metrics.html")]
pub struct Metrics {
    pub frame: Frame,
    pub part: ServerPart,
    pub spans: Vec<SpanChip>,
    /// What is shown, with the length of a step.
    pub about: Phrase,
    /// The first and the last moment of all charts.
    pub begins: Moment,
    pub ends: Moment,
    /// None where nothing was measured yet.
    pub graphs: Vec<Graph>,
}

/// A span to choose.
#[derive(Debug)]
pub struct SpanChip {
    /// As a key.
    pub words: &'static str,
    pub link: String,
    pub is_on: bool,
}

/// One chart and its table.
#[derive(Debug)]
pub struct Graph {
    /// As keys: what is shown, and what counts as failed.
    pub title: &'static str,
    pub about: &'static str,
    /// Steps of the whole span.
    pub steps: usize,
    /// Those of which something is known, in any order.
    pub bars: Vec<Bar>,
    /// What the highest bar stands for.
    pub largest: Phrase,
    /// Newest first.
    pub rows: Vec<Stretch>,
}

/// What is known of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// Its place among the steps, from 0.
    pub place: usize,
    /// Not negative; in a unit of the chart's own.
    pub value: f64,
    /// The part of it that failed.
    pub failed: f64,
}

/// A row of the table.
#[derive(Debug)]
pub struct Stretch {
    pub from: Moment,
    pub count: u64,
    pub failed: u64,
    /// With its unit, where it is measured.
    pub mean: Option<String>,
}

/// A rectangle of a chart, in its own units.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    shape: &'static str,
    x: usize,
    y: usize,
    height: usize,
}

/// Height of a chart, and width of a step in it.
const HEIGHT: usize = 120;
const STEP: usize = 2;

impl Graph {
    fn width(&self) -> usize {
        self.steps * STEP
    }

    fn height(&self) -> usize {
        HEIGHT
    }

    /// What failed stands below what did not.
    fn pieces(&self) -> Vec<Piece> {
        let largest = self.bars.iter().map(|bar| bar.value).fold(0.0, f64::max);
        let level = |value: f64| ((value / largest) * (HEIGHT - 6) as f64).clamp(0.0, (HEIGHT - 6) as f64).round() as usize;
        let mut pieces = Vec::new();
        for bar in self.bars.iter().filter(|bar| bar.value > 0.0 && bar.place < self.steps) {
            let x = bar.place * STEP;
            // What is there is seen, however little it is.
            let failed = if bar.failed > 0.0 { level(bar.failed).max(2) } else { 0 };
            let whole = level(bar.value).max(1).max(failed);
            if failed > 0 {
                pieces.push(Piece { shape: "failed", x, y: HEIGHT - failed, height: failed });
            }
            if whole > failed {
                pieces.push(Piece { shape: "created", x, y: HEIGHT - whole, height: whole - failed });
            }
        }
        pieces
    }
}

impl Metrics {
    pub fn html(&self) -> String {
        render(self)
    }

    fn label(&self, graph: &Graph) -> String {
        self.frame.say(&Phrase::new("console.metrics.chart").word("title", graph.title))
    }

    fn table(&self, graph: &Graph) -> String {
        self.frame.say(&Phrase::new("console.metrics.table").word("title", graph.title))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(bars: &[(usize, f64, f64)]) -> Graph {
        let bar = |(place, value, failed)| Bar { place, value, failed };
        let bars = bars.iter().copied().map(bar).collect();
        let largest = Phrase::new("console.metrics.longest");
        Graph {
            title: "console.metrics.store",
            about: "console.metrics.store_about",
            steps: 360,
            bars,
            largest,
            rows: Vec::new(),
        }
    }

    #[test]
    fn pieces_stand_on_each_other_and_stay_within_the_chart() {
        let graph = graph(&[(0, 0.0, 0.0), (3, 1000.0, 1.0), (4, 1.0, 0.0), (359, 500.0, 500.0), (360, 1.0, 0.0)]);
        let pieces = graph.pieces();
        for piece in &pieces {
            assert!(piece.height >= 1 && piece.y + piece.height <= HEIGHT && piece.x + STEP <= graph.width(), "{piece:?}");
        }
        let at: Vec<_> = pieces.iter().map(|piece| (piece.x / STEP, piece.shape)).collect();
        assert_eq!(at, [(3, "failed"), (3, "created"), (4, "created"), (359, "failed")]);
        assert_eq!(pieces[1].y + pieces[1].height, pieces[0].y);
    }

    #[test]
    fn nothing_is_drawn_where_nothing_was() {
        assert_eq!(graph(&[]).pieces(), []);
        assert_eq!(graph(&[(1, 0.0, 0.0)]).pieces(), []);
    }
}
