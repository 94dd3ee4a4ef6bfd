//! Public facts: what trading needs (instruments, the venue's clock, prices), and what looks like the account's own and is not
//! (everybody's trades and liquidations). Nothing else of the market data.

use exec_core::instrument::{Instrument, TradingStatus};

use super::{
    DecodeError, Facts,
    facts::{self, list, put, rows, start},
    told::Told,
};
use crate::{
    translate,
    wire::{self, Dec, MarketEvent, shape_of},
};

/// A frame of the two price streams.
pub(crate) fn price(told: &mut Told<'_>, text: &str) -> Result<Facts, DecodeError> {
    let event = MarketEvent::read(text).map_err(|error| told.complaint(text, &error))?;
    let (name, sent) = match &event {
        MarketEvent::Book(book) => {
            told.note(book);
            ("bookTicker", book.event_time)
        }
        MarketEvent::Mark(mark) => {
            told.note(mark);
            ("markPriceUpdate", Some(mark.event_time))
        }
        MarketEvent::Contract(_) | MarketEvent::Other => return Err(DecodeError::NoDecoder("a market event".into())),
    };
    let report = translate::price(told.symbols, &event)?.ok_or_else(|| DecodeError::NoDecoder("a market event".into()))?;
    let mut facts = facts::price(&report);
    facts.insert("event".into(), name.into());
    put(&mut facts, "sent", sent);
    Ok(facts)
}

/// What the venue announces of a contract.
pub(crate) fn contract(told: &mut Told<'_>, text: &str) -> Result<Facts, DecodeError> {
    let info: wire::ContractInfo<'_> = told.read(text)?;
    let mut facts = start("listing_changed");
    if info.is_coin_margined() {
        // Ids are made of symbols of the one product only.
        facts.insert("symbol".into(), info.symbol.as_str().into());
    } else {
        facts.insert("instrument".into(), told.instrument(info.symbol.as_str())?.into());
    }
    put(&mut facts, "status", info.status.as_ref().map(wire::ContractStatus::as_str));
    put(&mut facts, "contract", info.contract_type.as_ref().map(wire::ContractType::as_str));
    put(&mut facts, "listed", info.onboard.as_ref().and_then(wire::Lenient::number));
    put(&mut facts, "delivery", info.delivery.as_ref().and_then(wire::Lenient::number));
    if let Some(brackets) = info.brackets {
        let brackets: Vec<wire::ContractBracket<'_>> = told.read(brackets.0)?;
        let told_rows = brackets.iter().map(|bracket| {
            let mut facts = Facts::new();
            for (name, value) in [
                ("leverage_max", &bracket.leverage_max),
                ("notional_from", &bracket.notional_floor),
                ("notional_to", &bracket.notional_cap),
                ("maint_margin_ratio", &bracket.maint_margin_ratio),
                ("maint_margin_less", &bracket.cumulative),
            ] {
                facts.insert(name.into(), value.to_string().into());
            }
            facts
        });
        facts.insert("brackets".into(), rows(told_rows));
    }
    facts.insert("event".into(), "contractInfo".into());
    put(&mut facts, "sent", info.event_time.as_ref().and_then(wire::Lenient::number));
    Ok(facts)
}

/// The venue's clock.
pub(crate) fn server_time(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let reply: wire::ServerTime<'_> = told.read(body)?;
    let mut facts = start("venue_time");
    facts.insert("time".into(), reply.server_time.into());
    Ok(facts)
}

/// Mark prices, of one symbol or of many.
pub(crate) fn mark(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    if shape_of(body).map_err(|error| told.complaint(body, &error))?.is_list() {
        let prices: Vec<wire::PremiumIndex<'_>> = told.read(body)?;
        return list("prices", prices.iter().map(|row| mark_row(told, row)));
    }
    let price: wire::PremiumIndex<'_> = told.read(body)?;
    mark_row(told, &price)
}

fn mark_row(told: &Told<'_>, row: &wire::PremiumIndex<'_>) -> Result<Facts, DecodeError> {
    let mut facts = start("price");
    facts.insert("instrument".into(), told.instrument(row.symbol.as_str())?.into());
    facts.insert("mark".into(), row.mark.0.to_string().into());
    put(&mut facts, "index", row.index.map(|price| price.0.to_string()));
    facts.insert("time".into(), row.time.into());
    Ok(facts)
}

/// Everybody's trades.
pub(crate) fn public_trades(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let trades: Vec<wire::PublicTrade<'_>> = told.read(body)?;
    list(
        "public_trades",
        trades.iter().map(|trade| {
            let mut facts = public_trade(trade.price, trade.qty, trade.buyer_is_maker, trade.time);
            facts.insert("trade_id".into(), trade.id.to_string().into());
            put(&mut facts, "rpi", trade.rpi);
            Ok(facts)
        }),
    )
}

