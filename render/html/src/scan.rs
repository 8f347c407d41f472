//! What is looked at before a template is compiled, as compiling takes quadratic time and recurses: its size, how deep it is, and what
//! cannot be in a template at all. Images leave the text here. It must never recurse, nor take more than linear time.

use crate::limits::{BLOCK_DEPTH, COMPILE_WORK, IMAGES, PARENTHESES, TEMPLATE_BYTES, TEMPLATE_TEXT_BYTES};
use crate::{Failure, Kind, Problem};

/// A template that may be compiled.
#[derive(Debug)]
pub(crate) struct Scanned {
    /// The text, with `asset:t0`, `asset:t1`... in the places of its images.
    pub text: String,
    /// The images' `data:` URIs, in that order.
    pub images: Vec<String>,
    shifts: Vec<Shift>,
}

/// An image that was taken out: columns behind it on its line are further right in the author's file.
#[derive(Debug)]
struct Shift {
    line: usize,
    column: usize,
    characters: usize,
}

/// How the text names an image that was taken out.
pub(crate) const ASSET: &str = "asset:";
/// A `data:` URI shorter than this stays: it costs nothing, or its content comes from the data.
const LONG_URI: usize = 64;

impl Scanned {
    pub fn of(template: &[u8]) -> Result<Self, Vec<Problem>> {
        let whole = |message: String| vec![Problem::whole(message)];
        if template.len() > TEMPLATE_BYTES {
            return Err(whole(format!("the template has {} bytes, the maximum is {TEMPLATE_BYTES}", template.len())));
        }
        let text = std::str::from_utf8(template).map_err(|e| {
            let line = template[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count() + 1;
            vec![Problem {
                line: Some(line),
                column: None,
                message: "the template is not in UTF-8: save it in that encoding".into(),
            }]
        })?;
        let scanned = Self::without_images(text.strip_prefix('\u{feff}').unwrap_or(text));
        if scanned.images.len() > IMAGES {
            return Err(whole(format!("the template has {} images, the maximum is {IMAGES}", scanned.images.len())));
        }
        if scanned.text.len() > TEMPLATE_TEXT_BYTES {
            let bytes = scanned.text.len();
            return Err(whole(format!(
                "the template has {bytes} bytes without its images, the maximum is {TEMPLATE_TEXT_BYTES}"
            )));
        }
        let problems = Tags::of(&scanned.text).problems;
        if problems.is_empty() {
            Ok(scanned)
        } else {
            Err(problems.into_iter().map(|(at, message)| scanned.problem(at, message)).collect())
        }
    }

    fn without_images(template: &str) -> Self {
        let mut scanned = Self { text: String::with_capacity(template.len()), images: Vec::new(), shifts: Vec::new() };
        let lower = template.to_ascii_lowercase();
        let (mut from, mut line, mut line_start) = (0, 1, 0);
        while let Some(start) = lower[from..].find("data:image/").map(|at| at + from) {
            let is_end = |c: char| c.is_ascii_whitespace() || "\"'`()<>{}".contains(c);
            let end = template[start..].find(is_end).map_or(template.len(), |at| at + start);
            if end - start < LONG_URI {
                scanned.text.push_str(&template[from..end]);
                from = end;
                continue;
            }
            scanned.text.push_str(&template[from..start]);
            let name = format!("{ASSET}t{}", scanned.images.len());
            while let Some(at) = scanned.text[line_start..].find('\n') {
                (line, line_start) = (line + 1, line_start + at + 1);
            }
            scanned.text.push_str(&name);
            scanned.shifts.push(Shift {
                line,
                column: scanned.text[line_start..].chars().count() + 1,
                characters: template[start..end].chars().count() - name.len(),
            });
            scanned.images.push(template[start..end].to_owned());
            from = end;
        }
        scanned.text.push_str(&template[from..]);
        scanned
    }

    /// A place of the text as the author's file has it.
    pub fn original(&self, line: usize, column: usize) -> (usize, usize) {
        let before = self.shifts.iter().filter(|shift| shift.line == line && shift.column <= column);
        (line, column + before.map(|shift| shift.characters).sum::<usize>())
    }

    fn problem(&self, at: usize, message: String) -> Problem {
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        let (line, column) = self.original(line, before[line_start..].chars().count() + 1);
        Problem { line: Some(line), column: Some(column), message }
    }
}

/// The tags of a template, as far as they say whether it may be compiled.
#[derive(Default)]
struct Tags {
    /// With the byte where each is; at most one of each kind.
    problems: Vec<(usize, String)>,
}

impl Tags {
    fn of(text: &str) -> Self {
        let mut tags = Self::default();
        let bytes = text.as_bytes();
        let mut expressions: usize = 0;
        // For each open block, one and one more for each `{{else if}}` in it: these nest within each other.
        let mut open: Vec<usize> = Vec::new();
        let mut depth = 0;
        let mut from = 0;
        while let Some(start) = text[from..].find("{{").map(|at| at + from) {
            expressions += 1;
            if start > 0 && bytes[start - 1] == b'\\' {
                tags.add(start - 1, "a backslash before {{ is not supported; write &#123;&#123; for braces in the text");
            }
            if text[start..].starts_with("{{{{") {
                tags.add(start, "raw blocks {{{{...}}}} are not supported");
            }
            if let Some(end) = end_of_comment(text, start) {
                from = end;
                continue;
            }
            let (end, parentheses) = end_of_tag(bytes, start + 2);
            if parentheses > PARENTHESES {
                tags.add(start, &format!("more than {PARENTHESES} parentheses within each other"));
            }
            let inner = text[start + 2..end].trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '~');
            match inner.as_bytes().first() {
                Some(b'#') => {
                    if inner[1..].trim_start().starts_with(['*', '>']) {
                        tags.add(start, "inline partials {{#*inline}} and partial blocks {{#>}} are not supported");
                    }
                    open.push(1);
                    depth += 1;
                }
                Some(b'/') => depth -= open.pop().unwrap_or(0),
                Some(b'>') => tags.add(start, "partials {{>}} are not supported"),
                Some(b'*') => tags.add(start, "decorators {{*}} are not supported"),
                _ if is_chain(inner) => {
                    if let Some(last) = open.last_mut() {
                        *last += 1;
                        depth += 1;
                    }
                }
                _ => {}
            }
            if depth > BLOCK_DEPTH {
                tags.add(
                    start,
                    &format!("more than {BLOCK_DEPTH} blocks within each other, where each {{{{else if}}}} counts as one"),
                );
            }
            from = end;
        }
        if expressions.saturating_mul(text.len()) > COMPILE_WORK {
            let message = format!(
                "{expressions} expressions in {} bytes are too many: their product may be {COMPILE_WORK}; put rows into {{{{#each}}}}",
                text.len()
            );
            tags.add(0, &message);
        }
        tags
    }

