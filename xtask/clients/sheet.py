"""The steps every Python client is taken through. `sheet.mjs` is the same list for JavaScript.

A client is an object with the methods that `drive` and the three other lists name; each speaks through the client library only,
never around it. What a library cannot do stands in `lacks`, by step, with the reason.
"""

import time
from decimal import Decimal

import batch
import conditional
import wsapi
from told import QTY, SYMBOL, check, equal, issue_key, near, refused, step, until

LEVERAGE = 7


def drive(client):
    """Takes a client through all steps.

    connect(); markets() -> names; account() -> USDT wallet; leverage(n) -> n; stream() starts the private stream;
    heard(id) -> whether it named this order; touch() -> bid, ask; limit(side, qty, price) post-only -> id;
    query(id) -> status, price; open_orders() -> ids; modify(id, side, qty, price); cancel(id);
    market(side, qty, reduce) -> id; trades() -> [(order id, qty)]; position() -> signed quantity;
    forged() signs with a wrong secret; signed_by(key, pem) -> USDT wallet, asked with an Ed25519 key; too_precise(qty) sends a quantity with too many decimals; close().
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
            order = client.limit("BUY", QTY, near(client.touch()[0], -3))
            deadline = time.monotonic() + 1
            while not client.heard(order) and time.monotonic() < deadline:
                time.sleep(0.02)
            client.cancel(order)
            return client.heard(order)

        until(heard, "an order on the private stream")

    def post_only():
        held["price"] = near(client.touch()[0], -3)
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
        return client.limit("BUY", QTY, near(ask, 1))

    def ed25519():
        check(client.signed_by("rest-ed25519", issue_key("rest-ed25519")) > 0, "no USDT in the wallet")

    def run(name, act):
        return step(name, act, client.lacks.get(name))

    def steps():
        if not run("connect", connect):
            return
        run("markets", markets)
        run("account", account)
        run("leverage", leverage)
        run("stream", stream)
        if run("post-only", post_only):
            run("query", query)
            run("open orders", open_orders)
            run("modify", modify)
            run("cancel", cancel)
        if run("market buy", market_buy):
            run("trades", trades)
            run("position", position)
            run("close", close)
        run("bad signature", lambda: refused(client.forged, -1022))
        run("precision", lambda: refused(lambda: client.too_precise(Decimal("0.0123456")), -1111))
        run("crossing", lambda: refused(crossing, -5022))
        run("ed25519", ed25519)
        conditional.steps(client)
        batch.steps(client)
        wsapi.steps(client)

    try:
        steps()
    finally:
        client.close()
