//! Symbols, ids and numbers: what is taken is the same text or the same number afterwards.

use binance_adapter::{
    query::Query,
    translate::Symbols,
    wire::{self, Lenient},
};
use exec_core::{
    cl_ord_id::{OwnId, Tag},
    ids::{AccountId, AlgoId, Asset, ClOrdId, ID_BYTES_MAX, InstrumentId, OrderId, StrategyId, TradeId},
    units::{Amount, Price, Qty, SignedQty, parse_decimal},
};
use rust_decimal::Decimal;

/// A symbol or an id.
pub(crate) fn name(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let symbols = Symbols::default();
    if let Ok(instrument) = symbols.instrument(text) {
        assert_eq!(instrument.symbol(), text, "a symbol has lost letters");
        assert_eq!(InstrumentId::new(instrument.as_str()).as_ref(), Ok(&instrument));
    }
    if let Ok(asset) = symbols.asset(text) {
        assert_eq!(asset, Asset::new(text).expect("an asset"));
    }
    if let Ok(id) = InstrumentId::new(text) {
        assert_eq!(id.as_str(), text);
    }
    for kept in [ClOrdId::new(text).map(|id| id.to_string()), OrderId::new(text).map(|id| id.to_string())] {
        assert!(kept.is_err() || (kept.as_deref() == Ok(text) && text.len() <= ID_BYTES_MAX));
    }
    for kept in [AlgoId::new(text).map(|id| id.to_string()), TradeId::new(text).map(|id| id.to_string())] {
        assert!(kept.is_err() || kept.as_deref() == Ok(text));
    }
    let _ = (AccountId::new(text), StrategyId::new(text), Tag::new(text));
    own(text);
    let mut query = Query::default();
    query.text("symbol", text);
    assert_eq!(decoded(query.as_str().strip_prefix("symbol=").unwrap_or_default()).as_deref(), Some(bytes), "encoded wrongly");
}

/// An id that reads as one of ours is the one that we would write.
fn own(text: &str) {
    let tag = Tag::new(text.split('-').next().unwrap_or_default()).or_else(|_| Tag::new("EXEC")).expect("a tag");
    let Ok(id) = ClOrdId::new(text) else { return };
    if let Some(own) = OwnId::decode(&tag, &id) {
        assert_eq!(own.encode(&tag), Some(id), "read as ours, and we would not write it");
    }
}

/// What percent-encoding says.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        if *first != b'%' {
            assert!(first.is_ascii_graphic() && !b"&=+#?\"".contains(first), "a letter that must be encoded");
            bytes.push(*first);
            continue;
        }
        let (hex, behind) = rest.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?);
        rest = behind;
    }
    Some(bytes)
}

/// A number, as a text and as JSON.
pub(crate) fn decimal(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let exact: Option<Decimal> = text.parse().ok();
    let (wire, core) = (wire::parse_decimal(text), parse_decimal(text).ok());
    for read in [wire, core].into_iter().flatten() {
        assert!(!text.contains(['e', 'E', '+', '_', ' ']), "`{text}` is read as {read}");
        assert_eq!(Some(read), exact, "`{text}` is read as {read}");
    }
    if let (Some(wire), Some(core)) = (wire, core) {
        assert_eq!((wire, wire.scale()), (core, core.scale()), "`{text}` is read in two ways");
    }
    if let Ok(price) = text.parse::<Price>() {
        assert_eq!(Some(price.get()), core);
        assert!(price.get() >= Decimal::ZERO);
    }
    if let Ok(qty) = text.parse::<Qty>() {
        assert_eq!(qty.to_string().parse(), Ok(qty), "written and read differ");
    }
    let _ = (text.parse::<Amount>(), text.parse::<SignedQty>());
    lenient(text);
}

/// The same where the venue may have written a text, a number or an exponent.
fn lenient(text: &str) {
    let Ok(read) = wire::read::<Lenient<'_>>(text) else { return };
    let bare = text.trim().trim_matches('"');
    let scientific = Decimal::from_scientific(&bare.to_ascii_lowercase()).ok();
    if let (Some(decimal), Some(scientific)) = (read.decimal(), scientific) {
        assert_eq!(decimal, scientific, "`{text}` is read as {decimal}");
    }
    if let Some(number) = read.number() {
        assert_eq!(bare.trim_start_matches('+').parse::<i64>(), Ok(number), "`{text}` is read as {number}");
    }
}
