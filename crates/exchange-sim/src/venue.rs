//! The exchange as a venue of an execution node, in process: the core's words in, the exchange's calls out, and back. The only
//! file of this crate that knows exec-core. It decides nothing; what it cannot translate it answers as unknown or leaves out.
//!
//! One idea in a long file, and long on purpose: it is the one seam between the exchange and the core, so nothing else may cross.
//!
//! [`Desk`] is synchronous, and its caller keeps time: simulations schedule each call, its delay and its loss themselves.
//! [`SimVenue`] puts the ports of a venue on top, for a node that runs in the same process.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use exec_core::ids::{Asset, ClOrdId, InstrumentId, OrderId, RequestId, TradeId};
use exec_core::instrument::{Grid, Instrument, PercentPrice, TradingStatus};
use exec_core::report::{
    AccountReport, BalanceReport, ExpiryReason, Fee, Fill, MassStatus, OrderReport, PositionReport, PriceReport, Quote, Report,
    ReportBody, TradeReport, VenueStatus,
};
use exec_core::terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, TimeInForce};
use exec_core::time::{ClockReading, VenueTime};
use exec_core::units::{Amount, PositionMode, PositionSide, Price, Qty, Side, SignedQty};
use exec_core::venue as port;
use exec_core::venue::{
    Attempt, CommandError, CommandResult, Fence, InstrumentSetting, Lookup, QueryError, RejectClass, Rejection, Trades,
    TradesFrom, Unrecognised, VenueProfile,
};
use rust_decimal::Decimal;
use tokio::sync::Notify;

use crate::config::MarketData;
use crate::error::ApiError;
use crate::event::{self, Event, MarketEvent, UserEvent};
use crate::exchange::Exchange;
use crate::request::{ModifyOrder, NewOrder, OrderRef, Signed};
use crate::row::{OrderRow, PositionRow, TradeRow};
use crate::symbol::SymbolSpec;
use crate::types::{self, AccountId, Ms, OrderStatus, OrderType, RespType, SymbolStatus};

/// A request from the future is refused from this many milliseconds on.
const AHEAD_MS: Ms = 1_000;
/// How long a reader waits before it looks whether the exchange owes something by itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const FORGETS_UNFILLED_AFTER_MS: u64 = 3 * 24 * 3_600 * 1_000;

/// Something the exchange pushed to this account's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// On the private stream.
    Private(Report),
    /// On the price stream.
    Price(PriceReport),
}

/// One account of an exchange, spoken to in the core's words. Each call happens at the venue time it is given.
#[derive(Debug)]
pub struct Desk {
    exchange: Exchange,
    account: AccountId,
    profile: VenueProfile,
}

impl Desk {
    /// Opens the desk of an account that exists.
    #[must_use]
    pub fn new(mut exchange: Exchange, account: AccountId) -> Self {
        exchange.set_market_data(MarketData { book_ticker: true, mark_price: true, ..MarketData::default() });
        let bounds = exchange.config().guarantees;
        let ms = |ms: Ms| u64::try_from(ms).unwrap_or(0);
        let fence = Fence { engine_margin_ms: ms(bounds.engine_margin_ms), visibility_ms: ms(bounds.visibility_ms) };
        let profile = VenueProfile {
            name: "BINANCE",
            fence: Some(fence),
            conditional_fence: Some(fence),
            replace: true,
            conditional: false,
            modes: &[PositionMode::Netting, PositionMode::Hedging],
            cl_ord_id_max: 36,
            forgets_unfilled_after_ms: FORGETS_UNFILLED_AFTER_MS,
            batch_max: 0,
            rules: &[],
        };
        Self { exchange, account, profile }
    }

    /// The exchange behind it.
    #[must_use]
    pub fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// The exchange behind it, for whoever plays the outside world.
    pub fn exchange_mut(&mut self) -> &mut Exchange {
        &mut self.exchange
    }

    /// Whose desk it is.
    #[must_use]
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// What the venue can do; its fence is the exchange's own guarantees.
    #[must_use]
    pub fn profile(&self) -> &VenueProfile {
        &self.profile
    }

    /// Lists what can be traded.
    #[must_use]
    pub fn instruments(&self) -> Vec<Instrument> {
        self.exchange.symbols().into_iter().filter_map(instrument).collect()
    }

    /// Takes what was pushed since the last take, in order.
    pub fn take_pushed(&mut self) -> Vec<Pushed> {
        let account = self.account;
        self.exchange.take_events().into_iter().filter_map(|event| pushed(account, event)).collect()
    }

    /// Checks the signed time of a request as the venue does when it comes in.
    ///
    /// # Errors
    /// The venue's refusal `-1021`: it did nothing.
    pub fn receive(now: Ms, timestamp: VenueTime, recv_window_ms: u64) -> Result<(), CommandError> {
        let window = Ms::try_from(recv_window_ms).unwrap_or(Ms::MAX);
        if timestamp.0 > now + AHEAD_MS || now.saturating_sub(timestamp.0) > window {
            let error = ApiError::new(-1021, "Timestamp for this request is outside of the recvWindow.");
            return Err(refusal(&error));
        }
        Ok(())
    }

    /// Receives a new order and places it.
    ///
    /// # Errors
    /// What became of it instead.
    pub fn submit(&mut self, now: Ms, attempt: &Attempt) -> CommandResult {
        Self::receive(now, attempt.timestamp, attempt.recv_window_ms)?;
        let recv_window = Ms::try_from(attempt.recv_window_ms).unwrap_or(Ms::MAX);
        self.place(now, attempt, Some(Signed { timestamp: attempt.timestamp.0, recv_window }))
    }

