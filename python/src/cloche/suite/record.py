"""Run a pytest suite in its environment and record the outcome of every test; standard library only.

The record holds what the tests did and nothing that differs from run to run: durations and pytest's own words go to
another output. A suite that could not be run at all (usage error, nothing collected, killed) is no outcome of a test:
the derivation fails, and nothing is cached.
"""

import ast
import json
import re
import shutil
import signal
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

from cloche.outcomes import junit
from cloche.outcomes.failures import failing
from cloche.suite.run import Selection, Suite

# pytest's exit codes (https://docs.pytest.org, "Exit codes"): 0 and 1 are outcomes, the others are not.
NO_RECORD = {
    2: "was interrupted (something in the suite raised KeyboardInterrupt, or its configuration stops at errors)",
    3: "had an internal error",
    4: "was used wrongly (see cloche.tests.arguments and the project's pytest configuration)",
    5: "collected no test (is their folder in cloche.tests.exclude, does no file match python_files, or are they inside\n"
    'the package? Then set cloche.tests.arguments = [ "--pyargs" "PACKAGE" ])',
}
NO_TEST = 5
# Signals by which a test's own code ends its process. Others come from without: from the machine, or from Nix.
CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}
MOST_CRASHES = 20
# The disk was full, or the memory: what the next run, or another machine, may have enough of.
LACKED = r"(OSError: \[Errno (28|122)\]|OSError: \[Errno 12\]|MemoryError\b)"


def stable(text: str) -> str:
    """Return a message without the memory addresses that differ from run to run."""
    return re.sub(r"\b0x[0-9a-f]{6,}\b", "0x...", text)


def lacked(report: ET.Element) -> list[str]:
    """Return the failures that say what the machine lacked, which are no outcomes of a test."""
    found = []
    for case in junit.cases_of(report):
        for mark in case.marks:
            message = mark.message.partition("\n")[0]
            if failing(junit.MARKS[mark.tag]) and re.match(LACKED, message):
                found.append(f"{case.test}: {message}")
    return found


def record(report: ET.Element) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Split pytest's report into outcomes, sorted by test, and durations in seconds."""
    outcomes: list[dict[str, Any]] = []
    durations: dict[str, float] = {}
    for case in junit.cases_of(report):
        outcomes.append({"test": case.test, "outcome": case.outcome, "message": stable(case.message)})
        durations[case.test] = case.seconds or 0.0
    return sorted(outcomes, key=lambda entry: entry["test"]), durations


def forget_run_times(report: ET.Element) -> None:
    """Remove what differs from run to run: durations, dates, memory addresses, and Hypothesis's statistics."""
    for properties in report.iter("properties"):
        for entry in list(properties):
            if entry.get("name", "").startswith("hypothesis-statistics-"):
                properties.remove(entry)
    for element in report.iter():
        for name in ("time", "timestamp", "hostname"):
            element.attrib.pop(name, None)
        element.text = stable(element.text) if element.text else element.text
        if "message" in element.attrib:
            element.set("message", stable(element.attrib["message"]))


def refused(suite: Suite) -> list[str]:
    """Return what was looked for and is not in the record, a text each with what to do."""
    found: dict[tuple[str, str, str], str] = {}
    for entry in suite.noted:
        if entry["kind"] == "refused":
            turn = suite.name_of(entry["turn"]) if entry["turn"] else "the run, before any test file,"
            found.setdefault((entry["what"], entry["name"], entry["key"]), turn)
    lines = []
    for (what, name, key), turn in sorted(found.items()):
        line = json.dumps(name.removesuffix(".*") + ".py" if name.endswith(".*") else name)
        lines.append(f'{turn} {what} {name}; the line to add to its "{key}" in cloche-tests.json:\n    {line},')
    return lines


