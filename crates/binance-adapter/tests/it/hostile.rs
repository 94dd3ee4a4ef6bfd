//! Bytes that no venue should send: nothing panics, and nothing is made up.

use binance_adapter::{
    decode::decode,
    fate::{Act, Fate, judge},
    translate::{Symbols, Tally, report},
};
use exec_core::report::ReportBody;
use proptest::prelude::*;

const DOCUMENTS: &[&str] = &[
    r#"{"e":"ORDER_TRADE_UPDATE","T":1789837689736,"E":1789837689736,"o":{"s":"币安人生USDT","c":"6e8f","S":"BUY","o":"MARKET","f":"GTC","q":"4.9","p":"0","ap":"1.1359","sp":"0","x":"TRADE","X":"FILLED","i":33878894217,"l":"4.9","z":"4.9","L":"1.1359","n":"0.00000325","N":"BNB","T":1789837689736,"t":1190331610,"b":"0","a":"0","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"MARKET","ps":"BOTH","cp":false,"rp":"0","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}"#,
    r#"{"e":"ACCOUNT_UPDATE","T":1,"E":2,"a":{"B":[{"a":"USDT","wb":"28.05","cw":"28.05","bc":"0"}],"P":[{"s":"DOTUSDT","pa":"-4.9","ep":"1.1359","cr":"-0.7","up":"0","mt":"isolated","iw":"0","ps":"SHORT","ma":"USDT","bep":"1.1"}],"m":"ORDER"}}"#,
    r#"{"e":"TRADE_LITE","E":1,"T":1,"s":"DOTUSDT","q":"4.9","p":"0.000000","m":false,"c":"x","S":"BUY","L":"1.135900","l":"4.9","t":1190331610,"i":33878894217}"#,
    r#"{"e":"ALGO_UPDATE","T":1,"E":2,"o":{"caid":"d0a8","aid":4000001910058351,"at":"CONDITIONAL","o":"TRAILING_STOP_MARKET","s":"DOTUSDT","S":"BUY","ps":"BOTH","f":"GTC","q":"4.9","X":"NEW","ai":"","tp":"1.1837","p":"0","V":"EXPIRE_MAKER","wt":"MARK_PRICE","pm":"NONE","cp":false,"pP":false,"R":false,"tt":0,"gtd":0,"AP":"1.2","cr":"0.5","ia":false}}"#,
    r#"{"method":"GET","path":"/fapi/v1/openOrders","status":200,"body":[{"orderId":1,"symbol":"BTCUSDT","status":"NEW","clientOrderId":"a","price":"1.0","origQty":"2","executedQty":"0","type":"LIMIT","side":"BUY","timeInForce":"GTD","goodTillDate":1790000000000,"updateTime":5}]}"#,
    r#"{"id":"3f7d","status":400,"error":{"code":-1102,"msg":"Mandatory parameter"},"rateLimits":[]}"#,
];

/// A document with a few of its characters replaced, doubled or taken away.
fn damaged() -> impl Strategy<Value = String> {
    let damage = (
        any::<prop::sample::Index>(),
        0_u8..4,
        prop::sample::select(vec!['"', '{', '}', '[', ',', ':', '0', '9', '-', '.', 'e', '\\', '\u{0}', '币']),
    );
    (prop::sample::select(DOCUMENTS.to_vec()), prop::collection::vec(damage, 1..6)).prop_map(|(document, damages)| {
        let mut letters: Vec<char> = document.chars().collect();
        for (at, what, letter) in damages {
            if letters.is_empty() {
                break;
            }
            let at = at.index(letters.len());
            match what {
                0 => letters[at] = letter,
                1 => letters.insert(at, letter),
                2 => drop(letters.remove(at)),
                _ => letters.truncate(at),
            }
        }
        letters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn damaged_documents_never_panic(text in damaged()) {
        let body = report(&Symbols::default(), &Tally::default(), &text).body;
        if let ReportBody::Unreadable { raw, .. } = &body {
            prop_assert_eq!(raw, &text);
        }
        let _ = decode(&text);
        for act in [Act::Place, Act::Cancel, Act::Replace, Act::Query, Act::Setup] {
            let _ = judge(act, 400, &text);
        }
    }

    #[test]
    fn any_text_is_no_verdict(text in ".{0,200}", status in 100_u16..600) {
        prop_assert_eq!(judge(Act::Place, status, &text), Fate::Unknown { code: None });
        prop_assert!(decode(&text).is_err());
    }
}

#[test]
fn depth_and_size_do_not_break_the_parser() {
    let deep = format!(r#"{{"e":"TRADE_LITE","zz":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    assert!(matches!(report(&Symbols::default(), &Tally::default(), &deep).body, ReportBody::Unreadable { .. }));
    let long = format!(r#"{{"e":"TRADE_LITE","q":"{}"}}"#, "9".repeat(1_000_000));
    assert!(decode(&long).is_err());
}
