//! Pages as images, and the process that makes them, reads those of identity documents and renders templates.
//!
//! What interprets a stranger's file runs for as long and takes as much memory as the file wants, and may overflow its stack. So the server
//! calls nothing of [`compare()`], [`draw`], [`draw_page`] and [`read_pages`], nor [`identity::read`] and [`html::Renderer`], itself: it asks a
//! [`worker::Process`], which has limits that the system enforces.

#![forbid(unsafe_code)]

mod compare;
mod drawing;
mod picture;
mod view;
pub mod worker;

pub use compare::{Comparison, Limits, Mask, Revisions, Skipped, compare};
pub use drawing::DPI;
pub use picture::{MAX_PIXELS, Picture, Undrawn, draw};
pub use view::{MAX_COUNT, MediaType, PageImage, PageText, Pages, Run, TextState, Width, draw_page, read_pages};
