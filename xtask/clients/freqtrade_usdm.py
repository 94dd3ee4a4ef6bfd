"""freqtrade, live (not dry-run), in futures mode: first its own exchange layer step by step, then the bot itself for one round trip."""

import json
import logging
import pathlib
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import ccxt
from freqtrade.configuration import Configuration
from freqtrade.enums import RunMode
from freqtrade.freqtradebot import FreqtradeBot
from freqtrade.persistence import Trade
from freqtrade.resolvers import ExchangeResolver

from sheet import drive
from told import KEY, SECRET, URL, WS, check, equal, move, near, operate, step

PAIR = "BTC/USDT:USDT"
NO_LIST = "never lists its conditional orders, it asks for each"
NO_KIND = "knows a stop for a quantity, which closes, and no other conditional order"
ONE_BY_ONE = "sends its orders one by one"
logging.disable(logging.WARNING)


def rehosted(urls):
    """Every address of the venue's, with its path kept, on the simulator's host."""
    if isinstance(urls, dict):
        return {name: rehosted(url) for name, url in urls.items()}
    scheme, rest = urls.split("://", 1)
    return (WS if scheme == "wss" else URL) + "/" + rest.partition("/")[2]


def config(secret, key=KEY):
    return {
        "dry_run": False,
        "trading_mode": "futures",
        "margin_mode": "isolated",
        "stake_currency": "USDT",
        "stake_amount": 1000,
        "timeframe": "1m",
        "max_open_trades": 1,
        "initial_state": "running",
        "pairlists": [{"method": "StaticPairList"}],
        "unfilledtimeout": {"entry": 10, "exit": 10, "unit": "minutes"},
        "entry_pricing": {"price_side": "other", "use_order_book": True, "order_book_top": 1},
        "exit_pricing": {"price_side": "other", "use_order_book": True, "order_book_top": 1},
        "exchange": {
            "name": "binance",
            "key": key,
            "secret": secret,
            "pair_whitelist": [PAIR],
            "ccxt_config": {
                "urls": {"api": rehosted(ccxt.binance().describe()["urls"]["api"])},
                # The simulator has no spot and no COIN-M side whose markets could be listed.
                "options": {"fetchMarkets": {"types": ["linear"]}},
                "timeout": 10000,
            },
        },
    }


def live(secret, key=KEY):
    return config(secret, key) | {"runmode": RunMode.LIVE}


def bot(strategy, stir):
    """The program itself, from a config file: it enters, waits for the fill, exits, and books the profit.

    `stir` is called in each round with the open trades.
    """
    here = pathlib.Path(__file__).parent
    file = pathlib.Path("config.json")
    file.write_text(json.dumps(config(SECRET)))
    words = {
        "config": [str(file)],
        "strategy": strategy,
        "strategy_path": str(here / "freqtrade_strategy"),
        "user_data_dir": ".",
        "db_url": "sqlite://",
    }
    program = FreqtradeBot(Configuration(words, RunMode.LIVE).get_config())
    try:
        program.startup()
        deadline = time.monotonic() + 60
        closed = []
        while not closed:
            check(time.monotonic() < deadline, f"no closed trade within 60 s, open: {Trade.get_open_trades()}")
            program.process()
            stir(Trade.get_open_trades())
            closed = [trade for trade in Trade.get_trades().all() if not trade.is_open]
            time.sleep(0.2)
        held = program.exchange.fetch_positions(PAIR)
        check(not any(row["contracts"] for row in held), f"freqtrade closed its trade, the venue still holds {held}")
        return closed[0].exit_reason
    finally:
        program.cleanup()


def whole_program():
    equal(bot("RoundTrip", lambda trades: None), "round trip", "reason of the exit")


def stopped_program():
    """The same with its stop at the venue: the market falls through it, and the bot finds out."""

    def fall(trades):
        for trade in trades:
            if trade.has_open_sl_orders:
                move(near(Decimal(str(trade.open_rate)), -3))

    # As captured from production, the single query denies a live conditional order; here it may tell, for the bot has no other.
    operate("algo", {"query_denies_live": False})
    try:
        equal(bot("Stopped", fall), "stoploss_on_exchange", "reason of the exit")
    finally:
        operate("algo", {"query_denies_live": True})


