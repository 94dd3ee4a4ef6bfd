//! What the core costs: one fact, one order through the engine, one record to and from its bytes, replay.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use exec_core::{
    command::{Command, NewOrder},
    conversation::{Effect, Input},
    engine::Engine,
    ids::{IntentId, SessionId},
    order::{Order, event::OrderEvent, intent::Handling},
    record::Record,
    report::{Report, ReportBody, VenueStatus},
    units::{PositionMode, Side},
};
use exec_testkit::{
    fixtures::{config, limit, price, profile, qty, strategy_id},
    rig::Rig,
};
use std::hint::black_box;

fn live() -> Rig {
    let mut config = config(PositionMode::Netting, &["BTCUSDT"]);
    config.limits.open_orders_max = u32::MAX;
    config.limits.position_notional_max = exec_testkit::fixtures::decimal("1000000000");
    Rig::live(config)
}

fn submit(number: u128) -> Input {
    let terms = limit(Side::Buy, qty("1"), price("99"));
    let new = NewOrder { intent: IntentId(number), terms, handling: Handling::default(), list: None };
    Input::Commands { strategy: strategy_id(), seen: None, commands: vec![Command::Submit(new)], state: None }
}

/// A journal of orders placed, accepted and filled in two trades.
fn journal(orders: usize) -> Vec<(exec_core::ids::Seq, Record)> {
    let mut rig = live();
    for n in 0..orders {
        let intent = rig.submit(limit(Side::Buy, qty("1"), price("99")));
        rig.durable();
        rig.accept(intent);
        rig.fill(intent, 2 * n as u64 + 1, "0.4", "99", "0.4");
        rig.fill(intent, 2 * n as u64 + 2, "0.6", "99", "1");
        (rig.sent, rig.told, rig.alerts) = Default::default();
    }
    rig.journal
}

fn benches(c: &mut Criterion) {
    let mut rig = live();
    let working = rig.submit(limit(Side::Buy, qty("1"), price("99")));
    rig.durable();
    rig.accept(working);
    let id = rig.cl_ord_id(working);
    let mut filled = rig.venue_report(working, VenueStatus::PartiallyFilled, "0.4");
    filled.fill = Some(exec_core::report::Fill {
        trade_id: exec_core::ids::TradeId::from_number(1),
        price: price("99"),
        qty: qty("0.4"),
        side: Side::Buy,
        maker: true,
        leg: filled.leg,
        fee: None,
        realized: None,
        at: filled.updated,
    });

    c.bench_function("apply: a fill to an order", |b| {
        let event = OrderEvent::Executed { cl_ord_id: id, fill: filled.fill.clone().expect("a fill") };
        let order = rig.order(working).clone();
        b.iter_batched_ref(|| order.clone(), |order: &mut Order| black_box(order.apply(&event)), BatchSize::SmallInput);
    });
    c.bench_function("apply: the same fill again", |b| {
        let event = OrderEvent::Executed { cl_ord_id: id, fill: filled.fill.clone().expect("a fill") };
        let mut order = rig.order(working).clone();
        let _ = order.apply(&event);
        b.iter(|| black_box(order.apply(&event)));
    });
    c.bench_function("handle: a fill event", |b| {
        let input =
            Input::Report { session: SessionId(1), report: Report { sent: None, body: ReportBody::Order(filled.clone()) } };
        let engine = rig.engine.clone();
        let now = rig.now();
        b.iter_batched_ref(
            || (engine.clone(), input.clone(), Vec::with_capacity(16)),
            |(engine, input, out): &mut (Engine, Input, Vec<Effect>)| engine.handle(now, input.clone(), out),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("handle: a fill event of an order with 1,000 fills", |b| {
        let mut rig = live();
        let worn = rig.submit(limit(Side::Buy, qty("2000"), price("99")));
        rig.durable();
        rig.accept(worn);
        for n in 1..=1_000 {
            rig.fill(worn, n, "1", "99", &n.to_string());
        }
        let (now, template) = (rig.now(), filled.fill.clone().expect("a fill"));
        let mut fill = |n: u64| {
            let mut report = rig.venue_report(worn, VenueStatus::PartiallyFilled, &n.to_string());
            let trade_id = exec_core::ids::TradeId::from_number(n);
            report.fill = Some(exec_core::report::Fill { trade_id, qty: qty("1"), ..template.clone() });
            Input::Report { session: SessionId(1), report: Report { sent: None, body: ReportBody::Order(report) } }
        };
        let (first, next) = (fill(1_001), fill(1_002));
        let engine = rig.engine.clone();
        b.iter_batched_ref(
            || {
                // The order is shared with the engine that was copied; the first fact makes it this one's own.
                let mut engine = engine.clone();
                engine.handle(now, first.clone(), &mut Vec::new());
                (engine, next.clone(), Vec::with_capacity(16))
            },
            |(engine, input, out): &mut (Engine, Input, Vec<Effect>)| engine.handle(now, input.clone(), out),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("handle: submit to journalled attempt, then durable to send", |b| {
        let engine = live();
        let now = engine.now();
        b.iter_batched_ref(
            || (engine.engine.clone(), submit(1_000_000), Vec::with_capacity(16)),
            |(engine, input, out): &mut (Engine, Input, Vec<Effect>)| {
                engine.handle(now, input.clone(), out);
                engine.handle(now, Input::Durable(engine.books().seq()), out);
            },
            BatchSize::SmallInput,
        );
    });

    let record = Record::Order {
        intent: working,
        at: rig.now(),
        source: exec_core::report::Source::Stream,
        event: OrderEvent::Executed { cl_ord_id: id, fill: filled.fill.clone().expect("a fill") },
    };
    c.bench_function("record: encode a fill", |b| {
        let mut buffer = Vec::with_capacity(512);
        b.iter(|| {
            buffer.clear();
            buffer = record.encode(std::mem::take(&mut buffer));
            black_box(buffer.len())
        });
    });
    c.bench_function("record: decode a fill", |b| {
        let bytes = record.encode(Vec::new());
        b.iter(|| black_box(Record::decode(record.kind(), exec_core::record::RECORD_VERSION, &bytes)));
    });

    let records = journal(5_000);
    let encoded: Vec<(exec_core::ids::Seq, u16, Vec<u8>)> =
        records.iter().map(|(seq, r)| (*seq, r.kind(), r.encode(Vec::new()))).collect();
    let mut group = c.benchmark_group("replay");
    group.sample_size(10).throughput(Throughput::Elements(encoded.len() as u64));
    group.bench_function("decode and replay, records", |b| {
        b.iter(|| {
            let mut engine = Engine::new(config(PositionMode::Netting, &["BTCUSDT"]), profile());
            for (seq, kind, bytes) in &encoded {
                let record = Record::decode(*kind, exec_core::record::RECORD_VERSION, bytes).expect("a record");
                engine.replay(*seq, &record).expect("it fits");
            }
            black_box(engine.books().seq())
        });
    });
    group.finish();
}

criterion_group!(all, benches);
criterion_main!(all);
