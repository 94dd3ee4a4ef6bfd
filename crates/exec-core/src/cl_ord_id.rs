//! How our own client order ids are made and recognised: `TAG-aassEEEEEiiiiiiiikccc`. The page is `docs/client-order-id.md`.
//!
//! The id alone tells, without any local state, that an order is ours, which strategy asked for it, in which start of the
//! engine, and which try it was. A check code keeps a foreign id from ever being read as ours.

use crate::ids::{ClOrdId, Epoch, ID_BYTES_MAX};
use alloc::string::String;
use arrayvec::ArrayString;
use serde::{Deserialize, Serialize};

/// Crockford's base 32 in upper case: no I, L, O, U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Digits after the tag and its dash.
const DIGITS: usize = 2 + 2 + 5 + 8 + 1 + 3;
/// Most characters of a tag.
pub const TAG_MAX: usize = 12;
/// Most attempts for one intent.
pub const ATTEMPTS_MAX: u8 = 31;

/// A tag that cannot start a client order id.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("order tag `{0}` must be 1 to {TAG_MAX} letters or digits")]
pub struct TagError(String);

/// What a fleet of nodes puts in front of every client order id: 1 to 12 letters or digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct Tag(ArrayString<TAG_MAX>);

impl Tag {
    /// Reads a tag.
    ///
    /// # Errors
    /// [`TagError`] for anything but 1 to 12 ASCII letters or digits.
    pub fn new(text: &str) -> Result<Self, TagError> {
        let bad = || TagError(text.chars().take(40).collect());
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(bad());
        }
        ArrayString::from(text).map(Self).map_err(|_| bad())
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a client order id of ours says.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Hash, Serialize, Deserialize)]
pub struct OwnId {
    /// The account's number in the fleet, below 1024.
    pub account: u16,
    /// The strategy's number in the journal's register, below 1024.
    pub strategy: u16,
    /// The start of the engine that made it, below 2^25.
    pub epoch: Epoch,
    /// Counts the intents of that epoch, below 2^40.
    pub intent: u64,
    /// Which try, 0 to 31.
    pub attempt: u8,
}

impl OwnId {
    /// Writes the id. Numbers beyond their bound are refused with `None`: ids are never reused, so never wrapped.
    pub fn encode(&self, tag: &Tag) -> Option<ClOrdId> {
        if self.account >= 1 << 10
            || self.strategy >= 1 << 10
            || self.epoch.0 >= 1 << 25
            || self.intent >= 1 << 40
            || self.attempt > ATTEMPTS_MAX
        {
            return None;
        }
        let mut text = ArrayString::<ID_BYTES_MAX>::new();
        text.try_push_str(tag.as_str()).ok()?;
        text.try_push('-').ok()?;
        let fields = [
            (u64::from(self.account), 2),
            (u64::from(self.strategy), 2),
            (u64::from(self.epoch.0), 5),
            (self.intent, 8),
            (u64::from(self.attempt), 1),
        ];
        for (value, digits) in fields {
            push_base32(&mut text, value, digits);
        }
        let check = u64::from(crc15(text.as_bytes()));
        push_base32(&mut text, check, 3);
        ClOrdId::new(&text).ok()
    }

    /// Reads an id back. `None` means that it is not one of ours under this tag.
    pub fn decode(tag: &Tag, id: &ClOrdId) -> Option<Self> {
        let text = id.as_str();
        let digits = text.strip_prefix(tag.as_str())?.strip_prefix('-')?;
        if digits.len() != DIGITS || !digits.is_ascii() {
            return None;
        }
        let value = |from: usize, count: usize| -> Option<u64> {
            digits.as_bytes()[from..from + count].iter().try_fold(0_u64, |sum, b| {
                let digit = ALPHABET.iter().position(|a| a == b)?;
                Some(sum << 5 | digit as u64)
            })
        };
        let body = &text.as_bytes()[..text.len() - 3];
        if value(DIGITS - 3, 3)? != u64::from(crc15(body)) {
            return None;
        }
        Some(Self {
            account: value(0, 2)? as u16,
            strategy: value(2, 2)? as u16,
            epoch: Epoch(value(4, 5)? as u32),
            intent: value(9, 8)?,
            attempt: value(17, 1)? as u8,
        })
    }
}

