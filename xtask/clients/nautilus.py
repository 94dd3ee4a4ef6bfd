"""NautilusTrader: a live TradingNode with the Binance futures clients; orders go through a Strategy, queries through its exec client."""

import asyncio
import threading
import time
from decimal import Decimal

from nautilus_trader.adapters.binance import (
    BINANCE,
    BinanceAccountType,
    BinanceDataClientConfig,
    BinanceExecClientConfig,
    BinanceLiveDataClientFactory,
    BinanceLiveExecClientFactory,
)
from nautilus_trader.adapters.binance.common.enums import BinanceKeyType, BinanceOrderSide, BinanceOrderType
from nautilus_trader.adapters.binance.common.symbol import BinanceSymbol
from nautilus_trader.adapters.binance.futures.http.account import BinanceFuturesAccountHttpAPI
from nautilus_trader.adapters.binance.http.client import BinanceHttpClient
from nautilus_trader.common.component import LiveClock
from nautilus_trader.config import InstrumentProviderConfig, LiveExecEngineConfig, LoggingConfig, TradingNodeConfig
from nautilus_trader.core.uuid import UUID4
from nautilus_trader.execution.messages import (
    GenerateFillReports,
    GenerateOrderStatusReport,
    GenerateOrderStatusReports,
    GeneratePositionStatusReports,
)
from nautilus_trader.live.node import TradingNode
from nautilus_trader.model.currencies import USDT
from nautilus_trader.model.enums import OrderSide, OrderStatus, PositionSide
from nautilus_trader.model.events import OrderAccepted
from nautilus_trader.model.identifiers import ClientOrderId, InstrumentId, TraderId, Venue
from nautilus_trader.trading.strategy import Strategy

from sheet import drive
from told import KEY, SECRET, SYMBOL, URL, WS, until

INSTRUMENT = InstrumentId.from_str("BTCUSDT-PERP.BINANCE")
STATUS = {OrderStatus.ACCEPTED: "NEW", OrderStatus.CANCELED: "CANCELED", OrderStatus.FILLED: "FILLED"}


class Hand(Strategy):
    """Does what it is told from outside; keeps the last quote."""

    quote = None

    def on_start(self):
        self.subscribe_quote_ticks(INSTRUMENT)

    def on_quote_tick(self, tick):
        self.quote = (Decimal(str(tick.bid_price)), Decimal(str(tick.ask_price)))


