//! The operator's door: what happens at an exchange that no client asks for, and the exchange's own books. Unsigned, JSON.
//!
//! `docs/simulator.md` describes it for people.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::config::Secret;
use super::faults::{Answer, Fault, FaultKind, RequestFault, RequestFilter, StreamFault, StreamFilter};
use super::hub::SessionId;
use super::json::{Obj, array, quoted};
use super::params::Params;
use super::routes::route;
use super::state::{Admitted, State, Via};
use crate::config::{AlgoConfig, Backstop, ForcedStyle, TriggeredTold};
use crate::exchange::Exchange;
use crate::types::{AccountId, Ms, PositionSide, SymbolStatus};

/// A body, or the reason why not.
type Opened = Result<String, String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Price {
    symbol: String,
    price: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Adl {
    key: String,
    symbol: String,
    position_side: Option<String>,
    quantity: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settle {
    symbol: String,
    #[serde(default)]
    delivery: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Liquidate {
    key: String,
    symbol: Option<String>,
    #[serde(default)]
    takes_ms: Ms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    key: String,
    public_key: String,
    account_of: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OldKey {
    key: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Forced {
    style: Option<String>,
    backstop: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Algo {
    child_delay_ms: Option<Ms>,
    told_delay_ms: Option<Ms>,
    told: Option<String>,
    finish_delay_ms: Option<Ms>,
    told_twice: Option<bool>,
    varied: Option<bool>,
    list_lag_ms: Option<Ms>,
    query_denies_live: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Funds {
    key: String,
    asset: String,
    amount: Decimal,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct As {
    key: String,
    method: String,
    path: String,
    #[serde(default)]
    params: serde_json::Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Status {
    symbol: String,
    status: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    on: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skew {
    skew_ms: Ms,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Streams {
    key: Option<String>,
    /// Market streams as well.
    #[serde(default)]
    all: bool,
    on: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Clear {
    id: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ask {
    kind: String,
    method: Option<String>,
    path: Option<String>,
    key: Option<String>,
    event: Option<String>,
    nth: Option<u64>,
    times: Option<u64>,
    ms: Option<u64>,
    status: Option<u16>,
    code: Option<i32>,
    msg: Option<String>,
    body: Option<String>,
}

fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, String> {
    let body = if body.trim().is_empty() { "{}" } else { body };
    serde_json::from_str(body).map_err(|error| error.to_string())
}

fn decimal(value: Decimal) -> String {
    super::json::trimmed(value)
}

impl State {
    /// Answers a request at `/sim/<path>`; gives status and body.
    pub(super) fn door(&mut self, method: &str, path: &str, query: &str, body: &str) -> (u16, String) {
        let now = self.tick();
        let opened = match (method, path) {
            ("GET", "state") => Ok(self.describe(now)),
            ("GET", "ledger") => self.books(&Params::parse(query, "")),
            ("GET", "faults") => Ok(self.faults.describe()),
            ("POST", "price") => self.door_price(now, body),
            ("POST", "funds") => self.door_funds(now, body),
            ("POST", "as") => return self.door_as(now, body),
            ("POST", "symbol") => self.door_symbol(now, body),
            ("POST", "flow") => read::<Switch>(body).map(|switch| {
                self.exchange.set_flow(now, switch.on);
                done()
            }),
            ("POST", "clock") => read::<Skew>(body).map(|skew| {
                self.clock.set_skew(skew.skew_ms);
                done()
            }),
            ("POST", "fault") => read::<Ask>(body).and_then(fault).map(|fault| {
                let id = self.faults.arm(fault);
                Obj::new().num("id", id).end()
            }),
            ("POST", "fault/clear") => read::<Clear>(body).map(|clear| {
                self.faults.clear(clear.id);
                done()
            }),
            ("POST", "cut") => self.sockets(body).map(|(ids, _)| {
                ids.iter().for_each(|&id| self.hub.cut(id));
                Obj::new().num("sockets", ids.len()).end()
            }),
            ("POST", "silence") => self.sockets(body).map(|(ids, on)| {
                ids.iter().for_each(|&id| self.hub.silence(id, on));
                Obj::new().num("sockets", ids.len()).end()
            }),
            ("POST", "adl") => self.door_adl(now, body),
            ("POST", "settle") => self.door_settle(now, body),
            ("POST", "liquidate") => self.door_liquidate(now, body),
            ("POST", "forced") => self.door_forced(body),
            ("POST", "key") => self.door_key(body),
            ("POST", "key/revoke") => self.door_revoke(body),
            ("POST", "algo") => self.door_algo(body),
            ("POST", "legacy") => read::<Switch>(body).map(|switch| {
                self.hub.set_legacy_private(switch.on);
                done()
            }),
            ("POST", "listenkey/expire") => self.door_expire(now, body),
            _ => return (404, Obj::new().text("error", "no such door").end()),
        };
        self.deliver();
        self.listeners_changed();
        match opened {
            Ok(body) => (200, body),
            Err(reason) => (400, Obj::new().text("error", &reason).end()),
        }
    }

    fn owner(&self, key: &str) -> Result<AccountId, String> {
        self.keys.get(key).map(|credential| credential.account).ok_or_else(|| format!("no account has the key {key}"))
    }

    fn door_price(&mut self, now: Ms, body: &str) -> Opened {
        let ask: Price = read(body)?;
        self.exchange.move_price(now, &ask.symbol, ask.price).map_err(|error| error.to_string())?;
        Ok(done())
    }

    fn door_funds(&mut self, now: Ms, body: &str) -> Opened {
        let ask: Funds = read(body)?;
        let account = self.owner(&ask.key)?;
        self.exchange.add_funds(now, account, &ask.asset, ask.amount).map_err(|error| error.to_string())?;
        Ok(done())
    }

    fn door_adl(&mut self, now: Ms, body: &str) -> Opened {
        let ask: Adl = read(body)?;
        let account = self.owner(&ask.key)?;
        let leg = ask.position_side.as_deref().map_or(Some(PositionSide::Both), PositionSide::parse);
        let leg = leg.ok_or_else(|| "position_side is BOTH, LONG or SHORT".to_owned())?;
        self.exchange.deleverage(now, account, &ask.symbol, leg, ask.quantity).map_err(|error| error.to_string())?;
        Ok(done())
    }

    fn door_settle(&mut self, now: Ms, body: &str) -> Opened {
        let ask: Settle = read(body)?;
        let end = if ask.delivery { Exchange::deliver_symbol } else { Exchange::settle_symbol };
        end(&mut self.exchange, now, &ask.symbol).map_err(|error| error.to_string())?;
        Ok(done())
    }

    fn door_liquidate(&mut self, now: Ms, body: &str) -> Opened {
        let ask: Liquidate = read(body)?;
        let account = self.owner(&ask.key)?;
        let symbol = ask.symbol.as_deref();
        let legs = self.exchange.liquidate_within(now, account, symbol, ask.takes_ms).map_err(|error| error.to_string())?;
        Ok(Obj::new().num("legs", legs).end())
    }

    fn door_key(&mut self, body: &str) -> Opened {
        let ask: NewKey = read(body)?;
        let account = self.owner(&ask.account_of)?;
        self.add_key(&ask.key, &Secret::Ed25519(ask.public_key), account).map_err(|error| error.to_string())?;
        Ok(done())
    }

    fn door_revoke(&mut self, body: &str) -> Opened {
        let ask: OldKey = read(body)?;
        self.owner(&ask.key)?;
        self.keys.remove(&ask.key);
        Ok(done())
    }

    /// Changes what is named of the ways of orders of the exchange; the rest stays.
    fn door_forced(&mut self, body: &str) -> Opened {
        let ask: Forced = read(body)?;
        let style = match ask.style.as_deref() {
            None => None,
            Some("plain") => Some(ForcedStyle::Plain),
            Some("unannounced") => Some(ForcedStyle::Unannounced),
            Some("legacy") => Some(ForcedStyle::Legacy),
            Some(other) => return Err(format!("style is plain, unannounced or legacy, not {other}")),
        };
        let backstop = match ask.backstop.as_deref() {
            None => None,
            Some("fund") => Some(Backstop::Fund),
            Some("deleverage") => Some(Backstop::Deleverage),
            Some(other) => return Err(format!("backstop is fund or deleverage, not {other}")),
        };
        style.into_iter().for_each(|style| self.exchange.set_forced_style(style));
        backstop.into_iter().for_each(|backstop| self.exchange.set_backstop(backstop));
        Ok(done())
    }

    /// Changes what is named of the Algo Service's ways; the rest stays.
    fn door_algo(&mut self, body: &str) -> Opened {
        let ask: Algo = read(body)?;
        let before = self.exchange.config().algo;
        let told = match ask.told.as_deref() {
            None => before.told,
            Some("first") => TriggeredTold::First,
            Some("between") => TriggeredTold::Between,
            Some("last") => TriggeredTold::Last,
            Some(other) => return Err(format!("told is first, between or last, not {other}")),
        };
        self.exchange.set_algo_config(AlgoConfig {
            child_delay_ms: ask.child_delay_ms.unwrap_or(before.child_delay_ms),
            told_delay_ms: ask.told_delay_ms.unwrap_or(before.told_delay_ms),
            told,
            finish_delay_ms: ask.finish_delay_ms.unwrap_or(before.finish_delay_ms),
            told_twice: ask.told_twice.unwrap_or(before.told_twice),
            varied: ask.varied.unwrap_or(before.varied),
            list_lag_ms: ask.list_lag_ms.unwrap_or(before.list_lag_ms),
            query_denies_live: ask.query_denies_live.unwrap_or(before.query_denies_live),
            max_open: before.max_open,
        });
        Ok(done())
    }

    fn door_symbol(&mut self, now: Ms, body: &str) -> Opened {
        let ask: Status = read(body)?;
        let status = SymbolStatus::parse(&ask.status).ok_or_else(|| format!("no status {}", ask.status))?;
        self.exchange.set_symbol_status(now, &ask.symbol, status).map_err(|error| error.to_string())?;
        Ok(done())
    }

    /// Does what the account's owner does by hand: any endpoint, without key, time and signature.
    fn door_as(&mut self, now: Ms, body: &str) -> (u16, String) {
        let refuse = |reason: String| (400, Obj::new().text("error", &reason).end());
        let ask: As = match read(body) {
            Ok(ask) => ask,
            Err(reason) => return refuse(reason),
        };
        let account = match self.owner(&ask.key) {
            Ok(account) => account,
            Err(reason) => return refuse(reason),
        };
        let Some(route) = route(&ask.method, &ask.path) else {
            return refuse(format!("no endpoint {} {}", ask.method, ask.path));
        };
        let pairs = ask
            .params
            .into_iter()
            .map(|(name, value)| match value {
                Value::String(text) => (name, text),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => (name, value.to_string()),
            })
            .collect();
        let admitted =
            Admitted { route, params: Params::from_pairs(pairs), account: Some(account), signed: None, via: Via::Rest };
        let outcome = super::handle::execute(self, &admitted, now);
        self.deliver();
        match outcome {
            Ok(body) => (200, body),
            Err(refusal) => (refusal.status, refusal.body()),
        }
    }

    /// The sockets a request speaks of, and whether it switches on.
    fn sockets(&self, body: &str) -> Result<(BTreeSet<SessionId>, bool), String> {
        let ask: Streams = read(body)?;
        let listen_key = match &ask.key {
            Some(key) => {
                let account = self.owner(key)?;
                // Without a listen key the account has no stream, and the empty one matches none.
                Some(self.listen.of(account).unwrap_or_default().to_owned())
            }
            None => None,
        };
        let ids = if ask.all { self.hub.all_sessions() } else { self.hub.private_sessions(listen_key.as_deref()) };
        Ok((ids, ask.on.unwrap_or(true)))
    }

    fn door_expire(&mut self, now: Ms, body: &str) -> Opened {
        let ask: Streams = read(body)?;
        let account = self.owner(&ask.key.unwrap_or_default())?;
        self.listen.age(account, now);
        self.tick();
        Ok(done())
    }

    /// The exchange's own books of one account.
    fn books(&mut self, params: &Params) -> Opened {
        let account = self.owner(params.get("key").unwrap_or_default())?;
        let ledger = self.exchange.ledger(account).map_err(|error| error.to_string())?;
        serde_json::to_string(&ledger).map_err(|error| error.to_string())
    }

    fn describe(&self, now: Ms) -> String {
        let symbols = array(self.exchange.symbols().iter().map(|spec| {
            let price = |price: Option<Decimal>| price.map_or_else(|| "null".to_owned(), |p| quoted(&decimal(p)));
            let book = self.exchange.book_ticker(&spec.symbol).ok();
            Obj::new()
                .text("symbol", &spec.symbol)
                .text("status", spec.status.as_str())
                .raw("mark", &price(self.exchange.premium(&spec.symbol).ok().map(|row| row.mark_price)))
                .raw("last", &price(self.exchange.last_price(&spec.symbol).ok()))
                .raw("bid", &price(book.as_ref().map(|row| row.bid_price)))
                .raw("ask", &price(book.as_ref().map(|row| row.ask_price)))
                .end()
        }));
        let accounts = array(self.keys.iter().map(|(key, credential)| {
            let hedge = self.exchange.account_config(credential.account).is_ok_and(|row| row.dual_side_position);
            Obj::new()
                .text("key", key)
                .num("account", credential.account.0)
                .num("hedge", hedge)
                .num("streams", self.listen.of(credential.account).map_or(0, |key| self.hub.private_sessions(Some(key)).len()))
                .end()
        }));
        let invariants = match self.exchange.check_invariants() {
            Ok(()) => "ok".to_owned(),
            Err(violation) => violation.to_string(),
        };
        Obj::new()
            .num("now", now)
            .raw("symbols", &symbols)
            .raw("accounts", &accounts)
            .num("sockets", self.hub.all_sessions().len())
            .raw("faults", &self.faults.describe())
            .text("ledgerHash", &format!("{:016x}", self.exchange.ledger_hash()))
            .text("invariants", &invariants)
            .end()
    }
}

fn done() -> String {
    Obj::new().num("done", true).end()
}

fn fault(ask: Ask) -> Result<Fault, String> {
    let ms = || ask.ms.ok_or_else(|| "a delay needs ms".to_owned());
    let answer = || {
        let envelope = Obj::new().num("code", ask.code.unwrap_or(-1000)).text("msg", ask.msg.as_deref().unwrap_or_default());
        let body = match (&ask.body, ask.code, &ask.msg) {
            (Some(body), _, _) => body.clone(),
            (None, None, None) => String::new(),
            (None, _, _) => envelope.end(),
        };
        Answer { status: ask.status.unwrap_or(503), body }
    };
    let on_request = |fault: RequestFault| {
        let filter = RequestFilter { method: ask.method.clone(), path: ask.path.clone(), key: ask.key.clone() };
        FaultKind::Request(filter, fault)
    };
    let on_stream =
        |fault: StreamFault| FaultKind::Stream(StreamFilter { event: ask.event.clone(), key: ask.key.clone() }, fault);
    let kind = match ask.kind.as_str() {
        "drop_request" => on_request(RequestFault::DropRequest),
        "error_before" => on_request(RequestFault::ErrorBefore(answer())),
        "error_after" => on_request(RequestFault::ErrorAfter(answer())),
        "drop_response" => on_request(RequestFault::DropResponse),
        "delay_request" => on_request(RequestFault::DelayRequest(ms()?)),
        "delay_engine" => on_request(RequestFault::DelayEngine(ms()?)),
        "delay_response" => on_request(RequestFault::DelayResponse(ms()?)),
        "drop_event" => on_stream(StreamFault::Drop),
        "duplicate_event" => on_stream(StreamFault::Duplicate),
        "delay_event" => on_stream(StreamFault::Delay(ms()?)),
        "cut_stream" => on_stream(StreamFault::Cut),
        "silence_stream" => on_stream(StreamFault::Silence),
        other => return Err(format!("no fault {other}")),
    };
    Ok(Fault { kind, nth: ask.nth.unwrap_or(1).max(1), times: ask.times.unwrap_or(1) })
}
