//! Random operations of several accounts in both modes, with every invariant checked after every step.

use std::collections::BTreeSet;

use exchange_sim::request::{AlgoRef, MarginMove, ModifyOrder, NewAlgoOrder, NewOrder, OrderRef};
use exchange_sim::types::{AlgoStatus, MarginType, OrderType, PositionSide, Side, StpMode, TimeInForce, WorkingType};
use exchange_sim::{
    AccountId, AccountSpec, AlgoConfig, Backstop, Event, Exchange, ExchangeConfig, ForcedStyle, TriggeredTold, UserEvent,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rust_decimal::Decimal;

use crate::core_bench::{BTC, ETH, d};

/// One thing somebody does.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Place { who: u32, eth: bool, buy: bool, leg: u8, kind: u8, ticks: i64, size: i64, reduce: bool, stp: u8 },
    Algo { who: u32, eth: bool, buy: bool, leg: u8, kind: u8, ticks: i64, size: i64, how: u8 },
    CancelAlgo { who: u32, nth: usize },
    CancelAllAlgos { who: u32, eth: bool },
    Modify { who: u32, nth: usize, ticks: i64, size: i64 },
    Cancel { who: u32, nth: usize },
    CancelAll { who: u32, eth: bool },
    Leverage { who: u32, eth: bool, leverage: u32 },
    Isolate { who: u32, eth: bool, isolated: bool },
    Mode { who: u32, hedge: bool },
    Margin { who: u32, leg: u8, amount: i64, add: bool },
    Move { eth: bool, permille: i64 },
    Funds { who: u32, amount: i64 },
    Liquidate { who: u32, eth: bool, all: bool },
    Deleverage { who: u32, eth: bool, leg: u8, size: i64 },
    Ways { how: u8 },
    Wait { ms: i64 },
}

pub(crate) fn deed() -> impl Strategy<Value = Deed> {
    let who = 1..=4_u32;
    let place = (who.clone(), any::<bool>(), any::<bool>(), 0..3_u8, 0..6_u8, ticks(), 1..400_i64, any::<bool>(), 0..4_u8);
    prop_oneof![
        10 => place.prop_map(|(who, eth, buy, leg, kind, ticks, size, reduce, stp)| Deed::Place { who, eth, buy, leg, kind, ticks, size, reduce, stp }),
        5 => (who.clone(), any::<bool>(), any::<bool>(), 0..3_u8, 0..5_u8, ticks(), 1..400_i64, any::<u8>())
            .prop_map(|(who, eth, buy, leg, kind, ticks, size, how)| Deed::Algo { who, eth, buy, leg, kind, ticks, size, how }),
        1 => (who.clone(), 0..8_usize).prop_map(|(who, nth)| Deed::CancelAlgo { who, nth }),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, eth)| Deed::CancelAllAlgos { who, eth }),
        3 => (who.clone(), 0..8_usize, ticks(), 1..400_i64).prop_map(|(who, nth, ticks, size)| Deed::Modify { who, nth, ticks, size }),
        2 => (who.clone(), 0..8_usize).prop_map(|(who, nth)| Deed::Cancel { who, nth }),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, eth)| Deed::CancelAll { who, eth }),
        1 => (who.clone(), any::<bool>(), 1..=125_u32).prop_map(|(who, eth, leverage)| Deed::Leverage { who, eth, leverage }),
        1 => (who.clone(), any::<bool>(), any::<bool>()).prop_map(|(who, eth, isolated)| Deed::Isolate { who, eth, isolated }),
        1 => (who.clone(), any::<bool>()).prop_map(|(who, hedge)| Deed::Mode { who, hedge }),
        1 => (who.clone(), 0..3_u8, 1..500_i64, any::<bool>()).prop_map(|(who, leg, amount, add)| Deed::Margin { who, leg, amount, add }),
        2 => (any::<bool>(), 930..1070_i64).prop_map(|(eth, permille)| Deed::Move { eth, permille }),
        1 => (who.clone(), any::<bool>(), any::<bool>()).prop_map(|(who, eth, all)| Deed::Liquidate { who, eth, all }),
        1 => (who.clone(), any::<bool>(), 0..3_u8, 1..400_i64).prop_map(|(who, eth, leg, size)| Deed::Deleverage { who, eth, leg, size }),
        1 => any::<u8>().prop_map(|how| Deed::Ways { how }),
        1 => (who, -500..500_i64).prop_map(|(who, amount)| Deed::Funds { who, amount }),
        3 => (1..700_i64).prop_map(|ms| Deed::Wait { ms }),
    ]
}

