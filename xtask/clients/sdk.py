"""binance-sdk-derivatives-trading-usds-futures, the official Python SDK, against the simulator."""

from decimal import Decimal

from binance_common.configuration import ConfigurationRestAPI, ConfigurationWebSocketAPI, ConfigurationWebSocketStreams
from binance_sdk_derivatives_trading_usds_futures.derivatives_trading_usds_futures import DerivativesTradingUsdsFutures
from binance_sdk_derivatives_trading_usds_futures.rest_api.models import (
    ModifyMultipleOrdersBatchOrdersParameterInner,
    ModifyOrderSideEnum,
    NewAlgoOrderAlgoTypeEnum,
    NewAlgoOrderClosePositionEnum,
    NewAlgoOrderReduceOnlyEnum,
    NewAlgoOrderSideEnum,
    NewAlgoOrderTypeEnum,
    NewAlgoOrderWorkingTypeEnum,
    NewOrderReduceOnlyEnum,
    NewOrderSideEnum,
    NewOrderTimeInForceEnum,
    NewOrderTypeEnum,
    PlaceMultipleOrdersBatchOrdersParameterInner,
)

from sheet import drive
from told import KEY, SECRET, SYMBOL, URL, WS, Loop


def algo_terms(terms):
    """The venue's names in Python's spelling, its words as enums."""
    spelled = {
        "type": ("type", NewAlgoOrderTypeEnum),
        "side": ("side", NewAlgoOrderSideEnum),
        "quantity": ("quantity", float),
        "triggerPrice": ("trigger_price", float),
        "price": ("price", float),
        "callbackRate": ("callback_rate", float),
        "activatePrice": ("activate_price", float),
        "workingType": ("working_type", NewAlgoOrderWorkingTypeEnum),
        "reduceOnly": ("reduce_only", lambda flag: NewAlgoOrderReduceOnlyEnum(str(flag).lower())),
        "closePosition": ("close_position", lambda flag: NewAlgoOrderClosePositionEnum(str(flag).lower())),
    }
    given = {name: value for name, value in terms.items() if value is not None}
    return {spelled[name][0]: spelled[name][1](value) for name, value in given.items()}


def outcomes(rows):
    return [row.code if row.order_id is None else str(row.order_id) for row in rows]


