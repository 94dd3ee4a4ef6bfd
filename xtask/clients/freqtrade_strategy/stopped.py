"""A strategy for freqtrade that buys at once and leaves the rest to a stop at the venue."""

from round_trip import RoundTrip


class Stopped(RoundTrip):
    stoploss = -0.1
    order_types = RoundTrip.order_types | {"stoploss_on_exchange": True}

    def custom_exit(self, *_, **__):
        return None
