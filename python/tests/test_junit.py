"""JUnit XML: reports that real runners wrote, and the same suite as pytest's plugin of telemetry records it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cloche.cli import cloche
from cloche.errors import ClocheError
from cloche.outcomes import junit
from cloche.outcomes.failures import failing
from cloche.selection.impact.results import failed
from cloche.telemetry.histories import read_history
from cloche.telemetry.reports import node_in_file
from cloche.telemetry.sources import About, read_junit, read_lines
from cloche.untrusted import strict_json
from cloche.untrusted.limits import TELEMETRY

SUITE = """
import unittest, pytest

@pytest.fixture
def bad_start(): raise RuntimeError("start")

@pytest.fixture
def bad_end():
    yield
    raise RuntimeError("end")

def test_passes(subtests):
    for number in range(3):
        with subtests.test(number=number): pass

def test_subtest_fails(subtests):
    for number in range(3):
        with subtests.test(number=number): assert number != 1

@pytest.mark.xfail
def test_expected_and_bad_end(bad_end): assert 0

@pytest.mark.xfail
def test_expected_bad_start(bad_start): pass

def test_bad_start(bad_start): pass
def test_bad_end(bad_end): pass
def test_fails_and_bad_end(bad_end): assert 0
def test_skipped_and_bad_end(bad_end): pytest.skip("no")
def test_skipped(): pytest.skip("no")

class TestOld(unittest.TestCase):
    def test_subtest_fails(self):
        for number in range(3):
            with self.subTest(number=number): self.assertNotEqual(number, 1)

    class TestInner:
        pass

class TestNew:
    class TestInner:
        @pytest.mark.parametrize("value", ["a.b", "c::d"])
        def test_it(self, value): assert "." in value
