//! Questions to the venue: instruments, everything, trades. Every answer is complete or an error; a page that is full is never
//! the end. Where one order is, is found in `lookup`.

use std::collections::{BTreeMap, BTreeSet};

use exec_core::{
    ids::{InstrumentId, TradeId},
    instrument::Instrument,
    plant::{Plant, planted},
    report::{BalanceReport, MassStatus, OrderReport, PositionReport, TradeReport},
    time::VenueTime,
    units::{PositionMode, PositionSide, SignedQty},
    venue::{QueryError, RejectClass, Trades, TradesFrom},
};
use futures_util::future::try_join_all;

use crate::{
    endpoint,
    query::Query,
    rate::Limits,
    translate::{self, TranslateError},
    venue::BinanceUsdm,
    wire::{self, LimitInterval, LimitKind},
};

/// Most pages of one call; what is left is asked for by the next.
const PAGES_MAX: usize = 200;
/// Longest window of trades.
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// How far back trades are kept (since 2026-08-26).
const KEPT_MS: i64 = 89 * 24 * 60 * 60 * 1000;
/// How often a consistent cut is tried.
const CUTS_MAX: usize = 10;
/// How many symbols are asked about side by side.
const ABREAST: usize = 4;

impl BinanceUsdm {
    pub(crate) async fn read_instruments(&self) -> Result<Vec<Instrument>, QueryError> {
        let reply = self.rest.ask_list(&endpoint::EXCHANGE_INFO, Query::default(), self.asks).await?;
        let info: wire::ExchangeInfo<'_> = self.told(&endpoint::EXCHANGE_INFO, &reply)?;
        if let Some(limits) = stated_limits(info.rate_limits.as_deref().unwrap_or_default(), Limits::default()) {
            self.rest.learn_limits(self.own_order_limits(limits).await);
        }
        let mut instruments = Vec::with_capacity(info.symbols.len());
        for row in &info.symbols {
            let symbol = match wire::read::<wire::SymbolInfo<'_>>(row.0) {
                Ok(symbol) => symbol,
                Err(error) => {
                    tracing::warn!(%error, "a symbol of exchangeInfo cannot be read and is not traded");
                    continue;
                }
            };
            self.tally.count("exchangeInfo.symbols", &symbol);
            match translate::instrument(&self.symbols, &symbol) {
                Ok(instrument) => instruments.push(instrument),
                Err(error) => tracing::warn!(symbol = %symbol.symbol, %error, "a symbol is not traded"),
            }
        }
        Ok(instruments)
    }

    /// The account's own order counts, which may be higher than what everybody has. Without an answer everybody's hold.
    async fn own_order_limits(&self, limits: Limits) -> Limits {
        let reply = match self.rest.ask_list(&endpoint::ORDER_LIMITS, Query::default(), self.asks).await {
            Ok(reply) => reply,
            Err(error) => {
                tracing::warn!(%error, "the account's own order limits cannot be read");
                return limits;
            }
        };
        match self.told::<Vec<wire::RateLimit<'_>>>(&endpoint::ORDER_LIMITS, &reply) {
            Ok(rows) => stated_limits(&rows, limits).unwrap_or(limits),
            Err(error) => {
                tracing::warn!(%error, "the account's own order limits cannot be read");
                limits
            }
        }
    }

    pub(crate) async fn read_everything(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError> {
        let asked = self.rest.stamp().await?.timestamp;
        let mode = self.read_position_mode().await?;
        let open_orders = self.read_open_orders().await?;
        let mut of_interest: BTreeSet<InstrumentId> = instruments.iter().cloned().collect();
        of_interest.extend(open_orders.iter().map(|order| order.instrument.clone()));
        of_interest.extend(self.traded_lately(asked).await?);
        let mut high_water: BTreeMap<InstrumentId, Option<TradeId>> = BTreeMap::new();
        self.raise_high_water(&of_interest, &mut high_water).await?;
        for _ in 0..CUTS_MAX {
            let mut positions = self.read_positions().await?;
            let held: BTreeSet<InstrumentId> = positions.iter().map(|position| position.instrument.clone()).collect();
            let before = high_water.clone();
            // Trades between the two readings would be in one and not in the other, so both must agree.
            self.raise_high_water(&of_interest.union(&held).cloned().collect(), &mut high_water).await?;
            if high_water == before {
                add_flat(&mut positions, instruments, mode);
                let balances = self.read_balances().await?;
                self.traded.known_until(asked);
                let high_water = high_water.into_iter().collect();
                return Ok(MassStatus { asked, mode, open_orders, positions, balances, high_water });
            }
        }
        Err(QueryError::Unavailable("the account trades too fast for a consistent cut".into()))
    }

    pub(crate) async fn read_position_mode(&self) -> Result<PositionMode, QueryError> {
        let dual_side = self.read_account_config(|config| config.dual_side).await?;
        Ok(if dual_side { PositionMode::Hedging } else { PositionMode::Netting })
    }

    /// `None` where the answer does not say.
    pub(crate) async fn read_multi_assets(&self) -> Result<Option<bool>, QueryError> {
        self.read_account_config(|config| config.multi_assets).await
    }

    async fn read_account_config<T>(&self, part: impl FnOnce(&wire::AccountConfig<'_>) -> T) -> Result<T, QueryError> {
        let reply = self.rest.ask_list(&endpoint::ACCOUNT_CONFIG, Query::default(), self.asks).await?;
        self.told(&endpoint::ACCOUNT_CONFIG, &reply).map(|config| part(&config))
    }

    /// The open orders of both books, each once. The Algo Service is asked first: an order that triggers between the two answers
    /// is then in both, and in neither only if it is done.
    async fn read_open_orders(&self) -> Result<Vec<OrderReport>, QueryError> {
        let reply = self.rest.ask_list(&endpoint::OPEN_ALGO_ORDERS, Query::default(), self.asks).await?;
        let rows: Vec<wire::AlgoOrder<'_>> = self.told(&endpoint::OPEN_ALGO_ORDERS, &reply)?;
        let mut waiting = rows.iter().map(|row| self.conditional(row)).collect::<Result<Vec<_>, _>>()?;
        let reply = self.rest.ask_list(&endpoint::OPEN_ORDERS, Query::default(), self.asks).await?;
        let rows: Vec<wire::OrderReply<'_>> = self.told(&endpoint::OPEN_ORDERS, &reply)?;
        let mut orders = Vec::with_capacity(rows.len() + waiting.len());
        for row in &rows {
            let order = self.order(row)?;
            let same = |row: &OrderReport| {
                row.instrument == order.instrument && row.cl_ord_id.is_some() && row.cl_ord_id == order.cl_ord_id
            };
            orders.push(match waiting.iter().position(same) {
                Some(at) => translate::joined(order, &waiting.swap_remove(at)),
                None => order,
            });
        }
        orders.append(&mut waiting);
        Ok(orders)
    }

    pub(crate) async fn read_positions(&self) -> Result<Vec<PositionReport>, QueryError> {
        let reply = self.rest.ask_list(&endpoint::POSITIONS, Query::default(), self.asks).await?;
        let rows: Vec<wire::PositionRow<'_>> = self.told(&endpoint::POSITIONS, &reply)?;
        rows.iter().map(|row| translate::position(&self.symbols, row).map_err(malformed)).collect()
    }

    async fn read_balances(&self) -> Result<Vec<BalanceReport>, QueryError> {
        let reply = self.rest.ask_list(&endpoint::BALANCES, Query::default(), self.asks).await?;
        let rows: Vec<wire::BalanceRow<'_>> = self.told(&endpoint::BALANCES, &reply)?;
        rows.iter().map(|row| translate::balance(row).map_err(malformed)).collect()
    }

    /// Raises the newest known trade of each instrument to what the venue has now.
    async fn raise_high_water(
        &self,
        instruments: &BTreeSet<InstrumentId>,
        high_water: &mut BTreeMap<InstrumentId, Option<TradeId>>,
    ) -> Result<(), QueryError> {
        let ids: Vec<&InstrumentId> = instruments.iter().collect();
        for chunk in ids.chunks(ABREAST) {
            let known: Vec<(&InstrumentId, Option<Option<TradeId>>)> =
                chunk.iter().map(|id| (*id, high_water.get(*id).copied())).collect();
            let newest = try_join_all(known.iter().map(|(id, known)| self.newest_trade_of_listed(id, *known))).await?;
            for ((id, _), newest) in known.iter().zip(newest) {
                high_water.insert((*id).clone(), newest);
            }
        }
        Ok(())
    }

    /// The same where the venue lists the instrument; none where it refuses the name. One that was delisted must not keep the
    /// state of all the others from being read; what is left of it shows in positions and orders.
    async fn newest_trade_of_listed(
        &self,
        instrument: &InstrumentId,
        known: Option<Option<TradeId>>,
    ) -> Result<Option<TradeId>, QueryError> {
        match self.newest_trade(instrument, known).await {
            Err(QueryError::Refused(refusal)) if refusal.class == RejectClass::Invalid => {
                tracing::error!(%instrument, code = refusal.code, "the venue lists no trades of it");
                Ok(known.flatten())
            }
            newest => newest,
        }
    }

    /// The newest trade of an instrument. The list keeps the oldest rows of a window, so windows grow until one has rows, and
    /// its rest is paged through.
    async fn newest_trade(
        &self,
        instrument: &InstrumentId,
        known: Option<Option<TradeId>>,
    ) -> Result<Option<TradeId>, QueryError> {
        let hour = WEEK_MS / 7 / 24;
        let windows: &[i64] = match known {
            Some(Some(id)) => return Ok(Some(self.pages_after(instrument, id, PAGES_MAX).await?.newest.unwrap_or(id))),
            Some(None) => &[hour],
            None => &[hour, WEEK_MS / 7, WEEK_MS - 60_000],
        };
        for window in windows {
            let now = self.rest.stamp().await?.timestamp;
            let rows = self.trade_page(instrument, Start::Time { from: VenueTime(now.0 - window), until: None }).await?;
            let Some(newest) = rows.iter().map(|row| row.fill.trade_id).max() else { continue };
            if rows.len() < self.page_rows {
                return Ok(Some(newest));
            }
            return Ok(Some(self.pages_after(instrument, newest, PAGES_MAX).await?.newest.unwrap_or(newest)));
        }
        Ok(None)
    }

    pub(crate) async fn read_trades(&self, instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError> {
        match from {
            TradesFrom::After(id) => {
                let pages = self.pages_after(instrument, id, PAGES_MAX).await?;
                Ok(Trades { trades: pages.trades, complete: pages.complete })
            }
            TradesFrom::Time(time) => self.read_trades_from_time(instrument, time).await,
        }
    }

    async fn read_trades_from_time(&self, instrument: &InstrumentId, time: VenueTime) -> Result<Trades, QueryError> {
        let now = self.rest.stamp().await?.timestamp;
        let oldest = now.0 - KEPT_MS;
        let complete_so_far = time.0 >= oldest;
        let mut from = time.0.max(oldest);
        loop {
            let until = from + WEEK_MS - 1;
            let last_window = until >= now.0;
            let end = if last_window { None } else { Some(VenueTime(until)) };
            let page = self.trade_page(instrument, Start::Time { from: VenueTime(from), until: end }).await?;
            let Some(newest) = page.iter().map(|row| row.fill.trade_id).max() else {
                if last_window {
                    return Ok(Trades { trades: page, complete: complete_so_far });
                }
                from = until + 1;
                continue;
            };
            // Ids go on where times end: several trades share a millisecond, none but the two sides of one share an id.
            let rest = if self.is_full(&page) {
                self.pages_behind(instrument, page, PAGES_MAX).await?
            } else {
                let behind = self.pages_after(instrument, newest, PAGES_MAX).await?;
                Pages { trades: page.into_iter().chain(behind.trades).collect(), ..behind }
            };
            let trades = rest.trades;
            return Ok(Trades { trades, complete: complete_so_far && rest.complete });
        }
    }

    /// All pages behind a trade. An account that trades with itself has two rows of one id, and a page may end between them: a page
    /// that follows a full one begins with the last id again.
    async fn pages_after(&self, instrument: &InstrumentId, after: TradeId, pages: usize) -> Result<Pages, QueryError> {
        let rows = self.trade_page(instrument, Start::After(after)).await?;
        if rows.iter().any(|row| row.fill.trade_id <= after) {
            return Err(QueryError::Malformed("trades at or before the cursor".into()));
        }
        self.pages_behind(instrument, rows, pages).await
    }

    /// A page, and all pages behind it.
    async fn pages_behind(&self, instrument: &InstrumentId, first: Vec<TradeReport>, pages: usize) -> Result<Pages, QueryError> {
        let mut full = self.is_full(&first);
        let mut found = Pages { newest: first.iter().map(|row| row.fill.trade_id).max(), trades: first, complete: false };
        for _ in 1..pages {
            let (true, Some(last)) = (full, found.newest) else { break };
            let rows = self.trade_page(instrument, Start::From(last)).await?;
            full = self.is_full(&rows);
            let newest = rows.iter().map(|row| row.fill.trade_id).max();
            if rows.iter().any(|row| row.fill.trade_id < last) || (full && newest <= Some(last)) {
                return Err(QueryError::Malformed("trades that do not go on".into()));
            }
            found.newest = newest.max(found.newest);
            let known = |row: &TradeReport| (row.fill.trade_id, row.order_id);
            let seen: Vec<_> = found.trades.iter().filter(|row| row.fill.trade_id == last).map(known).collect();
            found.trades.extend(rows.into_iter().filter(|row| !seen.contains(&known(row))));
        }
        found.complete = !full;
        if full && let Some(last) = found.newest {
            // The other row of this id may be behind the page's end: whoever goes on begins with it.
            found.trades.retain(|row| row.fill.trade_id != last);
            found.newest = found.trades.iter().map(|row| row.fill.trade_id).max();
        }
        Ok(found)
    }

    fn is_full(&self, rows: &[TradeReport]) -> bool {
        rows.len() >= self.page_rows && !planted(Plant::FirstPage)
    }

    async fn trade_page(&self, instrument: &InstrumentId, start: Start) -> Result<Vec<TradeReport>, QueryError> {
        let mut query = Query::default();
        query.text("symbol", instrument.symbol());
        match start {
            Start::After(id) => {
                let id: u64 =
                    id.as_str().parse().map_err(|_| QueryError::Malformed("a trade id of this venue is a number".into()))?;
                query.number("fromId", id.saturating_add(1));
            }
            Start::From(id) => {
                query.text("fromId", id.as_str());
            }
            Start::Time { from, until } => {
                query.signed("startTime", from.0);
                if let Some(until) = until {
                    query.signed("endTime", until.0);
                }
            }
        }
        query.number("limit", self.page_rows as u64);
        let reply = self.rest.ask_list(&endpoint::USER_TRADES, query, self.asks).await?;
        let rows: Vec<wire::UserTrade<'_>> = self.told(&endpoint::USER_TRADES, &reply)?;
        if rows.iter().any(|row| row.symbol.as_str() != instrument.symbol()) {
            return Err(QueryError::Malformed("a trade of another symbol".into()));
        }
        rows.iter().map(|row| translate::user_trade(&self.symbols, row).map_err(malformed)).collect()
    }
}

/// Where a page of trades begins.
#[derive(Clone, Copy)]
enum Start {
    After(TradeId),
    From(TradeId),
    Time { from: VenueTime, until: Option<VenueTime> },
}

/// Pages of trades put together.
struct Pages {
    trades: Vec<TradeReport>,
    newest: Option<TradeId>,
    complete: bool,
}

/// The list leaves flat symbols out; what was asked for and is not in it is flat, leg by leg.
fn add_flat(positions: &mut Vec<PositionReport>, instruments: &[InstrumentId], mode: PositionMode) {
    let legs: &[PositionSide] = match mode {
        PositionMode::Netting => &[PositionSide::Net],
        PositionMode::Hedging => &[PositionSide::Long, PositionSide::Short],
    };
    for instrument in instruments {
        for leg in legs {
            if !positions.iter().any(|position| position.instrument == *instrument && position.leg == *leg) {
                positions.push(PositionReport {
                    instrument: instrument.clone(),
                    leg: *leg,
                    qty: SignedQty::ZERO,
                    entry_px: None,
                    mark_px: None,
                    liquidation_px: None,
                    unrealized: None,
                    leverage: None,
                    isolated: None,
                    margin: exec_core::report::LegMargin::default(),
                });
            }
        }
    }
}

/// The limits that an answer states, those that were known where it is silent.
fn stated_limits(stated: &[wire::RateLimit<'_>], known: Limits) -> Option<Limits> {
    if stated.is_empty() {
        return None;
    }
    let mut limits = known;
    for limit in stated {
        match (&limit.kind, &limit.interval, limit.interval_num) {
            (LimitKind::RequestWeight, LimitInterval::Minute, 1) => limits.weight_1m = limit.limit,
            (LimitKind::Orders, LimitInterval::Minute, 1) => limits.orders_1m = limit.limit,
            (LimitKind::Orders, LimitInterval::Second, 10) => limits.orders_10s = limit.limit,
            _ => tracing::debug!(kind = limit.kind.as_str(), "a limit of another window is not counted"),
        }
    }
    Some(limits)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn malformed(error: TranslateError) -> QueryError {
    QueryError::Malformed(error.to_string())
}
