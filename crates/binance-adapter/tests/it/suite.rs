//! The suite that every venue must pass, for the real adapter over real sockets on loopback, against the built-in exchange. Nothing
//! here judges; the checks are exec-testkit's.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use binance_adapter::{BinanceUsdm, Credentials, Now, Settings, environment::Environment};
use exchange_sim::{
    AccountSpec,
    face::{Face, FaceConfig, Fault, FaultKind, RequestFault, RequestFilter, Server},
};
use exec_core::{
    ids::InstrumentId,
    time::{ClockReading, Timestamp, VenueTime},
    units::{PositionMode, Price, Qty, Side},
    venue::{ExecutionVenue, VenueClock},
};
use exec_testkit::conformance::{Errand, FreshAccount, Hand, NoHand, TestVenue, suite};

use crate::world::{KEY, SECRET, btc};

const START_MS: u64 = 1_800_000_000_000;

struct Loopback;

#[async_trait]
impl TestVenue for Loopback {
    fn modes(&self) -> &'static [PositionMode] {
        &[PositionMode::Netting, PositionMode::Hedging]
    }

    async fn fresh(&self, mode: PositionMode) -> Box<dyn FreshAccount> {
        let spec = AccountSpec { hedge: mode == PositionMode::Hedging, ..AccountSpec::default() };
        let mut config = FaceConfig::new(7).with_account(KEY, SECRET, spec);
        config.start_ms = Some(START_MS as i64);
        let server = Server::bind(config, "127.0.0.1:0".parse().unwrap()).await.unwrap();
        let begun = Instant::now();
        let now: Now = Arc::new(move || Timestamp::from_ms(START_MS + u64::try_from(begun.elapsed().as_millis()).unwrap()));
        let environment = Environment::routed(&server.rest_url(), &server.ws_url()).unwrap();
        let credentials = Credentials { key: KEY.into(), secret: SECRET.into() };
        let mut settings = Settings::new(environment, credentials, Arc::clone(&now));
        settings.engine_margin_ms = 200;
        settings.visibility_ms = 100;
        settings.answer_within = Duration::from_secs(3);
        let venue = BinanceUsdm::new(settings).unwrap();
        let clock = venue.read_clock().await.unwrap();
        Box::new(Account { venue, face: server.face().clone(), server: Mutex::new(Some(server)), now, clock })
    }
}

struct Account {
    venue: BinanceUsdm,
    face: Face,
    server: Mutex<Option<Server>>,
    now: Now,
    clock: ClockReading,
}

impl Account {
    fn server(&self) -> MutexGuard<'_, Option<Server>> {
        self.server.lock().unwrap()
    }
    fn door(&self, name: &str, body: &str) {
        let (status, text) = self.face.operate("POST", name, "", body);
        assert_eq!(status, 200, "{text}");
    }
    fn fault(&self, method: &str, path: Option<&str>, fault: RequestFault, times: u64) {
        let filter = RequestFilter { method: Some(method.into()), path: path.map(Into::into), key: None };
        self.face.arm(Fault { kind: FaultKind::Request(filter, fault), nth: 1, times });
    }
}

#[async_trait]
impl FreshAccount for Account {
    fn venue(&self) -> &dyn ExecutionVenue {
        &self.venue
    }
    fn instrument(&self) -> InstrumentId {
        btc()
    }
    fn qty(&self) -> Qty {
        "0.010".parse().unwrap()
    }
    fn now(&self) -> VenueTime {
        self.clock.venue_time((self.now)())
    }
    async fn price(&self) -> Price {
        Price::new(self.face.with_exchange(|exchange, _| exchange.premium("BTCUSDT").unwrap().mark_price)).unwrap()
    }
    async fn sleep(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    async fn hand(&self, hand: Hand) -> Result<(), NoHand> {
        let method = |errand| match errand {
            Errand::Submit => "POST",
            Errand::Cancel => "DELETE",
        };
        let path = Some("/fapi/v1/order");
        match hand {
            Hand::Trade(side, qty) => {
                let side = if side == Side::Buy { "BUY" } else { "SELL" };
                let order = format!(r#"{{"symbol":"BTCUSDT","side":"{side}","type":"MARKET","quantity":"{qty}"}}"#);
                let ask = format!(r#"{{"key":"{KEY}","method":"POST","path":"/fapi/v1/order","params":{order}}}"#);
                self.door("as", &ask);
            }
            Hand::Move(price) => self.door("price", &format!(r#"{{"symbol":"BTCUSDT","price":"{price}"}}"#)),
            Hand::LoseRequest(errand) => self.fault(method(errand), path, RequestFault::DropRequest, 1),
            Hand::LoseAnswer(errand) => self.fault(method(errand), path, RequestFault::DropResponse, 1),
            Hand::FailQueries => self.fault("GET", None, RequestFault::DropRequest, u64::MAX),
            Hand::CutStream => self.door("cut", ""),
            Hand::EndStream => self.door("listenkey/expire", &format!(r#"{{"key":"{KEY}"}}"#)),
            Hand::Close => {
                let server = self.server().take();
                if let Some(server) = server {
                    server.shutdown().await;
                }
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn the_adapter_passes_the_suite_over_loopback() {
    let verdict = suite(&Loopback).await;
    verdict.assert();
    assert_eq!(verdict.skipped().count(), 0, "\n{verdict}");
}
