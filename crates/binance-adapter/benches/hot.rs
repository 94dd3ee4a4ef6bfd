//! The two hot paths of the adapter: reading an order update, and encoding and signing a limit order.

use std::hint::black_box;

use binance_adapter::{
    query::Query,
    sign::Signer,
    translate::{Symbols, Tally, place_params, report},
    wire::{OrderTradeUpdate, UserEvent, read},
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use exec_core::{
    ids::{ClOrdId, InstrumentId},
    terms::{Intention, OrderKind, Terms, TimeInForce},
    units::{PositionSide, Price, Qty, Side},
};
use rust_decimal::Decimal;

const FILL: &str = r#"{"e":"ORDER_TRADE_UPDATE","T":1789837689736,"E":1789837689736,"o":{"s":"DOTUSDT","c":"DEMO-000100001000000010ABC","S":"BUY","o":"MARKET","f":"GTC","q":"4.9","p":"0","ap":"1.1359","sp":"0","x":"TRADE","X":"FILLED","i":33878894217,"l":"4.9","z":"4.9","L":"1.1359","n":"0.00000325","N":"BNB","T":1789837689736,"t":1190331610,"b":"0","a":"0","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"MARKET","ps":"BOTH","cp":false,"rp":"0","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}"#;

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(1));
    group.bench_function("order_trade_update_to_wire", |b| b.iter(|| UserEvent::read(black_box(FILL))));
    group.bench_function("order_trade_update_by_serde", |b| b.iter(|| read::<OrderTradeUpdate<'_>>(black_box(FILL))));
    let (symbols, tally) = (Symbols::default(), Tally::default());
    group.bench_function("order_trade_update_to_report", |b| b.iter(|| report(&symbols, &tally, black_box(FILL))));
    group.finish();
}

fn encode(c: &mut Criterion) {
    let signer = Signer::new(&"2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9".into()).unwrap();
    let terms = Terms {
        instrument: InstrumentId::new("BTCUSDT-PERP.BINANCE").unwrap(),
        side: Side::Buy,
        leg: PositionSide::Net,
        intention: Intention::Open,
        qty: Some(Qty::new(Decimal::new(46, 3)).unwrap()),
        kind: OrderKind::Limit { price: Price::new(Decimal::new(11_939_440, 2)).unwrap().into(), tif: TimeInForce::Gtc },
        stp: None,
    };
    let id = ClOrdId::new("DEMO-000100001000000010ABC").unwrap();
    let mut query = Query::default();
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(1));
    group.bench_function("limit_order_and_sign", |b| {
        b.iter(|| {
            query.clear();
            place_params(&mut query, black_box(&terms), &id).unwrap();
            query.number("recvWindow", 2000).signed("timestamp", black_box(1_789_837_689_736));
            query.sign(&signer);
            black_box(query.as_bytes().len())
        });
    });
    group.finish();
}

criterion_group!(benches, decode, encode);
criterion_main!(benches);
