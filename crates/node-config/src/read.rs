//! Reads a config file into a `NodeConfig`, or into all of its mistakes. Meanings of single keys; what contradicts what is `contradiction`.

use crate::{
    account,
    config::{Durability, ExecutionConfig, JournalConfig, LogFormat, LogLevel, LoggingConfig, NodeConfig, StrategyEntry},
    contradiction, dead_man,
    factory::Names,
    limits,
    mistake::{Findings, Mistakes},
    profile::Profile,
    secret::Surroundings,
    section::{Found, Section, shown},
};
use exec_core::{
    cl_ord_id::Tag,
    engine::breaker::Breakers,
    engine::config::{ProtectionPolicy, StreamCare},
    ids::{AccountId, InstrumentId, StrategyId},
    nearest::nearest,
};
use exec_runtime::OnExit;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};
use toml::de::DeTable;

/// What a clean end does with open orders, with the words for it.
pub(crate) const ON_EXIT: [(&str, OnExit); 3] =
    [("leave", OnExit::Leave), ("cancel_entries", OnExit::CancelEntries), ("cancel_all", OnExit::CancelAll)];
/// What is done when a protective order does not protect, with the words for it.
pub(crate) const PROTECTION: [(&str, ProtectionPolicy); 3] =
    [("exit", ProtectionPolicy::Exit), ("rearm", ProtectionPolicy::Rearm), ("alert", ProtectionPolicy::Alert)];
/// How long a bracket's stop may take to be acknowledged where the file says nothing.
pub(crate) const TIME_TO_PROTECT_MAX_MS: u64 = 2_000;
/// Closed segments that are kept where the file says nothing.
const SEGMENTS_KEPT: u32 = exec_journal::SEGMENTS_KEPT as u32;
/// What stands in front of client order ids where the file says nothing.
const TAG: &str = "EXEC";

impl NodeConfig {
    /// Reads a config file's text. Secrets are fetched through `around`.
    ///
    /// # Errors
    /// [`Mistakes`]: all of them, each with its place and what to do.
    ///
    /// ```
    /// use node_config::{NodeConfig, Process};
    ///
    /// let mistakes = NodeConfig::read("profile = \"simulatd\"", &Process::beside(".".into())).unwrap_err();
    /// assert!(mistakes.to_string().contains("1:11: profile: `simulatd` is not known; did you mean \"simulated\"?"));
    /// ```
    pub fn read(text: &str, around: &dyn Surroundings) -> Result<Self, Mistakes> {
        Self::read_as(text, around, None)
    }

    /// Reads a config file's text, which must be of this profile.
    ///
    /// # Errors
    /// [`Mistakes`]: all of them, each with its place and what to do.
    pub fn read_as(text: &str, around: &dyn Surroundings, wanted: Option<Profile>) -> Result<Self, Mistakes> {
        Self::read_with(text, around, wanted, None)
    }

    pub(crate) fn read_with(
        text: &str,
        around: &dyn Surroundings,
        wanted: Option<Profile>,
        names: Option<&Names>,
    ) -> Result<Self, Mistakes> {
        let (table, broken) = DeTable::parse_recoverable(text);
        let findings = Findings::new(text);
        for error in &broken {
            let at = error.span().map_or(0, |span| span.start);
            let what = error.message().lines().collect::<Vec<_>>().join(", ");
            findings.add(at, "", what, "mend the TOML here; keys and values look like `key = \"text\"`, `key = 5`, `[table]`");
        }
        // Half a file has mistakes that are none.
        if !broken.is_empty() {
            findings.close()?;
            return Err(unreadable());
        }
        let config = node(&findings, table.get_ref(), around, wanted, names);
        findings.close()?;
        config.ok_or_else(unreadable)
    }
}

fn unreadable() -> Mistakes {
    Mistakes::one("cannot be read", "start from the documented example")
}

