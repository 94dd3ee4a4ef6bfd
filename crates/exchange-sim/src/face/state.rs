//! Everything behind the sockets: the exchange, its keys, limits, listen keys, faults and listeners. Synchronous; it does no I/O.

use std::collections::BTreeMap;

use super::clock::Clock;
use super::config::{FaceConfig, Secret};
use super::faults::Faults;
use super::hub::Hub;
use super::limits::{Limits, OrderPool, WeightPool};
use super::listen::ListenKeys;
use super::market::MarketFeed;
use super::params::Params;
use super::refusal::Refusal;
use super::render;
use super::requests::Requests;
use super::routes::{Route, Security};
use super::signature::{self, Proof};
use crate::config::ConfigError;
use crate::event::{Event, UserEvent};
use crate::exchange::Exchange;
use crate::request::Signed;
use crate::types::{AccountId, Ms};

/// A request that passed the checks at receipt.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) route: Route,
    pub(super) params: Params,
    /// Whose request it is; `None` for open endpoints.
    pub(super) account: Option<AccountId>,
    /// The signed time, which the matching engine checks once more.
    pub(super) signed: Option<Signed>,
    pub(super) via: Via,
}

/// How a request came; a few answers differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    Rest,
    Socket,
}

/// What stands for a request that speaks for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Voucher {
    /// Its own signature, where the endpoint asks for one.
    Signature,
    /// The session it came in.
    Session,
}

/// A good answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) body: String,
    /// The order counts, on replies to accepted orders.
    pub(super) order_counts: Option<(u32, u32)>,
}

#[derive(Debug)]
pub(super) struct Credential {
    pub(super) proof: Proof,
    pub(super) account: AccountId,
}

/// The state of the face.
#[derive(Debug)]
pub(super) struct State {
    pub(super) exchange: Exchange,
    pub(super) keys: BTreeMap<String, Credential>,
    /// Flags of an account's keys that somebody has set.
    pub(super) rights: BTreeMap<AccountId, BTreeMap<String, bool>>,
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) weights: WeightPool,
    pub(super) socket_weights: WeightPool,
    pub(super) orders: BTreeMap<AccountId, OrderPool>,
    pub(super) listen: ListenKeys,
    pub(super) faults: Faults,
    pub(super) hub: Hub,
    pub(super) market: MarketFeed,
    pub(super) requests: Requests,
}

impl State {
    pub(super) fn new(config: FaceConfig) -> Result<Self, ConfigError> {
        let clock = Clock::new(config.start_ms, config.skew_ms);
        let mut setup = config.exchange;
        setup.start_ms = clock.now();
        let seed = setup.seed;
        let mut exchange = Exchange::new(setup)?;
        let mut keys = BTreeMap::new();
        for owner in config.accounts {
            let account = exchange.create_account(owner.spec);
            let proof = proof(&owner.key, &owner.secret)?;
            keys.insert(owner.key, Credential { proof, account });
        }
        for (of, key, secret) in config.further_keys {
            let account = keys.get(&of).map(|owner: &Credential| owner.account).ok_or_else(|| ConfigError::Key(of.clone()))?;
            let proof = proof(&key, &secret)?;
            keys.insert(key, Credential { proof, account });
        }
        Ok(Self {
            exchange,
            keys,
            rights: BTreeMap::new(),
            clock,
            limits: config.limits,
            weights: WeightPool::new(config.limits),
            socket_weights: WeightPool::new(config.limits),
            orders: BTreeMap::new(),
            listen: ListenKeys::new(config.listen_key_life_ms, seed),
            faults: Faults::default(),
            hub: Hub::new(config.legacy_private),
            market: MarketFeed::default(),
            requests: Requests(config.keep_requests.then(Vec::new)),
        })
    }

    /// Runs what time owes and delivers what came of it.
    pub(super) fn tick(&mut self) -> Ms {
        let now = self.clock.now();
        self.exchange.advance(now);
        for key in self.listen.expire(now) {
            let payload = render::event::listen_key_expired(&key, now);
            self.hub.publish_private(&key, "listenKeyExpired", &payload, &[]);
        }
        self.deliver();
        self.market.tick(now, &self.exchange, &mut self.hub);
        now
    }

