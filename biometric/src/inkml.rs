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
