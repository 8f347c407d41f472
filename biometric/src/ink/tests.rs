use super::*;
use crate::capture::PointingDevice;
use crate::synthetic::{self, Hand};

fn wave(count: usize, time: impl Fn(f32) -> f32, pressure: impl Fn(f32) -> f32) -> Capture {
    // Samples are where the pen is at equal steps of `time`.
    let point = |index: usize| {
        let even = index as f32 / (count - 1) as f32;
        let way = time(even);
        let (x, y) = (way * 300.0, 60.0 + 40.0 * (way * 12.0).sin());
        Point { x, y, t_ms: even * 2000.0, pressure: Some(pressure(way)), tilt: None }
    };
    Capture::new(None, PointingDevice::Pen, vec![(0..count).map(point).collect()]).unwrap()
}

fn swell(way: f32) -> f32 {
    0.2 + 0.5 * way
}

/// The largest distance between lines that have about as many points.
fn apart(a: &Ink, b: &Ink) -> f32 {
    let (a, b) = (&a.strokes[0], &b.strokes[0]);
    assert!(a.len().abs_diff(b.len()) <= 2, "{} {}", a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a.x - b.x).hypot(a.y - b.y)).fold(0.0, f32::max)
}

#[test]
fn a_hand_that_hurries_leaves_the_same_ink() {
    let even = wave(400, |time| time, swell);
    let hurried = wave(400, |time| time * time * (3.0 - 2.0 * time), swell);
    let sparse = wave(120, |time| time, swell);
    assert!(even.ink().strokes[0].len() > 150);
    assert!(apart(&even.ink(), &hurried.ink()) < 1.0);
    assert!(apart(&even.ink(), &sparse.ink()) < 1.0);
    let classes = |capture: &Capture| capture.ink().strokes[0].iter().map(|point| point.class).collect::<Vec<_>>();
    let differ = classes(&even).iter().zip(classes(&hurried)).filter(|(a, b)| **a != *b).count();
    assert!(differ < 20, "{differ}");
}

#[test]
fn points_of_the_ink_are_equally_far_apart_however_the_samples_were() {
    for seed in 0..8 {
        let ink = Hand { seed, rate_hz: 60, ..Hand::default() }.signature().ink();
        for stroke in &ink.strokes {
            let steps: Vec<f32> = stroke.windows(2).map(|pair| (pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y)).collect();
            let longest = steps.iter().copied().fold(0.0, f32::max);
            // A chord is shorter than its arc in a tight turn, and never longer.
            let typical = steps.iter().filter(|step| **step > 0.8 * longest).count();
            assert!(typical * 10 > steps.len() * 8, "{typical} of {}", steps.len());
        }
    }
}

#[test]
fn a_hand_that_presses_twice_as_hard_leaves_the_same_ink() {
    let soft = wave(300, |time| time, |way| 0.1 + 0.3 * way);
    let hard = wave(300, |time| time, |way| 0.2 + 0.6 * way);
    assert_eq!(soft.ink(), hard.ink());
    let classes: std::collections::BTreeSet<u8> = soft.ink().strokes[0].iter().map(|point| point.class).collect();
    assert_eq!(classes.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn a_tremble_of_pressure_does_not_show() {
    let trembling = wave(400, |time| time, |way| 0.2 + 0.5 * way + 0.05 * (way * 900.0).sin());
    let changes = trembling.ink().strokes[0].windows(2).filter(|pair| pair[0].class != pair[1].class).count();
    assert!(changes <= 8, "{changes}");
}

#[test]
fn without_pressure_all_lines_have_the_middle_width() {
    for device in [PointingDevice::Mouse, PointingDevice::Touch] {
        let ink = Hand { device, ..Hand::default() }.signature().ink();
        assert!(ink.strokes.iter().flatten().all(|point| point.class == MIDDLE));
    }
}

#[test]
fn ink_stays_in_its_box_which_begins_at_zero() {
    for seed in 0..20 {
        let capture = Hand { seed, ..Hand::default() }.signature();
        let (ink, figures) = (capture.ink(), capture.figures());
        assert!((ink.width - figures.width_px as f32).abs() < 0.6 && (ink.height - figures.height_px as f32).abs() < 0.6);
        assert_eq!(ink.strokes.len(), capture.strokes.len());
        for point in ink.strokes.iter().flatten() {
            assert!((0.0..=ink.width).contains(&point.x) && (0.0..=ink.height).contains(&point.y));
            assert!(point.class < WIDTH_CLASSES);
        }
    }
}

#[test]
fn a_dot_is_one_point() {
    let ink = synthetic::dot().ink();
    assert_eq!((ink.width, ink.height, ink.strokes.len(), ink.strokes[0].len()), (0.0, 0.0, 1, 1));
}

#[test]
fn a_scribble_has_a_bounded_number_of_points() {
    let point = |index: u16| {
        let even = index.is_multiple_of(2);
        let side = if even { -3276.0 } else { 3276.0 };
        Point { x: side, y: f32::from(index) / 20.0 - 1000.0, t_ms: f32::from(index), pressure: None, tilt: None }
    };
    let capture = Capture::new(None, PointingDevice::Pen, vec![(0..38_000).map(point).collect()]).unwrap();
    let points = capture.ink().strokes[0].len();
    assert!((3000..=4001).contains(&points), "{points}");
}
