//! An order's story, told from the records of its journal: every fact in order, with when, from where, who asked, and the venue's own
//! words. It reads; what the facts add up to is the order's own.

use crate::{
    books::Books,
    ids::{ClOrdId, IntentId, Seq},
    nearest,
    order::{
        Order,
        doubt::DoubtStep,
        event::{GivenUp, LiveTerms, NotSent, OrderEvent, ReplaceHow, RequestState},
        intent::{Intent, Owner, Provenance},
        status::OrdStatus,
    },
    record::Record,
    report::Source,
    time::Timestamp,
};
use alloc::{
    collections::BTreeSet,
    format,
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write;
use serde::Serialize;

/// How many orders are looked through for a name that was mistyped, the newest by name.
const NEAREST_OF: usize = 20_000;
/// How many of the nearest names are told.
const NEAREST_TOLD: usize = 3;
/// A venue's number shorter than this is not looked for in raw text: it would be found everywhere.
const NUMBER_MIN: usize = 6;

/// A name that no order has, or several have.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FindError {
    /// No order is called so.
    #[error("no order is called {name}{}", nearest_words(.nearest))]
    Unknown {
        /// As it was asked for.
        name: String,
        /// Names that are near to it.
        nearest: Vec<String>,
    },
    /// A venue counts its orders for each instrument by itself.
    #[error("{name} names more than one order: {}", list(.intents))]
    Several {
        /// As it was asked for.
        name: String,
        /// The orders.
        intents: Vec<IntentId>,
    },
}

fn nearest_words(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) }
}

fn list(intents: &[IntentId]) -> String {
    intents.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Finds an order by its intent (32 hexadecimal digits), by a client order id, or by an id of the venue.
///
/// # Errors
/// [`FindError`]: with the nearest names, for whoever typed it.
pub fn find(books: &Books, name: &str) -> Result<IntentId, FindError> {
    if name.len() == 32
        && let Ok(number) = u128::from_str_radix(name, 16)
        && books.order(IntentId(number)).is_some()
    {
        return Ok(IntentId(number));
    }
    if let Some(intent) = ClOrdId::new(name).ok().and_then(|id| books.by_cl_ord_id(&id)) {
        return Ok(intent);
    }
    let named = books.orders().filter(|o| venue_ids(o).any(|id| id == name)).map(|o| o.intent().id);
    let intents: Vec<IntentId> = named.collect();
    match intents.as_slice() {
        [one] => Ok(*one),
        [] => Err(FindError::Unknown { name: name.into(), nearest: nearest_names(books, name) }),
        _ => Err(FindError::Several { name: name.into(), intents }),
    }
}

fn venue_ids(order: &Order) -> impl Iterator<Item = String> {
    let ids = |a: &crate::order::attempt::AttemptFacts| {
        let (order_id, algo_id) = (a.order_id().map(|id| id.to_string()), a.algo_id().map(|id| id.to_string()));
        order_id.into_iter().chain(algo_id)
    };
    order.attempts().values().flat_map(ids)
}

fn names(order: &Order) -> impl Iterator<Item = String> {
    let intent = core::iter::once(order.intent().id.to_string());
    intent.chain(order.attempts().keys().map(ToString::to_string)).chain(venue_ids(order))
}

fn nearest_names(books: &Books, name: &str) -> Vec<String> {
    // Somebody who has the beginning or the end of a name has read it off a screen.
    let limit = (name.chars().count() / 3).max(1);
    let mut all = BTreeSet::new();
    for order in books.orders().take(NEAREST_OF) {
        for known in names(order) {
            let part = name.len() >= 4 && (known.starts_with(name) || known.ends_with(name));
            let far = if part { 0 } else { nearest::distance(name, &known) };
            if far <= limit {
                all.insert((far, known));
            }
        }
    }
    all.into_iter().take(NEAREST_TOLD).map(|(_, known)| known).collect()
}

/// Finds an order in records alone: one that has ended long ago leaves the books, while its records may still be kept. Read all records
/// with [`Search::look`], then, if it is found, all of them again with [`Search::rebuild`].
#[derive(Clone, Debug)]
pub struct Search {
    name: String,
    found: Option<IntentId>,
    order: Option<Order>,
}

impl Search {
    /// For an intent, a client order id or an id of the venue.
    pub fn new(name: &str) -> Self {
        Self { name: name.into(), found: None, order: None }
    }
    /// Looks whether a record names it.
    pub fn look(&mut self, record: &Record) {
        let (intent, named) = match record {
            Record::Intent(intent) => (intent.id, intent.id.to_string() == self.name),
            Record::Order { intent, event, .. } => {
                let own = event.cl_ord_id().is_some_and(|id| id.as_str() == self.name);
                let venues = match event {
                    OrderEvent::Accepted { order_id, algo_id, .. } => {
                        order_id.is_some_and(|id| id.as_str() == self.name) || algo_id.is_some_and(|id| id.as_str() == self.name)
                    }
                    _ => false,
                };
                (*intent, own || venues)
            }
            _ => return,
        };
        if named {
            self.found.get_or_insert(intent);
        }
    }
    /// Which order it is.
    pub const fn found(&self) -> Option<IntentId> {
        self.found
    }
    /// Learns what a record says of it.
    pub fn rebuild(&mut self, record: &Record) {
        match record {
            Record::Intent(intent) if Some(intent.id) == self.found && self.order.is_none() => {
                self.order = Some(Order::new(intent.clone()));
            }
            Record::Order { intent, event, .. } if Some(*intent) == self.found => {
                // What contradicts is not in the journal; it was kept raw.
                let _ = self.order.as_mut().map(|order| order.apply(event));
            }
            _ => (),
        }
    }
    /// The order as its records make it; `None` if its first record is not kept any more.
    pub fn into_order(self) -> Option<Order> {
        self.order
    }
}

/// One line of an order's story.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Step {
    /// Which record tells it.
    pub seq: Seq,
    /// By the node's clock.
    pub at: Timestamp,
    /// From where it was learned: `us`, `operator`, `reply`, `stream`, `query`, `trades` or `start`.
    pub source: &'static str,
    /// In words.
    pub what: String,
    /// Who asked for it, where the journal tells.
    pub by: Option<String>,
    /// The venue's own words, or what was kept as it came.
    pub raw: Option<String>,
    /// FIX OrdStatus (39) behind it; absent where the story does not begin with the order.
    pub status: Option<OrdStatus>,
}

