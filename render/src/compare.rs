//! Whether two revisions of a document show the same, as pixels.
//!
//! A second pair of eyes: it shares no code with the reader that decides what a seal may change. Equal means equal in every pixel, as both
//! revisions are drawn by the same code on the same processor.

use std::{ops::Range, sync::Arc};

use hayro::{
    hayro_syntax::{Pdf, PdfData},
    kurbo::Rect,
};
use serde::{Deserialize, Serialize};

use crate::drawing::{Drawing, Size};

/// Pixels around a mask that are not compared: the edges of what is drawn there are blurred into them.
const MARGIN: i64 = 1;

/// Pages without a counterpart that are listed as differing; the pages beyond say nothing more.
const MAX_UNPAIRED: usize = 100;

/// A rectangle that is not compared.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mask {
    /// The page, counted from 0.
    pub page: usize,
    /// Two opposite corners, x, y, x, y, in the page's default user space (ISO 32000-2, 8.3.2.3).
    pub rect: [f32; 4],
}

/// How much is compared at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Pages: those with a mask first, then the first ones.
    pub max_pages: usize,
    /// Pixels of one page at [`DPI`](crate::DPI); a larger page is left out.
    pub max_page_pixels: u64,
    /// Pixels of all pages, each counted once.
    pub max_pixels: u64,
}

impl Default for Limits {
    /// 20 pages up to the size A0, in all as many pixels as 41 pages of A4.
    fn default() -> Self {
        Self { max_pages: 20, max_page_pixels: 16_000_000, max_pixels: 40_000_000 }
    }
}

/// Why not all pages were compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skipped {
    /// The revision before cannot be read here, as when its encryption is not supported: nothing was compared.
    Unreadable,
    /// The files are larger than is drawn: nothing was compared.
    Bytes,
    /// There are more pages than are compared.
    Pages,
    /// Pages are larger than is drawn, or all together are.
    Pixels,
    /// Drawing takes more time or memory than a document gets, or broke on it: nothing was compared.
    Cost,
}

/// What was compared, and what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Pages of the revision before; 0 if it cannot be read.
    pub pages: usize,
    /// How many of them were drawn in both revisions and compared.
    pub compared_pages: usize,
    /// Of the pages compared, how many hold something that could not be drawn, such as an image of an unknown kind; what is not drawn is not
    /// compared.
    pub incomplete_pages: usize,
    /// Pages that differ outside the masks, counted from 0, ascending. Among them those that only one of the revisions has (the first 100);
    /// if the revision after cannot be read and the one before can, all pages (the first 100).
    pub differing: Vec<usize>,
    /// Why `compared_pages` is less than `pages`; the first reason that was met.
    pub skipped: Option<Skipped>,
}

impl Comparison {
    /// Of nothing.
    pub fn none(skipped: Skipped) -> Self {
        Self { pages: 0, compared_pages: 0, incomplete_pages: 0, differing: Vec::new(), skipped: Some(skipped) }
    }
}

/// Two revisions of a document, as bytes.
#[derive(Clone, Debug)]
pub struct Revisions {
    before: PdfData,
    after: PdfData,
}

impl Revisions {
    /// Of two files.
    pub fn new(before: Vec<u8>, after: Vec<u8>) -> Self {
        Self { before: before.into(), after: after.into() }
    }

    /// Of one file, whose first `before` bytes are the revision before: as an incremental update leaves it. Both share the bytes.
    pub fn of_one_file(after: Vec<u8>, before: usize) -> Self {
        let whole = Arc::new(after);
        let start = Start { len: before.min(whole.len()), whole: whole.clone() };
        Self { before: Arc::new(start).into(), after: whole.into() }
    }
}

struct Start {
    whole: Arc<Vec<u8>>,
    len: usize,
}

impl AsRef<[u8]> for Start {
    fn as_ref(&self) -> &[u8] {
        self.whole.get(..self.len).unwrap_or_default()
    }
}

