//! Where one order is. "Absent" is only said after every place that could hold it has given a complete answer, in an order in
//! which no trigger can slip between two questions.
//!
//! A conditional order moves from the Algo Service to the ordinary book and never back. So the open list of the service is asked
//! first, then the ordinary book for the child under the same client id, then the service's history. The single query of the
//! service is not asked: it has denied orders that were there (2026-09-19).

use exec_core::{
    plant::{Plant, planted},
    report::{OrderReport, VenueStatus},
    time::VenueTime,
    venue::{Lookup, OrderRef, QueryError},
};

use crate::{
    endpoint,
    meant::{Meant, Name},
    query::Query,
    translate,
    venue::BinanceUsdm,
    wire,
};

/// Longest window of a list, less a minute for clocks that differ.
const WEEK_MS: i64 = 7 * 24 * 60 * 60 * 1000 - 60_000;
/// How far back any order is kept.
const KEPT_MS: i64 = 90 * 24 * 60 * 60 * 1000;
/// How much earlier than its timestamp an order may have been created by the venue's clock: it takes requests from one second
/// ahead, and ours may be a little off.
const EARLIER_MS: i64 = 5_000;

impl BinanceUsdm {
    /// The order, wherever it can be.
    pub(crate) async fn look_up(&self, order: &OrderRef) -> Result<Lookup, QueryError> {
        let found = if order.conditional { self.find_conditional(order).await? } else { self.find_on_book(order).await? };
        Ok(found.map_or(Lookup::Absent, |report| Lookup::Found(Box::new(report))))
    }

    /// An order on the ordinary book. The venue forgets unfilled ones after three days and may not find one that has rested for
    /// ninety, so the open list is asked before "not there" is said.
    async fn find_on_book(&self, order: &OrderRef) -> Result<Option<OrderReport>, QueryError> {
        let meant = Meant::order(order).ok_or_else(|| QueryError::Malformed("an order without a name".into()))?;
        let mut query = Query::default();
        meant.append(&mut query);
        if let Some(reply) = self.rest.ask(&endpoint::ORDER, query, self.asks).await? {
            let row: wire::OrderReply<'_> = self.told(&endpoint::ORDER, &reply)?;
            if !meant.is(&row) {
                return Err(QueryError::Malformed("the answer is about another order".into()));
            }
            return Ok(Some(self.order(&row)?));
        }
        let mut query = Query::default();
        query.text("symbol", order.instrument.symbol());
        let reply = self.rest.ask_list(&endpoint::OPEN_ORDERS_OF, query, self.asks).await?;
        let rows: Vec<wire::OrderReply<'_>> = self.told(&endpoint::OPEN_ORDERS_OF, &reply)?;
        rows.iter().find(|row| meant.is(row)).map(|row| self.order(row)).transpose()
    }

