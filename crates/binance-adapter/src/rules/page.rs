//! The page about what the venue refuses, written from the same table that is checked. No sentence of its own about a rule.

use std::fmt::Write;

use exec_core::{
    ids::{Asset, InstrumentId},
    instrument::{Grid, Instrument, PercentPrice, TradingStatus},
    pretrade::{Denial, check_form},
    report::Quote,
    rules::{Case, Depends, first_broken},
    terms::{Intention, LimitPrice, OrderKind, PriceMatch, Terms, TimeInForce, Trigger, TriggerBy},
    time::VenueTime,
    units::{PositionMode, PositionSide, Price, Qty, Side},
    venue::VenueProfile,
};
use rust_decimal::Decimal;

use super::{CORE, CoreCheck, TABLE};

const HEAD: &str = "\
# Binance USDⓈ-M futures: which orders are possible

Written by `UPDATE_PAGES=1 cargo nextest run -p binance-adapter rules`; a test compares it with the code, so do not edit it. The
cells and the rules come from `binance_adapter::rules`, which the engine asks before anything is sent. A refusal is `Denial::VenueRule`
with the rule's name, or one of the core's typed denials. The same table is held against the built-in exchange over all combinations.

Facts are from the venue's public documentation, read 2026-11-22 (\"New Order\", \"New Algo Order\", \"Error Code\", \"Common Definition\").
";

const MATRIX: &str = "
## Type, time in force, price

`yes`: possible. A number: the venue's code for the refusal. `-`: the order model has no such field for this type, so it cannot be
asked for. The last eight columns take the price from the book (`priceMatch`), which excludes a price of one's own.

";

const MODES: &str = "
## Type, intention, mode

Open, reduce and close all are `Intention`. One-way sends `reduceOnly=true` for reduce; hedge sends the leg, and what closes is the side
against it. Close all is `closePosition=true`, without a quantity and without `reduceOnly`.

";

const FIELDS: &str = "
## Type and other settings

