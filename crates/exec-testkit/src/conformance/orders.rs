//! Orders as they should go: taken in, filled, changed, cancelled, and found again. Refusals and doubt have checks of their own.

use std::collections::BTreeSet;

use exec_core::{
    ids::ClOrdId,
    report::VenueStatus,
    terms::OrderKind,
    units::{PositionSide, Qty, Side},
    venue::{Attempt, Batch, Cancel, CancelAll, CommandError, OrderRef, RejectClass, TradesFrom},
};

use super::{
    Checked, Stop,
    room::{Room, by_number, expect, good},
};

pub(super) async fn instruments_can_be_traded(room: &Room) -> Checked {
    let (profile, listed) = (room.profile(), good(room.venue().instruments().await, "the instruments can be read")?);
    let ids: BTreeSet<_> = listed.iter().map(|instrument| &instrument.id).collect();
    expect(ids.len() == listed.len(), "no instrument is listed twice", &ids)?;
    for instrument in &listed {
        expect(instrument.id.venue() == profile.name, "an instrument's id ends in the profile's name", &instrument.id)?;
        let steps = [instrument.price.step, instrument.lot.step];
        expect(steps.iter().all(|step| step.is_sign_positive() && !step.is_zero()), "prices and lots have steps", instrument)?;
    }
    expect((1..=36).contains(&profile.cl_ord_id_max), "an id has 1 to 36 characters", &profile.cl_ord_id_max)?;
    expect(!profile.modes.is_empty(), "there is a position mode", profile)
}

pub(super) async fn a_limit_order_rests_and_is_found(room: &Room) -> Checked {
    let (attempt, report) = room.place(room.resting().await?).await?;
    expect(report.cl_ord_id == Some(attempt.cl_ord_id), "the answer echoes the client order id", &report)?;
    expect(
        (report.status, &report.instrument, report.side) == (VenueStatus::New, room.id(), Side::Buy),
        "the answer is a new buy of the instrument",
        &report,
    )?;
    expect(report.order_id.is_some(), "the answer says the venue's number", &report)?;
    expect(report.leg.is_none_or(|leg| leg == room.leg()), "the leg is the one asked for", &report)?;
    let named = room.named(&attempt);
    for (how, reference) in [("its client id", named.clone()), ("the venue's number", by_number(&report, &named))] {
        let found = room.found(&reference).await?;
        expect(
            (found.cl_ord_id, found.order_id, found.status) == (Some(attempt.cl_ord_id), report.order_id, VenueStatus::New),
            &format!("the order is found by {how}, as it was answered"),
            &found,
        )?;
        expect(found.qty == attempt.terms.qty && found.kind == Some(attempt.terms.kind), "it is found as asked for", &found)?;
        expect(found.cum_qty.is_none_or(|cum| cum.is_zero()), "nothing is executed", &found)?;
    }
    let open = room.mass_status().await?.open_orders;
    let mine: Vec<_> = open.iter().filter(|order| order.cl_ord_id == Some(attempt.cl_ord_id)).collect();
    expect(mine.len() == 1 && open.len() == 1, "the open orders are this one", &open)
}

pub(super) async fn a_market_order_fills_and_is_found(room: &Room) -> Checked {
    let began = room.before();
    let (attempt, report) = room.place(room.market(Side::Buy)).await?;
    expect(report.cl_ord_id == Some(attempt.cl_ord_id), "the answer echoes the client order id", &report)?;
    let found = room
        .eventually("the order is filled", async || {
            let found = room.found(&room.named(&attempt)).await?;
            Ok(if found.status == VenueStatus::Filled { Ok(found) } else { Err(format!("{found:?}")) })
        })
        .await?;
    expect(found.cum_qty == attempt.terms.qty, "all of it is executed", &found)?;
    room.holds(room.leg(), room.qty().get()).await?;
    let trades = room.trades(TradesFrom::Time(began)).await?;
    let sum = trades.iter().fold(Qty::ZERO, |sum, trade| sum.plus(trade.fill.qty));
    expect(sum == room.qty(), "its trades add up to its quantity", &trades)?;
    let of_it = |trade: &&exec_core::report::TradeReport| Some(trade.order_id) == found.order_id && trade.fill.side == Side::Buy;
    expect(trades.iter().all(|trade| of_it(&trade)), "each trade names the order and its side", &trades)
}

pub(super) async fn a_cancel_ends_an_order_once(room: &Room) -> Checked {
    let (attempt, _) = room.place(room.resting().await?).await?;
    let named = room.named(&attempt);
    let report = good(room.cancel(named.clone()).await?, "a cancel of a resting order is carried out")?;
    expect(report.cl_ord_id == Some(attempt.cl_ord_id), "the answer is about the order, under its own id", &report)?;
    let found = room
        .eventually("the order is cancelled", async || {
            let found = room.found(&named).await?;
            Ok(if found.status == VenueStatus::Canceled { Ok(found) } else { Err(format!("{found:?}")) })
        })
        .await?;
    expect(found.cum_qty.is_none_or(|cum| cum.is_zero()), "nothing is executed", &found)?;
    let again = room.cancel(named).await?;
    not_on_book(&again, "a second cancel is refused as `NotOnBook`")?;
    let open = room.mass_status().await?.open_orders;
    expect(open.is_empty(), "nothing is open", &open)
}

pub(super) async fn a_cancel_of_what_never_was_settles_nothing(room: &Room) -> Checked {
    let never = room.attempt(room.resting().await?)?;
    let answer = room.cancel(room.named(&never)).await?;
    not_on_book(&answer, "a cancel of an order that never was is refused as `NotOnBook`")?;
    room.absent(&never).await
}

