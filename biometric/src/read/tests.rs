use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::*;
use crate::capture::{MAX_POINTS, MAX_STROKES, PointingDevice};
use crate::synthetic::{self, Hand};

fn problem(data: &str) -> Problem {
    read(data).expect_err("it is refused")
}

fn strokes(strokes: &str) -> String {
    format!(r#"{{"format":"rubrica-strokes-1","width":600,"height":200,"unit":"css-px","device":"pen","strokes":{strokes}}}"#)
}

#[test]
fn each_format_is_told_by_its_beginning() {
    let capture = Hand::default().signature();
    let iso = STANDARD.encode(capture.to_iso());
    let auth_enveloped =
        STANDARD.encode([&[0x30, 0x82, 1, 0][..], &[6, 11, 42, 134, 72, 134, 247, 13, 1, 9, 16, 1, 23], &[0; 90]].concat());
    let enveloped = STANDARD.encode([&[0x30, 0x80][..], &[6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 3], &[0; 90]].concat());
    let signed = STANDARD.encode([&[0x30, 0x82, 1, 0][..], &[6, 9, 42, 134, 72, 134, 247, 13, 1, 7, 2], &[0; 90]].concat());
    for (data, format) in [
        (capture.to_strokes().as_str(), "rubrica-strokes-1"),
        (capture.to_signature_pad(1_800_000_000_000).as_str(), "signature-pad"),
        (&iso, "iso-19794-7-2007"),
        (iso.trim_end_matches('='), "iso-19794-7-2007"),
        (&format!("{}\r\n{}", &iso[..64], &iso[64..]), "iso-19794-7-2007"),
        (&auth_enveloped, "cms"),
        (&enveloped, "cms"),
        (&signed, "unknown"),
        ("MI", "unknown"),
        ("string", "unknown"),
        (r#"{"vendor":"acme","data":"x"}"#, "unknown"),
        (r#"{"format":7}"#, "unknown"),
        (r#"{"format":"acme-2","strokes":"mine"}"#, "unknown"),
        ("[1,2,3]", "unknown"),
        (r#"[{"x":1}]"#, "unknown"),
        ("{", "unknown"),
        ("[[[[", "unknown"),
        ("é", "unknown"),
    ] {
        assert_eq!(read(data).map(|sample| sample.format()), Ok(format), "{data:.60}");
        assert_eq!(read(&format!(" \n{data}\t")).map(|sample| sample.format()), Ok(format), "{data:.60}");
    }
}

#[test]
fn what_is_empty_or_too_long_is_refused_before_it_is_read() {
    assert_eq!(problem("").what, "biometric_data");
    assert_eq!(problem(" \n ").what, "biometric_data");
    assert!(read(&"x".repeat(MAX_CHARACTERS)).is_ok());
    assert_eq!(problem(&"x".repeat(MAX_CHARACTERS + 1)).what, "biometric_data");
}

#[test]
fn a_minute_at_200_hz_fits() {
    let capture = Hand { seconds: 60.0, ..Hand::default() }.signature();
    assert!(capture.points().count() > 10_000);
    let text = capture.to_strokes();
    assert!(text.len() <= MAX_CHARACTERS, "{}", text.len());
    assert_eq!(read(&text).unwrap().capture(), Some(&capture));
}

#[test]
fn strokes_keep_pressure_tilt_and_the_pad() {
    let sample = read(&strokes("[[[10.5,20,0,0.5,-30,45.5],[11,21,16,null,1,2]],[],[[12,22,40]]]")).unwrap();
    let capture = sample.capture().unwrap();
    assert_eq!((capture.pad, capture.device, capture.strokes.len()), (Some((600.0, 200.0)), PointingDevice::Pen, 2));
    let first = capture.strokes[0][0];
    assert_eq!((first.x, first.y, first.t_ms, first.pressure, first.tilt), (10.5, 20.0, 0.0, Some(0.5), Some((-30.0, 45.5))));
    assert_eq!((capture.strokes[0][1].pressure, capture.strokes[1][0].tilt), (None, None));
    assert_eq!(read(&capture.to_strokes()).unwrap().capture(), Some(capture));
}

#[test]
fn times_since_1970_begin_at_zero() {
    let text = r#"[{"points":[{"time":1800000000123,"x":1,"y":2,"pressure":0.5},{"time":1800000000140,"x":2,"y":3}]}]"#;
    let sample = read(text).unwrap();
    let times: Vec<f32> = sample.capture().unwrap().points().map(|point| point.t_ms).collect();
    assert_eq!(times, [0.0, 17.0]);
}

#[test]
fn broken_strokes_are_refused_with_words_that_hold_no_value() {
    for (data, what) in [
        (strokes("[]"), "strokes"),
        (strokes("[[],[]]"), "strokes"),
        ("[]".to_owned(), "strokes"),
        (r#"[{"points":[]}]"#.to_owned(), "strokes"),
        (strokes("[[[1,2]]]"), "biometric_data"),
        (strokes("[[[1,2,3,4,5,6,7]]]"), "biometric_data"),
        (strokes("[[[1,2,0,0.5,31337]]]"), "biometric_data"),
        (strokes(r#"[[["31337",2,3]]]"#), "biometric_data"),
        (strokes("[[[1e999,2,3]]]"), "biometric_data"),
        (strokes("[[[31337,2,0]]]"), "positions"),
        (strokes("[[[1,-31337,0]]]"), "positions"),
        (strokes("[[[1e300,2,0]]]"), "positions"),
        (strokes("[[[1,2,31337],[1,2,31336]]]"), "times"),
        (strokes("[[[1,2,0,3.1337]]]"), "pressure"),
        (strokes("[[[1,2,0,0.5,0,313.37]]]"), "tilt"),
        (strokes("[[[1,2,0],[3,4,65536]]]"), "duration_ms"),
        (synthetic::too_long(), "duration_ms"),
        (strokes("[[[1,2,0]]]").replace("600", "0"), "pad"),
        (strokes("[[[1,2,0]]]").replace("600", "1e300"), "pad"),
        (strokes("[[[1,2,0]]]").replace("css-px", "mm"), "unit"),
        (strokes("[[[1,2,0]]]").replace("strokes-1", "strokes-2"), "format"),
        (strokes("[[[1,2,0]]]").replace("\"strokes\"", "\"lines\""), "biometric_data"),
        (strokes("[[[1,2,0]"), "biometric_data"),
        (r#"[{"points":[{"time":1,"x":1}]}]"#.to_owned(), "biometric_data"),
        ("U0RJACAx?".to_owned(), "biometric_data"),
        (STANDARD.encode(b"SDI\0 20\0"), "biometric_data"),
    ] {
        let problem = problem(&data);
        assert_eq!(problem.what, what, "{data:.120}: {problem}");
        assert!(!problem.message.contains("3133") && !problem.message.contains("3.1337"), "{problem}");
    }
}

#[test]
fn strokes_and_points_have_a_maximum_in_every_format() {
    let many = "[[1,2,0]],".repeat(MAX_STROKES) + "[[1,2,0]]";
    assert_eq!(problem(&strokes(&format!("[{many}]"))).what, "strokes");
    // 38,000 points of 8 characters are the most that a text can have.
    let points = "[1,2,0],".repeat(38_000) + "[1,2,0]";
    let sample = read(&strokes(&format!("[[{points}]]"))).unwrap();
    assert_eq!(sample.capture().unwrap().points().count(), 38_001);
    const { assert!(38_001 < MAX_POINTS) };
    let empty = "[],".repeat(100_000) + "[]";
    assert_eq!(problem(&strokes(&format!("[{empty}]"))).what, "strokes");
}

#[test]
fn deep_json_is_not_followed() {
    let deep = format!(r#"{{"format":"rubrica-strokes-1","more":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(problem(&deep).what, "biometric_data");
    assert!(matches!(read(&"[".repeat(300_000)), Ok(Sample::Unknown)));
}

#[test]
fn members_that_are_not_known_do_not_matter() {
    let text = strokes("[[[1,2,0],[3,4,5]]]").replace("\"device\"", "\"dpr\":2,\"orientation\":{\"angle\":90},\"device\"");
    assert!(matches!(read(&text), Ok(Sample::Strokes(_))));
    // `signature_pad` has colours and widths, and what comes with later versions.
    let text =
        r##"[{"penColor":"#000","dotSize":0,"compositeOperation":"source-over","points":[{"time":1,"x":1,"y":1,"z":9}]}]"##;
    assert!(matches!(read(text), Ok(Sample::SignaturePad(_))));
}

#[test]
fn nothing_that_prints_a_sample_shows_a_value_of_it() {
    let sample = read(&strokes("[[[1234.5,2222,0]]]")).unwrap();
    let shown = format!("{sample:?}");
    assert!(!shown.contains("1234") && !shown.contains("2222") && !shown.contains("600"), "{shown}");
}

#[test]
fn the_shape_of_a_sample_is_the_same_wherever_and_whenever_it_is_sent_again() {
    let capture = Hand::default().signature();
    let mut moved = capture.clone();
    for point in moved.strokes.iter_mut().flatten() {
        point.x += 40.0;
        point.y -= 12.0;
        point.t_ms += 700.0;
        point.pressure = None;
    }
    let shape = |capture: &Capture| {
        let text = capture.to_strokes();
        read(&text).unwrap().replay_shape(&text)
    };
    assert_eq!(shape(&capture), shape(&moved));
    // In another format too: it has whole milliseconds, and so has the shape.
    let pad = capture.to_signature_pad(1_800_000_000_000);
    assert_eq!(shape(&capture), read(&pad).unwrap().replay_shape(&pad));
    moved.strokes[0][3].x += 0.1;
    assert_ne!(shape(&capture), shape(&moved));
    assert_ne!(*shape(&capture), *shape(&Hand { seed: 2, ..Hand::default() }.signature()));
    // Joined strokes are another shape.
    let mut joined = capture.clone();
    let second = joined.strokes.remove(1);
    joined.strokes[0].extend(second);
    assert_ne!(shape(&capture), shape(&joined));
    let opaque = |text: &str| read(text).unwrap().replay_shape(text).to_vec();
    assert_eq!(opaque("vendor data"), opaque(" vendor data\n"));
    assert_ne!(opaque("vendor data"), opaque("vendor date"));
}

/// Pieces of which texts are made that are nearly of a format.
const PIECES: [&str; 22] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"format\"",
    "\"rubrica-strokes-1\"",
    "\"strokes\"",
    "\"points\"",
    "\"x\"",
    "\"time\"",
    "\"width\":600",
    "\"height\":200",
    "1",
    "-3276",
    "1e308",
    "null",
    "[1,2,3]",
    "U0RJACAxMADBQA",
    "MIIB",
    "\\u0000",
];

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in ".{0,300}", head in 0_usize..6) {
        let head = ["", "{\"format\":\"rubrica-strokes-1\",", "[{\"points\":[", "U0RJACAxMA", "MIIB", "["][head];
        let _ = read(&format!("{head}{text}"));
    }

    #[test]
    fn any_pieces_are_read_or_refused(pieces in proptest::collection::vec(0_usize..22, 0..60)) {
        let text: String = pieces.into_iter().map(|piece| PIECES[piece]).collect();
        if let Ok(sample) = read(&text) && let Some(capture) = sample.capture() {
            let _ = (capture.figures(), capture.ink(), capture.to_inkml());
            prop_assert!(crate::iso::Record::decode(&capture.to_iso()).is_ok());
        }
    }

    /// A sound text with some of its bytes changed.
    #[test]
    fn mutants_are_read_or_refused(
        seed in 0_u64..20, format in 0_usize..3, changes in proptest::collection::vec((any::<u16>(), "[ -~]{0,3}", 0_usize..4), 1..8)
    ) {
        let capture = Hand { seed, rate_hz: 50, seconds: 1.0, ..Hand::default() }.signature();
        let mut text = match format {
            0 => capture.to_strokes().to_string(),
            1 => capture.to_signature_pad(1_800_000_000_000).to_string(),
            _ => STANDARD.encode(capture.to_iso()),
        };
        for (place, inserted, removed) in changes {
            let begin = usize::from(place) % (text.len() + 1);
            let end = (begin + removed).min(text.len());
            text.replace_range(begin..end, &inserted);
        }
        if let Ok(sample) = read(&text) && let Some(capture) = sample.capture() {
            let figures = capture.figures();
            let _ = (crate::Gate::default().judge(&figures), capture.to_inkml());
            prop_assert!(capture.ink().strokes.iter().map(Vec::len).sum::<usize>() <= 6_000);
            prop_assert!(crate::iso::Record::decode(&capture.to_iso()).is_ok());
        }
    }
}