    /// Places an order that was received in time, without the matching engine's own look at its window: for simulations of an
    /// engine that is slow inside of what the venue guarantees.
    ///
    /// # Errors
    /// What became of it instead.
    pub fn submit_received(&mut self, now: Ms, attempt: &Attempt) -> CommandResult {
        self.place(now, attempt, None)
    }

    fn place(&mut self, now: Ms, attempt: &Attempt, signed: Option<Signed>) -> CommandResult {
        let mut order = new_order(attempt)?;
        order.signed = signed;
        let placed = self.exchange.place(now, self.account, &order).map_err(|error| refusal(&error))?;
        let row = placed.into_reply(RespType::Result);
        Ok(Box::new(order_report(&row, true).ok_or_else(|| unreadable(&row))?))
    }

    /// Changes price and quantity of a working order.
    ///
    /// # Errors
    /// What became of it instead.
    pub fn replace(&mut self, now: Ms, replace: &port::Replace) -> CommandResult {
        Self::receive(now, replace.timestamp, replace.recv_window_ms)?;
        let recv_window = Ms::try_from(replace.recv_window_ms).unwrap_or(Ms::MAX);
        let change = ModifyOrder {
            symbol: replace.order.instrument.symbol().to_owned(),
            order: reference(&replace.order),
            side: side_of(replace.side),
            quantity: Some(replace.qty.get()),
            price: Some(replace.price.get()),
            price_match: None,
            modify_id: i64::try_from(replace.request.0).ok(),
            reduce_only: None,
            signed: Some(Signed { timestamp: replace.timestamp.0, recv_window }),
        };
        let row = self.exchange.modify(now, self.account, &change).map_err(|error| refusal(&error))?;
        let mut report = order_report(&row, true).ok_or_else(|| unreadable(&row))?;
        report.replaced_by = Some(replace.request);
        Ok(Box::new(report))
    }

    /// Takes an order off the book.
    ///
    /// # Errors
    /// What became of it instead.
    pub fn cancel(&mut self, now: Ms, cancel: &port::Cancel) -> CommandResult {
        let symbol = cancel.order.instrument.symbol();
        let row = self.exchange.cancel(now, self.account, symbol, &reference(&cancel.order)).map_err(|error| refusal(&error))?;
        Ok(Box::new(order_report(&row, true).ok_or_else(|| unreadable(&row))?))
    }

    /// Takes all orders of an instrument off the book.
    ///
    /// # Errors
    /// What became of it instead.
    pub fn cancel_all(&mut self, now: Ms, scope: &port::CancelAll) -> Result<(), CommandError> {
        let symbol = scope.instrument.symbol();
        self.exchange.cancel_all(now, self.account, symbol).map(|_| ()).map_err(|error| refusal(&error))
    }

    /// Looks for one order.
    ///
    /// # Errors
    /// [`QueryError::Refused`] for anything but found and absent.
    pub fn order_status(&mut self, now: Ms, order: &port::OrderRef) -> Result<Lookup, QueryError> {
        self.exchange.advance(now);
        match self.exchange.order(self.account, order.instrument.symbol(), &reference(order)) {
            Ok(row) => {
                let report = order_report(&row, false).ok_or_else(|| QueryError::Malformed(format!("{row:?}")))?;
                Ok(Lookup::Found(Box::new(report)))
            }
            Err(error) if error.code == -2013 => Ok(Lookup::Absent),
            Err(error) => Err(refused(&error)),
        }
    }

    /// Reads everything at one moment.
    ///
    /// # Errors
    /// [`QueryError::Refused`] if there is no such account.
    pub fn mass_status(&mut self, now: Ms, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        self.exchange.advance(now);
        let exchange = &self.exchange;
        let config = exchange.account_config(self.account).map_err(|error| refused(&error))?;
        let view = exchange.account(self.account).map_err(|error| refused(&error))?;
        let open = exchange.open_orders(self.account, None).map_err(|error| refused(&error))?;
        let client = exchange.client(self.account).map_err(|error| refused(&error))?;
        let asked = |symbol: &str| instruments.iter().any(|id| id.symbol() == symbol);
        let newest = client.trades.iter().zip(&exchange.markets).filter_map(|(trades, market)| {
            let wanted = !trades.is_empty() || asked(&market.spec.symbol);
            let newest = trades.last().and_then(|row| u64::try_from(row.id).ok()).map(TradeId::from_number);
            wanted.then(|| instrument_id(&market.spec.symbol).map(|id| (id, newest))).flatten()
        });
        let mode = if config.dual_side_position { PositionMode::Hedging } else { PositionMode::Netting };
        Ok(MassStatus {
            asked: VenueTime(exchange.now()),
            mode,
            open_orders: open.iter().filter_map(|row| order_report(row, false)).collect(),
            positions: view
                .positions
                .iter()
                .filter(|row| !row.position_amt.is_zero() || asked(&row.symbol))
                .filter_map(position_report)
                .filter(|row| mode.has(row.leg))
                .collect(),
            balances: view
                .assets
                .iter()
                .filter_map(|row| balance(&row.asset, row.wallet_balance, Some(row.available_balance)))
                .collect(),
            high_water: newest.collect(),
        })
    }

    /// Reads the legs of instruments that are not flat.
    ///
    /// # Errors
    /// [`QueryError::Refused`] for an account that does not exist.
    pub fn positions(&mut self, now: Ms, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        self.exchange.advance(now);
        let view = self.exchange.account(self.account).map_err(|error| refused(&error))?;
        let asked = |row: &&PositionRow| instruments.iter().any(|id| id.symbol() == &*row.symbol);
        Ok(view.positions.iter().filter(asked).filter(|row| !row.position_amt.is_zero()).filter_map(position_report).collect())
    }

