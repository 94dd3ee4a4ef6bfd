//! Shows the effective config: every key with the value that holds, as a file that could be read again. No secrets.

use crate::{
    config::{AccountConfig, Durability, LogFormat, NodeConfig, StrategyEntry},
    read::{ON_EXIT, PROTECTION},
    secret::SecretSource,
};
use exec_core::{
    ids::InstrumentId,
    limits::{Bound, Pace},
    units::PositionMode,
    venue::MarginType,
};
use rust_decimal::Decimal;
use std::fmt::{self, Display, Write};

impl NodeConfig {
    /// Shows every key with the value that holds. Keys and secrets appear as the place they come from.
    pub fn render(&self) -> String {
        let mut out = String::new();
        // Writing into a String does not fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        text(out, "profile", self.profile.word())?;
        text(out, "trader_id", &self.trader_id)?;
        text(out, "order_tag", self.order_tag.as_str())?;

        out.write_str("\n[journal]\n")?;
        text(out, "kind", &self.journal.kind)?;
        text(out, "directory", &self.journal.directory.to_string_lossy())?;
        text(out, "durability", if self.journal.durability == Durability::Sync { "sync" } else { "os" })?;
        plain(out, "allow_os_durability", self.journal.allow_os_durability)?;
        if let Some(reason) = &self.journal.single_copy_reason {
            text(out, "single_copy_reason", reason)?;
        }
        plain(out, "snapshot_every_records", self.journal.snapshot_every_records)?;
        plain(out, "segments_kept", self.journal.segments_kept)?;
        #[cfg(feature = "redis")]
        if let Some(redis) = &self.journal.redis {
            write_redis(out, redis)?;
        }

        out.write_str("\n[logging]\n")?;
        text(out, "level", self.logging.level.word())?;
        text(out, "format", if self.logging.format == LogFormat::Text { "text" } else { "json" })?;

        out.write_str("\n[execution]\n")?;
        let e = &self.execution;
        plain(out, "reconciliation", e.reconciliation)?;
        plain(out, "reconciliation_startup_delay_secs", seconds(e.startup_delay_ms))?;
        plain(out, "sweep_interval_secs", seconds(e.sweep_interval_ms))?;
        plain(out, "in_doubt_max", e.in_doubt_max)?;
        plain(out, "clock_error_max_ms", e.clock_error_max_ms)?;
        plain(out, "retry_age_ms", e.retry_age_ms)?;
        plain(out, "quote_max_age_ms", e.quote_max_age_ms)?;
        plain(out, "stream_lag_max_ms", e.stream.lag_max_ms)?;
        plain(out, "position_check_interval_secs", seconds(e.stream.look_every_ms))?;
        plain(out, "blind_cancel_secs", seconds(e.stream.blind_cancel_ms))?;
        let on_exit = ON_EXIT.iter().find(|(_, value)| *value == e.on_exit);
        text(out, "on_exit", on_exit.map_or("leave", |(word, _)| word))?;
        plain(out, "ended_orders_kept_secs", seconds(e.ended_orders_kept_ms))?;
        plain(out, "drain_deadline_secs", seconds(e.drain_deadline_ms))?;
        out.write_str("\n[execution.breakers]\n")?;
        let b = &e.breakers;
        plain(out, "refusals_in_a_row", b.refusals_in_a_row)?;
        plain(out, "refusals_per_minute", b.refusals_per_minute)?;
        plain(out, "funds_in_a_row", b.funds_in_a_row)?;
        plain(out, "would_take_per_minute", b.would_take_per_minute)?;
        plain(out, "same_order_per_second", b.same_order_per_second)?;
        plain(out, "slow_calls", b.slow_calls)?;
        plain(out, "starts", b.starts)?;

        for (id, account) in &self.accounts {
            write_account(out, id.as_str(), account)?;
        }
        for strategy in &self.strategies {
            write_strategy(out, strategy)?;
        }
        Ok(())
    }
}

