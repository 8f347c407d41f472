//! What an uploaded PDF holds, and whether it can be sealed later: the question is answered at the upload, not at the seal.

use serde::Serialize;

use crate::active::{self, ActiveContent};
use crate::revision::Revisions;
use crate::{fields, pdf, permissions, seal};

pub use crate::pdf::Error;

/// A signature field of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignatureField {
    /// Fully qualified name.
    pub name: String,
    pub signed: bool,
    /// Why the field cannot be sealed, in words: an earlier signature's lock, or what the field requires. `None` for a field
    /// that is signed, and where it can be; [`crate::seal::allows`] asks for the key and the reason as well.
    pub refusal: Option<String>,
}

/// What a document holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    pub pages: usize,
    /// In the order of the form.
    pub signature_fields: Vec<SignatureField>,
    /// Why no signature can be put into a field of its own, in words: an earlier signature's lock on all fields.
    pub new_field_refusal: Option<String>,
    /// The PDF version, such as `1.7`.
    pub version: String,
    /// Some signature field has a value: the file may be changed by further revisions only.
    pub already_signed: bool,
    /// What in it is more than pages.
    pub active_content: ActiveContent,
}

/// Reads a PDF that anybody may have made. Time and memory are bounded by its size; nothing in it makes this panic.
///
/// # Errors
/// `NotPdf`, `Encrypted`, and `Damaged` for whatever makes it impossible to seal the file later, in words for a person.
pub fn inspect(bytes: &[u8]) -> Result<Facts, Error> {
    pdf::guarded(|| {
        let revisions = Revisions::open(bytes)?;
        let document = revisions.document();
        let fields = fields::all(document)?;
        let permissions = permissions::of_document(document, &fields);
        let described = |field: &fields::Field<'_>| {
            let signed = field.is_signed(document);
            let refusal = if signed { None } else { permissions::refusal(document, &permissions, field) };
            SignatureField { name: field.name.clone(), signed, refusal }
        };
        let signature_fields: Vec<SignatureField> = fields.iter().filter(|field| field.is_signature()).map(described).collect();
        Ok(Facts {
            new_field_refusal: permissions::locked(&permissions, &seal::free_name(&fields)),
            pages: pdf::pages(document)?.len(),
            already_signed: signature_fields.iter().any(|field| field.signed),
            signature_fields,
            version: document.version.clone(),
            active_content: active::active_content(document),
        })
    })?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use proptest::prelude::*;

    #[test]
    fn pages_fields_and_version_are_told() {
        let facts = inspect(&fixtures::contract(&["SIGNATURE_SELLER", "SIGNATURE_BUYER"])).unwrap();
        assert_eq!(facts.pages, 1);
        assert_eq!(facts.version, "1.7");
        assert!(!facts.already_signed);
        let names: Vec<_> = facts.signature_fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["SIGNATURE_SELLER", "SIGNATURE_BUYER"]);
        assert!(facts.signature_fields.iter().all(|field| !field.signed));
    }

    #[test]
    fn cross_reference_streams_and_object_streams_are_read() {
        let facts = inspect(&fixtures::with_xref_stream(&["A"])).unwrap();
        assert_eq!((facts.pages, facts.signature_fields.len()), (1, 1));
    }

    #[test]
    fn a_file_is_opened_with_an_empty_password_and_with_no_other() {
        use lopdf::Permissions;
        let facts = inspect(&fixtures::encrypted("", Permissions::FILLABLE)).unwrap();
        assert_eq!((facts.pages, facts.signature_fields[0].name.as_str()), (1, "A"));
        assert_eq!(inspect(&fixtures::encrypted("user", Permissions::all())).err(), Some(Error::Encrypted));
        let closed = inspect(&fixtures::encrypted("", Permissions::PRINTABLE));
        assert!(matches!(closed, Err(Error::Forbidden(_))), "{closed:?}");
    }

    #[test]
    fn a_truncated_file_is_damaged() {
        let whole = fixtures::contract(&["A"]);
        for length in [20, whole.len() / 2, whole.len() - 30] {
            assert!(matches!(inspect(&whole[..length]), Err(Error::Damaged(_))), "cut at {length}");
        }
    }

    #[test]
    fn bytes_before_the_header_are_refused_because_they_move_every_offset() {
        let moved = [b"\n\n".as_slice(), &fixtures::contract(&[])].concat();
        assert!(matches!(inspect(&moved), Err(Error::Ambiguous(_))));
    }

    #[test]
    fn a_cycle_in_the_page_tree_is_damage() {
        assert!(matches!(inspect(&fixtures::page_cycle()), Err(Error::Damaged(_))));
    }

    #[test]
    fn deep_nesting_is_survived() {
        let deep = "[".repeat(200_000);
        let hostile = format!(
            "%PDF-1.7\n1 0 obj\n{deep}\nendobj\nxref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<</Size 2/Root 1 0 R>>\nstartxref\n{}\n%%EOF\n",
            9 + 8 + deep.len() + 8
        );
        assert!(inspect(hostile.as_bytes()).is_err());
    }

    #[test]
    fn a_decompression_bomb_is_damage() {
        assert!(matches!(inspect(&fixtures::bomb()), Err(Error::Damaged(_))));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_mutation_of_a_file_makes_it_panic(position in 0usize..4000, byte in any::<u8>(), cut in 0usize..4000) {
            let mut bytes = fixtures::contract(&["A", "B"]);
            let length = bytes.len();
            bytes[position % length] = byte;
            let _ = inspect(&bytes);
            bytes.truncate(cut % length);
            let _ = inspect(&bytes);
        }

        #[test]
        fn no_bytes_after_a_header_make_it_panic(tail in proptest::collection::vec(any::<u8>(), 0..400)) {
            let bytes = [b"%PDF-1.7\n".as_slice(), &tail].concat();
            prop_assert!(inspect(&bytes).is_err());
        }
    }
}
