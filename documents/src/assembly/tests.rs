//! The rules of assembling, each by its name.

use super::*;
use crate::fixtures;

fn assembled(pdf: &[u8], flatten: bool) -> Vec<u8> {
    let document = open(pdf).unwrap();
    let compiled = Compiled::of(&document).unwrap();
    let part = Part { document: &document, compiled: &compiled, changed: Vec::new() };
    assemble(&[part], flatten).unwrap().pdf
}

#[test]
fn what_is_assembled_is_read_again_by_the_strict_reader() {
    for pdf in [fixtures::contract(&["A"]), fixtures::text_field("A"), fixtures::with_xref_stream(&["A"]), fixtures::active()] {
        for flatten in [false, true] {
            let result = assembled(&pdf, flatten);
            let file = crate::reader::open(&result).unwrap();
            assert_eq!(file.reached().unwrap(), Default::default());
        }
    }
}
