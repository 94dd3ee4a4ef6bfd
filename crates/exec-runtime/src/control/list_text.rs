//! Orders that belong together, and changes of orders, as an operator writes them. Whether they may be sent is the engine's matter.

use super::order_text::{OrderTextError, SubmitOrder, figure};
use exec_core::{
    command::ChangeOrder,
    ids::{IntentId, ListId},
    order::intent::ListRole,
    terms::Terms,
    units::{PositionMode, UnitError},
};
use serde::{Deserialize, Serialize};

/// The fields of `bracket`: an entry, and the orders that close what it opens. These are sent at the entry's first fill, are
/// kept at what is open of it, and go when nothing is left.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BracketText {
    /// Opens.
    pub entry: SubmitOrder,
    /// Closes at a loss. Its quantity is the entry's, and so is its leg if it names none; its intention is `REDUCE` unless it says
    /// `CLOSE_ALL`.
    pub stop_loss: SubmitOrder,
    /// Closes at a profit, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub take_profit: Option<SubmitOrder>,
    /// 32 hexadecimal digits that name the entry, so that asking again asks once; the others have the numbers that follow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
}

/// The fields of `one-cancels-other`: two orders of which the first to execute or to trigger cancels the other.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairText {
    /// One.
    pub one: SubmitOrder,
    /// The other.
    pub other: SubmitOrder,
    /// 32 hexadecimal digits that name the first, so that asking again asks once; the other has the number that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
}

/// The fields of `change`; what is absent stays as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeText {
    /// Which order, as `orders` prints it: 32 hexadecimal digits.
    pub intent: String,
    /// New quantity, executed part included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qty: Option<String>,
    /// New limit price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// New trigger price of an order that has not triggered; of a trailing stop, the price from which on it follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
}

/// Text that is not a list of orders, or not a change. Nothing was done.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ListTextError {
    /// One of the orders cannot be read.
    #[error("{part}: {error}")]
    Order {
        /// Which.
        part: &'static str,
        /// Why.
        error: OrderTextError,
    },
    /// An order of a list has a name of its own.
    #[error("{part}: `intent` names a list, not its orders: write it beside `{part}`")]
    Named {
        /// Which.
        part: &'static str,
    },
    /// The name is none.
    #[error(transparent)]
    Text(#[from] OrderTextError),
    /// A change that changes nothing.
    #[error("a change needs `qty`, `price` or `trigger`")]
    Nothing,
}

/// The orders of a list, in their order, each with its part, and the name of the first if the asker gave one.
#[derive(Debug)]
pub(crate) struct ListAsked {
    pub(crate) orders: Vec<(ListRole, Terms)>,
    pub(crate) named: Option<IntentId>,
}

impl BracketText {
    /// Checks that it can be read, for an account that keeps positions in `mode`.
    ///
    /// # Errors
    /// [`ListTextError`]: the first thing that is wrong, with the order it stands in.
    pub fn check(&self, mode: PositionMode) -> Result<(), ListTextError> {
        self.read(mode).map(|_| ())
    }
    pub(crate) fn read(&self, mode: PositionMode) -> Result<ListAsked, ListTextError> {
        let closing = |order: &SubmitOrder| {
            let mut order = order.clone();
            order.leg = order.leg.or_else(|| self.entry.leg.clone());
            let intention = order.intention.get_or_insert_with(|| String::from("REDUCE"));
            if intention != "CLOSE_ALL" {
                // Kept at what is open of the entry, whatever was written here.
                order.qty = self.entry.qty.clone();
            }
            order
        };
        let mut orders = vec![
            (ListRole::Entry, part("entry", &self.entry, mode)?),
            (ListRole::StopLoss, part("stop_loss", &closing(&self.stop_loss), mode)?),
        ];
        if let Some(order) = &self.take_profit {
            orders.push((ListRole::TakeProfit, part("take_profit", &closing(order), mode)?));
        }
        Ok(ListAsked { orders, named: named(self.intent.as_ref())? })
    }
}

impl PairText {
    /// Checks that it can be read, for an account that keeps positions in `mode`.
    ///
    /// # Errors
    /// [`ListTextError`]: the first thing that is wrong, with the order it stands in.
    pub fn check(&self, mode: PositionMode) -> Result<(), ListTextError> {
        self.read(mode).map(|_| ())
    }
    pub(crate) fn read(&self, mode: PositionMode) -> Result<ListAsked, ListTextError> {
        let role = ListRole::OneCancelsOther;
        let orders = vec![(role, part("one", &self.one, mode)?), (role, part("other", &self.other, mode)?)];
        Ok(ListAsked { orders, named: named(self.intent.as_ref())? })
    }
}

