//! Several orders, changes or cancels in one request, each with its own outcome. What one request cannot carry goes alone, side
//! by side with it. A request that fails as a whole proves nothing about any of its items.
//!
//! Source: USDⓈ-M "Place Multiple Orders", "Modify Multiple Orders", "Cancel Multiple Orders", read 2026-11-22: 5, 5 and 10
//! items; the answer is a list in the order of the request, each item an order or `{code,msg}`.

use std::collections::BTreeMap;

use exec_core::{
    time::VenueTime,
    venue::{Attempt, Batch, Cancel, CommandError, CommandResult, Replace},
};
use futures_util::future::{BoxFuture, FutureExt, join_all};

use crate::{
    commands::{change_params, changeable, place_params, unknown},
    endpoint::{self, BATCH_MAX, CANCEL_BATCH_MAX, Endpoint},
    fate,
    fields::Item,
    meant::{Meant, Name, waits_for_trigger},
    query::Query,
    rest::{Handling, Stamp, command_error},
    route::Through,
    translate,
    venue::BinanceUsdm,
    wire::{self, Raw},
};

/// What became of some commands of a batch, by their places in it.
type Outcomes = Vec<(usize, CommandResult)>;

/// A command and its place in the batch.
type Placed<T> = (usize, T);

impl BinanceUsdm {
    /// Sends a batch. One outcome for each command, in their order.
    pub(crate) async fn send_batch(&self, batch: Batch) -> Vec<CommandResult> {
        let (count, parts) = match batch {
            Batch::Submit(all) => (all.len(), self.parts_of_submits(all)),
            Batch::Replace(all) => (all.len(), self.parts_of_changes(all)),
            Batch::Cancel(all) => (all.len(), self.parts_of_cancels(all)),
        };
        let mut results: Vec<Option<CommandResult>> = (0..count).map(|_| None).collect();
        for (at, result) in join_all(parts).await.into_iter().flatten() {
            if let Some(place) = results.get_mut(at) {
                *place = Some(result);
            }
        }
        let silent = || Err(unknown("the batch said nothing about it".into()));
        results.into_iter().map(|result| result.unwrap_or_else(silent)).collect()
    }

