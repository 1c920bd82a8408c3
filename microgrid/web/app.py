"""The page and its one stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

from fastapi import FastAPI, Header, Query
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from microgrid import __version__
from microgrid.web.live import LiveFeed

STATIC = Path(__file__).parent / "static"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
LEAST_COMPRESSED_BYTES = 500


class SecurityHeaders:
    """Adds the headers to every response, the stream's too, without touching its body."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def send_secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_secured)


def create_app(feed: LiveFeed) -> FastAPI:
    """A read-only application that shows what the feed brings: `/`, `/state`, `/events`, `/healthz`."""
    app = FastAPI(title="microgrid live", version=__version__, docs_url=None, redoc_url=None)
    app.add_middleware(GZipMiddleware, minimum_size=LEAST_COMPRESSED_BYTES)

    app.add_middleware(SecurityHeaders)

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        """Whether the server answers."""
        return {"status": "ok"}

    @app.get("/state")
    def state() -> dict[str, Any]:
        """All that has happened so far; `last_id` is where the stream goes on."""
        return feed.snapshot()

    @app.get("/events")
    async def events(
        after: Annotated[int, Query(ge=0)] = 0, last_event_id: Annotated[int | None, Header(ge=0)] = None
    ) -> EventSourceResponse:
        """One server-sent event an event, `id` its number; goes on after `Last-Event-ID`, or else after `after`."""
        return EventSourceResponse(_stream(feed, after if last_event_id is None else last_event_id))

    @app.get("/", include_in_schema=False)
    def index() -> FileResponse:
        return FileResponse(STATIC / "index.html")

    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


async def _stream(feed: LiveFeed, after: int) -> AsyncIterator[ServerSentEvent]:
    """Events as they come until the feed closes."""
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    with feed.watching(lambda: loop.call_soon_threadsafe(news.set)):
        while True:
            news.clear()
            closed = feed.closed
            for number, event in feed.since(after):
                after = number
                yield ServerSentEvent(json.dumps(event, separators=(",", ":")), id=str(number))
            if closed:
                return
            await news.wait()
