//! What strategies and reports are told of doubt, of the phase and of its reasons.

use crate::scene::{btc, buy, reconcile, unknown, working};
use exec_core::{
    command::{ChangeOrder, Command},
    conversation::{DoubtEnded, DoubtNews, InDoubt, Input, OrderUpdate, Phase, PhaseChange, StrategyEvent},
    host,
    ids::{IntentId, Seq, SessionId},
    kill::{KillLevel, KillScope},
    order::{
        doubt::{DoubtEnd, DoubtOf},
        intent::{Handling, InDoubt as Policy},
    },
    record::LatchCause,
    report::VenueStatus,
    snapshot::Snapshot,
    start_report::{EndsBy, InstrumentShut, Shut},
    strategy::{Context, Strategy},
    terms::{OrderKind, Terms},
    time::ClockReading,
    units::{PositionMode, PositionSide, Side},
    venue::Lookup,
};
use exec_testkit::{
    fixtures::{config, price, qty, strategy_id},
    rig::Rig,
};

/// Writes down its calls, and asks for an order in each call about doubt.
#[derive(Default)]
struct Diary(Vec<String>);

impl Strategy for Diary {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        self.0.push(format!("start, {} open, {} in doubt", ctx.open_orders().count(), ctx.in_doubt().len()));
    }
    fn on_order(&mut self, _ctx: &mut Context<'_>, update: &OrderUpdate) {
        if update.doubt.is_some() {
            self.0.push("fact".into());
        }
    }
    fn on_in_doubt(&mut self, ctx: &mut Context<'_>, doubt: &InDoubt) {
        self.0.push(format!("in doubt, {} in all", ctx.in_doubt().len()));
        ctx.cancel(doubt.intent);
    }
    fn on_doubt_ended(&mut self, _ctx: &mut Context<'_>, ended: &DoubtEnded) {
        self.0.push(format!("{:?}", ended.how));
    }
}

fn in_mode(mode: PositionMode) -> (Rig, Terms) {
    let leg = if mode == PositionMode::Hedging { PositionSide::Long } else { PositionSide::Net };
    (Rig::live(config(mode, &["BTCUSDT"])), Terms { leg, ..buy() })
}

fn news(rig: &Rig) -> Vec<(Seq, DoubtNews)> {
    let of = |(seq, event): &(Option<Seq>, StrategyEvent)| match event {
        StrategyEvent::Order(update) => Some((seq.expect("a fact has a number"), update.doubt.clone()?)),
        _ => None,
    };
    rig.told.iter().filter_map(of).collect()
}

fn ends(rig: &Rig) -> Vec<DoubtEnd> {
    news(rig).into_iter().filter_map(|(_, n)| if let DoubtNews::Ended(e) = n { Some(e.how) } else { None }).collect()
}

fn doubtful(rig: &mut Rig, terms: Terms) -> IntentId {
    let keep = Handling { in_doubt: Policy::Keep, ..Handling::default() };
    let intent = rig.submit_with(terms, keep);
    rig.durable();
    rig.outcome(Err(unknown()));
    intent
}

fn until_settled(rig: &mut Rig, intent: IntentId) {
    while rig.order(intent).is_in_doubt() {
        rig.answer_orders(&Ok(Lookup::Absent));
        rig.wait(250);
        assert!(rig.ms < 60_000, "doubt must end");
    }
}

#[test]
fn doubt_is_told_with_its_fence_and_with_how_it_ended() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        // The stream shows the order.
        let (mut rig, terms) = in_mode(mode);
        let intent = doubtful(&mut rig, terms.clone());
        let began = news(&rig);
        let [(_, DoubtNews::Began(doubt))] = began.as_slice() else { panic!("{began:?}") };
        let header = *rig.order(intent).attempts()[&rig.cl_ord_id(intent)].header().expect("an attempt of ours");
        let fence = header.timestamp.plus_ms(header.recv_window_ms).plus_ms(3_000);
        assert_eq!((doubt.intent, doubt.since, doubt.fence_at), (intent, rig.now(), Some(fence)), "{mode:?}");
        assert_eq!(doubt.of, DoubtOf::Attempt(rig.cl_ord_id(intent)));
        assert_eq!(rig.engine.report().doubts, std::slice::from_ref(doubt), "the report has it while it lasts");
        let report = rig.venue_report(intent, VenueStatus::New, "0");
        rig.stream(report);
        assert_eq!(ends(&rig), [DoubtEnd::Arrived]);
        assert!(rig.engine.report().doubts.is_empty() && rig.engine.report().instruments.is_empty());

        // Nobody has it, and the fence has passed.
        let (mut rig, terms) = in_mode(mode);
        let intent = doubtful(&mut rig, Terms { kind: OrderKind::Market, ..terms });
        let states = rig.engine.report().instruments;
        assert_eq!(
            (states[0].instrument.clone(), states[0].shut.as_slice()),
            (btc(), [InstrumentShut::InDoubt { count: 1, max: 1 }].as_slice())
        );
        until_settled(&mut rig, intent);
        assert_eq!(ends(&rig), [DoubtEnd::ProvenDead], "{mode:?}");
        // What comes after all the same is a fact of the order, not another doubt.
        rig.fill(intent, 7, "1", "100", "1");
        assert_eq!(news(&rig).len(), 2);
    }
}

