//! Fills of forms and templates.

use super::super::call::by;
use super::super::operation::{GONE, KIB, NOT_FOUND, Operation, Reach, Success, answer, get, post};
use super::super::{context, download, dynamic_fills, fills};
use crate::access::Role;

/// Maximum size of the body of a fill: names and values of one mebibyte, however JSON spells them.
pub(super) const BODY: usize = 2048 * KIB;

const FORM: &[(&str, &str)] = &[download::FILE_NAME, fills::IGNORED, fills::REPLACED];
const TEMPLATE: &[(&str, &str)] =
    &[download::FILE_NAME, fills::TEMPLATE_VERSION, fills::CONFIGURATION_VERSION, fills::IGNORED, fills::REPLACED];
const DOCUMENT: &[(&str, &str)] = &[fills::TEMPLATE_VERSION, fills::CONFIGURATION_VERSION, fills::IGNORED, fills::REPLACED];
const FORM_PAGE: &[(&str, &str)] = &[download::FILE_NAME, fills::PAGES, fills::IGNORED, fills::REPLACED];
const TEMPLATE_PAGE: &[(&str, &str)] =
    &[download::FILE_NAME, fills::TEMPLATE_VERSION, fills::CONFIGURATION_VERSION, fills::PAGES, fills::IGNORED, fills::REPLACED];

const fn success(description: &'static str, headers: &'static [(&'static str, &'static str)]) -> Success {
    Success { status: 200, description, headers }
}

pub(super) const OPERATIONS: &[Operation] = &[
    post("/v1/orgs/{org_id}/dynamic_templates/{external_id}/versions/{major_version}/fill", "fill_dynamic_template")
        .role(Role::TemplatesFill, Reach::Organization)
        .says(
            "Ask for a fill",
            "Asynchronous. The whole of `fields_values` is validated against the schema of the version, the request is registered, and the \
             answer carries the id for GET fill_process. The latest minor of the major is used, as it is now: later versions and deletions \
             change nothing. The document gets an extra tag {templateExternalId}-v{templateVersion}, stored literally, and no owner. While as \
             many fills wait as may, it is a 503.",
        )
        .tag("DynamicTemplates")
        .takes(&[dynamic_fills::ORIGIN])
        .body_limit(BODY)
        .answers(&[Success { status: 202, description: "The request is registered.", headers: &[dynamic_fills::ORIGIN_TOLD] }])
        .refuses(&[NOT_FOUND])
        .run(&by(dynamic_fills::fill)),
    get("/v1/orgs/{org_id}/fill_process/{fill_process_id}", "get_fill_process")
        .role(Role::TemplatesFill, Reach::Organization)
        .says("Read the state of a fill", "CREATED, PROCESSING, COMPLETED or FAILED, with the fields that belong to the state.")
        .tag("DynamicTemplates")
        .answers(&[answer(200, "The state.")])
        .refuses(&[NOT_FOUND])
        .run(&by(dynamic_fills::read)),
    post("/v1/orgs/{org_id}/templates/forms/{form_id}/fill", "fill_form")
        .role(Role::TemplatesFill, Reach::Organization)
        .says(
            "Fill a form",
            "Prints the values into the form and answers with the PDF, flattened; nothing is stored. The templates configuration has no part \
             in it.",
        )
        .tag("Forms")
        .body_limit(BODY)
        .answers(&[success("The filled PDF.", FORM)])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(fills::fill_form)),
    post("/v1/orgs/{org_id}/templates/forms/{form_id}/fill/preview", "preview_form_fill")
        .role(Role::TemplatesFill, Reach::Organization)
        .says(
            "Look at a page of a filled form",
            "An addition to the contract. Fills as fill_form does and answers with one page of the result as a picture at 100 dots per inch; \
             nothing is stored.",
        )
        .tag("Forms")
        .takes(&[fills::PAGE])
        .body_limit(BODY)
        .answers(&[success("The page as a PNG.", FORM_PAGE)])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(fills::preview_form)),
    post("/v1/orgs/{org_id}/templates/{template_external_id}/versions/{version}/fill", "fill_template")
        .role(Role::TemplatesFill, Reach::Organization)
        .says(
            "Fill a template",
            "Joins the sections that apply, in their order, in the asked language, prints the values and answers with the PDF, flattened; \
             nothing is stored. A section with rules is printed only if the conditions of all of them are among flagsConditions; when none is \
             printed it is a 400. A section without a form in the asked language is filled from that in `defaultLanguage`. Fields named in the \
             latest configuration take its value unless the call has one. The latest minor of the version is used.",
        )
        .tag("Templates")
        .body_limit(BODY)
        .answers(&[success("The filled PDF.", TEMPLATE)])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(fills::fill_template)),
    post("/v1/orgs/{org_id}/templates/{template_external_id}/versions/{version}/fill/preview", "preview_template_fill")
        .role(Role::TemplatesFill, Reach::Organization)
        .says(
            "Look at a page of a filled template",
            "An addition to the contract. Fills as fill_template does and answers with one page of the result as a picture at 100 dots per inch; \
             nothing is stored.",
        )
        .tag("Templates")
        .takes(&[fills::PAGE])
        .body_limit(BODY)
        .answers(&[success("The page as a PNG.", TEMPLATE_PAGE)])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(fills::preview_template)),
    post("/v1/orgs/{org_id}/templates/{template_external_id}/versions/{version}/fill/documents", "fill_template_to_document")
        .role(Role::TemplatesFill, Reach::Organization)
        .says(
            "Fill a template and store the result",
            "Fills as fill_template does and stores the result as a document, owned as x-auth-owner says, and flattened unless `flatten` is \
             false: then the fields stay and can be filled on, and a field whose name two sections have is called otherwise in the later one, \
             which renamedKeys tells.",
        )
        .tag("Templates")
        .takes(&[context::owner("Owner of the document. Without it the document is public.")])
        .body_limit(BODY)
        .answers(&[success("The document is stored.", DOCUMENT)])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(fills::fill_template_to_document)),
];
