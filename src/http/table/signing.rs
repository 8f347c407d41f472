//! Sign configurations, sign processes, biometric and simple signatures.

use super::super::call::by;
use super::super::operation::{CONFLICT, KIB, Operation, Reach, Success, answer, get, patch, post};
use super::super::{biometric_sign, device, sign_configuration, sign_process, simple_sign};
use crate::access::Role;

pub(super) const OPERATIONS: &[Operation] = &[
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
    // Biometric Signature
    get("/v1/orgs/{org_id}/biometric_signs/{sign_id}", "get_biometric_sign")
        .role(Role::Sign, Reach::Signature)
        .says(
            "Read a biometric signature",
            "What the signer sees: documents to preview and to sign, those signed, and the identification to pass.",
        )
        .tag("Biometric Signature")
        .answers(&[answer(200, "The signature.")])
        .run(&by(biometric_sign::read)),
    post("/v1/orgs/{org_id}/biometric_signs/{sign_id}/preview", "preview_biometric_sign")
        .role(Role::Sign, Reach::Signature)
        .says(
            "Record the preview of a biometric signature",
            "Records, with the device data of the headers as evidence, that the signer saw the documents.",
        )
        .tag("Biometric Signature")
        .takes(device::HEADERS)
        .answers(&[answer(204, "Recorded.")])
        .run(&by(biometric_sign::preview)),
    post("/v1/orgs/{org_id}/biometric_signs/{sign_id}/sign", "sign_biometric")
        .role(Role::Sign, Reach::Signature)
        .says(
            "Sign with a biometric signature",
            "Takes the biometric data and the image of the handwriting. Signs all signable documents of the signer, whose identification \
             must be VALIDATED. A handwriting whose quality is too low is a 400 that names the figure, one that was used before a 409.",
        )
        .tag("Biometric Signature")
        .takes(device::HEADERS)
        .body_limit(1024 * KIB)
        .answers(&[answer(204, "Signed.")])
        .run(&by(biometric_sign::sign)),
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
];
