//! From the text of parameters to typed requests of the core. It checks form; whether a value is allowed is the core's.

use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::Value;

use super::params::Params;
use super::refusal::Refusal;
use crate::request::{AlgoRef, ModifyOrder, NewAlgoOrder, NewOrder, OrderRef, Signed};
use crate::types::{OrderType, PositionSide, PriceMatch, RespType, Side, StpMode, TimeInForce, WorkingType};

const DECIMAL_RANGE: &str = r"^([0-9]{1,20})(\.[0-9]{1,20})?$";
const INTEGER_RANGE: &str = "^[0-9]{1,20}$";

/// A mandatory text.
pub(super) fn text<'a>(params: &'a Params, name: &str) -> Result<&'a str, Refusal> {
    params.get(name).ok_or_else(|| Refusal::missing(name))
}

/// An optional number without decimals.
pub(super) fn opt_integer<T: FromStr>(params: &Params, name: &str) -> Result<Option<T>, Refusal> {
    match params.get(name) {
        None => Ok(None),
        // Some clients send `null` or `None` for what they leave out.
        Some("null" | "None" | "undefined") => Ok(None),
        Some(value) => value.trim().parse().map(Some).map_err(|_| Refusal::illegal_chars(name, INTEGER_RANGE)),
    }
}

/// A mandatory number without decimals.
pub(super) fn integer<T: FromStr>(params: &Params, name: &str) -> Result<T, Refusal> {
    opt_integer(params, name)?.ok_or_else(|| Refusal::missing(name))
}

/// An optional decimal; exponents are refused.
pub(super) fn opt_decimal(params: &Params, name: &str) -> Result<Option<Decimal>, Refusal> {
    match params.get(name) {
        None => Ok(None),
        Some(value) => {
            let digits = value.strip_prefix('-').unwrap_or(value);
            let plain = !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.');
            let decimal = if plain { Decimal::from_str(value).ok() } else { None };
            decimal.map(Some).ok_or_else(|| Refusal::illegal_chars(name, DECIMAL_RANGE))
        }
    }
}

/// An optional boolean: clients send `true`, `"true"` and `True`.
pub(super) fn opt_flag(params: &Params, name: &str) -> Result<Option<bool>, Refusal> {
    match params.get(name) {
        None => Ok(None),
        Some(value) if value.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(value) if value.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(_) => Err(Refusal::invalid(name)),
    }
}

/// A mandatory boolean.
pub(super) fn flag(params: &Params, name: &str) -> Result<bool, Refusal> {
    opt_flag(params, name)?.ok_or_else(|| Refusal::missing(name))
}

/// An optional word of the venue's; anything else is answered with the refusal given.
pub(super) fn opt_word<T>(
    params: &Params,
    name: &str,
    parse: fn(&str) -> Option<T>,
    refusal: fn() -> Refusal,
) -> Result<Option<T>, Refusal> {
    params.get(name).map(|value| parse(value).ok_or_else(refusal)).transpose()
}

/// A mandatory word of the venue's.
pub(super) fn word<T>(params: &Params, name: &str, parse: fn(&str) -> Option<T>, refusal: fn() -> Refusal) -> Result<T, Refusal> {
    opt_word(params, name, parse, refusal)?.ok_or_else(|| Refusal::missing(name))
}

/// The leg of a request.
pub(super) fn opt_position_side(params: &Params) -> Result<Option<PositionSide>, Refusal> {
    opt_word(params, "positionSide", PositionSide::parse, Refusal::position_side)
}

/// A new order.
pub(super) fn new_order(params: &Params, signed: Option<Signed>) -> Result<NewOrder, Refusal> {
    Ok(NewOrder {
        symbol: text(params, "symbol")?.to_owned(),
        side: word(params, "side", Side::parse, Refusal::side)?,
        order_type: word(params, "type", OrderType::parse, Refusal::order_type)?,
        position_side: opt_position_side(params)?,
        time_in_force: opt_word(params, "timeInForce", TimeInForce::parse, Refusal::time_in_force)?,
        quantity: opt_decimal(params, "quantity")?,
        price: opt_decimal(params, "price")?,
        reduce_only: opt_flag(params, "reduceOnly")?,
        close_position: opt_flag(params, "closePosition")?,
        new_client_order_id: params.get("newClientOrderId").map(str::to_owned),
        price_match: opt_word(params, "priceMatch", PriceMatch::parse, Refusal::price_match)?,
        stp_mode: opt_word(params, "selfTradePreventionMode", StpMode::parse, Refusal::stp_mode)?,
        good_till_date: opt_integer(params, "goodTillDate")?,
        signed,
    })
}

