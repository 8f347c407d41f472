//! Consents (`/v2`) beyond the contract: what proves them.

use super::super::call::by;
use super::super::consents::{self, beyond, links};
use super::super::operation::{KIB, NOT_FOUND, Operation, Reach, answer, get, post, put, refused};
use crate::access::Role;

pub(super) const OPERATIONS: &[Operation] = &[
    get("/v2/orgs/{org_id}/customers/{customer_id}/consents/history", "list_customer_consents_history")
        .role(Role::ConsentsRead, Reach::Organization)
        .says(
            "List what happened to a customer's consents",
            "An addition to the contract. The newest first; pages count from 0. Of each event: when it was recorded and when the choices were \
             made, by whom, where, which of its choices still hold, and its hash in the journal's chain. What lies before a deletion is \
             blocked: only callers who may delete see it.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[consents::PAGE, consents::PAGE_SIZE, consents::X_SECTOR, consents::X_SEGMENT])
        .answers(&[answer(200, "The page; empty past the end.")])
        .refuses(&[beyond::NOTHING_CAPTURED])
        .run(&by(beyond::history)),
    get("/v2/orgs/{org_id}/customers/{customer_id}/consents/history/{revision}/display", "get_customer_consents_display")
        .role(Role::ConsentsRead, Reach::Organization)
        .says(
            "Read what was displayed before a capture",
            "An addition to the contract. The answer of the read whose x-key the capture carried, put together again from the edition of the \
             tree and the choices of then, and whether its digest is the one that the capture recorded. What this server answered, not \
             that a screen showed it.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[consents::X_SECTOR, consents::X_SEGMENT])
        .answers(&[answer(200, "What was displayed.")])
        .refuses(&[beyond::NOTHING_CAPTURED])
        .run(&by(beyond::display)),
    get("/v2/orgs/{org_id}/customers/{customer_id}/consents/receipts/{revision}", "get_customer_consents_receipt")
        .role(Role::ConsentsRead, Reach::Organization)
        .says(
            "Issue the receipt of a capture or of a deletion",
            "An addition to the contract. Signed with the organization's certificate as a flattened JWS; its fields are named as in the DPV \
             guide to ISO/IEC TS 27560, without a claim to conform to that. It holds the texts that were shown, what the consent profile \
             says, the commitments of the journal's chain and the entry itself with its salt: `rubrica verify` checks all of it offline.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[beyond::FORMAT, consents::X_SECTOR, consents::X_SEGMENT])
        .answers(&[answer(200, "The receipt.")])
        .refuses(&[beyond::NOTHING_CAPTURED, beyond::NO_RECEIPT])
        .run(&by(beyond::receipt)),
    get("/v2/orgs/{org_id}/customers/{customer_id}/consents/state", "get_customer_consents_state")
        .role(Role::ConsentsRead, Reach::Organization)
        .says(
            "Read a customer's consents as they were at a moment",
            "An addition to the contract. What held at `as_of`, by what was recorded up to `known_at`: per consent the choice with the latest \
             capture date that is not after `as_of`, expiry at that moment. A deletion that was recorded hides whatever came before it.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[beyond::AS_OF, beyond::KNOWN_AT, consents::X_SECTOR, consents::X_SEGMENT])
        .answers(&[answer(200, "The consents that were answered; none of an unknown customer.")])
        .run(&by(beyond::state)),
    post("/v2/orgs/{org_id}/customers/{customer_id}/consent-links", "create_consent_link")
        .role(Role::ConsentsWrite, Reach::Organization)
        .says(
            "Make a link by which the customer withdraws",
            "An addition to the contract. For the headers of a message (RFC 8058): one POST to the link rejects the consents that it names, \
             without a token. It works for two years, reads nothing and grants nothing; using it again changes nothing. Whoever holds the \
             link can do that, so that it goes to the customer alone.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[consents::X_SECTOR, consents::X_SEGMENT])
        .body_limit(16 * KIB)
        .answers(&[answer(201, "The link.")])
        .refuses(&[refused(404, "404. The segment has no tree for customers, or a consent is not in it.")])
        .run(&by(links::create)),
    get("/v2/orgs/{org_id}/consent-profile", "get_consent_profile")
        .role(Role::ConsentsRead, Reach::Organization)
        .says("Read the consent profile", "An addition to the contract. What receipts tell and no capture carries.")
        .tag(consents::CONFIGURATION)
        .answers(&[answer(200, "The profile.")])
        .refuses(&[NOT_FOUND])
        .run(&by(beyond::profile)),
    put("/v2/orgs/{org_id}/consent-profile", "put_consent_profile")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says(
            "Replace the consent profile",
            "An addition to the contract. Controllers, rights, places and times of storage, and the like. Members may be missing; receipts that \
             need them are refused until they are there. A receipt tells the profile of the time of its capture, or the first one after it \
             that says all it needs.",
        )
        .tag(consents::CONFIGURATION)
        .body_limit(64 * KIB)
        .answers(&[answer(204, "The profile is replaced.")])
        .run(&by(beyond::put_profile)),
    post("/v2/orgs/{org_id}/consent-tree-previews", "preview_consent_tree")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says(
            "Try a tree without putting it",
            "An addition to the contract. Checks a whole tree by the rules of its creation and tells what it would change: consents that come, \
             go and move, those for which customers would be asked, and how many customers that concerns: all are counted where they are up to \
             16,384, of more a part that is as large, with bounds. Nothing is written.",
        )
        .tag(consents::CONFIGURATION)
        .takes(&[consents::X_SEGMENT_REQUIRED])
        .body_limit(64 * KIB)
        .answers(&[answer(200, "What it would change.")])
        .run(&by(beyond::preview)),
];
