//! What holds for whole images; people in them do not exist.

use std::sync::LazyLock;

use chrono::NaiveDate;
use image::{ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder, codecs::webp::WebPEncoder, imageops};
use proptest::prelude::*;

use crate::{
    Check, Declared, DocumentKind, Error, HIGH, Images, Kind, LOW, Options, Problem, Reading, ScoreType, Side, ValueKey,
    fixtures::{self, ANNA, CARMEN, Person},
    read,
};

static CARD: LazyLock<Vec<u8>> = LazyLock::new(|| CARMEN.card());
static FRONT: LazyLock<Vec<u8>> = LazyLock::new(fixtures::front);

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn options() -> Options {
    Options { today: day(2026, 11, 26) }
}

fn read_both(front: &[u8], back: &[u8], declared: &Declared) -> Reading {
    read(Images { front: Some(front), back: Some(back) }, declared, &options()).unwrap()
}

fn read_one(image: &[u8]) -> Result<Reading, Error> {
    read(Images { front: Some(image), back: None }, &Declared::default(), &options())
}

fn value(reading: &Reading, key: ValueKey) -> &str {
    reading.values.get(&key).map_or("", String::as_str)
}

fn check(reading: &Reading, score_type: ScoreType) -> Option<&Check> {
    reading.checks.iter().find(|check| check.score_type == score_type)
}

/// Its score, and whether it points to fraud.
fn score(reading: &Reading, score_type: ScoreType) -> (f64, bool) {
    check(reading, score_type)
        .map(|check| (check.score, check.is_fraud))
        .unwrap_or_else(|| panic!("{score_type:?} of {reading:#?}"))
}

fn decoded(file: &[u8]) -> RgbImage {
    image::load_from_memory(file).unwrap().to_rgb8()
}

fn jpeg(picture: &RgbImage, quality: u8) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut file, quality);
    encoder.write_image(picture, picture.width(), picture.height(), ExtendedColorType::Rgb8).unwrap();
    file
}

/// A segment with EXIF data behind the start of a JPEG.
fn with_exif(jpeg: &[u8], tiff: &[u8]) -> Vec<u8> {
    let segment = [b"Exif\0\0", tiff].concat();
    let len = u16::try_from(segment.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, 0xe1], &len, &segment, &jpeg[2..]].concat()
}

/// A directory with one entry: the way up.
fn orientation(value: u16) -> Vec<u8> {
    let entry = [&[0, 1], &0x0112_u16.to_be_bytes()[..], &[0, 3], &[0, 0, 0, 1], &value.to_be_bytes(), &[0, 0]].concat();
    [b"MM\0*\0\0\0\x08".as_slice(), &entry, &[0; 4]].concat()
}

#[test]
fn a_spanish_card_is_read_and_agrees_with_what_was_declared() {
    let declared = Declared {
        name: Some("Carmen".into()),
        last_name: Some("Española Española".into()),
        birth_date: Some(day(1980, 1, 1)),
        document_number: Some("99999999-r".into()),
        country: Some("ES".into()),
        kind: Some(DocumentKind::IdentityCard),
    };
    let reading = read_both(&FRONT, &CARD, &declared);
    for (key, expected) in [
        (ValueKey::Name, "CARMEN"),
        (ValueKey::LastName, "ESPANOLA ESPANOLA"),
        (ValueKey::BirthDate, "1980-01-01T00:00:00Z"),
        (ValueKey::DocumentNumber, "99999999R"),
        (ValueKey::SupportNumber, "BAA000589"),
        (ValueKey::DocumentExpirationDate, "2031-01-02T00:00:00Z"),
        (ValueKey::Nationality, "ESP"),
        (ValueKey::IssuingCountry, "ESP"),
        (ValueKey::Sex, "F"),
        (ValueKey::DocumentType, "ID"),
    ] {
        assert_eq!(value(&reading, key), expected, "{key:?}");
    }
    for score_type in [
        ScoreType::MrzControlDigit,
        ScoreType::MrzDates,
        ScoreType::DocumentExpired,
        ScoreType::CountryCodes,
        ScoreType::NationalNumber,
        ScoreType::DeclaredData,
    ] {
        assert_eq!(score(&reading, score_type), (1.0, false), "{score_type:?}");
    }
    assert_eq!(check(&reading, ScoreType::MrzControlDigit).unwrap().side, Some(Side::Back));
    assert!(reading.global_score >= HIGH && reading.checks.iter().all(|check| !check.is_fraud), "{reading:#?}");
}