/// Collects one order's story. Give it every record, in order.
#[derive(Clone, Debug)]
pub struct Story {
    intent: IntentId,
    owner: Owner,
    /// By these the order is found in what was kept as it came.
    marks: Vec<String>,
    /// The order as it was at the record that is being read.
    then: Option<Order>,
    root: Option<Root>,
    first: Option<Seq>,
    steps: Vec<Step>,
}

/// What the records of one moment go back to.
#[derive(Clone, Debug)]
struct Root {
    by: String,
    at: Option<Timestamp>,
}

impl Story {
    /// Of an order as the books have it now: by its ids it is recognised.
    pub fn of(order: &Order) -> Self {
        Self {
            intent: order.intent().id,
            owner: order.intent().owner.clone(),
            marks: names(order).filter(|name| name.len() >= NUMBER_MIN).collect(),
            then: None,
            root: None,
            first: None,
            steps: Vec::new(),
        }
    }

    /// Reads the next record.
    pub fn read(&mut self, seq: Seq, record: &Record) {
        self.first.get_or_insert(seq);
        match record {
            Record::Started { epoch, at, .. } => {
                self.root = Some(Root { by: "the start of the node".into(), at: Some(*at) });
                if self.then.as_ref().is_some_and(|o| !o.status().is_ended() || o.has_loose_ends()) {
                    self.tell(seq, *at, "start", format!("the node is started again, epoch {epoch}"), None);
                }
            }
            Record::Cursor { strategy, seen, .. } => {
                let by = format!("strategy {strategy}, in answer to record {seen}");
                let ours = self.owner.strategy() == Some(strategy);
                self.root = ours.then_some(Root { by, at: None });
            }
            Record::Operator { who, what, at } => {
                let meant = what.contains(&self.intent.to_string()) || what.starts_with("CancelAll");
                self.root = meant.then(|| Root { by: format!("operator {who}"), at: Some(*at) });
            }
            Record::Intent(intent) => {
                self.date(intent.asked);
                if intent.id == self.intent && self.then.is_none() {
                    self.then = Some(Order::new(intent.clone()));
                    let by = self.by().or_else(|| Some(owner_words(&intent.owner)));
                    self.tell(seq, intent.asked, "us", asked_words(intent), by);
                }
            }
            Record::Order { intent, at, source, event } => {
                self.date(*at);
                if *intent == self.intent {
                    self.fact(seq, *at, *source, event);
                }
            }
            Record::Raw { why, raw, at } if self.speaks_of(raw) || self.speaks_of(why) => {
                self.tell(seq, *at, "us", format!("kept as it came, and no fact was taken from it: {why}"), None);
                if let Some(step) = self.steps.last_mut() {
                    step.raw = Some(raw.clone());
                }
            }
            Record::Latched { text, at, .. } if self.speaks_of(text) => {
                self.tell(seq, *at, "us", format!("the account takes no new risk from here on: {text}"), None);
            }
            _ => (),
        }
    }

    /// The story, and whether it begins with the order: records before it may have been dropped behind a snapshot.
    pub fn end(self) -> (Vec<Step>, bool) {
        let whole = self.then.is_some();
        (self.steps, whole)
    }

