//! Each kind of structure that is read, refused or tolerated, in files that are written byte by byte.

use super::*;

/// A file that is written part by part, with the places of its objects.
struct Writing {
    bytes: Vec<u8>,
    places: BTreeMap<u32, usize>,
}

const CATALOG: &str = "<</Type/Catalog/Pages 2 0 R>>";
const PAGES: &str = "<</Type/Pages/Kids[3 0 R]/Count 1>>";
const PAGE: &str = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>";
const CONTENT: &str = "<</Length 4>>stream\n0 g \nendstream";

impl Writing {
    fn new() -> Self {
        Self { bytes: b"%PDF-1.7\n".to_vec(), places: BTreeMap::new() }
    }

    /// Catalog, pages, one page and its content.
    fn page() -> Self {
        let mut writing = Self::new();
        for (number, value) in [(1, CATALOG), (2, PAGES), (3, PAGE), (4, CONTENT)] {
            writing.object(number, value);
        }
        writing
    }

    fn text(&mut self, text: &str) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(text.as_bytes());
        start
    }

    fn object(&mut self, number: u32, value: &str) {
        let start = self.text(&format!("{number} 0 obj\n{value}\nendobj\n"));
        self.places.insert(number, start);
    }

    /// A table of the given lines and its trailer, whose `Size` is 20. Answers where it starts.
    fn table(&mut self, lines: &str, trailer: &str) -> usize {
        let start = self.text(&format!("xref\n{lines}trailer\n<</Size 20/Root 1 0 R{trailer}>>\n"));
        self.text(&format!("startxref\n{start}\n%%EOF\n"));
        start
    }

    /// Lines for the objects written so far whose numbers are given.
    fn lines(&self, numbers: &[u32]) -> String {
        numbers.iter().map(|number| format!("{number} 1\n{:010} 00000 n \n", self.places[number])).collect()
    }

    fn finished(mut self) -> Vec<u8> {
        let numbers: Vec<u32> = self.places.keys().copied().collect();
        let lines = self.lines(&numbers);
        self.table(&lines, "");
        self.bytes
    }
}

/// The fault that keeps a file from being signed, or the error of reading it.
fn trouble(bytes: &[u8]) -> Option<String> {
    match open(bytes) {
        Ok(file) => file.fault(),
        Err(error) => Some(error.to_string()),
    }
}

fn is_refused_with(bytes: &[u8], words: &str) {
    let found = trouble(bytes).unwrap_or_else(|| panic!("accepted, where it should say: {words}"));
    assert!(found.contains(words), "\"{found}\" does not say \"{words}\"");
}

fn is_accepted(bytes: &[u8]) {
    assert_eq!(trouble(bytes), None);
}

fn with_object_4(value: &str) -> Vec<u8> {
    let mut writing = Writing::page();
    writing.object(4, value);
    writing.finished()
}

#[test]
fn an_object_is_what_its_newest_entry_leads_to() {
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4]);
    let first = writing.table(&lines, "");
    writing.object(2, "<</Type/Pages/Kids[3 0 R]/Count 1/New true>>");
    let lines = writing.lines(&[2]);
    writing.table(&lines, &format!("/Prev {first}"));
    let file = open(&writing.bytes).unwrap();
    assert_eq!(file.fault(), None);
    assert!(file.document.objects[&(2, 0)].as_dict().unwrap().has(b"New"));
    assert_eq!(file.sections.len(), 2);
}

#[test]
fn an_entry_that_leads_elsewhere_is_a_fault_of_its_object() {
    type Offset = fn(&Writing) -> usize;
    let cases: [(&str, Offset); 6] = [
        ("another object", |writing| writing.places[&2]),
        ("offset 0", |_| 0),
        ("beyond the end", |_| 99_999),
        ("inside another object", |writing| writing.places[&4] + 5),
        ("the second digit of a number", |writing| writing.places[&3] + 1),
        ("the header", |_| 3),
    ];
    for (what, offset) in cases {
        let mut writing = Writing::page();
        let lines = writing.lines(&[1, 2, 4]) + &format!("3 1\n{:010} 00000 n \n", offset(&writing));
        writing.table(&lines, "");
        let found = trouble(&writing.bytes).unwrap_or_else(|| panic!("{what} is accepted"));
        assert!(found.starts_with("object 3: its cross-reference entry does not lead to it"), "{what}: {found}");
    }
}

