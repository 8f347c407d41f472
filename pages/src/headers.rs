//! What a browser is told about a page: what may run in it, what it may load and call, in whose frame it may stand, what it tells others.

use std::fmt::Write;

/// Kinds of pages that are told different things.
#[derive(Clone, Copy, Debug)]
pub enum Page<'a> {
    /// A signer's page, by itself.
    Signing,
    /// A signer's page in a frame of pages of these origins; without one it stands in no frame.
    Embedded { origins: &'a [String] },
    /// A page for staff: it has forms, which may lead to this origin of an identity provider.
    Staff { identity_provider: Option<&'a str> },
    /// A page for developers: it shows what this server says, and nothing else.
    Developer,
    /// The pages of the API's description, which set styles of single elements.
    Description,
}

/// A header: its name in lower case, and its value.
pub type Header = (&'static str, String);

/// What a page may load and call: its own server's.
const OWN: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'";

/// Nothing writes HTML or script by text (Trusted Types); Lit's templates are the one exception, as they are constants.
const TRUSTED_LIT: &str = "require-trusted-types-for 'script'; trusted-types lit-html";

/// Features of browsers that no page of ours uses (Permissions Policy; only those that browsers know, which warn of others).
const UNUSED: [&str; 20] = [
    "accelerometer",
    "autoplay",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "gamepad",
    "gyroscope",
    "hid",
    "idle-detection",
    "local-fonts",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
];

impl Page<'_> {
    /// `Content-Security-Policy` (CSP 3, Trusted Types).
    pub fn content_security(self) -> String {
        match self {
            Self::Signing => format!("{OWN}; form-action 'none'; frame-ancestors 'none'; {TRUSTED_LIT}"),
            Self::Embedded { origins } => {
                let ancestors = if origins.is_empty() { "'none'".to_owned() } else { origins.join(" ") };
                format!("{OWN}; form-action 'none'; frame-ancestors {ancestors}; {TRUSTED_LIT}")
            }
            Self::Staff { identity_provider } => {
                let provider = identity_provider.map(|origin| format!(" {origin}")).unwrap_or_default();
                format!("{OWN}; form-action 'self'{provider}; frame-ancestors 'none'")
            }
            Self::Developer => {
                format!("{OWN}; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'")
            }
            Self::Description => "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
                 img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
                .to_owned(),
        }
    }

    /// `Referrer-Policy`. Pages of staff tell their own server: a form's POST has the origin `null` otherwise.
    pub fn referrer(self) -> &'static str {
        match self {
            Self::Staff { .. } => "same-origin",
            Self::Signing | Self::Embedded { .. } | Self::Developer | Self::Description => "no-referrer",
        }
    }

    /// `Permissions-Policy`. A frame's page decides for it as well, by `allow`.
    pub fn permissions(self) -> String {
        let (camera, place) = match self {
            Self::Signing | Self::Embedded { .. } => ("(self)", "(self)"),
            Self::Staff { .. } => ("(self)", "()"),
            Self::Developer | Self::Description => ("()", "()"),
        };
        let mut policy = format!("camera={camera}, geolocation={place}");
        for feature in UNUSED {
            // Writing to a string cannot fail.
            let _ = write!(policy, ", {feature}=()");
        }
        policy
    }

    /// All of them. A page is never stored, and its window is no other page's (COOP), but for what is made for frames.
    pub fn headers(self) -> Vec<Header> {
        let mut headers = vec![
            ("content-security-policy", self.content_security()),
            ("referrer-policy", self.referrer().to_owned()),
            ("permissions-policy", self.permissions()),
            ("x-content-type-options", "nosniff".to_owned()),
            ("cache-control", "no-store".to_owned()),
        ];
        match self {
            Self::Embedded { .. } => {}
            _ => {
                headers.extend([("cross-origin-opener-policy", "same-origin".to_owned()), ("x-frame-options", "DENY".to_owned())])
            }
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Page; 5] = [
        Page::Signing,
        Page::Embedded { origins: &[] },
        Page::Staff { identity_provider: None },
        Page::Developer,
        Page::Description,
    ];

    #[test]
    fn no_page_runs_what_stands_in_it_or_comes_from_elsewhere() {
        for page in ALL {
            let policy = page.content_security();
            let rule = |name: &str| policy.split("; ").find_map(|rule| rule.strip_prefix(name)).unwrap_or_default().to_owned();
            assert!(policy.starts_with("default-src 'none'"), "{policy}");
            assert_eq!(
                (rule("script-src "), rule("style-src "), rule("base-uri ")),
                ("'self'".into(), "'self'".into(), "'none'".into())
            );
            assert!(!policy.contains("unsafe-eval") && rule("frame-ancestors ") == "'none'", "{policy}");
        }
    }

    #[test]
    fn only_the_description_has_styles_of_single_elements() {
        let loose: Vec<_> = ALL.into_iter().filter(|page| page.content_security().contains("unsafe")).collect();
        assert!(matches!(loose[..], [Page::Description]), "{loose:?}");
    }

    #[test]
    fn signers_pages_write_no_html_by_text_and_send_no_form() {
        for page in [Page::Signing, Page::Embedded { origins: &[] }] {
            let policy = page.content_security();
            assert!(policy.ends_with("require-trusted-types-for 'script'; trusted-types lit-html"), "{policy}");
            assert!(policy.contains("form-action 'none'") && page.referrer() == "no-referrer");
        }
    }

    #[test]
    fn a_frame_is_of_the_named_origins_alone() {
        let origins = ["https://shop.example".to_owned(), "https://app.example:8443".to_owned()];
        let page = Page::Embedded { origins: &origins };
        assert!(page.content_security().contains("frame-ancestors https://shop.example https://app.example:8443;"));
        let names: Vec<_> = page.headers().into_iter().map(|(name, _)| name).collect();
        assert!(!names.contains(&"x-frame-options") && !names.contains(&"cross-origin-opener-policy"));
    }

    #[test]
    fn a_form_of_staff_leads_to_this_server_or_its_identity_provider() {
        let page = Page::Staff { identity_provider: Some("https://login.example") };
        assert!(page.content_security().contains("form-action 'self' https://login.example;"));
        assert_eq!(page.referrer(), "same-origin");
    }

    #[test]
    fn the_camera_is_for_those_who_take_pictures() {
        let with: Vec<_> = ALL.into_iter().filter(|page| page.permissions().starts_with("camera=(self)")).collect();
        assert!(matches!(with[..], [Page::Signing, Page::Embedded { .. }, Page::Staff { .. }]), "{with:?}");
        assert!(ALL.into_iter().all(|page| page.permissions().contains("microphone=()")));
    }
}
