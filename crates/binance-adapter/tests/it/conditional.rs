//! Conditional orders against the built-in exchange: each type with its flags in both modes, placed, shown, cancelled, triggered
//! and filled; refusals; both books.

use exchange_sim::face::RequestFault;
use exec_core::{
    ids::{InstrumentId, RequestId},
    report::{OrderReport, ReportBody, VenueStatus},
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionMode, PositionSide, Price, Side},
    venue::{CancelAll, CommandError, ExecutionVenue, Lookup, OrderRef, RejectClass, VenueClock},
};
use rust_decimal::Decimal;

use crate::world::{KEY, World, answer, btc, conditional_reference, limit, terms, until};

const ALGO: &str = "/fapi/v1/algoOrder";
const ORDER: &str = "/fapi/v1/order";

/// A price at so many percent of another, on a grid of whole units.
pub(crate) fn part(of: Decimal, percent: i64) -> Price {
    Price::new((of * Decimal::new(percent, 2)).trunc()).unwrap()
}

pub(crate) fn stop_at(price: Price) -> OrderKind {
    OrderKind::StopMarket { trigger: Trigger { price, by: TriggerBy::Mark, price_protect: false } }
}

/// Every type as a sell, triggered by a fall to 97 or a rise to 103 percent, with a limit that the book takes then.
fn sells(now: Decimal, by: TriggerBy, price_protect: bool) -> Vec<(OrderKind, i64)> {
    let trigger = |percent| Trigger { price: part(now, percent), by, price_protect };
    let price = part(now, 95).into();
    let (gtc, ioc) = (TimeInForce::Gtc, TimeInForce::Ioc);
    vec![
        (OrderKind::StopMarket { trigger: trigger(98) }, 97),
        (OrderKind::StopLimit { trigger: trigger(98), price, tif: gtc }, 97),
        (OrderKind::StopLimit { trigger: trigger(98), price, tif: ioc }, 97),
        (OrderKind::TakeProfitMarket { trigger: trigger(102) }, 103),
        (OrderKind::TakeProfit { trigger: trigger(102), price: part(now, 98).into(), tif: gtc }, 103),
        (OrderKind::TrailingStopMarket { activation: None, callback_percent: Decimal::ONE, by }, 97),
        (OrderKind::TrailingStopMarket { activation: Some(part(now, 101)), callback_percent: Decimal::new(5, 1), by }, 0),
    ]
}

fn selling(mode: PositionMode, intention: Intention, kind: OrderKind) -> Terms {
    let leg = match (mode, intention) {
        (PositionMode::Netting, _) => PositionSide::Net,
        (PositionMode::Hedging, Intention::Open) => PositionSide::Short,
        (PositionMode::Hedging, Intention::Reduce | Intention::CloseAll) => PositionSide::Long,
    };
    let mut terms = Terms { leg, intention, ..terms(&btc(), Side::Sell, "0.010", kind) };
    if intention == Intention::CloseAll {
        terms.qty = None;
    }
    terms
}

async fn world_of(mode: PositionMode) -> World {
    match mode {
        PositionMode::Netting => World::netting().await,
        PositionMode::Hedging => World::hedging().await,
    }
}

async fn buy_first(world: &World, mode: PositionMode) {
    let leg = match mode {
        PositionMode::Netting => PositionSide::Net,
        PositionMode::Hedging => PositionSide::Long,
    };
    let bought = world.submit(Terms { leg, ..terms(&btc(), Side::Buy, "0.010", OrderKind::Market) }).await.unwrap();
    assert_eq!(bought.status, VenueStatus::Filled);
}

async fn open_orders(world: &World) -> Vec<OrderReport> {
    world.venue.mass_status(&[btc()]).await.unwrap().open_orders
}

