//! Request weight and order counts in fixed windows on the UTC clock. Per pool, not per key: the caller holds one per owner.
//!
//! Source: USDⓈ-M general info "LIMITS", exchangeInfo of 2026-09 (ORDERS of 10 seconds and 1 minute).

use super::refusal::Refusal;

/// The limits the venue announces and enforces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Request weight a minute, over all clients of one address.
    pub weight_1m: u32,
    /// Orders in 10 seconds, per account.
    pub orders_10s: u32,
    /// Orders a minute, per account.
    pub orders_1m: u32,
    /// How many requests beyond the weight limit are answered 429 before the address is banned.
    pub breaches_before_ban: u32,
    /// How long the first ban lasts.
    pub ban_ms: i64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { weight_1m: 2_400, orders_10s: 300, orders_1m: 1_200, breaches_before_ban: 20, ban_ms: 120_000 }
    }
}

/// One fixed window: it begins at a multiple of its span.
#[derive(Debug, Clone, Copy)]
struct Window {
    span_ms: i64,
    began_ms: i64,
    used: u32,
}

impl Window {
    const fn new(span_ms: i64) -> Self {
        Self { span_ms, began_ms: 0, used: 0 }
    }

    fn at(&mut self, now_ms: i64) -> &mut Self {
        let begin = now_ms - now_ms.rem_euclid(self.span_ms);
        if begin != self.began_ms {
            self.began_ms = begin;
            self.used = 0;
        }
        self
    }

    /// When it ends.
    fn end(&self) -> i64 {
        self.began_ms + self.span_ms
    }

    fn add(&mut self, cost: u32) -> u32 {
        self.used = self.used.saturating_add(cost);
        self.used
    }
}

/// The request weight of one address.
#[derive(Debug)]
pub(super) struct WeightPool {
    limits: Limits,
    minute: Window,
    breaches: u32,
    /// Requests that were refused for weight or for a ban.
    refused: u64,
    banned_until_ms: Option<i64>,
}

impl WeightPool {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, minute: Window::new(60_000), breaches: 0, refused: 0, banned_until_ms: None }
    }

    /// Charges a request.
    ///
    /// # Errors
    /// 429 with -1003 beyond the limit, 418 with -1003 while banned for ignoring that.
    pub(super) fn charge(&mut self, now_ms: i64, weight: u32) -> Result<(), Refusal> {
        if let Some(until) = self.banned_until_ms {
            if now_ms < until {
                self.refused += 1;
                return Err(Refusal::banned(until));
            }
            self.banned_until_ms = None;
            self.breaches = 0;
        }
        if self.minute.at(now_ms).used == 0 {
            self.breaches = 0;
        }
        if self.minute.add(weight) <= self.limits.weight_1m {
            return Ok(());
        }
        self.breaches += 1;
        self.refused += 1;
        if self.breaches > self.limits.breaches_before_ban {
            let until = now_ms + self.limits.ban_ms;
            self.banned_until_ms = Some(until);
            return Err(Refusal::banned(until));
        }
        Err(Refusal::too_much_weight(self.limits.weight_1m, self.minute.end()))
    }

    /// Counts weight that was spent elsewhere; it refuses nothing by itself.
    pub(super) fn note(&mut self, now_ms: i64, weight: u32) {
        self.minute.at(now_ms).add(weight);
    }

    /// Requests that were refused so far.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// The weight used in this minute: the header `X-MBX-USED-WEIGHT-1M`.
    pub(super) fn used(&mut self, now_ms: i64) -> u32 {
        self.minute.at(now_ms).used
    }
}

/// What a request takes from the order counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrderCost {
    pub(super) per_10s: u32,
    pub(super) per_1m: u32,
}

/// The order counts of one account.
#[derive(Debug)]
pub(super) struct OrderPool {
    limits: Limits,
    ten: Window,
    minute: Window,
    /// Orders that were refused for a full window.
    refused: u64,
}

impl OrderPool {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, ten: Window::new(10_000), minute: Window::new(60_000), refused: 0 }
    }

    /// Charges an order; a refused one is not counted.
    ///
    /// # Errors
    /// 429 with -1015, naming the window that is full.
    pub(super) fn charge(&mut self, now_ms: i64, cost: OrderCost) -> Result<(), Refusal> {
        if self.ten.at(now_ms).used + cost.per_10s > self.limits.orders_10s {
            self.refused += 1;
            return Err(Refusal::too_many_orders(self.limits.orders_10s, "TEN_SECONDS", self.ten.end()));
        }
        if self.minute.at(now_ms).used + cost.per_1m > self.limits.orders_1m {
            self.refused += 1;
            return Err(Refusal::too_many_orders(self.limits.orders_1m, "MINUTE", self.minute.end()));
        }
        self.ten.add(cost.per_10s);
        self.minute.add(cost.per_1m);
        Ok(())
    }

    /// Orders that were refused so far.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// The counts of both windows: the headers `X-MBX-ORDER-COUNT-10S` and `-1M`.
    pub(super) fn used(&mut self, now_ms: i64) -> (u32, u32) {
        (self.ten.at(now_ms).used, self.minute.at(now_ms).used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weight_is_refused_then_banned_then_forgiven() {
        let limits = Limits { weight_1m: 10, breaches_before_ban: 1, ban_ms: 1_000, ..Limits::default() };
        let mut pool = WeightPool::new(limits);
        assert!(pool.charge(60_000, 10).is_ok());
        assert_eq!(pool.charge(60_001, 1).map_err(|e| (e.status, e.code)), Err((429, -1003)));
        let banned = pool.charge(60_002, 1).unwrap_err();
        assert_eq!((banned.status, banned.code), (418, -1003));
        assert!(banned.msg.contains("IP banned until 61002."));
        assert!(pool.charge(61_001, 1).is_err());
        assert_eq!(pool.used(119_999), 12);
        assert!(pool.charge(120_000, 1).is_ok());
        assert_eq!(pool.used(120_000), 1);
    }

    #[test]
    fn order_windows_are_fixed_and_refusals_cost_nothing() {
        let limits = Limits { orders_10s: 2, orders_1m: 3, ..Limits::default() };
        let one = OrderCost { per_10s: 1, per_1m: 1 };
        let mut pool = OrderPool::new(limits);
        assert!(pool.charge(69_998, one).is_ok() && pool.charge(69_999, one).is_ok());
        assert_eq!(
            pool.charge(69_999, one).map_err(|e| e.msg),
            Err("Too many new orders; current limit is 2 orders per TEN_SECONDS.".to_owned())
        );
        assert!(pool.charge(70_000, one).is_ok());
        assert_eq!(pool.used(70_000), (1, 3));
        assert_eq!(pool.charge(70_000, one).map_err(|e| (e.status, e.code)), Err((429, -1015)));
    }
}
