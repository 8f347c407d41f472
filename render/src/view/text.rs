//! The text of a page, as the interpreter that draws it comes to its glyphs: what can be selected lies where its letters are drawn.
//!
//! Text that is drawn invisibly, as by text recognition, is text; what lies outside the page is not. Nothing in a PDF says where a word ends:
//! between two glyphs there is a gap or none, which shows by the advance width of the first.

use hayro::{
    hayro_interpret::{
        BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps, InterpreterCache, InterpreterSettings,
        SoftMask, TransformExt,
        font::{Glyph, GlyphRun},
        hayro_cmap::{BfString, WritingMode},
        interpret_page,
    },
    hayro_syntax::page::Page,
    kurbo::{Affine, BezPath, Point, Rect, Vec2},
};
use serde::{Deserialize, Serialize};

use super::{MAX_RUNS, MAX_TEXT};

/// Units of a glyph's space per em (ISO 32000-2, 9.2.4).
const UNITS: f64 = 1000.0;

/// Parts of the font's size that a run reaches above and below its baseline.
const ABOVE: f64 = 0.8;
const BELOW: f64 = 0.2;

/// Gaps between glyphs of a run, in parts of the font's size: from this one on two words, beyond the next another run (a column, the cell of a
/// table). A glyph may go back by so much, as kerning and accents do.
const WORD_GAP: f64 = 0.15;
const RUN_GAP: f64 = 1.5;
const BACK: f64 = 0.5;

/// How far a glyph of the same run may be above or below its baseline, in parts of the font's size: letters that are raised.
const OFF_BASELINE: f64 = 0.4;

/// How much larger or smaller a glyph of the same run may be.
const SIZES: std::ops::RangeInclusive<f64> = 0.5..=2.0;

/// Runs that are remembered, to know those that are drawn once more, as bold letters are made.
const REMEMBERED: usize = 2;

/// Letters in one line that are drawn together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The box around it: left, top, width and height in points from the upper left corner of the page as it is shown.
    pub x: f64,
    pub y: f64,
    pub w: f64,
    pub h: f64,
    pub s: String,
}

/// How much of a page's text is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextState {
    /// All of it.
    Complete,
    /// There is none: an empty page, or a picture of one.
    None,
    /// A part: there are letters of which the document does not tell which they are, or there is more than is told.
    Partial,
    /// The page cannot be read.
    Unavailable,
}

/// Reads pages of one document.
pub struct Reader<'a> {
    cache: InterpreterCache<'a>,
}

impl<'a> Reader<'a> {
    pub fn new() -> Self {
        Self { cache: InterpreterCache::new() }
    }

    /// The text of a page.
    pub fn read(&self, page: &'a Page<'a>) -> (Vec<Run>, TextState) {
        let (width, height) = page.render_dimensions();
        let shown = Rect::new(0.0, 0.0, width.into(), height.into());
        let transform = page.initial_transform(true).to_kurbo();
        let mut context = Context::new(transform, shown, &self.cache, page.xref(), InterpreterSettings::default());
        let mut collector = Collector::new(shown);
        interpret_page(page, &mut context, &mut collector);
        collector.finish()
    }
}

/// To a tenth of a point, for short JSON, which has no word for what is not finite.
pub fn rounded(points: f64) -> f64 {
    if points.is_finite() { (points * 10.0).round() / 10.0 } else { 0.0 }
}

/// A glyph as it is placed on the page.
struct Placed {
    text: String,
    origin: Point,
    /// Where the next glyph of its word begins.
    end: Point,
    /// One em to the right, on the page.
    along: Vec2,
    /// One em upwards, on the page.
    up: Vec2,
}

/// A run that goes on.
struct Open {
    s: String,
    origin: Point,
    end: Point,
    along: Vec2,
    up: Vec2,
    /// Around its glyphs.
    covered: Rect,
}

struct Collector {
    shown: Rect,
    open: Option<Open>,
    runs: Vec<Run>,
    bytes: usize,
    /// Where the glyphs of the last runs of the content begin, and which: the same once more, as for an outline, is no text.
    drawn: Vec<Vec<(Point, String)>>,
    is_partial: bool,
}

impl Collector {
    fn new(shown: Rect) -> Self {
        Self { shown, open: None, runs: Vec::new(), bytes: 0, drawn: Vec::new(), is_partial: false }
    }

    fn is_full(&self) -> bool {
        self.runs.len() >= MAX_RUNS || self.bytes >= MAX_TEXT
    }

    fn add(&mut self, glyph: Placed) {
        let follows = self.open.as_ref().and_then(|open| open.gap_before(&glyph));
        if follows.is_none() {
            self.close();
        }
        if self.is_full() {
            self.is_partial = true;
            return;
        }
        let covered = glyph.covered();
        let Some(open) = &mut self.open else {
            // A space alone begins nothing.
            if glyph.text.trim().is_empty() {
                return;
            }
            self.bytes += glyph.text.len();
            let Placed { text, origin, end, along, up } = glyph;
            self.open = Some(Open { s: text, origin, end, along, up, covered });
            return;
        };
        let is_blank = glyph.text.trim().is_empty();
        let ends_blank = open.s.ends_with(char::is_whitespace);
        if follows.is_some_and(|gap| gap >= WORD_GAP) && !ends_blank && !is_blank {
            open.s.push(' ');
            self.bytes += 1;
        }
        // Several spaces in a row are one gap.
        if !(is_blank && ends_blank) {
            open.s.push_str(&glyph.text);
            self.bytes += glyph.text.len();
        }
        if !is_blank {
            open.covered = open.covered.union(covered);
        }
        open.end = glyph.end;
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let s = open.s.trim_end();
        if s.is_empty() || !open.covered.is_finite() || !open.covered.overlaps(self.shown) {
            return;
        }
        let Rect { x0, y0, .. } = open.covered;
        let (w, h) = (open.covered.width(), open.covered.height());
        self.runs.push(Run { x: rounded(x0), y: rounded(y0), w: rounded(w), h: rounded(h), s: s.to_owned() });
    }

