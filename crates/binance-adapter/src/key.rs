//! What kind of key a secret is, told from its content alone, and what is wrong with one that cannot sign. It signs nothing.
//!
//! Source: Binance "General Info" of spot and USDⓈ-M (HMAC, RSA and Ed25519 keys; PEM, PKCS#8), read 2026-11-22; RFC 8410 and RFC
//! 5958 for the first bytes of a key.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use secrecy::zeroize::Zeroizing;
use std::fmt;
use thiserror::Error;

/// How the requests of a key are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// HMAC SHA-256 with a secret that the venue knows too.
    Hmac,
    /// Ed25519: the venue has the public half only.
    Ed25519,
    /// RSASSA-PKCS1-v1_5 with SHA-256: the venue has the public half only.
    Rsa,
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac => "HMAC",
            Self::Ed25519 => "Ed25519",
            Self::Rsa => "RSA",
        })
    }
}

/// Why a secret cannot sign. It says nothing of what stands in it but its kind.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum UnusableSecret {
    /// Nothing is there.
    #[error("is empty")]
    Empty,
    /// The half that the venue is given.
    #[error("is a public key: the venue has that one; here goes the private key that it was made from")]
    Public,
    /// A key behind a password.
    #[error(
        "is an encrypted private key: decrypt it with `openssl pkcs8 -in KEY -out PLAIN`, and keep PLAIN readable by its owner only"
    )]
    Encrypted,
    /// An RSA key in the older form.
    #[error("is an RSA key in PKCS#1 form: convert it with `openssl pkcs8 -topk8 -nocrypt -in KEY -out PLAIN`")]
    Pkcs1,
    /// A key on an elliptic curve other than Ed25519's.
    #[error("is an EC key, which Binance does not take: make one with `openssl genpkey -algorithm ed25519`")]
    Ec,
    /// A key of OpenSSH.
    #[error("is a key of OpenSSH: make one with `openssl genpkey -algorithm ed25519`")]
    OpenSsh,
    /// Something else between the lines of a PEM.
    #[error("is PEM, but no private key")]
    NoPrivateKey,
    /// A PEM without its last line, or with something in it that is no base64.
    #[error("is a PEM that is cut off or damaged; if it stands in a variable, put it into a file and name that")]
    Damaged,
    /// The base64 of a key without the lines around it, or the key as bytes.
    #[error("is a private key without the lines `-----BEGIN PRIVATE KEY-----` and `-----END PRIVATE KEY-----` around it")]
    Bare,
    /// Too short, or not what it claims to be.
    #[error("is an RSA key that cannot be used: Binance takes 2048 bits and more")]
    Rsa,
    /// Not what it claims to be.
    #[error("is an Ed25519 key that cannot be used")]
    Ed25519,
    /// A key by another algorithm.
    #[error("is a private key of a kind that Binance does not take: HMAC, Ed25519 and RSA are")]
    Kind,
}

/// Tells the kind of a secret.
///
/// ```
/// use binance_adapter::key::{KeyKind, UnusableSecret, kind_of};
/// assert_eq!(kind_of("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"), Ok(KeyKind::Hmac));
/// assert_eq!(kind_of("-----BEGIN EC PRIVATE KEY-----"), Err(UnusableSecret::Ec));
/// ```
///
/// # Errors
/// [`UnusableSecret`]: it cannot sign.
pub fn kind_of(secret: &str) -> Result<KeyKind, UnusableSecret> {
    private(secret).map(|key| match key {
        None => KeyKind::Hmac,
        Some(Private::Ed25519(_)) => KeyKind::Ed25519,
        Some(Private::Rsa(_)) => KeyKind::Rsa,
    })
}

/// A private key that signs.
pub(crate) enum Private {
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

/// Tells a secret apart: the private key in it, or `None` where it is an HMAC secret.
pub(crate) fn private(secret: &str) -> Result<Option<Private>, UnusableSecret> {
    let text = secret.trim();
    if text.is_empty() {
        return Err(UnusableSecret::Empty);
    }
    if text.contains("-----BEGIN") {
        return pem(text).map(Some);
    }
    // `30 2e 02 01 00 30 05 06 03 2b 65 70` is how every Ed25519 key begins, `30 82` every RSA key; no HMAC secret is that long.
    if text.starts_with("MC4CAQAwBQYDK2Vw") || text.starts_with("MII") && text.len() > 256 {
        return Err(UnusableSecret::Bare);
    }
    Ok(None)
}

fn pem(text: &str) -> Result<Private, UnusableSecret> {
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(UnusableSecret::Damaged)?;
    let (label, rest) = rest.split_once("-----").ok_or(UnusableSecret::Damaged)?;
    match label {
        "PRIVATE KEY" => (),
        "ENCRYPTED PRIVATE KEY" => return Err(UnusableSecret::Encrypted),
        "RSA PRIVATE KEY" => return Err(UnusableSecret::Pkcs1),
        "EC PRIVATE KEY" | "EC PARAMETERS" => return Err(UnusableSecret::Ec),
        "OPENSSH PRIVATE KEY" => return Err(UnusableSecret::OpenSsh),
        "PUBLIC KEY" | "RSA PUBLIC KEY" | "CERTIFICATE" => return Err(UnusableSecret::Public),
        _ => return Err(UnusableSecret::NoPrivateKey),
    }
    let (body, _) = rest.split_once("-----END PRIVATE KEY-----").ok_or(UnusableSecret::Damaged)?;
    let der = base64(body).ok_or(UnusableSecret::Damaged)?;
    match algorithm(&der).ok_or(UnusableSecret::Damaged)? {
        ED25519 => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| UnusableSecret::Ed25519)?;
            Ok(Private::Ed25519(Box::new(pair)))
        }
        RSA => {
            let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| UnusableSecret::Rsa)?;
            // Tried once, so that no request meets a key that cannot sign.
            let mut signature = vec![0; pair.public_modulus_len()];
            pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), b"", &mut signature).map_err(|_| UnusableSecret::Rsa)?;
            Ok(Private::Rsa(Box::new(pair)))
        }
        EC => Err(UnusableSecret::Ec),
        _ => Err(UnusableSecret::Kind),
    }
}

