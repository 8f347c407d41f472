//! Where in HTML an expression of a template stands: the part of the standard's tokenizer that tells text, tags, values of attributes
//! and styles apart (WHATWG HTML 13.2.5). Values are escaped for text and quoted attributes only.

/// Characters of a name of an element or attribute that are kept.
const NAME: usize = 32;

/// Elements whose content is no markup.
const RAW: [&str; 9] = ["style", "script", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Between elements.
    Text,
    /// In `<style>`, or in the quoted value of a `style` attribute.
    Style,
    /// In the quoted value of another attribute.
    Attribute,
    /// In a tag, yet not in a quoted value.
    Tag,
    /// In a comment, a script, or the text of `<title>` and the like.
    Inert,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Text,
    LessThan,
    EndTag,
    Name,
    BeforeAttribute,
    Attribute,
    AfterAttribute,
    BeforeValue,
    Quoted(char),
    Unquoted,
    Declaration,
    Comment,
    Bogus,
    Raw,
}

/// The reader, between two pieces of the template's own text.
pub(crate) struct Context {
    state: State,
    is_end: bool,
    element: String,
    attribute: String,
    /// The last characters of a comment or of raw text, as far as its end shows in them.
    tail: String,
}

impl Context {
    pub fn new() -> Self {
        Self { state: State::Text, is_end: false, element: String::new(), attribute: String::new(), tail: String::new() }
    }

    pub fn place(&self) -> Place {
        match self.state {
            State::Text => Place::Text,
            State::Quoted(_) if self.attribute == "style" => Place::Style,
            State::Quoted(_) => Place::Attribute,
            State::Raw if self.element == "style" => Place::Style,
            State::Raw | State::Comment | State::Bogus => Place::Inert,
            _ => Place::Tag,
        }
    }

    pub fn feed(&mut self, text: &str) {
        for c in text.chars() {
            self.step(c);
        }
    }

    fn step(&mut self, c: char) {
        let space = c.is_ascii_whitespace();
        self.state = match self.state {
            State::Text if c == '<' => State::LessThan,
            State::Text => State::Text,
            State::LessThan => match c {
                '!' => {
                    self.tail.clear();
                    State::Declaration
                }
                '/' => State::EndTag,
                '?' => State::Bogus,
                '<' => State::LessThan,
                _ if c.is_ascii_alphabetic() => self.begin(c, false),
                _ => State::Text,
            },
            State::EndTag if c.is_ascii_alphabetic() => self.begin(c, true),
            State::EndTag if c == '>' => State::Text,
            State::EndTag => State::Bogus,
            State::Name if space || c == '/' => State::BeforeAttribute,
            State::Name if c == '>' => self.close(),
            State::Name => {
                push(&mut self.element, c);
                State::Name
            }
            State::BeforeAttribute | State::AfterAttribute if space => self.state.clone(),
            State::AfterAttribute | State::Attribute if c == '=' => State::BeforeValue,
            State::BeforeAttribute | State::AfterAttribute | State::Attribute if c == '>' => self.close(),
            State::BeforeAttribute | State::AfterAttribute | State::Attribute if c == '/' => State::BeforeAttribute,
            State::BeforeAttribute | State::AfterAttribute => {
                self.attribute.clear();
                push(&mut self.attribute, c);
                State::Attribute
            }
            State::Attribute if space => State::AfterAttribute,
            State::Attribute => {
                push(&mut self.attribute, c);
                State::Attribute
            }
            State::BeforeValue if space => State::BeforeValue,
            State::BeforeValue if c == '"' || c == '\'' => State::Quoted(c),
            State::BeforeValue | State::Unquoted if c == '>' => self.close(),
            State::BeforeValue => State::Unquoted,
            State::Unquoted if space => State::BeforeAttribute,
            State::Unquoted => State::Unquoted,
            State::Quoted(quote) if c == quote => State::BeforeAttribute,
            State::Quoted(quote) => State::Quoted(quote),
            State::Declaration => {
                self.tail.push(c);
                match self.tail.as_str() {
                    "-" => State::Declaration,
                    "--" => State::Comment,
                    _ if c == '>' => State::Text,
                    _ => State::Bogus,
                }
            }
            // The two hyphens of the beginning count for the end: `<!-->` is a whole comment.
            State::Comment if c == '>' && (self.tail.ends_with("--") || self.tail.ends_with("--!")) => State::Text,
            State::Comment => {
                self.keep(c, 3);
                State::Comment
            }
            State::Bogus if c == '>' => State::Text,
            State::Bogus => State::Bogus,
            State::Raw => {
                let ends = self.tail.strip_prefix("</") == Some(self.element.as_str());
                if ends && (space || c == '/' || c == '>') && self.element != "plaintext" {
                    self.is_end = true;
                    if c == '>' { State::Text } else { State::BeforeAttribute }
                } else {
                    if c == '<' {
                        self.tail.clear();
                    }
                    self.keep(c.to_ascii_lowercase(), NAME);
                    State::Raw
                }
            }
        };
    }

    fn begin(&mut self, c: char, is_end: bool) -> State {
        self.is_end = is_end;
        self.element.clear();
        self.attribute.clear();
        push(&mut self.element, c);
        State::Name
    }

    fn close(&mut self) -> State {
        if !self.is_end && RAW.contains(&self.element.as_str()) {
            self.tail.clear();
            State::Raw
        } else {
            State::Text
        }
    }

    fn keep(&mut self, c: char, maximum: usize) {
        if self.tail.chars().count() == maximum {
            self.tail.remove(0);
        }
        self.tail.push(c);
    }
}

fn push(name: &mut String, c: char) {
    if name.len() < NAME {
        name.push(c.to_ascii_lowercase());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        let mut context = Context::new();
        context.feed(text);
        context.place()
    }

    #[test]
    fn places_are_told_apart() {
        for (text, expected) in [
            ("", Place::Text),
            ("<p>a < b ", Place::Text),
            ("<p class=\"a>b\">", Place::Text),
            ("<p class='", Place::Attribute),
            ("<P STYLE = \"", Place::Style),
            ("<p style=", Place::Tag),
            ("<p style=a", Place::Tag),
            ("<p ", Place::Tag),
            ("<p", Place::Tag),
            ("<", Place::Tag),
            ("</p", Place::Tag),
            ("<p/", Place::Tag),
            ("<p a/b='x'>", Place::Text),
            ("<style>", Place::Style),
            ("<style media='print'>p{color:", Place::Style),
            ("<style></styl></style >", Place::Text),
            ("<style></STYLE>", Place::Text),
            ("<style>< /style>", Place::Style),
            ("</style>", Place::Text),
            ("<script>\"</p>\"", Place::Inert),
            ("<title>", Place::Inert),
            ("<!-- <p> ", Place::Inert),
            ("<!-- <p> -->", Place::Text),
            ("<!-- a --!>", Place::Text),
            ("<!DOCTYPE html>", Place::Text),
            ("<!doctype ", Place::Inert),
            ("<?xml ", Place::Inert),
            ("<plaintext></plaintext>", Place::Inert),
        ] {
            assert_eq!(place(text), expected, "{text}");
        }
    }

    #[test]
    fn long_names_take_no_memory() {
        let mut context = Context::new();
        context.feed(&format!("<{}", "a".repeat(100_000)));
        assert_eq!(context.element.len(), NAME);
        assert_eq!(place(&format!("<!--{}", "-".repeat(100_000))), Place::Inert);
    }
}
