//! What the journal's records tell programs outside: one object of JSON for each event, in the words of the control socket. It reads
//! records and nothing else, so the same records give the same events in every run. The schema stands in `docs/events.md`.

use crate::control::{leg_word, order_facts, owner_word, side_word};
use exec_core::{
    books::{Books, BooksError},
    cl_ord_id::Tag,
    feed::{EventId, Teller, Told},
    ids::{AccountId, Epoch, InstrumentId, Seq},
    order::{
        Order, Transition,
        doubt::{DoubtChange, DoubtEnd, DoubtOf, DoubtStep},
        event::OrderEvent,
    },
    position::Position,
    record::Record,
    report::{Fill, Source},
    snapshot::Snapshot,
    time::{Timestamp, VenueTime},
    units::PositionSide,
};
use serde::Serialize;
use serde_json::{Value, json};

/// Version of the schema: rises only when a field that is documented changes its meaning or goes.
const VERSION: u32 = 1;
const LEGS: [PositionSide; 3] = [PositionSide::Net, PositionSide::Long, PositionSide::Short];

/// Turns an account's records into events for consumers. It keeps books of its own, which follow the records.
pub struct EventTeller {
    account: AccountId,
    tag: Tag,
    books: Books,
}

/// What every event begins with.
#[derive(Serialize)]
struct Event<'a> {
    v: u32,
    id: String,
    account: &'a AccountId,
    seq: u64,
    epoch: Epoch,
    #[serde(rename = "type")]
    kind: &'static str,
    at_ms: Option<i64>,
    #[serde(flatten)]
    body: Value,
}

/// The events of one record, in the making.
struct Page<'a> {
    account: &'a AccountId,
    epoch: Epoch,
    seq: Seq,
    at_ms: Option<i64>,
    n: u64,
    tell: &'a mut dyn FnMut(Told),
}

impl Page<'_> {
    fn add(&mut self, kind: &'static str, body: Value) {
        self.n += 1;
        let id = EventId { seq: self.seq.0, n: self.n };
        (self.tell)(told(self.account, self.epoch, id, kind, self.at_ms, body));
    }
}

fn told(account: &AccountId, epoch: Epoch, id: EventId, kind: &'static str, at_ms: Option<i64>, body: Value) -> Told {
    let event = Event { v: VERSION, id: id.to_string(), account, seq: id.seq, epoch, kind, at_ms, body };
    // Writing to a text fails only where a type refuses to be written, and none of ours does.
    Told { id, kind, json: serde_json::to_string(&event).unwrap_or_default() }
}

impl EventTeller {
    /// For an account whose client order ids begin with this tag.
    pub fn new(account: AccountId, tag: Tag) -> Self {
        Self { books: Books::new(account.clone(), tag), account, tag }
    }
}

impl Teller for EventTeller {
    fn begin(&mut self, snapshot: Option<Snapshot>) {
        let empty = || Books::new(self.account.clone(), self.tag);
        self.books = snapshot.map_or_else(empty, |snapshot| snapshot.into_books(self.tag));
    }

    fn read(&mut self, seq: Seq, record: &Record, tell: &mut dyn FnMut(Told)) -> Result<(), BooksError> {
        let instrument = self.moves(record);
        let before = instrument.as_ref().map(|instrument| legs(&self.books, instrument));
        let known = self.knows_trade(record);
        let transition = self.books.apply(seq, record)?;
        let (account, books) = (&self.account, &self.books);
        let mut page = Page { account, epoch: books.epoch(), seq, at_ms: at_ms(record), n: 0, tell };
        match (record, transition) {
            (Record::Order { intent, source, event, .. }, Some(transition)) => {
                if let Some(order) = books.order(*intent) {
                    of_order(&mut page, order, *source, event, &transition, known);
                }
            }
            _ => of_record(&mut page, books, record),
        }
        if let (Some(instrument), Some(before)) = (&instrument, &before) {
            of_legs(&mut page, books, instrument, before, matches!(record, Record::Claim(_)));
        }
        Ok(())
    }

    fn gap(&self, after: Seq, until: Seq) -> Told {
        let body = json!({ "after": after, "until": until });
        told(&self.account, self.books.epoch(), EventId { seq: until.0, n: 0 }, "gap", None, body)
    }
}

impl EventTeller {
    /// The instrument of which a record may move a leg.
    fn moves(&self, record: &Record) -> Option<InstrumentId> {
        match record {
            Record::Order { intent, .. } => self.books.order(*intent).map(|o| o.intent().terms.instrument.clone()),
            Record::Baseline(baseline) => Some(baseline.instrument.clone()),
            Record::Adjustment(adjustment) => Some(adjustment.instrument.clone()),
            Record::Claim(claim) => Some(claim.instrument.clone()),
            _ => None,
        }
    }