/// Every key that a config file may hold; `*` and `[]` stand for names and places that the file chooses.
pub fn known_keys() -> BTreeSet<String> {
    let text = "[accounts.a]\nvenue = \"binance\"\n[[strategies]]\nid = \"a\"\n";
    let table = DeTable::parse_recoverable(text).0;
    let findings = Findings::new(text);
    struct Nothing;
    impl Surroundings for Nothing {
        fn variable(&self, _name: &str) -> Option<String> {
            None
        }
        fn secret_file(&self, path: &std::path::Path) -> Result<secrecy::SecretString, crate::secret::SecretError> {
            Err(crate::secret::SecretError::Unset(path.display().to_string()))
        }
    }
    node(&findings, table.get_ref(), &Nothing, None, None);
    findings.known()
}

fn node(
    findings: &Findings<'_>,
    table: &DeTable<'_>,
    around: &dyn Surroundings,
    wanted: Option<Profile>,
    names: Option<&Names>,
) -> Option<NodeConfig> {
    let mut root = Section::root(findings, table);
    let profile = root.choice("profile", &Profile::WORDS);
    if !root.says("profile") {
        root.wrong("profile", "is missing", "write profile = \"simulated\", \"testnet\" or \"production\" at the top");
    }
    if let (Some(found), Some(wanted)) = (&profile, wanted)
        && found.value != wanted
    {
        root.wrong(
            "profile",
            format!("is {}, and this program runs {wanted} only", found.value),
            "use the file that is meant for it",
        );
    }
    // An unreadable profile is told once; the rest is read as if it were the mildest.
    let profile = profile.map_or(Profile::Simulated, |found| found.value);
    let defaults = profile.defaults();

    let trader_id = root.text("trader_id");
    match &trader_id {
        Some(found) if found.value.trim().is_empty() => root.wrong("trader_id", "is empty", "write the name of who trades"),
        None if defaults.trader_id.is_none() && !root.says("trader_id") => {
            root.wrong("trader_id", "is missing", "write trader_id = \"...\": the name of who trades");
        }
        _ => (),
    }
    let trader_id = trader_id.map_or_else(|| defaults.trader_id.unwrap_or_default().to_owned(), |found| found.value);
    let order_tag =
        root.parsed("order_tag", "write a short name in letters and digits, the same for all nodes of a fleet", Tag::new);
    let order_tag = order_tag.map(|found| found.value).or_else(|| Tag::new(TAG).ok());

    let journal = journal(root.section("journal"), around);
    let logging = logging(root.section("logging"));
    let execution = execution(root.section("execution"), profile);
    let accounts = accounts(&mut root, profile, around);
    let strategies = strategies(&mut root, profile, &accounts);
    if let Some(names) = names {
        registered(&root, names, &journal, &accounts, &strategies);
    }
    contradiction::check(&root, profile, &journal, &execution, &accounts, &strategies);
    root.finish();

    let mut accounts: BTreeMap<_, _> = accounts.into_iter().filter_map(|a| Some((a.id.value, a.config?))).collect();
    dead_man::fit(accounts.values_mut().map(|account| &mut account.dead_man));
    Some(NodeConfig {
        profile,
        trader_id,
        order_tag: order_tag?,
        journal,
        logging,
        execution,
        accounts,
        strategies: strategies.into_iter().map(|s| s.entry).collect(),
    })
}

/// Names must be registered; only a factory knows which are.
fn registered(
    root: &Section<'_>,
    names: &Names,
    journal: &JournalConfig,
    accounts: &[account::Read],
    strategies: &[StrategyRead],
) {
    let check = |at: usize, key: &str, what: &str, name: &str, known: &BTreeSet<String>| {
        if known.contains(name) {
            return;
        }
        let all: Vec<&str> = known.iter().map(String::as_str).collect();
        let advice = match nearest(name, all.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"? This program has: {}", all.join(", ")),
            None => format!("this program has: {}", if all.is_empty() { "none".to_owned() } else { all.join(", ") }),
        };
        root.wrong_at(at, key, format!("{what} `{}` is not in this program", shown(name)), advice);
    };
    check(root.place_in("journal", "kind"), "journal.kind", "journal", &journal.kind, &names.journals);
    for account in accounts {
        if let Some(config) = &account.config {
            check(account.places.of("venue"), &format!("{}.venue", account.key), "venue", &config.venue, &names.venues);
        }
    }
    for strategy in strategies {
        check(strategy.kind_at, &format!("{}.kind", strategy.key), "strategy", &strategy.entry.kind, &names.strategies);
    }
}

