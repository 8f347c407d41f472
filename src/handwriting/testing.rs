//! For tests: an escrow certificate, and handwritings of a seed.

use std::sync::Arc;

use documents::escrow::Recipient;
use store::Store;

use super::{Defaults, Handwritings, Metrics};
use crate::{
    catalogue::{sealed_files::SealedFiles, sign_configuration::SignConfigurations},
    cpu_pool::CpuPool,
    keys::Keys,
};

/// An escrow certificate for P-256, whose key nobody has.
pub const CERTIFICATE: &str = include_str!("testing/escrow.pem");

pub fn recipient() -> Recipient {
    Recipient::read(CERTIFICATE.as_bytes()).expect("a certificate of our own")
}

/// Samples are encrypted to [`CERTIFICATE`] where organizations have none of their own.
pub fn escrow() -> Defaults {
    Defaults { recipients: vec![recipient()], ..Defaults::default() }
}

pub fn handwritings(
    defaults: Defaults,
    store: Arc<dyn Store>,
    configurations: &SignConfigurations,
    files: &SealedFiles,
    keys: &Keys,
) -> Handwritings {
    Handwritings::new(defaults, configurations.clone(), files.clone(), (store, keys), CpuPool::default(), Metrics::default())
}

/// A picture of a signature: 16 black pixels, a PNG in base64.
pub const PICTURE: &str = "iVBORw0KGgoAAAANSUhEUgAAAAQAAAAECAAAAACMmsGiAAAAC0lEQVR42mNgwAQAABQAAe5aaQkAAAAASUVORK5CYII=";
