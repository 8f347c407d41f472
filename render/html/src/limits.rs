//! Every bound of this crate. They keep an honest template far inside 10 s and 1 GB, and most hostile ones; the worker process stops the
//! rest.

/// Bytes of a template, with the images in it.
pub(crate) const TEMPLATE_BYTES: usize = 4 << 20;
/// Bytes of a template without its images.
pub(crate) const TEMPLATE_TEXT_BYTES: usize = 1 << 20;
/// Handlebars compiles in about 7 ns x expressions x bytes: one second.
pub(crate) const COMPILE_WORK: usize = 150_000_000;
/// Blocks in blocks, `{{else if}}` counted as one more; compiling and filling recurse over them.
pub(crate) const BLOCK_DEPTH: usize = 64;
/// Parentheses in parentheses within one expression.
pub(crate) const PARENTHESES: usize = 32;
/// Bytes of the filled HTML; laid out it takes up to 270 times as many.
pub(crate) const FILLED_BYTES: usize = 2 << 20;
/// Bytes that one value of data may grow to in a helper.
pub(crate) const VALUE_BYTES: usize = FILLED_BYTES;
/// Problems in one answer.
pub(crate) const PROBLEMS: usize = 20;
/// Characters of a problem.
pub(crate) const MESSAGE_CHARACTERS: usize = 300;

/// Elements in elements; deeper ones are dropped by the engine without a word from 512 on.
pub(crate) const ELEMENT_DEPTH: usize = 256;
/// Elements of a document: a table of 10,000 rows has its place.
pub(crate) const ELEMENTS: usize = 100_000;
/// Inline elements in one paragraph: the engine takes their number squared, 0.5 s for these.
pub(crate) const INLINE_ELEMENTS: usize = 5_000;
/// Sum of the squares of inline elements over all paragraphs: about 1 s.
pub(crate) const INLINE_WORK: usize = 60_000_000;
/// Grids and flex boxes within each other take the engine exponential time.
pub(crate) const ATTRIBUTES: usize = 200_000;
/// A length in a style, in any unit.
pub(crate) const LENGTH: f32 = 20_000.0;
/// Pages of a PDF.
pub(crate) const PAGES: usize = 500;

/// Images of a document.
pub(crate) const IMAGES: usize = 200;
/// Bytes of one image, and of all.
pub(crate) const IMAGE_BYTES: usize = 4 << 20;
pub(crate) const ALL_IMAGE_BYTES: usize = 16 << 20;
/// Pixels of one image, and of all.
pub(crate) const IMAGE_PIXELS: u64 = 16_000_000;
pub(crate) const ALL_IMAGE_PIXELS: u64 = 32_000_000;
/// Characters of a QR code or bar code.
pub(crate) const QR_BYTES: usize = 2_000;
pub(crate) const BARCODE_BYTES: usize = 80;

/// Steps over a schema for the empty values of its properties, and objects within each other.
pub(crate) const SCHEMA_STEPS: usize = 50_000;
pub(crate) const SCHEMA_DEPTH: usize = 64;

/// Bytes of compiled templates that are kept, as estimated from their text.
pub(crate) const CACHE_BYTES: usize = 64 << 20;
/// A font file of a configured folder, the files of a folder, and all their bytes.
pub(crate) const FONT_BYTES: u64 = 40 << 20;
pub(crate) const FONT_FILES: usize = 64;
pub(crate) const ALL_FONT_BYTES: usize = 128 << 20;
