"""Every error of the platform.

MicrogridError
├── BadInputError          what a person wrote is wrong: one sentence, exit code 2
│   ├── UnknownNameError       no plug-in of that name (also LookupError)
│   ├── DataFileError          a data file, with line and column
│   ├── ValueRefusedError      one value that cannot be: what, what was found, what would be right
│   │   ├── BookError              an order book that cannot be
│   │   ├── CommunityError         a community of homes that cannot be
│   │   ├── TariffError            prices that make no band, or none for a time
│   │   ├── LedgerError            a ledger that cannot be, or an entry that fits none
│   │   ├── MetricError            values that a metric is not defined for
│   │   └── PlanError              a battery, load or planning problem that cannot be
│   │       └── InfeasibleError        limits that no plan can keep, named in words
│   ├── ScenarioError          a key of a scenario that nobody knows, or a value that it cannot have
│   ├── SeriesError            a series too short for what is asked of it
│   ├── AgentError             an order of somebody's own agent that the market cannot take
│   ├── IntervalError          a time that begins no interval
│   ├── BrokerUrlError         a broker URL that is none
│   ├── StoreUrlError          a database URL that is none
│   ├── StoreInUseError        a database that holds another run's readings
│   ├── UnreachableError       a broker, node or database that does not answer
│   ├── PortTakenError         a port somebody else listens on
│   ├── RunFolderError         a folder that holds no run, or that no run may be written to
│   ├── InvalidKeyError        a private key that is none
│   ├── ClockAheadError        a chain past the time that is wanted
│   ├── DeploymentFileError    a file that names no contracts on the chain in use
│   └── MissingPartError       a program or package that is not installed
├── ChainError             a transaction or call failed
│   ├── ContractRevertError    base of the typed errors that mirror the Solidity ones
│   ├── OrderRefusedError      an order that the contract refused with a result code
│   ├── ReportRefusedError     a device's report that a contract refused with a result code
│   ├── StaleNonceError        a signed transaction whose nonce another one used
│   ├── RejectedTransactionError a transaction that cannot enter a block
│   ├── ExecutionRevertedError a simulated call that failed
│   └── UnknownBlockError      a block that a chain does not have
├── WireError              bytes that are no frame
├── SilenceError           no meter was heard
├── StoreError             the database refused
├── CompilationError       the Solidity compiler found errors
├── ArtifactError          a shipped contract artifact is not what its sources give
├── SolverError            a solver found no answer to a problem that has one
├── BenchmarkError         a benchmark that did not come to an end
├── AuditError             a number that does not follow from what happened
└── InvariantError         a sum that must be zero is not
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from difflib import get_close_matches


class MicrogridError(Exception):
    """Root of all errors raised on purpose."""


class BadInputError(MicrogridError):
    """What a person wrote cannot be used; the message names what, where and what would be right."""


class ValueRefusedError(BadInputError):
    """Base of the errors about one value that cannot be: what it is, what was found, what would be right."""

    def __init__(self, *, what: str, found: object, right: str) -> None:
        self.what, self.found, self.right = what, found, right
        super().__init__(f"{what} is {found}; it must be {right}")


class UnknownNameError(BadInputError, LookupError):
    """No plug-in of that name."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, tuple(sorted(known))
        close = get_close_matches(name, self.known, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        super().__init__(f"unknown {kind} {name!r}: {hint}known are {', '.join(self.known)}")


class DataFileError(BadInputError):
    """A data file that cannot be used."""

    def __init__(self, path: str, reason: str, *, line: int | None = None, column: str | None = None) -> None:
        self.path, self.reason, self.line, self.column = path, reason, line, column
        where = path + (f", line {line}" if line is not None else "") + (f", column {column!r}" if column else "")
        super().__init__(f"{where}: {reason}")


class IntervalError(BadInputError):
    """A time that begins no interval."""

    def __init__(self, time: str, seconds: int, reason: str) -> None:
        self.time, self.seconds = time, seconds
        super().__init__(f"time {time} {reason} ({seconds} s)")


class BookError(ValueRefusedError):
    """An order book that cannot be: no number, a negative quantity, an id used twice."""


class CommunityError(ValueRefusedError):
    """A community of homes that cannot be: a share outside 0…1, a range upside down, an empty mix."""


class SeriesError(BadInputError):
    """A series too short to be forecast and compared."""

    def __init__(self, *, found: int, first_origin: int, per_day: int, horizon: int) -> None:
        self.found, self.first_origin = found, first_origin
        super().__init__(
            f"the series has {found} intervals and its first forecast would know {first_origin}; needed are more than "
            f"a day ({per_day}) before it and {horizon} after it"
        )


class TariffError(ValueRefusedError):
    """Prices that make no band (feed-in above retail, below zero), or no price for a time."""


class ScenarioError(BadInputError):
    """A key of a scenario that nobody knows (`found` is None), or a value that it cannot have."""

    def __init__(self, key: str, found: object, right: str) -> None:
        self.key, self.found, self.right = key, found, right
        wrong = f"there is no key {key}; {right}" if found is None else f"{key} is {found!r}; it must be {right}"
        super().__init__(wrong)


class AgentError(BadInputError):
    """An order of somebody's own agent that the market cannot take: which agent, in which step (from 0), and why."""

    def __init__(self, agent: str, step: int, reason: str) -> None:
        self.agent, self.step = agent, step
        super().__init__(f"{agent}, step {step}: {reason}")


class LedgerError(ValueRefusedError):
    """A ledger that cannot be (rules out of range, a document that holds no chain), or an entry that fits none."""


class PlanError(ValueRefusedError):
    """A planning problem that cannot be: a wrong shape, a value that is no number or outside its range."""


class MetricError(ValueRefusedError):
    """Values that a metric is not defined for."""


class InfeasibleError(PlanError):
    """No plan keeps all limits; the message says which ones stand against each other.

    Attributes:
        limits: One clause for each limit that cannot be kept.
    """

    def __init__(self, limits: Sequence[str]) -> None:
        self.limits = tuple(limits)
        BadInputError.__init__(self, "; ".join(self.limits))


class BrokerUrlError(BadInputError):
    """A broker URL that is none."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            f"broker URL {url!r} cannot be used: expected mqtt://[user:password@]host[:port], or mqtts:// for TLS"
        )


class StoreUrlError(BadInputError):
    """A database URL that is none."""

    def __init__(self, url: str) -> None:
        self.url = url
        super().__init__(
            f"database URL {url!r} cannot be used: expected sqlite:///FILE, sqlite:// (memory) or "
            "postgresql://USER:PASSWORD@HOST/NAME"
        )


class StoreInUseError(BadInputError):
    """A database that holds another run's readings."""

    def __init__(self, readings: int) -> None:
        self.readings = readings
        super().__init__(
            f"the database holds {readings} readings of an earlier run; a run begins with an empty one: "
            "name another with --store, or delete it"
        )


class UnreachableError(BadInputError):
    """A broker, node or database that does not answer."""

    def __init__(self, what: str, url: str, reason: str) -> None:
        self.what, self.url = what, url
        super().__init__(f"{what} at {url} cannot be reached: {reason}")


class PortTakenError(BadInputError):
    """A port somebody else listens on."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        super().__init__(
            f"port {port} on {host} is taken; free it or choose another with --port (0 takes any free one)"
        )


class RunFolderError(BadInputError):
    """A folder that holds no run, or that no run may be written to."""

    def __init__(self, path: str, reason: str) -> None:
        self.path = path
        super().__init__(f"run folder {path}: {reason}")


class InvalidKeyError(BadInputError):
    """A private key that is none; the message never shows it."""

    def __init__(self, source: str) -> None:
        super().__init__(f"{source} holds no private key: expected 64 hexadecimal digits, with or without 0x")


class MissingPartError(BadInputError):
    """A program or package that is not installed."""

    def __init__(self, part: str, remedy: str) -> None:
        self.part = part
        super().__init__(f"{part} is not installed; {remedy}")


class ClockAheadError(BadInputError):
    """A chain whose clock has passed the time that is wanted and cannot be set back."""

    def __init__(self, url: str, now: str, wanted: str, wanted_s: int) -> None:
        super().__init__(
            f"the chain at {url} stands at {now}, after the wanted {wanted}, and time never runs back: start a fresh "
            f"node with `microgrid node --start {wanted}` (Anvil: `--timestamp {wanted_s}`) or choose a later start"
        )


class DeploymentFileError(BadInputError):
    """A file that names no contracts on the chain in use."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path} {reason}; `microgrid deploy` writes a fresh one")