`selfTradePreventionMode` (EXPIRE_TAKER, EXPIRE_MAKER, EXPIRE_BOTH; the venue's default without it is EXPIRE_MAKER) goes with every type
and refuses nothing; it has no effect on FOK and GTX.

";

const ORDER: &str = "
## Order of the checks

1. The core's checks of form: `leg`, `quantity`, `intention`.
2. The core's checks of the instrument, in the order of the list below.
3. The rules of the table, in their order: first what is refused always, then what depends on a state.

The first that fails is the reason. What depends on a *state* (prices, positions, counts, time) may lose a race: the venue decides on
what it sees. So it is never held against an order that closes, and what is not known refuses nothing.
";

const VENUE_ONLY: &str = "
## What only the venue knows

These are not checked here, because they turn on what is not told: margin (-2019, at the trigger for conditional orders), depth behind
the touch (-2020, -5041, and the rest of -5021), an open client id (-4116), another close-all order of the same kind on the leg (-4130),
closing orders that already reserve the leg (-2022), restrictions of account or symbol (-4400, -4105 and their like), and whether the
limit of open orders counts IOC and FOK. A conditional LIMIT with GTX or FOK that would be refused at its trigger dies there: an
ALGO_UPDATE says REJECTED, and nothing else follows.

Not expressible in the order model, so never sent: a price beside `priceMatch`, `priceMatch` or a time in force on the market types,
`reduceOnly` in hedge mode or beside `closePosition`, a quantity beside `closePosition` on the wire, RPI and GTE_GTC.
";

const UNVERIFIED: &str = "
## What is not documented

- The band of a conditional order's limit price: the error page has -4183 and -4184 (\"stop price multiplier\"); that the bound is the
  trigger price times the multiplier of PERCENT_PRICE is from public reports of 2023, before the Algo Service. An order outside of it
  would be refused at its trigger in any case, while the mark price is near.
- MIN_NOTIONAL of a conditional order without a limit price: valued at its trigger or activation price, near which it becomes an order.
- Decimals of a callback rate: none are refused here; 0.25 was taken in 2026.
- -4509 for an order that closes a position that is not there, and -4130 beside another one: as public reports have them.
- A trigger by the last price: bid and ask stand for it, because the last trade is not among the prices that are followed. A trigger
  between the two is left to the venue.
- A limit of 200 open orders: read from the symbol; whether untriggered conditional orders count in it is not said, and they do not here.
";

const TYPES: [(&str, &str); 7] = [
    ("MARKET", "order"),
    ("LIMIT", "order"),
    ("STOP_MARKET", "algoOrder"),
    ("STOP_LIMIT (STOP)", "algoOrder"),
    ("TAKE_PROFIT_MARKET", "algoOrder"),
    ("TAKE_PROFIT", "algoOrder"),
    ("TRAILING_STOP_MARKET", "algoOrder"),
];

const LEVELS: [(&str, PriceMatch); 8] = [
    ("OPPONENT", PriceMatch::Opponent),
    ("OPPONENT_5", PriceMatch::Opponent5),
    ("OPPONENT_10", PriceMatch::Opponent10),
    ("OPPONENT_20", PriceMatch::Opponent20),
    ("QUEUE", PriceMatch::Queue),
    ("QUEUE_5", PriceMatch::Queue5),
    ("QUEUE_10", PriceMatch::Queue10),
    ("QUEUE_20", PriceMatch::Queue20),
];

/// A time that GTD takes whenever the page is written.
const TOMORROW: VenueTime = VenueTime(1_790_086_400_000);
const NOW: VenueTime = VenueTime(1_790_000_000_000);

const TIMES: [(&str, TimeInForce); 5] = [
    ("GTC", TimeInForce::Gtc),
    ("IOC", TimeInForce::Ioc),
    ("FOK", TimeInForce::Fok),
    ("GTX", TimeInForce::Gtx),
    ("GTD", TimeInForce::Gtd(TOMORROW)),
];

/// The page as it is committed: `docs/venues/binance.md`.
#[must_use]
pub fn page() -> String {
    // The ids are written here and are valid; without them there is no page, and the test that compares it says so.
    let Some(sample) = Sample::new() else { return String::new() };
    let mut out = String::from(HEAD);
    let text = &mut out;
    matrix(text, &sample);
    modes(text, &sample);
    fields(text);
    text.push_str(ORDER);
    core_list(text);
    table_list(text);
    text.push_str(VENUE_ONLY);
    text.push_str(UNVERIFIED);
    out
}

fn matrix(out: &mut String, sample: &Sample) {
    out.push_str(MATRIX);
    row(out, ["type", "endpoint", "TIF", "price said"].into_iter().chain(LEVELS.map(|(name, _)| name)));
    rule_line(out, 4 + LEVELS.len());
    for (index, (name, endpoint)) in TYPES.iter().enumerate() {
        if kind(index, LimitPrice::At(sample.price), TimeInForce::Gtc, sample.price).time_in_force().is_none() {
            row(out, [*name, *endpoint, "-"].into_iter().chain(std::iter::repeat_n("-", 1 + LEVELS.len())));
            continue;
        }
        for (word, tif) in TIMES {
            let cell = |price| sample.verdict(PositionMode::Netting, &sample.terms(kind(index, price, tif, sample.price)));
            let said = cell(LimitPrice::At(sample.price));
            let matched = LEVELS.map(|(_, level)| cell(LimitPrice::Match(level)));
            let cells = [(*name).to_owned(), (*endpoint).to_owned(), word.to_owned(), said];
            row(out, cells.into_iter().chain(matched));
        }
    }
}

fn modes(out: &mut String, sample: &Sample) {
    out.push_str(MODES);
    row(out, ["type", "one-way open", "reduce", "close all", "hedge open", "reduce", "close all"]);
    rule_line(out, 7);
    for (index, (name, _)) in TYPES.iter().enumerate() {
        let of = |mode, intention| {
            let (leg, side) = match (mode, intention) {
                (PositionMode::Netting, _) => (PositionSide::Net, Side::Sell),
                (PositionMode::Hedging, Intention::Open) => (PositionSide::Short, Side::Sell),
                (PositionMode::Hedging, Intention::Reduce | Intention::CloseAll) => (PositionSide::Long, Side::Sell),
            };
            let kind = kind(index, LimitPrice::At(sample.price), TimeInForce::Gtc, sample.price);
            let mut terms = Terms { side, leg, intention, ..sample.terms(kind) };
            if intention == Intention::CloseAll {
                terms.qty = None;
            }
            sample.verdict(mode, &terms)
        };
        let intentions = [Intention::Open, Intention::Reduce, Intention::CloseAll];
        let netting = intentions.map(|intention| of(PositionMode::Netting, intention));
        let hedging = intentions.map(|intention| of(PositionMode::Hedging, intention));
        row(out, std::iter::once((*name).to_owned()).chain(netting).chain(hedging));
    }
}

fn fields(out: &mut String) {
    out.push_str(FIELDS);
    row(out, ["type", "trigger price", "watched price", "price protection", "callback rate", "activation price"]);
    rule_line(out, 6);
    for (index, (name, _)) in TYPES.iter().enumerate() {
        let kind = kind(index, LimitPrice::At(Price::ZERO), TimeInForce::Gtc, Price::ZERO);
        let trailing = matches!(kind, OrderKind::TrailingStopMarket { .. });
        let triggered = kind.trigger_price().is_some();
        let word = |has: bool, word: &'static str| if has { word } else { "-" };
        let cells = [
            *name,
            word(triggered, "yes"),
            word(kind.is_conditional(), "last or mark"),
            word(triggered, "yes"),
            word(trailing, "yes"),
            word(trailing, "yes, or the present price"),
        ];
        row(out, cells);
    }
}

fn core_list(out: &mut String) {
    out.push_str("\n## Checks of the core\n\n");
    row(out, ["check", "what must hold", "codes", "depends on"]);
    rule_line(out, 4);
    for check in CORE {
        let codes: Vec<String> = check.codes.iter().map(i64::to_string).collect();
        row(out, [&format!("`{}`", check.name), check.says, &codes.join(", "), depends(check.depends)]);
    }
}

fn table_list(out: &mut String) {
    out.push_str("\n## Rules of the table\n\n");
    row(out, ["rule", "what is refused", "code", "depends on"]);
    rule_line(out, 4);
    for rule in TABLE {
        row(out, [&format!("`{}`", rule.name), rule.says, &rule.code.to_string(), depends(rule.depends)]);
    }
}

const fn depends(depends: Depends) -> &'static str {
    match depends {
        Depends::Form => "form",
        Depends::State => "state",
    }
}