/// Object identifiers: 1.3.101.112, 1.2.840.113549.1.1.1, 1.2.840.10045.2.1.
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];

/// The algorithm of a PKCS#8 key: SEQUENCE { INTEGER version, SEQUENCE { OBJECT IDENTIFIER, ...
fn algorithm(der: &[u8]) -> Option<&[u8]> {
    let (inside, _) = element(der, 0x30)?;
    let (_, rest) = element(inside, 0x02)?;
    let (algorithm, _) = element(rest, 0x30)?;
    element(algorithm, 0x06).map(|(oid, _)| oid)
}

/// One element of DER with this tag: its content, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&short, rest) = rest.split_first()?;
    if found != tag {
        return None;
    }
    let (len, rest) = match short {
        0..=127 => (usize::from(short), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), rest.get(2..)?),
        _ => return None,
    };
    Some((rest.get(..len)?, rest.get(len..)?))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Decodes base64 with its padding, blanks and line ends apart.
fn base64(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 4 * 3 + 3));
    let (mut held, mut bits, mut digits, mut padding) = (0_u32, 0_u32, 0_usize, 0_usize);
    for byte in text.bytes().filter(|byte| !byte.is_ascii_whitespace()) {
        digits += 1;
        if byte == b'=' {
            padding += 1;
            continue;
        }
        let value = ALPHABET.iter().position(|known| *known == byte).filter(|_| padding == 0)?;
        held = (held << 6) | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    (digits.is_multiple_of(4) && padding <= 2).then_some(bytes)
}

/// Encodes as base64 with its padding.
pub(crate) fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |n: usize| u32::from(chunk.get(n).copied().unwrap_or(0));
        let held = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..4 {
            let value = (held >> (18 - 6 * digit)) & 63;
            text.push(if digit > chunk.len() { '=' } else { char::from(ALPHABET[value as usize]) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec_testkit::keys;
    use proptest::prelude::*;

    #[test]
    fn keys_are_told_apart_by_their_content() {
        assert_eq!(kind_of("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"), Ok(KeyKind::Hmac));
        assert_eq!(kind_of(keys::ED25519), Ok(KeyKind::Ed25519));
        assert_eq!(kind_of(keys::RSA), Ok(KeyKind::Rsa));
        // As editors, forms and variables leave it.
        for text in [keys::ED25519.trim().to_owned(), keys::ED25519.replace('\n', "\r\n"), keys::ED25519.replace('\n', " ")] {
            assert_eq!(kind_of(&text), Ok(KeyKind::Ed25519), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_sign_says_what_it_is_and_what_to_do() {
        let inside = |pem: &str| pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>();
        for (secret, why) in [
            (" \n", UnusableSecret::Empty),
            (keys::ED25519_PUBLIC, UnusableSecret::Public),
            (keys::RSA_PUBLIC, UnusableSecret::Public),
            (keys::ENCRYPTED, UnusableSecret::Encrypted),
            (keys::RSA_PKCS1, UnusableSecret::Pkcs1),
            (keys::EC, UnusableSecret::Ec),
            (&keys::EC.replace("PRIVATE", "EC PRIVATE"), UnusableSecret::Ec),
            (&keys::EC.replace("PRIVATE", "OPENSSH PRIVATE"), UnusableSecret::OpenSsh),
            (&keys::EC.replace("PRIVATE KEY", "PARAMETERS"), UnusableSecret::NoPrivateKey),
            (keys::RSA_SHORT, UnusableSecret::Rsa),
            (&inside(keys::ED25519), UnusableSecret::Bare),
            (&inside(keys::RSA), UnusableSecret::Bare),
            (&keys::ED25519[..70], UnusableSecret::Damaged),
            (&keys::ED25519.replace("MC4C", "MC4"), UnusableSecret::Damaged),
            (&keys::ED25519.replace('\n', "\\n"), UnusableSecret::Damaged),
            (&keys::ED25519.replace("K2Vw", "K2Vv"), UnusableSecret::Kind),
        ] {
            assert_eq!(kind_of(secret), Err(why), "{secret}");
        }
    }

    proptest! {
        #[test]
        fn base64_gives_back_what_it_was_given(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let text = to_base64(&bytes);
            prop_assert_eq!(&**base64(&text).unwrap(), &bytes[..]);
        }

        #[test]
        fn no_text_in_a_pem_panics(body in "[A-Za-z0-9+/=\n ]{0,120}") {
            let text = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----");
            prop_assert!(kind_of(&text).is_err());
        }
    }
}
