//! Where lines break (Unicode UAX #14): at the opportunities of the text, and inside a word where a line has no other.

use std::ops::Range;

use unicode_linebreak::{BreakClass, break_property, linebreaks};

/// What to do with a word that is wider than a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing: the text does not fit.
    Words,
    /// It is broken between clusters, after one of some marks if there is one. A single cluster that is wider does not fit.
    Anywhere,
    /// The same, but a single cluster that is wider has a line for itself.
    Always,
}

/// A text as a row of clusters: what stays together on a line, and how wide it is.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    clusters: Vec<Cluster>,
    end: usize,
}

#[derive(Debug)]
struct Cluster {
    start: usize,
    advance: f32,
    /// Whether a line may begin with it.
    may_begin: bool,
    /// Whether it takes no room at the end of a line.
    is_space: bool,
    /// Whether a long word is best broken after it.
    ends_part: bool,
}

impl Measured {
    /// `clusters` are their first bytes, in ascending order, and their advance widths.
    pub(crate) fn of(text: &str, clusters: impl IntoIterator<Item = (usize, f32)>) -> Self {
        let mut opportunities = linebreaks(text).map(|(at, _)| at).peekable();
        let mut before = None;
        let mut cluster = |(start, advance): (usize, f32)| {
            while opportunities.next_if(|at| *at < start).is_some() {}
            let character = text[start..].chars().next().unwrap_or(' ');
            let complex = before.replace(character).is_some_and(|before| may_part(before, character));
            Cluster {
                start,
                advance,
                may_begin: opportunities.peek() == Some(&start) || complex,
                is_space: character == ' ',
                ends_part: matches!(character, '-' | '/' | ',' | ';' | '@' | '_' | '&' | '='),
            }
        };
        let mut clusters: Vec<Cluster> = clusters.into_iter().map(&mut cluster).collect();
        // What has no shape before the first cluster belongs to it.
        if let Some(first) = clusters.first_mut() {
            first.start = 0;
        }
        Self { clusters, end: text.len() }
    }

    /// Advance width of all, in thousandths of the font size.
    pub(crate) fn width(&self) -> f32 {
        self.clusters.iter().map(|cluster| cluster.advance).sum()
    }

    /// The bytes of the clusters that fit into `limit`, from the start.
    pub(crate) fn prefix(&self, limit: f32) -> usize {
        let mut used = 0.0;
        let over = self.clusters.iter().find(|cluster| {
            used += cluster.advance;
            used > limit
        });
        over.map_or(self.end, |cluster| cluster.start)
    }

    /// The lines, none wider than `limit`; spaces at the end of a line take no room. `None`: a word, or with [`Break::Anywhere`] a cluster, is
    /// wider than that, or there are more than `most` lines.
    pub(crate) fn lines(&self, limit: f32, words: Break, most: usize) -> Option<Vec<Range<usize>>> {
        let mut lines = Vec::new();
        let (mut first, mut used) = (0, 0.0);
        // Where this line may end: the cluster that begins the next one, and the width up to there.
        let mut opportunity: Option<(usize, f32)> = None;
        let mut part: Option<(usize, f32)> = None;
        for (here, cluster) in self.clusters.iter().enumerate() {
            if here > first && cluster.may_begin {
                opportunity = Some((here, used));
            }
            if here > first && self.clusters[here - 1].ends_part {
                part = Some((here, used));
            }
            // What follows a break may be too wide as well, but each turn begins a line further on.
            while !cluster.is_space && used + cluster.advance > limit {
                if here == first && words == Break::Always {
                    break;
                } else if here == first {
                    return None;
                }
                let (next, width) = match opportunity.take() {
                    Some(opportunity) => opportunity,
                    None if words == Break::Words => return None,
                    None => part.take().unwrap_or((here, used)),
                };
                lines.push(self.clusters[first].start..self.clusters[next].start);
                if lines.len() >= most {
                    return None;
                }
                first = next;
                used -= width;
                part = part.filter(|(at, _)| *at > next).map(|(at, to_part)| (at, to_part - width));
            }
            used += cluster.advance;
        }
        lines.push(self.clusters.get(first).map_or(0, |cluster| cluster.start)..self.end);
        Some(lines)
    }
}

/// Whether a line may end between two letters of a script without spaces, whose words only a dictionary knows: between syllables, as near as
/// single letters tell.
fn may_part(before: char, after: char) -> bool {
    let is_complex = |c: char| break_property(u32::from(c)) == BreakClass::ComplexContext;
    // Thai and Lao: vowels written before their consonant, and what is written after it.
    let waits_for_consonant = matches!(before, '\u{e40}'..='\u{e44}' | '\u{ec0}'..='\u{ec4}');
    let belongs_to_consonant = matches!(after,
        '\u{e2f}'..='\u{e3a}' | '\u{e45}'..='\u{e4e}' | '\u{eaf}'..='\u{ebd}' | '\u{ec6}'..='\u{ece}');
    // Myanmar and Khmer: what is stacked below or closes the syllable.
    let is_stacked = matches!(before, '\u{1039}' | '\u{17d2}') || super::order::is_mark(after);
    is_complex(before) && is_complex(after) && !waits_for_consonant && !belongs_to_consonant && !is_stacked
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(text: &str, limit: f32, words: Break) -> Option<Vec<&str>> {
        let measured = Measured::of(text, text.char_indices().map(|(start, _)| (start, 1.0)));
        Some(measured.lines(limit, words, 100)?.into_iter().map(|line| &text[line]).collect())
    }

    #[test]
    fn lines_break_at_opportunities_then_after_marks_then_anywhere() {
        assert_eq!(lines("one two three", 8.0, Break::Words).unwrap(), ["one two ", "three"]);
        assert_eq!(lines("a_longer@word", 10.0, Break::Anywhere).unwrap(), ["a_longer@", "word"]);
        assert_eq!(lines("aaaaaaaa", 3.0, Break::Anywhere).unwrap(), ["aaa", "aaa", "aa"]);
        assert_eq!(lines("山田太郎山田", 3.0, Break::Words).unwrap(), ["山田太", "郎山田"]);
        assert_eq!(lines("", 3.0, Break::Words).unwrap(), [""]);
        assert_eq!(lines("one  two three", 8.0, Break::Words).unwrap(), ["one  two ", "three"]);
    }

    #[test]
    fn what_is_wider_than_a_line_does_not_fit() {
        assert_eq!(lines("a longword", 4.0, Break::Words), None);
        assert_eq!(lines("ab", 0.5, Break::Anywhere), None);
        assert_eq!(lines(&"a ".repeat(300), 2.0, Break::Words), None);
    }

    #[test]
    fn thai_breaks_between_syllables_not_before_their_vowels() {
        for line in lines("สวัสดีชาวโลกภาษาไทย", 4.0, Break::Words).unwrap() {
            assert!(!line.starts_with(['\u{e30}', '\u{e32}', '\u{e31}', '\u{e35}']), "{line}");
            assert!(!line.ends_with(['\u{e40}', '\u{e42}', '\u{e44}']), "{line}");
        }
    }

    proptest! {
        #[test]
        fn lines_keep_all_text_within_the_limit(text in "[a-zñ山ไทย ,/@-]{0,60}", limit in 1.0_f32..20.0) {
            let lines = lines(&text, limit, Break::Anywhere).unwrap();
            prop_assert_eq!(lines.concat(), text.as_str());
            for line in lines {
                prop_assert!(line.trim_end_matches(' ').chars().count() as f32 <= limit);
            }
        }
    }
}
