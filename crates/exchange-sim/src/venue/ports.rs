//! The ports of a venue over a desk, for a node that runs in the same process. What a call means stands in the desk.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use exec_core::ids::InstrumentId;
use exec_core::instrument::Instrument;
use exec_core::report::{MassStatus, PositionReport, PriceReport, Report};
use exec_core::time::ClockReading;
use exec_core::units::PositionMode;
use exec_core::venue as port;
use exec_core::venue::{
    Attempt, CommandError, CommandResult, InstrumentSetting, Lookup, QueryError, Trades, TradesFrom, Unrecognised, VenueProfile,
};
use tokio::sync::Notify;

use super::asked::{refusal, refused};
use super::told::price;
use super::{Desk, Pushed};
use crate::error::ApiError;
use crate::event::MarketEvent;
use crate::exchange::Exchange;
use crate::types::{self, AccountId, Ms};

/// How long a reader waits before it looks whether the exchange owes something by itself.
const LOOK_EVERY: Duration = Duration::from_millis(20);

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
impl port::DeadMansSwitch for SimVenue {
    async fn count_down(&self, countdown: port::Countdown) -> Result<(), CommandError> {
        self.at_desk(|desk, now| desk.count_down(now, &countdown))
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
        self.at_desk(|desk, now| in_time(now, &attempt).and_then(|()| desk.submit(now, &attempt)))
    }

    async fn batch(&self, batch: port::Batch) -> Vec<CommandResult> {
        self.at_desk(|desk, now| match batch {
            port::Batch::Submit(all) => {
                all.iter().map(|attempt| in_time(now, attempt).and_then(|()| desk.submit(now, attempt))).collect()
            }
            other @ (port::Batch::Replace(_) | port::Batch::Cancel(_)) => desk.batch(now, &other),
        })
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

    async fn restrictions(&self, _instruments: &[InstrumentId]) -> Result<Vec<port::Restriction>, QueryError> {
        Ok(self.at_desk(|desk, _| desk.restrictions()))
    }

    async fn trades_since(&self, instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError> {
        self.at_desk(|desk, now| desk.trades_since(now, instrument, &from))
    }
}

/// In process an attempt begins at the moment of the call, and what may not begin any more does not.
fn in_time(now: Ms, attempt: &Attempt) -> Result<(), CommandError> {
    if now > attempt.begin_by.0 {
        return Err(CommandError::NotSent(format!("it had to begin before {}", attempt.begin_by)));
    }
    Ok(())
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
    async fn next(&mut self) -> Result<port::MarketNews, QueryError> {
        let (id, wanted) = (self.id, &self.instruments);
        let take = |shared: &mut Shared| {
            let (_, queue) = shared.prices.iter_mut().find(|(session, _)| *session == id)?;
            queue.retain(|price| wanted.contains(&price.instrument));
            queue.pop_front()
        };
        Ok(port::MarketNews::Price(self.venue.wait(take).await))
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
    async fn key_rights(&self) -> Result<Option<port::KeyRights>, QueryError> {
        // Inside the process there are no keys.
        Ok(None)
    }

    async fn position_mode(&self) -> Result<PositionMode, QueryError> {
        let config = self.at_desk(|desk, _| desk.exchange.account_config(desk.account)).map_err(|error| refused(&error))?;
        Ok(if config.dual_side_position { PositionMode::Hedging } else { PositionMode::Netting })
    }

    async fn multi_assets(&self) -> Result<Option<bool>, QueryError> {
        let config = self.at_desk(|desk, _| desk.exchange.account_config(desk.account)).map_err(|error| refused(&error))?;
        Ok(Some(config.multi_assets_margin))
    }

    async fn set_position_mode(&self, mode: PositionMode) -> Result<(), CommandError> {
        let hedge = mode == PositionMode::Hedging;
        self.setting(|exchange, now, account| exchange.set_position_mode(now, account, hedge), -4059)
    }

    async fn instrument_settings(&self, instruments: &[InstrumentId]) -> Result<Vec<InstrumentSetting>, QueryError> {
        Ok(self.at_desk(|desk, _| desk.settings(instruments)))
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
