//! Limits of the account, a strategy and an instrument, how fast they may be asked for, and prices that slipped. How much of a leg
//! is counted: `limits`.

use crate::scene::{btc, buy, closing, working};
use exec_core::{
    command::{ChangeOrder, Command, NewOrder},
    conversation::{Input, Request},
    engine::config::{EngineConfig, Staleness},
    ids::{IntentId, StrategyId},
    limits::{Bound, Bounds, Pace, Scope},
    order::{intent::Handling, status::OrdStatus},
    pretrade::Denial,
    report::{BalanceReport, PriceReport, Quote},
    terms::{OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::{
    fixtures::{asset, config, decimal, instrument_id, limit, price, qty, strategy_id},
    rig::Rig,
};

const MODES: [(PositionMode, PositionSide); 2] =
    [(PositionMode::Netting, PositionSide::Net), (PositionMode::Hedging, PositionSide::Long)];

fn of_instrument(bound: Bound) -> Bounds {
    Bounds { instruments: [(btc(), bound)].into(), ..Bounds::default() }
}

fn of_strategy(bound: Bound) -> Bounds {
    Bounds { strategies: [(strategy_id(), bound)].into(), ..Bounds::default() }
}

fn other() -> StrategyId {
    StrategyId::new("other").expect("a name")
}

/// Two strategies on two instruments, both of which may trade both.
fn live(mode: PositionMode, bounds: Bounds) -> Rig {
    let mut config = EngineConfig { bounds, ..config(mode, &["BTCUSDT", "ETHUSDT"]) };
    let second = exec_core::engine::config::StrategyConfig { id: other(), ..config.strategies[0].clone() };
    config.strategies.push(second);
    Rig::live(config)
}

fn bid(leg: PositionSide, amount: &str, at: &str) -> Terms {
    Terms { leg, ..limit(Side::Buy, qty(amount), price(at)) }
}

/// The scope that an order was denied for.
fn denied_by(rig: &Rig, intent: IntentId) -> Option<(Scope, String)> {
    match rig.order(intent).denial() {
        Some(Denial::Scoped { scope, what, .. }) => Some((scope.clone(), what.clone())),
        Some(Denial::Rate { scope, .. }) => Some((scope.clone(), "rate".into())),
        Some(other) => panic!("{other}"),
        None => None,
    }
}

fn submit_as(rig: &mut Rig, strategy: StrategyId, id: u128, terms: Terms) -> IntentId {
    let new = NewOrder { intent: IntentId(id), terms, handling: Handling::default(), list: None };
    rig.give(Input::Commands { strategy, seen: None, commands: vec![Command::Submit(new)], state: None });
    IntentId(id)
}

#[test]
fn each_limit_of_an_instrument_and_of_a_strategy_holds_and_says_whose_it_is() {
    let money = |max: &str| Some(decimal(max));
    let bounds = [
        ("order quantity", Bound { order_qty_max: money("1"), ..Bound::default() }),
        ("order notional", Bound { order_notional_max: money("100"), ..Bound::default() }),
        ("position notional", Bound { position_notional_max: money("100"), ..Bound::default() }),
    ];
    for (mode, leg) in MODES {
        for (what, bound) in bounds {
            for (scope, bounds) in
                [(Scope::Instrument(btc()), of_instrument(bound)), (Scope::Strategy(strategy_id()), of_strategy(bound))]
            {
                let mut rig = live(mode, bounds);
                let within = rig.submit(bid(leg, "1", "100"));
                assert_eq!(denied_by(&rig, within), None, "{what} of {scope}: a limit may be reached");
                let beyond = rig.submit(bid(leg, "1.001", "100"));
                assert_eq!(denied_by(&rig, beyond), Some((scope.clone(), what.to_owned())));
                let text = rig.order(beyond).denial().map(ToString::to_string).unwrap_or_default();
                assert!(text.contains(&format!("{what} of {scope}")), "{text}");
            }
        }
    }
}

#[test]
fn what_a_strategy_has_open_counts_for_its_own_limit_only() {
    let bound = Bound { position_notional_max: Some(decimal("150")), open_orders_max: Some(2), ..Bound::default() };
    for (mode, leg) in MODES {
        let mut rig = live(mode, of_strategy(bound));
        for n in 0..3 {
            let theirs = submit_as(&mut rig, other(), 900 + n, bid(leg, "1", "99"));
            assert_eq!(denied_by(&rig, theirs), None);
        }
        let first = rig.submit(bid(leg, "1", "99"));
        let second = rig.submit(bid(leg, "1", "99"));
        let small = rig.submit(bid(leg, "0.1", "99"));
        let third = rig.submit(bid(leg, "0.1", "99"));
        assert_eq!((denied_by(&rig, first), denied_by(&rig, small)), (None, None), "{mode:?}");
        assert_eq!(denied_by(&rig, second).map(|d| d.1).as_deref(), Some("position notional"));
        assert_eq!(denied_by(&rig, third).map(|d| d.1).as_deref(), Some("number of open orders"));
    }
}

#[test]
fn an_instruments_open_orders_are_counted_whoever_placed_them() {
    let bound = Bound { open_orders_max: Some(2), ..Bound::default() };
    let mut rig = live(PositionMode::Netting, of_instrument(bound));
    rig.submit(buy());
    submit_as(&mut rig, other(), 900, buy());
    let third = rig.submit(buy());
    assert_eq!(denied_by(&rig, third).map(|d| d.0), Some(Scope::Instrument(btc())));
    let elsewhere = rig.submit(Terms { instrument: instrument_id("ETHUSDT"), ..buy() });
    assert_eq!(denied_by(&rig, elsewhere), None);
}

#[test]
fn all_legs_together_are_held_to_the_gross_limit() {
    let bounds = Bounds { gross_notional_max: Some(decimal("250")), ..Bounds::default() };
    for (mode, leg) in MODES {
        let mut rig = live(mode, bounds.clone());
        let eth = |amount: &str| Terms { instrument: instrument_id("ETHUSDT"), ..bid(leg, amount, "100") };
        rig.give(Input::Price(PriceReport {
            instrument: instrument_id("ETHUSDT"),
            quote: Quote { mark: Some(price("100")), ..Quote::default() },
        }));
        let first = rig.submit(bid(leg, "1.5", "100"));
        let second = rig.submit(eth("1.5"));
        let third = rig.submit(eth("1"));
        assert_eq!((denied_by(&rig, first), denied_by(&rig, third)), (None, None), "{mode:?}");
        assert_eq!(denied_by(&rig, second), Some((Scope::Account, "notional of all legs".to_owned())));
    }
}

#[test]
fn leverage_is_what_all_legs_are_worth_over_what_the_account_is_worth() {
    let bounds = Bounds { leverage_max: Some(decimal("2")), ..Bounds::default() };
    let mut rig =
        Rig::new(EngineConfig { bounds, ..config(PositionMode::Netting, &["BTCUSDT"]) }, exec_testkit::fixtures::profile());
    rig.connect();
    let mut flat = rig.flat();
    flat.balances = vec![BalanceReport { asset: asset("USDT"), wallet: "100".parse().expect("an amount"), available: None }];
    rig.answer_recovery(flat);
    let beyond = rig.submit(limit(Side::Buy, qty("2.1"), price("100")));
    assert_eq!(denied_by(&rig, beyond), Some((Scope::Account, "leverage".to_owned())));
    let within = rig.submit(limit(Side::Buy, qty("2"), price("100")));
    assert_eq!(denied_by(&rig, within), None);
}

#[test]
fn an_account_of_unknown_worth_carries_nothing() {
    let bounds = Bounds { leverage_max: Some(decimal("20")), ..Bounds::default() };
    let mut rig = live(PositionMode::Netting, bounds);
    let order = rig.submit(buy());
    assert_eq!(denied_by(&rig, order).map(|d| d.1).as_deref(), Some("leverage"));
}

#[test]
fn orders_beyond_the_pace_are_denied_until_the_next_window() {
    let pace = Pace { per_second: Some(3), per_minute: Some(5) };
    let all = [
        (Scope::Account, Bounds { pace, ..Bounds::default() }),
        (Scope::Strategy(strategy_id()), of_strategy(Bound { pace, ..Bound::default() })),
        (Scope::Instrument(btc()), of_instrument(Bound { pace, ..Bound::default() })),
    ];
    for (scope, bounds) in all {
        let mut rig = live(PositionMode::Netting, bounds);
        let asked = |rig: &mut Rig, count: usize| (0..count).map(|_| rig.submit(buy())).collect::<Vec<_>>();
        rig.wait(60_000 - rig.ms % 60_000);
        let first = asked(&mut rig, 4);
        let denied: Vec<_> = first.iter().map(|i| denied_by(&rig, *i)).collect();
        assert_eq!(denied, [None, None, None, Some((scope.clone(), "rate".to_owned()))]);
        rig.wait(1_000);
        let second = asked(&mut rig, 3);
        let denied: Vec<_> = second.iter().map(|i| denied_by(&rig, *i).is_some()).collect();
        assert_eq!(denied, [false, false, true], "{scope}: five in a minute");
        rig.wait(60_000);
        let next = rig.submit(buy());
        assert_eq!(denied_by(&rig, next), None, "{scope}");
    }
}

#[test]
fn exits_and_stops_count_for_the_pace_and_are_never_held_back_by_it() {
    let bounds = Bounds { pace: Pace { per_second: Some(2), per_minute: None }, ..Bounds::default() };
    for (mode, leg) in MODES {
        let mut rig = live(mode, bounds.clone());
        let open = rig.submit(bid(leg, "1", "99"));
        rig.durable();
        rig.accept(open);
        rig.fill(open, 1, "1", "99", "1");
        rig.wait(2_000 - rig.ms % 1_000);
        let stop = Terms {
            kind: OrderKind::StopMarket { trigger: Trigger { price: price("90"), by: TriggerBy::Last, price_protect: false } },
            ..closing(Side::Sell, leg, "1")
        };
        let sent = rig.sent.len();
        for terms in [stop.clone(), closing(Side::Sell, leg, "0.1"), stop, closing(Side::Sell, leg, "0.1")] {
            let exit = rig.submit(terms);
            assert!(rig.order(exit).denial().is_none(), "{mode:?}");
        }
        assert_eq!(rig.sent.len() - sent, 4, "each leaves at once");
        let entry = rig.submit(bid(leg, "1", "99"));
        assert_eq!(denied_by(&rig, entry), Some((Scope::Account, "rate".to_owned())), "{mode:?}: they count");
    }
}

#[test]
fn what_a_strategy_closes_beyond_its_own_pace_does_not_hold_others_back() {
    let own = Bound { pace: Pace { per_second: Some(2), per_minute: None }, ..Bound::default() };
    let bounds = Bounds { pace: Pace { per_second: Some(4), per_minute: None }, ..of_strategy(own) };
    let mut rig = live(PositionMode::Netting, bounds);
    rig.wait(2_000 - rig.ms % 1_000);
    for _ in 0..10 {
        let exit = rig.submit(closing(Side::Sell, PositionSide::Net, "1"));
        assert!(rig.order(exit).denial().is_none());
    }
    let theirs = submit_as(&mut rig, other(), 900, buy());
    assert_eq!(denied_by(&rig, theirs), None);
}

#[test]
fn a_change_counts_for_the_pace_like_an_order() {
    let bounds = Bounds { pace: Pace { per_second: Some(1), per_minute: None }, ..Bounds::default() };
    let mut rig = live(PositionMode::Netting, bounds);
    let intent = working(&mut rig);
    let change = |to: &str| Command::Replace(ChangeOrder { intent, qty: Some(qty("1")), price: Some(price(to)), trigger: None });
    rig.command(change("98"));
    assert_eq!(rig.status(intent), OrdStatus::New, "the order took the second's place");
    rig.wait(1_000);
    rig.command(change("98"));
    assert_eq!(rig.status(intent), OrdStatus::PendingReplace);
    let order = rig.submit(buy());
    assert!(matches!(rig.order(order).denial(), Some(Denial::Rate { .. })));
}

#[test]
fn a_limit_price_that_pays_much_more_than_the_market_is_a_slip() {
    for (mode, leg) in MODES {
        let mut rig = live(mode, Bounds::default());
        let close_leg = if leg == PositionSide::Net { leg } else { PositionSide::Short };
        let sell = |at: &str| Terms { leg: close_leg, ..limit(Side::Sell, qty("0.1"), price(at)) };
        for (terms, slips) in [
            (bid(leg, "0.1", "105"), false),
            (bid(leg, "0.1", "105.1"), true),
            (bid(leg, "0.1", "9900"), true),
            (bid(leg, "0.1", "50.1"), false),
            (sell("95"), false),
            (sell("94.9"), true),
            (sell("990"), false),
        ] {
            let intent = rig.submit(terms.clone());
            let is_collar = matches!(rig.order(intent).denial(), Some(Denial::Collar { .. }));
            assert_eq!(is_collar, slips, "{mode:?} {terms:?} {:?}", rig.order(intent).denial());
        }
    }
}

#[test]
fn a_collar_of_an_instrument_or_strategy_can_only_be_narrower() {
    let narrow = Bound { collar: Some(decimal("0.01")), ..Bound::default() };
    let wide = Bound { collar: Some(decimal("0.4")), ..Bound::default() };
    for (bounds, at, slips) in [
        (of_instrument(narrow), "102", true),
        (of_strategy(narrow), "102", true),
        (of_instrument(wide), "102", false),
        (of_instrument(wide), "110", true),
    ] {
        let mut rig = live(PositionMode::Netting, bounds);
        let intent = rig.submit(bid(PositionSide::Net, "0.1", at));
        assert_eq!(matches!(rig.order(intent).denial(), Some(Denial::Collar { .. })), slips, "{at}");
    }
}

#[test]
fn a_stop_limit_is_held_to_its_trigger_and_not_to_the_market() {
    let mut rig = live(PositionMode::Netting, Bounds::default());
    let stop = |trigger: &str, at: &str| Terms {
        kind: OrderKind::StopLimit {
            trigger: Trigger { price: price(trigger), by: TriggerBy::Last, price_protect: false },
            price: price(at).into(),
            tif: TimeInForce::Gtc,
        },
        ..bid(PositionSide::Net, "0.1", "99")
    };
    let near = rig.submit(stop("200", "209"));
    let far = rig.submit(stop("200", "211"));
    assert!(rig.order(near).denial().is_none(), "{:?}", rig.order(near).denial());
    assert!(matches!(rig.order(far).denial(), Some(Denial::Collar { .. })));
}

#[test]
fn a_change_is_held_to_the_collar_and_to_every_scope() {
    let bound = Bound { order_qty_max: Some(decimal("1")), ..Bound::default() };
    let mut rig = live(PositionMode::Netting, of_instrument(bound));
    let intent = working(&mut rig);
    for (amount, at) in [("1", "990"), ("2", "99")] {
        rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty(amount)), price: Some(price(at)), trigger: None }));
        assert_eq!(rig.status(intent), OrdStatus::New, "{amount} at {at}");
    }
    rig.durable();
    assert!(!rig.sent.iter().any(|r| matches!(r, Request::Replace(_))));
}

