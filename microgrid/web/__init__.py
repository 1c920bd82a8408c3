"""The live page: a run as it goes, in any browser, from this machine alone.

feed = LiveFeed()
with LiveServer(feed, host="127.0.0.1", port=8000) as server:
    feed.publish(run_view(homes, interval_count, currency, fee_micro_per_kwh))
    feed.publish(interval_view(outcome, homes))
    feed.publish(invariants_view(invariants))
    feed.publish(done_view(readings))
"""

from microgrid.web.live import LiveFeed
from microgrid.web.server import LiveServer
from microgrid.web.views import done_view, interval_view, invariants_view, run_view, status_view

__all__ = ["LiveFeed", "LiveServer", "done_view", "interval_view", "invariants_view", "run_view", "status_view"]
