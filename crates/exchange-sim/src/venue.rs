//! The exchange as a venue of an execution node, in process: the core's words in, the exchange's calls out, and back. The only
//! part of this crate that knows exec-core. It decides nothing; what it cannot translate it answers as unknown or leaves out.
//!
//! The one seam between the exchange and the core: `asked` goes in, `told` comes out, and nothing else may cross.
//!
//! [`Desk`] is synchronous, and its caller keeps time: simulations schedule each call, its delay and its loss themselves.
//! [`SimVenue`] puts the ports of a venue on top, for a node that runs in the same process.

mod asked;
mod ports;
mod told;

use exec_core::ids::{InstrumentId, TradeId};
use exec_core::instrument::Instrument;
use exec_core::report::{MassStatus, OrderReport, PositionReport, PriceReport, Report};
use exec_core::time::VenueTime;
use exec_core::units::PositionMode;
use exec_core::venue as port;
use exec_core::venue::{
    Attempt, CommandError, CommandResult, Fence, InstrumentSetting, Lookup, QueryError, Trades, TradesFrom, VenueProfile,
};

use crate::config::MarketData;
use crate::error::ApiError;
use crate::exchange::Exchange;
use crate::request::{AllAlgoOrdersQuery, ModifyOrder, Signed};
use crate::row::{AlgoRow, OrderRow, PositionRow, TradeRow};
use crate::types::{AccountId, Ms, RespType};
use asked::{Wanted, algo_reference, reference, refusal, refused, side_of};
use told::{
    Saying, algo_report, balance, instrument, instrument_id, order_report, position_report, pushed, setting, trade_report,
};

pub use ports::SimVenue;

