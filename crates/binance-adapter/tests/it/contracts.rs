//! What the venue announces of contracts: told beside the prices, of this product only, and never the end of a session.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use binance_adapter::{
    BinanceUsdm, Credentials, Settings,
    dialer::{BoxedStream, Dialer},
    environment::Environment,
};
use exec_core::{
    ids::InstrumentId,
    time::Timestamp,
    venue::{ExecutionVenue, MarketNews, PriceFeed, PriceSource},
};
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::{
    Message,
    handshake::server::{ErrorResponse, Request, Response},
};

use crate::world::{World, btc};

fn id(symbol: &str) -> InstrumentId {
    InstrumentId::new(&format!("{symbol}-PERP.BINANCE")).unwrap()
}

/// Answers every socket, notes what it asked for, and tells these frames to whoever asked for contracts.
struct Teller {
    frames: Vec<String>,
    asked: Arc<Mutex<Vec<String>>>,
}

#[async_trait]
impl Dialer for Teller {
    async fn dial(&self, _host: &str, _port: u16) -> io::Result<BoxedStream> {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (frames, asked) = (self.frames.clone(), Arc::clone(&self.asked));
        tokio::spawn(async move {
            let mut wanted = false;
            #[allow(clippy::result_large_err, reason = "the type is what the handshake's callback returns")]
            let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
                let uri = request.uri().to_string();
                wanted = uri.contains("!contractInfo");
                asked.lock().unwrap().push(uri);
                Ok(response)
            };
            let mut socket = tokio_tungstenite::accept_hdr_async(theirs, note).await.unwrap();
            if wanted {
                for frame in frames {
                    socket.send(Message::text(frame)).await.unwrap();
                }
            }
            // Silent from here on, and open.
            std::future::pending::<()>().await;
        });
        Ok(Box::new(ours))
    }
}

/// A venue that is told these frames, and the paths that it asks for.
fn told(frames: &[&str]) -> (BinanceUsdm, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::default();
    let environment = Environment::routed("http://127.0.0.1:1", "ws://127.0.0.1:1").unwrap();
    let credentials = Credentials { key: "k".into(), secret: "s".into() };
    let mut settings = Settings::new(environment, credentials, Arc::new(|| Timestamp::from_ms(1_800_000_000_000)));
    let frames = frames.iter().map(|frame| (*frame).to_owned()).collect();
    settings.dialer = Some(Arc::new(Teller { frames, asked: Arc::clone(&asked) }));
    (BinanceUsdm::new(settings).unwrap(), asked)
}

async fn next(feed: &mut Box<dyn PriceFeed>) -> MarketNews {
    tokio::time::timeout(Duration::from_secs(10), feed.next()).await.expect("something is told").expect("the session lives")
}

#[tokio::test(start_paused = true)]
async fn contracts_of_the_other_product_are_passed_over_and_what_cannot_be_read_is_counted_and_ends_nothing() {
    let (venue, _) = told(&[
        r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1,"s":"APTUSD_PERP","ct":"PERPETUAL","cs":"SETTLING","st":2}}"#,
        r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1,"cs":"TRADING","st":1}}"#,
        r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1,"s":"","st":1}}"#,
        r#"{"stream":"!contractInfo","data":{"e":"contractInfo","s":"#,
        r#"{"stream":"!contractInfo","data":{"e":"contractAdvice","E":1,"s":"SOLUSDT"}}"#,
        r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1,"s":"ETHUSDT","cs":"MOONING","st":1,"news":{"a":[1]},"bks":7}}"#,
        r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1,"s":"IOTAUSDT","ps":"IOTAUSDT","ct":"PERPETUAL","dt":4133404800000,"ot":1,"cs":"TRADING_HALT"}}"#,
        r#"{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":2,"s":"BTCUSDT","p":"100","ap":"100","i":"1","P":"1","r":"0","T":3}}"#,
    ]);
    let mut feed = venue.open_prices(&[btc()]).await.unwrap();
    assert_eq!(next(&mut feed).await, MarketNews::ListingChanged(id("ETHUSDT")));
    assert_eq!(next(&mut feed).await, MarketNews::ListingChanged(id("IOTAUSDT")));
    assert_eq!(next(&mut feed).await.price().unwrap().instrument, btc());
    let counts: Vec<_> = venue.unrecognised().into_iter().map(|seen| (seen.path, seen.count)).collect();
    let expected = [
        ("(a market event that cannot be read)", 2),
        ("(a market event that cannot be said)", 1),
        ("contractInfo.cs=MOONING", 1),
        ("contractInfo.news", 1),
    ];
    assert_eq!(counts, expected.map(|(path, count)| (path.to_owned(), count)));
}

#[tokio::test(start_paused = true)]
async fn contracts_are_asked_for_once_however_many_instruments_there_are() {
    let (venue, asked) = told(&[]);
    let many: Vec<_> = (0..250).map(|n| id(&format!("A{n}USDT"))).collect();
    let _feed = venue.open_prices(&many).await.unwrap();
    let asked = asked.lock().unwrap().clone();
    let of: Vec<_> = asked.iter().filter(|path| path.contains("!contractInfo")).collect();
    assert_eq!((asked.len(), of.len()), (6, 1), "{asked:?}");
    assert!(of[0].starts_with("/market/stream?streams=a0usdt@markPrice@1s/"), "{}", of[0]);
    assert!(of[0].ends_with("/!contractInfo"), "{}", of[0]);
}

#[tokio::test(start_paused = true)]
async fn what_the_exchange_changes_of_a_symbol_is_told_beside_its_prices() {
    let world = World::netting().await;
    let mut feed = world.venue.open_prices(&[btc()]).await.unwrap();
    for (door, body) in [
        ("symbol", r#"{"symbol":"ETHUSDT","status":"TRADING_HALT"}"#),
        ("symbol", r#"{"symbol":"ETHUSDT","delivery_date":1900000000000}"#),
        ("settle", r#"{"symbol":"ETHUSDT"}"#),
    ] {
        world.door(door, body);
        let told = async {
            loop {
                match next(&mut feed).await {
                    MarketNews::ListingChanged(instrument) => break instrument,
                    MarketNews::Price(report) => assert_eq!(report.instrument, btc()),
                }
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(30), told).await.expect("it is told");
        assert_eq!(told, id("ETHUSDT"));
    }
    assert_eq!(world.venue.unrecognised(), []);
}