"""
OUTCOMES = {
    "unit/test_it.py::test_passes": "passed",
    "unit/test_it.py::test_subtest_fails": "failed",
    "unit/test_it.py::test_expected_and_bad_end": "xfailed",
    "unit/test_it.py::test_expected_bad_start": "xfailed",
    "unit/test_it.py::test_bad_start": "error",
    "unit/test_it.py::test_bad_end": "error",
    "unit/test_it.py::test_fails_and_bad_end": "failed",
    "unit/test_it.py::test_skipped_and_bad_end": "error",
    "unit/test_it.py::test_skipped": "skipped",
    "unit/test_it.py::TestOld::test_subtest_fails": "failed",
    "unit/test_it.py::TestNew::TestInner::test_it[a.b]": "passed",
    "unit/test_it.py::TestNew::TestInner::test_it[c::d]": "failed",
    "unit/test_broken.py": "error",
}
ABOUT = About("p", 5)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("-o", "junit_family=xunit1"),
        ("-o", "junit_suite_name=ours"),
        ("-o", "junit_family=xunit1", "-o", "junit_suite_name=ours", "--junit-prefix=nightly"),
        ("-p", "xdist", "-n2"),
    ],
)
def test_what_pytest_writes(options: tuple[str, ...], tmp_path: Path) -> None:
    """All executions, by their node ids; the plugin of telemetry says the same of the same run."""
    (tmp_path / "unit").mkdir()
    (tmp_path / "unit/test_it.py").write_text(SUITE)
    (tmp_path / "unit/test_broken.py").write_text("def test(:")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "cloche.telemetry.plugin"]
    command += ["--continue-on-collection-errors", "--junit-xml=r.xml", "--telemetry=r.jsonl", *options]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True)
    assert done.returncode == 1, done.stdout + done.stderr
    [run] = read_junit(tmp_path / "r.xml", ABOUT)
    assert {one.test: one.outcome for one in run.executions} == OUTCOMES
    assert len(run.executions) == len(OUTCOMES)
    assert {one.file for one in run.executions} == {"unit/test_it.py", "unit/test_broken.py"}
    [lines] = read_lines(tmp_path / "r.jsonl", ABOUT)
    assert {one.test: one.outcome for one in lines.executions} == OUTCOMES
    assert len(lines.executions) == len(OUTCOMES)
    bad = {name for name, outcome in OUTCOMES.items() if failing(outcome)}
    assert len(failed(tmp_path / "r.xml")) == len(bad)


def suite(*cases: str, **attributes: object) -> bytes:
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<testsuites><testsuite{said}>{''.join(cases)}</testsuite></testsuites>".encode()


def told(data: bytes) -> list[tuple[str, str, float | None]]:
    return [(case.test, case.outcome, case.seconds) for case in junit.parse(data)]


# pytest 9.2 with pytest-rerunfailures 16.7 and --reruns 2, its texts left out: an attempt that is repeated looks like a test
# that passed.
RERUNS = b"""<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="0" failures="2"
skipped="0" tests="6" time="0.171" timestamp="2026-11-30T21:15:53.440369+00:00" hostname="h"><testcase classname="test_r"
name="test_a" time="0.001" /><testcase classname="test_r" name="test_a" time="0.000" /><testcase classname="test_r"
name="test_always" time="0.000" /><testcase classname="test_r" name="test_always" time="0.000" /><testcase classname="test_r"
name="test_always" time="0.000"><failure message="assert 0">...</failure></testcase><testcase classname="test_r" name="test_s"
time="0.003"><failure message="assert 1 &gt; 1">...</failure></testcase><testcase classname="test_r" name="test_s"
time="0.003" /><testcase classname="test_r" name="test_once" time="0.5" /></testsuite></testsuites>"""


def test_repeated_attempts_of_pytest_are_one_test() -> None:
    assert told(RERUNS) == [
        ("test_r::test_a", "flaky", 0.0),
        ("test_r::test_always", "failed", 0.0),
        ("test_r::test_s", "flaky", 0.003),
        ("test_r::test_once", "passed", 0.5),
    ]
    assert [case.message for case in junit.parse(RERUNS)][:3] == [
        "it passed at attempt 2",
        "assert 0",
        "assert 1 > 1",
    ]


def test_the_same_test_of_several_processes_is_several_executions() -> None:
    """`pytest --dist each` (pytest-xdist 3.8) has each test once a process, and counts them all."""
    case = '<testcase classname="test_r" name="test_y" time="0.000" />'
    assert len(told(suite(case, case, name="pytest", errors=0, failures=0, skipped=0, tests=2))) == len((case, case))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        pytest.param(
            # CTest 4 --output-junit.
            b"""<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="(empty)" tests="5" failures="2" disabled="1" skipped="1" hostname="" time="1" timestamp="2026-11-30T21:36:23">
<testcase name="good" classname="good" time="0.033051" status="run"><properties/><system-out></system-out></testcase>
<testcase name="bad" classname="bad" time="0.0189145" status="fail"><failure message="Failed"/><properties/></testcase>
<testcase name="missing" classname="missing" time="0" status="notrun"><skipped message="Unable to find executable"/></testcase>
<testcase name="off" classname="off" time="0" status="disabled"><properties/><system-out>Disabled</system-out></testcase>
<testcase name="slow" classname="slow" time="1.01413" status="fail"><failure message="Timeout"/></testcase></testsuite>""",
            [
                ("good::good", "passed", 0.033051),
                ("bad::bad", "failed", 0.0189145),
                ("missing::missing", "skipped", 0.0),
                ("off::off", "skipped", 0.0),
                ("slow::slow", "failed", 1.01413),
            ],
            id="ctest",
        ),
        pytest.param(
            # GoogleTest: disabled tests are in the report, and were not run.
            b"""<testsuites tests="3" failures="1" disabled="1" errors="0" time="0.011" timestamp="2026-01-02T00:00:00.500" name="AllTests">
<testsuite name="M" tests="3" failures="1" disabled="1" skipped="0" errors="0" time="0" timestamp="2026-01-02T00:00:00.500">
<testcase name="A" file="m.cc" line="3" status="run" result="completed" time="0.001" timestamp="2026-01-02" classname="M" />
<testcase name="B" file="m.cc" line="4" status="run" result="completed" time="0.01" classname="M"><failure message="a" type=""/>
<failure message="b" type=""/></testcase>
<testcase name="DISABLED_C" file="m.cc" line="5" status="notrun" result="suppressed" time="0" classname="M" />
</testsuite></testsuites>""",
            [("M::A", "passed", 0.001), ("M::B", "failed", 0.01), ("M::DISABLED_C", "skipped", 0.0)],
            id="googletest",
        ),
        pytest.param(
            # Surefire 2 with rerunFailingTestsCount, and a time with thousands.
            b"""<testsuite name="T" time="2,120.532" tests="3" errors="0" skipped="0" failures="1" flakes="1">