class ChainError(MicrogridError):
    """A transaction or call that failed for another reason than a contract's own error."""


class ContractRevertError(ChainError):
    """Base of the typed errors that mirror the errors declared in Solidity, same name and values.

    Attributes:
        values: The error's arguments by name.
        meaning: What the error means, in words; empty where nobody says.
    """

    meaning = ""

    def __init__(self, **values: object) -> None:
        self.values = values
        shown = ", ".join(f"{name}={value}" for name, value in values.items())
        super().__init__(f"{type(self).__name__}({shown})")

    def __str__(self) -> str:
        """Name and values, then the meaning."""
        return f"{super().__str__()}: {self.meaning}" if self.meaning else super().__str__()


class OrderRefusedError(ChainError):
    """An order that the contract refused with a result code."""

    def __init__(self, trader: str, interval: int, result: str) -> None:
        self.trader, self.interval, self.result = trader, interval, result
        super().__init__(f"the order of {trader} for interval {interval} was refused: {result}")


class ReportRefusedError(ChainError):
    """A device's report that a contract refused."""

    def __init__(self, device: str, reason: str) -> None:
        self.device, self.reason = device, reason
        super().__init__(f"the report of {device!r} was refused: {reason}")


class StaleNonceError(ChainError):
    """The nonce of a signed transaction was used by another one."""


