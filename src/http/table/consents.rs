//! Consents (`/v2`).

use super::super::call::by;
use super::super::consents::{
    self, ACCEPT_LANGUAGE, CUSTOMERS_OR_LEADS, DISPLAY_FORMAT, ETAG, ETAG_ANSWER, NO_TREE, PAGE, PAGE_SIZE, USERS_TYPE, VIEW,
    X_SECTOR, X_SEGMENT, X_SEGMENT_REQUIRED,
    configuration::{self, CHOICE_TYPE_FILTER, CONSENT_ID_FILTER},
    securize,
};
use super::super::operation::{KIB, Operation, Reach, Refused, Success, answer, get, patch, post, put, refused};
use crate::access::Role;

const NO_CONSENT: Refused = refused(404, "404. There is no consent with this id.");

pub(super) const OPERATIONS: &[Operation] = &[
    // Customer Consents
    // Configuration
    get("/v2/orgs/{org_id}/consents", "list_consents")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says(
            "List consent definitions",
            "The current version of each, by id. Pages are counted from 0; one past the end is empty.",
        )
        .tag(consents::CONFIGURATION)
        .takes(&[PAGE, PAGE_SIZE, CHOICE_TYPE_FILTER, CONSENT_ID_FILTER])
        .answers(&[answer(200, "One page of definitions.")])
        .run(&by(configuration::list)),
    post("/v2/orgs/{org_id}/consents", "create_consent")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says(
            "Create a consent definition",
            "Its first version. The id is normalised, and the answer has it in its one spelling. A definition is shown to customers once a tree \
             lists it.",
        )
        .tag(consents::CONFIGURATION)
        .body_limit(64 * KIB)
        .answers(&[answer(201, "The definition is created.")])
        .refuses(&[refused(409, "409. The id exists.")])
        .run(&by(configuration::create)),
    patch("/v2/orgs/{org_id}/consents/{consent_id}", "update_consent")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says(
            "Change the texts of a consent",
            "Adds languages, or replaces the texts of those that are named; all others stay. Always makes a new version, and the one before stays \
             in the history.",
        )
        .tag(consents::CONFIGURATION)
        .body_limit(64 * KIB)
        .answers(&[answer(200, "The new version is written; all languages that the consent has now.")])
        .refuses(&[NO_CONSENT])
        .run(&by(configuration::update)),
    get("/v2/orgs/{org_id}/consents/{consent_id}/history", "list_consent_history")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says(
            "List the versions of a consent",
            "Newest first, with the present one. Pages are counted from 0; one past the end, or of a consent that is not there, is empty.",
        )
        .tag(consents::CONFIGURATION)
        .takes(&[PAGE, PAGE_SIZE])
        .answers(&[answer(200, "One page of versions.")])
        .run(&by(configuration::history)),
    get("/v2/orgs/{org_id}/consents/customers", "list_consents_for_customers")
        .role(Role::ConsentsRead, Reach::Customer)
        .says(
            "Read the statements offered to customers, without any particular customer",
            "The segment's tree with default choices: the whole of it, or the views that are asked for. No x-key comes with it.",
        )
        .tag(consents::CONFIGURATION)
        .takes(&[VIEW, DISPLAY_FORMAT, CUSTOMERS_OR_LEADS, ACCEPT_LANGUAGE, X_SECTOR, X_SEGMENT])
        .answers(&[answer(200, "The tree with default choices.")])
        .refuses(&[NO_TREE])
        .run(&by(configuration::offered)),
    get("/v2/orgs/{org_id}/consents/tree", "list_consent_trees")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says("Read the trees of a segment", "The one of customers before the one of leads. The header ETag is what a replacement needs.")
        .tag(consents::CONFIGURATION)
        .takes(&[USERS_TYPE, X_SECTOR, X_SEGMENT])
        .answers(&[Success { status: 200, description: "The current trees.", headers: &[ETAG_ANSWER] }])
        .refuses(&[NO_TREE])
        .run(&by(configuration::list_trees)),
    post("/v2/orgs/{org_id}/consents/tree", "create_consent_tree")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says("Create the tree of a segment", "One for each type of users. One that is there already is a 400 (MCONS_021).")
        .tag(consents::CONFIGURATION)
        .takes(&[X_SEGMENT_REQUIRED])
        .body_limit(64 * KIB)
        .answers(&[answer(204, "The tree is created.")])
        .run(&by(configuration::create_tree)),
    put("/v2/orgs/{org_id}/consents/tree", "update_consent_tree")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says(
            "Replace the tree of a segment",
            "The whole tree: what is left out is not there any more. ETag must hold the tree's present transaction id; a tree that was changed \
             since is a 400 (MCONS_020).",
        )
        .tag(consents::CONFIGURATION)
        .takes(&[X_SEGMENT_REQUIRED, ETAG])
        .body_limit(64 * KIB)
        .answers(&[answer(204, "The tree is replaced.")])
        .refuses(&[NO_TREE])
        .run(&by(configuration::replace_tree)),
    get("/v2/orgs/{org_id}/consents/tree/history", "list_consent_tree_history")
        .role(Role::ConsentsConfiguration, Reach::Organization)
        .says(
            "List the versions of a segment's trees",
            "Strictly newest first, those of customers and of leads in one list. Pages are counted from 0; one past the end is empty.",
        )
        .tag(consents::CONFIGURATION)
        .takes(&[USERS_TYPE, PAGE, PAGE_SIZE, X_SEGMENT_REQUIRED])
        .answers(&[answer(200, "One page of versions.")])
        .run(&by(configuration::tree_history)),
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
