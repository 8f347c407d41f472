//! Mermaid diagrams of the machines, drawn from their tables.

use std::collections::BTreeMap;

use crate::{Machine, identification::otp::Otp, sign_process::SignProcess};

/// One machine as a Mermaid state diagram. Events between the same two states share an arrow.
pub fn mermaid<M: Machine>() -> String {
    let mut arrows: BTreeMap<(usize, &str, &str), Vec<&str>> = BTreeMap::new();
    for (row, transition) in M::TRANSITIONS.iter().enumerate() {
        let first = M::TRANSITIONS.iter().position(|other| (other.from, other.to) == (transition.from, transition.to));
        arrows.entry((first.unwrap_or(row), transition.from, transition.to)).or_default().push(transition.event);
    }
    let mut text = String::from("stateDiagram-v2\n");
    for ((_, from, to), events) in arrows {
        let name = |state: &str| if state == "-" { "[*]".to_owned() } else { state.to_owned() };
        text += &format!("    {} --> {}: {}\n", name(from), name(to), events.join(", "));
    }
    for state in M::TRANSITIONS.iter().map(|row| row.to).collect::<std::collections::BTreeSet<_>>() {
        if !M::TRANSITIONS.iter().any(|row| row.from == state && row.to != state) {
            text += &format!("    {state} --> [*]\n");
        }
    }
    text
}

/// The page `docs/machines.md`.
pub fn page() -> String {
    format!(
        "# The machines\n\nDrawn from the tables in `workflows/` by `cargo run -p workflows --example diagrams`; a test fails when this page is \
         stale.\n\n## {}\n\n```mermaid\n{}```\n\n## {}\n\n```mermaid\n{}```\n",
        SignProcess::KIND,
        mermaid::<SignProcess>(),
        Otp::KIND,
        mermaid::<Otp>(),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_of_diagrams_is_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/machines.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(written, super::page(), "run: cargo run -p workflows --example diagrams > docs/machines.md");
    }
}
