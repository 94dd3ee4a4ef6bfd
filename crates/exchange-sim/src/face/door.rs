//! The operator's door: what happens at an exchange that no client asks for, and the exchange's own books. Unsigned, JSON.
//!
//! `docs/simulator.md` describes it for people.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

use super::bodies::{
    Adl, Algo, As, Ask, Clear, Forced, Funds, Liquidate, NewKey, OldKey, Price, Restrict, Rights, Settle, Skew, Status, Streams,
    Switch, fault,
};
use super::config::Secret;
use super::hub::SessionId;
use super::json::{Obj, array, quoted};
use super::params::Params;
use super::routes::route;
use super::state::{Admitted, State, Via};
use crate::config::AlgoConfig;
use crate::exchange::Exchange;
use crate::restrict::Restriction;
use crate::types::{AccountId, Ms, PositionSide, SymbolStatus};

/// A body, or the reason why not.
type Opened = Result<String, String>;

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
            ("GET", "limits") => Ok(self.counters(now)),
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
            ("POST", "restrict") => self.door_restrict(now, body),
            ("POST", "forced") => self.door_forced(body),
            ("POST", "key") => self.door_key(body),
            ("POST", "key/revoke") => self.door_revoke(body),
            ("POST", "key/rights") => self.door_rights(body),
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

    fn door_restrict(&mut self, now: Ms, body: &str) -> Opened {
        let ask: Restrict = read(body)?;
        let account = self.owner(&ask.key)?;
        let until = ask.lasts_ms.map(|ms| now.saturating_add(ms));
        let restriction = ask.code.map(|code| Restriction { code, until, shown: !ask.hidden });
        self.exchange.restrict(now, account, ask.symbol.as_deref(), restriction).map_err(|error| error.to_string())?;
        Ok(done())
    }

    fn door_key(&mut self, body: &str) -> Opened {
        let ask: NewKey = read(body)?;
        let account = self.owner(&ask.account_of)?;
        let ed25519 = Secret::Ed25519(ask.public_key.clone());
        self.add_key(&ask.key, &ed25519, account)
            .or_else(|_| self.add_key(&ask.key, &Secret::Rsa(ask.public_key), account))
            .map_err(|error| error.to_string())?;
        Ok(done())
    }

    /// Changes what is named of the flags of an account's keys; the rest stays.
    fn door_rights(&mut self, body: &str) -> Opened {
        let ask: Rights = read(body)?;
        let account = self.owner(&ask.key)?;
        self.rights.entry(account).or_default().extend(ask.flags);
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
        ask.style.into_iter().for_each(|style| self.exchange.set_forced_style(style));
        ask.backstop.into_iter().for_each(|backstop| self.exchange.set_backstop(backstop));
        Ok(done())
    }

    /// Changes what is named of the Algo Service's ways; the rest stays.
    fn door_algo(&mut self, body: &str) -> Opened {
        let ask: Algo = read(body)?;
        let before = self.exchange.config().algo;
        self.exchange.set_algo_config(AlgoConfig {
            child_delay_ms: ask.child_delay_ms.unwrap_or(before.child_delay_ms),
            told_delay_ms: ask.told_delay_ms.unwrap_or(before.told_delay_ms),
            told: ask.told.unwrap_or(before.told),
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
        let mut spec = self.exchange.symbol(&ask.symbol).map_err(|error| error.to_string())?.clone();
        if let Some(status) = ask.status {
            spec.status = SymbolStatus::parse(&status).ok_or_else(|| format!("no status {status}"))?;
        }
        if let Some(tick) = ask.tick_size {
            (spec.tick_size, spec.min_price) = (tick, tick);
        }
        if let Some(step) = ask.step_size {
            (spec.step_size, spec.min_qty) = (step, step);
        }
        spec.delivery_date = ask.delivery_date.unwrap_or(spec.delivery_date);
        self.exchange.update_symbol(now, spec, ask.announced.unwrap_or(true)).map_err(|error| error.to_string())?;
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

    /// What is used of the limits in the present windows, and how many requests were refused for them since the start.
    fn counters(&mut self, now: Ms) -> String {
        let mut accounts: Vec<(AccountId, String)> =
            self.keys.iter().map(|(key, credential)| (credential.account, key.clone())).collect();
        accounts.sort();
        let accounts = array(accounts.into_iter().map(|(account, key)| {
            let (ten, minute, refused) =
                self.orders.get_mut(&account).map_or((0, 0, 0), |pool| (pool.used(now).0, pool.used(now).1, pool.refused()));
            Obj::new().text("key", &key).num("orders10s", ten).num("orders1m", minute).num("refused", refused).end()
        }));
        let (used, refused) = (self.weights.used(now), self.weights.refused());
        Obj::new().num("weight1m", used).num("refused", refused).raw("accounts", &accounts).end()
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
