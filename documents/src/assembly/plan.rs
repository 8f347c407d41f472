//! What flattening changes in a document, as far as it is the same for all fills: made once, when the document is compiled.

use std::collections::{HashMap, HashSet};

use lopdf::{Dictionary, Document, Object, ObjectId};

use super::code::{Compiler, Piece};
use super::content;
use super::overlap::Later;
use super::spell::{Ink, entries};
use super::tree::Form;
use crate::pdf;
use crate::text::subset::compressed;

/// Bytes that the contents of all pages may unpack to for a look at how they end: as a multiple of what the streams take, at least and at
/// most. Further pages are taken for well made.
const UNPACKED_PER_BYTE: usize = 20;
const MIN_CONTENT_BYTES: usize = 16 * 1024 * 1024;
const MAX_CONTENT_BYTES: usize = 64 * 1024 * 1024;
/// ISO 32000-2 table 167.
const HIDDEN: i64 = 1 << 1;
const NO_ROTATE: i64 = 1 << 4;
const NO_VIEW: i64 = 1 << 5;

/// What flattening changes in a document, as far as it is the same for all fills.
#[derive(Default)]
pub(super) struct Plan {
    /// Pages with widgets that are painted.
    pub(super) pages: Vec<Page>,
    pub(super) contents: Vec<Contents>,
    pub(super) resources: Vec<Resources>,
    /// Fields and widgets that go.
    pub(super) gone: Vec<u32>,
    /// What names of form XObjects begin with.
    pub(super) prefix: Vec<u8>,
}

pub(super) struct Page {
    pub(super) index: u32,
    /// Without content and annotations, without an end.
    pub(super) head: Piece,
    /// Place of its content in the plan.
    pub(super) contents: usize,
    /// The annotations that stay.
    pub(super) annotations: Vec<u32>,
    pub(super) painted: Vec<Painted>,
    /// Place of its resources in the plan.
    pub(super) resources: usize,
    pub(super) rotation: i64,
}

/// The content of a page, or of several that have the same.
pub(super) struct Contents {
    pub(super) streams: Streams,
    /// What stands behind it before the first widget.
    pub(super) closes: Vec<u8>,
}

pub(super) enum Streams {
    As(Vec<u32>),
    /// The whole content without what must not be there: dictionary entries and data of a stream.
    Instead(&'static [u8], Vec<u8>),
}

/// A widget or another annotation that is painted.
pub(super) struct Painted {
    pub(super) index: u32,
    pub(super) look: Look,
    /// Of one that stays: what it says besides its appearances, without an end.
    pub(super) stays: Option<Piece>,
}

/// What is known of how an annotation is painted.
#[derive(Clone, Default)]
pub(super) struct Look {
    /// The form XObject and how it is placed; `None`: nothing is painted.
    pub(super) shows: Option<(ObjectId, [f64; 6])>,
    pub(super) rect: [f32; 4],
    pub(super) is_visible: bool,
    /// Its key in the structure's parent tree.
    pub(super) structure_key: Option<u32>,
    pub(super) optional_content: Option<ObjectId>,
}

/// A dictionary that gets names of form XObjects.
pub(super) struct Resources {
    pub(super) index: u32,
    /// Up to where further names go.
    pub(super) head: Piece,
    pub(super) end: &'static [u8],
}

impl Plan {
    pub(super) fn weight(&self) -> usize {
        let of_page = |page: &Page| size_of::<Page>() + page.annotations.len() * 4 + page.painted.len() * size_of::<Painted>();
        let of_content = |contents: &Contents| {
            let streams = match &contents.streams {
                Streams::As(streams) => streams.len() * 4,
                Streams::Instead(_, data) => data.len(),
            };
            size_of::<Contents>() + streams + contents.closes.len()
        };
        self.pages.iter().map(of_page).sum::<usize>()
            + self.contents.iter().map(of_content).sum::<usize>()
            + self.gone.len() * 4
            + self.resources.len() * size_of::<Resources>()
    }

