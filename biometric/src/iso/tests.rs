use data_encoding::HEXLOWER;
use proptest::prelude::*;

use super::*;
use crate::synthetic::Hand;

/// X and Y with scaling, minimum and maximum, T with scaling, F with minimum and maximum; three points. It was decoded by an independent
/// implementation to the same values, and encoded by it to the same bytes.
const WORKED: &str = "5344490020313000c140e0f93a8000a580e0f93a800092c080cfa060000003ff0000000003\
                      806480c80000012c80967fec001002007ffb800000210000";

fn bytes(hex: &str) -> Vec<u8> {
    HEXLOWER.decode(hex.as_bytes()).unwrap()
}

fn values(record: &Record, channel: Channel) -> Vec<i32> {
    record.values(channel).unwrap().collect()
}

/// A record of these bytes between version and end, with this many points.
fn record(body: &str) -> Vec<u8> {
    bytes(&format!("5344490020313000{body}"))
}

#[test]
fn the_worked_vector_is_read_and_written_byte_for_byte() {
    let worked = bytes(WORKED);
    assert_eq!(worked.len(), 61);
    let record = Record::decode(&worked).unwrap();
    assert_eq!(values(&record, Channel::X), [100, 150, -5]);
    assert_eq!(values(&record, Channel::Y), [200, -20, 0]);
    assert_eq!(values(&record, Channel::T), [0, 16, 33]);
    assert_eq!(values(&record, Channel::F), [300, 512, 0]);
    assert!(record.values(Channel::Dt).is_none());
    let [x, _, t, f] = record.channels() else { panic!("four channels") };
    assert_eq!((x.scaling.map(Scaling::value), x.min, x.max), (Some(37_792.0), Some(0), Some(9600)));
    assert_eq!((t.scaling.map(Scaling::value), f.min, f.max), (Some(1000.0), Some(0), Some(1023)));
    assert_eq!(*record.encode(), worked);

    let points: Vec<Vec<i32>> = vec![vec![100, 200, 0, 300], vec![150, -20, 16, 512], vec![-5, 0, 33, 0]];
    let scaled = |channel, scaling| Description { scaling: Some(Scaling::of(scaling)), ..Description::of(channel) };
    let built = Record::new(
        vec![
            Description { min: Some(0), max: Some(9600), ..scaled(Channel::X, 37_795.275) },
            Description { min: Some(0), max: Some(4800), ..scaled(Channel::Y, 37_795.275) },
            scaled(Channel::T, 1000.0),
            Description { min: Some(0), max: Some(1023), ..Description::of(Channel::F) },
        ],
        &points,
    );
    assert_eq!(*built.unwrap().encode(), worked);
}

#[test]
fn scaling_has_eleven_bits_of_mantissa_and_known_ends() {
    assert_eq!(Scaling::of(37_795.0).value(), 37_792.0);
    assert_eq!(Scaling(0xeb89).value(), 11_812.0);
    for exact in [1.0, 100.0, 1000.0, 0.5, 65_520.0, 1.0 / 65_536.0] {
        assert_eq!(Scaling::of(exact).value(), exact);
    }
    assert_eq!(Scaling::of(1e9).value(), 65_520.0);
    assert_eq!(Scaling::of(0.0).value(), 1.0 / 65_536.0);
    assert_eq!(Scaling::of(f64::NAN).value(), 1.0 / 65_536.0);
}

#[test]
fn a_constant_channel_has_one_value_for_all_points() {
    // X and Y vary, DT is constant with scaling 100: a hundred points a second.
    let body = "c080 00 00 84b480 00 00 000003 80008000 80648000 80c88000".replace(' ', "");
    let record = Record::decode(&record(&body)).unwrap();
    assert_eq!(values(&record, Channel::Dt), [1, 1, 1]);
    let capture = record.to_capture().unwrap();
    let times: Vec<f32> = capture.points().map(|point| point.t_ms).collect();
    assert_eq!(times, [0.0, 10.0, 20.0]);
    assert_eq!(*record.encode(), self::record(&body));
}

