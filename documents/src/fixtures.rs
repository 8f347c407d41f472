//! PDFs made by code: the demo's contract and forms, and (for tests, feature `fixtures`) its variants and hostile relatives.

use lopdf::content::{Content, Operation};
use lopdf::xref::XrefType;
use lopdf::{Document, Encoding, Object, ObjectId, Stream, StringFormat, dictionary};

/// Names of signature fields longer than this list are not drawn; a page has room for eight.
const MAX_FIELDS: usize = 8;

const PARAGRAPHS: [(&str, &[&str]); 4] = [
    (
        "1. Subject",
        &[
            "The provider will store, translate and archive the documents that the customer hands over,",
            "in Spanish, Catalan, Euskara, Galician, German and English, within the periods of annex A.",
        ],
    ),
    (
        "2. Price and payment",
        &[
            "The price is 1.250,00 € per month, plus the taxes that apply. Invoices are payable within",
            "thirty days. A delay of more than sixty days entitles the provider to suspend the service.",
        ],
    ),
    (
        "3. Term and notice",
        &[
            "The agreement runs for one year from its last signature and is renewed year by year, unless",
            "one of the parties gives notice in writing at least two months before the end of a year.",
        ],
    ),
    (
        "4. Signature",
        &[
            "The parties agree to sign electronically. Each signer is identified before signing, and the",
            "evidence of it is kept with the signed document. The sealed file is the only original.",
        ],
    ),
];

/// A readable contract on one A4 page, with a box for each of the named signature fields (at most eight, two in a row).
pub fn contract(signature_fields: &[&str]) -> Vec<u8> {
    save(build(signature_fields, 0))
}

fn save(mut document: Document) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing to memory fails only where an object number overflows, and these documents have few objects.
    let saved = document.save_to(&mut bytes);
    debug_assert!(saved.is_ok());
    bytes
}

/// The contract before it is written: its page is turned by `rotation` degrees for display.
fn build(signature_fields: &[&str], rotation: i64) -> Document {
    let mut document = Document::with_version("1.7");
    document.reference_table.cross_reference_type = XrefType::CrossReferenceTable;
    let (pages_id, page_id) = (document.new_object_id(), document.new_object_id());
    let font =
        |base: &str| dictionary! { "Type" => "Font", "Subtype" => "Type1", "BaseFont" => base, "Encoding" => "WinAnsiEncoding" };
    let regular = document.add_object(font("Helvetica"));
    let bold = document.add_object(font("Helvetica-Bold"));
    let fields = add_fields(&mut document, page_id, signature_fields);
    let stream = Stream::new(dictionary! {}, page_content(signature_fields));
    let content = document.add_object(stream);
    let references: Vec<Object> = fields.iter().map(|id| (*id).into()).collect();
    let mut page = dictionary! {
        "Type" => "Page", "Parent" => pages_id, "Contents" => content,
        "MediaBox" => vec![0.into(), 0.into(), 595.into(), 842.into()],
        "Resources" => dictionary! { "Font" => dictionary! { "R" => regular, "B" => bold } },
    };
    if rotation != 0 {
        page.set("Rotate", rotation);
    }
    let mut catalog = dictionary! { "Type" => "Catalog", "Pages" => pages_id, "Lang" => text("en") };
    if !references.is_empty() {
        page.set("Annots", references.clone());
        let form = document.add_object(dictionary! { "Fields" => references });
        catalog.set("AcroForm", form);
    }
    document.objects.insert(page_id, page.into());
    document.objects.insert(pages_id, dictionary! { "Type" => "Pages", "Kids" => vec![page_id.into()], "Count" => 1 }.into());
    let catalog = document.add_object(catalog);
    let information = document.add_object(dictionary! { "Title" => text("Service agreement"), "Producer" => text("Rubrica") });
    document.trailer.set("Root", catalog);
    document.trailer.set("Info", information);
    let identifier = Object::String(b"rubrica-contract".to_vec(), StringFormat::Hexadecimal);
    document.trailer.set("ID", vec![identifier.clone(), identifier]);
    document
}

fn text(value: &str) -> Object {
    lopdf::text_string(value)
}

/// Left, bottom, right and top of the box of field `index`.
fn field_box(index: usize) -> [i64; 4] {
    let (column, row) = ((index % 2) as i64, (index / 2) as i64);
    let (left, bottom) = (70 + 240 * column, 300 - 80 * row);
    [left, bottom, left + 210, bottom + 50]
}