def run_pytest(suite: Suite, words: Path, closure: dict[str, Any], only: list[str] | None = None) -> ET.Element:
    """Run the suite in a copy of its folder; return pytest's report.

    A test that ends its process by a signal is a test that crashed: the others are run again without it. Ends the
    program when there is nothing to record. `only` are tests by their names in the record.
    """
    crashed: dict[str, str] = {}
    while True:
        suite.prepare()
        selection = Selection(files=closure["files"], leave=closure["leave"], done=list(crashed), only=only)
        code = suite.run(words, selection, closure["timeout"])
        if code is None:
            sys.exit(
                f"time-out: the tests had not ended after {closure['timeout']} s (cloche.tests.timeout), at "
                f"{running(suite) or 'none of them'}. Nothing is recorded."
            )
        test = running(suite)
        if -code not in CRASHES or test is None or refused(suite):
            break
        crashed[test] = signal.Signals(-code).name
        if len(crashed) > MOST_CRASHES:
            sys.exit(f"more than {MOST_CRASHES} tests crashed: {', '.join(crashed)}. Nothing is recorded.")
    if only is None:
        sys.stdout.write(words.read_text(errors="replace"))
    if incomplete := refused(suite):
        sys.exit(
            "closure incomplete: tests looked for what cloche-tests.json does not say that they need. Run\n"
            "'nix run .#trace-tests', which renews it, or add the lines by hand. Nothing is recorded.\n  "
            + "\n  ".join(incomplete)
        )
    if code == NO_TEST and (closure["leave"] or crashed or is_elsewhere(suite)):
        return with_crashes(ET.Element("testsuites"), crashed)
    if code not in {0, 1}:
        what = f"was killed by signal {-code}" if code < 0 else NO_RECORD.get(code, "ended")
        sys.exit(f"pytest {what}; exit code {code}, its words are above. Nothing is recorded.")
    return with_crashes(reported(suite, code), crashed)


