//! Orders meeting the book: price-time priority, self-trade prevention, fills and their money. No admission rules here.

use std::sync::Arc;

use rust_decimal::Decimal;

use crate::account::{Account, is_house};
use crate::book::reaches;
use crate::event::{Fill, MarketEvent, TradeLite};
use crate::exchange::Exchange;
use crate::literal::dec;
use crate::order::{Order, signed};
use crate::position::{LegChange, MONEY_DP};
use crate::resting::Ending;
use crate::row::TradeRow;
use crate::tape::public_trade;
use crate::types::{
    AccountId, ExecType, ExpiryReason, IncomeType, MarginType, OrderId, OrderStatus, OrderType, PositionSide, Side, StpMode,
    TimeInForce, TradeId, UpdateReason, WorkingType,
};

/// Discount on fees paid in BNB.
const BNB_RATE: Decimal = dec!(0.9);

/// One match, common to both sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Match {
    pub(crate) trade_id: TradeId,
    pub(crate) price: Decimal,
    pub(crate) quantity: Decimal,
}

impl Exchange {
    /// Lets an accepted order take from the book as far as its limit, its leg and the book allow.
    pub(crate) fn take(&mut self, market: usize, id: OrderId, limit: Decimal) {
        loop {
            let state = &self.markets[market];
            let Some(taker) = state.orders.get(&id) else { break };
            let leaves = taker.leaves();
            if leaves.is_zero() {
                break;
            }
            let side = taker.row.side;
            let Some((price, maker_id)) = state.book.front(side.opposite()) else { break };
            if !reaches(side, limit, price) {
                break;
            }
            let Some(maker) = state.orders.get(&maker_id) else { break };
            if prevents_self_trade(taker, maker) {
                let (mode, tif) = (taker.row.stp_mode, taker.row.time_in_force);
                self.prevent(market, id, maker_id, mode, tif);
                continue;
            }
            let (taker_room, maker_room) = (self.closing_room(market, taker), self.closing_room(market, maker));
            if taker_room.is_some_and(|room| room.is_zero()) {
                self.end_order(market, id, Ending::Expired(ExpiryReason::ReduceOnly));
                break;
            }
            if maker_room.is_some_and(|room| room.is_zero()) {
                self.end_order(market, maker_id, Ending::Expired(ExpiryReason::ReduceOnly));
                continue;
            }
            let mut quantity = leaves.min(maker.leaves());
            for room in [taker_room, maker_room].into_iter().flatten() {
                quantity = quantity.min(room);
            }
            self.trade(market, id, maker_id, price, quantity);
        }
    }

    fn prevent(&mut self, market: usize, taker: OrderId, maker: OrderId, mode: StpMode, tif: TimeInForce) {
        let own = if tif == TimeInForce::Ioc { ExpiryReason::IocSelfTrade } else { ExpiryReason::SelfTrade };
        if matches!(mode, StpMode::ExpireMaker | StpMode::ExpireBoth) {
            self.end_order(market, maker, Ending::Expired(ExpiryReason::SelfTrade));
        }
        if matches!(mode, StpMode::ExpireTaker | StpMode::ExpireBoth) {
            self.end_order(market, taker, Ending::Expired(own));
        }
    }

    /// Makes one trade between a taker and a resting order.
    fn trade(&mut self, market: usize, taker: OrderId, maker: OrderId, price: Decimal, quantity: Decimal) {
        let now = self.now;
        let state = &mut self.markets[market];
        let trade_id = state.take_trade_id();
        state.trades_made += 1;
        let maker_side = match state.orders.get(&maker) {
            Some(order) => order.row.side,
            None => return,
        };
        state.book.reduce(maker_side, price, quantity);
        let public = public_trade(&state.spec.symbol, trade_id, price, quantity, now, maker_side == Side::Buy);
        if self.wanted.trades {
            self.tell_market(MarketEvent::Trade(public.clone()));
        }
        self.markets[market].tape.record(public);
        self.note_price(market, WorkingType::ContractPrice, price);
        self.dirty_books.insert(market);
        let matched = Match { trade_id, price, quantity };
        let legs =
            [(taker, false), (maker, true)].map(|(id, is_maker)| self.book_side(market, id, matched, is_maker, ExecType::Trade));
        for (account, leg) in legs.into_iter().flatten() {
            self.expire_idle_closing(market, account, leg);
        }
    }

    /// Books one side of a match: order, leg, money, history, events.
    pub(crate) fn book_side(
        &mut self,
        market: usize,
        id: OrderId,
        matched: Match,
        maker: bool,
        exec_type: ExecType,
    ) -> Option<(AccountId, PositionSide)> {
        let now = self.now;
        let Match { trade_id, price, quantity } = matched;
        let avg_dp = self.markets[market].avg_dp();
        let order = self.markets[market].orders.get_mut(&id)?;
        order.execute(price, quantity, avg_dp, now);
        let order = order.clone();
        self.markets[market].sides_booked += 1;
        if order.resting {
            self.shift_sums(market, &order, -quantity, 0);
        }
        let (owner, leg) = (order.account, order.row.position_side);
        let liquidation = order.row.order_type == OrderType::Liquidation;
        let account = self.accounts.get_mut(&owner)?;
        if !account.open_algos.is_empty() {
            self.algo.note_move(owner, market);
        }
        let change = account.symbols[market].leg_mut(leg).fill(signed(order.row.side, quantity), price);
        account.symbols[market].leg_mut(leg).update_time = now;
        move_isolated_margin(account, market, leg, change, price);
        let margin_asset = self.margin_asset.clone();
        account.credit(&margin_asset, change.realized, now);
        let rate = if liquidation {
            self.markets[market].spec.liquidation_fee
        } else if maker {
            self.config.fees.maker
        } else {
            self.config.fees.taker
        };
        let (fee, fee_asset) =
            if is_house(owner) { (Decimal::ZERO, margin_asset.clone()) } else { self.charge(owner, price * quantity, rate) };
        if !is_house(owner) {
            let fill = Fill {
                trade_id,
                price,
                qty: quantity,
                commission: fee,
                commission_asset: fee_asset,
                realized_pnl: change.realized.normalize(),
                maker,
            };
            self.record_fill(market, &order, fill, change.realized, exec_type);
        }
        if order.row.status == OrderStatus::Filled {
            self.close_out(market, id);
        }
        Some((owner, leg))
    }

