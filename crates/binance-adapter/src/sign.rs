//! Signatures of requests, for REST and for the WebSocket API: HMAC-SHA256, Ed25519 or RSA, by the kind of the key. It neither builds
//! the parameters of a request nor chooses their order: the bytes it is given are the bytes that are signed.
//!
//! Source: Binance USDⓈ-M "General Info" (signed endpoints) and "Websocket API General Info", read 2026-11-22.

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::key::{self, KeyKind, Private, UnusableSecret};

/// Length of an HMAC signature in lower-case hexadecimal characters.
pub const SIGNATURE_LEN: usize = 64;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The secret key, ready to sign. Of an HMAC secret it is the state after its first block, so that a signature costs only the
/// message. Its memory is overwritten when it is dropped.
///
/// It has no `Debug`, `Display`, `Clone` or `Serialize`: key material does not leave it.
///
/// ```compile_fail
/// fn printable<T: std::fmt::Debug>() {}
/// printable::<binance_adapter::sign::Signer>();
/// ```
pub struct Signer {
    key: Key,
}

enum Key {
    Hmac(Box<Hmac<Sha256>>),
    Ed25519(Box<Ed25519KeyPair>),
    Rsa(Box<RsaKeyPair>),
}

/// A signature as text: hexadecimal by an HMAC key, base64 by the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Lower-case hexadecimal; nothing in it needs encoding.
    Hex([u8; SIGNATURE_LEN]),
    /// Base64 with its padding; in a URL or a form its `+`, `/` and `=` are encoded.
    Base64(String),
}

impl Signature {
    /// The text, as it stands in JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            // All of it is ASCII.
            Self::Hex(hex) => std::str::from_utf8(hex).unwrap_or_default(),
            Self::Base64(text) => text,
        }
    }
}

impl Signer {
    /// Tells the kind of the secret and prepares it.
    ///
    /// # Errors
    /// [`UnusableSecret`] when it cannot sign; the caller refuses to start.
    pub fn new(secret: &SecretString) -> Result<Self, UnusableSecret> {
        let secret = secret.expose_secret();
        let key = match key::private(secret)? {
            Some(Private::Ed25519(pair)) => Key::Ed25519(pair),
            Some(Private::Rsa(pair)) => Key::Rsa(pair),
            None => Key::Hmac(Box::new(Hmac::new_from_slice(secret.as_bytes()).map_err(|_| UnusableSecret::Empty)?)),
        };
        Ok(Self { key })
    }

