//! What a tree would change, before it takes the place of the present one.

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalogue::consents::{ConsentId, Edition};

/// How a tree differs from the present one.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentTreePreview)]
pub struct Difference {
    /// Number of the present edition of the tree; without it there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edition: Option<u32>,
    /// Consents that only the new tree has, in its order. Whoever is asked sees them unanswered.
    #[schema(value_type = Vec<String>)]
    pub added: Vec<ConsentId>,
    /// Consents that only the present tree has, in its order. Their choices are kept and no longer shown.
    #[schema(value_type = Vec<String>)]
    pub removed: Vec<ConsentId>,
    /// Consents of both that have another father, or another place among those of both, in the order of the new tree.
    pub moved: Vec<Moved>,
    /// Consents that make customers be asked (`impact`) by the new tree only.
    #[schema(value_type = Vec<String>)]
    pub priority_added: Vec<ConsentId>,
    /// Consents that do so by the present tree only.
    #[schema(value_type = Vec<String>)]
    pub priority_removed: Vec<ConsentId>,
}

/// A consent that stands elsewhere.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = MovedConsent)]
pub struct Moved {
    #[schema(value_type = String)]
    pub id: ConsentId,
    /// Its father now; without it, it is a root.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub father: Option<ConsentId>,
    /// Its father in the new tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub new_father: Option<ConsentId>,
}

/// How `new` differs from `present`.
pub fn difference(present: Option<&Edition>, new: &Edition) -> Difference {
    let ids = |edition: &Edition| edition.tree.consents_order.clone();
    let priorities = |edition: &Edition| edition.tree.priority_consent_ids.clone();
    let only = |these: Vec<ConsentId>, those: &[ConsentId]| -> Vec<ConsentId> {
        these.into_iter().filter(|id| !those.contains(id)).collect()
    };
    let (before, after) = (present.map(ids).unwrap_or_default(), ids(new));
    let (urgent_before, urgent_after) = (present.map(priorities).unwrap_or_default(), priorities(new));
    Difference {
        edition: present.map(|present| present.number),
        moved: present.map(|present| moved(present, new)).unwrap_or_default(),
        added: only(after.clone(), &before),
        removed: only(before, &after),
        priority_added: only(urgent_after.clone(), &urgent_before),
        priority_removed: only(urgent_before, &urgent_after),
    }
}

fn moved(present: &Edition, new: &Edition) -> Vec<Moved> {
    let common: Vec<(&ConsentId, usize)> =
        new.tree.consents_order.iter().filter_map(|id| Some((id, present.position(id)?))).collect();
    let stay = longest_rise(&common.iter().map(|(_, place)| *place).collect::<Vec<_>>());
    let one = |(index, (id, place)): (usize, &(&ConsentId, usize))| {
        let father = father(present, *place);
        let new_father = new.position(id).and_then(|place| self::father(new, place));
        let has_moved = father != new_father || !stay.contains(&index);
        has_moved.then(|| Moved { id: (*id).clone(), father: father.cloned(), new_father: new_father.cloned() })
    };
    common.iter().enumerate().filter_map(one).collect()
}

fn father(edition: &Edition, place: usize) -> Option<&ConsentId> {
    edition.tree.consents_order.get(edition.parent(place)?)
}

/// Indices of a longest rising subsequence: what keeps its order, so that as few as possible count as moved. A tree has at most 256 consents.
fn longest_rise(places: &[usize]) -> Vec<usize> {
    let mut best: Vec<(usize, Option<usize>)> = Vec::with_capacity(places.len());
    for (index, place) in places.iter().enumerate() {
        let before = (0..index).filter(|earlier| places[*earlier] < *place).max_by_key(|earlier| best[*earlier].0);
        best.push((before.map_or(1, |earlier| best[earlier].0 + 1), before));
    }
    let mut at = (0..places.len()).max_by_key(|index| best[*index].0);
    let mut rise = Vec::new();
    while let Some(index) = at {
        rise.push(index);
        at = best[index].1;
    }
    rise
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Shape, id};
    use super::*;

    fn with_order(fathers: Vec<Option<usize>>, order: &[usize]) -> Edition {
        let shape = Shape::flat(fathers.len());
        let mut tree = Shape { fathers, ..shape }.edition(2);
        tree.tree.consents_order = order.iter().map(|place| id(*place)).collect();
        let consents = order.iter().map(|place| tree.consents[*place].clone()).collect();
        Edition::new(2, "telco", tree.tree, consents, "ES", tree.created_at)
    }

    #[test]
    fn what_comes_goes_and_moves_is_told() {
        let present = with_order(vec![None, Some(0), Some(0), None, None], &[0, 1, 2, 3]);
        let new = with_order(vec![None, Some(0), None, None, None], &[3, 0, 1, 2, 4]);
        let told = difference(Some(&present), &new);
        assert_eq!((told.edition, told.added), (Some(2), vec![id(4)]));
        assert!(told.removed.is_empty());
        let ids: Vec<_> = told.moved.iter().map(|moved| moved.id.clone()).collect();
        assert_eq!(ids, [id(3), id(2)], "C003 stands before the others, C002 has no father any more");
        assert_eq!((&told.moved[1].father, &told.moved[1].new_father), (&Some(id(0)), &None));
        assert_eq!(difference(Some(&new), &present).removed, [id(4)]);
    }

    #[test]
    fn the_same_tree_changes_nothing_and_the_first_one_adds_all() {
        let tree = with_order(vec![None, Some(0), None], &[0, 1, 2]);
        let same = difference(Some(&tree), &tree);
        assert!(same.added.is_empty() && same.removed.is_empty() && same.moved.is_empty() && same.priority_added.is_empty());
        let first = difference(None, &tree);
        assert_eq!((first.edition, first.added, first.priority_added), (None, vec![id(0), id(1), id(2)], vec![id(0)]));
    }

    #[test]
    fn as_few_as_possible_count_as_moved() {
        assert_eq!(longest_rise(&[]), Vec::<usize>::new());
        assert_eq!(longest_rise(&[3, 0, 1, 2]), [3, 2, 1]);
        assert_eq!(longest_rise(&[1, 2, 3, 0]), [2, 1, 0]);
    }
}
