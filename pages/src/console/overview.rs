//! C2: what needs attention, and how things go.

use askama::Template;

use super::{Frame, Phrase, Status};
use crate::render;

/// The first page of an organization.
#[derive(Debug, Template)]
#[template(path = "console/overview.html")]
pub struct Overview {
    pub frame: Frame,
    /// What somebody should look at, the most urgent first.
    pub attention: Vec<Attention>,
    /// Processes made in the last 24 hours, by their state now.
    pub today: Vec<Count>,
    /// The last 30 days.
    pub chart: Chart,
    /// What was counted, where not all processes were.
    pub partial: Option<Phrase>,
    /// The commands that make a first process, where there is none.
    pub first: Option<Vec<String>>,
}

/// Something to look at.
#[derive(Debug)]
pub struct Attention {
    pub words: Phrase,
    /// Where it is seen in detail.
    pub link: Option<String>,
    /// Whether it harms already.
    pub is_grave: bool,
}

/// How many processes are in a state.
#[derive(Debug)]
pub struct Count {
    pub status: Status,
    pub count: usize,
    pub link: String,
}

/// Bars of days.
#[derive(Debug, Default)]
pub struct Chart {
    /// Oldest first.
    pub columns: Vec<Column>,
    /// The largest number of a day, at least 1.
    pub largest: usize,
}

/// A day.
#[derive(Debug)]
pub struct Column {
    /// `2026-11-27`.
    pub day: String,
    /// By state, in the order of [`Status::ALL`].
    pub counts: [usize; 6],
}

/// A part of a bar, in the chart's own units.
#[derive(Debug, PartialEq, Eq)]
pub struct Stack {
    pub shape: &'static str,
    pub x: usize,
    pub y: usize,
    pub height: usize,
}

/// Height of the chart, and width of a day in it.
const HEIGHT: usize = 120;
const DAY: usize = 20;

impl Chart {
    fn width(&self) -> usize {
        self.columns.len() * DAY
    }

    fn height(&self) -> usize {
        HEIGHT
    }

    /// The parts of all bars, from below.
    pub fn stacks(&self) -> Vec<Stack> {
        let mut stacks = Vec::new();
        for (position, column) in self.columns.iter().enumerate() {
            let mut counted = 0;
            for (status, count) in Status::ALL.into_iter().zip(column.counts).filter(|(_, count)| *count > 0) {
                // From sums, so that no rounding adds up.
                let (low, high) = (self.level(counted), self.level(counted + count));
                counted += count;
                let height = (high - low).max(1);
                stacks.push(Stack { shape: status.shape(), x: position * DAY + 2, y: HEIGHT - low - height, height });
            }
        }
        stacks
    }

    fn level(&self, count: usize) -> usize {
        count * (HEIGHT - 6) / self.largest.max(1)
    }

    fn statuses(&self) -> [Status; 6] {
        Status::ALL
    }

    /// Days on which something happened, newest first: the table below the chart.
    fn days(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().rev().filter(|column| column.counts.iter().any(|count| *count > 0))
    }
}

impl Overview {
    pub fn html(&self) -> String {
        render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stand_on_each_other_and_stay_within_the_chart() {
        let column = |counts| Column { day: String::new(), counts };
        let chart =
            Chart { columns: vec![column([0; 6]), column([1, 0, 7, 0, 0, 2]), column([1000, 0, 0, 0, 0, 1])], largest: 1001 };
        let stacks = chart.stacks();
        assert_eq!(stacks.len(), 5);
        for stack in &stacks {
            assert!(stack.height >= 1 && stack.y + stack.height <= HEIGHT, "{stack:?}");
        }
        let [.., below, above] = &stacks[..] else { panic!("{stacks:?}") };
        assert!((above.x, above.y + above.height) == (below.x, below.y), "{below:?} {above:?}");
    }
}