/// Draws the pages of both revisions one by one and compares them outside the masks.
///
/// Takes as much time, memory and stack as the pages want, and may panic on some: only for a process with limits.
pub fn compare(revisions: &Revisions, masks: &[Mask], limits: &Limits) -> Comparison {
    let unreadable =
        |pages: usize, differing, skipped| Comparison { pages, compared_pages: 0, incomplete_pages: 0, differing, skipped };
    let Ok(before) = Pdf::new(revisions.before.clone()) else { return unreadable(0, Vec::new(), Some(Skipped::Unreadable)) };
    let pages = before.pages().len();
    let Ok(after) = Pdf::new(revisions.after.clone()) else {
        return unreadable(pages, (0..pages.min(MAX_UNPAIRED)).collect(), None);
    };
    let paired = pages.min(after.pages().len());
    let (chosen, mut skipped) = choose(paired, masks, limits.max_pages);
    let (mut before, mut after) = (Drawing::new(&before), Drawing::new(&after));
    let mut comparison = unreadable(pages, Vec::new(), None);
    let mut left = limits.max_pixels;
    for page in chosen {
        let sizes = (before.size(page), after.size(page));
        if sizes.0 != sizes.1 {
            // Another size is another look, whatever is drawn on it.
            comparison.differing.push(page);
            comparison.compared_pages += 1;
            continue;
        }
        let Some(size) = sizes.0.filter(|size| size.pixels() <= limits.max_page_pixels.min(left)) else {
            skipped = skipped.or(Some(Skipped::Pixels));
            continue;
        };
        left -= size.pixels();
        let masked = masked(&before, page, masks, size);
        let (is_equal, is_complete) = draws_alike(&mut before, &mut after, page, size, &masked);
        comparison.compared_pages += 1;
        comparison.incomplete_pages += usize::from(!is_complete);
        if !is_equal {
            comparison.differing.push(page);
        }
    }
    let unpaired = paired..pages.max(after.pdf.pages().len());
    comparison.differing.extend(unpaired.take(MAX_UNPAIRED));
    comparison.differing.sort_unstable();
    comparison.skipped = skipped;
    comparison
}

/// The pages to compare: those with a mask, then the first ones, up to `max`.
fn choose(pages: usize, masks: &[Mask], max: usize) -> (Vec<usize>, Option<Skipped>) {
    let mut with_mask: Vec<usize> = masks.iter().map(|mask| mask.page).filter(|page| *page < pages).collect();
    with_mask.sort_unstable();
    with_mask.dedup();
    let others = (0..pages).filter(|page| with_mask.binary_search(page).is_err());
    let chosen: Vec<usize> = with_mask.iter().copied().chain(others).take(max).collect();
    let skipped = (chosen.len() < pages).then_some(Skipped::Pages);
    (chosen, skipped)
}

/// The rectangles of a page that are not compared, in pixels, with their margin and within the page.
fn masked(drawing: &Drawing<'_>, page: usize, masks: &[Mask], size: Size) -> Vec<Area> {
    let Some(shown) = drawing.page(page) else { return Vec::new() };
    let transform = Drawing::transform(shown);
    let own = masks.iter().filter(|mask| mask.page == page && mask.rect.iter().all(|side| side.is_finite()));
    own.map(|mask| {
        let [x0, y0, x1, y1] = mask.rect.map(f64::from);
        let pixels = transform.transform_rect_bbox(Rect::new(x0, y0, x1, y1).abs());
        let span = |from: f64, to: f64, end: u16| {
            let within = |at: i64| at.clamp(0, i64::from(end)) as usize;
            within((from.floor() as i64).saturating_sub(MARGIN))..within((to.ceil() as i64).saturating_add(MARGIN))
        };
        Area { x: span(pixels.x0, pixels.x1, size.width), y: span(pixels.y0, pixels.y1, size.height) }
    })
    .collect()
}

/// Pixels from the first to before the last of each range.
#[derive(Debug, PartialEq, Eq)]
struct Area {
    x: Range<usize>,
    y: Range<usize>,
}

/// Whether both revisions draw this page alike outside the masks, and whether all of it could be drawn.
fn draws_alike(before: &mut Drawing<'_>, after: &mut Drawing<'_>, page: usize, size: Size, masked: &[Area]) -> (bool, bool) {
    let (one, other) = (before.draw(page, size), after.draw(page, size));
    // Both are asked, as asking clears it.
    let is_complete = before.took_all() & after.took_all();
    let is_equal = match (&one, &other) {
        (Some(one), Some(other)) => {
            is_equal_outside(one.data_as_u8_slice(), other.data_as_u8_slice(), usize::from(size.width), masked)
        }
        _ => false,
    };
    (is_equal, is_complete)
}

