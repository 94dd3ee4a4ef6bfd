//! Reports of the core as JSON objects: one name for each fact, decimals as text, nothing for what is absent.

use exec_core::{
    order::intent::ExchangeMade,
    report::{
        AccountReport, BalanceReport, ExpiryReason, FeedEnd, Fill, OrderReport, PositionReport, PriceReport, ReportBody,
        TradeReport, VenueStatus,
    },
    terms::{OrderKind, TimeInForce, TriggerBy},
    units::{PositionSide, Side},
    venue::RejectClass,
};
use serde_json::Value;

use super::{DecodeError, Facts, told::Told};
use crate::wire::{self, Dec, Lenient};

/// An order.
pub(crate) fn order(report: &OrderReport) -> Facts {
    let mut facts = start("order");
    facts.insert("instrument".into(), report.instrument.as_str().into());
    facts.insert("side".into(), side(report.side).into());
    put(&mut facts, "leg", report.leg.map(leg));
    put(&mut facts, "cl_ord_id", report.cl_ord_id.map(|id| id.to_string()));
    put(&mut facts, "order_id", report.order_id.map(|id| id.to_string()));
    put(&mut facts, "algo_id", report.algo_id.map(|id| id.to_string()));
    facts.insert("status".into(), status(report.status).into());
    if let VenueStatus::Expired(reason) = report.status {
        facts.insert("expiry_reason".into(), expiry(reason).into());
    }
    if let Some(kind) = &report.kind {
        kind_facts(&mut facts, kind);
    }
    put(&mut facts, "qty", report.qty.map(|qty| qty.to_string()));
    put(&mut facts, "cum_qty", report.cum_qty.map(|qty| qty.to_string()));
    put(&mut facts, "avg_px", report.avg_px.map(|price| price.to_string()));
    facts.insert("reduce_only".into(), report.reduce_only.into());
    facts.insert("close_all".into(), report.close_all.into());
    if report.updated.0 > 0 {
        facts.insert("updated".into(), report.updated.0.into());
    }
    put(&mut facts, "created", report.created.map(|time| time.0));
    put(&mut facts, "modify_id", report.replaced_by.map(|request| request.0));
    put(&mut facts, "text", report.text.clone());
    put(&mut facts, "made_by", report.made_by.map(made));
    if let Some(fill) = &report.fill {
        fill_facts(&mut facts, fill);
    }
    facts
}

/// The type as the wire has it where the core has no word for it, and the limit price where the report has none: of such a
/// type, and of a price that the venue took from the book.
pub(crate) fn told_price(facts: &mut Facts, order_type: &wire::OrderType<'_>, price: Dec) {
    if !facts.contains_key("type") {
        facts.insert("type".into(), order_type.as_str().into());
    }
    if !facts.contains_key("price") && !price.0.is_zero() {
        facts.insert("price".into(), price.0.to_string().into());
    }
}

/// A trade with its order.
pub(crate) fn trade(report: &TradeReport) -> Facts {
    let mut facts = start("trade");
    facts.insert("instrument".into(), report.instrument.as_str().into());
    facts.insert("side".into(), side(report.fill.side).into());
    put(&mut facts, "leg", report.fill.leg.map(leg));
    put(&mut facts, "cl_ord_id", report.cl_ord_id.map(|id| id.to_string()));
    facts.insert("order_id".into(), report.order_id.to_string().into());
    fill_facts(&mut facts, &report.fill);
    facts
}

fn fill_facts(facts: &mut Facts, fill: &Fill) {
    facts.insert("trade_id".into(), fill.trade_id.to_string().into());
    facts.insert("last_px".into(), fill.price.to_string().into());
    facts.insert("last_qty".into(), fill.qty.to_string().into());
    facts.insert("maker".into(), fill.maker.into());
    if let Some(fee) = &fill.fee {
        facts.insert("fee".into(), fee.amount.to_string().into());
        facts.insert("fee_asset".into(), fee.asset.as_str().into());
    }
    put(facts, "realized", fill.realized.map(|amount| amount.to_string()));
    facts.insert("time".into(), fill.at.0.into());
}

