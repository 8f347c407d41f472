//! Whether a later mark on a page (a note, a highlight, a line under a text) leaves what was signed legible.
//!
//! What an annotation draws is its own appearance stream, whatever it says that it is: a "highlight" may be a white box with
//! another price on it. So its operations are looked at. Text, images, shadings and opaque areas cover; thin lines, and
//! areas through which the page stays visible, do not. What cannot be told counts as covering.

use lopdf::{Dictionary, Document, Stream};

use super::content::{Operand, Operation, Operations};
use crate::pdf;

/// Content of one appearance stream, in bytes, and operations of all that it draws, that are looked at.
const MAX_CONTENT: usize = 1024 * 1024;
const MAX_OPERATIONS: usize = 50_000;
/// Of all marks that one comparison looks at, where a stream counts for its operations and for its length.
const MAX_LOOKED_AT: usize = 1_000_000;
const BYTES_PER_OPERATION: usize = 16;
/// Forms within forms, and saved states within a stream.
const MAX_DEPTH: usize = 8;
const MAX_STATES: usize = 64;
/// An opaque line is thin up to this, in points.
const MAX_LINE: f64 = 3.0;
/// The share of its box that a mark may paint opaquely, with a light film, and through which the page is multiplied.
const MAX_OPAQUE: f64 = 0.3;
const MAX_FILM: f64 = 1.25;
const MAX_MULTIPLIED: f64 = 2.5;
/// Height of a line of text that a mark may go through, in points.
const MAX_TEXT_HEIGHT: f64 = 40.0;
/// A film is light up to this opacity.
const MAX_OPACITY: f64 = 0.6;
/// A colour that the page is multiplied with is light from this luminance (0 is black, 1 is white).
const MIN_LUMINANCE: f64 = 0.5;

/// Whether a mark leaves the page below it legible. The extent is that of its `/Rect`, width and height in points; `looked_at`
/// counts what the comparison has looked at so far: beyond its bound nothing is legible.
pub(super) fn is_legible(
    document: &Document,
    mark: &Dictionary,
    subtype: &[u8],
    (width, height): (f64, f64),
    looked_at: &mut usize,
) -> bool {
    let Some(appearances) = pdf::dict_entry(document, mark, b"AP") else {
        return without_appearance(document, mark, subtype);
    };
    // Any of them may be shown: under the mouse, when pressed, in another state.
    let mut streams = Vec::new();
    for (_, appearance) in appearances.iter() {
        match pdf::resolve(document, appearance) {
            lopdf::Object::Stream(stream) => streams.push(stream),
            lopdf::Object::Dictionary(states) => {
                let states = states.iter().map(|(_, state)| pdf::resolve(document, state));
                streams.extend(states.filter_map(|state| state.as_stream().ok()));
            }
            _ => {}
        }
    }
    let mut legible = |stream: &&Stream| stream_is_legible(document, stream, (width, height), looked_at);
    streams.len() <= MAX_STATES && streams.iter().all(&mut legible)
}

/// Whether an appearance stream paints nothing at all, as that of an empty signature field.
pub(super) fn is_blank(stream: &Stream) -> bool {
    const PAINTS: [&[u8]; 15] =
        [b"S", b"s", b"f", b"F", b"f*", b"B", b"B*", b"b", b"b*", b"sh", b"Do", b"Tj", b"TJ", b"'", b"\""];
    let Ok(content) = stream.get_plain_content_with_limit(MAX_CONTENT) else { return false };
    Operations::of(&content).all(|operation| operation.is_ok_and(|operation| !PAINTS.contains(&operation.operator)))
}

