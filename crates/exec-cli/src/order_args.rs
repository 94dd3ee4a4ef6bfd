//! Orders on the command line, turned into the words of the control socket. What the words mean is read there, by the same code.

use crate::{
    args::{On, Patience},
    failure::Failure,
};
use clap::{Args as Group, ValueEnum};
use node_config::control::{Ask, BracketText, ChangeText, SubmitOrder};
use std::{
    io::Read,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum SideWord {
    Buy,
    Sell,
}

impl SideWord {
    const fn word(self) -> &'static str {
        match self {
            Self::Buy => "BUY",
            Self::Sell => "SELL",
        }
    }
    const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum LegWord {
    Long,
    Short,
}

impl LegWord {
    fn word(self) -> String {
        match self {
            Self::Long => "LONG",
            Self::Short => "SHORT",
        }
        .to_owned()
    }
}

#[derive(Debug, Group)]
pub(crate) struct Submit {
    #[command(flatten)]
    pub(crate) on: On,
    /// What to trade: BTCUSDT-PERP.BINANCE
    #[arg(short, long, value_name = "ID")]
    pub(crate) instrument: String,
    /// BUY or SELL.
    #[arg(long, ignore_case = true)]
    pub(crate) side: SideWord,
    /// How much, in base units.
    #[arg(long, value_name = "N", required_unless_present = "close_all")]
    pub(crate) qty: Option<String>,
    /// MARKET, LIMIT, STOP_MARKET, STOP_LIMIT, TAKE_PROFIT_MARKET, TAKE_PROFIT or TRAILING_STOP_MARKET. Without it, LIMIT if there is a
    /// price, else MARKET.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) kind: Option<String>,
    /// At which price or better.
    #[arg(long, value_name = "N")]
    pub(crate) price: Option<String>,
    /// Instead of a price, the level of the book that the venue takes it from: OPPONENT, OPPONENT_5, QUEUE, QUEUE_5, ...
    #[arg(long, value_name = "LEVEL")]
    pub(crate) price_match: Option<String>,
    /// How long a limit order stands: GTC, IOC, FOK, GTX (post-only) or GTD.
    #[arg(long)]
    pub(crate) tif: Option<String>,
    /// Until when a GTD order stands, in milliseconds since 1970.
    #[arg(long, value_name = "MS")]
    pub(crate) good_till_ms: Option<i64>,
    /// For how many minutes a GTD order stands.
    #[arg(long, value_name = "MINUTES", conflicts_with = "good_till_ms")]
    pub(crate) good_for: Option<u32>,
    /// The price at which a conditional order wakes up; of a trailing stop, the price from which on it follows.
    #[arg(long, value_name = "N")]
    pub(crate) trigger: Option<String>,
    /// Which price the trigger watches: LAST or MARK.
    #[arg(long, value_name = "PRICE")]
    pub(crate) trigger_by: Option<String>,
    /// Do not trigger while mark and last price are far apart.
    #[arg(long)]
    pub(crate) price_protect: bool,
    /// The distance of a trailing stop, in percent.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) callback: Option<String>,
    /// Which order goes when it would trade with another of this account: EXPIRE_TAKER, EXPIRE_MAKER or EXPIRE_BOTH.
    #[arg(long, value_name = "RULE")]
    pub(crate) stp: Option<String>,
    /// Which leg, in hedge mode.
    #[arg(long, ignore_case = true)]
    pub(crate) leg: Option<LegWord>,
    /// Only make a position smaller.
    #[arg(long)]
    pub(crate) reduce: bool,
    /// Close the whole position when it triggers, whatever it is then.
    #[arg(long, conflicts_with_all = ["reduce", "qty"])]
    pub(crate) close_all: bool,
    /// Name the order, with 32 hexadecimal digits: the same name asks once.
    #[arg(long, value_name = "HEX")]
    pub(crate) intent: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

impl Submit {
    /// The order in the words of the control socket.
    pub(crate) fn order(&self) -> Result<SubmitOrder, Failure> {
        let has_price = self.price.is_some() || self.price_match.is_some();
        let kind = match (&self.kind, &self.callback, &self.trigger) {
            (Some(kind), _, _) => upper(kind),
            (None, Some(_), _) => "TRAILING_STOP_MARKET".to_owned(),
            (None, None, Some(_)) => {
                let text = "an order with --trigger needs --type: STOP_MARKET closes at a loss, TAKE_PROFIT_MARKET at a profit";
                return Err(Failure::Usage(text.to_owned()));
            }
            (None, None, None) => if has_price { "LIMIT" } else { "MARKET" }.to_owned(),
        };
        let intention = match (self.reduce, self.close_all) {
            (_, true) => Some("CLOSE_ALL".to_owned()),
            (true, false) => Some("REDUCE".to_owned()),
            (false, false) => None,
        };
        let good_till_ms = self.good_till_ms.or_else(|| self.good_for.map(in_minutes));
        Ok(SubmitOrder {
            instrument: self.instrument.clone(),
            side: self.side.word().to_owned(),
            kind,
            qty: self.qty.clone(),
            price: self.price.clone(),
            price_match: self.price_match.as_deref().map(upper),
            // Whoever says until when has said that it is GTD.
            tif: self.tif.as_deref().map(upper).or_else(|| good_till_ms.map(|_| "GTD".to_owned())),
            good_till_ms,
            trigger: self.trigger.clone(),
            trigger_by: self.trigger_by.as_deref().map(upper),
            price_protect: self.price_protect.then_some(true),
            callback_percent: self.callback.clone(),
            stp: self.stp.as_deref().map(upper),
            leg: self.leg.map(LegWord::word),
            intention,
            intent: self.intent.clone(),
        })
    }
}

#[derive(Debug, Group)]
pub(crate) struct Bracket {
    #[command(flatten)]
    pub(crate) on: On,
    /// What to trade: BTCUSDT-PERP.BINANCE
    #[arg(short, long, value_name = "ID")]
    pub(crate) instrument: String,
    /// The side of the entry: BUY or SELL.
    #[arg(long, ignore_case = true)]
    pub(crate) side: SideWord,
    /// How much, in base units.
    #[arg(long, value_name = "N")]
    pub(crate) qty: String,
    /// Enter at this price or better. Without it, at market.
    #[arg(long, value_name = "N")]
    pub(crate) price: Option<String>,
    /// How long the entry stands: GTC, IOC, FOK or GTX (post-only).
    #[arg(long, requires = "price")]
    pub(crate) tif: Option<String>,
    /// The trigger of the stop-loss, a STOP_MARKET.
    #[arg(long, value_name = "N")]
    pub(crate) stop: String,
    /// The trigger of the take-profit, a TAKE_PROFIT_MARKET.
    #[arg(long, value_name = "N")]
    pub(crate) take_profit: Option<String>,
    /// Which price the triggers watch: LAST or MARK.
    #[arg(long, value_name = "PRICE")]
    pub(crate) trigger_by: Option<String>,
    /// Which leg, in hedge mode.
    #[arg(long, ignore_case = true)]
    pub(crate) leg: Option<LegWord>,
    /// Name the entry, with 32 hexadecimal digits: the same name asks once.
    #[arg(long, value_name = "HEX")]
    pub(crate) intent: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

impl Bracket {
    pub(crate) fn text(&self) -> BracketText {
        let order = |side: SideWord, kind: &str| SubmitOrder {
            instrument: self.instrument.clone(),
            side: side.word().to_owned(),
            kind: kind.to_owned(),
            leg: self.leg.map(LegWord::word),
            ..SubmitOrder::default()
        };
        let closing = |kind: &str, trigger: &str| SubmitOrder {
            trigger: Some(trigger.to_owned()),
            trigger_by: self.trigger_by.as_deref().map(upper),
            ..order(self.side.opposite(), kind)
        };
        BracketText {
            entry: SubmitOrder {
                qty: Some(self.qty.clone()),
                price: self.price.clone(),
                tif: self.tif.as_deref().map(upper),
                ..order(self.side, if self.price.is_some() { "LIMIT" } else { "MARKET" })
            },
            stop_loss: closing("STOP_MARKET", &self.stop),
            take_profit: self.take_profit.as_deref().map(|trigger| closing("TAKE_PROFIT_MARKET", trigger)),
            intent: self.intent.clone(),
        }
    }
}

#[derive(Debug, Group)]
pub(crate) struct SubmitList {
    #[command(flatten)]
    pub(crate) on: On,
    /// JSON as the control socket takes it: {"verb": "bracket", "entry": {...}, "stop_loss": {...}, "take_profit": {...}} or {"verb":
    /// "one-cancels-other", "one": {...}, "other": {...}}; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

impl SubmitList {
    /// Reads the list.
    pub(crate) fn read(&self) -> Result<Ask, Failure> {
        let place = self.file.display();
        let text = if self.file == Path::new("-") {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).map(|_| text)
        } else {
            std::fs::read_to_string(&self.file)
        };
        let text = text.map_err(|error| Failure::Usage(format!("{place}: {error}")))?;
        match serde_json::from_str(&text) {
            Ok(ask @ (Ask::Bracket(_) | Ask::OneCancelsOther(_))) => Ok(ask),
            Ok(_) => Err(Failure::Usage(format!("{place}: `verb` is `bracket` or `one-cancels-other` in a list of orders"))),
            Err(error) => Err(Failure::Usage(format!("{place}: {error}"))),
        }
    }
}

#[derive(Debug, Group)]
#[group(skip)]
pub(crate) struct Change {
    #[command(flatten)]
    pub(crate) on: On,
    /// Which order: its intent (32 hexadecimal digits) or one of its client order ids.
    #[arg(value_name = "ORDER")]
    pub(crate) order: String,
    /// New quantity, executed part included.
    #[arg(long, value_name = "N", required_unless_present_any = ["price", "trigger"])]
    pub(crate) qty: Option<String>,
    /// New limit price.
    #[arg(long, value_name = "N")]
    pub(crate) price: Option<String>,
    /// New trigger price of an order that has not triggered; of a trailing stop, the price from which on it follows.
    #[arg(long, value_name = "N")]
    pub(crate) trigger: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

impl Change {
    pub(crate) fn text(&self, intent: String) -> ChangeText {
        ChangeText { intent, qty: self.qty.clone(), price: self.price.clone(), trigger: self.trigger.clone() }
    }
}

fn upper(text: &str) -> String {
    text.to_ascii_uppercase().replace('-', "_")
}

/// So many minutes from now by this machine's clock, in milliseconds since 1970.
fn in_minutes(minutes: u32) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_millis()).unwrap_or(i64::MAX).saturating_add(i64::from(minutes) * 60_000)
}
