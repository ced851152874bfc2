"""Read reports of runs: recording derivations, the plugin's JSON lines, JUnit XML of any runner."""

import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cloche.errors import MISSHAPEN, ClocheError, ExitCode
from cloche.outcomes import junit
from cloche.outcomes.junit import IncompleteError
from cloche.telemetry.reports import (
    PASSED,
    SECOND,
    ReportedExecution,
    ReportedRun,
    checked_text,
    moment_of,
    node_in_file,
    node_of_pytest,
)
from cloche.untrusted import limits, regular_file, strict_json
from cloche.untrusted.moments import moment

# The version of the JSON lines that cloche.telemetry.plugin writes.
VERSION = 1


def too_few_cases(source: object, fault: IncompleteError) -> ClocheError:
    """Return the error of a report that holds less than it says; `fault` says what."""
    return ClocheError(f"{source}: {fault}; nothing was imported", ExitCode.CHECK_FAILED)


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
        raise ClocheError(f"{path}: its version is {data.get('version')!r}, and this Cloche reads 1")
    executions = []
    match data:
        case {"counts": dict(counts), "tests": list(tests)} if all(type(each) is int for each in counts.values()):
            pass
        case _:
            raise ClocheError(f"{path}: it has no counts and tests, as a recording has them")
    for entry in tests:
        match entry:
            case {"test": str(test), "outcome": str(outcome)} if outcome in PASSED:
                classname, _, name = checked_text(test, path).partition("::")
                node, file = node_of_pytest(classname, name)
                executions.append(ReportedExecution(node, file, outcome, _seconds(durations.get(test), path)))
            case _:
                raise ClocheError(f"{path}: this is no outcome of a test: {json.dumps(entry)[:200]}")
    if (counted := sum(counts.values())) != len(executions):
        raise too_few_cases(path, junit.IncompleteError("counts", f"{counted} tests", len(executions)))
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
        data = strict_json.load(path, limit=limits.TELEMETRY)
    except OSError as error:
        raise ClocheError(f"{path}: {error.strerror}") from error
    if not isinstance(data, dict):
        raise ClocheError(f"{path}: it holds no object")
    return data


def _seconds(value: object, source: object) -> float | None:
    if value is None:
        return None
    try:
        seconds = float(value)  # type: ignore[arg-type]
    except MISSHAPEN as error:
        raise ClocheError(f"{source}: {value!r} is no duration") from error
    if not math.isfinite(seconds) or seconds < 0:
        raise ClocheError(f"{source}: {value!r} is no duration")
    return seconds


def read_junit(path: Path, about: About) -> Iterator[ReportedRun]:
    """Yield the run of a JUnit XML file. Its key is the digest of the file.

    Tests are named as pytest names them where pytest wrote the file or the attribute `file` tells, else `classname::name`;
    their file is that attribute where a runner gives it. Raises ClocheError where a suite holds less
    than it declares.
    """
    try:
        data = regular_file.read(path, limits.TELEMETRY)
        cases = junit.parse(data)
    except OSError as error:
        raise ClocheError(f"{path}: {error.strerror}") from error
    except junit.IncompleteError as error:
        raise too_few_cases(path, error) from error
    except junit.ReportError as error:
        raise ClocheError(f"{path}: {error}") from error
    times: dict[int, tuple[int, int] | None] = {}
    executions = []
    for case in cases:
        when = _time(case.suite, path, times)
        node, file = _named(case, path)
        executions.append(ReportedExecution(node, file, case.outcome, case.seconds, when and when[1]))
    spans = [span for span in times.values() if span is not None]
    yield ReportedRun(
        key=f"junit:{about.project}:{hashlib.sha256(data).hexdigest()}",
        source="junit",
        project=about.project,
        origin=about.origin or "imported",
        started=min((start for start, _ in spans), default=None),
        finished=max((end for _, end in spans), default=about.at),
        executions=executions,
        commit=about.commit,
        branch=about.branch,
    )


def _time(suite: junit.Suite, path: Path, known: dict[int, tuple[int, int] | None]) -> tuple[int, int] | None:
    """Return when a suite, or the one around it, began and ended; None where no suite says it."""
    if id(suite) not in known:
        text = suite.attributes.get("timestamp", "")
        span = None
        if text:
            start = moment_of(text, path)
            try:
                took = junit.seconds((suite.attributes.get("time") or "").strip(), None)
            except junit.ReportError as error:
                raise ClocheError(f"{path}: {error}") from error
            span = start, start + round((took or 0) * SECOND)
        elif suite.parent is not None:
            span = _time(suite.parent, path, known)
        known[id(suite)] = span
    return known[id(suite)]


def _named(case: junit.Case, path: Path) -> tuple[str, str | None]:
    """Return a test's name and its file."""
    classname, name = checked_text(case.classname, path), checked_text(case.name, path)
    file = checked_text(case.file, path) if case.file else None
    if file and (node := node_in_file(classname, name, file)):
        return node, file
    if case.suite.pytest and (not classname or (file and node_in_file(name, "", file))):
        # A file that could not be collected.
        file = file or (name if name.endswith(".py") else name.replace(".", "/") + ".py")
        return file, file
    if case.suite.pytest:
        return node_of_pytest(classname, name)
    return f"{classname}::{name}" if classname else name, file


def read_lines(path: Path, about: About) -> Iterator[ReportedRun]:
    """Yield the runs of a file that the pytest plugin wrote, one JSON object a line.

    A last line that was cut off, and a run without an end, are what a killed process leaves: the run is then open.
    """
    run: ReportedRun | None = None
    try:
        file = regular_file.open_regular(path)
    except OSError as error:
        raise ClocheError(f"{path}: {error.strerror}") from error
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
                _end(run, entry, where)
            else:
                raise ClocheError(f"{where}: it is neither a run nor what follows one")
    if run is not None:
        yield run


def _entry(line: bytes, where: str) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ClocheError(f"{where}: it is no JSON: {error}") from error
    if not isinstance(entry, dict):
        return {}
    if isinstance(at := entry.get("at"), int):
        try:
            moment(at / SECOND)
        except OverflowError as error:
            raise ClocheError(f"{where}: its time, {at} microseconds after 1970, has no date") from error
    return entry


def _begun(entry: dict[str, Any], where: str, about: About) -> ReportedRun:
    if entry.get("version") != VERSION:
        raise ClocheError(f"{where}: its version is {entry.get('version')!r}, and this Cloche reads {VERSION}")
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
    raise ClocheError(f"{where}: a run has the names run, at and environment")


def _end(run: ReportedRun, entry: dict[str, Any], where: str) -> None:
    match entry:
        case {"executions": int(said), "at": int(at)}:
            run.finished, run.open = at, False
        case _:
            raise ClocheError(f"{where}: an end has the names executions and at")
    if said != len(run.executions):
        raise too_few_cases(where, junit.IncompleteError(run.key, f"{said} tests", len(run.executions)))


def _executed(entry: dict[str, Any], where: str) -> ReportedExecution:
    match entry:
        case {"test": str(test), "file": str() | None as file, "outcome": str(outcome), "at": int(at)} if (
            outcome in PASSED
        ):
            test = checked_text(test, where)
            return ReportedExecution(test, file, outcome, _seconds(entry.get("duration"), where), at)
    raise ClocheError(f"{where}: an execution has the names test, file, outcome, duration and at")
