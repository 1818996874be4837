//! Durations as people write them: `250ms`, `100s`, `5m`, `2h`, `14d`, `1h30m`.
//!
//! Guards that no number is taken for another unit than was meant: a bare one is refused, and what
//! is shown can be typed in again.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// For clap: the error says what to type instead.
pub fn parse(text: &str) -> Result<Duration, String> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "a number alone has no unit: write {text}s for seconds or {text}ms for milliseconds"
        ));
    }
    ms(text).map(Duration::from_millis).ok_or_else(|| {
        "wants whole numbers with units, as in 250ms, 100s, 5m, 2h, 14d or 1h30m".to_owned()
    })
}

/// Units from large to small, each at most once; `None` for anything else.
fn ms(text: &str) -> Option<u64> {
    let (mut rest, mut sum, mut below) = (text, 0u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == unit)?;
        if *size >= below {
            return None;
        }
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*size)?)?;
        (rest, below) = (tail, *size);
    }
    (below < u64::MAX).then_some(sum)
}

/// Two units at most, the rest cut off: an age or a ttl at a glance.
pub fn show(duration: Duration) -> String {
    let mut left = ms_of(duration);
    let mut shown = String::new();
    let mut units = 0;
    for (name, size) in UNITS {
        let count = left / size;
        left %= size;
        // Beside seconds, milliseconds are noise.
        if (count > 0 && !(name == "ms" && units > 0)) || (name == "ms" && shown.is_empty()) {
            shown.push_str(&format!("{count}{name}"));
        }
        units += u8::from(!shown.is_empty());
        if units == 2 {
            break;
        }
    }
    shown
}

/// Whole milliseconds, as all times have in JSON.
pub fn ms_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_understood() {
        for (text, ms) in [
            ("250ms", 250),
            ("100s", 100_000),
            ("5m", 300_000),
            ("2h", 7_200_000),
            ("14d", 1_209_600_000),
            ("1h30m", 5_400_000),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_refused_with_what_to_type() {
        let told = parse("30").unwrap_err();
        assert!(told.contains("30s") && told.contains("30ms"), "{told}");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "s",
            "-5s",
            "1.5s",
            "5 m",
            "5x",
            "1s1s",
            "1s1m",
            "5m30",
            "1e3s",
            "99999999999999999999s",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        for (ms, text) in [
            (0, "0ms"),
            (250, "250ms"),
            (1_500, "1s"),
            (100_000, "1m40s"),
            (7_200_000, "2h"),
            (1_209_599_000, "13d23h"),
            (86_400_500, "1d"),
        ] {
            assert_eq!(show(Duration::from_millis(ms)), text);
            assert!(parse(text).is_ok());
        }
    }
}
