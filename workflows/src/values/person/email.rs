//! E-mail addresses: which can be delivered, and how they are written to mail servers.
//!
//! One function, [`EmailAddress::parse`], decides. It holds the grammar of RFC 5321, 4.1.2 with the letters of RFC 6531, 3.3, and the
//! lengths of RFC 5321, 4.5.3.1. It never refuses an address because it looks unusual: apostrophes, `+`, every other sign of an
//! atom, quoted local parts, subdomains, names in any script. It refuses what no mail server on the Internet can be asked for:
//!
//! * address literals (`ana@[192.0.2.7]`) and bare IP addresses, which strangers' mail servers do not take from anybody;
//! * a domain of one label, but for `localhost`, which a mail server on the same machine takes;
//! * `_` and other signs in a domain, which host names do not have (RFC 5321, 4.1.2; RFC 1123, 2.1);
//! * characters that cannot be seen: two addresses would look the same.
//!
//! A local part with letters outside ASCII is an address like any other. It is sent with SMTPUTF8, which not all mail servers take.

use std::fmt;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};

/// Maximum length of an address as it goes out, in octets (RFC 5321, 4.5.3.1.3, without the angle brackets).
pub const MAX_EMAIL: usize = 254;

/// Maximum length of the local part, in octets (RFC 5321, 4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// Maximum length of the domain, in octets (RFC 1035, 2.3.4, without the length of the root).
const MAX_DOMAIN: usize = 253;

/// Maximum length of a label of the domain, in octets (RFC 1035, 2.3.4).
const MAX_LABEL: usize = 63;

/// An address that mail can be sent to, in the form in which it goes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    local: String,
    domain: String,
}

/// Why a text is no address that can be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailProblem {
    Blank,
    TooLong,
    Scheme,
    DisplayName,
    WhiteSpace,
    Invisible,
    NoAt,
    NoLocalPart,
    LocalPartTooLong,
    LocalPartDots,
    LocalPartQuotes,
    LocalPartCharacter,
    NoDomain,
    AddressLiteral,
    DomainTooLong,
    EmptyLabel,
    LabelTooLong,
    LabelHyphen,
    DomainCharacter,
    NoTopLevelDomain,
}

impl fmt::Display for EmailProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local_too_long = format!("the part before the @ may have {MAX_LOCAL} octets");
        let domain_too_long = format!("the part after the @ may have {MAX_DOMAIN} octets");
        let label_too_long = format!("between two dots after the @ there may be {MAX_LABEL} octets");
        let too_long = format!("an address may have {MAX_EMAIL} octets");
        let problem = match self {
            Self::Blank => "it is empty",
            Self::TooLong => &too_long,
            Self::Scheme => "leave out \"mailto:\"",
            Self::DisplayName => "only the address is expected, without a name, angle brackets or comments",
            Self::WhiteSpace => "it has white space or a control character",
            Self::Invisible => "it has a character that cannot be seen",
            Self::NoAt => "it has no @",
            Self::NoLocalPart => "there is nothing before the @",
            Self::LocalPartTooLong => &local_too_long,
            Self::LocalPartDots => "before the @, a dot stands first, last or beside another one",
            Self::LocalPartQuotes => "the quotes before the @ are not closed, or hold a character that they cannot",
            Self::LocalPartCharacter => "a character before the @ is not allowed there",
            Self::NoDomain => "there is nothing after the @",
            Self::AddressLiteral => "a domain name is expected after the @, not an IP address",
            Self::DomainTooLong => &domain_too_long,
            Self::EmptyLabel => "after the @, a dot stands first, last or beside another one",
            Self::LabelTooLong => &label_too_long,
            Self::LabelHyphen => "after the @, a hyphen stands beside a dot or at the end",
            Self::DomainCharacter => "the part after the @ is not a domain name",
            Self::NoTopLevelDomain => "the domain has no top-level domain, such as .com",
        };
        f.write_str(problem)
    }
}