#[test]
fn the_switch_of_the_tip_is_read_in_one_byte_or_two() {
    for switch in [["01", "00", "01"], ["0001", "0000", "0001"]] {
        let points: String = ["80008000", "80648000", "80c88000"]
            .iter()
            .zip(["0000", "0010", "0020"])
            .zip(switch)
            .map(|((xy, t), s)| format!("{xy}{t}{s}"))
            .collect();
        let record = Record::decode(&record(&format!("c12000000000 0000 000003{points}").replace(' ', ""))).unwrap();
        assert_eq!(values(&record, Channel::S), [1, 0, 1]);
        assert_eq!(record.to_capture().unwrap().strokes.len(), 2);
    }
}

#[test]
fn what_is_no_record_of_2007_is_refused() {
    let worked = bytes(WORKED);
    let with = |place: usize, byte: u8| {
        let mut changed = worked.clone();
        changed[place] = byte;
        Record::decode(&changed).err()
    };
    assert_eq!(Record::decode(b"").err(), Some(Error::NotARecord));
    assert_eq!(with(0, b'X'), Some(Error::NotARecord));
    assert_eq!(with(5, b'2'), Some(Error::OtherEdition));
    assert_eq!(Record::decode(&[&worked[..8], &[0; 40]].concat()).err(), Some(Error::Malformed("it includes no channel")));
    for length in 4..worked.len() {
        assert!(Record::decode(&worked[..length]).is_err(), "{length}");
    }
    assert_eq!(Record::decode(&[&worked[..], &[0]].concat()).err(), Some(Error::TooLong));
    // Extended data is left out.
    let mut extended = [&worked[..], &[0, 2, 7, 7]].concat();
    extended[33] = 1;
    assert_eq!(Record::decode(&extended).unwrap().len(), 3);
}

#[test]
fn points_without_bytes_are_bounded_too() {
    // All channels are constant, and there are 16 million points of them.
    let body = "c1000404040000ffffff";
    assert_eq!(Record::decode(&record(body)).err(), Some(Error::TooManyPoints));
    let record = Record::decode(&record("c1000404040000000100")).unwrap();
    assert_eq!(record.to_capture().unwrap().points().count(), 256);
}

#[test]
fn what_does_not_fit_is_not_written() {
    let x = || vec![Description::of(Channel::X)];
    assert!(Record::new(x(), &[vec![32_767], vec![-32_768]]).is_ok());
    for value in [32_768, -32_769, i32::MAX, i32::MIN] {
        assert!(Record::new(x(), &[vec![value]]).is_err(), "{value}");
    }
    assert!(Record::new(x(), &[vec![1, 2]]).is_err());
    assert!(Record::new(vec![], &[]).is_err());
    assert!(Record::new(vec![Description::of(Channel::Y), Description::of(Channel::X)], &[]).is_err());
    assert!(Record::new(vec![Description::of(Channel::S)], &[]).is_err());
    assert!(Record::new(vec![Description { max: Some(70_000), ..Description::of(Channel::F) }], &[]).is_err());
}

#[test]
fn strokes_come_back_with_and_without_pressure() {
    for device in [PointingDevice::Pen, PointingDevice::Mouse, PointingDevice::Touch] {
        let capture = Hand { device, ..Hand::default() }.signature();
        let again = Record::decode(&capture.to_iso()).unwrap().to_capture().unwrap();
        let lengths = |capture: &Capture| capture.strokes.iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(lengths(&again), lengths(&capture));
        assert_eq!(again.has_pressure(), device == PointingDevice::Pen);
    }
}

#[test]
fn pressure_that_is_always_the_same_is_not_written_as_a_measurement() {
    let mut capture = Hand { device: PointingDevice::Mouse, ..Hand::default() }.signature();
    let force = |capture: &Capture| Record::decode(&capture.to_iso()).unwrap().values(Channel::F).map(|values| values.max());
    // Of several strokes it says that the pen is on the pad, with 1 as its maximum.
    assert_eq!(force(&capture), Some(Some(1)));
    capture.strokes.truncate(1);
    assert_eq!(force(&capture), None);
}