def left_out(recorded: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the locked packages that a batch was not given, as the tracer takes them."""
    table = (recorded or {}).get("packages")
    return {"table": table, "absent": sorted(table), "wheels": {}} if table else None


def is_elsewhere(suite: Suite) -> bool:
    """Return whether the project's arguments name files, and none of this batch: there is nothing of it to record."""
    return any(entry["kind"] == "elsewhere" for entry in suite.reported())


def reported(suite: Suite, code: int) -> ET.Element:
    """Return pytest's report; end the program where it is not about all tests, or not about all that went wrong."""
    if not suite.junit.exists():
        sys.exit(f"pytest wrote no report; exit code {code}, its words are above. Nothing is recorded.")
    if left := not_run(suite):
        sys.exit(
            f"pytest ended with {code} before {len(left)} of its tests had ended, the first of them {left[0]} (does something call\n"
            "pytest.exit?); its words are above. Nothing is recorded."
        )
    report = ET.parse(suite.junit).getroot()
    if code == 1 and not any(failing(case.outcome) for case in junit.cases_of(report)):
        sys.exit(
            "pytest ended with 1 though no test failed: a plugin or the suite's configuration says so (a coverage that is too\n"
            "low?); its words are above. Nothing is recorded."
        )
    return report


def not_run(suite: Suite) -> list[str]:
    """Return the tests that were to be run and have no report; the processes of pytest-xdist share them."""
    wanted: dict[str, None] = {}
    begun = set()
    for entry in suite.reported():
        if entry["kind"] == "selected":
            wanted |= dict.fromkeys(entry["tests"])
        elif entry["kind"] == "start":
            begun.add(entry["test"])
        elif entry["kind"] == "end" and not entry["whole"]:
            begun.discard(entry["test"])
    return [test for test in wanted if test not in begun]


def running(suite: Suite) -> str | None:
    """Return the test that had begun and not ended when the process ended, None if there was none."""
    test = None
    for entry in suite.reported():
        if entry["kind"] in {"start", "end"}:
            test = entry["test"] if entry["kind"] == "start" else None
    return test


def with_crashes(report: ET.Element, crashed: dict[str, str]) -> ET.Element:
    """Add the tests that ended their process to pytest's report, as it names tests there."""
    if crashed:
        suite = ET.SubElement(report, "testsuite", name="crashed")
        for test, name in crashed.items():
            classname, short = junit_name(test)
            case = ET.SubElement(suite, "testcase", classname=classname, name=short)
            ET.SubElement(case, "error", message=f"crashed: the process ended with {name}", type="crash")
    return report


def junit_name(test: str) -> tuple[str, str]:
    """Return the classname and the name of a pytest node id, as pytest's JUnit XML has them."""
    address, bracket, parameters = test.partition("[")
    file, *rest = address.split("::")
    parts = [re.sub(r"\.py$", "", file.replace("/", ".")), *rest]
    return ".".join(parts[:-1]), parts[-1] + bracket + parameters


def collection_errors(report: ET.Element, suite: Suite) -> None:
    """Give each test of a file that cannot be collected the file's error, so that none is missing in the record.

    The tests are those that the file's text defines; where it defines none, the error stands for the file.
    """
    for parent in report.iter("testsuite"):
        for case in [case for case in parent.findall("testcase") if not case.get("classname")]:
            error = case.find("error")
            if error is None:
                continue
            module = case.get("name") or ""
            file = suite.tree / f"{module.replace('.', '/')}.py"
            tests = tests_in(file) if file.is_file() else []
            if not tests:
                case.set("classname", module)
                case.set("name", "(collection)")
                continue
            parent.remove(case)
            for names in tests:
                fresh = ET.SubElement(parent, "testcase", classname=".".join([module, *names[:-1]]), name=names[-1])
                fresh.append(error)


def tests_in(file: Path) -> list[list[str]]:
    """Return the tests that a file defines, by Python's and pytest's default names: [function] or [class, function]."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return []
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    found = []
    for node in tree.body:
        if isinstance(node, functions) and node.name.startswith("test"):
            found.append([node.name])
        elif isinstance(node, ast.ClassDef):
            inside = [each.name for each in node.body if isinstance(each, functions)]
            found += [[node.name, name] for name in inside if name.startswith("test")]
    return found


def subtests(suite: Suite) -> dict[str, list[str]]:
    """Return the subtests that failed, by test: pytest's report has them without their names."""
    found: dict[str, list[str]] = {}
    for entry in suite.reported():
        if entry["kind"] == "subtest":
            classname, name = junit_name(entry["test"])
            found.setdefault(f"{classname}::{name}", []).append(stable(entry["name"]))
    return found


def run_again(suite: Suite, words: Path, closure: dict[str, Any], outcomes: list[dict[str, Any]], reruns: int) -> None:
    """Run the tests that failed in fresh processes, and call those flaky that do not fail each time."""
    bad = {entry["test"]: entry for entry in outcomes if entry["outcome"] in {"failed", "error"}}
    history = {test: [entry["outcome"]] for test, entry in bad.items()}
    for _ in range(reruns if bad else 0):
        again, _durations = record(run_pytest(suite, words, closure, sorted(bad)))
        for entry in again:
            if entry["test"] in history:
                history[entry["test"]].append(entry["outcome"])
    for test, kinds in history.items():
        if not set(kinds) <= {"failed", "error"}:
            message = bad[test]["message"]
            bad[test].update(outcome="flaky", message=f"{', '.join(kinds)} in {len(kinds)} runs: {message}")


def main(attributes: dict[str, Any]) -> None:
    """Run pytest in a copy of attributes["source"] and write the two outputs."""
    out, log = Path(attributes["outputs"]["out"]), Path(attributes["outputs"]["log"])
    closure = attributes["closure"]
    run = Suite.of(
        attributes,
        modules=closure["modules"],
        trace=closure["recorded"] is not None,
        recorded=closure["recorded"],
        packages=left_out(closure["recorded"]),
        coverage=attributes["coverage"],
    )
    words = run.top / "pytest.log"
    suite = run_pytest(run, words, closure)
    collection_errors(suite, run)
    if absent := lacked(suite):
        sys.exit("the machine lacked space or memory, so nothing is recorded:\n  " + "\n  ".join(absent))
    outcomes, durations = record(suite)
    if not outcomes and not closure["leave"] and not is_elsewhere(run):
        sys.exit("pytest reported no test at all; nothing is recorded.")
    inside = subtests(run)
    for entry in outcomes:
        if entry["test"] in inside:
            entry["subtests"] = inside[entry["test"]]
    run_again(run, words, closure, outcomes, attributes["reruns"])
    out.mkdir()
    log.mkdir()
    counts: dict[str, int] = {}
    for entry in outcomes:
        counts[entry["outcome"]] = counts.get(entry["outcome"], 0) + 1
    data = {"version": 1, "counts": counts, "tests": outcomes}
    (out / "outcomes.json").write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    if run.contexts.exists():
        shutil.copyfile(run.contexts, out / "coverage.json")
    forget_run_times(suite)
    ET.ElementTree(suite).write(out / "junit.xml", encoding="utf-8", xml_declaration=True)
    (log / "durations.json").write_text(json.dumps(durations, indent=1, sort_keys=True) + "\n")
    shutil.copyfile(words, log / "pytest.log")
    # Nix compares outputs one after the other, those that others refer to first, and stops at the first that differs.
    # By this link `nix build --rebuild` looks at the outcomes before it comes to the durations.
    (log / "record").symlink_to(out)
