//! An organization's name as a folder's name, and back.
//!
//! Names come from outside. In the folder's name stand only lower-case letters, digits and hyphens as they are; every other
//! byte becomes `=` and two hexadecimal digits. So no name leaves its folder, and no two names share one, on a file system
//! that ignores case either.

use super::Error;

/// Longest folder name; file systems take 255 bytes.
const MAX_FOLDER: usize = 240;

/// # Errors
/// [`Error::Refused`] for the empty name and for one too long to be a folder.
pub(super) fn folder_of(organization: &str) -> Result<String, Error> {
    let mut folder = String::with_capacity(organization.len());
    for byte in organization.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => folder.push(char::from(byte)),
            other => folder.push_str(&format!("={other:02x}")),
        }
    }
    if folder.is_empty() || folder.len() > MAX_FOLDER {
        return Err(Error::Refused(format!("an organization's name of {} bytes cannot have blobs", organization.len())));
    }
    Ok(folder)
}

/// `None` for a folder that [`folder_of`] does not make.
pub(super) fn organization_of(folder: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(folder.len());
    let mut rest = folder.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        if *first != b'=' {
            bytes.push(*first);
            continue;
        }
        let (code, after) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?);
        rest = after;
    }
    let organization = String::from_utf8(bytes).ok()?;
    // One name, one folder: whatever spells the name otherwise is not ours.
    (folder_of(&organization).ok()? == folder).then_some(organization)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_from_outside_cannot_leave_its_folder() {
        assert_eq!(folder_of("acme-1").expect("a folder"), "acme-1");
        assert_eq!(folder_of("../etc").expect("a folder"), "=2e=2e=2fetc");
        assert_eq!(folder_of("Acme").expect("a folder"), "=41cme");
        assert_ne!(folder_of("ACME").expect("a folder"), folder_of("acme").expect("a folder"));
        assert!(folder_of("").is_err());
        assert!(folder_of(&"x".repeat(241)).is_err());
    }

    #[test]
    fn a_folder_spelled_otherwise_is_not_an_organization() {
        for folder in ["", "Acme", "=2E", "=61", "=", "=4", "=zz", "=ff", "=+1", "a/b"] {
            assert_eq!(organization_of(folder), None, "{folder}");
        }
    }

    proptest! {
        #[test]
        fn every_name_comes_back_from_its_folder(name in "\\PC{1,40}") {
            let folder = folder_of(&name);
            prop_assume!(folder.is_ok());
            let folder = folder.expect("assumed");
            prop_assert!(folder.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'=')));
            prop_assert_eq!(organization_of(&folder), Some(name));
        }
    }
}
