//! The content streams of appearances: backgrounds and borders, text, marks of buttons, and the form XObject around them.

use std::fmt::Write;

use lopdf::{Dictionary, Object, Stream, dictionary};

use super::layout::Laid;
use super::number::N;
use super::style::{Colour, Line, Panel};
use crate::text::subset::compressed;

/// Bytes of a content that is worth its compression: most are one short text.
const COMPRESSED_FROM: usize = 4096;
/// For a curve that looks like a quarter of a circle, in radii.
const ARC: f32 = 0.552_285;

/// A content stream that is being written.
#[derive(Default)]
pub(super) struct Canvas {
    content: String,
}

impl Canvas {
    /// Appends operators. Writing to a string does not fail.
    pub(super) fn op(&mut self, operators: std::fmt::Arguments<'_>) {
        let _ = self.content.write_fmt(operators);
        self.content.push('\n');
    }

    pub(super) fn is_empty(&self) -> bool {
        self.content.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.content.len()
    }

    /// Background and border of a rectangle.
    pub(super) fn panel(&mut self, panel: &Panel, width: f32, height: f32) {
        if let Some(background) = panel.background {
            self.op(format_args!("q {} 0 0 {} {} re f Q", background.fill(), N(width), N(height)));
        }
        let line = panel.width.min(width.min(height) / 2.0);
        if line <= 0.0 {
            return;
        }
        let Some(border) = panel.border else { return };
        if matches!(panel.line, Line::Beveled | Line::Inset) {
            self.bevel(panel, width, height, line);
        }
        let half = line / 2.0;
        self.op(format_args!("q {} {} w", border.stroke(), N(line)));
        if let Line::Dashed(dashes) = &panel.line {
            let dashes: String = dashes.iter().map(|dash| format!("{} ", N(*dash))).collect();
            self.op(format_args!("[{dashes}] 0 d"));
        }
        match panel.line {
            Line::Underlined => self.op(format_args!("0 {0} m {1} {0} l S Q", N(half), N(width))),
            _ => self.op(format_args!("{0} {0} {1} {2} re S Q", N(half), N(width - line), N(height - line))),
        }
    }

    /// The light and the dark edge inside a border.
    fn bevel(&mut self, panel: &Panel, width: f32, height: f32, line: f32) {
        let (upper, lower) = match panel.line {
            Line::Inset => (Colour::Gray(0.5), Colour::Gray(0.75)),
            _ => (Colour::WHITE, panel.background.unwrap_or(Colour::WHITE).darker()),
        };
        let inner = (2.0 * line).min(width.min(height) / 2.0);
        let (right, top) = (width - line, height - line);
        let (inner_right, inner_top) = (width - inner, height - inner);
        self.op(format_args!(
            "q {} {line:.3} {line:.3} m {line:.3} {top:.3} l {right:.3} {top:.3} l {inner_right:.3} {inner_top:.3} l \
             {inner:.3} {inner_top:.3} l {inner:.3} {inner:.3} l f",
            upper.fill()
        ));
        self.op(format_args!(
            "{} {right:.3} {top:.3} m {right:.3} {line:.3} l {line:.3} {line:.3} l {inner:.3} {inner:.3} l \
             {inner_right:.3} {inner:.3} l {inner_right:.3} {inner_top:.3} l f Q",
            lower.fill()
        ));
    }

    /// The lines between the cells of a comb.
    pub(super) fn dividers(&mut self, panel: &Panel, width: f32, height: f32, cells: i64) {
        let Some(border) = panel.border.filter(|_| panel.width > 0.0) else { return };
        self.op(format_args!("q {} {} w", border.stroke(), N(panel.width)));
        for cell in 1..cells {
            let x = width * cell as f32 / cells as f32;
            self.op(format_args!("{0} 0 m {0} {1} l S", N(x), N(height)));
        }
        self.op(format_args!("Q"));
    }

    /// A round background and border.
    pub(super) fn disc(&mut self, panel: &Panel, width: f32, height: f32) {
        let radius = width.min(height) / 2.0;
        if let Some(background) = panel.background {
            self.op(format_args!("q {}", background.fill()));
            self.circle(width / 2.0, height / 2.0, radius);
            self.op(format_args!("f Q"));
        }
        let line = panel.width.min(radius);
        if let Some(border) = panel.border.filter(|_| line > 0.0) {
            self.op(format_args!("q {} {} w", border.stroke(), N(line)));
            self.circle(width / 2.0, height / 2.0, radius - line / 2.0);
            self.op(format_args!("S Q"));
        }
    }

    fn circle(&mut self, x: f32, y: f32, radius: f32) {
        let bend = radius * ARC;
        self.op(format_args!("{:.3} {y:.3} m", x + radius));
        for (dx, dy) in [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)] {
            // From the direction (dx, dy) a quarter counterclockwise to (-dy, dx).
            let (ex, ey): (f32, f32) = (-dy, dx);
            self.op(format_args!(
                "{:.3} {:.3} {:.3} {:.3} {:.3} {:.3} c",
                x + dx * radius + ex * bend,
                y + dy * radius + ey * bend,
                x + ex * radius + dx * bend,
                y + ey * radius + dy * bend,
                x + ex * radius,
                y + ey * radius
            ));
        }
        self.op(format_args!("h"));
    }

    /// Text in its place. `shown` are the operators of the lines.
    pub(super) fn text(&mut self, laid: &Laid<'_>, shown: &[String], colour: Colour) {
        if shown.is_empty() {
            return;
        }
        self.op(format_args!("BT {}", colour.fill()));
        for (line, operators) in laid.lines.iter().zip(shown) {
            self.op(format_args!("1 0 0 1 {} {} Tm {operators}", N(line.x), N(line.baseline)));
        }
        self.op(format_args!("ET"));
    }

    /// The form XObject of an appearance: upright, turned counterclockwise by `rotation` degrees into the widget's rectangle.
    pub(super) fn into_form(self, width: f32, height: f32, rotation: i64, resources: Dictionary) -> Stream {
        let real = Object::Real;
        let matrix = match rotation {
            90 => vec![0.into(), 1.into(), (-1).into(), 0.into(), real(height), 0.into()],
            180 => vec![(-1).into(), 0.into(), 0.into(), (-1).into(), real(width), real(height)],
            270 => vec![0.into(), (-1).into(), 1.into(), 0.into(), 0.into(), real(width)],
            _ => [1, 0, 0, 1, 0, 0].map(Object::Integer).to_vec(),
        };
        let dictionary = dictionary! {
            "Type" => "XObject", "Subtype" => "Form", "FormType" => 1, "Matrix" => matrix, "Resources" => resources,
            "BBox" => vec![0.into(), 0.into(), real(width), real(height)],
        };
        let content = self.content.into_bytes();
        if content.len() < COMPRESSED_FROM { Stream::new(dictionary, content) } else { compressed(dictionary, content) }
    }
}