    /// The checks at receipt, in the venue's order: weight, key, time, signature, order count.
    pub(super) fn admit(&mut self, route: Route, params: Params, key: Option<&str>) -> Result<Admitted, Refusal> {
        let now = self.clock.now();
        let weight = route.weight(&params);
        self.weights.charge(now, weight)?;
        if route.counts_for_sockets() {
            self.socket_weights.note(now, weight);
        }
        self.identify(route, params, key, (Voucher::Signature, Via::Rest))
    }

    /// The same for a request over the WebSocket API, which has a weight of its own. A session speaks for its requests,
    /// except for those that bring a key of their own.
    pub(super) fn admit_socket(&mut self, route: Route, params: Params, session: Option<&str>) -> Result<Admitted, Refusal> {
        let now = self.clock.now();
        self.socket_weights.charge(now, route.weight(&params))?;
        let own = params.get("apiKey").map(str::to_owned);
        let (key, voucher) = match (own, session) {
            (Some(key), _) => (Some(key), Voucher::Signature),
            (None, Some(key)) => (Some(key.to_owned()), Voucher::Session),
            (None, None) if route.security == Security::Open => (None, Voucher::Signature),
            (None, None) => return Err(Refusal::missing("apiKey")),
        };
        self.identify(route, params, key.as_deref(), (voucher, Via::Socket))
    }

    /// Checks that the owner of a key may log on to a session, and gives the key.
    pub(super) fn log_on(&mut self, params: &Params) -> Result<String, Refusal> {
        let key = params.get("apiKey").ok_or_else(|| Refusal::missing("apiKey"))?;
        let credential = self.keys.get(key).ok_or_else(Refusal::key_unknown)?;
        if !matches!(credential.proof, Proof::Public(_)) {
            return Err(Refusal::new(400, -4056, "Invalid api key type."));
        }
        check_time(params, self.clock.now())?;
        check_signature(&credential.proof, params)?;
        Ok(key.to_owned())
    }

    /// Lets another key speak for the account of one that exists.
    pub(super) fn add_key(&mut self, key: &str, secret: &Secret, account: AccountId) -> Result<(), ConfigError> {
        let proof = proof(key, secret)?;
        self.keys.insert(key.to_owned(), Credential { proof, account });
        Ok(())
    }

    fn identify(
        &mut self,
        route: Route,
        params: Params,
        key: Option<&str>,
        (voucher, via): (Voucher, Via),
    ) -> Result<Admitted, Refusal> {
        let now = self.clock.now();
        if route.security == Security::Open {
            return Ok(Admitted { route, params, account: None, signed: None, via });
        }
        let key = key.filter(|key| !key.is_empty()).ok_or_else(Refusal::key_format)?;
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
            return Err(Refusal::key_format());
        }
        let credential = self.keys.get(key).ok_or_else(Refusal::key_unknown)?;
        let account = credential.account;
        let mut signed = None;
        if route.security == Security::Signed {
            signed = Some(check_time(&params, now)?);
            if voucher == Voucher::Signature {
                check_signature(&credential.proof, &params)?;
            }
        }
        let may_trade = self.rights.get(&account).and_then(|flags| flags.get("enableFutures")) != Some(&false);
        if route.order_cost().is_some() && !may_trade {
            return Err(Refusal::key_unknown());
        }
        if let Some(cost) = route.order_cost() {
            let limits = self.limits;
            self.orders.entry(account).or_insert_with(|| OrderPool::new(limits)).charge(now, cost)?;
        }
        Ok(Admitted { route, params, account: Some(account), signed, via })
    }

    /// Does what was asked and delivers the events it caused, before the answer leaves.
    pub(super) fn execute(&mut self, admitted: &Admitted) -> Result<Reply, Refusal> {
        let now = self.tick();
        let outcome = super::handle::execute(self, admitted, now);
        self.deliver();
        outcome.map(|body| Reply { body, order_counts: self.order_counts(admitted, now) })
    }

    /// The order counts of the account after a request that takes from them.
    pub(super) fn order_counts(&mut self, admitted: &Admitted, now: Ms) -> Option<(u32, u32)> {
        admitted.route.order_cost()?;
        self.orders.get_mut(&admitted.account?).map(|pool| pool.used(now))
    }

    /// The weight used in this minute, for the header of every answer.
    pub(super) fn weight_used(&mut self) -> u32 {
        let now = self.clock.now();
        self.weights.used(now)
    }

    /// Sends the exchange's events to those who listen.
    pub(super) fn deliver(&mut self) {
        for event in self.exchange.take_events() {
            match event {
                Event::User { account, time, event } => self.deliver_private(account, time, &event),
                Event::Market { time, event } => self.market.deliver(time, event, &self.exchange, &mut self.hub),
            }
        }
    }

    fn deliver_private(&mut self, account: AccountId, time: Ms, event: &UserEvent) {
        let name = render::event::name(event);
        let keys: Vec<&str> =
            self.keys.iter().filter(|(_, owner)| owner.account == account).map(|(key, _)| key.as_str()).collect();
        // Positions count events, whether or not anybody listens.
        let faults = self.faults.on_event(name, &keys);
        let Some(listen_key) = self.listen.of(account) else { return };
        let spec = render::event::symbol(event).and_then(|symbol| self.exchange.symbol(symbol).ok());
        let margin_asset = spec.map_or("USDT", |spec| &spec.quote_asset);
        let payload = render::event::user(event, time, spec.map(render::Grid::of), margin_asset);
        self.hub.publish_private(listen_key, name, &payload, &faults);
    }

    /// Follows a change of subscriptions.
    pub(super) fn listeners_changed(&mut self) {
        self.exchange.set_market_data(self.hub.market_data());
    }
}