    fn speaks_of(&self, text: &str) -> bool {
        self.marks.iter().any(|mark| text.contains(mark.as_str()))
    }

    /// Records of one moment go back to what stands before them; those of a later moment do not.
    fn date(&mut self, at: Timestamp) {
        match &mut self.root {
            Some(Root { at: dated @ None, .. }) => *dated = Some(at),
            Some(Root { at: Some(dated), .. }) if *dated != at => self.root = None,
            Some(_) | None => (),
        }
    }

    fn by(&self) -> Option<String> {
        self.root.as_ref().map(|root| root.by.clone())
    }

    fn fact(&mut self, seq: Seq, at: Timestamp, source: Source, event: &OrderEvent) {
        let transition = self.then.as_mut().and_then(|order| order.apply(event).ok());
        let mut what = words(event);
        if let Some(change) = transition.and_then(|t| t.doubt) {
            match (change.step, change.since) {
                (DoubtStep::Began, _) => (),
                (DoubtStep::Ended(how), Some(since)) => {
                    let _ = write!(what, "; the doubt is over after {} ms: {}", at.ms_since(since), how.words());
                }
                (DoubtStep::Ended(how), None) => {
                    let _ = write!(what, "; the doubt is over: {}", how.words());
                }
            }
        }
        if transition.is_some_and(|t| t.late) {
            what.push_str("; it came after the end, and counts");
        }
        if transition.is_some_and(|t| t.overfilled) {
            what.push_str("; this is more than was asked for");
        }
        let by = match event {
            OrderEvent::CancelRequested { .. } | OrderEvent::ReplaceRequested { .. } => self.by().or_else(|| self.policy(event)),
            _ => None,
        };
        let raw = match event {
            OrderEvent::Rejected { rejection, .. } => Some(format!("{}: {}", rejection.code, rejection.text)),
            OrderEvent::NotSent { why: NotSent::Transport(text), .. } => Some(text.clone()),
            _ => None,
        };
        self.tell(seq, at, source.word(), what, by);
        if let Some(step) = self.steps.last_mut() {
            step.raw = raw;
        }
    }

    /// Which rule of the node asked for it, when nobody else did.
    fn policy(&self, event: &OrderEvent) -> Option<String> {
        let order = self.then.as_ref()?;
        let OrderEvent::CancelRequested { only, .. } = event else { return Some("the node".into()) };
        Some(if only.is_some() {
            "the node: another attempt stands for the order".into()
        } else if order.cancels().len() > 1 {
            "the node: the wish to cancel it stands, so it is sent again".into()
        } else if order.is_in_doubt() {
            "the node: what may rest unknown is cancelled".into()
        } else if let Some(place) = order.intent().list {
            format!("list {}, or the strategy", place.list)
        } else {
            owner_words(&order.intent().owner)
        })
    }

    fn tell(&mut self, seq: Seq, at: Timestamp, source: &'static str, what: String, by: Option<String>) {
        let status = self.then.as_ref().map(Order::status);
        self.steps.push(Step { seq, at, source, what, by, raw: None, status });
    }
}

fn owner_words(owner: &Owner) -> String {
    match owner {
        Owner::Strategy(id) => format!("strategy {id}"),
        Owner::Operator(who) => format!("operator {who}"),
        Owner::External => "somebody else".into(),
    }
}

fn asked_words(intent: &Intent) -> String {
    let Intent { terms, handling, .. } = intent;
    let qty = terms.qty.map_or_else(|| "all of it".into(), |q| q.to_string());
    let mut text = match intent.provenance {
        Provenance::Ours => String::from("asked for: "),
        Provenance::Recovered => String::from("found at the venue under an id of ours that the journal did not know: "),
        Provenance::Foreign => String::from("found at the venue, made by somebody else: "),
        Provenance::Exchange(made) => format!("made by the exchange itself ({made:?}): "),
    };
    let _ =
        write!(text, "{:?} {qty} {} {} {:?} {:?}", terms.side, terms.instrument, terms.kind.name(), terms.leg, terms.intention);
    if let Some(price) = terms.kind.price() {
        let _ = write!(text, " at {price}");
    }
    if let Some(trigger) = terms.kind.trigger_price() {
        let _ = write!(text, " trigger {trigger}");
    }
    if intent.provenance == Provenance::Ours {
        let retry = if handling.retry { "tried again" } else { "not tried again" };
        let _ = write!(
            text,
            "; not sent when older than {} ms, in doubt {:?}, {retry} after a proof that nothing executed",
            handling.max_age_ms, handling.in_doubt
        );
    }
    if let Some(place) = intent.list {
        let _ = write!(text, "; {:?} of list {}", place.role, place.list);
    }
    text
}