#[test]
fn the_number_is_the_entrys_and_not_the_one_found() {
    // The table counts wrong: every entry leads to the object behind its own.
    let mut writing = Writing::page();
    let lines: String = [2, 3, 4, 1].iter().map(|number| format!("{:010} 00000 n \n", writing.places[number])).collect();
    writing.table(&format!("1 4\n{lines}"), "");
    is_refused_with(&writing.bytes, "object 1: its cross-reference entry does not lead to it");
}

#[test]
fn another_generation_is_a_fault() {
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 4]) + &format!("3 1\n{:010} 00001 n \n", writing.places[&3]);
    writing.table(&lines, "");
    is_refused_with(&writing.bytes, "object 3:");
    // A reference to another generation than the object's: some readers ignore the generation.
    let mut writing = Writing::page();
    writing.object(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 7 R>>");
    is_refused_with(&writing.finished(), "object 4: it is referred to as generation 7");
}

#[test]
fn two_entries_that_differ_are_refused_and_two_that_agree_are_one() {
    let mut writing = Writing::page();
    let other = writing.text("4 0 obj\n<</Length 4>>stream\n1 g \nendstream\nendobj\n");
    let lines = writing.lines(&[1, 2, 3, 4]) + &format!("4 1\n{other:010} 00000 n \n");
    writing.table(&lines, "");
    is_refused_with(&writing.bytes, "object 4: it has two cross-reference entries");
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4, 4]);
    writing.table(&lines, "");
    is_accepted(&writing.bytes);
}

#[test]
fn what_cannot_be_read_matters_where_it_is_reached() {
    for value in [
        "<<>>stream0 g endstream",
        "<<>>stream 0 g endstream",
        "[--5]",
        "<</A 1/A 2>>",
        "(open",
        "[1 2",
        "<</A>>",
        "12 13",
        "<<>>stream\nno end",
        "nul",
    ] {
        let mut writing = Writing::page();
        writing.object(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R/Annots 7 0 R>>");
        writing.object(7, value);
        is_refused_with(&writing.finished(), "object 7:");
        let mut writing = Writing::page();
        writing.object(7, value);
        is_accepted(&writing.finished());
    }
}

#[test]
fn the_end_of_a_file_is_where_viewers_look_for_it() {
    let whole = Writing::page().finished();
    let with = |change: fn(String) -> String| change(String::from_utf8(whole.clone()).unwrap()).into_bytes();
    is_refused_with(&with(|file| file.replace("%%EOF\n", "")), "no end-of-file mark");
    is_refused_with(&with(|file| file + &" ".repeat(1024)), "no end-of-file mark");
    is_accepted(&with(|file| file + &" ".repeat(1000)));
    is_refused_with(&with(|file| file + "more"), "bytes after its end-of-file mark");
    is_refused_with(&with(|file| file.replace("startxref", "startxfer")), "no \"startxref\"");
    is_refused_with(&with(|file| file.replace("startxref\n", "startxref\n-")), "names no offset");
    is_refused_with(&with(|file| file.replace("startxref\n", "startxref\n9")), "beyond its end");
    is_refused_with(&with(|file| format!("junk\n{file}")), "before its header");
}

#[test]
fn sections_that_name_each_other_are_no_endless_loop() {
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4]);
    let start = writing.bytes.len();
    writing.table(&lines, &format!("/Prev {start}"));
    is_refused_with(&writing.bytes, "in a circle");
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4]);
    writing.table(&lines, "/Prev -3");
    is_refused_with(&writing.bytes, "Prev is not an offset");
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4]);
    writing.table(&lines, "/Prev 20");
    is_refused_with(&writing.bytes, "no cross-reference section at byte 20");
}

#[test]
fn harmless_deviations_are_tolerated() {
    let whole = Writing::page().finished();
    let text = String::from_utf8(whole).unwrap();
    is_accepted(text.replace(" n \n", " n\n").as_bytes());
    is_accepted(with_object_4("<</Length 99>>stream\n0 g \nendstream").as_slice());
    is_accepted(with_object_4("<<>>stream\r\n0 g \r\nendstream").as_slice());
    let mut writing = Writing::page();
    let start = writing.text("4 0 obj\n<</Length 4>>stream\n0 g \nendstream\n");
    writing.places.insert(4, start);
    is_accepted(&writing.finished());
    let mut writing = Writing::page();
    writing.text("junk that nothing refers to\n");
    is_accepted(&writing.finished());
    let mut writing = Writing::page();
    writing.object(3, "<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 25 0 R/X 7 0 R>>");
    writing.object(7, "");
    writing.object(25, CONTENT);
    is_accepted(&writing.finished());
}

