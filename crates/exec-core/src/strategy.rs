//! What a strategy author implements, and what a strategy sees during a call. Synchronous; no I/O.

use crate::{
    books::Books,
    command::{ChangeOrder, Command, NewOrder},
    conversation::{DoubtEnded, ExchangeEvent, InDoubt, OrderUpdate, Phase, PhaseChange, ProtectionLost},
    engine::Engine,
    ids::{InstrumentId, IntentId, ListId, StrategyId},
    instrument::Instrument,
    order::{
        Order,
        intent::{Handling, ListPlace, ListRole, Owner},
    },
    pretrade::Denial,
    report::Quote,
    start_report::Shut,
    terms::{Intention, OrderKind, Terms, TimeInForce},
    time::Timestamp,
    units::{PositionMode, PositionSide, Price, Qty, Side, SignedQty},
};
use alloc::vec::Vec;

/// The names of a bracket's orders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Bracket {
    /// FIX ListID (66).
    pub list: ListId,
    /// Opens.
    pub entry: IntentId,
    /// Closes at a loss.
    pub stop_loss: IntentId,
    /// Closes at a profit.
    pub take_profit: Option<IntentId>,
}

/// What a strategy may do and see during one call. Commands are collected and handled after the call returns, in order, in
/// one group of the journal with the proof that the strategy has seen the event it answers.
pub struct Context<'a> {
    now: Timestamp,
    engine: &'a Engine,
    strategy: &'a StrategyId,
    basis: u128,
    commands: Vec<Command>,
    named: u128,
    state: Option<Vec<u8>>,
}

