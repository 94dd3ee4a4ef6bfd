//! The bytes of every record kind stay what they were: a journal written today is read by every later build.
//!
//! `golden/records-v2.txt` holds one line a record: its kind, its bytes in hex, and how it prints. A new kind or variant adds
//! a line; a line that changes breaks every journal that exists.

use exec_core::{
    conversation::AlertLevel,
    ids::{AccountId, AlgoId, Epoch, IntentId, ListId, OrderId, RequestId, Seq, TradeId},
    kill::{KillLevel, KillScope},
    limits::Scope,
    order::{
        event::{AttemptHeader, GivenUp, LiveTerms, NotSent, OrderEvent, ReplaceHow, RequestState, TermsVersion},
        intent::{ExchangeMade, Handling, InDoubt, Intent, ListPlace, ListRole, Owner, Provenance},
        proof::{DeathProof, VanishedProof},
    },
    pretrade::{Denial, Figure},
    record::{Adjustment, Baseline, Claim, DayStart, LatchCause, RECORD_VERSION, Record, RecordError, TradeCursor},
    report::{ExpiryReason, Fee, Fill, Source},
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, SelfTrade, Terms, TimeInForce, Trigger, TriggerBy},
    time::{Timestamp, VenueTime},
    units::{PositionMode, PositionSide, Side},
    venue::{Attempt, Fence, RejectClass, Rejection},
};
use exec_testkit::{
    fixtures::{asset, cl_ord_id, decimal, instrument_id, price, qty, strategy_id},
    generate::any_event,
};
use proptest::prelude::*;
use std::fmt::Write as _;

const GOLDEN: &str = include_str!("golden/records-v2.txt");

fn terms(kind: OrderKind) -> Terms {
    let close_all = matches!(kind, OrderKind::StopMarket { .. });
    Terms {
        instrument: instrument_id("币安人生USDT"),
        side: Side::Sell,
        leg: PositionSide::Long,
        intention: if close_all { Intention::CloseAll } else { Intention::Reduce },
        qty: (!close_all).then(|| qty("1.50")),
        stp: matches!(kind, OrderKind::Limit { .. }).then_some(SelfTrade::ExpireBoth),
        kind,
    }
}

fn kinds() -> Vec<OrderKind> {
    let trigger = Trigger { price: price("90.5"), by: TriggerBy::Mark, price_protect: true };
    let (price, tif) = (price("99.10"), TimeInForce::Gtd(VenueTime(1_800_000_000_000)));
    vec![
        OrderKind::Market,
        OrderKind::Limit { price: price.into(), tif },
        OrderKind::StopMarket { trigger },
        OrderKind::Limit { price: LimitPrice::Match(PriceMatch::Queue5), tif: TimeInForce::Gtc },
        OrderKind::StopLimit { trigger, price: price.into(), tif: TimeInForce::Gtc },
        OrderKind::TakeProfitMarket { trigger },
        OrderKind::TakeProfit { trigger, price: price.into(), tif: TimeInForce::Ioc },
        OrderKind::TrailingStopMarket { activation: Some(price), callback_percent: decimal("1.5"), by: TriggerBy::Last },
    ]
}