impl std::error::Error for EmailProblem {}

impl EmailAddress {
    /// Reads an address as a person writes it.
    ///
    /// # Errors
    /// Why no mail can be delivered to it. The texts quote nothing of the address.
    pub fn parse(text: &str) -> Result<Self, EmailProblem> {
        if text.trim().is_empty() {
            return Err(EmailProblem::Blank);
        }
        // A domain may be shorter on the wire than as it is written (four octets for one letter); beyond this it never fits.
        if text.len() > 4 * MAX_EMAIL {
            return Err(EmailProblem::TooLong);
        }
        if text.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("mailto:")) {
            return Err(EmailProblem::Scheme);
        }
        let (local, domain) = text.rsplit_once('@').ok_or_else(|| without_at(text))?;
        if domain.ends_with('>') || (local.contains('<') && !is_quoted(local)) || domain.contains(['(', ')']) {
            return Err(EmailProblem::DisplayName);
        }
        check_local(local)?;
        let domain = domain_on_the_wire(domain)?;
        if local.len() + 1 + domain.len() > MAX_EMAIL {
            return Err(EmailProblem::TooLong);
        }
        Ok(Self { local: local.to_owned(), domain })
    }

    /// The part before the `@`, as it was written.
    pub fn local_part(&self) -> &str {
        &self.local
    }

    /// The part after the `@`: as it was written if it is ASCII, else its A-label (RFC 5890, 2.3.2.1; UTS 46, non-transitional).
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The form in which two spellings of one address are equal: without regard to case, and to how the domain is written. (RFC
    /// 5321 lets a mail server tell `Ana` and `ana` apart; people do not.)
    fn folded(&self) -> String {
        format!("{}@{}", self.local, self.domain).to_lowercase()
    }
}

/// The address as it goes out: ASCII but for the local part, which is as it was written.
impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// The form in which addresses that people typed are compared; of what is no address, its letters.
pub(super) fn folded(text: &str) -> String {
    let text = text.trim();
    EmailAddress::parse(text).map_or_else(|_| text.to_lowercase(), |address| address.folded())
}

fn without_at(text: &str) -> EmailProblem {
    text.chars().find_map(unprintable).unwrap_or(EmailProblem::NoAt)
}

fn is_quoted(local: &str) -> bool {
    local.len() >= 2 && local.starts_with('"') && local.ends_with('"')
}

fn check_local(local: &str) -> Result<(), EmailProblem> {
    if local.is_empty() {
        return Err(EmailProblem::NoLocalPart);
    }
    if local.starts_with('"') {
        check_quoted(local)?;
    } else {
        check_dot_string(local)?;
    }
    if local.len() > MAX_LOCAL { Err(EmailProblem::LocalPartTooLong) } else { Ok(()) }
}

/// RFC 5321 `Dot-string`: atoms with single dots between them.
fn check_dot_string(local: &str) -> Result<(), EmailProblem> {
    if let Some(problem) = local.chars().find_map(unprintable) {
        return Err(problem);
    }
    if local.split('.').any(str::is_empty) {
        return Err(EmailProblem::LocalPartDots);
    }
    let known = |c: char| c == '.' || c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii();
    if local.chars().all(known) { Ok(()) } else { Err(EmailProblem::LocalPartCharacter) }
}

/// RFC 5321 `Quoted-string`. A space may stand in it, and nothing else that cannot be seen.
fn check_quoted(local: &str) -> Result<(), EmailProblem> {
    let content = local.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or(EmailProblem::LocalPartQuotes)?;
    if content.is_empty() {
        return Err(EmailProblem::NoLocalPart);
    }
    let mut characters = content.chars();
    while let Some(character) = characters.next() {
        if character != ' '
            && let Some(problem) = unprintable(character)
        {
            return Err(problem);
        }
        let escaped = |c: char| (' '..='~').contains(&c);
        if character == '"' || (character == '\\' && !characters.next().is_some_and(escaped)) {
            return Err(EmailProblem::LocalPartQuotes);
        }
    }
    Ok(())
}

