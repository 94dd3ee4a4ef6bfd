//! What contradicts what in a config file, and what a profile refuses. Not what a single key may say: that is `read` and `account`.

use crate::{
    account::{self, BINANCE, CONDITIONAL_ENGINE_MARGIN_MS, ENGINE_MARGIN_MS, VISIBILITY_MS},
    config::{AccountConfig, Durability, ExecutionConfig, JournalConfig},
    profile::{Environment, Profile},
    read::StrategyRead,
    section::{Found, Section, shown},
};
use exec_core::{
    ids::{AccountId, InstrumentId},
    units::PositionMode,
};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) fn check(
    root: &Section<'_>,
    profile: Profile,
    journal: &JournalConfig,
    execution: &ExecutionConfig,
    accounts: &[account::Read],
    strategies: &[StrategyRead],
) {
    if profile == Profile::Production {
        production(root, journal, execution);
    }
    for account in accounts {
        instruments_of(root, account);
        let Some(config) = &account.config else { continue };
        let wrong = |key: &str, what: String, advice: &str| {
            root.wrong_at(account.places.of(key), &format!("{}.{key}", account.key), what, advice);
        };
        place(&wrong, profile, config);
        patience(&wrong, config);
        if profile == Profile::Production {
            production_account(&wrong, config);
        }
    }
    numbers(root, accounts);
    owners(root, accounts, strategies);
}

/// What a production node refuses for all of its accounts.
fn production(root: &Section<'_>, journal: &JournalConfig, execution: &ExecutionConfig) {
    let wrong = |table: &str, key: &str, what: &str, advice: &str| {
        root.wrong_at(root.place_in(table, key), &format!("{table}.{key}"), what, advice);
    };
    if journal.durability == Durability::Os && !journal.allow_os_durability {
        wrong(
            "journal",
            "durability",
            "\"os\" loses orders in a power cut",
            "write \"sync\", or say it twice: allow_os_durability = true",
        );
    }
    if journal.kind == "file" && journal.single_copy_reason.is_none() {
        wrong(
            "journal",
            "single_copy_reason",
            "is missing: a file journal is the only copy of the books",
            "write why one copy is enough, for example \"disk is mirrored\"",
        );
    }
    if !execution.reconciliation {
        wrong(
            "execution",
            "reconciliation",
            "is off",
            "a production node compares its books with the venue before it trades: write true",
        );
    }
    if execution.startup_delay_ms < 10_000 {
        wrong(
            "execution",
            "reconciliation_startup_delay_secs",
            "is below 10 s",
            "write 10.0 or more: orders in flight before a crash settle in that time",
        );
    }
    if execution.sweep_interval_ms == 0 {
        wrong("execution", "sweep_interval_secs", "is off", "a production node compares its books again and again: write 60.0");
    }
}

type Wrong<'w> = dyn Fn(&str, String, &str) + 'w;

/// The profile, the environment and the addresses must mean the same network.
fn place(wrong: &Wrong<'_>, profile: Profile, config: &AccountConfig) {
    let expected = Environment::of(profile);
    if config.environment != expected {
        let what = format!("\"{}\" in a {profile} node", config.environment.word());
        wrong("environment", what, &format!("write \"{}\", or change the profile at the top", expected.word()));
        return;
    }
    let urls = [("base_url_http", &config.base_url_http, "http://"), ("base_url_ws", &config.base_url_ws, "ws://")];
    for (key, url, scheme) in urls {
        match (url, config.environment) {
            (Some(_), Environment::Testnet | Environment::Live) => {
                wrong(key, "is an address of one's own".to_owned(), "delete it: testnet and live addresses are built in");
            }
            (None, Environment::Simulated) if config.venue == BINANCE => {
                let what = "is missing".to_owned();
                wrong(key, what, &format!("write the address of the built-in exchange: {key} = \"{scheme}127.0.0.1:9443\""));
            }
            (Some(url), Environment::Simulated) if !is_loopback(url, scheme) => {
                let what = format!("`{}` is not an address of this machine", shown(url));
                wrong(key, what, &format!("write {scheme}127.0.0.1:PORT; a simulated node sends nothing elsewhere"));
            }
            _ => (),
        }
    }
}

