//! Style sheets of strangers, as a list of tokens: nothing is fetched from elsewhere, images are known, lengths are bounded, and every
//! font is one of ours. Text in a family that the engine does not have would vanish without a word, so each declaration of a font is
//! written anew.

use cssparser::{ParseError, Parser, ParserInput, Token};

use crate::Engine;
use crate::limits::LENGTH;

/// A style sheet whose fonts are still open.
#[derive(Debug, Default)]
pub(crate) struct Style {
    pieces: Vec<Piece>,
    /// What strings in it say: `content` may show them.
    pub strings: String,
    /// Whether it shows attributes (`attr()`).
    pub shows_attributes: bool,
    /// Whether it puts the bullets of lists into their text.
    pub has_inner_bullets: bool,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Family { mono: bool },
}

/// Gives the address under which the engine knows an image: `asset:t0`, a `data:` URI. The error says what is wrong with it.
pub(crate) type Resolve<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

/// What a style sheet is written for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    pub engine: Engine,
    /// Whether each `<img>` becomes an `<svg>`, so that its styles must be the styles of that.
    pub draws_images: bool,
}

/// Blocks within each other.
const DEPTH: usize = 32;
/// A number without a unit, and how often `repeat()` may repeat.
const NUMBER: f32 = 100_000.0;
const REPEAT: f32 = 200.0;

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    /// In lower case, escapes resolved.
    Ident(String),
    At(String),
    Text(String),
    Url(String),
    /// Opens a block that `Close` ends.
    Function(String),
    Curly,
    Other,
    Close,
    Length(f32),
    Number(f32),
    Colon,
    Semicolon,
    Comma,
    Slash,
    /// White space and comments.
    Space,
    Rest,
}

#[derive(Debug)]
struct Item {
    kind: Kind,
    start: usize,
    end: usize,
}

impl Style {
    /// Of a style sheet or of the content of a `style` attribute, for one engine. The error is in words.
    pub fn read(css: &str, dialect: Dialect, resolve: &mut Resolve<'_>) -> Result<Self, String> {
        let is_fulgur = dialect.engine == Engine::Fulgur;
        let items = tokens(css)?;
        let mut style = Self::default();
        let mut edits: Vec<(usize, usize, Piece)> = Vec::new();
        let mut declaration = "";
        let mut functions: Vec<&str> = Vec::new();
        let mut at = 0;
        while at < items.len() {
            let item = &items[at];
            match &item.kind {
                Kind::At(name) if name == "import" => {
                    return Err("@import is not supported: put the styles into <style>".into());
                }
                Kind::At(name) if name == "font-face" => {
                    let end = end_of_rule(&items, at);
                    edits.push((item.start, items[end].end, Piece::Text(String::new())));
                    at = end;
                }
                Kind::At(name) if name == "charset" || name == "namespace" => {
                    let end = (at..items.len()).find(|i| items[*i].kind == Kind::Semicolon).unwrap_or(items.len() - 1);
                    edits.push((item.start, items[end].end, Piece::Text(String::new())));
                    at = end;
                }
                Kind::Ident(name) if begins_declaration(&items, at) => {
                    declaration = name;
                    match value_of(&items, at) {
                        Some((start, end)) if matches!(name.as_str(), "font-family" | "font" | "all") => {
                            edits.push(font(name, &items, at, start, end));
                            at = end - 1;
                        }
                        Some((start, end)) if is_fulgur && name.starts_with("border-") => {
                            if let Some(edit) = border_colour(name, css, &items, start, end) {
                                edits.push(edit);
                            }
                        }
                        Some((start, end)) if is_fulgur && (name == "list-style" || name == "list-style-type") => {
                            style.has_inner_bullets |= markers(&items[start..end])?;
                        }
                        _ => {}
                    }
                }
                Kind::At(name) if is_fulgur && alignment(name).is_some() => {
                    let curly = items[at..].iter().find(|item| matches!(item.kind, Kind::Curly | Kind::Semicolon | Kind::Close));
                    if let Some((Item { kind: Kind::Curly, end, .. }, align)) = curly.zip(alignment(name)) {
                        edits.push((*end, *end, Piece::Text(format!("text-align:{align};"))));
                    }
                }
                Kind::Ident(name) if name == "img" && dialect.draws_images => {
                    edits.push((item.start, item.end, Piece::Text("svg".into())));
                }
                Kind::Url(url) => edits.push((item.start, item.end, url_of(&resolve(url)?))),
                Kind::Text(text) if matches!(functions.last(), Some(&"url" | &"src")) => {
                    edits.push((item.start, item.end, Piece::Text(quoted(&resolve(text)?))));
                }
                Kind::Text(text) => style.strings.push_str(text),
                Kind::Function(name) => {
                    style.shows_attributes |= name == "attr";
                    functions.push(name);
                }
                Kind::Curly | Kind::Other => functions.push(""),
                Kind::Close => {
                    functions.pop();
                }
                Kind::Length(value) if exceeds(*value, LENGTH) => {
                    return Err(format!("a length in a style is too large: the maximum is {LENGTH}"));
                }
                Kind::Number(value) if functions.last() == Some(&"repeat") && exceeds(*value, REPEAT) => {
                    return Err(format!("repeat() in a style repeats too often: the maximum is {REPEAT}"));
                }
                Kind::Number(value) if declaration != "z-index" && exceeds(*value, NUMBER) => {
                    return Err(format!("a number in a style is too large: the maximum is {NUMBER}"));
                }
                _ => {}
            }
            at += 1;
        }
        // What is added behind a declaration was found before what stands in it.
        edits.sort_by_key(|(start, end, _)| (*start, *end));
        style.pieces = applied(css, edits);
        Ok(style)
    }

