"""Changes: their files, hunks and functions."""

import sqlalchemy as sa
from alembic import op

revision = "a002"
down_revision = "a001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "changes",
        sa.Column("id", key, primary_key=True, autoincrement=True),
        sa.Column("project", sa.String(200), nullable=False),
        sa.Column("commit", sa.String(64), nullable=False),
        sa.Column("origin", sa.String(8), nullable=False),
        sa.Column("parent", sa.String(64)),
        sa.Column("branch", sa.String(250)),
        sa.Column("author", sa.Text),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("lines_added", sa.Integer, nullable=False),
        sa.Column("lines_deleted", sa.Integer, nullable=False),
        sa.Column("files_changed", sa.Integer, nullable=False),
        sa.Column("complexity_delta", sa.Integer),
        sa.CheckConstraint("origin IN ('imported', 'mutant', 'real')", name="changes_origin"),
        sa.UniqueConstraint("project", "commit", name="changes_by_commit"),
    )

    def change() -> sa.Column[int]:
        return sa.Column("change_id", key, sa.ForeignKey("changes.id", ondelete="CASCADE"), primary_key=True)

    op.create_table(
        "changed_files",
        change(),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("lines_added", sa.Integer),
        sa.Column("lines_deleted", sa.Integer),
    )
    op.create_index("changed_files_by_path", "changed_files", ["path"])
    op.create_table(
        "changed_hunks",
        change(),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("old_start", sa.Integer, nullable=False),
        sa.Column("old_lines", sa.Integer, nullable=False),
        sa.Column("new_start", sa.Integer, nullable=False),
        sa.Column("new_lines", sa.Integer, nullable=False),
    )
    op.create_table(
        "changed_functions",
        change(),
        sa.Column("path", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.String(8), nullable=False),
    )
