//! One market order's fill as it comes over the wire: four private events and a row of the trade list, in every order, each
//! twice; and the same for the child of a conditional order, with what the Algo Service says beside it. The fields are those of
//! live USDⓈ-M events of 2026-09-19 ("User Data Streams", order, account and algo order events).

use binance_adapter::translate::{Symbols, Tally, report, user_trade};
use exec_core::{
    conversation::Input,
    ids::{IntentId, SessionId},
    order::status::OrdStatus,
    report::Fee,
    terms::{Intention, OrderKind, Terms, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::{
    fixtures::{asset, config, decimal, instrument_id, price, qty},
    rig::Rig,
};

/// TRADE_LITE, the acknowledgement, the account, the trade; with equal `T` and `E`.
fn events(cl_ord_id: &str, at: i64, leg: &str) -> [String; 4] {
    let order = |execution: &str, status: &str, last: &str, cum: &str, px: &str, fee: &str, paid: &str, trade: u64| {
        format!(
            r#"{{"e":"ORDER_TRADE_UPDATE","T":{at},"E":{at},"o":{{"s":"BTCUSDT","c":"{cl_ord_id}","S":"BUY","o":"MARKET","f":"GTC","q":"4.9","p":"0","ap":"{px}","sp":"0","x":"{execution}","X":"{status}","i":33878894217,"l":"{last}","z":"{cum}","L":"{px}","n":"{fee}","N":"{paid}","T":{at},"t":{trade},"b":"0","a":"0","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"MARKET","ps":"{leg}","cp":false,"rp":"0.5","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}}}"#
        )
    };
    [
        format!(
            r#"{{"e":"TRADE_LITE","E":{at},"T":{at},"s":"BTCUSDT","q":"4.9","p":"0.000000","m":false,"c":"{cl_ord_id}","S":"BUY","L":"100.100000","l":"4.9","t":1190331610,"i":33878894217}}"#
        ),
        order("NEW", "NEW", "0", "0", "0", "0", "USDT", 0),
        format!(
            r#"{{"e":"ACCOUNT_UPDATE","T":{at},"E":{at},"a":{{"B":[{{"a":"USDT","wb":"28.05614361","cw":"28.05614361","bc":"0"}}],"P":[{{"s":"BTCUSDT","pa":"4.9","ep":"100.1","cr":"-0.73987992","up":"0","mt":"cross","iw":"0","ps":"{leg}","ma":"USDT","bep":"100.13646795"}}],"m":"ORDER"}}}}"#
        ),
        order("TRADE", "FILLED", "4.9", "4.9", "100.1", "0.00000325", "BNB", 1_190_331_610),
    ]
}

fn trade_row(at: i64, leg: &str) -> String {
    format!(
        r#"{{"symbol":"BTCUSDT","id":1190331610,"orderId":33878894217,"pair":"BTCUSDT","side":"BUY","price":"100.100000","qty":"4.9","realizedPnl":"0.50000000","quoteQty":"490.4900000","commission":"0.00000325","commissionAsset":"BNB","time":{at},"buyer":true,"maker":false,"positionSide":"{leg}","baseQty":"0","marginAsset":"USDT"}}"#
    )
}

fn permutations(of: &[usize]) -> Vec<Vec<usize>> {
    match of {
        [] => vec![Vec::new()],
        _ => of
            .iter()
            .flat_map(|first| {
                let rest: Vec<usize> = of.iter().copied().filter(|x| x != first).collect();
                permutations(&rest).into_iter().map(|mut p| {
                    p.insert(0, *first);
                    p
                })
            })
            .collect(),
    }
}

/// An engine that has sent one market buy and has heard nothing of it.
fn sent(mode: PositionMode, leg: PositionSide) -> (Rig, IntentId) {
    let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
    let intent = rig.submit(Terms {
        instrument: instrument_id("BTCUSDT"),
        side: Side::Buy,
        leg,
        intention: Intention::Open,
        qty: Some(qty("4.9")),
        kind: OrderKind::Market,
        stp: None,
    });
    rig.durable();
    assert_eq!(rig.attempts_sent().len(), 1);
    (rig, intent)
}

#[test]
fn promise_p04_four_events_in_all_24_orders_each_twice_make_one_fill_and_one_fee() {
    let symbols = Symbols::default();
    for (mode, leg, word) in
        [(PositionMode::Netting, PositionSide::Net, "BOTH"), (PositionMode::Hedging, PositionSide::Long, "LONG")]
    {
        let mut ends = Vec::new();
        for order in permutations(&[0, 1, 2, 3]) {
            let (mut rig, intent) = sent(mode, leg);
            let at = rig.venue_time().0;
            let events = events(rig.cl_ord_id(intent).as_str(), at, word);
            for index in order.iter().chain(&order) {
                let report = report(&symbols, &Tally::default(), &events[*index]);
                rig.give(Input::Report { session: SessionId(1), report });
            }
            rig.wait(1_500);
            let case = format!("{mode:?} {order:?}");
            assert_eq!(rig.status(intent), OrdStatus::Filled, "{case}");
            assert_eq!(rig.order(intent).cum_qty(), qty("4.9"), "{case}");
            assert!(rig.order(intent).unattributed_qty().is_zero(), "{case}");
            let fills: Vec<_> = rig.order(intent).fills().map(|(_, f)| f.clone()).collect();
            assert_eq!(fills.len(), 1, "{case}");
            assert_eq!((fills[0].price, fills[0].qty), (price("100.1"), qty("4.9")), "{case}");
            let fee = Fee { amount: "0.00000325".parse().unwrap(), asset: asset("BNB") };
            assert_eq!(fills[0].fee.as_ref(), Some(&fee), "{case}");
            let books = rig.engine.books();
            assert_eq!(books.position_qty(&instrument_id("BTCUSDT"), leg).get(), decimal("4.9"), "{case}");
            assert_eq!(books.orders().count(), 1, "{case}");
            assert_eq!(books.raw_kept(), 0, "{case}: {:?}", rig.alerts);
            assert!(!rig.alerted("position_unexplained"), "{case}");
            assert!(!rig.asked.values().any(|_| true), "{case}: nothing is left to ask");
            ends.push(rig.order(intent).clone());
        }
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{mode:?}: the same order, whatever the order of arrival");
    }
}

/// What the Algo Service says of the stop whose child is the order of [`events`].
fn service(cl_ord_id: &str, at: i64, leg: &str, state: &str, child: bool) -> String {
    let (id, done) = if child { ("33878894217", r#","ap":"100.1","aq":"4.9","act":"MARKET""#) } else { ("", "") };
    format!(
        r#"{{"e":"ALGO_UPDATE","T":{at},"E":{at},"o":{{"caid":"{cl_ord_id}","aid":4000001910368571,"at":"CONDITIONAL","o":"STOP_MARKET","s":"BTCUSDT","S":"BUY","ps":"{leg}","f":"GTC","q":"4.9","X":"{state}","ai":"{id}"{done},"tp":"100","p":"0","V":"EXPIRE_MAKER","wt":"MARK_PRICE","pm":"NONE","cp":false,"pP":false,"R":false,"tt":{at},"gtd":0,"ia":false}}}}"#
    )
}

/// An engine that has sent one stop which buys, and has heard nothing of it.
fn sent_stop(mode: PositionMode, leg: PositionSide) -> (Rig, IntentId) {
    let mut rig = Rig::live(config(mode, &["BTCUSDT"]));
    let trigger = Trigger { price: price("100"), by: TriggerBy::Mark, price_protect: false };
    let intent = rig.submit(Terms {
        instrument: instrument_id("BTCUSDT"),
        side: Side::Buy,
        leg,
        intention: Intention::Open,
        qty: Some(qty("4.9")),
        kind: OrderKind::StopMarket { trigger },
        stp: None,
    });
    rig.durable();
    assert_eq!(rig.attempts_sent().len(), 1, "{:?}", rig.told);
    (rig, intent)
}

#[test]
fn a_triggered_order_and_its_child_are_one_in_every_order_of_their_events() {
    let symbols = Symbols::default();
    for (mode, leg, word) in
        [(PositionMode::Netting, PositionSide::Net, "BOTH"), (PositionMode::Hedging, PositionSide::Long, "LONG")]
    {
        let mut ends = Vec::new();
        // FINISHED is told last by its own service, and may still overtake everything that others tell.
        for finished_first in [false, true] {
            for order in permutations(&[0, 1, 2, 3, 4]) {
                let (mut rig, intent) = sent_stop(mode, leg);
                let at = rig.venue_time().0;
                let id = rig.cl_ord_id(intent);
                let [lite, new, account, trade] = events(id.as_str(), at, word);
                let service = |state, child| service(id.as_str(), at, word, state, child);
                let five = [lite, new, account, trade, service("TRIGGERED", true)];
                let mut told = vec![service("NEW", false), service("TRIGGERING", false)];
                let finished = service("FINISHED", true);
                told.extend(finished_first.then(|| finished.clone()));
                told.extend(order.iter().chain(&order).map(|index| five[*index].clone()));
                told.extend((!finished_first).then_some(finished));
                for text in &told {
                    let report = report(&symbols, &Tally::default(), text);
                    rig.give(Input::Report { session: SessionId(1), report });
                }
                rig.wait(1_500);
                let case = format!("{mode:?} {finished_first} {order:?}");
                assert_eq!(rig.status(intent), OrdStatus::Filled, "{case}");
                assert_eq!(rig.order(intent).cum_qty(), qty("4.9"), "{case}");
                assert!(rig.order(intent).unattributed_qty().is_zero(), "{case}");
                assert_eq!(rig.order(intent).fills().count(), 1, "{case}");
                let fee = Fee { amount: "0.00000325".parse().unwrap(), asset: asset("BNB") };
                assert!(rig.order(intent).fills().all(|(_, fill)| fill.fee.as_ref() == Some(&fee)), "{case}");
                let (_, attempt) = rig.order(intent).governing().unwrap();
                assert_eq!(attempt.order_id().unwrap().as_str(), "33878894217", "{case}");
                assert_eq!(attempt.algo_id().unwrap().as_str(), "4000001910368571", "{case}");
                let books = rig.engine.books();
                assert_eq!(books.position_qty(&instrument_id("BTCUSDT"), leg).get(), decimal("4.9"), "{case}");
                assert_eq!(books.orders().count(), 1, "{case}: the child is no order of its own");
                assert_eq!(books.raw_kept(), 0, "{case}: {:?}", rig.alerts);
                ends.push(rig.order(intent).clone());
            }
        }
        assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{mode:?}: the same order, whatever the order of arrival");
    }
}

#[test]
fn a_row_of_the_trade_list_adds_nothing_to_what_the_stream_said() {
    let symbols = Symbols::default();
    for stream_first in [true, false] {
        let (rig, intent) = sent(PositionMode::Netting, PositionSide::Net);
        let at = rig.venue_time().0;
        let events = events(rig.cl_ord_id(intent).as_str(), at, "BOTH");
        let row = trade_row(at, "BOTH");
        let row = user_trade(&symbols, &binance_adapter::wire::read(&row).unwrap()).unwrap();
        let mut facts = Vec::new();
        exec_core::order::facts::of_trade_report(rig.cl_ord_id(intent), &row, &mut facts);
        let mut order = rig.order(intent).clone();
        let stream = report(&symbols, &Tally::default(), &events[3]);
        let exec_core::report::ReportBody::Order(stream) = stream.body else { panic!("{stream:?}") };
        let mut from_stream = Vec::new();
        exec_core::order::facts::of_order_report(rig.cl_ord_id(intent), &stream, &mut from_stream);
        let both = if stream_first { from_stream.into_iter().chain(facts) } else { facts.into_iter().chain(from_stream) };
        for fact in both {
            order.apply(&fact).unwrap_or_else(|error| panic!("{error}"));
        }
        assert_eq!(order.fills().count(), 1);
        assert_eq!(order.cum_qty(), qty("4.9"));
        assert_eq!(order.contribution(None).fees.len(), 1);
    }
}
