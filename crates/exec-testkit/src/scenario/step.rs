//! Reads one step of a scenario into facts. The table of words stands in the module above.

use super::{ScenarioError, Stage, attempt_id};
use crate::fixtures;
use exec_core::{
    ids::{AlgoId, Asset, OrderId, RequestId, TradeId},
    order::{
        event::{AttemptHeader, GivenUp, LiveTerms, NotSent, OrderEvent, ReplaceHow, RequestState, TermsVersion},
        intent::{Intent, Provenance},
        proof::{DeathProof, VanishedProof},
    },
    pretrade::Denial,
    report::{ExpiryReason, Fee, Fill},
    terms::{Intention, OrderKind, TimeInForce, Trigger, TriggerBy},
    time::{Timestamp, VenueTime},
    units::{Amount, Price, Qty, Side, parse_decimal},
    venue::{Fence, RejectClass, Rejection},
};
use std::str::{FromStr, SplitWhitespace};

pub(super) const WORDS: &[&str] = &[
    "submit",
    "intent",
    "adopt",
    "deny",
    "attempt",
    "doubt",
    "ack",
    "algo",
    "reject",
    "dies",
    "not-sent",
    "dead",
    "vanished",
    "activate",
    "trigger",
    "fill",
    "cum",
    "terms",
    "canceled",
    "expired",
    "cancel",
    "cancel-ok",
    "cancel-refused",
    "cancel-unknown",
    "cancel-not-sent",
    "replace",
    "replace-ok",
    "replace-refused",
    "replace-unknown",
    "replace-not-sent",
    "give-up",
];
const FENCE: Fence = Fence { engine_margin_ms: 2_000, visibility_ms: 1_000 };

/// What a step says.
pub(super) enum Parsed {
    /// The order itself, and its first facts.
    Begun(Box<Intent>, Vec<OrderEvent>),
    /// Facts about the order.
    Facts(Vec<OrderEvent>),
}

/// Why a step cannot be read.
pub(super) enum Wrong {
    Word(String),
    Argument(String),
}

impl From<String> for Wrong {
    fn from(why: String) -> Self {
        Self::Argument(why)
    }
}

/// Reads one step of a scenario that is about an attempt as the fact it stands for: for tests that mix facts by hand.
///
/// # Errors
/// [`ScenarioError`] if it cannot be read or is not one fact.
pub fn event_of(step: &str) -> Result<OrderEvent, ScenarioError> {
    let mut stage = Stage { attempts: 1, requests: 1, cancel: Some(RequestId(1)), replace: Some(RequestId(1)), order: None };
    let wrong = |why: String| ScenarioError::Argument { number: 1, step: step.to_owned(), why };
    match parse(step, &mut stage) {
        Ok(Parsed::Facts(events)) => events.into_iter().next().ok_or_else(|| wrong("says nothing".to_owned())),
        Ok(Parsed::Begun(..)) => Err(wrong("begins an order".to_owned())),
        Err(Wrong::Argument(why)) => Err(wrong(why)),
        Err(Wrong::Word(word)) => Err(wrong(format!("`{word}` is not a step"))),
    }
}

pub(super) fn parse(step: &str, stage: &mut Stage) -> Result<Parsed, Wrong> {
    let mut words = Words(step.split_whitespace());
    let head = words.next().unwrap_or_default();
    let (word, number) = match head.split_once('#') {
        Some((word, n)) => (word, n.parse().map_err(|_| format!("`{n}` is not the number of an attempt"))?),
        None => (head, stage.attempts.max(1)),
    };
    if !WORDS.contains(&word) {
        return Err(Wrong::Word(word.to_owned()));
    }
    let parsed = match word {
        "submit" | "intent" | "adopt" => begin(word, &mut words, stage)?,
        "deny" => Parsed::Facts(vec![OrderEvent::Denied(Denial::Quantity)]),
        "give-up" => Parsed::Facts(vec![OrderEvent::GivenUp(GivenUp::Settled)]),
        "attempt" => {
            stage.attempts += 1;
            let (mut qty, mut replaces) = (None, None);
            while let Some(word) = words.next() {
                match word {
                    "anew" => replaces = Some(stage.replace.ok_or("no replace was asked for".to_owned())?),
                    text => qty = Some(Qty::from_str(text).map_err(|e| e.to_string())?),
                }
            }
            Parsed::Facts(vec![attempted_for(stage.attempts, qty, replaces)])
        }
        "cancel" | "cancel-ok" | "cancel-refused" | "cancel-unknown" | "cancel-not-sent" => cancel(word, stage)?,
        "replace" | "replace-ok" | "replace-refused" | "replace-unknown" | "replace-not-sent" => {
            replace(word, &mut words, stage)?
        }
        _ => Parsed::Facts(vec![about_attempt(word, number, &mut words, stage)?]),
    };
    words.end()?;
    Ok(parsed)
}