/// A position.
pub(crate) fn position(report: &PositionReport) -> Facts {
    let mut facts = start("position");
    facts.insert("instrument".into(), report.instrument.as_str().into());
    facts.insert("leg".into(), leg(report.leg).into());
    facts.insert("qty".into(), report.qty.to_string().into());
    put(&mut facts, "entry_px", report.entry_px.map(|price| price.to_string()));
    put(&mut facts, "mark_px", report.mark_px.map(|price| price.to_string()));
    put(&mut facts, "liquidation_px", report.liquidation_px.map(|price| price.to_string()));
    put(&mut facts, "unrealized", report.unrealized.map(|amount| amount.to_string()));
    put(&mut facts, "leverage", report.leverage);
    put(&mut facts, "isolated", report.isolated);
    facts
}

/// A balance.
pub(crate) fn balance(report: &BalanceReport) -> Facts {
    let mut facts = start("balance");
    facts.insert("asset".into(), report.asset.as_str().into());
    facts.insert("wallet".into(), report.wallet.to_string().into());
    put(&mut facts, "available", report.available.map(|amount| amount.to_string()));
    facts
}

/// A price.
pub(crate) fn price(report: &PriceReport) -> Facts {
    let mut facts = start("price");
    facts.insert("instrument".into(), report.instrument.as_str().into());
    put(&mut facts, "bid", report.quote.bid.map(|price| price.to_string()));
    put(&mut facts, "ask", report.quote.ask.map(|price| price.to_string()));
    put(&mut facts, "mark", report.quote.mark.map(|price| price.to_string()));
    facts
}

/// What an event of the private stream says.
pub(crate) fn body(body: &ReportBody) -> Facts {
    match body {
        ReportBody::Order(report) => order(report),
        ReportBody::Trade(report) => trade(report),
        ReportBody::Account(report) => account(report),
        ReportBody::Leverage { instrument, leverage } => {
            let mut facts = start("leverage");
            facts.insert("instrument".into(), instrument.as_str().into());
            facts.insert("leverage".into(), (*leverage).into());
            facts
        }
        ReportBody::Setting { text } => with_text("setting", text),
        ReportBody::MarginCall { positions } => {
            let mut facts = start("margin_call");
            facts.insert("positions".into(), rows(positions.iter().map(position)));
            facts
        }
        ReportBody::Ending { reason } => with_text(
            "stream_ending",
            match reason {
                FeedEnd::KeyExpired => "listen key expired",
                FeedEnd::Shutdown => "the venue shuts the connection down",
                FeedEnd::Age => "the connection reaches its age",
            },
        ),
        ReportBody::Irrelevant { name } => with_text("irrelevant", name),
        ReportBody::Unrecognised { name, .. } => with_text("unrecognised", name),
        ReportBody::Unreadable { why, .. } => with_text("unreadable", why),
    }
}

fn account(report: &AccountReport) -> Facts {
    let mut facts = start("account");
    facts.insert("reason".into(), report.reason.clone().into());
    facts.insert("time".into(), report.at.0.into());
    facts.insert("balances".into(), rows(report.balances.iter().map(balance)));
    facts.insert("positions".into(), rows(report.positions.iter().map(position)));
    facts
}

/// What the account event says beside the report: the change that is neither profit nor fee, what a position keeps apart, and
/// the instrument of a funding fee.
pub(crate) fn changes(told: &Told<'_>, facts: &mut Facts, update: &wire::AccountUpdate<'_>) -> Result<(), DecodeError> {
    if let Some(symbol) = &update.account.symbol {
        facts.insert("instrument".into(), told.instrument(symbol.as_str())?.into());
    }
    each(facts, "balances", update.account.balances.iter().flatten(), |row, change| {
        put(row, "change", change.change.map(|amount| amount.0.to_string()));
    });
    each(facts, "positions", update.account.positions.iter().flatten(), |row, change| {
        put(
            row,
            "isolated_wallet",
            change.isolated_wallet.filter(|amount| !amount.0.is_zero()).map(|amount| amount.0.to_string()),
        );
    });
    Ok(())
}