/// `scheme://127.x.x.x:port`, `localhost` or `[::1]`, with nothing behind it.
fn is_loopback(url: &str, scheme: &str) -> bool {
    let Some(authority) = url.strip_prefix(scheme) else { return false };
    let authority = authority.strip_suffix('/').unwrap_or(authority);
    if let Ok(address) = authority.parse::<std::net::SocketAddr>() {
        return address.ip().is_loopback() && address.port() != 0;
    }
    authority.strip_prefix("localhost:").is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
}

fn patience(wrong: &Wrong<'_>, config: &AccountConfig) {
    if config.max_retries > 3 && !config.allow_many_retries {
        wrong(
            "max_retries",
            format!("{} is more than 3", config.max_retries),
            "write 3 or less, or say it twice: allow_many_retries = true",
        );
    }
    if config.retry_delay_initial_ms > config.retry_delay_max_ms {
        let what = format!("{} is more than retry_delay_max_ms {}", config.retry_delay_initial_ms, config.retry_delay_max_ms);
        wrong("retry_delay_initial_ms", what, "the first delay may not be longer than the longest");
    }
    if config.oms_type == PositionMode::Hedging && !config.use_position_ids {
        wrong(
            "use_position_ids",
            "is false with oms_type = \"HEDGING\"".to_owned(),
            "write true: without ids the two legs of an instrument are one",
        );
    }
}

fn production_account(wrong: &Wrong<'_>, config: &AccountConfig) {
    let margins = [
        ("engine_margin_ms", config.engine_margin_ms, ENGINE_MARGIN_MS),
        ("conditional_engine_margin_ms", config.conditional_engine_margin_ms, CONDITIONAL_ENGINE_MARGIN_MS),
        ("visibility_ms", config.visibility_ms, VISIBILITY_MS),
    ];
    for (key, value, least) in margins {
        if value < least {
            let advice = format!("write {least} or more: a shorter wait can take a living order for dead");
            wrong(key, format!("{value} is below {least}"), &advice);
        }
    }
    let missing: Vec<&str> =
        config.instruments.iter().filter(|i| !config.leverages.contains_key(*i)).map(InstrumentId::as_str).collect();
    if !missing.is_empty() {
        let advice = "write it for every traded instrument: a production node does not trade at whatever leverage it finds";
        wrong("futures_leverages", format!("has no leverage for {}", missing.join(", ")), advice);
    }
}

/// Every instrument that an account speaks of is one that it trades, and one of its venue.
fn instruments_of(root: &Section<'_>, account: &account::Read) {
    let traded: BTreeSet<&InstrumentId> = account.instruments.iter().map(|i| &i.value).collect();
    let shared = account.shared.iter().map(|i| ("shared_instruments", i));
    for (key, found) in shared.chain(account.settings.iter().map(|(key, i)| (*key, i))) {
        if !traded.contains(&found.value) {
            let what = format!("{} is not among the instruments of this account", found.value);
            root.wrong_at(found.at, &format!("{}.{key}", account.key), what, "add it to instruments, or delete it here");
        }
    }
    // What another venue calls its instruments is for its adapter to know.
    let is_binance = account.config.as_ref().is_some_and(|config| config.venue == BINANCE);
    for found in account.instruments.iter().filter(|i| is_binance && i.value.venue() != "BINANCE") {
        let what = format!("{} is of venue {}", found.value, found.value.venue());
        let advice = format!("write {}-PERP.BINANCE, or give it an account at its own venue", found.value.symbol());
        root.wrong_at(found.at, &format!("{}.instruments", account.key), what, advice);
    }
}

