//! From filled HTML to what an engine may see: styles in one sheet, images known and checked, every font one of ours, nothing that refers to
//! elsewhere, no deeper and no larger than the engine can bear. What would be left out of the document without a word is an error here.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::css::{Dialect, Style};
use crate::fonts::{Fonts, Selection};
use crate::image::{Image, Total};
use crate::limits::{ATTRIBUTES, ELEMENT_DEPTH, ELEMENTS, INLINE_ELEMENTS, INLINE_WORK};
use crate::scan::ASSET;
use crate::tree::{Data, Element, Excess, Id, ROOT, Step, Tree};
use crate::{Engine, Failure, Kind, Profile, Target};

/// A document that an engine may see.
pub struct Prepared {
    /// A whole document, without styles of its own but in attributes.
    pub(crate) html: String,
    /// Its style sheet.
    pub(crate) css: String,
    /// Images under the names by which the document has them.
    pub(crate) images: Vec<(String, Image)>,
    pub(crate) fonts: Selection,
    /// Whether there is text to be seen.
    pub(crate) has_text: bool,
}

/// Images of a template and of its filling, by which `asset:` names refer to them.
pub(crate) struct Assets<'a> {
    pub template: &'a [Image],
    pub data: &'a [Image],
}

impl From<Target> for Dialect {
    fn from(Target { engine, profile }: Target) -> Self {
        // fulgur draws images with interpolation, which PDF/A forbids, but those in drawings without it.
        Self { engine, draws_images: engine == Engine::Fulgur && profile == Profile::PdfA3 }
    }
}

/// Elements that show something which is not in the document: without them it would not be what its author sees.
const OUTSIDE: [&str; 8] = ["iframe", "frame", "frameset", "object", "embed", "applet", "video", "audio"];
/// Elements that show nothing, and may go.
const HIDDEN: [&str; 12] =
    ["script", "template", "meta", "base", "title", "source", "track", "canvas", "noembed", "noframes", "datalist", "dialog"];
/// Elements that end a paragraph; all others count as parts of one.
const BLOCKS: [&str; 45] = [
    "html",
    "head",
    "body",
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "hr",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "ul",
];

/// Blocks that hold blocks, and how long a short one is: about a quarter of a page.
const GROUPS: [&str; 14] = [
    "ul",
    "ol",
    "dl",
    "table",
    "div",
    "section",
    "article",
    "aside",
    "blockquote",
    "figure",
    "header",
    "footer",
    "fieldset",
    "address",
];
const SHORT_CHARACTERS: usize = 600;
const SHORT_ELEMENTS: usize = 16;

/// Prepares the document for an engine.
pub(crate) fn prepare(html: &str, assets: &Assets<'_>, target: Target, fonts: &Fonts) -> Result<Prepared, Failure> {
    let tree = Tree::parse(html).map_err(|excess| match excess {
        Excess::Depth => too_deep(),
        Excess::Nodes => too_many(),
    })?;
    let mut document = Document {
        tree,
        dialect: target.into(),
        drawn: Vec::new(),
        images: Images { assets, engine: target.engine, total: Total::default(), names: BTreeMap::new(), kept: Vec::new() },
        sheets: Vec::new(),
        inline: Vec::new(),
        characters: BTreeSet::new(),
        has_text: false,
    };
    document.measure()?;
    document.clean()?;
    let fonts = fonts.select(&document.characters).map_err(|c| {
        let message = format!("no glyph for U+{:04X}: no font of this server has this character", c as u32);
        Failure::new(Kind::Glyphs, message)
    })?;
    Ok(document.finish(fonts))
}

struct Document<'a> {
    tree: Tree,
    images: Images<'a>,
    dialect: Dialect,
    /// `<img>` elements that become drawings: their names, and sizes in pixels.
    drawn: Vec<(Id, String, u32, u32)>,
    /// Style sheets, with the media that they are for.
    sheets: Vec<(Option<String>, Style)>,
    /// Elements with a `style` attribute.
    inline: Vec<(Id, Style)>,
    characters: BTreeSet<char>,
    has_text: bool,
}

