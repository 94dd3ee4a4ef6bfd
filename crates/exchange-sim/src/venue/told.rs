//! From the exchange to the core: instruments, orders of both books, trades, legs and what is pushed. It leaves out what it cannot
//! translate; it decides nothing.

use exec_core::ids::{AlgoId, Asset, ClOrdId, InstrumentId, OrderId, RequestId, TradeId};
use exec_core::instrument::{Grid, Instrument, PercentPrice, TradingStatus};
use exec_core::order::intent::ExchangeMade;
use exec_core::report::{
    AccountReport, BalanceReport, ExpiryReason, Fee, Fill, OrderReport, PositionReport, PriceReport, Quote, Report, ReportBody,
    TradeReport, VenueStatus,
};
use exec_core::terms::{LimitPrice, OrderKind, PriceMatch, TimeInForce, Trigger, TriggerBy};
use exec_core::time::VenueTime;
use exec_core::units::{Amount, PositionSide, Price, Qty, Side, SignedQty};
use exec_core::venue::{InstrumentSetting, MarginType};
use rust_decimal::Decimal;

use super::Pushed;
use crate::event::{self, Event, MarketEvent, UserEvent};
use crate::row::{AlgoRow, OrderRow, PositionRow, SymbolConfigRow, TradeRow};
use crate::symbol::{NO_DELIVERY, SymbolSpec};
use crate::types::{self, AccountId, AlgoStatus, Ms, OrderStatus, OrderType, SymbolStatus};

pub(super) fn instrument_id(symbol: &str) -> Option<InstrumentId> {
    InstrumentId::new(&format!("{symbol}-PERP.BINANCE")).ok()
}

pub(super) fn instrument(spec: &SymbolSpec) -> Option<Instrument> {
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
        delivery: (spec.delivery_date < NO_DELIVERY).then_some(VenueTime(spec.delivery_date)),
    })
}

/// What an instrument is set to for the account.
pub(super) fn setting(id: &InstrumentId, row: &SymbolConfigRow) -> InstrumentSetting {
    InstrumentSetting {
        instrument: id.clone(),
        leverage: Some(row.leverage),
        margin_type: Some(match row.margin_type {
            types::MarginType::Crossed => MarginType::Cross,
            types::MarginType::Isolated => MarginType::Isolated,
        }),
        notional_max: Some(row.max_notional_value),
    }
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

const fn time_in_force(word: types::TimeInForce, good_till_date: Ms) -> Option<TimeInForce> {
    Some(match word {
        types::TimeInForce::Gtc => TimeInForce::Gtc,
        types::TimeInForce::Ioc => TimeInForce::Ioc,
        types::TimeInForce::Fok => TimeInForce::Fok,
        types::TimeInForce::Gtx => TimeInForce::Gtx,
        types::TimeInForce::Gtd => TimeInForce::Gtd(VenueTime(good_till_date)),
        types::TimeInForce::Rpi | types::TimeInForce::GteGtc => return None,
    })
}

const fn price_match(level: types::PriceMatch) -> Option<PriceMatch> {
    Some(match level {
        types::PriceMatch::None => return None,
        types::PriceMatch::Opponent => PriceMatch::Opponent,
        types::PriceMatch::Opponent5 => PriceMatch::Opponent5,
        types::PriceMatch::Opponent10 => PriceMatch::Opponent10,
        types::PriceMatch::Opponent20 => PriceMatch::Opponent20,
        types::PriceMatch::Queue => PriceMatch::Queue,
        types::PriceMatch::Queue5 => PriceMatch::Queue5,
        types::PriceMatch::Queue10 => PriceMatch::Queue10,
        types::PriceMatch::Queue20 => PriceMatch::Queue20,
    })
}

fn kind(row: &OrderRow) -> Option<OrderKind> {
    let tif = time_in_force(row.time_in_force, row.good_till_date)?;
    match row.order_type {
        // The exchange's own orders have a type of their own and a price.
        OrderType::Limit | OrderType::Liquidation => {
            Some(OrderKind::Limit { price: LimitPrice::At(Price::new(row.price).ok()?), tif })
        }
        OrderType::Market => Some(OrderKind::Market),
        OrderType::Stop
        | OrderType::StopMarket
        | OrderType::TakeProfit
        | OrderType::TakeProfitMarket
        | OrderType::TrailingStopMarket => None,
    }
}

fn algo_kind(row: &AlgoRow) -> Option<OrderKind> {
    let by = match row.working_type {
        types::WorkingType::ContractPrice => TriggerBy::Last,
        types::WorkingType::MarkPrice => TriggerBy::Mark,
    };
    let trigger = || Some(Trigger { price: Price::new(row.trigger_price).ok()?, by, price_protect: row.price_protect });
    let limit = || match price_match(row.price_match) {
        Some(level) => Some(LimitPrice::Match(level)),
        None => Price::new(row.price).ok().map(LimitPrice::At),
    };
    let tif = || time_in_force(row.time_in_force, row.good_till_date);
    match row.order_type {
        OrderType::Stop => Some(OrderKind::StopLimit { trigger: trigger()?, price: limit()?, tif: tif()? }),
        OrderType::TakeProfit => Some(OrderKind::TakeProfit { trigger: trigger()?, price: limit()?, tif: tif()? }),
        OrderType::StopMarket => Some(OrderKind::StopMarket { trigger: trigger()? }),
        OrderType::TakeProfitMarket => Some(OrderKind::TakeProfitMarket { trigger: trigger()? }),
        OrderType::TrailingStopMarket => Some(OrderKind::TrailingStopMarket {
            activation: row.activate_price.and_then(|price| Price::new(price).ok()),
            callback_percent: row.callback_rate?,
            by,
        }),
        OrderType::Limit | OrderType::Market | OrderType::Liquidation => None,
    }
}

/// Who made an order, by what its client id begins with.
fn made_by(client_order_id: &str) -> Option<ExchangeMade> {
    let words = [
        ("autoclose-", ExchangeMade::Liquidation),
        ("adl_autoclose", ExchangeMade::AutoDeleveraging),
        ("settlement_autoclose-", ExchangeMade::Settlement),
        ("delivery_autoclose-", ExchangeMade::Delivery),
    ];
    words.into_iter().find(|(word, _)| client_order_id.starts_with(word)).map(|(_, made)| made)
}

/// A row as a report. Replies to commands do not carry the average price, as on the venue.
pub(super) fn order_report(row: &OrderRow, reply: bool) -> Option<OrderReport> {
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
        made_by: made_by(&row.client_order_id),
        activated: false,
    })
}