    fn finish(mut self) -> (Vec<Run>, TextState) {
        self.close();
        let state = match (self.is_partial, self.runs.is_empty()) {
            (true, _) => TextState::Partial,
            (false, true) => TextState::None,
            (false, false) => TextState::Complete,
        };
        (self.runs, state)
    }

    fn is_drawn_again(&mut self, glyphs: &[Placed]) -> bool {
        let close = |a: Point, b: Point, size: f64| (a - b).hypot() <= size * 0.1;
        let is_same = |drawn: &Vec<(Point, String)>| {
            drawn.len() == glyphs.len()
                && drawn
                    .iter()
                    .zip(glyphs)
                    .all(|((at, text), glyph)| *text == glyph.text && close(*at, glyph.origin, glyph.up.hypot()))
        };
        if self.drawn.iter().any(is_same) {
            return true;
        }
        if self.drawn.len() >= REMEMBERED {
            self.drawn.remove(0);
        }
        self.drawn.push(glyphs.iter().map(|glyph| (glyph.origin, glyph.text.clone())).collect());
        false
    }
}

impl Open {
    /// The gap before a glyph that goes on with this run, in parts of the font's size; `None` if it does not.
    fn gap_before(&self, glyph: &Placed) -> Option<f64> {
        let (size, length) = (self.up.hypot(), self.along.hypot());
        let is_same_way = self.along.dot(glyph.along) > 0.99 * length * glyph.along.hypot();
        if !is_same_way || !SIZES.contains(&(glyph.up.hypot() / size)) {
            return None;
        }
        let along = self.along / length;
        let off = (glyph.origin - self.origin).cross(along).abs() / size;
        let gap = (glyph.origin - self.end).dot(along) / size;
        (off <= OFF_BASELINE && (-BACK..=RUN_GAP).contains(&gap)).then_some(gap)
    }
}

impl Placed {
    /// `None` for what is nowhere, or has no size.
    fn new(glyph: &Glyph<'_>, transform: Affine, is_vertical: bool) -> Option<Self> {
        let [a, b, c, d, e, f] = transform.as_coeffs();
        let (right, up, origin) = (Vec2::new(a, b) * UNITS, Vec2::new(c, d) * UNITS, Point::new(e, f));
        let sizes = [right.hypot(), up.hypot(), origin.to_vec2().hypot()];
        if sizes.iter().any(|size| !size.is_finite()) || sizes.iter().take(2).any(|size| *size < 1e-3) {
            return None;
        }
        let text = match glyph.as_unicode() {
            Some(unicode) => letters(unicode),
            None => String::new(),
        };
        let advance = match glyph {
            Glyph::Outline(outline) => outline.advance_width(),
            Glyph::Type3(glyph) => glyph.advance_width(),
        };
        let advance = advance.filter(|advance| advance.is_finite()).map_or(0.5, |advance| f64::from(advance) / UNITS);
        // Lines that go down: each glyph is one em high there, and what is above it is to its right.
        let (along, up, advance) = if is_vertical { (-up, right, 1.0) } else { (right, up, advance) };
        Some(Self { text, origin, end: origin + along * advance, along, up })
    }

    fn covered(&self) -> Rect {
        let (above, below) = (self.up * ABOVE, self.up * -BELOW);
        Rect::from_points(self.origin + above, self.end + below).union(Rect::from_points(self.origin + below, self.end + above))
    }
}

/// Without what is no letter: controls, and the mark of text that went the wrong way.
fn letters(unicode: BfString) -> String {
    let text = match unicode {
        BfString::Char(letter) => String::from(letter),
        BfString::String(text) => text,
    };
    // A code stands for a ligature of some letters at most.
    let is_letter = |letter: &char| !letter.is_control() || *letter == '\t';
    text.chars().filter(is_letter).take(16).map(|letter| if letter.is_whitespace() { ' ' } else { letter }).collect()
}

impl<'a> Device<'a> for Collector {
    fn draw_glyph_run(&mut self, glyph_run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        if self.is_full() {
            self.is_partial = true;
            return;
        }
        let is_vertical = matches!(glyph_run.writing_mode(), WritingMode::Vertical);
        let placed = glyph_run.glyphs().iter().map(|glyph| Placed::new(glyph, props.transform * glyph.transform(), is_vertical));
        let placed: Vec<Placed> = placed.flatten().collect();
        if self.is_drawn_again(&placed) {
            return;
        }
        for glyph in placed {
            // A glyph of which nobody can tell what it is.
            self.is_partial |= glyph.text.is_empty();
            if !glyph.text.is_empty() {
                self.add(glyph);
            }
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
