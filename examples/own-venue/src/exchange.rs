//! The paper exchange: one thing at one price, against the house. Its own rules and words, no sockets; it knows nothing of any client.
//!
//! Orders come with the moment until which they may be taken in (`by`). They are acknowledged before they are matched, trades come in two
//! pieces where they can, lists come in pages of three, and there are neither changes, conditional orders nor two legs.

use crate::wire::Line;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Rows of a page of trades.
const PAGE: usize = 3;

struct Order {
    number: u64,
    id: String,
    buy: bool,
    qty: Decimal,
    done: Decimal,
    price: Option<Decimal>,
    tif: String,
    reduce: bool,
    state: &'static str,
    made: i64,
    changed: i64,
}

impl Order {
    fn line(&self, word: &str) -> Line {
        let line = Line::new(word).with("no", format_args!("P{}", self.number)).with("id", &self.id);
        let line = line.with("side", if self.buy { "B" } else { "S" }).with("of", self.qty).with("done", self.done);
        let line = line.with("tif", &self.tif).with("state", self.state).with("made", self.made).with("at", self.changed);
        let line = if self.reduce { line.with("reduce", 1) } else { line };
        match self.price {
            Some(price) => line.with("limit", price),
            None => line,
        }
    }
}

/// One account at the paper exchange.
pub(crate) struct Exchange {
    symbol: String,
    price: Decimal,
    orders: BTreeMap<u64, Order>,
    trades: Vec<(i64, Line)>,
    held: Decimal,
    entry: Decimal,
    cash: Decimal,
    /// When the position and the cash changed last.
    changed: i64,
    /// What listeners have not been told yet.
    pub(crate) news: Vec<Line>,
}

fn no(why: &str) -> Vec<Line> {
    vec![Line::new("NO").with("why", why), Line::new("END")]
}

impl Exchange {
    pub(crate) fn new(symbol: &str, price: Decimal) -> Self {
        let (held, entry, cash) = (Decimal::ZERO, Decimal::ZERO, Decimal::from(1_000_000));
        Self {
            symbol: symbol.to_owned(),
            price,
            orders: BTreeMap::new(),
            trades: Vec::new(),
            held,
            entry,
            cash,
            changed: 0,
            news: Vec::new(),
        }
    }

    /// Answers one line. The last line of an answer is `END`, or `MORE` where there is another page.
    pub(crate) fn answer(&mut self, now: i64, ask: &Line) -> Vec<Line> {
        let mut answer = match ask.word() {
            "LIST" => {
                let thing = Line::new("THING").with("sym", &self.symbol).with("tick", "0.01").with("lot", 1).with("ccy", "CASH");
                vec![thing]
            }
            "TIME" => vec![Line::new("TIME").with("at", now)],
            "PRICE" => vec![self.priced()],
            "HOLD" => vec![self.hold()],
            "ALL" => {
                let last = self.trades.last().and_then(|(_, trade)| trade.text("trade")).unwrap_or_default();
                let (cash, last) = (self.wallet(), Line::new("LAST").with("trade", last).with("at", now));
                self.open().map(|order| order.line("ORDER")).chain([self.hold(), cash, last]).collect()
            }
            "WHERE" => self.named(ask).map(|number| self.orders[&number].line("ORDER")).into_iter().collect(),
            "FILLS" => return self.page(ask),
            "NEW" => return self.place(now, ask),
            "KILL" => match self.named(ask).filter(|number| self.orders[number].state == "OPEN") {
                Some(number) => vec![self.kill(now, number)],
                None => return no("GONE"),
            },
            "KILLALL" => {
                let open: Vec<u64> = self.open().map(|order| order.number).collect();
                open.into_iter().map(|number| self.kill(now, number)).collect()
            }
            _ => return no("WHAT"),
        };
        answer.push(Line::new("END"));
        answer
    }

    /// The price goes there; orders that rest on the way are filled at their own.
    pub(crate) fn go(&mut self, now: i64, price: Decimal) {
        self.price = price;
        self.news.push(self.priced());
        let reached = |order: &&Order| order.price.is_some_and(|limit| if order.buy { price <= limit } else { price >= limit });
        let reached: Vec<u64> = self.open().filter(reached).map(|order| order.number).collect();
        for number in reached {
            let limit = self.orders[&number].price.unwrap_or(price);
            self.execute(now, number, limit, true);
        }
    }

    pub(crate) fn priced(&self) -> Line {
        Line::new("PRICE").with("sym", &self.symbol).with("px", self.price)
    }
    fn hold(&self) -> Line {
        Line::new("HOLD").with("sym", &self.symbol).with("qty", self.held).with("avg", self.entry).with("at", self.changed)
    }
    fn wallet(&self) -> Line {
        Line::new("CASH").with("ccy", "CASH").with("sum", self.cash).with("at", self.changed)
    }
    fn open(&self) -> impl Iterator<Item = &Order> {
        self.orders.values().filter(|order| order.state == "OPEN")
    }
    fn named(&self, ask: &Line) -> Option<u64> {
        let by_number = ask.text("no").and_then(|no| no.strip_prefix('P')?.parse().ok());
        let is = |order: &&Order| by_number == Some(order.number) || ask.text("id") == Some(order.id.as_str());
        self.orders.values().find(is).map(|order| order.number)
    }