    /// Orders that the ordinary endpoint takes go together, closing ones apart from the others, because they may use what is
    /// kept for them. Conditional ones have no batch.
    fn parts_of_submits(&self, all: Vec<Attempt>) -> Vec<BoxFuture<'_, Outcomes>> {
        let mut parts = Vec::new();
        let mut together: BTreeMap<bool, Vec<Placed<Attempt>>> = BTreeMap::new();
        for (at, attempt) in all.into_iter().enumerate() {
            if attempt.terms.kind.is_conditional() {
                parts.push(self.submit_alone(at, attempt));
            } else {
                together.entry(attempt.terms.is_closing()).or_default().push((at, attempt));
            }
        }
        for (closing, orders) in together {
            for chunk in chunks(orders, BATCH_MAX) {
                parts.push(match <[_; 1]>::try_from(chunk) {
                    Ok([(at, attempt)]) => self.submit_alone(at, attempt),
                    Err(chunk) => self.submit_together(chunk, closing).boxed(),
                });
            }
        }
        parts
    }

    fn submit_alone(&self, at: usize, attempt: Attempt) -> BoxFuture<'_, Outcomes> {
        async move { vec![(at, self.place(attempt).await)] }.boxed()
    }

    async fn submit_together(&self, orders: Vec<Placed<Attempt>>, closing: bool) -> Outcomes {
        let (mut outcomes, mut items, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        for (at, attempt) in &orders {
            let mut item = Item::default();
            match place_params(&mut item, attempt, Through::Order) {
                Ok(()) => {
                    items.push(item);
                    sent.push((*at, Meant::sent(&attempt.terms.instrument, &attempt.cl_ord_id)));
                }
                Err(error) => outcomes.push((*at, Err(CommandError::NotSent(error.to_string())))),
            }
        }
        let window = window(orders.iter().map(|(_, attempt)| (attempt.timestamp, attempt.recv_window_ms)));
        let begin_by = orders.iter().map(|(_, attempt)| attempt.begin_by).min();
        outcomes.extend(self.send_items(&endpoint::PLACE_BATCH, &items, &sent, window.zip(begin_by), closing).await);
        outcomes
    }

    fn parts_of_changes(&self, all: Vec<Replace>) -> Vec<BoxFuture<'_, Outcomes>> {
        let alone = |at: usize, replace: Replace| async move { vec![(at, self.change(replace).await)] }.boxed();
        let part = |chunk| match <[_; 1]>::try_from(chunk) {
            Ok([(at, replace)]) => alone(at, replace),
            Err(chunk) => self.change_together(chunk).boxed(),
        };
        chunks(all.into_iter().enumerate().collect(), BATCH_MAX).into_iter().map(part).collect()
    }

    async fn change_together(&self, changes: Vec<Placed<Replace>>) -> Outcomes {
        let (mut outcomes, mut items, mut sent) = (Vec::new(), Vec::new(), Vec::new());
        for (at, replace) in &changes {
            match changeable(&replace.order) {
                Ok(meant) => {
                    let mut item = Item::default();
                    change_params(&mut item, replace, &meant);
                    items.push(item);
                    sent.push((*at, meant));
                }
                Err(error) => outcomes.push((*at, Err(error))),
            }
        }
        let window = window(changes.iter().map(|(_, replace)| (replace.timestamp, replace.recv_window_ms)));
        let window = window.map(|stamp| (stamp, stamp.timestamp.plus_ms(stamp.recv_window_ms)));
        let mut answered = self.send_items(&endpoint::MODIFY_BATCH, &items, &sent, window, false).await;
        for (at, result) in &mut answered {
            if let (Ok(report), Some((_, replace))) = (result, changes.iter().find(|(place, _)| place == at)) {
                // Whether the venue echoes the tag or not, a success is the answer to this request.
                report.replaced_by = Some(replace.request);
            }
        }
        outcomes.extend(answered);
        outcomes
    }

    /// Cancels of one symbol go together, those by number apart from those by client id: a request takes one list.
    fn parts_of_cancels(&self, all: Vec<Cancel>) -> Vec<BoxFuture<'_, Outcomes>> {
        let mut parts = Vec::new();
        let mut together: BTreeMap<(String, bool), Vec<Placed<Cancel>>> = BTreeMap::new();
        for (at, cancel) in all.into_iter().enumerate() {
            let meant = if waits_for_trigger(&cancel.order) { None } else { Meant::order(&cancel.order) };
            match meant.map(|meant| (meant.instrument.as_str().to_owned(), matches!(meant.name, Name::Venue(_)))) {
                Some(key) => together.entry(key).or_default().push((at, cancel)),
                None => parts.push(self.cancel_alone(at, cancel)),
            }
        }
        for cancels in together.into_values() {
            for chunk in chunks(cancels, CANCEL_BATCH_MAX) {
                parts.push(match <[_; 1]>::try_from(chunk) {
                    Ok([(at, cancel)]) => self.cancel_alone(at, cancel),
                    Err(chunk) => self.cancel_together(chunk).boxed(),
                });
            }
        }
        parts
    }

    fn cancel_alone(&self, at: usize, cancel: Cancel) -> BoxFuture<'_, Outcomes> {
        async move { vec![(at, self.take_off(&cancel.order).await)] }.boxed()
    }

    async fn cancel_together(&self, cancels: Vec<Placed<Cancel>>) -> Outcomes {
        let sent: Vec<Placed<Meant<'_>>> =
            cancels.iter().filter_map(|(at, cancel)| Some((*at, Meant::order(&cancel.order)?))).collect();
        let stamp = match self.cancel_stamp().await {
            Ok(stamp) => stamp,
            Err(error) => return each(&sent, &error),
        };
        let mut query = Query::default();
        if let Some((_, first)) = sent.first() {
            query.text("symbol", first.instrument.symbol());
        }
        let (mut numbers, mut clients) = (Vec::new(), Vec::new());
        for (_, meant) in &sent {
            match meant.name {
                Name::Venue(id) => numbers.push(id),
                Name::Client(id) => clients.push(id.as_str()),
            }
        }
        // Both are lists in JSON without blanks; one of them is empty.
        if numbers.is_empty() {
            query.text("origClientOrderIdList", &serde_json::Value::from(clients).to_string());
        } else {
            query.text("orderIdList", &serde_json::Value::from(numbers).to_string());
        }
        self.send_list(&endpoint::CANCEL_BATCH, query, &sent, stamp, self.exit_now()).await
    }

    /// Sends items that were built, within the window that fits them all, and begun by when the first of them must be.
    async fn send_items(
        &self,
        endpoint: &Endpoint,
        items: &[Item],
        sent: &[Placed<Meant<'_>>],
        window: Option<(Stamp, VenueTime)>,
        closing: bool,
    ) -> Outcomes {
        let Some((stamp, begin_by)) = window else {
            return each(sent, &CommandError::NotSent("the windows of a batch do not overlap".into()));
        };
        if items.is_empty() {
            return Vec::new();
        }
        let ends = stamp.timestamp.plus_ms(stamp.recv_window_ms);
        let handling = match self.handling(closing, begin_by.min(ends)) {
            Ok(handling) => handling,
            Err(error) => return each(sent, &error),
        };
        let mut query = Query::default();
        query.text("batchOrders", &Item::list(items));
        self.send_list(endpoint, query, sent, stamp, handling).await
    }

    async fn send_list(
        &self,
        endpoint: &Endpoint,
        query: Query,
        sent: &[Placed<Meant<'_>>],
        stamp: Stamp,
        handling: Handling,
    ) -> Outcomes {
        let reply = match self.rest.command(endpoint, query, stamp, handling).await {
            Ok(reply) => reply,
            Err(error @ CommandError::NotSent(_)) => return each(sent, &error),
            // It may have been refused in the middle: what is said about the whole proves nothing about its items.
            Err(error) => return each(sent, &unknown(format!("the batch as a whole: {error}"))),
        };
        let rows: Vec<Raw<'_>> = match wire::read(reply.text()) {
            Ok(rows) => rows,
            Err(error) => return each(sent, &unknown(format!("status {} with an unreadable body: {error}", reply.status))),
        };
        if rows.len() != sent.len() {
            return each(sent, &unknown(format!("{} answers to {} items", rows.len(), sent.len())));
        }
        sent.iter().zip(rows).map(|((at, meant), row)| (*at, self.outcome(endpoint, row.0, meant))).collect()
    }

    /// What one row of the answer says about its item.
    fn outcome(&self, endpoint: &Endpoint, row: &str, meant: &Meant<'_>) -> CommandResult {
        let order: wire::OrderReply<'_> = match wire::read(row) {
            Ok(order) => order,
            Err(error) => {
                let Ok(refusal) = wire::read::<wire::ErrorBody<'_>>(row) else {
                    return Err(unknown(format!("an unreadable item: {error}")));
                };
                self.tally.count(endpoint.name(), &refusal);
                let text = refusal.msg.as_ref().map_or("", wire::Text::as_str);
                return Err(command_error(200, fate::judge_row(endpoint.act, refusal.code, text)));
            }
        };
        self.tally.count(endpoint.name(), &order);
        if !meant.is(&order) {
            return Err(unknown("an item about another order".into()));
        }
        let report = translate::order_reply(&self.symbols, &order);
        report.map(Box::new).map_err(|error| unknown(format!("an item that cannot be said: {error}")))
    }
}

