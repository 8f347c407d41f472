//! InkML (W3C Recommendation of 2011), which programs of document examiners read.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::capture::{Capture, Point};

/// Millimetres of a CSS pixel.
const MM_PER_PIXEL: f64 = 25.4 / 96.0;

impl Capture {
    /// The capture as InkML: one trace for each stroke; X and Y in millimetres to the right and downwards, T in milliseconds, F from 0 to
    /// 1 of what the device can tell where every point has pressure, and tilt in degrees where every point has it. Nothing is left out or
    /// smoothed.
    pub fn to_inkml(&self) -> Zeroizing<String> {
        let has_pressure = self.points().all(|point| point.pressure.is_some());
        let has_tilt = self.points().all(|point| point.tilt.is_some());
        let mut out = Zeroizing::new(String::with_capacity(1024 + 64 * self.points().count()));
        out.push_str(concat!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
            "<ink xmlns=\"http://www.w3.org/2003/InkML\">\n",
            "  <definitions>\n    <context xml:id=\"pad\">\n      <traceFormat>\n",
            "        <channel name=\"X\" type=\"decimal\" orientation=\"+ve\" units=\"mm\"/>\n",
            "        <channel name=\"Y\" type=\"decimal\" orientation=\"+ve\" units=\"mm\"/>\n",
            "        <channel name=\"T\" type=\"decimal\" units=\"ms\"/>\n",
        ));
        if has_pressure {
            out.push_str("        <channel name=\"F\" type=\"decimal\" min=\"0\" max=\"1\" units=\"dev\"/>\n");
        }
        if has_tilt {
            out.push_str("        <channel name=\"OTx\" type=\"decimal\" units=\"deg\"/>\n");
            out.push_str("        <channel name=\"OTy\" type=\"decimal\" units=\"deg\"/>\n");
        }
        out.push_str("      </traceFormat>\n    </context>\n  </definitions>\n");
        for stroke in &self.strokes {
            out.push_str("  <trace contextRef=\"#pad\">");
            for (index, point) in stroke.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { ", " });
                write_point(&mut out, point, has_pressure, has_tilt);
            }
            out.push_str("</trace>\n");
        }
        out.push_str("</ink>\n");
        out
    }
}

fn write_point(out: &mut String, point: &Point, has_pressure: bool, has_tilt: bool) {
    let mm = |pixels: f32| f64::from(pixels) * MM_PER_PIXEL;
    // Writing to a string does not fail.
    let _ = write!(out, "{:.4} {:.4} {:.3}", mm(point.x), mm(point.y), point.t_ms);
    if let Some(pressure) = point.pressure.filter(|_| has_pressure) {
        let _ = write!(out, " {pressure:.5}");
    }
    if let Some((x, y)) = point.tilt.filter(|_| has_tilt) {
        let _ = write!(out, " {x:.3} {y:.3}");
    }
}

#[cfg(test)]
mod tests {
    use crate::capture::{Capture, Point, PointingDevice};
    use crate::synthetic::Hand;

    #[test]
    fn each_stroke_is_a_trace_with_every_point_in_it() {
        let capture = Hand::default().signature();
        let text = capture.to_inkml();
        let traces: Vec<&str> = text.lines().filter(|line| line.starts_with("  <trace ")).collect();
        let points: Vec<usize> = traces.iter().map(|trace| trace.matches(", ").count() + 1).collect();
        assert_eq!(points, capture.strokes.iter().map(Vec::len).collect::<Vec<_>>());
        assert!(text.contains("name=\"F\"") && !text.contains("name=\"OTx\""));
    }

    #[test]
    fn a_channel_is_there_where_every_point_has_it() {
        let point = |pressure, tilt| Point { x: 96.0, y: -48.0, t_ms: 0.0, pressure, tilt };
        let ink = |points: Vec<Point>| Capture::new(None, PointingDevice::Pen, vec![points]).unwrap().to_inkml();
        let all = ink(vec![point(Some(0.5), Some((-30.0, 45.5)))]);
        assert!(all.contains("<trace contextRef=\"#pad\">25.4000 -12.7000 0.000 0.50000 -30.000 45.500</trace>"), "{}", *all);
        let some = ink(vec![point(Some(0.5), None), point(None, Some((1.0, 2.0)))]);
        assert!(some.contains(">25.4000 -12.7000 0.000, 25.4000 -12.7000 0.000</trace>"), "{}", *some);
        assert!(!some.contains("name=\"F\""));
    }
}