fn terms_words(terms: &LiveTerms) -> String {
    let mut text = if terms.qty.is_zero() { String::from("all of it") } else { terms.qty.to_string() };
    if let Some(price) = terms.price {
        let _ = write!(text, " at {price}");
    }
    if let Some(trigger) = terms.trigger {
        let _ = write!(text, " trigger {trigger}");
    }
    text
}

fn state_words(state: &RequestState) -> String {
    match state {
        RequestState::Open => "is on its way".into(),
        RequestState::Unknown => "may have taken effect: in doubt".into(),
        RequestState::NotSent => "never left".into(),
        RequestState::Refused(0) => "did not arrive in time, and cannot any more".into(),
        RequestState::Refused(code) => format!("was refused by the venue with {code}"),
        RequestState::Accepted => "was taken by the venue".into(),
    }
}

fn words(event: &OrderEvent) -> String {
    match event {
        OrderEvent::Denied(denial) => format!("denied by our own check, nothing was sent: {denial}"),
        OrderEvent::Attempted { cl_ord_id, header } => {
            let qty = header.qty.map_or_else(|| "all of it".into(), |q| q.to_string());
            let anew = header.replaces.map_or_else(String::new, |request| format!(", which carries out change {request}"));
            format!(
                "attempt {} fixed as {cl_ord_id} for {qty}{anew}; signed for venue time {}, good for {} ms",
                header.number + 1,
                header.timestamp,
                header.recv_window_ms
            )
        }
        OrderEvent::Adopted { cl_ord_id, history } => {
            format!("taken into the books as {cl_ord_id}; {history} of it executed before they began")
        }
        OrderEvent::Doubted { cl_ord_id, .. } => format!("in doubt: nobody knows whether {cl_ord_id} has arrived"),
        OrderEvent::Accepted { cl_ord_id, order_id, algo_id } => {
            let mut text = format!("the venue has {cl_ord_id}");
            if let Some(id) = order_id {
                let _ = write!(text, " as order {id}");
            }
            if let Some(id) = algo_id {
                let _ = write!(text, " as conditional order {id}");
            }
            text
        }
        OrderEvent::Rejected { cl_ord_id, rejection } => format!("the venue refuses {cl_ord_id} ({:?})", rejection.class),
        OrderEvent::NotSent { cl_ord_id, why } => format!(
            "{cl_ord_id} was not sent: {}",
            match why {
                NotSent::TooOld => "it was too old when it could have left",
                NotSent::GateClosed => "the gate was shut when it could have left",
                NotSent::PriceMoved => "the market had moved beyond its bound",
                NotSent::Transport(_) => "not one byte of it left",
                NotSent::Withdrawn => "nobody waited for it any more",
            }
        ),
        OrderEvent::Dead { cl_ord_id, .. } => {
            format!("{cl_ord_id} is proven dead: asked for past its fence, twice, and absent in two complete answers")
        }
        OrderEvent::Activated { .. } => "the trailing stop follows the price".into(),
        OrderEvent::Triggered { .. } => "its condition is met".into(),
        OrderEvent::Executed { fill, .. } => {
            let role = if fill.maker { "maker" } else { "taker" };
            let fee = fill.fee.as_ref().map_or_else(String::new, |f| format!(", fee {} {}", f.amount, f.asset));
            format!("executed {} at {}, trade {}, {role}{fee}", fill.qty, fill.price, fill.trade_id)
        }
        OrderEvent::CumQty { qty, .. } => format!("at least {qty} is executed in all; its trades are still to be told"),
        OrderEvent::Terms { terms, .. } => format!("the venue holds it with {}", terms_words(terms)),
        OrderEvent::Canceled { .. } => "cancelled at the venue".into(),
        OrderEvent::Expired { reason, .. } => format!("ended by the venue or by its own terms: {reason:?}"),
        OrderEvent::Vanished { .. } => "the venue had it and has purged it; its trades are in".into(),
        OrderEvent::CancelRequested { request, only } => match only {
            Some(id) => format!("cancel {request} of {id} alone is asked for"),
            None => format!("cancel {request} is asked for"),
        },
        OrderEvent::CancelAnswered { request, state } => format!("cancel {request} {}", state_words(state)),
        OrderEvent::ReplaceRequested { request, terms, how } => {
            let how = match how {
                ReplaceHow::InPlace => "on the order as it stands",
                ReplaceHow::NewAttempt => "by a new attempt",
            };
            format!("change {request} to {} is asked for, {how}", terms_words(terms))
        }
        OrderEvent::ReplaceAnswered { request, state } => format!("change {request} {}", state_words(state)),
        OrderEvent::GivenUp(GivenUp::Settled) => "no further attempt follows".into(),
        OrderEvent::GivenUp(GivenUp::NeverTried) => "the node was ended before it was tried, and it is not tried any more".into(),
    }
}
