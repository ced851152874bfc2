"""Results of experiments: their numbers, by revision."""

import sqlalchemy as sa
from alembic import op

revision = "a004"
down_revision = "a002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "results",
        sa.Column("id", key, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(250), nullable=False, unique=True),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("experiment", sa.String(200), nullable=False),
        sa.Column("platform", sa.String(64), nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("branch", sa.String(250)),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.CheckConstraint("origin IN ('imported', 'mutant', 'real')", name="results_origin"),
    )
    op.create_index("results_by_experiment", "results", ["project", "experiment", "platform", "at"])
    op.create_table(
        "result_values",
        sa.Column("result_id", key, sa.ForeignKey("results.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("value", sa.Float),
    )
