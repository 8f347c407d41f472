//! The ways of the signers of a process through time, side by side.

use chrono::{DateTime, Utc};
use pages::console::Segment;
use workflows::sign_process::{Data, Status};

/// The whole, in the units of a segment.
const WHOLE: i64 = 1_000;

/// What is so short that nobody would see it is as wide as this.
const THINNEST: i64 = 8;

/// The stretches of the signer at `position`: until they began to identify themselves (`began`), until they were identified, until they
/// signed, and while all is sealed. The whole is from the creation to the end, or `now`.
pub fn segments(data: &Data, position: usize, began: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Vec<Segment> {
    let Some(signature) = data.signatures.get(position) else { return Vec::new() };
    let end = if data.status.is_final() { data.modified_at } else { now };
    let signed = signature.signed.as_ref().map(|act| act.at);
    let stops = data.completed_at.or(Some(end));
    let mut from = data.created_at;
    let mut segments = Vec::new();
    let mut stretch = |class, until: Option<DateTime<Utc>>, otherwise: DateTime<Utc>| {
        let to = until.unwrap_or(otherwise).clamp(from, end.max(from));
        segments.extend(segment(class, (from, to), (data.created_at, end)));
        from = to;
        until.is_some()
    };
    let ends = signed.or(stops).unwrap_or(end);
    if stretch("waiting", began, ends) && stretch("identifying", signature.identified_at, ends) {
        stretch("reading", signed, ends);
    }
    if let (Some(completed), Status::Signed | Status::Certified | Status::Failed) = (data.completed_at, data.status) {
        segments.extend(segment("sealing", (completed, end), (data.created_at, end)));
    }
    segments
}

fn segment(
    class: &'static str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    (start, end): (DateTime<Utc>, DateTime<Utc>),
) -> Option<Segment> {
    let whole = (end - start).num_milliseconds().max(1);
    let place = |at: DateTime<Utc>| {
        ((at - start).num_milliseconds().clamp(0, whole) as i128 * i128::from(WHOLE) / i128::from(whole)) as i64
    };
    if to <= from {
        return None;
    }
    let width = (place(to) - place(from)).max(THINNEST);
    let from = place(from).min(WHOLE - width);
    Some(Segment { class, from: u32::try_from(from).ok()?, width: u32::try_from(width).ok()? })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_segment_is_within_the_whole_and_never_too_thin_to_see() {
        let of = |from, to| segment("reading", (at(from), at(to)), (at(0), at(100_000)));
        assert_eq!(of(0, 50_000), Some(Segment { class: "reading", from: 0, width: 500 }));
        assert_eq!(of(99_999, 100_000), Some(Segment { class: "reading", from: 992, width: 8 }));
        assert_eq!(of(50_000, 50_001), Some(Segment { class: "reading", from: 500, width: 8 }));
        assert_eq!((of(5, 5), of(6, 5)), (None, None));
        assert_eq!(segment("waiting", (at(0), at(0)), (at(0), at(0))), None);
    }
}