fn add_fields(document: &mut Document, page: ObjectId, names: &[&str]) -> Vec<ObjectId> {
    let field = |(index, name): (usize, &&str)| {
        dictionary! {
            "Type" => "Annot", "Subtype" => "Widget", "FT" => "Sig", "T" => text(name), "P" => page, "F" => 4,
            "Rect" => field_box(index).map(Object::Integer).to_vec(),
        }
    };
    names.iter().take(MAX_FIELDS).enumerate().map(field).map(|dictionary| document.add_object(dictionary)).collect()
}

fn page_content(names: &[&str]) -> Vec<u8> {
    let mut operations = Vec::new();
    let mut line = |font: &str, size: i64, x: i64, y: i64, text: &str| {
        let shown = Document::encode_text(&Encoding::SimpleEncoding(b"WinAnsiEncoding"), text);
        operations.push(Operation::new("BT", vec![]));
        operations.push(Operation::new("Tf", vec![font.into(), size.into()]));
        operations.push(Operation::new("Td", vec![x.into(), y.into()]));
        operations.push(Operation::new("Tj", vec![Object::String(shown, StringFormat::Literal)]));
        operations.push(Operation::new("ET", vec![]));
    };
    line("B", 20, 70, 760, "Service agreement");
    line("R", 11, 70, 730, "between Serveis Güell i Ferrándiz, S.L., Barcelona (the provider)");
    line("R", 11, 70, 714, "and Comercial Núñez & Etxeberría, S.A., Donostia (the customer)");
    let mut y = 670;
    for (title, lines) in PARAGRAPHS {
        line("B", 12, 70, y, title);
        for text in lines {
            y -= 16;
            line("R", 11, 70, y, text);
        }
        y -= 30;
    }
    for (index, name) in names.iter().take(MAX_FIELDS).enumerate() {
        let [left, bottom, ..] = field_box(index);
        line("R", 8, left, bottom - 11, name);
    }
    for index in 0..names.len().min(MAX_FIELDS) {
        let [left, bottom, right, _] = field_box(index);
        operations.push(Operation::new("m", vec![left.into(), bottom.into()]));
        operations.push(Operation::new("l", vec![right.into(), bottom.into()]));
        operations.push(Operation::new("S", vec![]));
    }
    Content { operations }.encode().unwrap_or_default()
}

#[cfg(any(test, feature = "fixtures"))]
pub mod authorities;
mod forms;
#[cfg(any(test, feature = "fixtures"))]
mod handwriting;
#[cfg(any(test, feature = "fixtures"))]
pub mod time_stamps;

pub use forms::*;
#[cfg(any(test, feature = "fixtures"))]
pub use handwriting::*;
#[cfg(any(test, feature = "fixtures"))]
pub use variants::*;

#[cfg(any(test, feature = "fixtures"))]
mod variants {
    use super::*;

    /// The contract with its page turned by `rotation` degrees (a multiple of 90).
    pub fn rotated(signature_fields: &[&str], rotation: i64) -> Vec<u8> {
        save(build(signature_fields, rotation))
    }

    /// An empty page, turned by `rotation` degrees, with a signature field in each of the boxes (at most eight; left, bottom, right, top), named
    /// by the text beside it. A field may be turned by itself (`/MK /R`).
    pub fn boxes(boxes: &[(&str, [i64; 4], Option<i64>)], rotation: i64) -> Vec<u8> {
        let names: Vec<&str> = boxes.iter().map(|(name, ..)| *name).collect();
        let mut document = build(&names, rotation);
        for (id, (_, rectangle, turned)) in field_ids(&document).into_iter().zip(boxes) {
            let field = document.get_dictionary_mut(id).expect("just made");
            field.set("Rect", rectangle.map(Object::Integer).to_vec());
            if let Some(turned) = turned {
                field.set("MK", dictionary! { "R" => *turned });
            }
        }
        let page = *document.get_pages().values().next().expect("just made");
        document.get_dictionary_mut(page).expect("just made").remove(b"Contents");
        save(document)
    }

    /// The contract as newer producers write it: object streams and a cross-reference stream.
    pub fn with_xref_stream(signature_fields: &[&str]) -> Vec<u8> {
        let mut bytes = Vec::new();
        build(signature_fields, 0).save_modern(&mut bytes).expect("a small document is written");
        bytes
    }

