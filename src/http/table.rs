//! All operations, one row each. What a row can say stands in [`super::operation`].
//!
//! From a row follow the route (with 405 and `Allow`), the check of the caller, the limit of the body, the entry of the published
//! description, the lines of `rubrica roles` and of the table in the README, and the tests that all operations share. A search for a path
//! or an operation's name leads here, and from here to its handler.

mod consents;
mod consents_beyond;
mod consents_customers;
mod contracts;
mod documents;
mod dynamic_templates;
mod erasure;
mod fills;
mod identification;
mod signers;
mod signing;
mod templates;

use super::call::by;
use super::operation::{KIB, NOT_FOUND, Operation, Reach, answer, get, post};
use super::{sandbox, securize};
use crate::access::Role;

/// The rows, by the rooms of their operations; in the order of the published description.
const ROOMS: &[&[Operation]] = &[
    documents::OPERATIONS,
    templates::OPERATIONS,
    fills::OPERATIONS,
    dynamic_templates::OPERATIONS,
    signing::OPERATIONS,
    identification::OPERATIONS,
    contracts::OPERATIONS,
    signers::OPERATIONS,
    erasure::OPERATIONS,
    OPERATIONS,
    consents_customers::OPERATIONS,
    consents::OPERATIONS,
    consents_beyond::OPERATIONS,
];

/// All rows.
pub fn operations() -> impl Iterator<Item = &'static Operation> {
    ROOMS.iter().copied().flatten()
}

