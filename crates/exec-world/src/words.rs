//! Inputs, requests and answers in one line each, for the trace. Nothing reads them but people.

use exec_core::{
    conversation::{Answer, Input, Outcome, Query, Request},
    record::Record,
    report::ReportBody,
    venue::{CommandResult, Lookup},
};

pub(crate) fn short_request(request: &Request) -> String {
    match request {
        Request::Submit { id, attempt } => {
            let t = &attempt.terms;
            format!("submit {id} {} {:?} {:?} {:?} {:?} {:?}", attempt.cl_ord_id, t.side, t.leg, t.intention, t.qty, t.kind)
        }
        Request::Replace(r) => format!("replace {} {:?} to {}@{}", r.request, r.order.cl_ord_id, r.qty, r.price),
        Request::Cancel(c) => format!("cancel {} {:?}", c.request, c.order.cl_ord_id),
        Request::Batch { ids, .. } => format!("batch of {}", ids.len()),
        Request::Countdown(c) => format!("countdown {} {} {} ms", c.request, c.instrument, c.after_ms),
        Request::CancelAll(c) => format!("cancel-all {} {}", c.request, c.instrument),
    }
}

pub(crate) fn short_result(result: &CommandResult) -> String {
    match result {
        Ok(report) => format!("{:?} order {:?} cum {:?}", report.status, report.order_id, report.cum_qty),
        Err(error) => format!("{error}"),
    }
}

pub(crate) fn short_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Order(result) => short_result(result),
        Outcome::All(result) => format!("{result:?}"),
    }
}

pub(crate) fn short_query(query: &Query) -> String {
    match query {
        Query::Order(order) => format!("order {:?} {:?}", order.cl_ord_id, order.order_id),
        Query::Mass(all) => format!("mass {}", all.len()),
        Query::Positions(all) => format!("positions {}", all.len()),
        Query::Trades { instrument, from } => format!("trades {instrument} {from:?}"),
        Query::Restrictions(all) => format!("restrictions {}", all.len()),
    }
}

pub(crate) fn short_answer(answer: &Answer) -> String {
    match answer {
        Answer::Order(Ok(Lookup::Found(r))) => {
            format!("found {:?} {:?} cum {:?}", r.cl_ord_id, r.status, r.cum_qty)
        }
        Answer::Order(other) => format!("{other:?}"),
        Answer::Mass(Ok(m)) => {
            let positions: Vec<String> = m.positions.iter().map(|p| format!("{:?} {}", p.leg, p.qty)).collect();
            format!("mass: {} open, {positions:?}, high {:?}", m.open_orders.len(), m.high_water)
        }
        Answer::Positions(Ok(all)) => {
            let legs: Vec<String> = all.iter().map(|p| format!("{} {:?} {}", p.instrument, p.leg, p.qty)).collect();
            format!("positions {legs:?}")
        }
        Answer::Positions(Err(e)) => format!("{e}"),
        Answer::Mass(Err(e)) => format!("{e}"),
        Answer::Trades(Ok(t)) => {
            let ids: Vec<String> = t.trades.iter().map(|t| format!("{}/{}", t.order_id, t.fill.trade_id)).collect();
            format!("trades {ids:?}")
        }
        Answer::Trades(Err(e)) => format!("{e}"),
        Answer::Restrictions(told) => format!("{told:?}"),
    }
}

pub(crate) fn short_record(record: &Record) -> String {
    match record {
        Record::Order { intent, source, event, .. } => {
            let id = format!("{intent}");
            format!("{} {source:?} {event:?}", id.get(26..).unwrap_or_default())
        }
        other => format!("{other:?}"),
    }
}

pub(crate) fn short_input(input: &Input) -> String {
    match input {
        Input::Settings(all) => format!("settings {}", all.len()),
        Input::Instruments(all) => format!("instruments {}", all.len()),
        Input::Price(price) => format!("price {} {:?}", price.instrument, price.quote.bid),
        Input::Outcome { request, outcome } => format!("outcome {request}: {}", short_outcome(outcome)),
        Input::Answer { query, answer } => format!("answer {query}: {}", short_answer(answer)),
        Input::Report { session, report } => match &report.body {
            ReportBody::Order(o) => format!(
                "{session} order {:?} {:?} {:?} cum {:?} fill {:?}",
                o.cl_ord_id,
                o.order_id,
                o.status,
                o.cum_qty,
                o.fill.as_ref().map(|f| (f.trade_id, f.qty))
            ),
            ReportBody::Trade(t) => {
                format!("{session} trade {:?} {} {} {}", t.cl_ord_id, t.order_id, t.fill.trade_id, t.fill.qty)
            }
            ReportBody::Account(a) => {
                let positions: Vec<String> = a.positions.iter().map(|p| format!("{:?} {}", p.leg, p.qty)).collect();
                format!("{session} account {} {positions:?}", a.reason)
            }
            other => format!("{session} {other:?}"),
        },
        Input::Begin
        | Input::Clock(_)
        | Input::LinkUp(_)
        | Input::LinkDown { .. }
        | Input::Commands { .. }
        | Input::Operator { .. }
        | Input::Timer(_)
        | Input::Durable(_)
        | Input::JournalFailed(_)
        | Input::Drain
        | Input::Disarm
        | Input::LeaseAnswered(_)
        | Input::Alerted(_)
        | Input::KeyRights(_)
        | Input::Unwanted(_)
        | Input::CopyBehind(_)
        | Input::SlowCall { .. } => format!("{input:?}"),
    }
}
