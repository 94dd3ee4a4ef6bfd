//! Sessions: the private stream and prices. Each is one connection; its end is the session's, once and for all.

use crate::{venue::Desk, wire::Line, words};
use async_trait::async_trait;
use exec_core::{
    report::{AccountReport, FeedEnd, PriceReport, Quote, Report, ReportBody},
    time::VenueTime,
    venue::{MarketNews, PriceFeed, QueryError, ReportFeed},
};
use std::sync::Arc;
use tokio::{
    io::{BufReader, Lines},
    net::tcp::OwnedReadHalf,
};

/// The lines of a connection, until it ends.
struct Told {
    desk: Arc<Desk>,
    lines: Option<Lines<BufReader<OwnedReadHalf>>>,
}

impl Told {
    async fn open(desk: Arc<Desk>, word: &str) -> Result<Self, QueryError> {
        let lines = desk.say(&Line::new(word)).await?;
        Ok(Self { desk, lines: Some(lines) })
    }

    /// The next line. Whoever stops waiting loses nothing.
    async fn next(&mut self) -> Result<String, QueryError> {
        let over = || QueryError::Unavailable("the session is over".into());
        let lines = self.lines.as_mut().ok_or_else(over)?;
        let next = lines.next_line().await;
        if let Ok(Some(text)) = next {
            return Ok(text);
        }
        self.lines = None;
        Err(over())
    }
}

/// A session of the private stream.
pub(crate) struct Session(Told);

impl Session {
    pub(crate) async fn open(desk: Arc<Desk>) -> Result<Self, QueryError> {
        let mut told = Told::open(desk, "LISTEN").await?;
        // From this line on everything is told; before it the session is not open.
        let ready = told.next().await?;
        if ready == "READY" { Ok(Self(told)) } else { Err(QueryError::Malformed(ready)) }
    }

    fn read(&self, text: &str) -> Report {
        let desk = &self.0.desk;
        let unreadable = || ReportBody::Unreadable { why: "it is no line of ours".into(), raw: text.to_owned() };
        let Some(line) = Line::parse(text) else { return Report { sent: None, body: unreadable() } };
        let account = |balances, positions| {
            let at = VenueTime(line.read("at")?);
            Some(ReportBody::Account(AccountReport { reason: "TRADE".into(), at, balances, positions }))
        };
        let body = match line.word() {
            "ORDER" | "FILL" => words::order(&desk.instrument, &line).map(ReportBody::Order),
            "HOLD" => words::position(&desk.instrument, &line).and_then(|position| account(Vec::new(), vec![position])),
            "CASH" => words::balance(&line).and_then(|balance| account(vec![balance], Vec::new())),
            "BYE" => Some(ReportBody::Ending { reason: FeedEnd::Shutdown }),
            other => {
                desk.strange(other);
                Some(ReportBody::Unrecognised { name: other.to_owned(), raw: text.to_owned() })
            }
        };
        Report { sent: line.read("at").map(VenueTime), body: body.unwrap_or_else(unreadable) }
    }
}

#[async_trait]
impl ReportFeed for Session {
    async fn next(&mut self) -> Result<Report, QueryError> {
        let text = self.0.next().await?;
        Ok(self.read(&text))
    }
}

/// A session of prices.
pub(crate) struct PriceSession(Told);

impl PriceSession {
    pub(crate) async fn open(desk: Arc<Desk>) -> Result<Self, QueryError> {
        Ok(Self(Told::open(desk, "PRICES").await?))
    }
}

#[async_trait]
impl PriceFeed for PriceSession {
    async fn next(&mut self) -> Result<MarketNews, QueryError> {
        let text = self.0.next().await?;
        let price = Line::parse(&text).and_then(|line| line.read("px")).ok_or(QueryError::Malformed(text))?;
        let quote = Quote { bid: Some(price), ask: Some(price), mark: Some(price) };
        Ok(MarketNews::Price(PriceReport { instrument: self.0.desk.instrument.clone(), quote }))
    }
}