#[test]
fn an_answer_that_overtook_its_loss_leaves_no_doubt() {
    let mut rig = crate::scene::netting();
    let intent = rig.submit(buy());
    rig.durable();
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    rig.stream(report);
    rig.outcome(Err(unknown()));
    assert_eq!(news(&rig), []);
}

#[test]
fn doubt_from_before_a_crash_is_told_after_it_with_its_end_and_the_same_number() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let (mut rig, terms) = in_mode(mode);
        let intent = doubtful(&mut rig, terms);
        let (first, began) = news(&rig).remove(0);
        let snapshot = rig.engine.snapshot();
        assert_eq!(Snapshot::decode(&snapshot.encode()).as_ref(), Ok(&snapshot), "a snapshot carries it");
        let kept = rig.journal.len();
        let mut rig = rig.restarted(kept);
        rig.connect();
        rig.answer_recovery(rig.flat());
        rig.no_trades();
        rig.answer_orders(&Ok(Lookup::Absent));
        assert_eq!(rig.engine.gate_shut(), [Shut::EarlierDoubt]);
        assert_eq!(rig.engine.report().doubts.len(), 1);
        until_settled(&mut rig, intent);
        let told = news(&rig);
        assert_eq!(told.first(), Some(&(first, began)), "the strategy had not seen it, so it comes again as it was");
        assert!(matches!(&told[1].1, DoubtNews::Ended(e) if e.how == DoubtEnd::ProvenDead), "{told:?}");
        assert!(matches!(rig.told[0].1, StrategyEvent::Start), "after the start");

        // Seen, it does not come again.
        let last = told[1].0;
        rig.give(Input::Commands { strategy: strategy_id(), seen: Some(last), commands: vec![], state: None });
        let kept = rig.journal.len();
        let mut rig = rig.restarted(kept);
        rig.connect();
        rig.answer_recovery(rig.flat());
        rig.no_trades();
        assert_eq!(news(&rig), []);
    }
}

#[test]
fn a_strategy_is_called_for_the_fact_and_for_its_doubt_in_one_call() {
    let mut rig = crate::scene::netting();
    let intent = doubtful(&mut rig, buy());
    let mut diary = Diary::default();
    let mut calls = 0;
    for (seen, event) in rig.told.clone() {
        let input = host::call(&rig.engine, rig.now(), &strategy_id(), &mut diary, seen, &event, &mut calls);
        if let Some(input) = input {
            rig.give(input);
        }
    }
    assert_eq!(diary.0, ["start, 1 open, 1 in doubt", "fact", "in doubt, 1 in all"]);
    assert!(rig.order(intent).cancel_wished(), "what it asked for there is in the same group");
    let report = rig.venue_report(intent, VenueStatus::New, "0");
    rig.told.clear();
    rig.stream(report);
    for (seen, event) in rig.told.clone() {
        host::call(&rig.engine, rig.now(), &strategy_id(), &mut diary, seen, &event, &mut calls);
    }
    assert_eq!(&diary.0[3..], ["fact", "Arrived"]);
}

#[test]
fn a_change_in_doubt_is_told_and_how_it_ended() {
    let change = |intent| Command::Replace(ChangeOrder { intent, qty: Some(qty("2")), price: Some(price("98")), trigger: None });
    let begin = || {
        let mut rig = crate::scene::netting();
        let intent = working(&mut rig);
        rig.command(change(intent));
        rig.durable();
        rig.outcome(Err(unknown()));
        (rig, intent)
    };
    let (mut rig, intent) = begin();
    let told = news(&rig);
    let [(_, DoubtNews::Began(doubt))] = told.as_slice() else { panic!("{told:?}") };
    assert!(matches!(doubt.of, DoubtOf::Change(_)), "{doubt:?}");
    let report = rig.engine.report().doubts;
    assert!(report.len() == 1 && report[0].fence_at.is_some(), "{report:?}");
    while ends(&rig).is_empty() {
        rig.wait(500);
        let report = rig.venue_report(intent, VenueStatus::New, "0");
        rig.answer_orders(&Ok(Lookup::Found(Box::new(report))));
        assert!(rig.ms < 60_000);
    }
    assert_eq!(ends(&rig), [DoubtEnd::ProvenDead], "found unchanged past the fence");
    assert!(rig.engine.report().doubts.is_empty());

    let (mut rig, intent) = begin();
    let report = rig.venue_report(intent, VenueStatus::Canceled, "0");
    rig.stream(report);
    assert_eq!(ends(&rig), [DoubtEnd::OrderEnded], "of an order that is gone nobody waits for a change");
}

