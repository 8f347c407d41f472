use super::*;
use crate::Capture;
use crate::capture::{Point, PointingDevice};
use crate::synthetic::{self, Hand};

fn judged(capture: &Capture) -> Verdict {
    Gate::default().judge(&capture.figures())
}

fn rejected(capture: &Capture) -> Vec<&'static str> {
    judged(capture).rejected.iter().map(|reason| reason.figure).collect()
}

#[test]
fn a_dot_taps_and_a_line_are_rejected_each_for_what_it_is() {
    let dot = rejected(&synthetic::dot());
    assert!(dot.contains(&"points") && dot.contains(&"distinct_positions") && dot.contains(&"duration_ms"), "{dot:?}");
    assert!(rejected(&synthetic::taps()).contains(&"distinct_positions"));
    assert_eq!(rejected(&synthetic::line()), ["spread_permille", "turning_mrad"]);
}

#[test]
fn people_sign_with_a_cross() {
    let verdict = judged(&synthetic::cross());
    assert!(verdict.is_accepted(), "{verdict:?}");
    assert!(verdict.marks.contains(&"few_positions"));
}

#[test]
fn signatures_of_many_hands_on_all_devices_are_accepted() {
    for seed in 0..200 {
        for (rate_hz, device) in [(200, PointingDevice::Pen), (60, PointingDevice::Touch), (60, PointingDevice::Mouse)] {
            for seconds in [0.8, 2.6, 6.0] {
                let capture = Hand { seed, rate_hz, seconds, device }.signature();
                let verdict = judged(&capture);
                assert!(verdict.is_accepted(), "{seed} {device:?} {seconds}: {:?} {verdict:?}", capture.figures());
                assert!(!verdict.marks.contains(&"even_speed"), "{seed} {device:?}");
                assert_eq!(verdict.marks.contains(&"no_pressure"), device != PointingDevice::Pen);
            }
        }
    }
}

#[test]
fn figures_are_as_measured() {
    let figures = Hand::default().signature().figures();
    assert!((430..460).contains(&figures.points), "{figures:?}");
    assert!((2550..=2600).contains(&figures.duration_ms));
    assert!((190..=210).contains(&figures.rate_hz));
    assert!(figures.turning_mrad > 20_000 && figures.speed_variation_permille > 250 && figures.spread_permille > 80);
    assert_eq!(figures.gaps_permille, 0);
    let line = synthetic::line().figures();
    assert_eq!((line.spread_permille, line.turning_mrad, line.speed_variation_permille), (0, 0, 0));
    let cross = synthetic::cross().figures();
    assert!((900..=1000).contains(&cross.spread_permille) && (1900..=2000).contains(&cross.length_permille_of_diagonal));
    assert_eq!(synthetic::circle().figures().speed_variation_permille, 0);
}

#[test]
fn a_script_a_slow_mouse_and_gaps_are_marked_and_not_rejected() {
    let circle = judged(&synthetic::circle());
    assert!(circle.is_accepted() && circle.marks.contains(&"even_speed"), "{circle:?}");
    let slow = judged(&Hand { rate_hz: 20, device: PointingDevice::Mouse, ..Hand::default() }.signature());
    assert!(slow.is_accepted() && slow.marks.contains(&"low_rate"), "{slow:?}");
    let mut capture = Hand::default().signature();
    let half = capture.strokes[0].len() / 2;
    for point in capture.strokes[0].iter_mut().skip(half).map(|point| &mut point.t_ms) {
        *point += 300.0;
    }
    for point in capture.strokes.iter_mut().skip(1).flatten() {
        point.t_ms += 300.0;
    }
    let gaps = judged(&capture);
    assert!(gaps.is_accepted() && gaps.marks.contains(&"gaps"), "{gaps:?}");
}

#[test]
fn what_is_small_on_both_sides_of_its_pad_or_too_long_is_rejected() {
    let mut capture = Hand::default().signature();
    capture.pad = Some((6000.0, 6000.0));
    assert_eq!(rejected(&capture), ["width_of_pad_permille"]);
    capture.pad = Some((6000.0, 200.0));
    assert_eq!(rejected(&capture), [""; 0]);
    capture.pad = None;
    assert_eq!(rejected(&capture), [""; 0]);
    let long = Hand { rate_hz: 50, seconds: 60.0, ..Hand::default() }.signature();
    assert_eq!(rejected(&long), [""; 0]);
    let mut longer = long.clone();
    longer.strokes.last_mut().unwrap().iter_mut().for_each(|point| point.t_ms += 500.0);
    assert_eq!(rejected(&longer), ["duration_ms"]);
}

#[test]
fn a_threshold_is_the_first_value_that_is_accepted() {
    let figures = Hand::default().signature().figures();
    let gate = Gate::default();
    let judge = |change: &dyn Fn(&mut Figures)| {
        let mut figures = figures.clone();
        change(&mut figures);
        gate.judge(&figures)
    };
    assert!(judge(&|figures| figures.points = 20).is_accepted());
    assert!(!judge(&|figures| figures.points = 19).is_accepted());
    assert!(judge(&|figures| figures.duration_ms = 60_000).is_accepted());
    assert!(!judge(&|figures| figures.duration_ms = 60_001).is_accepted());
    // A way that is short is enough with turning, and little turning with a way that is long.
    assert!(judge(&|figures| figures.length_permille_of_diagonal = 0).is_accepted());
    assert!(judge(&|figures| figures.turning_mrad = 0).is_accepted());
    let straight = judge(&|figures| (figures.turning_mrad, figures.length_permille_of_diagonal) = (2999, 1199));
    assert_eq!(straight.rejected[0].figure, "turning_mrad");
}

#[test]
fn every_message_tells_the_signer_what_to_do() {
    for capture in [synthetic::dot(), synthetic::taps(), synthetic::line()] {
        for Reason { message, .. } in judged(&capture).rejected {
            assert!(message.contains(": "), "{message}");
        }
    }
}

#[test]
fn thresholds_are_configured_by_name_and_checked() {
    let gate: Gate = serde_json::from_str(r#"{"points_min":5}"#).unwrap();
    assert_eq!(gate, Gate { points_min: 5, ..Gate::default() });
    assert!(serde_json::from_str::<Gate>(r#"{"points":5}"#).is_err());
    assert_eq!(Gate::default().check(), Ok(()));
    let wrong = |gate: Gate, name: &str| {
        let words = gate.check().unwrap_err();
        assert!(words.starts_with(name), "{words}");
    };
    wrong(Gate { duration_ms_max: 65_536, ..Gate::default() }, "duration_ms_max");
    wrong(Gate { points_min: 5000, ..Gate::default() }, "points_min");
    wrong(Gate { spread_permille_marked: 10, ..Gate::default() }, "spread_permille_min");
}

#[test]
fn figures_of_what_is_extreme_stay_within_their_bounds() {
    let corners = [(-3276.0, -3276.0), (3276.0, 3276.0)];
    let point = |index: usize| {
        let (x, y) = corners[index % 2];
        Point { x, y, t_ms: 0.0, pressure: None, tilt: None }
    };
    let capture = Capture::new(None, PointingDevice::Unknown, vec![(0..40_000).map(point).collect()]).unwrap();
    let figures = capture.figures();
    assert_eq!((figures.rate_hz, figures.speed_variation_permille, figures.gaps_permille), (0, 0, 0));
    assert_eq!(figures.length_permille_of_diagonal, 39_999_000);
}