#[test]
fn without_any_price_an_opening_order_is_not_judged_by_its_own() {
    let staleness = Staleness { quote_max_age_ms: 5_000 };
    let config = EngineConfig { staleness, ..config(PositionMode::Netting, &["BTCUSDT"]) };
    let mut rig = Rig::new(config, exec_testkit::fixtures::profile());
    rig.give(Input::Begin);
    rig.give(Input::Clock(exec_core::time::ClockReading { offset_ms: 0, error_ms: 5 }));
    rig.give(Input::Instruments(vec![exec_testkit::fixtures::instrument("BTCUSDT")]));
    rig.link_up();
    rig.answer_recovery(rig.flat());
    let order = rig.submit(buy());
    assert!(matches!(rig.order(order).denial(), Some(Denial::NoPrice(_))), "{:?}", rig.order(order).denial());
}

#[test]
fn promise_p08_an_order_far_from_the_market_counts_with_its_own_price() {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.position_notional_max = decimal("400");
    let mut rig = Rig::live(config);
    let stop = Terms {
        kind: OrderKind::StopMarket { trigger: Trigger { price: price("1000"), by: TriggerBy::Last, price_protect: false } },
        ..bid(PositionSide::Net, "0.2", "99")
    };
    let stop = rig.submit(stop);
    assert!(rig.order(stop).denial().is_none(), "210 with the collar");
    let second = rig.submit(bid(PositionSide::Net, "2", "100"));
    assert!(matches!(rig.order(second).denial(), Some(Denial::Limit { .. })), "210 and 200 are above 400");
}

