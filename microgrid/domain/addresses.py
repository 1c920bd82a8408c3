"""Where a broker listens, as people write it: `mqtt://[user[:password]@]host[:port]`, `mqtts://` for TLS."""

import re
from dataclasses import dataclass, field

from microgrid.domain.errors import BrokerUrlError

MQTT_PORT = 1_883
MQTTS_PORT = 8_883
MAX_PORT = 65_535

_PATTERN = re.compile(
    r"(?P<scheme>mqtts?)://(?:(?P<user>[^:@/]*)(?::(?P<password>.*))?@)?(?P<host>\[[0-9a-fA-F:.]+\]|[^:@/\[\]\s]+)(?::(?P<port>\d+))?/?"
)
_ESCAPE = re.compile(r"%([0-9a-fA-F]{2})")


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """A parsed broker URL; its text never shows the password."""

    host: str
    port: int
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = f"{self.username}@" if self.username else ""
        return f"mqtt{'s' if self.tls else ''}://{user}{host}:{self.port}"


def parse_broker_url(url: str) -> BrokerAddress:
    """The address in a broker URL; user and password may be percent-encoded.

    Raises:
        BrokerUrlError: it is no such URL.
    """
    match = _PATTERN.fullmatch(url.strip())
    if match is None:
        raise BrokerUrlError(without_password(url))
    tls = match["scheme"] == "mqtts"
    port = int(match["port"] or (MQTTS_PORT if tls else MQTT_PORT))
    if not 0 < port <= MAX_PORT:
        raise BrokerUrlError(without_password(url))
    return BrokerAddress(match["host"].strip("[]"), port, tls, _plain(match["user"]), _plain(match["password"]))


def _plain(text: str | None) -> str | None:
    if not text:
        return None
    raw = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return raw.encode("latin-1").decode() if raw.isascii() or "%" in text else raw


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    return re.sub(r"(//[^:@/]*):.*@", r"\1:***@", url)