class Freqtrade:
    lacks = {
        "stream": "opens no private stream, it polls",
        "modify": "never changes an order, it cancels and places anew",
        "stop": NO_LIST,
        "stop events": "opens no private stream, it polls",
        "stop cancel": NO_LIST,
        "trigger told": "opens no private stream, it polls",
        "take profit": NO_KIND,
        "trailing": NO_KIND,
        "activation": NO_KIND,
        "stop dies": NO_KIND,
        "whole leg": NO_KIND,
        "orphan": NO_KIND,
        "batch place": ONE_BY_ONE,
        "batch modify": ONE_BY_ONE,
        "batch cancel": ONE_BY_ONE,
        "batch gone": ONE_BY_ONE,
        "ws": "knows no WebSocket API of futures",
    }

    def __init__(self, secret=SECRET):
        self.secret = secret
        self.exchange = None
        self.lever = 1
        self.stops = []

    def connect(self):
        self.exchange = ExchangeResolver.load_exchange(live(self.secret), validate=True, load_leverage_tiers=True)
        self.exchange.check_time_offset()

    def markets(self):
        return [market["id"] for market in self.exchange.get_markets().values()]

    def account(self):
        return Decimal(str(self.exchange.get_balances()["USDT"]["total"]))

    def leverage(self, leverage):
        # Set before each order, as freqtrade does; what the venue holds is told by the order's position.
        self.exchange._lev_prep(PAIR, leverage, "buy")
        self.lever = leverage
        rows = self.exchange._api.fapiprivate_get_symbolconfig({"symbol": "BTCUSDT"})
        return next(row["leverage"] for row in rows if row["symbol"] == "BTCUSDT")

    def touch(self):
        book = self.exchange.fetch_l2_order_book(PAIR, 5)
        return Decimal(str(book["bids"][0][0])), Decimal(str(book["asks"][0][0]))

    def order(self, kind, side, qty, price, tif, reduce):
        return self.exchange.create_order(
            pair=PAIR,
            ordertype=kind,
            side=side.lower(),
            amount=float(qty),
            rate=float(price),
            leverage=self.lever,
            time_in_force=tif,
            reduceOnly=reduce,
        )["id"]

    def limit(self, side, qty, price):
        return self.order("limit", side, qty, price, "PO", False)

    def query(self, order):
        row = self.exchange.fetch_order(order, PAIR)
        return row["info"]["status"], Decimal(str(row["price"]))

    def open_orders(self):
        rows = self.exchange.fetch_orders(PAIR, datetime.now(timezone.utc) - timedelta(hours=1))
        return [row["id"] for row in rows if row["status"] == "open"]

    def cancel(self, order):
        self.exchange.cancel_order(order, PAIR)

    def market(self, side, qty, reduce):
        return self.order("market", side, qty, self.touch()[1], "GTC", reduce)

    def trades(self):
        since = datetime.now(timezone.utc) - timedelta(hours=1)
        rows = self.exchange._fetch_orders(PAIR, since)
        filled = [row["id"] for row in rows if row["filled"]]
        found = [trade for order in filled for trade in self.exchange.get_trades_for_order(order, PAIR, since)]
        return [(trade["order"], Decimal(str(trade["amount"]))) for trade in found]

    def position(self):
        signs = {"long": 1, "short": -1}
        rows = self.exchange.fetch_positions(PAIR)
        return sum((signs[row["side"]] * Decimal(str(row["contracts"])) for row in rows if row["contracts"]), Decimal(0))

    def signed_by(self, key, pem):
        return Decimal(str(ExchangeResolver.load_exchange(live(pem, key), validate=False).get_balances()["USDT"]["total"]))

    def forged(self):
        # Without validation, which would list the markets first and log the refusal instead of raising it.
        return ExchangeResolver.load_exchange(live(SECRET + "x"), validate=False).get_balances()

    def too_precise(self, qty):
        # create_order rounds to the market's precision before it sends; the ccxt below it does not.
        return self.exchange._api.fapiprivate_post_order(
            {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": str(qty)}
        )

    def conditional(self, **terms):
        order = self.exchange.create_stoploss(
            pair=PAIR,
            amount=float(terms["quantity"]),
            stop_price=float(terms["triggerPrice"]),
            order_types={"stoploss": "market", "stoploss_on_exchange": True},
            side=terms["side"].lower(),
            leverage=self.lever,
        )["id"]
        self.stops.append(order)
        return order

    def conditionals(self):
        return [order for order in self.stops if self.exchange.fetch_stoploss_order(order, PAIR)["status"] == "open"]

    def cancel_conditional(self, order):
        self.exchange.cancel_stoploss_order(order, PAIR)
        self.stops.remove(order)

    def conditional_row(self, order):
        row = self.exchange.fetch_stoploss_order(order, PAIR)
        if row.get("status_stop") == "triggered":
            # Its answer is then the order that came of it.
            return "FINISHED" if row["status"] == "closed" else "TRIGGERED", row["id_stop"]
        return row["info"]["algoStatus"], row["info"]["actualOrderId"]

    def stop_as_order(self, trigger):
        # create_stoploss knows where stops go; the call of ccxt below it does not.
        terms = {"symbol": "BTCUSDT", "side": "BUY", "type": "STOP_MARKET", "quantity": "0.01", "stopPrice": str(trigger)}
        return self.exchange._api.fapiprivate_post_order(terms)

    def close(self):
        if self.exchange:
            self.exchange.close()


drive(Freqtrade())
step("whole program", whole_program)
step("stopped bot", stopped_program)