/// A request from the future is refused from this many milliseconds on.
const AHEAD_MS: Ms = 1_000;
/// Orders in one batch request, as on the venue.
const BATCH_MAX: usize = 5;
/// Rows of a page of past conditional orders.
const PAGE: usize = 1_000;

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
            conditional: true,
            modes: &[PositionMode::Netting, PositionMode::Hedging],
            cl_ord_id_max: 36,
            forgets_unfilled_after_ms: ms(exchange.config().unfilled_kept_ms),
            batch_max: BATCH_MAX,
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

    /// Lists what the account may not do now, as far as a question shows it.
    #[must_use]
    pub fn restrictions(&self) -> Vec<port::Restriction> {
        let shown = self.exchange.restrictions(self.account).into_iter().filter(|(_, restriction)| restriction.shown);
        let told = |(symbol, restriction): (Option<std::sync::Arc<str>>, crate::Restriction)| {
            let instrument = match symbol {
                Some(symbol) => Some(instrument_id(&symbol)?),
                None => None,
            };
            Some(port::Restriction { instrument, text: restriction.text().to_owned(), until: restriction.until.map(VenueTime) })
        };
        shown.filter_map(told).collect()
    }

    /// Lists what instruments are set to; one that does not exist is left out.
    #[must_use]
    pub fn settings(&self, instruments: &[InstrumentId]) -> Vec<InstrumentSetting> {
        let rows = self.exchange.symbol_config(self.account, None).unwrap_or_default();
        let named = |id: &InstrumentId| rows.iter().find(|row| *row.symbol == *id.symbol()).map(|row| setting(id, row));
        instruments.iter().filter_map(named).collect()
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
        match asked::wanted(attempt)? {
            Wanted::Ordinary(mut order) => {
                order.signed = signed;
                let placed = self.exchange.place(now, self.account, &order).map_err(|error| refusal(&error))?;
                let row = placed.into_reply(RespType::Result);
                Ok(Box::new(order_report(&row, true).ok_or_else(|| unreadable(&row))?))
            }
            // The Algo Service does not look at the window again: it was looked at when the request came in.
            Wanted::Conditional(order) => {
                let row = self.exchange.place_algo(now, self.account, &order).map_err(|error| refusal(&error))?;
                Ok(Box::new(algo_report(&row, Saying::Rest).ok_or_else(|| unreadable_algo(&row))?))
            }
        }
    }

    /// Carries out the commands of a batch, one after the other; each has its own outcome.
    pub fn batch(&mut self, now: Ms, batch: &port::Batch) -> Vec<CommandResult> {
        match batch {
            port::Batch::Submit(all) => all.iter().map(|attempt| self.submit(now, attempt)).collect(),
            port::Batch::Replace(all) => all.iter().map(|replace| self.replace(now, replace)).collect(),
            port::Batch::Cancel(all) => all.iter().map(|cancel| self.cancel(now, cancel)).collect(),
        }
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

    /// Takes an order off its book: a conditional one off the Algo Service's, and from its trigger on its child off the ordinary one.
    ///
    /// # Errors
    /// What became of it instead.
    pub fn cancel(&mut self, now: Ms, cancel: &port::Cancel) -> CommandResult {
        let order = &cancel.order;
        if order.conditional && !order.triggered {
            let row = self.exchange.cancel_algo(now, self.account, &algo_reference(order)).map_err(|error| refusal(&error))?;
            return Ok(Box::new(algo_report(&row, Saying::Rest).ok_or_else(|| unreadable_algo(&row))?));
        }
        let symbol = order.instrument.symbol();
        let row = self.exchange.cancel(now, self.account, symbol, &reference(order)).map_err(|error| refusal(&error))?;
        Ok(Box::new(order_report(&row, true).ok_or_else(|| unreadable(&row))?))
    }

    /// Takes all orders of an instrument off both books.
    ///
    /// # Errors
    /// What became of it instead.
    pub fn cancel_all(&mut self, now: Ms, scope: &port::CancelAll) -> Result<(), CommandError> {
        let symbol = scope.instrument.symbol();
        self.exchange.cancel_all(now, self.account, symbol).map_err(|error| refusal(&error))?;
        self.exchange.cancel_all_algos(now, self.account, symbol).map(|_| ()).map_err(|error| refusal(&error))
    }

    /// Begins the countdown of an instrument anew, or ends it. It takes ordinary orders only.
    ///
    /// # Errors
    /// What became of it instead.
    pub fn count_down(&mut self, now: Ms, countdown: &port::Countdown) -> Result<(), CommandError> {
        let after = Ms::try_from(countdown.after_ms).unwrap_or(Ms::MAX);
        let symbol = countdown.instrument.symbol();
        self.exchange.countdown_cancel_all(now, self.account, symbol, after).map_err(|error| refusal(&error))
    }

    /// Looks for one order: for a conditional one in the open list of the Algo Service, then for its child, then in its past.
    ///
    /// The single query of the Algo Service is not asked: it has denied live orders.
    ///
    /// # Errors
    /// [`QueryError::Refused`] for anything but found and absent.
    pub fn order_status(&mut self, now: Ms, order: &port::OrderRef) -> Result<Lookup, QueryError> {
        self.exchange.advance(now);
        if order.conditional
            && let Some(row) = self.held_algo(order)?
        {
            return found(algo_report(&row, Saying::Rest), &row);
        }
        match self.exchange.order(self.account, order.instrument.symbol(), &reference(order)) {
            Ok(row) => return found(order_report(&row, false), &row),
            Err(error) if error.code == -2013 => (),
            Err(error) => return Err(refused(&error)),
        }
        if order.conditional
            && let Some(row) = self.past_algo(order)?
        {
            return found(algo_report(&row, Saying::Rest), &row);
        }
        Ok(Lookup::Absent)
    }

    fn held_algo(&self, order: &port::OrderRef) -> Result<Option<AlgoRow>, QueryError> {
        let symbol = Some(order.instrument.symbol());
        let rows = self.exchange.open_algo_orders(self.account, symbol, None).map_err(|error| refused(&error))?;
        Ok(rows.into_iter().find(|row| is_named(row, order)))
    }

    /// Reads the past of an order's symbol from the order's time on, oldest page first, until a short page.
    fn past_algo(&self, order: &port::OrderRef) -> Result<Option<AlgoRow>, QueryError> {
        let mut from = 0;
        loop {
            let query = AllAlgoOrdersQuery {
                symbol: order.instrument.symbol().to_owned(),
                algo_id: Some(from),
                limit: Some(PAGE),
                ..AllAlgoOrdersQuery::default()
            };
            let rows = self.exchange.all_algo_orders(self.account, &query).map_err(|error| refused(&error))?;
            if let Some(row) = rows.iter().find(|row| is_named(row, order)) {
                return Ok(Some(row.clone()));
            }
            match rows.iter().map(|row| row.algo_id).max() {
                Some(newest) if rows.len() >= PAGE => from = newest + 1,
                Some(_) | None => return Ok(None),
            }
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
        let waiting = exchange.open_algo_orders(self.account, None, None).map_err(|error| refused(&error))?;
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
            open_orders: (open.iter().filter_map(|row| order_report(row, false)))
                .chain(waiting.iter().filter_map(|row| algo_report(row, Saying::Rest)))
                .collect(),
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

fn is_named(row: &AlgoRow, order: &port::OrderRef) -> bool {
    match (&order.cl_ord_id, order.algo_id.and_then(|id| id.as_str().parse().ok())) {
        (Some(id), _) => row.client_algo_id == id.as_str(),
        (None, number) => Some(row.algo_id) == number,
    }
}

fn found(report: Option<OrderReport>, row: &impl std::fmt::Debug) -> Result<Lookup, QueryError> {
    let report = report.ok_or_else(|| QueryError::Malformed(format!("{row:?}")))?;
    Ok(Lookup::Found(Box::new(report)))
}

fn unreadable(row: &OrderRow) -> CommandError {
    CommandError::Unknown { why: format!("the answer cannot be read: {row:?}"), live: false }
}

fn unreadable_algo(row: &AlgoRow) -> CommandError {
    CommandError::Unknown { why: format!("the answer cannot be read: {row:?}"), live: false }
}

#[cfg(test)]
mod tests;
