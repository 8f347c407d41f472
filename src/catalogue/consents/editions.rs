//! Editions: what a tree shows, made whole of one version of the tree and one version of each of its consents, with a number by which it is found
//! for ever.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use store::Timestamp;

use super::definitions::Definition;
use super::ids::ConsentId;
use super::languages::LanguageTag;
use super::trees::{Tree, UsersType};
use crate::cache::Weighed;

/// What an edition is made of, as its record keeps it: the number is the record's version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parts {
    /// Version of the tree's record.
    pub tree: u64,
    /// The consents in order, each with the version of its record.
    pub consents: Vec<(ConsentId, u64)>,
    /// Of locales without one, as it was configured then: it is part of what is shown.
    pub default_region: String,
}

/// Everything that one segment shows to one type of users, ready to be shown. Consents are known by their places in the tree's order, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edition {
    /// From 1; of one segment and type of users a later edition has a greater number.
    pub number: u32,
    /// Whose tree it is.
    pub segment: String,
    /// The tree.
    pub tree: Tree,
    /// The consents, in the tree's order.
    pub consents: Vec<Arc<Definition>>,
    /// Region of locales that have none.
    pub default_region: String,
    /// When it came to be.
    pub created_at: Timestamp,
    positions: HashMap<ConsentId, usize>,
    parents: Vec<Option<usize>>,
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

impl Edition {
    /// Of a tree that keeps the rules, with its consents in its order.
    pub fn new(
        number: u32,
        segment: impl Into<String>,
        tree: Tree,
        consents: Vec<Arc<Definition>>,
        default_region: impl Into<String>,
        created_at: Timestamp,
    ) -> Self {
        let positions: HashMap<ConsentId, usize> = tree.consents_order.iter().cloned().zip(0..).collect();
        let mut parents = vec![None; consents.len()];
        for family in &tree.dependencies {
            let Some(&father) = positions.get(&family.father) else { continue };
            for child in &family.child {
                if let Some(parent) = positions.get(child).and_then(|&child| parents.get_mut(child)) {
                    *parent = Some(father);
                }
            }
        }
        let mut children = vec![Vec::new(); consents.len()];
        let mut roots = Vec::new();
        // In the tree's order, at every depth.
        for (place, parent) in parents.iter().enumerate() {
            match parent {
                Some(parent) => children[*parent].push(place),
                None => roots.push(place),
            }
        }
        let (segment, default_region) = (segment.into(), default_region.into());
        Self { number, segment, tree, consents, default_region, created_at, positions, parents, children, roots }
    }

    /// Whom it is for.
    pub fn users_type(&self) -> UsersType {
        self.tree.users_type
    }

    /// The place of a consent; `None` if the tree does not show it.
    pub fn position(&self, id: &ConsentId) -> Option<usize> {
        self.positions.get(id).copied()
    }

    /// The father of the consent at a place.
    pub fn parent(&self, place: usize) -> Option<usize> {
        self.parents.get(place).copied().flatten()
    }

    /// The children of the consent at a place, in order.
    pub fn children(&self, place: usize) -> &[usize] {
        self.children.get(place).map_or(&[], Vec::as_slice)
    }

    /// The consents without a father, in order.
    pub fn roots(&self) -> &[usize] {
        &self.roots
    }

    /// Places of the consents of a view, in order; `None` if the tree has no view of this name.
    pub fn view(&self, name: &str) -> Option<Vec<usize>> {
        let view = self.tree.views.iter().find(|view| view.view == name)?;
        let mut places: Vec<usize> = view.consents.iter().filter_map(|id| self.position(id)).collect();
        places.sort_unstable();
        Some(places)
    }

    /// Whether each of the consents at these places has texts in a language.
    pub fn speaks(&self, language: &LanguageTag, places: &[usize]) -> bool {
        let mut shown = places.iter().filter_map(|&place| self.consents.get(place));
        shown.all(|definition| definition.details_in(language).is_some())
    }

    /// How answers name a language of the tree (note locale-separator).
    pub fn locale(&self, language: &LanguageTag) -> String {
        language.locale(&self.default_region)
    }
}

impl Weighed for Edition {
    fn weight(&self) -> usize {
        self.tree.weight() + self.consents.iter().map(|definition| 128 + definition.weight()).sum::<usize>()
    }
}
