//! The promises of a config file: complete or told, every mistake with its place, no secret shown.

mod example;
mod factory;
mod mistakes;
mod property;
#[cfg(feature = "redis")]
mod redis;
mod secrets;

use node_config::{NodeConfig, SecretError, Surroundings};
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Surroundings made of two maps.
#[derive(Clone, Default)]
pub struct Around {
    /// Variables by name.
    pub variables: BTreeMap<String, String>,
    /// Files by path.
    pub files: BTreeMap<PathBuf, String>,
}

impl Surroundings for Around {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }
    fn secret_file(&self, path: &Path) -> Result<SecretString, SecretError> {
        let text = self.files.get(path).cloned();
        text.map(SecretString::from).ok_or_else(|| SecretError::Unreadable { path: path.to_owned(), why: "no such file".into() })
    }
}

/// Looks like one of the venue's keys.
pub const KEY: &str = "kQ3vUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8";
/// Looks like one of the venue's secrets.
pub const SECRET: &str = "sN6fY0tvC5dq1hXw9LpZ2aRk8uJb7eGm4QoVi3yTnKxD5cFsBzHgWjPqAeUlMrIt";

/// Surroundings with a good key and secret under every default variable.
pub fn around() -> Around {
    let mut around = Around::default();
    for name in ["BINANCE", "BINANCE_TESTNET", "BINANCE_SIM"] {
        around.variables.insert(format!("{name}_API_KEY"), KEY.into());
        around.variables.insert(format!("{name}_API_SECRET"), SECRET.into());
    }
    around
}

/// Every mistake in a text, one a line.
pub fn mistakes(text: &str) -> String {
    NodeConfig::read(text, &around()).map_or_else(|mistakes| mistakes.to_string(), |_| String::new())
}
