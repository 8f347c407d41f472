//! What shaping is known to do, script by script, and what hostile texts cost.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lopdf::{Dictionary, Object, ObjectId};
use proptest::prelude::*;

use super::items::items;
use super::library::Library;
use super::paragraph::{Glyph, Line};
use super::subset::Subsets;
use super::*;

fn line_of(library: &Library, text: &str) -> Line {
    Paragraph::of(library, text, Look::Sans, '\u{fffd}').line(0..text.len())
}

/// Only the program's own fonts.
fn own() -> Library {
    Library::of(&[])
}

/// Those of Debian's packages fonts-noto-core and fonts-noto-cjk as well.
fn noto() -> Library {
    let folder = std::env::var_os("RUBRICA_TEST_FONTS").expect("RUBRICA_TEST_FONTS names a folder with Noto fonts");
    Library::of(&[PathBuf::from(folder)])
}

fn ids(line: &Line) -> Vec<u16> {
    line.runs.iter().flat_map(|run| run.glyphs.iter().map(|glyph| glyph.id)).collect()
}

fn glyphs(line: &Line) -> Vec<&Glyph> {
    line.runs.iter().flat_map(|run| &run.glyphs).collect()
}

/// What a line says from left to right: letters in the places where they are drawn.
fn from_left(line: &Line) -> String {
    line.runs.iter().flat_map(|run| run.glyphs.iter().map(|glyph| &run.text[glyph.cluster.clone()])).collect()
}

#[test]
fn arabic_letters_have_a_form_for_their_place_in_the_word() {
    let library = own();
    let joined = ids(&line_of(&library, "ههه"));
    let alone = ids(&line_of(&library, "ه"));
    let forms: HashSet<u16> = joined.iter().chain(&alone).copied().collect();
    assert_eq!((joined.len(), forms.len()), (3, 4), "initial, medial, final and isolated form");
    let broken = ids(&line_of(&library, "هه\u{200c}ه"));
    assert_eq!(broken.first(), alone.first(), "after a non-joiner the last letter, drawn leftmost, stands alone");
    assert_eq!(ids(&line_of(&library, "لا")).len(), 1, "lam and alef are one glyph");
}

#[test]
fn marks_stand_on_their_letters() {
    let library = own();
    for (text, is_above) in [("بَ", true), ("בָ", false), ("x\u{30c}", true)] {
        let line = line_of(&library, text);
        let marks: Vec<&Glyph> = glyphs(&line).into_iter().filter(|glyph| glyph.advance == 0.0).collect();
        assert_eq!(marks.len(), 1, "{text}");
        let reach = line.runs[0].face.outline(marks[0].id).unwrap();
        assert_eq!(reach[3] + marks[0].up > 300.0, is_above, "{text}");
        assert!(marks[0].right != 0.0, "{text}");
    }
}

#[test]
fn mixed_text_is_in_the_order_of_uax_9() {
    let library = own();
    for (text, expected) in [
        ("abc אבג def", "abc גבא def"),
        ("אבג abc 12 דהו", "והד abc 12 גבא"),
        ("אבג 12,5 דהו", "והד 12,5 גבא"),
        // In the paragraph from right to left the bracket that is read first is drawn on the right.
        ("אב (ג)", ")ג( בא"),
        ("אב: ABC-12", "ABC-12 :בא"),
    ] {
        assert_eq!(from_left(&line_of(&library, text)), expected, "{text}");
    }
}

#[test]
fn a_line_of_a_paragraph_from_right_to_left_stays_so_when_it_begins_with_latin() {
    let library = own();
    let text = "אבגד הוזח ABC טיכל";
    let paragraph = Paragraph::of(&library, text, Look::Sans, '\u{fffd}');
    let start = text.find("ABC").unwrap();
    assert_eq!(from_left(&paragraph.line(start..text.len())), "לכיט ABC");
}

#[test]
fn each_letter_is_drawn_with_a_font_that_has_it_and_spaces_stay_with_their_letters() {
    let library = own();
    let line = line_of(&library, "Łódź קם Ω ქა");
    let fonts: Vec<(&str, &str)> = line.runs.iter().map(|run| (run.face.name.as_str(), run.text.as_str())).collect();
    assert_eq!(
        fonts,
        [("NotoSans", "Łódź "), ("DejaVuSans", "קם"), ("DejaVuSans", " "), ("NotoSans", "Ω "), ("DejaVuSans", "ქა")]
    );
}