    pub(super) fn of(document: &Document, compiler: &mut Compiler, form: &Form) -> Result<Self, pdf::Error> {
        let staying = form.staying();
        let mut plan = Plan::default();
        let mut places = HashMap::new();
        let mut gone: HashSet<u32> = form.all().filter(|index| !staying.contains(index)).collect();
        let mut contents = Unpacking::of(document);
        let mut later = Later::of(document)?;
        for page in pdf::pages(document)? {
            let Some(dictionary) = pdf::dict_at(document, page) else { continue };
            let annotations = pdf::array_entry(document, dictionary, b"Annots").map(Vec::as_slice).unwrap_or_default();
            let rotation = pdf::page_rotation(document, page);
            let (mut painted, mut stay) = (Vec::new(), Vec::new());
            later.next_page();
            // From the last one on, so that it is known what lies upon each.
            for annotation in annotations.iter().rev().filter_map(|annotation| annotation.as_reference().ok()) {
                let Some(index) = compiler.index(annotation) else { continue };
                let Some(found) = pdf::dict_at(document, annotation) else { continue };
                let is_widget = pdf::is_widget(document, found);
                let goes = is_widget && !staying.contains(&index);
                let look = || Look::of(&|id| document.objects.get(&id), found, rotation);
                if goes {
                    gone.insert(index);
                    let look = look();
                    if look.is_visible {
                        later.add(look.rect);
                    }
                    painted.push(Painted { index, look, stays: None });
                    continue;
                }
                stay.push(index);
                if is_widget || later.is_empty() || later.is_repeated(annotation) {
                    continue;
                }
                let look = look();
                if look.shows.is_some() && later.touches(look.rect) {
                    later.add(look.rect);
                    let head = compiler.head(found, |key| !matches!(key, b"AP" | b"AS"))?;
                    painted.push(Painted { index, look, stays: Some(head) });
                }
            }
            if painted.is_empty() {
                continue;
            }
            painted.reverse();
            stay.reverse();
            let resources = plan.resources_of(document, compiler, dictionary, &mut places)?;
            let contents = plan.contents_of(document, compiler, dictionary, &mut contents)?;
            let Some(index) = compiler.index(page) else { continue };
            let head = compiler.head(dictionary, |key| key != b"Contents" && key != b"Annots")?;
            plan.pages.push(Page { index, head, contents, annotations: stay, painted, resources, rotation });
        }
        plan.prefix = free_prefix(document, places.keys().copied());
        plan.gone = gone.into_iter().collect();
        plan.gone.sort_unstable();
        Ok(plan)
    }

    /// Objects that are written otherwise than they were compiled.
    pub(super) fn rewritten(&self) -> impl Iterator<Item = u32> + '_ {
        let pages = self.pages.iter().map(|page| page.index);
        pages.chain(self.resources.iter().map(|resources| resources.index)).chain(self.gone.iter().copied())
    }

    /// Where names of form XObjects go in a page's resources: one place for all pages that share them.
    fn resources_of(
        &mut self,
        document: &Document,
        compiler: &mut Compiler,
        page: &Dictionary,
        places: &mut HashMap<ObjectId, usize>,
    ) -> Result<usize, pdf::Error> {
        let missing = || pdf::damaged("a page has no resources");
        let mut id = page.get(b"Resources").and_then(Object::as_reference).map_err(|_| missing())?;
        let mut dictionary = pdf::dict_at(document, id).ok_or_else(missing)?;
        let objects = dictionary.get(b"XObject").ok();
        if let Some(Object::Reference(own)) = objects
            && let Some(found) = pdf::dict_at(document, *own)
        {
            (id, dictionary) = (*own, found);
            if let Some(place) = places.get(&id) {
                return Ok(*place);
            }
            let head = compiler.head(dictionary, |_| true)?;
            return self.add_resources(compiler, id, head, b">>", places).ok_or_else(missing);
        }
        if let Some(place) = places.get(&id) {
            return Ok(*place);
        }
        let existing = objects.and_then(|objects| objects.as_dict().ok()).cloned().unwrap_or_default();
        let head = compiler.piece(|ink| {
            ink.out().extend_from_slice(b"<<");
            entries(ink, dictionary, |key| key != b"XObject")?;
            ink.out().extend_from_slice(b"/XObject<<");
            entries(ink, &existing, |_| true)
        })?;
        self.add_resources(compiler, id, head, b">>>>", places).ok_or_else(missing)
    }

    fn add_resources(
        &mut self,
        compiler: &Compiler,
        id: ObjectId,
        head: Piece,
        end: &'static [u8],
        places: &mut HashMap<ObjectId, usize>,
    ) -> Option<usize> {
        let index = compiler.index(id)?;
        places.insert(id, self.resources.len());
        self.resources.push(Resources { index, head, end });
        Some(self.resources.len() - 1)
    }

