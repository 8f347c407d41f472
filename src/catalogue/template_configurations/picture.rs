//! Whether bytes are an image of their declared format. Nothing of it is decoded here.

use super::Error;
use super::images::ImageExtension;
use crate::catalogue::documents::{is_jpeg, is_png};

/// Checks that bytes are an image of the format.
pub(super) fn check(extension: ImageExtension, bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Err(Error::incomplete("content", "the content is empty"));
    }
    match extension {
        ImageExtension::Png if !is_png(bytes) => Err(Error::invalid("content", "not a PNG image")),
        ImageExtension::Jpeg | ImageExtension::Jpg if !is_jpeg(bytes) => Err(Error::invalid("content", "not a JPEG image")),
        _ => Ok(()),
    }
}