/// What a margin call says beside the report.
pub(crate) fn called(facts: &mut Facts, call: &wire::MarginCall<'_>) {
    put(facts, "wallet", call.cross_wallet.map(|amount| amount.0.to_string()));
    each(facts, "positions", call.positions.iter(), |row, called| {
        put(row, "maint_margin", called.maint_margin.map(|amount| amount.0.to_string()));
        put(
            row,
            "isolated_wallet",
            called.isolated_wallet.filter(|amount| !amount.0.is_zero()).map(|amount| amount.0.to_string()),
        );
    });
}

/// Adds to the rows of a list what the payload's rows say.
fn each<'p, P: 'p>(facts: &mut Facts, list: &str, payload: impl Iterator<Item = &'p P>, add: impl Fn(&mut Facts, &'p P)) {
    let Some(Value::Array(rows)) = facts.get_mut(list) else { return };
    for (row, told) in rows.iter_mut().zip(payload) {
        if let Value::Object(row) = row {
            add(row, told);
        }
    }
}

/// How an order meets others of the same account, and where its price is taken from; nothing where the venue says `NONE`.
pub(crate) fn book_rules(facts: &mut Facts, stp: Option<&wire::StpMode<'_>>, price_match: Option<&wire::PriceMatch<'_>>) {
    put(facts, "self_trade_prevention", stp.filter(|mode| **mode != wire::StpMode::Off).map(|mode| mode.as_str().to_owned()));
    let price_match = price_match.filter(|price| **price != wire::PriceMatch::Off);
    put(facts, "price_match", price_match.map(|price| price.as_str().to_owned()));
}

/// How far a conditional order has come. Before the trigger the venue leaves these out, or writes a zero.
pub(crate) fn triggered(facts: &mut Facts, time: Option<i64>, actual_type: Option<&Lenient<'_>>, activated: Option<bool>) {
    put(facts, "trigger_time", time.filter(|time| *time > 0));
    let actual = actual_type.map(ToString::to_string).filter(|word| !word.is_empty() && word != "0");
    put(facts, "actual_type", actual);
    put(facts, "activated", activated.filter(|activated| *activated));
}

/// The word for a leg as the payload names it.
pub(crate) fn leg_word(leg: &wire::PositionSide<'_>) -> String {
    match leg {
        wire::PositionSide::Both => "NET".into(),
        wire::PositionSide::Long => "LONG".into(),
        wire::PositionSide::Short => "SHORT".into(),
        wire::PositionSide::Other(other) => other.to_string(),
    }
}

/// The word for the price that a trigger watches as the payload names it.
pub(crate) fn trigger_word(watched: &wire::WorkingType<'_>) -> String {
    match watched {
        wire::WorkingType::ContractPrice => "LAST".into(),
        wire::WorkingType::MarkPrice => "MARK".into(),
        wire::WorkingType::Other(other) => other.to_string(),
    }
}

/// A list of facts under its name.
pub(crate) fn list(name: &str, facts: impl Iterator<Item = Result<Facts, DecodeError>>) -> Result<Facts, DecodeError> {
    let found = facts.collect::<Result<Vec<_>, _>>()?;
    let mut facts = start(name);
    facts.insert(name.into(), rows(found.into_iter()));
    Ok(facts)
}

/// Rows of facts as a list.
pub(crate) fn rows(rows: impl Iterator<Item = Facts>) -> Value {
    Value::Array(rows.map(Value::Object).collect())
}

/// An object with its kind.
pub(crate) fn start(kind: &str) -> Facts {
    let mut facts = Facts::new();
    facts.insert("kind".into(), kind.into());
    facts
}

fn with_text(kind: &str, text: &str) -> Facts {
    let mut facts = start(kind);
    facts.insert("text".into(), text.into());
    facts
}

/// Inserts what is there.
pub(crate) fn put<T: Into<Value>>(facts: &mut Facts, name: &str, value: Option<T>) {
    if let Some(value) = value {
        facts.insert(name.into(), value.into());
    }
}

