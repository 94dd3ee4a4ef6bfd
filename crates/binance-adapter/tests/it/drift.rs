//! What a venue may do to its payloads without telling: cut them, add fields, invent words. Nothing panics, nothing is lost
//! silently, and what fails says where.

use std::collections::BTreeMap;

use binance_adapter::{
    decode::{DecodeError, Decoder, decode},
    translate::{Symbols, Tally, report},
};
use exec_core::report::ReportBody;
use proptest::prelude::*;

use super::payloads;

fn facts(document: &str) -> serde_json::Value {
    serde_json::from_str(&decode(document).unwrap()).unwrap()
}

/// The places of a document outside of its strings, and the strings: where each begins and ends, quotes not counted.
fn parts(document: &str) -> (Vec<usize>, Vec<(usize, usize)>) {
    let (mut objects, mut strings, mut open, mut escaped) = (Vec::new(), Vec::new(), None, false);
    for (at, byte) in document.bytes().enumerate() {
        match (open, byte) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), b'\\') => escaped = true,
            (Some(begin), b'"') => {
                strings.push((begin, at));
                open = None;
            }
            (None, b'"') => open = Some(at + 1),
            (None, b'{') => objects.push(at + 1),
            _ => {}
        }
    }
    (objects, strings)
}

#[test]
fn every_payload_is_told_and_holds_nothing_unknown() {
    for (family, document) in payloads::all() {
        let told = decode(&document).unwrap_or_else(|error| panic!("{family}: {error}"));
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["unknown"], serde_json::json!([]), "{family}");
        assert!(told["kind"].as_str().is_some_and(|kind| kind != "irrelevant"), "{family}: {told}");
    }
}

#[test]
fn a_payload_cut_at_any_byte_says_so_and_says_where() {
    for (family, document) in payloads::all() {
        for end in (0..document.len()).filter(|end| document.is_char_boundary(*end)) {
            let cut = &document[..end];
            match decode(cut) {
                Err(DecodeError::Cut { after, .. }) => assert_eq!(after, end, "{family}: {cut}"),
                other => panic!("{family}: {cut}: {other:?}"),
            }
            assert!(
                matches!(report(&Symbols::default(), &Tally::default(), cut).body, ReportBody::Unreadable { .. }),
                "{family}"
            );
        }
    }
}