    /// Reads the account's trades of an instrument.
    ///
    /// # Errors
    /// [`QueryError::Refused`] for an instrument that does not exist.
    pub fn trades_since(&mut self, now: Ms, instrument: &InstrumentId, from: &TradesFrom) -> Result<Trades, QueryError> {
        self.exchange.advance(now);
        let market = self.exchange.market_index(instrument.symbol()).map_err(|error| refused(&error))?;
        let client = self.exchange.client(self.account).map_err(|error| refused(&error))?;
        let wanted = |row: &&TradeRow| match from {
            TradesFrom::After(id) => u64::try_from(row.id).is_ok_and(|number| TradeId::from_number(number) > *id),
            TradesFrom::Time(time) => row.time >= time.0,
        };
        let rows = client.trades.get(market).map(Vec::as_slice).unwrap_or_default();
        Ok(Trades { trades: rows.iter().filter(wanted).filter_map(trade_report).collect(), complete: true })
    }
}

// --- from the core to the exchange ---

fn new_order(attempt: &Attempt) -> Result<NewOrder, CommandError> {
    let terms = &attempt.terms;
    let not_sent = |why: &str| CommandError::NotSent(why.to_owned());
    let qty = terms.qty.ok_or_else(|| not_sent("orders that close all are not known here"))?.get();
    let (symbol, side) = (terms.instrument.symbol(), side_of(terms.side));
    let mut order = match terms.kind {
        OrderKind::Market => NewOrder::market(symbol, side, qty),
        OrderKind::Limit { price, tif } => {
            let (word, until) = match tif {
                TimeInForce::Gtc => (types::TimeInForce::Gtc, None),
                TimeInForce::Ioc => (types::TimeInForce::Ioc, None),
                TimeInForce::Fok => (types::TimeInForce::Fok, None),
                TimeInForce::Gtx => (types::TimeInForce::Gtx, None),
                TimeInForce::Gtd(until) => (types::TimeInForce::Gtd, Some(until.0)),
            };
            let order = match price {
                LimitPrice::At(price) => NewOrder::limit(symbol, side, qty, price.get(), word),
                LimitPrice::Match(level) => NewOrder {
                    price: None,
                    price_match: Some(price_match(level)),
                    ..NewOrder::limit(symbol, side, qty, Decimal::ZERO, word)
                },
            };
            NewOrder { good_till_date: until, ..order }
        }
        OrderKind::StopMarket { .. }
        | OrderKind::StopLimit { .. }
        | OrderKind::TakeProfitMarket { .. }
        | OrderKind::TakeProfit { .. }
        | OrderKind::TrailingStopMarket { .. } => return Err(not_sent("conditional orders are not known here")),
    };
    order.stp_mode = terms.stp.map(stp_mode);
    order.new_client_order_id = Some(attempt.cl_ord_id.as_str().to_owned());
    match terms.leg {
        PositionSide::Net if terms.intention == Intention::Reduce => order.reduce_only = Some(true),
        PositionSide::Net => (),
        PositionSide::Long => order.position_side = Some(types::PositionSide::Long),
        PositionSide::Short => order.position_side = Some(types::PositionSide::Short),
    }
    Ok(order)
}

fn reference(order: &port::OrderRef) -> OrderRef {
    let number = order.order_id.and_then(|id| id.as_str().parse().ok());
    OrderRef { order_id: number, client_order_id: order.cl_ord_id.map(|id| id.as_str().to_owned()) }
}

const fn side_of(side: Side) -> types::Side {
    match side {
        Side::Buy => types::Side::Buy,
        Side::Sell => types::Side::Sell,
    }
}

/// What a refusal of a command means. A duplicate id is evidence that the order is there.
fn refusal(error: &ApiError) -> CommandError {
    let class = match error.code {
        -4116 => return CommandError::Unknown { why: error.to_string(), live: true },
        -1000 | -1006 | -1007 => return CommandError::Unknown { why: error.to_string(), live: false },
        -1021 | -5028 => RejectClass::Clock,
        -1008 => RejectClass::Failed,
        -1003 | -1015 => RejectClass::Throttled,
        -2011 | -2013 => RejectClass::NotOnBook,
        -2018 | -2019 | -2027 | -2028 => RejectClass::Funds,
        -2021 => RejectClass::WouldTrigger,
        -2022 | -4118 => RejectClass::NothingToClose,
        -2025 => RejectClass::Count,
        -5022 => RejectClass::WouldTake,
        -2023 | -4401..=-4400 | -4141..=-4140 | -1122 => RejectClass::Restricted,
        -2015 | -2014 | -1022 | -1109 => RejectClass::Auth,
        -2020 | -4131 | -5021 | -5027..=-5024 | -4061 => RejectClass::State,
        _ => RejectClass::Invalid,
    };
    CommandError::Rejected(Rejection { class, code: i64::from(error.code), text: error.msg.clone() })
}

fn refused(error: &ApiError) -> QueryError {
    QueryError::Refused(Rejection { class: RejectClass::Invalid, code: i64::from(error.code), text: error.msg.clone() })
}

fn unreadable(row: &OrderRow) -> CommandError {
    CommandError::Unknown { why: format!("the answer cannot be read: {row:?}"), live: false }
}

// --- from the exchange to the core ---

fn instrument_id(symbol: &str) -> Option<InstrumentId> {
    InstrumentId::new(&format!("{symbol}-PERP.BINANCE")).ok()
}

