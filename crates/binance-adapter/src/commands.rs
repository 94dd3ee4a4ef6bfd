//! New orders, changes and cancels, one by one: to the right endpoint, sent once, and a success held to the order that was
//! meant. Several in one request are in `batch`.

use std::time::Duration;

use exec_core::{
    plant::{Plant, planted},
    report::OrderReport,
    terms::{OrderKind, Terms},
    time::VenueTime,
    venue::{Attempt, CancelAll, CommandError, CommandResult, Lookup, OrderRef, RejectClass, Rejection, Replace},
};

use crate::{
    endpoint::{self, Endpoint},
    fate::{self, Act},
    fields::Fields,
    meant::{Meant, waits_for_trigger},
    query::Query,
    rate::Priority,
    rest::{Handling, Lane, Stamp, command_error},
    route::Through,
    translate::{self, Place},
    transport::Reply,
    venue::BinanceUsdm,
    wire,
};

/// How long an order may take to be shown after a cancel that was acknowledged: others may wait for the same answer.
const SHOWN_WITHIN: Duration = Duration::from_secs(2);

impl BinanceUsdm {
    /// Places an order through the endpoint that takes its type.
    pub(crate) async fn place(&self, attempt: Attempt) -> CommandResult {
        let terms = &attempt.terms;
        let through = self.routes.through(&terms.kind, attempt.timestamp);
        let mut query = Query::default();
        place_params(&mut query, &attempt, through).map_err(|error| CommandError::NotSent(error.to_string()))?;
        let stamp = Stamp { timestamp: attempt.timestamp, recv_window_ms: attempt.recv_window_ms };
        let handling = self.handling(terms.is_closing(), attempt.begin_by)?;
        let endpoint = match through {
            Through::Order => &endpoint::PLACE,
            Through::Algo => &endpoint::PLACE_ALGO,
        };
        let reply = self.rest.command(endpoint, query, stamp, handling).await;
        let reply = reply.inspect_err(|error| self.learn_route(&terms.kind, through, endpoint, error))?;
        let meant = Meant::sent(&terms.instrument, &attempt.cl_ord_id);
        match through {
            Through::Order => self.confirmed(endpoint, &reply, &meant),
            Through::Algo => self.confirmed_conditional(endpoint, &reply, &meant),
        }
    }

    /// Learns that the table is behind the venue. The attempt has failed; the next order of its type takes the other way.
    fn learn_route(&self, kind: &OrderKind, tried: Through, endpoint: &Endpoint, error: &CommandError) {
        let CommandError::Rejected(refusal) = error else { return };
        if self.routes.learn(kind, tried, refusal.code) {
            let path = format!("{}.{}={}", endpoint.name(), kind.name(), refusal.code);
            tracing::error!(%path, text = refusal.text, "the venue takes this type of order at another endpoint");
            self.tally.note(path);
        }
    }

    /// Changes an order on the ordinary book.
    pub(crate) async fn change(&self, replace: Replace) -> CommandResult {
        let meant = changeable(&replace.order)?;
        let mut query = Query::default();
        change_params(&mut query, &replace, &meant);
        let stamp = Stamp { timestamp: replace.timestamp, recv_window_ms: replace.recv_window_ms };
        let handling = self.handling(false, replace.timestamp.plus_ms(replace.recv_window_ms))?;
        let reply = self.rest.command(&endpoint::MODIFY, query, stamp, handling).await?;
        let mut report = self.confirmed(&endpoint::MODIFY, &reply, &meant)?;
        // Whether the venue echoes the tag or not, a success is the answer to this request.
        report.replaced_by = Some(replace.request);
        Ok(report)
    }

    /// Cancels an order in the book that holds it.
    pub(crate) async fn take_off(&self, order: &OrderRef) -> CommandResult {
        if waits_for_trigger(order) {
            return self.take_off_conditional(order).await;
        }
        let meant = Meant::order(order).ok_or_else(nameless)?;
        let mut query = Query::default();
        meant.append(&mut query);
        let reply = self.rest.command(&endpoint::CANCEL, query, self.cancel_stamp().await?, self.exit_now()).await?;
        self.confirmed(&endpoint::CANCEL, &reply, &meant)
    }