#[test]
fn the_place_of_a_cut_is_named_by_its_keys() {
    let fill = payloads::order_update("A-1", "TRADE", "FILLED", "0.014", "0.014", 1);
    let cut = &fill[..fill.find(r#","N":"#).unwrap() - 1];
    assert_eq!(
        decode(cut).unwrap_err().to_string(),
        format!("cut off after {} bytes, in `o.n`: EOF while parsing a string", cut.len())
    );
    let rows = payloads::reply("GET", "v1/userTrades", r#"[{"symbol":"A","id":1},{"symbol":"B","id":"#);
    let cut = rows.strip_suffix('}').unwrap();
    assert!(decode(cut).unwrap_err().to_string().contains("in `body[1].id`"), "{}", decode(cut).unwrap_err());
}

#[test]
fn what_is_missing_or_mistyped_is_named_with_its_place() {
    let broken = payloads::reply("GET", "v1/userTrades", r#"[{"symbol":"A","id":1},{"symbol":"B","id":"x"}]"#);
    let error = decode(&broken).unwrap_err().to_string();
    assert!(error.starts_with("unreadable at byte ") && error.contains("body[0]") && error.contains("missing field"), "{error}");
    let error = decode("{\"e\":\"TRADE_LITE\",\n\"E\":1,\"T\":1,\n\"s\":5}").unwrap_err().to_string();
    assert!(error.starts_with("unreadable at line 3, byte ") && error.contains("in `s`"), "{error}");
    // A body in quotes is no part of the document: its place is counted from its own beginning.
    let error = decode(r#"{"path":"/fapi/v1/order","body":"{\"orderId\":\"x\"}"}"#).unwrap_err().to_string();
    assert!(error.contains("in `orderId`"), "{error}");
}

#[test]
fn a_new_field_in_any_object_never_fails_and_is_counted_once_by_its_path() {
    for (family, document) in payloads::all() {
        for at in parts(&document).0 {
            let comma = if document[at..].starts_with('}') { "" } else { "," };
            for value in ["1", r#"{"deep":[null,"x"]}"#, "null"] {
                let grown = format!(r#"{}"zz":{value}{comma}{}"#, &document[..at], &document[at..]);
                let decoder = Decoder::default();
                let told = decoder.decode(&grown).unwrap_or_else(|error| panic!("{family}: {grown}: {error}"));
                let told: serde_json::Value = serde_json::from_str(&told).unwrap();
                let unknown = told["unknown"].as_array().unwrap();
                assert_eq!(unknown.len(), 1, "{family}: {grown}");
                assert!(unknown[0].as_str().unwrap().ends_with("zz"), "{family}: {unknown:?}");
                let drift: Vec<_> = decoder.drift().into_iter().collect();
                assert!(matches!(&drift[..], [(path, 1)] if path.ends_with(".zz")), "{family}: {drift:?}");
            }
        }
    }
}

#[test]
fn a_new_word_in_any_place_never_vanishes() {
    // These are documented, and nothing of ours depends on them.
    const SKIPPED: &[&str] = &[
        "pair",
        "marginAsset",
        "ma",
        "accountAlias",
        "underlyingType",
        "orderTypes",
        "timezone",
        "algoType",
        "newOrderRespType",
        "apiKey",
        "signature",
        "isAutoAddMargin",
    ];
    for (family, document) in payloads::all() {
        let strings = parts(&document).1;
        for (at, (begin, end)) in strings.iter().enumerate() {
            let word = &document[*begin..*end];
            let is_value = !document[*end..].starts_with("\":");
            let is_word = word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
            let key = &document[strings[at.saturating_sub(1)].0..strings[at.saturating_sub(1)].1];
            // A refusal is judged whatever was asked; an instrument is read for what an order needs.
            let is_judged = family == "refusal" && key == "method";
            if !is_value || !is_word || is_judged || SKIPPED.contains(&key) || family == "exchange info" {
                continue;
            }
            let changed = format!("{}ZZ_NEW{}", &document[..*begin], &document[*end..]);
            let told = match decode(&changed) {
                Ok(told) => told,
                // Without a side an order says nothing, without a leg a position; an endpoint or an event of another name is
                // another payload.
                Err(error @ (DecodeError::Translate(_) | DecodeError::NoDecoder(_))) => error.to_string(),
                Err(error) => panic!("{family}: {key}: {error}"),
            };
            assert!(told.contains("ZZ_NEW"), "{family}: {key}: {told}");
        }
    }
}

#[test]
fn drift_is_counted_by_event_and_endpoint_over_many_documents() {
    let decoder = Decoder::default();
    let fill = payloads::order_update("A-1", "TRADE", "FILLED", "0.014", "0.014", 1);
    for _ in 0..3 {
        decoder.decode(&fill.replace(r#""X":"FILLED""#, r#""X":"PARKED","zz":1"#)).unwrap();
    }
    decoder.decode(&payloads::reply("GET", "v1/time?x=1", r#"{"serverTime":1,"zone":"UTC"}"#)).unwrap();
    decoder.decode(&payloads::account_update("MOON")).unwrap();
    decoder.decode(r#"{"id":1,"status":200,"result":{"feeBurn":true,"zz":1}}"#).unwrap();
    assert!(decoder.decode("{").is_err());
    let expected = [
        ("ACCOUNT_UPDATE.a.m=MOON", 1),
        ("GET /fapi/v1/time.zone", 1),
        ("ORDER_TRADE_UPDATE.o.X=PARKED", 3),
        ("ORDER_TRADE_UPDATE.o.zz", 3),
        ("fee burn.zz", 1),
    ];
    let expected: BTreeMap<_, _> = expected.into_iter().map(|(path, count)| (path.to_owned(), count)).collect();
    assert_eq!(decoder.drift(), expected);
}

#[test]
fn a_word_of_another_form_takes_no_fill_with_it() {
    let fill = payloads::order_update("A-1", "TRADE", "FILLED", "0.014", "0.014", 77);
    for (from, to) in [
        (r#""V":"EXPIRE_MAKER""#, r#""V":3"#),
        (r#""pm":"NONE""#, r#""pm":{"level":5}"#),
        (r#""X":"FILLED""#, r#""X":null"#),
        (r#""x":"TRADE""#, r#""x":["TRADE"]"#),
        (r#""f":"IOC""#, r#""f":false"#),
        (r#""gtd":0"#, r#""gtd":0.5"#),
        (r#""er":"0""#, r#""er":12345678901234567890"#),
    ] {
        let told = facts(&fill.replace(from, to));
        assert_eq!((&told["trade_id"], &told["last_qty"]), (&"77".into(), &"0.014".into()), "{to}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn damaged_payloads_never_panic(
        which in any::<prop::sample::Index>(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..4, any::<prop::sample::Index>()), 1..6),
    ) {
        let all = payloads::all();
        let mut letters: Vec<char> = all[which.index(all.len())].1.chars().collect();
        for (at, what, from) in damages {
            if letters.is_empty() {
                break;
            }
            // Letters of the document itself stay close to its grammar.
            let (at, letter) = (at.index(letters.len()), letters[from.index(letters.len())]);
            match what {
                0 => letters[at] = letter,
                1 => letters.insert(at, letter),
                2 => drop(letters.remove(at)),
                _ => letters.truncate(at),
            }
        }
        let text: String = letters.into_iter().collect();
        match decode(&text) {
            Ok(told) => prop_assert!(serde_json::from_str::<serde_json::Value>(&told).is_ok()),
            Err(DecodeError::Cut { after, .. }) => prop_assert!(after <= text.len()),
            Err(DecodeError::Unreadable { line, column, .. }) => prop_assert!(line >= 1 && column <= text.len()),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        let _ = report(&Symbols::default(), &Tally::default(), &text);
    }
}