    /// Takes the fee of a fill from the wallet: in BNB if the account wants that and has enough, else in the margin asset.
    fn charge(&mut self, owner: AccountId, notional: Decimal, rate: Decimal) -> (Decimal, Arc<str>) {
        let now = self.now;
        let mut fee = (notional * rate).round_dp(MONEY_DP).normalize();
        let mut asset = self.margin_asset.clone();
        if let (Some(account), Some(bnb_price)) = (self.accounts.get(&owner), self.config.fees.bnb_price)
            && account.fee_burn
            && !bnb_price.is_zero()
        {
            let in_bnb = (notional * rate * BNB_RATE / bnb_price).round_dp(MONEY_DP).normalize();
            if account.wallet(&self.fee_asset) >= in_bnb {
                (fee, asset) = (in_bnb, self.fee_asset.clone());
            }
        }
        if let Some(account) = self.accounts.get_mut(&owner) {
            account.credit(&asset, -fee, now);
        }
        *self.fees.entry(asset.clone()).or_default() += fee;
        (fee, asset)
    }

    fn record_fill(&mut self, market: usize, order: &Order, fill: Fill, realized: Decimal, exec_type: ExecType) {
        let now = self.now;
        let row = &order.row;
        let symbol = row.symbol.clone();
        let margin_asset = self.margin_asset.clone();
        let Some(account) = self.accounts.get_mut(&order.account) else { return };
        account.trades[market].push(TradeRow {
            symbol: symbol.clone(),
            id: fill.trade_id,
            order_id: row.order_id,
            client_order_id: row.client_order_id.clone(),
            side: row.side,
            position_side: row.position_side,
            price: fill.price,
            qty: fill.qty,
            quote_qty: fill.price * fill.qty,
            realized_pnl: fill.realized_pnl,
            commission: fill.commission,
            commission_asset: fill.commission_asset.clone(),
            maker: fill.maker,
            time: now,
        });
        let info = fill.trade_id.to_string();
        account.record_income(
            &symbol,
            IncomeType::Commission,
            -fill.commission,
            &fill.commission_asset,
            info.clone(),
            now,
            Some(fill.trade_id),
        );
        if !realized.is_zero() {
            account.record_income(
                &symbol,
                IncomeType::RealizedPnl,
                fill.realized_pnl,
                &margin_asset,
                info,
                now,
                Some(fill.trade_id),
            );
        }
        let lite = TradeLite {
            symbol,
            orig_qty: row.orig_qty,
            order_price: row.price,
            maker: fill.maker,
            client_order_id: row.client_order_id.clone(),
            side: row.side,
            price: fill.price,
            qty: fill.qty,
            trade_id: fill.trade_id,
            order_id: row.order_id,
        };
        let fee_asset = fill.commission_asset.clone();
        self.tell_trade_lite(order.account, lite);
        self.tell_leg(order.account, market, row.position_side, UpdateReason::Order);
        self.tell_balance(order.account, &margin_asset, Decimal::ZERO, UpdateReason::Order);
        self.tell_balance(order.account, &fee_asset, Decimal::ZERO, UpdateReason::Order);
        self.tell_order(order, exec_type, Some(fill), ExpiryReason::None);
    }
}

/// Tells whether two orders of one account must not trade: the taker's mode decides, and FOK and GTX takers are exempt.
fn prevents_self_trade(taker: &Order, maker: &Order) -> bool {
    taker.account == maker.account
        && !is_house(taker.account)
        && taker.row.stp_mode != StpMode::None
        && !matches!(taker.row.time_in_force, TimeInForce::Fok | TimeInForce::Gtx)
}

/// Moves isolated margin with a fill: what is closed gives back its share, what is opened takes its initial margin.
fn move_isolated_margin(account: &mut Account, market: usize, leg: PositionSide, change: LegChange, price: Decimal) {
    let state = &mut account.symbols[market];
    if state.margin_type != MarginType::Isolated {
        return;
    }
    let leverage = Decimal::from(state.leverage);
    let leg = state.leg_mut(leg);
    if change.closed == change.before {
        leg.isolated_wallet = Decimal::ZERO;
    } else if !change.closed.is_zero() {
        leg.isolated_wallet -= (leg.isolated_wallet * (change.closed / change.before)).round_dp(MONEY_DP);
    }
    leg.isolated_wallet += (change.opened * price / leverage).round_dp(MONEY_DP);
}