/// A conditional order.
pub(super) fn new_algo_order(params: &Params) -> Result<NewAlgoOrder, Refusal> {
    if text(params, "algoType")? != "CONDITIONAL" {
        return Err(Refusal::invalid("algoType"));
    }
    let working_type = || Refusal::invalid("workingType");
    Ok(NewAlgoOrder {
        symbol: text(params, "symbol")?.to_owned(),
        side: word(params, "side", Side::parse, Refusal::side)?,
        order_type: word(params, "type", OrderType::parse, Refusal::order_type)?,
        position_side: opt_position_side(params)?,
        time_in_force: opt_word(params, "timeInForce", TimeInForce::parse, Refusal::time_in_force)?,
        quantity: opt_decimal(params, "quantity")?,
        price: opt_decimal(params, "price")?,
        price_match: opt_word(params, "priceMatch", PriceMatch::parse, Refusal::price_match)?,
        trigger_price: opt_decimal(params, "triggerPrice")?,
        working_type: opt_word(params, "workingType", WorkingType::parse, working_type)?,
        close_position: opt_flag(params, "closePosition")?,
        price_protect: opt_flag(params, "priceProtect")?,
        reduce_only: opt_flag(params, "reduceOnly")?,
        activate_price: opt_decimal(params, "activatePrice")?,
        callback_rate: opt_decimal(params, "callbackRate")?,
        client_algo_id: params.get("clientAlgoId").map(str::to_owned),
        stp_mode: opt_word(params, "selfTradePreventionMode", StpMode::parse, Refusal::stp_mode)?,
        good_till_date: opt_integer(params, "goodTillDate")?,
    })
}

/// The conditional order a request speaks of; one id is needed.
pub(super) fn algo_ref(params: &Params) -> Result<AlgoRef, Refusal> {
    let order =
        AlgoRef { algo_id: opt_integer(params, "algoId")?, client_algo_id: params.get("clientAlgoId").map(str::to_owned) };
    if order == AlgoRef::default() { Err(Refusal::missing_either("algoId", "clientAlgoId")) } else { Ok(order) }
}

/// How much the reply to a new order shows.
pub(super) fn resp_type(params: &Params) -> Result<RespType, Refusal> {
    let refusal = || Refusal::new(400, -1136, "Invalid newOrderRespType.");
    Ok(opt_word(params, "newOrderRespType", RespType::parse, refusal)?.unwrap_or(RespType::Ack))
}

/// A change of a working order.
pub(super) fn modify_order(params: &Params, signed: Option<Signed>) -> Result<ModifyOrder, Refusal> {
    Ok(ModifyOrder {
        symbol: text(params, "symbol")?.to_owned(),
        order: order_ref(params)?,
        side: word(params, "side", Side::parse, Refusal::side)?,
        quantity: opt_decimal(params, "quantity")?,
        price: opt_decimal(params, "price")?,
        price_match: opt_word(params, "priceMatch", PriceMatch::parse, Refusal::price_match)?,
        modify_id: opt_integer(params, "modifyId")?,
        reduce_only: opt_flag(params, "reduceOnly")?,
        signed,
    })
}

/// The order a request speaks of; one id is needed.
pub(super) fn order_ref(params: &Params) -> Result<OrderRef, Refusal> {
    let order = opt_order_ref(params)?;
    if order.order_id.is_none() && order.client_order_id.is_none() {
        return Err(Refusal::missing_either("origClientOrderId", "orderId"));
    }
    Ok(order)
}

/// The order a request speaks of, if it names one.
pub(super) fn opt_order_ref(params: &Params) -> Result<OrderRef, Refusal> {
    Ok(OrderRef {
        order_id: opt_integer(params, "orderId")?,
        client_order_id: params.get("origClientOrderId").map(str::to_owned),
    })
}