    async fn take_off_conditional(&self, order: &OrderRef) -> CommandResult {
        let meant = Meant::conditional(order).ok_or_else(nameless)?;
        let mut query = Query::default();
        meant.append_conditional(&mut query);
        let endpoint = &endpoint::CANCEL_ALGO;
        let reply = self.rest.command(endpoint, query, self.cancel_stamp().await?, self.exit_now()).await?;
        let acknowledged: wire::AlgoCancelReply<'_> = wire::read(reply.text()).map_err(|error| unreadable(&reply, &error))?;
        self.tally.count(endpoint.name(), &acknowledged);
        if !meant.names(acknowledged.algo_id, acknowledged.client_algo_id.as_str()) {
            return Err(unknown(format!("status {} about another order", reply.status)));
        }
        // Here the code is a text, and a success has one too.
        match acknowledged.code.as_ref().and_then(wire::Lenient::number) {
            None | Some(200) => {
                let shown = self.shown(order, acknowledged.algo_id);
                let late = || Err(unknown("cancel acknowledged, and the order is not shown in time".into()));
                tokio::time::timeout(SHOWN_WITHIN, shown).await.unwrap_or_else(|_| late())
            }
            Some(code) => {
                let text = acknowledged.msg.as_ref().map_or("", wire::Text::as_str);
                Err(command_error(reply.status, fate::judge_row(Act::Cancel, code, text)))
            }
        }
    }

    /// The order after a cancel that was acknowledged: the acknowledgement names it and says nothing of its state.
    async fn shown(&self, order: &OrderRef, algo_id: u64) -> CommandResult {
        let mut query = Query::default();
        query.number("algoId", algo_id);
        if let Ok(Some(reply)) = self.rest.ask(&endpoint::ALGO_ORDER, query, Priority::Recovery).await
            && let Ok(row) = wire::read::<wire::AlgoOrder<'_>>(reply.text())
            && row.algo_id == algo_id
            && let Ok(Some(report)) = translate::algo_order(&self.symbols, &row)
            && report.instrument == order.instrument
        {
            self.tally.count(endpoint::ALGO_ORDER.name(), &row);
            return Ok(Box::new(report));
        }
        // The single query has denied orders that were there. The lists have not.
        match self.look_up(order).await {
            Ok(Lookup::Found(report)) => Ok(report),
            Ok(Lookup::Absent) => Err(unknown("cancel acknowledged, and the order is not shown".into())),
            Err(error) => Err(unknown(format!("cancel acknowledged, and the order is not shown: {error}"))),
        }
    }

