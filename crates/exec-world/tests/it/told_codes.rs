//! Every documented USDⓈ-M code and every text of a 503, answered to a real order and to a real cancel: by the exchange, on the wire,
//! through the adapter, to the node's books. What must come of each is written down here by hand, from the documents.
//!
//! Sources: USDⓈ-M "Error Codes" (page of 2026-05-28, additions to 2026-09-18) and "General Info" on HTTP statuses and the kinds of
//! 503, read 2026-11-22. What an answer proves follows the documents' words: a failure is one only where they say so.

use crate::wired::{Wired, Wiring};
use exec_core::{
    ids::IntentId,
    order::{event::RequestState, status::OrdStatus},
    record::LatchCause,
    terms::{Intention, LimitPrice, OrderKind, Terms, TimeInForce},
    units::{PositionMode, PositionSide, Side},
};
use exec_testkit::fixtures::{instrument_id, price, qty};

/// What must come of an order that is answered so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// Refused, and nothing was executed: rejected.
    No,
    /// Refused; it is tried once more under another id.
    Again,
    /// Nobody knows: asked for until it is found or proven dead.
    Perhaps,
    /// Nobody knows, and the account takes no new risk: an id of ours was sent twice.
    Live,
    /// Rejected, and the account stops until somebody has looked at the key.
    Auth,
    /// Rejected, and the instrument takes no new risk until the venue has lifted it.
    Symbol,
    /// Rejected, and the account takes no new risk until the venue has lifted it.
    Account,
    /// Rejected, and the account takes no new risk until somebody has looked: it is being liquidated.
    Liquidation,
    /// Rejected: a limit was hit.
    Limit,
}
use Word::{Account, Again, Auth, Limit, Liquidation, Live, No, Perhaps, Symbol};

