//! `[journal.redis]`: complete or told, and no password shown.

use crate::{Around, around, mistakes};
use exec_journal::Ack;
use node_config::NodeConfig;
use std::path::PathBuf;

const FILE: &str = r#"profile = "simulated"
[journal]
kind = "redis"
[journal.redis]
url = "rediss://r.example.org:6380/2"
ack = "shared"
user = { env = "U" }
password = { file = "p.txt" }
ca_file = "ca.pem"
[accounts.main]
venue = "binance"
base_url_http = "http://127.0.0.1:9443"
base_url_ws = "ws://127.0.0.1:9443"
instruments = ["BTCUSDT-PERP.BINANCE"]
"#;

const PASSWORD: &str = "sesame-9f3c-opens";

fn given() -> Around {
    let mut around = around();
    around.variables.insert("U".into(), "node".into());
    around.files.insert(PathBuf::from("p.txt"), format!("{PASSWORD}\n"));
    around
}

fn told(text: &str) -> String {
    NodeConfig::read(text, &given()).map_or_else(|mistakes| mistakes.to_string(), |_| String::new())
}

#[test]
fn a_good_table_is_read_and_shown_without_the_password() {
    let config = NodeConfig::read(FILE, &given()).unwrap();
    let redis = config.journal.redis.as_ref().unwrap();
    assert_eq!((redis.ack, redis.lag_max_records, redis.lag_max_ms, redis.replicas), (Ack::Shared, 10_000, 2_000, 0));
    let (shown, debugged) = (config.render(), format!("{config:?}"));
    assert!(!shown.contains(PASSWORD) && !debugged.contains(PASSWORD));
    assert!(shown.contains("password = { file = \"p.txt\" }"), "{shown}");
    assert!(shown.contains("# nothing that was acknowledged is lost with this machine"), "{shown}");
    assert_eq!(NodeConfig::read(&shown, &given()).unwrap().render(), shown);
    let local = NodeConfig::read(&FILE.replace("shared", "local"), &given()).unwrap().render();
    assert!(local.contains("# what Redis does not have yet is lost with this machine"), "{local}");
}

#[test]
fn every_mistake_is_told_with_what_to_write() {
    assert_eq!(told(FILE), "");
    for (from, to, expected) in [
        (
            "rediss://r.",
            "rediss://node:sesame-9f3c-opens@r.",
            "5:7: journal.redis.url: holds a user or a password; write redis://HOST:PORT/DB",
        ),
        ("rediss://r.", "http://r.", "5:7: journal.redis.url: begins with neither redis:// nor rediss://;"),
        ("6380/2", "6380/2?timeout=1", "5:7: journal.redis.url: has something behind the database;"),
        ("url = \"rediss://r.example.org:6380/2\"\n", "", "4:1: journal.redis.url: is missing; write url = "),
        ("\"shared\"", "\"share\"", "6:7: journal.redis.ack: `share` is not known; did you mean \"shared\"?"),
        ("kind = \"redis\"", "kind = \"file\"", "3:8: journal.kind: is \"file\", and [journal.redis] is there;"),
        ("ack = \"shared\"", "lag_max_ms = 5", "6:14: journal.redis.lag_max_ms: 5 is out of bounds;"),
        ("ack = \"shared\"", "key_prefix = \"a b\"", "6:14: journal.redis.key_prefix: is no prefix of keys;"),
        ("password = { file = \"p.txt\" }\n", "", "journal.redis.password: is missing, and there is a user;"),
        (
            "password = { file = \"p.txt\" }",
            "password = \"sesame-9f3c-opens\"",
            "8:12: journal.redis.password: is a text, and a key or secret",
        ),
        ("env = \"U\"", "env = \"V\"", "7:8: journal.redis.user: variable V is not set; set it: export V="),
        ("rediss://r.", "redis://r.", "9:11: journal.redis.ca_file: is for TLS, and the address is redis://;"),
    ] {
        let told = told(&FILE.replace(from, to));
        assert!(told.contains(expected), "{told}");
        assert!(!told.contains(PASSWORD), "{told}");
    }
    let missing = FILE.split("[journal.redis]").next().unwrap().to_owned() + &FILE[FILE.find("[accounts").unwrap()..];
    assert!(mistakes(&missing).contains("journal.kind: is \"redis\", and [journal.redis] is missing;"), "{}", mistakes(&missing));
}

#[test]
fn a_production_node_with_a_copy_needs_no_reason_for_one_copy() {
    let file = FILE.replace("simulated", "production");
    assert!(!told(&file).contains("single_copy_reason"), "{}", told(&file));
}
