//! Contracts.

use super::super::operation::Operation;

pub(super) const OPERATIONS: &[Operation] = &[];