    /// With these lists of families.
    pub fn write(&self, sans: &str, mono: &str) -> String {
        let piece = |piece: &'_ Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Family { mono: true } => format!(" {mono}"),
            Piece::Family { mono: false } => format!(" {sans}"),
        };
        self.pieces.iter().map(piece).collect()
    }
}

fn exceeds(value: f32, maximum: f32) -> bool {
    value.is_nan() || value.abs() > maximum
}

fn applied(css: &str, edits: Vec<(usize, usize, Piece)>) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for (start, end, piece) in edits {
        pieces.push(Piece::Text(css[from..start].to_owned()));
        pieces.push(piece);
        from = end;
    }
    pieces.push(Piece::Text(css[from..].to_owned()));
    pieces
}

fn quoted(address: &str) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = cssparser::serialize_string(address, &mut text);
    text
}

fn url_of(address: &str) -> Piece {
    Piece::Text(format!("url({})", quoted(address)))
}

/// Whether the name at `at` is that of a declaration: it stands at the beginning of one, and a colon follows.
fn begins_declaration(items: &[Item], at: usize) -> bool {
    let before = items[..at].iter().rev().find(|item| item.kind != Kind::Space);
    let is_begin = before.is_none_or(|item| matches!(item.kind, Kind::Curly | Kind::Semicolon | Kind::Close));
    is_begin && items[at + 1..].iter().find(|item| item.kind != Kind::Space).is_some_and(|item| item.kind == Kind::Colon)
}

/// From behind its colon to its end; nothing where a block shows that it is a selector such as `font:hover {}`.
fn value_of(items: &[Item], at: usize) -> Option<(usize, usize)> {
    let colon = at + items[at..].iter().position(|item| item.kind == Kind::Colon)?;
    let mut depth = 0;
    for (i, item) in items.iter().enumerate().skip(colon + 1) {
        match item.kind {
            Kind::Curly if depth == 0 => return None,
            Kind::Curly | Kind::Other | Kind::Function(_) => depth += 1,
            Kind::Close if depth == 0 => return Some((colon + 1, i)),
            Kind::Close => depth -= 1,
            Kind::Semicolon if depth == 0 => return Some((colon + 1, i)),
            _ => {}
        }
    }
    Some((colon + 1, items.len()))
}

