"""The tables. Integer keys throughout: a device's name is written once.

`readings` and `dead_letters` are only ever added to; `high_water`, `chain_outbox` and `chain_batches` say how far each
has come.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    func,
)

metadata = MetaData()

devices = Table(
    "devices",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
)


def _key_columns() -> list[Column[int]]:
    """Device, epoch and sequence: the key under which a reading exists once."""
    device: Column[int] = Column("device_id", Integer, ForeignKey("devices.id"), primary_key=True)
    epoch: Column[int] = Column("epoch", BigInteger, primary_key=True, autoincrement=False)
    sequence: Column[int] = Column("sequence", BigInteger, primary_key=True, autoincrement=False)
    return [device, epoch, sequence]


readings = Table(
    "readings",
    metadata,
    *_key_columns(),
    Column("timestamp_s", BigInteger, nullable=False),
    Column("import_wh", BigInteger, nullable=False),
    Column("export_wh", BigInteger, nullable=False),
    Column("power_w", BigInteger, nullable=False),
    Column("voltage_mv", BigInteger, nullable=False),
    Column("quality", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
)

high_water = Table(
    "high_water",
    metadata,
    Column("device_id", Integer, ForeignKey("devices.id"), primary_key=True, autoincrement=False),
    Column("epoch", BigInteger, nullable=False),
    Column("sequence", BigInteger, nullable=False),
)

chain_outbox = Table(
    "chain_outbox",
    metadata,
    *_key_columns(),
    Column("batch", BigInteger, ForeignKey("chain_batches.number"), nullable=True),
    Column("position", Integer, nullable=True),
    Column("result", SmallInteger, nullable=True),
    Index("chain_outbox_by_batch", "batch", "position"),
)

chain_batches = Table(
    "chain_batches",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("raw_transaction", LargeBinary, nullable=False),
    Column("finished", Boolean, nullable=False),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("topic", Text, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("explanation", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("first_seen_utc", DateTime, nullable=False, server_default=func.now()),
    Column("count", BigInteger, nullable=False),
    # Set where the letter is an authentic reading refused for good: then it uses up its number.
    Column("device_id", Integer, ForeignKey("devices.id"), nullable=True),
    Column("epoch", BigInteger, nullable=True),
    Column("sequence", BigInteger, nullable=True),
    Index("dead_letters_by_key", "device_id", "epoch", "sequence"),
)
