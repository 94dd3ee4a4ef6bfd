//! The comparison sees what differs: books are made from an exchange's ledger, found equal, and broken in one place after another.

use super::compare;
use crate::play::forgetful::Forgetful;
use exchange_sim::{
    AccountSpec, Exchange, ExchangeConfig,
    ledger::Ledger,
    request::{AlgoRef, NewAlgoOrder, NewOrder},
    types::{AlgoStatus, OrderStatus, OrderType, Side as LedgerSide, TimeInForce as LedgerTif},
};
use exec_core::{
    books::Books,
    cl_ord_id::Tag,
    ids::{AccountId, AlgoId, Asset, ClOrdId, Epoch, InstrumentId, IntentId, OrderId, Seq, TradeId},
    order::{
        event::{AttemptHeader, OrderEvent},
        intent::{Handling, Intent, Owner, Provenance},
    },
    record::Record,
    report::{Fee, Fill, Source},
    terms::{Intention, OrderKind, Terms, Trigger, TriggerBy},
    time::{Timestamp, VenueTime},
    units::{Amount, PositionMode, PositionSide, Price, Qty, Side},
};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

const AT: Timestamp = Timestamp(1);

/// An account that has bought twice, sold once, and taken one order back.
fn ledger() -> Ledger {
    let mut exchange = Exchange::new(ExchangeConfig::default()).unwrap();
    let account = exchange.create_account(AccountSpec::default());
    let now = exchange.now();
    let market = |id: &str, side, qty: i64| NewOrder::market("ETHUSDT", side, Decimal::new(qty, 1)).with_client_id(id);
    let far =
        NewOrder::limit("ETHUSDT", LedgerSide::Buy, Decimal::ONE, Decimal::from(2450), LedgerTif::Gtc).with_client_id("far");
    exchange.place(now, account, &market("one", LedgerSide::Buy, 12)).unwrap();
    exchange.place(now, account, &market("two", LedgerSide::Buy, 7)).unwrap();
    exchange.place(now, account, &market("three", LedgerSide::Sell, 9)).unwrap();
    exchange.place(now, account, &far).unwrap();
    exchange.cancel_all(now, account, "ETHUSDT").unwrap();
    // Two conditional orders: one waits, one is taken back.
    for (id, trigger) in [("stop", 2400), ("gone", 2410)] {
        let trigger = Decimal::from(trigger);
        let order = NewAlgoOrder::market("ETHUSDT", LedgerSide::Sell, OrderType::StopMarket, Decimal::ONE, trigger);
        exchange.place_algo(now, account, &order.with_client_id(id)).unwrap();
    }
    exchange.cancel_algo(now, account, &AlgoRef::client("gone")).unwrap();
    exchange.ledger(account).unwrap()
}

