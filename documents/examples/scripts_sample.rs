//! Writes texts in many scripts as form fields, visible seals and a certificate, for readers other than our own:
//! `cargo run -p documents --features fixtures --example scripts_sample -- FOLDER [FOLDER-OF-FONTS]`.
//!
//! `form.pdf` has a field and a signature per script, `certificate.pdf` a signer; each line that is printed is a script and its text.
//! Scripts that no font has are left out. `tests/outside/scripts.py` reads the files back.

#[path = "../src/certificate/samples.rs"]
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
    write_certificate(&folder, &shown)?;
    shown.iter().for_each(|(script, shown)| println!("{script}\t{shown}"));
    Ok(())
}

fn write_form(folder: &Path, shown: &[(&str, &str)]) -> Result<(), Box<dyn Error>> {
    let now = Utc::now();
    let identity = Identity::open(&Identity::development("Sample", "Sample", now, "password")?, "password", now)?;
    let request = |(script, shown): &(&str, &str)| Request {
        field: Some(format!("seal.{script}")),
        signer_name: (*shown).to_owned(),
        at: now,
        reason: "sample".to_owned(),
        location: None,
        appearance_lines: Some(vec![(*shown).to_owned()]),
    };
    let requests: Vec<Request> = shown.iter().map(request).collect();
    let form = form(shown)?;
    std::fs::write(folder.join("form.pdf"), seal(&form, &identity, &requests)?.pdf)?;
    Ok(())
}

/// One page; of each script a text field on the left and a signature field on the right. Viewers are to draw the values.
fn form(shown: &[(&str, &str)]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut pdf = Pdf::with_version("1.7");
    let (pages, page) = (pdf.new_object_id(), pdf.new_object_id());
    let mut fields: Vec<Object> = Vec::new();
    for (number, (script, shown)) in (0_i64..).zip(shown) {
        let bottom = 800 - 32 * number;
        let rect = |left: i64, right: i64| vec![left.into(), bottom.into(), right.into(), (bottom + 26).into()];
        let common = dictionary! { "Type" => "Annot", "Subtype" => "Widget", "F" => 4, "P" => page };
        let mut text = common.clone();
        text.extend(&dictionary! {
            "FT" => "Tx", "T" => lopdf::text_string(&format!("text.{script}").replace('.', "_")), "V" => lopdf::text_string(shown),
            "Rect" => rect(30, 290), "DA" => Object::string_literal("/Helv 0 Tf 0 g"), "MK" => dictionary! { "BC" => vec![Object::Real(0.7)] },
        });
        let mut signature = common;
        signature.extend(&dictionary! {
            "FT" => "Sig", "T" => lopdf::text_string(&format!("seal.{script}")), "Rect" => rect(300, 560),
        });
        fields.extend([pdf.add_object(text).into(), pdf.add_object(signature).into()]);
    }
    let content = pdf.add_object(Stream::new(dictionary! {}, Vec::new()));
    pdf.objects.insert(
        page,
        dictionary! {
            "Type" => "Page", "Parent" => pages, "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
            "Resources" => dictionary! {}, "Contents" => content, "Annots" => fields.clone(),
        }
        .into(),
    );
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
