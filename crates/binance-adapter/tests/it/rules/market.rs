//! A market that stands still: bid 59999.9, ask 60000.1, last trade and mark 60000, twenty-five levels on each side, and
//! accounts in both modes, flat and with positions. Grids are such that LOT_SIZE and MARKET_LOT_SIZE differ.

use exchange_sim::{
    AccountId, AccountSpec, ApiError, Exchange, ExchangeConfig,
    request::{AlgoRef, NewOrder},
    symbol::default_symbols,
    types::{OrderStatus, PositionSide as SimLeg, Side as SimSide, TimeInForce as SimTif},
    venue::Desk,
};
use exec_core::{
    instrument::Instrument,
    report::Quote,
    rules::Case,
    terms::Terms,
    time::VenueTime,
    units::{PositionMode, PositionSide, SignedQty},
};
use rust_decimal::Decimal;

use super::said::{Said, said};

pub(super) const SYMBOL: &str = "BTCUSDT";

pub(super) fn d(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// An account of the market, and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    NetFlat,
    NetLong,
    NetShort,
    HedgeFlat,
    HedgeBoth,
}

impl Who {
    pub(super) const ALL: [Self; 5] = [Self::NetFlat, Self::NetLong, Self::NetShort, Self::HedgeFlat, Self::HedgeBoth];

    pub(super) const fn mode(self) -> PositionMode {
        match self {
            Self::NetFlat | Self::NetLong | Self::NetShort => PositionMode::Netting,
            Self::HedgeFlat | Self::HedgeBoth => PositionMode::Hedging,
        }
    }
}

/// The exchange, its time, and who trades there.
pub(super) struct Market {
    pub(super) exchange: Exchange,
    pub(super) now: i64,
    pub(super) instrument: Instrument,
    accounts: Vec<AccountId>,
    maker: AccountId,
}

impl Market {
    pub(super) fn still() -> Self {
        let mut config = ExchangeConfig::default();
        config.flow.enabled = false;
        config.symbols = default_symbols();
        config.symbols.truncate(1);
        let btc = &mut config.symbols[0];
        (btc.min_qty, btc.step_size, btc.max_qty) = (d("0.002"), d("0.002"), d("1000"));
        (btc.market_min_qty, btc.market_step_size, btc.market_max_qty) = (d("0.005"), d("0.005"), d("100"));
        btc.min_notional = d("400");
        let now = config.start_ms;
        let mut exchange = Exchange::new(config).unwrap();
        let mut open = |who: Option<Who>| {
            let hedge = who.is_some_and(|who| who.mode() == PositionMode::Hedging);
            let wallets = vec![("USDT".to_owned(), d("100000000000"))];
            exchange.create_account(AccountSpec { hedge, leverage: 1, wallets })
        };
        let maker = open(None);
        let accounts: Vec<_> = Who::ALL.into_iter().map(|who| open(Some(who))).collect();
        let instrument = Desk::new(Exchange::new(exchange.config().clone()).unwrap(), maker).instruments().remove(0);
        let mut market = Self { exchange, now, instrument, accounts, maker };
        market.trade(Who::NetLong, SimSide::Buy, SimLeg::Both);
        market.trade(Who::NetShort, SimSide::Sell, SimLeg::Both);
        market.trade(Who::HedgeBoth, SimSide::Buy, SimLeg::Long);
        market.trade(Who::HedgeBoth, SimSide::Sell, SimLeg::Short);
        for level in 1..=25 {
            let away = Decimal::new(level, 1);
            market.make(SimSide::Sell, d("400"), d("60000") + away);
            market.make(SimSide::Buy, d("400"), d("60000") - away);
        }
        let ticker = market.exchange.book_ticker(SYMBOL).unwrap();
        assert_eq!((ticker.bid_price, ticker.ask_price), (d("59999.9"), d("60000.1")));
        assert_eq!(market.exchange.last_price(SYMBOL).unwrap(), d("60000"));
        market
    }

    fn make(&mut self, side: SimSide, quantity: Decimal, price: Decimal) {
        let order = NewOrder::limit(SYMBOL, side, quantity, price, SimTif::Gtc);
        self.exchange.place(self.now, self.maker, &order).unwrap();
    }

    /// Gives an account one of a leg, at 60000.
    fn trade(&mut self, who: Who, side: SimSide, leg: SimLeg) {
        self.make(side.opposite(), Decimal::ONE, d("60000"));
        let order = NewOrder::limit(SYMBOL, side, Decimal::ONE, d("60000"), SimTif::Gtc).on_leg(leg);
        let placed = self.exchange.place(self.now, self.account(who), &order).unwrap();
        assert_eq!(placed.settled.status, OrderStatus::Filled);
    }

    pub(super) fn account(&self, who: Who) -> AccountId {
        self.accounts[who as usize]
    }

    /// What the prices are, as a price feed tells them.
    pub(super) fn quote(&self) -> Quote {
        let ticker = self.exchange.book_ticker(SYMBOL).unwrap();
        let mark = self.exchange.premium(SYMBOL).unwrap().mark_price;
        let price = |price| exec_core::units::Price::new(price).ok();
        Quote { bid: price(ticker.bid_price), ask: price(ticker.ask_price), mark: price(mark) }
    }

    /// What a leg holds, as the account's positions tell it.
    pub(super) fn held(&self, who: Who, leg: PositionSide) -> SignedQty {
        let leg = match leg {
            PositionSide::Net => SimLeg::Both,
            PositionSide::Long => SimLeg::Long,
            PositionSide::Short => SimLeg::Short,
        };
        let rows = self.exchange.positions(self.account(who), Some(SYMBOL)).unwrap();
        let row = rows.iter().find(|row| row.position_side == leg);
        SignedQty::new(row.map_or(Decimal::ZERO, |row| row.position_amt)).unwrap()
    }

    /// An order against this market, with everything known.
    pub(super) fn case<'a>(&'a self, who: Who, terms: &'a Terms) -> Case<'a> {
        let account = self.account(who);
        let open = self.exchange.open_orders(account, None).unwrap().len();
        let conditional = self.exchange.open_algo_orders(account, None, None).unwrap().len();
        let leverage = self.exchange.symbol_config(account, Some(SYMBOL)).unwrap().remove(0);
        Case {
            terms,
            instrument: &self.instrument,
            mode: who.mode(),
            quote: self.quote(),
            held: Some(self.held(who, terms.leg)),
            open_orders: u32::try_from(open).unwrap(),
            open_conditionals: u32::try_from(conditional).unwrap(),
            notional_max: Some(leverage.max_notional_value),
            now: VenueTime(self.now),
        }
    }

    /// Asks the exchange, and leaves it as it was.
    pub(super) fn ask(&mut self, who: Who, terms: &Terms) -> Result<(), ApiError> {
        let account = self.account(who);
        match said(terms) {
            Said::Ordinary(order) => self.exchange.test_order(self.now, account, &order),
            Said::Conditional(order) => {
                let placed = self.exchange.place_algo(self.now, account, &order)?;
                self.exchange.cancel_algo(self.now, account, &AlgoRef::id(placed.algo_id)).unwrap();
                self.exchange.take_events();
                Ok(())
            }
        }
    }

    /// Places it for good.
    pub(super) fn place(&mut self, who: Who, terms: &Terms) -> Result<(), ApiError> {
        let account = self.account(who);
        match said(terms) {
            Said::Ordinary(order) => self.exchange.place(self.now, account, &order).map(|_| ()),
            Said::Conditional(order) => self.exchange.place_algo(self.now, account, &order).map(|_| ()),
        }
    }
}
