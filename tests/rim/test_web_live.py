"""Feed, views, application and server of the live page."""

import gzip
import http.client
import json
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from builders import homes, outcomes, run_result

from microgrid.domain.errors import PortTakenError, UnreachableError
from microgrid.web import LiveFeed, LiveServer, done_view, interval_view, run_view, status_view
from microgrid.web.app import STATIC
from microgrid.web.views import flows_view

RESULT = run_result(4, 6)


@pytest.fixture
def feed() -> LiveFeed:
    feed = LiveFeed()
    feed.publish(run_view(RESULT.homes, 6, "EUR"))
    for outcome in RESULT.intervals[:3]:
        feed.publish(interval_view(outcome, RESULT.homes))
    return feed


@pytest.fixture
def server(feed: LiveFeed) -> Iterator[LiveServer]:
    with LiveServer(feed) as running:
        yield running


def fetch(server: LiveServer, path: str) -> tuple[bytes, http.client.HTTPMessage]:
    with urllib.request.urlopen(server.url + path, timeout=60) as answer:  # noqa: S310 - loopback
        return answer.read(), answer.headers


@contextmanager
def stream(server: LiveServer, path: str = "/events", **headers: str) -> Iterator[Iterator[tuple[int, Any]]]:
    """The server-sent events of a connection as (id, event)."""
    connection = http.client.HTTPConnection(server.host, server.port, timeout=60)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    try:
        yield read_events(answer)
    finally:
        answer.close()
        connection.close()


def read_events(answer: http.client.HTTPResponse) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := answer.readline():
        name, _, value = line.decode().rstrip("\r\n").partition(": ")
        if name == "id":
            number = int(value)
        elif name == "data":
            yield number, json.loads(value)


def test_a_page_opened_late_gets_everything_so_far(server: LiveServer) -> None:
    state = json.loads(fetch(server, "state")[0])
    assert state["last_id"] == 4
    assert [item["index"] for item in state["intervals"]] == [o.interval.index for o in RESULT.intervals[:3]]
    assert [home["id"] for home in state["run"]["homes"]] == ["home-01", "home-02", "home-03", "home-04"]


def test_the_stream_replays_then_follows(server: LiveServer, feed: LiveFeed) -> None:
    with stream(server) as events:
        assert [next(events)[1]["type"] for _ in range(4)] == ["run", "interval", "interval", "interval"]
        feed.publish(interval_view(RESULT.intervals[3], RESULT.homes))
        number, event = next(events)
        assert (number, event["index"]) == (5, RESULT.intervals[3].interval.index)


def test_a_lost_connection_goes_on_after_the_last_event_id(server: LiveServer) -> None:
    with stream(server, "/events?after=0", **{"Last-Event-ID": "3"}) as events:
        assert next(events)[0] == 4


def test_closing_the_feed_ends_open_streams(server: LiveServer, feed: LiveFeed) -> None:
    with stream(server) as events:
        next(events)
        feed.close()
        assert [number for number, _ in events] == [2, 3, 4]


def test_only_the_newest_status_is_kept(feed: LiveFeed) -> None:
    feed.publish(status_view("clearing"))
    feed.publish(status_view("settling"))
    assert feed.snapshot()["status"]["text"] == "settling"
    assert [event["type"] for _, event in feed.since(4)] == ["status"]


def test_events_of_many_threads_all_arrive_in_order_of_their_ids() -> None:
    feed, views = LiveFeed(), [interval_view(o, homes(2)) for o in outcomes(homes(2), 50)]
    threads = [threading.Thread(target=lambda: [feed.publish(view) for view in views]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [number for number, _ in feed.since(0)] == list(range(1, 201))


def test_flows_balance_import_and_export() -> None:
    for outcome in RESULT.intervals:
        statements = outcome.settlement.statements
        flows = flows_view(statements)
        net = sum(s.import_wh - s.export_wh for s in statements)
        assert flows["from_grid_wh"] - flows["to_grid_wh"] == net
        assert flows["between_wh"] == outcome.auction.volume_wh


def test_views_hold_whole_numbers_and_survive_json() -> None:
    for view in (interval_view(RESULT.intervals[2], RESULT.homes), done_view(RESULT.readings)):
        assert json.loads(json.dumps(view)) == view
        assert not [value for value in view.values() if isinstance(value, float)]


def test_every_answer_forbids_other_hosts_and_inline_scripts(server: LiveServer) -> None:
    for path in ("", "static/app.js", "state"):
        policy = fetch(server, path)[1]["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy


def test_the_server_answers_health_checks(server: LiveServer) -> None:
    assert json.loads(fetch(server, "healthz")[0]) == {"status": "ok"}


def test_the_page_weighs_less_than_the_budget() -> None:
    weight = sum(len(gzip.compress(path.read_bytes())) for path in STATIC.iterdir())
    assert weight <= 15_000


def test_a_taken_port_is_refused_before_anything_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} on 127.0.0.1 is taken"):
            LiveServer(LiveFeed(), port=port)


def test_two_servers_that_have_not_started_cannot_share_a_port() -> None:
    first = LiveServer(LiveFeed())
    with pytest.raises(PortTakenError):
        LiveServer(LiveFeed(), port=first.port)
    first.stop()


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(UnreachableError, match=r"192\.0\.2\.1"):
        LiveServer(LiveFeed(), host="192.0.2.1")


def test_the_port_is_free_after_stop(feed: LiveFeed) -> None:
    with LiveServer(feed) as first, stream(first) as events:
        next(events)
        port = first.port
    with LiveServer(LiveFeed(), port=port) as second:
        assert second.port == port
