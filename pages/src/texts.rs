//! The words of the pages: `texts/*.json`, the same that the scripts in browsers use, and `texts/console/*.json`, which are the console's.

use std::{collections::BTreeMap, sync::LazyLock};

/// Languages of the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Spanish,
    English,
    Catalan,
    Basque,
    Galician,
    German,
}

type Words = BTreeMap<String, String>;

/// Maximum number of languages of a request that are looked at.
const MAX_ASKED: usize = 32;

static WORDS: LazyLock<[Words; 6]> = LazyLock::new(|| {
    Language::ALL.map(|language| {
        // Ours, and read by the tests.
        let words = language.sources().into_iter().map(|source| serde_json::from_str::<Words>(source).unwrap_or_default());
        words.flatten().collect()
    })
});

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 6] = [Self::Spanish, Self::English, Self::Catalan, Self::Basque, Self::Galician, Self::German];

    /// Its tag (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::Spanish => "es",
            Self::English => "en",
            Self::Catalan => "ca",
            Self::Basque => "eu",
            Self::Galician => "gl",
            Self::German => "de",
        }
    }

    /// As its speakers call it.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::Spanish => "Español",
            Self::English => "English",
            Self::Catalan => "Català",
            Self::Basque => "Euskara",
            Self::Galician => "Galego",
            Self::German => "Deutsch",
        }
    }

    /// Of all pages, and of the console.
    fn sources(self) -> [&'static str; 2] {
        match self {
            Self::Spanish => [include_str!("../texts/es.json"), include_str!("../texts/console/es.json")],
            Self::English => [include_str!("../texts/en.json"), include_str!("../texts/console/en.json")],
            Self::Catalan => [include_str!("../texts/ca.json"), include_str!("../texts/console/ca.json")],
            Self::Basque => [include_str!("../texts/eu.json"), include_str!("../texts/console/eu.json")],
            Self::Galician => [include_str!("../texts/gl.json"), include_str!("../texts/console/gl.json")],
            Self::German => [include_str!("../texts/de.json"), include_str!("../texts/console/de.json")],
        }
    }

    /// The words of a key, if there are any.
    pub fn find(self, key: &str) -> Option<&'static str> {
        WORDS[self as usize].get(key).map(String::as_str)
    }

    /// The words of a key. A key that is not there shows itself; the tests find it.
    pub fn text(self, key: &'static str) -> &'static str {
        self.find(key).unwrap_or(key)
    }

    /// The language that a browser wants most (`Accept-Language`, RFC 9110, 12.5.4) of those that there are, else English.
    pub fn accepted(header: &str) -> Self {
        let asked = header.split(',').take(MAX_ASKED).filter_map(|part| {
            let (range, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(weight) => weight.trim().parse::<f32>().ok()?,
                None => 1.0,
            };
            let primary = range.trim().split('-').next().unwrap_or_default();
            let language = Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))?;
            (weight > 0.0).then_some((weight, language))
        });
        // Of two that are wanted as much, the first.
        let best = asked.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map_or(Self::English, |(_, language)| language)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What stands in braces, in any order.
    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    #[test]
    fn all_languages_have_the_same_keys_and_placeholders() {
        let spanish = &WORDS[Language::Spanish as usize];
        assert!(!spanish.is_empty());
        for language in Language::ALL {
            let read = |source| serde_json::from_str::<Words>(source).expect("an object of texts");
            let words: Words = language.sources().into_iter().flat_map(read).collect();
            let tag = language.tag();
            assert_eq!(words.keys().collect::<Vec<_>>(), spanish.keys().collect::<Vec<_>>(), "keys of {tag}");
            for (key, text) in &words {
                assert_eq!(placeholders(text), placeholders(&spanish[key]), "{tag}: {key}");
                assert!(!text.trim().is_empty() && text.trim() == text, "{tag}: {key}");
            }
        }
    }

    #[test]
    fn each_file_is_in_the_order_of_its_keys_and_has_none_twice() {
        for language in Language::ALL {
            let mut all = 0;
            for source in language.sources() {
                let lines = source.lines();
                let keys: Vec<_> = lines
                    .filter_map(|line| line.trim_start().strip_prefix('"')?.split_once("\": \"").map(|(key, _)| key))
                    .collect();
                assert!(keys.is_sorted_by(|one, next| one < next), "{}", language.tag());
                all += keys.len();
            }
            assert_eq!(all, WORDS[language as usize].len(), "{}: one key per line", language.tag());
        }
    }

    #[test]
    fn the_language_wanted_most_is_taken() {
        for (header, language) in [
            ("", Language::English),
            ("fr, it;q=0.5", Language::English),
            ("de-AT,de;q=0.9,en;q=0.8", Language::German),
            ("en;q=0.5, EU ;q=0.9", Language::Basque),
            ("ca, gl", Language::Catalan),
            ("gl;q=0, es;q=0.1", Language::Spanish),
            ("*;q=x,gl;q=1.0", Language::Galician),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }
}