    async fn find_conditional(&self, order: &OrderRef) -> Result<Option<OrderReport>, QueryError> {
        if planted(Plant::AlgoAbsentByGet)
            && let Some(meant) = Meant::conditional(order)
        {
            let mut query = Query::default();
            meant.append_conditional(&mut query);
            if self.rest.ask(&endpoint::ALGO_ORDER, query, self.asks).await?.is_none() {
                return Ok(None);
            }
        }
        // Whoever knows the child's number need not search for the child.
        if order.order_id.is_some()
            && let Some(child) = self.find_on_book(order).await?
        {
            return Ok(Some(OrderReport { algo_id: child.algo_id.or(order.algo_id), ..child }));
        }
        if let Some(row) = self.find_waiting(order).await? {
            if row.status == VenueStatus::New {
                return Ok(Some(row));
            }
            return self.with_child(row).await.map(Some);
        }
        let by_client_id = OrderRef { order_id: None, ..order.clone() };
        if by_client_id.cl_ord_id.is_some()
            && let Some(child) = self.find_on_book(&by_client_id).await?
        {
            // A client id can be taken again: what was created before the order cannot have become of it.
            if child.created.is_none_or(|created| created.0.saturating_add(EARLIER_MS) >= order.since.0) {
                return self.with_row(child, order).await.map(Some);
            }
            if let Some(row) = self.find_by_number(order).await?
                && row.order_id == child.order_id
            {
                return Ok(Some(translate::joined(child, &row)));
            }
        }
        let row = match self.find_in_history(order).await? {
            Some(row) => Some(row),
            // Of an order that was found at the venue it is not known since when it stood there; but it has a number.
            None => self.find_by_number(order).await?,
        };
        match row {
            Some(row) => self.with_child(row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The order in the list of those that wait for their trigger.
    async fn find_waiting(&self, order: &OrderRef) -> Result<Option<OrderReport>, QueryError> {
        let meant = Meant::conditional(order).ok_or_else(|| QueryError::Malformed("an order without a name".into()))?;
        let mut query = Query::default();
        query.text("symbol", order.instrument.symbol());
        let reply = self.rest.ask_list(&endpoint::OPEN_ALGO_ORDERS_OF, query, self.asks).await?;
        let rows: Vec<wire::AlgoOrder<'_>> = self.told(&endpoint::OPEN_ALGO_ORDERS_OF, &reply)?;
        rows.iter().find(|row| meant.is_conditional(row)).map(|row| self.conditional(row)).transpose()
    }

    /// The order in the history of the service, from the time before which it cannot have been placed. No document says which
    /// rows a full page leaves out, so a window that fills one is cut in halves until none is full.
    async fn find_in_history(&self, order: &OrderRef) -> Result<Option<OrderReport>, QueryError> {
        let meant = Meant::conditional(order).ok_or_else(|| QueryError::Malformed("an order without a name".into()))?;
        let now = self.rest.stamp().await?.timestamp;
        let oldest = now.0.saturating_sub(KEPT_MS);
        let mut from = order.since.0.saturating_sub(EARLIER_MS).max(oldest);
        // What was placed while this is being asked is younger than any attempt that is asked for.
        let end = now.0.saturating_add(EARLIER_MS);
        let mut windows = Vec::new();
        while from <= end {
            let until = from.saturating_add(WEEK_MS).min(end);
            windows.push((from, until));
            from = until + 1;
        }
        while let Some((from, until)) = windows.pop() {
            let mut query = Query::default();
            query.text("symbol", order.instrument.symbol()).signed("startTime", from).signed("endTime", until);
            query.number("limit", self.page_rows as u64);
            let reply = self.rest.ask_list(&endpoint::ALL_ALGO_ORDERS, query, self.asks).await?;
            let rows: Vec<wire::AlgoOrder<'_>> = self.told(&endpoint::ALL_ALGO_ORDERS, &reply)?;
            if let Some(row) = rows.iter().find(|row| meant.is_conditional(row)) {
                return self.conditional(row).map(Some);
            }
            if rows.len() >= self.page_rows {
                if from >= until {
                    return Err(QueryError::Unavailable("more conditional orders in a millisecond than a page holds".into()));
                }
                let middle = from + (until - from) / 2;
                windows.push((from, middle));
                windows.push((middle + 1, until));
            }
        }
        Ok(None)
    }

    /// The order in the history of the service from its number on. A hint: no document says how many rows follow a number.
    async fn find_by_number(&self, order: &OrderRef) -> Result<Option<OrderReport>, QueryError> {
        let Some(meant @ Meant { name: Name::Venue(id), .. }) = Meant::conditional(order) else { return Ok(None) };
        let mut query = Query::default();
        query.text("symbol", order.instrument.symbol()).number("algoId", id).number("limit", self.page_rows as u64);
        let reply = self.rest.ask_list(&endpoint::ALL_ALGO_ORDERS, query, self.asks).await?;
        let rows: Vec<wire::AlgoOrder<'_>> = self.told(&endpoint::ALL_ALGO_ORDERS, &reply)?;
        rows.iter().find(|row| meant.is_conditional(row)).map(|row| self.conditional(row)).transpose()
    }

    /// A row of the service together with the order that it became. If that cannot be read, there is no answer: the row alone
    /// would leave out what was executed since.
    async fn with_child(&self, row: OrderReport) -> Result<OrderReport, QueryError> {
        if matches!(row.status, VenueStatus::Canceled | VenueStatus::Expired(_) | VenueStatus::Rejected) {
            return Ok(row);
        }
        let child = OrderRef {
            instrument: row.instrument.clone(),
            cl_ord_id: row.cl_ord_id,
            order_id: row.order_id,
            algo_id: row.algo_id,
            conditional: true,
            triggered: true,
            since: row.created.unwrap_or(VenueTime(0)),
        };
        let found = self.find_on_book(&child).await?;
        Ok(found.map_or_else(|| row.clone(), |child| translate::joined(child, &row)))
    }

    /// The order on the book together with its row in the service, which only adds names and times: without it the answer is
    /// still whole.
    async fn with_row(&self, child: OrderReport, order: &OrderRef) -> Result<OrderReport, QueryError> {
        if let Some(algo_id) = order.algo_id {
            return Ok(OrderReport { algo_id: Some(algo_id), ..child });
        }
        match self.find_in_history(order).await {
            Ok(Some(row)) => Ok(translate::joined(child, &row)),
            Ok(None) | Err(_) => Ok(child),
        }
    }

    pub(crate) fn conditional(&self, row: &wire::AlgoOrder<'_>) -> Result<OrderReport, QueryError> {
        translate::algo_order(&self.symbols, row)
            .map_err(|error| QueryError::Malformed(error.to_string()))?
            .ok_or_else(|| QueryError::Malformed("a conditional order without its terms".into()))
    }

    pub(crate) fn order(&self, row: &wire::OrderReply<'_>) -> Result<OrderReport, QueryError> {
        translate::order_reply(&self.symbols, row).map_err(|error| QueryError::Malformed(error.to_string()))
    }
}
