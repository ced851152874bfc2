"""Run a pytest suite in its environment and record the outcome of every test; standard library only.

The record holds what the tests did and nothing that differs from run to run: durations and pytest's own words go to
another output. A suite that could not be run at all (usage error, nothing collected, killed) is no outcome of a test:
the derivation fails, and nothing is cached.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

# pytest's exit codes (https://docs.pytest.org, "Exit codes"): 0 and 1 are outcomes, the others are not.
NO_RECORD = {
    2: "was interrupted (a collection error, or something in the suite raised KeyboardInterrupt)",
    3: "had an internal error",
    4: "was used wrongly (see cloche.tests.arguments and the project's pytest configuration)",
    5: "collected no test (is their folder in cloche.tests.exclude, does no file match python_files, or are they inside\n"
    'the package? Then set cloche.tests.arguments = [ "--pyargs" "PACKAGE" ])',
}
# The disk was full, or the memory: what the next run, or another machine, may have enough of.
LACKED = r"(OSError: \[Errno (28|122)\]|OSError: \[Errno 12\]|MemoryError\b)"


def outcome_of(case: ET.Element) -> tuple[str, str]:
    """Return a test's outcome and its message, as JUnit XML has them.

    A test that was skipped, or failed as expected, can still fail when its fixtures end: then it has both marks, and the
    failure counts.
    """
    for tag, kind in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
        child = case.find(tag)
        if child is not None:
            # pytest's own word for a failure that the suite announces; judge_tests.py shows each of them.
            expected = tag == "skipped" and child.get("type") == "pytest.xfail"
            return "xfailed" if expected else kind, stable(child.get("message") or "")
    return "passed", ""


def stable(text: str) -> str:
    """Return a message without the memory addresses that differ from run to run."""
    return re.sub(r"\b0x[0-9a-f]{6,}\b", "0x...", text)


def lacked(report: ET.Element) -> list[str]:
    """Return the failures that say what the machine lacked, which are no outcomes of a test."""
    found = []
    for case in report.iter("testcase"):
        for child in case:
            message = (child.get("message") or "").partition("\n")[0]
            if child.tag in {"failure", "error"} and re.match(LACKED, message):
                found.append(f"{case.get('classname')}::{case.get('name')}: {message}")
    return found


def record(report: ET.Element) -> tuple[list[dict[str, str]], dict[str, float]]:
    """Split pytest's report into outcomes, sorted by test, and durations in seconds."""
    outcomes, durations = [], {}
    for case in report.iter("testcase"):
        test = f"{case.get('classname')}::{case.get('name')}"
        kind, message = outcome_of(case)
        outcomes.append({"test": test, "outcome": kind, "message": message})
        durations[test] = float(case.get("time") or 0)
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


def copy_source(source: str, tree: Path) -> None:
    """Copy a folder of the store to where tests can write."""
    shutil.copytree(source, tree, symlinks=True)
    for path in [tree, *tree.rglob("*")]:
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | 0o200)


def variables(attributes: dict[str, Any]) -> dict[str, str]:
    """Return the environment variables of a run of tests."""
    binaries = [f"{prefix}/bin" for prefix in [attributes["environment"], *attributes["programs"]]]
    return {
        **os.environ,
        "PATH": ":".join([*binaries, os.environ["PATH"]]),
        "COLUMNS": "120",
        "PY_COLORS": "0",
        **attributes["variables"],
    }


def run_pytest(attributes: dict[str, Any], top: Path) -> tuple[ET.Element, Path]:
    """Run the suite in a copy of its folder; return pytest's report and the file with its words.

    Ends the program when there is nothing to record.
    """
    tree = top / "project"
    copy_source(attributes["source"], tree)
    report, words = top / "junit.xml", top / "pytest.log"
    environment = variables(attributes)
    pytest = Path(attributes["environment"], "bin/pytest")
    if not pytest.exists():
        sys.exit(
            "pytest is not in the environment; add it to a dependency group that cloche.tests.groups names (normally\n"
            "[dependency-groups] test in pyproject.toml) and run 'nix run .#lock'"
        )
    # As the command `pytest` and not `python -m pytest`, which would put the tree on sys.path, before what was built.
    command = [str(pytest), "-p", "no:cacheprovider", f"--junit-xml={report}", *attributes["arguments"]]
    with words.open("wb") as file:
        done = subprocess.run(command, cwd=tree, env=environment, check=False, stdout=file, stderr=file)
    sys.stdout.write(words.read_text(errors="replace"))
    code = done.returncode
    if code not in {0, 1}:
        what = f"was killed by signal {-code}" if code < 0 else NO_RECORD.get(code, "ended")
        sys.exit(f"pytest {what}; exit code {code}, its words are above. Nothing is recorded.")
    if not report.exists():
        sys.exit(f"pytest wrote no report; exit code {code}, its words are above. Nothing is recorded.")
    return ET.parse(report).getroot(), words


def main(attributes: dict[str, Any]) -> None:
    """Run pytest in a copy of attributes["source"] and write the two outputs."""
    out, log = Path(attributes["outputs"]["out"]), Path(attributes["outputs"]["log"])
    suite, words = run_pytest(attributes, Path(os.environ["NIX_BUILD_TOP"]))
    if absent := lacked(suite):
        sys.exit("the machine lacked space or memory, so nothing is recorded:\n  " + "\n  ".join(absent))
    outcomes, durations = record(suite)
    if not outcomes:
        sys.exit("pytest reported no test at all; nothing is recorded.")
    out.mkdir()
    log.mkdir()
    counts: dict[str, int] = {}
    for entry in outcomes:
        counts[entry["outcome"]] = counts.get(entry["outcome"], 0) + 1
    data = {"version": 1, "counts": counts, "tests": outcomes}
    (out / "outcomes.json").write_text(json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    forget_run_times(suite)
    ET.ElementTree(suite).write(out / "junit.xml", encoding="utf-8", xml_declaration=True)
    (log / "durations.json").write_text(json.dumps(durations, indent=1, sort_keys=True) + "\n")
    shutil.copyfile(words, log / "pytest.log")
    # Nix compares outputs one after the other, those that others refer to first, and stops at the first that differs.
    # By this link `nix build --rebuild` looks at the outcomes before it comes to the durations.
    (log / "record").symlink_to(out)
