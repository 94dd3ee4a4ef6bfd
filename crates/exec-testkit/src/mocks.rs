//! Mocks of the ports: expectations are set, calls are checked. For a venue that behaves like one, take the exchange simulator instead.

// What `mock!` writes carries no documentation of its own.
#![allow(missing_docs)]

use async_trait::async_trait;
use exec_core::{
    ids::{InstrumentId, Seq},
    instrument::Instrument,
    journal::{DurableWatch, Journal, JournalError, Written},
    record::Record,
    report::{MassStatus, PositionReport, Report},
    time::ClockReading,
    units::PositionMode,
    venue::{
        AccountSetup, Attempt, Batch, Cancel, CancelAll, CommandError, CommandResult, ExecutionVenue, InstrumentSetting,
        KeyRights, Lookup, MarginType, MarketNews, OrderRef, PriceFeed, PriceSource, QueryError, Replace, ReportFeed,
        Restriction, Trades, TradesFrom, Unrecognised, VenueClock, VenueProfile,
    },
};
use mockall::mock;

mock! {
    /// A mock of [`ExecutionVenue`].
    pub Venue {}
    #[async_trait]
    impl ExecutionVenue for Venue {
        fn profile(&self) -> &VenueProfile;
        async fn instruments(&self) -> Result<Vec<Instrument>, QueryError>;
        async fn open_feed(&self) -> Result<Box<dyn ReportFeed>, QueryError>;
        async fn submit(&self, attempt: Attempt) -> CommandResult;
        async fn batch(&self, batch: Batch) -> Vec<CommandResult>;
        async fn positions(&self, instruments: &[InstrumentId]) -> Result<Vec<PositionReport>, QueryError>;
        fn unrecognised(&self) -> Vec<Unrecognised>;
        async fn replace(&self, replace: Replace) -> CommandResult;
        async fn cancel(&self, cancel: Cancel) -> CommandResult;
        async fn cancel_all(&self, scope: CancelAll) -> Result<(), CommandError>;
        async fn order_status(&self, order: OrderRef) -> Result<Lookup, QueryError>;
        async fn mass_status(&self, instruments: &[InstrumentId]) -> Result<MassStatus, QueryError>;
        async fn restrictions(&self, instruments: &[InstrumentId]) -> Result<Vec<Restriction>, QueryError>;
        async fn trades_since(&self, instrument: &InstrumentId, from: TradesFrom) -> Result<Trades, QueryError>;
    }
}

mock! {
    /// A mock of [`ReportFeed`].
    pub Feed {}
    #[async_trait]
    impl ReportFeed for Feed {
        async fn next(&mut self) -> Result<Report, QueryError>;
    }
}

mock! {
    /// A mock of [`PriceSource`].
    pub Prices {}
    #[async_trait]
    impl PriceSource for Prices {
        async fn open_prices(&self, instruments: &[InstrumentId]) -> Result<Box<dyn PriceFeed>, QueryError>;
    }
}

mock! {
    /// A mock of [`PriceFeed`].
    pub PriceStream {}
    #[async_trait]
    impl PriceFeed for PriceStream {
        async fn next(&mut self) -> Result<MarketNews, QueryError>;
    }
}

mock! {
    /// A mock of [`AccountSetup`].
    pub Setup {}
    #[async_trait]
    impl AccountSetup for Setup {
        async fn key_rights(&self) -> Result<Option<KeyRights>, QueryError>;
        async fn position_mode(&self) -> Result<PositionMode, QueryError>;
        async fn set_position_mode(&self, mode: PositionMode) -> Result<(), CommandError>;
        async fn multi_assets(&self) -> Result<Option<bool>, QueryError>;
        async fn instrument_settings(&self, instruments: &[InstrumentId]) -> Result<Vec<InstrumentSetting>, QueryError>;
        async fn set_leverage(&self, instrument: &InstrumentId, leverage: u32) -> Result<(), CommandError>;
        async fn set_margin_type(&self, instrument: &InstrumentId, margin_type: MarginType) -> Result<(), CommandError>;
    }
}

mock! {
    /// A mock of [`VenueClock`].
    pub Clock {}
    #[async_trait]
    impl VenueClock for Clock {
        async fn read_clock(&self) -> Result<ClockReading, QueryError>;
    }
}

mock! {
    /// A mock of [`Journal`].
    pub JournalStore {}
    impl Journal for JournalStore {
        fn replay(&mut self, visit: &mut dyn FnMut(Seq, Record)) -> Result<Seq, JournalError>;
        fn append(&mut self, group: &[(Seq, Record)]) -> Result<(), JournalError>;
        fn written(&mut self, seq: Seq) -> Written;
        fn watch(&mut self) -> Box<dyn DurableWatch>;
    }
}

mock! {
    /// A mock of [`DurableWatch`].
    pub Watch {}
    #[async_trait]
    impl DurableWatch for Watch {
        async fn next(&mut self) -> Result<Seq, JournalError>;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures;
    use exec_core::report::{FeedEnd, ReportBody};
    use std::{
        pin::pin,
        task::{Context, Poll, Waker},
    };

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("a mock does not wait"),
        }
    }

    #[test]
    fn a_mocked_venue_answers_as_told_without_a_runtime() {
        let mut venue = MockVenue::new();
        venue.expect_profile().return_const(fixtures::profile());
        venue.expect_open_feed().times(1).returning(|| {
            let mut feed = MockFeed::new();
            let body = ReportBody::Ending { reason: FeedEnd::Age };
            feed.expect_next().return_once(move || Ok(Report { sent: None, body }));
            Ok(Box::new(feed))
        });
        assert_eq!(venue.profile().name, "BINANCE");
        let mut feed = ready(venue.open_feed()).expect("the mock opens");
        assert!(matches!(ready(feed.next()), Ok(Report { body: ReportBody::Ending { .. }, .. })));
    }
}