    fn knows_trade(&self, record: &Record) -> bool {
        let Record::Order { intent, event: OrderEvent::Executed { cl_ord_id, fill }, .. } = record else { return false };
        let order = self.books.order(*intent);
        order.is_some_and(|order| order.fills().any(|(id, known)| id == cl_ord_id && known.trade_id == fill.trade_id))
    }
}

fn of_order(page: &mut Page<'_>, order: &Order, source: Source, event: &OrderEvent, transition: &Transition, known: bool) {
    page.add(
        "order",
        json!({
            "fact": fact_word(event), "source": source.word(), "event": event, "status_before": transition.from,
            "late": transition.late, "overfilled": transition.overfilled,
            "assumption_broken": transition.presumption_broken, "order": order_facts(order, false),
        }),
    );
    if let OrderEvent::Executed { cl_ord_id, fill } = event {
        // As the books have it: a second source fills in what the first did not say.
        let trade = order.fills().find(|(id, f)| *id == cl_ord_id && f.trade_id == fill.trade_id).map_or(fill, |(_, f)| f);
        let attempt = order.attempts().get(cl_ord_id);
        page.add(
            "fill",
            json!({
                "intent": order.intent().id.to_string(), "owner": owner_word(&order.intent().owner),
                "instrument": order.intent().terms.instrument, "cl_ord_id": cl_ord_id,
                "order_id": attempt.and_then(|a| a.order_id()), "trade_id": trade.trade_id, "side": side_word(trade.side),
                "leg": leg_word(leg_of(order, trade)), "price": trade.price.get().normalize().to_string(), "qty": trade.qty.get().normalize().to_string(),
                "liquidity": if trade.maker { "maker" } else { "taker" },
                "fee": trade.fee.as_ref().map(|f| json!({ "amount": f.amount, "asset": f.asset })),
                "realized": trade.realized, "traded_ms": trade.at.0,
                "cum_qty": order.cum_qty().get().normalize().to_string(), "leaves_qty": order.leaves_qty().get().normalize().to_string(), "late": transition.late,
                // Told before: this one replaces it, and is no trade of its own.
                "again": known,
            }),
        );
    }
    if let Some(change) = transition.doubt {
        page.add("doubt", doubt(order, &change));
    }
}

fn of_record(page: &mut Page<'_>, books: &Books, record: &Record) {
    match record {
        Record::Started { mode, .. } => page.add("start", json!({ "mode": mode })),
        Record::Intent(intent) => {
            if let Some(order) = books.order(intent.id) {
                page.add("order", json!({ "fact": "asked", "order": order_facts(order, false) }));
            }
        }
        Record::Balance { asset, wallet, .. } => page.add("balance", json!({ "asset": asset, "wallet": wallet })),
        Record::Funding { asset, amount, .. } => page.add("funding", json!({ "asset": asset, "amount": amount })),
        Record::Latched { cause, text, .. } => page.add("latch", json!({ "step": "latched", "cause": cause, "text": text })),
        Record::Lifted { cause, why, .. } => page.add("latch", json!({ "step": "lifted", "cause": cause, "text": why })),
        Record::Released { who, .. } => page.add("latch", json!({ "step": "released", "who": who })),
        Record::Operator { who, what, .. } => page.add("operator", json!({ "who": who, "what": what })),
        Record::Raw { why, raw, .. } => page.add("raw", json!({ "why": why, "raw": raw })),
        Record::Adjustment(adjusted) => page.add(
            "adjustment",
            json!({
                "instrument": adjusted.instrument, "leg": leg_word(adjusted.leg), "qty": adjusted.qty,
                "entry_px": adjusted.entry_px, "owner": owner_word(&adjusted.owner), "who": adjusted.who, "why": adjusted.why,
            }),
        ),
        Record::InstrumentChanged { instrument, what, .. } => {
            page.add("instrument", json!({ "instrument": instrument, "what": what }));
        }
        Record::Alert { level, kind, text, .. } => page.add("alert", json!({ "level": level, "kind": kind, "text": text })),
        // The node's own book-keeping. What a baseline and a claim change is told of the leg.
        Record::Order { .. }
        | Record::Baseline(_)
        | Record::Claim(_)
        | Record::StrategyNumber { .. }
        | Record::TradeCursor(_)
        | Record::Cursor { .. }
        | Record::LetGo { .. }
        | Record::Day(_) => (),
    }
}

fn legs(books: &Books, instrument: &InstrumentId) -> [Option<Position>; 3] {
    LEGS.map(|leg| books.position(instrument, leg).cloned())
}