    fn add(&mut self, at: usize, message: &str) {
        if !self.problems.iter().any(|(_, known)| known == message) {
            self.problems.push((at, message.to_owned()));
        }
    }
}

/// `{{else if x}}`, `{{^if x}}`.
fn is_chain(inner: &str) -> bool {
    let Some(rest) = inner.strip_prefix('^').or_else(|| inner.strip_prefix("else")) else { return false };
    let rest = rest.trim_matches(|c: char| c.is_ascii_whitespace() || c == '~');
    !rest.is_empty()
}

/// Where a comment that begins at `start` ends, as the grammar has it: `{{!-- --}}`, else `{{! }}`.
fn end_of_comment(text: &str, start: usize) -> Option<usize> {
    let rest = text[start..].strip_prefix("{{!")?;
    if let Some(long) = rest.strip_prefix("--")
        && let Some(at) = long.find("--}}")
    {
        return Some(start + 5 + at + 4);
    }
    Some(rest.find("}}").map_or(text.len(), |at| start + 3 + at + 2))
}

/// Where a tag ends, before its `}}`, and how many parentheses are open at once in it. Strings and `[names]` hide the end, yet not
/// parentheses: rather too many are counted than too few.
fn end_of_tag(bytes: &[u8], from: usize) -> (usize, usize) {
    let (mut hidden_until, mut open, mut maximum) = (None, 0_usize, 0);
    let mut at = from;
    while at < bytes.len() {
        let byte = bytes[at];
        match byte {
            b'(' => {
                open += 1;
                maximum = maximum.max(open);
            }
            b')' => open = open.saturating_sub(1),
            _ => {}
        }
        match hidden_until {
            Some(_) if byte == b'\\' => at += 1,
            Some(end) if byte == end => hidden_until = None,
            Some(_) => {}
            None => match byte {
                b'"' | b'\'' => hidden_until = Some(byte),
                b'[' => hidden_until = Some(b']'),
                b'}' if bytes.get(at + 1) == Some(&b'}') => return (at, maximum),
                _ => {}
            },
        }
        at += 1;
    }
    (bytes.len(), maximum)
}

