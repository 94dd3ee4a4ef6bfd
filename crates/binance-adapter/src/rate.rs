//! The budget of one venue host: weight per minute of the IP, order counts per 10 s and per minute of the account, and the
//! two states in which nothing may be sent. It is told the time and the headers; it sends and waits for nothing.
//!
//! Windows are fixed and aligned to the UTC clock. Weight and order count do not help each other: a new order costs no
//! weight, a cancel no count. Source: USDⓈ-M "General Info" on limits and headers, read 2026-11-22.

use exec_core::time::VenueTime;

const SECOND_MS: i64 = 1000;
const MINUTE_MS: i64 = 60 * SECOND_MS;
/// So far the venue's clock may be behind our estimate of it: what was sent so early in a window may be of the one before.
const EDGE_MS: i64 = SECOND_MS / 2;

/// What a request takes from the budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Weight on the IP.
    pub weight: u32,
    /// Orders on the account's count of 10 seconds.
    pub orders_10s: u32,
    /// Orders on the account's count of a minute; a batch of five counts as one there.
    pub orders_1m: u32,
}

impl Cost {
    /// Whether it takes from the order counts.
    #[must_use]
    pub const fn has_orders(self) -> bool {
        self.orders_10s > 0 || self.orders_1m > 0
    }
}

/// Who may use the reserve.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Sweeps, the user's questions, set-up, orders that can add risk.
    Ordinary,
    /// Doubt, recovery, listen key, clock, closing orders.
    Recovery,
    /// Cancels.
    Exit,
}

/// The limits, as the venue states them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Weight per minute and IP.
    pub weight_1m: u32,
    /// Orders per 10 seconds and account.
    pub orders_10s: u32,
    /// Orders per minute and account.
    pub orders_1m: u32,
}

impl Default for Limits {
    /// What live states since 2026-06-30 for USDⓈ-M and COIN-M together.
    fn default() -> Self {
        Self { weight_1m: 2400, orders_10s: 300, orders_1m: 1200 }
    }
}

/// Why a request may not be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// What is used up.
    pub why: Spent,
    /// From when on it may be tried again.
    pub until: VenueTime,
}

/// What stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// The weight of this minute.
    Weight,
    /// The order count of a window.
    Orders,
    /// The venue answered 429 for weight.
    Paused,
    /// The venue answered 429 for orders: only new orders stop.
    OrdersPaused,
    /// The venue answered 418.
    Banned,
}

/// What the headers of a reply say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// `X-MBX-USED-WEIGHT-1M`.
    pub weight_1m: Option<u32>,
    /// `X-MBX-ORDER-COUNT-10S`.
    pub orders_10s: Option<u32>,
    /// `X-MBX-ORDER-COUNT-1M`.
    pub orders_1m: Option<u32>,
    /// `Retry-After` in seconds; not documented for futures.
    pub retry_after_s: Option<u32>,
}

/// One fixed window of the UTC clock.
#[derive(Clone, Copy, Debug)]
struct Window {
    length_ms: i64,
    start: i64,
    used: u32,
}

impl Window {
    const fn new(length_ms: i64) -> Self {
        Self { length_ms, start: i64::MIN, used: 0 }
    }

    fn roll(&mut self, now: VenueTime) {
        let start = now.0 - now.0.rem_euclid(self.length_ms);
        // A clock correction may step back a little; a window that has begun is not begun again.
        if start > self.start {
            self.start = start;
            self.used = 0;
        }
    }

    fn end(&self) -> VenueTime {
        VenueTime(self.start.saturating_add(self.length_ms))
    }

    /// The venue counts others on the same address as well, so its number is taken when it is higher. A reply that comes when the
    /// next window has begun tells of the one before, and would spend all of the new one.
    fn correct(&mut self, begun: VenueTime, stated: Option<u32>) {
        if let Some(stated) = stated
            && begun.0 >= self.start.saturating_add(EDGE_MS)
        {
            self.used = self.used.max(stated);
        }
    }
}

