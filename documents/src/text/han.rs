//! Which way of writing Han characters a text asks for, and a font has.

/// How Han characters are written: the same character has another shape in each of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Han {
    Simplified,
    Traditional,
    Japanese,
    Korean,
}

impl Han {
    /// What the other characters of a text tell. `None`: it has none of such a script.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        if text.is_ascii() {
            return None;
        }
        let has = |ranges: &[std::ops::RangeInclusive<char>]| text.chars().any(|c| ranges.iter().any(|range| range.contains(&c)));
        if has(&['\u{3040}'..='\u{30ff}', '\u{31f0}'..='\u{31ff}', '\u{ff66}'..='\u{ff9f}']) {
            Some(Self::Japanese)
        } else if has(&['\u{1100}'..='\u{11ff}', '\u{3130}'..='\u{318f}', '\u{ac00}'..='\u{d7ff}']) {
            Some(Self::Korean)
        } else if has(&['\u{3100}'..='\u{312f}', '\u{31a0}'..='\u{31bf}']) {
            Some(Self::Traditional)
        } else {
            has(&['\u{2e80}'..='\u{303f}', '\u{3400}'..='\u{9fff}', '\u{f900}'..='\u{faff}', '\u{20000}'..='\u{3ffff}'])
                .then_some(Self::Simplified)
        }
    }

    /// What the PostScript name of a Noto font tells.
    pub(super) fn of_font(name: &str) -> Option<Self> {
        let family = name.split('-').next()?.strip_prefix("Noto")?;
        let endings = [("jp", Self::Japanese), ("kr", Self::Korean), ("sc", Self::Simplified), ("tc", Self::Traditional)];
        let family = family.to_ascii_lowercase();
        let told = endings.iter().find(|(ending, _)| family.ends_with(ending)).map(|(_, han)| *han);
        told.or_else(|| family.ends_with("hk").then_some(Self::Traditional))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_characters_tell_how_han_is_written() {
        for (text, expected) in [
            ("山田ひろし", Some(Han::Japanese)),
            ("김山", Some(Han::Korean)),
            ("李小龙", Some(Han::Simplified)),
            ("ㄅ山", Some(Han::Traditional)),
            ("Ana é", None),
        ] {
            assert_eq!(Han::of_text(text), expected, "{text}");
        }
        for (name, expected) in [
            ("NotoSansCJKjp-Regular", Some(Han::Japanese)),
            ("NotoSansSC-Regular", Some(Han::Simplified)),
            ("NotoSansCJKhk-Bold", Some(Han::Traditional)),
            ("NotoSansThai-Regular", None),
            ("WenQuanYi", None),
        ] {
            assert_eq!(Han::of_font(name), expected, "{name}");
        }
    }
}
