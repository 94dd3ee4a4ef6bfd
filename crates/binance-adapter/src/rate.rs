//! The budgets of one venue host: weight per minute of the address, which all accounts behind it share, and order counts per 10 s and
//! per minute of each account; and the states in which nothing, or no order, may be sent. It is told the time and the headers; it
//! sends and waits for nothing.
//!
//! Windows are fixed and aligned to the UTC clock. Weight and order count do not help each other: a new order costs no
//! weight, a cancel no count. Source: USDⓈ-M "General Info" on limits and headers, read 2026-11-22.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use exec_core::{
    plant::{Plant, planted},
    time::VenueTime,
    venue::LimitUse,
};

mod cost;
mod hold;
mod window;

use cost::{CONNECTIONS_5M, CONNECTIONS_RESERVE_PERCENT, ORDERS_RESERVE_PERCENT, cap, weight_reserve};
pub use cost::{Cost, Limits, Priority};
pub use hold::{Hold, HoldStore};
use hold::{ban_end, expire, raise};
use window::{MINUTE_MS, SECOND_MS, Window};

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
    /// Attempts to open a stream.
    Connections,
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

/// So often exits that cost weight may be answered 429 while the pool rests.
const DENIALS_MAX: u32 = 5;

/// What one address may ask of one host: weight, attempts to open a stream, and the states of the address.
#[derive(Debug)]
pub struct AddressPool {
    limit_1m: u32,
    weight: Window,
    connections: Window,
    /// How often exits were answered 429 while the pool rested.
    denials: u32,
    paused: Option<VenueTime>,
    banned: Option<VenueTime>,
}

/// An address's pool, in the hands of every account behind it.
pub type SharedPool = Arc<Mutex<AddressPool>>;

impl AddressPool {
    /// A fresh pool for the accounts of one address.
    #[must_use]
    pub fn shared(limits: Limits) -> SharedPool {
        let (weight, connections) = (Window::new(MINUTE_MS), Window::new(5 * MINUTE_MS));
        Arc::new(Mutex::new(Self { limit_1m: limits.weight_1m, weight, connections, denials: 0, paused: None, banned: None }))
    }

    fn expire(&mut self, now: VenueTime) {
        self.weight.roll(now);
        self.connections.roll(now);
        expire(&mut self.paused, now);
        if self.paused.is_none() {
            self.denials = 0;
        }
        expire(&mut self.banned, now);
    }
}

/// The budget of one account.
#[derive(Debug)]
pub struct Budget {
    pool: SharedPool,
    limits: Limits,
    orders_10s: Window,
    orders_1m: Window,
    orders_paused: Option<VenueTime>,
}

