//! Which role opens which operations, as a table for people: `rubrica roles`, and the README, which a test holds to it.

use std::fmt::Write;

use super::operation::{Access, Operation, Reach};
use super::table::operations;
use crate::access::Role;

/// A table in Markdown, one line per role.
pub fn table() -> String {
    let mut table = "| role | operations |\n| --- | --- |\n".to_owned();
    for role in Role::ALL {
        let operations: Vec<_> = opened_by(role).map(|operation| format!("`{}`", operation.id)).collect();
        let operations = match role {
            Role::IdentificationForceDelete => {
                "besides `identification_admin`: deletions of identifications whose state needs `force=true`".to_owned()
            }
            Role::Console => "of the console (`/console`), in a session: reading".to_owned(),
            Role::ConsoleOperate => "of the console: acts such as cancelling; and those of `console`".to_owned(),
            Role::ConsoleAdmin => {
                "of the console: what holds for the whole organization; and those of `console_operate`".to_owned()
            }
            Role::Agent => {
                "of the agents' desk (`/desk`), in a session: identifying customers and handing devices over".to_owned()
            }
            _ => match role.includes() {
                Some(included) => format!("{}; and those of `{included}`", operations.join(", ")),
                None => operations.join(", "),
            },
        };
        let _ = writeln!(table, "| `{role}` | {operations} |");
    }
    table
}

/// A table in Markdown of what the tokens for one thing open.
pub fn scoped_table() -> String {
    let of = |wanted: fn(Reach) -> bool| -> String {
        let reached = operations().filter(|operation| matches!(operation.access, Access::Role(_, reach) if wanted(reach)));
        reached.map(|operation| format!("`{}`", operation.id)).collect::<Vec<_>>().join(", ")
    };
    let process = of(|reach| matches!(reach, Reach::SignProcess | Reach::SignProcessOf(_) | Reach::SignerOf(_)));
    let signature = of(|reach| matches!(reach, Reach::Signature | Reach::Signer));
    let link = of(|reach| matches!(reach, Reach::SignerOf(_) | Reach::Signer));
    let chain = of(|reach| matches!(reach, Reach::Chain));
    let customer = of(|reach| matches!(reach, Reach::Customer));
    format!(
        "| token | operations |\n| --- | --- |\n| of one sign process (`securize_token`) | {process} |\n\
         | of one signature (`x-access-token`) | {signature} |\n| of one signer's link (`open_signer_link`) | {link} |\n\
         | of one chain (`x-access-token`) | {chain} |\n\
         | of one customer and actor (`create_web_component_token`) | {customer} |\n"
    )
}

fn opened_by(role: Role) -> impl Iterator<Item = &'static Operation> {
    operations().filter(move |operation| matches!(operation.access, Access::Role(needed, _) if needed == role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_says_which_role_opens_what() {
        let readme = include_str!("../../README.md");
        for table in [table(), scoped_table()] {
            assert!(readme.contains(&table), "README.md is stale; `cargo run -- roles` prints:\n{table}");
        }
    }
}
