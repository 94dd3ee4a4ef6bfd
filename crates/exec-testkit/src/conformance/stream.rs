//! The private stream: what happens after a session is open is told through it, to every session, and its end is told too.

use exec_core::{
    ids::{ClOrdId, TradeId},
    report::{Report, ReportBody, VenueStatus},
    terms::OrderKind,
    units::{Qty, Side},
    venue::TradesFrom,
};

use super::{
    Checked, Hand,
    room::{Room, expect, good},
};

fn order_is(body: &ReportBody, id: ClOrdId, status: impl Fn(VenueStatus) -> bool) -> bool {
    matches!(body, ReportBody::Order(order) if order.cl_ord_id == Some(id) && status(order.status))
}

pub(super) async fn an_orders_life_is_told(room: &Room) -> Checked {
    let mut feed = room.feed().await?;
    let (attempt, placed) = room.place(room.resting().await?).await?;
    let id = attempt.cl_ord_id;
    let heard = room.hear(&mut feed, "a new order is told", |body| order_is(body, id, |s| s == VenueStatus::New)).await?;
    let same = matches!(heard.last(), Some(Report { body: ReportBody::Order(o), .. }) if o.order_id == placed.order_id);
    expect(same, "it is told under the number that was answered", &heard.last())?;
    good(room.cancel(room.named(&attempt)).await?, "a cancel is carried out")?;
    room.hear(&mut feed, "its cancel is told", |body| order_is(body, id, |s| s == VenueStatus::Canceled)).await.map(|_| ())
}

pub(super) async fn fills_are_told_as_the_trade_list_has_them(room: &Room) -> Checked {
    let mut feed = room.feed().await?;
    let began = room.before();
    let (attempt, _) = room.place(room.market(Side::Buy)).await?;
    let id = attempt.cl_ord_id;
    let heard = room.hear(&mut feed, "the filled order is told", |body| order_is(body, id, |s| s == VenueStatus::Filled)).await?;
    let told: Vec<(TradeId, Qty)> = heard
        .iter()
        .filter_map(|report| match &report.body {
            ReportBody::Order(order) if order.cl_ord_id == Some(id) => order.fill.as_ref(),
            _ => None,
        })
        .map(|fill| (fill.trade_id, fill.qty))
        .collect();
    let listed: Vec<(TradeId, Qty)> =
        room.trades(TradesFrom::Time(began)).await?.iter().map(|trade| (trade.fill.trade_id, trade.fill.qty)).collect();
    expect(
        told == listed && !told.is_empty(),
        "each trade is told once, with the number and quantity of the list",
        &(told, listed),
    )
}

pub(super) async fn every_session_is_told_everything(room: &Room) -> Checked {
    let (mut first, mut second) = (room.feed().await?, room.feed().await?);
    let (attempt, _) = room.place(room.market(Side::Buy)).await?;
    for feed in [&mut first, &mut second] {
        let filled = |body: &ReportBody| order_is(body, attempt.cl_ord_id, |s| s == VenueStatus::Filled);
        room.hear(feed, "two sessions overlap, and each is told of the fill", filled).await?;
    }
    Ok(())
}

pub(super) async fn the_account_is_told(room: &Room) -> Checked {
    let mut feed = room.feed().await?;
    room.place(room.market(Side::Buy)).await?;
    let qty = room.qty().get();
    let held = |body: &ReportBody| {
        let ReportBody::Account(account) = body else { return false };
        account.positions.iter().any(|p| p.instrument == *room.id() && p.leg == room.leg() && p.qty.get() == qty)
    };
    room.hear(&mut feed, "the new position is told", held).await?;
    room.place(room.closing(Side::Sell, OrderKind::Market)).await?;
    let flat = |body: &ReportBody| {
        let ReportBody::Account(account) = body else { return false };
        account.positions.iter().any(|p| p.instrument == *room.id() && p.leg == room.leg() && p.qty.is_zero())
    };
    room.hear(&mut feed, "a leg that is flat again is told as zero", flat).await.map(|_| ())
}

pub(super) async fn hands_from_outside_are_told(room: &Room) -> Checked {
    let mut feed = room.feed().await?;
    room.hand(Hand::Trade(Side::Buy, room.qty())).await?;
    let mut sum = Qty::ZERO;
    let filled = |body: &ReportBody| {
        if let ReportBody::Order(order) = body {
            sum = sum.plus(order.fill.as_ref().map_or(Qty::ZERO, |fill| fill.qty));
        }
        sum == room.qty()
    };
    room.hear(&mut feed, "the owner's own trade is told", filled).await.map(|_| ())
}

pub(super) async fn a_dropped_session_leaves_the_others(room: &Room) -> Checked {
    let (first, mut second) = (room.feed().await?, room.feed().await?);
    drop(first);
    let (attempt, _) = room.place(room.market(Side::Buy)).await?;
    let filled = |body: &ReportBody| order_is(body, attempt.cl_ord_id, |s| s == VenueStatus::Filled);
    room.hear(&mut second, "the session that is left is told of the fill", filled).await.map(|_| ())
}

pub(super) async fn a_cut_stream_ends_and_another_opens(room: &Room) -> Checked {
    let mut feed = room.feed().await?;
    room.hand(Hand::CutStream).await?;
    end(room, &mut feed, "a session that is cut ends in an error").await?;
    let again = room.within("next after the end", feed.next()).await?;
    expect(again.is_err(), "and stays ended", &again)?;
    let mut feed = room.feed().await?;
    let (attempt, _) = room.place(room.market(Side::Buy)).await?;
    let filled = |body: &ReportBody| order_is(body, attempt.cl_ord_id, |s| s == VenueStatus::Filled);
    room.hear(&mut feed, "a session opened afterwards is told of the fill", filled).await.map(|_| ())
}

pub(super) async fn an_ending_is_told(room: &Room) -> Checked {
    let mut feed = room.feed().await?;
    room.hand(Hand::EndStream).await?;
    let told = |body: &ReportBody| matches!(body, ReportBody::Ending { .. });
    room.hear(&mut feed, "an end that the venue announces is told as `Ending`", told).await.map(|_| ())
}

/// Reads a session to its end.
pub(super) async fn end(room: &Room, feed: &mut Box<dyn exec_core::venue::ReportFeed>, expected: &str) -> Checked {
    for _ in 0..1_000 {
        if room.within(expected, feed.next()).await?.is_err() {
            return Ok(());
        }
    }
    expect(false, expected, &"a thousand events")
}
