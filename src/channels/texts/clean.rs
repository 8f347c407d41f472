//! Names from outside, made safe to stand inside a text.

/// One line without control or invisible characters, without double quotes (so that a name cannot close the quotes it
/// stands in), with single spaces, of at most `longest` characters; a longer one ends in three dots.
pub(super) fn cleaned(name: &str, longest: usize) -> String {
    let visible = name.chars().filter(|&c| !is_invisible(c)).map(|c| match c {
        '"' => '\'',
        c if c.is_whitespace() || c.is_control() => ' ',
        c => c,
    });
    let visible: String = visible.collect();
    let line = visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    let cut: String = line.chars().take(longest.saturating_sub(3)).collect();
    format!("{}...", cut.trim_end())
}

/// Zero-width characters, and those that change the direction of the text around them (Unicode TR 36, section 2.5).
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
    ) || matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The alphabet of SMS (3GPP TS 23.038): with a single letter outside it, a message has room for 70 characters instead of 160.
pub(super) mod gsm {
    const LETTERS: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";

    /// Letters that take the room of two.
    const ESCAPED: &str = "^{}\\[~]|€";

    /// Replaces what the alphabet lacks by what reads the same, as far as there is such a thing; other scripts stay.
    pub fn folded(text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                c if LETTERS.contains(c) || ESCAPED.contains(c) => out.push(c),
                'á' | 'â' | 'ã' | 'ā' => out.push('a'),
                'Á' | 'À' | 'Â' | 'Ã' | 'Ā' => out.push('A'),
                'ê' | 'ë' | 'ē' => out.push('e'),
                'È' | 'Ê' | 'Ë' | 'Ē' => out.push('E'),
                'í' | 'î' | 'ï' | 'ī' => out.push('i'),
                'Í' | 'Ì' | 'Î' | 'Ï' | 'Ī' => out.push('I'),
                'ó' | 'ô' | 'õ' | 'ō' => out.push('o'),
                'Ó' | 'Ò' | 'Ô' | 'Õ' | 'Ō' => out.push('O'),
                'ú' | 'û' | 'ū' => out.push('u'),
                'Ú' | 'Ù' | 'Û' | 'Ū' => out.push('U'),
                'ç' => out.push('c'),
                'ý' | 'ÿ' => out.push('y'),
                'ŀ' => out.push('l'),
                '·' | '•' => out.push('.'),
                'º' => out.push('o'),
                'ª' => out.push('a'),
                '«' | '»' | '“' | '”' | '„' => out.push('"'),
                '‘' | '’' | '`' | '´' => out.push('\''),
                '–' | '—' | '‐' | '‑' => out.push('-'),
                '…' => out.push_str("..."),
                '\u{a0}' | '\u{202f}' => out.push(' '),
                c => out.push(c),
            }
        }
        out
    }

    /// Whether the text is one SMS.
    #[cfg(test)]
    pub fn fits(text: &str) -> bool {
        let room = |c: char| if LETTERS.contains(c) { Some(1) } else { ESCAPED.contains(c).then_some(2) };
        text.chars().map(room).sum::<Option<usize>>().is_some_and(|taken| taken <= 160)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_without_invisible_characters() {
        assert_eq!(cleaned("  Ana\r\nBcc: x@y\t\u{202e}z\u{200b} \u{7}", 99), "Ana Bcc: x@y z");
        assert_eq!(cleaned("a\u{2028}b\u{85}c", 99), "a b c");
        assert_eq!(cleaned("x\" is safe, visit \"y", 99), "x' is safe, visit 'y");
    }

    #[test]
    fn a_long_name_is_cut_at_a_character() {
        assert_eq!(cleaned("ñññññññññ", 9), "ñññññññññ");
        assert_eq!(cleaned("ñññññ ñññññ", 9), "ñññññ...");
        assert_eq!(cleaned("", 9), "");
    }

    #[test]
    fn accents_that_an_sms_lacks_are_folded_and_the_others_stay() {
        assert_eq!(gsm::folded("Gestoría Núñez «Çé» – 2…"), "Gestoria Nuñez \"Çé\" - 2...");
        assert_eq!(gsm::folded("Договор"), "Договор");
    }

    #[test]
    fn an_sms_has_160_letters_of_its_alphabet() {
        assert!(gsm::fits(&"é".repeat(160)) && !gsm::fits(&"é".repeat(161)));
        assert!(gsm::fits(&"€".repeat(80)) && !gsm::fits(&"€".repeat(81)));
        assert!(!gsm::fits("í"));
    }
}