/// The code, its name, and what must come of an order that is answered with it and a status of 4xx.
#[rustfmt::skip]
const CODES: &[(i64, &str, Word)] = &[
    (-1000, "UNKNOWN", Perhaps),
    (-1001, "DISCONNECTED", Perhaps),
    (-1002, "UNAUTHORIZED", Perhaps),
    (-1003, "TOO_MANY_REQUESTS", Limit),
    (-1004, "DUPLICATE_IP", Perhaps),
    (-1005, "NO_SUCH_IP", Perhaps),
    (-1006, "UNEXPECTED_RESP", Perhaps),
    (-1007, "TIMEOUT", Perhaps),
    (-1010, "ERROR_MSG_RECEIVED", Perhaps),
    (-1011, "NON_WHITE_LIST", Perhaps),
    (-1013, "INVALID_MESSAGE", No),
    (-1014, "UNKNOWN_ORDER_COMPOSITION", No),
    (-1015, "TOO_MANY_ORDERS", Limit),
    (-1016, "SERVICE_SHUTTING_DOWN", Account),
    (-1020, "UNSUPPORTED_OPERATION", No),
    (-1021, "INVALID_TIMESTAMP", Again),
    (-1022, "INVALID_SIGNATURE", Auth),
    (-1023, "START_TIME_GREATER_THAN_END_TIME", No),
    (-1099, "NOT_FOUND", Perhaps),
    (-1100, "ILLEGAL_CHARS", No),
    (-1101, "TOO_MANY_PARAMETERS", No),
    (-1102, "MANDATORY_PARAM_EMPTY_OR_MALFORMED", No),
    (-1103, "UNKNOWN_PARAM", No),
    (-1104, "UNREAD_PARAMETERS", No),
    (-1105, "PARAM_EMPTY", No),
    (-1106, "PARAM_NOT_REQUIRED", No),
    (-1108, "BAD_ASSET", No),
    (-1109, "BAD_ACCOUNT", No),
    (-1110, "BAD_INSTRUMENT_TYPE", No),
    (-1111, "BAD_PRECISION", No),
    (-1112, "NO_DEPTH", No),
    (-1113, "WITHDRAW_NOT_NEGATIVE", No),
    (-1114, "TIF_NOT_REQUIRED", No),
    (-1115, "INVALID_TIF", No),
    (-1116, "INVALID_ORDER_TYPE", No),
    (-1117, "INVALID_SIDE", No),
    (-1118, "EMPTY_NEW_CL_ORD_ID", No),
    (-1119, "EMPTY_ORG_CL_ORD_ID", No),
    (-1120, "BAD_INTERVAL", No),
    (-1121, "BAD_SYMBOL", No),
    (-1122, "INVALID_SYMBOL_STATUS", Symbol),
    (-1125, "INVALID_LISTEN_KEY", Perhaps),
    (-1126, "ASSET_NOT_SUPPORTED", No),
    (-1127, "MORE_THAN_XX_HOURS", No),
    (-1128, "OPTIONAL_PARAMS_BAD_COMBO", No),
    (-1130, "INVALID_PARAMETER", No),
    (-1136, "INVALID_NEW_ORDER_RESP_TYPE", No),
    (-2010, "NEW_ORDER_REJECTED", No),
    (-2011, "CANCEL_REJECTED", Perhaps),
    (-2012, "CANCEL_ALL_FAIL", Perhaps),
    (-2013, "NO_SUCH_ORDER", Perhaps),
    (-2014, "BAD_API_KEY_FMT", Auth),
    (-2015, "REJECTED_MBX_KEY", Auth),
    (-2016, "NO_TRADING_WINDOW", No),
    (-2017, "API_KEYS_LOCKED", Perhaps),
    (-2018, "BALANCE_NOT_SUFFICIENT", No),
    (-2019, "MARGIN_NOT_SUFFICIEN", No),
    (-2020, "UNABLE_TO_FILL", No),
    (-2021, "ORDER_WOULD_IMMEDIATELY_TRIGGER", No),
    (-2022, "REDUCE_ONLY_REJECT", No),
    (-2023, "USER_IN_LIQUIDATION", Liquidation),
    (-2024, "POSITION_NOT_SUFFICIENT", No),
    (-2025, "MAX_OPEN_ORDER_EXCEEDED", No),
    (-2026, "REDUCE_ONLY_ORDER_TYPE_NOT_SUPPORTED", No),
    (-2027, "MAX_LEVERAGE_RATIO", No),
    (-2028, "MIN_LEVERAGE_RATIO", No),
    (-4000, "INVALID_ORDER_STATUS", No),
    (-4001, "PRICE_LESS_THAN_ZERO", No),
    (-4002, "PRICE_GREATER_THAN_MAX_PRICE", No),
    (-4003, "QTY_LESS_THAN_ZERO", No),
    (-4004, "QTY_LESS_THAN_MIN_QTY", No),
    (-4005, "QTY_GREATER_THAN_MAX_QTY", No),
    (-4006, "STOP_PRICE_LESS_THAN_ZERO", No),
    (-4007, "STOP_PRICE_GREATER_THAN_MAX_PRICE", No),
    (-4008, "TICK_SIZE_LESS_THAN_ZERO", Perhaps),
    (-4009, "MAX_PRICE_LESS_THAN_MIN_PRICE", Perhaps),
    (-4010, "MAX_QTY_LESS_THAN_MIN_QTY", Perhaps),
    (-4011, "STEP_SIZE_LESS_THAN_ZERO", Perhaps),
    (-4012, "MAX_NUM_ORDERS_LESS_THAN_ZERO", Perhaps),
    (-4013, "PRICE_LESS_THAN_MIN_PRICE", No),
    (-4014, "PRICE_NOT_INCREASED_BY_TICK_SIZE", No),
    (-4015, "INVALID_CL_ORD_ID_LEN", No),
    (-4016, "PRICE_HIGHTER_THAN_MULTIPLIER_UP", No),
    (-4017, "MULTIPLIER_UP_LESS_THAN_ZERO", Perhaps),
    (-4018, "MULTIPLIER_DOWN_LESS_THAN_ZERO", Perhaps),
    (-4019, "COMPOSITE_SCALE_OVERFLOW", No),
    (-4020, "TARGET_STRATEGY_INVALID", No),
    (-4021, "INVALID_DEPTH_LIMIT", No),
    (-4022, "WRONG_MARKET_STATUS", No),
    (-4023, "QTY_NOT_INCREASED_BY_STEP_SIZE", No),
    (-4024, "PRICE_LOWER_THAN_MULTIPLIER_DOWN", No),
    (-4025, "MULTIPLIER_DECIMAL_LESS_THAN_ZERO", Perhaps),
    (-4026, "COMMISSION_INVALID", Perhaps),
    (-4027, "INVALID_ACCOUNT_TYPE", Perhaps),
    (-4028, "INVALID_LEVERAGE", No),
    (-4029, "INVALID_TICK_SIZE_PRECISION", Perhaps),
    (-4030, "INVALID_STEP_SIZE_PRECISION", Perhaps),
    (-4031, "INVALID_WORKING_TYPE", No),
    (-4032, "EXCEED_MAX_CANCEL_ORDER_SIZE", No),
    (-4033, "INSURANCE_ACCOUNT_NOT_FOUND", Perhaps),
    (-4044, "INVALID_BALANCE_TYPE", Perhaps),
    (-4045, "MAX_STOP_ORDER_EXCEEDED", No),
    (-4046, "NO_NEED_TO_CHANGE_MARGIN_TYPE", Perhaps),
    (-4047, "THERE_EXISTS_OPEN_ORDERS", No),
    (-4048, "THERE_EXISTS_QUANTITY", No),
    (-4049, "ADD_ISOLATED_MARGIN_REJECT", No),
    (-4050, "CROSS_BALANCE_INSUFFICIENT", No),
    (-4051, "ISOLATED_BALANCE_INSUFFICIENT", No),
    (-4052, "NO_NEED_TO_CHANGE_AUTO_ADD_MARGIN", Perhaps),
    (-4053, "AUTO_ADD_CROSSED_MARGIN_REJECT", No),
    (-4054, "ADD_ISOLATED_MARGIN_NO_POSITION_REJECT", No),
    (-4055, "AMOUNT_MUST_BE_POSITIVE", No),
    (-4056, "INVALID_API_KEY_TYPE", Perhaps),
    (-4057, "INVALID_RSA_PUBLIC_KEY", Perhaps),
    (-4058, "MAX_PRICE_TOO_LARGE", Perhaps),
    (-4059, "NO_NEED_TO_CHANGE_POSITION_SIDE", Perhaps),
    (-4060, "INVALID_POSITION_SIDE", No),
    (-4061, "POSITION_SIDE_NOT_MATCH", No),
    (-4062, "REDUCE_ONLY_CONFLICT", No),
    (-4063, "INVALID_OPTIONS_REQUEST_TYPE", Perhaps),
    (-4064, "INVALID_OPTIONS_TIME_FRAME", Perhaps),
    (-4065, "INVALID_OPTIONS_AMOUNT", Perhaps),
    (-4066, "INVALID_OPTIONS_EVENT_TYPE", Perhaps),
    (-4067, "POSITION_SIDE_CHANGE_EXISTS_OPEN_ORDERS", No),
    (-4068, "POSITION_SIDE_CHANGE_EXISTS_QUANTITY", No),
    (-4069, "INVALID_OPTIONS_PREMIUM_FEE", Perhaps),
    (-4070, "INVALID_CL_OPTIONS_ID_LEN", Perhaps),
    (-4071, "INVALID_OPTIONS_DIRECTION", Perhaps),
    (-4072, "OPTIONS_PREMIUM_NOT_UPDATE", Perhaps),
    (-4073, "OPTIONS_PREMIUM_INPUT_LESS_THAN_ZERO", Perhaps),
    (-4074, "OPTIONS_AMOUNT_BIGGER_THAN_UPPER", Perhaps),
    (-4075, "OPTIONS_PREMIUM_OUTPUT_ZERO", Perhaps),
    (-4076, "OPTIONS_PREMIUM_TOO_DIFF", Perhaps),
    (-4077, "OPTIONS_PREMIUM_REACH_LIMIT", Perhaps),
    (-4078, "OPTIONS_COMMON_ERROR", Perhaps),
    (-4079, "INVALID_OPTIONS_ID", Perhaps),
    (-4080, "OPTIONS_USER_NOT_FOUND", Perhaps),
    (-4081, "OPTIONS_NOT_FOUND", Perhaps),
    (-4082, "INVALID_BATCH_PLACE_ORDER_SIZE", No),
    (-4083, "PLACE_BATCH_ORDERS_FAIL", Perhaps),
    (-4084, "UPCOMING_METHOD", No),
    (-4085, "INVALID_NOTIONAL_LIMIT_COEF", Perhaps),
    (-4086, "INVALID_PRICE_SPREAD_THRESHOLD", Perhaps),
    (-4087, "REDUCE_ONLY_ORDER_PERMISSION", Account),
    (-4088, "NO_PLACE_ORDER_PERMISSION", Account),
    (-4104, "INVALID_CONTRACT_TYPE", No),
    (-4105, "SYMBOL_REDUCE_ONLY", Symbol),
    (-4106, "SYMBOL_REDUCE_ONLY_BUY", Symbol),
    (-4107, "SYMBOL_REDUCE_ONLY_SELL", Symbol),
    (-4109, "INACTIVE_ACCOUNT", No),
    (-4114, "INVALID_CLIENT_TRAN_ID_LEN", No),
    (-4115, "DUPLICATED_CLIENT_TRAN_ID", Perhaps),
    (-4116, "DUPLICATED_CLIENT_ORDER_ID", Live),
    (-4117, "STOP_ORDER_TRIGGERING", No),
    (-4118, "REDUCE_ONLY_MARGIN_CHECK_FAILED", No),
    (-4120, "STOP_ORDER_SWITCH_ALGO", Again),
    (-4131, "MARKET_ORDER_REJECT", No),
    (-4135, "INVALID_ACTIVATION_PRICE", No),
    (-4137, "QUANTITY_EXISTS_WITH_CLOSE_POSITION", No),
    (-4138, "REDUCE_ONLY_MUST_BE_TRUE", No),
    (-4139, "ORDER_TYPE_CANNOT_BE_MKT", No),
    (-4140, "INVALID_OPENING_POSITION_STATUS", Symbol),
    (-4141, "SYMBOL_ALREADY_CLOSED", Symbol),
    (-4142, "STRATEGY_INVALID_TRIGGER_PRICE", No),
    (-4144, "INVALID_PAIR", No),
    (-4161, "ISOLATED_LEVERAGE_REJECT_WITH_POSITION", No),
    (-4164, "MIN_NOTIONAL", No),
    (-4165, "INVALID_TIME_INTERVAL", No),
    (-4167, "ISOLATED_REJECT_WITH_JOINT_MARGIN", No),
    (-4168, "JOINT_MARGIN_REJECT_WITH_ISOLATED", No),
    (-4169, "JOINT_MARGIN_REJECT_WITH_MB", No),
    (-4170, "JOINT_MARGIN_REJECT_WITH_OPEN_ORDER", No),
    (-4171, "NO_NEED_TO_CHANGE_JOINT_MARGIN", Perhaps),
    (-4172, "JOINT_MARGIN_REJECT_WITH_NEGATIVE_BALANCE", No),
    (-4183, "ISOLATED_REJECT_WITH_JOINT_MARGIN", No),
    (-4184, "PRICE_LOWER_THAN_STOP_MULTIPLIER_DOWN", No),
    (-4189, "ACCOUNT_REDUCE_ONLY", Symbol),
    (-4192, "COOLING_OFF_PERIOD", Account),
    (-4202, "ADJUST_LEVERAGE_KYC_FAILED", No),
    (-4203, "ADJUST_LEVERAGE_ONE_MONTH_FAILED", No),
    (-4205, "ADJUST_LEVERAGE_X_DAYS_FAILED", No),
    (-4206, "ADJUST_LEVERAGE_KYC_LIMIT", No),
    (-4208, "ADJUST_LEVERAGE_ACCOUNT_SYMBOL_FAILED", No),
    (-4209, "ADJUST_LEVERAGE_SYMBOL_FAILED", No),
    (-4210, "STOP_PRICE_HIGHER_THAN_PRICE_MULTIPLIER_LIMIT", No),
    (-4211, "STOP_PRICE_LOWER_THAN_PRICE_MULTIPLIER_LIMIT", No),
    (-4400, "TRADING_QUANTITATIVE_RULE", Symbol),
    (-4401, "LARGE_POSITION_SYM_RULE", Symbol),
    (-4402, "COMPLIANCE_BLACK_SYMBOL_RESTRICTION", Symbol),
    (-4403, "ADJUST_LEVERAGE_COMPLIANCE_FAILED", No),
    (-4531, "POSITION_MODE_NEEDS_COIN_M", No),
    (-5021, "FOK_ORDER_REJECT", No),
    (-5022, "GTX_ORDER_REJECT", No),
    (-5024, "MOVE_ORDER_NOT_ALLOWED_SYMBOL_REASON", No),
    (-5025, "LIMIT_ORDER_ONLY", No),
    (-5026, "Exceed_Maximum_Modify_Order_Limit", No),
    (-5027, "SAME_ORDER", Perhaps),
    (-5028, "ME_RECVWINDOW_REJECT", Again),
    (-5029, "MODIFICATION_MIN_NOTIONAL", No),
    (-5037, "INVALID_PRICE_MATCH", No),
    (-5038, "UNSUPPORTED_ORDER_TYPE_PRICE_MATCH", No),
    (-5039, "INVALID_SELF_TRADE_PREVENTION_MODE", No),
    (-5040, "FUTURE_GOOD_TILL_DATE", No),
    (-5041, "BBO_ORDER_REJECT", No),
    (-5043, "Existing_Pending_Modification", No),
    (-5047, "ORIGINAL_IS_NOT_REDUCE_ONLY", No),
];

