#!/usr/bin/env python3
"""Measure the telemetry: rows per second of an import, and features over 20,000 tests on a store of many rows.

Runs with Cloche's modules and the group `telemetry`: CLOCHE_ROWS=N says how many executions (default: a million).
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from cloche.telemetry.features import features_as_of
from cloche.telemetry.importing import Reduction, store_runs
from cloche.telemetry.reports import ReportedExecution, ReportedRun
from cloche.telemetry.store import opened, reading

TESTS = 20_000
ROWS = int(os.environ.get("CLOCHE_ROWS", "1000000"))


def runs() -> Iterator[ReportedRun]:
    """Yield runs of all tests, an hour apart, as the readers of reports do."""
    for number in range(ROWS // TESTS):
        executions = [
            ReportedExecution(f"tests/test_{n % 500}.py::test_{n}", f"tests/test_{n % 500}.py", "failed" if n * number % 97 == 1 else "passed", n / 1e4)
            for n in range(TESTS)
        ]
        yield ReportedRun(f"run:{number}", "junit", "p", "real", (number + 1) * 3_600_000_000, executions)


def main() -> None:
    """Fill a store and ask it; figures go to standard output."""
    with tempfile.TemporaryDirectory() as folder:
        store = sys.argv[1] if sys.argv[1:] else str(Path(folder, "store.sqlite"))
        with opened(store, create=True) as engine:
            start, used = time.monotonic(), time.process_time()
            store_runs(engine, runs(), Reduction())
            total, busy = time.monotonic() - start, time.process_time() - used
            print(f"import: {ROWS} executions in {total:.1f} s, {ROWS / total:,.0f} rows/s, {ROWS / busy:,.0f} per second of processor ({engine.dialect.name})")
            if engine.dialect.name == "postgresql":
                with engine.connect() as connection:
                    connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE"))
            for moment in ((ROWS // TESTS + 1) * 3_600_000_000, ROWS // TESTS // 2 * 3_600_000_000):
                with reading(engine) as connection:
                    start, used = time.monotonic(), time.process_time()
                    found = features_as_of(connection, project="p", moment=moment)
                    print(f"features: {len(found)} tests as of hour {moment // 3_600_000_000} in {time.monotonic() - start:.2f} s, {time.process_time() - used:.2f} s of processor")


if __name__ == "__main__":
    main()
