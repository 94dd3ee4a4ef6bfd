//! Answers about one order, through the adapter as it trades: a confirmation is about the order that was meant, a refusal is the
//! venue's own, and everything else is unknown.

use exec_core::{
    ids::{ClOrdId, Epoch, InstrumentId, RequestId},
    report::OrderReport,
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionSide, Price, Qty, Side},
    venue::{Attempt, Batch, Cancel, CommandError, CommandResult, ExecutionVenue, Lookup, OrderRef, Replace},
};
use serde_json::Value;

use crate::{
    exchange::{NOW_MS, Script, with_venue},
    refusals::{UNKNOWN, can_refuse, code, split},
    untyped,
};

const ID: &str = "EXEC-0000000000000000000001";
const NOW: VenueTime = VenueTime(NOW_MS as i64);

/// The answer to a command or a question.
pub(crate) fn reply(bytes: &[u8]) {
    let Some((which, status, body)) = split(bytes) else { return };
    let script = Script { path: None, status, body: body.to_vec(), others: |_| "[]" };
    // What is no text is no answer.
    let body = std::str::from_utf8(body).unwrap_or_default();
    match which % 6 {
        0 => told(status, body, &with_venue(script, async |venue| venue.submit(attempt(limit())).await)),
        1 => told(status, body, &with_venue(script, async |venue| venue.submit(attempt(stop())).await)),
        2 => told(status, body, &with_venue(script, async |venue| venue.replace(replace()).await)),
        3 => {
            let cancel = Cancel { request: RequestId(7), order: order() };
            told(status, body, &with_venue(script, async |venue| venue.cancel(cancel).await));
        }
        4 => {
            let batch = Batch::Submit(vec![attempt(limit()), attempt(limit())]);
            told_each(status, body, &with_venue(script, async |venue| venue.batch(batch).await));
        }
        _ => match with_venue(script, async |venue| venue.order_status(order()).await) {
            Ok(Lookup::Absent) => {
                let stated = code(body) == Some(-2013) || untyped::is_beyond(body);
                assert!((400..500).contains(&status) && stated, "{status}: an absence is made up from {body}");
            }
            Ok(Lookup::Found(report)) => ours(&report),
            Err(_) => (),
        },
    }
}

fn told(status: u16, body: &str, result: &CommandResult) {
    match result {
        Ok(report) => {
            assert!((200..300).contains(&status), "{status}: a success is made up");
            ours(report);
        }
        Err(CommandError::Rejected(refusal)) => {
            assert!(can_refuse(status, body, refusal.code), "{status}: a refusal is made up from {body}");
        }
        Err(CommandError::Unknown { .. }) => (),
        Err(CommandError::NotSent(why)) => panic!("it was sent and answered, and is called not sent: {why}"),
    }
}

/// Each item of a batch has an outcome of its own.
fn told_each(status: u16, body: &str, results: &[CommandResult]) {
    assert_eq!(results.len(), 2, "an item without an outcome");
    let rows = untyped::value(body).filter(Value::is_array);
    for (at, result) in results.iter().enumerate() {
        match (result, rows.as_ref().map(|rows| &rows[at])) {
            (Err(CommandError::Rejected(refusal)), Some(row)) if (200..300).contains(&status) => {
                let stated = row["code"].as_i64();
                assert!(stated == Some(refusal.code) && !UNKNOWN.contains(&refusal.code), "a refusal is made up from {row}");
            }
            (Err(CommandError::Rejected(_)), None) if untyped::is_beyond(body) => (),
            (result, _) => told(status, body, result),
        }
    }
}

/// The report is about the order that was meant.
fn ours(report: &OrderReport) {
    assert_eq!((report.instrument.clone(), report.cl_ord_id), (instrument(), Some(id())), "a report about another order");
}

fn id() -> ClOrdId {
    ClOrdId::new(ID).expect("an id")
}

fn instrument() -> InstrumentId {
    InstrumentId::new("币安人生USDT-PERP.BINANCE").expect("an instrument")
}

fn qty() -> Qty {
    "1".parse().expect("a quantity")
}

fn price() -> Price {
    "100".parse().expect("a price")
}

fn limit() -> Terms {
    Terms {
        instrument: instrument(),
        side: Side::Buy,
        leg: PositionSide::Net,
        intention: Intention::Open,
        qty: Some(qty()),
        kind: OrderKind::Limit { price: price().into(), tif: TimeInForce::Gtc },
        stp: None,
    }
}

fn stop() -> Terms {
    let trigger = Trigger { price: price(), by: TriggerBy::Last, price_protect: false };
    Terms { side: Side::Sell, intention: Intention::Reduce, kind: OrderKind::StopMarket { trigger }, ..limit() }
}

fn attempt(terms: Terms) -> Attempt {
    Attempt { cl_ord_id: id(), terms, timestamp: NOW, recv_window_ms: 2_000, epoch: Epoch(1), begin_by: NOW.plus_ms(2_000) }
}

fn order() -> OrderRef {
    OrderRef {
        instrument: instrument(),
        cl_ord_id: Some(id()),
        order_id: None,
        algo_id: None,
        conditional: false,
        triggered: false,
        since: NOW,
    }
}

fn replace() -> Replace {
    Replace {
        request: RequestId(7),
        order: order(),
        side: Side::Buy,
        qty: qty(),
        price: price(),
        timestamp: NOW,
        recv_window_ms: 2_000,
    }
}
