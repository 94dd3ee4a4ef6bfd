//! Reads `[journal.redis]`: where the journal's copy is and what must have a record before it counts. No connection is made here.

use crate::{
    account,
    secret::{self, SecretSource, Surroundings},
    section::Section,
};
use exec_journal::{Ack, RedisOptions};
use exec_runtime::WhenHeld;
use secrecy::{ExposeSecret, SecretString};
use std::path::PathBuf;

/// What a node does about an account that another holds; `off` is no lease.
pub(crate) const LEASES: [(&str, Option<WhenHeld>); 3] =
    [("off", None), ("wait", Some(WhenHeld::Wait)), ("refuse", Some(WhenHeld::Refuse))];
/// When a record counts as durable, with the words for it.
pub(crate) const ACKS: [(&str, Ack); 2] = [("local", Ack::Local), ("shared", Ack::Shared)];
/// The kind of journal that has a copy on Redis.
pub(crate) const REDIS: &str = "redis";

/// A user or a password, and where it comes from. Its `Debug` shows where and nothing else.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// Where it stands.
    pub source: SecretSource,
    /// What stands there.
    pub text: SecretString,
}

/// Where the journal's copy is.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// The server, without user and password.
    pub url: String,
    /// When a record counts as durable.
    pub ack: Ack,
    /// So many records that Redis lacks close the gate.
    pub lag_max_records: u64,
    /// A record that Redis lacks for so long closes the gate.
    pub lag_max_ms: u64,
    /// Replicas that must have a record on their disks, too.
    pub replicas: u32,
    /// What all keys begin with.
    pub key_prefix: String,
    /// Whether consumers are told, in a stream, what the journal says.
    pub events: bool,
    /// So many of the newest events are kept in the stream.
    pub events_max: u64,
    /// The user, if the server wants one.
    pub user: Option<Fetched>,
    /// The password, if the server wants one.
    pub password: Option<Fetched>,
    /// Certificates that the server must be signed by, in place of the usual ones; relative to the config file.
    pub ca_file: Option<PathBuf>,
    /// Whether the account is traded under a lease, and what is done where another holds it.
    pub lease: Option<WhenHeld>,
    /// How long the lease lasts.
    pub lease_ttl_ms: u64,
}

impl RedisConfig {
    /// What is lost with this machine, in words.
    pub const fn lost_with_machine(&self) -> &'static str {
        match self.ack {
            Ack::Local => {
                "what Redis does not have yet is lost with this machine: as much as lag_max allows, or more where exits go on"
            }
            Ack::Shared => "nothing that was acknowledged is lost with this machine; exits wait for the local log alone",
        }
    }

    /// What the events of an account are read with.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub fn to_read_events(&self, account: &str) -> std::io::Result<RedisOptions> {
        // The environment is a matter of whoever writes.
        self.options(account, "")
    }

    /// What the journal is opened with.
    ///
    /// # Errors
    /// The certificates cannot be read.
    pub(crate) fn options(&self, account: &str, environment: &str) -> std::io::Result<RedisOptions> {
        let usual = RedisOptions::new(&self.url, account);
        Ok(RedisOptions {
            user: self.user.as_ref().map(|user| user.text.expose_secret().to_owned()),
            password: self.password.as_ref().map(|password| password.text.clone()),
            ca_pem: self.ca_file.as_ref().map(std::fs::read).transpose()?,
            key_prefix: self.key_prefix.clone(),
            environment: environment.to_owned(),
            ack: self.ack,
            replicas: self.replicas,
            lag_max_records: self.lag_max_records,
            lag_max: std::time::Duration::from_millis(self.lag_max_ms),
            ..usual
        })
    }
}

