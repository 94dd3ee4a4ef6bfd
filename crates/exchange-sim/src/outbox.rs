//! Collects what one engine transaction caused, and tells it in the venue's order. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::account::{Account, MARGIN_ASSET, is_house};
use crate::event::{
    AccountUpdate, BalanceChange, DepthChange, Event, Fill, MarketEvent, OrderUpdate, PositionChange, TradeLite, UserEvent,
};
use crate::exchange::Exchange;
use crate::market::Market;
use crate::order::Order;
use crate::row::BookTickerRow;
use crate::types::{AccountId, ExecType, ExpiryReason, PositionSide, Side, UpdateReason};

/// What the running transaction caused so far.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    accounts: BTreeMap<AccountId, Letters>,
    market: Vec<MarketEvent>,
}

/// What it caused for one account.
#[derive(Debug, Default)]
struct Letters {
    lites: Vec<TradeLite>,
    news: Vec<OrderUpdate>,
    updates: Vec<OrderUpdate>,
    others: Vec<UserEvent>,
    legs: BTreeSet<(usize, PositionSide)>,
    balances: BTreeMap<Arc<str>, Decimal>,
    reason: Option<UpdateReason>,
    symbol: Option<Arc<str>>,
}

impl Exchange {
    fn letters(&mut self, account: AccountId) -> Option<&mut Letters> {
        if is_house(account) { None } else { Some(self.outbox.accounts.entry(account).or_default()) }
    }

    /// Notes a change of an order, as it stands now.
    pub(crate) fn tell_order(&mut self, order: &Order, exec_type: ExecType, fill: Option<Fill>, expiry_reason: ExpiryReason) {
        if is_house(order.account) {
            return;
        }
        let modify_id = if exec_type == ExecType::Amendment { order.row.modify_id } else { None };
        // The notionals are those at the end of the transaction: see `commit`.
        let (bids_notional, asks_notional) = (Decimal::ZERO, Decimal::ZERO);
        let row = order.row.clone();
        let Some((exec_type, forced_status)) = order.made.told(self.config.forced_style, exec_type) else { return };
        let update =
            OrderUpdate { order: row, exec_type, forced_status, fill, expiry_reason, modify_id, bids_notional, asks_notional };
        if let Some(letters) = self.letters(order.account) {
            match exec_type {
                ExecType::New => letters.news.push(update),
                ExecType::Trade | ExecType::Calculated | ExecType::Canceled | ExecType::Expired | ExecType::Amendment => {
                    letters.updates.push(update);
                }
            }
        }
    }

    /// Notes a fill for the fast path.
    pub(crate) fn tell_trade_lite(&mut self, account: AccountId, lite: TradeLite) {
        if let Some(letters) = self.letters(account) {
            letters.lites.push(lite);
        }
    }

    /// Notes that a leg changed.
    pub(crate) fn tell_leg(&mut self, account: AccountId, market: usize, leg: PositionSide, reason: UpdateReason) {
        if let Some(letters) = self.letters(account) {
            letters.legs.insert((market, leg));
            letters.reason.get_or_insert(reason);
        }
    }

    /// Notes that a balance changed; `change` is the part that is neither profit nor fee.
    pub(crate) fn tell_balance(&mut self, account: AccountId, asset: &Arc<str>, change: Decimal, reason: UpdateReason) {
        if let Some(letters) = self.letters(account) {
            *letters.balances.entry(asset.clone()).or_default() += change;
            letters.reason.get_or_insert(reason);
        }
    }

    /// Notes the symbol of a funding fee.
    pub(crate) fn tell_funding_symbol(&mut self, account: AccountId, symbol: &Arc<str>) {
        if let Some(letters) = self.letters(account) {
            letters.symbol = Some(symbol.clone());
        }
    }

    /// Notes any other private event.
    pub(crate) fn tell_user(&mut self, account: AccountId, event: UserEvent) {
        if let Some(letters) = self.letters(account) {
            letters.others.push(event);
        }
    }

    /// Notes a market event.
    pub(crate) fn tell_market(&mut self, event: MarketEvent) {
        self.outbox.market.push(event);
    }

