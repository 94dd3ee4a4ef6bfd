//! Orders the exchange makes itself: who made an order, its terms, its other side, and how the stream tells it. When one is due
//! stands in `force.rs` and `settlement.rs`.
//!
//! Source: Binance USDⓈ-M "Event: Order Update" (client order ids `autoclose-`, `adl_autoclose`, `settlement_autoclose-`,
//! `delivery_autoclose-`; execution type CALCULATED); statuses NEW_INSURANCE and NEW_ADL: its older editions.

use rust_decimal::Decimal;

use crate::account::INSURANCE;
use crate::config::ForcedStyle;
use crate::entry::Terms;
use crate::exchange::Exchange;
use crate::matching::Match;
use crate::types::{
    AccountId, AutoCloseType, ExecType, ForcedStatus, OrderId, OrderType, PositionSide, PriceMatch, Side, StpMode, TimeInForce,
};

/// Who made an order, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// Its account.
    Client,
    /// The exchange, because the margin behind a leg is used up.
    Liquidation,
    /// The exchange, to take over a part of a liquidation.
    Deleveraging,
    /// The exchange, at the end of a symbol.
    Settlement,
    /// The exchange, at the delivery of a symbol.
    Delivery,
}

impl Made {
    /// Names an order by the number that makes it unique.
    ///
    /// The page says of a deleveraging `adl_autoclose` and no more, so two of them may have one name; only the plain style
    /// tells them apart.
    fn client_id(self, style: ForcedStyle, number: &str) -> String {
        match (self, style) {
            (Self::Client, _) => String::new(),
            (Self::Liquidation, _) => format!("autoclose-{number}"),
            (Self::Deleveraging, ForcedStyle::Plain) => format!("adl_autoclose-{number}"),
            (Self::Deleveraging, ForcedStyle::Unannounced | ForcedStyle::Legacy) => "adl_autoclose".to_owned(),
            (Self::Settlement, _) => format!("settlement_autoclose-{number}"),
            (Self::Delivery, _) => format!("delivery_autoclose-{number}"),
        }
    }

    const fn order_type(self) -> OrderType {
        match self {
            Self::Liquidation => OrderType::Liquidation,
            Self::Client | Self::Deleveraging | Self::Settlement | Self::Delivery => OrderType::Limit,
        }
    }

    /// How it stands in the list of forced orders, which knows no settlement.
    const fn listed(self) -> Option<AutoCloseType> {
        match self {
            Self::Liquidation => Some(AutoCloseType::Liquidation),
            Self::Deleveraging => Some(AutoCloseType::Adl),
            Self::Client | Self::Settlement | Self::Delivery => None,
        }
    }

    /// Builds the terms of an order that closes (a part of) a leg.
    pub(crate) fn terms(self, side: Side, leg: PositionSide, quantity: Decimal, price: Decimal) -> Terms {
        Terms {
            side,
            leg,
            order_type: self.order_type(),
            time_in_force: TimeInForce::Ioc,
            quantity,
            price,
            reduce_only: leg == PositionSide::Both && self != Self::Client,
            price_match: PriceMatch::None,
            stp_mode: StpMode::None,
            good_till_date: 0,
            made: self,
        }
    }

    /// Gives what the stream says of what happened to such an order, in a style; `None` says nothing.
    pub(crate) const fn told(self, style: ForcedStyle, exec_type: ExecType) -> Option<(ExecType, Option<ForcedStatus>)> {
        match (self, style, exec_type) {
            (Self::Client, _, _) | (_, ForcedStyle::Plain, _) => Some((exec_type, None)),
            (_, ForcedStyle::Unannounced, ExecType::New) => None,
            // The older editions know no status for the end of a symbol.
            (Self::Settlement | Self::Delivery, ForcedStyle::Legacy, _) | (_, ForcedStyle::Unannounced, _) => {
                Some((exec_type, None))
            }
            (Self::Liquidation | Self::Deleveraging, ForcedStyle::Legacy, ExecType::New) => Some((ExecType::Calculated, None)),
            (Self::Liquidation, ForcedStyle::Legacy, ExecType::Calculated) => {
                Some((ExecType::Calculated, Some(ForcedStatus::NewInsurance)))
            }
            (Self::Deleveraging, ForcedStyle::Legacy, ExecType::Trade | ExecType::Calculated) => {
                Some((ExecType::Calculated, Some(ForcedStatus::NewAdl)))
            }
            // What a liquidation takes from the book is a trade as any other.
            (Self::Liquidation | Self::Deleveraging, ForcedStyle::Legacy, _) => Some((exec_type, None)),
        }
    }
}

impl Exchange {
    /// Takes an order of the exchange against an account into the books.
    pub(crate) fn admit_made(&mut self, market: usize, account: AccountId, terms: &Terms) -> OrderId {
        let number = format!("{}{:06}", self.now, self.next_force_id);
        let client_id = terms.made.client_id(self.config.forced_style, &number);
        self.next_force_id += 1;
        let id = self.admit_row(market, account, terms, client_id).order_id;
        if let (Some(kind), Some(state)) = (terms.made.listed(), self.accounts.get_mut(&account)) {
            state.forced.push((kind, market, id));
        }
        id
    }

    /// Lets the insurance fund be the other side of a quantity of such an order.
    pub(crate) fn take_over(
        &mut self,
        market: usize,
        id: OrderId,
        side: Side,
        price: Decimal,
        quantity: Decimal,
        exec_type: ExecType,
    ) {
        let terms = Made::Client.terms(side.opposite(), PositionSide::Both, quantity, price);
        let other = self.admit_row(market, INSURANCE, &terms, String::new()).order_id;
        self.cross(market, id, other, price, quantity, [exec_type, exec_type]);
    }

    /// Matches two orders beside the book.
    pub(crate) fn cross(
        &mut self,
        market: usize,
        taker: OrderId,
        maker: OrderId,
        price: Decimal,
        quantity: Decimal,
        exec_types: [ExecType; 2],
    ) {
        let state = &mut self.markets[market];
        let trade_id = state.take_trade_id();
        state.trades_made += 1;
        let matched = Match { trade_id, price, quantity };
        self.book_side(market, taker, matched, false, exec_types[0]);
        self.book_side(market, maker, matched, true, exec_types[1]);
    }
}
