"""python-binance against the simulator: the synchronous client, and its threaded manager for the private stream."""

from decimal import Decimal

from binance import AsyncClient, Client, ThreadedWebsocketManager
from binance.ws.streams import BinanceSocketManager

from sheet import drive
from told import KEY, SECRET, SYMBOL, URL, WS, Loop

# The library has no argument for another host; these class attributes are where its documentation says to change it.
for base in Client.__mro__:
    if "FUTURES_URL" in vars(base):
        base.API_URL = URL + "/api"
        base.FUTURES_URL = URL + "/fapi"
        base.WS_FUTURES_URL = WS + "/ws-fapi/v1"
BinanceSocketManager.FSTREAM_URL = WS + "/"


def plain(terms):
    """What is left out is not sent; booleans are text to the venue, decimals too."""
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in terms.items() if value is not None}


def outcomes(rows):
    return [str(row["orderId"]) if "orderId" in row else row["code"] for row in rows]


class PythonBinance:
    lacks = {
        "stop as order": "sends every stop to the Algo Service, by its type",
        "batch modify": "its call signs other bytes than it sends (-1022)",
        "ws logon": "signs every request, it never logs a session on",
    }

    def __init__(self, secret=SECRET):
        self.api = Client(KEY, secret, ping=False)
        self.events = []
        self.manager = None
        self.loop = Loop()
        self.asynchronous = None

    def connect(self):
        self.api.futures_ping()
        self.api.futures_time()

    def markets(self):
        return [symbol["symbol"] for symbol in self.api.futures_exchange_info()["symbols"]]

    def account(self):
        return next(Decimal(row["balance"]) for row in self.api.futures_account_balance() if row["asset"] == "USDT")

    def leverage(self, leverage):
        return self.api.futures_change_leverage(symbol=SYMBOL, leverage=leverage)["leverage"]

    def stream(self):
        self.manager = ThreadedWebsocketManager(KEY, SECRET)
        self.manager.start()
        self.manager.start_futures_user_socket(callback=self.events.append)

    def heard(self, order):
        return any(event.get("e") == "ORDER_TRADE_UPDATE" and str(event["o"]["i"]) == order for event in self.events)

    def touch(self):
        book = self.api.futures_orderbook_ticker(symbol=SYMBOL)
        return Decimal(book["bidPrice"]), Decimal(book["askPrice"])

    def limit(self, side, qty, price):
        order = self.api.futures_create_order(
            symbol=SYMBOL, side=side, type="LIMIT", timeInForce="GTX", quantity=str(qty), price=str(price)
        )
        return str(order["orderId"])

    def query(self, order):
        row = self.api.futures_get_order(symbol=SYMBOL, orderId=order)
        return row["status"], Decimal(row["price"])

    def open_orders(self):
        return [str(row["orderId"]) for row in self.api.futures_get_open_orders(symbol=SYMBOL)]

    def modify(self, order, side, qty, price):
        self.api.futures_modify_order(symbol=SYMBOL, orderId=order, side=side, quantity=str(qty), price=str(price))

    def cancel(self, order):
        self.api.futures_cancel_order(symbol=SYMBOL, orderId=order)

    def market(self, side, qty, reduce):
        more = {"reduceOnly": "true"} if reduce else {}
        order = self.api.futures_create_order(symbol=SYMBOL, side=side, type="MARKET", quantity=str(qty), **more)
        return str(order["orderId"])

    def trades(self):
        return [(str(row["orderId"]), Decimal(row["qty"])) for row in self.api.futures_account_trades(symbol=SYMBOL)]

    def position(self):
        rows = self.api.futures_position_information(symbol=SYMBOL)
        return sum((Decimal(row["positionAmt"]) for row in rows), Decimal(0))

    def signed_by(self, key, pem):
        rows = Client(key, private_key=pem, ping=False).futures_account_balance()
        return next(Decimal(row["balance"]) for row in rows if row["asset"] == "USDT")

    def forged(self):
        return PythonBinance(SECRET + "x").api.futures_account()

    def too_precise(self, qty):
        return self.api.futures_create_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=str(qty))

    def conditional(self, **terms):
        return str(self.api.futures_create_algo_order(algoType="CONDITIONAL", symbol=SYMBOL, **plain(terms))["algoId"])

    def conditionals(self):
        return [str(row["algoId"]) for row in self.api.futures_get_open_algo_orders(symbol=SYMBOL)]

    def cancel_conditional(self, order):
        self.api.futures_cancel_algo_order(symbol=SYMBOL, algoId=order)

    def cancel_conditionals(self):
        self.api.futures_cancel_all_algo_open_orders(symbol=SYMBOL)

    def conditional_row(self, order):
        row = self.api.futures_get_algo_order(symbol=SYMBOL, algoId=order)
        return row["algoStatus"], row["actualOrderId"]

    def conditional_told(self, order):
        told = [event["o"] for event in self.events if event.get("e") == "ALGO_UPDATE"]
        return [row["X"] for row in told if str(row["aid"]) == order]

    def place_batch(self, items):
        orders = [
            {"symbol": SYMBOL, "side": side, "type": "LIMIT", "timeInForce": "GTX", "quantity": str(qty), "price": str(price)}
            for side, qty, price in items
        ]
        return outcomes(self.api.futures_place_batch_order(batchOrders=orders))

    def cancel_batch(self, orders):
        return outcomes(self.api.futures_cancel_orders(symbol=SYMBOL, orderidlist=[int(order) for order in orders]))

    def ask(self, call, **params):
        """Asks over the socket. By the asynchronous client: the other shares its event loop with the threaded manager, and stalls."""

        async def asked():
            self.asynchronous = self.asynchronous or AsyncClient(KEY, SECRET)
            return await getattr(self.asynchronous, call)(**params)

        return self.loop.run(asked())

    def ws_account(self):
        rows = self.ask("ws_futures_v2_account_balance")
        return next(Decimal(row["balance"]) for row in rows if row["asset"] == "USDT")

    def ws_limit(self, side, qty, price):
        terms = {"side": side, "type": "LIMIT", "timeInForce": "GTX", "quantity": str(qty), "price": str(price)}
        order = self.ask("ws_futures_create_order", symbol=SYMBOL, **terms)
        return str(order["orderId"])

    def ws_query(self, order):
        row = self.ask("ws_futures_get_order", symbol=SYMBOL, orderId=order)
        return row["status"], Decimal(row["price"])

    def ws_modify(self, order, side, qty, price):
        self.ask("ws_futures_edit_order", symbol=SYMBOL, orderId=order, side=side, quantity=str(qty), price=str(price))

    def ws_cancel(self, order):
        self.ask("ws_futures_cancel_order", symbol=SYMBOL, orderId=order)

    def ws_conditional(self, **terms):
        order = self.ask("ws_futures_create_algo_order", algoType="CONDITIONAL", symbol=SYMBOL, **plain(terms))
        return str(order["algoId"])

    def ws_cancel_conditional(self, order):
        self.ask("ws_futures_cancel_algo_order", symbol=SYMBOL, algoId=order)

    def close(self):
        if self.manager:
            self.manager.stop()


drive(PythonBinance())