#[cfg(feature = "redis")]
fn write_redis(out: &mut String, redis: &crate::redis::RedisConfig) -> fmt::Result {
    out.write_str("\n[journal.redis]\n")?;
    writeln!(out, "# {}", redis.lost_with_machine())?;
    text(out, "url", &redis.url)?;
    let ack = crate::redis::ACKS.iter().find(|(_, ack)| *ack == redis.ack);
    text(out, "ack", ack.map_or("local", |(word, _)| word))?;
    plain(out, "lag_max_records", redis.lag_max_records)?;
    plain(out, "lag_max_ms", redis.lag_max_ms)?;
    plain(out, "replicas", redis.replicas)?;
    let lease = crate::redis::LEASES.iter().find(|(_, lease)| *lease == redis.lease);
    text(out, "lease", lease.map_or("off", |(word, _)| word))?;
    plain(out, "lease_ttl_ms", redis.lease_ttl_ms)?;
    text(out, "key_prefix", &redis.key_prefix)?;
    plain(out, "events", redis.events)?;
    plain(out, "events_max", redis.events_max)?;
    for (key, fetched) in [("user", &redis.user), ("password", &redis.password)] {
        if let Some(fetched) = fetched {
            place(out, key, &fetched.source)?;
        }
    }
    if let Some(ca) = &redis.ca_file {
        text(out, "ca_file", &ca.to_string_lossy())?;
    }
    Ok(())
}

fn write_account(out: &mut String, id: &str, a: &AccountConfig) -> fmt::Result {
    let id = key(id);
    writeln!(out, "\n[accounts.{id}]")?;
    text(out, "venue", &a.venue)?;
    text(out, "account_type", "USDT_FUTURES")?;
    plain(out, "us", false)?;
    text(out, "environment", a.environment.word())?;
    for (key, url) in [("base_url_http", &a.base_url_http), ("base_url_ws", &a.base_url_ws)] {
        if let Some(url) = url {
            text(out, key, url)?;
        }
    }
    plain(out, "number", a.number)?;
    text(out, "oms_type", if a.oms_type == PositionMode::Netting { "NETTING" } else { "HEDGING" })?;
    plain(out, "use_position_ids", a.use_position_ids)?;
    list(out, "instruments", &a.instruments)?;
    list(out, "shared_instruments", &a.shared_instruments)?;
    plain(out, "max_retries", a.max_retries)?;
    plain(out, "allow_many_retries", a.allow_many_retries)?;
    plain(out, "retry_delay_initial_ms", a.retry_delay_initial_ms)?;
    plain(out, "retry_delay_max_ms", a.retry_delay_max_ms)?;
    plain(out, "recv_window_ms", a.recv_window_ms)?;
    plain(out, "order_recv_window_ms", a.order_recv_window_ms)?;
    plain(out, "engine_margin_ms", a.engine_margin_ms)?;
    plain(out, "conditional_engine_margin_ms", a.conditional_engine_margin_ms)?;
    plain(out, "visibility_ms", a.visibility_ms)?;
    plain(out, "warn_rate_limits", a.warn_rate_limits)?;
    text(out, "apply", a.apply.word())?;
    plain(out, "apply_position_mode", a.apply_position_mode)?;
    plain(out, "multi_assets_margin", a.multi_assets_margin)?;
    text(out, "on_difference", &a.differences.policy.to_string())?;
    text(out, "adopt_max_notional", &a.differences.adopt_notional_max.to_string())?;
    plain(out, "allow_any_ip", a.allow_any_ip)?;
    if let Some(credentials) = &a.credentials {
        place(out, "api_key", &credentials.key_source)?;
        place(out, "api_secret", &credentials.secret_source)?;
    }
    writeln!(out, "\n[accounts.{id}.limits]")?;
    text(out, "order_notional_max", &a.limits.order_notional_max.to_string())?;
    text(out, "position_notional_max", &a.limits.position_notional_max.to_string())?;
    plain(out, "open_orders_max", a.limits.open_orders_max)?;
    text(out, "collar", &a.limits.collar.to_string())?;
    write_money(out, "daily_loss_max", a.solvency.daily_loss_max)?;
    plain(out, "flatten_on_loss", a.solvency.flatten_on_loss)?;
    write_money(out, "margin_ratio_max", a.solvency.margin_ratio_max)?;
    text(out, "liquidation_distance_min", &a.solvency.liquidation_distance_min.to_string())?;
    write_money(out, "gross_notional_max", a.bounds.gross_notional_max)?;
    write_money(out, "leverage_max", a.bounds.leverage_max)?;
    write_pace(out, a.bounds.pace)?;
    for (instrument, bound) in &a.bounds.instruments {
        writeln!(out, "\n[accounts.{id}.limits.instruments.{}]", key(instrument.as_str()))?;
        write_bound(out, bound)?;
    }
    if !a.dead_man.instruments.is_empty() {
        let switch = &a.dead_man;
        writeln!(out, "\n[accounts.{id}.dead_mans_switch]")?;
        writeln!(out, "# cancels everybody's ordinary orders of these instruments, take-profits too, and no conditional ones;")?;
        writeln!(out, "# takes {} weight a minute", switch.weight_a_minute())?;
        list(out, "instruments", &switch.instruments)?;
        plain(out, "countdown_secs", seconds(switch.countdown_ms))?;
        plain(out, "refresh_secs", seconds(switch.refresh_ms))?;
        plain(out, "outlives_node", switch.outlives_node)?;
    }
    if !a.differences.by_instrument.is_empty() {
        writeln!(out, "\n[accounts.{id}.on_difference_of]")?;
        for (instrument, policy) in &a.differences.by_instrument {
            text(out, &key(instrument.as_str()), &policy.to_string())?;
        }
    }
    if !a.leverages.is_empty() {
        writeln!(out, "\n[accounts.{id}.futures_leverages]")?;
        for (instrument, leverage) in &a.leverages {
            plain(out, &key(instrument.as_str()), leverage)?;
        }
    }
    if !a.margin_types.is_empty() {
        writeln!(out, "\n[accounts.{id}.futures_margin_types]")?;
        for (instrument, kind) in &a.margin_types {
            text(out, &key(instrument.as_str()), if *kind == MarginType::Cross { "cross" } else { "isolated" })?;
        }
    }
    Ok(())
}

