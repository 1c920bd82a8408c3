"""Any Ethereum node by its JSON-RPC address."""

from microgrid.chain.remote import RemoteBackend

DEFAULT_URL = "http://127.0.0.1:8545"


def connect(url: str | None = None, start_s: int | None = None) -> RemoteBackend:
    """The node at `url` (`microgrid node`'s usual address by default).

    Raises:
        UnreachableError: nothing answers there as a node.
        BadInputError: no such address, or the chain's clock has passed `start_s`.
    """
    return RemoteBackend(url or DEFAULT_URL, start_s)
