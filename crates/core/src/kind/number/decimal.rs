//! Decimals: numbers with at most six digits after the point, which are kept as whole millionths.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A decimal has so many digits after the point at most.
pub const DIGITS: u32 = 6;
/// The greatest decimal; the least one is its negative.
pub const GREATEST: i64 = 1_000_000_000;
/// One has so many millionths.
const ONE: i64 = 10_i64.pow(DIGITS);

/// A `Decimal` is a number from −1,000,000,000 to 1,000,000,000 with at most six digits after the point.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i64);

/// `NoDecimal` says why a number is no [`Decimal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDecimal {
    /// The number is outside the range.
    #[error("must be from -{GREATEST} to {GREATEST}")]
    TooGreat,
    /// The number has too many digits after the point.
    #[error("must have at most {DIGITS} digits after the point")]
    TooFine,
}

impl Decimal {
    /// The greatest decimal.
    pub(super) const MAX: Self = Self(GREATEST * ONE);

    /// Returns a whole number.
    pub const fn whole(number: i32) -> Self {
        Self(number as i64 * ONE)
    }

    /// Returns the decimal of so many millionths, which are within the range.
    pub const fn of_millionths(millionths: i64) -> Self {
        debug_assert!(millionths.unsigned_abs() <= Self::MAX.0 as u64, "beyond the range");
        Self(millionths)
    }

    /// Returns how many millionths the decimal has.
    pub const fn millionths(self) -> i64 {
        self.0
    }

    /// Returns the decimal that a number from JSON stands for.
    ///
    /// A decimal has at most fifteen digits. Of all decimals with so few digits no two have the same nearest
    /// double-precision number (IEEE 754; it is what `DBL_DIG` of C says). So the number is a decimal exactly if it is
    /// the nearest one to its own rounded millionths.
    pub fn read(number: f64) -> Result<Self, NoDecimal> {
        let greatest = GREATEST as f64;
        if !(-greatest..=greatest).contains(&number) {
            return Err(NoDecimal::TooGreat);
        }
        let decimal = Self((number * ONE as f64).round() as i64);
        if decimal.to_f64() == number { Ok(decimal) } else { Err(NoDecimal::TooFine) }
    }

    /// Returns the nearest double-precision number. Both parts of the division are whole and below 2^53, and hence
    /// exact, so the quotient is rounded only once.
    pub fn to_f64(self) -> f64 {
        self.0 as f64 / ONE as f64
    }
}

impl std::fmt::Display for Decimal {
    /// Writes the decimal without an exponent, and without zeros at the end.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, rest) =
            (self.0.unsigned_abs() / ONE as u64, self.0.unsigned_abs() % ONE as u64);
        let digits = format!("{rest:0width$}", width = DIGITS as usize);
        let digits = digits.trim_end_matches('0');
        let point = if digits.is_empty() { "" } else { "." };
        f.pad(&format!("{sign}{whole}{point}{digits}"))
    }
}

impl Serialize for Decimal {
    /// Writes a whole number as one, so that it has no point.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % ONE == 0 {
            serializer.serialize_i64(self.0 / ONE)
        } else {
            serializer.serialize_f64(self.to_f64())
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(f64::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> Result<i64, String> {
        let read = serde_json::from_str::<Decimal>(json);
        read.map(Decimal::millionths).map_err(|error| error.to_string())
    }

    #[test]
    fn no_decimal_drifts() {
        for (json, millionths) in [
            ("0.1", 100_000),
            ("0.3", 300_000),
            ("8848.86", 8_848_860_000),
            ("-1e9", -1_000_000_000_000_000),
            ("1000000000", 1_000_000_000_000_000),
            ("999999999.999999", 999_999_999_999_999),
            ("1e-6", 1),
            ("-0.000001", -1),
            ("1e3", 1_000_000_000),
            ("42.50", 42_500_000),
            ("-0", 0),
            // The second number is not that of the first one's digits unless a reader is exact.
            ("468254365.444528", 468_254_365_444_528),
            ("468254365.44452800000000", 468_254_365_444_528),
        ] {
            assert_eq!(read(json), Ok(millionths), "{json}");
        }
    }

    #[test]
    fn what_is_no_decimal_is_refused() {
        for json in [
            "1.0000001",
            "0.30000000000000004",
            "1e-7",
            "999999999.9999995",
            "999999999.9999999",
            "919506845.1252861",
        ] {
            assert!(read(json).unwrap_err().contains("6 digits"), "{json}");
        }
        for json in ["1000000000.000001", "-1000000001", "18446744073709551615", "1e300"] {
            assert!(read(json).unwrap_err().contains("from -1000000000 to"), "{json}");
        }
        for json in ["\"1\"", "null", "[1]", "true", "1e400"] {
            assert!(read(json).is_err(), "{json}");
        }
        assert_eq!(Decimal::read(f64::NAN), Err(NoDecimal::TooGreat));
    }

    #[test]
    fn a_decimal_is_written_as_short_as_it_can_be() {
        for (millionths, shown) in [
            (0, "0"),
            (42_000_000, "42"),
            (42_500_000, "42.5"),
            (-500_000, "-0.5"),
            (8_848_860_000, "8848.86"),
            (1_000_000_000_000_000, "1000000000"),
            (-10, "-0.00001"),
        ] {
            let decimal = Decimal::of_millionths(millionths);
            assert_eq!(decimal.to_string(), shown);
            assert_eq!(serde_json::to_string(&decimal).unwrap(), shown);
        }
        assert_eq!(Decimal::of_millionths(1).to_string(), "0.000001");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        /// A decimal that is written is read as the same, in the short form, with an exponent and with all its digits.
        #[test]
        fn a_decimal_is_read_as_it_was_written(
            millionths in -GREATEST * ONE..=GREATEST * ONE,
            coarse in 0..15_u32,
        ) {
            let scale = 10_i64.pow(coarse);
            let millionths = millionths / scale * scale;
            let decimal = Decimal::of_millionths(millionths);
            prop_assert_eq!(read(&serde_json::to_string(&decimal).unwrap()), Ok(millionths));
            prop_assert_eq!(read(&decimal.to_string()), Ok(millionths));
            prop_assert_eq!(read(&format!("{millionths}e-6")), Ok(millionths));
            let value = serde_json::to_value(decimal).unwrap();
            prop_assert_eq!(serde_json::from_value::<Decimal>(value).unwrap(), decimal);
        }

        /// Decimals keep the order of the numbers.
        #[test]
        fn decimals_are_in_order(a in -GREATEST * ONE..=GREATEST * ONE - 1_000, more in 1..=1_000_i64) {
            let (a, b) = (Decimal::of_millionths(a), Decimal::of_millionths(a + more));
            prop_assert!(a < b && a.to_f64() < b.to_f64());
        }
    }
}
