//! Text in every script: which fonts show it, in which order and shape its letters stand, and where its lines break.
//!
//! A [`Paragraph`] is a text without line ends. It is cut into items of one direction (Unicode UAX #9), one script (UAX #24) and one
//! font, and each item is shaped. [`Paragraph::lines`] says where it breaks (UAX #14), [`Paragraph::line`] gives the glyphs of a line from
//! left to right. Form fields, visible seals and the certificate all stand on it; [`subset`] writes what was used into a PDF.
//!
//! Latin, Greek, Cyrillic, Hebrew, Arabic, Armenian and Georgian have fonts that are part of the program and are asked first, so they look
//! the same on every machine. For all other scripts, fonts are searched on the system, see [`use_folders`]. A character without a glyph
//! anywhere is shown as a replacement that the caller names; the caller tells of it by [`missing`].

mod coverage;
mod face;
mod found;
mod han;
mod items;
mod library;
mod lines;
mod order;
mod paragraph;
mod scripts;
pub(crate) mod subset;

pub(crate) use face::Reach;
pub use items::missing;
pub(crate) use library::{Look, Typeface};
pub use library::{SYSTEM_FOLDERS, use_folders};
pub(crate) use lines::{Break, Measured};
pub(crate) use order::{clusters, is_right_to_left, visual};
pub(crate) use paragraph::{Glyph, Line, Paragraph};
pub use scripts::{Script, found_fonts, script_names, scripts};
pub use subset::Error;

/// Whether a character only says how its neighbours are joined or ordered, and so needs no glyph.
pub(crate) fn is_ignorable(character: char) -> bool {
    matches!(character,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character is taken out before a text is drawn: it has no shape, and what is read should not depend on it.
///
/// Kept are those that joined scripts need (zero-width joiner and non-joiner) and the marks of direction (UAX #9 2.6). Embeddings, overrides
/// and isolates are not: by them a text can be shown in an order that nobody has written.
pub(crate) fn is_hidden(character: char) -> bool {
    is_ignorable(character) && !matches!(character, '\u{200c}'..='\u{200f}' | '\u{61c}' | '\u{115f}' | '\u{1160}')
}

#[cfg(test)]
mod tests;