class Nautilus:
    lacks = {
        "conditional": "the Python adapter sends every stop to the endpoint of ordinary orders (-4120)",
        "batch place": "the Python adapter places the orders of a list one by one",
        "batch modify": "changes orders one by one",
        "batch gone": "keeps orders back that it knows are closed, so that none is refused",
        "ws": "the Python adapter knows no WebSocket API of futures",
    }

    def __init__(self):
        both = {
            "api_key": KEY,
            "api_secret": SECRET,
            "account_type": BinanceAccountType.USDT_FUTURES,
            "base_url_http": URL,
            "base_url_ws": WS,
            "instrument_provider": InstrumentProviderConfig(load_all=True),
        }
        self.node = TradingNode(
            TradingNodeConfig(
                trader_id=TraderId("TESTER-001"),
                logging=LoggingConfig(log_level="ERROR"),
                exec_engine=LiveExecEngineConfig(reconciliation=True),
                data_clients={BINANCE: BinanceDataClientConfig(**both)},
                exec_clients={
                    BINANCE: BinanceExecClientConfig(**both, futures_leverages={BinanceSymbol(SYMBOL): 7}),
                },
            )
        )
        self.hand = Hand()
        self.node.trader.add_strategy(self.hand)
        self.node.add_data_client_factory(BINANCE, BinanceLiveDataClientFactory)
        self.node.add_exec_client_factory(BINANCE, BinanceLiveExecClientFactory)
        self.node.build()
        self.loop = self.node.get_event_loop()

    def run(self, act):
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(30)

    def call(self, act):
        """Runs a plain function on the node's thread: its objects are not to be touched from another."""

        async def wrapped():
            return act()

        return self.run(wrapped())

    @property
    def client(self):
        return next(iter(self.node.kernel.exec_engine._clients.values()))

    def stamp(self):
        return {"command_id": UUID4(), "ts_init": time.time_ns()}

    def connect(self):
        until(lambda: self.node.is_running() and self.hand.is_running, "the node is running", 60)

    def markets(self):
        return [str(instrument.raw_symbol) for instrument in self.hand.cache.instruments()]

    def account(self):
        account = self.hand.cache.account_for_venue(Venue(BINANCE))
        return account.balance_total(USDT).as_decimal()

    def leverage(self, leverage):
        return self.run(self.client._futures_http_account.set_leverage(SYMBOL, leverage)).leverage

    def stream(self):
        pass  # opened by the node; an order is accepted only when the stream says so

    def heard(self, order):
        events = self.hand.cache.order(ClientOrderId(order)).events
        return any(isinstance(event, OrderAccepted) for event in events)

    def touch(self):
        until(lambda: self.hand.quote, "a quote")
        return self.hand.quote

    def submit(self, order):
        self.call(lambda: self.hand.submit_order(order))
        waiting = (OrderStatus.INITIALIZED, OrderStatus.SUBMITTED)
        until(lambda: order.status not in waiting, "an answer to the order")
        if order.status in (OrderStatus.REJECTED, OrderStatus.DENIED):
            raise RuntimeError(f"{order.status_string()}: {order.last_event.reason}")
        return str(order.client_order_id)

    def instrument(self):
        return self.hand.cache.instrument(INSTRUMENT)

    def limit(self, side, qty, price):
        instrument = self.instrument()
        order = self.hand.order_factory.limit(
            INSTRUMENT, OrderSide[side], instrument.make_qty(qty), instrument.make_price(price), post_only=True
        )
        return self.submit(order)

    def query(self, order):
        held = self.hand.cache.order(ClientOrderId(order))
        command = GenerateOrderStatusReport(INSTRUMENT, held.client_order_id, held.venue_order_id, **self.stamp())
        report = self.run(self.client.generate_order_status_report(command))
        price = Decimal(str(report.price)) if report.price is not None else Decimal(0)
        return STATUS.get(report.order_status, str(report.order_status)), price

    def open_orders(self):
        command = GenerateOrderStatusReports(INSTRUMENT, None, None, True, **self.stamp())
        return [str(report.client_order_id) for report in self.run(self.client.generate_order_status_reports(command))]

    def modify(self, order, side, qty, price):
        held, instrument = self.hand.cache.order(ClientOrderId(order)), self.instrument()
        self.call(lambda: self.hand.modify_order(held, instrument.make_qty(qty), instrument.make_price(price)))
        until(lambda: Decimal(str(held.price)) == price and held.status == OrderStatus.ACCEPTED, "the change")

    def cancel(self, order):
        held = self.hand.cache.order(ClientOrderId(order))
        self.call(lambda: self.hand.cancel_order(held))
        until(lambda: held.status == OrderStatus.CANCELED, "the cancel")

    def stop_as_order(self, trigger):
        instrument = self.instrument()
        order = self.hand.order_factory.stop_market(
            INSTRUMENT, OrderSide.BUY, instrument.make_qty(0.01), instrument.make_price(trigger)
        )
        return self.submit(order)

    def cancel_batch(self, orders):
        held = [self.hand.cache.order(ClientOrderId(order)) for order in orders]
        self.call(lambda: self.hand.cancel_orders(held))
        until(lambda: all(order.status == OrderStatus.CANCELED for order in held), "the cancels")
        return orders

    def market(self, side, qty, reduce):
        order = self.hand.order_factory.market(
            INSTRUMENT, OrderSide[side], self.instrument().make_qty(qty), reduce_only=reduce
        )
        name = self.submit(order)
        until(lambda: order.is_closed, "the fill")
        return name

    def trades(self):
        command = GenerateFillReports(INSTRUMENT, None, None, None, **self.stamp())
        reports = self.run(self.client.generate_fill_reports(command))
        # It asks once for the instrument it holds and once for the symbol it has a position in: each trade comes twice.
        reports = {report.trade_id: report for report in reports}.values()
        names = {order.venue_order_id: str(order.client_order_id) for order in self.hand.cache.orders()}
        return [(names.get(report.venue_order_id), Decimal(str(report.last_qty))) for report in reports]

    def position(self):
        command = GeneratePositionStatusReports(INSTRUMENT, None, None, **self.stamp())
        signs = {PositionSide.LONG: 1, PositionSide.SHORT: -1, PositionSide.FLAT: 0}
        reports = self.run(self.client.generate_position_status_reports(command))
        venue = sum((signs[report.position_side] * Decimal(str(report.quantity)) for report in reports), Decimal(0))
        books = self.hand.portfolio.net_position(INSTRUMENT)
        if venue != books:
            raise AssertionError(f"the venue says {venue}, the node's books say {books}")
        return venue

    def signed_by(self, key, pem):
        # It takes the key without the lines around it.
        body = "".join(line for line in pem.splitlines() if not line.startswith("-----"))
        clock = LiveClock()
        http = BinanceHttpClient(clock, key, "", URL, key_type=BinanceKeyType.ED25519, ed25519_private_key=body)
        api = BinanceFuturesAccountHttpAPI(http, clock, BinanceAccountType.USDT_FUTURES)
        return Decimal(self.run(api.query_futures_account_info()).totalWalletBalance)

    def forged(self):
        clock = LiveClock()
        http = BinanceHttpClient(clock, KEY, SECRET + "x", URL)
        api = BinanceFuturesAccountHttpAPI(http, clock, BinanceAccountType.USDT_FUTURES)
        return self.run(api.query_futures_account_info())

    def too_precise(self, qty):
        # A strategy's order is denied by the node itself; the client below it sends what it is given.
        api = self.client._futures_http_account
        return self.run(api.new_order(SYMBOL, BinanceOrderSide.BUY, BinanceOrderType.MARKET, quantity=str(qty)))

    def close(self):
        self.loop.call_soon_threadsafe(self.node.stop)


nautilus = Nautilus()
steps = threading.Thread(target=drive, args=(nautilus,), daemon=True)
steps.start()
nautilus.node.run()
steps.join(10)
nautilus.node.dispose()
