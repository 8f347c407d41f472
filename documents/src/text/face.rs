//! One font: its characters, measures and rules of shaping.

use std::collections::HashMap;
use std::sync::OnceLock;

use harfrust::{Direction, Feature, ShaperData, Tag, UnicodeBuffer};
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::{BoundingBox, GlyphMetrics, Metrics};
use skrifa::raw::TableProvider;
use skrifa::{FontRef, MetadataProvider};
use unicode_normalization::UnicodeNormalization;

use super::is_ignorable;

/// How far a font reaches above and below the baseline, in thousandths of its size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reach {
    /// Of capitals without accents.
    pub(crate) capitals: f32,
    /// Of anything.
    pub(crate) above: f32,
    /// Of letters such as p, as a positive number.
    pub(crate) below: f32,
    /// From one baseline to the next.
    pub(crate) line: f32,
}

impl Reach {
    /// What has room for both.
    pub(crate) fn with(self, other: Self) -> Self {
        Self {
            capitals: self.capitals.max(other.capitals),
            above: self.above.max(other.above),
            below: self.below.max(other.below),
            line: self.line.max(other.line),
        }
    }
}

/// Characters of a font that are looked at for what its glyphs mean.
const MAX_MAPPINGS: usize = 1 << 17;

/// In which table a font has its outlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outlines {
    TrueType,
    Cff,
}

/// A font that stays for the life of the process.
pub(crate) struct Face {
    pub(super) name: String,
    pub(super) data: &'static [u8],
    pub(super) index: u32,
    pub(super) outlines: Outlines,
    pub(super) metrics: Metrics,
    pub(super) reach: Reach,
    characters: Charmap<'static>,
    glyphs: GlyphMetrics<'static>,
    shaper: ShaperData,
    font: FontRef<'static>,
    units_per_em: f32,
    krilla: krilla::text::Font,
    meanings: OnceLock<HashMap<u16, char>>,
}

impl std::fmt::Debug for Face {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for Face {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Face {}

/// A glyph as the shaper gives it, in thousandths of the font size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shaped {
    pub(super) glyph: u16,
    /// Where the cluster that it belongs to begins, in bytes of the text.
    pub(super) start: usize,
    pub(super) advance: f32,
    pub(super) right: f32,
    pub(super) up: f32,
}

impl Face {
    /// `reach` overrides what the font says of itself. `None`: it is no font that can be used.
    pub(super) fn read(data: &'static [u8], index: u32, name: &str, reach: Option<Reach>) -> Option<Self> {
        let font = FontRef::from_index(data, index).ok()?;
        let outlines = if font.glyf().is_ok() { Outlines::TrueType } else { font.cff().ok().map(|_| Outlines::Cff)? };
        let metrics = font.metrics(Size::unscaled(), LocationRef::default());
        let units_per_em = Some(f32::from(metrics.units_per_em)).filter(|units| *units >= 16.0)?;
        let reach = reach.unwrap_or_else(|| measured(&metrics, units_per_em));
        Some(Self {
            name: name.chars().filter(char::is_ascii_alphanumeric).take(60).collect(),
            data,
            index,
            outlines,
            metrics,
            reach,
            characters: font.charmap(),
            glyphs: font.glyph_metrics(Size::unscaled(), LocationRef::default()),
            shaper: ShaperData::new(&font),
            font,
            units_per_em,
            krilla: krilla::text::Font::new(data.into(), index)?,
            meanings: OnceLock::new(),
        })
    }

    /// The glyph of a character standing alone, if the font has one.
    pub(crate) fn glyph(&self, character: char) -> Option<u16> {
        let found = self.characters.map(character)?.to_u32();
        // A font has at most 65,535 glyphs; the first is drawn for what is missing.
        u16::try_from(found).ok().filter(|glyph| *glyph != 0)
    }

    /// The character that a glyph stands for wherever it is. `None`: it is a form of one, or a part.
    pub(super) fn meaning(&self, glyph: u16) -> Option<char> {
        let meanings = self.meanings.get_or_init(|| {
            let mut meanings = HashMap::new();
            for (code, glyph) in self.characters.mappings().take(MAX_MAPPINGS) {
                // A form of a letter has a code of its own in some fonts, but nobody writes it.
                let character = char::from_u32(code).filter(|character| character.nfkc().eq([*character]));
                if let (Some(character), Ok(glyph)) = (character, u16::try_from(glyph.to_u32())) {
                    meanings.entry(glyph).or_insert(character);
                }
            }
            meanings
        });
        meanings.get(&glyph).copied()
    }

    /// Advance width in thousandths of the font size.
    pub(crate) fn advance(&self, glyph: u16) -> f32 {
        self.thousandths(self.glyphs.advance_width(u32::from(glyph).into()).unwrap_or(0.0))
    }

