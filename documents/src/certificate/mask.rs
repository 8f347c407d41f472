//! Masking of contacts and document numbers: enough to recognise one's own, not enough to use somebody else's.

/// Masks an e-mail address: the first character of the local part and the domain stay, e.g. `m***@example.com`.
/// A local part of one character is hidden as a whole; text without a local part or domain becomes `***`.
pub fn email(address: &str) -> String {
    let Some((local, domain)) = address.trim().rsplit_once('@') else {
        return "***".to_owned();
    };
    if local.is_empty() || domain.is_empty() {
        return "***".to_owned();
    }
    let mut characters = local.chars();
    match (characters.next(), characters.next()) {
        (Some(first), Some(_)) => format!("{first}***@{domain}"),
        _ => format!("***@{domain}"),
    }
}

/// Masks a phone number: the prefix (given without `+`, as in the contract's `Msisdn`) and the last three digits stay, e.g.
/// `+34 ***456`. Of numbers under seven digits only the last one stays; what is not a digit is dropped.
pub fn phone(country_code: Option<&str>, number: &str) -> String {
    let digits: Vec<char> = number.chars().filter(char::is_ascii_digit).collect();
    let visible = match digits.len() {
        0 => 0,
        1..=6 => 1,
        _ => 3,
    };
    let tail: String = digits[digits.len() - visible..].iter().collect();
    let prefix: String = country_code.unwrap_or_default().chars().filter(char::is_ascii_digit).take(4).collect();
    if prefix.is_empty() { format!("***{tail}") } else { format!("+{prefix} ***{tail}") }
}

/// Masks the number of an identity document by the guidance of the Spanish data protection authority on additional provision 7 of
/// Organic Law 3/2018: the fourth to seventh digit stay (`12345678Z` becomes `***4567**`); with fewer than seven digits the last
/// four characters stay (`ABCD123XY` becomes `*****23XY`). Numbers under eight characters, which that rule would show by half or
/// more, keep the last two only.
pub fn document_number(number: &str) -> String {
    let characters: Vec<char> = number.chars().filter(|c| c.is_alphanumeric()).collect();
    let digits = characters.iter().filter(|c| c.is_ascii_digit()).count();
    if digits >= 7 && characters.len() >= 8 {
        return mask_all_but_digits_four_to_seven(&characters);
    }
    let visible = match characters.len() {
        0..=2 => 0,
        3..=7 => 2,
        _ => 4,
    };
    let hidden = characters.len() - visible;
    characters.iter().enumerate().map(|(index, c)| if index < hidden { '*' } else { *c }).collect()
}

fn mask_all_but_digits_four_to_seven(characters: &[char]) -> String {
    let mut seen = 0;
    characters
        .iter()
        .map(|c| {
            if !c.is_ascii_digit() {
                return '*';
            }
            seen += 1;
            if (4..=7).contains(&seen) { *c } else { '*' }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_keeps_its_first_letter_and_domain() {
        assert_eq!(email("maria.lopez@example.com"), "m***@example.com");
        assert_eq!(email(" ñandú@example.org "), "ñ***@example.org");
    }

    #[test]
    fn an_email_without_two_parts_or_with_one_letter_is_hidden() {
        assert_eq!(email("m@example.com"), "***@example.com");
        assert_eq!(email("@example.com"), "***");
        assert_eq!(email("maria@"), "***");
        assert_eq!(email("not an address"), "***");
    }

    #[test]
    fn a_phone_keeps_its_prefix_and_three_digits() {
        assert_eq!(phone(Some("34"), "600123456"), "+34 ***456");
        assert_eq!(phone(Some("+34"), "600 123 456"), "+34 ***456");
        assert_eq!(phone(None, "600123456"), "***456");
    }

    #[test]
    fn a_short_phone_keeps_one_digit() {
        assert_eq!(phone(Some("34"), "123456"), "+34 ***6");
        assert_eq!(phone(Some("34"), ""), "+34 ***");
    }

    #[test]
    fn a_document_number_keeps_digits_four_to_seven() {
        assert_eq!(document_number("12345678Z"), "***4567**");
        assert_eq!(document_number("X1234567L"), "****4567*");
        assert_eq!(document_number("12.345.678-Z"), "***4567**");
    }

    #[test]
    fn a_document_number_of_few_digits_keeps_its_last_characters() {
        assert_eq!(document_number("ABC123456"), "*****3456");
        assert_eq!(document_number("ABCD123XY"), "*****23XY");
        assert_eq!(document_number("1234567"), "*****67");
        assert_eq!(document_number("12"), "**");
        assert_eq!(document_number(""), "");
    }
}