fn kind_facts(facts: &mut Facts, kind: &OrderKind) {
    facts.insert("type".into(), kind.name().into());
    put(facts, "price", kind.price().map(|price| price.to_string()));
    put(facts, "trigger_px", kind.trigger_price().map(|price| price.to_string()));
    if let Some(tif) = kind.time_in_force() {
        facts.insert("time_in_force".into(), tif_word(tif).into());
        if let TimeInForce::Gtd(until) = tif {
            facts.insert("expires".into(), until.0.into());
        }
    }
    match kind {
        OrderKind::Market | OrderKind::Limit { .. } => {}
        OrderKind::StopMarket { trigger }
        | OrderKind::TakeProfitMarket { trigger }
        | OrderKind::StopLimit { trigger, .. }
        | OrderKind::TakeProfit { trigger, .. } => {
            facts.insert("trigger_by".into(), by(trigger.by).into());
            facts.insert("price_protect".into(), trigger.price_protect.into());
        }
        OrderKind::TrailingStopMarket { activation, callback_percent, by: watched } => {
            put(facts, "activation_px", activation.map(|price| price.to_string()));
            facts.insert("callback_percent".into(), callback_percent.to_string().into());
            facts.insert("trigger_by".into(), by(*watched).into());
        }
    }
}

const fn made(made: ExchangeMade) -> &'static str {
    match made {
        ExchangeMade::Liquidation => "liquidation",
        ExchangeMade::AutoDeleveraging => "deleveraging",
        ExchangeMade::Settlement => "settlement",
        ExchangeMade::Delivery => "delivery",
    }
}

const fn by(by: TriggerBy) -> &'static str {
    match by {
        TriggerBy::Last => "LAST",
        TriggerBy::Mark => "MARK",
    }
}

const fn tif_word(tif: TimeInForce) -> &'static str {
    match tif {
        TimeInForce::Gtc => "GTC",
        TimeInForce::Ioc => "IOC",
        TimeInForce::Fok => "FOK",
        TimeInForce::Gtx => "GTX",
        TimeInForce::Gtd(_) => "GTD",
    }
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "BUY",
        Side::Sell => "SELL",
    }
}

/// The word for a leg.
pub(crate) const fn leg(leg: PositionSide) -> &'static str {
    match leg {
        PositionSide::Net => "NET",
        PositionSide::Long => "LONG",
        PositionSide::Short => "SHORT",
    }
}

const fn status(status: VenueStatus) -> &'static str {
    match status {
        VenueStatus::New => "NEW",
        VenueStatus::PartiallyFilled => "PARTIALLY_FILLED",
        VenueStatus::Filled => "FILLED",
        VenueStatus::Canceled => "CANCELED",
        VenueStatus::Expired(_) => "EXPIRED",
        VenueStatus::Rejected => "REJECTED",
        VenueStatus::Triggering => "TRIGGERING",
        VenueStatus::Triggered => "TRIGGERED",
        VenueStatus::Finished => "FINISHED",
        VenueStatus::Unrecognised => "UNRECOGNISED",
    }
}

const fn expiry(reason: ExpiryReason) -> &'static str {
    match reason {
        ExpiryReason::Unstated => "unstated",
        ExpiryReason::SelfTrade => "self_trade",
        ExpiryReason::NotFillable => "not_fillable",
        ExpiryReason::WouldTake => "would_take",
        ExpiryReason::TimeUp => "time_up",
        ExpiryReason::NothingToClose => "nothing_to_close",
        ExpiryReason::Liquidation => "liquidation",
        ExpiryReason::Delisted => "delisted",
    }
}

/// The word for what a refusal means.
pub(crate) const fn class(class: RejectClass) -> &'static str {
    match class {
        RejectClass::Invalid => "invalid",
        RejectClass::State => "state",
        RejectClass::Funds => "funds",
        RejectClass::WouldTake => "would_take",
        RejectClass::NothingToClose => "nothing_to_close",
        RejectClass::WouldTrigger => "would_trigger",
        RejectClass::Overlap => "overlap",
        RejectClass::OutOfBand => "out-of-band",
        RejectClass::Liquidating => "liquidating",
        RejectClass::Restricted => "restricted",
        RejectClass::Count => "count",
        RejectClass::Throttled => "throttled",
        RejectClass::Clock => "clock",
        RejectClass::Auth => "auth",
        RejectClass::Failed => "failed",
        RejectClass::NotOnBook => "not_on_book",
        RejectClass::PositionMode => "position_mode",
        RejectClass::AccountRestricted => "account_restricted",
    }
}