/// Everybody's trades, those of one taker at one price together.
pub(crate) fn aggregate_trades(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let trades: Vec<wire::AggregateTrade<'_>> = told.read(body)?;
    list(
        "public_trades",
        trades.iter().map(|trade| {
            let mut facts = public_trade(trade.price, trade.qty, trade.buyer_is_maker, trade.time);
            facts.insert("first_trade_id".into(), trade.first_id.to_string().into());
            facts.insert("last_trade_id".into(), trade.last_id.to_string().into());
            Ok(facts)
        }),
    )
}

fn public_trade(price: Dec, qty: Dec, buyer_is_maker: bool, time: i64) -> Facts {
    let mut facts = start("public_trade");
    facts.insert("price".into(), price.0.to_string().into());
    facts.insert("qty".into(), qty.0.to_string().into());
    facts.insert("taker_side".into(), if buyer_is_maker { "SELL" } else { "BUY" }.into());
    facts.insert("time".into(), time.into());
    facts
}

/// Somebody's liquidation.
pub(crate) fn liquidation(told: &mut Told<'_>, text: &str) -> Result<Facts, DecodeError> {
    let event: wire::ForcedOrder<'_> = told.read(text)?;
    let order = &event.order;
    let mut facts = start("public_liquidation");
    facts.insert("instrument".into(), told.instrument(order.symbol.as_str())?.into());
    for (name, word) in [
        ("side", order.side.as_str()),
        ("type", order.order_type.as_str()),
        ("time_in_force", order.time_in_force.as_str()),
        ("status", order.status.as_str()),
    ] {
        facts.insert(name.into(), word.into());
    }
    for (name, number) in [
        ("qty", order.qty),
        ("price", order.price),
        ("avg_px", order.avg_price),
        ("last_qty", order.last_qty),
        ("cum_qty", order.cum_qty),
    ] {
        facts.insert(name.into(), number.0.to_string().into());
    }
    facts.insert("time".into(), order.time.into());
    facts.insert("event".into(), "forceOrder".into());
    facts.insert("sent".into(), event.event_time.into());
    Ok(facts)
}

/// How likely a deleveraging is, of one symbol or of many.
pub(crate) fn adl_risk(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    if shape_of(body).map_err(|error| told.complaint(body, &error))?.is_list() {
        let risks: Vec<wire::AdlRisk<'_>> = told.read(body)?;
        return list("adl_risks", risks.iter().map(|row| adl_risk_row(told, row)));
    }
    let risk: wire::AdlRisk<'_> = told.read(body)?;
    adl_risk_row(told, &risk)
}

fn adl_risk_row(told: &Told<'_>, row: &wire::AdlRisk<'_>) -> Result<Facts, DecodeError> {
    let mut facts = start("adl_risk");
    facts.insert("instrument".into(), told.instrument(row.symbol.as_str())?.into());
    facts.insert("risk".into(), row.risk.as_str().into());
    facts.insert("updated".into(), row.update_time.into());
    Ok(facts)
}

/// Instruments.
pub(crate) fn info(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let info: wire::ExchangeInfo<'_> = told.read(body)?;
    list(
        "instruments",
        info.symbols.iter().map(|row| {
            let symbol: wire::SymbolInfo<'_> = told.read(row.0)?;
            match translate::instrument(told.symbols, &symbol) {
                Ok(instrument) => Ok(instrument_facts(&instrument)),
                Err(error) => Err(DecodeError::NoDecoder(error.to_string())),
            }
        }),
    )
}

fn instrument_facts(instrument: &Instrument) -> Facts {
    let mut facts = start("instrument");
    facts.insert("instrument".into(), instrument.id.as_str().into());
    facts.insert("base".into(), instrument.base.as_str().into());
    facts.insert("quote".into(), instrument.quote.as_str().into());
    facts.insert("settle".into(), instrument.settle.as_str().into());
    facts.insert(
        "status".into(),
        match instrument.status {
            TradingStatus::Trading => "TRADING",
            TradingStatus::Halted => "HALTED",
            TradingStatus::Closed => "CLOSED",
        }
        .into(),
    );
    for (name, value) in [
        ("price_min", instrument.price.min),
        ("price_max", instrument.price.max),
        ("price_step", instrument.price.step),
        ("qty_min", instrument.lot.min),
        ("qty_max", instrument.lot.max),
        ("qty_step", instrument.lot.step),
        ("market_qty_max", instrument.market_lot.max),
        ("notional_min", instrument.notional_min),
    ] {
        facts.insert(name.into(), value.to_string().into());
    }
    put(&mut facts, "open_orders_max", instrument.open_orders_max);
    facts
}