    /// Two fields, `signers.first` and `signers.second`, that inherit their type from `signers`.
    pub fn inherited_type() -> Vec<u8> {
        save(build_inherited())
    }

    fn build_inherited() -> Document {
        let mut document = build(&["first", "second"], 0);
        let ids = field_ids(&document);
        let parent = document.add_object(dictionary! {
            "FT" => "Sig", "T" => text("signers"), "Kids" => ids.iter().map(|id| (*id).into()).collect::<Vec<Object>>(),
        });
        for id in &ids {
            let field = document.get_dictionary_mut(*id).expect("just made");
            field.remove(b"FT");
            field.set("Parent", parent);
        }
        set_root_fields(&mut document, vec![parent.into()]);
        document
    }

    /// The same, where the second field's widget is a dictionary of its own.
    pub fn separate_widget() -> Vec<u8> {
        let mut document = build_inherited();
        let form = document.catalog().and_then(|catalog| document.get_dict_in_dict(catalog, b"AcroForm")).expect("just made");
        let parent = form.get(b"Fields").and_then(Object::as_array).expect("just made")[0].as_reference().expect("just made");
        let kids = document.get_dictionary(parent).and_then(|parent| parent.get(b"Kids")).expect("just made");
        let ids: Vec<ObjectId> =
            kids.as_array().expect("just made").iter().map(|kid| kid.as_reference().expect("just made")).collect();
        let mut widget = document.get_dictionary(ids[1]).expect("just made").clone();
        widget.remove(b"T");
        widget.set("Parent", ids[1]);
        let page = widget.get(b"P").and_then(Object::as_reference).expect("just made");
        let widget = document.add_object(widget);
        let field = dictionary! { "T" => text("second"), "Parent" => parent, "Kids" => vec![widget.into()] };
        document.objects.insert(ids[1], field.into());
        let page = document.get_dictionary_mut(page).expect("just made");
        page.set("Annots", vec![ids[0].into(), widget.into()]);
        save(document)
    }

    /// The contract with one text field.
    pub fn text_field(name: &str) -> Vec<u8> {
        let mut document = build(&[name], 0);
        let id = field_ids(&document)[0];
        document.get_dictionary_mut(id).expect("just made").set("FT", "Tx");
        save(document)
    }

    /// The contract with text fields and fields for signatures, at most eight in all.
    pub fn form_of(text_fields: &[&str], signature_fields: &[&str]) -> Vec<u8> {
        let names = [text_fields, signature_fields].concat();
        let mut document = build(&names, 0);
        for id in field_ids(&document).into_iter().take(text_fields.len()) {
            document.get_dictionary_mut(id).expect("just made").set("FT", "Tx");
        }
        save(document)
    }

    /// The contract with a certification of `level` (DocMDP `P`), whose signature is empty.
    pub fn certified(level: i64) -> Vec<u8> {
        let mut document = build(&[], 0);
        let parameters = dictionary! { "Type" => "TransformParams", "P" => level, "V" => "1.2" };
        let reference = dictionary! { "Type" => "SigRef", "TransformMethod" => "DocMDP", "TransformParams" => parameters };
        let signature = document.add_object(dictionary! { "Type" => "Sig", "Reference" => vec![reference.into()] });
        let catalog = document.catalog_mut().expect("just made");
        catalog.set("Perms", dictionary! { "DocMDP" => signature });
        save(document)
    }

    /// A field that is its own kid.
    pub fn field_cycle() -> Vec<u8> {
        let mut document = build(&["A"], 0);
        let id = field_ids(&document)[0];
        document.get_dictionary_mut(id).expect("just made").set("Kids", vec![id.into()]);
        save(document)
    }

    /// One field under `depth` others.
    pub fn deep_fields(depth: usize) -> Vec<u8> {
        let mut document = build(&["A"], 0);
        let mut id = field_ids(&document)[0];
        for _ in 0..depth {
            id = document.add_object(dictionary! { "T" => text("d"), "Kids" => vec![id.into()] });
        }
        set_root_fields(&mut document, vec![id.into()]);
        save(document)
    }

    /// A page tree whose root is its own kid.
    pub fn page_cycle() -> Vec<u8> {
        let mut document = build(&[], 0);
        let root =
            document.catalog().and_then(|catalog| catalog.get(b"Pages")).and_then(Object::as_reference).expect("just made");
        document.get_dictionary_mut(root).expect("just made").set("Kids", vec![root.into()]);
        save(document)
    }

