"""First schema: readings, marks, chain outbox and dead letters."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _keys(*, nullable: bool = False) -> list[sa.Column[int]]:
    return [
        sa.Column("device_id", sa.Integer, sa.ForeignKey("devices.id"), nullable=nullable),
        sa.Column("epoch", sa.BigInteger, nullable=nullable),
        sa.Column("sequence", sa.BigInteger, nullable=nullable),
    ]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False) for name in names]


def upgrade() -> None:
    """Create all tables."""
    op.create_table(
        "devices",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.Text, nullable=False, unique=True),
    )
    op.create_table(
        "readings",
        *_keys(),
        *_numbers("timestamp_s", "import_wh", "export_wh", "power_w", "voltage_mv", "quality"),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("device_id", "epoch", "sequence"),
    )
    op.create_table("high_water", *_keys(), sa.PrimaryKeyConstraint("device_id"))
    _create_chain_tables()
    _create_dead_letters()


def _create_chain_tables() -> None:
    op.create_table(
        "chain_batches",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("raw_transaction", sa.LargeBinary, nullable=False),
        sa.Column("finished", sa.Boolean, nullable=False),
    )
    op.create_table(
        "chain_outbox",
        *_keys(),
        sa.Column("batch", sa.BigInteger, sa.ForeignKey("chain_batches.number"), nullable=True),
        sa.Column("position", sa.Integer, nullable=True),
        sa.Column("result", sa.SmallInteger, nullable=True),
        sa.PrimaryKeyConstraint("device_id", "epoch", "sequence"),
    )
    op.create_index("chain_outbox_by_batch", "chain_outbox", ["batch", "position"])


def _create_dead_letters() -> None:
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("reason", sa.String(40), nullable=False),
        sa.Column("explanation", sa.Text, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.Column("first_seen_utc", sa.DateTime, nullable=False, server_default=sa.func.now()),
        sa.Column("count", sa.BigInteger, nullable=False),
        *_keys(nullable=True),
    )
    op.create_index("dead_letters_by_key", "dead_letters", ["device_id", "epoch", "sequence"])


def downgrade() -> None:
    """Drop all tables."""
    for table in ("dead_letters", "chain_outbox", "chain_batches", "high_water", "readings", "devices"):
        op.drop_table(table)
