//! The scripts that people's names and texts are written in, and whether there is a font for each.

use super::library::{Look, library};

/// A script and whether its letters can be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Script {
    /// In English, as in the Unicode standard.
    pub name: &'static str,
    /// Whether some font has letters of it.
    pub has_font: bool,
    /// Debian's package with a font for it; empty where the program has one.
    pub package: &'static str,
}

/// Some letters of each script, and the Debian package with a font for it.
const SCRIPTS: [(&str, &str, &str); 25] = [
    ("Latin", "aÑß", ""),
    ("Greek", "Ωλ", ""),
    ("Cyrillic", "Жщ", ""),
    ("Hebrew", "שם", ""),
    ("Arabic", "عمپ", ""),
    ("Armenian", "Հա", ""),
    ("Georgian", "ქა", ""),
    ("Chinese", "汉漢", "fonts-noto-cjk"),
    ("Japanese", "ひカ", "fonts-noto-cjk"),
    ("Korean", "한", "fonts-noto-cjk"),
    ("Thai", "ไท", "fonts-noto-core"),
    ("Lao", "ລາ", "fonts-noto-core"),
    ("Khmer", "ខ្មែ", "fonts-noto-core"),
    ("Myanmar", "မြန်", "fonts-noto-core"),
    ("Devanagari", "हिन्", "fonts-noto-core"),
    ("Bengali", "বাং", "fonts-noto-core"),
    ("Gurmukhi", "ਪੰਜ", "fonts-noto-core"),
    ("Gujarati", "ગુજ", "fonts-noto-core"),
    ("Tamil", "தமிழ்", "fonts-noto-core"),
    ("Telugu", "తెలు", "fonts-noto-core"),
    ("Kannada", "ಕನ್ನ", "fonts-noto-core"),
    ("Malayalam", "മലയാ", "fonts-noto-core"),
    ("Sinhala", "සිංහ", "fonts-noto-core"),
    ("Ethiopic", "አማር", "fonts-noto-core"),
    ("Tibetan", "བོད", "fonts-noto-core"),
];

/// The scripts that are looked after, and whether there is a font for each. The first call searches the folders of fonts.
pub fn scripts() -> Vec<Script> {
    let library = library();
    let script = |(name, letters, package): &(&'static str, &str, &'static str)| {
        let has_font = super::order::clusters(letters).all(|cluster| library.font_for(cluster, Look::Sans, None).is_some());
        Script { name, has_font, package }
    };
    SCRIPTS.iter().map(script).collect()
}

/// How many fonts were found in the folders. The first call searches them.
pub fn found_fonts() -> usize {
    library().found()
}

/// The names of the scripts (or other kinds of signs) of these characters, each once: for a log, where the characters themselves do not belong.
pub fn script_names(characters: &[char]) -> Vec<&'static str> {
    use unicode_script::UnicodeScript;
    let mut names: Vec<&'static str> = characters.iter().map(|character| character.script().full_name()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scripts_of_the_program_always_have_a_font() {
        for script in scripts().iter().filter(|script| script.package.is_empty()) {
            assert!(script.has_font, "{}", script.name);
        }
    }

    #[test]
    fn characters_are_named_by_their_scripts() {
        assert_eq!(script_names(&['ꦏ', 'ꦱ', 'Ꭰ']), ["Cherokee", "Javanese"]);
    }
}
