//! What the venue has told an address to wait for, kept in a small file over a restart; and the one weight budget of all accounts of
//! this process behind that address. It decides nothing.

use binance_adapter::rate::{AddressPool, Hold, HoldStore, Limits, SharedPool};
use exec_core::{ids::AccountId, time::VenueTime};
use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The hosts that the accounts of this process speak to. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Hosts(Arc<Mutex<BTreeMap<String, Host>>>);

#[derive(Clone)]
struct Host {
    pool: SharedPool,
    file: Arc<HoldFile>,
}

impl Hosts {
    /// The budget of a host and the file that keeps what it says. Files of one host stand in one directory.
    pub(crate) fn of(&self, host: &str, directory: &Path, account: &AccountId) -> (SharedPool, Arc<dyn HoldStore>) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let host = hosts.entry(host.to_owned()).or_insert_with(|| Host {
            pool: AddressPool::shared(Limits::default()),
            file: Arc::new(HoldFile::read(directory.join(file_name(host)))),
        });
        (Arc::clone(&host.pool), Arc::new(AccountHolds { file: Arc::clone(&host.file), account: account.as_str().to_owned() }))
    }
}

/// A host's name as a file may be called.
fn file_name(host: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
    format!("limits-{}", host.chars().map(plain).collect::<String>())
}

/// One line a state: its name, a space, until when in milliseconds.
struct HoldFile {
    path: PathBuf,
    lines: Mutex<BTreeMap<String, i64>>,
    writes: Mutex<()>,
}

impl HoldFile {
    fn read(path: PathBuf) -> Self {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    tracing::error!(path = %path.display(), %error, "what the venue told an earlier process cannot be read");
                }
                String::new()
            }
        };
        let line = |line: &str| line.split_once(' ').and_then(|(name, until)| Some((name.to_owned(), until.parse().ok()?)));
        Self { path, lines: Mutex::new(text.lines().filter_map(line).collect()), writes: Mutex::default() }
    }

    fn lines(&self) -> MutexGuard<'_, BTreeMap<String, i64>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(self: &Arc<Self>, name: &str, until: VenueTime) {
        self.lines().insert(name.to_owned(), until.0);
        let file = Arc::clone(self);
        let write = move || {
            // One at a time, and each with what is known then: the last one must not be overtaken by one before it.
            let _turn = file.writes.lock().unwrap_or_else(PoisonError::into_inner);
            let text: String = file.lines().iter().map(|(name, until)| format!("{name} {until}\n")).collect();
            if let Err(error) = write(&file.path, &text) {
                tracing::error!(path = %file.path.display(), %error, "what the venue says is not kept; a restart forgets it");
            }
        };
        // A disk that hangs must not hold back a cancel.
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn_blocking(write)),
            Err(_) => write(),
        }
    }
}

/// Whole or not at all.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // What stands behind the last dot of a host's name belongs to the name.
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let mut file = fs::File::create(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

/// One account's view: its address's states, and its own.
struct AccountHolds {
    file: Arc<HoldFile>,
    account: String,
}

impl AccountHolds {
    fn name(&self, hold: Hold) -> String {
        match hold {
            Hold::Banned | Hold::Paused => hold.name().to_owned(),
            Hold::OrdersPaused => format!("{}.{}", hold.name(), self.account),
        }
    }
}

impl HoldStore for AccountHolds {
    fn kept(&self) -> Vec<(Hold, VenueTime)> {
        let lines = self.file.lines();
        let kept = |hold| lines.get(&self.name(hold)).map(|until| (hold, VenueTime(*until)));
        [Hold::Banned, Hold::Paused, Hold::OrdersPaused].into_iter().filter_map(kept).collect()
    }

    fn keep(&self, hold: Hold, until: VenueTime) {
        self.file.keep(&self.name(hold), until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> AccountId {
        AccountId::new(name).unwrap()
    }

    #[test]
    fn what_one_process_was_told_the_next_one_knows() {
        let folder = tempfile::tempdir().unwrap();
        let (_, store) = Hosts::default().of("fapi.binance.com", folder.path(), &account("one"));
        assert!(store.kept().is_empty());
        store.keep(Hold::Banned, VenueTime(7));
        store.keep(Hold::OrdersPaused, VenueTime(8));
        store.keep(Hold::Banned, VenueTime(9));
        let after = Hosts::default();
        let (_, store) = after.of("fapi.binance.com", folder.path(), &account("one"));
        assert_eq!(store.kept(), [(Hold::Banned, VenueTime(9)), (Hold::OrdersPaused, VenueTime(8))]);
        let (_, other) = after.of("fapi.binance.com", folder.path(), &account("two"));
        assert_eq!(other.kept(), [(Hold::Banned, VenueTime(9))], "the ban is the address's, the order count is not");
        let (_, elsewhere) = after.of("testnet.binancefuture.com", folder.path(), &account("one"));
        assert!(elsewhere.kept().is_empty());
    }

    #[test]
    fn hosts_whose_names_differ_in_their_end_keep_files_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = Hosts::default();
        for (at, host) in ["fapi.binance.com", "fapi.binance.us", "127.0.0.1:80", "127.0.0.1:81"].into_iter().enumerate() {
            let (_, store) = hosts.of(host, folder.path(), &account("one"));
            store.keep(Hold::Banned, VenueTime(at as i64));
            store.keep(Hold::Paused, VenueTime(7));
        }
        for (at, host) in ["fapi.binance.com", "fapi.binance.us", "127.0.0.1:80", "127.0.0.1:81"].into_iter().enumerate() {
            let (_, store) = Hosts::default().of(host, folder.path(), &account("one"));
            assert_eq!(store.kept(), [(Hold::Banned, VenueTime(at as i64)), (Hold::Paused, VenueTime(7))], "{host}");
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "nothing half-written is left");
    }

    #[test]
    fn accounts_of_one_process_share_the_budget_of_their_host() {
        let folder = tempfile::tempdir().unwrap();
        let hosts = Hosts::default();
        let (one, _) = hosts.of("host", folder.path(), &account("one"));
        let (two, _) = hosts.of("host", folder.path(), &account("two"));
        let (three, _) = hosts.of("other", folder.path(), &account("three"));
        assert!(Arc::ptr_eq(&one, &two) && !Arc::ptr_eq(&one, &three));
    }

    #[test]
    fn a_file_that_makes_no_sense_is_no_state() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("limits-host"), "banned soon\nx\npaused 5\n").unwrap();
        let (_, store) = Hosts::default().of("host", folder.path(), &account("one"));
        assert_eq!(store.kept(), [(Hold::Paused, VenueTime(5))]);
    }
}
