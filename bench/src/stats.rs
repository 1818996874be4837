//! From what rounds found to one figure with its spread, and from calls to percentiles.
//!
//! Guards that a figure says how sure it is, and that a ratio is one of figures of the same round.

use serde_json::{Value, json};

/// The median of rounds, with the smallest and the largest of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// None where there is no round, or one whose figure is no number.
    pub fn of(rounds: &[f64]) -> Option<Spread> {
        if rounds.is_empty() || rounds.iter().any(|value| !value.is_finite()) {
            return None;
        }
        let mut sorted = rounds.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        };
        Some(Spread {
            median,
            min: sorted[0],
            max: sorted[sorted.len() - 1],
        })
    }

    pub fn json(&self) -> Value {
        json!({"median": rounded(self.median), "min": rounded(self.min), "max": rounded(self.max)})
    }
}

/// Round by round, how many times the one is the other.
pub fn ratios(ours: &[f64], theirs: &[f64]) -> Vec<f64> {
    let pairs = ours.iter().zip(theirs);
    pairs.map(|(our, their)| our / their).collect()
}

/// The value that `part` of all are not above; NaN of nothing.
pub fn percentile(values: &mut [f64], part: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let place = (values.len() as f64 * part).ceil() as usize;
    let found = values.get(place.saturating_sub(1));
    found.copied().unwrap_or(f64::NAN)
}

/// To four digits: more is noise.
pub fn rounded(value: f64) -> f64 {
    if value == 0.0 || !value.is_finite() {
        return value;
    }
    let places = 3 - value.abs().log10().floor() as i32;
    let scale = 10f64.powi(places.abs());
    if places >= 0 {
        (value * scale).round() / scale
    } else {
        (value / scale).round() * scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_of_rounds_is_between_the_two_in_the_middle() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((spread.median, spread.min, spread.max), (2.5, 1.0, 4.0));
        assert_eq!(Spread::of(&[7.0, 9.0, 1.0]).unwrap().median, 7.0);
    }

    #[test]
    fn a_round_without_a_figure_leaves_none_for_the_cell() {
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[1.0, f64::NAN]), None);
        assert_eq!(Spread::of(&[1.0, f64::INFINITY]), None);
    }

    #[test]
    fn a_ratio_is_of_the_same_round() {
        let found = ratios(&[10.0, 30.0, 20.0], &[10.0, 10.0, 5.0]);
        assert_eq!(found, [1.0, 3.0, 4.0]);
        assert_eq!(Spread::of(&found).unwrap().median, 3.0);
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut calls: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut calls, 0.5), 500.0);
        assert_eq!(percentile(&mut calls, 0.99), 990.0);
        assert_eq!(percentile(&mut calls, 0.999), 999.0);
        assert_eq!(percentile(&mut [3.0], 0.999), 3.0);
        assert!(percentile(&mut [], 0.5).is_nan());
    }

    #[test]
    fn a_figure_has_four_digits_wherever_its_point_stands() {
        let found = [0.123_456, 12.345_6, 1_234_567.0, 0.0].map(rounded);
        assert_eq!(found, [0.1235, 12.35, 1_235_000.0, 0.0]);
    }
}