    /// Ends the transaction: everything noted becomes events at the present time.
    pub(crate) fn commit(&mut self) {
        let outbox = std::mem::take(&mut self.outbox);
        let time = self.now;
        for (account, mut letters) in outbox.accounts {
            for update in letters.news.iter_mut().chain(&mut letters.updates) {
                (update.bids_notional, update.asks_notional) = self.open_notionals(account, &update.order.symbol);
            }
            let update = self.account_update(account, &letters);
            let in_order = (letters.lites.into_iter().map(UserEvent::TradeLite))
                .chain(letters.news.into_iter().map(|update| UserEvent::Order(Box::new(update))))
                .chain(update.map(UserEvent::Account))
                .chain(letters.updates.into_iter().map(|update| UserEvent::Order(Box::new(update))))
                .chain(letters.others);
            self.events.extend(in_order.map(|event| Event::User { account, time, event }));
        }
        self.events.extend(outbox.market.into_iter().map(|event| Event::Market { time, event }));
        for market in std::mem::take(&mut self.dirty_books) {
            self.tell_book(market);
        }
    }

    fn open_notionals(&self, account: AccountId, symbol: &str) -> (Decimal, Decimal) {
        let market = self.by_name.get(symbol);
        let state = market.and_then(|market| self.accounts.get(&account)?.symbols.get(*market));
        state.map_or_else(Default::default, |state| state.notionals())
    }

    fn account_update(&self, id: AccountId, letters: &Letters) -> Option<AccountUpdate> {
        let reason = letters.reason?;
        let account = self.accounts.get(&id)?;
        let balances = letters.balances.iter().map(|(asset, change)| balance_change(account, asset, *change)).collect();
        let positions = (letters.legs.iter())
            .map(|(market, leg)| position_change(account, &self.markets[*market], *market, *leg, self.config.fees.taker))
            .collect();
        Some(AccountUpdate { reason, balances, positions, symbol: letters.symbol.clone() })
    }

    fn tell_book(&mut self, index: usize) {
        let (wanted, time) = (self.wanted, self.now);
        let market = &mut self.markets[index];
        let changed = market.book.take_changed();
        let update_id = market.book.update_id();
        let top = (market.book.best_level(Side::Buy), market.book.best_level(Side::Sell));
        if wanted.book_ticker && top != market.told_top {
            let row = ticker_row(market, time);
            self.events.push(Event::Market { time, event: MarketEvent::BookTicker(row) });
        }
        let market = &mut self.markets[index];
        market.told_top = top;
        if wanted.depth {
            let side = |wanted| {
                let levels = changed.iter().filter(move |(side, _)| *side == wanted);
                levels.map(|(side, price)| (*price, market.book.quantity_at(*side, *price))).collect::<Vec<_>>()
            };
            let change = DepthChange {
                symbol: market.spec.symbol.clone(),
                first_update_id: market.told_update_id + 1,
                last_update_id: update_id,
                prev_update_id: market.told_update_id,
                bids: side(Side::Buy),
                asks: side(Side::Sell),
            };
            self.events.push(Event::Market { time, event: MarketEvent::Depth(change) });
        }
        self.markets[index].told_update_id = update_id;
    }
}

/// Builds the best bid and ask of a market.
pub(crate) fn ticker_row(market: &Market, time: i64) -> BookTickerRow {
    let (bid_price, bid_qty) = market.book.best_level(Side::Buy).unwrap_or_default();
    let (ask_price, ask_qty) = market.book.best_level(Side::Sell).unwrap_or_default();
    BookTickerRow {
        symbol: market.spec.symbol.clone(),
        bid_price,
        bid_qty,
        ask_price,
        ask_qty,
        update_id: market.book.update_id(),
        time,
    }
}

fn balance_change(account: &Account, asset: &Arc<str>, change: Decimal) -> BalanceChange {
    BalanceChange {
        asset: asset.clone(),
        wallet_balance: account.wallet(asset).normalize(),
        cross_wallet_balance: account.cross_wallet(asset).normalize(),
        balance_change: change.normalize(),
    }
}

fn position_change(account: &Account, market: &Market, index: usize, side: PositionSide, taker_rate: Decimal) -> PositionChange {
    let state = &account.symbols[index];
    let leg = state.leg(side);
    PositionChange {
        symbol: market.spec.symbol.clone(),
        position_side: side,
        amount: leg.amount.normalize(),
        entry_price: leg.entry_price(),
        break_even_price: leg.break_even_price(taker_rate),
        cumulative_realized: leg.realized.normalize(),
        unrealized_profit: leg.unrealized(market.mark).normalize(),
        margin_type: state.margin_type,
        isolated_wallet: leg.isolated_wallet.normalize(),
        margin_asset: MARGIN_ASSET.into(),
    }
}