/// The same outcome for all.
fn each(sent: &[Placed<Meant<'_>>], error: &CommandError) -> Outcomes {
    sent.iter().map(|(at, _)| (*at, Err(error.clone()))).collect()
}

/// The timestamp and the window that keep every item inside its own: the earliest begin, until the earliest end.
fn window(of: impl Iterator<Item = (VenueTime, u64)> + Clone) -> Option<Stamp> {
    let timestamp = of.clone().map(|(timestamp, _)| timestamp).min()?;
    let end = of.map(|(timestamp, recv_window_ms)| timestamp.plus_ms(recv_window_ms)).min()?;
    let recv_window_ms = u64::try_from(end.0.saturating_sub(timestamp.0)).ok().filter(|left| *left > 0)?;
    Some(Stamp { timestamp, recv_window_ms })
}

fn chunks<T>(mut all: Vec<T>, most: usize) -> Vec<Vec<T>> {
    let mut chunks = Vec::new();
    while all.len() > most {
        let rest = all.split_off(most);
        chunks.push(std::mem::replace(&mut all, rest));
    }
    if !all.is_empty() {
        chunks.push(all);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_of_a_batch_ends_with_the_first_of_its_items() {
        let of = |items: &[(i64, u64)]| {
            window(items.iter().map(|(at, window)| (VenueTime(*at), *window))).map(|s| (s.timestamp.0, s.recv_window_ms))
        };
        assert_eq!(of(&[(1_000, 2_000), (1_500, 2_000)]), Some((1_000, 2_000)));
        assert_eq!(of(&[(1_000, 2_000), (1_200, 500)]), Some((1_000, 700)));
        assert_eq!(of(&[(1_000, 0), (1_200, 500)]), None);
        assert_eq!(of(&[]), None);
    }

    #[test]
    fn chunks_keep_the_order() {
        let sizes = |n: usize| chunks((0..n).collect::<Vec<_>>(), 5).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!((sizes(0), sizes(5), sizes(11)), (vec![], vec![5], vec![5, 5, 1]));
        assert_eq!(chunks((0..7).collect::<Vec<_>>(), 5).concat(), (0..7).collect::<Vec<_>>());
    }
}