/// Viewers draw these themselves: a highlight is multiplied with the page, an icon is known as one. A line of text marked by a
/// quadrilateral is as high as text is, else the line that is drawn through or under it is a bar.
fn without_appearance(document: &Document, mark: &Dictionary, subtype: &[u8]) -> bool {
    let quadrilaterals = numbers(document, mark, b"QuadPoints").unwrap_or_default();
    let height = |points: &[f64]| {
        let of_corners = || points.iter().skip(1).step_by(2);
        of_corners().copied().fold(f64::MIN, f64::max) - of_corners().copied().fold(f64::MAX, f64::min)
    };
    let lined = matches!(subtype, b"StrikeOut" | b"Underline" | b"Squiggly");
    let readable = quadrilaterals.iter().all(|number| number.is_finite());
    if lined && (!readable || quadrilaterals.chunks(8).any(|points| height(points) > MAX_TEXT_HEIGHT)) {
        return false;
    }
    match subtype {
        b"Highlight" => {
            let colour = pdf::array_entry(document, mark, b"C").map(Vec::as_slice).unwrap_or_default();
            let colour: Vec<f64> = colour.iter().filter_map(|part| pdf::number(document, part)).map(f64::from).collect();
            colour.is_empty() || luminance(&colour).is_some_and(|luminance| luminance >= MIN_LUMINANCE)
        }
        b"Link" => {
            let border = pdf::array_entry(document, mark, b"Border").and_then(|border| pdf::number(document, border.get(2)?));
            let style = pdf::dict_entry(document, mark, b"BS");
            let style = style.and_then(|style| pdf::number(document, pdf::entry(document, style, b"W")?));
            [border, style].into_iter().flatten().all(|width| f64::from(width) <= MAX_LINE)
        }
        _ => true,
    }
}

fn stream_is_legible(document: &Document, stream: &Stream, (width, height): (f64, f64), looked_at: &mut usize) -> bool {
    if *looked_at > MAX_LOOKED_AT {
        return false;
    }
    let bounds = numbers(document, &stream.dict, b"BBox").and_then(|bounds| <[f64; 4]>::try_from(bounds).ok());
    let matrix = numbers(document, &stream.dict, b"Matrix").map(<[f64; 6]>::try_from);
    // A matrix that turns would make lines of the one direction wider than they look here.
    let straight = match matrix {
        None => true,
        Some(Ok([_, b, c, ..])) => b == 0.0 && c == 0.0,
        Some(Err(_)) => false,
    };
    let Some([x0, y0, x1, y1]) = bounds.filter(|_| straight) else { return false };
    let (box_width, box_height) = ((x1 - x0).abs(), (y1 - y0).abs());
    let area = box_width * box_height;
    if !(area.is_finite() && area > 0.0) {
        // Nothing of it is shown.
        return true;
    }
    let mut paint = Painted { scale: (width / box_width).max(height / box_height), ..Painted::default() };
    let state = State { transform: IDENTITY, ..State::default() };
    let told = paint.stream(document, stream, state, 0).is_some();
    *looked_at += paint.operations;
    told && paint.fits(area)
}

fn numbers(document: &Document, dictionary: &Dictionary, key: &[u8]) -> Option<Vec<f64>> {
    let array = pdf::array_entry(document, dictionary, key)?;
    Some(array.iter().map(|number| pdf::number(document, number).map_or(f64::NAN, f64::from)).collect())
}

/// Relative luminance of a colour in DeviceGray, DeviceRGB or DeviceCMYK, by the number of its parts.
fn luminance(colour: &[f64]) -> Option<f64> {
    match *colour {
        [gray] => Some(gray),
        [red, green, blue] => Some(0.3 * red + 0.59 * green + 0.11 * blue),
        [cyan, magenta, yellow, black] => Some((1.0 - 0.3 * cyan - 0.59 * magenta - 0.11 * yellow) * (1.0 - black)),
        _ => None,
    }
}

type Transform = [f64; 6];
const IDENTITY: Transform = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0];

fn concatenated([a, b, c, d, e, f]: Transform, [p, q, r, s, t, u]: Transform) -> Transform {
    [a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u]
}

/// The part of the graphics state that matters here.
#[derive(Clone)]
struct State {
    transform: Transform,
    /// Opacity of fills and of strokes, with that of the forms around.
    fill_opacity: f64,
    stroke_opacity: f64,
    /// Of the form around, which a group's own state does not replace.
    outer_opacity: f64,
    multiplies: bool,
    outer_multiplies: bool,
    line_width: f64,
    /// Luminance of the colours; `None` where it cannot be told.
    fill: Option<f64>,
    stroke: Option<f64>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            transform: IDENTITY,
            fill_opacity: 1.0,
            stroke_opacity: 1.0,
            outer_opacity: 1.0,
            multiplies: false,
            outer_multiplies: false,
            line_width: 1.0,
            fill: Some(0.0),
            stroke: Some(0.0),
        }
    }
}

/// How much was painted, in the units of the appearance's box.
#[derive(Default)]
struct Painted {
    /// From these units to points, at most.
    scale: f64,
    operations: usize,
    opaque: f64,
    film: f64,
    multiplied: f64,
}

