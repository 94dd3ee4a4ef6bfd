//! What the adapter makes of each payload about orders, in every state that the documents list and in those that are only seen.

use binance_adapter::decode::{DecodeError, decode};
use serde_json::{Value, json};

use super::payloads::{account_update, algo_update, order_update, reply};

fn facts(document: &str) -> Value {
    serde_json::from_str(&decode(document).unwrap_or_else(|error| panic!("{document}: {error}"))).unwrap()
}

#[test]
fn order_updates_in_every_execution_and_status() {
    for (execution, status, last, cum, trade, expected) in [
        ("NEW", "NEW", "0", "0", 0, "NEW"),
        ("TRADE", "PARTIALLY_FILLED", "0.004", "0.004", 7, "PARTIALLY_FILLED"),
        ("TRADE", "FILLED", "0.014", "0.014", 7, "FILLED"),
        ("CANCELED", "CANCELED", "0", "0.004", 0, "CANCELED"),
        ("EXPIRED", "EXPIRED", "0", "0", 0, "EXPIRED"),
        ("EXPIRED", "EXPIRED_IN_MATCH", "0", "0", 0, "EXPIRED"),
        ("AMENDMENT", "NEW", "0", "0", 0, "NEW"),
        ("AMENDMENT", "PARTIALLY_FILLED", "0", "0.004", 0, "PARTIALLY_FILLED"),
        ("CALCULATED", "NEW", "0", "0", 0, "NEW"),
        ("CALCULATED", "PARTIALLY_FILLED", "0.004", "0.004", 7, "PARTIALLY_FILLED"),
        ("CALCULATED", "FILLED", "0.014", "0.014", 7, "FILLED"),
        ("CALCULATED", "NEW_INSURANCE", "0.014", "0.014", 7, "UNRECOGNISED"),
        ("CALCULATED", "NEW_ADL", "0.014", "0.014", 7, "UNRECOGNISED"),
        ("REJECTED", "REJECTED", "0", "0", 0, "REJECTED"),
    ] {
        let told = facts(&order_update("A-1", execution, status, last, cum, trade));
        let what = format!("{execution} {status}");
        assert_eq!((&told["execution"], &told["status"]), (&json!(execution), &json!(expected)), "{what}");
        assert_eq!((&told["cum_qty"], &told["unknown"]), (&json!(cum), &json!([])), "{what}");
        // Whatever the venue calls the execution: a trade id and a quantity are a trade.
        assert_eq!(told["trade_id"], if trade == 0 { Value::Null } else { json!("7") }, "{what}");
        assert_eq!(told["venue_status"], if expected == "UNRECOGNISED" { json!(status) } else { Value::Null }, "{what}");
    }
}

