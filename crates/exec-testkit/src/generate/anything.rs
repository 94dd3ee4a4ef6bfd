//! Facts about an order that need not fit it, nor each other: small ids, so that they often meet.

use super::{lots, side, ticks};
use crate::fixtures;
use exec_core::{
    ids::{AlgoId, ClOrdId, OrderId, RequestId, TradeId},
    order::event::{AttemptHeader, GivenUp, LiveTerms, NotSent, OrderEvent, RequestState, TermsVersion},
    pretrade::Denial,
    report::{ExpiryReason, Fill},
    time::{Timestamp, VenueTime},
    units::{PositionSide, Side},
    venue::{RejectClass, Rejection},
};
use proptest::{option, prelude::*, sample::select};

fn attempt() -> impl Strategy<Value = ClOrdId> {
    select(vec!["a1", "a2", "a3"]).prop_map(fixtures::cl_ord_id)
}

fn request() -> impl Strategy<Value = RequestId> {
    (1_u64..4).prop_map(RequestId)
}

fn state() -> impl Strategy<Value = RequestState> {
    select(vec![
        RequestState::Open,
        RequestState::Unknown,
        RequestState::NotSent,
        RequestState::Refused(-2011),
        RequestState::Accepted,
    ])
}

fn live_terms() -> impl Strategy<Value = LiveTerms> {
    (1_u32..20, 990_u32..1_010).prop_map(|(qty, price)| LiveTerms { qty: lots(qty), price: Some(ticks(price)), trigger: None })
}

fn fill() -> impl Strategy<Value = Fill> {
    let leg = option::of(select(vec![PositionSide::Net, PositionSide::Net, PositionSide::Long]));
    (1_u64..6, 1_000_u32..1_003, 0_u32..8, side(), any::<bool>(), leg).prop_map(|(id, price, qty, side, maker, leg)| Fill {
        trade_id: TradeId::from_number(id),
        price: ticks(price),
        qty: lots(qty),
        side: if qty > 1 { Side::Buy } else { side },
        maker,
        leg,
        fee: None,
        realized: None,
        at: VenueTime(5),
    })
}

/// Any fact at all about an order that buys: of three attempts, three requests and five trades.
pub fn any_event() -> impl Strategy<Value = OrderEvent> {
    let header = (0_u8..3, option::of(1_u32..20)).prop_map(|(number, qty)| AttemptHeader {
        number: number.into(),
        timestamp: VenueTime(1),
        recv_window_ms: 2_000,
        epoch: fixtures::EPOCH,
        qty: qty.map(lots),
        replaces: None,
    });
    let order_id = option::of((1_u64..3).prop_map(OrderId::from_number));
    let algo_id = option::of((1_u64..3).prop_map(AlgoId::from_number));
    let code = select(vec![-2019_i64, -2021]);
    prop_oneof![
        1 => Just(OrderEvent::Denied(Denial::Quantity)),
        6 => (attempt(), header).prop_map(|(cl_ord_id, header)| OrderEvent::Attempted { cl_ord_id, header }),
        1 => (attempt(), 0_u32..5).prop_map(|(cl_ord_id, history)| OrderEvent::Adopted { cl_ord_id, history: lots(history) }),
        2 => (attempt(), 1_u64..5).prop_map(|(cl_ord_id, ms)| OrderEvent::Doubted { cl_ord_id, since: Timestamp::from_ms(ms) }),
        4 => (attempt(), order_id, algo_id).prop_map(|(cl_ord_id, order_id, algo_id)| OrderEvent::Accepted { cl_ord_id, order_id, algo_id }),
        2 => (attempt(), code).prop_map(|(cl_ord_id, code)| {
            let rejection = Rejection { class: RejectClass::Funds, code, text: "no".to_owned() };
            OrderEvent::Rejected { cl_ord_id, rejection }
        }),
        1 => attempt().prop_map(|cl_ord_id| OrderEvent::NotSent { cl_ord_id, why: NotSent::TooOld }),
        1 => attempt().prop_map(|cl_ord_id| OrderEvent::Activated { cl_ord_id }),
        1 => attempt().prop_map(|cl_ord_id| OrderEvent::Triggered { cl_ord_id }),
        8 => (attempt(), fill()).prop_map(|(cl_ord_id, fill)| OrderEvent::Executed { cl_ord_id, fill }),
        4 => (attempt(), 0_u32..30, option::of(990_u32..1_010)).prop_map(|(cl_ord_id, qty, px)| {
            OrderEvent::CumQty { cl_ord_id, qty: lots(qty), avg_px: px.map(ticks) }
        }),
        2 => (attempt(), 1_i64..4, live_terms()).prop_map(|(cl_ord_id, at, terms)| {
            let version = TermsVersion { updated: VenueTime(at), request: RequestId(0) };
            OrderEvent::Terms { cl_ord_id, version, terms }
        }),
        2 => attempt().prop_map(|cl_ord_id| OrderEvent::Canceled { cl_ord_id }),
        1 => attempt().prop_map(|cl_ord_id| OrderEvent::Expired { cl_ord_id, reason: ExpiryReason::TimeUp }),
        2 => request().prop_map(|request| OrderEvent::CancelRequested { request, only: None  }),
        2 => (request(), state()).prop_map(|(request, state)| OrderEvent::CancelAnswered { request, state }),
        2 => (request(), live_terms()).prop_map(|(request, terms)| OrderEvent::ReplaceRequested { request, terms, how: exec_core::order::event::ReplaceHow::InPlace }),
        2 => (request(), state()).prop_map(|(request, state)| OrderEvent::ReplaceAnswered { request, state }),
        1 => Just(OrderEvent::GivenUp(GivenUp::Settled)),
    ]
}