fn journal(
    mut s: Section<'_>,
    #[cfg_attr(not(feature = "redis"), expect(unused_variables))] around: &dyn Surroundings,
) -> JournalConfig {
    let kind = name(&mut s, "kind").unwrap_or_else(|| "file".to_owned());
    let directory = s.text("directory");
    if directory.as_ref().is_some_and(|d| d.value.is_empty()) {
        s.wrong("directory", "is empty", "write the folder in which the journals are kept");
    }
    let durability = s.choice("durability", &[("sync", Durability::Sync), ("os", Durability::Os)]);
    let allow_os_durability = s.flag("allow_os_durability", false);
    let reason = s.text("single_copy_reason");
    if reason.as_ref().is_some_and(|r| r.value.trim().is_empty()) {
        s.wrong("single_copy_reason", "is empty", "write why one copy is enough, or leave the key out");
    }
    #[cfg(feature = "redis")]
    let redis = crate::redis::read(&mut s, &kind, around);
    let journal = JournalConfig {
        kind,
        directory: PathBuf::from(directory.map_or_else(|| "journal".to_owned(), |d| d.value)),
        durability: durability.map_or(Durability::Sync, |d| d.value),
        allow_os_durability,
        single_copy_reason: reason.map(|r| r.value),
        snapshot_every_records: s.whole("snapshot_every_records", 1_000..=10_000_000).unwrap_or(100_000),
        segments_kept: whole_u32(&mut s, "segments_kept", 0, 100_000).unwrap_or(SEGMENTS_KEPT),
        #[cfg(feature = "redis")]
        redis,
    };
    s.finish();
    journal
}

fn logging(mut s: Section<'_>) -> LoggingConfig {
    let level = s.choice("level", &LogLevel::WORDS).map_or(LogLevel::Info, |l| l.value);
    let format = s.choice("format", &[("text", LogFormat::Text), ("json", LogFormat::Json)]).map_or(LogFormat::Text, |f| f.value);
    s.finish();
    LoggingConfig { level, format }
}

fn stream_care(s: &mut Section<'_>) -> StreamCare {
    let usual = StreamCare::default();
    StreamCare {
        lag_max_ms: s.whole("stream_lag_max_ms", 0..=600_000).unwrap_or(usual.lag_max_ms),
        look_every_ms: s.seconds("position_check_interval_secs", 3_600).unwrap_or(usual.look_every_ms),
        blind_cancel_ms: s.seconds("blind_cancel_secs", 86_400).unwrap_or(usual.blind_cancel_ms),
    }
}

fn breakers(mut s: Section<'_>, profile: Profile) -> Breakers {
    let usual = profile.defaults().breakers;
    let mut count = |key, most, usual| whole_u32(&mut s, key, 0, most).unwrap_or(usual);
    let breakers = Breakers {
        refusals_in_a_row: count("refusals_in_a_row", 100_000, usual.refusals_in_a_row),
        refusals_per_minute: count("refusals_per_minute", 100_000, usual.refusals_per_minute),
        funds_in_a_row: count("funds_in_a_row", 100_000, usual.funds_in_a_row),
        would_take_per_minute: count("would_take_per_minute", 100_000, usual.would_take_per_minute),
        same_order_per_second: count("same_order_per_second", 63, usual.same_order_per_second),
        slow_calls: count("slow_calls", 100_000, usual.slow_calls),
        starts: count("starts", 16, usual.starts),
    };
    s.finish();
    breakers
}