fn push_base32(text: &mut ArrayString<ID_BYTES_MAX>, value: u64, digits: u32) {
    for place in (0..digits).rev() {
        text.push(ALPHABET[(value >> (5 * place) & 31) as usize] as char);
    }
}

/// CRC-15/CAN over bytes.
fn crc15(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0_u16, |crc, byte| {
        (0..8).rev().fold(crc, |crc, bit| {
            let flip = u16::from(byte >> bit & 1) ^ (crc >> 14 & 1);
            (crc << 1 ^ (if flip == 1 { 0x4599 } else { 0 })) & 0x7FFF
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longest_id_fits_and_keeps_to_the_alphabet() {
        let tag = Tag::new("ABCDEFGHJKMN").unwrap();
        let id = OwnId { account: 1023, strategy: 1023, epoch: Epoch((1 << 25) - 1), intent: (1 << 40) - 1, attempt: 31 };
        let text = id.encode(&tag).unwrap();
        assert_eq!(text.as_str().len(), 34);
        assert!(text.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'));
        assert_eq!(OwnId::decode(&tag, &text), Some(id));
    }

    #[test]
    fn a_number_beyond_its_bound_has_no_id() {
        let last = OwnId { account: 1023, strategy: 1023, epoch: Epoch((1 << 25) - 1), intent: (1 << 40) - 1, attempt: 31 };
        for beyond in [
            OwnId { account: 1 << 10, ..last },
            OwnId { strategy: 1 << 10, ..last },
            OwnId { epoch: Epoch(1 << 25), ..last },
            OwnId { intent: 1 << 40, ..last },
            OwnId { attempt: 32, ..last },
        ] {
            assert_eq!(beyond.encode(&Tag::new("x9").unwrap()), None, "{beyond:?}");
        }
    }

    #[test]
    fn crc_matches_its_published_check_value() {
        assert_eq!(crc15(b"123456789"), 0x059E);
    }

    proptest! {
        #[test]
        fn ids_come_back_as_they_went(account in 0_u16..1024, strategy in 0_u16..1024, epoch in 0_u32..1 << 25, intent in 0_u64..1 << 40, attempt in 0_u8..32) {
            let tag = Tag::new("x9").unwrap();
            let id = OwnId { account, strategy, epoch: Epoch(epoch), intent, attempt };
            prop_assert_eq!(OwnId::decode(&tag, &id.encode(&tag).unwrap()), Some(id));
        }

        #[test]
        fn a_changed_character_is_never_ours(at in 3_usize..24, to in 0_usize..32) {
            let tag = Tag::new("x9").unwrap();
            let id = OwnId { account: 1, strategy: 2, epoch: Epoch(12345), intent: 67890, attempt: 0 };
            let text = id.encode(&tag).unwrap();
            let mut bytes = text.as_str().as_bytes().to_vec();
            prop_assume!(bytes[at] != ALPHABET[to]);
            bytes[at] = ALPHABET[to];
            let changed = ClOrdId::new(core::str::from_utf8(&bytes).unwrap()).unwrap();
            prop_assert_eq!(OwnId::decode(&tag, &changed), None);
        }

        #[test]
        fn foreign_ids_are_not_ours(text in "[A-Za-z0-9_-]{1,36}") {
            let tag = Tag::new("x9").unwrap();
            prop_assume!(!text.starts_with("x9-"));
            prop_assert_eq!(OwnId::decode(&tag, &ClOrdId::new(&text).unwrap()), None);
        }
    }
}