    /// Of which kind the key is.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        match &self.key {
            Key::Hmac(_) => KeyKind::Hmac,
            Key::Ed25519(_) => KeyKind::Ed25519,
            Key::Rsa(_) => KeyKind::Rsa,
        }
    }

    /// The signature of `payload`.
    #[must_use]
    pub fn signature(&self, payload: &[u8]) -> Signature {
        match &self.key {
            Key::Hmac(key) => {
                let mut mac = Hmac::clone(key);
                mac.update(payload);
                let tag = mac.finalize().into_bytes();
                let mut hex = [0; SIGNATURE_LEN];
                for (pair, byte) in hex.chunks_exact_mut(2).zip(tag) {
                    pair[0] = HEX[usize::from(byte >> 4)];
                    pair[1] = HEX[usize::from(byte & 15)];
                }
                Signature::Hex(hex)
            }
            Key::Ed25519(pair) => Signature::Base64(key::to_base64(pair.sign(payload).as_ref())),
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                // The key has signed when it was read; if it cannot now, the venue refuses what is not signed.
                let _ = pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), payload, &mut signature);
                Signature::Base64(key::to_base64(&signature))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use exec_testkit::keys;

    const SPOT: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    const FUTURES: &str = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";

    fn sign(secret: &str, payload: &str) -> String {
        let signer = Signer::new(&SecretString::from(secret)).unwrap();
        signer.signature(payload.as_bytes()).as_str().to_owned()
    }

    #[test]
    fn rest_vectors_of_the_venue_verify() {
        let spot =
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        assert_eq!(sign(SPOT, spot), "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71");
        let wide = "symbol=%EF%BC%91%EF%BC%92%EF%BC%93%EF%BC%94%EF%BC%95%EF%BC%96&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        assert_eq!(sign(SPOT, wide), "e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3");
        let futures =
            "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
        assert_eq!(sign(FUTURES, futures), "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9");
    }

    #[test]
    fn query_and_body_are_signed_without_a_separator() {
        let mixed =
            "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559";
        assert_eq!(sign(SPOT, mixed), "0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77");
    }

    #[test]
    fn derived_vectors_verify() {
        let chinese = "symbol=%E5%B8%81%E5%AE%89%E4%BA%BA%E7%94%9FUSDT&side=BUY&type=MARKET&quantity=1&recvWindow=5000&timestamp=1591702613943";
        assert_eq!(sign(FUTURES, chinese), "1c0a5917006e0445b3561a4981dbb11ea25d8dc2917afc79146d88ee5ca167d4");
        let batch = "batchOrders=%5B%7B%22type%22%3A%22LIMIT%22%2C%22timeInForce%22%3A%22GTC%22%2C%22symbol%22%3A%22BTCUSDT%22%2C%22side%22%3A%22BUY%22%2C%22price%22%3A%2210001%22%2C%22quantity%22%3A%220.001%22%7D%5D&recvWindow=5000&timestamp=1591702613943";
        assert_eq!(sign(FUTURES, batch), "f9989392bce641701caf36bd26cd450a5dfe55cf28491470af9ba96483ecb538");
        let coin = "symbol=BTCUSD_200925&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";
        assert_eq!(sign(FUTURES, coin), "04c8b9fbd55285a38fd6a3fc40ba3a7d114f22564dab61611bf24f2d2efb890f");
    }

    #[test]
    fn websocket_vectors_of_the_venue_verify() {
        let ascii = "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=52000.00&quantity=0.01000000&recvWindow=100&side=SELL&symbol=BTCUSDT&timeInForce=GTC&timestamp=1645423376532&type=LIMIT";
        assert_eq!(sign(SPOT, ascii), "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24");
        let raw = "apiKey=vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A&price=0.10000000&quantity=1.00000000&recvWindow=5000&side=BUY&symbol=１２３４５６&timeInForce=GTC&timestamp=1645423376532&type=LIMIT";
        assert_eq!(sign(SPOT, raw), "b33892ae8e687c939f4468c6268ddd4c40ac1af18ad19a064864c47bae0752cd");
    }

    #[test]
    fn an_empty_secret_is_refused() {
        assert_eq!(Signer::new(&SecretString::from("")).err(), Some(UnusableSecret::Empty));
    }

    const ORDER: &str =
        "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943";

    // Both computed with OpenSSL from the same keys: `openssl pkeyutl -sign -rawin`, `openssl dgst -sha256 -sign`.
    #[test]
    fn private_keys_sign_as_another_implementation_does() {
        assert_eq!(
            sign(keys::ED25519, ORDER),
            "sz1/gqqB6Tf2shBikNoRDe1kTJ6T+lgNyzF/I57ygaw4p/xChMTqMCQCKKvJZUmIvgj4dVBTV1OvfuyE61aqCQ=="
        );
        assert_eq!(
            sign(keys::RSA, ORDER),
            "VkI+UJM3HDEww4dghu1eCZKnikwYO351xdK8IrIT7H3eob5aHJxJEE7xo4R46iB9VVCOeN6/scSlvMECJbY0QmCVhgujOaztKWxkK28ANttAAdQK7UuC5dBrsguJ6k+Ll/qcyZxsymH82GatlhiT54b0vWZQ8ZCbpouyoKWNKp6bWWixGtwfDsecKi4Zy9B/sAhGs4ahdmCC+GcMLw2d+zjsG4dxfm12cTSpSoCgM9xW2Cvs9TmI9rxpDIMpWnopgmoIK8V8nYku1SYFTFjFatkywu1AWFitCzGyex6WFWcgX7FxVIMt2hIaTeA2S/zqFcUv/M/5Jcz4mYSqny43yA=="
        );
    }

    #[test]
    fn the_second_vector_of_rfc_8032_is_signed() {
        // The seed 4ccd089b...29fb of section 7.1 as RFC 8410 writes it.
        let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIEzNCJso/5banbbDRuwRTg9bijGfNaumJNqM9u1PuKb7\n-----END PRIVATE KEY-----";
        let signature = "kqAJqfDUyrhyDoILX2QlQKKye1QWUD+Ps3YiI+vbadoIWsHkPhWZbkWPNhPQ8R2MOHsurrQwKu6wDSkWErsMAA==";
        assert_eq!(sign(pem, "\u{72}"), signature);
    }
}
