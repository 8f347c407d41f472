//! Pages made by code, and documents of which bytes were changed.

use documents::fixtures;
use lopdf::{Document, Object, Stream, dictionary};

use super::*;

/// A PDF of pages with these contents, each with a Helvetica `F` and these further entries.
fn pdf(contents: &[&str], entries: &[(&str, Object)]) -> Vec<u8> {
    let mut document = Document::with_version("1.7");
    let root = document.new_object_id();
    let font = document.add_object(dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
    });
    let mut kids: Vec<Object> = Vec::new();
    for content in contents {
        let content = document.add_object(Stream::new(dictionary! {}, content.as_bytes().to_vec()));
        let mut page = dictionary! {
            "Type" => "Page", "Parent" => root, "Contents" => content, "MediaBox" => numbers([0, 0, 600, 800]),
            "Resources" => dictionary! { "Font" => dictionary! { "F" => font } },
        };
        entries.iter().for_each(|(name, value)| page.set(*name, value.clone()));
        kids.push(document.add_object(page).into());
    }
    document.objects.insert(root, dictionary! { "Type" => "Pages", "Count" => contents.len() as i64, "Kids" => kids }.into());
    let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
    document.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    bytes
}

fn numbers(numbers: [i64; 4]) -> Object {
    numbers.map(Object::from).to_vec().into()
}

/// The text of the only page.
fn text(pdf: Vec<u8>) -> (Vec<Run>, TextState) {
    let mut pages = read_pages(pdf, 0, 1, true).unwrap();
    let page = pages.pages.remove(0);
    (page.text, page.state)
}

fn words(content: &str) -> Vec<String> {
    text(pdf(&[content], &[])).0.into_iter().map(|run| run.s).collect()
}

#[test]
fn a_line_is_a_run_in_the_place_where_it_is_drawn() {
    let (runs, state) = text(pdf(&["BT /F 20 Tf 100 700 Td (Hello) Tj ET"], &[]));
    assert_eq!(state, TextState::Complete);
    let [run] = runs.as_slice() else { panic!("{runs:?}") };
    // By the widths of Helvetica: H 722, e 556, l 222, o 556; the baseline is 100 below the top.
    let expected = Run { x: 100.0, y: 84.0, w: 45.6, h: 20.0, s: "Hello".into() };
    assert_eq!(*run, expected);
}

#[test]
fn words_fall_where_there_are_gaps_and_nowhere_else() {
    assert_eq!(words("BT /F 10 Tf 50 700 Td [(He) 20 (llo) -300 (wor) -20 (ld)] TJ ET"), ["Hello world"]);
    // Each letter is placed on its own, with the advance of the one before.
    assert_eq!(words("BT /F 10 Tf 50 700 Td (I) Tj 2.78 0 Td (ll) Tj 7.5 0 Td (be) Tj ET"), ["Ill be"]);
    // Spread letters are no words of one letter: the gaps are small, though all are there.
    assert_eq!(words("BT /F 10 Tf 1 Tc 50 700 Td (spread) Tj ET"), ["spread"]);
    assert_eq!(words("BT /F 10 Tf 50 700 Td (two  spaces ) Tj ET"), ["two spaces"]);
}

#[test]
fn columns_and_lines_are_runs_of_their_own() {
    assert_eq!(words("BT /F 10 Tf 50 700 Td [(left) -5000 (right)] TJ 0 -12 Td (below) Tj ET"), ["left", "right", "below"]);
    assert_eq!(words("BT /F 10 Tf 50 700 Td (E = mc) Tj 3 Ts (2) Tj ET"), ["E = mc2"], "what is raised stays in its line");
}

#[test]
fn invisible_text_is_text_and_what_is_outside_the_page_is_not() {
    assert_eq!(words("BT 3 Tr /F 10 Tf 50 700 Td (recognized) Tj ET"), ["recognized"]);
    assert_eq!(words("BT /F 10 Tf 50 900 Td (above the page) Tj ET"), Vec::<String>::new());
    let cropped = pdf(&["BT /F 10 Tf 50 700 Td (in) Tj 0 -500 Td (out) Tj ET"], &[("CropBox", numbers([0, 600, 300, 800]))]);
    let pages = read_pages(cropped, 0, 1, true).unwrap();
    assert_eq!((pages.pages[0].width, pages.pages[0].height), (300.0, 200.0));
    let [run] = pages.pages[0].text.as_slice() else { panic!("{pages:?}") };
    assert_eq!((run.s.as_str(), run.x, run.y), ("in", 50.0, 92.0), "it is counted from the corner of what is shown");
}

