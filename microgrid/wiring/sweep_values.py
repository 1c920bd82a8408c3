"""Values of a sweep as typed: `key=a,b,[2,3]` and seeds."""

from collections.abc import Iterator, Sequence

from microgrid.domain.errors import BadInputError

OPENING, CLOSING, QUOTES = "[{(", "]})", "\"'"


def parse_vary(assignments: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Values by key, from KEY=A,B,…; commas within brackets and quotes belong to a value.

    Raises:
        BadInputError: no key, no values, an empty value, a key named twice.
    """
    vary: dict[str, tuple[str, ...]] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        key = key.strip()
        if not equals or not key:
            message = f"--vary {assignment!r} names no values; write it as KEY=A,B such as batteries.share=0.2,0.8"
            raise BadInputError(message)
        if key in vary:
            message = f"--vary names {key} twice; give all its values in one list"
            raise BadInputError(message)
        vary[key] = _values(key, text)
    return vary


def parse_seeds(seeds: str | None, repeat: int | None) -> tuple[int, ...]:
    """Seeds from a list or a number of repeats.

    Raises:
        BadInputError: both are given, or the list holds something else than whole numbers of 0 or more.
    """
    if seeds is None:
        return tuple(range(repeat or 1))
    if repeat is not None:
        message = "--seeds and --repeat both say which seeds to use; give one of them"
        raise BadInputError(message)
    values = _values("seeds", seeds)
    for value in values:
        if not (value.isascii() and value.isdigit()):
            message = f"seed {value!r} is no whole number of 0 or more; write --seeds 0,1,2"
            raise BadInputError(message)
    return tuple(int(value) for value in values)


def _values(key: str, text: str) -> tuple[str, ...]:
    values = tuple(value.strip() for value in split_outside_brackets(text))
    if not all(values):
        what = "no values" if len(values) == 1 else "an empty value"
        message = f"{key} has {what} in {text!r}; write {key}=A,B"
        raise BadInputError(message)
    return values


def split_outside_brackets(text: str) -> Iterator[str]:
    """Parts between the commas that stand in no bracket and no quotes."""
    depth, quote, start = 0, "", 0
    for position, sign in enumerate(text):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in QUOTES:
            quote = sign
        elif sign in OPENING:
            depth += 1
        elif sign in CLOSING:
            depth -= 1
        elif sign == "," and depth == 0:
            yield text[start:position]
            start = position + 1
    yield text[start:]