#[test]
fn what_no_font_has_is_told_once_and_drawn_as_the_replacement() {
    let library = own();
    assert_eq!(items::missing_of(&library, "Ana 山田\n山 é \u{200d}ห"), ['山', '田', 'ห']);
    assert_eq!(items::missing_of(&library, "Łukasz محمد"), []);
    let line = line_of(&library, "a山b");
    let drawn: Vec<(&str, u16)> = line.runs.iter().map(|run| (run.text.as_str(), run.glyphs[0].id)).collect();
    assert_eq!(drawn[1], ("山", line.runs[1].face.glyph('\u{fffd}').unwrap()));
}

/// The operators of a line, and what copying each font's codes gives.
fn shown(line: &Line) -> (String, Vec<String>) {
    let mut next = 0;
    let mut new_id = || -> ObjectId {
        next += 1;
        (next, 0)
    };
    let (mut subsets, mut fonts) = (Subsets::default(), Dictionary::new());
    let operators = subsets.show(line, 10.0, &mut fonts, &mut new_id);
    let objects = subsets.objects(&mut new_id).unwrap();
    let maps = objects.iter().filter_map(|(_, object)| {
        let Object::Stream(stream) = object else { return None };
        let text = String::from_utf8(stream.decompressed_content().unwrap_or_else(|_| stream.content.clone())).ok()?;
        text.contains("beginbfchar").then_some(text)
    });
    (operators, maps.collect())
}

#[test]
fn a_subset_has_what_was_used_and_says_what_it_means() {
    let library = own();
    let (operators, maps) = shown(&line_of(&library, "Ελένη"));
    assert_eq!(operators, "/T0 10.000 Tf <00010002000300040005> Tj");
    assert!(maps[0].contains("5 beginbfchar") && maps[0].contains("<0001> <0395>") && maps[0].contains("<0003> <03AD>"));
}

#[test]
fn a_glyph_that_means_different_things_says_so_in_its_place() {
    let library = own();
    let (operators, maps) = shown(&line_of(&library, "אב (ג)"));
    // The sign that looks like "(" is the bracket that closes.
    assert!(operators.starts_with("/T0 10.000 Tf /Span <</ActualText <FEFF0029>>> BDC <0001> Tj EMC <0002> Tj"), "{operators}");
    assert!(maps[0].contains("<0001> <0028>"), "{}", maps[0]);
}

#[test]
fn a_mark_that_is_moved_to_its_letter_is_said_with_it() {
    let library = own();
    let line = line_of(&library, "x\u{30c}y");
    assert!(glyphs(&line)[1].right != 0.0 && glyphs(&line)[1].cluster == (0..3));
    let (operators, maps) = shown(&line);
    assert!(operators.starts_with("/T0 10.000 Tf /Span <</ActualText <FEFF0078030C>>> BDC "), "{operators}");
    assert!(operators.ends_with("EMC 0.000 Ts <0003> Tj"), "{operators}");
    assert!(maps[0].contains("<0001> <0078>") && maps[0].contains("<0002> <030C>"), "{}", maps[0]);
}

proptest! {
    #[test]
    fn lines_of_any_script_keep_all_text_within_the_width(
        text in "[a-zéñ अकिष्हिน้ำไทย山田한글אבשלוםمحمدلاא0-9(),.'\u{301}\u{200d}-]{0,60}", limit in 3_000.0_f32..20_000.0,
    ) {
        let library = own();
        let paragraph = Paragraph::of(&library, &text, Look::Sans, '\u{fffd}');
        let lines = paragraph.lines(limit, Break::Always, usize::MAX).unwrap();
        prop_assert_eq!(lines.iter().map(|line| &text[line.clone()]).collect::<String>(), text.as_str());
        for line in lines {
            let line = paragraph.line(paragraph.trimmed(line));
            prop_assert!(line.width <= limit + 1.0 || line.runs.iter().map(|run| run.text.chars().count()).sum::<usize>() < 4);
            prop_assert!(glyphs(&line).iter().all(|glyph| glyph.advance.is_finite() && glyph.up.abs() < 10_000.0));
        }
    }

    #[test]
    fn every_letter_of_a_line_is_said_by_its_glyphs(text in "[a-zé אבש\u{5b8}محمدلا0-9(),.]{0,40}") {
        let library = own();
        let line = line_of(&library, &text);
        let mut said: Vec<char> = Vec::new();
        for run in &line.runs {
            let mut clusters: Vec<_> = run.glyphs.iter().map(|glyph| glyph.cluster.clone()).collect();
            clusters.dedup();
            said.extend(clusters.into_iter().flat_map(|cluster| run.text[cluster].chars().collect::<Vec<_>>()));
        }
        let mut given: Vec<char> = text.chars().collect();
        said.sort_unstable();
        given.sort_unstable();
        prop_assert_eq!(said, given);
    }
}

