"""binance-sdk-derivatives-trading-usds-futures, the official Python SDK, against the simulator."""

from decimal import Decimal

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketStreams
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_derivatives_trading_usds_futures.rest_api.models import (
    ModifyOrderSideEnum,
    NewOrderReduceOnlyEnum,
    NewOrderSideEnum,
    NewOrderTimeInForceEnum,
    NewOrderTypeEnum,
)

from sheet import KEY, SECRET, SYMBOL, URL, WS, Loop, drive


class Sdk:
    def __init__(self, loop, secret=SECRET):
        self.loop = loop
        self.client = DerivativesTradingUsdsFutures(
            # Without retries: the SDK would repeat an order whose answer it could not read.
            config_rest_api=ConfigurationRestAPI(KEY, secret, base_path=URL, timeout=10000, retries=0),
            config_ws_streams=ConfigurationWebSocketStreams(stream_url=WS),
        )
        self.api = self.client.rest_api
        self.events = []
        self.connection = None

    def connect(self):
        self.api.test_connectivity()
        self.api.check_server_time().data()

    def markets(self):
        return [symbol.symbol for symbol in self.api.exchange_information().data().symbols]

    def account(self):
        rows = self.api.futures_account_balance_v3().data()
        return next(Decimal(row.balance) for row in rows if row.asset == "USDT")

    def leverage(self, leverage):
        return self.api.change_initial_leverage(SYMBOL, leverage).data().leverage

    def stream(self):
        listen_key = self.api.start_user_data_stream().data().listen_key

        async def listen():
            self.connection = await self.client.websocket_streams.create_connection()
            stream = await self.connection.user_data(listen_key)
            stream.on("message", self.events.append)

        self.loop.run(listen())

    def heard(self, order):
        events = (event.actual_instance for event in self.events)
        return any(str(event.o.i) == order for event in events if type(event).__name__ == "OrderTradeUpdate")

    def touch(self):
        book = self.api.symbol_order_book_ticker(SYMBOL).data().actual_instance
        return Decimal(book.bid_price), Decimal(book.ask_price)

    def limit(self, side, qty, price):
        order = self.api.new_order(
            SYMBOL,
            NewOrderSideEnum(side),
            NewOrderTypeEnum.LIMIT,
            time_in_force=NewOrderTimeInForceEnum.GTX,
            quantity=float(qty),
            price=float(price),
        )
        return str(order.data().order_id)

    def query(self, order):
        row = self.api.query_order(SYMBOL, order_id=int(order)).data()
        return row.status, Decimal(row.price)

    def open_orders(self):
        return [str(row.order_id) for row in self.api.current_all_open_orders(SYMBOL).data()]

    def modify(self, order, side, qty, price):
        self.api.modify_order(SYMBOL, ModifyOrderSideEnum(side), float(qty), float(price), order_id=int(order)).data()

    def cancel(self, order):
        self.api.cancel_order(SYMBOL, order_id=int(order)).data()

    def market(self, side, qty, reduce):
        more = {"reduce_only": NewOrderReduceOnlyEnum.TRUE} if reduce else {}
        order = self.api.new_order(SYMBOL, NewOrderSideEnum(side), NewOrderTypeEnum.MARKET, quantity=float(qty), **more)
        return str(order.data().order_id)

    def trades(self):
        return [(str(row.order_id), Decimal(row.qty)) for row in self.api.account_trade_list(SYMBOL).data()]

    def position(self):
        rows = self.api.position_information_v3(symbol=SYMBOL).data()
        return sum((Decimal(row.position_amt) for row in rows), Decimal(0))

    def forged(self):
        return Sdk(self.loop, SECRET + "x").api.account_information_v3().data()

    def too_precise(self, qty):
        return self.api.new_order(SYMBOL, NewOrderSideEnum.BUY, NewOrderTypeEnum.MARKET, quantity=float(qty)).data()

    def close(self):
        if self.connection:
            self.loop.run(self.connection.close_connection(close_session=True))


drive(Sdk(Loop()))