fn write_money(out: &mut String, key: &str, value: Option<Decimal>) -> fmt::Result {
    value.map_or(Ok(()), |value| text(out, key, &value.to_string()))
}

fn write_pace(out: &mut String, pace: Pace) -> fmt::Result {
    for (key, most) in [("orders_per_second_max", pace.per_second), ("orders_per_minute_max", pace.per_minute)] {
        if let Some(most) = most {
            plain(out, key, most)?;
        }
    }
    Ok(())
}

fn write_bound(out: &mut String, bound: &Bound) -> fmt::Result {
    write_money(out, "order_notional_max", bound.order_notional_max)?;
    write_money(out, "order_qty_max", bound.order_qty_max)?;
    write_money(out, "position_notional_max", bound.position_notional_max)?;
    if let Some(most) = bound.open_orders_max {
        plain(out, "open_orders_max", most)?;
    }
    write_money(out, "collar", bound.collar)?;
    write_pace(out, bound.pace)
}

fn write_strategy(out: &mut String, s: &StrategyEntry) -> fmt::Result {
    out.write_str("\n[[strategies]]\n")?;
    text(out, "id", s.id.as_str())?;
    text(out, "kind", &s.kind)?;
    text(out, "account", s.account.as_str())?;
    list(out, "instruments", &s.instruments)?;
    list(out, "external_order_claims", &s.external_order_claims)?;
    let protection = PROTECTION.iter().find(|(_, value)| *value == s.protection);
    text(out, "protection", protection.map_or("exit", |(word, _)| word))?;
    plain(out, "time_to_protect_max_ms", s.time_to_protect_max_ms)?;
    plain(out, "outlives_node", s.outlives_node)?;
    if !s.params.is_empty() {
        writeln!(out, "params = {}", toml::Value::Table(s.params.clone()))?;
    }
    if s.limits != Bound::default() {
        out.write_str("\n[strategies.limits]\n")?;
        write_bound(out, &s.limits)?;
    }
    Ok(())
}

fn text(out: &mut String, key: &str, value: &str) -> fmt::Result {
    writeln!(out, "{key} = {}", quoted(value))
}

fn plain(out: &mut String, key: &str, value: impl Display) -> fmt::Result {
    writeln!(out, "{key} = {value}")
}

fn list(out: &mut String, key: &str, values: &[InstrumentId]) -> fmt::Result {
    let all: Vec<String> = values.iter().map(|v| quoted(v.as_str())).collect();
    writeln!(out, "{key} = [{}]", all.join(", "))
}

fn place(out: &mut String, key: &str, source: &SecretSource) -> fmt::Result {
    match source {
        SecretSource::Variable(name) => writeln!(out, "{key} = {{ env = {} }}  # set, not shown", quoted(name)),
        SecretSource::File(path) => writeln!(out, "{key} = {{ file = {} }}  # read, not shown", quoted(&path.to_string_lossy())),
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A name as it stands before `=` or in a table's head: quoted unless it is plain.
fn key(name: &str) -> String {
    let bare = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    if bare { name.to_owned() } else { basic(name) }
}

/// A one-line basic string; heads of tables take no other.
fn basic(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn seconds(ms: u64) -> String {
    let secs = (Decimal::from(ms) / Decimal::from(1000)).normalize();
    if secs.scale() == 0 { format!("{secs}.0") } else { secs.to_string() }
}
