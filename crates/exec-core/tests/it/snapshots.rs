//! A snapshot and the records behind it are as good as all records: the same books, and the same events still to be told.

use exec_core::{
    conversation::Input,
    engine::Engine,
    ids::{IntentId, Seq, TradeId},
    order::intent::Owner,
    record::{Baseline, LatchCause, Record, TradeCursor},
    report::Source,
    snapshot::{SNAPSHOT_VERSION, Snapshot, SnapshotError},
    time::{Timestamp, VenueTime},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::{
    fixtures::{asset, config, intent, limit, price, profile, qty, strategy_id},
    generate::any_event,
};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::scene::{btc, netting, working};

const GOLDEN: &[u8] = include_bytes!("golden/books-v1.snap");

fn engine() -> Engine {
    Engine::new(config(PositionMode::Netting, &["BTCUSDT"]), profile())
}

/// Replays what fits and leaves out what does not, as the engine does before it journals anything.
fn history_of(records: impl IntoIterator<Item = Record>) -> Vec<(Seq, Record)> {
    let (mut all, mut books) = (Vec::new(), engine());
    for record in records {
        let seq = Seq(books.books().seq().0 + 1);
        if books.replay(seq, &record).is_ok() {
            all.push((seq, record));
        }
    }
    all
}

fn replayed(mut engine: Engine, records: &[(Seq, Record)]) -> Engine {
    for (seq, record) in records {
        engine.replay(*seq, record).unwrap_or_else(|error| panic!("{error}"));
    }
    engine
}

fn restored(snapshot: &Snapshot) -> Engine {
    let mut engine = engine();
    engine.restore(Snapshot::decode(&snapshot.encode()).expect("it was just written")).expect("it is of this account");
    engine
}

fn other(which: u8, number: u64) -> Record {
    let at = Timestamp(number);
    match which {
        0 => Record::Baseline(Baseline {
            instrument: btc(),
            leg: PositionSide::Net,
            qty: "0.5".parse().expect("a number"),
            entry_px: Some(price("100")),
            cut: Some(TradeId::from_number(number % 6)),
            at: VenueTime(number as i64),
        }),
        1 => Record::TradeCursor(TradeCursor {
            instrument: btc(),
            after: (number > 2).then(|| TradeId::from_number(number % 6)),
            at: VenueTime(number as i64),
        }),
        2 => Record::Balance { asset: asset("USDT"), wallet: "12.50".parse().expect("an amount"), at: VenueTime(number as i64) },
        3 => Record::Cursor { strategy: strategy_id(), seen: Seq(number), state: (number > 3).then(|| vec![number as u8]) },
        4 => Record::Latched { cause: LatchCause::SecondEngine, text: "two".into(), at },
        5 => Record::Released { who: "ada".into(), at },
        6 => Record::StrategyNumber { strategy: strategy_id(), number: 1 },
        _ => Record::Raw { why: "unknown".into(), raw: "{}".into(), at },
    }
}

/// Any history over four orders that share the ids of their attempts, with everything else that is journalled in between.
fn any_records() -> impl Strategy<Value = Vec<(Seq, Record)>> {
    let fact = (1_u128..5, any_event()).prop_map(|(intent, event)| Record::Order {
        intent: IntentId(intent),
        at: Timestamp(9),
        source: Source::Stream,
        event,
    });
    let others = (0_u8..8, 0_u64..40).prop_map(|(which, number)| other(which, number));
    vec(prop_oneof![6 => fact, 1 => others], 1..80).prop_map(|rest| {
        let intents = (1..5).map(|n| {
            let mut intent = intent(n, limit(Side::Buy, qty("10"), price("100")));
            if n == 4 {
                intent.owner = Owner::External;
            }
            Record::Intent(intent)
        });
        history_of(intents.chain(rest))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_and_its_tail_are_as_good_as_all_records(records in any_records(), at in any::<Index>()) {
        let full = replayed(engine(), &records);
        let (head, tail) = records.split_at(at.index(records.len() + 1));
        let snapshot = replayed(engine(), head).snapshot();
        prop_assert_eq!(snapshot.seq(), Seq(head.len() as u64));
        let restored = replayed(restored(&snapshot), tail);
        prop_assert_eq!(restored.books(), full.books());
        prop_assert_eq!(restored.snapshot().encode(), full.snapshot().encode());
    }

    #[test]
    fn damaged_bytes_are_refused_and_never_panic(records in any_records(), at in any::<Index>(), bit in 0_u8..8) {
        let mut bytes = replayed(engine(), &records).snapshot().encode();
        let cut = at.index(bytes.len());
        prop_assert!(Snapshot::decode(&bytes[..cut]).is_err());
        bytes[cut] ^= 1 << bit;
        prop_assert!(Snapshot::decode(&bytes).is_err());
    }
}

#[test]
fn a_running_engine_has_the_snapshot_that_its_journal_gives() {
    let mut rig = netting();
    let order = working(&mut rig);
    rig.fill(order, 1, "0.4", "99", "0.4");
    let seen = rig.told.iter().filter_map(|(seq, _)| *seq).max();
    // Handled up to here; what follows is not.
    rig.give(Input::Commands { strategy: strategy_id(), seen, commands: Vec::new(), state: Some(vec![7]) });
    rig.fill(order, 2, "0.6", "99", "1");
    let from_the_journal = replayed(engine(), &rig.journal).snapshot();
    assert_eq!(rig.engine.snapshot().encode(), from_the_journal.encode());
    // What was not handled comes again, after a restart from the snapshot as after one from the records.
    let told = |mut engine: Engine| {
        engine.handle(rig.now(), Input::Begin, &mut Vec::new());
        engine.snapshot()
    };
    assert!(told(restored(&rig.engine.snapshot())) == told(replayed(engine(), &rig.journal)));
}

#[test]
fn a_snapshot_of_another_account_or_behind_records_is_refused() {
    let snapshot = netting().engine.snapshot();
    let mut other = config(PositionMode::Netting, &["BTCUSDT"]);
    other.account = exec_core::ids::AccountId::new("other").expect("an id");
    assert!(Engine::new(other, profile()).restore(snapshot.clone()).is_err());
    assert!(restored(&snapshot).restore(snapshot).is_err());
}

#[test]
fn a_snapshot_of_another_version_is_refused_by_name() {
    let mut bytes = netting().engine.snapshot().encode();
    bytes[8..10].copy_from_slice(&(SNAPSHOT_VERSION + 1).to_le_bytes());
    let error = Snapshot::decode(&bytes).unwrap_err();
    assert_eq!(error, SnapshotError::Version { found: SNAPSHOT_VERSION + 1 });
    assert!(error.to_string().contains("use the build that wrote it, or a newer one"), "{error}");
}

/// Everything that the journal can say, as far as it fits together.
fn everything() -> Vec<(Seq, Record)> {
    let mut n = 0;
    history_of(crate::records::records().into_iter().map(|record| match record {
        Record::Order { at, source, event, .. } => {
            n += 1;
            Record::Order { intent: IntentId((n % 3) + (1 << 100)), at, source, event }
        }
        Record::Cursor { strategy, state, .. } => Record::Cursor { strategy, seen: Seq(2), state },
        other => other,
    }))
}

#[test]
fn the_snapshot_of_the_first_version_is_read_and_written_as_ever() {
    let engine = replayed(engine(), &everything());
    let now = engine.snapshot().encode();
    if let Some(path) = std::env::var_os("WRITE_GOLDEN_SNAPSHOT") {
        std::fs::write(path, &now).expect("it is written");
    }
    let golden = Snapshot::decode(GOLDEN).expect("a snapshot that exists must be read");
    assert!(golden == engine.snapshot(), "the golden snapshot says something else now");
    assert!(now == GOLDEN, "a snapshot is written differently: raise SNAPSHOT_VERSION, and keep reading the old one");
}
