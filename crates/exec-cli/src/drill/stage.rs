//! What the drills do to the exchange of a play: the faults of a kill test. The exchange itself stands in `play`.

use crate::play::stage::{Exchange, Owner};
use exchange_sim::face::RequestFault;

impl Exchange {
    /// Loses a request and an answer of the owner's first new orders, so that doubt is part of the load.
    pub(crate) fn lose_a_few(&self, owner: Owner) {
        self.arm(owner, 9, RequestFault::DropRequest);
        self.arm(owner, 15, RequestFault::DropResponse);
    }
}