impl Budget {
    /// A fresh budget of an account that has its address for itself.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self::within(AddressPool::shared(limits), limits)
    }

    /// A fresh budget of an account that shares its address with others.
    #[must_use]
    pub const fn within(pool: SharedPool, limits: Limits) -> Self {
        let (orders_10s, orders_1m) = (Window::new(10 * SECOND_MS), Window::new(MINUTE_MS));
        Self { pool, limits, orders_10s, orders_1m, orders_paused: None }
    }

    fn pool(&self) -> MutexGuard<'_, AddressPool> {
        // Nothing panics while it holds the lock; if it did, the counters would still be whole.
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the limits that the venue states now.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        self.pool().limit_1m = limits.weight_1m;
    }

    /// The limits in force.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits { weight_1m: self.pool().limit_1m, ..self.limits }
    }

    /// Takes `cost` from the budgets, or says why not and until when.
    ///
    /// # Errors
    /// [`Wait`]: nothing was taken; the caller answers "not sent" or "unavailable".
    pub fn take(&mut self, now: VenueTime, cost: Cost, priority: Priority) -> Result<(), Wait> {
        let starved = planted(Plant::RecoveryQueryStarved) && priority == Priority::Recovery;
        let priority = if starved { Priority::Ordinary } else { priority };
        self.expire(now);
        let orders_paused = self.orders_paused;
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.expire(now);
        if let Some(until) = pool.banned {
            return Err(Wait { why: Spent::Banned, until });
        }
        // After a 429 for weight the pool rests, exits apart: they make risk smaller and cost little, or nothing. What costs is not
        // tried for ever: whoever goes on after many 429 is banned, and then nothing passes at all.
        let rests = priority < Priority::Exit || (cost.weight > 0 && pool.denials >= DENIALS_MAX);
        if let (Some(until), true) = (pool.paused, rests) {
            return Err(Wait { why: Spent::Paused, until });
        }
        if let (Some(until), true) = (orders_paused, cost.has_orders()) {
            return Err(Wait { why: Spent::OrdersPaused, until });
        }
        let weight_cap = cap(pool.limit_1m, weight_reserve(priority));
        if cost.weight > 0 && pool.weight.used.saturating_add(cost.weight) > weight_cap {
            return Err(Wait { why: Spent::Weight, until: pool.weight.end() });
        }
        let orders_reserve = if priority == Priority::Exit { 0 } else { ORDERS_RESERVE_PERCENT };
        for (window, orders, limit) in [
            (&self.orders_10s, cost.orders_10s, self.limits.orders_10s),
            (&self.orders_1m, cost.orders_1m, self.limits.orders_1m),
        ] {
            if orders > 0 && window.used.saturating_add(orders) > cap(limit, orders_reserve) {
                return Err(Wait { why: Spent::Orders, until: window.end() });
            }
        }
        pool.weight.used = pool.weight.used.saturating_add(cost.weight);
        self.orders_10s.used = self.orders_10s.used.saturating_add(cost.orders_10s);
        self.orders_1m.used = self.orders_1m.used.saturating_add(cost.orders_1m);
        Ok(())
    }

    /// Learns from a reply, now, to a request that was begun then. Says which state it puts us in, and until when, if it is a new one or a longer one.
    pub fn replied(
        &mut self,
        begun: VenueTime,
        now: VenueTime,
        status: u16,
        usage: Usage,
        body: &str,
    ) -> Option<(Hold, VenueTime)> {
        self.expire(now);
        self.orders_10s.correct(begun, usage.orders_10s);
        self.orders_1m.correct(begun, usage.orders_1m);
        let stated = usage.retry_after_s.map(|s| VenueTime(now.0.saturating_add(i64::from(s).saturating_mul(SECOND_MS))));
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.expire(now);
        pool.weight.correct(begun, usage.weight_1m);
        let (hold, until) = match status {
            418 => {
                let until = ban_end(body, now).or(stated).unwrap_or(VenueTime(now.0.saturating_add(2 * MINUTE_MS)));
                (Hold::Banned, until)
            }
            429 if body.contains("-1015") => (Hold::OrdersPaused, stated.unwrap_or_else(|| self.orders_10s.end())),
            429 => (Hold::Paused, stated.unwrap_or_else(|| pool.weight.end())),
            _ => return None,
        };
        if hold == Hold::Paused && pool.paused.is_some() {
            pool.denials = pool.denials.saturating_add(1);
        }
        let state = match hold {
            Hold::Banned => &mut pool.banned,
            Hold::Paused => &mut pool.paused,
            Hold::OrdersPaused => &mut self.orders_paused,
        };
        raise(state, until).then_some((hold, until))
    }

    /// Takes over a state that an earlier process was put in.
    pub fn restore(&mut self, hold: Hold, until: VenueTime) {
        match hold {
            Hold::Banned => raise(&mut self.pool().banned, until),
            Hold::Paused => raise(&mut self.pool().paused, until),
            Hold::OrdersPaused => raise(&mut self.orders_paused, until),
        };
    }

    /// Takes one attempt to open a stream, or says why not and until when. Streams of prices leave some to private ones.
    ///
    /// # Errors
    /// [`Wait`]: nothing was taken.
    pub fn connect(&mut self, now: VenueTime, priority: Priority) -> Result<(), Wait> {
        let mut pool = self.pool();
        pool.expire(now);
        if let Some(until) = pool.banned {
            return Err(Wait { why: Spent::Banned, until });
        }
        let reserve = if priority >= Priority::Recovery { 0 } else { CONNECTIONS_RESERVE_PERCENT };
        if pool.connections.used >= cap(CONNECTIONS_5M, reserve) {
            return Err(Wait { why: Spent::Connections, until: pool.connections.end() });
        }
        pool.connections.used += 1;
        drop(pool);
        Ok(())
    }

    /// How much of each limit is used in its present window, as far as known, and what holds.
    pub fn used(&mut self, now: VenueTime) -> Vec<LimitUse> {
        self.expire(now);
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        pool.expire(now);
        let row = |name, used, limit, held: Option<VenueTime>| LimitUse { name, used, limit, held_until: held };
        vec![
            row("weight_1m", pool.weight.used, pool.limit_1m, pool.banned.max(pool.paused)),
            row("orders_10s", self.orders_10s.used, self.limits.orders_10s, pool.banned.max(self.orders_paused)),
            row("orders_1m", self.orders_1m.used, self.limits.orders_1m, pool.banned.max(self.orders_paused)),
        ]
    }

    /// The limits of which much is used for the first time in their windows: each is said once a window.
    pub fn warnings(&mut self) -> Vec<(&'static str, u32, u32)> {
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        let limit_1m = pool.limit_1m;
        let all = [
            ("weight_1m", &mut pool.weight, limit_1m),
            ("orders_10s", &mut self.orders_10s, self.limits.orders_10s),
            ("orders_1m", &mut self.orders_1m, self.limits.orders_1m),
        ];
        all.into_iter().filter_map(|(name, window, limit)| window.warns(limit).then_some((name, window.used, limit))).collect()
    }

    /// Weight used in the present minute, as far as known.
    #[must_use]
    pub fn weight_used(&self) -> u32 {
        self.pool().weight.used
    }

    fn expire(&mut self, now: VenueTime) {
        self.orders_10s.roll(now);
        self.orders_1m.roll(now);
        expire(&mut self.orders_paused, now);
    }
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
        assert!(budget.take(at(0), ORDER, Priority::Exit).is_ok());
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
        assert!(budget.take(at(59_999), Cost { weight: 60, orders_10s: 0, orders_1m: 0 }, Priority::Sweep).is_ok());
        assert!(budget.take(at(59_999), Cost { weight: 60, orders_10s: 0, orders_1m: 0 }, Priority::Sweep).is_err());
        assert!(budget.take(at(60_000), Cost { weight: 60, orders_10s: 0, orders_1m: 0 }, Priority::Sweep).is_ok());
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
        assert!(budget.take(at(2), ORDER, Priority::Exit).is_ok(), "an order that closes");
        assert_eq!(budget.take(at(2), ORDER, Priority::Ordinary).unwrap_err().why, Spent::Paused);
        assert!(budget.take(at(60_000), CANCEL, Priority::Ordinary).is_ok());
    }

    #[test]
    fn exits_that_are_answered_429_again_and_again_wait_too_and_closing_orders_do_not() {
        let mut budget = Budget::new(Limits::default());
        let refused = r#"{"code":-1003,"msg":"Too many requests"}"#;
        budget.replied(at(1), at(1), 429, Usage::default(), refused);
        for n in 0..5 {
            assert!(budget.take(at(10 + n), CANCEL, Priority::Exit).is_ok(), "{n}");
            budget.replied(at(10 + n), at(10 + n), 429, Usage::default(), refused);
        }
        assert_eq!(budget.take(at(20), CANCEL, Priority::Exit), Err(Wait { why: Spent::Paused, until: at(60_000) }));
        assert!(budget.take(at(20), ORDER, Priority::Exit).is_ok(), "an order that closes costs no weight");
        assert!(budget.take(at(60_000), CANCEL, Priority::Exit).is_ok());
        budget.replied(at(60_001), at(60_001), 429, Usage::default(), refused);
        assert!(budget.take(at(60_002), CANCEL, Priority::Exit).is_ok(), "counted anew");
    }

    #[test]
    fn a_429_for_orders_stops_new_orders_only() {
        let mut budget = Budget::new(Limits::default());
        budget.replied(at(1), at(1), 429, Usage::default(), r#"{"code":-1015,"msg":"Too many new orders"}"#);
        assert_eq!(budget.take(at(2), ORDER, Priority::Exit).unwrap_err().why, Spent::OrdersPaused);
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

    #[test]
    fn accounts_of_one_address_share_its_weight_and_its_ban_but_no_order_count() {
        let limits = Limits { weight_1m: 100, orders_10s: 10, orders_1m: 100 };
        let pool = AddressPool::shared(limits);
        let (mut one, mut other) = (Budget::within(Arc::clone(&pool), limits), Budget::within(pool, limits));
        while one.take(at(0), CANCEL, Priority::Exit).is_ok() {}
        assert_eq!(other.take(at(0), CANCEL, Priority::Exit).unwrap_err().why, Spent::Weight);
        while one.take(at(0), ORDER, Priority::Ordinary).is_ok() {}
        assert!(other.take(at(0), ORDER, Priority::Ordinary).is_ok());
        one.replied(at(0), at(0), 429, Usage::default(), r#"{"code":-1015,"msg":"x"}"#);
        assert!(other.take(at(1), ORDER, Priority::Ordinary).is_ok());
        one.replied(at(0), at(0), 418, Usage::default(), "");
        assert_eq!(other.take(at(1), ORDER, Priority::Exit).unwrap_err().why, Spent::Banned);
    }

    #[test]
    fn weight_serves_exits_then_recovery_then_sweeps_then_the_rest() {
        let mut served = Vec::new();
        let mut budget = Budget::new(Limits { weight_1m: 1_000, ..Limits::default() });
        for priority in [Priority::Ordinary, Priority::Sweep, Priority::Recovery, Priority::Exit] {
            while budget.take(at(0), CANCEL, priority).is_ok() {}
            served.push(budget.weight_used());
        }
        assert_eq!(served, [540, 630, 810, 900]);
    }

    #[test]
    fn streams_are_opened_as_often_as_an_address_may_and_private_ones_last() {
        let mut budget = Budget::new(Limits::default());
        let mut opened = 0;
        for priority in [Priority::Ordinary, Priority::Recovery] {
            while budget.connect(at(0), priority).is_ok() {
                opened += 1;
            }
            assert_eq!(opened, if priority == Priority::Ordinary { 216 } else { 270 });
        }
        let five = NOON.0 - NOON.0.rem_euclid(5 * MINUTE_MS) + 5 * MINUTE_MS;
        let wait = Wait { why: Spent::Connections, until: VenueTime(five) };
        assert_eq!(budget.connect(VenueTime(five - 1), Priority::Recovery), Err(wait));
        assert!(budget.connect(VenueTime(five), Priority::Ordinary).is_ok());
        budget.restore(Hold::Banned, VenueTime(five + 10));
        assert_eq!(budget.connect(VenueTime(five + 9), Priority::Recovery).unwrap_err().why, Spent::Banned);
    }

    #[test]
    fn a_state_of_an_earlier_process_holds_until_its_end() {
        let mut budget = Budget::new(Limits::default());
        budget.restore(Hold::Banned, at(5_000));
        budget.restore(Hold::OrdersPaused, at(9_000));
        assert_eq!(budget.take(at(4_999), CANCEL, Priority::Exit).unwrap_err().why, Spent::Banned);
        assert!(budget.take(at(5_000), CANCEL, Priority::Exit).is_ok());
        assert_eq!(budget.take(at(5_000), ORDER, Priority::Exit).unwrap_err().why, Spent::OrdersPaused);
        assert!(budget.take(at(9_000), ORDER, Priority::Ordinary).is_ok());
    }

    #[test]
    fn a_state_is_news_once_and_when_it_lasts_longer() {
        let mut budget = Budget::new(Limits::default());
        let paused = |budget: &mut Budget| budget.replied(at(1), at(1), 429, Usage::default(), r#"{"code":-1003}"#);
        assert_eq!(paused(&mut budget), Some((Hold::Paused, at(60_000))));
        assert_eq!(paused(&mut budget), None);
        let usage = Usage { retry_after_s: Some(90), ..Usage::default() };
        assert_eq!(budget.replied(at(1), at(1), 429, usage, ""), Some((Hold::Paused, at(90_001))));
    }

    #[test]
    fn much_use_of_a_limit_is_said_once_a_window() {
        let mut budget = Budget::new(Limits { weight_1m: 100, ..Limits::default() });
        budget.replied(at(600), at(600), 200, Usage { weight_1m: Some(79), ..Usage::default() }, "");
        assert!(budget.warnings().is_empty());
        budget.take(at(700), CANCEL, Priority::Exit).unwrap();
        assert_eq!(budget.warnings(), [("weight_1m", 80, 100)]);
        budget.take(at(700), CANCEL, Priority::Exit).unwrap();
        assert!(budget.warnings().is_empty());
        budget.take(at(60_000), CANCEL, Priority::Exit).unwrap();
        assert!(budget.warnings().is_empty());
    }

    #[test]
    fn promise_p23_a_clock_that_was_an_hour_ahead_holds_nothing_back_for_an_hour() {
        let mut budget = Budget::new(Limits { weight_1m: 100, ..Limits::default() });
        while budget.take(at(3_600_000), CANCEL, Priority::Exit).is_ok() {}
        assert_eq!(budget.take(at(10), CANCEL, Priority::Exit), Err(Wait { why: Spent::Weight, until: at(60_000) }));
        assert!(budget.take(at(60_000), CANCEL, Priority::Exit).is_ok());
    }

    #[test]
    fn promise_p23_a_clock_that_was_ahead_by_less_than_a_window_holds_nothing_back_for_the_next_one() {
        let mut budget = Budget::new(Limits { weight_1m: 100, ..Limits::default() });
        while budget.take(at(78_000), CANCEL, Priority::Exit).is_ok() {}
        assert_eq!(budget.take(at(42_000), CANCEL, Priority::Exit), Err(Wait { why: Spent::Weight, until: at(60_000) }));
        assert!(budget.take(at(60_000), CANCEL, Priority::Exit).is_ok());
    }

    #[test]
    fn promise_p23_a_clock_that_steps_back_begins_no_window_again() {
        let mut budget = Budget::new(Limits { weight_1m: 100, ..Limits::default() });
        while budget.take(at(0), CANCEL, Priority::Exit).is_ok() {}
        for back in [1, 500, 30_000, 3_600_000] {
            assert_eq!(budget.take(at(-back), CANCEL, Priority::Exit).unwrap_err().why, Spent::Weight);
        }
        assert!(budget.take(at(60_000), CANCEL, Priority::Exit).is_ok());
    }
}
