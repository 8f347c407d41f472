//! The spectrum of a square of a picture: what repeats in it, and how plainly.

/// Side of the square, a power of two.
pub const SIDE: usize = 256;

/// Magnitudes by row and column of frequencies; those of one half of the plane, as the other half mirrors it.
pub fn magnitudes(square: &[f32]) -> Vec<f32> {
    let mut plane: Vec<(f32, f32)> = square.iter().map(|value| (*value, 0.0)).collect();
    plane.resize(SIDE * SIDE, (0.0, 0.0));
    let turns: Vec<(f32, f32)> = (0..SIDE / 2)
        .map(|at| {
            let (sin, cos) = (-std::f32::consts::TAU * at as f32 / SIDE as f32).sin_cos();
            (cos, sin)
        })
        .collect();
    plane.chunks_exact_mut(SIDE).for_each(|row| transform(row, &turns));
    let mut column = vec![(0.0, 0.0); SIDE];
    let mut magnitudes = vec![0.0; SIDE * SIDE / 2];
    for x in 0..SIDE / 2 {
        column.iter_mut().zip(plane.iter().skip(x).step_by(SIDE)).for_each(|(slot, value)| *slot = *value);
        transform(&mut column, &turns);
        for (y, (re, im)) in column.iter().enumerate() {
            magnitudes[y * SIDE / 2 + x] = re.hypot(*im);
        }
    }
    magnitudes
}

/// The fast Fourier transform (Cooley and Tukey) of as many values as there are pairs of `turns`.
fn transform(values: &mut [(f32, f32)], turns: &[(f32, f32)]) {
    let bits = SIDE.trailing_zeros();
    for at in 0..SIDE {
        let mirrored = at.reverse_bits() >> (usize::BITS - bits);
        if at < mirrored {
            values.swap(at, mirrored);
        }
    }
    let mut half = 1;
    while half < SIDE {
        for start in (0..SIDE).step_by(2 * half) {
            for at in start..start + half {
                let (cos, sin) = turns[(at - start) * (SIDE / 2 / half)];
                let (re, im) = values[at + half];
                let (re, im) = (re * cos - im * sin, re * sin + im * cos);
                let (a, b) = values[at];
                values[at] = (a + re, b + im);
                values[at + half] = (a - re, b - im);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wave_is_one_peak() {
        let wave =
            |at: usize| (std::f32::consts::TAU * ((at % SIDE) as f32 * 40.0 + (at / SIDE) as f32 * 16.0) / SIDE as f32).cos();
        let square: Vec<f32> = (0..SIDE * SIDE).map(wave).collect();
        let magnitudes = magnitudes(&square);
        let best = (0..magnitudes.len()).max_by(|a, b| magnitudes[*a].total_cmp(&magnitudes[*b])).unwrap();
        assert_eq!((best % (SIDE / 2), best / (SIDE / 2)), (40, 16));
        assert!((magnitudes[best] - (SIDE * SIDE / 2) as f32).abs() < 10.0);
    }
}
