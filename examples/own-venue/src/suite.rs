//! The suite that every venue must pass, for this one. What its profile has not is skipped; everything else must hold.

use crate::{door::Door, exchange::Exchange, venue::PaperVenue, wire::Line};
use async_trait::async_trait;
use exec_core::{
    ids::InstrumentId,
    time::VenueTime,
    units::{PositionMode, Price, Qty, Side},
    venue::ExecutionVenue,
};
use exec_testkit::conformance::{Errand, FreshAccount, Hand, NoHand, TestVenue, suite};
use node_config::Clock;
use std::time::Duration;

struct Paper;

#[async_trait]
impl TestVenue for Paper {
    fn modes(&self) -> &'static [PositionMode] {
        &[PositionMode::Netting]
    }
    async fn fresh(&self, _mode: PositionMode) -> Box<dyn FreshAccount> {
        let door = Door::open(Exchange::new("GOLD", "2500.00".parse().unwrap())).await.unwrap();
        let id = InstrumentId::new("GOLD-SPOT.PAPER").unwrap();
        let venue = PaperVenue::new(id.clone(), door.addr, Clock::start());
        Box::new(Account { door, venue, id, clock: Clock::start() })
    }
}

struct Account {
    door: Door,
    venue: PaperVenue,
    id: InstrumentId,
    clock: Clock,
}

#[async_trait]
impl FreshAccount for Account {
    fn venue(&self) -> &dyn ExecutionVenue {
        &self.venue
    }
    fn instrument(&self) -> InstrumentId {
        self.id.clone()
    }
    fn qty(&self) -> Qty {
        "10".parse().unwrap()
    }
    fn now(&self) -> VenueTime {
        VenueTime(i64::try_from(self.clock.now().as_ms()).unwrap())
    }
    async fn price(&self) -> Price {
        self.door.at(|exchange, _| exchange.priced().read("px")).unwrap()
    }
    async fn sleep(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
    async fn hand(&self, hand: Hand) -> Result<(), NoHand> {
        let word = |errand| match errand {
            Errand::Submit => "NEW",
            Errand::Cancel => "KILL",
        };
        match hand {
            Hand::Trade(side, qty) => {
                let order = Line::new("NEW").with("id", "by-hand").with("sym", "GOLD").with("by", i64::MAX).with("qty", qty);
                let order = order.with("side", if side == Side::Buy { "B" } else { "S" }).with("tif", "NOW");
                let answer = self.door.at(|exchange, now| exchange.answer(now, &order));
                assert_eq!(answer[0].word(), "ORDER");
            }
            Hand::Move(price) => self.door.at(|exchange, now| exchange.go(now, price.get())),
            Hand::LoseRequest(errand) => self.door.faults().lose_request = Some(word(errand)),
            Hand::LoseAnswer(errand) => self.door.faults().lose_answer = Some(word(errand)),
            Hand::FailQueries => self.door.faults().deaf = true,
            Hand::CutStream => self.door.end_sessions("CUT"),
            Hand::EndStream => self.door.end_sessions("BYE"),
            Hand::Close => self.door.close().await,
        }
        Ok(())
    }
}

#[tokio::test(flavor = "current_thread")]
async fn the_paper_exchange_passes_the_suite_with_what_its_profile_has() {
    let verdict = suite(&Paper).await;
    verdict.assert();
    let skipped: Vec<_> = verdict.skipped().collect();
    let not_there = [
        "a_change_keeps_the_order_and_echoes_its_request",
        "a_batch_answers_each_in_order",
        "both_legs_stand_side_by_side",
        "a_conditional_order_waits_and_is_cancelled",
        "a_condition_that_is_met_fills_one_order",
    ];
    assert_eq!(skipped, not_there, "\n{verdict}");
}
