//! A factory makes what a config says, and refuses what it cannot make, by name and with the place.

use crate::around;
use exec_core::{ids::AccountId, strategy::Strategy};
use node_config::{FactoryError, NodeFactory, journal_directory};

const FILE: &str = r#"profile = "simulated"
[accounts.main]
venue = "binance"
base_url_http = "http://127.0.0.1:9"
base_url_ws = "ws://127.0.0.1:9"
instruments = ["BTCUSDT-PERP.BINANCE"]
[[strategies]]
id = "a"
kind = "quiet"
instruments = ["BTCUSDT-PERP.BINANCE"]
"#;

struct Quiet;

impl Strategy for Quiet {}

fn factory() -> NodeFactory {
    NodeFactory::simulated().strategy("quiet", |_| Ok(Box::new(Quiet)))
}

fn mistakes(text: &str) -> String {
    factory().read(text, &around()).map_or_else(|mistakes| mistakes.to_string(), |_| String::new())
}

#[test]
fn names_that_nobody_registered_are_told_with_their_place() {
    assert_eq!(mistakes(FILE), "");
    assert_eq!(
        mistakes(&FILE.replace("\"quiet\"", "\"quite\"")),
        "9:8: strategies[0].kind: strategy `quite` is not in this program; did you mean \"quiet\"? This program has: observer, quiet"
    );
    assert_eq!(
        mistakes(&FILE.replace("\"binance\"", "\"nowhere\"")),
        "3:9: accounts.main.venue: venue `nowhere` is not in this program; this program has: binance"
    );
    let journals = if cfg!(feature = "redis") { "file, redis" } else { "file" };
    assert_eq!(
        mistakes(&FILE.replace("[[strategies]]", "[journal]\nkind = \"fle\"\n[[strategies]]")),
        format!("8:8: journal.kind: journal `fle` is not in this program; did you mean \"file\"? This program has: {journals}")
    );
}

#[test]
fn one_journal_has_one_node() {
    let folder = tempfile::tempdir().unwrap();
    let factory = factory();
    let mut config = factory.read(FILE, &around()).unwrap();
    config.journal.directory = folder.path().join("journal");
    let account = AccountId::new("main").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let node = factory.build(&config).unwrap();
        assert!(journal_directory(&config, &account).is_dir());
        for second in [factory.build(&config).map(|_| ()), factory.build_for_operator(&config, &account).map(|_| ())] {
            let error = second.unwrap_err();
            assert!(matches!(error, FactoryError::Locked { .. }), "{error}");
        }
        drop(node);
        factory.build(&config).unwrap();
    });
}

#[test]
fn what_a_strategy_says_about_its_settings_reaches_the_operator() {
    let folder = tempfile::tempdir().unwrap();
    let factory = NodeFactory::simulated().strategy("quiet", |entry| match entry.params.get("size") {
        Some(_) => Ok(Box::new(Quiet)),
        None => Err("params.size is missing".into()),
    });
    let mut config = factory.read(FILE, &around()).unwrap();
    config.journal.directory = folder.path().join("journal");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let error = runtime.block_on(async { factory.build(&config).map(|_| ()).unwrap_err() });
    assert_eq!(error.to_string(), "strategy a of account main: params.size is missing");
}

#[test]
fn a_file_is_named_in_each_of_its_mistakes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("node.toml");
    std::fs::write(&path, "profile = 5\n").unwrap();
    let error = factory().load(&path).unwrap_err().to_string();
    assert!(error.lines().all(|line| line.starts_with(&format!("{}:1:", path.display()))), "{error}");
    let error = factory().load(&folder.path().join("none.toml")).unwrap_err();
    assert!(matches!(error, FactoryError::File { .. }), "{error}");
}
