//! The kill switch that closes everything, against the exchange: many legs, little liquidity, refusals and a lost reply. At every
//! moment each leg has its stop, and no fill goes beyond a leg.

use crate::pair::{Pair, engine_config};
use exchange_sim::{
    config::{ExchangeConfig, FlowConfig},
    symbol::generated_symbols,
};
use exec_core::{
    command::OperatorCommand,
    conversation::{Input, Outcome, Request},
    ids::{ClOrdId, InstrumentId, StrategyId},
    kill::{KillLevel, KillScope},
    order::status::OrdStatus,
    report::{OrderReport, VenueStatus},
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Price, Qty, Side},
    venue::{CommandError, RejectClass, Rejection},
};
use exec_testkit::fixtures::{decimal, instrument_id};
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

type Key = (InstrumentId, PositionSide);

/// What the network and the venue do to the requests of one leg, first come, first served.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    Refuse(RejectClass, i64),
    /// The request arrives, its answer does not.
    LoseReply,
    /// Not one byte leaves: the budget is spent.
    NotSent,
}

const OVERLOADED: Fault = Fault::Refuse(RejectClass::Failed, -1008);
const OUT_OF_BAND: Fault = Fault::Refuse(RejectClass::OutOfBand, -4131);
const NOTHING_TO_CLOSE: Fault = Fault::Refuse(RejectClass::NothingToClose, -2022);

/// The faults of each leg, in turn.
const FAULTS: [&[Fault]; 6] = [
    &[],
    &[OVERLOADED, OVERLOADED, OVERLOADED],
    &[OUT_OF_BAND],
    &[NOTHING_TO_CLOSE],
    &[Fault::LoseReply],
    &[Fault::NotSent, OUT_OF_BAND, OUT_OF_BAND],
];

struct Desk {
    pair: Pair,
    symbols: Vec<String>,
    legs: Vec<Key>,
    faults: BTreeMap<Key, Vec<Fault>>,
    /// Requests that arrive at this time, and whose answers nobody hears.
    late: Vec<(i64, Request)>,
    /// What each leg held when it was looked at last.
    held: BTreeMap<Key, Decimal>,
    clips: usize,
}

fn leg_of(instrument: &InstrumentId, side: Side, mode: PositionMode) -> Key {
    let leg = match (mode, side) {
        (PositionMode::Netting, _) => PositionSide::Net,
        (PositionMode::Hedging, Side::Buy) => PositionSide::Long,
        (PositionMode::Hedging, Side::Sell) => PositionSide::Short,
    };
    (instrument.clone(), leg)
}

impl Desk {
    /// Legs of alternating direction, each with a stop, a take-profit that rests, one that waits for its trigger, and an entry on
    /// each book.
    fn new(mode: PositionMode, legs: usize) -> Self {
        let count = if mode == PositionMode::Hedging { legs.div_ceil(2) } else { legs };
        let mut specs = generated_symbols(count);
        for spec in &mut specs {
            // A leg is worth some 3000, one market order at most 700 of it.
            spec.market_max_qty = quantity(spec.start_price, spec.step_size, 700);
        }
        let symbols: Vec<String> = specs.iter().map(|s| s.symbol.to_string()).collect();
        let names: Vec<&str> = symbols.iter().map(String::as_str).collect();
        let mut config = engine_config(mode);
        config.strategies = exec_testkit::fixtures::config(mode, &names).strategies;
        config.limits.open_orders_max = 10_000;
        let flow = FlowConfig { touch_notional: decimal("60"), levels: 3, ..ExchangeConfig::default().flow };
        let pair = Pair::on(config, ExchangeConfig { symbols: specs, flow, ..ExchangeConfig::default() });
        let mut desk =
            Self { pair, symbols, legs: Vec::new(), faults: BTreeMap::new(), late: Vec::new(), held: BTreeMap::new(), clips: 0 };
        for number in 0..legs {
            let symbol = desk.symbols[if mode == PositionMode::Hedging { number / 2 } else { number }].clone();
            let side = if number % 2 == 0 { Side::Buy } else { Side::Sell };
            let key = leg_of(&instrument_id(&symbol), side, mode);
            desk.open(&symbol, side, &key);
            desk.legs.push(key);
        }
        desk.pair.wait(400);
        desk
    }

    fn price(&self, symbol: &str, per_mille: i64) -> Price {
        let spec = self.pair.desk.exchange().symbol(symbol).expect("a symbol");
        let mark = self.pair.engine.quote(&instrument_id(symbol)).reference().unwrap_or(spec.start_price);
        Price::new(spec.floor_to_tick(mark * Decimal::from(per_mille) / Decimal::from(1_000))).expect("a price")
    }

