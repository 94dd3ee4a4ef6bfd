//! All that a replay would put into books, in a form that is quickly taken and can be written. Not the bytes: `snapshot`.

use super::{
    Books, Filed, StrategyBook, Wallet,
    let_go::{Ended, Gone},
    names::{Names, Shared},
    recent::{Floor, Recent},
};
use crate::{
    cl_ord_id::Tag,
    ids::{AccountId, AlgoId, Asset, ClOrdId, Epoch, InstrumentId, IntentId, ListId, OrderId, Seq, StrategyId},
    order::{
        Order,
        event::OrderEvent,
        intent::{Intent, Owner},
    },
    position::Position,
    record::{Claim, LatchCause, TradeCursor},
    time::{Timestamp, VenueTime},
    units::{PositionMode, PositionSide, SignedQty},
};
use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    sync::Arc,
    vec::Vec,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Books as they were after a record. The orders are shared with the books, so that taking an image copies none of them.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub(crate) struct Image {
    pub(crate) account: AccountId,
    pub(crate) seq: Seq,
    epoch: Epoch,
    mode: Option<PositionMode>,
    orders: Vec<Filed>,
    open: Vec<IntentId>,
    shared_cl_ord_ids: Vec<Shared<ClOrdId>>,
    shared_order_ids: Vec<Shared<(InstrumentId, OrderId)>>,
    shared_algo_ids: Vec<Shared<AlgoId>>,
    lists: BTreeMap<ListId, Vec<IntentId>>,
    positions: BTreeMap<(InstrumentId, PositionSide), Position>,
    shares: BTreeMap<(Owner, InstrumentId, PositionSide), SignedQty>,
    wallets: BTreeMap<Asset, Wallet>,
    trade_cursors: BTreeMap<InstrumentId, TradeCursor>,
    strategies: BTreeMap<StrategyId, StrategyBook>,
    latches: BTreeMap<LatchCause, String>,
    raw_kept: u64,
    claims: Vec<Claim>,
    floors: BTreeMap<InstrumentId, Floor>,
    gone: BTreeMap<(InstrumentId, PositionSide), Gone>,
    let_go_before: Option<VenueTime>,
    names_let_go: BTreeSet<IntentId>,
}

impl Books {
    /// Takes an image.
    pub(crate) fn image(&self) -> Image {
        Image {
            account: self.account.clone(),
            seq: self.seq,
            epoch: self.epoch,
            mode: self.mode,
            orders: self.orders.values().cloned().collect(),
            open: self.open.iter().copied().collect(),
            shared_cl_ord_ids: self.by_cl_ord_id.shared(),
            shared_order_ids: self.by_order_id.shared(),
            shared_algo_ids: self.by_algo_id.shared(),
            lists: self.by_list.clone(),
            positions: self.positions.clone(),
            shares: self.shares.clone(),
            wallets: self.wallets.clone(),
            trade_cursors: self.trade_cursors.clone(),
            strategies: self.strategies.clone(),
            latches: self.latches.clone(),
            raw_kept: self.raw_kept,
            claims: self.claims.clone(),
            floors: self.recent.floors.clone(),
            gone: self.gone.clone(),
            let_go_before: self.let_go_before,
            names_let_go: self.names_let_go.clone(),
        }
    }

    /// The books of an image.
    pub(crate) fn of_image(image: Image, tag: Tag) -> Self {
        let mut books = Self {
            account: image.account,
            tag,
            seq: image.seq,
            epoch: image.epoch,
            mode: image.mode,
            orders: BTreeMap::new(),
            open: image.open.into_iter().collect::<BTreeSet<_>>(),
            by_cl_ord_id: Names::new(),
            by_order_id: Names::new(),
            by_algo_id: Names::new(),
            by_list: image.lists,
            positions: image.positions,
            shares: image.shares,
            wallets: image.wallets,
            trade_cursors: image.trade_cursors,
            strategies: image.strategies,
            latches: image.latches,
            raw_kept: image.raw_kept,
            claims: image.claims,
            recent: Recent::new(),
            ended: Ended::new(),
            gone: image.gone,
            let_go_before: image.let_go_before,
            names_let_go: image.names_let_go,
            day: None,
        };
        books.recent.floors = image.floors;
        for filed in image.orders {
            let (intent, order) = (filed.order.intent(), &filed.order);
            for (cl_ord_id, attempt) in order.attempts() {
                books.by_cl_ord_id.learn(*cl_ord_id, intent.id);
                if let Some(order_id) = attempt.order_id() {
                    books.by_order_id.learn((intent.terms.instrument.clone(), order_id), intent.id);
                }
                if let Some(algo_id) = attempt.algo_id() {
                    books.by_algo_id.learn(algo_id, intent.id);
                }
            }
            books.recent.take(order);
            if !books.open.contains(&intent.id) {
                books.ended.by_age.insert((filed.at, intent.id));
            }
            books.orders.insert(intent.id, filed);
        }
        books.by_cl_ord_id.restore(image.shared_cl_ord_ids);
        books.by_order_id.restore(image.shared_order_ids);
        books.by_algo_id.restore(image.shared_algo_ids);
        books
    }
}

/// An order is written as what was asked for and the facts about it, in the words of the journal: those only ever grow, so a later
/// build reads them however it keeps an order in memory.
impl Serialize for Filed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.order.intent(), self.seq, self.at, self.order.known()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Filed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (intent, seq, at, known) = <(Intent, Seq, Timestamp, Vec<OrderEvent>)>::deserialize(deserializer)?;
        let order = Order::of_known(intent, &known).map_err(D::Error::custom)?;
        Ok(Self { order: Arc::new(order), seq, at })
    }
}
