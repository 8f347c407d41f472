//! What goes wrong in the browsers of signers, counted: which step, and what kind of problem. Nothing of a person, and no text of a stranger's
//! choice becomes a label.

use prometheus::{IntCounterVec, Opts, Registry};

/// Steps of the pages that are counted by their name.
const STEPS: [&str; 15] = [
    "loading",
    "link",
    "invitation",
    "code_ask",
    "code_answer",
    "resume",
    "read",
    "sign",
    "pad",
    "decline",
    "signed",
    "ended",
    "elsewhere",
    "fault",
    "embed",
];

/// Problems that are counted by their name, besides statuses of HTTP and codes of this server's errors.
const CODES: [&str; 10] =
    ["NETWORK", "TIMEOUT", "SCRIPT", "STORAGE", "PAGE_IMAGE", "PAGE_TEXT", "DOWNLOAD", "WATCH", "UNSUPPORTED", "FRAGMENT"];

/// Codes of this server's errors.
const ERRORS: [&str; 7] = ["MDOC_000", "MDOC_001", "MDOC_002", "MDOC_003", "MDOC_004", "MDOC_005", "MDOC_006"];

/// The label of whatever is not known here.
const OTHER: &str = "other";

/// Counts problems. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Problems(IntCounterVec);

impl Problems {
    /// # Errors
    /// If the registry holds a metric of this name already.
    pub fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let options = Opts::new("rubrica_page_problems_total", "Problems that the pages of signers reported, by step and kind");
        let counter = IntCounterVec::new(options, &["step", "code"])?;
        registry.register(Box::new(counter.clone()))?;
        Ok(Self(counter))
    }

    pub fn count(&self, step: &str, code: &str) {
        let step = STEPS.into_iter().find(|known| *known == step).unwrap_or(OTHER);
        self.0.with_label_values(&[step, code_label(code)]).inc();
    }
}

fn code_label(code: &str) -> &'static str {
    let status =
        code.strip_prefix("HTTP_").filter(|digits| digits.len() == 3 && digits.bytes().all(|byte| byte.is_ascii_digit()));
    match status.map(|digits| &digits[..1]) {
        Some("4") => "HTTP_4XX",
        Some("5") => "HTTP_5XX",
        Some(_) => OTHER,
        None => CODES.into_iter().chain(ERRORS).find(|known| *known == code).unwrap_or(OTHER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_has_a_bounded_number_of_names() {
        let registry = Registry::new();
        let problems = Problems::new(&registry).unwrap();
        for (step, code) in [
            ("sign", "HTTP_503"),
            ("sign", "HTTP_500"),
            ("read", "PAGE_IMAGE"),
            ("read", "MDOC_004"),
            ("ana_lopez", "HTTP_5000"),
            ("x", "ANA_LOPEZ"),
            ("x", "HTTP_200"),
        ] {
            problems.count(step, code);
        }
        let counted = |step: &str, code: &str| problems.0.with_label_values(&[step, code]).get();
        assert_eq!((counted("sign", "HTTP_5XX"), counted("read", "PAGE_IMAGE"), counted("read", "MDOC_004")), (2, 1, 1));
        assert_eq!(counted(OTHER, OTHER), 3);
        assert_eq!(registry.gather()[0].get_metric().len(), 4);
    }
}
