"""The tables. Times are microseconds since 1970 in UTC, durations seconds; each row says where it comes from."""

from enum import StrEnum

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Origin(StrEnum):
    """Where a row comes from: a run here, a run on a mutant of the project, or somebody else's record."""

    REAL = "real"
    MUTANT = "mutant"
    IMPORTED = "imported"


ORIGINS = "origin IN ('imported', 'mutant', 'real')"
# An integer key that SQLite numbers by itself must be of its type INTEGER.
KEY = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The tables of one store."""


class Setting(Base):
    """What holds for the whole store, such as the salt of its reduced names."""

    __tablename__ = "settings"
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Run(Base):
    """One run of a suite. `key` names it wherever its report is read from, so that it is stored once."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint(ORIGINS, name="runs_origin"),
        Index("runs_by_project", "project", "finished"),
        Index("runs_by_commit", "project", "commit"),
    )
    id: Mapped[int] = mapped_column(KEY, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(200), unique=True)
    origin: Mapped[str] = mapped_column(String(8))
    # The kind of report: recording, pytest, junit, history.
    source: Mapped[str] = mapped_column(String(16))
    project: Mapped[str] = mapped_column(String(200))
    commit: Mapped[str | None] = mapped_column(String(64))
    branch: Mapped[str | None] = mapped_column(String(250))
    started: Mapped[int | None] = mapped_column(BigInteger)
    finished: Mapped[int] = mapped_column(BigInteger)
    # How many executions the report has, and the SHA-256 of what it says of them.
    reported: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64))
    # Whether all of them are stored; executions of a run that is not complete count nowhere.
    complete: Mapped[bool] = mapped_column(Boolean, server_default=false())


class Test(Base):
    """A test by its name in its project; `file` is the path below the project where it is known."""

    __tablename__ = "tests"
    __table_args__ = (UniqueConstraint("project", "name", name="tests_by_name"),)
    id: Mapped[int] = mapped_column(KEY, primary_key=True, autoincrement=True)
    project: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(Text)
    file: Mapped[str | None] = mapped_column(Text)


