//! What a venue's report says, as facts about one attempt. The only place where a report becomes facts.

use super::event::{LiveTerms, OrderEvent, TermsVersion};
use crate::{
    ids::{ClOrdId, RequestId, TradeId},
    plant::{Plant, planted},
    report::{OrderReport, TradeReport, VenueStatus},
    units::{PositionSide, Side},
    venue::{RejectClass, Rejection},
};
use alloc::vec::Vec;

/// The facts in a report about an order, oldest first: it exists, these are its terms, this much is executed, this is its end.
pub fn of_order_report(cl_ord_id: ClOrdId, report: &OrderReport, out: &mut Vec<OrderEvent>) {
    if report.status == VenueStatus::Rejected {
        let text = report.text.clone().unwrap_or_default();
        let rejection = Rejection { class: RejectClass::State, code: Rejection::REPORTED, text };
        out.push(OrderEvent::Rejected { cl_ord_id, rejection });
        return;
    }
    out.push(OrderEvent::Accepted { cl_ord_id, order_id: report.order_id, algo_id: report.algo_id });
    if report.activated {
        out.push(OrderEvent::Activated { cl_ord_id });
    }
    if matches!(report.status, VenueStatus::Triggering | VenueStatus::Triggered | VenueStatus::Finished) {
        out.push(OrderEvent::Triggered { cl_ord_id });
    }
    // An order that closes all has no quantity of its own; once it is filled, what was executed was all of it.
    let filled = report.cum_qty.filter(|_| report.status == VenueStatus::Filled);
    // From the trigger on, the ordinary order's terms count; the conditional one repeats those of its placement.
    let past = matches!(report.status, VenueStatus::Triggering | VenueStatus::Triggered | VenueStatus::Finished);
    if let Some(qty) = report.qty.or(filled).filter(|q| !q.is_zero() && !past) {
        let version = TermsVersion { updated: report.updated, request: report.replaced_by.unwrap_or(RequestId(0)) };
        let kind = report.kind.as_ref();
        let terms = LiveTerms { qty, price: kind.and_then(|k| k.price()), trigger: kind.and_then(|k| k.trigger_price()) };
        // An ended order keeps the terms it had, a change that came before its end included; some venues print zeros there.
        if !report.status.is_final() || terms.price.is_none_or(|price| !price.is_zero()) {
            out.push(OrderEvent::Terms { cl_ord_id, version, terms });
        }
    }
    if let Some(fill) = &report.fill {
        let mut fill = fill.clone();
        if planted(Plant::LegFromSide) && fill.leg.is_some_and(|leg| leg != PositionSide::Net) {
            fill.leg = Some(if fill.side == Side::Buy { PositionSide::Long } else { PositionSide::Short });
        }
        out.push(OrderEvent::Executed { cl_ord_id, fill });
    }
    if let Some(qty) = report.cum_qty.filter(|q| !q.is_zero()) {
        out.push(OrderEvent::CumQty { cl_ord_id, qty, avg_px: report.avg_px });
    }
    match report.status {
        VenueStatus::Canceled => out.push(OrderEvent::Canceled { cl_ord_id }),
        VenueStatus::Expired(reason) => out.push(OrderEvent::Expired { cl_ord_id, reason }),
        // Filled follows from the quantity; the others are not endings.
        VenueStatus::New
        | VenueStatus::PartiallyFilled
        | VenueStatus::Filled
        | VenueStatus::Rejected
        | VenueStatus::Triggering
        | VenueStatus::Triggered
        | VenueStatus::Finished
        | VenueStatus::Unrecognised => (),
    }
}

/// The facts in a report about a trade: its order exists, and this is executed.
pub fn of_trade_report(cl_ord_id: ClOrdId, report: &TradeReport, out: &mut Vec<OrderEvent>) {
    out.push(OrderEvent::Accepted { cl_ord_id, order_id: Some(report.order_id), algo_id: None });
    let mut fill = report.fill.clone();
    if planted(Plant::TradeTwice)
        && let Ok(other) = TradeId::new(&alloc::format!("{}0", fill.trade_id))
    {
        fill.trade_id = other;
    }
    out.push(OrderEvent::Executed { cl_ord_id, fill });
}