    /// The content of a page: looked at once for all pages that have the same.
    fn contents_of(
        &mut self,
        document: &Document,
        compiler: &Compiler,
        page: &Dictionary,
        unpacking: &mut Unpacking,
    ) -> Result<usize, pdf::Error> {
        let streams: Vec<ObjectId> = match page.get(b"Contents") {
            Ok(Object::Reference(id)) => vec![*id],
            Ok(Object::Array(items)) => items.iter().filter_map(|item| item.as_reference().ok()).collect(),
            _ => Vec::new(),
        };
        if let Some(place) = unpacking.seen.get(&streams) {
            return Ok(*place);
        }
        let as_they_are = || Streams::As(streams.iter().filter_map(|id| compiler.index(*id)).collect());
        let contents = match unpacking.unpacked(document, &streams) {
            None => Contents { streams: as_they_are(), closes: Vec::new() },
            Some(mut whole) => {
                let ending = content::ending(&whole)?;
                let streams = if ending.excess.is_empty() {
                    as_they_are()
                } else {
                    ending.excess.iter().for_each(|at| whole[*at] = b' ');
                    let stream = compressed(Dictionary::new(), whole);
                    let filter: &[u8] = if stream.dict.has(b"Filter") { b"/Filter/FlateDecode" } else { b"" };
                    Streams::Instead(filter, stream.content)
                };
                Contents { streams, closes: ending.closes }
            }
        };
        unpacking.seen.insert(streams, self.contents.len());
        self.contents.push(contents);
        Ok(self.contents.len() - 1)
    }
}

/// Unpacks the contents of a document's pages, within a bound for all of them.
struct Unpacking {
    /// Contents that were looked at, and their places in the plan.
    seen: HashMap<Vec<ObjectId>, usize>,
    /// Bytes that are left to unpack.
    left: usize,
}

impl Unpacking {
    fn of(document: &Document) -> Self {
        let streams = document.objects.values().filter_map(|object| object.as_stream().ok());
        let size: usize = streams.map(|stream| stream.content.len()).sum();
        Self { seen: HashMap::new(), left: (UNPACKED_PER_BYTE * size).clamp(MIN_CONTENT_BYTES, MAX_CONTENT_BYTES) }
    }

    /// The content of a page in one; `None` where it cannot be read, or is more than is left to read.
    fn unpacked(&mut self, document: &Document, streams: &[ObjectId]) -> Option<Vec<u8>> {
        let mut whole = Vec::new();
        for id in streams {
            let stream = document.objects.get(id)?.as_stream().ok()?;
            let part = if stream.dict.has(b"Filter") {
                let is_direct = !matches!(stream.dict.get(b"Filter"), Ok(Object::Reference(_)));
                let part = is_direct.then(|| stream.decompressed_content_with_limit(self.left).ok())?;
                if part.is_none() {
                    // At most that much was unpacked in vain, and half of it the next time.
                    self.left /= 2;
                }
                part?
            } else if stream.content.len() <= self.left {
                stream.content.clone()
            } else {
                return None;
            };
            self.left = self.left.checked_sub(part.len() + 1)?;
            whole.extend_from_slice(&part);
            whole.push(b'\n');
        }
        Some(whole)
    }
}

/// What no name of a form XObject in these dictionaries begins with.
fn free_prefix(document: &Document, dictionaries: impl Iterator<Item = ObjectId>) -> Vec<u8> {
    let mut prefix = b"Rb".to_vec();
    let mut taken: Vec<&[u8]> = Vec::new();
    for dictionary in dictionaries.filter_map(|id| pdf::dict_at(document, id)) {
        let inner = pdf::dict_entry(document, dictionary, b"XObject").unwrap_or(dictionary);
        taken.extend(inner.iter().map(|(key, _)| key.as_slice()).filter(|key| key.starts_with(b"Rb")));
    }
    // Each round, the names that are left are longer.
    while taken.iter().any(|key| key.starts_with(&prefix)) {
        prefix.push(b'x');
        taken.retain(|key| key.starts_with(&prefix));
    }
    prefix
}

impl Look {
    /// How an annotation is painted on a page that is shown turned by `rotation` degrees.
    pub(super) fn of<'a>(get: &impl Fn(ObjectId) -> Option<&'a Object>, annotation: &'a Dictionary, rotation: i64) -> Self {
        let view = View { get };
        let structure_key = view.entry(annotation, b"StructParent").and_then(|key| key.as_i64().ok());
        let mut look = Self {
            structure_key: structure_key.and_then(|key| u32::try_from(key).ok()),
            optional_content: annotation.get(b"OC").and_then(Object::as_reference).ok(),
            ..Self::default()
        };
        let flags = view.entry(annotation, b"F").and_then(|flags| flags.as_i64().ok()).unwrap_or(0);
        let Some([x1, y1, x2, y2]) = view.numbers::<4>(annotation, b"Rect") else { return look };
        look.rect = [x1.min(x2), y1.min(y2), x1.max(x2), y1.max(y2)];
        let has_extent = x1 != x2 && y1 != y2;
        look.is_visible = flags & (HIDDEN | NO_VIEW) == 0 && has_extent;
        if !look.is_visible {
            return look;
        }
        let turned = if flags & NO_ROTATE != 0 { rotation } else { 0 };
        look.shows = view.normal_appearance(annotation).and_then(|id| Some((id, view.placed(id, look.rect, turned)?)));
        look
    }
}