impl Document<'_> {
    /// Refuses what an engine could not bear.
    fn measure(&self) -> Result<(), Failure> {
        let limit = |message: String| Err(Failure::new(Kind::Limits, message));
        let (mut depth, mut elements, mut attributes, mut work) = (0, 0, 0, 0_usize);
        // Inline elements of each block that is open.
        let mut paragraphs = vec![0_usize];
        let mut next = Some(Step::Enter(ROOT));
        while let Some(step) = next {
            if let Step::Enter(id) | Step::Leave(id) = step
                && let Some(element) = self.tree.element(id)
            {
                let is_block = BLOCKS.contains(&element.tag());
                if step == Step::Enter(id) {
                    (depth, elements, attributes) = (depth + 1, elements + 1, attributes + element.attributes.len());
                    if is_block {
                        paragraphs.push(0);
                    } else if let Some(inline) = paragraphs.last_mut() {
                        *inline += 1;
                    }
                } else {
                    depth -= 1;
                    if is_block {
                        let inline = paragraphs.pop().unwrap_or_default();
                        work = work.saturating_add(inline * inline);
                        if inline > INLINE_ELEMENTS {
                            return limit(format!("{inline} inline elements in one paragraph: the maximum is {INLINE_ELEMENTS}"));
                        }
                    }
                }
            }
            if depth > ELEMENT_DEPTH {
                return Err(too_deep());
            }
            if elements > ELEMENTS || attributes > ATTRIBUTES {
                return Err(too_many());
            }
            next = self.tree.after(step, true);
        }
        if work > INLINE_WORK {
            return limit("too many inline elements in long paragraphs: use more and shorter ones".into());
        }
        Ok(())
    }

    /// Takes out what may not stay, in the order of the text.
    fn clean(&mut self) -> Result<(), Failure> {
        let mut shown_attributes = BTreeSet::new();
        let mut next = Some(Step::Enter(ROOT));
        while let Some(step) = next {
            let mut removed = None;
            if let Step::Enter(id) = step {
                if let Data::Text(text) = self.tree.data_mut(id) {
                    composed(text);
                    self.has_text |= text.chars().any(|c| !c.is_whitespace());
                    self.characters.extend(text.chars().filter(|c| !is_space(*c)));
                } else if !self.stays(id, &mut shown_attributes)? {
                    removed = Some(id);
                }
            }
            // The step after it is found before a node leaves the tree.
            next = self.tree.after(removed.map_or(step, Step::Leave), true);
            if let Some(id) = removed {
                self.tree.remove(id);
            }
        }
        let styles = || self.sheets.iter().map(|(_, style)| style).chain(self.inline.iter().map(|(_, style)| style));
        let strings: BTreeSet<char> = styles().flat_map(|style| style.strings.chars()).filter(|c| !is_space(*c)).collect();
        let shows_attributes = styles().any(|style| style.shows_attributes);
        let has_inner_bullets = styles().any(|style| style.has_inner_bullets);
        self.characters.extend(strings);
        if has_inner_bullets {
            self.characters.extend(['•', '◦', '▪', '▸', '▾']);
        }
        if shows_attributes {
            self.characters.extend(shown_attributes);
        }
        Ok(())
    }

    /// Judges an element and its attributes; `false` where it leaves the tree.
    fn stays(&mut self, id: Id, attributes: &mut BTreeSet<char>) -> Result<bool, Failure> {
        let refused = |message: String| Err(Failure::new(Kind::Template, message));
        let Some(element) = self.tree.element(id) else { return Ok(true) };
        let tag = element.tag().to_owned();
        if OUTSIDE.contains(&tag.as_str()) {
            return refused(format!("<{tag}> is not supported: what it shows is not in the document"));
        }
        if tag == "style" && element.is_html() {
            let media =
                element.get("media").map(str::trim).filter(|media| !media.is_empty() && *media != "all").map(str::to_owned);
            let text = self.tree.text(id);
            let style = self.style(&text)?;
            self.sheets.push((media, style));
            return Ok(false);
        }
        if tag == "link" {
            let rel = element.get("rel").unwrap_or_default().to_ascii_lowercase();
            if rel.split_ascii_whitespace().any(|word| word == "stylesheet") {
                return refused("<link rel=\"stylesheet\"> is not fetched: put the styles into <style>".into());
            }
            return Ok(false);
        }
        if HIDDEN.contains(&tag.as_str()) || (element.is_svg() && matches!(tag.as_str(), "desc" | "metadata")) {
            return Ok(false);
        }
        if element.is_svg() {
            if matches!(tag.as_str(), "text" | "image" | "foreignObject" | "feImage" | "style" | "tspan") {
                return refused(format!("<{tag}> in <svg> is not supported: put text and images beside the <svg>"));
            }
            if let Some(name) = outside_svg(element) {
                return refused(format!(
                    "the attribute {name} in <svg> refers to elsewhere: only #names of the same <svg> are supported"
                ));
            }
        }
        self.attributes(id, attributes)?;
        Ok(true)
    }

    fn attributes(&mut self, id: Id, characters: &mut BTreeSet<char>) -> Result<(), Failure> {
        let Data::Element(element) = self.tree.data_mut(id) else { return Ok(()) };
        element.attributes.retain(|(name, value)| is_kept(name, value));
        for (_, value) in &element.attributes {
            characters.extend(value.chars().filter(|c| !is_space(*c)));
        }
        let mut style = element.get("style").map(str::to_owned);
        let source = element.get("src").map(str::to_owned).unwrap_or_default();
        let is_image = element.is_html() && element.tag() == "img";
        if is_image {
            let (address, width, height) = self
                .images
                .of(&source)
                .map_err(|why| Failure::new(Kind::Template, format!("an <img> cannot be shown: {why}")))?;
            if self.dialect.draws_images {
                self.drawn.push((id, address.clone(), width, height));
            }
            element.set("src", address);
            // The engine does not know how large an image is: its shape goes into its style, and its width where nothing says one.
            style = Some(format!("aspect-ratio:{width}/{height};{}", style.unwrap_or_default()));
            if element.get("width").is_none() && element.get("height").is_none() {
                element.set("width", width.to_string());
            }
        } else {
            element.attributes.retain(|(name, _)| name != "src");
        }
        if let Some(text) = style {
            let style = self.style(&text)?;
            self.inline.push((id, style));
        }
        Ok(())
    }

    fn style(&mut self, text: &str) -> Result<Style, Failure> {
        let images = &mut self.images;
        let mut resolve = |url: &str| {
            let found = if url.starts_with('#') { Ok(url.to_owned()) } else { images.of(url).map(|(address, ..)| address) };
            found.map_err(|why| format!("an image of a style cannot be shown: {why}"))
        };
        Style::read(text, self.dialect, &mut resolve).map_err(|message| Failure::new(Kind::Template, message))
    }

    fn finish(mut self, fonts: Selection) -> Prepared {
        for (id, style) in &self.inline {
            if let Data::Element(element) = self.tree.data_mut(*id) {
                element.set("style", style.write(&fonts.sans, &fonts.mono));
            }
        }
        for (id, name, width, height) in &self.drawn {
            if let Some((_, image)) = self.images.kept.iter().find(|(known, _)| known == name) {
                self.tree.draw_image(*id, image.data_uri(), *width, *height);
            }
        }
        if self.dialect.engine == Engine::Fulgur {
            self.keep_short_blocks_together();
        }
        let mut css = base(&fonts);
        for (media, style) in &self.sheets {
            let text = style.write(&fonts.sans, &fonts.mono);
            match media {
                None => css.push_str(&text),
                Some(media) if media.eq_ignore_ascii_case("print") => css.push_str(&text),
                // A document is printed: styles of screens are not for it.
                Some(_) => {}
            }
            css.push('\n');
        }
        Prepared { html: self.tree.write(), css, images: self.images.kept, fonts, has_text: self.has_text }
    }
}