fn begin(word: &str, words: &mut Words<'_>, stage: &mut Stage) -> Result<Parsed, Wrong> {
    let (qty, price) = words.qty_and_price()?;
    let mut terms = fixtures::limit(Side::Buy, qty, price.unwrap_or(fixtures::price("1000")));
    let mut history = Qty::ZERO;
    while let Some(word) = words.next() {
        match word {
            "sell" => terms.side = Side::Sell,
            "market" => terms.kind = OrderKind::Market,
            "reduce" => terms.intention = Intention::Reduce,
            "close-all" => (terms.intention, terms.qty) = (Intention::CloseAll, None),
            "history" => history = words.required("a quantity", Qty::from_str)?,
            other => terms.kind = conditional(other, price)?,
        }
    }
    let mut intent = fixtures::intent(1, terms);
    let events = match word {
        "intent" => Vec::new(),
        "adopt" => {
            stage.attempts = 1;
            intent.provenance = Provenance::Foreign;
            vec![OrderEvent::Adopted { cl_ord_id: attempt_id(1), history }]
        }
        _ => {
            stage.attempts = 1;
            vec![attempted(1, None)]
        }
    };
    Ok(Parsed::Begun(Box::new(intent), events))
}

/// `stop@95`, `profit@110` or `trail@1`, in percent. With a limit price it is a limit order from its trigger on.
fn conditional(word: &str, price: Option<Price>) -> Result<OrderKind, Wrong> {
    let surplus = || Wrong::Argument(format!("`{word}` is one word too many"));
    let (kind, at) = word.split_once('@').ok_or_else(surplus)?;
    if kind == "trail" {
        let callback_percent = parse_decimal(at).map_err(|e| e.to_string())?;
        return Ok(OrderKind::TrailingStopMarket { activation: None, callback_percent, by: TriggerBy::Last });
    }
    let trigger = Trigger { price: Price::from_str(at).map_err(|e| e.to_string())?, by: TriggerBy::Last, price_protect: false };
    let tif = TimeInForce::Gtc;
    Ok(match (kind, price) {
        ("stop", None) => OrderKind::StopMarket { trigger },
        ("stop", Some(price)) => OrderKind::StopLimit { trigger, price: price.into(), tif },
        ("profit", None) => OrderKind::TakeProfitMarket { trigger },
        ("profit", Some(price)) => OrderKind::TakeProfit { trigger, price: price.into(), tif },
        _ => return Err(surplus()),
    })
}

fn attempted(number: u8, qty: Option<Qty>) -> OrderEvent {
    attempted_for(number, qty, None)
}

/// An attempt that carries out a change, if it does.
fn attempted_for(number: u8, qty: Option<Qty>, replaces: Option<RequestId>) -> OrderEvent {
    let header = AttemptHeader {
        number: (number - 1).into(),
        timestamp: VenueTime(i64::from(number) * 100_000),
        recv_window_ms: 2_000,
        epoch: fixtures::EPOCH,
        qty,
        replaces,
    };
    OrderEvent::Attempted { cl_ord_id: attempt_id(number), header }
}

fn next_request(stage: &mut Stage) -> RequestId {
    stage.requests += 1;
    RequestId(stage.requests)
}

