//! Signatures by hand, as a tablet captures them: the formats in which they come ([`read()`]), what can be measured of them ([`Figures`]),
//! whether that is a signature at all ([`Gate`]), what may be shown of them ([`Ink`]), and the forms that experts read ([`iso`], InkML).
//!
//! No async, no HTTP, no clock, no cryptography. What comes in is a stranger's: every reader here is bounded in time and memory and never
//! panics. A captured signature is a biometric sample: it is wiped from memory when it is dropped, no error holds a value of it, and
//! nothing here prints one.

#![forbid(unsafe_code)]

mod capture;
mod figures;
mod gate;
mod ink;
mod inkml;
pub mod iso;
mod read;
mod record;
mod strokes;
pub mod synthetic;

pub use capture::{Capture, MAX_DURATION_MS, MAX_POINTS, MAX_POSITION, MAX_STROKES, Point, PointingDevice};
pub use figures::Figures;
pub use gate::{Gate, Reason, Verdict};
pub use ink::{Ink, InkPoint, WIDTH_CLASSES};
pub use read::{MAX_CHARACTERS, Problem, Sample, iso_bytes, read};
pub use record::{Device, Record, RecordError, RecordFormat, SampleBytes, ShownDocument};