#[test]
fn promise_p08_a_change_in_doubt_counts_with_the_larger_of_both_terms() {
    for (mode, leg) in MODES {
        let mut config = config(mode, &["BTCUSDT"]);
        config.limits.position_notional_max = decimal("350");
        let mut rig = Rig::live(config);
        let intent = rig.submit(bid(leg, "1", "99"));
        rig.durable();
        rig.accept(intent);
        rig.command(Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("99")), trigger: None }));
        rig.durable();
        rig.outcome(Err(crate::scene::unknown()));
        let interval = exec_core::exposure::interval(rig.engine.books(), &btc(), leg);
        assert_eq!(interval.high, decimal("2"), "{mode:?}");
        let beyond = rig.submit(bid(leg, "2", "99"));
        assert!(matches!(rig.order(beyond).denial(), Some(Denial::Limit { .. })), "{mode:?}");
        let within = rig.submit(bid(leg, "1.5", "99"));
        assert!(rig.order(within).denial().is_none(), "{mode:?}: {:?}", rig.order(within).denial());
    }
}

#[test]
fn promise_p08_an_attempt_in_doubt_counts_in_full() {
    for (mode, leg) in MODES {
        let mut config = config(mode, &["BTCUSDT"]);
        config.in_doubt_max = 5;
        config.limits.position_notional_max = decimal("250");
        let mut rig = Rig::live(config);
        rig.submit(bid(leg, "2", "99"));
        rig.durable();
        rig.outcome(Err(crate::scene::unknown()));
        let beyond = rig.submit(bid(leg, "1", "99"));
        assert!(matches!(rig.order(beyond).denial(), Some(Denial::Limit { .. })), "{mode:?}");
    }
}

#[test]
fn promise_p08_what_closes_counts_nothing() {
    for (mode, leg) in MODES {
        let mut rig = live(mode, Bounds::default());
        let open = rig.submit(bid(leg, "1", "99"));
        rig.durable();
        rig.accept(open);
        rig.fill(open, 1, "1", "99", "1");
        rig.submit(closing(Side::Sell, leg, "1"));
        let interval = exec_core::exposure::interval(rig.engine.books(), &btc(), leg);
        assert_eq!((interval.low, interval.high), (decimal("0"), decimal("1")), "{mode:?}");
    }
}