fn too_deep() -> Failure {
    Failure::new(Kind::Limits, format!("more than {ELEMENT_DEPTH} elements within each other"))
}

fn too_many() -> Failure {
    Failure::new(Kind::Limits, format!("more than {ELEMENTS} elements or {ATTRIBUTES} attributes"))
}

impl Document<'_> {
    /// Marks blocks of little text, so that they are not broken: where a page ends within the first line of a block's first child, fulgur
    /// draws that line over the margin, unless the whole block goes to the next page.
    fn keep_short_blocks_together(&mut self) {
        // Characters of text and elements of each block that is open.
        let mut open: Vec<(Id, usize, usize)> = Vec::new();
        let mut short = Vec::new();
        let mut next = Some(Step::Enter(ROOT));
        while let Some(step) = next {
            match step {
                Step::Enter(id) => {
                    if let (Data::Text(text), Some((_, characters, _))) = (self.tree.data(id), open.last_mut()) {
                        *characters += text.len();
                    } else if self.tree.element(id).is_some_and(|element| GROUPS.contains(&element.tag())) {
                        open.push((id, 0, 1));
                    } else if let Some((_, _, elements)) = open.last_mut() {
                        *elements += 1;
                    }
                }
                Step::Leave(id) if open.last().is_some_and(|(last, ..)| *last == id) => {
                    let Some((_, characters, elements)) = open.pop() else { break };
                    if characters <= SHORT_CHARACTERS && elements <= SHORT_ELEMENTS {
                        short.push(id);
                    }
                    if let Some(around) = open.last_mut() {
                        (around.1, around.2) = (around.1 + characters, around.2 + elements);
                    }
                }
                Step::Leave(_) => {}
            }
            next = self.tree.after(step, true);
        }
        for id in short {
            if let Data::Element(element) = self.tree.data_mut(id) {
                // Before the author's own, which wins.
                let style = element.get("style").unwrap_or_default();
                let style = format!("break-inside:avoid;{style}");
                element.set("style", style);
            }
        }
    }
}

