"""Read reports of runs: recording derivations, the plugin's JSON lines, JUnit XML of any runner."""

import hashlib
import json
import math
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from cloche import limits, regular_file, strict_json
from cloche.telemetry.errors import BadSourceError, TooFewCasesError
from cloche.telemetry.reports import (
    PASSED,
    SECOND,
    ReportedExecution,
    ReportedRun,
    checked_text,
    moment_of,
    node_of_pytest,
)

# The version of the JSON lines that cloche.telemetry.plugin writes.
VERSION = 1


@dataclass(frozen=True)
class About:
    """What the user says of the reports: all of it applies where the report itself doesn't say."""

    project: str
    # The moment, in microseconds, at which runs that have no time of their own count as finished.
    at: int
    origin: str | None = None
    commit: str | None = None
    branch: str | None = None


def read_recording(folder: Path, about: About) -> Iterator[ReportedRun]:
    """Yield the run of a recording derivation: its output `out`, or `log`, which holds the durations and a link to `out`.

    The key is the content: a recording that came from a cache is no new execution, and so it is stored once.
    """
    record, durations = folder, {}
    if (folder / "durations.json").exists():
        record = folder / "record"
        durations = _object(folder / "durations.json")
    path = record / "outcomes.json"
    data = _object(path)
    if data.get("version") != 1:
        raise BadSourceError(path, f"its version is {data.get('version')!r}, and this Cloche reads 1")
    executions = []
    for entry in data.get("tests", []):
        match entry:
            case {"test": str(test), "outcome": str(outcome)} if outcome in PASSED:
                classname, _, name = checked_text(test, path).partition("::")
                node, file = node_of_pytest(classname, name)
                executions.append(ReportedExecution(node, file, outcome, _seconds(durations.get(test), path)))
            case _:
                raise BadSourceError(path, f"this is no outcome of a test: {json.dumps(entry)[:200]}")
    if sum(data.get("counts", {}).values()) != len(executions):
        counted = sum(data.get("counts", {}).values())
        raise TooFewCasesError(path, "counts", counted, len(executions))
    run = ReportedRun(
        key="",
        source="recording",
        project=about.project,
        origin=about.origin or "real",
        finished=about.at,
        executions=executions,
    )
    run.commit, run.branch = about.commit, about.branch
    run.key = f"recording:{about.project}:{run.digest()}"
    yield run


def _object(path: Path) -> dict[str, Any]:
    try:
        data = strict_json.loads(regular_file.read(path, limits.TELEMETRY), what=str(path), limit=limits.TELEMETRY)
    except OSError as error:
        raise BadSourceError(path, str(error.strerror)) from error
    if not isinstance(data, dict):
        raise BadSourceError(path, "it holds no object")
    return data


def _seconds(value: object, source: object) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise BadSourceError(source, f"{value!r} is no duration") from error
    if not math.isfinite(seconds) or seconds < 0:
        raise BadSourceError(source, f"{value!r} is no duration")
    return seconds


def read_junit(path: Path, about: About) -> Iterator[ReportedRun]:
    """Yield the run of a JUnit XML file. Its key is the digest of the file.

    Tests are named as pytest names them where pytest wrote the file, else `classname::name`; their file is the attribute
    `file` where a runner gives it. Raises BadSourceError, and TooFewCasesError where a suite holds less than it declares.
    """
    try:
        data = regular_file.read(path, limits.TELEMETRY)
        root = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except OSError as error:
        raise BadSourceError(path, str(error.strerror)) from error
    except ET.ParseError as error:
        raise BadSourceError(path, f"it is no XML: {error}") from error
    except DefusedXmlException as error:
        raise BadSourceError(path, "it has a DTD or entities, which no report of tests needs") from error
    if root.tag not in {"testsuites", "testsuite"}:
        raise BadSourceError(path, f"its root is <{root.tag}>, where JUnit XML has <testsuites> or <testsuite>")
    executions: list[ReportedExecution] = []
    finished, started = None, None
    for suite in root.iter("testsuite"):
        cases = suite.findall("testcase")
        # A suite of suites declares the sum.
        declared, held = _declared(suite, path), len(list(suite.iter("testcase")))
        if declared > held:
            raise TooFewCasesError(path, suite.get("name", ""), declared, held)
        start = moment_of(suite.get("timestamp", ""), path) if suite.get("timestamp") else None
        end = start + round((_seconds(suite.get("time") or 0, path) or 0) * SECOND) if start is not None else None
        executions += [_case(case, path, pytest=suite.get("name") == "pytest", at=end) for case in cases]
        if start is not None and end is not None:
            started = start if started is None else min(started, start)
            finished = end if finished is None else max(finished, end)
    yield ReportedRun(
        key=f"junit:{about.project}:{hashlib.sha256(data).hexdigest()}",
        source="junit",
        project=about.project,
        origin=about.origin or "imported",
        started=started,
        finished=about.at if finished is None else finished,
        executions=executions,
        commit=about.commit,
        branch=about.branch,
    )


