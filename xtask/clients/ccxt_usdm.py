"""ccxt (binanceusdm, its pro half for the private stream) against the simulator."""

from decimal import Decimal

import ccxt.pro

from sheet import KEY, QTY, SECRET, URL, WS, Loop, drive

MARKET = "BTC/USDT:USDT"


def rehosted(urls):
    """Every address of the venue's, with its path kept, on the simulator's host."""
    if isinstance(urls, dict):
        return {name: rehosted(url) for name, url in urls.items()}
    scheme, rest = urls.split("://", 1)
    return (WS if scheme == "wss" else URL) + "/" + rest.partition("/")[2]


class Ccxt:
    def __init__(self, loop, secret=SECRET):
        self.loop = loop
        # A session of aiohttp belongs to the loop it is made in.
        self.api = loop.run(self.make(secret))
        self.orders = set()

    async def make(self, secret):
        api = ccxt.pro.binanceusdm({"apiKey": KEY, "secret": secret, "timeout": 10000})
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

    def forged(self):
        forger = Ccxt(self.loop, SECRET + "x")
        try:
            return forger.do("fetch_balance")
        finally:
            forger.close()

    def too_precise(self, qty):
        # create_order rounds to the market's precision before it sends; the call below it does not.
        return self.do("fapiprivate_post_order", {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": str(qty)})

    def close(self):
        self.do("close")


drive(Ccxt(Loop()))
