//! The reading verbs `balances` and `fills`: they ask the venue itself, not a node. Nothing is journalled, nothing is changed.

use crate::{
    args::{Ask, Fills},
    failure::Failure,
    logging, screen,
    select::{self, Selected},
};
use exec_core::{time::VenueTime, venue::TradesFrom};
use node_config::{Clock, VenueParts, control::position_id};
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

pub(crate) async fn balances(args: &Ask) -> Result<(), Failure> {
    logging::quiet();
    let selected = select::select(&args.on)?;
    let instruments = selected.instruments(args.instrument.as_deref())?;
    let venue = reach(&selected).await?;
    let status = patient(venue.parts.execution.mass_status(&instruments)).await?;
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
        let rows = trades.iter().map(|trade| {
            let mut row = json!(trade);
            let id = trade.fill.leg.filter(|_| selected.position_ids()).map(|leg| position_id(&trade.instrument, leg));
            if let (Some(id), serde_json::Value::Object(fields)) = (id, &mut row) {
                fields.insert("position_id".to_owned(), json!(id));
            }
            row
        });
        screen::json(&rows.collect());
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
