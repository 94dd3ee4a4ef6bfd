"""The steps every Python client is taken through, and how their outcome is told: one JSON line a step.

A client is an object with the methods below; each speaks through the client library only, never around it. What a library
cannot do raises NotOffered with the reason. `sheet.mjs` is the same list for JavaScript.
"""

import asyncio
import json
import os
import threading
import time
import traceback
from decimal import Decimal

URL = os.environ.get("SIM_URL", "http://127.0.0.1:18080")
WS = URL.replace("http", "ws", 1)
KEY = os.environ.get("SIM_KEY", "key")
SECRET = os.environ.get("SIM_SECRET", "secret")
SYMBOL = "BTCUSDT"
QTY = Decimal("0.010")
LEVERAGE = 7


class NotOffered(Exception):
    """The library has no call for this step."""


def tell(step, outcome, why=""):
    print(json.dumps({"step": step, "outcome": outcome, "why": why}), flush=True)


def step(name, act):
    """Runs one step; True when it passed."""
    try:
        act()
    except NotOffered as reason:
        tell(name, "none", str(reason))
        return False
    except Exception as error:  # a library may raise anything; the table shows it
        if os.environ.get("SIM_TRACE"):
            traceback.print_exc()
        tell(name, "fail", f"{type(error).__name__}: {error}"[:600])
        return False
    tell(name, "pass")
    return True


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(got, want, what):
    check(got == want, f"{what}: got {got!r}, want {want!r}")


def until(probe, what, seconds=10):
    """Waits for something that arrives on its own, such as an event of the private stream."""
    deadline = time.monotonic() + seconds
    while not probe():
        check(time.monotonic() < deadline, f"{what}: not within {seconds} s")
        time.sleep(0.02)


def refused(act, code):
    """Passes when the library raises, and what it raises (or what it was raised from) names the venue's code."""
    try:
        answer = act()
    except NotOffered:
        raise
    except Exception as error:
        said, cause = "", error
        while cause is not None:
            said, cause = f"{said} {cause!r} {cause}", cause.__cause__ or cause.__context__
        check(str(code) in said, f"expected {code}, got {type(error).__name__}: {error}")
        return
    raise AssertionError(f"expected {code}, but it was accepted: {answer}")


def below(client):
    """A price on the grid that rests: three percent under the best bid."""
    bid, _ = client.touch()
    return (bid * Decimal("0.97")).quantize(Decimal("0.1"))


def drive(client):
    """Takes a client through all steps.

    connect(); markets() -> names; account() -> USDT wallet; leverage(n) -> n; stream() starts the private stream;
    heard(id) -> whether it named this order; touch() -> bid, ask; limit(side, qty, price) post-only -> id;
    query(id) -> status, price; open_orders() -> ids; modify(id, side, qty, price); cancel(id);
    market(side, qty, reduce) -> id; trades() -> [(order id, qty)]; position() -> signed quantity;
    forged() signs with a wrong secret; too_precise(qty) sends a quantity with too many decimals; close().
    Ids are text.
    """
    held = {}

    def connect():
        client.connect()

    def markets():
        names = client.markets()
        check(SYMBOL in names, f"{SYMBOL} is not among {len(names)} markets")

    def account():
        check(client.account() > 0, "no USDT in the wallet")

    def leverage():
        equal(int(client.leverage(LEVERAGE)), LEVERAGE, "leverage")

    def stream():
        client.stream()

        def heard():
            # Few libraries say when their stream is open, so an order that came too early is followed by another.
            order = client.limit("BUY", QTY, below(client))
            deadline = time.monotonic() + 1
            while not client.heard(order) and time.monotonic() < deadline:
                time.sleep(0.02)
            client.cancel(order)
            return client.heard(order)

        until(heard, "an order on the private stream")

    def post_only():
        held["price"] = below(client)
        held["id"] = client.limit("BUY", QTY, held["price"])

    def query():
        status, price = client.query(held["id"])
        equal(status, "NEW", "status")
        equal(price, held["price"], "price")

    def open_orders():
        check(held["id"] in client.open_orders(), f"order {held['id']} is not among the open orders")

    def modify():
        price = held["price"] - 10
        client.modify(held["id"], "BUY", QTY, price)
        status, now = client.query(held["id"])
        equal((status, now), ("NEW", price), "after the change")

    def cancel():
        client.cancel(held["id"])
        status, _ = client.query(held["id"])
        equal(status, "CANCELED", "status")
        check(held["id"] not in client.open_orders(), "still among the open orders")

    def market_buy():
        held["buy"] = client.market("BUY", QTY, False)
        until(lambda: client.query(held["buy"])[0] == "FILLED", "filled")

    def trades():
        mine = sum((qty for order, qty in client.trades() if order == held["buy"]), Decimal(0))
        equal(mine, QTY, "sum of its trades")

    def position():
        equal(client.position(), QTY, "position")

    def close():
        client.market("SELL", QTY, True)
        until(lambda: client.position() == 0, "flat")

    def crossing():
        _, ask = client.touch()
        return client.limit("BUY", QTY, (ask * Decimal("1.01")).quantize(Decimal("0.1")))

    def steps():
        if not step("connect", connect):
            return
        step("markets", markets)
        step("account", account)
        step("leverage", leverage)
        step("stream", stream)
        if step("post-only", post_only):
            step("query", query)
            step("open orders", open_orders)
            step("modify", modify)
            step("cancel", cancel)
        if step("market buy", market_buy):
            step("trades", trades)
            step("position", position)
            step("close", close)
        step("bad signature", lambda: refused(client.forged, -1022))
        step("precision", lambda: refused(lambda: client.too_precise(Decimal("0.0123456")), -1111))
        step("crossing", lambda: refused(crossing, -5022))

    try:
        steps()
    finally:
        client.close()


class Loop:
    """An event loop in a thread of its own, for libraries that are asyncio only."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def run(self, act, seconds=30):
        """Runs a coroutine to its end and returns what it returns."""
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(seconds)

    def spawn(self, act):
        """Starts a coroutine and lets it run."""
        return asyncio.run_coroutine_threadsafe(act, self.loop)
