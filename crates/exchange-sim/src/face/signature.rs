//! Signatures of requests, HMAC SHA-256 in hex, Ed25519 or RSA in base64: verified over raw bytes. It knows no parameters.

use aws_lc_rs::signature::{ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Signs a payload; the answer is lower-case hex.
///
/// ```
/// // General info of the USDⓈ-M documentation, "Example 1: As a request body".
/// let secret = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
/// let payload = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
/// let signature = exchange_sim::face::sign(secret, payload.as_bytes());
/// assert_eq!(signature, "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9");
/// ```
#[must_use]
pub fn sign(secret: &str, payload: &[u8]) -> String {
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(payload);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How the requests of a key show that they come from its owner.
#[derive(Debug, Clone)]
pub(super) enum Proof {
    /// By a secret that both sides know.
    Shared(String),
    /// By a private key whose public half this is. Only such a key may log on to a session.
    Public([u8; 32]),
    /// The same with RSA.
    Rsa(ParsedPublicKey),
}

impl Proof {
    /// Tells whether a signature belongs to the payload. Hex may be of either case.
    pub(super) fn verify(&self, payload: &[u8], signature: &str) -> bool {
        match self {
            Self::Shared(secret) => sign(secret, payload).eq_ignore_ascii_case(signature),
            Self::Public(key) => base64(signature)
                .is_some_and(|signature| UnparsedPublicKey::new(&ED25519, key).verify(payload, &signature).is_ok()),
            Self::Rsa(key) => base64(signature).is_some_and(|signature| key.verify_sig(payload, &signature).is_ok()),
        }
    }
}

/// Reads an Ed25519 public key: PEM, or the base64 in it (RFC 8410).
pub(super) fn public_key(text: &str) -> Option<[u8; 32]> {
    const HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    inside(text)?.strip_prefix(&HEAD)?.try_into().ok()
}

/// Reads an RSA public key of 2048 bits or more: PEM, or the base64 in it.
pub(super) fn rsa_public_key(text: &str) -> Option<ParsedPublicKey> {
    ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, inside(text)?).ok()
}

/// The bytes of a PEM.
fn inside(text: &str) -> Option<Vec<u8>> {
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).flat_map(|line| line.trim().chars()).collect();
    base64(&body)
}

/// Decodes standard base64 with its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - digits.len() > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut held, mut bits) = (0_u32, 0);
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        held = (held << 6) | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((held >> bits) & 0xff).ok()?);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUTURES: &str = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";
    const SPOT: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";

    // Published by Binance (spot rest-api.md "SIGNED request examples"; USDⓈ-M general info), and three that were
    // computed with Python's hmac from the same keys: mixed query and body, a Chinese symbol, a batch.
    const VECTORS: [(&str, &str, &str); 6] = [
        (
            SPOT,
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71",
        ),
        (
            SPOT,
            "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3",
        ),
        (
            FUTURES,
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943",
            "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
        ),
        (
            SPOT,
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559",
            "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77",
        ),
        (
            FUTURES,
            "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&side=BUY&type=MARKET&quantity=1&recvWindow=5000&timestamp=1591702613943",
            "1c0a5917006e0445b3561a4981dbb11ea25d8dc2917afc79146d88ee5ca167d4",
        ),
        (
            FUTURES,
            "batchOrders=%5B%7B%22type%22%3A%22LIMIT%22%2C%22timeInForce%22%3A%22GTC%22%2C%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22price%22%3A%2210001%22%2C%22quantity%22%3A%220.001%22%7D%5D&recvWindow=5000&timestamp=1591702613943",
            "f9989392bce641701caf36bd26cd450a5dfe55cf28491470af9ba96483ecb538",
        ),
    ];

    #[test]
    fn published_vectors_verify_in_either_case() {
        for (secret, payload, signature) in VECTORS {
            let proof = Proof::Shared(secret.to_owned());
            assert!(proof.verify(payload.as_bytes(), signature), "{payload}");
            assert!(proof.verify(payload.as_bytes(), &signature.to_uppercase()), "{payload}");
            assert!(!proof.verify(&payload.as_bytes()[1..], signature), "{payload}");
        }
    }

    #[test]
    fn the_second_vector_of_rfc_8032_verifies() {
        let key = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAPUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=\n-----END PUBLIC KEY-----\n";
        let proof = Proof::Public(public_key(key).unwrap());
        let signature = "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA==";
        assert!(proof.verify(&[0x72], signature));
        assert!(!proof.verify(&[0x73], signature));
        for other in [&signature[1..], &signature[..84], "", "===="] {
            assert!(!proof.verify(&[0x72], other), "{other}");
        }
        assert!(public_key("MCowBQYDK2VwAyEA").is_none() && public_key("???").is_none());
    }

    #[test]
    fn an_rsa_signature_of_another_implementation_verifies() {
        use exec_testkit::keys;
        // `openssl dgst -sha256 -sign` with the private half.
        let payload =
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
        let signature = "VkI+UJM3HDEww4dghu1eCZKnikwYO351xdK8IrIT7H3eob5aHJxJEE7xo4R46iB9VVCOeN6/scSlvMECJbY0QmCVhgujOaztKWxkK28ANttAAdQK7UuC5dBrsguJ6k+Ll/qcyZxsymH82GatlhiT54b0vWZQ8ZCbpouyoKWNKp6bWWixGtwfDsecKi4Zy9B/sAhGs4ahdmCC+GcMLw2d+zjsG4dxfm12cTSpSoCgM9xW2Cvs9TmI9rxpDIMpWnopgmoIK8V8nYku1SYFTFjFatkywu1AWFitCzGyex6WFWcgX7FxVIMt2hIaTeA2S/zqFcUv/M/5Jcz4mYSqny43yA==";
        let proof = Proof::Rsa(rsa_public_key(keys::RSA_PUBLIC).unwrap());
        assert!(proof.verify(payload.as_bytes(), signature));
        assert!(!proof.verify(&payload.as_bytes()[1..], signature));
        assert!(!proof.verify(payload.as_bytes(), &signature[4..]));
        assert!(rsa_public_key(keys::ED25519_PUBLIC).is_none());
    }
}
