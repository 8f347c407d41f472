//! Which small number stands for an organization and kind; remembered per thread, since every key begins with it.

use std::collections::HashMap;

/// Names remembered before the memory starts afresh.
const MAX_REMEMBERED: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Spaces {
    by_name: HashMap<String, HashMap<String, i64>>,
    remembered: usize,
}

impl Spaces {
    pub fn get(&self, organization: &str, kind: &str) -> Option<i64> {
        self.by_name.get(organization)?.get(kind).copied()
    }

    pub fn remember(&mut self, organization: &str, kind: &str, space: i64) {
        if self.remembered >= MAX_REMEMBERED {
            self.forget();
        }
        self.by_name.entry(organization.to_owned()).or_default().insert(kind.to_owned(), space);
        self.remembered += 1;
    }

    /// After a rollback a number may stand for nothing.
    pub fn forget(&mut self) {
        self.by_name.clear();
        self.remembered = 0;
    }
}
