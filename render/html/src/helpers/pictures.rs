//! Helpers that write pictures: of the data, QR codes, bar codes.

use barcoders::sym::{code39::Code39, code128::Code128, ean8::EAN8, ean13::EAN13};
use qrcode::{Color, EcLevel, QrCode};
use serde_json::Value;

use super::Arguments;
use super::values::is_length;
use crate::Failure;
use crate::image::Image;
use crate::limits::{BARCODE_BYTES, QR_BYTES};

type Answer = Result<Option<Image>, Failure>;

/// Pixels of one module: viewers blur images that they enlarge.
const MODULE: usize = 8;
/// Modules of white around a QR code (ISO/IEC 18004) and beside a bar code.
const QR_QUIET: usize = 4;
const BAR_QUIET: usize = 10;
/// Modules that a bar code is high, where the template does not say.
const BAR_HEIGHT: usize = 40;

/// The text that is shown; nothing where it is empty, and in a sample that cannot be shown.
fn text(arguments: &Arguments, maximum: usize) -> Result<Option<String>, Failure> {
    let text = arguments.text(0)?;
    if text.len() > maximum {
        return arguments.unusable(0, &format!("is too long: the maximum is {maximum} bytes")).map(|()| None);
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// An image of the data: a `data:` URI, or the base64 of a PNG or JPEG.
pub(super) fn image(arguments: &Arguments) -> Answer {
    let Some(text) = text(arguments, usize::MAX)? else { return Ok(None) };
    let image = match text.starts_with("data:") {
        true => Image::of_data_uri(&text),
        false => Image::of_base64(&text),
    };
    match image {
        Ok(image) => Ok(Some(image)),
        Err(why) => arguments.unusable(0, &format!("is no image that can be used: {why}")).map(|()| None),
    }
}

pub(super) fn qr(arguments: &Arguments) -> Answer {
    let Some(text) = text(arguments, QR_BYTES)? else { return Ok(None) };
    let Ok(code) = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M) else {
        return arguments.unusable(0, "does not fit into a QR code").map(|()| None);
    };
    let width = code.width();
    let dark: Vec<bool> = code.to_colors().into_iter().map(|color| color == Color::Dark).collect();
    let is_dark = |x: usize, y: usize| {
        let inside = |at: usize| at.checked_sub(QR_QUIET).filter(|at| *at < width);
        inside(x).zip(inside(y)).is_some_and(|(x, y)| dark[y * width + x])
    };
    Ok(Some(Image::of_modules(width + 2 * QR_QUIET, width + 2 * QR_QUIET, MODULE, is_dark)))
}

pub(super) fn barcode(arguments: &Arguments) -> Answer {
    let kind = arguments.option("type").map_or(Some("code128"), Value::as_str).unwrap_or_default();
    let encode: fn(&str) -> Option<Vec<u8>> = match kind {
        // Character set B: all of ASCII that is printed.
        "code128" => |text| {
            let is_printed = text.bytes().all(|b| (0x20..0x7f).contains(&b));
            is_printed.then(|| Code128::new(format!("\u{181}{text}")).ok()).flatten().map(|code| code.encode())
        },
        "code39" => |text| Code39::new(text).ok().map(|code| code.encode()),
        "ean13" => |text| EAN13::new(text).ok().map(|code| code.encode()),
        "ean8" => |text| EAN8::new(text).ok().map(|code| code.encode()),
        _ => return Err(arguments.misused("the types are code128, code39, ean13 and ean8")),
    };
    let Some(text) = text(arguments, BARCODE_BYTES)? else { return Ok(None) };
    let Some(bars) = encode(&text) else {
        return arguments.unusable(0, &format!("cannot be written as {kind}")).map(|()| None);
    };
    let is_dark = |x: usize, _| x.checked_sub(BAR_QUIET).and_then(|x| bars.get(x)).is_some_and(|bar| *bar == 1);
    Ok(Some(Image::of_modules(bars.len() + 2 * BAR_QUIET, BAR_HEIGHT, MODULE / 2, is_dark)))
}

/// The size that the template asks for.
pub(super) fn style(arguments: &Arguments) -> Result<String, Failure> {
    let mut style = String::new();
    for name in ["width", "height"] {
        let Some(value) = arguments.option(name) else { continue };
        let text = match value {
            Value::Number(number) => format!("{number}px"),
            Value::String(text) => text.trim().to_owned(),
            _ => String::new(),
        };
        if !is_length(&text) {
            return Err(arguments.misused(&format!("the {name} is a length such as 4cm")));
        }
        style.push_str(&format!("{name}:{text};"));
    }
    Ok(style)
}

/// The alternative text: what the template gives, else, for codes, nothing: what they say is not to be read aloud.
pub(super) fn alt(arguments: &Arguments) -> Result<String, Failure> {
    match arguments.option("alt") {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(_) => Err(arguments.misused("alt is text")),
    }
}