/// Compares two images of four bytes per pixel, row by row.
fn is_equal_outside(one: &[u8], other: &[u8], width: usize, masked: &[Area]) -> bool {
    const PIXEL: usize = 4;
    let rows = one.chunks_exact(width * PIXEL).zip(other.chunks_exact(width * PIXEL)).enumerate();
    one.len() == other.len()
        && rows.into_iter().all(|(y, (one, other))| {
            if one == other {
                return true;
            }
            let here: Vec<&Area> = masked.iter().filter(|area| area.y.contains(&y)).collect();
            let pixels = one.chunks_exact(PIXEL).zip(other.chunks_exact(PIXEL)).enumerate();
            pixels.into_iter().all(|(x, (one, other))| one == other || here.iter().any(|area| area.x.contains(&x)))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use documents::fixtures;

    const A4: Size = Size { width: 827, height: 1170 };

    fn shown(before: Vec<u8>, after: Vec<u8>, masks: &[Mask]) -> Comparison {
        compare(&Revisions::new(before, after), masks, &Limits::default())
    }

    /// The contract with a text of 6 points at its foot.
    fn with_text(text: &str) -> Vec<u8> {
        let mut document = lopdf::Document::load_mem(&fixtures::contract(&["A"])).unwrap();
        let page = *document.get_pages().get(&1).unwrap();
        let mut content = document.get_page_content(page);
        content.extend(format!("\nBT /R 6 Tf 70 60 Td ({text}) Tj ET\n").bytes());
        document.change_page_content(page, content).unwrap();
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    }

    /// A document of blank pages of these sizes in points.
    fn blank(sizes: &[(i64, i64)]) -> Vec<u8> {
        use lopdf::{Document, Object, dictionary};
        let mut document = Document::with_version("1.7");
        let root = document.new_object_id();
        let page = |(width, height): &(i64, i64)| {
            let media: Vec<Object> = vec![0.into(), 0.into(), (*width).into(), (*height).into()];
            dictionary! { "Type" => "Page", "Parent" => root, "MediaBox" => media }
        };
        let kids: Vec<Object> = sizes.iter().map(page).map(|page| document.add_object(page).into()).collect();
        document.objects.insert(root, dictionary! { "Type" => "Pages", "Count" => kids.len() as i64, "Kids" => kids }.into());
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => root });
        document.trailer.set("Root", catalog);
        let mut bytes = Vec::new();
        document.save_to(&mut bytes).unwrap();
        bytes
    }

    fn same(pages: usize, compared_pages: usize, skipped: Option<Skipped>) -> Comparison {
        Comparison { pages, compared_pages, incomplete_pages: 0, differing: Vec::new(), skipped }
    }

    #[test]
    fn a_document_shows_what_it_shows() {
        let contract = fixtures::contract(&["A", "B"]);
        assert_eq!(shown(contract.clone(), contract, &[]), same(1, 1, None));
    }

    #[test]
    fn one_digit_of_six_points_is_seen() {
        for (one, other) in [("1.250,00", "1.260,00"), ("100", "180"), ("300", "800"), ("5", "6"), ("1.000", "1,000"), ("", ".")]
        {
            let differing = shown(with_text(one), with_text(other), &[]).differing;
            assert_eq!(differing, [0], "{one} and {other}");
        }
    }

    #[test]
    fn what_is_masked_is_not_compared_and_what_is_beside_it_is() {
        let (one, other) = (with_text("100"), with_text("200"));
        let mask = |rect| [Mask { page: 0, rect }];
        assert_eq!(shown(one.clone(), other.clone(), &mask([69.0, 58.0, 76.0, 66.0])), same(1, 1, None));
        // Whichever corners are named.
        assert_eq!(shown(one.clone(), other.clone(), &mask([76.0, 66.0, 69.0, 58.0])), same(1, 1, None));
        for beside in [[76.0, 58.0, 400.0, 66.0], [0.0, 0.0, 0.0, 0.0], [f32::NAN; 4], [f32::MIN, 100.0, f32::MAX, f32::MAX]] {
            assert_eq!(shown(one.clone(), other.clone(), &mask(beside)).differing, [0], "{beside:?}");
        }
        assert_eq!(shown(one, other, &[Mask { page: 1, rect: [0.0, 0.0, 600.0, 900.0] }]).differing, [0]);
    }

    #[test]
    fn a_page_of_another_size_or_direction_differs() {
        assert_eq!(shown(blank(&[(595, 842)]), blank(&[(595, 843)]), &[]).differing, [0]);
        assert_eq!(shown(blank(&[(595, 842)]), blank(&[(842, 595)]), &[]).differing, [0]);
    }

    #[test]
    fn pages_that_only_one_revision_has_differ() {
        let (one, three) = (blank(&[(100, 100)]), blank(&[(100, 100); 3]));
        assert_eq!(shown(one.clone(), three.clone(), &[]).differing, [1, 2]);
        assert_eq!(shown(three, one.clone(), &[]).differing, [1, 2]);
        let many = blank(&[(100, 100); 300]);
        assert_eq!(shown(one, many, &[]).differing.len(), MAX_UNPAIRED);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let contract = fixtures::contract(&[]);
        assert_eq!(shown(b"no PDF".to_vec(), contract.clone(), &[]), same(0, 0, Some(Skipped::Unreadable)));
        let comparison = shown(contract, b"no PDF".to_vec(), &[]);
        assert_eq!((comparison.pages, comparison.compared_pages, comparison.differing), (1, 0, vec![0]));
    }

    #[test]
    fn pages_with_a_mask_come_first_and_the_bound_is_said() {
        let masks = [7, 3, 7, 99].map(|page| Mask { page, rect: [0.0; 4] });
        assert_eq!(choose(10, &masks, 4), (vec![3, 7, 0, 1], Some(Skipped::Pages)));
        assert_eq!(choose(10, &masks, 1), (vec![3], Some(Skipped::Pages)));
        assert_eq!(choose(2, &masks, 2), (vec![0, 1], None));
        let limits = Limits { max_pages: 2, ..Limits::default() };
        let three = blank(&[(100, 100); 3]);
        assert_eq!(compare(&Revisions::new(three.clone(), three), &[], &limits), same(3, 2, Some(Skipped::Pages)));
    }

    #[test]
    fn pages_and_documents_beyond_the_pixels_are_left_out_and_that_is_said() {
        let huge = blank(&[(14_400, 14_400), (100, 100)]);
        assert_eq!(shown(huge.clone(), huge, &[]), same(2, 1, Some(Skipped::Pixels)));
        let limits = Limits { max_pixels: 3 * A4.pixels() - 1, ..Limits::default() };
        let three = blank(&[(595, 842); 3]);
        assert_eq!(compare(&Revisions::new(three.clone(), three), &[], &limits), same(3, 2, Some(Skipped::Pixels)));
    }

    #[test]
    fn the_revision_before_may_be_the_start_of_the_same_file() {
        let contract = fixtures::contract(&["A"]);
        let len = contract.len();
        let mut longer = contract;
        longer.extend(b"\n% nothing\n");
        assert_eq!(compare(&Revisions::of_one_file(longer, len), &[], &Limits::default()), same(1, 1, None));
    }

    #[test]
    fn a_sealed_document_differs_inside_its_field_only() {
        use documents::{pkcs12::Identity, seal};
        let now = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
        let file = Identity::development("Seal", "Acme", now, "password").unwrap();
        let identity = Identity::open(&file, "password", now).unwrap();
        let request = seal::Request {
            field: Some("A".into()),
            signer_name: "Ana".into(),
            at: now,
            reason: "test".into(),
            location: None,
            appearance_lines: None,
            handwriting: None,
        };
        let contract = fixtures::contract(&["A", "B"]);
        let sealed = seal::seal(&contract, &identity, &[request]).unwrap().pdf;
        assert!(sealed.starts_with(&contract));
        let revisions = Revisions::of_one_file(sealed, contract.len());
        // The field's rectangle in the fixture.
        let field = Mask { page: 0, rect: [70.0, 300.0, 280.0, 350.0] };
        assert_eq!(compare(&revisions, &[field], &Limits::default()), same(1, 1, None));
        assert_eq!(compare(&revisions, &[], &Limits::default()).differing, [0]);
    }

    #[test]
    fn masks_follow_the_rotation_of_the_page() {
        let turned = |text: &str| {
            let mut document = lopdf::Document::load_mem(&with_text(text)).unwrap();
            let page = *document.get_pages().get(&1).unwrap();
            document.get_dictionary_mut(page).unwrap().set("Rotate", 90);
            let mut bytes = Vec::new();
            document.save_to(&mut bytes).unwrap();
            bytes
        };
        let mask = Mask { page: 0, rect: [69.0, 58.0, 76.0, 66.0] };
        assert_eq!(shown(turned("100"), turned("200"), &[mask]), same(1, 1, None));
        assert_eq!(shown(turned("100"), turned("200"), &[]).differing, [0]);
    }

    #[test]
    fn rows_are_compared_outside_the_masks() {
        let one = vec![0; 4 * 3 * 2];
        let mut other = one.clone();
        other[4 * 4 + 2] = 1;
        let at = |x, y| [Area { x, y }];
        assert!(is_equal_outside(&one, &other, 3, &at(1..2, 1..2)));
        for (x, y) in [(0..1, 1..2), (2..3, 1..2), (1..2, 0..1), (1..1, 1..2)] {
            assert!(!is_equal_outside(&one, &other, 3, &at(x, y)));
        }
        assert!(!is_equal_outside(&one, &one[..12], 3, &at(0..3, 0..2)));
    }
}
