//! Documents.

use super::super::call::by;
use super::super::operation::{
    CONFLICT, GONE, KIB, NOT_FOUND, Operation, Reach, Refused, Success, answer, delete, get, post, put, refused,
};
use super::super::{context, document_pages, documents, verify};
use crate::access::Role;

/// For a page that can only be downloaded.
const UNSHOWN: Refused =
    refused(422, "422. The page cannot be shown here: it is of no PDF, needs a password or took too much. It can be downloaded.");

pub(super) const OPERATIONS: &[Operation] = &[
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
    get("/public/{public_token}/pages", "list_document_pages")
        .link()
        .says(
            "Read the text of a document's pages",
            "An addition to the contract. Below a public URL, which is the only credential. Sizes and text of pages of a PDF, as a reader sees \
             them: turned and cropped, with text that is there for search alone, as of scans. Only the pages that are asked for are read.",
        )
        .tag("Document pages")
        .takes(&[document_pages::FROM, document_pages::COUNT])
        .answers(&[
            Success { status: 200, description: "The pages.", headers: document_pages::KEPT },
            Success { status: 304, description: "As the caller has them.", headers: document_pages::KEPT },
        ])
        .refuses(&[NOT_FOUND, GONE, UNSHOWN])
        .run(&by(document_pages::list)),
    get("/public/{public_token}/pages/{page}/{width}", "get_document_page")
        .link()
        .says(
            "Show a page of a document",
            "An addition to the contract. Below a public URL, which is the only credential. The page of a PDF as an image: 16 greys where \
             nothing on it has a colour, a JPEG where a PNG would be large. A page that is very tall is narrower than is asked for, so \
             that it has no more than 12,000,000 pixels.",
        )
        .tag("Document pages")
        .answers(&[
            Success { status: 200, description: "The page.", headers: document_pages::KEPT },
            Success { status: 304, description: "As the caller has it.", headers: document_pages::KEPT },
        ])
        .refuses(&[NOT_FOUND, GONE, UNSHOWN])
        .run(&by(document_pages::image)),
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
    // Who reads documents may know what their signatures are worth; of the organization it tells its certificate, which stands on every seal.
    post("/v1/orgs/{org_id}/verify", "verify_document")
        .role(Role::DocumentsRead, Reach::Organization)
        .says(
            "Verify a signed PDF",
            "An addition to the contract. Says of each signature who made it, when, what it covers, whether it is intact and trusted, and what changed \
             afterwards. The file is not stored. Trusted are the roots of the configuration and the organization's own certificate. A file that is no \
             PDF, needs a password, has more than 100 signatures, or took too long twice is a 400.",
        )
        .tag("Verification")
        .answers(&[answer(200, "What is said of the file.")])
        .run(&by(verify::verify)),
];