def _declared(suite: ET.Element, path: Path) -> int:
    text = suite.get("tests") or "0"
    if not text.isdecimal():
        raise BadSourceError(path, f"a suite has {text!r} tests, which is no number")
    return int(text)


def _case(case: ET.Element, path: Path, *, pytest: bool, at: int | None) -> ReportedExecution:
    classname, name = (checked_text(case.get(key) or "", path) for key in ("classname", "name"))
    outcome = "passed"
    # A test that was skipped, or failed as expected, can still fail when its fixtures end: the failure counts.
    for tag, kind in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        child = case.find(tag)
        if child is not None:
            expected = tag == "skipped" and child.get("type") == "pytest.xfail"
            outcome = "xfailed" if expected else kind
            break
    # Some runners write thousands with commas.
    duration = _seconds((case.get("time") or "").replace(",", "") or None, path)
    file = case.get("file")
    if pytest and classname and not file:
        test, file = node_of_pytest(classname, name)
    elif pytest and not classname:
        # A file that could not be collected.
        test = file = name if name.endswith(".py") else name.replace(".", "/") + ".py"
    else:
        test = f"{classname}::{name}" if classname else name
    return ReportedExecution(test, checked_text(file, path) if file else None, outcome, duration, at)


def read_lines(path: Path, about: About) -> Iterator[ReportedRun]:
    """Yield the runs of a file that the pytest plugin wrote, one JSON object a line.

    A last line that was cut off, and a run without an end, are what a killed process leaves: the run is then open.
    """
    run: ReportedRun | None = None
    try:
        file = regular_file.open_regular(path)
    except OSError as error:
        raise BadSourceError(path, str(error.strerror)) from error
    with file:
        for number, line in enumerate(file, start=1):
            where = f"{path}, line {number}"
            if not line.endswith(b"\n"):
                break
            entry = _entry(line, where)
            kind = entry.get("kind")
            if kind == "run":
                if run is not None:
                    yield run
                run = _begun(entry, where, about)
            elif kind == "execution" and run is not None:
                run.executions.append(_executed(entry, where))
                run.finished = max(run.finished, run.executions[-1].at or 0)
            elif kind == "end" and run is not None:
                if entry.get("executions") != len(run.executions):
                    raise TooFewCasesError(where, run.key, int(entry.get("executions", -1)), len(run.executions))
                run.finished, run.open = int(entry["at"]), False
            else:
                raise BadSourceError(where, "it is neither a run nor what follows one")
    if run is not None:
        yield run


def _entry(line: bytes, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except ValueError as error:
        raise BadSourceError(where, f"it is no JSON: {error}") from error
    return entry if isinstance(entry, dict) else {}


def _begun(entry: dict[str, Any], where: str, about: About) -> ReportedRun:
    if entry.get("version") != VERSION:
        raise BadSourceError(where, f"its version is {entry.get('version')!r}, and this Cloche reads {VERSION}")
    match entry:
        case {"run": str(name), "at": int(at), "environment": dict(facts)}:
            return ReportedRun(
                key=f"pytest:{checked_text(name, where)}",
                source="pytest",
                project=about.project,
                origin=about.origin or "real",
                started=at,
                finished=at,
                executions=[],
                commit=about.commit or entry.get("commit"),
                branch=about.branch or entry.get("branch"),
                open=True,
                facts={str(fact): checked_text(str(value), where) for fact, value in facts.items()},
            )
    raise BadSourceError(where, "a run has the names run, at and environment")


def _executed(entry: dict[str, Any], where: str) -> ReportedExecution:
    match entry:
        case {"test": str(test), "file": str() | None as file, "outcome": str(outcome), "at": int(at)} if (
            outcome in PASSED
        ):
            test = checked_text(test, where)
            return ReportedExecution(test, file, outcome, _seconds(entry.get("duration"), where), at)
    raise BadSourceError(where, "an execution has the names test, file, outcome, duration and at")
