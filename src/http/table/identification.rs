//! Identifications of all kinds, scoring sessions and chains.

use workflows::identification::{agent::Vouching, identity_document::DocumentCheck, otp::OneTimeCode};

use super::super::call::by;
use super::super::operation::{
    CONFLICT, GONE, KIB, NOT_FOUND, Operation, Reach, Success, answer, delete, get, post, put, refused,
};
use super::super::{agent, chain, device, identification, identity_document, otp, scoring};
use crate::access::Role;

pub(super) const OPERATIONS: &[Operation] = &[
    // Identification OTP
    get("/v1/orgs/{org_id}/identifications/otp/{identification_id}", "get_otp_identification")
        .role(Role::Identification, Reach::SignProcessOf(identification::sign_process::<OneTimeCode>))
        .says("Read an OTP identification", "")
        .tag("Identification OTP")
        .answers(&[answer(200, "The identification.")])
        .refuses(&[NOT_FOUND])
        .run(&by(identification::read::<OneTimeCode, otp::OtpIdentification>)),
    put("/v1/orgs/{org_id}/identifications/otp/{identification_id}/challenge", "challenge_otp_identification")
        .role(Role::Identification, Reach::SignerOf(identification::sign_process::<OneTimeCode>))
        .says(
            "Ask for an OTP code",
            "Sends a new code over the channel of the identification and takes one of the remaining challenges. 200 when a second \
             factor was used, else 204.",
        )
        .tag("Identification OTP")
        .body_limit(4 * KIB)
        .answers(&[
            answer(200, "The code is on its way."),
            answer(204, "The code is on its way; no second factor was used."),
        ])
        .refuses(&[
            refused(403, "The second factor is wrong."),
            NOT_FOUND,
            CONFLICT,
            refused(412, "Too early for another code."),
        ])
        .run(&by(otp::challenge)),
    put("/v1/orgs/{org_id}/identifications/otp/{identification_id}/validate", "validate_otp_identification")
        .role(Role::Identification, Reach::SignerOf(identification::sign_process::<OneTimeCode>))
        .says(
            "Check an OTP code",
            "On success the state becomes VALIDATED and `x-access-token` carries a token that reads and makes the signer's signature.",
        )
        .tag("Identification OTP")
        .takes(device::HEADERS_AND_AGENT_AND_RESUME)
        .body_limit(4 * KIB)
        .answers(&[Success {
            status: 204,
            description: "Validated.",
            headers: &[("x-access-token", "Token (JWT) for the signature.")],
        }])
        .refuses(&[refused(403, "The code or the second factor is wrong."), NOT_FOUND, CONFLICT, GONE])
        .run(&by(otp::validate)),
    // Identification OTP Admin
    post("/v1/orgs/{org_id}/identifications/otp", "create_otp_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Create an OTP identification", "No code is sent yet. The organization must have a sign configuration.")
        .tag("Identification OTP Admin")
        .body_limit(16 * KIB)
        .answers(&[answer(201, "The identification is created.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(otp::create)),
    post("/v1/orgs/{org_id}/identifications/otp/{identification_id}/cancel", "cancel_otp_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Cancel an OTP identification", "")
        .tag("Identification OTP Admin")
        .body_limit(16 * KIB)
        .answers(&[answer(204, "Cancelled.")])
        .refuses(&[NOT_FOUND])
        .run(&by(identification::cancel::<OneTimeCode>)),
    post("/v1/orgs/{org_id}/identifications/otp/{identification_id}/contact_check", "check_otp_identification_contact")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says(
            "Record that somebody checked the contact of an OTP identification",
            "An addition to the contract. The second proof that the contact policy of the sign configuration asks for where the signer typed \
             the contact: with it the identification can be VALIDATED. Who checked it, the subject of the token, and the reason stand in \
             the evidence. Possible while it is CREATED, once; the same call again changes nothing.",
        )
        .tag("Identification OTP Admin")
        .body_limit(16 * KIB)
        .answers(&[answer(204, "Recorded.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(otp::check_contact)),
    post("/v1/orgs/{org_id}/identifications/otp/{identification_id}/close", "close_otp_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Close an OTP identification", "A VALIDATED one becomes SUCCEEDED.")
        .tag("Identification OTP Admin")
        .answers(&[answer(204, "Closed.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(identification::close::<OneTimeCode>)),
    delete("/v1/orgs/{org_id}/identifications/otp/{identification_id}", "delete_otp_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says(
            "Delete an OTP identification",
            "In state CREATED no parameter is needed; in any other `force=true` and the role for it.",
        )
        .tag("Identification OTP Admin")
        .takes(&[identification::FORCE])
        .answers(&[answer(204, "Deleted.")])
        .refuses(&[refused(403, "The state needs force and the permission for it."), NOT_FOUND])
        .run(&by(identification::delete::<OneTimeCode>)),
    // Identification Agent
    post("/v1/orgs/{org_id}/identifications/agent/{identification_id}/validate", "validate_agent_identification")
        .role(Role::IdentificationAgent, Reach::Organization)
        .says(
            "Validate an identification as an agent",
            "The agent vouches for the person, with a picture of the identity document where the identification needs one. Only from \
             CREATED; the state becomes VALIDATED. The picture is kept sealed until the identification is deleted or ends unused. The token \
             of a sign process or signature never validates.",
        )
        .tag("Identification Agent")
        .takes(device::HEADERS_AND_AGENT)
        .answers(&[answer(204, "Validated.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(agent::validate)),
    get("/v1/orgs/{org_id}/identifications/agent/{identification_id}", "get_agent_identification")
        .role(Role::IdentificationAgent, Reach::SignProcessOf(identification::sign_process::<Vouching>))
        .says(
            "Read an agent identification",
            "Never shows the picture. The token of a sign process reads how far it is, but not who vouched.",
        )
        .tag("Identification Agent")
        .answers(&[answer(200, "The identification.")])
        .refuses(&[NOT_FOUND])
        .run(&by(agent::read)),
    // Identification Agent Admin
    post("/v1/orgs/{org_id}/identifications/agent", "create_agent_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Create an agent identification", "The identity document of the actor is mandatory.")
        .tag("Identification Agent Admin")
        .body_limit(16 * KIB)
        .answers(&[answer(201, "The identification is created.")])
        .run(&by(agent::create)),
    post("/v1/orgs/{org_id}/identifications/agent/{identification_id}/cancel", "cancel_agent_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Cancel an agent identification", "Only one that is CREATED or VALIDATED.")
        .tag("Identification Agent Admin")
        .body_limit(16 * KIB)
        .answers(&[answer(204, "Cancelled.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(identification::cancel::<Vouching>)),
    post("/v1/orgs/{org_id}/identifications/agent/{identification_id}/close", "close_agent_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Close an agent identification", "A VALIDATED one becomes SUCCEEDED.")
        .tag("Identification Agent Admin")
        .answers(&[answer(204, "Closed.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(identification::close::<Vouching>)),
    delete("/v1/orgs/{org_id}/identifications/agent/{identification_id}", "delete_agent_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says(
            "Delete an agent identification",
            "In state CREATED no parameter is needed; in any other `force=true` and the role for it. The agent's picture is removed.",
        )
        .tag("Identification Agent Admin")
        .takes(&[identification::FORCE])
        .answers(&[answer(204, "Deleted.")])
        .refuses(&[refused(403, "The state needs force and the permission for it."), NOT_FOUND])
        .run(&by(identification::delete::<Vouching>)),
    // Identification with identity document
    get("/v1/orgs/{org_id}/identifications/identity_document/{identification_id}", "get_identity_document_identification")
        .role(Role::Identification, Reach::SignProcessOf(identification::sign_process::<DocumentCheck>))
        .says("Read an identity-document identification", "Names the scoring session that takes the images.")
        .tag("Identification with identity document")
        .answers(&[answer(200, "The identification.")])
        .run(&by(identity_document::read)),
    post(
        "/v1/orgs/{org_id}/identifications/identity_document/{identification_id}/validate",
        "validate_identity_document_identification",
    )
        .role(Role::Identification, Reach::SignerOf(identification::sign_process::<DocumentCheck>))
        .says(
            "Validate an identity-document identification",
            "The document must have been scored before, with a result that passes; `x-access-token` then carries a token that reads and makes \
             the signer's signature. A result that does not pass takes one of the remaining validation attempts; no result yet takes none.",
        )
        .tag("Identification with identity document")
        .takes(device::HEADERS_AND_AGENT_AND_RESUME)
        .answers(&[Success {
            status: 204,
            description: "Validated.",
            headers: &[("x-access-token", "Token (JWT) for the signature.")],
        }])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(identity_document::validate)),
    // Identification with identity document Admin
    post("/v1/orgs/{org_id}/identifications/identity_document", "create_identity_document_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says(
            "Create an identity-document identification",
            "Opens a scoring session along with it. The organization must have a sign configuration.",
        )
        .tag("Identification with identity document Admin")
        .body_limit(16 * KIB)
        .answers(&[answer(200, "The identification is created.")])
        .run(&by(identity_document::create)),
    post(
        "/v1/orgs/{org_id}/identifications/identity_document/{identification_id}/cancel",
        "cancel_identity_document_identification",
    )
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Cancel an identity-document identification", "Closes its scoring session.")
        .tag("Identification with identity document Admin")
        .body_limit(16 * KIB)
        .answers(&[answer(204, "Cancelled.")])
        .refuses(&[NOT_FOUND])
        .run(&by(identification::cancel::<DocumentCheck>)),
    post(
        "/v1/orgs/{org_id}/identifications/identity_document/{identification_id}/close",
        "close_identity_document_identification",
    )
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Close an identity-document identification", "A VALIDATED one becomes SUCCEEDED.")
        .tag("Identification with identity document Admin")
        .answers(&[answer(204, "Closed.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(identification::close::<DocumentCheck>)),
    // Scoring
    post("/v1/orgs/{org_id}/scorings/identity_document", "create_scoring")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says(
            "Open a scoring session",
            "Time limit 1 minute to 30 days; 5 attempts unless said otherwise, at most 50. The organization must have a sign configuration.",
        )
        .tag("Scoring")
        .body_limit(4 * KIB)
        .answers(&[answer(200, "The session is open.")])
        .refuses(&[NOT_FOUND])
        .run(&by(scoring::create)),
    get("/v1/orgs/{org_id}/scorings/identity_document/{scoring_id}", "get_scoring")
        .role(Role::Identification, Reach::SignProcessOf(scoring::sign_process))
        .says("Read a scoring session", "With the newest result.")
        .tag("Scoring")
        .answers(&[answer(200, "The session.")])
        .refuses(&[NOT_FOUND])
        .run(&by(scoring::read)),
    put("/v1/orgs/{org_id}/scorings/identity_document/{scoring_id}/score", "submit_scoring_images")
        .role(Role::Identification, Reach::SignerOf(scoring::sign_process))
        .says(
            "Submit images for scoring",
            "Takes the front, the back or both (JPEG, PNG or WebP) and one of the remaining attempts. Answers when the attempt has ended, with a \
             result or without: `list_scoring_attempts` says which.",
        )
        .tag("Scoring")
        .takes(device::HEADERS_AND_ADDRESS)
        .answers(&[answer(204, "Scored.")])
        .refuses(&[
            NOT_FOUND,
            refused(429, "Another attempt on the session is running, or the provider asks for a pause; no attempt is spent."),
        ])
        .run(&by(scoring::submit)),
    post("/v1/orgs/{org_id}/scorings/identity_document/{scoring_id}/delegate", "delegate_scoring")
        .role(Role::Identification, Reach::SignProcessOf(scoring::sign_process))
        .says(
            "Delegate the scoring",
            "Hands the scoring to the provider of the session and answers with what the client needs to go on there. Takes one of the remaining \
             attempts. The token is told once and kept nowhere.",
        )
        .tag("Scoring")
        .body_limit(32 * KIB)
        .answers(&[answer(200, "Delegated.")])
        .refuses(&[NOT_FOUND])
        .run(&by(scoring::delegate)),
    get("/v1/orgs/{org_id}/scorings/identity_document/{scoring_id}/attempts", "list_scoring_attempts")
        .role(Role::Identification, Reach::SignProcessOf(scoring::sign_process))
        .says("List the attempts of a session", "All attempts, by number. Links to images only for tokens of the organization.")
        .tag("Scoring")
        .answers(&[answer(200, "The attempts.")])
        .refuses(&[NOT_FOUND])
        .run(&by(scoring::attempts)),
    get("/v1/orgs/{org_id}/scorings/identity_document/{scoring_id}/captures", "get_scoring_captures")
        .role(Role::Identification, Reach::Organization)
        .says("Read the captures of a session", "Links to the images of the latest attempt, which work for a while.")
        .tag("Scoring")
        .answers(&[answer(200, "The captures.")])
        .refuses(&[NOT_FOUND])
        .run(&by(scoring::captures)),
    post("/v1/orgs/{org_id}/scorings/identity_document/{scoring_id}/close", "close_scoring")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Close a scoring session", "Final: no image and no change of state is taken afterwards (note scoring-close).")
        .tag("Scoring")
        .answers(&[answer(204, "Closed.")])
        .refuses(&[NOT_FOUND])
        .run(&by(scoring::close)),
    // Identification Chain
    get("/v1/orgs/{org_id}/identifications/chain/{identification_chain_id}", "get_chain_identification")
        .role(Role::Identification, Reach::Chain)
        .says("Read a chained identification", "State of the chain and of each step.")
        .tag("Identification Chain")
        .takes(&[device::USER_AGENT])
        .answers(&[answer(200, "The chain.")])
        .refuses(&[chain::FORBIDDEN, NOT_FOUND])
        .forbids()
        .run(&by(chain::read)),
    post("/v1/orgs/{org_id}/identifications/chain/{identification_chain_id}/validate", "validate_chain_identification")
        .role(Role::Identification, Reach::Organization)
        .says(
            "Validate a chained identification",
            "When the chain is CREATED and all its steps are VALIDATED, it becomes VALIDATED and `x-access-token` carries a token that \
             reads it.",
        )
        .tag("Identification Chain")
        .takes(device::HEADERS_AND_ADDRESS)
        .answers(&[Success {
            status: 204,
            description: "Validated.",
            headers: &[("x-access-token", "Token (JWT) that reads the chain, and proves its validation.")],
        }])
        .refuses(&[
            chain::FORBIDDEN,
            NOT_FOUND,
            refused(409, "409. The chain or one of its steps is not in the needed state."),
        ])
        .forbids()
        .run(&by(chain::validate)),
    post("/v1/orgs/{org_id}/identifications/chain/{identification_chain_id}/restart", "restart_chain_identification")
        .role(Role::Identification, Reach::Organization)
        .says(
            "Restart a chained identification",
            "Puts the chain back to CREATED. Steps that are VALIDATED must be done again, with fresh attempts; those that are CREATED stay \
             as they are.",
        )
        .tag("Identification Chain")
        .takes(&[device::USER_AGENT])
        .answers(&[answer(204, "Restarted.")])
        .refuses(&[
            chain::FORBIDDEN,
            NOT_FOUND,
            refused(409, "409. The chain is neither VALIDATED nor CREATED, or was restarted too many times."),
        ])
        .forbids()
        .run(&by(chain::restart)),
    // Identification Chain Admin
    post("/v1/orgs/{org_id}/identifications/chain", "create_chain_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says(
            "Create a chained identification",
            "Makes one identification per step, all of them now, with the actor of the chain and its time limit. The steps may be done in any \
             order. The organization must have a sign configuration.",
        )
        .tag("Identification Chain Admin")
        .takes(&[device::USER_AGENT])
        .body_limit(16 * KIB)
        .answers(&[answer(201, "The chain is created.")])
        .refuses(&[NOT_FOUND, CONFLICT])
        .run(&by(chain::create)),
    post("/v1/orgs/{org_id}/identifications/chain/{identification_chain_id}/cancel", "cancel_chain_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Cancel a chained identification", "Only a CREATED one can be cancelled. Its steps are cancelled with it.")
        .tag("Identification Chain Admin")
        .takes(&[device::USER_AGENT])
        .body_limit(16 * KIB)
        .answers(&[answer(204, "Cancelled.")])
        .refuses(&[NOT_FOUND, refused(409, "409. The chain is not CREATED.")])
        .run(&by(chain::cancel)),
    post("/v1/orgs/{org_id}/identifications/chain/{identification_chain_id}/close", "close_chain_identification")
        .role(Role::IdentificationAdmin, Reach::Organization)
        .says("Close a chained identification", "A VALIDATED one becomes SUCCEEDED, and so do its steps. Closing it again does nothing.")
        .tag("Identification Chain Admin")
        .takes(&[device::USER_AGENT])
        .answers(&[answer(204, "Closed, or closed before.")])
        .refuses(&[NOT_FOUND, refused(409, "409. The chain is neither VALIDATED nor SUCCEEDED.")])
        .run(&by(chain::close)),
];