/// Placed as asked, shown as one open order, cancelled; then placed again, triggered and filled.
async fn lives(mode: PositionMode, intention: Intention, at: usize, by: TriggerBy, protect: bool) {
    let world = world_of(mode).await;
    if intention != Intention::Open {
        buy_first(&world, mode).await;
    }
    let (kind, moved_to) = sells(world.last_price("BTCUSDT"), by, protect)[at];
    let asked = selling(mode, intention, kind);
    let case = format!("{mode:?} {asked:?}");
    let placed = world.submit(asked.clone()).await.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!((placed.status, placed.order_id, placed.leg), (VenueStatus::New, None, Some(asked.leg)), "{case}");
    // Without an activation of its own a trailing stop begins where the price stands, and the venue says where that is.
    match (placed.kind, asked.kind) {
        (
            Some(OrderKind::TrailingStopMarket { callback_percent: told, .. }),
            OrderKind::TrailingStopMarket { callback_percent, .. },
        ) => assert_eq!(told, callback_percent, "{case}"),
        (told, asked) => assert_eq!(told, Some(asked), "{case}"),
    }
    assert_eq!((placed.close_all, placed.qty), (intention == Intention::CloseAll, asked.qty), "{case}");
    assert_eq!(placed.reduce_only, mode == PositionMode::Netting && intention != Intention::Open, "{case}");
    assert!(placed.algo_id.is_some(), "{case}");
    let open = open_orders(&world).await;
    assert_eq!(open.iter().map(|o| (o.cl_ord_id, o.algo_id)).collect::<Vec<_>>(), [(placed.cl_ord_id, placed.algo_id)], "{case}");
    let cancelled = world.cancel(conditional_reference(&placed)).await.unwrap_or_else(|error| panic!("{case}: {error}"));
    assert_eq!((cancelled.status, cancelled.cl_ord_id), (VenueStatus::Canceled, placed.cl_ord_id), "{case}");
    assert!(open_orders(&world).await.is_empty(), "{case}");

    let mut feed = world.venue.open_feed().await.unwrap();
    let placed = world.submit(asked).await.unwrap_or_else(|error| panic!("{case}: {error}"));
    let base = world.last_price("BTCUSDT");
    match moved_to {
        0 => {
            world.move_price("BTCUSDT", &part(base, 103).to_string());
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
            world.move_price("BTCUSDT", &part(base, 100).to_string());
        }
        percent => world.move_price("BTCUSDT", &part(base, percent).to_string()),
    }
    let ours = |body: &ReportBody| match body {
        ReportBody::Order(order) => (order.cl_ord_id == placed.cl_ord_id).then_some(order.status),
        _ => None,
    };
    let seen = until(&mut feed, |body| ours(body) == Some(VenueStatus::Finished)).await;
    let states: Vec<VenueStatus> = seen.iter().filter_map(|report| ours(&report.body)).collect();
    for state in [VenueStatus::New, VenueStatus::Triggering, VenueStatus::Triggered, VenueStatus::Filled] {
        assert!(states.contains(&state), "{case}: {states:?}");
    }
    for report in &seen {
        if let ReportBody::Order(order) = &report.body {
            assert_eq!(order.leg, placed.leg, "{case}: the leg is what the venue says");
            assert_eq!(order.made_by, None, "{case}");
        }
    }
    let Lookup::Found(found) = world.venue.order_status(conditional_reference(&placed)).await.unwrap() else {
        panic!("{case}: gone")
    };
    assert_eq!((found.status, found.algo_id), (VenueStatus::Filled, placed.algo_id), "{case}");
    assert_eq!(found.cum_qty.unwrap().to_string(), "0.010", "{case}");
    assert!(found.order_id.is_some() && open_orders(&world).await.is_empty(), "{case}");
    let sold = if intention == Intention::Open { "-0.010" } else { "0" };
    let held: Vec<_> = world.venue.positions(&[btc()]).await.unwrap();
    let leg = held.iter().find(|p| Some(p.leg) == placed.leg).map_or(Decimal::ZERO, |p| p.qty.get());
    assert_eq!(leg, sold.parse::<Decimal>().unwrap(), "{case}");
    assert!(world.venue.unrecognised().is_empty(), "{case}: {:?}", world.venue.unrecognised());
}

