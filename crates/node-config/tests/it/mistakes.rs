//! Each mistake, its place, and what is said about it: one line of the table each.

use crate::{around, mistakes};
use node_config::{NodeConfig, Profile};

const SIMULATED: &str = r#"profile = "simulated"
[accounts.main]
venue = "binance"
base_url_http = "http://127.0.0.1:9443"
base_url_ws = "ws://127.0.0.1:9443"
instruments = ["BTCUSDT-PERP.BINANCE", "ETHUSDT-PERP.BINANCE"]
[[strategies]]
id = "a"
kind = "k"
instruments = ["BTCUSDT-PERP.BINANCE"]
"#;

const PRODUCTION: &str = r#"profile = "production"
trader_id = "DESK-1"
[journal]
single_copy_reason = "the disk is mirrored"
[accounts.main]
venue = "binance"
oms_type = "HEDGING"
instruments = ["BTCUSDT-PERP.BINANCE"]
limits = { order_notional_max = 1000, position_notional_max = 5000, open_orders_max = 20, collar = 0.05, daily_loss_max = 200 }
futures_leverages = { "BTCUSDT-PERP.BINANCE" = 3 }
"#;

/// Changes one line of a good file and expects exactly this.
fn changed(good: &str, from: &str, to: &str, expected: &str) {
    assert_eq!(mistakes(good), "", "the file is good before");
    assert!(good.contains(from), "{from}");
    assert_eq!(mistakes(&good.replacen(from, to, 1)), expected, "{from} -> {to}");
}

/// Adds a line to the account of a good file and expects a line that starts like this.
fn added(good: &str, line: &str, expected: &str) {
    let text = good.replacen("venue = \"binance\"", &format!("venue = \"binance\"\n{line}"), 1);
    let told = mistakes(&text);
    assert!(told.lines().any(|l| l.starts_with(expected)), "{line}\ntold:     {told}\nexpected: {expected}");
}

#[test]
fn keys() {
    changed(
        SIMULATED,
        "kind =",
        "kin =",
        "7:1: strategies[0].kind: is missing; write kind = \"...\": which of the registered strategies it is\n9:1: strategies[0].kin: is not a known key; did you mean `kind`?",
    );
    added(SIMULATED, "max_retrys = 1", "4:1: accounts.main.max_retrys: is not a known key; did you mean `max_retries`?");
    added(
        SIMULATED,
        "recv-window-ms = 1",
        "4:1: accounts.main.recv-window-ms: is not a known key; did you mean `recv_window_ms`?",
    );
    added(
        SIMULATED,
        "colour = 1",
        "4:1: accounts.main.colour: is not a known key; delete it; known here: venue, account_type, us, ",
    );
    added(
        SIMULATED,
        "limits = { order_notionl_max = 5 }",
        "4:12: accounts.main.limits.order_notionl_max: is not a known key; did you mean `order_notional_max`?",
    );
    changed(
        SIMULATED,
        "profile =",
        "profil =",
        "1:1: profil: is not a known key; did you mean `profile`?\n1:1: profile: is missing; write profile = \"simulated\", \"testnet\" or \"production\" at the top",
    );
}

#[test]
fn policies_for_differences() {
    for (line, expected) in [
        ("on_difference = \"adpt\"", "4:17: accounts.main.on_difference: `adpt` is not known; did you mean \"adopt\"?"),
        (
            "on_difference = \"adopt\"",
            "2:11: accounts.main.adopt_max_notional: is 0, and \"adopt\" adopts nothing; write the most that a difference may be worth",
        ),
        (
            "on_difference_of = { \"BTCUSDT-PERP.BINANCE\" = \"stop\" }",
            "4:47: accounts.main.on_difference_of: what is done about a difference of BTCUSDT-PERP.BINANCE is not known",
        ),
        (
            "on_difference_of = { \"XRPUSDT-PERP.BINANCE\" = \"halt\" }",
            "4:22: accounts.main.on_difference_of: XRPUSDT-PERP.BINANCE is not among the instruments of this account",
        ),
    ] {
        added(SIMULATED, line, expected);
    }
}

