//! A faster reader for the one event that decides how fast fills are seen: `ORDER_TRADE_UPDATE` as the live wire writes it, in
//! one pass and without allocation. It reads only what it is sure of: whatever is written differently (blanks, escapes, a key
//! or a number of another form) is left to serde, which is also its oracle in the tests.

use std::marker::PhantomData;

use super::{
    Dec, ExecutionType, Lenient, OrderStatus, OrderTradeUpdate, OrderType, OrderUpdateBody, PositionSide, PriceMatch, Side,
    StpMode, Text, TimeInForce, Unknown, WorkingType, parse_decimal,
};

/// Reads the event, or gives up.
pub(crate) fn order_trade_update(text: &str) -> Option<OrderTradeUpdate<'_>> {
    let mut scan = Scan { text, at: 0 };
    let (mut event_time, mut transaction_time, mut order) = (None, None, None);
    scan.byte(b'{')?;
    loop {
        match scan.key()? {
            "e" => {
                scan.scalar()?;
            }
            "E" => once(&mut event_time, scan.scalar()?.int()?)?,
            "T" => once(&mut transaction_time, scan.scalar()?.int()?)?,
            "o" => once(&mut order, body(&mut scan)?)?,
            _ => return None,
        }
        if scan.is_last()? {
            break;
        }
    }
    // Nothing may follow: a second document behind the first is no document.
    (scan.at == text.len()).then_some(())?;
    Some(OrderTradeUpdate {
        event_time: event_time?,
        transaction_time: transaction_time?,
        order: order?,
        unknown: Unknown::default(),
        borrows: PhantomData,
    })
}

fn body<'a>(scan: &mut Scan<'a>) -> Option<OrderUpdateBody<'a>> {
    let (mut symbol, mut client_order_id, mut side, mut order_type, mut time_in_force) = (None, None, None, None, None);
    let (mut qty, mut price, mut avg_price, mut stop_price) = (None, None, None, None);
    let (mut execution, mut status, mut order_id) = (None, None, None);
    let (mut last_qty, mut cum_qty, mut last_price) = (None, None, None);
    let (mut fee, mut fee_asset, mut trade_time, mut trade_id) = (None, None, None, None);
    let (mut maker, mut reduce_only, mut close_position, mut price_protect) = (None, None, None, None);
    let (mut working_type, mut orig_type, mut position_side) = (None, None, None);
    let (mut realized_pnl, mut good_till_date, mut expiry_reason, mut modify_id) = (None, None, None, None);
    let (mut activate_price, mut price_rate, mut stp_mode, mut price_match) = (None, None, None, None);
    scan.byte(b'{')?;
    loop {
        let key = scan.key()?;
        let value = scan.scalar()?;
        match key {
            "s" => once(&mut symbol, value.text()?)?,
            "c" => once(&mut client_order_id, value.text()?)?,
            "S" => once(&mut side, Side::from(value.text()?))?,
            "o" => once(&mut order_type, OrderType::from(value.text()?))?,
            "f" => once(&mut time_in_force, TimeInForce::from(value.text()?))?,
            "q" => once(&mut qty, value.decimal()?)?,
            "p" => once(&mut price, value.decimal()?)?,
            "ap" => once(&mut avg_price, value.decimal()?)?,
            "sp" => once(&mut stop_price, value.decimal()?)?,
            "x" => once(&mut execution, ExecutionType::from(value.text()?))?,
            "X" => once(&mut status, OrderStatus::from(value.text()?))?,
            "i" => once(&mut order_id, value.id()?)?,
            "l" => once(&mut last_qty, value.decimal()?)?,
            "z" => once(&mut cum_qty, value.decimal()?)?,
            "L" => once(&mut last_price, value.decimal()?)?,
            "n" => once(&mut fee, value.decimal()?)?,
            "N" => once(&mut fee_asset, value.text()?)?,
            "T" => once(&mut trade_time, value.int()?)?,
            "t" => once(&mut trade_id, value.id()?)?,
            "m" => once(&mut maker, value.flag()?)?,
            "R" => once(&mut reduce_only, value.flag()?)?,
            "wt" => once(&mut working_type, WorkingType::from(value.text()?))?,
            "ot" => once(&mut orig_type, OrderType::from(value.text()?))?,
            "ps" => once(&mut position_side, PositionSide::from(value.text()?))?,
            "cp" => once(&mut close_position, value.flag()?)?,
            "rp" => once(&mut realized_pnl, value.decimal()?)?,
            "pP" => once(&mut price_protect, value.flag()?)?,
            "gtd" => once(&mut good_till_date, value.lenient()?)?,
            "er" => once(&mut expiry_reason, value.lenient()?)?,
            "M" => once(&mut modify_id, value.lenient()?)?,
            "AP" => once(&mut activate_price, value.lenient()?)?,
            "cr" => once(&mut price_rate, value.lenient()?)?,
            "V" => once(&mut stp_mode, StpMode::from(value.text()?))?,
            "pm" => once(&mut price_match, PriceMatch::from(value.text()?))?,
            // Documented and not needed, as in the list of fields.
            "b" | "a" | "si" | "ss" | "ma" => {}
            _ => return None,
        }
        if scan.is_last()? {
            break;
        }
    }
    Some(OrderUpdateBody {
        symbol: symbol?,
        client_order_id: client_order_id?,
        side: side?,
        order_type: order_type?,
        time_in_force: time_in_force?,
        qty: qty?,
        price: price?,
        avg_price: avg_price?,
        execution: execution?,
        status: status?,
        order_id: order_id?,
        last_qty: last_qty?,
        cum_qty: cum_qty?,
        last_price: last_price?,
        trade_time: trade_time?,
        trade_id: trade_id?,
        maker: maker?,
        position_side: position_side?,
        stop_price,
        fee_asset,
        fee,
        reduce_only,
        close_position,
        realized_pnl,
        good_till_date,
        modify_id,
        expiry_reason,
        orig_type,
        working_type,
        price_protect,
        activate_price,
        price_rate,
        stp_mode,
        price_match,
        unknown: Unknown::default(),
        borrows: PhantomData,
    })
}