#[test]
fn a_record_that_lacks_a_channel_or_is_beyond_bounds_is_no_capture() {
    let what = |body: &str| Record::decode(&record(&body.replace(' ', ""))).unwrap().to_capture().unwrap_err().what;
    // X alone; X and Y without a time; a linear part taken out; X in steps of 32 km.
    assert_eq!(what("8000 00 00 00 000001 8000"), "biometric_data");
    assert_eq!(what("c000 0000 00 00 000001 80008000"), "biometric_data");
    assert_eq!(what("c100 020000 00 00 000001 800080000000"), "biometric_data");
    assert_eq!(what("c100 80000000 00 00 00 000002 80008000 0000 ffff8000 0001"), "positions");
    // Time goes back; the pen never touches the pad; no point at all.
    assert_eq!(what("c100 000000 00 00 000002 80008000 0002 80008000 0001"), "times");
    assert_eq!(what("c140 00000000 00 00 000001 80008000 0000 0000"), "strokes");
    assert_eq!(what("c100 000000 00 00 000000"), "strokes");
    // 6553 s.
    assert_eq!(what("c100 0000 80 9a00 00 00 000002 80008000 0000 80008000 ffff"), "duration_ms");
}

fn capture() -> impl Strategy<Value = Capture> {
    let point = (-1600.0_f32..1600.0, -1600.0_f32..1600.0, 0.0_f32..300.0, 0.0_f32..1.0);
    let strokes = proptest::collection::vec(proptest::collection::vec(point, 1..20), 1..8);
    (strokes, any::<bool>()).prop_map(|(strokes, has_pressure)| {
        let mut time = 0.0;
        let mut later = |step: f32| {
            time += step;
            time
        };
        let strokes = strokes.iter().map(|stroke| {
            let point = |&(x, y, step, pressure): &(f32, f32, f32, f32)| Point {
                x,
                y,
                t_ms: later(step),
                pressure: has_pressure.then_some(pressure),
                tilt: None,
            };
            stroke.iter().map(point).collect()
        });
        Capture::new(None, PointingDevice::Unknown, strokes.collect()).unwrap()
    })
}

proptest! {
    /// Positions to 1/20 pixel and what the mantissa of the scaling loses (1 of 11,000), times to a millisecond, pressure to 1/1023.
    #[test]
    fn what_was_written_is_read_back_within_the_mantissa(capture in capture()) {
        let again = Record::decode(&capture.to_iso()).unwrap().to_capture().unwrap();
        prop_assert_eq!(capture.strokes.len(), again.strokes.len());
        let (from, to) = (capture.points().next().unwrap(), again.points().next().unwrap());
        for (before, after) in capture.points().zip(again.points()) {
            for (a, b) in [(before.x - from.x, after.x - to.x), (before.y - from.y, after.y - to.y)] {
                prop_assert!((a - b).abs() <= 0.11 + a.abs() / 11_000.0, "{} {}", a, b);
            }
            prop_assert!(((before.t_ms - from.t_ms) - after.t_ms).abs() <= 1.01);
            if capture.has_pressure() {
                let lost = (before.pressure.unwrap() - after.pressure.unwrap()).abs();
                // The least pressure of a pen on the pad is 1 of 1023.
                prop_assert!(lost <= 1.01 / 1023.0, "{}", lost);
            }
        }
        prop_assert!(capture.has_pressure() || !again.has_pressure());
    }

    #[test]
    fn what_is_read_is_written_the_same_again(capture in capture()) {
        let bytes = capture.to_iso();
        prop_assert_eq!(&*Record::decode(&bytes).unwrap().encode(), &*bytes);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), is_headed: bool) {
        let bytes = if is_headed { [&b"SDI\0 10\0"[..], &bytes].concat() } else { bytes };
        if let Ok(record) = Record::decode(&bytes) && let Ok(capture) = record.to_capture() {
            let _ = (capture.figures(), capture.ink(), capture.to_inkml(), capture.to_iso());
        }
    }

    #[test]
    fn mutants_of_the_worked_vector_are_read_or_refused(changes in proptest::collection::vec((8_usize..61, any::<u8>()), 1..6)) {
        let mut bytes = bytes(WORKED);
        for (place, byte) in changes {
            bytes[place] = byte;
        }
        if let Ok(record) = Record::decode(&bytes) {
            // S is not written, and extended data and reserved bits are not kept.
            let _ = (record.encode(), record.to_capture().map(|capture| capture.ink()));
        }
    }
}
