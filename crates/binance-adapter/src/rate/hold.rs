//! The states that the venue puts us in and that outlive the process, and how they are read from what it says. It keeps none of them.

use exec_core::time::VenueTime;

use super::window::MINUTE_MS;

/// A state that the venue has put us in and that outlives the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hold {
    /// 418: nothing leaves from this address.
    Banned,
    /// 429 for weight: nothing but exits leaves from this address.
    Paused,
    /// 429 for orders: the account sends no new order.
    OrdersPaused,
}

impl Hold {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Banned => "banned",
            Self::Paused => "paused",
            Self::OrdersPaused => "orders_paused",
        }
    }
}

/// Keeps the states that the venue has put us in over a restart.
pub trait HoldStore: Send + Sync {
    /// What an earlier process kept: until when each holds, by our own clock.
    fn kept(&self) -> Vec<(Hold, VenueTime)>;

    /// Keeps that a state holds until then, by our own clock. Returns at once; a failure is logged and changes nothing.
    fn keep(&self, hold: Hold, until: VenueTime);
}

pub(super) fn expire(state: &mut Option<VenueTime>, now: VenueTime) {
    if state.is_some_and(|until| now >= until) {
        *state = None;
    }
}

/// Makes a state last until then at least; says whether that is news.
pub(super) fn raise(state: &mut Option<VenueTime>, until: VenueTime) -> bool {
    let news = state.is_none_or(|known| known < until);
    if news {
        *state = Some(until);
    }
    news
}

/// The end of a ban as its text has it: `IP banned until <epoch ms>`.
pub(super) fn ban_end(body: &str, now: VenueTime) -> Option<VenueTime> {
    let (_, rest) = body.split_once("banned until ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let until = VenueTime(digits.parse().ok()?);
    // The longest documented ban is three days; more is not a ban but a misread text.
    (until > now && until.0 - now.0 <= 4 * 24 * 60 * MINUTE_MS).then_some(until)
}