fn proof(key: &str, secret: &Secret) -> Result<Proof, ConfigError> {
    match secret {
        Secret::Hmac(secret) => Ok(Proof::Shared(secret.clone())),
        Secret::Ed25519(text) => signature::public_key(text).map(Proof::Public).ok_or_else(|| ConfigError::Key(key.to_owned())),
        Secret::Rsa(text) => signature::rsa_public_key(text).map(Proof::Rsa).ok_or_else(|| ConfigError::Key(key.to_owned())),
    }
}

fn check_signature(proof: &Proof, params: &Params) -> Result<(), Refusal> {
    let signature = params.signature().ok_or_else(|| Refusal::missing("signature"))?;
    if proof.verify(params.signed_bytes(), signature) { Ok(()) } else { Err(Refusal::signature()) }
}

/// The check of the signed time at receipt: not older than its window, not more than a second ahead.
fn check_time(params: &Params, now: Ms) -> Result<Signed, Refusal> {
    let timestamp: Ms = super::ask::integer(params, "timestamp").map_err(|_| Refusal::missing("timestamp"))?;
    let recv_window: Ms = super::ask::opt_integer(params, "recvWindow")?.unwrap_or(5_000);
    if !(0..=60_000).contains(&recv_window) {
        return Err(Refusal::invalid("recvWindow"));
    }
    if timestamp >= now.saturating_add(1_000) {
        return Err(Refusal::early());
    }
    if now.saturating_sub(timestamp) > recv_window {
        return Err(Refusal::late());
    }
    Ok(Signed { timestamp, recv_window })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str) -> Result<Signed, (i32, String)> {
        check_time(&Params::parse(query, ""), 100_000).map_err(|refusal| (refusal.code, refusal.msg))
    }

    #[test]
    fn time_is_checked_at_both_ends_of_the_window() {
        assert_eq!(check("timestamp=95000"), Ok(Signed { timestamp: 95_000, recv_window: 5_000 }));
        assert!(check("timestamp=94999").unwrap_err().1.ends_with("outside of the recvWindow."));
        assert!(check("timestamp=100999").is_ok());
        assert!(check("timestamp=101000").unwrap_err().1.contains("1000ms ahead"));
        assert!(check("timestamp=40000&recvWindow=60000").is_ok());
        assert_eq!(check("timestamp=100000&recvWindow=60001").unwrap_err().0, -1130);
        assert_eq!(check("").unwrap_err().0, -1102);
        assert_eq!(check("timestamp=abc").unwrap_err().0, -1102);
    }
}
