//! Whether a later mark on a page (a note, a highlight, a line under a text) leaves what was signed legible.
//!
//! What an annotation draws is its own appearance stream, whatever it says that it is: a "highlight" may be a white box with
//! another price on it. So its operations are looked at. Text, images, shadings and opaque areas cover; thin lines, and
//! areas through which the page stays visible, do not. What cannot be told counts as covering.

use lopdf::{Dictionary, Document, Stream};

use super::content::{Operand, Operation, Operations};
use super::coverage::{Bounds, Coverage, Paint};
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
/// Height of a line of text that a mark may go through, in points.
const MAX_TEXT_HEIGHT: f64 = 40.0;
/// A film is light up to this opacity.
const MAX_OPACITY: f64 = 0.6;
/// A colour that the page is multiplied with is light from this luminance (0 is black, 1 is white).
const MIN_LUMINANCE: f64 = 0.5;
/// What is painted opaquely and is lighter than this looks like paper: it marks nothing, it takes away.
const MAX_LUMINANCE: f64 = 0.9;
/// Side of the icon of a note, in points, and the contrast that it leaves: it is known as one, and can be moved.
const ICON: f64 = 20.0;
const ICON_CONTRAST: f64 = 0.5;
/// Height of the line through or under a text, as a share of the text's.
const LINE: f64 = 0.1;
/// How far quadrilaterals may lie outside the place of their mark, in points: programs round.
const MAX_OUTSIDE: f64 = 2.0;
/// Luminance of the highlight that names no colour: yellow.
const YELLOW: f64 = 0.89;

