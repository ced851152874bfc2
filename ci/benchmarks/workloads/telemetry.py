"""Measure the telemetry: rows per second of an import, and features over 20,000 tests on a store of many rows.

Runs with Cloche's modules and the group `telemetry`: `telemetry.py ROWS STORE`, where STORE is a file or a PostgreSQL URL.
"""

import json
import sys
import time
from collections.abc import Iterator

from sqlalchemy import text

from cloche.telemetry.features import features_as_of
from cloche.telemetry.importing import Reduction, store_runs
from cloche.telemetry.reports import ReportedExecution, ReportedRun
from cloche.telemetry.store import opened, reading

TESTS = 20_000
ROWS = int(sys.argv[1])


def runs() -> Iterator[ReportedRun]:
    """Yield runs of all tests, an hour apart, as the readers of reports do."""
    for number in range(ROWS // TESTS):
        executions = [
            ReportedExecution(
                f"tests/test_{n % 500}.py::test_{n}",
                f"tests/test_{n % 500}.py",
                "failed" if n * number % 97 == 1 else "passed",
                n / 1e4,
            )
            for n in range(TESTS)
        ]
        yield ReportedRun(f"run:{number}", "junit", "p", "real", (number + 1) * 3_600_000_000, executions)


def main() -> None:
    """Fill a store and ask it; print seconds (wall, processor) of the import and of two questions as one line of JSON."""
    store = sys.argv[2]
    with opened(store, create=True) as engine:
        start, used = time.monotonic(), time.process_time()
        store_runs(engine, runs(), Reduction())
        spent: dict[str, list[tuple[float, float]]] = {
            "import": [(time.monotonic() - start, time.process_time() - used)],
            "features": [],
        }
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
        for hour in (ROWS // TESTS + 1, ROWS // TESTS // 2):
            with reading(engine) as connection:
                start, used = time.monotonic(), time.process_time()
                found = features_as_of(connection, project="p", moment=hour * 3_600_000_000)
                spent["features"].append((time.monotonic() - start, time.process_time() - used))
                if len(found) != TESTS:
                    sys.exit(f"features of {len(found)} tests, not of {TESTS}")
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