/// Where a conditional order's row comes from: the private stream says why it failed, replies and lists do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Saying {
    Stream,
    Rest,
}

/// A conditional order as the Algo Service shows it.
pub(super) fn algo_report(row: &AlgoRow, saying: Saying) -> Option<OrderReport> {
    let child = row.actual_order_id.is_some();
    Some(OrderReport {
        cl_ord_id: ClOrdId::new(&row.client_algo_id).ok(),
        order_id: row.actual_order_id.and_then(|id| u64::try_from(id).ok()).map(OrderId::from_number),
        algo_id: u64::try_from(row.algo_id).ok().map(AlgoId::from_number),
        instrument: instrument_id(&row.symbol)?,
        side: core_side(row.side),
        leg: Some(leg(row.position_side)),
        status: algo_status(row.status),
        kind: algo_kind(row),
        qty: if row.close_position { None } else { Qty::new(row.quantity).ok() },
        reduce_only: row.reduce_only,
        close_all: row.close_position,
        cum_qty: if child { Qty::new(row.actual_qty).ok() } else { None },
        avg_px: if child && !row.actual_qty.is_zero() { Price::new(row.actual_price).ok() } else { None },
        updated: VenueTime(row.update_time),
        created: Some(VenueTime(row.create_time)),
        fill: None,
        replaced_by: None,
        text: if saying == Saying::Stream { row.reason.clone() } else { None },
        made_by: None,
        activated: row.is_activated && row.order_type == OrderType::TrailingStopMarket,
    })
}

const fn algo_status(status: AlgoStatus) -> VenueStatus {
    match status {
        AlgoStatus::New => VenueStatus::New,
        AlgoStatus::Triggering => VenueStatus::Triggering,
        AlgoStatus::Triggered => VenueStatus::Triggered,
        AlgoStatus::Finished => VenueStatus::Finished,
        AlgoStatus::Canceled => VenueStatus::Canceled,
        AlgoStatus::Rejected => VenueStatus::Rejected,
        AlgoStatus::Expired => VenueStatus::Expired(ExpiryReason::Unstated),
    }
}

pub(super) fn position_report(row: &PositionRow) -> Option<PositionReport> {
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
        margin: exec_core::report::LegMargin { maintenance: Amount::new(row.maint_margin).ok(), adl_rank: Some(row.adl.into()) },
    })
}

pub(super) fn balance(asset: &str, wallet: Decimal, available: Option<Decimal>) -> Option<BalanceReport> {
    Some(BalanceReport {
        asset: Asset::new(asset).ok()?,
        wallet: Amount::new(wallet).ok()?,
        available: available.and_then(|a| Amount::new(a).ok()),
    })
}

fn fee(amount: Decimal, asset: &str) -> Option<Fee> {
    Some(Fee { amount: Amount::new(amount).ok()?, asset: Asset::new(asset).ok()? })
}

pub(super) fn trade_report(row: &TradeRow) -> Option<TradeReport> {
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

pub(super) fn pushed(account: AccountId, event: Event) -> Option<Pushed> {
    match event {
        Event::User { account: whose, time, event } if whose == account => {
            let body = private(time, event)?;
            Some(Pushed::Private(Report { sent: Some(VenueTime(time)), body }))
        }
        Event::User { .. } => None,
        Event::Market { event, .. } => price(event).map(Pushed::Price),
    }
}

pub(super) fn price(event: MarketEvent) -> Option<PriceReport> {
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
        MarketEvent::Depth(_) | MarketEvent::Trade(_) | MarketEvent::ForceOrder(_) | MarketEvent::Contract(_) => None,
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
        UserEvent::Algo(row) => ReportBody::Order(algo_report(&row, Saying::Stream)?),
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
    if update.forced_status.is_some() {
        // The fund or a counterpart took over: what was executed counts, what the order is now is not said.
        report.status = VenueStatus::Unrecognised;
    }
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
        margin: exec_core::report::LegMargin::default(),
    })
}
