//! Fuzz targets for the reader, the seal, the verification and forms, as seeded properties: what is random here is the same in every run.
//!
//! A target takes any bytes. It must come back, without a panic, and what it accepts must keep its promises. The generators in
//! `tests/outside` go on from here with viewers beside them.

#[path = "../fuzz/targets.rs"]
mod targets;

use chrono::{DateTime, TimeZone, Utc};
use documents::pkcs12::Identity;
use documents::seal::{Request, rehearse, seal};
use documents::verify::{Trust, verify};
use documents::{fixtures, handwriting, inspect};

/// Mutants of each base, for the reader and for the slower targets.
const READS: u64 = 400;
const SEALS: u64 = 120;
const VERIFICATIONS: u64 = 250;
const ENVELOPES: u64 = 250;
/// Mutants for the targets of forms, which have libFuzzer too (`documents/fuzz`).
const FORMS: u64 = 200;
const OBJECTS: u64 = 3000;
const VALUES: u64 = 100;
const PICTURES: u64 = 150;

fn at() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2027, 1, 15, 9, 30, 0).unwrap()
}

fn identity() -> Identity {
    Identity::open(include_bytes!("../fixtures/p384-aes256.p12"), "password", at()).unwrap()
}

fn request(field: Option<&str>) -> Request {
    Request {
        field: field.map(str::to_owned),
        signer_name: "Ana Pons".to_owned(),
        at: at(),
        reason: "I agree".to_owned(),
        location: None,
        appearance_lines: None,
        handwriting: None,
    }
}

/// One file of each structural form that code here can make.
fn bases() -> Vec<Vec<u8>> {
    let sealed = |pdf: &[u8]| seal(pdf, &identity(), &[request(Some("A"))]).unwrap().pdf;
    vec![
        fixtures::contract(&["A", "B"]),
        fixtures::with_xref_stream(&["A"]),
        fixtures::encrypted("", lopdf::Permissions::all()),
        fixtures::inherited_type(),
        sealed(&fixtures::contract(&["A", "B"])),
        sealed(&fixtures::with_xref_stream(&["A"])),
    ]
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// A piece of `bytes`, up to `longest`.
    fn piece(&mut self, bytes: &[u8], longest: usize) -> std::ops::Range<usize> {
        let start = self.below(bytes.len());
        start..(start + 1 + self.below(longest)).min(bytes.len())
    }
}

/// One to four edits of the kinds that structure is sensitive to.
fn mutated(base: &[u8], seed: u64) -> Vec<u8> {
    const WORDS: [&[u8]; 12] = [
        b" obj ",
        b"endobj",
        b"stream\n",
        b"endstream",
        b"xref\n",
        b"startxref\n0\n%%EOF\n",
        b"<<",
        b">>",
        b"[",
        b" 0 R",
        b"/Length 9",
        b"--5",
    ];
    let mut random = Random(seed);
    let mut bytes = base.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        match random.below(7) {
            0 => {
                let place = random.below(bytes.len());
                bytes[place] = random.next() as u8;
            }
            // A digit for a digit: offsets, numbers, lengths.
            1 => {
                let digits: Vec<usize> = (0..bytes.len()).filter(|place| bytes[*place].is_ascii_digit()).collect();
                let place = digits.get(random.below(digits.len())).copied().unwrap_or(0);
                bytes[place] = b'0' + random.below(10) as u8;
            }
            2 => {
                let (place, blanks) = (random.below(bytes.len()), 1 + random.below(1200));
                bytes.splice(place..place, std::iter::repeat_n(b' ', blanks));
            }
            3 => {
                let piece = random.piece(&bytes, 300);
                let copy = bytes[piece].to_vec();
                let place = random.below(bytes.len());
                bytes.splice(place..place, copy);
            }
            4 => {
                let (place, word) = (random.below(bytes.len()), WORDS[random.below(WORDS.len())]);
                bytes.splice(place..place, word.iter().copied());
            }
            5 => bytes.truncate(random.below(bytes.len())),
            _ => {
                let piece = random.piece(&bytes, 60);
                bytes.drain(piece);
            }
        }
    }
    bytes
}

fn mutants(count: u64) -> impl Iterator<Item = Vec<u8>> {
    let bases = bases();
    (0..bases.len() as u64).flat_map(move |index| {
        let base = bases[index as usize].clone();
        (0..count).map(move |seed| mutated(&base, index << 32 | seed))
    })
}