    /// Takes everything off both books of an instrument. Both are asked, whatever becomes of the other.
    pub(crate) async fn take_all_off(&self, scope: &CancelAll) -> Result<(), CommandError> {
        let stamp = self.cancel_stamp().await?;
        let (ordinary, conditional) = (&endpoint::CANCEL_ALL, &endpoint::CANCEL_ALL_ALGO);
        match tokio::join!(self.all_off(ordinary, scope, stamp), self.all_off(conditional, scope, stamp)) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(CommandError::NotSent(why)), Err(CommandError::NotSent(_))) => Err(CommandError::NotSent(why)),
            // One of the two has left, so "not sent" would be untrue of the whole.
            (Err(CommandError::NotSent(why)), _) | (_, Err(CommandError::NotSent(why))) => {
                Err(unknown(format!("one of the two books was not asked: {why}")))
            }
            (Err(error @ CommandError::Unknown { .. }), _) | (_, Err(error @ CommandError::Unknown { .. })) => Err(error),
            (Err(error @ CommandError::Rejected(_)), _) | (_, Err(error @ CommandError::Rejected(_))) => Err(error),
        }
    }

    async fn all_off(&self, endpoint: &Endpoint, scope: &CancelAll, stamp: Stamp) -> Result<(), CommandError> {
        let mut query = Query::default();
        query.text("symbol", scope.instrument.symbol());
        let reply = self.rest.command(endpoint, query, stamp, self.exit_now()).await?;
        let body: wire::ErrorBody<'_> = wire::read(reply.text()).map_err(|error| unreadable(&reply, &error))?;
        self.tally.count(endpoint.name(), &body);
        if body.code == 200 { Ok(()) } else { Err(unknown(format!("status {}, code {}", reply.status, body.code))) }
    }

    /// Reads the success of a command and holds it to the order that was meant.
    pub(crate) fn confirmed(&self, endpoint: &Endpoint, reply: &Reply, meant: &Meant<'_>) -> CommandResult {
        let order: wire::OrderReply<'_> = wire::read(reply.text()).map_err(|error| unreadable(reply, &error))?;
        self.tally.count(endpoint.name(), &order);
        if !meant.is(&order) {
            return Err(unknown(format!("status {} about another order", reply.status)));
        }
        let report = translate::order_reply(&self.symbols, &order);
        report.map(Box::new).map_err(|error| unknown(format!("status {}: {error}", reply.status)))
    }

    /// The same for an answer of the Algo Service.
    fn confirmed_conditional(&self, endpoint: &Endpoint, reply: &Reply, meant: &Meant<'_>) -> CommandResult {
        let order: wire::AlgoOrder<'_> = wire::read(reply.text()).map_err(|error| unreadable(reply, &error))?;
        self.tally.count(endpoint.name(), &order);
        if order.symbol.is_none() || !meant.is_conditional(&order) {
            return Err(unknown(format!("status {} about another order", reply.status)));
        }
        let report: Option<OrderReport> =
            translate::algo_order(&self.symbols, &order).map_err(|error| unknown(format!("status {}: {error}", reply.status)))?;
        report.map(Box::new).ok_or_else(|| unknown(format!("status {} without the order's terms", reply.status)))
    }

    /// How an order or a change is sent that may begin until then.
    pub(crate) fn handling(&self, closing: bool, begin_by: VenueTime) -> Result<Handling, CommandError> {
        Ok(Handling {
            lane: if closing { Lane::Exit } else { Lane::Entry },
            priority: if closing { Priority::Exit } else { Priority::Ordinary },
            begin_within: self.begin_within(begin_by)?,
        })
    }

    /// How long a request may still begin, by the venue's clock.
    fn begin_within(&self, begin_by: VenueTime) -> Result<Duration, CommandError> {
        // Without a clock the window cannot be kept, and the engine's timestamp came from a clock that was read.
        let now = self.rest.venue_now().ok_or_else(|| CommandError::NotSent("the venue's clock has not been read".into()))?;
        match u64::try_from(begin_by.0.saturating_sub(now.0)) {
            Ok(left) if left > 0 => Ok(Duration::from_millis(left)),
            _ => Err(CommandError::NotSent("its window or its age has passed".into())),
        }
    }

    /// Cancels go over their own connections, before everything else.
    pub(crate) fn exit_now(&self) -> Handling {
        Handling { lane: Lane::Cancel, priority: Priority::Exit, begin_within: Duration::from_millis(self.rest.recv_window_ms) }
    }

    pub(crate) async fn cancel_stamp(&self) -> Result<Stamp, CommandError> {
        self.rest.stamp().await.map_err(|error| CommandError::NotSent(error.to_string()))
    }
}

/// The parameters of a new order at the endpoint that it goes through.
pub(crate) fn place_params(query: &mut impl Fields, attempt: &Attempt, through: Through) -> Result<(), Place> {
    let Attempt { terms, cl_ord_id, .. } = attempt;
    if is_plain(terms) {
        translate::place_params(query, terms, cl_ord_id)
    } else {
        translate::conditional_params(query, terms, cl_ord_id, through)
    }
}

const fn is_plain(terms: &Terms) -> bool {
    !terms.kind.is_conditional()
}

/// The order of a change; one that waits for its trigger cannot be changed, only cancelled and placed anew.
pub(crate) fn changeable(order: &OrderRef) -> Result<Meant<'_>, CommandError> {
    if waits_for_trigger(order) {
        return Err(CommandError::NotSent("a conditional order cannot be changed before its trigger".into()));
    }
    Meant::order(order).ok_or_else(nameless)
}

/// The parameters of a change.
pub(crate) fn change_params(query: &mut impl Fields, replace: &Replace, meant: &Meant<'_>) {
    meant.append(query);
    query
        .word("side", translate::side_word(replace.side))
        .decimal("quantity", replace.qty.get())
        .decimal("price", replace.price.get())
        .number("modifyId", replace.request.0);
}

pub(crate) fn nameless() -> CommandError {
    CommandError::NotSent("the order has no id in the book that holds it".into())
}

pub(crate) const fn unknown(why: String) -> CommandError {
    CommandError::Unknown { why, live: false }
}

fn unreadable(reply: &Reply, error: &serde_json::Error) -> CommandError {
    if planted(Plant::TwoHundredUnreadable) {
        return CommandError::Rejected(Rejection { class: RejectClass::Failed, code: -1001, text: error.to_string() });
    }
    unknown(format!("status {} with an unreadable body: {error}", reply.status))
}