/// The items of `batchOrders`: each object becomes parameters of its own.
pub(super) fn batch(params: &Params, max: usize) -> Result<Vec<Params>, Refusal> {
    let Ok(Value::Array(items)) = serde_json::from_str(text(params, "batchOrders")?) else {
        return Err(Refusal::missing("batchOrders"));
    };
    if items.is_empty() || items.len() > max {
        return Err(Refusal::batch_size(items.len()));
    }
    items
        .into_iter()
        .map(|item| match item {
            Value::Object(fields) => {
                Ok(Params::from_pairs(fields.into_iter().map(|(name, value)| (name, plain(&value))).collect()))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Refusal::missing("batchOrders"))
            }
        })
        .collect()
}

/// The ids of a batch cancel: a JSON list of numbers or strings, or a bare comma list.
pub(super) fn id_list(params: &Params, name: &str) -> Result<Option<Vec<String>>, Refusal> {
    let Some(sent) = params.get(name) else { return Ok(None) };
    match serde_json::from_str(sent) {
        Ok(Value::Array(items)) => Ok(Some(items.iter().map(plain).collect())),
        Ok(Value::Number(number)) => Ok(Some(vec![number.to_string()])),
        Ok(Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_)) => Err(Refusal::invalid(name)),
        Err(_) => Ok(Some(sent.trim_matches(['[', ']']).split(',').map(|id| id.trim().to_owned()).collect())),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_refuse_what_the_venue_refuses() {
        let params = Params::parse("a=1.50&b=1e3&c=-2&d=%20&e=.", "");
        assert_eq!(opt_decimal(&params, "a"), Ok(Some(Decimal::new(150, 2))));
        assert_eq!(opt_decimal(&params, "b").map_err(|e| e.code), Err(-1100));
        assert_eq!(opt_decimal(&params, "c"), Ok(Some(Decimal::new(-2, 0))));
        assert_eq!(opt_decimal(&params, "d").map_err(|e| e.code), Err(-1100));
        assert_eq!(opt_decimal(&params, "e").map_err(|e| e.code), Err(-1100));
        assert_eq!(opt_decimal(&params, "z"), Ok(None));
        assert_eq!(integer::<i64>(&params, "z").map_err(|e| e.code), Err(-1102));
    }

    #[test]
    fn flags_come_in_three_spellings() {
        let params = Params::parse("a=True&b=false&c=1", "");
        assert_eq!(opt_flag(&params, "a"), Ok(Some(true)));
        assert_eq!(opt_flag(&params, "b"), Ok(Some(false)));
        assert_eq!(opt_flag(&params, "c").map_err(|e| e.code), Err(-1130));
    }

    #[test]
    fn a_batch_takes_strings_numbers_and_booleans() {
        let body = r#"batchOrders=[{"symbol":"币安人生USDT","side":"BUY","type":"LIMIT","timeInForce":"GTC","quantity":1.5,"price":"2","reduceOnly":false}]"#;
        let items = batch(&Params::parse("", body), 5).unwrap();
        let order = new_order(&items[0], None).unwrap();
        assert_eq!(order.symbol, "币安人生USDT");
        assert_eq!(order.quantity, Some(Decimal::new(15, 1)));
        assert_eq!(order.reduce_only, Some(false));
        assert_eq!(batch(&Params::parse("batchOrders=[]", ""), 5).map_err(|e| e.code).unwrap_err(), -4082);
        assert_eq!(batch(&Params::parse("batchOrders=x", ""), 5).map_err(|e| e.code).unwrap_err(), -1102);
    }

    #[test]
    fn lists_of_ids_come_with_and_without_quotes() {
        let params = Params::parse("a=[1,2]&b=%5B%22x%22%2C%22y%22%5D&c=x,y", "");
        assert_eq!(id_list(&params, "a"), Ok(Some(vec!["1".into(), "2".into()])));
        assert_eq!(id_list(&params, "b"), Ok(Some(vec!["x".into(), "y".into()])));
        assert_eq!(id_list(&params, "c"), Ok(Some(vec!["x".into(), "y".into()])));
        assert_eq!(id_list(&params, "d"), Ok(None));
    }
}