/// The budget.
#[derive(Clone, Debug)]
pub struct Budget {
    limits: Limits,
    weight: Window,
    orders_10s: Window,
    orders_1m: Window,
    paused: Option<VenueTime>,
    orders_paused: Option<VenueTime>,
    banned: Option<VenueTime>,
}

/// Percent of the weight that only exits, doubt and recovery may use.
const WEIGHT_RESERVE_PERCENT: u32 = 30;
/// Percent of the weight that only exits may use: a recovery asks much, and an order must be cancelled meanwhile.
const WEIGHT_EXIT_PERCENT: u32 = 5;
/// Percent of the order count that only closing orders may use.
const ORDERS_RESERVE_PERCENT: u32 = 20;
/// Percent of a limit that is never used: requests of others on the same address arrive unseen.
const HEADROOM_PERCENT: u32 = 10;

impl Budget {
    /// A fresh budget.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self {
            limits,
            weight: Window::new(MINUTE_MS),
            orders_10s: Window::new(10 * SECOND_MS),
            orders_1m: Window::new(MINUTE_MS),
            paused: None,
            orders_paused: None,
            banned: None,
        }
    }

    /// Takes the limits that the venue states now.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The limits in force.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes `cost` from the budgets, or says why not and until when.
    ///
    /// # Errors
    /// [`Wait`]: nothing was taken; the caller answers "not sent" or "unavailable".
    pub fn take(&mut self, now: VenueTime, cost: Cost, priority: Priority) -> Result<(), Wait> {
        self.expire(now);
        if let Some(until) = self.banned {
            return Err(Wait { why: Spent::Banned, until });
        }
        // After a 429 for weight the pool rests, cancels apart: they make risk smaller and cost one.
        if let (Some(until), true) = (self.paused, priority < Priority::Exit) {
            return Err(Wait { why: Spent::Paused, until });
        }
        if let (Some(until), true) = (self.orders_paused, cost.has_orders()) {
            return Err(Wait { why: Spent::OrdersPaused, until });
        }
        let weight_cap = cap(self.limits.weight_1m, reserve(priority, WEIGHT_RESERVE_PERCENT, WEIGHT_EXIT_PERCENT));
        if cost.weight > 0 && self.weight.used.saturating_add(cost.weight) > weight_cap {
            return Err(Wait { why: Spent::Weight, until: self.weight.end() });
        }
        for (window, orders, limit) in [
            (&self.orders_10s, cost.orders_10s, self.limits.orders_10s),
            (&self.orders_1m, cost.orders_1m, self.limits.orders_1m),
        ] {
            if orders > 0 && window.used.saturating_add(orders) > cap(limit, reserve(priority, ORDERS_RESERVE_PERCENT, 0)) {
                return Err(Wait { why: Spent::Orders, until: window.end() });
            }
        }
        self.weight.used = self.weight.used.saturating_add(cost.weight);
        self.orders_10s.used = self.orders_10s.used.saturating_add(cost.orders_10s);
        self.orders_1m.used = self.orders_1m.used.saturating_add(cost.orders_1m);
        Ok(())
    }

    /// Learns from a reply, now, to a request that was begun then.
    pub fn replied(&mut self, begun: VenueTime, now: VenueTime, status: u16, usage: Usage, body: &str) {
        self.expire(now);
        self.weight.correct(begun, usage.weight_1m);
        self.orders_10s.correct(begun, usage.orders_10s);
        self.orders_1m.correct(begun, usage.orders_1m);
        let stated = usage.retry_after_s.map(|s| VenueTime(now.0.saturating_add(i64::from(s).saturating_mul(SECOND_MS))));
        match status {
            418 => {
                let until = ban_end(body, now).or(stated).unwrap_or(VenueTime(now.0.saturating_add(2 * MINUTE_MS)));
                self.banned = Some(self.banned.map_or(until, |b| b.max(until)));
            }
            429 if body.contains("-1015") => {
                let until = stated.unwrap_or_else(|| self.orders_10s.end());
                self.orders_paused = Some(self.orders_paused.map_or(until, |p| p.max(until)));
            }
            429 => {
                let until = stated.unwrap_or_else(|| self.weight.end());
                self.paused = Some(self.paused.map_or(until, |p| p.max(until)));
            }
            _ => {}
        }
    }

    /// Weight used in the present minute, as far as known.
    #[must_use]
    pub const fn weight_used(&self) -> u32 {
        self.weight.used
    }

    fn expire(&mut self, now: VenueTime) {
        self.weight.roll(now);
        self.orders_10s.roll(now);
        self.orders_1m.roll(now);
        for state in [&mut self.paused, &mut self.orders_paused, &mut self.banned] {
            if state.is_some_and(|until| now >= until) {
                *state = None;
            }
        }
    }
}

