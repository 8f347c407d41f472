//! How a field is to look: default appearance strings (ISO 32000-2 12.7.4.3), and the colours and borders of widgets (12.5.6.19).

use lopdf::{Dictionary, Document, Object};

use super::number::N;
use crate::pdf;

/// Bytes of a default appearance that are read.
const MAX_BYTES: usize = 4 * 1024;
/// Font sizes beyond this are rubbish, in points; they count as "choose one".
const MAX_SIZE: f32 = 2_000.0;
/// Borders are at most as wide as this, in points.
const MAX_BORDER: f32 = 50.0;
/// Numbers of a dash pattern.
const MAX_DASHES: usize = 8;

/// Font, size and colour of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TextStyle {
    /// The font's name among the form's resources.
    pub(super) font: Vec<u8>,
    /// In points; 0: the program that draws chooses one.
    pub(super) size: f32,
    pub(super) colour: Colour,
}

/// A colour in one of the three device colour spaces, components between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Colour {
    Gray(f32),
    Rgb([f32; 3]),
    Cmyk([f32; 4]),
}

impl Colour {
    pub(super) const BLACK: Self = Self::Gray(0.0);
    pub(super) const WHITE: Self = Self::Gray(1.0);

    /// From one, three or four components; anything else is no colour, which is also how "transparent" is said.
    fn of(components: &[f32]) -> Option<Self> {
        let unit = |value: f32| value.clamp(0.0, 1.0);
        match *components {
            [gray] => Some(Self::Gray(unit(gray))),
            [r, g, b] => Some(Self::Rgb([r, g, b].map(unit))),
            [c, m, y, k] => Some(Self::Cmyk([c, m, y, k].map(unit))),
            _ => None,
        }
    }

    /// The operator that fills with it.
    pub(super) fn fill(self) -> String {
        self.operator(["g", "rg", "k"])
    }

    /// The operator that strokes with it.
    pub(super) fn stroke(self) -> String {
        self.operator(["G", "RG", "K"])
    }

    fn operator(self, [gray, rgb, cmyk]: [&str; 3]) -> String {
        match self {
            Self::Gray(level) => format!("{} {gray}", N(level)),
            Self::Rgb([r, g, b]) => format!("{} {} {} {rgb}", N(r), N(g), N(b)),
            Self::Cmyk([c, m, y, k]) => format!("{} {} {} {} {cmyk}", N(c), N(m), N(y), N(k)),
        }
    }

    /// A shade of it, for bevels.
    pub(super) fn darker(self) -> Self {
        match self {
            Self::Gray(level) => Self::Gray(level * 0.75),
            Self::Rgb(components) => Self::Rgb(components.map(|value| value * 0.75)),
            Self::Cmyk([c, m, y, k]) => Self::Cmyk([c, m, y, (k + 0.25).min(1.0)]),
        }
    }
}

impl TextStyle {
    /// Reads a default appearance. What is missing or makes no sense gets the defaults of viewers: Helvetica, any size, black.
    pub(super) fn parse(appearance: &[u8]) -> Self {
        let mut style = Self { font: b"Helv".to_vec(), size: 0.0, colour: Colour::BLACK };
        let mut name: Option<Vec<u8>> = None;
        let mut numbers: Vec<f32> = Vec::new();
        for token in tokens(&appearance[..appearance.len().min(MAX_BYTES)]) {
            match token {
                Token::Name(found) => name = Some(found),
                Token::Number(number) => numbers.push(number),
                Token::Operator(operator) => {
                    match operator {
                        b"Tf" => style.set_font(name.take(), &numbers),
                        b"g" | b"rg" | b"k" => style.colour = Colour::of(&numbers).unwrap_or(style.colour),
                        _ => {}
                    }
                    name = None;
                    numbers.clear();
                }
            }
        }
        style
    }

    fn set_font(&mut self, name: Option<Vec<u8>>, numbers: &[f32]) {
        self.font = name.unwrap_or_else(|| std::mem::take(&mut self.font));
        let size = numbers.last().copied().unwrap_or(0.0).abs();
        self.size = if size <= MAX_SIZE { size } else { 0.0 };
    }
}

enum Token<'a> {
    Name(Vec<u8>),
    Number(f32),
    Operator(&'a [u8]),
}

/// Names, numbers and operators. Strings and arrays have no meaning in a default appearance: their brackets are skipped.
fn tokens(bytes: &[u8]) -> impl Iterator<Item = Token<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        loop {
            let (first, after) = rest.split_first()?;
            if *first == b'/' {
                let (name, behind) = after.split_at(regular(after));
                rest = behind;
                return Some(Token::Name(unescaped(name)));
            }
            let length = regular(rest);
            if length == 0 {
                rest = after;
                continue;
            }
            let (word, behind) = rest.split_at(length);
            rest = behind;
            return Some(number(word).map_or(Token::Operator(word), Token::Number));
        }
    })
}

/// How many regular characters (ISO 32000-2 7.2.3) come first.
fn regular(bytes: &[u8]) -> usize {
    let ends = |byte: &u8| b"\0\t\n\x0c\r ()<>[]{}/%".contains(byte);
    bytes.iter().position(ends).unwrap_or(bytes.len())
}

/// A name without its `#xx`.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|digits| *first == b'#' && digits.iter().all(u8::is_ascii_hexdigit));
        let escaped = digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok());
        plain.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    plain
}

fn number(word: &[u8]) -> Option<f32> {
    let digits = word.iter().all(|byte| byte.is_ascii_digit() || b"+-.".contains(byte));
    let value: f32 = std::str::from_utf8(word).ok().filter(|_| digits)?.parse().ok()?;
    value.is_finite().then_some(value)
}

