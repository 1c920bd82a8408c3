"""Homes as the market meets them: a forecast becomes a signed order."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from microgrid.domain.interfaces import EnergyArray, Forecaster, Strategy
from microgrid.domain.intervals import Interval
from microgrid.domain.records import PriceBand, SignedOrder, order_for
from microgrid.domain.run import HomeInfo
from microgrid.domain.wire import SigningDomain, SigningKey, sign_order


class Bid(NamedTuple):
    """What a home expects of an interval and the order it signs for it; None where it stays out."""

    forecast_wh: int
    signed: SignedOrder | None


@dataclass(frozen=True)
class HomeAgent:
    """A home that trades.

    Attributes:
        home: Who it is.
        key: Key of its account.
        net_wh: Net energy (import less export) of each interval of the run, shape (T,): what its meter will show.
        history_wh: Net energy of the intervals before the run, oldest first, shape (H,), H may be 0.
        forecaster: Turns what is past into the next interval's net energy.
        strategy: Turns that into a limit price.
    """

    home: HomeInfo
    key: SigningKey
    net_wh: EnergyArray
    history_wh: EnergyArray
    forecaster: Forecaster
    strategy: Strategy

    def bid(self, step: int, interval: Interval, band: PriceBand, domain: SigningDomain) -> Bid:
        """Forecast the `step`-th interval of the run and sign an order for it, good until the interval begins."""
        forecast_wh = self.forecaster.forecast(self._known_wh(step), int(self.net_wh[step]))
        limit = self.strategy.limit_price(forecast_wh, band, band.fee)
        if limit is None:
            return Bid(forecast_wh, None)
        order = order_for(self.home.account, interval, forecast_wh, limit)
        return Bid(forecast_wh, sign_order(order, self.key, domain))

    def _known_wh(self, step: int) -> EnergyArray:
        """Net energy before `step`; the gate closes inside the last interval, so that one repeats its predecessor."""
        past = np.concatenate([self.history_wh, self.net_wh[:step]])
        if past.size:
            past = past[:-1] if past.size == 1 else np.append(past[:-1], past[-2])
        return past
