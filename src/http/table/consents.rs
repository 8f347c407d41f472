//! Consents (`/v2`).

use super::super::call::by;
use super::super::consents::{self, securize};
use super::super::operation::{KIB, Operation, Reach, answer, post};
use crate::access::Role;

pub(super) const OPERATIONS: &[Operation] = &[
    // Customer Consents
    // Configuration
    // Securize
    post("/v2/orgs/{org_id}/securize", "create_web_component_token")
        .role(Role::Securize, Reach::Organization)
        .says(
            "Exchange a customer id and an actor id for a web component token",
            "Seals both ids into a token that the web component of consents sends as its bearer. It reads and records that customer's \
             consents in every segment, under the customer's id or `self`, and opens nothing else. The customer need not exist.",
        )
        .tag(consents::SECURIZE)
        .body_limit(4 * KIB)
        .answers(&[answer(201, "The token.")])
        .run(&by(securize::token)),
];