    fn quantity(&self, symbol: &str, worth: u32) -> Qty {
        let spec = self.pair.desk.exchange().symbol(symbol).expect("a symbol");
        Qty::new(quantity(spec.start_price, spec.step_size, worth)).expect("a quantity")
    }

    fn open(&mut self, symbol: &str, side: Side, (instrument, leg): &Key) {
        let back = side.opposite();
        let up = |per_mille: i64| if side == Side::Buy { 1_000 + per_mille } else { 1_000 - per_mille };
        let terms = |side, intention, qty, kind| Terms {
            instrument: instrument.clone(),
            side,
            leg: *leg,
            intention,
            qty: (intention != Intention::CloseAll).then_some(qty),
            kind,
            stp: None,
        };
        let limit = |price: Price| OrderKind::Limit { price: price.into(), tif: TimeInForce::Gtc };
        let at = |price: Price| Trigger { price, by: TriggerBy::Mark, price_protect: false };
        let (whole, small) = (self.quantity(symbol, 3_000), self.quantity(symbol, 300));
        let entry = self.pair.submit(terms(side, Intention::Open, whole, limit(self.price(symbol, up(40)))));
        let mut patience = 0;
        while self.pair.status(entry) != OrdStatus::Filled {
            self.pair.wait(500);
            patience += 1;
            assert!(patience < 400, "{symbol} {side:?} is not filled: {:?}", self.pair.order(entry));
        }
        let stop_at = at(self.price(symbol, up(-200)));
        let stop = if side == Side::Buy {
            (back, Intention::CloseAll, whole, OrderKind::StopMarket { trigger: stop_at })
        } else {
            let (price, tif) = (self.price(symbol, up(-220)).into(), TimeInForce::Gtc);
            (back, Intention::Reduce, whole, OrderKind::StopLimit { trigger: stop_at, price, tif })
        };
        let all = [
            stop,
            (back, Intention::Reduce, whole, limit(self.price(symbol, up(45)))),
            (back, Intention::Reduce, small, OrderKind::TakeProfitMarket { trigger: at(self.price(symbol, up(200))) }),
            (side, Intention::Open, small, limit(self.price(symbol, up(-45)))),
            (side, Intention::Open, small, OrderKind::StopMarket { trigger: at(self.price(symbol, up(250))) }),
        ];
        let all = all.map(|(side, intention, qty, kind)| self.pair.submit(terms(side, intention, qty, kind)));
        self.pair.wait(100);
        for intent in all {
            assert_eq!(self.pair.status(intent), OrdStatus::New, "{:?}", self.pair.order(intent));
        }
    }

    fn kill(&mut self, level: KillLevel, scope: KillScope) {
        self.pair.give(Input::Operator { who: "test".into(), command: OperatorCommand::Kill { level, scope } });
    }

    /// Lets every request through that has no fault, and plays the faults of the others.
    fn pump(&mut self) {
        let now = self.pair.now_ms;
        let (due, later) = core::mem::take(&mut self.late).into_iter().partition(|(at, _)| *at <= now);
        self.late = later;
        let due: Vec<(i64, Request)> = due;
        for (_, request) in due {
            let _ = self.pair.arrive(&request);
        }
        while let Some(request) = self.pair.on_the_way.as_mut().and_then(|waiting| waiting.pop_front()) {
            let clip = match &request {
                Request::Submit { attempt, .. } if attempt.terms.is_closing() && !attempt.terms.kind.is_conditional() => {
                    Some((attempt.terms.instrument.clone(), attempt.terms.leg))
                }
                _ => None,
            };
            self.clips += usize::from(clip.is_some());
            let faults = clip.and_then(|key| self.faults.get_mut(&key)).filter(|all| !all.is_empty());
            let outcomes = match faults.map(|all| all.remove(0)) {
                None => self.pair.arrive(&request),
                Some(Fault::Refuse(class, code)) => {
                    let rejection = Rejection { class, code, text: "played".into() };
                    vec![(request.id(), Outcome::Order(Err(CommandError::Rejected(rejection))))]
                }
                Some(Fault::LoseReply) => {
                    let _ = self.pair.arrive(&request);
                    vec![(request.id(), Outcome::Order(Err(CommandError::Unknown { why: "no answer".into(), live: false })))]
                }
                Some(Fault::NotSent) => {
                    vec![(request.id(), Outcome::Order(Err(CommandError::NotSent("no room in the budget".into()))))]
                }
            };
            for (request, outcome) in outcomes {
                self.pair.give(Input::Outcome { request, outcome });
            }
        }
    }

    fn instruments(&self) -> Vec<InstrumentId> {
        self.symbols.iter().map(|symbol| instrument_id(symbol)).collect()
    }

    fn open_orders(&mut self) -> Vec<OrderReport> {
        let (now, all) = (self.pair.now_ms, self.instruments());
        let open = self.pair.desk.mass_status(now, &all).expect("a status").open_orders;
        open.into_iter().filter(|o| matches!(o.status, VenueStatus::New | VenueStatus::PartiallyFilled)).collect()
    }