/// The table, if the file has it. Absent, it is read as well, so that its keys are known.
pub(crate) fn read(s: &mut Section<'_>, kind: &str, around: &dyn Surroundings) -> Option<RedisConfig> {
    let there = s.says(REDIS);
    match (kind == REDIS, there) {
        (true, false) => s.wrong(
            "kind",
            "is \"redis\", and [journal.redis] is missing",
            "write [journal.redis] with url = \"redis://HOST:6379\"",
        ),
        (false, true) => {
            s.wrong("kind", format!("is \"{kind}\", and [journal.redis] is there"), "write kind = \"redis\", or delete the table")
        }
        _ => (),
    }
    let mut s = s.section(REDIS);
    let url = s.text("url");
    if there && url.is_none() && !s.says("url") {
        s.wrong("url", "is missing", "write url = \"redis://HOST:6379\", or rediss:// for TLS");
    }
    // Not repeated: a password may stand in it.
    if let Some(flaw) = url.as_ref().and_then(|url| RedisOptions::check_url(&url.value).err()) {
        s.wrong("url", flaw.to_string(), "write redis://HOST:PORT/DB, or rediss:// for TLS; user and password have keys of their own: password = { env = \"NAME\" }");
    }
    let ack = s.choice("ack", &ACKS).map_or(Ack::Local, |ack| ack.value);
    let lag_max_records = s.whole("lag_max_records", 1..=10_000_000).unwrap_or(10_000);
    let lag_max_ms = s.whole("lag_max_ms", 100..=600_000).unwrap_or(2_000);
    let replicas = crate::read::whole_u32(&mut s, "replicas", 0, 16).unwrap_or(0);
    let lease = s.choice("lease", &LEASES).and_then(|lease| lease.value);
    let lease_ttl_ms = s.whole("lease_ttl_ms", 500..=120_000).unwrap_or(crate::lease::TTL_MS);
    let key_prefix = s.text("key_prefix").map_or_else(|| "ex".to_owned(), |prefix| prefix.value);
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
    if key_prefix.is_empty() || key_prefix.len() > 64 || !key_prefix.chars().all(plain) {
        s.wrong("key_prefix", "is no prefix of keys", "write up to 64 letters, digits, dashes, underlines, points or colons");
    }
    let events = s.flag("events", false);
    let events_max = s.whole("events_max", 1_000..=100_000_000).unwrap_or(100_000);
    let user = fetched(&mut s, "user", around);
    let password = fetched(&mut s, "password", around);
    if user.is_some() && password.is_none() && !s.says("password") {
        s.wrong(
            "password",
            "is missing, and there is a user",
            "write password = { env = \"NAME\" } or password = { file = \"path\" }",
        );
    }
    let ca_file = s.text("ca_file");
    if ca_file.is_some() && url.as_ref().is_some_and(|url| !url.value.starts_with("rediss://")) {
        s.wrong("ca_file", "is for TLS, and the address is redis://", "write rediss://, or delete the key");
    }
    s.finish();
    there.then(|| RedisConfig {
        url: url.map(|url| url.value).unwrap_or_default(),
        ack,
        lag_max_records,
        lag_max_ms,
        replicas,
        key_prefix,
        events,
        events_max,
        user,
        password,
        ca_file: ca_file.map(|ca| PathBuf::from(ca.value)),
        lease,
        lease_ttl_ms,
    })
}

/// A user or a password, from where the file says that it stands.
fn fetched(s: &mut Section<'_>, key: &'static str, around: &dyn Surroundings) -> Option<Fetched> {
    let there = s.says(key);
    let source = account::source(s, key, "")?;
    if !there {
        return None;
    }
    if source == SecretSource::Variable(String::new()) {
        s.wrong(key, "names no place", format!("write {key} = {{ env = \"NAME\" }} or {key} = {{ file = \"path\" }}"));
        return None;
    }
    match secret::fetch(&source, around) {
        Ok(text) if text.expose_secret().is_empty() => {
            s.wrong(key, format!("what stands in {source} is empty"), "put it there, or delete the key");
            None
        }
        Ok(text) => Some(Fetched { source, text }),
        Err(error) => {
            s.wrong(key, error.to_string(), error.advice());
            None
        }
    }
}
