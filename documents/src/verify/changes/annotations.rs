//! Changes of the pages' annotations: which are harmless marks, and which show something else than was signed.

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::coverage::Coverage;
use super::{Findings, Role, Roles, differing, marks, printed};
use crate::pdf;

/// Items of a list that are no references and are compared one by one; what comes after them counts as changed.
const MAX_DIRECT: usize = 256;
/// Later marks on one page; what comes after them is told as covering.
const MAX_MARKS: usize = 500;
/// Remarks about the page, which readers know as such (ISO 32000-2 table 171). All others draw on it.
const MARKS: [&[u8]; 8] = [b"Text", b"Popup", b"Link", b"Highlight", b"Underline", b"StrikeOut", b"Squiggly", b"Caret"];
/// What of a mark may change without changing what the page shows: its comment and the discussion about it.
const REMARKS: [&[u8]; 16] = [
    b"Contents",
    b"RC",
    b"M",
    b"T",
    b"Subj",
    b"NM",
    b"CreationDate",
    b"IRT",
    b"RT",
    b"State",
    b"StateModel",
    b"Popup",
    b"Open",
    b"Parent",
    b"Type",
    b"IT",
];
/// Hidden, or neither viewed nor printed (ISO 32000-2 table 167).
const HIDDEN: i64 = 2;

impl Roles<'_> {
    /// Each page's list of annotations, as it was and as it is.
    pub(super) fn compare_annotations(&self, findings: &mut Findings) {
        for (number, page) in pdf::pages(self.signed).unwrap_or_default().into_iter().enumerate() {
            let list = |document| {
                let list = pdf::dict_at(document, page).and_then(|page| pdf::array_entry(document, page, b"Annots"));
                list.map(Vec::as_slice).unwrap_or_default()
            };
            let (old, new) = (list(self.signed), list(self.current));
            if old == new {
                continue;
            }
            for removed in not_in(old, new) {
                self.removed(number + 1, removed, findings);
            }
            let (mut covered, added) = (Coverage::default(), not_in(new, old));
            for annotation in &added {
                self.added(number + 1, annotation, &mut covered, findings);
            }
            if added.len() > MAX_MARKS || !covered.is_legible() {
                findings.other(format!("later marks lie over one another and cover what was signed (page {})", number + 1));
            }
            if !keeps_order(old, new) {
                findings.other(format!("the order of what lies on page {} was changed", number + 1));
            }
        }
    }

    fn removed(&self, page: usize, annotation: &Object, findings: &mut Findings) {
        let field = annotation.as_reference().is_ok_and(|id| matches!(self.roles.get(&id), Some(Role::Field(_))));
        let Ok(dictionary) = pdf::resolve(self.signed, annotation).as_dict() else { return };
        if field || pdf::is_widget(self.signed, dictionary) {
            return findings.other(format!("a form field was taken off page {page}"));
        }
        self.gone(page, dictionary, findings);
    }

    fn gone(&self, page: usize, annotation: &Dictionary, findings: &mut Findings) {
        let subtype = subtype(self.signed, annotation);
        if MARKS.contains(&subtype) {
            findings.annotations = true;
        } else {
            findings.other(format!("something that was on page {page} was removed ({})", printed(subtype)));
        }
    }

    /// An annotation that no object holds any more: told where it stood on a page.
    pub(super) fn annotation_freed(&self, id: ObjectId, annotation: &Dictionary, findings: &mut Findings) {
        self.gone(self.annotation_page(id), annotation, findings);
    }

    fn added(&self, page: usize, annotation: &Object, covered: &mut Coverage, findings: &mut Findings) {
        if annotation.as_reference().is_ok_and(|id| self.new_signature_field(id, findings)) {
            return;
        }
        let Ok(dictionary) = pdf::resolve(self.current, annotation).as_dict() else { return };
        let subtype = subtype(self.current, dictionary);
        if pdf::is_widget(self.current, dictionary) {
            return findings.other(format!("a form field was added to page {page}"));
        }
        if has_action(self.current, dictionary) {
            findings.other(format!("an annotation with an action was added to page {page} ({})", printed(subtype)));
        }
        if matches!(subtype, b"FileAttachment" | b"Sound" | b"Movie" | b"Screen" | b"RichMedia" | b"3D") || dictionary.has(b"AF")
        {
            return findings.other(format!("a file was attached to page {page} ({})", printed(subtype)));
        }
        let flags = pdf::entry(self.current, dictionary, b"F").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let rectangle = rectangle(self.current, dictionary);
        if flags & HIDDEN != 0 {
            findings.annotations = true;
            return;
        }
        // Without a readable place nothing is shown.
        let place = rectangle.unwrap_or_default();
        let painted =
            MARKS.contains(&subtype).then(|| marks::painted(self.current, dictionary, subtype, place, &mut findings.looked_at));
        if let Some(painted) = painted.flatten() {
            findings.annotations = true;
            covered.over(&painted);
            return;
        }
        let place = match rectangle {
            Some([left, bottom, right, top]) => format!("rectangle {left:.0} {bottom:.0} {right:.0} {top:.0}"),
            None => "without a place".to_owned(),
        };
        findings.other(format!("a later annotation covers what was signed (page {page}, {place}: {})", printed(subtype)));
    }

    /// The number of the page that an annotation was on when it was signed; 0 for none.
    fn annotation_page(&self, id: ObjectId) -> usize {
        self.annotation_pages.get(&id).copied().unwrap_or(0)
    }

    /// An annotation that was there when it was signed.
    pub(super) fn annotation(&self, id: ObjectId, old: &Dictionary, new: &Dictionary, findings: &mut Findings) {
        let subtype = subtype(self.signed, old);
        let keys = differing(old, new);
        match keys.iter().find(|key| !MARKS.contains(&subtype) || !REMARKS.contains(&key.as_slice())) {
            Some(key) => {
                let page = self.annotation_page(id);
                let what = format!("{} of an annotation that was on page {page} was changed", printed(key));
                findings.other(format!("{what} ({})", printed(subtype)));
            }
            None => findings.annotations = true,
        }
    }
}

