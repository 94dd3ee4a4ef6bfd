//! A config file: complete, or told with all its mistakes; what is shown of it reads back the same; no secret is shown.

use std::path::Path;

use node_config::{NodeConfig, SecretError, Surroundings};
use secrecy::SecretString;

const KEY: &str = "kQ3vUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8";
const SECRET: &str = "sN6fY0tvC5dq1hXw9LpZ2aRk8uJb7eGm4QoVi3yTnKxD5cFsBzHgWjPqAeUlMrIt";

struct Around;

impl Surroundings for Around {
    fn variable(&self, name: &str) -> Option<String> {
        let secret = if name.ends_with("SECRET") { SECRET } else { KEY };
        (!name.contains("UNSET")).then(|| secret.into())
    }
    fn secret_file(&self, _path: &Path) -> Result<SecretString, SecretError> {
        Ok(SecretString::from(SECRET))
    }
}

/// A config file.
pub(crate) fn file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let shown = match NodeConfig::read(text, &Around) {
        Ok(config) => {
            let shown = config.render();
            let again = NodeConfig::read(&shown, &Around);
            let again = again.unwrap_or_else(|mistakes| panic!("what is shown cannot be read: {mistakes}\n{shown}")).render();
            assert_eq!(shown, again, "what is shown reads back as something else");
            shown
        }
        Err(mistakes) => {
            assert!(!mistakes.all().is_empty(), "refused without a reason");
            mistakes.in_file("node.toml")
        }
    };
    assert!([KEY, SECRET].iter().all(|word| text.contains(word) || !shown.contains(word)), "a secret is shown");
}
