"""python-binance against the simulator: the synchronous client, and its threaded manager for the private stream."""

from decimal import Decimal

from binance import Client, ThreadedWebsocketManager
from binance.ws.streams import BinanceSocketManager

from sheet import KEY, SECRET, SYMBOL, URL, WS, drive

# The library has no argument for another host; these class attributes are where its documentation says to change it.
for base in Client.__mro__:
    if "FUTURES_URL" in vars(base):
        base.API_URL = URL + "/api"
        base.FUTURES_URL = URL + "/fapi"
BinanceSocketManager.FSTREAM_URL = WS + "/"


class PythonBinance:
    def __init__(self, secret=SECRET):
        self.api = Client(KEY, secret, ping=False)
        self.events = []
        self.manager = None

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

    def forged(self):
        return PythonBinance(SECRET + "x").api.futures_account()

    def too_precise(self, qty):
        return self.api.futures_create_order(symbol=SYMBOL, side="BUY", type="MARKET", quantity=str(qty))

    def close(self):
        if self.manager:
            self.manager.stop()


drive(PythonBinance())