/// The records of a node that has seen all of it.
fn records(ledger: &Ledger) -> Vec<Record> {
    let account = AccountId::new("netting").unwrap();
    let mut all = vec![Record::Started { account, epoch: Epoch(1), mode: PositionMode::Netting, at: AT }];
    for (number, row) in ledger.orders.iter().enumerate() {
        let intent = IntentId(number as u128 + 1);
        let cl_ord_id = ClOrdId::new(&row.client_order_id).unwrap();
        let qty = Some(Qty::new(row.orig_qty).unwrap());
        let side = if row.side == LedgerSide::Buy { Side::Buy } else { Side::Sell };
        let terms = Terms {
            instrument: InstrumentId::new("ETHUSDT-PERP.BINANCE").unwrap(),
            side,
            leg: PositionSide::Net,
            intention: Intention::Open,
            qty,
            kind: OrderKind::Market,
            stp: None,
        };
        all.push(Record::Intent(Intent {
            id: intent,
            owner: Owner::External,
            provenance: Provenance::Ours,
            terms,
            handling: Handling::default(),
            list: None,
            asked: AT,
        }));
        let mut fact = |event| all.push(Record::Order { intent, at: AT, source: Source::Stream, event });
        let header =
            AttemptHeader { number: 0, timestamp: VenueTime(1), recv_window_ms: 1, epoch: Epoch(1), qty, replaces: None };
        fact(OrderEvent::Attempted { cl_ord_id, header });
        let order_id = Some(OrderId::from_number(row.order_id as u64));
        fact(OrderEvent::Accepted { cl_ord_id, order_id, algo_id: None });
        for trade in ledger.trades.iter().filter(|t| t.client_order_id == row.client_order_id) {
            let fee = Fee { amount: Amount::new(trade.commission).unwrap(), asset: Asset::new(&trade.commission_asset).unwrap() };
            let fill = Fill {
                trade_id: TradeId::from_number(trade.id as u64),
                price: Price::new(trade.price).unwrap(),
                qty: Qty::new(trade.qty).unwrap(),
                side,
                maker: trade.maker,
                leg: None,
                fee: Some(fee),
                realized: Some(Amount::new(trade.realized_pnl).unwrap()),
                at: VenueTime(trade.time),
            };
            fact(OrderEvent::Executed { cl_ord_id, fill });
        }
        if row.status == OrderStatus::Canceled {
            fact(OrderEvent::Canceled { cl_ord_id });
        }
    }
    for (number, row) in ledger.algo_orders.iter().enumerate() {
        let intent = IntentId(number as u128 + 100);
        let cl_ord_id = ClOrdId::new(&row.client_algo_id).unwrap();
        let qty = Some(Qty::new(row.quantity).unwrap());
        let trigger = Trigger { price: Price::new(row.trigger_price).unwrap(), by: TriggerBy::Last, price_protect: false };
        let terms = Terms {
            instrument: InstrumentId::new("ETHUSDT-PERP.BINANCE").unwrap(),
            side: Side::Sell,
            leg: PositionSide::Net,
            intention: Intention::Open,
            qty,
            kind: OrderKind::StopMarket { trigger },
            stp: None,
        };
        let provenance = Provenance::Ours;
        let (owner, handling) = (Owner::External, Handling::default());
        all.push(Record::Intent(Intent { id: intent, owner, provenance, terms, handling, list: None, asked: AT }));
        let mut fact = |event| all.push(Record::Order { intent, at: AT, source: Source::Stream, event });
        let header =
            AttemptHeader { number: 0, timestamp: VenueTime(1), recv_window_ms: 1, epoch: Epoch(1), qty, replaces: None };
        fact(OrderEvent::Attempted { cl_ord_id, header });
        let algo_id = Some(AlgoId::from_number(number as u64 + 1));
        fact(OrderEvent::Accepted { cl_ord_id, order_id: None, algo_id });
        if row.status == AlgoStatus::Canceled {
            fact(OrderEvent::Canceled { cl_ord_id });
        }
    }
    for wallet in &ledger.wallets {
        let (asset, amount) = (Asset::new(&wallet.asset).unwrap(), Amount::new(wallet.balance).unwrap());
        all.push(Record::Balance { asset, wallet: amount, at: VenueTime(1) });
    }
    all
}

fn books(records: &[Record]) -> Books {
    let mut books = Books::new(AccountId::new("netting").unwrap(), Tag::new("DEMO").unwrap());
    for (number, record) in records.iter().enumerate() {
        books.apply(Seq(number as u64 + 1), record).unwrap();
    }
    books
}

fn deposits() -> BTreeMap<String, Decimal> {
    AccountSpec::default().wallets.into_iter().collect()
}

/// Which aspects differ.
fn differing(records: &[Record], ledger: &Ledger) -> Vec<&'static str> {
    let lines = compare(&books(records), ledger, &deposits());
    lines.iter().filter(|line| !line.is_equal()).map(|line| line.what).collect()
}

const IDS: &str = "client order ids, of both books";
const CONDITIONAL: &str = "conditional orders: status, trigger, quantity";
const STATUS: &str = "final status of each order";
const CUM: &str = "cumulative quantity of each order";
const TRADES: &str = "trades: id, price, quantity, fee, side, leg";
const POSITIONS: &str = "positions, leg by leg";
const WALLETS: &str = "wallets, asset by asset";
const EARNED: &str = "wallets from the books' own trades";

#[test]
fn books_that_saw_everything_are_equal() {
    let ledger = ledger();
    assert!(ledger.trades.len() >= 3 && ledger.orders.len() == 4 && ledger.algo_orders.len() == 2);
    let lines = compare(&books(&records(&ledger)), &ledger, &deposits());
    assert!(lines.iter().all(super::Line::is_equal), "{lines:?}");
    assert_eq!(lines.iter().map(|l| l.count).collect::<Vec<_>>(), [6, 2, 4, 4, ledger.trades.len(), 1, 1, 1]);
}

