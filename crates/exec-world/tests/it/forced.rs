//! What the exchange does by itself, in every way in which it tells it: the ledger of executions sums to the venue's legs, fees and
//! realised profit to the last digit, with nothing adopted and nothing unattributed.

use crate::pair::{Pair, btc};
use exchange_sim::{
    config::{AlgoConfig, ForcedStyle},
    types,
};
use exec_core::{
    command::Command,
    order::{
        intent::{ExchangeMade, Provenance},
        status::OrdStatus,
    },
    terms::{Intention, OrderKind, Terms, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::{asset, decimal, qty};
use rust_decimal::Decimal;

type Act = fn(&mut Pair, PositionSide);

const ACTS: [(ExchangeMade, Act); 4] = [
    (ExchangeMade::AutoDeleveraging, |pair, leg| {
        let (now, account) = (pair.now_ms, pair.desk.account());
        pair.desk.exchange_mut().deleverage(now, account, "BTCUSDT", venue_leg(leg), decimal("0.020")).expect("deleveraged");
    }),
    (ExchangeMade::Liquidation, |pair, _| {
        let (now, account) = (pair.now_ms, pair.desk.account());
        pair.desk.exchange_mut().liquidate_now(now, account, Some("BTCUSDT")).expect("liquidated");
    }),
    (ExchangeMade::Settlement, |pair, _| {
        let now = pair.now_ms;
        pair.desk.exchange_mut().settle_symbol(now, "BTCUSDT").expect("settled");
    }),
    (ExchangeMade::Delivery, |pair, _| {
        let now = pair.now_ms;
        pair.desk.exchange_mut().deliver_symbol(now, "BTCUSDT").expect("delivered");
    }),
];

const fn venue_leg(leg: PositionSide) -> types::PositionSide {
    match leg {
        PositionSide::Net => types::PositionSide::Both,
        PositionSide::Long => types::PositionSide::Long,
        PositionSide::Short => types::PositionSide::Short,
    }
}

fn order(side: Side, leg: PositionSide, intention: Intention, amount: &str, kind: OrderKind) -> Terms {
    Terms { instrument: btc(), side, leg, intention, qty: Some(qty(amount)), kind, stp: None }
}

/// What all executions in the books made of the wallet: realised profit less fees.
fn earned(pair: &Pair) -> Decimal {
    let legs = pair.engine.books().positions();
    legs.map(|(_, _, p)| p.realized().get() - p.fees().get(&asset("USDT")).map(|fee| fee.get()).unwrap_or_default()).sum()
}

#[test]
fn forced_orders_sum_to_the_venues_ledger_to_the_last_digit() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        for style in [ForcedStyle::Plain, ForcedStyle::Unannounced, ForcedStyle::Legacy] {
            for (made_by, act) in ACTS {
                for down in [false, true] {
                    one(mode, style, made_by, act, down);
                }
            }
        }
    }
}

/// A position (in HEDGING two legs), a stop on it, and the exchange's hand; the node listens, or is down while it happens.
fn one(mode: PositionMode, style: ForcedStyle, made_by: ExchangeMade, act: Act, down: bool) {
    let what = format!("{made_by:?} {mode:?} {style:?} down={down}");
    let mut pair = Pair::new(mode, AlgoConfig::default());
    pair.desk.exchange_mut().set_forced_style(style);
    let long = if mode == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
    let mut entries = vec![order(Side::Buy, long, Intention::Open, "0.050", OrderKind::Market)];
    if mode == PositionMode::Hedging {
        entries.push(order(Side::Sell, PositionSide::Short, Intention::Open, "0.030", OrderKind::Market));
    }
    for entry in entries {
        let entry = pair.submit(entry);
        pair.wait(100);
        assert_eq!(pair.status(entry), OrdStatus::Filled, "{what}");
    }
    let trigger = Trigger { price: pair.price(900), by: TriggerBy::Mark, price_protect: false };
    let stop = pair.submit(order(Side::Sell, long, Intention::Reduce, "0.050", OrderKind::StopMarket { trigger }));
    pair.wait(100);
    if down {
        pair.die();
    }
    act(&mut pair, long);
    if down {
        pair.restart_after(2_000);
    }
    pair.wait(15_000);
    // A stop that is left on a flat leg is the strategy's to take away.
    pair.command(Command::Cancel(stop));
    pair.wait(1_000);
    pair.agree(&what);
    let books = pair.engine.books();
    assert!(books.orders().any(|o| o.intent().provenance == Provenance::Exchange(made_by)), "{what}: it is known for what it is");
    let view = pair.desk.exchange().account(pair.desk.account()).expect("an account");
    let wallet = view.assets.iter().find(|a| &*a.asset == "USDT").map(|a| a.wallet_balance).expect("a wallet");
    assert_eq!(earned(&pair), wallet - decimal("1000000"), "{what}: realised profit less fees");
    assert_eq!(books.latches().len(), 1, "{what}: new risk stops where it happened");
}
