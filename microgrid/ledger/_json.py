"""A chain as JSON and back, to the byte."""

import msgspec

from microgrid.domain.blocks import Chain
from microgrid.domain.errors import LedgerError


def chain_to_json(chain: Chain) -> str:
    """A chain as one JSON document; its fields are those of the records."""
    return msgspec.json.encode(chain).decode()


def chain_from_json(text: str | bytes) -> Chain:
    """The chain of a document; whether it is sound, `validate` says.

    Raises:
        LedgerError: no JSON, or a field that is missing or of the wrong type.
    """
    try:
        return msgspec.json.decode(text, type=Chain)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LedgerError(what="chain document", found=str(error), right="what `chain_to_json` writes") from error