    fn at_venue(&mut self) -> BTreeMap<Key, Decimal> {
        let (now, all) = (self.pair.now_ms, self.instruments());
        let rows = self.pair.desk.positions(now, &all).expect("legs");
        rows.into_iter().map(|row| ((row.instrument, row.leg), row.qty.get())).collect()
    }

    /// No leg crosses zero, and each that holds something has a stop.
    fn judge(&mut self, what: &str) {
        let now = self.at_venue();
        let stops: BTreeSet<Key> = self
            .open_orders()
            .into_iter()
            .filter(|o| {
                o.kind.is_some_and(|kind| kind.is_stop()) && (o.reduce_only || o.close_all || o.leg != Some(PositionSide::Net))
            })
            .filter_map(|o| o.leg.map(|leg| (o.instrument, leg)))
            .collect();
        for (key, held) in &now {
            let before = self.held.get(key).copied().unwrap_or(*held);
            assert!(!(before * *held).is_sign_negative(), "{what}: {key:?} went from {before} to {held}");
            assert!(stops.contains(key), "{what}: {key:?} holds {held} without a stop");
        }
        self.held.extend(now);
    }

    fn run(&mut self, ms: i64, what: &str) {
        let until = self.pair.now_ms + ms;
        while self.pair.now_ms < until {
            self.pair.wait(20);
            self.pump();
            self.judge(what);
            if !self.pair.engine.is_flattening() && self.late.is_empty() {
                return;
            }
        }
    }

    /// Every leg is empty, nothing of ours stands on either book, and the account is halted.
    fn is_flat(&mut self, what: &str) {
        assert!(!self.pair.engine.is_flattening(), "{what}: still at it; {:?}", self.at_venue());
        assert_eq!(self.at_venue(), BTreeMap::new(), "{what}");
        assert_eq!(self.open_orders(), Vec::new(), "{what}");
        let kills: Vec<KillLevel> = self.pair.engine.kills().map(|(level, ..)| level).collect();
        assert_eq!(kills, [KillLevel::Halt], "{what}");
    }
}

fn quantity(price: Decimal, step: Decimal, worth: u32) -> Decimal {
    let raw = Decimal::from(worth) / price;
    (raw - raw % step).max(step).normalize()
}

#[test]
fn flatten_closes_twenty_legs_that_keep_their_stops_until_they_are_empty() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let what = format!("{mode:?}");
        let mut desk = Desk::new(mode, 20);
        for (number, key) in desk.legs.clone().into_iter().enumerate() {
            desk.faults.insert(key, FAULTS[number % FAULTS.len()].to_vec());
        }
        // An entry whose answer is lost, and which arrives when the legs are being closed.
        desk.pair.hold();
        let key = desk.legs[0].clone();
        let (side, qty) = (Side::Buy, desk.quantity(key.0.symbol(), 300));
        let price = desk.price(key.0.symbol(), 1_020);
        let kind = OrderKind::Limit { price: price.into(), tif: TimeInForce::Gtc };
        let terms = Terms { instrument: key.0, side, leg: key.1, intention: Intention::Open, qty: Some(qty), kind, stp: None };
        desk.pair.submit(terms);
        let lost = desk.pair.on_the_way.as_mut().and_then(|waiting| waiting.pop_front()).expect("an entry on its way");
        let outcome = Outcome::Order(Err(CommandError::Unknown { why: "cut".into(), live: false }));
        desk.pair.give(Input::Outcome { request: lost.id(), outcome });
        desk.late.push((desk.pair.now_ms + 1_500, lost));

        let from = desk.pair.now_ms;
        desk.kill(KillLevel::Flatten, KillScope::Account);
        desk.run(120_000, &what);
        desk.is_flat(&what);
        assert!(desk.clips > 60, "{what}: {} clips", desk.clips);
        assert!(desk.faults.values().all(Vec::is_empty), "{what}: {:?}", desk.faults);
        assert!(desk.pair.now_ms - from < 60_000, "{what}: {} ms", desk.pair.now_ms - from);
        println!("{what}: {} ms, {} clips", desk.pair.now_ms - from, desk.clips);
        // Released, the books are the venue's and the account trades again.
        desk.pair.on_the_way = None;
        desk.pair.give(Input::Operator { who: "test".into(), command: OperatorCommand::Release });
        desk.pair.wait(15_000);
        assert!(desk.pair.engine.gate_shut().is_empty(), "{what}: {:?}", desk.pair.engine.gate_shut());
        desk.pair.agree(&what);
    }
}