    fn place(&mut self, now: i64, ask: &Line) -> Vec<Line> {
        let (Some(id), Some(side), Some(qty), Some(by)) =
            (ask.text("id"), ask.text("side"), ask.read::<Decimal>("qty"), ask.read::<i64>("by"))
        else {
            return no("WHAT");
        };
        let (buy, price) = (side == "B", ask.read::<Decimal>("limit"));
        let reduce = ask.text("reduce").is_some();
        let takes = price.is_none_or(|limit| if buy { self.price <= limit } else { self.price >= limit });
        let closes = if buy { self.held < Decimal::ZERO } else { self.held > Decimal::ZERO };
        let tif = ask.text("tif").unwrap_or("DAY");
        let refusal = if ask.text("sym") != Some(&self.symbol) {
            Some("SYMBOL")
        } else if now > by {
            Some("LATE")
        } else if self.orders.values().any(|order| order.id == id) {
            Some("TWICE")
        } else if qty <= Decimal::ZERO || !qty.fract().is_zero() || price.is_some_and(|p| p.round_dp(2) != p) {
            Some("GRID")
        } else if tif == "POST" && takes {
            Some("CROSS")
        } else if reduce && (!closes || qty > self.held.abs()) {
            Some("FLAT")
        } else if qty * self.price > self.cash {
            Some("POOR")
        } else {
            None
        };
        if let Some(why) = refusal {
            return no(why);
        }
        let number = self.orders.len() as u64 + 1;
        let order = Order {
            number,
            id: id.to_owned(),
            buy,
            qty,
            done: Decimal::ZERO,
            price,
            tif: tif.to_owned(),
            reduce,
            state: "OPEN",
            made: now,
            changed: now,
        };
        let taken = order.line("ORDER");
        self.orders.insert(number, order);
        self.news.push(taken.clone());
        if takes {
            self.execute(now, number, self.price, false);
        } else if matches!(tif, "NOW" | "ALL-NOW") || price.is_none() {
            self.end(now, number, "LAPSED");
        }
        // Acknowledged as it was taken in; what became of it is told to listeners and to whoever asks.
        vec![taken, Line::new("END")]
    }

    fn execute(&mut self, now: i64, number: u64, price: Decimal, maker: bool) {
        let Some(order) = self.orders.get(&number) else { return };
        let first = (order.qty / Decimal::TWO).trunc();
        for piece in [first, order.qty - first] {
            if !piece.is_zero() {
                self.trade(now, number, piece, price, maker);
            }
        }
    }

    fn trade(&mut self, now: i64, number: u64, qty: Decimal, price: Decimal, maker: bool) {
        let trade = self.trades.len() + 1;
        let Some(order) = self.orders.get_mut(&number) else { return };
        let change = if order.buy { qty } else { -qty };
        (order.done, order.changed) = (order.done + qty, now);
        if order.done == order.qty {
            order.state = "DONE";
        }
        let opposite = !self.held.is_zero() && self.held.is_sign_negative() != change.is_sign_negative();
        let closed = if opposite { qty.min(self.held.abs()) } else { Decimal::ZERO };
        let profit = (price - self.entry) * if self.held.is_sign_negative() { -closed } else { closed };
        let after = self.held + change;
        self.entry = if after.is_zero() {
            Decimal::ZERO
        } else if !opposite {
            (self.entry * self.held.abs() + price * qty) / after.abs()
        } else if closed < qty {
            price
        } else {
            self.entry
        };
        let fee = qty * price * Decimal::new(1, 4);
        (self.held, self.cash, self.changed) = (after, self.cash + profit - fee, now);
        let line = order.line("FILL").with("sym", &self.symbol).with("trade", trade).with("qty", qty).with("px", price);
        let line = line.with("fee", fee).with("pnl", profit).with("maker", u8::from(maker)).with("at", now);
        self.trades.push((now, line.clone()));
        self.news.extend([line, self.hold(), self.wallet()]);
    }

    fn end(&mut self, now: i64, number: u64, state: &'static str) {
        if let Some(order) = self.orders.get_mut(&number) {
            (order.state, order.changed) = (state, now);
            self.news.push(order.line("ORDER"));
        }
    }

    fn kill(&mut self, now: i64, number: u64) -> Line {
        self.end(now, number, "KILLED");
        self.orders[&number].line("ORDER")
    }

    fn page(&self, ask: &Line) -> Vec<Line> {
        let (after, since) = (ask.read::<usize>("after").unwrap_or(0), ask.read::<i64>("since").unwrap_or(i64::MIN));
        let mut rows = self.trades.iter().skip(after).filter(|(at, _)| *at >= since).map(|(_, line)| line.clone());
        let mut page: Vec<Line> = rows.by_ref().take(PAGE).collect();
        page.push(Line::new(if rows.next().is_some() { "MORE" } else { "END" }));
        page
    }
}