fn instrument(spec: &SymbolSpec) -> Option<Instrument> {
    Some(Instrument {
        id: instrument_id(&spec.symbol)?,
        symbol: spec.symbol.to_string(),
        base: Asset::new(&spec.base_asset).ok()?,
        quote: Asset::new(&spec.quote_asset).ok()?,
        settle: Asset::new(&spec.quote_asset).ok()?,
        status: match spec.status {
            SymbolStatus::Trading => TradingStatus::Trading,
            SymbolStatus::PendingTrading | SymbolStatus::TradingHalt | SymbolStatus::TradingCancelOnly => TradingStatus::Halted,
            SymbolStatus::PreSettle | SymbolStatus::Settling | SymbolStatus::Close => TradingStatus::Closed,
        },
        price: Grid { min: spec.min_price, max: spec.max_price, step: spec.tick_size },
        lot: Grid { min: spec.min_qty, max: spec.max_qty, step: spec.step_size },
        market_lot: Grid { min: spec.market_min_qty, max: spec.market_max_qty, step: spec.market_step_size },
        notional_min: spec.min_notional,
        percent_price: Some(PercentPrice { up: spec.multiplier_up, down: spec.multiplier_down }),
        open_orders_max: u32::try_from(spec.max_num_orders).ok(),
    })
}

const fn core_side(side: types::Side) -> Side {
    match side {
        types::Side::Buy => Side::Buy,
        types::Side::Sell => Side::Sell,
    }
}

const fn leg(side: types::PositionSide) -> PositionSide {
    match side {
        types::PositionSide::Both => PositionSide::Net,
        types::PositionSide::Long => PositionSide::Long,
        types::PositionSide::Short => PositionSide::Short,
    }
}

const fn status(status: OrderStatus) -> VenueStatus {
    match status {
        OrderStatus::New => VenueStatus::New,
        OrderStatus::PartiallyFilled => VenueStatus::PartiallyFilled,
        OrderStatus::Filled => VenueStatus::Filled,
        OrderStatus::Canceled => VenueStatus::Canceled,
        OrderStatus::Expired => VenueStatus::Expired(ExpiryReason::Unstated),
        OrderStatus::ExpiredInMatch => VenueStatus::Expired(ExpiryReason::SelfTrade),
    }
}

const fn price_match(level: PriceMatch) -> types::PriceMatch {
    match level {
        PriceMatch::Opponent => types::PriceMatch::Opponent,
        PriceMatch::Opponent5 => types::PriceMatch::Opponent5,
        PriceMatch::Opponent10 => types::PriceMatch::Opponent10,
        PriceMatch::Opponent20 => types::PriceMatch::Opponent20,
        PriceMatch::Queue => types::PriceMatch::Queue,
        PriceMatch::Queue5 => types::PriceMatch::Queue5,
        PriceMatch::Queue10 => types::PriceMatch::Queue10,
        PriceMatch::Queue20 => types::PriceMatch::Queue20,
    }
}

const fn stp_mode(rule: SelfTrade) -> types::StpMode {
    match rule {
        SelfTrade::ExpireTaker => types::StpMode::ExpireTaker,
        SelfTrade::ExpireMaker => types::StpMode::ExpireMaker,
        SelfTrade::ExpireBoth => types::StpMode::ExpireBoth,
    }
}

fn kind(row: &OrderRow) -> Option<OrderKind> {
    let tif = match row.time_in_force {
        types::TimeInForce::Gtc => TimeInForce::Gtc,
        types::TimeInForce::Ioc => TimeInForce::Ioc,
        types::TimeInForce::Fok => TimeInForce::Fok,
        types::TimeInForce::Gtx => TimeInForce::Gtx,
        types::TimeInForce::Gtd => TimeInForce::Gtd(VenueTime(row.good_till_date)),
        types::TimeInForce::Rpi | types::TimeInForce::GteGtc => return None,
    };
    match row.order_type {
        OrderType::Limit => Some(OrderKind::Limit { price: LimitPrice::At(Price::new(row.price).ok()?), tif }),
        OrderType::Market => Some(OrderKind::Market),
        OrderType::Stop
        | OrderType::StopMarket
        | OrderType::TakeProfit
        | OrderType::TakeProfitMarket
        | OrderType::TrailingStopMarket
        | OrderType::Liquidation => None,
    }
}

/// A row as a report. Replies to commands do not carry the average price, as on the venue.
fn order_report(row: &OrderRow, reply: bool) -> Option<OrderReport> {
    let executed = !row.executed_qty.is_zero();
    Some(OrderReport {
        cl_ord_id: ClOrdId::new(&row.client_order_id).ok(),
        order_id: u64::try_from(row.order_id).ok().map(OrderId::from_number),
        algo_id: None,
        instrument: instrument_id(&row.symbol)?,
        side: core_side(row.side),
        leg: Some(leg(row.position_side)),
        status: status(row.status),
        kind: kind(row),
        qty: Qty::new(row.orig_qty).ok(),
        reduce_only: row.reduce_only,
        close_all: row.close_position,
        cum_qty: Qty::new(row.executed_qty).ok(),
        avg_px: if executed && !reply { Price::new(row.avg_price).ok() } else { None },
        updated: VenueTime(row.update_time),
        created: Some(VenueTime(row.time)),
        fill: None,
        replaced_by: row.modify_id.and_then(|id| u64::try_from(id).ok()).map(RequestId),
        text: None,
        made_by: None,
    })
}

fn position_report(row: &PositionRow) -> Option<PositionReport> {
    let price = |value: Decimal| if value.is_zero() { None } else { Price::new(value).ok() };
    Some(PositionReport {
        instrument: instrument_id(&row.symbol)?,
        leg: leg(row.position_side),
        qty: SignedQty::new(row.position_amt).ok()?,
        entry_px: price(row.entry_price),
        mark_px: price(row.mark_price),
        liquidation_px: price(row.liquidation_price),
        unrealized: Amount::new(row.unrealized_profit).ok(),
        leverage: Some(row.leverage),
        isolated: Some(row.margin_type == types::MarginType::Isolated),
    })
}

