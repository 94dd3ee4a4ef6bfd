"""binance-futures-connector, the older official Python connector, against the simulator."""

import json
from decimal import Decimal

from binance.um_futures import UMFutures
from binance.websocket.um_futures.websocket_client import UMFuturesWebsocketClient

from sheet import drive
from told import KEY, SECRET, SYMBOL, URL, WS


def outcomes(rows):
    return [str(row["orderId"]) if "orderId" in row else row["code"] for row in rows]


class Connector:
    lacks = {
        "ed25519": "signs with HMAC and RSA keys only",
        "conditional": "is of before the Algo Service",
        "batch modify": "has no call that changes several orders",
        "ws": "has streams only, no WebSocket API",
    }

    def __init__(self, secret=SECRET):
        self.api = UMFutures(KEY, secret, base_url=URL, timeout=10)
        self.events = []
        self.socket = None

    def connect(self):
        self.api.ping()
        self.api.time()

    def markets(self):
        return [symbol["symbol"] for symbol in self.api.exchange_info()["symbols"]]

    def account(self):
        return next(Decimal(row["balance"]) for row in self.api.balance() if row["asset"] == "USDT")

    def leverage(self, leverage):
        return self.api.change_leverage(SYMBOL, leverage)["leverage"]

    def stream(self):
        listen_key = self.api.new_listen_key()["listenKey"]
        self.socket = UMFuturesWebsocketClient(
            stream_url=WS + "/private", on_message=lambda _, text: self.events.append(json.loads(text))
        )
        self.socket.user_data(listen_key=listen_key)

    def heard(self, order):
        return any(event.get("e") == "ORDER_TRADE_UPDATE" and str(event["o"]["i"]) == order for event in self.events)

    def touch(self):
        book = self.api.book_ticker(SYMBOL)
        return Decimal(book["bidPrice"]), Decimal(book["askPrice"])

    def limit(self, side, qty, price):
        order = self.api.new_order(SYMBOL, side, "LIMIT", timeInForce="GTX", quantity=str(qty), price=str(price))
        return str(order["orderId"])

    def query(self, order):
        row = self.api.query_order(SYMBOL, orderId=order)
        return row["status"], Decimal(row["price"])

    def open_orders(self):
        return [str(row["orderId"]) for row in self.api.get_orders(symbol=SYMBOL)]

    def modify(self, order, side, qty, price):
        self.api.modify_order(SYMBOL, side, float(qty), float(price), orderId=int(order))

    def cancel(self, order):
        self.api.cancel_order(SYMBOL, orderId=order)

    def market(self, side, qty, reduce):
        more = {"reduceOnly": "true"} if reduce else {}
        return str(self.api.new_order(SYMBOL, side, "MARKET", quantity=str(qty), **more)["orderId"])

    def trades(self):
        return [(str(row["orderId"]), Decimal(row["qty"])) for row in self.api.get_account_trades(SYMBOL)]

    def position(self):
        return sum((Decimal(row["positionAmt"]) for row in self.api.get_position_risk(symbol=SYMBOL)), Decimal(0))

    def forged(self):
        return Connector(SECRET + "x").api.account()

    def too_precise(self, qty):
        return self.api.new_order(SYMBOL, "BUY", "MARKET", quantity=str(qty))

    def stop_as_order(self, trigger):
        return self.api.new_order(SYMBOL, "BUY", "STOP_MARKET", quantity="0.01", stopPrice=str(trigger))

    def place_batch(self, items):
        orders = [
            {"symbol": SYMBOL, "side": side, "type": "LIMIT", "timeInForce": "GTX", "quantity": str(qty), "price": str(price)}
            for side, qty, price in items
        ]
        return outcomes(self.api.new_batch_order(orders))

    def cancel_batch(self, orders):
        return outcomes(self.api.cancel_batch_order(SYMBOL, [int(order) for order in orders], None))

    def close(self):
        if self.socket:
            self.socket.stop()


drive(Connector())