#[test]
fn a_length_may_be_an_object_but_not_a_chain() {
    let mut writing = Writing::page();
    writing.object(4, "<</Length 5 0 R>>stream\n0 g \nendstream");
    writing.object(5, "4");
    let bytes = writing.finished();
    let file = open(&bytes).unwrap();
    assert_eq!(file.document.objects[&(4, 0)].as_stream().unwrap().content, b"0 g ");
    // Each stream's length is the next stream: none of them is a number, and none is followed.
    let mut writing = Writing::page();
    for number in 5..3_000 {
        writing.object(number, &format!("<</Length {} 0 R>>stream\nx\nendstream", number + 1));
    }
    is_accepted(&writing.finished());
}

/// A file whose catalog is in an object stream of the given content, with an entry of the given position.
fn in_object_stream(dictionary: &str, content: &str, position: u16) -> Vec<u8> {
    let mut writing = Writing::page();
    writing.object(7, &format!("<</Type/ObjStm{dictionary}/Length {}>>stream\n{content}\nendstream", content.len()));
    let start = writing.bytes.len();
    let mut entries = Vec::new();
    let mut entry = |kind: u8, place: u32, index: u16| {
        entries.push(kind);
        entries.extend_from_slice(&place.to_be_bytes());
        entries.extend_from_slice(&index.to_be_bytes());
    };
    entry(2, 7, position);
    for number in [2, 3, 4, 7] {
        entry(1, writing.places[&number] as u32, 0);
    }
    entry(1, start as u32, 0);
    writing.text(&format!("8 0 obj\n<</Type/XRef/Size 9/W[1 4 2]/Index[1 4 7 2]/Root 1 0 R/Length {}>>stream\n", entries.len()));
    writing.bytes.extend_from_slice(&entries);
    writing.text(&format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n"));
    writing.bytes
}

#[test]
fn a_member_of_an_object_stream_is_the_one_that_its_entry_and_the_index_name() {
    let two = format!("1 0 9 {} {CATALOG} null", CATALOG.len() + 1);
    let first = two.find('<').unwrap();
    is_accepted(&in_object_stream(&format!("/N 2/First {first}"), &two, 0));
    is_refused_with(&in_object_stream(&format!("/N 2/First {first}"), &two, 1), "object 1: its entry and the index");
    is_refused_with(&in_object_stream(&format!("/N 2/First {first}"), &two, 2), "object 1: its entry and the index");
    let twice = two.replace(" 9 ", " 1 ");
    is_refused_with(&in_object_stream(&format!("/N 2/First {first}"), &twice, 0), "object 1: it is twice");
    let same_place = format!("1 0 9 0 {CATALOG} null");
    is_refused_with(
        &in_object_stream(&format!("/N 2/First {}", same_place.find('<').unwrap()), &same_place, 0),
        "object 1: the index",
    );
    is_refused_with(&in_object_stream("/N 2/First 999", &two, 0), "object 1: the index");
    is_refused_with(&in_object_stream(&format!("/N 99/First {first}"), &two, 0), "object 1: the index");
    is_refused_with(&in_object_stream(&format!("/N 2/First {first}/Filter/FlateDecode"), &two, 0), "object 1:");
}

#[test]
fn members_that_no_entry_names_are_not_there() {
    let content = format!("1 0 9 {} {CATALOG} 77", CATALOG.len() + 1);
    let bytes = in_object_stream(&format!("/N 2/First {}", content.find('<').unwrap()), &content, 0);
    let file = open(&bytes).unwrap();
    assert!(!file.document.objects.contains_key(&(9, 0)));
}

#[test]
fn a_hybrid_section_shows_hidden_objects_and_may_not_contradict_itself() {
    let hybrid = |table_says: fn(&Writing) -> String| {
        let mut writing = Writing::page();
        writing.object(7, &format!("<</Type/ObjStm/N 1/First 4/Length {}>>stream\n3 0 {PAGE}\nendstream", PAGE.len() + 4));
        let start = writing.bytes.len();
        writing.text("8 0 obj\n<</Type/XRef/Size 9/W[1 1 1]/Index[3 1]/Length 3>>stream\n\u{2}\u{7}\u{0}\nendstream\nendobj\n");
        let lines = writing.lines(&[1, 2, 4, 7]) + &table_says(&writing);
        writing.table(&lines, &format!("/XRefStm {start}"));
        writing.bytes
    };
    is_accepted(&hybrid(|_| String::new()));
    let hidden = |_: &Writing| "3 1\n0000000000 00000 f \n".to_owned();
    is_refused_with(&hybrid(hidden), "object 3: it has two cross-reference entries");
    let older = hybrid(hidden);
    let start = find(&older, b"xref\n").unwrap();
    let mut updated = Writing { bytes: older, places: BTreeMap::new() };
    updated.table("0 0\n", &format!("/Prev {start}"));
    is_accepted(&updated.bytes);
    is_refused_with(&hybrid(|writing| writing.lines(&[3])), "object 3: it has two cross-reference entries");
}

#[test]
fn a_table_that_some_readers_build_anew_hides_nothing() {
    let file = |lines: fn(String) -> String, is_hybrid: bool| {
        let mut writing = Writing::page();
        let start = writing.text("8 0 obj\n<</Type/XRef/Size 9/W[1 1 1]/Index[8 0]/Length 0>>stream\n\nendstream\nendobj\n");
        let table = lines(writing.lines(&[1, 2, 3, 4]));
        writing.table(&table, &if is_hybrid { format!("/XRefStm {start}") } else { String::new() });
        writing.bytes
    };
    is_accepted(&file(|lines| lines, true));
    let empty_line = |lines: String| lines.replacen('\n', "\n\n", 1);
    let short = |lines: String| lines.replace(" n \n", " n\n");
    let long = |lines: String| lines.replace(" n \n", " n  \n");
    for irregular in [empty_line, short, long] {
        is_accepted(&file(irregular, false));
        is_refused_with(&file(irregular, true), "not written as the standard says");
    }
}

#[test]
fn a_hybrid_stream_stays_within_the_size_of_its_section() {
    let with_size = |size: u32| {
        let mut writing = Writing::page();
        let text = format!("8 0 obj\n<</Type/XRef/Size {size}/W[1 1 1]/Index[8 0]/Length 0>>stream\n\nendstream\nendobj\n");
        let start = writing.text(&text);
        let lines = writing.lines(&[1, 2, 3, 4]);
        writing.table(&lines, &format!("/XRefStm {start}"));
        writing.bytes
    };
    is_accepted(&with_size(20));
    is_refused_with(&with_size(21), "beyond the size that its trailer names");
}

#[test]
fn digits_may_touch_the_end_of_their_object() {
    let with = |object: &str| {
        let mut writing = Writing::page();
        let start = writing.text(object);
        writing.places.insert(4, start);
        writing.finished()
    };
    is_accepted(&with("4 0 obj\n59endobj\n"));
    is_refused_with(&with("4 0 obj\n5x9endobj\n"), "not spelled as one");
}

#[test]
fn what_an_older_entry_takes_for_an_object_stream_is_one() {
    let with_older_entry_for = |container: u8| {
        let mut writing = Writing::page();
        let content = format!("9 0 {CATALOG}");
        writing.object(7, &format!("<</Type/ObjStm/N 1/First 4/Length {}>>stream\n{content}\nendstream", content.len()));
        let start = writing.bytes.len();
        let entry = char::from(container);
        let text =
            format!("8 0 obj\n<</Type/XRef/Size 10/W[1 1 1]/Index[9 1]/Length 3>>stream\n\u{2}{entry}\u{0}\nendstream\nendobj\n");
        writing.text(&text);
        let lines = writing.lines(&[1, 2, 3, 4, 7]);
        let older = writing.table(&lines, &format!("/XRefStm {start}"));
        writing.object(9, "null");
        let lines = writing.lines(&[9]);
        writing.table(&lines, &format!("/Prev {older}"));
        writing.bytes
    };
    is_accepted(&with_older_entry_for(7));
    is_refused_with(&with_older_entry_for(4), "object 4: a cross-reference entry takes it for an object stream");
}

#[test]
fn what_hostile_files_cost_is_bounded() {
    // Two hundred entries with one offset.
    let mut writing = Writing::page();
    let large = format!("<</Length 400000>>stream\n{}\nendstream", "x".repeat(400_000));
    writing.object(5, &large);
    let place = writing.places[&5];
    let mut lines = writing.lines(&[1, 2, 3, 4]);
    lines += &format!("100 200\n{}", format!("{place:010} 00000 n \n").repeat(200));
    writing.table(&lines, "");
    let file = open(&writing.bytes).unwrap();
    assert!(file.document.objects.len() < 10, "no entry gets a copy");
    // Objects inside one another's streams: each would be read to the end of the file.
    let mut writing = Writing::page();
    let inner: String = (10..2_000).map(|number| format!("{number} 0 obj\n<</Length 9>>stream\n")).collect();
    let start = writing.text(&inner);
    for number in 10..2_000u32 {
        let header = format!("{number} 0 obj\n<</Length 9>>stream\n");
        writing.places.insert(number, start + inner.find(&header).unwrap());
    }
    writing.text(&"x".repeat(100_000));
    writing.text("\nendstream\nendobj\n");
    is_refused_with(&writing.finished(), "overlap");
}

#[test]
fn bytes_behind_a_revision_that_no_entry_accounts_for_are_found() {
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4]);
    let first = writing.table(&lines, "");
    let end = writing.bytes.len();
    let updated = |hidden: &str| {
        let mut update = Writing { bytes: writing.bytes.clone(), places: writing.places.clone() };
        update.text(hidden);
        update.object(9, "null");
        let lines = update.lines(&[9]);
        update.table(&lines, &format!("/Prev {first}"));
        update.bytes
    };
    let unaccounted = |bytes: &[u8]| open(bytes).unwrap().unaccounted(end).unwrap();
    assert_eq!(unaccounted(&updated("")), None);
    assert_eq!(unaccounted(&updated("\r\n% a comment\n")), None);
    assert_eq!(unaccounted(&updated("4 0 obj\nnull\nendobj\n")), Some(end));
    assert_eq!(unaccounted(&updated("% 4 0 obj\n")), Some(end));
    assert_eq!(unaccounted(&updated("junk\n")), Some(end));
}

