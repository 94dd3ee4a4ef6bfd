//! Questions and their answers: absent is absent, a list is whole, and what others did is seen.

use exec_core::{
    report::TradeReport,
    terms::{OrderKind, Trigger, TriggerBy},
    units::{Qty, Side},
    venue::{OrderRef, TradesFrom},
};
use rust_decimal::Decimal;

use super::{
    Checked, Hand,
    room::{Room, expect, good, some},
};

/// Trades that the checks of lists make: more than a page of a venue with small pages.
const TRADES: usize = 7;

pub(super) async fn an_id_never_used_is_absent(room: &Room) -> Checked {
    let never = room.attempt(room.resting().await?)?;
    room.absent(&never).await?;
    if room.profile().conditional {
        let trigger = Trigger { price: room.priced(80).await?, by: TriggerBy::Last, price_protect: false };
        let never = room.attempt(room.closing(Side::Sell, OrderKind::StopMarket { trigger }))?;
        room.absent(&never).await?;
    }
    Ok(())
}

pub(super) async fn a_fresh_account_is_flat(room: &Room) -> Checked {
    let status = room.mass_status().await?;
    expect(status.mode == room.mode(), "the mode is the account's", &status.mode)?;
    let flat = status.open_orders.is_empty() && status.positions.iter().all(|position| position.qty.is_zero());
    expect(flat, "no orders, no positions", &status)?;
    let asked = status.high_water.iter().find(|(instrument, _)| instrument == room.id());
    expect(asked == Some(&(room.id().clone(), None)), "the instrument asked for has never traded: `None`", &status.high_water)?;
    expect(status.asked <= room.now().plus_ms(1_000), "it was asked for in the past", &status.asked)?;
    room.holds(room.leg(), Decimal::ZERO).await?;
    let trades = room.trades(TradesFrom::Time(exec_core::time::VenueTime(room.now().0 - 1_000))).await?;
    expect(trades.is_empty(), "there are no trades", &trades)
}

pub(super) async fn the_mass_status_holds_everything(room: &Room) -> Checked {
    let began = room.before();
    let (resting, _) = room.place(room.resting().await?).await?;
    room.place(room.market(Side::Buy)).await?;
    room.holds(room.leg(), room.qty().get()).await?;
    let status = room.mass_status().await?;
    let open: Vec<_> = status.open_orders.iter().map(|order| order.cl_ord_id).collect();
    expect(open == [Some(resting.cl_ord_id)], "the open orders are the one that rests", &status.open_orders)?;
    let held: Vec<_> = status.positions.iter().filter(|p| !p.qty.is_zero()).collect();
    let one = matches!(held[..], [p] if p.instrument == *room.id() && p.leg == room.leg() && p.qty.get() == room.qty().get());
    expect(one, "the positions are the one that was bought", &status.positions)?;
    expect(status.balances.iter().any(|b| !b.wallet.is_zero()), "the wallet is there", &status.balances)?;
    let newest = room.trades(TradesFrom::Time(began)).await?.last().map(|trade| trade.fill.trade_id);
    let water = status.high_water.iter().find(|(instrument, _)| instrument == room.id()).map(|(_, trade)| *trade);
    expect(water == Some(newest), "the high water is the newest trade", &(water, newest))
}

/// Buys and sells by turns, and says what must be in the trade list.
async fn make_trades(room: &Room) -> Result<Decimal, super::Stop> {
    for number in 0..TRADES {
        let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
        let terms = if side == Side::Buy { room.market(side) } else { room.closing(side, OrderKind::Market) };
        room.place(terms).await?;
    }
    let odd = Decimal::from(TRADES % 2);
    room.holds(room.leg(), room.qty().get() * odd).await?;
    Ok(room.qty().get() * Decimal::from(TRADES))
}

fn ascending(trades: &[TradeReport]) -> Checked {
    let ids: Vec<_> = trades.iter().map(|trade| (trade.fill.at, trade.fill.trade_id)).collect();
    expect(ids.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 < pair[1].1), "oldest first, none twice", &ids)
}

pub(super) async fn trades_come_whole_and_oldest_first(room: &Room) -> Checked {
    let began = room.before();
    let total = make_trades(room).await?;
    let trades = room.trades(TradesFrom::Time(began)).await?;
    ascending(&trades)?;
    let sum = trades.iter().fold(Qty::ZERO, |sum, trade| sum.plus(trade.fill.qty));
    expect(sum.get() == total && trades.len() >= TRADES, &format!("{TRADES} orders, {total} in all"), &trades)?;
    let net: Decimal = trades.iter().map(|trade| trade.fill.qty.get() * trade.fill.side.sign()).sum();
    expect(net == room.held(room.leg()).await?, "the trades add up to the position", &trades)?;
    let whole = |trade: &TradeReport| trade.instrument == *room.id() && !trade.fill.price.is_zero() && !trade.fill.qty.is_zero();
    expect(trades.iter().all(whole), "each has its instrument, price and quantity", &trades)
}

pub(super) async fn trades_are_asked_for_after_an_id_and_from_a_time(room: &Room) -> Checked {
    let began = room.before();
    make_trades(room).await?;
    let all = room.trades(TradesFrom::Time(began)).await?;
    for (at, trade) in all.iter().enumerate() {
        let after = room.trades(TradesFrom::After(trade.fill.trade_id)).await?;
        let same = after.iter().map(|t| t.fill.trade_id).eq(all[at + 1..].iter().map(|t| t.fill.trade_id));
        expect(same, &format!("after trade {} come all that follow it, and nothing else", trade.fill.trade_id), &after)?;
    }
    let last = some(all.last(), "there are trades", &all)?;
    let from = room.trades(TradesFrom::Time(last.fill.at)).await?;
    expect(from.iter().any(|trade| trade.fill == last.fill), "a time means at or after it", &from)?;
    let later = room.trades(TradesFrom::Time(last.fill.at.plus_ms(1))).await?;
    expect(later.is_empty(), "later than the last trade there is nothing", &later)
}

pub(super) async fn hands_from_outside_are_seen(room: &Room) -> Checked {
    let began = room.before();
    room.hand(Hand::Trade(Side::Buy, room.qty())).await?;
    room.holds(room.leg(), room.qty().get()).await?;
    let trades = room.trades(TradesFrom::Time(began)).await?;
    let sum: Decimal = trades.iter().map(|trade| trade.fill.qty.get()).sum();
    expect(sum == room.qty().get(), "the owner's own trade is in the list", &trades)?;
    let first = some(trades.first(), "there is a trade", &trades)?;
    let reference = OrderRef {
        instrument: room.id().clone(),
        cl_ord_id: None,
        order_id: Some(first.order_id),
        algo_id: None,
        conditional: false,
        triggered: false,
        since: began,
    };
    let found = room.found(&reference).await?;
    expect(found.order_id == Some(first.order_id) && found.cum_qty == Some(room.qty()), "the order it names is found", &found)
}

pub(super) async fn nothing_is_unrecognised(room: &Room) -> Checked {
    let mut feed = room.feed().await?;
    let (attempt, _) = room.place(room.resting().await?).await?;
    room.place(room.market(Side::Buy)).await?;
    good(room.cancel(room.named(&attempt)).await?, "a cancel is carried out")?;
    room.hear(&mut feed, "the end of the cancelled order is told", |body| {
        matches!(body, exec_core::report::ReportBody::Order(o) if o.cl_ord_id == Some(attempt.cl_ord_id) && o.status.is_final())
    })
    .await?;
    let unknown = room.venue().unrecognised();
    expect(unknown.is_empty(), "everything the venue says is known to its adapter", &unknown)
}