impl ChangeText {
    pub(crate) fn read(&self) -> Result<ChangeOrder, ListTextError> {
        fn optional<T: std::str::FromStr<Err = UnitError>>(
            field: &'static str,
            text: Option<&String>,
        ) -> Result<Option<T>, OrderTextError> {
            text.map(|text| figure(field, text)).transpose()
        }
        let change = ChangeOrder {
            intent: super::order_text::intent(&self.intent)?,
            qty: optional("qty", self.qty.as_ref())?,
            price: optional("price", self.price.as_ref())?,
            trigger: optional("trigger", self.trigger.as_ref())?,
        };
        if change.qty.is_none() && change.price.is_none() && change.trigger.is_none() {
            return Err(ListTextError::Nothing);
        }
        Ok(change)
    }
}

fn part(part: &'static str, order: &SubmitOrder, mode: PositionMode) -> Result<Terms, ListTextError> {
    if order.intent.is_some() {
        return Err(ListTextError::Named { part });
    }
    order.terms(mode).map_err(|error| ListTextError::Order { part, error })
}

fn named(text: Option<&String>) -> Result<Option<IntentId>, OrderTextError> {
    text.map(|text| super::order_text::intent(text)).transpose()
}

/// The name of a list, from that of its first order: the same name asked again is the same list.
pub(crate) fn list_id(first: IntentId) -> ListId {
    // FNV-1a, 64 bit: names that a node gives differ in few bits of either half.
    let hash = first
        .0
        .to_le_bytes()
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3));
    ListId(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec_core::terms::Intention;

    fn bracket(json: &str) -> Result<ListAsked, ListTextError> {
        serde_json::from_str::<BracketText>(json).unwrap().read(PositionMode::Netting)
    }

    const ENTRY: &str = r#""entry":{"instrument":"BTCUSDT-PERP.X","side":"BUY","type":"LIMIT","qty":"2","price":"100"}"#;

    #[test]
    fn closing_orders_take_from_the_entry_what_they_leave_out() {
        let json = format!(
            r#"{{{ENTRY},"stop_loss":{{"instrument":"BTCUSDT-PERP.X","side":"SELL","type":"STOP_MARKET","trigger":"95"}},
            "take_profit":{{"instrument":"BTCUSDT-PERP.X","side":"SELL","type":"TAKE_PROFIT_MARKET","trigger":"110","intention":"CLOSE_ALL"}}}}"#
        );
        let asked = bracket(&json).unwrap();
        let roles: Vec<ListRole> = asked.orders.iter().map(|(role, _)| *role).collect();
        assert_eq!(roles, [ListRole::Entry, ListRole::StopLoss, ListRole::TakeProfit]);
        let (stop, profit) = (&asked.orders[1].1, &asked.orders[2].1);
        assert_eq!((stop.intention, stop.qty), (Intention::Reduce, Some("2".parse().unwrap())));
        assert_eq!((profit.intention, profit.qty), (Intention::CloseAll, None));
        assert!(stop.is_protective() && asked.named.is_none());
    }

    #[test]
    fn a_mistake_names_the_order_it_stands_in() {
        let told = |rest: &str| bracket(&format!("{{{ENTRY},{rest}}}")).unwrap_err().to_string();
        let stop = r#""stop_loss":{"instrument":"BTCUSDT-PERP.X","side":"SELL","type":"STOP_MARKET"}"#;
        assert_eq!(told(stop), "stop_loss: an order of type STOP_MARKET needs `trigger`");
        let named =
            r#""stop_loss":{"instrument":"BTCUSDT-PERP.X","side":"SELL","type":"STOP_MARKET","trigger":"9","intent":"ab"}"#;
        assert!(told(named).starts_with("stop_loss: `intent` names a list"), "{}", told(named));
        let change = ChangeText { intent: "f".repeat(32), ..ChangeText::default() };
        assert_eq!(change.read().unwrap_err(), ListTextError::Nothing);
        let change = ChangeText { trigger: Some("-1".into()), ..change };
        assert!(change.read().unwrap_err().to_string().starts_with("`trigger`: "), "{:?}", change.read());
    }

    #[test]
    fn lists_of_neighbours_have_names_of_their_own() {
        let ids: std::collections::BTreeSet<ListId> = (0..10_000).map(|n| list_id(IntentId(n << 64 | 1))).collect();
        assert_eq!(ids.len(), 10_000);
        assert_eq!(list_id(IntentId(7)), list_id(IntentId(7)));
    }
}
