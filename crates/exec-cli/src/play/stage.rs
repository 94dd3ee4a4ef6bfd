//! The exchange of a play: the simulator on a free port of this machine, its faults and its operator's door.

use crate::failure::Failure;
use exchange_sim::{
    AccountSpec, FenceGuarantees, FlowConfig,
    face::{FaceConfig, Fault, FaultKind, RequestFault, RequestFilter, Server},
    ledger::Ledger,
    types::{AlgoStatus, OrderStatus, OrderType, Side},
};
use exec_core::time::VenueTime;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// Where new orders arrive.
const ORDERS: &str = "/fapi/v1/order";

/// How fast a play goes. What the exchange promises about late requests, the node is told alike; on the real one these are seconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tempo {
    pub(crate) order_recv_window_ms: u64,
    pub(crate) engine_margin_ms: u32,
    pub(crate) visibility_ms: u32,
    /// Time between two steps of the background on one symbol.
    pub(crate) flow_ms: u32,
    /// Time between two steps of the strategy.
    pub(crate) pace_ms: u64,
    /// Request weight that the exchange gives a minute.
    pub(crate) weight_1m: u32,
}

/// An order of a bracket that waits for its trigger.
#[derive(Debug)]
pub(crate) struct Waiting {
    kind: OrderType,
    side: Side,
    trigger: Decimal,
    callback: Option<Decimal>,
}

/// The exchange and the symbols on it.
pub(crate) struct Exchange {
    pub(crate) server: Server,
    pub(crate) symbols: Vec<String>,
    pub(crate) tempo: Tempo,
}

/// One account of a play.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner {
    pub(crate) key: &'static str,
    pub(crate) secret: &'static str,
    pub(crate) hedge: bool,
}

impl Exchange {
    /// Opens the exchange on a free port.
    pub(crate) async fn open(seed: u64, tempo: Tempo, owners: &[Owner]) -> Result<Self, Failure> {
        Self::open_with(seed, tempo, owners, |config| config).await
    }

    /// The same, where the face is set up further.
    pub(crate) async fn open_with(
        seed: u64,
        tempo: Tempo,
        owners: &[Owner],
        set_up: impl FnOnce(FaceConfig) -> FaceConfig,
    ) -> Result<Self, Failure> {
        let mut config = FaceConfig::new(seed);
        config.exchange.guarantees =
            FenceGuarantees { engine_margin_ms: tempo.engine_margin_ms.into(), visibility_ms: tempo.visibility_ms.into() };
        config.exchange.flow = FlowConfig { interval_ms: tempo.flow_ms.into(), take_percent: 80, ..FlowConfig::default() };
        config.limits.weight_1m = tempo.weight_1m;
        for owner in owners {
            config = config.with_account(owner.key, owner.secret, AccountSpec { hedge: owner.hedge, ..AccountSpec::default() });
        }
        let config = set_up(config);
        let symbols = config.exchange.symbols.iter().map(|s| s.symbol.to_string()).collect();
        let server = Server::bind(config, ([127, 0, 0, 1], 0).into()).await;
        let server = server.map_err(|error| Failure::Refused(format!("the exchange does not open: {error}")))?;
        Ok(Self { server, symbols, tempo })
    }

    pub(crate) fn rest_url(&self) -> String {
        self.server.rest_url()
    }
    pub(crate) fn ws_url(&self) -> String {
        self.server.ws_url()
    }
    /// What every account begins with.
    pub(crate) fn deposits() -> BTreeMap<String, Decimal> {
        AccountSpec::default().wallets.into_iter().collect()
    }
    /// The exchange's own books of an account.
    pub(crate) fn ledger(&self, owner: Owner) -> Result<Ledger, Failure> {
        let ledger = self.server.face().ledger(owner.key);
        ledger.ok_or_else(|| Failure::Refused(format!("the exchange knows no account {}", owner.key)))
    }
    /// The exchange's time.
    pub(crate) fn now(&self) -> VenueTime {
        VenueTime(self.server.face().with_exchange(|_, now| now))
    }
    /// Whether the exchange's own sums hold: longs equal shorts, no money made or lost.
    pub(crate) fn violation(&self) -> Option<String> {
        self.server.face().with_exchange(|exchange, _| exchange.check_invariants().err()).map(|v| v.to_string())
    }

