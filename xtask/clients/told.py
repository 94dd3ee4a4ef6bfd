"""How the outcome of a step is told (one JSON line a step), and what every script shares. `told.mjs` is the same for JavaScript."""

import asyncio
import json
import os
import subprocess
import threading
import time
import traceback
import urllib.request
from decimal import Decimal

URL = os.environ.get("SIM_URL", "http://127.0.0.1:18080")
WS = URL.replace("http", "ws", 1)
KEY = os.environ.get("SIM_KEY", "key")
SECRET = os.environ.get("SIM_SECRET", "secret")
SYMBOL = "BTCUSDT"
QTY = Decimal("0.010")


def tell(step, outcome, why=""):
    print(json.dumps({"step": step, "outcome": outcome, "why": why}), flush=True)


def step(name, act, lacks=None):
    """Runs one step; True when it passed. A client that lacks what the step needs is not asked."""
    if lacks:
        tell(name, "none", lacks)
        return False
    try:
        act()
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
    """Waits for something that arrives on its own, such as an event of the private stream.

    Longer from time to time: a probe may be a request, and those have a limit.
    """
    deadline = time.monotonic() + seconds
    pause = 0.02
    while not probe():
        check(time.monotonic() < deadline, f"{what}: not within {seconds} s")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def refused(act, code):
    """Passes when the library raises, and what it raises (or what it was raised from) names the venue's code."""
    try:
        answer = act()
    except Exception as error:
        said, cause = "", error
        while cause is not None:
            said, cause = f"{said} {cause!r} {cause}", cause.__cause__ or cause.__context__
        check(str(code) in said, f"expected {code}, got {type(error).__name__}: {error}")
        return
    raise AssertionError(f"expected {code}, but it was accepted: {answer}")


def near(price, percent):
    """A price on the grid, that many percent away."""
    return (price * (100 + Decimal(percent)) / 100).quantize(Decimal("0.1"))


def operate(door, body=None):
    """Asks the simulator's operator, past the client, for what happens at an exchange that no client asks for."""
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    body = None if body is None else json.dumps(body).encode()
    return json.load(straight.open(f"{URL}/sim/{door}", body, timeout=10))


def issue_key(name):
    """Has the operator issue the account a key of the other kind, Ed25519; gives its private half as PEM."""
    ask = lambda *words, **more: subprocess.run(["openssl", *words], check=True, capture_output=True, text=True, **more).stdout
    private = ask("genpkey", "-algorithm", "ed25519")
    operate("key", {"key": name, "public_key": ask("pkey", "-pubout", input=private), "account_of": KEY})
    return private


def move(price):
    """Moves the market, and waits until it has traded there."""
    operate("price", {"symbol": SYMBOL, "price": str(price)})

    def traded():
        row = next(row for row in operate("state")["symbols"] if row["symbol"] == SYMBOL)
        return abs(Decimal(row["last"]) / price - 1) < Decimal("0.002")

    until(traded, f"a trade near {price}")


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