fn events() -> Vec<OrderEvent> {
    let id = cl_ord_id("x-0101YVJ2K0000000101ABC");
    let header = AttemptHeader {
        number: 1,
        timestamp: VenueTime(1_795_305_600_000),
        recv_window_ms: 2_000,
        epoch: Epoch(993_600),
        qty: Some(qty("2")),
        replaces: None,
    };
    let fence = Fence { engine_margin_ms: 2_000, visibility_ms: 1_000 };
    let attempt = Attempt {
        cl_ord_id: id,
        terms: terms(OrderKind::Market),
        timestamp: VenueTime(0),
        recv_window_ms: 2_000,
        epoch: Epoch(1),
        begin_by: VenueTime(2_000),
    };
    let death = DeathProof::new(&attempt, &fence, VenueTime(5_000), VenueTime(6_000)).expect("past the fence");
    let vanished = VanishedProof::new(VenueTime(0), 10, VenueTime(11), VenueTime(12)).expect("forgotten");
    let fill = Fill {
        trade_id: TradeId::from_number(42),
        price: price("99.10"),
        qty: qty("0.5"),
        side: Side::Sell,
        maker: true,
        leg: Some(PositionSide::Long),
        fee: Some(Fee { amount: "0.01982".parse().expect("an amount"), asset: asset("USDT") }),
        realized: Some("-1.25".parse().expect("an amount")),
        at: VenueTime(7),
    };
    let live = LiveTerms { qty: qty("3"), price: Some(price("98.7")), trigger: None };
    let rejection = Rejection { class: RejectClass::Funds, code: -2019, text: "Margin is insufficient.".into() };
    let request = RequestId(7);
    vec![
        OrderEvent::Denied(Denial::Limit {
            what: "order notional".into(),
            value: Figure(decimal("12")),
            max: Figure(decimal("10")),
        }),
        OrderEvent::Attempted { cl_ord_id: id, header },
        OrderEvent::Adopted { cl_ord_id: id, history: qty("0.1") },
        OrderEvent::Doubted { cl_ord_id: id, since: Timestamp(5) },
        OrderEvent::Accepted { cl_ord_id: id, order_id: Some(OrderId::from_number(9)), algo_id: Some(AlgoId::from_number(8)) },
        OrderEvent::Rejected { cl_ord_id: id, rejection },
        OrderEvent::NotSent { cl_ord_id: id, why: NotSent::Transport("refused".into()) },
        OrderEvent::Dead { cl_ord_id: id, proof: death },
        OrderEvent::Activated { cl_ord_id: id },
        OrderEvent::Triggered { cl_ord_id: id },
        OrderEvent::Executed { cl_ord_id: id, fill },
        OrderEvent::CumQty { cl_ord_id: id, qty: qty("0.7"), avg_px: Some(price("99")) },
        OrderEvent::Terms { cl_ord_id: id, version: TermsVersion { updated: VenueTime(3), request }, terms: live },
        OrderEvent::Canceled { cl_ord_id: id },
        OrderEvent::Expired { cl_ord_id: id, reason: ExpiryReason::SelfTrade },
        OrderEvent::Vanished { cl_ord_id: id, proof: vanished },
        OrderEvent::CancelRequested { request, only: None },
        OrderEvent::CancelRequested { request, only: Some(id) },
        OrderEvent::CancelAnswered { request, state: RequestState::Refused(-2011) },
        OrderEvent::ReplaceRequested { request, terms: live, how: ReplaceHow::InPlace },
        OrderEvent::ReplaceRequested { request, terms: live, how: ReplaceHow::NewAttempt },
        OrderEvent::Attempted { cl_ord_id: id, header: AttemptHeader { number: 2, replaces: Some(request), ..header } },
        OrderEvent::ReplaceAnswered { request, state: RequestState::Accepted },
        OrderEvent::GivenUp(GivenUp::Settled),
    ]
}

