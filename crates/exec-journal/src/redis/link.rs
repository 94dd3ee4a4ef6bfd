//! One connection to a server: every answer has a deadline, nothing is sent a second time behind the caller's back. What may be sent
//! again, and when, its callers know.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::{
    Client, Cmd, Connection, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisConnectionInfo, TlsCertificates, Value,
};
use rustls::crypto::CryptoProvider;
use secrecy::ExposeSecret;

use super::options::{Address, RedisOptions};
use super::scripts::Script;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The connection is lost or was never made. Whether the last command was done is not known.
    Lost(String),
    /// The server refused the command; it was not done.
    Refused {
        /// The server's word for it: `OOM`, `READONLY`, `LOADING` and their like.
        code: String,
        /// All it said.
        text: String,
    },
    /// An answer that makes no sense.
    Odd(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Lost(why) => f.write_str(why),
            Self::Refused { text, .. } => write!(f, "it refuses: {text}"),
            Self::Odd(what) => write!(f, "it answers {what}"),
        }
    }
}

impl Trouble {
    pub(super) fn odd(what: impl Into<String>) -> Self {
        Self::Odd(what.into())
    }

    fn of(error: &redis::RedisError) -> Self {
        match error.code() {
            Some(code) => Self::Refused { code: code.to_owned(), text: format!("{code} {}", error.detail().unwrap_or_default()) },
            None => Self::Lost(error.to_string()),
        }
    }
}

/// An open connection.
pub(super) struct Link {
    connection: Connection,
    /// What the server calls the scripts it was given.
    known: BTreeMap<&'static str, String>,
    timeout: Duration,
}

impl Link {
    /// Connects and says who we are.
    pub(super) fn open(options: &RedisOptions) -> Result<Self, Trouble> {
        let client = client(options)?;
        let connection = client.get_connection_with_timeout(options.timeout).map_err(|e| Trouble::of(&e))?;
        let mut link = Self { connection, known: BTreeMap::new(), timeout: options.timeout };
        link.patience(options.timeout)?;
        // Here and not in the client, so that it has a deadline and the secret is in nobody's settings.
        if let Some(password) = &options.password {
            let mut auth = redis::cmd("AUTH");
            if let Some(user) = &options.user {
                auth.arg(user);
            }
            link.run(auth.arg(password.expose_secret()))?;
        }
        let db = Address::read(&options.url).map_or(0, |address| address.db);
        if db != 0 {
            link.run(redis::cmd("SELECT").arg(db))?;
        }
        Ok(link)
    }

    /// How long an answer may take from here on.
    fn patience(&self, timeout: Duration) -> Result<(), Trouble> {
        let set = self.connection.set_read_timeout(Some(timeout)).and_then(|()| self.connection.set_write_timeout(Some(timeout)));
        set.map_err(|e| Trouble::of(&e))
    }

    /// Runs one command.
    pub(super) fn run(&mut self, command: &Cmd) -> Result<Value, Trouble> {
        command.query(&mut self.connection).map_err(|e| Trouble::of(&e))
    }

    /// Runs one command that takes its time by itself.
    pub(super) fn run_for(&mut self, command: &Cmd, time: Duration) -> Result<Value, Trouble> {
        self.patience(self.timeout.saturating_add(time))?;
        let answer = self.run(command)?;
        self.patience(self.timeout)?;
        Ok(answer)
    }

    /// Runs a script by its name, and gives it to a server that does not know it: one that has restarted has forgotten it, and has
    /// done nothing then.
    pub(super) fn script(&mut self, script: &Script, keys: &[&str], arguments: &[&[u8]]) -> Result<Value, Trouble> {
        let mut given = false;
        loop {
            let sha = match self.known.get(script.name) {
                Some(sha) => sha.clone(),
                None => {
                    let loaded = self.run(redis::cmd("SCRIPT").arg("LOAD").arg(script.text))?;
                    let sha = text(&loaded).ok_or_else(|| Trouble::odd("no name for a script"))?;
                    given = true;
                    self.known.insert(script.name, sha.clone());
                    sha
                }
            };
            let mut command = redis::cmd("EVALSHA");
            command.arg(&sha).arg(keys.len());
            for key in keys {
                command.arg(*key);
            }
            for argument in arguments {
                command.arg(*argument);
            }
            match self.run(&command) {
                Err(Trouble::Refused { code, .. }) if code == "NOSCRIPT" && !given => {
                    self.known.remove(script.name);
                }
                other => return other,
            }
        }
    }
}

fn client(options: &RedisOptions) -> Result<Client, Trouble> {
    let Address { tls, host, port, .. } = Address::read(&options.url).map_err(|e| Trouble::Lost(e.to_string()))?;
    let address = match tls {
        false => ConnectionAddr::Tcp(host, port),
        true => {
            // The client library takes the process's own, and panics where there is none or where a build has several to choose from.
            if CryptoProvider::get_default().is_none() {
                // Another thread may have been faster; one is as good as the other.
                let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
            }
            ConnectionAddr::TcpTls { host, port, insecure: false, tls_params: None }
        }
    };
    let settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    let info: ConnectionInfo = address.into_connection_info().map_err(|e| Trouble::of(&e))?.set_redis_settings(settings);
    let client = match &options.ca_pem {
        Some(pem) if tls => Client::build_with_tls(info, TlsCertificates { client_tls: None, root_cert: Some(pem.clone()) }),
        _ => Client::open(info),
    };
    client.map_err(|e| Trouble::of(&e))
}

/// A text of an answer.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::SimpleString(text) => Some(text.clone()),
        Value::Okay => Some(String::from("OK")),
        Value::Int(n) => Some(n.to_string()),
        _ => bytes(value).and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()),
    }
}

/// Bytes of an answer.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

/// A list of an answer.
pub(super) fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        _ => None,
    }
}