impl<'a> Context<'a> {
    /// For the shell that calls a strategy. `basis` names the call: the same basis derives the same intent ids.
    pub const fn new(now: Timestamp, engine: &'a Engine, strategy: &'a StrategyId, basis: u128) -> Self {
        Self { now, engine, strategy, basis, commands: Vec::new(), named: 0, state: None }
    }
    /// What the strategy asked for, and its state if it gave one.
    pub fn into_parts(self) -> (Vec<Command>, Option<Vec<u8>>) {
        (self.commands, self.state)
    }
    /// The engine's time.
    pub const fn now(&self) -> Timestamp {
        self.now
    }
    /// Everything known about the account.
    pub const fn books(&self) -> &'a Books {
        self.engine.books()
    }
    /// Where the engine stands.
    pub const fn phase(&self) -> Phase {
        self.engine.phase()
    }
    /// How the account keeps positions.
    pub const fn mode(&self) -> PositionMode {
        self.engine.mode()
    }
    /// An instrument's grid and bounds.
    pub fn instrument(&self, id: &InstrumentId) -> Option<&'a Instrument> {
        self.engine.instrument(id)
    }
    /// The newest prices of an instrument.
    pub fn quote(&self, id: &InstrumentId) -> Quote {
        self.engine.quote(id)
    }
    /// One of the account's orders.
    pub fn order(&self, id: IntentId) -> Option<&'a Order> {
        self.engine.books().order(id)
    }
    /// This strategy's orders that have not ended.
    pub fn open_orders(&self) -> impl Iterator<Item = &'a Order> {
        self.engine.books().open_orders().filter(|o| o.intent().owner.strategy() == Some(self.strategy))
    }
    /// What of this strategy's orders nobody knows: attempts that may or may not have reached the venue, changes that may or may
    /// not have taken effect. Their orders are among [`Context::open_orders`] as long as nothing has ended them.
    pub fn in_doubt(&self) -> Vec<InDoubt> {
        let mine = |doubt: &InDoubt| self.order(doubt.intent).is_some_and(|o| o.intent().owner.strategy() == Some(self.strategy));
        self.engine.doubts().into_iter().filter(mine).collect()
    }
    /// Why new risk is refused on the whole account; empty when the gate is open.
    pub fn shut(&self) -> Vec<Shut> {
        self.engine.gate_shut()
    }
    /// Whether an order that can add risk would be let through on this instrument now, as far as the gate goes.
    ///
    /// # Errors
    /// The denial that such an order would get. Exits pass all the same.
    pub fn may_open(&self, instrument: &InstrumentId) -> Result<(), Denial> {
        self.engine.may_open_for(self.strategy, instrument)
    }
    /// This strategy's parts of all legs that are not flat.
    pub fn shares(&self) -> impl Iterator<Item = (&'a InstrumentId, PositionSide, SignedQty)> {
        let strategy = self.strategy;
        let all =
            self.engine.books().shares().filter(move |((owner, ..), qty)| owner.strategy() == Some(strategy) && !qty.is_zero());
        all.map(|((_, instrument, leg), qty)| (instrument, *leg, *qty))
    }
    /// This strategy's part of a leg.
    pub fn share(&self, instrument: &InstrumentId, leg: PositionSide) -> SignedQty {
        self.engine.books().share(&Owner::Strategy(self.strategy.clone()), instrument, leg)
    }
    /// The state that this strategy gave last, also before a restart.
    pub fn state(&self) -> Option<&'a [u8]> {
        self.engine.books().strategy(self.strategy).and_then(|b| b.state.as_deref())
    }
    /// Keeps these bytes with the cursor, in the same group as the commands of this call.
    pub fn save_state(&mut self, bytes: Vec<u8>) {
        self.state = Some(bytes);
    }
    /// Asks for an order and names it.
    pub fn submit(&mut self, terms: Terms) -> IntentId {
        self.submit_with(terms, Handling::default())
    }
    /// Asks for an order with its own handling and names it.
    pub fn submit_with(&mut self, terms: Terms, handling: Handling) -> IntentId {
        let intent = self.name();
        self.commands.push(Command::Submit(NewOrder { intent, terms, handling, list: None }));
        intent
    }
    /// Asks for several orders in as few requests as the venue allows, and names each.
    pub fn submit_batch(&mut self, all: Vec<Terms>) -> Vec<IntentId> {
        let named = |terms| NewOrder { intent: self.name(), terms, handling: Handling::default(), list: None };
        let orders: Vec<NewOrder> = all.into_iter().map(named).collect();
        let names = orders.iter().map(|o| o.intent).collect();
        self.commands.push(Command::Batch(orders.into_iter().map(Command::Submit).collect()));
        names
    }
    /// Asks for an entry with a stop and, if wanted, a take-profit. The closing orders are sent at the entry's first fill, are
    /// kept at what is open of it, and go when nothing is left. Both must close what the entry opens; their quantity is ignored.
    pub fn bracket(&mut self, entry: Terms, stop_loss: Terms, take_profit: Option<Terms>) -> Bracket {
        let list = self.name_list();
        let mut orders = Vec::new();
        let mut add = |intent: IntentId, role, terms| {
            orders.push(NewOrder { intent, terms, handling: Handling::default(), list: Some(ListPlace { list, role }) });
            intent
        };
        let bracket = Bracket {
            list,
            entry: add(self.name(), ListRole::Entry, entry),
            stop_loss: add(self.name(), ListRole::StopLoss, stop_loss),
            take_profit: take_profit.map(|terms| add(self.name(), ListRole::TakeProfit, terms)),
        };
        self.commands.push(Command::SubmitList(orders));
        bracket
    }
    /// Asks for two orders of which the first to execute or to trigger cancels the other.
    pub fn one_cancels_other(&mut self, one: Terms, other: Terms) -> (ListId, IntentId, IntentId) {
        let list = self.name_list();
        let place = Some(ListPlace { list, role: ListRole::OneCancelsOther });
        let (first, second) = (self.name(), self.name());
        let order = |intent, terms| NewOrder { intent, terms, handling: Handling::default(), list: place };
        self.commands.push(Command::SubmitList(Vec::from([order(first, one), order(second, other)])));
        (list, first, second)
    }
    fn name_list(&mut self) -> ListId {
        // Half of a name of 128 bits is enough to tell the lists of one account apart.
        ListId((self.name().0 >> 64) as u64)
    }
    /// A name that no other intent of this call has, and the same whenever this call is made again.
    fn name(&mut self) -> IntentId {
        self.named += 1;
        IntentId(mix(self.basis, self.named - 1))
    }
    /// Asks for a market order that opens (or, in NETTING, turns) a position.
    pub fn market(&mut self, instrument: &InstrumentId, side: Side, leg: PositionSide, qty: Qty) -> IntentId {
        self.submit(Terms {
            instrument: instrument.clone(),
            side,
            leg,
            intention: Intention::Open,
            qty: Some(qty),
            kind: OrderKind::Market,
            stp: None,
        })
    }
    /// Asks for a limit order that opens a position.
    pub fn limit(
        &mut self,
        instrument: &InstrumentId,
        side: Side,
        leg: PositionSide,
        qty: Qty,
        price: Price,
        tif: TimeInForce,
    ) -> IntentId {
        let kind = OrderKind::Limit { price: price.into(), tif };
        self.submit(Terms {
            instrument: instrument.clone(),
            side,
            leg,
            intention: Intention::Open,
            qty: Some(qty),
            kind,
            stp: None,
        })
    }
    /// Asks for a market order that only closes.
    pub fn close(&mut self, instrument: &InstrumentId, side: Side, leg: PositionSide, qty: Qty) -> IntentId {
        self.submit(Terms {
            instrument: instrument.clone(),
            side,
            leg,
            intention: Intention::Reduce,
            qty: Some(qty),
            kind: OrderKind::Market,
            stp: None,
        })
    }
    /// Asks for other terms of a working order.
    pub fn replace(&mut self, intent: IntentId, qty: Qty, price: Price) {
        self.commands.push(Command::Replace(ChangeOrder { intent, qty: Some(qty), price: Some(price), trigger: None }));
    }
    /// Asks for a change of what is given and leaves the rest.
    pub fn change(&mut self, change: ChangeOrder) {
        self.commands.push(Command::Replace(change));
    }
    /// The same, also where the change is known to end the order at the venue.
    pub fn change_or_end(&mut self, change: ChangeOrder) {
        self.commands.push(Command::ReplaceOrEnd(change));
    }
    /// Asks for an order's cancel.
    pub fn cancel(&mut self, intent: IntentId) {
        self.commands.push(Command::Cancel(intent));
    }
    /// Asks for the cancel of all of this strategy's orders, on one instrument or on all.
    pub fn cancel_all(&mut self, instrument: Option<&InstrumentId>) {
        self.commands.push(Command::CancelAll(instrument.cloned()));
    }
    /// Asks to be called after `after_ms`. Not kept over a restart.
    pub fn set_timer(&mut self, tag: u64, after_ms: u64) {
        self.commands.push(Command::SetTimer { tag, after_ms });
    }
}