/// Where the rule that begins at `at` ends.
fn end_of_rule(items: &[Item], at: usize) -> usize {
    let mut depth = 0;
    for (i, item) in items.iter().enumerate().skip(at) {
        match item.kind {
            Kind::Curly | Kind::Other | Kind::Function(_) => depth += 1,
            Kind::Close => {
                depth -= 1;
                if depth <= 0 {
                    return i;
                }
            }
            Kind::Semicolon if depth == 0 => return i,
            _ => {}
        }
    }
    items.len() - 1
}

/// What becomes of `font-family`, `font` and `all`: `all`, and a `font` without a size, would bring back a family that is not there.
fn font(name: &str, items: &[Item], at: usize, start: usize, end: usize) -> (usize, usize, Piece) {
    let end_byte = items.get(end).map_or(items[end - 1].end, |item| item.start);
    let value = &items[start..end];
    let words = value.iter().filter_map(|item| match &item.kind {
        Kind::Ident(word) => Some(word.clone()),
        Kind::Text(word) => Some(word.to_lowercase()),
        _ => None,
    });
    let mono = words.into_iter().any(|word| ["mono", "courier", "consol", "menlo"].iter().any(|part| word.contains(part)));
    let family = Piece::Family { mono };
    if name == "font-family" {
        return match items.get(start) {
            Some(item) if start < end => (item.start, end_byte, family),
            _ => (items[at].start, end_byte, Piece::Text(String::new())),
        };
    }
    let dropped = (items[at].start, end_byte, Piece::Text(String::new()));
    let sizes = ["xx-small", "x-small", "small", "medium", "large", "x-large", "xx-large", "larger", "smaller"];
    let size = value.iter().position(|item| match &item.kind {
        Kind::Length(_) => true,
        Kind::Ident(word) => sizes.contains(&word.as_str()),
        _ => false,
    });
    let Some(size) = size.filter(|_| name == "font") else { return dropped };
    // `12pt/1.4 Arial`: what stands behind the size and the height of lines is the family.
    let significant = |from: usize| (from..value.len()).find(|i| value[*i].kind != Kind::Space);
    let last = match significant(size + 1) {
        Some(slash) if value[slash].kind == Kind::Slash => significant(slash + 1).unwrap_or(slash),
        _ => size,
    };
    (value[last].end, end_byte, family)
}

/// How the text of a margin box stands (CSS Paged Media, 5.3): fulgur begins all at the left.
fn alignment(margin_box: &str) -> Option<&'static str> {
    match margin_box {
        "top-center" | "bottom-center" => Some("center"),
        "top-right" | "bottom-right" | "top-left-corner" | "bottom-left-corner" => Some("right"),
        _ => None,
    }
}

/// fulgur paints every side of a border in the colour of the top one. So the colour of another side becomes the top's too: right for boxes
/// whose sides have one colour, which are all but few.
fn border_colour(name: &str, css: &str, items: &[Item], start: usize, end: usize) -> Option<(usize, usize, Piece)> {
    let (side, is_colour) = match name.strip_prefix("border-")?.split_once('-') {
        None => (name.strip_prefix("border-")?, false),
        Some((side, "color")) => (side, true),
        Some(_) => return None,
    };
    if !["right", "bottom", "left"].contains(&side) {
        return None;
    }
    let other = [
        "thin",
        "medium",
        "thick",
        "none",
        "hidden",
        "dotted",
        "dashed",
        "solid",
        "double",
        "groove",
        "ridge",
        "inset",
        "outset",
        "important",
    ];
    let mut depth = 0;
    let mut colour = String::new();
    for item in &items[start..end] {
        let is_part = match &item.kind {
            _ if depth > 0 => true,
            Kind::Ident(word) => is_colour && word != "important" || !other.contains(&word.as_str()),
            Kind::Function(function) => is_colour || !["calc", "min", "max", "clamp"].contains(&function.as_str()),
            Kind::Rest => &css[item.start..item.end] != "!",
            _ => false,
        };
        match item.kind {
            // A width that is computed is passed over with all in it.
            Kind::Function(_) | Kind::Other if !is_part => return None,
            Kind::Function(_) | Kind::Other => depth += 1,
            Kind::Close => depth -= 1,
            _ => {}
        }
        if is_part {
            colour.push_str(&css[item.start..item.end]);
        }
    }
    let end_byte = items.get(end).map_or(items[end.checked_sub(1)?].end, |item| item.start);
    (!colour.is_empty()).then(|| (end_byte, end_byte, Piece::Text(format!(";border-top-color:{colour}"))))
}

