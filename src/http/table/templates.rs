//! Forms, sections, templates and their configuration.

use super::super::operation::Operation;

pub(super) const OPERATIONS: &[Operation] = &[];
