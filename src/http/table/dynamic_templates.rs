//! Templates in HTML: their versions, schemas and files.

use super::super::call::by;
use super::super::dynamic_templates as templates;
use super::super::operation::{Operation, Reach, Refused, answer, delete, get, patch, post, refused};
use super::super::paging::{PAGE, PAGE_SIZE_SNAKE};
use crate::access::Role;

const TAG: &str = "DynamicTemplates";

const NO_TEMPLATE: Refused = refused(404, "404. There is no such template.");

const NO_VERSION: Refused = refused(404, "404. There is no such template or version.");

pub(super) const OPERATIONS: &[Operation] = &[
    get("/v1/orgs/{org_id}/dynamic_templates", "list_dynamic_templates")
        .role(Role::TemplatesRead, Reach::Organization)
        .says(
            "List dynamic templates",
            "One entry per major version: its latest minor, which is the one that can still be edited. Ordered by creation_date, newest first.",
        )
        .tag(TAG)
        .takes(&[templates::EXTERNAL_ID, PAGE, PAGE_SIZE_SNAKE])
        .answers(&[answer(200, "One page of templates.")])
        .run(&by(templates::list)),
    post("/v1/orgs/{org_id}/dynamic_templates", "create_dynamic_template")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Create a dynamic template",
            "Takes HBS templates and JSON editor configurations per language, with one JSON Schema of the data for all of them, and stores version \
             1.0. Each template is checked: its syntax, its limits, and one filling with what the schema says. A file may have 4 MiB.",
        )
        .tag(TAG)
        .answers(&[answer(201, "The template is created, version 1.0.")])
        .refuses(&[refused(409, "409. The external id exists.")])
        .run(&by(templates::create)),
    get("/v1/orgs/{org_id}/dynamic_templates/{external_id}/versions/{major_version}", "list_dynamic_template_minors")
        .role(Role::TemplatesRead, Reach::Organization)
        .says(
            "List the minor versions of a major",
            "All minors, newest first, with schema and sources. A 400 when they take more than 16 MiB; then read one at a time.",
        )
        .tag(TAG)
        .answers(&[answer(200, "The versions.")])
        .refuses(&[NO_VERSION])
        .run(&by(templates::minors)),
    patch("/v1/orgs/{org_id}/dynamic_templates/{external_id}/versions/{major_version}", "create_dynamic_template_minor")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Create a minor version",
            "For changes that break nothing: new languages, new content of a language, another description. Changing the data schema, dropping a \
             source or changing the default language is a 409. Languages that are not listed are kept. Answers 200, not 201.",
        )
        .tag(TAG)
        .answers(&[answer(200, "The minor version is created.")])
        .refuses(&[NO_TEMPLATE, refused(409, "409. The change breaks callers; use the creation of a major version.")])
        .run(&by(templates::add_minor)),
    delete("/v1/orgs/{org_id}/dynamic_templates/{external_id}/versions/{major_version}", "delete_dynamic_template_major")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Delete a major version",
            "Removes the major with all its minors. Only the latest major can go. With the last one the template is deleted, and its external id is \
             free again. What is being filled is filled all the same.",
        )
        .tag(TAG)
        .answers(&[answer(204, "The major version is deleted.")])
        .refuses(&[NO_VERSION, refused(409, "409. It is not the latest major version.")])
        .run(&by(templates::delete_major)),
    get(
        "/v1/orgs/{org_id}/dynamic_templates/{external_id}/versions/{major_version}/minors/{minor_version}",
        "get_dynamic_template_version",
    )
    .role(Role::TemplatesRead, Reach::Organization)
    .says("Read one version", "Everything about one minor, with schema and source URLs. The URLs need no credential and work for an hour.")
    .tag(TAG)
    .answers(&[answer(200, "The version.")])
    .refuses(&[NO_VERSION])
    .run(&by(templates::read)),
    post("/v1/orgs/{org_id}/dynamic_templates/{external_id}/versions", "create_dynamic_template_major")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Create a major version",
            "For changes that break callers. The new version is X+1.0 where X is the highest existing major. Every language must come with its \
             source; nothing is taken over from the version before. A number freed by a deletion is used again.",
        )
        .tag(TAG)
        .answers(&[answer(201, "The major version is created.")])
        .refuses(&[NO_TEMPLATE])
        .run(&by(templates::add_major)),
    delete("/v1/orgs/{org_id}/dynamic_templates/{external_id}/versions/{major_version}/minor", "delete_dynamic_template_minor")
        .role(Role::TemplatesAdmin, Reach::Organization)
        .says(
            "Delete the latest minor version",
            "Removes the latest minor of the major. The base version X.0, or the only minor of a major, cannot go.",
        )
        .tag(TAG)
        .answers(&[answer(204, "The minor version is deleted.")])
        .refuses(&[NO_VERSION, refused(409, "409. It is the base version or the only minor of the major.")])
        .run(&by(templates::delete_minor)),
    get("/v1/orgs/{org_id}/dynamic_templates/{external_id}/changelog", "get_dynamic_template_changelog")
        .role(Role::TemplatesRead, Reach::Organization)
        .says(
            "Read the changelog of a dynamic template",
            "All version changes, newest first, with who made them; the creation is the oldest entry. Versions that were deleted stay in it.",
        )
        .tag(TAG)
        .answers(&[answer(200, "The changelog.")])
        .refuses(&[NO_TEMPLATE])
        .run(&by(templates::changelog)),
];
