//! Answers about the account, through the adapter as it recovers: an answer is whole, with every row in it, or it is an error.

use exec_core::{
    ids::InstrumentId,
    venue::{AccountSetup, ExecutionVenue, TradesFrom, VenueClock},
};
use serde_json::Value;

use crate::{
    exchange::{NOW_MS, Script, with_venue},
    refusals::split,
    untyped,
};

/// The questions that everything is asked with, and three more.
const PATHS: [&str; 10] = [
    "/fapi/v1/accountConfig",
    "/fapi/v1/openAlgoOrders",
    "/fapi/v1/openOrders",
    "/fapi/v1/income",
    "/fapi/v3/positionRisk",
    "/fapi/v3/balance",
    "/fapi/v1/userTrades",
    "/fapi/v1/exchangeInfo",
    "/fapi/v1/symbolConfig",
    "/fapi/v1/time",
];

/// The answer to one of the questions; the others are answered as on an empty account.
pub(crate) fn reply(bytes: &[u8]) {
    let Some((which, status, body)) = split(bytes) else { return };
    let path = PATHS[which % PATHS.len()];
    let script = Script { path: Some(path), status, body: body.to_vec(), others: empty };
    let told = std::str::from_utf8(body).ok().and_then(untyped::value).unwrap_or_default();
    let asked = [InstrumentId::new("BTCUSDT-PERP.BINANCE").expect("an instrument")];
    let whole = (200..300).contains(&status);
    let complete = |kept: usize, said: usize, of: &str| {
        assert!(whole, "{path} {status}: data out of a failure");
        assert!(kept >= said, "{path}: {said} {of} were told and {kept} are kept");
    };
    match path {
        "/fapi/v1/userTrades" => {
            let from = TradesFrom::Time(exec_core::time::VenueTime(NOW_MS as i64 - 1_000));
            if let Ok(trades) = with_venue(script, async |venue| venue.trades_since(&asked[0], from).await) {
                complete(trades.trades.len(), untyped::rows(&told), "trades");
            }
        }
        "/fapi/v1/exchangeInfo" => {
            if let Ok(all) = with_venue(script, async |venue| venue.instruments().await) {
                complete(usize::MAX, 0, "symbols");
                assert!(told.is_null() || all.len() <= untyped::rows(&told["symbols"]), "instruments are made up");
            }
        }
        "/fapi/v1/symbolConfig" => {
            if let Ok(all) = with_venue(script, async |venue| venue.instrument_settings(&asked).await) {
                complete(all.len(), asked.len(), "instruments asked for");
            }
        }
        "/fapi/v1/time" => drop(with_venue(script, async |venue| venue.read_clock().await)),
        _ => {
            let Ok(everything) = with_venue(script, async |venue| venue.mass_status(&asked).await) else { return };
            match path {
                "/fapi/v1/openOrders" | "/fapi/v1/openAlgoOrders" => {
                    complete(everything.open_orders.len(), untyped::rows(&told), "orders");
                }
                "/fapi/v3/positionRisk" => complete(everything.positions.len(), untyped::rows(&told), "positions"),
                "/fapi/v3/balance" => complete(everything.balances.len(), untyped::rows(&told), "balances"),
                // It only adds to what is asked for, and may be refused.
                "/fapi/v1/income" => (),
                _ if told.is_null() => (),
                _ => {
                    let hedging = told.get("dualSidePosition").and_then(Value::as_bool);
                    assert_eq!(Some(everything.mode == exec_core::units::PositionMode::Hedging), hedging);
                }
            }
        }
    }
}

fn empty(path: &str) -> &'static str {
    match path {
        "/fapi/v1/accountConfig" => r#"{"dualSidePosition":false,"canTrade":true}"#,
        _ => "[]",
    }
}