#[test]
fn flatten_works_with_a_dead_journal_and_a_stream_that_is_cut() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let mut desk = Desk::new(mode, 4);
        desk.pair.cut_stream();
        desk.pair.fail_disk();
        desk.pair.hold();
        desk.kill(KillLevel::Flatten, KillScope::Account);
        desk.run(60_000, "a dead journal and no stream");
        // Without a stream no comparison ends, and without one nobody says that it is done; the legs are closed all the same.
        assert_eq!(desk.at_venue(), BTreeMap::new());
        assert_eq!(desk.open_orders(), Vec::new());
    }
}

#[test]
fn a_start_goes_on_with_the_flattening_that_a_crash_interrupted() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        for dies_after in (0..150).step_by(13) {
            let what = format!("{mode:?} killed after {dies_after}");
            let mut desk = Desk::new(mode, 2);
            desk.pair.dies_after = Some(dies_after);
            desk.kill(KillLevel::Flatten, KillScope::Account);
            desk.run_to_death(&what);
            let said = desk.pair.journal().iter().any(|(_, r)| format!("{r:?}").contains("Flatten"));
            desk.pair.restart_after(1_000);
            if !said {
                // It died before it was written down: nobody was told that it was done either.
                desk.kill(KillLevel::Flatten, KillScope::Account);
            }
            desk.run(60_000, &what);
            desk.is_flat(&what);
            desk.pair.wait(15_000);
            desk.pair.agree(&what);
        }
    }
}

#[test]
fn flatten_of_one_instrument_leaves_the_others() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let what = format!("{mode:?}");
        let mut desk = Desk::new(mode, 4);
        let only = desk.legs[0].0.clone();
        let before = desk.open_orders().into_iter().filter(|o| o.instrument != only).count();
        desk.kill(KillLevel::Flatten, KillScope::Instrument(only.clone()));
        desk.run(60_000, &what);
        assert!(desk.at_venue().keys().all(|(instrument, _)| *instrument != only), "{what}");
        assert_eq!(desk.at_venue().len(), desk.legs.iter().filter(|(i, _)| *i != only).count(), "{what}");
        let after = desk.open_orders();
        assert!(after.iter().all(|o| o.instrument != only), "{what}: {after:?}");
        assert_eq!(after.len(), before, "{what}: orders of others went");
        assert!(desk.pair.engine.gate_shut().is_empty(), "{what}: the account trades on");
        assert!(desk.pair.engine.may_open(&only).is_err() || !desk.pair.engine.report().instruments.is_empty(), "{what}");
    }
}

#[test]
fn reduce_takes_entries_off_both_books_and_leaves_what_closes() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        for scope in [
            KillScope::Account,
            KillScope::Strategy(StrategyId::new("maker").expect("a name")),
            KillScope::Instrument(instrument_id("BTCUSDT")),
        ] {
            let what = format!("{mode:?} {scope}");
            let mut desk = Desk::new(mode, 2);
            let keys: BTreeSet<Key> = desk.legs.iter().filter(|k| scope.covers(&desk.owner(), &k.0)).cloned().collect();
            let closing = |desk: &mut Desk| -> BTreeSet<ClOrdId> {
                let closes = |o: &OrderReport| match (o.leg, o.side) {
                    (Some(PositionSide::Long), side) => side == Side::Sell,
                    (Some(PositionSide::Short), side) => side == Side::Buy,
                    _ => o.reduce_only || o.close_all,
                };
                desk.open_orders().iter().filter(|o| closes(o)).filter_map(|o| o.cl_ord_id).collect()
            };
            let (before, held) = (closing(&mut desk), desk.at_venue());
            desk.kill(KillLevel::Reduce, scope.clone());
            desk.kill(KillLevel::Reduce, scope);
            desk.pair.wait(100);
            assert_eq!(closing(&mut desk), before, "{what}: what closes stays");
            assert_eq!(desk.at_venue(), held, "{what}");
            let left: Vec<OrderReport> = desk.open_orders();
            let entries = left.iter().filter(|o| o.cl_ord_id.is_some_and(|id| !before.contains(&id)));
            let inside = entries.filter(|o| o.leg.is_some_and(|leg| keys.contains(&(o.instrument.clone(), leg)))).count();
            assert_eq!(inside, 0, "{what}: entries are left");
            let latched = desk.pair.journal().iter().filter(|(_, r)| format!("{r:?}").contains("Latched")).count();
            assert_eq!(latched, 1, "{what}: said twice, latched once");
        }
    }
}

impl Desk {
    fn owner(&self) -> exec_core::order::intent::Owner {
        exec_core::order::intent::Owner::Strategy(exec_testkit::fixtures::strategy_id())
    }

    /// Until the node dies, or has nothing left to do.
    fn run_to_death(&mut self, what: &str) {
        for _ in 0..500 {
            if self.pair.is_down() {
                return;
            }
            self.pair.wait(20);
            self.judge(what);
        }
        self.pair.die();
    }
}
