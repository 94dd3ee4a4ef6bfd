//! Which order a request or an answer is about, and which of the venue's two books holds it. By the venue's number if it is
//! known, because a client id can be taken again once its order is done.

use exec_core::{
    ids::{ClOrdId, InstrumentId},
    venue::OrderRef,
};

use crate::{fields::Fields, wire};

/// An order by one of its names.
#[derive(Clone, Copy)]
pub(crate) struct Meant<'a> {
    pub(crate) instrument: &'a InstrumentId,
    pub(crate) name: Name<'a>,
}

/// A name of an order.
#[derive(Clone, Copy)]
pub(crate) enum Name<'a> {
    /// The number that one of the books gave it.
    Venue(u64),
    /// The client's id, the same in both books.
    Client(&'a ClOrdId),
}

/// Whether the Algo Service holds an order, as far as is known: from its trigger on it is on the ordinary book.
pub(crate) const fn waits_for_trigger(order: &OrderRef) -> bool {
    order.conditional && !order.triggered && order.order_id.is_none()
}

impl<'a> Meant<'a> {
    /// The order of a reference on the ordinary book; `None` if it has no name there.
    pub(crate) fn order(order: &'a OrderRef) -> Option<Self> {
        Self::by(order, order.order_id.as_ref().map(exec_core::ids::OrderId::as_str))
    }

    /// The order of a reference in the Algo Service; `None` if it has no name there.
    pub(crate) fn conditional(order: &'a OrderRef) -> Option<Self> {
        Self::by(order, order.algo_id.as_ref().map(exec_core::ids::AlgoId::as_str))
    }

    fn by(order: &'a OrderRef, number: Option<&str>) -> Option<Self> {
        let number = number.and_then(|id| id.parse().ok()).map(Name::Venue);
        let name = number.or(order.cl_ord_id.as_ref().map(Name::Client))?;
        Some(Self { instrument: &order.instrument, name })
    }

    /// An order that was just sent.
    pub(crate) const fn sent(instrument: &'a InstrumentId, cl_ord_id: &'a ClOrdId) -> Self {
        Self { instrument, name: Name::Client(cl_ord_id) }
    }

    /// Appends it as the ordinary endpoints name it.
    pub(crate) fn append(&self, query: &mut impl Fields) {
        query.text("symbol", self.instrument.symbol());
        match self.name {
            Name::Venue(id) => query.number("orderId", id),
            Name::Client(id) => query.text("origClientOrderId", id.as_str()),
        };
    }

    /// Appends it as the endpoints of the Algo Service name it; they want no symbol.
    pub(crate) fn append_conditional(&self, query: &mut impl Fields) {
        match self.name {
            Name::Venue(id) => query.number("algoId", id),
            Name::Client(id) => query.text("clientAlgoId", id.as_str()),
        };
    }

    /// Whether a row is about it.
    pub(crate) fn is(&self, order: &wire::OrderReply<'_>) -> bool {
        order.symbol.as_str() == self.instrument.symbol() && self.names(order.order_id, order.client_order_id.as_str())
    }

    /// Whether a row of the Algo Service is about it. The reply to a cancel has no symbol.
    pub(crate) fn is_conditional(&self, order: &wire::AlgoOrder<'_>) -> bool {
        order.symbol.as_ref().is_none_or(|symbol| symbol.as_str() == self.instrument.symbol())
            && self.names(order.algo_id, order.client_algo_id.as_str())
    }

    /// Whether these are its names in the book that it is meant in.
    pub(crate) fn names(&self, number: u64, client: &str) -> bool {
        match self.name {
            Name::Venue(id) => number == id,
            Name::Client(id) => client == id.as_str(),
        }
    }
}
