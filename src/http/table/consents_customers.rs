//! Consents of customers (`/v2`).

use super::super::call::by;
use super::super::consents::{self, checks, customers, imports};
use super::super::operation::{KIB, Operation, Reach, Success, answer, delete, get, post, refused};
use crate::access::Role;

pub(super) const OPERATIONS: &[Operation] = &[
    get("/v2/orgs/{org_id}/customers/{customer_id}/consents", "get_customer_consents")
        .role(Role::ConsentsRead, Reach::Customer)
        .says(
            "Read the statements of one customer, with the customer's choices",
            "200 with the mandatory statements and default choices for a customer who is not known in the segment, 202 with all statements for \
             one who is. Filters may be used together; a statement stays only if it passes all of them, and its ancestors come along for \
             context with `read_only: true`. The x-key of the answer stands for what was displayed, to the byte: the capture that follows \
             carries it.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[
            consents::VIEW,
            consents::DISPLAY_FORMAT,
            consents::CONSENT_IDS,
            consents::CHOICE,
            consents::CUSTOMERS_OR_LEADS,
            consents::ACCEPT_LANGUAGE,
            consents::X_SECTOR,
            consents::X_SEGMENT,
        ])
        .answers(&[
            Success { status: 200, description: "The customer is not known in the segment.", headers: &[consents::X_KEY_ANSWER] },
            Success { status: 202, description: "The customer is known in the segment.", headers: &[consents::X_KEY_ANSWER] },
        ])
        .refuses(&[consents::NO_TREE])
        .run(&by(customers::read)),
    post("/v2/orgs/{org_id}/customers/{customer_id}/consents", "set_customer_consents")
        .role(Role::ConsentsWrite, Reach::Customer)
        .says(
            "Create or update a customer's choices, with the evidence of their capture",
            "All or nothing. Per consent the choice with the later capture_date holds, at equal dates the later arrival; repeating a call \
             changes nothing. What is recorded of the display is what the x-key stands for: what this server returned under it, not that a \
             screen showed it.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[
            consents::CUSTOMERS_OR_LEADS,
            consents::X_KEY,
            consents::ACCEPT_LANGUAGE,
            consents::X_SECTOR,
            consents::X_SEGMENT,
        ])
        .body_limit(64 * KIB)
        .answers(&[answer(201, "The choices are recorded, whether the customer was new or not.")])
        .refuses(&[refused(404, "404. The segment has no tree for these users, or a selection is not in it.")])
        .run(&by(customers::capture)),
    delete("/v2/orgs/{org_id}/customers/{customer_id}/consents", "delete_customer_consents")
        .role(Role::ConsentsDelete, Reach::Organization)
        .says(
            "Delete a customer's consents in one segment",
            "They are gone at once from every operation of the contract; what proves them is kept, blocked, for the configured time and then \
             erased. Keys from before do not allow captures any more; the one of the answer does.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[consents::X_SECTOR, consents::X_SEGMENT])
        .answers(&[Success { status: 204, description: "Deleted.", headers: &[consents::X_KEY_ANSWER] }])
        .refuses(&[refused(404, "404. The customer has no consents in the segment.")])
        .run(&by(customers::delete)),
    get("/v2/orgs/{org_id}/customers/{customer_id}", "get_customer")
        .role(Role::ConsentsRead, Reach::Customer)
        .says(
            "Tell whether a known customer should be asked for consents",
            "`impact` is true while a priority consent of the tree is pending for the customer: not answered, or expired.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .takes(&[consents::X_SECTOR, consents::X_SEGMENT])
        .answers(&[answer(200, "The customer is known.")])
        .refuses(&[refused(404, "404. The customer has no consents in the segment, or the segment has no tree.")])
        .run(&by(customers::impact)),
    post("/v2/orgs/{org_id}/consent-checks", "check_consents")
        .role(Role::ConsentsRead, Reach::Organization)
        .says(
            "Ask whether customers may be contacted",
            "An addition to the contract. Up to 10,000 customers at once, answered in their order. It fails closed: who is unknown or deleted, \
             what is pending, expired or suppressed, and what cannot be read is not allowed. The default of an opt-out consent counts for \
             customers who are known and have not objected; its source says so.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .answers(&[answer(200, "One answer for each customer.")])
        .refuses(&[refused(404, "404. The segment has no tree, or a consent is not in it.")])
        .run(&by(checks::check)),
    post("/v2/orgs/{org_id}/consent-imports", "import_consents")
        .role(Role::ConsentsWrite, Reach::Organization)
        .says(
            "Import choices that another system captured",
            "An addition to the contract. Up to 10,000 lines, each a JSON object, and 16 MiB; lines of one customer are taken in their order. \
             Each line is answered by one line, also in that order: a line that is refused changes nothing and keeps no other from being \
             taken. No display is claimed for what is imported. A line that is sent again changes nothing, so a request that broke off is \
             sent again as it was.",
        )
        .tag(consents::CUSTOMER_CONSENTS)
        .answers(&[answer(200, "One result for each line that is not blank.")])
        .run(&by(imports::import)),
];
