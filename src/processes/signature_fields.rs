//! Who signs which field of a form, where nobody is asked: fields are named after the aliases of signers.

use ::documents::inspect::SignatureField;
use workflows::sign_process::SignerFields;

/// Gives each unsigned signature field to the signer after whose alias it is named.
///
/// Of a field's name the last part counts (`contract.Buyer[0]` is `Buyer`), in lower case and with every run of other characters as one
/// underscore, as names become external ids; the number that a field gets when forms are merged (`buyer_2`) does not count. Where no
/// field is named after any signer, a sole signer signs a sole field. All other fields stay unsigned, and a signer without fields signs
/// invisibly.
pub(super) fn by_alias(fields: &[SignatureField], aliases: &[String]) -> Vec<SignerFields> {
    let free: Vec<&SignatureField> = fields.iter().filter(|field| !field.signed).collect();
    let mut named: Vec<SignerFields> = Vec::new();
    for field in &free {
        let Some(signer) = signer_of(&field.name, aliases) else { continue };
        match named.iter_mut().find(|own| own.signer == *signer) {
            Some(own) => own.fields.push(field.name.clone()),
            None => named.push(SignerFields { signer: signer.clone(), fields: vec![field.name.clone()] }),
        }
    }
    match (named.is_empty(), aliases, free.as_slice()) {
        (true, [signer], [field]) => vec![SignerFields { signer: signer.clone(), fields: vec![field.name.clone()] }],
        _ => named,
    }
}

/// The whole name first: an alias may end in a number itself.
fn signer_of<'a>(field: &str, aliases: &'a [String]) -> Option<&'a String> {
    let name = normalised(last_part(field));
    let unnumbered = name.rsplit_once('_').filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
    let is_named = |name: &str| aliases.iter().find(|alias| !name.is_empty() && normalised(alias) == name);
    is_named(&name).or_else(|| is_named(unnumbered?.0))
}

/// The partial name of a field (ISO 32000-2, 12.7.4.2), without the index that forms made from XFA give it.
fn last_part(name: &str) -> &str {
    let part = name.rsplit_once('.').map_or(name, |(_, part)| part);
    let indexed = part.strip_suffix(']').and_then(|part| part.rsplit_once('['));
    indexed.filter(|(_, index)| index.bytes().all(|byte| byte.is_ascii_digit())).map_or(part, |(part, _)| part)
}

fn normalised(name: &str) -> String {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(names: &[(&str, bool)]) -> Vec<SignatureField> {
        let field = |(name, signed): &(&str, bool)| SignatureField { name: (*name).to_owned(), signed: *signed, refusal: None };
        names.iter().map(field).collect()
    }

    fn given(names: &[(&str, bool)], aliases: &[&str]) -> Vec<(String, Vec<String>)> {
        let aliases: Vec<String> = aliases.iter().map(|alias| (*alias).to_owned()).collect();
        by_alias(&fields(names), &aliases).into_iter().map(|own| (own.signer, own.fields)).collect()
    }

    #[test]
    fn fields_go_to_the_signers_they_are_named_after() {
        let names = [("SELLER", false), ("form1[0].Page1[0].Buyer[0]", false), ("buyer_2", false), ("witness", false)];
        let expected = [("seller", vec!["SELLER"]), ("Buyer", vec!["form1[0].Page1[0].Buyer[0]", "buyer_2"])];
        let expected = expected.map(|(signer, fields)| (signer.to_owned(), fields.into_iter().map(str::to_owned).collect()));
        assert_eq!(given(&names, &["seller", "Buyer"]), expected);
    }

    #[test]
    fn an_alias_may_end_in_a_number_and_hold_other_characters() {
        let names = [("guarantor_2", false), ("guarantor_1", false), ("la_propietària", false)];
        let expected = [("Guarantor 2", "guarantor_2"), ("guarantor", "guarantor_1"), ("La propietària", "la_propietària")];
        let expected = expected.map(|(signer, field)| (signer.to_owned(), vec![field.to_owned()]));
        assert_eq!(given(&names, &["guarantor", "Guarantor 2", "La propietària"]), expected);
    }

    #[test]
    fn a_sole_signer_signs_a_sole_field_whatever_its_name() {
        assert_eq!(given(&[("Signature1", false)], &["ana"]), [("ana".to_owned(), vec!["Signature1".to_owned()])]);
        assert_eq!(given(&[("Signature1", false)], &["ana", "bea"]), []);
        assert_eq!(given(&[("Signature1", false), ("Signature2", false)], &["ana"]), []);
        assert_eq!(given(&[("company", false), ("ana", false)], &["ana"]), [("ana".to_owned(), vec!["ana".to_owned()])]);
    }

    #[test]
    fn what_is_signed_already_is_nobodys() {
        assert_eq!(given(&[("ana", true)], &["ana"]), []);
        assert_eq!(given(&[("ana", true), ("Signature1", false)], &["ana"]), [("ana".to_owned(), vec!["Signature1".to_owned()])]);
    }
}
