//! A frame of the private stream, or of the price streams, as a report. It never fails: what cannot be read or said becomes a
//! report of its own, with the raw text, so that nothing is dropped silently.

use exec_core::{
    ids::InstrumentId,
    report::{AccountReport, FeedEnd, PriceReport, Quote, Report, ReportBody},
    time::VenueTime,
    units::Price,
};

use super::{
    Symbols, Tally, TranslateError,
    account::{balance_change, called_position, position_change},
    algo::algo_update,
    order::{order_update, trade_lite},
};
use crate::wire::{self, Dec, MarketEvent, UserEvent};

/// The report of one frame of the private stream. What the frame has that this build does not know is counted.
#[must_use]
pub fn report(symbols: &Symbols, tally: &Tally, text: &str) -> Report {
    let event = match UserEvent::read(text) {
        Ok(event) => event,
        Err(error) => {
            tally.note("(an event that cannot be read)".into());
            return Report { sent: None, body: unreadable(text, error.to_string()) };
        }
    };
    tally.count(event.name(), &event);
    let sent = sent(&event);
    let body = body(symbols, &event, text).unwrap_or_else(|error| {
        tally.note(format!("{} (cannot be said)", event.name()));
        unreadable(text, error.to_string())
    });
    Report { sent, body }
}

/// The report of a frame that has been read already; `text` is kept where the event is not understood.
///
/// # Errors
/// [`TranslateError`].
pub(crate) fn body(symbols: &Symbols, event: &UserEvent<'_>, text: &str) -> Result<ReportBody, TranslateError> {
    Ok(match event {
        UserEvent::Order(update) => ReportBody::Order(order_update(symbols, update)?),
        UserEvent::Lite(trade) => ReportBody::Trade(trade_lite(symbols, trade)?),
        UserEvent::Algo(update) => ReportBody::Order(algo_update(symbols, update)?),
        UserEvent::Account(update) => ReportBody::Account(account_update(symbols, update)?),
        UserEvent::Config(config) => match (&config.leverage, &config.multi_assets) {
            (Some(change), _) => {
                ReportBody::Leverage { instrument: symbols.instrument(change.symbol.as_str())?, leverage: change.leverage }
            }
            (None, Some(change)) => ReportBody::Setting { text: format!("multi-assets mode {}", change.on) },
            (None, None) => ReportBody::Unrecognised { name: "ACCOUNT_CONFIG_UPDATE".into(), raw: text.into() },
        },
        UserEvent::MarginCall(call) => ReportBody::MarginCall {
            positions: call.positions.iter().map(|called| called_position(symbols, called)).collect::<Result<_, _>>()?,
        },
        UserEvent::KeyExpired(_) => ReportBody::Ending { reason: FeedEnd::KeyExpired },
        UserEvent::Shutdown(_) => ReportBody::Ending { reason: FeedEnd::Shutdown },
        UserEvent::ConditionalReject(reject) => {
            // Since 2025-12-15 ALGO_UPDATE says this, with the ids that name the order; this event has no client id.
            ReportBody::Setting {
                text: format!(
                    "conditional order {} of {} refused at its trigger: {}",
                    reject.refusal.order_id, reject.refusal.symbol, reject.refusal.reason
                ),
            }
        }
        UserEvent::Grid(name) => ReportBody::Irrelevant { name: name.as_str().into() },
        UserEvent::Other(name) => ReportBody::Unrecognised { name: name.as_str().into(), raw: text.into() },
    })
}

/// When the venue says it sent the event.
pub(crate) fn sent(event: &UserEvent<'_>) -> Option<VenueTime> {
    match event {
        UserEvent::Order(update) => Some(VenueTime(update.event_time)),
        UserEvent::Lite(trade) => Some(VenueTime(trade.event_time)),
        UserEvent::Account(update) => Some(VenueTime(update.event_time)),
        UserEvent::Algo(update) => Some(VenueTime(update.event_time)),
        UserEvent::Config(config) => Some(VenueTime(config.event_time)),
        UserEvent::MarginCall(call) => Some(VenueTime(call.event_time)),
        UserEvent::ConditionalReject(reject) => Some(VenueTime(reject.event_time)),
        UserEvent::KeyExpired(expired) => expired.event_time.as_ref()?.number().map(VenueTime),
        UserEvent::Shutdown(_) | UserEvent::Grid(_) | UserEvent::Other(_) => None,
    }
}

pub(crate) fn account_update(symbols: &Symbols, update: &wire::AccountUpdate<'_>) -> Result<AccountReport, TranslateError> {
    let account = &update.account;
    Ok(AccountReport {
        reason: account.reason.as_str().to_owned(),
        at: VenueTime(update.transaction_time),
        balances: account.balances.iter().flatten().map(balance_change).collect::<Result<_, _>>()?,
        positions: account.positions.iter().flatten().map(|change| position_change(symbols, change)).collect::<Result<_, _>>()?,
    })
}