    /// An object stream of a few kilobytes that unpacks to 64 MB and holds the catalog.
    pub fn bomb() -> Vec<u8> {
        let mut content = b"1 0 <</Type/Catalog/Pages 2 0 R>>".to_vec();
        content.resize(64 * 1024 * 1024, b' ');
        let mut stream = Stream::new(dictionary! {}, content);
        stream.compress().expect("spaces compress");
        let length = stream.content.len();
        let mut bytes = b"%PDF-1.7\n".to_vec();
        let offset = bytes.len();
        let open = format!("5 0 obj\n<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length {length}>>stream\n");
        bytes.extend_from_slice(open.as_bytes());
        bytes.extend_from_slice(&stream.content);
        bytes.extend_from_slice(b"\nendstream\nendobj\n");
        let start = bytes.len();
        let open = "6 0 obj\n<</Type/XRef/Size 7/W[1 4 2]/Index[1 1 5 2]/Root 1 0 R/Length 21>>stream\n";
        bytes.extend_from_slice(open.as_bytes());
        for (kind, place, index) in [(2u8, 5u32, 0u16), (1, offset as u32, 0), (1, start as u32, 0)] {
            bytes.push(kind);
            bytes.extend_from_slice(&place.to_be_bytes());
            bytes.extend_from_slice(&index.to_be_bytes());
        }
        bytes.extend_from_slice(format!("\nendstream\nendobj\nstartxref\n{start}\n%%EOF\n").as_bytes());
        bytes
    }

    /// The contract with one signature field, encrypted (RC4, 128 bits) under an owner password and `user_password`.
    pub fn encrypted(user_password: &str, permissions: lopdf::Permissions) -> Vec<u8> {
        let mut document = build(&["A"], 0);
        document.trailer.set("ID", vec![text("0123456789abcdef"), text("0123456789abcdef")]);
        let version = lopdf::EncryptionVersion::V2 {
            document: &document,
            owner_password: "owner",
            user_password,
            key_length: 128,
            permissions,
        };
        let state = lopdf::EncryptionState::try_from(version).expect("valid parameters");
        document.encrypt(&state).expect("an unencrypted document");
        save(document)
    }

    /// The contract with one of each kind of active content, on opening, on its page and in its form.
    pub fn active() -> Vec<u8> {
        let mut document = build(&["A"], 0);
        let file = document.add_object(Stream::new(dictionary! { "Type" => "EmbeddedFile" }, b"data".to_vec()));
        let file = dictionary! { "Type" => "Filespec", "F" => text("a.txt"), "EF" => dictionary! { "F" => file } };
        let launch = dictionary! { "S" => "Launch", "F" => text("calc.exe") };
        let action = dictionary! { "S" => "JavaScript", "JS" => text("app.alert(1)"), "Next" => launch };
        let field = field_ids(&document)[0];
        let movie = dictionary! {
            "Type" => "Annot", "Subtype" => "Screen", "Rect" => vec![0.into(), 0.into(), 9.into(), 9.into()], "F" => 2,
        };
        let movie = document.add_object(movie);
        let page = document.page_iter().next().expect("just made");
        let page = document.objects.get_mut(&page).and_then(|page| page.as_dict_mut().ok()).expect("just made");
        page.set("Annots", vec![field.into(), movie.into()]);
        let catalog = document.catalog_mut().expect("just made");
        catalog.set("OpenAction", action);
        catalog.set("Names", dictionary! { "EmbeddedFiles" => dictionary! { "Names" => vec![text("a.txt"), file.into()] } });
        let form = catalog.get(b"AcroForm").and_then(Object::as_reference).expect("just made");
        let form = document.objects.get_mut(&form).and_then(|form| form.as_dict_mut().ok()).expect("just made");
        form.set("XFA", text("<xdp:xdp/>"));
        save(document)
    }

    fn field_ids(document: &Document) -> Vec<ObjectId> {
        let form = document.catalog().and_then(|catalog| document.get_dict_in_dict(catalog, b"AcroForm")).expect("just made");
        let fields = form.get(b"Fields").and_then(Object::as_array).expect("just made");
        fields.iter().map(|field| field.as_reference().expect("just made")).collect()
    }

    fn set_root_fields(document: &mut Document, fields: Vec<Object>) {
        let form =
            document.catalog().and_then(|catalog| catalog.get(b"AcroForm")).and_then(Object::as_reference).expect("just made");
        document.get_dictionary_mut(form).expect("just made").set("Fields", fields);
    }
}
