//! The seam between the exchange and the core: ordinary and conditional orders there and back. Not the rules of either side.

use super::*;
use crate::config::{AccountSpec, ExchangeConfig};
use crate::types;
use exec_core::ids::{ClOrdId, Epoch, RequestId};
use exec_core::order::intent::ExchangeMade;
use exec_core::report::{ReportBody, VenueStatus};
use exec_core::terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy};
use exec_core::units::{PositionSide, Price, Qty, Side};
use exec_core::venue::{AccountSetup, ExecutionVenue, PriceSource, RejectClass, Rejection};
use rust_decimal::Decimal;

const NOW: Ms = 1_790_000_000_000;

fn desk() -> Desk {
    let mut exchange = Exchange::new(ExchangeConfig { start_ms: NOW, ..ExchangeConfig::default() }).unwrap();
    let account = exchange.create_account(AccountSpec::default());
    Desk::new(exchange, account)
}

fn attempt(id: &str, side: Side, kind: OrderKind, at: Ms) -> Attempt {
    let qty = Qty::new(Decimal::new(10, 3)).ok();
    let instrument = instrument_id("BTCUSDT").unwrap();
    let terms = Terms { instrument, side, leg: PositionSide::Net, intention: Intention::Open, qty, kind, stp: None };
    let cl_ord_id = ClOrdId::new(id).unwrap();
    Attempt {
        cl_ord_id,
        terms,
        timestamp: VenueTime(at),
        recv_window_ms: 2_000,
        epoch: Epoch(1),
        begin_by: VenueTime(at + 2_000),
    }
}

fn resting(id: &str, at: Ms) -> Attempt {
    let price = Price::new(Decimal::from(59_000)).unwrap();
    attempt(id, Side::Buy, OrderKind::Limit { price: price.into(), tif: TimeInForce::Gtc }, at)
}

#[test]
fn a_duplicate_id_is_evidence_and_a_late_request_is_refused() {
    let mut desk = desk();
    assert_eq!(desk.submit(NOW, &resting("a", NOW)).unwrap().status, VenueStatus::New);
    let again = desk.submit(NOW, &resting("a", NOW)).unwrap_err();
    assert!(matches!(again, CommandError::Unknown { live: true, .. }), "{again}");
    let late = desk.submit(NOW + 2_001, &resting("b", NOW)).unwrap_err();
    assert!(matches!(late, CommandError::Rejected(Rejection { class: RejectClass::Clock, code: -1021, .. })), "{late}");
    assert!(desk.submit_received(NOW + 2_001, &resting("b", NOW)).is_ok(), "an engine that is slow in its guarantee");
}

