//! Erasure and legal holds.

use super::super::call::by;
use super::super::operation::{CONFLICT, KIB, NOT_FOUND, Operation, Reach, answer, delete, get, post, put};
use super::super::{consents, erasure, legal_holds};
use crate::access::Role;

pub(super) const OPERATIONS: &[Operation] = &[
    post("/v1/orgs/{org_id}/sign_process/{sign_process_id}/erasure", "erase_sign_process")
        .role(Role::Erasure, Reach::Organization)
        .says(
            "Erase a sign process",
            "An addition to the contract. Makes an ended sign process unreadable for good, with its identifications, their scoring sessions, \
             images, handwritings, its sealed documents and its certificate. Uploaded documents and the signed documents of contracts stay. \
             What goes on, or is under a legal hold, is a 409. Afterwards the process is a 404.",
        )
        .tag("Erasure")
        .body_limit(16 * KIB)
        .answers(&[answer(200, "It is erased.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(erasure::sign_process)),
    post("/v2/orgs/{org_id}/customers/{customer_id}/erasure", "erase_customer")
        .role(Role::Erasure, Reach::Organization)
        .says(
            "Erase the consents of a customer",
            "An addition to the contract. Makes all that was captured of the customer unreadable for good, in all segments; oppositions go on as \
             suppressions. The same again changes nothing, and so does a customer whom nobody knows. Under a legal hold it is a 409.",
        )
        .tag("Erasure")
        .body_limit(16 * KIB)
        .answers(&[answer(200, "They are erased.")])
        .refuses(&[CONFLICT])
        .run(&by(erasure::customer)),
    put("/v2/orgs/{org_id}/legal-holds/{hold_name}", "set_legal_hold")
        .role(Role::LegalHold, Reach::Organization)
        .says(
            "Set a legal hold",
            "An addition to the contract. While it stands nothing that it covers is erased: not when its time is over, and not when somebody \
             asks for it. The same again changes nothing; where another hold of this name stands it is a 409.",
        )
        .tag("Erasure")
        .body_limit(16 * KIB)
        .answers(&[answer(200, "It stands.")])
        .refuses(&[CONFLICT])
        .run(&by(legal_holds::set)),
    delete("/v2/orgs/{org_id}/legal-holds/{hold_name}", "lift_legal_hold")
        .role(Role::LegalHold, Reach::Organization)
        .says("Lift a legal hold", "An addition to the contract. Who set and who lifted it stays readable.")
        .tag("Erasure")
        .answers(&[answer(204, "It is lifted.")])
        .refuses(&[NOT_FOUND])
        .run(&by(legal_holds::lift)),
    get("/v2/orgs/{org_id}/legal-holds/{hold_name}", "get_legal_hold")
        .role(Role::LegalHold, Reach::Organization)
        .says("Read a legal hold", "An addition to the contract. With all that was done to it.")
        .tag("Erasure")
        .answers(&[answer(200, "The hold.")])
        .refuses(&[NOT_FOUND])
        .run(&by(legal_holds::read)),
    get("/v2/orgs/{org_id}/legal-holds", "list_legal_holds")
        .role(Role::LegalHold, Reach::Organization)
        .says("List the legal holds", "An addition to the contract. Those that were lifted included.")
        .tag("Erasure")
        .takes(&[consents::PAGE, consents::PAGE_SIZE])
        .answers(&[answer(200, "A page of them.")])
        .run(&by(legal_holds::list)),
];
