"""The columns that a model sees of each pair of a change and a test, as a matrix."""

import numpy as np

from cloche.selection.learned.history import HISTORY, History, touched
from cloche.selection.learned.observation import TEST
from cloche.selection.learned.parts import PAIRS
from cloche.selection.learned.rows import BY_FILE, CHANGE, Row

Matrix = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Vector = np.ndarray[tuple[int], np.dtype[np.float64]]

# What is worked out of the others.
DERIVED = (
    "touched",
    "covered_functions_share",
    "covered_statements_share",
    "candidates_share",
    "closest",
    "narrowness",
    "sensitivity_share",
    "alike_failures_share",
)
COLUMNS = (*PAIRS, *DERIVED, *BY_FILE, *TEST, *CHANGE, *HISTORY)


def matrix(row: Row, history: History) -> Matrix:
    """Return one line per test of the row's suite, with the columns COLUMNS; every value is finite."""
    seen = row.observation
    size = len(seen.tests)
    columns: dict[str, Vector] = {}
    for name in PAIRS:
        columns[name] = np.zeros(size)
        sparse = seen.pairs[name]
        columns[name][list(sparse)] = list(sparse.values())
    columns["covered_functions_share"] = columns["covered_functions"] / max(1.0, seen.change["functions_changed"])
    columns["covered_statements_share"] = columns["covered_statements"] / max(1.0, seen.change["statements_changed"])
    columns["candidates_share"] = np.full(size, len(seen.candidates) / max(1, size))
    position = {file: index for index, file in enumerate(seen.test_files)}
    files = [position[test.partition("::")[0]] for test in seen.tests]
    for name in BY_FILE:
        columns[name] = np.array(seen.by_file[name], dtype=np.float64)[files]
    for name in TEST:
        column = np.array(getattr(seen, name), dtype=np.float64)
        columns[name] = column if name == "seconds" else np.log1p(column)
    for name in CHANGE:
        columns[name] = np.full(size, seen.change[name])
    columns |= history.columns(row)
    ran = np.zeros(size, dtype=bool)
    ran[touched(row)] = True
    # 1 / (the tests that ran what changed, as exactly as it is known), for those tests.
    columns["touched"] = ran / max(1, ran.sum())
    # How a test compares with the others that ran what changed.
    columns["closest"] = columns["closeness"] - columns["closeness"].max(initial=0.0, where=ran)
    statements = 1.0 + np.array(seen.statements, dtype=np.float64)
    columns["narrowness"] = np.where(ran, statements.min(initial=np.inf, where=ran) / statements, 0.0)
    for name in ("sensitivity", "alike_failures"):
        most = columns[name].max(initial=0.0, where=ran)
        columns[f"{name}_share"] = np.minimum(columns[name] / most, 2.0) if most else np.zeros(size)
    return np.column_stack([columns[name] for name in COLUMNS])


def failures(row: Row) -> Vector:
    """Return 1 for each test that failed, else 0."""
    found = np.zeros(len(row.observation.tests))
    found[row.failed] = 1.0
    return found
