//! Values of headers with parameters: `form-data; name="content"; filename="..."` (RFC 2183, RFC 7578).
//!
//! Values are bytes: clients write the names of files in whatever encoding their machine has, and in each of the ways that were ever
//! in use. Only the parameters that are asked for must be well formed.

/// The value before the parameters, in lower case.
pub(super) fn essence(header: &[u8]) -> Vec<u8> {
    let end = header.iter().position(|byte| *byte == b';').unwrap_or(header.len());
    header[..end].trim_ascii().to_ascii_lowercase()
}

/// The values of the parameter `name`, in order. Others, `filename` and `filename*` among them, are read past.
pub(super) fn values(header: &[u8], name: &str) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    let mut rest = after_semicolon(header);
    while !rest.is_empty() {
        let Some(equals) = rest.iter().position(|byte| matches!(byte, b'=' | b';')) else { break };
        let key = rest[..equals].trim_ascii();
        if rest[equals] == b';' {
            rest = &rest[equals + 1..];
            continue;
        }
        let (value, after) = value(rest[equals + 1..].trim_ascii_start());
        if key.eq_ignore_ascii_case(name.as_bytes()) {
            found.push(value);
        }
        rest = after;
    }
    found
}

fn after_semicolon(text: &[u8]) -> &[u8] {
    text.iter().position(|byte| *byte == b';').map_or(&[], |at| &text[at + 1..])
}

/// A value, and what comes after its semicolon.
fn value(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|byte| *byte == b';').unwrap_or(text.len());
        return (text[..end].trim_ascii().to_vec(), after_semicolon(text));
    };
    // A backslash takes its meaning from the next byte (RFC 9110, 5.6.4); but some clients write it for itself (`C:\scans\`), and
    // in some encodings (Shift JIS, GBK) it is the second half of a letter. What reads well is what was meant.
    let Some(end) = closing_quote(quoted).or_else(|| last_quote(quoted)) else { return (quoted.to_vec(), &[]) };
    (unescaped(&quoted[..end]), after_semicolon(&quoted[end..]))
}

/// The quote that ends a value which is well formed.
fn closing_quote(quoted: &[u8]) -> Option<usize> {
    let mut escaped = false;
    let end = quoted.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.filter(|end| ends_parameter(&quoted[end + 1..]))
}

/// The quote that ends any other value: the first one with a semicolon or the end after it, so that quotes within a name do not end it.
fn last_quote(quoted: &[u8]) -> Option<usize> {
    (0..quoted.len()).find(|at| quoted[*at] == b'"' && ends_parameter(&quoted[at + 1..]))
}

fn ends_parameter(after: &[u8]) -> bool {
    after.iter().find(|byte| !byte.is_ascii_whitespace()).is_none_or(|byte| *byte == b';')
}

fn unescaped(quoted: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        let escape = byte == b'\\' && matches!(bytes.peek(), Some(b'"' | b'\\'));
        value.extend(if escape { bytes.next() } else { Some(byte) });
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(header: &[u8]) -> Option<String> {
        let mut values = values(header, "name");
        assert!(values.len() <= 1, "{values:?}");
        values.pop().map(|value| String::from_utf8(value).unwrap())
    }

    #[test]
    fn the_name_is_found_whatever_the_name_of_the_file_is() {
        let headers: [&[u8]; 16] = [
            b"form-data; name=\"content\"; filename=\"contrato.pdf\"",
            b"form-data; name=content; filename=contrato.pdf",
            b"form-data;name=content;filename=my contract.pdf",
            b"Form-Data ; Name = \"content\" ; FileName=\"x\"",
            // Latin-1, GBK, Shift JIS whose second byte is a backslash, ISO-2022-JP, and no encoding at all.
            b"form-data; name=\"content\"; filename=\"a\xF1o.pdf\"",
            b"form-data; filename=\"\xBA\xCF\xCD\xAC.pdf\"; name=\"content\"",
            b"form-data; filename=\"\x95\x5C\"; name=\"content\"",
            b"form-data; filename=\"\x1B$B7@Ls\x1B(B.pdf\"; name=\"content\"",
            b"form-data; name=\"content\"; filename=\"\x01\x7F\x80\xFF\xC3(.pdf\"",
            // Quotes and backslashes, escaped or not.
            b"form-data; filename=\"a\\\"b; name=x.pdf\"; name=\"content\"",
            b"form-data; filename=\"C:\\scans\\\"; name=\"content\"",
            b"form-data; filename=\"the \"final\" one.pdf\"; name=\"content\"",
            b"form-data; filename=\"a;b=c.pdf\"; name=\"content\"",
            b"form-data; filename*=UTF-8''contrato%20%e2%82%ac.pdf; name=\"content\"",
            b"form-data; filename*=gbk''%BA%CF; filename=\"x\"; name=\"content\"",
            b"form-data; ; x; name=\"content\"; filename=\"never closed",
        ];
        for header in headers {
            assert_eq!(name(header).as_deref(), Some("content"), "{}", header.escape_ascii());
            assert_eq!(essence(header), b"form-data");
        }
    }

    #[test]
    fn a_name_is_unescaped_and_an_absent_one_is_not_made_up() {
        assert_eq!(name(br#"form-data; name="a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
        assert_eq!(name(br"form-data; name=").as_deref(), Some(""));
        for without in [
            &b"form-data"[..],
            b"",
            b"name=content",
            b"form-data; filename=\"; name=content\"",
            b"form-data; xname=content",
            b"form-data; name*=UTF-8''content",
        ] {
            assert_eq!(name(without), None, "{}", without.escape_ascii());
        }
    }

    #[test]
    fn two_names_are_both_found() {
        assert_eq!(values(b"form-data; name=a; name=\"b\"", "name"), [b"a", b"b"]);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_and_any_file_name_without_quotes_leaves_the_name(
            header in proptest::collection::vec(any::<u8>(), 0..200),
            file in proptest::collection::vec(any::<u8>().prop_filter("quotes are told apart above", |byte| *byte != b'"'), 0..60)
        ) {
            let _ = (essence(&header), values(&header, "name"));
            let whole = [b"form-data; filename=\"".as_slice(), &file, b"\"; name=\"content\""].concat();
            prop_assert_eq!(values(&whole, "name"), [b"content"]);
        }
    }
}
