//! Two accounts at Binance (the built-in exchange) and one at a venue of one's own, in one node: who trades what is said by the config's
//! accounts, and by nothing in an instrument's name.

use crate::{door::Door, exchange::Exchange, venue::PaperVenue};
use exchange_sim::face::{FaceConfig, Server};
use exec_core::{
    conversation::OrderUpdate,
    ids::{AccountId, InstrumentId},
    strategy::{Context, Strategy},
    units::{PositionMode, PositionSide, Qty, Side},
};
use node_config::{
    MakeError, NodeFactory, ParamValue, SecretError, Surroundings, VenueParts, VenueSeat,
    control::{Ask, Reply},
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// The same instrument on all three: only the account tells them apart.
const INSTRUMENT: &str = "BTCUSDT-PERP.BINANCE";

fn config(server: &Server) -> String {
    let binance = |name: &str, number: u16, mode: &str| {
        format!(
            "[accounts.{name}]\nvenue = \"binance\"\nnumber = {number}\noms_type = \"{mode}\"\ninstruments = [\"{INSTRUMENT}\"]\n\
             base_url_http = \"{}\"\nbase_url_ws = \"{}\"\napi_key = {{ env = \"{name}_key\" }}\napi_secret = {{ env = \"{name}_secret\" }}\n",
            server.rest_url(),
            server.ws_url()
        )
    };
    let strategy = |account: &str, qty: &str| {
        format!(
            "[[strategies]]\nid = \"on-{account}\"\nkind = \"once\"\naccount = \"{account}\"\ninstruments = [\"{INSTRUMENT}\"]\n\
             params = {{ qty = \"{qty}\" }}\n"
        )
    };
    [
        "profile = \"simulated\"\n".to_owned(),
        binance("left", 1, "NETTING"),
        binance("right", 2, "HEDGING"),
        format!("[accounts.paper]\nvenue = \"paper\"\nnumber = 3\ninstruments = [\"{INSTRUMENT}\"]\n"),
        strategy("left", "0.010"),
        strategy("right", "0.020"),
        strategy("paper", "1"),
    ]
    .concat()
}

struct Keys;

impl Surroundings for Keys {
    fn variable(&self, name: &str) -> Option<String> {
        Some(format!("of-the-account-{name}"))
    }
    fn secret_file(&self, path: &Path) -> Result<secrecy::SecretString, SecretError> {
        Err(SecretError::Unset(path.display().to_string()))
    }
}

/// What the strategy of each account held at each of its starts.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<BTreeMap<String, Vec<String>>>>);

/// Buys once, unless it holds something already.
struct Once {
    instrument: InstrumentId,
    qty: Qty,
    diary: Diary,
}

impl Once {
    fn leg(ctx: &Context<'_>) -> PositionSide {
        if ctx.mode() == PositionMode::Hedging { PositionSide::Long } else { PositionSide::Net }
    }
    fn buy(&self, ctx: &mut Context<'_>) {
        let leg = Self::leg(ctx);
        let priced = ctx.quote(&self.instrument).reference().is_some();
        if priced && ctx.open_orders().next().is_none() && ctx.share(&self.instrument, leg).is_zero() {
            ctx.market(&self.instrument, Side::Buy, leg, self.qty);
        }
    }
}

impl Strategy for Once {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        let held = ctx.share(&self.instrument, Self::leg(ctx)).to_string();
        self.diary.0.lock().unwrap().entry(ctx.books().account().to_string()).or_default().push(held);
        self.buy(ctx);
    }
    fn on_price(&mut self, ctx: &mut Context<'_>, _instrument: &InstrumentId) {
        self.buy(ctx);
    }
    fn on_order(&mut self, ctx: &mut Context<'_>, update: &OrderUpdate) {
        assert!(ctx.order(update.intent).is_some(), "it is told of its own account only");
    }
}

fn factory(paper: SocketAddr, diary: Diary) -> NodeFactory {
    NodeFactory::simulated()
        .venue("paper", move |seat: &VenueSeat<'_>| -> Result<VenueParts, MakeError> {
            let venue = Arc::new(PaperVenue::new(InstrumentId::new(INSTRUMENT)?, paper, seat.clock));
            Ok(VenueParts {
                execution: venue.clone(),
                prices: Some(venue.clone()),
                setup: None,
                clock: Some(venue),
                dead_mans_switch: None,
            })
        })
        .strategy("once", move |entry| {
            let qty = entry.params.get("qty").and_then(ParamValue::as_str).ok_or("params.qty is missing")?.parse()?;
            let instrument = entry.instruments.first().ok_or("it needs an instrument")?.clone();
            Ok(Box::new(Once { instrument, qty, diary: diary.clone() }))
        })
}