/// A path so far: the corners of its subpaths' boxes, and its length.
#[derive(Default)]
struct Path {
    at: (f64, f64),
    start: (f64, f64),
    length: f64,
    boxes: Vec<[f64; 4]>,
}

impl Path {
    fn begin(&mut self, point: (f64, f64)) {
        (self.at, self.start) = (point, point);
        self.boxes.push([point.0, point.1, point.0, point.1]);
    }

    fn to(&mut self, point: (f64, f64)) {
        self.length += (point.0 - self.at.0).hypot(point.1 - self.at.1);
        self.at = point;
        if let Some([left, bottom, right, top]) = self.boxes.last_mut() {
            (*left, *right) = (left.min(point.0), right.max(point.0));
            (*bottom, *top) = (bottom.min(point.1), top.max(point.1));
        }
    }
}

impl Painted {
    fn fits(&self, area: f64) -> bool {
        self.opaque <= MAX_OPAQUE * area && self.film <= MAX_FILM * area && self.multiplied <= MAX_MULTIPLIED * area
    }

    /// Adds what a stream paints. `None`: it covers, or cannot be told.
    fn stream(&mut self, document: &Document, stream: &Stream, state: State, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let content = stream.get_plain_content_with_limit(MAX_CONTENT).ok()?;
        // Unpacking and reading cost as well, whatever stands there.
        self.operations += 1 + (stream.content.len() + content.len()) / BYTES_PER_OPERATION;
        let resources = pdf::dict_entry(document, &stream.dict, b"Resources");
        let (mut state, mut saved, mut path) = (state, Vec::new(), Path::default());
        for operation in Operations::of(&content) {
            let operation = operation.ok()?;
            self.operations += 1;
            if self.operations > MAX_OPERATIONS {
                return None;
            }
            match operation.operator {
                b"q" if saved.len() < MAX_STATES => saved.push(state.clone()),
                b"q" => return None,
                b"Q" => state = saved.pop().unwrap_or(state),
                b"cm" => state.transform = concatenated(operation.numbers()?, state.transform),
                b"gs" => state.set(document, named(document, resources, b"ExtGState", &operation)?.as_dict().ok()?),
                b"Do" => {
                    let form = named(document, resources, b"XObject", &operation)?.as_stream().ok()?;
                    self.form(document, form, &state, depth)?;
                }
                // Text adds words; shadings and images paint what is not looked at.
                b"Tj" | b"TJ" | b"'" | b"\"" | b"sh" => return None,
                _ => self.path_or_state(&operation, &mut state, &mut path)?,
            }
        }
        Some(())
    }

    /// A form within: an image has no place in a mark.
    fn form(&mut self, document: &Document, form: &Stream, state: &State, depth: usize) -> Option<()> {
        let subtype = pdf::entry(document, &form.dict, b"Subtype").and_then(|subtype| subtype.as_name().ok());
        if subtype != Some(b"Form") {
            return None;
        }
        let mut inner = state.clone();
        if let Some(matrix) = numbers(document, &form.dict, b"Matrix") {
            inner.transform = concatenated(matrix.try_into().ok()?, state.transform);
        }
        if pdf::dict_entry(document, &form.dict, b"Group").is_some() {
            // A group is painted as a whole, with the state around it; its own state starts anew (ISO 32000-2 11.6.6).
            (inner.outer_opacity, inner.outer_multiplies) = (state.fill_opacity, state.multiplies);
            (inner.stroke_opacity, inner.multiplies) = (state.fill_opacity, state.multiplies);
        }
        self.stream(document, form, inner, depth + 1)
    }