class Execution(Base):
    """One execution of one test: the position-th of its run. `passed` is null where it was skipped."""

    __tablename__ = "executions"
    __table_args__ = (
        CheckConstraint(ORIGINS, name="executions_origin"),
        # It holds all that features need, so that they never look at the table.
        Index("executions_by_test", "test_id", "at", "origin", "passed", "duration"),
        {"sqlite_with_rowid": False},
    )
    run_id: Mapped[int] = mapped_column(KEY, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    test_id: Mapped[int] = mapped_column(KEY, ForeignKey("tests.id"))
    at: Mapped[int] = mapped_column(BigInteger)
    origin: Mapped[str] = mapped_column(String(8))
    outcome: Mapped[str] = mapped_column(String(16))
    passed: Mapped[bool | None] = mapped_column(Boolean)
    duration: Mapped[float | None] = mapped_column(Float)


class Fact(Base):
    """One fact about the environment of a run, such as its Python."""

    __tablename__ = "environment"
    run_id: Mapped[int] = mapped_column(KEY, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text)


class Change(Base):
    """A commit, compared with its first parent."""

    __tablename__ = "changes"
    __table_args__ = (
        CheckConstraint(ORIGINS, name="changes_origin"),
        UniqueConstraint("project", "commit", name="changes_by_commit"),
    )
    id: Mapped[int] = mapped_column(KEY, primary_key=True, autoincrement=True)
    project: Mapped[str] = mapped_column(String(200))
    commit: Mapped[str] = mapped_column(String(64))
    origin: Mapped[str] = mapped_column(String(8))
    parent: Mapped[str | None] = mapped_column(String(64))
    branch: Mapped[str | None] = mapped_column(String(250))
    author: Mapped[str | None] = mapped_column(Text)
    at: Mapped[int] = mapped_column(BigInteger)
    lines_added: Mapped[int] = mapped_column(Integer)
    lines_deleted: Mapped[int] = mapped_column(Integer)
    files_changed: Mapped[int] = mapped_column(Integer)
    # Of all Python files together; null where one of them could not be parsed.
    complexity_delta: Mapped[int | None] = mapped_column(Integer)


class ChangedFile(Base):
    """A file that a change added, deleted or edited; the lines are null where git calls it binary."""

    __tablename__ = "changed_files"
    __table_args__ = (Index("changed_files_by_path", "path"),)
    change_id: Mapped[int] = mapped_column(KEY, ForeignKey("changes.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))
    lines_added: Mapped[int | None] = mapped_column(Integer)
    lines_deleted: Mapped[int | None] = mapped_column(Integer)


class ChangedHunk(Base):
    """A hunk, without context: lines of the file before and after (start and number, as `git diff -U0` has them)."""

    __tablename__ = "changed_hunks"
    change_id: Mapped[int] = mapped_column(KEY, ForeignKey("changes.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    old_start: Mapped[int] = mapped_column(Integer)
    old_lines: Mapped[int] = mapped_column(Integer)
    new_start: Mapped[int] = mapped_column(Integer)
    new_lines: Mapped[int] = mapped_column(Integer)


class ChangedFunction(Base):
    """A function or method that a change touched, by its qualified name; kind is added, deleted or edited."""

    __tablename__ = "changed_functions"
    change_id: Mapped[int] = mapped_column(KEY, ForeignKey("changes.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    kind: Mapped[str] = mapped_column(String(8))


class Result(Base):
    """What an experiment computed on one revision; `verdict` is that of its comparison with the baseline of then."""

    __tablename__ = "results"
    __table_args__ = (
        CheckConstraint(ORIGINS, name="results_origin"),
        Index("results_by_experiment", "project", "experiment", "platform", "at"),
    )
    id: Mapped[int] = mapped_column(KEY, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(250), unique=True)
    origin: Mapped[str] = mapped_column(String(8))
    project: Mapped[str] = mapped_column(String(200))
    experiment: Mapped[str] = mapped_column(String(200))
    # The platform class, such as x86-64-v2.
    platform: Mapped[str] = mapped_column(String(64))
    commit: Mapped[str | None] = mapped_column(String(64))
    branch: Mapped[str | None] = mapped_column(String(250))
    at: Mapped[int] = mapped_column(BigInteger)
    verdict: Mapped[str] = mapped_column(String(32))


class ResultValue(Base):
    """One number of a result, by its path; null where it is NaN."""

    __tablename__ = "result_values"
    result_id: Mapped[int] = mapped_column(KEY, ForeignKey("results.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    value: Mapped[float | None] = mapped_column(Float)


class Suite(Base):
    """The tests of a project at some time, with what is known of each; several observed changes share one."""

    __tablename__ = "suites"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    # JSON, as cloche.selection.learned.rows writes it.
    body: Mapped[str] = mapped_column(Text)


class ObservedChange(Base):
    """A change in numbers and the tests that failed with it: what a model of tests is made of."""

    __tablename__ = "observed_changes"
    __table_args__ = (
        CheckConstraint(ORIGINS, name="observed_changes_origin"),
        Index("observed_changes_by_project", "project", "origin", "at"),
    )
    # The SHA-256 of the body.
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    project: Mapped[str] = mapped_column(String(200))
    origin: Mapped[str] = mapped_column(String(8))
    at: Mapped[int] = mapped_column(BigInteger)
    suite: Mapped[str] = mapped_column(String(64), ForeignKey("suites.digest"))
    # Whether a test failed; whether the selection would have missed some of the failures, and all; null where none was made.
    failing: Mapped[bool] = mapped_column(Boolean)
    missed_some: Mapped[bool | None] = mapped_column(Boolean)
    missed: Mapped[bool | None] = mapped_column(Boolean)
    # JSON, as cloche.selection.learned.rows writes it.
    body: Mapped[str] = mapped_column(Text)