#[test]
fn types_and_bounds() {
    for (line, expected) in [
        (
            "max_retries = \"3\"",
            "4:15: accounts.main.max_retries: is a string where a whole number belongs; write max_retries = 5, without quotes or point",
        ),
        ("max_retries = 11", "4:15: accounts.main.max_retries: 11 is out of bounds; write a whole number from 0 to 10"),
        ("max_retries = -1", "4:15: accounts.main.max_retries: -1 is out of bounds"),
        ("max_retries = 3.0", "4:15: accounts.main.max_retries: is a float where a whole number belongs"),
        ("number = 1024", "4:10: accounts.main.number: 1024 is out of bounds"),
        (
            "recv_window_ms = 60001",
            "4:18: accounts.main.recv_window_ms: 60001 is out of bounds; write a whole number from 1 to 60000",
        ),
        (
            "recv_window_ms = 99999999999999999999999999999999999999999",
            "4:18: accounts.main.recv_window_ms: 99999999999999999999999999999999999999999 is out of bounds",
        ),
        ("use_position_ids = 1", "4:20: accounts.main.use_position_ids: is an integer where true or false belongs"),
        ("oms_type = \"NETING\"", "4:12: accounts.main.oms_type: `NETING` is not known; did you mean \"NETTING\"?"),
        ("apply = \"now\"", "4:9: accounts.main.apply: `now` is not known; write one of \"never\", \"when_flat\", \"always\""),
        (
            "futures_leverages = { \"BTCUSDT-PERP.BINANCE\" = 126 }",
            "4:48: accounts.main.futures_leverages: the leverage of BTCUSDT-PERP.BINANCE is no leverage; write a whole number from 1 to 125",
        ),
        (
            "futures_leverages = { BTCUSDT = 5 }",
            "4:23: accounts.main.futures_leverages: instrument `BTCUSDT` is not of the form `BTCUSDT-PERP.BINANCE`",
        ),
        (
            "futures_margin_types = { \"BTCUSDT-PERP.BINANCE\" = \"both\" }",
            "4:51: accounts.main.futures_margin_types: the margin type of BTCUSDT-PERP.BINANCE is not known; write \"cross\" or \"isolated\"",
        ),
        ("limits = { collar = 0.6 }", "4:21: accounts.main.limits.collar: 0.6 is out of bounds"),
        ("limits = { collar = 1e-2 }", "4:21: accounts.main.limits.collar: `1e-2` is not a plain decimal number"),
        (
            "limits = { order_notional_max = inf }",
            "4:33: accounts.main.limits.order_notional_max: `inf` is not a plain decimal number",
        ),
        (
            "limits = { order_notional_max = 9e99 }",
            "4:33: accounts.main.limits.order_notional_max: `9e99` is not a plain decimal number",
        ),
        ("limits = 5", "4:10: accounts.main.limits: is an integer where a table belongs"),
        (
            "shared_instruments = \"BTCUSDT-PERP.BINANCE\"",
            "4:22: accounts.main.shared_instruments: is a string where a list of texts belongs",
        ),
    ] {
        added(SIMULATED, line, expected);
    }
    changed(
        SIMULATED,
        "[[strategies]]\n",
        "[execution]\nsweep_interval_secs = 0.0001\n[[strategies]]\n",
        "8:23: execution.sweep_interval_secs: 0.0001 s is finer than a millisecond; write at most three decimals",
    );
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    added(
        SIMULATED,
        "account_type = \"COIN_FUTURES\"",
        "4:16: accounts.main.account_type: COIN_FUTURES is not supported yet; write account_type = \"USDT_FUTURES\"",
    );
    added(SIMULATED, "account_type = \"SPOT\"", "4:16: accounts.main.account_type: SPOT is not supported yet");
    added(SIMULATED, "account_type = \"FUTURES\"", "4:16: accounts.main.account_type: `FUTURES` is not known");
    added(
        SIMULATED,
        "us = true",
        "4:6: accounts.main.us: Binance.US is not supported yet; write us = false, or leave the key out",
    );
}

