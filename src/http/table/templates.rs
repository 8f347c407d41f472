//! Forms, sections, templates and their configuration.

use super::super::call::by;
use super::super::operation::{
    CONFLICT, GONE, KIB, NOT_FOUND, Operation, PathParameter, Reach, Refused, Segment, Success, answer, delete, get, patch, post,
    refused, segment,
};
use super::super::paging::{PAGE, PAGE_OR_ALL, PAGE_SIZE, PAGE_SIZE_OR_ALL};
use super::super::{download, forms, sections, template_configurations as configurations, templates};
use crate::access::Role;

/// For a body that is well formed and lacks something (note configuration-422).
const INCOMPLETE: Refused = refused(422, "422. The input is well formed but incomplete.");

const NUMBER_OR_LATEST: &[PathParameter] =
    &[segment("configuration_version", Segment::NumberOrLatest, "Version of the configuration: a number from 1, or `latest`.")];

pub(super) const OPERATIONS: &[Operation] = &[
    // Forms
    get("/v1/orgs/{org_id}/templates/forms", "list_forms")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("List forms", "All forms of the organization, newest first, by page.")
        .tag("Forms")
        .takes(&[PAGE, PAGE_SIZE])
        .answers(&[answer(200, "One page of forms.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(forms::list)),
    post("/v1/orgs/{org_id}/templates/forms", "create_form")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Upload a form",
            "Stores a fillable PDF, normalises its name into the external id and extracts its fields: all that have a name, also those that \
             people cannot change in a viewer. Fields of one name are one. A PDF without fields is accepted with `fields: []`.",
        )
        .tag("Forms")
        .answers(&[answer(201, "The form is created.")])
        .refuses(&[
            refused(409, "409. A form with this external id exists."),
            refused(422, "422. The upload is incomplete, or the PDF cannot be read to its end."),
        ])
        .run(&by(forms::create)),
    get("/v1/orgs/{org_id}/templates/forms/{form_id}/metadata", "get_form_metadata")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("Read the metadata of a form", "Same shape as the answer to the upload.")
        .tag("Forms")
        .answers(&[answer(200, "The metadata.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(forms::metadata)),
    get("/v1/orgs/{org_id}/templates/forms/{form_id}", "download_form")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("Download a form", "The unfilled PDF. Content-Type is its media type.")
        .tag("Forms")
        .answers(&[Success { status: 200, description: "The bytes of the form.", headers: &[download::FILE_NAME] }])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(forms::download)),
    delete("/v1/orgs/{org_id}/templates/forms/{form_id}", "delete_form")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says("Delete a form", "Refused while a section uses the form. Its name is free again.")
        .tag("Forms")
        .answers(&[answer(204, "The form is deleted.")])
        .refuses(&[NOT_FOUND, refused(409, "409. The form is part of a section."), GONE])
        .run(&by(forms::delete)),
    // Sections
    get("/v1/orgs/{org_id}/templates/sections", "list_sections")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("List sections", "Newest first. When neither page nor pageSize is sent, everything comes in one page.")
        .tag("Sections")
        .takes(&[PAGE_OR_ALL, PAGE_SIZE_OR_ALL])
        .answers(&[answer(200, "One page of sections, or all.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(sections::list)),
    post("/v1/orgs/{org_id}/templates/sections", "create_section")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Create a section",
            "Groups one form per language under a name that is normalised into the external id. A field that is a signature in one form and \
             takes a value in another is a 400.",
        )
        .tag("Sections")
        .body_limit(16 * KIB)
        .answers(&[answer(201, "The section is created.")])
        .refuses(&[
            refused(404, "404. A named form does not exist."),
            refused(409, "409. A section with this external id exists."),
        ])
        .run(&by(sections::create)),
    get("/v1/orgs/{org_id}/templates/sections/{section_external_id}/metadata", "get_section_metadata")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("Read the metadata of a section", "Same shape as the answer to the creation.")
        .tag("Sections")
        .answers(&[answer(200, "The metadata.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(sections::metadata)),
    delete("/v1/orgs/{org_id}/templates/sections/{section_external_id}", "delete_section")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says("Delete a section", "Refused while a template uses the section. Its name is free again.")
        .tag("Sections")
        .answers(&[answer(204, "The section is deleted.")])
        .refuses(&[NOT_FOUND, refused(409, "409. The section is part of a template."), GONE])
        .run(&by(sections::delete)),
    // Templates
    get("/v1/orgs/{org_id}/templates", "list_templates")
        .role(Role::TemplatesRead, Reach::Organization)
        .says(
            "List templates",
            "Newest first. One entry per template, with its highest version. When neither page nor pageSize is sent, everything comes in one \
             page.",
        )
        .tag("Templates")
        .takes(&[PAGE_OR_ALL, PAGE_SIZE_OR_ALL])
        .answers(&[answer(200, "One page of templates, or all.")])
        .run(&by(templates::list)),
    post("/v1/orgs/{org_id}/templates", "create_template")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Create a template",
            "Makes version 1.0 of a template from existing sections, each of which needs a form in the default language. A section may be \
             named more than once; it is printed at each place. The names forms, sections and configurations are taken.",
        )
        .tag("Templates")
        .body_limit(128 * KIB)
        .answers(&[answer(201, "The template is created.")])
        .refuses(&[
            refused(404, "404. A named section does not exist."),
            refused(409, "409. A template with this external id exists."),
            refused(410, "410. A named section is no longer available."),
        ])
        .run(&by(templates::create)),
    post("/v1/orgs/{org_id}/templates/{template_external_id}/versions", "create_template_version")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Create a major version",
            "Adds a new major version with its own contract of use: callers keep filling the old major until they move. The new major is the \
             highest one plus 1, minor 0.",
        )
        .tag("Templates")
        .body_limit(128 * KIB)
        .answers(&[answer(201, "The version is created.")])
        .refuses(&[NOT_FOUND])
        .run(&by(templates::add_version)),
    patch("/v1/orgs/{org_id}/templates/{template_external_id}/versions/{version}", "update_template_version")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Update a version",
            "Changes a version without changing its contract of use; the minor number goes up by 1. The contract of use is the default language, \
             the languages, the field keys and the conditions: a change that takes one of these away or adds a field key is a 409, any other is \
             a minor. A field that is left out keeps its value.",
        )
        .tag("Templates")
        .body_limit(128 * KIB)
        .answers(&[answer(201, "The version is updated.")])
        .refuses(&[NOT_FOUND, refused(409, "409. The change breaks the contract of use; make a new major version instead.")])
        .run(&by(templates::change)),
    delete("/v1/orgs/{org_id}/templates/{template_external_id}/versions/{version}", "delete_template_major_version")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Delete the latest major version",
            "Removes a major version with all its minors. Only the latest major can go. With the last one the template is deleted, and its name \
             is free again.",
        )
        .tag("Templates")
        .answers(&[answer(204, "The version is deleted.")])
        .refuses(&[NOT_FOUND, refused(409, "409. It is not the latest major version.")])
        .run(&by(templates::delete_major)),
    delete("/v1/orgs/{org_id}/templates/{template_external_id}/versions/{version}/minor", "delete_template_minor_version")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says("Delete the latest minor version", "Removes the latest minor of the major. Minor 0 cannot go.")
        .tag("Templates")
        .answers(&[answer(204, "The minor version is deleted.")])
        .refuses(&[NOT_FOUND, refused(409, "409. The minor version cannot be deleted.")])
        .run(&by(templates::delete_minor)),
    get("/v1/orgs/{org_id}/templates/{template_external_id}/versions/{version}/metadata", "get_template_metadata")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("Read the metadata of a version", "The latest minor of the major; with include=history all its minors, newest first.")
        .tag("Templates")
        .takes(&[templates::INCLUDE])
        .answers(&[answer(200, "The metadata.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(templates::metadata)),
    get("/v1/orgs/{org_id}/templates/{template_external_id}/changelog", "get_template_changelog")
        .role(Role::TemplatesRead, Reach::Organization)
        .says(
            "Read the changelog of a template",
            "All version changes with their dates and reasons, newest first; the creation is the oldest. Versions that were deleted stay in it, and \
             their deletion is told.",
        )
        .tag("Templates")
        .answers(&[answer(200, "The changelog.")])
        .refuses(&[NOT_FOUND, GONE])
        .run(&by(templates::changelog)),
    // Templates Configuration
    get("/v1/orgs/{org_id}/templates/configurations/documents", "list_configuration_documents")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("List configuration documents", "Newest first.")
        .tag("Templates Configuration")
        .takes(&[PAGE, PAGE_SIZE, configurations::NAME_FILTER, configurations::EXTENSION_FILTER])
        .answers(&[answer(200, "One page of configuration documents.")])
        .refuses(&[INCOMPLETE])
        .run(&by(configurations::list_documents)),
    post("/v1/orgs/{org_id}/templates/configurations/documents", "create_configuration_document")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Upload a configuration document",
            "Stores an image for use in templates. Answers 200, not 201. The query parameters are accepted and ignored.",
        )
        .tag("Templates Configuration")
        .takes(&[PAGE, PAGE_SIZE, configurations::NAME_FILTER, configurations::EXTENSION_FILTER])
        .answers(&[answer(200, "The document is stored.")])
        .refuses(&[INCOMPLETE])
        .run(&by(configurations::create_document)),
    get("/v1/orgs/{org_id}/templates/configurations", "list_configurations")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("List configuration versions", "Newest first.")
        .tag("Templates Configuration")
        .takes(&[PAGE, PAGE_SIZE])
        .answers(&[answer(200, "One page of versions.")])
        .refuses(&[INCOMPLETE])
        .run(&by(configurations::list)),
    post("/v1/orgs/{org_id}/templates/configurations", "create_configuration")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says("Create or update the configuration", "Stores the values as a new version; the first one is 1. Answers 200, not 201.")
        .tag("Templates Configuration")
        .body_limit(128 * KIB)
        .answers(&[answer(200, "The version is stored.")])
        .refuses(&[INCOMPLETE])
        .run(&by(configurations::create)),
    get("/v1/orgs/{org_id}/templates/configurations/{configuration_version}", "get_configuration")
        .role(Role::TemplatesRead, Reach::Organization)
        .says("Read a configuration version", "A number or `latest`. The answer does not tell the version.")
        .tag("Templates Configuration")
        .segments(NUMBER_OR_LATEST)
        .answers(&[answer(200, "The configuration.")])
        .refuses(&[NOT_FOUND, INCOMPLETE])
        .run(&by(configurations::read)),
    delete("/v1/orgs/{org_id}/templates/configurations/{configuration_version}", "delete_configuration")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Delete a configuration version",
            "The latest version, which fills apply, stays while a template has CONFIG_TENANT fields. Numbers are never used again.",
        )
        .tag("Templates Configuration")
        .answers(&[answer(204, "The version is deleted.")])
        .refuses(&[NOT_FOUND, CONFLICT, INCOMPLETE])
        .run(&by(configurations::delete)),
];
