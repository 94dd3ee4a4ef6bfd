//! Symbols and instrument ids: `BTCUSDT` is `BTCUSDT-PERP.BINANCE`, `BTCUSDT_261225` is `BTCUSDT_261225-FUT.BINANCE`. The maps
//! only save building the same id again; the rule is the text.

use std::{
    collections::BTreeMap,
    sync::{PoisonError, RwLock},
};

use exec_core::ids::{Asset, IdError, InstrumentId};

/// The venue's part of instrument ids.
pub(crate) const VENUE: &str = "BINANCE";

/// Most of each that are kept: more than the venue has ever listed. A stream of ever new names must not grow without bound.
const KEPT_MAX: usize = 10_000;

/// Instrument ids and assets that have been seen.
#[derive(Debug, Default)]
pub struct Symbols {
    seen: RwLock<BTreeMap<Box<str>, InstrumentId>>,
    assets: RwLock<BTreeMap<Box<str>, Asset>>,
}

impl Symbols {
    /// The instrument of a symbol, whatever letters it has.
    ///
    /// # Errors
    /// [`IdError`] if the symbol cannot stand in an id.
    pub fn instrument(&self, symbol: &str) -> Result<InstrumentId, IdError> {
        let known = self.seen.read().unwrap_or_else(PoisonError::into_inner).get(symbol).cloned();
        match known {
            Some(id) => Ok(id),
            None => {
                let id = InstrumentId::new(&format!("{symbol}-{}.{VENUE}", kind(symbol)))?;
                keep(&self.seen, symbol, &id);
                Ok(id)
            }
        }
    }
}

impl Symbols {
    /// The asset of this name.
    ///
    /// # Errors
    /// [`IdError`] if the name cannot be one.
    pub fn asset(&self, name: &str) -> Result<Asset, IdError> {
        let known = self.assets.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        match known {
            Some(asset) => Ok(asset),
            None => {
                let asset = Asset::new(name)?;
                keep(&self.assets, name, &asset);
                Ok(asset)
            }
        }
    }
}

fn keep<T: Clone>(seen: &RwLock<BTreeMap<Box<str>, T>>, name: &str, id: &T) {
    let mut seen = seen.write().unwrap_or_else(PoisonError::into_inner);
    if seen.len() < KEPT_MAX {
        seen.insert(name.into(), id.clone());
    }
}

/// Delivery contracts carry their date after an underscore; everything else is perpetual.
fn kind(symbol: &str) -> &'static str {
    match symbol.rsplit_once('_') {
        Some((pair, date)) if !pair.is_empty() && date.len() == 6 && date.bytes().all(|b| b.is_ascii_digit()) => "FUT",
        _ => "PERP",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_become_instruments_and_keep_their_letters() {
        let symbols = Symbols::default();
        for (symbol, id) in [
            ("BTCUSDT", "BTCUSDT-PERP.BINANCE"),
            ("币安人生USDT", "币安人生USDT-PERP.BINANCE"),
            ("BTCUSDT_261225", "BTCUSDT_261225-FUT.BINANCE"),
            ("X_Y", "X_Y-PERP.BINANCE"),
        ] {
            let instrument = symbols.instrument(symbol).unwrap();
            assert_eq!((instrument.as_str(), instrument.symbol()), (id, symbol));
            assert_eq!(symbols.instrument(symbol).unwrap(), instrument);
        }
        assert!(symbols.instrument("").is_err());
    }

    #[test]
    fn ever_new_names_do_not_grow_without_bound() {
        let symbols = Symbols::default();
        for n in 0..KEPT_MAX + 10 {
            assert_eq!(symbols.instrument(&format!("S{n}")).unwrap().symbol(), format!("S{n}"));
            assert!(symbols.asset(&format!("A{n}")).is_ok());
        }
        assert_eq!((symbols.seen.read().unwrap().len(), symbols.assets.read().unwrap().len()), (KEPT_MAX, KEPT_MAX));
    }
}
