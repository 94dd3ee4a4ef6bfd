//! Conditional orders, where the profile has them: one order from its placing to its last fill.

use exec_core::{
    report::{ReportBody, VenueStatus},
    terms::{OrderKind, Trigger, TriggerBy},
    units::{Qty, Side},
    venue::{CommandError, Lookup, RejectClass},
};
use rust_decimal::Decimal;

use super::{
    Checked, Hand, Stop,
    orders::reference,
    room::{Room, expect, good},
};

async fn stop(room: &Room) -> Result<exec_core::terms::Terms, Stop> {
    if !room.profile().conditional {
        return Err(Stop::Skipped("the profile has no conditional orders".into()));
    }
    let trigger = Trigger { price: room.priced(95).await?, by: TriggerBy::Last, price_protect: false };
    Ok(room.closing(Side::Sell, OrderKind::StopMarket { trigger }))
}

pub(super) async fn a_conditional_order_waits_and_is_cancelled(room: &Room) -> Checked {
    let terms = stop(room).await?;
    room.place(room.market(Side::Buy)).await?;
    room.holds(room.leg(), room.qty().get()).await?;
    let (attempt, report) = room.place(terms).await?;
    expect(report.cl_ord_id == Some(attempt.cl_ord_id), "the answer echoes the client order id", &report)?;
    expect(report.status == VenueStatus::New, "it waits", &report)?;
    let open = room.mass_status().await?.open_orders;
    let waits = matches!(&open[..], [one] if one.cl_ord_id == Some(attempt.cl_ord_id) && one.kind == Some(attempt.terms.kind));
    expect(waits, "the open orders are this one, with its trigger", &open)?;
    let named = reference(room, &attempt, report.algo_id);
    let found = room.found(&named).await?;
    expect(found.status == VenueStatus::New && found.kind == Some(attempt.terms.kind), "it is found waiting", &found)?;
    good(room.cancel(named.clone()).await?, "a waiting order can be cancelled")?;
    let again = room.cancel(named.clone()).await?;
    let settled = matches!(&again, Err(CommandError::Rejected(r)) if r.class == RejectClass::NotOnBook);
    expect(settled, "a second cancel is refused as `NotOnBook`", &again)?;
    let looked = room.look(&named).await?;
    let over = match &looked {
        Ok(Lookup::Found(report)) => report.status == VenueStatus::Canceled,
        Ok(Lookup::Absent) => true,
        Err(_) => false,
    };
    expect(over, "it is found cancelled, or nowhere any more", &looked)?;
    room.holds(room.leg(), room.qty().get()).await
}

pub(super) async fn a_condition_that_is_met_fills_one_order(room: &Room) -> Checked {
    let terms = stop(room).await?;
    room.place(room.market(Side::Buy)).await?;
    room.holds(room.leg(), room.qty().get()).await?;
    let mut feed = room.feed().await?;
    let (attempt, report) = room.place(terms).await?;
    room.hand(Hand::Move(room.priced(94).await?)).await?;
    let mut filled = Qty::ZERO;
    let whole = |body: &ReportBody| {
        if let ReportBody::Order(order) = body
            && order.cl_ord_id == Some(attempt.cl_ord_id)
        {
            filled = filled.plus(order.fill.as_ref().map_or(Qty::ZERO, |fill| fill.qty));
        }
        filled == room.qty()
    };
    room.hear(&mut feed, "its fills are told under its own client id", whole).await?;
    room.holds(room.leg(), Decimal::ZERO).await?;
    let found = room.found(&reference(room, &attempt, report.algo_id)).await?;
    expect(found.cum_qty == Some(room.qty()), "what is found under its id is what was executed", &found)?;
    let open = room.mass_status().await?.open_orders;
    expect(open.is_empty(), "nothing is open", &open)
}
