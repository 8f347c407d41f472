//! What is pending, spare, settled and behind, without a server.

use super::*;

const SECOND: i64 = 1_000_000;

struct Bench {
    index: Index,
    heads: Heads,
    times: Times,
    now: Instant,
    /// What a table would hold.
    table: BTreeSet<Row>,
}

impl Bench {
    fn new(marks: Marks) -> Self {
        // Room to look back from.
        let now = Instant::now() + Duration::from_secs(1_000);
        Self { index: Index::new(marks, now), heads: Heads::new(100), times: Times::default(), now, table: BTreeSet::new() }
    }

    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }

    /// Reads as a scan does, `page` rows at a time.
    fn page(&self, cursor: &Cursor, to: i64, page: usize) -> (Vec<Row>, Cursor) {
        let is_next = |row: &&Row| match cursor {
            Cursor::At(slot) => row.slot >= *slot,
            Cursor::After(last) => *row > last,
        };
        let rows: Vec<Row> = self.table.iter().filter(is_next).filter(|row| row.slot <= to).take(page).cloned().collect();
        let next = match rows.last() {
            Some(last) if rows.len() == page => Cursor::After(last.clone()),
            _ => Cursor::At(to + 1),
        };
        (rows, next)
    }

    fn scan(&mut self, until: i64) {
        while let Some((cursor, to)) = self.index.ahead(until) {
            let (rows, next) = self.page(&cursor, to, 1_000);
            self.index.read(rows, next, &self.heads, self.now, &self.times);
        }
        while let Some((cursor, to)) = self.index.again(self.now, &self.times) {
            let (rows, next) = self.page(&cursor, to, 1_000);
            self.index.read_again(rows, next, &self.heads, self.now, &self.times);
        }
    }

    fn due(&self, until: i64) -> Vec<u128> {
        self.index.due(until).map(|(due, _)| due.entity.id.as_u128()).collect()
    }

    fn judge(&mut self, row: &Row, head: u64, look: Look) -> Option<Verdict> {
        self.index.judge(&key(row), head, look, self.now, &self.times)
    }
}

fn row(number: u128, head: u64, slot: i64, due: i64) -> Row {
    Row { slot, entity: Entity::new("acme", "thing", Uuid::from_u128(number)), head, due }
}

fn key(row: &Row) -> Due {
    Due { due: row.due, entity: row.entity.clone(), head: row.head }
}

#[test]
fn a_row_placed_by_what_a_lapsed_lease_said_is_found_when_it_is_valid_again() {
    let mut bench = Bench::new(Marks::NONE);
    for second in 1..=100 {
        bench.pass(1);
        bench.scan(second * SECOND);
    }
    // The last renewal told the position of six seconds ago; none has come through since.
    bench.pass(30);
    bench.index.resume(bench.now);
    bench.scan(130 * SECOND);
    bench.table.insert(row(1, 1, 94 * SECOND, 90 * SECOND));
    bench.pass(3);
    bench.scan(133 * SECOND);
    assert_eq!(bench.due(133 * SECOND), [1]);
}

#[test]
fn buckets_part_the_slots() {
    for slot in [i64::MIN, -1, 0, 1, BUCKET - 1, BUCKET, 1_700_000_000_000_000, 8_210_266_876_799_999_999] {
        let number = bucket(slot);
        assert!(slot < end(number) && (number <= i64::MIN / BUCKET || end(number - 1) <= slot), "{slot}");
    }
}

#[test]
fn wake_ups_come_in_order_and_not_before_their_moment() {
    let mut bench = Bench::new(Marks::NONE);
    bench.table.extend([row(1, 1, 300, 300), row(2, 1, 100, 100), row(3, 1, 200, 150)]);
    bench.scan(250);
    assert_eq!(bench.due(250), [2, 3]);
    bench.scan(300);
    assert_eq!(bench.due(300), [2, 3, 1]);
}

#[test]
fn a_row_that_comes_late_is_found() {
    let mut bench = Bench::new(Marks::NONE);
    bench.scan(100 * SECOND);
    bench.table.insert(row(1, 1, 90 * SECOND, 90 * SECOND));
    bench.pass(1);
    bench.scan(101 * SECOND);
    assert_eq!(bench.due(i64::MAX), []);
    bench.pass(1);
    bench.scan(102 * SECOND);
    assert_eq!(bench.due(i64::MAX), [1]);
}