fn numbers(root: &Section<'_>, accounts: &[account::Read]) {
    let mut taken: BTreeMap<u16, &AccountId> = BTreeMap::new();
    for account in accounts {
        if let Some(other) = taken.insert(account.number, &account.id.value)
            && accounts.len() > 1
        {
            let what = format!("{} is also the number of account {other}", account.number);
            root.wrong_at(
                account.places.of("number"),
                &format!("{}.number", account.key),
                what,
                "give each account its own: it stands in client order ids",
            );
        }
    }
}

/// Who may trade what: names once, instruments within the account, one owner of each in NETTING.
fn owners(root: &Section<'_>, accounts: &[account::Read], strategies: &[StrategyRead]) {
    let mut names = BTreeSet::new();
    let mut owners: BTreeMap<(&AccountId, &InstrumentId), &StrategyRead> = BTreeMap::new();
    let mut claimed: BTreeMap<(&AccountId, &InstrumentId), &StrategyRead> = BTreeMap::new();
    for strategy in strategies {
        let entry = &strategy.entry;
        if !names.insert(&entry.id) {
            root.wrong_at(
                strategy.at,
                &format!("{}.id", strategy.key),
                format!("`{}` is the id of another strategy, too", entry.id),
                "give each strategy its own: its orders are known by it",
            );
        }
        let Some(account) = accounts.iter().find(|a| a.id.value == entry.account) else { continue };
        within(root, accounts, account, strategy, "instruments", &strategy.instruments);
        within(root, accounts, account, strategy, "external_order_claims", &strategy.claims);
        for found in &strategy.instruments {
            let shared = account.mode == Some(PositionMode::Hedging) || account.shared.iter().any(|s| s.value == found.value);
            if let Some(other) = owners.insert((&account.id.value, &found.value), strategy)
                && !shared
            {
                let what = format!(
                    "{} is traded by strategy {}, too, and in NETTING they share one position",
                    found.value, other.entry.id
                );
                let advice = format!("give it to one of them, or add it to {}.shared_instruments", account.key);
                root.wrong_at(found.at, &format!("{}.instruments", strategy.key), what, advice);
            }
        }
        for found in &strategy.claims {
            if let Some(other) = claimed.insert((&account.id.value, &found.value), strategy) {
                let what = format!("foreign orders of {} are claimed by strategy {}, too", found.value, other.entry.id);
                root.wrong_at(found.at, &format!("{}.external_order_claims", strategy.key), what, "let one of them claim it");
            }
        }
    }
}

fn within(
    root: &Section<'_>,
    accounts: &[account::Read],
    account: &account::Read,
    strategy: &StrategyRead,
    key: &str,
    named: &[Found<InstrumentId>],
) {
    for found in named.iter().filter(|found| account.instruments.iter().all(|i| i.value != found.value)) {
        let what = format!("{} is not among the instruments of account {}", found.value, account.id.value);
        let add = format!("add it to {}.instruments", account.key);
        let other = accounts.iter().find(|a| a.instruments.iter().any(|i| i.value == found.value));
        let advice = match other {
            Some(other) => format!("it is one of account {0}: write account = \"{0}\", or {add}", other.id.value),
            None => format!("{add}, or delete it here"),
        };
        root.wrong_at(found.at, &format!("{}.{key}", strategy.key), what, &advice);
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn only_this_machine_is_loopback() {
        for good in ["http://127.0.0.1:80", "http://127.9.9.9:1/", "http://localhost:9443", "http://[::1]:5"] {
            assert!(is_loopback(good, "http://"), "{good}");
        }
        for bad in [
            "http://127.0.0.1",
            "http://10.0.0.1:80",
            "https://127.0.0.1:80",
            "http://localhost.evil.com:80",
            "http://127.0.0.1:80@evil.com",
            "http://127.0.0.1:80/x",
            "http://0.0.0.0:80",
            "http://localhost:0",
            "",
            "127.0.0.1:80",
        ] {
            assert!(!is_loopback(bad, "http://"), "{bad}");
        }
    }
}