impl Problem {
    /// Of a template or its data as a whole.
    pub(crate) fn whole(message: impl Into<String>) -> Self {
        Self { line: None, column: None, message: message.into() }
    }
}

impl Failure {
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, problem: Problem::whole(message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(template: &str) -> Vec<String> {
        Scanned::of(template.as_bytes()).err().unwrap_or_default().into_iter().map(|p| p.message).collect()
    }

    fn refused(template: &str, words: &str) {
        let messages = messages(template);
        assert!(messages.iter().any(|m| m.contains(words)), "{words}: {messages:?}");
    }

    #[test]
    fn what_templates_cannot_have_is_refused() {
        refused("{{#*inline \"a\"}}{{/inline}}", "inline partials");
        refused("{{ ~# * inline \"a\"}}{{/inline}}", "inline partials");
        refused("{{> a}}", "partials");
        refused("{{#> a}}{{/a}}", "partial blocks");
        refused("{{* a}}", "decorators");
        refused("{{{{raw}}}} {{x}} {{{{/raw}}}}", "raw blocks");
        refused("\\{{x}}", "backslash");
        assert!(messages("{{!-- {{> a}} --}}{{! {{> a }}<p>{{x}}</p>{{default y \"{{> a}}\"}}").is_empty());
    }

    #[test]
    fn blocks_and_parentheses_have_a_maximum_depth() {
        let nested = |n: usize| format!("{}x{}", "{{#if a}}".repeat(n), "{{/if}}".repeat(n));
        assert!(messages(&nested(64)).is_empty());
        refused(&nested(65), "more than 64 blocks");
        refused(&nested(20_000), "more than 64 blocks");
        refused(&format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{else if b}}x".repeat(64)), "more than 64 blocks");
        // Ends in comments and strings close nothing.
        refused(&"{{#if a}}{{!-- {{/if}} --}}{{default b '{{/if}}'}}".repeat(65), "more than 64 blocks");
        let parentheses = |n: usize| format!("{{{{add 1 {}1{}}}}}", "(add 1 ".repeat(n), ")".repeat(n));
        assert!(messages(&parentheses(32)).is_empty());
        refused(&parentheses(33), "more than 32 parentheses");
        refused(&parentheses(5_000), "more than 32 parentheses");
        assert!(messages(&"{{#if a}}x{{/if}}".repeat(1_000)).is_empty(), "one after the other is not deep");
    }

    #[test]
    fn a_template_that_takes_quadratic_time_is_refused() {
        refused(&"<td>{{x}}</td>".repeat(5_000), "5000 expressions");
        assert!(messages(&format!("{}{}", "{{x}}".repeat(300), "x".repeat(400_000))).is_empty());
    }

    #[test]
    fn images_leave_the_text_and_places_stay_right() {
        let image = format!("data:image/png;base64,{}", "A".repeat(500_000));
        let template =
            format!("<p>é</p>\n<img src=\"{image}\"><img src='{image}'>é{{{{> a}}}}\n{}{{{{> b}}", "{{x}}".repeat(300));
        let problems = Scanned::of(template.as_bytes()).unwrap_err();
        let line = template.lines().nth(1).unwrap();
        let column = line.chars().collect::<Vec<_>>().windows(2).position(|w| w == ['{', '{']).unwrap() + 1;
        assert_eq!((problems[0].line, problems[0].column), (Some(2), Some(column)));
        assert_eq!(problems.len(), 1, "{problems:?}");

        let scanned = Scanned::of(format!("<img src=\"{image}\">{{{{x}}}}").as_bytes()).unwrap();
        assert_eq!(scanned.text, "<img src=\"asset:t0\">{{x}}");
        assert_eq!(scanned.images, [image]);
        let from_data = "<img src=\"data:image/png;base64,{{LOGO}}\">";
        assert_eq!(Scanned::of(from_data.as_bytes()).unwrap().text, from_data);
    }

    #[test]
    fn what_is_no_text_or_too_long_is_refused() {
        assert_eq!(Scanned::of(b"a\n\xff").unwrap_err()[0].line, Some(2));
        refused(&"x".repeat(TEMPLATE_BYTES + 1), "bytes");
        refused(&"x".repeat(TEMPLATE_TEXT_BYTES + 1), "without its images");
        for broken in ["{{", "{{{", "{{!--", "{{#", "{{/if}}{{/if}}", "{{\"", "{{[", "{{!", "{{!--}}", "{{é", "\\"] {
            let _ = Scanned::of(broken.as_bytes());
        }
    }
}