/// What a mark whose `/Rect` is `place` paints over the page; `None` where that covers or cannot be told. `looked_at` counts what the
/// comparison has looked at so far: beyond its bound nothing can be told.
pub(super) fn painted(
    document: &Document,
    mark: &Dictionary,
    subtype: &[u8],
    place: Bounds,
    looked_at: &mut usize,
) -> Option<Coverage> {
    let covered = match pdf::dict_entry(document, mark, b"AP") {
        None => without_appearance(document, mark, subtype, place, looked_at)?,
        Some(appearances) => {
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
            if streams.len() > MAX_STATES {
                return None;
            }
            let mut any = Coverage::default();
            for stream in streams {
                any.or(&of_stream(document, stream, place, looked_at)?);
            }
            any
        }
    };
    covered.is_legible().then_some(covered)
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
fn without_appearance(
    document: &Document,
    mark: &Dictionary,
    subtype: &[u8],
    place: Bounds,
    looked_at: &mut usize,
) -> Option<Coverage> {
    let colour = numbers(document, mark, b"C").unwrap_or_default();
    let mut coverage = Coverage::default();
    let mut areas: Vec<(Bounds, Paint)> = Vec::new();
    match subtype {
        b"Highlight" => {
            let luminance = if colour.is_empty() { YELLOW } else { luminance(&colour)? };
            if luminance.is_nan() || luminance < MIN_LUMINANCE {
                return None;
            }
            areas.extend(quadrilaterals(document, mark, place)?.into_iter().map(|quad| (quad, Paint::Film(luminance))));
        }
        b"StrikeOut" | b"Underline" | b"Squiggly" => {
            is_ink(&colour)?;
            for [left, bottom, right, top] in quadrilaterals(document, mark, place)? {
                let height = top - bottom;
                if height > MAX_TEXT_HEIGHT {
                    return None;
                }
                let middle = if subtype == b"StrikeOut" { bottom + height / 2.0 } else { bottom };
                areas.push(([left, middle, right, middle + LINE * height], Paint::Opaque));
            }
        }
        b"Link" => {
            let border = pdf::array_entry(document, mark, b"Border").and_then(|border| pdf::number(document, border.get(2)?));
            let style = pdf::dict_entry(document, mark, b"BS");
            let style = style.and_then(|style| pdf::number(document, pdf::entry(document, style, b"W")?));
            let width = f64::from([border, style].into_iter().flatten().reduce(f32::max).unwrap_or(1.0)).abs();
            if width > MAX_LINE {
                return None;
            }
            if width > 0.0 {
                is_ink(&colour)?;
            }
            let [left, bottom, right, top] = place;
            let sides = [
                [left, bottom, right, bottom + width],
                [left, top - width, right, top],
                [left, bottom, left + width, top],
                [right - width, bottom, right, top],
            ];
            areas.extend(sides.map(|side| (side, Paint::Opaque)));
        }
        b"Popup" => {}
        _ => {
            let [left, bottom, right, top] = place;
            let icon = [left, bottom.min(top - ICON), right.max(left + ICON), top];
            areas.push((icon, Paint::Film(ICON_CONTRAST)));
        }
    }
    for (area, paint) in areas {
        *looked_at += coverage.area(area, paint)?;
        if *looked_at > MAX_LOOKED_AT {
            return None;
        }
    }
    Some(coverage)
}

/// Whether a colour marks on paper. Without one, viewers take black.
fn is_ink(colour: &[f64]) -> Option<()> {
    (colour.is_empty() || luminance(colour)? <= MAX_LUMINANCE).then_some(())
}

/// The boxes around `/QuadPoints`; the whole place where there are none. What lies outside the place is ignored by some readers and drawn by
/// others (ISO 32000-2 12.5.6.10).
fn quadrilaterals(document: &Document, mark: &Dictionary, place: Bounds) -> Option<Vec<Bounds>> {
    let Some(points) = numbers(document, mark, b"QuadPoints") else { return Some(vec![place]) };
    let [left, bottom, right, top] = place;
    let is_within = |bounds: Bounds| {
        bounds[0] >= left - MAX_OUTSIDE
            && bounds[1] >= bottom - MAX_OUTSIDE
            && bounds[2] <= right + MAX_OUTSIDE
            && bounds[3] <= top + MAX_OUTSIDE
    };
    let around = |points: &[f64]| {
        let extreme = |first: usize, pick: fn(f64, f64) -> f64| points.iter().skip(first).step_by(2).copied().reduce(pick);
        let bounds = [extreme(0, f64::min)?, extreme(1, f64::min)?, extreme(0, f64::max)?, extreme(1, f64::max)?];
        (points.iter().all(|point| point.is_finite()) && is_within(bounds)).then_some(bounds)
    };
    points.chunks(8).map(around).collect()
}

fn of_stream(document: &Document, stream: &Stream, place: Bounds, looked_at: &mut usize) -> Option<Coverage> {
    if *looked_at > MAX_LOOKED_AT {
        return None;
    }
    let bounds = numbers(document, &stream.dict, b"BBox").and_then(|bounds| <[f64; 4]>::try_from(bounds).ok())?;
    let matrix = match numbers(document, &stream.dict, b"Matrix") {
        None => IDENTITY,
        Some(matrix) => <[f64; 6]>::try_from(matrix).ok()?,
    };
    // A matrix that turns would make lines of the one direction wider than they look here.
    if matrix[1] != 0.0 || matrix[2] != 0.0 {
        return None;
    }
    // The box is fitted into the place (ISO 32000-2 12.5.5, algorithm 8).
    let [x0, x1] = [bounds[0], bounds[2]].map(|x| matrix[0] * x + matrix[4]);
    let [y0, y1] = [bounds[1], bounds[3]].map(|y| matrix[3] * y + matrix[5]);
    let (width, height) = ((x1 - x0).abs(), (y1 - y0).abs());
    if !(width.is_finite() && height.is_finite()) {
        return None;
    }
    if width * height == 0.0 {
        // Nothing of it is shown.
        return Some(Coverage::default());
    }
    let (across, up) = ((place[2] - place[0]) / width, (place[3] - place[1]) / height);
    let fit = [across, 0.0, 0.0, up, place[0] - across * x0.min(x1), place[1] - up * y0.min(y1)];
    let mut paint = Painted { clip: place, operations: 0, coverage: Coverage::default() };
    let state = State { transform: concatenated(matrix, fit), ..State::default() };
    let told = paint.stream(document, stream, state, 0);
    *looked_at += paint.operations;
    told.map(|()| paint.coverage)
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

/// What was painted, in points of the page.
struct Painted {
    clip: Bounds,
    operations: usize,
    coverage: Coverage,
}

/// A path so far: its lines, with curves as the lines between their points, and the boxes of its subpaths.
#[derive(Default)]
struct Path {
    at: (f64, f64),
    start: (f64, f64),
    lines: Vec<[(f64, f64); 2]>,
    boxes: Vec<Bounds>,
}

impl Path {
    fn begin(&mut self, point: (f64, f64)) {
        (self.at, self.start) = (point, point);
        self.boxes.push([point.0, point.1, point.0, point.1]);
    }

    fn to(&mut self, point: (f64, f64)) {
        self.lines.push([self.at, point]);
        self.at = point;
        if let Some([left, bottom, right, top]) = self.boxes.last_mut() {
            (*left, *right) = (left.min(point.0), right.max(point.0));
            (*bottom, *top) = (bottom.min(point.1), top.max(point.1));
        }
    }
}

impl Painted {
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
        let paint = paint(state, width, state.stroke_opacity, state.stroke)?;
        for [from, to] in &path.lines {
            self.operations += self.coverage.line(*from, *to, width, self.clip, paint)?;
        }
        Some(())
    }

    fn fills(&mut self, state: &State, path: &Path) -> Option<()> {
        for [left, bottom, right, top] in &path.boxes {
            let paint = paint(state, (right - left).min(top - bottom), state.fill_opacity, state.fill)?;
            let [clip_left, clip_bottom, clip_right, clip_top] = self.clip;
            let shown = [left.max(clip_left), bottom.max(clip_bottom), right.min(clip_right), top.min(clip_top)];
            if shown[0] < shown[2] && shown[1] < shown[3] {
                self.operations += self.coverage.area(shown, paint)?;
            }
        }
        Some(())
    }
}

/// How an area is painted of which the narrower side is `thickness`, in points. `None`: it covers.
fn paint(state: &State, thickness: f64, opacity: f64, luminance: Option<f64>) -> Option<Paint> {
    if let Some(luminance) = luminance.filter(|luminance| state.multiplies && *luminance >= MIN_LUMINANCE) {
        Some(Paint::Film(luminance.min(1.0)))
    } else if opacity <= MAX_OPACITY {
        Some(Paint::Film(1.0 - opacity.max(0.0)))
    } else {
        (thickness <= MAX_LINE && luminance? <= MAX_LUMINANCE).then_some(Paint::Opaque)
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
