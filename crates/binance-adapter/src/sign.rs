//! HMAC-SHA256 signatures of requests, for REST and for the WebSocket API. It neither builds the parameters of a request
//! nor chooses their order: the bytes it is given are the bytes that are signed.
//!
//! Source: Binance USDⓈ-M "General Info" (signed endpoints) and "Websocket API General Info", read 2026-11-22.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use thiserror::Error;

/// Length of a signature in lower-case hexadecimal characters.
pub const SIGNATURE_LEN: usize = 64;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The secret key, as the state of the HMAC after its first block, so that a signature costs only the message.
///
/// It has no `Debug`, `Display`, `Clone` or `Serialize`: key material does not leave it.
///
/// ```compile_fail
/// fn printable<T: std::fmt::Debug>() {}
/// printable::<binance_adapter::sign::Signer>();
/// ```
pub struct Signer {
    key: Hmac<Sha256>,
}

/// The secret cannot be used as a key.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the api secret is empty")]
pub struct UnusableSecret;

impl Signer {
    /// Prepares the key state.
    ///
    /// # Errors
    /// [`UnusableSecret`] when the secret is empty; the caller refuses to start.
    pub fn new(secret: &SecretString) -> Result<Self, UnusableSecret> {
        let secret = secret.expose_secret();
        if secret.is_empty() {
            return Err(UnusableSecret);
        }
        let key = Hmac::new_from_slice(secret.as_bytes()).map_err(|_| UnusableSecret)?;
        Ok(Self { key })
    }

    /// Appends the signature of `payload` to `out`, as 64 lower-case hexadecimal characters.
    pub fn append_signature(&self, payload: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.signature(payload));
    }

    /// The signature of `payload`, as 64 lower-case hexadecimal characters.
    #[must_use]
    pub fn signature(&self, payload: &[u8]) -> [u8; SIGNATURE_LEN] {
        let mut mac = self.key.clone();
        mac.update(payload);
        let tag = mac.finalize().into_bytes();
        let mut hex = [0; SIGNATURE_LEN];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(tag) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        hex
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPOT: &str = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j";
    const FUTURES: &str = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9";

    fn sign(secret: &str, payload: &str) -> String {
        let signer = Signer::new(&SecretString::from(secret)).unwrap();
        String::from_utf8(signer.signature(payload.as_bytes()).to_vec()).unwrap()
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
        assert_eq!(Signer::new(&SecretString::from("")).err(), Some(UnusableSecret));
    }
}