fn answer(word: &str) -> RequestState {
    match word.rsplit_once('-').map(|(_, how)| how) {
        Some("ok") => RequestState::Accepted,
        Some("refused") => RequestState::Refused(-2011),
        Some("sent") => RequestState::NotSent,
        _ => RequestState::Unknown,
    }
}

fn cancel(word: &str, stage: &mut Stage) -> Result<Parsed, Wrong> {
    if word == "cancel" {
        let request = next_request(stage);
        stage.cancel = Some(request);
        return Ok(Parsed::Facts(vec![OrderEvent::CancelRequested { request, only: None }]));
    }
    let request = stage.cancel.ok_or("no cancel was asked for".to_owned())?;
    Ok(Parsed::Facts(vec![OrderEvent::CancelAnswered { request, state: answer(word) }]))
}

fn replace(word: &str, words: &mut Words<'_>, stage: &mut Stage) -> Result<Parsed, Wrong> {
    if word == "replace" {
        let (qty, price) = words.qty_and_price()?;
        let request = next_request(stage);
        stage.replace = Some(request);
        let (mut trigger, mut how) = (None, ReplaceHow::InPlace);
        while let Some(word) = words.next() {
            match word {
                "trigger" => trigger = Some(words.required("a price", Price::from_str)?),
                "anew" => how = ReplaceHow::NewAttempt,
                other => return Err(format!("`{other}` is one word too many").into()),
            }
        }
        let terms = LiveTerms { qty, price, trigger };
        return Ok(Parsed::Facts(vec![OrderEvent::ReplaceRequested { request, terms, how }]));
    }
    let request = stage.replace.ok_or("no replace was asked for".to_owned())?;
    Ok(Parsed::Facts(vec![OrderEvent::ReplaceAnswered { request, state: answer(word) }]))
}

fn about_attempt(word: &str, number: u8, words: &mut Words<'_>, stage: &Stage) -> Result<OrderEvent, Wrong> {
    if number == 0 || number > stage.attempts.max(1) {
        return Err(format!("there is no attempt {number}").into());
    }
    let cl_ord_id = attempt_id(number);
    Ok(match word {
        "doubt" => OrderEvent::Doubted { cl_ord_id, since: Timestamp::from_ms(1) },
        "ack" => OrderEvent::Accepted { cl_ord_id, order_id: words.optional(OrderId::new)?, algo_id: None },
        "algo" => OrderEvent::Accepted { cl_ord_id, order_id: None, algo_id: words.optional(AlgoId::new)? },
        "reject" => {
            let code = words.optional(|text| text.parse().map_err(|_| format!("`{text}` is not a code")))?.unwrap_or(-2019);
            let rejection = Rejection { class: RejectClass::Funds, code, text: "no".to_owned() };
            OrderEvent::Rejected { cl_ord_id, rejection }
        }
        "dies" => {
            let rejection = Rejection { class: RejectClass::State, code: Rejection::REPORTED, text: "margin".to_owned() };
            OrderEvent::Rejected { cl_ord_id, rejection }
        }
        "not-sent" => OrderEvent::NotSent { cl_ord_id, why: NotSent::TooOld },
        "dead" => OrderEvent::Dead { cl_ord_id, proof: death_proof(number)? },
        "vanished" => {
            let proof = VanishedProof::new(VenueTime(0), 1_000, VenueTime(1_000), VenueTime(2_000)).map_err(|e| e.to_string())?;
            OrderEvent::Vanished { cl_ord_id, proof }
        }
        "activate" => OrderEvent::Activated { cl_ord_id },
        "trigger" => OrderEvent::Triggered { cl_ord_id },
        "fill" => OrderEvent::Executed { cl_ord_id, fill: fill(words)? },
        "cum" => {
            let (qty, avg_px) = words.qty_and_price()?;
            OrderEvent::CumQty { cl_ord_id, qty, avg_px }
        }
        "terms" => {
            let (qty, price) = words.qty_and_price()?;
            let (mut at, mut trigger) = (1, None);
            while let Some(word) = words.next() {
                match word {
                    "at" => at = words.required("a time", |t| t.parse::<i64>())?,
                    "trigger" => trigger = Some(words.required("a price", Price::from_str)?),
                    other => return Err(format!("`{other}` is one word too many").into()),
                }
            }
            let version = TermsVersion { updated: VenueTime(at), request: RequestId(0) };
            OrderEvent::Terms { cl_ord_id, version, terms: LiveTerms { qty, price, trigger } }
        }
        "canceled" => OrderEvent::Canceled { cl_ord_id },
        "expired" => OrderEvent::Expired { cl_ord_id, reason: words.optional(reason)?.unwrap_or(ExpiryReason::Unstated) },
        other => return Err(Wrong::Word(other.to_owned())),
    })
}

