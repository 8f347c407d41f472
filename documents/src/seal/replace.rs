//! Putting a new appearance where a field has an empty one already.
//!
//! Validators compare the appearance stream of the revision before with the one after (EU DSS does it entry by entry): new
//! content and new resources are a signature's doing, another `/BBox`, `/FormType` or `/Filter` is an "undefined change",
//! held against the signatures before. So the new stream keeps the old one's entries and draws the seal as a form within it.

use lopdf::{Dictionary, Document, Object, ObjectId, Stream};

use crate::appearance::Place;
use crate::pdf;

/// Entries that say nothing of what the old stream drew, and are kept (ISO 32000-2 table 93). With any other one, such as
/// an optional-content group that could hide the seal, nothing is kept.
const KEPT: [&[u8]; 13] = [
    b"Type",
    b"Subtype",
    b"FormType",
    b"BBox",
    b"Matrix",
    b"Resources",
    b"Length",
    b"Filter",
    b"Name",
    b"Group",
    b"LastModified",
    b"PieceInfo",
    b"StructParents",
];
/// Content this long is compressed for certain: the library leaves short content as it is.
const PADDED_CONTENT: usize = 256;

/// An appearance stream like the widget's present one that draws the form `seal`, made for `place`, over its whole box.
/// `None` where the widget has no stream that can be kept.
pub(super) fn within(document: &Document, widget: &Dictionary, place: Place, seal: ObjectId) -> Option<Stream> {
    let old = pdf::entry(document, pdf::dict_entry(document, widget, b"AP")?, b"N")?.as_stream().ok()?;
    if !old.dict.iter().all(|(key, _)| KEPT.contains(&key.as_slice())) {
        return None;
    }
    let compressed = match pdf::entry(document, &old.dict, b"Filter") {
        None => false,
        Some(Object::Name(name)) if name == b"FlateDecode" => true,
        Some(_) => return None,
    };
    let matrix = Matrix::onto(place, numbers(document, &old.dict, b"BBox")?, own_matrix(document, &old.dict)?)?;
    let mut resources = pdf::dict_entry(document, &old.dict, b"Resources").cloned().unwrap_or_default();
    let mut forms = pdf::dict_entry(document, &resources, b"XObject").cloned().unwrap_or_default();
    // One of these is free, because there are more of them than entries.
    let name = (0..=forms.len()).map(|number| format!("Seal{number}")).find(|name| !forms.has(name.as_bytes()))?;
    let content = format!("q {} cm /{name} Do Q\n", matrix.written());
    forms.set(name, seal);
    resources.set("XObject", forms);
    let mut dictionary = old.dict.clone();
    dictionary.set("Resources", resources);
    dictionary.remove(b"Filter");
    let content = if compressed { format!("{content:PADDED_CONTENT$}") } else { content };
    let mut stream = Stream::new(dictionary, content.into_bytes());
    if compressed {
        stream.compress().ok()?;
    }
    Some(stream)
}

fn numbers<const N: usize>(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<[f64; N]> {
    let array = pdf::array_entry(document, dictionary, key)?;
    let numbers: Vec<f64> = array.iter().filter_map(|number| pdf::number(document, number)).map(f64::from).collect();
    numbers.try_into().ok().filter(|_| array.len() == N)
}

/// The old stream's `/Matrix`. `None`: it turns by other than right angles, or flattens.
fn own_matrix(document: &Document, dictionary: &Dictionary) -> Option<[f64; 6]> {
    if pdf::entry(document, dictionary, b"Matrix").is_none() {
        return Some([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    }
    let matrix: [f64; 6] = numbers(document, dictionary, b"Matrix")?;
    let [a, b, c, d, ..] = matrix;
    let straight = (b == 0.0 && c == 0.0 && a * d != 0.0) || (a == 0.0 && d == 0.0 && b * c != 0.0);
    straight.then_some(matrix)
}

/// A transformation as the operator `cm` takes it.
struct Matrix([f64; 6]);

impl Matrix {
    /// From the seal's form, turned as its own matrix turns it, onto the old stream's box, both seen behind the old matrix.
    fn onto(place: Place, bounds: [f64; 4], old: [f64; 6]) -> Option<Self> {
        let [a, b, c, d, e, f] = old;
        let behind = |x: f64, y: f64| (a * x + c * y + e, b * x + d * y + f);
        let ((x0, y0), (x1, y1)) = (behind(bounds[0], bounds[1]), behind(bounds[2], bounds[3]));
        let (left, bottom) = (x0.min(x1), y0.min(y1));
        let (width, height) = (f64::from(place.width), f64::from(place.height));
        let (scale_x, scale_y) = ((x0 - x1).abs() / width, (y0 - y1).abs() / height);
        if !(0.001..=1000.0).contains(&scale_x) || !(0.001..=1000.0).contains(&scale_y) {
            return None;
        }
        // Turned by its own matrix, the seal's form lies left of or below its origin.
        let origin_x = if matches!(place.rotation, 90 | 180) { -width } else { 0.0 };
        let origin_y = if matches!(place.rotation, 180 | 270) { -height } else { 0.0 };
        let wanted = [scale_x, 0.0, 0.0, scale_y, left - scale_x * origin_x, bottom - scale_y * origin_y];
        // What is wanted behind the old matrix, seen before it: multiplied by its inverse.
        let determinant = a * d - b * c;
        let inverse = |x: f64, y: f64| ((d * x - c * y) / determinant, (a * y - b * x) / determinant);
        let ((m0, m1), (m2, m3)) = (inverse(wanted[0], wanted[1]), inverse(wanted[2], wanted[3]));
        let (m4, m5) = inverse(wanted[4] - e, wanted[5] - f);
        let matrix = [m0, m1, m2, m3, m4, m5];
        matrix.iter().all(|number| number.is_finite() && number.abs() < 1e6).then_some(Self(matrix))
    }

    fn written(&self) -> String {
        // Not "-0", which some readers do not know.
        let number = |number: &f64| format!("{:.5}", if number.abs() < 0.000_005 { 0.0 } else { *number });
        self.0.iter().map(number).collect::<Vec<_>>().join(" ")
    }
}