fn not_on_book(answer: &exec_core::venue::CommandResult, expected: &str) -> Checked {
    let is = matches!(answer, Err(CommandError::Rejected(rejection)) if rejection.class == RejectClass::NotOnBook);
    expect(is, expected, answer)
}

pub(super) async fn a_change_keeps_the_order_and_echoes_its_request(room: &Room) -> Checked {
    if !room.profile().replace {
        return Err(Stop::Skipped("the profile has no changes".into()));
    }
    let (attempt, placed) = room.place(room.resting().await?).await?;
    let named = room.named(&attempt);
    let (qty, price) = (room.qty().plus(room.qty()), room.priced(91).await?);
    let (request, answer) = room.replace(named.clone(), qty, price).await?;
    let changed = good(answer, "a change of a resting order is carried out")?;
    expect(changed.replaced_by == Some(request), "the answer echoes the request", &changed)?;
    expect(changed.order_id == placed.order_id, "the order keeps its number", &changed)?;
    let found = room.found(&named).await?;
    let kind_price = found.kind.and_then(|kind| kind.price());
    expect((found.qty, kind_price) == (Some(qty), Some(price)), "it is found with the new quantity and price", &found)?;
    good(room.cancel(named.clone()).await?, "the changed order can be cancelled")?;
    let (_, answer) = room.replace(named, qty, price).await?;
    not_on_book(&answer, "a change of a cancelled order is refused as `NotOnBook`")
}

pub(super) async fn cancel_all_takes_all(room: &Room) -> Checked {
    for _ in 0..3 {
        room.place(room.resting().await?).await?;
    }
    // The second finds nothing, and that is no failure.
    for _ in 0..2 {
        let scope = CancelAll { request: room.request(), instrument: room.id().clone() };
        good(room.within("cancel_all", room.venue().cancel_all(scope)).await?, "a cancel of everything is carried out")?;
        room.eventually("nothing is open", async || {
            let open = room.mass_status().await?.open_orders;
            Ok(if open.is_empty() { Ok(()) } else { Err(format!("{open:?}")) })
        })
        .await?;
    }
    Ok(())
}

pub(super) async fn a_batch_answers_each_in_order(room: &Room) -> Checked {
    if room.profile().batch_max < 2 {
        return Err(Stop::Skipped("the profile has no batches".into()));
    }
    let fine = room.attempt(room.resting().await?)?;
    let mut bad = room.attempt(room.resting().await?)?;
    bad.terms.qty = Qty::new(room.qty().get() + room.instrument.lot.step / rust_decimal::Decimal::TEN).ok();
    let results = room.within("batch", room.venue().batch(Batch::Submit(vec![bad.clone(), fine.clone()]))).await?;
    expect(results.len() == 2, "there is one result for each", &results)?;
    expect(matches!(results[0], Err(CommandError::Rejected(_))), "the first, off the grid, is refused", &results)?;
    let good_one = matches!(&results[1], Ok(report) if report.cl_ord_id == Some(fine.cl_ord_id));
    expect(good_one, "the second is taken in under its id", &results)?;
    room.absent(&bad).await?;
    let (request, order) = (room.request(), room.named(&fine));
    let results = room.within("batch", room.venue().batch(Batch::Cancel(vec![Cancel { request, order }]))).await?;
    expect(results.len() == 1 && results[0].is_ok(), "a batch of one cancel cancels it", &results)
}

pub(super) async fn the_longest_id_comes_back_whole(room: &Room) -> Checked {
    let mut attempt = room.attempt(room.resting().await?)?;
    let text: String = "Zz-9_y".chars().cycle().take(room.profile().cl_ord_id_max).collect();
    attempt.cl_ord_id = good(ClOrdId::new(&text), "an id of the profile's length is one")?;
    let report = good(room.submit(&attempt).await?, "an order with the longest id is taken in")?;
    expect(report.cl_ord_id == Some(attempt.cl_ord_id), "the answer echoes it whole", &report)?;
    let found = room.found(&room.named(&attempt)).await?;
    expect(found.cl_ord_id == Some(attempt.cl_ord_id), "and so does a query", &found)?;
    good(room.cancel(room.named(&attempt)).await?, "it can be cancelled by that id").map(|_| ())
}

pub(super) async fn both_legs_stand_side_by_side(room: &Room) -> Checked {
    let qty = room.qty().get();
    let on = |leg, side| exec_core::terms::Terms { leg, ..room.market(side) };
    room.place(on(PositionSide::Long, Side::Buy)).await?;
    room.place(on(PositionSide::Short, Side::Sell)).await?;
    room.place(on(PositionSide::Short, Side::Sell)).await?;
    room.holds(PositionSide::Long, qty).await?;
    room.holds(PositionSide::Short, -qty - qty).await?;
    let status = room.mass_status().await?;
    let legs: Vec<_> = status.positions.iter().filter(|p| !p.qty.is_zero()).map(|p| (p.leg, p.qty.get())).collect();
    let expected = legs.contains(&(PositionSide::Long, qty)) && legs.contains(&(PositionSide::Short, -qty - qty));
    expect(expected && legs.len() == 2, "the mass status has both legs, the short below zero", &status.positions)?;
    let close = exec_core::terms::Terms { leg: PositionSide::Short, ..room.closing(Side::Buy, OrderKind::Market) };
    room.place(close).await?;
    room.holds(PositionSide::Short, -qty).await?;
    room.holds(PositionSide::Long, qty).await
}

/// What a reference and an attempt have in common is used by other checks as well.
pub(super) fn reference(room: &Room, attempt: &Attempt, algo: Option<exec_core::ids::AlgoId>) -> OrderRef {
    OrderRef { algo_id: algo, ..room.named(attempt) }
}
