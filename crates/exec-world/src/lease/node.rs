//! One node of these worlds: the real lease, the real last look of the signer, and a clock of its own. What it does and when is the
//! round's.

use super::{TERMS, plan::Plan};
use exec_core::{
    ids::{Epoch, NodeId},
    lease::{Answer, Lease, LeaseGuard, Question, Standing},
    time::{ClockReading, Timestamp, VenueTime},
};

/// 2026-11-22 00:00 UTC: the venue's time when a round begins.
pub(super) const BEGIN_MS: u64 = 1_795_305_600_000;

/// The venue's time at a moment of the round.
pub(super) fn venue_time(now: u64) -> VenueTime {
    VenueTime(i64::try_from(BEGIN_MS + now).unwrap_or(i64::MAX))
}

#[derive(Debug)]
pub(super) struct Node {
    /// Which start of it this is.
    pub(super) life: u32,
    pub(super) lease: Lease,
    pub(super) guard: LeaseGuard,
    /// Its process stands still until then.
    pub(super) still_until: u64,
    /// It reaches the store not before then.
    pub(super) cut_until: u64,
    /// The question that is out, and how many there were.
    pub(super) out: Option<u64>,
    pub(super) asked: u64,
    /// Whether it has looked at the venue since it has its lease.
    pub(super) looked: bool,
    /// The epoch of its lease, also after that is lost.
    pub(super) epoch: Option<Epoch>,
    rate_ppm: i64,
    reading: ClockReading,
}

impl Node {
    pub(super) fn new(plan: &Plan, name: usize, life: u32, above: Epoch) -> Self {
        let owner = NodeId::new(&format!("{}-{life}", if name == 0 { "a" } else { "b" })).ok();
        let owner = owner.unwrap_or_else(|| unreachable!("a name without blanks"));
        let of = |both: &[i64; 2]| both.get(name).copied().unwrap_or(0);
        Self {
            life,
            lease: Lease::new(TERMS, owner, above),
            guard: LeaseGuard::default(),
            still_until: 0,
            cut_until: 0,
            out: None,
            asked: 0,
            looked: false,
            epoch: None,
            rate_ppm: of(&plan.rate_ppm),
            reading: ClockReading { offset_ms: of(&plan.clock_off), error_ms: TERMS.clock_error_ms },
        }
    }

    /// Its own clock. It agrees with the venue's but for its rate: what it is off by stands in its estimate of the venue's.
    pub(super) fn now(&self, now: u64) -> Timestamp {
        let drift = i64::try_from(now).unwrap_or(0) * self.rate_ppm / 1_000_000;
        Timestamp::from_ms((BEGIN_MS + now).saturating_add_signed(drift))
    }

    /// When its clock shows `at`, or a little later.
    pub(super) fn when(&self, at: Timestamp) -> u64 {
        let ms = at.as_ms().saturating_sub(BEGIN_MS);
        // Two hundred parts of a million of a round are less than 20 ms.
        let guess = ms.saturating_sub(20);
        (guess..ms + 21).find(|now| self.now(*now) >= at).unwrap_or(ms + 20)
    }

    /// What it takes for the venue's time.
    pub(super) fn venue_now(&self, now: u64) -> VenueTime {
        self.reading.venue_time(self.now(now))
    }

    /// What to ask the store now. As after every input of an engine, the signer is told what the lease covers.
    pub(super) fn turn(&mut self, now: u64) -> Option<Question> {
        let at = self.now(now);
        let question = self.lease.ask(at);
        self.tell(now);
        if let Some(epoch) = self.lease.epoch() {
            self.epoch = Some(epoch);
        }
        question
    }

    pub(super) fn answered(&mut self, now: u64, answer: Answer) {
        let at = self.now(now);
        self.out = None;
        self.lease.answered(at, answer);
    }

    fn tell(&self, now: u64) {
        self.guard.set(self.lease.windows_end_before(self.now(now), Some(self.reading)));
    }

    /// The engine's look, when it dates a request.
    pub(super) fn covers(&self, now: u64, timestamp: VenueTime) -> bool {
        self.lease.covers(self.now(now), Some(self.reading), timestamp, TERMS.recv_window_ms)
    }

    pub(super) fn is_lost(&self) -> bool {
        matches!(self.lease.standing(), Standing::Lost(_))
    }
}