#[test]
fn contradictions() {
    added(
        SIMULATED,
        "oms_type = \"HEDGING\"\nuse_position_ids = false",
        "5:20: accounts.main.use_position_ids: is false with oms_type = \"HEDGING\"; write true",
    );
    added(
        SIMULATED,
        "max_retries = 4",
        "4:15: accounts.main.max_retries: 4 is more than 3; write 3 or less, or say it twice: allow_many_retries = true",
    );
    added(
        SIMULATED,
        "retry_delay_initial_ms = 2000",
        "4:26: accounts.main.retry_delay_initial_ms: 2000 is more than retry_delay_max_ms 1000",
    );
    added(
        SIMULATED,
        "limits = { order_notional_max = 600000 }",
        "4:33: accounts.main.limits.order_notional_max: 600000 is more than position_notional_max 500000",
    );
    added(
        SIMULATED,
        "shared_instruments = [\"XRPUSDT-PERP.BINANCE\"]",
        "4:23: accounts.main.shared_instruments: XRPUSDT-PERP.BINANCE is not among the instruments of this account",
    );
    added(
        SIMULATED,
        "api_key = { env = \"A\", file = \"b\" }",
        "4:31: accounts.main.api_key.file: stands beside env; keep one of the two",
    );
    added(SIMULATED, "api_secret = { env = \"BINANCE_SIM_API_KEY\" }", "4:14: accounts.main.api_secret: is the same as the key");
    added(
        SIMULATED,
        "api_key = { env = \"NOWHERE\" }",
        "4:11: accounts.main.api_key: variable NOWHERE is not set; set it: export NOWHERE=...",
    );
    added(
        SIMULATED,
        "environment = \"live\"",
        "4:15: accounts.main.environment: \"live\" in a simulated node; write \"simulated\", or change the profile at the top",
    );
    changed(
        SIMULATED,
        "http://127.0.0.1:9443",
        "https://fapi.binance.com",
        "4:17: accounts.main.base_url_http: `https://fapi.binance.com` is not an address of this machine; write http://127.0.0.1:PORT; a simulated node sends nothing elsewhere",
    );
    changed(
        SIMULATED,
        "base_url_ws = \"ws://127.0.0.1:9443\"\n",
        "",
        "2:11: accounts.main.base_url_ws: is missing; write the address of the built-in exchange: base_url_ws = \"ws://127.0.0.1:9443\"",
    );
    changed(
        SIMULATED,
        "\"ETHUSDT-PERP.BINANCE\"",
        "\"BTCUSDT-PERP.BINANCE\"",
        "6:40: accounts.main.instruments: BTCUSDT-PERP.BINANCE stands here twice; delete one of them",
    );
    changed(
        SIMULATED,
        "\"ETHUSDT-PERP.BINANCE\"",
        "\"ETHUSDT-PERP.OKX\"",
        "6:40: accounts.main.instruments: ETHUSDT-PERP.OKX is of venue OKX; write ETHUSDT-PERP.BINANCE, or give it an account at its own venue",
    );
    changed(
        SIMULATED,
        "instruments = [\"BTCUSDT-PERP.BINANCE\"]\n",
        "instruments = [\"XRPUSDT-PERP.BINANCE\"]\n",
        "10:16: strategies[0].instruments: XRPUSDT-PERP.BINANCE is not among the instruments of account main; add it to accounts.main.instruments, or delete it here",
    );
}

const SECOND: &str = "[[strategies]]\nid = \"b\"\nkind = \"k\"\ninstruments = [\"BTCUSDT-PERP.BINANCE\"]\n";

