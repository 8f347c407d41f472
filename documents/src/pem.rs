//! PEM (RFC 7468): certificates and keys as text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// The maximum of blocks that are read of one file.
const MAX_BLOCKS: usize = 1000;

/// One block: its label ("CERTIFICATE", "PRIVATE KEY") and its bytes, which are wiped when it is dropped.
pub struct Block {
    pub label: String,
    pub der: Zeroizing<Vec<u8>>,
}

/// Why a text is not PEM.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("a block in PEM has no end: it begins with \"-----BEGIN\"")]
    Unended,
    #[error("a block in PEM is not base64")]
    NotBase64,
    #[error("it has more than {MAX_BLOCKS} blocks in PEM")]
    TooMany,
}

/// The blocks of a file, in their order; what is between them does not matter. `None` where there is none: it may be DER then.
///
/// # Errors
/// [`Error`].
pub fn blocks(file: &[u8]) -> Result<Option<Vec<Block>>, Error> {
    const BEGIN: &str = "-----BEGIN ";
    const DASHES: &str = "-----";
    let Some(text) = std::str::from_utf8(file).ok().filter(|text| text.contains(BEGIN)) else { return Ok(None) };
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, begun)) = rest.split_once(BEGIN) {
        if blocks.len() == MAX_BLOCKS {
            return Err(Error::TooMany);
        }
        let (label, body) = begun.split_once(DASHES).ok_or(Error::Unended)?;
        let (body, after) = body.split_once(&format!("-----END {label}-----")).ok_or(Error::Unended)?;
        // An old kind of encrypted key has headers, with a colon, before its base64.
        let mut compact = Zeroizing::new(String::with_capacity(body.len()));
        compact.extend(body.lines().filter(|line| !line.contains(':')).flat_map(str::split_whitespace));
        let der = Zeroizing::new(STANDARD.decode(compact.as_bytes()).map_err(|_| Error::NotBase64)?);
        let encrypted = body.contains("ENCRYPTED");
        blocks.push(Block { label: if encrypted { format!("ENCRYPTED {label}") } else { label.to_owned() }, der });
        rest = after;
    }
    Ok(Some(blocks))
}

/// Writes one block.
pub fn write(label: &str, der: &[u8]) -> Zeroizing<String> {
    let base64 = Zeroizing::new(STANDARD.encode(der));
    let mut text = Zeroizing::new(String::with_capacity(base64.len() * 65 / 64 + 2 * label.len() + 40));
    text.push_str("-----BEGIN ");
    text.push_str(label);
    text.push_str("-----\n");
    let mut rest = base64.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        text.push_str(line);
        text.push('\n');
        rest = after;
    }
    text.push_str("-----END ");
    text.push_str(label);
    text.push_str("-----\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_back_and_what_is_around_it_does_not_matter() {
        let text = format!("subject=CN = A\n{}\r\n{}", *write("CERTIFICATE", &[7; 100]), *write("PRIVATE KEY", b"key"));
        let blocks = blocks(text.as_bytes()).unwrap().unwrap();
        assert_eq!(
            blocks.iter().map(|block| (&*block.label, block.der.len())).collect::<Vec<_>>(),
            [("CERTIFICATE", 100), ("PRIVATE KEY", 3)]
        );
    }

    #[test]
    fn broken_blocks_are_refused_and_other_files_are_no_pem() {
        assert!(matches!(blocks(b"-----BEGIN CERTIFICATE-----\nAAAA"), Err(Error::Unended)));
        assert!(matches!(blocks(b"-----BEGIN A-----\n?\n-----END A-----"), Err(Error::NotBase64)));
        assert!(matches!(blocks(b"\x30\x03\x02\x01\x01"), Ok(None)));
        assert!(matches!(blocks(write("A", b"x").repeat(MAX_BLOCKS + 1).as_bytes()), Err(Error::TooMany)));
    }

    #[test]
    fn an_old_encrypted_key_is_called_encrypted() {
        let text = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert_eq!(blocks(text.as_bytes()).unwrap().unwrap()[0].label, "ENCRYPTED RSA PRIVATE KEY");
    }
}