    /// The box around a glyph's outline, in thousandths of the font size: left, bottom, right, top.
    pub(crate) fn outline(&self, glyph: u16) -> Option<[f32; 4]> {
        let bounds = self.glyphs.bounds(u32::from(glyph).into())?;
        Some([bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max].map(|value| self.thousandths(value)))
    }

    pub(crate) fn reach(&self) -> Reach {
        self.reach
    }

    pub(super) fn thousandths(&self, units: f32) -> f32 {
        units * 1000.0 / self.units_per_em
    }

    /// The box around all glyphs, in thousandths of the font size.
    pub(super) fn bounds(&self) -> [f32; 4] {
        let around = |b: BoundingBox| [b.x_min, b.y_min, b.x_max, b.y_max].map(|value| self.thousandths(value));
        self.metrics.bounds.map_or([0.0, -200.0, 1000.0, 900.0], around)
    }

    /// For the writer of certificates, which makes its own subsets.
    pub(crate) fn krilla(&self) -> krilla::text::Font {
        self.krilla.clone()
    }

    /// The glyphs of `text[item]` from left to right. What stands before and after decides on forms of joined letters.
    pub(super) fn shape(
        &self,
        text: &str,
        item: std::ops::Range<usize>,
        script: unicode_script::Script,
        rtl: bool,
    ) -> Vec<Shaped> {
        let mut buffer = UnicodeBuffer::new();
        for (start, character) in text[item.clone()].char_indices() {
            let shown = if self.glyph(character).is_some() { character } else { twin(character) };
            // An item is far shorter than four gigabytes.
            buffer.add(shown, u32::try_from(start).unwrap_or(u32::MAX));
        }
        buffer.set_pre_context(&text[..item.start]);
        buffer.set_post_context(&text[item.end..]);
        buffer.set_direction(if rtl { Direction::RightToLeft } else { Direction::LeftToRight });
        let tag = Tag::from_be_bytes(script.as_iso15924_tag().to_be_bytes());
        buffer.set_script(harfrust::Script::from_iso15924_tag(tag).unwrap_or(harfrust::script::COMMON));
        // From right to left a joiner keeps a place of its own, without width: readers put the text in order place by place.
        if !rtl {
            buffer.set_flags(harfrust::BufferFlags::REMOVE_DEFAULT_IGNORABLES);
        }
        let shaper = self.shaper.shaper(&self.font).build();
        let shaped = shaper.shape(buffer, harfrust::ShapeOptions::new().features(features(script)));
        let glyphs = shaped.glyph_infos().iter().zip(shaped.glyph_positions());
        glyphs
            .map(|(info, position)| Shaped {
                glyph: u16::try_from(info.glyph_id).unwrap_or(0),
                start: item.start + info.cluster as usize,
                advance: self.thousandths(position.x_advance as f32),
                right: self.thousandths(position.x_offset as f32),
                up: self.thousandths(position.y_offset as f32),
            })
            .collect()
    }
}

/// Letters that are not joined stand one by one, as viewers draw the text of fields: then a line is as wide wherever it is broken.
fn features(script: unicode_script::Script) -> &'static [Feature] {
    use unicode_script::Script as S;
    static FEATURES: OnceLock<[Feature; 3]> = OnceLock::new();
    let features = FEATURES.get_or_init(|| [b"kern", b"liga", b"clig"].map(|tag| Feature::new(Tag::new(tag), 0, ..)));
    match script {
        S::Latin | S::Greek | S::Cyrillic | S::Armenian | S::Georgian | S::Common => features,
        // Without kerning only.
        _ => &features[..1],
    }
}

/// The measures that a font says it has, where they make sense.
fn measured(metrics: &Metrics, units_per_em: f32) -> Reach {
    let scaled = |value: f32| value.abs() * 1000.0 / units_per_em;
    let above = scaled(metrics.ascent).clamp(600.0, 2_500.0);
    let below = scaled(metrics.descent).clamp(100.0, 1_500.0);
    let capitals = metrics.cap_height.map_or(700.0, scaled).clamp(400.0, above);
    Reach { capitals, above, below, line: (above + below).max(1_050.0) }
}

/// The character whose glyph is drawn for another: they look the same.
pub(super) fn twin(character: char) -> char {
    match character {
        '\u{a0}' | '\u{202f}' => ' ',
        '\u{2010}' | '\u{2011}' => '-',
        other => other,
    }
}

/// Whether a font has all of these characters.
pub(super) fn covers(face: &Face, cluster: &str) -> bool {
    cluster.chars().all(|c| is_ignorable(c) || face.glyph(c).is_some() || (twin(c) != c && face.glyph(twin(c)).is_some()))
}