/// Runs the node until every account holds what it should, or fails the test.
async fn run_until_held(factory: &NodeFactory, text: &str, journal: &Path) {
    let mut config = factory.read(text, &Keys).unwrap();
    config.journal.directory = journal.to_owned();
    let node = factory.build(&config).unwrap();
    let handle = node.handle();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let watched = async {
        for (account, leg, wanted) in [("left", "NET", "0.010"), ("right", "LONG", "0.020"), ("paper", "NET", "1")] {
            let account = handle.account(&AccountId::new(account).unwrap()).unwrap();
            assert!(account.live().await, "{:?}", account.status());
            let mut last = String::new();
            for round in 0.. {
                let Ok(Reply::Ok(rows)) = account.control().ask("test", Ask::Positions {}).await else { panic!("no answer") };
                let held = rows.as_array().unwrap().iter().find(|row| row["leg"] == leg).map(|row| row["qty"].clone());
                if held.as_ref().is_some_and(|qty| qty == wanted) {
                    break;
                }
                last.clone_from(&rows.to_string());
                assert!(round < 2_000, "{} never held {wanted}: {last}", account.account());
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        // Whoever would buy a second time, or for somebody else, has the time to.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let _ = stop.send(());
    };
    let (ended, ()) = tokio::join!(node.run(stopped), watched);
    let ended = ended.unwrap();
    assert!(ended.is_clean(), "{ended}");
}

#[tokio::test(flavor = "current_thread")]
async fn two_accounts_and_two_venues_trade_and_restart_in_one_node_each_on_its_own() {
    let face = FaceConfig::new(7)
        .with_symbols(2)
        .with_key("of-the-account-left_key", "of-the-account-left_secret")
        .with_hedge_key("of-the-account-right_key", "of-the-account-right_secret");
    let server = Server::bind(face, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    // One exchange over all starts of the node.
    let (paper, diary) = (Door::open(Exchange::new("BTCUSDT", "60000.00".parse().unwrap())).await.unwrap(), Diary::default());
    let factory = factory(paper.addr, diary.clone());
    let text = config(&server);
    for start in 1..=3 {
        run_until_held(&factory, &text, folder.path()).await;
        let seen = diary.0.lock().unwrap().clone();
        for (account, wanted) in [("left", "0.010"), ("right", "0.020"), ("paper", "1")] {
            let held: Vec<&str> = seen[account].iter().map(String::as_str).collect();
            let expected: Vec<&str> = std::iter::once("0").chain(std::iter::repeat(wanted)).take(start).collect();
            assert_eq!(held, expected, "what {account} finds at each of its starts");
        }
    }
    let trades = |key: &str| server.face().ledger(key).unwrap();
    for (key, qty) in [("of-the-account-left_key", "0.010"), ("of-the-account-right_key", "0.020")] {
        let text = format!("{:?}", trades(key));
        assert!(text.contains(qty), "the exchange's own ledger: {text}");
    }
    server.shutdown().await;
}

#[test]
fn a_strategy_names_an_account_of_the_file_and_instruments_of_that_account() {
    let factory = factory("127.0.0.1:1".parse().unwrap(), Diary::default());
    let text = "profile = \"simulated\"\n[accounts.left]\nvenue = \"paper\"\nnumber = 1\ninstruments = [\"GOLD-SPOT.PAPER\"]\n\
        [accounts.right]\nvenue = \"paper\"\nnumber = 2\ninstruments = [\"TIN-SPOT.PAPER\"]\n\
        [[strategies]]\nid = \"a\"\nkind = \"once\"\naccount = \"right\"\ninstruments = [\"TIN-SPOT.PAPER\"]\n";
    let mistakes = |text: &str| factory.read(text, &Keys).map_or_else(|mistakes| mistakes.to_string(), |_| String::new());
    assert_eq!(mistakes(text), "");
    for (from, to, told) in [
        (
            "account = \"right\"",
            "account = \"rigth\"",
            "strategies[0].account: `rigth` is no account of this file; did you mean \"right\"? Known: left, right",
        ),
        (
            "account = \"right\"\n",
            "",
            "strategies[0].account: is missing; there is more than one account: write one of left, right",
        ),
        (
            "account = \"right\"",
            "account = \"left\"",
            "TIN-SPOT.PAPER is not among the instruments of account left; it is one of account right: write account = \"right\", or add it to accounts.left.instruments",
        ),
    ] {
        let said = mistakes(&text.replace(from, to));
        assert!(said.contains(told), "{told}\nin\n{said}");
    }
}