/// Objects as they are after a fill.
struct View<'g, G> {
    get: &'g G,
}

impl<'a, G: Fn(ObjectId) -> Option<&'a Object>> View<'_, G> {
    fn resolve(&self, mut object: &'a Object) -> Option<&'a Object> {
        for _ in 0..16 {
            match object {
                Object::Reference(id) => object = (self.get)(*id)?,
                Object::Null => return None,
                other => return Some(other),
            }
        }
        None
    }

    fn entry(&self, dictionary: &'a Dictionary, key: &[u8]) -> Option<&'a Object> {
        self.resolve(dictionary.get(key).ok()?)
    }

    fn numbers<const N: usize>(&self, dictionary: &'a Dictionary, key: &[u8]) -> Option<[f32; N]> {
        let items = self.entry(dictionary, key)?.as_array().ok().filter(|items| items.len() == N)?;
        let mut numbers = [0.0; N];
        for (number, item) in numbers.iter_mut().zip(items) {
            *number = self.resolve(item)?.as_float().ok().filter(|number| number.is_finite())?;
        }
        Some(numbers)
    }

    /// The form XObject for the state that an annotation is in. Without a state it is off, as viewers take it.
    fn normal_appearance(&self, annotation: &'a Dictionary) -> Option<ObjectId> {
        let looks = self.entry(annotation, b"AP")?.as_dict().ok()?;
        let normal = looks.get(b"N").ok()?;
        let normal = match self.resolve(normal)? {
            Object::Dictionary(states) => {
                let state = self.entry(annotation, b"AS").and_then(|state| state.as_name().ok()).unwrap_or(b"Off");
                states.get(state).ok()?
            }
            _ => normal,
        };
        let mut id = normal.as_reference().ok()?;
        for _ in 0..16 {
            match (self.get)(id)? {
                Object::Reference(further) => id = *further,
                Object::Stream(_) => return Some(id),
                _ => return None,
            }
        }
        None
    }

    /// The matrix that places a form XObject in a rectangle (ISO 32000-2 12.5.5), turned about its upper left corner
    /// counterclockwise. `None`: nothing of it could be seen.
    fn placed(&self, look: ObjectId, rect: [f32; 4], turned: i64) -> Option<[f64; 6]> {
        let look = &(self.get)(look)?.as_stream().ok()?.dict;
        let [x1, y1, x2, y2] = self.numbers::<4>(look, b"BBox")?.map(f64::from);
        let [a, b, c, d, e, f] = self.numbers::<6>(look, b"Matrix").unwrap_or([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]).map(f64::from);
        let corners = [(x1, y1), (x1, y2), (x2, y1), (x2, y2)].map(|(x, y)| (a * x + c * y + e, b * x + d * y + f));
        let least = |of: fn(&(f64, f64)) -> f64| corners.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&(f64, f64)) -> f64| corners.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let (left, right, bottom, top) = (least(|c| c.0), most(|c| c.0), least(|c| c.1), most(|c| c.1));
        let [to_left, to_bottom, to_right, to_top] = rect.map(f64::from);
        let (across, up) = ((to_right - to_left) / (right - left), (to_top - to_bottom) / (top - bottom));
        let placed = [across, 0.0, 0.0, up, to_left - left * across, to_bottom - bottom * up];
        if !placed.iter().all(|number| number.is_finite() && number.abs() < 1e9) {
            return None;
        }
        let (sine, cosine) = match turned {
            90 => (1.0, 0.0),
            180 => (0.0, -1.0),
            270 => (-1.0, 0.0),
            _ => return Some(placed),
        };
        let (x, y) = (to_left, to_top);
        let turn = [cosine, sine, -sine, cosine, x - x * cosine + y * sine, y - x * sine - y * cosine];
        Some(product(placed, turn))
    }
}

/// First the one, then the other.
fn product([a, b, c, d, e, f]: [f64; 6], [g, h, i, j, k, l]: [f64; 6]) -> [f64; 6] {
    [a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + l]
}