/// What is kept from it: of ordinary requests for recovery and exits, of recovery for exits.
const fn reserve(priority: Priority, percent: u32, exits: u32) -> u32 {
    match priority {
        Priority::Ordinary => percent,
        Priority::Recovery => exits,
        Priority::Exit => 0,
    }
}

const fn cap(limit: u32, reserve_percent: u32) -> u32 {
    limit.saturating_mul(100 - HEADROOM_PERCENT).saturating_mul(100 - reserve_percent) / 10_000
}

/// The end of a ban as its text has it: `IP banned until <epoch ms>`.
fn ban_end(body: &str, now: VenueTime) -> Option<VenueTime> {
    let (_, rest) = body.split_once("banned until ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    let until = VenueTime(digits.parse().ok()?);
    // The longest documented ban is three days; more is not a ban but a misread text.
    (until > now && until.0 - now.0 <= 4 * 24 * 60 * MINUTE_MS).then_some(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: VenueTime = VenueTime(1_790_000_040_000 - 1_790_000_040_000 % MINUTE_MS);
    const ORDER: Cost = Cost { weight: 0, orders_10s: 1, orders_1m: 1 };
    const CANCEL: Cost = Cost { weight: 1, orders_10s: 0, orders_1m: 0 };

    fn at(ms: i64) -> VenueTime {
        VenueTime(NOON.0 + ms)
    }

    #[test]
    fn promise_p14_ordinary_orders_leave_the_reserve_to_closing_ones() {
        let mut budget = Budget::new(Limits::default());
        let mut sent = 0;
        while budget.take(at(0), ORDER, Priority::Ordinary).is_ok() {
            sent += 1;
        }
        assert_eq!(sent, 216);
        assert!(budget.take(at(0), ORDER, Priority::Recovery).is_ok());
        assert_eq!(budget.take(at(0), ORDER, Priority::Ordinary), Err(Wait { why: Spent::Orders, until: at(10_000) }));
        assert!(budget.take(at(10_000), ORDER, Priority::Ordinary).is_ok());
    }

    #[test]
    fn however_much_a_recovery_asks_orders_can_be_cancelled_in_the_same_minute() {
        let mut budget = Budget::new(Limits::default());
        let all_open = Cost { weight: 40, orders_10s: 0, orders_1m: 0 };
        while budget.take(at(0), all_open, Priority::Recovery).is_ok() {}
        let mut cancelled = 0;
        while budget.take(at(0), CANCEL, Priority::Exit).is_ok() {
            cancelled += 1;
        }
        assert!(cancelled >= 100, "{cancelled}");
    }

    #[test]
    fn windows_are_aligned_to_the_clock() {
        let mut budget = Budget::new(Limits { weight_1m: 100, ..Limits::default() });
        assert!(budget.take(at(59_999), Cost { weight: 60, orders_10s: 0, orders_1m: 0 }, Priority::Ordinary).is_ok());
        assert!(budget.take(at(59_999), Cost { weight: 60, orders_10s: 0, orders_1m: 0 }, Priority::Ordinary).is_err());
        assert!(budget.take(at(60_000), Cost { weight: 60, orders_10s: 0, orders_1m: 0 }, Priority::Ordinary).is_ok());
    }

    #[test]
    fn weight_and_orders_do_not_help_each_other() {
        let mut budget = Budget::new(Limits { weight_1m: 10, ..Limits::default() });
        while budget.take(at(0), CANCEL, Priority::Exit).is_ok() {}
        assert!(budget.take(at(0), ORDER, Priority::Ordinary).is_ok());
    }

    #[test]
    fn the_headers_correct_upwards_only() {
        let mut budget = Budget::new(Limits::default());
        budget.replied(at(600), at(650), 200, Usage { weight_1m: Some(2000), ..Usage::default() }, "");
        assert_eq!(budget.weight_used(), 2000);
        budget.replied(at(700), at(750), 200, Usage { weight_1m: Some(3), ..Usage::default() }, "");
        assert_eq!(budget.weight_used(), 2000);
        assert_eq!(
            budget.take(at(800), Cost { weight: 40, orders_10s: 0, orders_1m: 0 }, Priority::Ordinary).unwrap_err().why,
            Spent::Weight
        );
    }

    #[test]
    fn a_reply_of_the_minute_before_spends_nothing_of_this_one() {
        let mut budget = Budget::new(Limits::default());
        let full = Usage { weight_1m: Some(2400), orders_10s: Some(300), orders_1m: Some(1200), ..Usage::default() };
        budget.replied(at(59_000), at(60_400), 200, full, "");
        assert_eq!(budget.weight_used(), 0);
        budget.replied(at(60_100), at(60_500), 200, full, "");
        assert_eq!(budget.weight_used(), 0, "by the venue's clock it may have been of the minute before, too");
        assert!(budget.take(at(60_500), ORDER, Priority::Ordinary).is_ok());
        budget.replied(at(60_600), at(60_700), 200, full, "");
        assert_eq!(budget.weight_used(), 2400);
        assert_eq!(budget.take(at(60_800), ORDER, Priority::Ordinary).unwrap_err().why, Spent::Orders);
    }

    #[test]
    fn a_429_for_weight_stops_all_but_cancels_until_the_next_minute() {
        let mut budget = Budget::new(Limits::default());
        budget.replied(at(1), at(1), 429, Usage::default(), r#"{"code":-1003,"msg":"Too many requests"}"#);
        assert_eq!(budget.take(at(2), CANCEL, Priority::Recovery), Err(Wait { why: Spent::Paused, until: at(60_000) }));
        assert!(budget.take(at(2), CANCEL, Priority::Exit).is_ok());
        assert!(budget.take(at(60_000), CANCEL, Priority::Ordinary).is_ok());
    }

    #[test]
    fn a_429_for_orders_stops_new_orders_only() {
        let mut budget = Budget::new(Limits::default());
        budget.replied(at(1), at(1), 429, Usage::default(), r#"{"code":-1015,"msg":"Too many new orders"}"#);
        assert_eq!(budget.take(at(2), ORDER, Priority::Recovery).unwrap_err().why, Spent::OrdersPaused);
        assert!(budget.take(at(2), CANCEL, Priority::Ordinary).is_ok());
        assert!(budget.take(at(10_000), ORDER, Priority::Ordinary).is_ok());
    }

    #[test]
    fn a_418_stops_everything_until_the_time_in_its_text() {
        let mut budget = Budget::new(Limits::default());
        let body = format!(r#"{{"code":-1003,"msg":"Way too many requests; IP banned until {}. Please"}}"#, at(180_000).0);
        budget.replied(at(0), at(0), 418, Usage { retry_after_s: Some(1), ..Usage::default() }, &body);
        assert_eq!(budget.take(at(179_999), CANCEL, Priority::Exit), Err(Wait { why: Spent::Banned, until: at(180_000) }));
        assert!(budget.take(at(180_000), CANCEL, Priority::Exit).is_ok());
    }

    #[test]
    fn a_ban_without_a_readable_end_lasts_two_minutes() {
        let mut budget = Budget::new(Limits::default());
        budget.replied(at(0), at(0), 418, Usage::default(), "<html>");
        assert_eq!(budget.take(at(1), CANCEL, Priority::Exit).unwrap_err().until, at(120_000));
    }
}
