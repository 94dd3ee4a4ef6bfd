//! Reads one account of a config file. What its keys mean by themselves; what contradicts what is `contradiction`.

use crate::{
    config::{AccountConfig, Apply},
    dead_man, limits,
    profile::{Environment, Profile},
    read::{instruments, name},
    secret::{self, Credentials, SecretSource, Surroundings},
    section::{Found, Section, shown},
};
use exec_core::{
    ids::{AccountId, InstrumentId},
    unequal::{DifferencePolicy, DifferenceRules},
    units::PositionMode,
    venue::MarginType,
};
use rust_decimal::Decimal;
use secrecy::{ExposeSecret, SecretString};
use std::{collections::BTreeMap, path::PathBuf};
use toml::de::DeValue;

/// Defaults of the margins of the fence: what is waited for beyond a request's window before its absence proves anything.
pub const ENGINE_MARGIN_MS: u64 = 2_000;
/// The same for conditional orders, whose window the engine does not check a second time.
pub const CONDITIONAL_ENGINE_MARGIN_MS: u64 = 10_000;
/// How long an order may be invisible after its effect.
pub const VISIBILITY_MS: u64 = 1_000;
/// The venue that this program speaks to over the network.
pub(crate) const BINANCE: &str = "binance";
/// The largest window that Binance takes (USDⓈ-M, General Info, Timing Security, 2026-11-22).
const WINDOW_MAX_MS: u64 = 60_000;