#[test]
fn one_instrument_has_one_owner_in_netting() {
    let two = format!("{SIMULATED}{SECOND}");
    assert_eq!(
        mistakes(&two),
        "14:16: strategies[1].instruments: BTCUSDT-PERP.BINANCE is traded by strategy a, too, and in NETTING they share one position; give it to one of them, or add it to accounts.main.shared_instruments"
    );
    let hedging = two.replacen("venue =", "oms_type = \"HEDGING\"\nvenue =", 1);
    assert_eq!(mistakes(&hedging), "");
    let shared = two.replacen("venue =", "shared_instruments = [\"BTCUSDT-PERP.BINANCE\"]\nvenue =", 1);
    assert_eq!(mistakes(&shared), "");
    let same = shared.replace("id = \"b\"", "id = \"a\"");
    assert_eq!(
        mistakes(&same),
        "12:1: strategies[1].id: `a` is the id of another strategy, too; give each strategy its own: its orders are known by it"
    );
    let claims = shared.replace("kind = \"k\"", "kind = \"k\"\nexternal_order_claims = [\"BTCUSDT-PERP.BINANCE\"]");
    assert_eq!(
        mistakes(&claims),
        "16:26: strategies[1].external_order_claims: foreign orders of BTCUSDT-PERP.BINANCE are claimed by strategy a, too; let one of them claim it"
    );
}

#[test]
fn accounts_have_their_own_numbers() {
    let second = SIMULATED.replace(
        "[[strategies]]",
        "[accounts.other]\nvenue = \"sim\"\nnumber = 2\ninstruments = []\n[[strategies]]\naccount = \"main\"",
    );
    let numbered = second.replacen("venue =", "number = 1\nvenue =", 1);
    assert_eq!(mistakes(&numbered), "");
    assert!(mistakes(&second).starts_with("2:11: accounts.main.number: is missing; there is more than one account"));
    let equal = numbered.replace("number = 2", "number = 1");
    assert_eq!(
        mistakes(&equal),
        "10:10: accounts.other.number: 1 is also the number of account main; give each account its own: it stands in client order ids"
    );
    let unsaid = numbered.replace("account = \"main\"\n", "");
    assert_eq!(
        mistakes(&unsaid),
        "12:1: strategies[0].account: is missing; there is more than one account: write one of main, other"
    );
    let wrong = numbered.replace("account = \"main\"", "account = \"mine\"");
    assert_eq!(mistakes(&wrong), "13:11: strategies[0].account: `mine` is no account of this file; known: main, other");
}

#[test]
fn limits_of_money_have_no_default() {
    let text = PRODUCTION.replace(
        "limits = { order_notional_max = 1000, position_notional_max = 5000, open_orders_max = 20, collar = 0.05, daily_loss_max = 200 }\n",
        "",
    );
    let told = mistakes(&text);
    for key in ["order_notional_max", "position_notional_max", "open_orders_max", "collar", "daily_loss_max"] {
        let line =
            format!("5:11: accounts.main.limits.{key}: is missing; limits of money have no default in a production node: write ");
        assert!(told.contains(&line), "{key} in {told}");
    }
    assert_eq!(told.lines().count(), 5);
    let testnet = "profile = \"testnet\"\ntrader_id = \"T\"\n[accounts.a]\nvenue = \"binance\"\ninstruments = []\n";
    assert_eq!(mistakes(testnet).matches("have no default in a testnet node").count(), 5);
    changed(
        PRODUCTION,
        "collar = 0.05, ",
        "",
        "9:10: accounts.main.limits.collar: is missing; limits of money have no default in a production node: write how far a market order may pay from the reference price, as a fraction: 0.05",
    );
}