fn domain_on_the_wire(domain: &str) -> Result<String, EmailProblem> {
    if domain.is_empty() {
        return Err(EmailProblem::NoDomain);
    }
    // UTS 46 drops what cannot be seen, and says nothing. The two joiners it judges by the letters beside them (RFC 5892, A.1 and
    // A.2): in some scripts they show.
    let joiner = |c: &char| matches!(c, '\u{200C}' | '\u{200D}');
    if let Some(problem) = domain.chars().filter(|c| !joiner(c)).find_map(unprintable) {
        return Err(problem);
    }
    if domain.starts_with('[') {
        return Err(EmailProblem::AddressLiteral);
    }
    let ascii = to_ascii(domain)?;
    check_ascii_domain(&ascii)?;
    Ok(if domain.is_ascii() { domain.to_owned() } else { ascii })
}

fn to_ascii(domain: &str) -> Result<String, EmailProblem> {
    // Hyphens and lengths are told apart below; here only what is no host name at all is refused.
    let ascii = Uts46::new().to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow, DnsLength::Ignore);
    ascii.map(std::borrow::Cow::into_owned).map_err(|_| EmailProblem::DomainCharacter)
}

fn check_ascii_domain(domain: &str) -> Result<(), EmailProblem> {
    let mut labels = 0;
    for label in domain.split('.') {
        labels += 1;
        if label.is_empty() {
            return Err(EmailProblem::EmptyLabel);
        }
        if label.len() > MAX_LABEL {
            return Err(EmailProblem::LabelTooLong);
        }
        if label.starts_with('-') || label.ends_with('-') {
            return Err(EmailProblem::LabelHyphen);
        }
    }
    if domain.len() > MAX_DOMAIN {
        return Err(EmailProblem::DomainTooLong);
    }
    let last = domain.rsplit('.').next().unwrap_or_default();
    match labels {
        1 if domain.eq_ignore_ascii_case("localhost") => Ok(()),
        1 => Err(EmailProblem::NoTopLevelDomain),
        // No top-level domain is a number (RFC 3696, 2): this is an IP address.
        _ if last.bytes().all(|byte| byte.is_ascii_digit()) => Err(EmailProblem::AddressLiteral),
        _ => Ok(()),
    }
}

/// What is wrong with a character that has no place in any address.
fn unprintable(character: char) -> Option<EmailProblem> {
    if character.is_whitespace() || character.is_control() {
        Some(EmailProblem::WhiteSpace)
    } else if is_invisible(character) {
        Some(EmailProblem::Invisible)
    } else {
        None
    }
}

