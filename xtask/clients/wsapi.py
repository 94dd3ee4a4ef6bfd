"""The steps over the WebSocket API: requests on a socket, each with an answer of its own. `wsapi.mjs` is their twin."""

from told import QTY, check, equal, issue_key, near, refused, step


def steps(client):
    """Takes a client through all steps over the socket.

    ws_account() -> USDT wallet; ws_limit(side, qty, price) post-only -> id; ws_query(id) -> status, price;
    ws_modify(id, side, qty, price); ws_cancel(id); ws_conditional(**terms) -> id; ws_cancel_conditional(id);
    ws_logged_on(key, pem, side, qty, price) post-only -> id, on a socket whose session an Ed25519 key has logged on to.
    """
    held = {}

    def account():
        equal(client.ws_account(), client.account(), "the wallet, over the socket and over REST")

    def place():
        held["price"] = near(client.touch()[0], -3)
        held["id"] = client.ws_limit("BUY", QTY, held["price"])
        equal(client.query(held["id"]), ("NEW", held["price"]), "the order over REST")

    def query():
        equal(client.ws_query(held["id"]), ("NEW", held["price"]), "the order")

    def modify():
        price = held["price"] - 10
        client.ws_modify(held["id"], "BUY", QTY, price)
        equal(client.query(held["id"]), ("NEW", price), "after the change")

    def cancel():
        client.ws_cancel(held["id"])
        equal(client.query(held["id"])[0], "CANCELED", "status")

    def stop():
        terms = {"type": "STOP_MARKET", "side": "BUY", "quantity": QTY, "triggerPrice": near(client.touch()[1], 3)}
        order = client.ws_conditional(**terms)
        check(order in client.conditionals(), f"{order} is not among the open conditional orders")
        client.ws_cancel_conditional(order)
        check(order not in client.conditionals(), "still listed after the cancel")

    def placed(act):
        def run():
            if "id" not in held:
                place()
            act()

        return run

    def too_high():
        refused(lambda: client.ws_limit("BUY", QTY, near(client.touch()[1], 1)), -5022)

    def logon():
        price = near(client.touch()[0], -3)
        order = client.ws_logged_on("ws-ed25519", issue_key("ws-ed25519"), "BUY", QTY, price)
        equal(client.query(order), ("NEW", price), "the order over REST")
        client.cancel(order)

    named = {
        "ws account": account,
        "ws place": place,
        "ws query": placed(query),
        "ws modify": placed(modify),
        "ws cancel": placed(cancel),
        "ws stop": stop,
        "ws crossing": too_high,
        "ws logon": logon,
    }
    for name, act in named.items():
        step(name, act, client.lacks.get("ws") or client.lacks.get(name))