#[test]
fn a_passport_is_read_and_utopia_issues_none() {
    let reading = read_one(&ANNA.passport()).unwrap();
    assert_eq!(
        [ValueKey::LastName, ValueKey::Name, ValueKey::DocumentNumber, ValueKey::DocumentType].map(|key| value(&reading, key)),
        ["ERIKSSON", "ANNA MARIA", "L898902C3", "P"]
    );
    assert_eq!(score(&reading, ScoreType::MrzControlDigit), (1.0, false));
    assert_eq!(score(&reading, ScoreType::CountryCodes), (0.0, true));
    assert!(reading.global_score < LOW);
    let reading = read_one(&Person { country: "PRT", ..ANNA }.passport()).unwrap();
    assert_eq!(score(&reading, ScoreType::CountryCodes), (1.0, false));
    assert!(check(&reading, ScoreType::NationalNumber).is_none(), "that is of Spanish cards");
    assert!(check(&reading, ScoreType::DeclaredData).is_none(), "nothing was declared");
}

#[test]
fn a_document_is_read_whichever_way_up_it_is() {
    let card = decoded(&CARD);
    for turned in [imageops::rotate90(&card), imageops::rotate180(&card), imageops::rotate270(&card)] {
        assert_eq!(value(&read_one(&jpeg(&turned, 85)).unwrap(), ValueKey::DocumentNumber), "99999999R");
    }
    // As cameras store it: lying, and the file says how.
    let stored: [(u16, RgbImage); 8] = [
        (1, card.clone()),
        (2, imageops::flip_horizontal(&card)),
        (3, imageops::rotate180(&card)),
        (4, imageops::flip_vertical(&card)),
        (5, imageops::flip_horizontal(&imageops::rotate90(&card))),
        (6, imageops::rotate270(&card)),
        (7, imageops::flip_horizontal(&imageops::rotate270(&card))),
        (8, imageops::rotate90(&card)),
    ];
    for (way, picture) in stored {
        let picture = crate::decode::decode(&with_exif(&jpeg(&picture, 90), &orientation(way))).unwrap();
        assert_eq!((picture.width, picture.height), (card.width() as usize, card.height() as usize), "{way}");
        let gray = crate::raster::Gray::of(&picture);
        let found = crate::find(&gray, &crate::network::Network::own()).unwrap();
        assert!(found.corners[0].0 < found.corners[1].0 && found.corners[0].1 < found.corners[2].1, "{way}: it is upright");
        assert_eq!(found.zone.lines, CARMEN.card_lines(), "{way}");
    }
}

#[test]
fn jpeg_png_and_webp_are_taken_whatever_they_are_called() {
    let card = decoded(&CARD);
    let mut webp = Vec::new();
    WebPEncoder::new_lossless(&mut webp).write_image(&card, card.width(), card.height(), ExtendedColorType::Rgb8).unwrap();
    let smaller = imageops::resize(&card, card.width() / 2, card.height() / 2, imageops::FilterType::Triangle);
    for file in [CARD.clone(), webp, jpeg(&card, 60), jpeg(&smaller, 70)] {
        assert_eq!(value(&read_one(&file).unwrap(), ValueKey::DocumentNumber), "99999999R");
    }
}

/// A card whose zone is changed after its check digits were made.
fn forged(change: impl Fn(&mut [String; 3])) -> Reading {
    let mut lines = CARMEN.card_lines();
    change(&mut lines);
    read_one(&fixtures::card_of(&lines)).unwrap()
}

#[test]
fn a_forged_digit_is_told_and_not_put_right() {
    let reading = forged(|lines| lines[1].replace_range(0..2, "85"));
    assert_eq!(value(&reading, ValueKey::BirthDate), "1985-01-01T00:00:00Z");
    let (control, is_fraud) = score(&reading, ScoreType::MrzControlDigit);
    assert!(control < 0.5 && is_fraud);
    assert!(reading.global_score < LOW);
}

#[test]
fn a_national_number_with_another_letter_is_told() {
    let wrong = Person { optional: "99999999A", ..CARMEN };
    let reading = read_one(&wrong.card()).unwrap();
    assert_eq!(score(&reading, ScoreType::MrzControlDigit), (1.0, false), "its check digits agree");
    assert_eq!(score(&reading, ScoreType::NationalNumber), (0.0, true));
}