/// What stands before the author's styles: the page, fonts, and no margin beside the page's own.
fn base(fonts: &Selection) -> String {
    let Selection { sans, mono, .. } = fonts;
    format!("html,button,input,select,textarea{{font-family:{sans}}}pre,code,kbd,samp,tt{{font-family:{mono}}}body{{margin:0}}\n")
}

/// The images of a document.
struct Images<'a> {
    assets: &'a Assets<'a>,
    engine: Engine,
    total: Total,
    /// Addresses and sizes by what the document says.
    names: BTreeMap<String, (String, u32, u32)>,
    kept: Vec<(String, Image)>,
}

impl Images<'_> {
    /// The address of an image for the engine, and its size in pixels.
    fn of(&mut self, source: &str) -> Result<(String, u32, u32), String> {
        let source = source.trim();
        if let Some(known) = self.names.get(source) {
            return Ok(known.clone());
        }
        let image = match source.strip_prefix(ASSET) {
            Some(name) => self.asset(name).cloned().ok_or("its name is not known")?,
            None if source.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) => Image::of_data_uri(source)?,
            None => return Err("images come as data: URIs in the template, or by {{image}}; nothing is fetched".into()),
        };
        self.total.add(&image)?;
        let address = match self.engine {
            Engine::Fulgur => format!("rubrica-{}.{}", self.kept.len(), image.format.extension()),
            Engine::Ironpress => image.data_uri(),
        };
        let found = (address.clone(), image.width, image.height);
        self.names.insert(source.to_owned(), found.clone());
        self.kept.push((address, image));
        Ok(found)
    }

    fn asset(&self, name: &str) -> Option<&Image> {
        let list = match name.get(..1)? {
            "t" => self.assets.template,
            "d" => self.assets.data,
            _ => return None,
        };
        list.get(name.get(1..)?.parse::<usize>().ok()?)
    }
}

/// Whether an attribute may stay: no scripts, nothing that loads, names that are written as they were read.
fn is_kept(name: &str, value: &str) -> bool {
    let is_plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_:.".contains(c));
    let loads = [
        "srcset",
        "background",
        "ping",
        "action",
        "formaction",
        "poster",
        "data",
        "codebase",
        "face",
        "autofocus",
        "lowsrc",
        "dynsrc",
    ];
    let lower = name.to_ascii_lowercase();
    if !is_plain || lower.starts_with("on") || loads.contains(&lower.as_str()) {
        return false;
    }
    !matches!(lower.as_str(), "href" | "xlink:href") || is_link(value)
}

