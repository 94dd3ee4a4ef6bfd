//! What is known about the venue's clock, from round trips to its time endpoint. It measures nothing itself.
//!
//! The best sample is the one with the least round trip: its error is bounded by half of it. An old sample loses to a new
//! one once drift could have made it worse.

use exec_core::time::{ClockReading, Timestamp, VenueTime};

/// How fast two clocks may drift apart, in parts per million: generous for quartz, so that old samples retire.
const DRIFT_PPM: u64 = 100;
/// How many samples are remembered.
const SAMPLES_MAX: usize = 16;

/// One round trip.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// Our time when the question left.
    pub asked: Timestamp,
    /// Our time when the answer was here.
    pub answered: Timestamp,
    /// The venue's time in the answer.
    pub venue: VenueTime,
}

impl Sample {
    fn round_trip_ms(&self) -> u64 {
        self.answered.ms_since(self.asked)
    }

    /// The venue read its clock somewhere between the two, and cut it to whole milliseconds.
    fn error_ms(&self) -> u64 {
        self.round_trip_ms() / 2 + 1
    }

    fn offset_ms(&self) -> i64 {
        let middle = self.asked.as_ms().saturating_add(self.round_trip_ms() / 2);
        self.venue.0.saturating_sub(i64::try_from(middle).unwrap_or(i64::MAX))
    }
}

/// The recent samples and the best of them.
#[derive(Clone, Debug, Default)]
pub struct VenueClockEstimate {
    samples: Vec<Sample>,
    /// The best reading before everything was forgotten.
    forgotten: Option<ClockReading>,
}

impl VenueClockEstimate {
    /// Adds a sample; one whose answer is older than its question is dropped.
    pub fn add(&mut self, sample: Sample) {
        if sample.answered < sample.asked {
            return;
        }
        if self.samples.len() == SAMPLES_MAX {
            self.samples.remove(0);
        }
        self.samples.push(sample);
    }

    /// Forgets everything: the venue said that our timestamps are off, and one bad sample must not outlive that.
    pub fn clear(&mut self, now: Timestamp) {
        self.forgotten = self.last(now);
        self.samples.clear();
    }

    /// The reading, or what it was before everything was forgotten: not good enough to date a request with.
    #[must_use]
    pub fn last(&self, now: Timestamp) -> Option<ClockReading> {
        self.reading(now).or(self.forgotten)
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The reading with the least error at `now`, drift counted; `None` if nothing is known.
    #[must_use]
    pub fn reading(&self, now: Timestamp) -> Option<ClockReading> {
        self.samples
            .iter()
            .map(|sample| {
                let aged = sample.error_ms() + now.ms_since(sample.answered).saturating_mul(DRIFT_PPM) / 1_000_000;
                ClockReading { offset_ms: sample.offset_ms(), error_ms: aged }
            })
            .min_by_key(|reading| reading.error_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(asked: u64, answered: u64, venue: i64) -> Sample {
        Sample { asked: Timestamp::from_ms(asked), answered: Timestamp::from_ms(answered), venue: VenueTime(venue) }
    }

    #[test]
    fn the_least_round_trip_wins() {
        let mut clock = VenueClockEstimate::default();
        clock.add(sample(1_000, 1_400, 1_500));
        clock.add(sample(2_000, 2_020, 2_310));
        clock.add(sample(3_000, 3_900, 3_000));
        assert_eq!(clock.reading(Timestamp::from_ms(4_000)), Some(ClockReading { offset_ms: 300, error_ms: 11 }));
    }

    #[test]
    fn the_true_offset_lies_inside_the_error() {
        // The venue is 300 ms ahead; the way there takes 5 ms, the way back 35 ms.
        let mut clock = VenueClockEstimate::default();
        clock.add(sample(10_000, 10_040, 10_305));
        let reading = clock.reading(Timestamp::from_ms(10_040)).unwrap();
        assert!((reading.offset_ms - 300).unsigned_abs() <= reading.error_ms, "{reading:?}");
    }

    #[test]
    fn an_old_sample_retires() {
        let mut clock = VenueClockEstimate::default();
        clock.add(sample(0, 2, 500));
        clock.add(sample(3_600_000, 3_600_100, 3_600_300));
        assert_eq!(clock.reading(Timestamp::from_ms(3_600_100)).unwrap().offset_ms, 250);
    }

    #[test]
    fn nothing_is_known_at_first_and_after_a_reset() {
        let mut clock = VenueClockEstimate::default();
        assert_eq!(clock.reading(Timestamp::from_ms(1)), None);
        clock.add(sample(5, 3, 1));
        assert!(clock.is_empty());
        clock.add(sample(1, 2, 3));
        clock.clear(Timestamp::from_ms(0));
        assert_eq!((clock.reading(Timestamp::from_ms(2)), clock.len()), (None, 0));
    }
}