#[test]
fn a_document_that_has_run_out_is_no_fraud() {
    let reading =
        read(Images { front: None, back: Some(&CARD) }, &Declared::default(), &Options { today: day(2031, 1, 2) }).unwrap();
    assert_eq!(score(&reading, ScoreType::DocumentExpired), (1.0, false), "valid to the last day");
    let reading =
        read(Images { front: None, back: Some(&CARD) }, &Declared::default(), &Options { today: day(2031, 1, 3) }).unwrap();
    assert_eq!((score(&reading, ScoreType::DocumentExpired), reading.global_score), ((0.0, false), 0.0));
}

#[test]
fn dates_are_of_the_calendar_and_in_their_order() {
    let reading = read_one(&Person { birth: "800231", ..CARMEN }.card()).unwrap();
    assert_eq!(score(&reading, ScoreType::MrzDates), (0.0, true), "February has no 31st");
    // Who was born in 27 cannot be younger than today: it is 1927.
    let reading = read_one(&Person { birth: "270101", ..CARMEN }.card()).unwrap();
    assert_eq!(
        (value(&reading, ValueKey::BirthDate), score(&reading, ScoreType::MrzDates)),
        ("1927-01-01T00:00:00Z", (1.0, false))
    );
}

#[test]
fn what_was_declared_differs() {
    let none = Declared::default();
    for (declared, is_same) in [
        (Declared { document_number: Some("99999998R".into()), ..none.clone() }, false),
        (Declared { document_number: Some("BAA000589".into()), ..none.clone() }, false),
        (Declared { name: Some("María".into()), ..none.clone() }, false),
        (Declared { name: Some("CARMEN".into()), last_name: Some("Espanola-Española".into()), ..none.clone() }, true),
        (Declared { birth_date: Some(day(1980, 1, 2)), ..none.clone() }, false),
        (Declared { country: Some("PT".into()), ..none.clone() }, false),
        (Declared { kind: Some(DocumentKind::Passport), ..none.clone() }, false),
    ] {
        let reading = read_both(&FRONT, &CARD, &declared);
        let (score, is_fraud) = score(&reading, ScoreType::DeclaredData);
        assert_eq!((score > 0.8, !is_fraud), (is_same, is_same), "{declared:?}: {score}");
    }
}

#[test]
fn one_side_twice_is_seen_and_so_are_two_documents() {
    let again = jpeg(&decoded(&CARD), 50);
    let reading = read_both(&CARD, &again, &Declared::default());
    assert_eq!((score(&reading, ScoreType::FrontBack), reading.global_score), ((0.0, false), 0.0));
    let other = Person { number: "CDE654321", ..CARMEN }.card();
    assert_eq!(score(&read_both(&CARD, &other, &Declared::default()), ScoreType::FrontBack), (0.0, true));
    assert!(
        check(&read_both(&FRONT, &CARD, &Declared::default()), ScoreType::FrontBack).is_none(),
        "the front has no zone to compare"
    );
}

#[test]
fn a_front_alone_has_nothing_to_read_and_scores_nothing() {
    let reading = read_one(&FRONT).unwrap();
    assert!(reading.values.is_empty());
    assert_eq!((score(&reading, ScoreType::MrzReadable), reading.global_score), ((0.0, false), 0.0));
}

#[test]
fn a_picture_is_judged_by_what_it_is_like() {
    let card = decoded(&CARD);
    let side = |picture: &RgbImage, score_type| score(&read_one(&jpeg(picture, 90)).unwrap(), score_type);
    let good = read_one(&CARD).unwrap();
    for check in good.checks.iter().filter(|check| check.score_type.kind() == Kind::Picture) {
        assert!(check.score > 0.75 && !check.is_fraud, "{check:?}");
    }
    let blurred = imageops::blur(&card, 6.0);
    assert!(side(&blurred, ScoreType::Focus).0 < 0.2);
    let gray = image::DynamicImage::ImageRgb8(card.clone()).to_luma8();
    let gray = image::DynamicImage::ImageLuma8(gray).to_rgb8();
    assert_eq!(side(&gray, ScoreType::Photocopy), (0.0, true));
    let small = imageops::resize(&card, 330, 208, imageops::FilterType::Triangle);
    assert!(side(&small, ScoreType::Resolution).0 < 0.1);
    let mut glaring = card.clone();
    for (x, y, pixel) in glaring.enumerate_pixels_mut() {
        if (f64::from(x) - 500.0).hypot(f64::from(y) - 200.0) < 190.0 {
            pixel.0 = [255; 3];
        }
    }
    assert!(side(&glaring, ScoreType::Glare).0 < 0.2);
    // The pixels of a screen, seen from a little aside.
    let mut screen = card.clone();
    for (x, y, pixel) in screen.enumerate_pixels_mut() {
        let (u, v) = (f64::from(x) * 0.96 + f64::from(y) * 0.28, f64::from(y) * 0.96 - f64::from(x) * 0.28);
        let dim = 0.8 + 0.2 * (u * 1.9).sin() * (v * 1.9).sin();
        pixel.0 = pixel.0.map(|value| (f64::from(value) * dim) as u8);
    }
    assert_eq!(side(&screen, ScoreType::ScreenRecapture), (0.0, true));
}