#[test]
fn what_is_drawn_twice_for_bold_letters_is_there_once() {
    assert_eq!(words("BT 2 Tr /F 10 Tf 50 700 Td (outlined) Tj ET"), ["outlined"]);
    assert_eq!(words("BT /F 10 Tf 50 700 Td (bold) Tj 0.3 0 Td (bold) Tj ET"), ["bold"]);
    assert_eq!(words("BT /F 10 Tf 50 700 Td (so) Tj 0 -12 Td (so) Tj ET"), ["so", "so"]);
}

#[test]
fn a_page_that_is_turned_is_told_and_drawn_as_it_is_shown() {
    let turned = |degrees: i64| pdf(&["BT /F 20 Tf 100 700 Td (Hello) Tj ET"], &[("Rotate", degrees.into())]);
    let page = read_pages(turned(90), 0, 1, true).unwrap().pages.remove(0);
    assert_eq!((page.width, page.height), (800.0, 600.0));
    let [run] = page.text.as_slice() else { panic!("{page:?}") };
    // From the left edge as far as it was from the bottom, and downwards.
    assert_eq!((run.x, run.y, run.w, run.h), (696.0, 100.0, 20.0, 45.6));
    let image = draw_page(turned(90), 0, Width::Small).unwrap();
    assert_eq!((image.width, image.height), (800, 600));
    assert!(darkest(&image, 696, 100, 20, 45) < 8, "the letters are drawn where the run is");
    assert_eq!(darkest(&image, 0, 0, 690, 600), 15);
}

/// The darkest of the 16 greys in a part of a grey image.
fn darkest(image: &PageImage, x: usize, y: usize, width: usize, height: usize) -> u8 {
    let mut reader = png::Decoder::new(std::io::Cursor::new(&image.bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    assert_eq!((info.color_type, info.bit_depth), (png::ColorType::Grayscale, png::BitDepth::Four));
    let grey = |x: usize, y: usize| pixels[y * info.line_size + x / 2] >> (4 * (1 - x % 2)) & 15;
    (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y))).map(|(x, y)| grey(x, y)).min().unwrap()
}

#[test]
fn a_page_without_text_says_so_and_so_does_one_with_letters_that_nobody_can_tell() {
    assert_eq!(text(pdf(&["0 0 100 100 re f"], &[])), (Vec::new(), TextState::None));
    let unnamed = dictionary! {
        "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica",
        "Encoding" => dictionary! { "Differences" => vec![65.into(), Object::Name(b"zz17".to_vec())] },
    };
    let resources = dictionary! { "Font" => dictionary! { "F" => unnamed } };
    let (runs, state) = text(pdf(&["BT /F 10 Tf 50 700 Td (A) Tj ET"], &[("Resources", resources.into())]));
    assert_eq!((runs, state), (Vec::new(), TextState::Partial));
}

#[test]
fn runs_letters_and_pages_are_bounded_and_what_is_left_out_is_said() {
    let lines: String = (0..MAX_RUNS + 10).map(|line| format!("BT /F 1 Tf 5 {} Td (x) Tj ET\n", line % 399 * 2 + 1)).collect();
    let (runs, state) = text(pdf(&[&lines], &[]));
    assert_eq!((runs.len(), state), (MAX_RUNS, TextState::Partial));

    let long = format!("BT /F 0.01 Tf 5 500 Td ({}) Tj ET", "x".repeat(MAX_TEXT + 10));
    let (runs, state) = text(pdf(&[&long], &[]));
    assert_eq!((runs.len(), runs[0].s.len(), state), (1, MAX_TEXT, TextState::Partial));

    let many = vec![lines.as_str(); 60];
    let pages = read_pages(pdf(&many, &[]), 3, 1000, true).unwrap();
    assert_eq!(pages.total, 60);
    assert!((2..20).contains(&pages.pages.len()), "{} pages", pages.pages.len());
    let pages = read_pages(pdf(&many, &[]), 3, 1000, false).unwrap();
    assert_eq!(pages.pages.len(), MAX_COUNT);
    assert!(pages.pages.iter().all(|page| page.text.is_empty() && page.state == TextState::Unavailable && page.width == 600.0));
}

#[test]
fn only_the_pages_that_are_asked_for_are_told() {
    let document = pdf(&["BT /F 9 Tf 9 9 Td (one) Tj ET", "BT /F 9 Tf 9 9 Td (two) Tj ET", ""], &[]);
    let pages = read_pages(document.clone(), 1, 1, true).unwrap();
    assert_eq!((pages.total, pages.pages.len(), pages.pages[0].text[0].s.as_str()), (3, 1, "two"));
    assert_eq!(read_pages(document.clone(), 3, 1, true), Err(Undrawn::NoSuchPage { pages: 3 }));
    assert_eq!(draw_page(document, 3, Width::Small), Err(Undrawn::NoSuchPage { pages: 3 }));
    assert_eq!(read_pages(b"no PDF".to_vec(), 0, 1, true), Err(Undrawn::Unreadable));
}

