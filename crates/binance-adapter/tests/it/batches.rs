//! Several commands in one request: an outcome for each, whatever becomes of the others, and none at all from an answer that
//! cannot be trusted.

use exchange_sim::face::RequestFault;
use exec_core::{
    ids::RequestId,
    report::{OrderReport, VenueStatus},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    units::Side,
    venue::{Attempt, Batch, Cancel, CommandError, CommandResult, ExecutionVenue, OrderRef, Replace},
};
use rust_decimal::Decimal;

use crate::{
    conditional::{part, stop_at},
    world::{World, answer, btc, chinese, conditional_reference, limit, reference, terms},
};

const BATCH: &str = "/fapi/v1/batchOrders";

fn resting(world: &World, percent: i64) -> Terms {
    let price = part(world.last_price("BTCUSDT"), percent).to_string();
    terms(&btc(), Side::Buy, "0.010", limit(&price, TimeInForce::Gtc))
}

async fn attempts(world: &World, all: Vec<Terms>) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    for terms in all {
        attempts.push(world.attempt(terms).await);
    }
    attempts
}

/// What became of each, in a word.
fn words(results: &[CommandResult]) -> Vec<String> {
    results
        .iter()
        .map(|result| match result {
            Ok(report) => format!("{:?}", report.status),
            Err(CommandError::Rejected(rejection)) => format!("{:?}", rejection.class),
            Err(CommandError::NotSent(_)) => "not sent".into(),
            Err(CommandError::Unknown { live, .. }) => format!("unknown{}", if *live { ", live" } else { "" }),
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_refused_item_stands_between_those_that_are_taken() {
    let world = World::netting().await;
    let mut off_grid = resting(&world, 95);
    off_grid.qty = Some("0.0101234".parse().unwrap());
    let mut reduce = terms(&btc(), Side::Sell, "0.010", OrderKind::Market);
    reduce.intention = Intention::Reduce;
    let stop = terms(&btc(), Side::Sell, "0.010", stop_at(part(world.last_price("BTCUSDT"), 90)));
    let at_once = terms(&btc(), Side::Buy, "0.010", stop_at(part(world.last_price("BTCUSDT"), 90)));
    let market = terms(&chinese(), Side::Buy, "1000", OrderKind::Market);
    let all = attempts(&world, vec![resting(&world, 95), off_grid, stop, market, reduce, at_once, resting(&world, 94)]).await;
    let ids: Vec<_> = all.iter().map(|attempt| Some(attempt.cl_ord_id)).collect();
    let results = world.venue.batch(Batch::Submit(all)).await;
    assert_eq!(words(&results), ["New", "Invalid", "New", "Filled", "NothingToClose", "WouldTrigger", "New"]);
    for (result, id) in results.iter().zip(ids) {
        assert!(result.as_ref().is_err() || result.as_ref().unwrap().cl_ord_id == id);
    }
    assert_eq!(world.venue.mass_status(&[btc()]).await.unwrap().open_orders.len(), 3);
    assert!(world.venue.unrecognised().is_empty(), "{:?}", world.venue.unrecognised());
}

#[tokio::test(start_paused = true)]
async fn a_batch_beyond_the_venues_size_goes_in_several() {
    let world = World::netting().await;
    let all = attempts(&world, (80..93).map(|percent| resting(&world, percent)).collect()).await;
    let results = world.venue.batch(Batch::Submit(all)).await;
    // Below 85 percent of the mark the venue refuses a buy: no item depends on the chunk that it is in.
    assert_eq!(words(&results).iter().filter(|word| *word == "New").count(), world.accepted());
    assert!(world.accepted() >= 6, "{:?}", words(&results));
    assert!(world.venue.batch(Batch::Submit(Vec::new())).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_answer_each_item_settles_none() {
    let row = |id: &str| {
        format!(
            r#"{{"orderId":1,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"{id}","price":"1","origQty":"0.010","executedQty":"0","type":"LIMIT","side":"BUY","updateTime":1}}"#
        )
    };
    let (first, second) = (row("T-1"), row("T-2"));
    for (status, body) in [
        // Cut in half.
        (200, format!("[{first},{}", &second[..40])),
        (200, format!("[{first}]")),
        (200, format!("[{first},{second},{second}]")),
        (200, "[]".into()),
        (200, "{}".into()),
        (200, r#"{"code":200,"msg":"success"}"#.into()),
        // The whole was refused, maybe in its middle.
        (400, r#"{"code":-2019,"msg":"Margin is insufficient."}"#.into()),
        (400, r#"{"code":-4082,"msg":"Invalid number of batch place orders."}"#.into()),
        (429, r#"{"code":-1015,"msg":"Too many new orders."}"#.into()),
        (503, r#"{"code":-1001,"msg":"Service Unavailable."}"#.into()),
        (502, "<html>".into()),
        // Rows about other orders, in the wrong places, unreadable.
        (200, format!("[{second},{first}]")),
        (200, "[{},null]".into()),
        (200, r#"[{"code":200,"msg":"success"},{"code":-1007,"msg":"Timeout"}]"#.into()),
    ] {
        let world = World::netting().await;
        world.fault("POST", BATCH, RequestFault::ErrorAfter(answer(status, &body)));
        let all = attempts(&world, vec![resting(&world, 95), resting(&world, 94)]).await;
        assert_eq!((all[0].cl_ord_id.as_str(), all[1].cl_ord_id.as_str()), ("T-1", "T-2"));
        let results = world.venue.batch(Batch::Submit(all)).await;
        assert_eq!(words(&results), ["unknown", "unknown"], "{status} {body}");
        assert_eq!(world.accepted(), 2, "both were taken, whatever was answered");
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_about_another_order_settles_only_its_own_item_not() {
    let world = World::netting().await;
    let all = attempts(&world, vec![resting(&world, 95), resting(&world, 94)]).await;
    let row = format!(
        r#"[{{"orderId":1,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"{}","price":"1","origQty":"0.010","executedQty":"0","type":"LIMIT","side":"BUY","updateTime":1}},{{"code":-4116,"msg":"ClientOrderId is duplicated."}}]"#,
        all[0].cl_ord_id
    );
    world.fault("POST", BATCH, RequestFault::ErrorAfter(answer(200, &row)));
    assert_eq!(words(&world.venue.batch(Batch::Submit(all)).await), ["New", "unknown, live"]);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_leaves_all_unknown_and_a_passed_window_sends_none() {
    let world = World::netting().await;
    world.fault("POST", BATCH, RequestFault::DropResponse);
    let all = attempts(&world, vec![resting(&world, 95), resting(&world, 94)]).await;
    assert_eq!(words(&world.venue.batch(Batch::Submit(all)).await), ["unknown", "unknown"]);
    assert_eq!(world.accepted(), 2);
    let late = attempts(&world, vec![resting(&world, 95), resting(&world, 94)]).await;
    tokio::time::sleep(std::time::Duration::from_millis(2_001)).await;
    assert_eq!(words(&world.venue.batch(Batch::Submit(late)).await), ["not sent", "not sent"]);
    assert_eq!(world.accepted(), 2);
}

#[tokio::test(start_paused = true)]
async fn items_of_different_windows_end_with_the_first() {
    let world = World::netting().await;
    let mut all = attempts(&world, vec![resting(&world, 95), resting(&world, 94)]).await;
    all[1].recv_window_ms = 300;
    world.fault("POST", BATCH, RequestFault::DelayRequest(400));
    let results = world.venue.batch(Batch::Submit(all)).await;
    // Refused at the door with -1021, which says nothing about the items of a batch; and none was taken.
    assert_eq!(words(&results), ["unknown", "unknown"]);
    assert_eq!(world.accepted(), 0);
}

async fn placed(world: &World, percents: &[i64]) -> Vec<OrderReport> {
    let mut placed = Vec::new();
    for percent in percents {
        placed.push(*world.submit(resting(world, *percent)).await.unwrap());
    }
    placed
}

fn replace(world: &World, request: u64, order: OrderRef, at: &Attempt, percent: i64) -> Replace {
    let price = part(world.last_price("BTCUSDT"), percent);
    let qty = "0.020".parse().unwrap();
    Replace {
        request: RequestId(request),
        order,
        side: Side::Buy,
        qty,
        price,
        timestamp: at.timestamp,
        recv_window_ms: at.recv_window_ms,
    }
}

#[tokio::test(start_paused = true)]
async fn changes_are_confirmed_one_by_one() {
    let world = World::netting().await;
    let orders = placed(&world, &[95, 94, 93]).await;
    let stop = terms(&btc(), Side::Sell, "0.010", stop_at(part(world.last_price("BTCUSDT"), 90)));
    let stop = world.submit(stop).await.unwrap();
    world.cancel(reference(&orders[1])).await.unwrap();
    let now = world.attempt(resting(&world, 95)).await;
    let by_number = OrderRef { order_id: orders[2].order_id, cl_ord_id: None, ..reference(&orders[2]) };
    let all = vec![
        replace(&world, 71, reference(&orders[0]), &now, 96),
        replace(&world, 72, reference(&orders[1]), &now, 96),
        replace(&world, 73, conditional_reference(&stop), &now, 96),
        replace(&world, 74, by_number, &now, 92),
    ];
    let results = world.venue.batch(Batch::Replace(all)).await;
    assert_eq!(words(&results), ["New", "NotOnBook", "not sent", "New"]);
    let told: Vec<_> = results.iter().flatten().map(|r| (r.replaced_by.map(|r| r.0), r.qty.unwrap().get())).collect();
    assert_eq!(told, [(Some(71), Decimal::new(20, 3)), (Some(74), Decimal::new(20, 3))]);
    // A single one is a request of its own.
    let single = vec![replace(&world, 75, reference(&orders[0]), &now, 95)];
    assert_eq!(words(&world.venue.batch(Batch::Replace(single)).await), ["New"]);
}

#[tokio::test(start_paused = true)]
async fn cancels_go_together_by_symbol_and_by_name_and_the_others_alone() {
    let world = World::netting().await;
    let orders = placed(&world, &[95, 94, 93, 92, 91]).await;
    let stop = terms(&btc(), Side::Sell, "0.010", stop_at(part(world.last_price("BTCUSDT"), 90)));
    let stop = world.submit(stop).await.unwrap();
    let by_number = |report: &OrderReport| OrderRef { order_id: report.order_id, ..reference(report) };
    let nameless = OrderRef { cl_ord_id: None, ..reference(&orders[4]) };
    let references = [
        reference(&orders[0]),
        by_number(&orders[1]),
        conditional_reference(&stop),
        reference(&orders[2]),
        by_number(&orders[3]),
        nameless,
        // The same again: gone by then, or never there.
        OrderRef { cl_ord_id: Some(world.id()), ..reference(&orders[0]) },
    ];
    let all = references.iter().zip(1..).map(|(order, n)| Cancel { request: RequestId(n), order: order.clone() }).collect();
    let results = world.venue.batch(Batch::Cancel(all)).await;
    assert_eq!(words(&results), ["Canceled", "Canceled", "Canceled", "Canceled", "Canceled", "not sent", "NotOnBook"]);
    for (result, order) in results.iter().zip([0, 1, 9, 2, 3]) {
        let expected = orders.get(order).map_or(stop.cl_ord_id, |report| report.cl_ord_id);
        assert_eq!(result.as_ref().unwrap().cl_ord_id, expected);
    }
    let open = world.venue.mass_status(&[btc()]).await.unwrap().open_orders;
    assert_eq!((open.len(), open[0].status, open[0].cl_ord_id), (1, VenueStatus::New, orders[4].cl_ord_id));
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_cancels_that_is_answered_wrongly_settles_none() {
    for body in ["[]", r#"[{"code":-2011,"msg":"Unknown order sent."}]"#, r#"{"code":200,"msg":"done"}"#, "[{\"orderId\":"] {
        let world = World::netting().await;
        let orders = placed(&world, &[95, 94]).await;
        world.fault("DELETE", BATCH, RequestFault::ErrorAfter(answer(200, body)));
        let all = orders.iter().zip(1..).map(|(o, n)| Cancel { request: RequestId(n), order: reference(o) }).collect();
        assert_eq!(words(&world.venue.batch(Batch::Cancel(all)).await), ["unknown", "unknown"], "{body}");
        assert!(world.venue.mass_status(&[btc()]).await.unwrap().open_orders.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn closing_orders_may_use_what_is_kept_for_them() {
    let world = World::with(exchange_sim::AccountSpec::default(), |settings| settings.limits.orders_10s = 14).await;
    world.submit(terms(&btc(), Side::Buy, "0.010", OrderKind::Market)).await.unwrap();
    let mut close = terms(&btc(), Side::Sell, "0.005", OrderKind::Market);
    close.intention = Intention::Reduce;
    // Of fourteen, one is headroom, two are kept for closing orders, one is used, and a batch takes five.
    let opening = attempts(&world, vec![resting(&world, 95), resting(&world, 94)]).await;
    let again = attempts(&world, vec![resting(&world, 93), resting(&world, 92)]).await;
    let closing = attempts(&world, vec![close.clone(), close]).await;
    assert_eq!(words(&world.venue.batch(Batch::Submit(opening)).await), ["New", "New"]);
    assert_eq!(words(&world.venue.batch(Batch::Submit(again)).await), ["not sent", "not sent"]);
    assert_eq!(words(&world.venue.batch(Batch::Submit(closing)).await), ["Filled", "Filled"]);
}
