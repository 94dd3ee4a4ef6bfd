"""The steps with conditional orders: those of the Algo Service, which wait for a price outside the book. `conditional.mjs` is their twin."""

from decimal import Decimal

from told import QTY, check, equal, move, near, operate, refused, step, until


def steps(client):
    """Takes a client through all steps with conditional orders. Each places what it needs, and leaves nothing behind.

    conditional(**terms) -> id: the venue's names (type, side, quantity, triggerPrice, price, callbackRate, activatePrice,
    closePosition, reduceOnly, workingType), prices and quantities as Decimal; conditionals() -> ids of the open ones; cancel_conditional(id);
    cancel_conditionals() cancels all; conditional_row(id) -> status, id of the order it became ("" before);
    conditional_told(id) -> states that the private stream told, in order; stop_as_order(trigger) asks for a stop on the endpoint
    of ordinary orders, where stops were placed until 2025-12-09. What a client cannot do stands in its `lacks`: under
    "conditional" for all of these steps, else under the name of the step.
    """

    def resting(**more):
        terms = {"type": "STOP_MARKET", "side": "BUY", "quantity": QTY, "triggerPrice": near(client.touch()[1], 3)}
        return client.conditional(**(terms | more))

    def held():
        """Opens a position; gives the bid before it."""
        bid, _ = client.touch()
        client.market("BUY", QTY, False)
        until(lambda: client.position() == QTY, "the position")
        return bid

    def ends_flat(order, quantity=QTY):
        """Waits until a conditional order has closed the position, and follows it to what it became."""
        until(lambda: client.position() == 0, "flat after the trigger")
        check(order not in client.conditionals(), "still among the open conditional orders")
        status, child = client.conditional_row(order)
        equal(status, "FINISHED", "status of the conditional order")
        equal(client.query(child)[0], "FILLED", "status of the order it became")
        equal(sum((qty for name, qty in client.trades() if name == child), Decimal(0)), quantity, "its trades")
        return child

    def protected(**terms):
        bid = held()
        return bid, resting(**({"side": "SELL", "triggerPrice": near(bid, -1), "reduceOnly": True} | terms))

    def stop():
        order = resting()
        check(order in client.conditionals(), f"{order} is not among the open conditional orders")
        equal(client.open_orders(), [], "ordinary orders")
        client.cancel_conditional(order)
        check(order not in client.conditionals(), "still listed after the cancel")

    def query():
        # As captured from production, the single query denies a live conditional order; here it may tell.
        operate("algo", {"query_denies_live": False})
        try:
            order = resting()
            equal(client.conditional_row(order), ("NEW", ""), "a live conditional order")
            client.cancel_conditional(order)
            equal(client.conditional_row(order), ("CANCELED", ""), "after the cancel")
        finally:
            operate("algo", {"query_denies_live": True})

    def events():
        order = resting()
        until(lambda: client.conditional_told(order) == ["NEW"], "NEW on the private stream")
        client.cancel_conditional(order)
        until(lambda: client.conditional_told(order) == ["NEW", "CANCELED"], "CANCELED on the private stream")

    def cancel_all():
        orders = [resting(), resting()]
        check(set(orders) <= set(client.conditionals()), f"{orders} are not among the open conditional orders")
        client.cancel_conditionals()
        equal(client.conditionals(), [], "open conditional orders")

    def trigger():
        bid, order = protected()
        move(near(bid, -2))
        ends_flat(order)

    def trigger_events():
        bid, order = protected()
        move(near(bid, -2))
        states = ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
        until(lambda: client.conditional_told(order)[-1:] == states[-1:], "FINISHED on the private stream")
        equal(client.conditional_told(order), states, "states told")
        child = ends_flat(order)
        until(lambda: client.heard(child), "the order it became on the private stream")

    def take_profit():
        bid = held()
        price = near(bid, 1)
        # By the mark price, and a limit below it: it fills at once at the better price of the book.
        order = resting(
            type="TAKE_PROFIT", side="SELL", triggerPrice=near(bid, 2), price=price, reduceOnly=True, workingType="MARK_PRICE"
        )
        move(near(bid, 3))
        ends_flat(order)

    def trailing():
        bid = held()
        order = resting(type="TRAILING_STOP_MARKET", side="SELL", triggerPrice=None, callbackRate=Decimal(1), reduceOnly=True)
        move(near(bid, 3))
        check(order in client.conditionals(), "a trailing stop does not end by a move in its favour")
        # Above where it began, two percent below where the price has been.
        move(near(bid, 1))
        ends_flat(order)

    def activation():
        bid, _ = client.touch()
        terms = {"side": "SELL", "triggerPrice": None, "callbackRate": Decimal(1), "activatePrice": near(bid, 2)}
        order = resting(type="TRAILING_STOP_MARKET", **terms)
        until(lambda: client.conditional_told(order) == ["NEW"], "NEW on the private stream")
        move(near(bid, 3))
        until(lambda: client.conditional_told(order) == ["NEW", "NEW"], "NEW once more: it follows the price")
        client.cancel_conditional(order)

    def dies():
        # No margin is asked for before the trigger; then there is too little, and nothing but its last state tells.
        _, ask = client.touch()
        order = resting(quantity=Decimal(100), triggerPrice=near(ask, 1))
        move(near(ask, 2))
        states = ["NEW", "TRIGGERING", "REJECTED"]
        until(lambda: client.conditional_told(order) == states, "REJECTED on the private stream")
        equal(client.conditional_row(order), ("REJECTED", ""), "the conditional order")
        equal(client.position(), 0, "position")

    def whole():
        bid = held()
        order = resting(side="SELL", triggerPrice=near(bid, -1), quantity=None, closePosition=True)
        # What is added afterwards is closed too.
        client.market("BUY", QTY, False)
        until(lambda: client.position() == 2 * QTY, "the larger position")
        move(near(bid, -2))
        ends_flat(order, 2 * QTY)

    def orphan():
        bid = held()
        order = resting(side="SELL", triggerPrice=near(bid, -3), quantity=None, closePosition=True)
        client.market("SELL", QTY, True)
        until(lambda: client.position() == 0, "flat")
        until(lambda: order not in client.conditionals(), "the end of an order with nothing left to close")
        equal(client.conditional_row(order), ("EXPIRED", ""), "what became of it")

    def at_once():
        return resting(triggerPrice=near(client.touch()[0], -3))

    def too_late():
        refused(at_once, -2021)

    def as_order():
        refused(lambda: client.stop_as_order(near(client.touch()[1], 3)), -4120)

    lacks = client.lacks
    named = {
        "stop": stop,
        "stop query": query,
        "stop events": events,
        "stop cancel": cancel_all,
        "stop too late": too_late,
        "trigger": trigger,
        "trigger told": trigger_events,
        "take profit": take_profit,
        "trailing": trailing,
        "activation": activation,
        "stop dies": dies,
        "whole leg": whole,
        "orphan": orphan,
    }
    for name, act in named.items():
        step(name, act, lacks.get(name) or lacks.get("conditional"))
    step("stop as order", as_order, lacks.get("stop as order"))