const OPERATIONS: &[Operation] = &[
    // Securize
    post("/v1/orgs/{org_id}/securize", "securize_token")
        .role(Role::Securize, Reach::Organization)
        .says(
            "Make a token for the web component",
            "The token reads that sign process and drives its identifications, and nothing else.",
        )
        .tag("Securize")
        .body_limit(2 * KIB)
        .answers(&[answer(201, "The token.")])
        .refuses(&[NOT_FOUND])
        .run(&by(securize::token)),
    // Sandbox: only where it is on, and without a token
    get("/sandbox/messages", "sandbox_messages")
        .sandbox()
        .says(
            "Read the sandbox's messages",
            "Newest first. Only where the sandbox is on. Where several servers share the store, these are the messages that this one sent.",
        )
        .tag("Sandbox")
        .takes(&[sandbox::TO, sandbox::LIMIT])
        .answers(&[answer(200, "The messages.")])
        .run(&by(sandbox::messages)),
    get("/sandbox/clock", "get_sandbox_clock")
        .sandbox()
        .says("Read process time", "Only where the sandbox is on.")
        .tag("Sandbox")
        .answers(&[answer(200, "Process time.")])
        .run(&by(sandbox::clock)),
    post("/sandbox/clock", "advance_sandbox_clock")
        .sandbox()
        .says(
            "Move process time forward",
            "Expiries, cooldowns and retries come as if the time had passed; tokens and public URLs keep the wall clock. Only where the \
             sandbox is on.",
        )
        .tag("Sandbox")
        .body_limit(2 * KIB)
        .answers(&[answer(200, "Process time after the move.")])
        .run(&by(sandbox::advance)),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::access::ScopedTokens;
    use crate::http::operation::{Access, Segment};

    #[test]
    fn every_row_is_complete_and_agrees_with_its_handler() {
        let (mut ids, mut routes) = (HashSet::new(), HashSet::new());
        for row in operations() {
            let id = row.id;
            assert!(ids.insert(id) && routes.insert((row.method, row.path)), "{id}: it is there twice");
            assert!(!row.tag.is_empty() && !row.summary.is_empty(), "{id}: it has no tag or no summary");

            let mut schemas = Vec::new();
            let answers = row.handler.answers(&mut schemas);
            assert_eq!(row.answers.len(), answers.len(), "{id}: successes of the row and of the handler");
            assert!(!answers.is_empty(), "{id}: it has no success");
            for (success, body) in row.answers.iter().zip(answers) {
                assert_eq!([204, 304].contains(&success.status), body.is_none(), "{id}: {}", success.status);
            }
            let json = row.handler.body(&mut schemas).is_some_and(|body| body.media_types == ["application/json"]);
            // These may be as large as the configuration allows; nothing else needs that.
            let is_large = ["create_sign_process", "validate_agent_identification", "check_consents"].contains(&id);
            assert_eq!(row.body_limit.is_some(), json && !is_large, "{id}: the limit of its body");
            let listed = |status: u16| row.refuses.iter().filter(|refused| refused.status == status).count();
            assert!(
                row.refuses.iter().all(|refused| (400..500).contains(&refused.status) && listed(refused.status) == 1),
                "{id}"
            );
        }
    }

    #[test]
    fn what_a_path_names_is_known_and_the_organization_comes_first() {
        for row in operations() {
            let id = row.id;
            let kinds: Vec<_> = row.path_parameters().map(|parameter| parameter.kind).collect();
            assert_eq!(kinds.len(), row.path.matches('{').count(), "{id}: a name in braces is unknown");
            match row.access {
                Access::Role(..) => {
                    let below = |api: &str| row.path.strip_prefix(api).is_some_and(|path| path.starts_with("/orgs/{org_id}/"));
                    let is_of_pages = row.path.starts_with("/pages/api/{org_id}/");
                    assert!(below("/v1") || below("/v2") || is_of_pages, "{id}");
                    assert!(kinds[1..].iter().all(|kind| *kind != Segment::Organization), "{id}");
                    assert_eq!(row.handler.ids(), Some(kinds.len() - 1), "{id}: identifiers of the path and of the handler");
                }
                Access::Link => {
                    assert!(row.path.starts_with("/public/{public_token}/") && kinds[0] == Segment::Name, "{id}");
                    assert_eq!(row.handler.ids(), Some(kinds.len()), "{id}: identifiers of the path and of the handler");
                }
                Access::Open(weight) => {
                    assert!(row.path.starts_with("/pages/api/{org_id}/") && kinds == [Segment::Organization], "{id}");
                    assert!(weight > 0 && row.handler.ids() == Some(0), "{id}");
                }
                Access::Sandbox => {
                    assert!(row.path.starts_with("/sandbox/") && kinds.is_empty(), "{id}");
                    assert_eq!(row.handler.ids(), None, "{id}");
                }
            }
        }
    }

    #[test]
    fn tokens_for_one_thing_open_these_operations_and_no_others() {
        let open = |tokens: ScopedTokens| -> Vec<&str> {
            let reached = operations().filter(|row| matches!(row.access, Access::Role(_, reach) if reach.tokens() == tokens));
            reached.map(|row| row.id).collect()
        };
        assert_eq!(
            open(ScopedTokens::OfSignProcess),
            [
                "get_sign_process",
                "get_otp_identification",
                "get_agent_identification",
                "get_identity_document_identification",
                "get_scoring",
                "delegate_scoring",
                "list_scoring_attempts",
            ]
        );
        assert_eq!(
            open(ScopedTokens::OfSignature),
            [
                "get_biometric_sign",
                "preview_biometric_sign",
                "sign_biometric",
                "get_simple_sign",
                "preview_simple_sign",
                "sign_simple",
            ]
        );
        assert_eq!(
            open(ScopedTokens::OfSignProcessOrLink),
            [
                "challenge_otp_identification",
                "validate_otp_identification",
                "validate_identity_document_identification",
                "submit_scoring_images",
            ]
        );
        assert_eq!(
            open(ScopedTokens::OfSigner),
            [
                "get_signer_invitation",
                "watch_signer_invitation",
                "decline_signature",
                "resume_signature",
                "challenge_signer_again",
                "prove_signer_again",
            ]
        );
        assert_eq!(open(ScopedTokens::OfChain), ["get_chain_identification"]);
    }
}