class RejectedTransactionError(ChainError):
    """A transaction that cannot enter a block; the message says why in the words that Ethereum nodes use."""


class ExecutionRevertedError(ChainError):
    """A call that ended in an error; `output` is the revert data, empty where the machine itself stopped it."""

    def __init__(self, output: bytes, reason: str) -> None:
        self.output = output
        super().__init__(f"execution reverted{': ' + reason if reason else ''}")


class UnknownBlockError(ChainError):
    """A block that this chain does not have."""


class WireError(MicrogridError):
    """Bytes that are no frame."""


class SilenceError(MicrogridError):
    """No meter was heard: the broker is gone, and no later interval would go better."""

    def __init__(self, waited_s: float) -> None:
        super().__init__(f"no reading of any meter came within {waited_s:g} s; is the MQTT broker still up?")


class StoreError(MicrogridError):
    """The database refused."""


class InvariantError(MicrogridError):
    """A sum that must be exact is not."""

    def __init__(self, name: str, error: int, where: str) -> None:
        self.name, self.error, self.where = name, error, where
        super().__init__(f"invariant {name!r} is off by {error} {where}")


class CompilationError(MicrogridError):
    """The Solidity compiler found errors; the message is its own."""


class ArtifactError(MicrogridError):
    """A shipped contract artifact is not what its sources give."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}; `microgrid contracts compile` makes the artifacts anew")


class SolverError(MicrogridError):
    """A solver ended without an answer although the limits can be kept."""

    def __init__(self, *, solver: str, status: str) -> None:
        self.solver, self.status = solver, status
        super().__init__(f"{solver} found no plan and ended with {status!r}")


class BenchmarkError(MicrogridError):
    """A process that a benchmark measures failed."""

    def __init__(self, command: str, reason: str) -> None:
        self.command, self.reason = command, reason
        super().__init__(f"the benchmark's process `{command.strip()}` failed: {reason}")


class AuditError(MicrogridError):
    """What is recorded does not follow from the events and readings; the first difference found."""

    def __init__(self, what: str, recorded: object, recomputed: object, where: str, *, of: str = "") -> None:
        what = f"{what} of {of}" if of else what
        self.what, self.recorded, self.recomputed, self.where = what, recorded, recomputed, where
        numbers = isinstance(recorded, int | Decimal) and isinstance(recomputed, int | Decimal)
        difference = f", off by {Decimal(recorded) - Decimal(recomputed):+f}" if numbers else ""  # type: ignore[arg-type]
        super().__init__(f"{what}: {where} has {recorded}, but recomputed it is {recomputed}{difference}")