<testcase name="a" classname="T" time="2,120"/><testcase name="b" classname="T" time="0.5"><flakyFailure message="x" type="E">
<stackTrace>t</stackTrace></flakyFailure></testcase><testcase name="c" classname="T" time="1,002.5"><failure message="x"/>
<rerunFailure message="y"/></testcase></testsuite>""",
            [("T::a", "passed", 2120.0), ("T::b", "flaky", 0.5), ("T::c", "failed", 1002.5)],
            id="surefire",
        ),
        pytest.param(
            # unittest-xml-reporting 4.
            b"""<testsuites><testsuite name="test_u.T-2026" tests="3" file="test_u.py" time="0.021" failures="1" errors="1" skipped="1">
<testcase classname="test_u.T" name="test_sub (i=1)" time="0.012" file="test_u.py" line="12"><failure/></testcase>
<testcase classname="test_u.T" name="test_xf" time="0.000" file="test_u.py"><skipped type="XFAIL" message="expected"/></testcase>
<testcase classname="test_u.T" name="test_xp" time="0.000"><error type="UnexpectedSuccess"/></testcase></testsuite></testsuites>""",
            [
                ("test_u.T::test_sub (i=1)", "failed", 0.012),
                ("test_u.T::test_xf", "xfailed", 0.0),
                ("test_u.T::test_xp", "error", 0.0),
            ],
            id="unittest",
        ),
        pytest.param(
            # Cases right below the root; an error of a suite itself; suites in suites, whose counts are sums.
            b"""<testsuites tests="3" errors="1"><testcase classname="c" name="n" time=""/><testsuite name="o" tests="2" errors="1"><error message="m"/>
<testsuite name="i" tests="1"><testcase name="x"/></testsuite></testsuite></testsuites>""",
            [("c::n", "passed", None), ("::o", "error", None), ("::x", "passed", None)],
            id="nested",
        ),
        pytest.param(
            # Catch2 counts assertions.
            b"""<testsuites><testsuite name="t" errors="0" failures="1" skipped="0" tests="9" hostname="tbd" time="0" timestamp="2026-01-02T00:00:00Z">
<properties><property name="random-seed" value="1"/></properties><testcase classname="t.global" name="a" time="0" status="run">
<failure message="1 == 2" type="CHECK"/></testcase></testsuite></testsuites>""",
            [("t.global::a", "failed", 0.0)],
            id="catch2",
        ),
        pytest.param(
            # Mocha leaves out what is pending, and counts it.
            b"""<testsuites name="Mocha Tests" time="0.1" tests="2" failures="0" skipped="1"><testsuite name="s" tests="2" file="/t.js" time="0.1"
