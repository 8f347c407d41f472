//! Which characters stand for themselves where all others are percent-encoded.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

/// All but the unreserved characters of RFC 3986, 2.3: what every reader of URLs and of forms takes for itself stays.
pub(crate) const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// All that a parameter of a header cannot hold as it is (`attr-char` of RFC 8187, 3.2.1).
pub(crate) const NOT_OF_ATTRIBUTES: &AsciiSet =
    &RESERVED.remove(b'!').remove(b'#').remove(b'$').remove(b'&').remove(b'+').remove(b'^').remove(b'`').remove(b'|');