#[test]
fn a_page_is_as_wide_as_is_asked_for_unless_it_is_very_tall() {
    for width in Width::ALL {
        let image = draw_page(pdf(&["BT /F 9 Tf 9 9 Td (text) Tj ET"], &[]), 0, width).unwrap();
        let height = u32::from(width.pixels()) * 4 / 3;
        assert_eq!((image.width, image.height.into(), image.media_type), (width.pixels(), height, MediaType::Png));
        assert!(!image.is_incomplete && Width::of_pixels(width.pixels().into()) == Some(width));
    }
    assert_eq!(Width::of_pixels(801), None);
    for (wide, high) in [(200.0, 14_400.0), (1.0, 14_400.0), (14_400.0, 1.0), (0.01, 1e6), (3.0, 3.0)] {
        for width in Width::ALL {
            let size = size(wide, high, width).unwrap();
            assert!(
                size.pixels() <= MAX_PIXELS as u64 && size.width <= width.pixels() && size.height >= 1,
                "{wide} x {high}: {size:?}"
            );
        }
    }
    assert_eq!(size(200.0, 14_400.0, Width::Large), Some(Size { width: 408, height: 29_393 }));
    assert!([0.0, -1.0, f64::NAN, f64::INFINITY].iter().all(|side| size(*side, 10.0, Width::Small).is_none()));
}

#[test]
fn a_document_that_needs_a_password_is_not_shown_and_one_that_does_not_is() {
    let closed = fixtures::encrypted("a password", lopdf::Permissions::all());
    assert_eq!(draw_page(closed.clone(), 0, Width::Small), Err(Undrawn::Unreadable));
    assert_eq!(read_pages(closed, 0, 1, true), Err(Undrawn::Unreadable));
    let open = fixtures::encrypted("", lopdf::Permissions::all());
    let (runs, _) = text(open.clone());
    assert!(!runs.is_empty() && draw_page(open, 0, Width::Small).is_ok());
}

#[test]
fn what_cannot_be_drawn_is_said() {
    let image = Stream::new(
        dictionary! {
            "Type" => "XObject", "Subtype" => "Image", "Width" => 10, "Height" => 10, "BitsPerComponent" => 8,
            "ColorSpace" => "DeviceGray", "Filter" => "JPXDecode",
        },
        b"no image".to_vec(),
    );
    let mut document = Document::load_mem(&pdf(&["q 100 0 0 100 100 100 cm /I Do Q"], &[])).unwrap();
    let image = document.add_object(image);
    let page = document.get_pages()[&1];
    document.get_dictionary_mut(page).unwrap().set("Resources", dictionary! { "XObject" => dictionary! { "I" => image } });
    let mut bytes = Vec::new();
    document.save_to(&mut bytes).unwrap();
    assert!(draw_page(bytes, 0, Width::Small).unwrap().is_incomplete);
}

/// As a worker would, for whom a panic is an answer: what comes out keeps the bounds, whatever the file says.
#[test]
fn changed_documents_keep_the_bounds() {
    let originals = [
        fixtures::contract(&["A"]),
        fixtures::with_xref_stream(&["A"]),
        fixtures::rotated(&["A"], 90),
        pdf(&["BT /F 20 Tf 100 700 Td [(He) -300 (llo)] TJ ET", "BT 3 Tr /F 9 Tf (x) Tj ET"], &[("UserUnit", 2.into())]),
    ];
    // Seeded: the same changes in every run.
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap()
    };
    let (mut told, mut drawn) = (0, 0);
    for original in &originals {
        for _ in 0..60 {
            let mut bytes = original.clone();
            for _ in 0..=random(6) {
                let at = random(bytes.len());
                match random(20) {
                    0 => bytes.truncate(at.max(1)),
                    1 => bytes.insert(at, b"0123456789<>[]()/-."[random(19)]),
                    2 => bytes[at] = b'9',
                    _ => bytes[at] = random(256) as u8,
                }
            }
            if let Ok(Ok(pages)) = catch_unwind(|| read_pages(bytes.clone(), 0, MAX_COUNT, true)) {
                assert!(pages.pages.len() <= MAX_COUNT && pages.pages.iter().all(|page| page.text.len() <= MAX_RUNS));
                assert!(
                    pages
                        .pages
                        .iter()
                        .flat_map(|page| &page.text)
                        .all(|run| [run.x, run.y, run.w, run.h].iter().all(|n| n.is_finite()))
                );
                told += 1;
            }
            if let Ok(Ok(image)) = catch_unwind(|| draw_page(bytes, 0, Width::Small)) {
                assert!(image.width <= 800 && u64::from(image.width) * u64::from(image.height) <= MAX_PIXELS as u64);
                drawn += 1;
            }
        }
    }
    assert!(told > 100 && drawn > 100, "{told} told, {drawn} drawn of {}", originals.len() * 60);
}
