//! No key and no secret is shown, whatever is printed.

use crate::{Around, KEY, SECRET, around};
use node_config::NodeConfig;
use std::path::PathBuf;

const FILE: &str = r#"
profile = "simulated"
[accounts.main]
venue = "binance"
base_url_http = "http://127.0.0.1:9443"
base_url_ws = "ws://127.0.0.1:9443"
instruments = ["BTCUSDT-PERP.BINANCE"]
api_key = { env = "K" }
api_secret = { file = "s.txt" }
"#;

fn hidden(shown: &str) {
    for secret in [KEY, SECRET] {
        for part in [secret, &secret[..12], &secret[40..]] {
            assert!(!shown.contains(part), "{shown}");
        }
    }
}

fn given(key: &str, secret: &str) -> Around {
    let mut around = Around::default();
    around.variables.insert("K".into(), key.into());
    around.files.insert(PathBuf::from("s.txt"), secret.into());
    around
}

#[test]
fn promise_p17_a_good_config_shows_where_they_come_from_and_not_what_they_are() {
    let config = NodeConfig::read(FILE, &given(KEY, SECRET)).unwrap();
    let (rendered, debugged) = (config.render(), format!("{config:?} {config:#?}"));
    hidden(&rendered);
    hidden(&debugged);
    assert!(rendered.contains("api_key = { env = \"K\" }"), "{rendered}");
    assert!(rendered.contains("api_secret = { file = \"s.txt\" }"), "{rendered}");
}

#[test]
fn a_bad_secret_is_not_repeated() {
    let broken = format!("{SECRET} {KEY}");
    let same = (KEY, KEY);
    for (key, secret) in [(broken.as_str(), SECRET), (KEY, broken.as_str()), same] {
        let mistakes = NodeConfig::read(FILE, &given(key, secret)).unwrap_err();
        hidden(&format!("{mistakes} {mistakes:?}"));
    }
}

#[test]
fn a_secret_in_the_file_is_refused_and_not_repeated() {
    let text = FILE.replace("{ env = \"K\" }", &format!("\"{KEY}\""));
    let mistakes = NodeConfig::read(&text, &given(KEY, SECRET)).unwrap_err();
    hidden(&format!("{mistakes} {mistakes:?}"));
    assert!(
        mistakes.to_string().contains("accounts.main.api_key: is a text, and a key or secret does not belong into this file")
    );
}

#[test]
fn a_placeholder_is_refused() {
    for placeholder in ["changeme", "<your key>", "YOUR_API_KEY", "xxxxxxxx"] {
        let mistakes = NodeConfig::read(FILE, &given(placeholder, SECRET)).unwrap_err().to_string();
        assert!(mistakes.starts_with("8:11: accounts.main.api_key: what stands in variable K "), "{mistakes}");
    }
}

#[test]
fn real_keys_must_look_like_real_ones() {
    let text = "profile = \"testnet\"\n";
    let mut around = around();
    around.variables.insert("BINANCE_TESTNET_API_KEY".into(), "sim-key".into());
    let text = format!("{text}trader_id = \"T\"\n[accounts.a]\nvenue = \"binance\"\ninstruments = []\n");
    let mistakes = NodeConfig::read(&text, &around).unwrap_err().to_string();
    assert!(mistakes.contains("variable BINANCE_TESTNET_API_KEY is too short"), "{mistakes}");
}