/// Prices close together, so that orders share levels, and some far apart.
fn ticks() -> impl Strategy<Value = i64> {
    prop_oneof![3 => -4..4_i64, 1 => -60..60_i64]
}

fn symbol(eth: bool) -> &'static str {
    if eth { ETH } else { BTC }
}

const LEGS: [PositionSide; 3] = [PositionSide::Both, PositionSide::Long, PositionSide::Short];

/// Does one thing; refusals are answers too.
fn act(exchange: &mut Exchange, now: &mut i64, deed: &Deed) {
    *now += 1;
    let now_ms = *now;
    match *deed {
        Deed::Place { who, eth, buy, leg, kind, ticks, size, reduce, stp } => {
            let account = AccountId(who);
            let hedge = exchange.account_config(account).unwrap().dual_side_position;
            let leg = if hedge { LEGS[1 + usize::from(leg) % 2] } else { PositionSide::Both };
            let side = if buy { Side::Buy } else { Side::Sell };
            let quantity = Decimal::new(size, if eth { 2 } else { 3 });
            let price = near(exchange, eth, ticks);
            let tif =
                [TimeInForce::Gtc, TimeInForce::Gtc, TimeInForce::Gtx, TimeInForce::Ioc, TimeInForce::Fok][usize::from(kind) % 5];
            let mut order = if kind == 5 {
                NewOrder::market(symbol(eth), side, quantity)
            } else {
                NewOrder::limit(symbol(eth), side, quantity, price, tif)
            };
            order.position_side = Some(leg);
            order.reduce_only = Some(reduce && !hedge);
            order.stp_mode = Some(StpMode::ALL[usize::from(stp)]);
            let _ = exchange.place(now_ms, account, &order);
        }
        Deed::Algo { who, eth, buy, leg, kind, ticks, size, how } => {
            let account = AccountId(who);
            let hedge = exchange.account_config(account).unwrap().dual_side_position;
            let _ = exchange.place_algo(now_ms, account, &conditional(exchange, hedge, eth, buy, leg, kind, ticks, size, how));
        }
        Deed::CancelAlgo { who, nth } => {
            let open = exchange.open_algo_orders(AccountId(who), None, None).unwrap();
            if let Some(row) = open.get(nth) {
                let _ = exchange.cancel_algo(now_ms, AccountId(who), &AlgoRef::id(row.algo_id));
            }
        }
        Deed::CancelAllAlgos { who, eth } => {
            exchange.cancel_all_algos(now_ms, AccountId(who), symbol(eth)).unwrap();
        }
        Deed::Modify { who, nth, ticks, size } => {
            let account = AccountId(who);
            let open = exchange.open_orders(account, None).unwrap();
            if let Some(row) = open.get(nth) {
                let eth = row.symbol.as_ref() == ETH;
                let change = ModifyOrder {
                    symbol: row.symbol.to_string(),
                    order: OrderRef::id(row.order_id),
                    side: row.side,
                    quantity: Some(Decimal::new(size, if eth { 2 } else { 3 })),
                    price: Some(near(exchange, eth, ticks)),
                    price_match: None,
                    modify_id: None,
                    reduce_only: None,
                    signed: None,
                };
                let _ = exchange.modify(now_ms, account, &change);
            }
        }
        Deed::Cancel { who, nth } => {
            let open = exchange.open_orders(AccountId(who), None).unwrap();
            if let Some(row) = open.get(nth) {
                exchange.cancel(now_ms, AccountId(who), &row.symbol, &OrderRef::id(row.order_id)).ok();
            }
        }
        Deed::CancelAll { who, eth } => {
            exchange.cancel_all(now_ms, AccountId(who), symbol(eth)).unwrap();
        }
        Deed::Leverage { who, eth, leverage } => {
            let _ = exchange.set_leverage(now_ms, AccountId(who), symbol(eth), leverage);
        }
        Deed::Isolate { who, eth, isolated } => {
            let margin_type = if isolated { MarginType::Isolated } else { MarginType::Crossed };
            let _ = exchange.set_margin_type(now_ms, AccountId(who), symbol(eth), margin_type);
        }
        Deed::Mode { who, hedge } => {
            let _ = exchange.set_position_mode(now_ms, AccountId(who), hedge);
        }
        Deed::Margin { who, leg, amount, add } => {
            let way = if add { MarginMove::Add } else { MarginMove::Reduce };
            let _ =
                exchange.adjust_position_margin(now_ms, AccountId(who), BTC, LEGS[usize::from(leg)], Decimal::from(amount), way);
        }
        Deed::Move { eth, permille } => {
            let mark = exchange.premium(symbol(eth)).unwrap().mark_price;
            let price = (mark * Decimal::new(permille, 3)).round_dp(1);
            exchange.move_price(now_ms, symbol(eth), price).unwrap();
        }
        Deed::Funds { who, amount } => {
            let _ = exchange.add_funds(now_ms, AccountId(who), "USDT", Decimal::from(amount));
        }
        Deed::Liquidate { who, eth, all } => {
            let _ = exchange.liquidate_now(now_ms, AccountId(who), (!all).then(|| symbol(eth)));
        }
        Deed::Deleverage { who, eth, leg, size } => {
            let quantity = Decimal::new(size, if eth { 2 } else { 3 });
            let _ = exchange.deleverage(now_ms, AccountId(who), symbol(eth), LEGS[usize::from(leg)], quantity);
        }
        Deed::Ways { how } => exchange.set_algo_config(ways(exchange.config().algo, how)),
        Deed::Wait { ms } => {
            *now += ms;
            exchange.advance(*now);
        }
    }
}

