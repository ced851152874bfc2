"""Read published CI histories: tables of builds x tests in CSV or Parquet, one verdict a row.

The columns are those of the RTPTorrent and RETECS data: Name (the test), Verdict (1 failed, 0 passed), Duration
(seconds, or milliseconds in the tables of ABB, which have no BuildId), LastRun, and BuildId or else Cycle.
"""

import csv
import glob
import io
import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from cloche.errors import MISSHAPEN, ClocheError, ExitCode
from cloche.telemetry.reports import ReportedExecution, ReportedRun, checked_text, moment_of
from cloche.telemetry.sources import About
from cloche.untrusted import regular_file
from cloche.untrusted.limits import TELEMETRY

NEEDED = ("Name", "Duration", "LastRun", "Verdict")


def read_history(path: Path, about: About) -> Iterator[ReportedRun]:
    """Yield one run per build, in the order of the builds; the file's name is part of each key.

    Raises ClocheError for a column that is absent or a value that is none.
    """
    columns, rows = _parquet(path) if path.suffix == ".parquet" else _csv(path)
    if absent := [name for name in NEEDED if name not in columns]:
        raise ClocheError(f"{path}: a history has the columns {', '.join(NEEDED)}; absent: {', '.join(absent)}")
    build = next((columns.index(name) for name in ("BuildId", "Cycle") if name in columns), None)
    if build is None:
        raise ClocheError(f"{path}: a history has a column BuildId or Cycle; it has none")
    unit = 1 if "BuildId" in columns else 1000
    name, duration, last, verdict = (columns.index(column) for column in NEEDED)
    numbered = list(enumerate(rows, start=1))
    try:
        # Rows of one build stay in the order of the file.
        numbered.sort(key=lambda row: int(row[1][build]))
        for number, group in groupby(numbered, key=lambda row: int(row[1][build])):
            executions = [
                _execution(row, path, line, name, verdict, _number(row[duration]) / unit, row[last])
                for line, row in group
            ]
            finished = max(execution.at or 0 for execution in executions)
            yield ReportedRun(
                key=f"history:{about.project}:{path.name}:{number}",
                source="history",
                project=about.project,
                origin=about.origin or "imported",
                finished=finished,
                executions=executions,
                branch=about.branch,
            )
    except (csv.Error, *MISSHAPEN) as error:
        raise ClocheError(f"{path}: a row is not as its columns say: {error}") from error


def _number(text: str) -> float:
    """Return a number in which thousands may be parted by commas."""
    return float(text.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+\.\d+", text) else text)


def _execution(  # noqa: PLR0913, PLR0917 - the places of the columns
    row: list[str], path: Path, line: int, name: int, verdict: int, duration: float, last: str
) -> ReportedExecution:
    where = f"{path}, row {line}"
    if row[verdict] not in {"0", "1"}:
        raise ClocheError(f"{where}: {row[verdict]!r} is no verdict: 1 is failed, 0 is passed")
    outcome = "failed" if row[verdict] == "1" else "passed"
    # A negative duration stands for an unknown one.
    known = duration if duration >= 0 else None
    return ReportedExecution(checked_text(row[name], where), None, outcome, known, moment_of(last, where))


def _csv(path: Path) -> tuple[list[str], Iterable[list[str]]]:
    try:
        text = regular_file.read(path, TELEMETRY).decode("utf-8-sig")
    except OSError as error:
        raise ClocheError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ClocheError(f"{path}: byte {error.start} is no UTF-8") from error
    head = text.partition("\n")[0]
    table = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    return next(table, []), table


def _parquet(path: Path) -> tuple[list[str], Iterable[list[str]]]:
    try:
        import duckdb  # noqa: PLC0415 - only for these files
    except ImportError as error:
        raise ClocheError(
            f"{path}: reading Parquet needs the package duckdb; install it, or convert the table to CSV",
            ExitCode.ENVIRONMENT_LACKS,
        ) from error
    # Nothing is looked for outside: what reads Parquet is part of the wheel.
    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    try:
        # It takes paths for patterns, and a folder called Cycle=1 for a column.
        query = "SELECT * FROM read_parquet(?, hive_partitioning = false)"
        found = connection.execute(query, [glob.escape(str(path))])
        columns = [column[0] for column in found.description or []]
        return columns, [[str(value) for value in row] for row in found.fetchall()]
    except duckdb.Error as error:
        raise ClocheError(f"{path}: it cannot be read as Parquet: {str(error).splitlines()[0]}") from error
    finally:
        connection.close()