#[test]
fn the_reader_comes_back_from_any_bytes() {
    let mut accepted = 0;
    for mutant in mutants(READS) {
        match inspect::inspect(&mutant) {
            Ok(facts) => {
                accepted += 1;
                assert!(facts.pages > 0);
            }
            Err(error) => assert!(!error.with_advice().is_empty()),
        }
    }
    assert!(accepted > 0, "some mutants are whole; else nothing was tried beyond the first error");
}

#[test]
fn what_is_sealed_begins_with_the_upload_and_is_verified() {
    let mut sealed = 0;
    for mutant in mutants(SEALS) {
        let Ok(facts) = inspect::inspect(&mutant) else { continue };
        if facts.new_field_refusal.is_some() || rehearse(&mutant).is_err() {
            continue;
        }
        let file = seal(&mutant, &identity(), &[request(None)]).expect("what was rehearsed is sealed").pdf;
        assert_eq!(&file[..mutant.len()], mutant);
        let report = verify(&file, &Trust::default(), at()).expect("our own file is read");
        let own = report.signatures.last().expect("there is our signature");
        assert!(own.digest_intact && own.signature_valid && own.covers_whole_file, "{report}");
        sealed += 1;
    }
    assert!(sealed > 0);
}

#[test]
fn a_signature_over_other_bytes_is_never_intact() {
    for mutant in mutants(VERIFICATIONS) {
        let Ok(report) = verify(&mutant, &Trust::default(), at()) else { continue };
        for signature in &report.signatures {
            let [0, gap, _, _] = signature.byte_range[..] else {
                assert!(!signature.is_intact());
                continue;
            };
            // What is intact covers the very bytes that were sealed: they are those of a base.
            let covered = &mutant[..usize::try_from(gap).unwrap_or(0).min(mutant.len())];
            let known = signed_beginnings().iter().any(|beginning| beginning == covered);
            assert!(!signature.is_intact() || known, "an intact signature over other bytes");
        }
    }
}

/// What the two sealed bases begin with, up to the value of their signature.
fn signed_beginnings() -> &'static [Vec<u8>] {
    static BEGINNINGS: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    BEGINNINGS.get_or_init(|| {
        let beginning = |base: Vec<u8>| {
            let range = verify(&base, &Trust::default(), at()).unwrap().signatures[0].byte_range.clone();
            base[..usize::try_from(range[1]).unwrap()].to_vec()
        };
        bases().into_iter().skip(4).map(beginning).collect()
    })
}

#[test]
fn a_form_from_a_stranger_is_refused_or_filled() {
    for seed in 0..FORMS {
        targets::form_file(&mutated(&fixtures::large_form(), seed));
    }
}

#[test]
fn a_form_of_odd_objects_is_refused_or_filled() {
    for seed in 0..OBJECTS {
        targets::form_objects(&mutated(include_bytes!("../fuzz/seeds/form_objects/every_kind"), seed));
    }
}

#[test]
fn any_value_is_refused_or_filled_in() {
    let scripts = "Núria l·l \u{301}\u{301} 12345 \r\n\t\0 العربية دوד 漢字 ไทย हिन्दी \u{202e}abc\u{2066} 👩‍👩‍👧 true Off";
    for seed in 0..VALUES {
        targets::form_values(&mutated(scripts.as_bytes(), seed));
    }
}

#[test]
fn any_picture_is_refused_or_drawn() {
    let pictures: [&[u8]; 4] = [
        include_bytes!("../fuzz/seeds/picture/alpha.png"),
        include_bytes!("../fuzz/seeds/picture/gray.png"),
        include_bytes!("../fuzz/seeds/picture/palette.png"),
        include_bytes!("../fuzz/seeds/picture/colour.jpg"),
    ];
    for seed in 0..PICTURES {
        for picture in pictures {
            targets::picture(&mutated(picture, seed));
        }
    }
}

#[test]
fn of_any_bytes_the_envelopes_that_are_there_are_found_and_none_is_taken_for_what_it_is_not() {
    let written = Request { handwriting: Some(fixtures::handwriting(1)), ..request(Some("A")) };
    let sealed = seal(&fixtures::contract(&["A", "B"]), &identity(), &[request(Some("B")), written]).unwrap().pdf;
    let mut count = 0;
    for seed in 0..ENVELOPES {
        let mutant = mutated(&sealed, seed);
        for found in handwriting::found(&mutant).unwrap_or_default() {
            count += 1;
            assert!(mutant.windows(found.envelope.len()).any(|part| part == found.envelope), "mutant {seed}");
            assert!(found.shown().all(|length| length < mutant.len()), "mutant {seed}");
            assert!(!found.was_shown(&mutant, &[0; 32]), "mutant {seed}");
        }
    }
    assert!(count >= 10, "the reader is strict, and still opens {count}");
}
