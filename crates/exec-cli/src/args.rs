//! The command line as data. What each verb does with it stands in the verb's file.

use crate::order_args::{Bracket, Change, Submit, SubmitList};
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
    /// List the open orders of both books, ordinary and conditional: what the venue has, and what the running node knows of them.
    Orders(Ask),
    /// List the positions: what the venue has, and how much of each a stop protects by the running node's books.
    Positions(Ask),
    /// List the balances that the venue has.
    Balances(Ask),
    /// List the trades that the venue has.
    Fills(Fills),
    /// Show how a node stands: its gate and why, orders in doubt, latencies, alerts. The exit code tells whether it takes new risk.
    Status(Status),
    /// Tell one order's story: every fact with its time and source, who asked, the venue's own words. With or without a running node.
    Explain(Explain),
    /// Throw the kill switch: no new risk, entries off both books; with `flatten` every position is closed at market. Holds over
    /// restarts until `release`.
    Kill(Kill),
    /// Let the running node take no new risk, also after a restart, until `release`. Exits and cancels pass.
    Latch(On),
    /// Let the running node take new risk again, whatever has latched it.
    Release(On),
    /// Compare books and venue, show why a position differs, or take the venue's figure.
    Reconcile(Reconcile),
    /// Place an order, of any type.
    Submit(Submit),
    /// Place an entry with a stop-loss and, if wanted, a take-profit, which the running node keeps at what is open of it.
    Bracket(Bracket),
    /// Place orders that belong together, from a file of JSON.
    SubmitList(SubmitList),
    /// Change quantity, price or trigger of a working order.
    Change(Change),
    /// Take an order off the book.
    Cancel(Cancel),
    /// Take every order of an account off the book.
    CancelAll(CancelAll),
    /// Look into a journal. Needs no lock and changes nothing.
    Journal(Journal),
    /// Translate the venue's JSON into facts, one line each, with the code that trades.
    Decode(Decode),
    /// Follow the events of accounts from Redis, one line of JSON each, alone or as a member of a group.
    #[cfg(feature = "redis")]
    Tail(Tail),
    /// Proofs with real processes.
    #[cfg(feature = "drill")]
    #[command(hide = true)]
    Drill(crate::drill::Drill),
    #[command(hide = true)]
    PlayNode(PlayNode),
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
pub(crate) struct Kill {
    /// How much is stopped.
    #[arg(value_name = "LEVEL")]
    pub(crate) level: Level,
    /// The config file.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Only this account; without it every account of the config file.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Only this instrument.
    #[arg(short, long, value_name = "ID", conflicts_with = "strategy")]
    pub(crate) instrument: Option<String>,
    /// Only this strategy: its orders, and its share of each position.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) strategy: Option<String>,
    /// How long to wait until it is done, in seconds. It goes on without anybody waiting.
    #[arg(long, value_name = "SECS", default_value_t = 60)]
    pub(crate) wait: u64,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// How much a kill switch stops.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Level {
    /// No new risk; every resting order that can add risk is cancelled on both books; stops and take-profits stay.
    Reduce,
    /// And strategies may only close and cancel: they change no order.
    Halt,
    /// And every position is closed at market; its stops are cancelled when it is empty.
    Flatten,
}

#[derive(Debug, Group)]
pub(crate) struct Status {
    #[command(flatten)]
    pub(crate) on: On,
    /// Wait so many seconds until the node runs and takes new risk; a reason that only a person ends ends the waiting.
    #[arg(short, long, value_name = "SECS")]
    pub(crate) wait: Option<u64>,
}

#[derive(Debug, Group)]
pub(crate) struct Explain {
    /// Which order: its intent (32 hexadecimal digits), one of its client order ids, or an id of the venue.
    #[arg(value_name = "ORDER")]
    pub(crate) order: String,
    /// The config file.
    #[arg(short, long, value_name = "FILE", required_unless_present = "journal")]
    pub(crate) config: Option<PathBuf>,
    /// Which account; may be left out if there is only one.
    #[arg(short, long, value_name = "NAME")]
    pub(crate) account: Option<String>,
    /// Read this journal directory instead, of one account, and ask no node.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["config", "account"])]
    pub(crate) journal: Option<PathBuf>,
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

#[derive(Debug, Group)]
pub(crate) struct Patience {
    /// How long to wait for what becomes of it, in seconds.
    #[arg(long, value_name = "SECS", default_value_t = 20)]
    pub(crate) wait: u64,
}

#[derive(Debug, Group)]
pub(crate) struct Reconcile {
    #[command(flatten)]
    pub(crate) on: On,
    /// Show every difference that the last comparison left: both figures, what was looked at, the likely cause, what settles it. Asks the venue for nothing.
    #[arg(long, conflicts_with = "adopt")]
    pub(crate) explain: bool,
    /// Take the venue's figure where a position differs, on one instrument or on all. It is journalled as a settlement, not as a trade.
    #[arg(long, value_name = "INSTRUMENT", num_args = 0..=1, default_missing_value = "")]
    pub(crate) adopt: Option<String>,
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

#[cfg(feature = "redis")]
#[derive(Debug, Group)]
pub(crate) struct Tail {
    /// The server, `redis://HOST:PORT/DB` or `rediss://`. User and password come from REDIS_USER and REDIS_PASSWORD.
    #[arg(long, value_name = "URL", required_unless_present = "config")]
    pub(crate) redis: Option<String>,
    /// Or the config file of a node, which says where its events are.
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["redis", "key_prefix"])]
    pub(crate) config: Option<PathBuf>,
    /// What all keys begin with, as in the node's config.
    #[arg(long, value_name = "TEXT", default_value = "ex")]
    pub(crate) key_prefix: String,
    /// Which account; also several times. With a config file all of its accounts, if none is named.
    #[arg(short, long, value_name = "NAME", required_unless_present = "config")]
    pub(crate) account: Vec<String>,
    /// Where to begin: `start`, `now`, or behind the event of this id.
    #[arg(long, value_name = "ID", conflicts_with = "group")]
    pub(crate) from: Option<String>,
    /// Read as a member of this group: each event goes to one of its members, and is done when it is printed.
    #[arg(long, value_name = "GROUP")]
    pub(crate) group: Option<String>,
    /// The member's name.
    #[arg(long, value_name = "NAME", default_value = "tail", requires = "group")]
    pub(crate) member: String,
    /// End after so many events; a group's are ended at the end of a reading.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// End when there is nothing more.
    #[arg(long)]
    pub(crate) no_follow: bool,
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
pub(crate) struct PlayNode {
    /// The config file.
    #[arg(long)]
    pub(crate) config: PathBuf,
}