/// Changes the ways of the Algo Service; the bits of `how` choose among them.
fn ways(before: AlgoConfig, how: u8) -> AlgoConfig {
    let some = |bits: u8, ms: i64| if how & bits == 0 { 0 } else { ms };
    AlgoConfig {
        child_delay_ms: some(1, 40),
        told_delay_ms: some(2, 60),
        finish_delay_ms: some(4, 50),
        told: [TriggeredTold::First, TriggeredTold::Between, TriggeredTold::Last, TriggeredTold::First]
            [usize::from(how >> 3) % 4],
        told_twice: how & 32 != 0,
        varied: how & 64 != 0,
        ..before
    }
}

/// Makes a conditional order; the bits of `how` choose among flags.
#[expect(clippy::too_many_arguments, reason = "one deed has this many choices")]
fn conditional(
    exchange: &Exchange,
    hedge: bool,
    eth: bool,
    buy: bool,
    leg: u8,
    kind: u8,
    ticks: i64,
    size: i64,
    how: u8,
) -> NewAlgoOrder {
    let types = [
        OrderType::Stop,
        OrderType::StopMarket,
        OrderType::TakeProfit,
        OrderType::TakeProfitMarket,
        OrderType::TrailingStopMarket,
    ];
    let order_type = types[usize::from(kind)];
    let side = if buy { Side::Buy } else { Side::Sell };
    let flag = |bit: u8| how >> bit & 1 == 1;
    let mut order = NewAlgoOrder::bare(symbol(eth), side, order_type);
    order.position_side = Some(if hedge { LEGS[1 + usize::from(leg) % 2] } else { PositionSide::Both });
    let closing = flag(0) && matches!(order_type, OrderType::StopMarket | OrderType::TakeProfitMarket);
    let limited = matches!(order_type, OrderType::Stop | OrderType::TakeProfit);
    order.working_type = Some(if flag(1) { WorkingType::MarkPrice } else { WorkingType::ContractPrice });
    order.price_protect = Some(flag(2));
    if closing {
        order.close_position = Some(true);
    } else {
        order.quantity = Some(Decimal::new(size, if eth { 2 } else { 3 }));
        order.reduce_only = (flag(3) && !hedge).then_some(true);
    }
    if limited {
        order.price = Some(near(exchange, eth, -ticks));
        order.time_in_force =
            Some([TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok, TimeInForce::Gtx][usize::from(how >> 4) % 4]);
    } else if flag(4) {
        order.time_in_force = Some(TimeInForce::GteGtc);
    }
    if order_type == OrderType::TrailingStopMarket {
        order.callback_rate = Some(d("0.1"));
        order.activate_price = flag(5).then(|| near(exchange, eth, ticks));
        order.time_in_force = None;
    } else {
        order.trigger_price = Some(near(exchange, eth, ticks));
    }
    order
}

