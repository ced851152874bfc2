"""`select-tests` with a model, a budget or in shadow mode: what it reads, and in which order."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cloche.errors import MISSHAPEN
from cloche.selection.impact.verb import Answer
from cloche.selection.impact.verdict import Verdict
from cloche.selection.learned import model as models
from cloche.selection.learned.ranking import Question, rank
from cloche.selection.learned.rows import Row
from cloche.selection.learned.shadow import shadow
from cloche.selection.learned.store import rows_of, seen_of
from cloche.telemetry.address import DEFAULT, Address, of_environment
from cloche.telemetry.reports import microseconds
from cloche.telemetry.store import NoStoreError, opened, reading
from cloche.untrusted import toml
from cloche.untrusted.limits import LOCK
from cloche.untrusted.toml import BadTomlError


def project_name(folder: Path) -> str:
    """Return the name in a folder's pyproject.toml, else the folder's."""
    try:
        name = toml.load(folder / "pyproject.toml", limit=LOCK)["project"]["name"]
    except (OSError, BadTomlError, *MISSHAPEN):
        name = folder.resolve().name
    return str(name)


def store_of(folder: Path, named: Address | None) -> Address:
    """Return the store that was named, else the one of the environment, else the project's."""
    return named or of_environment() or Address(folder / DEFAULT)


class Session:
    """What one call of `select-tests` knows."""

    def __init__(
        self, folder: Path, store: Address | None, model: Path | None, recall: float, budget: float | None
    ) -> None:
        """Read the model, and the rows of the store if there is one. Raises ClocheError and the store's errors."""
        self.folder = folder
        self.store = store_of(folder, store)
        self.name = project_name(folder)
        at = microseconds(datetime.now(UTC))
        read = None if model is None else models.load(model, self.name)
        self.question = Question(self.name, self._rows(), read, at, recall, budget)

    def _rows(self) -> list[Row]:
        try:
            with opened(self.store) as engine, reading(engine) as connection:
                return rows_of(connection, self.name)
        except NoStoreError:
            return []

    def verdict(self, answer: Answer) -> Verdict:
        """Return the verdict on a change."""
        return rank(answer, self.question)

    def trusted(self, runs: int, say: Callable[[str], None]) -> bool:
        """Say whether shadow mode has seen enough: so many runs with failures, and no more misses than the recall allows."""
        try:
            with opened(self.store) as engine, reading(engine) as connection:
                seen = seen_of(connection, self.name)
        except NoStoreError:
            say(
                f"shadow: 0 of {runs} runs with failures seen, so everything runs; --shadow-runs 0 trusts the selection"
            )
            return False
        if seen.failing < runs:
            say(
                f"shadow: {seen.failing} of {runs} runs with failures seen, so everything runs; --shadow-runs 0 trusts the "
                "selection"
            )
            return False
        allowed = (1 - self.question.recall) * seen.failing
        if seen.missed > allowed:
            say(
                f"shadow: {seen.missed} of {seen.failing} changes with failures would have been missed, more than a recall of "
                f"{self.question.recall:.0%} allows, so everything runs"
            )
            return False
        return True

    def shadow(self, verdict: Verdict, arguments: Sequence[str], say: Callable[[str], None]) -> int:
        """Run everything and keep what came of it; return pytest's exit code."""
        with opened(self.store, create=True) as engine:
            return shadow(verdict, self.question, self.folder, arguments, say, engine=engine, store=self.store)