failures="0" skipped="1"><testcase name="s a" time="0.1" classname="a"/></testsuite></testsuites>""",
            [("a::s a", "passed", 0.1)],
            id="mocha",
        ),
        pytest.param(
            # behave's status alone says what was not run.
            suite('<testcase classname="f" name="a" status="untested" time="0"/>', name="f", tests=1),
            [("f::a", "skipped", 0.0)],
            id="behave",
        ),
        pytest.param(
            suite(
                '<testcase name="a" status="failed"/>', '<testcase name="b" result="Skipped"/>', failures=1, skipped=1
            ),
            [("::a", "failed", None), ("::b", "skipped", None)],
            id="attributes",
        ),
        pytest.param(
            # A failure counts wherever in its case it stands, and so does a word that says it beside another element.
            suite(
                '<testcase name="a"><failures><failure/></failures></testcase>',
                '<testcase name="b" result="FAIL"><skipped/></testcase>',
            ),
            [("::a", "failed", None), ("::b", "failed", None)],
            id="deeper",
        ),
    ],
)
def test_dialects(data: bytes, expected: list[tuple[str, str, float | None]]) -> None:
    assert told(data) == expected
    assert told(b"\xef\xbb\xbf" + data) == expected


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["0,160", "12,5"], [0.16, 12.5]),
        (["0,160", "2.120,532"], [0.16, 2120.532]),
        (["2,120.532", "1,000"], [2120.532, 1000.0]),
        (["1,234,567", "3"], [1234567.0, 3.0]),
        # Either of them.
        (["2,120", "3"], [None, 3.0]),
        (["2.120", "0,160"], [None, 0.16]),
        # Of two machines.
        (["0,160", "0.160", "2,120"], [0.16, 0.16, None]),
        (["1e-05", ".5", "5."], [1e-05, 0.5, 5.0]),
    ],
)
def test_durations_in_every_locale(times: list[str], expected: list[float | None]) -> None:
    cases = [f'<testcase name="{number}" time=" {time} "/>' for number, time in enumerate(times)]
    assert [case.seconds for case in junit.parse(suite(*cases))] == expected


@pytest.mark.parametrize(
    "time", ["nan", "inf", "-1", "1,2,3", "0,1.2,3", "1_0", "0x1", "٣", "1e9999", "1e999", "12,34.5"]
)
def test_what_is_no_duration(time: str) -> None:
    with pytest.raises(junit.ReportError, match="is no duration"):
        junit.parse(suite(f'<testcase name="a" time="{time}"/>'))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (suite(name="s", tests=1), "the suite 's' says that it has 1 tests, and holds 0"),
        (
            suite('<testcase name="a"/>', name="pytest", tests=1, failures=1),
            "the suite 'pytest' says that it has 1 failures and errors, and holds 0",
        ),
        (
            suite('<testcase name="a"><failure/></testcase>', '<testcase name="b"/>', tests=2, failures=1, errors=1),
            "the suite '' says that it has 2 failures and errors, and holds 1",
        ),
        (suite(name="s", tests="x"), "the suite 's' has 'x' as its number of tests, which is no number"),
        (
            suite('<testcase classname="c" name="a" status="melted"/>'),
            "the test 'c::a' has the status 'melted', which does not tell whether it passed",
        ),
        (
            suite('<testcase name="a"><testcase name="b"/></testcase>'),
            "the testcase 'b' stands inside of another one",
        ),
        (b"<html/>", "its root is <html>, where JUnit XML has <testsuites> or <testsuite>"),
        (b"<testsuite>", "it is no XML: no element found: line 1, column 11"),
        (b"", "it is no XML: no element found: line 1, column 0"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>', "it has a DTD or entities, which no report of tests needs"),
        (b'<!DOCTYPE a SYSTEM "/etc/passwd"><testsuite/>', "it has a DTD or entities, which no report of tests needs"),
        (
            '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><testsuite/>'.encode("utf-16"),
            "it has a DTD or entities",
        ),
    ],
)
def test_what_is_refused(data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(junit.ReportError) as caught:
        junit.parse(data)
    assert str(caught.value).startswith(message)
    path = tmp_path / "r.xml"
    path.write_bytes(data)
    incomplete = isinstance(caught.value, junit.IncompleteError)
    with pytest.raises(ClocheError) as refused:
        list(read_junit(path, ABOUT))
    assert refused.value.message == f"{path}: {caught.value}{'; nothing was imported' if incomplete else ''}"
    assert refused.value.exit_code == (1 if incomplete else 2)
    if data.startswith(b"<"):
        with pytest.raises(ClocheError, match=r"r\.xml"):
            failed(path)


def test_depth_and_number_cost_little() -> None:
    """One pass: suites in suites are not walked once a level."""
    deep = b"<testsuite>" * 100_000 + b'<testcase name="a"/>' + b"</testsuite>" * 100_000
    assert [case.test for case in junit.parse(deep)] == ["::a"]
    many = suite('<testcase name="a" time="1"/>' * 100_000, name="pytest", tests=100_000)
    assert len(junit.parse(many)) == 100_000


@pytest.mark.parametrize(
    ("classname", "file", "node"),
    [
        ("tests.test_a", "tests/test_a.py", "tests/test_a.py::t"),
        ("tests.test_a.Outer.Inner", "tests/test_a.py", "tests/test_a.py::Outer::Inner::t"),
        ("ours.tests.test_a.lower", "tests/test_a.py", "tests/test_a.py::lower::t"),
        ("docs.guide.txt", "docs/guide.txt", "docs/guide.txt::t"),
        # A test that is inherited from another file.
        ("tests.test_a.Child", "tests/base.py", None),
        ("mytests.test_a", "tests/test_a.py", None),
    ],
)
def test_a_given_file_tells_where_classes_begin(classname: str, file: str, node: str | None) -> None:
    assert node_in_file(classname, "t", file) == node


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("r.xml", "<testsuites/>"),
        ("r.xml", '<testsuites><testsuite name="s" tests="0"><properties/></testsuite></testsuites>'),
        ("r.jsonl", ""),
        ("r.jsonl", '{"kind": "run", "version": 1, "run": "a", "at": 1, "environment": {}}\n'),
        ("r.csv", "Name;Duration;LastRun;Verdict;BuildId\n"),
    ],
)
def test_an_import_that_holds_nothing_is_an_error(name: str, text: str, tmp_path: Path) -> None:
    source, store = tmp_path / name, tmp_path / "store.sqlite"
    source.write_text(text)
    error = (
        CliRunner().invoke(cloche, ["telemetry", "import", f"--store={store}", "--project=p", str(source)]).exception
    )
    assert isinstance(error, ClocheError), error
    assert error.message == (
        f"{source}: it holds no execution of a test, so nothing was imported; was the run that wrote it cut short, or did it\n"
        "select no test?"
    )
    assert error.exit_code == 2
    stats = CliRunner().invoke(cloche, ["telemetry", "stats", f"--store={store}", "--json"]).output
    assert strict_json.loads(stats.encode(), what="stats", limit=TELEMETRY)["runs"] == []


def test_an_empty_run_beside_others_is_stored(tmp_path: Path) -> None:
    lines = [
        {"kind": "run", "version": 1, "run": "empty", "at": 1, "environment": {}},
        {"kind": "end", "at": 2, "executions": 0},
        {"kind": "run", "version": 1, "run": "full", "at": 3, "environment": {}},
        {"kind": "execution", "test": "t", "file": None, "outcome": "passed", "duration": 1.0, "at": 4},
        {"kind": "end", "at": 5, "executions": 1},
    ]
    source = tmp_path / "r.jsonl"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    store = tmp_path / "store.sqlite"
    done = CliRunner().invoke(cloche, ["telemetry", "import", f"--store={store}", "--project=p", str(source)])
    assert "2 runs are new" in done.output, done.output


def test_a_history_is_one_file_with_its_own_rows(tmp_path: Path) -> None:
    """A name may have a line end or U+2028, a path is no pattern, and a folder is no column."""
    import duckdb

    source = tmp_path / "h.csv"
    source.write_text('Name,Duration,LastRun,Verdict,BuildId\n"a\u2028b\nc",1.5,2026-01-02,1,7\n', encoding="utf-8")
    [run] = read_history(source, ABOUT)
    assert [(one.test, one.outcome, one.duration) for one in run.executions] == [("a\u2028b\nc", "failed", 1.5)]
    folder = tmp_path / "BuildId=9"
    folder.mkdir()
    with duckdb.connect() as connection:
        row = "SELECT 'a' AS Name, 1.5 AS Duration, '2026-01-02' AS LastRun, 0 AS Verdict, 3 AS Cycle"
        connection.execute(f"COPY ({row}) TO '{tmp_path}/p' (FORMAT parquet)")
    (tmp_path / "p").rename(folder / "a[1].parquet")
    (folder / "a1.parquet").write_bytes(b"another file, which the pattern would find")
    [run] = read_history(folder / "a[1].parquet", ABOUT)
    # The build is the column's, whose durations are milliseconds, and not the folder's.
    assert (run.key, run.executions[0].duration) == ("history:p:a[1].parquet:3", 0.0015)