    fn path_or_state(&mut self, operation: &Operation<'_>, state: &mut State, path: &mut Path) -> Option<()> {
        let point = |x: f64, y: f64| {
            let [a, b, c, d, e, f] = state.transform;
            (a * x + c * y + e, b * x + d * y + f)
        };
        match operation.operator {
            b"w" => state.line_width = operation.numbers::<1>()?[0].abs(),
            b"m" => {
                let [x, y] = operation.numbers()?;
                path.begin(point(x, y));
            }
            b"l" => {
                let [x, y] = operation.numbers()?;
                path.to(point(x, y));
            }
            b"c" => {
                let [x1, y1, x2, y2, x3, y3] = operation.numbers()?;
                [(x1, y1), (x2, y2), (x3, y3)].iter().for_each(|(x, y)| path.to(point(*x, *y)));
            }
            b"v" | b"y" => {
                let [x1, y1, x2, y2] = operation.numbers()?;
                [(x1, y1), (x2, y2)].iter().for_each(|(x, y)| path.to(point(*x, *y)));
            }
            b"re" => {
                let [x, y, width, height] = operation.numbers()?;
                path.begin(point(x, y));
                let corners = [(x + width, y), (x + width, y + height), (x, y + height), (x, y)];
                corners.iter().for_each(|(x, y)| path.to(point(*x, *y)));
            }
            b"h" => path.to(path.start),
            b"S" => self.strokes(state, path)?,
            b"s" => {
                path.to(path.start);
                self.strokes(state, path)?;
            }
            b"f" | b"F" | b"f*" => self.fills(state, path)?,
            b"B" | b"B*" | b"b" | b"b*" => {
                self.fills(state, path)?;
                path.to(path.start);
                self.strokes(state, path)?;
            }
            b"g" | b"rg" | b"k" | b"sc" | b"scn" | b"cs" => state.fill = colour(operation),
            b"G" | b"RG" | b"K" | b"SC" | b"SCN" | b"CS" => state.stroke = colour(operation),
            _ => {}
        }
        if matches!(operation.operator, b"S" | b"s" | b"f" | b"F" | b"f*" | b"B" | b"B*" | b"b" | b"b*" | b"n") {
            *path = Path::default();
        }
        Some(())
    }

    fn strokes(&mut self, state: &State, path: &Path) -> Option<()> {
        let [a, b, c, d, ..] = state.transform;
        let width = state.line_width * a.hypot(b).max(c.hypot(d));
        self.add(state, width * path.length, width, state.stroke_opacity, state.stroke)
    }

    fn fills(&mut self, state: &State, path: &Path) -> Option<()> {
        path.boxes.iter().try_for_each(|[left, bottom, right, top]| {
            let (width, height) = (right - left, top - bottom);
            self.add(state, width * height, width.min(height), state.fill_opacity, state.fill)
        })
    }

    /// Adds an area of which the narrower side is `thickness`.
    fn add(&mut self, state: &State, area: f64, thickness: f64, opacity: f64, luminance: Option<f64>) -> Option<()> {
        if !area.is_finite() {
            return None;
        }
        if state.multiplies && luminance.is_some_and(|luminance| luminance >= MIN_LUMINANCE) {
            self.multiplied += area;
        } else if opacity <= MAX_OPACITY {
            self.film += area;
        } else if thickness * self.scale <= MAX_LINE {
            self.opaque += area;
        } else {
            return None;
        }
        Some(())
    }
}

impl State {
    /// The operator `gs`.
    fn set(&mut self, document: &Document, parameters: &Dictionary) {
        let number = |key: &[u8]| pdf::number(document, pdf::entry(document, parameters, key)?).map(f64::from);
        if let Some(opacity) = number(b"ca") {
            self.fill_opacity = opacity * self.outer_opacity;
        }
        if let Some(opacity) = number(b"CA") {
            self.stroke_opacity = opacity * self.outer_opacity;
        }
        if let Some(width) = number(b"LW") {
            self.line_width = width.abs();
        }
        if let Some(mode) = pdf::entry(document, parameters, b"BM") {
            // Of several modes, the first that a reader knows is taken.
            let mode = mode.as_array().ok().and_then(|modes| modes.first()).unwrap_or(mode);
            self.multiplies = self.outer_multiplies || mode.as_name().is_ok_and(|mode| mode == b"Multiply");
        }
    }
}

fn colour(operation: &Operation<'_>) -> Option<f64> {
    // A pattern has a name, a colour space's own default is black.
    let parts: Option<Vec<f64>> =
        operation.operands.iter().map(|operand| if let Operand::Number(part) = operand { Some(*part) } else { None }).collect();
    luminance(&parts?)
}

/// The resource of a category that an operation names.
fn named<'a>(
    document: &'a Document,
    resources: Option<&'a Dictionary>,
    category: &[u8],
    operation: &Operation<'_>,
) -> Option<&'a lopdf::Object> {
    let [Operand::Name(name)] = &operation.operands[..] else { return None };
    pdf::entry(document, pdf::dict_entry(document, resources?, category)?, name)
}
