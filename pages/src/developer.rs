//! Pages for developers: what errors mean, and the sandbox's messages. In English, as the API's description is.

use askama::Template;

use crate::{assets, render};

#[derive(Template)]
#[template(path = "errors.html")]
struct Errors;

#[derive(Template)]
#[template(path = "sandbox.html")]
struct Sandbox {
    shared: bool,
}

/// What the codes of errors mean: each has a heading whose id is the code.
pub fn errors() -> String {
    render(&Errors)
}

/// The messages that would have been sent. `shared`: whether other servers share the store; each shows its own.
pub fn sandbox(shared: bool) -> String {
    render(&Sandbox { shared })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_stands_in_the_pages_that_their_policy_forbids() {
        for page in [errors(), sandbox(false)] {
            assert!(!page.contains("<style") && !page.contains("style=") && !page.contains("<script>"), "{page}");
            assert!(page.contains(assets::PAGE_CSS), "{page}");
        }
    }

    #[test]
    fn that_others_have_messages_is_said_where_there_are_others() {
        assert!(sandbox(true).contains("Several servers") && !sandbox(false).contains("Several servers"));
    }
}
