"""A strategy for freqtrade that buys at once and sells at once: enough to see the whole bot trade."""

from freqtrade.strategy import IStrategy


class RoundTrip(IStrategy):
    INTERFACE_VERSION = 3
    timeframe = "1m"
    minimal_roi = {"0": 10}
    stoploss = -0.5
    process_only_new_candles = False
    order_types = {"entry": "market", "exit": "market", "stoploss": "market", "stoploss_on_exchange": False}

    def populate_indicators(self, candles, metadata):
        return candles

    def populate_entry_trend(self, candles, metadata):
        candles["enter_long"] = 1
        return candles

    def populate_exit_trend(self, candles, metadata):
        return candles

    def leverage(self, *_, **__):
        return 5.0

    def custom_exit(self, *_, **__):
        return "round trip"
