"""Outcomes of a former run: which tests failed last time."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from pathlib import Path

from cloche import regular_file
from cloche.impact.errors import BadResultsError
from cloche.impact.recording import test_of
from cloche.limits import TELEMETRY


def failed(path: Path) -> set[str]:
    """Return the failed tests of a JUnit XML file or of Cloche's outcomes.json, as "classname::name".

    Raises BadResultsError.
    """
    try:
        data = regular_file.read(path, TELEMETRY)
    except OSError as error:
        raise BadResultsError(path, f"it can't be read: {error.strerror}") from error
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise BadResultsError(path, "it declares entities, which no test runner does")
    try:
        if data.lstrip().startswith(b"<"):
            cases = list(ET.fromstring(data).iter("testcase"))  # noqa: S314 - entities are refused above
            if not cases:
                raise BadResultsError(path, "it has no testcase")
            return {
                f"{case.get('classname', '')}::{case.get('name', '')}"
                for case in cases
                if any(child.tag in {"failure", "error"} for child in case)
            }
        tests = json.loads(data)["tests"]
        return {str(entry["test"]) for entry in tests if entry["outcome"] in {"failed", "error"}}
    except (ET.ParseError, ValueError, KeyError, TypeError) as error:
        raise BadResultsError(path, f"{type(error).__name__}: {error}") from error


def seconds(path: Path) -> dict[str, float]:
    """Return the durations in a JUnit XML file that pytest wrote here, by "classname::name" without parameters."""
    found: dict[str, float] = {}
    for case in ET.parse(path).iter("testcase"):  # noqa: S314 - its own pytest wrote it
        name = case.get("name", "").partition("[")[0]
        key = f"{case.get('classname', '')}::{name}"
        found[key] = found.get(key, 0.0) + float(case.get("time", "0"))
    return found


def junit_name(test: str) -> str:
    """Return "classname::name" of a test as pytest's JUnit XML has it, without parameters."""
    file, *rest = test.split("::")
    parts = file.removesuffix(".py").replace("/", ".").split(".") if file.endswith(".py") else file.split("/")
    *classes, name = rest or [""]
    return f"{'.'.join([*parts, *classes])}::{name}"


def match(names: Iterable[str], tests: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the tests that the names of results belong to, and the names that belong to none."""
    known: dict[str, list[str]] = {}
    for test in tests:
        known.setdefault(junit_name(test), []).append(test)
    found: set[str] = set()
    lost: set[str] = set()
    for name in names:
        classname, separator, rest = name.partition("::")
        short = classname + separator + test_of(f"::{rest}")[2:]
        if short in known:
            found |= set(known[short])
        else:
            lost.add(name)
    return found, lost