#[test]
fn orders_that_the_exchange_makes_are_told_with_the_reason() {
    for (client, made_by) in [
        ("autoclose-1596107620040000020", "liquidation"),
        ("adl_autoclose", "deleveraging"),
        ("settlement_autoclose-1", "settlement"),
        ("delivery_autoclose-1", "delivery"),
    ] {
        let told = facts(&order_update(client, "CALCULATED", "FILLED", "0.014", "0.014", 7));
        assert_eq!((&told["cl_ord_id"], &told["made_by"]), (&json!(client), &json!(made_by)));
        assert_eq!((&told["last_px"], &told["realized"]), (&json!("9910.5"), &json!("-0.5")));
    }
    assert_eq!(facts(&order_update("A-1", "TRADE", "FILLED", "0.014", "0.014", 7))["made_by"], Value::Null);
    let told = facts(&order_update("autoclose-1", "NEW", "NEW", "0", "0", 0).replace(r#""o":"LIMIT""#, r#""o":"LIQUIDATION""#));
    assert_eq!((&told["type"], &told["price"], &told["unknown"]), (&json!("LIQUIDATION"), &json!("9910"), &json!([])));
}

#[test]
fn a_price_from_the_book_is_told_with_its_level() {
    let fill = order_update("A-1", "NEW", "NEW", "0", "0", 0);
    let told = facts(&fill.replace(r#""pm":"NONE""#, r#""pm":"QUEUE_5""#).replace(r#""f":"IOC""#, r#""f":"GTC""#));
    assert_eq!((&told["price"], &told["price_match"], &told["type"]), (&json!("9910"), &json!("QUEUE_5"), &json!("LIMIT")));
    // A price of zero is no price.
    let market = fill.replace(r#""o":"LIMIT""#, r#""o":"MARKET""#).replace(r#""p":"9910""#, r#""p":"0""#);
    assert_eq!((&facts(&market)["price"], &facts(&market)["type"]), (&Value::Null, &json!("MARKET")));
}

#[test]
fn expiries_are_told_with_their_reason() {
    for (code, reason) in [
        ("0", "unstated"),
        ("1", "self_trade"),
        ("2", "not_fillable"),
        ("3", "self_trade"),
        ("4", "nothing_to_close"),
        ("5", "liquidation"),
        ("6", "nothing_to_close"),
        ("7", "delisted"),
        ("9", "not_fillable"),
        ("99", "unstated"),
    ] {
        let text = order_update("A-1", "EXPIRED", "EXPIRED", "0", "0", 0).replace(r#""er":"0""#, &format!(r#""er":"{code}""#));
        assert_eq!(facts(&text)["expiry_reason"], reason, "{code}");
    }
}

#[test]
fn conditional_orders_in_every_state() {
    let child = r#""ai":"33877541028","ap":"1.1325","aq":"4.9","act":"MARKET","tt":1789826323607,"#;
    let before = r#""ai":"","tt":0,"#;
    for (status, more, order_id) in [
        ("NEW", before, Value::Null),
        ("CANCELED", before, Value::Null),
        ("EXPIRED", before, Value::Null),
        ("TRIGGERING", r#""ai":"","tt":1789826323607,"#, Value::Null),
        ("TRIGGERED", child, json!("33877541028")),
        ("FINISHED", child, json!("33877541028")),
        (
            "REJECTED",
            r#""ai":"","ap":"0.00000","aq":"0.00000","act":"0","tt":1789826323607,"rm":"Reduce Only reject","#,
            Value::Null,
        ),
    ] {
        let told = facts(&algo_update(status, more));
        assert_eq!((&told["status"], &told["order_id"]), (&json!(status), &order_id));
        assert_eq!((&told["algo_id"], &told["cl_ord_id"]), (&json!("4000001910368571"), &json!("60d0")), "{status}");
        assert_eq!((&told["trigger_px"], &told["trigger_by"]), (&json!("1.1322"), &json!("MARK")), "{status}");
        assert_eq!((&told["leg"], &told["conditional"]), (&json!("SHORT"), &json!(true)), "{status}");
        assert_eq!(told["text"], if status == "REJECTED" { json!("Reduce Only reject") } else { Value::Null });
        let triggered = if more.contains(r#""tt":0"#) { Value::Null } else { json!(1_789_826_323_607_i64) };
        assert_eq!(told["trigger_time"], triggered, "{status}");
        // Before the trigger these are absent, which is not zero.
        let finished = status == "FINISHED" || status == "TRIGGERED";
        assert_eq!(told["avg_px"], if finished { json!("1.1325") } else { Value::Null }, "{status}");
        assert_eq!(told["actual_type"], if finished { json!("MARKET") } else { Value::Null }, "{status}");
    }
}

#[test]
fn a_trailing_stop_tells_when_it_follows_the_price() {
    let trailing = |activated: bool| {
        let text = algo_update("NEW", r#""ai":"","tt":0,"AP":"1.2","cr":"0.5","#);
        let text = text.replace("STOP_MARKET", "TRAILING_STOP_MARKET").replace(r#""ia":false"#, &format!(r#""ia":{activated}"#));
        facts(&text)
    };
    assert_eq!((&trailing(false)["activated"], &trailing(true)["activated"]), (&Value::Null, &json!(true)));
    assert_eq!((&trailing(true)["activation_px"], &trailing(true)["callback_percent"]), (&json!("1.2"), &json!("0.5")));
}

#[test]
fn account_updates_for_every_reason() {
    for reason in [
        "DEPOSIT",
        "WITHDRAW",
        "ORDER",
        "FUNDING_FEE",
        "WITHDRAW_REJECT",
        "ADJUSTMENT",
        "INSURANCE_CLEAR",
        "ADMIN_DEPOSIT",
        "ADMIN_WITHDRAW",
        "MARGIN_TRANSFER",
        "MARGIN_TYPE_CHANGE",
        "ASSET_TRANSFER",
        "OPTIONS_PREMIUM_FEE",
        "OPTIONS_SETTLE_PROFIT",
        "AUTO_EXCHANGE",
        "COIN_SWAP_DEPOSIT",
        "COIN_SWAP_WITHDRAW",
    ] {
        let told = facts(&account_update(reason));
        assert_eq!((&told["reason"], &told["unknown"]), (&json!(reason), &json!([])));
        assert_eq!((&told["balances"][0]["change"], &told["positions"][0]["qty"]), (&json!("-0.5"), &json!("-4.9")));
    }
}

#[test]
fn the_end_of_the_stream_has_three_names() {
    for name in ["listenKeyExpired", "serverShutdown", "eventStreamTerminated"] {
        let told = facts(&format!(r#"{{"e":"{name}","E":1736996475556}}"#));
        assert_eq!((&told["kind"], &told["event"]), (&json!("stream_ending"), &json!(name)));
    }
}

#[test]
fn a_batch_tells_each_row_by_its_own_outcome() {
    let rows = r#"[{"code":-2011,"msg":"Unknown order sent."},{"code":-1007,"msg":"Timeout waiting for response."}]"#;
    let told = facts(&reply("DELETE", "v1/batchOrders", rows));
    assert_eq!((&told["orders"][0]["class"], &told["orders"][1]["fate"]), (&json!("not_on_book"), &json!("unknown")));
    let told = facts(&reply("POST", "v1/batchOrders", r#"[{"code":-4120,"msg":"Order type not supported for this endpoint."}]"#));
    assert_eq!((&told["orders"][0]["kind"], &told["orders"][0]["code"]), (&json!("refusal"), &json!(-4120)));
}

#[test]
fn the_tag_of_a_change_may_be_a_number_or_a_text() {
    let order = |tag: &str| {
        let body = format!(
            r#"{{"orderId":1,"symbol":"A","status":"NEW","clientOrderId":"a","side":"BUY","type":"LIMIT","origQty":"1","price":"2","executedQty":"0","modifyId":{tag}}}"#
        );
        facts(&reply("PUT", "v1/order", &body))["modify_id"].clone()
    };
    assert_eq!((order("7"), order("\"7\""), order("null")), (json!(7), json!(7), Value::Null));
}

#[test]
fn the_cancel_of_a_conditional_order_may_be_refused_in_its_own_form() {
    let told =
        facts(&reply("DELETE", "v1/algoOrder", r#"{"algoId":1,"clientAlgoId":"a","code":"-2011","msg":"Unknown order sent."}"#));
    assert_eq!((&told["kind"], &told["class"], &told["algo_id"]), (&json!("refusal"), &json!("not_on_book"), &json!("1")));
    assert!(decode(&reply("DELETE", "v1/algoOrder", r#"{"algoId":1,"clientAlgoId":"a","code":"soon"}"#)).is_err());
}

#[test]
fn a_body_alone_is_told_by_its_keys_and_says_the_same() {
    for (path, body) in [
        ("v1/positionSide/dual", r#"{"dualSidePosition":true}"#),
        ("v3/positionRisk", r#"[{"symbol":"A","positionSide":"BOTH","positionAmt":"1","entryPrice":"2","updateTime":3}]"#),
        ("v1/income", r#"[{"symbol":"","incomeType":"TRANSFER","income":"1","asset":"USDT","time":1,"tranId":2}]"#),
        ("v1/commissionRate", r#"{"symbol":"A","makerCommissionRate":"0.1","takerCommissionRate":"0.2"}"#),
    ] {
        assert_eq!(facts(body), facts(&reply("GET", path, body)), "{path}");
    }
    let strange = decode(r#"{"bids":[],"asks":[],"lastUpdateId":1}"#).unwrap_err().to_string();
    assert_eq!(strange, "no decoder for a document with `bids`, `asks`, `lastUpdateId`");
    // Public rows that look alike are not taken for it.
    for body in [r#"[{"symbol":"A","fundingRate":"1","fundingTime":1,"markPrice":"2"}]"#, r#"{"symbols":["A"],"assets":[]}"#] {
        assert!(matches!(decode(body), Err(DecodeError::NoDecoder(_))), "{body}");
    }
}

#[test]
fn a_mode_and_a_leverage_that_changed_are_told() {
    let told = facts(r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1,"ai":{"j":true}}"#);
    assert_eq!((&told["kind"], &told["multi_assets"]), (&json!("setting"), &json!(true)));
    // With neither of its parts it says nothing, and is not taken for a change.
    assert!(decode(r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":2,"T":1}"#).is_err());
}

#[test]
fn a_margin_call_tells_what_each_position_needs() {
    let told = facts(
        r#"{"e":"MARGIN_CALL","E":1,"cw":"3.16","p":[{"s":"ETHUSDT","ps":"LONG","pa":"1.3","mt":"ISOLATED","iw":"2.5","mp":"187","up":"-1","mm":"1.6"}]}"#,
    );
    let leg = &told["positions"][0];
    assert_eq!((&told["wallet"], &leg["maint_margin"], &leg["isolated_wallet"]), (&json!("3.16"), &json!("1.6"), &json!("2.5")));
}

#[test]
fn the_trades_and_liquidations_of_others_are_not_taken_for_ours() {
    let theirs = facts(r#"[{"id":28457,"price":"4.00000100","qty":"12","quoteQty":"48","time":1,"isBuyerMaker":true}]"#);
    let trade = &theirs["public_trades"][0];
    assert_eq!(
        (&theirs["kind"], &trade["taker_side"], &trade["price"]),
        (&json!("public_trades"), &json!("SELL"), &json!("4.00000100"))
    );
    let theirs = facts(
        r#"{"e":"forceOrder","E":2,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.014","p":"9910","ap":"9909.5","X":"FILLED","l":"0.014","z":"0.014","T":1}}"#,
    );
    assert_eq!(
        (&theirs["kind"], &theirs["avg_px"], &theirs["order_id"]),
        (&json!("public_liquidation"), &json!("9909.5"), &Value::Null)
    );
    let converted = facts(r#"{"orderId":"933256278426274426","createTime":1623381330472,"orderStatus":"PROCESS"}"#);
    assert_eq!((&converted["kind"], &converted["order_id"]), (&json!("convert_order"), &json!("933256278426274426")));
}

#[test]
fn a_refusal_without_a_status_is_still_a_refusal() {
    let told = facts(r#"{"method":"GET","path":"/fapi/v1/order","body":{"code":-2013,"msg":"Order does not exist."}}"#);
    assert_eq!((&told["kind"], &told["fate"]), (&json!("refusal"), &json!("not_there")));
}

#[test]
fn a_busy_venue_proves_nothing_and_says_until_when() {
    let told = facts(r#"{"id":1,"status":503,"error":{"code":-2019,"msg":"x"}}"#);
    assert_eq!(told["fate"], "unknown");
    let told =
        facts(r#"{"id":1,"status":429,"error":{"code":-1003,"msg":"x","data":{"serverTime":1,"retryAfter":1700000000000}}}"#);
    assert_eq!((&told["kind"], &told["retry_at"]), (&json!("refusal"), &json!(1_700_000_000_000_i64)));
}

#[test]
fn secrets_are_not_told() {
    for document in [
        r#"{"e":"listenKeyExpired","E":1,"listenKey":"CANARY"}"#,
        r#"{"id":1,"status":200,"result":{"listenKey":"CANARY"}}"#,
        r#"{"id":1,"status":200,"result":{"apiKey":"CANARY","authorizedSince":1,"connectedSince":1,"serverTime":1}}"#,
        r#"{"id":1,"method":"order.place","params":{"apiKey":"CANARY","signature":"CANARY","symbol":"A"}}"#,
        r#"{"downloadId":"1","status":"completed","url":"CANARY"}"#,
    ] {
        assert!(!decode(document).unwrap().contains("CANARY"), "{document}");
    }
}

#[test]
fn what_is_announced_of_a_contract_is_told_with_its_brackets() {
    let told = facts(
        r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1669356423908,"s":"IOTAUSDT","ps":"IOTAUSDT","ct":"PERPETUAL","dt":4133404800000,"ot":1569398400000,"cs":"TRADING","bks":[{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01,"cf":0,"mi":21,"ma":50}],"st":1}}"#,
    );
    assert_eq!((&told["kind"], &told["instrument"]), (&json!("listing_changed"), &json!("IOTAUSDT-PERP.BINANCE")));
    assert_eq!((&told["status"], &told["delivery"]), (&json!("TRADING"), &json!(4_133_404_800_000_i64)));
    let bracket = json!({"leverage_max": "50", "notional_from": "0", "notional_to": "5000", "maint_margin_ratio": "0.01", "maint_margin_less": "0"});
    assert_eq!((&told["brackets"], &told["unknown"]), (&json!([bracket]), &json!([])));
    // Ids are made of symbols of the one product only.
    let coin = facts(r#"{"e":"contractInfo","E":1,"s":"APTUSD_PERP","ct":"PERPETUAL","cs":"CLOSE","zz":1,"st":2}"#);
    assert_eq!((&coin["instrument"], &coin["symbol"]), (&Value::Null, &json!("APTUSD_PERP")));
    assert_eq!((&coin["status"], &coin["unknown"]), (&json!("CLOSE"), &json!(["zz"])));
}