/// Gives a price some ticks from the mark, on the grid.
fn near(exchange: &Exchange, eth: bool, ticks: i64) -> Decimal {
    let mark = exchange.premium(symbol(eth)).unwrap().mark_price;
    let step = if eth { d("0.25") } else { d("5.0") };
    ((mark / step).floor() + Decimal::from(ticks)) * step
}

/// What each account begins with, and in which mode.
pub(crate) const WALLETS: [(&str, bool); 4] = [("1000000", false), ("1000000", true), ("900", false), ("900", true)];

/// Runs deeds, checks after each, and gives the exchange as it ends.
pub(crate) fn live(seed: u64, flow: bool, deeds: &[Deed]) -> Result<Exchange, String> {
    let mut config = ExchangeConfig { seed, ..ExchangeConfig::default() };
    config.symbols.truncate(2);
    config.flow.enabled = flow;
    config.backstop = if seed % 4 < 2 { Backstop::Fund } else { Backstop::Deleverage };
    config.forced_style = [ForcedStyle::Plain, ForcedStyle::Unannounced, ForcedStyle::Legacy][usize::try_from(seed % 3).unwrap()];
    config.algo = AlgoConfig {
        child_delay_ms: i64::try_from(seed % 3).unwrap() * 40,
        told_delay_ms: i64::try_from(seed % 5).unwrap() * 30,
        ..AlgoConfig::default()
    };
    let mut now = config.start_ms;
    let mut exchange = Exchange::new(config).unwrap();
    for (wallet, hedge) in WALLETS {
        exchange.create_account(AccountSpec { wallets: vec![("USDT".to_owned(), d(wallet))], hedge, leverage: 20 });
    }
    for (number, deed) in deeds.iter().enumerate() {
        act(&mut exchange, &mut now, deed);
        exchange.check_invariants().map_err(|violation| format!("after deed {number} {deed:?}: {violation}"))?;
    }
    Ok(exchange)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 320, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_whatever_is_done(seed in 0..1_000_u64, flow in any::<bool>(), deeds in prop::collection::vec(deed(), 1..80)) {
        let mut exchange = live(seed, flow, &deeds).map_err(TestCaseError::fail)?;
        let mut again = live(seed, flow, &deeds).map_err(TestCaseError::fail)?;
        prop_assert_eq!(exchange.ledger_hash(), again.ledger_hash(), "the same again gives the same ledger");
        prop_assert_eq!(exchange.take_events(), again.take_events(), "and the same events");
    }
}

/// The random deeds are worth something only if they reach the corners.
#[test]
fn random_deeds_reach_every_ending() {
    let mut runner = TestRunner::deterministic();
    let mut deleveraged = 0;
    let (mut seen, mut algos) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..60 {
        let deeds = prop::collection::vec(deed(), 80).new_tree(&mut runner).unwrap().current();
        let mut exchange = live(seed, seed % 2 == 0, &deeds).unwrap();
        let clients = exchange.accounts();
        let ledgers = clients.iter().map(|id| exchange.ledger(*id).unwrap());
        deleveraged += ledgers.flat_map(|ledger| ledger.orders).filter(|row| row.client_order_id.starts_with("adl_")).count();
        for event in exchange.take_events() {
            match event {
                Event::User { event: UserEvent::Order(update), .. } => {
                    seen.insert((update.exec_type.as_str(), update.expiry_reason.code()));
                }
                Event::User { event: UserEvent::Algo(row), .. } => {
                    algos.insert(row.status);
                }
                Event::User { .. } | Event::Market { .. } => {}
            }
        }
    }
    let wanted = [("NEW", 0), ("TRADE", 0), ("CANCELED", 0), ("AMENDMENT", 0), ("CALCULATED", 0)];
    let expired = [1, 2, 3, 4, 5, 9].map(|reason| ("EXPIRED", reason));
    assert!(deleveraged > 0, "nobody was deleveraged");
    assert_eq!(algos.len(), AlgoStatus::ALL.len(), "conditional orders came only to {algos:?}");
    for ending in wanted.into_iter().chain(expired) {
        assert!(seen.contains(&ending), "{ending:?} never happened: {seen:?}");
    }
}