fn balance(asset: &str, wallet: Decimal, available: Option<Decimal>) -> Option<BalanceReport> {
    Some(BalanceReport {
        asset: Asset::new(asset).ok()?,
        wallet: Amount::new(wallet).ok()?,
        available: available.and_then(|a| Amount::new(a).ok()),
    })
}

fn fee(amount: Decimal, asset: &str) -> Option<Fee> {
    Some(Fee { amount: Amount::new(amount).ok()?, asset: Asset::new(asset).ok()? })
}

fn trade_report(row: &TradeRow) -> Option<TradeReport> {
    Some(TradeReport {
        instrument: instrument_id(&row.symbol)?,
        // The venue's trade list names the order by its number only.
        cl_ord_id: None,
        order_id: OrderId::from_number(u64::try_from(row.order_id).ok()?),
        fill: Fill {
            trade_id: TradeId::from_number(u64::try_from(row.id).ok()?),
            price: Price::new(row.price).ok()?,
            qty: Qty::new(row.qty).ok()?,
            side: core_side(row.side),
            maker: row.maker,
            leg: Some(leg(row.position_side)),
            fee: fee(row.commission, &row.commission_asset),
            realized: Amount::new(row.realized_pnl).ok(),
            at: VenueTime(row.time),
        },
    })
}

fn pushed(account: AccountId, event: Event) -> Option<Pushed> {
    match event {
        Event::User { account: whose, time, event } if whose == account => {
            let body = private(time, event)?;
            Some(Pushed::Private(Report { sent: Some(VenueTime(time)), body }))
        }
        Event::User { .. } => None,
        Event::Market { event, .. } => price(event).map(Pushed::Price),
    }
}

fn price(event: MarketEvent) -> Option<PriceReport> {
    let some = |value: Decimal| if value.is_zero() { None } else { Price::new(value).ok() };
    match event {
        MarketEvent::BookTicker(row) => {
            let quote = Quote { bid: some(row.bid_price), ask: some(row.ask_price), mark: None };
            Some(PriceReport { instrument: instrument_id(&row.symbol)?, quote })
        }
        MarketEvent::MarkPrice(row) => {
            let quote = Quote { mark: some(row.mark_price), ..Quote::default() };
            Some(PriceReport { instrument: instrument_id(&row.symbol)?, quote })
        }
        MarketEvent::Depth(_) | MarketEvent::Trade(_) | MarketEvent::ForceOrder(_) => None,
    }
}

fn private(time: Ms, event: UserEvent) -> Option<ReportBody> {
    Some(match event {
        UserEvent::Order(update) => ReportBody::Order(order_update(time, &update)?),
        UserEvent::TradeLite(lite) => ReportBody::Trade(trade_lite(time, &lite)?),
        UserEvent::Account(update) => ReportBody::Account(AccountReport {
            reason: update.reason.as_str().to_owned(),
            at: VenueTime(time),
            balances: update.balances.iter().filter_map(|row| balance(&row.asset, row.wallet_balance, None)).collect(),
            positions: update.positions.iter().filter_map(position_change).collect(),
        }),
        UserEvent::Leverage { symbol, leverage } => ReportBody::Leverage { instrument: instrument_id(&symbol)?, leverage },
        UserEvent::MultiAssets { enabled } => ReportBody::Setting { text: format!("multi-assets mode {enabled}") },
        // This face sends no conditional orders, so none of its own are told.
        UserEvent::Algo(_) => return None,
        UserEvent::MarginCall(call) => ReportBody::MarginCall {
            positions: call
                .positions
                .iter()
                .filter_map(|row| bare_position(&row.symbol, row.position_side, row.amount))
                .collect(),
        },
    })
}

fn order_update(time: Ms, update: &event::OrderUpdate) -> Option<OrderReport> {
    let mut report = order_report(&update.order, false)?;
    report.replaced_by = update.modify_id.and_then(|id| u64::try_from(id).ok()).map(RequestId);
    if let VenueStatus::Expired(_) = report.status {
        report.status = VenueStatus::Expired(match update.expiry_reason {
            types::ExpiryReason::None => ExpiryReason::Unstated,
            types::ExpiryReason::SelfTrade | types::ExpiryReason::IocSelfTrade => ExpiryReason::SelfTrade,
            types::ExpiryReason::IocRemainder | types::ExpiryReason::MarketRemainder => ExpiryReason::NotFillable,
            types::ExpiryReason::ReduceOnly => ExpiryReason::NothingToClose,
            types::ExpiryReason::Liquidation => ExpiryReason::Liquidation,
            types::ExpiryReason::Delisted => ExpiryReason::Delisted,
        });
    }
    if let Some(fill) = &update.fill {
        report.fill = Some(Fill {
            trade_id: TradeId::from_number(u64::try_from(fill.trade_id).ok()?),
            price: Price::new(fill.price).ok()?,
            qty: Qty::new(fill.qty).ok()?,
            side: report.side,
            maker: fill.maker,
            leg: report.leg,
            fee: fee(fill.commission, &fill.commission_asset),
            realized: Amount::new(fill.realized_pnl).ok(),
            at: VenueTime(time),
        });
    }
    Some(report)
}

fn trade_lite(time: Ms, lite: &event::TradeLite) -> Option<TradeReport> {
    Some(TradeReport {
        instrument: instrument_id(&lite.symbol)?,
        cl_ord_id: ClOrdId::new(&lite.client_order_id).ok(),
        order_id: OrderId::from_number(u64::try_from(lite.order_id).ok()?),
        fill: Fill {
            trade_id: TradeId::from_number(u64::try_from(lite.trade_id).ok()?),
            price: Price::new(lite.price).ok()?,
            qty: Qty::new(lite.qty).ok()?,
            side: core_side(lite.side),
            maker: lite.maker,
            leg: None,
            fee: None,
            realized: None,
            at: VenueTime(time),
        },
    })
}