fn execution(mut s: Section<'_>, profile: Profile) -> ExecutionConfig {
    let ended_orders_kept_ms = s.seconds("ended_orders_kept_secs", 2_592_000).unwrap_or(86_400_000);
    if (1..600_000).contains(&ended_orders_kept_ms) {
        let what = "is so short that what the venue tells late would find no order";
        s.wrong("ended_orders_kept_secs", what, "write at least 600.0, or 0.0 to keep them for ever");
    }
    let execution = ExecutionConfig {
        reconciliation: s.flag("reconciliation", true),
        startup_delay_ms: s.seconds("reconciliation_startup_delay_secs", 3600).unwrap_or(profile.defaults().startup_delay_ms),
        sweep_interval_ms: s.seconds("sweep_interval_secs", 86_400).unwrap_or(60_000),
        in_doubt_max: whole_u32(&mut s, "in_doubt_max", 0, 100).unwrap_or(1),
        clock_error_max_ms: s.whole("clock_error_max_ms", 1..=5_000).unwrap_or(300),
        retry_age_ms: s.whole("retry_age_ms", 0..=60_000).unwrap_or(1_000),
        quote_max_age_ms: s.whole("quote_max_age_ms", 0..=3_600_000).unwrap_or(5_000),
        stream: stream_care(&mut s),
        breakers: breakers(s.section("breakers"), profile),
        on_exit: s.choice("on_exit", &ON_EXIT).map_or(OnExit::Leave, |o| o.value),
        ended_orders_kept_ms,
        drain_deadline_ms: s.seconds("drain_deadline_secs", 600).unwrap_or(10_000),
    };
    s.finish();
    execution
}

fn accounts(root: &mut Section<'_>, profile: Profile, around: &dyn Surroundings) -> Vec<account::Read> {
    let sections = root.named_sections("accounts");
    if sections.is_empty() && !root.says("accounts") {
        root.wrong("accounts", "is missing", "write [accounts.main] with venue and instruments: one table for each account");
    }
    let only = sections.len() == 1;
    let mut all = Vec::new();
    for (name, section) in sections {
        match AccountId::new(&name.value) {
            Ok(id) => all.push(account::read(Found { value: id, at: name.at }, section, profile, only, around)),
            Err(error) => root.wrong_at(name.at, "accounts", error.to_string(), "name the account in letters, digits and dashes"),
        }
    }
    all
}

/// A strategy of the file, and where its parts stand.
pub(crate) struct StrategyRead {
    pub(crate) entry: StrategyEntry,
    pub(crate) key: String,
    pub(crate) at: usize,
    pub(crate) kind_at: usize,
    pub(crate) instruments: Vec<Found<InstrumentId>>,
    pub(crate) claims: Vec<Found<InstrumentId>>,
}

fn strategies(root: &mut Section<'_>, profile: Profile, accounts: &[account::Read]) -> Vec<StrategyRead> {
    root.section_list("strategies").into_iter().filter_map(|section| strategy(section, profile, accounts)).collect()
}

