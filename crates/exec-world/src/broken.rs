//! Worlds in which something that the node relies on is not so: each of its stated assumptions broken, one a world. Nothing may be lost,
//! and what the node can notice it must have told.

use crate::{fault::Fault, world::World};
use exchange_sim::request::NewOrder;
use exec_core::{
    cl_ord_id::OwnId,
    conversation::{Answer, Query},
    venue::Lookup,
};
use exec_testkit::fixtures::decimal;

/// What is not so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Broken {
    /// The venue refuses a request whose window is over.
    Window,
    /// What the venue has received takes effect within its margin.
    Margin,
    /// What has taken effect is soon found by whoever asks.
    Visibility,
    /// The venue's clock is known within the error that is said.
    Clock,
    /// Nobody else places orders under ids like ours.
    Alone,
    /// What is listed of positions and trades is as new as what the stream tells.
    Lists,
}

impl Broken {
    pub(crate) const ALL: [Self; 6] = [Self::Window, Self::Margin, Self::Visibility, Self::Clock, Self::Alone, Self::Lists];
}

/// For how long an order may be hidden.
const HIDDEN_MS: i64 = 15_000;

impl World {
    /// Whether a question is answered as if a young order were not there.
    pub(crate) fn hides(&mut self, what: &Query, answer: &mut Answer) {
        if self.plan.breaks != Some(Broken::Visibility) || self.healing {
            return;
        }
        let now = self.venue_ms();
        let young = |created: Option<exec_core::time::VenueTime>| created.is_none_or(|at| now - at.0 < HIDDEN_MS);
        match answer {
            Answer::Order(Ok(Lookup::Found(report)))
                if matches!(what, Query::Order(_)) && young(report.created) && self.fault(Fault::Hidden, 900) =>
            {
                *answer = Answer::Order(Ok(Lookup::Absent));
            }
            Answer::Mass(Ok(mass)) if mass.open_orders.iter().any(|o| young(o.created)) && self.fault(Fault::Hidden, 900) => {
                mass.open_orders.retain(|o| !young(o.created));
            }
            _ => (),
        }
    }

    /// Another node of the same name on the same account places an order.
    pub(crate) fn twin(&mut self) {
        let Some(node) = &self.node else { return };
        let config = node.engine.config();
        let epoch = exec_core::ids::Epoch(node.engine.books().epoch().0 + 1);
        let own = OwnId { account: config.account_number, strategy: 1, epoch, intent: self.outside_orders + 1, attempt: 0 };
        let Some(id) = own.encode(&config.tag) else { return };
        let symbols: Vec<_> = self.desk.exchange().symbols().into_iter().map(|s| (s.symbol.to_string(), s.start_price)).collect();
        let Some((symbol, price)) = self.rng.pick(&symbols).cloned() else { return };
        if !self.struck(Fault::Twin) {
            return;
        }
        let (venue, account) = (self.venue_ms(), self.desk.account());
        let Ok(spec) = self.desk.exchange().symbol(&symbol).cloned() else { return };
        let limit = spec.floor_to_tick(price * decimal("0.98"));
        let qty = (decimal("500") / price / spec.step_size).floor() * spec.step_size;
        let mut order =
            NewOrder::limit(&symbol, exchange_sim::types::Side::Buy, qty, limit, exchange_sim::types::TimeInForce::Gtc);
        if self.plan.hedging {
            order = order.on_leg(exchange_sim::types::PositionSide::Long);
        }
        order.new_client_order_id = Some(id.to_string());
        self.outside_orders += 1;
        if self.desk.exchange_mut().place(venue, account, &order).is_ok() {
            self.twins += 1;
        }
        self.trace.line(self.now, || format!("! another node places {id}"));
    }
}
