//! A number's answer: `"answer":{"number":42.5}`, which is the least number or some steps above it.

use serde_json::Value;

use super::Marks;

/// Returns the marks of a record with a number; `None` if the answer is not allowed. The least number and the step are
/// in millionths.
pub fn marks(record: &Value, min: i64, step: i64, values: u64) -> Option<Marks> {
    let given = record["answer"]["number"].as_number()?;
    if record["v"] != 2 {
        return None;
    }
    let above = millionths(&given.to_string())? - i128::from(min);
    let (steps, rest) = (above / i128::from(step), above % i128::from(step));
    let allowed = rest == 0 && (0..i128::from(values)).contains(&steps);
    allowed.then(|| vec![(steps as usize, 1)])
}

/// Reads the digits of a number in JSON. Returns how many millionths it has; `None` if it has a part of one.
fn millionths(number: &str) -> Option<i128> {
    let (mantissa, exponent) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
    // A number of so many places could not be that of any ballot, unless it is zero.
    let shift = exponent.parse::<i32>().ok()?.checked_sub(fraction.len() as i32)?.checked_add(6)?;
    let scale = 10_i128.checked_pow(shift.unsigned_abs());
    match (digits, scale) {
        (0, _) => Some(0),
        (_, Some(scale)) if shift >= 0 => digits.checked_mul(scale),
        (_, Some(scale)) if digits % scale == 0 => Some(digits / scale),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::millionths;

    #[test]
    fn numbers_are_read_by_their_digits() {
        for (number, expected) in [
            ("42", Some(42_000_000)),
            ("42.5", Some(42_500_000)),
            ("-0.000001", Some(-1)),
            ("1e-6", Some(1)),
            ("2.5E+3", Some(2_500_000_000)),
            ("10e-7", Some(1)),
            ("1e-7", None),
            ("1.0000001", None),
            ("1e300", None),
            ("0e300", Some(0)),
        ] {
            assert_eq!(millionths(number), expected, "{number}");
        }
    }
}