fn strategy(mut s: Section<'_>, profile: Profile, accounts: &[account::Read]) -> Option<StrategyRead> {
    let id = s.parsed("id", "write a name without blanks", StrategyId::new);
    if id.is_none() && !s.says("id") {
        s.wrong("id", "is missing", "write id = \"...\": the strategy's own name, which stands in the journal");
    }
    let kind = name(&mut s, "kind");
    if kind.is_none() && !s.says("kind") {
        s.wrong("kind", "is missing", "write kind = \"...\": which of the registered strategies it is");
    }
    let account = s.parsed("account", "write the name of one of the accounts", AccountId::new).map(|found| found.value);
    let names: Vec<&str> = accounts.iter().map(|a| a.id.value.as_str()).collect();
    let account = match account {
        Some(id) if names.contains(&id.as_str()) => Some(id),
        Some(id) => {
            let meant = nearest(id.as_str(), names.iter().copied());
            let known = meant.map_or_else(|| "known".to_owned(), |name| format!("did you mean \"{name}\"? Known"));
            s.wrong(
                "account",
                format!("`{}` is no account of this file", shown(id.as_str())),
                format!("{known}: {}", names.join(", ")),
            );
            None
        }
        None if s.says("account") => None,
        None if accounts.len() == 1 => accounts.first().map(|a| a.id.value.clone()),
        None if accounts.is_empty() => None,
        None => {
            s.wrong("account", "is missing", format!("there is more than one account: write one of {}", names.join(", ")));
            None
        }
    };
    let instruments = instruments(&mut s, "instruments");
    if instruments.is_empty() && !s.says("instruments") {
        s.wrong("instruments", "is missing", "write instruments = [\"BTCUSDT-PERP.BINANCE\"]: what it may trade");
    }
    let claims = self::instruments(&mut s, "external_order_claims");
    let protection = s.choice("protection", &PROTECTION).map_or(ProtectionPolicy::Exit, |p| p.value);
    let time_to_protect_max_ms = s.whole("time_to_protect_max_ms", 100..=60_000).unwrap_or(TIME_TO_PROTECT_MAX_MS);
    let limits = limits::strategy(&mut s, profile);
    let outlives_node = s.flag("outlives_node", false);
    let params = params(&mut s);
    let (key, at, kind_at) = (s.key(""), s.at(""), s.at("kind"));
    s.finish();
    let entry = StrategyEntry {
        id: id?.value,
        kind: kind?,
        account: account?,
        instruments: instruments.iter().map(|i| i.value.clone()).collect(),
        external_order_claims: claims.iter().map(|i| i.value.clone()).collect(),
        protection,
        time_to_protect_max_ms,
        limits,
        outlives_node,
        params,
    };
    Some(StrategyRead { entry, key: key.trim_end_matches('.').to_owned(), at, kind_at, instruments, claims })
}

/// A strategy's own settings: any keys, for its factory to judge.
fn params(s: &mut Section<'_>) -> toml::Table {
    s.entries("params").into_iter().filter_map(|(key, value)| Some((key.value, plain(value.get_ref())?))).collect()
}

fn plain(value: &toml::de::DeValue<'_>) -> Option<toml::Value> {
    use toml::{Value, de::DeValue};
    Some(match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(n) => Value::Integer(i64::from_str_radix(n.as_str(), n.radix()).ok()?),
        // Kept as text: a float would not be exact.
        DeValue::Float(n) => Value::String(n.as_str().to_owned()),
        DeValue::Boolean(flag) => Value::Boolean(*flag),
        DeValue::Datetime(time) => Value::Datetime(*time),
        DeValue::Array(items) => Value::Array(items.iter().filter_map(|item| plain(item.get_ref())).collect()),
        DeValue::Table(table) => {
            Value::Table(table.iter().filter_map(|(k, v)| Some((k.get_ref().to_string(), plain(v.get_ref())?))).collect())
        }
    })
}

/// A word that names something registered.
pub(crate) fn name(s: &mut Section<'_>, key: &'static str) -> Option<String> {
    let found = s.text(key)?;
    if found.value.is_empty() || found.value.chars().any(|c| c.is_whitespace() || c.is_control()) {
        s.wrong(key, "is no name", "write a word without blanks");
        return None;
    }
    Some(found.value)
}

/// A list of instruments, each once.
pub(crate) fn instruments(s: &mut Section<'_>, key: &'static str) -> Vec<Found<InstrumentId>> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for found in s.texts(key) {
        match InstrumentId::new(&found.value) {
            Ok(id) if seen.insert(id.clone()) => all.push(Found { value: id, at: found.at }),
            Ok(id) => s.wrong_at(found.at, key, format!("{id} stands here twice"), "delete one of them"),
            Err(error) => s.wrong_at(found.at, key, error.to_string(), "write an instrument like BTCUSDT-PERP.BINANCE"),
        }
    }
    all
}

pub(crate) fn whole_u32(s: &mut Section<'_>, key: &'static str, least: u32, most: u32) -> Option<u32> {
    s.whole(key, u64::from(least)..=u64::from(most)).and_then(|n| u32::try_from(n).ok())
}
