"""Keys of a scenario file: each has a kind, a unit, a range and a sentence, and is read by these alone."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from datetime import date, time
from difflib import get_close_matches
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from microgrid.domain import plugins
from microgrid.domain.errors import ScenarioError

Section = TypeVar("Section")


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key.

    Attributes:
        help: What it sets.
        unit: Unit of its value; empty where it has none.
        least: Smallest number allowed.
        most: Largest number allowed.
        choices: The values allowed; empty where any will do.
        plugin: Kind of plug-in that it names.
    """

    help: str
    unit: str
    least: float | None = None
    most: float | None = None
    choices: tuple[Any, ...] = ()
    plugin: str | None = None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A line of the documentation: the full name of a key, its default as TOML has it, and the rest."""

    name: str
    default: Any
    unit: str
    help: str


def key(default: Any, help: str, unit: str, **limits: Any) -> Any:  # noqa: A002 - the field's word
    """A dataclass field with a default and a `Key`."""
    return field(default=default, metadata={"key": Key(help, unit, **limits)})


def table(help: str, unit: str) -> Any:  # noqa: A002 - the field's word
    """A dataclass field that holds numbers by name, none by default."""
    return field(default_factory=dict, metadata={"key": Key(help, unit)})


def key_rows(section: type[Any], prefix: str = "") -> Iterator[KeyRow]:
    """All keys of a section and of those within it, in their order."""
    hints = get_type_hints(section)
    for entry in fields(section):
        if is_dataclass(hints[entry.name]):
            yield from key_rows(hints[entry.name], f"{prefix}{entry.name}.")
        else:
            known = _key(entry)
            yield KeyRow(prefix + entry.name, _default(entry), known.unit, known.help)


def read_section(section: type[Section], document: Mapping[str, Any], prefix: str) -> Section:
    """Make a section from parsed TOML.

    Raises:
        ScenarioError: an unknown key, a value of another kind or out of range.
        UnknownNameError: a plug-in that does not exist.
    """
    hints = get_type_hints(section)
    for name in document:
        if name not in hints:
            raise ScenarioError(prefix + name, None, _known(name, hints))
    values = {}
    for entry in fields(section):  # type: ignore[arg-type]
        if document.get(entry.name) is not None:
            values[entry.name] = _read(entry, hints[entry.name], document[entry.name], prefix + entry.name)
    return section(**values)


def replace_keys(document: dict[str, Any], settings: Mapping[str, str]) -> dict[str, Any]:
    """Set dotted keys to values as typed: TOML where it is TOML, else text.

    Raises:
        ScenarioError: a key below one that holds no section.
    """
    for name, text in settings.items():
        *path, last = name.split(".")
        place: Any = document
        for part in path:
            place = place.setdefault(part, {})
            if not isinstance(place, dict):
                raise ScenarioError(name, text, f"a key; {part} holds no section")
        place[last] = _typed(text)
    return document


def _typed(text: str) -> Any:
    import tomllib  # noqa: PLC0415 - only where a setting is given

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return float(text)  # .3 is no TOML, but people write it
    except ValueError:
        return text


def _key(entry: "Field[Any]") -> Key:
    known: Key = entry.metadata["key"]
    return known


def _default(entry: "Field[Any]") -> Any:
    if entry.default is not MISSING:
        return entry.default
    return entry.default_factory() if entry.default_factory is not MISSING else None


def _known(name: str, hints: Mapping[str, Any]) -> str:
    close = get_close_matches(name, hints, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}known are {', '.join(hints)}"


def _read(entry: "Field[Any]", kind: Any, value: Any, name: str) -> Any:
    if isinstance(kind, type) and is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise ScenarioError(name, value, f"a section, [{name}]")
        return read_section(kind, value, f"{name}.")
    kind = _without_none(kind)
    if get_origin(kind) is tuple:
        return _read_pair(entry, get_args(kind)[0], value, name)
    if get_origin(kind) is Mapping:
        return _read_table(value, name)
    return _read_value(_key(entry), kind, value, name)


def _without_none(kind: Any) -> Any:
    """`float` of `float | None`: absent is None, TOML has no word for it."""
    return next(part for part in get_args(kind) if part is not NoneType) if isinstance(kind, UnionType) else kind


def _read_pair(entry: "Field[Any]", kind: type, value: Any, name: str) -> tuple[Any, Any]:
    """From and to; a single number is both."""
    if isinstance(value, Real) and not isinstance(value, bool):
        value = [value, value]
    if not isinstance(value, list | tuple) or len(value) != 2:  # noqa: PLR2004 - a pair
        raise ScenarioError(name, value, "two numbers, [from, to]")
    low, high = (_read_value(_key(entry), kind, item, name) for item in value)
    if low > high and not name.endswith("hours"):  # a window of hours may span midnight
        raise ScenarioError(name, list(value), "two numbers, the smaller first")
    return low, high


def _read_table(value: Any, name: str) -> dict[str, float]:
    if not isinstance(value, Mapping):
        raise ScenarioError(name, value, f"a section of numbers, [{name}]")
    for parameter, number in value.items():
        if isinstance(number, bool) or not isinstance(number, int | float):
            place = f"{name}.{parameter}"
            raise ScenarioError(place, number, "a number")
    return dict(value)


def _read_value(known: Key, kind: type, value: Any, name: str) -> Any:
    if not isinstance(value, bool):  # numbers of numpy are numbers, too
        if kind is float and isinstance(value, Real):
            value = float(value)
        elif kind is int and isinstance(value, Integral):
            value = int(value)
    if kind is str and isinstance(value, date | time):  # TOML has a word for times, and people leave out the quotes
        value = value.isoformat()
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ScenarioError(name, value, _KINDS[kind])
    if known.choices and value not in known.choices:
        raise ScenarioError(name, value, f"one of {', '.join(map(str, known.choices))}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(known, value, name)
    if known.plugin:
        value = str(value).replace("-", "_")
        plugins.load(known.plugin, value)
    return value


def _check_range(known: Key, value: float, name: str) -> None:
    """NaN compares false with everything, so it is in no range."""
    low = known.least if known.least is not None else -float("inf")
    high = known.most if known.most is not None else float("inf")
    if not low <= value <= high:
        unit = f" {known.unit}" if known.unit else ""
        raise ScenarioError(name, value, f"from {low:g} to {high:g}{unit}")


_KINDS: Mapping[type, str] = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