#[test]
fn what_was_done_is_found_again_in_every_list() {
    let mut desk = desk();
    let bought = desk.submit(NOW, &attempt("m", Side::Buy, OrderKind::Market, NOW)).unwrap();
    assert_eq!((bought.status, bought.avg_px), (VenueStatus::Filled, None), "replies carry no average price");
    let instrument = bought.instrument.clone();
    let by_number = port::OrderRef {
        instrument: instrument.clone(),
        cl_ord_id: None,
        order_id: bought.order_id,
        algo_id: None,
        conditional: false,
        since: VenueTime(NOW),
        triggered: false,
    };
    let Lookup::Found(found) = desk.order_status(NOW, &by_number).unwrap() else { panic!("it is there") };
    assert_eq!((found.cl_ord_id, found.cum_qty), (ClOrdId::new("m").ok(), bought.cum_qty));
    assert!(found.avg_px.is_some(), "queries do");
    let trades = desk.trades_since(NOW, &instrument, &TradesFrom::Time(VenueTime(NOW))).unwrap().trades;
    let sum = trades.iter().fold(Qty::ZERO, |sum, trade| sum.plus(trade.fill.qty));
    assert_eq!(Some(sum), bought.cum_qty);
    let status = desk.mass_status(NOW, std::slice::from_ref(&instrument)).unwrap();
    assert_eq!(status.high_water, [(instrument, trades.last().map(|t| t.fill.trade_id))]);
    assert_eq!(status.positions.first().map(|p| p.qty.get()), Some(sum.get()));
    let fills = desk.take_pushed().into_iter().filter_map(|pushed| match pushed {
        Pushed::Private(Report { body: ReportBody::Order(order), .. }) => order.fill,
        Pushed::Private(_) | Pushed::Price(_) => None,
    });
    assert_eq!(fills.map(|f| f.trade_id).collect::<Vec<_>>(), trades.iter().map(|t| t.fill.trade_id).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_node_in_process_hears_what_it_does_and_what_happens_by_itself() {
    let begun = tokio::time::Instant::now();
    let venue = SimVenue::new(desk(), move || NOW + Ms::try_from(begun.elapsed().as_millis()).unwrap_or(0));
    let mut feed = venue.open_feed().await.unwrap();
    venue.submit(resting("r", NOW)).await.unwrap();
    let told = feed.next().await.unwrap();
    assert!(matches!(told.body, ReportBody::Order(OrderReport { status: VenueStatus::New, .. })), "{told:?}");
    let mut prices = venue.open_prices(&[instrument_id("BTCUSDT").unwrap()]).await.unwrap();
    assert!(prices.next().await.unwrap().price().unwrap().quote.bid.is_some(), "the present price comes first");
    // The flow of the exchange goes on while somebody waits.
    assert!(prices.next().await.is_ok());
    assert_eq!(venue.position_mode().await.unwrap(), PositionMode::Netting);
    assert_eq!(venue.set_position_mode(PositionMode::Netting).await, Ok(()), "what is so already is a success");
    let refused = venue.set_position_mode(PositionMode::Hedging).await.unwrap_err();
    assert!(matches!(refused, CommandError::Rejected(Rejection { code: -4067, .. })), "{refused}");
}

// --- conditional orders ---

fn price(value: i64) -> Price {
    Price::new(Decimal::from(value)).unwrap()
}

fn trigger(value: i64) -> Trigger {
    Trigger { price: price(value), by: TriggerBy::Mark, price_protect: false }
}

/// A stop that closes a long position in NETTING.
fn stop(id: &str, at: i64) -> Attempt {
    let mut attempt = attempt(id, Side::Sell, OrderKind::StopMarket { trigger: trigger(at) }, NOW);
    attempt.terms.intention = Intention::Reduce;
    attempt
}

fn holding() -> Desk {
    let mut desk = desk();
    desk.submit(NOW, &attempt("entry", Side::Buy, OrderKind::Market, NOW)).unwrap();
    let _entry = desk.take_pushed();
    desk
}

fn named(attempt: &Attempt) -> port::OrderRef {
    port::OrderRef {
        instrument: attempt.terms.instrument.clone(),
        cl_ord_id: Some(attempt.cl_ord_id),
        order_id: None,
        algo_id: None,
        conditional: true,
        triggered: false,
        since: VenueTime(NOW),
    }
}

fn cancel(order: port::OrderRef) -> port::Cancel {
    port::Cancel { request: RequestId(7), order }
}

fn rejected(result: CommandResult) -> (RejectClass, i64) {
    match result {
        Err(CommandError::Rejected(rejection)) => (rejection.class, rejection.code),
        other => panic!("{other:?} is no refusal"),
    }
}

fn told(desk: &mut Desk) -> Vec<OrderReport> {
    let orders = desk.take_pushed().into_iter().filter_map(|pushed| match pushed {
        Pushed::Private(Report { body: ReportBody::Order(order), .. }) => Some(order),
        Pushed::Private(_) | Pushed::Price(_) => None,
    });
    orders.collect()
}

fn status_of(desk: &mut Desk, order: &port::OrderRef) -> Option<Box<OrderReport>> {
    match desk.order_status(NOW, order).unwrap() {
        Lookup::Found(report) => Some(report),
        Lookup::Absent => None,
    }
}

#[test]
fn a_conditional_order_is_one_order_from_its_placing_to_its_last_fill() {
    let mut desk = holding();
    let stop = stop("s", 58_000);
    let placed = desk.submit(NOW, &stop).unwrap();
    assert_eq!((placed.status, placed.order_id, placed.kind), (VenueStatus::New, None, Some(stop.terms.kind)));
    assert!(placed.algo_id.is_some() && placed.reduce_only && placed.qty == stop.terms.qty);
    let open = desk.mass_status(NOW, &[]).unwrap().open_orders;
    assert_eq!(open.iter().map(|o| (o.cl_ord_id, o.algo_id)).collect::<Vec<_>>(), [(Some(stop.cl_ord_id), placed.algo_id)]);
    assert_eq!(status_of(&mut desk, &named(&stop)).map(|r| r.status), Some(VenueStatus::New));
    let _before = desk.take_pushed();

    desk.exchange_mut().move_price(NOW, "BTCUSDT", Decimal::from(57_900)).unwrap();
    let told = told(&mut desk);
    let mine: Vec<_> = told.iter().filter(|o| o.cl_ord_id == Some(stop.cl_ord_id)).collect();
    let algo: Vec<_> = mine.iter().filter(|o| o.algo_id.is_some()).map(|o| o.status).collect();
    assert_eq!(algo, [VenueStatus::Triggering, VenueStatus::Triggered, VenueStatus::Finished]);
    let filled = mine.iter().filter_map(|o| o.fill.as_ref()).fold(Qty::ZERO, |sum, fill| sum.plus(fill.qty));
    assert_eq!(Some(filled), stop.terms.qty, "the child carries the same client id");
    let child = status_of(&mut desk, &named(&stop)).unwrap();
    assert_eq!((child.status, child.cum_qty), (VenueStatus::Filled, stop.terms.qty), "its child is what is found");
    assert!(desk.mass_status(NOW, &[]).unwrap().open_orders.is_empty());
}

#[test]
fn a_cancel_goes_to_the_book_that_the_order_is_on() {
    let mut desk = holding();
    let (first, mut second) = (stop("s1", 58_000), stop("s2", 58_500));
    desk.submit(NOW, &first).unwrap();
    assert_eq!(desk.cancel(NOW, &cancel(named(&first))).unwrap().status, VenueStatus::Canceled);
    assert_eq!(status_of(&mut desk, &named(&first)).map(|r| r.status), Some(VenueStatus::Canceled), "the past is searched");
    assert_eq!(rejected(desk.cancel(NOW, &cancel(named(&first)))), (RejectClass::NotOnBook, -2011));

    second.terms.kind = OrderKind::StopLimit { trigger: trigger(58_500), price: price(62_000).into(), tif: TimeInForce::Gtc };
    desk.submit(NOW, &second).unwrap();
    desk.exchange_mut().move_price(NOW, "BTCUSDT", Decimal::from(58_400)).unwrap();
    assert_eq!(
        rejected(desk.cancel(NOW, &cancel(named(&second)))),
        (RejectClass::NotOnBook, -2011),
        "the service holds it no more"
    );
    let triggered = port::OrderRef { triggered: true, ..named(&second) };
    assert_eq!(desk.cancel(NOW, &cancel(triggered)).unwrap().status, VenueStatus::Canceled);
}

#[test]
fn refusals_of_conditional_orders_keep_their_meaning() {
    let mut desk = desk();
    let closing = |id: &str, at| {
        let mut order = stop(id, at);
        (order.terms.intention, order.terms.qty) = (Intention::CloseAll, None);
        order
    };
    assert_eq!(rejected(desk.submit(NOW, &closing("c", 58_000))), (RejectClass::NothingToClose, -4509));
    desk.submit(NOW, &attempt("entry", Side::Buy, OrderKind::Market, NOW)).unwrap();
    let placed = desk.submit(NOW, &closing("c", 58_000)).unwrap();
    assert!(placed.close_all && placed.qty.is_none());
    assert_eq!(rejected(desk.submit(NOW, &closing("d", 57_000))), (RejectClass::Overlap, -4130));
    assert_eq!(rejected(desk.submit(NOW, &stop("e", 70_000))), (RejectClass::WouldTrigger, -2021));
    let again = desk.submit(NOW, &stop("c", 58_000)).unwrap_err();
    assert!(matches!(again, CommandError::Unknown { live: true, .. }), "{again}");
    assert_eq!(status_of(&mut desk, &named(&stop("e", 1))), None);
    let scope = port::CancelAll { request: RequestId(1), instrument: placed.instrument.clone() };
    desk.cancel_all(NOW, &scope).unwrap();
    assert!(desk.mass_status(NOW, &[]).unwrap().open_orders.is_empty(), "both books");
}

#[test]
fn every_flag_reaches_its_book() {
    let mut desk = holding();
    let mut trailing = stop("t", 1);
    trailing.terms.kind = OrderKind::TrailingStopMarket {
        activation: Some(price(63_000)),
        callback_percent: Decimal::new(15, 1),
        by: TriggerBy::Mark,
    };
    trailing.terms.stp = Some(SelfTrade::ExpireBoth);
    assert_eq!(desk.submit(NOW, &trailing).unwrap().kind, Some(trailing.terms.kind));
    let mut profit = stop("p", 1);
    profit.terms.kind = OrderKind::TakeProfit {
        trigger: Trigger { price_protect: true, ..trigger(64_000) },
        price: LimitPrice::Match(PriceMatch::Queue5),
        tif: TimeInForce::Gtc,
    };
    assert_eq!(desk.submit(NOW, &profit).unwrap().kind, Some(profit.terms.kind));
    let rows = desk.exchange().open_algo_orders(desk.account(), None, None).unwrap();
    assert_eq!(rows.iter().map(|r| r.stp_mode).collect::<Vec<_>>(), [types::StpMode::ExpireBoth, types::StpMode::ExpireMaker]);
    let mut matched = resting("q", NOW);
    matched.terms.kind = OrderKind::Limit { price: LimitPrice::Match(PriceMatch::Queue), tif: TimeInForce::Gtc };
    matched.terms.stp = Some(SelfTrade::ExpireTaker);
    let row = desk.submit(NOW, &matched).unwrap();
    assert!(row.kind.and_then(|kind| kind.price()).is_some(), "the venue has taken it from its book");
    let placed = desk.exchange().open_orders(desk.account(), None).unwrap();
    assert_eq!(placed.first().map(|r| r.stp_mode), Some(types::StpMode::ExpireTaker));
}

#[test]
fn orders_of_the_exchange_say_who_made_them() {
    let mut desk = holding();
    let account = desk.account();
    let part = Decimal::new(4, 3);
    desk.exchange_mut().deleverage(NOW, account, "BTCUSDT", types::PositionSide::Both, part).unwrap();
    let adl = told(&mut desk);
    assert!(adl.iter().all(|o| o.made_by == Some(ExchangeMade::AutoDeleveraging)), "{adl:?}");
    assert_eq!(adl.iter().filter_map(|o| o.fill.as_ref()).map(|f| f.qty.get()).sum::<Decimal>(), part);
    desk.exchange_mut().liquidate_now(NOW, account, None).unwrap();
    let liquidated = told(&mut desk);
    assert!(liquidated.iter().any(|o| o.made_by == Some(ExchangeMade::Liquidation) && o.kind.is_some()), "{liquidated:?}");
}

#[test]
fn a_batch_has_one_outcome_for_each() {
    let mut desk = desk();
    let results = desk.batch(NOW, &port::Batch::Submit(vec![resting("a", NOW), resting("a", NOW), stop("b", 58_000)]));
    assert!(results[0].is_ok() && results[2].is_ok(), "{results:?}");
    assert!(matches!(results[1], Err(CommandError::Unknown { live: true, .. })), "{results:?}");
}