fn position_change(row: &event::PositionChange) -> Option<PositionReport> {
    let entry_px = if row.entry_price.is_zero() { None } else { Price::new(row.entry_price).ok() };
    let bare = bare_position(&row.symbol, row.position_side, row.amount)?;
    Some(PositionReport { entry_px, unrealized: Amount::new(row.unrealized_profit).ok(), ..bare })
}

fn bare_position(symbol: &str, side: types::PositionSide, amount: Decimal) -> Option<PositionReport> {
    Some(PositionReport {
        instrument: instrument_id(symbol)?,
        leg: leg(side),
        qty: SignedQty::new(amount).ok()?,
        entry_px: None,
        mark_px: None,
        liquidation_px: None,
        unrealized: None,
        leverage: None,
        isolated: None,
    })
}

// --- the ports ---

/// What all sessions of a venue in process share.
struct Shared {
    desk: Desk,
    clock: Box<dyn Fn() -> Ms + Send>,
    next: u64,
    private: Vec<(u64, VecDeque<Report>)>,
    prices: Vec<(u64, VecDeque<PriceReport>)>,
}

impl Shared {
    fn now(&self) -> Ms {
        (self.clock)()
    }

    /// Runs what time owes and hands on what was pushed.
    fn pump(&mut self) {
        let now = self.now();
        self.desk.exchange.advance(now);
        for pushed in self.desk.take_pushed() {
            match pushed {
                Pushed::Private(report) => self.private.iter_mut().for_each(|(_, queue)| queue.push_back(report.clone())),
                Pushed::Price(price) => {
                    for (_, queue) in &mut self.prices {
                        // Newest wins: one place per instrument.
                        match queue.iter_mut().find(|waiting| waiting.instrument == price.instrument) {
                            Some(waiting) => waiting.quote = waiting.quote.updated(price.quote),
                            None => queue.push_back(price.clone()),
                        }
                    }
                }
            }
        }
    }
}

/// The exchange as a venue in process. Clones speak to the same desk.
///
/// Venue time is whatever `clock` says, and the node's own clock must say the same; the exchange lives on while somebody reads a
/// feed or calls.
#[derive(Clone)]
pub struct SimVenue {
    shared: Arc<Mutex<Shared>>,
    news: Arc<Notify>,
    profile: Arc<VenueProfile>,
}

impl std::fmt::Debug for SimVenue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimVenue").field("profile", &self.profile).finish_non_exhaustive()
    }
}

impl SimVenue {
    /// Opens a venue over a desk. `clock` gives the venue's time in milliseconds and never goes back.
    pub fn new(desk: Desk, clock: impl Fn() -> Ms + Send + 'static) -> Self {
        let profile = Arc::new(desk.profile.clone());
        let shared = Shared { desk, clock: Box::new(clock), next: 0, private: Vec::new(), prices: Vec::new() };
        Self { shared: Arc::new(Mutex::new(shared)), news: Arc::new(Notify::new()), profile }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something at the desk now, and hands on what it caused. Also for whoever plays the outside world.
    pub fn at_desk<T>(&self, act: impl FnOnce(&mut Desk, Ms) -> T) -> T {
        let mut shared = self.lock();
        let now = shared.now();
        let done = act(&mut shared.desk, now);
        shared.pump();
        drop(shared);
        self.news.notify_waiters();
        done
    }

    fn setting(
        &self,
        act: impl FnOnce(&mut Exchange, Ms, AccountId) -> Result<(), ApiError>,
        done: i32,
    ) -> Result<(), CommandError> {
        self.at_desk(|desk, now| {
            let account = desk.account;
            match act(&mut desk.exchange, now, account) {
                // What is so already is a success.
                Err(error) if error.code == done => Ok(()),
                other => other.map_err(|error| refusal(&error)),
            }
        })
    }

    /// Waits until `take` finds something, looking after the exchange meanwhile.
    async fn wait<T>(&self, mut take: impl FnMut(&mut Shared) -> Option<T>) -> T {
        loop {
            let news = self.news.notified();
            let found = {
                let mut shared = self.lock();
                shared.pump();
                take(&mut shared)
            };
            if let Some(found) = found {
                return found;
            }
            // A time that passes is how the exchange's own traders come to act.
            let _ = tokio::time::timeout(LOOK_EVERY, news).await;
        }
    }
}

#[async_trait]
impl port::ExecutionVenue for SimVenue {
    fn profile(&self) -> &VenueProfile {
        &self.profile
    }

    async fn instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        Ok(self.at_desk(|desk, _| desk.instruments()))
    }

    async fn open_feed(&self) -> Result<Box<dyn port::ReportFeed>, QueryError> {
        let mut shared = self.lock();
        // What happened before belongs to older sessions.
        shared.pump();
        shared.next += 1;
        let id = shared.next;
        shared.private.push((id, VecDeque::new()));
        drop(shared);
        Ok(Box::new(Session { venue: self.clone(), id }))
    }

    async fn submit(&self, attempt: Attempt) -> CommandResult {
        self.at_desk(|desk, now| desk.submit(now, &attempt))
    }

    async fn batch(&self, batch: port::Batch) -> Vec<CommandResult> {
        let mut results = Vec::new();
        match batch {
            port::Batch::Submit(all) => {
                for attempt in all {
                    results.push(self.submit(attempt).await);
                }
            }
            port::Batch::Replace(all) => {
                for replace in all {
                    results.push(self.replace(replace).await);
                }
            }
            port::Batch::Cancel(all) => {
                for cancel in all {
                    results.push(self.cancel(cancel).await);
                }
            }
        }
        results
    }