/// Whether bullets stand in the text. fulgur draws an empty square for kinds of numbers that it does not know.
fn markers(value: &[Item]) -> Result<bool, String> {
    let known = ["lower-alpha", "upper-alpha", "disclosure-open", "disclosure-closed"];
    let mut is_inside = false;
    for item in value {
        let Kind::Ident(word) = &item.kind else { continue };
        is_inside |= word == "inside";
        if word.contains('-') && !known.contains(&word.as_str()) {
            return Err(format!(
                "the engine does not draw the list style '{word}': there are disc, circle, square, decimal, {}",
                known[..2].join(", ")
            ));
        }
    }
    Ok(is_inside)
}

fn tokens(css: &str) -> Result<Vec<Item>, String> {
    let mut input = ParserInput::new(css);
    let mut items = Vec::new();
    read_block(&mut Parser::new(&mut input), &mut items, 0)?;
    Ok(items)
}

fn read_block(parser: &mut Parser<'_, '_>, items: &mut Vec<Item>, depth: usize) -> Result<(), String> {
    if depth > DEPTH {
        return Err(format!("more than {DEPTH} blocks within each other in a style"));
    }
    loop {
        let start = parser.position().byte_index();
        let Ok(token) = parser.next_including_whitespace_and_comments() else { return Ok(()) };
        let token = token.clone();
        let kind = match &token {
            Token::Ident(name) => Kind::Ident(name.to_ascii_lowercase()),
            Token::AtKeyword(name) => Kind::At(name.to_ascii_lowercase()),
            Token::QuotedString(text) => Kind::Text(text.to_string()),
            Token::UnquotedUrl(url) => Kind::Url(url.to_string()),
            Token::Function(name) => Kind::Function(name.to_ascii_lowercase()),
            Token::CurlyBracketBlock => Kind::Curly,
            Token::ParenthesisBlock | Token::SquareBracketBlock => Kind::Other,
            // Angles, times and resolutions are no lengths, yet as well bounded.
            Token::Dimension { value, .. } => Kind::Length(*value),
            Token::Percentage { unit_value, .. } => Kind::Length(*unit_value * 100.0),
            Token::Number { value, .. } => Kind::Number(*value),
            Token::Colon => Kind::Colon,
            Token::Semicolon => Kind::Semicolon,
            Token::Comma => Kind::Comma,
            Token::Delim('/') => Kind::Slash,
            Token::WhiteSpace(_) | Token::Comment(_) => Kind::Space,
            // What a broken address refers to is not known.
            Token::BadUrl(_) => return Err("a style has an address that does not end".into()),
            _ => Kind::Rest,
        };
        let opens = matches!(kind, Kind::Function(_) | Kind::Curly | Kind::Other);
        items.push(Item { kind, start, end: parser.position().byte_index() });
        if opens {
            let nested =
                parser.parse_nested_block(|inner| read_block(inner, items, depth + 1).map_err(|e| inner.new_custom_error(e)));
            if let Err(ParseError { kind: cssparser::ParseErrorKind::Custom(message), .. }) = nested {
                return Err(message);
            }
            let end = parser.position().byte_index();
            let has_close = css_closes(items, end);
            items.push(Item { kind: Kind::Close, start: end - usize::from(has_close), end });
        }
    }
}

