//! JSON of the private stream's events. Decimals are trimmed here, except in TRADE_LITE.
//!
//! Keys and their order: production captures of 2026-09-19; AMENDMENT's `M` since 2026-07-30; `S` of a funding since 2026-08-07.

use super::super::json::{Obj, array};
use super::order::Grid;
use crate::event::{AccountUpdate, MarginCall, OrderUpdate, TradeLite, UserEvent};
use crate::types::{ForcedStatus, Ms};

/// Names an event as the venue does (`e`).
pub(in super::super) fn name(event: &UserEvent) -> &'static str {
    match event {
        UserEvent::Order(_) => "ORDER_TRADE_UPDATE",
        UserEvent::TradeLite(_) => "TRADE_LITE",
        UserEvent::Account(_) => "ACCOUNT_UPDATE",
        UserEvent::Leverage { .. } | UserEvent::MultiAssets { .. } => "ACCOUNT_CONFIG_UPDATE",
        UserEvent::MarginCall(_) => "MARGIN_CALL",
        UserEvent::Algo(_) => "ALGO_UPDATE",
    }
}

/// The symbol an event's padding depends on, if any.
pub(in super::super) fn symbol(event: &UserEvent) -> Option<&str> {
    match event {
        UserEvent::TradeLite(lite) => Some(&lite.symbol),
        UserEvent::Order(update) => Some(&update.order.symbol),
        UserEvent::Algo(row) => Some(&row.symbol),
        UserEvent::Account(_) | UserEvent::Leverage { .. } | UserEvent::MultiAssets { .. } | UserEvent::MarginCall(_) => None,
    }
}

/// Prints a private event. `grid` and `margin_asset` are of the event's symbol.
pub(in super::super) fn user(event: &UserEvent, time: Ms, grid: Option<Grid>, margin_asset: &str) -> String {
    match event {
        UserEvent::Order(update) => order(update, time, margin_asset),
        UserEvent::TradeLite(lite) => trade_lite(lite, time, grid),
        UserEvent::Account(update) => account(update, time),
        UserEvent::Leverage { symbol, leverage } => {
            config(time).raw("ac", &Obj::new().text("s", symbol).num("l", leverage).end()).end()
        }
        UserEvent::MultiAssets { enabled } => config(time).raw("ai", &Obj::new().num("j", enabled).end()).end(),
        UserEvent::MarginCall(call) => margin_call(call, time),
        UserEvent::Algo(row) => super::algo::update(row, time),
    }
}

/// The end of a listen key.
pub(in super::super) fn listen_key_expired(listen_key: &str, time: Ms) -> String {
    Obj::new().text("e", "listenKeyExpired").num("E", time).text("listenKey", listen_key).end()
}

fn config(time: Ms) -> Obj {
    Obj::new().text("e", "ACCOUNT_CONFIG_UPDATE").num("E", time).num("T", time)
}

fn trade_lite(lite: &TradeLite, time: Ms, grid: Option<Grid>) -> String {
    let scale = grid.map_or(0, Grid::price);
    Obj::new()
        .text("e", "TRADE_LITE")
        .num("E", time)
        .num("T", time)
        .text("s", &lite.symbol)
        .dec("q", lite.orig_qty)
        .pad("p", lite.order_price, scale)
        .num("m", lite.maker)
        .text("c", &lite.client_order_id)
        .text("S", lite.side.as_str())
        .pad("L", lite.price, scale)
        .dec("l", lite.qty)
        .num("t", lite.trade_id)
        .num("i", lite.order_id)
        .end()
}

fn order(update: &OrderUpdate, time: Ms, margin_asset: &str) -> String {
    let row = &update.order;
    let fill = update.fill.as_ref();
    let decimal = |pick: fn(&crate::event::Fill) -> rust_decimal::Decimal| fill.map(pick).unwrap_or_default();
    let mut body = Obj::new()
        .text("s", &row.symbol)
        .text("c", &row.client_order_id)
        .text("S", row.side.as_str())
        .text("o", row.order_type.as_str())
        .text("f", row.time_in_force.as_str())
        .dec("q", row.orig_qty)
        .dec("p", row.price)
        .dec("ap", row.avg_price)
        .dec("sp", row.stop_price)
        .text("x", update.exec_type.as_str())
        .text("X", update.forced_status.map_or(row.status.as_str(), ForcedStatus::as_str))
        .num("i", row.order_id)
        .dec("l", decimal(|fill| fill.qty))
        .dec("z", row.executed_qty)
        .dec("L", decimal(|fill| fill.price))
        .dec("n", decimal(|fill| fill.commission))
        .text("N", fill.map_or(margin_asset, |fill| &fill.commission_asset))
        .num("T", time)
        .num("t", fill.map_or(0, |fill| fill.trade_id))
        .dec("b", update.bids_notional)
        .dec("a", update.asks_notional)
        .num("m", fill.is_some_and(|fill| fill.maker))
        .num("R", row.reduce_only)
        .text("wt", row.working_type.as_str())
        .text("ot", row.orig_type.as_str())
        .text("ps", row.position_side.as_str())
        .num("cp", row.close_position)
        .dec("rp", decimal(|fill| fill.realized_pnl))
        .num("pP", row.price_protect)
        .num("si", 0)
        .num("ss", 0)
        .text("V", row.stp_mode.as_str())
        .text("pm", row.price_match.as_str())
        .num("gtd", row.good_till_date)
        .text("er", &update.expiry_reason.code().to_string());
    if let Some(id) = update.modify_id {
        body = body.text("M", &id.to_string());
    }
    Obj::new().text("e", "ORDER_TRADE_UPDATE").num("T", time).num("E", time).raw("o", &body.end()).end()
}

fn account(update: &AccountUpdate, time: Ms) -> String {
    let balances = array(update.balances.iter().map(|balance| {
        Obj::new()
            .text("a", &balance.asset)
            .dec("wb", balance.wallet_balance)
            .dec("cw", balance.cross_wallet_balance)
            .dec("bc", balance.balance_change)
            .end()
    }));
    let positions = array(update.positions.iter().map(|leg| {
        Obj::new()
            .text("s", &leg.symbol)
            .dec("pa", leg.amount)
            .dec("ep", leg.entry_price)
            .dec("cr", leg.cumulative_realized)
            .dec("up", leg.unrealized_profit)
            .text("mt", leg.margin_type.stream_str())
            .dec("iw", leg.isolated_wallet)
            .text("ps", leg.position_side.as_str())
            .text("ma", &leg.margin_asset)
            .dec("bep", leg.break_even_price)
            .end()
    }));
    let body = Obj::new()
        .raw("B", &balances)
        .raw("P", &positions)
        .text("m", update.reason.as_str())
        .opt_text("S", update.symbol.as_deref())
        .end();
    Obj::new().text("e", "ACCOUNT_UPDATE").num("T", time).num("E", time).raw("a", &body).end()
}

fn margin_call(call: &MarginCall, time: Ms) -> String {
    let legs = array(call.positions.iter().map(|leg| {
        Obj::new()
            .text("s", &leg.symbol)
            .text("ps", leg.position_side.as_str())
            .dec("pa", leg.amount)
            .text("mt", leg.margin_type.as_str())
            .dec("iw", leg.isolated_wallet)
            .dec("mp", leg.mark_price)
            .dec("up", leg.unrealized_profit)
            .dec("mm", leg.maint_margin)
            .end()
    }));
    let mut head = Obj::new().text("e", "MARGIN_CALL").num("E", time);
    if let Some(wallet) = call.cross_wallet_balance {
        head = head.dec("cw", wallet);
    }
    head.raw("p", &legs).end()
}