    async fn replace(&self, replace: port::Replace) -> CommandResult {
        self.at_desk(|desk, now| desk.replace(now, &replace))
    }

    async fn cancel(&self, cancel: port::Cancel) -> CommandResult {
        self.at_desk(|desk, now| desk.cancel(now, &cancel))
    }

    async fn cancel_all(&self, scope: port::CancelAll) -> Result<(), CommandError> {
        self.at_desk(|desk, now| desk.cancel_all(now, &scope))
    }

    async fn order_status(&self, order: port::OrderRef) -> Result<Lookup, QueryError> {
        self.at_desk(|desk, now| desk.order_status(now, &order))
    }

    async fn positions(&self, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError> {
        self.at_desk(|desk, now| desk.positions(now, instruments))
    }

    fn unrecognised(&self) -> Vec<Unrecognised> {
        Vec::new()
    }

    async fn mass_status(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        self.at_desk(|desk, now| desk.mass_status(now, instruments))
    }

    async fn trades_since(&self, instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError> {
        self.at_desk(|desk, now| desk.trades_since(now, instrument, &from))
    }
}

/// One session of the private stream.
struct Session {
    venue: SimVenue,
    id: u64,
}

#[async_trait]
impl port::ReportFeed for Session {
    async fn next(&mut self) -> Result<Report, QueryError> {
        let id = self.id;
        Ok(self.venue.wait(|shared| shared.private.iter_mut().find(|(session, _)| *session == id)?.1.pop_front()).await)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.venue.lock().private.retain(|(id, _)| *id != self.id);
    }
}

/// One session of prices.
struct PriceSession {
    venue: SimVenue,
    id: u64,
    instruments: Vec<InstrumentId>,
}

#[async_trait]
impl port::PriceFeed for PriceSession {
    async fn next(&mut self) -> Result<PriceReport, QueryError> {
        let (id, wanted) = (self.id, &self.instruments);
        let take = |shared: &mut Shared| {
            let (_, queue) = shared.prices.iter_mut().find(|(session, _)| *session == id)?;
            queue.retain(|price| wanted.contains(&price.instrument));
            queue.pop_front()
        };
        Ok(self.venue.wait(take).await)
    }
}

impl Drop for PriceSession {
    fn drop(&mut self) {
        self.venue.lock().prices.retain(|(id, _)| *id != self.id);
    }
}

#[async_trait]
impl port::PriceSource for SimVenue {
    async fn open_prices(&self, instruments: &[InstrumentId]) -> Result<Box<dyn port::PriceFeed>, QueryError> {
        let mut shared = self.lock();
        shared.next += 1;
        let id = shared.next;
        let first = instruments.iter().filter_map(|id| current_price(&shared.desk.exchange, id)).collect();
        shared.prices.push((id, first));
        drop(shared);
        Ok(Box::new(PriceSession { venue: self.clone(), id, instruments: instruments.to_vec() }))
    }
}

fn current_price(exchange: &Exchange, id: &InstrumentId) -> Option<PriceReport> {
    let mut report = price(MarketEvent::BookTicker(exchange.book_ticker(id.symbol()).ok()?))?;
    let mark = price(MarketEvent::MarkPrice(exchange.premium(id.symbol()).ok()?))?;
    report.quote = report.quote.updated(mark.quote);
    Some(report)
}

#[async_trait]
impl port::VenueClock for SimVenue {
    async fn read_clock(&self) -> Result<ClockReading, QueryError> {
        // In process both clocks are the caller's business; theirs is ours, to the millisecond.
        Ok(ClockReading { offset_ms: 0, error_ms: 1 })
    }
}

#[async_trait]
impl port::AccountSetup for SimVenue {
    async fn position_mode(&self) -> Result<PositionMode, QueryError> {
        let config = self.at_desk(|desk, _| desk.exchange.account_config(desk.account)).map_err(|error| refused(&error))?;
        Ok(if config.dual_side_position { PositionMode::Hedging } else { PositionMode::Netting })
    }

    async fn set_position_mode(&self, mode: PositionMode) -> Result<(), CommandError> {
        let hedge = mode == PositionMode::Hedging;
        self.setting(|exchange, now, account| exchange.set_position_mode(now, account, hedge), -4059)
    }

    async fn instrument_settings(&self, instruments: &[InstrumentId]) -> Result<Vec<InstrumentSetting>, QueryError> {
        let rows = self.at_desk(|desk, _| desk.exchange.symbol_config(desk.account, None)).map_err(|error| refused(&error))?;
        let setting = |id: &InstrumentId| {
            let row = rows.iter().find(|row| *row.symbol == *id.symbol())?;
            let margin_type = match row.margin_type {
                types::MarginType::Crossed => port::MarginType::Cross,
                types::MarginType::Isolated => port::MarginType::Isolated,
            };
            Some(InstrumentSetting {
                instrument: id.clone(),
                leverage: Some(row.leverage),
                margin_type: Some(margin_type),
                notional_max: None,
            })
        };
        Ok(instruments.iter().filter_map(setting).collect())
    }

    async fn set_leverage(&self, instrument: &InstrumentId, leverage: u32) -> Result<(), CommandError> {
        let symbol = instrument.symbol();
        self.setting(|exchange, now, account| exchange.set_leverage(now, account, symbol, leverage).map(|_| ()), 0)
    }

    async fn set_margin_type(&self, instrument: &InstrumentId, margin_type: port::MarginType) -> Result<(), CommandError> {
        let (symbol, wanted) = match margin_type {
            port::MarginType::Cross => (instrument.symbol(), types::MarginType::Crossed),
            port::MarginType::Isolated => (instrument.symbol(), types::MarginType::Isolated),
        };
        self.setting(|exchange, now, account| exchange.set_margin_type(now, account, symbol, wanted), -4046)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AccountSpec, ExchangeConfig};
    use exec_core::ids::Epoch;
    use exec_core::terms::Terms;
    use exec_core::venue::{AccountSetup, ExecutionVenue, PriceSource};

    const NOW: Ms = 1_790_000_000_000;

    fn desk() -> Desk {
        let mut exchange = Exchange::new(ExchangeConfig { start_ms: NOW, ..ExchangeConfig::default() }).unwrap();
        let account = exchange.create_account(AccountSpec::default());
        Desk::new(exchange, account)
    }

    fn attempt(id: &str, side: Side, kind: OrderKind, at: Ms) -> Attempt {
        let qty = Qty::new(Decimal::new(10, 3)).ok();
        let instrument = instrument_id("BTCUSDT").unwrap();
        let terms = Terms { instrument, side, leg: PositionSide::Net, intention: Intention::Open, qty, kind, stp: None };
        let cl_ord_id = ClOrdId::new(id).unwrap();
        Attempt { cl_ord_id, terms, timestamp: VenueTime(at), recv_window_ms: 2_000, epoch: Epoch(1) }
    }

    fn resting(id: &str, at: Ms) -> Attempt {
        let price = Price::new(Decimal::from(59_000)).unwrap();
        attempt(id, Side::Buy, OrderKind::Limit { price: price.into(), tif: TimeInForce::Gtc }, at)
    }

    #[test]
    fn a_duplicate_id_is_evidence_and_a_late_request_is_refused() {
        let mut desk = desk();
        assert_eq!(desk.submit(NOW, &resting("a", NOW)).unwrap().status, VenueStatus::New);
        let again = desk.submit(NOW, &resting("a", NOW)).unwrap_err();
        assert!(matches!(again, CommandError::Unknown { live: true, .. }), "{again}");
        let late = desk.submit(NOW + 2_001, &resting("b", NOW)).unwrap_err();
        assert!(matches!(late, CommandError::Rejected(Rejection { class: RejectClass::Clock, code: -1021, .. })), "{late}");
        assert!(desk.submit_received(NOW + 2_001, &resting("b", NOW)).is_ok(), "an engine that is slow in its guarantee");
    }

    #[test]
    fn what_was_done_is_found_again_in_every_list() {
        let mut desk = desk();
        let bought = desk.submit(NOW, &attempt("m", Side::Buy, OrderKind::Market, NOW)).unwrap();
        assert_eq!((bought.status, bought.avg_px), (VenueStatus::Filled, None), "replies carry no average price");
        let instrument = bought.instrument.clone();
        let by_number = port::OrderRef {
            instrument: instrument.clone(),
            cl_ord_id: None,
            order_id: bought.order_id,
            algo_id: None,
            conditional: false,
            since: VenueTime(NOW),
            triggered: false,
        };
        let Lookup::Found(found) = desk.order_status(NOW, &by_number).unwrap() else { panic!("it is there") };
        assert_eq!((found.cl_ord_id, found.cum_qty), (ClOrdId::new("m").ok(), bought.cum_qty));
        assert!(found.avg_px.is_some(), "queries do");
        let trades = desk.trades_since(NOW, &instrument, &TradesFrom::Time(VenueTime(NOW))).unwrap().trades;
        let sum = trades.iter().fold(Qty::ZERO, |sum, trade| sum.plus(trade.fill.qty));
        assert_eq!(Some(sum), bought.cum_qty);
        let status = desk.mass_status(NOW, std::slice::from_ref(&instrument)).unwrap();
        assert_eq!(status.high_water, [(instrument, trades.last().map(|t| t.fill.trade_id))]);
        assert_eq!(status.positions.first().map(|p| p.qty.get()), Some(sum.get()));
        let fills = desk.take_pushed().into_iter().filter_map(|pushed| match pushed {
            Pushed::Private(Report { body: ReportBody::Order(order), .. }) => order.fill,
            Pushed::Private(_) | Pushed::Price(_) => None,
        });
        assert_eq!(fills.map(|f| f.trade_id).collect::<Vec<_>>(), trades.iter().map(|t| t.fill.trade_id).collect::<Vec<_>>());
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_in_process_hears_what_it_does_and_what_happens_by_itself() {
        let begun = tokio::time::Instant::now();
        let venue = SimVenue::new(desk(), move || NOW + Ms::try_from(begun.elapsed().as_millis()).unwrap_or(0));
        let mut feed = venue.open_feed().await.unwrap();
        venue.submit(resting("r", NOW)).await.unwrap();
        let told = feed.next().await.unwrap();
        assert!(matches!(told.body, ReportBody::Order(OrderReport { status: VenueStatus::New, .. })), "{told:?}");
        let mut prices = venue.open_prices(&[instrument_id("BTCUSDT").unwrap()]).await.unwrap();
        assert!(prices.next().await.unwrap().quote.bid.is_some(), "the present price comes first");
        // The flow of the exchange goes on while somebody waits.
        assert!(prices.next().await.is_ok());
        assert_eq!(venue.position_mode().await.unwrap(), PositionMode::Netting);
        assert_eq!(venue.set_position_mode(PositionMode::Netting).await, Ok(()), "what is so already is a success");
        let refused = venue.set_position_mode(PositionMode::Hedging).await.unwrap_err();
        assert!(matches!(refused, CommandError::Rejected(Rejection { code: -4067, .. })), "{refused}");
    }
}
