//! Conversions as facts: quotes, their orders, what can be converted.

use super::{
    DecodeError, Facts,
    facts::{list, put, start},
    told::Told,
};
use crate::wire;

/// What can be converted.
pub(crate) fn pairs(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let pairs: Vec<wire::ConvertPair<'_>> = told.read(body)?;
    list(
        "convert_pairs",
        pairs.iter().map(|pair| {
            let mut facts = start("convert_pair");
            facts.insert("from_asset".into(), pair.from.as_str().into());
            facts.insert("to_asset".into(), pair.to.as_str().into());
            for (name, amount) in
                [("from_min", pair.from_min), ("from_max", pair.from_max), ("to_min", pair.to_min), ("to_max", pair.to_max)]
            {
                facts.insert(name.into(), amount.0.to_string().into());
            }
            Ok(facts)
        }),
    )
}

/// A quoted price.
pub(crate) fn quote(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let quote: wire::ConvertQuote<'_> = told.read(body)?;
    let mut facts = start("convert_quote");
    put(&mut facts, "quote_id", quote.quote_id.as_ref().map(ToString::to_string));
    facts.insert("price".into(), quote.ratio.0.to_string().into());
    facts.insert("from_amount".into(), quote.from_amount.0.to_string().into());
    facts.insert("to_amount".into(), quote.to_amount.0.to_string().into());
    put(&mut facts, "expires", quote.valid_until);
    Ok(facts)
}

/// A conversion that was asked for.
pub(crate) fn order(told: &mut Told<'_>, body: &str) -> Result<Facts, DecodeError> {
    let order: wire::ConvertOrder<'_> = told.read(body)?;
    let mut facts = start("convert_order");
    facts.insert("order_id".into(), order.order_id.to_string().into());
    facts.insert("status".into(), order.status.as_str().into());
    put(&mut facts, "from_asset", order.from.as_ref().map(ToString::to_string));
    put(&mut facts, "from_amount", order.from_amount.map(|amount| amount.0.to_string()));
    put(&mut facts, "to_asset", order.to.as_ref().map(ToString::to_string));
    put(&mut facts, "to_amount", order.to_amount.map(|amount| amount.0.to_string()));
    put(&mut facts, "price", order.ratio.map(|ratio| ratio.0.to_string()));
    facts.insert("created".into(), order.create_time.into());
    Ok(facts)
}
