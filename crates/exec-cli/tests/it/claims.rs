//! The journal is gone: a strategy that claims its instrument gets its position and its orders of both books back, and they are its to
//! change, cancel and close. Nodes in this process, on real sockets.

use crate::loopback::{ETH, Exchange};
use exchange_sim::types::{AlgoStatus, OrderStatus};
use exec_core::{
    command::ChangeOrder,
    ids::{InstrumentId, IntentId},
    order::{
        Order,
        intent::{Handling, Owner},
        status::OrdStatus,
    },
    strategy::{Context, Strategy},
    terms::{Intention, OrderKind, Terms, TimeInForce, Trigger, TriggerBy},
    units::{PositionMode, PositionSide, Side},
};
use node_config::{NodeFactory, ParamValue, Process};
use std::{
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// What a life has seen and done.
#[derive(Clone, Debug, Default)]
struct Diary {
    /// What the strategy found: each order that was open, and in whose name.
    found: Vec<String>,
    step: u32,
    over: bool,
}

struct Holder {
    life: i64,
    instrument: InstrumentId,
    orders: Option<(IntentId, IntentId)>,
    diary: Arc<Mutex<Diary>>,
}

fn rests(order: &Order) -> bool {
    order.status() == OrdStatus::New && !order.is_in_doubt()
}

impl Holder {
    fn leg(ctx: &Context<'_>) -> PositionSide {
        if ctx.mode() == PositionMode::Hedging { PositionSide::Long } else { PositionSide::Net }
    }
    fn held(&self, ctx: &Context<'_>) -> String {
        ctx.share(&self.instrument, Self::leg(ctx)).get().normalize().to_string()
    }
    fn send(&self, ctx: &mut Context<'_>, side: Side, intention: Intention, qty: &str, kind: OrderKind) -> IntentId {
        let (instrument, leg) = (self.instrument.clone(), Self::leg(ctx));
        let terms = Terms { instrument, side, leg, intention, qty: Some(qty.parse().unwrap()), kind, stp: None };
        // The disk of a busy machine is no part of this.
        ctx.submit_with(terms, Handling { max_age_ms: 10_000, ..Handling::default() })
    }

    /// Buys, and leaves a resting entry and a stop behind.
    fn leave(&mut self, ctx: &mut Context<'_>, step: u32) -> bool {
        match (step, self.orders) {
            (0, _) if ctx.may_open(&self.instrument).is_ok() && ctx.quote(&self.instrument).reference().is_some() => {
                self.send(ctx, Side::Buy, Intention::Open, "0.2", OrderKind::Market);
            }
            (1, _) if self.held(ctx) == "0.2" => {
                let limit =
                    OrderKind::Limit { price: "2450".parse::<exec_core::units::Price>().unwrap().into(), tif: TimeInForce::Gtx };
                let trigger = Trigger { price: "2300".parse().unwrap(), by: TriggerBy::Mark, price_protect: false };
                let entry = self.send(ctx, Side::Buy, Intention::Open, "0.1", limit);
                let stop = self.send(ctx, Side::Sell, Intention::Reduce, "0.2", OrderKind::StopMarket { trigger });
                self.orders = Some((entry, stop));
            }
            (2, Some((entry, stop))) if [entry, stop].iter().all(|id| ctx.order(*id).is_some_and(rests)) => {
                self.diary.lock().unwrap().over = true;
            }
            _ => return false,
        }
        true
    }

    /// Finds all of it, changes each order, cancels the entry, closes the position, cancels the stop.
    fn take_over(&mut self, ctx: &mut Context<'_>, step: u32) -> bool {
        let Some((entry, stop)) = self.orders else {
            let open: Vec<&Order> = ctx.open_orders().filter(|o| rests(o)).collect();
            let of = |conditional: bool| open.iter().find(|o| o.is_untriggered() == conditional).map(|o| o.intent().id);
            if let (Some(entry), Some(stop), "0.2") = (of(false), of(true), self.held(ctx).as_str()) {
                let word = |o: &&Order| match &o.intent().owner {
                    Owner::Strategy(id) => format!("{:?} of {id}", o.intent().provenance),
                    other => format!("{:?} of {other:?}", o.intent().provenance),
                };
                self.diary.lock().unwrap().found = open.iter().map(word).collect();
                self.orders = Some((entry, stop));
            }
            return false;
        };
        let (one, other) = (ctx.order(entry), ctx.order(stop));
        let at = |order: Option<&Order>| order.filter(|o| rests(o)).map(|o| (o.price(), o.trigger_price()));
        match step {
            // New terms of an opening order are judged by the market, so there must be one.
            0 if ctx.may_open(&self.instrument).is_ok() && ctx.quote(&self.instrument).reference().is_some() => {
                ctx.replace(entry, "0.1".parse().unwrap(), "2440".parse().unwrap());
            }
            1 if at(one).is_some_and(|(price, _)| price == "2440".parse().ok()) => {
                ctx.change(ChangeOrder { intent: stop, qty: None, price: None, trigger: "2310".parse().ok() });
            }
            2 if at(other).is_some_and(|(_, trigger)| trigger == "2310".parse().ok()) => ctx.cancel(entry),
            3 if one.is_some_and(|o| o.status() == OrdStatus::Canceled) => {
                self.send(ctx, Side::Sell, Intention::Reduce, "0.2", OrderKind::Market);
            }
            4 if self.held(ctx) == "0" => ctx.cancel(stop),
            5 if ctx.open_orders().next().is_none() => self.diary.lock().unwrap().over = true,
            _ => return false,
        }
        true
    }
}

impl Strategy for Holder {
    fn on_start(&mut self, ctx: &mut Context<'_>) {
        ctx.set_timer(0, 20);
    }
    fn on_timer(&mut self, ctx: &mut Context<'_>, _tag: u64) {
        let step = self.diary.lock().unwrap().step;
        let done = if self.life == 1 { self.leave(ctx, step) } else { self.take_over(ctx, step) };
        self.diary.lock().unwrap().step += u32::from(done);
        ctx.set_timer(0, 20);
    }
}

/// Runs a node until its strategy has done its part, and ends it.
fn live(config: &Path, life: i64) -> Diary {
    let diary = Arc::new(Mutex::new(Diary::default()));
    let (text, folder) = (std::fs::read_to_string(config).unwrap(), config.parent().unwrap());
    let shared = Arc::clone(&diary);
    let factory = NodeFactory::new().strategy("holder", move |entry| {
        let life = entry.params.get("life").and_then(ParamValue::as_integer).ok_or("params.life is missing")?;
        let instrument = entry.instruments.first().ok_or("it needs an instrument")?.clone();
        Ok(Box::new(Holder { life, instrument, orders: None, diary: Arc::clone(&shared) }))
    });
    let text = text.replace("life = 0", &format!("life = {life}"));
    let mut config = factory.read(&text, &Process::beside(folder.to_owned())).unwrap();
    config.journal.directory = folder.join("journal");
    let node = factory.build(&config).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    let over = async {
        while !diary.lock().unwrap().over && Instant::now() < until {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    runtime.block_on(node.run(over)).unwrap();
    let diary = diary.lock().unwrap().clone();
    assert!(diary.over, "life {life} came no farther than {diary:?}");
    diary
}

fn the_journal_is_lost(hedge: bool) {
    let (exchange, folder) = (Exchange::open(hedge), tempfile::tempdir().unwrap());
    for (name, text) in [("key", "sim-key"), ("secret", "sim-secret")] {
        let file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(folder.path().join(name));
        writeln!(file.unwrap(), "{text}").unwrap();
    }
    let keys = "api_key = { file = \"key\" }\napi_secret = { file = \"secret\" }";
    let strategy = format!(
        "[[strategies]]\nid = \"holder-1\"\nkind = \"holder\"\naccount = \"main\"\ninstruments = [\"{ETH}\"]\n\
         external_order_claims = [\"{ETH}\"]\nparams = {{ life = 0 }}"
    );
    let config = exchange.config(folder.path(), "on_exit = \"leave\"", keys, &strategy);
    live(&config, 1);
    std::fs::remove_dir_all(folder.path().join("journal")).unwrap();
    let found = live(&config, 2).found;
    assert_eq!(found, ["Recovered of holder-1", "Recovered of holder-1"], "where they came from stays visible");

    let ledger = exchange.ledger();
    let entry: Vec<_> = ledger.orders.iter().filter(|row| row.price == "2440".parse().unwrap()).collect();
    assert_eq!(entry.iter().map(|row| row.status).collect::<Vec<_>>(), [OrderStatus::Canceled], "changed, then cancelled");
    assert!(ledger.algo_orders.iter().all(|row| row.status == AlgoStatus::Canceled), "{:?}", ledger.algo_orders);
    assert!(ledger.algo_orders.iter().any(|row| row.trigger_price == "2310".parse().unwrap()), "{:?}", ledger.algo_orders);
    assert_eq!(ledger.trades.len(), 2, "bought once, closed once: {:?}", ledger.trades);
}

#[test]
fn with_the_journal_deleted_a_claimant_gets_all_of_it_back_and_manages_it_in_netting() {
    the_journal_is_lost(false);
}

#[test]
fn with_the_journal_deleted_a_claimant_gets_all_of_it_back_and_manages_it_in_hedging() {
    the_journal_is_lost(true);
}