class Sdk:
    lacks = {}

    def __init__(self, loop, secret=SECRET):
        self.loop = loop
        self.client = DerivativesTradingUsdsFutures(
            # Without retries: the SDK would repeat an order whose answer it could not read.
            config_rest_api=ConfigurationRestAPI(KEY, secret, base_path=URL, timeout=10000, retries=0),
            config_ws_api=ConfigurationWebSocketAPI(KEY, secret, stream_url=WS + "/ws-fapi/v1"),
            config_ws_streams=ConfigurationWebSocketStreams(stream_url=WS),
        )
        self.api = self.client.rest_api
        self.events = []
        self.connection = None
        self.socket = None

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

    def signed_by(self, key, pem):
        config = ConfigurationRestAPI(key, private_key=pem, base_path=URL, timeout=10000, retries=0)
        rows = DerivativesTradingUsdsFutures(config_rest_api=config).rest_api.futures_account_balance_v3().data()
        return next(Decimal(row.balance) for row in rows if row.asset == "USDT")

    def forged(self):
        return Sdk(self.loop, SECRET + "x").api.account_information_v3().data()

    def too_precise(self, qty):
        return self.api.new_order(SYMBOL, NewOrderSideEnum.BUY, NewOrderTypeEnum.MARKET, quantity=float(qty)).data()

    def conditional(self, **terms):
        order = self.api.new_algo_order(NewAlgoOrderAlgoTypeEnum.CONDITIONAL, SYMBOL, **algo_terms(terms))
        return str(order.data().algo_id)

    def conditionals(self):
        return [str(row.algo_id) for row in self.api.current_all_algo_open_orders(symbol=SYMBOL).data()]

    def cancel_conditional(self, order):
        self.api.cancel_algo_order(algo_id=int(order)).data()

    def cancel_conditionals(self):
        self.api.cancel_all_algo_open_orders(SYMBOL).data()

    def conditional_row(self, order):
        row = self.api.query_algo_order(algo_id=int(order)).data()
        return row.algo_status, row.actual_order_id

    def conditional_told(self, order):
        events = (event.actual_instance for event in self.events)
        told = [event.o for event in events if type(event).__name__ == "AlgoUpdate"]
        return [row.X for row in told if str(row.aid) == order]

    def stop_as_order(self, trigger):
        # There is no word for a trigger any more, but the type still has its name.
        return self.api.new_order(SYMBOL, NewOrderSideEnum.BUY, NewOrderTypeEnum.STOP_MARKET, quantity=0.01).data()

    def place_batch(self, items):
        orders = [
            PlaceMultipleOrdersBatchOrdersParameterInner(
                symbol=SYMBOL, side=side, type="LIMIT", time_in_force="GTX", quantity=float(qty), price=float(price)
            )
            for side, qty, price in items
        ]
        return outcomes(self.api.place_multiple_orders(orders).data())

    def modify_batch(self, items):
        orders = [
            ModifyMultipleOrdersBatchOrdersParameterInner(
                symbol=SYMBOL, order_id=int(order), side=side, quantity=float(qty), price=float(price)
            )
            for order, side, qty, price in items
        ]
        return outcomes(self.api.modify_multiple_orders(orders).data())

    def cancel_batch(self, orders):
        return outcomes(self.api.cancel_multiple_orders(SYMBOL, order_id_list=[int(order) for order in orders]).data())

    def ask(self, call, *args, **params):
        """Asks over the socket. The SDK does not raise there: what was refused is data that names an error."""

        async def asked():
            self.socket = self.socket or await self.client.websocket_api.create_connection()
            return await getattr(self.client.websocket_api, call)(*args, **params)

        answer = self.loop.run(asked()).data()
        if isinstance(answer, dict) and "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def ws_account(self):
        rows = self.ask("futures_account_balance_v2").result
        return next(Decimal(row.balance) for row in rows if row.asset == "USDT")

    def ws_limit(self, side, qty, price):
        terms = {"time_in_force": NewOrderTimeInForceEnum.GTX, "quantity": float(qty), "price": float(price)}
        order = self.ask("new_order", SYMBOL, NewOrderSideEnum(side), NewOrderTypeEnum.LIMIT, **terms)
        return str(order.result.order_id)

    def ws_query(self, order):
        row = self.ask("query_order", SYMBOL, order_id=int(order)).result
        return row.status, Decimal(row.price)

    def ws_modify(self, order, side, qty, price):
        self.ask("modify_order", SYMBOL, ModifyOrderSideEnum(side), float(qty), float(price), order_id=int(order))

    def ws_cancel(self, order):
        self.ask("cancel_order", SYMBOL, order_id=int(order))

    def ws_conditional(self, **terms):
        order = self.ask("new_algo_order", NewAlgoOrderAlgoTypeEnum.CONDITIONAL, SYMBOL, **algo_terms(terms))
        return str(order.result.algo_id)

    def ws_cancel_conditional(self, order):
        self.ask("cancel_algo_order", algo_id=int(order))

    def ws_logged_on(self, key, pem, side, qty, price):
        config = ConfigurationWebSocketAPI(key, private_key=pem, stream_url=WS + "/ws-fapi/v1")
        other = Sdk(self.loop)
        other.client = DerivativesTradingUsdsFutures(config_ws_api=config)
        # The SDK has no call of this name; its general one knows what a session is, and what follows is not signed.
        logon = {"method": "session.logon", "params": {}}
        other.ask("send_signed_message", logon, signer=other.client.websocket_api.signer, session_logon=True)
        return other.ws_limit(side, qty, price)

    def close(self):
        if self.connection:
            self.loop.run(self.connection.close_connection(close_session=True))


drive(Sdk(Loop()))
