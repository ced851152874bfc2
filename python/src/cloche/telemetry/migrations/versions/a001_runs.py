"""Runs, tests, executions and environments."""

import sqlalchemy as sa
from alembic import op

revision = "a001"
down_revision = None
branch_labels = None
depends_on = None

ORIGINS = "origin IN ('imported', 'mutant', 'real')"


def upgrade() -> None:
    """Make the tables."""
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "settings", sa.Column("name", sa.String(64), primary_key=True), sa.Column("value", sa.Text, nullable=False)
    )
    op.create_table(
        "runs",
        sa.Column("id", key, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(200), nullable=False, unique=True),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("branch", sa.String(250)),
        sa.Column("started", sa.BigInteger),
        sa.Column("finished", sa.BigInteger, nullable=False),
        sa.Column("reported", sa.Integer, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.CheckConstraint(ORIGINS, name="runs_origin"),
    )
    op.create_index("runs_by_project", "runs", ["project", "finished"])
    op.create_index("runs_by_commit", "runs", ["project", "commit"])
    op.create_table(
        "tests",
        sa.Column("id", key, primary_key=True, autoincrement=True),
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("file", sa.Text),
        sa.UniqueConstraint("project", "name", name="tests_by_name"),
    )
    op.create_table(
        "executions",
        sa.Column("run_id", key, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("test_id", key, sa.ForeignKey("tests.id"), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("passed", sa.Boolean),
        sa.Column("duration", sa.Float),
        sa.CheckConstraint(ORIGINS, name="executions_origin"),
        sqlite_with_rowid=False,
    )
    op.create_index("executions_by_test", "executions", ["test_id", "at", "origin", "passed", "duration"])
    op.create_table(
        "environment",
        sa.Column("run_id", key, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