/// Mixes two numbers into one of 128 bits; the same two always into the same one.
pub(crate) fn mix(a: u128, b: u128) -> u128 {
    // FNV-1a, 128 bit, over both.
    let mut hash = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128;
    for byte in a.to_le_bytes().into_iter().chain(b.to_le_bytes()) {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013B);
    }
    hash
}

/// A strategy. All calls come from one thread, one at a time, and must return soon.
pub trait Strategy: Send {
    /// The gate is open for the first time in this run. What there is from before a restart is in the context, and is this strategy's
    /// to manage as if it had been asked for in this run: its open orders, whichever start placed them, also those that were found
    /// at the venue and claimed for it; its part of each leg; what of it is in doubt; the state that it saved last. Attempts in doubt from an
    /// earlier run are settled before this is called, wherever the venue lets them be. Events that it had not handled come after this, in order.
    ///
    /// ```
    /// use exec_core::{ids::InstrumentId, strategy::{Context, Strategy}, units::{PositionSide, Qty, Price, Side}};
    /// use exec_core::{order::intent::Provenance, terms::TimeInForce};
    ///
    /// /// Keeps one buy order below the market, and takes up the one that a restart finds.
    /// struct Bidder { instrument: InstrumentId, qty: Qty, price: Price }
    ///
    /// impl Strategy for Bidder {
    ///     fn on_start(&mut self, ctx: &mut Context<'_>) {
    ///         for (instrument, leg, held) in ctx.shares().collect::<Vec<_>>() {
    ///             // Ours from before; closed here, whatever opened it.
    ///             let side = if held.get().is_sign_positive() { Side::Sell } else { Side::Buy };
    ///             ctx.close(instrument, side, leg, held.magnitude());
    ///         }
    ///         if !ctx.in_doubt().is_empty() {
    ///             // Nobody knows yet; `on_doubt_ended` will say.
    ///             return;
    ///         }
    ///         let mut kept = None;
    ///         for order in ctx.open_orders().filter(|o| !o.intent().terms.is_closing()).collect::<Vec<_>>() {
    ///             let ours = order.intent().provenance == Provenance::Ours;
    ///             if ours && kept.is_none() {
    ///                 kept = Some(order.intent().id);
    ///             } else {
    ///                 // Claimed for us, or one too many.
    ///                 ctx.cancel(order.intent().id);
    ///             }
    ///         }
    ///         match kept {
    ///             Some(order) => ctx.replace(order, self.qty, self.price),
    ///             None => {
    ///                 ctx.limit(&self.instrument, Side::Buy, PositionSide::Net, self.qty, self.price, TimeInForce::Gtc);
    ///             }
    ///         }
    ///     }
    /// }
    /// ```
    fn on_start(&mut self, _ctx: &mut Context<'_>) {}
    /// A fact about one of this strategy's orders. After a crash the last ones may come again, with what they brought about
    /// already in the books; the same answer asks for nothing twice.
    fn on_order(&mut self, _ctx: &mut Context<'_>, _update: &OrderUpdate) {}
    /// The exchange itself has made an order on one of its instruments: a liquidation, an auto-deleveraging, a settlement.
    /// Its executions come by [`Strategy::on_order`] where the position was this strategy's alone.
    fn on_exchange_order(&mut self, _ctx: &mut Context<'_>, _event: &ExchangeEvent) {}
    /// One of its protective orders does not protect; what is done about it is under way already.
    fn on_protection_lost(&mut self, _ctx: &mut Context<'_>, _lost: &ProtectionLost) {}
    /// A change that this strategy asked for was not sent.
    fn on_change_denied(&mut self, _ctx: &mut Context<'_>, _intent: IntentId, _denial: &Denial) {}
    /// A price of one of its instruments has changed.
    fn on_price(&mut self, _ctx: &mut Context<'_>, _instrument: &InstrumentId) {}
    /// A timer that it has set has fired.
    fn on_timer(&mut self, _ctx: &mut Context<'_>, _tag: u64) {}
    /// What became of an order, or of a change of it, is not known: it may take effect at any moment until that is settled. It is
    /// asked for, and an order that may rest is cancelled unless its handling says otherwise; do not send it again. Comes right
    /// after [`Strategy::on_order`] of the same fact, once for each doubt, also over a restart.
    fn on_in_doubt(&mut self, _ctx: &mut Context<'_>, _doubt: &InDoubt) {}
    /// It is known now; what follows is the strategy's to decide. Comes right after [`Strategy::on_order`] of the fact that tells.
    fn on_doubt_ended(&mut self, _ctx: &mut Context<'_>, _ended: &DoubtEnded) {}
    /// Where the engine stands has changed, or why it takes no new risk there; it takes new risk in `Live` only, exits everywhere.
    fn on_phase(&mut self, _ctx: &mut Context<'_>, _change: &PhaseChange) {}
}
