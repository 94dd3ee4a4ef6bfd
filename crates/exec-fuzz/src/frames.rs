//! Frames of the streams, and documents as a person pipes them in: each becomes a fact, or is kept and counted.

use binance_adapter::{
    decode::Decoder,
    translate::{Symbols, Tally, price, report},
    wire::MarketEvent,
};
use exec_core::report::ReportBody;
use serde_json::Value;

use crate::untyped;

/// Most names that a tally may keep apart, the rest counted as one.
const NAMES_MAX: usize = 501;

/// A frame of the private stream.
pub(crate) fn user(bytes: &[u8]) {
    // The socket refuses what is no text.
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let tally = Tally::default();
    let body = report(&Symbols::default(), &tally, text).body;
    assert!(tally.counts().len() <= NAMES_MAX, "names without bound");
    match &body {
        ReportBody::Unreadable { raw, why } => {
            let withheld = text.contains("listenKey");
            assert!(withheld || raw == text, "an unreadable frame is not kept as it came");
            assert!(!why.is_empty() && why.len() <= 2 * text.len() + 500, "{why}");
            assert!(!tally.counts().is_empty(), "an unreadable frame is not counted");
        }
        ReportBody::Unrecognised { raw, .. } => assert_eq!(raw, text, "an unknown frame is not kept as it came"),
        ReportBody::Irrelevant { name } => assert!(["STRATEGY_UPDATE", "GRID_UPDATE"].contains(&name.as_str()), "{name}"),
        _ => (),
    }
    if let Some(event) = untyped::event(text) {
        same_as_untyped(&event, &body);
    }
}

/// What a typed report leaves out must not be in the frame.
fn same_as_untyped(event: &Value, body: &ReportBody) {
    let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
    match (event["e"].as_str(), body) {
        (Some("ORDER_TRADE_UPDATE"), ReportBody::Order(report)) => {
            let order = &event["o"];
            assert_eq!(report.instrument.symbol(), text(order, "s"));
            assert_eq!(report.order_id.map(|id| id.to_string()), order["i"].as_u64().map(|id| id.to_string()));
            if text(order, "x") == "TRADE" && text(order, "l").bytes().any(|b| (b'1'..=b'9').contains(&b)) {
                let fill = report.fill.as_ref().expect("a trade without its fill");
                assert_eq!(Some(fill.trade_id.to_string()), order["t"].as_u64().map(|id| id.to_string()));
                assert_eq!(fill.qty.to_string().parse::<rust_decimal::Decimal>(), text(order, "l").parse());
            }
        }
        (Some("TRADE_LITE"), ReportBody::Trade(trade)) => {
            assert_eq!(trade.instrument.symbol(), text(event, "s"));
            assert_eq!(Some(trade.fill.trade_id.to_string()), event["t"].as_u64().map(|id| id.to_string()));
        }
        (Some("ACCOUNT_UPDATE"), ReportBody::Account(account)) => {
            assert_eq!(account.balances.len(), untyped::rows(&event["a"]["B"]), "balances are dropped");
            assert_eq!(account.positions.len(), untyped::rows(&event["a"]["P"]), "positions are dropped");
        }
        (Some("MARGIN_CALL"), ReportBody::MarginCall { positions }) => {
            assert_eq!(positions.len(), untyped::rows(&event["p"]), "positions are dropped");
        }
        (Some("ORDER_TRADE_UPDATE" | "TRADE_LITE" | "ALGO_UPDATE" | "ACCOUNT_UPDATE" | "MARGIN_CALL"), body) => {
            // An envelope or a doubled name may make it something else, never nothing.
            assert!(!matches!(body, ReportBody::Irrelevant { .. }), "an event of the account is called irrelevant");
        }
        _ => (),
    }
}

/// A frame of the price streams.
pub(crate) fn market(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(event) = MarketEvent::read(text) else { return };
    let told = price(&Symbols::default(), &event);
    match (&event, &told) {
        (MarketEvent::Contract(_) | MarketEvent::Other, told) => assert!(matches!(told, Ok(None))),
        (_, Ok(told)) => {
            let told = told.as_ref().expect("a price frame without a price report");
            let prices = [told.quote.bid, told.quote.ask, told.quote.mark];
            assert!(prices.iter().flatten().all(|price| price.get() > rust_decimal::Decimal::ZERO), "{prices:?}");
        }
        (_, Err(_)) => (),
    }
}

/// A document that a person wants told.
pub(crate) fn document(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let decoder = Decoder::default();
    let once = decoder.decode(text);
    if let Ok(line) = &once {
        assert!(!line.contains('\n'), "a document is told on more than one line");
        assert!(untyped::value(line).is_some_and(|told| told.is_object()), "what is told is no object");
    }
    assert_eq!(once.map_err(|e| e.to_string()), decoder.decode(text).map_err(|e| e.to_string()), "told in two ways");
    assert!(decoder.drift().len() <= NAMES_MAX, "names without bound");
}
