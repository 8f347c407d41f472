//! PDF work: what a document holds, seals and their verification, certificates of processes. No async, no HTTP, no store.

pub mod active;
mod algorithms;
mod appearance;
mod asn1;
mod assembly;
pub mod certificate;
mod cms;
pub mod escrow;
pub mod fields;
pub mod fixtures;
pub mod forms;
pub mod handwriting;
pub mod inspect;
mod level;
mod pdf;
pub mod pem;
mod permissions;
pub mod pkcs12;
mod reader;
mod revision;
pub mod revocation;
pub mod seal;
pub mod text;
pub mod time_stamp;
pub mod validation_data;
pub mod verify;
mod x509;

#[cfg(feature = "fixtures")]
pub use assembly::put_together;
pub use handwriting::{Handwriting, Ink, InkPoint};
pub use level::{Level, NoLevel};
