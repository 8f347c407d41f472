//! The page that a signer's link leads to: a shell of the element that does the rest. It is the same for every link, as the secret of a link
//! is in the fragment, which no server sees; so it tells nobody whether there is such a signature.

use askama::Template;

use crate::{assets, render, texts::Language};

#[derive(Template)]
#[template(path = "landing.html")]
struct Landing {
    language: Language,
    /// The file with the words of that language.
    words: &'static str,
    script: &'static str,
    /// Origins of pages that may frame it and give it a token, with blanks between them; `None` for the page of a link.
    origins: Option<String>,
}

/// The page in the language that a browser wants most (its `Accept-Language`). The element speaks another one if the signer or the tenant
/// wants that.
pub fn landing(accept_language: &str) -> String {
    let language = Language::accepted(accept_language);
    render(&Landing { language, words: words(language), script: assets::BOOT_JS, origins: None })
}

/// The same page for a frame in pages of these origins. Instead of a link it waits for a token, which the page around it sends.
pub fn embedded(accept_language: &str, origins: &[String]) -> String {
    let language = Language::accepted(accept_language);
    render(&Landing { language, words: words(language), script: assets::EMBED_JS, origins: Some(origins.join(" ")) })
}

/// The file with the words of a language, for scripts.
pub(crate) fn words(language: Language) -> &'static str {
    match language {
        Language::Spanish => assets::LANG_ES_JS,
        Language::English => assets::LANG_EN_JS,
        Language::Catalan => assets::LANG_CA_JS,
        Language::Basque => assets::LANG_EU_JS,
        Language::Galician => assets::LANG_GL_JS,
        Language::German => assets::LANG_DE_JS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_in_the_page_that_its_policy_forbids() {
        let page = landing("");
        assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("<script>"), "{page}");
        assert_eq!(page.matches("<script").count(), 1, "{page}");
    }

    #[test]
    fn the_page_speaks_and_loads_the_language_that_is_wanted() {
        for language in Language::ALL {
            let page = landing(language.tag());
            assert!(page.contains(&format!("<html lang=\"{}\">", language.tag())), "{page}");
            assert!(page.contains(&format!("rel=\"modulepreload\" href=\"../../pages/{}\"", words(language))), "{page}");
            assert!(words(language).starts_with(&format!("lang-{}-", language.tag())));
            for key in ["page.title", "page.no_script", "page.not_loading"] {
                // askama writes an apostrophe as a number.
                let text = language.text(key).replace('\'', "&#39;");
                assert!(page.contains(&text), "{}: {key}: {page}", language.tag());
            }
        }
    }

    #[test]
    fn whoever_has_no_script_is_told_so_and_whoever_waits_in_vain_too() {
        let page = landing("en");
        let inside =
            page.split("<rubrica-sign>").nth(1).and_then(|rest| rest.split("</rubrica-sign>").next()).expect("the element");
        assert!(inside.contains("<noscript>") && inside.contains("class=\"late\""), "{inside}");
    }

    #[test]
    fn a_framed_page_knows_who_may_speak_to_it() {
        let origins = ["https://shop.example.org".to_owned(), "http://localhost:3000".to_owned()];
        let page = embedded("de", &origins);
        assert!(page.contains("data-origins=\"https://shop.example.org http://localhost:3000\""), "{page}");
        assert!(page.contains(assets::EMBED_JS) && !page.contains(assets::BOOT_JS) && page.contains("<html lang=\"de\">"));
        assert!(embedded("", &[]).contains("data-origins=\"\"") && !landing("").contains("data-origins"));
    }

    #[test]
    fn every_asset_is_found_from_below_the_organization() {
        let page = landing("es");
        let loaded: Vec<_> = page.split("../../pages/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert_eq!(loaded.len(), 4, "{page}");
        assert!(loaded.iter().all(|name| assets::find(name).is_some()), "{loaded:?}");
        assert!(!page.contains("href=\"/") && !page.contains("src=\"/"), "a server may be below a path: {page}");
    }
}