pub(crate) fn records() -> Vec<Record> {
    let at = Timestamp::from_ms(1_795_305_600_000);
    let account = AccountId::new("main").expect("an id");
    let mut all = vec![
        Record::Started { account, epoch: Epoch(993_600), mode: PositionMode::Hedging, at },
        Record::StrategyNumber { strategy: strategy_id(), number: 3 },
        Record::Baseline(Baseline {
            instrument: instrument_id("BTCUSDT"),
            leg: PositionSide::Short,
            qty: "-0.250".parse().expect("a number"),
            entry_px: Some(price("64000.5")),
            cut: Some(TradeId::from_number(77)),
            at: VenueTime(9),
        }),
        Record::TradeCursor(TradeCursor { instrument: instrument_id("BTCUSDT"), after: None, at: VenueTime(9) }),
        Record::Balance { asset: asset("USDT"), wallet: "10000.00000000".parse().expect("an amount"), at: VenueTime(9) },
        Record::Cursor { strategy: strategy_id(), seen: Seq(12), state: Some(vec![1, 2, 3]) },
        Record::Latched { cause: LatchCause::SecondEngine, text: "two".into(), at },
        Record::Latched { cause: LatchCause::Exchange(instrument_id("BTCUSDT")), text: "taken".into(), at },
        Record::Released { who: "ada".into(), at },
        Record::Operator { who: "ada".into(), what: "Latch".into(), at },
        Record::Raw { why: "unknown".into(), raw: "{}".into(), at },
    ];
    let let_go = Record::LetGo { orders: vec![IntentId(1), IntentId(u128::MAX)], before: VenueTime(9) };
    let owners = [Owner::Strategy(strategy_id()), Owner::Operator("ada".into()), Owner::External];
    let provenances =
        [Provenance::Ours, Provenance::Recovered, Provenance::Foreign, Provenance::Exchange(ExchangeMade::AutoDeleveraging)];
    for (n, kind) in kinds().into_iter().enumerate() {
        all.push(Record::Intent(Intent {
            id: IntentId(n as u128 + (1 << 100)),
            owner: owners[n % 3].clone(),
            provenance: provenances[n % 4],
            terms: terms(kind),
            handling: Handling { max_age_ms: 200, in_doubt: InDoubt::Keep, retry: false },
            list: (n == 2).then_some(ListPlace { list: ListId(4), role: ListRole::StopLoss }),
            asked: at,
        }));
    }
    all.extend(events().into_iter().map(|event| Record::Order { intent: IntentId(1), at, source: Source::Stream, event }));
    all.push(Record::Adjustment(Adjustment {
        instrument: instrument_id("BTCUSDT"),
        leg: PositionSide::Net,
        qty: "-0.250".parse().expect("a number"),
        entry_px: Some(price("64000.5")),
        owner: Owner::External,
        cut: Some(TradeId::from_number(78)),
        at: VenueTime(10),
        who: "ada".into(),
        why: "closed without a trade".into(),
    }));
    all.push(Record::Claim(Claim {
        strategy: strategy_id(),
        instrument: instrument_id("BTCUSDT"),
        leg: PositionSide::Short,
        qty: "-0.250".parse().expect("a number"),
        at,
    }));
    all.push(Record::Latched { cause: LatchCause::Difference(instrument_id("BTCUSDT")), text: "two figures".into(), at });
    all.push(let_go);
    all.push(Record::Latched { cause: LatchCause::Breaker(strategy_id()), text: "ten refusals".into(), at });
    let scoped =
        |scope| Denial::Scoped { scope, what: "order quantity".into(), value: Figure(decimal("12")), max: Figure(decimal("10")) };
    let denials = [
        scoped(Scope::Account),
        scoped(Scope::Strategy(strategy_id())),
        Denial::Rate { scope: Scope::Instrument(instrument_id("BTCUSDT")), per_secs: 60, max: 10 },
        Denial::Collar { price: Figure(decimal("9900")), reference: Figure(decimal("99")), bound: Figure(decimal("103.95")) },
    ];
    let denied = |denial| Record::Order { intent: IntentId(1), at, source: Source::Engine, event: OrderEvent::Denied(denial) };
    all.extend(denials.map(denied));
    all.push(Record::Latched { cause: LatchCause::DailyLoss, text: "lost".into(), at });
    all.push(Record::Lifted { cause: LatchCause::DailyLoss, why: "a new day".into(), at });
    all.push(Record::Day(DayStart {
        begins: VenueTime(1_795_305_600_000),
        realized: "-1.25".parse().expect("an amount"),
        fees: [(asset("BNB"), "0.01".parse().expect("an amount"))].into(),
        unrealized: "7.5".parse().expect("an amount"),
        funding: "-0.5".parse().expect("an amount"),
        at,
    }));
    all.push(Record::Funding { asset: asset("USDT"), amount: "-0.25".parse().expect("an amount"), at: VenueTime(9) });
    let killed = |level, scope| Record::Latched { cause: LatchCause::Kill { level, scope }, text: "enough".into(), at };
    all.push(killed(KillLevel::Reduce, KillScope::Account));
    all.push(killed(KillLevel::Halt, KillScope::Instrument(instrument_id("BTCUSDT"))));
    all.push(killed(KillLevel::Flatten, KillScope::Strategy(strategy_id())));
    all.push(Record::Latched { cause: LatchCause::CrashLoop, text: "died".into(), at });
    let what = "status Trading -> Halted".into();
    all.push(Record::InstrumentChanged { instrument: instrument_id("BTCUSDT"), what, at });
    let text = "Only reduce-only orders are allowed.".into();
    let rejection = Rejection { class: RejectClass::AccountRestricted, code: -4087, text };
    let event = OrderEvent::Rejected { cl_ord_id: cl_ord_id("x-0101YVJ2K0000000101ABC"), rejection };
    all.push(Record::Order { intent: IntentId(1), at, source: Source::Reply, event });
    all.push(Record::Alert { level: AlertLevel::Warning, kind: "stop_refused".into(), text: "look".into(), at });
    all
}