/// Background and border of a widget.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Panel {
    pub(super) background: Option<Colour>,
    /// `None`: no border is drawn, but its width still keeps the text away from the edge.
    pub(super) border: Option<Colour>,
    /// Of the border, in points.
    pub(super) width: f32,
    pub(super) line: Line,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Line {
    Solid,
    Dashed(Vec<f32>),
    Beveled,
    Inset,
    Underlined,
}

impl Panel {
    pub(super) fn of(document: &Document, widget: &Dictionary) -> Self {
        let characteristics = pdf::dict_entry(document, widget, b"MK");
        let colour = |key| Colour::of(&numbers(document, pdf::array_entry(document, characteristics?, key)?, 5));
        let style = pdf::dict_entry(document, widget, b"BS");
        let old = pdf::array_entry(document, widget, b"Border");
        let width = match (style, old) {
            (Some(style), _) => pdf::entry(document, style, b"W").and_then(|w| pdf::number(document, w)),
            (None, Some(border)) => border.get(2).and_then(|w| pdf::number(document, w)),
            (None, None) => None,
        };
        let width = width.filter(|width| (0.0..=MAX_BORDER).contains(width)).unwrap_or(1.0);
        let dashes = style.and_then(|style| pdf::array_entry(document, style, b"D"));
        let dashes = dashes.map_or_else(|| vec![3.0], |dashes| numbers(document, dashes, MAX_DASHES));
        let line = match style.and_then(|style| pdf::entry(document, style, b"S")).and_then(|s| s.as_name().ok()) {
            Some(b"D") if dashes.iter().all(|dash| *dash >= 0.0) && dashes.iter().sum::<f32>() > 0.1 => Line::Dashed(dashes),
            Some(b"B") => Line::Beveled,
            Some(b"I") => Line::Inset,
            Some(b"U") => Line::Underlined,
            _ => Line::Solid,
        };
        Self { background: colour(b"BG"), border: colour(b"BC"), width, line }
    }

    /// What keeps the content away from the edge, in points: bevels are as wide as the border itself.
    pub(super) fn inset(&self) -> f32 {
        match self.line {
            Line::Beveled | Line::Inset => 2.0 * self.width,
            _ => self.width,
        }
    }

    /// Whether anything of it shows.
    pub(super) fn is_blank(&self) -> bool {
        self.background.is_none() && (self.border.is_none() || self.width == 0.0)
    }
}

/// The numbers at the start of an array.
fn numbers(document: &Document, array: &[Object], max: usize) -> Vec<f32> {
    array.iter().take(max).map_while(|item| pdf::number(document, item)).collect()
}

#[cfg(test)]
mod tests {
    use lopdf::dictionary;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn font_size_and_colour_are_read_and_the_last_counts() {
        let style = TextStyle::parse(b"0 g /He#6cv 12 Tf 1 0 .5 rg");
        assert_eq!(style, TextStyle { font: b"Helv".to_vec(), size: 12.0, colour: Colour::Rgb([1.0, 0.0, 0.5]) });
        let style = TextStyle::parse(b"0.1 0.2 0.3 0.4 k\n/F1 -9.5 Tf/F2 0 Tf");
        assert_eq!((style.font.as_slice(), style.size), (&b"F2"[..], 0.0));
        assert_eq!(style.colour, Colour::Cmyk([0.1, 0.2, 0.3, 0.4]));
    }

    #[test]
    fn what_makes_no_sense_leaves_the_defaults() {
        for hostile in
            ["", "Tf", "/", "/A 1e9 Tf", "/A 99999999999 Tf", "nan inf rg", "1 2 rg", "((((", "/A (12 Tf", "% /A 12 Tf"]
        {
            let style = TextStyle::parse(hostile.as_bytes());
            assert!((0.0..=MAX_SIZE).contains(&style.size), "{hostile}");
            assert_eq!(style.colour, Colour::BLACK, "{hostile}");
        }
    }

    #[test]
    fn borders_come_from_the_style_then_from_the_old_array_then_are_one_point() {
        let document = Document::new();
        let panel = |widget: Dictionary| Panel::of(&document, &widget);
        let old = vec![0.into(), 0.into(), 3.into()];
        assert_eq!(panel(dictionary! {}).width, 1.0);
        assert_eq!(panel(dictionary! { "Border" => old.clone() }).width, 3.0);
        let style = dictionary! { "W" => 2, "S" => "B" };
        let both = panel(dictionary! { "Border" => old, "BS" => style });
        assert_eq!((both.width, both.line.clone(), both.inset()), (2.0, Line::Beveled, 4.0));
        assert!(both.is_blank());
        let dashed = dictionary! { "S" => "D", "D" => vec![0.into(), 0.into()] };
        assert_eq!(panel(dictionary! { "BS" => dashed }).line, Line::Solid);
        let colours = dictionary! { "BC" => vec![7.into()], "BG" => Object::Array(Vec::new()) };
        let coloured = panel(dictionary! { "MK" => colours });
        assert_eq!((coloured.border, coloured.background), (Some(Colour::WHITE), None));
    }

    proptest! {
        #[test]
        fn any_default_appearance_gives_a_finite_style(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let style = TextStyle::parse(&bytes);
            prop_assert!(style.size.is_finite() && style.size >= 0.0);
        }

        #[test]
        fn tokens_in_any_order_give_a_finite_style(text in "(/[A-Z]{1,2}|[0-9.+-]{1,6}|Tf|rg|g|k|[\\[\\]()%]| ){0,30}") {
            let style = TextStyle::parse(text.as_bytes());
            prop_assert!(style.size.is_finite() && style.size >= 0.0);
        }
    }
}
