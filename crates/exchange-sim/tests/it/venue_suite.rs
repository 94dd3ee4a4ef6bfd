//! The suite that every venue must pass, for the exchange as a venue in process. Nothing here judges; the checks are exec-testkit's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use exchange_sim::venue::{Desk, SimVenue};
use exchange_sim::{AccountSpec, Exchange, ExchangeConfig};
use exec_core::ids::{ClOrdId, Epoch, InstrumentId};
use exec_core::terms::{Intention, OrderKind, Terms};
use exec_core::time::VenueTime;
use exec_core::units::{PositionMode, PositionSide, Price, Qty};
use exec_core::venue::{Attempt, ExecutionVenue};
use exec_testkit::conformance::{FreshAccount, Hand, NoHand, TestVenue, suite};

const START_MS: i64 = 1_790_000_000_000;

struct InProcess;

#[async_trait]
impl TestVenue for InProcess {
    fn modes(&self) -> &'static [PositionMode] {
        &[PositionMode::Netting, PositionMode::Hedging]
    }

    async fn fresh(&self, mode: PositionMode) -> Box<dyn FreshAccount> {
        let mut exchange = Exchange::new(ExchangeConfig { start_ms: START_MS, ..ExchangeConfig::default() }).unwrap();
        let spec = AccountSpec { hedge: mode == PositionMode::Hedging, ..AccountSpec::default() };
        let account = exchange.create_account(spec);
        let begun = tokio::time::Instant::now();
        let clock = move || START_MS + i64::try_from(begun.elapsed().as_millis()).unwrap();
        let venue = SimVenue::new(Desk::new(exchange, account), clock);
        Box::new(Account { venue, begun, mode, hands: AtomicU64::new(0) })
    }
}

struct Account {
    venue: SimVenue,
    begun: tokio::time::Instant,
    mode: PositionMode,
    hands: AtomicU64,
}

#[async_trait]
impl FreshAccount for Account {
    fn venue(&self) -> &dyn ExecutionVenue {
        &self.venue
    }
    fn instrument(&self) -> InstrumentId {
        InstrumentId::new("BTCUSDT-PERP.BINANCE").unwrap()
    }
    fn qty(&self) -> Qty {
        "0.010".parse().unwrap()
    }
    fn now(&self) -> VenueTime {
        VenueTime(START_MS + i64::try_from(self.begun.elapsed().as_millis()).unwrap())
    }
    async fn price(&self) -> Price {
        Price::new(self.venue.at_desk(|desk, _| desk.exchange().premium("BTCUSDT").unwrap().mark_price)).unwrap()
    }
    async fn sleep(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    async fn hand(&self, hand: Hand) -> Result<(), NoHand> {
        match hand {
            Hand::Trade(side, qty) => {
                let leg = if self.mode == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
                let (instrument, qty, kind) = (self.instrument(), Some(qty), OrderKind::Market);
                let terms = Terms { instrument, side, leg, intention: Intention::Open, qty, kind, stp: None };
                let number = self.hands.fetch_add(1, Ordering::Relaxed);
                let cl_ord_id = ClOrdId::new(&format!("hand-{number}")).unwrap();
                let (timestamp, recv_window_ms, epoch) = (self.now(), 2_000, Epoch(0));
                let attempt = Attempt { cl_ord_id, terms, timestamp, recv_window_ms, epoch, begin_by: timestamp.plus_ms(2_000) };
                self.venue.at_desk(|desk, now| desk.submit(now, &attempt)).unwrap();
                Ok(())
            }
            Hand::Move(price) => {
                self.venue.at_desk(|desk, now| desk.exchange_mut().move_price(now, "BTCUSDT", price.get())).unwrap();
                Ok(())
            }
            Hand::LoseRequest(_) | Hand::LoseAnswer(_) | Hand::FailQueries => Err(NoHand("in process nothing is lost")),
            Hand::CutStream | Hand::EndStream | Hand::Close => Err(NoHand("in process there is no connection that could end")),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_exchange_in_process_passes_the_suite() {
    let verdict = suite(&InProcess).await;
    verdict.assert();
    let skipped: Vec<_> = verdict.skipped().collect();
    let of_a_wire = [
        "a_cut_stream_ends_and_another_opens",
        "an_ending_is_told",
        "a_lost_request_is_unknown_and_absent",
        "a_lost_answer_is_unknown_and_found",
        "a_lost_answer_to_a_cancel_is_unknown",
        "a_failed_query_is_never_flat",
        "nothing_panics_or_hangs_after_the_end",
    ];
    assert_eq!(skipped, of_a_wire, "\n{verdict}");
}