#[test]
fn programs_that_change_pictures_are_named_by_the_metadata() {
    let card = jpeg(&decoded(&CARD), 90);
    let named = with_exif(&card, b"MM\0*\0\0\0\x08\0\0\0\0\0\0Adobe Photoshop 27.0");
    assert_eq!(score(&read_one(&named).unwrap(), ScoreType::EditingTraces), (0.2, true));
    let phone = with_exif(&card, b"MM\0*\0\0\0\x08\0\0\0\0\0\0Camera of a phone");
    assert_eq!(score(&read_one(&phone).unwrap(), ScoreType::EditingTraces), (1.0, false));
}

/// The header of a PNG of this size, and next to nothing behind it.
fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width.max(1), height.max(1));
    encoder.set_color(png::ColorType::Rgb);
    drop(encoder.write_header().unwrap());
    // The checksum of a size that no encoder writes does not fit any more.
    file[16..24].copy_from_slice(&[width.to_be_bytes(), height.to_be_bytes()].concat());
    file
}

fn problem(file: &[u8]) -> Problem {
    match read_one(file) {
        Err(Error::Image { side: Side::Front, problem }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_no_image_that_is_taken_is_refused_with_what_to_do() {
    assert_eq!(read(Images::default(), &Declared::default(), &options()), Err(Error::NoImage));
    assert_eq!(problem(b""), Problem::Empty);
    for (file, name) in [
        (b"GIF89a\x01\0\x01\0".as_slice(), "GIF"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypavif\0\0\0\0avifmif1", "AVIF"),
        (b"\0\0\0\x18ftypisom\0\0\0\0", "a film"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG or another text"),
        (b"\xef\xbb\xbf <?xml version='1.0'?><svg/>", "SVG or another text"),
        (b"%PDF-1.7", "PDF"),
        (b"MM\0*", "TIFF"),
        (b"BM123456", "BMP"),
        (b"hello", "no known image"),
    ] {
        assert_eq!(problem(file), Problem::Unsupported { format: name.into() });
    }
    let told = Error::Image { side: Side::Back, problem: problem(b"\0\0\0\x18ftypheic") }.to_string();
    assert_eq!(told, "the image of the back is HEIC: send a JPEG, PNG or WebP");
    assert!(matches!(problem(&vec![0xff; crate::MAX_BYTES + 1]), Problem::TooManyBytes { .. }));
}

#[test]
fn bombs_are_refused_by_their_size_before_they_are_decoded() {
    // The size of a PNG counts even where its checksum is right.
    let mut bomb = Vec::new();
    let mut encoder = png::Encoder::new(&mut bomb, 60_000, 60_000);
    encoder.set_color(png::ColorType::Rgb);
    drop(encoder.write_header().unwrap());
    assert!(bomb.len() < 200);
    assert!(matches!(problem(&bomb), Problem::TooManyPixels { width: 60_000, height: 60_000, .. }));
    assert_eq!(problem(&png_header(0, 0)), Problem::Damaged);
    let mut tiny = Vec::new();
    drop(png::Encoder::new(&mut tiny, 10, 10).write_header().unwrap());
    assert!(matches!(problem(&tiny), Problem::TooSmall { width: 10, height: 10, .. }));
    // A JPEG whose header alone says so.
    let jpeg = [b"\xff\xd8\xff\xc0\0\x11\x08".as_slice(), &[0xff; 4], b"\x03\x01\x11\0\x02\x11\x01\x03\x11\x01"].concat();
    assert!(matches!(problem(&jpeg), Problem::TooManyPixels { width: 65_535, height: 65_535, .. }));
    // One that is progressive needs all of itself at once, and may have fewer.
    for (marker, is_taken) in [(0xc0, true), (0xc2, false)] {
        let size = [4000_u16.to_be_bytes(), 5000_u16.to_be_bytes()].concat();
        let jpeg =
            [b"\xff\xd8\xff".as_slice(), &[marker], b"\0\x11\x08", &size, b"\x03\x01\x11\0\x02\x11\x01\x03\x11\x01"].concat();
        assert_eq!(problem(&jpeg) == Problem::Damaged, is_taken, "{marker:x}");
    }
}

#[test]
fn images_that_are_cut_off_are_damaged() {
    let card = decoded(&CARD);
    let jpeg = jpeg(&card, 80);
    for file in [CARD.as_slice(), &jpeg] {
        for part in 1..8 {
            assert!(matches!(problem(&file[..file.len() * part / 8]), Problem::Damaged), "{part} of 8");
        }
    }
}

#[test]
fn exif_that_leads_in_a_circle_has_an_end() {
    let card = jpeg(&decoded(&CARD), 80);
    // The directory is at its own header; the next one is itself; it claims as many entries as there can be.
    for tiff in [
        b"MM\0*\0\0\0\0".as_slice(),
        b"MM\0*\0\0\0\x08\0\0\0\0\0\x08",
        b"MM\0*\0\0\0\x08\xff\xff\0\0\0\x08",
        b"II*\0\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0\x08\0\0\0",
        b"MM",
    ] {
        assert_eq!(value(&read_one(&with_exif(&card, tiff)).unwrap(), ValueKey::DocumentNumber), "99999999R", "{tiff:?}");
    }
}

#[test]
fn a_reading_is_small_and_comes_back_as_it_went() {
    let reading = read_both(&FRONT, &CARD, &Declared { name: Some("Carmen".into()), ..Declared::default() });
    let json = serde_json::to_string(&reading).unwrap();
    assert!(json.len() < 8192, "{}", json.len());
    assert_eq!(serde_json::from_str::<Reading>(&json).unwrap(), reading);
    assert!(json.contains(r#""score_type":"MRZ_CONTROL_DIGIT""#) && json.contains(r#""DOCUMENT_NUMBER":"99999999R""#), "{json}");
    for error in [Error::NoImage, Error::Image { side: Side::Back, problem: problem(b"GIF8") }] {
        assert_eq!(serde_json::from_str::<Error>(&serde_json::to_string(&error).unwrap()).unwrap(), error);
    }
    for score_type in ScoreType::ALL {
        assert_eq!(serde_json::to_value(score_type).unwrap(), score_type.name());
        assert!(!score_type.blind_spot().is_empty());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is changed in a file: it is read, or refused, and nothing breaks.
    #[test]
    fn damaged_files_never_break_anything(is_png: bool, places in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12)) {
        static SMALL: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| {
            let card = imageops::resize(&decoded(&CARD), 420, 265, imageops::FilterType::Triangle);
            let mut png = Vec::new();
            image::codecs::png::PngEncoder::new(&mut png).write_image(&card, 420, 265, ExtendedColorType::Rgb8).unwrap();
            [jpeg(&card, 70), png]
        });
        let mut file = SMALL[usize::from(is_png)].clone();
        for (place, byte) in places {
            let at = place.index(file.len());
            file[at] = byte;
        }
        match read_one(&file) {
            Ok(reading) => prop_assert!((0.0..=1.0).contains(&reading.global_score)),
            Err(error) => prop_assert!(matches!(error, Error::Image { .. }), "{error}"),
        }
    }

    /// Any picture at all.
    #[test]
    fn pictures_of_nothing_have_no_zone(seed: u64, scale in 1_u32..40) {
        let mut state = seed | 1;
        let picture = RgbImage::from_fn(400, 260, |x, y| {
            if x % scale == 0 && y % scale == 0 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            }
            image::Rgb([(state >> 56) as u8, (state >> 48) as u8, (state >> 40) as u8])
        });
        let reading = read_one(&jpeg(&picture, 80)).unwrap();
        prop_assert!(reading.values.is_empty() && reading.global_score == 0.0, "{reading:?}");
    }
}