#[test]
fn phases_and_their_reasons_are_told_and_each_reason_once() {
    let mut rig = crate::scene::netting();
    let phases = |rig: &Rig| -> Vec<PhaseChange> {
        rig.told.iter().filter_map(|(_, e)| if let StrategyEvent::Phase(c) = e { Some(c.clone()) } else { None }).collect()
    };
    assert_eq!(phases(&rig).last().map(|c| (c.to, c.shut.len())), Some((Phase::Live, 0)));
    rig.told.clear();
    rig.give(Input::LinkDown { session: SessionId(1), why: "cut".into() });
    // The same again, and a clock that changes its figure: no news.
    rig.give(Input::Clock(ClockReading { offset_ms: 0, error_ms: 400 }));
    rig.give(Input::Clock(ClockReading { offset_ms: 0, error_ms: 500 }));
    rig.give(Input::Operator { who: "alice".into(), command: exec_core::command::OperatorCommand::Latch });
    let told = phases(&rig);
    assert_eq!(told.len(), 3, "{told:?}");
    assert_eq!((told[0].from, told[0].to), (Phase::Live, Phase::Degraded));
    assert_eq!(told[0].shut, [Shut::NoStream, Shut::NotReconciled]);
    assert!(told[1].from == told[1].to && told[1].shut.iter().any(|s| s.kind() == "coarse_clock"));
    let latched = told[2].shut.last().expect("a reason");
    assert!(matches!(latched, Shut::Latched(LatchCause::Operator, _)) && latched.ends_by() == EndsBy::Person, "{latched}");
    assert_eq!(latched.to_string(), "latched: an operator said so: latched by alice");
}

#[test]
fn an_instrument_that_takes_no_new_risk_says_why() {
    let mut rig = crate::scene::netting();
    let mut status = rig.flat();
    status.positions = vec![crate::scene::position("3")];
    status.high_water = vec![crate::scene::high("BTCUSDT", 9)];
    reconcile(&mut rig, status);
    let states = rig.engine.report().instruments;
    assert!(matches!(states[0].shut.as_slice(), [InstrumentShut::Difference(d)] if d.venue.to_string() == "3"), "{states:?}");
    assert!(rig.engine.may_open(&btc()).is_err());
    assert!(rig.engine.gate_shut().is_empty(), "the account trades on");
}

#[test]
fn a_strategy_sees_what_it_holds_and_what_it_may() {
    let mut rig = crate::scene::netting();
    let intent = working(&mut rig);
    rig.fill(intent, 5, "1", "99", "1");
    let id = strategy_id();
    let ctx = Context::new(rig.now(), &rig.engine, &id, 1);
    let shares: Vec<_> = ctx.shares().map(|(i, leg, qty)| (i.clone(), leg, qty.to_string())).collect();
    assert_eq!(shares, [(btc(), PositionSide::Net, "1".to_owned())]);
    assert!(ctx.shut().is_empty() && ctx.may_open(&btc()).is_ok());
}

#[test]
fn the_operators_page_names_every_reason_and_every_latch() {
    const PAGE: &str = include_str!("../../../../docs/operating.md");
    let shut = [
        Shut::Draining,
        Shut::NoStream,
        Shut::NoInstruments,
        Shut::NotReconciled,
        Shut::Delay,
        Shut::EarlierDoubt,
        Shut::NoClock,
        Shut::CoarseClock(1),
        Shut::StartNotDurable,
        Shut::Journal("full".into()),
        Shut::Latched(LatchCause::Operator, "by alice".into()),
        Shut::StreamLate(1),
        Shut::StreamDead("silent".into()),
        Shut::Blind,
        Shut::Margin { ratio: None, max: exec_core::pretrade::Figure(exec_testkit::fixtures::decimal("0.5")) },
        Shut::KeyMayNotTrade,
        Shut::Setting("leverage".into()),
        Shut::NotArmed,
        Shut::Orphans,
        Shut::Lease("silent".into()),
        Shut::CopyBehind { records: 1, age_ms: 1 },
    ];
    let ends = |by: EndsBy| if by == EndsBy::Person { "a person" } else { "itself" };
    for why in shut {
        assert!(PAGE.contains(&format!("| `{}` | {} |", why.kind(), ends(why.ends_by()))), "{}", why.kind());
    }
    let latches = [
        LatchCause::SecondEngine,
        LatchCause::AssumptionBroken,
        LatchCause::Auth,
        LatchCause::Operator,
        LatchCause::Liquidation,
        LatchCause::Exchange(btc()),
        LatchCause::Breaker(exec_testkit::fixtures::strategy_id()),
        LatchCause::DailyLoss,
        LatchCause::CrashLoop,
        LatchCause::Kill { level: KillLevel::Halt, scope: KillScope::Account },
    ];
    for cause in latches {
        assert!(PAGE.contains(&format!("| `{}` | ", cause.kind())), "{}", cause.kind());
        assert!(cause.advice().contains("release"), "{}", cause.kind());
    }
    for why in [
        InstrumentShut::Restricted("x".into()),
        InstrumentShut::InDoubt { count: 1, max: 1 },
        InstrumentShut::NotListed,
        InstrumentShut::Latched("x".into()),
        InstrumentShut::NotTrading(exec_core::instrument::TradingStatus::Halted),
    ] {
        assert!(PAGE.contains(&format!("| `{}` | {} |", why.kind(), ends(why.ends_by()))), "{}", why.kind());
    }
}