fn written(record: &Record) -> String {
    let mut line = format!("{} ", record.kind());
    for byte in record.encode(Vec::new()) {
        let _ = write!(line, "{byte:02x}");
    }
    line
}

#[test]
fn the_bytes_of_every_record_are_what_they_were() {
    let golden: Vec<&str> = GOLDEN.lines().filter(|l| !l.starts_with('#')).collect();
    let now: Vec<String> = records().iter().map(written).collect();
    for (line, (golden, now)) in golden.iter().zip(&now).enumerate() {
        assert_eq!(golden, now, "record {line} is written differently: old journals would not be read");
    }
    assert_eq!(
        golden.len(),
        now.len(),
        "a new record kind or variant needs its golden line:\n{}",
        now[golden.len()..].join("\n")
    );
}

#[test]
fn promise_p21_golden_records_are_read_back() {
    let records = records();
    for (line, record) in GOLDEN.lines().filter(|l| !l.starts_with('#')).zip(&records) {
        let (kind, hex) = line.split_once(' ').expect("kind and bytes");
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
        assert_eq!(Record::decode(kind.parse().expect("a kind"), RECORD_VERSION, &bytes).as_ref(), Ok(record));
    }
}

#[test]
fn a_record_of_a_newer_build_is_refused_and_a_damaged_one_too() {
    let record = &records()[0];
    let bytes = record.encode(Vec::new());
    assert!(matches!(Record::decode(999, RECORD_VERSION, &bytes), Err(RecordError::Unknown { .. })));
    assert!(matches!(Record::decode(record.kind(), RECORD_VERSION + 1, &bytes), Err(RecordError::Unknown { .. })));
    assert!(matches!(Record::decode(2, RECORD_VERSION, &bytes), Err(RecordError::Malformed { .. })));
    for cut in 0..bytes.len() {
        assert!(Record::decode(record.kind(), RECORD_VERSION, &bytes[..cut]).is_err(), "cut at {cut}");
    }
}

proptest! {
    #[test]
    fn any_fact_survives_the_journal(event in any_event()) {
        let record = Record::Order { intent: IntentId(5), at: Timestamp(1), source: Source::Trades, event };
        let back = Record::decode(record.kind(), RECORD_VERSION, &record.encode(Vec::new()));
        prop_assert_eq!(back, Ok(record));
    }

    #[test]
    fn damaged_bytes_never_panic(kind in 0_u16..20, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Record::decode(kind, RECORD_VERSION, &bytes);
    }
}