fn subtype<'a>(document: &'a Document, annotation: &'a Dictionary) -> &'a [u8] {
    pdf::entry(document, annotation, b"Subtype").and_then(|subtype| subtype.as_name().ok()).unwrap_or_default()
}

/// Whether something happens by itself or on a click, other than going to a place or showing an address.
pub(super) fn has_action(document: &Document, annotation: &Dictionary) -> bool {
    let harmless = |action: &Object| {
        let Ok(action) = action.as_dict() else { return false };
        let kind = pdf::entry(document, action, b"S").and_then(|kind| kind.as_name().ok());
        matches!(kind, Some(b"URI" | b"GoTo" | b"Named")) && !action.has(b"Next")
    };
    annotation.has(b"AA") || pdf::entry(document, annotation, b"A").is_some_and(|action| !harmless(action))
}

/// `/Rect` with its corners in order.
fn rectangle(document: &Document, annotation: &Dictionary) -> Option<[f64; 4]> {
    let corners = pdf::array_entry(document, annotation, b"Rect")?;
    let corners: Vec<f64> = corners.iter().filter_map(|corner| pdf::number(document, corner)).map(f64::from).collect();
    let [x0, y0, x1, y1] = corners[..] else { return None };
    Some([x0.min(x1), y0.min(y1), x0.max(x1), y0.max(y1)])
}

/// Width and height of an annotation's rectangle, in points.
pub(super) fn extent(document: &Document, annotation: &Dictionary) -> (f64, f64) {
    rectangle(document, annotation).map_or((0.0, 0.0), |[left, bottom, right, top]| (right - left, top - bottom))
}

/// Whether what is in both lists stands in one order: what comes later is drawn over what comes before.
fn keeps_order(old: &[Object], new: &[Object]) -> bool {
    let mut places: HashMap<ObjectId, usize> = HashMap::new();
    for (place, id) in new.iter().filter_map(|item| item.as_reference().ok()).enumerate() {
        places.entry(id).or_insert(place);
    }
    let kept = old.iter().filter_map(|item| places.get(&item.as_reference().ok()?));
    kept.is_sorted()
}

/// The items of `list` that are not in `reference`.
pub(super) fn not_in<'a>(list: &'a [Object], reference: &[Object]) -> Vec<&'a Object> {
    let known: HashSet<ObjectId> = reference.iter().filter_map(|item| item.as_reference().ok()).collect();
    let direct: Vec<&Object> = reference.iter().filter(|item| item.as_reference().is_err()).take(MAX_DIRECT).collect();
    let is_known = |item: &&Object| match item {
        Object::Reference(id) => known.contains(id),
        other => direct.contains(other),
    };
    list.iter().filter(|item| !is_known(item)).collect()
}