/// Whether a block ends by its bracket, not by the end of the text.
fn css_closes(items: &[Item], end: usize) -> bool {
    items.last().is_some_and(|last| last.end < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULGUR: Dialect = Dialect { engine: Engine::Fulgur, draws_images: false };

    fn clean(css: &str) -> Result<String, String> {
        let mut resolve = |url: &str| match url {
            "asset:t0" => Ok("t0.png".to_owned()),
            other => Err(format!("not known: {other}")),
        };
        Style::read(css, FULGUR, &mut resolve).map(|style| style.write("SANS", "MONO"))
    }

    #[test]
    fn every_font_is_one_of_ours() {
        for (css, expected) in [
            ("p{font-family:Arial}", "p{font-family:SANS}"),
            ("p{color:red;FONT-FAMILY : 'Times New Roman', serif !important}", "p{color:red;FONT-FAMILY :SANS}"),
            ("p{font-family:\"Courier New\",monospace;color:red}", "p{font-family:MONO;color:red}"),
            ("p{f\\6fnt-family:Arial}", "p{f\\6fnt-family:SANS}"),
            ("p{font-family:var(--x, Arial)}", "p{font-family:SANS}"),
            ("p{font:bold 12pt/1.4 Arial, sans-serif}", "p{font:bold 12pt/1.4SANS}"),
            ("p{font:italic small serif;}", "p{font:italic smallSANS;}"),
            ("p{font:inherit;color:red}", "p{;color:red}"),
            ("p{font:var(--f)}", "p{}"),
            ("p{all:initial!important}", "p{}"),
            ("p::before{content:'x';font-family:x}", "p::before{content:'x';font-family:SANS}"),
            ("@page{@top-left{font-family:x}}", "@page{@top-left{font-family:SANS}}"),
            ("@media print{p{font-family:x}}", "@media print{p{font-family:SANS}}"),
            ("font-family:x", "font-family:SANS"),
            ("/**/font-family:/**/x", "/**/font-family:SANS"),
            ("a{b{font-family:x}font-family:y}", "a{b{font-family:SANS}font-family:SANS}"),
            ("@font-face{font-family:x;src:url(http://x)}p{color:red}", "p{color:red}"),
            ("font:hover{color:red}", "font:hover{color:red}"),
            ("p{font-family:}", "p{}"),
            ("p{font-family:x", "p{font-family:SANS"),
            ("@charset \"utf-8\";p{}", "p{}"),
        ] {
            assert_eq!(clean(css).unwrap().replace(" SANS", "SANS").replace(" MONO", "MONO"), expected, "{css}");
        }
    }

    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for css in [
            "@import url(x.css);",
            "@IMPORT 'x.css';",
            "@\\69mport 'x';",
            "p{background:url(http://x/y.png)}",
            "p{background:url('file:///etc/passwd')}",
            "p{background:u\\72l(//x)}",
            "p{background:URL( \"x.png\" )}",
            "@media print{p{content:url(x)}}",
            "p{background:image-set(url(x) 1x)}",
        ] {
            assert!(clean(css).is_err(), "{css}");
        }
        assert_eq!(clean("p{background:url(asset:t0) no-repeat}").unwrap(), "p{background:url(\"t0.png\") no-repeat}");
        assert_eq!(clean("p{background:url( 'asset:t0' )}").unwrap(), "p{background:url( \"t0.png\" )}");
    }

    #[test]
    fn numbers_are_bounded() {
        for css in [
            "p{height:100000000px}",
            "p{width:-1e9mm}",
            "p{width:calc(1px * 1e20)}",
            "p{margin:999999%}",
            "p{line-height:1e38}",
            "p{grid-template-columns:repeat(100000,1px)}",
        ] {
            assert!(clean(css).is_err(), "{css}");
        }
        for css in ["p{z-index:2147483647}", "p{width:20000px}", "p{color:#ffffff}", "p{grid-template-columns:repeat(12, 1fr)}"] {
            assert_eq!(clean(css).as_deref(), Ok(css));
        }
    }

    #[test]
    fn borders_have_the_colour_that_their_side_says() {
        for (css, expected) in [
            ("td{border-bottom:.5pt solid #ccc}", "td{border-bottom:.5pt solid #ccc;border-top-color:#ccc}"),
            (
                "td{border-left:1px solid rgb(1, 2, 3);x:y}",
                "td{border-left:1px solid rgb(1, 2, 3);border-top-color:rgb(1, 2, 3);x:y}",
            ),
            ("td{border-right-color:red !important}", "td{border-right-color:red !important;border-top-color:red}"),
            ("td{border-bottom:1px solid}", "td{border-bottom:1px solid}"),
            ("td{border-bottom:0}", "td{border-bottom:0}"),
            ("td{border-bottom-width:1px;border-top:1px solid red}", "td{border-bottom-width:1px;border-top:1px solid red}"),
            ("border-bottom:1px solid var(--x, red)", "border-bottom:1px solid var(--x, red);border-top-color:var(--x, red)"),
        ] {
            assert_eq!(clean(css).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn margin_boxes_have_the_alignment_of_their_place() {
        let css = clean("@page{@top-left{x:y}@bottom-center{x:y}@top-right {text-align:left}@bottom-right;}").unwrap();
        let expected = "@page{@top-left{x:y}@bottom-center{text-align:center;x:y}@top-right {text-align:right;text-align:left}@bottom-right;}";
        assert_eq!(css, expected);
    }

    #[test]
    fn styles_of_images_are_those_of_their_drawings() {
        let read = |css: &str, draws_images| {
            let style = Style::read(css, Dialect { draws_images, ..FULGUR }, &mut |_| Err(String::new())).unwrap();
            style.write("SANS", "MONO")
        };
        assert_eq!(read("p > img.logo{height:2cm}IMG{}", true), "p > svg.logo{height:2cm}svg{}");
        assert_eq!(read("img{}", false), "img{}");
    }

    #[test]
    fn lists_have_numbers_that_the_engine_draws() {
        assert!(clean("ol{list-style-type:lower-roman}").unwrap_err().contains("'lower-roman'"));
        assert!(clean("ol{list-style:inside upper-greek}").is_err());
        let style = Style::read("ul{list-style:square inside}", FULGUR, &mut |_| Err(String::new())).unwrap();
        assert!(style.has_inner_bullets);
        assert_eq!(clean("ol{list-style:upper-alpha}").as_deref(), Ok("ol{list-style:upper-alpha}"));
    }

    #[test]
    fn what_it_shows_is_known() {
        let style = Style::read("p::after{content:'中' attr(title)}", FULGUR, &mut |_| Err(String::new())).unwrap();
        assert_eq!(style.strings, "中");
        assert!(style.shows_attributes);
    }

    #[test]
    fn hostile_styles_end() {
        assert!(clean(&"(".repeat(100_000)).is_err());
        assert!(clean(&"a{".repeat(100_000)).is_err());
        assert!(clean(&"calc(".repeat(100_000)).is_err());
        for broken in [
            "",
            "{",
            "}",
            "@",
            "@font-face",
            "@charset",
            "url(",
            "url(\"",
            "\"",
            "font:",
            "font-family",
            "all",
            "a{font:12px/",
            "\\",
            "é:é",
        ] {
            let _ = clean(broken);
        }
        assert!(clean(&"a{color:red}".repeat(20_000)).is_ok());
        assert!(clean(&"font-family:".repeat(20_000)).is_ok());
    }
}
