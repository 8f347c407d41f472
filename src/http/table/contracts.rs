//! Contracts.

use super::super::call::by;
use super::super::operation::{GONE, KIB, NOT_FOUND, Operation, Parameter, Reach, answer, get, post, put};
use super::super::{context, contracts};
use super::fills;
use crate::access::Role;

const OWNER: Parameter = context::owner("Owner of the contract. Always mandatory.").required();

pub(super) const OPERATIONS: &[Operation] = &[
    get("/v1/orgs/{org_id}/contracts/{contract_id}", "get_contract")
        .role(Role::Contracts, Reach::Organization)
        .says(
            "Read a contract",
            "Identifiers of the filled and the signed document and of the sign process. Takes no owner header, unlike the other contract \
             operations.",
        )
        .tag("Contracts")
        .answers(&[answer(200, "The contract.")])
        .refuses(&[NOT_FOUND])
        .run(&by(contracts::read)),
    post("/v1/orgs/{org_id}/contracts/fill", "fill_contract")
        .role(Role::Contracts, Reach::Organization)
        .says(
            "Fill a contract",
            "Fills a template, with rules, language and configuration as in fill_template, stores the flattened result as a private document \
             of the owner and registers a contract for it. Fields for signatures stay. Labels are put in lower case here. The answer has the headers of fill_template_to_document.",
        )
        .tag("Contracts")
        .takes(&[OWNER])
        .body_limit(fills::BODY)
        .answers(&[answer(200, "The contract is registered.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(contracts::fill)),
    put("/v1/orgs/{org_id}/contracts/{contract_id}/owner", "change_contract_owner")
        .role(Role::Contracts, Reach::Organization)
        .says(
            "Change the owner of a contract",
            "x-auth-owner names the present owner. The new one is stored in normalised form. The documents of the contract move along.",
        )
        .tag("Contracts")
        .takes(&[OWNER])
        .body_limit(2 * KIB)
        .answers(&[answer(200, "The owner changed.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(contracts::change_owner)),
    post("/v1/orgs/{org_id}/contracts/sign", "sign_contracts")
        .role(Role::Contracts, Reach::Organization)
        .says(
            "Create a sign process for contracts",
            "Starts a sign process over the filled documents of the contracts. Takes no owner header. ONLINE makes simple signatures with \
             one-time codes. Signature fields of a document that are named after the alias of a signer are signed by that signer. A \
             contract that is under signature or signed already is a 409.",
        )
        .tag("Contracts")
        .body_limit(256 * KIB)
        .answers(&[answer(201, "The sign process is created.")])
        .run(&by(contracts::sign)),
];