/// A key that comes twice is left to serde, which refuses it.
fn once<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

/// A value of the flat kind.
enum Scalar<'a> {
    Text(&'a str),
    Int(i64),
    Flag(bool),
}

impl<'a> Scalar<'a> {
    fn text(self) -> Option<Text<'a>> {
        match self {
            Self::Text(text) => Some(Text::from(text)),
            Self::Int(_) | Self::Flag(_) => None,
        }
    }

    fn decimal(self) -> Option<Dec> {
        match self {
            Self::Text(text) => parse_decimal(text).map(Dec),
            Self::Int(_) | Self::Flag(_) => None,
        }
    }

    fn int(self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(value),
            Self::Text(_) | Self::Flag(_) => None,
        }
    }

    fn id(self) -> Option<u64> {
        u64::try_from(self.int()?).ok()
    }

    fn flag(self) -> Option<bool> {
        match self {
            Self::Flag(value) => Some(value),
            Self::Text(_) | Self::Int(_) => None,
        }
    }

    fn lenient(self) -> Option<Lenient<'a>> {
        match self {
            Self::Text(text) => Some(Lenient::Text(Text::from(text))),
            Self::Int(value) => Some(Lenient::Number(value)),
            Self::Flag(_) => None,
        }
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn byte(&mut self, byte: u8) -> Option<()> {
        (self.rest().first() == Some(&byte)).then(|| self.at += 1)
    }

    /// A key and its colon.
    fn key(&mut self) -> Option<&'a str> {
        let key = self.string()?;
        self.byte(b':')?;
        Some(key)
    }

    /// What follows a value: the end of its object, or a comma.
    fn is_last(&mut self) -> Option<bool> {
        let next = *self.rest().first()?;
        self.at += 1;
        match next {
            b'}' => Some(true),
            b',' => Some(false),
            _ => None,
        }
    }

    /// A string without escapes and control characters.
    fn string(&mut self) -> Option<&'a str> {
        self.byte(b'"')?;
        let start = self.at;
        let length = self.rest().iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < b' ')?;
        self.at = start + length;
        self.byte(b'"')?;
        self.text.get(start..start + length)
    }

    fn scalar(&mut self) -> Option<Scalar<'a>> {
        match self.rest().first()? {
            b'"' => self.string().map(Scalar::Text),
            b't' => self.word(b"true").map(|()| Scalar::Flag(true)),
            b'f' => self.word(b"false").map(|()| Scalar::Flag(false)),
            b'1'..=b'9' => self.int().map(Scalar::Int),
            // A zero stands alone: no number begins with it.
            b'0' => {
                self.at += 1;
                (!self.rest().first()?.is_ascii_digit()).then_some(Scalar::Int(0))
            }
            _ => None,
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        self.rest().starts_with(word).then(|| self.at += word.len())
    }

    /// Digits of a positive integer; a fraction or an exponent behind them is no end of a value, and so gives up.
    fn int(&mut self) -> Option<i64> {
        let mut value = 0_i64;
        for &byte in self.rest() {
            if !byte.is_ascii_digit() {
                return Some(value);
            }
            value = value.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
            self.at += 1;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILL: &str = r#"{"e":"ORDER_TRADE_UPDATE","T":1789837689736,"E":1789837689737,"o":{"s":"币安人生USDT","c":"6e8f","S":"BUY","o":"MARKET","f":"GTC","q":"4.9","p":"0","ap":"1.1359","sp":"0","x":"TRADE","X":"FILLED","i":33878894217,"l":"4.9","z":"4.9","L":"1.1359","n":"0.00000325","N":"BNB","T":1789837689736,"t":1190331610,"b":"0","a":"0","m":false,"R":true,"wt":"CONTRACT_PRICE","ot":"MARKET","ps":"BOTH","cp":false,"rp":"-0.10","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0,"er":"0"}}"#;
    const AMENDED: &str = r#"{"e":"ORDER_TRADE_UPDATE","E":2,"T":1,"o":{"s":"BTCUSDT","c":"a","S":"SELL","o":"TRAILING_STOP_MARKET","f":"GTD","q":"1","p":"0.10","ap":"0","sp":"7103.04","x":"AMENDMENT","X":"PARKED","i":1,"l":"0","z":"0","L":"0","T":1,"t":0,"m":true,"ps":"LONG","AP":"7476.89","cr":"5.0","gtd":1790000000000,"er":"0","M":"42","ma":"BTC"}}"#;

    fn by_serde(text: &str) -> Result<OrderTradeUpdate<'_>, serde_json::Error> {
        crate::wire::read(text)
    }

    #[test]
    fn it_reads_the_live_form_as_serde_does() {
        for text in [FILL, AMENDED] {
            assert_eq!(order_trade_update(text), by_serde(text).ok());
            assert!(order_trade_update(text).is_some());
        }
    }

    #[test]
    fn it_gives_up_on_every_truncation_and_on_what_follows() {
        for end in (0..FILL.len()).filter(|end| FILL.is_char_boundary(*end)) {
            assert_eq!(order_trade_update(&FILL[..end]), None);
        }
        assert_eq!(order_trade_update(&format!("{FILL} ")), None);
        assert_eq!(order_trade_update(&format!("{FILL}}}")), None);
    }

    #[test]
    fn it_leaves_every_other_form_to_serde() {
        for (from, to) in [
            ("\"l\":\"4.9\"", "\"l\": \"4.9\""),
            ("\"6e8f\"", "\"6e\\u0038f\""),
            ("\"i\":33878894217", "\"i\":3.5"),
            ("\"i\":33878894217", "\"i\":1e3"),
            ("\"i\":33878894217", "\"i\":-1"),
            ("\"i\":33878894217", "\"i\":012"),
            ("\"i\":33878894217", "\"i\":99999999999999999999"),
            ("\"n\":\"0.00000325\"", "\"n\":null"),
            ("\"er\":\"0\"", "\"er\":\"0\",\"new\":1"),
            ("\"er\":\"0\"", "\"er\":\"0\",\"er\":\"0\""),
            ("\"q\":\"4.9\"", "\"q\":4.9"),
            ("\"q\":\"4.9\"", "\"q\":\"1e5\""),
            ("\"pm\":\"NONE\"", "\"pm\":{}"),
        ] {
            let text = FILL.replacen(from, to, 1);
            assert_ne!(text, FILL);
            assert_eq!(order_trade_update(&text), None, "{to}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn what_it_reads_serde_reads_alike(
            amended in any::<bool>(),
            damages in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..3, any::<prop::sample::Index>()), 1..4),
        ) {
            let mut letters: Vec<char> = if amended { AMENDED } else { FILL }.chars().collect();
            for (at, what, from) in damages {
                let at = at.index(letters.len());
                // Letters of the document itself stay close to its grammar.
                let letter = letters[from.index(letters.len())];
                match what {
                    0 => letters[at] = letter,
                    1 => letters.insert(at, letter),
                    _ => drop(letters.remove(at)),
                }
            }
            let text: String = letters.into_iter().collect();
            if let Some(read) = order_trade_update(&text) {
                prop_assert_eq!(Some(read), by_serde(&text).ok());
            }
        }

        #[test]
        fn numbers_and_texts_are_read_as_serde_reads_them(
            id in any::<u32>(), qty in 0_i64..1_000_000_000, scale in 0_u32..10, client in "[A-Za-z0-9_.:/-]{0,36}", maker in any::<bool>(),
        ) {
            let qty = rust_decimal::Decimal::new(qty, scale);
            let text = FILL
                .replacen("33878894217", &id.to_string(), 1)
                .replacen("\"l\":\"4.9\"", &format!("\"l\":\"{qty}\""), 1)
                .replacen("6e8f", &client, 1)
                .replacen("\"m\":false", &format!("\"m\":{maker}"), 1);
            prop_assert!(order_trade_update(&text).is_some());
            prop_assert_eq!(order_trade_update(&text), by_serde(&text).ok());
        }
    }
}
