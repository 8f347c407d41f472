//! The operations of the signers' own pages, apart from the contract.

use super::super::call::by;
use super::super::operation::{CONFLICT, GONE, KIB, NOT_FOUND, Operation, Reach, Success, answer, get, post, put, refused};
use super::super::{device, page_configuration, signers};
use crate::access::Role;

/// The token in an answer, as that of the contract's validations.
const ACCESS_TOKEN: &[(&str, &str)] = &[("x-access-token", "Token (JWT) for the signature.")];

/// What a request for a new link counts as: it causes a message.
const WEIGHT_OF_A_MESSAGE: u32 = 10;

pub(super) const OPERATIONS: &[Operation] = &[
    post("/pages/api/{org_id}/link", "open_signer_link")
        .open(1)
        .says(
            "Open a signer's link",
            "An addition to the contract. The secret of the link gives a token for an hour and the invitation. It can be opened again at any \
             time, which spends and records nothing. A wrong secret, an unknown signature and a link that was replaced are the same 404.",
        )
        .tag("Signers' pages")
        .body_limit(2 * KIB)
        .answers(&[answer(200, "The token and the invitation.")])
        .refuses(&[NOT_FOUND])
        .run(&by(signers::open_link)),
    post("/pages/api/{org_id}/signs/{sign_id}/token", "create_signer_token")
        .role(Role::Securize, Reach::Organization)
        .says(
            "Make a token for a signer in your own page",
            "An addition to the contract. What the signer's link gives, for an hour, without the link: for the element `<rubrica-sign>` or the frame \
             `/embed` in a page of the organization, whose server asks for it where it knows who looks at the page. It proves nobody's identity: \
             the signer is identified by code all the same.",
        )
        .tag("Signers' pages")
        .answers(&[answer(200, "The token.")])
        .refuses(&[NOT_FOUND])
        .run(&by(signers::token)),
    get("/pages/api/{org_id}/configuration", "get_page_configuration")
        .role(Role::SignConfiguration, Reach::Organization)
        .says("Read how signers' pages look", "An addition to the contract. What was never set is empty, and the version 0.")
        .tag("Signers' pages")
        .answers(&[answer(200, "The page configuration.")])
        .run(&by(page_configuration::read)),
    put("/pages/api/{org_id}/configuration", "set_page_configuration")
        .role(Role::SignConfiguration, Reach::Organization)
        .says(
            "Set how signers' pages look",
            "An addition to the contract. Replaces all of it: what is left out is empty then; what was read can be sent back. The origins may have \
             the element or the frame in their pages and call the API for this organization from browsers. Other servers of the same store see \
             the change after at most 5 seconds.",
        )
        .tag("Signers' pages")
        .body_limit(512 * KIB)
        .answers(&[answer(200, "The page configuration as it is now.")])
        .run(&by(page_configuration::set)),
    post("/pages/api/{org_id}/new-link", "renew_signer_link")
        .open(WEIGHT_OF_A_MESSAGE)
        .says(
            "Send a signer a new link",
            "An addition to the contract. It goes to the contact that is known, at most 3 times in 24 hours; the link of before opens nothing \
             any more. The answer is always the same, so it tells nobody whether there is such a signature.",
        )
        .tag("Signers' pages")
        .body_limit(2 * KIB)
        .answers(&[answer(202, "If there is something to sign, a new link is on its way.")])
        .run(&by(signers::renew_link)),
    post("/pages/api/{org_id}/problem", "report_page_problem")
        .open(1)
        .says("Report a problem of a page", "An addition to the contract. It is counted, by step and kind; nobody is named.")
        .tag("Signers' pages")
        .body_limit(2 * KIB)
        .answers(&[answer(204, "Counted.")])
        .run(&by(signers::report_problem)),
    get("/pages/api/{org_id}/signs/{sign_id}/invitation", "get_signer_invitation")
        .role(Role::Sign, Reach::Signer)
        .says(
            "Read an invitation to sign",
            "An addition to the contract. What the page shows: who asks whom for what until when, and how far it is. Downloads are told to \
             whoever is identified, not to whoever only has the link.",
        )
        .tag("Signers' pages")
        .answers(&[answer(200, "The invitation.")])
        .refuses(&[NOT_FOUND])
        .run(&by(signers::read)),
    get("/pages/api/{org_id}/signs/{sign_id}/watch", "watch_signer_invitation")
        .role(Role::Sign, Reach::Signer)
        .says(
            "Wait for a change of an invitation",
            "An addition to the contract. Answers as soon as the revision is another one, or after 25 seconds.",
        )
        .tag("Signers' pages")
        .takes(&[signers::AFTER])
        .answers(&[answer(200, "The invitation as it is now."), answer(204, "Nothing has changed; ask again.")])
        .refuses(&[NOT_FOUND, refused(429, "429. Too many wait for a change already.")])
        .run(&by(signers::watch)),
    post("/pages/api/{org_id}/signs/{sign_id}/decline", "decline_signature")
        .role(Role::Sign, Reach::Signer)
        .says(
            "Decline to sign",
            "An addition to the contract. Ends the process for all its signers, whose identifications are cancelled. The same signer may say \
             it again, which changes nothing.",
        )
        .tag("Signers' pages")
        .takes(device::HEADERS)
        .body_limit(16 * KIB)
        .answers(&[answer(200, "The invitation as it is now.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(signers::decline)),
    post("/pages/api/{org_id}/signs/{sign_id}/access", "resume_signature")
        .role(Role::Sign, Reach::Signer)
        .says(
            "Come back to a signature",
            "An addition to the contract. A page that sent the digest of a key with a right code gets another token for that key, for as long \
             as `access.resume_lifetime` says. An unknown key is a 401.",
        )
        .tag("Signers' pages")
        .body_limit(2 * KIB)
        .answers(&[Success { status: 200, description: "The token.", headers: ACCESS_TOKEN }])
        .refuses(&[NOT_FOUND])
        .run(&by(signers::resume)),
    put("/pages/api/{org_id}/signs/{sign_id}/access/challenge", "challenge_signer_again")
        .role(Role::Sign, Reach::Signer)
        .says(
            "Ask for a code to come back with",
            "An addition to the contract. For whoever has no key any more: another code of the identification, which is VALIDATED and stays so. It \
             takes one of the remaining challenges.",
        )
        .tag("Signers' pages")
        .body_limit(4 * KIB)
        .answers(&[answer(204, "The code is on its way.")])
        .refuses(&[
            refused(403, "The second factor is wrong."),
            NOT_FOUND,
            CONFLICT,
            refused(412, "Too early for another code."),
            refused(429, "429. Too many codes were asked for."),
        ])
        .run(&by(signers::challenge_again)),
    post("/pages/api/{org_id}/signs/{sign_id}/access/code", "prove_signer_again")
        .role(Role::Sign, Reach::Signer)
        .says(
            "Come back to a signature with a code",
            "An addition to the contract. The identification stays VALIDATED, whatever is typed.",
        )
        .tag("Signers' pages")
        .takes(device::HEADERS_AND_AGENT)
        .body_limit(4 * KIB)
        .answers(&[Success { status: 200, description: "The token.", headers: ACCESS_TOKEN }])
        .refuses(&[refused(403, "The code or the second factor is wrong."), NOT_FOUND, CONFLICT, GONE])
        .run(&by(signers::prove_again)),
];
