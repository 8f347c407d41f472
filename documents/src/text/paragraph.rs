//! A text without line ends, analysed once: how wide it is, where it breaks, and the glyphs of each line.

use std::ops::Range;

use unicode_bidi::BidiInfo;

use super::face::{Face, Reach, Shaped};
use super::items::{Item, items};
use super::library::{Library, Look, Typeface, library};
use super::lines::{Break, Measured};
use super::order;

/// Shaped lines of joined letters may be wider than the letters were within the text; so often a narrower limit is tried.
const MAX_TRIES: usize = 6;

/// Where a line has room for a few letters only, a narrower limit is a letter less, or none. So often it is halved then, which ends at one in each line.
const MAX_HALVINGS: usize = 5;

/// A text without line ends.
pub(crate) struct Paragraph<'t> {
    text: &'t str,
    bidi: Option<BidiInfo<'t>>,
    items: Vec<Item>,
    measured: Measured,
    /// Drawn for what has no glyph.
    replacement: char,
}

/// The glyphs of a line.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Line {
    /// From left to right.
    pub(crate) runs: Vec<Run>,
    /// Advance width, in thousandths of the font size.
    pub(crate) width: f32,
}

/// Glyphs of one font.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Run {
    pub(crate) face: &'static Face,
    pub(crate) is_rtl: bool,
    /// What the glyphs mean, in the order of the text.
    pub(crate) text: String,
    /// From left to right.
    pub(crate) glyphs: Vec<Glyph>,
}

/// A glyph in its place. Measures are in thousandths of the font size.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Glyph {
    pub(crate) id: u16,
    pub(crate) advance: f32,
    /// How far it is moved from its place.
    pub(crate) right: f32,
    pub(crate) up: f32,
    /// The cluster that it belongs to, in bytes of the run's text. Glyphs of one cluster are neighbours.
    pub(crate) cluster: Range<usize>,
}

impl<'t> Paragraph<'t> {
    /// `replacement` is drawn for what no font has; the fonts of the program must have it.
    pub(crate) fn new(text: &'t str, look: Look, replacement: char) -> Self {
        Self::of(library(), text, look, replacement)
    }

    pub(super) fn of(library: &Library, text: &'t str, look: Look, replacement: char) -> Self {
        let bidi = order::levels(text, None);
        let items = items(library, text, bidi.as_ref().map(|bidi| bidi.levels.as_slice()), look);
        let mut paragraph = Self { text, bidi, items, measured: Measured::default(), replacement };
        let mut clusters: Vec<(usize, f32)> = Vec::new();
        for item in &paragraph.items {
            let first = clusters.len();
            for shaped in paragraph.shape(item, item.range.clone(), 0..text.len()) {
                match clusters[first..].last_mut() {
                    Some((start, advance)) if *start == shaped.start => *advance += shaped.advance,
                    _ => clusters.push((shaped.start, shaped.advance)),
                }
            }
            // Glyphs are from left to right.
            if item.level.is_rtl() {
                clusters[first..].reverse();
            }
        }
        paragraph.measured = Measured::of(text, clusters);
        paragraph
    }

    /// Advance width, in thousandths of the font size.
    pub(crate) fn width(&self) -> f32 {
        self.measured.width()
    }

    /// How far its fonts reach. `None`: it is empty.
    pub(crate) fn reach(&self) -> Option<Reach> {
        self.items.iter().map(|item| self.face(item).reach()).reduce(Reach::with)
    }

    /// The lines as parts of the text, see [`Measured::lines`].
    pub(crate) fn lines(&self, limit: f32, words: Break, most: usize) -> Option<Vec<Range<usize>>> {
        let mut lines = self.measured.lines(limit, words, most)?;
        if self.items.iter().all(|item| !is_joined(item)) || lines.len() < 2 {
            return Some(lines);
        }
        let mut narrower = limit;
        for tries in 0..MAX_TRIES + MAX_HALVINGS {
            if lines.iter().all(|line| self.line(self.trimmed(line.clone())).width <= limit) {
                break;
            }
            narrower *= if tries < MAX_TRIES { 0.96 } else { 0.5 };
            lines = match self.measured.lines(narrower, words, most) {
                Some(lines) => lines,
                None if tries < MAX_TRIES => return None,
                // More lines than are wanted: then rather some that are too wide.
                None => break,
            };
        }
        Some(lines)
    }

    /// How many bytes of the text fit into `limit` thousandths of the font size.
    pub(crate) fn prefix(&self, limit: f32) -> usize {
        self.measured.prefix(limit)
    }

    /// A part of the text without the spaces at its end.
    pub(crate) fn trimmed(&self, range: Range<usize>) -> Range<usize> {
        range.start..range.start + self.text[range].trim_end_matches(' ').len()
    }

