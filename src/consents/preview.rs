//! What a tree would change, before it takes the place of the present one.

use serde::Serialize;
use store::Timestamp;
use utoipa::ToSchema;
use workflows::consents::CustomerConsents;

use super::service::{Customers, Error, is_asked};
use crate::catalogue::consents::{self as catalogue, ConsentId, Edition};

/// What a tree would change: in its structure, and for how many customers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConsentTreePreview)]
pub struct Preview {
    #[serde(flatten)]
    pub difference: Difference,
    pub customers: Counted,
}

/// How many customers of the segment a tree concerns. Of up to 16,384 customers all are counted, of more a part of that size, which nobody chose.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentTreePreviewCustomers)]
pub struct Counted {
    /// Whether all customers were counted; then each estimate is the number itself.
    pub exact: bool,
    /// Number of customers that were looked at, those who are unknown or deleted by now among them.
    pub looked_at: usize,
    /// Of those, the ones whose consents cannot be read; they are in no estimate.
    pub unreadable: usize,
    /// Customers with consents in the segment.
    pub known: Estimate,
    /// Those for whom something changes: the sum of what follows, each customer once.
    pub affected: Estimate,
    /// Customers who would be asked (`impact`), and are not now.
    pub newly_asked: Estimate,
    /// Customers who are asked now, and would not be any more.
    pub no_longer_asked: Estimate,
    /// Customers who answered a consent that would not be shown any more.
    pub hidden_choices: Estimate,
}

/// A number of customers, with the bounds between which it lies in 95 of 100 cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentTreePreviewEstimate)]
pub struct Estimate {
    pub estimate: u64,
    pub low: u64,
    pub high: u64,
}

impl Estimate {
    /// What is known when `counted` are found where each is found with the probability `1 / 2^level`: the score interval of a binomial
    /// distribution whose number of trials is asked for (Wilson, 1927), at 95 %.
    fn of(counted: usize, level: u8) -> Self {
        const Z: f64 = 1.96;
        let times = f64::from(1_u32 << level.min(31));
        let counted = counted as f64;
        let spread = Z * Z * (1.0 - 1.0 / times);
        let (middle, half) = (counted + spread / 2.0, (spread * counted + spread * spread / 4.0).sqrt());
        let whole = |number: f64| (number * times).round().max(0.0) as u64;
        Self { estimate: whole(counted), low: whole((middle - half).max(0.0)), high: whole(middle + half) }
    }
}

impl Customers {
    /// Counts the customers of a segment whom `new` concerns, in place of `present`. Starts no actor and writes nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn count(
        &self,
        organization: &str,
        segment: &str,
        present: Option<&Edition>,
        new: &Edition,
        now: Timestamp,
    ) -> Result<Counted, Error> {
        let sample = self.panel().sample(organization, segment).await.map_err(catalogue::Error::from)?;
        let states = self.host().peek_many(organization, &sample.members).await?;
        let looked_at = states.len();
        let removed = difference(present, new).removed;
        let mut counts = [0_usize; 5];
        let mut unreadable = 0;
        for state in states {
            match state {
                Ok(state) if state.known() => {
                    let concerned = Concerned::of(&state, present, new, &removed, now);
                    counts.iter_mut().zip(concerned.marks()).for_each(|(count, is_one)| *count += usize::from(is_one));
                }
                Ok(_) => {}
                Err(_) => unreadable += 1,
            }
        }
        let [known, affected, newly_asked, no_longer_asked, hidden_choices] =
            counts.map(|count| Estimate::of(count, sample.level));
        let exact = sample.level == 0;
        Ok(Counted { exact, looked_at, unreadable, known, affected, newly_asked, no_longer_asked, hidden_choices })
    }
}

/// What a tree means to one customer who is known.
struct Concerned {
    newly_asked: bool,
    no_longer_asked: bool,
    hides_choices: bool,
}

impl Concerned {
    fn of(state: &CustomerConsents, present: Option<&Edition>, new: &Edition, removed: &[ConsentId], now: Timestamp) -> Self {
        let before = present.is_some_and(|present| is_asked(present, state, now));
        let after = is_asked(new, state, now);
        let hides_choices = removed.iter().any(|id| state.held(id.as_str()).is_some());
        Self { newly_asked: after && !before, no_longer_asked: before && !after, hides_choices }
    }

    /// In the order of [`Counted`], from `known` on.
    fn marks(&self) -> [bool; 5] {
        let Self { newly_asked, no_longer_asked, hides_choices } = *self;
        [true, newly_asked || no_longer_asked || hides_choices, newly_asked, no_longer_asked, hides_choices]
    }
}

/// How a tree differs from the present one.
#[derive(Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ConsentTreeDifference)]
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
    fn an_estimate_is_exact_of_all_and_has_bounds_of_a_part() {
        assert_eq!(Estimate::of(7, 0), Estimate { estimate: 7, low: 7, high: 7 });
        assert_eq!(Estimate::of(0, 0), Estimate { estimate: 0, low: 0, high: 0 });
        // Nobody of a sixty-fourth: at most 242 of all, in 95 of 100 cases.
        assert_eq!(Estimate::of(0, 6), Estimate { estimate: 0, low: 0, high: 242 });
        let many = Estimate::of(10_000, 6);
        assert_eq!(many.estimate, 640_000);
        assert!((627_500..628_000).contains(&many.low) && (652_500..653_000).contains(&many.high), "{many:?}");
    }

    #[test]
    fn as_few_as_possible_count_as_moved() {
        assert_eq!(longest_rise(&[]), Vec::<usize>::new());
        assert_eq!(longest_rise(&[3, 0, 1, 2]), [3, 2, 1]);
        assert_eq!(longest_rise(&[1, 2, 3, 0]), [2, 1, 0]);
    }
}
