"""Outcomes of a former run: which tests failed last time."""

from collections.abc import Iterable
from pathlib import Path

from cloche.errors import MISSHAPEN, ClocheError
from cloche.outcomes import junit
from cloche.outcomes.failures import failing
from cloche.selection.impact.recording import test_of
from cloche.untrusted import regular_file, strict_json
from cloche.untrusted.limits import TELEMETRY


def bad_results(path: Path, fault: str) -> ClocheError:
    """Return the error of results of a former run that cannot be read."""
    return ClocheError(f"{path} holds no test results ({fault}); --results takes JUnit XML or Cloche's outcomes.json")


def failed(path: Path) -> set[str]:
    """Return the failed tests of a JUnit XML file or of Cloche's outcomes.json, as "classname::name".

    Raises ClocheError.
    """
    try:
        data = regular_file.read(path, TELEMETRY)
    except OSError as error:
        raise bad_results(path, f"it can't be read: {error.strerror}") from error
    try:
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
            cases = junit.parse(data)
            if not cases:
                raise bad_results(path, "it has no testcase")
            return {case.test for case in cases if failing(case.outcome)}
        tests = strict_json.loads(data, what="the file", limit=TELEMETRY)["tests"]
        return {str(entry["test"]) for entry in tests if failing(entry["outcome"])}
    except junit.ReportError as error:
        raise bad_results(path, str(error)) from error
    except (strict_json.BadJsonError, *MISSHAPEN) as error:
        raise bad_results(path, f"{type(error).__name__}: {error}") from error


def seconds(path: Path) -> dict[str, float]:
    """Return the durations in a JUnit XML file that pytest wrote here, by "classname::name" without parameters."""
    found: dict[str, float] = {}
    for case in junit.parse(path.read_bytes()):
        key = f"{case.classname}::{case.name.partition('[')[0]}"
        found[key] = found.get(key, 0.0) + (case.seconds or 0.0)
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