    /// The glyphs of a part of the text that is one line.
    pub(crate) fn line(&self, range: Range<usize>) -> Line {
        let mut line = Line::default();
        for run in self.visual_runs(range.clone()) {
            let first = self.items.partition_point(|item| item.range.end <= run.start);
            let parts: Vec<(&Item, Range<usize>)> = self.items[first..]
                .iter()
                .take_while(|item| item.range.start < run.end)
                .map(|item| (item, item.range.start.max(run.start)..item.range.end.min(run.end)))
                .collect();
            let is_turned = parts.first().is_some_and(|(item, _)| item.level.is_rtl());
            let mut place = |(item, part): &(&Item, Range<usize>)| line.push(self.run(item, part.clone(), &range));
            if is_turned { parts.iter().rev().for_each(&mut place) } else { parts.iter().for_each(&mut place) }
        }
        line
    }

    /// Parts of a line that have one direction, from left to right.
    fn visual_runs(&self, line: Range<usize>) -> Vec<Range<usize>> {
        match self.bidi.as_ref().and_then(|bidi| Some((bidi, bidi.paragraphs.first()?))) {
            Some((bidi, paragraph)) if !line.is_empty() => bidi.visual_runs(paragraph, line).1,
            _ => vec![line],
        }
    }

    fn face(&self, item: &Item) -> &'static Face {
        item.face.unwrap_or_else(|| Typeface::DejaVuSans.face())
    }

    /// Shapes a part of an item as it stands in a line.
    fn shape(&self, item: &Item, part: Range<usize>, line: Range<usize>) -> Vec<Shaped> {
        if let Some(face) = item.face {
            let within = part.start - line.start..part.end - line.start;
            let mut shaped = face.shape(&self.text[line.clone()], within, item.script, item.level.is_rtl());
            shaped.iter_mut().for_each(|shaped| shaped.start += line.start);
            return shaped;
        }
        let face = self.face(item);
        let glyph = face.glyph(self.replacement).unwrap_or(0);
        let mut start = part.start;
        let replaced = order::clusters(&self.text[part]).map(|cluster| {
            let here = start;
            start += cluster.len();
            Shaped { glyph, start: here, advance: face.advance(glyph), right: 0.0, up: 0.0 }
        });
        let mut replaced: Vec<Shaped> = replaced.collect();
        if item.level.is_rtl() {
            replaced.reverse();
        }
        replaced
    }

    fn run(&self, item: &Item, part: Range<usize>, line: &Range<usize>) -> Run {
        let shaped = self.shape(item, part.clone(), line.clone());
        let mut starts: Vec<usize> = shaped.iter().map(|shaped| shaped.start).collect();
        starts.sort_unstable();
        starts.dedup();
        // What was taken out before the first glyph belongs to it.
        let first = starts.first().copied();
        let cluster = |start: usize| {
            let next = starts.partition_point(|other| *other <= start);
            let end = starts.get(next).copied().unwrap_or(part.end);
            let start = if Some(start) == first { part.start } else { start };
            start - part.start..end - part.start
        };
        let glyphs = shaped.iter().map(|shaped| Glyph {
            id: shaped.glyph,
            advance: shaped.advance,
            right: shaped.right,
            up: shaped.up,
            cluster: cluster(shaped.start),
        });
        Run {
            face: self.face(item),
            is_rtl: item.level.is_rtl(),
            glyphs: glyphs.collect(),
            text: self.text[part.clone()].to_owned(),
        }
    }
}

impl Run {
    /// Advance width, in thousandths of the font size.
    pub(crate) fn width(&self) -> f32 {
        self.glyphs.iter().map(|glyph| glyph.advance).sum()
    }
}

impl Line {
    /// A single sign.
    pub(crate) fn of_sign(face: &'static Face, glyph: u16, sign: char) -> Self {
        let advance = face.advance(glyph);
        let glyph = Glyph { id: glyph, advance, right: 0.0, up: 0.0, cluster: 0..sign.len_utf8() };
        Self { width: advance, runs: vec![Run { face, is_rtl: false, text: sign.to_string(), glyphs: vec![glyph] }] }
    }

    fn push(&mut self, run: Run) {
        if run.glyphs.is_empty() {
            return;
        }
        self.width += run.width();
        self.runs.push(run);
    }
}

/// Whether the shape of a letter depends on where a line is broken.
fn is_joined(item: &Item) -> bool {
    use unicode_script::Script as S;
    !matches!(
        item.script,
        S::Latin
            | S::Greek
            | S::Cyrillic
            | S::Armenian
            | S::Georgian
            | S::Hebrew
            | S::Common
            | S::Han
            | S::Hiragana
            | S::Katakana
            | S::Hangul
            | S::Bopomofo
            | S::Thai
    )
}