/// The price report of one frame of the market streams; `None` for frames that carry none of the two prices.
///
/// # Errors
/// [`TranslateError`], or the parser's complaint as an unknown frame: a price that cannot be read is no price.
pub fn price(symbols: &Symbols, event: &MarketEvent<'_>) -> Result<Option<PriceReport>, TranslateError> {
    let positive = |price: Dec| -> Result<Option<Price>, TranslateError> {
        if price.0.is_zero() { Ok(None) } else { Ok(Some(Price::new(price.0)?)) }
    };
    Ok(match event {
        MarketEvent::Book(book) => Some(PriceReport {
            instrument: symbols.instrument(book.symbol.as_str())?,
            quote: Quote { bid: positive(book.bid)?, ask: positive(book.ask)?, mark: None },
        }),
        MarketEvent::Mark(mark) => Some(PriceReport {
            instrument: symbols.instrument(mark.symbol.as_str())?,
            quote: Quote { bid: None, ask: None, mark: positive(mark.mark)? },
        }),
        MarketEvent::Contract(_) | MarketEvent::Other => None,
    })
}

/// The instrument whose listing one frame of the market streams says has changed; `None` for other frames and for contracts of the
/// venue's other product.
///
/// # Errors
/// [`TranslateError`]: the symbol cannot stand in an id.
pub fn listing(symbols: &Symbols, event: &MarketEvent<'_>) -> Result<Option<InstrumentId>, TranslateError> {
    Ok(match event {
        MarketEvent::Contract(info) if !info.is_coin_margined() => Some(symbols.instrument(info.symbol.as_str())?),
        MarketEvent::Contract(_) | MarketEvent::Book(_) | MarketEvent::Mark(_) | MarketEvent::Other => None,
    })
}

fn unreadable(text: &str, why: String) -> ReportBody {
    // An expiry that cannot be read still holds the key of the stream.
    let raw = if text.contains("listenKey") { "(withheld: it holds a listen key)".into() } else { text.into() };
    ReportBody::Unreadable { why, raw }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> ReportBody {
        report(&Symbols::default(), &Tally::default(), text).body
    }

    #[test]
    fn every_event_becomes_a_report() {
        let account = r#"{"e":"ACCOUNT_UPDATE","T":1,"E":2,"a":{"B":[{"a":"USDT","wb":"28.05","cw":"28.05","bc":"0"}],"P":[{"s":"DOTUSDT","pa":"-4.9","ep":"1.1359","cr":"-0.7","up":"0","mt":"isolated","iw":"0","ps":"SHORT","ma":"USDT","bep":"1.1"}],"m":"ORDER"}}"#;
        let ReportBody::Account(account) = read(account) else { panic!("not an account report") };
        assert_eq!((account.reason.as_str(), account.at), ("ORDER", VenueTime(1)));
        assert_eq!(account.positions[0].qty.to_string(), "-4.9");
        assert_eq!(account.positions[0].isolated, Some(true));
        assert!(matches!(
            read(r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ac":{"s":"BTCUSDT","l":25}}"#),
            ReportBody::Leverage { leverage: 25, .. }
        ));
        assert!(matches!(read(r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ai":{"j":true}}"#), ReportBody::Setting { .. }));
        assert!(matches!(
            read(
                r#"{"e":"MARGIN_CALL","E":1,"cw":"3","p":[{"s":"ETHUSDT","ps":"LONG","pa":"1.3","mt":"CROSSED","iw":"0","mp":"187","up":"-1","mm":"1"}]}"#
            ),
            ReportBody::MarginCall { .. }
        ));
        assert!(matches!(
            read(r#"{"e":"listenKeyExpired","E":1,"listenKey":"k"}"#),
            ReportBody::Ending { reason: FeedEnd::KeyExpired }
        ));
        assert!(matches!(read(r#"{"e":"STRATEGY_UPDATE","T":1,"E":1,"su":{"si":1}}"#), ReportBody::Irrelevant { .. }));
        assert!(matches!(
            read(r#"{"e":"CONDITIONAL_ORDER_TRIGGER_REJECT","E":1,"T":1,"or":{"s":"ETHUSDT","i":1,"r":"no"}}"#),
            ReportBody::Setting { .. }
        ));
    }

    #[test]
    fn what_is_not_understood_is_kept_raw() {
        let new = r#"{"e":"NEW_THING","E":1}"#;
        assert_eq!(read(new), ReportBody::Unrecognised { name: "NEW_THING".into(), raw: new.into() });
        let broken = r#"{"e":"TRADE_LITE","E":1}"#;
        assert!(matches!(read(broken), ReportBody::Unreadable { raw, .. } if raw == broken));
        assert!(matches!(read("\u{0}"), ReportBody::Unreadable { .. }));
    }

    #[test]
    fn a_listen_key_never_stands_in_a_report() {
        let ReportBody::Unreadable { raw, .. } = read(r#"{"e":"listenKeyExpired","E":{},"listenKey":"CANARY"}"#) else {
            panic!("readable")
        };
        assert!(!raw.contains("CANARY"));
    }

    #[test]
    fn prices_of_zero_are_no_prices() {
        let event =
            MarketEvent::read(r#"{"e":"bookTicker","u":1,"E":1,"T":1,"s":"BNBUSDT","b":"0","B":"0","a":"25.3652","A":"40.66"}"#)
                .unwrap();
        let report = price(&Symbols::default(), &event).unwrap().unwrap();
        assert_eq!((report.quote.bid, report.quote.ask.unwrap().to_string().as_str()), (None, "25.3652"));
    }
}