fn row<T: AsRef<str>>(out: &mut String, cells: impl IntoIterator<Item = T>) {
    for cell in cells {
        // Writing to a String does not fail.
        let _ = write!(out, "| {} ", cell.as_ref());
    }
    out.push_str("|\n");
}

fn rule_line(out: &mut String, columns: usize) {
    row(out, std::iter::repeat_n("---", columns));
}

/// The type of a row, with everything that it needs in order.
fn kind(index: usize, price: LimitPrice, tif: TimeInForce, trigger_price: Price) -> OrderKind {
    let trigger = Trigger { price: trigger_price, by: TriggerBy::Last, price_protect: false };
    match index {
        0 => OrderKind::Market,
        1 => OrderKind::Limit { price, tif },
        2 => OrderKind::StopMarket { trigger },
        3 => OrderKind::StopLimit { trigger, price, tif },
        4 => OrderKind::TakeProfitMarket { trigger },
        5 => OrderKind::TakeProfit { trigger, price, tif },
        _ => OrderKind::TrailingStopMarket { activation: None, callback_percent: Decimal::ONE, by: TriggerBy::Last },
    }
}

/// An order in order, on an instrument that is not picky.
struct Sample {
    instrument: Instrument,
    profile: VenueProfile,
    price: Price,
    qty: Qty,
}

impl Sample {
    fn new() -> Option<Self> {
        let grid = Grid { min: Decimal::ONE, max: Decimal::ONE_THOUSAND, step: Decimal::ONE };
        let instrument = Instrument {
            id: InstrumentId::new("BTCUSDT-PERP.BINANCE").ok()?,
            symbol: "BTCUSDT".to_owned(),
            base: Asset::new("BTC").ok()?,
            quote: Asset::new("USDT").ok()?,
            settle: Asset::new("USDT").ok()?,
            status: TradingStatus::Trading,
            price: grid,
            lot: grid,
            market_lot: grid,
            notional_min: Decimal::ONE,
            percent_price: Some(PercentPrice { up: Decimal::TWO, down: Decimal::ONE }),
            open_orders_max: Some(200),
            delivery: None,
        };
        let profile = VenueProfile {
            name: "BINANCE",
            fence: None,
            conditional_fence: None,
            replace: true,
            conditional: true,
            modes: &[PositionMode::Netting, PositionMode::Hedging],
            cl_ord_id_max: 36,
            forgets_unfilled_after_ms: 0,
            batch_max: 0,
            rules: TABLE,
        };
        Some(Self { instrument, profile, price: Price::new(Decimal::TEN).ok()?, qty: Qty::new(Decimal::TEN).ok()? })
    }

    fn terms(&self, kind: OrderKind) -> Terms {
        Terms {
            instrument: self.instrument.id.clone(),
            side: Side::Buy,
            leg: PositionSide::Net,
            intention: Intention::Open,
            qty: Some(self.qty),
            kind,
            stp: None,
        }
    }

    /// `yes`, or the code of the first refusal.
    fn verdict(&self, mode: PositionMode, terms: &Terms) -> String {
        match check_form(terms, mode, &self.profile) {
            Ok(()) => {}
            Err(Denial::Quantity) if terms.intention == Intention::CloseAll => return "-1106".to_owned(),
            Err(denial) => return code(CoreCheck::of(&denial).and_then(|check| check.codes.first().copied())),
        }
        let case = Case {
            terms,
            instrument: &self.instrument,
            mode,
            quote: Quote::default(),
            held: None,
            open_orders: 0,
            open_conditionals: 0,
            notional_max: None,
            now: NOW,
        };
        first_broken(TABLE, &case).map_or_else(|| "yes".to_owned(), |rule| rule.code.to_string())
    }
}

fn code(code: Option<i64>) -> String {
    code.map_or_else(|| "-".to_owned(), |code| code.to_string())
}