/// The characters of Unicode's `Default_Ignorable_Code_Point` (DerivedCoreProperties, a stable property), among them all that turn the
/// direction of text; the blank pattern of Braille; annotations, and what stands for a character that was lost.
fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wire(text: &str) -> String {
        EmailAddress::parse(text).unwrap_or_else(|problem| panic!("{text:?}: {problem}")).to_string()
    }

    fn problem(text: &str) -> EmailProblem {
        EmailAddress::parse(text).err().unwrap_or_else(|| panic!("{text:?} is taken"))
    }

    #[test]
    fn addresses_that_people_have_are_taken_and_go_out_as_they_are() {
        for address in [
            "ana@example.org",
            "ana.lopez+sign@mail.example.org",
            "o'hara@example.ie",
            "Ana@Example.ORG",
            "a@b.co",
            "1234567890@example.com",
            "a!#$%&'*+-/=?^_`{|}~z@example.org",
            "\"ana lopez\"@example.org",
            "\"ana@home\"@example.org",
            "\"a\\\"b\\\\c\"@example.org",
            "-ana-@r3---sn.example-domain.org",
            "ana@123.example.org",
            "ana@xn--mnchen-3ya.example",
            "josé@example.es",
            "用户@example.cn",
            "😀@example.org",
            "root@localhost",
        ] {
            assert_eq!(wire(address), address);
        }
    }

    #[test]
    fn the_domain_goes_out_as_its_a_label_by_uts_46_non_transitional() {
        for (written, domain) in [
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("MÜNCHEN.example", "xn--mnchen-3ya.example"),
            ("mu\u{308}nchen.example", "xn--mnchen-3ya.example"),
            ("straße.example", "xn--strae-oqa.example"),
            ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
            ("ｅｘａｍｐｌｅ.org", "example.org"),
            ("españa.example", "xn--espaa-rta.example"),
            ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
            ("мой-пример.рф", "xn----jtbicodkkjd.xn--p1ai"),
            // A joiner that shows (RFC 5892, A.1).
            ("نامه\u{200C}ای.example", "xn--mgba3gch31f060k.example"),
        ] {
            assert_eq!(wire(&format!("Ana@{written}")), format!("Ana@{domain}"), "{written}");
        }
    }

    #[test]
    fn what_cannot_be_delivered_is_refused_with_its_reason() {
        use EmailProblem as P;
        for (text, expected) in [
            ("", P::Blank),
            ("   ", P::Blank),
            ("ana", P::NoAt),
            ("@example.org", P::NoLocalPart),
            ("\"\"@example.org", P::NoLocalPart),
            ("ana@", P::NoDomain),
            ("ana..lopez@example.org", P::LocalPartDots),
            (".ana@example.org", P::LocalPartDots),
            ("ana.@example.org", P::LocalPartDots),
            ("ana@home@example.org", P::LocalPartCharacter),
            ("ana,eva@example.org", P::LocalPartCharacter),
            ("ana:lopez@example.org", P::LocalPartCharacter),
            ("ana;eva@example.org", P::LocalPartCharacter),
            ("ana\"lopez@example.org", P::LocalPartCharacter),
            ("(ana)@example.org", P::LocalPartCharacter),
            ("\"ana@example.org", P::LocalPartQuotes),
            ("\"a\"b\"@example.org", P::LocalPartQuotes),
            ("\"ana\\\"@example.org", P::LocalPartQuotes),
            ("\"a\u{200B}b\"@example.org", P::Invisible),
            ("ana@example..org", P::EmptyLabel),
            ("ana@.example.org", P::EmptyLabel),
            ("ana@example.org.", P::EmptyLabel),
            ("ana@-example.org", P::LabelHyphen),
            ("ana@example-.org", P::LabelHyphen),
            ("ana@example.org-", P::LabelHyphen),
            ("ana@exa_mple.org", P::DomainCharacter),
            ("ana@exa mple.org", P::WhiteSpace),
            ("ana@example.org/", P::DomainCharacter),
            ("ana@example.org:25", P::DomainCharacter),
            ("ana@exam\u{200D}ple.org", P::DomainCharacter),
            ("ana@xn--a.example", P::DomainCharacter),
            ("ana@example", P::NoTopLevelDomain),
            ("ana@com", P::NoTopLevelDomain),
            ("ana@[192.0.2.7]", P::AddressLiteral),
            ("ana@192.0.2.7", P::AddressLiteral),
            ("mailto:ana@example.org", P::Scheme),
            ("MailTo:ana@example.org", P::Scheme),
            ("Ana <ana@example.org>", P::DisplayName),
            ("<ana@example.org>", P::DisplayName),
            ("\"Ana\" <ana@example.org>", P::DisplayName),
            ("ana@example.org (Ana)", P::DisplayName),
            (" ana@example.org", P::WhiteSpace),
            ("ana@example.org ", P::WhiteSpace),
            ("ana lopez@example.org", P::WhiteSpace),
            ("ana\u{A0}lopez@example.org", P::WhiteSpace),
            ("ana@example.org\r\nBcc: eva@example.org", P::WhiteSpace),
            ("a\tb@example.org", P::WhiteSpace),
            ("ana\0@example.org", P::WhiteSpace),
        ] {
            assert_eq!(problem(text), expected, "{text:?}");
        }
    }

    #[test]
    fn characters_that_cannot_be_seen_are_refused_on_both_sides() {
        for invisible in [
            '\u{AD}',
            '\u{200B}',
            '\u{200E}',
            '\u{202E}',
            '\u{2060}',
            '\u{2066}',
            '\u{FE0F}',
            '\u{FEFF}',
            '\u{E0041}',
            '\u{FFFD}',
        ] {
            assert_eq!(problem(&format!("an{invisible}a@example.org")), EmailProblem::Invisible, "{invisible:?}");
            assert_eq!(problem(&format!("ana@exa{invisible}mple.org")), EmailProblem::Invisible, "{invisible:?}");
            assert_eq!(problem(&format!("ana@example.org{invisible}")), EmailProblem::Invisible, "{invisible:?}");
        }
        assert_eq!(problem("an\u{200D}a@example.org"), EmailProblem::Invisible);
    }

    #[test]
    fn lengths_are_counted_in_octets_as_they_go_out() {
        let label = "x".repeat(63);
        assert!(EmailAddress::parse(&format!("{}@example.org", "a".repeat(64))).is_ok());
        assert_eq!(problem(&format!("{}@example.org", "a".repeat(65))), EmailProblem::LocalPartTooLong);
        assert!(EmailAddress::parse(&format!("{}@example.org", "é".repeat(32))).is_ok());
        assert_eq!(problem(&format!("{}@example.org", "é".repeat(33))), EmailProblem::LocalPartTooLong);
        assert!(EmailAddress::parse(&format!("a@{label}.org")).is_ok());
        assert_eq!(problem(&format!("a@x{label}.org")), EmailProblem::LabelTooLong);
        // 57 letters of two octets are short enough as they are written, and their A-label is not.
        assert_eq!(problem(&format!("a@{}.org", "éx".repeat(31))), EmailProblem::LabelTooLong);
        let long = format!("{label}.{label}.{label}.{}", "y".repeat(61));
        assert_eq!(long.len(), 253);
        assert_eq!(problem(&format!("ana@{long}")), EmailProblem::TooLong);
        assert_eq!(problem(&format!("ana@{long}y")), EmailProblem::DomainTooLong);
        let fits = format!("{label}.{label}.{label}.{}", "y".repeat(60));
        assert!(EmailAddress::parse(&format!("a@{fits}")).is_ok());
        assert_eq!(problem(&format!("ab@{fits}")), EmailProblem::TooLong);
        assert_eq!(problem(&format!("{}@example.org", "a".repeat(2_000))), EmailProblem::TooLong);
    }

    #[test]
    fn no_reason_quotes_the_address() {
        assert!(!problem("sécret..x@example.org").to_string().contains("cret"));
    }

    #[test]
    fn one_address_in_two_spellings_is_equal() {
        assert_eq!(folded(" Ana@MÜNCHEN.example"), folded("ana@xn--mnchen-3ya.example "));
        assert_eq!(folded("ana@mu\u{308}nchen.example"), folded("ana@münchen.example"));
        assert_ne!(folded("ana@example.org"), folded("eva@example.org"));
        assert_eq!(folded("Not an address"), "not an address");
    }

    proptest! {
        #[test]
        fn what_is_taken_can_stand_in_an_smtp_command(text in "(\\PC|[\u{0}-\u{20}@.<>\"\\\\-]){0,40}@?(\\PC|[.-]){0,40}") {
            if let Ok(address) = EmailAddress::parse(&text) {
                let wire = address.to_string();
                prop_assert!(wire.len() <= MAX_EMAIL && address.domain().is_ascii());
                prop_assert!(!wire.chars().any(char::is_control));
                prop_assert!(address.local_part().starts_with('"') || !wire.contains([' ', '<', '>', ',', ';']));
                // What goes out is an address again, and the same.
                prop_assert_eq!(EmailAddress::parse(&wire), Ok(address));
            }
        }
    }
}