    /// Loses some requests and answers of the owner's new orders from now on, so that the node is left in doubt about them.
    pub(crate) fn lose_some(&self, owner: Owner) {
        for (nth, fault) in [
            (5, RequestFault::DropRequest),
            (11, RequestFault::DropResponse),
            (16, RequestFault::DropRequest),
            (22, RequestFault::DropResponse),
        ] {
            self.arm(owner, nth, fault);
        }
    }
    /// Holds the owner's next new order up: on its way to the exchange, or the answer to it on its way back.
    pub(crate) fn hold_next(&self, owner: Owner, way: Way) -> u64 {
        // A request that is lost is not held up.
        self.server.face().disarm(None);
        self.arm(
            owner,
            1,
            match way {
                Way::There(ms) => RequestFault::DelayRequest(ms),
                Way::Back => RequestFault::DelayResponse(60_000),
            },
        )
    }
    pub(crate) fn arm(&self, owner: Owner, nth: u64, fault: RequestFault) -> u64 {
        let filter =
            RequestFilter { method: Some("POST".to_owned()), path: Some(ORDERS.to_owned()), key: Some(owner.key.to_owned()) };
        self.server.face().arm(Fault { kind: FaultKind::Request(filter, fault), nth, times: 1 })
    }
    pub(crate) fn disarm(&self, fault: u64) {
        self.server.face().disarm(Some(fault));
    }
    /// Whether a fault has hit.
    pub(crate) fn has_hit(&self, fault: u64) -> bool {
        let (_, faults) = self.server.face().operate("GET", "faults", "", "");
        let faults: serde_json::Value = serde_json::from_str(&faults).unwrap_or_default();
        let mut all = faults.as_array().into_iter().flatten();
        all.any(|f| f["id"] == fault && f["fired"].as_u64().unwrap_or(0) > 0)
    }

    /// How many trades the owner has had.
    pub(crate) fn trades(&self, owner: Owner) -> Result<usize, Failure> {
        Ok(self.ledger(owner)?.trades.len())
    }

    /// The owner's orders that rest on the book.
    pub(crate) fn resting(&self, owner: Owner) -> Result<Vec<Resting>, Failure> {
        let ledger = self.ledger(owner)?;
        let open = |status| matches!(status, OrderStatus::New | OrderStatus::PartiallyFilled);
        let rows = ledger.orders.into_iter().filter(|row| open(row.status));
        Ok(rows.map(|row| Resting { symbol: row.symbol.to_string(), side: row.side, price: row.price }).collect())
    }

    /// Moves the market through every order of the owner that rests, so that each is filled. Returns how many trades came of it.
    pub(crate) fn sweep(&self, owner: Owner) -> Result<usize, Failure> {
        let before = self.ledger(owner)?.trades.len();
        let resting = self.resting(owner)?;
        for symbol in resting.iter().map(|r| r.symbol.clone()).collect::<BTreeSet<_>>() {
            let here: Vec<&Resting> = resting.iter().filter(|r| r.symbol == symbol).collect();
            let buys = here.iter().filter(|r| r.side == Side::Buy).map(|r| r.price).min();
            let sells = here.iter().filter(|r| r.side == Side::Sell).map(|r| r.price).max();
            let home = self.price(&symbol)?;
            // A thousandth beyond the farthest order, and back to where the market was.
            let beyond = Decimal::new(1, 3);
            let below = buys.map(|price| price - price * beyond);
            let above = sells.map(|price| price + price * beyond);
            for price in below.into_iter().chain(above).chain([home]) {
                self.move_price(&symbol, price)?;
            }
        }
        Ok(self.ledger(owner)?.trades.len() - before)
    }