#[test]
fn a_freed_object_that_is_still_referred_to_is_refused_and_one_that_never_was_is_null() {
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4]);
    let first = writing.table(&lines, "");
    writing.table("4 1\n0000000000 00001 f \n", &format!("/Prev {first}"));
    is_refused_with(&writing.bytes, "object 4: it was freed and is still referred to");
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3]) + "4 1\n0000000000 00000 f \n";
    writing.table(&lines, "");
    is_accepted(&writing.bytes);
}

#[test]
fn a_number_that_was_freed_and_is_in_use_again_is_found() {
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4]);
    let first = writing.table(&lines, "");
    let second = writing.table("4 1\n0000000000 00001 f \n", &format!("/Prev {first}"));
    writing.object(4, CONTENT);
    let lines = writing.lines(&[4]);
    writing.table(&lines, &format!("/Prev {second}"));
    let file = open(&writing.bytes).unwrap();
    assert_eq!(file.revived(1), [4]);
    assert!(file.revived(2).is_empty(), "it was freed before");
    // A section that names it twice, free and in use.
    let mut writing = Writing::page();
    let lines = writing.lines(&[1, 2, 3, 4]);
    let first = writing.table(&lines, "");
    let both = "4 1\n0000000000 00001 f \n".to_owned() + &writing.lines(&[4]);
    let second = writing.table(&both, &format!("/Prev {first}"));
    let lines = writing.lines(&[4]);
    writing.table(&lines, &format!("/Prev {second}"));
    assert_eq!(open(&writing.bytes).unwrap().revived(1), [4]);
}

#[test]
fn the_bytes_of_a_value_are_found_where_they_stand() {
    let bytes = Writing::page().finished();
    let file = open(&bytes).unwrap();
    assert_eq!(file.raw((3, 0)), Some((PAGE.as_bytes().to_vec(), false)));
    assert_eq!(file.raw((4, 0)), None, "streams are never written again");
    let content = format!("1 0 {CATALOG}");
    let bytes = in_object_stream("/N 1/First 4", &content, 0);
    assert_eq!(open(&bytes).unwrap().raw((1, 0)), Some((CATALOG.as_bytes().to_vec(), false)));
}

#[test]
fn what_is_not_a_pdf_is_said_to_be_none() {
    assert_eq!(load(b"").err(), Some(Error::NotPdf));
    assert_eq!(load(b"PK\x03\x04 a text file in a zip").err(), Some(Error::NotPdf));
}