#[test]
fn a_production_node_leaves_nothing_to_chance() {
    for (from, to, expected) in [
        (
            "oms_type = \"HEDGING\"\n",
            "",
            "5:11: accounts.main.oms_type: is missing; a production node does not guess: write oms_type = \"NETTING\" or \"HEDGING\"",
        ),
        ("trader_id = \"DESK-1\"\n", "", "1:1: trader_id: is missing; write trader_id = \"...\": the name of who trades"),
        (
            "single_copy_reason = \"the disk is mirrored\"\n",
            "",
            "3:1: journal.single_copy_reason: is missing: a file journal is the only copy of the books; write why one copy is enough, for example \"disk is mirrored\"",
        ),
        (
            "[journal]\n",
            "[journal]\ndurability = \"os\"\n",
            "4:14: journal.durability: \"os\" loses orders in a power cut; write \"sync\", or say it twice: allow_os_durability = true",
        ),
        (
            "[journal]\n",
            "[execution]\nreconciliation = false\n[journal]\n",
            "4:18: execution.reconciliation: is off; a production node compares its books with the venue before it trades: write true",
        ),
        (
            "[journal]\n",
            "[execution]\nreconciliation_startup_delay_secs = 9.9\n[journal]\n",
            "4:37: execution.reconciliation_startup_delay_secs: is below 10 s; write 10.0 or more: orders in flight before a crash settle in that time",
        ),
        (
            "[journal]\n",
            "[execution]\nsweep_interval_secs = 0\n[journal]\n",
            "4:23: execution.sweep_interval_secs: is off; a production node compares its books again and again: write 60.0",
        ),
        (
            "oms_type",
            "engine_margin_ms = 1999\noms_type",
            "7:20: accounts.main.engine_margin_ms: 1999 is below 2000; write 2000 or more: a shorter wait can take a living order for dead",
        ),
        (
            "oms_type",
            "conditional_engine_margin_ms = 0\noms_type",
            "7:32: accounts.main.conditional_engine_margin_ms: 0 is below 10000; write 10000 or more: a shorter wait can take a living order for dead",
        ),
        (
            "oms_type",
            "visibility_ms = 10\noms_type",
            "7:17: accounts.main.visibility_ms: 10 is below 1000; write 1000 or more: a shorter wait can take a living order for dead",
        ),
        (
            "oms_type",
            "environment = \"testnet\"\noms_type",
            "7:15: accounts.main.environment: \"testnet\" in a production node; write \"live\", or change the profile at the top",
        ),
        (
            "oms_type",
            "base_url_http = \"http://127.0.0.1:1\"\noms_type",
            "7:17: accounts.main.base_url_http: is an address of one's own; delete it: testnet and live addresses are built in",
        ),
        (
            "futures_leverages = { \"BTCUSDT-PERP.BINANCE\" = 3 }\n",
            "",
            "5:11: accounts.main.futures_leverages: has no leverage for BTCUSDT-PERP.BINANCE; write it for every traded instrument: a production node does not trade at whatever leverage it finds",
        ),
    ] {
        changed(PRODUCTION, from, to, expected);
    }
    let twice = PRODUCTION.replace("[journal]\n", "[journal]\ndurability = \"os\"\nallow_os_durability = true\n");
    assert_eq!(mistakes(&twice), "");
}