    /// The symbol on which the strategy trades brackets and nothing else: the last but one.
    fn guarded(&self) -> Option<&str> {
        self.symbols.len().checked_sub(2).and_then(|at| self.symbols.get(at)).map(String::as_str)
    }

    /// Orders of the owner's brackets that wait for their trigger, stops first.
    pub(crate) fn waiting(&self, owner: Owner) -> Result<Vec<Waiting>, Failure> {
        let rows = self.ledger(owner)?.algo_orders.into_iter();
        let here = rows.filter(|row| row.status == AlgoStatus::New && self.guarded() == Some(&*row.symbol));
        let waiting = here.map(|row| Waiting {
            kind: row.order_type,
            side: row.side,
            trigger: row.trigger_price,
            callback: row.callback_rate,
        });
        let mut waiting: Vec<Waiting> = waiting.collect();
        waiting.sort_by_key(|order| matches!(order.kind, OrderType::TakeProfit | OrderType::TakeProfitMarket));
        Ok(waiting)
    }

    /// Moves the market through the trigger of one of the owner's brackets, and leaves it there. Returns what it did, in words;
    /// nothing if none waits.
    pub(crate) fn trigger_one(&self, owner: Owner, which: usize) -> Result<Option<String>, Failure> {
        let (waiting, Some(symbol)) = (self.waiting(owner)?, self.guarded()) else { return Ok(None) };
        let Some(order) = waiting.get(which % waiting.len().max(1)) else { return Ok(None) };
        let beyond = |price: Decimal, up: bool| price + price * Decimal::new(if up { 1 } else { -1 }, 3);
        let (what, up) = match (order.kind, order.side) {
            (OrderType::TrailingStopMarket, side) => ("the trailing stop of a bracket", side == Side::Buy),
            (OrderType::TakeProfit | OrderType::TakeProfitMarket, side) => ("the take-profit of a bracket", side == Side::Sell),
            (_, side) => ("the stop of a bracket", side == Side::Buy),
        };
        let target = match order.callback {
            // First with the position, so that the stop follows; then back by more than its distance.
            Some(percent) => {
                let best = beyond(self.price(symbol)?, !up);
                self.move_price(symbol, best)?;
                let back = best * percent / Decimal::ONE_HUNDRED;
                beyond(if up { best + back } else { best - back }, up)
            }
            None => beyond(order.trigger, up),
        };
        self.move_price(symbol, target)?;
        let direction = if up { "rises" } else { "falls" };
        Ok(Some(format!("{symbol} {direction} to {}: {what} triggers", target.round_dp(2).normalize())))
    }

    fn price(&self, symbol: &str) -> Result<Decimal, Failure> {
        let mark = self.server.face().with_exchange(|exchange, _| exchange.premium(symbol).map(|row| row.mark_price));
        mark.map_err(|error| Failure::Refused(format!("{symbol}: {error}")))
    }

    fn move_price(&self, symbol: &str, price: Decimal) -> Result<(), Failure> {
        let body = serde_json::json!({ "symbol": symbol, "price": price.round_dp(4).to_string() }).to_string();
        match self.server.face().operate("POST", "price", "", &body) {
            (200, _) => Ok(()),
            (_, why) => Err(Failure::Refused(format!("the operator's door refuses {body}: {why}"))),
        }
    }
}

/// In which direction a request is held up when the node is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// The order arrives while the node is dead: so many milliseconds late.
    There(u64),
    /// The order has arrived, and the answer never does.
    Back,
}

/// An order on the book.
#[derive(Debug)]
pub(crate) struct Resting {
    pub(crate) symbol: String,
    pub(crate) side: Side,
    pub(crate) price: Decimal,
}
