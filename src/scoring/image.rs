//! Which images can be scored, as their first bytes say it: what a client declares counts for nothing.

use workflows::scoring::ImageType;

/// The format of an image.
///
/// # Errors
/// What is wrong with it and what to do, in words for the caller.
pub fn image_type(bytes: &[u8]) -> Result<ImageType, &'static str> {
    if bytes.is_empty() {
        return Err("the image is empty");
    }
    if bytes.starts_with(b"\xFF\xD8\xFF") {
        return Ok(ImageType::Jpeg);
    }
    if bytes.starts_with(b"\x89PNG\r\n\x1A\n") {
        return Ok(ImageType::Png);
    }
    if bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP") {
        return Ok(ImageType::Webp);
    }
    if is_heic(bytes) {
        return Err("HEIC and AVIF images cannot be read here; save it as JPEG, PNG or WebP");
    }
    Err("not an image in JPEG, PNG or WebP")
}

/// The brands of HEIF and AVIF (ISO/IEC 23008-12, annex B; AV1 Image File Format, 6) in the first box of the file.
fn is_heic(bytes: &[u8]) -> bool {
    const BRANDS: [&[u8]; 10] = [b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"];
    bytes.get(4..8) == Some(b"ftyp") && bytes.get(8..12).is_some_and(|brand| BRANDS.contains(&brand))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_say_what_it_is() {
        assert_eq!(image_type(b"\xFF\xD8\xFF\xE0 and so on"), Ok(ImageType::Jpeg));
        assert_eq!(image_type(b"\x89PNG\r\n\x1A\n and so on"), Ok(ImageType::Png));
        assert_eq!(image_type(b"RIFF\x10\0\0\0WEBPVP8 "), Ok(ImageType::Webp));
    }

    #[test]
    fn what_cannot_be_scored_is_refused_with_what_to_do() {
        for heic in [&b"\0\0\0\x18ftypheic\0\0"[..], b"\0\0\0\x18ftypmif1\0\0", b"\0\0\0\x1Cftypavif\0\0"] {
            assert!(image_type(heic).unwrap_err().contains("save it as JPEG"));
        }
        for other in [&b"%PDF-1.7"[..], b"RIFF\x10\0\0\0WAVE", b"\xFF\xD8", b"GIF89a", b"\0\0\0\x18ftypisom\0\0", b"x"] {
            assert_eq!(image_type(other), Err("not an image in JPEG, PNG or WebP"), "{other:?}");
        }
        assert_eq!(image_type(b""), Err("the image is empty"));
    }
}