#[test]
fn a_skipped_fill_is_found() {
    let ledger = ledger();
    let fills = ledger.trades.len();
    for nth in 0..fills {
        let mut records = records(&ledger);
        // A fill that is told twice is still one fill.
        let again = records.iter().filter(|r| matches!(r, Record::Order { event: OrderEvent::Executed { .. }, .. })).cloned();
        let again: Vec<Record> = again.collect();
        records.extend(again);
        let mut forgetful = Forgetful::of(Some(nth));
        records.iter_mut().for_each(|record| forgetful.pass(record));
        let found = differing(&records, &ledger);
        for what in [CUM, TRADES, POSITIONS, EARNED] {
            assert!(found.contains(&what), "fill {nth}: {what} not in {found:?}");
        }
        let lines = compare(&books(&records), &ledger, &deposits());
        let told = lines.iter().flat_map(|l| &l.differences).filter(|d| d.contains("missing in the books")).count();
        assert_eq!(told, 1, "the fill is named");
    }
}

#[test]
fn every_other_difference_is_found() {
    let ledger = ledger();
    let changed = |change: &dyn Fn(&mut Record)| {
        let mut records = records(&ledger);
        records.iter_mut().for_each(change);
        differing(&records, &ledger)
    };
    let fill = |change: &'static dyn Fn(&mut Fill)| {
        move |record: &mut Record| {
            if let Record::Order { event: OrderEvent::Executed { cl_ord_id, fill }, .. } = record
                && cl_ord_id.as_str() == "two"
            {
                change(fill);
            }
        }
    };
    assert_eq!(changed(&fill(&|f| f.price = Price::new(f.price.get() + Decimal::ONE).unwrap())), [TRADES]);
    assert_eq!(changed(&fill(&|f| f.trade_id = TradeId::from_number(5))), [TRADES]);
    assert_eq!(changed(&fill(&|f| f.fee = None)), [TRADES, EARNED]);
    let two = Amount::new(Decimal::TWO).unwrap();
    assert_eq!(changed(&fill(&|f| f.realized = Some(Amount::new(Decimal::TWO).unwrap()))), [EARNED]);
    let balance = |record: &mut Record| {
        if let Record::Balance { wallet, .. } = record {
            *wallet = wallet.plus(two);
        }
    };
    assert_eq!(changed(&balance), [WALLETS]);
    let reopened = |record: &mut Record| {
        if let Record::Order { event: OrderEvent::Canceled { .. }, at, .. } = record {
            *record = Record::Raw { why: String::new(), raw: String::new(), at: *at };
        }
    };
    assert_eq!(changed(&reopened), [CONDITIONAL, STATUS]);
    let renamed = |record: &mut Record| {
        if let Record::Order { event, .. } = record {
            let other = ClOrdId::new("other").unwrap();
            match event {
                OrderEvent::Attempted { cl_ord_id, .. }
                | OrderEvent::Accepted { cl_ord_id, .. }
                | OrderEvent::Canceled { cl_ord_id }
                    if cl_ord_id.as_str() == "far" =>
                {
                    *cl_ord_id = other;
                }
                _ => (),
            }
        }
    };
    let ids = compare(
        &books(&{
            let mut records = records(&ledger);
            records.iter_mut().for_each(renamed);
            records
        }),
        &ledger,
        &deposits(),
    );
    assert_eq!(
        ids[0].differences,
        ["ETHUSDT other: in the books, unknown to the exchange", "ETHUSDT far: at the exchange, missing in the books"]
    );
    assert_eq!(ids[0].what, IDS);
}

#[test]
fn a_difference_in_the_conditional_book_is_found() {
    let ledger = ledger();
    let changed = |change: &dyn Fn(&mut Record)| {
        let mut records = records(&ledger);
        records.iter_mut().for_each(change);
        differing(&records, &ledger)
    };
    let of_stop = |record: &Record, id: &str| match record {
        Record::Order { event, .. } => event.cl_ord_id().is_some_and(|c| c.as_str() == id),
        _ => false,
    };
    let nothing = |record: &mut Record| *record = Record::Raw { why: String::new(), raw: String::new(), at: AT };
    // A stop that the books believe to wait, and that is gone; and the other way round.
    let cancelled = |record: &Record| matches!(record, Record::Order { event: OrderEvent::Canceled { .. }, .. });
    assert_eq!(
        changed(&|r| if of_stop(r, "gone") && cancelled(r) {
            nothing(r)
        }),
        [CONDITIONAL]
    );
    // A stop that the books do not know of.
    assert_eq!(
        changed(&|r| if of_stop(r, "stop") {
            nothing(r)
        }),
        [IDS]
    );
    // A stop with another trigger.
    let moved = |record: &mut Record| {
        if let Record::Intent(intent) = record
            && let OrderKind::StopMarket { trigger } = &mut intent.terms.kind
        {
            trigger.price = Price::new(trigger.price.get() + Decimal::ONE).unwrap();
        }
    };
    assert_eq!(changed(&moved), [CONDITIONAL]);
}
