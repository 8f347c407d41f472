//! Whether bytes are an image of their declared format that can be put on a page. Its size is known before anything is decoded.

use documents::forms::Picture;

use super::Error;
use super::images::ImageExtension;
use crate::catalogue::documents::{is_jpeg, is_png};

/// Checks that bytes are an image of the format, as a fill reads it later. Takes time in proportion to its pixels: keep it off the I/O threads.
pub(super) fn check(extension: ImageExtension, bytes: &[u8]) -> Result<(), Error> {
    if bytes.is_empty() {
        return Err(Error::incomplete("content", "the content is empty"));
    }
    match extension {
        ImageExtension::Png if !is_png(bytes) => return Err(Error::invalid("content", "not a PNG image")),
        ImageExtension::Jpeg | ImageExtension::Jpg if !is_jpeg(bytes) => {
            return Err(Error::invalid("content", "not a JPEG image"));
        }
        _ => {}
    }
    Picture::read(bytes).map(drop).map_err(|error| Error::invalid("content", error))
}