/// Answers with a status of 5xx, 403 and 408: the body, and what must come of an order.
const ANSWERS: &[(u16, &str, Word)] = &[
    // The four of the document.
    (503, r#"{"code":-1000,"msg":"Unknown error, please check your request or try again later."}"#, Perhaps),
    (503, r#"{"code":-1,"msg":"Unknown error, please check your request or try again later."}"#, Perhaps),
    (503, r#"{"code":-1,"msg":"Service Unavailable."}"#, Again),
    (503, r#"{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}"#, Again),
    (
        503,
        r#"{"code":-1008,"msg":"Request throttled by system-level protection. Reduce-only/close-position orders are exempt. Please try again."}"#,
        Again,
    ),
    // The text of before 2025-10 is not documented as a failure any more.
    (
        503,
        r#"{"code":-1008,"msg":"Server is currently overloaded with other requests. Please try again in a few minutes."}"#,
        Perhaps,
    ),
    // The same texts, not in the venue's form, or with a code that says that nobody knows.
    (503, "Service Unavailable.", Perhaps),
    (503, "<html><body>Service Unavailable.</body></html>", Perhaps),
    (503, r#"{"code":-1007,"msg":"Service Unavailable."}"#, Perhaps),
    (503, "", Perhaps),
    // Other statuses prove nothing, whatever they say.
    (500, r#"{"code":-1001,"msg":"Internal error; unable to process your request. Please try again."}"#, Perhaps),
    (502, "<html><h1>Bad Gateway</h1></html>", Perhaps),
    (
        504,
        r#"{"code":-1007,"msg":"Timeout waiting for response from backend server. Send status unknown; execution status unknown."}"#,
        Perhaps,
    ),
    (500, r#"{"code":-1000,"msg":"Request occur unknown error."}"#, Perhaps),
    (403, "<html>WAF</html>", Perhaps),
    (408, r#"{"code":-1007,"msg":"Timeout waiting for response from backend server."}"#, Perhaps),
    (200, "<html>captive portal</html>", Perhaps),
    // Limits are refusals only with their codes.
    (429, "<html>", Perhaps),
    (429, r#"{"code":-2019,"msg":"Margin is insufficient."}"#, Perhaps),
    (400, r#"{"239999":"The system is under maintenance, please try again later."}"#, Perhaps),
];

const ORDER: &str = "/fapi/v1/order";

/// The status that a code comes with.
const fn status_of(code: i64) -> u16 {
    match code {
        -2014 | -2015 => 401,
        -1003 | -1015 => 429,
        _ => 400,
    }
}

fn body(code: i64, name: &str) -> String {
    format!(r#"{{"code":{code},"msg":"{name}"}}"#)
}

async fn wired(mode: PositionMode) -> Wired {
    Wired::live(Wiring::new(mode, &["BTCUSDT"])).await
}

/// Asks for a limit order that rests far from the market.
async fn rests(wired: &Wired) -> IntentId {
    wired
        .with(|ctx| {
            let leg = if ctx.mode() == PositionMode::Netting { PositionSide::Net } else { PositionSide::Long };
            ctx.submit(Terms {
                instrument: instrument_id("BTCUSDT"),
                side: Side::Buy,
                leg,
                intention: Intention::Open,
                qty: Some(qty("0.010")),
                kind: OrderKind::Limit { price: LimitPrice::At(price("50000")), tif: TimeInForce::Gtc },
                stp: None,
            })
        })
        .await
}

/// What keeps new risk away, in the words of the report.
async fn shut(wired: &Wired) -> Vec<String> {
    wired
        .with(|ctx| {
            let account = ctx.shut().into_iter().map(|why| format!("{}: {why}", why.kind()));
            let instrument = ctx.may_open(&instrument_id("BTCUSDT")).err().map(|why| format!("btc: {why}"));
            account.chain(instrument).collect()
        })
        .await
}

async fn latched(wired: &Wired, cause: LatchCause) -> bool {
    wired.with(move |ctx| ctx.books().latches().contains_key(&cause)).await
}

async fn attempts(wired: &Wired, intent: IntentId) -> usize {
    wired.with(move |ctx| ctx.order(intent).map_or(0, |o| o.attempts().len())).await
}

fn was_in_doubt(wired: &Wired, intent: IntentId) -> bool {
    wired.hand.heard.lock().unwrap().doubts.iter().any(|doubt| doubt.intent == intent)
}

/// Answers an order so, before anything has happened or after it, and judges what comes of it. Says whether the node is as it was.
async fn order_is_answered(wired: &Wired, what: &str, happens: bool, status: u16, body: &str, word: Word) -> bool {
    wired.answers("POST", ORDER, happens, status, body, 1);
    let intent = rests(wired).await;
    let ends = match (word, happens) {
        (No | Auth | Symbol | Account | Liquidation | Limit, _) => OrdStatus::Rejected,
        (Again, _) => OrdStatus::New,
        // Nobody had it: past the moment from which on it cannot arrive any more it is proven dead.
        (Perhaps | Live, false) => OrdStatus::Presumed,
        // It stands at the venue: found, and cancelled because what may rest unknown is.
        (Perhaps | Live, true) => OrdStatus::Canceled,
    };
    let came = wired.until(intent, ends, 100_000).await;
    assert_eq!(came, Some(ends), "{what}: {word:?}, {:?}", wired.hand.heard.lock().unwrap().events.get(&intent));
    assert_eq!(was_in_doubt(wired, intent), matches!(word, Perhaps | Live), "{what}: in doubt");
    let tries = attempts(wired, intent).await;
    assert_eq!(tries, if word == Again { 2 } else { 1 }, "{what}: attempts");
    match word {
        No | Again | Perhaps | Limit => (),
        Auth => assert!(latched(wired, LatchCause::Auth).await, "{what}"),
        Live => assert!(latched(wired, LatchCause::AssumptionBroken).await, "{what}"),
        Liquidation => assert!(latched(wired, LatchCause::Liquidation).await, "{what}"),
        Symbol | Account => {
            let why = shut(wired).await;
            let kind = if word == Account { "restricted: " } else { "btc: " };
            assert!(why.iter().any(|why| why.starts_with(kind)), "{what}: {why:?}");
            assert_eq!(wired.alerted("venue_restricts"), 1, "{what}: told once");
        }
    }
    if word == Again {
        wired.with(move |ctx| ctx.cancel(intent)).await;
        assert_eq!(wired.until(intent, OrdStatus::Canceled, 20_000).await, Some(OrdStatus::Canceled), "{what}");
    }
    // After a 429 nothing but exits leaves in this minute.
    if status == 429 {
        return false;
    }
    // A mode that may have changed, or a clock that may be off, is read again.
    for _ in 0..200 {
        if shut(wired).await.is_empty() {
            return true;
        }
        if !matches!(word, No | Again | Perhaps | Limit) {
            return false;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{what}: {word:?} keeps the gate shut: {:?}", shut(wired).await);
}

#[tokio::test(start_paused = true)]
async fn every_documented_code_that_refuses_an_order_means_what_the_documents_say() {
    let mut node = wired(PositionMode::Netting).await;
    for &(code, name, word) in CODES {
        let what = format!("{code} {name}");
        if !order_is_answered(&node, &what, false, status_of(code), &body(code, name), word).await {
            node = wired(PositionMode::Netting).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_order_that_stands_in_spite_of_its_answer_is_found() {
    let mut node = wired(PositionMode::Hedging).await;
    for &(code, name, word) in CODES.iter().filter(|(_, _, word)| matches!(word, Perhaps | Live)) {
        let what = format!("{code} {name} after the effect");
        if !order_is_answered(&node, &what, true, status_of(code), &body(code, name), word).await {
            node = wired(PositionMode::Hedging).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn every_answer_beside_the_codes_means_what_the_documents_say() {
    for mode in [PositionMode::Netting, PositionMode::Hedging] {
        let mut node = wired(mode).await;
        for &(status, body, word) in ANSWERS {
            for happens in [false, true] {
                if happens && word != Perhaps {
                    continue;
                }
                let what = format!("{status} {body} after={happens}");
                if !order_is_answered(&node, &what, happens, status, body, word).await {
                    node = wired(mode).await;
                }
            }
        }
    }
}

/// What was said of each cancel of an order.
async fn cancels(wired: &Wired, intent: IntentId) -> Vec<RequestState> {
    wired
        .with(move |ctx| ctx.order(intent).map_or_else(Vec::new, |o| o.cancels().values().map(|c| c.state.clone()).collect()))
        .await
}

/// A cancel that is answered so settles nothing by itself: the order stays until the venue says that it is off the book.
async fn cancel_is_answered(wired: &Wired, what: &str, happens: bool, status: u16, body: &str, known: bool) {
    let intent = rests(wired).await;
    assert_eq!(wired.until(intent, OrdStatus::New, 5_000).await, Some(OrdStatus::New), "{what}: {:?}", shut(wired).await);
    wired.answers("DELETE", ORDER, happens, status, body, 1);
    wired.with(move |ctx| ctx.cancel(intent)).await;
    let came = wired.until(intent, OrdStatus::Canceled, 30_000).await;
    assert_eq!(came, Some(OrdStatus::Canceled), "{what}");
    let said = cancels(wired, intent).await;
    let first = matches!(said.first(), Some(RequestState::Refused(_)));
    assert_eq!(first, known, "{what}: {said:?}");
    assert!(said.len() > 1 || happens, "{what}: it was not repeated: {said:?}");
}

#[tokio::test(start_paused = true)]
async fn every_documented_code_that_refuses_a_cancel_leaves_the_order_until_it_is_off_the_book() {
    let mut node = wired(PositionMode::Netting).await;
    for &(code, name, word) in CODES {
        // Of a cancel the codes of the key are certain, and so are those that say that it is not on the book.
        let about_the_key = [-1002, -1004, -1005, -1011, -1099, -2017, -4056, -4057].contains(&code);
        let known = !matches!(word, Perhaps | Live) || about_the_key || [-2011, -2013].contains(&code);
        // Which endpoint takes an order's type says nothing about a cancel.
        let known = known && code != -4120;
        let what = format!("{code} {name}");
        cancel_is_answered(&node, &what, false, status_of(code), &body(code, name), known).await;
        if word == Limit {
            node = wired(PositionMode::Netting).await;
        }
        if !shut(&node).await.is_empty() {
            assert!(word == Auth || about_the_key || word == Again, "{what}: {:?}", shut(&node).await);
            if word != Again {
                assert!(latched(&node, LatchCause::Auth).await, "{what}");
            }
            node = wired(PositionMode::Netting).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_with_any_other_answer_is_repeated_until_the_order_is_off_the_book() {
    let mut node = wired(PositionMode::Hedging).await;
    for &(status, body, word) in ANSWERS {
        for happens in [false, true] {
            let known = word == Again;
            if happens && known {
                continue;
            }
            cancel_is_answered(&node, &format!("{status} {body} after={happens}"), happens, status, body, known).await;
            if status == 429 {
                node = wired(PositionMode::Hedging).await;
            }
        }
    }
}
