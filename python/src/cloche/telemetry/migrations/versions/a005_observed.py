"""Changes in numbers, with the tests that failed."""

import sqlalchemy as sa
from alembic import op

revision = "a005"
down_revision = "a004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "suites",
        sa.Column("digest", sa.String(64), primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_table(
        "observed_changes",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("suite", sa.String(64), sa.ForeignKey("suites.digest"), nullable=False),
        sa.Column("failing", sa.Boolean, nullable=False),
        sa.Column("missed_some", sa.Boolean),
        sa.Column("missed", sa.Boolean),
        sa.Column("body", sa.Text, nullable=False),
        sa.CheckConstraint("origin IN ('imported', 'mutant', 'real')", name="observed_changes_origin"),
    )
    op.create_index("observed_changes_by_project", "observed_changes", ["project", "origin", "at"])
