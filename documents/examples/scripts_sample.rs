//! Writes texts in many scripts as form fields, visible seals and a certificate, for readers other than our own:
//! `cargo run -p documents --features fixtures --example scripts_sample -- FOLDER [FOLDER-OF-FONTS]`.
//!
//! `form.pdf` has a field and a signature per script, `certificate.pdf` a signer; each line that is printed is a script and its text.
//! Scripts that no font has are left out. `boxes.pdf` has signatures in boxes of odd sizes. `tests/outside/scripts.py` reads the files back.

#[path = "../src/certificate/samples.rs"]
#[expect(dead_code, reason = "one of its samples is enough here")]
mod samples;

use std::error::Error;
use std::path::{Path, PathBuf};

use chrono::Utc;
use documents::certificate::{self, *};
use documents::pkcs12::Identity;
use documents::seal::{Request, seal};
use documents::text;
use lopdf::{Document as Pdf, Object, Stream, dictionary};

const TEXTS: [(&str, &str); 26] = [
    ("latin", "Núria Güell i Łukasz Ærøskøbing"),
    ("greek", "Ελένη Παπαδοπούλου"),
    ("cyrillic", "Юлия Соколова"),
    ("arabic", "محمد بن عبد الله"),
    ("persian", "می‌خواهم بنویسم"),
    ("hebrew", "דוד לוי"),
    ("hebrew points", "שָׁלוֹם"),
    ("arabic marks", "السَّلَامُ إلا"),
    ("armenian", "Արամ Խաչատրյան"),
    ("georgian", "გიორგი მაისურაძე"),
    ("chinese", "李小龙签署合同"),
    ("japanese", "山田ひろしカタカナ"),
    ("korean", "김민준 서명"),
    ("thai", "นางสาวน้ำฝน ใจดี"),
    ("lao", "ສົມສັກ ວົງສາ"),
    ("khmer", "សុខ ស្រីមុំ"),
    ("myanmar", "မောင်မြင့်"),
    ("devanagari", "श्री हरि क्षत्रिय"),
    ("bengali", "শ্রী রবীন্দ্রনাথ"),
    ("gujarati", "શ્રી ક્રિષ્ન"),
    ("tamil", "கோவிந்தராஜ்"),
    ("telugu", "శ్రీనివాస్"),
    ("kannada", "ಕೃಷ್ಣಮೂರ್ತಿ"),
    ("malayalam", "ശ്രീകുമാർ"),
    ("sinhala", "ශ්‍රී ලංකා"),
    ("mixed", "העסקה ABC 12 של דוד (טיוטה)"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: scripts_sample FOLDER [FOLDER-OF-FONTS]")?);
    if let Some(fonts) = arguments.next() {
        text::use_folders(&[fonts.into()]);
    }
    std::fs::create_dir_all(&folder)?;
    let shown: Vec<(&str, &str)> = TEXTS.into_iter().filter(|(_, shown)| text::missing(shown).is_empty()).collect();
    write_form(&folder, &shown)?;
    write_boxes(&folder)?;
    write_certificate(&folder, &shown)?;
    shown.iter().for_each(|(script, shown)| println!("{script}\t{shown}"));
    Ok(())
}

/// A signature field: its name, lower left corner, width, height, and how far it is turned.
type Field = (String, [i64; 4], i64);

/// Seals each of the fields; `lines` is what is shown in place of name and time.
fn write_sealed(
    path: &Path,
    pdf: &[u8],
    fields: &[Field],
    lines: impl Fn(usize) -> Option<Vec<String>>,
) -> Result<(), Box<dyn Error>> {
    let now = Utc::now();
    let identity = Identity::open(&Identity::development("Sample", "Sample", now, "password")?, "password", now)?;
    let request = |(number, (name, ..)): (usize, &Field)| Request {
        field: Some(name.clone()),
        signer_name: "Maria Assumpció Güell i Ferrándiz".to_owned(),
        at: now,
        reason: "sample".to_owned(),
        location: None,
        appearance_lines: lines(number),
        handwriting: None,
    };
    let requests: Vec<Request> = fields.iter().enumerate().map(request).collect();
    Ok(std::fs::write(path, seal(pdf, &identity, &requests)?.pdf)?)
}

/// Of each script a text field on the left, whose value viewers are to draw, and a signature field on the right.
fn write_form(folder: &Path, shown: &[(&str, &str)]) -> Result<(), Box<dyn Error>> {
    let signatures: Vec<Field> =
        (0..).zip(shown).map(|(row, (script, _))| (format!("seal {script}"), [300, 800 - 30 * row, 260, 26], 0)).collect();
    let texts = (0..).zip(shown).map(|(row, (script, shown))| (format!("text {script}"), *shown, [30, 800 - 30 * row, 260, 26]));
    let pdf = pages(&texts.collect::<Vec<_>>(), &signatures, [595, 842])?;
    write_sealed(&folder.join("form.pdf"), &pdf, &signatures, |number| Some(vec![shown[number].1.to_owned()]))
}

fn write_boxes(folder: &Path) -> Result<(), Box<dyn Error>> {
    let boxes: [([i64; 4], i64); 10] = [
        ([40, 800, 510, 12], 0),
        ([40, 760, 60, 10], 0),
        ([120, 760, 20, 8], 0),
        ([160, 750, 40, 40], 0),
        ([220, 740, 200, 50], 0),
        ([440, 500, 14, 290], 0),
        ([480, 500, 30, 200], 90),
        ([520, 500, 12, 200], 270),
        ([40, 500, 380, 220], 0),
        ([40, 20, 500, 460], 180),
    ];
    let field = |(number, (rect, turned)): (usize, ([i64; 4], i64))| (format!("box {number}"), rect, turned);
    let fields: Vec<Field> = boxes.into_iter().enumerate().map(field).collect();
    write_sealed(&folder.join("boxes.pdf"), &pages(&[], &fields, [595, 842])?, &fields, |_| None)?;
    let huge = [("huge".to_owned(), [100, 100, 8000, 3000], 0)];
    write_sealed(&folder.join("huge.pdf"), &pages(&[], &huge, [8200, 3200])?, &huge, |_| None)
}

/// One page with these fields.
fn pages(texts: &[(String, &str, [i64; 4])], signatures: &[Field], size: [i64; 2]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut pdf = Pdf::with_version("1.7");
    let (pages, page) = (pdf.new_object_id(), pdf.new_object_id());
    let corners = |[x, y, width, height]: [i64; 4]| vec![x.into(), y.into(), (x + width).into(), (y + height).into()];
    let widget = |kind: &str, name: &str, rect: [i64; 4], turned: i64| {
        dictionary! {
            "Type" => "Annot", "Subtype" => "Widget", "F" => 4, "P" => page, "FT" => kind, "T" => lopdf::text_string(name),
            "Rect" => corners(rect), "MK" => dictionary! { "BC" => vec![Object::Real(0.7)], "R" => turned },
        }
    };
    let mut fields: Vec<Object> = Vec::new();
    for (name, value, rect) in texts {
        let mut field = widget("Tx", name, *rect, 0);
        field.set("V", lopdf::text_string(value));
        fields.push(pdf.add_object(field).into());
    }
    for (name, rect, turned) in signatures {
        fields.push(pdf.add_object(widget("Sig", name, *rect, *turned)).into());
    }
    let content = pdf.add_object(Stream::new(dictionary! {}, Vec::new()));
    let page_dictionary = dictionary! {
        "Type" => "Page", "Parent" => pages, "MediaBox" => corners([0, 0, size[0], size[1]]), "Resources" => dictionary! {},
        "Contents" => content, "Annots" => fields.clone(),
    };
    pdf.objects.insert(page, page_dictionary.into());
    pdf.objects.insert(pages, dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 }.into());
    let helvetica = dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica" };
    let form = pdf.add_object(dictionary! {
        "Fields" => fields, "NeedAppearances" => true, "DA" => Object::string_literal("/Helv 0 Tf 0 g"),
        "DR" => dictionary! { "Font" => dictionary! { "Helv" => helvetica } },
    });
    let catalog = pdf.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages, "AcroForm" => form });
    pdf.trailer.set("Root", catalog);
    let mut bytes = Vec::new();
    pdf.save_to(&mut bytes)?;
    Ok(bytes)
}

fn write_certificate(folder: &Path, shown: &[(&str, &str)]) -> Result<(), Box<dyn Error>> {
    let mut evidence = samples::small();
    let signer = evidence.signers[0].clone();
    let named = |(_, shown): &(&str, &str)| Signer { name: (*shown).to_owned(), last_name: None, ..signer.clone() };
    evidence.signers = shown.iter().map(named).collect();
    let attachment =
        Attachment { name: ATTACHMENT_NAME.to_owned(), media_type: "application/json".to_owned(), bytes: b"{}".to_vec() };
    std::fs::write(folder.join("certificate.pdf"), certificate::render(&evidence, Language::En, &attachment)?)?;
    Ok(())
}
