"""The steps with several orders in one request, each item of which has an outcome of its own. `batch.mjs` is their twin."""

from told import QTY, check, equal, near, step


def steps(client):
    """Takes a client through all steps with batches.

    An outcome is the order's id, or the code with which the venue refused the item (an int). place_batch([(side, qty, price)])
    post-only, modify_batch([(id, side, qty, price)]) and cancel_batch([id]) -> outcomes, in the order of the items unless the client
    `lacks` "order of outcomes".
    """

    def outcomes(got, want, what):
        if "order of outcomes" in client.lacks:
            got, want = sorted(got, key=str), sorted(want, key=str)
        equal(got, want, what)

    def prices():
        bid, ask = client.touch()
        return near(bid, -3), near(bid, -4), near(ask, 1)

    def pair():
        low, lower, _ = prices()
        return client.limit("BUY", QTY, low), client.limit("BUY", QTY, lower)

    def gone():
        order = client.limit("BUY", QTY, prices()[0])
        client.cancel(order)
        return order

    def place():
        low, lower, crossing = prices()
        told = client.place_batch([("BUY", QTY, low), ("BUY", QTY, crossing), ("BUY", QTY, lower)])
        first, last = (order for order in told if isinstance(order, str))
        outcomes(told, [first, -5022, last], "outcomes, the second of an order that would take")
        equal(client.query(first), ("NEW", low), "the first order")
        equal(client.query(last), ("NEW", lower), "the last order")
        for order in (first, last):
            client.cancel(order)

    def modify():
        low, lower, _ = prices()
        first, last = pair()
        changes = [(first, low - 10), (gone(), low - 20), (last, lower - 10)]
        told = client.modify_batch([(order, "BUY", QTY, price) for order, price in changes])
        outcomes(told, [first, -2013, last], "outcomes, the second of an order that is gone")
        equal(client.query(first), ("NEW", low - 10), "the first order")
        equal(client.query(last), ("NEW", lower - 10), "the last order")
        for order in (first, last):
            client.cancel(order)

    def cancel():
        orders = list(pair())
        outcomes(client.cancel_batch(orders), orders, "outcomes")
        for order in orders:
            equal(client.query(order)[0], "CANCELED", "status")

    def cancel_gone():
        first, last = pair()
        outcomes(client.cancel_batch([first, gone(), last]), [first, -2011, last], "outcomes, the second of an order that is gone")
        check(not {first, last} & set(client.open_orders()), "still among the open orders")

    for name, act in {"batch place": place, "batch modify": modify, "batch cancel": cancel, "batch gone": cancel_gone}.items():
        step(name, act, client.lacks.get(name))
