//! The core's own checks of form and grid, with what they say in the venue's words and its codes for it. They are made in
//! `exec_core::pretrade`, for every venue; here they are only named.

use exec_core::{pretrade::Denial, rules::Depends};

/// One check of the core.
#[derive(Clone, Copy, Debug)]
pub struct CoreCheck {
    /// Its name, for machines.
    pub name: &'static str,
    /// What is refused, in one sentence.
    pub says: &'static str,
    /// The venue's codes for it: which one depends on the parameter.
    pub codes: &'static [i64],
    /// What it depends on.
    pub depends: Depends,
    /// Whether a denial is this check's.
    pub is: fn(&Denial) -> bool,
}

/// The core's checks, in the order they are made, before the rules of the table.
pub static CORE: &[CoreCheck] = &[
    CoreCheck {
        name: "leg",
        says: "one-way has the net position only, hedge the long and the short leg only",
        codes: &[-4061],
        depends: Depends::Form,
        is: |denial| matches!(denial, Denial::Leg { .. }),
    },
    CoreCheck {
        name: "quantity",
        says: "an order has a quantity above 0; only STOP_MARKET and TAKE_PROFIT_MARKET can close the whole position, and then have none",
        codes: &[-1102, -1106, -4003, -4137],
        depends: Depends::Form,
        is: |denial| matches!(denial, Denial::Quantity),
    },
    CoreCheck {
        name: "intention",
        says: "hedge: the side against the leg closes, the other opens, and the intention says the same",
        codes: &[-1106, -2022],
        depends: Depends::Form,
        is: |denial| matches!(denial, Denial::Intention),
    },
    CoreCheck {
        name: "not_trading",
        says: "the symbol's status is TRADING (an order that closes is left to the venue)",
        codes: &[-1122, -4140, -4141],
        depends: Depends::State,
        is: |denial| matches!(denial, Denial::NotTrading(_)),
    },
    CoreCheck {
        name: "price_bounds",
        says: "price and trigger price are between minPrice and maxPrice",
        codes: &[-4001, -4002, -4006, -4007, -4013],
        depends: Depends::Form,
        is: |denial| matches!(denial, Denial::PriceBounds { .. }),
    },
    CoreCheck {
        name: "price_grid",
        says: "price and trigger price are minPrice plus whole ticks",
        codes: &[-4014, -1111],
        depends: Depends::Form,
        is: |denial| matches!(denial, Denial::PriceGrid { .. }),
    },
    CoreCheck {
        name: "quantity_bounds",
        says: "the quantity is between minQty and maxQty: of MARKET_LOT_SIZE where the order has no limit price, else of LOT_SIZE",
        codes: &[-4003, -4004, -4005],
        depends: Depends::Form,
        is: |denial| matches!(denial, Denial::QtyBounds { .. }),
    },
    CoreCheck {
        name: "quantity_grid",
        says: "the quantity is minQty plus whole steps of the same filter",
        codes: &[-4023, -1111],
        depends: Depends::Form,
        is: |denial| matches!(denial, Denial::QtyGrid { .. }),
    },
    CoreCheck {
        name: "notional",
        says: "price times quantity is at least the symbol's MIN_NOTIONAL; without a price the trigger price or the mark price counts; \
               an order that closes is exempt",
        codes: &[-4164],
        depends: Depends::State,
        is: |denial| matches!(denial, Denial::NotionalMin { .. }),
    },
    CoreCheck {
        name: "percent_price",
        says: "a LIMIT BUY is at most the mark price times multiplierUp, a LIMIT SELL at least times multiplierDown; the other side is free",
        codes: &[-4016, -4024],
        depends: Depends::State,
        is: |denial| matches!(denial, Denial::PercentPrice { .. }),
    },
];

impl CoreCheck {
    /// The check that a denial comes from; `None` for those that are not about the venue's rules.
    #[must_use]
    pub fn of(denial: &Denial) -> Option<&'static Self> {
        CORE.iter().find(|check| (check.is)(denial))
    }
}