/// Acts on what it finds at its start: changes the first order, cancels the second, closes what it holds, and says what it found.
#[derive(Default)]
struct Manager(Vec<String>);

impl Strategy for Manager {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        let held: Vec<_> = ctx.shares().map(|(i, leg, qty)| (i.clone(), leg, qty)).collect();
        let open: Vec<_> = ctx.open_orders().map(|o| (o.intent().id, o.intent().provenance)).collect();
        self.0.push(format!("{} held, {open:?}, {} in doubt, state {:?}", held.len(), ctx.in_doubt().len(), ctx.state()));
        for (instrument, leg, qty) in held {
            ctx.close(&instrument, Side::Sell, leg, qty.magnitude());
        }
        if let [first, second, ..] = open.as_slice() {
            ctx.replace(first.0, qty("0.5"), price("97"));
            ctx.cancel(second.0);
        }
    }
}

#[test]
fn restored_orders_positions_and_state_are_the_strategys_to_manage() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let mut settings = config(mode, &["BTCUSDT"]);
        settings.strategies[0].external_order_claims = vec![btc()];
        let mut rig = Rig::live(settings);
        let leg = if mode == PositionMode::Hedging { PositionSide::Long } else { PositionSide::Net };
        let terms = Terms { leg, ..buy() };
        let (bought, first) = (rig.submit(terms.clone()), IntentId(2));
        rig.durable();
        rig.accept(bought);
        rig.fill(bought, 5, "1", "99", "1");
        assert_eq!(rig.submit(terms), first);
        rig.durable();
        rig.accept(first);
        rig.give(Input::Commands { strategy: strategy_id(), seen: None, commands: vec![], state: Some(vec![42]) });

        let standing = rig.venue_report(first, VenueStatus::New, "0");
        let kept = rig.journal.len();
        let mut rig = rig.restarted(kept);
        rig.connect();
        // Placed by hand while the node was down, on an instrument that the strategy claims.
        let by_hand = exec_core::report::OrderReport { leg: Some(leg), ..crate::scene::foreign("777", "2", "0") };
        let mut status = rig.flat();
        status.open_orders = vec![standing, by_hand];
        status.positions = vec![crate::scene::position_of("BTCUSDT", leg, "1")];
        status.high_water = vec![crate::scene::high("BTCUSDT", 5)];
        rig.answer_recovery(status);
        rig.no_trades();
        assert_eq!(rig.engine.phase(), Phase::Live, "{}", rig.engine.report());

        let (mut manager, mut calls) = (Manager::default(), 0);
        let starts: Vec<_> = rig.told.iter().filter(|(_, e)| matches!(e, StrategyEvent::Start)).cloned().collect();
        for (seen, event) in starts {
            let input = host::call(&rig.engine, rig.now(), &strategy_id(), &mut manager, seen, &event, &mut calls);
            rig.give(input.expect("it asks for something"));
        }
        rig.durable();
        let found = &manager.0[0];
        assert!(found.starts_with("1 held, [") && found.ends_with("0 in doubt, state Some([42])"), "{mode:?}: {found}");
        assert!(found.contains("Ours") && found.contains("Foreign"), "its own and the one that was claimed for it: {found}");
        let sent: Vec<&str> = rig
            .sent
            .iter()
            .map(|request| match request {
                exec_core::conversation::Request::Submit { attempt, .. } if attempt.terms.is_closing() => "close",
                exec_core::conversation::Request::Replace(_) => "change",
                exec_core::conversation::Request::Cancel(_) => "cancel",
                _ => "something else",
            })
            .collect();
        assert_eq!(sent, ["close", "cancel", "change"], "{mode:?}: what closes and cancels waits for nothing");
    }
}
