"""ccxt (binanceusdm, its pro half for the private stream) against the simulator."""

from decimal import Decimal

import ccxt.pro

from sheet import drive
from told import KEY, SECRET, URL, WS, Loop

MARKET = "BTC/USDT:USDT"


def rehosted(urls):
    """Every address of the venue's, with its path kept, on the simulator's host."""
    if isinstance(urls, dict):
        return {name: rehosted(url) for name, url in urls.items()}
    scheme, rest = urls.split("://", 1)
    return (WS if scheme == "wss" else URL) + "/" + rest.partition("/")[2]


class Ccxt:
    lacks = {
        "order of outcomes": "sorts them by time: those refused come first, and nothing says which they were",
        "batch gone": "its cancel_orders returns what was cancelled and drops what was refused",
        "ws logon": "signs every request, it never logs a session on",
    }

    def __init__(self, loop, secret=SECRET, key=KEY):
        self.loop = loop
        # A session of aiohttp belongs to the loop it is made in.
        self.api = loop.run(self.make(secret, key))
        self.orders = set()
        self.states = {}

    async def make(self, secret, key):
        api = ccxt.pro.binanceusdm({"apiKey": key, "secret": secret, "timeout": 10000})
        api.urls["api"] = rehosted(api.urls["api"])
        return api

    def do(self, method, *args):
        return self.loop.run(getattr(self.api, method)(*args))

    def connect(self):
        self.do("fetch_time")

    def markets(self):
        return [market["id"] for market in self.do("load_markets").values()]

    def account(self):
        return Decimal(str(self.do("fetch_balance")["USDT"]["total"]))

    def leverage(self, leverage):
        return self.do("set_leverage", leverage, MARKET)["leverage"]

    def stream(self):
        async def watch():
            while True:
                for order in await self.api.watch_orders(MARKET):
                    self.orders.add(order["id"])
                    self.states.setdefault(order["id"], []).append(order["info"]["X"])

        self.watching = self.loop.spawn(watch())

    def heard(self, order):
        if self.watching.done():
            self.watching.result()
        return order in self.orders

    def touch(self):
        book = self.do("fetch_order_book", MARKET, 5)
        return Decimal(str(book["bids"][0][0])), Decimal(str(book["asks"][0][0]))

    def limit(self, side, qty, price):
        more = {"postOnly": True}
        return self.do("create_order", MARKET, "limit", side.lower(), float(qty), float(price), more)["id"]

    def query(self, order):
        row = self.do("fetch_order", order, MARKET)
        return row["info"]["status"], Decimal(str(row["price"]))

    def open_orders(self):
        return [row["id"] for row in self.do("fetch_open_orders", MARKET)]

    def modify(self, order, side, qty, price):
        self.do("edit_order", order, MARKET, "limit", side.lower(), float(qty), float(price))

    def cancel(self, order):
        self.do("cancel_order", order, MARKET)

    def market(self, side, qty, reduce):
        more = {"reduceOnly": True} if reduce else {}
        return self.do("create_order", MARKET, "market", side.lower(), float(qty), None, more)["id"]

    def trades(self):
        return [(row["order"], Decimal(str(row["amount"]))) for row in self.do("fetch_my_trades", MARKET)]

    def position(self):
        rows = self.do("fetch_positions", [MARKET])
        signs = {"long": 1, "short": -1}
        return sum((signs[row["side"]] * Decimal(str(row["contracts"])) for row in rows if row["contracts"]), Decimal(0))

    def signed_by(self, key, pem):
        other = Ccxt(self.loop, pem, key)
        try:
            return other.account()
        finally:
            other.close()

    def forged(self):
        forger = Ccxt(self.loop, SECRET + "x")
        try:
            return forger.do("fetch_balance")
        finally:
            forger.close()

    def too_precise(self, qty):
        # create_order rounds to the market's precision before it sends; the call below it does not.
        return self.do("fapiprivate_post_order", {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": str(qty)})

    def conditional_terms(self, terms):
        """Its unified words for the venue's: the type follows from which of the prices is given."""
        kind = "market" if terms.get("price") is None else "limit"
        trigger = "takeProfitPrice" if terms["type"].startswith("TAKE_PROFIT") else "stopLossPrice"
        names = {"triggerPrice": trigger, "callbackRate": "trailingPercent", "activatePrice": "trailingTriggerPrice"}
        more = {names.get(name, name): terms[name] for name in (*names, "reduceOnly", "closePosition", "workingType") if terms.get(name)}
        more = {name: float(value) if isinstance(value, Decimal) else value for name, value in more.items()}
        number = lambda name: None if terms.get(name) is None else float(terms[name])
        return MARKET, kind, terms["side"].lower(), number("quantity"), number("price"), more

    def conditional(self, **terms):
        return self.do("create_order", *self.conditional_terms(terms))["id"]

    def conditionals(self):
        return [row["id"] for row in self.do("fetch_open_orders", MARKET, None, None, {"trigger": True})]

    def cancel_conditional(self, order):
        self.do("cancel_order", order, MARKET, {"trigger": True})

    def cancel_conditionals(self):
        self.do("cancel_all_orders", MARKET, {"trigger": True})

    def conditional_row(self, order):
        row = self.do("fetch_order", order, MARKET, {"trigger": True})["info"]
        return row["algoStatus"], row["actualOrderId"]

    def conditional_told(self, order):
        self.heard(order)
        return self.states.get(order, [])

    def stop_as_order(self, trigger):
        # create_order knows where stops go; the call below it does not.
        terms = {"symbol": "BTCUSDT", "side": "BUY", "type": "STOP_MARKET", "quantity": "0.01", "stopPrice": str(trigger)}
        return self.do("fapiprivate_post_order", terms)

    def outcomes(self, rows):
        return [row["id"] or int(row["info"]["code"]) for row in rows]

    def place_batch(self, items):
        more = {"postOnly": True}
        orders = [
            {"symbol": MARKET, "type": "limit", "side": side.lower(), "amount": float(qty), "price": float(price), "params": more}
            for side, qty, price in items
        ]
        return self.outcomes(self.do("create_orders", orders))

    def modify_batch(self, items):
        orders = [
            {"id": order, "symbol": MARKET, "type": "limit", "side": side.lower(), "amount": float(qty), "price": float(price)}
            for order, side, qty, price in items
        ]
        return self.outcomes(self.do("edit_orders", orders))

    def cancel_batch(self, orders):
        return self.outcomes(self.do("cancel_orders", orders, MARKET))

    def ws_account(self):
        return Decimal(str(self.do("fetch_balance_ws")["USDT"]["total"]))

    def ws_limit(self, side, qty, price):
        more = {"postOnly": True}
        return self.do("create_order_ws", MARKET, "limit", side.lower(), float(qty), float(price), more)["id"]

    def ws_query(self, order):
        row = self.do("fetch_order_ws", order, MARKET)
        return row["info"]["status"], Decimal(str(row["price"]))

    def ws_modify(self, order, side, qty, price):
        self.do("edit_order_ws", order, MARKET, "limit", side.lower(), float(qty), float(price))

    def ws_cancel(self, order):
        self.do("cancel_order_ws", order, MARKET)

    def ws_conditional(self, **terms):
        return self.do("create_order_ws", *self.conditional_terms(terms))["id"]

    def ws_cancel_conditional(self, order):
        self.do("cancel_order_ws", order, MARKET, {"trigger": True})

    def close(self):
        self.do("close")


drive(Ccxt(Loop()))