/// What a link may lead to from a document: a place in it, a page, an address, a telephone.
fn is_link(value: &str) -> bool {
    let value = value.trim_matches(|c: char| c.is_whitespace() || c.is_control());
    let scheme = value.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    value.starts_with('#') || matches!(scheme.as_deref(), Some("http" | "https" | "mailto" | "tel"))
}

/// An attribute of an SVG element that refers to something outside it.
fn outside_svg(element: &Element) -> Option<&str> {
    let refers = |(name, value): &&(String, String)| {
        let value = value.trim().to_ascii_lowercase();
        let is_reference = name == "href" || name == "xlink:href";
        let is_link = element.tag() == "a";
        let has_outside_url = value.split("url(").skip(1).any(|rest| !rest.trim_start_matches(['"', '\'', ' ']).starts_with('#'));
        (is_reference && !is_link && !value.starts_with('#')) || (name != "style" && has_outside_url)
    };
    element.attributes.iter().find(refers).map(|(name, _)| name.as_str())
}

/// Characters that need no glyph: white space of HTML, and the mark of byte order, which is taken out.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Composes letters and their accents (NFC), as fonts have them in one piece.
fn composed(text: &mut String) {
    if text.contains('\u{feff}') {
        text.retain(|c| c != '\u{feff}');
    }
    if is_nfc_quick(text.chars()) != IsNormalized::Yes {
        *text = text.nfc().collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TARGET: Target = Target { engine: Engine::Fulgur, profile: Profile::Plain };

    fn prepared(html: &str) -> Result<Prepared, Failure> {
        prepare(html, &Assets { template: &[], data: &[] }, TARGET, &Fonts::new(&[]))
    }

    fn refused(html: &str, kind: Kind, words: &str) {
        let failure = prepared(html).err().unwrap_or_else(|| panic!("{words}: accepted"));
        assert_eq!(failure.kind, kind, "{failure}");
        assert!(failure.problem.message.contains(words), "{failure}");
    }

    fn body(html: &str) -> String {
        let html = prepared(html).unwrap().html;
        html.split_once("<body>").unwrap().1.trim_end_matches("</body></html>").to_owned()
    }

    #[test]
    fn scripts_and_handlers_go() {
        assert_eq!(
            body(
                "<p onclick='x()' ONLOAD=x class=a>a<script>x()</script></p><a href=' javascript:x()'>b</a><a href='https://x/'>c</a>"
            ),
            "<p class=\"a\">a</p><a>b</a><a href=\"https://x/\">c</a>"
        );
        assert_eq!(body("<base href='http://x/'><template><p>t</template><p>a"), "<p>a</p>");
    }

    #[test]
    fn what_refers_to_elsewhere_is_refused() {
        for html in [
            "<img src='http://x/y.png'>",
            "<img src='file:///etc/passwd'>",
            "<img src='y.png'>",
            "<img>",
            "<iframe src='http://x'></iframe>",
            "<object data='x'></object>",
            "<embed src='x'>",
            "<video src='x'></video>",
            "<link rel='Stylesheet' href='x.css'>",
            "<style>@import 'x'</style>",
            "<p style='background:url(x.png)'>",
            "<svg><image href='http://x/y.png'/></svg>",
            "<svg><use href='http://x/y.svg#a'/></svg>",
            "<svg><use xlink:href='x.svg'/></svg>",
            "<svg><rect fill='url(http://x/#a)'/></svg>",
            "<svg><text>a</text></svg>",
            "<svg><foreignObject><p>a</p></foreignObject></svg>",
            "<svg><style>@import 'x'</style></svg>",
            "<img src='data:image/svg+xml;base64,PHN2Zz4='>",
        ] {
            assert_eq!(prepared(html).err().map(|f| f.kind), Some(Kind::Template), "{html}");
        }
        assert!(prepared("<svg><defs><path id='a' d='M0 0'/></defs><use href='#a' fill='url(#b)'/></svg>").is_ok());
        assert!(prepared("<link rel='icon' href='x.ico'><p>a").is_ok());
    }

    #[test]
    fn styles_leave_the_document() {
        let document =
            prepared("<style>p{color:red}</style><style media='screen'>p{display:none}</style><p>a<style>b{}</style>").unwrap();
        assert!(!document.html.contains("<style"));
        assert!(document.css.contains("p{color:red}") && document.css.contains("b{}") && !document.css.contains("display"));
    }

    #[test]
    fn short_blocks_stay_on_one_page() {
        let long = "x".repeat(601);
        let html = body(&format!("<div><ul style='color:red'><li>a</ul><section>{long}</section></div>"));
        assert_eq!(
            html,
            format!("<div><ul style=\"break-inside:avoid;color:red\"><li>a</li></ul><section>{long}</section></div>")
        );
    }

    #[test]
    fn images_are_known_by_name() {
        let image = Image::of_modules(4, 2, 1, |_, _| true);
        let assets = Assets { template: std::slice::from_ref(&image), data: std::slice::from_ref(&image) };
        let html =
            format!("<img src='asset:t0'><img src='asset:d0' height=10><img src='{}'><img src='asset:t0'>", image.data_uri());
        let document = prepare(&html, &assets, TARGET, &Fonts::new(&[])).unwrap();
        assert_eq!(document.images.len(), 3, "the same one twice is one");
        assert!(
            document.html.contains("<img src=\"rubrica-0.png\" width=\"4\" style=\"aspect-ratio:4/2;\">"),
            "{}",
            document.html
        );
        assert!(
            document.html.contains("<img src=\"rubrica-1.png\" height=\"10\" style=\"aspect-ratio:4/2;\">"),
            "{}",
            document.html
        );
        let archive = Target { profile: Profile::PdfA3, ..TARGET };
        let drawn = prepare("<img class=a src='asset:t0'>", &assets, archive, &Fonts::new(&[])).unwrap().html;
        assert!(
            drawn.contains("<svg class=\"a\"") && drawn.contains("viewBox=\"0 0 4 2\"><image href=\"data:image/png;base64,"),
            "{drawn}"
        );
        for bad in ["asset:", "asset:t1", "asset:x0", "asset:té", "asset:t-1"] {
            assert!(prepare(&format!("<img src='{bad}'>"), &assets, TARGET, &Fonts::new(&[])).is_err(), "{bad}");
        }
    }

    #[test]
    fn characters_without_a_glyph_are_named() {
        refused("<p>a中b", Kind::Glyphs, "no glyph for U+4E2D");
        refused("<style>p::after{content:'中'}</style><p>a", Kind::Glyphs, "U+4E2D");
        refused("<style>p::after{content:attr(title)}</style><p title='中'>a", Kind::Glyphs, "U+4E2D");
        refused("<p>a\u{1}", Kind::Glyphs, "no glyph for U+0001");
        assert!(prepared("<p title='中'>a<!-- 中 --><script>'中'</script>").is_ok(), "what is not shown needs none");
        assert_eq!(body("<p>e\u{301}\u{feff}"), "<p>é</p>");
        // A mark after a tag does not join the tag's end.
        assert_eq!(body("<p>\u{338}a"), "<p>\u{338}a</p>");
    }

    #[test]
    fn documents_have_a_size_that_the_engine_can_bear() {
        refused(&"<div>".repeat(257), Kind::Limits, "256 elements within each other");
        refused(&"<div>".repeat(50_000), Kind::Limits, "within each other");
        refused(&format!("<p>{}", "<b>a</b>".repeat(90_000)), Kind::Limits, "inline elements");
        refused(&format!("<p>{}", "<b>a</b>".repeat(100_000)), Kind::Limits, "100000 elements");
        refused(&format!("<p>{}", "<b>a</b>".repeat(5_001)), Kind::Limits, "5001 inline elements");
        refused(&format!("<p>{}", "a<br>".repeat(5_001)), Kind::Limits, "inline elements");
        refused(&format!("<p>{}</p>", "<b>a</b>".repeat(4_900)).repeat(3), Kind::Limits, "shorter");
        refused(&"<p>a".repeat(100_001), Kind::Limits, "100000 elements");
        assert!(prepared(&format!("<table>{}</table>", "<tr><td>a<td><b>b</b><td>c<td>d".repeat(10_000))).is_ok());
    }
}
