//! The order of letters in a line (Unicode UAX #9), for fonts of a document that have one code per character.

use unicode_bidi::{BidiInfo, Level};

/// Whether the order of a text may differ from left to right.
pub(super) fn may_be_turned(text: &str) -> bool {
    !text.is_ascii()
        && text.chars().any(|c| {
            matches!(c, '\u{590}'..='\u{8ff}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{fb1d}'..='\u{fdff}'
                | '\u{fe70}'..='\u{fefe}' | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
        })
}

/// The levels of a text without line ends, if its order may differ from left to right.
pub(super) fn levels(text: &str, base: Option<Level>) -> Option<BidiInfo<'_>> {
    if !may_be_turned(text) {
        return None;
    }
    // A separator of paragraphs among the control characters makes several of one: that is no text that anybody wrote.
    let mut info = Some(BidiInfo::new(text, base)).filter(|info| info.paragraphs.len() == 1)?;
    // A mark goes with its letter, also one of a script of the other direction.
    let mut of_letter = None;
    for (at, character) in text.char_indices() {
        if !is_mark(character) && !super::is_ignorable(character) {
            of_letter = Some(info.levels[at]);
        } else if let Some(level) = of_letter {
            info.levels[at..at + character.len_utf8()].fill(level);
        }
    }
    Some(info)
}

/// Whether a text as a whole goes from right to left. `None`: nothing in it does.
pub(crate) fn is_right_to_left(text: &str) -> Option<bool> {
    Some(levels(text, None)?.paragraphs.first()?.level.is_rtl())
}

/// The characters of a line from left to right, brackets mirrored. `rtl` is the direction of the paragraph, if it is known.
pub(crate) fn visual(text: &str, rtl: Option<bool>) -> String {
    let base = rtl.map(|rtl| if rtl { Level::rtl() } else { Level::ltr() });
    let Some(info) = levels(text, base) else { return text.to_owned() };
    let Some(paragraph) = info.paragraphs.first() else { return text.to_owned() };
    let (levels, runs) = info.visual_runs(paragraph, paragraph.range.clone());
    let mut shown = String::with_capacity(text.len());
    for run in runs {
        let piece = &text[run.clone()];
        if levels[run.start].is_rtl() {
            shown.extend(clusters(piece).rev().flat_map(|cluster| cluster.chars().map(mirrored)));
        } else {
            shown.push_str(piece);
        }
    }
    shown
}

/// Letters with the marks that follow them.
pub(crate) fn clusters(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    let mut starts: Vec<usize> = text.char_indices().filter(|(_, c)| !is_mark(*c)).map(|(start, _)| start).collect();
    if let Some(first) = starts.first_mut() {
        // Marks without a letter belong to the first one.
        *first = 0;
    } else if !text.is_empty() {
        starts.push(0);
    }
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([text.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| &text[start..end]).collect::<Vec<_>>().into_iter()
}

/// Whether a character belongs to the one before it.
pub(super) fn is_mark(character: char) -> bool {
    unicode_normalization::char::is_combining_mark(character) || matches!(character, '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

fn mirrored(character: char) -> char {
    const PAIRS: [(char, char); 6] = [('(', ')'), ('[', ']'), ('{', '}'), ('<', '>'), ('«', '»'), ('‹', '›')];
    for (open, close) in PAIRS {
        if character == open {
            return close;
        }
        if character == close {
            return open;
        }
    }
    character
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_from_right_to_left_is_turned_with_its_brackets_and_numbers_are_not() {
        assert_eq!(visual("a דוד לוי 12", None), "a 12 יול דוד");
        assert_eq!(visual("דוד (12)", None), "(12) דוד");
        assert_eq!(visual("שָ", None), "שָ");
        assert_eq!(visual("plain (text)", None), "plain (text)");
    }

    #[test]
    fn clusters_are_letters_with_their_marks() {
        assert_eq!(clusters("e\u{301}a").collect::<Vec<_>>(), ["e\u{301}", "a"]);
        assert_eq!(clusters("\u{301}ab").collect::<Vec<_>>(), ["\u{301}a", "b"]);
        assert_eq!(clusters("\u{301}\u{302}").collect::<Vec<_>>(), ["\u{301}\u{302}"]);
        assert_eq!(clusters("").count(), 0);
    }

    #[test]
    fn a_mark_goes_with_its_letter_also_one_of_another_script() {
        let text = "ل\u{94d}\u{93f}b";
        let levels = levels(text, None).unwrap().levels;
        assert!(levels[..8].iter().all(|level| *level == levels[0]), "{levels:?}");
        assert_ne!(levels[8], levels[0]);
    }

    proptest! {
        #[test]
        fn every_character_survives_the_reordering(text in "[אבגדu-z0-9 ()\u{5b8}]{0,24}") {
            let sorted = |text: &str| {
                let mut characters: Vec<char> = text.chars().map(|c| if c == ')' { '(' } else { c }).collect();
                characters.sort_unstable();
                characters
            };
            prop_assert_eq!(sorted(&visual(&text, None)), sorted(&text));
        }
    }
}