fn death_proof(number: u8) -> Result<DeathProof, String> {
    let OrderEvent::Attempted { cl_ord_id, header } = attempted(number, None) else {
        return Err("an attempt is not an attempt".to_owned());
    };
    let attempt = fixtures::attempt(cl_ord_id, &header);
    let first = header.timestamp.plus_ms(5_000);
    DeathProof::new(&attempt, &FENCE, first, first.plus_ms(1_000)).map_err(|e| e.to_string())
}

fn reason(text: &str) -> Result<ExpiryReason, String> {
    Ok(match text {
        "self-trade" => ExpiryReason::SelfTrade,
        "not-fillable" => ExpiryReason::NotFillable,
        "would-take" => ExpiryReason::WouldTake,
        "time-up" => ExpiryReason::TimeUp,
        "nothing-to-close" => ExpiryReason::NothingToClose,
        "liquidation" => ExpiryReason::Liquidation,
        "delisted" => ExpiryReason::Delisted,
        other => return Err(format!("`{other}` is not a reason")),
    })
}

fn fill(words: &mut Words<'_>) -> Result<Fill, Wrong> {
    let trade_id = words.required("a trade id", TradeId::new)?;
    let (qty, price) = words.qty_and_price()?;
    let price = price.ok_or("a fill wants a quantity and a price, as in 4@100".to_owned())?;
    let at = VenueTime(1_000);
    let mut fill = Fill { trade_id, price, qty, side: Side::Buy, maker: false, leg: None, fee: None, realized: None, at };
    while let Some(word) = words.next() {
        match word {
            "sell" => fill.side = Side::Sell,
            "maker" => fill.maker = true,
            "pnl" => fill.realized = Some(words.required("an amount", Amount::from_str)?),
            "fee" => {
                let amount = words.required("an amount", Amount::from_str)?;
                fill.fee = Some(Fee { amount, asset: Asset::new("USDT").map_err(|e| e.to_string())? });
            }
            other => return Err(format!("`{other}` is one word too many").into()),
        }
    }
    Ok(fill)
}

/// The arguments of a step.
struct Words<'a>(SplitWhitespace<'a>);

impl<'a> Words<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }
    fn optional<T, E: ToString>(&mut self, read: impl FnOnce(&'a str) -> Result<T, E>) -> Result<Option<T>, String> {
        self.next().map(|text| read(text).map_err(|e| e.to_string())).transpose()
    }
    fn required<T, E: ToString>(&mut self, what: &str, read: impl FnOnce(&'a str) -> Result<T, E>) -> Result<T, String> {
        self.optional(read)?.ok_or_else(|| format!("wants {what}"))
    }
    /// `4` or `4@100`.
    fn qty_and_price(&mut self) -> Result<(Qty, Option<Price>), String> {
        let text = self.next().ok_or("wants a quantity and a price, as in 4@100".to_owned())?;
        let (qty, price) = match text.split_once('@') {
            Some((qty, price)) => (qty, Some(price)),
            None => (text, None),
        };
        let price = price.map(Price::from_str).transpose().map_err(|e| e.to_string())?;
        Ok((Qty::from_str(qty).map_err(|e| e.to_string())?, price))
    }
    fn end(mut self) -> Result<(), String> {
        self.next().map_or(Ok(()), |word| Err(format!("`{word}` is one word too many")))
    }
}
