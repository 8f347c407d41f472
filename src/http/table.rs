//! All operations, one row each. What a row can say stands in [`super::operation`].
//!
//! From a row follow the route (with 405 and `Allow`), the check of the caller, the limit of the body, the entry of the published
//! description, the lines of `rubrica roles` and of the table in the README, and the tests that all operations share. A search for a path
//! or an operation's name leads here, and from here to its handler.

use workflows::identification::{agent::Vouching, identity_document::DocumentCheck, otp::OneTimeCode};

use super::call::by;
use super::operation::{
    CONFLICT, GONE, KIB, NOT_FOUND, Operation, Reach, Success, answer, delete, get, patch, post, put, refused,
};
use super::{
    agent, chain, context, device, documents, identification, identity_document, otp, sandbox, scoring, securize,
    sign_configuration, sign_process, simple_sign,
};
use crate::access::Role;

pub const OPERATIONS: &[Operation] = &[
    // Documents
    post("/v1/orgs/{org_id}/documents", "upload_document")
        .role(Role::DocumentsWrite, Reach::Organization)
        .says(
            "Upload a document",
            "Stores the bytes under a new identifier. With x-auth-owner the document is private to that owner, without it the \
             document is public. The bytes must be of the declared extension.",
        )
        .tag("Documents")
        .takes(&[context::owner("Owner of the document. Without it the document is public.")])
        .answers(&[answer(201, "The document is stored.")])
        .run(&by(documents::upload)),
    get("/v1/orgs/{org_id}/documents/{document_id}", "download_document")
        .role(Role::DocumentsRead, Reach::Organization)
        .says(
            "Download a document",
            "Answers with the bytes. Content-Type is the media type of the document, Content-Disposition carries its file name.",
        )
        .tag("Documents")
        .takes(&[context::OWNER])
        .answers(&[Success {
            status: 200,
            description: "The bytes of the document.",
            headers: &[("Content-Disposition", "File name of the download.")],
        }])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(documents::download)),
    delete("/v1/orgs/{org_id}/documents/{document_id}", "delete_document")
        .role(Role::DocumentsWrite, Reach::Organization)
        .says("Delete a document", "Logical deletion: the document becomes unreachable, its record stays.")
        .tag("Documents")
        .takes(&[context::OWNER])
        .answers(&[answer(200, "The document is deleted.")])
        .refuses(&[NOT_FOUND, CONFLICT, GONE])
        .run(&by(documents::delete)),
    delete("/v1/orgs/{org_id}/documents/{document_id}/physical", "delete_document_physically")
        .role(Role::DocumentsAdmin, Reach::Organization)
        .says(
            "Delete a document physically",
            "Removes the stored bytes for good. A process that needs them for its evidence keeps its own copy until it ends.",
        )
        .tag("Documents")
        .takes(&[context::OWNER])
        .answers(&[answer(200, "The document is deleted.")])
        .refuses(&[NOT_FOUND, CONFLICT, GONE])
        .run(&by(documents::delete_physically)),
    get("/v1/orgs/{org_id}/documents/{document_id}/metadata", "get_document_metadata")
        .role(Role::DocumentsRead, Reach::Organization)
        .says(
            "Read the metadata of a document",
            "With `include=activeContent` they tell what of a PDF is more than pages.",
        )
        .tag("Documents")
        .takes(&[context::OWNER, documents::INCLUDE])
        .answers(&[answer(200, "The metadata.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(documents::metadata)),
    post("/v1/orgs/{org_id}/documents/{document_id}/public_url", "create_document_public_url")
        .role(Role::DocumentsRead, Reach::Organization)
        .says(
            "Make a temporary public URL",
            "Signs a URL that anyone can use until it expires: 24 hours from now unless a shorter time is asked for, never longer.",
        )
        .tag("Documents")
        .takes(&[context::OWNER])
        .body_limit(2 * KIB)
        .answers(&[answer(200, "The URL.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(documents::create_public_url)),
    put("/v1/orgs/{org_id}/documents/{document_id}/owner", "change_document_owner")
        .role(Role::DocumentsAdmin, Reach::Organization)
        .says(
            "Change the owner of a document",
            "Works only for a document that is private already. x-auth-owner names the present owner.",
        )
        .tag("Documents")
        .takes(&[context::owner("Present owner of the document.")])
        .body_limit(4 * KIB)
        .answers(&[answer(200, "The owner changed.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(documents::change_owner)),
    // Sign Configuration
    get("/v1/orgs/{org_id}/sign_process/configurations", "get_sign_configuration")
        .role(Role::SignConfiguration, Reach::Organization)
        .says("Read the sign configuration", "An organization without a configuration gets a 404.")
        .tag("Sign Configuration")
        .answers(&[answer(200, "The configuration.")])
        .run(&by(sign_configuration::read)),
    post("/v1/orgs/{org_id}/sign_process/configurations", "create_sign_configuration")
        .role(Role::SignConfiguration, Reach::Organization)
        .says(
            "Create the sign configuration",
            "Stores the settings and the PKCS#12 certificate with which documents are signed. The certificate must open with the \
             password, else 401. A configuration that exists already is replaced.",
        )
        .tag("Sign Configuration")
        .answers(&[answer(204, "The configuration is created.")])
        .run(&by(sign_configuration::create)),
    patch("/v1/orgs/{org_id}/sign_process/configurations", "update_sign_configuration")
        .role(Role::SignConfiguration, Reach::Organization)
        .says(
            "Update the sign configuration",
            "As the creation, but every field is optional; fields left out keep their value.",
        )
        .tag("Sign Configuration")
        .answers(&[answer(204, "The configuration is updated.")])
        .run(&by(sign_configuration::update)),
    // Sign Process
    post("/v1/orgs/{org_id}/sign_process", "create_sign_process")
        .role(Role::SignProcess, Reach::Organization)
        .says(
            "Create a sign process",
            "Makes one signature and one identification per signer. Documents must exist, be reachable by the stated owner and be \
             PDFs; sign fields named must be in them and unsigned.",
        )
        .tag("Sign Process")
        .answers(&[Success {
            status: 201,
            description: "The process is created.",
            headers: &[("Location", "Path of the created sign process, /orgs/{org_id}/sign_process/{id}.")],
        }])
        .run(&by(sign_process::create)),
    get("/v1/orgs/{org_id}/sign_process/{sign_process_id}", "get_sign_process")
        .role(Role::SignProcess, Reach::SignProcess)
        .says("Read a sign process", "State of the process and of each signature.")
        .tag("Sign Process")
        .answers(&[answer(200, "The process.")])
        .run(&by(sign_process::read)),
    post("/v1/orgs/{org_id}/sign_process/{sign_process_id}/cancel", "cancel_sign_process")
        .role(Role::SignProcess, Reach::Organization)
        .says("Cancel a sign process", "Only a CREATED one can be cancelled.")
        .tag("Sign Process")
        .body_limit(16 * KIB)
        .answers(&[answer(204, "The process is cancelled.")])
        .refuses(&[CONFLICT])
        .run(&by(sign_process::cancel)),
    // Simple Signature
    get("/v1/orgs/{org_id}/simple_signs/{sign_id}", "get_simple_sign")
        .role(Role::Sign, Reach::Signature)
        .says(
            "Read a simple signature",
            "What the signer sees: documents to preview and to sign, those signed, and the identification to pass.",
        )
        .tag("Simple Signature")
        .answers(&[answer(200, "The signature.")])
        .run(&by(simple_sign::read)),
    post("/v1/orgs/{org_id}/simple_signs/{sign_id}/preview", "preview_simple_sign")
        .role(Role::Sign, Reach::Signature)
        .says(
            "Record the preview of a simple signature",
            "Records, with the device data of the headers as evidence, that the signer saw the documents.",
        )
        .tag("Simple Signature")
        .takes(device::HEADERS)
        .answers(&[answer(204, "Recorded.")])
        .run(&by(simple_sign::preview)),
    post("/v1/orgs/{org_id}/simple_signs/{sign_id}/sign", "sign_simple")
        .role(Role::Sign, Reach::Signature)
        .says(
            "Sign with a simple signature",
            "Takes no body: the call is the consent. Signs all signable documents of the signer, whose identification must be \
             VALIDATED.",
        )
        .tag("Simple Signature")
        .takes(device::HEADERS)
        .answers(&[answer(204, "Signed.")])
        .run(&by(simple_sign::sign)),
    // Identification OTP
    get("/v1/orgs/{org_id}/identifications/otp/{identification_id}", "get_otp_identification")
        .role(Role::Identification, Reach::SignProcessOf(identification::sign_process::<OneTimeCode>))
        .says("Read an OTP identification", "")
        .tag("Identification OTP")
        .answers(&[answer(200, "The identification.")])
        .refuses(&[NOT_FOUND])
        .run(&by(identification::read::<OneTimeCode, otp::OtpIdentification>)),
    put("/v1/orgs/{org_id}/identifications/otp/{identification_id}/challenge", "challenge_otp_identification")
        .role(Role::Identification, Reach::SignProcessOf(identification::sign_process::<OneTimeCode>))
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
        .role(Role::Identification, Reach::SignProcessOf(identification::sign_process::<OneTimeCode>))
        .says(
            "Check an OTP code",
            "On success the state becomes VALIDATED and `x-access-token` carries a token that reads and makes the signer's signature.",
        )
        .tag("Identification OTP")
        .takes(device::HEADERS_AND_AGENT)
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
        .role(Role::Identification, Reach::SignProcessOf(identification::sign_process::<DocumentCheck>))
        .says(
            "Validate an identity-document identification",
            "The document must have been scored before, with a result that passes; `x-access-token` then carries a token that reads and makes \
             the signer's signature. A result that does not pass takes one of the remaining validation attempts; no result yet takes none.",
        )
        .tag("Identification with identity document")
        .takes(device::HEADERS_AND_AGENT)
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
        .role(Role::Identification, Reach::SignProcessOf(scoring::sign_process))
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
        for row in OPERATIONS {
            let id = row.id;
            assert!(ids.insert(id) && routes.insert((row.method, row.path)), "{id}: it is there twice");
            assert!(!row.tag.is_empty() && !row.summary.is_empty(), "{id}: it has no tag or no summary");

            let mut schemas = Vec::new();
            let answers = row.handler.answers(&mut schemas);
            assert_eq!(row.answers.len(), answers.len(), "{id}: successes of the row and of the handler");
            assert!(!answers.is_empty(), "{id}: it has no success");
            for (success, body) in row.answers.iter().zip(answers) {
                assert_eq!(success.status == 204, body.is_none(), "{id}: {}", success.status);
            }
            let json = row.handler.body(&mut schemas).is_some_and(|body| body.media_types == ["application/json"]);
            // These may be as large as the configuration allows; nothing else needs that.
            let is_large = ["create_sign_process", "validate_agent_identification"].contains(&id);
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
        for row in OPERATIONS {
            let id = row.id;
            let kinds: Vec<_> = row.path_parameters().map(|parameter| parameter.kind).collect();
            assert_eq!(kinds.len(), row.path.matches('{').count(), "{id}: a name in braces is unknown");
            match row.access {
                Access::Role(..) => {
                    assert!(row.path.starts_with("/v1/orgs/{org_id}/"), "{id}");
                    assert!(kinds[1..].iter().all(|kind| *kind != Segment::Organization), "{id}");
                    assert_eq!(row.handler.ids(), Some(kinds.len() - 1), "{id}: identifiers of the path and of the handler");
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
            let reached =
                OPERATIONS.iter().filter(|row| matches!(row.access, Access::Role(_, reach) if reach.tokens() == tokens));
            reached.map(|row| row.id).collect()
        };
        assert_eq!(
            open(ScopedTokens::OfSignProcess),
            [
                "get_sign_process",
                "get_otp_identification",
                "challenge_otp_identification",
                "validate_otp_identification",
                "get_agent_identification",
                "get_identity_document_identification",
                "validate_identity_document_identification",
                "get_scoring",
                "submit_scoring_images",
                "delegate_scoring",
                "list_scoring_attempts",
            ]
        );
        assert_eq!(open(ScopedTokens::OfSignature), ["get_simple_sign", "preview_simple_sign", "sign_simple"]);
        assert_eq!(open(ScopedTokens::OfChain), ["get_chain_identification"]);
    }
}
