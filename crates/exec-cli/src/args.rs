//! The command line as data. What each verb does with it stands in the verb's file.

use clap::{Args as Group, Parser, Subcommand, ValueEnum};
use std::{net::SocketAddr, path::PathBuf};

/// Live order execution for Binance USDⓈ-M, with an exchange of its own to try it on.
#[derive(Debug, Parser)]
#[command(name = "exec-node", version, about = "Live order execution for Binance USDⓈ-M, with an exchange of its own to try it on", after_help = crate::failure::EXIT_CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Trade on the built-in exchange, be killed, come back, and prove that the books are equal.
    Demo(Demo),
    /// Run a node until Ctrl-C or SIGTERM.
    Run(Config),
    /// Read a config file: every mistake in it, or the config that holds, without secrets.
    Check(Check),
    /// Run the exchange alone, in Binance's own dialect.
    Sim(Sim),
    /// List the open orders that the venue has.
    Orders(Ask),
    /// List the positions that the venue has.
    Positions(Ask),
    /// List the balances that the venue has.
    Balances(Ask),
    /// List the trades that the venue has.
    Fills(Fills),
    /// Show how a node stands: its gate and why, orders in doubt, latencies, alerts.
    Status(On),
    /// Place an order.
    Submit(Submit),
    /// Take an order off the book.
    Cancel(Cancel),
    /// Take every order of an account off the book.
    CancelAll(CancelAll),
    /// Look into a journal. Needs no lock and changes nothing.
    Journal(Journal),
    /// Translate the venue's JSON into facts, one line each, with the code that trades.
    Decode(Decode),
    #[command(hide = true)]
    DemoNode(DemoNode),
}

#[derive(Debug, Group)]
pub(crate) struct Config {
    /// The config file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
}

#[derive(Debug, Group)]
pub(crate) struct On {
    /// The config file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Which account; may be left out if there is only one.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Check {
    /// The config file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Ask the venue, too: clock, key, instruments, settings. Changes nothing there.
    #[arg(long)]
    pub(crate) online: bool,
}

#[derive(Debug, Group)]
pub(crate) struct Sim {
    /// Where to listen; port 0 takes any free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9443")]
    pub(crate) listen: SocketAddr,
    /// Fixes prices, liquidity and ids.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The API key of its account.
    #[arg(long, value_name = "K", default_value = "sim-key")]
    pub(crate) key: String,
    /// The secret of the key.
    #[arg(long, value_name = "S", default_value = "sim-secret")]
    pub(crate) secret: String,
    /// Begin in hedge mode.
    #[arg(long)]
    pub(crate) hedge: bool,
    /// How many symbols.
    #[arg(long, value_name = "N", default_value_t = 4)]
    pub(crate) symbols: usize,
}

#[derive(Debug, Group)]
pub(crate) struct Ask {
    #[command(flatten)]
    pub(crate) on: On,
    /// Only this instrument.
    #[arg(short, long, value_name = "ID")]
    pub(crate) instrument: Option<String>,
}

#[derive(Debug, Group)]
pub(crate) struct Fills {
    #[command(flatten)]
    pub(crate) ask: Ask,
    /// How far back.
    #[arg(long, value_name = "N", default_value_t = 24)]
    pub(crate) hours: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum SideWord {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum LegWord {
    Long,
    Short,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
#[value(rename_all = "UPPER")]
pub(crate) enum TifWord {
    Gtc,
    Ioc,
    Fok,
    Gtx,
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
    #[arg(long, value_name = "N")]
    pub(crate) qty: String,
    /// At which price or better. Without it, a market order.
    #[arg(long, value_name = "N")]
    pub(crate) price: Option<String>,
    /// How long a limit order stands; GTX is post-only.
    #[arg(long, ignore_case = true, requires = "price")]
    pub(crate) tif: Option<TifWord>,
    /// Which leg, in hedge mode.
    #[arg(long, ignore_case = true)]
    pub(crate) leg: Option<LegWord>,
    /// Only make a position smaller.
    #[arg(long)]
    pub(crate) reduce: bool,
    /// Name the order, with 32 hexadecimal digits: the same name asks once.
    #[arg(long, value_name = "HEX")]
    pub(crate) intent: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Debug, Group)]
pub(crate) struct Patience {
    /// How long to wait for what becomes of it, in seconds.
    #[arg(long, value_name = "SECS", default_value_t = 20)]
    pub(crate) wait: u64,
}

#[derive(Debug, Group)]
pub(crate) struct Cancel {
    #[command(flatten)]
    pub(crate) on: On,
    /// Which order: its intent (32 hexadecimal digits) or one of its client order ids.
    #[arg(value_name = "ORDER")]
    pub(crate) order: String,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Debug, Group)]
pub(crate) struct CancelAll {
    #[command(flatten)]
    pub(crate) on: On,
    /// Only this instrument.
    #[arg(short, long, value_name = "ID")]
    pub(crate) instrument: Option<String>,
    #[command(flatten)]
    pub(crate) patience: Patience,
}

#[derive(Debug, Group)]
pub(crate) struct Journal {
    #[command(subcommand)]
    pub(crate) verb: JournalVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum JournalVerb {
    /// Check every byte, and that the records add up.
    Verify {
        /// The journal directory of one account.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print every record.
    Dump {
        /// The journal directory of one account.
        #[arg(value_name = "DIR")]
        directory: PathBuf,
        /// One JSON document a line.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Product {
    /// Binance USDⓈ-M futures.
    Usdm,
}

#[derive(Debug, Group)]
pub(crate) struct Decode {
    /// Whose JSON it is.
    #[arg(long, default_value = "usdm")]
    pub(crate) product: Product,
    /// Files of JSON documents, one after another, on one line or on many; without any, standard input, one document a line.
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Group)]
pub(crate) struct Demo {
    /// Fixes the exchange's flow and the strategy's choices.
    #[arg(long, value_name = "N", default_value_t = 7)]
    pub(crate) seed: u64,
    /// Keep the journals and logs in this folder instead of deleting them.
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// Forget this fill when the books are replayed, to see that the comparison finds it.
    #[arg(long, hide = true, value_name = "N")]
    pub(crate) skip_fill: Option<usize>,
}

#[derive(Debug, Group)]
pub(crate) struct DemoNode {
    /// The config file.
    #[arg(long)]
    pub(crate) config: PathBuf,
}
