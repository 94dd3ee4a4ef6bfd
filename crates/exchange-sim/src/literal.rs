//! Decimal literals in source text. No parsing of anything that comes from outside.

use rust_decimal::Decimal;

/// Reads a literal of digits, underscores and at most one point; anything else is a mistake in our own source.
pub(crate) const fn decimal(text: &str) -> Decimal {
    let bytes = text.as_bytes();
    let mut value: u64 = 0;
    let mut scale = 0;
    let mut after_point = false;
    let mut index = 0;
    while index < bytes.len() {
        match bytes[index] {
            b'.' => after_point = true,
            digit @ b'0'..=b'9' => {
                value = value * 10 + (digit - b'0') as u64;
                if after_point {
                    scale += 1;
                }
            }
            _ => {}
        }
        index += 1;
    }
    Decimal::from_parts((value & 0xffff_ffff) as u32, (value >> 32) as u32, 0, false, scale)
}

/// A non-negative decimal literal: `dec!(0.05)`.
macro_rules! dec {
    ($literal:literal) => {
        const { $crate::literal::decimal(stringify!($literal)) }
    };
}
pub(crate) use dec;

#[cfg(test)]
mod tests {
    #[test]
    fn literals_keep_value_and_scale() {
        assert_eq!(dec!(0.10).to_string(), "0.10");
        assert_eq!(dec!(60_000.5).to_string(), "60000.5");
        assert_eq!(dec!(1800000000).to_string(), "1800000000");
    }
}
