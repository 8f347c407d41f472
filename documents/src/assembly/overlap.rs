//! What lies upon what on a page: the rectangles of what is painted, from the last annotation to the first.

use std::collections::HashSet;

use lopdf::{Document, Object, ObjectId};

use crate::pdf;

/// Comparisons of two rectangles in one document. Beyond it, one is compared with the box around all later ones.
const MAX_COMPARISONS: usize = 1_000_000;

/// Left, bottom, right, top.
type Rect = [f32; 4];

/// What is painted on a page behind the annotation that is looked at.
pub(super) struct Later {
    rects: Vec<Rect>,
    around: Option<Rect>,
    left: usize,
    /// Annotations that more than one page lists, against ISO 32000-2 12.5.2.
    repeated: HashSet<ObjectId>,
}

impl Later {
    pub(super) fn of(document: &Document) -> Result<Self, pdf::Error> {
        let (mut once, mut repeated) = (HashSet::new(), HashSet::new());
        for page in pdf::pages(document)? {
            let page = pdf::dict_at(document, page);
            let annotations = page.and_then(|page| pdf::array_entry(document, page, b"Annots")).into_iter().flatten();
            for annotation in annotations.filter_map(|annotation| Object::as_reference(annotation).ok()) {
                if !once.insert(annotation) {
                    repeated.insert(annotation);
                }
            }
        }
        Ok(Self { rects: Vec::new(), around: None, left: MAX_COMPARISONS, repeated })
    }

    pub(super) fn next_page(&mut self) {
        self.rects.clear();
        self.around = None;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rects.is_empty()
    }

    /// Whether more than one page lists an annotation: painted on one of them, it would have to be painted on all.
    pub(super) fn is_repeated(&self, annotation: ObjectId) -> bool {
        self.repeated.contains(&annotation)
    }

    pub(super) fn add(&mut self, rect: Rect) {
        self.rects.push(rect);
        let [left, bottom, right, top] = self.around.unwrap_or(rect);
        self.around = Some([left.min(rect[0]), bottom.min(rect[1]), right.max(rect[2]), top.max(rect[3])]);
    }

    /// Whether something of it lies in a rectangle.
    pub(super) fn touches(&mut self, rect: Rect) -> bool {
        if !self.around.is_some_and(|around| overlap(around, rect)) {
            return false;
        }
        match self.left.checked_sub(self.rects.len()) {
            Some(left) => {
                self.left = left;
                self.rects.iter().any(|later| overlap(*later, rect))
            }
            None => true,
        }
    }
}

fn overlap(one: Rect, other: Rect) -> bool {
    one[0] < other[2] && other[0] < one[2] && one[1] < other[3] && other[1] < one[3]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_that_only_meet_do_not_overlap() {
        let mut later = Later { rects: Vec::new(), around: None, left: 3, repeated: HashSet::new() };
        assert!(!later.touches([0.0, 0.0, 9.0, 9.0]));
        later.add([0.0, 0.0, 10.0, 10.0]);
        later.add([20.0, 0.0, 30.0, 10.0]);
        assert!(!later.touches([10.0, 0.0, 20.0, 10.0]), "between them");
        assert!(later.touches([10.0, 0.0, 20.0, 10.0]), "once no comparisons are left, the box around them counts");
        assert!(!later.touches([0.0, 10.0, 30.0, 20.0]));
    }
}