#[test]
fn a_row_that_comes_late_by_all_that_is_allowed_is_found_whenever_it_comes() {
    let mut bench = Bench::new(Marks::NONE);
    let mut positions = VecDeque::new();
    let lateness = Times::default().lateness().as_secs() as i64;
    let mut expected = Vec::new();
    for second in 0..200_i64 {
        // A jump of thirty days in between.
        let until = second * SECOND + if second > 100 { 30 * 86_400 * SECOND } else { 0 };
        bench.scan(until);
        positions.push_back(bench.index.position());
        if positions.len() as i64 > lateness {
            positions.pop_front();
            // Just now durable, in the slot of what had been read so long ago.
            let slot = positions[0];
            bench.table.insert(row(second as u128, 1, slot, slot));
            expected.push(second as u128);
        }
        bench.pass(1);
    }
    bench.pass(2);
    bench.scan(40 * 86_400 * SECOND);
    let mut found = bench.due(i64::MAX);
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn a_new_owner_misses_nothing_that_matters() {
    let mut bench = Bench::new(Marks::NONE);
    let late = row(9, 1, 50 * SECOND, 50 * SECOND);
    bench.table.extend((1..=5).map(|number| row(number, 1, number as i64 * 10 * SECOND, number as i64 * 10 * SECOND)));
    for second in 0..100 {
        bench.scan(second * SECOND);
        bench.pass(1);
    }
    for number in [1, 2, 4, 5] {
        let slot = number as i64 * 10 * SECOND;
        bench.index.settled(key(&row(number, 1, slot, slot)));
    }
    let marks = bench.index.sweep(&bench.heads);
    assert_eq!(marks.watermark, 30 * SECOND, "held by what is pending");
    assert!(marks.floor > 80 * SECOND - 20 * SECOND && marks.floor <= 85 * SECOND, "{}", marks.floor);
    bench.table.insert(row(10, 1, marks.floor, 1));
    bench.index = Index::new(marks, bench.now);
    bench.scan(100 * SECOND);
    assert_eq!(bench.due(i64::MAX), [10, 3, 4, 5], "settled ones come again, at worst");
    // Beyond what a writer may do: nobody promises anything.
    bench.table.insert(late);
}

#[test]
fn what_is_settled_does_not_come_again_with_the_next_scan_for_late_rows() {
    let mut bench = Bench::new(Marks::NONE);
    let one = row(1, 1, 100 * SECOND, 100 * SECOND);
    bench.table.insert(one.clone());
    bench.scan(100 * SECOND);
    bench.index.settled(key(&one));
    for second in 101..140 {
        bench.pass(1);
        bench.scan(second * SECOND);
        assert_eq!(bench.due(i64::MAX), []);
    }
}

#[test]
fn what_is_settled_before_it_was_read_does_not_come() {
    let mut bench = Bench::new(Marks::NONE);
    let one = row(1, 1, 100, 100);
    bench.heads.settle(key(&one));
    bench.table.extend([one.clone(), row(1, 1, 150, 150)]);
    bench.scan(200);
    assert_eq!(bench.due(200), [1]);
    bench.heads.unsettle(&key(&one));
    bench.table.insert(row(1, 1, 201, 100));
    bench.scan(201);
    assert_eq!(bench.due(200), [1, 1]);
}

#[test]
fn rows_of_earlier_entries_are_looked_at_again_when_a_later_one_was_settled() {
    let mut bench = Bench::new(Marks::NONE);
    let (one, two) = (row(1, 1, 100, 100), row(1, 2, 100, 100));
    bench.table.extend([one.clone(), two.clone(), row(1, 3, 100, 100)]);
    bench.scan(100);
    for head in [1, 2, 3] {
        bench.judge(&row(1, head, 100, 100), head, Look::Quorum);
    }
    bench.index.settled(key(&two));
    let states: Vec<_> = bench.index.due(100).map(|(due, item)| (due.head, item.state)).collect();
    assert_eq!(states, [(1, State::Doubted), (3, State::Ready)]);
    assert_eq!(bench.judge(&one, 3, Look::Quorum), Some(Verdict::Spare));
}

#[test]
fn a_later_entry_makes_rows_spare_and_its_own_row_stays() {
    let mut bench = Bench::new(Marks::NONE);
    bench.table.extend([row(1, 1, 100, 100), row(1, 2, 120, 120)]);
    bench.scan(200);
    bench.heads.note(&row(1, 2, 0, 0).entity, 2);
    bench.index.sweep(&bench.heads);
    let left: Vec<u64> = bench.index.due(200).map(|(due, _)| due.head).collect();
    assert_eq!(left, [2]);
}

#[test]
fn the_row_of_an_own_append_is_there_at_once_if_its_slot_was_read_past() {
    let mut bench = Bench::new(Marks::NONE);
    bench.scan(200);
    bench.index.own(row(1, 1, 200, 50), bench.now);
    bench.index.own(row(2, 1, 201, 201), bench.now);
    assert_eq!(bench.due(i64::MAX), [1]);
    bench.table.extend([row(1, 1, 200, 50), row(2, 1, 201, 201)]);
    bench.pass(3);
    bench.scan(201);
    assert_eq!(bench.due(i64::MAX), [1, 2]);
}

#[test]
fn an_append_that_is_announced_is_waited_for_and_given_up_only_by_a_serial_read() {
    let mut bench = Bench::new(Marks::NONE);
    let one = row(1, 5, 100, 100);
    bench.table.insert(one.clone());
    bench.scan(100);
    let looks = |bench: &Bench| bench.index.due(100).find_map(|(_, item)| Index::look(item, bench.now, &bench.times));
    assert_eq!(looks(&bench), Some(Look::Quorum));
    assert_eq!(bench.judge(&one, 4, Look::Quorum), Some(Verdict::Ahead));
    assert_eq!(looks(&bench), None, "not again at once");
    let mut serial = 0;
    for _ in 0..3_700 {
        bench.now += Duration::from_millis(100);
        let Some(look) = looks(&bench) else { continue };
        serial += u32::from(look == Look::Serial);
        if bench.judge(&one, 4, look) == Some(Verdict::Unborn) {
            break;
        }
    }
    assert_eq!(bench.index.pending(), 0);
    assert_eq!(serial, 2);
    // The append is tried again after all: the same row counts again.
    bench.pass(3);
    bench.scan(100);
    assert_eq!(bench.judge(&one, 5, Look::Quorum), Some(Verdict::Ready));
}

#[test]
fn rows_of_a_replaced_entry_are_spare() {
    let mut bench = Bench::new(Marks::NONE);
    let one = row(1, 5, 100, 100);
    bench.table.insert(one.clone());
    bench.scan(100);
    assert_eq!(bench.judge(&one, 6, Look::Quorum), Some(Verdict::Spare));
    assert_eq!((bench.due(100), bench.judge(&one, 6, Look::Quorum)), (vec![], None));
}

#[test]
fn many_rows_of_one_slot_are_read_page_by_page() {
    let mut bench = Bench::new(Marks::NONE);
    bench.table.extend((0..25_000).map(|number| row(number, 1, 500, 500)));
    bench.scan(1_000);
    assert_eq!(bench.index.pending(), 25_000);
    assert_eq!(bench.index.position(), 1_000);
}

#[test]
fn a_scan_that_stops_between_the_rows_of_a_slot_keeps_the_watermark_before_them() {
    let mut bench = Bench::new(Marks { watermark: 0, floor: 900, position: 900 });
    bench.table.extend((0..3_000).map(|number| row(number, 1, 500, 500)));
    let (cursor, to) = bench.index.ahead(1_000).expect("something to read");
    let (rows, next) = bench.page(&cursor, to, 1_000);
    for row in &rows {
        bench.heads.note(&row.entity, 2);
    }
    bench.index.read(rows, next, &bench.heads, bench.now, &bench.times);
    let marks = bench.index.sweep(&bench.heads);
    assert!(marks.watermark <= 500, "{marks:?}");
    bench.scan(1_000);
    assert!(bench.index.pending() >= 2_000);
}

#[test]
fn an_owner_that_has_not_come_to_the_floor_yet_looks_for_late_rows_once_it_has() {
    let mut bench = Bench::new(Marks { watermark: 0, floor: 900, position: 900 });
    bench.pass(3);
    assert_eq!(bench.index.again(bench.now, &bench.times), None);
    bench.scan(1_000);
    bench.table.insert(row(1, 1, 950, 950));
    bench.pass(3);
    bench.scan(1_000);
    assert_eq!(bench.due(1_000), [1]);
}

#[test]
fn slots_that_an_earlier_owner_had_passed_are_read_by_a_clock_that_is_behind() {
    let ahead = Marks { watermark: 80 * SECOND, floor: 80 * SECOND, position: 105 * SECOND };
    let mut bench = Bench::new(ahead);
    bench.table.insert(row(1, 1, 105 * SECOND, 99 * SECOND));
    bench.scan(100 * SECOND);
    assert_eq!(bench.due(100 * SECOND), [1]);
    assert_eq!(bench.index.sweep(&bench.heads).position, 105 * SECOND);
}

#[test]
fn what_is_pending_for_long_is_copied_forward_and_lets_the_watermark_go_on() {
    let mut bench = Bench::new(Marks::NONE);
    let one = row(1, 1, 10 * SECOND, 10 * SECOND);
    bench.table.insert(one.clone());
    for second in 0..700 {
        bench.scan(second * SECOND);
        bench.pass(1);
    }
    assert_eq!(bench.index.sweep(&bench.heads).watermark, 10 * SECOND);
    assert_eq!(bench.index.stuck(bench.now, &bench.times, 9), [key(&one)]);
    bench.index.copied(&key(&one), 699 * SECOND, bench.now);
    assert!(bench.index.sweep(&bench.heads).watermark > 600 * SECOND);
    assert_eq!(bench.index.stuck(bench.now, &bench.times, 9), []);
    assert_eq!(bench.due(i64::MAX), [1]);
}

#[test]
fn what_is_remembered_is_bounded_and_the_newest_stays() {
    let mut recent = Recent::new(10);
    for number in 0..1_000 {
        recent.put(number, ());
        assert!(recent.new.len() + recent.old.len() <= 10);
        assert!((number.max(5) - 5..=number).all(|known| recent.get(&known).is_some() || known > number));
    }
    let mut bench = Bench::new(Marks { watermark: 0, floor: 0, position: 0 });
    bench.table.extend((0..20_000).map(|number| row(number, 1, 500, 500)));
    bench.scan(1_000);
    assert!(bench.index.seen.len() <= MOST_SEEN);
}