async fn every_type(mode: PositionMode) {
    for (by, protect) in [(TriggerBy::Mark, true), (TriggerBy::Last, false)] {
        for at in 0..7 {
            for intention in [Intention::Open, Intention::Reduce] {
                lives(mode, intention, at, by, protect).await;
            }
        }
        for at in [0, 3] {
            lives(mode, Intention::CloseAll, at, by, protect).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn each_type_and_flag_lives_and_dies_in_netting() {
    every_type(PositionMode::Netting).await;
}

#[tokio::test(start_paused = true)]
async fn each_type_and_flag_lives_and_dies_in_hedging() {
    every_type(PositionMode::Hedging).await;
}

#[tokio::test(start_paused = true)]
async fn limits_of_triggered_orders_take_every_time_in_force_level_and_rule() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let world = world_of(mode).await;
        let now = world.last_price("BTCUSDT");
        let venue_now = world.venue.read_clock().await.unwrap().venue_time((world.now)());
        let gtd = TimeInForce::Gtd(VenueTime((venue_now.0 / 1000 + 3_600) * 1000));
        let trigger = Trigger { price: part(now, 98), by: TriggerBy::Last, price_protect: true };
        let price = LimitPrice::At(part(now, 97));
        let mut cases: Vec<(LimitPrice, TimeInForce, Option<SelfTrade>)> = Vec::new();
        for tif in [TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtx, gtd] {
            cases.push((price, tif, None));
        }
        for level in [PriceMatch::Opponent, PriceMatch::Opponent5, PriceMatch::Queue, PriceMatch::Queue5, PriceMatch::Queue20] {
            cases.push((LimitPrice::Match(level), TimeInForce::Gtc, None));
        }
        for rule in [SelfTrade::ExpireTaker, SelfTrade::ExpireMaker, SelfTrade::ExpireBoth] {
            cases.push((price, TimeInForce::Gtc, Some(rule)));
        }
        let count = cases.len();
        for (price, tif, stp) in cases {
            let kind = OrderKind::StopLimit { trigger, price, tif };
            let asked = Terms { stp, ..selling(mode, Intention::Open, kind) };
            let placed = world.submit(asked.clone()).await.unwrap_or_else(|error| panic!("{asked:?}: {error}"));
            assert_eq!((placed.status, placed.kind), (VenueStatus::New, Some(kind)));
            let Lookup::Found(found) = world.venue.order_status(conditional_reference(&placed)).await.unwrap() else {
                panic!("gone")
            };
            assert_eq!(found.kind, Some(kind), "the list says the same as the reply");
        }
        let rules: Vec<String> =
            world.face.ledger(KEY).unwrap().algo_orders.iter().map(|row| row.stp_mode.as_str().to_owned()).collect();
        assert_eq!(rules[count - 3..], ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"]);
    }
}

fn refused(result: &Result<Box<OrderReport>, CommandError>) -> Option<(RejectClass, i64)> {
    match result {
        Err(CommandError::Rejected(rejection)) => Some((rejection.class, rejection.code)),
        Ok(_) | Err(CommandError::NotSent(_) | CommandError::Unknown { .. }) => None,
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_say_what_to_do() {
    let world = World::netting().await;
    let now = world.last_price("BTCUSDT");
    let at_once = world.submit(terms(&btc(), Side::Sell, "0.010", stop_at(part(now, 103)))).await;
    assert_eq!(refused(&at_once), Some((RejectClass::WouldTrigger, -2021)), "{at_once:?}");
    let close_all = selling(PositionMode::Netting, Intention::CloseAll, stop_at(part(now, 95)));
    let nothing = world.submit(close_all.clone()).await;
    assert_eq!(refused(&nothing).map(|(class, _)| class), Some(RejectClass::NothingToClose), "{nothing:?}");
    buy_first(&world, PositionMode::Netting).await;
    world.submit(close_all.clone()).await.unwrap();
    let second = world.submit(close_all).await;
    assert_eq!(refused(&second), Some((RejectClass::Overlap, -4130)), "{second:?}");
    let mut twice = world.attempt(terms(&btc(), Side::Sell, "0.010", stop_at(part(now, 90)))).await;
    world.venue.submit(twice.clone()).await.unwrap();
    twice.timestamp = world.attempt(twice.terms.clone()).await.timestamp;
    let twice = world.venue.submit(twice).await;
    assert!(matches!(twice, Err(CommandError::Unknown { live: true, .. })), "{twice:?}");
}

/// A whole conditional order that is not the one that was meant.
const SOMEBODY_ELSES: &str = r#"{"algoId":1,"clientAlgoId":"somebody-else","algoType":"CONDITIONAL","orderType":"STOP_MARKET","symbol":"BTCUSDT","side":"BUY","positionSide":"BOTH","timeInForce":"GTC","quantity":"0.010","algoStatus":"NEW","triggerPrice":"1","workingType":"MARK_PRICE"}"#;

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_not_certain_is_unknown() {
    for (status, body) in [
        (400, r#"{"code":-4015,"msg":"Client order id is not valid."}"#),
        (400, r#"{"code":-2011,"msg":"Unknown order sent."}"#),
        (400, r#"{"code":-4099,"msg":"?"}"#),
        (503, r#"{"code":-1000,"msg":"Unknown error, please check your request or try again later."}"#),
        (200, SOMEBODY_ELSES),
        (200, r#"{"code":"200","msg":"success"}"#),
        (200, "<html>"),
    ] {
        let world = World::netting().await;
        world.fault("POST", ALGO, RequestFault::ErrorAfter(answer(status, body)));
        let kind = stop_at(part(world.last_price("BTCUSDT"), 90));
        let attempt = world.attempt(terms(&btc(), Side::Sell, "0.010", kind)).await;
        let result = world.venue.submit(attempt.clone()).await;
        assert!(matches!(result, Err(CommandError::Unknown { live: false, .. })), "{status} {body}: {result:?}");
        let order = OrderRef {
            instrument: btc(),
            cl_ord_id: Some(attempt.cl_ord_id),
            order_id: None,
            algo_id: None,
            conditional: true,
            triggered: false,
            since: attempt.timestamp,
        };
        assert!(matches!(world.venue.order_status(order).await.unwrap(), Lookup::Found(_)), "{status} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_type_that_is_refused_at_one_endpoint_goes_to_the_other() {
    let world = World::netting().await;
    let stop = terms(&btc(), Side::Sell, "0.010", stop_at(part(world.last_price("BTCUSDT"), 90)));
    world.fault("POST", ALGO, RequestFault::ErrorBefore(answer(400, r#"{"code":-1116,"msg":"Invalid orderType."}"#)));
    let first = world.submit(stop.clone()).await;
    assert_eq!(refused(&first), Some((RejectClass::Failed, -1116)), "{first:?}");
    // The exchange takes no stop there, and says so: back again.
    let second = world.submit(stop.clone()).await;
    assert_eq!(refused(&second), Some((RejectClass::Failed, -4120)), "{second:?}");
    assert_eq!(world.submit(stop).await.unwrap().status, VenueStatus::New);
    let counted: Vec<(String, u64)> = world.venue.unrecognised().into_iter().map(|seen| (seen.path, seen.count)).collect();
    assert_eq!(counted, [("algoOrder.STOP_MARKET=-1116".to_owned(), 1), ("order.STOP_MARKET=-4120".to_owned(), 1)]);
}

async fn one_in_each_book(world: &World) {
    let now = world.last_price("BTCUSDT");
    let resting = limit(&part(now, 95).to_string(), TimeInForce::Gtc);
    world.submit(terms(&btc(), Side::Buy, "0.010", resting)).await.unwrap();
    world.submit(terms(&btc(), Side::Sell, "0.010", stop_at(part(now, 90)))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn cancel_all_takes_both_books_and_one_failure_spares_the_other() {
    let refusal = || RequestFault::ErrorBefore(answer(400, r#"{"code":-1121,"msg":"Invalid symbol."}"#));
    let lost = || RequestFault::DropRequest;
    let scope = CancelAll { request: RequestId(1), instrument: btc() };
    for (path, fault, left) in [
        ("/none", lost(), 0),
        ("/fapi/v1/allOpenOrders", refusal(), 1),
        ("/fapi/v1/algoOpenOrders", refusal(), 1),
        ("/fapi/v1/allOpenOrders", lost(), 1),
        ("/fapi/v1/algoOpenOrders", lost(), 1),
    ] {
        let world = World::netting().await;
        one_in_each_book(&world).await;
        assert_eq!(open_orders(&world).await.len(), 2);
        world.fault("DELETE", path, fault);
        let result = world.venue.cancel_all(scope.clone()).await;
        assert_eq!(result.is_ok(), left == 0, "{path}: {result:?}");
        assert_eq!(open_orders(&world).await.len(), left, "{path}");
    }
    let foreign = InstrumentId::new("NOSUCH-PERP.BINANCE").unwrap();
    let world = World::netting().await;
    let nowhere = world.venue.cancel_all(CancelAll { request: RequestId(1), instrument: foreign }).await;
    assert!(matches!(nowhere, Err(CommandError::Rejected(_))), "{nowhere:?}");
}

/// A stop with a limit that the book does not reach: its child rests.
async fn resting_child(world: &World) -> OrderReport {
    let now = world.last_price("BTCUSDT");
    let trigger = Trigger { price: part(now, 98), by: TriggerBy::Mark, price_protect: false };
    let kind = OrderKind::StopLimit { trigger, price: part(now, 100).into(), tif: TimeInForce::Gtc };
    let placed = world.submit(terms(&btc(), Side::Sell, "0.010", kind)).await.unwrap();
    world.move_price("BTCUSDT", &part(now, 97).to_string());
    *placed
}

#[tokio::test(start_paused = true)]
async fn from_its_trigger_on_an_order_is_cancelled_on_the_ordinary_book() {
    let world = World::netting().await;
    let placed = resting_child(&world).await;
    let waiting = conditional_reference(&placed);
    let gone = world.cancel(waiting.clone()).await;
    assert_eq!(refused(&gone), Some((RejectClass::NotOnBook, -2011)), "{gone:?}");
    let Lookup::Found(found) = world.venue.order_status(waiting.clone()).await.unwrap() else { panic!("gone") };
    assert_eq!((found.status, found.algo_id), (VenueStatus::New, placed.algo_id));
    assert!(found.order_id.is_some());
    let triggered = OrderRef { triggered: true, ..waiting };
    let price = found.kind.unwrap().price().unwrap().to_string();
    let changed = world.replace(triggered.clone(), Side::Sell, "0.020", &price, 5).await;
    assert_eq!(changed.unwrap().qty.unwrap().to_string(), "0.020", "the child can be changed");
    assert_eq!(world.cancel(triggered.clone()).await.unwrap().status, VenueStatus::Canceled);
    let Lookup::Found(ended) = world.venue.order_status(triggered).await.unwrap() else { panic!("gone") };
    assert_eq!((ended.status, ended.order_id), (VenueStatus::Canceled, found.order_id));
}

#[tokio::test(start_paused = true)]
async fn an_order_on_its_way_to_the_book_is_in_neither_for_a_cancel() {
    let world = World::netting().await;
    world.algo(r#"{"child_delay_ms":400}"#);
    let placed = resting_child(&world).await;
    let waiting = conditional_reference(&placed);
    let triggering = world.cancel(waiting.clone()).await;
    assert_eq!(refused(&triggering), Some((RejectClass::NotOnBook, -4117)), "{triggering:?}");
    let Lookup::Found(found) = world.venue.order_status(waiting.clone()).await.unwrap() else { panic!("gone") };
    assert_eq!(found.status, VenueStatus::Triggering);
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(world.cancel(OrderRef { triggered: true, ..waiting }).await.unwrap().status, VenueStatus::Canceled);
}

#[tokio::test(start_paused = true)]
async fn an_order_before_its_trigger_is_not_changed() {
    let world = World::netting().await;
    let kind = stop_at(part(world.last_price("BTCUSDT"), 90));
    let placed = world.submit(terms(&btc(), Side::Sell, "0.010", kind)).await.unwrap();
    let result = world.replace(conditional_reference(&placed), Side::Sell, "0.020", "50000", 7).await;
    assert!(matches!(result, Err(CommandError::NotSent(_))), "{result:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancel_that_was_acknowledged_shows_the_order_though_the_single_query_lies() {
    for fault in [
        RequestFault::ErrorBefore(answer(400, r#"{"code":-2013,"msg":"Order does not exist."}"#)),
        RequestFault::ErrorBefore(answer(500, "")),
        RequestFault::ErrorBefore(answer(200, SOMEBODY_ELSES)),
        RequestFault::DropRequest,
    ] {
        let world = World::netting().await;
        let kind = stop_at(part(world.last_price("BTCUSDT"), 90));
        let placed = world.submit(terms(&btc(), Side::Sell, "0.010", kind)).await.unwrap();
        world.fault("GET", ALGO, fault.clone());
        // By client id: the service's number may not be known yet.
        let by_client = OrderRef { algo_id: None, ..conditional_reference(&placed) };
        let cancelled = world.cancel(by_client).await.unwrap();
        assert_eq!((cancelled.status, cancelled.algo_id, cancelled.side), (VenueStatus::Canceled, placed.algo_id, Side::Sell));
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_is_not_shown_in_time_after_its_cancel_is_unknown() {
    let world = World::netting().await;
    let kind = stop_at(part(world.last_price("BTCUSDT"), 90));
    let placed = world.submit(terms(&btc(), Side::Sell, "0.010", kind)).await.unwrap();
    world.fault("GET", ALGO, RequestFault::DelayResponse(60_000));
    let began = (world.now)();
    let result = world.cancel(conditional_reference(&placed)).await;
    assert!(matches!(result, Err(CommandError::Unknown { live: false, .. })), "{result:?}");
    assert!((world.now)().ms_since(began) < 2_500, "others wait for the same answer");
    let again = world.cancel(conditional_reference(&placed)).await;
    assert_eq!(refused(&again), Some((RejectClass::NotOnBook, -2011)), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn an_order_that_triggers_between_the_two_lists_is_open_once() {
    let world = World::netting().await;
    let now = world.last_price("BTCUSDT");
    let trigger = Trigger { price: part(now, 98), by: TriggerBy::Mark, price_protect: false };
    let kind = OrderKind::StopLimit { trigger, price: part(now, 100).into(), tif: TimeInForce::Gtc };
    let placed = world.submit(terms(&btc(), Side::Sell, "0.010", kind)).await.unwrap();
    world.fault("GET", "/fapi/v1/openOrders", RequestFault::DelayRequest(500));
    world.fault("GET", "/fapi/v1/openAlgoOrders", RequestFault::DelayRequest(500));
    let (open, ()) = tokio::join!(open_orders(&world), async {
        tokio::time::sleep(std::time::Duration::from_millis(750)).await;
        world.move_price("BTCUSDT", &part(now, 97).to_string());
    });
    assert_eq!(open.len(), 1, "{open:?}");
    assert_eq!((open[0].algo_id, open[0].cl_ord_id), (placed.algo_id, placed.cl_ord_id));
    assert!(open[0].order_id.is_some(), "{open:?}");
}

#[tokio::test(start_paused = true)]
async fn figures_that_the_venue_prints_as_doubles_are_read_exactly() {
    let row = |trigger: &str, quantity: &str| {
        format!(
            r#"[{{"algoId":9,"clientAlgoId":"web_1","algoType":"CONDITIONAL","orderType":"STOP","symbol":"BTCUSDT","side":"SELL","positionSide":"BOTH","timeInForce":"GTC","quantity":"{quantity}","algoStatus":"NEW","actualOrderId":"","actualQty":"0.0","triggerPrice":"{trigger}","price":"{trigger}","workingType":"MARK_PRICE","createTime":1,"updateTime":1}}]"#
        )
    };
    for (printed, value) in [("7.0E-4", "0.0007"), ("1.0E7", "10000000"), ("4.9", "4.9")] {
        let world = World::netting().await;
        world.fault("GET", "/fapi/v1/openAlgoOrders", RequestFault::ErrorBefore(answer(200, &row(printed, printed))));
        let open = open_orders(&world).await;
        assert_eq!(open[0].qty.unwrap().to_string(), value);
        let kind = open[0].kind.unwrap();
        assert_eq!((kind.price().unwrap().to_string(), kind.trigger_price().unwrap().to_string()), (value.into(), value.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_keeps_a_stop_by_hand_shows_it() {
    let world = World::netting().await;
    let trigger = part(world.last_price("BTCUSDT"), 90);
    let body = format!(
        r#"{{"key":"{KEY}","method":"POST","path":"{ALGO}","params":{{"algoType":"CONDITIONAL","symbol":"BTCUSDT","side":"SELL","type":"STOP_MARKET","quantity":"0.010","triggerPrice":"{trigger}","clientAlgoId":"by hand:1"}}}}"#
    );
    let (status, _) = world.face.operate("POST", "as", "", &body);
    assert_eq!(status, 400, "a blank in a client id");
    world.door("as", &body.replace("by hand:1", "web_1"));
    let open = open_orders(&world).await;
    assert_eq!((open.len(), open[0].cl_ord_id.unwrap().as_str()), (1, "web_1"));
    assert_eq!(world.cancel(conditional_reference(&open[0])).await.unwrap().status, VenueStatus::Canceled);
    let wrong_way = world.cancel(OrderRef { conditional: false, ..conditional_reference(&open[0]) }).await;
    assert_eq!(refused(&wrong_way), Some((RejectClass::NotOnBook, -2011)), "{ORDER} does not know it: {wrong_way:?}");
}
