"""JSON-RPC 2.0: requests in, responses out, alone or in batches."""

from dataclasses import dataclass, field
from typing import Any

from microgrid.chain.evm import LocalChain
from microgrid.chain.methods import METHODS, NodeMethods
from microgrid.chain.shapes import hexadecimal
from microgrid.domain.errors import ExecutionRevertedError, RejectedTransactionError, UnknownBlockError

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
SERVER_ERROR, EXECUTION_REVERTED = -32000, 3


@dataclass
class JsonRpc:
    """Answers requests about one chain; callers serialise access to it."""

    chain: LocalChain
    _methods: NodeMethods = field(init=False)

    def __post_init__(self) -> None:
        self._methods = NodeMethods(self.chain)

    def answer(self, request: Any) -> Any:
        """The response to one request or a batch of them, None for a notification."""
        if isinstance(request, list):
            answers = [self._answer_one(item) for item in request]
            return (
                [item for item in answers if item is not None] if answers else _failure(None, INVALID_REQUEST, "empty")
            )
        return self._answer_one(request)

    def _answer_one(self, request: Any) -> dict[str, Any] | None:
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return _failure(None, INVALID_REQUEST, "a request is an object with a method")
        response = self.call(request["method"], request.get("params") or [], request.get("id"))
        return response if "id" in request else None

    def call(self, name: str, params: list[Any], request_id: Any = 0) -> dict[str, Any]:
        """The response to one call, with `result` or `error`."""
        if name not in METHODS:
            return _failure(request_id, METHOD_NOT_FOUND, f"the method {name} does not exist/is not available")
        try:
            return {"jsonrpc": "2.0", "id": request_id, "result": getattr(self._methods, METHODS[name])(*params)}
        except ExecutionRevertedError as error:
            return _failure(request_id, EXECUTION_REVERTED, str(error), hexadecimal(error.output))
        except (RejectedTransactionError, UnknownBlockError) as error:
            return _failure(request_id, SERVER_ERROR, str(error))
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            return _failure(request_id, INVALID_PARAMS, f"invalid params for {name}: {error}")


def _failure(request_id: Any, code: int, message: str, data: str | None = None) -> dict[str, Any]:
    error = {"code": code, "message": message} | ({} if data is None else {"data": data})
    return {"jsonrpc": "2.0", "id": request_id, "error": error}
