//! Listen keys: one per account, alive for an hour after the last word. It knows no sockets.
//!
//! Source: USDⓈ-M user data streams, "Start / Keepalive / Close User Data Stream".

use std::collections::BTreeMap;

use crate::types::{AccountId, Ms};

/// All keys that are alive.
#[derive(Debug)]
pub(super) struct ListenKeys {
    life_ms: Ms,
    seed: u64,
    made: u64,
    by_account: BTreeMap<AccountId, Alive>,
}

#[derive(Debug)]
struct Alive {
    key: String,
    until_ms: Ms,
}

impl ListenKeys {
    pub(super) fn new(life_ms: Ms, seed: u64) -> Self {
        Self { life_ms, seed, made: 0, by_account: BTreeMap::new() }
    }

    /// Gives the account's key: the one that is alive, with a new life, or a new one.
    pub(super) fn start(&mut self, account: AccountId, now: Ms) -> String {
        if let Some(key) = self.keep(account, now) {
            return key;
        }
        self.made += 1;
        let key = make(self.seed ^ (u64::from(account.0) << 32) ^ self.made);
        self.by_account.insert(account, Alive { key: key.clone(), until_ms: now + self.life_ms });
        key
    }

    /// Gives the account's key a new life; `None` when it has none.
    pub(super) fn keep(&mut self, account: AccountId, now: Ms) -> Option<String> {
        let alive = self.by_account.get_mut(&account).filter(|alive| now < alive.until_ms)?;
        alive.until_ms = now + self.life_ms;
        Some(alive.key.clone())
    }

    /// Ends the account's key.
    pub(super) fn close(&mut self, account: AccountId) {
        self.by_account.remove(&account);
    }

    /// Whose key it is, while it is alive.
    pub(super) fn owner(&self, key: &str) -> Option<AccountId> {
        self.by_account.iter().find(|(_, alive)| alive.key == key).map(|(account, _)| *account)
    }

    /// The account's key, while it is alive.
    pub(super) fn of(&self, account: AccountId) -> Option<&str> {
        self.by_account.get(&account).map(|alive| alive.key.as_str())
    }

    /// Takes the keys away whose life is over.
    pub(super) fn expire(&mut self, now: Ms) -> Vec<String> {
        let dead: Vec<AccountId> =
            self.by_account.iter().filter(|(_, alive)| now >= alive.until_ms).map(|(account, _)| *account).collect();
        dead.into_iter().filter_map(|account| self.by_account.remove(&account)).map(|alive| alive.key).collect()
    }

    /// Ends a key's life at once, as if its hour were over.
    pub(super) fn age(&mut self, account: AccountId, now: Ms) {
        if let Some(alive) = self.by_account.get_mut(&account) {
            alive.until_ms = now;
        }
    }
}

/// 64 letters and digits, as the venue's keys look.
fn make(seed: u64) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = seed;
    (0..64)
        .map(|_| {
            // SplitMix64 (Steele, Lea, Flood 2014): unrelated keys from neighbouring seeds, without a dependency.
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^= mixed >> 31;
            let at = usize::try_from(mixed % 62).unwrap_or(0);
            char::from(ALPHABET.get(at).copied().unwrap_or(b'0'))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_lives_an_hour_from_the_last_word() {
        let (one, two) = (AccountId(1), AccountId(2));
        let mut keys = ListenKeys::new(3_600_000, 7);
        let key = keys.start(one, 0);
        assert_eq!(key.len(), 64);
        assert_ne!(keys.start(two, 0), key);
        assert_eq!(keys.start(one, 1_000), key);
        assert_eq!(keys.keep(one, 3_600_000), Some(key.clone()));
        assert_eq!(keys.owner(&key), Some(one));
        assert_eq!(keys.expire(7_200_000), [key.clone(), keys_of(two)]);
        assert_eq!(keys.keep(one, 7_200_000), None);
        assert_eq!(keys.owner(&key), None);
        assert_ne!(keys.start(one, 7_200_001), key);
    }

    fn keys_of(account: AccountId) -> String {
        let mut keys = ListenKeys::new(1, 7);
        keys.start(AccountId(1), 0);
        keys.start(account, 0)
    }
}