/// An account of the file, and where its parts stand. Without a config if something in it is missing, which has been told.
pub(crate) struct Read {
    pub(crate) id: Found<AccountId>,
    pub(crate) key: String,
    pub(crate) places: Places,
    pub(crate) instruments: Vec<Found<InstrumentId>>,
    pub(crate) shared: Vec<Found<InstrumentId>>,
    pub(crate) settings: Vec<(&'static str, Found<InstrumentId>)>,
    pub(crate) number: u16,
    pub(crate) mode: Option<PositionMode>,
    pub(crate) config: Option<AccountConfig>,
}

/// Where the keys stand that contradictions are told about.
pub(crate) struct Places(BTreeMap<&'static str, usize>, usize);

impl Places {
    pub(crate) fn of(&self, key: &str) -> usize {
        self.0.get(key).copied().unwrap_or(self.1)
    }
}

const PLACED: [&str; 17] = [
    "venue",
    "environment",
    "base_url_http",
    "base_url_ws",
    "number",
    "oms_type",
    "use_position_ids",
    "max_retries",
    "retry_delay_initial_ms",
    "retry_delay_max_ms",
    "order_recv_window_ms",
    "engine_margin_ms",
    "conditional_engine_margin_ms",
    "visibility_ms",
    "apply_position_mode",
    "futures_leverages",
    "limits",
];

pub(crate) fn read(id: Found<AccountId>, mut s: Section<'_>, profile: Profile, only: bool, around: &dyn Surroundings) -> Read {
    let defaults = profile.defaults();
    let venue = name(&mut s, "venue");
    if venue.is_none() && !s.says("venue") {
        s.wrong("venue", "is missing", "write venue = \"binance\"");
    }
    products(&mut s);
    let environment = s.choice("environment", &Environment::WORDS).map_or(defaults.environment, |e| e.value);
    let base_url_http = s.text("base_url_http").map(|u| u.value);
    let base_url_ws = s.text("base_url_ws").map(|u| u.value);
    let number = s.whole("number", 0..=1023);
    if number.is_none() && !only && !s.says("number") {
        s.wrong(
            "number",
            "is missing",
            "there is more than one account: give each its own number from 0 to 1023; it stands in client order ids",
        );
    }
    let mode = s.choice("oms_type", &[("NETTING", PositionMode::Netting), ("HEDGING", PositionMode::Hedging)]);
    let mode = mode.map(|m| m.value).or_else(|| if s.says("oms_type") { None } else { defaults.oms_type });
    if mode.is_none() && !s.says("oms_type") {
        s.wrong(
            "oms_type",
            "is missing",
            format!("a {profile} node does not guess: write oms_type = \"NETTING\" or \"HEDGING\""),
        );
    }
    let use_position_ids = s.flag("use_position_ids", true);
    let traded = instruments(&mut s, "instruments");
    if traded.is_empty() && !s.says("instruments") {
        s.wrong(
            "instruments",
            "is missing",
            "write instruments = [\"BTCUSDT-PERP.BINANCE\"]: all that may be traded on this account",
        );
    }
    let shared = instruments(&mut s, "shared_instruments");
    let max_retries = s.whole("max_retries", 0..=10).and_then(|n| u8::try_from(n).ok()).unwrap_or(3);
    let allow_many_retries = s.flag("allow_many_retries", false);
    let retry_delay_initial_ms = s.whole("retry_delay_initial_ms", 1..=60_000).unwrap_or(100);
    let retry_delay_max_ms = s.whole("retry_delay_max_ms", 1..=60_000).unwrap_or(1_000);
    let recv_window_ms = s.whole("recv_window_ms", 1..=WINDOW_MAX_MS).unwrap_or(5_000);
    let order_recv_window_ms = s.whole("order_recv_window_ms", 1..=WINDOW_MAX_MS).unwrap_or(2_000);
    let margin = |s: &mut Section<'_>, key, default| s.whole(key, 0..=600_000).unwrap_or(default);
    let engine_margin_ms = margin(&mut s, "engine_margin_ms", ENGINE_MARGIN_MS);
    let conditional_engine_margin_ms = margin(&mut s, "conditional_engine_margin_ms", CONDITIONAL_ENGINE_MARGIN_MS);
    let visibility_ms = margin(&mut s, "visibility_ms", VISIBILITY_MS);
    let warn_rate_limits = s.flag("warn_rate_limits", true);
    let leverages = leverages(&mut s);
    let margin_types = margin_types(&mut s);
    let apply = s.choice("apply", &Apply::WORDS).map_or(Apply::WhenFlat, |a| a.value);
    let apply_position_mode = s.flag("apply_position_mode", false);
    let multi_assets_margin = s.flag("multi_assets_margin", false);
    let allow_any_ip = s.flag("allow_any_ip", false);
    let differences = differences(&mut s);
    let policies = differences.by_instrument.iter().map(|(i, _)| ("on_difference_of", i.clone())).collect::<Vec<_>>();
    let (limits, limited) = limits::account(&mut s, profile);
    let (dead_man, covered) = dead_man::read(&mut s);
    let covered = covered.into_iter().map(|i| ("dead_mans_switch.instruments", i));
    // Only Binance is known to need keys; of another venue the file says whether it does.
    let needed = venue.as_deref().is_none_or(|v| v == BINANCE) || s.says("api_key") || s.says("api_secret");
    let of_binance = venue.as_deref().is_none_or(|v| v == BINANCE);
    let credentials = credentials(&mut s, environment, around, (needed, of_binance));

    let places = Places(PLACED.iter().filter(|key| s.says(key)).map(|key| (*key, s.at(key))).collect(), s.at(""));
    let key = s.key("").trim_end_matches('.').to_owned();
    s.finish();
    let number = number.and_then(|n| u16::try_from(n).ok()).unwrap_or(1);
    let settings = leverages.iter().map(|(i, _)| ("futures_leverages", i.clone()));
    let settings = settings.chain(margin_types.iter().map(|(i, _)| ("futures_margin_types", i.clone())));
    let limited = limited.into_iter().map(|i| ("limits", i));
    let settings = settings.chain(policies).chain(limited).chain(covered).collect();
    let plain = |all: &[Found<InstrumentId>]| all.iter().map(|i| i.value.clone()).collect();
    let config = (|| {
        let limits = limits?;
        Some(AccountConfig {
            venue: venue?,
            environment,
            base_url_http,
            base_url_ws,
            number,
            oms_type: mode?,
            use_position_ids,
            instruments: plain(&traded),
            shared_instruments: plain(&shared),
            max_retries,
            allow_many_retries,
            retry_delay_initial_ms,
            retry_delay_max_ms,
            recv_window_ms,
            order_recv_window_ms,
            engine_margin_ms,
            conditional_engine_margin_ms,
            visibility_ms,
            warn_rate_limits,
            leverages: leverages.into_iter().map(|(i, n)| (i.value, n)).collect(),
            margin_types: margin_types.into_iter().map(|(i, m)| (i.value, m)).collect(),
            apply,
            apply_position_mode,
            dead_man,
            differences: differences.rules(),
            limits: limits.limits,
            bounds: limits.bounds,
            solvency: limits.solvency,
            credentials: credentials?,
            allow_any_ip,
            multi_assets_margin,
        })
    })();
    Read { id, key, places, instruments: traded, shared, settings, number, mode, config }
}

/// Products that are asked for by name and not built yet are refused by name.
fn products(s: &mut Section<'_>) {
    if let Some(kind) = s.text("account_type")
        && kind.value != "USDT_FUTURES"
    {
        const LATER: [&str; 5] = ["SPOT", "MARGIN", "ISOLATED_MARGIN", "COIN_FUTURES", "PORTFOLIO_MARGIN"];
        let what = if LATER.contains(&kind.value.as_str()) {
            format!("{} is not supported yet", kind.value)
        } else {
            format!("`{}` is not known", shown(&kind.value))
        };
        s.wrong("account_type", what, "write account_type = \"USDT_FUTURES\", the only one that is built");
    }
    if s.flag("us", false) {
        s.wrong("us", "Binance.US is not supported yet", "write us = false, or leave the key out");
    }
}

fn leverages(s: &mut Section<'_>) -> Vec<(Found<InstrumentId>, u32)> {
    const KEY: &str = "futures_leverages";
    let mut all = Vec::new();
    for (name, value) in s.entries(KEY) {
        let Some(instrument) = instrument(s, KEY, name) else { continue };
        let number = match value.get_ref() {
            DeValue::Integer(n) => u32::from_str_radix(n.as_str(), n.radix()).ok().filter(|n| (1..=125).contains(n)),
            _ => None,
        };
        match number {
            Some(number) => all.push((instrument, number)),
            None => s.wrong_at(
                value.span().start,
                KEY,
                format!("the leverage of {} is no leverage", instrument.value),
                "write a whole number from 1 to 125",
            ),
        }
    }
    all
}

fn margin_types(s: &mut Section<'_>) -> Vec<(Found<InstrumentId>, MarginType)> {
    const KEY: &str = "futures_margin_types";
    let mut all = Vec::new();
    for (name, value) in s.entries(KEY) {
        let Some(instrument) = instrument(s, KEY, name) else { continue };
        let word = value.get_ref().as_str().map(str::to_ascii_lowercase);
        match word.as_deref() {
            Some("cross" | "crossed") => all.push((instrument, MarginType::Cross)),
            Some("isolated") => all.push((instrument, MarginType::Isolated)),
            _ => s.wrong_at(
                value.span().start,
                KEY,
                format!("the margin type of {} is not known", instrument.value),
                "write \"cross\" or \"isolated\"",
            ),
        }
    }
    all
}

/// The policies of the file, and where they stand.
struct Differences {
    policy: DifferencePolicy,
    by_instrument: Vec<(Found<InstrumentId>, DifferencePolicy)>,
    adopt_notional_max: Decimal,
}

impl Differences {
    fn rules(self) -> DifferenceRules {
        DifferenceRules {
            policy: self.policy,
            by_instrument: self.by_instrument.into_iter().map(|(i, policy)| (i.value, policy)).collect(),
            adopt_notional_max: self.adopt_notional_max,
        }
    }
}

/// Every policy with its word.
pub(crate) const POLICIES: [(&str, DifferencePolicy); 4] = [
    ("reduce", DifferencePolicy::Reduce),
    ("adopt", DifferencePolicy::Adopt),
    ("halt", DifferencePolicy::Halt),
    ("ignore", DifferencePolicy::Ignore),
];

fn differences(s: &mut Section<'_>) -> Differences {
    const KEY: &str = "on_difference_of";
    let policy = s.choice("on_difference", &POLICIES).map_or_else(DifferencePolicy::default, |p| p.value);
    let mut by_instrument = Vec::new();
    for (name, value) in s.entries(KEY) {
        let Some(instrument) = instrument(s, KEY, name) else { continue };
        match POLICIES.iter().find(|(word, _)| value.get_ref().as_str() == Some(word)) {
            Some((_, policy)) => by_instrument.push((instrument, *policy)),
            None => s.wrong_at(
                value.span().start,
                KEY,
                format!("what is done about a difference of {} is not known", instrument.value),
                "write \"reduce\", \"adopt\", \"halt\" or \"ignore\"",
            ),
        }
    }
    let max = s.decimal("adopt_max_notional", Decimal::ZERO..=Decimal::from(1_000_000_000_000_i64));
    let adopts = policy == DifferencePolicy::Adopt || by_instrument.iter().any(|(_, p)| *p == DifferencePolicy::Adopt);
    if adopts && max.is_none_or(|max| max.is_zero()) {
        s.wrong(
            "adopt_max_notional",
            "is 0, and \"adopt\" adopts nothing",
            "write the most that a difference may be worth to be adopted without being asked, or write \"reduce\"",
        );
    }
    Differences { policy, by_instrument, adopt_notional_max: max.unwrap_or_default() }
}

pub(crate) fn instrument(s: &Section<'_>, key: &str, name: Found<String>) -> Option<Found<InstrumentId>> {
    match InstrumentId::new(&name.value) {
        Ok(value) => Some(Found { value, at: name.at }),
        Err(error) => {
            s.wrong_at(name.at, key, error.to_string(), "write an instrument like \"BTCUSDT-PERP.BINANCE\", in quotes");
            None
        }
    }
}

/// Key and secret; the inner `None` where none are needed, the outer one where something is wrong.
fn credentials(
    s: &mut Section<'_>,
    environment: Environment,
    around: &dyn Surroundings,
    (needed, of_binance): (bool, bool),
) -> Option<Option<Credentials>> {
    let (key_variable, secret_variable) = environment.variables();
    let key_source = source(s, "api_key", key_variable);
    let secret_source = source(s, "api_secret", secret_variable);
    if !needed {
        return Some(None);
    }
    let real = environment != Environment::Simulated;
    let key = key_source.as_ref();
    let key = key.and_then(|source| secret(s, "api_key", source, around, |key| secret::flaw_of_key(key, real)));
    let flaw = |text: &_| secret::flaw_of_secret(text, real, of_binance);
    let secret = secret_source.as_ref().and_then(|source| secret(s, "api_secret", source, around, flaw));
    if let (Some(key), Some(secret)) = (&key, &secret)
        && key.expose_secret() == secret.expose_secret()
    {
        s.wrong("api_secret", "is the same as the key", "the venue gives two: the key, and the secret that signs");
    }
    Some(Some(Credentials { key_source: key_source?, secret_source: secret_source?, key: key?, secret: secret? }))
}

pub(crate) fn source(s: &mut Section<'_>, key: &'static str, default: &str) -> Option<SecretSource> {
    let mut place = s.secret_place(key)?;
    let variable = place.text("env").map(|v| v.value);
    let file = place.text("file").map(|f| f.value);
    let told = place.says("env") || place.says("file");
    let source = match (variable, file) {
        (Some(text), _) | (_, Some(text)) if secret::looks_like_one(&text) => {
            let key = if place.says("env") { "env" } else { "file" };
            let advice = "write the name of a variable, or the path of a file, that holds it; if it was a real one, replace it at the venue";
            place.wrong(key, "looks like the key or secret itself, which does not belong into this file", advice);
            None
        }
        (Some(_), Some(_)) => {
            place.wrong("file", "stands beside env", "keep one of the two");
            None
        }
        (Some(name), None) if !is_variable(&name) => {
            place.wrong("env", "is no name of a variable", "write env = \"BINANCE_API_KEY\"");
            None
        }
        (None, Some(path)) if path.is_empty() => {
            place.wrong("file", "is empty", "write the path of the file");
            None
        }
        (Some(name), None) => Some(SecretSource::Variable(name)),
        (None, Some(path)) => Some(SecretSource::File(PathBuf::from(path))),
        (None, None) if told => None,
        (None, None) => Some(SecretSource::Variable(default.to_owned())),
    };
    place.finish();
    source
}

/// Letters, digits and underlines, as shells take them.
fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn secret(
    s: &Section<'_>,
    key: &'static str,
    source: &SecretSource,
    around: &dyn Surroundings,
    flaw: impl Fn(&SecretString) -> Option<String>,
) -> Option<SecretString> {
    match secret::fetch(source, around) {
        Ok(secret) => match flaw(&secret) {
            None => Some(secret),
            Some(flaw) => {
                s.wrong(key, format!("what stands in {source} {flaw}"), "put the venue's own there");
                None
            }
        },
        Err(error) => {
            s.wrong(key, error.to_string(), error.advice());
            None
        }
    }
}