#[test]
fn broken_toml_is_told_with_its_place() {
    let told = mistakes("profile = \"simulated\"\nx = 1 2\ny = \"open\nz = = 3");
    let lines: Vec<&str> = told.lines().collect();
    assert!(lines.len() >= 3, "{told}");
    for (line, starts) in lines.iter().zip(["2:", "3:", "4:"]) {
        assert!(line.starts_with(starts), "{told}");
    }
    assert!(mistakes("a = 1\na = 2\n").starts_with("2:1: duplicate key"), "{}", mistakes("a = 1\na = 2\n"));
    assert!(mistakes("").contains("1:1: profile: is missing"));
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_file() {
    let text = "profile = \"production\"\nnothing = 1\n[logging]\nlevel = \"loud\"\n[accounts.main]\nvenue = 5\nus = true\nmax_retries = 12\n";
    let told = mistakes(text);
    let lines: Vec<usize> = told.lines().map(|l| l.split(':').next().unwrap().parse().unwrap()).collect();
    assert!(lines.is_sorted());
    for part in [
        "nothing: is not",
        "logging.level",
        "main.venue",
        "main.us",
        "main.max_retries",
        "main.instruments: is missing",
        "main.oms_type",
        "limits.collar",
        "trader_id: is missing",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn a_program_of_one_profile_takes_no_other() {
    let told = NodeConfig::read_as(SIMULATED, &around(), Some(Profile::Production)).unwrap_err().to_string();
    assert_eq!(told, "1:11: profile: is simulated, and this program runs production only; use the file that is meant for it");
    assert!(NodeConfig::read_as(SIMULATED, &around(), Some(Profile::Simulated)).is_ok());
}

#[test]
fn protection() {
    let strategy = |line: &str| format!("{SIMULATED}{line}\n");
    for good in ["protection = \"rearm\"", "protection = \"alert\"\ntime_to_protect_max_ms = 5000"] {
        assert_eq!(mistakes(&strategy(good)), "", "{good}");
    }
    for (line, expected) in [
        (
            "protection = \"exitt\"",
            "11:14: strategies[0].protection: `exitt` is not known; did you mean \"exit\"? Known: \"exit\", \"rearm\", \"alert\"",
        ),
        ("protction = \"exit\"", "11:1: strategies[0].protction: is not a known key; did you mean `protection`?"),
        (
            "time_to_protect_max_ms = 5",
            "11:26: strategies[0].time_to_protect_max_ms: 5 is out of bounds; write a whole number from 100 to 60000",
        ),
        (
            "time_to_protect_ms = 500",
            "11:1: strategies[0].time_to_protect_ms: is not a known key; did you mean `time_to_protect_max_ms`?",
        ),
    ] {
        assert_eq!(mistakes(&strategy(line)), expected, "{line}");
    }
}

#[test]
fn whether_limits_are_warned_of_is_yes_or_no() {
    added(SIMULATED, "warn_rate_limits = 80", "4:20: accounts.main.warn_rate_limits: ");
}

#[test]
fn limits_of_instruments_and_strategies() {
    let with = |lines: &str| {
        let text = SIMULATED.replace("[accounts.main]\n", &format!("[accounts.main]\n{lines}\n"));
        assert_ne!(text, SIMULATED);
        mistakes(&text)
    };
    let instrument = |keys: &str| with(&format!("limits = {{ instruments = {{ \"BTCUSDT-PERP.BINANCE\" = {{ {keys} }} }} }}"));
    assert_eq!(instrument("order_qty_max = 0.5, collar = 0.01, open_orders_max = 3, orders_per_second_max = 2"), "");
    for (told, expected) in [
        (instrument("order_qty_max = 0"), "order_qty_max: 0 is out of bounds"),
        (instrument("order_qty = 1"), "order_qty: is not a known key; did you mean `order_qty_max`?"),
        (instrument("collar = 0.9"), "collar: 0.9 is out of bounds"),
        (with("limits = { instruments = { \"XUSDT-PERP.BINANCE\" = { order_qty_max = 1 } } }"), "XUSDT-PERP.BINANCE"),
        (with("limits = { daily_loss_max = 0 }"), "limits.daily_loss_max: 0 is out of bounds"),
        (with("limits = { margin_ratio_max = 1.5 }"), "limits.margin_ratio_max: 1.5 is out of bounds"),
        (with("limits = { orders_per_second_max = 0 }"), "limits.orders_per_second_max: 0 is out of bounds"),
        (
            mistakes(&format!("{SIMULATED}limits = {{ order_qty_max = 1 }}\n")),
            "strategies[0].limits.order_qty_max: is not a known key",
        ),
        (
            mistakes(&format!("{SIMULATED}limits = {{ open_orders_max = 0 }}\n")),
            "strategies[0].limits.open_orders_max: 0 is out of",
        ),
    ] {
        assert!(told.contains(expected), "{expected} in {told}");
    }
    assert_eq!(mistakes(&format!("{SIMULATED}limits = {{ order_notional_max = 10, orders_per_minute_max = 5 }}\n")), "");
}

#[test]
fn breakers() {
    let with = |keys: &str| mistakes(&format!("{SIMULATED}\n[execution]\nbreakers = {{ {keys} }}\n"));
    assert_eq!(with("refusals_in_a_row = 0, slow_calls = 5"), "");
    for (keys, expected) in [
        (
            "same_order_per_second = 64",
            "execution.breakers.same_order_per_second: 64 is out of bounds; write a whole number from 0 to 63",
        ),
        ("refusals_in_row = 5", "execution.breakers.refusals_in_row: is not a known key; did you mean `refusals_in_a_row`?"),
    ] {
        assert!(with(keys).contains(expected), "{}", with(keys));
    }
}
