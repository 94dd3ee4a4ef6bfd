//! The reading verbs: they ask the venue itself, not a node. Nothing is journalled, nothing is changed.

use crate::{
    args::{Ask, Fills, On},
    failure::Failure,
    logging, screen,
    select::{self, Selected},
};
use exec_core::{
    ids::InstrumentId,
    report::{MassStatus, OrderReport, VenueStatus},
    time::VenueTime,
    venue::TradesFrom,
};
use node_config::{Clock, VenueParts};
use rust_decimal::Decimal;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// A person waits for the answer.
const DEADLINE: Duration = Duration::from_secs(30);

/// A venue that has told its clock and its instruments.
pub(crate) struct Venue {
    pub(crate) parts: VenueParts,
    pub(crate) now: VenueTime,
    pub(crate) error_ms: u64,
}

/// Makes the venue of an account and lets it say its clock and its instruments.
pub(crate) async fn reach(selected: &Selected) -> Result<Venue, Failure> {
    let clock = Clock::start();
    let parts = selected.factory.venue_of(&selected.config, &selected.account, clock)?;
    let reading = match &parts.clock {
        Some(clock) => patient(clock.read_clock()).await?,
        None => exec_core::time::ClockReading { offset_ms: 0, error_ms: 0 },
    };
    patient(parts.execution.instruments()).await?;
    Ok(Venue { parts, now: reading.venue_time(clock.now()), error_ms: reading.error_ms })
}

/// Waits for an answer, but not for ever.
pub(crate) async fn patient<T>(question: impl Future<Output = Result<T, exec_core::venue::QueryError>>) -> Result<T, Failure> {
    match timeout(DEADLINE, question).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::NoAnswer(format!("venue did not answer within {} s", DEADLINE.as_secs()))),
    }
}

async fn mass(on: &On, only: Option<&str>) -> Result<(Vec<InstrumentId>, MassStatus), Failure> {
    logging::quiet();
    let selected = select::select(on)?;
    let instruments = selected.instruments(only)?;
    let venue = reach(&selected).await?;
    let status = patient(venue.parts.execution.mass_status(&instruments)).await?;
    Ok((instruments, status))
}

pub(crate) async fn orders(args: &Ask) -> Result<(), Failure> {
    let (wanted, status) = mass(&args.on, args.instrument.as_deref()).await?;
    let concerns = |order: &&OrderReport| args.instrument.is_none() || wanted.contains(&order.instrument);
    let orders: Vec<&OrderReport> = status.open_orders.iter().filter(concerns).collect();
    if args.on.json {
        screen::json(&json!(orders));
        return Ok(());
    }
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let rows: Vec<[String; 9]> = orders
        .iter()
        .map(|o| {
            [
                o.instrument.to_string(),
                format!("{:?}", o.side).to_uppercase(),
                leg(o.leg),
                text(o.kind.map(|k| k.name().to_owned())),
                text(o.qty.map(|q| q.to_string())),
                text(o.cum_qty.map(|q| q.to_string())),
                text(o.kind.and_then(|k| k.price()).map(|p| p.to_string())),
                word(o.status).to_owned(),
                text(o.cl_ord_id.map(|id| id.to_string())),
            ]
        })
        .collect();
    screen::table(
        ["instrument", "side", "leg", "type", "qty", "filled", "price", "status", "client order id"],
        &rows,
        "no open orders",
    );
    Ok(())
}

pub(crate) async fn positions(args: &Ask) -> Result<(), Failure> {
    let (wanted, status) = mass(&args.on, args.instrument.as_deref()).await?;
    let positions: Vec<_> = status
        .positions
        .iter()
        .filter(|p| !p.qty.is_zero() && (args.instrument.is_none() || wanted.contains(&p.instrument)))
        .collect();
    if args.on.json {
        screen::json(&json!(positions));
        return Ok(());
    }
    let text = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let price = |p: Option<exec_core::units::Price>| text(p.map(|p| p.get().normalize().to_string()));
    let rows: Vec<[String; 8]> = positions
        .iter()
        .map(|p| {
            [
                p.instrument.to_string(),
                leg(Some(p.leg)),
                p.qty.to_string(),
                price(p.entry_px),
                price(p.mark_px),
                price(p.liquidation_px),
                text(p.unrealized.map(|u| u.to_string())),
                text(p.leverage.map(|l| format!("{l}x"))),
            ]
        })
        .collect();
    screen::table(["instrument", "leg", "qty", "entry", "mark", "liquidation", "unrealised", "leverage"], &rows, "no positions");
    Ok(())
}

pub(crate) async fn balances(args: &Ask) -> Result<(), Failure> {
    let (_, status) = mass(&args.on, args.instrument.as_deref()).await?;
    if args.on.json {
        screen::json(&json!(status.balances));
        return Ok(());
    }
    let rows: Vec<[String; 3]> = status
        .balances
        .iter()
        .map(|b| [b.asset.to_string(), b.wallet.to_string(), b.available.map_or_else(|| "-".to_owned(), |a| a.to_string())])
        .collect();
    screen::table(["asset", "wallet", "available"], &rows, "no balances");
    Ok(())
}

pub(crate) async fn fills(args: &Fills) -> Result<(), Failure> {
    logging::quiet();
    let selected = select::select(&args.ask.on)?;
    let instruments = selected.instruments(args.ask.instrument.as_deref())?;
    let venue = reach(&selected).await?;
    let back_ms = i64::from(args.hours).saturating_mul(3_600_000);
    let since = VenueTime(venue.now.0.saturating_sub(back_ms));
    let mut trades = Vec::new();
    for instrument in &instruments {
        let page = patient(venue.parts.execution.trades_since(instrument, TradesFrom::Time(since))).await?;
        if !page.complete {
            screen::complain(&format!("{instrument}: the venue did not give all trades of {} h; ask for less", args.hours));
        }
        trades.extend(page.trades);
    }
    trades.sort_by_key(|t| t.fill.at);
    if args.ask.on.json {
        screen::json(&json!(trades));
        return Ok(());
    }
    let rows: Vec<[String; 9]> = trades
        .iter()
        .map(|t| {
            let fee = t.fill.fee.as_ref().map_or_else(|| "-".to_owned(), |f| format!("{} {}", f.amount, f.asset));
            [
                t.fill.at.0.to_string(),
                t.instrument.to_string(),
                t.fill.trade_id.to_string(),
                format!("{:?}", t.fill.side).to_uppercase(),
                leg(t.fill.leg),
                t.fill.qty.to_string(),
                t.fill.price.to_string(),
                fee,
                if t.fill.maker { "maker" } else { "taker" }.to_owned(),
            ]
        })
        .collect();
    let traded: Decimal = trades.iter().map(|t| exec_core::units::notional(t.fill.price, t.fill.qty)).sum();
    screen::table(["time ms", "instrument", "trade", "side", "leg", "qty", "price", "fee", "role"], &rows, "no trades");
    if !rows.is_empty() {
        screen::say(format!("{} trades, {} traded", rows.len(), traded.normalize()));
    }
    Ok(())
}

fn leg(leg: Option<exec_core::units::PositionSide>) -> String {
    use exec_core::units::PositionSide;
    match leg {
        Some(PositionSide::Net) => "NET",
        Some(PositionSide::Long) => "LONG",
        Some(PositionSide::Short) => "SHORT",
        None => "-",
    }
    .to_owned()
}

const fn word(status: VenueStatus) -> &'static str {
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
        VenueStatus::Unrecognised => "unknown word",
    }
}
