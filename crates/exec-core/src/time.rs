//! Time as values: ours in nanoseconds, the venue's in milliseconds. Nobody here reads a clock.

use alloc::{format, string::String};
use core::fmt;
use serde::{Deserialize, Serialize};

/// Nanoseconds since the Unix epoch by the engine's own clock, which never goes back.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// A point in time from milliseconds since the Unix epoch.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1_000_000))
    }
    /// Whole milliseconds since the Unix epoch.
    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000_000
    }
    /// `ms` milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1_000_000)))
    }
    /// Milliseconds since `earlier`, 0 if that is in the future.
    pub const fn ms_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0) / 1_000_000
    }
}

/// Milliseconds since the Unix epoch by the venue's clock.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize)]
pub struct VenueTime(pub i64);

impl VenueTime {
    /// `ms` milliseconds later.
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms as i64))
    }
}

impl fmt::Display for VenueTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u64::try_from(self.0) {
            Ok(ms) => write!(f, "{} UTC", utc(ms)),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

/// A moment as people write it, in UTC, to the millisecond.
pub fn utc(ms: u64) -> String {
    let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
    // The civil calendar in eras of 400 years that begin in March, so that a leap day is the last of its year.
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted + 2) / 5 + 1, if shifted < 10 { shifted + 3 } else { shifted - 9 });
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (h, m, s, rest) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1_000 % 60, in_day % 1_000);
    format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}.{rest:03}")
}

/// What is known about the venue's clock: `venue = ours + offset_ms`, give or take `error_ms`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ClockReading {
    /// Milliseconds to add to our time.
    pub offset_ms: i64,
    /// Half of the round trip that measured it.
    pub error_ms: u64,
}

impl ClockReading {
    /// The venue's time at `now`.
    pub const fn venue_time(&self, now: Timestamp) -> VenueTime {
        VenueTime((now.as_ms() as i64).saturating_add(self.offset_ms))
    }
    /// A time that the venue's clock has certainly reached at `now`.
    pub const fn venue_time_at_least(&self, now: Timestamp) -> VenueTime {
        VenueTime((now.as_ms() as i64).saturating_add(self.offset_ms).saturating_sub(self.error_ms as i64))
    }
    /// Our time at which the venue's clock has certainly reached `at`.
    pub const fn our_time_after(&self, at: VenueTime) -> Timestamp {
        let ms = at.0.saturating_sub(self.offset_ms).saturating_add(self.error_ms as i64);
        Timestamp::from_ms(if ms < 0 { 0 } else { ms as u64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_in_venue_time_is_past_when_our_clock_says_so() {
        let clock = ClockReading { offset_ms: -250, error_ms: 40 };
        let fence = VenueTime(10_000);
        let ours = clock.our_time_after(fence);
        assert_eq!(ours.as_ms(), 10_290);
        assert!(clock.venue_time_at_least(ours) >= fence);
        assert!(clock.venue_time_at_least(Timestamp::from_ms(10_289)) < fence);
    }

    #[test]
    fn moments_are_written_as_people_write_them() {
        assert_eq!(utc(0), "1970-01-01 00:00:00.000");
        assert_eq!(utc(951_782_399_999), "2000-02-28 23:59:59.999");
        assert_eq!(utc(951_782_400_000), "2000-02-29 00:00:00.000");
        assert_eq!(format!("{}", VenueTime(1_795_305_600_123)), "2026-11-22 00:00:00.123 UTC");
        assert_eq!(format!("{}", VenueTime(-1)), "-1 ms");
    }
}