#[test]
fn hostile_texts_cost_no_more_than_their_length() {
    let library = own();
    let begun = Instant::now();
    for text in [
        format!("a{}", "\u{301}".repeat(100_000)),
        "\u{5b8}".repeat(100_000),
        "\u{202b}\u{202a}".repeat(20_000) + "א",
        "\u{2067}".repeat(40_000) + "a",
        "\u{200d}".repeat(100_000),
        "א1".repeat(20_000),
        "aא山م".repeat(10_000),
        "ลำ้".repeat(20_000),
        "क्".repeat(30_000),
        "(".repeat(50_000) + "א",
    ] {
        let paragraph = Paragraph::of(&library, &text, Look::Sans, '\u{fffd}');
        paragraph.lines(10_000.0, Break::Always, usize::MAX).unwrap();
        assert_eq!(items(&library, &text, None, Look::Sans).last().unwrap().range.end, text.len());
    }
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
}

#[test]
#[ignore = "needs fonts that tests/all.sh fetches"]
fn folder_scripts_have_fonts_of_their_own() {
    let library = noto();
    assert!(library.found() > 100, "the folder has Debian's fonts-noto-core");
    for (text, font) in [
        ("李小龙", "NotoSansCJKscRegular"),
        ("山田ひろし", "NotoSansCJKjpRegular"),
        ("김민준", "NotoSansCJKkrRegular"),
        ("ㄅ山", "NotoSansCJKtcRegular"),
        ("ไทย", "NotoSansThaiRegular"),
        ("हिन्दी", "NotoSansDevanagariRegular"),
        ("தமிழ்", "NotoSansTamilRegular"),
        ("አማርኛ", "NotoSansEthiopicRegular"),
    ] {
        assert_eq!(items::missing_of(&library, text), [], "{text}");
        let line = line_of(&library, text);
        assert!(line.runs.iter().all(|run| run.face.name == font), "{text}: {:?}", line.runs[0].face);
    }
    let bold = Paragraph::of(&library, "李", Look::Bold, '\u{fffd}').line(0..3);
    assert_eq!(bold.runs[0].face.name, "NotoSansCJKscBold");
}

#[test]
#[ignore = "needs fonts that tests/all.sh fetches"]
fn folder_devanagari_forms_conjuncts_and_puts_vowels_before_their_consonants() {
    let library = noto();
    assert_eq!(ids(&line_of(&library, "क्ष")).len(), 1, "ka, virama, ssa are one conjunct");
    let line = line_of(&library, "हि");
    let face = line.runs[0].face;
    assert_eq!(glyphs(&line).last().unwrap().id, face.glyph('ह').unwrap(), "the vowel i is drawn before its consonant");
    assert_eq!(line.runs[0].glyphs[0].cluster, 0..6, "both are one letter");
    let (operators, _) = shown(&line);
    assert!(operators.contains("/Span <</ActualText <FEFF0939093F>>> BDC"), "{operators}");
}

#[test]
#[ignore = "needs fonts that tests/all.sh fetches"]
fn folder_thai_marks_are_placed_one_above_the_other() {
    let library = noto();
    let line = line_of(&library, "ที่");
    let marks: Vec<&Glyph> = glyphs(&line).into_iter().filter(|glyph| glyph.advance == 0.0).collect();
    assert_eq!(marks.len(), 2);
    let face = line.runs[0].face;
    let bottom = |glyph: &Glyph| face.outline(glyph.id).unwrap()[1] + glyph.up;
    let top = |glyph: &Glyph| face.outline(glyph.id).unwrap()[3] + glyph.up;
    assert!(bottom(marks[1]) >= top(marks[0]) - 60.0, "the tone mark stands above the vowel");
}

#[test]
#[ignore = "needs fonts that tests/all.sh fetches"]
fn folder_collections_and_cff_outlines_are_cut_down() {
    let library = noto();
    let line = line_of(&library, "李小龙");
    let mut next = 0;
    let mut new_id = || -> ObjectId {
        next += 1;
        (next, 0)
    };
    let mut subsets = Subsets::default();
    subsets.show(&line, 10.0, &mut Dictionary::new(), &mut new_id);
    let objects = subsets.objects(&mut new_id).unwrap();
    let cid_font = objects[1].1.as_dict().unwrap();
    assert_eq!(cid_font.get(b"Subtype").unwrap().as_name().unwrap(), b"CIDFontType0");
    let program = objects[3].1.as_stream().unwrap();
    assert_eq!(program.dict.get(b"Subtype").unwrap().as_name().unwrap(), b"CIDFontType0C");
    let size = program.decompressed_content().unwrap().len();
    assert!((200..60_000).contains(&size), "{size} bytes");
}
