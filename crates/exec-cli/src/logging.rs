//! Where log lines go: to standard error, as the config says, or as `RUST_LOG` says instead.

use node_config::{LogFormat, LoggingConfig};
use tracing_subscriber::EnvFilter;

/// Begins to log. A second call changes nothing.
pub(crate) fn start(config: &LoggingConfig) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(config.level.word()));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Somebody who has set up a log before wins.
    let _ = match config.format {
        LogFormat::Text => log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

/// Begins to log warnings only, for verbs that print their answer.
pub(crate) fn quiet() {
    start(&LoggingConfig { level: node_config::LogLevel::Warn, format: LogFormat::Text });
}