/// Tells each leg that is not what it was.
fn of_legs(page: &mut Page<'_>, books: &Books, instrument: &InstrumentId, before: &[Option<Position>; 3], claimed: bool) {
    for (leg, was) in LEGS.into_iter().zip(before) {
        let Some(now) = books.position(instrument, leg) else { continue };
        let equal = |was: &Position| {
            (was.qty(), was.entry_px(), was.realized()) == (now.qty(), now.entry_px(), now.realized()) && was.fees() == now.fees()
        };
        if was.as_ref().is_some_and(equal) && !claimed {
            continue;
        }
        let shares: Vec<Value> = books
            .shares()
            .filter(|((_, i, l), qty)| i == instrument && *l == leg && !qty.is_zero())
            .map(|((who, ..), qty)| json!({ "owner": owner_word(who), "qty": qty }))
            .collect();
        page.add(
            "position",
            json!({
                "instrument": instrument, "leg": leg_word(leg), "qty": now.qty().get().normalize().to_string(),
                "qty_before": was.as_ref().map(Position::qty).unwrap_or_default().get().normalize().to_string(),
                "entry_px": now.entry_px().map(|px| px.normalize().to_string()), "realized": now.realized(),
                "fees": now.fees(), "shares": shares,
            }),
        );
    }
}

fn doubt(order: &Order, change: &DoubtChange) -> Value {
    let (what, cl_ord_id) = match change.of {
        DoubtOf::Attempt(id) => ("order", Some(id)),
        DoubtOf::Change(_) => ("change", None),
    };
    let (step, how) = match change.step {
        DoubtStep::Began => ("began", None),
        DoubtStep::Ended(how) => ("ended", Some(how)),
    };
    json!({
        "step": step, "how": how.map(end_word), "what": what, "cl_ord_id": cl_ord_id, "intent": order.intent().id.to_string(),
        "instrument": order.intent().terms.instrument, "side": order.intent().terms.side, "qty": order.qty(),
        "type_of_order": order.intent().terms.kind.name(), "owner": owner_word(&order.intent().owner),
        "since_ms": change.since.map(Timestamp::as_ms),
    })
}

/// By the node's clock where the record has it, else by the venue's.
fn at_ms(record: &Record) -> Option<i64> {
    let ours = |at: &Timestamp| i64::try_from(at.as_ms()).ok();
    let venues = |at: &VenueTime| Some(at.0);
    match record {
        Record::Started { at, .. }
        | Record::Order { at, .. }
        | Record::Latched { at, .. }
        | Record::Released { at, .. }
        | Record::Operator { at, .. }
        | Record::Raw { at, .. }
        | Record::Lifted { at, .. }
        | Record::InstrumentChanged { at, .. }
        | Record::Alert { at, .. } => ours(at),
        Record::Intent(intent) => ours(&intent.asked),
        Record::Claim(claim) => ours(&claim.at),
        Record::Day(day) => ours(&day.at),
        Record::Baseline(baseline) => venues(&baseline.at),
        Record::TradeCursor(cursor) => venues(&cursor.at),
        Record::Balance { at, .. } | Record::Funding { at, .. } => venues(at),
        Record::Adjustment(adjustment) => venues(&adjustment.at),
        Record::LetGo { before, .. } => venues(before),
        Record::StrategyNumber { .. } | Record::Cursor { .. } => None,
    }
}

/// The leg that a trade moves: as the venue says, else as the order asks.
fn leg_of(order: &Order, fill: &Fill) -> PositionSide {
    fill.leg.unwrap_or(order.intent().terms.leg)
}

const fn end_word(how: DoubtEnd) -> &'static str {
    match how {
        DoubtEnd::Arrived => "arrived",
        DoubtEnd::Refused => "refused",
        DoubtEnd::NotSent => "not_sent",
        DoubtEnd::ProvenDead => "proven_dead",
        DoubtEnd::OrderEnded => "order_ended",
    }
}

const fn fact_word(event: &OrderEvent) -> &'static str {
    match event {
        OrderEvent::Denied(_) => "denied",
        OrderEvent::Attempted { .. } => "attempted",
        OrderEvent::Adopted { .. } => "adopted",
        OrderEvent::Doubted { .. } => "doubted",
        OrderEvent::Accepted { .. } => "accepted",
        OrderEvent::Rejected { .. } => "rejected",
        OrderEvent::NotSent { .. } => "not_sent",
        OrderEvent::Dead { .. } => "dead",
        OrderEvent::Activated { .. } => "activated",
        OrderEvent::Triggered { .. } => "triggered",
        OrderEvent::Executed { .. } => "executed",
        OrderEvent::CumQty { .. } => "cum_qty",
        OrderEvent::Terms { .. } => "terms",
        OrderEvent::Canceled { .. } => "canceled",
        OrderEvent::Expired { .. } => "expired",
        OrderEvent::Vanished { .. } => "vanished",
        OrderEvent::CancelRequested { .. } => "cancel_requested",
        OrderEvent::CancelAnswered { .. } => "cancel_answered",
        OrderEvent::ReplaceRequested { .. } => "replace_requested",
        OrderEvent::ReplaceAnswered { .. } => "replace_answered",
        OrderEvent::GivenUp(_) => "given_up",
    }
}
